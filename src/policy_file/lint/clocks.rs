//! Clocks: whether they can be computed, and for how long.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate};
use replay::{
    event::ledger::{CalendarPublished, PolicyPublished},
    policy::{Limit, Policy, Sla},
    time::Day,
};

use super::{Lint, and, field, numbered, space::rest, table};

/// A calendar whose last year ends sooner than this many days is told: the next one has to be published before the
/// first clock runs into it.
pub const CALENDAR_DAYS_LEFT_MIN: i64 = 120;

/// How many days a calendar still has when this is its last year; below zero when it has ended.
pub fn days_left(last: u16, today: Day) -> i64 {
    let end = NaiveDate::from_ymd_opt(i32::from(last), 12, 31);
    end.map_or(0, |end| end.signed_duration_since(today.date()).num_days())
}

pub(super) fn check(
    l: &mut Lint<'_>,
    published: &PolicyPublished,
    calendars: &[CalendarPublished],
    today: Option<Day>,
) {
    let p = l.policy;
    for (at, row) in p.slas.iter().enumerate() {
        let place = numbered("sla", at);
        if is_after(row.expect, row.within) {
            let says = "expects it later than the deadline";
            l.error("deadline_is_before_the_expected", &field(&place, "expect"), says, "exchange the two")
                .cite(["H-4"]);
        }
        if in_business_days(row) && p.calendar.is_none() {
            let says = "counts business days, and the policy names no calendar of public holidays";
            let hint =
                "add calendar = \"...\" to [policy], and publish its years with claims policy calendars";
            l.error("calendar_is_missing", &place, says, hint).cite(["H-4"]);
        }
    }
    places(l);
    if p.slas.iter().any(in_business_days) {
        years(l, published, calendars, today);
    }
}

fn in_business_days(row: &Sla) -> bool {
    [row.within, row.expect].into_iter().flatten().any(|limit| matches!(limit, Limit::BusinessDays(..)))
}

/// Limits of different units are not compared.
fn is_after(expect: Option<Limit>, within: Option<Limit>) -> bool {
    match (expect, within) {
        (Some(Limit::Hours(a)), Some(Limit::Hours(b)))
        | (Some(Limit::Days(a)), Some(Limit::Days(b)))
        | (Some(Limit::BusinessDays(a, _)), Some(Limit::BusinessDays(b, _))) => a > b,
        _ => false,
    }
}

/// A clock for some places, and none for the others.
fn places(l: &mut Lint<'_>) {
    let p: &Policy = l.policy;
    for (at, row) in p.slas.iter().enumerate() {
        let Some((region, is_outside)) = row.scope.region else { continue };
        let Some(region) = p.regions.get(region) else { continue };
        let same = p.slas.iter().filter(|other| other.from == row.from && other.to == row.to);
        let said: Vec<_> = same.map(|other| l.space.area(&other.scope)).collect();
        let anywhere = replay::policy::Scope { region: None, ..row.scope.clone() };
        if rest(vec![l.space.area(&anywhere)], &said).is_none_or(|left| left.is_empty()) {
            continue;
        }
        let side = if is_outside { "inside" } else { "outside" };
        let says = format!("has no counterpart {side} {}: no clock runs there", region.name);
        l.note(
            "clock_is_left_open",
            &numbered("sla", at),
            says,
            "nothing to do when the document is silent there",
        )
        .cite(["H-11"]);
    }
}

/// The years of the calendar that clocks run through.
fn years(l: &mut Lint<'_>, published: &PolicyPublished, calendars: &[CalendarPublished], today: Option<Day>) {
    let Some(calendar) = &l.policy.calendar else { return };
    let place = field(&table("policy"), "calendar");
    let known: BTreeSet<u16> =
        calendars.iter().filter(|known| known.calendar == *calendar).map(|known| known.year).collect();
    let Some(last) = known.last().copied() else {
        let says = format!(
            "names calendar {calendar}, of which no year is known: due times in business days are held"
        );
        let hint =
            "publish its years with claims policy calendars; claims policy lint --calendars FILE reads them";
        l.warning("calendar_is_unknown", &place, says, hint).cite(["H-4"]);
        return;
    };
    let this_year = today.map(Day::year);
    let first = u16::try_from(published.effective_from.date().year()).unwrap_or_default();
    let until = this_year.map_or(last, |year| year.min(last));
    let missing: Vec<String> =
        (first..=until).filter(|year| !known.contains(year)).map(|year| year.to_string()).collect();
    let hint = "publish the missing year with claims policy calendars";
    if !missing.is_empty() {
        let says =
            format!("has no holidays of {calendar} for {}: due times that touch it are held", and(&missing));
        let is_now = this_year.is_some_and(|year| !known.contains(&year));
        let finding = if is_now {
            l.warning("calendar_year_is_missing", &place, says, hint)
        } else {
            l.note("calendar_year_is_missing", &place, says, hint)
        };
        finding.cite(["H-4"]);
    }
    let Some(left) = today.map(|today| days_left(last, today)) else { return };
    if left <= CALENDAR_DAYS_LEFT_MIN {
        let when = if left < 0 { "ended" } else { "ends" };
        let says =
            format!("has calendar {calendar}, whose last year {when} with {last}: later due times are held");
        let hint = format!("publish {} with claims policy calendars", last.saturating_add(1));
        l.warning("calendar_runs_out", &place, says, &hint).cite(["H-4"]);
    }
}
