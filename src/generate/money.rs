//! Money: what is owed, how it goes out, what goes wrong with it, and what the customer owes.

use replay::{
    event::{Basis, Direction, Party, Remedy},
    ids::Code,
};

use super::{
    act::{By, Deal, Goods, Money, Part, Talk, What},
    life::Case,
    story::Pen,
    terms::Grant,
};

impl<'m> Pen<'_, 'm> {
    pub(super) fn units_count(&self, part: Part) -> u64 {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        claim.map_or(0, |c| c.units(part).iter().map(|run| u64::from(run.count())).sum())
    }

    /// Price and tax of a part of the claim.
    pub(super) fn value(&self, part: Part) -> u64 {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        claim.map_or(0, |c| self.story.sale.value(&c.units(part)))
    }

    pub(super) fn postage(&mut self) -> u64 {
        let cents = self.chance.between(690, 2_890);
        self.story.market.coin.minor(cents).max(1)
    }

    /// The customer has paid the way back and sends the receipt, now and then twice.
    pub(super) fn own_cost(&mut self, case: &mut Case<'m>) {
        let minor = self.postage();
        let abroad = self.story.market.abroad && self.chance.percent(25);
        let cost = Money::Cost { cost: "inbound_shipping", paid_by: Party::Customer, minor, abroad };
        self.tell(By::Portal, cost);
        if self.chance.per_mille(35) {
            self.customer_later(2, 30);
            self.tell(By::Portal, cost);
            let target = self.revision();
            self.work_later(2, 30);
            self.tell(By::Agent, Deal::Reversed { target });
        }
        case.costs += minor;
    }

    /// A person decides at a point of the policy.
    pub(super) fn discretion(&mut self, point: &'m Code, against: bool, minor: Option<u64>) {
        let Some(rule) = self.story.merchant.terms.point(point) else { return };
        let negative = |option: &str| matches!(option, "deny" | "decline" | "keep" | "no_label");
        let wanted = rule.options.iter().find(|o| negative(o) == against).or(rule.options.first());
        let Some(option) = wanted else { return };
        let fee_bp = rule.fee_bp_max.filter(|_| !against && minor.is_none());
        let fee_bp = fee_bp.map(|max| u32::try_from(self.chance.between(0, max / 500) * 500).unwrap_or(0));
        self.tell(By::Supervisor, Money::Discretion { point, option, fee_bp, minor });
    }

    pub(super) fn settle_charge(&mut self, case: &Case<'m>, minor: u64) {
        let charge = case.charges;
        self.later(20, 24 * 8);
        match self.chance.below(10) {
            0..2 => {
                self.at_work();
                self.tell(By::Supervisor, Money::ChargeWaived { charge });
            }
            2 if minor > 1 => {
                self.tell(By::Psp, Money::ChargePaid { charge, minor: minor / 2 });
                self.later(20, 24 * 8);
                self.tell(By::Psp, Money::ChargePaid { charge, minor: minor - minor / 2 });
            }
            _ => self.tell(By::Psp, Money::ChargePaid { charge, minor }),
        }
    }

    /// A person offers money instead of a return.
    pub(super) fn compensated(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let minor = self.value(Part::All) * self.chance.between(10, 45) / 100;
        let Some(point) = grant.row.point.as_ref().filter(|_| minor > 0) else { return };
        self.work_later(3, 40);
        self.discretion(point, false, Some(minor));
        self.and(By::Agent, Goods::Offered(Remedy::OtherCompensation));
        self.customer_later(4, 60);
        let (part, remedy) = (Part::All, Remedy::OtherCompensation);
        self.at_work();
        self.tell(By::Agent, Goods::Decided { part, remedy, minor: Some(minor), cites: &grant.row.cites });
        case.owed += minor;
        self.refund(case);
        self.closed("refunded");
    }

    /// What is owed for a part of the claim is decided and paid; `minor` when a person has set it.
    pub(super) fn paid(&mut self, case: &mut Case<'m>, grant: &'m Grant, part: Part, minor: Option<u64>) {
        let story = &*self.story;
        let terms = &story.merchant.terms;
        let Some(claim) = story.claims.get(usize::from(self.stream) - 1) else { return };
        let units = claim.units(part);
        let mut owed = minor.unwrap_or_else(|| {
            let own = matches!(case.basis, Basis::ChangeOfMind | Basis::WrongPurchase);
            let fee = terms
                .restocking
                .iter()
                .find(|r| own && r.what.1 && r.is_about(case.basis, Some(Remedy::Refund)));
            story.sale.value(&units) - fee.map_or(0, |r| story.sale.fee(&units, r.what.0))
        });
        let whole = units == story.sale.all();
        if whole && minor.is_none() && terms.outbound.iter().any(|r| r.is_about(case.basis, None)) {
            owed += story.sale.shipping_with_tax();
        }
        if terms.reimbursed.iter().any(|r| r.is_about(case.basis, None)) {
            owed += std::mem::take(&mut case.costs);
        }
        if owed == 0 {
            return;
        }
        let gift = terms.gift_credit.as_ref().filter(|_| story.gift);
        self.at_work();
        let cites = gift.map_or(&grant.row.cites, |r| &r.cites);
        self.tell(By::Agent, Goods::Decided { part, remedy: Remedy::Refund, minor: Some(owed), cites });
        if self.chance.percent(25) {
            self.and(By::Agent, Talk::Notice("remedy_decided"));
        }
        case.owed += owed;
        if gift.is_some() {
            self.work_later(2, 30);
            case.refunds += 1;
            self.tell(By::Agent, Money::GiftCredit { credit: case.refunds, minor: case.owed });
            (case.owed, case.paid) = (0, true);
        } else {
            self.refund(case);
        }
    }

    /// Everything that is owed goes out, sometimes in two parts, sometimes twice.
    fn refund(&mut self, case: &mut Case<'m>) {
        self.work_later(1, 50);
        if case.owed > 1 && self.chance.percent(5) {
            let half = case.owed / 2;
            self.issue(case, half, false);
            self.posted(case);
            self.work_later(24, 24 * 5);
        }
        self.issue(case, case.owed, false);
        match self.chance.below(1_000) {
            0..32 => self.failed(case),
            32..52 => {
                // The provider never got it: it did not occur, and is issued anew.
                let (target, minor) = (self.revision(), self.last_refund());
                self.work_later(1, 20);
                self.tell(By::Finance, Deal::Reversed { target });
                self.issue(case, minor, false);
            }
            52..66 => {
                self.later(24 * 12, 24 * 16);
                self.tell(By::Engine, Money::Late { refund: case.refunds });
                if self.chance.percent(70) {
                    self.customer_later(10, 60);
                    self.tell(By::Portal, Money::TraceOpened { refund: case.refunds });
                    self.later(24, 24 * 6);
                    self.tell(By::Psp, Money::TraceAnswered { refund: case.refunds });
                }
            }
            _ => {}
        }
        self.posted(case);
    }

    fn issue(&mut self, case: &mut Case<'m>, minor: u64, other_method: bool) {
        case.refunds += 1;
        self.tell(By::Finance, Money::Refund { refund: case.refunds, minor, other_method });
        case.owed = case.owed.saturating_sub(minor);
        case.paid = true;
    }

    fn failed(&mut self, case: &mut Case<'m>) {
        let minor = self.last_refund();
        self.later(24, 24 * 4);
        self.tell(By::Psp, Money::Failed { refund: case.refunds });
        if self.chance.percent(60) {
            self.customer_later(2, 50);
            self.tell(By::Portal, Talk::Contact(Direction::Inbound));
        }
        self.work_later(2, 30);
        let other_method = self.chance.percent(65);
        self.issue(case, minor, other_method);
    }

    /// The amount of the last refund of this claim.
    fn last_refund(&self) -> u64 {
        let own = self.story.acts.iter().rev().filter(|act| act.stream == self.stream);
        own.filter_map(|act| {
            if let What::Money(Money::Refund { minor, .. }) = act.what { Some(minor) } else { None }
        })
        .next()
        .unwrap_or_default()
    }

    fn posted(&mut self, case: &Case<'m>) {
        self.later(24, 24 * 5);
        if self.chance.percent(90) {
            self.tell(By::Psp, Money::Posted { refund: case.refunds });
        }
    }

    /// Money outside the policy, with a second person.
    pub(super) fn goodwill(&mut self, case: &mut Case<'m>) {
        let cents = self.chance.between(5, 40) * 100;
        let minor = self.story.market.coin.minor(cents).max(1);
        self.work_later(1, 20);
        self.tell(By::Supervisor, Money::Goodwill { minor });
        case.owed += minor;
        self.refund(case);
    }
}
