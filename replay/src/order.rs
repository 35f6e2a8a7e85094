//! An order: what was sold, taken and sent, and what each unit of it is worth.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    allocate::{Prefix, cumulative_floor, equal_pieces, share},
    claim::ParcelState,
    codec::Recorded,
    event::{Event, OrderLine, OrderRecorded},
    history::{Cut, History, Standing},
    ids::{OrderId, ParcelId, Revision},
    money::Currency,
    units::{LineId, UNIT_NUMBER_MAX, Units},
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
        let mut so_far = SoFar::default();
        for s in self.history.standing(cut) {
            so_far.take(&s);
        }
        so_far.state()
    }

    /// What stands of it now, when `before` stood until its last event came in: that event is taken in after the
    /// others where its place is after theirs, and all of them again where it is not.
    pub fn state_after(&self, before: Option<OrderState>) -> Option<OrderState> {
        match (before, self.history.last_in_order()) {
            (Some(OrderState { sale, captured_minor, parcels }), Some(last)) => {
                let mut so_far = SoFar { sale: Some(sale), captured_minor, parcels };
                so_far.take(&last);
                so_far.state()
            }
            _ => self.state(&Cut::default()),
        }
    }
}

/// An order while its facts are taken in, in order of effective time.
#[derive(Default)]
struct SoFar {
    sale: Option<OrderRecorded>,
    captured_minor: u64,
    parcels: BTreeMap<ParcelId, ParcelState>,
}

impl SoFar {
    fn take(&mut self, s: &Standing<'_>) {
        if s.reversed.is_some() {
            return;
        }
        match s.event.as_ref() {
            Event::OrderRecorded(o) => self.sale = Some((**o).clone()),
            Event::PaymentCaptured(p) => {
                self.captured_minor = self.captured_minor.saturating_add(p.amount.minor());
            }
            Event::ShipmentDispatched(d) => {
                self.parcels.insert(d.parcel.clone(), ParcelState::dispatched(d, s.effective));
            }
            Event::TrackingScanned(t) => {
                self.parcels.entry(t.parcel.clone()).or_default().scanned(t, s.effective);
            }
            _ => {}
        }
    }
    fn state(self) -> Option<OrderState> {
        let Self { sale, captured_minor, parcels } = self;
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
    /// Whether every one of these units was sold: whether they are a subset of [`OrderState::units`].
    pub fn has_sold(&self, units: &Units) -> bool {
        let is_sold = |id: &LineId, last: u32| {
            let mut lines = self.sale.lines.iter().filter(|line| line.quantity <= UNIT_NUMBER_MAX);
            lines.any(|line| line.id == *id && last <= line.quantity)
        };
        units.ranges().all(|(id, _, last)| is_sold(id, last))
    }
    /// Outbound shipping with its tax, in minor units.
    pub fn shipping_minor(&self) -> u64 {
        self.sale.shipping_minor.saturating_add(self.sale.shipping_tax_minor)
    }
    /// Price and tax of these units in minor units, after every discount, spread by cumulative floor (H-9).
    /// The sum over any partition of the order is the order's total to the cent.
    pub fn value_minor(&self, units: &Units) -> u64 {
        let shares = self.shares();
        units.ranges().fold(0u64, |total, (id, first, last)| match shares.line(id) {
            Some(line) => {
                let worth = shares.of(line, first, last);
                total.saturating_add(worth.net_minor).saturating_add(worth.tax_minor)
            }
            None => total,
        })
    }
    /// Price of these units in minor units, after every discount and without their tax.
    pub fn net_minor(&self, units: &Units) -> u64 {
        let shares = self.shares();
        units.ranges().fold(0u64, |total, (id, first, last)| match shares.line(id) {
            Some(line) => total.saturating_add(shares.of(line, first, last).net_minor),
            None => total,
        })
    }
    /// Prepares the shares of single units in what was paid for the order.
    pub fn shares(&self) -> Shares<'_> {
        Shares::new(&self.sale)
    }
}

/// What units have a share in, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worth {
    /// Price after every discount, without tax unless prices contain it.
    pub net_minor: u64,
    pub tax_minor: u64,
    /// Outbound shipping.
    pub shipping_minor: u64,
    /// Tax on it.
    pub shipping_tax_minor: u64,
}

/// The shares of units in the totals of their order (H-9): every total is spread over all units of the order in the
/// order (line, unit) by price after line discounts; the tax of a line over its own units.
#[derive(Debug)]
pub struct Shares<'a> {
    sale: &'a OrderRecorded,
    /// What stands before each line.
    starts: Vec<Prefix>,
    whole: Prefix,
}

impl<'a> Shares<'a> {
    /// The shares of a sale.
    pub fn new(sale: &'a OrderRecorded) -> Self {
        let mut before = Prefix::default();
        let mut starts = Vec::with_capacity(sale.lines.len());
        for line in &sale.lines {
            starts.push(before);
            before = Prefix {
                weight: before.weight.saturating_add(net_through(line, line.quantity)),
                units: before.units.saturating_add(line.quantity.into()),
            };
        }
        Self { sale, starts, whole: before }
    }
    /// The index of a line.
    pub fn line(&self, id: &LineId) -> Option<usize> {
        self.sale.lines.iter().position(|line| line.id == *id)
    }
    /// What the units `first` to `last` of a line are worth together.
    pub fn of(&self, line: usize, first: u32, last: u32) -> Worth {
        let (Some(line), Some(start)) = (self.sale.lines.get(line), self.starts.get(line)) else {
            return Worth::default();
        };
        let through = |unit: u32| Prefix {
            weight: start.weight.saturating_add(net_through(line, unit)),
            units: start.units.saturating_add(unit.into()),
        };
        let (from, to) = (through(first.saturating_sub(1)), through(last));
        let discount =
            cumulative_floor(self.sale.order_discount_minor, from.weight, to.weight, self.whole.weight);
        let price = u64::try_from(to.weight.saturating_sub(from.weight)).unwrap_or(u64::MAX);
        Worth {
            net_minor: price.saturating_sub(discount),
            tax_minor: equal_pieces(line.tax_minor, first, last, line.quantity),
            shipping_minor: share(self.sale.shipping_minor, from, to, self.whole),
            shipping_tax_minor: share(self.sale.shipping_tax_minor, from, to, self.whole),
        }
    }
}

/// Price of units 1 to `unit` of a line after the line's own discount.
fn net_through(line: &OrderLine, unit: u32) -> u128 {
    let gross = u128::from(line.unit_price_minor) * u128::from(unit);
    let discount = if unit == 0 { 0 } else { equal_pieces(line.line_discount_minor, 1, unit, line.quantity) };
    gross.saturating_sub(u128::from(discount))
}
