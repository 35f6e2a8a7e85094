//! Many writers at once, when one hand of the writer decides while the other makes durable: nothing that was acknowledged
//! is lost, nothing counts twice, and the books fit the log at every commit, whatever fails in between.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use claims::command::Defaults;
use claims::door::Door;
use claims::error::{Error, ErrorKind, Result};
use claims::ledger::{Ledger, Outcome, Receipt};
use claims::progress::Progress;
use claims::record::{self, Options};
use claims::store::sqlite::SqliteStore;
use claims::store::{Key, OnRow, Span, Store, Tip};
use claims::writer::{Load, TWO_HANDS_BATCHES_MIN, Writer};
use proptest::prelude::*;
use proptest::test_runner::Config;
use replay::books::{Books, ClaimRows, RefusalRow};
use replay::codec::OwnedRow;
use replay::event::Event;
use replay::ids::{ActorId, Code, Expected, Origin, SourceId, Stream};
use replay::seal::{PersonalRow, Proposal, Sealed};
use replay::time::When;
use serde_json::json;
use support::{Script, assert_sound, check_sound, rows, text};

const WRITERS: u64 = 3 * TWO_HANDS_BATCHES_MIN as u64;
const ROUNDS: u64 = 6;
/// Events of one writer: it opens a claim, decides, and in each round notes something and refunds one cent.
const EVENTS_OF_A_WRITER: u64 = 2 + 2 * ROUNDS;
/// How often a command is sent again when the disk has failed, where it is made to fail.
const TRIES: u32 = 50;

struct Place {
    _folder: tempfile::TempDir,
    path: PathBuf,
    /// Events that were there before anybody wrote.
    before: usize,
}

/// A ledger file with a paid order for every writer and one more.
fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let mut script = Script::new(support::sqlite(&path, "begin"));
    script.lines(
        r#"ledger policy_published {"policy":"P","version":1,"name":"Shop","effective_from":"2024-01-01","body":{"policy":{"id":"P"},"entitlement":[{"id":"any","windows":[],"remedies":["refund","replacement","repair"],"chooser":"customer","cites":["P-1"]}]}} by ann approved bob"#,
    );
    for order in 0..=WRITERS {
        script.lines(&format!(
            r#"order/O{order} order_recorded {{"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{{"country":"US"}},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":100000,"line_discount_minor":0,"tax_minor":0}}]}}
               order/O{order} payment_captured {{"payment":"P1","method_ref":"card","amount":"=2000.00 USD"}}"#
        ));
    }
    let before = rows(script.ledger.store()).len();
    Place { _folder: folder, path, before }
}

/// What one writer sends, in order: each line with the revision it expects.
fn commands(number: u64) -> Vec<String> {
    let claim = format!("claim/C{number}");
    let mut lines = vec![
        format!(
            r#"{claim} claim_opened {{"order":"O{number}","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email"}} key {number}.open"#
        ),
        format!(
            r#"{claim} remedy_decided {{"units":["L1#1"],"remedy":"refund","entitlement":"=1000.00 USD"}} key {number}.decide"#
        ),
    ];
    for round in 0..ROUNDS {
        lines.push(format!(r#"{claim} note_added {{"text":"{number}.{round}"}} key {number}.{round}.note"#));
        lines.push(format!(
            r#"{claim} refund_issued {{"refund":"R{number}.{round}","amount":"=0.01 USD","payout":{{"to":"original_method"}}}} key {number}.{round}.refund"#
        ));
    }
    lines
}

fn command(line: &str, revision: u64) -> Proposal {
    text::parse(line).proposal(&BTreeMap::new(), revision, support::instant(support::NOW))
}

/// One writer: sends its commands one after the other, asks again when the disk fails, and gets wrong on purpose what must
/// not disturb the others.
fn write(writer: &Writer, number: u64, tries: u32, acknowledged: &dyn Fn(&Receipt)) -> Vec<Receipt> {
    let mut receipts = Vec::new();
    for (revision, line) in commands(number).iter().enumerate() {
        let proposal = command(line, revision as u64);
        let mut failed = 0;
        let receipt = loop {
            match writer.record(vec![proposal.clone()]) {
                Ok(mut receipts) => break receipts.remove(0),
                Err(why) if why.kind == ErrorKind::Storage && failed < tries => failed += 1,
                Err(why) => panic!("{line}: {why}"),
            }
        };
        acknowledged(&receipt);
        receipts.push(receipt);
        if revision == 3 {
            let again = writer.record(vec![proposal]);
            assert!(again.is_err() || again.unwrap()[0].outcome == Outcome::AlreadyRecorded);
            let wrong = format!(r#"claim/C{number} refund_posted {{"refund":"never"}} key {number}.wrong"#);
            let refused = writer.record(vec![command(&wrong, 4)]).unwrap_err();
            assert!(refused.kind == ErrorKind::Storage || refused.code == "refund_is_not_on_record");
            let late = format!(r#"claim/C{number} note_added {{"text":"late"}} key {number}.late"#);
            let stale = writer.record(vec![command(&late, 1)]).unwrap_err();
            assert!(matches!(stale.kind, ErrorKind::Storage | ErrorKind::Stale), "{stale}");
            if stale.kind == ErrorKind::Stale {
                let since = stale.details.join("\n");
                assert!(
                    since.contains("revision 4 refund_issued"),
                    "what is not on disk yet counts: {since}"
                );
            }
        }
    }
    receipts
}

/// All writers at once behind one writer thread.
fn write_all<S: Store + Send + 'static>(ledger: Ledger<S>, tries: u32) -> (Vec<Receipt>, Ledger<S>) {
    let (writer, thread) = Writer::start(ledger);
    let receipts = thread::scope(|scope| {
        let handles: Vec<_> = (0..WRITERS)
            .map(|number| {
                let writer = writer.clone();
                scope.spawn(move || write(&writer, number, tries, &|_| {}))
            })
            .collect();
        handles.into_iter().flat_map(|handle| handle.join().unwrap()).collect()
    });
    drop(writer);
    (receipts, thread.join().unwrap())
}

/// Every command is on record once, where its receipt says; beside them there are refusals only.
fn all_there<S: Store>(store: &mut S, before: usize, receipts: &[Receipt]) {
    assert_sound(store);
    assert_eq!(receipts.len() as u64, WRITERS * EVENTS_OF_A_WRITER);
    let rows = rows(store);
    let others = rows[before..].iter().filter(|row| row.stream != "ledger");
    assert_eq!(others.count(), receipts.len());
    for receipt in receipts {
        let row = &rows[usize::try_from(receipt.position).unwrap() - 1];
        assert_eq!((&row.stream, row.revision), (&receipt.stream, receipt.revision));
        assert_eq!(uuid::Uuid::from_bytes(row.event_id).to_string(), receipt.event_id);
    }
    let refused: BTreeSet<String> =
        store.books().unwrap().refusals.into_values().filter_map(|r| r.key).collect();
    assert!(refused.len() as u64 <= WRITERS, "a refused act is on record once");
}

/// A ledger file that counts what the other hand does, and can fail it.
struct Watched {
    inner: SqliteStore,
    is_other_hand: bool,
    watch: Arc<Watch>,
}
#[derive(Default)]
struct Watch {
    /// Groups that the other hand has made durable.
    commits: AtomicU64,
    /// Steps until the other hand fails once; below zero never.
    left: AtomicI64,
}
impl Watched {
    fn open(path: &Path, watch: &Arc<Watch>) -> Ledger<Self> {
        let inner = SqliteStore::open(path).unwrap();
        let store = Self { inner, is_other_hand: false, watch: Arc::clone(watch) };
        Ledger::new(store, Door::fixed("watched", support::instant(support::NOW)))
    }
    fn step(&mut self) -> Result<&mut SqliteStore> {
        if self.is_other_hand && self.watch.left.fetch_sub(1, Ordering::SeqCst) == 0 {
            return Err(Error::new(ErrorKind::Storage, "no_more", "the disk has had enough"));
        }
        Ok(&mut self.inner)
    }
}
impl Store for Watched {
    fn origin(&self) -> &Origin {
        self.inner.origin()
    }
    fn another(&self) -> Result<Option<Self>> {
        let another = self.inner.another()?;
        Ok(another.map(|inner| Self { inner, is_other_hand: true, watch: Arc::clone(&self.watch) }))
    }
    fn tip(&mut self) -> Result<Tip> {
        self.step()?.tip()
    }
    fn begin(&mut self) -> Result<()> {
        self.step()?.begin()
    }
    fn commit(&mut self) -> Result<()> {
        self.step()?.commit()?;
        if self.is_other_hand {
            self.watch.commits.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
    fn rollback(&mut self) {
        self.inner.rollback();
    }
    fn history(&mut self, stream: &Stream) -> Result<Vec<OwnedRow>> {
        self.inner.history(stream)
    }
    fn registry(&mut self) -> Result<Vec<OwnedRow>> {
        self.inner.registry()
    }
    fn revision(&mut self, stream: &Stream) -> Result<u64> {
        self.inner.revision(stream)
    }
    fn claims_of(&mut self, order: &str) -> Result<Vec<String>> {
        self.inner.claims_of(order)
    }
    fn find(&mut self, key: &Key) -> Result<Option<u64>> {
        self.inner.find(key)
    }
    fn find_event(&mut self, event_id: [u8; 16]) -> Result<Option<u64>> {
        self.inner.find_event(event_id)
    }
    fn row(&mut self, position: u64) -> Result<Option<OwnedRow>> {
        self.inner.row(position)
    }
    fn scan(&mut self, span: Span, on_row: OnRow<'_>) -> Result<()> {
        self.inner.scan(span, on_row)
    }
    fn personal(&mut self, position: u64) -> Result<Vec<PersonalRow>> {
        self.inner.personal(position)
    }
    fn erase(&mut self, position: u64, path: &str) -> Result<bool> {
        self.inner.erase(position, path)
    }
    fn is_unclean(&mut self) -> Result<bool> {
        self.inner.is_unclean()
    }
    fn clean(&mut self, wait: Duration) -> Result<()> {
        self.inner.clean(wait)
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
        self.inner.books()
    }
}

#[test]
fn books_fit_the_log_at_every_commit() {
    let place = place();
    let watch = Arc::new(Watch { left: AtomicI64::new(-1), ..Watch::default() });
    let ledger = Watched::open(&place.path, &watch);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (path, done) = (&place.path, &done);
        let reader = scope.spawn(move || {
            let mut store = SqliteStore::open_read_only(path).unwrap();
            let mut looks = 0;
            while !done.load(Ordering::SeqCst) {
                store.begin_read().unwrap();
                check_sound(&mut store).unwrap_or_else(|why| panic!("at look {looks}: {why}"));
                store.end_read();
                looks += 1;
            }
            looks
        });
        let (receipts, mut ledger) = write_all(ledger, 0);
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
        all_there(ledger.store(), place.before, &receipts);
    });
    assert!(watch.commits.load(Ordering::SeqCst) > 0, "the other hand had nothing to do");
}

#[test]
fn when_the_other_hand_fails_what_was_decided_on_top_is_decided_again() {
    for left in [0, 2, 7, 40, 150] {
        let place = place();
        let watch = Arc::new(Watch { left: AtomicI64::new(left), ..Watch::default() });
        let (receipts, mut ledger) = write_all(Watched::open(&place.path, &watch), TRIES);
        all_there(ledger.store(), place.before, &receipts);
        assert!(watch.left.load(Ordering::SeqCst) < 0, "step {left} was never reached");
    }
}

#[test]
fn another_program_in_between_makes_the_writer_decide_again() {
    let place = place();
    let watch = Arc::new(Watch { left: AtomicI64::new(-1), ..Watch::default() });
    let ledger = Watched::open(&place.path, &watch);
    let done = AtomicBool::new(false);
    let (mut receipts, mut ledger, others) = thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut script = Script::new(support::sqlite_again(&place.path, "other"));
            script.lines(&format!(
                r#"claim/other claim_opened {{"order":"O{WRITERS}","asserted":"defect","units":["L1#1"],"by":"buyer","via":"email"}}"#
            ));
            let mut written = 1;
            while !done.load(Ordering::SeqCst) {
                script.lines(&format!(r#"claim/other note_added {{"text":"{written}"}} rev {written}"#));
                written += 1;
                // In between, not all the time: SQLite gives the lock to whoever asks first.
                let last = script.ledger.store().tip().unwrap().position;
                while !done.load(Ordering::SeqCst) && script.ledger.store().tip().unwrap().position == last {
                    thread::yield_now();
                }
            }
            written
        });
        let (receipts, ledger) = write_all(ledger, 0);
        done.store(true, Ordering::SeqCst);
        (receipts, ledger, other.join().unwrap())
    });
    let store = ledger.store();
    assert_eq!(store.revision(&support::stream("claim/other")).unwrap(), others);
    assert!(others > 2, "the other program had no time to write");
    receipts.sort_by_key(|receipt| receipt.position);
    receipts.dedup_by_key(|receipt| receipt.position);
    assert_eq!(receipts.len() as u64, WRITERS * EVENTS_OF_A_WRITER, "no two stand at one position");
    assert_sound(store);
    let own = rows(store).iter().filter(|row| row.stream.starts_with("claim/C")).count();
    assert_eq!(own, receipts.len());
}

/// The child: many writers at once, until somebody kills it; says what is durable as soon as it is.
#[test]
fn child_writes_with_two_hands() {
    let Ok(path) = std::env::var("TWO_HANDS_CHILD") else { return };
    let ledger = Ledger::new(SqliteStore::open(Path::new(&path)).unwrap(), Door::System);
    let (writer, _thread) = Writer::start(ledger);
    let say = |receipt: &Receipt| {
        let line = format!("ack {} {}\n", receipt.position, receipt.event_id);
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes()).unwrap();
        out.flush().unwrap();
    };
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let (writer, say) = (writer.clone(), &say);
            scope.spawn(move || write(&writer, number, 0, say));
        }
    });
}

#[test]
fn what_was_acknowledged_by_either_hand_survives_a_kill() {
    let (mut acknowledged, mut cut_short) = (0, 0);
    for round in 0..12 {
        let place = place();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_with_two_hands", "--nocapture"])
            .env("TWO_HANDS_CHILD", &place.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut acks = Vec::new();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(|line| line.ok());
        // So many acknowledgements long it lives; what was said before it died still counts.
        let life = 1 + round * 37;
        while acks.len() < life {
            let Some(line) = lines.next() else { break };
            acks.extend(ack(&line));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acks.extend(lines.filter_map(|line| ack(&line)));

        let mut store = SqliteStore::open(&place.path).unwrap();
        assert_sound(&mut store);
        let rows = rows(&mut store);
        for (position, event_id) in &acks {
            let row = rows.get(position - 1).unwrap_or_else(|| panic!("position {position} is lost"));
            assert_eq!(uuid::Uuid::from_bytes(row.event_id).to_string(), *event_id);
        }
        acknowledged += acks.len();
        cut_short +=
            usize::from((rows.len() - place.before) < usize::try_from(WRITERS * EVENTS_OF_A_WRITER).unwrap());
    }
    assert!(acknowledged > 1_000 && cut_short > 6, "{acknowledged} acknowledged, {cut_short} cut short");
}

/// A line that was cut off by the kill is no acknowledgement.
fn ack(line: &str) -> Option<(usize, String)> {
    let (position, event_id) = line.strip_prefix("ack ")?.split_once(' ')?;
    (event_id.len() == 36).then_some((position.parse().ok()?, event_id.into()))
}

/// The commands of all writers as a file: one after the other, a line each, in turn.
fn file() -> Vec<String> {
    let mut all: Vec<_> = (0..WRITERS).map(|number| commands(number).into_iter().enumerate()).collect();
    let mut lines = Vec::new();
    for _ in 0..EVENTS_OF_A_WRITER {
        for (revision, line) in all.iter_mut().filter_map(Iterator::next) {
            lines.push(json_line(&line, revision as u64));
        }
    }
    lines
}

/// A command of these tests as a line of a file.
fn json_line(line: &str, revision: u64) -> String {
    let line = text::parse(line);
    let mut command = json!({
        "stream": line.stream, "kind": line.kind, "expected_revision": revision, "payload": line.payload,
    });
    if let Some(key) = line.key {
        command["external_id"] = key.into();
    }
    command.to_string()
}

/// Records a file; gives the lines that were answered with a receipt, and how it ended.
fn record_file<S: Store + Send + 'static>(
    ledger: &mut Ledger<S>,
    lines: &[String],
    keep_going: bool,
) -> (Vec<(u64, Receipt)>, Result<record::Tally>) {
    let defaults = Defaults {
        actor: ActorId::new("a.jones").unwrap(),
        role: Code::new("agent").unwrap(),
        source: SourceId::new("test").unwrap(),
        effective: When { at: support::instant(support::NOW), offset_minutes: 0 },
    };
    let read =
        |_, line: &[u8], begun: &dyn Fn(&Stream) -> bool| claims::command::parse(line, &defaults, begun);
    let options = Options { name: "file", read: &read, keep_going, atomic: false };
    let mut receipts = Vec::new();
    let mut answer = |line: u64, result: &Result<Receipt>| {
        receipts.extend(result.iter().map(|receipt| (line, receipt.clone())));
        Ok(())
    };
    let text = lines.join("\n");
    let ended = record::record(ledger, &mut text.as_bytes(), &options, &Progress::silent(), &mut answer);
    (receipts, ended)
}

#[test]
fn a_file_ends_at_its_first_bad_line_whichever_hand_has_it() {
    let lines = file();
    // In the first group, at its end, at the beginning of the second, and in the last.
    for bad in [3, 511, 512, 600] {
        let place = place();
        let mut lines = lines.clone();
        let wrong = r#"claim/C0 refund_posted {"refund":"never"} key wrong"#;
        lines.insert(bad, json_line(wrong, 0));
        let (receipts, ended) = record_file(&mut support::sqlite_again(&place.path, "file"), &lines, false);
        let why = ended.unwrap_err();
        assert!(why.at.as_deref().is_some_and(|at| at.starts_with(&format!("file:{}", bad + 1))), "{why}");
        assert_eq!(receipts.len(), bad, "every line before it has a receipt, and none after it");
        let mut store = SqliteStore::open(&place.path).unwrap();
        assert_sound(&mut store);
        let own = rows(&mut store).iter().filter(|row| row.stream.starts_with("claim/C")).count();
        assert_eq!(own, bad, "what came before it is on record, and nothing after it");

        // Corrected and sent again, the file is completed.
        lines.remove(bad);
        let (receipts, ended) = record_file(&mut support::sqlite_again(&place.path, "again"), &lines, false);
        let tally = ended.unwrap();
        assert_eq!((tally.already_recorded, tally.failed), (bad as u64, 0));
        let receipts: Vec<Receipt> = receipts.into_iter().map(|(_, receipt)| receipt).collect();
        all_there(&mut store, place.before, &receipts);
    }
}

#[test]
fn a_file_goes_on_past_bad_lines_when_told_to() {
    let place = place();
    let mut lines = file();
    for bad in [600, 512, 3] {
        lines.insert(bad, json_line(r#"claim/C0 refund_posted {"refund":"never"}"#, 0));
    }
    let (receipts, ended) = record_file(&mut support::sqlite_again(&place.path, "file"), &lines, true);
    assert!(ended.unwrap_err().to_string().contains("3 lines could not be recorded"));
    let receipts: Vec<Receipt> = receipts.into_iter().map(|(_, receipt)| receipt).collect();
    all_there(&mut SqliteStore::open(&place.path).unwrap(), place.before, &receipts);
}

#[test]
fn a_file_that_storage_has_failed_is_completed_when_it_is_sent_again() {
    for left in [0, 3, 300, 560] {
        let place = place();
        let watch = Arc::new(Watch { left: AtomicI64::new(left), ..Watch::default() });
        let (receipts, ended) = record_file(&mut Watched::open(&place.path, &watch), &file(), false);
        assert_eq!(ended.unwrap_err().code, "no_more", "step {left}");
        let mut store = SqliteStore::open(&place.path).unwrap();
        assert_sound(&mut store);
        let own = rows(&mut store).iter().filter(|row| row.stream.starts_with("claim/C")).count();
        assert_eq!(own, receipts.len(), "step {left}: what has no receipt is not on record");
        let mut ledger = support::sqlite_again(&place.path, "again");
        let (receipts, ended) = record_file(&mut ledger, &file(), false);
        assert_eq!(ended.unwrap().failed, 0);
        let receipts: Vec<Receipt> = receipts.into_iter().map(|(_, receipt)| receipt).collect();
        all_there(&mut store, place.before, &receipts);
    }
}

proptest! {
    #![proptest_config(Config { cases: 12, ..Config::default() })]
    /// The log and the books do not know in what groups they were written, nor by which hand.
    #[test]
    fn groups_and_hands_make_no_difference(sizes in proptest::collection::vec(1..=40usize, 1..=12)) {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let mut ledger = support::sqlite(&folder.path().join(name), "the same");
            let published = claims::policy_file::embedded::policies().unwrap().into_iter().map(|p| p.published.into());
            let batch = published.enumerate().map(|(i, event)| publication(i, event)).collect();
            ledger.record(batch).unwrap();
            ledger.door().set_now(support::instant("2027-01-01T00:00:00Z"));
            ledger
        };
        let merchants = claims::generate::merchants().unwrap();
        let steps: Vec<_> = claims::generate::Generator::new(7, &merchants, 300).map(|step| step.batch).collect();
        let (mut plain, mut loaded) = (make("plain.db"), make("loaded.db"));
        for batch in steps.clone() {
            plain.record(batch).unwrap();
        }
        let mut load = Load::new(&mut loaded, true);
        let mut steps = steps.into_iter();
        let mut results = Vec::new();
        for size in sizes.iter().cycle() {
            let group: Vec<_> = steps.by_ref().take(*size).collect();
            if group.is_empty() {
                break;
            }
            results.extend(load.record(group).unwrap());
        }
        results.extend(load.finish().unwrap());
        let recorded: usize = results.into_iter().map(|receipts| receipts.unwrap().len()).sum();
        prop_assert_eq!(recorded, 300);
        drop(load);
        prop_assert_eq!(rows(plain.store()), rows(loaded.store()));
        let (books, same) = (plain.store().books().unwrap(), loaded.store().books().unwrap());
        support::same_books("one by one", &books, "in groups", &same).unwrap();
        assert_sound(loaded.store());
    }
}

fn publication(index: usize, event: Event) -> Proposal {
    Proposal {
        stream: Stream::Ledger,
        expected: if index == 0 { Expected::At(None) } else { Expected::AfterThePreviousOfThisBatch },
        event,
        effective: When::parse("2023-01-01T09:00:00Z").unwrap(),
        effective_is_given: true,
        actor: ActorId::new("a").unwrap(),
        role: Code::new("owner").unwrap(),
        approver: ActorId::new("b").ok(),
        source: SourceId::new("bench").unwrap(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    }
}
