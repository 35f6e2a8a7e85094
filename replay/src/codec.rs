//! Between an event and its bytes. The bytes are canonical JSON (RFC 8785); they are stored once, hashed as
//! they are stored, and never written again.

use alloc::{borrow::Cow, boxed::Box, format, string::String, vec::Vec};
use core::fmt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{
    canonical::{
        self, CanonicalError,
        typed::{Members, Text, Unusual},
    },
    event::{Event, Kind, Unreadable},
    ids::{ActorId, Code, EventId, ExternalId, Origin, Personal, Position, Revision, SourceId, Stream, Word},
    merkle::{Hash, leaf_hash},
    time::{Instant, When},
};

pub use canonical::BODY_BYTES_MAX;

/// Who said it, when, where it stands: everything of an event but what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The ledger that the event belongs to.
    pub ledger: Origin,
    /// Place in the log.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: Stream,
    /// Place in the stream.
    pub revision: Revision,
    /// Unique id.
    pub event_id: EventId,
    /// When it happened, with the offset of the place.
    pub effective: When,
    /// When the ledger learned it.
    pub recorded_at: Instant,
    /// Who brought it.
    pub actor: ActorId,
    /// In which role.
    pub role: Code,
    /// The second person, where one was needed.
    pub approver: Option<ActorId>,
    /// The system it came from.
    pub source: SourceId,
    /// That system's own key.
    pub external_id: Option<ExternalId>,
    /// The event that led to this one.
    pub causation: Option<EventId>,
    /// What belongs together across streams (a request, an import).
    pub correlation: Option<Word>,
}

/// An event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Who, when, where.
    pub envelope: Envelope,
    /// What, lifted to today's version.
    pub event: Event,
    /// The version it was written in.
    pub version: u16,
}

/// Bytes that are no event of this ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodecError {
    /// The body is longer than [`BODY_BYTES_MAX`].
    TooLong(usize),
    /// The body is not canonical JSON.
    NotCanonical(String),
    /// The body is no envelope: unknown or missing field, wrong type.
    Envelope(String),
    /// The envelope is fine, its payload is not.
    Payload(Unreadable),
    /// A personal value stands in clear.
    PersonalInClear(String),
    /// The kind may not stand in this stream.
    WrongStream(Kind, Stream),
}
impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodecError::TooLong(bytes) => {
                write!(f, "the event has {bytes} bytes, at most {BODY_BYTES_MAX} are allowed")
            }
            CodecError::NotCanonical(why) => write!(f, "the body is not canonical JSON: {why}"),
            CodecError::Envelope(why) => write!(f, "the envelope cannot be read: {why}"),
            CodecError::Payload(why) => why.fmt(f),
            CodecError::PersonalInClear(path) => write!(f, "the personal value {path} stands in clear"),
            CodecError::WrongStream(kind, stream) => write!(f, "{kind} may not stand in stream {stream}"),
        }
    }
}
impl core::error::Error for CodecError {}

/// An event as it stands in the log, the same for every kind and version.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
struct Wire<'a, P> {
    /// Who brought it.
    actor: Cow<'a, ActorId>,
    /// The second person, where one was needed.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::event::payload::present"
    )]
    approver: Option<Cow<'a, ActorId>>,
    /// The event that led to this one.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::event::payload::present"
    )]
    causation: Option<EventId>,
    /// What belongs together across streams (a request, an import).
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::event::payload::present"
    )]
    correlation: Option<Cow<'a, Word>>,
    /// When it happened.
    effective_at: Instant,
    /// Unique id.
    event_id: EventId,
    /// The source's own key.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "crate::event::payload::present"
    )]
    external_id: Option<Cow<'a, ExternalId>>,
    /// Kind of the payload.
    #[cfg_attr(feature = "schema", schemars(extend("pattern" = "^[a-z][a-z0-9_]*$", "maxLength" = 64)))]
    #[serde(borrow)]
    kind: Cow<'a, str>,
    /// The ledger that the event belongs to.
    ledger: Cow<'a, Origin>,
    /// UTC offset of the place where it happened, in minutes east.
    #[cfg_attr(feature = "schema", schemars(range(min = -crate::time::OFFSET_MINUTES_MAX, max = crate::time::OFFSET_MINUTES_MAX)))]
    offset_minutes: i16,
    /// What it says; `events/<kind>.v<version>` is its schema.
    payload: P,
    /// Place in the log.
    position: Position,
    /// When the ledger learned it.
    recorded_at: Instant,
    /// Place in the stream.
    revision: Revision,
    /// In which role the actor acted.
    role: Cow<'a, Code>,
    /// The system it came from.
    source: Cow<'a, SourceId>,
    /// The stream it belongs to.
    stream: Cow<'a, Stream>,
    /// Version of the payload.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    version: u16,
}

/// The JSON Schema of an event around its payload, for any kind and version.
#[cfg(feature = "schema")]
pub fn schema() -> schemars::Schema {
    crate::event::schema::Form::Event
        .generator()
        .into_root_schema_for::<Wire<'_, serde_json::Map<String, serde_json::Value>>>()
}

/// The bytes of an event, in today's version.
///
/// # Errors
/// [`CodecError::PersonalInClear`] is the last fence before the log; [`CodecError::TooLong`] is a limit.
pub fn encode(envelope: &Envelope, event: &mut Event) -> Result<Vec<u8>, CodecError> {
    no_clear_text(event)?;
    let e = envelope;
    let kind = event.kind();
    if !kind.places().allow(&e.stream) {
        return Err(CodecError::WrongStream(kind, e.stream.clone()));
    }
    let wire = Wire {
        actor: Cow::Borrowed(&e.actor),
        approver: e.approver.as_ref().map(Cow::Borrowed),
        causation: e.causation,
        correlation: e.correlation.as_ref().map(Cow::Borrowed),
        effective_at: e.effective.at,
        event_id: e.event_id,
        external_id: e.external_id.as_ref().map(Cow::Borrowed),
        kind: Cow::Borrowed(kind.as_str()),
        ledger: Cow::Borrowed(&e.ledger),
        offset_minutes: e.effective.offset_minutes,
        payload: &*event,
        position: e.position,
        recorded_at: e.recorded_at,
        revision: e.revision,
        role: Cow::Borrowed(&e.role),
        source: Cow::Borrowed(&e.source),
        stream: Cow::Borrowed(&e.stream),
        version: kind.version(),
    };
    let body = canonical::of(&wire).map_err(|why| match why {
        // Only a payload can refuse to be written.
        CanonicalError::ValueCannotBeSerialised { cause } => CodecError::Envelope(cause),
        why => CodecError::NotCanonical(format!("{why}")),
    })?;
    if body.len() > BODY_BYTES_MAX {
        return Err(CodecError::TooLong(body.len()));
    }
    Ok(body)
}

/// Reads the bytes of an event of any version that was ever written.
///
/// Does not check that the bytes are canonical; [`open`] does.
///
/// # Errors
/// Every reason is a variant of [`CodecError`]; there is no default and no skipping.
pub fn decode(body: &[u8]) -> Result<Recorded, CodecError> {
    if body.len() > BODY_BYTES_MAX {
        return Err(CodecError::TooLong(body.len()));
    }
    // One UTF-8 check for the whole body; from_str then trusts it.
    let text = core::str::from_utf8(body).map_err(|why| CodecError::Envelope(format!("{why}")))?;
    let wire: Wire<'_, &RawValue> =
        serde_json::from_str(text).map_err(|why| CodecError::Envelope(format!("{why}")))?;
    let kind: Kind = wire.kind.parse().map_err(CodecError::Payload)?;
    let mut event = Event::decode(kind, wire.version, wire.payload.get()).map_err(CodecError::Payload)?;
    no_clear_text(&mut event)?;
    if !kind.places().allow(&wire.stream) {
        return Err(CodecError::WrongStream(kind, wire.stream.into_owned()));
    }
    let effective = When::new(wire.effective_at, wire.offset_minutes)
        .map_err(|why| CodecError::Envelope(format!("offset_minutes: {why}")))?;
    Ok(Recorded {
        envelope: Envelope {
            ledger: wire.ledger.into_owned(),
            position: wire.position,
            stream: wire.stream.into_owned(),
            revision: wire.revision,
            event_id: wire.event_id,
            effective,
            recorded_at: wire.recorded_at,
            actor: wire.actor.into_owned(),
            role: wire.role.into_owned(),
            approver: wire.approver.map(Cow::into_owned),
            source: wire.source.into_owned(),
            external_id: wire.external_id.map(Cow::into_owned),
            causation: wire.causation,
            correlation: wire.correlation.map(Cow::into_owned),
        },
        event,
        version: wire.version,
    })
}

/// Reads the canonical bytes of an event of today's version, in one pass.
///
/// What it gives is what [`decode`] gives, and then the bytes are canonical as well. `None` says nothing against them:
/// an old version, and everything that is wrong or out of the ordinary, is for [`canonical::is_canonical`] and
/// [`decode`] to judge.
pub fn decode_canonical(body: &[u8]) -> Option<Recorded> {
    in_one_pass(body).ok()
}

/// The fields stand in canonical order, which is the order of [`Wire`].
fn in_one_pass(body: &[u8]) -> Result<Recorded, Unusual> {
    let mut text = Text::of_body(body)?;
    let mut wire = Members::of(&mut text)?;
    let actor = wire.required("actor")?;
    let approver = wire.optional("approver")?;
    let causation = wire.optional("causation")?;
    let correlation = wire.optional("correlation")?;
    let effective_at = wire.required("effective_at")?;
    let event_id = wire.required("event_id")?;
    let external_id = wire.optional("external_id")?;
    let kind: Kind = wire.required::<&str>("kind")?.parse().map_err(|_| Unusual)?;
    let ledger = wire.required("ledger")?;
    let offset_minutes = wire.required("offset_minutes")?;
    let mut event = Event::read(kind, wire.at("payload")?)?;
    let position = wire.required("position")?;
    let recorded_at = wire.required("recorded_at")?;
    let revision = wire.required("revision")?;
    let role = wire.required("role")?;
    let source = wire.required("source")?;
    let stream: Stream = wire.required("stream")?;
    let version: u16 = wire.required("version")?;
    wire.end()?;
    text.end()?;
    event.check().map_err(|_| Unusual)?;
    no_clear_text(&mut event).map_err(|_| Unusual)?;
    if version != kind.version() || !kind.places().allow(&stream) {
        return Err(Unusual);
    }
    let effective = When::new(effective_at, offset_minutes).map_err(|_| Unusual)?;
    let envelope = Envelope {
        ledger,
        position,
        stream,
        revision,
        event_id,
        effective,
        recorded_at,
        actor,
        role,
        approver,
        source,
        external_id,
        causation,
        correlation,
    };
    Ok(Recorded { envelope, event, version })
}

fn no_clear_text(event: &mut Event) -> Result<(), CodecError> {
    let mut clear: Option<String> = None;
    event.personals(&mut |path, value| {
        if clear.is_none() && matches!(value, Personal::Clear(_)) {
            clear = Some(format!("{path}"));
        }
    });
    clear.map_or(Ok(()), |path| Err(CodecError::PersonalInClear(path)))
}

/// One row of the log as a store hands it out: the columns beside the body are for finding it, and every
/// one of them must agree with the body.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// Place in the log.
    pub position: u64,
    /// Stream as text.
    pub stream: &'a str,
    /// Place in the stream.
    pub revision: u64,
    /// The event's id.
    pub event_id: [u8; 16],
    /// Kind as text.
    pub kind: &'a str,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// The stored bytes.
    pub body: &'a [u8],
    /// RFC 6962 leaf hash of `body`.
    pub leaf: [u8; 32],
}

/// A row that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedRow {
    /// Place in the log.
    pub position: u64,
    /// Stream as text.
    pub stream: String,
    /// Place in the stream.
    pub revision: u64,
    /// The event's id.
    pub event_id: [u8; 16],
    /// Kind as text.
    pub kind: String,
    /// Microseconds since 1970.
    pub recorded_at: i64,
    /// The stored bytes.
    pub body: Vec<u8>,
    /// RFC 6962 leaf hash of `body`.
    pub leaf: [u8; 32],
}
impl OwnedRow {
    /// The row as it goes into a store.
    pub fn of(envelope: &Envelope, kind: Kind, body: Vec<u8>) -> Self {
        let leaf = leaf_hash(&body).0;
        Self {
            position: envelope.position.get(),
            stream: format!("{}", envelope.stream),
            revision: envelope.revision.get(),
            event_id: *envelope.event_id.0.as_bytes(),
            kind: kind.as_str().into(),
            recorded_at: envelope.recorded_at.micros(),
            body,
            leaf,
        }
    }
    /// Borrows the row.
    pub fn as_row(&self) -> Row<'_> {
        Row {
            position: self.position,
            stream: &self.stream,
            revision: self.revision,
            event_id: self.event_id,
            kind: &self.kind,
            recorded_at: self.recorded_at,
            body: &self.body,
            leaf: self.leaf,
        }
    }
}

/// What is wrong with one row, seen alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowFault {
    /// The stored leaf is not the hash of the stored body.
    LeafIsNotTheHashOfTheBody {
        /// Hash of the body that is there.
        found: Hash,
    },
    /// The body cannot be read.
    Undecodable(CodecError),
    /// A column disagrees with the body.
    ColumnDisagrees(&'static str),
}
impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RowFault::LeafIsNotTheHashOfTheBody { found } => {
                write!(f, "the stored leaf is not the hash of the stored body (which is {found})")
            }
            RowFault::Undecodable(why) => why.fmt(f),
            RowFault::ColumnDisagrees(column) => write!(f, "column {column} disagrees with the body"),
        }
    }
}

/// The one way from a stored row to an event, on append and on replay: checks the leaf, that the body is
/// canonical, decodes, and compares every column with the body.
///
/// # Errors
/// [`RowFault`].
pub fn open(row: &Row<'_>) -> Result<Recorded, RowFault> {
    let found = leaf_hash(row.body);
    if found.0 != row.leaf {
        return Err(RowFault::LeafIsNotTheHashOfTheBody { found });
    }
    let recorded = match decode_canonical(row.body) {
        Some(recorded) => recorded,
        None => {
            canonical::is_canonical(row.body)
                .map_err(|why| RowFault::Undecodable(CodecError::NotCanonical(format!("{why}"))))?;
            decode(row.body).map_err(RowFault::Undecodable)?
        }
    };
    let e = &recorded.envelope;
    let disagrees = if e.position.get() != row.position {
        Some("position")
    } else if !stream_is(&e.stream, row.stream) {
        Some("stream")
    } else if e.revision.get() != row.revision {
        Some("revision")
    } else if e.event_id.0.as_bytes() != &row.event_id {
        Some("event_id")
    } else if recorded.event.kind().as_str() != row.kind {
        Some("kind")
    } else if e.recorded_at.micros() != row.recorded_at {
        Some("recorded_at")
    } else {
        None
    };
    disagrees.map_or(Ok(recorded), |column| Err(RowFault::ColumnDisagrees(column)))
}

fn stream_is(stream: &Stream, text: &str) -> bool {
    match stream {
        Stream::Ledger => text == "ledger",
        Stream::Order(id) => text.strip_prefix("order/") == Some(id.as_str()),
        Stream::Claim(id) => text.strip_prefix("claim/") == Some(id.as_str()),
    }
}

/// The body as a value, for people and programs that look at one event.
///
/// # Errors
/// [`CodecError::Envelope`] when it is no JSON.
pub fn value(body: &[u8]) -> Result<Box<serde_json::Value>, CodecError> {
    serde_json::from_slice(body).map(Box::new).map_err(|why| CodecError::Envelope(format!("{why}")))
}
