//! The life of one claim, from the first contact to its end. What is granted, what has to be proved, what a person
//! may decide and what is kept back comes from the policy; how often things happen is said here, in `goods` and in
//! `money`.

use replay::{
    event::{Basis, Direction, Disposition, Party, Remedy, ScanStatus, UnitStatus},
    ids::Code,
};

use super::{
    act::{By, Deal, Fix, Goods, Money, Part, Talk},
    story::Pen,
    terms::Grant,
};

/// Less than this many minor units are not worth a refund.
pub(super) const REFUND_MINOR_MIN: u64 = 20;

/// What the plan must remember of a claim so that nothing it says later is refused.
#[derive(Debug)]
pub(super) struct Case<'m> {
    pub basis: Basis,
    /// The grant and the remedy that the claim goes for.
    pub goal: Option<(&'m Grant, Remedy)>,
    pub rma: Option<u8>,
    pub rmas: u8,
    pub parcels: u8,
    pub refunds: u8,
    pub charges: u8,
    pub chargebacks: u8,
    /// Paid by the customer for the way back.
    pub costs: u64,
    /// Owed and not paid yet.
    pub owed: u64,
    pub paid: bool,
}

impl<'m> Pen<'_, 'm> {
    /// See the module.
    pub(super) fn claim(&mut self) {
        let Some(claim) = self.story.claims.get(usize::from(self.stream) - 1) else { return };
        let mut case = Case {
            basis: claim.basis,
            goal: None,
            rma: None,
            rmas: 0,
            parcels: 0,
            refunds: 0,
            charges: 0,
            chargebacks: 0,
            costs: 0,
            owed: 0,
            paid: false,
        };
        case.goal = self.goal(case.basis);
        let in_time = self.chance.percent(96);
        self.wait_for_contact(&case, in_time);
        self.contact(&mut case);
        match (case.basis, case.goal) {
            (Basis::RefusedDelivery, Some(_)) => self.refused_delivery(&mut case),
            (Basis::SubscriptionRefund, Some(_)) => self.subscription(&mut case),
            (_, Some((grant, _))) if in_time => self.fate(&mut case, grant),
            (_, Some((grant, _))) => self.denied(&mut case, "window_is_over", &grant.row.cites),
            (_, None) => {
                let cites = self.shut_out_by(case.basis);
                self.denied(&mut case, "not_covered", cites);
            }
        }
        self.afterwards(&mut case);
    }

    /// What the customer will get if all goes well.
    fn goal(&mut self, basis: Basis) -> Option<(&'m Grant, Remedy)> {
        let claim = self.story.claims.get(usize::from(self.stream) - 1)?;
        let line = self.story.sale.lines.get(claim.front.first()?.line)?;
        let article = line.article;
        let money = self.value(Part::Front) >= REFUND_MINOR_MIN;
        let terms = &self.story.merchant.terms;
        let shut_out = |remedy| terms.shut_out(line.on_sale, article.free_gift, basis, remedy).is_some();
        let grants = terms.grants(basis, article.class, article.condition);
        let mut options: Vec<(&'m Grant, Remedy, u64)> = Vec::new();
        for grant in grants {
            for remedy in &grant.remedies {
                let share = match remedy {
                    _ if shut_out(*remedy) => 0,
                    Remedy::Refund if money => 60,
                    Remedy::OtherCompensation if money && grant.row.point.is_some() => 5,
                    Remedy::Replacement => 24,
                    Remedy::Repair => 18,
                    Remedy::Exchange => 12,
                    Remedy::SpareParts => 8,
                    Remedy::Upgrade => 4,
                    _ => 0,
                };
                options.push((grant, *remedy, share));
            }
        }
        self.chance.by_share(&options, |o| o.2).map(|o| (o.0, o.1))
    }

    /// The clauses that shut the article out, where there are any.
    fn shut_out_by(&self, basis: Basis) -> &'m [Code] {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        let line = claim.and_then(|c| c.front.first()).and_then(|run| self.story.sale.lines.get(run.line));
        let terms = &self.story.merchant.terms;
        let row = line.and_then(|l| terms.shut_out(l.on_sale, l.article.free_gift, basis, Remedy::Refund));
        row.map_or(&[], |row| &row.cites)
    }

    /// The first contact falls inside the window of the grant, or after it.
    fn wait_for_contact(&mut self, case: &Case<'m>, in_time: bool) {
        let days = match case.basis {
            Basis::RefusedDelivery => 0,
            Basis::Doa | Basis::TransitDamage | Basis::MerchantError => 5,
            Basis::WrongPurchase => 9,
            Basis::ChangeOfMind | Basis::SubscriptionRefund => 26,
            Basis::Defect | Basis::NoFault => 330,
        };
        let granted = case.goal.map_or(days, |(grant, _)| grant.days);
        if in_time {
            let hours = days.min(granted * 8 / 10) * 24;
            // Twice, and the earlier one: most things are noticed soon.
            let least = self.chance.between(2, hours.max(3)).min(self.chance.between(2, hours.max(3)));
            self.customer_later(least, least + 2);
        } else {
            let hours = (granted + 4).min(400) * 24;
            self.customer_later(hours, hours + 24 * 60);
        }
    }

    fn contact(&mut self, case: &mut Case<'m>) {
        self.tell(By::Portal, Talk::Opened);
        let told = self.chance.percent(52);
        let complete = self.chance.percent(93);
        if told {
            self.and(By::Portal, Talk::Proofs { complete });
        }
        if told && self.chance.per_mille(25) {
            self.work_later(2, 20);
            self.tell(By::Agent, Talk::ProofsFailed);
            self.and(By::Agent, Talk::Contact(Direction::Outbound));
            self.customer_later(5, 60);
            self.tell(By::Portal, Talk::Proofs { complete: true });
        }
        if self.chance.per_mille(8) {
            self.work_later(2, 30);
            self.tell(By::Agent, Deal::Corrected { target: 1, fix: Fix::Channel });
        }
        if self.chance.per_mille(22) && case.basis == Basis::Defect {
            self.work_later(1, 20);
            self.tell(By::Agent, Talk::Reclassified(Basis::Doa));
        }
        self.aside();
    }

    /// Words that move nothing.
    fn aside(&mut self) {
        match self.chance.below(100) {
            0..5 => {
                self.work_later(1, 10);
                self.tell(By::Agent, Talk::Note);
            }
            5..11 => {
                self.customer_later(5, 50);
                self.tell(By::Portal, Talk::Contact(Direction::Inbound));
            }
            11 => {
                self.work_later(1, 10);
                self.tell(By::Agent, Talk::Escalated);
            }
            _ => {}
        }
    }

    /// How it goes on after the first contact.
    fn fate(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        match self.chance.below(100) {
            0..9 => {
                self.work_later(1, 20);
                self.tell(By::Agent, Talk::Contact(Direction::Outbound));
                self.closed("answered");
            }
            9..15 => self.denied(case, "article_is_excluded", &grant.row.cites),
            15..19 => {
                self.customer_later(5, 90);
                self.tell(By::Portal, Talk::Withdrawn);
                if self.chance.percent(22) {
                    self.customer_later(24, 24 * 12);
                    self.tell(By::Portal, Talk::Contact(Direction::Inbound));
                    self.at_work();
                    self.tell(By::Agent, Talk::Reopened);
                    self.settle(case, grant);
                }
            }
            19..26 => self.stalled(case, grant),
            26 => {
                self.authorized(case, grant);
                let parcel = self.sends(case);
                self.later(24 * 10, 24 * 20);
                self.tell(By::Courier, Deal::Scanned { parcel, status: ScanStatus::Lost });
                self.work_later(5, 60);
                self.tell(By::Agent, Talk::Contact(Direction::Outbound));
                if self.chance.percent(60) {
                    self.goodwill(case);
                }
                self.closed("lost_on_the_way");
            }
            _ => self.settle(case, grant),
        }
    }

    /// Nothing is granted.
    pub(super) fn denied(&mut self, case: &mut Case<'m>, reason: &'static str, cites: &'m [Code]) {
        self.work_later(2, 40);
        if self.chance.percent(50) {
            self.tell(By::Engine, Talk::Assessed { status: UnitStatus::Ineligible, remedy: None, cites });
        }
        self.tell(By::Agent, Talk::Denied { reason, cites });
        if self.chance.percent(50) {
            self.and(By::Agent, Talk::Notice("reply"));
        }
        if self.chance.percent(8) {
            self.customer_later(4, 70);
            self.tell(By::Portal, Talk::Contact(Direction::Inbound));
            self.work_later(2, 30);
            self.tell(By::Agent, Talk::Escalated);
            if self.chance.percent(50) {
                self.work_later(2, 30);
                self.tell(By::Supervisor, Talk::Reopened);
                self.goodwill(case);
            }
        }
        if self.chance.percent(85) {
            self.closed("denied");
        }
    }

    /// The customer never sends it.
    fn stalled(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        self.authorized(case, grant);
        if self.chance.percent(40) {
            return;
        }
        self.work_later(24 * 25, 24 * 40);
        if let Some(rma) = case.rma.take() {
            self.tell(By::Agent, Talk::Expired { rma });
        }
        self.closed("nothing_was_sent");
    }

    /// The parcel comes back by itself; what that cost is taken off.
    fn refused_delivery(&mut self, case: &mut Case<'m>) {
        let Some((grant, _)) = case.goal else { return };
        let value = self.value(Part::All);
        let minor = self.postage().min(value / 2).max(1);
        let abroad = self.story.market.abroad;
        if self.story.merchant.terms.rules.authorization.number_on_parcel {
            self.authorized(case, grant);
        }
        self.work_later(24 * 6, 24 * 16);
        self.tell(By::Dock, Goods::Received { rma: case.rma });
        let (cost, paid_by) = ("refused_parcel", Party::Merchant);
        self.and(By::Dock, Money::Cost { cost, paid_by, minor, abroad });
        if self.chance.percent(40) {
            self.and(By::Dock, Goods::Put(Disposition::Restock));
        }
        if value > minor {
            self.paid(case, grant, Part::All, Some(value - minor));
        }
        self.closed("refunded");
    }

    /// A device has transmitted in the paid month, or has not.
    fn subscription(&mut self, case: &mut Case<'m>) {
        let Some((grant, remedy)) = case.goal else { return };
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        let line = claim.and_then(|c| c.front.first()).map_or(0, |run| run.line);
        let transmitted = self.chance.percent(45);
        self.work_later(2, 40);
        self.tell(By::Platform, Goods::Connected { line, transmitted });
        if self.chance.percent(40) {
            let status = if transmitted { UnitStatus::Ineligible } else { UnitStatus::Eligible };
            self.tell(By::Engine, Talk::Assessed { status, remedy: Some(remedy), cites: &grant.row.cites });
        }
        if transmitted {
            return self.denied(case, "device_has_transmitted", &grant.row.cites);
        }
        self.paid(case, grant, Part::All, None);
        self.closed("refunded");
    }

    /// Nothing more is due; now and then somebody forgets to say so.
    pub(super) fn closed(&mut self, reason: &'static str) {
        self.work_later(1, 60);
        if self.chance.percent(92) {
            self.tell(By::Agent, Talk::Closed(reason));
        }
    }

    /// Disputes and chargebacks come when the shop has forgotten.
    fn afterwards(&mut self, case: &mut Case<'m>) {
        if self.chance.per_mille(10) {
            self.customer_later(24, 24 * 30);
            self.tell(By::Portal, Talk::Disputed);
            self.work_later(24, 24 * 12);
            self.tell(By::Supervisor, Talk::DisputeEnded);
        }
        // A chargeback counts against the whole order, so only where nothing else can still be paid.
        let alone = self.story.claims.len() == 1;
        if alone && self.chance.per_mille(22) && self.story.sale.total_minor() > 0 {
            self.later(24 * 5, 24 * 40);
            case.chargebacks += 1;
            let chargeback = case.chargebacks;
            let minor = self.value(Part::All).max(1);
            self.tell(By::Psp, Money::ChargedBack { chargeback, minor });
            if self.chance.percent(85) {
                self.later(24 * 10, 24 * 60);
                let won = if case.paid { self.chance.percent(80) } else { self.chance.percent(35) };
                self.tell(By::Psp, Money::ChargebackEnded { chargeback, won });
            }
        }
    }
}
