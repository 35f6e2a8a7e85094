//! Entitlements: that anything is granted, that no two say different things, that each adds something.

use replay::{
    event::{Basis, Remedy},
    policy::{Chooser, Entitlement, Policy},
};

use super::{
    Level, Lint, field, numbered,
    space::{Area, Space},
    table,
};

/// Where any remedy is granted: by an entitlement, after an inspection that found nothing, or as a paid service that a
/// person offers. Goods can always go back to their owner.
pub(super) fn areas(policy: &Policy, space: &Space) -> Vec<Area> {
    let mut areas: Vec<Area> = policy.entitlements.iter().map(|row| area(space, row)).collect();
    let remedy = policy.no_fault.as_ref().and_then(|rule| rule.remedy);
    areas.extend(remedy.map(|remedy| space.all().with_basis(&[Basis::NoFault]).with_remedies(&[remedy])));
    areas.push(space.all().with_remedies(&[Remedy::ReturnToCustomer]));
    let offered =
        policy.fees.iter().filter(|fee| fee.needs_discretion.is_some() && !fee.scope.remedy.is_empty());
    areas.extend(offered.map(|fee| space.area(&fee.scope)));
    areas
}

/// What an entitlement grants: its remedies, where its windows hold.
pub(super) fn area(space: &Space, row: &Entitlement) -> Area {
    space.area(&row.scope).with_windows(&row.windows).with_remedies(&row.remedies)
}

pub(super) fn check(l: &mut Lint<'_>) {
    let p = l.policy;
    if p.entitlements.is_empty() {
        l.error(
            "nothing_is_granted",
            &table("policy"),
            "entitles nobody to anything: there is no [[entitlement]]",
            "add an [[entitlement]] with scope, windows, remedies and chooser",
        );
    }
    let areas: Vec<Area> = p.entitlements.iter().map(|row| area(l.space, row)).collect();
    for (at, (row, here)) in p.entitlements.iter().zip(&areas).enumerate() {
        let place = numbered("entitlement", at);
        if here.is_empty() {
            l.error(
                "scope_is_contradictory",
                &field(&place, "scope"),
                "is about nothing: no unit can be in its scope and get its remedies",
                "correct the scope; its remedies stand under remedies, not in the scope",
            );
            continue;
        }
        if row.windows.is_empty() {
            l.note(
                "no_window_is_stated",
                &place,
                "has no window: it can be claimed at any time",
                "nothing to do when the document states no period",
            )
            .cite(["H-11"]);
        }
        if let Some(other) = first_that_says_it_all(p, &areas, at) {
            let title = l.title(&numbered("entitlement", other));
            let says = format!("adds nothing: {title} grants the same in a wider scope");
            l.warning("entitlement_adds_nothing", &place, says, "take it out, or correct its scope");
        }
        for (other, (before, there)) in p.entitlements.iter().zip(&areas).enumerate().take(at) {
            // Whichever remedies they are: somebody chooses between the two rows as well.
            let meets = l.space.area(&row.scope).meets(&l.space.area(&before.scope));
            if before.chooser == row.chooser || !meets || there.is_empty() {
                continue;
            }
            choosers(l, (other, before), (at, row));
        }
    }
}

/// The customer chooses in one row, the merchant in another.
fn choosers(l: &mut Lint<'_>, (other, before): (usize, &Entitlement), (at, row): (usize, &Entitlement)) {
    let (place, there) = (numbered("entitlement", at), numbered("entitlement", other));
    let (title, cites) = (l.title(&there), l.texts(&there, "cites"));
    let word = |chooser| match chooser {
        Chooser::Customer => "the customer",
        Chooser::Merchant => "the merchant",
    };
    let says = format!("lets {} choose where {title} lets {}", word(row.chooser), word(before.chooser));
    let same = |one: &[usize], two: &[usize]| one.iter().all(|window| two.contains(window));
    let finding = if same(&row.windows, &before.windows) && same(&before.windows, &row.windows) {
        let hint = "say who chooses: give both rows the same chooser, or separate their scopes";
        l.error(
            "choosers_contradict",
            &field(&place, "chooser"),
            format!("{says}, in the same windows"),
            hint,
        )
    } else {
        let says = format!("{says}: while both hold, the reading in favour of the customer counts");
        let hint = "nothing to do when the document gives the choice for a time only";
        l.finding(Level::Note, "choosers_differ", &field(&place, "chooser"), says, hint)
    };
    finding.cite(&cites).cite(["H-18"]);
}

/// Another entitlement that grants all that this one grants; of two that say the same, the later adds nothing.
fn first_that_says_it_all(p: &Policy, areas: &[Area], at: usize) -> Option<usize> {
    let (row, here) = (p.entitlements.get(at)?, areas.get(at)?);
    let mut others = p.entitlements.iter().zip(areas).enumerate().filter(|(other, _)| *other != at);
    let found = others.find(|(other, (wider, there))| {
        let is_same = wider.chooser == row.chooser
            && (wider.needs_discretion.is_none() || wider.needs_discretion == row.needs_discretion);
        let is_mutual = there.lies_in(here) && wider.needs_discretion == row.needs_discretion;
        is_same && here.lies_in(there) && (!is_mutual || *other < at)
    });
    found.map(|(other, _)| other)
}
