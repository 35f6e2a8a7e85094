//! The same message again: found by its key, or by its event id where the sender made one.

use replay::{
    codec::{OwnedRow, Recorded, open},
    decide::refusal_event,
    ids::Stream,
    seal::{PersonalRow, Proposal, Sealed, same_content},
};

use super::{Draft, Entry, Ledger, Outcome, Receipt, Stop};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Key, Store},
};

/// The idempotency key of a command that has one.
pub(super) fn key_of(proposal: &Proposal) -> Option<Key> {
    proposal.external_id.as_ref().map(|external_id| Key {
        source: proposal.source.to_string(),
        kind: proposal.event.kind().as_str().into(),
        external_id: external_id.to_string(),
    })
}

/// What is on record under a key or an id.
struct Found {
    row: OwnedRow,
    stored: Recorded,
    personal: Vec<PersonalRow>,
}

impl Found {
    fn of(entry: &Entry) -> Self {
        let Sealed { row, recorded, personal } = entry.sealed.clone();
        Self { row, stored: recorded, personal }
    }
}

impl<S: Store> Ledger<S> {
    /// The receipt, or the conflict, of a key or an event id that is on record already.
    pub(super) fn known(
        &mut self,
        draft: &Draft,
        key: Option<&Key>,
        proposal: &Proposal,
    ) -> Result<Option<std::result::Result<Receipt, Stop>>> {
        let Some(found) = self.first_of(draft, key, proposal)? else { return Ok(None) };
        if same_content(proposal, &found.stored, &found.personal) {
            return Ok(Some(Ok(Receipt::of(&found.row, Outcome::AlreadyRecorded))));
        }
        let (what, name) = match (&found.stored.envelope.external_id, &proposal.external_id) {
            (Some(have), Some(asked)) if have == asked => {
                ("key", format!("key {asked} of {}", proposal.source))
            }
            _ => ("event id", format!("event id {}", found.stored.envelope.event_id)),
        };
        let error = Error::new(ErrorKind::Conflict, "conflict", format!("{name} stands for other content"))
            .details(vec![format!(
                "first recorded at position {} on {}",
                found.row.position, found.row.stream
            )])
            .at(&proposal.stream)
            .hint("a retry must repeat the same content; another fact needs another key (H-20)")
            .cites(["H-20"]);
        let message = format!("{what} stands for position {}", found.row.position);
        let event = refusal_event(proposal, "conflict", &message, Vec::new());
        Ok(Some(Err(Stop { error, on_record: event.map(|e| (Stream::Ledger, e)) })))
    }

    fn first_of(&mut self, draft: &Draft, key: Option<&Key>, proposal: &Proposal) -> Result<Option<Found>> {
        let id = proposal.event_id;
        let in_draft = draft.entries.iter().find(|entry| {
            (key.is_some() && entry.key.as_ref() == key)
                || id.is_some_and(|id| entry.sealed.recorded.envelope.event_id == id)
        });
        if let Some(entry) = in_draft {
            return Ok(Some(Found::of(entry)));
        }
        // By key first: what the sender calls the fact counts more than what it calls the event.
        if let Some(entry) = key.and_then(|key| self.unwritten.with_key(key)) {
            return Ok(Some(Found::of(entry)));
        }
        let by_key = key.map(|key| self.store.find(key)).transpose()?.flatten();
        let position = match (by_key, id) {
            (Some(position), _) => position,
            (None, None) => return Ok(None),
            (None, Some(id)) => {
                if let Some(entry) = self.unwritten.with_id(id) {
                    return Ok(Some(Found::of(entry)));
                }
                let Some(position) = self.store.find_event(*id.0.as_bytes())? else { return Ok(None) };
                position
            }
        };
        let broken = |code: &str, why: String| {
            Error::new(ErrorKind::BrokenLog, code, format!("position {position}{why}"))
        };
        let row =
            self.store.row(position)?.ok_or_else(|| broken("event_is_missing", " is missing".into()))?;
        let stored = open(&row.as_row()).map_err(|why| broken("event_is_broken", format!(": {why}")))?;
        let personal = self.store.personal(position)?;
        Ok(Some(Found { row, stored, personal }))
    }
}
