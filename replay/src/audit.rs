//! Replay with every check switched on: rows in, books and findings out.

mod outcome;
mod proved;
mod uses;

pub use outcome::{Key, Outcome, Places, Table};
pub use proved::{Commitment, Proved, commitments_of};
pub use uses::Uses;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    vec::Vec,
};

use crate::{
    books::{Books, RefusalRow, refusal_row},
    case::{Broken, Case, CaseKey, Fault, World, first_key},
    codec::{Recorded, Row},
    event::{ControlTotal, Event, Kind, PeriodClosed},
    evidence::{
        record::{self, HeadFault},
        succession::Announced,
    },
    history::Cut,
    ids::{ClaimId, Origin, Position, Stream},
    journal::{Entry, Poster},
    merkle::{Frontier, Hash},
    multiset::MultisetKey,
    redaction::Redactions,
    registry::Registry,
    time::Month,
};

/// Most findings that are kept; the rest is counted.
pub const FINDINGS_MAX: usize = 100;

/// What is known of a log up to a position, by whoever proved it.
#[derive(Debug)]
pub struct Known {
    /// The tree over every event so far.
    pub frontier: Frontier,
    /// Recorded time of the last event, in microseconds.
    pub recorded_at: i64,
    /// What the ledger stream says.
    pub registry: Registry,
    /// Every case of which more will come.
    pub cases: Vec<(CaseKey, Case)>,
}

/// Takes the rows of a log in order of position, proves each, and folds it into the world.
///
/// An event that cannot be read or that breaks the law quarantines its case: nothing more of that case is
/// folded, and its claims are named. The rest of the log is still replayed. Nothing is skipped silently.
#[derive(Debug)]
pub struct Replay {
    origin: Option<Origin>,
    world: World,
    frontier: Frontier,
    position: u64,
    recorded_at: i64,
    uses: Uses,
    commitments: Option<Vec<Commitment>>,
    opened: u64,
    not_opening: Vec<(u64, String)>,
    books: Books,
    findings: Vec<Broken>,
    findings_count: u64,
    first_bad: Option<Places>,
    vouched: u64,
    quarantined: BTreeSet<CaseKey>,
    quarantined_streams: BTreeSet<String>,
    case_of_claim: Table<ClaimId, CaseKey>,
    kinds: BTreeMap<Kind, u64>,
    policies: Vec<Hash>,
    redactions: Redactions,
    checkpoints: Vec<(u64, String)>,
    announced: Vec<Announced>,
    roots: BTreeMap<u64, Option<Hash>>,
    cut: Cut,
    writes_books: bool,
    seals_differing: u64,
    oversteps: u64,
    poster: Option<Poster>,
    entry: Option<Entry>,
}

impl Replay {
    /// A replay from the first position. With an origin, events of another ledger are findings.
    pub fn new(origin: Option<Origin>, cut: Cut) -> Self {
        Self {
            origin,
            world: World::default(),
            frontier: Frontier::new(),
            position: 0,
            recorded_at: 0,
            uses: Uses::default(),
            commitments: None,
            opened: 0,
            not_opening: Vec::new(),
            books: Books::default(),
            findings: Vec::new(),
            findings_count: 0,
            first_bad: None,
            vouched: 0,
            quarantined: BTreeSet::new(),
            quarantined_streams: BTreeSet::new(),
            case_of_claim: Table::default(),
            kinds: BTreeMap::new(),
            policies: Vec::new(),
            redactions: Redactions::default(),
            checkpoints: Vec::new(),
            announced: Vec::new(),
            roots: BTreeMap::new(),
            cut,
            writes_books: true,
            seals_differing: 0,
            oversteps: 0,
            poster: None,
            entry: None,
        }
    }

    /// A replay that goes on where an earlier one ended: it takes the next row after `known.position`.
    pub fn after(origin: Option<Origin>, known: Known) -> Self {
        let Known { frontier, recorded_at, registry, cases } = known;
        let case_of_claim = cases
            .iter()
            .flat_map(|(key, case)| case.claims.keys().map(|id| (id.clone(), key.clone())))
            .collect();
        Self {
            position: frontier.size(),
            vouched: frontier.size(),
            frontier,
            recorded_at,
            world: World::of(registry, cases),
            case_of_claim,
            ..Self::new(origin, Cut::default())
        }
    }

    /// Also collects every commitment to a personal value, to be opened afterwards, and proves that each body is
    /// the one spelling of its event.
    pub fn thorough(mut self) -> Self {
        self.commitments = Some(Vec::new());
        self
    }

    /// Also keeps the roots of these sizes of the log.
    pub fn with_roots_of(mut self, sizes: impl IntoIterator<Item = u64>) -> Self {
        let empty = self.frontier.root();
        self.roots = sizes.into_iter().map(|size| (size, (size == 0).then_some(empty))).collect();
        self
    }

    /// Leaves the books empty: for questions that only the world answers.
    pub fn without_books(mut self) -> Self {
        self.writes_books = false;
        self
    }

    /// Also posts every event that moves money: [`Replay::entry`] gives the entry of the last row.
    pub fn posting(mut self) -> Self {
        self.poster = Some(Poster::default());
        self
    }

    /// Adds up ids and keys instead of keeping them: no second use is named, but the sums show whether an index in
    /// which nothing stands twice is theirs.
    pub fn adding_up(mut self, key: &MultisetKey) -> Self {
        self.uses = Uses::summed(key);
        self
    }

    /// The next row. A fault is kept as a finding, and the replay goes on.
    pub fn row(&mut self, row: &Row<'_>) {
        self.proved(row, Proved::of(row, self.is_thorough()));
    }

    /// Whether rows are to be proved thoroughly, see [`Replay::thorough`].
    pub fn is_thorough(&self) -> bool {
        self.commitments.is_some()
    }

    /// The next row, which was looked at alone already.
    pub fn proved(&mut self, row: &Row<'_>, proved: Proved) {
        self.entry = None;
        let due = self.position.saturating_add(1);
        if row.position != due {
            self.find(row, Fault::PositionIsNotTheNext { due });
        }
        self.position = row.position;
        let Proved { leaf, opened, commitments, spelling, opening, not_opening } = proved;
        self.opened = self.opened.saturating_add(opening);
        self.not_opening.extend(not_opening.into_iter().map(|path| (row.position, path)));
        if let Ok(recorded) = &opened
            && let Err(fault) = self.of_itself(row.position, recorded)
        {
            self.find(row, fault);
        }
        // A seal names the root of the log before it.
        let root_before = (row.kind == Kind::PeriodClosed.as_str()).then(|| self.frontier.root());
        // The tree is over the bodies that are there, so a changed body shows in the root as well.
        self.frontier.push(leaf);
        if let Some(root) = self.roots.get_mut(&self.frontier.size()) {
            *root = Some(self.frontier.root());
        }
        match opened {
            Err(fault) => {
                self.quarantine(row);
                self.find(row, Fault::Row(fault));
            }
            Ok(recorded) => {
                if let Some(all) = &mut self.commitments {
                    all.extend(commitments);
                }
                let taken =
                    spelling.map_err(Fault::Row).and_then(|()| self.recorded(row, recorded, root_before));
                if let Err(fault) = taken {
                    self.quarantine(row);
                    self.find(row, fault);
                }
            }
        }
    }

    /// What the log says of its own head and of its key, before the event is in the tree.
    fn of_itself(&mut self, position: u64, recorded: &Recorded) -> Result<(), Fault> {
        let ledger = recorded.envelope.ledger.as_str();
        match &recorded.event {
            Event::CheckpointRecorded(head) => {
                let key = self.world.registry.signing_key();
                record::checkpoint(head, ledger, &self.frontier, key).map_err(Fault::Checkpoint)?;
                self.checkpoints.push((position, head.note.clone()));
            }
            Event::SigningKeyAnnounced(key) => {
                let announced = record::signing_key(key, position, ledger, &self.frontier);
                self.announced.push(announced.map_err(Fault::SigningKey)?);
            }
            _ => return Ok(()),
        }
        self.vouched = self.frontier.size();
        Ok(())
    }

    fn recorded(&mut self, row: &Row<'_>, recorded: Recorded, root: Option<Hash>) -> Result<(), Fault> {
        let e = &recorded.envelope;
        if self.origin.as_ref().is_some_and(|origin| *origin != e.ledger) {
            return Err(Fault::ForeignLedger(e.ledger.to_string()));
        }
        if row.recorded_at < self.recorded_at {
            return Err(Fault::RecordedTimeRunsBackwards);
        }
        self.recorded_at = row.recorded_at;
        let kind = recorded.event.kind();
        self.uses.first(e, kind)?;
        let count = self.kinds.entry(kind).or_default();
        *count = count.saturating_add(1);
        if let Event::PolicyPublished(p) = &recorded.event {
            self.policies.push(p.sha256);
        }
        self.redactions.take(&recorded);
        if let Event::AppendRefused(r) = &recorded.event
            && self.cut.sees(e.position, e.recorded_at)
            && self.cut.effective_at.is_none_or(|t| e.effective.at <= t)
        {
            self.books.refuse(refusal_row(e.position, r));
        }
        // Before the question of quarantine: later events of a claim no longer say which order it is on.
        if let Stream::Claim(id) = &e.stream
            && !self.case_of_claim.contains_key(id)
        {
            self.case_of_claim.insert(id.clone(), first_key(id, &recorded.event));
        }
        if self.is_quarantined(&recorded) {
            return Ok(());
        }
        // Findings of their own: true of who acted or sealed, no matter for what the event says of its claim.
        if let Err(overstep) = self.world.duties(&recorded) {
            self.oversteps = self.oversteps.saturating_add(1);
            self.find(row, Fault::Duty(overstep));
        }
        if let Event::PeriodClosed(seal) = &recorded.event
            && let Some(what) = self.seal_differs(seal, root)
        {
            self.seals_differing = self.seals_differing.saturating_add(1);
            self.find(row, Fault::SealDiffers { period: seal.period.clone(), what });
        }
        let pending = self.poster.as_mut().and_then(|poster| poster.before(&recorded, &self.world));
        self.world.apply(recorded)?;
        if let (Some(poster), Some(pending)) = (&mut self.poster, pending) {
            self.entry = poster.after(pending, &self.world);
        }
        Ok(())
    }

    /// What a month was sealed with beside what the log says at that position.
    fn seal_differs(&self, seal: &PeriodClosed, root: Option<Hash>) -> Option<String> {
        let month = Month::parse(&seal.period).ok()?;
        let posted = self.world.postings.control_totals(month);
        if posted != seal.totals {
            return Some(format!("{}; the log says {}", totals(&seal.totals), totals(&posted)));
        }
        let before = self.position.saturating_sub(1);
        if seal.through.is_some_and(|through| through != before) {
            return Some(format!(
                "position {} as the last; it is {before}",
                seal.through.unwrap_or_default()
            ));
        }
        match (seal.root, root) {
            (Some(sealed), Some(root)) if sealed != root => Some(format!("root {sealed}; it is {root}")),
            _ => None,
        }
    }

    fn is_quarantined(&self, recorded: &Recorded) -> bool {
        if self.quarantined.is_empty() && self.quarantined_streams.is_empty() {
            return false;
        }
        let stream = &recorded.envelope.stream;
        let key = match stream {
            // One gap is one finding, not one for every refusal that follows.
            Stream::Ledger => return self.quarantined_streams.contains("ledger"),
            Stream::Order(id) => CaseKey::Order(id.clone()),
            Stream::Claim(id) => {
                let known = self.case_of_claim.get(id).cloned();
                known.unwrap_or_else(|| first_key(id, &recorded.event))
            }
        };
        self.quarantined.contains(&key) || self.quarantined_streams.contains(&stream.to_string())
    }

    fn quarantine(&mut self, row: &Row<'_>) {
        let key = match row.stream.parse::<Stream>() {
            Ok(Stream::Order(id)) => Some(CaseKey::Order(id)),
            Ok(Stream::Claim(id)) => Some(self.case_of_claim.get(&id).cloned().unwrap_or(CaseKey::Alone(id))),
            _ => None,
        };
        if let Some(key) = key {
            self.quarantined.insert(key);
        }
        self.quarantined_streams.insert(row.stream.into());
    }

    fn find(&mut self, row: &Row<'_>, fault: Fault) {
        // Another root says that one of the events since the last checkpoint is not the one that was signed.
        let places = match &fault {
            Fault::Checkpoint(HeadFault::RootIsNotThatOfTheLog { .. })
            | Fault::SigningKey(HeadFault::RootIsNotThatOfTheLog { .. }) => {
                Places { first: self.vouched.saturating_add(1), last: self.frontier.size() }
            }
            _ => Places::at(row.position),
        };
        self.first_bad.get_or_insert(places);
        self.findings_count = self.findings_count.saturating_add(1);
        if self.findings.len() < FINDINGS_MAX {
            let position = Position::new(row.position).unwrap_or(Position::FIRST);
            self.findings.push(Broken { position, stream: row.stream.into(), fault });
        }
    }

    /// The root over everything read so far.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }

    /// What was folded so far, for questions between two rows.
    pub fn world(&self) -> &World {
        &self.world
    }
    /// What the last row posts, when [`Replay::posting`] and it moves money.
    pub fn entry(&mut self) -> Option<Entry> {
        self.entry.take()
    }
    /// The position of the last row.
    pub fn position(&self) -> u64 {
        self.position
    }
    /// The first thing that is wrong so far.
    pub fn first_finding(&self) -> Option<&Broken> {
        self.findings.first()
    }

    /// Takes a case that has ended out of the replay, so that its memory can be used for others: whoever replays
    /// writes its books. Should an event of it come all the same, [`Outcome::came_late`] says so.
    pub fn hand_over(&mut self, stream: &str) -> Option<(CaseKey, Case)> {
        let (key, case) = self.world.hand_over(&stream.parse().ok()?)?;
        for id in case.claims.keys() {
            self.case_of_claim.remove(id);
        }
        Some((key, case))
    }
    /// Hands over every case that is left.
    pub fn hand_over_the_rest(&mut self) -> Vec<(CaseKey, Case)> {
        self.world.hand_over_the_rest()
    }
    /// Hands over the refused acts since the last time, in order of position.
    pub fn hand_over_refusals(&mut self) -> Vec<RefusalRow> {
        core::mem::take(&mut self.books.refusals).into_values().collect()
    }

    /// Writes the books and closes the replay.
    pub fn finish(self) -> Outcome {
        self.finish_with(Books::of)
    }

    /// As [`Replay::finish`], where `write` writes the books of all cases: as [`Books::of`] does, or in parts.
    pub fn finish_with(mut self, write: impl FnOnce(&[&Case], &Cut) -> Books) -> Outcome {
        let ledger = self.quarantined_streams.get("ledger").cloned();
        let quarantined =
            ledger.into_iter().chain(self.quarantined.iter().map(|key| format!("{key}"))).collect();
        if self.writes_books {
            let cases: Vec<&Case> = self.world.cases().map(|(_, case)| case).collect();
            self.books.join(write(&cases, &self.cut));
        }
        Outcome {
            events: self.frontier.size(),
            root: self.frontier.root(),
            frontier: self.frontier,
            books: self.books,
            findings: self.findings,
            findings_count: self.findings_count,
            first_bad: self.first_bad,
            vouched: self.vouched,
            quarantined,
            kinds: self.kinds.into_iter().map(|(kind, count)| (kind.as_str(), count)).collect(),
            policies: self.policies,
            uses: self.uses,
            commitments: self.commitments.unwrap_or_default(),
            opened: self.opened,
            not_opening: self.not_opening,
            came_late: self.world.came_late(),
            redactions: self.redactions,
            checkpoints: self.checkpoints,
            announced: self.announced,
            roots: self.roots,
            oversteps: self.oversteps,
            seals_differing: self.seals_differing,
            poster: self.poster,
            world: self.world,
        }
    }
}

/// Control totals in a sentence, in minor units as the seal has them.
fn totals(totals: &[ControlTotal]) -> String {
    if totals.is_empty() {
        return "nothing".into();
    }
    let one = |t: &ControlTotal| {
        let (currency, failed) = (t.currency.as_str(), t.failed_minor);
        format!(
            "{currency} credited {} reversed {} failed {failed} (minor units)",
            t.credited_minor, t.reversed_minor
        )
    };
    totals.iter().map(one).collect::<Vec<_>>().join(", ")
}
