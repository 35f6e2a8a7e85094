//! Discretion: the only places where a person may decide, and every one of them with bounds (H-15).

use replay::{
    event::Remedy,
    policy::{AmountBound, DiscretionPoint, OnFail, Policy, Rate, is_refusal},
};

use super::{Lint, field, numbered};

pub(super) fn check(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, row) in p.discretion.iter().enumerate() {
        let place = numbered("discretion", at);
        if let Some(why) = needs_amount(p, row)
            && row.amount_max.is_none()
        {
            let says = format!("has no largest amount, and {why}");
            let hint = "add bounds = { amount_min = 0, amount_max = \"unit_net\" }, \"captured\" or a figure";
            l.error("point_has_no_bound", &field(&place, "bounds"), says, hint).cite(["H-15"]);
        }
        if row.options.iter().any(|option| option == "fee")
            && row.fee_bp_max.is_none()
            && row.fee_fixed.is_none()
        {
            let says = "lets a person take a fee without a largest one";
            let hint = "add bounds = { fee_bp_max = 2000 }, or fee_fixed";
            l.error("point_has_no_bound", &field(&place, "bounds"), says, hint).cite(["H-15"]);
        }
        if let (Some(min), Some(AmountBound::Minor(max))) = (row.amount_min, row.amount_max)
            && min > max
        {
            let says = format!("allows no amount: at least {min}, at most {max}");
            l.error("bounds_contradict", &field(&place, "bounds.amount_min"), says, "correct one of the two");
        }
        if waits_for_yes(p, &row.point)
            && !row.options.is_empty()
            && row.options.iter().all(|word| is_refusal(word))
        {
            let says = "can only say no, and a row waits for a yes";
            l.error(
                "point_never_says_yes",
                &field(&place, "options"),
                says,
                "add an option that says yes, like accept",
            );
        }
    }
    for (at, row) in p.fees.iter().enumerate() {
        let Some(point) = row.needs_discretion.as_ref().and_then(|name| p.point(name.as_str())) else {
            continue;
        };
        let (bound, is_less) = match row.rate {
            Rate::Fixed(amount) => {
                (point.fee_fixed, point.fee_fixed.is_some_and(|fixed| fixed < amount.minor()))
            }
            Rate::PercentBp(bp) => {
                (point.fee_bp_max, point.fee_bp_max.is_some_and(|max| max < u64::from(bp)))
            }
        };
        if let Some(bound) = bound.filter(|_| is_less) {
            let says = format!("is more than its discretion point {} allows ({bound})", point.point);
            let place = field(&numbered("fee", at), "needs_discretion");
            l.error("bounds_contradict", &place, says, "correct the fee, or the bounds of the point");
        }
    }
}

/// Why a decision at this point is about an amount.
fn needs_amount(p: &Policy, point: &DiscretionPoint) -> Option<&'static str> {
    let is_here =
        |name: &Option<replay::ids::Code>| name.as_ref().is_some_and(|name| name.as_str() == point.point);
    if point.options.iter().any(|option| option == "amount") {
        return Some("amount is one of its options");
    }
    if p.requirements.iter().any(|row| row.on_fail == OnFail::Partial && is_here(&row.point)) {
        return Some("a requirement leaves a part of the refund to it");
    }
    let compensates = |row: &replay::policy::Entitlement| {
        is_here(&row.needs_discretion) && row.remedies.contains(&Remedy::OtherCompensation)
    };
    p.entitlements.iter().any(compensates).then_some("an entitlement to other_compensation waits for it")
}

/// Whether a row grants something only after a yes.
fn waits_for_yes(p: &Policy, point: &str) -> bool {
    let is_here = |name: &Option<replay::ids::Code>| name.as_ref().is_some_and(|name| name.as_str() == point);
    p.entitlements.iter().any(|row| is_here(&row.needs_discretion))
        || p.requirements.iter().any(|row| is_here(&row.point))
        || p.fees.iter().any(|row| is_here(&row.needs_discretion))
}
