//! Money: currencies, shares, rounding, costs without a clause, tax, caps, precedence (H-8 to H-14, H-18).

use replay::{
    event::{Event, Remedy, UnitStatus},
    judge::{Aside, LineKind, Settled},
    units::Units,
};

use crate::coverage::Sight;

/// H-8: a cost in another currency comes with the converted amount.
pub fn currencies(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for event in s.standing() {
        if let Event::CostRecorded(cost) = &*event.event {
            seen[usize::from(cost.order_amount.is_none())] = true;
        }
    }
    seen
}

/// H-9: some units of a line are refunded, and the cents do not divide; everything that was sold is refunded.
pub fn shares(s: &Sight<'_>) -> [bool; 2] {
    let sale = s.trial.facts.sale.value;
    let refunded =
        s.judged.units_where(|u| u.status == UnitStatus::Eligible && u.remedy == Some(Remedy::Refund));
    let line = |line: &replay::event::OrderLine| Units::from_line(line.id.clone(), line.quantity).ok();
    let mut all = true;
    let mut uneven = false;
    for (at, sold) in sale.lines.iter().enumerate() {
        let Some(units) = line(sold) else { continue };
        all &= units.is_subset(&refunded);
        let some = !units.intersection(&refunded).is_empty() && !units.is_subset(&refunded);
        let worth = |n| s.trial.worth(at, n, n);
        let first = worth(1);
        uneven |= some && (2..=sold.quantity).any(|n| worth(n) != first);
    }
    [uneven, all && !refunded.is_empty()]
}

/// H-10: a percentage of a unit is rounded down, or comes out even.
pub fn rounding(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for term in s.judged.lines.iter().flat_map(|line| &line.terms) {
        if let Some(bp) = term.bp {
            let exact = u128::from(term.base_minor).saturating_mul(u128::from(bp));
            let taken = u128::from(term.taken_minor).saturating_mul(10_000);
            seen[usize::from(exact == taken)] = true;
        }
    }
    seen
}

fn asides(s: &Sight<'_>, wanted: &[Settled]) -> bool {
    s.judged.asides.iter().any(|aside| matches!(aside, Aside::Cost { why, .. } if wanted.contains(why)))
}

/// Whether a cost is repaid, taken off or charged.
fn moves(s: &Sight<'_>) -> bool {
    let line = |kind: &LineKind| matches!(kind, LineKind::Cost(_) | LineKind::Reimbursement(_));
    !s.judged.charges.is_empty() || s.judged.lines.iter().any(|l| line(&l.kind))
}

/// H-11: no clause, no line.
pub fn without_a_clause(s: &Sight<'_>) -> [bool; 2] {
    [asides(s, &[Settled::LiesWhereItFell, Settled::NotRepaid]), moves(s)]
}

/// H-12: equal parties, no line.
pub fn who_has_paid(s: &Sight<'_>) -> [bool; 2] {
    [asides(s, &[Settled::PaidByWhoMust]), moves(s)]
}

/// H-13: tax follows the price.
pub fn tax(s: &Sight<'_>) -> [bool; 2] {
    let has = |wanted: &LineKind| s.judged.lines.iter().any(|l| l.kind == *wanted);
    [has(&LineKind::Tax), has(&LineKind::Item) && !has(&LineKind::Tax)]
}

/// H-14: more than is due is refused, deductions end at zero, units are paid once; what is due is paid in full.
pub fn caps(s: &Sight<'_>) -> [bool; 2] {
    let refused = s.refused.iter().any(|r| matches!(r.reason.as_str(), "over_refund" | "over_entitlement"));
    let cap = s.judged.lines.iter().any(|l| l.kind == LineKind::Cap);
    let paid = s.judged.refunded_minor > 0 && s.judged.open_minor() == 0;
    [refused || cap || s.judged.open_minor() < 0, paid]
}

/// H-18: several rows could say who bears the way in, and the first in rank does; or there is only one.
pub fn precedence(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for (piece, unit) in s.units() {
        let rows = s.policy().costs.iter().filter(|row| {
            row.cost.as_str() == "inbound_shipping"
                && s.trial.in_scope(&row.scope, &piece, unit.basis, unit.remedy, &unit.windows)
        });
        match rows.count() {
            0 => {}
            1 => seen[1] = true,
            _ => seen[0] = true,
        }
    }
    seen
}
