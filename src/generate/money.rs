//! Money: how what is owed goes out, what goes wrong with it, and what the customer owes. How much it is, the engine
//! says.

use replay::{
    event::{Direction, GiftShippedTo, Party, PayoutTo, Remedy},
    ids::Code,
};

use super::{
    act::{By, Deal, Goods, Money, Part, Talk},
    life::Plan,
    pen::Pen,
};

impl Pen<'_, '_> {
    pub(super) fn units_count(&self, part: Part) -> u64 {
        self.runs(part).iter().map(|run| u64::from(run.count())).sum()
    }
    /// Price and tax of a part of the claim.
    pub(super) fn value(&self, part: Part) -> u64 {
        self.story.sale.value(&self.runs(part))
    }
    pub(super) fn postage(&mut self) -> u64 {
        let cents = self.chance.between(690, 2_890);
        self.story.market.coin.minor(cents).max(1)
    }

    /// The customer has paid the way back and sends the receipt, now and then twice, now and then none.
    pub(super) fn own_cost(&mut self) {
        let minor = self.postage();
        let abroad = self.story.market.abroad && self.chance.percent(25);
        let cost = if self.chance.percent(4) { "installation" } else { "inbound_shipping" };
        let told = || Money::Cost { cost, paid_by: Party::Customer, minor, abroad };
        self.tell(By::Portal, told());
        if self.chance.per_mille(35) {
            self.customer_later(2, 30);
            self.tell(By::Portal, told());
            let target = self.revision();
            self.work_later(2, 30);
            self.tell(By::Agent, Deal::Reversed { target });
        }
    }

    /// The amount that a person may set at a point, where its options want one.
    pub(super) fn at_stake(&mut self, point: &Code, part: Part) -> Option<u64> {
        let rule = self.story.merchant.terms.rules.point(point.as_str())?;
        let net = self.story.sale.net(&self.runs(part));
        let wanted = rule.options.iter().any(|option| option == "amount") && net > 0;
        wanted.then(|| net * self.chance.between(10, 45) / 100)
    }

    /// A person decides at a point of the policy.
    pub(super) fn discretion(&mut self, point: &Code, part: Part, against: bool, minor: Option<u64>) {
        let Some(rule) = self.story.merchant.terms.rules.point(point.as_str()) else { return };
        let negative = |option: &str| matches!(option, "deny" | "decline" | "keep" | "no_label");
        let wanted = rule.options.iter().find(|o| negative(o) == against).or(rule.options.first());
        let Some(option) = wanted else { return };
        let fee_bp = rule.fee_bp_max.filter(|_| !against && minor.is_none());
        let fee_bp = fee_bp.map(|max| u32::try_from(self.chance.between(0, max / 500) * 500).unwrap_or(0));
        self.tell(By::Supervisor, Money::Discretion { part, point: point.clone(), option, fee_bp, minor });
    }

    /// What the customer owes by now is charged, and mostly paid.
    pub(super) fn charged(&mut self, plan: &mut Plan) {
        let Some(judged) = self.judged(By::Agent) else { return };
        let known = self.state();
        for charge in judged.charges {
            let what = &charge.what;
            let told = known.as_ref().is_some_and(|s| s.charges.values().any(|c| c.what == *what));
            if told || charge.minor == 0 {
                continue;
            }
            plan.charges += 1;
            let (number, minor, cites) = (plan.charges, charge.minor, charge.cites);
            let is_fee = judged.policy.fees.iter().any(|fee| fee.id == charge.what);
            if is_fee {
                self.tell(By::Agent, Money::Fee { charge: number, fee: charge.what, minor, cites });
            } else {
                self.tell(By::Agent, Money::Charged { charge: number, cost: charge.what, minor, cites });
            }
            self.settle_charge(number, minor);
        }
    }

    fn settle_charge(&mut self, charge: u8, minor: u64) {
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
            _ => _ = self.tell(By::Psp, Money::ChargePaid { charge, minor }),
        }
    }

    /// What can be paid now: decided, and due under the policy.
    fn open(&mut self, by: By) -> u64 {
        let Some(judged) = self.judged(by) else { return 0 };
        let decided = self.state().map_or(0, |state| state.open_minor());
        u64::try_from(judged.open_minor()).unwrap_or(0).min(decided)
    }

    /// Everything that is owed goes out, sometimes in two parts, sometimes twice.
    pub(super) fn refund(&mut self, plan: &mut Plan, part: Part, remedy: Remedy) {
        self.work_later(1, 50);
        if remedy != Remedy::None && self.is_decided_otherwise() {
            self.tell(By::Agent, Goods::Decided { part, remedy });
            self.work_later(1, 5);
        }
        let open = self.open(By::Finance);
        if open == 0 {
            return;
        }
        if self.judged(By::Agent).is_some_and(|judged| judged.payout_to().starts_with("gift_credit")) {
            plan.refunds += 1;
            plan.paid = self.tell(By::Agent, Money::GiftCredit { credit: plan.refunds, minor: open });
            return;
        }
        if open > 1 && self.chance.percent(5) {
            self.issue(plan, open / 2, false);
            self.posted(plan);
            self.work_later(24, 24 * 5);
        }
        let open = self.open(By::Finance);
        self.issue(plan, open, false);
        match self.chance.below(1_000) {
            0..32 => self.failed(plan),
            32..52 => {
                // The provider never got it: it did not occur, and is issued anew.
                let target = self.revision();
                self.work_later(1, 20);
                self.tell(By::Finance, Deal::Reversed { target });
                let open = self.open(By::Finance);
                self.issue(plan, open, false);
            }
            52..66 => {
                self.later(24 * 12, 24 * 16);
                self.tell(By::Engine, Money::Late { refund: plan.refunds });
                if self.chance.percent(70) {
                    self.customer_later(10, 60);
                    self.tell(By::Portal, Money::TraceOpened { refund: plan.refunds });
                    self.later(24, 24 * 6);
                    self.tell(By::Psp, Money::TraceAnswered { refund: plan.refunds });
                }
            }
            _ => {}
        }
        self.posted(plan);
    }

    /// Something came in after the decision that changes what is owed.
    fn is_decided_otherwise(&mut self) -> bool {
        let Some(judged) = self.judged(By::Agent) else { return false };
        self.state().is_some_and(|state| state.owed_minor() != judged.payable_minor)
    }

    fn issue(&mut self, plan: &mut Plan, minor: u64, other_method: bool) {
        if minor == 0 {
            return;
        }
        plan.refunds += 1;
        // Money for a gift goes to whoever gave it.
        let gave = self.story.gift == Some(GiftShippedTo::Giver);
        let to = match (other_method, gave) {
            (true, _) => PayoutTo::OtherMethod,
            (false, true) => PayoutTo::Giver,
            _ => PayoutTo::OriginalMethod,
        };
        plan.paid |= self.tell(By::Finance, Money::Refund { refund: plan.refunds, minor, to });
    }

    fn failed(&mut self, plan: &mut Plan) {
        self.later(24, 24 * 4);
        self.tell(By::Psp, Money::Failed { refund: plan.refunds });
        if self.chance.percent(60) {
            self.customer_later(2, 50);
            self.tell(By::Portal, Talk::Contact(Direction::Inbound));
        }
        self.work_later(2, 30);
        let other_method = self.chance.percent(65);
        let open = self.open(By::Finance);
        self.issue(plan, open, other_method);
    }

    fn posted(&mut self, plan: &Plan) {
        self.later(24, 24 * 5);
        if self.chance.percent(90) {
            self.tell(By::Psp, Money::Posted { refund: plan.refunds });
        }
    }

    /// Money outside the policy, with a second person.
    pub(super) fn goodwill(&mut self, plan: &mut Plan) {
        let cents = self.chance.between(5, 40) * 100;
        let minor = self.story.market.coin.minor(cents).max(1);
        self.work_later(1, 20);
        self.tell(By::Supervisor, Money::Goodwill { minor });
        self.refund(plan, plan.part, Remedy::None);
    }
}
