//! Rebuilding the books: from the whole log, or from what came since the last rebuild.

use replay::{
    audit::Outcome,
    books::{Digest, Sums, TABLES, refusal_row, rows},
    case::CaseKey,
    codec::{OwnedRow, Row, open},
    event::{ControlTotal, Event, ProjectionRebuilt},
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
    time::Instant as Stopwatch,
};

use super::{
    compare::Difference,
    micros,
    prove::{Ask, Proof, prove},
    since,
};
use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Ledger, cache},
    replaying::aside,
    room,
    store::{Span, Store, sqlite::SqliteStore},
};

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
    /// The position after which everything was proved, when the rest was proved by an earlier rebuild.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Cases that had gone on since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases_since: Option<u64>,
    /// Why the whole log was replayed although only what is new was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub whole_because: Option<String>,
    /// Events that came in meanwhile and were caught up with.
    pub caught_up: u64,
    /// Microseconds for which writers had to wait during the swap; readers never wait.
    pub swap_pause_us: u64,
    /// Microseconds it took in all.
    pub took_us: u64,
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
    let path = ledger.store().path().to_owned();
    let mut reader = SqliteStore::open_read_only(&path)?;
    // Once in the write-ahead log, and once more when that is folded into the file.
    room::asked_for("the rebuild", &path, reader.served_bytes()?.saturating_mul(2))?;
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

/// As [`rebuild`], but proves only what came since the last rebuild, if this same program did that one and nothing has
/// come that asks for more: `src/proof/since.rs` says what that leaves to a whole audit. Otherwise the whole log is
/// replayed, and the report says why.
///
/// # Errors
/// As [`rebuild`].
pub fn rebuild_since_snapshot(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    accept: bool,
    shown: bool,
) -> Result<RebuildReport> {
    let began = Stopwatch::now();
    let mut reader = SqliteStore::open_read_only(ledger.store().path())?;
    let report = match since::since(&mut reader, shown)? {
        Err(why) => {
            let whole = rebuild(ledger, by, accept, shown)?;
            RebuildReport { whole_because: Some(why), ..whole }
        }
        Ok(since) => {
            let mut report = RebuildReport {
                through: since.tip.position,
                root: since.root,
                served_digest: since.compared.served.sha256,
                digest: since.compared.replayed.sha256,
                rows: row_counts(&since.compared.replayed),
                control_totals: since.control_totals,
                differences: Vec::new(),
                differences_count: 0,
                swapped: false,
                recorded_at_position: None,
                since: Some(since.known),
                cases_since: Some(since.cases),
                whole_because: None,
                caught_up: 0,
                swap_pause_us: 0,
                took_us: 0,
            };
            ledger.store().begin()?;
            let recorded = record(ledger, by, &report, since.policies);
            report.recorded_at_position = Some(committed(ledger, recorded)?);
            report
        }
    };
    if let Some(position) = report.recorded_at_position {
        since::remember(ledger.store(), position)?;
    }
    Ok(RebuildReport { took_us: micros(began), ..report })
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
        since: None,
        cases_since: None,
        whole_because: None,
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
        record(ledger, by, report, outcome.policies.clone())
    })();
    let done = committed(ledger, done);
    report.swap_pause_us = micros(began);
    match done {
        Ok(position) => {
            report.swapped = true;
            report.recorded_at_position = Some(position);
            Ok(())
        }
        Err(why) => {
            let _ = ledger.store().drop_shadow();
            Err(why)
        }
    }
}

/// Appends the event that says what was rebuilt, inside a transaction.
fn record(
    ledger: &mut Ledger<SqliteStore>,
    by: &By,
    report: &RebuildReport,
    policies: Vec<Hash>,
) -> Result<u64> {
    let now = ledger.door().now();
    let proposal = Proposal {
        stream: Stream::Ledger,
        expected: Expected::AfterThePreviousOfThisBatch,
        event: manifest(report, policies)?,
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
    Ok(ledger.append_own(&proposal)?.position)
}

/// Ends a transaction: with everything, or with nothing.
fn committed<T>(ledger: &mut Ledger<SqliteStore>, done: Result<T>) -> Result<T> {
    let done = done.and_then(|done| ledger.store().commit().map(|()| done));
    if done.is_err() {
        ledger.store().rollback();
        ledger.forget();
    }
    done
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

pub(super) fn owned(row: &Row<'_>) -> OwnedRow {
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

pub(super) fn broken(position: u64, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {position}: {why}"))
}

fn row_counts(digest: &Digest) -> BTreeMap<String, u64> {
    TABLES.iter().map(ToString::to_string).zip(digest.rows).collect()
}

fn manifest(report: &RebuildReport, policies: Vec<Hash>) -> Result<Event> {
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
        policies,
        code_version: Word::new(env!("CARGO_PKG_VERSION")).map_err(|why| internal(&why))?,
        books_version: replay::books::BOOKS_VERSION,
        differences: report.differences_count,
    };
    Ok(rebuilt.into())
}
