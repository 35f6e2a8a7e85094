//! Which months are sealed, and on which day a fact is posted that comes after its month was sealed.
//!
//! A sealed month keeps its totals: what is learned later is posted into the next open one, as accountants
//! do with a late voucher. Nothing is moved: the event keeps the day on which it happened.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    codec::Envelope,
    event::Event,
    ids::Position,
    time::{Day, Month, When},
};

/// Every seal and every reopening, by month and in the order of the log. Built by [`Periods::apply`] alone,
/// so that a question about an early position is answered as it was answered then.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Periods {
    changes: BTreeMap<Month, Vec<(Position, bool)>>,
}

impl Periods {
    /// Takes in an event of the log at its position; all but seals and reopenings move nothing here. Positions grow.
    pub fn apply(&mut self, position: Position, event: &Event) {
        let (period, closed) = match event {
            Event::PeriodClosed(p) => (&p.period, true),
            Event::PeriodReopened(p) => (&p.period, false),
            _ => return,
        };
        // The payload's own check lets through nothing but a month.
        let Ok(month) = Month::parse(period) else { return };
        self.changes.entry(month).or_default().push((position, closed));
    }

    /// Whether this month was sealed by the events before a position.
    pub fn is_closed(&self, month: Month, before: Position) -> bool {
        let changes = self.changes.get(&month).map_or(&[][..], Vec::as_slice);
        changes.iter().rev().find(|(position, _)| *position < before).is_some_and(|(_, closed)| *closed)
    }

    /// The day on which an event at `position` is posted: its own local day (`effective`) or, when that month
    /// was sealed before it, the day it was recorded if its month is open, else the first day of the next
    /// month that is.
    pub fn posting_day(&self, effective: Day, recorded: Day, position: Position) -> Day {
        if !self.is_closed(effective.month(), position) {
            return effective;
        }
        if !self.is_closed(recorded.month(), position) {
            return recorded;
        }
        // Ends: only so many months were ever sealed, and the calendar's end is a day as well.
        let mut month = recorded.month();
        while let Some(next) = month.next() {
            month = next;
            if !self.is_closed(month, position) {
                break;
            }
        }
        month.first_day().unwrap_or(recorded)
    }

    /// As [`Periods::posting_day`], from what every event carries. The day of recording is that of the place
    /// where the event happened: its own offset, so that replay needs no time-zone database.
    pub fn posting_day_of(&self, envelope: &Envelope) -> Day {
        let recorded = When { at: envelope.recorded_at, offset_minutes: envelope.effective.offset_minutes };
        self.posting_day(envelope.effective.local_day(), recorded.local_day(), envelope.position)
    }

    /// The months that were ever sealed, with every seal (true) and reopening (false) by position.
    pub fn changes(&self) -> impl Iterator<Item = (Month, &[(Position, bool)])> {
        self.changes.iter().map(|(month, changes)| (*month, changes.as_slice()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::event::{PeriodClosed, PeriodReopened};
    use alloc::{format, string::String};

    fn at(position: u64) -> Position {
        Position::new(position).unwrap_or(Position::FIRST)
    }
    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }
    fn month(text: &str) -> Month {
        Month::parse(text).unwrap()
    }
    /// Seals and reopenings, as `position month` and `position -month`.
    fn periods(text: &str) -> Periods {
        let mut periods = Periods::default();
        for line in text.lines() {
            let (position, period) = line.split_once(' ').unwrap_or_default();
            let event: Event = match period.strip_prefix('-') {
                Some(period) => {
                    let reason_code = crate::ids::Code::new("late_invoice").unwrap();
                    PeriodReopened { period: period.into(), reason_code }.into()
                }
                None => PeriodClosed { period: period.into(), totals: Vec::new() }.into(),
            };
            periods.apply(at(position.parse().unwrap_or(0)), &event);
        }
        periods
    }
    fn posted(periods: &Periods, effective: &str, recorded: &str, position: u64) -> String {
        format!("{}", periods.posting_day(day(effective), day(recorded), at(position)))
    }

    #[test]
    fn a_month_is_sealed_from_the_position_after_its_seal() {
        let periods = periods("10 2024-03\n20 -2024-03\n30 2024-03");
        let closed = |position| periods.is_closed(month("2024-03"), at(position));
        assert_eq!([9, 10, 11, 20, 21, 30, 31].map(closed), [false, false, true, true, false, false, true]);
        assert!(!periods.is_closed(month("2024-04"), at(31)));
    }

    #[test]
    fn a_late_fact_is_posted_into_the_open_month() {
        let periods = periods("10 2024-03\n11 2024-04\n12 2024-05");
        assert_eq!(posted(&periods, "2024-03-31", "2024-04-02", 9), "2024-03-31", "in time");
        assert_eq!(posted(&periods, "2024-03-31", "2024-04-02", 11), "2024-04-02", "late, and April is open");
        assert_eq!(
            posted(&periods, "2024-03-31", "2024-04-02", 13),
            "2024-06-01",
            "late, up to May all is sealed"
        );
        assert_eq!(posted(&periods, "2024-06-30", "2024-07-01", 13), "2024-06-30", "June is open");
    }

    #[test]
    fn the_year_turns() {
        let periods = periods("10 2023-12");
        assert_eq!(posted(&periods, "2023-12-31", "2023-12-31", 11), "2024-01-01");
    }
}
