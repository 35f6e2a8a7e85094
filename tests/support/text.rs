//! The text form of commands and events, one a line:
//!
//! ```text
//! claim/C1 refund_issued {"refund":"R1",...} @2024-05-01T10:00:00Z by a.jones as agent approved m.lee from shop key m-17 id UUID rev 3 named R
//! ```
//!
//! Everything after the payload may be left out. `named R` lets later lines say `"$R"` for the event's id, and
//! `"=12.50 USD"` stands for an amount.

use std::collections::BTreeMap;

use claims::command::event_of;
use replay::canonical;
use replay::codec::{OwnedRow, open};
use replay::event::{Event, Kind};
use replay::ids::{ActorId, Code, EventId, Expected, ExternalId, SourceId, Stream};
use replay::merkle::sha256;
use replay::money::{Amount, Currency};
use replay::seal::Proposal;
use replay::time::{Instant, When};
use serde_json::{Deserializer, Value, json};

/// One line, taken apart.
#[derive(Debug, Clone)]
pub struct Line {
    pub stream: Stream,
    pub kind: String,
    pub payload: Value,
    pub at: Option<When>,
    pub actor: String,
    pub role: String,
    pub approver: Option<String>,
    pub source: String,
    pub key: Option<String>,
    pub id: Option<EventId>,
    pub revision: Option<u64>,
    pub name: Option<String>,
}

/// Reads one line; a test with a line that cannot be read is wrong and stops.
#[track_caller]
pub fn parse(line: &str) -> Line {
    let bad = |why: &str| -> ! { panic!("{why}: {line}") };
    let mut words = line.trim().splitn(3, ' ');
    let stream = words.next().and_then(|w| w.parse().ok()).unwrap_or_else(|| bad("no stream"));
    let kind = words.next().unwrap_or_else(|| bad("no kind")).to_string();
    let rest = words.next().unwrap_or("{}");
    let mut values = Deserializer::from_str(rest).into_iter::<Value>();
    let mut payload = match values.next() {
        Some(Ok(value)) => value,
        other => bad(&format!("no payload ({other:?})")),
    };
    amounts(&mut payload);
    let mut parsed = Line {
        stream,
        kind,
        payload,
        at: None,
        actor: "a.jones".into(),
        role: "agent".into(),
        approver: None,
        source: "test".into(),
        key: None,
        id: None,
        revision: None,
        name: None,
    };
    let mut words = rest[values.byte_offset()..].split_whitespace();
    while let Some(word) = words.next() {
        if let Some(time) = word.strip_prefix('@') {
            parsed.at = Some(When::parse(time).unwrap_or_else(|why| bad(&why.to_string())));
            continue;
        }
        let value = words.next().unwrap_or_else(|| bad("a word without its value")).to_string();
        match word {
            "by" => parsed.actor = value,
            "as" => parsed.role = value,
            "approved" => parsed.approver = Some(value),
            "from" => parsed.source = value,
            "key" => parsed.key = Some(value),
            "id" => parsed.id = Some(value.parse().unwrap_or_else(|_| bad("no event id"))),
            "rev" => parsed.revision = Some(value.parse().unwrap_or_else(|_| bad("no revision"))),
            "named" => parsed.name = Some(value),
            _ => bad("an unknown word"),
        }
    }
    parsed
}

impl Line {
    /// The command, at this revision of its stream. A policy gets the hash of its body.
    #[track_caller]
    pub fn proposal(&self, names: &BTreeMap<String, EventId>, revision: u64, now: Instant) -> Proposal {
        let mut payload = self.payload.clone();
        resolve(&mut payload, names);
        if let (Some(fields), Some(body)) = (payload.as_object_mut(), self.payload.get("body")) {
            let bytes = canonical::to_bytes(body).unwrap();
            fields.entry("sha256").or_insert_with(|| json!(sha256(&bytes)));
        }
        let kind: Kind = self.kind.parse().unwrap();
        let own = || Event::decode(kind, kind.version(), &payload.to_string()).unwrap();
        let event = if kind == Kind::PeriodClosed { Ok(own()) } else { event_of(kind, payload.clone()) }
            .unwrap_or_else(|why| panic!("{} {}: {why}", self.stream, self.kind));
        Proposal {
            stream: self.stream.clone(),
            expected: Expected::at_number(revision),
            event,
            effective: self.at.unwrap_or(When { at: now, offset_minutes: 0 }),
            effective_is_given: self.at.is_some(),
            actor: ActorId::new(self.actor.as_str()).unwrap(),
            role: Code::new(self.role.as_str()).unwrap(),
            approver: self.approver.as_deref().map(|a| ActorId::new(a).unwrap()),
            source: SourceId::new(self.source.as_str()).unwrap(),
            external_id: self.key.as_deref().map(|k| ExternalId::new(k).unwrap()),
            event_id: self.id,
            causation: None,
            correlation: None,
        }
    }
}

/// Puts event ids in the place of their names.
fn resolve(value: &mut Value, names: &BTreeMap<String, EventId>) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix('$') {
                let id = names.get(name).unwrap_or_else(|| panic!("no line is named {name}"));
                *text = id.to_string();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| resolve(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|field| resolve(field, names)),
        _ => {}
    }
}

/// An event of the log in the same form; personal values show as their commitments.
pub fn event(row: &OwnedRow) -> String {
    let recorded = match open(&row.as_row()) {
        Ok(recorded) => recorded,
        Err(why) => return format!("{} {} (unreadable: {why})", row.stream, row.kind),
    };
    let e = &recorded.envelope;
    let payload = recorded.event.to_value().unwrap_or_default();
    let mut line =
        format!("{} {} {payload} @{} by {} as {}", e.stream, row.kind, e.effective, e.actor, e.role);
    if let Some(approver) = &e.approver {
        line += &format!(" approved {approver}");
    }
    if let Some(key) = &e.external_id {
        line += &format!(" from {} key {key}", e.source);
    }
    line
}

/// A word of an enum as JSON has it.
pub fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap_or_default().to_string()
}

/// Whether `have` holds everything that `want` names: fields of objects may be more, lists must be as long, and the
/// text `*` stands for any value.
pub fn holds(want: &Value, have: &Value) -> bool {
    match (want, have) {
        (Value::String(any), _) if any == "*" => true,
        (Value::Object(want), Value::Object(have)) => {
            want.iter().all(|(name, value)| have.get(name).is_some_and(|found| holds(value, found)))
        }
        (Value::Array(want), Value::Array(have)) => {
            want.len() == have.len() && want.iter().zip(have).all(|(w, h)| holds(w, h))
        }
        _ => want == have,
    }
}

/// Puts an amount in the place of `"=12.50 USD"`, so that tables are readable.
pub fn amounts(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some((digits, currency)) = text.strip_prefix('=').and_then(|t| t.split_once(' ')) {
                let currency: Currency =
                    serde_json::from_value(json!(currency)).unwrap_or_else(|why| panic!("{text}: {why}"));
                *value =
                    json!(Amount::parse(digits, currency).unwrap_or_else(|why| panic!("{digits}: {why}")));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(amounts),
        Value::Object(fields) => fields.values_mut().for_each(amounts),
        _ => {}
    }
}
