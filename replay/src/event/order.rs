//! Events of an order: what was sold, paid, sent and delivered. Frozen with the sale (H-16).

use alloc::{collections::BTreeSet, format};

use super::payload::{Unsound, payload, positive};
use super::words::{
    ArticleClass, Condition, GiftShippedTo, Leg, SalesChannel, ScanStatus, TaxMode, TrackingVerdict,
};
use crate::{
    ids::{ActorId, Code, ParcelId, PaymentId, Personal, PolicyId, Rma, Word},
    money::{Amount, Currency, MINOR_MAX},
    time::{Day, When},
    units::{LineId, UNIT_NUMBER_MAX, Units},
};

payload! {
    /// A sale enters the ledger. All `_minor` amounts are in the order's currency.
    OrderRecorded {
        policy: PolicyId,
        channel: SalesChannel,
        seller?: Seller,
        currency: Currency,
        purchased_at: When,
        invoiced_on?: Day,
        ship_to: Place,
        buyer?: Person,
        gift?: Gift,
        tax_mode: TaxMode,
        order_discount_minor: u64,
        shipping_minor: u64,
        shipping_tax_minor: u64,
        lines*: OrderLine,
    } @personal buyer, gift, lines;
    @check |p| {
        let bad = |field: &'static str, rule: alloc::string::String| Err(Unsound { field, rule });
        if p.lines.is_empty() {
            return bad("lines", "must hold at least one line".into());
        }
        let mut seen = BTreeSet::new();
        let mut total = u128::from(p.shipping_minor) + u128::from(p.shipping_tax_minor);
        for line in &p.lines {
            if !seen.insert(&line.id) {
                return bad("lines", format!("name {} twice", line.id));
            }
            if line.quantity == 0 || line.quantity > UNIT_NUMBER_MAX {
                return bad("quantity", format!("of {} must lie between 1 and {UNIT_NUMBER_MAX}", line.id));
            }
            let gross = u128::from(line.unit_price_minor) * u128::from(line.quantity);
            if u128::from(line.line_discount_minor) > gross {
                return bad("line_discount_minor", format!("of {} is more than the line costs", line.id));
            }
            total += gross + u128::from(line.tax_minor);
        }
        if total > u128::from(MINOR_MAX) {
            return bad("lines", format!("add up to more than {MINOR_MAX} minor units"));
        }
        if u128::from(p.order_discount_minor) > total {
            return bad("order_discount_minor", "is more than the order costs".into());
        }
        Ok(())
    }
    /// One line of an order.
    OrderLine {
        id: LineId,
        sku: Word,
        description?: Word,
        class: ArticleClass,
        condition_sold: Condition,
        on_sale!,
        free_gift!,
        not_returnable!,
        quantity: u32,
        unit_price_minor: u64,
        line_discount_minor: u64,
        /// Tax of the whole line.
        tax_minor: u64,
        /// ISO 8601 period, e.g. `P1Y`.
        warranty_term?: Code,
        serials*: Personal,
        accessories*: AccessoryPrice,
        /// First day of a paid period (subscriptions).
        period_from?: Day,
        /// Day after the last one.
        period_to?: Day,
    } @personal serials;
    /// What an accessory in the box is worth (RNE-1.4, H-16: frozen with the order).
    AccessoryPrice { name: Word, price_minor: u64, }
    /// Who sold it, and whether it was an authorized retailer on that day.
    Seller { name: Word, status_at_purchase: Code, }
    /// Where it went. Country and subdivision as given; a name that is no ISO code stays text.
    Place { country: Word, subdivision?: Code, }
    /// A natural person.
    Person { name?: Personal, email?: Personal, address?: Personal, phone?: Personal, } @personal name, email, address, phone;
    /// A gift, as marked at purchase.
    Gift { marked!, shipped_to: GiftShippedTo, recipient?: Person, } @personal recipient;

    /// Money taken for the order: the cap of every refund (H-14).
    PaymentCaptured { payment: PaymentId, method_ref: Word, amount: Amount, what?: Code, }
        @check |p| { positive("amount", &p.amount) }
    /// A subscription begins on a device.
    SubscriptionActivated { line: LineId, device: Code, }
    /// What a device transmitted in a period, as counted by its platform.
    DeviceTransmissionSummarised { device: Code, from: Day, to: Day, count: u64, last_at?: When, } @check |p| {
        if p.from > p.to {
            return Err(Unsound { field: "from", rule: "is later than to".into() });
        }
        Ok(())
    }
    /// A device changed hands. The parties are pseudonyms.
    OwnershipChangeRecorded { device: Code, from?: ActorId, to?: ActorId, approved_by?: ActorId, }

    /// A parcel leaves. Outbound parcels belong to the order, all others to a claim.
    ShipmentDispatched {
        parcel: ParcelId,
        leg: Leg,
        /// As claimed by the sender; never inferred from the number.
        carrier?: Code,
        service?: Word,
        tracking?: Personal,
        tracking_check?: TrackingCheck,
        traceable?: bool,
        units?: Units,
        rma_on_parcel?: Rma,
    } @personal tracking;
    /// What our table said of the tracking number when it was recorded.
    TrackingCheck { table_version: u32, verdict: TrackingVerdict, format?: Code, }
    /// A carrier's scan.
    TrackingScanned { parcel: ParcelId, status: ScanStatus, place?: Word, scan_ref?: Word, }
}

impl TrackingCheck {
    /// Judges a number under the carrier that was claimed for it.
    pub fn of(carrier: Option<&Code>, number: &str) -> Self {
        use crate::tracking::{TABLE_VERSION, Verdict, judge};
        let verdict = carrier.map_or(Verdict::UnknownCarrier, |carrier| judge(carrier.as_str(), number));
        let (verdict, format) = match verdict {
            Verdict::WellFormed(found) => (TrackingVerdict::WellFormed, Some(found.format)),
            Verdict::WrongCheckDigit { format, .. } => (TrackingVerdict::WrongCheckDigit, Some(format)),
            Verdict::NotThisCarriersFormat => (TrackingVerdict::NotThisCarriersFormat, None),
            Verdict::UnknownCarrier => (TrackingVerdict::UnknownCarrier, None),
        };
        Self { table_version: TABLE_VERSION, verdict, format: format.and_then(|f| Code::new(f).ok()) }
    }
}
