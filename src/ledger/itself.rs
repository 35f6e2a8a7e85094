//! What the log says of itself (seals, checkpoints, keys, rebuilds): decided and appended under the writer's lock.

use super::{Draft, Ledger, Receipt, stop::refused};
use crate::{
    error::{Error, ErrorKind, Result},
    store::Store,
};
use replay::{
    case::Case,
    codec::Recorded,
    decide::{Context, decide_own},
    event::Event,
    evidence::record,
    merkle::Frontier,
    registry::Registry,
    seal::Proposal,
};

/// What is signed must be the head of the log as it stands, and signed by the key on record: asked again on replay.
///
/// # Errors
/// What differs.
pub(super) fn is_so(recorded: &Recorded, registry: &Registry, before: &Frontier) -> Result<()> {
    let origin = recorded.envelope.ledger.as_str();
    let position = recorded.envelope.position.get();
    let (code, why) = match &recorded.event {
        Event::CheckpointRecorded(head) => {
            let fits = record::checkpoint(head, origin, before, registry.signing_key());
            ("checkpoint_is_not_the_head", fits.err())
        }
        Event::SigningKeyAnnounced(key) => {
            ("statement_is_not_of_the_head", record::signing_key(key, position, origin, before).err())
        }
        _ => return Ok(()),
    };
    let Some(why) = why else { return Ok(()) };
    let error = Error::new(ErrorKind::Stale, code, why.to_string());
    Err(match why {
        record::HeadFault::KeyDidNotSign { .. } => error.hint("claims key list shows which key signs"),
        _ => error.hint("the log went on meanwhile: sign it again as it stands now"),
    })
}

impl<S: Store> Ledger<S> {
    /// The registry as the log has it now.
    ///
    /// # Errors
    /// A broken log, storage errors.
    pub(crate) fn registry(&mut self) -> Result<&Registry> {
        let tip = self.store.tip()?;
        self.cache.expect(tip.position);
        match self.cache.load_registry(&mut self.store)? {
            Some(error) => Err(error),
            None => Ok(self.cache.registry()),
        }
    }

    /// Appends an event of the ledger about itself for which somebody answers, inside a transaction that the caller
    /// has begun.
    ///
    /// # Errors
    /// A refusal, storage errors.
    pub(crate) fn append_answered(&mut self, proposal: &Proposal) -> Result<Receipt> {
        let last = self.store.tip()?;
        let now = self.now(&last);
        let case = Case::default();
        let context = Context { registry: self.registry()?, case: &case };
        decide_own(context, proposal, now).map_err(|refusal| refused(&refusal, &proposal.stream))?;
        self.append_own(proposal)
    }

    /// Appends an event of the ledger about itself, inside a transaction that the caller has begun.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) fn append_own(&mut self, proposal: &Proposal) -> Result<Receipt> {
        if proposal.external_id.is_some() {
            let text = "what the ledger says of itself cannot be repeated by a key";
            return Err(Error::new(ErrorKind::Internal, "own_event_with_a_key", text));
        }
        let tip = self.store.tip()?;
        let mut group = self.begin_group(tip);
        if let Some(error) = self.cache.load_registry(&mut self.store)? {
            return Err(error);
        }
        let mut draft = Draft::new(&group.tip, true);
        let now = self.now(&draft.tip);
        let receipt = self.draft(&mut draft, None, proposal, proposal.event.clone(), None, now)??;
        self.keep(&mut group, draft);
        self.decided(group).write(&mut self.store)?;
        self.unwritten.clear();
        Ok(receipt)
    }
}
