//! Refusals: sentences with a stable code, a hint and the clauses behind them.

use alloc::{boxed::Box, format, string::String, vec::Vec};

use crate::{
    duty::{Overstep, moved},
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

mod words;

/// Why a command was refused. The order of the variants is their precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    WrittenByTheLedgerItself(Kind),
    KindIsNotForThisStream(Kind, Stream),
    EffectiveInTheFuture(When),
    PolicyIsNotInForce(PolicyId, Day),
    Registry(RegistryFault),
    Breach(Breach),
    /// Beyond the duties of who acts or approves. Who may act at all is asked before anything else.
    Duty(Overstep),
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
    HoldIdIsUsed,
    HoldIsNotInForce,
}

impl Refusal {
    /// The name in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::WrittenByTheLedgerItself(_) => "written_by_the_ledger_itself",
            Refusal::KindIsNotForThisStream(..) => "kind_is_not_for_this_stream",
            Refusal::EffectiveInTheFuture(_) => "effective_in_the_future",
            Refusal::PolicyIsNotInForce(..) => "policy_is_not_in_force",
            Refusal::Registry(fault) => fault.code(),
            Refusal::Breach(breach) => breach.code(),
            Refusal::Duty(overstep) => overstep.code(),
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
            Refusal::HoldIdIsUsed => "hold_id_is_used",
            Refusal::HoldIsNotInForce => "hold_is_not_in_force",
        }
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
            Refusal::Duty(overstep) => house(overstep.rule()),
            Refusal::Registry(RegistryFault::LastAdminStays | RegistryFault::SystemIsNoPerson) => {
                house("D-1")
            }
            Refusal::Registry(RegistryFault::ActHasNoAmount { .. }) => house("D-3"),
            Refusal::Registry(
                RegistryFault::PeriodIsSealed { .. }
                | RegistryFault::PeriodIsNotSealed { .. }
                | RegistryFault::PeriodIsNotOver { .. },
            ) => house("D-5"),
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
        refusal_event(proposal, self.code(), &self.for_the_record(), self.cites())
            .map(|event| (Stream::Ledger, event))
    }

    /// The words that go into the log. What cannot be read is quoted to its sender and to nobody else: it may be
    /// a name in the wrong place, and the log forgets nothing.
    fn for_the_record(&self) -> String {
        match self {
            Refusal::Breach(Breach::CorrectionDoesNotFit(_)) => {
                "the correction does not fit its target".into()
            }
            other => format!("{other}"),
        }
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

impl core::error::Error for Refusal {}
