//! Refusals: sentences with a stable code, a hint and the clauses behind them.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

use crate::{
    event::{AppendRefused, Class, Event, Kind, ParcelRefused, Remedy, UnitStatus, Variant},
    ids::{Code, PolicyId, Rma, Stream, Word},
    law::Breach,
    money::Amount,
    policy::Misfit,
    registry::RegistryFault,
    seal::Proposal,
    time::{Day, When},
    units::Units,
};

use super::moved;

/// Why a command was refused. The order of the variants is their precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    WrittenByTheLedgerItself(Kind),
    KindIsNotForThisStream(Kind, Stream),
    EffectiveInTheFuture(When),
    PolicyIsNotInForce(PolicyId, Day),
    Registry(RegistryFault),
    Breach(Breach),
    SecondPersonIsMissing {
        rule: &'static str,
    },
    SecondPersonIsTheFirst {
        rule: &'static str,
    },
    OverTheLimitOfTheRole {
        limit: Amount,
    },
    ClaimIsClosed,
    ClaimIsWithdrawn,
    ClaimIsNotClosed,
    RmaIsMissing {
        cites: Vec<Code>,
    },
    RmaIsNotOpen {
        rma: Rma,
        cites: Vec<Code>,
    },
    RmaIsUsed(Rma),
    UnitsHaveAnOpenRma(Units),
    UnitsAreNotOnTheRma {
        units: Units,
        cites: Vec<Code>,
    },
    UnitsAreNotReceived(Units),
    UnitsAreNotDecidedForThis(Units),
    /// The policy in force at purchase does not let the merchant do this for these units now.
    NotUnderThePolicy {
        units: Units,
        status: UnitStatus,
        points: Vec<Code>,
        cites: Vec<Code>,
    },
    /// The policy grants what is being denied.
    GrantedByThePolicy {
        units: Units,
        cites: Vec<Code>,
    },
    /// What is said of these units is not what the policy says.
    AssessmentDiffers {
        units: Units,
        status: UnitStatus,
        cites: Vec<Code>,
    },
    /// The policy leaves the choice to the customer, who has made it.
    CustomerHasChosen {
        selected: Remedy,
        units: Units,
        cites: Vec<Code>,
    },
    VariantIsAnother {
        due: Variant,
        cites: Vec<Code>,
    },
    EntitlementExceedsThePolicy {
        judged: Amount,
        cites: Vec<Code>,
    },
    RefundExceedsThePolicy {
        open: Amount,
        cites: Vec<Code>,
    },
    PayoutIsAnother {
        to: String,
        cites: Vec<Code>,
    },
    PayoutWaitsForTheGoods {
        cites: Vec<Code>,
    },
    NobodyAnswersForIt,
    PolicyCannotBeJudgedBy(Misfit),
    UnknownPoint(Code),
    OptionIsNotOfThePoint {
        options: Vec<String>,
        cites: Vec<Code>,
    },
    OutOfBounds {
        bound: String,
        cites: Vec<Code>,
    },
    RefundIsNotOnRecord,
    RefundHasFailed,
    ChargeIdIsUsed,
    ChargeIsNotOnRecord,
    ChargeIsSettled,
    ChargebackIsNotOpen,
    SomethingWasPaid,
    MoneyIsStillOpen {
        open: Amount,
    },
    ChargeIsStillOpen,
    DisputeIsRunning,
    NoDisputeIsRunning,
}

impl Refusal {
    /// The name in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::WrittenByTheLedgerItself(_) => "written_by_the_ledger_itself",
            Refusal::KindIsNotForThisStream(..) => "kind_is_not_for_this_stream",
            Refusal::EffectiveInTheFuture(_) => "effective_in_the_future",
            Refusal::PolicyIsNotInForce(..) => "policy_is_not_in_force",
            Refusal::Registry(RegistryFault::Gap { .. }) => "revision_is_not_the_next",
            Refusal::Registry(RegistryFault::PolicyVersionIsNotTheNext { .. }) => {
                "policy_version_is_not_the_next"
            }
            Refusal::Registry(RegistryFault::PolicyBeginsBeforeItsPredecessor { .. }) => {
                "policy_begins_before_its_predecessor"
            }
            Refusal::Registry(RegistryFault::CalendarYearIsPublished) => "calendar_year_is_published",
            Refusal::Breach(breach) => breach.code(),
            Refusal::SecondPersonIsMissing { .. } => "second_person_is_missing",
            Refusal::SecondPersonIsTheFirst { .. } => "second_person_is_the_first",
            Refusal::OverTheLimitOfTheRole { .. } => "over_the_limit_of_the_role",
            Refusal::ClaimIsClosed => "claim_is_closed",
            Refusal::ClaimIsWithdrawn => "claim_is_withdrawn",
            Refusal::ClaimIsNotClosed => "claim_is_not_closed",
            Refusal::RmaIsMissing { .. } => "rma_is_missing",
            Refusal::RmaIsNotOpen { .. } => "rma_is_not_open",
            Refusal::RmaIsUsed(_) => "rma_is_used",
            Refusal::UnitsHaveAnOpenRma(_) => "units_have_an_open_rma",
            Refusal::UnitsAreNotOnTheRma { .. } => "units_are_not_on_the_rma",
            Refusal::UnitsAreNotReceived(_) => "units_are_not_received",
            Refusal::UnitsAreNotDecidedForThis(_) => "units_are_not_decided_for_this",
            Refusal::NotUnderThePolicy { status, .. } => match status {
                UnitStatus::Ineligible => "policy_denies",
                UnitStatus::NeedsDiscretion => "policy_needs_discretion",
                UnitStatus::Hold => "policy_holds",
                UnitStatus::Authorizable | UnitStatus::Eligible => "policy_waits_for_the_goods",
            },
            Refusal::GrantedByThePolicy { .. } => "policy_grants",
            Refusal::AssessmentDiffers { .. } => "assessment_differs",
            Refusal::CustomerHasChosen { .. } => "policy_leaves_the_choice",
            Refusal::VariantIsAnother { .. } => "variant_differs",
            Refusal::EntitlementExceedsThePolicy { .. } => "over_entitlement",
            Refusal::RefundExceedsThePolicy { .. } => "over_refund",
            Refusal::PayoutIsAnother { .. } => "payout_differs",
            Refusal::PayoutWaitsForTheGoods { .. } => "payout_waits",
            Refusal::NobodyAnswersForIt => "nobody_answers_for_it",
            Refusal::PolicyCannotBeJudgedBy(_) => "policy_cannot_be_judged_by",
            Refusal::UnknownPoint(_) => "unknown_point",
            Refusal::OptionIsNotOfThePoint { .. } => "option_is_not_of_the_point",
            Refusal::OutOfBounds { .. } => "out_of_bounds",
            Refusal::RefundIsNotOnRecord => "refund_is_not_on_record",
            Refusal::RefundHasFailed => "refund_has_failed",
            Refusal::ChargeIdIsUsed => "charge_id_is_used",
            Refusal::ChargeIsNotOnRecord => "charge_is_not_on_record",
            Refusal::ChargeIsSettled => "charge_is_settled",
            Refusal::ChargebackIsNotOpen => "chargeback_is_not_open",
            Refusal::SomethingWasPaid => "something_was_paid",
            Refusal::MoneyIsStillOpen { .. } => "money_is_still_open",
            Refusal::ChargeIsStillOpen => "charge_is_still_open",
            Refusal::DisputeIsRunning => "dispute_is_running",
            Refusal::NoDisputeIsRunning => "no_dispute_is_running",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            Refusal::WrittenByTheLedgerItself(_) => {
                "it follows from the ledger's own commands, such as claims rebuild; nobody records it by hand"
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
            Refusal::Registry(RegistryFault::PolicyVersionIsNotTheNext { due }) => {
                return format!("set version = {due} in the policy file");
            }
            Refusal::Registry(_) => "claims policy list shows what is published",
            Refusal::Breach(breach) => breach.hint(),
            Refusal::SecondPersonIsMissing { .. } => "name a second person as approver (--approver)",
            Refusal::SecondPersonIsTheFirst { .. } => "somebody else must approve",
            Refusal::OverTheLimitOfTheRole { .. } => "let a role with a higher limit do it",
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
        };
        text.into()
    }

    /// The clauses and house rules behind it.
    pub fn cites(&self) -> Vec<Code> {
        let house = |rule: &str| Code::new(rule).map(|c| Vec::from([c])).unwrap_or_default();
        match self {
            Refusal::RmaIsMissing { cites }
            | Refusal::RmaIsNotOpen { cites, .. }
            | Refusal::UnitsAreNotOnTheRma { cites, .. }
            | Refusal::OptionIsNotOfThePoint { cites, .. }
            | Refusal::NotUnderThePolicy { cites, .. }
            | Refusal::GrantedByThePolicy { cites, .. }
            | Refusal::AssessmentDiffers { cites, .. }
            | Refusal::CustomerHasChosen { cites, .. }
            | Refusal::VariantIsAnother { cites, .. }
            | Refusal::EntitlementExceedsThePolicy { cites, .. }
            | Refusal::RefundExceedsThePolicy { cites, .. }
            | Refusal::PayoutIsAnother { cites, .. }
            | Refusal::PayoutWaitsForTheGoods { cites }
            | Refusal::OutOfBounds { cites, .. } => cites.clone(),
            Refusal::NobodyAnswersForIt => house("H-15"),
            Refusal::UnknownPoint(_) => house("H-15"),
            Refusal::SecondPersonIsMissing { rule } | Refusal::SecondPersonIsTheFirst { rule } => house(rule),
            Refusal::PolicyIsNotInForce(..) => house("H-7"),
            Refusal::Breach(
                Breach::RefundExceedsTheEntitlement { .. }
                | Breach::RefundExceedsTheCapture { .. }
                | Breach::DecisionExceedsTheCapture { .. },
            ) => house("H-14"),
            Refusal::Breach(Breach::RefundIdIsUsed(_) | Breach::UnitsAreDecidedInAnotherClaim(..)) => {
                house("H-20")
            }
            Refusal::Breach(Breach::CurrencyDiffers { .. }) => house("H-8"),
            _ => Vec::new(),
        }
    }

    /// Whether it is the dock that refuses: then the parcel is on record as refused.
    pub fn is_of_the_dock(&self) -> bool {
        matches!(
            self,
            Refusal::RmaIsMissing { .. } | Refusal::RmaIsNotOpen { .. } | Refusal::UnitsAreNotOnTheRma { .. }
        )
    }

    /// What goes on record about a refused act: for a parcel at the dock its refusal, in the claim's stream;
    /// for every other act of the merchant an `append_refused`, in the ledger's. Facts leave no trace.
    pub fn on_record(&self, proposal: &Proposal) -> Option<(Stream, Event)> {
        if let (true, Event::ParcelReceived(p)) = (self.is_of_the_dock(), &proposal.event) {
            let refused = ParcelRefused {
                parcel: p.parcel.clone(),
                rma: p.rma.clone(),
                units: Some(p.units.clone()),
                reason_code: Code::new(self.code()).ok()?,
                cites: self.cites(),
            };
            return Some((proposal.stream.clone(), refused.into()));
        }
        if proposal.event.kind().class() != Class::Act || matches!(self, Refusal::KindIsNotForThisStream(..))
        {
            return None;
        }
        refusal_event(proposal, self.code(), &format!("{self}"), self.cites())
            .map(|event| (Stream::Ledger, event))
    }
}

/// The record of a refused command. Holds no payload, so nothing personal.
pub fn refusal_event(proposal: &Proposal, reason: &str, message: &str, cites: Vec<Code>) -> Option<Event> {
    let message: String =
        message.chars().filter(|c| !c.is_control()).take(crate::ids::WORD_CHARS_MAX).collect();
    let refused = AppendRefused {
        stream: proposal.stream.clone(),
        kind: Code::new(proposal.event.kind().as_str()).ok()?,
        key: proposal.external_id.clone(),
        reason: Code::new(reason).ok()?,
        message: Word::new(message).ok()?,
        cites,
        amount: moved(&proposal.event),
        asked_at: proposal.effective_is_given.then_some(proposal.effective),
    };
    Some(Event::AppendRefused(Box::new(refused)))
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
            Refusal::SecondPersonIsMissing { rule } => {
                write!(f, "a second person must approve this ({rule})")
            }
            Refusal::SecondPersonIsTheFirst { rule } => write!(f, "the approver is the actor ({rule})"),
            Refusal::OverTheLimitOfTheRole { limit } => write!(f, "this role may move at most {limit}"),
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
        }
    }
}
impl core::error::Error for Refusal {}
