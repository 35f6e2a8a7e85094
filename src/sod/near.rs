//! Near misses: within the rules, and close to where they end. Each function is one rule of the table.

use replay::{ids::ActorId, money::Amount, time::Day};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Found,
    acts::{Act, Acts},
};

/// How far below a limit is close, in hundredths of it.
pub const CLOSE_PERCENT: u64 = 10;
/// How often two people approve each other before it shows.
pub const EACH_OTHER_MIN: usize = 2;

pub(super) fn of(acts: &Acts) -> Vec<Found> {
    let mut found = Vec::new();
    just_under(acts, &mut found);
    split(acts, &mut found);
    only_each_other(acts, &mut found);
    found
}

/// The limit that binds first.
fn limit(act: &Act) -> Option<Amount> {
    act.limits.iter().flatten().copied().min_by_key(|limit| limit.minor())
}

fn just_under(acts: &Acts, found: &mut Vec<Found>) {
    for (act, claim) in &acts.moving {
        let (Some(amount), Some(limit)) = (act.amount, limit(act)) else { continue };
        let (part, whole) = (u128::from(amount.minor()) * 100, u128::from(limit.minor()));
        if amount.minor() <= limit.minor() && part > whole * u128::from(100 - CLOSE_PERCENT) {
            let near = Found::of("N-1", [&act.actor], claim, &[act]);
            found.push(Found { amount: Some(amount), limit: Some(limit), ..near });
        }
    }
}

/// Payments of one order on one day, in one currency: each within its limit, all together above the lowest.
fn split(acts: &Acts, found: &mut Vec<Found>) {
    let mut days: BTreeMap<(String, Day, &str), Vec<&Act>> = BTreeMap::new();
    for (id, claim) in &acts.claims {
        let order = claim.order.as_ref().map_or_else(|| id.to_string(), ToString::to_string);
        for paid in &claim.paid {
            let Some(amount) = paid.amount else { continue };
            days.entry((order.clone(), paid.day, amount.currency().as_str())).or_default().push(paid);
        }
    }
    for ((order, ..), paid) in days.into_iter().filter(|(_, paid)| paid.len() > 1) {
        let Some(limit) = paid.iter().filter_map(|act| limit(act)).min_by_key(|limit| limit.minor()) else {
            continue;
        };
        let each = |act: &&Act| act.amount.is_some_and(|amount| amount.minor() <= limit.minor());
        let sum: u64 = paid.iter().filter_map(|act| act.amount).map(|amount| amount.minor()).sum();
        if paid.iter().all(each) && sum > limit.minor() {
            let near = Found::of("N-2", paid.iter().map(|act| &act.actor), format!("order {order}"), &paid);
            let amount = Amount::new(sum, limit.currency()).ok();
            found.push(Found { amount, limit: Some(limit), ..near });
        }
    }
}

fn only_each_other(acts: &Acts, found: &mut Vec<Found>) {
    let mut approved: BTreeMap<(&ActorId, &ActorId), Vec<&Act>> = BTreeMap::new();
    let mut approvers: BTreeMap<&ActorId, BTreeSet<&ActorId>> = BTreeMap::new();
    let mut approving: BTreeMap<&ActorId, BTreeSet<&ActorId>> = BTreeMap::new();
    for (act, _) in &acts.seconded {
        let Some(approver) = act.approver.as_ref().filter(|approver| **approver != act.actor) else {
            continue;
        };
        approved.entry((&act.actor, approver)).or_default().push(act);
        approvers.entry(&act.actor).or_default().insert(approver);
        approving.entry(approver).or_default().insert(&act.actor);
    }
    let only = |map: &BTreeMap<&ActorId, BTreeSet<&ActorId>>, one, other| {
        map.get(one).is_some_and(|people| people.len() == 1 && people.contains(other))
    };
    for ((one, other), acts) in approved.iter().filter(|((one, other), _)| one < other) {
        let Some(back) = approved.get(&(*other, *one)) else { continue };
        let closed = [(*one, *other), (*other, *one)];
        let closed = closed.iter().all(|(a, b)| only(&approvers, *a, *b) && only(&approving, *a, *b));
        if closed && acts.len() >= EACH_OTHER_MIN && back.len() >= EACH_OTHER_MIN {
            let all: Vec<&Act> = acts.iter().chain(back).copied().collect();
            found.push(Found::of("N-3", [*one, *other], "each other's acts", &all));
        }
    }
}
