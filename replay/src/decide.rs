//! Today's rules: same case, same command, same policy, same time, same answer.
//!
//! A refusal is the user's business and changes nothing; what the log itself forbids is in [`crate::law`].
//! Facts about the outside world are refused only where they cannot be true of this ledger.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

use crate::{
    case::Case,
    claim::{ClaimState, CreditStatus, RmaStatus, Stage, is_goodwill},
    event::{
        AppendRefused, AuthorizationGranted, Class, DiscretionExercised, Event, Kind, ParcelReceived,
        ParcelRefused, Remedy, TrackingCheck,
    },
    history::Cut,
    ids::{Code, Personal, PolicyId, Rma, Stream, Word},
    law::{self, Breach},
    money::Amount,
    order::OrderState,
    policy::{AmountBound, DiscretionPoint, FactName, OnFail, Policy, Reading, Truth},
    registry::{Registry, RegistryFault},
    seal::Proposal,
    time::{Day, Instant, When},
    units::Units,
};

/// How far ahead of the ledger's clock an event may claim to have happened, in microseconds (clocks differ).
pub const CLOCK_SKEW_MICROS_MAX: i64 = 5 * 60 * 1_000_000;

/// Everything a decision may look at.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Policies, calendars, people.
    pub registry: &'a Registry,
    /// The order with all its claims.
    pub case: &'a Case,
}

/// Why a command was refused. The order of the variants is their precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    WrittenByTheLedgerItself(Kind),
    KindIsNotForThisStream(Kind, Stream),
    EffectiveInTheFuture(When),
    PolicyIsNotInForce(PolicyId, Day),
    Registry(RegistryFault),
    Breach(Breach),
    SecondPersonIsMissing { rule: &'static str },
    SecondPersonIsTheFirst { rule: &'static str },
    OverTheLimitOfTheRole { limit: Amount },
    ClaimIsClosed,
    ClaimIsWithdrawn,
    ClaimIsNotClosed,
    RmaIsMissing { cites: Vec<Code> },
    RmaIsNotOpen { rma: Rma, cites: Vec<Code> },
    RmaIsUsed(Rma),
    UnitsHaveAnOpenRma(Units),
    UnitsAreNotOnTheRma { units: Units, cites: Vec<Code> },
    UnitsAreNotReceived(Units),
    UnitsAreNotDecidedForThis(Units),
    EntitlementIsMissing,
    UnknownPoint(Code),
    OptionIsNotOfThePoint { options: Vec<String>, cites: Vec<Code> },
    OutOfBounds { bound: String, cites: Vec<Code> },
    RefundIsNotOnRecord,
    RefundHasFailed,
    ChargeIdIsUsed,
    ChargeIsNotOnRecord,
    ChargeIsSettled,
    ChargebackIsNotOpen,
    SomethingWasPaid,
    MoneyIsStillOpen { open: Amount },
    ChargeIsStillOpen,
    DisputeIsRunning,
    NoDisputeIsRunning,
}

impl Refusal {
    /// The name in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::WrittenByTheLedgerItself(_) => "written_by_the_ledger_itself",
            Refusal::KindIsNotForThisStream(..) => "kind_is_not_for_this_stream",
            Refusal::EffectiveInTheFuture(_) => "effective_in_the_future",
            Refusal::PolicyIsNotInForce(..) => "policy_is_not_in_force",
            Refusal::Registry(RegistryFault::Gap { .. }) => "revision_is_not_the_next",
            Refusal::Registry(RegistryFault::PolicyVersionIsNotTheNext { .. }) => {
                "policy_version_is_not_the_next"
            }
            Refusal::Registry(RegistryFault::PolicyBeginsBeforeItsPredecessor { .. }) => {
                "policy_begins_before_its_predecessor"
            }
            Refusal::Registry(RegistryFault::CalendarYearIsPublished) => "calendar_year_is_published",
            Refusal::Breach(breach) => breach.code(),
            Refusal::SecondPersonIsMissing { .. } => "second_person_is_missing",
            Refusal::SecondPersonIsTheFirst { .. } => "second_person_is_the_first",
            Refusal::OverTheLimitOfTheRole { .. } => "over_the_limit_of_the_role",
            Refusal::ClaimIsClosed => "claim_is_closed",
            Refusal::ClaimIsWithdrawn => "claim_is_withdrawn",
            Refusal::ClaimIsNotClosed => "claim_is_not_closed",
            Refusal::RmaIsMissing { .. } => "rma_is_missing",
            Refusal::RmaIsNotOpen { .. } => "rma_is_not_open",
            Refusal::RmaIsUsed(_) => "rma_is_used",
            Refusal::UnitsHaveAnOpenRma(_) => "units_have_an_open_rma",
            Refusal::UnitsAreNotOnTheRma { .. } => "units_are_not_on_the_rma",
            Refusal::UnitsAreNotReceived(_) => "units_are_not_received",
            Refusal::UnitsAreNotDecidedForThis(_) => "units_are_not_decided_for_this",
            Refusal::EntitlementIsMissing => "entitlement_is_missing",
            Refusal::UnknownPoint(_) => "unknown_point",
            Refusal::OptionIsNotOfThePoint { .. } => "option_is_not_of_the_point",
            Refusal::OutOfBounds { .. } => "out_of_bounds",
            Refusal::RefundIsNotOnRecord => "refund_is_not_on_record",
            Refusal::RefundHasFailed => "refund_has_failed",
            Refusal::ChargeIdIsUsed => "charge_id_is_used",
            Refusal::ChargeIsNotOnRecord => "charge_is_not_on_record",
            Refusal::ChargeIsSettled => "charge_is_settled",
            Refusal::ChargebackIsNotOpen => "chargeback_is_not_open",
            Refusal::SomethingWasPaid => "something_was_paid",
            Refusal::MoneyIsStillOpen { .. } => "money_is_still_open",
            Refusal::ChargeIsStillOpen => "charge_is_still_open",
            Refusal::DisputeIsRunning => "dispute_is_running",
            Refusal::NoDisputeIsRunning => "no_dispute_is_running",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            Refusal::WrittenByTheLedgerItself(_) => {
                "it follows from the ledger's own commands, such as claims rebuild; nobody records it by hand"
            }
            Refusal::KindIsNotForThisStream(kind, _) => {
                let p = kind.places();
                let names = [(p.ledger, "ledger"), (p.order, "order/ID"), (p.claim, "claim/ID")];
                let places: Vec<&str> = names.iter().filter(|(yes, _)| *yes).map(|(_, name)| *name).collect();
                return format!("record it in stream {}", places.join(" or "));
            }
            Refusal::EffectiveInTheFuture(_) => "record what has happened; check the date and the offset",
            Refusal::PolicyIsNotInForce(..) => {
                "claims policy list shows from which day policies govern; claims policy publish FILE adds one"
            }
            Refusal::Registry(RegistryFault::PolicyVersionIsNotTheNext { due }) => {
                return format!("set version = {due} in the policy file");
            }
            Refusal::Registry(_) => "claims policy list shows what is published",
            Refusal::Breach(breach) => breach.hint(),
            Refusal::SecondPersonIsMissing { .. } => "name a second person as approver (--approver)",
            Refusal::SecondPersonIsTheFirst { .. } => "somebody else must approve",
            Refusal::OverTheLimitOfTheRole { .. } => "let a role with a higher limit do it",
            Refusal::ClaimIsClosed | Refusal::ClaimIsWithdrawn => "reopen the claim first: claims reopen",
            Refusal::ClaimIsNotClosed => "only a closed, withdrawn or denied claim is reopened",
            Refusal::RmaIsMissing { .. } => "give the number as rma (--rma)",
            Refusal::RmaIsNotOpen { .. } => "claims show CLAIM lists its RMA numbers",
            Refusal::RmaIsUsed(_) => "a number is given once; choose another",
            Refusal::UnitsHaveAnOpenRma(_) => "void the open one first: claims void",
            Refusal::UnitsAreNotOnTheRma { .. } => {
                "authorize these units first, or receive only those on the RMA"
            }
            Refusal::UnitsAreNotReceived(_) => "record their receipt first: claims receive",
            Refusal::UnitsAreNotDecidedForThis(_) => "decide this remedy first: claims decide",
            Refusal::EntitlementIsMissing => "say how much is owed: --entitlement AMOUNT",
            Refusal::UnknownPoint(_) => {
                "claims policy show POLICY lists the discretion points; goodwill is H-19.goodwill"
            }
            Refusal::OptionIsNotOfThePoint { options, .. } => {
                return format!("write one of {}", options.join(", "));
            }
            Refusal::OutOfBounds { .. } => "stay inside the bound, or record goodwill at H-19.goodwill",
            Refusal::RefundIsNotOnRecord => "claims show CLAIM lists its refunds",
            Refusal::RefundHasFailed => "issue a new refund with another id",
            Refusal::ChargeIdIsUsed => "choose another charge id",
            Refusal::ChargeIsNotOnRecord => "claims show CLAIM lists its charges",
            Refusal::ChargeIsSettled => "nothing more is due on it",
            Refusal::ChargebackIsNotOpen => "claims show CLAIM lists its chargebacks",
            Refusal::SomethingWasPaid => "close the claim instead",
            Refusal::MoneyIsStillOpen { .. } => "refund what is open, or decide anew",
            Refusal::ChargeIsStillOpen => "record its payment or waive it",
            Refusal::DisputeIsRunning => "resolve the dispute first",
            Refusal::NoDisputeIsRunning => "open one first: claims dispute",
        };
        text.into()
    }

    /// The clauses and house rules behind it.
    pub fn cites(&self) -> Vec<Code> {
        let house = |rule: &str| Code::new(rule).map(|c| Vec::from([c])).unwrap_or_default();
        match self {
            Refusal::RmaIsMissing { cites }
            | Refusal::RmaIsNotOpen { cites, .. }
            | Refusal::UnitsAreNotOnTheRma { cites, .. }
            | Refusal::OptionIsNotOfThePoint { cites, .. }
            | Refusal::OutOfBounds { cites, .. } => cites.clone(),
            Refusal::UnknownPoint(_) => house("H-15"),
            Refusal::SecondPersonIsMissing { rule } | Refusal::SecondPersonIsTheFirst { rule } => house(rule),
            Refusal::PolicyIsNotInForce(..) => house("H-7"),
            Refusal::Breach(
                Breach::RefundExceedsTheEntitlement { .. }
                | Breach::RefundExceedsTheCapture { .. }
                | Breach::DecisionExceedsTheCapture { .. },
            ) => house("H-14"),
            Refusal::Breach(Breach::RefundIdIsUsed(_) | Breach::UnitsAreDecidedInAnotherClaim(..)) => {
                house("H-20")
            }
            Refusal::Breach(Breach::CurrencyDiffers { .. }) => house("H-8"),
            _ => Vec::new(),
        }
    }

    /// Whether it is the dock that refuses: then the parcel is on record as refused.
    pub fn is_of_the_dock(&self) -> bool {
        matches!(
            self,
            Refusal::RmaIsMissing { .. } | Refusal::RmaIsNotOpen { .. } | Refusal::UnitsAreNotOnTheRma { .. }
        )
    }

    /// What goes on record about a refused act: for a parcel at the dock its refusal, in the claim's stream;
    /// for every other act of the merchant an `append_refused`, in the ledger's. Facts leave no trace.
    pub fn on_record(&self, proposal: &Proposal) -> Option<(Stream, Event)> {
        if let (true, Event::ParcelReceived(p)) = (self.is_of_the_dock(), &proposal.event) {
            let refused = ParcelRefused {
                parcel: p.parcel.clone(),
                rma: p.rma.clone(),
                units: Some(p.units.clone()),
                reason_code: Code::new(self.code()).ok()?,
                cites: self.cites(),
            };
            return Some((proposal.stream.clone(), refused.into()));
        }
        if proposal.event.kind().class() != Class::Act || matches!(self, Refusal::KindIsNotForThisStream(..))
        {
            return None;
        }
        refusal_event(proposal, self.code(), &format!("{self}"), self.cites())
            .map(|event| (Stream::Ledger, event))
    }
}

/// The record of a refused command. Holds no payload, so nothing personal.
pub fn refusal_event(proposal: &Proposal, reason: &str, message: &str, cites: Vec<Code>) -> Option<Event> {
    let message: String =
        message.chars().filter(|c| !c.is_control()).take(crate::ids::WORD_CHARS_MAX).collect();
    let refused = AppendRefused {
        stream: proposal.stream.clone(),
        kind: Code::new(proposal.event.kind().as_str()).ok()?,
        key: proposal.external_id.clone(),
        reason: Code::new(reason).ok()?,
        message: Word::new(message).ok()?,
        cites,
        amount: moved(&proposal.event),
        asked_at: proposal.effective_is_given.then_some(proposal.effective),
    };
    Some(Event::AppendRefused(Box::new(refused)))
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::WrittenByTheLedgerItself(kind) => write!(f, "{kind} is written by the ledger itself"),
            Refusal::KindIsNotForThisStream(kind, stream) => {
                write!(f, "{kind} does not belong in stream {stream}")
            }
            Refusal::EffectiveInTheFuture(when) => write!(f, "{when} is still to come"),
            Refusal::PolicyIsNotInForce(policy, day) => {
                write!(f, "no version of policy {policy} was in force on {day}")
            }
            Refusal::Registry(fault) => fault.fmt(f),
            Refusal::Breach(breach) => breach.fmt(f),
            Refusal::SecondPersonIsMissing { rule } => {
                write!(f, "a second person must approve this ({rule})")
            }
            Refusal::SecondPersonIsTheFirst { rule } => write!(f, "the approver is the actor ({rule})"),
            Refusal::OverTheLimitOfTheRole { limit } => write!(f, "this role may move at most {limit}"),
            Refusal::ClaimIsClosed => f.write_str("the claim is closed"),
            Refusal::ClaimIsWithdrawn => f.write_str("the claim was withdrawn"),
            Refusal::ClaimIsNotClosed => f.write_str("the claim is open"),
            Refusal::RmaIsMissing { .. } => f.write_str("the policy demands an RMA number here"),
            Refusal::RmaIsNotOpen { rma, .. } => write!(f, "RMA {rma} is not open on this claim"),
            Refusal::RmaIsUsed(rma) => write!(f, "RMA {rma} was given already"),
            Refusal::UnitsHaveAnOpenRma(units) => write!(f, "{units} has an open RMA"),
            Refusal::UnitsAreNotOnTheRma { units, .. } => write!(f, "{units} is not on the RMA"),
            Refusal::UnitsAreNotReceived(units) => write!(f, "{units} has not been received"),
            Refusal::UnitsAreNotDecidedForThis(units) => write!(f, "no such remedy was decided for {units}"),
            Refusal::EntitlementIsMissing => f.write_str("a money remedy needs its amount"),
            Refusal::UnknownPoint(point) => write!(f, "the policy has no discretion point {point}"),
            Refusal::OptionIsNotOfThePoint { .. } => {
                f.write_str("the policy does not allow this decision at this point")
            }
            Refusal::OutOfBounds { bound, .. } => write!(f, "the policy allows at most {bound} here"),
            Refusal::RefundIsNotOnRecord => f.write_str("no such refund was issued on this claim"),
            Refusal::RefundHasFailed => f.write_str("this refund has failed already"),
            Refusal::ChargeIdIsUsed => f.write_str("this charge id is in use"),
            Refusal::ChargeIsNotOnRecord => f.write_str("no such charge is on this claim"),
            Refusal::ChargeIsSettled => f.write_str("the charge is paid or waived"),
            Refusal::ChargebackIsNotOpen => f.write_str("no such chargeback is open on this claim"),
            Refusal::SomethingWasPaid => f.write_str("money was already paid on this claim"),
            Refusal::MoneyIsStillOpen { open } => write!(f, "{open} is still owed on this claim"),
            Refusal::ChargeIsStillOpen => f.write_str("a charge to the customer is still open"),
            Refusal::DisputeIsRunning => f.write_str("a dispute is running"),
            Refusal::NoDisputeIsRunning => f.write_str("no dispute is running"),
        }
    }
}
impl core::error::Error for Refusal {}

/// Fills in what follows from the command alone: the verdict on a tracking number.
pub fn prepare(event: &mut Event) {
    if let Event::ShipmentDispatched(d) = event
        && let (Some(Personal::Clear(number)), None) = (&d.tracking, &d.tracking_check)
    {
        d.tracking_check = Some(TrackingCheck::of(d.carrier.as_ref(), number));
    }
}

/// What a command leads to, or why not. `at` is the ledger's clock.
///
/// # Errors
/// The first [`Refusal`] in the order of its variants.
pub fn decide(context: Context<'_>, proposal: &Proposal, at: Instant) -> Result<Vec<Event>, Refusal> {
    let event = &proposal.event;
    let kind = event.kind();
    if kind.class() == Class::Own {
        return Err(Refusal::WrittenByTheLedgerItself(kind));
    }
    if !kind.places().allow(&proposal.stream) {
        return Err(Refusal::KindIsNotForThisStream(kind, proposal.stream.clone()));
    }
    let corrected_to = match event {
        Event::EventCorrected(c) => c.effective_at,
        _ => None,
    };
    let latest = at.micros().saturating_add(CLOCK_SKEW_MICROS_MAX);
    for when in [Some(proposal.effective), corrected_to].into_iter().flatten() {
        if when.at.micros() > latest {
            return Err(Refusal::EffectiveInTheFuture(when));
        }
    }
    if let Event::OrderRecorded(o) = event
        && context.registry.governing(&o.policy, o.purchased_at).is_none()
    {
        return Err(Refusal::PolicyIsNotInForce(o.policy.clone(), o.purchased_at.local_day()));
    }
    if proposal.stream == Stream::Ledger {
        context.registry.check(event).map_err(Refusal::Registry)?;
    }
    law::check(context.case, &proposal.stream, event, proposal.effective).map_err(Refusal::Breach)?;
    // Whoever corrects an act answers for what it becomes.
    let judged = law::judged(context.case, &proposal.stream, event);
    people(context.registry, proposal, &judged)?;
    if let Stream::Claim(id) = &proposal.stream
        && let Some(state) = context.case.claims.get(id).and_then(|c| c.state(&Cut::default()))
    {
        let order = context.case.order_state();
        let rules = order.and_then(|o| rules(context.registry, o));
        on_claim(&state, order, rules, event)?;
        if let Event::AuthorizationGranted(granted) = event {
            let siblings = context.case.claims.iter().filter(|(other, _)| *other != id);
            for state in siblings.filter_map(|(_, claim)| claim.state(&Cut::default())) {
                free_of_rmas(&state, granted)?;
            }
        }
        if let (Event::EventCorrected(_), Event::DiscretionExercised(d)) = (event, &*judged) {
            discretion(rules, order, d)?;
        }
    }
    Ok(Vec::from([event.clone()]))
}

/// The rules of the policy in force at purchase (H-7).
fn rules<'a>(registry: &'a Registry, order: &OrderState) -> Option<&'a Policy> {
    registry.governing(&order.sale.policy, order.sale.purchased_at).map(|v| &*v.policy)
}

/// The amount an act moves, for limits and for the record of a refusal.
fn moved(event: &Event) -> Option<Amount> {
    match event {
        Event::RefundIssued(e) => Some(e.amount),
        Event::GiftCreditIssued(e) => Some(e.amount),
        Event::RemedyDecided(e) => e.entitlement,
        Event::DiscretionExercised(e) => e.amount,
        _ => None,
    }
}

/// A second person where a rule says so, and limits per role.
fn people(registry: &Registry, p: &Proposal, judged: &Event) -> Result<(), Refusal> {
    let rule = match judged {
        Event::PolicyPublished(_) => Some("H-7"),
        event => law::needs_second_person(event),
    };
    match (rule, &p.approver) {
        (Some(rule), None) => return Err(Refusal::SecondPersonIsMissing { rule }),
        (Some(rule), Some(approver)) if *approver == p.actor => {
            return Err(Refusal::SecondPersonIsTheFirst { rule });
        }
        _ => {}
    }
    let Some(amount) = moved(judged) else { return Ok(()) };
    let act = Code::new(judged.kind().as_str()).ok();
    match act.and_then(|act| registry.limit(&p.role, &act, amount.currency())) {
        Some(limit) if amount.minor() > limit.minor() => Err(Refusal::OverTheLimitOfTheRole { limit }),
        _ => Ok(()),
    }
}

/// The state machine of a claim (policies/model.md section 6), as far as it guards the merchant's own acts.
fn on_claim(
    state: &ClaimState,
    order: Option<&OrderState>,
    rules: Option<&Policy>,
    event: &Event,
) -> Result<(), Refusal> {
    open_enough(state, event)?;
    match event {
        Event::AuthorizationGranted(g) => {
            if let (None, Some(rules)) = (&g.rma, rules.filter(|r| r.authorization.number_on_parcel)) {
                return Err(Refusal::RmaIsMissing { cites: rules.ids(&rules.authorization.cites) });
            }
            free_of_rmas(state, g)
        }
        Event::AuthorizationExpired(e) => open_rma(state, &e.rma),
        Event::AuthorizationVoided(v) => open_rma(state, &v.rma),
        Event::ParcelReceived(p) => at_the_dock(state, rules, p),
        Event::DispositionRecorded(d) => {
            let missing = d.units.difference(&state.units.units_where(|u| u.received));
            if missing.is_empty() { Ok(()) } else { Err(Refusal::UnitsAreNotReceived(missing)) }
        }
        Event::RemedyDecided(d) if d.remedy.pays_money() && d.entitlement.is_none() => {
            Err(Refusal::EntitlementIsMissing)
        }
        Event::RepairCompleted(r) => decided_for(state, &r.units, &[Remedy::Repair, Remedy::PaidRepair]),
        Event::RepairShipped(r) => decided_for(state, &r.units, &[Remedy::Repair, Remedy::PaidRepair]),
        Event::SparePartsSent(p) => decided_for(state, &p.units, &[Remedy::SpareParts]),
        Event::ReplacementShipped(r) => {
            decided_for(state, &r.units, &[Remedy::Replacement, Remedy::Exchange, Remedy::Upgrade])
        }
        Event::DiscretionExercised(d) => discretion(rules, order, d),
        Event::RefundPosted(p) => credit_exists(state, &p.refund),
        Event::RefundFailed(p) => credit_exists(state, &p.refund),
        Event::RefundLateFlagged(p) => credit_exists(state, &p.refund),
        Event::RefundTraceOpened(p) => credit_exists(state, &p.refund),
        Event::RefundTraceAnswered(p) => credit_exists(state, &p.refund),
        Event::FeeCharged(c) if state.charges.contains_key(&c.charge) => Err(Refusal::ChargeIdIsUsed),
        Event::CustomerCharged(c) if state.charges.contains_key(&c.charge) => Err(Refusal::ChargeIdIsUsed),
        Event::ChargePaid(c) => charge_open(state, &c.charge),
        Event::ChargeWaived(c) => charge_open(state, &c.charge),
        Event::ChargebackWon(c) if state.chargebacks.get(&c.psp_ref).is_none_or(|(_, r)| r.is_some()) => {
            Err(Refusal::ChargebackIsNotOpen)
        }
        Event::ChargebackLost(c) if state.chargebacks.get(&c.psp_ref).is_none_or(|(_, r)| r.is_some()) => {
            Err(Refusal::ChargebackIsNotOpen)
        }
        Event::ClaimWithdrawn(_) if state.credited_minor() > 0 => Err(Refusal::SomethingWasPaid),
        Event::ClaimClosed(_) => closable(state, order),
        Event::ClaimReopened(_) if !state.closed && !state.withdrawn && state.stage() != Stage::Denied => {
            Err(Refusal::ClaimIsNotClosed)
        }
        Event::DisputeResolved(_) if !state.disputed => Err(Refusal::NoDisputeIsRunning),
        _ => Ok(()),
    }
}

/// On a closed or withdrawn claim facts are still recorded; of the merchant's acts only words and amendments.
fn open_enough(state: &ClaimState, event: &Event) -> Result<(), Refusal> {
    let still_allowed = matches!(
        event,
        Event::ClaimReopened(_)
            | Event::NoteAdded(_)
            | Event::NoticeSent(_)
            | Event::EventCorrected(_)
            | Event::EventReversed(_)
            | Event::RefundLateFlagged(_)
            | Event::DisputeResolved(_)
    );
    if event.kind().class() != Class::Act || still_allowed {
        return Ok(());
    }
    if state.withdrawn {
        return Err(Refusal::ClaimIsWithdrawn);
    }
    if state.closed { Err(Refusal::ClaimIsClosed) } else { Ok(()) }
}

/// A number is given once, and a unit is on one open number, whichever claim of the order asks.
fn free_of_rmas(state: &ClaimState, g: &AuthorizationGranted) -> Result<(), Refusal> {
    let Some(rma) = &g.rma else { return Ok(()) };
    if state.rmas.contains_key(rma) {
        return Err(Refusal::RmaIsUsed(rma.clone()));
    }
    for open in state.rmas.values().filter(|r| r.status == RmaStatus::Open) {
        let shared = open.units.intersection(&g.units);
        if !shared.is_empty() {
            return Err(Refusal::UnitsHaveAnOpenRma(shared));
        }
    }
    Ok(())
}

fn open_rma(state: &ClaimState, rma: &Rma) -> Result<(), Refusal> {
    match state.rmas.get(rma) {
        Some(r) if r.status == RmaStatus::Open => Ok(()),
        _ => Err(Refusal::RmaIsNotOpen { rma: rma.clone(), cites: Vec::new() }),
    }
}

/// The rule of the dock: what the policy demands of a parcel before it is taken in.
fn at_the_dock(state: &ClaimState, policy: Option<&Policy>, p: &ParcelReceived) -> Result<(), Refusal> {
    let Some(policy) = policy else { return Ok(()) };
    let open = p.rma.as_ref().and_then(|rma| state.rmas.get(rma)).filter(|r| r.status == RmaStatus::Open);
    for row in policy.dock() {
        let holds = |fact: &FactName| match fact {
            FactName::ParcelRmaOpen => Reading::Flag(open.is_some()),
            FactName::ItemOnRma => match open {
                Some(granted) => Reading::Flag(p.units.is_subset(&granted.units)),
                None => Reading::Unknown,
            },
            _ => Reading::Unknown,
        };
        if row.needs.eval(&mut |fact| holds(fact)) != Truth::False {
            continue;
        }
        let cites = policy.ids(&row.cites);
        return Err(match (row.on_fail, &p.rma, open) {
            (OnFail::RefuseItem, _, Some(granted)) => {
                Refusal::UnitsAreNotOnTheRma { units: p.units.difference(&granted.units), cites }
            }
            (_, Some(rma), _) => Refusal::RmaIsNotOpen { rma: rma.clone(), cites },
            (_, None, _) => Refusal::RmaIsMissing { cites },
        });
    }
    Ok(())
}

fn decided_for(state: &ClaimState, units: &Units, remedies: &[Remedy]) -> Result<(), Refusal> {
    let decided = state
        .units
        .units_where(|u| u.stage == Stage::Decided && u.remedy.is_some_and(|r| remedies.contains(&r)));
    let missing = units.difference(&decided);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::UnitsAreNotDecidedForThis(missing)) }
}

/// Discretion exists only at the points of the policy, inside their bounds (H-15), or as goodwill (H-19).
fn discretion(
    rules: Option<&Policy>,
    order: Option<&OrderState>,
    d: &DiscretionExercised,
) -> Result<(), Refusal> {
    if is_goodwill(&d.point) {
        return Ok(());
    }
    let Some((policy, point)) = rules.and_then(|p| Some((p, p.point(d.point.as_str())?))) else {
        return Err(Refusal::UnknownPoint(d.point.clone()));
    };
    let cites = || policy.ids(&point.cites);
    if !point.options.is_empty() && !point.options.iter().any(|o| o == d.decision.as_str()) {
        return Err(Refusal::OptionIsNotOfThePoint { options: point.options.clone(), cites: cites() });
    }
    if let (Some(max), Some(bp)) = (point.fee_bp_max, d.fee_bp)
        && u64::from(bp) > max
    {
        return Err(Refusal::OutOfBounds { bound: format!("{max} basis points"), cites: cites() });
    }
    if let (Some(fixed), Some(amount)) = (point.fee_fixed, &d.amount)
        && amount.minor() > fixed
    {
        return Err(Refusal::OutOfBounds { bound: bound_of(fixed, amount), cites: cites() });
    }
    let Some(amount) = &d.amount else { return Ok(()) };
    if let Some(max) = largest(point, order, d).filter(|max| amount.minor() > *max) {
        return Err(Refusal::OutOfBounds { bound: bound_of(max, amount), cites: cites() });
    }
    match point.amount_min {
        Some(min) if amount.minor() < min => Err(Refusal::OutOfBounds {
            bound: format!("no less than {}", bound_of(min, amount)),
            cites: cites(),
        }),
        _ => Ok(()),
    }
}

/// The largest amount of a discretion point, in minor units.
fn largest(point: &DiscretionPoint, order: Option<&OrderState>, d: &DiscretionExercised) -> Option<u64> {
    match (point.amount_max?, order) {
        (AmountBound::Minor(max), _) => Some(max),
        (AmountBound::Captured, order) => order.map(|o| o.captured_minor),
        (AmountBound::UnitNet, order) => {
            order.map(|o| d.units.as_ref().map_or(o.captured_minor, |units| o.value_minor(units)))
        }
    }
}

/// A bound of the policy as people read it; the policy names minor units.
fn bound_of(minor: u64, like: &Amount) -> String {
    Amount::new(minor, like.currency())
        .map_or_else(|_| format!("{minor} minor units"), |bound| format!("{bound}"))
}

fn credit_exists(state: &ClaimState, refund: &crate::ids::RefundId) -> Result<(), Refusal> {
    match state.credits.get(refund) {
        None => Err(Refusal::RefundIsNotOnRecord),
        Some(credit) if credit.reversed.is_some() => Err(Refusal::RefundIsNotOnRecord),
        Some(credit) if credit.status == CreditStatus::Failed => Err(Refusal::RefundHasFailed),
        Some(_) => Ok(()),
    }
}

fn charge_open(state: &ClaimState, charge: &crate::ids::ChargeId) -> Result<(), Refusal> {
    match state.charges.get(charge) {
        None => Err(Refusal::ChargeIsNotOnRecord),
        Some(c) if c.waived || c.paid_minor >= c.amount.minor() => Err(Refusal::ChargeIsSettled),
        Some(_) => Ok(()),
    }
}

/// A claim is closed when nothing is owed either way and nobody contests it.
fn closable(state: &ClaimState, order: Option<&OrderState>) -> Result<(), Refusal> {
    if state.disputed {
        return Err(Refusal::DisputeIsRunning);
    }
    let open = order.and_then(|o| Amount::new(state.open_minor(), o.currency()).ok());
    if let Some(open) = open.filter(|open| !open.is_zero()) {
        return Err(Refusal::MoneyIsStillOpen { open });
    }
    let open_charge = state.charges.values().any(|c| !c.waived && c.paid_minor < c.amount.minor());
    if open_charge { Err(Refusal::ChargeIsStillOpen) } else { Ok(()) }
}
