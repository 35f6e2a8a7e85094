//! Proving the books: audit compares, rebuild compares and replaces.

mod bookkeeping;
mod compare;
mod indexes;
mod moment;
mod personal;
mod prove;

pub use compare::{DIFFERENCES_MAX, Difference};

use prove::{Ask, Proof, prove};

use replay::{
    audit::{Outcome, Places},
    books::{Digest, Sums, TABLES, refusal_row, rows},
    case::CaseKey,
    codec::{OwnedRow, Row, open},
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
    ledger::{Ledger, cache},
    replaying::aside,
    store::{Span, Store, Tip, sqlite::SqliteStore},
};

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
    // Pages and indexes are looked at through a connection of their own while the log is replayed.
    let mut file = SqliteStore::open_read_only(reader.path())?;
    let stop = file.interrupt_handle();
    let report = thread::scope(|scope| {
        let file = scope.spawn(move || file.file_fault());
        let mut proof =
            prove(reader, &Ask { thorough: true, sizes, shown }, None).inspect_err(|_| stop.interrupt())?;
        let outcome = &mut proof.outcome;
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
        Ok((report(reader, proof, file)?, marks))
    });
    report.map(|(report, marks)| (AuditReport { took_us: micros(began), ..report }, marks))
}

/// `file` waits for what is wrong with the file itself, if anything.
fn report(
    reader: &mut SqliteStore,
    proof: Proof,
    file: impl FnOnce() -> Result<Option<String>>,
) -> Result<AuditReport> {
    let Proof { tip, outcome, seen, compared, keys, keys_count, claim_orders, personal, .. } = proof;
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
            keys.unwrap_or_else(|| format!("{keys_count} keys")),
        ),
        check(
            "the claims of every order are listed",
            claim_orders == 0,
            format!("{claim_orders} missing or foreign"),
        ),
        check(
            "every personal value opens its commitment",
            personal.as_ref().is_some_and(|personal| personal.fault.is_none()),
            personal.map(|personal| personal.figure()).unwrap_or_default(),
        ),
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
            compared.differences_count == 0,
            format!("digest {}", compared.served.sha256),
        ),
    ];
    if !outcome.redactions.is_empty() {
        let unclean = reader.is_unclean()?;
        let figure = if unclean { "claims redact --finish cleans the file" } else { "cleaned" };
        checks.push(check("what was erased cannot be read from the file either", !unclean, figure.into()));
    }
    let report = AuditReport {
        agrees: checks.iter().all(|check| check.holds) && compared.served == compared.replayed,
        ledger: reader.origin().to_string(),
        events: outcome.events,
        root,
        digest: compared.replayed.sha256,
        checks,
        findings: outcome.findings.iter().map(ToString::to_string).collect(),
        findings_count: outcome.findings_count,
        first_bad: first_bad(&tip, &outcome),
        control_totals: seen.control_totals(),
        quarantined: outcome.quarantined.clone(),
        differences: compared.differences,
        differences_count: compared.differences_count,
        took_us: 0,
    };
    aside((outcome, seen));
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
    let ask = Ask { thorough: false, sizes: &BTreeSet::new(), shown };
    let written = prove(&mut reader, &ask, Some(ledger.store()));
    drop(reader);
    let swapped = written.and_then(|proof| compared_and_swapped(ledger, by, accept, proof));
    let Ok(mut report) = swapped else {
        // The first error is the one to tell; a shadow that stays is thrown away by the next rebuild.
        let _ = ledger.store().drop_shadow();
        return swapped;
    };
    if !report.swapped {
        ledger.store().drop_shadow()?;
    }
    // The shadow was written while one moment was held, so it stands in the write-ahead log as a whole.
    ledger.store().fold_in()?;
    report.took_us = micros(began);
    Ok(report)
}

fn compared_and_swapped(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    accept: bool,
    proof: Proof,
) -> Result<RebuildReport> {
    let Proof { tip, outcome, seen, compared, .. } = proof;
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
    let mut report = RebuildReport {
        through: outcome.events,
        root: outcome.root,
        served_digest: compared.served.sha256,
        digest: compared.replayed.sha256,
        rows: row_counts(&compared.replayed),
        control_totals: seen.control_totals(),
        differences: compared.differences,
        differences_count: compared.differences_count,
        swapped: false,
        recorded_at_position: None,
        caught_up: 0,
        swap_pause_us: 0,
        took_us: 0,
    };
    if report.differences_count > 0 && !accept {
        return Ok(report);
    }
    ledger.store().put_shadow_totals(&seen.totals)?;
    swap(ledger, by, &outcome, &mut report)?;
    aside((outcome, seen));
    Ok(report)
}

fn swap(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    outcome: &Outcome,
    report: &mut RebuildReport,
) -> Result<()> {
    let began = Stopwatch::now();
    ledger.store().begin()?;
    let done = (|| {
        report.caught_up = catch_up(ledger.store(), report.through)?;
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

/// Posts what was appended since the replay into the shadow, case by case.
fn catch_up(store: &mut SqliteStore, through: u64) -> Result<u64> {
    let mut fresh: Vec<OwnedRow> = Vec::new();
    store.scan(Span::after(through), &mut |row| {
        fresh.push(owned(row));
        ControlFlow::Continue(())
    })?;
    let mut touched: BTreeSet<CaseKey> = BTreeSet::new();
    for row in &fresh {
        let recorded = open(&row.as_row()).map_err(|why| broken(row.position, &why))?;
        if let Event::AppendRefused(r) = &recorded.event {
            store.refuse_shadow(&refusal_row(recorded.envelope.position, r))?;
        }
        touched.extend(cache::key_on_record(store, &recorded)?);
    }
    for key in &touched {
        let before = cache::read_until(store, key, through)?.there()?;
        let after = cache::read_until(store, key, u64::MAX)?.there()?;
        let ids: BTreeSet<&ClaimId> = before.claims.keys().chain(after.claims.keys()).collect();
        for id in ids {
            let (before, after) = (rows(&before, id, &Cut::default()), rows(&after, id, &Cut::default()));
            store.post_shadow(before.as_ref(), after.as_ref())?;
        }
    }
    Ok(u64::try_from(fresh.len()).unwrap_or(u64::MAX))
}

fn owned(row: &Row<'_>) -> OwnedRow {
    OwnedRow {
        position: row.position,
        stream: row.stream.into(),
        revision: row.revision,
        event_id: row.event_id,
        kind: row.kind.into(),
        recorded_at: row.recorded_at,
        body: row.body.into(),
        leaf: row.leaf,
    }
}

fn broken(position: u64, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {position}: {why}"))
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
