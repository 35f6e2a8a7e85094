//! The one writer of a ledger: a thread that takes batches from a bounded queue and commits as many as have
//! gathered with one sync to disk. A lone writer waits for nobody: a group is what is there, never what may come.

use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Ledger, Receipt},
    store::Store,
};

/// Most batches that wait in the queue; whoever comes then waits at the door.
pub const QUEUE_BATCHES_MAX: usize = 4_096;
/// Most batches in one commit.
pub const GROUP_BATCHES_MAX: usize = 512;

struct Job {
    batch: Batch,
    reply: oneshot::Sender<Result<Vec<Receipt>>>,
}

/// A handle to the writer; clones share it, from threads and from async tasks alike.
#[derive(Debug, Clone)]
pub struct Writer {
    queue: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the writer on its own thread. It ends when the last handle is dropped, and hands back the ledger.
    pub fn start<S: Store + Send + 'static>(ledger: Ledger<S>) -> (Self, JoinHandle<Ledger<S>>) {
        let (queue, jobs) = mpsc::channel(QUEUE_BATCHES_MAX);
        let thread = std::thread::spawn(move || run(ledger, jobs));
        (Self { queue }, thread)
    }
    /// Records a batch and waits until it is durable. For threads.
    ///
    /// # Errors
    /// What [`Ledger::record`] says; [`ErrorKind::Interrupted`] when the writer has ended.
    pub fn record(&self, batch: Batch) -> Result<Vec<Receipt>> {
        let (reply, answer) = oneshot::channel();
        self.queue.blocking_send(Job { batch, reply }).map_err(|_| ended())?;
        answer.blocking_recv().map_err(|_| ended())?
    }
    /// Records a batch and waits until it is durable. For async tasks.
    ///
    /// # Errors
    /// As [`Writer::record`].
    pub async fn record_async(&self, batch: Batch) -> Result<Vec<Receipt>> {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job { batch, reply }).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

fn ended() -> Error {
    Error::new(ErrorKind::Interrupted, "writer_has_ended", "the writer has ended")
        .hint("ask again by key what was recorded")
}

fn run<S: Store>(mut ledger: Ledger<S>, mut jobs: mpsc::Receiver<Job>) -> Ledger<S> {
    while let Some(first) = jobs.blocking_recv() {
        let mut group = vec![first];
        while group.len() < GROUP_BATCHES_MAX {
            match jobs.try_recv() {
                Ok(job) => group.push(job),
                Err(_) => break,
            }
        }
        let (batches, replies): (Vec<_>, Vec<_>) =
            group.into_iter().map(|job| (job.batch, job.reply)).unzip();
        match ledger.record_group(batches) {
            Ok(results) => {
                for (reply, result) in replies.into_iter().zip(results) {
                    // Whoever asked may have gone; the event is durable all the same.
                    let _ = reply.send(result);
                }
            }
            Err(why) => {
                for reply in replies {
                    let _ = reply.send(Err(why.clone()));
                }
            }
        }
    }
    ledger
}
