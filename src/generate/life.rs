//! The life of one claim, from the first contact to its end. What is granted, held and denied, the engine says (`pen`);
//! how often things happen is said here, in `goods` and in `money`.

use replay::{
    event::{Basis, Direction, Disposition, Leg, Party, Remedy, ScanStatus, UnitStatus},
    judge::{Judgement, WindowState},
};

use super::{
    act::{By, Deal, Fix, Goods, Money, Parcel, Part, Talk},
    pen::Pen,
    sale::Run,
    terms::Hope,
};

/// What the plan remembers of a claim.
#[derive(Debug)]
pub(super) struct Plan {
    pub basis: Basis,
    /// What the customer hopes for, where the policy gives hope.
    pub hope: Option<Hope>,
    /// The units that the claim goes on with: all, or those in front.
    pub part: Part,
    pub rma: Option<u8>,
    pub rmas: u8,
    pub parcels: u8,
    pub refunds: u8,
    pub charges: u8,
    pub chargebacks: u8,
    pub paid: bool,
    /// The order did not say when it was invoiced, and does by now.
    pub invoice_found: bool,
}

impl Pen<'_, '_> {
    /// See the module.
    pub(super) fn claim(&mut self) {
        let Some(claim) = self.story.claims.get(usize::from(self.stream) - 1) else { return };
        let mut plan = Plan {
            basis: claim.basis,
            hope: None,
            part: Part::All,
            rma: None,
            rmas: 0,
            parcels: 0,
            refunds: 0,
            charges: 0,
            chargebacks: 0,
            paid: false,
            invoice_found: false,
        };
        plan.hope = self.hope(plan.basis);
        self.wait_for_contact(&plan);
        self.contact(&mut plan);
        match plan.basis {
            Basis::RefusedDelivery => self.refused_delivery(&mut plan),
            Basis::SubscriptionRefund => self.subscription(&mut plan),
            _ => self.fate(&mut plan),
        }
        self.afterwards(&mut plan);
    }

    /// What the customer will ask for.
    fn hope(&mut self, basis: Basis) -> Option<Hope> {
        let claim = self.story.claims.get(usize::from(self.stream) - 1)?;
        let article = self.story.sale.lines.get(claim.front.first()?.line)?.article;
        let terms = &self.story.merchant.terms;
        let hopes: Vec<Hope> = terms.hopes(basis, article.class, article.condition).collect();
        let share = |hope: &Hope| match hope.remedy {
            Remedy::Refund => 60,
            Remedy::Replacement => 24,
            Remedy::Repair => 18,
            Remedy::Exchange => 12,
            Remedy::SpareParts => 8,
            Remedy::OtherCompensation => 5,
            Remedy::Upgrade => 4,
            _ => 0,
        };
        self.chance.by_share(&hopes, share).copied()
    }

    /// The first contact mostly falls inside the window of what is hoped for.
    fn wait_for_contact(&mut self, plan: &Plan) {
        let days = match plan.basis {
            Basis::RefusedDelivery => 0,
            Basis::Doa | Basis::TransitDamage | Basis::MerchantError => 5,
            Basis::WrongPurchase => 9,
            Basis::ChangeOfMind | Basis::SubscriptionRefund => 26,
            Basis::Defect | Basis::NoFault => 330,
        };
        let granted = plan.hope.map_or(days, |hope| hope.days);
        if self.chance.percent(95) {
            let hours = (days.min(granted * 8 / 10) * 24).max(3);
            // Twice, and the earlier one: most things are noticed soon.
            let least = self.chance.between(2, hours).min(self.chance.between(2, hours));
            self.customer_later(least, least + 2);
        } else {
            let hours = (granted + 4).min(400) * 24;
            self.customer_later(hours, hours + 24 * 60);
        }
    }

    fn contact(&mut self, plan: &mut Plan) {
        self.tell(By::Portal, Talk::Opened);
        let complete = self.chance.percent(90);
        if self.chance.percent(78) {
            self.and(By::Portal, Talk::Proofs { complete });
            if self.chance.per_mille(25) {
                self.work_later(2, 20);
                self.tell(By::Agent, Talk::ProofsFailed);
            }
        }
        if self.chance.per_mille(8) {
            self.work_later(2, 30);
            self.tell(By::Agent, Deal::Corrected { target: 1, fix: Fix::Channel });
        }
        if self.chance.per_mille(22) && plan.basis == Basis::Defect {
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
    fn fate(&mut self, plan: &mut Plan) {
        match self.chance.below(100) {
            0..7 => {
                self.work_later(1, 20);
                self.tell(By::Agent, Talk::Contact(Direction::Outbound));
                self.closed("answered");
            }
            7..11 => {
                self.customer_later(5, 90);
                self.tell(By::Portal, Talk::Withdrawn);
                if self.chance.percent(22) {
                    self.customer_later(24, 24 * 12);
                    self.tell(By::Portal, Talk::Contact(Direction::Inbound));
                    self.at_work();
                    self.tell(By::Agent, Talk::Reopened);
                    self.pursued(plan);
                }
            }
            _ => self.pursued(plan),
        }
    }

    /// The shop looks at what is there, asks for what is missing, and goes on as its policy says.
    fn pursued(&mut self, plan: &mut Plan) {
        for asked in 0..3 {
            self.work_later(1, 24);
            let Some(judged) = self.judged(By::Engine) else { return };
            self.part_from_the_denied(plan, &judged);
            let standing = self.standing(&judged, plan.part);
            if self.chance.percent(38) {
                self.assessed(&judged, plan.part);
            }
            if plan.part == Part::Front {
                self.denied_part(&judged);
            }
            match standing {
                Some(UnitStatus::Ineligible) => return self.denied(plan, &judged),
                // A person's yes is asked for where it is due, with the goods in hand.
                Some(UnitStatus::Authorizable | UnitStatus::Eligible | UnitStatus::NeedsDiscretion) => {
                    return self.granted(plan);
                }
                Some(UnitStatus::Hold) | None if asked < 2 => {
                    if !self.supplied(plan, &judged) {
                        return self.closed("no_answer");
                    }
                }
                Some(UnitStatus::Hold) | None => return self.closed("no_answer"),
            }
        }
    }

    /// Where only some units have a right, the claim goes on with those.
    fn part_from_the_denied(&mut self, plan: &mut Plan, judged: &Judgement) {
        let denied = |status| status == UnitStatus::Ineligible;
        if plan.part != Part::All || judged.status.is_some() || !judged.units.iter().any(|u| denied(u.status))
        {
            return;
        }
        let runs = |wanted: bool| {
            let units = judged.units.iter().filter(|u| denied(u.status) == wanted);
            units.map(|u| Run { line: u.line_at, first: u.first, last: u.last }).collect::<Vec<Run>>()
        };
        if let Some(claim) = self.story.claims.get_mut(usize::from(self.stream) - 1) {
            (claim.front, claim.back) = (runs(false), runs(true));
            plan.part = Part::Front;
        }
    }

    /// Says what was judged of a part whose units stand alike.
    pub(super) fn assessed(&mut self, judged: &Judgement, part: Part) {
        let Some(status) = self.standing(judged, part) else { return };
        let units = self.units_of(judged, part);
        let Some(first) = units.first() else { return };
        let (remedies, cites) = (first.allowed.clone(), first.cites.clone());
        self.tell(By::Engine, Talk::Assessed { part, status, remedies, cites });
    }

    /// What is missing comes in: proofs, an invoice, a carrier's report. Whether it did.
    fn supplied(&mut self, plan: &mut Plan, judged: &Judgement) -> bool {
        let unknown = |u: &replay::judge::UnitJudgement| {
            u.applied.iter().any(|at| u.windows.get(*at).is_some_and(|w| w.state == WindowState::Unknown))
        };
        if judged.units.iter().any(unknown) && !self.story.invoiced && !plan.invoice_found {
            plan.invoice_found = true;
            self.work_later(1, 30);
            return self.tell_of_the_order(By::Agent, Deal::Corrected { target: 1, fix: Fix::Invoiced });
        }
        if self.chance.percent(60) {
            self.and(By::Agent, Talk::Contact(Direction::Outbound));
        }
        if self.chance.percent(12) {
            self.work_later(24 * 14, 24 * 30);
            return false;
        }
        self.customer_later(3, 80);
        self.tell(By::Portal, Talk::Proofs { complete: true })
    }

    /// Nothing stands in the way of the claim so far.
    fn granted(&mut self, plan: &mut Plan) {
        match self.chance.below(100) {
            0..7 => self.stalled(plan),
            7 => self.lost_on_the_way(plan),
            _ => self.settle(plan),
        }
    }

    /// Some units have no right: it is said of them, and the claim goes on with the others.
    fn denied_part(&mut self, judged: &Judgement) {
        let units = self.units_of(judged, Part::Back);
        let Some(cites) = units.first().map(|u| u.cites.clone()) else { return };
        self.and(By::Agent, Talk::Denied { reason: "not_covered", part: Part::Back, cites });
    }

    /// Nothing is granted.
    pub(super) fn denied(&mut self, plan: &mut Plan, judged: &Judgement) {
        let part = plan.part;
        let units = self.units_of(judged, part);
        let Some(first) = units.first() else { return };
        let failed = |at: &usize| first.windows.get(*at).is_some_and(|w| w.state == WindowState::Failed);
        let reason = if first.applied.iter().any(failed) {
            "window_is_over"
        } else if judged.received {
            "not_as_the_policy_wants_it"
        } else {
            "not_covered"
        };
        let cites = first.cites.clone();
        self.work_later(2, 40);
        self.tell(By::Agent, Talk::Denied { reason, part, cites });
        if self.chance.percent(50) {
            self.and(By::Agent, Talk::Notice("reply"));
        }
        if judged.received {
            self.sent_back(plan, part);
        }
        if self.chance.percent(8) {
            self.customer_later(4, 70);
            self.tell(By::Portal, Talk::Contact(Direction::Inbound));
            self.work_later(2, 30);
            self.tell(By::Agent, Talk::Escalated);
            if self.chance.percent(50) {
                self.work_later(2, 30);
                self.tell(By::Supervisor, Talk::Reopened);
                self.goodwill(plan);
            }
        }
        if self.chance.percent(85) {
            self.closed("denied");
        }
    }

    /// The customer never sends it.
    fn stalled(&mut self, plan: &mut Plan) {
        self.authorized(plan);
        if self.chance.percent(40) {
            return;
        }
        self.work_later(24 * 25, 24 * 40);
        if let Some(rma) = plan.rma.take() {
            self.tell(By::Agent, Talk::Expired { rma });
        }
        self.closed("nothing_was_sent");
    }

    /// The parcel never arrives: whose risk that is, the policy says, or nobody does.
    fn lost_on_the_way(&mut self, plan: &mut Plan) {
        self.authorized(plan);
        let parcel = self.sends(plan);
        self.later(24 * 10, 24 * 20);
        self.tell(By::Courier, Deal::Scanned { parcel, status: ScanStatus::Lost });
        self.work_later(5, 60);
        let Some(judged) = self.judged(By::Engine) else { return };
        if self.standing(&judged, plan.part) == Some(UnitStatus::Ineligible) {
            return self.denied(plan, &judged);
        }
        self.tell(By::Agent, Talk::Contact(Direction::Outbound));
        if self.chance.percent(60) {
            self.goodwill(plan);
        }
        self.closed("lost_on_the_way");
    }

    /// The parcel comes back by itself; what that cost is taken off.
    fn refused_delivery(&mut self, plan: &mut Plan) {
        let minor = self.postage();
        let abroad = self.story.market.abroad;
        self.work_later(24 * 6, 24 * 16);
        let parcel = Parcel { leg: Leg::Inbound, number: 1 };
        if self.chance.percent(25) {
            self.tell(By::Carrier, Deal::Sent { parcel, part: Part::All, rma: None });
            self.work_later(20, 90);
        }
        self.tell(By::Dock, Goods::Received { rma: None, part: Part::All });
        let (cost, paid_by) = ("refused_parcel", Party::Merchant);
        self.and(By::Dock, Money::Cost { cost, paid_by, minor, abroad });
        if self.chance.percent(40) {
            self.and(By::Dock, Goods::Put(Part::All, Disposition::Restock));
        }
        self.work_later(2, 40);
        self.resolved(plan, Part::All);
        self.closed("refunded");
    }

    /// A device has transmitted in the paid month, or has not.
    fn subscription(&mut self, plan: &mut Plan) {
        let claim = self.story.claims.get(usize::from(self.stream) - 1);
        let line = claim.and_then(|c| c.front.first()).map_or(0, |run| run.line);
        let transmitted = match self.story.transmitted {
            Some(known) => known,
            None => self.chance.percent(45),
        };
        self.work_later(2, 40);
        self.tell(By::Platform, Goods::Connected { line, transmitted });
        for _ in 0..2 {
            self.work_later(1, 20);
            let Some(judged) = self.judged(By::Engine) else { return };
            if self.chance.percent(40) {
                self.assessed(&judged, Part::All);
            }
            match judged.status {
                Some(UnitStatus::Ineligible) => return self.denied(plan, &judged),
                Some(UnitStatus::Eligible) => {
                    self.resolved(plan, Part::All);
                    return self.closed("refunded");
                }
                _ if self.supplied(plan, &judged) => {}
                _ => return self.closed("no_answer"),
            }
        }
    }

    /// Nothing more is due; now and then somebody forgets to say so.
    pub(super) fn closed(&mut self, reason: &'static str) {
        self.work_later(1, 60);
        if self.chance.percent(92) {
            self.tell(By::Agent, Talk::Closed(reason));
        }
    }

    /// Disputes and chargebacks come when the shop has forgotten.
    fn afterwards(&mut self, plan: &mut Plan) {
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
            plan.chargebacks += 1;
            let chargeback = plan.chargebacks;
            let minor = self.value(Part::All).max(1);
            self.tell(By::Psp, Money::ChargedBack { chargeback, minor });
            if self.chance.percent(85) {
                self.later(24 * 10, 24 * 60);
                let won = if plan.paid { self.chance.percent(80) } else { self.chance.percent(35) };
                self.tell(By::Psp, Money::ChargebackEnded { chargeback, won });
            }
        }
    }
}
