//! A claim: the life of each of its units, its goods, its money.

mod fold;
mod parts;

pub use parts::*;

use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use crate::{
    codec::Recorded,
    event::{Basis, Claimant, Event, Party},
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
    /// A claim of which nothing is on record.
    pub fn new(id: ClaimId) -> Self {
        Self { id, history: History::default() }
    }
    /// The only function that moves a claim.
    ///
    /// # Errors
    /// The revision that was due, when it is not the next one; the claim is then as it was.
    pub fn apply(&mut self, recorded: Recorded) -> Result<(), Revision> {
        self.history.push(recorded)
    }

    /// What stands of it; `None` before its first event under this cut.
    pub fn state(&self, cut: &Cut) -> Option<ClaimState> {
        let mut state = self.taken(&self.history.standing(cut))?;
        state.finish();
        Some(state)
    }
    /// As [`Claim::state`] of all that is on record, but good for the credits alone: what cannot change a credit is left
    /// out. Every event that moves money asks for them twice.
    pub(crate) fn credits(&self) -> Option<ClaimState> {
        let bears = |event: &Event| {
            matches!(
                event,
                Event::ClaimOpened(_)
                    | Event::HistoricalCreditRecorded(_)
                    | Event::RefundIssued(_)
                    | Event::GiftCreditIssued(_)
                    | Event::RefundPosted(_)
                    | Event::RefundFailed(_)
            )
        };
        let state = self.taken(&self.history.standing_of(&Cut::default(), bears));
        let all = || self.state(&Cut::default());
        debug_assert_eq!(state.as_ref().map(|s| &s.credits), all().as_ref().map(|s| &s.credits));
        state
    }
    /// These facts, taken in one after the other.
    fn taken(&self, standing: &[Standing<'_>]) -> Option<ClaimState> {
        let first = standing.iter().find(|s| {
            s.reversed.is_none()
                && matches!(*s.event, Event::ClaimOpened(_) | Event::HistoricalCreditRecorded(_))
        });
        // A reversed historical credit still shows, with nothing left of it.
        let first = first
            .or_else(|| standing.iter().find(|s| matches!(*s.event, Event::HistoricalCreditRecorded(_))));
        let mut state = ClaimState::begin(&self.id, first?);
        let mut early = Vec::new();
        for s in standing {
            if state.awaits(s) { early.push(s) } else { state.take(s) }
        }
        for s in early {
            state.take(s);
        }
        Some(state)
    }
    /// The units the claim is about, after corrections.
    pub fn units(&self) -> Cow<'_, Units> {
        // Folding is only needed when something was corrected.
        if self.history.is_amended() {
            let standing = self.history.standing(&Cut::default());
            let opened = standing.iter().find_map(|s| match &*s.event {
                Event::ClaimOpened(o) => Some(o.units.clone()),
                _ => None,
            });
            return Cow::Owned(opened.unwrap_or_default());
        }
        match self.history.facts().first().map(|fact| &fact.event) {
            Some(Event::ClaimOpened(o)) => Cow::Borrowed(&o.units),
            _ => Cow::Owned(Units::default()),
        }
    }
    /// Whether a credit was ever recorded, whatever has become of it.
    pub(crate) fn has_credits(&self) -> bool {
        let is_credit = |event: &Event| {
            matches!(
                event,
                Event::RefundIssued(_) | Event::GiftCreditIssued(_) | Event::HistoricalCreditRecorded(_)
            )
        };
        self.history.facts().iter().any(|fact| is_credit(&fact.event))
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
    /// Costs that the customer has paid and shown a receipt for, in minor units: they may be repaid beside the
    /// captured money (H-14). Without a receipt a cost is on record and raises no cap.
    pub fn customer_costs_minor(&self) -> u64 {
        let costs = self.costs.iter().filter(|c| c.paid_by == Party::Customer && c.receipt);
        costs.fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()))
    }
    /// What the customer has got, in minor units: from the merchant, or through the bank.
    pub fn got_minor(&self) -> u64 {
        self.credited_minor().saturating_add(self.charged_back_minor())
    }
    /// Still to be paid out, in minor units. What the bank took back for the customer is not paid a second time.
    pub fn open_minor(&self) -> u64 {
        self.owed_minor().saturating_sub(self.got_minor())
    }
    /// Paid out or charged back beyond what is owed, in minor units: reported, never netted.
    pub fn overpaid_minor(&self) -> u64 {
        self.got_minor().saturating_sub(self.owed_minor())
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
