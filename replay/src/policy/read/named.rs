//! What other rows name: regions, windows and discretion points.

use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

use super::{Reader, Row, RowName, TABLE_ROWS_MAX};
use crate::{
    allocate::BP_WHOLE,
    ids::Code,
    policy::{Alternative, AmountBound, DiscretionPoint, Period, Region, Window},
};

pub(super) fn read(r: &mut Reader, body: &Value) {
    each(r, body, "regions", region);
    each(r, body, "windows", window);
}

/// The names of all discretion points, whether or not the rest of their rows can be read.
pub(super) fn points(body: &Value) -> BTreeSet<String> {
    let rows = body.get("discretion").and_then(Value::as_array).into_iter().flatten();
    rows.filter_map(|row| row.get("point")?.as_str()).map(String::from).collect()
}

fn each(r: &mut Reader, body: &Value, table: &'static str, read: impl Fn(&mut Reader, &mut Row<'_>, &Code)) {
    let rows = match body.get(table) {
        None => return,
        Some(Value::Object(rows)) => rows,
        Some(_) => return r.misfit(&mut Row::new(table, None, None), None, "is a table of named rows"),
    };
    for (at, (name, value)) in rows.iter().enumerate() {
        let mut row = Row::new(table, Some(RowName::Name(name.clone())), Some(value));
        match Code::new(name.as_str()) {
            _ if at >= TABLE_ROWS_MAX => {
                r.misfit(
                    &mut row,
                    None,
                    format!("is one too many: a table has at most {TABLE_ROWS_MAX} rows"),
                );
                return;
            }
            Ok(name) => read(r, &mut row, &name),
            Err(why) => r.misfit(&mut row, None, format!("has a name that cannot be: {}", why.rule)),
        }
    }
}

fn region(r: &mut Reader, row: &mut Row<'_>, name: &Code) {
    let include = places(r, row, "include");
    if include.is_empty() {
        r.misfit(row, Some("include"), "needs at least one place, like [\"US\", \"CA-QC\"]");
    }
    if !row.has("exclude") {
        r.misfit(row, Some("exclude"), "is missing; write [] when no place is left out again");
    }
    let exclude = places(r, row, "exclude");
    let region = Region { name: name.to_string(), include, exclude, cites: r.cites(row, "cites") };
    r.leftover(row);
    r.regions.insert(name.to_string(), r.policy.regions.len());
    r.policy.regions.push(region);
}

/// Codes of ISO 3166: a country, or a subdivision of one.
fn places(r: &mut Reader, row: &mut Row<'_>, field: &'static str) -> Vec<String> {
    let places = r.texts(row, field);
    let is_place = |text: &&String| {
        let (country, rest) = text.split_once('-').map_or((text.as_str(), None), |(c, rest)| (c, Some(rest)));
        let is_part = |rest: &str| {
            (1..=3).contains(&rest.len())
                && rest.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
        };
        country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) && rest.is_none_or(is_part)
    };
    if let Some(text) = places.iter().find(|text| !is_place(text)) {
        r.misfit(row, Some(field), format!("has '{text}', which is no place like US or CA-QC"));
    }
    places
}

fn window(r: &mut Reader, row: &mut Row<'_>, name: &Code) {
    let mut any = Vec::new();
    let list = row.ask("any").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if list.is_empty() {
        r.misfit(row, Some("any"), "needs at least one { act, after, within }");
    }
    for (value, number) in list.iter().zip(1..) {
        let mut inner = row.below(format!("any.{number}"), value);
        let (act, after) = (r.word(&mut inner, "act"), r.word(&mut inner, "after"));
        let within = r.text(&mut inner, "within");
        let within = match r.required(&mut inner, "within", within).as_deref() {
            Some("unit.warranty_term") => Some(None),
            Some(text) => {
                let period = Period::parse(text);
                if period.is_none() {
                    r.misfit(&mut inner, Some("within"), "is like P30D, P6M, P1Y or unit.warranty_term");
                }
                period.map(Some)
            }
            None => None,
        };
        let act = r.required(&mut inner, "act", act);
        let after = r.required(&mut inner, "after", after);
        r.leftover(&mut inner);
        if let (Some(act), Some(after), Some(within)) = (act, after, within) {
            any.push(Alternative { act, after, within });
        }
    }
    let no_discretion = r.flag(row, "no_discretion").unwrap_or(false);
    let cites = r.cites(row, "cites");
    r.leftover(row);
    r.windows.insert(name.to_string(), r.policy.windows.len());
    r.policy.windows.push(Window { name: name.clone(), any, no_discretion, cites });
}

pub(super) fn discretion(r: &mut Reader, row: &mut Row<'_>) -> Option<()> {
    let point: Option<Code> = r.parsed(row, "point", "is a short name");
    let options = r.names(row, "options");
    if !row.has("options") {
        r.misfit(row, Some("options"), "is missing: the decisions that may be taken");
    }
    let options = options.iter().map(Code::to_string).collect();
    let bounds = r.inner(row, "bounds");
    let cites = r.cites(row, "cites");
    let mut found = DiscretionPoint { options, cites, ..DiscretionPoint::default() };
    if let Some(mut inner) = bounds {
        if inner.is_empty() {
            r.misfit(&mut inner, None, "says nothing; leave it out when the decision is about no amount");
        }
        found.fee_bp_max = r.number(&mut inner, "fee_bp_max");
        if found.fee_bp_max.is_some_and(|bp| bp > BP_WHOLE.into()) {
            r.misfit(&mut inner, Some("fee_bp_max"), "is at most 10000, which is all of it");
        }
        found.fee_fixed = r.number(&mut inner, "fee_fixed");
        found.amount_min = r.number(&mut inner, "amount_min");
        found.amount_max = match inner.ask("amount_max") {
            None => None,
            Some(value) => {
                let bound = amount_bound(value);
                if bound.is_none() {
                    r.misfit(&mut inner, Some("amount_max"), "is minor units, \"unit_net\" or \"captured\"");
                }
                bound
            }
        };
        if found.amount_min.is_some() && !inner.has("amount_max") {
            r.misfit(&mut inner, Some("amount_max"), "is missing: an amount with a minimum has a maximum");
        }
        row.bad |= !r.leftover(&mut inner);
    }
    found.point = r.required(row, "point", point)?.to_string();
    r.leftover(row).then(|| r.policy.discretion.push(found))
}

fn amount_bound(value: &Value) -> Option<AmountBound> {
    match value {
        Value::String(word) if word == "unit_net" => Some(AmountBound::UnitNet),
        Value::String(word) if word == "captured" => Some(AmountBound::Captured),
        other => other.as_u64().map(AmountBound::Minor),
    }
}
