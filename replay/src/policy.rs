//! A policy as data: the tables of a merchant's document, typed.
//!
//! Every row cites the clauses it comes from, so whatever follows from a row cites by construction. A policy
//! names nothing outside itself: windows, regions and clauses are indices into its own lists. No line here
//! knows a merchant.

mod clause;
mod period;
mod predicate;
mod read;
mod rows;

pub use clause::{Cites, Clause, HOUSE_RULES};
pub use period::{Limit, Period};
pub use predicate::{FactName, Predicate, Reading, Truth, Value};
pub use read::{Misfit, Place, RowName, TABLE_ROWS_MAX};

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use crate::{
    event::{ArticleClass, Basis, Channel, Condition, Kind, Leg, Party, Remedy, Variant, payload::words},
    ids::Code,
    money::Amount,
};

words! {
    /// What the customer does to be in time.
    Act { Contact = "contact", ReturnDispatched = "return_dispatched", AuthorizedInWriting = "authorized_in_writing" }
    /// The day from which a window counts.
    Anchor { Delivery = "delivery", Shipment = "shipment", Purchase = "purchase", Invoice = "invoice" }
    /// Which parcel the anchors of a replacement belong to (H-21).
    ReplacementAnchor { Original = "original", LatestUnit = "latest_unit" }
    /// Who chooses among the remedies of an entitlement.
    Chooser { Customer = "customer", Merchant = "merchant" }
    /// How far a claim must have come before a requirement is asked for.
    RequirementStage { Open = "open", Authorize = "authorize", Receive = "receive", Settle = "settle" }
    /// What follows when a requirement is known not to hold.
    OnFail {
        Deny = "deny",
        Hold = "hold",
        Discretion = "discretion",
        Partial = "partial",
        RefuseParcel = "refuse_parcel",
        RefuseItem = "refuse_item",
        Note = "note",
    }
    /// How the merchant gets back a cost that the customer must bear.
    Collect { Deduct = "deduct", Charge = "charge", DeductOrCharge = "deduct_or_charge" }
    /// How binding a clock is.
    Firmness { Hard = "hard", Soft = "soft", Unquantified = "unquantified" }
}

/// One version of a policy, ready to judge by.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Its clauses and the house rules, by index.
    pub clauses: Vec<ClauseText>,
    /// What people call the merchant.
    pub name: String,
    /// IANA zone in which local due times are meant, as text: the engine never converts by it.
    pub time_zone: String,
    /// Business-day calendar; `None` when the document has no figure in business days.
    pub calendar: Option<Code>,
    /// Where the anchors of a replacement lie.
    pub replacement_anchor: Option<ReplacementAnchor>,
    /// What a unit without a fault may still get.
    pub no_fault: Option<NoFault>,
    pub regions: Vec<Region>,
    pub windows: Vec<Window>,
    pub entitlements: Vec<Entitlement>,
    pub requirements: Vec<Requirement>,
    pub variants: Vec<VariantRule>,
    pub fees: Vec<Fee>,
    pub components: Vec<Component>,
    pub costs: Vec<CostRule>,
    pub nevers: Vec<Never>,
    pub payouts: Vec<PayoutRule>,
    pub authorization: Authorization,
    pub risk: Option<Risk>,
    pub refund_trace: Option<RefundTrace>,
    pub slas: Vec<Sla>,
    pub notices: Vec<Notice>,
    /// The only places where a person may decide.
    pub discretion: Vec<DiscretionPoint>,
    pub infos: Vec<Info>,
}

/// A clause as the register has it, in our own words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClauseText {
    /// Its id; house rules are `H-1` to `H-22`.
    pub id: String,
    pub kind: String,
    pub paraphrase: String,
    /// What the system does about it: ENFORCE, REQUIRE, ALLOW, DEADLINE, INFORM or NEVER.
    pub system: String,
}

/// What happens to a unit in which no fault was found and that nothing else entitles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoFault {
    /// `None` = nothing.
    pub remedy: Option<Remedy>,
    pub cites: Cites,
}

/// A named set of places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Region {
    pub name: String,
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    pub cites: Cites,
}

/// A named period: any of its alternatives suffices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub name: Code,
    pub any: Vec<Alternative>,
    /// The document says "no exceptions".
    pub no_discretion: bool,
    pub cites: Cites,
}

/// An act that must come within a period after an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alternative {
    pub act: Act,
    pub after: Anchor,
    /// `None` = the warranty term of the order line (H-16).
    pub within: Option<Period>,
}

/// Which units and claims a row is about; an empty list means any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    pub basis: Vec<Basis>,
    pub class: Vec<ArticleClass>,
    pub condition_sold: Vec<Condition>,
    pub remedy: Vec<Remedy>,
    pub contact_channel: Vec<Channel>,
    /// Index of a region, and whether the place must lie outside of it.
    pub region: Option<(usize, bool)>,
    /// Index of a window that must hold.
    pub window: Option<usize>,
    /// Whether the established cause must lie on the merchant's side, or be unknown.
    pub cause_ok: Option<bool>,
}

/// Who may get what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    pub id: Code,
    pub scope: Scope,
    /// All of them must hold.
    pub windows: Vec<usize>,
    /// In order of preference.
    pub remedies: Vec<Remedy>,
    pub chooser: Chooser,
    pub needs_discretion: Option<Code>,
    pub cites: Cites,
}

/// A condition, exclusion, piece of evidence or guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    pub stage: RequirementStage,
    pub scope: Scope,
    pub needs: Predicate,
    pub on_fail: OnFail,
    /// A recorded failure denies, although the fact alone would hold.
    pub then_deny: bool,
    /// The discretion point that decides when it fails.
    pub point: Option<Code>,
    /// The fee under which a paid service may be offered instead.
    pub alternative: Option<Code>,
    pub cites: Cites,
}

/// New or refurbished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantRule {
    pub remedy: Remedy,
    pub window: usize,
    pub pass: Variant,
    pub fail: Variant,
    pub point: Option<Code>,
    pub cites: Cites,
}

/// A percentage of the unit's net price, or a fixed amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fee {
    pub id: Code,
    pub scope: Scope,
    pub when: Option<Predicate>,
    pub waive_when: Option<Predicate>,
    pub rate: Rate,
    /// At least one of these windows, among those that apply to the unit, must hold.
    pub windows_any: Vec<usize>,
    pub needs_discretion: Option<Code>,
    pub collect: Collect,
    pub cites: Cites,
    pub waiver_cites: Cites,
}

/// How much a fee is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Basis points of the unit's net price, rounded down per unit (H-10).
    PercentBp(u32),
    /// Once per claim.
    Fixed(Amount),
}

/// Whether outbound shipping is paid back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    pub scope: Scope,
    pub refundable: bool,
    pub cites: Cites,
}

/// Who must bear a cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostRule {
    pub cost: Code,
    /// The highest wins.
    pub priority: i64,
    pub scope: Scope,
    pub payer: Party,
    pub collect: Collect,
    pub reimburse: bool,
    /// Repaid only after the goods have arrived.
    pub after_receipt: bool,
    pub cites: Cites,
}

/// A cost for which no line may ever exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Never {
    pub cost: Code,
    pub cites: Cites,
}

/// To whom money goes, and how (H-22).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutRule {
    pub when: Option<Predicate>,
    /// `original_method`, `original_method:giver`, `gift_credit:recipient`.
    pub to: String,
    /// Only after the goods have arrived.
    pub after_receipt: bool,
    pub cites: Cites,
}

impl PayoutRule {
    /// Whether it is a credit for the shop instead of money.
    pub fn is_gift_credit(&self) -> bool {
        self.to.starts_with("gift_credit")
    }
}

/// Rules of return authorizations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Authorization {
    /// Goods should be announced.
    pub required: bool,
    /// The RMA number must be on the parcel.
    pub number_on_parcel: bool,
    /// Only units on the RMA are taken in.
    pub items_exact: bool,
    /// Kinds of events that close a number.
    pub closes_on: Vec<Kind>,
    /// Days after which a number runs out; 0 = the document states none.
    pub valid_days: u64,
    /// The window that a written authorization satisfies.
    pub written_counts_for: Option<usize>,
    /// Outside this region a separate process applies.
    pub separate_process_outside: Option<usize>,
    pub cites: Cites,
}

/// Who bears the loss of goods on their way back and in the warehouse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Risk {
    pub inbound_until_received: Option<Party>,
    pub after_received: Option<Party>,
    pub cites: Cites,
}

/// What a customer attests before a missing refund is traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundTrace {
    pub attest: Vec<Code>,
    pub cites: Cites,
}

/// An event that starts or stops a clock: a kind, and which of that kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    pub kind: Kind,
    /// The remedy of a decision, the leg of a shipment, the subject of a notice ...
    pub qualifier: Option<String>,
}

/// A clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sla {
    pub id: Code,
    pub scope: Scope,
    pub from: Signal,
    /// Any of them stops it.
    pub to: Vec<Signal>,
    /// `None` = the document gives no figure: only the age is reported.
    pub within: Option<Limit>,
    pub expect: Option<Limit>,
    pub firmness: Firmness,
    pub cites: Cites,
}

/// A duty to inform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub on: Signal,
    /// As `notice_sent` names it.
    pub about: String,
    pub channel: Option<Channel>,
    pub to: Option<String>,
    pub topic: Option<String>,
    pub cites: Cites,
}

/// One place where the policy leaves room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DiscretionPoint {
    pub point: String,
    /// The decisions it allows; empty = any.
    pub options: Vec<String>,
    /// Largest percentage in basis points.
    pub fee_bp_max: Option<u64>,
    /// The one fixed amount it allows, in minor units.
    pub fee_fixed: Option<u64>,
    /// Smallest amount, in minor units.
    pub amount_min: Option<u64>,
    /// Largest amount.
    pub amount_max: Option<AmountBound>,
    pub cites: Cites,
}

/// The largest amount at a discretion point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountBound {
    /// In minor units.
    Minor(u64),
    /// What the units cost after every discount.
    UnitNet,
    /// What was taken for the order.
    Captured,
}

/// What a customer is told; no effect on money or state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    pub on: Signal,
    pub topics: Vec<String>,
    pub cites: Cites,
}

impl Policy {
    /// The discretion point of this name.
    pub fn point(&self, name: &str) -> Option<&DiscretionPoint> {
        self.discretion.iter().find(|p| p.point == name)
    }
    /// What a clause or house rule is called.
    pub fn clause_id(&self, clause: Clause) -> &str {
        self.clauses.get(clause.index()).map_or("", |c| c.id.as_str())
    }
    /// A clause with its paraphrase.
    pub fn clause(&self, clause: Clause) -> Option<&ClauseText> {
        self.clauses.get(clause.index())
    }
    /// The ids of a set of clauses, in plain order.
    pub fn ids(&self, cites: &Cites) -> Vec<Code> {
        let mut ids: Vec<Code> = cites.iter().filter_map(|c| Code::new(self.clause_id(c)).ok()).collect();
        ids.sort();
        ids
    }
    /// Requirements of the dock: what a parcel must fulfil before it is taken in.
    pub fn dock(&self) -> impl Iterator<Item = &Requirement> {
        self.requirements.iter().filter(|r| matches!(r.on_fail, OnFail::RefuseParcel | OnFail::RefuseItem))
    }
    /// Every row with its table, its number or name there, and its cites: what coverage is counted over.
    pub fn rows(&self) -> Vec<(&'static str, String, &Cites)> {
        rows::all(self)
    }
}

impl Region {
    /// Whether a place like `US-TX` or `DE` lies in it: the longest prefix that is named decides.
    pub fn holds(&self, place: &str) -> bool {
        let within = |list: &[String]| list.iter().any(|code| is_prefix(code, place));
        within(&self.include) && !within(&self.exclude)
    }
}

/// Whether `code` names the place or a larger one around it.
fn is_prefix(code: &str, place: &str) -> bool {
    place.strip_prefix(code).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// Territories that have a country code of their own and are written as subdivisions of the United States here, so
/// that a region means the same however an address spells it.
const TERRITORIES: [&str; 6] = ["PR", "VI", "GU", "AS", "MP", "UM"];

/// A place as regions know it: `US-TX`, `DE`, and `US-PR` for the country code PR.
pub fn place_code(country: &str, subdivision: Option<&str>) -> String {
    let country = country.trim();
    if TERRITORIES.contains(&country) {
        return ["US-", country].concat();
    }
    match subdivision {
        Some(sub) if is_prefix(country, sub) => sub.into(),
        Some(sub) => [country, "-", sub].concat(),
        None => country.into(),
    }
}

impl Signal {
    /// Whether an event of this kind and qualifier is meant.
    pub fn is(&self, kind: Kind, qualifier: Option<&str>) -> bool {
        self.kind == kind && self.qualifier.as_deref().is_none_or(|q| qualifier == Some(q))
    }
    /// Whether it starts or stops with the order instead of with a claim.
    pub fn is_of_the_order(&self) -> bool {
        let places = self.kind.places();
        let outbound = self.qualifier.as_deref() == Some(Leg::Outbound.as_str());
        places.order && (!places.claim || outbound)
    }
}
impl core::fmt::Display for Signal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match &self.qualifier {
            Some(q) => write!(f, "{}:{q}", self.kind),
            None => self.kind.fmt(f),
        }
    }
}

/// Words that say no at a discretion point; every other option says yes.
pub fn is_refusal(decision: &str) -> bool {
    matches!(decision, "deny" | "decline")
}

/// Names of windows and regions to their index, while a policy is read.
type Names = BTreeMap<String, usize>;
