//! The facts of a claim, each with the event it comes from: one fold over the order, the claim and, where a policy
//! asks for it, the sibling claims.

mod fold;

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    claim::is_goodwill,
    event::{Basis, Channel, Claimant, Defect, Event, Kind, OrderRecorded, Packaging, Party, Remedy},
    history::Standing,
    ids::{Code, EventId, ParcelId, RefundId, Word},
    policy::is_refusal,
    time::When,
    units::{LineId, Runs, Units},
};

/// A value and the event it was learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen<T> {
    pub value: T,
    pub event: EventId,
}

/// What is known of a unit (or a run of units in equal state).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitFacts {
    /// When the parcel that the anchors belong to left and arrived (H-6, H-21).
    pub shipped: Option<Seen<When>>,
    pub delivered: Option<Seen<When>>,
    /// First handed to a carrier for the way back.
    pub returned: Option<Seen<When>>,
    /// First authorized in writing.
    pub written: Option<Seen<When>>,
    pub received: Option<Seen<When>>,
    pub inspected: Option<EventId>,
    pub lost_on_the_way: Option<EventId>,
    pub lost_in_custody: Option<EventId>,
    pub installed: Option<Seen<bool>>,
    pub packaging: Option<Seen<Packaging>>,
    pub same_condition: Option<Seen<bool>>,
    pub altered: Option<Seen<bool>>,
    pub sealed: Option<Seen<bool>>,
    pub accessories_missing: Option<Seen<Vec<Word>>>,
    pub damage: Option<Seen<Vec<Word>>>,
    pub defect: Option<Seen<Defect>>,
    pub on_arrival: Option<Seen<bool>>,
    pub cause: Option<Seen<Code>>,
    /// The remedy that was last decided or selected.
    pub remedy: Option<Seen<Remedy>>,
    /// The remedy the customer last named.
    pub selected: Option<Remedy>,
    /// A decision stands for it.
    pub decided: Option<EventId>,
    /// Goods of a remedy have left: a preference comes too late.
    pub carried_out: Option<EventId>,
    pub same_item: Option<Seen<bool>>,
    pub in_stock: Option<Seen<bool>>,
    /// Money was decided for it in another claim.
    pub settled_elsewhere: Option<EventId>,
    /// Of the device that it is a plan for.
    pub device: DeviceFacts,
    /// Discretion that names its units and this one among them: units that a person told apart are judged apart.
    pub told_apart: Vec<EventId>,
}

/// A cost that somebody has paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostFact {
    pub cost: Code,
    pub paid_by: Party,
    /// In the order's currency (H-8).
    pub minor: u64,
    pub receipt: bool,
    pub units: Option<Units>,
    pub event: EventId,
}

/// A decision at a discretion point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscretionFact {
    pub point: Code,
    pub decision: Code,
    pub value: Option<Word>,
    pub units: Option<Units>,
    pub fee_bp: Option<u32>,
    pub minor: Option<u64>,
    pub event: EventId,
}

impl DiscretionFact {
    /// Whether it says yes.
    pub fn accepts(&self) -> bool {
        !is_refusal(self.decision.as_str())
    }
}

/// Money on its way to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditFact {
    pub id: RefundId,
    pub minor: u64,
    pub effective: bool,
    pub event: EventId,
}

/// Money that the bank took back for the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargebackFact {
    pub psp_ref: Word,
    pub minor: u64,
    /// The bank gave it back to the merchant.
    pub won: bool,
    pub event: EventId,
}

/// An event as clocks and duties to inform see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalFact {
    pub kind: Kind,
    pub qualifier: Option<String>,
    /// How a notice went.
    pub channel: Option<Channel>,
    /// For events about one refund.
    pub refund: Option<RefundId>,
    pub at: When,
    pub event: EventId,
    /// In the order's stream.
    pub of_order: bool,
}

/// Everything a judgement rests on.
#[derive(Debug)]
pub struct Facts<'a> {
    pub sale: Seen<&'a OrderRecorded>,
    pub captured_minor: u64,
    /// Outbound parcels that left.
    pub parcels: usize,
    pub opened: Seen<When>,
    /// The contact that counts (H-2).
    pub contact: Seen<When>,
    pub asserted: Seen<Basis>,
    pub by: Claimant,
    pub via: Channel,
    pub contact_before_return: Option<bool>,
    pub evidence: BTreeMap<Code, Seen<bool>>,
    /// Lines with the devices they were activated on.
    devices: Vec<(LineId, Code)>,
    pub traceable: Option<Seen<bool>>,
    pub units: Runs<UnitFacts>,
    pub costs: Vec<CostFact>,
    pub discretion: Vec<DiscretionFact>,
    pub credits: Vec<CreditFact>,
    pub chargebacks: Vec<ChargebackFact>,
    pub signals: Vec<SignalFact>,
}

/// What a device's data say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceFacts {
    pub assessed: Option<EventId>,
    pub transmitted: Option<Seen<bool>>,
    pub sold_not_removed: Option<Seen<bool>>,
    pub ownership_changed: Option<Seen<bool>>,
}

impl<'a> Facts<'a> {
    /// Folds what stands of the order and the claim. `None` when either has not begun under this cut.
    pub fn fold(order: &'a [Standing<'a>], claim: &'a [Standing<'a>]) -> Option<Self> {
        let standing = |s: &&Standing<'_>| s.reversed.is_none();
        let sale = order.iter().filter(standing).find_map(|s| match &*s.event {
            Event::OrderRecorded(o) => Some(Seen { value: &**o, event: s.fact.event_id }),
            _ => None,
        })?;
        let mut facts = claim.iter().filter(standing).find_map(|s| match &*s.event {
            Event::ClaimOpened(o) => {
                let event = s.fact.event_id;
                let mut facts = Self::begin(sale, Seen { value: s.effective, event }, &o.units);
                facts.contact = Seen { value: o.first_contact_at.unwrap_or(s.effective), event };
                facts.asserted = Seen { value: o.asserted, event };
                (facts.by, facts.via) = (o.by, o.via);
                facts.contact_before_return = o.contact_before_return;
                Some(facts)
            }
            _ => None,
        })?;
        facts.take_all(order, claim);
        Some(facts)
    }

    /// The facts of an order that nobody has claimed anything of, for its own clocks and duties to inform.
    pub fn of_order(order: &'a [Standing<'a>]) -> Option<Self> {
        let standing = |s: &&Standing<'_>| s.reversed.is_none();
        let sale = order.iter().filter(standing).find_map(|s| match &*s.event {
            Event::OrderRecorded(o) => Some(Seen { value: &**o, event: s.fact.event_id }),
            _ => None,
        })?;
        let lines = sale.value.lines.iter();
        let units = lines
            .filter_map(|line| Units::from_line(line.id.clone(), line.quantity).ok())
            .fold(Units::default(), |all, line| all.union(&line));
        let mut facts = Self::begin(sale, Seen { value: sale.value.purchased_at, event: sale.event }, &units);
        facts.take_all(order, &[]);
        Some(facts)
    }

    fn begin(sale: Seen<&'a OrderRecorded>, opened: Seen<When>, units: &Units) -> Self {
        Facts {
            sale,
            captured_minor: 0,
            parcels: 0,
            opened,
            contact: opened,
            asserted: Seen { value: Basis::ChangeOfMind, event: opened.event },
            by: Claimant::Buyer,
            via: Channel::Email,
            contact_before_return: None,
            evidence: BTreeMap::new(),
            devices: Vec::new(),
            traceable: None,
            units: Runs::new(units, UnitFacts::default()),
            costs: Vec::new(),
            discretion: Vec::new(),
            credits: Vec::new(),
            chargebacks: Vec::new(),
            signals: Vec::new(),
        }
    }

    fn take_all(&mut self, order: &'a [Standing<'a>], claim: &'a [Standing<'a>]) {
        let standing = |s: &&Standing<'_>| s.reversed.is_none();
        let mut parcels: BTreeMap<&ParcelId, Units> = BTreeMap::new();
        for s in order.iter().filter(standing) {
            self.take_order(s, &mut parcels);
        }
        let mut inbound: BTreeMap<&ParcelId, Units> = BTreeMap::new();
        for s in claim.iter().filter(standing) {
            self.take_claim(s, &mut inbound);
        }
        self.take_back(claim);
    }

    /// The last decision at a point that speaks of these units.
    pub fn decision_at(&self, point: &Code, units: &Units) -> Option<&DiscretionFact> {
        let covers = |d: &&DiscretionFact| d.units.as_ref().is_none_or(|u| units.is_subset(u));
        self.discretion.iter().rev().filter(|d| d.point == *point).find(covers)
    }
    /// Goodwill and statutory payments (H-19), in the order they were given.
    pub fn goodwill(&self) -> impl Iterator<Item = &DiscretionFact> {
        self.discretion.iter().filter(|d| is_goodwill(&d.point) && d.accepts())
    }
    /// Effective refunds and gift credits, in minor units.
    pub fn refunded_minor(&self) -> u64 {
        self.credits.iter().filter(|c| c.effective).fold(0, |sum, c| sum.saturating_add(c.minor))
    }
    /// Chargebacks that are open or lost, in minor units.
    pub fn charged_back_minor(&self) -> u64 {
        self.chargebacks.iter().filter(|c| !c.won).fold(0, |sum, c| sum.saturating_add(c.minor))
    }
}
