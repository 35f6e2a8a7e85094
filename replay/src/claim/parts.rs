//! What a claim is made of: units, parcels, authorizations, decisions, credits, charges, costs.

use alloc::vec::Vec;

use crate::{
    event::{
        Defect, Disposition, ItemInspected, Kind, Leg, Packaging, Party, PayoutTo, Remedy, ScanStatus,
        ShipmentDispatched, TrackingCheck, TrackingScanned, Variant, payload::words,
    },
    ids::{Code, EventId, Rma, Word},
    merkle::Hash,
    money::Amount,
    time::When,
    units::Units,
};

words! {
    /// How far a unit has come, in order of advance.
    Stage {
        Claimed = "claimed",
        Held = "held",
        Assessed = "assessed",
        Voided = "voided",
        Authorized = "authorized",
        InTransit = "in_transit",
        Refused = "refused",
        Lost = "lost",
        Received = "received",
        Inspected = "inspected",
        NeedsDiscretion = "needs_discretion",
        Decided = "decided",
        Denied = "denied",
        Settled = "settled",
        Closed = "closed",
        Withdrawn = "withdrawn",
    }
    /// State of a return authorization.
    RmaStatus { Open = "open", Closed = "closed", Voided = "voided", Expired = "expired" }
    /// State of a credit to the customer.
    CreditStatus { Issued = "issued", Posted = "posted", Failed = "failed" }
    /// What a credit is.
    CreditKind { Refund = "refund", GiftCredit = "gift_credit", Historical = "historical" }
}

/// One unit (or a run of equal units).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitState {
    /// How far it has come.
    pub stage: Stage,
    /// It is on an authorization that was granted and not withdrawn.
    pub authorized: bool,
    /// It is on its way back, or was.
    pub announced: bool,
    /// It came in at the dock.
    pub received: bool,
    /// A remedy was decided for it.
    pub accepted: bool,
    /// An effective credit names it, or all money owed for it is paid.
    pub refunded: bool,
    /// The remedy that was decided.
    pub remedy: Option<Remedy>,
    /// New or refurbished, for a replacement.
    pub variant: Option<Variant>,
    /// What inspections found, field by field the latest.
    pub findings: Findings,
    /// Where the warehouse put it.
    pub disposition: Option<Disposition>,
}

/// What inspections found; `None` = not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    pub installed: Option<bool>,
    pub packaging: Option<Packaging>,
    pub same_condition: Option<bool>,
    pub altered: Option<bool>,
    pub sealed: Option<bool>,
    pub accessories_missing: Option<Vec<Word>>,
    pub damage: Option<Vec<Word>>,
    pub defect: Option<Defect>,
    pub on_arrival: Option<bool>,
    pub cause: Option<Code>,
}

/// A parcel in either direction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParcelState {
    pub leg: Option<Leg>,
    pub carrier: Option<Code>,
    pub tracking_check: Option<TrackingCheck>,
    pub dispatched: Option<When>,
    pub units: Option<Units>,
    pub rma_on_parcel: Option<Rma>,
    /// First "delivered" scan (H-6).
    pub delivered: Option<When>,
    pub last_scan: Option<(ScanStatus, When)>,
}

/// A granted authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RmaState {
    pub status: RmaStatus,
    pub units: Units,
    pub granted: When,
    /// The kind of event that closed it; whether such an event closes a number is the policy's word.
    pub closed_by: Option<Kind>,
}

/// A credit to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credit {
    pub kind: CreditKind,
    pub amount: Amount,
    pub status: CreditStatus,
    pub issued: When,
    pub posted: Option<When>,
    pub failed: Option<When>,
    /// Declared not to have occurred.
    pub reversed: Option<When>,
    pub units: Option<Units>,
    pub to: Option<PayoutTo>,
    pub event_id: EventId,
}

impl Credit {
    /// Whether it counts against what is owed.
    pub fn is_effective(&self) -> bool {
        self.reversed.is_none() && self.status != CreditStatus::Failed
    }
}

/// A charge to the customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    pub what: Code,
    pub amount: Amount,
    pub since: When,
    pub paid_minor: u64,
    pub waived: bool,
}

/// What was decided for a set of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub units: Units,
    pub remedy: Remedy,
    pub entitlement_minor: u64,
    /// The facts it rested on; decisions from before policies were judged by name none.
    pub facts_sha256: Option<Hash>,
    pub cites: Vec<Code>,
    pub decided: When,
    pub event_id: EventId,
}

/// A cost on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    pub cost: Code,
    pub paid_by: Party,
    /// In the order's currency.
    pub amount: Amount,
    /// Whether a receipt is named.
    pub receipt: bool,
    pub event_id: EventId,
}

impl ParcelState {
    /// A parcel that left.
    pub fn dispatched(d: &ShipmentDispatched, at: When) -> Self {
        Self {
            leg: Some(d.leg),
            carrier: d.carrier.clone(),
            tracking_check: d.tracking_check.clone(),
            dispatched: Some(at),
            units: d.units.clone(),
            rma_on_parcel: d.rma_on_parcel.clone(),
            ..Self::default()
        }
    }
    /// A scan of it, in order of effective time.
    pub fn scanned(&mut self, scan: &TrackingScanned, at: When) {
        if scan.status == ScanStatus::Delivered && self.delivered.is_none() {
            self.delivered = Some(at);
        }
        self.last_scan = Some((scan.status, at));
    }
}

impl UnitState {
    pub(super) fn claimed() -> Self {
        Self {
            stage: Stage::Claimed,
            authorized: false,
            announced: false,
            received: false,
            accepted: false,
            refunded: false,
            remedy: None,
            variant: None,
            findings: Findings::default(),
            disposition: None,
        }
    }
    /// Moves forward, never back: a late scan does not undo an inspection.
    pub(super) fn advance(&mut self, stage: Stage) {
        if self.stage < stage {
            self.stage = stage;
        }
    }
}

impl Findings {
    pub(super) fn merge(&mut self, i: &ItemInspected) {
        fn newer<T: Clone>(have: &mut Option<T>, found: &Option<T>) {
            if found.is_some() {
                have.clone_from(found);
            }
        }
        newer(&mut self.installed, &i.installed);
        newer(&mut self.packaging, &i.packaging);
        newer(&mut self.same_condition, &i.same_condition);
        newer(&mut self.altered, &i.altered);
        newer(&mut self.sealed, &i.sealed);
        newer(&mut self.accessories_missing, &i.accessories_missing);
        newer(&mut self.damage, &i.damage);
        newer(&mut self.defect, &i.defect);
        newer(&mut self.on_arrival, &i.on_arrival);
        newer(&mut self.cause, &i.cause);
    }
}
