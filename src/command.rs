//! Commands as text: one JSON object a line. The same form for `claims record`, fixtures and tests.
//!
//! ```json
//! {"stream":"claim/C1","expected_revision":0,"kind":"claim_opened","effective_at":"2024-04-15T12:00:00-05:00",
//!  "actor":"a.jones","role":"agent","source":"shop","external_id":"m-17","payload":{...}}
//! ```

use replay::{
    canonical::{self, Limits},
    event::{Event, Kind, Unreadable},
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
#[serde(deny_unknown_fields)]
struct Wire {
    stream: Stream,
    expected_revision: Option<u64>,
    kind: String,
    effective_at: Option<When>,
    actor: Option<ActorId>,
    role: Option<Code>,
    approver: Option<ActorId>,
    source: Option<SourceId>,
    external_id: Option<ExternalId>,
    causation: Option<EventId>,
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
    let value = canonical::parse(line, &limits).map_err(|why| {
        let hint = "one JSON object a line, integers only; claims schema command shows the fields";
        Error::unreadable("malformed_json", why.to_string()).hint(hint)
    })?;
    let wire: Wire = serde_json::from_value(value).map_err(|why| {
        let text = why.to_string();
        let code = if text.contains("UTC offset") { "time_without_offset" } else { "not_a_command" };
        Error::unreadable(code, text).hint("claims schema command shows the fields of a command")
    })?;
    let kind: Kind = wire.kind.parse().map_err(unreadable)?;
    let event = event_of(kind, wire.payload)?;
    let expected = match wire.expected_revision {
        Some(number) => Expected::at_number(number),
        None if begun(&wire.stream) => Expected::AfterThePreviousOfThisBatch,
        None => {
            return Err(Error::unreadable(
                "expected_revision_missing",
                "the command has no expected_revision",
            )
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
        causation: wire.causation,
        correlation: wire.correlation,
    })
}

/// A payload in command form (personal values in clear) as an event.
///
/// # Errors
/// Unknown fields, wrong types and unsound payloads.
pub fn event_of(kind: Kind, payload: Value) -> Result<Event> {
    let mut event = Event::decode(kind, kind.version(), &payload.to_string()).map_err(unreadable)?;
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

fn unreadable(why: Unreadable) -> Error {
    let (code, hint) = match &why {
        Unreadable::Kind(_) => ("unknown_kind", "claims schema lists the kinds".to_string()),
        Unreadable::Version(..) => ("unknown_version", "this program knows older versions only".into()),
        Unreadable::Payload(kind, text) => {
            let code = if text.contains("unknown field") {
                "unknown_field"
            } else if text.contains("missing field") {
                "missing_field"
            } else if text.contains("UTC offset") {
                "time_without_offset"
            } else {
                "wrong_type"
            };
            (code, format!("claims schema {kind} shows the fields and their types"))
        }
        Unreadable::Unsound(kind, _) => {
            ("unsound_payload", format!("claims schema {kind} shows the fields and their types"))
        }
    };
    Error::unreadable(code, why.to_string()).hint(hint)
}
