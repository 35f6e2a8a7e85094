//! Sums, clocks and people.

use replay::{
    books::Sums,
    duty::{ROLES, RULES, Rule},
    registry::Registry,
};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

use super::Lines;
use crate::{
    error::{Error, ErrorKind, Result},
    judging::{
        board::Board,
        leakage::{Category, Report as Leakage, Sum},
        whatif::{Change, Report as WhatIf},
        world::{NotProved, Whole},
    },
    lineage::{Entry, Lineage},
    periods::PeriodRow,
    sod::{CONFLICTS, NEAR_MISSES, Report as Sod},
    view::By,
};

/// Sums per group and currency.
pub type Groups = BTreeMap<(Vec<String>, String), Sums>;

/// Refund totals by groups.
///
/// # Errors
/// As [`Lines::of`], here and below.
pub fn totals(groups: &Groups, by: &[By]) -> Result<Lines> {
    let mut lines = Lines::default();
    for ((names, currency), sums) in groups {
        let mut row = serde_json::Map::new();
        for (by, name) in by.iter().zip(names) {
            row.insert(by.as_str().into(), json!(name));
        }
        row.insert("currency".into(), json!(currency));
        row.insert("credits".into(), json!(sums.credits));
        row.insert("credited_minor".into(), json!(sums.credited_minor));
        row.insert("reversed_minor".into(), json!(sums.reversed_minor));
        row.insert("failed_minor".into(), json!(sums.failed_minor));
        row.insert("stands_minor".into(), json!(sums.net_minor()));
        lines.add(&row)?;
    }
    Ok(lines)
}

/// Totals by posting month, from the list of months.
///
/// # Errors
/// Another group beside it.
pub fn posted(rows: &[PeriodRow], by: &[By]) -> Result<Groups> {
    if by.len() > 1 {
        return Err(Error::new(
            ErrorKind::Usage,
            "posting_month_stands_alone",
            "posting-month is grouped by nothing else",
        )
        .hint("claims totals --by posting-month; --by month,merchant counts by when things happened"));
    }
    let sums = |row: &PeriodRow| Sums {
        credits: row.credits,
        credited_minor: row.credited_minor,
        reversed_minor: row.reversed_minor,
        failed_minor: row.failed_minor,
    };
    let named = |row: &PeriodRow| {
        row.currency
            .map(|currency| ((vec![row.period.to_string()], currency.as_str().to_string()), sums(row)))
    };
    Ok(rows.iter().filter_map(named).collect())
}

/// The board of clocks.
pub fn due(board: &Board) -> Result<Lines> {
    let mut lines = Lines::default();
    lines.each("clock", &board.clocks)?;
    lines.each("missed_notice", &board.missed)?;
    lines.each("calendar", &board.warnings)?;
    lines.each("clock_count", &board.counts)?;
    lines.each("missed_count", &board.missed_counts)?;
    Ok(lines)
}

/// Cases that are in no figure.
pub fn not_proved(whole: &Whole) -> Result<Lines> {
    let mut lines = Lines::default();
    whole.not_proved.iter().try_for_each(|case| lines.add(&NotProved { what: "not_proved", case }))?;
    Ok(lines)
}

/// A sum as programs read it.
#[derive(Serialize)]
struct SumRow<'a> {
    category: Category,
    merchant: &'a str,
    currency: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a str>,
    #[serde(flatten)]
    sum: &'a Sum,
}

/// What the report is about.
#[derive(Serialize)]
struct LookedAt {
    claims: u64,
    historical: u64,
    ungoverned: u64,
}

/// Money without a clause.
pub fn leakage(report: &Leakage) -> Result<Lines> {
    let mut lines = Lines::default();
    lines.each("row", &report.rows)?;
    for ((category, (merchant, currency), by), sum) in &report.groups {
        let row = SumRow { category: *category, merchant, currency, by: Some(by), sum };
        lines.each("group", [&row])?;
    }
    for ((category, (merchant, currency)), sum) in &report.totals {
        let row = SumRow { category: *category, merchant, currency, by: None, sum };
        lines.each("total", [&row])?;
    }
    let Leakage { claims, historical, ungoverned, .. } = *report;
    lines.each("looked_at", [&LookedAt { claims, historical, ungoverned }])?;
    Ok(lines)
}

/// Claims that were not judged.
#[derive(Serialize)]
struct LeftAlone {
    historical: u64,
    of_others: u64,
    ungoverned: u64,
}

/// Claims judged by another version.
pub fn what_if(report: &WhatIf, shown: &[Change], of_all: bool) -> Result<Lines> {
    let mut lines = Lines::default();
    lines.each("claim", shown)?;
    lines.each("total", &report.totals)?;
    if of_all {
        let WhatIf { historical, of_others, ungoverned, .. } = *report;
        lines.each("left_alone", [&LeftAlone { historical, of_others, ungoverned }])?;
    }
    Ok(lines)
}

/// Who holds which roles, and the limits.
pub fn people(registry: &Registry) -> Result<Lines> {
    let mut lines = Lines::default();
    for (actor, roles) in registry.actors() {
        lines.add(&json!({ "what": "actor", "actor": actor, "roles": roles }))?;
    }
    for (role, act, amount) in registry.limits() {
        lines.add(&json!({ "what": "limit", "role": role, "act": act, "amount": amount }))?;
    }
    lines.add(&json!({ "what": "sum", "governed": registry.is_governed() }))?;
    Ok(lines)
}

/// Who did what should be for two.
pub fn sod(report: &Sod) -> Result<Lines> {
    let mut lines = Lines::default();
    for (what, list) in [("conflict", &report.conflicts), ("near_miss", &report.near_misses)] {
        for found in list {
            let mut answer = json!(found);
            if let Some(fields) = answer.as_object_mut() {
                fields.insert("what".into(), json!(what));
            }
            lines.add(&answer)?;
        }
    }
    for (person, count) in &report.people {
        lines.add(&json!({ "what": "person", "person": person, "conflicts": count.conflicts,
                           "near_misses": count.near_misses }))?;
    }
    lines.add(&json!({
        "what": "sum", "events": report.events, "unread": report.unread, "governed": report.governed,
        "conflicts": report.conflicts.len(), "near_misses": report.near_misses.len(),
    }))?;
    Ok(lines)
}

/// The roles, and the rules that keep duties apart.
pub fn sod_rules() -> Result<Lines> {
    let mut lines = Lines::default();
    for role in ROLES {
        lines.add(
            &json!({ "what": "role", "role": role.name, "approves": role.approves, "says": role.says }),
        )?;
    }
    for (what, rules) in [("enforced", RULES), ("conflict", CONFLICTS), ("near_miss", NEAR_MISSES)] {
        for Rule { id, says, from } in rules {
            lines.add(&json!({ "what": what, "rule": id, "says": says, "from": from }))?;
        }
    }
    Ok(lines)
}

/// An event of a figure, as programs read it.
#[derive(Serialize)]
struct EntryRow<'a> {
    what: &'static str,
    figure: &'a str,
    unit: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

/// A figure, as programs read it.
#[derive(Serialize)]
struct FigureRow<'a> {
    what: &'static str,
    #[serde(flatten)]
    lineage: &'a Lineage,
    events: usize,
}

/// Figures, each with its events.
pub fn lineage(found: &[Lineage], most: usize) -> Result<Lines> {
    let mut lines = Lines::default();
    for one in found {
        let (figure, unit) = (one.figure.as_str(), one.unit.as_str());
        lines.add(&FigureRow { what: "figure", lineage: one, events: one.entries.len() })?;
        for entry in one.entries.iter().take(most) {
            lines.add(&EntryRow { what: "event", figure, unit, entry })?;
        }
    }
    Ok(lines)
}
