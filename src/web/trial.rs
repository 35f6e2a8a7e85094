//! What a command would lead to, without recording it: decided and applied by the functions that record, on a copy of
//! the case.

use replay::{
    case::Case,
    decide::{Context, decide, prepare},
    event::Event,
    ids::{Expected, Position, Revision, Stream},
    registry::Registry,
    seal::{Proposal, Stamp, seal},
    time::Instant,
};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::stop::refused,
    store::Store,
    view,
};

/// Most events that somebody who comes too late is told of.
const SINCE_MAX: usize = 50;

/// What would be recorded, and the case as it would be then.
#[derive(Debug)]
pub struct Trial {
    /// The events, in order.
    pub events: Vec<Event>,
    /// The case after them.
    pub after: Case,
}

/// Decides a command on a case and applies what it leads to. Nothing is written, a refusal included.
///
/// # Errors
/// [`ErrorKind::Stale`] when the case is not at the revision that was expected, [`ErrorKind::Refused`] when a rule says
/// no.
pub fn attempt<S: Store>(
    store: &mut S,
    case: &Case,
    registry: &Registry,
    proposal: &Proposal,
    now: Instant,
) -> Result<Trial> {
    let mut proposal = proposal.clone();
    prepare(&mut proposal.event);
    let stream = &proposal.stream;
    let current = case.revision(stream);
    if let Expected::At(expected) = proposal.expected
        && expected != current
    {
        return Err(stale(store, stream, expected)?);
    }
    let tip = store.tip()?;
    let now = now.max(Instant::from_micros(tip.recorded_at).unwrap_or(Instant::EPOCH));
    let events = decide(Context { registry, case }, &proposal, now).map_err(|no| refused(&no, stream))?;
    let mut after = case.clone();
    // Ids and salts of something that is never written: any will do.
    let mut door = Door::fixed("trial", now);
    let mut last = Position::new(tip.position);
    for event in &events {
        let position = Position::after(last);
        last = Some(position);
        let stamp = Stamp {
            ledger: store.origin().clone(),
            position,
            revision: Revision::after(after.revision(stream)),
            event_id: door.event_id(now)?,
            recorded_at: now,
        };
        let target = match event {
            Event::EventCorrected(c) => amended(&after, stream, c.target),
            _ => None,
        };
        let mut salt = || door.salt().unwrap_or([0; 32]);
        let sealed = seal(&proposal, event.clone(), target.as_ref(), stamp, &mut salt)
            .map_err(|why| Error::unreadable("cannot_be_sealed", why.to_string()).at(stream))?;
        let failed = |fault| {
            Error::new(
                ErrorKind::Internal,
                "decision_does_not_replay",
                format!("it does not replay: {fault:?}"),
            )
        };
        after.apply(sealed.recorded).map_err(failed)?;
    }
    Ok(Trial { events, after })
}

/// What an event of the case says after the corrections that stand.
pub fn amended(case: &Case, stream: &Stream, id: replay::ids::EventId) -> Option<Event> {
    let history = replay::hold::history(case, stream)?;
    history.amended(id).map(std::borrow::Cow::into_owned)
}

/// That something happened since a revision, and what.
///
/// # Errors
/// Storage errors.
pub fn stale<S: Store>(store: &mut S, stream: &Stream, expected: Option<Revision>) -> Result<Error> {
    let expected = expected.map_or(0, Revision::get);
    let mut since = Vec::new();
    for row in store.history(stream)?.iter().filter(|row| row.revision > expected).take(SINCE_MAX) {
        let e = view::opened(row)?.envelope;
        since.push(format!("{} at position {}, by {}, {}", row.kind, row.position, e.actor, e.effective));
    }
    Ok(Error::new(ErrorKind::Stale, "stale", "something happened since this page was made")
        .at(stream)
        .hint("look at what happened, then decide again; what was typed is still there")
        .details(since))
}
