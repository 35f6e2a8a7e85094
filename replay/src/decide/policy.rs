//! Acts under the policy: what the merchant decides, denies, promises and pays is what the judgement says, or it is
//! refused with the clause. Where the policy leaves room, a recorded discretion comes first (H-15, H-19).

use alloc::{boxed::Box, vec::Vec};

use super::{Context, Refusal};
use crate::{
    case::Case,
    claim::ClaimState,
    duty::Overstep,
    event::{Event, PayoutTo, Remedy, RemedyDecided, UnitStatus},
    history::Cut,
    ids::{ClaimId, Stream},
    judge::{Judgement, Options, Outcome, Supposed, UnitJudgement, judge, judge_with},
    law::{self, Breach},
    money::{Amount, MINOR_MAX},
    policy::{Chooser, Cites, Entitlement, RequirementStage, Truth},
    registry::Registry,
    seal::Proposal,
    time::When,
    units::Units,
};

/// Units of a claim that could be given a remedy now.
pub fn decidable(case: &Case, id: &ClaimId, registry: &Registry, remedy: Remedy) -> Units {
    let Some(claim) = case.claims.get(id) else { return Units::default() };
    let units = claim.units().into_owned();
    let supposed = Supposed { units: units.clone(), remedy, only: units.clone() };
    let options = Options { supposed: Some(supposed), ..Options::default() };
    match judge_with(case, id, registry, &Cut::default(), &options) {
        Some(judged) => judged.units_where(can_be_decided),
        None => Units::default(),
    }
}

/// The right is there, and no guard of the policy stands before it.
fn can_be_decided(unit: &UnitJudgement) -> bool {
    match unit.status {
        UnitStatus::Eligible => true,
        UnitStatus::Authorizable => !unit.guarded,
        _ => false,
    }
}

/// When the decision is made that paying amounts to: with the payment, but not before the facts it rests on. Dated
/// before one of them, the decision of before would rank last and still stand.
pub fn decided_at(case: &Case, stream: &Stream, paid: When) -> When {
    let Stream::Claim(id) = stream else { return paid };
    let Some(claim) = case.claims.get(id) else { return paid };
    let standing = claim.history.standing(&Cut::default());
    let facts = standing.iter().filter(|s| s.reversed.is_none()).map(|s| s.effective);
    facts.fold(paid, |latest, fact| if fact.at > latest.at { fact } else { latest })
}

/// Asks the law and the policy, and fills in what the judgement says: what is owed, under which clauses, by which
/// version and which facts.
pub(super) fn under(context: Context<'_>, p: &Proposal) -> Result<Vec<Event>, Refusal> {
    let lawful =
        |event: &Event| law::check(context.case, &p.stream, event, p.effective).map_err(Refusal::Breach);
    let alone = |event: Event| Ok(Vec::from([event]));
    let Stream::Claim(id) = &p.stream else {
        lawful(&p.event)?;
        return alone(p.event.clone());
    };
    match &p.event {
        Event::RefundIssued(_) | Event::GiftCreditIssued(_) => return credit(context, id, p),
        event => lawful(event)?,
    }
    match &p.event {
        Event::RemedyDecided(d) => {
            let mut decided = (**d).clone();
            decision(context, context.case, id, &mut decided)?;
            let event = Event::RemedyDecided(Box::new(decided));
            lawful(&event)?;
            alone(event)
        }
        Event::EventCorrected(c) => {
            // What a correction makes of a decision is judged like that decision; of other words about units, when it
            // changes which units or what is said of them.
            let right = law::judged(context.case, &p.stream, &p.event);
            let without = || context.case.without(id, c.target);
            match &*right {
                Event::RemedyDecided(d) => decision(context, &without(), id, &mut d.as_ref().clone())?,
                event if speaks_of_units(event) && c.set.contains_key("units") => {
                    if let Some(judged) = judge(&without(), id, context.registry, &Cut::default()) {
                        agrees(&judged, event)?;
                    }
                }
                _ => {}
            }
            alone(p.event.clone())
        }
        Event::EligibilityAssessed(a) => {
            let mut assessed = (**a).clone();
            if let Some(judged) = judge(context.case, id, context.registry, &Cut::default()) {
                agrees(&judged, &p.event)?;
                assessed.policy_sha256.get_or_insert(judged.policy_sha256);
                assessed.facts_sha256.get_or_insert(judged.facts_sha256);
            }
            alone(Event::EligibilityAssessed(Box::new(assessed)))
        }
        event if speaks_of_units(event) => {
            if let Some(judged) = judge(context.case, id, context.registry, &Cut::default()) {
                agrees(&judged, event)?;
            }
            alone(event.clone())
        }
        Event::ClaimClosed(_) => {
            let judged = judge(context.case, id, context.registry, &Cut::default());
            if let (Some(judged), Some(state)) = (judged, context.case.claim_state(id)) {
                let open = match is_settled_by_decisions(&judged, &state) {
                    true => state.open_minor(),
                    false => u64::try_from(judged.open_minor()).unwrap_or(0),
                };
                if open > 0 {
                    return Err(Refusal::MoneyIsStillOpen { open: amount(open, &judged) });
                }
            }
            alone(p.event.clone())
        }
        event => alone(event.clone()),
    }
}

/// Whether an event says of units what the policy says of them, without moving money.
fn speaks_of_units(event: &Event) -> bool {
    matches!(
        event,
        Event::AuthorizationGranted(_) | Event::AuthorizationDenied(_) | Event::EligibilityAssessed(_)
    )
}

/// Whether what is granted, denied or said of units is what is judged.
fn agrees(judged: &Judgement, event: &Event) -> Result<(), Refusal> {
    match event {
        Event::AuthorizationGranted(g) => authorization(judged, &g.units),
        Event::AuthorizationDenied(d) => denial(judged, d.units.as_ref()),
        Event::EligibilityAssessed(a) => a.units.iter().try_for_each(|row| {
            let differs =
                |u: &&UnitJudgement| u.status != row.status && !u.units.intersection(&row.units).is_empty();
            let Some(unit) = judged.units.iter().find(differs) else { return Ok(()) };
            let units = unit.units.intersection(&row.units);
            let cites = judged.policy.ids(&unit.cites);
            Err(Refusal::AssessmentDiffers { units, status: unit.status, cites })
        }),
        _ => Ok(()),
    }
}

fn amount(minor: u64, judged: &Judgement) -> Amount {
    Amount::new(minor.min(MINOR_MAX), judged.currency).unwrap_or(Amount::zero(judged.currency))
}

/// A decision gives what the policy grants, at most the amount it entitles to, under the clauses that say so.
fn decision(context: Context<'_>, case: &Case, id: &ClaimId, d: &mut RemedyDecided) -> Result<(), Refusal> {
    // Nothing is granted by deciding nothing, and sending back what is the customer's own.
    if matches!(d.remedy, Remedy::None) {
        return Ok(());
    }
    if d.remedy == Remedy::ReturnToCustomer
        && let Some(judged) = judge(case, id, context.registry, &Cut::default())
    {
        // Sending back is no way to deny what the policy grants; who wants the goods back says so: claims select.
        let granted = judged.units_where(|u| u.remedy != Some(Remedy::ReturnToCustomer));
        denial(&judged, Some(&granted.intersection(&d.units)))?;
    }
    let Some(state) = case.claim_state(id) else { return Ok(()) };
    let standing = state.decisions.iter().filter(|old| old.units.intersection(&d.units).is_empty());
    let (mut decided, mut promised) = (d.units.clone(), 0u64);
    for old in standing {
        decided = decided.union(&old.units);
        promised = promised.saturating_add(old.entitlement_minor);
    }
    let supposed = Supposed { units: d.units.clone(), remedy: d.remedy, only: decided };
    let options = Options { supposed: Some(supposed), ..Options::default() };
    let Some(judged) = judge_with(case, id, context.registry, &Cut::default(), &options) else {
        return Ok(());
    };
    let mine = |u: &&UnitJudgement| !u.units.intersection(&d.units).is_empty();
    if d.remedy != Remedy::ReturnToCustomer
        && let Some(first) = judged.units.iter().filter(mine).find(|u| !can_be_decided(u))
    {
        let stuck = |u: &UnitJudgement| u.status == first.status && !can_be_decided(u);
        let units = judged.units_where(stuck).intersection(&d.units);
        let same = judged.units.iter().filter(mine).filter(|u| stuck(u));
        let cites = same.fold(Cites::default(), |all, u| all.with(&reasons(&judged, u)));
        return Err(Refusal::NotUnderThePolicy {
            units,
            status: first.status,
            points: first.points.clone(),
            cites: judged.policy.ids(&cites),
        });
    }
    for unit in judged.units.iter().filter(mine) {
        the_choice(&judged, unit, d.remedy)?;
    }
    let cites = judged.units.iter().filter(mine).fold(Cites::default(), |all, u| all.with(&u.cites));
    let goodwill = judged.lines.iter().filter(|l| matches!(l.kind, crate::judge::LineKind::Outside(_)));
    let goodwill = goodwill.fold(0i64, |sum, l| sum.saturating_add(l.minor)).max(0).unsigned_abs();
    let due = judged.payable_minor.saturating_sub(goodwill).saturating_sub(promised);
    match &d.entitlement {
        Some(asked) if asked.currency() == judged.currency && asked.minor() > due => {
            let cites = judged.policy.ids(&cites.with(&Cites::house(14)));
            return Err(Refusal::EntitlementExceedsThePolicy { judged: amount(due, &judged), cites });
        }
        Some(_) => {}
        None if due > 0 || d.remedy.pays_money() => d.entitlement = Some(amount(due, &judged)),
        None => {}
    }
    if let Some((variant, why)) = judged.units.iter().filter(mine).find_map(|u| u.variant.as_ref()) {
        match d.variant {
            Some(asked) if asked != *variant => {
                return Err(Refusal::VariantIsAnother { due: *variant, cites: judged.policy.ids(why) });
            }
            _ => d.variant = Some(*variant),
        }
    }
    if d.cites.is_empty() {
        d.cites = judged.policy.ids(&cites);
    }
    d.policy_sha256.get_or_insert(judged.policy_sha256);
    d.facts_sha256.get_or_insert(judged.facts_sha256);
    Ok(())
}

/// Where the customer chooses, what the customer has asked for and may have is what is decided.
fn the_choice(judged: &Judgement, unit: &UnitJudgement, remedy: Remedy) -> Result<(), Refusal> {
    let Some(selected) = unit.selected.filter(|s| *s != remedy && unit.allowed.contains(s)) else {
        return Ok(());
    };
    // A right by which the customer chooses is not taken away by another one by which the merchant would (H-18).
    let rights = unit.entitlements.iter().filter(|(_, truth)| *truth == Truth::True);
    let rights = rights.filter_map(|(at, _)| judged.policy.entitlements.get(*at));
    let of_customer = |e: &&Entitlement| e.chooser == Chooser::Customer && e.remedies.contains(&selected);
    let cites = rights.filter(of_customer).fold(Cites::default(), |all, e| all.with(&e.cites));
    if cites.is_empty() {
        return Ok(());
    }
    Err(Refusal::CustomerHasChosen { selected, units: unit.units.clone(), cites: judged.policy.ids(&cites) })
}

/// Why a unit waits: its status cites the right it has, so a guard in its way is cited instead.
fn reasons(judged: &Judgement, unit: &UnitJudgement) -> Cites {
    if unit.status != UnitStatus::Authorizable {
        return unit.cites.clone();
    }
    let later = unit.asked.iter().filter(|a| a.outcome == Outcome::Later);
    let rows = later.filter_map(|a| judged.policy.requirements.get(a.row));
    rows.fold(Cites::default(), |all, row| all.with(&row.cites))
}

/// Goods are asked back only when the requirements up to that point hold; whether the right is there may still have
/// to be looked at, so windows are no bar (policies/model.md section 6).
fn authorization(judged: &Judgement, units: &Units) -> Result<(), Refusal> {
    for unit in judged.units.iter().filter(|u| !u.units.intersection(units).is_empty()) {
        for asked in &unit.asked {
            let Some(row) = judged.policy.requirements.get(asked.row) else { continue };
            let before = matches!(row.stage, RequirementStage::Open | RequirementStage::Authorize);
            let status = match asked.outcome {
                Outcome::Denies => UnitStatus::Ineligible,
                Outcome::NeedsDiscretion => UnitStatus::NeedsDiscretion,
                Outcome::Holds => UnitStatus::Hold,
                _ => continue,
            };
            if before {
                return Err(Refusal::NotUnderThePolicy {
                    units: unit.units.intersection(units),
                    status,
                    points: row.point.iter().cloned().collect(),
                    cites: judged.policy.ids(&row.cites),
                });
            }
        }
    }
    Ok(())
}

/// What the policy grants is not denied.
fn denial(judged: &Judgement, units: Option<&Units>) -> Result<(), Refusal> {
    let named = |u: &&UnitJudgement| units.is_none_or(|units| !u.units.intersection(units).is_empty());
    let granted = |u: &&UnitJudgement| matches!(u.status, UnitStatus::Authorizable | UnitStatus::Eligible);
    match judged.units.iter().filter(named).find(granted) {
        Some(unit) => Err(Refusal::GrantedByThePolicy {
            units: units.map_or_else(|| unit.units.clone(), |units| unit.units.intersection(units)),
            cites: judged.policy.ids(&unit.cites),
        }),
        None => Ok(()),
    }
}

/// Money goes out as far as the policy makes it payable, and to whom. Money that nobody has decided decides by being
/// issued: the decision is recorded just before it.
fn credit(context: Context<'_>, id: &ClaimId, p: &Proposal) -> Result<Vec<Event>, Refusal> {
    let (asked, gift, to) = match &p.event {
        Event::RefundIssued(r) => (r.amount, false, Some(r.payout.to)),
        Event::GiftCreditIssued(g) => (g.amount, true, None),
        _ => return Ok(Vec::new()),
    };
    let lawful = |promised| {
        law::check_promised(context.case, &p.stream, &p.event, p.effective, promised).map_err(Refusal::Breach)
    };
    let judged = judge(context.case, id, context.registry, &Cut::default());
    let state = context.case.claim_state(id);
    let (Some(judged), Some(state)) = (judged, state) else {
        lawful(0)?;
        return Ok(Vec::from([p.event.clone()]));
    };
    let open = u64::try_from(judged.open_minor()).unwrap_or(0);
    let blocked = || judged.units.iter().filter(|u| u.status != UnitStatus::Eligible);
    match lawful(judged.payable_minor.saturating_sub(state.owed_minor())) {
        // Both measures are exceeded: the clauses that keep units from being paid say more than the sum of decisions.
        Err(Refusal::Breach(Breach::RefundExceedsTheEntitlement { .. }))
            if asked.minor() > open && blocked().next().is_some() => {}
        checked => checked?,
    }
    if asked.minor() > open {
        let cites = blocked().fold(Cites::house(14), |all, u| all.with(&reasons(&judged, u)));
        return Err(Refusal::RefundExceedsThePolicy {
            open: amount(open, &judged),
            cites: judged.policy.ids(&cites),
        });
    }
    let cites = || judged.policy.ids(&judged.payout_cites);
    if judged.payout_waits() {
        return Err(Refusal::PayoutWaitsForTheGoods { cites: cites() });
    }
    let is_gift = judged.payout_to().starts_with("gift_credit");
    let same = gift == is_gift
        && to.is_none_or(|to| {
            matches!(to, PayoutTo::OriginalMethod | PayoutTo::Giver | PayoutTo::OtherMethod)
        });
    match &p.approver {
        None if !same => {
            return Err(Refusal::PayoutIsAnother { to: judged.payout_to().into(), cites: cites() });
        }
        Some(approver) if !same && *approver == p.actor => {
            return Err(Refusal::Duty(Overstep::SecondPersonIsTheFirst { rule: "H-22" }));
        }
        _ => {}
    }
    let mut events = Vec::new();
    if asked.minor() > state.open_minor() && is_settled_by_decisions(&judged, &state) {
        // Whoever pays does not decide anew what a person has decided on these very facts.
        lawful(0)?;
    }
    if asked.minor() > state.open_minor() {
        match decision_by_paying(context, id, &judged, &state)? {
            Some(decision) => {
                let event = Event::RemedyDecided(Box::new(decision));
                law::check(context.case, &p.stream, &event, p.effective).map_err(Refusal::Breach)?;
                events.push(event);
            }
            // There is nothing that paying could decide.
            None => lawful(0)?,
        }
    }
    events.push(p.event.clone());
    Ok(events)
}

/// Whether everything that is due was decided on today's facts: then what was decided binds, even where it is less than
/// the policy grants.
fn is_settled_by_decisions(judged: &Judgement, state: &ClaimState) -> bool {
    let eligible = judged.units_where(|u| u.status == UnitStatus::Eligible);
    let current = state.decisions.iter().filter(|d| d.facts_sha256 == Some(judged.facts_sha256));
    let decided = current.fold(Units::default(), |all, d| all.union(&d.units));
    !eligible.is_empty() && eligible.is_subset(&decided)
}

/// The decision that paying amounts to: the eligible units with the remedy they are paid for, at what the policy
/// entitles to today.
fn decision_by_paying(
    context: Context<'_>,
    id: &ClaimId,
    judged: &Judgement,
    state: &ClaimState,
) -> Result<Option<RemedyDecided>, Refusal> {
    let eligible = || judged.units.iter().filter(|u| u.status == UnitStatus::Eligible);
    let money = eligible().find_map(|u| u.remedy.filter(|r| r.pays_money()));
    let Some(remedy) = money.or_else(|| eligible().find_map(|u| u.remedy)) else { return Ok(None) };
    let mut units = judged.units_where(|u| u.status == UnitStatus::Eligible && u.remedy == Some(remedy));
    // An earlier decision is replaced as a whole or not at all.
    for old in state.decisions.iter().filter(|d| d.remedy == remedy) {
        if !old.units.intersection(&units).is_empty() {
            units = units.union(&old.units);
        }
    }
    let mut decided = RemedyDecided {
        units,
        remedy,
        variant: None,
        entitlement: None,
        reason_code: None,
        cites: Vec::new(),
        policy_sha256: None,
        facts_sha256: None,
    };
    decision(context, context.case, id, &mut decided)?;
    Ok(Some(decided))
}
