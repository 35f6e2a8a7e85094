//! The goods: units and their states, return numbers, parcels with their tracking, evidence; and the money on record.

use maud::{Markup, html};
use serde_json::Value;

use super::{PANEL_ROWS, Seen};
use crate::{
    view,
    web::layout::{badge, human, table, theirs, time},
};

/// A word of the detail, as people read it.
fn word(value: &Value, path: &str) -> String {
    view::at_path(value, path).and_then(Value::as_str).map(human).unwrap_or_default()
}

/// An id or a time of the detail, as it is.
fn raw<'v>(value: &'v Value, path: &str) -> &'v str {
    view::at_path(value, path).and_then(Value::as_str).unwrap_or_default()
}

fn list(value: &Value) -> String {
    let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(", ")
}

fn amount(value: &Value, path: &str) -> String {
    view::at_path(value, path).and_then(crate::packet::words::amount).unwrap_or_default()
}

fn yes(value: &Value, path: &str) -> bool {
    view::at_path(value, path).and_then(Value::as_bool).unwrap_or(false)
}

impl Seen<'_> {
    fn rows_of<'v>(&'v self, name: &str) -> Vec<(&'v str, &'v Value)> {
        let map = self.detail.get(name).and_then(Value::as_object);
        map.into_iter().flatten().map(|(id, value)| (id.as_str(), value)).collect()
    }

    /// Units, parcels, evidence and money on record.
    pub(super) fn goods(&self) -> Markup {
        let units = self.detail.get("units").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let (rmas, parcels) = (self.rows_of("rmas"), self.rows_of("parcels"));
        let (credits, charges) = (self.rows_of("credits"), self.rows_of("charges"));
        let evidence = self.rows_of("evidence");
        html! {
            section #goods {
                h2 { "Goods and money on record" }
                @if !units.is_empty() {
                    (table("Units", &["units", "stage", "what was found", "remedy"], &html! {
                        @for unit in units.iter().take(PANEL_ROWS) {
                            tr {
                                th scope="row" { bdi { (raw(unit, "units")) } }
                                td { (word(unit, "stage")) @for flag in ["authorized", "received", "refunded"] { @if yes(unit, flag) { " " (badge("", flag)) } } }
                                td { (theirs(&found(unit))) }
                                td { (word(unit, "remedy")) @if unit.get("variant").is_some() { ", " (word(unit, "variant")) } @if unit.get("disposition").is_some() { span .who { "goes to " (word(unit, "disposition")) } } }
                            }
                        }
                    }))
                    @if units.len() > PANEL_ROWS { p .soft { "and " (units.len() - PANEL_ROWS) " more runs of units in the answer for programs" } }
                }
                @if !rmas.is_empty() {
                    (table("Return numbers", &["RMA", "status", "units", "granted"], &html! {
                        @for (rma, row) in rmas.iter().take(PANEL_ROWS) {
                            tr { th scope="row" { (theirs(rma)) } td { (word(row, "status")) } td { bdi { (list(row.get("units").unwrap_or(&Value::Null))) } } td { (time(raw(row, "granted"))) } }
                        }
                    }))
                }
                @if !parcels.is_empty() {
                    (table("Parcels", &["parcel", "way", "carrier and tracking", "last scan"], &html! {
                        @for (parcel, row) in parcels.iter().take(PANEL_ROWS) {
                            tr {
                                th scope="row" { (theirs(parcel)) }
                                td { (word(row, "leg")) }
                                td {
                                    (word(row, "carrier")) @if let Some(number) = self.tracking(parcel) { " " (theirs(number)) }
                                    @if row.get("tracking_check").is_some() { span .who { "number: " (word(row, "tracking_check.verdict")) } }
                                }
                                td { @if row.get("last_scan").is_some() { (word(row, "last_scan.status")) " " (time(raw(row, "last_scan.at"))) } @else { span .note { "none" } } }
                            }
                        }
                    }))
                }
                @if !evidence.is_empty() {
                    h3 { "Evidence" }
                    ul { @for (kind, holds) in evidence.iter().take(PANEL_ROWS) { li { (human(kind)) @if holds.as_bool() == Some(false) { " " (badge("bad", "does not hold")) } } } }
                }
                @if !credits.is_empty() {
                    (table("Paid", &["id", "what", "status", "amount>"], &html! {
                        @for (id, row) in credits.iter().take(PANEL_ROWS) {
                            tr {
                                th scope="row" { (theirs(id)) }
                                td { (word(row, "kind")) @if row.get("to").is_some() { " to " (word(row, "to")) } }
                                td { @if row.get("reversed").is_some() { (badge("wait", "reversed")) } @else { (word(row, "status")) } span .who { (time(raw(row, "issued"))) } }
                                td .n { (amount(row, "amount")) }
                            }
                        }
                    }))
                }
                @if !charges.is_empty() {
                    (table("Charged to the customer", &["id", "for", "paid>", "amount>"], &html! {
                        @for (id, row) in charges.iter().take(PANEL_ROWS) {
                            tr { th scope="row" { (theirs(id)) } td { (word(row, "what")) @if yes(row, "waived") { " " (badge("", "waived")) } } td .n { (amount(row, "paid")) } td .n { (amount(row, "amount")) } }
                        }
                    }))
                }
            }
        }
    }

    /// The tracking number of a parcel, where it was said and not erased.
    fn tracking(&self, parcel: &str) -> Option<&str> {
        let of = self.entries.iter().rev().filter(|entry| raw(&entry.payload, "parcel") == parcel);
        of.filter_map(|entry| entry.payload.get("tracking")?.as_str()).next()
    }
}

/// What inspections found of a unit, in words.
pub fn found(unit: &Value) -> String {
    let findings = unit.get("findings").and_then(Value::as_object);
    let said = findings.into_iter().flatten().map(|(name, value)| match value {
        Value::Bool(true) => human(name),
        Value::Bool(false) => format!("not {}", human(name)),
        Value::Array(items) if items.is_empty() => format!("no {}", human(name)),
        Value::Array(_) => format!("{} {}", human(name), list(value)),
        other => format!("{} {}", human(name), other.as_str().map(human).unwrap_or_default()),
    });
    said.collect::<Vec<_>>().join(", ")
}
