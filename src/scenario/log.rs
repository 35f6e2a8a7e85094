//! How a story gets on record, and what of it was refused. Duplicates are known from the receipts; everything else is
//! read from the log, where the ledger itself says what it refused and why.

use replay::{
    codec::open,
    decide::decidable,
    event::{Class, Event, Kind},
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::{Instant, When},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, ops::ControlFlow};

use super::{
    format::Happening,
    happening::What,
    tell::{Told, bad_text, slug},
};
use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    judging::registry,
    ledger::{Ledger, Outcome, Receipt},
    store::{Span, Store, memory::MemoryStore},
    view::case_of,
};

/// Who acts when the story does not say.
const ACTOR: &str = "clerk";
/// In which role.
const ROLE: &str = "agent";
/// Who acts, and in which role, when nobody answers for an act.
const NOBODY: &str = "system";
/// Where the events of a story come from.
const SOURCE: &str = "scenario";

/// How the codes of refusals begin that the policy has caused.
const BY_THE_POLICY: &str = "policy_";

/// What a fact refers to and does not find, because an act before it was refused. All else that is refused of a fact
/// cannot be true of this order: then the story contradicts itself.
const UNMET: [&str; 6] = [
    "refund_is_not_on_record",
    "refund_has_failed",
    "charge_is_not_on_record",
    "charge_is_settled",
    "chargeback_is_not_open",
    "something_was_paid",
];

/// What a refusal of the ledger is called in an expectation; every other code stands for itself.
const REASONS: [(&str, &str); 2] =
    [("over_capture", "over_refund"), ("nobody_answers_for_it", "no_actor_or_reason")];

/// An act that was refused, or a message that came twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The type of the act.
    pub kind: String,
    /// Key, point or RMA number.
    pub name: Option<String>,
    /// Why, in the words of an expectation.
    pub reason: String,
    /// The clauses, of a parcel that was refused at the dock.
    pub cites: Vec<Code>,
    /// When the ledger refused it.
    pub at: Instant,
}

impl Refused {
    /// As an expectation writes it.
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("type".into(), self.kind.as_str().into());
        fields.insert("ref".into(), self.name.clone().into());
        fields.insert("reason".into(), self.reason.as_str().into());
        if self.reason == "refuse_parcel" {
            fields.insert("cites".into(), json!(self.cites));
        }
        Value::Object(fields)
    }
}

/// Who says it.
#[derive(Debug, Clone)]
pub struct By {
    actor: ActorId,
    role: Code,
    approver: Option<ActorId>,
}

impl By {
    /// Whom the story names, or whom the runner supplies.
    ///
    /// # Errors
    /// None that a story could cause: names are made to fit.
    pub fn of(h: &Happening) -> Result<Self> {
        let told = match &h.what {
            What::ItemInspected(i) => i.inspector.as_deref(),
            What::VerificationFailed(v) => v.checked_by.as_deref(),
            _ => None,
        };
        let person = |text: Option<&str>| text.map(slug).filter(|name| !name.is_empty());
        let named = person(h.actor.as_deref()).or_else(|| person(told));
        let alone = matches!(h.what, What::DiscretionExercised(_)) && named.is_none();
        let (actor, role) = if alone { (NOBODY, NOBODY) } else { (ACTOR, ROLE) };
        Self::new(
            named.as_deref().unwrap_or(actor),
            h.role.as_ref().map_or(role, Code::as_str),
            person(h.approver.as_deref()).as_deref(),
        )
    }
    /// The runner's own clerk.
    ///
    /// # Errors
    /// None: the names are sound.
    pub fn clerk() -> Result<Self> {
        Self::new(ACTOR, ROLE, None)
    }
    /// With a second person, where nobody else is named.
    ///
    /// # Errors
    /// None: the name is sound.
    pub fn approved(mut self, by: &str) -> Result<Self> {
        if self.approver.is_none() {
            self.approver = Some(ActorId::new(by).map_err(bad_text)?);
        }
        Ok(self)
    }
    fn new(actor: &str, role: &str, approver: Option<&str>) -> Result<Self> {
        Ok(Self {
            actor: ActorId::new(actor).map_err(bad_text)?,
            role: Code::new(role).map_err(bad_text)?,
            approver: approver.map(ActorId::new).transpose().map_err(bad_text)?,
        })
    }
}

/// A fresh ledger in memory, with a clock that the story sets.
#[derive(Debug)]
pub struct Log {
    /// The ledger.
    pub ledger: Ledger<MemoryStore>,
    /// Position of each refusal, and what the story calls the act; `None` for one that was decided after all.
    names: BTreeMap<u64, Option<Option<String>>>,
    /// What leaves no trace in the log.
    untraced: Vec<Refused>,
}

impl Log {
    /// An empty ledger. The seed decides its ids and salts.
    ///
    /// # Errors
    /// None: the origin is sound.
    pub fn new(seed: &str, now: Instant) -> Result<Self> {
        let store = MemoryStore::new(Origin::new(SOURCE).map_err(bad_text)?);
        let ledger = Ledger::new(store, Door::fixed(seed, now));
        Ok(Self { ledger, names: BTreeMap::new(), untraced: Vec::new() })
    }

    /// Records what has to be there before a story begins, as a whole.
    ///
    /// # Errors
    /// Whatever keeps it from being recorded.
    pub fn prepare(&mut self, events: Vec<Event>, at: When, by: &By) -> Result<()> {
        let mut batch = Vec::with_capacity(events.len());
        for event in events {
            let told = Told { stream: Stream::Ledger, event, effective: at, key: None, name: None };
            let follows = Expected::AfterThePreviousOfThisBatch;
            let expected = if batch.is_empty() { Expected::at_number(0) } else { follows };
            batch.push(proposal(&told, by, expected)?);
        }
        self.ledger.record(batch).map(|_| ())
    }

    /// Records one event by the clock. `None` = it was refused, and is on the list.
    ///
    /// # Errors
    /// What cannot be on record at all: facts that cannot be true of this order, and what is no event.
    pub fn record(&mut self, told: &Told, by: &By, at: Instant) -> Result<Option<Receipt>> {
        let door = self.ledger.door();
        let now = door.now().max(at);
        door.set_now(now);
        let before = self.ledger.store().tip()?.position;
        let expected = Expected::at_number(self.ledger.store().revision(&told.stream)?);
        let kind = told.event.kind();
        let error = match self.ledger.record(vec![proposal(told, by, expected)?]) {
            Ok(receipts) => {
                let receipt = receipts.into_iter().next();
                if receipt.as_ref().is_some_and(|receipt| receipt.outcome == Outcome::AlreadyRecorded) {
                    self.untraced(kind.as_str(), told.name.clone(), "duplicate_ignored", now);
                }
                return Ok(receipt);
            }
            Err(error) => error,
        };
        let listed = match error.kind {
            ErrorKind::Conflict => true,
            ErrorKind::Refused => kind.class() != Class::Fact || UNMET.contains(&error.code.as_str()),
            _ => false,
        };
        if !listed {
            return Err(Error { kind: ErrorKind::Unreadable, ..error });
        }
        let after = self.ledger.store().tip()?.position;
        if after == before {
            self.untraced(kind.as_str(), told.name.clone(), &error.code, now);
        } else {
            self.names.insert(after, Some(told.name.clone()));
        }
        let Some(again) = self.fewer_units(told, &error)? else { return Ok(None) };
        let receipt = self.record(&again, by, at)?;
        if receipt.is_some() && after != before {
            // The act was not refused but narrowed.
            self.names.insert(after, None);
        }
        Ok(receipt)
    }

    /// A decision for all units of a claim means those that can be decided: the act once more, for these.
    fn fewer_units(&mut self, told: &Told, error: &Error) -> Result<Option<Told>> {
        let (Event::RemedyDecided(decided), Stream::Claim(id)) = (&told.event, &told.stream) else {
            return Ok(None);
        };
        if !error.code.starts_with(BY_THE_POLICY) {
            return Ok(None);
        }
        let case = case_of(self.ledger.store(), &told.stream)?;
        let registry = registry(self.ledger.store())?;
        let units = decidable(&case, id, &registry, decided.remedy).intersection(&decided.units);
        if units.is_empty() || units == decided.units {
            return Ok(None);
        }
        let decided = replay::event::RemedyDecided { units, ..(**decided).clone() };
        Ok(Some(Told { event: decided.into(), ..told.clone() }))
    }

    /// Puts an act on the list of refused ones that never reached the ledger, or left no trace there. `name` is what
    /// the story calls it.
    pub fn untraced(&mut self, kind: &str, name: Option<String>, reason: &str, at: Instant) {
        let (kind, reason) = (kind.into(), reason.into());
        self.untraced.push(Refused { kind, name, reason, cites: Vec::new(), at });
    }

    /// Everything that was refused, in the order of time, and the ledger.
    ///
    /// # Errors
    /// A log that cannot be read back.
    pub fn finish(mut self) -> Result<(Ledger<MemoryStore>, Vec<Refused>)> {
        let mut refused = self.untraced;
        let mut broken = None;
        let names = &self.names;
        let mut take = |row: &replay::codec::Row<'_>| {
            if ![Kind::AppendRefused.as_str(), Kind::ParcelRefused.as_str()].contains(&row.kind) {
                return ControlFlow::Continue(());
            }
            match open(row) {
                Ok(recorded) => {
                    let name = names.get(&recorded.envelope.position.get());
                    refused.extend(match name {
                        Some(None) => None,
                        name => {
                            on_list(&recorded.event, recorded.envelope.recorded_at, name.cloned().flatten())
                        }
                    });
                    ControlFlow::Continue(())
                }
                Err(why) => {
                    broken = Some(why.to_string());
                    ControlFlow::Break(())
                }
            }
        };
        self.ledger.store().scan(Span::ALL, &mut take)?;
        if let Some(why) = broken {
            return Err(Error::new(ErrorKind::BrokenLog, "event_is_broken", why));
        }
        refused.sort_by_key(|refused| refused.at);
        Ok((self.ledger, refused))
    }
}

/// A refusal on record as an expectation lists it. `name` is what the story calls the act.
fn on_list(event: &Event, at: Instant, name: Option<Option<String>>) -> Option<Refused> {
    match event {
        Event::AppendRefused(r) => {
            let code = r.reason.as_str();
            let reason = REASONS.iter().find(|(from, _)| *from == code).map_or(code, |(_, to)| *to);
            let name = name.unwrap_or_else(|| r.key.as_ref().map(|key| key.to_string()));
            let (kind, reason) = (r.kind.to_string(), reason.into());
            Some(Refused { kind, name, reason, cites: r.cites.clone(), at })
        }
        Event::ParcelRefused(p) => Some(Refused {
            kind: Kind::ParcelReceived.as_str().into(),
            name: p.rma.as_ref().map(|rma| rma.to_string()),
            reason: "refuse_parcel".into(),
            cites: p.cites.clone(),
            at,
        }),
        _ => None,
    }
}

fn proposal(told: &Told, by: &By, expected: Expected) -> Result<Proposal> {
    Ok(Proposal {
        stream: told.stream.clone(),
        expected,
        event: told.event.clone(),
        effective: told.effective,
        // With a key, the same content under it is the same message, whenever it comes again.
        effective_is_given: told.key.is_none(),
        actor: by.actor.clone(),
        role: by.role.clone(),
        approver: by.approver.clone(),
        source: SourceId::new(SOURCE).map_err(bad_text)?,
        external_id: told.key.clone(),
        event_id: None,
        causation: None,
        correlation: None,
    })
}
