//! What comes in broken: every bad command is a file with the message it must get beside it, and so is every file
//! that is no sound ledger. Whatever it is, the message says where and what to do, and claims and money stay as
//! they were. `fixtures/broken/README.md` explains the files; `UPDATE_GOLDEN=1` writes the expected texts anew.

#[path = "support/program.rs"]
mod program;

use claims::store::sqlite::BUSY_TIMEOUT_MS;
use program::{Outcome, ROOT, all, claims, files, golden, normalised, ok, prepare, words};
use replay::event::{Class, Kind};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// The cases, without the ledger they are tried on.
const INPUT: &str = "fixtures/broken/input";
/// Fewer distinct reasons than this would mean that reasons have been thrown together.
const CODES_MIN: usize = 60;

/// One bad input.
struct Case {
    name: String,
    /// The command line; `CASE` stands for the file.
    args: Vec<String>,
    /// The commands, `None` when the command line says it all.
    text: Option<String>,
    expected: PathBuf,
}

fn cases() -> Vec<Case> {
    let dir = Path::new(ROOT).join(INPUT);
    let stems = [files(&dir, "ndjson"), files(&dir, "args")].concat().into_iter();
    let names: BTreeSet<String> =
        stems.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect();
    let case = |name: String| {
        let line = fs::read_to_string(dir.join(format!("{name}.args"))).unwrap_or("record CASE".into());
        let text = fs::read_to_string(dir.join(format!("{name}.ndjson"))).ok();
        Case { args: words(&line), text, expected: dir.join(format!("{name}.txt")), name }
    };
    names.into_iter().filter(|name| name != "prepare").map(case).collect()
}

/// A ledger that every case gets a copy of, and what it says.
struct Prepared {
    dir: tempfile::TempDir,
    views: BTreeMap<String, String>,
    events: i64,
}

impl Prepared {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let ledger = dir.path().join("prepared.db");
        prepare(&ledger);
        let views = views(dir.path(), "prepared.db");
        let events = appended(&ledger, 0).len();
        Self { views, events: i64::try_from(events).unwrap(), dir }
    }
    /// A copy of the ledger under another name.
    fn copy(&self, name: &str) -> PathBuf {
        let copy = self.dir.path().join(name);
        fs::copy(self.dir.path().join("prepared.db"), &copy).unwrap();
        copy
    }
}

/// What the ledger says of claims and money; not what was refused, and not how often somebody wrote.
fn views(dir: &Path, ledger: &str) -> BTreeMap<String, String> {
    let mut views = BTreeMap::new();
    for line in ["list", "totals --by merchant,month,country,reason,kind", "owed"] {
        views.insert(line.into(), ok(dir, &[words(line), words("--json -l"), words(ledger)].concat()));
    }
    let show = ok(dir, &["show", "C1", "--json", "-l", ledger]);
    let mut show: Value = serde_json::from_str(&show).unwrap();
    show.as_object_mut().unwrap().retain(|name, _| name != "refused" && name != "revision");
    views.insert("show C1".into(), show.to_string());
    views
}

/// Stream and kind of every event behind a position.
fn appended(ledger: &Path, after: i64) -> Vec<(String, String)> {
    let db = Connection::open(ledger).unwrap();
    let sql = "SELECT stream, kind FROM events WHERE position > ?1 ORDER BY position";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([after], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Fills in what a file of a few bytes stands for: `<<repeat N TEXT>>`, `<<byte HEX>>`, `<<event STREAM REVISION>>`,
/// and `<<lines N>>` before a line that is to come N times.
fn filled_in(text: &str, ledger: &Path) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text.split_inclusive('\n') {
        let (times, line) = match line.strip_prefix("<<lines ").and_then(|rest| rest.split_once(">>")) {
            Some((times, line)) => (times.parse().unwrap(), line),
            None => (1, line),
        };
        for _ in 0..times {
            fill_in(line, ledger, &mut out);
        }
    }
    out
}

fn fill_in(line: &str, ledger: &Path, out: &mut Vec<u8>) {
    let Some((before, rest)) = line.split_once("<<") else { return out.extend(line.as_bytes()) };
    let (what, after) = rest.split_once(">>").unwrap_or_else(|| panic!("no >> in {line}"));
    out.extend(before.as_bytes());
    match what.splitn(3, ' ').collect::<Vec<_>>()[..] {
        ["repeat", times, text] => out.extend(text.repeat(times.parse().unwrap()).bytes()),
        ["byte", hex] => out.push(u8::from_str_radix(hex, 16).unwrap()),
        ["event", stream, revision] => {
            let db = Connection::open(ledger).unwrap();
            let sql = "SELECT event_id FROM events WHERE stream = ?1 AND revision = ?2";
            let id: [u8; 16] = db.query_row(sql, [stream, revision], |row| row.get(0)).unwrap();
            out.extend(uuid::Uuid::from_bytes(id).to_string().bytes());
        }
        _ => panic!("nobody knows <<{what}>>"),
    }
    fill_in(after, ledger, out);
}

/// Runs a case on a fresh copy. The copy stays for whoever wants to look at it.
fn run(prepared: &Prepared, case: &Case, ledger: &str, more: &[&str]) -> Outcome {
    let copy = prepared.copy(ledger);
    let file = format!("{}.ndjson", case.name);
    if let Some(text) = &case.text {
        fs::write(prepared.dir.path().join(&file), filled_in(text, &copy)).unwrap();
    }
    let place = |word: &String| if word == "CASE" { file.clone() } else { word.clone() };
    let args = case.args.iter().map(place).chain(["-l".into(), ledger.into()]);
    claims(prepared.dir.path(), &args.chain(more.iter().map(|word| word.to_string())).collect::<Vec<_>>())
}

#[test]
fn every_bad_input_gets_a_message_and_changes_nothing() {
    let prepared = Prepared::new();
    let cases = cases();
    all(&cases, |case| check(&prepared, case).map_err(|why| format!("== {}\n{why}", case.name)));
}

fn check(prepared: &Prepared, case: &Case) -> Result<(), String> {
    let ledger = format!("{}.db", case.name);
    let outcome = run(prepared, case, &ledger, &[]);
    let copy = prepared.dir.path().join(&ledger);
    let added = appended(&copy, prepared.events);
    let json = run(prepared, case, &format!("{}-json.db", case.name), &["--json"]);
    let error: Value = serde_json::from_str(json.stderr.lines().last().unwrap_or_default())
        .map_err(|why| format!("--json does not give JSON ({why}): {}", json.stderr))?;
    let code = error.pointer("/error/code").and_then(Value::as_str).unwrap_or("no code");
    let left: Vec<String> = added.iter().map(|(stream, kind)| format!("{kind} in {stream}")).collect();
    let left = if left.is_empty() { "nothing".into() } else { left.join(", ") };
    let words = normalised(&outcome.stderr);
    golden(&case.expected, &format!("exit {}, {code}, leaves {left}\n{words}", outcome.code))?;

    let same = |what: &str, a: &str, b: &str| match a == b {
        true => Ok(()),
        false => Err(format!("{what} differs\n{a}\n{b}")),
    };
    same("the exit code with --json", &json.code.to_string(), &outcome.code.to_string())?;
    if !outcome.stdout.is_empty() {
        return Err(format!("a receipt was given out: {}", outcome.stdout));
    }
    if !words.starts_with("error: ") || !words.contains("\nhint: ") && outcome.code != 64 {
        return Err(format!("no error, or no hint: {words}"));
    }
    if words.chars().any(|c| c.is_control() && c != '\n') {
        return Err(format!("a control character reaches the terminal: {words:?}"));
    }
    may_leave(case, outcome.code, code, &added)?;
    let audit = claims(prepared.dir.path(), &["audit", "-l", &ledger]);
    same("the exit code of the audit", &audit.code.to_string(), "0")?;
    let after = views(prepared.dir.path(), &ledger);
    prepared.views.iter().try_for_each(|(view, before)| {
        let after = &after[view];
        match view.as_str() {
            // A parcel that was turned away shows in the stage of its claim, and nowhere else.
            "list" if left.starts_with("parcel_refused") => same(view, &no_stage(before), &no_stage(after)),
            _ => same(view, before, after),
        }
    })?;
    for ledger in [copy.clone(), copy.with_file_name(format!("{}-json.db", case.name))] {
        fs::remove_file(ledger).map_err(|why| why.to_string())?;
    }
    Ok(())
}

fn no_stage(list: &str) -> String {
    let lines = list.lines().map(|line| {
        let mut row: Value = serde_json::from_str(line).unwrap();
        row.as_object_mut().unwrap().remove("stage");
        row.to_string() + "\n"
    });
    lines.collect()
}

/// The rule of what a bad input may leave behind: an act that was understood and refused, and a key that stands for
/// something else, are on record once; a fact, a stale revision and what cannot be read leave no trace.
fn may_leave(case: &Case, exit: i32, code: &str, added: &[(String, String)]) -> Result<(), String> {
    let kinds: Vec<&str> = added.iter().map(|(_, kind)| kind.as_str()).collect();
    let text = case.text.as_deref().unwrap_or_default();
    let kind = |line: &str| {
        let value: Value = serde_json::from_str(line).ok()?;
        value.get("kind")?.as_str()?.parse::<Kind>().ok()
    };
    let class = text.lines().filter_map(kind).next_back().map_or(Class::Act, Kind::class);
    let on_record = match exit {
        10 => class == Class::Act && code != "kind_is_not_for_this_stream",
        11 => true,
        _ => false,
    };
    let right: &[&[&str]] = if on_record { &[&["append_refused"], &["parcel_refused"]] } else { &[&[]] };
    if right.contains(&&kinds[..]) { Ok(()) } else { Err(format!("exit {exit} must not leave {kinds:?}")) }
}

#[test]
fn reasons_are_told_apart() {
    let cases = cases();
    let heads = cases.iter().map(|case| fs::read_to_string(&case.expected).unwrap_or_default());
    let codes: BTreeSet<String> =
        heads.filter_map(|text| Some(text.lines().next()?.split(", ").nth(1)?.to_string())).collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert!(codes.len() >= CODES_MIN, "{} reasons: {codes:?}", codes.len());
    for orphan in files(&Path::new(ROOT).join(INPUT), "txt") {
        let name = orphan.file_stem().unwrap().to_str().unwrap();
        assert!(cases.iter().any(|case| case.name == name), "{} has no input", orphan.display());
    }
}

/// Transcripts on files that are no sound ledger. What each needs is made by [`set_up`].
const FILES: &str = "fixtures/broken/files";
/// Files that no command may change, not by a byte.
const UNTOUCHED: [&str; 4] = ["text_file", "empty_file", "other_sqlite_file", "newer_ledger"];

#[test]
fn a_file_that_is_no_sound_ledger_is_named_and_left_alone() {
    let prepared = Prepared::new();
    let transcripts = files(&Path::new(ROOT).join(FILES), "txt");
    let of_disks = |path: &PathBuf| DISKS.iter().any(|name| path.file_stem().unwrap() == *name);
    let transcripts: Vec<PathBuf> = transcripts.into_iter().filter(|path| !of_disks(path)).collect();
    all(&transcripts, |path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let folder = program::folder();
        let dir = folder.path();
        let ledger = dir.join("shop.db");
        let held = set_up(name, &prepared, dir);
        let before = fs::read(&ledger).ok();
        golden(path, &program::transcript(&fs::read_to_string(path).unwrap_or_default(), dir))?;
        drop(held);
        if UNTOUCHED.contains(&name) && fs::read(&ledger).ok() != before {
            return Err(format!("{name}: the file was changed"));
        }
        let log = fs::metadata(dir.join("shop.db-wal")).map_or(0, |file| file.len());
        if log > 0 && name != "busy_ledger" {
            Err(format!("{name}: {log} bytes are left beside it"))
        } else {
            Ok(())
        }
    });
}

/// Puts `shop.db` into a folder the way a transcript needs it.
fn set_up(name: &str, prepared: &Prepared, dir: &Path) -> Option<Connection> {
    let ledger = dir.join("shop.db");
    let copy = || fs::copy(prepared.dir.path().join("prepared.db"), &ledger).unwrap();
    match name {
        "text_file" => fs::write(&ledger, "bread\nmilk\napples\n".repeat(40)).unwrap(),
        "empty_file" => fs::write(&ledger, "").unwrap(),
        "other_sqlite_file" => {
            let db = Connection::open(&ledger).unwrap();
            db.execute_batch("CREATE TABLE recipes (name TEXT); PRAGMA user_version = 3;").unwrap();
        }
        "newer_ledger" => {
            copy();
            let db = Connection::open(&ledger).unwrap();
            db.execute_batch("PRAGMA user_version = 99; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
        }
        "missing_file" => {}
        "folder" => fs::create_dir(&ledger).unwrap(),
        "truncated_ledger" => {
            let bytes = copy();
            fs::OpenOptions::new().write(true).open(&ledger).unwrap().set_len(bytes / 2 + 100).unwrap();
        }
        "busy_ledger" => {
            copy();
            let db = Connection::open(&ledger).unwrap();
            db.execute_batch("BEGIN IMMEDIATE").unwrap();
            return Some(db);
        }
        _ => drop(copy()),
    }
    None
}

/// Transcripts that need a disk of their own.
const DISKS: [&str; 2] = ["read_only_disk", "full_disk"];
/// Set for the part of the test that runs where it may mount disks.
const MAY_MOUNT: &str = "CLAIMS_TEST_MAY_MOUNT";
const MAY_MOUNT_TEST: &str = "disks_of_their_own";

/// Mounting needs a namespace, and a namespace a process: the test runs itself again inside one.
#[test]
fn a_disk_that_is_full_or_read_only_loses_nothing() {
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
    let run = namespace(program.to_str().unwrap(), &["--exact", MAY_MOUNT_TEST, "--nocapture"]).unwrap();
    let words = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{words}");
    assert!(words.contains("1 passed"), "{MAY_MOUNT_TEST} did not run: {words}");
}

/// Does something only where [`a_disk_that_is_full_or_read_only_loses_nothing`] runs it.
#[test]
fn disks_of_their_own() {
    if std::env::var_os(MAY_MOUNT).is_none() {
        return;
    }
    let prepared = Prepared::new();
    let shell = |line: &str, dir: &Path| assert_eq!(program::shell(dir, line).code, 0, "{line}");
    for name in DISKS {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        shell("mount -t tmpfs -o size=12m tmpfs .", dir.parent().unwrap().join(dir).as_path());
        std::os::unix::fs::symlink(Path::new(ROOT).join("fixtures"), dir.join("fixtures")).unwrap();
        set_up(name, &prepared, dir);
        if name == "read_only_disk" {
            shell("mount -o remount,ro .", dir);
        } else {
            fs::write(dir.join("big.ndjson"), notes()).unwrap();
            // What is left is room for a few pages, not for a thousand notes.
            shell(
                "free=$(df --output=avail -k . | tail -1); head -c $((free - 160))k /dev/zero > filler",
                dir,
            );
        }
        let path = Path::new(ROOT).join(FILES).join(format!("{name}.txt"));
        let found = program::transcript(&fs::read_to_string(&path).unwrap(), dir);
        shell("umount -l .", dir);
        golden(&path, &found).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// A thousand notes on one claim: one batch.
fn notes() -> String {
    let note = |revision: u32| {
        let text = format!("Called again, number {revision}.");
        let command = serde_json::json!({
            "stream": "claim/C2", "expected_revision": revision, "kind": "note_added", "actor": "a.jones",
            "payload": { "text": text },
        });
        format!("{command}\n")
    };
    (4..1_004).map(note).collect()
}

#[test]
fn a_writer_waits_five_seconds_for_another() {
    let prepared = Prepared::new();
    let ledger = prepared.copy("held.db");
    let other = Connection::open(&ledger).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let note = ["note", "C1", "--text", "Hello", "--actor", "a.jones", "-l", "held.db"];
    let began = Instant::now();
    let outcome = claims(prepared.dir.path(), &note);
    assert_eq!(outcome.code, 16, "{}", outcome.stderr);
    assert!(
        began.elapsed() >= Duration::from_millis(BUSY_TIMEOUT_MS),
        "it gave up after {:?}",
        began.elapsed()
    );
    other.execute_batch("ROLLBACK").unwrap();
    assert!(ok(prepared.dir.path(), &note).starts_with("recorded note_added on claim/C1 at revision 8"));
}

#[test]
fn two_programs_write_at_once() {
    let prepared = Prepared::new();
    let ledger = prepared.copy("two.db");
    let dir = prepared.dir.path();
    let commands = |claim: &str, revision: u32| -> String {
        let note = |n: u32| {
            let command = serde_json::json!({
                "stream": format!("claim/{claim}"), "expected_revision": revision + n, "kind": "note_added",
                "actor": "a.jones", "payload": { "text": format!("{claim}, note {n}") },
            });
            // The next order in between, so that every note is a batch of its own.
            let scan = serde_json::json!({
                "stream": format!("order/{}", if claim == "C1" { "O1" } else { "O3" }),
                "expected_revision": if claim == "C1" { 4 } else { 2 } + n, "kind": "tracking_scanned",
                "actor": "carrier", "payload": { "parcel": "P", "status": "in_transit" },
            });
            format!("{command}\n{scan}\n")
        };
        (0..100).map(note).collect()
    };
    fs::write(dir.join("C1.ndjson"), commands("C1", 7)).unwrap();
    fs::write(dir.join("C4.ndjson"), commands("C4", 5)).unwrap();
    let outcomes = std::thread::scope(|scope| {
        let run = |file| scope.spawn(move || claims(dir, &["record", file, "-l", "two.db"]));
        [run("C1.ndjson"), run("C4.ndjson")].map(|run| run.join().unwrap())
    });
    for outcome in outcomes {
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, "200 recorded, 0 already recorded\n"));
    }
    assert_eq!(appended(&ledger, prepared.events).len(), 400);
    assert_eq!(claims(dir, &["audit", "-l", "two.db"]).code, 0);
}

#[test]
fn a_damaged_page_is_an_error_and_never_a_panic() {
    const PAGE: usize = 4096;
    let prepared = Prepared::new();
    let sound = fs::read(prepared.dir.path().join("prepared.db")).unwrap();
    let pages: Vec<usize> = (0..sound.len() / PAGE).collect();
    all(&pages, |page| {
        let name = format!("page{page}.db");
        let mut bytes = sound.clone();
        for byte in &mut bytes[page * PAGE..][..PAGE] {
            *byte ^= 0x5A;
        }
        for line in
            ["audit", "list", "show C1", "totals", "export events", "note C1 --text Hello --actor a.jones"]
        {
            fs::write(prepared.dir.path().join(&name), &bytes).unwrap();
            let outcome = claims(prepared.dir.path(), &[words(line), words("-l"), words(&name)].concat());
            let clear = match outcome.code {
                0 => line != "audit",
                1 => line == "audit",
                2 => line == "audit" && outcome.stderr.contains("\nhint: "),
                15 | 17 | 18 => outcome.stderr.contains("\nhint: "),
                _ => false,
            };
            if !clear || outcome.stderr.contains("panicked") {
                return Err(format!("page {page}: {line}: exit {}\n{}", outcome.code, outcome.stderr));
            }
        }
        Ok(())
    });
}
