//! No false alarm: histories that came through the real doors are found sound by everybody who looks, whatever was done
//! in them. `CLAIMS_HISTORIES=10000` asks for so many, `CLAIMS_HISTORIES=4711..4712` for some of them again.
//!
//! Most are random work on a few claims (`support/chance.rs`), some are days of made-up shops (`generate`); months are
//! sealed and reopened in between, values redacted and held, heads signed, books rebuilt, people given roles. Each is
//! verified as a ledger against every head that was signed on the way, which is the audit and more; every fourth also
//! as a bundle, and by proofs.

#[path = "support/chance.rs"]
mod chance;
mod support;

use std::{
    collections::BTreeMap,
    env, fs,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant as Stopwatch,
};

use chance::{Run, ops};
use claims::{
    error::{Error, ErrorKind},
    evidence::{
        bundle::{self, Extent},
        heads::{self, Change},
        prove,
        verify::{self, Kept, Verdict},
    },
    generate::{Generator, Group, Merchant, feed, merchants},
    ledger::Ledger,
    policy_file::embedded,
    progress::Progress,
    proof::{self, By},
    redaction::{self, Request, Selection},
    store::{Store, sqlite::SqliteStore},
};
use proptest::{
    prelude::Rng,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use replay::{
    event::Event,
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, Note, SignerKey, VerifierKey},
        trust::Trust,
    },
    ids::{ActorId, ClaimId, Code, Expected, OrderId, SourceId, Stream},
    seal::Proposal,
    time::{Day, When},
};
use support::{NOW, Script, instant};

/// As many as fit into twenty seconds without optimisation.
const HISTORIES: u64 = 150;
/// One of so many is a made-up shop's.
const SHOP_OF: u64 = 10;
/// One of so many is also written as a bundle.
const BUNDLE_OF: u64 = 4;
/// Most acts of a history, before those that come in between.
const ACTS_MAX: u64 = 70;
/// Most events of a shop.
const SHOP_EVENTS_MAX: u64 = 400;
const WORKERS: usize = 2;

fn asked() -> Range<u64> {
    let Ok(text) = env::var("CLAIMS_HISTORIES") else { return 0..HISTORIES };
    let number = |text: &str| text.parse().unwrap_or_else(|_| panic!("CLAIMS_HISTORIES={text} is no number"));
    match text.split_once("..") {
        Some((first, end)) => number(first)..number(end),
        None => 0..number(&text),
    }
}

/// Where files cost nothing, if there is such a place.
fn room() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap()
}

/// What was done in all of them, by name.
#[derive(Default)]
struct Done(Mutex<BTreeMap<String, u64>>);

impl Done {
    fn count(&self, what: &str, n: u64) {
        *self.0.lock().unwrap().entry(what.into()).or_default() += n;
    }
    fn of(&self, what: &str) -> u64 {
        self.0.lock().unwrap().get(what).copied().unwrap_or_default()
    }
}

/// A history that is being made.
struct History<'d> {
    runner: TestRunner,
    key: SignerKey,
    /// The first one, which the auditor has got.
    trusted: VerifierKey,
    /// How many keys are on record.
    keys: u32,
    heads: Vec<Note>,
    /// Where a hold was placed last, and which.
    held: Option<(String, String)>,
    done: &'d Done,
}

impl<'d> History<'d> {
    fn new(number: u64, done: &'d Done) -> Self {
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let runner = TestRunner::new_with_rng(Config { failure_persistence: None, ..Config::default() }, rng);
        let key = SignerKey::new("test.ledger", KeyType::Log, &seed).unwrap();
        let trusted = key.verifier();
        Self { runner, key, trusted, keys: 0, heads: Vec::new(), held: None, done }
    }

    fn below(&mut self, n: u64) -> u64 {
        self.runner.rng().next_u64() % n
    }
    fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap()]
    }

    fn made(&mut self, number: u64, path: &Path, merchants: &[Merchant]) {
        let ledger = support::sqlite(path, &format!("history-{number}"));
        let script = Script::new(ledger);
        if number % SHOP_OF == SHOP_OF - 1 {
            self.shop(script, number, merchants);
        } else {
            self.work(script);
        }
    }

    /// Random work, with what an office does in between.
    fn work(&mut self, script: Script<SqliteStore>) {
        let mut run = Run::new(script, self.below(3) > 0);
        if self.below(4) == 0 {
            self.govern(&mut run.script);
        }
        let most = usize::try_from(4 + self.below(ACTS_MAX - 4)).unwrap();
        let ops = ops(most).new_tree(&mut self.runner).unwrap().current();
        for op in &ops {
            let _ = run.step(op);
            if self.below(5) == 0 {
                self.office(&mut run.script, "2024-05");
            }
        }
        self.sign(&mut run.script);
    }

    /// The days of shops up to their end, and then the office.
    fn shop(&mut self, mut script: Script<SqliteStore>, number: u64, merchants: &[Merchant]) {
        let start = When::parse("2023-01-01T00:00:00Z").unwrap();
        script.ledger.door().set_now(start.at);
        for policy in embedded::policies().unwrap() {
            let mut proposal = proposal(&mut script.ledger, policy.published.into());
            (proposal.effective, proposal.approver) = (start, Some(actor("second")));
            script.ledger.record(vec![proposal]).unwrap();
        }
        let mut generator = Generator::new(number, merchants, 20 + self.below(SHOP_EVENTS_MAX - 20));
        if self.below(2) == 0 {
            generator = generator.governed();
        }
        let steps_max = usize::try_from(1 + self.below(50)).unwrap();
        let group = Group { steps_max, span_micros_max: i64::MAX };
        feed(&mut script.ledger, generator, group, &mut |_| Ok(())).unwrap();
        let now = script.ledger.door().now().max(instant(NOW));
        script.ledger.door().set_now(now);
        for _ in 0..self.below(12) {
            self.office(&mut script, "2023-02");
        }
        self.sign(&mut script);
    }

    /// From now on people need roles; some have them.
    fn govern(&mut self, script: &mut Script<SqliteStore>) {
        script.lines(
            r#"ledger role_granted {"actor":"root","role":"admin"} by root as admin
               ledger role_granted {"actor":"a.jones","role":"agent"} by root as admin
               ledger role_granted {"actor":"f.weber","role":"finance"} by root as admin"#,
        );
        for line in [
            r#"ledger role_granted {"actor":"a.jones","role":"finance"} by root as admin"#,
            r#"ledger role_granted {"actor":"a.jones","role":"warehouse"} by root as admin"#,
            r#"ledger role_granted {"actor":"m.lee","role":"approver"} by root as admin"#,
            r#"ledger limit_set {"role":"agent","act":"refund","amount":"=50.00 USD"} by root as admin approved f.weber"#,
            r#"ledger role_revoked {"actor":"a.jones","role":"agent","reason_code":"moved"} by root as admin"#,
        ] {
            if self.below(3) > 0 {
                self.say(script, line);
            }
        }
        self.done.count("governed", 1);
    }

    /// A line that may be refused, for today's rules and nothing else.
    fn say(&mut self, script: &mut Script<SqliteStore>, line: &str) {
        match script.line(line) {
            Ok(_) => {}
            Err(why) => expected(&why, line),
        }
    }

    /// One thing that happens beside the work on claims.
    fn office(&mut self, script: &mut Script<SqliteStore>, month: &str) {
        let by = self.one_of(&[
            "f.weber as finance approved root",
            "a.jones as finance approved m.lee",
            "root as admin",
        ]);
        let hold = self.one_of(&["suit-1", "suit-2", "tax"]);
        let stream = self.one_of(&["claim/C1", "claim/C2", "claim/C3", "order/O1", "order/O2"]);
        if self.below(3) == 0
            && let Some((stream, hold)) = self.held.take()
        {
            let line = format!(r#"{stream} legal_hold_released {{"hold":"{hold}","reason_code":"settled"}}"#);
            return self.say(script, &format!("{line} by root as admin approved f.weber"));
        }
        let line = match self.below(14) {
            0 | 1 => {
                let month = self.one_of(&["2024-03", "2024-04", month, month]);
                format!(r#"ledger period_closed {{"period":"{month}","totals":[]}} by {by}"#)
            }
            2 => format!(
                r#"ledger period_reopened {{"period":"{month}","reason_code":"late_invoice"}} by {by}"#
            ),
            3 => {
                if script_knows(script, &format!("{stream} ")) {
                    self.held = Some((stream.to_owned(), hold.to_owned()));
                }
                format!(r#"{stream} legal_hold_placed {{"hold":"{hold}","reason_code":"lawsuit"}} by {by}"#)
            }
            4 => {
                format!(r#"{stream} legal_hold_released {{"hold":"{hold}","reason_code":"settled"}} by {by}"#)
            }
            5 => format!(
                r#"ledger actor_registered {{"actor":"p.{}","name":"Somebody"}} by {by}"#,
                self.below(5)
            ),
            6 => format!(
                r#"ledger retention_set {{"what":"{}","days":{},"basis":"retention_over"}} by {by}"#,
                self.one_of(&["any", "text"]),
                1 + self.below(40)
            ),
            7..=9 => return self.redact(script),
            10 | 11 => return self.sign(script),
            12 => return self.hand_over(script),
            _ => return self.rebuild(script),
        };
        if !script_knows(script, &line) {
            return;
        }
        self.say(script, &line);
    }

    fn redact(&mut self, script: &mut Script<SqliteStore>) {
        let claim = self.one_of(&["C1", "C2", "C3", "C4"]);
        let selection = match self.below(5) {
            0 => Selection::Order(OrderId::new(self.one_of(&["O1", "O2"])).unwrap()),
            1 => Selection::Subject(actor(self.one_of(&["p.1", "p.2", "buyer"]))),
            2 => Selection::Retention(Day::parse("2024-12-01").unwrap()),
            _ => Selection::Claim(ClaimId::new(claim).unwrap()),
        };
        let approver = ["m.lee", "a.jones", "f.weber"].get(usize::try_from(self.below(4)).unwrap());
        let request = Request {
            selection,
            basis: Some(Code::new("erasure_request").unwrap()),
            requester: actor("p.1"),
            actor: actor(self.one_of(&["root", "root", "a.jones"])),
            role: Code::new("admin").unwrap(),
            approver: approver.map(|name| actor(name)),
            source: SourceId::new("test").unwrap(),
            on: When { at: script.ledger.door().now(), offset_minutes: 0 },
        };
        match redaction::erase(&mut script.ledger, &request) {
            Ok(report) => {
                self.done.count("values erased", report.erased);
                // As the command does; until then the audit says that the bytes are still there, and is right.
                redaction::clean(script.ledger.store(), std::time::Duration::from_secs(5)).unwrap();
            }
            Err(why) if why.kind == ErrorKind::NotFound => {}
            Err(why) => expected(&why, "redaction"),
        }
    }

    fn sign(&mut self, script: &mut Script<SqliteStore>) {
        let now = script.ledger.door().now();
        let origin = support::origin();
        let propose =
            |event: Event| Proposal { effective: When { at: now, offset_minutes: 0 }, ..blank(event) };
        match heads::sign(&mut script.ledger, &self.key, &propose) {
            Ok((note, _)) => {
                assert_eq!(Checkpoint::of(&note).unwrap().origin, origin.as_str());
                self.heads.push(note);
            }
            Err(why) => expected(&why, "checkpoint"),
        }
    }

    /// The key that signs goes on record, and later hands over to another.
    fn hand_over(&mut self, script: &mut Script<SqliteStore>) {
        let now = script.ledger.door().now();
        let propose = |event: Event| Proposal {
            effective: When { at: now, offset_minutes: 0 },
            actor: actor("root"),
            role: Code::new("admin").unwrap(),
            approver: Some(actor("f.weber")),
            ..blank(event)
        };
        let seed = [u8::try_from(self.keys).unwrap(); 32];
        let next = SignerKey::new("test.ledger", KeyType::Log, &seed).unwrap();
        let (key, change) = match self.keys {
            0 => (&self.key, Change::Introduced),
            _ => (&next, Change::Rotated(&self.key)),
        };
        match heads::announce(&mut script.ledger, key, change, &propose) {
            Ok(_) => {
                if self.keys > 0 {
                    self.key = next;
                }
                self.keys += 1;
            }
            Err(why) => expected(&why, "key"),
        }
    }

    fn rebuild(&mut self, script: &mut Script<SqliteStore>) {
        let by = By {
            actor: actor("nightly"),
            role: Code::new("system").unwrap(),
            source: SourceId::new("test").unwrap(),
        };
        let report = proof::rebuild(&mut script.ledger, &by, false, false).unwrap();
        assert!(report.swapped && report.differences_count == 0, "{report:?}");
    }

    /// Everybody looks at it. The first word that is not praise is the error.
    fn looked_at(&self, number: u64, path: &Path, room: &Path) -> Result<(), String> {
        let trust = Trust::in_log(self.trusted.clone());
        let kept = || -> Vec<Kept> {
            self.heads.iter().map(|note| Kept { from: "kept".into(), note: note.clone() }).collect()
        };
        let could = |why: Error| format!("could not tell: {why}");
        let verdict = verify::ledger(path, Some(&trust), &kept(), false).map_err(could)?;
        praised(&verdict)?;
        self.done.count("ledgers", 1);
        self.done.count("events", verdict.events);
        self.done.count("heads", self.heads.len() as u64);
        let Some(last) =
            self.heads.last().filter(|_| number.is_multiple_of(BUNDLE_OF) || number % SHOP_OF == SHOP_OF - 1)
        else {
            return Ok(());
        };
        let mut store = SqliteStore::open_read_only(path).map_err(could)?;
        let folder = room.join(format!("bundle-{number}"));
        let extent = Extent::Bundle { personal: number.is_multiple_of(2 * BUNDLE_OF) };
        bundle::write(&mut store, last, &folder, extent, &Progress::silent()).map_err(could)?;
        praised(&verify::bundle(&folder, &trust, &kept(), false).map_err(could)?)?;
        fs::remove_dir_all(&folder).unwrap();
        self.done.count("bundles", 1);
        // A proof alone does not say who comes after whom, so its reader has to have been told of the key.
        if self.keys > 1 {
            return Ok(());
        }
        let size = Checkpoint::of(last).unwrap().size;
        for position in
            [1, size.div_ceil(2), size].into_iter().filter(|position| (1..=size).contains(position))
        {
            let proof = prove::inclusion(&mut store, position, last).map_err(could)?;
            praised(&verify::inclusion(&proof, &trust).map_err(could)?)?;
        }
        for head in &self.heads {
            let size = Checkpoint::of(head).unwrap().size;
            let proof = prove::consistency(&mut store, size, last).map_err(could)?;
            praised(&verify::consistency(&proof, &trust, &kept()).map_err(could)?)?;
        }
        Ok(())
    }
}

fn praised(verdict: &Verdict) -> Result<(), String> {
    if verdict.agrees && verdict.findings_count == 0 && verdict.checks.iter().all(|check| check.holds) {
        return Ok(());
    }
    let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.holds).collect();
    Err(format!("{}: {:?} {failed:?}", verdict.what, verdict.findings))
}

/// Whether the stream of a line is there, if it must be.
fn script_knows(script: &mut Script<SqliteStore>, line: &str) -> bool {
    let stream: Stream = line.split(' ').next().unwrap().parse().unwrap();
    stream == Stream::Ledger || script.ledger.store().revision(&stream).unwrap() > 0
}

/// Refusals are part of the game; errors of the ledger's own are not.
#[track_caller]
fn expected(why: &Error, line: &str) {
    let usual = matches!(why.kind, ErrorKind::Refused | ErrorKind::Conflict | ErrorKind::Usage);
    assert!(usual, "{line}\n{}: {why}", why.code);
}

fn actor(name: &str) -> ActorId {
    ActorId::new(name).unwrap()
}

fn blank(event: Event) -> Proposal {
    Proposal {
        stream: Stream::Ledger,
        expected: Expected::AfterThePreviousOfThisBatch,
        event,
        effective: When { at: instant(NOW), offset_minutes: 0 },
        effective_is_given: true,
        actor: actor("first"),
        role: Code::new("policy_owner").unwrap(),
        approver: None,
        source: SourceId::new("test").unwrap(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    }
}

fn proposal(ledger: &mut Ledger<SqliteStore>, event: Event) -> Proposal {
    let revision = ledger.store().revision(&Stream::Ledger).unwrap();
    Proposal { expected: Expected::at_number(revision), ..blank(event) }
}

/// Makes one history and looks at it.
fn one(number: u64, room: &Path, merchants: &[Merchant], done: &Done) -> Result<(), String> {
    let path: PathBuf = room.join(format!("{number}.db"));
    let mut history = History::new(number, done);
    history.made(number, &path, merchants);
    let looked = history.looked_at(number, &path, room);
    let mut store = SqliteStore::open_read_only(&path).unwrap();
    for row in support::rows(&mut store) {
        done.count(&row.kind, 1);
    }
    drop(store);
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(room.join(format!("{number}.db{ending}")));
    }
    looked
}

#[test]
fn nobody_raises_a_false_alarm() {
    let (asked, room, merchants) = (asked(), room(), merchants().unwrap());
    let began = Stopwatch::now();
    let done = Done::default();
    let next = AtomicU64::new(asked.start);
    let work = || {
        let mut alarms = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= asked.end {
                return alarms;
            }
            let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                one(number, room.path(), &merchants, &done)
            }));
            match tried {
                Ok(Ok(())) => {}
                Ok(Err(why)) => alarms.push(format!("history {number}: {why}")),
                Err(_) => alarms.push(format!("history {number} could not be made")),
            }
        }
    };
    let alarms: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    let count = asked.end - asked.start;
    println!(
        "{count} histories, {} events, {} heads, {} bundles, {} alarms, {} s\n{:#?}",
        done.of("events"),
        done.of("heads"),
        done.of("bundles"),
        alarms.len(),
        began.elapsed().as_secs(),
        done.0.lock().unwrap()
    );
    assert!(
        alarms.is_empty(),
        "{} of {count} histories raise a false alarm:\n{}",
        alarms.len(),
        alarms.join("\n")
    );
    assert_eq!(done.of("ledgers"), count);
    if count >= HISTORIES {
        // An empty history raises no alarm either.
        for what in [
            "period_closed",
            "period_reopened",
            "personal_data_redacted",
            "legal_hold_placed",
            "legal_hold_released",
            "checkpoint_recorded",
            "signing_key_announced",
            "projection_rebuilt",
            "retention_set",
            "append_refused",
            "event_reversed",
            "event_corrected",
            "chargeback_opened",
            "refund_failed",
            "historical_credit_recorded",
            "role_granted",
            "values erased",
            "governed",
        ] {
            assert!(done.of(what) >= 5, "only {} of {what}", done.of(what));
        }
    }
}
