//! Values of an event: as people read them, and as they stand in the boxes of a correction.

use maud::{Markup, html};
use replay::lineage::Figure;
use serde_json::Value;

use crate::{
    packet::{visible, words},
    view,
    web::layout::{human, money, theirs},
};

/// A field of a payload, as it stands in its box.
pub fn shown(payload: &Value, path: &str) -> String {
    match view::at_path(payload, path) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(is)) => if *is { "yes" } else { "no" }.into(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(items)) => {
            let words = items.iter().filter_map(|item| item.as_str().or_else(|| item.get("kind")?.as_str()));
            words.collect::<Vec<_>>().join(", ")
        }
        Some(value @ Value::Object(_)) => {
            let amount = words::amount(value);
            amount.and_then(|text| text.split(' ').next().map(str::to_owned)).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// A figure by name.
pub fn named(figure: &Figure) -> String {
    match figure {
        Figure::Claim { figure, .. } => human(figure.as_str()),
        Figure::Obligation { what, item, .. } => format!("owed: {} {item}", human(what)),
        Figure::Total { key, figure } => {
            format!("{} {} of {} in {}", human(&key.kind), human(figure.as_str()), key.merchant, key.month)
        }
    }
}

/// A figure in its unit; what is counted has no minor units.
pub fn figure(value: Option<i64>, unit: &str) -> String {
    let Some(value) = value else { return String::new() };
    let sign = if value < 0 { "-" } else { "" };
    match unit {
        "units" | "credits" => format!("{value} {unit}"),
        _ => format!("{sign}{}", money(value.unsigned_abs(), unit)),
    }
}

/// Longest value of one field that the page shows, in characters.
const VALUE_CHARS_MAX: usize = 20_000;

/// A value of a payload, as people read it.
pub fn of_value(value: &Value) -> Markup {
    if let Some(amount) = words::amount(value) {
        return html! { (amount) };
    }
    match value {
        Value::String(text) => {
            html! { span .words { (theirs(&text.chars().take(VALUE_CHARS_MAX).collect::<String>())) } }
        }
        Value::Bool(is) => html! { (if *is { "yes" } else { "no" }) },
        Value::Array(items) if items.iter().all(Value::is_string) => {
            let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            html! { (theirs(&words.join(", ").chars().take(VALUE_CHARS_MAX).collect::<String>())) }
        }
        Value::Number(number) => html! { (number) },
        other => {
            let text = serde_json::to_string_pretty(other).unwrap_or_default();
            html! { pre tabindex="0" { (visible(&text.chars().take(VALUE_CHARS_MAX).collect::<String>())) } }
        }
    }
}
