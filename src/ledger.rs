//! The ledger: what comes in is found, decided, sealed, posted and committed, in that order and nowhere else.

mod ahead;
pub(crate) mod cache;
pub(crate) mod decided;
mod itself;
mod receipt;
mod repeat;
pub(crate) mod stop;

pub use receipt::{Outcome, Receipt};

use replay::{
    case::{Case, CaseKey, Fault},
    codec::{CodecError, Recorded},
    decide::{Context, decide, decided_at, prepare},
    event::Event,
    ids::{Expected, Origin, Position, Revision, Stream},
    registry::Registry,
    seal::{Proposal, Stamp, seal},
    time::Instant,
};
use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    store::{Key, Store, Tip},
};
use cache::{Cache, Loaded};
use decided::{Decided, Entry, Group, Unwritten};
use stop::Stop;

/// Most commands in one batch, which is recorded as a whole or not at all.
pub const BATCH_COMMANDS_MAX: usize = 1_000;

/// Commands that are recorded together or not at all.
pub type Batch = Vec<Proposal>;

/// A ledger open for writing.
#[derive(Debug)]
pub struct Ledger<S> {
    store: S,
    door: Door,
    cache: Cache,
    unwritten: Unwritten,
    /// Where the log will end when what another thread is writing is written.
    ahead: Option<Tip>,
}

/// What one batch has changed so far, before it counts.
struct Draft {
    /// A batch of one command changes a case only when it counts, so it may work on the remembered one itself;
    /// a longer batch works on copies, because a later command may be refused.
    alone: bool,
    tip: Tip,
    cases: BTreeMap<CaseKey, Case>,
    registry: Option<Registry>,
    entries: Vec<Entry>,
    /// The streams of this batch, and where its last command on each left or found it.
    begun: BTreeMap<Stream, Option<Revision>>,
}

impl Draft {
    fn new(tip: &Tip, alone: bool) -> Self {
        Self {
            alone,
            tip: tip.clone(),
            cases: BTreeMap::new(),
            registry: None,
            entries: Vec::new(),
            begun: BTreeMap::new(),
        }
    }
    /// The case of a claim that this batch has opened: the store does not know it yet.
    fn key_of(&self, stream: &Stream) -> Option<CaseKey> {
        let Stream::Claim(id) = stream else { return None };
        if !self.begun.contains_key(stream) {
            return None;
        }
        self.cases.iter().find(|(_, case)| case.claims.contains_key(id)).map(|(key, _)| key.clone())
    }
}

impl<S: Store> Ledger<S> {
    /// Opens a ledger on a store.
    pub fn new(store: S, door: Door) -> Self {
        Self { store, door, cache: Cache::default(), unwritten: Unwritten::default(), ahead: None }
    }
    /// The ledger's name.
    pub fn origin(&self) -> &Origin {
        self.store.origin()
    }
    /// The store, for reading.
    pub fn store(&mut self) -> &mut S {
        &mut self.store
    }
    /// The door, for its clock.
    pub fn door(&mut self) -> &mut Door {
        &mut self.door
    }

    /// Forgets what was remembered from the log; it is read again when needed.
    pub(crate) fn forget(&mut self) {
        self.cache.clear();
        self.unwritten.clear();
        self.ahead = None;
    }

    /// Records one batch, durably.
    ///
    /// # Errors
    /// The first command of the batch that cannot be recorded; then none of it is.
    pub fn record(&mut self, batch: Batch) -> Result<Vec<Receipt>> {
        let mut results = self.record_group(vec![batch])?;
        results.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Records several batches with one commit. Each batch stands or falls alone.
    ///
    /// # Errors
    /// Storage errors, after which nothing of the group is recorded.
    pub fn record_group(&mut self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Receipt>>>> {
        self.commit_group(&batches, false)
    }

    /// As [`Ledger::record_group`], but the first batch that cannot be recorded is the last one looked at: its
    /// error ends the list of results.
    ///
    /// # Errors
    /// Storage errors, after which nothing of the group is recorded.
    pub fn record_until_failure(&mut self, batches: Vec<Batch>) -> Result<Vec<Result<Vec<Receipt>>>> {
        self.commit_group(&batches, true)
    }

    fn commit_group(&mut self, batches: &[Batch], until_failure: bool) -> Result<Vec<Result<Vec<Receipt>>>> {
        self.store.begin()?;
        match self.write_group(batches, until_failure) {
            Ok(results) => {
                self.unwritten.clear();
                Ok(results)
            }
            Err(why) => {
                // Nothing of the group counts: forget what was worked out as well.
                self.store.rollback();
                self.forget();
                Err(why)
            }
        }
    }

    fn write_group(&mut self, batches: &[Batch], until_failure: bool) -> Result<Vec<Result<Vec<Receipt>>>> {
        let tip = self.store.tip()?;
        let mut group = self.begin_group(tip);
        for batch in batches {
            if !self.decide(&mut group, batch)? && until_failure {
                break;
            }
        }
        let decided = self.decided(group);
        decided.write(&mut self.store)?;
        self.store.commit()?;
        Ok(decided.results)
    }

    /// Begins a group that follows on `tip`. It is decided batch by batch, and nothing of it is written meanwhile.
    fn begin_group(&mut self, tip: Tip) -> Group {
        // Another program may have written since: then what is known is old.
        self.cache.expect(tip.position);
        Group::new(tip)
    }

    /// Decides the next batch of a group, on what is on record and on what was decided before it. Says whether it can be
    /// recorded.
    fn decide(&mut self, group: &mut Group, batch: &[Proposal]) -> Result<bool> {
        let result = self.batch(group, batch)?;
        let can_be_recorded = result.is_ok();
        group.results.push(result);
        Ok(can_be_recorded)
    }

    /// The group as it is to be written.
    fn decided(&mut self, group: Group) -> Decided {
        let Group { after, tip, touched, entries, results } = group;
        let books = touched.iter().flat_map(|key| self.cache.changes(key)).collect();
        self.cache.reached(tip.position);
        Decided { after, tip, entries, books, results }
    }

    /// One batch inside a group. The outer error is the store's, the inner one the user's.
    fn batch(&mut self, group: &mut Group, batch: &[Proposal]) -> Result<Result<Vec<Receipt>>> {
        if batch.len() > BATCH_COMMANDS_MAX {
            let text =
                format!("the batch has {} commands, at most {BATCH_COMMANDS_MAX} are allowed", batch.len());
            return Ok(Err(Error::unreadable("batch_too_long", text).hint("split the file by claim")));
        }
        let alone = batch.len() == 1;
        let mut draft = Draft::new(&group.tip, alone);
        let mut receipts = Vec::with_capacity(batch.len());
        for (index, proposal) in batch.iter().enumerate() {
            match self.command(&mut draft, proposal)? {
                Ok(receipt) => receipts.push(receipt),
                Err(Stop { error, on_record }) => {
                    self.hand_back(draft);
                    let error = if alone { error } else { error.at(format!("command {}", index + 1)) };
                    if let Some((stream, event)) = on_record {
                        self.on_record(group, proposal, stream, event)?;
                    }
                    return Ok(Err(error));
                }
            }
        }
        self.keep(group, draft);
        Ok(Ok(receipts))
    }

    /// Finds, decides and seals one command; writes nothing.
    fn command(
        &mut self,
        draft: &mut Draft,
        proposal: &Proposal,
    ) -> Result<std::result::Result<Receipt, Stop>> {
        let key = repeat::key_of(proposal);
        if let Some(known) = self.known(draft, key.as_ref(), proposal)? {
            if let Ok(receipt) = &known {
                draft.begun.insert(proposal.stream.clone(), Revision::new(receipt.revision));
            }
            return Ok(known);
        }
        // After the comparison: what the ledger fills in is no content of the message.
        let mut proposal = Cow::Borrowed(proposal);
        if matches!(proposal.event, Event::ShipmentDispatched(_)) {
            prepare(&mut proposal.to_mut().event);
        }
        let proposal = &*proposal;
        let stream = &proposal.stream;
        let case_key = match draft.key_of(stream) {
            Some(key) => Some(key),
            None => match self.cache.key_of(&mut self.store, stream, &proposal.event)? {
                Loaded::There(key) => key,
                Loaded::Broken(error) => return Ok(Err(Stop::error(error))),
            },
        };
        if let Some(error) = self.load(draft, case_key.as_ref())? {
            return Ok(Err(Stop::error(error)));
        }
        let empty = Case::default();
        let case = case_key.as_ref().and_then(|key| draft.cases.get(key)).unwrap_or(&empty);
        let registry = draft.registry.as_ref().unwrap_or(self.cache.registry());
        let current = match stream {
            Stream::Ledger => registry.revision(),
            _ => case.revision(stream),
        };
        match proposal.expected {
            Expected::At(expected) if expected != current => {
                return Ok(Err(Stop::error(self.stale(stream, expected, current)?)));
            }
            Expected::At(_) => {}
            Expected::AfterThePreviousOfThisBatch => match draft.begun.get(stream) {
                Some(previous) if *previous == current => {}
                // The previous one is on record from an earlier run, and others have written since.
                Some(previous) => return Ok(Err(Stop::error(self.stale(stream, *previous, current)?))),
                None => {
                    let text = "the first command of a batch on a stream needs its expected revision";
                    let error = Error::unreadable("expected_revision_missing", text).at(stream).hint(
                        "0 for a new stream; claims show ID --json prints the revision of one that is there",
                    );
                    return Ok(Err(Stop::error(error)));
                }
            },
        }
        let now = self.now(&draft.tip);
        let events = match decide(Context { registry, case }, proposal, now) {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(Stop::refused(&refusal, proposal))),
        };
        let (mut receipt, mut last) = (None, current);
        // What a command leads to beside its own event (a decision by paying) goes before it, under no key of its own.
        let effective = || decided_at(case, stream, proposal.effective);
        let alone =
            || Proposal { external_id: None, event_id: None, effective: effective(), ..proposal.clone() };
        let beside = (events.len() > 1).then(alone);
        for event in events {
            let own = event.kind() == proposal.event.kind();
            let (asked, key) = match &beside {
                Some(beside) if !own => (beside, None),
                _ => (proposal, key.clone()),
            };
            match self.draft(draft, case_key.as_ref(), asked, event, key, now)? {
                Ok(made) => {
                    last = Revision::new(made.revision);
                    if own {
                        receipt = Some(made);
                    }
                }
                Err(error) => return Ok(Err(Stop::error(error))),
            }
        }
        draft.begun.insert(stream.clone(), last);
        receipt
            .map(Ok)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "no_event", "the command led to no event"))
    }

    /// Brings a case into the draft. `Some` is an error of the log.
    fn load(&mut self, draft: &mut Draft, key: Option<&CaseKey>) -> Result<Option<Error>> {
        if let Some(error) = self.cache.load_registry(&mut self.store)? {
            return Ok(Some(error));
        }
        let Some(key) = key else { return Ok(None) };
        if draft.cases.contains_key(key) {
            return Ok(None);
        }
        let case = if draft.alone {
            self.cache.lend(&mut self.store, key)?
        } else {
            match self.cache.load(&mut self.store, key)? {
                Loaded::There(case) => Loaded::There(case.clone()),
                Loaded::Broken(error) => Loaded::Broken(error),
            }
        };
        match case {
            Loaded::There(case) => {
                draft.cases.insert(key.clone(), case);
                Ok(None)
            }
            Loaded::Broken(error) => Ok(Some(error)),
        }
    }

    /// A refused command has changed nothing: the cases it was lent go back as they were.
    fn hand_back(&mut self, draft: Draft) {
        if draft.alone {
            for (key, case) in draft.cases {
                self.cache.set(key, case);
            }
        }
    }

    /// Seals one event onto the draft and applies it there: what `decide` allows, replay must take.
    fn draft(
        &mut self,
        draft: &mut Draft,
        case_key: Option<&CaseKey>,
        proposal: &Proposal,
        event: Event,
        key: Option<Key>,
        now: Instant,
    ) -> Result<std::result::Result<Receipt, Error>> {
        let stream = &proposal.stream;
        let case = case_key.and_then(|key| draft.cases.get(key));
        let revision = match stream {
            Stream::Ledger => draft.registry.as_ref().unwrap_or(self.cache.registry()).revision(),
            _ => case.and_then(|case| case.revision(stream)),
        };
        let target = match &event {
            Event::EventCorrected(c) => case.and_then(|case| target(case, stream, c.target)),
            _ => None,
        };
        let stamp = Stamp {
            ledger: self.store.origin().clone(),
            position: Position::after(Position::new(draft.tip.position)),
            revision: Revision::after(revision),
            event_id: match proposal.event_id {
                Some(id) => id,
                None => self.door.event_id(now)?,
            },
            recorded_at: now,
        };
        let mut no_salt = None;
        let door = &mut self.door;
        let mut salt = || {
            door.salt().unwrap_or_else(|why| {
                no_salt = Some(why);
                [0; 32]
            })
        };
        let sealed = seal(proposal, event, target.as_ref(), stamp, &mut salt);
        if let Some(why) = no_salt {
            return Err(why);
        }
        let sealed = match sealed {
            Ok(sealed) => sealed,
            Err(why) => {
                let too_long = matches!(why, CodecError::TooLong(_));
                let code = if too_long { "event_too_long" } else { "cannot_be_sealed" };
                let hint = "spread it over several events, or keep it outside and record its SHA-256";
                return Ok(Err(Error::unreadable(code, why.to_string()).at(stream).hint(hint)));
            }
        };
        let registry = draft.registry.as_ref().unwrap_or(self.cache.registry());
        if let Err(why) = itself::is_so(&sealed.recorded, registry, &draft.tip.frontier) {
            return Ok(Err(why.at(stream)));
        }
        let order = match &sealed.recorded.event {
            Event::ClaimOpened(opened) => Some(opened.order.to_string()),
            _ => None,
        };
        if let Err(fault) = apply(draft, self.cache.registry(), case_key, sealed.recorded.clone()) {
            let text = format!("the decision does not replay: {fault:?}");
            return Err(Error::new(ErrorKind::Internal, "decision_does_not_replay", text));
        }
        draft.tip.position = sealed.row.position;
        draft.tip.recorded_at = sealed.row.recorded_at;
        draft.tip.frontier.push(replay::merkle::Hash(sealed.row.leaf));
        let receipt = Receipt::of(&sealed.row, Outcome::Recorded);
        draft.entries.push(Entry { sealed, key, order });
        Ok(Ok(receipt))
    }

    /// The whole batch stands: it becomes part of the group.
    fn keep(&mut self, group: &mut Group, draft: Draft) {
        if draft.entries.is_empty() {
            return self.hand_back(draft);
        }
        for entry in draft.entries.into_iter().map(Arc::new) {
            self.unwritten.add(&entry);
            group.entries.push(entry);
        }
        group.tip = draft.tip;
        if let Some(registry) = draft.registry {
            self.cache.set_registry(registry);
        }
        for (key, case) in draft.cases {
            self.cache.set(key.clone(), case);
            group.touched.insert(key);
        }
    }

    /// Records a refusal as an event of its own.
    fn on_record(
        &mut self,
        group: &mut Group,
        proposal: &Proposal,
        stream: Stream,
        event: Event,
    ) -> Result<()> {
        let mut draft = Draft::new(&group.tip, true);
        let now = self.now(&draft.tip);
        let mut record = proposal.clone();
        record.effective = if stream == Stream::Ledger {
            replay::time::When { at: now, offset_minutes: 0 }
        } else {
            proposal.effective
        };
        record.stream = stream;
        record.external_id = None;
        record.event_id = None;
        let key = match self.cache.key_of(&mut self.store, &record.stream, &event)? {
            Loaded::There(key) => key,
            Loaded::Broken(_) => return Ok(()),
        };
        if self.load(&mut draft, key.as_ref())?.is_some() {
            return Ok(());
        }
        match self.draft(&mut draft, key.as_ref(), &record, event, None, now)? {
            Ok(_) => self.keep(group, draft),
            // A refusal too large to be an event: its sender is told, and nobody else's commands suffer for it.
            Err(_) => self.hand_back(draft),
        }
        Ok(())
    }

    /// The clock, never behind the last event: recorded times do not run backwards.
    fn now(&self, tip: &Tip) -> Instant {
        let last = Instant::from_micros(tip.recorded_at).unwrap_or(Instant::EPOCH);
        self.door.now().max(last)
    }
}

fn target(case: &Case, stream: &Stream, id: replay::ids::EventId) -> Option<Event> {
    let history = match stream {
        Stream::Order(_) => case.order.as_ref().map(|o| &o.history),
        Stream::Claim(id) => case.claims.get(id).map(|c| &c.history),
        Stream::Ledger => None,
    };
    history.and_then(|h| h.amended(id)).map(Cow::into_owned)
}

fn apply(
    draft: &mut Draft,
    registry: &Registry,
    case_key: Option<&CaseKey>,
    recorded: Recorded,
) -> std::result::Result<(), Fault> {
    match case_key {
        Some(key) => draft.cases.entry(key.clone()).or_default().apply(recorded),
        None => {
            let mut next = draft.registry.take().unwrap_or_else(|| registry.clone());
            let applied = next.apply(&recorded).map_err(Fault::Registry);
            draft.registry = Some(next);
            applied
        }
    }
}
