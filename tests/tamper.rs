//! The tamper matrix: what somebody with the file in hand can do to a ledger, and who notices.
//!
//! Every case is done to a copy of a real ledger with nothing but SQLite and SHA-256, by somebody who knows how the
//! file is made. Three look at it afterwards: the audit, which trusts nobody; `verify` with checkpoints that an
//! auditor kept; and a witness elsewhere, who is shown what the ledger can prove. `fixtures/tamper.txt` says of each
//! case who notices and where the first wrong event is.

#[path = "support/program.rs"]
mod program;

use std::{fmt::Write as _, fs, path::Path};

use program::{ROOT, claims, folder, golden, ok};
use replay::merkle::{Frontier, Hash, leaf_hash};
use rusqlite::{Connection, params};
use serde_json::Value;

/// What is done to the copy.
type Tamper = fn(&Path);

/// A name, what is done, and whether the one who does it has the signing key.
struct Case {
    name: &'static str,
    tamper: Tamper,
    has_the_key: bool,
}

fn cases() -> Vec<Case> {
    let without = |name, tamper: Tamper| Case { name, tamper, has_the_key: false };
    let with = |name, tamper: Tamper| Case { name, tamper, has_the_key: true };
    vec![
        without("nothing", |_| {}),
        without("a body edited", |dir| {
            let db = open(dir);
            let body = edited(&body(&db, 84));
            unlocked(&db, || {
                db.execute("UPDATE events SET body = ?1 WHERE position = 84", [&body]).unwrap();
            });
        }),
        without("a body and its leaf edited", |dir| {
            let db = open(dir);
            let body = edited(&body(&db, 84));
            unlocked(&db, || put(&db, 84, &body));
        }),
        without("a body, its leaf and the frontier edited", |dir| rewrite(dir, |bodies| edit(bodies, 84))),
        without("an event after the last checkpoint edited, with leaf and frontier", |dir| {
            rewrite(dir, |bodies| {
                let last = bodies.len();
                edit(bodies, last);
            });
        }),
        without("an event deleted from the middle", |dir| {
            let db = open(dir);
            unlocked(&db, || {
                db.execute("DELETE FROM events WHERE position = 84", []).unwrap();
            });
        }),
        without("the tail deleted", |dir| older(dir, 300)),
        without("the tail deleted, and as many new events appended", |dir| {
            let size = count(&open(dir));
            older(dir, 300);
            fill(dir, size);
        }),
        without("two events swapped", |dir| {
            let db = open(dir);
            let (one, two) = (body(&db, 84), body(&db, 85));
            unlocked(&db, || {
                put(&db, 84, &two);
                put(&db, 85, &one);
            });
        }),
        without("an event inserted", |dir| {
            rewrite(dir, |bodies| {
                let more = bodies[83].clone();
                bodies.insert(84, more);
            });
        }),
        without("an older file put back", |dir| {
            fs::copy(dir.join("before.db"), dir.join("copy.db")).unwrap();
        }),
        without("the whole file replaced, without the key", replaced),
        with("the whole file replaced and signed with the key", replaced),
        without("a row of the books edited", |dir| {
            let db = open(dir);
            db.execute("UPDATE claims_board SET owed_minor = owed_minor + 1 WHERE claim = 'AMC-C-2207'", [])
                .unwrap();
        }),
        without("a total edited", |dir| {
            let db = open(dir);
            db.execute(
                "UPDATE refund_totals SET credited_minor = credited_minor - 1 WHERE credited_minor > 0",
                [],
            )
            .unwrap();
        }),
        without("a personal value edited", |dir| {
            let db = open(dir);
            db.execute("UPDATE personal SET value = value || 'x' WHERE position = 66", []).unwrap();
        }),
        without("a personal value deleted without an event", |dir| {
            let db = open(dir);
            db.execute("DELETE FROM personal WHERE position = 66", []).unwrap();
        }),
        without("the triggers dropped", |dir| {
            open(dir)
                .execute_batch("DROP TRIGGER events_are_never_changed; DROP TRIGGER events_are_never_deleted")
                .unwrap();
        }),
        without("a trigger added that edits what is written", |dir| {
            let sql =
                "CREATE TRIGGER helper AFTER INSERT ON personal BEGIN UPDATE personal SET value = ''; END";
            open(dir).execute_batch(sql).unwrap();
        }),
        without("a recorded checkpoint edited", |dir| {
            rewrite(dir, |bodies| {
                let at = bodies.iter().position(|body| text(body).contains("checkpoint_recorded")).unwrap();
                let body = text(&bodies[at]).to_owned();
                // The last character of the signature that still is base 64.
                let end = body.find("=\\n\"").unwrap();
                let other = if &body[end - 3..end - 2] == "A" { "B" } else { "A" };
                bodies[at] = format!("{}{other}{}", &body[..end - 3], &body[end - 2..]).into_bytes();
            });
        }),
        with("another ledger of the same origin", fork),
        without("a body spelt otherwise, with leaf and frontier", |dir| {
            rewrite(dir, |bodies| bodies[83] = text(&bodies[83]).replacen("{\"", "{ \"", 1).into_bytes());
        }),
        without("the clock set back, with leaf and frontier", |dir| {
            rewrite(dir, |bodies| {
                let first: Value = serde_json::from_slice(&bodies[0]).unwrap();
                let mut event: Value = serde_json::from_slice(&bodies[83]).unwrap();
                event["recorded_at"] = (first["recorded_at"].as_i64().unwrap() - 3_600_000_000).into();
                bodies[83] = replay::canonical::to_bytes(&event).unwrap();
            });
        }),
        without("an idempotency key removed", |dir| {
            let db = open(dir);
            db.execute("DELETE FROM keys WHERE position = 84", []).unwrap();
        }),
        without("a column beside the body edited", |dir| {
            let db = open(dir);
            unlocked(&db, || {
                db.execute("UPDATE events SET kind = 'note_added' WHERE position = 84", []).unwrap();
            });
        }),
        without("the tip moved back", |dir| {
            open(dir).execute("UPDATE tip SET position = position - 1", []).unwrap();
        }),
        without("an index that leads elsewhere", |dir| {
            let db = open(dir);
            db.execute("DELETE FROM claim_orders WHERE claim = 'AMC-C-2207'", []).unwrap();
        }),
    ]
}

fn open(dir: &Path) -> Connection {
    Connection::open(dir.join("copy.db")).unwrap()
}

fn count(db: &Connection) -> i64 {
    db.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap()
}

fn body(db: &Connection, position: i64) -> Vec<u8> {
    db.query_row("SELECT body FROM events WHERE position = ?1", [position], |row| row.get(0)).unwrap()
}

fn text(body: &[u8]) -> &str {
    str::from_utf8(body).unwrap()
}

/// The same event by somebody else: still an event, still canonical, still lawful.
fn edited(body: &[u8]) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(body).unwrap();
    event["actor"] = "somebody.else".into();
    replay::canonical::to_bytes(&event).unwrap()
}

fn edit(bodies: &mut [Vec<u8>], position: usize) {
    bodies[position - 1] = edited(&bodies[position - 1]);
}

fn put(db: &Connection, position: i64, body: &[u8]) {
    let leaf = leaf_hash(body).0;
    db.execute("UPDATE events SET body = ?2, leaf = ?3 WHERE position = ?1", params![position, body, leaf])
        .unwrap();
}

/// Takes the triggers away, does it, and puts them back as they were.
fn unlocked(db: &Connection, act: impl FnOnce()) {
    let mut statement = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").unwrap();
    let triggers: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    for (name, _) in &triggers {
        db.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    act();
    for (_, sql) in &triggers {
        db.execute_batch(sql).unwrap();
    }
}

/// Writes the whole log anew from other bodies: columns, leaves and frontier fit them.
fn rewrite(dir: &Path, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let db = open(dir);
    let mut bodies: Vec<Vec<u8>> = (1..=count(&db)).map(|position| body(&db, position)).collect();
    change(&mut bodies);
    unlocked(&db, || {
        db.execute("DELETE FROM events", []).unwrap();
        let mut frontier = Frontier::new();
        let mut recorded_at = 0;
        for (at, body) in bodies.iter().enumerate() {
            let event: Value = serde_json::from_slice(body).unwrap();
            let id: uuid::Uuid = event["event_id"].as_str().unwrap().parse().unwrap();
            recorded_at = event["recorded_at"].as_i64().unwrap();
            let leaf = leaf_hash(body).0;
            frontier.push(Hash(leaf));
            let sql = "INSERT OR REPLACE INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
            let row = params![
                i64::try_from(at + 1).unwrap(),
                event["stream"].as_str(),
                event["revision"].as_i64(),
                id.as_bytes(),
                event["kind"].as_str(),
                recorded_at,
                body,
                leaf
            ];
            // A unique index may refuse a copied event; then the one who tampers gives it another place in its stream.
            if db.execute(&sql.replace(" OR REPLACE", ""), row).is_err() {
                let other = uuid::Uuid::from_u128(7);
                let row = params![
                    i64::try_from(at + 1).unwrap(),
                    event["stream"].as_str(),
                    event["revision"].as_i64().unwrap() + 10_000,
                    other.as_bytes(),
                    event["kind"].as_str(),
                    recorded_at,
                    body,
                    leaf
                ];
                db.execute(sql, row).unwrap();
            }
        }
        let tip = params![i64::try_from(bodies.len()).unwrap(), recorded_at, frontier.to_bytes()];
        db.execute("UPDATE tip SET position = ?1, recorded_at = ?2, frontier = ?3", tip).unwrap();
    });
}

/// The ledger as it was at a size, made from its own export: sound in itself.
fn older(dir: &Path, size: usize) {
    ok(dir, &["export", "events", "--to", "all.ndjson", "--personal", "values.ndjson", "-l", "copy.db"]);
    let cut = |name: &str, keep: &dyn Fn(&Value) -> bool| {
        let all = fs::read_to_string(dir.join(name)).unwrap();
        let lines = all.lines().filter(|line| keep(&serde_json::from_str(line).unwrap()));
        fs::write(dir.join(name), lines.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    };
    let early = |line: &Value| line["position"].as_u64().unwrap() <= size as u64;
    cut("all.ndjson", &early);
    cut("values.ndjson", &early);
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("copy.db{suffix}")));
    }
    ok(dir, &["init", "--origin", "demo.example/claims", "copy.db"]);
    ok(dir, &["import", "events", "all.ndjson", "--personal", "values.ndjson", "-l", "copy.db"]);
}

/// Another history under the same name, as long as the true one: nobody was ever shown its beginning.
fn replaced(dir: &Path) {
    let size = count(&open(dir));
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(dir.join(format!("copy.db{suffix}")));
    }
    ok(dir, &["init", "--origin", "demo.example/claims", "copy.db"]);
    fill(dir, size + 1);
}

/// The true history up to before the second checkpoint, and then its own way.
fn fork(dir: &Path) {
    let size = count(&open(dir));
    fs::copy(dir.join("before.db"), dir.join("copy.db")).unwrap();
    fill(dir, size + 1);
}

/// Events of any kind, until there are so many.
fn fill(dir: &Path, size: i64) {
    let db = open(dir);
    let missing = size - count(&db);
    let revision = "SELECT coalesce(max(revision), 0) FROM events WHERE stream = 'ledger'";
    let revision: i64 = db.query_row(revision, [], |row| row.get(0)).unwrap();
    let line = |n: i64| {
        format!(
            "{{\"stream\":\"ledger\",\"expected_revision\":{n},\"kind\":\"actor_registered\",\
             \"payload\":{{\"actor\":\"p.{n}\"}}}}\n"
        )
    };
    fs::write(dir.join("more.ndjson"), (revision..revision + missing).map(line).collect::<String>()).unwrap();
    ok(dir, &["record", "more.ndjson", "-l", "copy.db", "--actor", "anna"]);
    assert_eq!(count(&open(dir)), size);
}

/// A real ledger: the example claims, a checkpoint, more events, a second checkpoint that a witness has seen, and one
/// event more.
fn real(dir: &Path) {
    ok(dir, &["demo", "--quiet", "-l", "copy.db"]);
    let vkey = ok(dir, &["key", "new", "key", "-l", "copy.db"]);
    fs::write(dir.join("trust"), format!("log {}\nquorum none\n", vkey.trim())).unwrap();
    ok(dir, &["key", "new", "witness.key", "--witness", "w.example/1"]);
    sign(dir, "one");
    settle(dir);
    fs::copy(dir.join("copy.db"), dir.join("before.db")).unwrap();
    fill(dir, 347);
    sign(dir, "two");
    let request = ok(dir, &["prove", "--since", "0", "-l", "copy.db"]);
    fs::write(dir.join("request"), request).unwrap();
    let said = witness(dir);
    assert_eq!(said.0, 0, "{}", said.1);
    fill(dir, 349);
    settle(dir);
}

fn sign(dir: &Path, name: &str) {
    ok(
        dir,
        &["checkpoint", "sign", "--signing-key", "key", "--out", name, "-l", "copy.db", "--actor", "anna"],
    );
}

/// Everything into the file itself, so that a copy of it is the ledger.
fn settle(dir: &Path) {
    open(dir).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

fn witness(dir: &Path) -> (i32, String) {
    let args =
        ["witness", "request", "--signing-key", "witness.key", "--memory", "memory", "--trust", "trust"];
    let said = claims(dir, &args);
    (said.code, said.stdout + &said.stderr)
}

/// What `verify` makes of it: the place of the first wrong event, or that nothing was noticed.
fn verified(dir: &Path, more: &[&str]) -> String {
    let mut args = vec!["verify", "copy.db", "--json"];
    args.extend(more);
    let said = claims(dir, &args);
    if said.code == 0 {
        return "no".into();
    }
    assert!(said.code == 1 || said.code == 2, "{said:?}");
    let Ok(verdict) = serde_json::from_str::<Value>(&said.stdout) else {
        let error: Value = serde_json::from_str(&said.stderr).unwrap_or_else(|why| panic!("{why}: {said:?}"));
        return format!("could not tell: {}", error["error"]["code"].as_str().unwrap());
    };
    let place = &verdict["first_bad"];
    match (place["first"].as_u64(), place["last"].as_u64()) {
        (Some(first), Some(last)) if first == last => format!("position {first}"),
        (Some(first), Some(last)) => format!("positions {first} to {last}"),
        _ => {
            let checks = verdict["checks"].as_array().unwrap();
            let failed = checks.iter().find(|check| check["holds"] == false).unwrap();
            let figure = failed["figure"].as_str().unwrap();
            let figure = if figure.starts_with("digest") || figure.starts_with("root") { "" } else { figure };
            format!("{} {figure}", failed["what"].as_str().unwrap()).trim().to_owned()
        }
    }
}

/// What a witness makes of what the ledger shows it.
fn witnessed(dir: &Path, has_the_key: bool) -> String {
    if has_the_key {
        let sign = ["checkpoint", "sign", "--signing-key", "key", "-l", "copy.db", "--actor", "x"];
        assert_eq!(claims(dir, &sign).code, 0);
    }
    let since = fs::read_to_string(dir.join("two")).unwrap();
    let since = since.lines().nth(1).unwrap();
    let said = claims(dir, &["prove", "--since", since, "-l", "copy.db", "--json"]);
    if said.code != 0 {
        let error: Value = serde_json::from_str(&said.stderr).unwrap();
        return format!("no proof: {}", error["error"]["code"].as_str().unwrap());
    }
    let proof: Value = serde_json::from_str(&said.stdout).unwrap();
    fs::write(dir.join("request"), proof["proof"].as_str().unwrap()).unwrap();
    match witness(dir) {
        (0, _) => "no".into(),
        (1, _) => "not cosigned".into(),
        (_, text) => text.lines().next().unwrap().to_owned(),
    }
}

#[test]
fn whatever_is_done_to_a_ledger_somebody_notices() {
    let made = folder();
    real(made.path());
    let mut found = String::from(
        "What can be done to a ledger file, and who notices.\n\n\
         audit:      claims verify LEDGER, nobody trusted\n\
         checkpoint: the same, with the log's key and two checkpoints that were kept\n\
         witness:    claims witness elsewhere, which remembers the second one\n",
    );
    let cases = cases();
    for case in &cases {
        let dir = folder();
        for entry in fs::read_dir(made.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let memory = dir.path().join("memory");
        fs::create_dir_all(&memory).unwrap();
        for entry in fs::read_dir(made.path().join("memory")).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, memory.join(path.file_name().unwrap())).unwrap();
        }
        (case.tamper)(dir.path());
        let audit = verified(dir.path(), &[]);
        let kept = verified(dir.path(), &["--trust", "trust", "--checkpoint", "one", "--checkpoint", "two"]);
        let seen = witnessed(dir.path(), case.has_the_key);
        write!(found, "\n{}\n  audit       {audit}\n  checkpoint  {kept}\n  witness     {seen}\n", case.name)
            .unwrap();
        let nobody = [&audit, &kept, &seen].iter().all(|said| *said == "no");
        let excused = ["nothing", "an event after the last checkpoint edited, with leaf and frontier"];
        assert_eq!(nobody, excused.contains(&case.name), "{}: {audit}, {kept}, {seen}", case.name);
    }
    println!("{} of {} cases are noticed", cases.len() - 2, cases.len() - 2);
    golden(&Path::new(ROOT).join("fixtures/tamper.txt"), &found).unwrap_or_else(|why| panic!("{why}"));
}

/// A file of a bundle as it is changed; `None` takes it away.
type Forge = fn(&Path) -> (&'static str, Option<Vec<u8>>);

/// A manifest as it is changed.
type Edit = fn(&mut Value);

/// What is done to a bundle. Nobody signs a manifest, so each is done twice: with the manifest as it was, and with one
/// that says of the changed files what they are.
fn forgeries() -> Vec<(&'static str, Forge)> {
    fn replaced(b: &Path, name: &'static str, from: &str, to: &str) -> (&'static str, Option<Vec<u8>>) {
        let bytes = fs::read(b.join(name)).unwrap();
        let at = bytes.windows(from.len()).position(|part| part == from.as_bytes());
        let at = at.unwrap_or_else(|| panic!("{name} has no {from}"));
        (name, Some([&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()))
    }
    fn flipped(b: &Path, name: &'static str, at: usize) -> (&'static str, Option<Vec<u8>>) {
        let mut bytes = fs::read(b.join(name)).unwrap();
        bytes[at] ^= 1;
        (name, Some(bytes))
    }
    vec![
        ("nothing", |b| ("checkpoint", Some(fs::read(b.join("checkpoint")).unwrap()))),
        ("a cent of the journal edited", |b| {
            replaced(b, "journal.csv", ",50.00,5000,USD", ",50.01,5001,USD")
        }),
        ("a cent of the journal for hledger edited", |b| {
            replaced(b, "journal.hledger", " 50.00 USD", " 50.01 USD")
        }),
        ("an entry taken out of the journal", |b| {
            let text = fs::read_to_string(b.join("journal.csv")).unwrap();
            let keep = |line: &&str| !line.starts_with("61,");
            (
                "journal.csv",
                Some(text.lines().filter(keep).map(|line| format!("{line}\n")).collect::<String>().into()),
            )
        }),
        ("an entry added at the end of the journal", |b| {
            let mut text = fs::read_to_string(b.join("journal.csv")).unwrap();
            let last = text.lines().last().unwrap().to_owned() + "\n";
            text.push_str(&last);
            ("journal.csv", Some(text.into()))
        }),
        ("the journal taken away", |_| ("journal.csv", None)),
        ("a total of a merchant edited", |b| {
            replaced(b, "totals.csv", "AMC,USD,refund,2,29156", "AMC,USD,refund,2,29155")
        }),
        ("a total of a sealed month edited", |b| replaced(b, "months.csv", "USD,1,5000,", "USD,1,5001,")),
        ("a seal taken off a month", |b| replaced(b, "months.csv", "2024-03,sealed,332", "2024-03,open,")),
        ("the totals taken away", |_| ("months.csv", None)),
        ("a policy edited", |b| replaced(b, "policies/AMC.v1.json", "P30D", "P31D")),
        ("a policy taken away", |_| ("policies/AMC.v1.json", None)),
        ("a schema edited", |b| replaced(b, "schemas/events/refund_issued.v1.json", "\"type\"", "\"Type\"")),
        ("an earlier checkpoint edited", |b| replaced(b, "checkpoints/330", "330", "331")),
        ("a checkpoint added that the log does not have", |b| {
            ("checkpoints/7", Some(fs::read(b.join("checkpoints/330")).unwrap()))
        }),
        ("an entry edited", |b| replaced(b, "tile/entries/000", "\"amount\":", "\"Amount\":")),
        ("a hash of a tile edited", |b| flipped(b, "tile/0/000", 32 * 83)),
        ("an entry taken away with its tile", |_| ("tile/entries/001.p/76", None)),
        ("a personal value edited", |b| replaced(b, "personal.ndjson", "\"value\":\"", "\"value\":\"x")),
        ("the personal values taken away", |_| ("personal.ndjson", None)),
        ("a file added", |_| ("notes.txt", Some(b"pay me".to_vec()))),
        ("the words about the files edited", |b| replaced(b, "README.txt", "offline", "online")),
    ]
}

#[test]
fn whatever_is_done_to_a_bundle_is_named() {
    let dir = folder();
    let dir = dir.path();
    ok(dir, &["demo", "--quiet", "-l", "copy.db"]);
    let vkey = ok(dir, &["key", "new", "key", "-l", "copy.db"]);
    fs::write(dir.join("trust"), format!("log {}\nquorum none\n", vkey.trim())).unwrap();
    sign(dir, "one");
    ok(dir, &["close-month", "2024-03", "--actor", "f.weber", "--approver", "d.ruiz", "-l", "copy.db"]);
    sign(dir, "two");
    ok(dir, &["export", "bundle", "b", "--personal", "-l", "copy.db"]);
    let b = dir.join("b");
    let manifest = fs::read_to_string(b.join("manifest.json")).unwrap();
    let mut found = String::from(
        "What can be done to a bundle, and what verify says first: with the manifest as it was, and with a manifest\n\
         that was made to fit.\n",
    );
    let look = || {
        let said = claims(dir, &["verify", "b", "--trust", "trust", "--json"]);
        assert!(said.code == 0 || said.code == 1, "{said:?}");
        let verdict: Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(verdict["agrees"] == true, said.code == 0);
        let first = verdict["findings"].get(0).map(|text| text.as_str().unwrap().to_owned());
        let failed = verdict["checks"].as_array().unwrap().iter().find(|check| check["holds"] == false);
        let failed = failed.map(|check| check["what"].as_str().unwrap().to_owned());
        first.or(failed).unwrap_or_else(|| "no".into())
    };
    for (name, forge) in forgeries() {
        let (path, bytes) = forge(&b);
        let file = b.join(path);
        let before = fs::read(&file).ok();
        match &bytes {
            Some(bytes) => fs::write(&file, bytes).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let as_it_was = look();
        let mut fitting: Value = serde_json::from_str(&manifest).unwrap();
        let files = fitting["files"].as_object_mut().unwrap();
        match &bytes {
            Some(bytes) => files.insert(path.into(), replay::merkle::sha256(bytes).to_string().into()),
            None => files.remove(path),
        };
        fs::write(b.join("manifest.json"), fitting.to_string()).unwrap();
        let made_to_fit = look();
        fs::write(b.join("manifest.json"), &manifest).unwrap();
        match &before {
            Some(before) => fs::write(&file, before).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        write!(found, "\n{name}\n  as it was    {as_it_was}\n  made to fit  {made_to_fit}\n").unwrap();
        // Values may be kept back, and what the words say is nobody's evidence.
        let excused = ["nothing", "the personal values taken away", "the words about the files edited"];
        assert_eq!(made_to_fit == "no", excused.contains(&name), "{name}: {made_to_fit}");
        assert_eq!(as_it_was == "no", name == "nothing", "{name}: {as_it_was}");
    }
    let edits: [(&str, Edit); 5] = [
        ("a total of the manifest edited", |m| m["control_totals"]["AUD"]["credited_minor"] = 35_398.into()),
        ("a currency taken out of the manifest", |m| {
            m["control_totals"].as_object_mut().unwrap().remove("AUD").unwrap();
        }),
        ("a count of the manifest edited", |m| m["kinds"]["claim_opened"] = 1.into()),
        ("the digest of the manifest edited", |m| m["books_digest"] = m["root"].clone()),
        ("the size of the manifest edited", |m| m["size"] = 331.into()),
    ];
    for (name, edit) in edits {
        let mut edited: Value = serde_json::from_str(&manifest).unwrap();
        edit(&mut edited);
        fs::write(b.join("manifest.json"), edited.to_string()).unwrap();
        let said = look();
        assert_ne!(said, "no", "{name}");
        write!(found, "\n{name}\n  {said}\n").unwrap();
    }
    golden(&Path::new(ROOT).join("fixtures/tamper_bundle.txt"), &found).unwrap_or_else(|why| panic!("{why}"));
}
