//! The closed vocabularies of events. A policy's own words (causes, evidence kinds, discretion points,
//! cost names) are [`crate::ids::Code`]s: a sixth merchant brings new ones without new code.

use super::payload::words;

words! {
    /// Why units are claimed, as the customer says it (and, after inspection, as it is established).
    Basis {
        ChangeOfMind = "change_of_mind",
        WrongPurchase = "wrong_purchase",
        Defect = "defect",
        Doa = "doa",
        TransitDamage = "transit_damage",
        MerchantError = "merchant_error",
        SubscriptionRefund = "subscription_refund",
        RefusedDelivery = "refused_delivery",
        /// Found by an inspection, never asserted.
        NoFault = "no_fault",
    }
    /// Who speaks for the customer's side.
    Claimant { Buyer = "buyer", Recipient = "recipient", System = "system" }
    /// How a message came or went.
    Channel { Email = "email", Ticket = "ticket", Chat = "chat", Phone = "phone", Form = "form", Parcel = "parcel", Letter = "letter" }
    /// Towards the merchant or away from it.
    Direction { Inbound = "inbound", Outbound = "outbound" }
    /// Who bears or has paid a cost.
    Party { Customer = "customer", Merchant = "merchant" }
    /// Where an order was sold.
    SalesChannel { Direct = "direct", AuthorizedRetailer = "authorized_retailer", ThirdParty = "third_party" }
    /// What an article is.
    ArticleClass { Main = "main", Accessory = "accessory", CameraAccessory = "camera_accessory", Subscription = "subscription" }
    /// In which condition it was sold.
    Condition { New = "new", Used = "used", Refurbished = "refurbished" }
    /// Whether prices contain the tax.
    TaxMode { Exclusive = "exclusive", Inclusive = "inclusive" }
    /// To whom a gift was shipped.
    GiftShippedTo { Recipient = "recipient", Giver = "giver" }
    /// Which way a parcel travels.
    Leg { Outbound = "outbound", Inbound = "inbound", Replacement = "replacement", ReturnToCustomer = "return_to_customer" }
    /// What a carrier's scan says.
    ScanStatus { Accepted = "accepted", InTransit = "in_transit", Delivered = "delivered", Refused = "refused", Lost = "lost", Returned = "returned" }
    /// What our table says of a tracking number under the carrier that was claimed.
    TrackingVerdict { WellFormed = "well_formed", WrongCheckDigit = "wrong_check_digit", NotThisCarriersFormat = "not_this_carriers_format", UnknownCarrier = "unknown_carrier" }
    /// Standing of a unit under the policy.
    UnitStatus { Ineligible = "ineligible", Hold = "hold", NeedsDiscretion = "needs_discretion", Authorizable = "authorizable", Eligible = "eligible" }
    /// The state of the packaging at inspection.
    Packaging { Intact = "intact", Damaged = "damaged", Missing = "missing" }
    /// What the tests say about a defect.
    Defect { Confirmed = "confirmed", None = "none", Inconclusive = "inconclusive" }
    /// Where a unit goes in the warehouse; no effect on money.
    Disposition { Restock = "restock", Refurbish = "refurbish", Scrap = "scrap", ReturnToCustomer = "return_to_customer", Hold = "hold" }
    /// Why a key signs the log's heads from now on.
    KeyReason {
        /// It is the first one on record.
        Introduced = "introduced",
        /// It takes over from another, which says so too.
        Rotated = "rotated",
        /// The key before it is gone, and can say nothing.
        Lost = "lost",
        /// Others may have the key before it: what that one says proves nothing.
        Exposed = "exposed",
    }
    /// What the customer gets.
    Remedy {
        Refund = "refund",
        Replacement = "replacement",
        Exchange = "exchange",
        Repair = "repair",
        PaidRepair = "paid_repair",
        SpareParts = "spare_parts",
        OtherCompensation = "other_compensation",
        Upgrade = "upgrade",
        ReturnToCustomer = "return_to_customer",
        None = "none",
    }
    /// Which variant of an article a replacement is.
    Variant { New = "new", Refurbished = "refurbished" }
    /// Where a payout goes (H-22).
    PayoutTo { OriginalMethod = "original_method", OtherMethod = "other_method", Giver = "giver", Recipient = "recipient", StoreCredit = "store_credit" }
}

impl Remedy {
    /// Whether this remedy is paid out in money.
    pub fn pays_money(self) -> bool {
        matches!(self, Remedy::Refund | Remedy::OtherCompensation)
    }
}
