//! What an event can break, as sentences with a stable code and a hint.

use alloc::string::String;
use core::fmt;

use super::STREAM_EVENTS_MAX;
use crate::{
    ids::{ClaimId, EventId, RefundId},
    money::{Amount, Currency},
    time::When,
    units::Units,
};

/// What an event would break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breach {
    /// A claim or an act on an order that is not on record.
    OrderIsNotOnRecord,
    /// The stream begins with another kind of event.
    StreamBeginsWith(&'static str),
    /// The stream is there already.
    StreamHasBegun,
    /// The stream is full.
    StreamIsFull,
    /// Units that were not sold with this order.
    UnitsAreNotInTheOrder(Units),
    /// Units that this claim is not about.
    UnitsAreNotInTheClaim(Units),
    /// Before the purchase.
    EffectiveBeforeThePurchase {
        /// The purchase.
        purchased: When,
    },
    /// The event that is corrected or reversed is not in this stream.
    TargetIsNotInTheStream(EventId),
    /// This kind of event is not corrected or reversed.
    TargetCannotBeAmended(&'static str),
    /// The target was reversed already.
    TargetIsReversedAlready,
    /// A field that moves money is reversed and recorded anew, never corrected.
    MoneyIsReversedNotCorrected(String),
    /// The corrected event would be no event of its kind.
    CorrectionDoesNotFit(String),
    /// The id stands for another credit of this order.
    RefundIdIsUsed(RefundId),
    /// The processor's reference stands for another chargeback of this order.
    ChargebackIsOnRecord,
    /// Not the order's currency.
    CurrencyDiffers {
        /// The order's.
        order: Currency,
        /// The event's.
        found: Currency,
    },
    /// The decision gives units more than was taken for them.
    DecisionExceedsTheCapture {
        /// Most that can be decided for these units.
        cap: Amount,
    },
    /// The units have a money decision in another claim.
    UnitsAreDecidedInAnotherClaim(ClaimId, Units),
    /// A decision overlaps an earlier one without covering it.
    DecisionSplitsAnEarlierOne(Units),
    /// More than is still owed on the claim.
    RefundExceedsTheEntitlement {
        /// What is still open.
        open: Amount,
    },
    /// More than is left of what was taken for the order.
    RefundExceedsTheCapture {
        /// What is left.
        left: Amount,
    },
}

impl Breach {
    /// The name of the variant in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Breach::OrderIsNotOnRecord => "order_is_not_on_record",
            Breach::StreamBeginsWith(_) => "stream_has_not_begun",
            Breach::StreamHasBegun => "stream_has_begun",
            Breach::StreamIsFull => "stream_is_full",
            Breach::UnitsAreNotInTheOrder(_) => "units_are_not_in_the_order",
            Breach::UnitsAreNotInTheClaim(_) => "units_are_not_in_the_claim",
            Breach::EffectiveBeforeThePurchase { .. } => "effective_before_the_purchase",
            Breach::TargetIsNotInTheStream(_) => "target_is_not_in_the_stream",
            Breach::TargetCannotBeAmended(_) => "target_cannot_be_amended",
            Breach::TargetIsReversedAlready => "target_is_reversed_already",
            Breach::MoneyIsReversedNotCorrected(_) => "money_is_reversed_not_corrected",
            Breach::CorrectionDoesNotFit(_) => "correction_does_not_fit",
            Breach::RefundIdIsUsed(_) => "refund_id_is_used",
            Breach::ChargebackIsOnRecord => "chargeback_is_on_record",
            Breach::CurrencyDiffers { .. } => "currency_differs",
            Breach::DecisionExceedsTheCapture { .. } => "decision_exceeds_the_capture",
            Breach::UnitsAreDecidedInAnotherClaim(..) => "units_are_decided_in_another_claim",
            Breach::DecisionSplitsAnEarlierOne(_) => "decision_splits_an_earlier_one",
            Breach::RefundExceedsTheEntitlement { .. } => "over_refund",
            Breach::RefundExceedsTheCapture { .. } => "over_capture",
        }
    }
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Breach::OrderIsNotOnRecord => "record the order first (claims order)",
            Breach::StreamBeginsWith(_) => "an order begins with order_recorded, a claim with claim_opened",
            Breach::StreamHasBegun => "use another id, or correct the event that is there",
            Breach::StreamIsFull => "open a new claim",
            Breach::UnitsAreNotInTheOrder(_) => "claims show ORDER lists the units that were sold",
            Breach::UnitsAreNotInTheClaim(_) => {
                "claims show CLAIM lists its units; open a second claim for others"
            }
            Breach::EffectiveBeforeThePurchase { .. } => "check the date, or correct the purchase date first",
            Breach::TargetIsNotInTheStream(_) => "claims timeline ID --json prints the ids of its events",
            Breach::TargetCannotBeAmended(_) => {
                "claims correct changes an order, claims withdraw ends a claim, claims reverse undoes an amendment"
            }
            Breach::TargetIsReversedAlready => "reverse the reversal to bring it back",
            Breach::MoneyIsReversedNotCorrected(_) => {
                "reverse the event and record it anew; what stands for a whole order or claim stays"
            }
            Breach::CorrectionDoesNotFit(_) => "claims schema KIND shows the fields and their types",
            Breach::RefundIdIsUsed(_) => "a retry needs the same --key; another refund needs another id",
            Breach::ChargebackIsOnRecord => {
                "a retry needs the same --key; another chargeback has another reference"
            }
            Breach::CurrencyDiffers { .. } => "amounts of an order are in its own currency (H-8)",
            Breach::DecisionExceedsTheCapture { .. } => {
                "lower the entitlement, or record goodwill at point H-19.goodwill with an approver (H-14)"
            }
            Breach::UnitsAreDecidedInAnotherClaim(..) => {
                "a unit is refunded at most once; decide the other claim anew"
            }
            Breach::DecisionSplitsAnEarlierOne(_) => "decide anew for all units of the earlier decision",
            Breach::RefundExceedsTheEntitlement { open } if open.is_zero() => {
                "claims next CLAIM says what can be decided and paid"
            }
            Breach::RefundExceedsTheEntitlement { .. } => {
                "refund what is open; claims explain CLAIM says why it is not more"
            }
            Breach::RefundExceedsTheCapture { .. } => "no more can go out than came in for the order (H-14)",
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::OrderIsNotOnRecord => f.write_str("the order is not on record"),
            Breach::StreamBeginsWith(kind) => {
                write!(f, "nothing is on record here yet, and this is no {kind}")
            }
            Breach::StreamHasBegun => f.write_str("this id is in use already"),
            Breach::StreamIsFull => {
                write!(f, "the stream holds {STREAM_EVENTS_MAX} events, which is the limit")
            }
            Breach::UnitsAreNotInTheOrder(units) => write!(f, "{units} was not sold with this order"),
            Breach::UnitsAreNotInTheClaim(units) => write!(f, "this claim is not about {units}"),
            Breach::EffectiveBeforeThePurchase { purchased } => {
                write!(f, "it happened before the purchase of {purchased}")
            }
            Breach::TargetIsNotInTheStream(id) => write!(f, "event {id} is not in this stream"),
            Breach::TargetCannotBeAmended(why) => f.write_str(why),
            Breach::TargetIsReversedAlready => f.write_str("that event was reversed already"),
            Breach::MoneyIsReversedNotCorrected(field) => {
                write!(f, "the {field} of this event is never corrected")
            }
            Breach::CorrectionDoesNotFit(why) => write!(f, "the correction does not fit: {why}"),
            Breach::RefundIdIsUsed(id) => write!(f, "refund id {id} stands for another credit of this order"),
            Breach::ChargebackIsOnRecord => {
                f.write_str("this reference stands for another chargeback of the order")
            }
            Breach::CurrencyDiffers { order, found } => {
                write!(f, "the order is in {order}, the amount in {found}")
            }
            Breach::DecisionExceedsTheCapture { cap } => write!(f, "at most {cap} was taken for these units"),
            Breach::UnitsAreDecidedInAnotherClaim(claim, units) => {
                write!(f, "{units} has a money decision in claim {claim}")
            }
            Breach::DecisionSplitsAnEarlierOne(units) => {
                write!(f, "an earlier decision covers {units} together")
            }
            Breach::RefundExceedsTheEntitlement { open } if open.is_zero() => {
                f.write_str("nothing is owed on this claim")
            }
            Breach::RefundExceedsTheEntitlement { open } => {
                write!(f, "only {open} is still owed on this claim")
            }
            Breach::RefundExceedsTheCapture { left } => {
                write!(f, "only {left} is left of what was taken for the order")
            }
        }
    }
}
impl core::error::Error for Breach {}
