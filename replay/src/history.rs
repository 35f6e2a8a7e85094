//! What is on record in one stream, and what of it stands.
//!
//! Events come in by position; facts rank by (effective time, position); a correction takes the place of
//! what it corrects; a reversal takes it out. Nothing recorded is ever removed.

use alloc::{borrow::Cow, format, string::String, vec::Vec};
use serde_json::Value;

use crate::{
    codec::Recorded,
    event::{Event, EventCorrected, Unreadable},
    ids::{ActorId, EventId, Position, Revision},
    time::{Instant, When},
};

/// One event as state keeps it: without the parts of the envelope that no rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// Place in the log.
    pub position: Position,
    /// Its id, for citing it.
    pub event_id: EventId,
    /// When it happened.
    pub effective: When,
    /// When the ledger learned it.
    pub recorded_at: Instant,
    /// Who brought it.
    pub actor: ActorId,
    /// The second person, if there was one.
    pub approver: Option<ActorId>,
    /// What it says.
    pub event: Event,
}

/// How much of the record to look at. The default is all of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// Only events up to this position.
    pub position: Option<Position>,
    /// Only what the ledger had learned by then.
    pub known_at: Option<Instant>,
    /// Only what had happened by then, as far as is known.
    pub effective_at: Option<Instant>,
}

impl Cut {
    /// Whether the ledger had learned this by then.
    pub fn sees(&self, position: Position, recorded_at: Instant) -> bool {
        self.position.is_none_or(|p| position <= p) && self.known_at.is_none_or(|t| recorded_at <= t)
    }
}

/// A fact that stands (or was reversed), after corrections.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// The record.
    pub fact: &'a Fact,
    /// What it says after corrections.
    pub event: Cow<'a, Event>,
    /// When it happened, after corrections.
    pub effective: When,
    /// When it was declared not to have occurred.
    pub reversed: Option<When>,
}

impl<'a> Standing<'a> {
    /// A fact before any amendment.
    fn of(fact: &'a Fact) -> Self {
        Self { fact, event: Cow::Borrowed(&fact.event), effective: fact.effective, reversed: None }
    }
}

/// Everything on record in one stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    facts: Vec<Fact>,
    revision: Option<Revision>,
}

impl History {
    /// The revision of the last event.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }
    /// Every event, by position.
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }
    /// The event with this id.
    pub fn find(&self, id: EventId) -> Option<&Fact> {
        self.facts.iter().find(|f| f.event_id == id)
    }
    /// What the event with this id says after the corrections that stand; an amendment says what it says.
    pub fn amended(&self, id: EventId) -> Option<Cow<'_, Event>> {
        let fact = self.find(id)?;
        let standing = self.standing(&Cut::default()).into_iter().find(|s| s.fact.event_id == id);
        Some(standing.map_or(Cow::Borrowed(&fact.event), |s| s.event))
    }
    /// Whether anything was corrected or reversed.
    pub fn is_amended(&self) -> bool {
        self.facts.iter().any(|f| is_amendment(&f.event))
    }
    /// Whether the event was declared not to have occurred, and that declaration stands.
    pub fn is_reversed(&self, id: EventId) -> bool {
        reversals(self.facts.iter().filter(|f| is_amendment(&f.event)))
            .iter()
            .any(|(target, _)| *target == id)
    }
    /// The history as if this event had never been recorded; for checking a correction of it.
    pub(crate) fn without(&self, id: EventId) -> Self {
        let facts = self.facts.iter().filter(|f| f.event_id != id).cloned().collect();
        Self { facts, revision: self.revision }
    }
    /// Adds the next event. Its revision must be the next one; see [`crate::case::Broken`].
    pub(crate) fn push(&mut self, recorded: Recorded) -> Result<(), Revision> {
        let next = Revision::after(self.revision);
        if recorded.envelope.revision != next {
            return Err(next);
        }
        let Recorded { envelope, event, .. } = recorded;
        self.revision = Some(next);
        self.facts.push(Fact {
            position: envelope.position,
            event_id: envelope.event_id,
            effective: envelope.effective,
            recorded_at: envelope.recorded_at,
            actor: envelope.actor,
            approver: envelope.approver,
            event,
        });
        Ok(())
    }

    /// The last event as it stands, when nothing was amended and it also happened last: then it follows on all others
    /// in every order there is.
    pub(crate) fn last_in_order(&self) -> Option<Standing<'_>> {
        let (last, before) = self.facts.split_last()?;
        let precedes = |f: &Fact| !is_amendment(&f.event) && f.effective.at <= last.effective.at;
        let is_last = !is_amendment(&last.event) && before.iter().all(precedes);
        is_last.then(|| Standing::of(last))
    }

    /// The facts within `cut`, amended, in order of (effective time, position). Corrections and reversals
    /// themselves are not facts and are left out.
    pub fn standing(&self, cut: &Cut) -> Vec<Standing<'_>> {
        self.standing_of(cut, |_| true)
    }
    /// As [`History::standing`], of those facts alone that are asked for. A correction leaves an event of the kind it
    /// was, so whoever asks by kind gets what stands of that kind.
    pub(crate) fn standing_of(&self, cut: &Cut, asked: impl Fn(&Event) -> bool) -> Vec<Standing<'_>> {
        let seen = |f: &&Fact| cut.sees(f.position, f.recorded_at);
        let is_asked = |f: &&Fact| !is_amendment(&f.event) && asked(&f.event);
        let mut standing: Vec<Standing<'_>> =
            self.facts.iter().filter(seen).filter(is_asked).map(Standing::of).collect();
        let amendments: Vec<&Fact> =
            self.facts.iter().filter(seen).filter(|f| is_amendment(&f.event)).collect();
        if !amendments.is_empty() {
            amend(&mut standing, &amendments);
        }
        if let Some(at) = cut.effective_at {
            standing.retain(|s| s.effective.at <= at);
        }
        standing.sort_by_key(|s| (s.effective.at, s.fact.position));
        standing
    }
}

fn is_amendment(event: &Event) -> bool {
    matches!(event, Event::EventCorrected(_) | Event::EventReversed(_))
}

/// Which events do not stand, walking back from the last: a reversal that was itself reversed does nothing.
fn reversals<'a>(amendments: impl DoubleEndedIterator<Item = &'a Fact>) -> Vec<(EventId, When)> {
    let mut reversed: Vec<(EventId, When)> = Vec::new();
    for fact in amendments.rev() {
        if let Event::EventReversed(r) = &fact.event
            && !reversed.iter().any(|(id, _)| *id == fact.event_id)
        {
            reversed.push((r.target, fact.effective));
        }
    }
    reversed
}

/// Amendments always point back, so one walk from the last to the first settles which of them stand.
fn amend(standing: &mut [Standing<'_>], amendments: &[&Fact]) {
    let reversed = reversals(amendments.iter().copied());
    let stands = |fact: &&&Fact| !reversed.iter().any(|(id, _)| *id == fact.event_id);
    let corrections: Vec<&EventCorrected> = amendments
        .iter()
        .filter(stands)
        .filter_map(|fact| match &fact.event {
            Event::EventCorrected(c) => Some(&**c),
            _ => None,
        })
        .collect();
    for s in standing.iter_mut() {
        s.reversed = reversed.iter().rev().find(|(id, _)| *id == s.fact.event_id).map(|(_, when)| *when);
        for correction in corrections.iter().filter(|c| c.target == s.fact.event_id) {
            if let Some(at) = correction.effective_at {
                s.effective = at;
            }
            // Whether it fits was decided when it was recorded, and is proved again by the law on replay.
            if let Ok(event) = corrected(&s.event, correction) {
                s.event = Cow::Owned(event);
            }
        }
    }
}

/// The event with the corrected fields in the place of the wrong ones; `null` takes a field out.
///
/// # Errors
/// [`Unreadable`] when the result is no event of that kind any more.
pub fn corrected(event: &Event, correction: &EventCorrected) -> Result<Event, Unreadable> {
    let kind = event.kind();
    let broken = |why: serde_json::Error| Unreadable::Payload(kind, format!("{why}"));
    let mut value = event.to_value().map_err(broken)?;
    if let Value::Object(fields) = &mut value {
        for (name, right) in &correction.set {
            if right.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), right.clone());
            }
        }
    }
    let json: String = serde_json::to_string(&value).map_err(broken)?;
    Event::decode(kind, kind.version(), &json)
}
