//! What comes in broken: every bad command is a file with the message it must get beside it, and so is every file
//! that is no sound ledger. Whatever it is, the message says where and what to do, and claims and money stay as
//! they were. `fixtures/broken/README.md` explains the files; `UPDATE_GOLDEN=1` writes the expected texts anew.

#[path = "support/program.rs"]
mod program;

use program::{Outcome, ROOT, all, claims, files, golden, normalised, ok, prepare, words};
use replay::event::{Class, Kind};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
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
    let class = text.lines().filter_map(kind).last().map_or(Class::Act, Kind::class);
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
