//! Segments beside a scan of the rows in the same run: `cargo bench --bench segments`.
//!
//! Runs take turns, and the median of each is printed. `BENCH_EVENTS` sets the size (default 200000), `BENCH_LEDGER` names a
//! ledger that is there (it is copied), `BENCH_RUNS` how often each is run (default 5).

use claims::{
    door::Door,
    generate::{Generator, Group, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    segments::{self, Figures, Folder, Question},
    store::{Store, sqlite::SqliteStore},
};
use replay::{
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::When,
};
use rusqlite::Connection;
use std::{fs, hint::black_box, ops::ControlFlow, path::Path, time::Instant};

/// What is run: a name, and what it does. The floor of all others comes first.
type Run<'a> = (&'a str, Box<dyn Fn() + 'a>);

fn main() {
    let folder = tempfile::tempdir_in(".").expect("a folder for the ledger");
    let path = folder.path().join("segments.db");
    match std::env::var("BENCH_LEDGER") {
        Ok(ledger) => _ = fs::copy(&ledger, &path).expect("a ledger to copy"),
        Err(_) => generate(&path, number("BENCH_EVENTS", 200_000)),
    }
    let mut store = SqliteStore::open_read_only(&path).expect("a ledger");
    let (events, origin) = (store.tip().expect("a tip").position, store.origin().clone());
    let place = Folder::of(&path, None);
    let built = segments::build(&path, &place, false).expect("segments");
    let ask = |figures: Figures, by: &'static [&'static str]| {
        let (path, place) = (&path, &place);
        move || {
            let question = Question { figures, by: by.iter().map(|name| (*name).into()).collect() };
            black_box(segments::answer(path, place, &question).expect("an answer"));
        }
    };
    let build = || {
        segments::drop_all(&place).expect("dropped");
        segments::build(&path, &place, false).expect("segments");
    };
    let rows = || {
        let standing = place.look(&origin).expect("segments");
        for manifest in &standing.fit {
            let all = &mut |row: &replay::codec::Row<'_>| {
                black_box(row.body);
                ControlFlow::Continue(())
            };
            segments::each_row(&place, manifest, all).expect("rows");
        }
    };
    let check = || assert!(segments::check(&path, &place, false).expect("a check").agrees, "it fits");
    let runs: [Run<'_>; 9] = [
        ("scan of the rows", Box::new(|| scan(&path))),
        ("build", Box::new(build)),
        ("check", Box::new(check)),
        ("rows read back, leaves proved", Box::new(rows)),
        ("refund totals by merchant, month", Box::new(ask(Figures::Money, &["merchant", "month"]))),
        (
            "refund totals by 7 columns",
            Box::new(ask(
                Figures::Money,
                &["merchant", "country", "reason", "kind", "month", "actor", "role"],
            )),
        ),
        ("events by kind", Box::new(ask(Figures::Events, &["kind"]))),
        ("events by carrier, kind, month", Box::new(ask(Figures::Events, &["carrier", "kind", "month"]))),
        (
            "events by 7 columns",
            Box::new(ask(
                Figures::Events,
                &["merchant", "country", "reason", "kind", "month", "actor", "role"],
            )),
        ),
    ];
    let mut measured: Vec<Vec<(u64, u64)>> = runs.iter().map(|_| Vec::new()).collect();
    for _ in 0..number("BENCH_RUNS", 5).max(1) {
        for ((_, run), all) in runs.iter().zip(&mut measured) {
            let (cpu, began) = (cpu_micros(), Instant::now());
            run();
            let wall = u64::try_from(began.elapsed().as_micros()).expect("a short run");
            all.push((wall, cpu_micros() - cpu));
        }
    }
    println!("{events} events, {} segments; medians of {} runs in turn", built.segments, measured[0].len());
    println!(
        "{} bytes, {}.{:03} of the rows\n",
        built.bytes,
        built.per_mille / 1_000,
        built.per_mille % 1_000
    );
    println!("{:<34} {:>9} {:>9} {:>12} {:>10}", "", "wall ns", "cpu ns", "events/s", "wall/scan");
    let median = |all: &[(u64, u64)], of: fn(&(u64, u64)) -> u64| {
        let mut all: Vec<u64> = all.iter().map(of).collect();
        all.sort_unstable();
        all[all.len() / 2]
    };
    let floor = median(&measured[0], |m| m.0);
    for ((name, _), all) in runs.iter().zip(&measured) {
        let (wall, cpu) = (median(all, |m| m.0), median(all, |m| m.1));
        println!(
            "{name:<34} {:>9} {:>9} {:>12} {:>7}.{:02}",
            wall * 1_000 / events.max(1),
            cpu * 1_000 / events.max(1),
            events * 1_000_000 / wall.max(1),
            wall / floor.max(1),
            wall * 100 / floor.max(1) % 100,
        );
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// Every column of every row, borrowed, through rusqlite alone, on one thread.
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

/// Processor time of this process so far, of all its threads, in microseconds (the kernel counts in 10 ms).
fn cpu_micros() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    // The name of the program stands in brackets and may hold blanks; the 14th and 15th fields are ours.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10_000
}
