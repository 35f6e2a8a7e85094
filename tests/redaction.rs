//! Erasing personal values: nothing of them is left in the bytes of the ledger, everything else stays as it was, and
//! the audit tells an approved redaction from tampering.

mod support;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use claims::{
    door::Door,
    error::ErrorKind,
    ledger::Ledger,
    progress::Progress,
    proof::{self, AuditReport, By},
    redaction::{self, Request, Selection, State},
    store::{Store, memory::MemoryStore, sqlite::SqliteStore},
    subject::{self, Subject},
    transfer,
};
use replay::{
    event::{Event, PersonalDataRedacted, RedactedField},
    ids::{ActorId, ClaimId, Code, EventId, Expected, OrderId, Position, Revision, SourceId, Stream, Word},
    merkle::Hash,
    seal::{Proposal, Stamp, seal},
    time::{Day, When},
};
use rusqlite::Connection;
use support::{Script, instant, origin, rows};

/// Two orders with people on them, two claims, one of them closed.
const STORY: &str = r#"
ledger policy_published {"policy":"P","version":1,"name":"Shop","effective_from":"2024-01-01","body":{"policy":{"id":"P"},"entitlement":[{"id":"any","windows":[],"remedies":["refund"],"chooser":"customer","cites":["P-1"]}]}} by ann approved bob
ledger actor_registered {"actor":"m.lee","name":"Mary Lee-Okonkwo"}
order/O1 order_recorded {"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"buyer":{"name":"Zebulon Quartermaine","email":"zebulon@quartermaine.example"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0,"serials":["SN-QUARTZ-1","SN-QUARTZ-2"]}]} @2024-03-01T10:00:00Z
order/O1 payment_captured {"payment":"P1","method_ref":"card","amount":"=200.00 USD"} @2024-03-01T10:00:00Z
claim/C1 claim_opened {"order":"O1","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email","text":"Xylophone noises since Tuesday"} @2024-03-10T09:00:00Z by cust-17 as customer key c-1 named opened
claim/C1 note_added {"text":"Zebulon Quartermaine rang twice"} @2024-03-11T09:00:00Z named note
claim/C1 event_corrected {"target":"$note","set":{"text":"Mr Quartermaine rang thrice"},"reason_code":"typo"} @2024-03-12T09:00:00Z
claim/C1 remedy_decided {"units":["L1#1"],"remedy":"refund","entitlement":"=100.00 USD"} @2024-03-13T09:00:00Z
claim/C1 refund_issued {"refund":"R1","amount":"=100.00 USD","payout":{"to":"original_method"}} @2024-03-14T09:00:00Z
claim/C1 claim_closed {"reason_code":"refunded"} @2024-03-20T09:00:00Z
claim/C2 claim_opened {"order":"O1","asserted":"defect","units":["L1#2"],"by":"buyer","via":"form","text":"the second one hums in Gregorian"} @2024-03-21T09:00:00Z
order/O2 order_recorded {"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-04-01T10:00:00Z","ship_to":{"country":"US"},"buyer":{"name":"Wilhelmina Fitzgibbon"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":1,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0}]} @2024-04-01T10:00:00Z
"#;
/// Every personal value of order O1 and its claims.
const OF_O1: [&str; 9] = [
    "Zebulon Quartermaine",
    "zebulon@quartermaine.example",
    "SN-QUARTZ-1",
    "SN-QUARTZ-2",
    "Xylophone noises since Tuesday",
    "rang twice",
    "Mr Quartermaine rang thrice",
    "hums in Gregorian",
    "Quartermaine",
];

fn told<S: Store>(store: S) -> Script<S> {
    let mut script = Script::new(Ledger::new(store, Door::fixed("redaction", instant(support::NOW))));
    script.lines(STORY);
    script
}

fn file(folder: &tempfile::TempDir) -> std::path::PathBuf {
    folder.path().join("shop.db")
}

fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}
fn actor(text: &str) -> ActorId {
    ActorId::new(text).unwrap()
}
fn order(id: &str) -> Selection {
    Selection::Order(OrderId::new(id).unwrap())
}
fn claim(id: &str) -> Selection {
    Selection::Claim(ClaimId::new(id).unwrap())
}

/// cust-17 asks, d.ruiz carries it out, m.klein approves.
fn request(selection: Selection) -> Request {
    Request {
        selection,
        basis: Some(code("gdpr_art17")),
        requester: actor("cust-17"),
        actor: actor("d.ruiz"),
        role: code("privacy"),
        approver: Some(actor("m.klein")),
        source: SourceId::new("test").unwrap(),
        on: When { at: instant(support::NOW), offset_minutes: 0 },
    }
}

/// Every file of the folder that holds these bytes. SQLite's side files are among them.
fn holding(folder: &Path, needle: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        if bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found.sort();
    found
}

#[track_caller]
fn assert_gone(folder: &Path) {
    for value in OF_O1 {
        assert_eq!(holding(folder, value), [""; 0], "'{value}' can still be found");
    }
    // What belongs to somebody else has not moved.
    assert_ne!(holding(folder, "Wilhelmina Fitzgibbon"), [""; 0]);
}

fn audit(path: &Path) -> AuditReport {
    proof::audit(&mut SqliteStore::open_read_only(path).unwrap(), false).unwrap()
}

#[track_caller]
fn assert_agrees(path: &Path) -> AuditReport {
    let report = audit(path);
    assert!(report.agrees, "{:?} {:?}", report.checks, report.findings);
    report
}

/// The figure of the check about personal values.
fn personal(report: &AuditReport) -> (bool, String) {
    let check = report.checks.iter().find(|c| c.what.starts_with("every personal value")).unwrap();
    (check.holds, check.figure.clone())
}

// ---- what can be found in the bytes ---------------------------------------------------------------------------------

#[test]
fn nothing_of_an_erased_value_is_left_in_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut script = told(SqliteStore::create(&path, &origin()).unwrap());
    // In real use: other values come and go between, the books are rebuilt, and somebody else reads.
    for round in 0..300 {
        script
            .lines(&format!(r#"claim/C2 note_added {{"text":"round {round} {}"}}"#, "x".repeat(round % 90)));
    }
    let by = By { actor: actor("nightly"), role: code("operations"), source: SourceId::new("cli").unwrap() };
    assert!(proof::rebuild(&mut script.ledger, &by, false, false).unwrap().swapped);
    let mut reader = SqliteStore::open_read_only(&path).unwrap();
    assert_eq!(reader.personal(3).unwrap().len(), 4);
    for value in OF_O1 {
        assert_ne!(holding(folder.path(), value), [""; 0], "the search does not find '{value}' before");
    }
    let figures = script.ledger.store().books().unwrap();
    let before = rows(script.ledger.store());

    let report = redaction::erase(&mut script.ledger, &request(order("O1"))).unwrap();
    assert_eq!((report.erased, report.missing), (308, 0));
    // The transaction is durable and no query finds them; the bytes are still there, and the ledger knows.
    assert_eq!(reader.personal(3).unwrap(), []);
    assert_ne!(holding(folder.path(), "Zebulon Quartermaine"), [""; 0]);
    assert!(reader.is_unclean().unwrap());

    redaction::clean(script.ledger.store(), Duration::from_secs(5)).unwrap();
    assert_gone(folder.path());
    assert!(!reader.is_unclean().unwrap());
    // The reader goes on, the writer goes on, and so do all proofs and figures.
    assert_eq!(rows(&mut reader)[..before.len()], before);
    assert_eq!(script.ledger.store().books().unwrap(), figures);
    script.lines(r#"claim/C2 note_added {"text":"and on it goes"}"#);
    let report = assert_agrees(&path);
    assert_eq!(personal(&report).1, "311 commitments, 308 of them redacted with approval");
    assert!(report.checks.iter().any(|c| c.what.contains("cannot be read from the file") && c.holds));
}

/// The search can fail: a plain deletion leaves the bytes, with and without `secure_delete`.
#[test]
fn a_plain_deletion_leaves_the_bytes() {
    for (secure, left) in [("OFF", vec!["shop.db"]), ("ON", vec!["shop.db", "shop.db-wal"])] {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        drop(told(SqliteStore::create(&path, &origin()).unwrap()));
        let db = Connection::open(&path).unwrap();
        db.execute_batch(&format!("PRAGMA secure_delete = {secure}; PRAGMA wal_checkpoint(TRUNCATE)"))
            .unwrap();
        db.execute("UPDATE personal SET value = value || '.' WHERE position = 5", []).unwrap();
        assert!(db.execute("DELETE FROM personal WHERE position = 5", []).unwrap() == 1);
        if secure == "OFF" {
            db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        }
        assert_eq!(holding(folder.path(), "Xylophone noises"), left, "secure_delete {secure}");
    }
}

#[test]
fn readers_of_an_older_state_are_waited_for_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut script = told(SqliteStore::create(&path, &origin()).unwrap());
    let mut reader = SqliteStore::open_read_only(&path).unwrap();
    reader.begin_read().unwrap();
    assert_eq!(reader.personal(3).unwrap().len(), 4);
    redaction::erase(&mut script.ledger, &request(order("O1"))).unwrap();

    let why = redaction::clean(script.ledger.store(), Duration::from_millis(30)).unwrap_err();
    assert_eq!((why.kind, why.code.as_str()), (ErrorKind::Busy, "file_is_not_yet_clean"));
    let text = why.to_string();
    assert!(text.contains("gone from the tables, but the file is not yet clean"), "{text}");
    assert!(text.contains("more than 30 ms") && text.contains("claims redact --finish"), "{text}");
    let report = audit(&path);
    assert!(!report.agrees && personal(&report).0, "the log is in order, the file is not");
    assert!(report.checks.iter().any(|c| c.what.contains("cannot be read from the file") && !c.holds));
    // Whoever opens the ledger meanwhile can work all the same.
    let mut other = Script::new(support::sqlite_again(&path, "other"));
    other.lines(r#"claim/C2 note_added {"text":"meanwhile"}"#);
    assert!(other.ledger.store().is_unclean().unwrap());

    assert_eq!(reader.personal(3).unwrap().len(), 4, "a reader keeps its moment");
    reader.end_read();
    redaction::clean(script.ledger.store(), Duration::from_secs(5)).unwrap();
    assert_gone(folder.path());
    assert_agrees(&path);
}

#[test]
fn a_file_made_before_there_was_such_a_table_is_cleaned_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    drop(told(SqliteStore::create(&path, &origin()).unwrap()));
    Connection::open(&path).unwrap().execute_batch("DROP TABLE erasures").unwrap();
    let mut ledger = support::sqlite_again(&path, "again");
    assert!(!ledger.store().is_unclean().unwrap());
    redaction::erase(&mut ledger, &request(order("O1"))).unwrap();
    assert!(ledger.store().is_unclean().unwrap());
    redaction::clean(ledger.store(), Duration::from_secs(5)).unwrap();
    assert_gone(folder.path());
    assert_agrees(&path);
}

// ---- what survives a blow -------------------------------------------------------------------------------------------

/// Lives of a child that is killed; the blow falls before, within and after the cleaning.
const LIVES: u64 = 24;
/// Longest time the child is left alone after it has erased, in microseconds.
const LIFE_MICROS_MAX: u64 = 12_000;

/// The child: erases, says so, and cleans. Does nothing unless a parent asks for it.
#[test]
fn child_erases() {
    let Some(path) = std::env::var_os("REDACTION_CHILD") else { return };
    let mut ledger = support::sqlite_again(Path::new(&path), "child");
    let report = redaction::erase(&mut ledger, &request(order("O1"))).unwrap();
    println!("\nerased {}", report.erased);
    std::io::stdout().flush().unwrap();
    redaction::clean(ledger.store(), Duration::from_secs(5)).unwrap();
    println!("\nclean");
}

#[test]
fn what_a_kill_interrupts_is_finished_at_the_next_open() {
    let prepared = tempfile::tempdir().unwrap();
    let mut script = told(SqliteStore::create(&file(&prepared), &origin()).unwrap());
    let fill = (0..400).map(|n| format!(r#"claim/C2 note_added {{"text":"{n} {}"}}"#, "y".repeat(900)));
    let fill: Vec<_> = fill.map(|line| vec![script.proposal(&line)]).collect();
    for proposal in fill {
        let mut proposal = proposal;
        let revision = script.ledger.store().revision(&proposal[0].stream).unwrap();
        proposal[0].expected = Expected::at_number(revision);
        script.ledger.record(proposal).unwrap();
    }
    drop(script);
    let (mut unclean, mut clean) = (0, 0);
    for life in 0..LIVES {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        fs::copy(file(&prepared), &path).unwrap();
        one_life(&path, life * LIFE_MICROS_MAX / LIVES);
        let left = SqliteStore::open_read_only(&path).unwrap().is_unclean().unwrap();
        if left {
            unclean += 1;
        } else {
            clean += 1;
        }
        // What was said to be erased is erased, and opening the ledger for writing finishes the rest.
        let mut ledger = support::sqlite_again(&path, "after");
        assert_eq!(ledger.store().personal(3).unwrap(), []);
        assert!(!ledger.store().is_unclean().unwrap(), "life {life}");
        assert_gone(folder.path());
        drop(ledger);
        assert_agrees(&path);
    }
    println!("{unclean} of {LIVES} lives ended before the file was clean, {clean} after");
    assert!(unclean >= 3, "the blow never fell in the middle: {unclean}");
}

/// Starts a child, waits until it has erased, leaves it alone for a moment, and kills it.
fn one_life(path: &Path, micros: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_erases", "--nocapture"])
        .env("REDACTION_CHILD", path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("erased ")), "the child ended before it had erased anything");
    let (_nobody_speaks, silence) = mpsc::channel::<()>();
    let _ = silence.recv_timeout(Duration::from_micros(micros));
    child.kill().unwrap();
    child.wait().unwrap();
}

// ---- what the audit tells apart -------------------------------------------------------------------------------------

/// Appends a redaction as somebody would who writes past the rules.
fn forge(store: &mut SqliteStore, targets: &[(EventId, &str)], approver: Option<&str>) -> u64 {
    let target =
        |(event, path): &(EventId, &str)| RedactedField { event: *event, path: Word::new(*path).unwrap() };
    let event: Event = PersonalDataRedacted {
        targets: targets.iter().map(target).collect(),
        basis: code("gdpr_art17"),
        requester: actor("cust-17"),
    }
    .into();
    let mut tip = store.tip().unwrap();
    let revision = store.revision(&Stream::Ledger).unwrap();
    let proposal = Proposal {
        stream: Stream::Ledger,
        expected: Expected::at_number(revision),
        event: event.clone(),
        effective: When { at: instant(support::NOW), offset_minutes: 0 },
        effective_is_given: true,
        actor: actor("d.ruiz"),
        role: code("privacy"),
        approver: approver.map(actor),
        source: SourceId::new("test").unwrap(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    };
    let stamp = Stamp {
        ledger: origin(),
        position: Position::new(tip.position + 1).unwrap(),
        revision: Revision::new(revision + 1).unwrap(),
        event_id: EventId(uuid::Uuid::from_u128(u128::from(tip.position))),
        recorded_at: instant(support::NOW),
    };
    let sealed = seal(&proposal, event, None, stamp, &mut || [0; 32]).unwrap();
    store.begin().unwrap();
    store.append(&sealed, None, None).unwrap();
    tip.position = sealed.row.position;
    tip.recorded_at = sealed.row.recorded_at;
    tip.frontier.push(Hash(sealed.row.leaf));
    store.set_tip(&tip).unwrap();
    store.commit().unwrap();
    tip.position
}

#[test]
fn the_audit_names_the_first_position_that_is_wrong() {
    let id = |store: &mut SqliteStore, position: u64| {
        EventId(uuid::Uuid::from_bytes(store.row(position).unwrap().unwrap().event_id))
    };
    type Tamper = fn(&Path, &mut SqliteStore, &dyn Fn(&mut SqliteStore, u64) -> EventId);
    let run = |path: &Path, sql: &str| {
        assert!(Connection::open(path).unwrap().execute(sql, []).unwrap() > 0, "{sql}");
    };
    let cases: &[(&str, &str, Option<Tamper>, &str)] = &[
        (
            "a value was edited",
            "UPDATE personal SET value = 'Somebody Else' WHERE position = 3 AND path = 'buyer.name'",
            None,
            "position 3 buyer.name: the value is not the one committed to",
        ),
        (
            "a value was deleted without an event",
            "DELETE FROM personal WHERE position = 5",
            None,
            "position 5 text: the value is gone without a redaction",
        ),
        (
            "two values are wrong, and the first one is named",
            "UPDATE personal SET value = 'x' WHERE position IN (6, 11)",
            None,
            "position 6 text: the value is not the one committed to",
        ),
        (
            "a value moved to another event",
            "UPDATE personal SET position = 4, path = 'text' WHERE position = 5",
            None,
            "position 4 text: the value is not the one committed to",
        ),
        (
            "a value is still there although a redaction says that it is gone",
            "",
            Some(|_, store, id| {
                let event = id(store, 5);
                assert_eq!(forge(store, &[(event, "text")], Some("m.klein")), 13);
            }),
            "position 5 text: the value is still there, although it was redacted at position 13",
        ),
        (
            "a redaction names a field where nothing is committed to",
            "",
            Some(|_, store, id| {
                let event = id(store, 9);
                forge(store, &[(event, "amount")], Some("m.klein"));
            }),
            "position 13 redacts amount of position 9, where nothing is committed to",
        ),
        (
            "a redaction names an event that is not there",
            "",
            Some(|_, store, _| {
                forge(store, &[(EventId(uuid::Uuid::nil()), "text")], Some("m.klein"));
            }),
            "position 13 redacts text of event 00000000-0000-0000-0000-000000000000, which is not on record before it",
        ),
        (
            "nobody approved the redaction",
            "DELETE FROM personal WHERE position = 5",
            Some(|_, store, id| {
                let event = id(store, 5);
                forge(store, &[(event, "text")], None);
            }),
            "position 5 text: the value is gone, and its redaction at position 13 does not count: a second person must approve an erasure",
        ),
        (
            "the actor approved the redaction",
            "DELETE FROM personal WHERE position = 5",
            Some(|_, store, id| {
                let event = id(store, 5);
                forge(store, &[(event, "text")], Some("d.ruiz"));
            }),
            "position 5 text: the value is gone, and its redaction at position 13 does not count: the approver is the actor",
        ),
        (
            "the requester approved it, and nothing was erased",
            "",
            Some(|_, store, id| {
                let event = id(store, 5);
                forge(store, &[(event, "text")], Some("cust-17"));
            }),
            "position 13 the redaction of text does not count: the approver is the requester",
        ),
        (
            "a legal hold forbade it",
            "DELETE FROM personal WHERE position = 3 AND path = 'buyer.name'",
            Some(|path, store, id| {
                let event = id(store, 3);
                let mut script = Script::new(support::sqlite_again(path, "hold"));
                script.lines(r#"claim/C1 legal_hold_placed {"hold":"suit-7","reason_code":"lawsuit"}"#);
                forge(store, &[(event, "buyer.name")], Some("m.klein"));
                script.lines(
                    r#"claim/C1 legal_hold_released {"hold":"suit-7","reason_code":"settled"} by d.ruiz approved m.klein"#,
                );
            }),
            "position 14 redacts buyer.name of position 3, which legal hold suit-7 kept",
        ),
    ];
    for (name, sql, tamper, says) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder);
        drop(told(SqliteStore::create(&path, &origin()).unwrap()));
        assert_agrees(&path);
        if !sql.is_empty() {
            run(&path, sql);
        }
        if let Some(tamper) = tamper {
            tamper(&path, &mut SqliteStore::open(&path).unwrap(), &id);
        }
        let report = audit(&path);
        assert_eq!(personal(&report), (false, (*says).to_string()), "{name}");
        assert!(!report.agrees, "{name}");
        // An approved redaction does not take it out of sight again.
        // Whoever approved their own act has overstepped a duty as well (D-2); the events themselves are sound.
        assert!(report.findings.iter().all(|text| text.contains("(D-2)")), "{name}: {:?}", report.findings);
    }
}

// ---- who may, and what never goes -----------------------------------------------------------------------------------

#[track_caller]
fn refused(script: &mut Script<MemoryStore>, request: &Request, code: &str, says: &str) {
    let before = rows(script.ledger.store()).len();
    let personal = script.ledger.store().personal(3).unwrap();
    let why = redaction::erase(&mut script.ledger, request).unwrap_err();
    assert_eq!((why.kind, why.code.as_str()), (ErrorKind::Refused, code), "{why}");
    assert!(why.to_string().contains(says), "{why}");
    assert!(why.hint.is_some());
    assert_eq!(script.ledger.store().personal(3).unwrap(), personal, "{code}: nothing is erased");
    let after = rows(script.ledger.store());
    let [row] = &after[before..] else { panic!("{code} is on record once") };
    let text = support::text::event(row);
    assert!(
        text.contains("append_refused") && text.contains(code) && text.contains("personal_data_redacted")
    );
    for value in OF_O1 {
        assert!(!why.to_string().contains(value) && !text.contains(value), "{value} in {why}");
    }
    support::assert_sound(script.ledger.store());
}

/// Where roles are held, erasing is a duty like any other: an act that replay would find is refused before.
#[test]
fn erasing_is_somebodys_duty() {
    let mut script = told(MemoryStore::new(origin()));
    script.lines(
        r#"ledger role_granted {"actor":"root","role":"admin"} by root as admin
           ledger role_granted {"actor":"d.ruiz","role":"agent"} by root as admin
           ledger role_granted {"actor":"m.klein","role":"warehouse"} by root as admin"#,
    );
    let asked = request(claim("C1"));
    refused(&mut script, &asked, "role_is_not_held", "d.ruiz does not hold the role privacy");
    let asked = Request { role: code("agent"), ..asked };
    refused(&mut script, &asked, "role_may_not_do_this", "role agent may not record personal_data_redacted");
    script.lines(r#"ledger role_granted {"actor":"d.ruiz","role":"admin"} by root as admin"#);
    let asked = Request { role: code("admin"), ..asked };
    refused(&mut script, &asked, "approver_may_not_approve", "m.klein");
    script.lines(r#"ledger role_granted {"actor":"m.klein","role":"approver"} by root as admin"#);
    assert!(redaction::erase(&mut script.ledger, &asked).unwrap().erased > 0);
    support::assert_sound(script.ledger.store());
}

#[test]
fn erasing_takes_two_people_and_no_hold() {
    let mut script = told(MemoryStore::new(origin()));
    let asked = request(claim("C1"));
    refused(
        &mut script,
        &Request { approver: None, ..asked.clone() },
        "second_person_is_missing",
        "a second person must approve",
    );
    for (approver, code) in
        [("d.ruiz", "second_person_is_the_first"), ("cust-17", "approver_is_the_requester")]
    {
        let asked = Request { approver: Some(actor(approver)), ..asked.clone() };
        refused(&mut script, &asked, code, "the approver is the");
    }
    let event = script.ledger.store().row(9).unwrap().unwrap().event_id;
    let event = Selection::Event(EventId(uuid::Uuid::from_bytes(event)), vec!["amount".into()]);
    refused(&mut script, &request(event), "not_redactable", "amount is never erased");

    // A hold on the claim keeps the claim and its order, not the other claim; a hold on the order keeps all.
    script.lines(r#"claim/C1 legal_hold_placed {"hold":"suit-7","reason_code":"lawsuit"}"#);
    let says = "claim/C1 is kept by legal hold suit-7 (placed on claim/C1)";
    refused(&mut script, &asked, "legal_hold", says);
    refused(&mut script, &request(order("O1")), "legal_hold", "by legal hold suit-7");
    let plan = redaction::plan(script.ledger.store(), &order("O1")).unwrap();
    let held: Vec<String> = plan.holds.iter().map(|held| held.stream.to_string()).collect();
    assert_eq!(held, ["order/O1", "claim/C1"]);
    assert_eq!(redaction::erase(&mut script.ledger, &request(claim("C2"))).unwrap().erased, 1);
    script.lines(
        r#"claim/C1 legal_hold_released {"hold":"suit-7","reason_code":"settled"} by d.ruiz approved m.klein
           order/O1 legal_hold_placed {"hold":"tax","reason_code":"authority_asks"}"#,
    );
    refused(&mut script, &asked, "legal_hold", "(placed on order/O1)");
    script.lines(
        r#"order/O1 legal_hold_released {"hold":"tax","reason_code":"over"} by d.ruiz approved m.klein"#,
    );
    assert_eq!(redaction::erase(&mut script.ledger, &asked).unwrap().erased, 3);
    support::assert_sound(script.ledger.store());
}

#[test]
fn a_selection_names_values_and_nothing_else() {
    let mut script = told(MemoryStore::new(origin()));
    let paths = |script: &mut Script<MemoryStore>, selection: &Selection| {
        let plan = redaction::plan(script.ledger.store(), selection).unwrap();
        plan.values.iter().map(|v| format!("{} {}", v.position, v.path)).collect::<Vec<_>>()
    };
    let event = |script: &mut Script<MemoryStore>, position: u64, paths: &[&str]| {
        let id = script.ledger.store().row(position).unwrap().unwrap().event_id;
        Selection::Event(EventId(uuid::Uuid::from_bytes(id)), paths.iter().map(|p| p.to_string()).collect())
    };
    assert_eq!(paths(&mut script, &claim("C1")), ["5 text", "6 text", "7 set.text"]);
    assert_eq!(paths(&mut script, &order("O2")), ["12 buyer.name"]);
    let buyer = event(&mut script, 3, &["buyer"]);
    assert_eq!(paths(&mut script, &buyer), ["3 buyer.name", "3 buyer.email"]);
    let one = event(&mut script, 3, &["lines[0].serials[1]"]);
    assert_eq!(paths(&mut script, &one), ["3 lines[0].serials[1]"]);
    assert_eq!(paths(&mut script, &Selection::Subject(actor("m.lee"))), ["2 name"]);
    assert_eq!(paths(&mut script, &Selection::Subject(actor("cust-17"))), ["5 text"]);
    // What staff wrote down is about customers; it goes with their claims.
    for nothing in [Selection::Subject(actor("a.jones")), claim("C9"), order("O9")] {
        let why = redaction::plan(script.ledger.store(), &nothing).unwrap_err();
        assert_eq!(why.kind, ErrorKind::NotFound, "{nothing}: {why}");
    }
    for (position, path) in [(3, "buyer.fax"), (3, "buyer.nam"), (9, "text"), (3, "lines[7]")] {
        let nothing = event(&mut script, position, &[path]);
        assert_eq!(redaction::plan(script.ledger.store(), &nothing).unwrap_err().kind, ErrorKind::NotFound);
    }
    for (position, path) in [(3, "lines[0].sku"), (5, "order"), (9, "payout.to"), (3, "purchased_at")] {
        let never = event(&mut script, position, &[path]);
        assert_eq!(redaction::plan(script.ledger.store(), &never).unwrap_err().code, "not_redactable");
    }
}

/// More values than one event can name.
#[test]
fn a_long_list_becomes_several_events() {
    let mut script = told(MemoryStore::new(origin()));
    let serials: Vec<String> = (0..640).map(|n| format!("\"SER-{n}\"")).collect();
    let line = STORY.lines().find(|line| line.starts_with("order/O2")).unwrap();
    let line = line
        .replace("order/O2", "order/O3")
        .replace(r#""tax_minor":0}"#, &format!(r#""tax_minor":0,"serials":[{}]}}"#, serials.join(",")));
    script.lines(&line);
    let report = redaction::erase(&mut script.ledger, &request(order("O3"))).unwrap();
    assert_eq!(report.erased, 641);
    assert_eq!(report.recorded_at_positions.len(), 2);
    assert!(report.values.iter().all(|value| value.state == State::Redacted));
    support::assert_sound(script.ledger.store());
}

// ---- out and in again -----------------------------------------------------------------------------------------------

#[test]
fn a_redacted_ledger_goes_out_and_comes_in_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder);
    let mut script = told(SqliteStore::create(&path, &origin()).unwrap());
    let quiet = || Progress::new("test", 0, false);
    let export = |store: &mut SqliteStore| {
        let (mut events, mut personal) = (Vec::new(), Vec::new());
        transfer::export_events(store, &mut events, &quiet()).unwrap();
        transfer::export_personal(store, &mut personal).unwrap();
        (events, personal)
    };
    let (_, before) = export(script.ledger.store());
    redaction::erase(&mut script.ledger, &request(order("O1"))).unwrap();
    redaction::clean(script.ledger.store(), Duration::from_secs(5)).unwrap();
    let (events, after) = export(script.ledger.store());
    let root = script.ledger.store().tip().unwrap().frontier.root();
    assert!(String::from_utf8_lossy(&before).contains("Quartermaine"));
    assert!(!String::from_utf8_lossy(&[events.clone(), after.clone()].concat()).contains("Quartermaine"));

    // The values as they are now, and as they were exported before: what was erased stays erased either way.
    for (personal, left_out) in [(&after, 0), (&before, 8)] {
        let restored = tempfile::tempdir().unwrap();
        let path = file(&restored);
        let mut store = SqliteStore::create(&path, &origin()).unwrap();
        let values: Option<(&mut dyn BufRead, &str)> = None;
        let (mut input, mut values_in) = (&events[..], &personal[..]);
        let values = values.or(Some((&mut values_in, "personal")));
        let report = transfer::import_events(&mut store, &mut input, "events", values, &quiet()).unwrap();
        assert_eq!((report.personal, report.erased, report.root), (2, left_out, root));
        assert_eq!(store.is_unclean().unwrap(), left_out > 0);
        store.clean(Duration::from_secs(5)).unwrap();
        assert_gone(restored.path());
        drop(store);
        assert_agrees(&path);
    }
}

// ---- what never reaches the log -------------------------------------------------------------------------------------

/// The words of a refusal are in the log for ever. A name in the wrong place is quoted to its sender only.
#[test]
fn a_refusal_on_record_quotes_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut script = told(SqliteStore::create(&file(&folder), &origin()).unwrap());
    let line = r#"order/O1 event_corrected {"target":"ID","set":{"buyer":"Barnaby Thistlewood"},"reason_code":"typo"}"#;
    let id = script.ledger.store().row(3).unwrap().unwrap().event_id;
    let why = script.line(&line.replace("ID", &uuid::Uuid::from_bytes(id).to_string())).unwrap_err();
    assert_eq!(why.code, "correction_does_not_fit");
    assert!(why.to_string().contains("Barnaby"), "the sender is told: {why}");
    assert_eq!(script.ledger.store().books().unwrap().refusals.len(), 1);
    assert_eq!(holding(folder.path(), "Barnaby"), [""; 0]);
}

// ---- how long values are kept ---------------------------------------------------------------------------------------

#[test]
fn values_past_their_retention_are_due_unless_something_keeps_them() {
    let mut script = told(MemoryStore::new(origin()));
    let due = |script: &mut Script<MemoryStore>, day: &str| {
        let due = redaction::due(script.ledger.store(), Day::parse(day).unwrap())?;
        Ok::<_, claims::error::Error>(
            due.iter()
                .map(|d| {
                    let held = if d.hold.is_some() { " held" } else { "" };
                    format!("{} {} {}{held}", d.value.position, d.value.path, d.kept_until)
                })
                .collect::<Vec<String>>(),
        )
    };
    assert_eq!(due(&mut script, "2030-01-01").unwrap_err().kind, ErrorKind::NotFound);
    script.lines(
        r#"ledger retention_set {"what":"any","days":30,"basis":"retention_over"}
           ledger retention_set {"what":"serials","days":365,"basis":"warranty_over"}"#,
    );
    // Nothing ever happened on O2 but its sale; on O1 a claim is open.
    assert_eq!(due(&mut script, "2024-05-01").unwrap(), [""; 0]);
    assert_eq!(due(&mut script, "2024-05-02").unwrap(), ["12 buyer.name 2024-05-01"]);
    script.lines(
        r#"claim/C2 claim_withdrawn {"by":"buyer","reason_code":"fine_after_all"} @2024-06-01T09:00:00Z
           order/O2 legal_hold_placed {"hold":"suit-9","reason_code":"lawsuit"} @2024-06-01T09:00:00Z"#,
    );
    let all = due(&mut script, "2024-07-02").unwrap();
    assert_eq!(
        all,
        [
            "3 buyer.name 2024-07-01",
            "3 buyer.email 2024-07-01",
            "5 text 2024-07-01",
            "6 text 2024-07-01",
            "7 set.text 2024-07-01",
            "11 text 2024-07-01",
            "12 buyer.name 2024-07-01 held",
        ]
    );
    let day = Day::parse("2024-07-02").unwrap();
    let asked = Request { basis: None, ..request(Selection::Retention(day)) };
    let report = redaction::erase(&mut script.ledger, &asked).unwrap();
    assert_eq!((report.erased, report.recorded_at_positions.len()), (6, 1));
    assert_eq!(due(&mut script, "2024-07-02").unwrap(), ["12 buyer.name 2024-07-01 held"]);
    assert_eq!(redaction::erase(&mut script.ledger, &asked).unwrap_err().kind, ErrorKind::NotFound);
    // The serials have a time and a basis of their own.
    assert_eq!(due(&mut script, "2025-06-02").unwrap().len(), 3);
    let asked = Request { basis: None, ..request(Selection::Retention(Day::parse("2025-06-02").unwrap())) };
    let report = redaction::erase(&mut script.ledger, &asked).unwrap();
    let row = script.ledger.store().row(report.recorded_at_positions[0]).unwrap().unwrap();
    assert!(support::text::event(&row).contains(r#""basis":"warranty_over""#));
    support::assert_sound(script.ledger.store());
}

// ---- what is held on one person -------------------------------------------------------------------------------------

#[test]
fn a_person_gets_everything_that_is_held_and_nothing_of_others() {
    let mut script = told(MemoryStore::new(origin()));
    let event = script.ledger.store().row(6).unwrap().unwrap().event_id;
    let note = Selection::Event(EventId(uuid::Uuid::from_bytes(event)), vec![]);
    redaction::erase(&mut script.ledger, &request(note)).unwrap();
    let before = rows(script.ledger.store());
    let export = |script: &mut Script<MemoryStore>, subject: &Subject| {
        serde_json::to_value(subject::export(script.ledger.store(), subject).unwrap()).unwrap()
    };
    let positions = |found: &serde_json::Value| {
        let events = found["events"].as_array().unwrap();
        events.iter().map(|event| event["position"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let of_claim = export(&mut script, &Subject::Claim(ClaimId::new("C1").unwrap()));
    assert_eq!(positions(&of_claim), [3, 4, 5, 6, 7, 8, 9, 10, 11, 13]);
    let text = of_claim.to_string();
    assert!(text.contains("Zebulon Quartermaine") && text.contains("SN-QUARTZ-2"));
    assert!(!text.contains("Fitzgibbon") && !text.contains("rang twice"));
    assert!(text.contains("[redacted 2024-12-31, gdpr_art17]"));
    for field in ["effective_at", "recorded_at"] {
        assert!(of_claim["events"].as_array().unwrap().iter().all(|event| event[field].is_string()));
    }
    assert_eq!(of_claim["pseudonyms"]["orders"], serde_json::json!(["O1"]));
    let of_order = export(&mut script, &Subject::Order(OrderId::new("O1").unwrap()));
    assert_eq!(of_order["events"], of_claim["events"]);
    // A customer with an account: the same order. An employee: the registered name, and acts without others' words.
    assert_eq!(positions(&export(&mut script, &Subject::Actor(actor("cust-17")))), positions(&of_claim));
    let staff = export(&mut script, &Subject::Actor(actor("m.lee")));
    assert_eq!(positions(&staff), [2]);
    assert!(staff.to_string().contains("Mary Lee-Okonkwo"));
    let staff = export(&mut script, &Subject::Actor(actor("a.jones"))).to_string();
    assert!(staff.contains("withheld") && !staff.contains("Quartermaine") && !staff.contains("Gregorian"));
    for nobody in [Subject::Actor(actor("nobody")), Subject::Claim(ClaimId::new("C9").unwrap())] {
        let why = subject::export(script.ledger.store(), &nobody).unwrap_err();
        assert_eq!(why.kind, ErrorKind::NotFound);
    }
    assert_eq!(rows(script.ledger.store()), before, "looking leaves no trace");
}
