//! What differs between two versions of a policy: row by row, field by field, with the clauses of both.
//!
//! Rows with an id are the same row when they have the same id. Rows without one are first matched when they are equal,
//! then with the row of the same kind they have most in common with. Where the order of rows decides (payouts) and
//! everywhere else, a changed order is told as well, so that two bodies without a difference have the same hash.

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Shape, TABLES, TITLE_KEYS, places::title};

mod words;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Added,
    Removed,
    Changed,
    /// The same rows in another order.
    Moved,
}

/// A row that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table it stands in.
    pub table: String,
    /// Its title, with its number in the new version, or in the old one when it is gone.
    pub row: String,
    pub change: Change,
    /// What differs in it; all of it when it is new or gone.
    pub fields: Vec<Field>,
    /// The clauses of both versions.
    pub cites: Vec<String>,
}

/// A field that differs, as data and in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Field {
    /// Its way inside the row: `scope.basis`.
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<Value>,
    /// Old and new in words.
    pub words: String,
}

/// The differences between two bodies, in the order of the tables; none when they are the same policy.
pub fn diff(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    for (table, shape) in TABLES {
        let (old, new) = (old.get(table), new.get(table));
        match shape {
            Shape::Policy | Shape::One => one(table, old, new, &mut found),
            Shape::Named => named(table, old, new, &mut found),
            Shape::Rows => rows(table, old, new, &mut found),
            Shape::Clauses => {}
        }
    }
    rows("clause", old.get("clauses"), new.get("clauses"), &mut found);
    let (old, new) = (old.get("house"), new.get("house"));
    let rules = |house: Option<&Value>| {
        let mut rules = house.and_then(Value::as_object).cloned().unwrap_or_default();
        let clauses = rules.remove("clauses");
        (Value::Object(rules), clauses)
    };
    let ((old, old_clauses), (new, new_clauses)) = (rules(old), rules(new));
    one("house", Some(&old), Some(&new), &mut found);
    rows("house clause", old_clauses.as_ref(), new_clauses.as_ref(), &mut found);
    found
}

/// A table with a single row.
fn one(table: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    found.extend(row(table, table.into(), old, new));
}

/// Rows under names.
fn named(table: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    let empty = Map::new();
    let entries = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or(empty.clone());
    let (old, new) = (entries(old), entries(new));
    let mut names: Vec<&String> =
        old.keys().chain(new.keys().filter(|name| !old.contains_key(*name))).collect();
    names.sort();
    for name in names {
        found.extend(row(table, format!("{table}.{name}"), old.get(name), new.get(name)));
    }
}

/// Rows with numbers.
fn rows(table: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Difference>) {
    let list = |value: Option<&'_ Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let (old, new) = (list(old), list(new));
    let pairs = pairs(table, &old, &new);
    for (at, row_new) in new.iter().enumerate() {
        let was = pairs.iter().find(|(_, new)| *new == at).and_then(|(was, _)| old.get(*was));
        found.extend(row(table, title(table, at, Some(row_new)), was, Some(row_new)));
    }
    for (at, gone) in old.iter().enumerate().filter(|(at, _)| !pairs.iter().any(|(old, _)| old == at)) {
        found.extend(row(table, title(table, at, Some(gone)), Some(gone), None));
    }
    let mut order: Vec<(usize, usize)> = pairs;
    order.sort_by_key(|(_, new)| *new);
    if !order.is_sorted_by_key(|(old, _)| *old) {
        let titles = |list: &[Value], at: &[usize]| {
            let titles = at.iter().map(|at| Value::from(title(table, *at, list.get(*at))));
            Value::Array(titles.collect())
        };
        let mut before: Vec<usize> = order.iter().map(|(old, _)| *old).collect();
        let after: Vec<usize> = before.clone();
        before.sort_unstable();
        let (old_order, new_order) = (titles(&old, &before), titles(&old, &after));
        let words = words::change("order", Some(&old_order), Some(&new_order));
        found.push(Difference {
            table: table.into(),
            row: table.into(),
            change: Change::Moved,
            fields: vec![Field { field: "order".into(), old: Some(old_order), new: Some(new_order), words }],
            cites: Vec::new(),
        });
    }
}

/// Which old row became which new one, by number.
fn pairs(table: &str, old: &[Value], new: &[Value]) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    let mut pair = |is_same: &dyn Fn(&Value, &Value) -> bool| {
        for (at, row) in new.iter().enumerate() {
            if pairs.iter().any(|(_, new)| *new == at) {
                continue;
            }
            let free = old.iter().enumerate().filter(|(was, _)| !pairs.iter().any(|(old, _)| old == was));
            let like: Option<usize> = free.filter(|(_, was)| is_same(was, row)).map(|(was, _)| was).next();
            pairs.extend(like.map(|was| (was, at)));
        }
    };
    pair(&|was, row| was == row);
    let id = |row: &Value| id(table, row);
    pair(&|was, row| id(row).is_some() && id(was) == id(row));
    // The rest by how much they have in common, the most alike first.
    for least in (1..=FIELDS_MAX).rev() {
        pair(&|was, row| id(row).is_none() && kind(was) == kind(row) && in_common(was, row) >= least);
    }
    pairs
}

/// More fields than any row has.
const FIELDS_MAX: usize = 24;

/// What makes a row the same row in another version.
fn id(table: &str, row: &Value) -> Option<String> {
    let key = if table == "discretion" { "point" } else { "id" };
    row.get(key).and_then(Value::as_str).map(String::from)
}

/// What a row is about: rows about different things are different rows.
fn kind(row: &Value) -> Option<&str> {
    TITLE_KEYS.iter().find_map(|key| row.get(key)?.as_str())
}

/// How many fields two rows have in common, beside what they are about. Two short rows about the same are alike.
fn in_common(one: &Value, two: &Value) -> usize {
    let (Some(one), Some(two)) = (one.as_object(), two.as_object()) else { return 0 };
    let same = one.iter().filter(|(key, value)| two.get(*key) == Some(value)).count();
    if one.len() <= 2 && two.len() <= 2 { same } else { same.saturating_sub(1) }
}

/// One row in two versions.
fn row(table: &str, title: String, old: Option<&Value>, new: Option<&Value>) -> Option<Difference> {
    let change = match (old, new) {
        (None, None) => return None,
        (None, Some(_)) => Change::Added,
        (Some(_), None) => Change::Removed,
        (Some(old), Some(new)) if old == new => return None,
        (Some(_), Some(_)) => Change::Changed,
    };
    let (before, after) = (flat(old), flat(new));
    let mut names: Vec<&String> = before.iter().map(|(name, _)| name).collect();
    names.extend(
        after.iter().map(|(name, _)| name).filter(|name| !before.iter().any(|(known, _)| known == *name)),
    );
    let find = |list: &[(String, Value)], name: &String| {
        list.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone())
    };
    let fields = names.into_iter().filter_map(|name| {
        let (old, new) = (find(&before, name), find(&after, name));
        let words = words::change(name, old.as_ref(), new.as_ref());
        (old != new).then(|| Field { field: name.clone(), old, new, words })
    });
    let mut cites: Vec<String> = Vec::new();
    for cite in [old, new].into_iter().flatten().filter_map(|row| row.get("cites")?.as_array()).flatten() {
        let cite = cite.as_str().unwrap_or_default();
        if !cites.iter().any(|known| known == cite) {
            cites.push(cite.into());
        }
    }
    if cites.is_empty() && table == "clause" {
        cites.extend(old.or(new).and_then(|row| id(table, row)));
    }
    Some(Difference { table: table.into(), row: title, change, fields: fields.collect(), cites })
}

/// The fields of a row, tables inside it by their way: `scope.basis`.
fn flat(row: Option<&Value>) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for (key, value) in row.and_then(Value::as_object).into_iter().flatten() {
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                found.extend(
                    flat(Some(value)).into_iter().map(|(inner, value)| (format!("{key}.{inner}"), value)),
                );
            }
            other => found.push((key.clone(), other.clone())),
        }
    }
    found
}
