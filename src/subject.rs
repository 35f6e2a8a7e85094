//! Everything the ledger holds on one person, for whoever asks to see it.
//!
//! Looking is not recorded as an event: a log that can never forget would keep for ever that a person asked, which is
//! one more thing about that person; and it would change books that nothing has happened to. Who looks at what is
//! for the log of accesses of the system around this one.

use replay::{
    event::Event,
    history::Cut,
    ids::{ActorId, ClaimId, OrderId, Stream},
    redaction::Redactions,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    ops::ControlFlow,
};

use crate::{
    error::{Error, ErrorKind, Result},
    redaction::{CUSTOMER_ROLE, State, is_own, of_event},
    store::{Span, Store},
    view::{self, Entry, Redacted, opened},
};

/// Whose data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// Whoever stands behind a claim: the claim, its order, and the other claims on it.
    Claim(ClaimId),
    /// Whoever stands behind an order: the order and every claim on it.
    Order(OrderId),
    /// Somebody with an id of their own: staff, or a customer with an account.
    Actor(ActorId),
}
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Claim(id) => write!(f, "claim {id}"),
            Subject::Order(id) => write!(f, "order {id}"),
            Subject::Actor(id) => write!(f, "actor {id}"),
        }
    }
}

/// What is held on one person.
#[derive(Debug, Serialize)]
pub struct Export {
    /// Whose data.
    pub about: String,
    /// The ledger's name.
    pub ledger: String,
    /// The last position that was looked at.
    pub through: u64,
    /// Their orders.
    pub orders: BTreeSet<OrderId>,
    /// Their claims.
    pub claims: BTreeSet<ClaimId>,
    /// Every event, by position.
    pub events: Vec<Held>,
    /// Ids that stand for people and things, by what they are: only other records say whom they mean.
    pub pseudonyms: BTreeMap<&'static str, BTreeSet<String>>,
    /// What to look at before this is handed over.
    pub notices: Vec<&'static str>,
}

/// One event with its personal values.
#[derive(Debug, Serialize)]
pub struct Held {
    /// The event, personal values opened.
    #[serde(flatten)]
    pub entry: Entry,
    /// What has become of each personal value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub personal: Vec<Value>,
}

/// One personal value.
#[derive(Debug, Serialize)]
pub struct Value {
    /// Where it stands in the payload.
    pub path: String,
    /// `open`, `redacted`, `missing`, or `withheld` when it is another person's.
    pub state: &'static str,
    /// The value, where it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// When and why it was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redacted: Option<Redacted>,
}

const GIFT: &str = "an order is marked as a gift: it holds data of the giver and of the recipient";
const STAFF: &str = "staff have written some of these texts: they may speak of other people";
const WITHHELD: &str =
    "events that this person brought in for others are named; the others' personal values are withheld";

/// Gathers everything on one person. Writes nothing.
///
/// # Errors
/// [`ErrorKind::NotFound`] when nothing is held; a broken log.
pub fn export<S: Store>(store: &mut S, subject: &Subject) -> Result<Export> {
    let mut export = Export {
        about: subject.to_string(),
        ledger: store.origin().to_string(),
        through: store.tip()?.position,
        orders: BTreeSet::new(),
        claims: BTreeSet::new(),
        events: Vec::new(),
        pseudonyms: BTreeMap::new(),
        notices: Vec::new(),
    };
    let mut named = BTreeSet::new();
    match subject {
        Subject::Claim(id) => export.add_claim(store, id)?,
        Subject::Order(id) => export.add_order(store, id)?,
        Subject::Actor(actor) => named = export.add_actor(store, actor)?,
    }
    let redactions = view::redactions(store)?;
    let mut seen = BTreeSet::new();
    for stream in export.streams() {
        for entry in view::timeline(store, &stream, false, true, &Cut::default())? {
            seen.insert(entry.position);
            let personal = values(store, entry.position, &redactions, None)?;
            export.events.push(Held { entry, personal });
        }
    }
    let actor = match subject {
        Subject::Actor(actor) => Some(actor),
        _ => None,
    };
    let mut ids: BTreeSet<[u8; 16]> = BTreeSet::new();
    for position in seen.union(&named) {
        ids.extend(store.row(*position)?.map(|row| row.event_id));
    }
    named.extend(export.in_the_ledger_stream(store, &ids)?);
    for position in named.difference(&seen).copied().collect::<Vec<u64>>() {
        let row = store.row(position)?.ok_or_else(|| missing(position))?;
        let recorded = opened(&row)?;
        let own = actor.is_none_or(|actor| is_own(&recorded, actor));
        let entry = view::entry(store, &row, &recorded, "stands", own, &redactions)?.1;
        let personal = values(store, position, &redactions, actor.filter(|_| !own))?;
        export.events.push(Held { entry, personal });
    }
    if export.events.is_empty() {
        return Err(Error::not_found(format!("nothing is held on {subject}"))
            .hint("check the id; claims list shows claims, claims show CLAIM names its order"));
    }
    export.events.sort_by_key(|held| held.entry.position);
    export.finish();
    Ok(export)
}

fn missing(position: u64) -> Error {
    Error::new(ErrorKind::BrokenLog, "event_is_missing", format!("position {position} is missing"))
}

/// The personal values of one event; those of others are withheld.
fn values<S: Store>(
    store: &mut S,
    position: u64,
    redactions: &Redactions,
    withheld_from: Option<&ActorId>,
) -> Result<Vec<Value>> {
    let row = store.row(position)?.ok_or_else(|| missing(position))?;
    let found = of_event(store, &mut opened(&row)?, redactions)?;
    let clear = store.personal(position)?;
    let value = |found: crate::redaction::Found| {
        let open = found.state == State::Open && withheld_from.is_none();
        let clear = clear.iter().find(|row| open && row.path == found.path);
        Value {
            state: match found.state {
                State::Open if withheld_from.is_some() => "withheld",
                state => state.as_str(),
            },
            value: clear.map(|row| row.value.clone()),
            redacted: found.redacted,
            path: found.path,
        }
    };
    Ok(found.into_iter().map(value).collect())
}

impl Export {
    fn streams(&self) -> Vec<Stream> {
        let orders = self.orders.iter().map(|id| Stream::Order(id.clone()));
        orders.chain(self.claims.iter().map(|id| Stream::Claim(id.clone()))).collect()
    }
    fn add_claim<S: Store>(&mut self, store: &mut S, id: &ClaimId) -> Result<()> {
        let case = view::case_of(store, &Stream::Claim(id.clone()))?;
        self.claims.insert(id.clone());
        match &case.order {
            Some(order) => self.add_order(store, &order.id),
            None => Ok(()),
        }
    }
    fn add_order<S: Store>(&mut self, store: &mut S, id: &OrderId) -> Result<()> {
        let case = view::case_of(store, &Stream::Order(id.clone()))?;
        self.orders.insert(id.clone());
        self.claims.extend(case.claims.keys().cloned());
        Ok(())
    }
    /// The claims and orders on which an actor spoke as a customer, and the positions of all other events that the
    /// actor brought, approved, or is named in.
    fn add_actor<S: Store>(&mut self, store: &mut S, actor: &ActorId) -> Result<BTreeSet<u64>> {
        let (mut named, mut own) = (BTreeSet::new(), BTreeSet::new());
        let mut broken = None;
        store.scan(Span::ALL, &mut |row| match replay::codec::open(row) {
            Ok(recorded) => {
                let e = &recorded.envelope;
                let brought = e.actor == *actor;
                if brought && e.role.as_str() == CUSTOMER_ROLE {
                    own.insert(e.stream.clone());
                }
                let payload = || recorded.event.to_value().unwrap_or_default();
                if brought || e.approver.as_ref() == Some(actor) || names(&payload(), actor.as_str()) {
                    named.insert(row.position);
                }
                ControlFlow::Continue(())
            }
            Err(why) => {
                broken = Some(format!("position {}: {why}", row.position));
                ControlFlow::Break(())
            }
        })?;
        if let Some(why) = broken {
            return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", why)
                .hint("claims audit names everything that is wrong"));
        }
        for stream in own {
            match stream {
                Stream::Claim(id) => self.add_claim(store, &id)?,
                Stream::Order(id) => self.add_order(store, &id)?,
                Stream::Ledger => {}
            }
        }
        Ok(named)
    }
    /// What the ledger's own stream says of these claims and orders: refused acts, and values that were erased.
    fn in_the_ledger_stream<S: Store>(
        &self,
        store: &mut S,
        events: &BTreeSet<[u8; 16]>,
    ) -> Result<BTreeSet<u64>> {
        let streams: BTreeSet<Stream> = self.streams().into_iter().collect();
        let mut found = BTreeSet::new();
        for row in store.history(&Stream::Ledger)? {
            let concerns = match &opened(&row)?.event {
                Event::AppendRefused(r) => streams.contains(&r.stream),
                Event::PersonalDataRedacted(r) => {
                    r.targets.iter().any(|target| events.contains(target.event.0.as_bytes()))
                }
                _ => false,
            };
            if concerns {
                found.insert(row.position);
            }
        }
        Ok(found)
    }
    fn finish(&mut self) {
        let mut add = |what, id: &str| {
            self.pseudonyms.entry(what).or_default().insert(id.to_string());
        };
        for held in &self.events {
            let e = &held.entry;
            add("actors", &e.actor);
            e.approver.iter().for_each(|approver| add("actors", approver));
            e.external_id.iter().for_each(|key| add("keys", &format!("{} {key}", e.source)));
        }
        self.orders.iter().for_each(|id| add("orders", id.as_str()));
        self.claims.iter().for_each(|id| add("claims", id.as_str()));
        let is_gift =
            |held: &Held| held.entry.kind == "order_recorded" && held.entry.payload.get("gift").is_some();
        let by_staff = |held: &Held| {
            held.entry.role != CUSTOMER_ROLE && held.personal.iter().any(|value| value.path.ends_with("text"))
        };
        let withheld = |held: &Held| held.personal.iter().any(|value| value.state == "withheld");
        let notices = [
            (self.events.iter().any(is_gift), GIFT),
            (self.events.iter().any(by_staff), STAFF),
            (self.events.iter().any(withheld), WITHHELD),
        ];
        self.notices = notices.into_iter().filter(|(holds, _)| *holds).map(|(_, notice)| notice).collect();
    }
}

/// Whether a text stands anywhere in a payload, as a whole.
fn names(payload: &serde_json::Value, id: &str) -> bool {
    match payload {
        serde_json::Value::String(text) => text == id,
        serde_json::Value::Array(items) => items.iter().any(|item| names(item, id)),
        serde_json::Value::Object(fields) => fields.values().any(|field| names(field, id)),
        _ => false,
    }
}
