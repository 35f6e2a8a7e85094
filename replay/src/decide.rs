//! Today's rules: same case, same command, same policy, same time, same answer.
//!
//! A refusal is the user's business and changes nothing; what the log itself forbids is in [`crate::law`].
//! Facts about the outside world are refused only where they cannot be true of this ledger.

mod guard;
mod policy;
mod refusal;

pub use policy::{decidable, decided_at};
pub use refusal::{Refusal, refusal_event};

use alloc::vec::Vec;

use crate::{
    case::Case,
    claim::{ClaimState, Stage},
    duty::{self, Said},
    event::{Class, Event, Remedy, TrackingCheck},
    history::Cut,
    ids::{Personal, Stream},
    law,
    order::OrderState,
    policy::Policy,
    registry::Registry,
    seal::Proposal,
    time::{Instant, When},
};
use guard::{
    at_the_dock, charge_open, closable, credit_exists, decided_for, discretion, free_of_rmas, open_rma,
};

/// How far ahead of the ledger's clock an event may claim to have happened, in microseconds (clocks differ).
pub const CLOCK_SKEW_MICROS_MAX: i64 = 5 * 60 * 1_000_000;

/// The role of programs. They bring facts and do what rules say; where a rule leaves room, a person decides.
pub const SYSTEM_ROLE: &str = duty::SYSTEM;

/// Everything a decision may look at.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Policies, calendars, people.
    pub registry: &'a Registry,
    /// The order with all its claims.
    pub case: &'a Case,
}

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
    let said = said(proposal, event);
    duty::role_may(context.registry, context.case, &said).map_err(Refusal::Duty)?;
    if let Event::OrderRecorded(o) = event
        && context.registry.governing(&o.policy, o.purchased_at).is_none()
    {
        return Err(Refusal::PolicyIsNotInForce(o.policy.clone(), o.purchased_at.local_day()));
    }
    if proposal.stream == Stream::Ledger {
        context.registry.check(event, proposal.effective).map_err(Refusal::Registry)?;
    }
    if let Event::PolicyPublished(p) = event
        && let Some(misfit) = Policy::read(&p.body).1.into_iter().next()
    {
        return Err(Refusal::PolicyCannotBeJudgedBy(misfit));
    }
    let events = policy::under(context, proposal)?;
    // Whoever corrects an act answers for what it becomes.
    let judged = law::judged(context.case, &proposal.stream, event);
    answers(proposal, &judged)?;
    guard::hold(context.case, &proposal.stream, event)?;
    // What was filled in and what paying decides count like what was typed.
    let decides = events.len() > 1;
    for event in &events {
        let said = Said { event, decides, ..said };
        duty::role_may(context.registry, context.case, &said).map_err(Refusal::Duty)?;
        duty::check(context.registry, context.case, &said).map_err(Refusal::Duty)?;
    }
    if let Stream::Claim(id) = &proposal.stream
        && let Some(state) = context.case.claims.get(id).and_then(|c| c.state(&Cut::default()))
    {
        let order = context.case.order_state();
        let rules = order.and_then(|o| rules(context.registry, o));
        on_claim(&state, order, rules, event, proposal.effective)?;
        if let Event::AuthorizationGranted(granted) = event {
            let siblings = context.case.claims.iter().filter(|(other, _)| *other != id);
            for state in siblings.filter_map(|(_, claim)| claim.state(&Cut::default())) {
                free_of_rmas(&state, granted)?;
            }
        }
        if let (Event::EventCorrected(_), Event::DiscretionExercised(d)) = (event, &*judged) {
            discretion(rules, order, &state.units.units(), d)?;
        }
    }
    Ok(events)
}

/// The policy in force at purchase (H-7).
fn rules<'a>(registry: &'a Registry, order: &OrderState) -> Option<&'a Policy> {
    registry.governing(&order.sale.policy, order.sale.purchased_at).map(|v| &*v.policy)
}

/// A proposal with those who answer for it.
fn said<'a>(p: &'a Proposal, event: &'a Event) -> Said<'a> {
    Said {
        stream: &p.stream,
        actor: &p.actor,
        role: &p.role,
        approver: p.approver.as_ref(),
        event,
        decides: false,
    }
}

/// Where the policy leaves room, somebody answers for it and says why; a system does not (H-15).
fn answers(p: &Proposal, judged: &Event) -> Result<(), Refusal> {
    let Event::DiscretionExercised(d) = judged else { return Ok(()) };
    let is_silent = matches!(&d.reason_text, Personal::Clear(text) if text.trim().is_empty());
    if p.role.as_str() == SYSTEM_ROLE || is_silent { Err(Refusal::NobodyAnswersForIt) } else { Ok(()) }
}

/// What the ledger says about itself, or why not: a seal of a month.
///
/// # Errors
/// The first [`Refusal`] in the order of its variants.
pub fn decide_own(context: Context<'_>, proposal: &Proposal, at: Instant) -> Result<(), Refusal> {
    if proposal.effective.at.micros() > at.micros().saturating_add(CLOCK_SKEW_MICROS_MAX) {
        return Err(Refusal::EffectiveInTheFuture(proposal.effective));
    }
    let said = said(proposal, &proposal.event);
    duty::role_may(context.registry, context.case, &said).map_err(Refusal::Duty)?;
    context.registry.check(&proposal.event, proposal.effective).map_err(Refusal::Registry)?;
    duty::check(context.registry, context.case, &said).map_err(Refusal::Duty)
}

/// The state machine of a claim (policies/model.md section 6), as far as it guards the merchant's own acts.
fn on_claim(
    state: &ClaimState,
    order: Option<&OrderState>,
    rules: Option<&Policy>,
    event: &Event,
    at: When,
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
        Event::ParcelReceived(p) => at_the_dock(state, rules, p, at),
        Event::DispositionRecorded(d) => {
            let missing = d.units.difference(&state.units.units_where(|u| u.received));
            if missing.is_empty() { Ok(()) } else { Err(Refusal::UnitsAreNotReceived(missing)) }
        }
        Event::RepairCompleted(r) => decided_for(state, &r.units, &[Remedy::Repair, Remedy::PaidRepair]),
        Event::RepairShipped(r) => decided_for(state, &r.units, &[Remedy::Repair, Remedy::PaidRepair]),
        Event::SparePartsSent(p) => decided_for(state, &p.units, &[Remedy::SpareParts]),
        Event::ReplacementShipped(r) => {
            decided_for(state, &r.units, &[Remedy::Replacement, Remedy::Exchange, Remedy::Upgrade])
        }
        Event::DiscretionExercised(d) => discretion(rules, order, &state.units.units(), d),
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
        // What is open under a policy was asked above; the record alone counts where no policy judges.
        Event::ClaimClosed(_) => closable(state, order.filter(|_| rules.is_none())),
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
            | Event::LegalHoldPlaced(_)
            | Event::LegalHoldReleased(_)
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
