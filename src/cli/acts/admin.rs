//! Verbs on people: who is known, who may act in which role, and up to how much.

use replay::{
    event::{ActorRegistered, Class, Event, Kind, LimitSet, RoleGranted, RoleRevoked},
    ids::{ActorId, Code, Personal},
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, personal},
};
use crate::error::Result;

/// Make a person or system known
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims register-actor a.jones --name 'Ann Jones'")]
pub struct RegisterActor {
    /// The actor's id (a pseudonym)
    #[arg(value_name = "WHO")]
    who: ActorId,
    /// The name (kept outside the log, erasable)
    #[arg(long, value_parser = personal)]
    name: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for RegisterActor {
    on_ledger!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(ActorRegistered { actor: self.who, name: self.name }.into())
    }
}

/// Let an actor act in a role
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims grant a.jones approver")]
pub struct Grant {
    /// The actor's id (a pseudonym)
    #[arg(value_name = "WHO")]
    who: ActorId,
    /// The role, e.g. approver
    #[arg(value_name = "ROLE")]
    granted: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Grant {
    on_ledger!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RoleGranted { actor: self.who, role: self.granted }.into())
    }
}

/// Let an actor no longer act in a role
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims revoke a.jones approver --reason left_the_company")]
pub struct Revoke {
    /// The actor's id (a pseudonym)
    #[arg(value_name = "WHO")]
    who: ActorId,
    /// The role, e.g. approver
    #[arg(value_name = "ROLE")]
    granted: Code,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Revoke {
    on_ledger!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RoleRevoked { actor: self.who, role: self.granted, reason_code: self.reason }.into())
    }
}

/// Set the largest amount a role may move with one act
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims limit agent refund_issued '500.00 USD'")]
pub struct Limit {
    /// The role
    #[arg(value_name = "ROLE")]
    limited: Code,
    /// The act that is limited, by its kind of event
    #[arg(value_name = "ACT", value_parser = act)]
    act: Code,
    /// The largest amount, with its currency
    #[arg(value_name = "AMOUNT", allow_negative_numbers = true)]
    amount: Money,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Limit {
    on_ledger!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(LimitSet { role: self.limited, act: self.act, amount }.into())
    }
}

/// A kind that the merchant does; a limit on anything else would never be asked for.
fn act(text: &str) -> std::result::Result<Code, String> {
    match text.parse::<Kind>() {
        Ok(kind) if kind.class() == Class::Act => Code::new(text).map_err(|why| why.to_string()),
        Ok(kind) => Err(format!("{kind} is no act of the merchant")),
        Err(why) => Err(format!("{why}; write one like refund_issued (claims schema lists them)")),
    }
}
