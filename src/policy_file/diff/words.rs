//! Values of a policy in words: conditions and periods as sentences, lists without brackets.

use replay::policy::Predicate;
use serde_json::Value;

/// `old -> new`, `added: new`, `gone: old`.
pub(super) fn change(field: &str, old: Option<&Value>, new: Option<&Value>) -> String {
    match (old, new) {
        (Some(old), Some(new)) => format!("{} -> {}", words(field, old), words(field, new)),
        (None, Some(new)) => format!("(nothing) -> {}", words(field, new)),
        (Some(old), None) => format!("{} -> (nothing)", words(field, old)),
        (None, None) => String::new(),
    }
}

/// One value.
pub(super) fn words(field: &str, value: &Value) -> String {
    if matches!(field, "needs" | "when" | "waive_when")
        && let Ok(predicate) = Predicate::read(value)
    {
        return predicate.to_string();
    }
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".into(),
        Value::Array(list) if field == "any" => list.iter().map(alternative).collect::<Vec<_>>().join(" or "),
        Value::Array(list) => list.iter().map(|value| words("", value)).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// `contact P30D after delivery`.
fn alternative(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    match (text("act"), text("within"), text("after")) {
        (Some(act), Some(within), Some(after)) => format!("{act} within {within} after {after}"),
        _ => value.to_string(),
    }
}
