//! The order of a scenario as it goes on record: the sale, its payment in full, its parcels.

use replay::{
    event::{
        AccessoryPrice, Condition, Event, Gift, Kind, Leg, NoticeSent, OrderLine, OrderRecorded,
        PaymentCaptured, Place, SalesChannel, ScanStatus, ShipmentDispatched, TaxMode, TrackingScanned,
    },
    ids::{Code, ParcelId, PaymentId, PolicyId, Word},
    units::Units,
};

use super::{
    format::{Line, Order, Parcel},
    tell::{DISPATCH_NOTICE, METHOD, amount, bad_text},
};
use crate::error::{Error, Result};

/// The one parcel of an order that names none.
pub const FIRST_PARCEL: &str = "P1";

impl Order {
    /// Its parcels; one without a name is called P1.
    pub fn parcels(&self) -> Vec<Parcel> {
        if !self.parcels.is_empty() {
            return self.parcels.clone();
        }
        let parcel =
            |id| Parcel { id, units: None, shipped_at: self.shipped_at, delivered_at: self.delivered_at };
        ParcelId::new(FIRST_PARCEL).map(parcel).into_iter().collect()
    }

    /// The sale.
    ///
    /// # Errors
    /// Names that are too long for the ledger.
    pub fn recorded(&self, policy: &PolicyId) -> Result<Event> {
        let (country, subdivision) = match self.region.split_once('-') {
            Some((country, subdivision)) => (country, Some(subdivision)),
            None => (self.region.as_str(), None),
        };
        let region = |why| bad_text(why).at("region");
        let sale = OrderRecorded {
            policy: policy.clone(),
            channel: self.channel.unwrap_or(SalesChannel::Direct),
            seller: None,
            currency: self.currency,
            purchased_at: self.purchased_at,
            invoiced_on: self.invoiced_on,
            ship_to: Place {
                country: Word::new(country).map_err(region)?,
                subdivision: subdivision.map(Code::new).transpose().map_err(region)?,
            },
            buyer: None,
            gift: self.gift.as_ref().map(|gift| Gift {
                marked: gift.marked,
                shipped_to: gift.shipped_to,
                recipient: None,
            }),
            tax_mode: self.tax_mode.unwrap_or(TaxMode::Exclusive),
            order_discount_minor: self.order_discount,
            shipping_minor: self.outbound_shipping,
            shipping_tax_minor: self.outbound_shipping_tax,
            lines: self.lines.iter().map(recorded_line).collect::<Result<_>>()?,
        };
        let event = Event::from(sale);
        event.check().map_err(|why| {
            Error::unreadable("unsound_order", why.to_string())
                .hint("the fields of the order contradict each other")
        })?;
        Ok(event)
    }

    /// The payment of the whole order; `None` when it costs nothing.
    ///
    /// # Errors
    /// A total beyond what an amount may be.
    pub fn captured(&self) -> Result<Option<Event>> {
        let lines = self.lines.iter().map(|line| {
            let gross = u128::from(line.unit_price).saturating_mul(u128::from(line.quantity));
            gross.saturating_sub(u128::from(line.line_discount)).saturating_add(u128::from(line.tax))
        });
        let total = lines
            .fold(0, u128::saturating_add)
            .saturating_add(u128::from(self.outbound_shipping))
            .saturating_add(u128::from(self.outbound_shipping_tax))
            .saturating_sub(u128::from(self.order_discount));
        if total == 0 {
            return Ok(None);
        }
        let payment = PaymentCaptured {
            payment: PaymentId::new("payment").map_err(bad_text)?,
            method_ref: Word::new(METHOD).map_err(bad_text)?,
            amount: amount(u64::try_from(total).unwrap_or(u64::MAX), self.currency)?,
            what: None,
        };
        Ok(Some(payment.into()))
    }
}

fn recorded_line(line: &Line) -> Result<OrderLine> {
    let accessory = |(name, price): (&Word, &u64)| AccessoryPrice { name: name.clone(), price_minor: *price };
    let (period_from, period_to) =
        line.billing_period.map_or((None, None), |[from, to]| (Some(from), Some(to)));
    Ok(OrderLine {
        id: line.id.clone(),
        // Every line is an article of its own.
        sku: Word::new(line.id.as_str()).map_err(bad_text)?,
        description: None,
        class: line.class,
        condition_sold: line.condition_sold.unwrap_or(Condition::New),
        on_sale: line.on_sale,
        free_gift: line.free_gift,
        not_returnable: false,
        quantity: line.quantity,
        unit_price_minor: line.unit_price,
        line_discount_minor: line.line_discount,
        tax_minor: line.tax,
        warranty_term: line.warranty_term.clone(),
        serials: Vec::new(),
        accessories: line.accessories.iter().map(accessory).collect(),
        period_from,
        period_to,
    })
}

impl Parcel {
    /// It leaves.
    ///
    /// # Errors
    /// Units that were not sold.
    pub fn dispatched(&self, order: &Order, all: &Units) -> Result<Event> {
        let units = self.units.as_ref().map(|units| units.resolve(order, all)).transpose()?;
        let parcel = self.id.clone();
        Ok(ShipmentDispatched {
            parcel,
            leg: Leg::Outbound,
            carrier: None,
            service: None,
            tracking: None,
            tracking_check: None,
            traceable: None,
            units,
            rma_on_parcel: None,
        }
        .into())
    }
    /// It arrives.
    pub fn delivered(&self) -> Event {
        let (parcel, status) = (self.id.clone(), ScanStatus::Delivered);
        TrackingScanned { parcel, status, place: None, scan_ref: None }.into()
    }
}

/// The shop tells its customers when a parcel leaves, so a parcel in short form has its notice with it. `None` as long
/// as the ledger has no place for notices in the stream of an order.
///
/// # Errors
/// None: the name is sound.
pub fn dispatch_notice() -> Result<Option<Event>> {
    if !Kind::NoticeSent.places().order {
        return Ok(None);
    }
    let about = Code::new(DISPATCH_NOTICE).map_err(bad_text)?;
    Ok(Some(NoticeSent { about, channel: None, to: None, reference: None }.into()))
}
