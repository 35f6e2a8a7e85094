//! The right to a remedy, before anything is asked: by an entitlement whose windows hold, by a paid service, or by
//! nothing, and then why not.

use alloc::vec::Vec;

use super::{Piece, Trial, UnitJudgement, WindowState};
use crate::{
    event::{Basis, Remedy, UnitStatus},
    ids::Code,
    policy::{Chooser, Cites, Entitlement, Fee, Rate, Truth},
    units::Units,
};

/// The right to a remedy, before requirements are asked.
pub(super) struct Right {
    pub status: UnitStatus,
    pub remedy: Option<Remedy>,
    pub cites: Cites,
    pub service: Option<usize>,
    pub points: Vec<Code>,
}

impl Trial<'_> {
    /// Clauses of the windows that have ended, among all rights that match.
    fn failed_windows(&self, judged: &UnitJudgement) -> Cites {
        let mut cites = Cites::default();
        for at in &judged.applied {
            if judged.windows.get(*at).is_some_and(|w| w.state == WindowState::Failed)
                && let Some(window) = self.policy.windows.get(*at)
            {
                cites.add(&window.cites);
            }
        }
        cites
    }

    /// The right to a remedy that somebody has chosen.
    pub(super) fn right_to(&self, remedy: Remedy, piece: &Piece<'_>, judged: &UnitJudgement) -> Right {
        let right =
            |status, cites| Right { status, remedy: Some(remedy), cites, service: None, points: Vec::new() };
        let granting = judged.entitlements.iter().filter_map(|(at, truth)| {
            let e = self.policy.entitlements.get(*at)?;
            e.remedies.contains(&remedy).then_some((e, *truth))
        });
        let granting: Vec<(&Entitlement, Truth)> = granting.collect();
        let cites = |wanted: Truth| {
            let rows = granting.iter().filter(|(_, truth)| *truth == wanted);
            rows.fold(Cites::default(), |all, (e, _)| all.with(&e.cites))
        };
        if granting.iter().any(|(_, truth)| *truth == Truth::True) {
            return right(UnitStatus::Eligible, cites(Truth::True));
        }
        if granting.iter().any(|(_, truth)| *truth == Truth::Unknown) {
            return right(UnitStatus::Hold, Cites::house(17));
        }
        // A right that waits for a person, whose windows hold.
        let waiting = granting.iter().find_map(|(e, _)| {
            let point = e.needs_discretion.as_ref()?;
            let held = |at: &usize| judged.windows.get(*at).is_some_and(|w| w.state == WindowState::Held);
            e.windows.iter().all(held).then_some((e, point))
        });
        if let Some((e, point)) = waiting {
            return self.left_to(point, &judged.units, right(UnitStatus::Eligible, e.cites.clone()));
        }
        if let Some(right) = self.right_to_service(remedy, piece, judged) {
            return right;
        }
        let no_fault = self.policy.no_fault.as_ref().filter(|_| judged.basis == Basis::NoFault);
        if let Some(rule) = no_fault.filter(|rule| rule.remedy == Some(remedy)) {
            return right(UnitStatus::Eligible, rule.cites.clone());
        }
        let failed = self.failed_windows(judged);
        if !failed.is_empty() {
            return right(UnitStatus::Ineligible, failed);
        }
        if let Some(rule) = no_fault {
            return right(UnitStatus::Ineligible, rule.cites.clone());
        }
        // Nothing has ended: the clauses that grant this remedy to others say why not here (H-11 when none does).
        let others = self.policy.entitlements.iter().filter(|e| e.remedies.contains(&remedy));
        let cites = others.fold(Cites::default(), |all, e| all.with(&e.cites));
        right(UnitStatus::Ineligible, if cites.is_empty() { Cites::house(11) } else { cites })
    }

    /// A paid service: granted by a fee that a person offers, while one of its windows runs.
    fn right_to_service(&self, remedy: Remedy, piece: &Piece<'_>, judged: &UnitJudgement) -> Option<Right> {
        let serves = |fee: &&(usize, &Fee)| {
            fee.1.needs_discretion.is_some()
                && fee.1.scope.remedy.contains(&remedy)
                && self.in_scope(&fee.1.scope, piece, judged.basis, Some(remedy), &judged.windows)
        };
        let fees: Vec<(usize, &Fee)> = self.policy.fees.iter().enumerate().collect();
        let (at, fee) = fees.iter().find(serves)?;
        let mut right = Right {
            status: UnitStatus::Eligible,
            remedy: Some(remedy),
            cites: fee.cites.clone(),
            service: Some(*at),
            points: Vec::new(),
        };
        let windows = fee.windows_any.iter().filter(|w| judged.applied.contains(w));
        let states: Vec<WindowState> =
            windows.filter_map(|w| judged.windows.get(*w)).map(|w| w.state).collect();
        if !fee.windows_any.is_empty() && !states.contains(&WindowState::Held) {
            let unknown = states.contains(&WindowState::Unknown);
            right.status = if unknown { UnitStatus::Hold } else { UnitStatus::Ineligible };
            if unknown {
                right.cites = Cites::house(17);
            }
            return Some(right);
        }
        // A fixed price in another currency is no price here: nobody converts it (H-8).
        if let Rate::Fixed(amount) = fee.rate
            && amount.currency() != self.facts.sale.value.currency
        {
            right.status = UnitStatus::Hold;
            right.cites.add(&Cites::house(8));
            return Some(right);
        }
        let point = fee.needs_discretion.as_ref()?;
        Some(self.left_to(point, &judged.units, right))
    }

    /// A right that exists only when a person says yes.
    fn left_to(&self, point: &Code, units: &Units, mut right: Right) -> Right {
        let row = self.policy.point(point.as_str()).map(|p| &p.cites);
        match self.facts.decision_at(point, units) {
            Some(decision) if decision.accepts() => {}
            Some(_) => {
                right.status = UnitStatus::Ineligible;
                right.cites.add(row.unwrap_or(&Cites::house(15)));
            }
            None => {
                right.status = UnitStatus::NeedsDiscretion;
                right.cites.add(row.unwrap_or(&Cites::house(15)));
                right.points.push(point.clone());
            }
        }
        right
    }

    /// The right of a unit for which nobody has chosen a remedy: the first one allowed.
    pub(super) fn right_to_any(&self, judged: &UnitJudgement) -> Right {
        let rows = |wanted: Truth| {
            let rows = judged.entitlements.iter().filter(move |(_, truth)| *truth == wanted);
            rows.filter_map(|(at, _)| self.policy.entitlements.get(*at))
        };
        let none = |status, remedy, cites| Right { status, remedy, cites, service: None, points: Vec::new() };
        // What a person has granted for the customer to choose is an offer until the customer takes it.
        let is_offer = |e: &&Entitlement| e.needs_discretion.is_some() && e.chooser == Chooser::Customer;
        let first = rows(Truth::True).filter(|e| !is_offer(e)).find_map(|e| e.remedies.first());
        if let Some(first) = first {
            let cites = rows(Truth::True).fold(Cites::default(), |all, e| all.with(&e.cites));
            return none(UnitStatus::Eligible, Some(*first), cites);
        }
        if let Some(offer) = rows(Truth::True).next() {
            return none(UnitStatus::Hold, offer.remedies.first().copied(), offer.cites.clone());
        }
        if let Some(first) = rows(Truth::Unknown).next() {
            return none(UnitStatus::Hold, first.remedies.first().copied(), Cites::house(17));
        }
        let no_fault = self.policy.no_fault.as_ref().filter(|_| judged.basis == Basis::NoFault);
        if let Some((remedy, rule)) = no_fault.and_then(|rule| Some((rule.remedy?, rule))) {
            return none(UnitStatus::Eligible, Some(remedy), rule.cites.clone());
        }
        let failed = self.failed_windows(judged);
        let cites = match no_fault {
            _ if !failed.is_empty() => failed,
            Some(rule) => rule.cites.clone(),
            None => Cites::house(11),
        };
        none(UnitStatus::Ineligible, None, cites)
    }
}
