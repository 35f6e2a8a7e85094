//! Who went beyond the rule: second persons, discretion, goodwill; refusals that were tried again with success; money
//! that was corrected or reversed afterwards.

use replay::{
    claim::is_goodwill,
    codec::{Recorded, Row},
    event::{Event, Kind},
    money::Amount,
    policy::is_refusal,
    time::Day,
};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

use super::{
    Ask,
    entry::{Entry, Reader},
};
use crate::{error::Result, judging::world::Whole};

/// Everything of that sort in the window.
#[derive(Debug, Default, Serialize)]
pub struct Overrides {
    /// Events with a second person, by that person and the kind of event.
    pub approvals: Vec<Granted>,
    /// Decisions at a point of the policy, by person, point and reason.
    pub discretion: Vec<Granted>,
    /// Money outside the policy (H-19), by person, point and reason.
    pub goodwill: Vec<Granted>,
    /// Refused acts, and the later act of the same kind on the same stream.
    pub retried: Vec<Retried>,
    /// Corrections and reversals of money events.
    pub amended: Vec<Amended>,
}

/// What one person granted for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Who.
    pub person: String,
    /// The kind of event, or the discretion point.
    pub what: String,
    /// Why, where the event says it.
    pub reason: String,
    /// ISO 4217; empty where no amount is named.
    pub currency: String,
    /// How often.
    pub count: u64,
    /// Sum in minor units.
    pub amount_minor: u64,
}

/// A refused act, and the act that was taken later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Retried {
    /// Place of the refusal.
    pub refused_position: u64,
    /// Who was refused.
    pub refused_actor: String,
    /// What was asked for.
    pub kind: String,
    /// On which stream.
    pub stream: String,
    /// The refusal.
    pub reason: String,
    /// The amount asked for, in minor units.
    pub amount_minor: Option<u64>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// Place of the act that was taken.
    pub position: u64,
    /// Who brought it.
    pub actor: String,
    /// The second person.
    pub approver: Option<String>,
    /// Its local day.
    pub day: Day,
}

/// A money event that was corrected or reversed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amended {
    /// Place of the amendment.
    pub position: u64,
    /// `correction` or `reversal`.
    pub what: &'static str,
    /// Place of what it amends.
    pub of_position: u64,
    /// The claim.
    pub claim: String,
    /// In minor units.
    pub amount_minor: u64,
    /// ISO 4217.
    pub currency: String,
    /// Its local day.
    pub day: Day,
    /// Who.
    pub person: String,
    /// The second person.
    pub approver: String,
    /// Why.
    pub reason: String,
}

/// What is gathered while the rows pass.
pub(super) struct Seen {
    ask: Ask,
    /// Refusals that wait for an act of the same kind on the same stream.
    waiting: HashMap<(String, String), Vec<Retried>>,
    retried: Vec<Retried>,
    /// Approvals of the ledger stream; those of claims and orders are read from their cases.
    approvals: BTreeMap<GrantedKey, (u64, u64)>,
}

/// Person, what, reason, currency.
type GrantedKey = (String, String, String, String);

impl Seen {
    pub(super) fn new(ask: &Ask) -> Self {
        Self { ask: ask.clone(), waiting: HashMap::new(), retried: Vec::new(), approvals: BTreeMap::new() }
    }

    /// Whether this could be the act that was refused before.
    pub(super) fn waits_for(&self, row: &Row<'_>) -> bool {
        !self.waiting.is_empty() && self.waiting.contains_key(&(row.stream.to_owned(), row.kind.to_owned()))
    }

    pub(super) fn recorded(&mut self, recorded: &Recorded) {
        let e = &recorded.envelope;
        let kind = recorded.event.kind();
        let day = e.effective.local_day();
        let place = (e.stream.to_string(), kind.as_str().to_owned());
        for refused in self.waiting.remove(&place).unwrap_or_default() {
            let approver = e.approver.as_ref().map(ToString::to_string);
            let (position, actor) = (e.position.get(), e.actor.to_string());
            self.retried.push(Retried { position, actor, approver, day, ..refused });
        }
        if let Event::AppendRefused(r) = &recorded.event {
            let place = (r.stream.to_string(), r.kind.to_string());
            self.waiting.entry(place).or_default().push(Retried {
                refused_position: e.position.get(),
                refused_actor: e.actor.to_string(),
                kind: r.kind.to_string(),
                stream: r.stream.to_string(),
                reason: r.reason.to_string(),
                amount_minor: r.amount.map(Amount::minor),
                currency: r.amount.map(|a| a.currency().as_str().into()),
                position: 0,
                actor: String::new(),
                approver: None,
                day,
            });
        }
        let of_the_ledger = kind.places().ledger && kind != Kind::AppendRefused;
        if let (true, true, Some(approver)) = (of_the_ledger, self.ask.holds(day), &e.approver) {
            let key = (approver.to_string(), kind.to_string(), String::new(), String::new());
            add(&mut self.approvals, key, 0);
        }
    }
}

fn add(sums: &mut BTreeMap<GrantedKey, (u64, u64)>, key: GrantedKey, minor: u64) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0.saturating_add(1), sum.1.saturating_add(minor));
}

fn granted(sums: BTreeMap<GrantedKey, (u64, u64)>) -> Vec<Granted> {
    let row = |((person, what, reason, currency), (count, amount_minor))| Granted {
        person,
        what,
        reason,
        currency,
        count,
        amount_minor,
    };
    sums.into_iter().map(row).collect()
}

impl Reader {
    /// What went beyond the rule in the window; `entries` are those of the window.
    ///
    /// # Errors
    /// An interruption.
    pub(super) fn overrides(
        &mut self,
        whole: &Whole,
        entries: &[Entry],
        ask: &Ask,
        shown: bool,
    ) -> Result<Overrides> {
        let by_position: HashMap<u64, &Entry> = entries.iter().map(|e| (e.position, e)).collect();
        let mut approvals = std::mem::take(&mut self.seen.approvals);
        let (mut discretion, mut goodwill) = (BTreeMap::new(), BTreeMap::new());
        whole.each(shown, |_, case| {
            let claims = case.claims.values().map(|c| &c.history);
            let histories = claims.chain(case.order.iter().map(|o| &o.history));
            for fact in histories.flat_map(|h| h.facts()).filter(|f| ask.holds(f.effective.local_day())) {
                let entry = by_position.get(&fact.position.get());
                if let Some(approver) = &fact.approver {
                    let (currency, minor, reason) = entry.map_or_else(Default::default, |e| {
                        (e.currency.clone(), e.amount_minor, e.reason.clone())
                    });
                    let key = (approver.to_string(), fact.event.kind().to_string(), reason, currency);
                    add(&mut approvals, key, minor);
                }
                let Event::DiscretionExercised(d) = &fact.event else { continue };
                let paid = is_goodwill(&d.point) && !is_refusal(d.decision.as_str());
                let sums = if paid { &mut goodwill } else { &mut discretion };
                let currency = d.amount.map(|a| a.currency().as_str().to_owned()).unwrap_or_default();
                let what = format!("{}: {}", d.point, d.decision);
                let key = (fact.actor.to_string(), what, d.reason_code.to_string(), currency);
                add(sums, key, d.amount.map_or(0, Amount::minor));
            }
        })?;
        let mut retried = std::mem::take(&mut self.seen.retried);
        retried.retain(|r| ask.holds(r.day));
        let amended = entries.iter().filter_map(|e| {
            Some(Amended {
                position: e.position,
                what: e.transaction_type,
                of_position: e.adjusts?,
                claim: e.claim.clone(),
                amount_minor: e.amount_minor,
                currency: e.currency.clone(),
                day: e.day,
                person: e.entered_by.clone(),
                approver: e.approved_by.clone(),
                reason: e.reason.clone(),
            })
        });
        Ok(Overrides {
            approvals: granted(approvals),
            discretion: granted(discretion),
            goodwill: granted(goodwill),
            retried,
            amended: amended.collect(),
        })
    }
}
