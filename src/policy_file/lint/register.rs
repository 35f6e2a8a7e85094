//! The register: a clause that the system should act on is cited by a row that acts, and a reading that a row names is a
//! reading of a clause it cites.

use std::collections::{BTreeMap, BTreeSet};

use replay::policy::{Place, RowName};
use serde_json::Value;

use super::{Finding, Level, Lint, numbered, table};

pub(super) fn check(l: &mut Lint<'_>) {
    let rows = rows(l.body);
    let mut cited: BTreeSet<&str> = BTreeSet::new();
    let mut acted: BTreeSet<&str> = BTreeSet::new();
    for (place, row) in &rows {
        for (key, value) in row.as_object().into_iter().flatten() {
            if key != "cites" && !key.ends_with("_cites") {
                continue;
            }
            let ids = value.as_array().into_iter().flatten().filter_map(Value::as_str);
            for id in ids {
                cited.insert(id);
                if place.table != "info" {
                    acted.insert(id);
                }
            }
        }
    }
    let body = l.body;
    let clauses = body.get("clauses").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut readings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (index, clause) in clauses.iter().enumerate() {
        let text = |key: &str| clause.get(key).and_then(Value::as_str).unwrap_or_default();
        let list = clause.get("readings").and_then(Value::as_array).into_iter().flatten();
        readings.entry(text("id")).or_default().extend(list.filter_map(Value::as_str));
        let (id, system) = (text("id"), text("system"));
        if system.starts_with("INFORM") || acted.contains(id) {
            continue;
        }
        let finding = if cited.contains(id) {
            Finding {
                level: Level::Warning,
                code: "clause_is_only_told".into(),
                message: format!("clause {id} ({system}) is only cited by [[info]]: it decides nothing"),
                hint: "cite it in the row that acts on it, or say INFORM".into(),
                ..at_clause(l, index, id)
            }
        } else {
            Finding {
                level: Level::Error,
                code: "clause_is_not_cited".into(),
                message: format!("clause {id} ({system}) is cited by no row: it decides nothing"),
                hint: "cite it in the row that acts on it, or say INFORM and name it in [[info]]".into(),
                ..at_clause(l, index, id)
            }
        };
        l.findings.push(finding);
    }
    for (place, row) in &rows {
        let list = |key: &str| {
            let list = row.get(key).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>()
        };
        let known: BTreeSet<&str> =
            list("cites").iter().filter_map(|id| readings.get(id)).flatten().copied().collect();
        for reading in list("readings").into_iter().filter(|reading| !known.contains(reading)) {
            let says = format!("rests on reading {reading}, which none of the clauses it cites has");
            let hint = "name a reading that the register gives for one of these clauses";
            let at = Place { field: Some("readings".into()), ..place.clone() };
            l.error("reading_is_unknown", &at, says, hint);
        }
    }
}

/// A finding at a clause, to be filled in.
fn at_clause(l: &Lint<'_>, index: usize, id: &str) -> Finding {
    let found = l.places.of_clause(index);
    Finding {
        level: Level::Note,
        code: String::new(),
        message: String::new(),
        file: found.map(|(file, _)| file.into()),
        line: found.map(|(_, line)| line),
        hint: String::new(),
        cites: vec![id.into()],
        readings: Vec::new(),
    }
}

/// Every row of a body with its place, in whatever table.
fn rows(body: &Value) -> Vec<(Place, &Value)> {
    let mut rows = Vec::new();
    for (name, _) in super::super::TABLES {
        let Some(value) = body.get(name) else { continue };
        match value {
            Value::Array(list) => {
                rows.extend(list.iter().enumerate().map(|(at, row)| (numbered(name, at), row)))
            }
            Value::Object(fields) if matches!(name, "policy" | "regions" | "windows") => {
                let named = fields.iter().filter(|(_, row)| row.is_object());
                rows.extend(named.map(|(key, row)| {
                    (Place { table: name, row: Some(RowName::Name(key.clone())), field: None }, row)
                }));
            }
            other => rows.push((table(name), other)),
        }
    }
    rows
}
