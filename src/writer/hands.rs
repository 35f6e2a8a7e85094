//! Two hands on one ledger: one decides while the other makes durable what was decided before.
//!
//! What is decided rests on the guess that what is being written will be written. When it is not, because the disk fails
//! or another program has written in between, whatever was decided on top of it is forgotten and decided again, the
//! plain way: under the lock, by one hand.

use tokio::sync::mpsc::WeakSender;

use super::{
    Job, Message, TWO_HANDS_BATCHES_MIN, answer,
    hand::{Hand, Outcome},
};
use crate::{
    error::Error,
    ledger::{Batch, Ledger, decided::Group},
    store::Store,
};

pub(super) struct Hands<'a, S> {
    ledger: &'a mut Ledger<S>,
    hand: Hand,
    /// What is decided and waits for the other hand.
    open: Option<(Group, Vec<Job>)>,
    in_order: Option<InOrder>,
}

/// Jobs that are a sequence: when one cannot be recorded, those after it are dropped.
#[derive(Default)]
struct InOrder {
    /// Whether a job that is refused ends the sequence as well; failing storage always does.
    until_failure: bool,
    has_ended: bool,
    fault: Option<Error>,
}

impl<'a, S: Store + Send + 'static> Hands<'a, S> {
    /// `wake` tells whoever sleeps while the other hand is busy that it is free.
    pub fn new(ledger: &'a mut Ledger<S>, wake: Option<WeakSender<Message>>) -> Self {
        Self { ledger, hand: Hand::new(wake), open: None, in_order: None }
    }
    /// For jobs that are a sequence.
    pub fn in_order(ledger: &'a mut Ledger<S>, until_failure: bool) -> Self {
        let in_order = Some(InOrder { until_failure, ..InOrder::default() });
        Self { in_order, ..Self::new(ledger, None) }
    }
    pub fn ledger(&mut self) -> &mut Ledger<S> {
        self.ledger
    }
    /// Whether the other hand can take a group.
    pub fn is_free(&self) -> bool {
        !self.hand.is_busy()
    }
    /// Whether so many jobs are worth two hands, or there is no choice because both are at work.
    pub fn is_worth_sharing(&self, jobs: usize) -> bool {
        let is_worth_it = self.hand.is_there() && jobs >= TWO_HANDS_BATCHES_MIN;
        is_worth_it || self.hand.is_busy() || self.open.is_some()
    }
    /// How many jobs are decided and not handed over.
    pub fn decided(&self) -> usize {
        self.open.as_ref().map_or(0, |(_, jobs)| jobs.len())
    }
    /// Why storage failed a sequence of jobs, once.
    pub fn fault(&mut self) -> Option<Error> {
        self.in_order.as_mut().and_then(|order| order.fault.take())
    }

    /// Decides and writes jobs with one hand. Nothing else may be on its way.
    pub fn alone(&mut self, jobs: Vec<Job>) {
        if jobs.is_empty() || self.has_ended() {
            return;
        }
        let (batches, replies): (Vec<Batch>, Vec<_>) =
            jobs.into_iter().map(|job| (job.batch, job.reply)).unzip();
        let results = match self.until_failure() {
            true => self.ledger.record_until_failure(batches),
            false => self.ledger.record_group(batches),
        };
        match &results {
            Err(why) => self.has_failed(why),
            Ok(results) if results.iter().any(Result::is_err) => self.was_refused(),
            Ok(_) => {}
        }
        answer(replies.into_iter().map(|reply| Job { batch: Vec::new(), reply }).collect(), results);
    }

    /// Decides one more job. It is handed over later, with all that are decided until then.
    pub fn decide(&mut self, job: Job) {
        if self.has_ended() {
            return;
        }
        let open = match self.open.take() {
            Some(open) => Ok(open),
            None => self.ledger.begin_ahead().map(|group| (group, Vec::new())),
        };
        let mut jobs = Vec::new();
        if let Ok((mut group, decided)) = open {
            jobs = decided;
            if let Ok(can_be_recorded) = self.ledger.decide_ahead(&mut group, &job.batch) {
                jobs.push(job);
                self.open = Some((group, jobs));
                if !can_be_recorded {
                    self.was_refused();
                }
                return;
            }
        }
        // The ledger cannot be read. The plain way says so, or finds that it can.
        jobs.push(job);
        self.wait();
        self.ledger.forget();
        self.alone(jobs);
    }

    /// What is decided goes to the other hand, which must be free.
    pub fn hand_over(&mut self) {
        let Some((group, jobs)) = self.open.take() else { return };
        let decided = self.ledger.hand_over(group);
        if let Err(jobs) = self.hand.write(self.ledger.store(), decided, jobs) {
            self.again(jobs);
        }
    }

    /// Looks whether the other hand has finished.
    pub fn take_note(&mut self) {
        if let Some(outcome) = self.hand.outcome() {
            self.settle(outcome);
        }
    }
    /// Waits until the other hand has finished.
    pub fn wait(&mut self) {
        if let Some(outcome) = self.hand.wait() {
            self.settle(outcome);
        }
    }
    /// Settles everything that is decided; there is nothing left to decide meanwhile, so this hand writes as well.
    pub fn finish(&mut self) {
        self.wait();
        let Some((group, jobs)) = self.open.take() else { return };
        let decided = self.ledger.hand_over(group);
        match decided.commit(self.ledger.store()) {
            Ok(true) => {
                self.ledger.is_written();
                answer(jobs, Ok(decided.results));
            }
            Ok(false) => self.again(jobs),
            Err(why) => {
                self.settle(Outcome::Failed(why.clone()));
                answer(jobs, Err(why));
            }
        }
    }

    fn settle(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Written => self.ledger.is_written(),
            Outcome::Overtaken(jobs) => self.again(jobs),
            Outcome::Failed(why) => {
                self.has_failed(&why);
                self.again(Vec::new());
            }
        }
    }

    /// The guess was wrong: does these jobs the plain way, and then what was decided on top of them.
    fn again(&mut self, jobs: Vec<Job>) {
        self.ledger.forget();
        let later = self.open.take().map(|(_, jobs)| jobs).unwrap_or_default();
        if let Some(order) = &mut self.in_order {
            // A refusal of what has to be decided again was a guess as well.
            order.has_ended = order.fault.is_some();
        }
        self.alone(jobs);
        self.alone(later);
    }

    fn until_failure(&self) -> bool {
        self.in_order.as_ref().is_some_and(|order| order.until_failure)
    }
    fn has_ended(&self) -> bool {
        self.in_order.as_ref().is_some_and(|order| order.has_ended)
    }
    fn has_failed(&mut self, why: &Error) {
        if let Some(order) = &mut self.in_order {
            order.has_ended = true;
            order.fault.get_or_insert_with(|| why.clone());
        }
    }
    fn was_refused(&mut self) {
        if let Some(order) = &mut self.in_order {
            order.has_ended |= order.until_failure;
        }
    }
}
