//! The event catalogue: every kind there is, its version, the streams it may stand in and who may say it.
//!
//! The matches over [`Event`] in `order.rs`, `claim.rs` and `decide.rs` have no wildcard arm where state
//! moves: a new kind does not compile until somebody has placed it.

pub mod claim;
pub mod ledger;
pub mod misread;
pub mod money;
pub mod order;
pub mod payload;
#[cfg(feature = "schema")]
pub mod schema;
pub mod words;

use alloc::{boxed::Box, string::String};

pub use claim::*;
pub use ledger::*;
pub use money::*;
pub use order::*;
pub use payload::{Path, Payload, Personals, Unsound};
pub use words::*;

use crate::ids::Personal;

/// Who may bring an event into the log, and whether it can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Something that happened outside. It is recorded and judged, never refused for being inconvenient.
    Fact,
    /// The merchant's own act. Today's rules may refuse it, and the refusal is itself on record.
    Act,
    /// Written by the ledger about itself. No command may carry it.
    Own,
}

/// The kinds of streams an event kind may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// In the stream of the ledger.
    pub ledger: bool,
    /// In the stream of an order.
    pub order: bool,
    /// In the stream of a claim.
    pub claim: bool,
}

impl Places {
    /// Whether `stream` is one of them.
    pub fn allow(self, stream: &crate::ids::Stream) -> bool {
        match stream {
            crate::ids::Stream::Ledger => self.ledger,
            crate::ids::Stream::Order(_) => self.order,
            crate::ids::Stream::Claim(_) => self.claim,
        }
    }
}

/// Event kinds that the catalogue does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// No such kind.
    Kind(String),
    /// The kind is known, this version of it is not.
    Version(Kind, u16),
    /// Known kind and version, but the payload does not fit: wrong type, unknown or missing field.
    Payload(Kind, String),
    /// Well typed, but the fields contradict each other.
    Unsound(Kind, Unsound),
}

impl core::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Unreadable::Kind(kind) => write!(f, "'{kind}' is no kind of event"),
            Unreadable::Version(kind, version) => write!(f, "{kind} has no version {version}"),
            Unreadable::Payload(kind, why) => write!(f, "the payload of {kind} cannot be read: {why}"),
            Unreadable::Unsound(kind, why) => write!(f, "the payload of {kind} is unsound: {why}"),
        }
    }
}
impl core::error::Error for Unreadable {}

macro_rules! catalogue {
    ($( $variant:ident = $kind:literal v $version:literal [$($place:ident)+] $class:ident $(from $old:literal $upcast:path)? ;)+) => {
        /// A kind of event, by name only.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $(#[doc = $kind] $variant),+ }

        /// One recorded fact or act: what it says, without who said it when.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Event { $(#[doc = $kind] $variant(Box<$variant>)),+ }

        impl Kind {
            /// Every kind, in the order of the catalogue.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),+];
            /// The name in JSON and SQL.
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $kind),+ }
            }
            /// The version that is written today.
            pub fn version(self) -> u16 {
                match self { $(Kind::$variant => $version),+ }
            }
            /// The streams it may stand in.
            pub fn places(self) -> Places {
                let mut places = Places { ledger: false, order: false, claim: false };
                match self { $(Kind::$variant => { $(places.$place = true;)+ }),+ }
                places
            }
            /// Who may say it.
            pub fn class(self) -> Class {
                match self { $(Kind::$variant => Class::$class),+ }
            }
            /// The JSON Schema of its payload in a version that was ever written.
            #[cfg(feature = "schema")]
            pub fn schema(self, version: u16, form: schema::Form) -> Option<schemars::Schema> {
                match (self, version) {
                    $((Kind::$variant, $version) => Some(form.of::<$variant>(self)),)+
                    $($((Kind::$variant, $old) => Some(form.of_old($upcast)),)?)+
                    _ => None,
                }
            }
        }

        impl core::str::FromStr for Kind {
            type Err = Unreadable;
            fn from_str(text: &str) -> Result<Self, Unreadable> {
                match text {
                    $($kind => Ok(Kind::$variant),)+
                    _ => Err(Unreadable::Kind(text.chars().take(80).collect())),
                }
            }
        }

        /// The payload alone, in today's version.
        impl serde::Serialize for Event {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self { $(Event::$variant(p) => p.serialize(s)),+ }
            }
        }

        impl Event {
            /// What kind it is.
            pub fn kind(&self) -> Kind {
                match self { $(Event::$variant(_) => Kind::$variant),+ }
            }
            /// Reads a payload of any version that was ever written, and lifts it to today's form.
            ///
            /// # Errors
            /// [`Unreadable`]: never skipped, never guessed.
            pub fn decode(kind: Kind, version: u16, json: &str) -> Result<Self, Unreadable> {
                let event = match (kind, version) {
                    $((Kind::$variant, $version) => Event::$variant(Box::new(read(kind, json)?)),)+
                    $($((Kind::$variant, $old) => Event::$variant(Box::new($upcast(read(kind, json)?))),)?)+
                    _ => return Err(Unreadable::Version(kind, version)),
                };
                event.check().map_err(|why| Unreadable::Unsound(kind, why))?;
                Ok(event)
            }
            /// Reads a payload of today's version from whatever it stands in. Rules beyond types are not asked: see
            /// [`Event::check`].
            pub(crate) fn read<'de, D: serde::Deserializer<'de>>(kind: Kind, from: D) -> Result<Self, D::Error> {
                match kind {
                    $(Kind::$variant => <$variant as serde::Deserialize>::deserialize(from).map(Event::from)),+
                }
            }
            /// The payload as a JSON value, in today's version.
            pub fn to_value(&self) -> Result<serde_json::Value, serde_json::Error> {
                serde_json::to_value(self)
            }
            /// Rules beyond types.
            ///
            /// # Errors
            /// [`Unsound`] names field and rule.
            pub fn check(&self) -> Result<(), Unsound> {
                match self { $(Event::$variant(p) => p.check()),+ }
            }
            /// Visits every personal value with its path.
            pub fn personals(&mut self, visit: &mut dyn FnMut(&Path<'_>, &mut Personal)) {
                match self { $(Event::$variant(p) => p.personals(None, visit)),+ }
            }
        }
        $(impl From<$variant> for Event {
            fn from(payload: $variant) -> Self {
                Event::$variant(Box::new(payload))
            }
        })+
    };
}

catalogue! {
    // the ledger
    PolicyPublished = "policy_published" v 1 [ledger] Act;
    CalendarPublished = "calendar_published" v 1 [ledger] Act;
    ActorRegistered = "actor_registered" v 1 [ledger] Act;
    RoleGranted = "role_granted" v 1 [ledger] Act;
    RoleRevoked = "role_revoked" v 1 [ledger] Act;
    LimitSet = "limit_set" v 1 [ledger] Act;
    RetentionSet = "retention_set" v 1 [ledger] Act;
    PersonalDataRedacted = "personal_data_redacted" v 1 [ledger] Own;
    CheckpointRecorded = "checkpoint_recorded" v 1 [ledger] Own;
    SigningKeyAnnounced = "signing_key_announced" v 1 [ledger] Own;
    PeriodClosed = "period_closed" v 1 [ledger] Own;
    PeriodReopened = "period_reopened" v 1 [ledger] Act;
    ProjectionRebuilt = "projection_rebuilt" v 1 [ledger] Own;
    AppendRefused = "append_refused" v 1 [ledger] Own;
    // an order
    OrderRecorded = "order_recorded" v 1 [order] Fact;
    PaymentCaptured = "payment_captured" v 1 [order] Fact;
    SubscriptionActivated = "subscription_activated" v 1 [order] Fact;
    DeviceTransmissionSummarised = "device_transmission_summarised" v 1 [order] Fact;
    OwnershipChangeRecorded = "ownership_change_recorded" v 1 [order] Fact;
    // parcels: outbound with the order, all others with a claim
    ShipmentDispatched = "shipment_dispatched" v 1 [order claim] Fact;
    TrackingScanned = "tracking_scanned" v 1 [order claim] Fact;
    // a claim, up to its decision
    ClaimOpened = "claim_opened" v 1 [claim] Fact;
    ClaimReclassified = "claim_reclassified" v 1 [claim] Fact;
    EvidenceSubmitted = "evidence_submitted" v 1 [claim] Fact;
    VerificationFailed = "verification_failed" v 1 [claim] Fact;
    EligibilityAssessed = "eligibility_assessed" v 1 [claim] Act;
    AuthorizationGranted = "authorization_granted" v 1 [claim] Act;
    AuthorizationDenied = "authorization_denied" v 1 [claim] Act;
    AuthorizationExpired = "authorization_expired" v 1 [claim] Act;
    AuthorizationVoided = "authorization_voided" v 1 [claim] Act;
    LabelIssued = "label_issued" v 1 [claim] Act;
    ParcelReceived = "parcel_received" v 1 [claim] Act;
    ParcelRefused = "parcel_refused" v 1 [claim] Act;
    ItemInspected = "item_inspected" v 1 [claim] Fact;
    ConnectivityAssessed = "connectivity_assessed" v 1 [claim] Fact;
    ItemLostInCustody = "item_lost_in_custody" v 1 [claim] Fact;
    DispositionRecorded = "disposition_recorded" v 1 [claim] Act;
    RemedyOffered = "remedy_offered" v 1 [claim] Act;
    RemedySelected = "remedy_selected" v 1 [claim] Fact;
    RemedyDecided = "remedy_decided" v 1 [claim] Act;
    RemedyFailed = "remedy_failed" v 1 [claim] Fact;
    StockReported = "stock_reported" v 1 [claim] Fact;
    RepairCompleted = "repair_completed" v 1 [claim] Act;
    RepairShipped = "repair_shipped" v 1 [claim] Act;
    SparePartsSent = "spare_parts_sent" v 1 [claim] Act;
    ReplacementShipped = "replacement_shipped" v 1 [claim] Act;
    ReplacementDelivered = "replacement_delivered" v 1 [claim] Fact;
    // money
    CostRecorded = "cost_recorded" v 1 [claim] Fact;
    DiscretionExercised = "discretion_exercised" v 1 [claim] Act;
    FeeCharged = "fee_charged" v 1 [claim] Act;
    CustomerCharged = "customer_charged" v 1 [claim] Act;
    ChargePaid = "charge_paid" v 1 [claim] Fact;
    ChargeWaived = "charge_waived" v 1 [claim] Act;
    RefundIssued = "refund_issued" v 1 [claim] Act;
    RefundPosted = "refund_posted" v 1 [claim] Fact;
    RefundFailed = "refund_failed" v 1 [claim] Fact;
    RefundLateFlagged = "refund_late_flagged" v 1 [claim] Act;
    RefundTraceOpened = "refund_trace_opened" v 1 [claim] Fact;
    RefundTraceAnswered = "refund_trace_answered" v 1 [claim] Fact;
    GiftCreditIssued = "gift_credit_issued" v 1 [claim] Act;
    ChargebackOpened = "chargeback_opened" v 1 [claim] Fact;
    ChargebackWon = "chargeback_won" v 1 [claim] Fact;
    ChargebackLost = "chargeback_lost" v 1 [claim] Fact;
    HistoricalCreditRecorded = "historical_credit_recorded" v 1 [claim] Act;
    // talk, amendments, life of a claim
    NoticeSent = "notice_sent" v 1 [order claim] Act;
    ContactLogged = "contact_logged" v 2 [claim] Fact from 1 upcast::contact_logged_v1;
    NoteAdded = "note_added" v 1 [claim] Act;
    LegalHoldPlaced = "legal_hold_placed" v 1 [order claim] Act;
    LegalHoldReleased = "legal_hold_released" v 1 [order claim] Act;
    EventCorrected = "event_corrected" v 1 [order claim] Act;
    EventReversed = "event_reversed" v 1 [order claim] Act;
    ClaimClosed = "claim_closed" v 1 [claim] Act;
    ClaimReopened = "claim_reopened" v 1 [claim] Act;
    ClaimEscalated = "claim_escalated" v 1 [claim] Act;
    ClaimWithdrawn = "claim_withdrawn" v 1 [claim] Fact;
    DisputeOpened = "dispute_opened" v 1 [claim] Fact;
    DisputeResolved = "dispute_resolved" v 1 [claim] Act;
}

impl core::fmt::Display for Kind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

fn read<'a, T: serde::Deserialize<'a>>(kind: Kind, json: &'a str) -> Result<T, Unreadable> {
    misread::from_text(json).map_err(|why| Unreadable::Payload(kind, why))
}

/// Old versions, frozen as they were written, and how each is lifted one version up.
pub mod upcast {
    use super::{Channel, ContactLogged, Direction};
    use crate::ids::Personal;

    /// `contact_logged` before it knew a direction: every contact was one of the customer.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
    pub struct ContactLoggedV1 {
        channel: Channel,
        text: Personal,
    }

    /// Version 1 to 2.
    pub fn contact_logged_v1(old: ContactLoggedV1) -> ContactLogged {
        ContactLogged { channel: old.channel, direction: Direction::Inbound, text: old.text }
    }
}
