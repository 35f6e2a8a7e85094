//! What whoever sent a command gets back.

use replay::{codec::OwnedRow, time::Instant};
use serde::Serialize;

/// What came of one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Receipt {
    /// `recorded`, or `already_recorded` when the same key and content was there.
    pub outcome: Outcome,
    /// Place in the log.
    pub position: u64,
    /// The stream.
    pub stream: String,
    /// Place in the stream.
    pub revision: u64,
    /// Its id.
    pub event_id: String,
    /// What kind it is.
    pub kind: String,
    /// When the ledger learned it.
    pub recorded_at: String,
}

/// Whether a command added an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new event.
    Recorded,
    /// The same key and content is on record; this is its first receipt again.
    AlreadyRecorded,
}

impl Receipt {
    pub(super) fn of(row: &OwnedRow, outcome: Outcome) -> Self {
        let at = Instant::from_micros(row.recorded_at).unwrap_or(Instant::EPOCH);
        Self {
            outcome,
            position: row.position,
            stream: row.stream.clone(),
            revision: row.revision,
            event_id: uuid::Uuid::from_bytes(row.event_id).to_string(),
            kind: row.kind.clone(),
            recorded_at: at.to_string(),
        }
    }
}
