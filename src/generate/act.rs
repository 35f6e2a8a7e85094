//! What can happen in a demo story, in few bytes: the acts of every open story are kept, and put into words when their
//! time has come.

use replay::{
    event::{Basis, Direction, Disposition, Leg, Party, PayoutTo, Remedy, ScanStatus, UnitStatus, Variant},
    ids::Code,
    policy::Cites,
};

/// One thing that happens.
#[derive(Debug, Clone)]
pub(super) struct Act<'m> {
    /// When it happens, in microseconds.
    pub at: i64,
    /// When the ledger is told.
    pub known: i64,
    /// The order (0) or one of its claims (from 1).
    pub stream: u8,
    /// Its place in that stream.
    pub revision: u64,
    pub by: By,
    pub what: What<'m>,
}

/// Who says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// The shop's checkout.
    Shop,
    /// The payment provider.
    Psp,
    /// The shop's carrier.
    Carrier,
    /// The customer's carrier.
    Courier,
    /// The platform that devices talk to.
    Platform,
    /// The customer, through the portal.
    Portal,
    /// The program that reads policies.
    Engine,
    Agent,
    Dock,
    Bench,
    Finance,
    Supervisor,
}

/// Which units of a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    All,
    /// Those that go the usual way.
    Front,
    /// The others, where a claim's units part.
    Back,
}

/// A parcel of a story, by its way and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parcel {
    pub leg: Leg,
    pub number: u8,
}

/// What an inspection finds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Finding<'m> {
    /// What the customer said.
    AsSaid,
    /// Used, and its package is damaged.
    Worn,
    /// Installed once; `crushed` when its package is damaged as well.
    Installed { crushed: bool },
    /// Its package is damaged, nothing else.
    Crushed,
    /// Somebody has opened it and changed something.
    Altered,
    /// A part that belongs to it is not in the box.
    Incomplete,
    /// What was broken when it came out of the box, says the customer, was not.
    Later,
    /// A fault with a cause on the customer's side.
    Cause(&'m Code),
    /// Nothing wrong.
    Sound,
}

/// What a correction puts right.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fix {
    /// The packaging was intact.
    Packaging,
    /// The missing part was found.
    Complete,
    /// It never was installed.
    NotInstalled,
    /// The order's invoice is found.
    Invoiced,
    /// The contact came by telephone.
    Channel,
    /// It happened at another time.
    Time(i64),
}

/// What happens; every act belongs to one of these, and each is put into words in a file of its own under `tell`.
#[derive(Debug, Clone)]
pub(super) enum What<'m> {
    Deal(Deal),
    Talk(Talk),
    Goods(Goods<'m>),
    Money(Money<'m>),
}

/// The order itself, parcels, and amendments of what was told.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deal {
    Sold,
    Paid { part: u8, minor: u64 },
    Activated { line: usize },
    Transmitted { line: usize, count: u64 },
    ChangedHands { line: usize },
    Sent { parcel: Parcel, part: Part, rma: Option<u8> },
    Scanned { parcel: Parcel, status: ScanStatus },
    Corrected { target: u64, fix: Fix },
    Reversed { target: u64 },
}

/// Words: what is claimed, proved, allowed and answered.
#[derive(Debug, Clone)]
pub(super) enum Talk {
    Opened,
    Reclassified(Basis),
    Proofs { complete: bool },
    ProofsFailed,
    Assessed { part: Part, status: UnitStatus, remedies: Vec<Remedy>, cites: Cites },
    Granted { rma: Option<u8>, part: Part },
    Denied { reason: &'static str, part: Part, cites: Cites },
    Expired { rma: u8 },
    Voided { rma: u8 },
    Notice(&'static str),
    Contact(Direction),
    Note,
    Closed(&'static str),
    Reopened,
    Escalated,
    Withdrawn,
    Disputed,
    DisputeEnded,
}

/// Goods on their way, on the bench, and what the customer gets.
#[derive(Debug, Clone)]
pub(super) enum Goods<'m> {
    Label { minor: u64, paid_by: Party },
    Received { rma: Option<u8>, part: Part },
    TurnedAway(Part),
    Inspected { finding: Finding<'m>, part: Part },
    Connected { line: usize, transmitted: bool },
    LostInCustody(Part),
    Put(Part, Disposition),
    Offered(Remedy),
    Selected { remedy: Remedy, part: Part },
    Decided { part: Part, remedy: Remedy },
    RemedyFailed { remedy: Remedy, part: Part },
    Stock { in_stock: bool },
    Repaired(Part),
    RepairSent { part: Part, rma: Option<u8> },
    PartsSent(Part),
    ReplacementSent { part: Part, rma: Option<u8>, variant: Option<Variant> },
    ReplacementArrived(Part),
}

/// Money. Refunds, charges and chargebacks are numbered per claim.
#[derive(Debug, Clone)]
pub(super) enum Money<'m> {
    Cost { cost: &'static str, paid_by: Party, minor: u64, abroad: bool },
    Discretion { part: Part, point: Code, option: &'m str, fee_bp: Option<u32>, minor: Option<u64> },
    Goodwill { minor: u64 },
    Fee { charge: u8, fee: Code, minor: u64, cites: Cites },
    Charged { charge: u8, cost: Code, minor: u64, cites: Cites },
    ChargePaid { charge: u8, minor: u64 },
    ChargeWaived { charge: u8 },
    Refund { refund: u8, minor: u64, to: PayoutTo },
    Posted { refund: u8 },
    Failed { refund: u8 },
    Late { refund: u8 },
    TraceOpened { refund: u8 },
    TraceAnswered { refund: u8 },
    GiftCredit { credit: u8, minor: u64 },
    ChargedBack { chargeback: u8, minor: u64 },
    ChargebackEnded { chargeback: u8, won: bool },
}

impl From<Deal> for What<'_> {
    fn from(act: Deal) -> Self {
        What::Deal(act)
    }
}
impl From<Talk> for What<'_> {
    fn from(act: Talk) -> Self {
        What::Talk(act)
    }
}
impl<'m> From<Goods<'m>> for What<'m> {
    fn from(act: Goods<'m>) -> Self {
        What::Goods(act)
    }
}
impl<'m> From<Money<'m>> for What<'m> {
    fn from(act: Money<'m>) -> Self {
        What::Money(act)
    }
}

impl Act<'_> {
    /// The revision of what it corrects or reverses.
    pub fn amends(&self) -> Option<u64> {
        match self.what {
            What::Deal(Deal::Corrected { target, .. } | Deal::Reversed { target }) => Some(target),
            _ => None,
        }
    }
}
