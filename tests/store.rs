//! The suite that every store passes. MemoryStore is the shortest reference; what it does, the others do.
//!
//! Each check is written once over `impl Store` and runs for every store named at the end.

mod support;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Duration;

use claims::error::{Error, ErrorKind, Result};
use claims::ledger::Ledger;
use claims::redaction::{self, Request, Selection, State};
use claims::store::memory::MemoryStore;
use claims::store::sqlite::SqliteStore;
use claims::store::{Key, OnRow, Span, Store, Tip};
use replay::books::{Books, ClaimRows, RefusalRow, rows as books_rows};
use replay::codec::OwnedRow;
use replay::history::Cut;
use replay::ids::{ActorId, ClaimId, Code, EventId, OrderId, Origin, Position, Revision, SourceId, Stream};
use replay::merkle::Hash;
use replay::seal::{PersonalRow, Sealed, Stamp, seal};
use replay::time::When;
use support::{Script, instant, origin, rows, rows_of, stream, text};

/// Makes empty ledgers of one kind of store.
trait Stores {
    type Store: Store;
    fn fresh(&mut self) -> Self::Store;
}

struct Memory;
impl Stores for Memory {
    type Store = MemoryStore;
    fn fresh(&mut self) -> MemoryStore {
        MemoryStore::new(origin())
    }
}

struct Sqlite {
    folder: tempfile::TempDir,
    made: u32,
}
impl Sqlite {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), made: 0 }
    }
    fn path(&mut self) -> PathBuf {
        self.made += 1;
        self.folder.path().join(format!("{}.ledger", self.made))
    }
}
impl Stores for Sqlite {
    type Store = SqliteStore;
    fn fresh(&mut self) -> SqliteStore {
        SqliteStore::create(&self.path(), &origin()).unwrap()
    }
}

/// An order, two claims, money, amendments, a refusal, a conflict, a historical credit; personal values among them.
const STORY: &str = r#"
ledger policy_published {"policy":"P","version":1,"name":"Shop","effective_from":"2024-01-01","body":{"policy":{"id":"P"},"entitlement":[{"id":"any","windows":[],"remedies":["refund","replacement","repair"],"chooser":"customer","cites":["P-1"]}]}} by ann approved bob
order/O1 order_recorded {"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"buyer":{"name":"Jane Doe","email":"jane@example.com"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":500,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0,"serials":["SN-1","SN-2"]}]} from shop key o-1
order/O1 payment_captured {"payment":"P1","method_ref":"card","amount":"=205.00 USD"} from shop key p-1
claim/C1 claim_opened {"order":"O1","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email","text":"it hums"} from shop key c-1
claim/C2 claim_opened {"order":"O1","asserted":"doa","units":["L1#2"],"by":"buyer","via":"form"} from shop key c-2
ledger actor_registered {"actor":"m.lee","name":"Mary Lee"}
claim/C1 remedy_decided {"units":["L1#1"],"remedy":"refund","entitlement":"=100.00 USD"} named decision
claim/C1 refund_issued {"refund":"R1","amount":"=60.00 USD","payout":{"to":"original_method"}} @2024-04-02T09:00:00Z key r-1 named refund
claim/C2 remedy_decided {"units":["L1#2"],"remedy":"refund","entitlement":"=90.00 USD"}
claim/C2 refund_issued {"refund":"R2","amount":"=90.00 USD","payout":{"to":"original_method"}} @2024-04-03T09:00:00Z
claim/C1 event_reversed {"target":"$refund","reason_code":"typo"} @2024-05-02T09:00:00Z
claim/C1 fee_charged {"charge":"F1","fee":"restocking","amount":"=5.00 USD"}
claim/H1 historical_credit_recorded {"merchant":"OLD","reference":"CN-7","amount":"=12.50 GBP","lines":[{"key":"CN-7/1","sku":"X","quantity":1,"amount_minor":1250}]} @2023-05-04T10:00:00Z
"#;
/// What is refused after the story: an act, and a key with other content.
const REFUSED: [&str; 2] = [
    r#"claim/C1 refund_issued {"refund":"R3","amount":"=100.01 USD","payout":{"to":"original_method"}} key r-3"#,
    r#"claim/C1 refund_issued {"refund":"R1","amount":"=61.00 USD","payout":{"to":"original_method"}} @2024-04-02T09:00:00Z key r-1"#,
];

fn told<S: Store>(store: S) -> Script<S> {
    let door = claims::door::Door::fixed("store", instant(support::NOW));
    let mut script = Script::new(Ledger::new(store, door));
    script.lines(STORY);
    for line in REFUSED {
        script.line(line).unwrap_err();
    }
    script
}

/// One line as a sealed event with this place, outside of any ledger.
fn sealed(line: &str, position: u64, revision: u64) -> (Sealed, Option<Key>) {
    let line = text::parse(line);
    let now = instant(support::NOW);
    let proposal = line.proposal(&Default::default(), 0, now);
    let stamp = Stamp {
        ledger: origin(),
        position: Position::new(position).unwrap(),
        revision: Revision::new(revision).unwrap(),
        event_id: EventId(uuid::Uuid::from_u128(u128::from(position))),
        recorded_at: now,
    };
    let mut salt = || [u8::try_from(position).unwrap(); 32];
    let sealed = seal(&proposal, proposal.event.clone(), None, stamp, &mut salt).unwrap();
    let key = line.key.map(|external_id| Key { source: line.source, kind: line.kind, external_id });
    (sealed, key)
}

fn tip_after(rows: &[OwnedRow]) -> Tip {
    let mut tip = Tip::empty();
    for row in rows {
        tip.position = row.position;
        tip.recorded_at = row.recorded_at;
        tip.frontier.push(Hash(row.leaf));
    }
    tip
}

const OPENING: &str = r#"claim/C1 claim_opened {"order":"O1","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email","text":"it hums"} from shop key c-1"#;

// ---- what every store does ------------------------------------------------------------------------------------------

fn an_empty_log_holds_nothing(stores: &mut impl Stores) {
    let mut store = stores.fresh();
    assert_eq!(store.origin(), &origin());
    assert_eq!(store.tip().unwrap(), Tip::empty());
    assert_eq!(rows(&mut store), []);
    assert_eq!(store.history(&stream("claim/C1")).unwrap(), []);
    assert_eq!(store.registry().unwrap(), []);
    assert_eq!(store.revision(&stream("ledger")).unwrap(), 0);
    assert_eq!(store.claims_of("O1").unwrap(), Vec::<String>::new());
    assert_eq!(store.row(0).unwrap(), None);
    assert_eq!(store.row(1).unwrap(), None);
    assert_eq!(store.personal(1).unwrap(), []);
    assert_eq!(store.find_event([0; 16]).unwrap(), None);
    assert_eq!(store.books().unwrap(), Books::default());
}

fn what_is_committed_is_found_again(stores: &mut impl Stores) {
    let mut store = stores.fresh();
    let (event, key) = sealed(OPENING, 1, 1);
    store.begin().unwrap();
    store.append(&event, key.as_ref(), Some("O1")).unwrap();
    store.set_tip(&tip_after(std::slice::from_ref(&event.row))).unwrap();
    store.commit().unwrap();

    assert_eq!(rows(&mut store), std::slice::from_ref(&event.row));
    assert_eq!(store.row(1).unwrap(), Some(event.row.clone()));
    assert_eq!(store.history(&stream("claim/C1")).unwrap(), std::slice::from_ref(&event.row));
    assert_eq!(store.revision(&stream("claim/C1")).unwrap(), 1);
    assert_eq!(store.claims_of("O1").unwrap(), ["C1"]);
    assert_eq!(store.find_event(event.row.event_id).unwrap(), Some(1));
    assert_eq!(store.find(&key.unwrap()).unwrap(), Some(1));
    assert_eq!(store.personal(1).unwrap(), event.personal);
    assert_eq!(store.tip().unwrap(), tip_after(&[event.row]));
}

fn what_is_written_is_read_before_the_commit(stores: &mut impl Stores) {
    let mut store = stores.fresh();
    let (event, key) = sealed(OPENING, 1, 1);
    store.begin().unwrap();
    store.append(&event, key.as_ref(), Some("O1")).unwrap();
    assert_eq!(store.revision(&stream("claim/C1")).unwrap(), 1);
    assert_eq!(store.find(&key.unwrap()).unwrap(), Some(1));
    assert_eq!(store.row(1).unwrap(), Some(event.row));
    assert_eq!(store.claims_of("O1").unwrap(), ["C1"]);
    store.rollback();
}

fn what_is_rolled_back_was_never_there(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let before = (rows(store), store.tip().unwrap(), store.books().unwrap(), store.claims_of("O1").unwrap());
    let next = before.1.position + 1;
    let (event, key) = sealed(&OPENING.replace("C1", "C9").replace("c-1", "c-9"), next, 1);

    store.begin().unwrap();
    store.append(&event, key.as_ref(), Some("O1")).unwrap();
    store.set_tip(&tip_after(std::slice::from_ref(&event.row))).unwrap();
    store.post(Some(&claim_rows(&before.0, "C1")), None).unwrap();
    store.refuse(&refusal(next)).unwrap();
    store.rollback();

    let after = (rows(store), store.tip().unwrap(), store.books().unwrap(), store.claims_of("O1").unwrap());
    assert_eq!(after, before);
    assert_eq!(store.find(&key.unwrap()).unwrap(), None);
    assert_eq!(store.find_event(event.row.event_id).unwrap(), None);
    assert_eq!(store.personal(next).unwrap(), []);
    assert_eq!(store.revision(&stream("claim/C9")).unwrap(), 0);
    // A second rollback has nothing to take back, and the store goes on.
    store.rollback();
    script.lines(r#"claim/C1 note_added {"text":"still here"}"#);
    support::assert_sound(script.ledger.store());
}

fn a_history_is_one_stream_by_revision(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let all = rows(store);
    for name in ["ledger", "order/O1", "claim/C1", "claim/C2", "claim/H1", "claim/C3"] {
        let own: Vec<OwnedRow> = all.iter().filter(|row| row.stream == name).cloned().collect();
        assert_eq!(store.history(&stream(name)).unwrap(), own, "{name}");
        assert_eq!(store.revision(&stream(name)).unwrap(), own.len() as u64, "{name}");
    }
}

fn the_registry_leaves_out_refusals(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let kinds: Vec<String> = store.registry().unwrap().into_iter().map(|row| row.kind).collect();
    assert_eq!(kinds, ["policy_published", "actor_registered"]);
    // They still count as revisions of the stream.
    assert_eq!(store.revision(&stream("ledger")).unwrap(), 4);
}

fn a_key_is_found_by_all_its_parts(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let key = |source: &str, kind: &str, id: &str| Key {
        source: source.into(),
        kind: kind.into(),
        external_id: id.into(),
    };
    assert_eq!(store.find(&key("shop", "payment_captured", "p-1")).unwrap(), Some(3));
    assert_eq!(store.find(&key("mail", "payment_captured", "p-1")).unwrap(), None);
    assert_eq!(store.find(&key("shop", "order_recorded", "p-1")).unwrap(), None);
    assert_eq!(store.find(&key("shop", "payment_captured", "p-2")).unwrap(), None);
    // A refused command leaves its key free.
    assert_eq!(store.find(&key("test", "refund_issued", "r-3")).unwrap(), None);
}

fn a_refund_that_decides_keeps_its_key(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    script.lines(
        r#"order/O2 order_recorded {"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":1,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0}]}
        order/O2 payment_captured {"payment":"P2","method_ref":"card","amount":"=100.00 USD"}
        claim/C3 claim_opened {"order":"O2","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email"}"#,
    );
    let line = r#"claim/C3 refund_issued {"refund":"R9","amount":"=40.00 USD","payout":{"to":"original_method"}} @2024-04-02T09:00:00Z from shop key r-9"#;
    let receipt = script.line(line).unwrap().unwrap();
    let again = script.line(line).unwrap().unwrap();
    assert_eq!((receipt.kind.as_str(), receipt.revision), ("refund_issued", 3));
    assert_eq!((again.position, again.event_id), (receipt.position, receipt.event_id.clone()));
    let store = script.ledger.store();
    let key = |kind: &str| Key { source: "shop".into(), kind: kind.into(), external_id: "r-9".into() };
    assert_eq!(store.find(&key("refund_issued")).unwrap(), Some(receipt.position));
    assert_eq!(store.find(&key("remedy_decided")).unwrap(), None);
    let decided = store.row(receipt.position - 1).unwrap().unwrap();
    assert_eq!((decided.kind.as_str(), decided.stream.as_str()), ("remedy_decided", "claim/C3"));
    assert_eq!(store.find_event(decided.event_id).unwrap(), Some(decided.position));
    support::assert_sound(store);
}

fn every_event_is_found_by_its_id(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    for row in rows(store) {
        assert_eq!(store.find_event(row.event_id).unwrap(), Some(row.position));
        assert_eq!(store.row(row.position).unwrap(), Some(row));
    }
    assert_eq!(store.find_event([7; 16]).unwrap(), None);
}

fn the_claims_of_an_order(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let mut claims = script.ledger.store().claims_of("O1").unwrap();
    claims.sort();
    assert_eq!(claims, ["C1", "C2"]);
    assert_eq!(script.ledger.store().claims_of("O2").unwrap(), Vec::<String>::new());
}

fn a_scan_is_any_part_of_the_log(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let all = rows(store);
    let size = all.len() as u64;
    assert!(size >= 15);
    for first in 0..=size + 1 {
        for last in (0..=size + 1).chain([u64::MAX]) {
            let want: Vec<&OwnedRow> = all.iter().filter(|r| (first..=last).contains(&r.position)).collect();
            let have = rows_of(store, Span { first, last });
            assert_eq!(have.iter().collect::<Vec<_>>(), want, "{first} to {last}");
        }
    }
    assert_eq!(rows_of(store, Span::after(3)), all[3..]);
    assert_eq!(rows_of(store, Span::after(u64::MAX)), []);
}

fn a_scan_stops_when_it_is_told_to(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let mut seen = Vec::new();
    script
        .ledger
        .store()
        .scan(Span { first: 2, last: 9 }, &mut |row| {
            seen.push(row.position);
            if row.position == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, [2, 3, 4]);
    // And the next scan is a whole one.
    assert_eq!(rows(script.ledger.store()).first().unwrap().position, 1);
}

fn personal_values_lie_beside_the_log(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let mut values = store.personal(2).unwrap();
    values.sort_by(|a, b| a.path.cmp(&b.path));
    let found: Vec<(&str, &str)> = values.iter().map(|v| (v.path.as_str(), v.value.as_str())).collect();
    let want = [
        ("buyer.email", "jane@example.com"),
        ("buyer.name", "Jane Doe"),
        ("lines[0].serials[0]", "SN-1"),
        ("lines[0].serials[1]", "SN-2"),
    ];
    assert_eq!(found, want);
    for row in rows(store) {
        let body = String::from_utf8(row.body).unwrap();
        for clear in ["Jane", "jane@", "SN-1", "it hums", "Mary"] {
            assert!(!body.contains(clear), "{clear} stands in clear at position {}", row.position);
        }
    }
    let outcome = support::replayed(&rows(store));
    assert!(outcome.findings.is_empty());
}

/// Rows of one claim as its events give them.
fn claim_rows(rows: &[OwnedRow], claim: &str) -> ClaimRows {
    let outcome = support::replayed(rows);
    let id = ClaimId::new(claim).unwrap();
    books_rows(outcome.world.case_of(&id).unwrap(), &id, &Cut::default()).unwrap()
}

fn refusal(position: u64) -> RefusalRow {
    RefusalRow {
        position,
        stream: "claim/C1".into(),
        kind: "refund_issued".into(),
        key: position.is_multiple_of(2).then(|| "k".into()),
        reason: "over_refund".into(),
        message: "only 1.00 USD is still owed on this claim".into(),
        cites: "H-14".into(),
    }
}

/// What claims look like at every moment of the story, posted one over the other.
fn books_are_what_was_posted(stores: &mut impl Stores) {
    let all = rows(told(MemoryStore::new(origin())).ledger.store());
    let mut store = stores.fresh();
    let mut books = Books::default();
    let same = |store: &mut dyn FnMut() -> Books, books: &Books, what: &str| {
        support::same_books("served", &store(), "posted", books)
            .unwrap_or_else(|why| panic!("{what}: {why}"));
    };
    let mut served: std::collections::BTreeMap<&str, ClaimRows> = Default::default();
    store.begin().unwrap();
    for (index, row) in all.iter().enumerate() {
        let Some(claim) = row.stream.strip_prefix("claim/") else { continue };
        let after = claim_rows(&all[..=index], claim);
        let before = served.insert(claim, after.clone());
        store.post(before.as_ref(), Some(&after)).unwrap();
        books.post(before.as_ref(), Some(&after));
        same(&mut || store.books().unwrap(), &books, &text::event(row));
    }
    for position in [7, 8] {
        store.refuse(&refusal(position)).unwrap();
        books.refuse(refusal(position));
    }
    same(&mut || store.books().unwrap(), &books, "refusals");
    for rows in served.values() {
        store.post(Some(rows), None).unwrap();
        books.post(Some(rows), None);
        same(&mut || store.books().unwrap(), &books, "taken out");
    }
    store.commit().unwrap();
    let left = store.books().unwrap();
    assert!(
        left.board.is_empty()
            && left.detail.is_empty()
            && left.totals.is_empty()
            && left.obligations.is_empty()
    );
    assert_eq!(left.refusals.len(), 2);
}

/// Told the same, every store holds what the reference holds, to the byte.
fn the_same_commands_give_the_same_bytes(stores: &mut impl Stores) {
    let mut reference = told(MemoryStore::new(origin()));
    let mut script = told(stores.fresh());
    let (a, b) = (reference.ledger.store(), script.ledger.store());
    assert_eq!(rows(a), rows(b));
    let (tip_a, tip_b) = (a.tip().unwrap(), b.tip().unwrap());
    assert_eq!(tip_a, tip_b);
    assert_eq!(tip_a.frontier.to_bytes(), tip_b.frontier.to_bytes());
    assert_eq!(tip_a.frontier.root(), tip_b.frontier.root());
    let (books_a, books_b) = (a.books().unwrap(), b.books().unwrap());
    support::same_books("reference", &books_a, "this store", &books_b).unwrap();
    assert_eq!(books_a.digest(), books_b.digest());
    assert_eq!(books_a.control_totals(), books_b.control_totals());
    assert_eq!(books_b.refusals.len(), 2);
    support::assert_sound(b);
}

/// Whatever the store cannot do in the middle of a group: nothing of the group counts, and the ledger goes on.
fn a_failure_at_any_step_leaves_nothing_behind(stores: &mut impl Stores) {
    let mut script = Script::new(told(Failing { inner: stores.fresh(), left: None }).ledger);
    let group = [
        r#"claim/C3 claim_opened {"order":"O1","asserted":"doa","units":["L1#2"],"by":"buyer","via":"form","text":"hello"} key c-3"#,
        r#"claim/C1 refund_issued {"refund":"R5","amount":"=100.00 USD","payout":{"to":"original_method"}} key r-5"#,
        r#"claim/C2 refund_issued {"refund":"R6","amount":"=100.00 USD","payout":{"to":"original_method"}} key r-6"#,
        r#"ledger role_granted {"actor":"m.lee","role":"lead"}"#,
    ];
    let batches: Vec<_> = group.iter().map(|line| vec![script.proposal(line)]).collect();
    let before = whole(script.ledger.store());
    for failing in 0.. {
        script.ledger.store().left = Some(failing);
        let result = script.ledger.record_group(batches.clone());
        script.ledger.store().left = None;
        match result {
            Err(why) => {
                assert_eq!(why.code, "no_more", "step {failing}");
                assert_eq!(whole(script.ledger.store()), before, "step {failing}");
            }
            Ok(results) => {
                assert!(failing >= 15, "only {failing} steps could fail");
                let codes: Vec<_> =
                    results.iter().map(|r| r.as_ref().err().map(|why| why.code.as_str())).collect();
                assert_eq!(codes, [None, None, Some("over_refund"), Some("stale_revision")]);
                break;
            }
        }
    }
    // The third was refused, and its refusal moved the ledger stream on before the fourth was looked at.
    script.lines(group[3]);
    support::assert_sound(script.ledger.store());
}

fn an_erased_value_is_gone_and_nothing_else_is(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let store = script.ledger.store();
    let before = (whole(store), store.personal(2).unwrap());
    assert!(!store.is_unclean().unwrap());
    store.begin().unwrap();
    assert!(!store.erase(2, "buyer.fax").unwrap(), "nothing stands there");
    assert!(!store.erase(99, "text").unwrap(), "nor is there such an event");
    assert!(!store.is_unclean().unwrap());
    assert!(store.erase(2, "buyer.name").unwrap());
    assert!(!store.erase(2, "buyer.name").unwrap(), "a value goes once");
    assert!(store.is_unclean().unwrap());
    store.rollback();
    assert_eq!((whole(store), store.personal(2).unwrap()), before);
    assert!(!store.is_unclean().unwrap());

    store.begin().unwrap();
    assert!(store.erase(2, "buyer.name").unwrap());
    assert!(store.erase(2, "lines[0].serials[1]").unwrap());
    store.commit().unwrap();
    assert!(store.is_unclean().unwrap());
    let mut left: Vec<String> = store.personal(2).unwrap().into_iter().map(|row| row.path).collect();
    left.sort();
    assert_eq!(left, ["buyer.email", "lines[0].serials[0]"]);
    assert_eq!(whole(store), before.0);
    store.clean(Duration::ZERO).unwrap();
    assert!(!store.is_unclean().unwrap());
    store.clean(Duration::ZERO).unwrap();
    assert_eq!(whole(store), before.0);
}

/// Ann asks, d.ruiz carries it out, m.klein approves.
fn request(selection: Selection) -> Request {
    Request {
        selection,
        basis: Some(Code::new("gdpr_art17").unwrap()),
        requester: ActorId::new("ann").unwrap(),
        actor: ActorId::new("d.ruiz").unwrap(),
        role: Code::new("privacy").unwrap(),
        approver: Some(ActorId::new("m.klein").unwrap()),
        source: SourceId::new("test").unwrap(),
        on: When { at: instant(support::NOW), offset_minutes: 0 },
    }
}

fn order(id: &str) -> Selection {
    Selection::Order(OrderId::new(id).unwrap())
}

fn a_redaction_takes_the_values_and_leaves_the_proofs(stores: &mut impl Stores) {
    let mut script = told(stores.fresh());
    let before = whole(script.ledger.store());
    let plan = redaction::plan(script.ledger.store(), &order("O1")).unwrap();
    assert_eq!((plan.values.len(), plan.holds.len()), (5, 0));
    assert_eq!(whole(script.ledger.store()), before, "a plan writes nothing");

    let report = redaction::erase(&mut script.ledger, &request(order("O1"))).unwrap();
    assert_eq!((report.outcome, report.erased, report.erased_before, report.missing), ("recorded", 5, 0, 0));
    assert!(report.values.iter().all(|value| value.state == State::Redacted));
    let store = script.ledger.store();
    assert_eq!((store.personal(2).unwrap(), store.personal(4).unwrap()), (vec![], vec![]));
    assert_eq!(store.personal(6).unwrap().len(), 1, "Mary Lee is on no order");
    let after = whole(store);
    assert_eq!(after.0[..before.0.len()], before.0, "every event stays as it was");
    assert_eq!(after.2, before.2, "so does every figure");
    let [event] = &after.0[before.0.len()..] else { panic!("one event more") };
    assert_eq!(
        (event.kind.as_str(), event.position),
        ("personal_data_redacted", report.recorded_at_positions[0])
    );
    let text = text::event(event);
    assert!(text.contains("by d.ruiz as privacy approved m.klein") && text.contains(r#""requester":"ann""#));
    support::assert_sound(store);
    store.clean(Duration::ZERO).unwrap();

    // Once more is no second redaction.
    let again = redaction::erase(&mut script.ledger, &request(order("O1"))).unwrap();
    assert_eq!((again.outcome, again.erased, again.erased_before), ("already_recorded", 0, 5));
    assert_eq!(again.recorded_at_positions, [0; 0]);
    assert_eq!(whole(script.ledger.store()), after);

    // The same message again is the same fact: what was erased is not compared, the rest is.
    let opening = STORY.lines().find(|line| line.contains("key c-1")).unwrap();
    let rewritten = opening.replace("it hums", "it never hummed");
    for line in [opening, &rewritten] {
        let receipt = script.line(line).unwrap().unwrap();
        assert_eq!((receipt.outcome, receipt.position), (claims::ledger::Outcome::AlreadyRecorded, 4));
    }
    assert_eq!(script.ledger.store().personal(4).unwrap(), []);
    let why = script.line(&opening.replace("email", "phone")).unwrap_err();
    assert_eq!(why.code, "conflict");
    support::assert_sound(script.ledger.store());
}

fn a_redaction_that_fails_at_any_step_erases_nothing(stores: &mut impl Stores) {
    let mut script = Script::new(told(Failing { inner: stores.fresh(), left: None }).ledger);
    let personal =
        |store: &mut Failing<_>| [2, 4, 6].map(|position| Store::personal(store, position).unwrap());
    let before = (whole(script.ledger.store()), personal(script.ledger.store()));
    for failing in 0.. {
        script.ledger.store().left = Some(failing);
        let result = redaction::erase(&mut script.ledger, &request(order("O1")));
        script.ledger.store().left = None;
        match result {
            Err(why) => {
                assert_eq!(why.code, "no_more", "step {failing}");
                let after = (whole(script.ledger.store()), personal(script.ledger.store()));
                assert_eq!(after, before, "step {failing}");
                assert!(!script.ledger.store().is_unclean().unwrap(), "step {failing}");
            }
            Ok(report) => {
                assert_eq!(report.erased, 5);
                assert!(failing >= 20, "only {failing} steps could fail");
                break;
            }
        }
    }
    support::assert_sound(script.ledger.store());
}

fn whole<S: Store>(store: &mut S) -> (Vec<OwnedRow>, Tip, Books, Vec<String>) {
    (rows(store), store.tip().unwrap(), store.books().unwrap(), store.claims_of("O1").unwrap())
}

/// A store that does what it is asked to a number of times, and then nothing more.
struct Failing<S> {
    inner: S,
    left: Option<u32>,
}
impl<S: Store> Failing<S> {
    fn step(&mut self) -> Result<&mut S> {
        match &mut self.left {
            Some(0) => return Err(Error::new(ErrorKind::Storage, "no_more", "the store has had enough")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(&mut self.inner)
    }
}
impl<S: Store> Store for Failing<S> {
    fn origin(&self) -> &Origin {
        self.inner.origin()
    }
    fn tip(&mut self) -> Result<Tip> {
        self.step()?.tip()
    }
    fn begin(&mut self) -> Result<()> {
        self.step()?.begin()
    }
    fn commit(&mut self) -> Result<()> {
        self.step()?.commit()
    }
    fn rollback(&mut self) {
        self.inner.rollback();
    }
    fn history(&mut self, stream: &Stream) -> Result<Vec<OwnedRow>> {
        self.step()?.history(stream)
    }
    fn registry(&mut self) -> Result<Vec<OwnedRow>> {
        self.step()?.registry()
    }
    fn revision(&mut self, stream: &Stream) -> Result<u64> {
        self.step()?.revision(stream)
    }
    fn claims_of(&mut self, order: &str) -> Result<Vec<String>> {
        self.step()?.claims_of(order)
    }
    fn find(&mut self, key: &Key) -> Result<Option<u64>> {
        self.step()?.find(key)
    }
    fn find_event(&mut self, event_id: [u8; 16]) -> Result<Option<u64>> {
        self.step()?.find_event(event_id)
    }
    fn row(&mut self, position: u64) -> Result<Option<OwnedRow>> {
        self.step()?.row(position)
    }
    fn scan(&mut self, span: Span, on_row: OnRow<'_>) -> Result<()> {
        self.step()?.scan(span, on_row)
    }
    fn personal(&mut self, position: u64) -> Result<Vec<PersonalRow>> {
        self.step()?.personal(position)
    }
    fn erase(&mut self, position: u64, path: &str) -> Result<bool> {
        self.step()?.erase(position, path)
    }
    fn is_unclean(&mut self) -> Result<bool> {
        self.step()?.is_unclean()
    }
    fn clean(&mut self, wait: Duration) -> Result<()> {
        self.step()?.clean(wait)
    }
    fn append(&mut self, sealed: &Sealed, key: Option<&Key>, order: Option<&str>) -> Result<()> {
        self.step()?.append(sealed, key, order)
    }
    fn set_tip(&mut self, tip: &Tip) -> Result<()> {
        self.step()?.set_tip(tip)
    }
    fn post(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) -> Result<()> {
        self.step()?.post(before, after)
    }
    fn refuse(&mut self, row: &RefusalRow) -> Result<()> {
        self.step()?.refuse(row)
    }
    fn books(&mut self) -> Result<Books> {
        self.step()?.books()
    }
}

macro_rules! every_store_passes {
    ($($check:ident)+) => {
        mod memory {
            $(#[test] fn $check() { super::$check(&mut super::Memory); })+
        }
        mod sqlite {
            $(#[test] fn $check() { super::$check(&mut super::Sqlite::new()); })+
        }
    };
}
every_store_passes! {
    an_empty_log_holds_nothing
    what_is_committed_is_found_again
    what_is_written_is_read_before_the_commit
    what_is_rolled_back_was_never_there
    a_history_is_one_stream_by_revision
    the_registry_leaves_out_refusals
    a_key_is_found_by_all_its_parts
    a_refund_that_decides_keeps_its_key
    every_event_is_found_by_its_id
    the_claims_of_an_order
    a_scan_is_any_part_of_the_log
    a_scan_stops_when_it_is_told_to
    personal_values_lie_beside_the_log
    books_are_what_was_posted
    the_same_commands_give_the_same_bytes
    a_failure_at_any_step_leaves_nothing_behind
    an_erased_value_is_gone_and_nothing_else_is
    a_redaction_takes_the_values_and_leaves_the_proofs
    a_redaction_that_fails_at_any_step_erases_nothing
}

// ---- what only a file does ------------------------------------------------------------------------------------------

mod file {
    use super::*;
    use rusqlite::Connection;

    fn kind<T: std::fmt::Debug>(result: claims::error::Result<T>) -> (ErrorKind, String) {
        let why = result.unwrap_err();
        (why.kind, why.code)
    }

    #[test]
    fn a_file_that_is_opened_again_is_the_same_ledger() {
        let mut made = Sqlite::new();
        let path = made.path();
        let mut script = told(SqliteStore::create(&path, &origin()).unwrap());
        let store = script.ledger.store();
        let before = (rows(store), store.tip().unwrap(), store.books().unwrap(), store.personal(2).unwrap());
        drop(script);

        let mut ledger = support::sqlite_again(&path, "again");
        let store = ledger.store();
        assert_eq!(store.origin(), &origin());
        let after = (rows(store), store.tip().unwrap(), store.books().unwrap(), store.personal(2).unwrap());
        assert_eq!(after, before);

        // Known keys stay known, and the story goes on where it ended.
        let mut script = Script::new(ledger);
        let again = STORY.lines().find(|line| line.contains("key r-1")).unwrap();
        let receipt = script.line(again).unwrap().unwrap();
        assert_eq!((receipt.outcome, receipt.position), (claims::ledger::Outcome::AlreadyRecorded, 8));
        script.lines(r#"claim/C1 refund_issued {"refund":"R9","amount":"=100.00 USD","payout":{"to":"original_method"}}"#);
        script.line(REFUSED[0]).unwrap_err();
        support::assert_sound(script.ledger.store());
    }

    #[test]
    fn a_file_opened_for_reading_is_not_written() {
        let mut made = Sqlite::new();
        let path = made.path();
        drop(told(SqliteStore::create(&path, &origin()).unwrap()));
        let mut store = SqliteStore::open_read_only(&path).unwrap();
        support::assert_sound(&mut store);
        let door = claims::door::Door::fixed("reader", instant(support::NOW));
        let mut script = Script::new(Ledger::new(store, door));
        let (kind, code) = kind(script.line(r#"claim/C1 note_added {"text":"no"}"#));
        assert_eq!((kind, code.as_str()), (ErrorKind::Storage, "ledger_is_read_only"));
    }

    #[test]
    fn a_reader_keeps_its_moment_while_others_write() {
        let mut made = Sqlite::new();
        let path = made.path();
        let mut script = told(SqliteStore::create(&path, &origin()).unwrap());
        let mut reader = SqliteStore::open_read_only(&path).unwrap();
        reader.begin_read().unwrap();
        let before = reader.tip().unwrap();
        script.lines(r#"claim/C1 note_added {"text":"meanwhile"}"#);
        assert_eq!(reader.tip().unwrap(), before);
        assert_eq!(rows(&mut reader).len() as u64, before.position);
        reader.end_read();
        assert_eq!(reader.tip().unwrap().position, before.position + 1);
    }

    #[test]
    fn events_are_never_changed_nor_deleted() {
        let mut made = Sqlite::new();
        let path = made.path();
        drop(told(SqliteStore::create(&path, &origin()).unwrap()));
        let db = Connection::open(&path).unwrap();
        for (sql, why) in [
            ("UPDATE events SET kind = 'note_added' WHERE position = 8", "events are never changed"),
            ("DELETE FROM events WHERE position = 8", "events are never deleted"),
            (
                "INSERT INTO events SELECT 99, stream, revision, x'00112233445566778899aabbccddeeff', kind, recorded_at, body, leaf FROM events WHERE position = 8",
                "UNIQUE",
            ),
            (
                "INSERT INTO events SELECT 99, 'claim/X', 1, event_id, kind, recorded_at, body, leaf FROM events WHERE position = 8",
                "UNIQUE",
            ),
            ("INSERT INTO keys SELECT source, kind, external_id, 99 FROM keys LIMIT 1", "UNIQUE"),
        ] {
            let found = db.execute(sql, []).unwrap_err().to_string();
            assert!(found.contains(why), "{sql}: {found}");
        }
    }

    #[test]
    fn a_place_in_the_log_is_given_once() {
        let mut made = Sqlite::new();
        let mut script = told(made.fresh());
        let store = script.ledger.store();
        let before = rows(store);
        let (event, _) = sealed(&OPENING.replace("C1", "C9"), 5, 1);
        store.begin().unwrap();
        let (kind, code) = kind(store.append(&event, None, Some("O1")));
        assert_eq!((kind, code.as_str()), (ErrorKind::Storage, "storage"));
        store.rollback();
        assert_eq!(rows(store), before);
    }

    #[test]
    fn what_is_no_ledger_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let open = |name: &str| {
            let (kind, code) = kind(SqliteStore::open(&path(name)));
            (text::word(&kind), code)
        };
        let is = |kind: &str, code: &str| (kind.to_string(), code.to_string());

        assert_eq!(open("missing"), is("not_found", "not_found"));
        std::fs::write(path("text"), "not a database, but long enough to be looked at as one".repeat(100))
            .unwrap();
        assert_eq!(open("text"), is("not_a_ledger", "not_a_ledger"));
        Connection::open(path("other")).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert_eq!(open("other"), is("not_a_ledger", "not_a_ledger"));
        drop(SqliteStore::create(&path("newer"), &origin()).unwrap());
        Connection::open(path("newer")).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert_eq!(open("newer"), is("not_a_ledger", "ledger_is_newer"));
        let (kind, code) = kind(SqliteStore::create(&path("text"), &origin()));
        assert_eq!((kind, code.as_str()), (ErrorKind::Refused, "file_exists"));
        assert!(std::fs::read_to_string(path("text")).unwrap().starts_with("not a database"));
    }

    #[test]
    fn a_tip_that_does_not_fit_its_log_is_broken() {
        let mut made = Sqlite::new();
        let path = made.path();
        drop(told(SqliteStore::create(&path, &origin()).unwrap()));
        Connection::open(&path).unwrap().execute("UPDATE tip SET position = position - 1", []).unwrap();
        let mut store = SqliteStore::open(&path).unwrap();
        assert_eq!(kind(store.tip()), (ErrorKind::BrokenLog, "tip_is_broken".into()));
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_a_new_ledger() {
        use std::os::unix::fs::PermissionsExt;
        let mut made = Sqlite::new();
        let path = made.path();
        drop(SqliteStore::create(&path, &origin()).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
