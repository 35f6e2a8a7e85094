//! Sample claims as data: every story in `fixtures/claims` is recorded, and its report compared with the golden
//! one beside it. `fixtures/claims/refused` holds stories whose last command must be refused, each with the code
//! it must give. `UPDATE_GOLDEN=1 cargo test --test fixture_claims` writes what is found instead.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use claims::command::{Defaults, parse};
use claims::door::Door;
use claims::error::Error;
use claims::ledger::{Ledger, Outcome, Receipt};
use claims::policy_file::embedded;
use claims::store::{Span, Store, memory::MemoryStore, sqlite::SqliteStore};
use claims::view;
use replay::audit::Replay;
use replay::books::Books;
use replay::event::{Class, Event, Kind, TrackingCheck, TrackingVerdict};
use replay::history::Cut;
use replay::ids::{ActorId, ClaimId, Code, Expected, Origin, Personal, SourceId, Stream};
use replay::seal::Proposal;
use replay::time::{Instant, When};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/claims");
/// Kinds that no story carries: who publishes policies and imports old credits does so by other files, and only a
/// month that a command has sealed is reopened.
const ELSEWHERE: [Kind; 4] =
    [Kind::PolicyPublished, Kind::CalendarPublished, Kind::HistoricalCreditRecorded, Kind::PeriodReopened];

/// The stories of a folder, in the order of their names.
fn stories(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(FOLDER).join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == "ndjson")).collect();
    files.sort();
    assert!(!files.is_empty(), "no stories in {FOLDER}/{folder}");
    files
}

fn defaults() -> Defaults {
    Defaults {
        actor: ActorId::new("fixture").unwrap(),
        role: Code::new("system").unwrap(),
        source: SourceId::new("fixture").unwrap(),
        effective: When { at: Instant::EPOCH, offset_minutes: 0 },
    }
}

/// The commands of a story. Only the first one on each stream says the revision it expects.
fn commands(story: &Path) -> Vec<Proposal> {
    let text = fs::read_to_string(story).unwrap();
    let mut begun: BTreeSet<Stream> = BTreeSet::new();
    let mut commands = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let command = parse(line.as_bytes(), &defaults(), &|stream| begun.contains(stream))
            .unwrap_or_else(|why| panic!("{}:{}: {why}", story.display(), number + 1));
        begun.insert(command.stream.clone());
        commands.push(command);
    }
    commands
}

fn origin() -> Origin {
    Origin::new("fixtures.example").unwrap()
}

fn in_memory() -> Ledger<MemoryStore> {
    ledger(MemoryStore::new(origin()))
}

/// A ledger with the five policies. What a story records has the same ids whatever was published before.
fn ledger<S: Store>(store: S) -> Ledger<S> {
    let start = When::parse("2023-01-01T00:00:00Z").unwrap();
    let mut ledger = Ledger::new(store, Door::fixed("policies", start.at));
    for (number, policy) in (0..).zip(embedded::policies().unwrap()) {
        let published = Proposal {
            stream: Stream::Ledger,
            expected: Expected::at_number(number),
            event: policy.published.into(),
            effective: start,
            effective_is_given: true,
            approver: Some(ActorId::new("second").unwrap()),
            actor: defaults().actor,
            role: defaults().role,
            source: defaults().source,
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        ledger.record(vec![published]).unwrap();
    }
    *ledger.door() = Door::fixed("fixture", start.at);
    ledger
}

/// Records a story, each command by itself at the time it tells, up to the first that does not come in.
fn record<S: Store>(ledger: &mut Ledger<S>, commands: Vec<Proposal>) -> (Vec<Receipt>, Option<Error>) {
    let mut revisions: BTreeMap<Stream, u64> = BTreeMap::new();
    let mut receipts = Vec::new();
    for mut command in commands {
        if command.expected == Expected::AfterThePreviousOfThisBatch {
            command.expected = Expected::at_number(revisions[&command.stream]);
        }
        let stream = command.stream.clone();
        ledger.door().set_now(command.effective.at);
        match ledger.record(vec![command]) {
            Ok(recorded) => {
                revisions.insert(stream, recorded[0].revision);
                receipts.extend(recorded);
            }
            Err(why) => return (receipts, Some(why)),
        }
    }
    (receipts, None)
}

/// Every claim in full, then what stands in the books about money.
fn report(ledger: &mut Ledger<MemoryStore>) -> String {
    let mut text = String::new();
    let books = ledger.store().books().unwrap();
    for claim in books.board.keys() {
        let rows =
            view::claim(ledger.store(), &ClaimId::new(claim.as_str()).unwrap(), &Cut::default()).unwrap();
        let detail: serde_json::Value = serde_json::from_str(&rows.detail).unwrap();
        writeln!(text, "claim {claim}\n{}\n", serde_json::to_string_pretty(&detail).unwrap()).unwrap();
    }
    text.push_str("totals, in minor units\n");
    for (key, sums) in &books.totals {
        let name = replay::books::total_name(key);
        writeln!(
            text,
            "{name}: {} credits, credited {}, reversed {}, failed {}, stands {}",
            sums.credits,
            sums.credited_minor,
            sums.reversed_minor,
            sums.failed_minor,
            sums.net_minor()
        )
        .unwrap();
    }
    text.push_str("\nstill open\n");
    for row in books.obligations.values() {
        let what = [row.what.as_str(), row.item.as_str()].join(" ");
        writeln!(
            text,
            "{}: {} since {}: {} {} minor units, {} pieces",
            row.claim,
            what.trim_end(),
            row.since,
            row.open_minor,
            row.currency,
            row.open_units
        )
        .unwrap();
    }
    text
}

/// Compares with the golden file, or writes it.
fn golden(file: &Path, found: &str, wrong: &mut Vec<String>) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(file, found).unwrap();
        return;
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    if expected == found {
        return;
    }
    let differs = expected.lines().zip(found.lines()).position(|(a, b)| a != b);
    let line = differs.unwrap_or(expected.lines().count().min(found.lines().count()));
    let at = |text: &str| text.lines().nth(line).unwrap_or("(end)").to_string();
    wrong.push(format!(
        "{}:{}:\n  expected {}\n  found    {}",
        file.display(),
        line + 1,
        at(&expected),
        at(found)
    ));
}

#[test]
fn every_story_is_accepted_and_gives_its_report() {
    let mut wrong = Vec::new();
    for story in stories("") {
        let mut ledger = in_memory();
        let commands = commands(&story);
        let count = commands.len();
        assert!((8..=25).contains(&count), "{} has {count} commands", story.display());
        let (receipts, refused) = record(&mut ledger, commands);
        if let Some(why) = refused {
            let known: Vec<String> =
                receipts.iter().map(|r| format!("{} {} {}", r.event_id, r.stream, r.kind)).collect();
            panic!("{}:{}: {why}\n{}", story.display(), receipts.len() + 1, known.join("\n"));
        }
        assert!(receipts.iter().all(|receipt| receipt.outcome == Outcome::Recorded));
        golden(&story.with_extension("report.txt"), &report(&mut ledger), &mut wrong);
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 accepts what was found", wrong.join("\n"));
}

#[test]
fn a_story_in_a_file_gives_the_books_of_one_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    for story in stories("") {
        let mut memory = in_memory();
        record(&mut memory, commands(&story));
        let path = folder.path().join(story.file_stem().unwrap());
        let mut file = ledger(SqliteStore::create(&path, &origin()).unwrap());
        let (_, refused) = record(&mut file, commands(&story));
        assert_eq!(refused, None, "{}", story.display());
        let digest = |books: Books| books.digest();
        assert_eq!(
            digest(file.store().books().unwrap()),
            digest(memory.store().books().unwrap()),
            "{}",
            story.display()
        );
    }
}

#[test]
fn what_is_refused_gives_its_code_and_leaves_its_trace() {
    let mut wrong = Vec::new();
    for story in stories("refused") {
        let mut ledger = in_memory();
        let before = ledger.store().tip().unwrap().position;
        let commands = commands(&story);
        let count = commands.len();
        let (receipts, refused) = record(&mut ledger, commands);
        let Some(why) = refused else { panic!("{}: nothing was refused", story.display()) };
        assert_eq!(receipts.len(), count - 1, "{}: refused too early: {why}", story.display());
        let mut text = format!("code: {}\nexit: {}\n", why.code, why.kind.exit_code());
        writeln!(text, "cites: {}", if why.cites.is_empty() { "-".into() } else { why.cites.join(" ") })
            .unwrap();
        let mut traces = Vec::new();
        let span = Span::after(before + receipts.len() as u64);
        let mut trace = |row: &replay::codec::Row<'_>| {
            traces.push(format!("{} in {}", row.kind, row.stream));
            std::ops::ControlFlow::Continue(())
        };
        ledger.store().scan(span, &mut trace).unwrap();
        let traces = if traces.is_empty() { "-".into() } else { traces.join(", ") };
        writeln!(text, "on record: {traces}").unwrap();
        golden(&story.with_extension("expected.txt"), &text, &mut wrong);
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_GOLDEN=1 accepts what was found", wrong.join("\n"));
}

#[test]
fn the_stories_cover_every_kind_that_a_command_can_carry() {
    let mut missing: BTreeSet<Kind> =
        Kind::ALL.iter().copied().filter(|kind| kind.class() != Class::Own).collect();
    missing.retain(|kind| !ELSEWHERE.contains(kind));
    for command in stories("").iter().flat_map(|story| commands(story)) {
        missing.remove(&command.event.kind());
    }
    assert!(missing.is_empty(), "no story has {missing:?}");
}

#[test]
fn tracking_numbers_in_the_stories_are_well_formed() {
    for command in stories("").iter().flat_map(|story| commands(story)) {
        let (carrier, tracking) = match &command.event {
            Event::ShipmentDispatched(d) => (&d.carrier, &d.tracking),
            Event::LabelIssued(l) => (&l.carrier, &l.tracking),
            _ => continue,
        };
        let Some(Personal::Clear(number)) = tracking else { continue };
        let check = TrackingCheck::of(carrier.as_ref(), number);
        assert_eq!(check.verdict, TrackingVerdict::WellFormed, "{carrier:?} {number}");
    }
}

#[test]
fn replaying_a_story_arrives_at_the_books_that_were_kept() {
    for story in stories("").into_iter().chain(stories("refused")) {
        let mut ledger = in_memory();
        record(&mut ledger, commands(&story));
        let kept = ledger.store().books().unwrap();
        let mut replay = Replay::new(Some(ledger.origin().clone()), Cut::default());
        let mut each = |row: &replay::codec::Row<'_>| {
            replay.row(row);
            std::ops::ControlFlow::Continue(())
        };
        ledger.store().scan(Span::ALL, &mut each).unwrap();
        let outcome = replay.finish();
        assert!(outcome.findings.is_empty(), "{}: {:?}", story.display(), outcome.findings);
        assert_eq!(outcome.books.digest(), kept.digest(), "{}", story.display());
    }
}
