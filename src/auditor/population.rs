//! Whether the population is complete: what there is, from where to where, and figures that change when anything does.

use replay::{
    codec::Row,
    history::Cut,
    lineage::{Figure, OfTotal, figures},
    merkle::{Hash, sha256},
};
use serde::Serialize;
use std::collections::BTreeMap;

use super::entry::{Entry, Reader};
use crate::{error::Result, judging::world::Whole, proof::Check, view::money};

/// The whole log in figures.
#[derive(Debug, Serialize)]
pub struct Population {
    /// Events.
    pub events: u64,
    /// First position; 0 for an empty log.
    pub first_position: u64,
    /// Last position.
    pub last_position: u64,
    /// When the first event was recorded.
    pub first_recorded_at: Option<String>,
    /// When the last one was.
    pub last_recorded_at: Option<String>,
    /// RFC 6962 root over all leaves.
    pub root: Hash,
    /// SHA-256 over the sorted event ids, in lower case with hyphens, each followed by a newline.
    pub set_checksum: Hash,
    /// What must hold for the population to be complete.
    pub checks: Vec<Check>,
    /// Sums of the refund totals per currency, folded from the log.
    pub control_totals: BTreeMap<String, Totals>,
    /// Events per kind of stream.
    pub streams: BTreeMap<&'static str, u64>,
    /// Events per kind.
    pub kinds: BTreeMap<&'static str, u64>,
}

/// Control totals of one currency, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// How many credits.
    pub credits: i64,
    /// Sum of the credits.
    pub credited_minor: i64,
    /// Of these reversed.
    pub reversed_minor: i64,
    /// Of these failed.
    pub failed_minor: i64,
    /// What is left.
    pub stands_minor: i64,
}

/// What is counted while the rows pass.
#[derive(Default)]
pub(super) struct Counted {
    ids: Vec<[u8; 16]>,
    first: u64,
    last: u64,
    began_at: i64,
    pub(super) recorded_at: i64,
    streams: BTreeMap<&'static str, u64>,
}

impl Counted {
    pub(super) fn row(&mut self, row: &Row<'_>) {
        if self.ids.is_empty() {
            self.first = row.position;
            self.began_at = row.recorded_at;
        }
        self.ids.push(row.event_id);
        self.last = row.position;
        self.recorded_at = row.recorded_at;
        let stream = match row.stream.split_once('/') {
            Some(("order", _)) => "order",
            Some(("claim", _)) => "claim",
            _ => "ledger",
        };
        let count = self.streams.entry(stream).or_default();
        *count = count.saturating_add(1);
    }
}

/// SHA-256 over the sorted ids, in lower case with hyphens, each followed by a newline: `sort | sha256sum`.
pub fn set_checksum(ids: &mut [[u8; 16]]) -> Hash {
    ids.sort_unstable();
    let mut text = String::with_capacity(ids.len().saturating_mul(37));
    for id in ids {
        text.push_str(&uuid::Uuid::from_bytes(*id).hyphenated().to_string());
        text.push('\n');
    }
    sha256(text.as_bytes())
}

impl Reader {
    /// The population; `entries` are those of the whole log.
    ///
    /// # Errors
    /// An interruption.
    pub(super) fn population(&mut self, whole: &Whole, entries: &[Entry], shown: bool) -> Result<Population> {
        let counted = &mut self.counted;
        let events = u64::try_from(counted.ids.len()).unwrap_or(u64::MAX);
        let control_totals = control_totals(whole, shown)?;
        let mut distinct = counted.ids.clone();
        let set_checksum = set_checksum(&mut distinct);
        distinct.dedup();
        let unique = u64::try_from(distinct.len()).unwrap_or(u64::MAX);
        let kinds: u64 = whole.kinds.values().fold(0, |sum, n| sum.saturating_add(*n));
        let check = |what, holds, figure: String| Check { what, holds, figure };
        let checks = vec![
            check(
                "positions run from 1 to the last without a gap",
                events == counted.last && counted.first == u64::from(events > 0),
                format!("{events} events, positions {} to {}", counted.first, counted.last),
            ),
            check(
                "every event is readable, unaltered and lawful",
                whole.faults.is_empty(),
                format!("{} findings", whole.faults.len()),
            ),
            check("every event id is there once", unique == events, format!("{unique} ids")),
            check("the events per kind come to all events", kinds == events, format!("{kinds} events")),
            check(
                "the credits of the subledger come to the control totals",
                credits_agree(entries, &control_totals),
                credited(&control_totals),
            ),
        ];
        let time = |micros: i64| replay::time::Instant::from_micros(micros).ok().map(|at| at.to_string());
        Ok(Population {
            events,
            first_position: counted.first,
            last_position: counted.last,
            first_recorded_at: time(counted.began_at).filter(|_| events > 0),
            last_recorded_at: time(counted.recorded_at).filter(|_| events > 0),
            root: whole.root,
            set_checksum,
            checks,
            control_totals,
            streams: counted.streams.clone(),
            kinds: whole.kinds.clone(),
        })
    }
}

fn control_totals(whole: &Whole, shown: bool) -> Result<BTreeMap<String, Totals>> {
    let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
    whole.each(shown, |_, case| {
        for id in case.claims.keys() {
            for (name, value) in figures(case, id, &Cut::default()) {
                let Figure::Total { key, figure } = name else { continue };
                let total = totals.entry(key.currency).or_default();
                let sum = match figure {
                    OfTotal::Credits => &mut total.credits,
                    OfTotal::Credited => &mut total.credited_minor,
                    OfTotal::Reversed => &mut total.reversed_minor,
                    OfTotal::Failed => &mut total.failed_minor,
                    OfTotal::Stands => &mut total.stands_minor,
                };
                *sum = sum.saturating_add(value);
            }
        }
    })?;
    Ok(totals)
}

fn credited(totals: &BTreeMap<String, Totals>) -> String {
    let sums = totals
        .iter()
        .map(|(currency, t)| format!("{} {currency}", money(t.credited_minor.unsigned_abs(), currency)));
    let sums = sums.collect::<Vec<_>>().join(", ");
    if sums.is_empty() { "none".into() } else { sums }
}

/// Two ways to one figure: the entries as they were read, and the cases as they were folded.
fn credits_agree(entries: &[Entry], totals: &BTreeMap<String, Totals>) -> bool {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    let credits = ["refund", "gift_credit", "historical_credit"];
    for entry in entries.iter().filter(|e| credits.contains(&e.transaction_type)) {
        let sum = sums.entry(&entry.currency).or_default();
        *sum = sum.saturating_add(i64::try_from(entry.amount_minor).unwrap_or(i64::MAX));
    }
    let folded: BTreeMap<&str, i64> =
        totals.iter().map(|(currency, t)| (currency.as_str(), t.credited_minor)).collect();
    sums == folded
}
