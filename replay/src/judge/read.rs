//! Facts as conditions ask for them: one value per name, with the event it was learned from.

use super::{Piece, Seen, Trial};
use crate::{
    event::Basis,
    ids::EventId,
    policy::{FactName, Predicate, Reading, Region, Scope, Truth},
    units::Units,
};

use super::window::{WindowJudgement, WindowState};

/// A reading and the event behind it; facts that were frozen with the order name the order's event.
pub type Known<'a> = (Reading<'a>, Option<EventId>);

fn flag<'a>(seen: Option<Seen<bool>>) -> Known<'a> {
    seen.map_or((Reading::Unknown, None), |s| (Reading::Flag(s.value), Some(s.event)))
}
fn word<'a, T: Copy>(seen: Option<&Seen<T>>, name: fn(T) -> &'static str) -> Known<'a> {
    seen.map_or((Reading::Unknown, None), |s| (Reading::Word(name(s.value)), Some(s.event)))
}

impl<'a> Trial<'a> {
    /// What is known of a fact, for one run of units whose basis is established.
    pub fn fact<'s>(&'s self, piece: &Piece<'s>, units: &Units, basis: Basis, name: &FactName) -> Known<'s> {
        let (sale, unit) = (&self.facts.sale, piece.unit);
        let sold = |flag: bool| (Reading::Flag(flag), Some(sale.event));
        match name {
            FactName::Basis => (Reading::Word(basis.as_str()), Some(self.basis_event(unit))),
            FactName::UnitClass => (Reading::Word(piece.line.class.as_str()), Some(sale.event)),
            FactName::UnitConditionSold => {
                (Reading::Word(piece.line.condition_sold.as_str()), Some(sale.event))
            }
            FactName::UnitOnSale => sold(piece.line.on_sale),
            FactName::UnitFreeGift => sold(piece.line.free_gift),
            FactName::UnitNotReturnable => sold(piece.line.not_returnable),
            FactName::UnitReceived => flag(unit.received.map(|s| Seen { value: true, event: s.event })),
            FactName::UnitInspected => flag(unit.inspected.map(|event| Seen { value: true, event })),
            FactName::InspInstalled => flag(unit.installed),
            FactName::InspPackaging => word(unit.packaging.as_ref(), crate::event::Packaging::as_str),
            FactName::InspSameCondition => flag(unit.same_condition),
            FactName::InspAltered => flag(unit.altered),
            FactName::InspSealed => flag(unit.sealed),
            FactName::InspAccessoriesMissing => entries(unit.accessories_missing.as_ref()),
            FactName::InspDamage => entries(unit.damage.as_ref()),
            FactName::InspDefect => word(unit.defect.as_ref(), crate::event::Defect::as_str),
            FactName::InspOnArrival => flag(unit.on_arrival),
            FactName::InspCause => match &unit.cause {
                Some(cause) => (Reading::Word(cause.value.as_str()), Some(cause.event)),
                None => (Reading::Unknown, None),
            },
            // Nobody said otherwise: the same article, and it can be had.
            FactName::RemedySameItem => unit.same_item.map_or((Reading::Flag(true), None), |s| flag(Some(s))),
            FactName::RemedyInStock => unit.in_stock.map_or((Reading::Flag(true), None), |s| flag(Some(s))),
            FactName::DeviceConnectivityAssessed => {
                flag(unit.device.assessed.map(|event| Seen { value: true, event }))
            }
            FactName::DeviceTransmitted => flag(unit.device.transmitted),
            FactName::DeviceSoldNotRemoved => flag(unit.device.sold_not_removed),
            FactName::DeviceOwnershipChanged => flag(unit.device.ownership_changed),
            FactName::Discretion(point) => match self.facts.decision_at(point, units) {
                Some(decision) => (Reading::Flag(decision.accepts()), Some(decision.event)),
                // A decision that nobody has recorded was not made.
                None => (Reading::Flag(false), None),
            },
            _ => self.claim_fact(name),
        }
    }

    /// What is known of a fact of the order or the claim as a whole.
    pub fn claim_fact<'s>(&'s self, name: &FactName) -> Known<'s> {
        let facts = &self.facts;
        let (sale, gift) = (&facts.sale, facts.sale.value.gift.as_ref());
        let sold = |reading| (reading, Some(sale.event));
        let opened = |reading| (reading, Some(facts.opened.event));
        match name {
            FactName::OrderChannel => sold(Reading::Word(sale.value.channel.as_str())),
            FactName::OrderGiftMarked => sold(Reading::Flag(gift.is_some_and(|g| g.marked))),
            FactName::OrderGiftShippedTo => match gift {
                Some(gift) => sold(Reading::Word(gift.shipped_to.as_str())),
                None => (Reading::Unknown, None),
            },
            FactName::OrderSplitShipment => sold(Reading::Flag(facts.parcels > 1)),
            FactName::OrderTaxMode => sold(Reading::Word(sale.value.tax_mode.as_str())),
            FactName::ClaimBy => opened(Reading::Word(facts.by.as_str())),
            FactName::ClaimVia => opened(Reading::Word(facts.via.as_str())),
            FactName::ClaimContactBeforeReturn => match facts.contact_before_return {
                Some(before) => opened(Reading::Flag(before)),
                None => (Reading::Unknown, None),
            },
            FactName::ParcelTraceable => flag(facts.traceable),
            FactName::Evidence(kind) => flag(facts.evidence.get(kind).copied()),
            _ => (Reading::Unknown, None),
        }
    }

    /// Whether a condition holds for a run of units.
    pub fn truth(&self, piece: &Piece<'_>, units: &Units, basis: Basis, needs: &Predicate) -> Truth {
        needs.eval(&mut |name| self.fact(piece, units, basis, name).0)
    }
    /// Whether a condition about order and claim holds.
    pub fn truth_of_claim(&self, needs: &Predicate) -> Truth {
        needs.eval(&mut |name| self.claim_fact(name).0)
    }

    /// Whether a row is about these units. `remedy` is the one that was chosen; a scope that names remedies needs one.
    pub fn in_scope(
        &self,
        scope: &Scope,
        piece: &Piece<'_>,
        basis: Basis,
        remedy: Option<crate::event::Remedy>,
        windows: &[WindowJudgement],
    ) -> bool {
        fn any<T: PartialEq>(list: &[T], value: &T) -> bool {
            list.is_empty() || list.contains(value)
        }
        any(&scope.basis, &basis)
            && any(&scope.class, &piece.line.class)
            && any(&scope.condition_sold, &piece.line.condition_sold)
            && any(&scope.contact_channel, &self.facts.via)
            && (scope.remedy.is_empty() || remedy.is_some_and(|r| scope.remedy.contains(&r)))
            && scope.region.is_none_or(|(at, outside)| {
                self.policy.regions.get(at).is_some_and(|r: &Region| r.holds(&self.place) != outside)
            })
            && scope.window.is_none_or(|at| windows.get(at).is_some_and(|w| w.state == WindowState::Held))
            && scope.cause_ok.is_none_or(|due| cause_ok(piece) == due)
    }
}

/// Causes that are not on the customer's side; a cause nobody knows goes to the customer's favour (H-18).
const CAUSES_OK: [&str; 4] = ["manufacturing", "transit", "unknown", "none"];

fn cause_ok(piece: &Piece<'_>) -> bool {
    piece.unit.cause.as_ref().is_none_or(|cause| CAUSES_OK.contains(&cause.value.as_str()))
}

fn entries<'a, T>(seen: Option<&Seen<alloc::vec::Vec<T>>>) -> Known<'a> {
    seen.map_or((Reading::Unknown, None), |s| (Reading::Entries(s.value.len()), Some(s.event)))
}
