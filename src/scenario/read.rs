//! Reading a scenario file, and where it goes wrong when something else stands in it.

use replay::{
    canonical::{self, Limits},
    event::misread::from_value,
    ids::PolicyId,
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

use super::{
    expected::Expected,
    format::{Happening, Order, Scenario},
};
use crate::error::{Error, Result};

/// Longest scenario file, in bytes.
pub const FILE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Deepest nesting of a scenario file.
pub const FILE_DEPTH_MAX: u8 = 32;
/// Most scenarios in one file.
pub const SCENARIOS_MAX: usize = 1_000;
/// Most events of one scenario.
pub const EVENTS_MAX: usize = 1_000;
/// Most expectations of one scenario.
pub const EXPECTATIONS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a scenario, which is one JSON object")]
struct Wire {
    id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    why: Option<String>,
    policy: PolicyId,
    order: Value,
    events: Vec<Value>,
    expected: Vec<Value>,
}

/// Reads a file: a JSON array of scenarios. `file` is what errors call it.
///
/// # Errors
/// Text that is no JSON or beyond a limit, with its line; fields that are unknown, missing or mistyped, with scenario,
/// event and field.
pub fn read(file: &str, text: &str) -> Result<Vec<Scenario>> {
    let limits = Limits { bytes_max: FILE_BYTES_MAX, depth_max: FILE_DEPTH_MAX };
    let value = canonical::parse(text.as_bytes(), &limits).map_err(|why| {
        let before = why.at().and_then(|at| text.as_bytes().get(..at)).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
        Error::unreadable(why.code(), why.to_string()).at(format!("{file}:{line}")).hint(why.hint())
    })?;
    let Value::Array(list) = value else {
        return Err(Error::unreadable("wrong_type", "a scenario file is a JSON array of scenarios")
            .at(file)
            .hint("write [ before the first scenario and ] after the last"));
    };
    at_most("scenarios", list.len(), SCENARIOS_MAX).map_err(|why| why.at(file))?;
    let mut ids = BTreeSet::new();
    list.into_iter()
        .zip(1..)
        .map(|(value, number)| {
            let name = name_of(&value, number);
            let scenario = scenario(value).map_err(|why| why.at(format!("{file}, {name}")))?;
            if !ids.insert(scenario.id.clone()) {
                let text = format!("scenario {number} has the same id as one before it");
                return Err(Error::unreadable("scenario_is_there_twice", text)
                    .at(format!("{file}, {name}"))
                    .hint("give each scenario an id of its own"));
            }
            Ok(scenario)
        })
        .collect()
}

/// What an error calls a scenario: its id where it can be shown, else its place in the file.
fn name_of(value: &Value, number: usize) -> String {
    let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
    let plain = !id.is_empty() && id.chars().count() <= 80 && !id.chars().any(char::is_control);
    if plain { id.into() } else { format!("scenario {number}") }
}

fn scenario(value: Value) -> Result<Scenario> {
    let wire: Wire = from_value(Value::Object(object(value, "a scenario")?)).map_err(misfit)?;
    let Wire { id, title, why, policy, order, events, expected } = wire;
    if id.is_empty() {
        return Err(Error::unreadable("empty_text", "id: it is empty").hint("results are named by it"));
    }
    let order = read_order(order).map_err(|why| why.at("order"))?;
    at_most("events", events.len(), EVENTS_MAX)?;
    at_most("expectations", expected.len(), EXPECTATIONS_MAX)?;
    if expected.is_empty() {
        return Err(Error::unreadable("nothing_is_expected", "expected: the list is empty")
            .hint("a scenario without an expectation proves nothing"));
    }
    Ok(Scenario {
        id,
        title: title.unwrap_or_default(),
        why: why.unwrap_or_default(),
        policy,
        order,
        events: each(events, "event", Happening::read)?,
        expected: each(expected, "expectation", Expected::read)?,
    })
}

fn read_order(value: Value) -> Result<Order> {
    let fields = object(value, "an order")?;
    for (list, what) in [("lines", "a line"), ("parcels", "a parcel")] {
        for entry in fields.get(list).and_then(Value::as_array).into_iter().flatten() {
            object(entry.clone(), what).map_err(|why| why.at(list))?;
        }
    }
    if let Some(gift) = fields.get("gift").filter(|gift| gift.is_array()) {
        object(gift.clone(), "a gift").map_err(|why| why.at("gift"))?;
    }
    let order: Order = from_value(Value::Object(fields)).map_err(misfit)?;
    order.check()?;
    Ok(order)
}

fn each<T>(list: Vec<Value>, what: &str, read: impl Fn(Map<String, Value>) -> Result<T>) -> Result<Vec<T>> {
    let entries = list.into_iter().zip(1..);
    entries
        .map(|(value, number)| {
            object(value, &format!("an {what}"))
                .and_then(&read)
                .map_err(|why| why.at(format!("{what} {number}")))
        })
        .collect()
}

/// Serde would take a list for an object whose fields come in their order.
fn object(value: Value, what: &str) -> Result<Map<String, Value>> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Error::unreadable("wrong_type", format!("{what} is a JSON object"))
            .hint("write the fields with their names between { and }")),
    }
}

fn at_most(what: &str, len: usize, max: usize) -> Result<()> {
    if len <= max {
        return Ok(());
    }
    let text = format!("{len} {what}, at most {max} are allowed");
    Err(Error::unreadable("too_many_entries", text).hint("spread them over several files"))
}

/// What tells one misfit from the next: words of the message, its code, and what to do.
const MISFITS: [(&str, &str, &str); 12] = [
    ("unknown field", "unknown_field", "check the spelling; a field that nobody reads would prove nothing"),
    ("missing field", "missing_field", "this field cannot be left out"),
    ("unknown word", "unknown_word", "use one of the words that are listed"),
    (
        "UTC offset",
        "time_without_offset",
        "add the offset of the place where it happened, such as -05:00 or Z",
    ),
    ("is no time", "not_a_time", "write it like 2024-04-15T12:00:00-05:00"),
    ("outside 1970 to 2255", "time_out_of_range", "check the year"),
    ("is no day", "not_a_day", "write it like 2024-04-15"),
    ("ISO 4217", "unknown_currency", "use the three capital letters of a currency, such as USD, EUR or JPY"),
    (
        "units",
        "bad_units",
        r#"write "*" for all, a line such as "L1", a unit such as "L1#1", or a list of them"#,
    ),
    ("this is no", "bad_text", "ids and codes are letters, digits and a few signs, without blanks"),
    ("whole number", "wrong_type", "amounts are whole numbers of minor units: 1250 for 12.50"),
    ("invalid type", "wrong_type", "the message names the type that is expected"),
];

/// JSON that does not fit.
pub(super) fn misfit(why: String) -> Error {
    let why: String = why.chars().filter(|c| !c.is_control()).collect();
    let found = MISFITS.iter().find(|(words, ..)| why.contains(words));
    let (code, hint) = found.map_or(("wrong_type", "check the field"), |(_, code, hint)| (*code, *hint));
    Error::unreadable(code, why).hint(hint)
}
