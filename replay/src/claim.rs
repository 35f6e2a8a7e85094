//! A claim: the life of each of its units, its goods, its money.

mod parts;

pub use parts::*;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    codec::Recorded,
    event::{Basis, Claimant, Event, Leg, Party, Remedy, ScanStatus, UnitStatus},
    history::{Cut, History, Standing},
    ids::{ChargeId, ClaimId, Code, OrderId, ParcelId, PolicyId, RefundId, Revision, Rma, Word},
    money::{Amount, Currency},
    time::When,
    units::{Runs, Units},
};

/// A claim on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub id: ClaimId,
    /// Everything recorded in its stream.
    pub history: History,
}

/// What a claim amounts to under a cut.
#[derive(Debug, Clone)]
pub struct ClaimState {
    pub id: ClaimId,
    pub order: Option<OrderId>,
    /// Only for historical credits; otherwise the order knows the merchant.
    pub merchant: Option<PolicyId>,
    pub country: Option<Word>,
    pub opened: When,
    /// The contact that counts for windows (H-2).
    pub first_contact: When,
    pub asserted: Option<Basis>,
    pub by: Option<Claimant>,
    pub units: Runs<UnitState>,
    pub evidence: BTreeMap<Code, bool>,
    pub rmas: BTreeMap<Rma, RmaState>,
    pub parcels: BTreeMap<ParcelId, ParcelState>,
    pub decisions: Vec<Decision>,
    pub costs: Vec<Cost>,
    pub goodwill_minor: u64,
    pub credits: BTreeMap<RefundId, Credit>,
    pub charges: BTreeMap<ChargeId, Charge>,
    /// Amount and result of each chargeback, by the processor's reference.
    pub chargebacks: BTreeMap<Word, (Amount, Option<bool>)>,
    pub closed: bool,
    pub withdrawn: bool,
    pub escalated: bool,
    pub disputed: bool,
    pub reopened: u32,
    pub historical: bool,
}

impl Claim {
    /// The only function that moves a claim.
    ///
    /// # Errors
    /// The revision that was due, when it is not the next one.
    pub fn apply(claim: Option<Claim>, id: &ClaimId, recorded: Recorded) -> Result<Claim, Revision> {
        let mut claim = claim.unwrap_or_else(|| Claim { id: id.clone(), history: History::default() });
        claim.history.push(recorded)?;
        Ok(claim)
    }

    /// What stands of it; `None` before its first event under this cut.
    pub fn state(&self, cut: &Cut) -> Option<ClaimState> {
        let standing = self.history.standing(cut);
        let first = standing.iter().find(|s| {
            s.reversed.is_none()
                && matches!(*s.event, Event::ClaimOpened(_) | Event::HistoricalCreditRecorded(_))
        });
        // A reversed historical credit still shows, with nothing left of it.
        let first = first
            .or_else(|| standing.iter().find(|s| matches!(*s.event, Event::HistoricalCreditRecorded(_))));
        let mut state = ClaimState::begin(&self.id, first?);
        let mut early = Vec::new();
        for s in &standing {
            if state.awaits(s) { early.push(s) } else { state.take(s) }
        }
        for s in early {
            state.take(s);
        }
        state.finish();
        Some(state)
    }
    /// The order named when the claim was opened; `None` for a historical credit.
    pub fn order(&self) -> Option<&OrderId> {
        self.history.facts().iter().find_map(|f| match &f.event {
            Event::ClaimOpened(o) => Some(&o.order),
            _ => None,
        })
    }
}

impl ClaimState {
    fn begin(id: &ClaimId, first: &Standing<'_>) -> Self {
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
    fn awaits(&self, s: &Standing<'_>) -> bool {
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
    fn take(&mut self, s: &Standing<'_>) {
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
                    let granted =
                        RmaState { status: RmaStatus::Open, units: g.units.clone(), granted: s.effective };
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
                if let Ok(cost) = Code::new("inbound_shipping") {
                    self.costs.push(Cost {
                        cost,
                        paid_by: l.paid_by,
                        amount: l.cost,
                        event_id: s.fact.event_id,
                    });
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
            Event::RepairShipped(r) => self.goods_sent(&r.units, r.rma.as_ref()),
            Event::SparePartsSent(p) => self.goods_sent(&p.units, None),
            Event::ReplacementShipped(r) => self.goods_sent(&r.units, r.rma.as_ref()),
            Event::CostRecorded(c) => self.costs.push(Cost {
                cost: c.cost.clone(),
                paid_by: c.paid_by,
                amount: c.order_amount.unwrap_or(c.amount),
                event_id: s.fact.event_id,
            }),
            Event::DiscretionExercised(d) => {
                if let (Some(amount), true) = (&d.amount, is_goodwill(&d.point)) {
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
                self.chargebacks.insert(c.psp_ref.clone(), (c.amount, None));
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
            | Event::NoteAdded(_) => {}
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
            | Event::PersonalDataRedacted(_)
            | Event::CheckpointRecorded(_)
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

    fn goods_sent(&mut self, units: &Units, rma: Option<&Rma>) {
        self.advance(units, Stage::Settled);
        if let Some(state) = rma.and_then(|rma| self.rmas.get_mut(rma)) {
            state.status = RmaStatus::Closed;
        }
    }

    /// What follows from all facts together.
    fn finish(&mut self) {
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
        if owed > 0 && self.credited_minor() >= owed {
            refunded = refunded.union(&money);
        }
        let paid = self.credited_minor() >= owed;
        self.units.update(&refunded, |u| u.refunded = true);
        if paid {
            self.units.update(&money, |u| u.advance(Stage::Settled));
        }
    }

    /// Money owed to the customer in minor units: what was decided, and goodwill.
    pub fn owed_minor(&self) -> u64 {
        let decided = self.decisions.iter().fold(0u64, |sum, d| sum.saturating_add(d.entitlement_minor));
        decided.saturating_add(self.goodwill_minor)
    }
    /// Money that was credited and counts, in minor units (historical credits aside).
    pub fn credited_minor(&self) -> u64 {
        let effective =
            self.credits.values().filter(|c| c.is_effective() && c.kind != CreditKind::Historical);
        effective.fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()))
    }
    /// Chargebacks that are open or lost, in minor units.
    pub fn charged_back_minor(&self) -> u64 {
        let lost = self.chargebacks.values().filter(|(_, won)| *won != Some(true));
        lost.fold(0u64, |sum, (amount, _)| sum.saturating_add(amount.minor()))
    }
    /// Costs that the customer has paid, in minor units: they may be repaid beside the captured money.
    pub fn customer_costs_minor(&self) -> u64 {
        let costs = self.costs.iter().filter(|c| c.paid_by == Party::Customer);
        costs.fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()))
    }
    /// Still to be paid out, in minor units.
    pub fn open_minor(&self) -> u64 {
        self.owed_minor().saturating_sub(self.credited_minor())
    }
    /// Paid out beyond what is owed, in minor units: reported, never netted.
    pub fn overpaid_minor(&self) -> u64 {
        self.credited_minor().saturating_sub(self.owed_minor())
    }
    /// The currency of its money, as far as it has any.
    pub fn currency(&self) -> Option<Currency> {
        self.credits.values().map(|c| c.amount.currency()).next()
    }
    /// The claim as a whole: its flags first, then the least advanced unit that is not finished.
    pub fn stage(&self) -> Stage {
        if self.withdrawn {
            return Stage::Withdrawn;
        }
        if self.closed {
            return Stage::Closed;
        }
        let stages: BTreeSet<Stage> = self.units.iter().map(|(_, _, _, u)| u.stage).collect();
        let finished = |s: &&Stage| matches!(s, Stage::Denied | Stage::Settled);
        let unfinished = stages.iter().find(|s| !finished(s));
        unfinished.or_else(|| stages.last()).copied().unwrap_or(Stage::Claimed)
    }
}

/// Goodwill and statutory payments outside the policy (H-19).
pub fn is_goodwill(point: &Code) -> bool {
    point.as_str().starts_with("H-19.")
}
