//! A case: one order with all claims on it. It is the smallest thing in which every rule about money can be
//! decided, so it is what append loads and what replay proves.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::{
    fmt,
    hash::{BuildHasher, Hash},
};

use crate::{
    audit::Table,
    claim::{Claim, ClaimState},
    codec::{Recorded, RowFault},
    duty::{self, Overstep, Said},
    event::Event,
    evidence::record::HeadFault,
    history::Cut,
    ids::{ClaimId, EventId, OrderId, Position, Stream},
    law::{self, Breach},
    order::{Order, OrderState},
    posting::{Postings, movements},
    registry::{Registry, RegistryFault},
};

/// One order and the claims on it, or one historical credit alone.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// The order; `None` before it is recorded and for historical credits.
    pub order: Option<Order>,
    /// Its claims.
    pub claims: BTreeMap<ClaimId, Claim>,
    /// What the order amounts to now; every rule about money asks for it, and it changes with the order alone.
    sold: Option<OrderState>,
}

/// The log contradicts itself at one position. The auditor's business, never the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Where.
    pub position: Position,
    /// The stream, as text.
    pub stream: String,
    /// How.
    pub fault: Fault,
}

/// How a log can contradict itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The row alone is wrong.
    Row(RowFault),
    /// A position is missing or out of order.
    PositionIsNotTheNext {
        /// The position that was due.
        due: u64,
    },
    /// A revision is missing or out of order.
    RevisionIsNotTheNext {
        /// The revision that was due.
        due: u64,
    },
    /// The event belongs to another ledger.
    ForeignLedger(String),
    /// Recorded earlier than the event before it.
    RecordedTimeRunsBackwards,
    /// The event id is used twice.
    EventIdIsUsedTwice,
    /// The same (source, kind, external id) twice.
    KeyIsUsedTwice,
    /// The event breaks the law of the log.
    Breach(Breach),
    /// The ledger stream contradicts itself.
    Registry(RegistryFault),
    /// A recorded checkpoint is not the head of the log as it stood just before.
    Checkpoint(HeadFault),
    /// A key on record was not announced here, or not by those who have to sign for it.
    SigningKey(HeadFault),
    /// Somebody overstepped a duty. What the event says of the claim is true all the same: nothing is quarantined.
    Duty(Overstep),
    /// A month was sealed with other figures than the log has. Nothing is quarantined.
    SealDiffers {
        /// The month.
        period: String,
        /// What differs.
        what: String,
    },
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {} ({}): ", self.position, self.stream)?;
        match &self.fault {
            Fault::Row(why) => why.fmt(f),
            Fault::PositionIsNotTheNext { due } => write!(f, "position {due} was due here"),
            Fault::RevisionIsNotTheNext { due } => write!(f, "revision {due} of this stream was due"),
            Fault::ForeignLedger(origin) => write!(f, "the event belongs to ledger {origin}"),
            Fault::RecordedTimeRunsBackwards => f.write_str("recorded earlier than the event before it"),
            Fault::EventIdIsUsedTwice => f.write_str("its event id is used twice"),
            Fault::KeyIsUsedTwice => f.write_str("its source, kind and external id are used twice"),
            Fault::Breach(why) => write!(f, "{why} ({})", why.code()),
            Fault::Registry(why) => write!(f, "the ledger stream contradicts itself: {why}"),
            Fault::Checkpoint(why) | Fault::SigningKey(why) => why.fmt(f),
            Fault::Duty(why) => write!(f, "{why} ({})", why.code()),
            Fault::SealDiffers { period, what } => write!(f, "{period} was sealed with {what}"),
        }
    }
}
impl core::error::Error for Broken {}

impl Broken {
    /// Whether figures that follow from the log cannot be trusted for it. Who acted beyond their duties and what a
    /// month was sealed with are findings, but change no figure.
    pub fn touches_figures(&self) -> bool {
        !matches!(self.fault, Fault::Duty(_) | Fault::SealDiffers { .. })
    }
}

impl Case {
    /// Takes in the next event of one of its streams, after the law has been asked.
    ///
    /// # Errors
    /// [`Fault`] when the event cannot follow what is there.
    pub fn apply(&mut self, recorded: Recorded) -> Result<(), Fault> {
        let stream = recorded.envelope.stream.clone();
        law::check(self, &stream, &recorded.event, recorded.envelope.effective).map_err(Fault::Breach)?;
        let gap = |due: crate::ids::Revision| Fault::RevisionIsNotTheNext { due: due.get() };
        match stream {
            Stream::Ledger => {}
            Stream::Order(id) => {
                let order = Order::apply(self.order.take(), &id, recorded).map_err(gap)?;
                self.sold = order.state_after(self.sold.take());
                self.order = Some(order);
            }
            Stream::Claim(id) => {
                let claim = self.claims.entry(id.clone()).or_insert_with(|| Claim::new(id.clone()));
                if let Err(due) = claim.apply(recorded) {
                    // Of a claim with a gap nothing is shown, not even what came before.
                    self.claims.remove(&id);
                    return Err(gap(due));
                }
            }
        }
        Ok(())
    }
    /// The order as it stands.
    pub fn order_state(&self) -> Option<&OrderState> {
        self.sold.as_ref()
    }
    /// A claim as it stands.
    pub fn claim_state(&self, id: &ClaimId) -> Option<ClaimState> {
        self.claims.get(id).and_then(|c| c.state(&Cut::default()))
    }
    /// A claim as it stands, good for its credits alone; `None` while it has none, which is soon seen.
    fn credits(&self, id: &ClaimId) -> Option<ClaimState> {
        self.claims.get(id).filter(|claim| claim.has_credits()).and_then(Claim::credits)
    }
    /// The revision of one of its streams.
    pub fn revision(&self, stream: &Stream) -> Option<crate::ids::Revision> {
        match stream {
            Stream::Ledger => None,
            Stream::Order(_) => self.order.as_ref().and_then(|o| o.history.revision()),
            Stream::Claim(id) => self.claims.get(id).and_then(|c| c.history.revision()),
        }
    }
    /// The case as if one event of a claim had not been recorded.
    pub(crate) fn without(&self, id: &ClaimId, event: EventId) -> Case {
        self.without_on(&Stream::Claim(id.clone()), event)
    }
    /// The case as if one event of one of its streams had not been recorded.
    pub(crate) fn without_on(&self, stream: &Stream, event: EventId) -> Case {
        let mut case = self.clone();
        match stream {
            Stream::Ledger => {}
            Stream::Order(_) => {
                if let Some(order) = &mut case.order {
                    order.history = order.history.without(event);
                    case.sold = order.state(&Cut::default());
                }
            }
            Stream::Claim(id) => {
                if let Some(claim) = case.claims.get_mut(id) {
                    claim.history = claim.history.without(event);
                }
            }
        }
        case
    }
}

/// Every case of a ledger, in memory: the state that a replay arrives at.
#[derive(Debug, Default)]
pub struct World {
    /// The ledger stream.
    pub registry: Registry,
    /// What was posted into which month.
    pub postings: Postings,
    /// Every case that is here; a place is used again when its case was handed over.
    cases: Vec<Option<(CaseKey, Case)>>,
    vacant: Vec<usize>,
    /// Where in `cases` a case stands.
    places: Table<CaseKey, usize>,
    /// Where in `cases` the case of a claim stands.
    claims: Table<ClaimId, usize>,
    /// The case of what belongs to none.
    nothing: Case,
    /// Cases that were handed over and their claims, by hash: two of one hash can only be taken for late without need.
    handed_over: Table<u64, ()>,
    came_late: bool,
}

/// A case is named by its order, or by its claim when it has no order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CaseKey {
    /// The order.
    Order(OrderId),
    /// A historical credit.
    Alone(ClaimId),
}

impl fmt::Display for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseKey::Order(id) => write!(f, "order {id}"),
            CaseKey::Alone(id) => write!(f, "claim {id}"),
        }
    }
}

impl World {
    /// A world in which these cases have begun. Nothing was posted in it yet.
    pub fn of(registry: Registry, cases: Vec<(CaseKey, Case)>) -> Self {
        let mut world = Self { registry, ..Self::default() };
        for (place, (key, case)) in cases.iter().enumerate() {
            world.places.insert(key.clone(), place);
            world.claims.extend(case.claims.keys().map(|id| (id.clone(), place)));
        }
        world.cases = cases.into_iter().map(Some).collect();
        world
    }
    /// Takes in the next event of the log, whatever its stream.
    ///
    /// # Errors
    /// [`Fault`]; the world is then as it was before, but for the streams of that case.
    pub fn apply(&mut self, recorded: Recorded) -> Result<(), Fault> {
        let (place, id) = match &recorded.envelope.stream {
            Stream::Ledger => return self.registry.apply(&recorded).map_err(Fault::Registry),
            Stream::Order(id) => (self.place(CaseKey::Order(id.clone())), None),
            Stream::Claim(id) => (self.place_of_claim(id, &recorded.event), Some(id)),
        };
        // Always there: the place was just handed out.
        let Some(Some((_, case))) = self.cases.get_mut(place) else { return Ok(()) };
        let (Some(id), true) = (id.cloned(), crate::posting::may_move(&recorded.event)) else {
            return case.apply(recorded);
        };
        let before = movements(case.credits(&id).as_ref());
        let posted = self.registry.periods().place_of(&recorded.envelope);
        case.apply(recorded)?;
        let after = movements(case.credits(&id).as_ref());
        self.postings.post(&before, &after, &posted);
        Ok(())
    }
    /// Where a case stands; a new one begins empty.
    fn place(&mut self, key: CaseKey) -> usize {
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        self.came_late |= self.was_handed_over(&key);
        let place = self.vacant.pop().unwrap_or(self.cases.len());
        self.places.insert(key.clone(), place);
        let new = Some((key, Case::default()));
        match self.cases.get_mut(place) {
            Some(vacant) => *vacant = new,
            None => self.cases.push(new),
        }
        place
    }
    fn place_of_claim(&mut self, id: &ClaimId, event: &Event) -> usize {
        if let Some(place) = self.claims.get(id) {
            return *place;
        }
        self.came_late |= self.was_handed_over(id);
        let place = self.place(first_key(id, event));
        self.claims.insert(id.clone(), place);
        place
    }
    /// Takes the case of a stream out, with everything that is known of it.
    pub fn hand_over(&mut self, stream: &Stream) -> Option<(CaseKey, Case)> {
        let place = match stream {
            Stream::Ledger => None,
            Stream::Order(id) => self.places.get(&CaseKey::Order(id.clone())),
            Stream::Claim(id) => self.claims.get(id),
        };
        let place = *place?;
        let (key, case) = self.cases.get_mut(place)?.take()?;
        self.vacant.push(place);
        self.places.remove(&key);
        self.handed_over.insert(self.handed_over.hasher().hash_one(&key), ());
        for id in case.claims.keys() {
            self.claims.remove(id);
            self.handed_over.insert(self.handed_over.hasher().hash_one(id), ());
        }
        Some((key, case))
    }
    /// Takes out every case, in no order.
    pub fn hand_over_the_rest(&mut self) -> Vec<(CaseKey, Case)> {
        self.places.clear();
        self.claims.clear();
        self.vacant.clear();
        core::mem::take(&mut self.cases).into_iter().flatten().collect()
    }
    /// Whether an event came for a case that was handed over before.
    pub fn came_late(&self) -> bool {
        self.came_late
    }
    fn was_handed_over(&self, what: &impl Hash) -> bool {
        !self.handed_over.is_empty()
            && self.handed_over.contains_key(&self.handed_over.hasher().hash_one(what))
    }
    /// How somebody would overstep a duty by this event, the next of the log.
    ///
    /// # Errors
    /// The first [`Overstep`].
    pub fn duties(&self, recorded: &Recorded) -> Result<(), Overstep> {
        let envelope = &recorded.envelope;
        let case = match &envelope.stream {
            Stream::Ledger => None,
            Stream::Order(id) => self.case_of_order(id),
            Stream::Claim(id) => self.case_of(id),
        };
        let said = Said {
            stream: &envelope.stream,
            actor: &envelope.actor,
            role: &envelope.role,
            approver: envelope.approver.as_ref(),
            event: &recorded.event,
            decides: false,
        };
        let case = case.unwrap_or(&self.nothing);
        duty::role_may(&self.registry, case, &said)?;
        duty::check(&self.registry, case, &said)
    }
    /// Every case, by name.
    pub fn cases(&self) -> impl Iterator<Item = (&CaseKey, &Case)> {
        let mut cases: Vec<_> = self.cases.iter().flatten().map(|(key, case)| (key, case)).collect();
        cases.sort_unstable_by_key(|(key, _)| *key);
        cases.into_iter()
    }
    /// The case a claim belongs to.
    pub fn case_of(&self, claim: &ClaimId) -> Option<&Case> {
        self.claims.get(claim).and_then(|place| self.at(*place))
    }
    /// The case of an order.
    pub fn case_of_order(&self, order: &OrderId) -> Option<&Case> {
        self.places.get(&CaseKey::Order(order.clone())).and_then(|place| self.at(*place))
    }
    fn at(&self, place: usize) -> Option<&Case> {
        self.cases.get(place)?.as_ref().map(|(_, case)| case)
    }
}

/// The case that the first event of a claim puts it in.
pub fn first_key(id: &ClaimId, event: &Event) -> CaseKey {
    match event {
        Event::ClaimOpened(opened) => CaseKey::Order(opened.order.clone()),
        _ => CaseKey::Alone(id.clone()),
    }
}
