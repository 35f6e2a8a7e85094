//! Conflicts: one person where there should be two. Each function is one rule of the table.

use replay::ids::{ActorId, ClaimId, Code, PolicyId};
use std::collections::BTreeMap;

use super::{
    Found,
    acts::{Act, Acts, OnClaim},
    rules::NOT_TOGETHER,
};

pub(super) fn of(acts: &Acts) -> Vec<Found> {
    let mut found = Vec::new();
    for (id, claim) in &acts.claims {
        decided_and_paid(id, claim, &mut found);
        handled_and_decided(id, claim, &mut found);
        opened_and_approved(id, claim, &mut found);
        paid_and_reversed(id, claim, &mut found);
    }
    for (act, stream) in acts.seconded.iter().filter(|(act, _)| act.approver.as_ref() == Some(&act.actor)) {
        found.push(Found { amount: act.amount, ..Found::of("S-2", [&act.actor], stream, &[act]) });
    }
    for (act, role) in &acts.granted {
        found.push(Found::of("S-5", [&act.actor], format!("role {role}"), &[act]));
    }
    published_and_applied(acts, &mut found);
    set_and_moved(acts, &mut found);
    sealed_and_reopened(acts, &mut found);
    roles_together(acts, &mut found);
    found
}

fn decided_and_paid(id: &ClaimId, claim: &OnClaim, found: &mut Vec<Found>) {
    for paid in &claim.paid {
        let own = |decided: &&Act| decided.actor == paid.actor && decided.position < paid.position;
        if let Some(decided) = claim.decided.iter().rfind(own) {
            found
                .push(Found { amount: paid.amount, ..Found::of("S-1", [&paid.actor], id, &[decided, paid]) });
        }
    }
}

fn handled_and_decided(id: &ClaimId, claim: &OnClaim, found: &mut Vec<Found>) {
    for decided in &claim.decided {
        if let Some(handled) = claim.handled.iter().find(|handled| handled.actor == decided.actor) {
            let both = [handled, decided];
            found.push(Found { amount: decided.amount, ..Found::of("S-3", [&decided.actor], id, &both) });
        }
    }
}

fn opened_and_approved(id: &ClaimId, claim: &OnClaim, found: &mut Vec<Found>) {
    let Some(opened) = &claim.opened else { return };
    for approved in claim.approved.iter().filter(|act| act.approver.as_ref() == Some(&opened.actor)) {
        let both = [opened, approved];
        found.push(Found { amount: approved.amount, ..Found::of("S-4", [&opened.actor], id, &both) });
    }
}

fn paid_and_reversed(id: &ClaimId, claim: &OnClaim, found: &mut Vec<Found>) {
    for (reversed, target) in &claim.reversed {
        let own = |paid: &&Act| paid.event_id == *target && paid.actor == reversed.actor;
        if let Some(paid) = claim.paid.iter().find(own) {
            found.push(Found {
                amount: paid.amount,
                ..Found::of("S-10", [&paid.actor], id, &[paid, reversed])
            });
        }
    }
}

/// One finding per person and policy, however many claims.
fn published_and_applied(acts: &Acts, found: &mut Vec<Found>) {
    let mut applied: BTreeMap<(&ActorId, &PolicyId), Vec<&Act>> = BTreeMap::new();
    for claim in acts.claims.values() {
        let Some(policy) = claim.order.as_ref().and_then(|order| acts.policies.get(order)) else { continue };
        let Some(people) = acts.published.get(policy) else { continue };
        for decided in claim.decided.iter().filter(|decided| people.contains(&decided.actor)) {
            applied.entry((&decided.actor, policy)).or_default().push(decided);
        }
    }
    for ((actor, policy), decided) in applied {
        found.push(Found::of("S-6", [actor], format!("policy {policy}"), &decided));
    }
}

/// One finding per person and limit, however many acts.
fn set_and_moved(acts: &Acts, found: &mut Vec<Found>) {
    let mut moved: BTreeMap<(&ActorId, &Code, &Code), Vec<&Act>> = BTreeMap::new();
    for (set, role, kind) in &acts.limited {
        let under = |act: &&Act| {
            act.actor == set.actor
                && act.position > set.position
                && act.kind.as_str() == kind.as_str()
                && (act.role == *role || role.as_str() == replay::duty::ONE_PERSON)
        };
        let own = acts.moving.iter().map(|(act, _)| act).filter(under);
        let all = moved.entry((&set.actor, role, kind)).or_default();
        all.extend(own);
        if !all.is_empty() {
            all.push(set);
        }
    }
    for ((actor, role, kind), all) in moved.into_iter().filter(|(_, all)| !all.is_empty()) {
        found.push(Found::of("S-7", [actor], format!("limit of {role} for {kind}"), &all));
    }
}

fn sealed_and_reopened(acts: &Acts, found: &mut Vec<Found>) {
    for (month, changes) in &acts.months {
        for pair in changes.windows(2) {
            if let [(sealed, true), (opened, false)] = pair
                && sealed.actor == opened.actor
            {
                found.push(Found::of("S-8", [&sealed.actor], month, &[sealed, opened]));
            }
        }
    }
}

/// As roles are held at the end of the log.
fn roles_together(acts: &Acts, found: &mut Vec<Found>) {
    for (actor, roles) in acts.registry.actors() {
        let holds = |name: &str| roles.iter().any(|role| role.as_str() == name);
        for (one, other) in NOT_TOGETHER.iter().filter(|(one, other)| holds(one) && holds(other)) {
            let grant = |name: &str| acts.grants.get(&(actor.clone(), Code::new(name).ok()?));
            let grants: Vec<&Act> = [grant(one), grant(other)].into_iter().flatten().collect();
            found.push(Found::of("S-9", [actor], format!("{one} and {other}"), &grants));
        }
    }
}
