//! Reading the whole log beside its floors in the same run: `cargo bench --bench replay`.
//!
//! Every run is a process of its own, so that its processor time and its memory are its own; runs take turns, and the
//! median of each is printed. `BENCH_EVENTS` sets the size (default 200000), `BENCH_LEDGER` names a ledger that is there
//! (it is copied), `BENCH_RUNS` how often each is run (default 5).

use claims::{
    door::Door,
    evidence::verify,
    generate::{Generator, Group, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    proof,
    store::{Span, Store, sqlite::SqliteStore},
    view,
};
use replay::{
    history::Cut,
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::When,
};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::{fs, hint::black_box, ops::ControlFlow, path::Path, process::Command, time::Instant};

/// The floor of all others comes first.
const RUNS: [&str; 6] = ["scan", "sha256", "replay", "rebuild", "audit", "verify"];
/// Microseconds of one tick of `/proc/self/stat`.
const TICK_MICROS: u64 = 10_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [what, ledger] = arguments.as_slice() {
        return one(what, Path::new(ledger));
    }
    let folder = tempfile::tempdir_in(".").expect("a folder for the ledger");
    let path = folder.path().join("replay.db");
    match std::env::var("BENCH_LEDGER") {
        Ok(ledger) => {
            fs::copy(&ledger, &path).expect("a ledger to copy");
        }
        Err(_) => generate(&path, number("BENCH_EVENTS", 200_000)),
    }
    let events = SqliteStore::open_read_only(&path).expect("a ledger").tip().expect("a tip").position;
    let mut measured: [Vec<Measured>; RUNS.len()] = Default::default();
    for _ in 0..number("BENCH_RUNS", 5).max(1) {
        for (what, all) in RUNS.iter().zip(&mut measured) {
            all.push(apart(what, &path));
        }
    }
    println!("{events} events; medians of {} runs in turn; ns per event\n", measured[0].len());
    println!("{:<10} {:>9} {:>9} {:>12} {:>12} {:>10}", "", "wall", "cpu", "wall/scan", "cpu/scan", "memory");
    let floor = median(&mut measured[0]);
    for (what, all) in RUNS.iter().zip(&mut measured) {
        let m = median(all);
        let ratio =
            |own: u64, floor: u64| format!("{}.{:02}", own / floor.max(1), own * 100 / floor.max(1) % 100);
        println!(
            "{what:<10} {:>9} {:>9} {:>12} {:>12} {:>7} MB",
            m.wall * 1_000 / events.max(1),
            m.cpu * 1_000 / events.max(1),
            ratio(m.wall, floor.wall),
            ratio(m.cpu, floor.cpu),
            m.memory / 1_024,
        );
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Microseconds, and KiB at the peak.
#[derive(Clone, Copy, Default)]
struct Measured {
    wall: u64,
    cpu: u64,
    memory: u64,
}

/// The median of each figure by itself.
fn median(all: &mut [Measured]) -> Measured {
    let mut middle = |figure: fn(&Measured) -> u64| {
        all.sort_unstable_by_key(figure);
        all.get(all.len() / 2).map_or(0, figure)
    };
    Measured { wall: middle(|m| m.wall), cpu: middle(|m| m.cpu), memory: middle(|m| m.memory) }
}

/// One run in a process of its own.
fn apart(what: &str, ledger: &Path) -> Measured {
    let program = std::env::current_exe().expect("this program");
    let out = Command::new(program).arg(what).arg(ledger).output().expect("a run");
    assert!(out.status.success(), "{what}: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8_lossy(&out.stdout);
    let mut figures = text.split_whitespace().map(|figure| figure.parse().expect("a figure"));
    let mut next = || figures.next().expect("three figures");
    Measured { wall: next(), cpu: next(), memory: next() }
}

fn one(what: &str, ledger: &Path) {
    let mut reader = SqliteStore::open_read_only(ledger).expect("a ledger");
    let run: Box<dyn FnOnce()> = match what {
        "scan" => Box::new(|| scan(ledger)),
        "sha256" => {
            let mut bodies = Vec::new();
            let mut keep = |body: &[u8]| bodies.push(body.to_vec());
            let all = &mut |row: &replay::codec::Row<'_>| {
                keep(row.body);
                ControlFlow::Continue(())
            };
            reader.scan(Span::ALL, all).expect("a scan");
            Box::new(move || bodies.iter().for_each(|body| _ = black_box(Sha256::digest(body))))
        }
        "replay" => Box::new(move || {
            let outcome = view::books_as_of(&mut reader, &Cut::default()).expect("a sound log");
            black_box(outcome.books.digest());
            std::mem::forget(outcome);
        }),
        "audit" => Box::new(move || {
            assert!(proof::audit(&mut reader, false).expect("an audit").agrees, "books and log agree");
        }),
        "rebuild" => Box::new(|| rebuild(ledger)),
        "verify" => Box::new(|| {
            assert!(verify::ledger(ledger, None, &[], false).expect("a verdict").agrees, "the ledger holds");
        }),
        _ => panic!("no run is called {what}"),
    };
    let (cpu, began) = (cpu_micros(), Instant::now());
    run();
    let wall = began.elapsed().as_micros();
    println!("{wall} {} {}", cpu_micros() - cpu, peak_memory());
}

/// Every column of every row, borrowed, through rusqlite alone.
fn scan(ledger: &Path) {
    let db = Connection::open(ledger).expect("a file");
    let sql = "SELECT position, stream, revision, event_id, kind, recorded_at, body, leaf FROM events ORDER BY position";
    let mut statement = db.prepare(sql).expect("a statement");
    let mut rows = statement.query([]).expect("a query");
    while let Some(row) = rows.next().expect("a row") {
        for column in 0..8 {
            black_box(row.get_ref(column).expect("a column"));
        }
    }
}

fn rebuild(ledger: &Path) {
    let mut ledger = Ledger::new(SqliteStore::open(ledger).expect("a ledger"), Door::System);
    let by = proof::By {
        actor: ActorId::new("bench").expect("an id"),
        role: Code::new("operations").expect("a role"),
        source: SourceId::new("bench").expect("a source"),
    };
    let report = proof::rebuild(&mut ledger, &by, false, false).expect("a rebuild");
    assert!(report.swapped, "live books equal rebuilt books");
}

fn generate(path: &Path, events: u64) {
    let origin = Origin::new("bench").expect("an origin");
    let store = SqliteStore::create(path, &origin).expect("a ledger");
    let begins = When::parse("2023-01-01T09:00:00Z").expect("a time");
    let mut ledger = Ledger::new(store, Door::fixed("bench", begins.at));
    let policies = embedded::policies().expect("policies").into_iter().map(|p| p.published.into());
    let batch = policies.enumerate().map(|(i, event)| Proposal {
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
    });
    ledger.record(batch.collect()).expect("published");
    let merchants = merchants().expect("merchants");
    let group = Group { steps_max: 500, span_micros_max: i64::MAX };
    feed(&mut ledger, Generator::new(1, &merchants, events), group, &mut |_| Ok(()))
        .expect("generated events");
}

/// Processor time of this process so far, of all its threads.
fn cpu_micros() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    // The name of the program stands in brackets and may hold blanks; the 14th and 15th fields are ours.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * TICK_MICROS
}

/// Peak resident memory of this process in KiB.
fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    peak.and_then(|kib| kib.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
