//! Asking the policy: claims judged from the log, under any cut, in the words of [`replay::judge`].

pub mod board;
pub mod explain;
pub mod leakage;
pub mod next;
mod outcome;
pub mod whatif;
pub mod world;

pub use outcome::{due_text, of_claim, of_order};

use replay::{
    case::Case,
    codec::open,
    history::Cut,
    ids::{ClaimId, OrderId, Revision, Stream},
    judge::{Judgement, judge},
    registry::Registry,
};
use serde_json::{Map, Value};

use crate::{
    error::{Error, ErrorKind, Result},
    store::Store,
    view::case_of,
};

/// Policies, calendars and people, folded from the ledger stream.
///
/// # Errors
/// When the log contradicts itself there.
pub fn registry<S: Store>(store: &mut S) -> Result<Registry> {
    let mut registry = Registry::default();
    for row in store.registry()? {
        let recorded = open(&row.as_row()).map_err(|why| {
            Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {}: {why}", row.position))
                .hint("claims audit names everything that is wrong")
        })?;
        registry.take(&recorded.event, recorded.envelope.position, recorded.envelope.recorded_at);
    }
    registry.set_revision(Revision::new(store.revision(&Stream::Ledger)?));
    Ok(registry)
}

/// A claim with its order and siblings, and what the policy says of it.
///
/// # Errors
/// When there is no such claim, or not yet under this cut; when it is a historical credit, which nothing judges.
pub fn judged<S: Store>(store: &mut S, id: &ClaimId, cut: &Cut) -> Result<(Case, Registry, Judgement)> {
    let case = case_of(store, &Stream::Claim(id.clone()))?;
    let registry = registry(store)?;
    match judge(&case, id, &registry, cut) {
        Some(judgement) => Ok((case, registry, judgement)),
        None => Err(nothing_to_judge(&case, id)),
    }
}

/// The outcome of a claim, or of an order with all its claims, in the fields of an expectation.
///
/// # Errors
/// As [`judged`].
pub fn outcome<S: Store>(
    store: &mut S,
    order: &OrderId,
    claim: Option<&ClaimId>,
    cut: &Cut,
) -> Result<Map<String, Value>> {
    if let Some(id) = claim {
        return Ok(of_claim(&judged(store, id, cut)?.2));
    }
    let case = case_of(store, &Stream::Order(order.clone()))?;
    let registry = registry(store)?;
    let none = || Error::not_found(format!("order {order} did not exist at that moment"));
    let due = replay::judge::of_order(&case, &registry, cut).ok_or_else(none)?;
    let claims: Vec<Judgement> =
        case.claims.keys().filter_map(|id| judge(&case, id, &registry, cut)).collect();
    Ok(of_order(&due, &claims))
}

/// Why a claim has no judgement.
pub fn nothing_to_judge(case: &Case, id: &ClaimId) -> Error {
    if case.order.is_none() {
        return Error::not_found(format!(
            "claim {id} is a credit from before this ledger; no policy judges it"
        ))
        .hint("claims show prints what is on record of it");
    }
    Error::not_found(format!("claim {id} did not exist at that moment"))
}
