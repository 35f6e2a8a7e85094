//! An older ledger file: today's program reads it, writes to it and rebuilds its books without touching a leaf.
//!
//! `fixtures/frozen/ledger.sql` is the dump of a file that the program of 2026-11-20 made, with the tables of that day
//! (no `erasures`, books of version 1). Nobody changes it.

#[path = "support/program.rs"]
mod program;

use std::{fs, path::Path};

use program::{ROOT, claims, folder, ok};
use replay::merkle::{Frontier, Hash, leaf_hash};
use rusqlite::Connection;
use serde_json::Value;

/// Every column of every event, as it is stored.
type Row = (i64, String, i64, Vec<u8>, String, i64, Vec<u8>, Vec<u8>);

fn old_file(dir: &Path) {
    let dump = fs::read_to_string(Path::new(ROOT).join("fixtures/frozen/ledger.sql")).unwrap();
    let db = Connection::open(dir.join("old.db")).unwrap();
    db.execute_batch(&dump).unwrap();
}

fn rows(dir: &Path) -> Vec<Row> {
    let db = Connection::open(dir.join("old.db")).unwrap();
    let sql = "SELECT position, stream, revision, event_id, kind, recorded_at, body, leaf FROM events ORDER BY position";
    let mut statement = db.prepare(sql).unwrap();
    let row = |row: &rusqlite::Row<'_>| {
        Ok((
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            row.get(7)?,
        ))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

fn root(rows: &[Row]) -> Hash {
    let mut frontier = Frontier::new();
    for (.., body, leaf) in rows {
        assert_eq!(leaf_hash(body).0, leaf[..], "a leaf is over its bytes");
        frontier.push(leaf_hash(body));
    }
    frontier.root()
}

fn tables(dir: &Path) -> Vec<String> {
    let db = Connection::open(dir.join("old.db")).unwrap();
    let mut statement = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

#[test]
fn an_old_file_is_written_on_without_touching_a_leaf() {
    let dir = folder();
    let dir = dir.path();
    old_file(dir);
    assert!(!tables(dir).contains(&"erasures".to_owned()), "the file is not that old");
    let (before, was) = (rows(dir), fs::read(dir.join("old.db")).unwrap());
    let frozen = fs::read_to_string(Path::new(ROOT).join("fixtures/frozen/ledger.root")).unwrap();
    assert_eq!(root(&before).to_string(), frozen.trim(), "ask for a third pair of eyes before changing this");

    // Reading changes no byte, and finds nothing.
    let audited: Value = serde_json::from_str(&ok(dir, &["audit", "-l", "old.db", "--json"])).unwrap();
    assert_eq!((audited["agrees"].as_bool(), audited["root"].as_str()), (Some(true), Some(frozen.trim())));
    ok(dir, &["show", "C1", "-l", "old.db"]);
    ok(dir, &["verify", "old.db"]);
    assert_eq!(fs::read(dir.join("old.db")).unwrap(), was, "reading wrote");

    // Everything that writes: a note, an erasure (which makes its table), a seal, the books anew, a head.
    ok(dir, &["note", "C1", "--text", "still here", "--actor", "a.jones", "-l", "old.db"]);
    ok(
        dir,
        &[
            "redact",
            "C1",
            "--basis",
            "gdpr_art17",
            "--requester",
            "cust-1",
            "--actor",
            "d.ruiz",
            "--approver",
            "m.klein",
            "-l",
            "old.db",
        ],
    );
    assert!(tables(dir).contains(&"erasures".to_owned()));
    ok(dir, &["close-month", "2024-03", "--actor", "f.weber", "--approver", "d.ruiz", "-l", "old.db"]);
    ok(dir, &["rebuild", "--actor", "nightly", "-l", "old.db"]);
    let vkey = ok(dir, &["key", "new", "key", "-l", "old.db"]);
    ok(
        dir,
        &["checkpoint", "sign", "--signing-key", "key", "--out", "head", "-l", "old.db", "--actor", "anna"],
    );
    ok(dir, &["export", "bundle", "b", "-l", "old.db"]);
    for what in ["old.db", "b"] {
        let said = claims(dir, &["verify", what, "--log-key", vkey.trim(), "--checkpoint", "head"]);
        assert_eq!(said.code, 0, "{said:?}");
    }
    let after = rows(dir);
    assert!(after.len() >= before.len() + 5);
    assert_eq!(after[..before.len()], before[..], "an old event was touched");
    assert_eq!(root(&after[..before.len()]).to_string(), frozen.trim());
}

/// Books of an older version of the program may say things otherwise: that is a difference, and no damage.
#[test]
fn old_books_are_made_anew_and_the_log_stays() {
    let dir = folder();
    let dir = dir.path();
    old_file(dir);
    let before = rows(dir);
    let db = Connection::open(dir.join("old.db")).unwrap();
    db.execute("UPDATE claim_detail SET detail = '{\"said\":\"otherwise\"}' WHERE claim = 'C1'", []).unwrap();
    drop(db);
    assert_eq!(claims(dir, &["audit", "-l", "old.db"]).code, 1);
    ok(dir, &["rebuild", "--accept", "--actor", "nightly", "-l", "old.db"]);
    ok(dir, &["audit", "-l", "old.db"]);
    assert_eq!(rows(dir)[..before.len()], before[..], "an old event was touched");
}
