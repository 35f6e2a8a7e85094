//! Commands as text: one JSON object a line. The same form for `claims record`, fixtures and tests.
//!
//! ```json
//! {"stream":"claim/C1","expected_revision":0,"kind":"claim_opened","effective_at":"2024-04-15T12:00:00-05:00",
//!  "actor":"a.jones","role":"agent","source":"shop","external_id":"m-17","payload":{...}}
//! ```

use replay::{
    canonical::{self, CanonicalError, Limits},
    event::{Event, Kind, Unreadable, misread, payload::present},
    ids::{ActorId, Code, EventId, Expected, ExternalId, SourceId, Stream, Word},
    seal::Proposal,
    time::When,
};
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// Longest command, in bytes. An event has at most 65,535; the rest is room for escapes and personal text.
pub const COMMAND_BYTES_MAX: usize = 256 * 1024;
/// Deepest nesting of a command.
pub const COMMAND_DEPTH_MAX: u8 = 32;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a command, which is one JSON object")]
struct Wire {
    stream: Stream,
    #[serde(default, deserialize_with = "present")]
    expected_revision: Option<u64>,
    kind: String,
    #[serde(default, deserialize_with = "present")]
    effective_at: Option<When>,
    #[serde(default, deserialize_with = "present")]
    actor: Option<ActorId>,
    #[serde(default, deserialize_with = "present")]
    role: Option<Code>,
    #[serde(default, deserialize_with = "present")]
    approver: Option<ActorId>,
    #[serde(default, deserialize_with = "present")]
    source: Option<SourceId>,
    #[serde(default, deserialize_with = "present")]
    external_id: Option<ExternalId>,
    #[serde(default, deserialize_with = "present")]
    event_id: Option<EventId>,
    #[serde(default, deserialize_with = "present")]
    causation: Option<EventId>,
    #[serde(default, deserialize_with = "present")]
    correlation: Option<Word>,
    payload: Value,
}

/// What a command may leave out, because the caller knows it.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// Who acts.
    pub actor: ActorId,
    /// In which role.
    pub role: Code,
    /// Where the commands come from.
    pub source: SourceId,
    /// When it happened, if the command does not say.
    pub effective: When,
}

/// Reads one command. `begun` says whether an earlier command of the same batch is on the same stream, which
/// is the only case in which the expected revision may be left out.
///
/// # Errors
/// What cannot be read, with the kind of the fault in `code`.
pub fn parse(line: &[u8], defaults: &Defaults, begun: &dyn Fn(&Stream) -> bool) -> Result<Proposal> {
    let limits = Limits { bytes_max: COMMAND_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX };
    let value = canonical::parse(line, &limits).map_err(|why| malformed(line, &why))?;
    // Serde would take a list for an object whose fields come in their order.
    if value.is_array() {
        return Err(Error::unreadable("wrong_type", "a command is one JSON object, this is a list")
            .hint("write one command a line, without brackets around them or commas between them"));
    }
    let wire: Wire = misread::from_value(value).map_err(|why| misfit(why, "command"))?;
    let event = wire.kind.parse().map_err(unreadable).and_then(|kind| event_of(kind, wire.payload));
    let event = event.map_err(|why| why.at(&wire.stream))?;
    let expected = match wire.expected_revision {
        Some(number) => Expected::at_number(number),
        None if begun(&wire.stream) => Expected::AfterThePreviousOfThisBatch,
        None => {
            return Err(Error::unreadable(
                "expected_revision_missing",
                "the command has no expected_revision",
            )
            .at(&wire.stream)
            .hint("0 for a new stream; claims show ID --json prints the revision of one that is there"));
        }
    };
    Ok(Proposal {
        stream: wire.stream,
        expected,
        event,
        effective: wire.effective_at.unwrap_or(defaults.effective),
        effective_is_given: wire.effective_at.is_some(),
        actor: wire.actor.unwrap_or_else(|| defaults.actor.clone()),
        role: wire.role.unwrap_or_else(|| defaults.role.clone()),
        approver: wire.approver,
        source: wire.source.unwrap_or_else(|| defaults.source.clone()),
        external_id: wire.external_id,
        event_id: wire.event_id,
        causation: wire.causation,
        correlation: wire.correlation,
    })
}

/// A payload in command form (personal values in clear) as an event.
///
/// # Errors
/// Unknown fields, wrong types and unsound payloads.
pub fn event_of(kind: Kind, payload: Value) -> Result<Event> {
    if !payload.is_object() {
        return Err(Error::unreadable("wrong_type", format!("the payload of {kind} is an object"))
            .hint(format!("claims schema {kind} shows the fields and their types")));
    }
    let mut event = Event::decode(kind, kind.version(), &payload.to_string()).map_err(unreadable)?;
    let read = event.to_value().unwrap_or_default();
    if let Some(path) = list_for_an_object(&payload, &read) {
        return Err(misfit(
            format!("the payload of {kind} cannot be read: {path}: an object is expected, not a list"),
            kind.as_str(),
        ));
    }
    let mut committed = None;
    event.personals(&mut |path, value| {
        if committed.is_none() && matches!(value, replay::ids::Personal::Committed(_)) {
            committed = Some(path.to_string());
        }
    });
    match committed {
        None => Ok(event),
        Some(path) => {
            Err(Error::unreadable("commitment_in_a_command", format!("{path} is a commitment, not a text"))
                .hint("write the value itself; the ledger commits to it"))
        }
    }
}

/// Where a list stands for an object. Serde would take it for the fields in their order, but a payload has one
/// spelling, and the schemas know no other.
fn list_for_an_object(asked: &Value, read: &Value) -> Option<String> {
    match (asked, read) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Object(asked), Value::Object(read)) => asked.iter().find_map(|(name, value)| {
            let inner = list_for_an_object(value, read.get(name)?)?;
            Some(if inner.is_empty() || inner.starts_with('[') {
                format!("{name}{inner}")
            } else {
                format!("{name}.{inner}")
            })
        }),
        (Value::Array(asked), Value::Array(read)) => {
            asked.iter().zip(read).enumerate().find_map(|(index, (asked, read))| {
                let inner = list_for_an_object(asked, read)?;
                Some(if inner.is_empty() { format!("[{index}]") } else { format!("[{index}].{inner}") })
            })
        }
        _ => None,
    }
}

/// Text that is no JSON, with what stands before the fault: few editors count bytes.
fn malformed(line: &[u8], why: &CanonicalError) -> Error {
    if line.starts_with(b"\xef\xbb\xbf") {
        return Error::unreadable("byte_order_mark", "the line begins with a byte order mark")
            .hint("save the file as UTF-8 without a byte order mark");
    }
    let error = Error::unreadable(why.code(), why.to_string()).hint(why.hint());
    match why.at().and_then(|at| line.get(..at)) {
        None | Some([]) => error,
        Some(before) => {
            let text = String::from_utf8_lossy(before);
            let from = text.char_indices().rev().nth(SHOWN_CHARS - 1).map_or(0, |(at, _)| at);
            let dots = if from > 0 { "..." } else { "" };
            let shown: String = text.chars().skip(text[..from].chars().count()).map(visible).collect();
            error.details(vec![format!("after {dots}{}", shown.trim_end())])
        }
    }
}

/// Most characters of a malformed line that an error repeats.
const SHOWN_CHARS: usize = 40;

/// Control characters must not reach a terminal.
fn visible(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

fn unreadable(why: Unreadable) -> Error {
    match &why {
        Unreadable::Kind(_) => {
            Error::unreadable("unknown_kind", why.to_string().chars().map(visible).collect::<String>())
                .hint("claims schema lists the kinds")
        }
        Unreadable::Version(..) => Error::unreadable("unknown_version", why.to_string())
            .hint("this program knows older versions only"),
        Unreadable::Payload(kind, _) => misfit(why.to_string(), kind.as_str()),
        Unreadable::Unsound(kind, _) => Error::unreadable("unsound_payload", why.to_string())
            .hint(format!("claims schema {kind} shows the fields and their types")),
    }
}

/// What tells one misfit from the next: words of the message, its code, and a hint where the schema is not enough.
const MISFITS: [(&str, &str, Option<&str>); 32] = [
    ("unknown field", "unknown_field", None),
    ("missing field", "missing_field", None),
    ("invalid type: null", "null_for_a_value", Some("leave a field out when there is nothing to say")),
    (
        "UTC offset",
        "time_without_offset",
        Some("add the offset of the place where it happened, such as -05:00 or Z"),
    ),
    ("is no time;", "not_a_time", Some("check the day, the hour and the offset")),
    ("is no day;", "not_a_day", Some("check the month and the day")),
    ("_at: invalid type", "not_a_time", Some("write it like 2024-04-15T12:00:00-05:00")),
    ("outside 1970 to 2255", "time_out_of_range", Some("check the year")),
    (
        "ISO 4217",
        "unknown_currency",
        Some("use the three capital letters of a currency, such as USD, EUR or JPY"),
    ),
    (
        "cannot be below zero",
        "negative_amount",
        Some("taking back is an event of its own, such as a reversal"),
    ),
    ("cannot be above", "amount_too_large", Some("check the currency and the number of digits")),
    ("whole number of minor units", "not_an_amount", Some(AMOUNT)),
    ("expected an amount", "not_an_amount", Some(AMOUNT)),
    ("names neither a unit", "bad_units", Some(UNITS)),
    ("is not a line id", "bad_units", Some(UNITS)),
    ("is not a number from 1", "bad_units", Some("units are numbered from 1, without leading zeros")),
    ("ends before it starts", "bad_units", Some("write the lower number first, such as L1#1-3")),
    ("has to be written", "units_not_canonical", Some("write a single unit without a range")),
    (
        "have to be written as one range",
        "units_not_canonical",
        Some("write neighbours as a range, such as L1#1-3"),
    ),
    ("has to stand before", "units_not_canonical", Some("sort units by line, then by number")),
    ("have units in common", "units_not_canonical", Some("name each unit once")),
    ("ranges of units", "too_many_entries", Some("spread the units over several events")),
    ("a list has", "too_many_entries", Some("spread the entries over several events")),
    ("hexadecimal digits", "not_a_hash", Some("write a SHA-256 as sha256sum prints it")),
    (
        "this is no event id",
        "not_an_event_id",
        Some("a UUID is meant; claims timeline ID --json prints those of a claim"),
    ),
    ("personal text: it holds", "control_character", Some("take it out; line feeds and tabs may stay")),
    ("the control character", "control_character", Some("take the character out")),
    (
        "personal text: it has",
        "too_long",
        Some("keep long texts outside and record their SHA-256 as evidence"),
    ),
    ("characters, at most", "too_long", Some("use a shorter one")),
    ("it is empty", "empty_text", Some("leave an optional field out, or say what it is")),
    ("this is no", "bad_text", None),
    ("unknown word", "unknown_word", Some("use one of the words that are listed")),
];
const AMOUNT: &str = "write an amount like {\"minor\":1250,\"currency\":\"USD\"} for 12.50 USD";
const UNITS: &str = "write a unit as LINE#NUMBER, such as L1#2, and a range as L1#1-3";

/// JSON that is no command, or no payload of its kind.
fn misfit(why: String, schema: &str) -> Error {
    let why: String = why.chars().map(visible).collect();
    let found = MISFITS.iter().find(|(words, ..)| why.contains(words));
    let (code, hint) = found.map_or(("wrong_type", None), |(_, code, hint)| (*code, *hint));
    let error = Error::unreadable(code, why);
    match hint {
        Some(hint) => error.hint(hint),
        None => error.hint(format!("claims schema {schema} shows the fields and their types")),
    }
}
