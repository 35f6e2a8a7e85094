//! Deciding ahead: on what is remembered, while another thread writes what was decided before.
//!
//! It is a guess that what is being written will be written and that no other program writes in between. Whoever writes
//! looks at the end of the log first ([`Decided::commit`]); if the guess was wrong, [`Ledger::forget`] and decide again.

use replay::seal::Proposal;

use super::{
    Ledger,
    decided::{Decided, Group},
};
use crate::{error::Result, store::Store};

impl<S: Store> Ledger<S> {
    /// Begins a group that follows on what is being written.
    ///
    /// # Errors
    /// Storage errors.
    pub(crate) fn begin_ahead(&mut self) -> Result<Group> {
        let tip = match &self.ahead {
            Some(tip) => tip.clone(),
            None => self.store.tip()?,
        };
        Ok(self.begin_group(tip))
    }
    /// Decides the next batch of the group. Says whether it can be recorded.
    ///
    /// # Errors
    /// Storage errors; the group is of no use then.
    pub(crate) fn decide_ahead(&mut self, group: &mut Group, batch: &[Proposal]) -> Result<bool> {
        self.decide(group, batch)
    }
    /// The group goes to whoever writes it; nothing else may be on its way.
    pub(crate) fn hand_over(&mut self, group: Group) -> Decided {
        let decided = self.decided(group);
        self.unwritten.is_being_written();
        self.ahead = Some(decided.tip.clone());
        decided
    }
    /// What was handed over is on disk.
    pub(crate) fn is_written(&mut self) {
        self.unwritten.is_written();
        self.ahead = None;
    }
}
