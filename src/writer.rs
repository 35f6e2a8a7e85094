//! The one writer of a ledger: a thread that takes batches from a bounded queue and commits as many as have
//! gathered with one sync to disk. A lone writer waits for nobody: a group is what is there, never what may come.
//!
//! When many wait, the work is shared by two hands (`writer/hands.rs`): this thread decides one half of them while the
//! other hand makes the other half durable. [`Load`] shares the work of a long file in the same way.

mod hand;
mod hands;
mod load;

pub use load::{Load, Results};

use std::{collections::VecDeque, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Ledger, Receipt},
    store::Store,
};
use hands::Hands;

/// Most batches that wait in the queue; whoever comes then waits at the door.
pub const QUEUE_BATCHES_MAX: usize = 4_096;
/// Most batches in one commit.
pub const GROUP_BATCHES_MAX: usize = 512;
/// Fewest batches that are worth two hands. With fewer, the second one would cost more than it gives.
pub const TWO_HANDS_BATCHES_MIN: usize = 16;

/// A batch, and who waits for what comes of it.
struct Job {
    batch: Batch,
    reply: oneshot::Sender<Result<Vec<Receipt>>>,
}

enum Message {
    Job(Job),
    /// The other hand is free again.
    HandIsFree,
}

/// A handle to the writer; clones share it, from threads and from async tasks alike.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Message>,
}

impl Writer {
    /// Starts the writer on its own thread. It ends when the last handle is dropped, and hands back the ledger.
    pub fn start<S: Store + Send + 'static>(ledger: Ledger<S>) -> (Self, JoinHandle<Ledger<S>>) {
        let (queue, messages) = mpsc::channel(QUEUE_BATCHES_MAX);
        let wake = queue.downgrade();
        let thread = std::thread::spawn(move || run(ledger, messages, wake));
        (Self { queue }, thread)
    }
    /// Records a batch and waits until it is durable. For threads.
    ///
    /// # Errors
    /// What [`Ledger::record`] says; [`ErrorKind::Interrupted`] when the writer has ended.
    pub fn record(&self, batch: Batch) -> Result<Vec<Receipt>> {
        let (reply, answer) = oneshot::channel();
        self.queue.blocking_send(Message::Job(Job { batch, reply })).map_err(|_| ended())?;
        answer.blocking_recv().map_err(|_| ended())?
    }
    /// Records a batch and waits until it is durable. For async tasks.
    ///
    /// # Errors
    /// As [`Writer::record`].
    pub async fn record_async(&self, batch: Batch) -> Result<Vec<Receipt>> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Message::Job(Job { batch, reply })).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Interrupted, "writer_has_ended", "the writer has ended")
        .hint("ask again by key what was recorded")
}

/// Tells everybody what came of their batch. Whoever asked may have gone; the event is durable all the same.
fn answer(jobs: Vec<Job>, results: Result<Vec<Result<Vec<Receipt>>>>) {
    match results {
        Ok(results) => jobs.into_iter().zip(results).for_each(|(job, result)| {
            let _ = job.reply.send(result);
        }),
        Err(why) => jobs.into_iter().for_each(|job| {
            let _ = job.reply.send(Err(why.clone()));
        }),
    }
}

fn run<S: Store + Send + 'static>(
    mut ledger: Ledger<S>,
    mut messages: mpsc::Receiver<Message>,
    wake: mpsc::WeakSender<Message>,
) -> Ledger<S> {
    let mut hands = Hands::new(&mut ledger, Some(wake));
    while let Some(first) = messages.blocking_recv() {
        let mut waiting = VecDeque::new();
        let mut next = Some(first);
        while let Some(message) = next {
            if let Message::Job(job) = message {
                waiting.push_back(job);
            }
            next = if waiting.len() < GROUP_BATCHES_MAX { messages.try_recv().ok() } else { None };
        }
        hands.take_note();
        if hands.is_worth_sharing(waiting.len()) {
            share(&mut hands, waiting);
        } else {
            hands.alone(waiting.into());
        }
    }
    hands.finish();
    drop(hands);
    ledger
}

/// Decides what waits while the other hand writes. What is decided is handed over when that hand is free and no more
/// than half is left to be decided: who is served with the first half can ask again during the second.
fn share<S: Store + Send + 'static>(hands: &mut Hands<'_, S>, mut waiting: VecDeque<Job>) {
    let half = waiting.len() / 2;
    while let Some(job) = waiting.pop_front() {
        hands.decide(job);
        hands.take_note();
        if hands.is_free() && waiting.len() <= half {
            hands.hand_over();
        }
        if hands.decided() >= GROUP_BATCHES_MAX {
            hands.wait();
            hands.hand_over();
        }
    }
    if hands.is_free() {
        hands.hand_over();
    }
}
