//! Whether every event id and every idempotency key is used once.

use super::{Key, Table};
use crate::{
    case::Fault,
    codec::Envelope,
    event::Kind,
    ids::EventId,
    multiset::{Multiset, MultisetKey},
};

/// What is known of ids and keys so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Uses {
    /// Each with the position of its event: the second use is a finding.
    Kept {
        /// Every event id.
        event_ids: Table<EventId, u64>,
        /// Every idempotency key.
        keys: Table<Key, u64>,
    },
    /// What they add up to, in the memory of two sums. An index that has the same sum and nothing twice proves that
    /// each is used once.
    Summed {
        /// Over event ids with their positions.
        event_ids: Multiset,
        /// Over source, kind and external id with their positions.
        keys: Multiset,
    },
}

impl Default for Uses {
    fn default() -> Self {
        Uses::Kept { event_ids: Table::default(), keys: Table::default() }
    }
}

impl Uses {
    pub(super) fn summed(key: &MultisetKey) -> Self {
        Uses::Summed { event_ids: Multiset::keyed(key), keys: Multiset::keyed(key) }
    }
    /// Where an event is; nobody knows when they were only added up.
    pub fn position_of(&self, event: &EventId) -> Option<u64> {
        match self {
            Uses::Kept { event_ids, .. } => event_ids.get(event).copied(),
            Uses::Summed { .. } => None,
        }
    }
    /// Takes in id and key of an event.
    pub(super) fn first(&mut self, e: &Envelope, kind: Kind) -> Result<(), Fault> {
        let position = e.position.get();
        match self {
            Uses::Kept { event_ids, keys } => {
                if event_ids.try_insert(e.event_id, position).is_err() {
                    return Err(Fault::EventIdIsUsedTwice);
                }
                if let Some(key) = &e.external_id
                    && keys.insert((e.source.clone(), kind, key.clone()), position).is_some()
                {
                    return Err(Fault::KeyIsUsedTwice);
                }
            }
            Uses::Summed { event_ids, keys } => {
                event_ids.add(&[e.event_id.0.as_bytes()], position);
                if let Some(key) = &e.external_id {
                    let parts = [e.source.as_str(), kind.as_str(), key.as_str()].map(str::as_bytes);
                    keys.add(&parts, position);
                }
            }
        }
        Ok(())
    }
}
