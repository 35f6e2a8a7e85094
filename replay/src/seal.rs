//! From what somebody asks to what is on record: personal values become commitments, the event gets its place.

use alloc::{format, string::String, vec::Vec};
use serde_json::Value;

use crate::{
    codec::{CodecError, Envelope, OwnedRow, Recorded, RowFault, encode, open},
    commitment::{SALT_BYTES, commit, verify},
    event::Event,
    history::corrected,
    ids::{
        ActorId, Code, EventId, Expected, ExternalId, Origin, Personal, Position, Revision, SourceId, Stream,
        Word,
    },
    merkle::Hash,
    time::{Instant, When},
};

/// What somebody asks to be recorded. Anybody can make one; only [`seal`] makes an event of it.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The stream it is meant for.
    pub stream: Stream,
    /// The revision the author believes that stream to have.
    pub expected: Expected,
    /// What is said, personal values in clear.
    pub event: Event,
    /// When it happened.
    pub effective: When,
    /// Whether the author named that time (a repetition must then name the same).
    pub effective_is_given: bool,
    /// Who says it.
    pub actor: ActorId,
    /// In which role.
    pub role: Code,
    /// The second person.
    pub approver: Option<ActorId>,
    /// The system it comes from.
    pub source: SourceId,
    /// That system's own key: the same key and content is the same fact.
    pub external_id: Option<ExternalId>,
    /// The id of the event, if the sender has made one (a UUID, best of version 7); otherwise the door makes it.
    pub event_id: Option<EventId>,
    /// The event that led to it.
    pub causation: Option<EventId>,
    /// What belongs together.
    pub correlation: Option<Word>,
}

/// The place an event gets: made at one door, handed in.
#[derive(Debug, Clone)]
pub struct Stamp {
    /// The ledger.
    pub ledger: Origin,
    /// Next position of the log.
    pub position: Position,
    /// Next revision of the stream.
    pub revision: Revision,
    /// A fresh id.
    pub event_id: EventId,
    /// Now, as the writer's clock has it, never before the event before it.
    pub recorded_at: Instant,
}

/// A personal value with the salt that opens its commitment. Lives beside the log, can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalRow {
    /// Path inside the payload.
    pub path: String,
    /// Salt of the commitment.
    pub salt: [u8; SALT_BYTES],
    /// The value in clear.
    pub value: String,
}

impl PersonalRow {
    /// Whether this row opens that commitment.
    pub fn opens(&self, commitment: &Hash) -> bool {
        verify(&self.path, &self.salt, &self.value, commitment)
    }
}

/// An event with its bytes and the personal values behind its commitments.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The row for the log.
    pub row: OwnedRow,
    /// The event.
    pub recorded: Recorded,
    /// For the side table.
    pub personal: Vec<PersonalRow>,
}

/// Makes an event of a proposal. `target` is the event that a correction corrects.
///
/// # Errors
/// [`CodecError::TooLong`] and whatever else keeps the event from being written.
pub fn seal(
    proposal: &Proposal,
    mut event: Event,
    target: Option<&Event>,
    stamp: Stamp,
    salt: &mut dyn FnMut() -> [u8; SALT_BYTES],
) -> Result<Sealed, CodecError> {
    let mut personal = Vec::new();
    commit_all(&mut event, "", salt, &mut personal);
    if let (Event::EventCorrected(correction), Some(target)) = (&mut event, target) {
        // Which corrected fields are personal is known by the kind of the event they belong to.
        let mut right = corrected(target, correction).map_err(CodecError::Payload)?;
        commit_all(&mut right, "set.", salt, &mut personal);
        let right = right.to_value().map_err(|why| CodecError::Envelope(format!("{why}")))?;
        for (name, value) in &mut correction.set {
            if let Some(sealed) = right.get(name) {
                *value = sealed.clone();
            }
        }
    }
    let envelope = Envelope {
        ledger: stamp.ledger,
        position: stamp.position,
        stream: proposal.stream.clone(),
        revision: stamp.revision,
        event_id: stamp.event_id,
        effective: proposal.effective,
        recorded_at: stamp.recorded_at,
        actor: proposal.actor.clone(),
        role: proposal.role.clone(),
        approver: proposal.approver.clone(),
        source: proposal.source.clone(),
        external_id: proposal.external_id.clone(),
        causation: proposal.causation,
        correlation: proposal.correlation.clone(),
    };
    let body = encode(&envelope, &mut event)?;
    let kind = event.kind();
    let row = OwnedRow::of(&envelope, kind, body);
    // The same check right before writing and right after reading: what replay could not take is never written.
    let recorded = open(&row.as_row()).map_err(|fault| match fault {
        RowFault::Undecodable(why) => why,
        other => CodecError::Envelope(format!("{other}")),
    })?;
    if recorded.event != event || recorded.envelope != envelope {
        return Err(CodecError::Envelope("the event does not come back as it was written".into()));
    }
    Ok(Sealed { row, recorded, personal })
}

fn commit_all(
    event: &mut Event,
    prefix: &str,
    salt: &mut dyn FnMut() -> [u8; SALT_BYTES],
    personal: &mut Vec<PersonalRow>,
) {
    event.personals(&mut |path, value| {
        let Personal::Clear(text) = value else { return };
        let row = PersonalRow { path: format!("{prefix}{path}"), salt: salt(), value: core::mem::take(text) };
        *value = Personal::Committed(commit(&row.path, &row.salt, &row.value));
        personal.push(row);
    });
}

/// Whether a proposal with a known key says the same as what is on record under that key.
///
/// Personal values are compared by recomputing their commitments with the stored salts; what was redacted is
/// skipped. The expected revision is no content, and neither is a time that the author left to the ledger.
pub fn same_content(proposal: &Proposal, stored: &Recorded, personal: &[PersonalRow]) -> bool {
    let e = &stored.envelope;
    if proposal.event.kind() != stored.event.kind()
        || proposal.stream != e.stream
        || proposal.actor != e.actor
        || proposal.role != e.role
        || proposal.approver != e.approver
        || (proposal.effective_is_given && proposal.effective != e.effective)
    {
        return false;
    }
    let mut asked = proposal.event.clone();
    if let (Event::ShipmentDispatched(asked), Event::ShipmentDispatched(have)) = (&mut asked, &stored.event)
        && asked.tracking_check.is_none()
    {
        // The verdict on a number is the ledger's own word, and its table may be a newer one by now.
        asked.tracking_check.clone_from(&have.tracking_check);
    }
    if let (Event::RemedyDecided(asked), Event::RemedyDecided(have)) = (&mut asked, &stored.event) {
        // What the policy said at the time was filled in by the ledger, unless the sender named it.
        asked.entitlement = asked.entitlement.or(have.entitlement);
        asked.variant = asked.variant.or(have.variant);
        asked.policy_sha256 = asked.policy_sha256.or(have.policy_sha256);
        asked.facts_sha256 = asked.facts_sha256.or(have.facts_sha256);
        if asked.cites.is_empty() {
            asked.cites.clone_from(&have.cites);
        }
    }
    if let (Event::EligibilityAssessed(asked), Event::EligibilityAssessed(have)) = (&mut asked, &stored.event)
    {
        asked.policy_sha256 = asked.policy_sha256.or(have.policy_sha256);
        asked.facts_sha256 = asked.facts_sha256.or(have.facts_sha256);
    }
    match (asked.to_value(), stored.event.to_value()) {
        (Ok(asked), Ok(have)) => same_value("", &asked, &have, personal),
        _ => false,
    }
}

fn same_value(path: &str, asked: &Value, have: &Value, personal: &[PersonalRow]) -> bool {
    match (asked, have) {
        (Value::String(text), Value::Object(fields))
            if fields.len() == 1 && fields.contains_key("commitment") =>
        {
            // No row: redacted, nothing left to compare with.
            personal.iter().find(|row| row.path == path).is_none_or(|row| row.value == *text)
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().all(|(name, value)| {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    b.get(name).is_some_and(|other| same_value(&path, value, other, personal))
                })
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .enumerate()
                    .all(|(i, (x, y))| same_value(&format!("{path}[{i}]"), x, y, personal))
        }
        _ => asked == have,
    }
}
