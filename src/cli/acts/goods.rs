//! Verbs on goods: labels, the dock, inspection, the warehouse.

use replay::{
    event::{
        ConnectivityAssessed, Defect, Disposition, DispositionRecorded, Event, ItemInspected,
        ItemLostInCustody, LabelIssued, Leg, Packaging, ParcelReceived, ParcelRefused, Party,
    },
    ids::{ClaimId, Code, ParcelId, Personal, Rma, Word},
    merkle::Hash,
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, claim_id, one_of, personal, yes_no},
};
use crate::error::Result;

/// Issue a shipping label, and record what it cost
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims label C1 --cost 8.50 --paid-by merchant --carrier ups")]
pub struct Label {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What it cost
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    cost: Money,
    /// Who paid it (H-12)
    #[arg(long, value_parser = one_of!(Party))]
    paid_by: Party,
    /// Which way the parcel travels
    #[arg(long, default_value = "inbound", value_parser = one_of!(Leg))]
    leg: Leg,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// Carrier, e.g. ups
    #[arg(long, value_name = "CODE")]
    carrier: Option<Code>,
    /// Tracking number
    #[arg(long, value_name = "NUMBER", value_parser = personal)]
    tracking: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Label {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let cost = desk.amount(&self.cost)?;
        let Self { parcel, leg, carrier, tracking, paid_by, .. } = self;
        Ok(LabelIssued { parcel, leg, carrier, tracking, cost, paid_by }.into())
    }
}

/// Take goods in at the dock
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims receive C1 --rma RMA-1001 --parcel P2
  claims receive C1 --units L1#1 --extra 'camera bag' --note yes --place dock-2")]
pub struct Receive {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// RMA number on the parcel
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    /// A thing in the box that is on no list (repeat)
    #[arg(long, value_name = "WHAT")]
    extra: Vec<Word>,
    /// Whether a note lay in the box
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    note: Option<bool>,
    /// Whether the form lay in the box
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    form: Option<bool>,
    /// Where
    #[arg(long)]
    place: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Receive {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        let Self { parcel, rma, extra, note, form, place, .. } = self;
        Ok(ParcelReceived { parcel, rma, units, extra, note, form, place }.into())
    }
}

/// Refuse a parcel at the dock
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims refuse-parcel C1 --parcel P2 --reason no_rma_on_parcel --cite AMC-11.1")]
pub struct RefuseParcel {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: Option<ParcelId>,
    /// RMA number on the parcel
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    /// Units in it [default: every unit of the claim]
    #[arg(long)]
    units: Option<String>,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for RefuseParcel {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.some_units(self.units.as_deref())?;
        let Self { parcel, rma, reason: reason_code, cite: cites, .. } = self;
        Ok(ParcelRefused { parcel, rma, units, reason_code, cites }.into())
    }
}

/// Record what an inspection found; what is left out was not looked at
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims inspect C1 --defect confirmed --cause manufacturing --on-arrival no
  claims inspect C1 --units L1#2 --packaging damaged --accessories-missing charger \\
    --accessories-missing cable --damage none")]
pub struct Inspect {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// Whether it was installed
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    installed: Option<bool>,
    /// The packaging
    #[arg(long, value_parser = one_of!(Packaging))]
    packaging: Option<Packaging>,
    /// Whether it is as it was sold
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    same_condition: Option<bool>,
    /// Whether it was altered
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    altered: Option<bool>,
    /// Whether it is still sealed
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    sealed: Option<bool>,
    /// An accessory that is missing (repeat), or none
    #[arg(long, value_name = "NAME")]
    accessories_missing: Option<Vec<Word>>,
    /// A damage (repeat), or none
    #[arg(long, value_name = "WHAT")]
    damage: Option<Vec<Word>>,
    /// What the tests say of a defect
    #[arg(long, value_parser = one_of!(Defect))]
    defect: Option<Defect>,
    /// Whether the defect was there on arrival
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    on_arrival: Option<bool>,
    /// Its cause, as the policy calls it
    #[arg(long, value_name = "CODE")]
    cause: Option<Code>,
    /// A test that was made (repeat), or none
    #[arg(long, value_name = "WHAT")]
    test: Option<Vec<Word>>,
    /// SHA-256 of a picture or film (repeat)
    #[arg(long, value_name = "HEX")]
    media: Option<Vec<Hash>>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Inspect {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        Ok(ItemInspected {
            units: desk.units(&self.units)?,
            installed: self.installed,
            packaging: self.packaging,
            same_condition: self.same_condition,
            altered: self.altered,
            sealed: self.sealed,
            accessories_missing: self.accessories_missing.map(listed),
            damage: self.damage.map(listed),
            defect: self.defect,
            on_arrival: self.on_arrival,
            cause: self.cause,
            tests: self.test.map(listed),
            media: self.media,
        }
        .into())
    }
}

/// `none` alone says that somebody looked and there was nothing.
fn listed(words: Vec<Word>) -> Vec<Word> {
    if matches!(words.as_slice(), [word] if word.as_str() == "none") { Vec::new() } else { words }
}

/// Record what a device's data say about a paid period
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims connectivity C1 --device D-88 --transmitted no --data-ref report-2024-03")]
pub struct Connectivity {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The device
    #[arg(long, value_name = "CODE")]
    device: Option<Code>,
    /// Whether it transmitted in the period
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    transmitted: Option<bool>,
    /// Whether the vehicle was sold with it still inside
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    vehicle_sold_not_removed: Option<bool>,
    /// Whether it changed hands in the period
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    ownership_changed: Option<bool>,
    /// Where the data are
    #[arg(long, value_name = "REF")]
    data_ref: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Connectivity {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { device, transmitted, vehicle_sold_not_removed, ownership_changed, data_ref, .. } = self;
        Ok(ConnectivityAssessed {
            device,
            transmitted,
            vehicle_sold_not_removed,
            ownership_changed,
            data_ref,
        }
        .into())
    }
}

/// Record that units were lost while the merchant held them
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims lost-in-custody C1 --units L1#2 --circumstances 'gone after the stocktake'")]
pub struct LostInCustody {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// How it came (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    circumstances: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for LostInCustody {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        Ok(ItemLostInCustody { units, circumstances: self.circumstances }.into())
    }
}

/// Say where units go in the warehouse
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims dispose C1 --disposition refurbish
  claims dispose C1 --units L1#2 --disposition scrap")]
pub struct Dispose {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// Where they go
    #[arg(long, value_parser = one_of!(Disposition))]
    disposition: Disposition,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Dispose {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        Ok(DispositionRecorded { units, disposition: self.disposition }.into())
    }
}
