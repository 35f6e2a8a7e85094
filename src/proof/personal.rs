//! The audit of personal values: each opens its commitment, or was redacted with approval. There is no third way.

use replay::{
    audit::{Commitment, Uses, commitments_of},
    codec::{Recorded, open},
    redaction::{Redaction, Standing, Tampering, standing},
    seal::PersonalRow,
};
use std::collections::{BTreeMap, BTreeSet};

use super::prove::Proof;
use crate::{
    error::Result,
    store::{Store, sqlite::SqliteStore},
};

/// What the audit found of personal values.
pub(super) struct Personal {
    commitments: u64,
    redacted: u64,
    /// The first position that is wrong, and how.
    pub fault: Option<(u64, String)>,
}

impl Personal {
    pub fn figure(&self) -> String {
        match (&self.fault, self.redacted) {
            (Some((position, why)), _) => format!("position {position} {why}"),
            (None, 0) => format!("{} commitments", self.commitments),
            (None, redacted) => {
                format!("{} commitments, {redacted} of them redacted with approval", self.commitments)
            }
        }
    }
    /// Keeps the fault that comes first in the log.
    fn find(&mut self, position: u64, why: impl FnOnce() -> String) {
        if self.fault.as_ref().is_none_or(|(first, _)| position < *first) {
            self.fault = Some((position, why()));
        }
    }
    fn judge(&mut self, c: &Commitment, value: Option<&PersonalRow>, redaction: Option<&Redaction>) {
        match standing(c, value, redaction) {
            Standing::Opens => {}
            Standing::Redacted(_) => self.redacted += 1,
            Standing::Tampered(how) => self.find(c.position, || format!("{}: {how}", c.path)),
        }
    }
}

/// A redaction that a legal hold forbade when it was recorded.
fn under_hold(proof: &Proof, found: &mut Personal) {
    for held in &proof.seen.held {
        for (path, redaction) in proof.outcome.redactions.of_event(held.event) {
            let at = redaction.position;
            if held.hold.was_in_force_at(at) {
                let (id, position) = (&held.id, held.position);
                found.find(at.get(), || {
                    format!("redacts {path} of position {position}, which legal hold {id} kept")
                });
            }
        }
    }
}

/// Every path in an event at which a personal value is committed to.
fn committed_in(reader: &mut SqliteStore, position: u64) -> Result<Vec<String>> {
    let opened = reader.row(position)?.and_then(|row| open(&row.as_row()).ok());
    let paths = |mut recorded: Recorded| {
        commitments_of(position, &mut recorded.event).into_iter().map(|c| c.path).collect()
    };
    Ok(opened.map(paths).unwrap_or_default())
}

/// Compares commitments, values and redactions, each with both others. Values that open their commitment were let go on
/// the way; what is left is looked at one by one.
pub(super) fn look(reader: &mut SqliteStore, proof: &Proof) -> Result<Personal> {
    let outcome = &proof.outcome;
    let left = u64::try_from(outcome.commitments.len()).unwrap_or(u64::MAX);
    let mut found = Personal { commitments: outcome.opened.saturating_add(left), redacted: 0, fault: None };
    let left: BTreeMap<(u64, &str), &Commitment> =
        outcome.commitments.iter().map(|c| ((c.position, c.path.as_str()), c)).collect();
    let mut redactions: BTreeMap<(u64, &str), &Redaction> = BTreeMap::new();
    for (event, path, redaction) in outcome.redactions.iter() {
        let at = redaction.position.get();
        if let Err(why) = redaction.approval {
            found.find(at, || format!("the redaction of {path} does not count: {why}"));
        }
        let position = match &outcome.uses {
            Uses::Kept { event_ids, .. } => event_ids.get(&event).copied(),
            // The sum over this index is that of the log.
            Uses::Summed { .. } => reader.find_event(*event.0.as_bytes())?,
        };
        let Some(position) = position.filter(|position| *position < at) else {
            found.find(at, || format!("redacts {path} of event {event}, which is not on record before it"));
            continue;
        };
        redactions.insert((position, path), redaction);
        if left.contains_key(&(position, path)) {
            continue;
        }
        if !committed_in(reader, position)?.iter().any(|committed| committed == path) {
            found
                .find(at, || format!("redacts {path} of position {position}, where nothing is committed to"));
        } else if redaction.approval.is_ok() {
            // The value has opened its commitment on the way, so it is there.
            found.find(position, || format!("{path}: {}", Tampering::StillThere(redaction.position)));
        }
    }
    under_hold(proof, &mut found);
    let not_opening: BTreeSet<(u64, &str)> =
        outcome.not_opening.iter().map(|(position, path)| (*position, path.as_str())).collect();
    for (place, commitment) in &left {
        let value = match not_opening.contains(place) {
            true => reader.personal(place.0)?.into_iter().find(|row| row.path == place.1),
            false => None,
        };
        found.judge(commitment, value.as_ref(), redactions.get(place).copied());
    }
    let lost = proof.lost.iter().map(|(position, path)| (*position, path.as_str()));
    for (position, path) in not_opening.into_iter().filter(|place| !left.contains_key(place)).chain(lost) {
        found.find(position, || format!("{path}: {}", Tampering::Another));
    }
    Ok(found)
}
