//! The books as served beside the books as replayed.

use replay::books::{Digest, DigestBuilder, ObligationRow, Sums, TABLES, TotalKey, text, total_name};
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};

use super::bookkeeping::{Seen, hash};
use crate::{
    error::Result,
    store::sqlite::{RowName, ServedRow, SqliteStore, alone},
};

/// Most differences that are named; the rest is counted.
pub const DIFFERENCES_MAX: usize = 50;
/// Number of the table of totals: a row of it is of many claims, so it is compared when all have ended.
pub(super) const TOTALS: usize = 2;

/// A row of the books that is not what the log says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// The row.
    pub row: String,
    /// What was served; none = nothing.
    pub served: Option<String>,
    /// What the log says; none = nothing.
    pub replayed: Option<String>,
}

/// A row by its table and name, in the order of the digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey {
    pub table: usize,
    pub name: RowName,
}

/// The two lines of a row that differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lines {
    pub served: Option<String>,
    pub replayed: Option<String>,
}

/// What the comparison of all books came to.
#[derive(Debug)]
pub(super) struct Compared {
    pub differences: Vec<Difference>,
    pub differences_count: u64,
    /// Of what is served.
    pub served: Digest,
    /// Of what the log says.
    pub replayed: Digest,
}

/// Brings what the bookkeepers have seen to an end: totals, rows that are served and of which the log knows nothing,
/// digests. `served_digest` was worked out beside.
///
/// # Errors
/// Storage errors.
pub(super) fn compared(store: &mut SqliteStore, seen: &mut Seen, served_digest: Digest) -> Result<Compared> {
    let served = store.served_totals()?;
    let line = |key: &TotalKey, sums: Option<&Sums>| sums.map(|sums| text(&(key, sums)));
    let mut met = 0;
    for key in served.keys().chain(seen.totals.keys().filter(|key| !served.contains_key(*key))) {
        let (was, is) = (served.get(key), seen.totals.get(key));
        met += u64::from(was.is_some());
        if was != is {
            let key_of_row = RowKey { table: TOTALS, name: alone(total_name(key)) };
            seen.differing.insert(key_of_row, Lines { served: line(key, was), replayed: line(key, is) });
        }
    }
    if let Some(rows) = seen.rows.get_mut(TOTALS) {
        *rows = u64::try_from(seen.totals.len()).unwrap_or(u64::MAX);
    }
    let counts = store.served_counts()?;
    let all_met = counts.iter().zip(&seen.met).enumerate().all(|(table, (count, rows))| {
        let rows = if table == TOTALS { met } else { u64::try_from(rows.len()).unwrap_or(u64::MAX) };
        *count == rows
    });
    if !all_met {
        unknown_to_the_log(store, seen)?;
    }
    let replayed = if seen.differing.is_empty() {
        // Equal rows have one digest.
        served_digest.clone()
    } else {
        digest_with(store, &seen.differing, &seen.totals)?.1
    };
    let named = seen.differing.iter().take(DIFFERENCES_MAX).map(|(key, lines)| Difference {
        table: TABLES.get(key.table).copied().unwrap_or_default(),
        row: name(key),
        served: lines.served.clone(),
        replayed: lines.replayed.clone(),
    });
    Ok(Compared {
        differences: named.collect(),
        differences_count: u64::try_from(seen.differing.len()).unwrap_or(u64::MAX),
        served: served_digest,
        replayed,
    })
}

/// The name of a row in messages.
fn name(key: &RowKey) -> String {
    match (key.table, &key.name) {
        (3, name) => name.join(" "),
        // Refused acts are named by their position.
        (4, [position, ..]) => position.trim_start_matches('0').into(),
        (_, [name, ..]) => name.clone(),
    }
}

/// Rows that are served and that no case gave.
fn unknown_to_the_log(store: &mut SqliteStore, seen: &mut Seen) -> Result<()> {
    let met: Vec<HashSet<u64>> = seen.met.iter().map(|rows| rows.iter().copied().collect()).collect();
    store.each_served(&mut |ServedRow { table, name, line }| {
        let known = table == TOTALS || met.get(table).is_some_and(|met| met.contains(&hash(table, &name)));
        if !known {
            seen.differing.insert(RowKey { table, name }, Lines { served: Some(line), replayed: None });
        }
    })
}

/// The digest of what is served.
///
/// # Errors
/// Storage errors.
pub(super) fn digest_of_served(store: &mut SqliteStore) -> Result<Digest> {
    let mut digest = DigestBuilder::default();
    store.each_served(&mut |row| digest.row(row.table, &row.line))?;
    Ok(digest.finish())
}

/// The names and lines of what is owed on a claim.
pub(super) fn obligation_lines(rows: &[ObligationRow]) -> impl Iterator<Item = (RowName, String)> {
    rows.iter().map(|row| ([row.claim.clone(), row.what.clone(), row.item.clone()], text(row)))
}

/// Two digests: that of what is served, and that of what is served but for some rows, which stand as `others` says
/// (replayed), and with other totals.
///
/// # Errors
/// Storage errors.
pub(super) fn digest_with(
    store: &mut SqliteStore,
    others: &BTreeMap<RowKey, Lines>,
    totals: &BTreeMap<TotalKey, Sums>,
) -> Result<(Digest, Digest)> {
    let (mut served, mut digest) = (DigestBuilder::default(), DigestBuilder::default());
    for (key, sums) in totals {
        digest.row(TOTALS, &text(&(key, sums)));
    }
    let mut others = others.iter().filter(|(key, _)| key.table != TOTALS).peekable();
    store.each_served(&mut |row| {
        served.row(row.table, &row.line);
        if row.table == TOTALS {
            return;
        }
        let at = RowKey { table: row.table, name: row.name };
        while let Some((key, lines)) = others.next_if(|(key, _)| **key < at) {
            lines.replayed.iter().for_each(|line| digest.row(key.table, line));
        }
        match others.next_if(|(key, _)| **key == at) {
            Some((_, lines)) => lines.replayed.iter().for_each(|line| digest.row(at.table, line)),
            None => digest.row(at.table, &row.line),
        }
    })?;
    for (key, lines) in others {
        lines.replayed.iter().for_each(|line| digest.row(key.table, line));
    }
    Ok((served.finish(), digest.finish()))
}
