//! Between deciding and writing: what a group of batches leads to is worked out first and written then, so that one
//! thread may write while another decides what comes next.

use replay::{
    books::{ClaimRows, refusal_row},
    case::CaseKey,
    event::Event,
    ids::{EventId, Stream},
    seal::Sealed,
};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::Receipt;
use crate::{
    error::Result,
    store::{Key, Store, Tip},
};

/// An event that is ready for the log.
#[derive(Debug)]
pub(super) struct Entry {
    pub sealed: Sealed,
    pub key: Option<Key>,
    /// The order that a claim is opened on.
    pub order: Option<String>,
}

/// What the books say of one claim, before and after a group.
pub(super) type Change = (Option<Arc<ClaimRows>>, Option<Arc<ClaimRows>>);

/// What a group of batches has changed so far.
#[derive(Debug)]
pub(crate) struct Group {
    /// The position that the log ended at before it.
    pub(super) after: u64,
    pub(super) tip: Tip,
    pub(super) touched: BTreeSet<CaseKey>,
    pub(super) entries: Vec<Arc<Entry>>,
    /// For each batch its receipts, or why it cannot be recorded.
    pub(super) results: Vec<Result<Vec<Receipt>>>,
}

impl Group {
    pub(super) fn new(tip: Tip) -> Self {
        let after = tip.position;
        Self { after, tip, touched: BTreeSet::new(), entries: Vec::new(), results: Vec::new() }
    }
}

/// A whole group as it was decided: what to write, and what to tell once it is durable.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The position that the log ends at, or none of this holds.
    pub(super) after: u64,
    pub(super) tip: Tip,
    pub(super) entries: Vec<Arc<Entry>>,
    pub(super) books: Vec<Change>,
    /// For each batch its receipts, or why it was not recorded.
    pub(crate) results: Vec<Result<Vec<Receipt>>>,
}

impl Decided {
    /// Writes all of it and makes it durable, in a transaction of its own. `false`: another program has written to the
    /// log since it was decided, and nothing was written.
    ///
    /// # Errors
    /// Storage errors, after which nothing of the group is recorded.
    pub(crate) fn commit<S: Store>(&self, store: &mut S) -> Result<bool> {
        store.begin()?;
        let written = store.tip().and_then(|tip| match tip.position == self.after {
            true => self.write(store).map(|()| true),
            false => Ok(false),
        });
        match written {
            Ok(true) => store.commit().map(|()| true).inspect_err(|_| store.rollback()),
            other => {
                store.rollback();
                other
            }
        }
    }

    /// Writes all of it inside a transaction: the events, then once for each claim its books, then the end of the log.
    pub(super) fn write<S: Store>(&self, store: &mut S) -> Result<()> {
        for entry in &self.entries {
            let recorded = &entry.sealed.recorded;
            store.append(&entry.sealed, entry.key.as_ref(), entry.order.as_deref())?;
            if let Event::AppendRefused(r) = &recorded.event {
                store.refuse(&refusal_row(recorded.envelope.position, r))?;
            }
        }
        for (before, after) in &self.books {
            store.post(before.as_deref(), after.as_deref())?;
        }
        store.set_tip(&self.tip)
    }
}

/// Events that the next command has to see although they are not on disk.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Of the group that is being decided.
    deciding: Found,
    /// Of the group before it, which another thread is writing.
    writing: Found,
}

#[derive(Debug, Default)]
struct Found {
    by_key: HashMap<Key, Arc<Entry>>,
    by_id: HashMap<EventId, Arc<Entry>>,
}

impl Unwritten {
    pub fn add(&mut self, entry: &Arc<Entry>) {
        if let Some(key) = &entry.key {
            self.deciding.by_key.insert(key.clone(), Arc::clone(entry));
        }
        self.deciding.by_id.insert(entry.sealed.recorded.envelope.event_id, Arc::clone(entry));
    }
    /// Another thread writes what was decided so far.
    pub fn is_being_written(&mut self) {
        self.writing = std::mem::take(&mut self.deciding);
    }
    /// What was being written can be read from the store from now on.
    pub fn is_written(&mut self) {
        self.writing = Found::default();
    }
    pub fn clear(&mut self) {
        *self = Self::default();
    }
    pub fn with_key(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.deciding.by_key.get(key).or_else(|| self.writing.by_key.get(key))
    }
    pub fn with_id(&self, id: EventId) -> Option<&Arc<Entry>> {
        self.deciding.by_id.get(&id).or_else(|| self.writing.by_id.get(&id))
    }
    /// The events of one stream, by revision.
    pub fn of_stream(&self, stream: &Stream) -> Vec<&Entry> {
        let all = self.writing.by_id.values().chain(self.deciding.by_id.values()).map(|entry| &**entry);
        let mut found: Vec<&Entry> =
            all.filter(|entry| entry.sealed.recorded.envelope.stream == *stream).collect();
        found.sort_by_key(|entry| entry.sealed.row.revision);
        found
    }
}
