//! What a packet is made from: the events of the claim and its order, what stands of them, and the events of the ledger
//! stream that speak of them. Every personal value is compared with its commitment here.

use replay::{
    case::Case,
    codec::{OwnedRow, Recorded},
    event::{Event, Kind},
    history::{Cut, History},
    ids::{ClaimId, Stream},
    redaction::{Redactions, Standing, Tampering, standings},
    time::When,
};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Closed, Erased, Opening, Options, Refused, Said, State, Text, Told,
    words::{amount, says, visible},
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Store, sqlite::SqliteStore},
    view::{self, opened, standing_word},
};

const WITHHELD: &str = "[left out of this packet]";
const NOTE_WITHHELD: &str = "[a note among colleagues, left out of this packet]";
const MISSING: &str = "[not in this ledger file]";

/// An event as it stands after corrections, personal values in their place.
#[derive(Debug)]
pub(super) struct Fact {
    pub position: u64,
    pub kind: Kind,
    pub effective: When,
    pub actor: String,
    pub approver: Option<String>,
    pub standing: &'static str,
    pub value: Value,
}

impl Fact {
    pub fn stands(&self) -> bool {
        self.standing != "reversed"
    }
    pub fn at(&self) -> String {
        self.effective.to_string()
    }
    /// A text of the payload, and of a personal one what has become of it.
    pub fn text(&self, path: &str) -> Option<Text> {
        text(view::at_path(&self.value, path)?)
    }
    /// A word of the payload.
    pub fn word(&self, path: &str) -> Option<String> {
        view::at_path(&self.value, path)?.as_str().map(visible)
    }
    /// An amount of the payload, with its currency.
    pub fn amount(&self, path: &str) -> Option<String> {
        amount(view::at_path(&self.value, path)?)
    }
    /// The units of the payload, as one text.
    pub fn units(&self) -> String {
        self.list("units").join(", ")
    }
    /// A list of words of the payload.
    pub fn list(&self, path: &str) -> Vec<String> {
        let list = view::at_path(&self.value, path).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(visible).collect()
    }
}

/// A text, or what stands in the place of a personal one.
pub(super) fn text(value: &Value) -> Option<Text> {
    match value {
        Value::String(text) => Some(Text::plain(visible(text))),
        Value::Object(fields) => personal(fields),
        _ => None,
    }
}

/// One stored event with what opens it.
#[derive(Debug)]
pub(super) struct Kept {
    pub row: OwnedRow,
    pub personal: Vec<Opening>,
    pub closed: Vec<Closed>,
}

/// A correction or reversal.
#[derive(Debug)]
pub(super) struct Amendment {
    pub recorded: Recorded,
    pub value: Value,
}

/// Everything that a packet is made from.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What stands of the order and the claim, by effective time.
    pub facts: Vec<Fact>,
    /// Every event by its id, as it was recorded.
    pub events: BTreeMap<String, (u64, Kind, Value, When)>,
    pub amendments: Vec<Amendment>,
    pub timeline: Vec<Told>,
    pub rows: Vec<Kept>,
    pub refused: Vec<Refused>,
    pub redactions: Vec<Erased>,
}

pub(super) fn gather(
    store: &mut SqliteStore,
    case: &Case,
    id: &ClaimId,
    policy_at: Option<u64>,
    options: &Options,
) -> Result<Gathered> {
    let redactions = view::redactions(store)?;
    let mut g = Gathered::default();
    let mut values: BTreeMap<String, Text> = BTreeMap::new();
    let mut from_ledger: BTreeSet<u64> = policy_at.into_iter().collect();
    let claim = (Stream::Claim(id.clone()), case.claims.get(id).map(|c| &c.history));
    let order = case.order.as_ref().map(|o| (Stream::Order(o.id.clone()), Some(&o.history)));
    let streams: Vec<(Stream, Option<&History>)> = order.into_iter().chain([claim]).collect();
    let mut seen = Vec::new();
    for (stream, history) in &streams {
        let words = standing_words(*history, &options.cut);
        for row in store.history(stream)? {
            let mut recorded = opened(&row)?;
            if !sees(&options.cut, &recorded) {
                continue;
            }
            let kept = values_of(store, row, &mut recorded, &redactions, options, &mut values)?;
            for erased in erased_of(store, &recorded, &redactions)? {
                from_ledger.insert(erased.position);
                g.redactions.push(erased);
            }
            let word = words.get(&kept.row.position).copied().unwrap_or("stands");
            seen.push((kept, recorded, word));
        }
    }
    for refused in store.refusals_of(&Stream::Claim(id.clone()).to_string())? {
        let row = store.row(refused.position)?.ok_or_else(|| gone(refused.position))?;
        let recorded = opened(&row)?;
        if sees(&options.cut, &recorded) {
            from_ledger.insert(refused.position);
            g.refused.push(Refused {
                position: refused.position,
                recorded: recorded.envelope.recorded_at.to_string(),
                by: recorded.envelope.actor.to_string(),
                kind: refused.kind,
                reason: refused.reason,
                message: visible(&refused.message),
                cites: refused.cites.split(' ').filter(|c| !c.is_empty()).map(Into::into).collect(),
            });
        }
    }
    for position in from_ledger {
        let row = store.row(position)?.ok_or_else(|| gone(position))?;
        let recorded = opened(&row)?;
        seen.push((Kept { row, personal: Vec::new(), closed: Vec::new() }, recorded, "stands"));
    }
    seen.sort_by_key(|(kept, recorded, _)| (recorded.envelope.effective.at, kept.row.position));
    for (kept, recorded, standing) in seen {
        let value = tagged(&payload(&kept.row)?, &values);
        g.timeline.push(told(&kept.row, &recorded, standing, &value));
        let kind = recorded.event.kind();
        let named = (kept.row.position, kind, value.clone(), recorded.envelope.effective);
        g.events.insert(recorded.envelope.event_id.to_string(), named);
        if matches!(recorded.event, Event::EventCorrected(_) | Event::EventReversed(_)) {
            g.amendments.push(Amendment { recorded, value });
        }
        g.rows.push(kept);
    }
    g.rows.sort_by_key(|kept| kept.row.position);
    g.redactions.sort_by(|a, b| (a.of_position, &a.path).cmp(&(b.of_position, &b.path)));
    for (_, history) in &streams {
        let Some(history) = history else { continue };
        for s in history.standing(&options.cut) {
            g.facts.push(Fact {
                position: s.fact.position.get(),
                kind: s.event.kind(),
                effective: s.effective,
                actor: s.fact.actor.to_string(),
                approver: s.fact.approver.as_ref().map(ToString::to_string),
                standing: standing_word(&s),
                value: tagged(&s.event.to_value().unwrap_or_default(), &values),
            });
        }
    }
    g.facts.sort_by_key(|fact| (fact.effective.at, fact.position));
    Ok(g)
}

/// As the timeline of every other view.
fn sees(cut: &Cut, recorded: &Recorded) -> bool {
    let e = &recorded.envelope;
    cut.sees(e.position, e.recorded_at) && cut.effective_at.is_none_or(|at| e.effective.at <= at)
}

fn standing_words(history: Option<&History>, cut: &Cut) -> BTreeMap<u64, &'static str> {
    let standing = history.map(|h| h.standing(cut)).unwrap_or_default();
    standing.iter().map(|s| (s.fact.position.get(), standing_word(s))).collect()
}

fn gone(position: u64) -> Error {
    Error::new(ErrorKind::BrokenLog, "event_is_missing", format!("position {position} is missing"))
        .hint("run claims audit")
}

/// Opens the personal values of an event, each compared with its commitment.
fn values_of(
    store: &mut SqliteStore,
    row: OwnedRow,
    recorded: &mut Recorded,
    redactions: &Redactions,
    options: &Options,
    values: &mut BTreeMap<String, Text>,
) -> Result<Kept> {
    let rows = store.personal(row.position)?;
    let withheld = match recorded.event {
        _ if options.without_personal => Some(WITHHELD),
        Event::NoteAdded(_) if !options.with_notes => Some(NOTE_WITHHELD),
        _ => None,
    };
    let mut kept = Kept { row, personal: Vec::new(), closed: Vec::new() };
    for (commitment, standing) in standings(recorded, &rows, redactions) {
        let closed = match (&standing, withheld) {
            (Standing::Redacted(redaction), _) => Some((redaction.to_string(), State::Redacted)),
            (Standing::Tampered(Tampering::Gone), _) => Some((MISSING.into(), State::Missing)),
            (Standing::Tampered(why), _) => {
                return Err(Error::new(ErrorKind::BrokenLog, "personal_value_is_false", why.to_string())
                    .at(format!("{} at position {}", commitment.path, kept.row.position))
                    .hint("no packet is made of it; run claims audit"));
            }
            (Standing::Opens, Some(word)) => Some((word.into(), State::Withheld)),
            (Standing::Opens, None) => None,
        };
        let text = match closed {
            Some((text, state)) => {
                kept.closed.push(Closed { path: commitment.path, text: text.clone(), state });
                Text { text, state }
            }
            None => {
                let Some(found) = rows.iter().find(|row| row.path == commitment.path) else { continue };
                kept.personal.push(Opening {
                    path: commitment.path,
                    salt: replay::merkle::Hash(found.salt),
                    value: found.value.clone(),
                });
                Text { text: visible(&found.value), state: State::Open }
            }
        };
        values.insert(commitment.hash.to_string(), text);
    }
    Ok(kept)
}

/// The values of an event that were erased, with the people who stand behind that.
fn erased_of(store: &mut SqliteStore, recorded: &Recorded, redactions: &Redactions) -> Result<Vec<Erased>> {
    let mut found = Vec::new();
    for (path, redaction) in redactions.of_event(recorded.envelope.event_id) {
        if redaction.approval.is_err() {
            continue;
        }
        let position = redaction.position.get();
        let row = store.row(position)?.ok_or_else(|| gone(position))?;
        let by = opened(&row)?;
        let Event::PersonalDataRedacted(event) = &by.event else { continue };
        found.push(Erased {
            of_position: recorded.envelope.position.get(),
            path: path.into(),
            on: redaction.on.local_day().to_string(),
            basis: redaction.basis.to_string(),
            by: by.envelope.actor.to_string(),
            approver: by.envelope.approver.as_ref().map(ToString::to_string).unwrap_or_default(),
            requester: event.requester.to_string(),
            position,
        });
    }
    Ok(found)
}

/// The payload as it is stored: what is shown of an event comes from the bytes that are proved, not from a re-reading.
fn payload(row: &OwnedRow) -> Result<Value> {
    let body: Value = serde_json::from_slice(&row.body).map_err(|why| {
        Error::new(ErrorKind::BrokenLog, "log_is_broken", why.to_string())
            .at(format!("position {}", row.position))
            .hint("run claims audit")
    })?;
    Ok(body.get("payload").cloned().unwrap_or_default())
}

fn told(row: &OwnedRow, recorded: &Recorded, standing: &'static str, value: &Value) -> Told {
    let e = &recorded.envelope;
    Told {
        position: row.position,
        stream: row.stream.clone(),
        revision: row.revision,
        event_id: e.event_id.to_string(),
        kind: row.kind.clone(),
        happened: e.effective.to_string(),
        recorded: e.recorded_at.to_string(),
        actor: e.actor.to_string(),
        role: e.role.to_string(),
        approver: e.approver.as_ref().map(ToString::to_string),
        source: visible(e.source.as_str()),
        external_id: e.external_id.as_ref().map(|key| visible(key.as_str())),
        standing,
        says: says(recorded.event.kind(), value),
        fields: fields(recorded.event.kind(), value),
    }
}

/// A payload with a text, and what has become of it, in the place of every commitment.
fn tagged(value: &Value, values: &BTreeMap<String, Text>) -> Value {
    match value {
        Value::Object(fields) => match commitment(fields).and_then(|hash| values.get(hash)) {
            Some(text) => serde_json::json!({ "personal": text.state, "text": text.text }),
            None => Value::Object(fields.iter().map(|(k, v)| (k.clone(), tagged(v, values))).collect()),
        },
        Value::Array(items) => Value::Array(items.iter().map(|item| tagged(item, values)).collect()),
        other => other.clone(),
    }
}

fn commitment(fields: &Map<String, Value>) -> Option<&str> {
    fields.get("commitment").filter(|_| fields.len() == 1)?.as_str()
}

/// What [`tagged`] put there.
fn personal(fields: &Map<String, Value>) -> Option<Text> {
    let state = match fields.get("personal")?.as_str()? {
        "open" => State::Open,
        "redacted" => State::Redacted,
        "withheld" => State::Withheld,
        "missing" => State::Missing,
        _ => return None,
    };
    Some(Text { text: fields.get("text")?.as_str()?.into(), state })
}

/// The fields of a stored event as a packet shows them, with these texts, by their paths, for its personal values.
pub(crate) fn shown(body: &str, texts: &BTreeMap<String, Text>) -> Option<Vec<Said>> {
    let body: Value = serde_json::from_str(body).ok()?;
    let (kind, payload) = (body.get("kind")?.as_str()?, body.get("payload")?);
    let hash = |path: &String| Some(commitment(view::at_path(payload, path)?.as_object()?)?.to_owned());
    let values = texts.iter().filter_map(|(path, text)| Some((hash(path)?, text.clone()))).collect();
    Some(fields(kind.parse().ok()?, &tagged(payload, &values)))
}

/// A payload as one line per field. `html/verify.js` does the same with the stored bytes and compares.
fn fields(kind: Kind, payload: &Value) -> Vec<Said> {
    let currency = payload.get("currency").or_else(|| payload.pointer("/amount/currency"));
    let mut flat = Flat { said: Vec::new(), currency: currency.and_then(Value::as_str).unwrap_or_default() };
    for (name, value) in payload.as_object().into_iter().flatten() {
        // A policy as data is long; its clauses stand in a section of their own.
        if kind == Kind::PolicyPublished && name == "body" {
            continue;
        }
        flat.add(name, value);
    }
    flat.said
}

struct Flat<'a> {
    said: Vec<Said>,
    currency: &'a str,
}

impl Flat<'_> {
    fn add(&mut self, path: &str, value: &Value) {
        let mut push = |text: String, state| self.said.push(Said { path: path.into(), text, state });
        match value {
            Value::Object(fields) => match (amount(value), personal(fields)) {
                (Some(amount), _) => push(amount, State::Plain),
                (None, Some(text)) => push(text.text, text.state),
                (None, None) => {
                    fields.iter().for_each(|(name, value)| self.add(&format!("{path}.{name}"), value));
                }
            },
            Value::Array(items) if items.iter().all(|item| item.is_string() || item.is_number()) => {
                let words: Vec<String> = items.iter().map(scalar).collect();
                push(if words.is_empty() { "none".into() } else { words.join(", ") }, State::Plain);
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add(&format!("{path}[{index}]"), item);
                }
            }
            Value::Number(number) if path.ends_with("_minor") && !self.currency.is_empty() => {
                let minor = number.as_u64().unwrap_or_default();
                push(format!("{} {}", view::money(minor, self.currency), self.currency), State::Plain);
            }
            other => push(scalar(other), State::Plain),
        }
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => visible(text),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Null => "none".into(),
        other => other.to_string(),
    }
}
