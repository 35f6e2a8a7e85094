//! Making proofs from the stored leaves.

use std::{
    collections::BTreeMap,
    ops::{ControlFlow, Range},
};

use replay::{
    evidence::{
        checkpoint::Checkpoint,
        note::Note,
        proof::{Consistency, Inclusion},
    },
    merkle::{Frontier, Hash, consistency_ranges, inclusion_ranges, leaf_hash},
};

use crate::{
    error::{Error, ErrorKind, Result},
    store::{Span, Store},
};

/// The root over the first events of the log, from the leaves as they are stored.
///
/// # Errors
/// Storage errors, and a log that is shorter.
pub fn root<S: Store>(store: &mut S, size: u64) -> Result<Hash> {
    range_root(store, 0..size)
}

/// That the event at a position is in the log of a checkpoint. The body travels beside the proof.
///
/// # Errors
/// A position that the checkpoint does not cover, a checkpoint that is not of this log.
pub fn inclusion<S: Store>(store: &mut S, position: u64, checkpoint: &Note) -> Result<Inclusion> {
    inclusions(store, &[position], checkpoint)?.pop().ok_or_else(|| missing(position))
}

/// The same of many events, in their order.
///
/// # Errors
/// As [`inclusion`].
pub fn inclusions<S: Store>(store: &mut S, positions: &[u64], checkpoint: &Note) -> Result<Vec<Inclusion>> {
    let head = head_of(store, checkpoint)?;
    if let Some(position) = positions.iter().find(|position| !(1..=head.size).contains(*position)) {
        let text =
            format!("the checkpoint is of {} events, and position {position} is none of them", head.size);
        return Err(Error::new(ErrorKind::NotFound, "not_in_the_checkpoint", text)
            .hint("sign the log as it stands now: claims checkpoint sign"));
    }
    let paths = paths(store, positions, head.size)?;
    let mut proofs = Vec::with_capacity(positions.len());
    for (&position, hashes) in positions.iter().zip(paths) {
        let row = store.row(position)?.ok_or_else(|| missing(position))?;
        let leaf = leaf_hash(&row.body);
        let index = position.saturating_sub(1);
        let proof = Inclusion { index, extra: Some(row.body), hashes, checkpoint: checkpoint.clone() };
        proof.check(&leaf).map_err(|why| of_another_log(&why))?;
        proofs.push(proof);
    }
    Ok(proofs)
}

/// The paths of many events to the root over the first `size` events. Parts of the tree that several need are read
/// once.
///
/// # Errors
/// Storage errors, and a position that is not among the first `size`.
pub fn paths<S: Store>(store: &mut S, positions: &[u64], size: u64) -> Result<Vec<Vec<Hash>>> {
    let mut known: BTreeMap<(u64, u64), Hash> = BTreeMap::new();
    let mut paths = Vec::with_capacity(positions.len());
    for position in positions {
        let ranges = position
            .checked_sub(1)
            .and_then(|index| inclusion_ranges(index, size).ok())
            .ok_or_else(|| missing(*position))?;
        let mut path = Vec::with_capacity(ranges.len());
        for range in ranges {
            let key = (range.start, range.end);
            let hash = match known.get(&key) {
                Some(hash) => *hash,
                None => range_root(store, range)?,
            };
            known.insert(key, hash);
            path.push(hash);
        }
        paths.push(path);
    }
    Ok(paths)
}

/// That the log of a checkpoint begins with an earlier one.
///
/// # Errors
/// An earlier log that is longer, a checkpoint that is not of this log.
pub fn consistency<S: Store>(store: &mut S, old_size: u64, checkpoint: &Note) -> Result<Consistency> {
    let head = head_of(store, checkpoint)?;
    if old_size > head.size {
        let text = format!("the checkpoint is of {} events, fewer than {old_size}", head.size);
        return Err(Error::new(ErrorKind::NotFound, "not_in_the_checkpoint", text).hint(
            "sign the log as it stands now: claims checkpoint sign; a log that became shorter is a finding",
        ));
    }
    let ranges =
        if old_size == 0 { Vec::new() } else { consistency_ranges(old_size, head.size).unwrap_or_default() };
    let hashes = ranges.into_iter().map(|range| range_root(store, range)).collect::<Result<_>>()?;
    let proof = Consistency { old_size, hashes, checkpoint: checkpoint.clone() };
    let old_root = root(store, old_size)?;
    proof.check(&old_root).map_err(|why| of_another_log(&why))?;
    Ok(proof)
}

/// What a checkpoint says of this log.
///
/// # Errors
/// A note that is no checkpoint, a checkpoint of another log.
pub fn head_of<S: Store>(store: &S, note: &Note) -> Result<Checkpoint> {
    let head = Checkpoint::of(note).map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
    let origin = store.origin().as_str();
    if head.origin != origin {
        let text = format!("the checkpoint is of {}, and this ledger is {origin}", head.origin);
        return Err(Error::new(ErrorKind::Usage, "checkpoint_of_another_log", text)
            .hint("give a checkpoint of this ledger: claims checkpoint list"));
    }
    Ok(head)
}

/// Adds the leaves that follow, up to a size of the log.
///
/// # Errors
/// Storage errors, and a log that is shorter.
pub fn extend<S: Store>(store: &mut S, made: &mut Frontier, size: u64) -> Result<()> {
    add(store, made, made.size()..size)
}

fn range_root<S: Store>(store: &mut S, range: Range<u64>) -> Result<Hash> {
    let mut frontier = Frontier::new();
    add(store, &mut frontier, range)?;
    Ok(frontier.root())
}

fn add<S: Store>(store: &mut S, frontier: &mut Frontier, range: Range<u64>) -> Result<()> {
    let mut next = range.start;
    if range.start < range.end {
        store.scan(Span { first: range.start + 1, last: range.end }, &mut |row| {
            if row.position != next + 1 {
                return ControlFlow::Break(());
            }
            next += 1;
            frontier.push(Hash(row.leaf));
            ControlFlow::Continue(())
        })?;
    }
    if next >= range.end { Ok(()) } else { Err(missing(next + 1)) }
}

fn missing(position: u64) -> Error {
    Error::new(ErrorKind::BrokenLog, "position_missing", "there is no event at this position")
        .at(format!("position {position}"))
        .hint("run claims audit")
}

/// The stored events do not fit a head that names this log.
pub(crate) fn of_another_log(why: &dyn std::fmt::Display) -> Error {
    let text = format!("the stored events are not those of the checkpoint: {why}");
    Error::new(ErrorKind::BrokenLog, "log_is_another", text)
        .hint("keep the checkpoint and a copy of the file, and run claims audit")
}
