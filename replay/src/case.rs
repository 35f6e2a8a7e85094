//! A case: one order with all claims on it. It is the smallest thing in which every rule about money can be
//! decided, so it is what append loads and what replay proves.

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use crate::{
    claim::{Claim, ClaimState},
    codec::{Recorded, RowFault},
    history::Cut,
    ids::{ClaimId, EventId, OrderId, Position, Stream},
    law::{self, Breach},
    order::{Order, OrderState},
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
        }
    }
}
impl core::error::Error for Broken {}

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
                self.sold = order.state(&Cut::default());
                self.order = Some(order);
            }
            Stream::Claim(id) => {
                let claim = Claim::apply(self.claims.remove(&id), &id, recorded).map_err(gap)?;
                self.claims.insert(id, claim);
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
    cases: BTreeMap<CaseKey, Case>,
    /// Which order a claim belongs to.
    claims: BTreeMap<ClaimId, CaseKey>,
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
    /// Takes in the next event of the log, whatever its stream.
    ///
    /// # Errors
    /// [`Fault`]; the world is then as it was before, but for the streams of that case.
    pub fn apply(&mut self, recorded: Recorded) -> Result<(), Fault> {
        let key = match &recorded.envelope.stream {
            Stream::Ledger => return self.registry.apply(&recorded).map_err(Fault::Registry),
            Stream::Order(id) => CaseKey::Order(id.clone()),
            Stream::Claim(id) => {
                let first = || first_key(id, &recorded.event);
                self.claims.entry(id.clone()).or_insert_with(first).clone()
            }
        };
        self.cases.entry(key).or_default().apply(recorded)
    }
    /// Every case, by name.
    pub fn cases(&self) -> impl Iterator<Item = (&CaseKey, &Case)> {
        self.cases.iter()
    }
    /// The case a claim belongs to.
    pub fn case_of(&self, claim: &ClaimId) -> Option<&Case> {
        self.claims.get(claim).and_then(|key| self.cases.get(key))
    }
    /// The case of an order.
    pub fn case_of_order(&self, order: &OrderId) -> Option<&Case> {
        self.cases.get(&CaseKey::Order(order.clone()))
    }
}

/// The case that the first event of a claim puts it in.
pub fn first_key(id: &ClaimId, event: &crate::event::Event) -> CaseKey {
    match event {
        crate::event::Event::ClaimOpened(opened) => CaseKey::Order(opened.order.clone()),
        _ => CaseKey::Alone(id.clone()),
    }
}
