//! Periods of windows (`P30D`, `P6M`, `P1Y`) and limits of clocks (`7bd`, `48h`, `7d`, `1bd@17:00`).

use chrono::Months;
use core::fmt;

use crate::time::Day;

/// Longest period or limit, in its own unit: a century of days.
pub const PERIOD_MAX: u32 = 36_525;

/// A span of calendar days, months or years after an anchor, last day inclusive (H-1, H-3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Days(u32),
    /// Years are twelve months each.
    Months(u32),
}

impl Period {
    /// From ISO 8601, one unit only: `P14D`, `P2W`, `P6M`, `P1Y`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('P')?;
        let unit = digits.chars().last()?;
        let number = number(digits.strip_suffix(unit)?)?;
        match unit {
            'D' => Some(Period::Days(number)),
            'W' => Some(Period::Days(number.checked_mul(7)?)),
            'M' => Some(Period::Months(number)),
            'Y' => Some(Period::Months(number.checked_mul(12)?)),
            _ => None,
        }
    }
    /// The last day, counted from the anchor's local date as day 0; months are clamped to their end (H-3).
    pub fn last_day(self, anchor: Day) -> Option<Day> {
        match self {
            Period::Days(days) => anchor.plus_days(days),
            Period::Months(months) => anchor.date().checked_add_months(Months::new(months)).map(Day::of),
        }
    }
}
impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Period::Days(1) => f.write_str("1 day"),
            Period::Days(n) => write!(f, "{n} days"),
            Period::Months(12) => f.write_str("1 year"),
            Period::Months(n) if n % 12 == 0 => write!(f, "{} years", n / 12),
            Period::Months(1) => f.write_str("1 month"),
            Period::Months(n) => write!(f, "{n} months"),
        }
    }
}

/// How long a clock runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Elapsed hours between instants (H-5).
    Hours(u32),
    /// Calendar days, to the end of the local day.
    Days(u32),
    /// Business days (H-4), to the end of the local day or to a minute of it.
    BusinessDays(u32, Option<u16>),
}

impl Limit {
    /// From `48h`, `7d`, `7bd`, `1bd@17:00`.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(hours) = text.strip_suffix('h') {
            return number(hours).map(Limit::Hours);
        }
        let (days, minute) = match text.split_once('@') {
            Some((days, time)) => (days, Some(minute(time)?)),
            None => (text, None),
        };
        match (days.strip_suffix("bd"), days.strip_suffix('d'), minute) {
            (Some(n), _, minute) => number(n).map(|n| Limit::BusinessDays(n, minute)),
            (None, Some(n), None) => number(n).map(Limit::Days),
            _ => None,
        }
    }
}
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Limit::Hours(n) => write!(f, "{n} hours"),
            Limit::Days(n) => write!(f, "{n} days"),
            Limit::BusinessDays(n, None) => write!(f, "{n} business days"),
            Limit::BusinessDays(n, Some(minute)) => {
                write!(f, "{n} business days, {:02}:{:02}", minute / 60, minute % 60)
            }
        }
    }
}

fn number(text: &str) -> Option<u32> {
    // Nothing and 007 are slips of the pen.
    if text.starts_with('0') || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|n| *n <= PERIOD_MAX)
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit());
        is_two.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    (hour <= 23 && minute <= 59).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn periods_clamp_to_the_end_of_the_month() {
        for (anchor, period, last) in [
            ("2024-03-01", "P14D", "2024-03-15"),
            ("2024-02-20", "P14D", "2024-03-05"),
            ("2023-02-20", "P14D", "2023-03-06"),
            ("2024-02-29", "P1Y", "2025-02-28"),
            ("2023-08-31", "P6M", "2024-02-29"),
            ("2022-08-31", "P6M", "2023-02-28"),
            ("2024-01-01", "P90D", "2024-03-31"),
            ("2024-01-01", "P2W", "2024-01-15"),
        ] {
            let day = Day::parse(anchor).ok().and_then(|d| Period::parse(period)?.last_day(d));
            assert_eq!(day.map(|d| format!("{d}")).as_deref(), Some(last), "{anchor} + {period}");
        }
    }

    #[test]
    fn what_is_no_period_and_no_limit() {
        for text in ["P0D", "P07D", "", "P", "14D", "P14", "P-1D", "P1D2M", "P99999999D", "PT48H", "p1d"] {
            assert_eq!(Period::parse(text), None, "{text}");
        }
        for text in ["", "h", "48", "bd", "7d@17:00", "1bd@25:00", "1bd@7:00", "1bd@17", "-1d", "1.5h"] {
            assert_eq!(Limit::parse(text), None, "{text}");
        }
        assert_eq!(Limit::parse("1bd@17:00"), Some(Limit::BusinessDays(1, Some(1020))));
        assert_eq!(Limit::parse("48h"), Some(Limit::Hours(48)));
        assert_eq!(Limit::parse("7d"), Some(Limit::Days(7)));
    }
}
