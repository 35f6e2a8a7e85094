//! Names: each told once, each named by somebody, each naming something.

use std::collections::BTreeSet;

use replay::{
    event::Remedy,
    policy::{FactName, Place, Policy, Predicate},
};

use super::{Lint, field, named, numbered, table};

pub(super) fn check(l: &mut Lint<'_>) {
    told_once(l);
    unused(l);
    facts(l);
    granted_somewhere(l);
    let p = l.policy;
    for (at, row) in p.requirements.iter().enumerate() {
        let Some(fee) = &row.alternative else { continue };
        if p.fees.iter().all(|known| known.id != *fee) {
            let place = field(&numbered("requirement", at), "alternative");
            let says = format!("offers fee {fee} instead, which is not in [[fee]]");
            l.error("fee_is_unknown", &place, says, "name the id of a fee");
        }
    }
}

/// Two rows under one name could not be told apart in a decision.
fn told_once(l: &mut Lint<'_>) {
    let p = l.policy;
    let ids: [(&'static str, &str, Vec<&str>); 4] = [
        ("entitlement", "id", p.entitlements.iter().map(|row| row.id.as_str()).collect()),
        ("fee", "id", p.fees.iter().map(|row| row.id.as_str()).collect()),
        ("sla", "id", p.slas.iter().map(|row| row.id.as_str()).collect()),
        ("discretion", "point", p.discretion.iter().map(|row| row.point.as_str()).collect()),
    ];
    for (table, key, ids) in ids {
        let mut known = BTreeSet::new();
        for (at, id) in ids.into_iter().enumerate() {
            if !known.insert(id) {
                let says = format!("has {key} {id}, as a row before it does");
                let hint = "give each row its own, or take one of them out";
                l.error("name_is_there_twice", &field(&numbered(table, at), key), says, hint);
            }
        }
    }
}

/// Windows, regions and points that no row names decide nothing.
fn unused(l: &mut Lint<'_>) {
    let p = l.policy;
    let scopes: Vec<_> = scopes(p).into_iter().map(|(_, scope)| scope).collect();
    let mut windows: BTreeSet<usize> = scopes.iter().filter_map(|scope| scope.window).collect();
    windows.extend(p.entitlements.iter().flat_map(|row| &row.windows));
    windows.extend(p.variants.iter().map(|row| row.window));
    windows.extend(p.fees.iter().flat_map(|row| &row.windows_any));
    windows.extend(p.authorization.written_counts_for);
    let mut regions: BTreeSet<usize> =
        scopes.iter().filter_map(|scope| scope.region).map(|(at, _)| at).collect();
    regions.extend(p.authorization.separate_process_outside);
    let hint = "name it in the row that it belongs to, or take it out";
    for (_, window) in p.windows.iter().enumerate().filter(|(at, _)| !windows.contains(at)) {
        let place = named("windows", window.name.as_str());
        l.warning("window_is_unused", &place, "is named by no row: it decides nothing", hint);
    }
    for (_, region) in p.regions.iter().enumerate().filter(|(at, _)| !regions.contains(at)) {
        let place = named("regions", &region.name);
        l.warning("region_is_unused", &place, "is named by no row: it decides nothing", hint);
    }
    let points = named_points(p);
    for (at, row) in p.discretion.iter().enumerate().filter(|(_, row)| !points.contains(&row.point)) {
        let place = numbered("discretion", at);
        let leaves_it = row.cites.iter().filter_map(|clause| p.clause(clause));
        // A clause that leaves something to a person need not change what the policy grants.
        if leaves_it.into_iter().any(|clause| clause.system.contains("ALLOW")) {
            let says = "is named by no row: the decision is recorded and changes no status";
            l.note(
                "point_changes_nothing",
                &place,
                says,
                "nothing to do when the clause leaves it to a person",
            )
            .cite(["H-15"]);
        } else {
            l.warning(
                "point_is_unused",
                &place,
                "is named by no row, and no clause leaves it to a person",
                hint,
            );
        }
    }
}

/// The points that rows wait for.
fn named_points(p: &Policy) -> BTreeSet<String> {
    let rows = p.entitlements.iter().filter_map(|row| row.needs_discretion.as_ref());
    let rows = rows.chain(p.requirements.iter().filter_map(|row| row.point.as_ref()));
    let rows = rows.chain(p.variants.iter().filter_map(|row| row.point.as_ref()));
    let rows = rows.chain(p.fees.iter().filter_map(|row| row.needs_discretion.as_ref()));
    let mut points: BTreeSet<String> = rows.map(ToString::to_string).collect();
    for (_, predicate) in predicates(p) {
        points.extend(predicate.facts().into_iter().filter_map(|fact| match fact {
            FactName::Discretion(point) => Some(point.to_string()),
            _ => None,
        }));
    }
    points
}

/// A condition that waits for a decision nobody can take waits for ever.
fn facts(l: &mut Lint<'_>) {
    let p = l.policy;
    for (place, predicate) in predicates(p) {
        for fact in predicate.facts() {
            if let FactName::Discretion(point) = fact
                && p.point(point.as_str()).is_none()
            {
                let says =
                    format!("asks for discretion.{point}, and there is no such point in [[discretion]]");
                l.error("point_is_unknown", &place, says, "name a point of [[discretion]], or add it there");
            }
        }
    }
}

/// Every condition with its place.
pub(super) fn predicates(p: &Policy) -> Vec<(Place, &Predicate)> {
    let mut found = Vec::new();
    for (at, row) in p.requirements.iter().enumerate() {
        found.push((field(&numbered("requirement", at), "needs"), &row.needs));
    }
    for (at, row) in p.fees.iter().enumerate() {
        let place = numbered("fee", at);
        found.extend(row.when.iter().map(|predicate| (field(&place, "when"), predicate)));
        found.extend(row.waive_when.iter().map(|predicate| (field(&place, "waive_when"), predicate)));
    }
    for (at, row) in p.payouts.iter().enumerate() {
        found.extend(row.when.iter().map(|predicate| (field(&numbered("payout", at), "when"), predicate)));
    }
    found
}

/// Every scope with its row.
pub(super) fn scopes(p: &Policy) -> Vec<(Place, &replay::policy::Scope)> {
    let mut found = Vec::new();
    found
        .extend(p.entitlements.iter().enumerate().map(|(at, row)| (numbered("entitlement", at), &row.scope)));
    found
        .extend(p.requirements.iter().enumerate().map(|(at, row)| (numbered("requirement", at), &row.scope)));
    found.extend(p.fees.iter().enumerate().map(|(at, row)| (numbered("fee", at), &row.scope)));
    found.extend(p.components.iter().enumerate().map(|(at, row)| (numbered("component", at), &row.scope)));
    found.extend(p.costs.iter().enumerate().map(|(at, row)| (numbered("cost", at), &row.scope)));
    found.extend(p.slas.iter().enumerate().map(|(at, row)| (numbered("sla", at), &row.scope)));
    found
}

/// A remedy that nothing grants cannot be what a row is about.
fn granted_somewhere(l: &mut Lint<'_>) {
    let p = l.policy;
    let is_granted = |l: &Lint<'_>, remedy: Remedy| {
        let area = l.space.all().with_remedies(&[remedy]);
        l.granted.iter().any(|granted| granted.meets(&area))
    };
    let hint = "correct the remedy, or add the entitlement that grants it";
    for (place, scope) in scopes(p) {
        let unknown: Vec<Remedy> = scope.remedy.iter().copied().filter(|r| !is_granted(l, *r)).collect();
        // A scope of nothing but such remedies is an error of its own.
        if unknown.is_empty() || unknown.len() == scope.remedy.len() {
            continue;
        }
        let words: Vec<String> = unknown.iter().map(ToString::to_string).collect();
        let says = format!("is about {} too, which no row grants", super::and(&words));
        l.warning("remedy_is_granted_nowhere", &field(&place, "scope.remedy"), says, hint);
    }
    for (at, row) in p.variants.iter().enumerate() {
        if is_granted(l, row.remedy) {
            continue;
        }
        let says = format!("is about {}, which no row grants", row.remedy);
        l.error("scope_reaches_nothing", &field(&numbered("variant", at), "remedy"), says, hint);
    }
    let head = table("policy");
    if p.entitlements.iter().any(|row| row.remedies.contains(&Remedy::None)) {
        l.error("nothing_is_granted", &head, "has an entitlement to none, which is no remedy", hint);
    }
}
