//! A long file of commands: groups of batches one after the other, each decided while the one before it is being made
//! durable.

use tokio::sync::oneshot;

use super::{Job, hands::Hands};
use crate::{
    door::Door,
    error::Result,
    ledger::{Batch, Ledger, Receipt},
    store::Store,
};

/// What came of each batch of a group.
pub type Results = Vec<Result<Vec<Receipt>>>;

/// Records groups one after the other, with two hands. What it was given and has not answered when it is dropped may be
/// on record or not; [`Load::finish`] says.
pub struct Load<'a, S> {
    hands: Hands<'a, S>,
    waiting: Vec<oneshot::Receiver<Result<Vec<Receipt>>>>,
}

impl<'a, S: Store + Send + 'static> Load<'a, S> {
    /// Records on this ledger; `until_failure`: the first batch that cannot be recorded is the last one looked at.
    pub fn new(ledger: &'a mut Ledger<S>, until_failure: bool) -> Self {
        Self { hands: Hands::in_order(ledger, until_failure), waiting: Vec::new() }
    }
    /// The door, for its clock.
    pub fn door(&mut self) -> &mut Door {
        self.hands.ledger().door()
    }
    /// Takes the next group. Says what came of the group before it, which is durable now; where it ended at a failure, the
    /// list is shorter than the group.
    ///
    /// # Errors
    /// Storage errors, after which nothing of the group before is recorded, and nothing of this one.
    pub fn record(&mut self, batches: Vec<Batch>) -> Result<Results> {
        let (jobs, answers): (Vec<Job>, Vec<_>) = batches
            .into_iter()
            .map(|batch| {
                let (reply, answer) = oneshot::channel();
                (Job { batch, reply }, answer)
            })
            .unzip();
        // The group before it waited for this moment: if it had been the last, one hand would have done.
        self.hands.hand_over();
        for job in jobs {
            self.hands.decide(job);
            self.hands.take_note();
        }
        self.hands.wait();
        let before = std::mem::replace(&mut self.waiting, answers);
        self.hands.fault().map_or(Ok(()), Err)?;
        Ok(collect(before))
    }
    /// Waits for the last group, and says what came of it. More can be recorded afterwards.
    ///
    /// # Errors
    /// Storage errors, after which nothing of the group is recorded.
    pub fn finish(&mut self) -> Result<Results> {
        self.hands.finish();
        self.hands.fault().map_or(Ok(()), Err)?;
        Ok(collect(std::mem::take(&mut self.waiting)))
    }
}

/// The answers, up to the first batch that was not looked at.
fn collect(answers: Vec<oneshot::Receiver<Result<Vec<Receipt>>>>) -> Results {
    answers.into_iter().map_while(|answer| answer.blocking_recv().ok()).collect()
}
