//! What differs between what a scenario expects and what came out. Absent fields are not compared, sets and maps have
//! no order, instants are equal whatever their offset, numbers have to be the same number.

use replay::time::When;
use serde::Serialize;
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

use super::{OF_THE_ORDER, expected::Expected};

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where, such as `units.L1#1.status` or `lines[item L1].amount`.
    pub field: String,
    /// What the scenario says; `null` also for something that it does not have.
    pub expected: Value,
    /// What came out; `null` also for something that did not.
    pub actual: Value,
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found {}", self.field, self.expected, self.actual)
    }
}

/// How a value is compared.
#[derive(Clone, Copy)]
enum Shape {
    /// The same value; two texts that are instants are the same when the instants are.
    Same,
    /// A list whose order and repetitions say nothing.
    Set,
    /// The same names, each with a value of this shape.
    MapOf(&'static Shape),
    /// The fields that are expected, `cites` as a set.
    Fields,
    /// A list of such, in any order. The names are those that tell its entries apart for people.
    ListOf(&'static [&'static str]),
}

/// The fields that are not simply the same.
const SHAPES: [(&str, Shape); 12] = [
    ("units", Shape::MapOf(&Shape::Fields)),
    ("lines", Shape::ListOf(&["line", "order_line"])),
    ("charges", Shape::ListOf(&["cost"])),
    ("payers", Shape::MapOf(&Shape::Fields)),
    ("last_days", Shape::MapOf(&Shape::MapOf(&Shape::Same))),
    ("payout", Shape::Fields),
    ("variants", Shape::MapOf(&Shape::Same)),
    ("waivers", Shape::Set),
    ("deadlines", Shape::MapOf(&Shape::Same)),
    ("usual", Shape::MapOf(&Shape::Same)),
    ("notes", Shape::MapOf(&Shape::Set)),
    ("refused", Shape::ListOf(&["type", "ref"])),
];
const NOTICES: Shape = Shape::ListOf(&["about"]);

/// Compares an outcome with an expectation, field by field. Without a claim only [`OF_THE_ORDER`] is compared.
pub fn compare(expected: &Expected, actual: &Map<String, Value>) -> Vec<Difference> {
    let mut found = Vec::new();
    let Ok(Value::Object(fields)) = serde_json::to_value(expected) else { return found };
    for (field, expected_value) in &fields {
        if expected.claim.is_none() && !OF_THE_ORDER.contains(&field.as_str()) {
            continue;
        }
        let shape = match field.as_str() {
            "missing_notices" => NOTICES,
            name => SHAPES.iter().find(|(field, _)| *field == name).map_or(Shape::Same, |(_, shape)| *shape),
        };
        differ(field, shape, expected_value, actual.get(field).unwrap_or(&Value::Null), &mut found);
    }
    found
}

fn differ(path: &str, shape: Shape, expected: &Value, actual: &Value, found: &mut Vec<Difference>) {
    match (shape, expected, actual) {
        (Shape::MapOf(inner), Value::Object(e), Value::Object(a)) => {
            let names: BTreeSet<&String> = e.keys().chain(a.keys()).collect();
            for name in names {
                let path = format!("{path}.{name}");
                match (e.get(name), a.get(name)) {
                    (Some(e), Some(a)) => differ(&path, *inner, e, a, found),
                    (e, a) => found.push(difference(path, e, a)),
                }
            }
        }
        (Shape::Fields, Value::Object(e), Value::Object(a)) => {
            for (name, e) in e {
                let shape = if name == "cites" { Shape::Set } else { Shape::Same };
                differ(&format!("{path}.{name}"), shape, e, a.get(name).unwrap_or(&Value::Null), found);
            }
        }
        (Shape::Set, Value::Array(e), Value::Array(a)) if texts(e) == texts(a) => {}
        (Shape::ListOf(names), Value::Array(e), Value::Array(a)) => entries(path, names, e, a, found),
        (_, e, a) if same(e, a) => {}
        (_, e, a) => found.push(difference(path.into(), Some(e), Some(a))),
    }
}

fn difference(field: String, expected: Option<&Value>, actual: Option<&Value>) -> Difference {
    let or_null = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
    Difference { field, expected: or_null(expected), actual: or_null(actual) }
}

fn same(expected: &Value, actual: &Value) -> bool {
    let instant = |value: &Value| When::parse(value.as_str()?).ok().map(|when| when.at);
    match (instant(expected), instant(actual)) {
        (Some(expected), Some(actual)) => expected == actual,
        _ => expected == actual,
    }
}

fn texts(list: &[Value]) -> BTreeSet<String> {
    list.iter().map(Value::to_string).collect()
}

/// Entries in any order. What is left over on both sides is paired by name, so that a wrong amount is told as a wrong
/// amount and not as a line too few and a line too many.
fn entries(path: &str, names: &[&str], expected: &[Value], actual: &[Value], found: &mut Vec<Difference>) {
    let fits = |e: &Value, a: &Value| {
        let mut found = Vec::new();
        differ("", Shape::Fields, e, a, &mut found);
        found.is_empty()
    };
    let taken = matched(expected.len(), actual.len(), |e, a| {
        expected.get(e).zip(actual.get(a)).is_some_and(|(e, a)| fits(e, a))
    });
    let free = |index: &usize| !taken.contains(&Some(*index));
    let mut left: Vec<&Value> = actual.iter().enumerate().filter(|(i, _)| free(i)).map(|(_, a)| a).collect();
    for (e, _) in expected.iter().zip(&taken).filter(|(_, taken)| taken.is_none()) {
        let like = |a: &&Value| names.iter().all(|name| e.get(name).is_none() || e.get(name) == a.get(name));
        let path = format!("{path}[{}]", called(e, names));
        match left.iter().position(like) {
            Some(index) => differ(&path, Shape::Fields, e, left.remove(index), found),
            None => found.push(difference(path, Some(e), None)),
        }
    }
    found
        .extend(left.into_iter().map(|a| difference(format!("{path}[{}]", called(a, names)), None, Some(a))));
}

/// What people call an entry: `item L1`.
fn called(entry: &Value, names: &[&str]) -> String {
    let words: Vec<&str> =
        names.iter().filter_map(|name| entry.get(name)).map(|word| word.as_str().unwrap_or("-")).collect();
    words.join(" ")
}

/// For each expected entry the actual one it is matched with, as many as can be: an expectation that names few fields
/// may fit several entries and must not take the only one that another fits (augmenting paths).
fn matched(expected: usize, actual: usize, fits: impl Fn(usize, usize) -> bool) -> Vec<Option<usize>> {
    let mut owner: Vec<Option<usize>> = vec![None; actual];
    for e in 0..expected {
        claim(e, &mut owner, &mut BTreeSet::new(), &fits);
    }
    (0..expected).map(|e| owner.iter().position(|owner| *owner == Some(e))).collect()
}

fn claim(
    e: usize,
    owner: &mut [Option<usize>],
    tried: &mut BTreeSet<usize>,
    fits: &impl Fn(usize, usize) -> bool,
) -> bool {
    for a in 0..owner.len() {
        if !fits(e, a) || !tried.insert(a) {
            continue;
        }
        let before = owner.get(a).copied().flatten();
        if before.is_none_or(|other| claim(other, owner, tried, fits)) {
            if let Some(place) = owner.get_mut(a) {
                *place = Some(e);
            }
            return true;
        }
    }
    false
}
