//! The values of a row, each by its type. What is not of its type is a misfit, never a guess.

use alloc::{format, string::String, vec::Vec};
use core::str::FromStr;
use serde_json::Value;

use super::{Reader, Row};
use crate::{
    event::Kind,
    ids::{BadText, Code},
    money::{Amount, Currency},
    policy::{Cites, Limit, Predicate, Scope, Signal},
};

impl Reader {
    pub fn text(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<String> {
        match row.ask(field)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            _ => {
                self.misfit(row, Some(field), "is text, and not empty");
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
    pub fn word<T: FromStr<Err = BadText>>(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<T> {
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
    /// A list of texts that may be empty.
    pub fn texts(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<String> {
        match row.ask(field) {
            None => Vec::new(),
            Some(Value::Array(list)) if list.iter().all(is_text) => {
                list.iter().filter_map(Value::as_str).map(String::from).collect()
            }
            Some(_) => {
                self.misfit(row, Some(field), "is a list of texts, in [ ]");
                Vec::new()
            }
        }
    }
    /// A list of texts that says something: whoever means "any" leaves it out.
    pub fn some_texts(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<String> {
        let texts = self.texts(row, field);
        if texts.is_empty() && !row.bad && row.has(field) {
            self.misfit(row, Some(field), "is a list without an entry; leave it out, or name what is meant");
        }
        texts
    }
    /// A list of names, one at least.
    pub fn names(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<Code> {
        let mut names = Vec::new();
        for text in self.some_texts(row, field) {
            match Code::new(text.as_str()) {
                Ok(name) => names.push(name),
                Err(why) => self.misfit(row, Some(field), format!("has the entry '{text}': {}", why.rule)),
            }
        }
        names
    }
    pub fn word_list<T: FromStr<Err = BadText>>(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<T> {
        let mut found = Vec::new();
        for text in self.some_texts(row, field) {
            match text.parse::<T>() {
                Ok(word) => found.push(word),
                Err(why) => self.misfit(row, Some(field), format!("knows no '{text}'; {}", why.rule)),
            }
        }
        found
    }
    /// The clauses of a row, and with them the readings of the document that it rests on: `cites` has at least one.
    pub fn cites(&mut self, row: &mut Row<'_>, field: &'static str) -> Cites {
        let ids = self.names(row, field);
        let cites: Cites = ids.iter().filter_map(|id| self.clause(id.as_str())).collect();
        if field == "cites" {
            if !row.has(field) {
                self.misfit(row, Some(field), "is missing: every row cites the clauses it comes from");
            }
            self.names(row, "readings");
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
    /// The name of a discretion point.
    pub fn point(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Code> {
        let point: Code = self.parsed(row, field, "is the name of a discretion point")?;
        if !self.points.contains(point.as_str()) {
            let why = format!("names discretion point {point}, which is not in [[discretion]]");
            self.misfit(row, Some(field), why);
        }
        Some(point)
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
        let Some(mut inner) = self.inner(row, "scope") else { return Scope::default() };
        if inner.is_empty() {
            self.misfit(&mut inner, None, "says nothing; leave it out when the row is about everything");
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
    /// A table inside a row.
    pub fn inner<'v>(&mut self, row: &mut Row<'v>, field: &'static str) -> Option<Row<'v>> {
        let value = row.ask(field)?;
        if !value.is_object() {
            self.misfit(row, Some(field), "is a table, in { }");
            return None;
        }
        Some(row.below(field, value))
    }
    pub fn limit(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Limit> {
        self.parsed(row, field, "is like 48h, 7d, 7bd or 1bd@17:00")
    }
    /// Kinds of events with a detail; `|` separates alternatives.
    pub fn signals(&mut self, row: &mut Row<'_>, field: &'static str) -> Vec<Signal> {
        let Some(text) = self.text(row, field) else { return Vec::new() };
        let mut found = Vec::new();
        for part in text.split('|') {
            let (kind, qualifier) = part.split_once(':').map_or((part, None), |(k, q)| (k, Some(q)));
            let is_word = |q: &str| !q.is_empty() && q.bytes().all(|b| b == b'_' || b.is_ascii_lowercase());
            match kind.parse::<Kind>() {
                Ok(kind) if qualifier.is_none_or(is_word) => {
                    found.push(Signal { kind, qualifier: qualifier.map(String::from) });
                }
                Ok(_) => {
                    self.misfit(row, Some(field), "has a detail that is no word, like refund_issued:giver")
                }
                Err(why) => self.misfit(row, Some(field), format!("{why}")),
            }
        }
        found
    }
    /// One kind of event.
    pub fn signal(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Signal> {
        let found = self.signals(row, field);
        if found.len() > 1 {
            self.misfit(row, Some(field), "names several events; write a row for each");
        }
        found.into_iter().next()
    }
    pub fn money(&mut self, row: &mut Row<'_>, field: &'static str) -> Option<Amount> {
        let value = row.ask(field)?;
        let is_whole = value.as_object().is_some_and(|table| table.len() == 2);
        let minor = value.get("amount").filter(|_| is_whole).and_then(Value::as_u64);
        let currency = value.get("currency").and_then(Value::as_str).and_then(|c| Currency::parse(c).ok());
        let amount = minor.zip(currency).and_then(|(minor, currency)| Amount::new(minor, currency).ok());
        if amount.is_none() {
            self.misfit(row, Some(field), "is like { amount = 4500, currency = \"USD\" }, in minor units");
        }
        amount
    }
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|text| !text.trim().is_empty())
}

/// Values that a policy writes as text.
pub trait TryFromText: Sized {
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
