//! What of the indexes is not what the log says, one by one: asked when their sums differ.

use std::collections::BTreeSet;

use replay::audit::{Key, Outcome, Table, Uses};

use crate::{error::Result, store::sqlite::SqliteStore};

/// The first key that is not the one of its event, if any.
pub(super) fn keys_differ(reader: &mut SqliteStore, outcome: &Outcome) -> Result<Option<String>> {
    let Uses::Kept { keys, .. } = &outcome.uses else { return Ok(None) };
    let mut due: Table<u64, &Key> = keys.iter().map(|(key, position)| (*position, key)).collect();
    let mut foreign: Option<u64> = None;
    reader.each_key(&mut |source, kind, external_id, position| {
        let fits = due
            .get(&position)
            .is_some_and(|(s, k, x)| s.as_str() == source && k.as_str() == kind && x.as_str() == external_id);
        if fits {
            due.remove(&position);
        } else {
            foreign = Some(foreign.map_or(position, |known| known.min(position)));
        }
    })?;
    let missing = due.keys().min().map(|position| format!("position {position}: its key is missing"));
    Ok(foreign.map(|position| format!("position {position}: the key is not that of the event")).or(missing))
}

/// How many claims are listed under no order or another one than theirs.
pub(super) fn claim_orders_differ(
    reader: &mut SqliteStore,
    expected: Option<&BTreeSet<(String, String)>>,
) -> Result<u64> {
    let Some(expected) = expected else { return Ok(0) };
    let stored = reader.claim_orders()?;
    Ok(u64::try_from(expected.symmetric_difference(&stored).count()).unwrap_or(u64::MAX))
}
