//! From a date as a file writes it to an instant with the offset of its place.

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDateTime, NaiveTime, TimeZone,
    format::{Fixed, Item, Parsed, StrftimeItems, parse},
    offset::LocalResult,
};
use chrono_tz::Tz;
use replay::time::{BadTime, Instant, When};
use serde::Deserialize;
use std::{fmt, ops::Range};
use toml::Spanned;

use super::mapping::{Wrong, wrong};

/// The table `[date]` of a mapping.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DatesWire {
    format: Spanned<String>,
    time: Option<Spanned<String>>,
    zone: Option<Spanned<String>>,
    offset: Option<Spanned<String>>,
}

/// How the dates of a file are read.
#[derive(Debug, Clone)]
pub(super) struct Dates {
    format: String,
    items: Vec<Item<'static>>,
    /// Local time of day for a format that has none.
    time: Option<NaiveTime>,
    place: Place,
}

/// Where the offset comes from.
#[derive(Debug, Clone, Copy)]
enum Place {
    Zone(Tz),
    Offset(FixedOffset),
    InTheText,
}

/// A date that cannot be taken, with what to do about it.
#[derive(Debug)]
pub(super) enum BadDate {
    NotInTheFormat(String),
    NeverOnTheClock(Tz),
    OffsetHasSeconds(Tz),
    OutOfRange,
}

impl BadDate {
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotInTheFormat(_) => "the format is [date] format of the mapping, as in strftime",
            Self::NeverOnTheClock(_) => {
                "the clock was put forward over this time; find out when it was, or which zone is meant"
            }
            Self::OffsetHasSeconds(_) => "give the time in a zone or offset of whole minutes",
            Self::OutOfRange => "the ledger takes times from 1970 to 2255; look for years of two digits",
        }
    }
}

impl fmt::Display for BadDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotInTheFormat(format) => write!(f, "is no date of the form {format}"),
            Self::NeverOnTheClock(zone) => write!(f, "was never on the clock in {zone}"),
            Self::OffsetHasSeconds(zone) => {
                write!(f, "falls where {zone} was off by seconds, not whole minutes")
            }
            Self::OutOfRange => write!(f, "cannot be taken: {}", BadTime::OutOfRange),
        }
    }
}

impl Dates {
    /// Checks that a format gives a whole date, and that time of day and offset come from exactly one place.
    pub fn new(wire: Spanned<DatesWire>) -> Result<Self, Wrong> {
        let table = wire.span();
        let DatesWire { format, time, zone, offset } = wire.into_inner();
        let (items, has) = probe(&format)?;
        let time = match (time, has.time) {
            (Some(text), false) => Some(time_of_day(&text)?),
            (None, true) => None,
            (Some(text), true) => return Err(wrong(&text.span(), "the format has a time of day already")),
            (None, false) => {
                let hint = "write time = \"12:00\" under [date], or whatever local time the notes were made";
                return Err(Wrong { hint: hint.into(), ..wrong(&table, "the format has no time of day") });
            }
        };
        let place = match (zone, offset, has.offset) {
            (Some(zone), None, false) => Place::Zone(zone_of(&zone)?),
            (None, Some(offset), false) => Place::Offset(offset_of(&offset)?),
            (None, None, true) => Place::InTheText,
            (None, None, false) => {
                let hint =
                    "write zone = \"Europe/London\" (the merchant's) or offset = \"+01:00\" under [date]";
                return Err(Wrong {
                    hint: hint.into(),
                    ..wrong(&table, "nothing says which clock the dates are from")
                });
            }
            _ => {
                let rule = "the clock of the dates comes from zone, from offset or from %z in the format: one of them";
                return Err(wrong(&table, rule));
            }
        };
        Ok(Self { format: format.into_inner(), items, time, place })
    }

    /// The instant, and whether the clock showed this time twice (then it is the earlier one).
    pub fn read(&self, text: &str) -> Result<(When, bool), BadDate> {
        let not_in_the_format = || BadDate::NotInTheFormat(self.format.clone());
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).map_err(|_| not_in_the_format())?;
        let date = parsed.to_naive_date().map_err(|_| not_in_the_format())?;
        let time = match self.time {
            Some(time) => time,
            None => parsed.to_naive_time().map_err(|_| not_in_the_format())?,
        };
        // Far from the ends of what chrono can reckon with, whatever the offset.
        if !(1969..=2256).contains(&date.year()) {
            return Err(BadDate::OutOfRange);
        }
        let local = date.and_time(time);
        match self.place {
            Place::Zone(zone) => in_zone(local, zone),
            Place::Offset(offset) => Ok((fixed(local, offset)?, false)),
            Place::InTheText => {
                let offset = parsed.to_fixed_offset().map_err(|_| not_in_the_format())?;
                Ok((fixed(local, offset)?, false))
            }
        }
    }
}

fn in_zone(local: NaiveDateTime, zone: Tz) -> Result<(When, bool), BadDate> {
    let (at, twice) = match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => (at, false),
        // The clock was put back: the first of the two, which still had the old offset.
        LocalResult::Ambiguous(first, second) => (first.min(second), true),
        LocalResult::None => return Err(BadDate::NeverOnTheClock(zone)),
    };
    let at = at.fixed_offset();
    if at.offset().local_minus_utc() % 60 != 0 {
        return Err(BadDate::OffsetHasSeconds(zone));
    }
    Ok((when(at)?, twice))
}

fn fixed(local: NaiveDateTime, offset: FixedOffset) -> Result<When, BadDate> {
    when(local.and_local_timezone(offset).single().ok_or(BadDate::OutOfRange)?)
}

fn when(at: DateTime<FixedOffset>) -> Result<When, BadDate> {
    let instant = Instant::from_micros(at.timestamp_micros()).map_err(|_| BadDate::OutOfRange)?;
    let minutes = i16::try_from(at.offset().local_minus_utc() / 60).map_err(|_| BadDate::OutOfRange)?;
    When::new(instant, minutes).map_err(|_| BadDate::OutOfRange)
}

/// What a format gives besides the date.
struct Has {
    time: bool,
    offset: bool,
}

/// Writes a date with the format and reads it back: the only proof that all of it is there.
fn probe(format: &Spanned<String>) -> Result<(Vec<Item<'static>>, Has), Wrong> {
    let at: Range<usize> = format.span();
    let bad = |why: &str| {
        let hint = "like \"%Y-%m-%d %H:%M:%S\", as in strftime; docs.rs/chrono lists the letters under format::strftime";
        Wrong { hint: hint.into(), ..wrong(&at, why) }
    };
    let items = StrftimeItems::new(format.get_ref())
        .parse_to_owned()
        .map_err(|_| bad("the date format holds a % that means nothing"))?;
    if items.iter().any(|item| matches!(item, Item::Fixed(Fixed::TimezoneName))) {
        return Err(bad("%Z is not read: names of zones in a file are not unique; say zone instead"));
    }
    let witness = DateTime::parse_from_rfc3339("2011-10-28T13:45:50+01:00").map_err(|_| bad("no witness"))?;
    let mut parsed = Parsed::new();
    let written = witness.format_with_items(items.iter()).to_string();
    parse(&mut parsed, &written, items.iter())
        .map_err(|_| bad("a date in this format cannot be read back"))?;
    if parsed.timestamp().is_some() {
        return Err(bad("seconds since 1970 are not read"));
    }
    if parsed.to_naive_date() != Ok(witness.date_naive()) {
        return Err(bad("the format does not hold year, month and day"));
    }
    let time =
        parsed.hour_mod_12().or(parsed.hour_div_12()).or(parsed.minute()).or(parsed.second()).is_some();
    if time && parsed.to_naive_time().is_err() {
        return Err(bad(
            "the format holds a part of a time of day only; hour and minute are needed, %I needs %p",
        ));
    }
    Ok((items, Has { time, offset: parsed.offset().is_some() }))
}

fn time_of_day(text: &Spanned<String>) -> Result<NaiveTime, Wrong> {
    NaiveTime::parse_from_str(text.get_ref(), "%H:%M")
        .map_err(|_| wrong(&text.span(), "a time of day is written like 12:00"))
}

fn zone_of(text: &Spanned<String>) -> Result<Tz, Wrong> {
    text.get_ref().parse().map_err(|_| Wrong {
        hint: "a name of the IANA time zone database, like Europe/London; for a fixed clock use offset"
            .into(),
        ..wrong(&text.span(), format!("{:?} is no time zone", text.get_ref()))
    })
}

fn offset_of(text: &Spanned<String>) -> Result<FixedOffset, Wrong> {
    // Through a whole time, so that an offset is here what it is everywhere else: +01:00, -05:00 or Z.
    DateTime::parse_from_rfc3339(&format!("2011-10-28T13:45:50{}", text.get_ref()))
        .map(|at| *at.offset())
        .map_err(|_| wrong(&text.span(), "an offset is written like +01:00, -05:00 or Z"))
}
