//! A policy's body becomes rows. What cannot be a row is named, and nothing is guessed: a policy with misfits is not
//! published.

use alloc::{collections::BTreeSet, format, string::String, vec::Vec};
use core::fmt;
use serde_json::{Map, Value};

use super::{Clause, ClauseText, HOUSE_RULES, Names, NoFault, Policy};
use crate::{event::Remedy, ids::Code};

/// Longest name of a time zone.
const ZONE_CHARS_MAX: usize = 64;

mod fields;
mod named;
mod tables;

pub use tables::TABLE_ROWS_MAX;

/// Where in a policy something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The table, e.g. `fee`.
    pub table: &'static str,
    /// The row: its number from 0, or its name in a table of named rows.
    pub row: Option<RowName>,
    /// The field in the row, with its way inside: `percent_bp`, `scope.region`, `bounds.amount_max`, `any.2.within`
    /// (alternatives count from 1, as people do).
    pub field: Option<String>,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowName {
    Number(usize),
    Name(String),
}

/// Something in a policy that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    pub place: Place,
    /// The end of a sentence that begins with the place.
    pub why: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.table)?;
        match &self.row {
            Some(RowName::Number(at)) => write!(f, " {}", at.saturating_add(1))?,
            Some(RowName::Name(name)) => write!(f, ".{name}")?,
            None => {}
        }
        match &self.field {
            Some(field) => write!(f, ", {field}"),
            None => Ok(()),
        }
    }
}
impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

impl Policy {
    /// Reads the body of a `policy_published`. Rows that do not fit are left out and named.
    pub fn read(body: &Value) -> (Policy, Vec<Misfit>) {
        let mut reader = Reader {
            policy: Policy::default(),
            misfits: Vec::new(),
            windows: Names::new(),
            regions: Names::new(),
            points: named::points(body),
        };
        reader.clauses(body);
        reader.head(body);
        tables::read(&mut reader, body);
        (reader.policy, reader.misfits)
    }
}

/// A policy on its way from JSON.
pub(super) struct Reader {
    pub policy: Policy,
    pub misfits: Vec<Misfit>,
    pub windows: Names,
    pub regions: Names,
    /// Discretion points: rows that name one may stand before it.
    pub points: BTreeSet<String>,
}

/// One row while it is read: every field is asked for once, and what nobody asked for is a misfit.
pub(super) struct Row<'v> {
    place: Place,
    /// The table inside the row that is read, e.g. `scope`.
    part: Option<String>,
    fields: Option<&'v Map<String, Value>>,
    asked: Vec<&'static str>,
    /// A misfit in it: then the row is left out.
    bad: bool,
}

impl Reader {
    fn misfit(&mut self, row: &mut Row<'_>, field: Option<&str>, why: impl Into<String>) {
        row.bad = true;
        let field = match (&row.part, field) {
            (Some(part), Some(field)) => Some(format!("{part}.{field}")),
            (part, field) => part.clone().or_else(|| field.map(String::from)),
        };
        let place = Place { field, ..row.place.clone() };
        self.misfits.push(Misfit { place, why: why.into() });
    }

    /// Clauses by index: house rules first, then the register, then whatever a row cites beyond both.
    fn clauses(&mut self, body: &Value) {
        self.policy.clauses =
            (1..=HOUSE_RULES).map(|n| ClauseText { id: format!("H-{n}"), ..ClauseText::default() }).collect();
        let registers = [body.get("house").and_then(|h| h.get("clauses")), body.get("clauses")];
        for row in registers.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().into();
            let clause: ClauseText = ClauseText {
                id: text("id"),
                kind: text("kind"),
                paraphrase: text("paraphrase"),
                system: text("system"),
            };
            match self.policy.clauses.iter_mut().find(|c| c.id == clause.id) {
                Some(known) => *known = clause,
                None => self.policy.clauses.push(clause),
            }
        }
    }
    fn clause(&mut self, id: &str) -> Option<Clause> {
        let at = match self.policy.clauses.iter().position(|c| c.id == id) {
            Some(at) => at,
            None => {
                self.policy.clauses.push(ClauseText { id: id.into(), ..ClauseText::default() });
                self.policy.clauses.len().saturating_sub(1)
            }
        };
        Clause::at(at)
    }

    fn head(&mut self, body: &Value) {
        let Some(head) = body.get("policy") else { return };
        let mut row = Row::new("policy", None, Some(head));
        // What the event says beside the body is read at the door.
        for identity in ["id", "version", "effective_from"] {
            row.ask(identity);
        }
        self.policy.name = self.text(&mut row, "name").unwrap_or_default();
        if let Some(zone) = self.text(&mut row, "time_zone") {
            let is_zone = |c: char| c.is_ascii_alphanumeric() || "_+/-".contains(c);
            if zone.len() > ZONE_CHARS_MAX || !zone.chars().all(is_zone) {
                self.misfit(&mut row, Some("time_zone"), "is a zone like America/Toronto");
            }
            self.policy.time_zone = zone;
        }
        self.policy.calendar =
            self.parsed::<Code>(&mut row, "calendar", "is a calendar id").filter(|c| c.as_str() != "none");
        self.policy.replacement_anchor = self.word(&mut row, "replacement_anchor");
        if let Some(currency) = self.text(&mut row, "currency") {
            let is_code = currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase());
            if !is_code && currency != "order" {
                self.misfit(
                    &mut row,
                    Some("currency"),
                    "is like \"USD\", or \"order\" when no currency is named",
                );
            }
        }
        if let Some(mut source) = self.inner(&mut row, "source") {
            let file = self.text(&mut source, "file");
            self.required(&mut source, "file", file);
            let hash = self.text(&mut source, "sha256");
            let is_hash = |hash: &String| {
                hash.len() == 64 && hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            };
            if !hash.as_ref().is_some_and(is_hash) {
                self.misfit(
                    &mut source,
                    Some("sha256"),
                    "is the SHA-256 of the document, 64 small hex digits",
                );
            }
            self.leftover(&mut source);
        }
        if let Some(mut versioning) = self.inner(&mut row, "versioning") {
            self.flag(&mut versioning, "may_change_any_time");
            if self.text(&mut versioning, "governs").as_deref() != Some("version_in_force_at_purchase") {
                self.misfit(
                    &mut versioning,
                    Some("governs"),
                    "can only be \"version_in_force_at_purchase\" (H-7)",
                );
            }
            self.cites(&mut versioning, "cites");
            self.leftover(&mut versioning);
        }
        if let Some(table) = row.ask("no_fault") {
            let mut inner = Row::new("policy", Some(RowName::Name("no_fault".into())), Some(table));
            let remedy = self.word::<Remedy>(&mut inner, "remedy");
            let remedy = self.required(&mut inner, "remedy", remedy);
            let cites = self.cites(&mut inner, "cites");
            self.policy.no_fault = Some(NoFault { remedy: remedy.filter(|r| *r != Remedy::None), cites });
            self.leftover(&mut inner);
        }
        self.leftover(&mut row);
    }

    /// What nobody asked for is a slip of the pen, and a slip in a policy is money.
    pub fn leftover(&mut self, row: &mut Row<'_>) -> bool {
        let Some(fields) = row.fields else {
            self.misfit(row, None, "is a table of fields");
            return false;
        };
        let unknown: Vec<&String> = fields.keys().filter(|k| !row.asked.contains(&k.as_str())).collect();
        for key in unknown {
            let known = row.asked.join(", ");
            self.misfit(row, Some(key), format!("is no field of this row; the fields are {known}"));
        }
        !row.bad
    }
}

impl<'v> Row<'v> {
    pub(super) fn new(table: &'static str, row: Option<RowName>, value: Option<&'v Value>) -> Self {
        let place = Place { table, row, field: None };
        Row { place, part: None, fields: value.and_then(Value::as_object), asked: Vec::new(), bad: false }
    }
    /// A table inside this row.
    pub(super) fn below(&self, part: impl Into<String>, value: &'v Value) -> Self {
        let place = self.place.clone();
        Row { place, part: Some(part.into()), fields: value.as_object(), asked: Vec::new(), bad: false }
    }
    /// Whether the row says something under this key.
    pub(super) fn has(&self, field: &str) -> bool {
        self.fields.is_some_and(|fields| fields.contains_key(field))
    }
    pub(super) fn is_empty(&self) -> bool {
        self.fields.is_none_or(Map::is_empty)
    }
    pub(super) fn ask(&mut self, field: &'static str) -> Option<&'v Value> {
        self.asked.push(field);
        self.fields?.get(field)
    }
}
