//! What is wrong with a policy before it governs anything: misfits, contradictions, rows that can never apply, and what
//! the document leaves open.
//!
//! Three levels. An **error** says that the policy cannot mean what it says: it is not published. A **warning** says
//! that somebody should look: it is published and told. A **note** says what the document really leaves open or says
//! in two ways, and which house rule or reading decides then: nothing is to be done.
//!
//! Where a document itself counts one window from two days, no rule of ours can make it one. The row then names the
//! reading of the text that it rests on, `readings = ["R-..."]`, a reading that a clause it cites has in the register,
//! and the error becomes a note.

use std::fmt;

use replay::{
    event::ledger::CalendarPublished,
    policy::{Place, Policy, RowName},
    time::Day,
};
use serde::Serialize;
use serde_json::Value;

use self::space::{Area, Space};
use super::{
    Draft, Places,
    places::{title, way},
};
use crate::error::Error;

mod clocks;
mod costs;
mod coverage;
mod grants;
mod names;
mod points;
mod register;
mod scopes;
mod space;
mod windows;

pub use clocks::{CALENDAR_DAYS_LEFT_MIN, days_left};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The policy cannot mean this; it is not published.
    Error,
    /// Somebody should look; it is published.
    Warning,
    /// What the document leaves open, and what decides then.
    Note,
}

impl Level {
    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// One thing that is to be said about a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub level: Level,
    /// Stable name, in snake case.
    pub code: String,
    /// A sentence without full stop that begins with the row.
    pub message: String,
    /// The file as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// What to do.
    pub hint: String,
    /// Clauses of the rows it is about, and the house rules that decide.
    pub cites: Vec<String>,
    /// The readings that the row rests on, where it names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<String>,
}

impl From<Error> for Finding {
    /// A file that cannot be read at all: its first fault.
    fn from(why: Error) -> Self {
        let at = why.at.unwrap_or_default();
        let (place, inner) =
            at.split_once(", ").map_or((at.as_str(), None), |(place, rest)| (place, Some(rest)));
        let numbered = place.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let (file, line) = numbered.map_or((place, None), |(file, line)| (file, Some(line)));
        Self {
            level: Level::Error,
            code: why.code,
            message: inner.map_or_else(|| why.message.clone(), |inner| format!("{inner}: {}", why.message)),
            file: Some(file.into()).filter(|file: &String| !file.is_empty()),
            line,
            hint: why.hint.unwrap_or_default(),
            cites: why.cites,
            readings: Vec::new(),
        }
    }
}

impl fmt::Display for Finding {
    /// `file:line: level: message`, then clauses, readings and hint, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
        }
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if self.file.is_some() {
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.level.as_str(), self.message)?;
        for (name, list) in [("clauses", &self.cites), ("readings", &self.readings)] {
            if !list.is_empty() {
                write!(f, "\n  {name}: {}", list.join(", "))?;
            }
        }
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\n  hint: {}", self.hint) }
    }
}

/// Examines a policy. `calendars` are the years that are known, `today` the day on which it is asked whether they last;
/// without a day nothing that depends on the day is said.
///
/// Findings come in the order of the files: errors of form first and alone, because a row that does not fit is left
/// out and would make its neighbours look wrong.
pub fn lint(draft: &Draft, calendars: &[CalendarPublished], today: Option<Day>) -> Vec<Finding> {
    let body = &draft.policy.published.body;
    let (policy, misfits) = Policy::read(body);
    let space = Space::of(&policy);
    let granted = grants::areas(&policy, &space);
    let mut lint =
        Lint { policy: &policy, body, places: &draft.places, space: &space, granted, findings: Vec::new() };
    for misfit in &misfits {
        // The sentence of a misfit begins with its place.
        let field = misfit.place.field.as_deref().unwrap_or("it");
        lint.error(
            "row_does_not_fit",
            &misfit.place,
            format!(": {field} {}", misfit.why),
            "claims schema policy shows what a row may say",
        );
    }
    if misfits.is_empty() {
        names::check(&mut lint);
        windows::check(&mut lint);
        if space.is_whole() {
            grants::check(&mut lint);
            coverage::check(&mut lint);
            scopes::check(&mut lint);
            costs::check(&mut lint);
        } else {
            let says = format!(
                ": more than {} kinds of places, so overlapping rows are not looked for",
                space::CELLS_MAX
            );
            lint.warning("regions_are_too_many", &table("regions"), says, "fewer regions tell the same");
        }
        points::check(&mut lint);
        clocks::check(&mut lint, &draft.policy.published, calendars, today);
    }
    register::check(&mut lint);
    let mut findings = lint.findings;
    findings.sort_by(|a, b| (&a.file, a.line, a.level).cmp(&(&b.file, b.line, b.level)));
    findings
}

/// A policy that is examined, and what was found so far.
struct Lint<'a> {
    policy: &'a Policy,
    body: &'a Value,
    places: &'a Places,
    space: &'a Space,
    /// Where any remedy is granted at all.
    granted: Vec<Area>,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    /// The policy cannot mean this. `says` goes on after the name of the row.
    fn error(&mut self, code: &str, at: &Place, says: impl fmt::Display, hint: &str) -> &mut Finding {
        self.finding(Level::Error, code, at, says, hint)
    }
    /// Somebody should look.
    fn warning(&mut self, code: &str, at: &Place, says: impl fmt::Display, hint: &str) -> &mut Finding {
        self.finding(Level::Warning, code, at, says, hint)
    }
    /// The document leaves it open.
    fn note(&mut self, code: &str, at: &Place, says: impl fmt::Display, hint: &str) -> &mut Finding {
        self.finding(Level::Note, code, at, says, hint)
    }
    fn finding(
        &mut self,
        level: Level,
        code: &str,
        at: &Place,
        says: impl fmt::Display,
        hint: &str,
    ) -> &mut Finding {
        let found = self.places.of(at);
        let finding = Finding {
            level,
            code: code.into(),
            message: format!("{}{}", self.title(at), continued(&says.to_string())),
            file: found.map(|(file, _)| file.into()),
            line: found.map(|(_, line)| line),
            hint: hint.into(),
            cites: self.texts(at, "cites"),
            readings: Vec::new(),
        };
        self.findings.push_mut(finding)
    }
    /// What people call a row: `fee 2 (misuse_service)`, `windows.return30`.
    fn title(&self, at: &Place) -> String {
        match &at.row {
            None if at.table == "policy" => "the policy".into(),
            None => at.table.into(),
            Some(RowName::Name(name)) => format!("{}.{name}", at.table),
            Some(RowName::Number(index)) => title(at.table, *index, self.row(at)),
        }
    }
    /// The row at a place, as it stands in the body.
    fn row(&self, at: &Place) -> Option<&Value> {
        let way = way(&Place { field: None, ..at.clone() });
        way.iter().try_fold(self.body, |value, key| match value {
            Value::Array(list) => list.get(key.parse::<usize>().ok()?),
            other => other.get(key),
        })
    }
    /// A list of texts in the row at a place.
    fn texts(&self, at: &Place, key: &str) -> Vec<String> {
        let list = self.row(at).and_then(|row| row.get(key)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(String::from).collect()
    }
    /// Says that a text counts in two ways: a note when the row names its reading, otherwise of this level.
    fn ambiguous(&mut self, level: Level, code: &str, at: &Place, says: impl fmt::Display, hint: &str) {
        let readings = self.texts(at, "readings");
        if readings.is_empty() {
            self.finding(level, code, at, says, hint);
            return;
        }
        let hint = "nothing to do: the row names the reading of the text that it rests on";
        self.note(code, at, format!("{says}; the document says so, shown as such"), hint).readings = readings;
    }
}

impl Finding {
    /// Adds house rules or clauses of other rows.
    fn cite<S: AsRef<str>>(&mut self, ids: impl IntoIterator<Item = S>) -> &mut Self {
        for id in ids {
            if !self.cites.iter().any(|known| known == id.as_ref()) {
                self.cites.push(id.as_ref().into());
            }
        }
        self
    }
}

/// A sentence goes on after the name of its row with a blank, a colon without.
fn continued(says: &str) -> String {
    if says.starts_with([':', ',']) { says.into() } else { format!(" {says}") }
}

/// The row of this number, from 0.
fn numbered(table: &'static str, index: usize) -> Place {
    Place { table, row: Some(RowName::Number(index)), field: None }
}

/// The row of this name.
fn named(table: &'static str, name: &str) -> Place {
    Place { table, row: Some(RowName::Name(name.into())), field: None }
}

/// A table with one row, or the head of the policy.
fn table(table: &'static str) -> Place {
    Place { table, row: None, field: None }
}

/// A field of a row.
fn field(row: &Place, field: &str) -> Place {
    Place { field: Some(field.into()), ..row.clone() }
}

/// `a`, `a and b`, `a, b and c`.
fn and<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [one] => one.as_ref().into(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}
