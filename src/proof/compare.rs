//! The books as served beside the books as replayed.

use replay::books::{Books, Digest, TABLES, text, total_name};
use serde::Serialize;
use std::collections::BTreeMap;

/// Most differences that are named; the rest is counted.
pub const DIFFERENCES_MAX: usize = 50;

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

/// Equal rows have one digest; it takes as long as replaying every tenth event.
pub(super) fn digest_of_served(served: &Books, replayed: &Digest, differences_count: u64) -> Digest {
    if differences_count == 0 { replayed.clone() } else { served.digest() }
}

/// Row by row, what was served beside what the log says.
pub(super) fn compare(served: &Books, replayed: &Books) -> (Vec<Difference>, u64) {
    let mut found = Vec::new();
    let mut count = 0u64;
    let mut differ = |table: usize, row: String, served: Option<String>, replayed: Option<String>| {
        count += 1;
        if found.len() < DIFFERENCES_MAX {
            found.push(Difference {
                table: TABLES.get(table).copied().unwrap_or_default(),
                row,
                served,
                replayed,
            });
        }
    };
    pairs(&served.board, &replayed.board, |k, a, b| differ(0, k.clone(), a.map(text), b.map(text)));
    pairs(&served.detail, &replayed.detail, |k, a, b| differ(1, k.clone(), a.cloned(), b.cloned()));
    pairs(&served.totals, &replayed.totals, |k, a, b| differ(2, total_name(k), a.map(text), b.map(text)));
    pairs(&served.obligations, &replayed.obligations, |k, a, b| {
        differ(3, format!("{} {} {}", k.0, k.1, k.2), a.map(text), b.map(text));
    });
    pairs(&served.refusals, &replayed.refusals, |k, a, b| differ(4, k.to_string(), a.map(text), b.map(text)));
    (found, count)
}

fn pairs<K: Ord, V: PartialEq>(
    a: &BTreeMap<K, V>,
    b: &BTreeMap<K, V>,
    mut differ: impl FnMut(&K, Option<&V>, Option<&V>),
) {
    for (key, left) in a {
        let right = b.get(key);
        if right != Some(left) {
            differ(key, Some(left), right);
        }
    }
    for (key, right) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
        differ(key, None, Some(right));
    }
}
