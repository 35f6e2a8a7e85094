//! `kill -9` in the middle of appends, a hundred times over one growing file: what was acknowledged is there, and what
//! is there is whole.
//!
//! The child is this test binary itself, run again with `CRASH_CHILD` naming the file.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use claims::door::Door;
use claims::ledger::{Batch, Ledger, Outcome};
use claims::store::Store;
use claims::store::sqlite::SqliteStore;
use replay::codec::OwnedRow;
use replay::ids::Expected;
use support::{Script, assert_sound, rows};

const ROUNDS: u64 = 100;
const ORDERS: u64 = 10;
/// Longest life of a child after its first acknowledgement, in microseconds.
const LIFE_MICROS_MAX: u64 = 60_000;
/// Longest life of a child that is killed while it starts, in microseconds.
const START_MICROS_MAX: u64 = 25_000;

/// What a child records with one commit: a note and a contact that belong together, and a refund of one cent.
const GROUP: [&str; 3] = ["note_added", "contact_logged", "refund_issued"];

fn claim(round: u64) -> String {
    format!("claim/C{}", round % (2 * ORDERS))
}

fn note(round: u64, step: u64) -> String {
    format!(r#"{} note_added {{"text":"{round}.{step}"}} key {round}.{step}"#, claim(round))
}

/// The child: appends until somebody kills it, and says what is durable as soon as it is.
#[test]
fn child_appends() {
    let Ok(path) = std::env::var("CRASH_CHILD") else { return };
    let round: u64 = std::env::var("CRASH_ROUND").unwrap().parse().unwrap();
    let mut script = Script::new(Ledger::new(SqliteStore::open(Path::new(&path)).unwrap(), Door::System));
    let claim = claim(round);
    if script.ledger.store().revision(&support::stream(&claim)).unwrap() == 0 {
        begin(&mut script, &claim, round);
    }
    for step in 0.. {
        let group = group(&mut script, &claim, round, step);
        for receipt in script.ledger.record_group(group).unwrap().into_iter().flatten().flatten() {
            let line = format!("ack {step} {} {}\n", receipt.position, receipt.event_id);
            let mut out = std::io::stdout().lock();
            out.write_all(line.as_bytes()).unwrap();
            out.flush().unwrap();
        }
    }
}

fn begin(script: &mut Script<SqliteStore>, claim: &str, round: u64) {
    let (order, unit) = (round % ORDERS, 1 + round / ORDERS % 2);
    let open = format!(
        r#"{claim} claim_opened {{"order":"O{order}","asserted":"defect","units":["L1#{unit}"],"by":"buyer","via":"email"}}"#
    );
    let decide = format!(
        r#"{claim} remedy_decided {{"units":["L1#{unit}"],"remedy":"refund","entitlement":"=1000.00 USD"}} rev 1"#
    );
    let batch = vec![script.proposal(&open), script.proposal(&decide)];
    script.ledger.record(batch).unwrap();
}

fn group(script: &mut Script<SqliteStore>, claim: &str, round: u64, step: u64) -> Vec<Batch> {
    let contact = format!(
        r#"{claim} contact_logged {{"channel":"phone","direction":"inbound","text":"{round}.{step}"}}"#
    );
    let refund = format!(
        r#"{claim} refund_issued {{"refund":"R{round}.{step}","amount":"=0.01 USD","payout":{{"to":"original_method"}}}}"#
    );
    let first = script.proposal(&note(round, step));
    let mut second = script.proposal(&contact);
    second.expected = Expected::AfterThePreviousOfThisBatch;
    let mut third = script.proposal(&refund);
    if let Expected::At(Some(revision)) = third.expected {
        third.expected = Expected::At(Some(revision.next().next()));
    }
    vec![vec![first, second], vec![third]]
}

#[test]
fn what_was_acknowledged_survives_a_hundred_kills() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut script = Script::new(support::sqlite(&path, "parent"));
    script.lines(&sales());
    let mut known = rows(script.ledger.store());
    drop(script);
    // The same lives in every run; where exactly the blow falls is up to the machine.
    let mut chance = 0x9E37_79B9_7F4A_7C15u64;
    let (mut acknowledged, mut silent) = (0, 0);
    for round in 0..ROUNDS {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let acks = one_life(&path, round, chance >> 33);
        acknowledged += acks.len();
        let mut script = Script::new(support::sqlite_again(&path, &format!("parent {round}")));
        let store = script.ledger.store();
        let now = rows(store);
        check_kept(&known, &now, &acks);
        check_whole_groups(&now);
        assert_sound(store);
        silent += now.len() - known.len() - acks.len();
        if let Some(last) = acks.last() {
            // A retry after the crash finds what was recorded before it.
            let receipt = script.line(&note(round, last.step)).unwrap().unwrap();
            assert_eq!(receipt.outcome, Outcome::AlreadyRecorded);
        }
        known = now;
    }
    println!(
        "{} events, {acknowledged} acknowledged, {silent} durable before their sender could be told",
        known.len()
    );
    assert!(acknowledged > 1_000, "the children had no time to work: {acknowledged}");
}

fn sales() -> String {
    let mut lines = String::from(
        r#"ledger policy_published {"policy":"P","version":1,"name":"Shop","effective_from":"2024-01-01","body":{"policy":{"id":"P"},"entitlement":[{"id":"any","windows":[],"remedies":["refund","replacement","repair"],"chooser":"customer","cites":["P-1"]}]}} by ann approved bob"#,
    );
    for order in 0..ORDERS {
        lines += &format!(
            r#"
order/O{order} order_recorded {{"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{{"country":"US"}},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":100000,"line_discount_minor":0,"tax_minor":0}}]}}
order/O{order} payment_captured {{"payment":"P1","method_ref":"card","amount":"=2000.00 USD"}}"#
        );
    }
    lines
}

/// What a child said was durable.
struct Ack {
    step: u64,
    position: usize,
    event_id: String,
}

/// Starts a child, lets it live for a while, kills it, and hands back what it acknowledged.
fn one_life(path: &Path, round: u64, chance: u64) -> Vec<Ack> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_appends", "--nocapture"])
        .env("CRASH_CHILD", path)
        .env("CRASH_ROUND", round.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let (heard, acks) = mpsc::channel();
    let reader =
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| heard.send(line)));
    let mut lines = Vec::new();
    if round % 4 == 3 {
        thread::sleep(Duration::from_micros(chance % START_MICROS_MAX));
    } else {
        while lines.last().is_none_or(|line: &String| !line.starts_with("ack ")) {
            lines.push(acks.recv().expect("the child ended before it had recorded anything"));
        }
        thread::sleep(Duration::from_micros(chance % LIFE_MICROS_MAX));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let _ = reader.join();
    lines.extend(acks);
    lines.iter().filter_map(|line| ack(line)).collect()
}

/// A line that was cut off by the kill is no acknowledgement.
fn ack(line: &str) -> Option<Ack> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    let (step, position) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let event_id = words.next().filter(|id| id.len() == 36)?.to_string();
    Some(Ack { step, position, event_id })
}

fn check_kept(known: &[OwnedRow], now: &[OwnedRow], acks: &[Ack]) {
    assert!(now.len() >= known.len() && now[..known.len()] == *known, "what was on record has changed");
    for ack in acks {
        let row = now.get(ack.position - 1).unwrap_or_else(|| panic!("position {} is lost", ack.position));
        assert_eq!(
            uuid::Uuid::from_bytes(row.event_id).to_string(),
            ack.event_id,
            "position {}",
            ack.position
        );
    }
}

/// A group of a child is there as a whole or not at all, and so is the pair that begins a claim.
fn check_whole_groups(now: &[OwnedRow]) {
    for number in 0..2 * ORDERS {
        let stream = claim(number);
        let kinds: Vec<&str> =
            now.iter().filter(|row| row.stream == stream).map(|row| row.kind.as_str()).collect();
        let Some((begun, groups)) = kinds.split_at_checked(2) else {
            assert!(kinds.is_empty(), "{stream} is half begun");
            continue;
        };
        assert_eq!(begun, ["claim_opened", "remedy_decided"]);
        assert!(groups.chunks(3).all(|group| group == GROUP), "{stream} holds half a group");
    }
}
