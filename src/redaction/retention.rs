//! How long personal values are kept: the schedule is in the log, and a case that is at rest lets its values go.

use replay::{
    case::Case,
    history::{Cut, History},
    hold::keeping,
    ids::Stream,
    redaction::Redactions,
    time::Day,
};
use serde::Serialize;
use std::ops::ControlFlow;

use super::find::{Found, State, of_event};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Span, Store},
    view::opened,
};

/// A personal value that is still there although its retention is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Due {
    /// The value.
    #[serde(flatten)]
    pub value: Found,
    /// The last day on which it was to be kept.
    pub kept_until: String,
    /// The legal hold that keeps it all the same, and the stream on which it was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<(Stream, String)>,
}

/// Every personal value that is past its retention on a day, held or not, by order and claim.
///
/// A value is kept for so many days after the last thing that happened on its case (the order and all its claims),
/// and as long as any claim of it is open. Registered names of actors are in no case: no retention reaches them.
///
/// # Errors
/// A broken log, since it would not be known what is still running; storage errors.
pub fn due<S: Store>(store: &mut S, at: Day) -> Result<Vec<Due>> {
    let origin = store.origin().clone();
    let mut replay = replay::audit::Replay::new(Some(origin), Cut::default()).without_books();
    store.scan(Span::ALL, &mut |row| {
        replay.row(row);
        ControlFlow::Continue(())
    })?;
    let outcome = replay.finish();
    if let Some(first) = outcome.findings.first() {
        return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", first.to_string())
            .hint("claims audit names everything that is wrong"));
    }
    let registry = &outcome.world.registry;
    if registry.retentions().is_empty() {
        return Err(
            Error::not_found("no retention is set").hint("claims retention set WHAT DAYS --basis CODE")
        );
    }
    let mut due = Vec::new();
    for (_, case) in outcome.world.cases() {
        let Some(last) = at_rest(case) else { continue };
        for (stream, history) in streams(case) {
            let past = |path: &str| {
                let kept = registry.retention(path)?;
                let until = last.plus_days(kept.days)?;
                (until < at).then(|| (until, kept.basis.clone()))
            };
            for value in present(store, &stream, history, &outcome.redactions)? {
                let Some((until, basis)) = past(&value.path) else { continue };
                let hold = keeping(case, &stream).map(|(on, hold)| (on, hold.to_string()));
                let value = Found { basis: Some(basis), ..value };
                due.push(Due { value, kept_until: until.to_string(), hold });
            }
        }
    }
    Ok(due)
}

/// Those that a redaction may erase: past their retention and kept by no hold.
pub(super) fn over<S: Store>(store: &mut S, at: Day) -> Result<Vec<Found>> {
    let free = due(store, at)?.into_iter().filter(|due| due.hold.is_none());
    let mut found: Vec<Found> = free.map(|due| due.value).collect();
    if found.is_empty() {
        return Err(Error::not_found(format!(
            "no retention is over on {at} but for values under legal hold"
        ))
        .hint("claims retention due --at DAY lists both"));
    }
    found.sort_by(|a, b| (a.position, &a.path).cmp(&(b.position, &b.path)));
    Ok(found)
}

/// The last day on which anything happened, once every claim has ended.
fn at_rest(case: &Case) -> Option<Day> {
    let ended = |state: replay::claim::ClaimState| state.closed || state.withdrawn;
    if !case.claims.keys().filter_map(|id| case.claim_state(id)).all(ended) {
        return None;
    }
    let facts = streams(case).into_iter().flat_map(|(_, history)| history.facts());
    facts.map(|fact| fact.effective.local_day()).max()
}

fn streams(case: &Case) -> Vec<(Stream, &History)> {
    let order = case.order.iter().map(|order| (Stream::Order(order.id.clone()), &order.history));
    let claims = case.claims.iter().map(|(id, claim)| (Stream::Claim(id.clone()), &claim.history));
    order.chain(claims).collect()
}

/// The personal values of one stream that are there.
fn present<S: Store>(
    store: &mut S,
    stream: &Stream,
    history: &History,
    redactions: &Redactions,
) -> Result<Vec<Found>> {
    let mut found = Vec::new();
    for fact in history.facts() {
        if store.personal(fact.position.get())?.is_empty() {
            continue;
        }
        let row = store.row(fact.position.get())?.ok_or_else(|| {
            Error::new(
                ErrorKind::BrokenLog,
                "event_is_missing",
                format!("position {} is missing", fact.position),
            )
            .at(stream)
        })?;
        let values = of_event(store, &mut opened(&row)?, redactions)?;
        found.extend(values.into_iter().filter(|value| value.state == State::Open));
    }
    Ok(found)
}
