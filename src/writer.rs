//! The one writer of a ledger: a thread that takes batches from a bounded queue and commits as many as have
//! gathered with one sync to disk. A lone writer waits for nobody: a group is what is there, never what may come.
//!
//! When many wait, the work is shared by two hands: this thread decides one half of them while the other hand
//! (`writer/hand.rs`) makes the other half durable.

mod hand;

use std::{collections::VecDeque, thread::JoinHandle};
use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Ledger, Receipt, decided::Group},
    store::Store,
};
use hand::{Hand, Outcome};

/// Most batches that wait in the queue; whoever comes then waits at the door.
pub const QUEUE_BATCHES_MAX: usize = 4_096;
/// Most batches in one commit.
pub const GROUP_BATCHES_MAX: usize = 512;
/// Fewest batches that are worth two hands. With fewer, the second one would cost more than it gives.
pub const TWO_HANDS_BATCHES_MIN: usize = 16;

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
        let thread = std::thread::spawn(move || Run::new(ledger, messages, wake).until_the_end());
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

/// The writer at work.
struct Run<S> {
    ledger: Ledger<S>,
    messages: mpsc::Receiver<Message>,
    hand: Hand,
    /// What is decided and waits for the other hand.
    open: Option<(Group, Vec<Job>)>,
}

impl<S: Store + Send + 'static> Run<S> {
    fn new(ledger: Ledger<S>, messages: mpsc::Receiver<Message>, wake: mpsc::WeakSender<Message>) -> Self {
        Self { ledger, messages, hand: Hand::new(wake), open: None }
    }

    fn until_the_end(mut self) -> Ledger<S> {
        while let Some(first) = self.messages.blocking_recv() {
            let mut waiting = VecDeque::new();
            let mut next = Some(first);
            while let Some(message) = next {
                if let Message::Job(job) = message {
                    waiting.push_back(job);
                }
                next = if waiting.len() < GROUP_BATCHES_MAX { self.messages.try_recv().ok() } else { None };
            }
            self.take_note();
            let both = self.hand.is_there() && waiting.len() >= TWO_HANDS_BATCHES_MIN;
            if both || !self.hand.is_free() || self.open.is_some() {
                self.with_both_hands(waiting);
            } else {
                self.alone(waiting.into());
            }
        }
        self.finish();
        self.ledger
    }

    /// Decides and writes a group, one after the other.
    fn alone(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() {
            return;
        }
        let (batches, replies): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.batch, job.reply)).unzip();
        let results = self.ledger.record_group(batches);
        let jobs = replies.into_iter().map(|reply| Job { batch: Vec::new(), reply }).collect();
        answer(jobs, results);
    }

    /// Decides what waits while the other hand writes. What is decided is handed over when that hand is free and no more
    /// than half is left to be decided: who is served with the first half can ask again during the second.
    fn with_both_hands(&mut self, mut waiting: VecDeque<Job>) {
        let half = waiting.len() / 2;
        while let Some(job) = waiting.pop_front() {
            if let Err(job) = self.decide(job) {
                // Deciding has failed: the plain way says how.
                waiting.push_front(job);
                self.finish();
                return self.alone(waiting.into());
            }
            self.take_note();
            if self.hand.is_free() && waiting.len() <= half {
                self.hand_over();
            }
            let decided = self.open.as_ref().map_or(0, |(_, jobs)| jobs.len());
            if decided >= GROUP_BATCHES_MAX {
                self.wait();
                self.hand_over();
            }
        }
        if self.hand.is_free() {
            self.hand_over();
        }
    }

    /// Adds a job to what is decided. Hands it back when the ledger cannot be read.
    fn decide(&mut self, job: Job) -> std::result::Result<(), Job> {
        let (mut group, mut jobs) = match self.open.take() {
            Some(open) => open,
            None => match self.ledger.begin_ahead() {
                Ok(group) => (group, Vec::new()),
                Err(_) => return Err(job),
            },
        };
        let decided = self.ledger.decide_ahead(&mut group, &job.batch);
        match decided {
            Ok(()) => {
                jobs.push(job);
                self.open = Some((group, jobs));
                Ok(())
            }
            Err(_) => {
                self.again(jobs);
                Err(job)
            }
        }
    }

    fn hand_over(&mut self) {
        let Some((group, jobs)) = self.open.take() else { return };
        let decided = self.ledger.hand_over(group);
        if let Err(jobs) = self.hand.write(self.ledger.store(), decided, jobs) {
            self.ledger.forget();
            self.alone(jobs);
        }
    }

    /// Looks whether the other hand has finished.
    fn take_note(&mut self) {
        if let Some(outcome) = self.hand.outcome() {
            self.settle(outcome);
        }
    }
    /// Waits until the other hand has finished.
    fn wait(&mut self) {
        if let Some(outcome) = self.hand.wait() {
            self.settle(outcome);
        }
    }

    /// When what was handed over is not on disk, what was decided on top of it is decided again.
    fn settle(&mut self, outcome: Outcome) {
        let not_written = match outcome {
            Outcome::Written => return self.ledger.is_written(),
            Outcome::Failed => Vec::new(),
            Outcome::Overtaken(jobs) => jobs,
        };
        self.ledger.forget();
        self.alone(not_written);
        if let Some((_, jobs)) = self.open.take() {
            self.alone(jobs);
        }
    }

    /// The group that was decided is of no use: its jobs are done the plain way, after what is being written.
    fn again(&mut self, jobs: Vec<Job>) {
        self.wait();
        self.ledger.forget();
        self.alone(jobs);
    }

    fn finish(&mut self) {
        self.wait();
        self.hand_over();
        self.wait();
    }
}
