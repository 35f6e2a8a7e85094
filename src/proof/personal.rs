//! The audit of personal values: each opens its commitment, or was redacted with approval. There is no third way.

use replay::{
    audit::{Commitment, Outcome},
    hold::over,
    ids::Stream,
    redaction::{Redaction, Standing, Tampering, standing},
    seal::PersonalRow,
};
use std::collections::BTreeMap;

use crate::{error::Result, store::sqlite::SqliteStore};

/// What the audit found of personal values.
pub(super) struct Personal {
    commitments: usize,
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
fn under_hold(outcome: &Outcome, found: &mut Personal) {
    if outcome.redactions.is_empty() {
        return;
    }
    for (_, case) in outcome.world.cases() {
        let order = case.order.iter().map(|order| (Stream::Order(order.id.clone()), &order.history));
        let claims = case.claims.iter().map(|(id, claim)| (Stream::Claim(id.clone()), &claim.history));
        for (stream, history) in order.chain(claims) {
            let holds = over(case, &stream);
            for fact in history.facts().iter().filter(|_| !holds.is_empty()) {
                for (path, redaction) in outcome.redactions.of_event(fact.event_id) {
                    let at = redaction.position;
                    if let Some((_, hold, _)) = holds.iter().find(|(.., hold)| hold.was_in_force_at(at)) {
                        found.find(at.get(), || {
                            format!(
                                "redacts {path} of position {}, which legal hold {hold} kept",
                                fact.position
                            )
                        });
                    }
                }
            }
        }
    }
}

/// Compares commitments, values and redactions, each with both others.
pub(super) fn look(reader: &mut SqliteStore, outcome: &Outcome) -> Result<Personal> {
    let mut found = Personal { commitments: outcome.commitments.len(), redacted: 0, fault: None };
    let mut redactions: BTreeMap<(u64, String), &Redaction> = BTreeMap::new();
    for (event, path, redaction) in outcome.redactions.iter() {
        let at = redaction.position.get();
        if let Err(why) = redaction.approval {
            found.find(at, || format!("the redaction of {path} does not count: {why}"));
        }
        match outcome.event_ids.get(&event) {
            Some(position) if *position < at => {
                redactions.insert((*position, path.into()), redaction);
            }
            _ => found
                .find(at, || format!("redacts {path} of event {event}, which is not on record before it")),
        }
    }
    under_hold(outcome, &mut found);
    let mut expected: BTreeMap<(u64, String), &Commitment> = BTreeMap::new();
    for c in &outcome.commitments {
        expected.insert((c.position, c.path.clone()), c);
    }
    for (place, redaction) in &redactions {
        if !expected.contains_key(place) {
            let ((position, path), at) = (place, redaction.position.get());
            found
                .find(at, || format!("redacts {path} of position {position}, where nothing is committed to"));
        }
    }
    reader.each_personal(&mut |position, row| {
        let place = (position, row.path.clone());
        match expected.remove(&place) {
            Some(c) => found.judge(c, Some(row), redactions.get(&place).copied()),
            None => found.find(position, || format!("{}: {}", row.path, Tampering::Another)),
        }
    })?;
    for (place, c) in &expected {
        found.judge(c, None, redactions.get(place).copied());
    }
    Ok(found)
}
