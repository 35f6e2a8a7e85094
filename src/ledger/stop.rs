//! Why a command stops: refused by a rule, or asked on a state that is no more.

use replay::{
    codec::open,
    decide::Refusal,
    event::Event,
    ids::{Revision, Stream},
    seal::Proposal,
};

use super::Ledger;
use crate::{
    error::{Error, ErrorKind, Result},
    store::Store,
};

/// Most lines about what happened since that a stale command is told.
const SINCE_LINES_MAX: usize = 20;

/// Why a command stopped, and what of it goes on record.
pub(super) struct Stop {
    pub error: Error,
    pub on_record: Option<(Stream, Event)>,
}

impl Stop {
    pub fn error(error: Error) -> Self {
        Stop { error, on_record: None }
    }
    pub fn refused(refusal: &Refusal, proposal: &Proposal) -> Self {
        let error = refused(refusal, &proposal.stream);
        Stop { error, on_record: refusal.on_record(proposal) }
    }
}

/// A refusal as the user meets it.
pub(crate) fn refused(refusal: &Refusal, stream: &Stream) -> Error {
    Error::new(ErrorKind::Refused, refusal.code(), refusal.to_string())
        .at(stream)
        .hint(refusal.hint())
        .cites(refusal.cites())
}

impl<S: Store> Ledger<S> {
    /// What happened since the revision that a command expected.
    pub(super) fn stale(
        &mut self,
        stream: &Stream,
        expected: Option<Revision>,
        current: Option<Revision>,
    ) -> Result<Error> {
        let (expected, current) = (expected.map_or(0, Revision::get), current.map_or(0, Revision::get));
        let mut since = Vec::new();
        let mut history = self.store.history(stream)?;
        let read = history.last().map_or(0, |row| row.revision);
        let unwritten = self.unwritten.of_stream(stream).into_iter().map(|entry| &entry.sealed.row);
        history.extend(unwritten.filter(|row| row.revision > read).cloned());
        for row in history.iter().filter(|row| row.revision > expected) {
            if since.len() >= SINCE_LINES_MAX {
                since.push("...".into());
                break;
            }
            if let Ok(recorded) = open(&row.as_row()) {
                let e = recorded.envelope;
                since.push(format!(
                    "since then: revision {} {} by {} ({})",
                    row.revision, row.kind, e.actor, e.recorded_at
                ));
            }
        }
        let text = format!("{stream} is at revision {current}, not at {expected}");
        Ok(Error::new(ErrorKind::Stale, "stale_revision", text)
            .details(since)
            .hint("look at what happened, then ask again with the new revision"))
    }
}
