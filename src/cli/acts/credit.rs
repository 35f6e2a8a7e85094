//! Verbs on money that moves: refunds, gift credits, chargebacks.

use replay::{
    event::{
        self, Channel, Claimant, Event, GiftCreditIssued, Payout, PayoutTo, RefundFailed, RefundIssued,
        RefundLateFlagged, RefundPosted, RefundTraceAnswered, RefundTraceOpened,
    },
    ids::{ClaimId, Code, RefundId, Word},
    merkle::Hash,
    time::When,
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, claim_id, one_of},
};
use crate::error::Result;

/// Send money to the customer: at most what is payable under the policy, and to whom it says
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims refund C1 --refund R1 --amount 93.49
  claims refund C1 --refund R2 --amount 25.00 --to other_method --method bank-9 --approver b.lee

Money that nobody has decided is decided by being sent: the decision is recorded just before it.
Another payee than the policy's needs --approver, and so does another method.")]
pub struct Refund {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund's id; no other credit of the order may have it
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Where it goes; another method needs --approver (H-22)
    #[arg(long, default_value = "original_method", value_parser = one_of!(PayoutTo))]
    to: PayoutTo,
    /// Your reference of the card or account; never its number
    #[arg(long, value_name = "REF")]
    method: Option<Word>,
    /// Units it is for [default: not said]
    #[arg(long)]
    units: Option<String>,
    /// SHA-256 of the reckoning it follows
    #[arg(long, value_name = "HEX")]
    explains: Option<Hash>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Refund {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        let units = desk.some_units(self.units.as_deref())?;
        let payout = Payout { to: self.to, method_ref: self.method };
        Ok(RefundIssued { refund: self.refund, amount, payout, units, explains: self.explains }.into())
    }
}

/// Record that a refund has arrived
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims posted C1 --refund R1 --at 2024-05-20T12:00:00-05:00")]
pub struct Posted {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund or gift credit
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Posted {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RefundPosted { refund: self.refund }.into())
    }
}

/// Record that a refund came back; the money is owed again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims failed C1 --refund R1 --reason account_closed")]
pub struct Failed {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund or gift credit
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Failed {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RefundFailed { refund: self.refund, reason_code: self.reason }.into())
    }
}

/// Record that a refund is later than its clause allows
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims flag-late C1 --refund R1 --due 2024-05-17T23:59:59-05:00 --cite AMC-2.8 \\
    --ladder bank_account_rechecked")]
pub struct FlagLate {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund or gift credit
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    /// When it was due
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    due: When,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    /// A step of the ladder that was taken (repeat)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    ladder: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for FlagLate {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { refund, due, cite: cites, ladder, .. } = self;
        Ok(RefundLateFlagged { refund, due, cites, ladder }.into())
    }
}

/// Record that somebody looks for a refund that did not arrive
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims trace C1 --refund R1 --via email --attested bank_contacted")]
pub struct Trace {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund or gift credit
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    /// Who looks
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// How they said so
    #[arg(long, value_parser = one_of!(Channel))]
    via: Option<Channel>,
    /// What they say they have done already (repeat)
    #[arg(long, value_name = "CODE", value_delimiter = ',')]
    attested: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Trace {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { refund, by, via, attested, .. } = self;
        Ok(RefundTraceOpened { refund, by, via, attested }.into())
    }
}

/// Record what was found of a refund
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims trace-answered C1 --refund R1 --result credited_on_statement")]
pub struct TraceAnswered {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The refund or gift credit
    #[arg(long, value_name = "ID")]
    refund: RefundId,
    /// What was found
    #[arg(long, value_name = "CODE")]
    result: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for TraceAnswered {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RefundTraceAnswered { refund: self.refund, result: self.result }.into())
    }
}

/// Issue a credit for the shop, where the policy pays so
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims gift-credit C1 --credit G1 --amount 25.00 --to recipient")]
pub struct GiftCredit {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The credit's id; no other credit of the order may have it
    #[arg(long, value_name = "ID")]
    credit: RefundId,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Who gets it
    #[arg(long, value_parser = one_of!(Claimant))]
    to: Claimant,
    /// SHA-256 of its code
    #[arg(long, value_name = "HEX")]
    code_hash: Option<Hash>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for GiftCredit {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(GiftCreditIssued { credit: self.credit, amount, to: self.to, code_hash: self.code_hash }.into())
    }
}

/// Record that the bank takes money back on the customer's word
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims chargeback C1 --psp-ref cb-771 --amount 93.49 --reason not_received")]
pub struct Chargeback {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The payment processor's reference
    #[arg(long, value_name = "REF")]
    psp_ref: Word,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Why, as the bank says
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Chargeback {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(event::ChargebackOpened { psp_ref: self.psp_ref, amount, reason_code: self.reason }.into())
    }
}

/// Record that the merchant keeps the money of a chargeback
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims chargeback-won C1 --psp-ref cb-771")]
pub struct ChargebackWon {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The payment processor's reference
    #[arg(long, value_name = "REF")]
    psp_ref: Word,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ChargebackWon {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(event::ChargebackWon { psp_ref: self.psp_ref }.into())
    }
}

/// Record that the customer keeps the money of a chargeback
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims chargeback-lost C1 --psp-ref cb-771")]
pub struct ChargebackLost {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The payment processor's reference
    #[arg(long, value_name = "REF")]
    psp_ref: Word,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ChargebackLost {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(event::ChargebackLost { psp_ref: self.psp_ref }.into())
    }
}
