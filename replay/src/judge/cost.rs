//! Who must bear a cost, and what follows from who has paid it (H-11, H-12, H-18).

use super::{Line, LineKind, Piece, Trial, UnitJudgement, money::Waterfall};
use crate::{
    event::{Party, UnitStatus},
    ids::{Code, EventId},
    policy::{Cites, Collect, CostRule},
    units::Units,
};
use alloc::vec::Vec;

/// Who bears a cost, by which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Payer {
    /// `None` = no clause: it lies where it falls (H-11).
    pub party: Option<Party>,
    pub cites: Cites,
}

/// What came of a cost on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The policy says there is never a line for it.
    Never,
    /// No clause: it lies where it fell (H-11).
    LiesWhereItFell,
    /// Who must pay has paid (H-12).
    PaidByWhoMust,
    /// The merchant bears it, but no clause makes him repay what the customer has spent.
    NotRepaid,
    /// It is repaid once the goods are in.
    AfterReceipt,
    /// It is repaid once its receipt is on record.
    WithoutReceipt,
    /// Repaid, deducted or charged.
    Taken,
}

/// A cost as the settlement sees it.
pub(super) struct Owed {
    pub cost: Code,
    pub paid_by: Party,
    pub minor: u64,
    pub receipt: bool,
    pub units: Units,
    pub event: EventId,
}

impl Trial<'_> {
    /// The row that says who must bear a cost for one run of units: the highest priority that matches.
    pub(super) fn rule_for(
        &self,
        cost: &Code,
        piece: &Piece<'_>,
        judged: &UnitJudgement,
    ) -> Option<&CostRule> {
        let rows = self.policy.costs.iter().filter(|row| {
            row.cost == *cost
                && self.in_scope(&row.scope, piece, judged.basis, judged.remedy, &judged.windows)
        });
        // The first of equal priority; a policy with two of them that differ does not pass its check.
        rows.reduce(|best, row| if row.priority > best.priority { row } else { best })
    }

    /// The row for several units together: a cost that they share is settled once, and a row that puts it on the
    /// merchant wins (H-18).
    fn rule_for_all<'s>(
        &'s self,
        cost: &Code,
        units: &[UnitJudgement],
        among: &Units,
    ) -> Option<&'s CostRule> {
        let mut found: Option<&CostRule> = None;
        for piece in self.pieces(&self.facts.units) {
            let Some(judged) = units.iter().find(|u| u.line_at == piece.line_at && u.first == piece.first)
            else {
                continue;
            };
            if judged.units.intersection(among).is_empty() {
                continue;
            }
            if let Some(rule) = self.rule_for(cost, &piece, judged)
                && (found.is_none() || rule.payer == Party::Merchant)
            {
                found = Some(rule);
                if rule.payer == Party::Merchant {
                    break;
                }
            }
        }
        found
    }

    /// Who bears a cost of this claim, whether anybody has paid it or not.
    pub(super) fn payer(&self, cost: &str, units: &[UnitJudgement]) -> Payer {
        let all = self.facts.units.units();
        let rule = Code::new(cost).ok().and_then(|cost| self.rule_for_all(&cost, units, &all));
        match rule {
            Some(rule) => Payer { party: Some(rule.payer), cites: rule.cites.clone() },
            None => Payer { party: None, cites: Cites::house(11) },
        }
    }

    /// Settles every cost in the order of the log: what the merchant must repay, and what the customer still owes.
    pub(super) fn settle_costs(&self, fall: &mut Waterfall<'_>) {
        let eligible = fall.judged.units_where(|u| u.status == UnitStatus::Eligible);
        let mut deductions: Vec<(Owed, &CostRule)> = Vec::new();
        for owed in self.costs(&fall.judged.units) {
            let among = owed.units.intersection(&eligible);
            if let Some(never) = self.policy.nevers.iter().find(|n| n.cost == owed.cost) {
                fall.aside(&owed, Settled::Never, &never.cites);
                continue;
            }
            if among.is_empty() {
                continue;
            }
            let Some(rule) = self.rule_for_all(&owed.cost, &fall.judged.units, &among) else {
                fall.aside(&owed, Settled::LiesWhereItFell, &Cites::house(11));
                continue;
            };
            match (rule.payer, owed.paid_by) {
                (Party::Merchant, Party::Merchant) | (Party::Customer, Party::Customer) => {
                    fall.aside(&owed, Settled::PaidByWhoMust, &rule.cites.clone().with(&Cites::house(12)));
                }
                (Party::Merchant, Party::Customer) if !rule.reimburse => {
                    fall.aside(&owed, Settled::NotRepaid, &rule.cites.clone().with(&Cites::house(11)));
                }
                (Party::Merchant, Party::Customer) if rule.after_receipt && !fall.judged.received => {
                    fall.aside(&owed, Settled::AfterReceipt, &rule.cites);
                }
                (Party::Merchant, Party::Customer) if !owed.receipt => {
                    fall.aside(&owed, Settled::WithoutReceipt, &rule.cites);
                }
                (Party::Merchant, Party::Customer) => fall.reimburse(&owed, rule),
                // Taken off last, so that what is paid back stands above it.
                (Party::Customer, Party::Merchant) => deductions.push((owed, rule)),
            }
        }
        for (owed, rule) in deductions {
            let off = match rule.collect {
                Collect::Charge => 0,
                Collect::Deduct | Collect::DeductOrCharge => owed.minor.min(fall.deductible),
            };
            if off > 0 {
                fall.deductible = fall.deductible.saturating_sub(off);
                fall.take(LineKind::Cost(owed.cost.clone()), None, off, &rule.cites, &owed.event);
            }
            let rest = owed.minor.saturating_sub(off);
            match rule.collect {
                Collect::Deduct if rest > 0 => fall.aside(
                    &Owed { minor: rest, ..owed },
                    Settled::LiesWhereItFell,
                    &rule.cites.clone().with(&Cites::house(14)),
                ),
                Collect::Charge | Collect::DeductOrCharge if rest > 0 => {
                    fall.charge(&owed.cost, rest, &rule.cites, owed.event);
                }
                _ => {}
            }
        }
    }

    /// Costs on record, and the parts that inspections found missing at the price the order froze (H-16).
    fn costs(&self, units: &[UnitJudgement]) -> Vec<Owed> {
        let all = self.facts.units.units();
        let mut owed: Vec<Owed> = Vec::new();
        for c in &self.facts.costs {
            owed.push(Owed {
                cost: c.cost.clone(),
                paid_by: c.paid_by,
                minor: c.minor,
                receipt: c.receipt,
                units: c.units.clone().unwrap_or_else(|| all.clone()),
                event: c.event,
            });
        }
        let Ok(cost) = Code::new("missing_accessory") else { return owed };
        if owed.iter().any(|o| o.cost == cost) {
            return owed;
        }
        for piece in self.pieces(&self.facts.units) {
            let Some(missing) = &piece.unit.accessories_missing else { continue };
            let Some(judged) = units.iter().find(|u| u.line_at == piece.line_at && u.first == piece.first)
            else {
                continue;
            };
            let each = missing.value.iter().filter_map(|name| {
                piece.line.accessories.iter().find(|a| a.name == *name).map(|a| a.price_minor)
            });
            let each = each.fold(0u64, u64::saturating_add);
            let count = u64::from(piece.last.saturating_sub(piece.first)).saturating_add(1);
            let minor = each.saturating_mul(count);
            if minor > 0 {
                owed.push(Owed {
                    cost: cost.clone(),
                    paid_by: Party::Merchant,
                    minor,
                    receipt: true,
                    units: judged.units.clone(),
                    event: missing.event,
                });
            }
        }
        owed
    }
}

impl Line {
    /// Whether it is about this cost.
    pub fn is_of_cost(&self, cost: &str) -> bool {
        matches!(&self.kind, LineKind::Cost(c) | LineKind::Reimbursement(c) if c.as_str() == cost)
    }
}
