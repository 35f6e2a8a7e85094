//! Segments are the log in columns and nothing else: rows come back byte for byte, totals are those of the books, whatever
//! does not fit is named and never used, and nothing half done stays.

#[path = "support/chance.rs"]
mod chance;
#[path = "support/program.rs"]
mod program;
mod support;

use std::{
    collections::BTreeMap,
    fs,
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use chance::{Op, Run, ops};
use claims::{
    door::Door,
    generate::{Generator, Group, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    segments::{self, EVENTS, Figures, Folder, Question},
    store::{Store, sqlite::SqliteStore},
};
use proptest::{prelude::*, test_runner::Config};
use replay::{
    canonical,
    codec::OwnedRow,
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    merkle::{Hash, sha256},
    seal::Proposal,
    time::When,
};
use serde_json::Value;
use support::{Script, check_sound, rows, sqlite};

/// The books group by these; with the currency they are all of a total's key.
const KEYS: [&str; 5] = ["merchant", "country", "reason", "kind", "month"];

/// Key with currency -> credits, credited, reversed, failed.
type Totals = BTreeMap<Vec<String>, [i64; 4]>;

/// The refund totals from segments.
fn totals(ledger: &Path, folder: &Folder) -> Totals {
    let question = Question { figures: Figures::Money, by: KEYS.map(String::from).to_vec() };
    let answer = segments::answer(ledger, folder, &question).unwrap();
    let groups = answer.groups.into_iter().map(|group| {
        let names = group.names.into_iter().chain([group.currency]).map(Option::unwrap_or_default);
        (names.collect(), <[i64; 4]>::try_from(group.sums).unwrap())
    });
    groups.collect()
}

/// The same from the books.
fn of_books(books: &replay::books::Books) -> Totals {
    let signed = |n: u64| i64::try_from(n).unwrap();
    let rows = books.totals.iter().map(|(k, s)| {
        let key = [&k.merchant, &k.country, &k.reason, &k.kind, &k.month, &k.currency].map(String::clone);
        let sums = [s.credits, s.credited_minor, s.reversed_minor, s.failed_minor].map(signed);
        (key.to_vec(), sums)
    });
    rows.filter(|(_, sums)| *sums != [0; 4]).collect()
}

/// Every row that the segments hold.
fn rows_of_segments(folder: &Folder, origin: &Origin) -> Vec<OwnedRow> {
    let standing = folder.look(origin).unwrap();
    assert_eq!(standing.unfit, []);
    let mut found = Vec::new();
    for manifest in &standing.fit {
        segments::each_row(folder, manifest, &mut |row| {
            found.push(OwnedRow {
                position: row.position,
                stream: row.stream.into(),
                revision: row.revision,
                event_id: row.event_id,
                kind: row.kind.into(),
                recorded_at: row.recorded_at,
                body: row.body.to_vec(),
                leaf: row.leaf,
            });
            ControlFlow::Continue(())
        })
        .unwrap();
    }
    found
}

/// Builds, and holds the segments against the log, its books and a replay of it.
fn built_and_compared(ledger: &Path, folder: &Folder) -> segments::Built {
    let mut store = SqliteStore::open_read_only(ledger).unwrap();
    let built = segments::build(ledger, folder, false).unwrap();
    let log = rows(&mut store);
    assert_eq!((built.events, built.remade.as_slice()), (log.len() as u64, [].as_slice()));
    let origin = store.origin().clone();
    assert!(rows_of_segments(folder, &origin) == log, "rows come back as they are in the log");
    let checked = segments::check(ledger, folder, false).unwrap();
    assert!(checked.agrees, "{:?}", checked.findings);
    assert_eq!(totals(ledger, folder), of_books(&store.books().unwrap()));
    let replayed = claims::view::books_as_of(&mut store, &Default::default()).unwrap();
    assert_eq!(totals(ledger, folder), of_books(&replayed.books));
    built
}

/// A ledger of made-up shops, by everybody who is in them.
fn shops(path: &Path, seed: u64, events: u64) -> Ledger<SqliteStore> {
    let store = SqliteStore::create(path, &support::origin()).unwrap();
    let begins = When::parse("2023-01-01T09:00:00Z").unwrap();
    let mut ledger = Ledger::new(store, Door::fixed(&format!("shops-{seed}"), begins.at));
    let policies = embedded::policies().unwrap().into_iter().map(|p| p.published.into());
    let batch = policies.enumerate().map(|(i, event)| Proposal {
        stream: Stream::Ledger,
        expected: if i == 0 { Expected::At(None) } else { Expected::AfterThePreviousOfThisBatch },
        event,
        effective: begins,
        effective_is_given: true,
        actor: ActorId::new("a").unwrap(),
        role: Code::new("owner").unwrap(),
        approver: ActorId::new("b").ok(),
        source: SourceId::new("test").unwrap(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    });
    ledger.record(batch.collect()).unwrap();
    let merchants = merchants().unwrap();
    let group = Group { steps_max: 100, span_micros_max: i64::MAX };
    feed(&mut ledger, Generator::new(seed, &merchants, events), group, &mut |_| Ok(())).unwrap();
    ledger
}

fn tip(ledger: &Path) -> u64 {
    SqliteStore::open_read_only(ledger).unwrap().tip().unwrap().position
}

fn config(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config(12))]

    /// Random histories with corrections, reversals and failures, built again and again while they grow: logs that end
    /// just before, at and just after the end of a segment are among them.
    #[test]
    fn random_histories_come_back_and_add_up(ops in ops(60), every in 6..30usize, span in 1..8u32) {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("shop.db");
        let mut run = Run::new(Script::new(sqlite(&ledger, "segments")), true);
        let folder = Folder::of(&ledger, None).with_span(1 << span);
        for ops in ops.chunks(every) {
            ops.iter().for_each(|op: &Op| _ = run.step(op));
            built_and_compared(&ledger, &folder);
        }
        // What came after the last build is read from the log.
        run.script.lines("order/O1 tracking_scanned {\"parcel\":\"P\",\"status\":\"in_transit\"}");
        let store = run.script.ledger.store();
        prop_assert_eq!(totals(&ledger, &folder), of_books(&store.books().unwrap()));
        prop_assert!(check_sound(store).is_ok());
    }
}

#[test]
fn every_size_around_the_end_of_a_segment() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("shop.db");
    let mut script = Script::new(sqlite(&ledger, "sizes"));
    let folder = Folder::of(&ledger, None).with_span(4);
    assert_eq!(built_and_compared(&ledger, &folder).segments, 0);
    let prelude: Vec<&str> = chance::PRELUDE.lines().filter(|line| !line.is_empty()).collect();
    for (number, line) in prelude.into_iter().enumerate() {
        script.lines(line);
        let events = number as u64 + 1;
        let built = built_and_compared(&ledger, &folder);
        assert_eq!((built.segments, built.built), (events.div_ceil(4), 1), "only what is new is made");
        assert_eq!(segments::build(&ledger, &folder, false).unwrap().built, 0);
    }
}

#[test]
fn made_up_shops_add_up_by_any_column() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("shop.db");
    drop(shops(&ledger, 7, 4_000));
    let folder = Folder::of(&ledger, Some(&dir.path().join("elsewhere"))).with_span(512);
    let built = built_and_compared(&ledger, &folder);
    assert!(built.segments > 7 && built.built == built.segments, "{built:?}");
    // Events by any column are as many as there are, and their amounts the same in sum.
    let asked = |by: &str| {
        let question = Question { figures: Figures::Events, by: vec![by.into()] };
        segments::answer(&ledger, &folder, &question).unwrap()
    };
    let mut sums: Option<BTreeMap<Option<String>, i64>> = None;
    for column in EVENTS.columns {
        let answer = asked(column.name);
        assert_eq!(
            answer.groups.iter().map(|group| group.rows).sum::<u64>(),
            built.events,
            "{}",
            column.name
        );
        let mut of_currency = BTreeMap::new();
        for group in &answer.groups {
            *of_currency.entry(group.currency.clone()).or_default() += group.sums[0];
        }
        assert_eq!(*sums.get_or_insert_with(|| of_currency.clone()), of_currency, "{}", column.name);
    }
    // Kinds, carriers and amounts as the bodies have them.
    let mut kinds: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    let mut carriers: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for row in rows(&mut SqliteStore::open_read_only(&ledger).unwrap()) {
        let body: Value = serde_json::from_slice(&row.body).unwrap();
        let payload = &body["payload"];
        *carriers.entry(payload["carrier"].as_str().map(String::from)).or_default() += 1;
        let of_kind = kinds.entry(row.kind).or_default();
        of_kind.0 += 1;
        let amount =
            ["amount", "entitlement", "cost"].iter().find_map(|name| payload[*name]["minor"].as_i64());
        of_kind.1 += amount.unwrap_or_default();
    }
    let mut found: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for group in asked("kind").groups {
        let of_kind = found.entry(group.names[0].clone().unwrap()).or_default();
        of_kind.0 += group.rows;
        of_kind.1 += group.sums[0];
    }
    assert_eq!(found, kinds);
    let mut found: BTreeMap<Option<String>, u64> = BTreeMap::new();
    for group in asked("carrier").groups {
        *found.entry(group.names[0].clone()).or_default() += group.rows;
    }
    assert_eq!(found, carriers);
}

/// Three segments of eight events and a short one, in a folder that a test may spoil.
struct Spoilt {
    dir: tempfile::TempDir,
    folder: Folder,
    ledger: PathBuf,
}

impl Spoilt {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("shop.db");
        let mut script = Script::new(sqlite(&ledger, "spoilt"));
        script.lines(chance::PRELUDE);
        script.lines(
            "claim/C1 remedy_decided {\"units\":[\"L1#1\"],\"remedy\":\"refund\",\"entitlement\":{\"minor\":10000,\"currency\":\"USD\"}}
             claim/C1 refund_issued {\"refund\":\"R1\",\"amount\":{\"minor\":6000,\"currency\":\"USD\"},\"payout\":{\"to\":\"original_method\"}}
             claim/C1 refund_issued {\"refund\":\"R2\",\"amount\":{\"minor\":1000,\"currency\":\"USD\"},\"payout\":{\"to\":\"original_method\"}}
             claim/C1 refund_failed {\"refund\":\"R2\",\"reason_code\":\"account_closed\"}",
        );
        while script.ledger.store().tip().unwrap().position < 28 {
            script.lines("claim/C1 note_added {\"text\":\"Again.\"}");
        }
        let folder = Folder::of(&ledger, None).with_span(8);
        built_and_compared(&ledger, &folder);
        Self { dir, folder, ledger }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.dir().join(name)
    }
    fn ask(&self, figures: Figures, by: &str) -> Result<segments::Answer, claims::error::Error> {
        segments::answer(&self.ledger, &self.folder, &Question { figures, by: vec![by.into()] })
    }
    /// Nothing that reads it uses it, the check names it with these words, and a build makes it well again.
    #[track_caller]
    fn is_found(&self, name: &str, why: &str) {
        let checked = segments::check(&self.ledger, &self.folder, false).unwrap();
        let named = checked.findings.iter().any(|finding| finding.contains(name) && finding.contains(why));
        assert!(!checked.agrees && named, "{name}, {why}: {:?}", checked.findings);
        let built = segments::build(&self.ledger, &self.folder, false).unwrap();
        assert!(built.built > 0, "{built:?}");
        built_and_compared(&self.ledger, &self.folder);
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let spoilt = Spoilt::new();
    let manifest = spoilt.folder.look(&support::origin()).unwrap().fit.remove(2);
    for file in &manifest.files {
        let path = spoilt.folder.path(&file.table, manifest.first);
        let figures = if file.table == "events" { Figures::Events } else { Figures::Money };
        for part in file.parts.iter() {
            let sound = fs::read(&path).unwrap();
            let mut bytes = sound.clone();
            let at = usize::try_from(part.at + part.bytes / 2).unwrap();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            let by = if part.name == "footer" { "currency" } else { &part.name };
            let why = spoilt.ask(figures, by).unwrap_err();
            assert_eq!(why.code, "segment_does_not_fit", "{}", part.name);
            assert!(why.message.contains(&part.name), "{}: {why}", part.name);
            fs::write(&path, &sound).unwrap();
        }
        // The four bytes before all columns belong to no column; who reads columns does not read them.
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        fs::write(&path, &bytes).unwrap();
        spoilt.is_found("segment-000000000017.json", &format!("its {} are not what was written", file.table));
    }
    let name = "segment-000000000017.json";
    let sound = fs::read(spoilt.path(name)).unwrap();
    for at in (0..sound.len()).step_by(7) {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(spoilt.path(name), &bytes).unwrap();
        let unfit = spoilt.folder.look(&support::origin()).unwrap().all_fit();
        assert_eq!(unfit.unwrap_err().code, "segment_does_not_fit", "byte {at}");
    }
    spoilt.is_found(name, "");
}

#[test]
fn swapped_missing_and_foreign_segments_are_found() {
    let spoilt = Spoilt::new();
    let swap = |a: &str, b: &str| {
        let (a, b, c) = (spoilt.path(a), spoilt.path(b), spoilt.path("between"));
        fs::rename(&a, &c).unwrap();
        fs::rename(&b, &a).unwrap();
        fs::rename(&c, &b).unwrap();
    };
    swap("events-000000000001.parquet", "events-000000000009.parquet");
    assert!(spoilt.ask(Figures::Events, "kind").is_err());
    spoilt.is_found("segment-000000000001.json", "events");
    for table in ["events", "movements"] {
        swap(&format!("{table}-000000000001.parquet"), &format!("{table}-000000000009.parquet"));
    }
    swap("segment-000000000001.json", "segment-000000000009.json");
    assert!(spoilt.ask(Figures::Events, "kind").is_err());
    spoilt.is_found("segment-000000000009.json", "it is that of the segment from 1");
    for (name, why) in [
        ("events-000000000009.parquet", "its events are missing"),
        ("movements-000000000009.parquet", "its movements are missing"),
        ("segment-000000000009.json", "No such file"),
    ] {
        fs::remove_file(spoilt.path(name)).unwrap();
        assert!(spoilt.ask(Figures::Money, "merchant").is_err());
        spoilt.is_found("segment-000000000009.json", why);
    }
    for name in ["events-000000000009.parquet", "movements-000000000009.parquet", "segment-000000000009.json"]
    {
        fs::remove_file(spoilt.path(name)).unwrap();
    }
    assert!(spoilt.ask(Figures::Money, "merchant").is_err());
    spoilt.is_found("segment-000000000009.json", "it is missing");
}

#[test]
fn segments_of_another_log_are_found_even_under_the_same_name() {
    let (spoilt, other) = (Spoilt::new(), Spoilt::new());
    // The same orders and claims in a ledger of the same name, by another door: other ids, so another log.
    let ledger = other.dir.path().join("again.db");
    let mut script = Script::new(sqlite(&ledger, "another door"));
    script.lines(chance::PRELUDE);
    let folder = Folder::of(&ledger, None).with_span(8);
    built_and_compared(&ledger, &folder);
    for name in ["events-000000000001.parquet", "movements-000000000001.parquet", "segment-000000000001.json"]
    {
        fs::copy(folder.dir().join(name), spoilt.path(name)).unwrap();
    }
    assert!(spoilt.ask(Figures::Money, "merchant").is_err());
    spoilt.is_found("segment-000000000001.json", "its tree is not that of the log");
    // A ledger of another name.
    let ledger = other.dir.path().join("named.db");
    let origin = Origin::new("another.ledger").unwrap();
    let store = SqliteStore::create(&ledger, &origin).unwrap();
    let mut script = Script::new(Ledger::new(store, Door::fixed("named", support::instant(support::NOW))));
    script.lines(chance::PRELUDE);
    let named = Folder::of(&ledger, None).with_span(8);
    segments::build(&ledger, &named, false).unwrap();
    for name in ["events-000000000001.parquet", "movements-000000000001.parquet", "segment-000000000001.json"]
    {
        fs::copy(named.dir().join(name), spoilt.path(name)).unwrap();
    }
    assert!(spoilt.ask(Figures::Money, "merchant").is_err());
    spoilt.is_found("segment-000000000001.json", "it is of ledger another.ledger");
    // More than the log has: an older copy of the ledger beside newer segments.
    let ledger = other.dir.path().join("older.db");
    let mut script = Script::new(sqlite(&ledger, "spoilt"));
    script.lines(&chance::PRELUDE.lines().take(11).collect::<Vec<_>>().join("\n"));
    let copied = other.dir.path().join("older.segments");
    fs::create_dir(&copied).unwrap();
    for file in fs::read_dir(spoilt.folder.dir()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copied.join(file.file_name())).unwrap();
    }
    let older = Folder::of(&ledger, Some(&copied)).with_span(8);
    let question = Question { figures: Figures::Money, by: vec!["merchant".into()] };
    assert!(segments::answer(&ledger, &older, &question).is_err());
    let checked = segments::check(&ledger, &older, false).unwrap();
    assert!(checked.findings.iter().any(|f| f.contains("the log ends at")), "{:?}", checked.findings);
    segments::build(&ledger, &older, false).unwrap();
    built_and_compared(&ledger, &older);
}

/// Whoever forges manifest and hashes with the cells has not forged the log.
#[test]
fn cells_that_are_not_those_of_the_log_are_found_under_good_hashes() {
    let spoilt = Spoilt::new();
    let manifest = |first: u64| -> Value {
        let text = fs::read(spoilt.path(&spoilt.folder.manifest_name(first))).unwrap();
        serde_json::from_slice(&text).unwrap()
    };
    // The movements of the second segment in the place of those of the third.
    let mut forged = manifest(17);
    forged["segment"]["files"][1] = manifest(9)["segment"]["files"][1].clone();
    let from = spoilt.path("movements-000000000009.parquet");
    fs::copy(from, spoilt.path("movements-000000000017.parquet")).unwrap();
    let hash: Hash = sha256(&canonical::of(&forged["segment"]).unwrap());
    let segment: segments::Manifest = serde_json::from_value(forged["segment"].clone()).unwrap();
    let text =
        format!("{{\"segment\":{},\"sha256\":\"{hash}\"}}\n", serde_json::to_string(&segment).unwrap());
    fs::write(spoilt.path("segment-000000000017.json"), text).unwrap();
    spoilt.is_found_after_drop("segment-000000000017.json", "its movements");
}

impl Spoilt {
    /// As [`Spoilt::is_found`], where only the check can know.
    #[track_caller]
    fn is_found_after_drop(&self, name: &str, why: &str) {
        let checked = segments::check(&self.ledger, &self.folder, false).unwrap();
        let named = checked.findings.iter().any(|finding| finding.contains(name) && finding.contains(why));
        assert!(!checked.agrees && named, "{name}, {why}: {:?}", checked.findings);
        assert!(segments::drop_all(&self.folder).unwrap() > 0);
        assert!(!self.folder.dir().exists());
        built_and_compared(&self.ledger, &self.folder);
    }
}

#[test]
fn dropping_takes_only_what_is_ours_and_nobody_reads_while_it_is_built() {
    let spoilt = Spoilt::new();
    let held = spoilt.folder.hold(true).unwrap();
    for why in [
        spoilt.ask(Figures::Money, "merchant").map(|_| ()),
        segments::build(&spoilt.ledger, &spoilt.folder, false).map(|_| ()),
        segments::drop_all(&spoilt.folder).map(|_| ()),
    ] {
        assert_eq!(why.unwrap_err().code, "segments_are_busy");
    }
    drop(held);
    fs::write(spoilt.path("notes.txt"), "mine").unwrap();
    segments::drop_all(&spoilt.folder).unwrap();
    let left: Vec<_> = fs::read_dir(spoilt.folder.dir()).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left, ["notes.txt"]);
    // A folder that was never one of segments is not touched.
    let stranger = Folder::of(&spoilt.ledger, Some(spoilt.dir.path()));
    assert_eq!(segments::drop_all(&stranger).unwrap_err().code, "not_found");
    assert!(spoilt.ledger.exists());
    assert_eq!(spoilt.ask(Figures::Money, "merchant").unwrap_err().code, "not_found");
    let why = segments::answer(
        &spoilt.ledger,
        &spoilt.folder,
        &Question { figures: Figures::Money, by: vec!["payload".into()] },
    );
    assert_eq!(why.unwrap_err().code, "no_such_column");
}

/// The child of the next test: builds until somebody kills it.
#[test]
fn child_builds() {
    let Ok(ledger) = std::env::var("SEGMENTS_CHILD") else { return };
    let ledger = PathBuf::from(ledger);
    let folder = Folder::of(&ledger, None).with_span(64);
    loop {
        // Whatever the one before left, this one goes on from.
        segments::build(&ledger, &folder, false).unwrap();
        segments::drop_all(&folder).unwrap();
    }
}

#[test]
fn a_build_that_is_killed_leaves_nothing_half_done() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("shop.db");
    drop(shops(&ledger, 11, 1_500));
    let folder = Folder::of(&ledger, None).with_span(64);
    let (mut partly, mut complete) = (0, 0);
    for round in 0..30u64 {
        let program = std::env::current_exe().unwrap();
        let mut child = Command::new(program)
            .args(["--exact", "child_builds", "--nocapture"])
            .env("SEGMENTS_CHILD", &ledger)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // As soon as so many files are there, for every round another number.
        let files = || fs::read_dir(folder.dir()).map_or(0, |dir| dir.count() as u64);
        let began = Instant::now();
        while files() < 1 + round * 2 && began.elapsed() < Duration::from_secs(20) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if !folder.dir().exists() {
            continue;
        }
        // What has a manifest is whole; what has none is not counted as anything.
        let origin = support::origin();
        for (first, manifest) in folder.manifests(&origin).unwrap() {
            match manifest {
                Ok(manifest) => {
                    segments::each_row(&folder, &manifest, &mut |_| ControlFlow::Continue(())).unwrap();
                    complete += 1;
                }
                Err(why) => {
                    assert!(why.contains("No such file") || why.contains("missing"), "{first}: {why}");
                    partly += 1;
                }
            }
        }
        let built = segments::build(&ledger, &folder, false).unwrap();
        assert_eq!(built.segments, tip(&ledger).div_ceil(64));
        assert!(folder.files().unwrap().iter().all(|(_, _, partial)| !partial));
        if round % 10 == 0 {
            built_and_compared(&ledger, &folder);
        }
        segments::drop_all(&folder).unwrap();
    }
    assert!(complete > 0 && partly > 0, "{complete} complete and {partly} partly written segments were met");
}

/// Set for the part of the test that runs where it may mount disks.
const MAY_MOUNT: &str = "CLAIMS_TEST_MAY_MOUNT";

/// Mounting needs a namespace, and a namespace a process: the test runs itself again inside one.
#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let namespace = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", program])
            .args(args)
            .env(MAY_MOUNT, "1")
            .output()
    };
    let try_it = "d=$(mktemp -d) && mount -t tmpfs tmpfs $d && umount $d && rmdir $d";
    if !namespace("sh", &["-c", try_it]).is_ok_and(|tried| tried.status.success()) {
        println!("skipped: this machine does not let us mount disks");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let run = namespace(program.to_str().unwrap(), &["--exact", "a_disk_of_its_own", "--nocapture"]).unwrap();
    let words = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && words.contains("1 passed"), "{words}");
}

/// Does something only where [`a_full_disk_is_said_and_leaves_nothing`] runs it.
#[test]
fn a_disk_of_its_own() {
    if std::env::var_os(MAY_MOUNT).is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("shop.db");
    drop(shops(&ledger, 3, 1_000));
    let disk = dir.path().join("disk");
    fs::create_dir(&disk).unwrap();
    assert_eq!(program::shell(dir.path(), "mount -t tmpfs -o size=48k tmpfs disk").code, 0);
    let args = ["segments", "build", "-l", "shop.db", "--dir", "disk/segments"];
    let full = program::claims(dir.path(), &args);
    assert_eq!(full.code, 17, "{full:?}");
    assert!(
        full.stderr.contains("the disk is full") && full.stderr.contains("hint: make room"),
        "{}",
        full.stderr
    );
    let left: Vec<_> = fs::read_dir(disk.join("segments")).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".partial")), "{left:?}");
    assert_eq!(program::shell(dir.path(), "mount -o remount,size=4m disk").code, 0);
    program::ok(dir.path(), &args);
    program::ok(dir.path(), &["segments", "check", "-l", "shop.db", "--dir", "disk/segments"]);
    program::shell(dir.path(), "umount -l disk");
}

#[test]
fn the_command_line_says_what_it_did() {
    let dir = tempfile::tempdir().unwrap();
    let run = |line: &str| program::claims(dir.path(), &program::words(line));
    let ok = |line: &str| program::ok(dir.path(), &program::words(line));
    ok("demo --quiet --events 0 --ledger shop.db");
    let none = run("segments totals -l shop.db");
    assert_eq!(none.code, 14, "{none:?}");
    assert!(none.stderr.contains("hint: claims segments build makes them"), "{}", none.stderr);
    let said = ok("segments build -l shop.db");
    assert!(said.starts_with("1 segments of 330 events in shop.db.segments: 1 made now\n"), "{said}");
    assert!(ok("segments build -l shop.db").contains(": 0 made now\n"));
    assert_eq!(
        ok("segments check -l shop.db"),
        "1 segments of 330 events: every cell is what the log says\n"
    );
    assert!(ok("segments list -l shop.db").contains("fits"));
    // The same table as from the books.
    for by in ["merchant", "merchant,month", "kind,reason", "country"] {
        let books = ok(&format!("totals --by {by} -l shop.db"));
        assert_eq!(ok(&format!("segments totals --by {by} -l shop.db")), books, "{by}");
        let books = ok(&format!("totals --by {by} -l shop.db --json"));
        assert_eq!(
            json_lines(&ok(&format!("segments totals --by {by} -l shop.db --json"))),
            json_lines(&books)
        );
    }
    assert!(ok("segments totals --of events --by kind,actor -l shop.db").contains("refund_issued"));
    let wrong = run("segments totals --by colour -l shop.db");
    assert_eq!(wrong.code, 64, "{wrong:?}");
    assert!(wrong.stderr.contains("movements have no column colour"), "{}", wrong.stderr);
    fs::write(dir.path().join("shop.db.segments/segment-000000000001.json"), "{}").unwrap();
    let checked = run("segments check -l shop.db");
    assert_eq!(checked.code, 1, "{checked:?}");
    assert!(checked.stdout.contains("segment-000000000001.json: it is no manifest"), "{}", checked.stdout);
    let said = ok("segments build -l shop.db");
    assert!(said.starts_with("made again segment-000000000001.json: it is no manifest"), "{said}");
    assert_eq!(ok("segments drop -l shop.db"), "dropped 3 files of shop.db.segments\n");
    assert!(!dir.path().join("shop.db.segments").exists());
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The table of columns in the documentation is that of the code.
#[test]
fn the_columns_are_documented() {
    let mut due = String::new();
    for table in [EVENTS, segments::MOVEMENTS] {
        due.push_str(&format!("### {}\n\n| column | type | null | says |\n|---|---|---|---|\n", table.name));
        for column in table.columns {
            let (physical, logical) = column.form.schema();
            let null = if column.optional { "yes" } else { "" };
            due.push_str(&format!(
                "| `{}` | {physical}{logical} | {null} | {} |\n",
                column.name, column.says
            ));
        }
        due.push('\n');
    }
    let path = Path::new(program::ROOT).join("fixtures/segments/README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- columns, from the code -->\n", "<!-- end of columns -->\n");
    let (before, rest) = text.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let due = format!("{before}{begin}\n{due}{end}{after}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &due).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), due);
}
