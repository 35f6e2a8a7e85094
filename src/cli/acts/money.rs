//! Verbs on what is owed: costs, discretion, fees and charges.

use replay::{
    event::{
        self, ChargeWaived, CostRecorded, CustomerCharged, DiscretionExercised, Event, FeeCharged, Party,
    },
    ids::{ChargeId, ClaimId, Code, Personal, Word},
    time::Day,
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, claim_id, one_of, personal},
};
use crate::error::Result;

/// Record a cost that somebody has paid
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims cost C1 --cost inbound_shipping --paid-by customer --amount 12.00 --receipt rcpt-4
  claims cost C1 --cost customs --paid-by customer --amount '11.00 EUR' --order-amount 11.94 \\
    --rate 1.0854 --rate-source ECB --rate-date 2024-05-02")]
pub struct Cost {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What for, as the policy calls it
    #[arg(long, value_name = "CODE")]
    cost: Code,
    /// Who has paid (H-12)
    #[arg(long, value_parser = one_of!(Party))]
    paid_by: Party,
    /// How much, in the currency it was paid in
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// The same in the order's currency, if that is another (H-8)
    #[arg(long, value_name = "AMOUNT", requires_all = ["rate", "rate_source", "rate_date"])]
    order_amount: Option<Money>,
    /// Rate of the conversion, e.g. 1.0854
    #[arg(long, value_name = "DECIMAL", requires = "order_amount")]
    rate: Option<Code>,
    /// Who published it
    #[arg(long, value_name = "NAME", requires = "order_amount")]
    rate_source: Option<Word>,
    /// For which day
    #[arg(long, value_name = "DAY", value_parser = Day::parse, requires = "order_amount")]
    rate_date: Option<Day>,
    /// Your reference of the receipt; without one nothing is repaid
    #[arg(long, value_name = "REF")]
    receipt: Option<Word>,
    /// Units it is about [default: not said]
    #[arg(long)]
    units: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Cost {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        Ok(CostRecorded {
            amount: desk.amount(&self.amount)?,
            order_amount: desk.some_amount(self.order_amount.as_ref())?,
            units: desk.some_units(self.units.as_deref())?,
            cost: self.cost,
            paid_by: self.paid_by,
            rate: self.rate,
            rate_source: self.rate_source,
            rate_date: self.rate_date,
            receipt_ref: self.receipt,
        }
        .into())
    }
}

/// Decide where the policy leaves room (H-15), or grant goodwill (H-19): a person, with a reason
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims discretion C1 --point damaged_return --decision accept --fee-bp 1000 \\
    --reason scratched --reason-text 'deep scratch on the housing'
  claims discretion C1 --point H-19.goodwill --decision grant --amount 10.00 \\
    --reason long_wait --reason-text 'waited three weeks' --approver b.lee")]
pub struct Discretion {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The point of the policy, or H-19.goodwill
    #[arg(long, value_name = "CODE")]
    point: Code,
    /// One of the decisions it allows
    #[arg(long, value_name = "CODE")]
    decision: Code,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Personal,
    /// Units [default: every unit of the claim]
    #[arg(long)]
    units: Option<String>,
    /// Percentage in basis points: 1000 is 10%
    #[arg(long, value_name = "BP")]
    fee_bp: Option<u32>,
    /// An amount
    #[arg(long, allow_negative_numbers = true)]
    amount: Option<Money>,
    /// A value that is neither
    #[arg(long)]
    value: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Discretion {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        Ok(DiscretionExercised {
            units: desk.some_units(self.units.as_deref())?,
            amount: desk.some_amount(self.amount.as_ref())?,
            point: self.point,
            decision: self.decision,
            fee_bp: self.fee_bp,
            value: self.value,
            reason_code: self.reason,
            reason_text: self.reason_text,
        }
        .into())
    }
}

/// Charge the customer a fee
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims fee C1 --charge F1 --fee misuse_service --amount 45.00 --cite AMC-12.4")]
pub struct Fee {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The charge's id
    #[arg(long, value_name = "ID")]
    charge: ChargeId,
    /// Which fee, as the policy calls it
    #[arg(long, value_name = "CODE")]
    fee: Code,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Fee {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(FeeCharged { charge: self.charge, fee: self.fee, amount, cites: self.cite }.into())
    }
}

/// Charge the customer a cost
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims charge C1 --charge F2 --cost return_leg_shipping --amount 8.50 --cite AMC-8.4")]
pub struct Charge {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The charge's id
    #[arg(long, value_name = "ID")]
    charge: ChargeId,
    /// Which cost, as the policy calls it
    #[arg(long, value_name = "CODE")]
    cost: Code,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Charge {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(CustomerCharged { charge: self.charge, cost: self.cost, amount, cites: self.cite }.into())
    }
}

/// Record that the customer has paid a charge, or part of it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims charge-paid C1 --charge F1 --amount 45.00")]
pub struct ChargePaid {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The charge
    #[arg(long, value_name = "ID")]
    charge: ChargeId,
    /// How much was paid
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ChargePaid {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(event::ChargePaid { charge: self.charge, amount }.into())
    }
}

/// Give up what is still open of a charge
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims waive-charge C1 --charge F2 --reason goodwill")]
pub struct WaiveCharge {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The charge
    #[arg(long, value_name = "ID")]
    charge: ChargeId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for WaiveCharge {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { charge, reason: reason_code, reason_text, .. } = self;
        Ok(ChargeWaived { charge, reason_code, reason_text }.into())
    }
}
