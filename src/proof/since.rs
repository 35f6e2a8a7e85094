//! What came since the last rebuild, proved alone.
//!
//! The event that a rebuild leaves in the log says through which position it came, with which root and to which books.
//! When this same program wrote it, its cases need not be folded again: the stored leaves must still come to that root,
//! and the books, with the rows of every case that has gone on taken back to that position, must still come to that
//! digest. What is new is proved as any replay proves it, on the cases as they stood, and their rows are compared.
//!
//! What this leaves to a whole audit: that the bodies of older events still are what their leaves say, the pages and
//! indexes of the file, personal values of older events.

use replay::{
    audit::{Known, Proved, Replay},
    books::{BOOKS_VERSION, ClaimRows, Sums, TotalKey, rows, text},
    case::{Case, CaseKey},
    codec::{OwnedRow, open},
    event::{Event, Kind, ProjectionRebuilt},
    history::Cut,
    ids::{ClaimId, Revision, Stream},
    merkle::{Frontier, Hash},
    multiset::MultisetKey,
    registry::Registry,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{
    bookkeeping::{Bookkeeper, Seen},
    compare::{Compared, Lines, RowKey, digest_with, obligation_lines},
    moment::Moment,
    rebuild::{broken, owned},
};
use crate::{
    error::{Error, ErrorKind, Result},
    hashed::hashed,
    ledger::cache,
    progress::Progress,
    replaying::Ended,
    store::{
        Span, Store, Tip,
        sqlite::{SqliteStore, alone, refusal_name},
    },
    whole,
};

/// Most new events that are held in memory; with more, the whole log is replayed.
const NEW_EVENTS_MAX: usize = 1_000_000;
/// Most bytes of a snapshot file; a longer one is none.
const SNAPSHOT_BYTES_MAX: u64 = 4_096;
/// Leaves between two looks at the progress bar.
const PROGRESS_LEAVES: u64 = 65_536;

/// Which rebuild was the last one, and which program did it. Everything else about it stands in the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Snapshot {
    /// The ledger's name.
    ledger: String,
    /// Position of the event that the rebuild left.
    position: u64,
    /// SHA-256 of the program: its code, the schemas, the upcasters and whatever else it is made of.
    program: Hash,
}

/// Why the whole log has to be replayed, as a sentence.
pub type Why = String;

/// What was proved since the last rebuild.
pub(super) struct Since {
    /// Last position that the rebuild had replayed.
    pub known: u64,
    pub tip: Tip,
    /// Cases that have gone on since.
    pub cases: u64,
    pub root: Hash,
    pub compared: Compared,
    pub control_totals: BTreeMap<String, Sums>,
    pub policies: Vec<Hash>,
}

/// Where the snapshot of a ledger lies.
pub fn snapshot_path(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".snapshot");
    name.into()
}

/// Remembers beside the ledger that this program left this event of a rebuild.
///
/// # Errors
/// A disk that fails.
pub(super) fn remember(store: &SqliteStore, position: u64) -> Result<()> {
    let snapshot = Snapshot { ledger: store.origin().to_string(), position, program: program()? };
    let bytes = serde_json::to_vec(&snapshot)
        .map_err(|why| Error::new(ErrorKind::Internal, "no_snapshot", why.to_string()))?;
    whole::again(&snapshot_path(store.path()), &bytes)
}

/// The hash of the program that is running.
fn program() -> Result<Hash> {
    let unknown = |why: std::io::Error| {
        Error::new(ErrorKind::Internal, "no_program", format!("the program cannot read itself: {why}"))
    };
    std::env::current_exe().and_then(std::fs::File::open).and_then(hashed).map_err(unknown)
}

/// Proves what came since the last rebuild; or says why that is not possible, or not right.
///
/// # Errors
/// Storage errors, an interruption.
pub(super) fn since(reader: &mut SqliteStore, shown: bool) -> Result<std::result::Result<Since, Why>> {
    let snapshot = match snapshot(reader)? {
        Ok(snapshot) => snapshot,
        Err(why) => return Ok(Err(why)),
    };
    let mut moment = Moment::begin(reader, 1)?;
    let rebuilt = match rebuilt(moment.reader, &snapshot)? {
        Ok(rebuilt) => rebuilt,
        Err(why) => return Ok(Err(why)),
    };
    let known = rebuilt.through;
    let frontier = leaves(moment.reader, known, shown)?;
    if frontier.size() != known || frontier.root() != rebuilt.root {
        return Ok(Err(format!(
            "the first {known} stored leaves no longer have the root of the last rebuild"
        )));
    }
    let fresh = match fresh(moment.reader, known)? {
        Ok(fresh) => fresh,
        Err(why) => return Ok(Err(why)),
    };
    proved(&mut moment, &rebuilt, frontier, &fresh)
}

/// The snapshot, if there is one of this ledger by this program.
fn snapshot(reader: &SqliteStore) -> Result<std::result::Result<Snapshot, Why>> {
    let path = snapshot_path(reader.path());
    let Ok(data) = path.metadata() else { return Ok(Err("there is no snapshot yet".into())) };
    let read =
        if data.is_file() && data.len() <= SNAPSHOT_BYTES_MAX { std::fs::read(&path).ok() } else { None };
    let snapshot: Option<Snapshot> = read.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    Ok(match snapshot {
        None => Err("the snapshot cannot be read".into()),
        Some(found) if found.ledger != reader.origin().as_str() => {
            Err("the snapshot is of another ledger".into())
        }
        Some(found) if found.program != program()? => Err("another program made the snapshot".into()),
        Some(found) => Ok(found),
    })
}

/// What the last rebuild says of itself in the log.
fn rebuilt(
    store: &mut SqliteStore,
    snapshot: &Snapshot,
) -> Result<std::result::Result<ProjectionRebuilt, Why>> {
    let row = store.row(snapshot.position)?;
    let event = row.and_then(|row| open(&row.as_row()).ok()).map(|recorded| recorded.event);
    Ok(match event {
        Some(Event::ProjectionRebuilt(rebuilt)) if rebuilt.books_version != BOOKS_VERSION => {
            Err("the books had other rows then".into())
        }
        Some(Event::ProjectionRebuilt(rebuilt)) if rebuilt.through < snapshot.position => Ok(*rebuilt),
        _ => Err(format!("position {} is not the event of a rebuild", snapshot.position)),
    })
}

/// The tree over the stored leaves up to a position.
fn leaves(store: &mut SqliteStore, last: u64, shown: bool) -> Result<Frontier> {
    let progress = Progress::new("leaves", last, shown);
    let (mut frontier, mut stopped) = (Frontier::new(), Ok(()));
    store.each_leaf(last, &mut |position, leaf| {
        if position == frontier.size() + 1 {
            frontier.push(Hash(leaf));
        }
        if position.is_multiple_of(PROGRESS_LEAVES) {
            stopped = progress.reach(position);
        }
        if stopped.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    stopped?;
    progress.done();
    Ok(frontier)
}

/// The rows since a position, unless one of them asks for more than its own case.
fn fresh(store: &mut SqliteStore, known: u64) -> Result<std::result::Result<Vec<OwnedRow>, Why>> {
    const WIDE: [(Kind, &str); 5] = [
        (Kind::PolicyPublished, "a policy was published since"),
        (Kind::CalendarPublished, "a calendar was published since"),
        (Kind::PeriodClosed, "a month was sealed since"),
        (Kind::PeriodReopened, "a month was opened again since"),
        (Kind::PersonalDataRedacted, "personal values were erased since"),
    ];
    let (mut rows, mut why) = (Vec::new(), None);
    store.scan(Span::after(known), &mut |row| {
        why = WIDE.iter().find(|(kind, _)| kind.as_str() == row.kind).map(|(_, why)| Why::from(*why));
        if rows.len() >= NEW_EVENTS_MAX {
            why = Some(format!("more than {NEW_EVENTS_MAX} events came since"));
        }
        rows.push(owned(row));
        if why.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(why.map_or(Ok(rows), Err))
}

/// The ledger stream as it stood at a position.
fn registry_at(store: &mut SqliteStore, known: u64) -> Result<Registry> {
    let mut registry = Registry::default();
    for row in store.registry()?.iter().filter(|row| row.position <= known) {
        let recorded = open(&row.as_row()).map_err(|why| broken(row.position, &why))?;
        registry.take(&recorded.event, recorded.envelope.position, recorded.envelope.recorded_at);
    }
    registry.set_revision(Revision::new(store.revision_at(&Stream::Ledger, known)?));
    Ok(registry)
}

type CaseRows = BTreeMap<ClaimId, ClaimRows>;

fn rows_of(case: &Case) -> CaseRows {
    case.claims.keys().filter_map(|id| Some((id.clone(), rows(case, id, &Cut::default())?))).collect()
}

fn proved(
    moment: &mut Moment<'_>,
    rebuilt: &ProjectionRebuilt,
    frontier: Frontier,
    fresh: &[OwnedRow],
) -> Result<std::result::Result<Since, Why>> {
    let (store, known) = (&mut *moment.reader, rebuilt.through);
    let recorded_at = store.row(known)?.map_or(0, |row| row.recorded_at);
    let mut cases = BTreeMap::new();
    let mut policies = Vec::new();
    for row in fresh {
        let Ok(recorded) = open(&row.as_row()) else {
            return Ok(Err(format!("position {} cannot be read", row.position)));
        };
        if let Some(key) = cache::key_on_record(store, &recorded)?
            && !cases.contains_key(&key)
        {
            let case = cache::read_until(store, &key, known)?.there()?;
            cases.insert(key, case);
        }
    }
    let registry = registry_at(store, known)?;
    for (_, versions) in registry.policies() {
        policies.extend(versions.iter().map(|version| (version.position, version.sha256)));
    }
    policies.sort_unstable_by_key(|(position, _)| *position);
    let before: BTreeMap<CaseKey, CaseRows> =
        cases.iter().map(|(key, case)| (key.clone(), rows_of(case))).collect();
    let count = u64::try_from(cases.len()).unwrap_or(u64::MAX);
    let known_world = Known { frontier, recorded_at, registry, cases: cases.into_iter().collect() };
    let mut replay = Replay::after(Some(store.origin().clone()), known_world).thorough().without_books();
    for row in fresh {
        let values = store.personal(row.position)?;
        replay.proved(&row.as_row(), Proved::of(&row.as_row(), true).open_with(&values));
        if !is_found(store, row)? {
            return Ok(Err(format!("an index does not lead to position {}", row.position)));
        }
    }
    let after = replay.hand_over_the_rest();
    let refusals = replay.hand_over_refusals();
    let outcome = replay.finish();
    if let Some(first) = outcome.findings.first() {
        return Ok(Err(first.to_string()));
    }
    if !outcome.commitments.is_empty() || !outcome.not_opening.is_empty() {
        return Ok(Err("a personal value does not open its commitment".into()));
    }
    if moment.tip.frontier.root() != outcome.root || moment.tip.position != outcome.events {
        return Ok(Err("the stored tree is not that of the stored events".into()));
    }
    let after_rows: BTreeMap<&CaseKey, CaseRows> =
        after.iter().map(|(key, case)| (key, rows_of(case))).collect();
    let back = taken_back(&before, &after_rows, refusals.iter().map(|row| row.position));
    let totals = moment.reader.served_totals()?;
    let then = totals_then(&totals, &before, &after_rows);
    let (served, then) = digest_with(moment.reader, &back, &then)?;
    if then.sha256 != rebuilt.digest {
        return Ok(Err(
            "the books of cases in which nothing happened are not those of the last rebuild".into()
        ));
    }
    let nothing_beside = || Error::new(ErrorKind::Internal, "no_connection", "a connection is missing");
    let beside = moment.beside.pop().ok_or_else(nothing_beside)?;
    let mut keeper =
        Bookkeeper { served: beside, shadow: None, seen: Seen::new(&MultisetKey([0; 16]), false) };
    keeper.take(Ended { cases: after, refusals })?;
    if !keeper.seen.differing.is_empty() {
        return Ok(Err("the books of cases that have gone on are not what the log says".into()));
    }
    let totals = replay::books::Books { totals, ..Default::default() };
    Ok(Ok(Since {
        known,
        tip: moment.tip.clone(),
        cases: count,
        root: outcome.root,
        compared: Compared {
            differences: Vec::new(),
            differences_count: 0,
            replayed: served.clone(),
            served,
        },
        control_totals: totals.control_totals(),
        policies: policies.into_iter().map(|(_, sha256)| sha256).collect(),
    }))
}

/// Whether id, key and order of an event lead to it, and to nothing before it.
fn is_found(store: &mut SqliteStore, row: &OwnedRow) -> Result<bool> {
    if store.find_event(row.event_id)? != Some(row.position) {
        return Ok(false);
    }
    let Ok(recorded) = open(&row.as_row()) else { return Ok(true) };
    if let (Event::ClaimOpened(opened), Stream::Claim(id)) = (&recorded.event, &recorded.envelope.stream)
        && !store.claims_of(opened.order.as_str())?.iter().any(|claim| claim == id.as_str())
    {
        return Ok(false);
    }
    let Some(external_id) = &recorded.envelope.external_id else { return Ok(true) };
    let key = crate::store::Key {
        source: recorded.envelope.source.to_string(),
        kind: row.kind.clone(),
        external_id: external_id.to_string(),
    };
    Ok(store.find(&key)? == Some(row.position))
}

/// The rows of cases that have gone on, and of new refusals, as they were then: none where there was none.
fn taken_back(
    before: &BTreeMap<CaseKey, CaseRows>,
    after: &BTreeMap<&CaseKey, CaseRows>,
    refusals: impl Iterator<Item = u64>,
) -> BTreeMap<RowKey, Lines> {
    let mut back = BTreeMap::new();
    let mut put = |table, name, line: Option<String>| {
        back.insert(RowKey { table, name }, Lines { served: None, replayed: line });
    };
    for (key, now) in after {
        let then = before.get(*key);
        for (id, rows) in now {
            let then = then.and_then(|rows| rows.get(id));
            put(0, alone(id.to_string()), then.map(|rows| text(&rows.board)));
            put(1, alone(id.to_string()), then.map(|rows| rows.detail.clone()));
            for (name, _) in obligation_lines(&rows.obligations) {
                put(3, name, None);
            }
            for (name, line) in then.into_iter().flat_map(|rows| obligation_lines(&rows.obligations)) {
                put(3, name, Some(line));
            }
        }
    }
    for position in refusals {
        put(4, refusal_name(position), None);
    }
    back
}

/// The totals as they were then.
fn totals_then(
    served: &BTreeMap<TotalKey, Sums>,
    before: &BTreeMap<CaseKey, CaseRows>,
    after: &BTreeMap<&CaseKey, CaseRows>,
) -> BTreeMap<TotalKey, Sums> {
    let mut totals = served.clone();
    for (key, sums) in after.values().flat_map(BTreeMap::values).flat_map(|rows| &rows.totals) {
        totals.entry(key.clone()).or_default().take(sums);
    }
    for (key, sums) in before.values().flat_map(BTreeMap::values).flat_map(|rows| &rows.totals) {
        totals.entry(key.clone()).or_default().add(sums);
    }
    totals.retain(|_, sums| !sums.is_zero());
    totals
}
