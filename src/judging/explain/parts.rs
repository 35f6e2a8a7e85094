//! An explanation as data: the same for people, for Markdown and for programs.

use replay::{merkle::Hash, money::Currency, time::Day};
use serde::Serialize;

/// Everything that is to be said of a judged claim.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    pub claim: String,
    pub order: String,
    pub policy: String,
    pub policy_version: u32,
    pub policy_sha256: Hash,
    pub facts_sha256: Hash,
    /// The day that decides which version governs (H-7).
    pub purchased_on: Day,
    pub currency: Currency,
    /// `mixed` when its units differ.
    pub status: String,
    pub units: Vec<UnitPart>,
    pub lines: Vec<LinePart>,
    pub payable_minor: u64,
    pub payable: String,
    pub refunded_minor: u64,
    pub refunded: String,
    /// Open and lost chargebacks.
    pub charged_back_minor: u64,
    pub charged_back: String,
    /// Payable less refunded and charged back; below zero = overpaid.
    pub open_minor: i64,
    pub payout: String,
    pub payout_cites: Vec<String>,
    /// The payout waits for the goods.
    pub payout_waits: bool,
    /// What the customer owes.
    pub charges: Vec<MoneyPart>,
    pub why_not_more: Vec<Reason>,
    pub why_not_less: Vec<Reason>,
    pub inbound_shipping: Reason,
    pub return_leg_shipping: Reason,
    /// What a missing fact would change.
    pub prospects: Vec<Prospect>,
    /// Every clause that is cited, with its paraphrase.
    pub clauses: Vec<Cited>,
}

/// A run of units.
#[derive(Debug, Clone, Serialize)]
pub struct UnitPart {
    pub units: String,
    pub asserted: String,
    pub basis: String,
    pub basis_event: EventPart,
    pub remedy: Option<String>,
    pub chosen_by: Option<EventPart>,
    pub allowed: Vec<String>,
    pub variant: Option<String>,
    pub status: String,
    /// The status as a sentence.
    pub says: String,
    pub cites: Vec<String>,
    pub windows: Vec<WindowPart>,
    pub requirements: Vec<RequirementPart>,
}

/// A window that applied.
#[derive(Debug, Clone, Serialize)]
pub struct WindowPart {
    pub window: String,
    /// `held`, `failed` or `unknown`.
    pub state: &'static str,
    pub last_day: Option<Day>,
    pub text: String,
    pub cites: Vec<String>,
    pub events: Vec<EventPart>,
}

/// A requirement in scope.
#[derive(Debug, Clone, Serialize)]
pub struct RequirementPart {
    pub stage: String,
    /// The condition, with the names of its facts.
    pub needs: String,
    /// The condition as people say it.
    pub says: String,
    pub outcome: &'static str,
    pub point: Option<String>,
    pub decided_by: Option<EventPart>,
    pub cites: Vec<String>,
    pub facts: Vec<FactPart>,
}

/// A fact that was asked for.
#[derive(Debug, Clone, Serialize)]
pub struct FactPart {
    pub fact: String,
    /// `null` = not known.
    pub value: Option<String>,
    pub event: Option<EventPart>,
}

/// A line of the refund.
#[derive(Debug, Clone, Serialize)]
pub struct LinePart {
    pub line: String,
    pub order_line: Option<String>,
    pub minor: i64,
    pub amount: String,
    /// How it came about, in words.
    pub formula: String,
    pub cites: Vec<String>,
    pub events: Vec<EventPart>,
}

/// Money that is owed.
#[derive(Debug, Clone, Serialize)]
pub struct MoneyPart {
    pub what: String,
    pub minor: u64,
    pub amount: String,
    pub cites: Vec<String>,
    pub events: Vec<EventPart>,
}

/// A reason with its clauses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub text: String,
    pub minor: Option<u64>,
    pub cites: Vec<String>,
    pub event: Option<EventPart>,
}

/// What would be judged if facts came in.
#[derive(Debug, Clone, Serialize)]
pub struct Prospect {
    /// The facts, as the end of a sentence that begins with "if".
    #[serde(rename = "if")]
    pub if_: String,
    pub status: String,
    pub payable_minor: u64,
    pub payable: String,
    pub cites: Vec<String>,
}

/// A clause with its paraphrase.
#[derive(Debug, Clone, Serialize)]
pub struct Cited {
    pub id: String,
    pub paraphrase: String,
}

/// An event that a fact came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventPart {
    pub position: u64,
    pub event_id: String,
    pub kind: &'static str,
}
