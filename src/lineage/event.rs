//! From an event to everything it touches.

use replay::{
    case::Case,
    codec::{Recorded, open},
    event::Event,
    history::{Cut, Fact, History},
    ids::{ClaimId, EventId, Position, Stream},
    lineage::{Figure, Figures, amendments, before, decisions_on, difference, figures, target_of, unit_of},
};
use serde::Serialize;

use super::currency;
use crate::{
    error::{Error, ErrorKind, Result},
    judging::registry,
    store::Store,
    view::{case_of, standing_word},
};

/// An event with everything it touches.
#[derive(Debug, Serialize)]
pub struct OfEvent {
    /// Place in the log.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// Its stream.
    pub stream: String,
    /// Place in its stream.
    pub revision: u64,
    /// What kind it is.
    pub kind: String,
    /// When it happened, where it happened.
    pub effective_at: String,
    /// When the ledger learned it.
    pub recorded_at: String,
    /// Who brought it.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// The second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// The system it came from.
    pub source: String,
    /// That system's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// `stands`, `corrected` or `reversed`.
    pub standing: &'static str,
    /// What it corrects or reverses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amends: Option<Amending>,
    /// Later corrections and reversals of it.
    pub amended_by: Vec<Amending>,
    /// Events that name it as what led to them, contest it, or erased values of it.
    pub named_by: Vec<Amending>,
    /// The claims whose figures or stage it moved.
    pub claims: Vec<Touched>,
    /// Decisions that rest on it: without it, other facts would have been judged.
    pub decisions: Vec<Decided>,
}

/// Another event that this one points at, or that points at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Amending {
    /// Place in the log.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// What kind it is.
    pub kind: String,
    /// Whether it stands.
    pub stands: bool,
}

/// What an event did to a claim when it was recorded.
#[derive(Debug, Serialize)]
pub struct Touched {
    /// The claim.
    pub claim: ClaimId,
    /// Stage on the board before it; none when the claim was not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_before: Option<String>,
    /// Stage on the board after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_after: Option<String>,
    /// Figures that it moved.
    pub moved: Vec<Moved>,
}

/// One figure that an event moved.
#[derive(Debug, Serialize)]
pub struct Moved {
    /// Which one.
    #[serde(flatten)]
    pub figure: Figure,
    /// A currency, `units` or `credits`.
    pub unit: String,
    /// Its value before; none for a total, of which the claim is only a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Its value after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// The difference.
    pub moved: i64,
}

/// A decision that rests on the event.
#[derive(Debug, Serialize)]
pub struct Decided {
    /// On which claim.
    pub claim: ClaimId,
    /// Place in the log.
    pub position: u64,
    /// Its id.
    pub event_id: String,
    /// Who decided.
    pub actor: String,
}

/// The position of an event, by its number in the log or by its id.
///
/// # Errors
/// When there is no such event, or the text is neither.
pub fn position_of<S: Store>(store: &mut S, text: &str) -> Result<u64> {
    if let Ok(position) = text.parse::<u64>() {
        return Ok(position);
    }
    let id: EventId = text.parse().map_err(|_| {
        Error::unreadable("bad_event", "an event is named by its position or by its id").at(text)
    })?;
    let none = || Error::not_found(format!("no event {id} is on record"));
    store.find_event(*id.0.as_bytes())?.ok_or_else(none)
}

/// An event with everything it touches, as far as the whole log knows it.
///
/// # Errors
/// When there is no event at that position, or the log contradicts itself there.
pub fn of_event<S: Store>(store: &mut S, position: u64) -> Result<OfEvent> {
    let row = store.row(position)?;
    let none = || {
        Error::not_found(format!("no event is on record at position {position}"))
            .hint("claims timeline CLAIM shows positions")
    };
    let row = row.ok_or_else(none)?;
    let broken = |why: String| {
        Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {position}: {why}"))
            .hint("claims audit names everything that is wrong")
    };
    let Recorded { envelope: e, event, .. } = open(&row.as_row()).map_err(|why| broken(why.to_string()))?;
    let mut found = OfEvent {
        position,
        event_id: e.event_id.to_string(),
        stream: e.stream.to_string(),
        revision: e.revision.get(),
        kind: event.kind().to_string(),
        effective_at: e.effective.to_string(),
        recorded_at: e.recorded_at.to_string(),
        actor: e.actor.to_string(),
        role: e.role.to_string(),
        approver: e.approver.as_ref().map(ToString::to_string),
        source: e.source.to_string(),
        external_id: e.external_id.as_ref().map(ToString::to_string),
        standing: "stands",
        amends: None,
        amended_by: Vec::new(),
        named_by: named_by(store, &e.stream, e.event_id)?,
        claims: Vec::new(),
        decisions: Vec::new(),
    };
    let case = match &e.stream {
        // Policies, people and seals stand beside the claims; they move no figure themselves.
        Stream::Ledger => return Ok(found),
        stream => case_of(store, stream)?,
    };
    let history = match &e.stream {
        Stream::Claim(id) => case.claims.get(id).map(|c| &c.history),
        _ => case.order.as_ref().map(|o| &o.history),
    };
    if let Some((history, fact)) = history.and_then(|h| h.find(e.event_id).map(|fact| (h, fact))) {
        found.standing = standing(history, fact);
        let target = target_of(&fact.event).and_then(|id| history.find(id));
        found.amends = target.map(|target| pointing(target, standing(history, target) != "reversed"));
        let later = amendments(history, fact.event_id);
        found.amended_by = later.iter().map(|a| pointing(a.fact, a.stands)).collect();
        let registry = registry(store)?;
        let decided = decisions_on(&case, &e.stream, fact, &registry).into_iter();
        found.decisions = decided
            .map(|(claim, fact)| Decided {
                claim,
                position: fact.position.get(),
                event_id: fact.event_id.to_string(),
                actor: fact.actor.to_string(),
            })
            .collect();
    }
    let ids: Vec<ClaimId> = match e.stream {
        Stream::Claim(id) => vec![id],
        _ => case.claims.keys().cloned().collect(),
    };
    found.claims = ids.into_iter().filter_map(|id| touched(&case, id, e.position)).collect();
    Ok(found)
}

fn standing(history: &History, fact: &Fact) -> &'static str {
    if history.is_reversed(fact.event_id) {
        return "reversed";
    }
    let standing = history.standing(&Cut::default());
    let found = standing.iter().find(|s| s.fact.event_id == fact.event_id);
    found.map_or("stands", standing_word)
}

fn pointing(fact: &Fact, stands: bool) -> Amending {
    Amending {
        position: fact.position.get(),
        event_id: fact.event_id.to_string(),
        kind: fact.event.kind().to_string(),
        stands,
    }
}

/// What an event did to one claim; `None` when it did nothing to it.
fn touched(case: &Case, claim: ClaimId, position: Position) -> Option<Touched> {
    let after = Cut { position: Some(position), ..Cut::default() };
    let before = before(position, &Cut::default());
    let stage = |cut: &Cut| replay::books::rows(case, &claim, cut).map(|rows| rows.board.stage);
    let (stage_before, stage_after) = (before.and_then(|cut| stage(&cut)), stage(&after));
    let was = before.map(|cut| figures(case, &claim, &cut)).unwrap_or_default();
    let is = figures(case, &claim, &after);
    let moved = difference(&was, &is);
    if moved.is_empty() && stage_before == stage_after {
        return None;
    }
    let money = currency(case, &claim, &after).or(before.and_then(|cut| currency(case, &claim, &cut)));
    let money = money.unwrap_or_default();
    let value = |figures: &Figures, figure: &Figure| match figure {
        Figure::Total { .. } => None,
        _ => Some(figures.get(figure).copied().unwrap_or_default()),
    };
    let moved = moved
        .into_iter()
        .map(|(figure, moved)| Moved {
            unit: unit_of(&figure, &money),
            before: value(&was, &figure),
            after: value(&is, &figure),
            figure,
            moved,
        })
        .collect();
    Some(Touched { claim, stage_before, stage_after, moved })
}

/// Events of its own stream and of the ledger that name it: as their cause, as contested, as redacted.
fn named_by<S: Store>(store: &mut S, stream: &Stream, id: EventId) -> Result<Vec<Amending>> {
    let mut rows = store.registry()?;
    if *stream != Stream::Ledger {
        rows.extend(store.history(stream)?);
    }
    let mut found = Vec::new();
    for row in rows {
        // The text of an id stands in the body of whatever names it; only those are read.
        let name = id.to_string();
        let bytes = row.body.windows(name.len()).any(|part| part == name.as_bytes());
        if !bytes || row.event_id == *id.0.as_bytes() {
            continue;
        }
        let Ok(recorded) = open(&row.as_row()) else { continue };
        let names = match &recorded.event {
            Event::DisputeOpened(d) => d.about.contains(&id),
            Event::PersonalDataRedacted(r) => r.targets.iter().any(|target| target.event == id),
            _ => false,
        };
        if names || recorded.envelope.causation == Some(id) {
            let event_id = recorded.envelope.event_id.to_string();
            found.push(Amending { position: row.position, event_id, kind: row.kind, stands: true });
        }
    }
    found.sort_by_key(|a| a.position);
    Ok(found)
}
