//! One run of units: its basis, the rights that match it, the requirements in its way, and where that leaves it.

use alloc::vec::Vec;

use super::{Piece, Trial, UnitFacts, WindowJudgement, WindowState};
use crate::{
    event::{Basis, Defect, Party, Remedy, UnitStatus, Variant},
    ids::{Code, EventId},
    policy::{Cites, Entitlement, OnFail, Requirement, RequirementStage, Truth},
    units::Units,
};

/// What a policy says of a run of units of one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitJudgement {
    pub units: Units,
    /// Index of the line in the order, and the numbers of the first and last unit.
    pub line_at: usize,
    pub first: u32,
    pub last: u32,
    /// Why the unit is claimed, as established: before inspection what the customer said, after it what was found.
    pub basis: Basis,
    /// The event that established it.
    pub basis_event: EventId,
    /// Every window of the policy, by index.
    pub windows: Vec<WindowJudgement>,
    /// Windows of the entitlements whose scope matches, by index.
    pub applied: Vec<usize>,
    /// Entitlements whose scope matches, and whether they grant something now.
    pub entitlements: Vec<(usize, Truth)>,
    /// What it may get, in order of preference.
    pub allowed: Vec<Remedy>,
    /// The remedy that was decided or selected, else the first one allowed.
    pub remedy: Option<Remedy>,
    /// What the customer last asked for.
    pub selected: Option<Remedy>,
    /// The event that chose it; `None` = nobody has chosen yet.
    pub chosen_by: Option<EventId>,
    pub status: UnitStatus,
    /// Clauses behind the status.
    pub cites: Cites,
    /// Every requirement in scope, in the order of the policy.
    pub asked: Vec<Asked>,
    /// The fee under which a paid service is granted, by index.
    pub service: Option<usize>,
    /// A guard (a requirement that holds until a fact is in) is not met: nothing can be decided for it yet.
    pub guarded: bool,
    /// Discretion points that wait for a person.
    pub points: Vec<Code>,
    /// New or refurbished, with the clauses that say so; only for what can be sent.
    pub variant: Option<(Variant, Cites)>,
    /// An accessory is missing and the order names no price for it.
    pub unpriced: bool,
}

/// A requirement and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// Index of the requirement.
    pub row: usize,
    pub truth: Truth,
    pub outcome: Outcome,
    /// The decision that settled it at its discretion point.
    pub decided_by: Option<EventId>,
}

/// What a requirement leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Passes,
    /// Noted, nothing else.
    Noted,
    /// Not asked yet: the goods have not been looked at.
    Later,
    /// Passed by a recorded decision.
    Accepted,
    Holds,
    NeedsDiscretion,
    Denies,
}

impl Trial<'_> {
    pub(super) fn basis_event(&self, unit: &UnitFacts) -> EventId {
        match (unit.defect.as_ref(), unit.cause.as_ref()) {
            (Some(defect), _) if basis(self.facts.asserted.value, unit) != self.facts.asserted.value => {
                defect.event
            }
            (None, Some(cause)) if basis(self.facts.asserted.value, unit) == Basis::TransitDamage => {
                cause.event
            }
            _ => self.facts.asserted.event,
        }
    }

    /// Judges one run of units.
    pub(super) fn unit(&self, piece: &Piece<'_>) -> UnitJudgement {
        let units = piece.units();
        let basis = basis(self.facts.asserted.value, piece.unit);
        let windows = self.windows(piece);
        let mut applied = Vec::new();
        let mut entitlements = Vec::new();
        for (at, e) in self.policy.entitlements.iter().enumerate() {
            // Scopes of entitlements say who; what they get is the column of remedies.
            if self.in_scope(&e.scope, piece, basis, None, &windows) {
                for window in &e.windows {
                    if !applied.contains(window) {
                        applied.push(*window);
                    }
                }
                entitlements.push((at, self.grants(e, &units, &windows)));
            }
        }
        let mut judged = UnitJudgement {
            line_at: piece.line_at,
            first: piece.first,
            last: piece.last,
            basis,
            basis_event: self.basis_event(piece.unit),
            windows,
            applied,
            allowed: Vec::new(),
            remedy: None,
            selected: piece.unit.selected,
            chosen_by: piece.unit.remedy.map(|r| r.event),
            status: UnitStatus::Ineligible,
            cites: Cites::default(),
            asked: Vec::new(),
            service: None,
            guarded: false,
            points: Vec::new(),
            variant: None,
            unpriced: false,
            entitlements,
            units,
        };
        for (at, _) in judged.entitlements.iter().filter(|(_, truth)| *truth == Truth::True) {
            for remedy in self.policy.entitlements.get(*at).iter().flat_map(|e| &e.remedies) {
                if !judged.allowed.contains(remedy) {
                    judged.allowed.push(*remedy);
                }
            }
        }
        let right = match piece.unit.remedy {
            Some(chosen) => self.right_to(chosen.value, piece, &judged),
            None => self.right_to_any(&judged),
        };
        (judged.status, judged.remedy, judged.cites) = (right.status, right.remedy, right.cites);
        (judged.service, judged.points) = (right.service, right.points);
        self.ask_all(piece, &mut judged);
        judged.variant = self.variant(&judged);
        judged
    }

    /// Whether an entitlement whose scope matches grants something now; what a person must grant first, it does not.
    fn grants(&self, e: &Entitlement, units: &Units, windows: &[WindowJudgement]) -> Truth {
        let held = e.windows.iter().map(|at| match windows.get(*at).map(|w| w.state) {
            Some(WindowState::Held) => Truth::True,
            Some(WindowState::Unknown) => Truth::Unknown,
            _ => Truth::False,
        });
        let held = held.min().unwrap_or(Truth::True);
        match &e.needs_discretion {
            Some(point) if held == Truth::True => {
                self.facts.decision_at(point, units).is_some_and(|d| d.accepts()).into()
            }
            _ => held,
        }
    }

    /// Asks every requirement in scope and settles the status: deny before discretion before hold before later.
    fn ask_all(&self, piece: &Piece<'_>, judged: &mut UnitJudgement) {
        let has_right = matches!(judged.status, UnitStatus::Eligible);
        let lost = self.risk_of_loss(piece.unit);
        let looked_at = self.is_looked_at(piece);
        let mut cites: [Cites; 4] = Default::default();
        let [denies, open, holds, accepted] = &mut cites;
        let mut later = false;
        for (row, requirement) in self.policy.requirements.iter().enumerate() {
            if !self.in_scope(&requirement.scope, piece, judged.basis, judged.remedy, &judged.windows) {
                continue;
            }
            // At the dock goods are refused or taken in; of what was taken in, notes remain.
            let is_there = piece.unit.received.is_some() && requirement.on_fail == OnFail::Note;
            if requirement.stage == RequirementStage::Receive && !is_there {
                continue;
            }
            let asked = self.ask(row, requirement, piece, judged, looked_at);
            let point = requirement.point.as_ref().and_then(|p| self.policy.point(p.as_str()));
            match asked.outcome {
                Outcome::Denies => {
                    denies.add(&requirement.cites);
                    if asked.decided_by.is_some() {
                        denies.add(point.map_or(&Cites::house(15), |p| &p.cites));
                    }
                }
                Outcome::NeedsDiscretion => {
                    open.add(&requirement.cites);
                    open.add(point.map_or(&Cites::house(15), |p| &p.cites));
                    judged.points.extend(requirement.point.clone());
                }
                Outcome::Holds => holds.add(&requirement.cites),
                Outcome::Accepted => {
                    accepted.add(&requirement.cites);
                    accepted.add(point.map_or(&Cites::house(15), |p| &p.cites));
                }
                Outcome::Later => {
                    later = true;
                    judged.guarded |= requirement.on_fail == OnFail::Hold;
                }
                Outcome::Passes | Outcome::Noted => {}
            }
            judged.asked.push(asked);
        }
        if !has_right {
            return;
        }
        if piece.unit.settled_elsewhere.is_some() {
            (judged.status, judged.cites) = (UnitStatus::Ineligible, Cites::house(14));
            return;
        }
        match lost {
            Loss::OfTheCustomer(cites) => {
                (judged.status, judged.cites) = (UnitStatus::Ineligible, cites);
                return;
            }
            // The document is silent about it: a person decides, outside the policy if need be (H-19).
            Loss::OfNobody => {
                (judged.status, judged.cites) = (UnitStatus::NeedsDiscretion, Cites::house(15));
                return;
            }
            Loss::OfTheMerchant(cites) => judged.cites.add(&cites),
            Loss::None => {}
        }
        if !denies.is_empty() {
            (judged.status, judged.cites) = (UnitStatus::Ineligible, core::mem::take(denies));
        } else if !open.is_empty() {
            (judged.status, judged.cites) = (UnitStatus::NeedsDiscretion, core::mem::take(open));
        } else if !holds.is_empty() {
            (judged.status, judged.cites) = (UnitStatus::Hold, core::mem::take(holds));
        } else {
            judged.cites.add(accepted);
            judged.status = if later { UnitStatus::Authorizable } else { UnitStatus::Eligible };
            self.price_what_is_missing(piece, judged);
        }
    }

    fn ask(
        &self,
        row: usize,
        requirement: &Requirement,
        piece: &Piece<'_>,
        judged: &UnitJudgement,
        looked_at: bool,
    ) -> Asked {
        let truth = self.truth(piece, &judged.units, judged.basis, &requirement.needs);
        let settled = |outcome| Asked { row, truth, outcome, decided_by: None };
        if truth == Truth::True {
            return settled(Outcome::Passes);
        }
        if requirement.on_fail == OnFail::Note {
            return settled(Outcome::Noted);
        }
        let settle = requirement.stage == RequirementStage::Settle;
        if truth == Truth::Unknown {
            // What the merchant has lost cannot be looked at any more, and that is not the customer's fault.
            if settle && self.is_lost_at_the_merchants(piece.unit) {
                return settled(Outcome::Passes);
            }
            return settled(if settle && !looked_at { Outcome::Later } else { Outcome::Holds });
        }
        match requirement.on_fail {
            OnFail::Hold if requirement.then_deny => settled(Outcome::Denies),
            OnFail::Hold if settle && !looked_at => settled(Outcome::Later),
            OnFail::Hold => settled(Outcome::Holds),
            OnFail::Discretion | OnFail::Partial => {
                let point = requirement.point.as_ref();
                match point.and_then(|point| self.facts.decision_at(point, &judged.units)) {
                    Some(d) if !d.accepts() => {
                        Asked { decided_by: Some(d.event), ..settled(Outcome::Denies) }
                    }
                    // Part of the money needs its amount.
                    Some(d) if requirement.on_fail == OnFail::Discretion || d.minor.is_some() => {
                        Asked { decided_by: Some(d.event), ..settled(Outcome::Accepted) }
                    }
                    _ => settled(Outcome::NeedsDiscretion),
                }
            }
            _ => settled(Outcome::Denies),
        }
    }

    /// Whether facts that only the goods (or a device's data) can give are in.
    fn is_looked_at(&self, piece: &Piece<'_>) -> bool {
        let by_data = piece.line.class == crate::event::ArticleClass::Subscription;
        piece.unit.inspected.is_some() || (by_data && piece.unit.device.assessed.is_some())
    }

    fn is_lost_at_the_merchants(&self, unit: &UnitFacts) -> bool {
        matches!(self.risk_of_loss(unit), Loss::OfTheMerchant(_))
    }

    fn risk_of_loss(&self, unit: &UnitFacts) -> Loss {
        let risk = self.policy.risk.as_ref();
        let cites = || risk.map(|r| r.cites.clone()).unwrap_or_default();
        if unit.inspected.is_some() {
            return Loss::None;
        }
        if unit.lost_in_custody.is_some() {
            return match risk.and_then(|r| r.after_received) {
                Some(Party::Customer) => Loss::OfTheCustomer(cites()),
                Some(Party::Merchant) => Loss::OfTheMerchant(cites()),
                // Silent: who has the goods answers for them, in the customer's favour (H-18).
                None => Loss::OfTheMerchant(Cites::house(18)),
            };
        }
        if unit.lost_on_the_way.is_some() && unit.received.is_none() {
            return match risk.and_then(|r| r.inbound_until_received) {
                Some(Party::Customer) => Loss::OfTheCustomer(cites()),
                Some(Party::Merchant) => Loss::OfTheMerchant(cites()),
                None => Loss::OfNobody,
            };
        }
        Loss::None
    }

    /// A missing part is charged at the price frozen with the order; without one the step waits (H-16, H-17).
    fn price_what_is_missing(&self, piece: &Piece<'_>, judged: &mut UnitJudgement) {
        let Some(missing) = piece.unit.accessories_missing.as_ref().filter(|m| !m.value.is_empty()) else {
            return;
        };
        let Ok(cost) = Code::new("missing_accessory") else { return };
        let Some(rule) = self.rule_for(&cost, piece, judged) else { return };
        let priced = |name: &crate::ids::Word| piece.line.accessories.iter().any(|a| a.name == *name);
        let recorded = self.facts.costs.iter().any(|c| c.cost == cost);
        if judged.status == UnitStatus::Eligible && !recorded && !missing.value.iter().all(priced) {
            judged.unpriced = true;
            (judged.status, judged.cites) = (UnitStatus::Hold, rule.cites.clone());
        }
    }

    fn variant(&self, judged: &UnitJudgement) -> Option<(Variant, Cites)> {
        if judged.status != UnitStatus::Eligible {
            return None;
        }
        let rule = self.policy.variants.iter().find(|v| judged.remedy == Some(v.remedy))?;
        let held = judged.windows.get(rule.window).is_some_and(|w| w.state == WindowState::Held);
        let mut chosen = (if held { rule.pass } else { rule.fail }, rule.cites.clone());
        if let Some(point) = &rule.point
            && let Some(decision) = self.facts.decision_at(point, &judged.units)
        {
            let words = [decision.value.as_ref().map(|v| v.as_str()), Some(decision.decision.as_str())];
            if let Some(variant) = words.into_iter().flatten().find_map(|w| w.parse::<Variant>().ok()) {
                chosen.0 = variant;
                if let Some(point) = self.policy.point(point.as_str()) {
                    chosen.1.add(&point.cites);
                }
            }
        }
        Some(chosen)
    }
}

/// Who bears the loss of a unit that is gone.
enum Loss {
    None,
    OfTheCustomer(Cites),
    OfTheMerchant(Cites),
    OfNobody,
}

/// Why a unit is claimed, as established (model.md section 1, *Basis*).
pub(super) fn basis(asserted: Basis, unit: &UnitFacts) -> Basis {
    if matches!(asserted, Basis::MerchantError | Basis::SubscriptionRefund | Basis::RefusedDelivery) {
        return asserted;
    }
    if unit.cause.as_ref().is_some_and(|c| c.value.as_str() == "transit") {
        return Basis::TransitDamage;
    }
    let on_arrival = unit.on_arrival.map(|seen| seen.value);
    match (unit.defect.map(|seen| seen.value), asserted) {
        (Some(Defect::Confirmed), _) if on_arrival == Some(true) => Basis::Doa,
        // Nobody looked whether it was there on arrival: what the customer said stands (H-18).
        (Some(Defect::Confirmed), Basis::Doa) if on_arrival.is_none() => Basis::Doa,
        (Some(Defect::Confirmed), _) => Basis::Defect,
        (Some(Defect::None), Basis::Doa | Basis::Defect) => Basis::NoFault,
        _ => asserted,
    }
}
