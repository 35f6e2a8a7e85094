//! `claims rebuild --since-snapshot`: what came since is proved, what lies before is held by root and digest, and whatever
//! does not fit brings the whole log back.

#[path = "support/chance.rs"]
mod chance;
#[path = "support/program.rs"]
mod program;
mod support;

use std::{fs, path::Path};

use chance::{Op, Run, ops};
use claims::{
    proof::{self, By},
    store::memory::MemoryStore,
    view::books_as_of,
};
use program::{claims, folder, ok, prepare, words};
use proptest::prelude::*;
use replay::history::Cut;
use rusqlite::Connection;
use serde_json::Value;
use support::Script;

/// A ledger whose last rebuild has left a snapshot, and in which two cases have gone on since.
fn gone_on() -> tempfile::TempDir {
    let dir = folder();
    prepare(&dir.path().join("shop.db"));
    let first = rebuilt(dir.path(), 0);
    assert_eq!(first["whole_because"], "there is no snapshot yet");
    for line in ["note C1 --text 'called again' --key n1", "withdraw C5"] {
        ok(dir.path(), &words(&format!("{line} --actor m.klein -l shop.db")));
    }
    dir
}

fn rebuilt(dir: &Path, code: i32) -> Value {
    let said = claims(dir, &words("rebuild --since-snapshot --json -l shop.db"));
    assert_eq!(said.code, code, "{said:?}");
    serde_json::from_str(&said.stdout).unwrap_or(Value::String(said.stderr))
}

#[test]
fn what_came_since_is_proved_alone() {
    let dir = gone_on();
    let said = ok(dir.path(), &words("rebuild --since-snapshot -l shop.db"));
    assert!(said.starts_with("proved 3 events after position 31, in 2 cases, in "), "{said}");
    assert!(said.contains("equal row by row\nrecorded at position 35"), "{said}");
    // Nothing but the event of the last rebuild has come since.
    let again = rebuilt(dir.path(), 0);
    assert_eq!((&again["since"], &again["cases_since"]), (&34.into(), &0.into()));
    let whole: Value = serde_json::from_str(&ok(dir.path(), &words("rebuild --json -l shop.db"))).unwrap();
    assert_eq!(again["digest"], whole["digest"]);
    assert_eq!(again["control_totals"], whole["control_totals"]);
    assert_eq!(again["rows"], whole["rows"]);
    let audit = ok(dir.path(), &words("audit -l shop.db"));
    assert!(audit.ends_with("log and books agree\n"), "{audit}");
}

/// What is done to the file, and what the rebuild says: the reason for the whole log, or the error of that.
#[test]
fn whatever_does_not_fit_brings_the_whole_log_back() {
    let sql = |sql: &'static str| {
        move |dir: &Path| {
            let db = Connection::open(dir.join("shop.db")).unwrap();
            let fence = "DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted;";
            db.execute_batch(&format!("{fence}{sql}")).unwrap();
        }
    };
    type Deed = Box<dyn Fn(&Path)>;
    let cases: Vec<(&str, Deed, i32, &str)> = vec![
        (
            "a leaf of old",
            Box::new(sql("UPDATE events SET leaf = zeroblob(32) WHERE position = 5")),
            18,
            "position 5",
        ),
        (
            "a row of a claim in which nothing happened",
            Box::new(sql("UPDATE claims_board SET owed_minor = owed_minor + 1 WHERE claim = 'C3'")),
            1,
            "the books of cases in which nothing happened are not those of the last rebuild",
        ),
        (
            "a row of a claim that has gone on",
            Box::new(sql("UPDATE claim_detail SET detail = replace(detail, 'C1', 'C9') WHERE claim = 'C1'")),
            1,
            "the books of cases that have gone on are not what the log says",
        ),
        (
            "a row too many",
            Box::new(sql("INSERT INTO claim_detail VALUES ('C77', '{}')")),
            1,
            "the books of cases in which nothing happened are not those of the last rebuild",
        ),
        (
            "a new body",
            Box::new(sql(
                "UPDATE events SET body = CAST(replace(CAST(body AS TEXT), 'C1', 'C9') AS BLOB) WHERE position = 33",
            )),
            18,
            "position 33",
        ),
        (
            "a new personal value",
            Box::new(sql("UPDATE personal SET value = 'nothing' WHERE position = 33")),
            0,
            "a personal value does not open its commitment",
        ),
        (
            "a key",
            Box::new(sql("DELETE FROM keys WHERE position = 33")),
            0,
            "an index does not lead to position 33",
        ),
        (
            "another program",
            Box::new(|dir| {
                let path = dir.join("shop.db.snapshot");
                let snapshot = fs::read_to_string(&path).unwrap();
                let place = snapshot.rfind('"').unwrap() - 1;
                let other = if snapshot.as_bytes()[place] == b'0' { "1" } else { "0" };
                fs::write(&path, format!("{}{other}{}", &snapshot[..place], &snapshot[place + 1..])).unwrap();
            }),
            0,
            "another program made the snapshot",
        ),
        (
            "rubbish",
            Box::new(|dir| fs::write(dir.join("shop.db.snapshot"), "rubbish").unwrap()),
            0,
            "the snapshot cannot be read",
        ),
        (
            "another position",
            Box::new(|dir| {
                let path = dir.join("shop.db.snapshot");
                let snapshot = fs::read_to_string(&path).unwrap().replace("32", "33");
                fs::write(&path, snapshot).unwrap();
            }),
            0,
            "is not the event of a rebuild",
        ),
        (
            "a policy",
            Box::new(|dir| {
                let line =
                    "policy publish fixtures/policies/atp.toml --actor m.klein --approver d.ruiz -l shop.db";
                ok(dir, &words(line));
            }),
            0,
            "a policy was published since",
        ),
    ];
    for (name, deed, code, says) in cases {
        let dir = gone_on();
        deed(dir.path());
        let said = rebuilt(dir.path(), code);
        let text = said["whole_because"].as_str().map_or(said.to_string(), str::to_owned);
        assert!(text.contains(says), "{name}: {said}");
    }
}

fn nightly() -> By {
    let parsed = |text: &str| text.parse().unwrap();
    By { actor: "nightly".parse().unwrap(), role: "operations".parse().unwrap(), source: parsed("test") }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// However often it is rebuilt on the way, in parts or as a whole: the same root, digest and totals.
    #[test]
    fn parts_come_to_the_whole(ops in ops(30), every in 1..=15usize) {
        let folder = tempfile::tempdir().unwrap();
        let mut script = Script::new(support::sqlite(&folder.path().join("ledger.db"), "since"));
        let memory = run(&ops);
        let mut parts = 0;
        for (place, (now, line)) in memory.lines.iter().enumerate() {
            script.ledger.door().set_now(*now);
            let _ = script.line(line);
            if place % every == 0 {
                let report = proof::rebuild_since_snapshot(&mut script.ledger, &nightly(), false, false).unwrap();
                prop_assert_eq!(report.differences_count, 0);
                parts += usize::from(report.since.is_some());
                let cut = Cut { position: replay::ids::Position::new(report.through), ..Cut::default() };
                let whole = books_as_of(script.ledger.store(), &cut).unwrap();
                prop_assert_eq!((report.root, report.digest), (whole.root, whole.books.digest().sha256));
                prop_assert_eq!(report.control_totals, whole.books.control_totals());
            }
        }
        let last = proof::audit(script.ledger.store(), false).unwrap();
        prop_assert!(last.agrees, "{:?}", last);
        prop_assert!(parts > 0 || memory.lines.len() < 40, "{} lines, and nothing in parts", memory.lines.len());
    }
}

fn run(ops: &[Op]) -> Run<MemoryStore> {
    let mut run = Run::new(Script::new(support::memory("since")), true);
    for op in ops {
        let _ = run.step(op);
    }
    run
}
