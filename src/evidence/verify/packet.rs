//! Checking a dispute packet without the ledger: the JSON, or the data inside of the page.
//!
//! What the page shows beside its data the page checks itself; of the JSON every event of the timeline is compared with
//! its stored bytes here.

use std::collections::BTreeMap;

use replay::{
    audit::commitments_of,
    codec::{Recorded, decode},
    evidence::{checkpoint::Checkpoint, note::Note, trust::Trust},
    merkle::{Hash, leaf_hash, verify_inclusion},
    seal::PersonalRow,
};
use serde::Deserialize;

use super::{Verdict, one, vouch};
use crate::{
    error::{Error, Result},
    packet::{FORMAT, State, Text, shown, visible},
};

/// Longest packet that is read, in bytes.
pub const PACKET_BYTES_MAX: usize = 64_000_000;

/// What of a packet is checked.
#[derive(Debug, Deserialize)]
pub struct Packet {
    ledger: String,
    heads: Vec<Head>,
    events: Vec<Event>,
    timeline: Option<Vec<Told>>,
}

#[derive(Debug, Deserialize)]
struct Head {
    size: u64,
    root: Hash,
    checkpoint: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Event {
    position: u64,
    head: usize,
    path: Vec<Hash>,
    body: String,
    personal: Vec<Opening>,
    closed: Vec<Closed>,
}

#[derive(Debug, Deserialize)]
struct Opening {
    path: String,
    salt: Hash,
    value: String,
}

#[derive(Debug, Deserialize)]
struct Closed {
    path: String,
    text: String,
    state: State,
}

#[derive(Debug, Deserialize)]
struct Told {
    position: u64,
    stream: String,
    revision: u64,
    event_id: String,
    kind: String,
    happened: String,
    recorded: String,
    actor: String,
    role: String,
    approver: Option<String>,
    source: String,
    external_id: Option<String>,
    fields: Vec<Said>,
}

#[derive(Debug, Deserialize)]
struct Said {
    path: String,
    text: String,
}

/// The JSON of a packet has its proofs in one place, the page has them beside what it is called.
#[derive(Deserialize)]
struct Whole {
    format: String,
    ledger: String,
    timeline: Vec<Told>,
    proofs: Proofs,
}

#[derive(Deserialize)]
struct Proofs {
    heads: Vec<Head>,
    events: Vec<Event>,
}

impl Packet {
    /// Reads a packet in JSON, or the data of a page.
    ///
    /// # Errors
    /// Neither of both.
    pub fn read(text: &str) -> Result<Self> {
        let bad = |why: String| {
            Error::unreadable("no_packet", why).hint("give what claims packet wrote, as a page or in JSON")
        };
        if text.trim_start().starts_with('{') {
            let whole: Whole = serde_json::from_str(text).map_err(|why| bad(why.to_string()))?;
            if whole.format != FORMAT {
                return Err(bad(format!("the format is {}, and {FORMAT} is read", whole.format)));
            }
            let Proofs { heads, events } = whole.proofs;
            return Ok(Self { ledger: whole.ledger, heads, events, timeline: Some(whole.timeline) });
        }
        let data = text.split_once("id=\"packet\">").and_then(|(_, rest)| rest.split_once("</script>"));
        let (data, _) = data.ok_or_else(|| bad("the page holds no data of a packet".into()))?;
        serde_json::from_str(data).map_err(|why| bad(why.to_string()))
    }
}

/// Checks a packet: who signed the checkpoint, that every event is in its log, that personal values are those that were
/// committed to, and that the timeline says what the events say.
///
/// # Errors
/// A checkpoint that cannot be read.
pub fn packet(packet: &Packet, trust: &Trust) -> Result<Verdict> {
    let mut verdict = Verdict::of("packet");
    verdict.origin.clone_from(&packet.ledger);
    for head in &packet.heads {
        let Some(text) = &head.checkpoint else { continue };
        let note: Note = text.parse().map_err(|why: replay::evidence::note::NoteError| unreadable(&why))?;
        let signed = Checkpoint::of(&note).map_err(|why| unreadable(&why))?;
        (verdict.events, verdict.root) = (signed.size, signed.root);
        vouch(&note, trust, &mut verdict);
        let same = (signed.origin.as_str(), signed.size, signed.root)
            == (packet.ledger.as_str(), head.size, head.root);
        let figure = format!("{} events", signed.size);
        verdict.check("the events are proved against the head that was signed", same, figure);
    }
    let told: Option<BTreeMap<u64, &Told>> =
        packet.timeline.as_ref().map(|list| list.iter().map(|told| (told.position, told)).collect());
    let (mut signed, mut proved, mut opened, mut values) = (0, 0, 0, 0);
    for event in &packet.events {
        let head = packet.heads.get(event.head);
        signed += usize::from(head.is_some_and(|head| head.checkpoint.is_some()));
        let fault = |why: String| format!("position {}: {why}", event.position);
        match recorded(event, head, &packet.ledger) {
            Ok(mut recorded) => {
                proved += 1;
                values += event.personal.len();
                let found = commitments_of(event.position, &mut recorded.event);
                for opening in &event.personal {
                    let row = PersonalRow {
                        path: opening.path.clone(),
                        salt: opening.salt.0,
                        value: opening.value.clone(),
                    };
                    match found.iter().any(|c| c.path == row.path && row.opens(&c.hash)) {
                        true => opened += 1,
                        false => {
                            let why = format!("{} is not the value that was committed to", opening.path);
                            verdict.find(one(event.position), fault(why));
                        }
                    }
                }
                if let Some(told) = &told {
                    match told.get(&event.position) {
                        Some(told) if is_told(told, &recorded, event) => {}
                        Some(_) => verdict
                            .find(one(event.position), fault("the timeline says something else".into())),
                        None => verdict.find(one(event.position), fault("the timeline leaves it out".into())),
                    }
                }
            }
            Err(why) => verdict.find(one(event.position), fault(why)),
        }
    }
    let count = packet.events.len();
    verdict.check(
        "every event is in the log of its head",
        proved == count && count > 0,
        format!("{proved} of {count}"),
    );
    verdict.check("every event is in a signed checkpoint", signed == count, format!("{signed} of {count}"));
    verdict.check(
        "every personal value opens its commitment",
        opened == values,
        format!("{opened} of {values}"),
    );
    if let Some(told) = &told {
        let same =
            told.len() == count && told.keys().all(|at| packet.events.iter().any(|e| e.position == *at));
        verdict.check("the timeline is made of these events", same, format!("{} events", told.len()));
    }
    Ok(verdict.close())
}

fn unreadable(why: &dyn std::fmt::Display) -> Error {
    Error::unreadable("no_checkpoint", why.to_string())
}

/// The event, if its bytes lead to the root and it names its own place.
fn recorded(event: &Event, head: Option<&Head>, ledger: &str) -> std::result::Result<Recorded, String> {
    let head = head.ok_or("it names no head")?;
    let index = event.position.checked_sub(1).ok_or("there is no such position")?;
    let leaf = leaf_hash(event.body.as_bytes());
    verify_inclusion(&leaf, index, head.size, &event.path, &head.root).map_err(|why| why.to_string())?;
    let recorded = decode(event.body.as_bytes()).map_err(|why| why.to_string())?;
    let e = &recorded.envelope;
    if e.position.get() != event.position || e.ledger.as_str() != ledger {
        return Err("it names another place or another log".into());
    }
    Ok(recorded)
}

/// Whether the timeline says of an event what its bytes say.
fn is_told(told: &Told, recorded: &Recorded, event: &Event) -> bool {
    let e = &recorded.envelope;
    let open =
        event.personal.iter().map(|o| (o.path.clone(), Text { text: visible(&o.value), state: State::Open }));
    let closed = event.closed.iter().map(|c| (c.path.clone(), Text { text: c.text.clone(), state: c.state }));
    let Some(fields) = shown(&event.body, &open.chain(closed).collect()) else { return false };
    let same =
        |(have, told): (&crate::packet::Said, &Said)| (&have.path, &have.text) == (&told.path, &told.text);
    told.stream == e.stream.to_string()
        && told.revision == e.revision.get()
        && told.event_id == e.event_id.to_string()
        && told.kind == recorded.event.kind().as_str()
        && told.happened == e.effective.to_string()
        && told.recorded == e.recorded_at.to_string()
        && told.actor == e.actor.as_str()
        && told.role == e.role.as_str()
        && told.approver.as_deref() == e.approver.as_ref().map(|a| a.as_str())
        && told.source == e.source.as_str()
        && told.external_id.as_deref() == e.external_id.as_ref().map(|key| key.as_str())
        && fields.len() == told.fields.len()
        && fields.iter().zip(&told.fields).all(same)
}
