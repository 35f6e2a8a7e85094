//! What follows from the log as a whole, and what proves it: replays, heads, proofs, policies.

use replay::{
    audit::Outcome,
    books::TABLES,
    codec::open,
    event::{Event, PolicyPublished},
    evidence::note::Note,
    ids::{ClaimId, PolicyId, Stream},
    registry::Registry,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

use super::Lines;
use crate::{
    error::{Error, ErrorKind, Result},
    evidence::{
        heads::{self, Head},
        prove,
    },
    store::Store,
};

/// The log folded up to a moment.
pub fn replayed(outcome: &Outcome) -> Value {
    let digest = outcome.books.digest();
    let rows: BTreeMap<&str, u64> = TABLES.into_iter().zip(digest.rows).collect();
    json!({
        "events": outcome.events, "root": outcome.root, "digest": digest.sha256, "rows": rows,
        "kinds": outcome.kinds, "control_totals": outcome.books.control_totals(),
    })
}

/// A recorded time, from its microseconds.
pub fn instant(micros: i64) -> String {
    replay::time::Instant::from_micros(micros).map(|at| at.to_string()).unwrap_or_default()
}

/// Every head that was signed and recorded.
pub fn checkpoints(heads: &[Head]) -> Vec<Value> {
    let signers = |note: &Note| note.signatures.iter().map(|s| s.name.clone()).collect::<Vec<_>>();
    heads
        .iter()
        .map(|head| {
            json!({ "position": head.position, "size": head.checkpoint.size, "root": head.checkpoint.root,
                    "recorded_at": instant(head.recorded_at), "signed_by": signers(&head.note),
                    "checkpoint": head.note.to_string() })
        })
        .collect()
}

/// A recorded head: the last one, or the one of a size.
///
/// # Errors
/// No such head, storage errors.
pub fn head<S: Store>(store: &mut S, size: Option<u64>) -> Result<Note> {
    let heads = heads::recorded(store)?;
    let found = match size {
        None => heads.into_iter().next_back(),
        Some(size) => heads.into_iter().rfind(|head| head.checkpoint.size == size),
    };
    found.map(|head| head.note).ok_or_else(|| {
        let text = match size {
            None => "no checkpoint was recorded".to_owned(),
            Some(size) => format!("no checkpoint of {size} events was recorded"),
        };
        Error::not_found(text).hint("claims checkpoint list shows them, claims checkpoint sign makes one")
    })
}

/// A head as programs read it.
pub fn checkpoint(note: &Note) -> Value {
    json!({ "checkpoint": note.to_string() })
}

/// Every event of a claim in the log of a checkpoint: positions with their proofs.
///
/// # Errors
/// No such claim, as [`prove::inclusions`].
pub fn proofs_of_claim<S: Store>(store: &mut S, claim: &ClaimId, note: &Note) -> Result<Vec<(u64, String)>> {
    let rows = store.history(&Stream::Claim(claim.clone()))?;
    if rows.is_empty() {
        return Err(
            Error::not_found(format!("there is no claim {claim}")).hint("claims list shows the claims")
        );
    }
    let positions: Vec<u64> = rows.iter().map(|row| row.position).collect();
    let made = prove::inclusions(store, &positions, note)?;
    Ok(positions.into_iter().zip(made.iter().map(ToString::to_string)).collect())
}

/// What was published of policies, in the order of the log.
///
/// # Errors
/// A broken log, storage errors.
pub fn policies<S: Store>(store: &mut S) -> Result<Vec<(u64, PolicyPublished)>> {
    let mut found = Vec::new();
    for row in store.registry()? {
        let recorded = open(&row.as_row()).map_err(|why| {
            Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {}: {why}", row.position))
        })?;
        if let Event::PolicyPublished(policy) = recorded.event {
            found.push((row.position, *policy));
        }
    }
    Ok(found)
}

/// One version of a policy with its position, the latest unless named.
///
/// # Errors
/// No such version, as [`policies`].
pub fn policy<S: Store>(
    store: &mut S,
    policy: &PolicyId,
    version: Option<u32>,
) -> Result<(u64, PolicyPublished)> {
    let mut wanted = policies(store)?
        .into_iter()
        .filter(|(_, p)| p.policy == *policy && version.is_none_or(|v| v == p.version));
    wanted.next_back().ok_or_else(|| {
        Error::not_found(format!("no such version of policy {policy} is published"))
            .hint("claims policy list shows what is published")
    })
}

/// How long personal values are kept.
///
/// # Errors
/// As [`Lines::of`].
pub fn retentions(registry: &Registry) -> Result<Lines> {
    let mut lines = Lines::default();
    for (what, kept) in registry.retentions() {
        lines.add(&json!({ "what": what, "days": kept.days, "basis": kept.basis }))?;
    }
    Ok(lines)
}

/// A published version in the list.
pub fn policy_row(position: u64, p: &PolicyPublished) -> Value {
    json!({ "policy": p.policy, "version": p.version, "name": p.name, "position": position,
            "effective_from": p.effective_from, "sha256": p.sha256 })
}

/// A published version with its body.
pub fn policy_body(position: u64, p: &PolicyPublished) -> Value {
    json!({ "policy": p.policy, "version": p.version, "position": position, "sha256": p.sha256, "body": p.body })
}
