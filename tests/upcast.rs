//! Old logs stay readable for ever: bodies as they were once written, with their hashes, and what a log must not hold.
//!
//! `fixtures/frozen` is a log of one event a file, in order of position, byte for byte. Nobody changes these files; a new
//! version of a kind adds one at the end.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use claims::door::Door;
use claims::error::ErrorKind;
use claims::ledger::Ledger;
use claims::store::Store;
use claims::store::memory::MemoryStore;
use claims::view::books_as_of;
use replay::audit::{Outcome, Replay};
use replay::codec::{BODY_BYTES_MAX, CodecError, OwnedRow, Recorded, RowFault, decode, encode, open};
use replay::event::{Event, Kind, UnitStatus};
use replay::history::Cut;
use replay::ids::ClaimId;
use replay::judge::judge;
use replay::merkle::Hash;
use replay::seal::Sealed;
use serde_json::{Value, json};
use support::{Script, instant, origin, tree};

const ADVICE: &str = "ask for a third pair of eyes before changing this: \
    every ledger in the world has leaves made of such bytes";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/frozen")
}

/// Name and bytes of every frozen body, in order of position.
fn bodies() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    paths.sort();
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

/// The row of a body, its columns taken from the body itself and its leaf made by hand.
fn row(body: &[u8]) -> OwnedRow {
    let value: Value = serde_json::from_slice(body).unwrap();
    let number = |name: &str| value[name].as_u64().unwrap();
    let text = |name: &str| value[name].as_str().unwrap().to_string();
    OwnedRow {
        position: number("position"),
        stream: text("stream"),
        revision: number("revision"),
        event_id: *text("event_id").parse::<uuid::Uuid>().unwrap().as_bytes(),
        kind: text("kind"),
        recorded_at: value["recorded_at"].as_i64().unwrap(),
        body: body.to_vec(),
        leaf: tree::leaf(body).0,
    }
}

fn frozen() -> Vec<OwnedRow> {
    bodies().iter().map(|(_, body)| row(body)).collect()
}

#[test]
fn the_hashes_of_the_frozen_log_never_change() {
    let listed = fs::read_to_string(folder().join("hashes.txt")).unwrap();
    let mut found = String::new();
    let mut leaves = Vec::new();
    for (name, body) in bodies() {
        let leaf = tree::leaf(&body);
        leaves.push(leaf);
        found += &format!("{leaf}  {name}\n");
    }
    found += &format!("{}  root\n", tree::root(&leaves));
    assert_eq!(found, listed, "{ADVICE}");
    // The engine's own tree agrees with the one made by hand.
    let outcome = replayed(&frozen());
    assert_eq!(outcome.root, tree::root(&leaves), "{ADVICE}");
}

#[test]
fn the_frozen_log_is_read_without_a_finding() {
    let rows = frozen();
    assert!(rows.len() >= 14, "somebody has taken frozen events away");
    let outcome = replayed(&rows);
    assert!(outcome.findings.is_empty(), "{}: {ADVICE}", outcome.findings[0]);
    assert_eq!(outcome.events, rows.len() as u64);
    // Money that was once counted counts the same today.
    let board = |claim: &str| json!(outcome.books.board[claim]);
    let c1 = json!({"stage": "claimed", "units_claimed": 2, "units_received": 1, "units_accepted": 1,
        "owed_minor": 9950, "credited_minor": 0, "open_minor": 9950, "currency": "USD"});
    let h1 = json!({"flags": "historical", "credited_minor": 1250, "currency": "GBP"});
    for (claim, want) in [("C1", c1), ("H1", h1)] {
        assert!(support::text::holds(&want, &board(claim)), "{claim}: {}\n{ADVICE}", board(claim));
    }
}

/// A policy from before its rows were read grants nothing today. What was decided under it stands all the same.
#[test]
fn what_was_decided_before_policies_were_judged_by_still_stands() {
    let outcome = replayed(&frozen());
    let claim = ClaimId::new("C1").unwrap();
    let case = outcome.world.case_of(&claim).unwrap();
    let judged = judge(case, &claim, &outcome.world.registry, &Cut::default()).unwrap();
    assert_eq!((judged.payable_minor, judged.status), (0, Some(UnitStatus::Ineligible)), "{ADVICE}");
    assert_eq!(case.claim_state(&claim).unwrap().owed_minor(), 9950, "{ADVICE}");
}

#[test]
fn what_is_written_today_are_the_same_bytes() {
    let mut todays = 0;
    for (name, body) in bodies() {
        let Recorded { envelope, mut event, version } = decode(&body).unwrap();
        if version == event.kind().version() {
            todays += 1;
            let again = encode(&envelope, &mut event).unwrap();
            assert_eq!(String::from_utf8(again), String::from_utf8(body), "{name}: {ADVICE}");
        }
    }
    assert!(todays >= 6, "only {todays} of the frozen bodies are of today's versions");
}

#[test]
fn an_old_version_is_lifted_to_todays_form() {
    let (_, body) = bodies().into_iter().find(|(name, _)| name.ends_with("contact_logged.v1.json")).unwrap();
    let recorded = open(&row(&body).as_row()).unwrap();
    assert_eq!((recorded.version, recorded.event.kind()), (1, Kind::ContactLogged));
    let was: Value = serde_json::from_slice(&body).unwrap();
    let is = recorded.event.to_value().unwrap();
    assert_eq!(was["payload"].get("direction"), None, "version 1 knew no direction");
    let want = json!({"channel": "email", "direction": "inbound", "text": was["payload"]["text"]});
    assert_eq!(is, want);
    // Only the form is lifted; the leaf is over the bytes as they were written.
    assert_eq!(row(&body).leaf, tree::leaf(&body).0);
}

#[test]
fn every_kind_that_has_an_old_version_has_a_frozen_one() {
    let mut versions: BTreeMap<Kind, Vec<u16>> = BTreeMap::new();
    for (_, body) in bodies() {
        let recorded = decode(&body).unwrap();
        versions.entry(recorded.event.kind()).or_default().push(recorded.version);
    }
    for kind in Kind::ALL.iter().filter(|kind| kind.version() > 1) {
        let found = versions.get(kind).cloned().unwrap_or_default();
        for version in 1..=kind.version() {
            assert!(found.contains(&version), "freeze a {kind} of version {version} in fixtures/frozen");
        }
    }
}

fn replayed(rows: &[OwnedRow]) -> Outcome {
    let mut replay = Replay::new(Some(origin()), Cut::default());
    for row in rows {
        replay.row(&row.as_row());
    }
    replay.finish()
}

// ---- what a log must not hold ---------------------------------------------------------------------------------------

/// One way to spoil the frozen log, and what replay must say of it.
struct Damage {
    name: String,
    steps: Vec<String>,
    finds: Vec<String>,
    quarantines: Vec<String>,
}

fn damages() -> Vec<Damage> {
    let mut found: Vec<Damage> = Vec::new();
    let text = fs::read_to_string(folder().join("damage.txt")).unwrap();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        match (word, found.last_mut()) {
            ("==", _) => found.push(Damage {
                name: rest.into(),
                steps: Vec::new(),
                finds: Vec::new(),
                quarantines: Vec::new(),
            }),
            ("finds", Some(damage)) => damage.finds.push(rest.into()),
            ("quarantines", Some(damage)) => damage.quarantines.push(rest.into()),
            (_, Some(damage)) => damage.steps.push(line.into()),
            _ => panic!("a line before the first name: {line}"),
        }
    }
    found
}

/// Three dots at the end stand for any more words.
fn says(want: &str, found: &str) -> bool {
    want.strip_suffix("...").map_or(want == found, |start| found.starts_with(start))
}

/// Spoils rows as one step says. `in` makes the leaf fit again, so that only the body is to blame.
fn spoil(rows: &mut Vec<OwnedRow>, step: &str) {
    let (word, rest) = step.split_once(' ').unwrap();
    let (position, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let index = position.parse::<usize>().unwrap() - 1;
    match word {
        "in" => {
            let (old, new) =
                rest.split_once(" => ").or(rest.strip_suffix(" =>").map(|old| (old, ""))).unwrap();
            let body = String::from_utf8(rows[index].body.clone()).unwrap();
            assert_eq!(body.matches(old).count(), 1, "{old} in {body}");
            rows[index].body = body.replace(old, new).into_bytes();
            rows[index].leaf = tree::leaf(&rows[index].body).0;
        }
        "columns" => {
            // The columns follow the body, as if somebody had written both.
            rows[index] = row(&rows[index].body);
        }
        "column" => {
            let (column, value) = rest.split_once(' ').unwrap();
            let row = &mut rows[index];
            match column {
                "position" => row.position = value.parse().unwrap(),
                "stream" => row.stream = value.into(),
                "revision" => row.revision = value.parse().unwrap(),
                "event_id" => row.event_id = *value.parse::<uuid::Uuid>().unwrap().as_bytes(),
                "kind" => row.kind = value.into(),
                "recorded_at" => row.recorded_at = value.parse().unwrap(),
                _ => panic!("no column {column}"),
            }
        }
        "leaf" => rows[index].leaf[31] ^= 1,
        "drop" => {
            rows.remove(index);
        }
        "swap" => rows.swap(index, index + 1),
        _ => panic!("what is '{step}'?"),
    }
}

#[test]
fn damage_is_found_where_it_is_and_nothing_is_skipped() {
    let damages = damages();
    let mut wrong = Vec::new();
    for damage in &damages {
        let mut rows = frozen();
        for step in &damage.steps {
            spoil(&mut rows, step);
        }
        let outcome = replayed(&rows);
        let found: Vec<String> = outcome.findings.iter().map(ToString::to_string).collect();
        let same = found.len() == damage.finds.len()
            && found.iter().zip(&damage.finds).all(|(f, want)| says(want, f));
        if !same || outcome.findings_count != found.len() as u64 {
            wrong.push(format!("{}:\n  finds {}", damage.name, found.join("\n  finds ")));
        } else if outcome.quarantined != damage.quarantines {
            wrong.push(format!(
                "{}:\n  quarantines {}",
                damage.name,
                outcome.quarantined.join("\n  quarantines ")
            ));
        } else if outcome.events != rows.len() as u64 {
            wrong.push(format!(
                "{}: only {} of {} events were read",
                damage.name,
                outcome.events,
                rows.len()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), damages.len(), wrong.join("\n"));
    assert!(damages.len() >= 30, "only {} ways to spoil a log are left", damages.len());
}

/// Everything that asks the log refuses to answer from a spoiled case, and other cases are served as before.
#[test]
fn a_spoiled_case_is_not_served_nor_written_to() {
    let mut rows = frozen();
    spoil(&mut rows, r#"in 5 "kind":"contact_logged" => "kind":"contact_loved""#);
    let mut store = MemoryStore::new(origin());
    for row in &rows {
        // What is unreadable cannot be sealed; the row is put beneath an event that can.
        let recorded = open(&row.as_row()).unwrap_or_else(|_| decode(&bodies()[4].1).unwrap());
        let order = match &recorded.event {
            Event::ClaimOpened(opened) => Some(opened.order.to_string()),
            _ => None,
        };
        store
            .append(&Sealed { row: row.clone(), recorded, personal: Vec::new() }, None, order.as_deref())
            .unwrap();
        let mut tip = store.tip().unwrap();
        tip.position = row.position;
        tip.recorded_at = row.recorded_at;
        tip.frontier.push(Hash(row.leaf));
        store.set_tip(&tip).unwrap();
    }
    let why = books_as_of(&mut store, &Cut::default()).unwrap_err();
    assert_eq!((why.kind, why.code.as_str()), (ErrorKind::BrokenLog, "log_is_broken"));
    assert!(why.message.starts_with("position 5 (claim/C1): 'contact_loved' is no kind of event"), "{why}");

    let mut script = Script::new(Ledger::new(store, Door::fixed("spoiled", instant(support::NOW))));
    for line in [
        r#"claim/C1 note_added {"text":"go on"}"#,
        r#"order/O1 payment_captured {"payment":"P2","method_ref":"card","amount":"=1.00 USD"}"#,
    ] {
        let why = script.line(line).unwrap_err();
        assert_eq!((why.kind, why.code.as_str()), (ErrorKind::BrokenLog, "log_is_broken"), "{line}");
        assert!(why.message.contains("position 5"), "{why}");
    }
    let tip = script.ledger.store().tip().unwrap().position;
    assert_eq!(tip, rows.len() as u64, "a refusal of a spoiled case is no business of the log");
    script.lines(r#"claim/H1 note_added {"text":"another case"}"#);
}

#[test]
fn an_event_has_a_largest_size() {
    let (_, body) = bodies().remove(0);
    let long = format!(r#"{{"actor":"{}"}}"#, "a".repeat(BODY_BYTES_MAX));
    assert_eq!(decode(long.as_bytes()), Err(CodecError::TooLong(BODY_BYTES_MAX + 12)));
    let mut row = row(&body);
    row.body = long.into_bytes();
    row.leaf = tree::leaf(&row.body).0;
    assert!(matches!(
        open(&row.as_row()),
        Err(RowFault::Undecodable(CodecError::TooLong(_) | CodecError::NotCanonical(_)))
    ));
}
