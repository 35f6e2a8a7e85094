//! Proving the books: audit compares, rebuild compares and replaces.

mod compare;
mod indexes;
mod personal;

pub use compare::{DIFFERENCES_MAX, Difference};

use compare::{compare, digest_of_served};
use indexes::{claim_orders_differ, keys_differ};

use replay::{
    audit::{Outcome, Places, Replay},
    books::{Books, Digest, Sums, TABLES, refusal_row, rows},
    codec::open,
    event::{ControlTotal, Event, Kind, ProjectionRebuilt},
    evidence::succession::Announced,
    history::Cut,
    ids::{ActorId, ClaimId, Code, Expected, SourceId, Stream, Word},
    merkle::Hash,
    money::Currency,
    seal::Proposal,
    time::When,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    thread,
    time::Instant as Stopwatch,
};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::Ledger,
    progress::Progress,
    replaying::{Spread, aside, finished, replayed},
    store::{Span, Store, Tip, sqlite::SqliteStore},
};

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 4_096;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, as a sentence.
    pub what: &'static str,
    /// Whether it holds.
    pub holds: bool,
    /// The figure behind it.
    pub figure: String,
}

/// What an audit found.
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// Whether log and books agree with each other and with themselves.
    pub agrees: bool,
    /// The ledger's name.
    pub ledger: String,
    /// Events replayed.
    pub events: u64,
    /// RFC 6962 root over all of them.
    pub root: Hash,
    /// Digest of the books as replayed.
    pub digest: Hash,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// What is wrong with the log, by position; the first one matters most.
    pub findings: Vec<String>,
    /// How much is wrong with the log.
    pub findings_count: u64,
    /// Where the first wrong event is, when one is wrong.
    pub first_bad: Option<Places>,
    /// Cases of which not everything could be replayed; figures that touch them are not proved.
    pub quarantined: Vec<String>,
    /// Rows of the books that differ; at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// How many rows differ.
    pub differences_count: u64,
    /// Sums per currency.
    pub control_totals: BTreeMap<String, Sums>,
    /// Microseconds it took.
    pub took_us: u64,
}

/// What a rebuild did.
#[derive(Debug, Serialize)]
pub struct RebuildReport {
    /// Last position that was replayed.
    pub through: u64,
    /// Root at that position.
    pub root: Hash,
    /// Digest of what was served before.
    pub served_digest: Hash,
    /// Digest of what was rebuilt.
    pub digest: Hash,
    /// Rows per table.
    pub rows: BTreeMap<String, u64>,
    /// Sums per currency.
    pub control_totals: BTreeMap<String, Sums>,
    /// Rows that differed.
    pub differences: Vec<Difference>,
    /// How many rows differed.
    pub differences_count: u64,
    /// Whether the rebuilt books are served now.
    pub swapped: bool,
    /// Position of the event that says so.
    pub recorded_at_position: Option<u64>,
    /// Events that came in meanwhile and were caught up with.
    pub caught_up: u64,
    /// Microseconds for which writers had to wait during the swap; readers never wait.
    pub swap_pause_us: u64,
    /// Microseconds it took in all.
    pub took_us: u64,
}

fn micros(since: Stopwatch) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// Replays the whole log as it is at one moment, and hands back what was served at that moment.
fn replay_all(
    reader: &mut SqliteStore,
    thorough: bool,
    sizes: &BTreeSet<u64>,
    shown: bool,
) -> Result<(Tip, Outcome, Books)> {
    let tip = reader.tip()?;
    let origin = reader.origin().clone();
    let mut replay = Replay::new(Some(origin), Cut::default()).with_roots_of(sizes.iter().copied());
    if thorough {
        replay = replay.thorough();
    }
    let progress = Progress::new("replay", tip.position, shown);
    let (replay, served) = replayed(replay, Spread::default(), |take| {
        let mut read = 0u64;
        let mut stopped = Ok(());
        reader.scan(Span::ALL, &mut |row| {
            take(row);
            read += 1;
            if read.is_multiple_of(PROGRESS_ROWS) {
                stopped = progress.reach(read);
            }
            if stopped.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        stopped?;
        reader.books()
    })?;
    progress.done();
    Ok((tip, finished(replay, Spread::default()), served))
}

/// Replays the log and compares everything that is derived from it: tree, keys, personal values, books.
///
/// # Errors
/// Only when it could not tell: the file cannot be read, or it was stopped.
pub fn audit(reader: &mut SqliteStore, shown: bool) -> Result<AuditReport> {
    audit_with_marks(reader, &BTreeSet::new(), shown).map(|(report, _)| report)
}

/// What signed heads are compared with.
#[derive(Debug)]
pub struct Marks {
    /// Root of every size that was asked for; none where the log is shorter.
    pub roots: BTreeMap<u64, Option<Hash>>,
    /// Recorded checkpoints that are of this log: position and note.
    pub checkpoints: Vec<(u64, String)>,
    /// Keys that sign the heads, as the log names them.
    pub announced: Vec<Announced>,
}

/// An audit that also says which roots the log had at some sizes, and which heads it recorded.
///
/// # Errors
/// As [`audit`].
pub fn audit_with_marks(
    reader: &mut SqliteStore,
    sizes: &BTreeSet<u64>,
    shown: bool,
) -> Result<(AuditReport, Marks)> {
    let began = Stopwatch::now();
    let path = reader.path().to_owned();
    reader.begin_read()?;
    let report = thread::scope(|scope| {
        // Pages and indexes are looked at through a connection of their own while the log is replayed.
        let file = scope.spawn(|| SqliteStore::open_read_only(&path)?.file_fault());
        let (tip, mut outcome, served) = replay_all(reader, true, sizes, shown)?;
        let marks = Marks {
            roots: std::mem::take(&mut outcome.roots),
            checkpoints: std::mem::take(&mut outcome.checkpoints),
            announced: std::mem::take(&mut outcome.announced),
        };
        let file = || {
            let ended =
                |_| Error::new(ErrorKind::Internal, "file_not_checked", "the check of the file ended early");
            file.join().map_err(ended)?
        };
        Ok((report(reader, &tip, outcome, &served, file)?, marks))
    });
    reader.end_read();
    report.map(|(report, marks)| (AuditReport { took_us: micros(began), ..report }, marks))
}

/// `file` waits for what is wrong with the file itself, if anything.
fn report(
    reader: &mut SqliteStore,
    tip: &Tip,
    outcome: Outcome,
    served: &Books,
    file: impl FnOnce() -> Result<Option<String>>,
) -> Result<AuditReport> {
    let (differences, differences_count) = compare(served, &outcome.books);
    let digest = outcome.books.digest();
    let served_digest = digest_of_served(served, &digest, differences_count);
    let keys = keys_differ(reader, &outcome)?;
    let orders = claim_orders_differ(reader, &outcome)?;
    let personal = personal::look(reader, &outcome)?;
    let file = file()?;
    let schema = reader.schema_fault()?;
    let check = |what, holds, figure: String| Check { what, holds, figure };
    let root = outcome.root;
    let quarantined = outcome.quarantined.len();
    let mut checks = vec![
        check(
            "every event is readable, unaltered and lawful",
            outcome.findings_count == outcome.oversteps.saturating_add(outcome.seals_differing),
            format!("{} events", outcome.events),
        ),
        check("nobody acted beyond their duties", outcome.oversteps == 0, people(&outcome)),
        check(
            "sealed months have the totals that the log gives",
            outcome.seals_differing == 0,
            format!("{} seals", outcome.kinds.get(Kind::PeriodClosed.as_str()).copied().unwrap_or_default()),
        ),
        check(
            "the log ends where it says",
            tip.position == outcome.events,
            format!("position {}", tip.position),
        ),
        check(
            "the stored tree is the tree of the stored events",
            tip.frontier.root() == root,
            format!("root {root}"),
        ),
        check("no case is quarantined", quarantined == 0, format!("{quarantined} cases")),
        check(
            "the idempotency keys are those of the events",
            keys.is_none(),
            keys.unwrap_or_else(|| format!("{} keys", outcome.keys.len())),
        ),
        check("the claims of every order are listed", orders == 0, format!("{orders} missing or foreign")),
        check("every personal value opens its commitment", personal.fault.is_none(), personal.figure()),
        check(
            "the file is whole: pages, tables and the indexes by which things are found",
            file.is_none(),
            file.unwrap_or_else(|| "sound".into()),
        ),
        check(
            "tables, indexes and triggers are those of a ledger",
            schema.is_none(),
            schema.unwrap_or_else(|| "as they were made".into()),
        ),
        check(
            "the books are what the log says",
            differences_count == 0,
            format!("digest {}", served_digest.sha256),
        ),
    ];
    if !outcome.redactions.is_empty() {
        let unclean = reader.is_unclean()?;
        let figure = if unclean { "claims redact --finish cleans the file" } else { "cleaned" };
        checks.push(check("what was erased cannot be read from the file either", !unclean, figure.into()));
    }
    let report = AuditReport {
        agrees: checks.iter().all(|check| check.holds) && digest == served_digest,
        ledger: reader.origin().to_string(),
        events: outcome.events,
        root,
        digest: digest.sha256,
        checks,
        findings: outcome.findings.iter().map(ToString::to_string).collect(),
        findings_count: outcome.findings_count,
        first_bad: first_bad(tip, &outcome),
        control_totals: outcome.books.control_totals(),
        quarantined: outcome.quarantined.clone(),
        differences,
        differences_count,
        took_us: 0,
    };
    aside(outcome);
    Ok(report)
}

/// Where the first wrong event is. A tree that does not fit tells only after which checkpoint it was still right.
fn first_bad(tip: &Tip, outcome: &Outcome) -> Option<Places> {
    let found = outcome.first_bad;
    if found.is_some() || tip.frontier.root() == outcome.root {
        return found;
    }
    let last = tip.position.max(outcome.events);
    Some(Places { first: outcome.vouched.saturating_add(1).min(last), last })
}

/// How many people the duties are asked of.
fn people(outcome: &Outcome) -> String {
    let registry = &outcome.world.registry;
    let held = registry.actors().filter(|(_, roles)| !roles.is_empty()).count();
    match (outcome.oversteps, registry.is_governed()) {
        (0, true) => format!("{held} with roles"),
        (0, false) => "open: nobody is admin".into(),
        (oversteps, _) => format!("{oversteps} did"),
    }
}

/// Who asks for a rebuild.
#[derive(Debug, Clone)]
pub struct By {
    /// The actor of the event that records it.
    pub actor: ActorId,
    /// In which role.
    pub role: Code,
    /// From which system.
    pub source: SourceId,
}

/// Rebuilds the books from the log beside those that are served, compares them row by row, and swaps them in
/// one transaction with the event that records it. Readers go on throughout; writers wait only for the swap.
///
/// # Errors
/// A broken log (its figures would be wrong), storage errors, an interruption. Then nothing has changed.
pub fn rebuild(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    accept: bool,
    shown: bool,
) -> Result<RebuildReport> {
    let began = Stopwatch::now();
    let mut reader = SqliteStore::open_read_only(ledger.store().path())?;
    reader.begin_read()?;
    let (tip, mut outcome, served) = replay_all(&mut reader, false, &BTreeSet::new(), shown)?;
    reader.end_read();
    if let Some(first) = outcome.findings.iter().find(|found| found.touches_figures()) {
        return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", first.to_string())
            .hint("nothing was rebuilt; claims audit names everything that is wrong"));
    }
    if tip.frontier.root() != outcome.root || tip.position != outcome.events {
        let text = format!(
            "the log has {} events with root {}, the stored tip says otherwise",
            outcome.events, outcome.root
        );
        return Err(Error::new(ErrorKind::BrokenLog, "tip_is_broken", text)
            .hint("nothing was rebuilt; run claims audit"));
    }
    let (differences, differences_count) = compare(&served, &outcome.books);
    let digest = outcome.books.digest();
    let mut report = RebuildReport {
        through: outcome.events,
        root: outcome.root,
        served_digest: digest_of_served(&served, &digest, differences_count).sha256,
        digest: digest.sha256,
        rows: row_counts(&digest),
        control_totals: outcome.books.control_totals(),
        differences,
        differences_count,
        swapped: false,
        recorded_at_position: None,
        caught_up: 0,
        swap_pause_us: 0,
        took_us: micros(began),
    };
    drop(served);
    if differences_count > 0 && !accept {
        return Ok(report);
    }
    let progress =
        Progress::new("write", u64::try_from(outcome.books.board.len()).unwrap_or(u64::MAX), shown);
    let mut stopped = Ok(());
    let written = ledger.store().write_shadow(&outcome.books, |done| {
        stopped = progress.reach(done);
        stopped.is_ok()
    })?;
    stopped?;
    progress.done();
    if !written {
        return Err(Error::new(ErrorKind::Interrupted, "interrupted", "stopped on request"));
    }
    swap(ledger, by, &mut outcome, &mut report)?;
    aside(outcome);
    report.took_us = micros(began);
    Ok(report)
}

fn swap(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    outcome: &mut Outcome,
    report: &mut RebuildReport,
) -> Result<()> {
    let began = Stopwatch::now();
    ledger.store().begin()?;
    let done = (|| {
        report.caught_up = catch_up(ledger.store(), outcome, report.through)?;
        ledger.store().swap_shadow()?;
        let now = ledger.door().now();
        let event = manifest(report, outcome)?;
        let proposal = Proposal {
            stream: Stream::Ledger,
            expected: Expected::AfterThePreviousOfThisBatch,
            event,
            effective: When { at: now, offset_minutes: 0 },
            effective_is_given: false,
            actor: by.actor.clone(),
            role: by.role.clone(),
            approver: None,
            source: by.source.clone(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        let receipt = ledger.append_own(&proposal)?;
        ledger.store().commit()?;
        Ok(receipt.position)
    })();
    report.swap_pause_us = micros(began);
    match done {
        Ok(position) => {
            report.swapped = true;
            report.recorded_at_position = Some(position);
            Ok(())
        }
        Err(why) => {
            ledger.store().rollback();
            ledger.forget();
            let _ = ledger.store().drop_shadow();
            Err(why)
        }
    }
}

/// Posts what was appended since the replay into the shadow.
fn catch_up(store: &mut SqliteStore, outcome: &mut Outcome, through: u64) -> Result<u64> {
    let mut fresh = Vec::new();
    let mut broken = None;
    store.scan(Span::after(through), &mut |row| match open(row) {
        Ok(recorded) => {
            fresh.push(recorded);
            ControlFlow::Continue(())
        }
        Err(why) => {
            broken = Some(format!("position {}: {why}", row.position));
            ControlFlow::Break(())
        }
    })?;
    if let Some(why) = broken {
        return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", why));
    }
    let count = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
    let mut before: BTreeMap<ClaimId, Option<replay::books::ClaimRows>> = BTreeMap::new();
    for recorded in fresh {
        if let Event::AppendRefused(r) = &recorded.event {
            store.refuse_shadow(&refusal_row(recorded.envelope.position, r))?;
        }
        let case = match &recorded.envelope.stream {
            Stream::Claim(id) => {
                before.entry(id.clone()).or_insert_with(|| {
                    outcome.world.case_of(id).and_then(|case| rows(case, id, &Cut::default()))
                });
                None
            }
            Stream::Order(id) => outcome.world.case_of_order(id),
            Stream::Ledger => None,
        };
        for (case, id) in case.iter().flat_map(|case| case.claims.keys().map(move |id| (case, id))) {
            before.entry(id.clone()).or_insert_with(|| rows(case, id, &Cut::default()));
        }
        let position = recorded.envelope.position;
        outcome.world.apply(recorded).map_err(|fault| {
            Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {position}: {fault:?}"))
        })?;
    }
    for (id, before) in &before {
        let after = outcome.world.case_of(id).and_then(|case| rows(case, id, &Cut::default()));
        store.post_shadow(before.as_ref(), after.as_ref())?;
    }
    Ok(count)
}

fn row_counts(digest: &Digest) -> BTreeMap<String, u64> {
    TABLES.iter().map(ToString::to_string).zip(digest.rows).collect()
}

fn manifest(report: &RebuildReport, outcome: &Outcome) -> Result<Event> {
    let internal =
        |why: &dyn std::fmt::Display| Error::new(ErrorKind::Internal, "no_manifest", why.to_string());
    let mut control_totals = Vec::new();
    for (currency, sums) in &report.control_totals {
        control_totals.push(ControlTotal {
            currency: Currency::parse(currency).map_err(|why| internal(&why))?,
            credited_minor: sums.credited_minor,
            reversed_minor: sums.reversed_minor,
            failed_minor: sums.failed_minor,
        });
    }
    let rebuilt = ProjectionRebuilt {
        through: report.through,
        root: report.root,
        digest: report.digest,
        rows: report.rows.clone(),
        control_totals,
        policies: outcome.policies.clone(),
        code_version: Word::new(env!("CARGO_PKG_VERSION")).map_err(|why| internal(&why))?,
        books_version: replay::books::BOOKS_VERSION,
        differences: report.differences_count,
    };
    Ok(rebuilt.into())
}
