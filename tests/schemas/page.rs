//! How a schema is written to its file: what fits stands on one line, keys stand in reading order. Not serde_json's
//! own printer, because the order of its keys depends on features that other crates turn on.

use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Keys that are not named here follow after these, `$defs` last.
const READING_ORDER: &str = "$schema $id $ref title description type enum format minLength maxLength pattern \
                             minimum maximum items minItems maxItems properties required additionalProperties";

/// A schema as a file.
pub fn page(schema: &Value) -> String {
    let mut out = String::new();
    print(schema, 0, false, &mut out);
    out + "\n"
}

fn print(value: &Value, indent: usize, names: bool, out: &mut String) {
    let flat = flat(value, names);
    match value {
        _ if indent + flat.len() <= 100 => out.push_str(&flat),
        Value::Object(fields) => block("{}", &sorted(fields, names), indent, out, |(key, value), out| {
            write!(out, "{}: ", json!(key)).unwrap();
            print(value, indent + 2, holds_names(key, names), out);
        }),
        Value::Array(items) => {
            block("[]", items, indent, out, |item, out| print(item, indent + 2, false, out))
        }
        _ => out.push_str(&flat),
    }
}

fn block<T>(ends: &str, items: &[T], indent: usize, out: &mut String, item: impl Fn(&T, &mut String)) {
    out.push_str(&ends[..1]);
    for (at, each) in items.iter().enumerate() {
        write!(out, "{}\n{:2$}", if at == 0 { "" } else { "," }, "", indent + 2).unwrap();
        item(each, out);
    }
    write!(out, "\n{:2$}{}", "", &ends[1..], indent).unwrap();
}

fn flat(value: &Value, names: bool) -> String {
    let join = |ends: [&str; 2], parts: Vec<String>| match parts.is_empty() {
        true => ends.concat(),
        false => format!("{}{}{}", ends[0], parts.join(", "), ends[1]),
    };
    match value {
        Value::Object(fields) => {
            let part = |(key, value): (&str, &Value)| {
                format!("{}: {}", json!(key), flat(value, holds_names(key, names)))
            };
            join(["{ ", " }"], sorted(fields, names).into_iter().map(part).collect())
        }
        Value::Array(items) => join(["[", "]"], items.iter().map(|item| flat(item, false)).collect()),
        scalar => scalar.to_string(),
    }
}

/// Whether the keys below are names of fields or types, which stand in the order of the alphabet.
fn holds_names(key: &str, names: bool) -> bool {
    !names && matches!(key, "properties" | "$defs" | "dependentSchemas" | "dependentRequired")
}

fn sorted(fields: &Map<String, Value>, names: bool) -> Vec<(&str, &Value)> {
    let rank = |key: &str| match key {
        _ if names => 0,
        "$defs" => usize::MAX,
        _ => READING_ORDER.split(' ').take_while(|first| *first != key).count(),
    };
    let mut fields: Vec<(&str, &Value)> = fields.iter().map(|(key, value)| (key.as_str(), value)).collect();
    fields.sort_by_key(|(key, _)| (rank(key), *key));
    fields
}
