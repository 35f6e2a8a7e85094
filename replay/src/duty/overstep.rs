//! How somebody can overstep a duty, as sentences with a stable code and a hint.

use alloc::{format, string::String, vec::Vec};
use core::fmt;

use super::{Area, ROLES};
use crate::{
    event::Kind,
    ids::{ActorId, Code},
    money::Amount,
};

/// What somebody did, or would do, beyond their duties. The order of the variants is their precedence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overstep {
    /// The actor does not hold the role.
    RoleIsNotHeld {
        /// Who.
        actor: ActorId,
        /// The role that was named.
        role: Code,
        /// The roles that are held.
        held: Vec<Code>,
    },
    /// The role may not record this.
    RoleMayNotDoThis {
        /// The role.
        role: Code,
        /// What it would record.
        kind: Kind,
        /// What that belongs to.
        area: Area,
    },
    /// There is no such role to grant.
    RoleIsUnknown {
        /// The word.
        role: Code,
    },
    /// A role is granted by somebody else.
    NobodyGrantsThemselves,
    /// A rule wants a second person.
    SecondPersonIsMissing {
        /// The rule.
        rule: &'static str,
    },
    /// The approver is the actor.
    SecondPersonIsTheFirst {
        /// The rule.
        rule: &'static str,
    },
    /// The approver holds no role that approves.
    ApproverMayNotApprove {
        /// Who.
        approver: ActorId,
        /// The rule that wants a second person.
        rule: &'static str,
    },
    /// More than the role may move with one act.
    OverTheLimitOfTheRole {
        /// The role.
        role: Code,
        /// The act.
        act: Code,
        /// The most.
        limit: Amount,
    },
    /// More than one person may move alone.
    AmountNeedsASecondPerson {
        /// The act.
        act: Code,
        /// The most.
        limit: Amount,
    },
    /// Over the limit of one person, whoever decided does not pay.
    PayerIsTheRequester {
        /// The limit of one person.
        limit: Amount,
    },
    /// Over the limit of one person, whoever decided does not approve the payment.
    ApproverIsTheRequester {
        /// The limit of one person.
        limit: Amount,
    },
}

impl Overstep {
    /// The name in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Overstep::RoleIsNotHeld { .. } => "role_is_not_held",
            Overstep::RoleMayNotDoThis { .. } => "role_may_not_do_this",
            Overstep::RoleIsUnknown { .. } => "role_is_unknown",
            Overstep::NobodyGrantsThemselves => "nobody_grants_themselves",
            Overstep::SecondPersonIsMissing { .. } => "second_person_is_missing",
            Overstep::SecondPersonIsTheFirst { .. } => "second_person_is_the_first",
            Overstep::ApproverMayNotApprove { .. } => "approver_may_not_approve",
            Overstep::OverTheLimitOfTheRole { .. } => "over_the_limit_of_the_role",
            Overstep::AmountNeedsASecondPerson { .. } => "amount_needs_a_second_person",
            Overstep::PayerIsTheRequester { .. } => "payer_is_the_requester",
            Overstep::ApproverIsTheRequester { .. } => "approver_is_the_requester",
        }
    }

    /// The rule behind it: of the house (H) or of duties (D, see `claims sod --rules`).
    pub fn rule(&self) -> &'static str {
        match self {
            Overstep::RoleIsNotHeld { .. }
            | Overstep::RoleMayNotDoThis { .. }
            | Overstep::RoleIsUnknown { .. }
            | Overstep::NobodyGrantsThemselves => "D-1",
            Overstep::SecondPersonIsMissing { rule }
            | Overstep::SecondPersonIsTheFirst { rule }
            | Overstep::ApproverMayNotApprove { rule, .. } => rule,
            Overstep::OverTheLimitOfTheRole { .. } => "D-3",
            Overstep::AmountNeedsASecondPerson { .. }
            | Overstep::PayerIsTheRequester { .. }
            | Overstep::ApproverIsTheRequester { .. } => "D-4",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            Overstep::RoleIsNotHeld { role, held, .. } if held.is_empty() => {
                return format!("an admin can grant it: claims grant WHO {role}");
            }
            Overstep::RoleIsNotHeld { held, .. } => {
                let held: Vec<&str> = held.iter().map(Code::as_str).collect();
                return format!("act in a role you hold (--role {})", held.join(" or "));
            }
            Overstep::RoleMayNotDoThis { area, .. } => {
                let may = ROLES.iter().filter(|role| role.may.contains(area)).map(|role| role.name);
                return format!("let somebody do it as {}", may.collect::<Vec<_>>().join(" or "));
            }
            Overstep::RoleIsUnknown { .. } => {
                let names = ROLES.iter().map(|role| role.name).filter(|name| *name != super::CUSTOMER);
                return format!("grant one of {}", names.collect::<Vec<_>>().join(", "));
            }
            Overstep::NobodyGrantsThemselves => "let another admin grant it",
            Overstep::SecondPersonIsMissing { .. } => "name a second person as approver (--approver)",
            Overstep::SecondPersonIsTheFirst { .. } => "somebody else must approve",
            Overstep::ApproverMayNotApprove { .. } => {
                let names = ROLES.iter().filter(|role| role.approves).map(|role| role.name);
                return format!("let somebody approve who is {}", names.collect::<Vec<_>>().join(" or "));
            }
            Overstep::OverTheLimitOfTheRole { .. } => {
                "let a role with a higher limit do it, or somebody of such a role approve it (--approver)"
            }
            Overstep::AmountNeedsASecondPerson { .. } => {
                "name a second person as approver (--approver); payments of one claim count together"
            }
            Overstep::PayerIsTheRequester { .. } => "let somebody else pay what was decided",
            Overstep::ApproverIsTheRequester { .. } => "let a third person approve",
        };
        text.into()
    }
}

impl fmt::Display for Overstep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Overstep::RoleIsNotHeld { actor, role, held } if held.is_empty() => {
                write!(f, "{actor} holds no role, and acts as {role}")
            }
            Overstep::RoleIsNotHeld { actor, role, .. } if role.as_str() == super::CUSTOMER => {
                write!(f, "{actor} works here, and acts as a customer")
            }
            Overstep::RoleIsNotHeld { actor, role, .. } => write!(f, "{actor} does not hold the role {role}"),
            Overstep::RoleMayNotDoThis { role, kind, .. } => write!(f, "role {role} may not record {kind}"),
            Overstep::RoleIsUnknown { role } => write!(f, "there is no role {role} to grant"),
            Overstep::NobodyGrantsThemselves => f.write_str("nobody grants a role to themselves"),
            Overstep::SecondPersonIsMissing { rule } => {
                write!(f, "a second person must approve this ({rule})")
            }
            Overstep::SecondPersonIsTheFirst { rule } => write!(f, "the approver is the actor ({rule})"),
            Overstep::ApproverMayNotApprove { approver, rule } => {
                write!(f, "{approver} holds no role that approves ({rule})")
            }
            Overstep::OverTheLimitOfTheRole { role, act, limit } => {
                write!(f, "role {role} may move at most {limit} with one {act}")
            }
            Overstep::AmountNeedsASecondPerson { act, limit } => {
                write!(f, "one person alone may move at most {limit} by {act}")
            }
            Overstep::PayerIsTheRequester { limit } => {
                write!(f, "over {limit} whoever decided does not pay")
            }
            Overstep::ApproverIsTheRequester { limit } => {
                write!(f, "over {limit} whoever decided does not approve the payment")
            }
        }
    }
}
impl core::error::Error for Overstep {}
