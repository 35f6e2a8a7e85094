//! What no entitlement covers: there the document is silent, and nobody is entitled to anything (H-11).

use replay::event::Basis;

use super::{
    Lint, numbered,
    space::{Area, rest},
    table,
};

/// Most areas that are named in one finding.
const NAMED_MAX: usize = 6;

pub(super) fn check(l: &mut Lint<'_>) {
    let p = l.policy;
    if p.entitlements.is_empty() {
        return;
    }
    let covered: Vec<Area> =
        p.entitlements.iter().map(|row| l.space.area(&row.scope).at_any_window()).collect();
    // A unit in which no fault was found has a rule of its own.
    let has_rule = |basis: &&Basis| **basis != Basis::NoFault || p.no_fault.is_none();
    let bases: Vec<Basis> = Basis::ALL.iter().filter(has_rule).copied().collect();
    let whole = l.space.all();
    let Some(open) = rest(vec![whole.clone().with_basis(&bases)], &covered) else { return };
    if open.is_empty() {
        return;
    }
    let says = format!("grants nothing here, the document is silent: {}", list(l, &open, &whole));
    l.note("nothing_is_said", &table("policy"), says, "nothing to do when the document grants nothing there")
        .cite(["H-11"]);
    // An entitlement that a later row of the same document narrows is told where it stands.
    for (at, row) in p.entitlements.iter().enumerate() {
        let Some((region, is_outside)) = row.scope.region else { continue };
        let Some(region) = p.regions.get(region) else { continue };
        let here = l.space.area(&row.scope).at_any_window();
        let mut anywhere = row.scope.clone();
        anywhere.region = None;
        let others: Vec<Area> = covered.iter().filter(|area| **area != here).cloned().collect();
        let left =
            rest(vec![l.space.area(&anywhere).at_any_window()], &[&[here], others.as_slice()].concat());
        if left.is_none_or(|left| left.is_empty()) {
            continue;
        }
        let side = if is_outside { "inside" } else { "outside" };
        let says = format!("leaves out what lies {side} {}, and no other row has it", region.name);
        l.note(
            "places_are_left_out",
            &numbered("entitlement", at),
            says,
            "nothing to do when the document says so",
        )
        .cite(["H-11"]);
    }
}

/// Areas in words, a few of them.
pub(super) fn list(l: &Lint<'_>, areas: &[Area], whole: &Area) -> String {
    let mut words: Vec<String> =
        areas.iter().take(NAMED_MAX).map(|area| l.space.words(area, whole)).collect();
    if areas.len() > NAMED_MAX {
        words.push(format!("{} more", areas.len().saturating_sub(NAMED_MAX)));
    }
    words.join("; ")
}
