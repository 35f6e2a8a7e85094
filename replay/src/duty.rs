//! Duties: who may do what, up to how much, and where a second or a third person must stand beside.
//!
//! `decide` asks before anything is written, `audit` asks again on replay: the same functions on both sides of
//! the disk. Whoever oversteps is refused there; in a log it is a finding that names the position. It
//! quarantines nothing, because what the event says of the claim is true all the same.
//!
//! A ledger is *governed* from the first grant of `admin`. Before, a role is a word that people say of
//! themselves, so that one person can try things out; limits and second persons hold even then.

mod overstep;
mod rules;
mod table;

pub use overstep::Overstep;
pub use rules::{RULES, Rule};
pub use table::{Area, ROLES, area};

use alloc::{borrow::Cow, collections::BTreeSet, vec::Vec};

use crate::{
    case::Case,
    event::{Event, KeyReason, Kind},
    history::Cut,
    ids::{ActorId, ClaimId, Code, Stream},
    law,
    money::Amount,
    registry::Registry,
};

/// The role that grants roles.
pub const ADMIN: &str = "admin";
/// The role of programs.
pub const SYSTEM: &str = "system";
/// The role of those who have none.
pub const CUSTOMER: &str = "customer";
/// Stands for a role in `limit_set`: the most that one person alone may move, whatever the role.
pub const ONE_PERSON: &str = "one_person";

/// What one role may do.
#[derive(Debug, Clone, Copy)]
pub struct Role {
    /// The word in the envelope.
    pub name: &'static str,
    /// What it may record.
    pub may: &'static [Area],
    /// Whether it may stand as the second person.
    pub approves: bool,
    /// The role in a few words.
    pub says: &'static str,
}

/// One event with those who answer for it, before or after it was written.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// The stream it stands in.
    pub stream: &'a Stream,
    /// Who says it.
    pub actor: &'a ActorId,
    /// In which role.
    pub role: &'a Code,
    /// The second person.
    pub approver: Option<&'a ActorId>,
    /// What is said.
    pub event: &'a Event,
    /// Whether the actor decides what is paid by paying it.
    pub decides: bool,
}

/// The row of a role in the table.
pub fn role(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}

/// The amount that an act moves, for limits and for the record of a refusal. A waiver moves what it gives up,
/// which only the claim knows.
pub fn moved(event: &Event) -> Option<Amount> {
    match event {
        Event::RefundIssued(e) => Some(e.amount),
        Event::GiftCreditIssued(e) => Some(e.amount),
        Event::RemedyDecided(e) => e.entitlement,
        Event::DiscretionExercised(e) => e.amount,
        Event::FeeCharged(e) => Some(e.amount),
        Event::CustomerCharged(e) => Some(e.amount),
        Event::LabelIssued(e) => Some(e.cost),
        Event::HistoricalCreditRecorded(e) => Some(e.amount),
        _ => None,
    }
}

/// The acts that a limit can be set on: those that move money.
pub const LIMITED: [Kind; 9] = [
    Kind::RefundIssued,
    Kind::GiftCreditIssued,
    Kind::RemedyDecided,
    Kind::DiscretionExercised,
    Kind::FeeCharged,
    Kind::CustomerCharged,
    Kind::ChargeWaived,
    Kind::LabelIssued,
    Kind::HistoricalCreditRecorded,
];

/// Whether the actor may act in this role, and the role may do this (D-1). In a ledger that is not governed
/// everybody may.
///
/// # Errors
/// [`Overstep`].
pub fn role_may(registry: &Registry, case: &Case, said: &Said<'_>) -> Result<(), Overstep> {
    if !registry.is_governed() {
        return Ok(());
    }
    let kind = said.event.kind();
    let area = match area(kind) {
        Area::Own => return Ok(()),
        Area::Amendments => amended_area(case, said.stream, said.event),
        other => other,
    };
    let held = registry.roles(said.actor).unwrap_or_default();
    let is_held = if said.role.as_str() == CUSTOMER { held.is_empty() } else { held.contains(said.role) };
    if !is_held {
        let (actor, role, held) = (said.actor.clone(), said.role.clone(), held.to_vec());
        return Err(Overstep::RoleIsNotHeld { actor, role, held });
    }
    if !role(said.role.as_str()).is_some_and(|role| role.may.contains(&area)) {
        return Err(Overstep::RoleMayNotDoThis { role: said.role.clone(), kind, area });
    }
    let Event::RoleGranted(granted) = said.event else { return Ok(()) };
    if role(granted.role.as_str()).is_none_or(|role| role.name == CUSTOMER) {
        return Err(Overstep::RoleIsUnknown { role: granted.role.clone() });
    }
    if granted.actor == *said.actor { Err(Overstep::NobodyGrantsThemselves) } else { Ok(()) }
}

/// Whoever may do a thing may amend it; an amendment of an amendment is followed to the thing itself.
fn amended_area(case: &Case, stream: &Stream, event: &Event) -> Area {
    let history = match stream {
        Stream::Claim(id) => case.claims.get(id).map(|claim| &claim.history),
        Stream::Order(_) => case.order.as_ref().map(|order| &order.history),
        Stream::Ledger => None,
    };
    let target = |event: &Event| match event {
        Event::EventCorrected(c) => Some(c.target),
        Event::EventReversed(r) => Some(r.target),
        _ => None,
    };
    let mut event = event;
    // Ends: a target stands before what amends it.
    while let Some(next) = target(event) {
        match history.and_then(|history| history.find(next)) {
            Some(fact) => event = &fact.event,
            // The law breaks over it; here the strictest answer that some role still has.
            None => return Area::Decisions,
        }
    }
    area(event.kind())
}

/// What wants a second person, as the rule says it (D-2).
pub fn needs_second_person(event: &Event) -> Option<&'static str> {
    match event {
        Event::PolicyPublished(_) => Some("H-7"),
        Event::PeriodReopened(_) | Event::PersonalDataRedacted(_) => Some("D-2"),
        // Nothing that the old key signed stands behind the new one: two people do.
        Event::SigningKeyAnnounced(key) => {
            matches!(key.reason, KeyReason::Lost | KeyReason::Exposed).then_some("D-2")
        }
        event => law::needs_second_person(event),
    }
}

/// Second persons, limits, and three different people over the limit of one (D-2 to D-4). For a correction,
/// asks of what it makes of the event.
///
/// # Errors
/// The first [`Overstep`].
pub fn check(registry: &Registry, case: &Case, said: &Said<'_>) -> Result<(), Overstep> {
    // A refusal on record repeats who was refused; it does nothing in their name.
    if area(said.event.kind()) == Area::Own {
        return Ok(());
    }
    let judged = match said.event {
        Event::EventCorrected(_) => law::judged(case, said.stream, said.event),
        event => Cow::Borrowed(event),
    };
    second_person(registry, said, &judged)?;
    if !registry.has_limits() {
        return Ok(());
    }
    let Some(amount) = amount(case, said.stream, &judged) else { return Ok(()) };
    let Ok(act) = Code::new(judged.kind().as_str()) else { return Ok(()) };
    within_the_role(registry, said, &act, amount)?;
    // A correction moves no credit: amounts of those are fixed. What it makes of a decision counts.
    if matches!(said.event, Event::EventCorrected(_)) && area(judged.kind()) == Area::Payments {
        return Ok(());
    }
    one_person(registry, case, said, &act, amount)
}

fn second_person(registry: &Registry, said: &Said<'_>, judged: &Event) -> Result<(), Overstep> {
    let rule = needs_second_person(judged);
    let Some(approver) = said.approver else {
        return rule.map_or(Ok(()), |rule| Err(Overstep::SecondPersonIsMissing { rule }));
    };
    // Where roles are held, a name in the place of the second person means one, whether a rule asked or not.
    let Some(rule) = rule.or_else(|| registry.is_governed().then_some("D-2")) else { return Ok(()) };
    if approver == said.actor {
        return Err(Overstep::SecondPersonIsTheFirst { rule });
    }
    approves(registry, approver, rule)
}

/// In a governed ledger a second person holds a role that approves.
fn approves(registry: &Registry, approver: &ActorId, rule: &'static str) -> Result<(), Overstep> {
    if !registry.is_governed() || approving_roles(registry, approver).next().is_some() {
        return Ok(());
    }
    Err(Overstep::ApproverMayNotApprove { approver: approver.clone(), rule })
}

fn approving_roles<'a>(registry: &'a Registry, actor: &ActorId) -> impl Iterator<Item = &'a Code> {
    let held = registry.roles(actor).unwrap_or_default();
    held.iter().filter(|held| role(held.as_str()).is_some_and(|role| role.approves))
}

/// The amount an act moves, with what only the claim knows.
fn amount(case: &Case, stream: &Stream, event: &Event) -> Option<Amount> {
    match (event, stream) {
        (Event::ChargeWaived(waived), Stream::Claim(id)) => {
            let state = case.claim_state(id)?;
            let charge = state.charges.get(&waived.charge)?;
            let open = charge.amount.minor().saturating_sub(charge.paid_minor);
            Amount::new(open, charge.amount.currency()).ok()
        }
        (event, _) => moved(event),
    }
}

/// The limit of a role for one act (D-3). A second person whose own role may move as much lifts it.
fn within_the_role(registry: &Registry, said: &Said<'_>, act: &Code, amount: Amount) -> Result<(), Overstep> {
    let within = |role: &Code| match registry.limit(role, act, amount.currency()) {
        Some(limit) if amount.minor() > limit.minor() => Err(limit),
        _ => Ok(()),
    };
    let Err(limit) = within(said.role) else { return Ok(()) };
    let second = said.approver.filter(|approver| *approver != said.actor);
    if second.is_some_and(|approver| approving_roles(registry, approver).any(|role| within(role).is_ok())) {
        return Ok(());
    }
    Err(Overstep::OverTheLimitOfTheRole { role: said.role.clone(), act: act.clone(), limit })
}

/// Over the limit of one person somebody approves, and of money that goes out the three who requested, approved
/// and pay it are three people (D-4). Payments of one claim count together, so that nothing is gained by parts.
fn one_person(
    registry: &Registry,
    case: &Case,
    said: &Said<'_>,
    act: &Code,
    amount: Amount,
) -> Result<(), Overstep> {
    let Some(limit) = registry.one_person_limit(act, amount.currency()) else { return Ok(()) };
    let pays = matches!(said.event, Event::RefundIssued(_) | Event::GiftCreditIssued(_));
    let state = match said.stream {
        Stream::Claim(id) if pays => case.claim_state(id),
        _ => None,
    };
    let before = state.map_or(0, |state| state.credited_minor());
    if before.saturating_add(amount.minor()) <= limit.minor() {
        return Ok(());
    }
    let Some(approver) = said.approver else {
        return Err(Overstep::AmountNeedsASecondPerson { act: act.clone(), limit });
    };
    if approver == said.actor {
        return Err(Overstep::SecondPersonIsTheFirst { rule: "D-4" });
    }
    approves(registry, approver, "D-4")?;
    let Stream::Claim(id) = said.stream else { return Ok(()) };
    if !pays {
        return Ok(());
    }
    let requesters = requesters(case, id);
    if said.decides || requesters.contains(said.actor) {
        return Err(Overstep::PayerIsTheRequester { limit });
    }
    if requesters.contains(approver) {
        return Err(Overstep::ApproverIsTheRequester { limit });
    }
    Ok(())
}

/// Who asked for the money of a claim: those who made or corrected a decision that counts, or granted an amount
/// where the policy leaves room.
pub fn requesters(case: &Case, id: &ClaimId) -> BTreeSet<ActorId> {
    let (Some(claim), Some(state)) = (case.claims.get(id), case.claim_state(id)) else {
        return BTreeSet::new();
    };
    let mut granting = Vec::new();
    for s in claim.history.standing(&Cut::default()).iter().filter(|s| s.reversed.is_none()) {
        let grants = match s.event.as_ref() {
            Event::RemedyDecided(_) => state.decisions.iter().any(|d| d.event_id == s.fact.event_id),
            Event::DiscretionExercised(d) => d.amount.is_some(),
            _ => false,
        };
        if grants {
            granting.push(s.fact.event_id);
        }
    }
    let facts = claim.history.facts().iter().filter(|fact| match &fact.event {
        Event::EventCorrected(c) => granting.contains(&c.target),
        _ => granting.contains(&fact.event_id),
    });
    facts.map(|fact| fact.actor.clone()).collect()
}
