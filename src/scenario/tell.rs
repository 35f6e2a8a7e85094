//! From the words of a story to events. What a story leaves out and the product demands is supplied here: ids, units,
//! reason codes, who claims.

mod goods;
mod money;
mod talk;

pub(super) use money::METHOD;

use replay::{
    event::{Event, EvidenceSubmitted, Leg},
    ids::{BadText, ClaimId, Code, EventId, ExternalId, OrderId, ParcelId, Personal, Rma, Stream, Word},
    money::{Amount, Currency},
    time::When,
    units::Units,
};
use serde_json::Value;

use super::{
    choice::Choice,
    format::{Happening, Order},
    happening::{ClaimOpened, StockReported, What},
};
use crate::error::{Error, Result};

/// The notice that goes with a parcel of the order.
pub const DISPATCH_NOTICE: &str = "shipment_dispatched:outbound";
/// The reason code of a story that gives no reason.
const NO_REASON: &str = "as_told";

/// An event that is to go on record.
#[derive(Debug, Clone)]
pub struct Told {
    /// Where it belongs.
    pub stream: Stream,
    /// What it says.
    pub event: Event,
    /// When it happened.
    pub effective: When,
    /// The sender's key.
    pub key: Option<ExternalId>,
    /// What an expectation calls it, should it be refused: key, point or RMA number.
    pub name: Option<String>,
}

/// Where a happening belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the stream of the ledger.
    Ledger,
    /// In the stream of the order.
    Order,
    /// In the stream of its claim.
    Claim,
    /// Where the event stands that it amends.
    WithItsTarget,
}

/// Where a happening belongs: a parcel of the order with the order, every other one with its claim.
pub fn place(what: &What, order: &Order) -> Place {
    let of_the_order = |leg: Option<Leg>, parcel: Option<&ParcelId>| match parcel {
        Some(parcel) if order.parcels().iter().any(|p| p.id == *parcel) => Place::Order,
        _ if leg == Some(Leg::Outbound) => Place::Order,
        _ => Place::Claim,
    };
    match what {
        What::PolicyPublished(_) | What::CalendarPublished(_) => Place::Ledger,
        What::PaymentCaptured(_)
        | What::SubscriptionActivated(_)
        | What::DeviceTransmissionSummarised(_)
        | What::OwnershipChangeRecorded(_) => Place::Order,
        What::ShipmentDispatched(d) => of_the_order(Some(d.leg), d.parcel.as_ref()),
        What::TrackingScanned(t) => of_the_order(t.leg, t.parcel.as_ref()),
        What::NoticeSent(n) if n.about.as_str() == DISPATCH_NOTICE => Place::Order,
        What::EventCorrected(_) | What::EventReversed(_) => Place::WithItsTarget,
        _ => Place::Claim,
    }
}

/// What a happening is told in view of.
pub struct Scene<'s> {
    /// The sale.
    pub order: &'s Order,
    /// Its id.
    pub order_id: &'s OrderId,
    /// The claim it is about.
    pub claim: &'s ClaimId,
    /// The claim's units; before it is opened, all that were sold.
    pub units: &'s Units,
    /// The parcel that is meant where the story does not name one.
    pub parcel: Option<ParcelId>,
    /// The policy that governs the sale.
    pub policy: &'s Value,
    /// Place in the story, from 1: makes ids that nobody else has.
    pub number: usize,
    /// The event with a label.
    pub labelled: &'s dyn Fn(&str) -> Result<EventId>,
}

impl Scene<'_> {
    fn units(&self, choice: Option<&Choice>) -> Result<Units> {
        choice.map_or_else(|| Ok(self.units.clone()), |choice| choice.resolve(self.order, self.units))
    }
    /// Left out where the event on record may leave them out as well.
    fn some_units(&self, choice: Option<&Choice>) -> Result<Option<Units>> {
        choice.map(|choice| choice.resolve(self.order, self.units)).transpose()
    }
    fn money(&self, minor: u64) -> Result<Amount> {
        amount(minor, self.order.currency)
    }
    fn parcel(&self, named: Option<&ParcelId>) -> Option<ParcelId> {
        named.cloned().or_else(|| self.parcel.clone())
    }
    fn the_parcel(&self, named: Option<&ParcelId>) -> Result<ParcelId> {
        self.parcel(named).ok_or_else(|| {
            Error::unreadable("parcel_is_not_named", "parcel: the story does not say which")
                .hint("name the parcel, or its leg where there is only one")
        })
    }
    /// A made-up id, the same in every run.
    fn id(&self, prefix: &str) -> String {
        format!("{prefix}-{}", self.number)
    }
    /// The id that the story gives, the sender's key, or a made-up one.
    fn id_or<T: Clone + std::str::FromStr<Err = BadText>>(
        &self,
        given: Option<&T>,
        key: Option<&ExternalId>,
        prefix: &str,
    ) -> Result<T> {
        match (given, key) {
            (Some(given), _) => Ok(given.clone()),
            (None, Some(key)) => key.as_str().parse().map_err(bad_text),
            (None, None) => self.id(prefix).parse().map_err(bad_text),
        }
    }
}

/// An amount of minor units.
///
/// # Errors
/// More than any amount may be.
pub(super) fn amount(minor: u64, currency: Currency) -> Result<Amount> {
    Amount::new(minor, currency)
        .map_err(|why| Error::unreadable("amount_too_large", why.to_string()).hint("check the amount"))
}

/// Text that is no id, code or word.
pub(super) fn bad_text(why: BadText) -> Error {
    Error::unreadable("bad_text", why.to_string()).hint("use a shorter text of letters, digits, - and _")
}

/// What people write as a word that ids and codes allow.
pub(super) fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._:+-".contains(c) { c } else { '_' };
    text.trim().chars().take(replay::ids::CODE_CHARS_MAX).map(plain).collect()
}

/// A reason as a code: people write sentences, the log wants a word that can be counted.
pub(super) fn reason_code(reason: Option<&str>) -> Result<Code> {
    let word = slug(reason.unwrap_or_default());
    Code::new(if word.is_empty() { NO_REASON.into() } else { word }).map_err(bad_text)
}

/// Personal text, where there is any.
pub(super) fn personal(text: Option<&String>) -> Result<Option<Personal>> {
    let some = text.filter(|text| !text.is_empty());
    some.map(|text| Personal::clear(text.as_str()).map_err(bad_text)).transpose()
}

/// Turns one happening into the events that go on record for it, in their order. Amendments and further versions of
/// the policy are told in [`super::amend`].
///
/// # Errors
/// Units that were not sold, amounts out of range, labels that nobody has given, and payloads that are unsound.
pub fn tell(h: &Happening, scene: &Scene<'_>) -> Result<Vec<Told>> {
    let stream = match place(&h.what, scene.order) {
        Place::Ledger => Stream::Ledger,
        Place::Order => Stream::Order(scene.order_id.clone()),
        Place::Claim | Place::WithItsTarget => Stream::Claim(scene.claim.clone()),
    };
    let events = match &h.what {
        What::ClaimOpened(opened) => claim_opened(opened, scene)?,
        What::StockReported(stock) => stock_reported(stock, scene)?,
        what => vec![payload(what, h, scene)?],
    };
    let (key, name) = key_and_name(h)?;
    let mut told = Vec::new();
    for (event, number) in events.into_iter().zip(0..) {
        event.check().map_err(|why| {
            Error::unreadable("unsound_event", why.to_string()).hint("the fields contradict each other")
        })?;
        told.push(Told {
            stream: stream.clone(),
            event,
            effective: h.at,
            key: key.clone().filter(|_| number == 0),
            name: name.clone(),
        });
    }
    Ok(told)
}

/// The sender's key, and what an expectation calls the act. A report on a refund carries the refund's key: its own is
/// made from it, because it is another message.
fn key_and_name(h: &Happening) -> Result<(Option<ExternalId>, Option<String>)> {
    let key = h.external_id.clone();
    let name = key.as_ref().map(ExternalId::to_string);
    Ok(match &h.what {
        What::RefundPosted(_) | What::RefundFailed(_) => {
            let own = name.as_ref().map(|key| ExternalId::new(format!("{}-{key}", h.what.word())));
            (own.transpose().map_err(bad_text)?, name)
        }
        What::DiscretionExercised(d) => (key, Some(d.point.to_string())),
        what if key.is_none() => (None, subject(what)),
        _ => (key, name),
    })
}

/// What an act without a key of its own is about: an RMA number, or the refund it reports on.
fn subject(what: &What) -> Option<String> {
    let rma = |rma: &Option<Rma>| rma.as_ref().map(ToString::to_string);
    match what {
        What::ParcelReceived(p) => rma(&p.rma),
        What::ParcelRefused(p) => rma(&p.rma),
        What::AuthorizationGranted(g) => rma(&g.rma),
        What::AuthorizationDenied(d) => rma(&d.rma),
        What::AuthorizationExpired(e) => Some(e.rma.to_string()),
        What::AuthorizationVoided(v) => Some(v.rma.to_string()),
        What::RefundLateFlagged(r) => Some(r.refund.to_string()),
        What::RefundTraceOpened(t) => Some(t.refund.to_string()),
        What::RefundTraceAnswered(t) => Some(t.refund.to_string()),
        _ => None,
    }
}

/// Evidence that comes with the contact, or is known to be absent, goes on record behind it.
fn claim_opened(opened: &ClaimOpened, scene: &Scene<'_>) -> Result<Vec<Event>> {
    let mut events = vec![
        replay::event::ClaimOpened {
            order: scene.order_id.clone(),
            asserted: opened.kind,
            units: scene.units(opened.units.as_ref())?,
            by: opened.by,
            via: opened.via,
            first_contact_at: opened.found_at,
            contact_before_return: opened.contact_before_return,
            text: personal(opened.text.as_ref())?,
        }
        .into(),
    ];
    if !opened.evidence.is_empty() {
        events.push(evidence(&opened.evidence).into());
    }
    if !opened.not_evidence.is_empty() {
        let items = opened.not_evidence.clone();
        let reason_code = Some(reason_code(None)?);
        events.push(replay::event::VerificationFailed { items, reason_code, reason_text: None }.into());
    }
    Ok(events)
}

/// Every line is an article of its own here, called by the line's id.
fn stock_reported(stock: &StockReported, scene: &Scene<'_>) -> Result<Vec<Event>> {
    let skus = match &stock.sku {
        Some(sku) => vec![sku.clone()],
        None => {
            let mut lines: Vec<&str> = scene.units.lines().map(|line| line.as_str()).collect();
            lines.dedup();
            lines.into_iter().map(Word::new).collect::<std::result::Result<_, _>>().map_err(bad_text)?
        }
    };
    let in_stock = stock.in_stock;
    Ok(skus.into_iter().map(|sku| replay::event::StockReported { sku, in_stock }.into()).collect())
}

fn evidence(items: &[Code]) -> EvidenceSubmitted {
    let item = |kind: &Code| replay::event::Evidence { kind: kind.clone(), sha256: None, media: None };
    EvidenceSubmitted { items: items.iter().map(item).collect() }
}

/// The one event of a happening.
fn payload(what: &What, h: &Happening, scene: &Scene<'_>) -> Result<Event> {
    if let Some(event) = goods::payload(what, h, scene)? {
        return Ok(event);
    }
    if let Some(event) = money::payload(what, h, scene)? {
        return Ok(event);
    }
    if let Some(event) = talk::payload(what, h, scene)? {
        return Ok(event);
    }
    let text = format!("{} is not told by itself", what.word());
    Err(Error::new(crate::error::ErrorKind::Internal, "not_told", text))
}
