//! What a replay arrives at.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::{Commitment, Uses};
use crate::{
    books::Books,
    case::{Broken, World},
    event::Kind,
    evidence::succession::Announced,
    ids::{ExternalId, SourceId},
    journal::Poster,
    merkle::{Frontier, Hash},
    redaction::Redactions,
};

/// A table in which nothing is asked in order. Who lists it sorts first: its own order means nothing.
pub type Table<K, V> = HashMap<K, V, FixedState>;

/// The idempotency key of an event: source, kind, external id.
pub type Key = (SourceId, Kind, ExternalId);

/// The events among which the first wrong one is, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Places {
    /// First position that can be it.
    pub first: u64,
    /// Last position that can be it.
    pub last: u64,
}

impl Places {
    /// Of two findings the one that tells more: the closer one where one lies inside the other, else the sooner.
    pub fn sooner_or_closer(self, other: Self) -> Self {
        let holds = |wide: Self, close: Self| wide.first <= close.first && close.last <= wide.last;
        if holds(self, other) {
            other
        } else if holds(other, self) {
            self
        } else {
            self.min(other)
        }
    }
    /// Exactly this event.
    pub fn at(position: u64) -> Self {
        Self { first: position, last: position }
    }
}

/// What a replay arrived at.
#[derive(Debug)]
pub struct Outcome {
    /// Events read.
    pub events: u64,
    /// RFC 6962 root over all of them.
    pub root: Hash,
    /// The frontier behind the root.
    pub frontier: Frontier,
    /// The books.
    pub books: Books,
    /// What is wrong, by position; at most [`FINDINGS_MAX`].
    pub findings: Vec<Broken>,
    /// How much is wrong.
    pub findings_count: u64,
    /// Where the first wrong event is, if a finding shows one.
    pub first_bad: Option<Places>,
    /// How far the checkpoints on record vouch for the events: size of the last one that is of this log.
    pub vouched: u64,
    /// Cases of which not everything could be folded.
    pub quarantined: Vec<String>,
    /// Events per kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Hashes of the policies that were published.
    pub policies: Vec<Hash>,
    /// Every event id and every idempotency key with the position of its event.
    pub uses: Uses,
    /// Every commitment to a personal value, when they were asked for; without those that were opened on the way.
    pub commitments: Vec<Commitment>,
    /// How many commitments were opened on the way, see [`super::Proved::open_with`].
    pub opened: u64,
    /// Position and path of values that were offered to a commitment and did not open it, or where there is none.
    pub not_opening: Vec<(u64, String)>,
    /// Whether an event came for a case that was handed over before, see [`super::Replay::hand_over`]. Nothing of this
    /// outcome holds then.
    pub came_late: bool,
    /// Personal values that were erased, with approval or without.
    pub redactions: Redactions,
    /// Checkpoints that were recorded and are of this log: position and signed note. Who signed is not asked here.
    pub checkpoints: Vec<(u64, String)>,
    /// Keys that sign the heads, as the log names them, each as its reason asks for signed.
    pub announced: Vec<Announced>,
    /// The roots that were asked for, by size; none where the log is shorter.
    pub roots: BTreeMap<u64, Option<Hash>>,
    /// Events by somebody whose duty they were not.
    pub oversteps: u64,
    /// Seals of months whose figures are not those of the log.
    pub seals_differing: u64,
    /// What the entries of the journal add up to, when they were asked for.
    pub poster: Option<Poster>,
    /// The world itself, for questions the books do not answer.
    pub world: World,
}
