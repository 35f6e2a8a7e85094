//! The life of one claim, from the first contact to its end. What is granted, what has to be proved, what a person
//! may decide and what is kept back comes from the policy; how often things happen is this file's.

use replay::{
    event::{Basis, Channel, Direction, Disposition, Leg, Party, Remedy, ScanStatus, UnitStatus},
    ids::Code,
};

use super::{
    act::{By, Finding, Fix, Parcel, Part, What},
    story::Pen,
    terms::Grant,
};

/// Less than this many minor units are not worth a refund.
const REFUND_MINOR_MIN: u64 = 20;

/// What the plan must remember of a claim so that nothing it says later is refused.
struct Case<'m> {
    basis: Basis,
    /// The grant and the remedy that the claim goes for.
    goal: Option<(&'m Grant, Remedy)>,
    rma: Option<u8>,
    rmas: u8,
    parcels: u8,
    refunds: u8,
    charges: u8,
    chargebacks: u8,
    /// Paid by the customer for the way back.
    costs: u64,
    /// Owed and not paid yet.
    owed: u64,
    paid: bool,
}

impl<'m> Pen<'_, 'm> {
    /// See the module.
    pub fn claim(&mut self) {
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
            (_, None) => self.denied(&mut case, "not_covered", &[]),
        }
        self.afterwards(&mut case);
    }

    fn units_count(&self, part: Part) -> u64 {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        claim.map_or(0, |c| c.units(part).iter().map(|run| u64::from(run.count())).sum())
    }
    /// Price and tax of a part of the claim.
    fn value(&self, part: Part) -> u64 {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        claim.map_or(0, |c| self.story.sale.value(&c.units(part)))
    }

    /// What the customer will get if all goes well.
    fn goal(&mut self, basis: Basis) -> Option<(&'m Grant, Remedy)> {
        let claim = self.story.claims.get(usize::from(self.stream) - 1)?;
        let article = self.story.sale.lines.get(claim.front.first()?.line)?.article;
        let money = self.value(Part::Front) >= REFUND_MINOR_MIN;
        let grants = self.story.merchant.terms.grants(basis, article.class, article.condition);
        let mut options: Vec<(&'m Grant, Remedy, u64)> = Vec::new();
        for grant in grants {
            for remedy in &grant.remedies {
                let share = match remedy {
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

    /// The first contact falls inside the window of the grant, or after it.
    fn wait_for_contact(&mut self, case: &Case<'m>, in_time: bool) {
        let days = match case.basis {
            Basis::RefusedDelivery => 0,
            Basis::Doa | Basis::TransitDamage | Basis::MerchantError => 5,
            Basis::WrongPurchase => 9,
            Basis::ChangeOfMind | Basis::SubscriptionRefund => 26,
            Basis::Defect => 330,
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
        self.tell(By::Portal, What::Opened);
        let told = self.chance.percent(52);
        let complete = self.chance.percent(93);
        if told {
            self.and(By::Portal, What::Proofs { complete });
        }
        if told && self.chance.per_mille(25) {
            self.work_later(2, 20);
            self.tell(By::Agent, What::ProofsFailed);
            self.and(By::Agent, What::Contact(Direction::Outbound));
            self.customer_later(5, 60);
            self.tell(By::Portal, What::Proofs { complete: true });
        }
        if self.chance.per_mille(8) {
            self.work_later(2, 30);
            self.tell(By::Agent, What::Corrected { target: 1, fix: Fix::Channel });
        }
        if self.chance.per_mille(22) && case.basis == Basis::Defect {
            self.work_later(1, 20);
            self.tell(By::Agent, What::Reclassified(Basis::Doa));
        }
        self.aside();
    }

    /// Words that move nothing.
    fn aside(&mut self) {
        match self.chance.below(100) {
            0..5 => {
                self.work_later(1, 10);
                self.tell(By::Agent, What::Note);
            }
            5..11 => {
                self.customer_later(5, 50);
                self.tell(By::Portal, What::Contact(Direction::Inbound));
            }
            11 => {
                self.work_later(1, 10);
                self.tell(By::Agent, What::Escalated);
            }
            _ => {}
        }
    }

    /// How it goes on after the first contact.
    fn fate(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        match self.chance.below(100) {
            0..9 => {
                self.work_later(1, 20);
                self.tell(By::Agent, What::Contact(Direction::Outbound));
                self.closed("answered");
            }
            9..15 => self.denied(case, "article_is_excluded", &grant.row.cites),
            15..19 => {
                self.customer_later(5, 90);
                self.tell(By::Portal, What::Withdrawn);
                if self.chance.percent(22) {
                    self.customer_later(24, 24 * 12);
                    self.tell(By::Portal, What::Contact(Direction::Inbound));
                    self.at_work();
                    self.tell(By::Agent, What::Reopened);
                    self.settle(case, grant);
                }
            }
            19..26 => self.stalled(case, grant),
            26 => {
                self.authorized(case, grant);
                let parcel = self.sends(case);
                self.later(24 * 10, 24 * 20);
                self.tell(By::Courier, What::Scanned { parcel, status: ScanStatus::Lost });
                self.work_later(5, 60);
                self.tell(By::Agent, What::Contact(Direction::Outbound));
                if self.chance.percent(60) {
                    self.goodwill(case);
                }
                self.closed("lost_on_the_way");
            }
            _ => self.settle(case, grant),
        }
    }

    /// Nothing is granted.
    fn denied(&mut self, case: &mut Case<'m>, reason: &'static str, cites: &'m [Code]) {
        self.work_later(2, 40);
        if self.chance.percent(50) {
            self.tell(By::Engine, What::Assessed { status: UnitStatus::Ineligible, remedy: None, cites });
        }
        self.tell(By::Agent, What::Denied { reason, cites });
        if self.chance.percent(50) {
            self.and(By::Agent, What::Notice("reply"));
        }
        if self.chance.percent(8) {
            self.customer_later(4, 70);
            self.tell(By::Portal, What::Contact(Direction::Inbound));
            self.work_later(2, 30);
            self.tell(By::Agent, What::Escalated);
            if self.chance.percent(50) {
                self.work_later(2, 30);
                self.tell(By::Supervisor, What::Reopened);
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
            self.tell(By::Agent, What::Expired { rma });
        }
        self.closed("nothing_was_sent");
    }

    fn authorized(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let remedy = case.goal.map(|(_, remedy)| remedy);
        if self.chance.percent(42) {
            let status = UnitStatus::Authorizable;
            self.tell(By::Engine, What::Assessed { status, remedy, cites: &grant.row.cites });
        }
        let rules = &self.story.merchant.terms.rules;
        let numbered = rules.number_on_parcel || (rules.authorization_required && self.chance.percent(70));
        if !numbered && self.chance.percent(45) {
            return;
        }
        self.work_later(1, 30);
        if numbered {
            case.rmas += 1;
            case.rma = Some(case.rmas);
        }
        self.tell(By::Agent, What::Granted { rma: case.rma });
        if let (Some(rma), true) = (case.rma, self.chance.per_mille(12)) {
            self.later(0, 1);
            self.tell(By::Agent, What::Voided { rma });
            case.rmas += 1;
            case.rma = Some(case.rmas);
            self.and(By::Agent, What::Granted { rma: case.rma });
        }
        if self.chance.percent(30) {
            self.and(By::Agent, What::Notice("authorization_granted"));
        }
        if self.chance.percent(20) {
            let minor = self.postage();
            let customer = matches!(case.basis, Basis::ChangeOfMind | Basis::WrongPurchase);
            let paid_by = if customer { Party::Customer } else { Party::Merchant };
            self.and(By::Agent, What::Label { minor, paid_by });
        }
    }

    fn postage(&mut self) -> u64 {
        let cents = self.chance.between(690, 2_890);
        self.story.market.money.minor(cents).max(1)
    }

    /// The customer hands in a parcel.
    fn sends(&mut self, case: &mut Case<'m>) -> Parcel {
        case.parcels += 1;
        let parcel = Parcel { leg: Leg::Inbound, number: case.parcels };
        self.customer_later(12, 24 * 6);
        self.tell(By::Courier, What::Sent { parcel, part: Part::All, rma: case.rma });
        parcel
    }

    /// The goods come back and are taken in.
    fn returned(&mut self, case: &mut Case<'m>) {
        if self.chance.percent(55) {
            let parcel = self.sends(case);
            if self.chance.percent(25) {
                self.later(10, 40);
                self.tell(By::Courier, What::Scanned { parcel, status: ScanStatus::InTransit });
            }
            self.road(20);
            if self.chance.percent(30) {
                self.tell(By::Courier, What::Scanned { parcel, status: ScanStatus::Delivered });
            }
        } else {
            self.customer_later(20, 24 * 6);
            self.road(20);
        }
        self.work_later(1, 8);
        if self.story.merchant.terms.rules.number_on_parcel && self.chance.per_mille(22) {
            self.tell(By::Dock, What::TurnedAway);
            self.work_later(1, 6);
            self.tell(By::Agent, What::Contact(Direction::Outbound));
            self.road(60);
            self.at_work();
        }
        self.tell(By::Dock, What::Received { rma: case.rma });
        if self.chance.percent(32) {
            self.and(By::Dock, What::Notice("parcel_received"));
        }
        if self.chance.percent(16) {
            self.own_cost(case);
        }
    }

    /// The customer has paid the way back and sends the receipt, now and then twice.
    fn own_cost(&mut self, case: &mut Case<'m>) {
        let minor = self.postage();
        let abroad = self.story.market.abroad && self.chance.percent(25);
        let cost = What::Cost { cost: "inbound_shipping", paid_by: Party::Customer, minor, abroad };
        self.tell(By::Portal, cost);
        if self.chance.per_mille(35) {
            self.customer_later(2, 30);
            self.tell(By::Portal, cost);
            let target = self.revision();
            self.work_later(2, 30);
            self.tell(By::Agent, What::Reversed { target });
        }
        case.costs += minor;
    }

    /// The usual way: proofs, authorization, return, inspection, remedy.
    fn settle(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let Some((_, remedy)) = case.goal else { return };
        match remedy {
            Remedy::OtherCompensation => return self.compensated(case, grant),
            Remedy::SpareParts => return self.parts(case, grant),
            _ => {}
        }
        if let (Remedy::Refund, Some(point), true) =
            (remedy, &self.story.merchant.terms.waiver, self.chance.percent(18))
        {
            self.work_later(4, 40);
            self.discretion(point, false, None);
            self.paid(case, grant, Part::All, None);
            return self.closed("refunded");
        }
        self.authorized(case, grant);
        self.returned(case);
        self.work_later(3, 60);
        if self.chance.per_mille(9) {
            self.tell(By::Dock, What::LostInCustody);
            if remedy == Remedy::Refund {
                self.paid(case, grant, Part::All, None);
                return self.closed("refunded");
            }
        } else if !self.inspected(case, grant, remedy) {
            return;
        }
        if self.units_count(Part::Back) > 0 {
            self.parted(case, grant, remedy);
        } else {
            self.fulfilled(case, grant, remedy, Part::All, None);
        }
        self.closed("settled");
    }

    /// What the bench finds; false when that is the end of it.
    fn inspected(&mut self, case: &mut Case<'m>, grant: &'m Grant, remedy: Remedy) -> bool {
        let terms = &self.story.merchant.terms;
        let faulty = matches!(case.basis, Basis::Defect | Basis::Doa);
        let finding = match self.chance.below(100) {
            0..7 if faulty => {
                let mut causes = terms.causes.iter().filter(|r| r.is_about(case.basis, Some(remedy)));
                let row = causes.next();
                row.and_then(|r| self.chance.pick(&r.what)).map_or(Finding::AsSaid, Finding::Cause)
            }
            7..14 if faulty => Finding::Sound,
            0..9 if case.basis == Basis::ChangeOfMind => Finding::Worn,
            _ => Finding::AsSaid,
        };
        self.tell(By::Bench, What::Inspected { finding, part: Part::All });
        let target = self.revision();
        if self.chance.percent(24) {
            let to = if faulty { Disposition::Refurbish } else { Disposition::Restock };
            self.and(By::Bench, What::Put(to));
        }
        if matches!(finding, Finding::AsSaid) && self.chance.per_mille(32) {
            self.work_later(1, 30);
            self.tell(By::Bench, What::Corrected { target, fix: Fix::Packaging });
        }
        match finding {
            Finding::AsSaid => true,
            Finding::Cause(_) => self.own_fault(case, remedy),
            Finding::Sound => {
                self.sent_back(case);
                false
            }
            Finding::Worn => {
                self.worn(case, grant);
                false
            }
        }
    }

    /// The customer's fault: denied, left to a person, or repaired for money.
    fn own_fault(&mut self, case: &mut Case<'m>, remedy: Remedy) -> bool {
        let terms = &self.story.merchant.terms;
        let row = terms.causes.iter().find(|r| r.is_about(case.basis, Some(remedy)));
        if let Some(row) = &terms.paid_repair
            && row.what.1 == self.story.market.money.code
            && let Some(point) = &row.point
            && self.chance.percent(60)
        {
            self.work_later(2, 20);
            self.discretion(point, false, Some(row.what.0));
            self.paid_repair(case, row.what.0, &row.cites);
            return false;
        }
        if let Some(point) = row.and_then(|r| r.point.as_ref()) {
            let kind = self.chance.percent(55);
            self.work_later(2, 20);
            self.discretion(point, !kind, None);
            if kind {
                return true;
            }
        }
        self.denied(case, "own_fault", row.map_or(&[], |r| &r.cites));
        false
    }

    /// A person decides at a point of the policy.
    fn discretion(&mut self, point: &'m Code, against: bool, minor: Option<u64>) {
        let Some(rule) = self.story.merchant.terms.point(point) else { return };
        let negative = |option: &str| matches!(option, "deny" | "decline" | "keep" | "no_label");
        let wanted = rule.options.iter().find(|o| negative(o) == against).or(rule.options.first());
        let Some(option) = wanted else { return };
        let fee_bp = rule.fee_bp_max.filter(|_| !against && minor.is_none());
        let fee_bp = fee_bp.map(|max| u32::try_from(self.chance.between(0, max / 500) * 500).unwrap_or(0));
        self.tell(By::Supervisor, What::Discretion { point, option, fee_bp, minor });
    }

    /// Used although it should not have been: less money, as the policy or a person says.
    fn worn(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let terms = &self.story.merchant.terms;
        let row = terms.conditions.iter().find(|r| r.is_about(case.basis, Some(Remedy::Refund)));
        let value = self.value(Part::All);
        let less = value - value * self.chance.between(10, 40) / 100;
        self.work_later(2, 30);
        let minor = match row.and_then(|r| r.point.as_ref()) {
            Some(point) => {
                let amount = terms.point(point).is_some_and(|p| p.options.iter().any(|o| o == "amount"));
                self.discretion(point, false, amount.then_some(less));
                Some(less)
            }
            None => None,
        };
        let remedy = case.goal.map_or(Remedy::Refund, |(_, remedy)| remedy);
        let minor = minor.filter(|_| remedy == Remedy::Refund);
        self.fulfilled(case, grant, remedy, Part::All, minor);
        self.closed("settled");
    }

    /// Some units get what was asked for, the others go back.
    fn parted(&mut self, case: &mut Case<'m>, grant: &'m Grant, remedy: Remedy) {
        self.tell(By::Bench, What::Inspected { finding: Finding::Sound, part: Part::Back });
        self.fulfilled(case, grant, remedy, Part::Front, None);
        self.work_later(1, 10);
        let (part, remedy) = (Part::Back, Remedy::ReturnToCustomer);
        self.tell(By::Agent, What::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        let parcel = Parcel { leg: Leg::ReturnToCustomer, number: 1 };
        self.tell(By::Dock, What::Sent { parcel, part, rma: None });
    }

    /// Nothing is wrong with it: it travels back, for the customer's money.
    fn sent_back(&mut self, case: &mut Case<'m>) {
        let remedy = Remedy::ReturnToCustomer;
        let Some((grant, _)) = case.goal else { return };
        self.work_later(2, 30);
        self.tell(By::Agent, What::Decided { part: Part::All, remedy, minor: None, cites: &grant.row.cites });
        let parcel = Parcel { leg: Leg::ReturnToCustomer, number: 1 };
        self.work_later(2, 30);
        self.tell(By::Dock, What::Sent { parcel, part: Part::All, rma: None });
        if self.chance.percent(40) {
            let minor = self.postage();
            let (cost, paid_by, abroad) = ("return_leg_shipping", Party::Merchant, false);
            self.and(By::Dock, What::Cost { cost, paid_by, minor, abroad });
            case.charges += 1;
            self.tell(By::Agent, What::Charged { charge: case.charges, minor });
            self.settle_charge(case, minor);
        }
        self.closed("no_fault_found");
    }

    fn settle_charge(&mut self, case: &Case<'m>, minor: u64) {
        let charge = case.charges;
        self.later(20, 24 * 8);
        match self.chance.below(10) {
            0..2 => {
                self.at_work();
                self.tell(By::Supervisor, What::ChargeWaived { charge });
            }
            2 if minor > 1 => {
                self.tell(By::Psp, What::ChargePaid { charge, minor: minor / 2 });
                self.later(20, 24 * 8);
                self.tell(By::Psp, What::ChargePaid { charge, minor: minor - minor / 2 });
            }
            _ => self.tell(By::Psp, What::ChargePaid { charge, minor }),
        }
    }

    fn paid_repair(&mut self, case: &mut Case<'m>, minor: u64, cites: &'m [Code]) {
        self.tell(By::Agent, What::Offered(Remedy::PaidRepair));
        self.customer_later(5, 70);
        self.tell(By::Portal, What::Selected(Remedy::PaidRepair));
        self.at_work();
        let (part, remedy) = (Part::All, Remedy::PaidRepair);
        self.tell(By::Agent, What::Decided { part, remedy, minor: None, cites });
        case.charges += 1;
        self.and(By::Agent, What::Fee { charge: case.charges, minor, cites });
        self.settle_charge(case, minor);
        self.repair(case, part);
        self.closed("repaired");
    }

    fn repair(&mut self, case: &mut Case<'m>, part: Part) {
        if self.chance.percent(70) {
            self.work_later(24, 24 * 8);
            self.tell(By::Bench, What::Repaired(part));
        }
        self.work_later(3, 40);
        self.tell(By::Dock, What::RepairSent { part, rma: case.rma.take() });
    }

    /// The remedy is decided and carried out.
    fn fulfilled(
        &mut self,
        case: &mut Case<'m>,
        grant: &'m Grant,
        remedy: Remedy,
        part: Part,
        minor: Option<u64>,
    ) {
        if self.chance.percent(12) {
            self.customer_later(2, 40);
            self.tell(By::Portal, What::Selected(remedy));
        }
        self.work_later(2, 40);
        if remedy == Remedy::Refund {
            return self.paid(case, grant, part, minor);
        }
        let goods = matches!(remedy, Remedy::Replacement | Remedy::Exchange | Remedy::Upgrade);
        if goods && self.chance.percent(30) {
            self.tell(By::Dock, What::Stock);
        }
        self.tell(By::Agent, What::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        if self.chance.percent(25) {
            self.and(By::Agent, What::Notice("remedy_decided"));
        }
        if !goods {
            return self.repair(case, part);
        }
        self.work_later(3, 60);
        self.tell(By::Dock, What::ReplacementSent { part, rma: case.rma.take() });
        let parcel = Parcel { leg: Leg::Replacement, number: 1 };
        if self.chance.percent(40) {
            self.and(By::Dock, What::Sent { parcel, part, rma: None });
        }
        self.road(0);
        if self.chance.percent(55) {
            self.tell(By::Carrier, What::ReplacementArrived(part));
        }
        if self.chance.percent(4) {
            self.customer_later(24, 24 * 20);
            self.tell(By::Portal, What::RemedyFailed { remedy, part });
            if self.value(part) >= REFUND_MINOR_MIN {
                self.work_later(3, 40);
                self.paid(case, grant, part, None);
            }
        }
    }

    /// Parts go out, nothing comes back.
    fn parts(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        self.work_later(3, 40);
        if self.chance.percent(50) {
            self.tell(By::Agent, What::Offered(Remedy::SpareParts));
        }
        let (part, remedy) = (Part::All, Remedy::SpareParts);
        self.tell(By::Agent, What::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        self.work_later(5, 50);
        self.tell(By::Dock, What::PartsSent);
        if self.chance.percent(10) {
            self.customer_later(24 * 5, 24 * 20);
            self.tell(By::Portal, What::RemedyFailed { remedy, part });
            self.goodwill(case);
        }
        self.closed("parts_sent");
    }

    /// A person offers money instead of a return.
    fn compensated(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let minor = self.value(Part::All) * self.chance.between(10, 45) / 100;
        let Some(point) = grant.row.point.as_ref().filter(|_| minor > 0) else { return };
        self.work_later(3, 40);
        self.discretion(point, false, Some(minor));
        self.and(By::Agent, What::Offered(Remedy::OtherCompensation));
        self.customer_later(4, 60);
        let (part, remedy) = (Part::All, Remedy::OtherCompensation);
        self.at_work();
        self.tell(By::Agent, What::Decided { part, remedy, minor: Some(minor), cites: &grant.row.cites });
        case.owed += minor;
        self.refund(case);
        self.closed("refunded");
    }

    /// What is owed for a part of the claim is decided and paid; `minor` when a person has set it.
    fn paid(&mut self, case: &mut Case<'m>, grant: &'m Grant, part: Part, minor: Option<u64>) {
        let story = &*self.story;
        let terms = &story.merchant.terms;
        let Some(claim) = story.claims.get(usize::from(self.stream) - 1) else { return };
        let units = claim.units(part);
        let mut owed = minor.unwrap_or_else(|| {
            let own = matches!(case.basis, Basis::ChangeOfMind | Basis::WrongPurchase);
            let fee = terms.restocking.iter().find(|r| own && r.what.1 && r.is_about(case.basis, Some(Remedy::Refund)));
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
        self.tell(By::Agent, What::Decided { part, remedy: Remedy::Refund, minor: Some(owed), cites });
        if self.chance.percent(25) {
            self.and(By::Agent, What::Notice("remedy_decided"));
        }
        case.owed += owed;
        if gift.is_some() {
            self.work_later(2, 30);
            case.refunds += 1;
            self.tell(By::Agent, What::GiftCredit { credit: case.refunds, minor: case.owed });
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
                self.tell(By::Finance, What::Reversed { target });
                self.issue(case, minor, false);
            }
            52..66 => {
                self.later(24 * 12, 24 * 16);
                self.tell(By::Engine, What::Late { refund: case.refunds });
                if self.chance.percent(70) {
                    self.customer_later(10, 60);
                    self.tell(By::Portal, What::TraceOpened { refund: case.refunds });
                    self.later(24, 24 * 6);
                    self.tell(By::Psp, What::TraceAnswered { refund: case.refunds });
                }
            }
            _ => {}
        }
        self.posted(case);
    }

    fn issue(&mut self, case: &mut Case<'m>, minor: u64, other_method: bool) {
        case.refunds += 1;
        self.tell(By::Finance, What::Refund { refund: case.refunds, minor, other_method });
        case.owed = case.owed.saturating_sub(minor);
        case.paid = true;
    }

    fn failed(&mut self, case: &mut Case<'m>) {
        let minor = self.last_refund();
        self.later(24, 24 * 4);
        self.tell(By::Psp, What::Failed { refund: case.refunds });
        if self.chance.percent(60) {
            self.customer_later(2, 50);
            self.tell(By::Portal, What::Contact(Direction::Inbound));
        }
        self.work_later(2, 30);
        let other_method = self.chance.percent(65);
        self.issue(case, minor, other_method);
    }

    /// The amount of the last refund of this claim.
    fn last_refund(&self) -> u64 {
        let own = self.story.acts.iter().rev().filter(|act| act.stream == self.stream);
        own.filter_map(|act| if let What::Refund { minor, .. } = act.what { Some(minor) } else { None })
            .next()
            .unwrap_or_default()
    }

    fn posted(&mut self, case: &Case<'m>) {
        self.later(24, 24 * 5);
        if self.chance.percent(90) {
            self.tell(By::Psp, What::Posted { refund: case.refunds });
        }
    }

    /// Money outside the policy, with a second person.
    fn goodwill(&mut self, case: &mut Case<'m>) {
        let cents = self.chance.between(5, 40) * 100;
        let minor = self.story.market.money.minor(cents).max(1);
        self.work_later(1, 20);
        self.tell(By::Supervisor, What::Goodwill { minor });
        case.owed += minor;
        self.refund(case);
    }

    /// The parcel comes back by itself; what that cost is taken off.
    fn refused_delivery(&mut self, case: &mut Case<'m>) {
        let Some((grant, _)) = case.goal else { return };
        let value = self.value(Part::All);
        let minor = self.postage().min(value / 2).max(1);
        let abroad = self.story.market.abroad;
        if self.story.merchant.terms.rules.number_on_parcel {
            self.authorized(case, grant);
        }
        self.work_later(24 * 6, 24 * 16);
        self.tell(By::Dock, What::Received { rma: case.rma });
        let (cost, paid_by) = ("refused_parcel", Party::Merchant);
        self.and(By::Dock, What::Cost { cost, paid_by, minor, abroad });
        if self.chance.percent(40) {
            self.and(By::Dock, What::Put(Disposition::Restock));
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
        let line = u8::try_from(line).unwrap_or_default();
        let transmitted = self.chance.percent(45);
        self.work_later(2, 40);
        self.tell(By::Platform, What::Connected { line, transmitted });
        if self.chance.percent(40) {
            let status = if transmitted { UnitStatus::Ineligible } else { UnitStatus::Eligible };
            self.tell(By::Engine, What::Assessed { status, remedy: Some(remedy), cites: &grant.row.cites });
        }
        if transmitted {
            return self.denied(case, "device_has_transmitted", &grant.row.cites);
        }
        self.paid(case, grant, Part::All, None);
        self.closed("refunded");
    }

    /// Nothing more is due; now and then somebody forgets to say so.
    fn closed(&mut self, reason: &'static str) {
        self.work_later(1, 60);
        if self.chance.percent(92) {
            self.tell(By::Agent, What::Closed(reason));
        }
    }

    /// Disputes and chargebacks come when the shop has forgotten.
    fn afterwards(&mut self, case: &mut Case<'m>) {
        if self.chance.per_mille(12) {
            self.customer_later(24, 24 * 30);
            self.tell(By::Portal, What::Disputed);
            self.work_later(24, 24 * 12);
            self.tell(By::Supervisor, What::DisputeEnded);
        }
        // A chargeback counts against the whole order, so only where nothing else can still be paid.
        let alone = self.story.claims.len() == 1;
        if alone && self.chance.per_mille(22) && self.story.sale.total_minor() > 0 {
            self.later(24 * 5, 24 * 40);
            case.chargebacks += 1;
            let chargeback = case.chargebacks;
            let minor = self.value(Part::All).max(1);
            self.tell(By::Psp, What::ChargedBack { chargeback, minor });
            if self.chance.percent(85) {
                self.later(24 * 10, 24 * 60);
                let won = if case.paid { self.chance.percent(80) } else { self.chance.percent(35) };
                self.tell(By::Psp, What::ChargebackEnded { chargeback, won });
            }
        }
    }
}
