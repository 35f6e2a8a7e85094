//! A policy's body becomes rows. What cannot be a row is named, and nothing is guessed: a policy with misfits is not
//! published.

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str::FromStr};
use serde_json::{Map, Value};

use super::{
    AmountBound, Authorization, Cites, Clause, ClauseText, Collect, Component, DiscretionPoint, Fee,
    HOUSE_RULES, Info, Limit, Names, NoFault, Notice, Policy, Predicate, Rate, RefundTrace, Region,
    Requirement, Risk, Scope, Signal, Sla, VariantRule, Window,
};
use crate::{
    allocate::BP_WHOLE,
    event::{Kind, Remedy},
    ids::Code,
    money::{Amount, Currency},
};

mod tables;

/// Where in a policy something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The table, e.g. `fee`.
    pub table: &'static str,
    /// The row: its number from 0, or its name in a table of named rows.
    pub row: Option<RowName>,
    /// The field in the row.
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
}

/// One row while it is read: every field is asked for once, and what nobody asked for is a misfit.
pub(super) struct Row<'v> {
    place: Place,
    fields: Option<&'v Map<String, Value>>,
    asked: Vec<&'static str>,
    /// A misfit in it: then the row is left out.
    bad: bool,
}

impl Reader {
    fn misfit(&mut self, row: &mut Row<'_>, field: Option<&str>, why: impl Into<String>) {
        row.bad = true;
        let place = Place { field: field.map(String::from), ..row.place.clone() };
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
        let mut row = Row::new("policy", None, body.get("policy"));
        for other in ["id", "version", "effective_from", "source", "clauses", "currency"] {
            row.ask(other);
        }
        self.policy.name = self.text(&mut row, "name").unwrap_or_default();
        self.policy.time_zone = self.text(&mut row, "time_zone").unwrap_or_default();
        self.policy.calendar =
            self.parsed::<Code>(&mut row, "calendar", "is a calendar id").filter(|c| c.as_str() != "none");
        self.policy.replacement_anchor = self.word(&mut row, "replacement_anchor");
        row.ask("versioning");
        row.ask("cites");
        if let Some(table) = row.ask("no_fault") {
            let mut inner = Row::new("policy", Some(RowName::Name("no_fault".into())), Some(table));
            let remedy = self.word::<Remedy>(&mut inner, "remedy");
            let cites = self.cites(&mut inner, "cites");
            self.policy.no_fault = Some(NoFault { remedy: remedy.filter(|r| *r != Remedy::None), cites });
            self.leftover(&mut inner);
        }
        if body.get("policy").is_some() {
            self.leftover(&mut row);
        }
    }

    /// What nobody asked for is a slip of the pen, and a slip in a policy is money.
    pub fn leftover(&mut self, row: &mut Row<'_>) -> bool {
        let Some(fields) = row.fields else { return !row.bad };
        let unknown: Vec<&String> = fields.keys().filter(|k| !row.asked.contains(&k.as_str())).collect();
        for key in unknown {
            let known = row.asked.join(", ");
            self.misfit(row, Some(key), format!("is no field of this row; the fields are {known}"));
        }
        !row.bad
    }

    pub fn text(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<String> {
        match row.ask(field)? {
            Value::String(text) => Some(text.clone()),
            _ => {
                self.misfit(row, Some(field), "is text");
                None
            }
        }
    }
    pub fn flag(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<bool> {
        match row.ask(field)? {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.misfit(row, Some(field), "is true or false");
                None
            }
        }
    }
    pub fn number(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<u64> {
        let value = row.ask(field)?;
        let number = value.as_u64();
        if number.is_none() {
            self.misfit(row, Some(field), "is a number without sign or fraction");
        }
        number
    }
    pub fn parsed<T: TryFromText>(
        &mut self,
        row: &mut Row<'_>,
        field: &'static str,
        rule: &str,
    ) -> Option<T> {
        let text = self.text(row, field)?;
        let parsed = T::of(&text);
        if parsed.is_none() {
            self.misfit(row, Some(field), rule);
        }
        parsed
    }
    /// A word of a closed vocabulary.
    pub fn word<T: FromStr<Err = crate::ids::BadText>>(
        &mut self,
        row: &mut Row<'_>,
        field: &'static str,
    ) -> Option<T> {
        let text = self.text(row, field)?;
        match text.parse() {
            Ok(word) => Some(word),
            Err(why) => {
                self.misfit(row, Some(field), format!("is not '{text}'; {}", why.rule));
                None
            }
        }
    }
    /// A field that must be there.
    pub fn required<T>(&mut self, row: &mut Row<'_>, field: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && !row.bad {
            self.misfit(row, Some(field), "is missing");
        }
        found
    }
    /// A list of texts; a single text is a list of one.
    pub fn texts(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<String> {
        match row.ask(field) {
            None => Vec::new(),
            Some(Value::String(one)) => Vec::from([one.clone()]),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                list.iter().filter_map(Value::as_str).map(String::from).collect()
            }
            Some(_) => {
                self.misfit(row, Some(field), "is a list of texts");
                Vec::new()
            }
        }
    }
    pub fn codes(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<Code> {
        self.texts(row, field).iter().filter_map(|t| Code::new(t.as_str()).ok()).collect()
    }
    pub fn word_list<T: FromStr<Err = crate::ids::BadText>>(
        &mut self,
        row: &mut Row<'_>,
        field: &'static str,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for text in self.texts(row, field) {
            match text.parse::<T>() {
                Ok(word) => found.push(word),
                Err(why) => self.misfit(row, Some(field), format!("knows no '{text}'; {}", why.rule)),
            }
        }
        found
    }
    pub fn cites(&mut self, row: &mut Row<'_>, field: &'static str) -> Cites {
        let ids = self.texts(row, field);
        let cites: Cites = ids.iter().filter_map(|id| self.clause(id)).collect();
        if field == "cites" && cites.is_empty() {
            self.misfit(row, Some(field), "is missing: every row cites the clauses it comes from");
        }
        cites
    }
    pub fn predicate(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Predicate> {
        match Predicate::read(row.ask(field)?) {
            Ok(predicate) => Some(predicate),
            Err(why) => {
                self.misfit(row, Some(field), why);
                None
            }
        }
    }
    pub fn window(&mut self, row: &mut Row<'_>, field: &'static str, name: &str) -> Option<usize> {
        let found = self.windows.get(name).copied();
        if found.is_none() {
            self.misfit(row, Some(field), format!("names window {name}, which is not in [windows]"));
        }
        found
    }
    pub fn window_list(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<usize> {
        let names = self.texts(row, field);
        names.iter().filter_map(|name| self.window(row, field, name)).collect()
    }
    pub fn region(&mut self, row: &mut Row<'_>, field: &'static str, name: &str) -> Option<usize> {
        let found = self.regions.get(name).copied();
        if found.is_none() {
            self.misfit(row, Some(field), format!("names region {name}, which is not in [regions]"));
        }
        found
    }
    pub fn scope(&mut self, row: &mut Row<'_>) -> Scope {
        let Some(table) = row.ask("scope") else { return Scope::default() };
        let mut inner =
            Row { place: row.place.clone(), fields: table.as_object(), asked: Vec::new(), bad: false };
        if inner.fields.is_none() {
            self.misfit(row, Some("scope"), "is a table like { basis = [\"defect\"] }");
            return Scope::default();
        }
        let mut scope = Scope {
            basis: self.word_list(&mut inner, "basis"),
            class: self.word_list(&mut inner, "class"),
            condition_sold: self.word_list(&mut inner, "condition_sold"),
            remedy: self.word_list(&mut inner, "remedy"),
            contact_channel: self.word_list(&mut inner, "contact_channel"),
            cause_ok: self.flag(&mut inner, "cause_ok"),
            ..Scope::default()
        };
        if let Some(text) = self.text(&mut inner, "region") {
            let (name, outside) = text.strip_prefix('!').map_or((text.as_str(), false), |name| (name, true));
            scope.region = self.region(&mut inner, "region", name).map(|at| (at, outside));
        }
        if let Some(name) = self.text(&mut inner, "window") {
            scope.window = self.window(&mut inner, "window", &name);
        }
        row.bad |= !self.leftover(&mut inner);
        scope
    }
    pub fn limit(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Limit> {
        self.parsed(row, field, "is like 48h, 7d, 7bd or 1bd@17:00")
    }
    pub fn signals(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<Signal> {
        let Some(text) = self.text(row, field) else { return Vec::new() };
        let mut found = Vec::new();
        for part in text.split('|') {
            let (kind, qualifier) = part.split_once(':').map_or((part, None), |(k, q)| (k, Some(q)));
            match kind.parse::<Kind>() {
                Ok(kind) => found.push(Signal { kind, qualifier: qualifier.map(String::from) }),
                Err(why) => self.misfit(row, Some(field), format!("{why}")),
            }
        }
        found
    }
    pub fn money(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Amount> {
        let value = row.ask(field)?;
        let minor = value.get("amount").and_then(Value::as_u64);
        let currency = value.get("currency").and_then(Value::as_str).and_then(|c| Currency::parse(c).ok());
        let amount = minor.zip(currency).and_then(|(minor, currency)| Amount::new(minor, currency).ok());
        if amount.is_none() {
            self.misfit(row, Some(field), "is like { amount = 4500, currency = \"USD\" }, in minor units");
        }
        amount
    }
}

impl<'v> Row<'v> {
    pub(super) fn new(table: &'static str, row: Option<RowName>, value: Option<&'v Value>) -> Self {
        let place = Place { table, row, field: None };
        Row { place, fields: value.and_then(Value::as_object), asked: Vec::new(), bad: false }
    }
    pub(super) fn ask(&mut self, field: &'static str) -> Option<&'v Value> {
        self.asked.push(field);
        self.fields?.get(field)
    }
}

/// Values that a policy writes as text.
pub(super) trait TryFromText: Sized {
    fn of(text: &str) -> Option<Self>;
}
impl TryFromText for Code {
    fn of(text: &str) -> Option<Self> {
        Code::new(text).ok()
    }
}
impl TryFromText for Limit {
    fn of(text: &str) -> Option<Self> {
        Limit::parse(text)
    }
}
