//! What one row shows alone: leaf, canonical form, columns, payload, spelling, and what it commits to.

use alloc::{format, string::String, vec::Vec};
use serde_json::Value;

use crate::{
    codec::{CodecError, Recorded, Row, RowFault, encode, open},
    event::Event,
    ids::Personal,
    merkle::{Hash, leaf_hash},
    seal::PersonalRow,
};

/// What a row is when it is looked at alone. Nothing here asks for another row, so many can be looked at side by side;
/// [`super::Replay::proved`] then takes them in order.
#[derive(Debug)]
pub struct Proved {
    /// Hash of the body that is there.
    pub(super) leaf: Hash,
    pub(super) opened: Result<Recorded, RowFault>,
    pub(super) commitments: Vec<Commitment>,
    pub(super) spelling: Result<(), RowFault>,
    /// How many commitments were opened.
    pub(super) opening: u64,
    /// Paths of values that open nothing.
    pub(super) not_opening: Vec<String>,
}

impl Proved {
    /// Looks at a row; thoroughly means what [`super::Replay::thorough`] says.
    pub fn of(row: &Row<'_>, thoroughly: bool) -> Self {
        let mut opened = open(row);
        let leaf = match &opened {
            // Opening has compared it with the body.
            Ok(_) => Hash(row.leaf),
            Err(_) => leaf_hash(row.body),
        };
        let mut commitments = Vec::new();
        let mut spelling = Ok(());
        if let (Ok(recorded), true) = (&mut opened, thoroughly) {
            collect(row.position, &mut recorded.event, &mut commitments);
            spelling = one_spelling(row, recorded);
        }
        Self { leaf, opened, commitments, spelling, opening: 0, not_opening: Vec::new() }
    }

    /// Opens the commitments of the row with the values that are stored for it. What opens is counted and let go;
    /// what does not is kept for whoever knows what was redacted.
    pub fn open_with(mut self, values: &[PersonalRow]) -> Self {
        for value in values {
            let opens = |c: &Commitment| c.path == value.path && value.opens(&c.hash);
            match self.commitments.iter().position(opens) {
                Some(place) => {
                    self.commitments.remove(place);
                    self.opening = self.opening.saturating_add(1);
                }
                None => self.not_opening.push(value.path.clone()),
            }
        }
        self
    }
}

/// A commitment that stands in a body, with the place of the value it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Commitment {
    /// The event.
    pub position: u64,
    /// Path inside its payload.
    pub path: String,
    /// What stands there.
    pub hash: Hash,
}

/// An event of today's version has one spelling: what would be written for it is what is stored. (Old versions
/// were written by older programs; their bytes are held by the tree alone.)
fn one_spelling(row: &Row<'_>, recorded: &mut Recorded) -> Result<(), RowFault> {
    if recorded.version != recorded.event.kind().version() {
        return Ok(());
    }
    match encode(&recorded.envelope, &mut recorded.event) {
        Ok(body) if body == row.body => Ok(()),
        Ok(_) => {
            Err(RowFault::Undecodable(CodecError::NotCanonical("the event has another spelling".into())))
        }
        Err(why) => Err(RowFault::Undecodable(why)),
    }
}

/// Every commitment to a personal value in an event.
pub fn commitments_of(position: u64, event: &mut Event) -> Vec<Commitment> {
    let mut found = Vec::new();
    collect(position, event, &mut found);
    found
}

fn collect(position: u64, event: &mut Event, commitments: &mut Vec<Commitment>) {
    event.personals(&mut |path, value| {
        if let Personal::Committed(hash) = value {
            commitments.push(Commitment { position, path: format!("{path}"), hash: *hash });
        }
    });
    if let Event::EventCorrected(c) = event {
        for (name, value) in &c.set {
            collect_value(position, &format!("set.{name}"), value, commitments);
        }
    }
}

/// Corrected fields are values whose kind only the target knows; a commitment shows by its form.
fn collect_value(position: u64, path: &str, value: &Value, commitments: &mut Vec<Commitment>) {
    match value {
        Value::Object(fields) => {
            let committed = fields.get("commitment").filter(|_| fields.len() == 1).and_then(Value::as_str);
            if let Some(hash) = committed.and_then(|text| text.parse::<Hash>().ok()) {
                commitments.push(Commitment { position, path: path.into(), hash });
                return;
            }
            for (name, value) in fields {
                collect_value(position, &format!("{path}.{name}"), value, commitments);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect_value(position, &format!("{path}[{index}]"), value, commitments);
            }
        }
        _ => {}
    }
}
