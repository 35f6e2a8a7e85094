//! Many writers, one order of events: threads behind the writer, and two programs on one file.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use claims::error::{Error, ErrorKind};
use claims::ledger::{Ledger, Receipt};
use claims::store::Store;
use claims::store::sqlite::{BUSY_TIMEOUT_MS, SqliteStore};
use claims::writer::Writer;
use replay::seal::Proposal;
use support::{Script, assert_sound, rows, stream, text};

const SALE: &str = r#"
ledger policy_published {"policy":"P","version":1,"name":"Shop","effective_from":"2024-01-01","body":{"policy":{"id":"P"},"entitlement":[{"id":"any","windows":[],"remedies":["refund","replacement","repair"],"chooser":"customer","cites":["P-1"]}]}} by ann approved bob
order/O1 order_recorded {"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":100,"unit_price_minor":1000,"line_discount_minor":0,"tax_minor":0}]}
order/O1 payment_captured {"payment":"P1","method_ref":"card","amount":"=1000.00 USD"}
claim/C0 claim_opened {"order":"O1","asserted":"defect","units":["L1#100"],"by":"buyer","via":"email"}
claim/C0 remedy_decided {"units":["L1#100"],"remedy":"refund","entitlement":"=10.00 USD"}
"#;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

/// A ledger file with a sale and one claim, C0, at revision 2.
fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut script = Script::new(support::sqlite(&path, "begin"));
    script.lines(SALE);
    Place { _folder: folder, path }
}

fn command(line: &str, revision: u64) -> Proposal {
    text::parse(line).proposal(&BTreeMap::new(), revision, support::instant(support::NOW))
}

/// Everything that was acknowledged is on record where the receipt says, once, and nothing else came in.
fn all_there<S: Store>(store: &mut S, before: usize, receipts: &[Receipt]) {
    assert_sound(store);
    let rows = rows(store);
    assert_eq!(rows.len(), before + receipts.len(), "events beside the acknowledged ones");
    for receipt in receipts {
        let row = &rows[usize::try_from(receipt.position).unwrap() - 1];
        assert_eq!(row.stream, receipt.stream);
        assert_eq!(row.revision, receipt.revision);
        assert_eq!(uuid::Uuid::from_bytes(row.event_id).to_string(), receipt.event_id);
    }
}

/// Most times that a writer may be overtaken before a test calls it stuck.
const OVERTAKEN_MAX: u32 = 10_000;

/// Appends to a stream that others append to as well: guesses the revision and asks again when it was too old.
fn push(
    send: &mut dyn FnMut(Proposal) -> Result<Receipt, Error>,
    line: &str,
    revision: &AtomicU64,
) -> Result<(Receipt, u32), String> {
    for overtaken in 0..OVERTAKEN_MAX {
        let guess = revision.load(Ordering::SeqCst);
        match send(command(line, guess)) {
            Ok(receipt) => {
                revision.fetch_max(receipt.revision, Ordering::SeqCst);
                return Ok((receipt, overtaken));
            }
            Err(why) if why.kind == ErrorKind::Stale => {}
            Err(why) => return Err(format!("{line}: {why}")),
        }
    }
    Err(format!("{line}: overtaken {OVERTAKEN_MAX} times"))
}

#[test]
fn sixteen_writers_share_one_log() {
    const WRITERS: u64 = 16;
    const ROUNDS: u64 = 20;
    let place = place();
    let (writer, thread) = Writer::start(support::sqlite_again(&place.path, "writer"));
    let shared = AtomicU64::new(2);
    let receipts: Vec<Receipt> = thread::scope(|scope| {
        let handles: Vec<_> = (1..=WRITERS)
            .map(|number| {
                let (writer, shared) = (writer.clone(), &shared);
                scope.spawn(move || one_writer(&writer, number, ROUNDS, shared))
            })
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    drop(writer);
    let mut ledger = thread.join().unwrap();
    assert_eq!(receipts.len() as u64, WRITERS * (1 + 2 * ROUNDS));
    all_there(ledger.store(), 5, &receipts);
    assert_eq!(ledger.store().revision(&stream("claim/C0")).unwrap(), 2 + WRITERS * ROUNDS);
    for number in 1..=WRITERS {
        assert_eq!(ledger.store().revision(&stream(&format!("claim/C{number}"))).unwrap(), 1 + ROUNDS);
    }
}

/// Opens a claim of its own, then writes to it and to the shared one in turn. What it gets wrong on purpose in between
/// must not disturb the others that are in the same commit.
fn one_writer(writer: &Writer, number: u64, rounds: u64, shared: &AtomicU64) -> Vec<Receipt> {
    let mut send = |proposal: Proposal| writer.record(vec![proposal]).map(|mut receipts| receipts.remove(0));
    let own = format!("claim/C{number}");
    let open = format!(
        r#"{own} claim_opened {{"order":"O1","asserted":"defect","units":["L1#{number}"],"by":"buyer","via":"email"}}"#
    );
    let mut receipts = vec![send(command(&open, 0)).unwrap()];
    for round in 1..=rounds {
        let note = format!(r#"{own} note_added {{"text":"{round}"}} key {number}.{round}"#);
        receipts.push(send(command(&note, round)).unwrap());
        let wrong = format!(r#"{own} refund_posted {{"refund":"R{round}"}}"#);
        assert_eq!(send(command(&wrong, round + 1)).unwrap_err().code, "refund_is_not_on_record");
        let line = format!(
            r#"claim/C0 contact_logged {{"channel":"phone","direction":"inbound","text":"{number}.{round}"}}"#
        );
        receipts.push(push(&mut send, &line, shared).unwrap().0);
    }
    receipts
}

#[test]
fn two_programs_take_turns_and_each_sees_what_the_other_wrote() {
    let place = place();
    let mut programs = [
        Script::new(support::sqlite_again(&place.path, "a")),
        Script::new(support::sqlite_again(&place.path, "b")),
    ];
    let mut receipts = Vec::new();
    for round in 0..20u64 {
        // Both know the claim from earlier rounds; what they remember is old in every round.
        let me = &mut programs[usize::try_from(round % 2).unwrap()];
        let line = format!(r#"claim/C0 note_added {{"text":"{round}"}} rev {}"#, 2 + round);
        receipts.push(me.line(&line).unwrap().unwrap());
    }
    let [a, b] = &mut programs;

    // Whoever decides on an old state is told, and by whom it was overtaken.
    let why = a.line(r#"claim/C0 note_added {"text":"late"} rev 21"#).unwrap_err();
    assert_eq!(why.kind, ErrorKind::Stale);
    assert!(why.to_string().contains("since then: revision 22 note_added by a.jones"), "{why}");

    // Money that one of them has sent is not sent by the other.
    let refund = r#"claim/C0 refund_issued {"refund":"R1","amount":"=10.00 USD","payout":{"to":"original_method"}} key r-1"#;
    receipts.push(a.line(refund).unwrap().unwrap());
    let again = b.line(refund).unwrap().unwrap();
    assert_eq!(again.position, receipts.last().unwrap().position, "the same key gives the first receipt");
    let other = refund.replace("R1", "R2").replace("r-1", "r-2");
    assert_eq!(b.line(&other).unwrap_err().code, "over_refund");
    // The refusal is on record, too: count it out.
    let store = b.ledger.store();
    let last = rows(store).pop().unwrap();
    assert_eq!(last.kind, "append_refused");
    all_there(store, 6, &receipts);
}

#[test]
fn two_programs_at_once_lose_nothing() {
    const ROUNDS: u64 = 60;
    let place = place();
    let start = Barrier::new(2);
    let results: Vec<_> = thread::scope(|scope| {
        let handles = ["a", "b"].map(|name| {
            let (path, start) = (&place.path, &start);
            scope.spawn(move || one_program(path, name, ROUNDS, start))
        });
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    let receipts: Vec<(Receipt, u32)> = results.into_iter().collect::<Result<_, _>>().unwrap();
    let overtaken: u32 = receipts.iter().map(|(_, stale)| stale).sum();
    assert!(overtaken > 0, "the programs never met");
    let receipts: Vec<Receipt> = receipts.into_iter().map(|(receipt, _)| receipt).collect();
    let mut store = SqliteStore::open(&place.path).unwrap();
    all_there(&mut store, 5, &receipts);
    assert_eq!(store.revision(&stream("claim/C0")).unwrap(), 2 + 2 * ROUNDS);
}

/// Nothing is shared but the file and the moment a round begins: the revision comes from the program's own store. A
/// failure is handed back and the rounds go on, for the other one waits.
fn one_program(path: &Path, name: &str, rounds: u64, start: &Barrier) -> Vec<Result<(Receipt, u32), String>> {
    let mut ledger: Ledger<SqliteStore> = support::sqlite_again(path, name);
    let mut receipts = Vec::new();
    for round in 1..=rounds {
        let known = AtomicU64::new(ledger.store().revision(&stream("claim/C0")).unwrap_or_default());
        let line = format!(r#"claim/C0 note_added {{"text":"{name}.{round}"}}"#);
        let mut send = |proposal: Proposal| match ledger.record(vec![proposal]) {
            Ok(mut receipts) => Ok(receipts.remove(0)),
            Err(why) => {
                known.store(
                    ledger.store().revision(&stream("claim/C0")).unwrap_or_default(),
                    Ordering::SeqCst,
                );
                Err(why)
            }
        };
        start.wait();
        receipts.push(push(&mut send, &line, &known));
    }
    receipts
}

#[test]
fn two_programs_at_once_send_the_money_once() {
    let place = place();
    let start = Barrier::new(2);
    let sent: Vec<bool> = thread::scope(|scope| {
        let handles = ["a", "b"].map(|name| {
            let (path, start) = (&place.path, &start);
            scope.spawn(move || {
                let mut script = Script::new(support::sqlite_again(path, name));
                let line = format!(
                    r#"claim/C0 refund_issued {{"refund":"{name}","amount":"=10.00 USD","payout":{{"to":"original_method"}}}}"#
                );
                start.wait();
                // Whoever comes second learns it from the revision or, having looked again, from the rule.
                (0..2).any(|_| script.line(&line).is_ok())
            })
        });
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(sent.iter().filter(|sent| **sent).count(), 1);
    let mut store = SqliteStore::open(&place.path).unwrap();
    let outcome = assert_sound(&mut store);
    assert_eq!(outcome.books.board["C0"].credited_minor, 1_000);
    assert_eq!(outcome.books.board["C0"].open_minor, 0);
}

#[test]
fn a_program_that_holds_the_ledger_too_long_makes_others_give_up() {
    let place = place();
    let mut script = Script::new(support::sqlite_again(&place.path, "waiting"));
    let before = rows(script.ledger.store());
    let holder = rusqlite::Connection::open(&place.path).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();

    let begun = Instant::now();
    let why = script.line(r#"claim/C0 note_added {"text":"now"}"#).unwrap_err();
    let waited = begun.elapsed();
    assert_eq!((why.kind, why.code.as_str()), (ErrorKind::Busy, "ledger_is_busy"));
    assert!(waited >= Duration::from_millis(BUSY_TIMEOUT_MS - 500), "gave up after {waited:?}");
    // Reading goes on meanwhile.
    assert_eq!(rows(script.ledger.store()), before);

    holder.execute_batch("ROLLBACK").unwrap();
    script.lines(r#"claim/C0 note_added {"text":"at last"}"#);
    assert_eq!(rows(script.ledger.store()).len(), before.len() + 1);
    assert_sound(script.ledger.store());
}
