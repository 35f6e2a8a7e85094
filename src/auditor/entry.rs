//! Money events as entries of a subledger: read from the rows as they pass, completed from the cases they belong to.
//!
//! An entry stands on the customer's account. `D` (debit): the customer owes, or was paid out. `C` (credit): the merchant
//! owes, or was paid. What confirms or takes nothing has no indicator.

use replay::{
    claim::is_goodwill,
    codec::{Recorded, Row, open},
    event::{Class, Event, Kind},
    history::Cut,
    ids::{ActorId, ClaimId, Code, EventId, Stream},
    lineage::target_of,
    money::{Amount, Currency},
    policy::is_refusal,
    time::{Day, When},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Ask, overrides::Seen, population::Counted};
use crate::{judging::world::Whole, view::standing_word};

/// A money event.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Place in the log.
    pub position: u64,
    /// The event.
    pub event_id: String,
    /// Its kind.
    pub kind: &'static str,
    /// What it is in a subledger.
    pub transaction_type: &'static str,
    /// `D`, `C`, or empty where nothing moved.
    pub indicator: &'static str,
    /// Id of the refund, charge, chargeback, payment or note.
    pub document_id: String,
    /// Pseudonymous customer number, where the log has one.
    pub customer: String,
    /// Policy id.
    pub merchant: String,
    /// The order; empty for credits from before this ledger.
    pub order: String,
    /// The claim; empty for payments of an order.
    pub claim: String,
    /// In minor units.
    pub amount_minor: u64,
    /// ISO 4217.
    pub currency: String,
    /// When it happened, where it happened.
    pub effective_at: When,
    /// Its local day.
    pub day: Day,
    /// When the ledger learned it.
    pub recorded_at: String,
    /// Who brought it.
    pub entered_by: String,
    /// In which role.
    pub role: String,
    /// The second person.
    pub approved_by: String,
    /// The system it came from.
    pub source: String,
    /// That system's key.
    pub reference: String,
    /// Why, where the event says it.
    pub reason: String,
    /// Position of the entry that it corrects or reverses.
    pub adjusts: Option<u64>,
    /// `stands`, `corrected` or `reversed`.
    pub standing: &'static str,
    #[serde(skip)]
    pub(super) recorded_micros: i64,
    /// Something a person of the merchant did, not a fact from outside.
    #[serde(skip)]
    pub(super) is_act: bool,
    /// The month it belongs to had been sealed when it was recorded.
    #[serde(skip)]
    pub(super) after_close: bool,
    /// The limit of the role for this kind of act, as it was then, in minor units.
    #[serde(skip)]
    pub(super) limit_minor: Option<u64>,
    #[serde(skip)]
    pub(super) stream: Stream,
    #[serde(skip)]
    pub(super) id: EventId,
}

/// What an event comes to as an entry.
struct Booked {
    transaction_type: &'static str,
    indicator: &'static str,
    document: String,
    amount: Amount,
    reason: Option<Code>,
}

/// Takes the rows of a log as they pass.
pub(super) struct Reader {
    pub(super) counted: Counted,
    pub(super) seen: Seen,
    entries: Vec<Entry>,
    at: HashMap<EventId, usize>,
    /// Amounts of refunds, charges (with what is open) and chargebacks, by claim and id.
    known: HashMap<(Stream, &'static str, String), Amount>,
    sealed: BTreeSet<String>,
    limits: BTreeMap<(Code, Code, Currency), u64>,
}

impl Reader {
    pub(super) fn new(ask: &Ask) -> Self {
        Self {
            counted: Counted::default(),
            seen: Seen::new(ask),
            entries: Vec::new(),
            at: HashMap::new(),
            known: HashMap::new(),
            sealed: BTreeSet::new(),
            limits: BTreeMap::new(),
        }
    }

    /// The next row. What cannot be read is named by the replay beside it.
    pub(super) fn row(&mut self, row: &Row<'_>) {
        self.counted.row(row);
        let kind = row.kind.parse::<Kind>().ok();
        let wanted = kind.is_some_and(is_read) || self.seen.waits_for(row);
        if let Some(recorded) = wanted.then(|| open(row).ok()).flatten() {
            self.seen.recorded(&recorded);
            self.recorded(&recorded);
        }
    }

    /// Recorded time of the last row, in microseconds.
    pub(super) fn recorded_at(&self) -> i64 {
        self.counted.recorded_at
    }

    fn recorded(&mut self, recorded: &Recorded) {
        let e = &recorded.envelope;
        match &recorded.event {
            Event::PeriodClosed(p) => {
                self.sealed.insert(p.period.clone());
            }
            Event::PeriodReopened(p) => {
                self.sealed.remove(&p.period);
            }
            Event::LimitSet(l) => {
                let key = (l.role.clone(), l.act.clone(), l.amount.currency());
                self.limits.insert(key, l.amount.minor());
            }
            _ => {}
        }
        let adjusts = target_of(&recorded.event).and_then(|id| self.at.get(&id)).copied();
        let Some(booked) = self.booked(&e.stream, &recorded.event, adjusts) else { return };
        let kind = recorded.event.kind();
        let day = e.effective.local_day();
        let limit = Code::new(kind.as_str()).ok();
        let limit = limit.map(|act| (e.role.clone(), act, booked.amount.currency()));
        let text = |actor: Option<&ActorId>| actor.map(ToString::to_string).unwrap_or_default();
        self.at.insert(e.event_id, self.entries.len());
        self.entries.push(Entry {
            position: e.position.get(),
            event_id: e.event_id.to_string(),
            kind: kind.as_str(),
            transaction_type: booked.transaction_type,
            indicator: booked.indicator,
            document_id: booked.document,
            customer: match &recorded.event {
                Event::HistoricalCreditRecorded(h) => {
                    h.customer.as_ref().map(ToString::to_string).unwrap_or_default()
                }
                _ => String::new(),
            },
            merchant: String::new(),
            order: String::new(),
            claim: match &e.stream {
                Stream::Claim(id) => id.to_string(),
                _ => String::new(),
            },
            amount_minor: booked.amount.minor(),
            currency: booked.amount.currency().as_str().into(),
            effective_at: e.effective,
            day,
            recorded_at: e.recorded_at.to_string(),
            entered_by: e.actor.to_string(),
            role: e.role.to_string(),
            approved_by: text(e.approver.as_ref()),
            source: e.source.to_string(),
            reference: e.external_id.as_ref().map(ToString::to_string).unwrap_or_default(),
            reason: booked.reason.map(|r| r.to_string()).unwrap_or_default(),
            adjusts: adjusts.and_then(|at| self.entries.get(at)).map(|entry| entry.position),
            standing: "stands",
            recorded_micros: e.recorded_at.micros(),
            is_act: kind.class() == Class::Act,
            after_close: self.sealed.contains(&day.month().to_string()),
            limit_minor: limit.and_then(|key| self.limits.get(&key)).copied(),
            stream: e.stream.clone(),
            id: e.event_id,
        });
    }

    /// The event as an entry; `None` when it moves no money.
    fn booked(&mut self, stream: &Stream, event: &Event, adjusts: Option<usize>) -> Option<Booked> {
        let entry = |transaction_type, indicator, document: &dyn ToString, amount: Amount| Booked {
            transaction_type,
            indicator,
            document: document.to_string(),
            amount,
            reason: None,
        };
        let key = |what: &'static str, id: &dyn ToString| (stream.clone(), what, id.to_string());
        let booked = match event {
            Event::PaymentCaptured(p) => entry("payment_received", "C", &p.payment, p.amount),
            Event::RemedyDecided(d) => {
                let amount = d.entitlement.filter(|amount| !amount.is_zero())?;
                Booked { reason: d.reason_code.clone(), ..entry("credit_memo", "C", &"", amount) }
            }
            Event::DiscretionExercised(d) if is_goodwill(&d.point) && !is_refusal(d.decision.as_str()) => {
                Booked { reason: Some(d.reason_code.clone()), ..entry("goodwill", "C", &d.point, d.amount?) }
            }
            Event::RefundIssued(r) => {
                self.known.insert(key("credit", &r.refund), r.amount);
                entry("refund", "D", &r.refund, r.amount)
            }
            Event::GiftCreditIssued(g) => {
                self.known.insert(key("credit", &g.credit), g.amount);
                entry("gift_credit", "D", &g.credit, g.amount)
            }
            Event::HistoricalCreditRecorded(h) => entry("historical_credit", "D", &h.reference, h.amount),
            Event::RefundFailed(f) => {
                let amount = *self.known.get(&key("credit", &f.refund))?;
                Booked {
                    reason: Some(f.reason_code.clone()),
                    ..entry("refund_returned", "C", &f.refund, amount)
                }
            }
            Event::FeeCharged(c) => {
                self.known.insert(key("charge", &c.charge), c.amount);
                Booked { reason: Some(c.fee.clone()), ..entry("fee", "D", &c.charge, c.amount) }
            }
            Event::CustomerCharged(c) => {
                self.known.insert(key("charge", &c.charge), c.amount);
                Booked { reason: Some(c.cost.clone()), ..entry("charge", "D", &c.charge, c.amount) }
            }
            Event::ChargePaid(p) => {
                if let Some(open) = self.known.get_mut(&key("charge", &p.charge)) {
                    *open = open.checked_sub(p.amount).unwrap_or(Amount::zero(open.currency()));
                }
                entry("charge_received", "C", &p.charge, p.amount)
            }
            Event::ChargeWaived(w) => {
                let open = *self.known.get(&key("charge", &w.charge))?;
                Booked { reason: Some(w.reason_code.clone()), ..entry("charge_waived", "C", &w.charge, open) }
            }
            Event::ChargebackOpened(c) => {
                self.known.insert(key("chargeback", &c.psp_ref), c.amount);
                Booked {
                    reason: Some(c.reason_code.clone()),
                    ..entry("chargeback", "D", &c.psp_ref, c.amount)
                }
            }
            Event::ChargebackWon(c) => {
                entry("chargeback_won", "C", &c.psp_ref, *self.known.get(&key("chargeback", &c.psp_ref))?)
            }
            Event::ChargebackLost(c) => {
                entry("chargeback_lost", "", &c.psp_ref, *self.known.get(&key("chargeback", &c.psp_ref))?)
            }
            Event::EventReversed(r) => {
                let of = self.entries.get(adjusts?)?;
                let amount = amount_of(of)?;
                let other = match of.indicator {
                    "C" => "D",
                    "D" => "C",
                    _ => "",
                };
                Booked {
                    reason: Some(r.reason_code.clone()),
                    ..entry("reversal", other, &of.document_id, amount)
                }
            }
            Event::EventCorrected(c) => {
                let of = self.entries.get(adjusts?)?;
                let named = ["entitlement", "amount"].iter().find_map(|name| c.set.get(*name));
                let named = named.and_then(|value| serde_json::from_value::<Amount>(value.clone()).ok());
                let amount = named.or_else(|| amount_of(of))?;
                Booked {
                    reason: Some(c.reason_code.clone()),
                    ..entry("correction", "", &of.document_id, amount)
                }
            }
            _ => return None,
        };
        Some(booked)
    }

    /// The entries with what only their cases know.
    pub(super) fn entries(&mut self, whole: &Whole) -> Vec<Entry> {
        let mut entries = std::mem::take(&mut self.entries);
        let cut = Cut::default();
        let mut standings: HashMap<Stream, HashMap<EventId, &'static str>> = HashMap::new();
        for entry in &mut entries {
            let case = match &entry.stream {
                Stream::Claim(id) => whole.case_of(id),
                Stream::Order(id) => whole.case_of_order(id),
                Stream::Ledger => None,
            };
            let Some(case) = case else { continue };
            let history = match &entry.stream {
                Stream::Claim(id) => case.claims.get(id).map(|c| &c.history),
                _ => case.order.as_ref().map(|o| &o.history),
            };
            let Some(history) = history else { continue };
            if let Some(order) = case.order_state() {
                entry.merchant = order.sale.policy.to_string();
            } else if let Some(state) = claim_of(&entry.stream).and_then(|id| case.claim_state(id)) {
                entry.merchant = state.merchant.map(|m| m.to_string()).unwrap_or_default();
            }
            entry.order = case.order.as_ref().map(|o| o.id.to_string()).unwrap_or_default();
            if history.is_amended() {
                let words = standings.entry(entry.stream.clone()).or_insert_with(|| {
                    history.standing(&cut).iter().map(|s| (s.fact.event_id, standing_word(s))).collect()
                });
                entry.standing = match words.get(&entry.id) {
                    Some(word) => word,
                    None if history.is_reversed(entry.id) => "reversed",
                    None => "stands",
                };
            }
        }
        entries
    }
}

fn claim_of(stream: &Stream) -> Option<&ClaimId> {
    match stream {
        Stream::Claim(id) => Some(id),
        _ => None,
    }
}

fn amount_of(entry: &Entry) -> Option<Amount> {
    Amount::new(entry.amount_minor, Currency::parse(&entry.currency).ok()?).ok()
}

/// Kinds whose payload the report asks for.
fn is_read(kind: Kind) -> bool {
    use Kind as K;
    let of_the_ledger = kind.places().ledger && kind != K::ProjectionRebuilt && kind != K::CheckpointRecorded;
    of_the_ledger
        || matches!(
            kind,
            K::PaymentCaptured
                | K::RemedyDecided
                | K::DiscretionExercised
                | K::RefundIssued
                | K::GiftCreditIssued
                | K::HistoricalCreditRecorded
                | K::RefundFailed
                | K::FeeCharged
                | K::CustomerCharged
                | K::ChargePaid
                | K::ChargeWaived
                | K::ChargebackOpened
                | K::ChargebackWon
                | K::ChargebackLost
                | K::EventReversed
                | K::EventCorrected
        )
}
