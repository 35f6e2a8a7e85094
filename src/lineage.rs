//! Lineage with its surroundings: the engine says what each event moved (`replay::lineage`), this finds the cases to ask,
//! puts who and when beside each event, and adds up.
//!
//! A claim and an event are found by the log's own indexes. A total is asked of the whole log, folded once, so that it
//! is an answer of its own to compare with the totals that are served.

mod event;

pub use event::{Amending, Decided, Moved, OfEvent, Touched, of_event, position_of};

use replay::{
    books::{Sums, TotalKey},
    case::Case,
    event::Event,
    history::{Cut, Fact},
    ids::{ClaimId, Stream},
    lineage::{Figure, OfClaim, OfTotal, Step, figures, of_total, steps, unit_of},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::{Error, Result},
    judging::world::Whole,
    store::Store,
    view::case_of,
};

/// An event with what it moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Place in the log.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// Its stream.
    pub stream: String,
    /// What kind it is.
    pub kind: &'static str,
    /// When it happened, where it happened.
    pub effective_at: String,
    /// When the ledger learned it.
    pub recorded_at: String,
    /// Who brought it.
    pub actor: String,
    /// The second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// By how much it moved the figure, in minor units, units or credits.
    pub moved: i64,
}

impl Entry {
    fn new(step: &Step<'_>, moved: i64) -> Self {
        let fact = step.fact;
        Self {
            position: fact.position.get(),
            event_id: fact.event_id.to_string(),
            stream: step.stream.to_string(),
            kind: fact.event.kind().as_str(),
            effective_at: fact.effective.to_string(),
            recorded_at: fact.recorded_at.to_string(),
            actor: fact.actor.to_string(),
            approver: fact.approver.as_ref().map(ToString::to_string),
            moved,
        }
    }
}

/// A figure with the events behind it; their movements add up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lineage {
    /// Its name: `owed`, `credited`, `obligation charge F1` ...
    pub figure: String,
    /// ISO 4217 code of the claim or the total.
    pub currency: String,
    /// A currency, `units` or `credits`.
    pub unit: String,
    /// What it comes to.
    pub value: i64,
    /// The events, by position.
    #[serde(skip)]
    pub entries: Vec<Entry>,
}

/// The figures of a claim and its obligations with the events behind them; all that anything has moved, or one figure.
///
/// # Errors
/// When there is no such claim, or not yet at that moment.
pub fn of_claim<S: Store>(
    store: &mut S,
    id: &ClaimId,
    wanted: Option<OfClaim>,
    cut: &Cut,
) -> Result<Vec<Lineage>> {
    let case = case_of(store, &Stream::Claim(id.clone()))?;
    let currency = currency(&case, id, cut)
        .ok_or_else(|| Error::not_found(format!("claim {id} did not exist at that moment")))?;
    let steps = steps(&case, id, cut);
    let now = figures(&case, id, cut);
    let mut names: BTreeSet<Figure> = steps.iter().flat_map(|step| step.moved.keys().cloned()).collect();
    if let Some(figure) = wanted {
        names = BTreeSet::from([Figure::Claim { claim: id.clone(), figure }]);
    }
    let mut found = Vec::new();
    for name in names {
        let figure = match &name {
            Figure::Claim { figure, .. } => figure.to_string(),
            Figure::Obligation { what, item, .. } => {
                format!("obligation {what} {item}").trim_end().to_owned()
            }
            Figure::Total { .. } => continue,
        };
        let moved = |step: &Step<'_>| step.moved.get(&name).map(|by| Entry::new(step, *by));
        let entries = steps.iter().filter_map(moved).collect();
        let value = now.get(&name).copied().unwrap_or_default();
        let unit = unit_of(&name, &currency);
        found.push(Lineage { figure, currency: currency.clone(), unit, value, entries });
    }
    Ok(found)
}

/// The currency of a claim's figures under a cut.
fn currency(case: &Case, id: &ClaimId, cut: &Cut) -> Option<String> {
    replay::books::rows(case, id, cut).map(|rows| rows.board.currency)
}

/// Which part of the refund totals is meant; every part that is given must match.
#[derive(Debug, Clone, Default)]
pub struct Which {
    /// Policy id.
    pub merchant: Option<String>,
    /// Of the order.
    pub country: Option<String>,
    /// As asserted.
    pub reason: Option<String>,
    /// `refund`, `gift_credit` or `historical`.
    pub kind: Option<String>,
    /// `2024-04`.
    pub month: Option<String>,
    /// ISO 4217.
    pub currency: Option<String>,
}

impl Which {
    /// Whether a total belongs to it.
    pub fn matches(&self, key: &TotalKey) -> bool {
        let is = |want: &Option<String>, have: &str| want.as_ref().is_none_or(|want| want == have);
        is(&self.merchant, &key.merchant)
            && is(&self.country, &key.country)
            && is(&self.reason, &key.reason)
            && is(&self.kind, &key.kind)
            && is(&self.month, &key.month)
            && is(&self.currency, &key.currency)
    }
    /// The sums of what matches, per currency.
    pub fn sums<'a>(
        &self,
        totals: impl Iterator<Item = (&'a TotalKey, &'a Sums)>,
        figure: OfTotal,
    ) -> BTreeMap<String, i64> {
        let mut sums: BTreeMap<String, i64> = BTreeMap::new();
        for (key, total) in totals.filter(|(key, _)| self.matches(key)) {
            let sum = sums.entry(key.currency.clone()).or_default();
            *sum = sum.saturating_add(of_total(total, figure));
        }
        sums
    }
}

/// A refund total with the events behind it, once per currency: currencies are never added up.
///
/// # Errors
/// An interruption.
pub fn of_totals(
    whole: &Whole,
    which: &Which,
    figure: OfTotal,
    cut: &Cut,
    shown: bool,
) -> Result<Vec<Lineage>> {
    let mut found: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    whole.each(shown, |_, case| {
        for (id, claim) in &case.claims {
            if claim.history.facts().iter().any(credits) {
                total_of(case, id, which, figure, cut, &mut found);
            }
        }
    })?;
    let lineage = |(currency, mut entries): (String, Vec<Entry>)| {
        entries.sort_by_key(|entry| entry.position);
        let value = entries.iter().fold(0i64, |sum, entry| sum.saturating_add(entry.moved));
        let unit = if figure == OfTotal::Credits { "credits".to_owned() } else { currency.clone() };
        Lineage { figure: figure.to_string(), currency, unit, value, entries }
    };
    Ok(found.into_iter().map(lineage).collect())
}

/// Whether an event begins a credit; a claim without one is in no total.
fn credits(fact: &Fact) -> bool {
    matches!(
        fact.event,
        Event::RefundIssued(_) | Event::GiftCreditIssued(_) | Event::HistoricalCreditRecorded(_)
    )
}

fn total_of(
    case: &Case,
    id: &ClaimId,
    which: &Which,
    wanted: OfTotal,
    cut: &Cut,
    found: &mut BTreeMap<String, Vec<Entry>>,
) {
    for step in steps(case, id, cut) {
        let mut moved: BTreeMap<&str, i64> = BTreeMap::new();
        for (name, by) in &step.moved {
            if let Figure::Total { key, figure } = name
                && *figure == wanted
                && which.matches(key)
            {
                let sum = moved.entry(&key.currency).or_default();
                *sum = sum.saturating_add(*by);
            }
        }
        // What an event takes from one month and adds to another stays out of the sum of both.
        for (currency, by) in moved.into_iter().filter(|(_, by)| *by != 0) {
            found.entry(currency.to_owned()).or_default().push(Entry::new(&step, by));
        }
    }
}
