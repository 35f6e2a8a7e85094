//! The judgement: whether a claim is good, what it is worth, who bears which cost, by when what is due, and under
//! which clause; a pure function of policy, order facts and events up to a point (`policies/model.md`, section 2).
//!
//! ```text
//! facts    the fold, each value with its event        facts.rs
//! unit     basis, windows, rights, requirements        window.rs, right.rs, unit.rs
//! money    the waterfall over the eligible units       money.rs, cost.rs
//! clocks   due dates and duties to inform              clock.rs
//! ```
//!
//! A decision records what was judged then; the judgement of today is always computed again.

mod assume;
mod clock;
mod cost;
mod facts;
mod money;
mod read;
mod right;
mod unit;
mod window;

pub use assume::{Assumption, Findings, Supposed};
pub use clock::{Clock, ClockState, Due, MissingNotice, OfOrder};
pub use cost::{Payer, Settled};
pub use facts::{ChargebackFact, CostFact, CreditFact, DiscretionFact, Facts, Seen, SignalFact, UnitFacts};
pub use money::{Aside, Charge, Line, LineKind, Term};
pub use unit::{Asked, Outcome, UnitJudgement};
pub use window::{Chance, WindowJudgement, WindowState};

use alloc::{string::String, sync::Arc, vec::Vec};

use crate::{
    case::Case,
    event::{Kind, OrderLine, UnitStatus},
    history::{Cut, Standing},
    ids::{ClaimId, Code, EventId, PolicyId},
    merkle::{Hash, sha256},
    money::Currency,
    order::{Shares, Worth},
    policy::{Cites, FactName, Policy, Predicate, Reading, Truth},
    registry::{Registry, Version},
    units::{Runs, Unit, Units},
};

/// What the policy says of a claim.
#[derive(Debug, Clone)]
pub struct Judgement {
    pub claim: Option<ClaimId>,
    /// The version in force at purchase (H-7), unless another one was asked for.
    pub policy: Arc<Policy>,
    pub policy_id: PolicyId,
    pub version: u32,
    pub policy_sha256: Hash,
    /// Stands for everything the judgement rests on beside the policy.
    pub facts_sha256: Hash,
    pub currency: Currency,
    /// `None` when its units differ.
    pub status: Option<UnitStatus>,
    /// One entry per run of units in equal state.
    pub units: Vec<UnitJudgement>,
    /// The refund, line by line; the sum is [`Judgement::payable_minor`].
    pub lines: Vec<Line>,
    /// Money the customer owes, never netted silently.
    pub charges: Vec<Charge>,
    /// What was looked at and gives no line, with the reason: zero and waived amounts, costs that lie where they fell.
    pub asides: Vec<Aside>,
    pub inbound_shipping: Payer,
    pub return_leg_shipping: Payer,
    /// Index of the payout row; `None` = the original means of payment (H-22).
    pub payout: Option<usize>,
    pub payout_cites: Cites,
    /// Clauses that waived a fee.
    pub waivers: Cites,
    pub clocks: Vec<Clock>,
    pub missing_notices: Vec<MissingNotice>,
    pub payable_minor: u64,
    /// Effective refunds.
    pub refunded_minor: u64,
    /// Chargebacks that are open or lost: the customer has that money already.
    pub charged_back_minor: u64,
    /// Whether goods of this claim have arrived.
    pub received: bool,
}

impl Judgement {
    /// What is still to be paid; below zero = overpaid, reported and never clawed back (H-11). What the bank took back
    /// for the customer is not paid a second time.
    pub fn open_minor(&self) -> i64 {
        let signed = |minor: u64| i64::try_from(minor).unwrap_or(i64::MAX);
        signed(self.payable_minor)
            .saturating_sub(signed(self.refunded_minor))
            .saturating_sub(signed(self.charged_back_minor))
    }
    /// Where money goes.
    pub fn payout_to(&self) -> &str {
        let row = self.payout.and_then(|at| self.policy.payouts.get(at));
        row.map_or("original_method", |row| row.to.as_str())
    }
    /// Whether the payout must wait for the goods, and they are not in.
    pub fn payout_waits(&self) -> bool {
        let row = self.payout.and_then(|at| self.policy.payouts.get(at));
        row.is_some_and(|row| row.after_receipt) && !self.received
    }
    /// The units in a state that is `wanted`.
    pub fn units_where(&self, wanted: impl Fn(&UnitJudgement) -> bool) -> Units {
        let runs = self.units.iter().filter(|u| wanted(u));
        runs.fold(Units::default(), |all, run| all.union(&run.units))
    }
}

/// Judges one claim of a case. `None` when the claim, its order or its policy is not there under this cut.
pub fn judge(case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut) -> Option<Judgement> {
    judge_with(case, id, registry, cut, &Options::default())
}

/// Which questions a judgement answers beside the usual one.
#[derive(Debug, Clone, Default)]
pub struct Options<'a> {
    /// Another policy version than the one in force at purchase: what would it say?
    pub version: Option<&'a Version>,
    /// A decision that is about to be made.
    pub supposed: Option<Supposed>,
    /// Facts that could come in.
    pub assumed: &'a [Assumption],
}

/// As [`judge`], with options.
pub fn judge_with(
    case: &Case,
    id: &ClaimId,
    registry: &Registry,
    cut: &Cut,
    options: &Options<'_>,
) -> Option<Judgement> {
    on_trial(case, id, registry, cut, options, |trial| trial.judgement())
}

/// Sets up a trial and hands it to `f`: for those who want the facts beside the judgement.
pub fn on_trial<T>(
    case: &Case,
    id: &ClaimId,
    registry: &Registry,
    cut: &Cut,
    options: &Options<'_>,
    f: impl FnOnce(&Trial<'_>) -> T,
) -> Option<T> {
    let order = case.order.as_ref()?;
    let claim = case.claims.get(id)?;
    let (order_standing, claim_standing) = (order.history.standing(cut), claim.history.standing(cut));
    let mut facts = Facts::fold(&order_standing, &claim_standing)?;
    let sale = facts.sale.value;
    let version = match options.version {
        Some(version) => version,
        None => registry.governing_under(&sale.policy, sale.purchased_at, cut)?,
    };
    if case.claims.len() > 1 {
        facts.take_siblings(case, id, cut, version.policy.replacement_anchor);
    }
    if let Some(supposed) = &options.supposed {
        facts.suppose(supposed);
    }
    for assumption in options.assumed {
        facts.assume(assumption);
    }
    let facts_sha256 = facts_hash(&order_standing, &claim_standing);
    let only = options.supposed.as_ref().map(|s| &s.only);
    Some(f(&Trial::new(facts, version, registry, cut, facts_sha256, only, Some(id))))
}

/// What is due for an order itself. `None` when it or its policy is not there under this cut.
pub fn of_order(case: &Case, registry: &Registry, cut: &Cut) -> Option<OfOrder> {
    let standing = case.order.as_ref()?.history.standing(cut);
    let facts = Facts::of_order(&standing)?;
    let sale = facts.sale.value;
    let version = registry.governing_under(&sale.policy, sale.purchased_at, cut)?;
    let facts_sha256 = facts_hash(&standing, &[]);
    Some(Trial::new(facts, version, registry, cut, facts_sha256, None, None).of_order())
}

/// A claim before its judge: policy and facts, ready for questions.
pub struct Trial<'a> {
    /// `None` when it is the order alone that is looked at.
    pub id: Option<&'a ClaimId>,
    pub policy_id: &'a PolicyId,
    pub version: &'a Version,
    pub policy: &'a Policy,
    pub registry: &'a Registry,
    pub cut: &'a Cut,
    /// Where the order went, as regions know it.
    pub place: String,
    pub facts: Facts<'a>,
    shares: Shares<'a>,
    only: Option<&'a Units>,
    facts_sha256: Hash,
}

/// A run of units of one line in equal state.
#[derive(Clone, Copy)]
pub struct Piece<'a> {
    /// Index of the line in the order.
    pub line_at: usize,
    pub line: &'a OrderLine,
    pub first: u32,
    pub last: u32,
    pub unit: &'a UnitFacts,
}

impl Piece<'_> {
    /// The units as a set.
    pub fn units(&self) -> Units {
        let unit = |n| Unit::new(self.line.id.clone(), n);
        let Ok(first) = unit(self.first) else { return Units::default() };
        if self.first == self.last {
            return Units::from(first);
        }
        let Ok(all) = Units::from_line(self.line.id.clone(), self.last) else { return Units::default() };
        match self.first.checked_sub(1).map(|before| Units::from_line(self.line.id.clone(), before)) {
            Some(Ok(before)) => all.difference(&before),
            _ => all,
        }
    }
}

impl<'a> Trial<'a> {
    fn new(
        facts: Facts<'a>,
        version: &'a Version,
        registry: &'a Registry,
        cut: &'a Cut,
        facts_sha256: Hash,
        only: Option<&'a Units>,
        id: Option<&'a ClaimId>,
    ) -> Self {
        let sale = facts.sale.value;
        let subdivision = sale.ship_to.subdivision.as_ref().map(Code::as_str);
        Trial {
            id,
            policy_id: &sale.policy,
            version,
            policy: &version.policy,
            registry,
            cut,
            place: crate::policy::place_code(sale.ship_to.country.as_str(), subdivision),
            shares: Shares::new(sale),
            only,
            facts_sha256,
            facts,
        }
    }
}

/// A fact that a condition asks for, as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactUse {
    pub fact: FactName,
    /// `None` = not known.
    pub value: Option<String>,
    /// The event it was learned from; none for what nobody has said otherwise.
    pub event: Option<EventId>,
}

impl Trial<'_> {
    /// Every fact a condition asks for, with what is known of it for a run of units.
    pub fn facts_of(&self, unit: &UnitJudgement, needs: &Predicate) -> Vec<FactUse> {
        let Some(piece) = self.piece_of(unit) else { return Vec::new() };
        let mut used: Vec<FactUse> = Vec::new();
        for name in needs.facts() {
            if used.iter().any(|u| u.fact == *name) {
                continue;
            }
            let (reading, event) = self.fact(&piece, &unit.units, unit.basis, name);
            used.push(FactUse { fact: name.clone(), value: spoken(reading), event });
        }
        used
    }
    /// The share of units of one line in what was paid for the order (H-9).
    pub fn worth(&self, line_at: usize, first: u32, last: u32) -> Worth {
        self.shares.of(line_at, first, last)
    }

    fn pieces<'s>(&'s self, runs: &'s Runs<UnitFacts>) -> impl Iterator<Item = Piece<'s>> {
        runs.iter().filter_map(|(id, first, last, unit)| {
            let line_at = self.shares.line(id)?;
            let line = self.facts.sale.value.lines.get(line_at)?;
            Some(Piece { line_at, line, first, last, unit })
        })
    }

    /// The judgement.
    pub fn judgement(&self) -> Judgement {
        let units: Vec<UnitJudgement> =
            self.pieces(&self.facts.units).map(|piece| self.unit(&piece)).collect();
        let mut judgement = Judgement {
            claim: self.id.cloned(),
            policy: self.version.policy.clone(),
            policy_id: self.policy_id.clone(),
            version: self.version.version,
            policy_sha256: self.version.sha256,
            facts_sha256: self.facts_sha256,
            currency: self.facts.sale.value.currency,
            status: None,
            units,
            lines: Vec::new(),
            charges: Vec::new(),
            asides: Vec::new(),
            inbound_shipping: Payer::default(),
            return_leg_shipping: Payer::default(),
            payout: None,
            payout_cites: Cites::house(22),
            waivers: Cites::default(),
            clocks: Vec::new(),
            missing_notices: Vec::new(),
            payable_minor: 0,
            refunded_minor: self.facts.refunded_minor(),
            charged_back_minor: self.facts.charged_back_minor(),
            received: self.facts.units.count_where(|u| u.received.is_some()) > 0,
        };
        self.waterfall(&mut judgement);
        judgement.status = common(judgement.units.iter().map(|u| u.status));
        judgement.inbound_shipping = self.payer("inbound_shipping", &judgement.units);
        judgement.return_leg_shipping = self.payer("return_leg_shipping", &judgement.units);
        let payout =
            self.policy.payouts.iter().position(|row| {
                row.when.as_ref().is_none_or(|when| self.truth_of_claim(when) == Truth::True)
            });
        if let Some(at) = payout
            && let Some(row) = self.policy.payouts.get(at)
        {
            judgement.payout = Some(at);
            judgement.payout_cites = row.cites.clone();
        }
        self.clocks(&mut judgement);
        judgement
    }
}

fn spoken(reading: Reading<'_>) -> Option<String> {
    match reading {
        Reading::Unknown => None,
        Reading::Flag(true) => Some("yes".into()),
        Reading::Flag(false) => Some("no".into()),
        Reading::Word(word) => Some(word.into()),
        Reading::Entries(0) => Some("none".into()),
        Reading::Entries(n) => Some(alloc::format!("{n}")),
    }
}

fn common<T: PartialEq>(mut all: impl Iterator<Item = T>) -> Option<T> {
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Whether events of this kind are grounds of a judgement. Decisions, payments, talk and the life of a claim are not.
fn is_ground(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::RemedyDecided
            | Kind::EligibilityAssessed
            | Kind::RefundIssued
            | Kind::RefundPosted
            | Kind::RefundFailed
            | Kind::RefundLateFlagged
            | Kind::RefundTraceOpened
            | Kind::RefundTraceAnswered
            | Kind::GiftCreditIssued
            | Kind::FeeCharged
            | Kind::CustomerCharged
            | Kind::ChargePaid
            | Kind::ChargeWaived
            | Kind::ChargebackOpened
            | Kind::ChargebackWon
            | Kind::ChargebackLost
            | Kind::NoticeSent
            | Kind::ContactLogged
            | Kind::NoteAdded
            | Kind::LegalHoldPlaced
            | Kind::LegalHoldReleased
            | Kind::ClaimClosed
            | Kind::ClaimReopened
            | Kind::ClaimEscalated
            | Kind::DisputeOpened
            | Kind::DisputeResolved
            | Kind::DispositionRecorded
            | Kind::AuthorizationDenied
    )
}

/// What stands of order and claim, as a hash: the facts that a judgement rests on, with what corrections made of them.
/// What the merchant decided and paid is no fact of that kind, so that a decision can be compared with today's facts.
fn facts_hash(order: &[Standing<'_>], claim: &[Standing<'_>]) -> Hash {
    let mut bytes = Vec::with_capacity((order.len() + claim.len()) * 48);
    for s in order.iter().chain(claim).filter(|s| s.reversed.is_none() && is_ground(s.event.kind())) {
        bytes.extend_from_slice(s.fact.event_id.0.as_bytes());
        bytes.extend_from_slice(&s.effective.at.micros().to_be_bytes());
        if let alloc::borrow::Cow::Owned(corrected) = &s.event
            && let Ok(value) = corrected.to_value()
            && let Ok(text) = crate::canonical::to_bytes(&value)
        {
            bytes.extend_from_slice(&sha256(&text).0);
        }
    }
    sha256(&bytes)
}
