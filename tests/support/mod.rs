//! What the tests of the ledger share: ledgers to write to, the text form of commands, and the checks that
//! must hold of every log whatever was asked of it.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub mod text;
pub mod tree;

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use claims::door::Door;
use claims::error::Error;
use claims::ledger::{Ledger, Receipt};
use claims::store::memory::MemoryStore;
use claims::store::sqlite::SqliteStore;
use claims::store::{Span, Store, Tip};
use replay::audit::{Outcome, Replay};
use replay::books::Books;
use replay::codec::OwnedRow;
use replay::event::Event;
use replay::history::Cut;
use replay::ids::{EventId, Origin, Stream};
use replay::merkle::Hash;
use replay::seal::Proposal;
use replay::time::{Instant, Month, When};

/// The clock of a test, unless the test sets it. Everything in the stories happened before.
pub const NOW: &str = "2024-12-31T12:00:00Z";

pub fn origin() -> Origin {
    Origin::new("test.ledger").unwrap()
}

pub fn instant(text: &str) -> Instant {
    When::parse(text).unwrap_or_else(|why| panic!("{text}: {why}")).at
}

/// An empty ledger in memory. The seed decides ids and salts.
pub fn memory(seed: &str) -> Ledger<MemoryStore> {
    Ledger::new(MemoryStore::new(origin()), Door::fixed(seed, instant(NOW)))
}

/// An empty ledger in a new SQLite file.
pub fn sqlite(path: &Path, seed: &str) -> Ledger<SqliteStore> {
    Ledger::new(SqliteStore::create(path, &origin()).unwrap(), Door::fixed(seed, instant(NOW)))
}

/// A SQLite file that is there already. Every program that writes needs a seed of its own.
pub fn sqlite_again(path: &Path, seed: &str) -> Ledger<SqliteStore> {
    Ledger::new(SqliteStore::open(path).unwrap(), Door::fixed(seed, instant(NOW)))
}

/// A ledger that is told what to do line by line, and remembers the events that a line names.
pub struct Script<S> {
    pub ledger: Ledger<S>,
    names: BTreeMap<String, EventId>,
}

impl<S: Store> Script<S> {
    pub fn new(ledger: Ledger<S>) -> Self {
        Self { ledger, names: BTreeMap::new() }
    }
    /// The command of one line. Without `rev N` it expects the revision that its stream has now.
    pub fn proposal(&mut self, line: &str) -> Proposal {
        let line = text::parse(line);
        let revision = line.revision.unwrap_or_else(|| self.ledger.store().revision(&line.stream).unwrap());
        let now = self.ledger.door().now();
        line.proposal(&self.names, revision, now)
    }
    /// Records one line. `clock TIME` sets the clock instead.
    pub fn line(&mut self, line: &str) -> Result<Option<Receipt>, Error> {
        if let Some(time) = line.trim().strip_prefix("clock ") {
            self.ledger.door().set_now(instant(time));
            return Ok(None);
        }
        let proposal = self.proposal(line);
        let receipt = match is_seal(&proposal) {
            true => self.seal(&proposal)?,
            false => self.ledger.record(vec![proposal])?.remove(0),
        };
        if let Some(name) = text::parse(line).name {
            self.names.insert(name, receipt.event_id.parse().unwrap());
        }
        Ok(Some(receipt))
    }
    /// Seals the month that the proposal names, with the totals that the log has.
    pub fn seal(&mut self, proposal: &Proposal) -> Result<Receipt, Error> {
        let Event::PeriodClosed(seal) = &proposal.event else { panic!("no seal") };
        let month = Month::parse(&seal.period).unwrap();
        claims::periods::close(&mut self.ledger, proposal, month).map(|closed| closed.receipt)
    }
    /// Records lines that must not be refused; empty lines and `#` are skipped.
    pub fn lines(&mut self, lines: &str) {
        for line in lines.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            if let Err(why) = self.line(line) {
                panic!("{line}\n{} [{}]: {why}", why.code, text::word(&why.kind));
            }
        }
    }
}

/// Whether this is a month to be sealed: the ledger's own event, made by a command of its own.
pub fn is_seal(proposal: &Proposal) -> bool {
    matches!(proposal.event, Event::PeriodClosed(_))
}

/// Every row of the log, in order.
pub fn rows<S: Store>(store: &mut S) -> Vec<OwnedRow> {
    rows_of(store, Span::ALL)
}

/// The rows of one span.
pub fn rows_of<S: Store>(store: &mut S, span: Span) -> Vec<OwnedRow> {
    let mut found = Vec::new();
    store
        .scan(span, &mut |row| {
            found.push(OwnedRow {
                position: row.position,
                stream: row.stream.into(),
                revision: row.revision,
                event_id: row.event_id,
                kind: row.kind.into(),
                recorded_at: row.recorded_at,
                body: row.body.to_vec(),
                leaf: row.leaf,
            });
            ControlFlow::Continue(())
        })
        .unwrap();
    found
}

/// What a replay of these rows arrives at, with every check switched on.
pub fn replayed(rows: &[OwnedRow]) -> Outcome {
    let mut replay = Replay::new(Some(origin()), Cut::default());
    for row in rows {
        replay.row(&row.as_row());
    }
    replay.finish()
}

/// What must hold of every ledger at every moment. The first thing that does not is the error.
pub fn check_sound<S: Store>(store: &mut S) -> Result<Outcome, String> {
    let rows = rows(store);
    check_dense(&rows)?;
    let outcome = replayed(&rows);
    if let Some(finding) = outcome.findings.first() {
        return Err(format!("replay finds: {finding}"));
    }
    check_tip(&rows, &store.tip().map_err(|why| why.to_string())?, outcome.root)?;
    let live = store.books().map_err(|why| why.to_string())?;
    same_books("live", &live, "replayed", &outcome.books)?;
    Ok(outcome)
}

/// As [`check_sound`], for tests that stop at the first fault.
#[track_caller]
pub fn assert_sound<S: Store>(store: &mut S) -> Outcome {
    check_sound(store).unwrap_or_else(|why| panic!("{why}"))
}

/// Positions and the revisions of every stream count 1, 2, 3 ...
pub fn check_dense(rows: &[OwnedRow]) -> Result<(), String> {
    let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let due = index as u64 + 1;
        if row.position != due {
            return Err(format!("position {} stands where {due} was due", row.position));
        }
        let revision = revisions.entry(&row.stream).or_default();
        *revision += 1;
        if row.revision != *revision {
            return Err(format!(
                "{} has revision {} where {revision} was due (position {due})",
                row.stream, row.revision
            ));
        }
    }
    Ok(())
}

fn check_tip(rows: &[OwnedRow], tip: &Tip, replayed_root: Hash) -> Result<(), String> {
    let leaves: Vec<Hash> = rows.iter().map(|row| tree::leaf(&row.body)).collect();
    let root = tree::root(&leaves);
    let last = rows.last();
    let checks = [
        ("the tip's position", tip.position == rows.len() as u64),
        ("the tip's time", tip.recorded_at == last.map_or(0, |row| row.recorded_at)),
        ("the tip's root", tip.frontier.root() == root),
        ("the replayed root", replayed_root == root),
        ("a stored leaf", rows.iter().zip(&leaves).all(|(row, leaf)| row.leaf == leaf.0)),
    ];
    match checks.iter().find(|(_, holds)| !holds) {
        None => Ok(()),
        Some((what, _)) => Err(format!("{what} is not what the {} stored bodies say", rows.len())),
    }
}

/// Compares books row by row, so that a difference names its row.
pub fn same_books(left: &str, a: &Books, right: &str, b: &Books) -> Result<(), String> {
    let lines = |books: &Books| {
        let mut lines = BTreeMap::new();
        books.lines(&mut |table, name, line| {
            lines.insert((table, name.to_string()), line.to_string());
        });
        lines
    };
    let (lines_a, lines_b) = (lines(a), lines(b));
    for key in lines_a.keys().chain(lines_b.keys()) {
        let (x, y) = (lines_a.get(key), lines_b.get(key));
        if x != y {
            let table = replay::books::TABLES[key.0];
            return Err(format!("{table} {}\n  {left}: {x:?}\n  {right}: {y:?}", key.1));
        }
    }
    if a == b && a.digest() == b.digest() {
        Ok(())
    } else {
        Err(format!("{left} and {right} differ in no row, yet are not equal"))
    }
}

/// The log as text, one event a line: what a failed property prints, and what a new case is made from.
pub fn log_text(rows: &[OwnedRow]) -> String {
    rows.iter().map(|row| text::event(row) + "\n").collect()
}

pub fn stream(text: &str) -> Stream {
    text.parse().unwrap()
}
