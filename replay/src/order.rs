//! An order: what was sold, taken and sent, and what each unit of it is worth.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    allocate::{cumulative_floor, equal_pieces},
    claim::ParcelState,
    codec::Recorded,
    event::{Event, OrderLine, OrderRecorded},
    history::{Cut, History},
    ids::{OrderId, ParcelId, Revision},
    money::Currency,
    units::Units,
};

/// An order on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: OrderId,
    /// Everything recorded in its stream.
    pub history: History,
}

/// What an order amounts to under a cut.
#[derive(Debug, Clone)]
pub struct OrderState {
    /// The sale as it stands.
    pub sale: OrderRecorded,
    /// Sum of payments taken, in minor units of the order's currency.
    pub captured_minor: u64,
    /// Outbound parcels.
    pub parcels: BTreeMap<ParcelId, ParcelState>,
}

impl Order {
    /// The only function that moves an order.
    ///
    /// # Errors
    /// The revision that was due, when it is not the next one.
    pub fn apply(order: Option<Order>, id: &OrderId, recorded: Recorded) -> Result<Order, Revision> {
        let mut order = order.unwrap_or_else(|| Order { id: id.clone(), history: History::default() });
        order.history.push(recorded)?;
        Ok(order)
    }

    /// What stands of it; `None` before the sale is on record under this cut.
    pub fn state(&self, cut: &Cut) -> Option<OrderState> {
        let mut sale: Option<OrderRecorded> = None;
        let mut captured_minor = 0u64;
        let mut parcels: BTreeMap<ParcelId, ParcelState> = BTreeMap::new();
        for s in self.history.standing(cut) {
            if s.reversed.is_some() {
                continue;
            }
            match s.event.as_ref() {
                Event::OrderRecorded(o) => sale = Some((**o).clone()),
                Event::PaymentCaptured(p) => captured_minor = captured_minor.saturating_add(p.amount.minor()),
                Event::ShipmentDispatched(d) => {
                    parcels.insert(d.parcel.clone(), ParcelState::dispatched(d, s.effective));
                }
                Event::TrackingScanned(t) => {
                    parcels.entry(t.parcel.clone()).or_default().scanned(t, s.effective);
                }
                _ => {}
            }
        }
        sale.map(|sale| OrderState { sale, captured_minor, parcels })
    }
}

impl OrderState {
    /// The currency of every `_minor` amount of the order.
    pub fn currency(&self) -> Currency {
        self.sale.currency
    }
    /// Every unit that was sold.
    pub fn units(&self) -> Units {
        let lines = self.sale.lines.iter();
        lines
            .filter_map(|line| Units::from_line(line.id.clone(), line.quantity).ok())
            .fold(Units::default(), |all, line| all.union(&line))
    }
    /// Outbound shipping with its tax, in minor units.
    pub fn shipping_minor(&self) -> u64 {
        self.sale.shipping_minor.saturating_add(self.sale.shipping_tax_minor)
    }
    /// Price and tax of these units in minor units, after every discount, spread by cumulative floor (H-9).
    /// The sum over any partition of the order is the order's total to the cent.
    pub fn value_minor(&self, units: &Units) -> u64 {
        let whole: u128 = self.sale.lines.iter().map(net_of_line).sum();
        let mut before: u128 = 0;
        let mut firsts: Vec<(&OrderLine, u128)> = Vec::new();
        for line in &self.sale.lines {
            firsts.push((line, before));
            before = before.saturating_add(net_of_line(line));
        }
        let mut total = 0u64;
        for (id, first, last) in units.ranges() {
            let Some((line, before)) = firsts.iter().find(|(line, _)| line.id == *id) else { continue };
            let through = |unit: u32| before.saturating_add(net_through(line, unit));
            let (from, to) = (through(first.saturating_sub(1)), through(last));
            let discount = cumulative_floor(self.sale.order_discount_minor, from, to, whole);
            let net = u64::try_from(to.saturating_sub(from)).unwrap_or(u64::MAX).saturating_sub(discount);
            let tax = equal_pieces(line.tax_minor, first, last, line.quantity);
            total = total.saturating_add(net).saturating_add(tax);
        }
        total
    }
}

fn net_of_line(line: &OrderLine) -> u128 {
    net_through(line, line.quantity)
}

/// Price of units 1 to `unit` of a line after the line's own discount.
fn net_through(line: &OrderLine, unit: u32) -> u128 {
    let gross = u128::from(line.unit_price_minor) * u128::from(unit);
    let discount = if unit == 0 { 0 } else { equal_pieces(line.line_discount_minor, 1, unit, line.quantity) };
    gross.saturating_sub(u128::from(discount))
}
