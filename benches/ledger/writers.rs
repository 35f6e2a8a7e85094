//! One writer, and many: each command on its own, waiting for its receipt.

use claims::{generate::Step, store::Store, writer::Writer};
use replay::{
    event::Event,
    ids::{Expected, Stream},
    seal::Proposal,
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    time::Instant,
};

use super::{Clock, Measured, prepared, set_clock};

/// Threads that feed the writer in the concurrent run.
pub const WRITERS: usize = 64;
/// Events of the run that syncs once per event.
const SINGLE_EVENTS: usize = 3_000;

/// One thread that records command after command.
pub fn one(path: &Path, steps: &[Step]) -> Measured {
    let mut ledger = prepared(path);
    let mut waits = Vec::new();
    let clock = Clock::start();
    let mut events = 0;
    for step in steps {
        ledger.door().set_now(step.recorded_at);
        for proposal in &step.batch {
            let mut proposal = proposal.clone();
            if proposal.expected == Expected::AfterThePreviousOfThisBatch {
                let revision = ledger.store().revision(&proposal.stream).expect("a revision");
                proposal.expected = Expected::at_number(revision);
            }
            let asked = Instant::now();
            events += ledger.record(vec![proposal]).expect("accepted").len();
            waits.push(asked.elapsed());
        }
        if events >= SINGLE_EVENTS {
            break;
        }
    }
    // What lies between two commands is no part of them.
    let took = waits.iter().sum();
    Measured { took, ..clock.stop(events, waits) }
}

/// Each thread feeds the steps of its own cases, in their order, and waits for every receipt.
pub fn many(path: &Path, steps: Vec<Step>) -> Measured {
    let mut ledger = prepared(path);
    set_clock(&mut ledger, &steps);
    let mut known = HashMap::new();
    let mut queues: Vec<Vec<Vec<Proposal>>> = (0..WRITERS).map(|_| Vec::new()).collect();
    for step in steps {
        let queue = usize::try_from(case_of(&step, &mut known) % 1_000_003).unwrap_or(0) % WRITERS;
        queues[queue].push(step.batch);
    }
    let (writer, thread) = Writer::start(ledger);
    let clock = Clock::start();
    let receipts = std::thread::scope(|scope| {
        let feed = |queue: Vec<Vec<Proposal>>| {
            let writer = writer.clone();
            move || {
                queue
                    .into_iter()
                    .map(|batch| {
                        let asked = Instant::now();
                        (writer.record(batch).expect("accepted").len(), asked.elapsed())
                    })
                    .collect::<Vec<_>>()
            }
        };
        let feeders: Vec<_> = queues.into_iter().map(|queue| scope.spawn(feed(queue))).collect();
        feeders.into_iter().flat_map(|feeder| feeder.join().expect("a writer")).collect::<Vec<_>>()
    });
    let events = receipts.iter().map(|(events, _)| events).sum();
    let measured = clock.stop(events, receipts.into_iter().map(|(_, wait)| wait).collect());
    drop(writer);
    thread.join().expect("the writer ends");
    measured
}

/// The case that a step belongs to, as a number; claims are known by the order they were opened on.
fn case_of(step: &Step, known: &mut HashMap<Stream, u64>) -> u64 {
    let Some(first) = step.batch.first() else { return 0 };
    let number = |stream: &Stream| {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        hasher.finish()
    };
    let case = match (&first.stream, &first.event) {
        (Stream::Claim(_), Event::ClaimOpened(opened)) => number(&Stream::Order(opened.order.clone())),
        (stream, _) => known.get(stream).copied().unwrap_or_else(|| number(stream)),
    };
    for proposal in &step.batch {
        known.insert(proposal.stream.clone(), case);
    }
    case
}
