//! What a packet is made of. Times are RFC 3339, amounts text with their currency; every part names the positions in
//! the log that it came from.

use replay::{history::Cut, merkle::Hash, money::Currency, time::Day};
use serde::{Deserialize, Serialize};

use crate::judging::explain::Explanation;

/// One claim's whole case.
#[derive(Debug, Serialize)]
pub struct Packet {
    /// [`FORMAT`](super::FORMAT).
    pub format: &'static str,
    /// The program that made it.
    pub program: &'static str,
    /// The log's name.
    pub ledger: String,
    pub claim: String,
    /// `null` of a credit from before the ledger.
    pub order: Option<String>,
    pub moment: Moment,
    /// `included`, or `withheld` by whoever made the packet.
    pub personal: &'static str,
    pub summary: Summary,
    pub sale: Option<Sale>,
    /// Persons that the order and the claim name.
    pub parties: Vec<Party>,
    /// Who recorded and approved what.
    pub people: Vec<Person>,
    /// Other claims on the same order.
    pub siblings: Vec<Sibling>,
    /// `null` when no policy judges the claim; `not_judged` says why.
    pub explanation: Option<Explanation>,
    pub not_judged: Option<String>,
    pub policy: Option<PolicyPart>,
    pub parcels: Vec<Parcel>,
    pub communications: Vec<Communication>,
    pub evidence: Vec<EvidencePart>,
    pub known: Known,
    /// Acts that a rule refused.
    pub refused: Vec<Refused>,
    /// Personal values that were erased.
    pub redactions: Vec<Erased>,
    /// By effective time.
    pub timeline: Vec<Told>,
    /// The 27 fields that card processors ask for, in the order of their names.
    pub chargeback_evidence: Vec<Field>,
    pub proofs: Proofs,
}

/// The moment that is looked at.
#[derive(Debug, Serialize)]
pub struct Moment {
    /// Last position of the log when the packet was made.
    pub through: u64,
    pub as_of: Option<u64>,
    pub known_at: Option<String>,
    pub effective_at: Option<String>,
}

impl Moment {
    pub(super) fn of(cut: &Cut, through: u64) -> Self {
        Self {
            through,
            as_of: cut.position.map(|p| p.get()),
            known_at: cut.known_at.map(|t| t.to_string()),
            effective_at: cut.effective_at.map(|t| t.to_string()),
        }
    }
    /// In words; `None` = as it stands.
    pub fn words(&self) -> Option<String> {
        let parts = [
            self.as_of.map(|p| format!("as of position {p} of the log")),
            self.known_at.as_ref().map(|t| format!("as known at {t}")),
            self.effective_at.as_ref().map(|t| format!("as it had happened by {t}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// What has become of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It stands in the event itself.
    Plain,
    /// A personal value that opens its commitment.
    Open,
    /// A personal value that was erased with approval.
    Redacted,
    /// A personal value that whoever made the packet left out.
    Withheld,
    /// A personal value that is not in this ledger file: it was not brought along.
    Missing,
}

impl State {
    /// Whether there is something to read.
    pub fn is_readable(self) -> bool {
        matches!(self, State::Plain | State::Open)
    }
}

/// A text and what has become of it. Where there is nothing to read, the text says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text {
    pub text: String,
    pub state: State,
}

impl Text {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), state: State::Plain }
    }
}

/// What a judge reads first.
#[derive(Debug, Serialize)]
pub struct Summary {
    /// One sentence.
    pub headline: String,
    pub merchant: String,
    pub merchant_name: Option<String>,
    pub customer: Option<Text>,
    pub stage: String,
    pub flags: Vec<String>,
    pub currency: Option<Currency>,
    pub claimed: Option<Claimed>,
    pub figures: Vec<Figure>,
    pub decided: Vec<Decided>,
    pub paid: Vec<Paid>,
    pub charges: Vec<Charge>,
    pub chargebacks: Vec<Chargeback>,
}

/// What was claimed.
#[derive(Debug, Serialize)]
pub struct Claimed {
    pub on: String,
    pub by: String,
    pub via: String,
    pub reason: String,
    pub units: String,
    pub goods: Vec<String>,
    pub words: Option<Text>,
    /// What it was established as since, where that is something else.
    pub established: Option<String>,
    pub position: u64,
}

/// A sum and what it is.
#[derive(Debug, Serialize)]
pub struct Figure {
    pub what: &'static str,
    pub minor: i64,
    pub amount: String,
    /// Where it comes from.
    pub from: String,
    pub cites: Vec<String>,
}

/// A decision.
#[derive(Debug, Serialize)]
pub struct Decided {
    pub on: String,
    pub by: String,
    pub approver: Option<String>,
    /// `refund`, `replacement` ... or `denied`.
    pub remedy: String,
    pub units: String,
    pub amount: Option<String>,
    pub reason: Option<String>,
    pub cites: Vec<String>,
    pub standing: &'static str,
    pub position: u64,
}

/// Money that went to the customer.
#[derive(Debug, Serialize)]
pub struct Paid {
    pub id: String,
    pub kind: String,
    pub minor: u64,
    pub amount: String,
    pub to: Option<String>,
    pub method: Option<String>,
    pub issued: String,
    pub by: String,
    pub approver: Option<String>,
    /// `issued`, `posted`, `failed` or `reversed`.
    pub status: String,
    /// When it arrived, failed or was reversed.
    pub status_on: Option<String>,
    pub position: u64,
}

/// Money that the customer owes.
#[derive(Debug, Serialize)]
pub struct Charge {
    pub id: String,
    pub what: String,
    pub amount: String,
    pub paid: String,
    pub waived: bool,
    pub since: String,
}

/// Money that the bank took back.
#[derive(Debug, Serialize)]
pub struct Chargeback {
    pub reference: String,
    pub amount: String,
    pub reason: String,
    pub opened: String,
    /// `open`, `won` or `lost`, as the merchant sees it.
    pub result: &'static str,
    pub position: u64,
}

/// What was sold and paid.
#[derive(Debug, Serialize)]
pub struct Sale {
    pub order: String,
    pub purchased_at: String,
    pub invoiced_on: Option<String>,
    pub channel: String,
    pub seller: Option<String>,
    pub ship_to: String,
    pub gift: bool,
    pub currency: Currency,
    pub tax_mode: String,
    pub lines: Vec<SaleLine>,
    /// Discount, shipping and its tax, where they are not zero.
    pub extras: Vec<Figure>,
    /// What the order came to.
    pub total: String,
    pub payments: Vec<Payment>,
    pub position: u64,
}

/// A line of an order.
#[derive(Debug, Serialize)]
pub struct SaleLine {
    pub id: String,
    pub sku: String,
    pub description: Option<String>,
    pub condition: String,
    pub quantity: u64,
    pub unit_price: String,
    pub discount: Option<String>,
    pub tax: String,
    /// Quantity times price less discount, with the tax where prices are without it.
    pub sum: String,
    pub period: Option<String>,
    pub serials: Vec<Text>,
}

/// A payment for an order.
#[derive(Debug, Serialize)]
pub struct Payment {
    pub id: String,
    pub on: String,
    pub minor: u64,
    pub amount: String,
    pub method: String,
    pub position: u64,
}

/// A natural person that the order or the claim names.
#[derive(Debug, Serialize)]
pub struct Party {
    pub part: &'static str,
    pub name: Option<Text>,
    pub email: Option<Text>,
    pub address: Option<Text>,
    pub phone: Option<Text>,
    pub position: u64,
}

/// Somebody who recorded or approved; the id is a pseudonym.
#[derive(Debug, Serialize)]
pub struct Person {
    pub id: String,
    pub roles: Vec<String>,
    pub recorded: Vec<u64>,
    pub approved: Vec<u64>,
}

/// Another claim on the same order.
#[derive(Debug, Serialize)]
pub struct Sibling {
    pub claim: String,
    pub stage: String,
    pub reason: String,
    pub opened: String,
    pub credited: String,
}

/// The policy that governs.
#[derive(Debug, Serialize)]
pub struct PolicyPart {
    pub id: String,
    pub version: u32,
    pub name: String,
    pub effective_from: Day,
    /// SHA-256 of the canonical policy, as the event that published it says.
    pub sha256: Hash,
    /// SHA-256 of the merchant's own document that it was read from, where the policy names it.
    pub document_sha256: Option<String>,
    pub published_at: String,
    pub position: u64,
    /// Whether it was published before the purchase.
    pub published_before_purchase: Option<bool>,
    /// Policy hashes that decisions and assessments of this claim name, each with the position.
    pub pinned: Vec<Pinned>,
    /// Every clause of the policy; cited ones are marked.
    pub clauses: Vec<ClausePart>,
    /// House rules that are cited: how the merchants' systems read what documents leave open.
    pub house_rules: Vec<ClausePart>,
}

/// A policy hash in an event.
#[derive(Debug, Serialize)]
pub struct Pinned {
    pub position: u64,
    pub kind: String,
    pub sha256: String,
    pub same: bool,
}

/// A clause in the words of the register.
#[derive(Debug, Serialize)]
pub struct ClausePart {
    pub id: String,
    pub paraphrase: String,
    pub cited: bool,
}

/// A parcel with its scans.
#[derive(Debug, Serialize)]
pub struct Parcel {
    pub id: String,
    pub leg: String,
    pub carrier: Option<String>,
    pub service: Option<String>,
    pub tracking: Option<Text>,
    /// What the carrier's format says of the number.
    pub tracking_check: Option<String>,
    pub units: String,
    pub dispatched: Option<String>,
    /// First delivery scan.
    pub delivered: Option<String>,
    /// Taken in, or turned away, at the dock.
    pub at_the_dock: Option<String>,
    pub scans: Vec<Scan>,
    pub positions: Vec<u64>,
}

/// A carrier's scan.
#[derive(Debug, Serialize)]
pub struct Scan {
    pub at: String,
    pub status: String,
    pub place: Option<String>,
    pub reference: Option<String>,
    pub position: u64,
}

/// A message.
#[derive(Debug, Serialize)]
pub struct Communication {
    pub at: String,
    /// `from the customer`, `to the customer`, `among colleagues`.
    pub direction: &'static str,
    pub channel: Option<String>,
    pub about: String,
    pub text: Option<Text>,
    pub reference: Option<String>,
    pub by: String,
    pub position: u64,
}

/// A piece of evidence; files are kept elsewhere, under their hash.
#[derive(Debug, Serialize)]
pub struct EvidencePart {
    pub at: String,
    pub kind: String,
    pub sha256: Option<String>,
    pub media: Option<String>,
    /// `stands`, or `does not hold` when a check said so later.
    pub standing: String,
    pub by: String,
    pub position: u64,
}

/// What was known when.
#[derive(Debug, Serialize)]
pub struct Known {
    /// Events recorded more than [`LATE_AFTER_HOURS`](super::LATE_AFTER_HOURS) after they happened.
    pub late: Vec<Late>,
    pub corrections: Vec<Correction>,
    pub reversals: Vec<Reversal>,
}

/// An event that the ledger learned late.
#[derive(Debug, Serialize)]
pub struct Late {
    pub position: u64,
    pub kind: String,
    pub happened: String,
    pub recorded: String,
    pub hours: u64,
}

/// A correction and what it replaced.
#[derive(Debug, Serialize)]
pub struct Correction {
    pub position: u64,
    pub of_position: u64,
    pub of_kind: String,
    pub recorded: String,
    pub by: String,
    pub approver: Option<String>,
    pub reason: String,
    pub reason_text: Option<Text>,
    /// `happened` for the time; else fields of the payload.
    pub fields: Vec<Replaced>,
}

/// One field before and after.
#[derive(Debug, Serialize)]
pub struct Replaced {
    pub field: String,
    pub was: Option<String>,
    pub became: Option<String>,
}

/// An event that was declared not to have occurred.
#[derive(Debug, Serialize)]
pub struct Reversal {
    pub position: u64,
    pub of_position: u64,
    pub of_kind: String,
    pub recorded: String,
    pub by: String,
    pub approver: Option<String>,
    pub reason: String,
    pub reason_text: Option<Text>,
}

/// An act that a rule refused.
#[derive(Debug, Serialize)]
pub struct Refused {
    pub position: u64,
    pub recorded: String,
    pub by: String,
    pub kind: String,
    pub reason: String,
    pub message: String,
    pub cites: Vec<String>,
}

/// A personal value that was erased with approval.
#[derive(Debug, Serialize)]
pub struct Erased {
    pub of_position: u64,
    pub path: String,
    pub on: String,
    pub basis: String,
    pub by: String,
    pub approver: String,
    pub requester: String,
    /// Of the redaction.
    pub position: u64,
}

/// One event as it is stored.
#[derive(Debug, Serialize)]
pub struct Told {
    pub position: u64,
    pub stream: String,
    pub revision: u64,
    pub event_id: String,
    pub kind: String,
    /// When it happened, where it happened.
    pub happened: String,
    /// When the ledger learned it.
    pub recorded: String,
    pub actor: String,
    pub role: String,
    pub approver: Option<String>,
    pub source: String,
    pub external_id: Option<String>,
    /// `stands`, `corrected` or `reversed`.
    pub standing: &'static str,
    /// In one line.
    pub says: String,
    /// Everything it says, a line per field.
    pub fields: Vec<Said>,
}

/// A field of an event.
#[derive(Debug, Clone, Serialize)]
pub struct Said {
    pub path: String,
    pub text: String,
    pub state: State,
}

/// A field of the evidence object that card processors ask for.
#[derive(Debug, Serialize)]
pub struct Field {
    pub name: &'static str,
    pub value: Option<String>,
    /// Which fact the ledger lacks, when there is no value; else what to know of the value.
    pub note: Option<String>,
}

/// What it takes to check the events without trusting whoever made the packet.
#[derive(Debug, Serialize)]
pub struct Proofs {
    pub heads: Vec<Head>,
    /// Keys that signed the checkpoint: compare them with what you got by another way.
    pub keys: Vec<Key>,
    pub events: Vec<Proof>,
}

/// A head of the log that events are proved against.
#[derive(Debug, Serialize)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
    /// The signed note (C2SP tlog-checkpoint); `null` = the head of the log as it stood, which nobody has signed.
    pub checkpoint: Option<String>,
    /// Names in the note's signature lines.
    pub signed_by: Vec<String>,
    /// Whether the program checked the signatures with keys that it was told to trust.
    pub signatures_checked: bool,
}

/// A key that checks signatures (C2SP signed-note vkey).
#[derive(Debug, Serialize)]
pub struct Key {
    pub name: String,
    /// `log` or `witness`.
    pub kind: &'static str,
    pub vkey: String,
    /// Where the program has it from: given, handed over to by one that was given, or named by the log itself.
    pub source: String,
}

/// That one event is in the log of a head (RFC 6962).
#[derive(Debug, Serialize)]
pub struct Proof {
    pub position: u64,
    /// Which of the heads, from 0.
    pub head: usize,
    /// SHA-256 of a zero byte and the body.
    pub leaf: Hash,
    /// Hashes from the leaf's sibling up to the root.
    pub path: Vec<Hash>,
    /// The event as it is stored: its UTF-8 bytes are what is hashed.
    pub body: String,
    /// Personal values with the salts that open their commitments.
    pub personal: Vec<Opening>,
    /// What stands in the place of the others.
    pub closed: Vec<Closed>,
}

/// A personal value that opens its commitment.
#[derive(Debug, Serialize)]
pub struct Opening {
    pub path: String,
    pub salt: Hash,
    pub value: String,
}

/// A personal value that is not there.
#[derive(Debug, Serialize)]
pub struct Closed {
    pub path: String,
    pub text: String,
    pub state: State,
}
