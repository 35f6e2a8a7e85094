//! Verbs on people and months: who is known, who may act in which role, up to how much; a month opened again.

use replay::{
    duty::LIMITED,
    event::{ActorRegistered, Event, Kind, LimitSet, PeriodReopened, RoleGranted, RoleRevoked},
    ids::{ActorId, Code, Personal},
    time::Month,
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
  claims grant d.ruiz admin
  claims grant a.jones agent --actor d.ruiz --role admin

From the first admin on, everybody acts only in roles that they hold, and a role does only what is
its duty; claims sod --rules lists both. Before, a role is what people say of themselves.")]
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
  claims limit agent refund_issued '500.00 USD'
  claims limit one_person refund_issued '2000.00 USD'

Above it, somebody of a role with a higher limit acts or approves (--approver). In place of a role,
one_person limits everybody: above it a second person approves, and of a claim's payments, which
count together, whoever decides, approves and pays are three people.")]
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

/// Open a sealed month again; a second person approves (D-2)
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims reopen-month 2024-04 --reason wrong_rate --approver d.ruiz --role finance

What was posted elsewhere meanwhile stays there. Seal the month again with claims close-month.")]
pub struct ReopenMonth {
    /// The month, e.g. 2024-04
    #[arg(value_name = "MONTH")]
    month: Month,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ReopenMonth {
    on_ledger!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(PeriodReopened { period: self.month.to_string(), reason_code: self.reason }.into())
    }
}

/// An act that moves money; a limit on anything else would never be asked for.
fn act(text: &str) -> std::result::Result<Code, String> {
    match text.parse::<Kind>() {
        Ok(kind) if LIMITED.contains(&kind) => Code::new(text).map_err(|why| why.to_string()),
        _ => {
            let acts: Vec<&str> = LIMITED.iter().map(|kind| kind.as_str()).collect();
            Err(format!("no act that moves money; write one of {}", acts.join(", ")))
        }
    }
}
