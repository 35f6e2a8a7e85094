//! The facts of a claim, each with the event it comes from: one fold over the order, the claim and, where a policy
//! asks for it, the sibling claims.

use alloc::{borrow::ToOwned, collections::BTreeMap, string::String, vec::Vec};

use crate::{
    case::Case,
    claim::is_goodwill,
    event::{
        Basis, Channel, Claimant, Defect, Event, ItemInspected, Kind, Leg, OrderLine, OrderRecorded,
        Packaging, Party, Remedy, ScanStatus,
    },
    history::{Cut, Standing},
    ids::{ClaimId, Code, EventId, ParcelId, RefundId, Word},
    policy::{ReplacementAnchor, is_refusal},
    time::{Day, When},
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

/// An event as clocks and duties to inform see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalFact {
    pub kind: Kind,
    pub qualifier: Option<String>,
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
        self.fail_credits(claim);
    }

    fn signal(
        &mut self,
        s: &Standing<'_>,
        qualifier: Option<&str>,
        refund: Option<&RefundId>,
        of_order: bool,
    ) {
        self.signals.push(SignalFact {
            kind: s.event.kind(),
            qualifier: qualifier.map(ToOwned::to_owned),
            refund: refund.cloned(),
            at: s.effective,
            event: s.fact.event_id,
            of_order,
        });
    }

    fn take_order(&mut self, s: &'a Standing<'a>, parcels: &mut BTreeMap<&'a ParcelId, Units>) {
        let seen = Seen { value: s.effective, event: s.fact.event_id };
        match &*s.event {
            Event::OrderRecorded(o) => {
                // A clock that runs from the sale runs from the purchase, whenever the sale was told.
                self.signals.push(SignalFact {
                    kind: Kind::OrderRecorded,
                    qualifier: None,
                    refund: None,
                    at: o.purchased_at,
                    event: s.fact.event_id,
                    of_order: true,
                });
            }
            Event::PaymentCaptured(p) => {
                self.captured_minor = self.captured_minor.saturating_add(p.amount.minor());
                self.signal(s, p.what.as_ref().map(Code::as_str), None, true);
            }
            Event::ShipmentDispatched(d) => {
                self.signal(s, Some(d.leg.as_str()), None, true);
                if d.leg == Leg::Outbound {
                    self.parcels = self.parcels.saturating_add(1);
                    let units = d.units.clone().unwrap_or_else(|| self.units.units());
                    self.units.update(&units, |u| {
                        u.shipped.get_or_insert(seen);
                    });
                    parcels.insert(&d.parcel, units);
                }
            }
            Event::TrackingScanned(t) if t.status == ScanStatus::Delivered => {
                let units = parcels.get(&t.parcel).cloned().unwrap_or_else(|| self.units.units());
                self.units.update(&units, |u| {
                    u.delivered.get_or_insert(seen);
                });
            }
            Event::SubscriptionActivated(a) => {
                self.devices.push((a.line.clone(), a.device.clone()));
                self.signal(s, None, None, true);
            }
            Event::DeviceTransmissionSummarised(d) => {
                for (units, from, to) in self.paid_periods(&d.device) {
                    let inside = d.last_at.is_some_and(|at| (from..to).contains(&at.local_day()));
                    let seen = |value| Seen { value, event: s.fact.event_id };
                    if d.count > 0 && inside {
                        self.units.update(&units, |u| u.device.transmitted = Some(seen(true)));
                    } else if d.count == 0 && d.from <= from && d.to >= to {
                        self.units.update(&units, |u| {
                            u.device.transmitted.get_or_insert(seen(false));
                        });
                    }
                }
            }
            Event::OwnershipChangeRecorded(o) => {
                let changed = Seen { value: true, event: s.fact.event_id };
                for (units, from, to) in self.paid_periods(&o.device) {
                    if (from..to).contains(&s.effective.local_day()) {
                        self.units.update(&units, |u| u.device.ownership_changed = Some(changed));
                    }
                }
            }
            Event::NoticeSent(n) => self.signal(s, Some(n.about.as_str()), None, true),
            _ => {}
        }
    }

    /// The units that run on a device, with their paid periods, half-open.
    fn paid_periods(&self, device: &Code) -> Vec<(Units, Day, Day)> {
        let lines = self.sale.value.lines.iter();
        let lines = lines.filter(|l| self.devices.iter().any(|(line, d)| *line == l.id && d == device));
        let paid = |l: &OrderLine| {
            let (from, to) = l.period_from.zip(l.period_to)?;
            Some((Units::from_line(l.id.clone(), l.quantity).ok()?, from, to))
        };
        lines.filter_map(paid).collect()
    }
    /// The units that what is said of a device is about: all of them when it names none that is known.
    fn units_on(&self, device: Option<&Code>) -> Units {
        let lines = self.devices.iter().filter(|(_, d)| Some(d) == device);
        let lines = lines.filter_map(|(id, _)| self.sale.value.lines.iter().find(|l| l.id == *id));
        let units = lines
            .filter_map(|l| Units::from_line(l.id.clone(), l.quantity).ok())
            .fold(Units::default(), |all, line| all.union(&line));
        if units.is_empty() { self.units.units() } else { units }
    }

    fn units_or_all(&self, units: Option<&Units>) -> Units {
        units.cloned().unwrap_or_else(|| self.units.units())
    }

    fn take_claim(&mut self, s: &'a Standing<'a>, inbound: &mut BTreeMap<&'a ParcelId, Units>) {
        let event = s.fact.event_id;
        let seen = Seen { value: s.effective, event };
        match &*s.event {
            Event::ClaimOpened(_)
            | Event::AuthorizationDenied(_)
            | Event::RepairCompleted(_)
            | Event::ReplacementDelivered(_)
            | Event::ClaimClosed(_)
            | Event::ClaimWithdrawn(_) => self.signal(s, None, None, false),
            Event::ClaimReclassified(r) => self.asserted = Seen { value: r.to, event },
            Event::EvidenceSubmitted(e) => {
                for item in &e.items {
                    self.evidence.insert(item.kind.clone(), Seen { value: true, event });
                }
            }
            Event::VerificationFailed(v) => {
                for item in &v.items {
                    self.evidence.insert(item.clone(), Seen { value: false, event });
                }
            }
            Event::AuthorizationGranted(g) => {
                self.signal(s, None, None, false);
                if g.written {
                    self.units.update(&g.units, |u| {
                        u.written.get_or_insert(seen);
                    });
                }
            }
            Event::LabelIssued(l) => {
                let cost = match l.leg {
                    Leg::Inbound => "inbound_shipping",
                    Leg::Outbound => "outbound_shipping",
                    Leg::Replacement | Leg::ReturnToCustomer => "return_leg_shipping",
                };
                self.signal(s, Some(l.leg.as_str()), None, false);
                self.cost(cost, l.paid_by, l.cost.minor(), l.paid_by == Party::Merchant, None, event);
            }
            Event::ShipmentDispatched(d) => {
                self.signal(s, Some(d.leg.as_str()), None, false);
                if d.leg == Leg::Inbound {
                    let units = self.units_or_all(d.units.as_ref());
                    self.units.update(&units, |u| {
                        u.returned.get_or_insert(seen);
                        u.lost_on_the_way = None;
                    });
                    self.traceable = d.traceable.map(|value| Seen { value, event }).or(self.traceable);
                    inbound.insert(&d.parcel, units);
                }
            }
            Event::TrackingScanned(t) => {
                if t.status == ScanStatus::Lost
                    && let Some(units) = inbound.get(&t.parcel)
                {
                    self.units.update(units, |u| u.lost_on_the_way = Some(event));
                }
            }
            Event::ParcelReceived(p) => {
                self.signal(s, None, None, false);
                self.units.update(&p.units, |u| {
                    u.received.get_or_insert(seen);
                });
                for (name, fact) in [("parcel_note", p.note), ("rma_form", p.form)] {
                    if let (Ok(name), Some(value)) = (Code::new(name), fact) {
                        self.evidence.insert(name, Seen { value, event });
                    }
                }
            }
            Event::ItemInspected(i) => {
                self.signal(s, None, None, false);
                self.units.update(&i.units, |u| u.merge(i, event));
            }
            Event::ConnectivityAssessed(c) => {
                self.signal(s, None, None, false);
                let flag = |value: Option<bool>, old| value.map(|value| Seen { value, event }).or(old);
                let units = self.units_on(c.device.as_ref());
                self.units.update(&units, |u| {
                    let device = &mut u.device;
                    device.assessed = Some(event);
                    device.transmitted = flag(c.transmitted, device.transmitted);
                    device.sold_not_removed = flag(c.vehicle_sold_not_removed, device.sold_not_removed);
                    device.ownership_changed = flag(c.ownership_changed, device.ownership_changed);
                });
            }
            Event::ItemLostInCustody(l) => self.units.update(&l.units, |u| u.lost_in_custody = Some(event)),
            Event::RemedySelected(r) => {
                let units = self.units_or_all(r.units.as_ref());
                self.units.update(&units, |u| {
                    if u.carried_out.is_none() {
                        u.remedy = Some(Seen { value: r.remedy, event });
                        u.selected = Some(r.remedy);
                    }
                    if let Some(value) = r.same_item {
                        u.same_item = Some(Seen { value, event });
                    }
                    if let Some(value) = r.in_stock {
                        u.in_stock = Some(Seen { value, event });
                    }
                });
            }
            Event::RemedyDecided(d) => {
                self.signal(s, Some(d.remedy.as_str()), None, false);
                if d.remedy != Remedy::None {
                    self.units.update(&d.units, |u| {
                        u.remedy = Some(Seen { value: d.remedy, event });
                        u.decided = Some(event);
                    });
                }
            }
            Event::RemedyFailed(f) => {
                let units = self.units_or_all(f.units.as_ref());
                self.units.update(&units, |u| {
                    if u.remedy.is_some_and(|r| r.value == f.remedy) {
                        (u.remedy, u.decided, u.carried_out) = (None, None, None);
                    }
                    u.selected = u.selected.filter(|selected| *selected != f.remedy);
                });
            }
            Event::StockReported(r) => {
                let lines = self.sale.value.lines.iter().filter(|line| line.sku == r.sku);
                let units = lines
                    .filter_map(|line| Units::from_line(line.id.clone(), line.quantity).ok())
                    .fold(Units::default(), |all, line| all.union(&line));
                self.units.update(&units, |u| u.in_stock = Some(Seen { value: r.in_stock, event }));
            }
            Event::RepairShipped(r) => self.sent(s, &r.units),
            Event::SparePartsSent(p) => self.sent(s, &p.units),
            Event::ReplacementShipped(r) => self.sent(s, &r.units),
            Event::CostRecorded(c) => {
                let minor = c.order_amount.unwrap_or(c.amount).minor();
                self.cost(c.cost.as_str(), c.paid_by, minor, c.receipt_ref.is_some(), c.units.clone(), event);
            }
            Event::DiscretionExercised(d) => {
                if let Some(units) = &d.units {
                    self.units.update(units, |u| u.told_apart.push(event));
                }
                self.discretion.push(DiscretionFact {
                    point: d.point.clone(),
                    decision: d.decision.clone(),
                    value: d.value.clone(),
                    units: d.units.clone(),
                    fee_bp: d.fee_bp,
                    minor: d.amount.map(|a| a.minor()),
                    event,
                });
            }
            Event::RefundIssued(r) => {
                self.signal(s, Some(r.payout.to.as_str()), Some(&r.refund), false);
                self.credit(&r.refund, r.amount.minor(), event);
            }
            Event::GiftCreditIssued(g) => {
                self.signal(s, Some(g.to.as_str()), Some(&g.credit), false);
                self.credit(&g.credit, g.amount.minor(), event);
            }
            Event::RefundPosted(p) => self.signal(s, None, Some(&p.refund), false),
            Event::NoticeSent(n) => self.signal(s, Some(n.about.as_str()), None, false),
            _ => {}
        }
    }

    fn sent(&mut self, s: &Standing<'_>, units: &Units) {
        self.signal(s, None, None, false);
        let event = s.fact.event_id;
        self.units.update(units, |u| u.carried_out = Some(event));
    }

    fn cost(
        &mut self,
        cost: &str,
        paid_by: Party,
        minor: u64,
        receipt: bool,
        units: Option<Units>,
        event: EventId,
    ) {
        if let Ok(cost) = Code::new(cost) {
            self.costs.push(CostFact { cost, paid_by, minor, receipt, units, event });
        }
    }

    fn credit(&mut self, id: &RefundId, minor: u64, event: EventId) {
        self.credits.push(CreditFact { id: id.clone(), minor, effective: true, event });
    }

    /// A refund that came back does not count, whatever order clocks put the two events in.
    fn fail_credits(&mut self, claim: &[Standing<'_>]) {
        for s in claim.iter().filter(|s| s.reversed.is_none()) {
            if let Event::RefundFailed(f) = &*s.event
                && let Some(credit) = self.credits.iter_mut().find(|c| c.id == f.refund)
            {
                credit.effective = false;
            }
        }
    }

    /// What other claims of the order say about these units: the parcel of a replacement where the policy lets its
    /// dates count (H-21), and money that was decided there.
    pub fn take_siblings(&mut self, case: &Case, id: &ClaimId, cut: &Cut, anchor: Option<ReplacementAnchor>) {
        let contact = self.contact.value.at;
        for (_, claim) in case.claims.iter().filter(|(other, _)| *other != id) {
            let mut replacements: BTreeMap<ParcelId, Units> = BTreeMap::new();
            for s in claim.history.standing(cut).iter().filter(|s| s.reversed.is_none()) {
                let seen = Seen { value: s.effective, event: s.fact.event_id };
                match &*s.event {
                    Event::RemedyDecided(d) => {
                        let pays = d.remedy.pays_money() && d.entitlement.is_some_and(|e| !e.is_zero());
                        // A decision replaces those of its own claim; what a third claim has paid for stays paid.
                        let replaced = |event: EventId| claim.history.find(event).is_some();
                        self.units.update(&d.units, |u| {
                            if pays || u.settled_elsewhere.is_some_and(replaced) {
                                u.settled_elsewhere = pays.then_some(seen.event);
                            }
                        });
                    }
                    Event::RemedyFailed(f) if f.remedy.pays_money() => {
                        let units = f.units.clone().unwrap_or_else(|| self.units.units());
                        let taken_back = |event: EventId| claim.history.find(event).is_some();
                        self.units.update(&units, |u| {
                            u.settled_elsewhere = u.settled_elsewhere.filter(|event| !taken_back(*event));
                        });
                    }
                    _ if anchor != Some(ReplacementAnchor::LatestUnit) || s.effective.at > contact => {}
                    Event::ReplacementShipped(r) => {
                        self.units.update(&r.units, |u| (u.shipped, u.delivered) = (Some(seen), None));
                        if let Some(parcel) = &r.parcel {
                            replacements.insert(parcel.clone(), r.units.clone());
                        }
                    }
                    Event::ReplacementDelivered(r) => {
                        self.units.update(&r.units, |u| u.delivered = Some(seen))
                    }
                    Event::TrackingScanned(t) if t.status == ScanStatus::Delivered => {
                        if let Some(units) = replacements.get(&t.parcel) {
                            self.units.update(units, |u| {
                                u.delivered.get_or_insert(seen);
                            });
                        }
                    }
                    _ => {}
                }
            }
        }
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
}

impl UnitFacts {
    /// A later inspection overrides only the fields it carries.
    fn merge(&mut self, i: &ItemInspected, event: EventId) {
        fn newer<T: Clone>(have: &mut Option<Seen<T>>, found: &Option<T>, event: EventId) {
            if let Some(value) = found {
                *have = Some(Seen { value: value.clone(), event });
            }
        }
        self.inspected = Some(event);
        newer(&mut self.installed, &i.installed, event);
        newer(&mut self.packaging, &i.packaging, event);
        newer(&mut self.same_condition, &i.same_condition, event);
        newer(&mut self.altered, &i.altered, event);
        newer(&mut self.sealed, &i.sealed, event);
        newer(&mut self.accessories_missing, &i.accessories_missing, event);
        newer(&mut self.damage, &i.damage, event);
        newer(&mut self.defect, &i.defect, event);
        newer(&mut self.on_arrival, &i.on_arrival, event);
        newer(&mut self.cause, &i.cause, event);
    }
}
