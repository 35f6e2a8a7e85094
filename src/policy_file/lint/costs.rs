//! Costs, components and payouts: which row wins, whether two contradict each other, what none of them says.

use std::collections::BTreeMap;

use replay::{
    event::{Basis, Party, Remedy},
    policy::CostRule,
};

use super::{
    Lint, and,
    coverage::list,
    field, numbered,
    space::{Area, rest},
    table,
};

/// Costs that any return can bring. A policy that says nothing about one leaves it where it fell.
const USUAL: [&str; 4] = ["inbound_shipping", "return_leg_shipping", "customs", "missing_accessory"];

pub(super) fn check(l: &mut Lint<'_>) {
    let p = l.policy;
    let mut names: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, row) in p.costs.iter().enumerate() {
        names.entry(row.cost.as_str()).or_default().push(at);
    }
    let areas: Vec<Area> = p.costs.iter().map(|row| l.space.area(&row.scope)).collect();
    for (name, rows) in &names {
        for at in rows {
            cost(l, *at, rows, &areas);
        }
        silence(l, name, rows, &areas);
    }
    never(l);
    let unsaid = USUAL.iter().filter(|name| !names.contains_key(**name));
    let unsaid: Vec<&str> =
        unsaid.copied().filter(|name| p.nevers.iter().all(|row| row.cost.as_str() != *name)).collect();
    if !unsaid.is_empty() && !p.entitlements.is_empty() {
        let says = format!("says nothing about who pays {}: it lies where it fell", and(&unsaid));
        l.note("cost_is_not_named", &table("policy"), says, "nothing to do when the document is silent")
            .cite(["H-11"]);
    }
    components(l);
    payouts(l);
}

/// One row among those of its cost.
fn cost(l: &mut Lint<'_>, at: usize, rows: &[usize], areas: &[Area]) {
    let p = l.policy;
    let (Some(row), Some(here)) = (p.costs.get(at), areas.get(at)) else { return };
    let place = numbered("cost", at);
    if row.payer == Party::Customer && row.reimburse {
        let says = "repays the customer what the customer must pay";
        l.error(
            "reimburse_contradicts",
            &field(&place, "reimburse"),
            says,
            "take reimburse out, or correct the payer",
        );
    }
    let others = || rows.iter().filter_map(|other| Some((*other, p.costs.get(*other)?, areas.get(*other)?)));
    let higher = || others().filter(|(_, other, there)| other.priority > row.priority && there.meets(here));
    let above: Vec<Area> = higher().map(|(_, _, there)| there.clone()).collect();
    let title = |l: &Lint<'_>, at| l.title(&numbered("cost", at));
    if !above.is_empty() && rest(vec![here.clone()], &above).is_some_and(|left| left.is_empty()) {
        let titles: Vec<String> = higher().map(|(other, ..)| title(l, other)).collect();
        let says = format!("never wins: {} has a higher priority wherever it applies", and(&titles));
        l.error("row_never_wins", &place, says, "raise its priority, or take it out").cite(["H-18"]);
    }
    for (other, before, there) in others().filter(|(other, ..)| *other < at) {
        if before.priority != row.priority || !there.meets(here) {
            continue;
        }
        let (name, cites) = (title(l, other), l.texts(&numbered("cost", other), "cites"));
        if decides(before) != decides(row) {
            let both = l.space.words(&here.and(there), &l.space.all());
            let says = format!(
                "contradicts {name}: both have priority {} for {both}, and they do not say the same",
                row.priority
            );
            let hint = "give the row that is to win the higher priority, or separate their scopes";
            l.error("rows_contradict", &field(&place, "priority"), says, hint).cite(&cites).cite(["H-18"]);
            // One at a time: who corrects it looks again.
            break;
        } else if here.lies_in(there) || there.lies_in(here) {
            let says = format!("says again what {name} says");
            l.warning("row_adds_nothing", &place, says, "keep the wider of the two");
            break;
        }
    }
}

/// What a cost row decides, beside where.
fn decides(row: &CostRule) -> (Party, Option<&str>, bool) {
    let collect = (row.payer == Party::Customer).then(|| row.collect.as_str());
    (row.payer, collect, row.reimburse && row.payer == Party::Merchant)
}

/// Where rows speak of a cost, but not everywhere.
fn silence(l: &mut Lint<'_>, name: &str, rows: &[usize], areas: &[Area]) {
    let said: Vec<Area> = rows.iter().filter_map(|at| areas.get(*at)).cloned().collect();
    let whole = asked(l, None);
    let Some(open) = left_open(l, &whole, &said) else { return };
    let Some(first) = rows.first().filter(|_| !open.is_empty()) else { return };
    let subject = if rows.len() == 1 { "leaves" } else { "and the other rows of this cost leave" };
    let says = format!("{subject} {name} where it fell: {}", list(l, &open, &whole));
    let cites: Vec<String> = rows.iter().flat_map(|at| l.texts(&numbered("cost", *at), "cites")).collect();
    l.note(
        "cost_is_left_open",
        &numbered("cost", *first),
        says,
        "nothing to do when the document is silent there",
    )
    .cite(&cites)
    .cite(["H-11"]);
}

/// Everything that somebody can be entitled to, or to this remedy.
fn asked(l: &Lint<'_>, remedy: Option<Remedy>) -> Area {
    let p = l.policy;
    let is_granted = |area: Area| l.granted.iter().any(|granted| granted.meets(&area));
    let granted = |remedy: &Remedy| {
        *remedy != Remedy::ReturnToCustomer && is_granted(l.space.all().with_remedies(&[*remedy]))
    };
    let remedies: Vec<Remedy> = match remedy {
        Some(remedy) => vec![remedy],
        None => Remedy::ALL.iter().copied().filter(granted).collect(),
    };
    let has_basis = |basis: &Basis| {
        let rows =
            p.entitlements.iter().filter(|row| row.remedies.iter().any(|remedy| remedies.contains(remedy)));
        rows.map(|row| &row.scope.basis).any(|list| list.is_empty() || list.contains(basis))
    };
    let bases: Vec<Basis> = Basis::ALL.iter().copied().filter(has_basis).collect();
    l.space.all().with_basis(&bases).with_remedies(&remedies)
}

/// What of it no row covers, as far as anything is granted there.
fn left_open(l: &Lint<'_>, whole: &Area, said: &[Area]) -> Option<Vec<Area>> {
    let open = rest(vec![whole.clone()], said)?;
    let granted: Vec<Area> = l.granted.iter().map(Area::at_any_window).collect();
    Some(open.into_iter().filter(|area| granted.iter().any(|granted| granted.meets(area))).collect())
}

/// A cost for which no line may exist, and a row that says who pays it.
fn never(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, row) in p.costs.iter().enumerate() {
        if let Some(never) = p.nevers.iter().position(|never| never.cost == row.cost) {
            let never = numbered("never", never);
            let (title, cites) = (l.title(&never), l.texts(&never, "cites"));
            let says = format!("never wins: {title} allows no line for this cost");
            l.error("row_never_wins", &numbered("cost", at), says, "keep one of the two").cite(&cites);
        }
    }
}

fn components(l: &mut Lint<'_>) {
    let p = l.policy;
    let areas: Vec<Area> = p.components.iter().map(|row| l.space.area(&row.scope)).collect();
    for (at, (row, here)) in p.components.iter().zip(&areas).enumerate() {
        for (other, (before, there)) in p.components.iter().zip(&areas).enumerate().take(at) {
            if !here.meets(there) {
                continue;
            }
            let place = numbered("component", at);
            let title = l.title(&numbered("component", other));
            if row.refundable != before.refundable {
                let says =
                    format!("contradicts {title} for {}", l.space.words(&here.and(there), &l.space.all()));
                l.error("rows_contradict", &field(&place, "refundable"), says, "separate their scopes")
                    .cite(["H-18"]);
            } else if here.lies_in(there) {
                l.warning(
                    "row_adds_nothing",
                    &place,
                    format!("says again what {title} says"),
                    "keep the wider of the two",
                );
            }
        }
    }
    let whole = asked(l, Some(Remedy::Refund));
    let Some(open) = left_open(l, &whole, &areas).filter(|open| !open.is_empty()) else { return };
    let at = if p.components.is_empty() { table("policy") } else { numbered("component", 0) };
    let says =
        format!("says nothing about outbound shipping here, so there is no line: {}", list(l, &open, &whole));
    l.note("component_is_left_open", &at, says, "nothing to do when the document is silent there")
        .cite(["H-11"]);
}

/// The first payout whose condition holds is taken.
fn payouts(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, row) in p.payouts.iter().enumerate() {
        let before =
            p.payouts.iter().take(at).position(|other| other.when.is_none() || other.when == row.when);
        if let Some(other) = before {
            let says =
                format!("is never reached: {} is taken before it", l.title(&numbered("payout", other)));
            l.error("row_never_wins", &numbered("payout", at), says, "put the row without a condition last");
        }
    }
    let pays = p.entitlements.iter().any(|row| row.remedies.iter().any(|remedy| remedy.pays_money()));
    if pays && p.payouts.iter().all(|row| row.when.is_some()) {
        let says = "has no payout without a condition: money goes back the way it came";
        l.note("payout_is_left_open", &table("policy"), says, "nothing to do when the document is silent")
            .cite(["H-22"]);
    }
}
