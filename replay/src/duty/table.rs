//! Who may do what: the roles and the kinds as two tables. A log must stay lawful under every later version
//! of this program, so a role may be given more here and never less.

use super::Role;
use crate::event::Kind;

/// What kinds have in common when it is asked who may say them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Area {
    /// Who is known, in which roles, up to how much.
    People,
    /// Policies and calendars.
    Rules,
    /// Erasing personal values.
    Privacy,
    /// Sealing and reopening months.
    Periods,
    /// Orders and what is known of them.
    Sales,
    /// Parcels on their way.
    Parcels,
    /// What customers say and want.
    Requests,
    /// Goods in hand: receipt, inspection, repair, what is sent out.
    Goods,
    /// What is granted, denied, charged and decided.
    Decisions,
    /// Judgement where the policy leaves room.
    Discretion,
    /// Money that goes out.
    Payments,
    /// Money as banks and carriers report it.
    MoneyFacts,
    /// What somebody laid out, or waits for: costs, refunds that have not arrived.
    Expenses,
    /// Notes and notices.
    Talk,
    /// Corrections and reversals: whoever may do the thing may amend it.
    Amendments,
    /// Which key signs the heads of the log.
    Keys,
    /// What the ledger writes about itself; nobody's duty.
    Own,
}

/// Every role there is. `claims sod --rules` prints it.
pub const ROLES: &[Role] = &[
    Role {
        name: "agent",
        may: &[
            Area::Sales,
            Area::Parcels,
            Area::Requests,
            Area::Decisions,
            Area::Discretion,
            Area::Payments,
            Area::MoneyFacts,
            Area::Expenses,
            Area::Talk,
        ],
        approves: false,
        says: "talks to customers, decides claims and pays up to a limit",
    },
    Role {
        name: "warehouse",
        may: &[Area::Parcels, Area::Goods, Area::Expenses, Area::Talk],
        approves: false,
        says: "receives, inspects, repairs and sends goods; decides and pays nothing",
    },
    Role {
        name: "approver",
        may: &[Area::Requests, Area::Decisions, Area::Discretion, Area::Payments, Area::Expenses, Area::Talk],
        approves: true,
        says: "is the second person, and decides what agents may not",
    },
    Role {
        name: "finance",
        may: &[Area::Payments, Area::MoneyFacts, Area::Expenses, Area::Periods, Area::Talk],
        approves: true,
        says: "pays what others decided, records what banks report, seals months; decides nothing",
    },
    Role { name: "auditor", may: &[], approves: false, says: "reads and replays; records nothing" },
    Role {
        name: "admin",
        may: &[Area::People, Area::Rules, Area::Privacy, Area::Keys, Area::Talk],
        approves: true,
        says: "grants roles, sets limits, publishes policies, announces keys; decides and pays nothing",
    },
    Role {
        name: "system",
        may: &[
            Area::Sales,
            Area::Parcels,
            Area::Requests,
            Area::Goods,
            Area::Decisions,
            Area::Payments,
            Area::MoneyFacts,
            Area::Expenses,
            Area::Talk,
        ],
        approves: false,
        says: "a program: brings facts and does what rules say; where a rule leaves room, a person decides",
    },
    Role {
        name: super::CUSTOMER,
        may: &[Area::Requests, Area::Parcels, Area::Expenses],
        approves: false,
        says: "says what happened and what is wanted; granted to nobody, and nobody's who has a role",
    },
];

/// The area of every kind. No wildcard: a new kind does not compile until somebody has placed it.
pub fn area(kind: Kind) -> Area {
    match kind {
        Kind::ActorRegistered | Kind::RoleGranted | Kind::RoleRevoked | Kind::LimitSet => Area::People,
        Kind::PolicyPublished | Kind::CalendarPublished => Area::Rules,
        Kind::PersonalDataRedacted | Kind::RetentionSet | Kind::LegalHoldPlaced | Kind::LegalHoldReleased => {
            Area::Privacy
        }
        Kind::PeriodClosed | Kind::PeriodReopened => Area::Periods,
        Kind::SigningKeyAnnounced => Area::Keys,
        Kind::CheckpointRecorded | Kind::ProjectionRebuilt | Kind::AppendRefused => Area::Own,
        Kind::OrderRecorded
        | Kind::SubscriptionActivated
        | Kind::DeviceTransmissionSummarised
        | Kind::OwnershipChangeRecorded => Area::Sales,
        Kind::ShipmentDispatched | Kind::TrackingScanned | Kind::LabelIssued => Area::Parcels,
        Kind::ClaimOpened
        | Kind::ClaimReclassified
        | Kind::EvidenceSubmitted
        | Kind::RemedySelected
        | Kind::ContactLogged
        | Kind::RemedyFailed
        | Kind::ClaimWithdrawn
        | Kind::DisputeOpened => Area::Requests,
        Kind::ParcelReceived
        | Kind::ParcelRefused
        | Kind::ItemInspected
        | Kind::ConnectivityAssessed
        | Kind::ItemLostInCustody
        | Kind::DispositionRecorded
        | Kind::StockReported
        | Kind::RepairCompleted
        | Kind::RepairShipped
        | Kind::SparePartsSent
        | Kind::ReplacementShipped
        | Kind::ReplacementDelivered => Area::Goods,
        Kind::VerificationFailed
        | Kind::EligibilityAssessed
        | Kind::AuthorizationGranted
        | Kind::AuthorizationDenied
        | Kind::AuthorizationExpired
        | Kind::AuthorizationVoided
        | Kind::RemedyOffered
        | Kind::RemedyDecided
        | Kind::FeeCharged
        | Kind::CustomerCharged
        | Kind::ChargeWaived
        | Kind::RefundLateFlagged
        | Kind::ClaimClosed
        | Kind::ClaimReopened
        | Kind::ClaimEscalated
        | Kind::DisputeResolved => Area::Decisions,
        Kind::DiscretionExercised => Area::Discretion,
        Kind::RefundIssued | Kind::GiftCreditIssued => Area::Payments,
        Kind::CostRecorded | Kind::RefundTraceOpened => Area::Expenses,
        Kind::PaymentCaptured
        | Kind::ChargePaid
        | Kind::RefundPosted
        | Kind::RefundFailed
        | Kind::RefundTraceAnswered
        | Kind::ChargebackOpened
        | Kind::ChargebackWon
        | Kind::ChargebackLost
        | Kind::HistoricalCreditRecorded => Area::MoneyFacts,
        Kind::NoticeSent | Kind::NoteAdded => Area::Talk,
        Kind::EventCorrected | Kind::EventReversed => Area::Amendments,
    }
}
