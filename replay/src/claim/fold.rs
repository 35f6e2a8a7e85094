//! How facts become the state of a claim, one after the other in order of effective time.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Charge, ClaimState, Cost, Credit, CreditKind, CreditStatus, Decision, ParcelState, RmaState, RmaStatus,
    Stage, UnitState, is_goodwill,
};
use crate::{
    event::{Event, Kind, Leg, Remedy, ScanStatus, UnitStatus},
    history::Standing,
    ids::{ChargeId, ClaimId, Code, RefundId, Rma},
    money::Amount,
    policy::is_refusal,
    time::When,
    units::{Runs, Units},
};

impl ClaimState {
    pub(super) fn begin(id: &ClaimId, first: &Standing<'_>) -> Self {
        let mut state = Self {
            id: id.clone(),
            order: None,
            merchant: None,
            country: None,
            opened: first.effective,
            first_contact: first.effective,
            asserted: None,
            by: None,
            units: Runs::default(),
            evidence: BTreeMap::new(),
            rmas: BTreeMap::new(),
            parcels: BTreeMap::new(),
            decisions: Vec::new(),
            costs: Vec::new(),
            goodwill_minor: 0,
            credits: BTreeMap::new(),
            charges: BTreeMap::new(),
            chargebacks: BTreeMap::new(),
            closed: false,
            withdrawn: false,
            escalated: false,
            disputed: false,
            reopened: 0,
            historical: false,
        };
        match &*first.event {
            Event::ClaimOpened(o) => {
                state.order = Some(o.order.clone());
                state.asserted = Some(o.asserted);
                state.by = Some(o.by);
                state.first_contact = o.first_contact_at.unwrap_or(first.effective);
                state.units = Runs::new(&o.units, UnitState::claimed());
            }
            Event::HistoricalCreditRecorded(h) => {
                state.merchant = Some(h.merchant.clone());
                state.country = h.country.clone();
                state.historical = true;
                state.closed = true;
            }
            _ => {}
        }
        state
    }

    fn units_or_all(&self, units: Option<&Units>) -> Units {
        units.map_or_else(|| self.units.units(), |some| some.intersection(&self.units.units()))
    }
    fn advance(&mut self, units: &Units, stage: Stage) {
        self.units.update(units, |u| u.advance(stage));
    }

    /// Whether a fact answers something that is dated later: clocks differ, and money that came back before it
    /// was sent came back all the same. It is taken in after everything else.
    pub(super) fn awaits(&self, s: &Standing<'_>) -> bool {
        s.reversed.is_none()
            && match &*s.event {
                Event::RefundPosted(p) => !self.credits.contains_key(&p.refund),
                Event::RefundFailed(f) => !self.credits.contains_key(&f.refund),
                Event::ChargePaid(p) => !self.charges.contains_key(&p.charge),
                Event::ChargeWaived(w) => !self.charges.contains_key(&w.charge),
                Event::ChargebackWon(c) => !self.chargebacks.contains_key(&c.psp_ref),
                Event::ChargebackLost(c) => !self.chargebacks.contains_key(&c.psp_ref),
                Event::AuthorizationExpired(e) => !self.rmas.contains_key(&e.rma),
                Event::AuthorizationVoided(v) => !self.rmas.contains_key(&v.rma),
                _ => false,
            }
    }

    /// One fact, in order of effective time. Every kind is placed; there is no wildcard.
    pub(super) fn take(&mut self, s: &Standing<'_>) {
        if let Some(reversed) = s.reversed {
            // Money that was reversed stays visible as reversed; everything else is as if it had not been.
            self.credit_of(s, Some(reversed));
            return;
        }
        match &*s.event {
            Event::ClaimOpened(_) => {}
            Event::ClaimReclassified(r) => self.asserted = Some(r.to),
            Event::EvidenceSubmitted(e) => {
                for item in &e.items {
                    self.evidence.insert(item.kind.clone(), true);
                }
            }
            Event::VerificationFailed(v) => {
                for item in &v.items {
                    self.evidence.insert(item.clone(), false);
                }
            }
            Event::EligibilityAssessed(a) => {
                for row in &a.units {
                    let stage = match row.status {
                        UnitStatus::Ineligible => Stage::Denied,
                        UnitStatus::Hold => Stage::Held,
                        UnitStatus::NeedsDiscretion => Stage::NeedsDiscretion,
                        UnitStatus::Authorizable | UnitStatus::Eligible => Stage::Assessed,
                    };
                    self.advance(&row.units, stage);
                }
            }
            Event::AuthorizationGranted(g) => {
                self.units.update(&g.units, |u| {
                    u.authorized = true;
                    if matches!(u.stage, Stage::Denied | Stage::Voided) {
                        u.stage = Stage::Authorized;
                    }
                    u.advance(Stage::Authorized);
                });
                if let Some(rma) = &g.rma {
                    let granted = RmaState {
                        status: RmaStatus::Open,
                        units: g.units.clone(),
                        granted: s.effective,
                        closed_by: None,
                    };
                    self.rmas.insert(rma.clone(), granted);
                }
            }
            Event::AuthorizationDenied(d) => {
                let units = self.units_or_all(d.units.as_ref());
                self.advance(&units, Stage::Denied);
            }
            Event::AuthorizationExpired(e) => self.end_rma(&e.rma, RmaStatus::Expired),
            Event::AuthorizationVoided(v) => self.end_rma(&v.rma, RmaStatus::Voided),
            Event::LabelIssued(l) => {
                let cost = match l.leg {
                    Leg::Inbound => "inbound_shipping",
                    Leg::Outbound => "outbound_shipping",
                    Leg::Replacement | Leg::ReturnToCustomer => "return_leg_shipping",
                };
                if let Ok(cost) = Code::new(cost) {
                    let (paid_by, amount, event_id) = (l.paid_by, l.cost, s.fact.event_id);
                    self.costs.push(Cost { cost, paid_by, amount, receipt: false, event_id });
                }
            }
            Event::ShipmentDispatched(d) => {
                if d.leg == Leg::Inbound {
                    let units = self.units_or_all(d.units.as_ref());
                    self.units.update(&units, |u| {
                        u.announced = true;
                        u.advance(Stage::InTransit);
                    });
                }
                if d.leg == Leg::ReturnToCustomer {
                    let units = self.units_or_all(d.units.as_ref());
                    let decided = self.units.units_where(|u| u.remedy == Some(Remedy::ReturnToCustomer));
                    self.goods_sent(&units.intersection(&decided), None);
                }
                self.parcels.insert(d.parcel.clone(), ParcelState::dispatched(d, s.effective));
            }
            Event::TrackingScanned(t) => {
                let parcel = self.parcels.entry(t.parcel.clone()).or_default();
                parcel.scanned(t, s.effective);
                if t.status == ScanStatus::Lost && parcel.leg == Some(Leg::Inbound) {
                    let units = parcel.units.clone();
                    let units = self.units_or_all(units.as_ref());
                    self.advance(&units, Stage::Lost);
                }
            }
            Event::ParcelReceived(p) => {
                let units = self.units_or_all(Some(&p.units));
                self.units.update(&units, |u| {
                    u.received = true;
                    u.announced = true;
                    u.advance(Stage::Received);
                });
            }
            Event::ParcelRefused(p) => {
                let units = self.units_or_all(p.units.as_ref());
                self.advance(&units, Stage::Refused);
            }
            Event::ItemInspected(i) => {
                let units = self.units_or_all(Some(&i.units));
                self.units.update(&units, |u| {
                    u.findings.merge(i);
                    u.advance(Stage::Inspected);
                });
            }
            Event::ConnectivityAssessed(_) => {
                let units = self.units.units();
                self.advance(&units, Stage::Inspected);
            }
            Event::ItemLostInCustody(l) => {
                let units = self.units_or_all(Some(&l.units));
                self.advance(&units, Stage::Inspected);
            }
            Event::DispositionRecorded(d) => {
                self.units.update(&d.units, |u| u.disposition = Some(d.disposition));
            }
            Event::RemedyDecided(d) => {
                // A decision replaces what was said of its units before; "none" decides nothing.
                if d.remedy != Remedy::None {
                    self.decisions.retain(|old| old.units.intersection(&d.units).is_empty());
                    self.decisions.push(Decision {
                        units: d.units.clone(),
                        remedy: d.remedy,
                        entitlement_minor: d.entitlement.map_or(0, Amount::minor),
                        facts_sha256: d.facts_sha256,
                        cites: d.cites.clone(),
                        decided: s.effective,
                        event_id: s.fact.event_id,
                    });
                    self.units.update(&d.units, |u| {
                        u.accepted = true;
                        u.remedy = Some(d.remedy);
                        u.variant = d.variant;
                        u.stage = Stage::Decided;
                    });
                }
            }
            Event::RemedyFailed(f) => {
                let units = self.units_or_all(f.units.as_ref());
                self.decisions.retain(|d| d.remedy != f.remedy || d.units.intersection(&units).is_empty());
                self.units.update(&units, |u| {
                    if u.remedy == Some(f.remedy) {
                        u.remedy = None;
                        u.accepted = false;
                        u.stage = Stage::Inspected;
                    }
                });
            }
            Event::RepairShipped(r) => {
                self.goods_sent(&r.units, r.rma.as_ref().map(|rma| (rma, s.event.kind())))
            }
            Event::SparePartsSent(p) => self.goods_sent(&p.units, None),
            Event::ReplacementShipped(r) => {
                self.goods_sent(&r.units, r.rma.as_ref().map(|rma| (rma, s.event.kind())))
            }
            Event::CostRecorded(c) => self.costs.push(Cost {
                cost: c.cost.clone(),
                paid_by: c.paid_by,
                amount: c.order_amount.unwrap_or(c.amount),
                receipt: c.receipt_ref.is_some(),
                event_id: s.fact.event_id,
            }),
            Event::DiscretionExercised(d) => {
                let given = is_goodwill(&d.point) && !is_refusal(d.decision.as_str());
                if let (Some(amount), true) = (&d.amount, given) {
                    self.goodwill_minor = self.goodwill_minor.saturating_add(amount.minor());
                }
            }
            Event::FeeCharged(c) => self.charge(&c.charge, &c.fee, c.amount, s.effective),
            Event::CustomerCharged(c) => self.charge(&c.charge, &c.cost, c.amount, s.effective),
            Event::ChargePaid(p) => {
                if let Some(charge) = self.charges.get_mut(&p.charge) {
                    charge.paid_minor = charge.paid_minor.saturating_add(p.amount.minor());
                }
            }
            Event::ChargeWaived(w) => {
                if let Some(charge) = self.charges.get_mut(&w.charge) {
                    charge.waived = true;
                }
            }
            Event::RefundIssued(_) | Event::GiftCreditIssued(_) | Event::HistoricalCreditRecorded(_) => {
                self.credit_of(s, None);
            }
            Event::RefundPosted(p) => {
                if let Some(credit) = self.credits.get_mut(&p.refund)
                    && credit.status == CreditStatus::Issued
                {
                    credit.status = CreditStatus::Posted;
                    credit.posted = Some(s.effective);
                }
            }
            Event::RefundFailed(f) => {
                if let Some(credit) = self.credits.get_mut(&f.refund)
                    && credit.status != CreditStatus::Failed
                {
                    credit.status = CreditStatus::Failed;
                    credit.failed = Some(s.effective);
                }
            }
            Event::ChargebackOpened(c) => {
                self.chargebacks.entry(c.psp_ref.clone()).or_insert((c.amount, None));
            }
            Event::ChargebackWon(c) => {
                if let Some(chargeback) = self.chargebacks.get_mut(&c.psp_ref) {
                    chargeback.1 = Some(true);
                }
            }
            Event::ChargebackLost(c) => {
                if let Some(chargeback) = self.chargebacks.get_mut(&c.psp_ref) {
                    chargeback.1 = Some(false);
                }
            }
            Event::ClaimClosed(_) => self.closed = true,
            Event::ClaimReopened(_) => {
                self.closed = false;
                self.withdrawn = false;
                self.reopened = self.reopened.saturating_add(1);
                let denied = self.units.units_where(|u| u.stage == Stage::Denied);
                self.units.update(&denied, |u| u.stage = Stage::Assessed);
            }
            Event::ClaimEscalated(_) => self.escalated = true,
            Event::ClaimWithdrawn(_) => self.withdrawn = true,
            Event::DisputeOpened(_) => self.disputed = true,
            Event::DisputeResolved(_) => self.disputed = false,
            // On record and in the timeline; they move no unit and no money of their own.
            Event::RemedyOffered(_)
            | Event::RemedySelected(_)
            | Event::StockReported(_)
            | Event::RepairCompleted(_)
            | Event::ReplacementDelivered(_)
            | Event::RefundLateFlagged(_)
            | Event::RefundTraceOpened(_)
            | Event::RefundTraceAnswered(_)
            | Event::NoticeSent(_)
            | Event::ContactLogged(_)
            | Event::NoteAdded(_)
            | Event::LegalHoldPlaced(_)
            | Event::LegalHoldReleased(_) => {}
            // Amendments are worked in before this; the rest cannot stand in a claim's stream (codec).
            Event::EventCorrected(_)
            | Event::EventReversed(_)
            | Event::OrderRecorded(_)
            | Event::PaymentCaptured(_)
            | Event::SubscriptionActivated(_)
            | Event::DeviceTransmissionSummarised(_)
            | Event::OwnershipChangeRecorded(_)
            | Event::PolicyPublished(_)
            | Event::CalendarPublished(_)
            | Event::ActorRegistered(_)
            | Event::RoleGranted(_)
            | Event::RoleRevoked(_)
            | Event::LimitSet(_)
            | Event::RetentionSet(_)
            | Event::PersonalDataRedacted(_)
            | Event::CheckpointRecorded(_)
            | Event::SigningKeyAnnounced(_)
            | Event::PeriodClosed(_)
            | Event::PeriodReopened(_)
            | Event::ProjectionRebuilt(_)
            | Event::AppendRefused(_) => {}
        }
    }

    fn credit_of(&mut self, s: &Standing<'_>, reversed: Option<When>) {
        let (id, kind, amount, units, to) = match &*s.event {
            Event::RefundIssued(r) => {
                (r.refund.clone(), CreditKind::Refund, r.amount, r.units.clone(), Some(r.payout.to))
            }
            Event::GiftCreditIssued(g) => (g.credit.clone(), CreditKind::GiftCredit, g.amount, None, None),
            Event::HistoricalCreditRecorded(h) => match RefundId::new(self.id.as_str()) {
                Ok(id) => (id, CreditKind::Historical, h.amount, None, None),
                Err(_) => return,
            },
            _ => return,
        };
        let credit = Credit {
            kind,
            amount,
            status: if kind == CreditKind::Historical { CreditStatus::Posted } else { CreditStatus::Issued },
            issued: s.effective,
            posted: None,
            failed: None,
            reversed,
            units,
            to,
            event_id: s.fact.event_id,
        };
        self.credits.insert(id, credit);
    }

    fn charge(&mut self, id: &ChargeId, what: &Code, amount: Amount, since: When) {
        self.charges
            .insert(id.clone(), Charge { what: what.clone(), amount, since, paid_minor: 0, waived: false });
    }

    fn end_rma(&mut self, rma: &Rma, status: RmaStatus) {
        let Some(state) = self.rmas.get_mut(rma) else { return };
        state.status = status;
        let units = state.units.clone();
        self.units.update(&units, |u| {
            u.authorized = false;
            if u.stage == Stage::Authorized {
                u.stage = Stage::Voided;
            }
        });
    }

    fn goods_sent(&mut self, units: &Units, closes: Option<(&Rma, Kind)>) {
        self.advance(units, Stage::Settled);
        if let Some((rma, kind)) = closes
            && let Some(state) = self.rmas.get_mut(rma)
        {
            state.status = RmaStatus::Closed;
            state.closed_by = Some(kind);
        }
    }

    /// What follows from all facts together.
    pub(super) fn finish(&mut self) {
        let mut refunded = Units::default();
        for credit in self.credits.values().filter(|c| c.is_effective()) {
            if let Some(units) = &credit.units {
                refunded = refunded.union(units);
            }
        }
        let owed = self.owed_minor();
        let money: Units = self
            .decisions
            .iter()
            .filter(|d| d.remedy.pays_money())
            .fold(Units::default(), |all, d| all.union(&d.units));
        // What the bank took back is with the customer as well.
        let paid = self.got_minor() >= owed;
        if owed > 0 && paid {
            refunded = refunded.union(&money);
        }
        self.units.update(&refunded, |u| u.refunded = true);
        if paid {
            self.units.update(&money, |u| u.advance(Stage::Settled));
        }
    }
}
