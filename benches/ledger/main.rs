//! Writing beside its floor in the same run: `cargo bench --bench ledger`.
//!
//! Prints ratios, because absolute figures of two machines cannot be compared. `BENCH_EVENTS` sets the size,
//! `BENCH_ONLY` names the runs (`load`, `one`, `many`, `record`, `csv`, with commas between them).

mod files;
mod raw;
mod writers;

use claims::{
    door::Door,
    generate::{Generator, Group, Step, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    store::sqlite::SqliteStore,
};
use raw::{Floor, floor};
use replay::{
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::When,
};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Rows per transaction of the raw insert in groups.
const RAW_GROUP: usize = 1_000;

/// What one run did.
pub struct Measured {
    /// Events on record afterwards that were not there before.
    events: usize,
    took: Duration,
    /// Processor time of all threads.
    cpu: Duration,
    /// How long each sender waited for its receipt, if that was measured.
    waits: Vec<Duration>,
}

/// Microseconds of one tick of `/proc/self/stat`.
const TICK_MICROS: u64 = 10_000;

/// Wall and processor time of a run.
struct Clock {
    began: Instant,
    cpu: Duration,
}

impl Clock {
    fn start() -> Self {
        Self { began: Instant::now(), cpu: cpu() }
    }
    fn stop(self, events: usize, waits: Vec<Duration>) -> Measured {
        Measured { events, took: self.began.elapsed(), cpu: cpu().saturating_sub(self.cpu), waits }
    }
}

/// User and system time of this process, zero where there is no `/proc`.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_micros(ticks * TICK_MICROS)
}

fn main() {
    let events: u64 = std::env::var("BENCH_EVENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(200_000);
    let only = std::env::var("BENCH_ONLY").unwrap_or_else(|_| "load,one,many,record,csv".into());
    let runs = |name: &str| only.split(',').any(|run| run == name);
    let folder = tempfile::tempdir_in(".").expect("a folder for the ledgers");
    let at = |name: &str| folder.path().join(name);
    println!(
        "{events} generated events, {} writers; events per second, processor time per event\n",
        writers::WRITERS
    );

    let merchants = merchants().expect("merchants");
    let generator = || Generator::new(1, &merchants, events);
    let steps: Vec<Step> = generator().collect();
    if runs("load") {
        let mut ledger = prepared(&at("load.db"));
        let group = Group { steps_max: 500, span_micros_max: i64::MAX };
        let clock = Clock::start();
        let loaded =
            feed(&mut ledger, generator(), group, &mut |_| Ok(())).expect("generated commands are accepted");
        let measured = clock.stop(usize::try_from(loaded).expect("a number"), Vec::new());
        report("load through decide, in groups", &at("load.db"), &measured);
    }
    if runs("one") {
        let measured = writers::one(&at("one.db"), &steps);
        let raw = floor(&at("one.db"), 1, Floor::Events);
        line("1 writer through decide, 1 per sync", &measured, Some(&raw));
        line("  raw insert of its events, 1 per sync", &raw, None);
    }
    if runs("many") {
        let measured = writers::many(&at("many.db"), steps.clone());
        report("64 writers through decide, group commit", &at("many.db"), &measured);
        let raw = floor(&at("many.db"), writers::WRITERS, Floor::Log);
        line("  raw insert of all rows of its log, 64 per sync", &raw, None);
    }
    if runs("record") {
        let measured = files::record(&at("record.db"), &steps);
        report("claims record, a file of commands", &at("record.db"), &measured);
    }
    if runs("csv") {
        let measured = files::csv(&at("csv.db"), &steps);
        report("claims import csv, a file of credit notes", &at("csv.db"), &measured);
    }
}

/// A run in groups beside its floors: the events it made, and all rows of the log it made, inserted with nothing else.
fn report(what: &str, ledger: &Path, measured: &Measured) {
    let events = floor(ledger, RAW_GROUP, Floor::Events);
    let log = floor(ledger, RAW_GROUP, Floor::Log);
    line(what, measured, Some(&events));
    line("  raw insert of its events, 1,000 per sync", &events, None);
    line("  raw insert of all rows of its log, 1,000 per sync", &log, None);
}

/// One line of the report; the ratio is against `floor`.
fn line(what: &str, measured: &Measured, floor: Option<&Measured>) {
    let rate = |m: &Measured| u128::try_from(m.events).unwrap_or(0) * 1_000_000 / m.took.as_micros().max(1);
    let own = rate(measured);
    let ratio = floor.map_or(String::new(), |floor| {
        let r = own * 1_000 / rate(floor).max(1);
        format!("  {}.{:03} of the floor", r / 1_000, r % 1_000)
    });
    let mut waits = measured.waits.clone();
    waits.sort_unstable();
    let at = |percent: usize| waits.get(waits.len() * percent / 100).map_or(0, Duration::as_micros);
    let waits = match waits.len() {
        0 => String::new(),
        _ => format!("  p50 {} us, p99 {} us", at(50), at(99)),
    };
    let cpu = measured.cpu.as_micros() / u128::try_from(measured.events.max(1)).unwrap_or(1);
    println!("{what:<52} {own:>7}/s {:>6} ms {cpu:>4} us cpu{waits}{ratio}", measured.took.as_millis());
}

/// Sets the clock behind everything that the steps tell: to that of the machine, if it is, so that ids of events come in
/// the order of time as they do in a ledger in use.
fn set_clock(ledger: &mut Ledger<SqliteStore>, steps: &[Step]) {
    let latest = steps.last().map(|step| step.recorded_at).expect("a step");
    match Door::System.now() >= latest {
        true => *ledger.door() = Door::System,
        false => ledger.door().set_now(latest),
    }
}

/// A new ledger with the policies of the shops in force.
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
