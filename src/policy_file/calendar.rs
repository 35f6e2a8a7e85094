//! Calendars of public holidays: one event per calendar and year (H-4).

use std::collections::BTreeSet;

use chrono::Datelike;
use replay::{
    event::ledger::CalendarPublished,
    ids::{Code, Word},
    time::Day,
};

use super::{
    document::{Document, Node},
    fault::Fault,
};
use crate::error::Result;

/// First year whose days the ledger can hold.
const YEAR_MIN: u16 = 1970;
/// Last year whose days the ledger can hold.
const YEAR_MAX: u16 = 2255;

/// Every year of every calendar, in the order of the file; holidays in the order of the year.
///
/// # Errors
/// See [`super::calendars`].
pub(super) fn read(document: &Document<'_>) -> Result<Vec<CalendarPublished>> {
    let mut published = Vec::new();
    for calendar in document.root().entries()? {
        let id = Code::new(calendar.key()).map_err(|why| calendar.fault(Fault::value_is(why.rule)))?;
        let source = calendar.required("source")?;
        let source = Word::new(source.text()?).map_err(|why| source.fault(Fault::value_is(why.rule)))?;
        for entry in calendar.entries()?.into_iter().filter(|entry| entry.key() != "source") {
            let (year, holidays) = year(&entry)?;
            published.push(CalendarPublished {
                calendar: id.clone(),
                year,
                holidays,
                source: source.clone(),
            });
        }
    }
    Ok(published)
}

fn year(entry: &Node<'_>) -> Result<(u16, Vec<Day>)> {
    let name = || entry.key().to_string();
    let year = (entry.key().len() == 4).then(|| entry.key().parse::<u16>().ok()).flatten();
    let year = year
        .filter(|year| (YEAR_MIN..=YEAR_MAX).contains(year))
        .ok_or_else(|| entry.fault(Fault::YearIsUnsound { year: name() }))?;
    let mut days = BTreeSet::new();
    for item in entry.list("a list of dates", "[2024-01-01, 2024-12-25]")? {
        let day = item.day()?;
        if day.date().year() != i32::from(year) {
            return Err(item.fault(Fault::DayIsInAnotherYear { day: day.to_string(), year }));
        }
        if !days.insert(day) {
            return Err(item.fault(Fault::DayIsThereTwice { day: day.to_string() }));
        }
    }
    if days.is_empty() {
        return Err(entry.fault(Fault::YearHasNoDays { year: name() }));
    }
    Ok((year, days.into_iter().collect()))
}
