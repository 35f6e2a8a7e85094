//! The life of the keys that sign: announced, handed over, lost, exposed; and what those who trust one of them see.

#[path = "support/program.rs"]
mod program;

use std::fs;

use program::{Outcome, claims, folder, ok, prepare, words};
use replay::{
    audit::Replay,
    codec::open,
    event::{CheckpointRecorded, Event},
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, SignerKey},
    },
    history::Cut,
    ids::{Expected, Position, Revision, Stream},
    merkle::Frontier,
    seal::{Proposal, Stamp, seal},
};
use rusqlite::Connection;

const ADMIN: &str = "--actor d.ruiz --role admin -l shop.db";

/// A shop with two keys, and a third that is somebody else's with the same name.
struct Shop(tempfile::TempDir);

impl Shop {
    fn open() -> Self {
        let shop = Self(folder());
        prepare(&shop.0.path().join("shop.db"));
        for key in ["one", "two", "three"] {
            let vkey = shop.ok(&format!("key new {key}.key -l shop.db"));
            shop.write(key, &format!("log {}\nquorum none\n", vkey.trim()));
        }
        shop
    }
    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }
    fn run(&self, line: &str) -> Outcome {
        claims(self.0.path(), &words(line))
    }
    #[track_caller]
    fn ok(&self, line: &str) -> String {
        ok(self.0.path(), &words(line))
    }
    /// Exit code 2 or more, and the words of the error.
    #[track_caller]
    fn refused(&self, line: &str, says: &str) {
        let said = self.run(line);
        assert!(said.code > 1 && said.stderr.contains(says), "{line}: {said:?}");
    }
    #[track_caller]
    fn verified(&self, line: &str) {
        let said = self.run(line);
        assert!(said.code == 0 && said.stdout.ends_with("\nverified\n"), "{line}: {said:?}");
    }
    #[track_caller]
    fn not_verified(&self, line: &str, says: &str) {
        let said = self.run(line);
        assert!(said.code == 1 && said.stdout.contains(says), "{line}: {said:?}");
    }
    fn sign(&self, key: &str, name: &str) {
        self.ok(&format!("checkpoint sign --signing-key {key}.key --out {name} --actor d.ruiz -l shop.db"));
    }
}

#[test]
fn whoever_trusts_one_key_follows_to_the_next() {
    let shop = Shop::open();
    assert!(shop.ok("key list -l shop.db").contains("no key was announced"));
    shop.ok(&format!("key announce one.key {ADMIN}"));
    shop.refused("checkpoint sign --signing-key two.key --actor d.ruiz -l shop.db", "is not signed by test+");
    shop.sign("one", "april");
    shop.ok(&format!("key announce two.key --replaces one.key --out change {ADMIN}"));
    shop.refused("checkpoint sign --signing-key one.key --actor d.ruiz -l shop.db", "is not signed by test+");
    shop.sign("two", "may");

    // The old key's friends follow forwards, the new one's know what was signed before; a stranger's do not.
    for trust in ["one", "two"] {
        shop.verified(&format!("verify shop.db --trust {trust} --checkpoint april --checkpoint may"));
    }
    shop.not_verified(
        "verify shop.db --trust three --checkpoint may",
        "no trusted key hands over to it; ask for it by another way",
    );
    shop.verified("verify change --trust one");
    shop.not_verified("verify change --trust three", "is not trusted");
    // Files that come without the log are for those who have put the new key into their trust file.
    shop.not_verified("verify may --trust one", "no trusted key of test has signed");
    shop.verified("verify may --trust two");

    shop.ok("export bundle b -l shop.db");
    for trust in ["one", "two"] {
        shop.verified(&format!("verify b --trust {trust} --checkpoint april"));
    }
    shop.not_verified("verify b --trust three", "no trusted key of test has signed");
    assert!(shop.ok("audit -l shop.db").ends_with("log and books agree\n"));
    let list = shop.ok("key list -l shop.db");
    assert!(list.contains("introduced  replaced") && list.contains("rotated     signs"), "{list}");
}

#[test]
fn what_is_announced_fits_the_record() {
    let shop = Shop::open();
    shop.refused(&format!("key announce two.key --replaces one.key {ADMIN}"), "no key is on record");
    shop.refused(&format!("key announce two.key --lost --approver f.weber {ADMIN}"), "no key is on record");
    shop.ok(&format!("key announce one.key {ADMIN}"));
    shop.refused(&format!("key announce two.key {ADMIN}"), "the key that signs is test+");
    shop.refused(
        &format!("key announce three.key --replaces two.key {ADMIN}"),
        "the key that signs is test+",
    );
    shop.refused(&format!("key announce one.key --replaces one.key {ADMIN}"), "the one before itself");
    shop.ok(&format!("key announce two.key --replaces one.key {ADMIN}"));
    shop.refused(&format!("key announce one.key --replaces two.key {ADMIN}"), "announced before");
    shop.ok("key new other.key --witness ann.example/w");
    shop.refused(&format!("key announce other.key --replaces two.key {ADMIN}"), "is no key of this log");
    // What is made over the head as it stands has no key to be repeated by: it was once accepted and broke the log.
    let said = shop.run("checkpoint sign --signing-key two.key --key k1 --actor d.ruiz -l shop.db");
    assert!(said.code == 64 && said.stderr.contains("unexpected argument '--key'"), "{said:?}");
    // Where roles are held, keys are the admin's.
    shop.ok("grant d.ruiz admin --actor m.klein --role admin -l shop.db");
    shop.ok("grant f.weber finance --actor d.ruiz --role admin -l shop.db");
    let finance = "--actor f.weber --role finance -l shop.db";
    shop.refused(&format!("key announce three.key --replaces two.key {finance}"), "finance");
    shop.ok(&format!("key announce three.key --replaces two.key {ADMIN}"));
    assert!(shop.ok("audit -l shop.db").ends_with("log and books agree\n"));
}

#[test]
fn two_people_stand_behind_the_key_after_a_lost_one() {
    for reason in ["lost", "exposed"] {
        let shop = Shop::open();
        shop.ok(&format!("key announce one.key {ADMIN}"));
        shop.sign("one", "april");
        fs::copy(shop.0.path().join("shop.db"), shop.0.path().join("thief.db")).unwrap();
        shop.refused(&format!("key announce two.key --{reason} {ADMIN}"), "second person");
        shop.refused(
            &format!("key announce two.key --{reason} --approver d.ruiz {ADMIN}"),
            "the approver is the actor",
        );
        shop.ok(&format!("key announce two.key --{reason} --approver f.weber --out change {ADMIN}"));
        shop.sign("two", "may");
        // Nothing leads from the old key to the new one: it has to come by another way.
        let words = format!("({reason}), and no trusted key hands over to it");
        shop.not_verified("verify shop.db --trust one --checkpoint april", &words);
        shop.not_verified("verify change --trust one", &format!("it was {reason}"));
        shop.verified("verify change --trust two");
        let read = |name: &str| fs::read_to_string(shop.0.path().join(name)).unwrap();
        shop.write("both", &format!("{}{}", read("one").replace("quorum none\n", ""), read("two")));
        shop.verified("verify shop.db --trust both --checkpoint april --checkpoint may");

        // Whoever has the old key may go on signing a copy; nobody who sees the log believes it.
        for _ in 0..3 {
            shop.ok("rebuild --actor nightly -l thief.db");
        }
        shop.ok("checkpoint sign --signing-key one.key --out forged --actor d.ruiz -l thief.db");
        shop.not_verified(
            "verify shop.db --trust both --checkpoint forged",
            "is signed by a key that was replaced at position",
        );
    }
}

/// A checkpoint by another key than the one on record, put into the log by somebody who writes the file.
#[test]
fn replay_asks_for_the_key_on_record() {
    let shop = Shop::open();
    shop.ok(&format!("key announce one.key {ADMIN}"));
    let file = Connection::open(shop.0.path().join("shop.db")).unwrap();
    let mut rows = file.prepare("SELECT position, stream, revision, event_id, kind, recorded_at, body, leaf FROM events ORDER BY position").unwrap();
    let rows: Vec<replay::codec::OwnedRow> = rows
        .query_map([], |row| {
            let (event_id, leaf): (Vec<u8>, Vec<u8>) = (row.get(3)?, row.get(7)?);
            Ok(replay::codec::OwnedRow {
                position: row.get::<_, i64>(0)?.cast_unsigned(),
                stream: row.get(1)?,
                revision: row.get::<_, i64>(2)?.cast_unsigned(),
                event_id: event_id.try_into().unwrap(),
                kind: row.get(4)?,
                recorded_at: row.get(5)?,
                body: row.get(6)?,
                leaf: leaf.try_into().unwrap(),
            })
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let last = open(&rows.last().unwrap().as_row()).unwrap().envelope;
    let mut tree = Frontier::new();
    rows.iter().for_each(|row| tree.push(replay::merkle::Hash(row.leaf)));
    let findings = |key: SignerKey| {
        let head = Checkpoint::new("test", tree.size(), tree.root());
        let note = head.sign(&key).unwrap().to_string();
        let event = Event::from(CheckpointRecorded { size: tree.size(), root: tree.root(), note });
        let proposal = Proposal {
            stream: Stream::Ledger,
            expected: Expected::AfterThePreviousOfThisBatch,
            event: event.clone(),
            effective: last.effective,
            effective_is_given: true,
            actor: last.actor.clone(),
            role: last.role.clone(),
            approver: None,
            source: last.source.clone(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        let stamp = Stamp {
            ledger: last.ledger.clone(),
            position: Position::after(Some(last.position)),
            revision: Revision::after(Some(last.revision)),
            event_id: "0190a000-0000-7000-8000-00000000abcd".parse().unwrap(),
            recorded_at: last.recorded_at,
        };
        let sealed = seal(&proposal, event, None, stamp, &mut || [0; 32]).unwrap();
        let mut replay = Replay::new(None, Cut::default());
        rows.iter().chain([&sealed.row]).for_each(|row| replay.row(&row.as_row()));
        replay.finish().findings.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    // The seed of a key file is in base 64 behind its type.
    let line = fs::read_to_string(shop.0.path().join("one.key")).unwrap();
    let material =
        line.trim().rsplit('+').next().map(|_| line.trim().splitn(5, '+').nth(4).unwrap()).unwrap();
    use base64::{Engine, engine::general_purpose::STANDARD};
    let seed: [u8; 32] = STANDARD.decode(material).unwrap()[1..].try_into().unwrap();
    assert_eq!(findings(SignerKey::new("test", KeyType::Log, &seed).unwrap()), Vec::<String>::new());
    let found = findings(SignerKey::new("test", KeyType::Log, &[9; 32]).unwrap());
    assert!(found.len() == 1 && found[0].contains("its note is not signed by test+"), "{found:?}");
}

#[test]
fn a_head_is_signed_along_with_the_work_that_wants_it() {
    let shop = Shop::open();
    let copies = "--signing-key one.key --checkpoints copies";
    shop.refused(&format!("rebuild {copies} -l shop.db"), "the folder for checkpoints is not there");
    fs::create_dir(shop.0.path().join("copies")).unwrap();
    let said = shop.ok(&format!("rebuild {copies} -l shop.db"));
    assert!(said.contains("signed the head of 32 events, recorded at position 33"), "{said}");
    let said = shop.ok(&format!("close-month 2024-03 --actor f.weber {copies} --json -l shop.db"));
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["period"], &said["signed"]["size"]), (&"2024-03".into(), &34.into()), "{said}");
    // The seal is in what was signed.
    shop.verified(
        "verify shop.db --trust one --checkpoint copies/32.checkpoint --checkpoint copies/34.checkpoint",
    );
    let said = shop.run(&format!("export bundle b {copies} -l shop.db"));
    assert!(said.code == 0 && said.stderr.contains("signed the head of 35 events"), "{said:?}");
    assert!(said.stdout.contains("wrote 35 events"), "{said:?}");
    shop.verified("verify b --trust one --checkpoint copies/35.checkpoint");
    // A checkpoint that is named is the one that is exported; nothing is signed.
    let named = "--checkpoint copies/32.checkpoint --signing-key one.key";
    assert!(shop.ok(&format!("export tiles t {named} -l shop.db")).contains("wrote 32 events"));
    // For a folder that is there already nothing is signed.
    let heads = shop.ok("checkpoint list -l shop.db");
    shop.refused(&format!("export bundle b {copies} -l shop.db"), "name a new folder");
    assert_eq!(shop.ok("checkpoint list -l shop.db"), heads);
    // Books that differ are not signed.
    let file = Connection::open(shop.0.path().join("shop.db")).unwrap();
    let changed = file.execute("UPDATE refund_totals SET credited_minor = credited_minor + 1", []);
    assert_eq!(changed, Ok(2));
    let said = shop.run(&format!("rebuild {copies} -l shop.db"));
    assert!(said.code == 1 && !said.stdout.contains("signed"), "{said:?}");
    let said = shop.run(&format!("rebuild {copies} --json -l shop.db"));
    assert!(said.code == 1 && !said.stdout.contains("signed"), "{said:?}");
}
