//! Goods: how they come back, what the bench finds, and what the customer gets for them.

use replay::{
    event::{Basis, Direction, Disposition, Leg, Party, Remedy, ScanStatus, UnitStatus},
    judge::Judgement,
    policy::RequirementStage,
};

use super::{
    act::{By, Deal, Finding, Fix, Goods, Money, Parcel, Part, Talk},
    life::Plan,
    pen::Pen,
};

impl<'m> Pen<'_, 'm> {
    pub(super) fn authorized(&mut self, plan: &mut Plan) {
        let authorization = &self.story.merchant.terms.rules.authorization;
        let numbered = authorization.number_on_parcel || (authorization.required && self.chance.percent(70));
        let by_writing = authorization.written_counts_for.is_some() && self.chance.percent(60);
        if !numbered && !by_writing && self.chance.percent(45) {
            return;
        }
        let part = plan.part;
        self.work_later(1, 30);
        if numbered {
            plan.rmas += 1;
            plan.rma = Some(plan.rmas);
        }
        self.tell(By::Agent, Talk::Granted { rma: plan.rma, part });
        if let (Some(rma), true) = (plan.rma, self.chance.per_mille(12)) {
            self.later(0, 1);
            self.tell(By::Agent, Talk::Voided { rma });
            plan.rmas += 1;
            plan.rma = Some(plan.rmas);
            self.and(By::Agent, Talk::Granted { rma: plan.rma, part });
        }
        if self.chance.percent(30) {
            self.and(By::Agent, Talk::Notice("authorization_granted"));
        }
        if self.chance.percent(20) {
            let minor = self.postage();
            let customer = self.chance.percent(35);
            let paid_by = if customer { Party::Customer } else { Party::Merchant };
            self.and(By::Agent, Goods::Label { minor, paid_by });
        }
    }

    /// The customer hands in a parcel.
    pub(super) fn sends(&mut self, plan: &mut Plan) -> Parcel {
        plan.parcels += 1;
        let parcel = Parcel { leg: Leg::Inbound, number: plan.parcels };
        self.customer_later(12, 24 * 6);
        self.tell(By::Courier, Deal::Sent { parcel, part: plan.part, rma: plan.rma });
        parcel
    }

    /// The goods come back and are taken in.
    fn returned(&mut self, plan: &mut Plan) {
        let part = plan.part;
        if self.chance.percent(55) {
            let parcel = self.sends(plan);
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
        let authorization = &self.story.merchant.terms.rules.authorization;
        if authorization.number_on_parcel && self.chance.per_mille(22) {
            self.tell(By::Dock, Goods::TurnedAway(part));
            self.work_later(1, 6);
            self.tell(By::Agent, Talk::Contact(Direction::Outbound));
            self.road(60);
            self.at_work();
        }
        self.tell(By::Dock, Goods::Received { rma: plan.rma, part });
        if self.chance.percent(32) {
            self.and(By::Dock, Talk::Notice("parcel_received"));
        }
        if self.story.market.abroad && self.chance.percent(8) {
            let minor = self.postage();
            let (cost, paid_by, abroad) = ("customs", Party::Merchant, true);
            self.and(By::Dock, Money::Cost { cost, paid_by, minor, abroad });
        }
        if self.chance.percent(20) {
            self.own_cost();
        }
    }

    /// The usual way: authorization, return, inspection, remedy; or one of the shorter ones.
    pub(super) fn settle(&mut self, plan: &mut Plan) {
        let hope = plan.hope.map_or(Remedy::Refund, |hope| hope.remedy);
        let terms = &self.story.merchant.terms;
        if let Some(point) =
            terms.waiver.clone().filter(|_| hope == Remedy::Refund && self.chance.percent(18))
        {
            self.work_later(4, 40);
            self.discretion(&point, plan.part, false, None);
            self.resolved(plan, plan.part);
            return self.closed("settled");
        }
        // Where the policy looks at nothing first, nothing need come back.
        let looked_at = terms.rules.requirements.iter().any(|row| {
            let about = row.scope.remedy.is_empty() || row.scope.remedy.contains(&hope);
            row.stage == RequirementStage::Settle && about
        });
        let unseen = matches!(hope, Remedy::OtherCompensation | Remedy::SpareParts | Remedy::Upgrade);
        if unseen && (!looked_at || self.chance.percent(60)) && self.resolved(plan, plan.part) {
            return self.closed("settled");
        }
        self.authorized(plan);
        self.returned(plan);
        self.work_later(3, 60);
        if self.chance.per_mille(9) {
            self.tell(By::Dock, Goods::LostInCustody(plan.part));
            self.resolved(plan, plan.part);
            return self.closed("lost_here");
        }
        let parts = self.parts(plan);
        for part in parts {
            self.inspected(plan, *part);
        }
        if self.chance.percent(24) {
            let broken = matches!(plan.basis, Basis::Defect | Basis::Doa);
            let to = if broken { Disposition::Refurbish } else { Disposition::Restock };
            self.and(By::Bench, Goods::Put(plan.part, to));
        }
        for part in parts {
            self.work_later(2, 40);
            self.resolved(plan, *part);
        }
        self.closed("settled");
    }

    /// The parts that the bench tells apart, where the units of the claim part.
    fn parts(&self, plan: &Plan) -> &'static [Part] {
        let parted = plan.part == Part::All && self.units_count(Part::Back) > 0;
        match plan.part {
            _ if parted => &[Part::Front, Part::Back],
            Part::Front => &[Part::Front],
            _ => &[Part::All],
        }
    }

    /// What the bench finds; now and then it has to correct itself.
    fn inspected(&mut self, plan: &Plan, part: Part) {
        let terms = &self.story.merchant.terms;
        let remedy = plan.hope.map_or(Remedy::Refund, |hope| hope.remedy);
        let broken = matches!(plan.basis, Basis::Defect | Basis::Doa | Basis::TransitDamage);
        // Of parted units those in the back are the odd ones.
        let odd = if part == Part::Back { 70 } else { 0 };
        let finding = match (self.chance.below(100), broken) {
            (n, true) if n + odd >= 100 => Finding::Sound,
            (0..9, true) => {
                let causes: Vec<_> = terms.causes(plan.basis, remedy).collect();
                self.chance.pick(&causes).map_or(Finding::AsSaid, |cause| Finding::Cause(cause))
            }
            (9..16, true) => Finding::Sound,
            (16..21, true) => Finding::Incomplete,
            (21..26, true) => Finding::Later,
            (n, false) if n + odd >= 100 => Finding::Incomplete,
            (0..4, false) => Finding::Worn,
            (4..8, false) => Finding::Installed { crushed: false },
            (8..12, false) => Finding::Installed { crushed: true },
            (12..16, false) => Finding::Crushed,
            (16..20, false) => Finding::Incomplete,
            (20..22, false) => Finding::Altered,
            _ => Finding::AsSaid,
        };
        self.tell(By::Bench, Goods::Inspected { finding, part });
        let target = self.revision();
        let (fix, share) = match finding {
            Finding::AsSaid => (Fix::Packaging, 20),
            Finding::Incomplete => (Fix::Complete, 180),
            Finding::Installed { .. } => (Fix::NotInstalled, 150),
            Finding::Crushed | Finding::Worn => (Fix::Packaging, 150),
            _ => return,
        };
        if self.chance.per_mille(share) {
            self.work_later(1, 30);
            self.tell(By::Bench, Deal::Corrected { target, fix });
        }
    }

    /// A part of the claim gets what the policy gives; what it leaves to a person, a person decides; what is missing is
    /// sought. Whether a remedy was decided.
    pub(super) fn resolved(&mut self, plan: &mut Plan, part: Part) -> bool {
        let (mut serviced, mut sought) = (false, false);
        for _ in 0..5 {
            let Some(judged) = self.judged(By::Engine) else { return false };
            if judged.received && self.chance.percent(14) {
                self.assessed(&judged, part);
            }
            let units = self.units_of(&judged, part);
            let Some(first) = units.first() else { return false };
            let mut remedy = match plan.hope {
                Some(hope) if first.allowed.contains(&hope.remedy) || hope.by_discretion => Some(hope.remedy),
                _ => first.remedy,
            };
            if serviced {
                remedy = Some(Remedy::PaidRepair);
            }
            let Some(remedy) = remedy else {
                self.denied_after_all(plan, part, &judged);
                return false;
            };
            let Some(judged) = self.judged_as(By::Agent, part, remedy) else { return false };
            let units = self.units_of(&judged, part);
            let Some(worst) = units.iter().find(|u| u.status != UnitStatus::Eligible).or(units.first())
            else {
                return false;
            };
            let (status, points, unpriced) = (worst.status, worst.points.clone(), worst.unpriced);
            let guarded = worst.guarded;
            match status {
                UnitStatus::Eligible => return self.fulfilled(plan, part, remedy, &judged),
                UnitStatus::Authorizable if !guarded => return self.fulfilled(plan, part, remedy, &judged),
                UnitStatus::Authorizable => return false,
                UnitStatus::NeedsDiscretion if points.is_empty() => {
                    // The document is silent about it.
                    self.goodwill(plan);
                    return false;
                }
                UnitStatus::NeedsDiscretion => {
                    for point in &points {
                        let against = self.chance.percent(40);
                        let minor = self.at_stake(point, part);
                        self.discretion(point, part, against, minor);
                    }
                }
                UnitStatus::Hold if unpriced => {
                    let minor = self.postage();
                    let (cost, paid_by, abroad) = ("missing_accessory", Party::Merchant, false);
                    self.tell(By::Bench, Money::Cost { cost, paid_by, minor, abroad });
                }
                UnitStatus::Hold if !sought => {
                    sought = true;
                    self.work_later(24, 24 * 6);
                    self.tell(By::Dock, Goods::Stock { in_stock: true });
                }
                UnitStatus::Hold => return false,
                UnitStatus::Ineligible if !serviced && self.service_is_offered(part) => serviced = true,
                UnitStatus::Ineligible if plan.hope.is_some() && !serviced => {
                    // What was hoped for cannot be had; something else perhaps can.
                    plan.hope = None;
                    continue;
                }
                UnitStatus::Ineligible => {
                    self.denied_after_all(plan, part, &judged);
                    return false;
                }
            }
            self.work_later(2, 30);
        }
        false
    }

    /// What came back has no right after all: it is told, and travels back.
    fn denied_after_all(&mut self, plan: &mut Plan, part: Part, judged: &Judgement) {
        let cites = self.units_of(judged, part).first().map(|u| u.cites.clone()).unwrap_or_default();
        self.tell(By::Agent, Talk::Denied { reason: "not_as_the_policy_wants_it", part, cites });
        if judged.received {
            self.sent_back(plan, part);
        }
    }

    /// A service for money, where the policy has one and a person offers it.
    fn service_is_offered(&mut self, part: Part) -> bool {
        let Some((point, price, _)) = &self.story.merchant.terms.service else { return false };
        if price.currency() != self.story.market.coin.code || self.chance.percent(30) {
            return false;
        }
        let (point, minor) = (point.clone(), price.minor());
        // Whether its window runs, only a person who asks will know.
        let waits = |u: &&replay::judge::UnitJudgement| u.status == UnitStatus::NeedsDiscretion;
        let judged = self.judged_as(By::Supervisor, part, Remedy::PaidRepair);
        if !judged.is_some_and(|judged| self.units_of(&judged, part).iter().all(waits)) {
            return false;
        }
        self.discretion(&point, part, false, Some(minor));
        self.tell(By::Agent, Goods::Offered(Remedy::PaidRepair));
        self.customer_later(5, 70);
        self.tell(By::Portal, Goods::Selected { remedy: Remedy::PaidRepair, part })
    }

    /// It travels back; what that costs is settled as the policy says.
    pub(super) fn sent_back(&mut self, plan: &mut Plan, part: Part) {
        let remedy = Remedy::ReturnToCustomer;
        self.work_later(2, 30);
        self.tell(By::Agent, Goods::Decided { part, remedy });
        let parcel = Parcel { leg: Leg::ReturnToCustomer, number: plan.parcels + 1 };
        plan.parcels += 1;
        self.work_later(2, 30);
        self.tell(By::Dock, Deal::Sent { parcel, part, rma: None });
        if self.chance.percent(40) {
            let minor = self.postage();
            let (cost, paid_by, abroad) = ("return_leg_shipping", Party::Merchant, false);
            self.and(By::Dock, Money::Cost { cost, paid_by, minor, abroad });
            self.charged(plan);
        }
    }

    fn repair(&mut self, plan: &mut Plan, part: Part) {
        if self.chance.percent(70) {
            self.work_later(24, 24 * 8);
            self.tell(By::Bench, Goods::Repaired(part));
        }
        self.work_later(3, 40);
        self.tell(By::Dock, Goods::RepairSent { part, rma: plan.rma.take() });
    }

    /// The remedy is decided and carried out. Whether it was.
    fn fulfilled(&mut self, plan: &mut Plan, part: Part, remedy: Remedy, judged: &Judgement) -> bool {
        if remedy == Remedy::ReturnToCustomer {
            self.sent_back(plan, part);
            return true;
        }
        if self.chance.percent(12) {
            self.customer_later(2, 40);
            self.tell(By::Portal, Goods::Selected { remedy, part });
        }
        let goods = matches!(remedy, Remedy::Replacement | Remedy::Exchange | Remedy::Upgrade);
        if goods && self.chance.percent(30) {
            let in_stock = self.chance.percent(85);
            self.tell(By::Dock, Goods::Stock { in_stock });
            if !in_stock {
                self.work_later(24 * 2, 24 * 20);
                self.tell(By::Dock, Goods::Stock { in_stock: true });
            }
        }
        let variant = judged.policy.variants.iter().find(|v| v.remedy == remedy);
        if let Some(point) = variant.and_then(|v| v.point.clone()).filter(|_| self.chance.percent(10)) {
            self.work_later(1, 10);
            self.discretion(&point, part, false, None);
        }
        self.work_later(2, 40);
        if !self.tell(By::Agent, Goods::Decided { part, remedy }) {
            return false;
        }
        if self.chance.percent(25) {
            self.and(By::Agent, Talk::Notice("remedy_decided"));
        }
        self.charged(plan);
        match remedy {
            Remedy::Refund | Remedy::OtherCompensation => {}
            Remedy::SpareParts => {
                self.work_later(5, 50);
                self.tell(By::Dock, Goods::PartsSent(part));
            }
            Remedy::Repair | Remedy::PaidRepair => self.repair(plan, part),
            _ => self.replaced(plan, part),
        }
        // Beside a replacement, too, there may be a cost to repay.
        self.refund(plan, part, remedy);
        if !remedy.pays_money() && self.chance.percent(4) {
            self.customer_later(24, 24 * 20);
            self.tell(By::Portal, Goods::RemedyFailed { remedy, part });
            self.work_later(3, 40);
            if let Some(hope) = plan.hope.as_mut().filter(|hope| hope.remedy != Remedy::Refund) {
                hope.remedy = Remedy::Refund;
                self.resolved(plan, part);
            }
        }
        true
    }

    fn replaced(&mut self, plan: &mut Plan, part: Part) {
        self.work_later(3, 60);
        let variant = self.state().and_then(|state| {
            let mut variants = state.units.iter().filter_map(|(_, _, _, unit)| unit.variant);
            variants.next()
        });
        self.tell(By::Dock, Goods::ReplacementSent { part, rma: plan.rma.take(), variant });
        let parcel = Parcel { leg: Leg::Replacement, number: 1 };
        if self.chance.percent(40) {
            self.and(By::Dock, Deal::Sent { parcel, part, rma: None });
        }
        self.road(0);
        if self.chance.percent(55) {
            self.tell(By::Carrier, Goods::ReplacementArrived(part));
        }
    }
}
