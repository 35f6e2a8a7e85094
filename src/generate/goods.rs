//! Goods: how they come back, what the bench finds, and what the customer gets for them.

use replay::{
    event::{Basis, Direction, Disposition, Leg, Party, Remedy, ScanStatus, UnitStatus},
    ids::Code,
};

use super::{
    act::{By, Deal, Finding, Fix, Goods, Money, Parcel, Part, Talk},
    life::{Case, REFUND_MINOR_MIN},
    story::Pen,
    terms::Grant,
};

impl<'m> Pen<'_, 'm> {
    pub(super) fn authorized(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
        let remedy = case.goal.map(|(_, remedy)| remedy);
        if self.chance.percent(42) {
            let status = UnitStatus::Authorizable;
            self.and(By::Engine, Talk::Assessed { status, remedy, cites: &grant.row.cites });
        }
        let terms = &self.story.merchant.terms;
        let numbered = terms.rules.authorization.number_on_parcel
            || (terms.authorization_required && self.chance.percent(70));
        if !numbered && self.chance.percent(45) {
            return;
        }
        self.work_later(1, 30);
        if numbered {
            case.rmas += 1;
            case.rma = Some(case.rmas);
        }
        self.tell(By::Agent, Talk::Granted { rma: case.rma });
        if let (Some(rma), true) = (case.rma, self.chance.per_mille(12)) {
            self.later(0, 1);
            self.tell(By::Agent, Talk::Voided { rma });
            case.rmas += 1;
            case.rma = Some(case.rmas);
            self.and(By::Agent, Talk::Granted { rma: case.rma });
        }
        if self.chance.percent(30) {
            self.and(By::Agent, Talk::Notice("authorization_granted"));
        }
        if self.chance.percent(20) {
            let minor = self.postage();
            let customer = matches!(case.basis, Basis::ChangeOfMind | Basis::WrongPurchase);
            let paid_by = if customer { Party::Customer } else { Party::Merchant };
            self.and(By::Agent, Goods::Label { minor, paid_by });
        }
    }

    /// The customer hands in a parcel.
    pub(super) fn sends(&mut self, case: &mut Case<'m>) -> Parcel {
        case.parcels += 1;
        let parcel = Parcel { leg: Leg::Inbound, number: case.parcels };
        self.customer_later(12, 24 * 6);
        self.tell(By::Courier, Deal::Sent { parcel, part: Part::All, rma: case.rma });
        parcel
    }

    /// The goods come back and are taken in.
    fn returned(&mut self, case: &mut Case<'m>) {
        if self.chance.percent(55) {
            let parcel = self.sends(case);
            if self.chance.percent(25) {
                self.later(10, 40);
                self.tell(By::Courier, Deal::Scanned { parcel, status: ScanStatus::InTransit });
            }
            self.road(20);
            if self.chance.percent(30) {
                self.tell(By::Courier, Deal::Scanned { parcel, status: ScanStatus::Delivered });
            }
        } else {
            self.customer_later(20, 24 * 6);
            self.road(20);
        }
        self.work_later(1, 8);
        if self.story.merchant.terms.rules.authorization.number_on_parcel && self.chance.per_mille(22) {
            self.tell(By::Dock, Goods::TurnedAway);
            self.work_later(1, 6);
            self.tell(By::Agent, Talk::Contact(Direction::Outbound));
            self.road(60);
            self.at_work();
        }
        self.tell(By::Dock, Goods::Received { rma: case.rma });
        if self.chance.percent(32) {
            self.and(By::Dock, Talk::Notice("parcel_received"));
        }
        if self.chance.percent(16) {
            self.own_cost(case);
        }
    }

    /// The usual way: proofs, authorization, return, inspection, remedy.
    pub(super) fn settle(&mut self, case: &mut Case<'m>, grant: &'m Grant) {
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
            self.tell(By::Dock, Goods::LostInCustody);
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
        self.tell(By::Bench, Goods::Inspected { finding, part: Part::All });
        let target = self.revision();
        if self.chance.percent(24) {
            let to = if faulty { Disposition::Refurbish } else { Disposition::Restock };
            self.and(By::Bench, Goods::Put(to));
        }
        if matches!(finding, Finding::AsSaid) && self.chance.per_mille(24) {
            self.work_later(1, 30);
            self.tell(By::Bench, Deal::Corrected { target, fix: Fix::Packaging });
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
            && row.what.1 == self.story.market.coin.code
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
        self.tell(By::Bench, Goods::Inspected { finding: Finding::Sound, part: Part::Back });
        self.fulfilled(case, grant, remedy, Part::Front, None);
        self.work_later(1, 10);
        let (part, remedy) = (Part::Back, Remedy::ReturnToCustomer);
        self.tell(By::Agent, Goods::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        let parcel = Parcel { leg: Leg::ReturnToCustomer, number: 1 };
        self.tell(By::Dock, Deal::Sent { parcel, part, rma: None });
    }

    /// Nothing is wrong with it: it travels back, for the customer's money.
    fn sent_back(&mut self, case: &mut Case<'m>) {
        let remedy = Remedy::ReturnToCustomer;
        let Some((grant, _)) = case.goal else { return };
        self.work_later(2, 30);
        self.tell(
            By::Agent,
            Goods::Decided { part: Part::All, remedy, minor: None, cites: &grant.row.cites },
        );
        let parcel = Parcel { leg: Leg::ReturnToCustomer, number: 1 };
        self.work_later(2, 30);
        self.tell(By::Dock, Deal::Sent { parcel, part: Part::All, rma: None });
        if self.chance.percent(40) {
            let minor = self.postage();
            let (cost, paid_by, abroad) = ("return_leg_shipping", Party::Merchant, false);
            self.and(By::Dock, Money::Cost { cost, paid_by, minor, abroad });
            case.charges += 1;
            self.tell(By::Agent, Money::Charged { charge: case.charges, minor });
            self.settle_charge(case, minor);
        }
        self.closed("no_fault_found");
    }

    fn paid_repair(&mut self, case: &mut Case<'m>, minor: u64, cites: &'m [Code]) {
        self.tell(By::Agent, Goods::Offered(Remedy::PaidRepair));
        self.customer_later(5, 70);
        self.tell(By::Portal, Goods::Selected(Remedy::PaidRepair));
        self.at_work();
        let (part, remedy) = (Part::All, Remedy::PaidRepair);
        self.tell(By::Agent, Goods::Decided { part, remedy, minor: None, cites });
        case.charges += 1;
        self.and(By::Agent, Money::Fee { charge: case.charges, minor, cites });
        self.settle_charge(case, minor);
        self.repair(case, part);
        self.closed("repaired");
    }

    fn repair(&mut self, case: &mut Case<'m>, part: Part) {
        if self.chance.percent(70) {
            self.work_later(24, 24 * 8);
            self.tell(By::Bench, Goods::Repaired(part));
        }
        self.work_later(3, 40);
        self.tell(By::Dock, Goods::RepairSent { part, rma: case.rma.take() });
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
            self.tell(By::Portal, Goods::Selected(remedy));
        }
        self.work_later(2, 40);
        if remedy == Remedy::Refund {
            return self.paid(case, grant, part, minor);
        }
        let goods = matches!(remedy, Remedy::Replacement | Remedy::Exchange | Remedy::Upgrade);
        if goods && self.chance.percent(30) {
            self.tell(By::Dock, Goods::Stock);
        }
        self.tell(By::Agent, Goods::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        if self.chance.percent(25) {
            self.and(By::Agent, Talk::Notice("remedy_decided"));
        }
        if !goods {
            return self.repair(case, part);
        }
        self.work_later(3, 60);
        self.tell(By::Dock, Goods::ReplacementSent { part, rma: case.rma.take() });
        let parcel = Parcel { leg: Leg::Replacement, number: 1 };
        if self.chance.percent(40) {
            self.and(By::Dock, Deal::Sent { parcel, part, rma: None });
        }
        self.road(0);
        if self.chance.percent(55) {
            self.tell(By::Carrier, Goods::ReplacementArrived(part));
        }
        if self.chance.percent(4) {
            self.customer_later(24, 24 * 20);
            self.tell(By::Portal, Goods::RemedyFailed { remedy, part });
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
            self.tell(By::Agent, Goods::Offered(Remedy::SpareParts));
        }
        let (part, remedy) = (Part::All, Remedy::SpareParts);
        self.tell(By::Agent, Goods::Decided { part, remedy, minor: None, cites: &grant.row.cites });
        self.work_later(5, 50);
        self.tell(By::Dock, Goods::PartsSent);
        if self.chance.percent(10) {
            self.customer_later(24 * 5, 24 * 20);
            self.tell(By::Portal, Goods::RemedyFailed { remedy, part });
            self.goodwill(case);
        }
        self.closed("parts_sent");
    }
}
