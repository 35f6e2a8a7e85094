//! Calendars as the board needs them: counting business days, and saying in time that a year is missing.

use replay::{
    history::Cut,
    ids::{Code, PolicyId},
    judge::{Clock, Due},
    policy::{Limit, Policy},
    registry::Registry,
    time::Day,
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use super::row::MissingYear;

/// A calendar is named when its published years end within so many days.
pub const WARN_DAYS: u32 = 120;
/// Longest distance that is counted in business days; beyond it calendar days tell enough.
const COUNTED_DAYS_MAX: u64 = 1_100;

/// A calendar that is too short, or soon will be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The calendar; none when a policy counts business days and names none.
    pub calendar: Option<Code>,
    /// The year to publish.
    pub year: u16,
    /// Policies that count by it.
    pub policies: Vec<String>,
    /// Due dates that this year holds.
    pub held: u64,
    /// Last day that the published years reach, from the moment on.
    pub ends: Option<Day>,
}

pub(super) struct Calendars<'a> {
    registry: &'a Registry,
    cut: Cut,
    /// Policies whose clocks count business days, by calendar.
    used: BTreeMap<Code, BTreeSet<PolicyId>>,
    held: BTreeMap<MissingYear, u64>,
}

impl<'a> Calendars<'a> {
    pub(super) fn new(registry: &'a Registry, cut: Cut) -> Self {
        Self { registry, cut, used: BTreeMap::new(), held: BTreeMap::new() }
    }

    /// A policy that clocks run under.
    pub(super) fn policy(&mut self, id: &PolicyId, rules: &Policy) {
        let in_business_days = |limit: Option<Limit>| matches!(limit, Some(Limit::BusinessDays(..)));
        let Some(calendar) = &rules.calendar else { return };
        if self.used.get(calendar).is_some_and(|policies| policies.contains(id)) {
            return;
        }
        if rules.slas.iter().any(|sla| in_business_days(sla.within) || in_business_days(sla.expect)) {
            self.used.entry(calendar.clone()).or_default().insert(id.clone());
        }
    }

    /// Counts a due date that waits for a year.
    pub(super) fn missing(&mut self, clock: &Clock) {
        if let Due::YearIsMissing { calendar, year } = &clock.due
            && clock.met.is_none()
        {
            let missing = MissingYear { calendar: calendar.clone(), year: *year };
            let count = self.held.entry(missing).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// Business days between two days, the later one included; `None` when a year is missing or it is too far.
    pub(super) fn business_days(&self, calendar: &Code, a: Day, b: Day) -> Option<u64> {
        let (first, last) = (a.min(b), a.max(b));
        let mut day = first;
        let (mut seen, mut count) = (0u64, 0u64);
        while day < last {
            day = day.plus_days(1)?;
            seen = seen.saturating_add(1);
            if seen > COUNTED_DAYS_MAX {
                return None;
            }
            let year = self.registry.year_under(calendar, day.year(), &self.cut)?;
            if !day.is_weekend() && !year.holidays.contains(&day) {
                count = count.saturating_add(1);
            }
        }
        Some(count)
    }

    /// Years that hold a due date, and calendars that end soon.
    pub(super) fn warnings(&self, today: Day) -> Vec<Warning> {
        let policies = |calendar: &Code| -> Vec<String> {
            self.used.get(calendar).into_iter().flatten().map(ToString::to_string).collect()
        };
        let mut warnings: Vec<Warning> = self
            .held
            .iter()
            .map(|(missing, held)| Warning {
                calendar: missing.calendar.clone(),
                year: missing.year,
                policies: missing.calendar.as_ref().map(policies).unwrap_or_default(),
                held: *held,
                ends: None,
            })
            .collect();
        for calendar in self.used.keys() {
            let mut year = today.year();
            let mut ends = None;
            while self.registry.year_under(calendar, year, &self.cut).is_some() {
                ends = Day::parse(&format!("{year}-12-31")).ok();
                year = year.saturating_add(1);
            }
            let known = |w: &Warning| w.calendar.as_ref() == Some(calendar) && w.year == year;
            if let Some(warning) = warnings.iter_mut().find(|w| known(w)) {
                warning.ends = ends;
                continue;
            }
            let soon = today.plus_days(WARN_DAYS);
            if ends.is_none_or(|ends| soon.is_some_and(|soon| ends < soon)) {
                let policies = policies(calendar);
                warnings.push(Warning { calendar: Some(calendar.clone()), year, policies, held: 0, ends });
            }
        }
        warnings
    }
}
