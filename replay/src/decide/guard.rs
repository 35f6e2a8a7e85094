//! Guards of single acts: what must be there before the merchant may do the next thing (policies/model.md, section 6).

use alloc::{format, string::String, vec::Vec};

use super::Refusal;
use crate::{
    case::Case,
    claim::{ClaimState, CreditStatus, RmaState, RmaStatus, Stage, is_goodwill},
    event::{AuthorizationGranted, DiscretionExercised, Event, ParcelReceived, Remedy},
    hold::{history, holds},
    ids::{Rma, Stream},
    money::Amount,
    order::OrderState,
    policy::{AmountBound, DiscretionPoint, FactName, OnFail, Policy, Reading, Truth},
    time::When,
    units::Units,
};

/// A number is given once, and a unit is on one open number, whichever claim of the order asks.
pub(super) fn free_of_rmas(state: &ClaimState, g: &AuthorizationGranted) -> Result<(), Refusal> {
    let Some(rma) = &g.rma else { return Ok(()) };
    if state.rmas.contains_key(rma) {
        return Err(Refusal::RmaIsUsed(rma.clone()));
    }
    for open in state.rmas.values().filter(|r| r.status == RmaStatus::Open) {
        let shared = open.units.intersection(&g.units);
        if !shared.is_empty() {
            return Err(Refusal::UnitsHaveAnOpenRma(shared));
        }
    }
    Ok(())
}

pub(super) fn open_rma(state: &ClaimState, rma: &Rma) -> Result<(), Refusal> {
    match state.rmas.get(rma) {
        Some(r) if r.status == RmaStatus::Open => Ok(()),
        _ => Err(Refusal::RmaIsNotOpen { rma: rma.clone(), cites: Vec::new() }),
    }
}

/// The rule of the dock: what the policy demands of a parcel before it is taken in.
pub(super) fn at_the_dock(
    state: &ClaimState,
    policy: Option<&Policy>,
    p: &ParcelReceived,
    at: When,
) -> Result<(), Refusal> {
    let Some(policy) = policy else { return Ok(()) };
    let in_time = |granted: &When| match u32::try_from(policy.authorization.valid_days) {
        Ok(0) | Err(_) => true,
        Ok(days) => granted.local_day().plus_days(days).is_none_or(|last| at.local_day() <= last),
    };
    let open = p.rma.as_ref().and_then(|rma| state.rmas.get(rma));
    // A number that goods have closed is closed, unless the policy names what closes a number and this is not among it.
    let closes = &policy.authorization.closes_on;
    let is_open = |r: &&RmaState| match (r.status, r.closed_by) {
        (RmaStatus::Open, _) => true,
        (RmaStatus::Closed, Some(kind)) => !closes.is_empty() && !closes.contains(&kind),
        _ => false,
    };
    let open = open.filter(|r| is_open(r) && in_time(&r.granted));
    for row in policy.dock() {
        let holds = |fact: &FactName| match fact {
            FactName::ParcelRmaOpen => Reading::Flag(open.is_some()),
            FactName::ItemOnRma => match open {
                Some(granted) => Reading::Flag(p.units.is_subset(&granted.units)),
                None => Reading::Unknown,
            },
            _ => Reading::Unknown,
        };
        if row.needs.eval(&mut |fact| holds(fact)) != Truth::False {
            continue;
        }
        let cites = policy.ids(&row.cites);
        return Err(match (row.on_fail, &p.rma, open) {
            (OnFail::RefuseItem, _, Some(granted)) => {
                Refusal::UnitsAreNotOnTheRma { units: p.units.difference(&granted.units), cites }
            }
            (_, Some(rma), _) => Refusal::RmaIsNotOpen { rma: rma.clone(), cites },
            (_, None, _) => Refusal::RmaIsMissing { cites },
        });
    }
    // The flags of the authorization say the same without a row.
    let flags = &policy.authorization;
    let cites = || policy.ids(&flags.cites);
    match (open, &p.rma) {
        (None, None) if flags.number_on_parcel => Err(Refusal::RmaIsMissing { cites: cites() }),
        (None, Some(rma)) if flags.number_on_parcel => {
            Err(Refusal::RmaIsNotOpen { rma: rma.clone(), cites: cites() })
        }
        (Some(granted), _) if flags.items_exact && !p.units.is_subset(&granted.units) => {
            let units = p.units.difference(&granted.units);
            Err(Refusal::UnitsAreNotOnTheRma { units, cites: cites() })
        }
        _ => Ok(()),
    }
}

pub(super) fn decided_for(state: &ClaimState, units: &Units, remedies: &[Remedy]) -> Result<(), Refusal> {
    let decided = state
        .units
        .units_where(|u| u.stage == Stage::Decided && u.remedy.is_some_and(|r| remedies.contains(&r)));
    let missing = units.difference(&decided);
    if missing.is_empty() { Ok(()) } else { Err(Refusal::UnitsAreNotDecidedForThis(missing)) }
}

/// Discretion exists only at the points of the policy, inside their bounds (H-15), or as goodwill (H-19).
pub(super) fn discretion(
    rules: Option<&Policy>,
    order: Option<&OrderState>,
    claimed: &Units,
    d: &DiscretionExercised,
) -> Result<(), Refusal> {
    if is_goodwill(&d.point) {
        return Ok(());
    }
    let Some((policy, point)) = rules.and_then(|p| Some((p, p.point(d.point.as_str())?))) else {
        return Err(Refusal::UnknownPoint(d.point.clone()));
    };
    let cites = || policy.ids(&point.cites);
    if !point.options.is_empty() && !point.options.iter().any(|o| o == d.decision.as_str()) {
        return Err(Refusal::OptionIsNotOfThePoint { options: point.options.clone(), cites: cites() });
    }
    // A point that names no bound leaves no room for money: discretion is bounded (H-15).
    let most = point.fee_bp_max.unwrap_or(0);
    if d.fee_bp.is_some_and(|bp| u64::from(bp) > most) {
        let bound = if most == 0 { "no percentage".into() } else { format!("at most {most} basis points") };
        return Err(Refusal::OutOfBounds { bound, cites: cites() });
    }
    let Some(amount) = &d.amount else { return Ok(()) };
    let most = point.fee_fixed.or_else(|| largest(point, order, claimed, d)).unwrap_or(0);
    if amount.minor() > most {
        let bound =
            if most == 0 { "no amount".into() } else { format!("at most {}", bound_of(most, amount)) };
        return Err(Refusal::OutOfBounds { bound, cites: cites() });
    }
    match point.amount_min {
        Some(min) if amount.minor() < min => Err(Refusal::OutOfBounds {
            bound: format!("no less than {}", bound_of(min, amount)),
            cites: cites(),
        }),
        _ => Ok(()),
    }
}

/// The largest amount of a discretion point, in minor units.
fn largest(
    point: &DiscretionPoint,
    order: Option<&OrderState>,
    claimed: &Units,
    d: &DiscretionExercised,
) -> Option<u64> {
    match (point.amount_max?, order) {
        (AmountBound::Minor(max), _) => Some(max),
        (AmountBound::Captured, order) => order.map(|o| o.captured_minor),
        (AmountBound::UnitNet, order) => order.map(|o| o.net_minor(d.units.as_ref().unwrap_or(claimed))),
    }
}

/// A bound of the policy as people read it; the policy names minor units.
fn bound_of(minor: u64, like: &Amount) -> String {
    Amount::new(minor, like.currency())
        .map_or_else(|_| format!("{minor} minor units"), |bound| format!("{bound}"))
}

pub(super) fn credit_exists(state: &ClaimState, refund: &crate::ids::RefundId) -> Result<(), Refusal> {
    match state.credits.get(refund) {
        None => Err(Refusal::RefundIsNotOnRecord),
        Some(credit) if credit.reversed.is_some() => Err(Refusal::RefundIsNotOnRecord),
        Some(credit) if credit.status == CreditStatus::Failed => Err(Refusal::RefundHasFailed),
        Some(_) => Ok(()),
    }
}

pub(super) fn charge_open(state: &ClaimState, charge: &crate::ids::ChargeId) -> Result<(), Refusal> {
    match state.charges.get(charge) {
        None => Err(Refusal::ChargeIsNotOnRecord),
        Some(c) if c.waived || c.paid_minor >= c.amount.minor() => Err(Refusal::ChargeIsSettled),
        Some(_) => Ok(()),
    }
}

/// A claim is closed when nothing is owed either way and nobody contests it.
pub(super) fn closable(state: &ClaimState, order: Option<&OrderState>) -> Result<(), Refusal> {
    if state.disputed {
        return Err(Refusal::DisputeIsRunning);
    }
    let open = order.and_then(|o| Amount::new(state.open_minor(), o.currency()).ok());
    if let Some(open) = open.filter(|open| !open.is_zero()) {
        return Err(Refusal::MoneyIsStillOpen { open });
    }
    let open_charge = state.charges.values().any(|c| !c.waived && c.paid_minor < c.amount.minor());
    if open_charge { Err(Refusal::ChargeIsStillOpen) } else { Ok(()) }
}

/// The id of a hold is used once, and only a hold in force is released.
pub(super) fn hold(case: &Case, stream: &Stream, event: &Event) -> Result<(), Refusal> {
    let known = || history(case, stream).map(holds).unwrap_or_default();
    match event {
        Event::LegalHoldPlaced(p) if known().contains_key(&p.hold) => Err(Refusal::HoldIdIsUsed),
        Event::LegalHoldReleased(r) if known().get(&r.hold).is_none_or(|hold| hold.released.is_some()) => {
            Err(Refusal::HoldIsNotInForce)
        }
        _ => Ok(()),
    }
}
