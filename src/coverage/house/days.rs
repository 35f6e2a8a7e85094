//! Days, months, business days, hours, deliveries and the anchors of replacements (H-1 to H-6, H-21).

use chrono::Datelike;
use replay::{
    event::Event,
    judge::{Chance, Clock, Due, WindowState},
    policy::{Anchor, Limit, Period, ReplacementAnchor},
    time::{Day, When},
};

use crate::coverage::Sight;

/// The alternatives of the windows that apply to a unit of the claim.
fn chances<'s>(s: &'s Sight<'_>) -> impl Iterator<Item = &'s Chance> {
    s.judged
        .units
        .iter()
        .flat_map(|unit| unit.applied.iter().filter_map(|at| unit.windows.get(*at)).flat_map(|w| &w.chances))
}

/// H-1: the last day counts, the day after does not.
pub fn last_days(s: &Sight<'_>) -> [bool; 2] {
    let on = |chance: &Chance, days: u32| {
        chance.act.zip(chance.last_day).is_some_and(|(act, last)| last.plus_days(days) == Some(act.value))
    };
    [chances(s).any(|c| on(c, 0)), chances(s).any(|c| on(c, 1))]
}

fn universal(when: When) -> Option<Day> {
    When::new(when.at, 0).ok().map(When::local_day)
}

/// H-2: an earlier contact counts instead of the opening, or the local date is another than the one in UTC.
pub fn contact(s: &Sight<'_>) -> [bool; 2] {
    let facts = &s.trial.facts;
    let (contact, opened) = (facts.contact.value, facts.opened.value);
    let special = contact.at != opened.at || universal(contact) != Some(contact.local_day());
    let decides = chances(s).any(|c| c.act.is_some() && c.last_day.is_some());
    [special && decides, !special && decides]
}

/// H-3: months after which there is no such day end with the month.
pub fn months(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for chance in chances(s) {
        if let (Some(anchor), Some(Period::Months(_)), Some(last)) =
            (chance.anchor, chance.period, chance.last_day)
        {
            let same = anchor.value.date().day() == last.date().day();
            seen[usize::from(same)] = true;
        }
    }
    seen
}

fn clocks<'s>(s: &'s Sight<'_>) -> impl Iterator<Item = (&'s Clock, Limit)> {
    let of_order = s.order.map(|order| order.clocks.as_slice()).unwrap_or_default();
    let all = s.judged.clocks.iter().chain(of_order);
    all.filter_map(|clock| Some((clock, s.policy().slas.get(clock.sla)?.within?)))
}

/// H-4: between the start of a business-day clock and its due day lies a weekday that is no business day, or none.
pub fn holidays(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for (clock, limit) in clocks(s) {
        let (Limit::BusinessDays(..), Due::By(due) | Due::AtMinute(due, _)) = (limit, &clock.due) else {
            continue;
        };
        let Some(calendar) = &s.policy().calendar else { continue };
        let is_holiday = |day: Day| {
            let year = s.registry.year_under(calendar, day.year(), s.cut);
            !day.is_weekend() && year.is_some_and(|year| year.holidays.contains(&day))
        };
        let from = clock.from.value.local_day();
        let days = (1..).map_while(|n| from.plus_days(n).filter(|day| day <= due));
        seen[usize::from(!days.into_iter().any(is_holiday))] = true;
    }
    seen
}

/// H-5: a clock of hours starts under one offset and is stopped under another, or under the same.
pub fn hours(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for (clock, _) in clocks(s).filter(|(_, limit)| matches!(limit, Limit::Hours(_))) {
        if let Some(met) = clock.met {
            seen[usize::from(met.value.offset_minutes == clock.from.value.offset_minutes)] = true;
        }
    }
    seen
}

/// H-6: without a scan the window has not started; the scan of the unit's own parcel starts it.
pub fn deliveries(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for unit in &s.judged.units {
        for window in unit.applied.iter().filter_map(|at| unit.windows.get(*at)) {
            for chance in window.chances.iter().filter(|c| c.alternative.after == Anchor::Delivery) {
                seen[0] |= chance.anchor.is_none() && window.state == WindowState::Held;
                seen[1] |= chance.anchor.is_some();
            }
        }
    }
    seen
}

/// H-21: units that were replaced under another claim keep their anchors, or take those of the unit in hand.
pub fn anchors(s: &Sight<'_>) -> [bool; 2] {
    let own = s.trial.facts.units.units();
    let others = s.case.claims.iter().filter(|(id, _)| *id != s.id);
    let replaced =
        others.flat_map(|(_, claim)| claim.history.standing(s.cut)).any(|event| match &*event.event {
            Event::ReplacementShipped(r) => {
                event.effective.at <= s.trial.facts.contact.value.at && !r.units.intersection(&own).is_empty()
            }
            _ => false,
        });
    let moves = s.policy().replacement_anchor == Some(ReplacementAnchor::LatestUnit);
    [replaced && !moves, replaced && moves]
}
