//! Verbs on remedies: what is offered, chosen, decided, carried out, and what did not work.

use replay::{
    event::{
        self, Claimant, Event, Remedy, RemedyDecided, RemedyOffered, RemedySelected, RepairCompleted,
        RepairShipped, ReplacementShipped, SparePartsSent, StockReported, Variant,
    },
    ids::{ClaimId, Code, ParcelId, Rma, Word},
    merkle::Hash,
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, claim_id, one_of, yes_no},
};
use crate::error::Result;

/// Offer a remedy
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims offer C1 --remedy replacement --same-item yes")]
pub struct Offer {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What the customer may get
    #[arg(long, value_parser = one_of!(Remedy))]
    remedy: Remedy,
    /// Whether it is the same article again
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    same_item: Option<bool>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Offer {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(RemedyOffered { remedy: self.remedy, same_item: self.same_item }.into())
    }
}

/// Record which remedy the customer wants
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims select C1 --remedy refund
  claims select C1 --remedy replacement --by recipient --units L1#2 --same-item yes")]
pub struct Select {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What is wanted
    #[arg(long, value_parser = one_of!(Remedy))]
    remedy: Remedy,
    /// Who wants it
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// Units [default: every unit of the claim]
    #[arg(long)]
    units: Option<String>,
    /// Whether it is the same article again
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    same_item: Option<bool>,
    /// Whether it can be had
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    in_stock: Option<bool>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Select {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.some_units(self.units.as_deref())?;
        let Self { remedy, by, same_item, in_stock, .. } = self;
        Ok(RemedySelected { remedy, by, units, same_item, in_stock }.into())
    }
}

/// Decide what units get; how much it is and under which clauses, the policy says
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims decide C1 --remedy refund
  claims decide C1 --remedy replacement --units L1#2
  claims decide C1 --remedy refund --entitlement 80.00 --reason settled_for_less

What is left out is the policy's own: the amount, the clauses, new or refurbished. Without --units
it is about the units that can be decided so now and are not decided yet; claims next C1 says what
stands in the way of the others.")]
pub struct Decide {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What they get
    #[arg(long, value_parser = one_of!(Remedy))]
    remedy: Remedy,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas [default: those that can be decided]
    #[arg(long)]
    units: Option<String>,
    /// Money owed for exactly these units, instead of what was decided for them before; at most what the policy
    /// entitles to [default: that]
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    entitlement: Option<Money>,
    /// New or refurbished, for a replacement [default: what the policy says]
    #[arg(long, value_parser = one_of!(Variant))]
    variant: Option<Variant>,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Option<Code>,
    /// Clauses behind it (repeat, or with commas) [default: the policy's own]
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    /// SHA-256 of the policy that was asked [default: of the one that is]
    #[arg(long, value_name = "HEX")]
    policy_sha256: Option<Hash>,
    /// SHA-256 of the facts that were known [default: of those that are]
    #[arg(long, value_name = "HEX")]
    facts_sha256: Option<Hash>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Decide {
    on_claim!();
    fn asks_the_policy(&self) -> bool {
        self.units.is_none()
    }
    fn event(self, desk: &Desk) -> Result<Event> {
        Ok(RemedyDecided {
            units: match &self.units {
                Some(units) => desk.units(units)?,
                None => desk.decidable(self.remedy)?,
            },
            remedy: self.remedy,
            variant: self.variant,
            entitlement: desk.some_amount(self.entitlement.as_ref())?,
            reason_code: self.reason,
            cites: self.cite,
            policy_sha256: self.policy_sha256,
            facts_sha256: self.facts_sha256,
        }
        .into())
    }
}

/// Record that a remedy did not work; the choice is open again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims remedy-failed C1 --remedy repair --reason cannot_be_repaired")]
pub struct RemedyFailed {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Which one
    #[arg(long, value_parser = one_of!(Remedy))]
    remedy: Remedy,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// Units [default: every unit of the claim]
    #[arg(long)]
    units: Option<String>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for RemedyFailed {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.some_units(self.units.as_deref())?;
        Ok(event::RemedyFailed { remedy: self.remedy, units, reason_code: self.reason }.into())
    }
}

/// Record whether an article can be had
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims stock C1 --sku CAM-1 --in-stock no")]
pub struct Stock {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Article number
    #[arg(long)]
    sku: Word,
    /// Whether it can be had
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true, action = clap::ArgAction::Set)]
    in_stock: bool,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Stock {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(StockReported { sku: self.sku, in_stock: self.in_stock }.into())
    }
}

/// Record that units were repaired
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims repaired C1 --units L1#1 --authorized-repair yes")]
pub struct Repaired {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// Whether an authorized workshop did it
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    authorized_repair: Option<bool>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Repaired {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        Ok(RepairCompleted { units, authorized_repair: self.authorized_repair }.into())
    }
}

/// Send repaired units back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims ship-repair C1 --units L1#1 --parcel P3 --rma RMA-1001")]
pub struct ShipRepair {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// RMA number that is closed with it
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ShipRepair {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        Ok(RepairShipped { units, parcel: self.parcel, rma: self.rma }.into())
    }
}

/// Send parts to the customer
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims send-parts C1 --units L1#1 --parcel P3")]
pub struct SendParts {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// Whether an authorized workshop fits them
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    authorized_repair: Option<bool>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for SendParts {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        let Self { parcel, authorized_repair, .. } = self;
        Ok(SparePartsSent { units, parcel, authorized_repair }.into())
    }
}

/// Send a replacement
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims ship-replacement C1 --units L1#2 --parcel P4 --variant new --rma RMA-1001")]
pub struct ShipReplacement {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// New or refurbished
    #[arg(long, value_parser = one_of!(Variant))]
    variant: Option<Variant>,
    /// RMA number that is closed with it
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ShipReplacement {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        let Self { parcel, variant, rma, .. } = self;
        Ok(ReplacementShipped { units, parcel, variant, rma }.into())
    }
}

/// Record that a replacement has arrived
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims replacement-delivered C1 --units L1#2 --parcel P4")]
pub struct ReplacementDelivered {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ReplacementDelivered {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        Ok(event::ReplacementDelivered { units, parcel: self.parcel }.into())
    }
}
