//! Verbs on orders: what was paid, sent and delivered. Parcels of claims are sent here too.

use replay::{
    event::{
        DeviceTransmissionSummarised, Event, Leg, OwnershipChangeRecorded, PaymentCaptured, ScanStatus,
        ShipmentDispatched, SubscriptionActivated, TrackingScanned,
    },
    ids::{ActorId, Code, OrderId, ParcelId, PaymentId, Personal, Rma, Stream, Word},
    time::{Day, When},
    units::LineId,
};

use super::{
    Acting, Verb,
    flags::{Desk, Money, one_of, order_id, order_or_claim, personal, yes_no},
};
use crate::error::{Error, ErrorKind, Result};

/// Record money taken for an order
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims pay O1 --payment P1 --amount 93.49 --method card-1
  claims pay O1 --payment P2 --amount '10.00 USD' --method gift-card-7 --what shipping")]
pub struct Pay {
    /// The order
    #[arg(value_parser = order_id)]
    order: OrderId,
    /// The payment's id
    #[arg(long, value_name = "ID")]
    payment: PaymentId,
    /// How much
    #[arg(long, allow_negative_numbers = true)]
    amount: Money,
    /// Your reference of the card or account; never its number
    #[arg(long, value_name = "REF")]
    method: Word,
    /// What it pays for
    #[arg(long, value_name = "CODE")]
    what: Option<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Pay {
    on_order!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let amount = desk.amount(&self.amount)?;
        Ok(PaymentCaptured { payment: self.payment, method_ref: self.method, amount, what: self.what }.into())
    }
}

/// Record that a parcel leaves: outbound with its order, any other with its claim
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims dispatch order/O1 --parcel P1 --carrier ups --tracking 1Z999AA10123456784
  claims dispatch C1 --parcel P2 --rma RMA-1001 --traceable yes
  claims dispatch C1 --parcel P3 --leg return_to_customer --units L1#2")]
pub struct Dispatch {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The parcel's id
    #[arg(long, value_name = "ID")]
    parcel: ParcelId,
    /// Which way it travels [default: outbound for an order, inbound for a claim]
    #[arg(long, value_parser = one_of!(Leg))]
    leg: Option<Leg>,
    /// Carrier as the sender says it, e.g. ups
    #[arg(long, value_name = "CODE")]
    carrier: Option<Code>,
    /// Its service
    #[arg(long)]
    service: Option<Word>,
    /// Tracking number
    #[arg(long, value_name = "NUMBER", value_parser = personal)]
    tracking: Option<Personal>,
    /// Whether it can be traced
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    traceable: Option<bool>,
    /// Units in it, e.g. L1#1-3 [default: not said]
    #[arg(long, value_name = "UNITS")]
    units: Option<String>,
    /// RMA number on the parcel
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Dispatch {
    on_stream!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let of_order = matches!(self.stream, Stream::Order(_));
        let leg = self.leg.unwrap_or(if of_order { Leg::Outbound } else { Leg::Inbound });
        if of_order != (leg == Leg::Outbound) {
            let text = format!("a parcel with leg {leg} does not belong to {}", self.stream);
            return Err(Error::new(ErrorKind::Usage, "leg_is_not_of_the_stream", text)
                .hint("outbound parcels go with order/ID, all others with the claim"));
        }
        Ok(ShipmentDispatched {
            parcel: self.parcel,
            leg,
            carrier: self.carrier,
            service: self.service,
            tracking: self.tracking,
            tracking_check: None,
            traceable: self.traceable,
            units: desk.some_units(self.units.as_deref())?,
            rma_on_parcel: self.rma,
        }
        .into())
    }
}

/// Record a carrier's scan of a parcel
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims scan order/O1 --parcel P1 --status delivered --at 2024-04-02T15:00:00-05:00
  claims scan C1 --parcel P2 --status lost --place 'Memphis TN' --ref scan-881")]
pub struct Scan {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The parcel
    #[arg(long, value_name = "ID")]
    parcel: ParcelId,
    /// What the scan says
    #[arg(long, value_parser = one_of!(ScanStatus))]
    status: ScanStatus,
    /// Where
    #[arg(long)]
    place: Option<Word>,
    /// The carrier's own reference of the scan
    #[arg(long = "ref", value_name = "REF")]
    scan_ref: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Scan {
    on_stream!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { parcel, status, place, scan_ref, .. } = self;
        Ok(TrackingScanned { parcel, status, place, scan_ref }.into())
    }
}

/// Record that a subscription begins on a device
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims subscribe O1 --line L2 --device D-88")]
pub struct Subscribe {
    /// The order
    #[arg(value_parser = order_id)]
    order: OrderId,
    /// The line that was sold
    #[arg(long, value_parser = LineId::parse)]
    line: LineId,
    /// The device
    #[arg(long, value_name = "CODE")]
    device: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Subscribe {
    on_order!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(SubscriptionActivated { line: self.line, device: self.device }.into())
    }
}

/// Record what a device transmitted in a period
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims device O1 --device D-88 --from 2024-03-01 --to 2024-04-01 --count 0")]
pub struct Device {
    /// The order
    #[arg(value_parser = order_id)]
    order: OrderId,
    /// The device
    #[arg(long, value_name = "CODE")]
    device: Code,
    /// First day of the period
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Day,
    /// Its end
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    to: Day,
    /// How many transmissions
    #[arg(long, value_name = "N")]
    count: u64,
    /// The last of them
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    last_at: Option<When>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Device {
    on_order!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { device, from, to, count, last_at, .. } = self;
        Ok(DeviceTransmissionSummarised { device, from, to, count, last_at }.into())
    }
}

/// Record that a device changed hands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims ownership O1 --device D-88 --from cust-17 --to cust-40 --approved-by a.jones")]
pub struct Ownership {
    /// The order
    #[arg(value_parser = order_id)]
    order: OrderId,
    /// The device
    #[arg(long, value_name = "CODE")]
    device: Code,
    /// Who had it (a pseudonym)
    #[arg(long, value_name = "ID")]
    from: Option<ActorId>,
    /// Who has it now (a pseudonym)
    #[arg(long, value_name = "ID")]
    to: Option<ActorId>,
    /// Who approved the change
    #[arg(long, value_name = "ID")]
    approved_by: Option<ActorId>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Ownership {
    on_order!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { device, from, to, approved_by, .. } = self;
        Ok(OwnershipChangeRecorded { device, from, to, approved_by }.into())
    }
}
