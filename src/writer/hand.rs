//! The other hand of the writer: a thread with the same ledger opened once more, which makes one group at a time durable
//! and answers for it.

use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread::JoinHandle,
};
use tokio::sync::mpsc::WeakSender;

use super::{Job, Message, answer, ended};
use crate::{error::Error, ledger::decided::Decided, store::Store};

/// What came of a group.
pub(super) enum Outcome {
    /// It is durable, and everybody was told.
    Written,
    /// It could not be written, and everybody was told.
    Failed(Error),
    /// Another program has written to the log since it was decided. Nothing was written, nobody was told.
    Overtaken(Vec<Job>),
}

type Work = (Decided, Vec<Job>);

/// Begins when it is first needed, ends when it is dropped.
pub(super) struct Hand {
    thread: Option<Thread>,
    is_busy: bool,
    /// Where the ledger cannot be opened once more, one hand does it all.
    is_missing: bool,
    wake: Option<WeakSender<Message>>,
}

struct Thread {
    groups: Sender<Work>,
    outcomes: Receiver<Outcome>,
    handle: JoinHandle<()>,
}

impl Hand {
    /// `wake` tells whoever sleeps meanwhile that the hand is free again.
    pub fn new(wake: Option<WeakSender<Message>>) -> Self {
        Self { thread: None, is_busy: false, is_missing: false, wake }
    }
    /// Whether there is such a hand, as far as is known.
    pub fn is_there(&self) -> bool {
        !self.is_missing
    }
    /// Whether it is at work on a group.
    pub fn is_busy(&self) -> bool {
        self.is_busy
    }
    /// Writes a group. Hands the jobs back when there is no such hand.
    pub fn write<S: Store + Send + 'static>(
        &mut self,
        store: &S,
        decided: Decided,
        jobs: Vec<Job>,
    ) -> Result<(), Vec<Job>> {
        if self.thread.is_none() {
            let another = store.another().ok().flatten();
            self.thread = another.map(|another| begin(another, self.wake.clone()));
        }
        let back = match &self.thread {
            Some(thread) => thread.groups.send((decided, jobs)).err().map(|unsent| unsent.0.1),
            None => Some(jobs),
        };
        self.is_missing = back.is_some();
        self.is_busy = back.is_none();
        back.map_or(Ok(()), Err)
    }
    /// What came of the group, if that is known by now.
    pub fn outcome(&mut self) -> Option<Outcome> {
        let outcome = self.thread.as_ref()?.outcomes.try_recv().ok()?;
        self.is_busy = false;
        Some(outcome)
    }
    /// Waits for what comes of the group, if there is one.
    pub fn wait(&mut self) -> Option<Outcome> {
        if !self.is_busy {
            return None;
        }
        self.is_busy = false;
        // A hand that has broken off has told nobody: whoever waits is told that the writer has ended.
        Some(self.thread.as_ref()?.outcomes.recv().unwrap_or_else(|_| Outcome::Failed(ended())))
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        if let Some(Thread { groups, handle, .. }) = self.thread.take() {
            drop(groups);
            let _ = handle.join();
        }
    }
}

fn begin<S: Store + Send + 'static>(mut store: S, wake: Option<WeakSender<Message>>) -> Thread {
    let (groups, todo) = channel::<Work>();
    let (done, outcomes) = channel();
    let handle = std::thread::spawn(move || {
        for (decided, jobs) in todo {
            let (outcome, answers) = match decided.commit(&mut store) {
                Ok(true) => (Outcome::Written, Some((jobs, Ok(decided.results)))),
                Ok(false) => (Outcome::Overtaken(jobs), None),
                Err(why) => (Outcome::Failed(why.clone()), Some((jobs, Err(why)))),
            };
            if done.send(outcome).is_err() {
                return;
            }
            // A full queue needs no waking.
            if let Some(writer) = wake.as_ref().and_then(WeakSender::upgrade) {
                let _ = writer.try_send(Message::HandIsFree);
            }
            if let Some((jobs, results)) = answers {
                answer(jobs, results);
            }
        }
    });
    Thread { groups, outcomes, handle }
}
