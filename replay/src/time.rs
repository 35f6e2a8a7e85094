//! Time as a value. The engine compares times, it never asks for one.

use alloc::{format, string::String};
use chrono::{DateTime, Datelike, Days, FixedOffset, NaiveDate, Timelike, Weekday};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Latest instant the ledger accepts, in microseconds since 1970 (2^53-1: the year 2255).
pub const MICROS_MAX: i64 = (1 << 53) - 1;
/// Largest UTC offset of a place, in minutes.
pub const OFFSET_MINUTES_MAX: i16 = 18 * 60;

const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Instant(i64);

impl Instant {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Instant = Instant(0);
    /// # Errors
    /// [`BadTime`] before 1970 or after 2255.
    pub fn from_micros(micros: i64) -> Result<Self, BadTime> {
        if (0..=MICROS_MAX).contains(&micros) { Ok(Self(micros)) } else { Err(BadTime::OutOfRange) }
    }
    /// Microseconds since 1970.
    pub fn micros(self) -> i64 {
        self.0
    }
}
impl TryFrom<i64> for Instant {
    type Error = BadTime;
    fn try_from(micros: i64) -> Result<Self, BadTime> {
        Self::from_micros(micros)
    }
}
impl From<Instant> for i64 {
    fn from(at: Instant) -> i64 {
        at.0
    }
}
impl fmt::Display for Instant {
    /// RFC 3339 in UTC, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        When { at: *self, offset_minutes: 0 }.fmt(f)
    }
}

/// An instant together with the UTC offset of the place where it happened, so that its local date is a
/// fact of the event and needs no time-zone database (H-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct When {
    /// The instant.
    pub at: Instant,
    /// UTC offset of the place, in minutes east.
    pub offset_minutes: i16,
}

/// Why a text is no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadTime {
    /// `2024-04-15T12:00:00` says nothing about where.
    WithoutOffset(String),
    /// Not RFC 3339.
    NotATime(String),
    /// Not `YYYY-MM-DD`.
    NotADay(String),
    /// Not `YYYY-MM`.
    NotAMonth(String),
    /// Before 1970 or after 2255.
    OutOfRange,
}

impl fmt::Display for BadTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadTime::WithoutOffset(t) => {
                write!(f, "the time '{t}' has no UTC offset; write it like 2024-04-15T12:00:00-05:00")
            }
            BadTime::NotATime(t) => write!(f, "'{t}' is no time; write it like 2024-04-15T12:00:00-05:00"),
            BadTime::NotADay(t) => write!(f, "'{t}' is no day; write it like 2024-04-15"),
            BadTime::NotAMonth(t) => write!(f, "'{t}' is no month; write it like 2024-04"),
            BadTime::OutOfRange => f.write_str("the time lies outside 1970 to 2255"),
        }
    }
}
impl core::error::Error for BadTime {}

impl When {
    /// From RFC 3339 with an offset.
    ///
    /// # Errors
    /// [`BadTime::WithoutOffset`] when only the offset is missing, [`BadTime::NotATime`] otherwise.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        // A long text is no time; do not repeat it in the message.
        let shown = || String::from(text.get(..40).unwrap_or(text));
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| {
            if DateTime::parse_from_rfc3339(&format!("{}Z", text.trim_end())).is_ok() {
                BadTime::WithoutOffset(shown())
            } else {
                BadTime::NotATime(shown())
            }
        })?;
        if parsed.timestamp_subsec_nanos() % 1_000 != 0 {
            // The ledger keeps microseconds; what is finer would be lost without a word.
            return Err(BadTime::NotATime(shown()));
        }
        let at = Instant::from_micros(parsed.timestamp_micros())?;
        let offset_minutes =
            i16::try_from(parsed.offset().local_minus_utc() / 60).map_err(|_| BadTime::OutOfRange)?;
        Self::new(at, offset_minutes)
    }
    /// # Errors
    /// [`BadTime::OutOfRange`] for an offset beyond 18 hours.
    pub fn new(at: Instant, offset_minutes: i16) -> Result<Self, BadTime> {
        if offset_minutes.unsigned_abs() > OFFSET_MINUTES_MAX.unsigned_abs() {
            return Err(BadTime::OutOfRange);
        }
        Ok(Self { at, offset_minutes })
    }
    fn local(self) -> Option<DateTime<FixedOffset>> {
        let offset = FixedOffset::east_opt(i32::from(self.offset_minutes) * 60)?;
        Some(DateTime::from_timestamp_micros(self.at.0)?.with_timezone(&offset))
    }
    /// The date on the wall where it happened.
    pub fn local_day(self) -> Day {
        Day(self.local().map_or(NaiveDate::MIN, |t| t.date_naive()))
    }
    /// The minute of that day, from 0 to 1,439.
    pub fn local_minute(self) -> u16 {
        let local = self.at.0.saturating_add(i64::from(self.offset_minutes) * MINUTE_MICROS);
        u16::try_from(local.div_euclid(MINUTE_MICROS).rem_euclid(1_440)).unwrap_or(0)
    }
    /// So many elapsed hours later, in the same place (H-5).
    pub fn plus_hours(self, hours: u32) -> Option<Self> {
        let micros = i64::from(hours).checked_mul(60 * MINUTE_MICROS)?;
        let at = Instant::from_micros(self.at.0.checked_add(micros)?).ok()?;
        Some(Self { at, ..self })
    }
}
impl When {
    /// RFC 3339, with a fraction only where there is one, written where there is room for it; `None` for a time that no
    /// calendar has. Replay writes some for every claim, which is why no formatter is asked.
    fn text(self, room: &mut [u8; WHEN_LEN_MAX]) -> Option<&str> {
        let local = self.local()?;
        let mut room = Room { bytes: room, len: 0 };
        room.put(local.year().try_into().ok()?, 4, b'-');
        room.put(local.month(), 2, b'-');
        room.put(local.day(), 2, b'T');
        room.put(local.hour(), 2, b':');
        room.put(local.minute(), 2, b':');
        let micros = local.timestamp_subsec_micros();
        let mark = match self.offset_minutes {
            0 => b'Z',
            1.. => b'+',
            _ => b'-',
        };
        if micros > 0 {
            room.put(local.second(), 2, b'.');
            room.put(micros, 6, mark);
        } else {
            room.put(local.second(), 2, mark);
        }
        let offset = u32::from(self.offset_minutes.unsigned_abs());
        if offset > 0 {
            room.put(offset / 60, 2, b':');
            room.put(offset % 60, 2, b' ');
            room.len = room.len.saturating_sub(1);
        }
        let Room { bytes, len } = room;
        core::str::from_utf8(bytes.get(..len)?).ok()
    }
}

/// Bytes of `2255-06-05T23:47:34.740991+18:00`, and one that is taken back.
const WHEN_LEN_MAX: usize = 33;

/// Where digits are put one after the other.
struct Room<'a, const N: usize> {
    bytes: &'a mut [u8; N],
    len: usize,
}

impl<const N: usize> Room<'_, N> {
    /// So many last digits of a number, and a mark.
    fn put(&mut self, number: u32, digits: usize, mark: u8) {
        let end = self.len.saturating_add(digits);
        let mut left = number;
        for byte in self.bytes.get_mut(self.len..end).unwrap_or_default().iter_mut().rev() {
            *byte = b'0' + u8::try_from(left % 10).unwrap_or(0);
            left /= 10;
        }
        if let Some(byte) = self.bytes.get_mut(end) {
            *byte = mark;
        }
        self.len = end.saturating_add(1);
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text(&mut [0; WHEN_LEN_MAX]).unwrap_or("(time out of range)"))
    }
}
impl Serialize for When {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.text(&mut [0; WHEN_LEN_MAX]).unwrap_or("(time out of range)"))
    }
}
impl<'de> Deserialize<'de> for When {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        When::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A calendar day, `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(NaiveDate);

impl Day {
    /// # Errors
    /// [`BadTime::NotADay`].
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime::NotADay(String::from(text.get(..40).unwrap_or(text)));
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map(Self).map_err(|_| bad())?;
        // One day, one spelling: signs, blanks and short years that the library lets through are refused.
        if format!("{day}") == text { Ok(day) } else { Err(bad()) }
    }
    /// The calendar month this day lies in.
    pub fn month(self) -> Month {
        Month { year: self.0.year(), month: u8::try_from(self.0.month()).unwrap_or(1) }
    }
    /// The civil date, for date arithmetic.
    pub fn date(self) -> NaiveDate {
        self.0
    }
    /// A civil date as a day.
    pub fn of(date: NaiveDate) -> Self {
        Self(date)
    }
    /// So many calendar days later; `None` beyond the calendar.
    pub fn plus_days(self, days: u32) -> Option<Self> {
        self.0.checked_add_days(Days::new(days.into())).map(Self)
    }
    /// The year, for finding its holidays.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or(0)
    }
    /// Saturday or Sunday (H-4).
    pub fn is_weekend(self) -> bool {
        matches!(self.0.weekday(), Weekday::Sat | Weekday::Sun)
    }
    /// The instant at which a minute of this day begins where clocks stand at this offset; minute 1,440 is its end.
    pub fn at_minute(self, minute: u16, offset_minutes: i16) -> Option<Instant> {
        let midnight = self.0.and_hms_opt(0, 0, 0)?.and_utc().timestamp_micros();
        let minutes = i64::from(minute).checked_sub(i64::from(offset_minutes))?;
        Instant::from_micros(midnight.checked_add(minutes.checked_mul(MINUTE_MICROS)?)?).ok()
    }
}
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.year() {
            year @ 0..=9_999 => write!(f, "{year:04}-{:02}-{:02}", self.0.month(), self.0.day()),
            _ => write!(f, "{}", self.0.format("%Y-%m-%d")),
        }
    }
}
impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Day::parse(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// A calendar month, `YYYY-MM`: the period of the refund totals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month {
    year: i32,
    month: u8,
}
impl Month {
    /// From `YYYY-MM`.
    ///
    /// # Errors
    /// [`BadTime::NotAMonth`].
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = |_| BadTime::NotAMonth(String::from(text.get(..40).unwrap_or(text)));
        Day::parse(&format!("{text}-01")).map(Day::month).map_err(bad)
    }
    /// The month after this one; `None` beyond the calendar.
    pub fn next(self) -> Option<Self> {
        let (year, month) =
            if self.month < 12 { (self.year, self.month + 1) } else { (self.year.checked_add(1)?, 1) };
        let next = Self { year, month };
        next.first_day().map(|_| next)
    }
    /// Its first day; `None` beyond the calendar.
    pub fn first_day(self) -> Option<Day> {
        NaiveDate::from_ymd_opt(self.year, self.month.into(), 1).map(Day)
    }
}
impl core::str::FromStr for Month {
    type Err = BadTime;
    fn from_str(text: &str) -> Result<Self, BadTime> {
        Self::parse(text)
    }
}
impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}
impl Serialize for Month {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use super::{Day, Instant, MICROS_MAX, When};
    use alloc::borrow::Cow;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    impl JsonSchema for When {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            "When".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let pattern = concat!(
                "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
                r"T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?",
                "(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
            );
            json_schema!({ "title": "time with offset", "type": "string", "format": "date-time", "pattern": pattern })
        }
    }
    impl JsonSchema for Day {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            "Day".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            let pattern = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";
            json_schema!({ "title": "day", "type": "string", "format": "date", "pattern": pattern })
        }
    }
    impl JsonSchema for Instant {
        fn inline_schema() -> bool {
            true
        }
        fn schema_name() -> Cow<'static, str> {
            "Instant".into()
        }
        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "title": "microseconds since 1970-01-01T00:00:00Z", "type": "integer", "minimum": 0, "maximum": MICROS_MAX
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_keeps_the_offset_of_its_place() {
        let when = When::parse("2024-04-15T23:30:00-05:00").map_err(|e| format!("{e}"));
        let when = when.as_ref();
        assert_eq!(when.map(|w| format!("{w}")), Ok("2024-04-15T23:30:00-05:00".into()));
        assert_eq!(when.map(|w| format!("{}", w.local_day())), Ok("2024-04-15".into()));
        assert_eq!(when.map(|w| format!("{}", w.at)), Ok("2024-04-16T04:30:00Z".into()));
    }

    #[test]
    fn a_time_without_offset_is_told_apart_from_rubbish() {
        assert!(matches!(When::parse("2024-04-15T12:00:00"), Err(BadTime::WithoutOffset(_))));
        assert!(matches!(When::parse("yesterday"), Err(BadTime::NotATime(_))));
        assert!(matches!(When::parse("1969-12-31T23:59:59Z"), Err(BadTime::OutOfRange)));
        assert!(matches!(Day::parse("2024-02-30"), Err(BadTime::NotADay(_))));
        for text in ["2024-2-3", "-001-01-01", "2024- 1- 1", "+2024-1-01", "0000000001", "2024-01-01 "] {
            assert!(matches!(Day::parse(text), Err(BadTime::NotADay(_))), "{text}");
        }
        assert!(matches!(When::parse("2024-01-01T00:00:00.1234567Z"), Err(BadTime::NotATime(_))));
    }

    #[test]
    fn a_time_is_written_as_chrono_writes_it() {
        let zulu = |text: String| text.strip_suffix("+00:00").map_or(text.clone(), |t| format!("{t}Z"));
        for micros in [0, 1, 999_999, 1_000_000, 1_709_251_199_000_000, 1_709_164_800_000_001, MICROS_MAX] {
            for offset_minutes in [0, 1, -1, 59, 60, -330, 345, OFFSET_MINUTES_MAX, -OFFSET_MINUTES_MAX] {
                let when = When { at: Instant(micros), offset_minutes };
                let format = match micros % 1_000_000 {
                    0 => chrono::SecondsFormat::Secs,
                    _ => chrono::SecondsFormat::Micros,
                };
                let theirs = when.local().map(|t| zulu(t.to_rfc3339_opts(format, false)));
                assert_eq!(Some(format!("{when}")), theirs);
                if micros > OFFSET_MINUTES_MAX as i64 * MINUTE_MICROS {
                    assert_eq!(When::parse(&format!("{when}")), Ok(when));
                }
            }
        }
    }
}
