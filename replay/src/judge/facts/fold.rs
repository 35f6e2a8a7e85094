//! The fold itself: what each event says about units, costs, money and clocks.

use alloc::{borrow::ToOwned, collections::BTreeMap, vec::Vec};

use super::{ChargebackFact, CostFact, CreditFact, DiscretionFact, Facts, Seen, SignalFact, UnitFacts};
use crate::{
    case::Case,
    event::{Event, ItemInspected, Kind, Leg, OrderLine, Party, Remedy, ScanStatus},
    history::{Cut, Standing},
    ids::{ClaimId, Code, EventId, ParcelId, RefundId},
    policy::ReplacementAnchor,
    time::Day,
    units::Units,
};

impl<'a> Facts<'a> {
    pub(super) fn signal(
        &mut self,
        s: &Standing<'_>,
        qualifier: Option<&str>,
        refund: Option<&RefundId>,
        of_order: bool,
    ) {
        self.signals.push(SignalFact {
            kind: s.event.kind(),
            qualifier: qualifier.map(ToOwned::to_owned),
            channel: match &*s.event {
                Event::NoticeSent(n) => n.channel,
                _ => None,
            },
            refund: refund.cloned(),
            at: s.effective,
            event: s.fact.event_id,
            of_order,
        });
    }

    pub(super) fn take_order(&mut self, s: &'a Standing<'a>, parcels: &mut BTreeMap<&'a ParcelId, Units>) {
        let seen = Seen { value: s.effective, event: s.fact.event_id };
        match &*s.event {
            Event::OrderRecorded(o) => {
                // A clock that runs from the sale runs from the purchase, whenever the sale was told.
                self.signals.push(SignalFact {
                    kind: Kind::OrderRecorded,
                    qualifier: None,
                    channel: None,
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

    pub(super) fn take_claim(&mut self, s: &'a Standing<'a>, inbound: &mut BTreeMap<&'a ParcelId, Units>) {
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
            Event::ChargebackOpened(c) => self.chargebacks.push(ChargebackFact {
                psp_ref: c.psp_ref.clone(),
                minor: c.amount.minor(),
                won: false,
                event,
            }),
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

    /// A refund that came back and a chargeback that was won do not count, whatever order clocks put the events in.
    pub(super) fn take_back(&mut self, claim: &[Standing<'_>]) {
        for s in claim.iter().filter(|s| s.reversed.is_none()) {
            match &*s.event {
                Event::RefundFailed(f) => {
                    for credit in self.credits.iter_mut().filter(|c| c.id == f.refund) {
                        credit.effective = false;
                    }
                }
                Event::ChargebackWon(w) => {
                    for chargeback in self.chargebacks.iter_mut().filter(|c| c.psp_ref == w.psp_ref) {
                        chargeback.won = true;
                    }
                }
                _ => {}
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
