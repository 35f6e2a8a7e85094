//! The waterfall: price, tax, shipping, fees, deductions, repaid costs, goodwill, in this order and never below zero.

use alloc::{format, string::String, vec::Vec};

use super::{Judgement, Trial, UnitJudgement, cost::Owed, cost::Settled};
use crate::{
    allocate::percent_floor,
    event::{Remedy, UnitStatus},
    ids::{Code, EventId},
    order::Worth,
    policy::{Cites, Collect, Fee, OnFail, Rate, Truth},
    units::LineId,
};

/// What a line of a refund is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineKind {
    Item,
    Tax,
    /// Outbound shipping with its tax.
    OutboundShipping,
    /// A percentage fee, by the id of its row.
    Fee(Code),
    PartialDeduction,
    /// What was captured is less than what was sold (H-14).
    Cap,
    Reimbursement(Code),
    /// A cost that the customer must bear, taken off.
    Cost(Code),
    OtherCompensation,
    /// Outside the policy (H-19): `goodwill`, `statutory`.
    Outside(String),
}

impl LineKind {
    /// The name in JSON and on paper.
    pub fn name(&self) -> String {
        match self {
            LineKind::Item => "item".into(),
            LineKind::Tax => "tax".into(),
            LineKind::OutboundShipping => "outbound_shipping".into(),
            LineKind::Fee(id) => format!("{id}_fee"),
            LineKind::PartialDeduction => "partial_deduction".into(),
            LineKind::Cap => "cap".into(),
            LineKind::Reimbursement(cost) => format!("reimburse_{cost}"),
            LineKind::Cost(cost) => cost.as_str().into(),
            LineKind::OtherCompensation => "other_compensation".into(),
            LineKind::Outside(what) => what.clone(),
        }
    }
}

/// One line of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub kind: LineKind,
    /// The order line it belongs to, for price and tax.
    pub order_line: Option<LineId>,
    /// Signed, in minor units of the order's currency.
    pub minor: i64,
    pub cites: Cites,
    /// How it came about, run by run of units; empty where a single amount was recorded.
    pub terms: Vec<Term>,
    /// The events behind it.
    pub events: Vec<EventId>,
}

/// A part of a line: a run of units and what was taken of which base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub line: LineId,
    pub first: u32,
    pub last: u32,
    /// What the percentage was taken of, or the share itself.
    pub base_minor: u64,
    pub bp: Option<u32>,
    pub taken_minor: u64,
}

/// Money the customer owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub what: Code,
    pub minor: u64,
    pub cites: Cites,
    pub events: Vec<EventId>,
}

/// Something that was looked at and gives no line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aside {
    /// A cost on record.
    Cost { cost: Code, minor: u64, why: Settled, cites: Cites, event: EventId },
    /// A fee that was waived: what it would have been, and the clauses that waive it.
    Waived { fee: Code, minor: u64, cites: Cites },
    /// A fee whose condition does not hold.
    FeeDoesNotApply { fee: Code, cites: Cites },
    /// Outbound shipping that is not paid back, by a clause or because none says so.
    ShippingKept { minor: u64, cites: Cites },
    /// A fixed fee in another currency than the order's.
    OtherCurrency { fee: Code, cites: Cites },
}

/// The refund while it is worked out.
pub(super) struct Waterfall<'a> {
    pub judged: &'a mut Judgement,
    /// What deductions may still take: never below zero, and never what is repaid (model.md section 2, step 7).
    pub deductible: u64,
}

impl Waterfall<'_> {
    /// A line that gives.
    fn give(
        &mut self,
        kind: LineKind,
        of: Option<&LineId>,
        minor: u64,
        cites: &Cites,
        term: Option<Term>,
    ) -> &mut Line {
        self.add(kind, of, i64::try_from(minor).unwrap_or(i64::MAX), cites, term)
    }
    /// A line that takes off.
    pub(super) fn take(
        &mut self,
        kind: LineKind,
        of: Option<&LineId>,
        minor: u64,
        cites: &Cites,
        event: &EventId,
    ) {
        let minor = i64::try_from(minor).unwrap_or(i64::MAX).saturating_neg();
        self.add(kind, of, minor, cites, None).events.push(*event);
    }
    /// Equal lines under equal clauses are one line.
    fn add(
        &mut self,
        kind: LineKind,
        of: Option<&LineId>,
        minor: i64,
        cites: &Cites,
        term: Option<Term>,
    ) -> &mut Line {
        let lines = &mut self.judged.lines;
        let same = |l: &Line| l.kind == kind && l.order_line.as_ref() == of && l.cites == *cites;
        let at = match lines.iter().position(same) {
            Some(at) => at,
            None => {
                let (order_line, cites) = (of.cloned(), cites.clone());
                lines.push(Line { kind, order_line, minor: 0, cites, terms: Vec::new(), events: Vec::new() });
                lines.len().saturating_sub(1)
            }
        };
        #[allow(clippy::indexing_slicing, reason = "the index was found or made in the lines above")]
        let line = &mut lines[at];
        line.minor = line.minor.saturating_add(minor);
        line.terms.extend(term);
        line
    }
    pub(super) fn reimburse(&mut self, owed: &Owed, rule: &crate::policy::CostRule) {
        let kind = LineKind::Reimbursement(owed.cost.clone());
        self.give(kind, None, owed.minor, &rule.cites, None).events.push(owed.event);
    }
    pub(super) fn charge(&mut self, what: &Code, minor: u64, cites: &Cites, event: EventId) {
        let charges = &mut self.judged.charges;
        match charges.iter_mut().find(|c| c.what == *what && c.cites == *cites) {
            Some(charge) => {
                charge.minor = charge.minor.saturating_add(minor);
                charge.events.push(event);
            }
            None => charges.push(Charge {
                what: what.clone(),
                minor,
                cites: cites.clone(),
                events: Vec::from([event]),
            }),
        }
    }
    pub(super) fn aside(&mut self, owed: &Owed, why: Settled, cites: &Cites) {
        let (cost, minor, event) = (owed.cost.clone(), owed.minor, owed.event);
        self.judged.asides.push(Aside::Cost { cost, minor, why, cites: cites.clone(), event });
    }
}

impl Trial<'_> {
    /// Works out the refund of the eligible units.
    pub(super) fn waterfall(&self, judged: &mut Judgement) {
        let counts = |u: &UnitJudgement| {
            u.status == UnitStatus::Eligible && self.only.is_none_or(|only| u.units.is_subset(only))
        };
        let eligible: Vec<UnitJudgement> = judged.units.iter().filter(|u| counts(u)).cloned().collect();
        let refunded: Vec<&UnitJudgement> =
            eligible.iter().filter(|u| u.remedy == Some(Remedy::Refund)).collect();
        let mut fall = Waterfall { judged, deductible: 0 };
        let (mut price, mut kept) = (0u64, 0u64);
        for unit in &refunded {
            let Some(line) = self.facts.sale.value.lines.get(unit.line_at) else { continue };
            let worth = self.shares.of(unit.line_at, unit.first, unit.last);
            let term = |minor| share_term(&line.id, unit, minor);
            let of = Some(&line.id);
            fall.give(LineKind::Item, of, worth.net_minor, &unit.cites, Some(term(worth.net_minor)));
            if worth.tax_minor > 0 {
                fall.give(LineKind::Tax, of, worth.tax_minor, &Cites::house(13), Some(term(worth.tax_minor)));
            }
            price = price.saturating_add(worth.net_minor).saturating_add(worth.tax_minor);
            kept = kept.saturating_add(self.shipping(&mut fall, unit, &worth));
        }
        let shipped = self.sum(&fall, |l| l.kind == LineKind::OutboundShipping);
        if kept > 0 {
            let cites = self.policy.components.iter().filter(|c| !c.refundable);
            let cites = cites.fold(Cites::default(), |all, c| all.with(&c.cites));
            let cites = if cites.is_empty() { Cites::house(11) } else { cites };
            fall.judged.asides.push(Aside::ShippingKept { minor: kept, cites });
        }
        self.fees(&mut fall, &eligible);
        self.partial(&mut fall, &refunded);
        self.cap(&mut fall, price.saturating_add(shipped));
        fall.deductible = self.sum(&fall, |_| true);
        self.settle_costs(&mut fall);
        self.outside_and_instead(&mut fall, &eligible);
        judged.payable_minor =
            judged.lines.iter().fold(0i64, |sum, l| sum.saturating_add(l.minor)).max(0).unsigned_abs();
        judged.lines.retain(|l| l.minor != 0);
    }

    /// The sum of some lines, never below zero.
    fn sum(&self, fall: &Waterfall<'_>, wanted: impl Fn(&Line) -> bool) -> u64 {
        let lines = fall.judged.lines.iter().filter(|l| wanted(l));
        lines.fold(0i64, |sum, l| sum.saturating_add(l.minor)).max(0).unsigned_abs()
    }

    /// Outbound shipping, where a clause gives it back; returns what is kept.
    fn shipping(&self, fall: &mut Waterfall<'_>, unit: &UnitJudgement, worth: &Worth) -> u64 {
        let minor = worth.shipping_minor.saturating_add(worth.shipping_tax_minor);
        if minor == 0 {
            return 0;
        }
        let Some(piece) = self.piece_of(unit) else { return minor };
        let row = self
            .policy
            .components
            .iter()
            .find(|row| self.in_scope(&row.scope, &piece, unit.basis, unit.remedy, &unit.windows));
        match row {
            Some(row) if row.refundable => {
                let term = share_term(&piece.line.id, unit, minor);
                fall.give(LineKind::OutboundShipping, None, minor, &row.cites, Some(term));
                0
            }
            _ => minor,
        }
    }

    pub(super) fn piece_of<'s>(&'s self, unit: &UnitJudgement) -> Option<super::Piece<'s>> {
        self.pieces(&self.facts.units).find(|p| p.line_at == unit.line_at && p.first == unit.first)
    }

    fn fees(&self, fall: &mut Waterfall<'_>, eligible: &[UnitJudgement]) {
        for unit in eligible {
            let Some(piece) = self.piece_of(unit) else { continue };
            let own = self.fee_by_decision(unit);
            for fee in &self.policy.fees {
                if !self.in_scope(&fee.scope, &piece, unit.basis, unit.remedy, &unit.windows) {
                    continue;
                }
                if let Some(point) = &fee.needs_discretion
                    && !self.facts.decision_at(point, &unit.units).is_some_and(|d| d.accepts())
                {
                    continue;
                }
                match fee.rate {
                    Rate::Fixed(amount) => self.fixed_fee(fall, fee, amount, unit),
                    Rate::PercentBp(bp) if own.is_none() && unit.remedy == Some(Remedy::Refund) => {
                        let condition =
                            fee.when.as_ref().map(|p| self.truth(&piece, &unit.units, unit.basis, p));
                        let waived =
                            fee.waive_when.as_ref().map(|p| self.truth(&piece, &unit.units, unit.basis, p));
                        let taken = self.percentage(unit, bp);
                        let fee_id = fee.id.clone();
                        if condition.is_some_and(|c| c != Truth::True) {
                            fall.judged
                                .asides
                                .push(Aside::FeeDoesNotApply { fee: fee_id, cites: fee.cites.clone() });
                        } else if waived == Some(Truth::True) {
                            fall.judged.waivers.add(&fee.waiver_cites);
                            let cites = fee.waiver_cites.clone();
                            fall.judged.asides.push(Aside::Waived { fee: fee_id, minor: taken, cites });
                        } else {
                            self.percent_line(fall, fee_id, unit, bp, taken, &fee.cites);
                        }
                    }
                    Rate::PercentBp(_) => {}
                }
            }
            if let Some((bp, cites, event)) = own
                && unit.remedy == Some(Remedy::Refund)
            {
                let percent = self.policy.fees.iter().find(|f| matches!(f.rate, Rate::PercentBp(_)));
                let id = percent.map(|f| f.id.clone()).or_else(|| Code::new("restocking").ok());
                if let Some(id) = id {
                    let taken = self.percentage(unit, bp);
                    self.percent_line(fall, id, unit, bp, taken, &cites);
                    if let Some(line) = fall.judged.lines.last_mut() {
                        line.events.push(event);
                    }
                }
            }
        }
    }

    /// A percentage that a person has set when accepting the unit; it takes the place of the policy's own.
    fn fee_by_decision(&self, unit: &UnitJudgement) -> Option<(u32, Cites, EventId)> {
        unit.asked.iter().filter(|a| a.outcome == super::Outcome::Accepted).find_map(|asked| {
            let point = self.policy.requirements.get(asked.row)?.point.as_ref()?;
            let decision = self.facts.decision_at(point, &unit.units)?;
            let cites = self.policy.point(point.as_str()).map(|p| p.cites.clone())?;
            Some((decision.fee_bp?, cites, decision.event))
        })
    }

    /// Per unit and rounded down, so that it does not matter how returns are split (H-10).
    fn percentage(&self, unit: &UnitJudgement, bp: u32) -> u64 {
        (unit.first..=unit.last).fold(0u64, |sum, n| {
            let net = self.shares.of(unit.line_at, n, n).net_minor;
            sum.saturating_add(percent_floor(net, bp))
        })
    }

    fn percent_line(
        &self,
        fall: &mut Waterfall<'_>,
        fee: Code,
        unit: &UnitJudgement,
        bp: u32,
        taken: u64,
        cites: &Cites,
    ) {
        let Some(line) = self.facts.sale.value.lines.get(unit.line_at) else { return };
        let base_minor = self.shares.of(unit.line_at, unit.first, unit.last).net_minor;
        let term = Term {
            line: line.id.clone(),
            first: unit.first,
            last: unit.last,
            base_minor,
            bp: Some(bp),
            taken_minor: taken,
        };
        let minor = i64::try_from(taken).unwrap_or(i64::MAX).saturating_neg();
        fall.add(LineKind::Fee(fee), None, minor, cites, Some(term));
    }

    fn fixed_fee(
        &self,
        fall: &mut Waterfall<'_>,
        fee: &Fee,
        amount: crate::money::Amount,
        unit: &UnitJudgement,
    ) {
        if amount.currency() != fall.judged.currency {
            let (fee, cites) = (fee.id.clone(), fee.cites.clone());
            fall.judged.asides.push(Aside::OtherCurrency { fee, cites });
            return;
        }
        // Once per claim, however many units it serves.
        let known = fall.judged.charges.iter().any(|c| c.what == fee.id)
            || fall.judged.lines.iter().any(|l| l.kind == LineKind::Fee(fee.id.clone()));
        if known {
            return;
        }
        let event = unit.chosen_by.unwrap_or(self.facts.opened.event);
        match fee.collect {
            Collect::Deduct if unit.remedy == Some(Remedy::Refund) => {
                fall.take(LineKind::Fee(fee.id.clone()), None, amount.minor(), &fee.cites, &event);
            }
            _ => fall.charge(&fee.id, amount.minor(), &fee.cites, event),
        }
    }

    /// Part of the money only: the amount a person has set, once per decision, at most the price of its units.
    fn partial(&self, fall: &mut Waterfall<'_>, refunded: &[&UnitJudgement]) {
        let mut done: Vec<EventId> = Vec::new();
        for unit in refunded {
            for asked in unit.asked.iter().filter(|a| a.outcome == super::Outcome::Accepted) {
                let Some(row) =
                    self.policy.requirements.get(asked.row).filter(|r| r.on_fail == OnFail::Partial)
                else {
                    continue;
                };
                let Some(point) = &row.point else { continue };
                let Some(decision) = self.facts.decision_at(point, &unit.units) else { continue };
                if done.contains(&decision.event) {
                    continue;
                }
                done.push(decision.event);
                let item = self.sum(fall, |l| l.kind == LineKind::Item);
                let minor = decision.minor.unwrap_or(0).min(item);
                let cites = self.policy.point(point.as_str()).map(|p| p.cites.clone()).unwrap_or_default();
                fall.take(LineKind::PartialDeduction, None, minor, &cites, &decision.event);
            }
        }
    }

    /// Price, tax and shipping are paid back at most as far as they were taken (H-14).
    fn cap(&self, fall: &mut Waterfall<'_>, given: u64) {
        let over = given.saturating_sub(self.facts.captured_minor);
        if over > 0 {
            let event = self.facts.sale.event;
            fall.take(LineKind::Cap, None, over, &Cites::house(14), &event);
        }
    }

    /// What a person grants instead of the other remedies, and what is paid outside the policy, each on its own line.
    fn outside_and_instead(&self, fall: &mut Waterfall<'_>, eligible: &[UnitJudgement]) {
        let mut done: Vec<EventId> = Vec::new();
        for unit in eligible.iter().filter(|u| u.remedy == Some(Remedy::OtherCompensation)) {
            for (at, _) in unit.entitlements.iter().filter(|(_, truth)| *truth == Truth::True) {
                let Some(e) = self.policy.entitlements.get(*at) else { continue };
                if !e.remedies.contains(&Remedy::OtherCompensation) {
                    continue;
                }
                let decision =
                    e.needs_discretion.as_ref().and_then(|p| self.facts.decision_at(p, &unit.units));
                if let Some(decision) = decision.filter(|d| !done.contains(&d.event)) {
                    done.push(decision.event);
                    let minor = decision.minor.unwrap_or(0);
                    let line = fall.give(LineKind::OtherCompensation, None, minor, &e.cites, None);
                    line.events.push(decision.event);
                }
            }
        }
        for decision in self.facts.goodwill() {
            let what = decision.point.as_str().strip_prefix("H-19.").unwrap_or("goodwill");
            let kind = LineKind::Outside(what.into());
            let line = fall.give(kind, None, decision.minor.unwrap_or(0), &Cites::house(19), None);
            line.events.push(decision.event);
        }
    }
}

fn share_term(line: &LineId, unit: &UnitJudgement, minor: u64) -> Term {
    Term {
        line: line.clone(),
        first: unit.first,
        last: unit.last,
        base_minor: minor,
        bp: None,
        taken_minor: minor,
    }
}
