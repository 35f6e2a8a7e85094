//! Where the log lives. A store keeps rows and finds them again; it decides nothing.
//!
//! Synchronous on purpose: async stops at the door. Positions come from one locked tip, so that a store with
//! many processes (PostgreSQL) can implement the same verbs. `tests/store.rs` is the suite every store passes.

pub mod access;
pub mod memory;
pub mod sqlite;

use replay::{
    books::{Books, ClaimRows, RefusalRow},
    codec::{OwnedRow, Row},
    ids::{Origin, Stream},
    merkle::Frontier,
    seal::{PersonalRow, Sealed},
};
use std::{ops::ControlFlow, time::Duration};

use crate::error::Result;

/// The end of the log: what the next event follows on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tip {
    /// Position of the last event, 0 for an empty log.
    pub position: u64,
    /// Recorded time of the last event, in microseconds.
    pub recorded_at: i64,
    /// The Merkle tree over all events.
    pub frontier: Frontier,
}

impl Tip {
    /// The tip of an empty log.
    pub fn empty() -> Self {
        Self { position: 0, recorded_at: 0, frontier: Frontier::new() }
    }
}

/// The idempotency key of an event: who sent it, what kind it is, their own id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The sending system.
    pub source: String,
    /// The kind of event.
    pub kind: String,
    /// The sender's own id.
    pub external_id: String,
}

/// A part of the log, by position, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First position, from 1.
    pub first: u64,
    /// Last position; `u64::MAX` = to the end.
    pub last: u64,
}

impl Span {
    /// The whole log.
    pub const ALL: Span = Span { first: 1, last: u64::MAX };
    /// Everything after a position.
    pub fn after(position: u64) -> Self {
        Span { first: position.saturating_add(1), last: u64::MAX }
    }
}

/// What a scan calls for each row; it may stop the scan.
pub type OnRow<'a> = &'a mut dyn FnMut(&Row<'_>) -> ControlFlow<()>;

/// The verbs of a store.
pub trait Store {
    /// The ledger's name, as it stands in every event.
    fn origin(&self) -> &Origin;
    /// The same ledger once more, for another thread; `None` where there is no such thing.
    fn another(&self) -> Result<Option<Self>>
    where
        Self: Sized,
    {
        Ok(None)
    }
    /// The end of the log.
    fn tip(&mut self) -> Result<Tip>;

    /// Begins a write transaction and locks the tip.
    fn begin(&mut self) -> Result<()>;
    /// Makes everything since `begin` durable at once.
    fn commit(&mut self) -> Result<()>;
    /// Forgets everything since `begin`.
    fn rollback(&mut self);

    /// All rows of one stream, by revision.
    fn history(&mut self, stream: &Stream) -> Result<Vec<OwnedRow>>;
    /// Rows of the ledger stream that rules ask for: without refusals and rebuilds, which grow without end.
    fn registry(&mut self) -> Result<Vec<OwnedRow>>;
    /// The revision of one stream, 0 when it has no event.
    fn revision(&mut self, stream: &Stream) -> Result<u64>;
    /// The claims on one order.
    fn claims_of(&mut self, order: &str) -> Result<Vec<String>>;
    /// The position of the event with this key.
    fn find(&mut self, key: &Key) -> Result<Option<u64>>;
    /// The position of the event with this id.
    fn find_event(&mut self, event_id: [u8; 16]) -> Result<Option<u64>>;
    /// One row.
    fn row(&mut self, position: u64) -> Result<Option<OwnedRow>>;
    /// Rows in order of position, borrowed from the store.
    fn scan(&mut self, span: Span, on_row: OnRow<'_>) -> Result<()>;
    /// The personal values behind one event.
    fn personal(&mut self, position: u64) -> Result<Vec<PersonalRow>>;

    /// Takes one personal value out of the tables, inside a transaction. Says whether it was there.
    fn erase(&mut self, position: u64, path: &str) -> Result<bool>;
    /// Whether values were erased that may still be read from what the store has written.
    fn is_unclean(&mut self) -> Result<bool>;
    /// Makes what was erased unreadable in everything the store has written, waiting so long for readers that hold
    /// an older state. Outside a transaction.
    fn clean(&mut self, wait: Duration) -> Result<()>;

    /// Adds one event with its key and its personal values.
    fn append(&mut self, sealed: &Sealed, key: Option<&Key>, order: Option<&str>) -> Result<()>;
    /// Writes the new end of the log.
    fn set_tip(&mut self, tip: &Tip) -> Result<()>;
    /// Replaces what the books say of one claim.
    fn post(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) -> Result<()>;
    /// Puts a refused act on its list.
    fn refuse(&mut self, row: &RefusalRow) -> Result<()>;
    /// The books as they are served.
    fn books(&mut self) -> Result<Books>;
}
