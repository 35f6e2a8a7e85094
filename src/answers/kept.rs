//! What became of the personal values of a claim or order: legal holds that keep them, redactions that let them go.

use replay::{
    hold::{history, holds},
    ids::Stream,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    error::Result,
    store::Store,
    view::{self, Redacted},
};

/// One legal hold.
#[derive(Debug, Serialize)]
pub struct Held {
    /// The name of the hold.
    pub hold: String,
    /// Why.
    pub reason: String,
    /// The local day on which it began.
    pub since: String,
    /// The local day on which it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<String>,
}

/// One value that was erased.
#[derive(Debug, Serialize)]
pub struct Erased {
    /// The event that held it.
    pub event_position: u64,
    /// Its kind.
    pub kind: String,
    /// Where in it, when and why.
    #[serde(flatten)]
    pub redacted: Redacted,
}

/// Legal holds and redactions of one stream.
#[derive(Debug)]
pub struct Kept {
    holds: Vec<Held>,
    redacted: Vec<Erased>,
}

/// What is on record of one stream.
///
/// # Errors
/// As [`view::case_of`].
pub fn of<S: Store>(store: &mut S, stream: &Stream) -> Result<Kept> {
    let case = view::case_of(store, stream)?;
    let Some(history) = history(&case, stream) else {
        return Ok(Kept { holds: Vec::new(), redacted: Vec::new() });
    };
    let held = holds(history).into_iter().map(|(id, hold)| Held {
        hold: id.to_string(),
        reason: hold.reason_code.to_string(),
        since: hold.since.local_day().to_string(),
        released: hold.released.map(|at| at.local_day().to_string()),
    });
    let held = held.collect();
    let redactions = view::redactions(store)?;
    let mut redacted = Vec::new();
    for fact in history.facts() {
        redacted.extend(view::redacted_of(&redactions, fact.event_id).into_iter().map(|redacted| Erased {
            event_position: fact.position.get(),
            kind: fact.event.kind().to_string(),
            redacted,
        }));
    }
    Ok(Kept { holds: held, redacted })
}

impl Kept {
    /// Adds what there is to an answer for programs.
    pub fn put_into(&self, answer: &mut Value) {
        let Value::Object(fields) = answer else { return };
        if !self.holds.is_empty() {
            fields.insert("legal_holds".into(), json!(self.holds));
        }
        if !self.redacted.is_empty() {
            fields.insert("redacted".into(), json!(self.redacted));
        }
    }
    /// Legal holds.
    pub fn holds(&self) -> &[Held] {
        &self.holds
    }
    /// Values that were erased.
    pub fn redacted(&self) -> &[Erased] {
        &self.redacted
    }
}
