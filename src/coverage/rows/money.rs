//! Sides of fees, shipping, costs and pay-outs.

use replay::{
    event::{Event, Party, PayoutTo, Remedy, UnitStatus},
    judge::{Aside, LineKind, Settled},
    policy::{Cites, CostRule, Rate},
};

use super::{Sight, within};

/// The fee is taken; there is a refund without it, or a service that nobody has offered or whose window has ended.
pub fn fee(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(fee) = s.policy().fees.get(at) else { return [false; 2] };
    let kind = LineKind::Fee(fee.id.clone());
    let mut lines = s.judged.lines.iter().filter(|l| l.kind == kind && l.cites == fee.cites);
    if matches!(fee.rate, Rate::Fixed(_)) {
        let charged = s.judged.charges.iter().any(|c| c.what == fee.id);
        let not = |u: &replay::judge::UnitJudgement| {
            u.service == Some(at) && matches!(u.status, UnitStatus::Ineligible | UnitStatus::NeedsDiscretion)
        };
        return [charged || lines.next().is_some(), s.judged.units.iter().any(not)];
    }
    let aside = |aside: &Aside| match aside {
        Aside::FeeDoesNotApply { fee: id, .. } | Aside::Waived { fee: id, .. } => *id == fee.id,
        _ => false,
    };
    let refunded = |u: &&replay::judge::UnitJudgement| {
        u.status == UnitStatus::Eligible && u.remedy == Some(Remedy::Refund)
    };
    let out_of_scope = s
        .units()
        .filter(|(_, u)| refunded(u))
        .any(|(piece, u)| !s.trial.in_scope(&fee.scope, &piece, u.basis, u.remedy, &u.windows));
    [lines.next().is_some(), s.judged.asides.iter().any(aside) || out_of_scope]
}

/// The fee is waived; it is taken.
pub fn waiver(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().fees.get(at) else { return [false; 2] };
    let waived = |aside: &Aside| matches!(aside, Aside::Waived { fee, .. } if *fee == row.id);
    [s.judged.asides.iter().any(waived), fee(s, at)[0]]
}

/// Outbound shipping is paid back; it is kept, or the other way round for a row that keeps it.
pub fn component(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().components.get(at) else { return [false; 2] };
    let paid = s.judged.lines.iter().any(|l| l.kind == LineKind::OutboundShipping && l.cites == row.cites);
    let kept = |aside: &Aside| match aside {
        Aside::ShippingKept { cites, .. } => row.refundable || within(&row.cites, cites),
        _ => false,
    };
    let kept = s.judged.asides.iter().any(kept);
    if row.refundable { [paid, kept] } else { [kept, paid] }
}

/// Whether no money can move by a row: the merchant bears the cost, and nothing says that he repays it.
pub fn moves_nothing(row: &CostRule) -> bool {
    row.payer == Party::Merchant && !row.reimburse
}

/// Money moves by this row; the same cost is looked at and no money moves by it, because who must pay has paid, because
/// it waits, or because another row or none decides.
pub fn cost(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().costs.get(at) else { return [false; 2] };
    let name = row.cost.as_str();
    let payer = match name {
        "inbound_shipping" => Some(&s.judged.inbound_shipping),
        "return_leg_shipping" => Some(&s.judged.return_leg_shipping),
        _ => None,
    };
    let mut seen = [false; 2];
    let moved = moved(s, name, |cites| *cites == row.cites);
    let others = self::moved(s, name, |cites| *cites != row.cites);
    let decides = payer.is_some_and(|p| p.cites == row.cites);
    let mut aside_by_it = false;
    for (cites, why) in asides(s, name) {
        let by_it = why != Settled::LiesWhereItFell && within(&row.cites, cites);
        aside_by_it |= by_it;
        seen[1] |= !moves_nothing(row) && (by_it || why == Settled::LiesWhereItFell);
        seen[1] |= moves_nothing(row) && !by_it;
    }
    seen[0] |= if moves_nothing(row) { decides || aside_by_it } else { moved };
    seen[1] |= others || payer.is_some_and(|p| p.cites != row.cites);
    seen
}

fn moved(s: &Sight<'_>, cost: &str, wanted: impl Fn(&Cites) -> bool) -> bool {
    s.judged.lines.iter().any(|l| l.is_of_cost(cost) && wanted(&l.cites))
        || s.judged.charges.iter().any(|c| c.what.as_str() == cost && wanted(&c.cites))
}

fn asides<'s>(s: &'s Sight<'_>, name: &str) -> impl Iterator<Item = (&'s Cites, Settled)> {
    s.judged.asides.iter().filter_map(move |aside| match aside {
        Aside::Cost { cost, why, cites, .. } if cost.as_str() == name => Some((cites, *why)),
        _ => None,
    })
}

/// Such a cost is on record and gives no line; another cost is settled by its row, so that it is not for want of looking.
pub fn never(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().nevers.get(at) else { return [false; 2] };
    let own = asides(s, row.cost.as_str()).any(|(_, why)| why == Settled::Never);
    let another = s.policy().costs.iter().any(|other| {
        moved(s, other.cost.as_str(), |_| true)
            || asides(s, other.cost.as_str()).any(|(_, why)| why == Settled::PaidByWhoMust)
    });
    [own, another]
}

/// Money is due by this row; it is due by another one, or went (or should have gone) another way.
pub fn payout(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let due = s.judged.payable_minor > 0;
    let another = s
        .standing()
        .iter()
        .any(|event| matches!(&*event.event, Event::RefundIssued(r) if r.payout.to == PayoutTo::OtherMethod));
    let own = due && s.judged.payout == Some(at);
    let refused = ["refund_issued", "gift_credit_issued"];
    let refused = refused.iter().any(|kind| s.was_refused(kind, |reason| reason.starts_with("payout_")));
    [own, (due && s.judged.payout != Some(at)) || (own && another) || refused]
}
