//! Writing beside its floor in the same run: `cargo bench --bench ledger`.
//!
//! Prints ratios, because absolute figures of two machines cannot be compared. `BENCH_EVENTS` sets the size.

use claims::{
    door::Door,
    generate::{Generator, Group, Step, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    store::{Span, Store, sqlite::SqliteStore},
    writer::Writer,
};
use replay::{
    codec::OwnedRow,
    event::Event,
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::When,
};
use rusqlite::{Connection, params};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    ops::ControlFlow,
    path::Path,
    time::{Duration, Instant},
};

/// Threads that feed the writer in the concurrent run.
const WRITERS: usize = 64;
/// Events of the runs that sync once per event.
const SINGLE_EVENTS: usize = 3_000;
/// Rows per transaction of the raw insert in groups.
const RAW_GROUP: usize = 1_000;

fn main() {
    let events: u64 = std::env::var("BENCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let folder = tempfile::tempdir_in(".").expect("a folder for the ledgers");
    let at = |name: &str| folder.path().join(name);
    println!("{events} generated events, {WRITERS} writers; figures are events per second\n");

    let merchants = merchants().expect("merchants");
    let generator = || Generator::new(1, &merchants, events);
    let began = Instant::now();
    let mut ledger = prepared(&at("load.db"));
    let group = Group { steps_max: 500, span_micros_max: i64::MAX };
    let loaded =
        feed(&mut ledger, generator(), group, &mut |_| Ok(())).expect("generated commands are accepted");
    let load = began.elapsed();
    let rows = rows(ledger.store());
    let raw_group = raw(&at("raw-group.db"), &rows, RAW_GROUP);
    line("raw insert of the same rows, 1,000 per sync", rows.len(), raw_group, None);
    line(
        "load through decide, in groups",
        usize::try_from(loaded).expect("a number"),
        load,
        Some((rows.len(), raw_group)),
    );

    let steps: Vec<Step> = generator().collect();
    let few: Vec<OwnedRow> = rows.iter().take(SINGLE_EVENTS).cloned().collect();
    let raw_single = raw(&at("raw-single.db"), &few, 1);
    line("raw insert, 1 per sync", few.len(), raw_single, None);
    let (count, single) = one_writer(&at("one.db"), &steps);
    line("1 writer through decide, 1 per sync", count, single, Some((few.len(), raw_single)));
    let (count, many) = many_writers(&at("many.db"), steps);
    line("64 writers through decide, group commit", count, many, Some((rows.len(), raw_group)));
}

/// One line of the report; `floor` is what the ratio is against.
fn line(what: &str, events: usize, took: Duration, floor: Option<(usize, Duration)>) {
    let rate = |events: usize, took: Duration| {
        u128::try_from(events).unwrap_or(0) * 1_000_000 / took.as_micros().max(1)
    };
    let own = rate(events, took);
    let ratio = floor.map(|(events, took)| own * 1_000 / rate(events, took).max(1));
    let ratio = ratio.map_or(String::new(), |r| format!("{}.{:03} of the floor", r / 1_000, r % 1_000));
    println!("{what:<44} {own:>9}/s {:>7} ms  {ratio}", took.as_millis());
}

fn prepared(path: &Path) -> Ledger<SqliteStore> {
    let origin = Origin::new("bench").expect("an origin");
    let store = SqliteStore::create(path, &origin).expect("a ledger");
    let begins = When::parse("2023-01-01T09:00:00Z").expect("a time");
    let mut ledger = Ledger::new(store, Door::fixed("bench", begins.at));
    let policies = embedded::policies().expect("policies").into_iter().map(|p| p.published.into());
    let batch = policies
        .enumerate()
        .map(|(i, event)| Proposal {
            stream: Stream::Ledger,
            expected: if i == 0 { Expected::At(None) } else { Expected::AfterThePreviousOfThisBatch },
            event,
            effective: begins,
            effective_is_given: true,
            actor: ActorId::new("a").expect("an id"),
            role: Code::new("owner").expect("a role"),
            approver: ActorId::new("b").ok(),
            source: SourceId::new("bench").expect("a source"),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        })
        .collect();
    ledger.record(batch).expect("published");
    ledger
}

fn rows(store: &mut SqliteStore) -> Vec<OwnedRow> {
    let mut all = Vec::new();
    store
        .scan(Span::ALL, &mut |row| {
            all.push(OwnedRow {
                position: row.position,
                stream: row.stream.into(),
                revision: row.revision,
                event_id: row.event_id,
                kind: row.kind.into(),
                recorded_at: row.recorded_at,
                body: row.body.into(),
                leaf: row.leaf,
            });
            ControlFlow::Continue(())
        })
        .expect("a scan");
    all
}

/// The floor of every append: the same rows into the same table and indexes, with nothing else.
fn raw(path: &Path, rows: &[OwnedRow], group: usize) -> Duration {
    let db = Connection::open(path).expect("a file");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -65536;
         CREATE TABLE events (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL,
             event_id BLOB NOT NULL, kind TEXT NOT NULL, recorded_at INTEGER NOT NULL, body BLOB NOT NULL,
             leaf BLOB NOT NULL) STRICT;
         CREATE UNIQUE INDEX events_stream ON events (stream, revision);
         CREATE UNIQUE INDEX events_event_id ON events (event_id);",
    )
    .expect("a table");
    let began = Instant::now();
    for chunk in rows.chunks(group) {
        db.execute_batch("BEGIN IMMEDIATE").expect("begin");
        let mut insert = db
            .prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .expect("a statement");
        for r in chunk {
            let numbers = (i64::try_from(r.position).unwrap_or(0), i64::try_from(r.revision).unwrap_or(0));
            insert
                .execute(params![
                    numbers.0,
                    r.stream,
                    numbers.1,
                    r.event_id.as_slice(),
                    r.kind,
                    r.recorded_at,
                    r.body,
                    r.leaf.as_slice()
                ])
                .expect("an insert");
        }
        db.execute_batch("COMMIT").expect("commit");
    }
    began.elapsed()
}

fn one_writer(path: &Path, steps: &[Step]) -> (usize, Duration) {
    let mut ledger = prepared(path);
    let mut count = 0;
    let began = Instant::now();
    for step in steps {
        ledger.door().set_now(step.recorded_at);
        for proposal in &step.batch {
            let mut proposal = proposal.clone();
            if proposal.expected == Expected::AfterThePreviousOfThisBatch {
                let revision = ledger.store().revision(&proposal.stream).expect("a revision");
                proposal.expected = Expected::at_number(revision);
            }
            count += ledger.record(vec![proposal]).expect("accepted").len();
        }
        if count >= SINGLE_EVENTS {
            break;
        }
    }
    (count, began.elapsed())
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

/// Each thread feeds the steps of its own cases, in their order, and waits for every receipt.
fn many_writers(path: &Path, steps: Vec<Step>) -> (usize, Duration) {
    let mut ledger = prepared(path);
    let latest = steps.last().map(|s| s.recorded_at).expect("a step");
    ledger.door().set_now(latest);
    let mut known = HashMap::new();
    let mut queues: Vec<Vec<Vec<Proposal>>> = (0..WRITERS).map(|_| Vec::new()).collect();
    for step in steps {
        let queue = usize::try_from(case_of(&step, &mut known) % 1_000_003).unwrap_or(0) % WRITERS;
        queues[queue].push(step.batch);
    }
    let (writer, thread) = Writer::start(ledger);
    let began = Instant::now();
    let count = std::thread::scope(|scope| {
        let feeders: Vec<_> = queues
            .into_iter()
            .map(|queue| {
                let writer = writer.clone();
                scope.spawn(move || {
                    queue
                        .into_iter()
                        .map(|batch| writer.record(batch).expect("accepted").len())
                        .sum::<usize>()
                })
            })
            .collect();
        feeders.into_iter().map(|feeder| feeder.join().expect("a writer")).sum()
    });
    let took = began.elapsed();
    drop(writer);
    thread.join().expect("the writer ends");
    (count, took)
}
