//! What can happen in a story: one table per type of event, in the words of the scenario format. Reading follows from
//! the tables; [`super::tell`] turns each into the payload of the event that goes on record.
//!
//! The fields that every event may carry (`at`, `claim`, `label`, `actor` ...) are in [`super::format::Happening`].

use replay::{
    event::{
        Basis, Channel, Claimant, Defect, Direction, Disposition, Leg, Packaging, Party, PayoutTo, Remedy,
        ScanStatus, Variant, misread::from_value,
    },
    ids::{ActorId, ChargeId, Code, ParcelId, PaymentId, PolicyId, RefundId, Rma, Word},
    merkle::Hash,
    money::Currency,
    time::{Day, When},
    units::LineId,
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::choice::Choice;

/// Declares the types of events. `a: T` is required, `a?: T` may be left out or null, `a*: T` is a list that may be
/// left out, `a!` a flag that is false when left out.
macro_rules! happenings {
    ($( $(#[doc = $doc:literal])+ $name:ident = $word:literal { $($body:tt)* } )+) => {
        $( happenings!(@fields [$(#[doc = $doc])+ $name $word] [] $($body)*); )+

        /// What happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum What { $( $(#[doc = $doc])+ $name(Box<$name>), )+ }

        impl What {
            /// Every type there is.
            pub const TYPES: &'static [&'static str] = &[$($word),+];
            /// Reads the fields of a type; `None` when there is no such type.
            pub fn read(word: &str, fields: Value) -> Option<Result<Self, String>> {
                match word {
                    $( $word => Some(from_value(fields).map(|told| What::$name(Box::new(told)))), )+
                    _ => None,
                }
            }
            /// The type, as it is written.
            pub fn word(&self) -> &'static str {
                match self { $( What::$name(_) => $word, )+ }
            }
        }
    };
    (@fields [$(#[doc = $doc:literal])+ $name:ident $word:literal] [$($done:tt)*]) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, expecting = "an event, which is a JSON object")]
        pub struct $name { $($done)* }
    };
    (@fields $head:tt [$($done:tt)*] $f:ident ? : $t:ty, $($rest:tt)*) => {
        happenings!(@fields $head [$($done)* #[serde(default)] pub $f: Option<$t>,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $f:ident * : $t:ty, $($rest:tt)*) => {
        happenings!(@fields $head [$($done)* #[serde(default)] pub $f: Vec<$t>,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $f:ident ! , $($rest:tt)*) => {
        happenings!(@fields $head [$($done)* #[serde(default)] pub $f: bool,] $($rest)*);
    };
    (@fields $head:tt [$($done:tt)*] $f:ident : $t:ty, $($rest:tt)*) => {
        happenings!(@fields $head [$($done)* pub $f: $t,] $($rest)*);
    };
}

happenings! {
    /// A further version of the policy: the one before it with the fields at these dotted paths changed.
    PolicyPublished = "policy_published" { policy?: PolicyId, version?: u32, effective_from?: Day, set: Map<String, Value>, }
    /// Public holidays that the calendars of the program do not have.
    CalendarPublished = "calendar_published" { calendar: Code, year: u16, holidays*: Day, source?: Word, }

    /// More money taken for the order than its capture in full.
    PaymentCaptured = "payment_captured" { amount: u64, what?: Code, payment?: PaymentId, method_ref?: Word, }
    /// A subscription begins on a device.
    SubscriptionActivated = "subscription_activated" { line?: LineId, device?: Code, }
    /// What a device transmitted in a period.
    DeviceTransmissionSummarised = "device_transmission_summarised" { device?: Code, period: [Day; 2], count: u64, last_at?: When, }
    /// A device changed hands.
    OwnershipChangeRecorded = "ownership_change_recorded" { device?: Code, from?: ActorId, to?: ActorId, approved_by?: ActorId, }

    /// A parcel leaves.
    ShipmentDispatched = "shipment_dispatched" {
        leg: Leg, parcel?: ParcelId, carrier?: Code, service?: Word, tracking?: String, traceable?: bool,
        units?: Choice, rma_on_parcel?: Rma,
    }
    /// A carrier's scan.
    TrackingScanned = "tracking_scanned" { status: ScanStatus, leg?: Leg, parcel?: ParcelId, place?: Word, scan_ref?: Word, }

    /// A customer turns to the merchant. Evidence may come with it, or be known to be absent.
    ClaimOpened = "claim_opened" {
        kind: Basis, by: Claimant, via: Channel, units?: Choice, evidence*: Code, not_evidence*: Code,
        found_at?: When, contact_before_return?: bool, text?: String,
    }
    /// The reason is another one than first said.
    ClaimReclassified = "claim_reclassified" { to: Basis, by?: Claimant, }
    /// Evidence arrives.
    EvidenceSubmitted = "evidence_submitted" { items*: Code, }
    /// Evidence was checked and does not hold.
    VerificationFailed = "verification_failed" { items*: Code, checked_by?: String, }

    /// The merchant agrees to the return.
    AuthorizationGranted = "authorization_granted" {
        rma?: Rma, units?: Choice, written!, form?: bool, instructions_ref?: Word, process?: Code,
    }
    /// The merchant does not agree.
    AuthorizationDenied = "authorization_denied" { rma?: Rma, units?: Choice, cites*: Code, }
    /// A number ran out.
    AuthorizationExpired = "authorization_expired" { rma: Rma, cites*: Code, }
    /// A number was withdrawn.
    AuthorizationVoided = "authorization_voided" { rma: Rma, cites*: Code, }
    /// A label, and with it a cost.
    LabelIssued = "label_issued" { amount: u64, paid_by: Party, leg?: Leg, parcel?: ParcelId, carrier?: Code, tracking?: String, }
    /// Goods arrive at the dock.
    ParcelReceived = "parcel_received" {
        rma?: Rma, units?: Choice, parcel?: ParcelId, extra*: Word, note?: bool, form?: bool, place?: Word,
    }
    /// A parcel was not taken in.
    ParcelRefused = "parcel_refused" { rma?: Rma, units?: Choice, parcel?: ParcelId, cites*: Code, }
    /// Findings; a later inspection overrides only the fields it carries. What it corrects is for people.
    ItemInspected = "item_inspected" {
        units?: Choice, installed?: bool, packaging?: Packaging, same_condition?: bool, altered?: bool,
        sealed?: bool, accessories_missing?: Vec<Word>, damage?: Vec<Word>, defect?: Defect, on_arrival?: bool,
        cause?: Code, tests?: Vec<Word>, media?: Vec<Hash>, inspector?: String, corrects?: String,
    }
    /// What a device's data say. The last transmission is for people.
    ConnectivityAssessed = "connectivity_assessed" {
        device?: Code, transmitted?: bool, vehicle_sold_not_removed!, ownership_changed_in_period!,
        data_ref?: Word, period?: [Day; 2], last_transmission?: String,
    }
    /// Units were lost while the merchant held them.
    ItemLostInCustody = "item_lost_in_custody" { units?: Choice, circumstances?: String, }
    /// Where units go in the warehouse.
    DispositionRecorded = "disposition_recorded" { units?: Choice, disposition: Disposition, }

    /// The merchant proposes a remedy.
    RemedyOffered = "remedy_offered" { remedy: Remedy, same_item?: bool, }
    /// The customer names a remedy.
    RemedySelected = "remedy_selected" { remedy: Remedy, by?: Claimant, units?: Choice, same_item?: bool, in_stock?: bool, }
    /// The merchant decides.
    RemedyDecided = "remedy_decided" { remedy: Remedy, units?: Choice, variant?: Variant, cites*: Code, }
    /// A remedy did not work.
    RemedyFailed = "remedy_failed" { remedy: Remedy, units?: Choice, }
    /// Whether the articles of the claim can be had.
    StockReported = "stock_reported" { in_stock: bool, sku?: Word, }
    /// Units were repaired.
    RepairCompleted = "repair_completed" { units?: Choice, authorized_repair?: bool, }
    /// Repaired units go back.
    RepairShipped = "repair_shipped" { units?: Choice, parcel?: ParcelId, rma?: Rma, }
    /// Parts go to the customer.
    SparePartsSent = "spare_parts_sent" { units?: Choice, parcel?: ParcelId, authorized_repair?: bool, }
    /// A replacement goes out.
    ReplacementShipped = "replacement_shipped" { units?: Choice, parcel?: ParcelId, variant?: Variant, rma?: Rma, }
    /// A replacement has arrived.
    ReplacementDelivered = "replacement_delivered" { units?: Choice, parcel?: ParcelId, }

    /// A cost that somebody has paid; `receipt` says whether its receipt is in.
    CostRecorded = "cost_recorded" {
        cost: Code, paid_by: Party, amount: u64, currency?: Currency, order_amount?: u64, rate?: Code,
        rate_source?: Word, rate_date?: Day, receipt?: bool, units?: Choice,
    }
    /// A person decides where the policy leaves room.
    DiscretionExercised = "discretion_exercised" {
        point: Code, decision: Code, units?: Choice, fee_bp?: u32, amount?: u64, value?: Word,
    }
    /// A fee becomes due from the customer.
    FeeCharged = "fee_charged" { fee: Code, amount: u64, charge?: ChargeId, cites*: Code, }
    /// A cost becomes due from the customer.
    CustomerCharged = "customer_charged" { cost: Code, amount: u64, charge?: ChargeId, cites*: Code, }
    /// The customer has paid (part of) a charge.
    ChargePaid = "charge_paid" { charge: ChargeId, amount: u64, }
    /// The merchant gives up a charge.
    ChargeWaived = "charge_waived" { charge: ChargeId, }

    /// Money is sent; `method` is another means of payment than the original, `to` says whose means it is.
    RefundIssued = "refund_issued" { amount: u64, method?: Word, to?: PayoutTo, units?: Choice, }
    /// It has arrived.
    RefundPosted = "refund_posted" { refund?: RefundId, }
    /// It came back.
    RefundFailed = "refund_failed" { refund?: RefundId, }
    /// It is later than its clause allows.
    RefundLateFlagged = "refund_late_flagged" { refund: RefundId, due: When, cites*: Code, ladder*: Code, }
    /// Somebody looks for it; `attested` is what the customer says to have checked.
    RefundTraceOpened = "refund_trace_opened" { refund: RefundId, by: Claimant, via?: Channel, attested*: Code, }
    /// What was found.
    RefundTraceAnswered = "refund_trace_answered" { refund: RefundId, result: Code, }
    /// A credit for the shop instead of money.
    GiftCreditIssued = "gift_credit_issued" { amount: u64, to: Claimant, }
    /// The bank takes money back.
    ChargebackOpened = "chargeback_opened" { amount: u64, psp_ref?: Word, }
    /// The merchant keeps the money.
    ChargebackWon = "chargeback_won" { psp_ref?: Word, }
    /// The customer keeps the money.
    ChargebackLost = "chargeback_lost" { psp_ref?: Word, }

    /// A duty to inform was met.
    NoticeSent = "notice_sent" { about: Code, channel?: Channel, to?: Code, reference?: Word, }
    /// What was said.
    ContactLogged = "contact_logged" { channel: Channel, direction: Direction, text: String, }
    /// A note among colleagues.
    NoteAdded = "note_added" { text: String, }
    /// An earlier event, or a parcel, was told wrong; the fields are those of this format.
    EventCorrected = "event_corrected" { target: String, set: Map<String, Value>, evidence?: String, }
    /// An earlier event did not occur.
    EventReversed = "event_reversed" { target: String, }
    /// Nothing more is due.
    ClaimClosed = "claim_closed" { }
    /// A closed or denied claim is taken up again.
    ClaimReopened = "claim_reopened" { }
    /// Somebody with more authority is asked.
    ClaimEscalated = "claim_escalated" { }
    /// The claimant gives up.
    ClaimWithdrawn = "claim_withdrawn" { by?: Claimant, }
    /// Somebody contests what the ledger says, about the events with these labels.
    DisputeOpened = "dispute_opened" { by: Claimant, about*: String, evidence?: Word, text?: String, }
    /// The contest is settled.
    DisputeResolved = "dispute_resolved" { result: Code, evidence?: Word, cites*: Code, }
}
