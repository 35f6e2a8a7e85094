//! Reading: one claim, one order, their timelines, lists and totals, as of any moment.
//!
//! As of now the books answer; as of any other moment the log is folded up to it. Both come from the same
//! functions of the engine, so they cannot disagree about anything but the moment.

use replay::{
    books::{BoardRow, ClaimRows, Sums, TotalKey, rows},
    case::{Case, CaseKey, first_key},
    codec::{OwnedRow, Recorded, open},
    event::Kind,
    history::{Cut, Standing},
    ids::{ClaimId, EventId, OrderId, Stream},
    redaction::Redactions,
};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::cache::{Loaded, read},
    replaying::{Spread, finished, replayed},
    store::{Span, Store},
};

/// The case that a stream belongs to, folded from the log.
///
/// # Errors
/// [`ErrorKind::NotFound`] when nothing is on record under that name, [`ErrorKind::BrokenLog`] when the log
/// contradicts itself there.
pub fn case_of<S: Store>(store: &mut S, stream: &Stream) -> Result<Case> {
    let key = match stream {
        Stream::Ledger => return Ok(Case::default()),
        Stream::Order(id) => CaseKey::Order(id.clone()),
        Stream::Claim(id) => {
            let first = store.history(stream)?.into_iter().next();
            let row = first.ok_or_else(|| unknown("claim", id))?;
            first_key(id, &opened(&row)?.event)
        }
    };
    match read(store, &key)? {
        Loaded::There(case) => {
            if let Stream::Order(id) = stream
                && case.order.is_none()
            {
                return Err(unknown("order", id));
            }
            Ok(case)
        }
        Loaded::Broken(error) => Err(error),
    }
}

fn unknown(what: &str, id: &dyn std::fmt::Display) -> Error {
    let hint = match what {
        "claim" => "claims list shows the claims that are there",
        _ => "check the id; claims show CLAIM names the order of a claim",
    };
    Error::not_found(format!("no {what} {id} is on record")).hint(hint)
}

pub(crate) fn opened(row: &OwnedRow) -> Result<Recorded> {
    open(&row.as_row()).map_err(|why| {
        Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {}: {why}", row.position))
            .hint("claims audit names everything that is wrong")
    })
}

/// One claim as it stands under a cut.
///
/// # Errors
/// When there is no such claim, or not yet at that moment.
pub fn claim<S: Store>(store: &mut S, id: &ClaimId, cut: &Cut) -> Result<ClaimRows> {
    let case = case_of(store, &Stream::Claim(id.clone()))?;
    rows(&case, id, cut).ok_or_else(|| Error::not_found(format!("claim {id} did not exist at that moment")))
}

/// One event of a timeline.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Place in the log.
    pub position: u64,
    /// Its stream.
    pub stream: String,
    /// Place in its stream.
    pub revision: u64,
    /// Its id.
    pub event_id: String,
    /// What kind it is.
    pub kind: String,
    /// When it happened, where it happened.
    pub effective_at: String,
    /// When the ledger learned it.
    pub recorded_at: String,
    /// Who brought it.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// The second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The system it came from.
    pub source: String,
    /// That system's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `stands`, `corrected` or `reversed`.
    pub standing: &'static str,
    /// The payload, personal values opened where they are still there and asked for.
    pub payload: serde_json::Value,
    /// Personal values that were erased.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
}

/// A personal value that was erased with approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redacted {
    /// Path inside the payload.
    pub path: String,
    /// The local day of the erasure.
    pub on: String,
    /// The legal basis.
    pub basis: String,
    /// The position of the redaction.
    pub position: u64,
}

/// Every redaction on record.
///
/// # Errors
/// Storage errors, and a broken ledger stream.
pub fn redactions<S: Store>(store: &mut S) -> Result<Redactions> {
    let mut redactions = Redactions::default();
    let kind = Kind::PersonalDataRedacted.as_str();
    for row in store.registry()?.iter().filter(|row| row.kind == kind) {
        redactions.take(&opened(row)?);
    }
    Ok(redactions)
}

/// The values of one event that were erased with approval.
pub fn redacted_of(redactions: &Redactions, event: EventId) -> Vec<Redacted> {
    let approved = redactions.of_event(event).filter(|(_, r)| r.approval.is_ok());
    let row = |(path, r): (&str, &replay::redaction::Redaction)| Redacted {
        path: path.into(),
        on: r.on.local_day().to_string(),
        basis: r.basis.to_string(),
        position: r.position.get(),
    };
    approved.map(row).collect()
}

/// Everything on record about a claim (with its order's events, if asked) or an order, by effective time.
///
/// # Errors
/// As [`case_of`].
pub fn timeline<S: Store>(
    store: &mut S,
    stream: &Stream,
    with_order: bool,
    clear: bool,
    cut: &Cut,
) -> Result<Vec<Entry>> {
    let case = case_of(store, stream)?;
    let mut streams = vec![stream.clone()];
    if let (true, Stream::Claim(_), Some(order)) = (with_order, stream, &case.order) {
        streams.push(Stream::Order(order.id.clone()));
    }
    let redactions = redactions(store)?;
    let mut entries = Vec::new();
    for stream in &streams {
        let history = match stream {
            Stream::Claim(id) => case.claims.get(id).map(|c| &c.history),
            Stream::Order(_) => case.order.as_ref().map(|o| &o.history),
            Stream::Ledger => None,
        };
        let standing: BTreeMap<u64, &'static str> = history
            .map(|h| h.standing(cut))
            .unwrap_or_default()
            .iter()
            .map(|s| (s.fact.position.get(), standing_word(s)))
            .collect();
        for row in store.history(stream)? {
            let recorded = opened(&row)?;
            let e = &recorded.envelope;
            let unseen = cut.position.is_some_and(|p| e.position > p)
                || cut.known_at.is_some_and(|t| e.recorded_at > t)
                || cut.effective_at.is_some_and(|t| e.effective.at > t);
            if unseen {
                continue;
            }
            let word = standing.get(&row.position).copied().unwrap_or("stands");
            entries.push(entry(store, &row, &recorded, word, clear, &redactions)?);
        }
    }
    entries.sort_by_key(|(effective, entry)| (*effective, entry.position));
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// `stands`, `corrected` or `reversed`.
pub fn standing_word(s: &Standing<'_>) -> &'static str {
    let corrected = matches!(s.event, std::borrow::Cow::Owned(_)) || s.effective != s.fact.effective;
    match (s.reversed, corrected) {
        (Some(_), _) => "reversed",
        (None, true) => "corrected",
        (None, false) => "stands",
    }
}

pub(crate) fn entry<S: Store>(
    store: &mut S,
    row: &OwnedRow,
    recorded: &Recorded,
    standing: &'static str,
    clear: bool,
    redactions: &Redactions,
) -> Result<(i64, Entry)> {
    let e = &recorded.envelope;
    let mut payload = recorded.event.to_value().unwrap_or_default();
    if clear {
        for value in store.personal(row.position)? {
            open_value(&mut payload, &value.path, &value.value);
        }
        for (path, redaction) in redactions.of_event(e.event_id).filter(|(_, r)| r.approval.is_ok()) {
            open_value(&mut payload, path, &redaction.to_string());
        }
    }
    let entry = Entry {
        position: row.position,
        stream: row.stream.clone(),
        revision: row.revision,
        event_id: e.event_id.to_string(),
        kind: row.kind.clone(),
        effective_at: e.effective.to_string(),
        recorded_at: e.recorded_at.to_string(),
        actor: e.actor.to_string(),
        role: e.role.to_string(),
        approver: e.approver.as_ref().map(ToString::to_string),
        source: e.source.to_string(),
        external_id: e.external_id.as_ref().map(ToString::to_string),
        standing,
        payload,
        redacted: redacted_of(redactions, e.event_id),
    };
    Ok((e.effective.at.micros(), entry))
}

/// What stands at a path of a payload, e.g. at `lines[0].serials[2]`.
pub fn at_path<'a>(payload: &'a serde_json::Value, path: &str) -> Option<&'a serde_json::Value> {
    path.split(['.', '[']).try_fold(payload, |place, step| match step.strip_suffix(']') {
        Some(index) => index.parse::<usize>().ok().and_then(|i| place.get(i)),
        None => place.get(step),
    })
}

/// Puts a text in the place of a commitment: the value behind it, or that there is none any more.
pub(crate) fn open_value(payload: &mut serde_json::Value, path: &str, value: &str) {
    let place = path.split(['.', '[']).try_fold(payload, |place, step| match step.strip_suffix(']') {
        Some(index) => index.parse::<usize>().ok().and_then(|i| place.get_mut(i)),
        None => place.get_mut(step),
    });
    if let Some(place) = place {
        *place = serde_json::Value::String(value.into());
    }
}

/// Folds the log up to a cut into the books of that moment.
///
/// # Errors
/// Storage errors, and a broken log, since figures from it would be wrong.
pub fn books_as_of<S: Store>(store: &mut S, cut: &Cut) -> Result<replay::audit::Outcome> {
    let origin = store.origin().clone();
    let replay = replay::audit::Replay::new(Some(origin), *cut);
    let last = cut.position.map_or(u64::MAX, |p| p.get());
    let (replay, ()) = replayed(replay, Spread::default(), |take| {
        store.scan(Span { first: 1, last }, &mut |row| {
            take(row);
            std::ops::ControlFlow::Continue(())
        })
    })?;
    let outcome = finished(replay, Spread::default());
    match outcome.findings.iter().find(|found| found.touches_figures()) {
        None => Ok(outcome),
        Some(first) => Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", first.to_string())
            .hint("claims audit names everything that is wrong")),
    }
}

/// Which claims a list shows; every part that is given must match.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Merchant (policy id).
    pub merchant: Option<String>,
    /// Stage of the claim.
    pub stage: Option<String>,
    /// Country of the order.
    pub country: Option<String>,
    /// Asserted reason.
    pub reason: Option<String>,
    /// One of the flags.
    pub flag: Option<String>,
    /// The order.
    pub order: Option<OrderId>,
    /// Only claims on which money is still open.
    pub open_money: bool,
    /// Opened on this day or later.
    pub opened_from: Option<String>,
    /// Opened on this day or earlier.
    pub opened_to: Option<String>,
}

impl Filter {
    /// Whether a row is shown.
    pub fn matches(&self, row: &BoardRow) -> bool {
        let is = |want: &Option<String>, have: &str| want.as_ref().is_none_or(|want| want == have);
        is(&self.merchant, &row.merchant)
            && is(&self.stage, &row.stage)
            && is(&self.country, &row.country)
            && is(&self.reason, &row.reason)
            && self.flag.as_ref().is_none_or(|flag| row.flags.split(' ').any(|f| f == flag))
            && self.order.as_ref().is_none_or(|order| row.order.as_deref() == Some(order.as_str()))
            && (!self.open_money || row.open_minor > 0)
            && self.opened_from.as_ref().is_none_or(|day| row.opened_on >= *day)
            && self.opened_to.as_ref().is_none_or(|day| row.opened_on <= *day)
    }
}

/// What totals are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum By {
    /// Merchant (policy id).
    Merchant,
    /// Month of the credit, its reversal or its failure.
    Month,
    /// The month it was posted in: the same, or the open one if that was sealed before it was known.
    PostingMonth,
    /// Country of the order.
    Country,
    /// Asserted reason.
    Reason,
    /// Refund, gift credit or historical credit.
    Kind,
}

impl By {
    /// The word in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            By::Merchant => "merchant",
            By::Month => "month",
            By::PostingMonth => "posting_month",
            By::Country => "country",
            By::Reason => "reason",
            By::Kind => "kind",
        }
    }
    fn of(self, key: &TotalKey) -> &str {
        match self {
            By::Merchant => &key.merchant,
            // Where a claim alone is asked, there is only the month in which it happened.
            By::Month | By::PostingMonth => &key.month,
            By::Country => &key.country,
            By::Reason => &key.reason,
            By::Kind => &key.kind,
        }
    }
}

/// Sums per group and currency; the last part of each name is the currency.
pub fn group_totals<'a>(
    totals: impl Iterator<Item = (&'a TotalKey, &'a Sums)>,
    by: &[By],
) -> BTreeMap<(Vec<String>, String), Sums> {
    let mut groups: BTreeMap<(Vec<String>, String), Sums> = BTreeMap::new();
    for (key, sums) in totals {
        let names = by.iter().map(|by| by.of(key).to_string()).collect();
        groups.entry((names, key.currency.clone())).or_default().add(sums);
    }
    groups
}

/// Minor units as people write them, e.g. 12.50; a currency nobody knows stays in minor units.
pub fn money(minor: u64, currency: &str) -> String {
    replay::money::Currency::parse(currency)
        .ok()
        .and_then(|currency| replay::money::Amount::new(minor, currency).ok())
        .map_or_else(|| minor.to_string(), |amount| amount.decimal_text())
}
