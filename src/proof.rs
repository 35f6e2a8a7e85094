//! Proving the books: audit compares, rebuild compares and replaces.

mod bookkeeping;
mod compare;
mod indexes;
mod moment;
mod personal;
mod prove;
mod rebuild;
mod since;

pub use compare::{DIFFERENCES_MAX, Difference};
pub use rebuild::{By, RebuildReport, rebuild, rebuild_since_snapshot};
pub use since::snapshot_path;

use prove::{Ask, Proof, prove};

use replay::{
    audit::{Outcome, Places},
    books::Sums,
    event::Kind,
    evidence::succession::Announced,
    merkle::Hash,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    thread,
    time::Instant as Stopwatch,
};

use crate::{
    error::{Error, ErrorKind, Result},
    replaying::aside,
    store::{Store, Tip, sqlite::SqliteStore},
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
