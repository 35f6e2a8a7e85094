//! Which personal values a selection names, and what has become of each.

use replay::{
    codec::Recorded,
    event::Event,
    ids::{ActorId, ClaimId, Code, EventId, OrderId, Stream},
    redaction::{Redactions, Standing, Tampering, standings},
    time::Day,
};
use serde::Serialize;
use std::{fmt, ops::ControlFlow};

use crate::{
    error::{Error, ErrorKind, Result},
    store::{Span, Store},
    view::{self, Redacted, opened},
};

/// The role in which customers speak for themselves.
pub const CUSTOMER_ROLE: &str = "customer";

/// Which personal values are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Those in the events of one claim.
    Claim(ClaimId),
    /// Those in the events of an order and of every claim on it.
    Order(OrderId),
    /// Those of one event; with paths, only what stands there or below.
    Event(EventId, Vec<String>),
    /// The name registered for an actor, and what that actor said as a customer.
    Subject(ActorId),
    /// Those whose retention is over on a day and that no legal hold keeps.
    Retention(Day),
}

impl Selection {
    /// The claim or order it is about.
    pub fn stream(&self) -> Option<Stream> {
        match self {
            Selection::Claim(id) => Some(Stream::Claim(id.clone())),
            Selection::Order(id) => Some(Stream::Order(id.clone())),
            _ => None,
        }
    }
}
impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::Claim(id) => write!(f, "claim/{id}"),
            Selection::Order(id) => write!(f, "order/{id}"),
            Selection::Event(id, paths) if paths.is_empty() => write!(f, "event {id}"),
            Selection::Event(id, paths) => write!(f, "event {id} {}", paths.join(", ")),
            Selection::Subject(id) => write!(f, "subject {id}"),
            Selection::Retention(day) => write!(f, "retention over on {day}"),
        }
    }
}

/// What has become of a personal value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is there.
    Open,
    /// It was redacted with approval.
    Redacted,
    /// It is not there, and no redaction says why: it never came along with an import, or somebody tampered.
    Missing,
}
impl State {
    /// The word in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Redacted => "redacted",
            State::Missing => "missing",
        }
    }
}

/// One personal value, without the value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The position of its event.
    pub position: u64,
    /// The stream of its event.
    pub stream: Stream,
    /// The kind of its event.
    pub kind: String,
    /// The id of its event.
    pub event: EventId,
    /// Where it stands in the payload.
    pub path: String,
    /// What has become of it.
    pub state: State,
    /// When and on which basis it was redacted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redacted>,
    /// The legal basis that its retention brings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<Code>,
}

/// Every personal value of a selection, in order of position.
///
/// # Errors
/// [`ErrorKind::NotFound`] when there is no such claim, order or event, or nothing personal in it;
/// `not_redactable` when what is named is there and is not personal.
pub(super) fn values<S: Store>(store: &mut S, selection: &Selection) -> Result<Vec<Found>> {
    if let Selection::Retention(day) = selection {
        return super::retention::over(store, *day);
    }
    let redactions = view::redactions(store)?;
    let mut events = match selection {
        Selection::Claim(_) | Selection::Order(_) => of_streams(store, selection)?,
        Selection::Event(id, _) => vec![event(store, *id)?],
        Selection::Subject(actor) => of_subject(store, actor)?,
        Selection::Retention(_) => Vec::new(),
    };
    events.sort_by_key(|recorded| recorded.envelope.position);
    let mut found = Vec::new();
    for recorded in &mut events {
        found.extend(of_event(store, recorded, &redactions)?);
    }
    if let (Selection::Event(_, paths), [recorded]) = (selection, events.as_slice()) {
        return at_paths(recorded, paths, found);
    }
    if found.is_empty() {
        return Err(Error::not_found("nothing personal is on record here").at(selection.to_string()).hint(
            "claims timeline CLAIM shows the events; only names, addresses and free texts are personal",
        ));
    }
    Ok(found)
}

/// The personal values of one event.
pub(crate) fn of_event<S: Store>(
    store: &mut S,
    recorded: &mut Recorded,
    redactions: &Redactions,
) -> Result<Vec<Found>> {
    let e = recorded.envelope.clone();
    let kind = recorded.event.kind().to_string();
    let values = store.personal(e.position.get())?;
    let redacted = view::redacted_of(redactions, e.event_id);
    let rows = standings(recorded, &values, redactions).into_iter().map(|(c, standing)| Found {
        position: e.position.get(),
        stream: e.stream.clone(),
        kind: kind.clone(),
        event: e.event_id,
        state: match standing {
            // What is there can be erased, whatever else is wrong with it.
            Standing::Opens | Standing::Tampered(Tampering::Another | Tampering::StillThere(_)) => {
                State::Open
            }
            Standing::Redacted(_) => State::Redacted,
            Standing::Tampered(_) => State::Missing,
        },
        redacted: redacted.iter().find(|r| r.path == c.path).cloned(),
        basis: None,
        path: c.path,
    });
    Ok(rows.collect())
}

fn of_streams<S: Store>(store: &mut S, selection: &Selection) -> Result<Vec<Recorded>> {
    let mut streams: Vec<Stream> = selection.stream().into_iter().collect();
    if let Selection::Order(id) = selection {
        for claim in store.claims_of(id.as_str())? {
            let id = ClaimId::new(claim)
                .map_err(|why| Error::new(ErrorKind::BrokenLog, "claim_id_is_broken", why.to_string()))?;
            streams.push(Stream::Claim(id));
        }
    }
    let mut events = Vec::new();
    for stream in &streams {
        for row in store.history(stream)? {
            events.push(opened(&row)?);
        }
    }
    if events.is_empty() {
        return Err(Error::not_found(format!("no {selection} is on record"))
            .hint("claims list shows the claims; claims show CLAIM names its order"));
    }
    Ok(events)
}

fn event<S: Store>(store: &mut S, id: EventId) -> Result<Recorded> {
    let position = store.find_event(*id.0.as_bytes())?;
    let row = position.map(|position| store.row(position)).transpose()?.flatten();
    let row = row.ok_or_else(|| {
        Error::not_found(format!("no event {id} is on record"))
            .hint("claims timeline CLAIM --json prints the ids of its events")
    })?;
    opened(&row)
}

fn of_subject<S: Store>(store: &mut S, actor: &ActorId) -> Result<Vec<Recorded>> {
    let mut events = Vec::new();
    let mut broken = None;
    store.scan(Span::ALL, &mut |row| match replay::codec::open(row) {
        Ok(recorded) => {
            if is_own(&recorded, actor) {
                events.push(recorded);
            }
            ControlFlow::Continue(())
        }
        Err(why) => {
            broken = Some(format!("position {}: {why}", row.position));
            ControlFlow::Break(())
        }
    })?;
    match broken {
        None => Ok(events),
        Some(why) => Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", why)
            .hint("claims audit names everything that is wrong")),
    }
}

/// Whether the personal values of an event are an actor's own: the registered name, and what the actor said as a
/// customer. What staff wrote down is about customers and belongs to their claims.
pub fn is_own(recorded: &Recorded, actor: &ActorId) -> bool {
    match &recorded.event {
        Event::ActorRegistered(a) => a.actor == *actor,
        _ => recorded.envelope.actor == *actor && recorded.envelope.role.as_str() == CUSTOMER_ROLE,
    }
}

/// Those that stand at one of the paths, or below it. Every path must name something.
fn at_paths(recorded: &Recorded, paths: &[String], found: Vec<Found>) -> Result<Vec<Found>> {
    let place = format!("event {}", recorded.envelope.event_id);
    let below = |path: &str, asked: &str| {
        path.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    let payload = recorded.event.to_value().unwrap_or_default();
    let names: Vec<&str> = found.iter().map(|value| value.path.as_str()).collect();
    let hint = match names.is_empty() {
        true => "this event holds nothing personal".to_string(),
        false => format!("personal in this event: {}", names.join(", ")),
    };
    for asked in paths {
        if found.iter().any(|value| below(&value.path, asked)) {
            continue;
        }
        if view::at_path(&payload, asked).is_some() {
            let text = format!("{asked} is never erased: amounts, dates, reason codes and ids stay");
            return Err(Error::new(ErrorKind::Refused, "not_redactable", text).at(place).hint(hint));
        }
        return Err(Error::not_found(format!("there is no {asked} in it")).at(place).hint(hint));
    }
    let wanted = |value: &Found| paths.is_empty() || paths.iter().any(|asked| below(&value.path, asked));
    let found: Vec<Found> = found.into_iter().filter(wanted).collect();
    if found.is_empty() {
        return Err(Error::not_found("nothing personal is on record here").at(place).hint(hint));
    }
    Ok(found)
}
