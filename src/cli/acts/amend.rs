//! Verbs on words, amendments, and the life of a claim.

use replay::{
    event::{
        Channel, ClaimClosed, ClaimEscalated, ClaimReopened, ClaimWithdrawn, Claimant, ContactLogged,
        Direction, DisputeOpened, DisputeResolved, Event, EventCorrected, EventReversed, NoteAdded,
        NoticeSent,
    },
    history::corrected,
    ids::{ActorId, ClaimId, Code, EventId, Personal, Stream, Word},
    merkle::Hash,
    time::When,
};
use serde_json::{Map, Value};

use super::{
    Acting, Verb,
    flags::{Desk, EventName, Text, claim_id, one_of, order_or_claim, personal},
};
use crate::error::{Error, ErrorKind, Result};

/// Record that a duty to inform was met
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims notice C1 --about authorization_granted --channel email --to buyer
  claims notice order/O1 --about shipment_dispatched:outbound --channel email --to buyer")]
pub struct Notice {
    /// The claim, or the order
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// What was told, as the policy calls it
    #[arg(long, value_name = "CODE")]
    about: Code,
    /// How
    #[arg(long, value_parser = one_of!(Channel))]
    channel: Option<Channel>,
    /// Who was told
    #[arg(long, value_name = "CODE")]
    to: Option<Code>,
    /// Your reference of the message
    #[arg(long, value_name = "REF")]
    reference: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Notice {
    on_stream!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { about, channel, to, reference, .. } = self;
        Ok(NoticeSent { about, channel, to, reference }.into())
    }
}

/// Record what was said; moves no money
#[derive(Debug, clap::Args)]
#[command(mut_group("Text", |text| text.required(true)))]
#[command(after_help = "Examples:
  claims contact C1 --channel phone --text 'Asked where the refund is.'
  claims contact C1 --channel email --direction outbound --text-file answer.txt")]
pub struct Contact {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// How
    #[arg(long, value_parser = one_of!(Channel))]
    channel: Channel,
    /// Towards the merchant, or away from it
    #[arg(long, default_value = "inbound", value_parser = one_of!(Direction))]
    direction: Direction,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Contact {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let text = self.text.required()?;
        Ok(ContactLogged { channel: self.channel, direction: self.direction, text }.into())
    }
}

/// Leave a note for colleagues; moves no money
#[derive(Debug, clap::Args)]
#[command(mut_group("Text", |text| text.required(true)))]
#[command(after_help = "Examples:
  claims note C1 --text 'Call back on Monday.'
  claims note C1 --text -")]
pub struct Note {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Note {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(NoteAdded { text: self.text.required()? }.into())
    }
}

/// Correct fields of an earlier event; the event itself stays on record
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims correct C1 --event 018f2c00-0000-7000-8000-000000000001 --reason typing_error \\
    --set packaging=damaged --set damage='[\"scratch\"]'
  claims correct order/O1 --event 018f2c00-0000-7000-8000-000000000002 --reason wrong_date \\
    --effective-at 2024-04-02T15:00:00-05:00

claims timeline prints the ids of events, claims schema KIND their fields. null takes a
field out. Money that moved is reversed and recorded anew.")]
pub struct Correct {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The event that was wrong: its id, or its position as the timeline prints it
    #[arg(long, value_name = "ID|POSITION")]
    event: EventName,
    /// A field and its right value: JSON, or else a text (repeat)
    #[arg(long, value_name = "FIELD=VALUE", value_parser = field, required_unless_present = "effective_at")]
    set: Vec<(String, String)>,
    /// When it really happened
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    effective_at: Option<When>,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    /// SHA-256 of what proves it
    #[arg(long, value_name = "HEX")]
    evidence: Option<Hash>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Correct {
    on_stream!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let target_id = desk.event_named(&self.event)?;
        let mut correction = EventCorrected {
            target: target_id,
            set: Map::new(),
            effective_at: self.effective_at,
            reason_code: self.reason,
            reason_text: self.reason_text,
            evidence: self.evidence,
        };
        let target = desk.amended(target_id);
        let mut set = Map::new();
        for (name, text) in self.set {
            let mut fits = |value: &Value| {
                correction.set = Map::from_iter([(name.clone(), value.clone())]);
                target.as_ref().is_some_and(|target| corrected(target, &correction).is_ok())
            };
            let (json, plain) = (read_json(&text), Value::String(text));
            // An RMA or a tracking number may look like JSON, and is a text all the same.
            let value = if !fits(&json) && fits(&plain) { plain } else { json };
            if set.insert(name.clone(), value).is_some() {
                let text = format!("{name} is set twice");
                return Err(Error::new(ErrorKind::Usage, "field_is_set_twice", text)
                    .hint("name each field once; a list is written as JSON"));
            }
        }
        correction.set = set;
        Ok(correction.into())
    }
}

/// `packaging=damaged`, `installed=true`, `units=["L1#1"]`.
fn field(text: &str) -> std::result::Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write FIELD=VALUE, like packaging=damaged")?;
    Ok((name.trim().into(), value.into()))
}

/// JSON, or else a text. A number with a fraction is a text: the ledger has none, and rates are texts.
fn read_json(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) if !(number.is_i64() || number.is_u64()) => Value::String(text.into()),
        Ok(json) => json,
        Err(_) => Value::String(text.into()),
    }
}

/// Declare that an earlier event did not occur; the event itself stays on record
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims reverse C1 --event 018f2c00-0000-7000-8000-000000000001 --reason recorded_twice")]
pub struct Reverse {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The event that did not occur: its id, or its position as the timeline prints it
    #[arg(long, value_name = "ID|POSITION")]
    event: EventName,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Reverse {
    on_stream!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let target = desk.event_named(&self.event)?;
        let Self { reason: reason_code, reason_text, .. } = self;
        Ok(EventReversed { target, reason_code, reason_text }.into())
    }
}

/// Close a claim: nothing more is due
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims close C1")]
pub struct Close {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Why
    #[arg(long, value_name = "CODE", default_value = "done")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Close {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { reason: reason_code, reason_text, .. } = self;
        Ok(ClaimClosed { reason_code, reason_text }.into())
    }
}

/// Take up a closed, withdrawn or denied claim again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims reopen C1 --reason new_evidence")]
pub struct Reopen {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Reopen {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { reason: reason_code, reason_text, .. } = self;
        Ok(ClaimReopened { reason_code, reason_text }.into())
    }
}

/// Ask somebody with more authority
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims escalate C1 --reason customer_disagrees --reason-text 'wants a manager'")]
pub struct Escalate {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Escalate {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { reason: reason_code, reason_text, .. } = self;
        Ok(ClaimEscalated { reason_code, reason_text }.into())
    }
}

/// Record that the claimant gives up the claim
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims withdraw C1
  claims withdraw C1 --by recipient --reason works_after_all")]
pub struct Withdraw {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Who gives it up
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// Why
    #[arg(long, value_name = "CODE", default_value = "by_customer")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Withdraw {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { by, reason: reason_code, reason_text, .. } = self;
        Ok(ClaimWithdrawn { by, reason_code, reason_text }.into())
    }
}

/// Record that somebody contests what the ledger says
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims dispute C1 --text 'I never got the parcel.'
  claims dispute C1 --by recipient --about 018f2c00-0000-7000-8000-000000000001")]
pub struct Dispute {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Who contests
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// An event that is contested (repeat)
    #[arg(long, value_name = "ID")]
    about: Vec<EventId>,
    /// Your reference of what they show
    #[arg(long, value_name = "REF")]
    evidence: Option<Word>,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Dispute {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let text = self.text.read()?;
        let Self { by, about, evidence, .. } = self;
        Ok(DisputeOpened { by, about, evidence, text }.into())
    }
}

/// Settle a dispute
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims resolve C1 --result in_favour_of_customer --cite PTK-3.4")]
pub struct Resolve {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// How it ends
    #[arg(long, value_name = "CODE")]
    result: Code,
    /// Your reference of what settles it
    #[arg(long, value_name = "REF")]
    evidence: Option<Word>,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    /// Who settled it, if not the actor
    #[arg(long, value_name = "ID")]
    by: Option<ActorId>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Resolve {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { result, evidence, cite: cites, by, .. } = self;
        Ok(DisputeResolved { result, evidence, cites, by }.into())
    }
}
