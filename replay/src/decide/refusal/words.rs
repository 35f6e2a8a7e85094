//! What a refusal says, and what to do about it.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use super::Refusal;
use crate::{event::UnitStatus, ids::Code};

impl Refusal {
    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            Refusal::WrittenByTheLedgerItself(_) => {
                "it follows from the ledger's own commands, such as claims rebuild and claims redact; nobody records it by hand"
            }
            Refusal::KindIsNotForThisStream(kind, _) => {
                let p = kind.places();
                let names = [(p.ledger, "ledger"), (p.order, "order/ID"), (p.claim, "claim/ID")];
                let places: Vec<&str> = names.iter().filter(|(yes, _)| *yes).map(|(_, name)| *name).collect();
                return format!("record it in stream {}", places.join(" or "));
            }
            Refusal::EffectiveInTheFuture(_) => "record what has happened; check the date and the offset",
            Refusal::PolicyIsNotInForce(..) => {
                "claims policy list shows from which day policies govern; claims policy publish FILE adds one"
            }
            Refusal::Registry(fault) => return fault.hint(),
            Refusal::Breach(breach) => breach.hint(),
            Refusal::Duty(overstep) => return overstep.hint(),
            Refusal::ClaimIsClosed | Refusal::ClaimIsWithdrawn => "reopen the claim first: claims reopen",
            Refusal::ClaimIsNotClosed => "only a closed, withdrawn or denied claim is reopened",
            Refusal::RmaIsMissing { .. } => "give the number as rma (--rma)",
            Refusal::RmaIsNotOpen { .. } => "claims show CLAIM lists its RMA numbers",
            Refusal::RmaIsUsed(_) => "a number is given once; choose another",
            Refusal::UnitsHaveAnOpenRma(_) => "void the open one first: claims void",
            Refusal::UnitsAreNotOnTheRma { .. } => {
                "authorize these units first, or receive only those on the RMA"
            }
            Refusal::UnitsAreNotReceived(_) => "record their receipt first: claims receive",
            Refusal::UnitsAreNotDecidedForThis(_) => "decide this remedy first: claims decide",
            Refusal::NotUnderThePolicy { status: UnitStatus::NeedsDiscretion, points, .. } => {
                let points: Vec<&str> = points.iter().map(Code::as_str).collect();
                return format!(
                    "let a named person decide first: claims discretion CLAIM --point {}",
                    points.join(" or ")
                );
            }
            Refusal::NotUnderThePolicy { .. } => {
                "claims next CLAIM says what is missing; what lies outside the policy is goodwill at H-19.goodwill"
            }
            Refusal::GrantedByThePolicy { .. } => {
                "claims explain CLAIM shows the clauses; hold it if a fact is missing"
            }
            Refusal::AssessmentDiffers { .. } => {
                "record what claims explain CLAIM says, or correct the fact behind it"
            }
            Refusal::CustomerHasChosen { .. } => {
                "decide what was asked for, or record the new preference: claims select"
            }
            Refusal::VariantIsAnother { .. } => {
                "leave the variant out, or record the decision that grants another one"
            }
            Refusal::EntitlementExceedsThePolicy { .. } => {
                "leave the entitlement out and the policy's own is taken; more is goodwill at H-19.goodwill"
            }
            Refusal::RefundExceedsThePolicy { .. } => {
                "claims explain CLAIM shows every cent of what is payable"
            }
            Refusal::PayoutIsAnother { .. } => {
                "pay as the policy says, or let a second person approve another way (H-22)"
            }
            Refusal::PayoutWaitsForTheGoods { .. } => "record the receipt first: claims receive",
            Refusal::NobodyAnswersForIt => {
                "name a person as actor, in a role of people, and a reason in words"
            }
            Refusal::PolicyCannotBeJudgedBy(_) => "claims policy lint FILE shows the line",
            Refusal::UnknownPoint(_) => {
                "claims policy show POLICY lists the discretion points; goodwill is H-19.goodwill"
            }
            Refusal::OptionIsNotOfThePoint { options, .. } => {
                return format!("write one of {}", options.join(", "));
            }
            Refusal::OutOfBounds { .. } => "stay inside the bound, or record goodwill at H-19.goodwill",
            Refusal::RefundIsNotOnRecord => "claims show CLAIM lists its refunds",
            Refusal::RefundHasFailed => "issue a new refund with another id",
            Refusal::ChargeIdIsUsed => "choose another charge id",
            Refusal::ChargeIsNotOnRecord => "claims show CLAIM lists its charges",
            Refusal::ChargeIsSettled => "nothing more is due on it",
            Refusal::ChargebackIsNotOpen => "claims show CLAIM lists its chargebacks",
            Refusal::SomethingWasPaid => "close the claim instead",
            Refusal::MoneyIsStillOpen { .. } => "refund what is open, or decide anew",
            Refusal::ChargeIsStillOpen => "record its payment or waive it",
            Refusal::DisputeIsRunning => "resolve the dispute first",
            Refusal::NoDisputeIsRunning => "open one first: claims dispute",
            Refusal::HoldIdIsUsed => "every hold has an id of its own; choose another",
            Refusal::HoldIsNotInForce => "claims show lists the legal holds of a claim or order",
        };
        text.into()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::WrittenByTheLedgerItself(kind) => write!(f, "{kind} is written by the ledger itself"),
            Refusal::KindIsNotForThisStream(kind, stream) => {
                write!(f, "{kind} does not belong in stream {stream}")
            }
            Refusal::EffectiveInTheFuture(when) => write!(f, "{when} is still to come"),
            Refusal::PolicyIsNotInForce(policy, day) => {
                write!(f, "no version of policy {policy} was in force on {day}")
            }
            Refusal::Registry(fault) => fault.fmt(f),
            Refusal::Breach(breach) => breach.fmt(f),
            Refusal::Duty(overstep) => overstep.fmt(f),
            Refusal::ClaimIsClosed => f.write_str("the claim is closed"),
            Refusal::ClaimIsWithdrawn => f.write_str("the claim was withdrawn"),
            Refusal::ClaimIsNotClosed => f.write_str("the claim is open"),
            Refusal::RmaIsMissing { .. } => f.write_str("the policy demands an RMA number here"),
            Refusal::RmaIsNotOpen { rma, .. } => write!(f, "RMA {rma} is not open on this claim"),
            Refusal::RmaIsUsed(rma) => write!(f, "RMA {rma} was given already"),
            Refusal::UnitsHaveAnOpenRma(units) => write!(f, "{units} has an open RMA"),
            Refusal::UnitsAreNotOnTheRma { units, .. } => write!(f, "{units} is not on the RMA"),
            Refusal::UnitsAreNotReceived(units) => write!(f, "{units} has not been received"),
            Refusal::UnitsAreNotDecidedForThis(units) => write!(f, "no such remedy was decided for {units}"),
            Refusal::NotUnderThePolicy { units, status, .. } => match status {
                UnitStatus::Ineligible => write!(f, "the policy does not grant this for {units}"),
                UnitStatus::NeedsDiscretion => {
                    write!(f, "the policy leaves {units} to a person, and nobody has decided")
                }
                UnitStatus::Hold => write!(f, "a fact is missing that the policy asks for {units}"),
                _ => write!(f, "the policy waits for {units} to come in and be looked at"),
            },
            Refusal::GrantedByThePolicy { units, .. } => {
                write!(f, "the policy grants {units} what is denied here")
            }
            Refusal::AssessmentDiffers { units, status, .. } => {
                write!(f, "the policy says {status} of {units}")
            }
            Refusal::CustomerHasChosen { selected, units, .. } => {
                write!(f, "the customer may choose and has chosen {selected} for {units}")
            }
            Refusal::VariantIsAnother { due, .. } => write!(f, "the policy grants a {due} article here"),
            Refusal::EntitlementExceedsThePolicy { judged, .. } => {
                write!(f, "the policy entitles to {judged} here, and not to more")
            }
            Refusal::RefundExceedsThePolicy { open, .. } if open.is_zero() => {
                f.write_str("nothing is payable under the policy as the facts stand")
            }
            Refusal::RefundExceedsThePolicy { open, .. } => {
                write!(f, "only {open} is still payable under the policy as the facts stand")
            }
            Refusal::PayoutIsAnother { to, .. } => write!(f, "the policy pays this out to {to}"),
            Refusal::PayoutWaitsForTheGoods { .. } => {
                f.write_str("the policy pays out once the goods have arrived")
            }
            Refusal::NobodyAnswersForIt => f.write_str("discretion needs a named person and a reason"),
            Refusal::PolicyCannotBeJudgedBy(misfit) => write!(f, "the policy cannot be judged by: {misfit}"),
            Refusal::UnknownPoint(point) => write!(f, "the policy has no discretion point {point}"),
            Refusal::OptionIsNotOfThePoint { .. } => {
                f.write_str("the policy does not allow this decision at this point")
            }
            Refusal::OutOfBounds { bound, .. } => write!(f, "the policy allows {bound} here"),
            Refusal::RefundIsNotOnRecord => f.write_str("no such refund was issued on this claim"),
            Refusal::RefundHasFailed => f.write_str("this refund has failed already"),
            Refusal::ChargeIdIsUsed => f.write_str("this charge id is in use"),
            Refusal::ChargeIsNotOnRecord => f.write_str("no such charge is on this claim"),
            Refusal::ChargeIsSettled => f.write_str("the charge is paid or waived"),
            Refusal::ChargebackIsNotOpen => f.write_str("no such chargeback is open on this claim"),
            Refusal::SomethingWasPaid => f.write_str("money was already paid on this claim"),
            Refusal::MoneyIsStillOpen { open } => write!(f, "{open} is still owed on this claim"),
            Refusal::ChargeIsStillOpen => f.write_str("a charge to the customer is still open"),
            Refusal::DisputeIsRunning => f.write_str("a dispute is running"),
            Refusal::NoDisputeIsRunning => f.write_str("no dispute is running"),
            Refusal::HoldIdIsUsed => f.write_str("a legal hold with this id was placed here already"),
            Refusal::HoldIsNotInForce => f.write_str("no legal hold with this id is in force here"),
        }
    }
}
