//! A story by the clock: the order first, then its parcels and events by the time they happened, each recorded when it
//! happened. So what was known at a moment is what had happened by then.

mod happen;
mod set_right;

use replay::{
    event::{Event, Leg, PolicyPublished},
    ids::{ClaimId, EventId, OrderId, ParcelId, Stream},
    time::{Instant, When},
    units::Units,
};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    amend::first_version,
    format::{Happening, Parcel, Scenario},
    happening::What,
    log::{By, Log, Refused},
    sale::dispatch_notice,
    tell::{Told, bad_text},
};
use crate::{
    error::{Error, Result},
    ledger::Ledger,
    policy_file::{PolicyFile, embedded},
    store::memory::MemoryStore,
};

/// The order of every story.
pub const ORDER: &str = "O1";
/// The claim that is meant when a story names none.
pub const FIRST_CLAIM: &str = "C1";
/// Who approves what nobody in the story approves.
const APPROVER: &str = "board";

/// A story on record.
#[derive(Debug)]
pub struct Played {
    /// The ledger, with nothing in it but this story.
    pub ledger: Ledger<MemoryStore>,
    /// The claims that were opened.
    pub claims: BTreeSet<ClaimId>,
    /// What was refused, in the order of time.
    pub refused: Vec<Refused>,
}

/// Plays a story into a fresh ledger, under this policy as its first version.
///
/// # Errors
/// What cannot be on record at all, with the number of its event.
pub fn play(scenario: &Scenario, policy: &PolicyFile) -> Result<Played> {
    let mut player = Player::new(scenario, first_version(&policy.published)?)?;
    player.sell().map_err(|why| why.at("order"))?;
    for cue in cues(scenario) {
        match cue {
            Cue::Sent(parcel) => {
                player.sent(&parcel).map_err(|why| why.at(format!("parcel {}", parcel.id)))?
            }
            Cue::Arrived(parcel) => {
                player.arrived(&parcel).map_err(|why| why.at(format!("parcel {}", parcel.id)))?;
            }
            Cue::Told(number, h) => player.happen(number, h)?,
        }
    }
    let claims = player.claims.into_keys().collect();
    let (ledger, refused) = player.log.finish()?;
    Ok(Played { ledger, claims, refused })
}

/// What is next.
enum Cue<'s> {
    Sent(Parcel),
    Arrived(Parcel),
    Told(usize, &'s Happening),
}

/// Everything after the sale in the order of time; of what happened at once, the order's parcels come first and events
/// keep the order of the file. A parcel whose dispatch is told as an event is not sent a second time.
fn cues(scenario: &Scenario) -> Vec<Cue<'_>> {
    let parcels = scenario.order.parcels();
    let told = |parcel: &Parcel| {
        scenario.events.iter().any(|h| match &h.what {
            What::ShipmentDispatched(d) => match &d.parcel {
                Some(named) => *named == parcel.id,
                None => d.leg == Leg::Outbound && parcels.len() == 1,
            },
            _ => false,
        })
    };
    let mut cues: Vec<(Instant, u8, Cue<'_>)> = Vec::new();
    for parcel in &parcels {
        if let Some(shipped) = parcel.shipped_at.filter(|_| !told(parcel)) {
            cues.push((shipped.at, 0, Cue::Sent(parcel.clone())));
        }
        if let Some(delivered) = parcel.delivered_at {
            cues.push((delivered.at, 1, Cue::Arrived(parcel.clone())));
        }
    }
    cues.extend(scenario.events.iter().zip(1..).map(|(h, number)| (h.at.at, 2, Cue::Told(number, h))));
    cues.sort_by_key(|(at, rank, _)| (*at, *rank));
    cues.into_iter().map(|(.., cue)| cue).collect()
}

/// An event with the id under which it is on record.
type OnRecord = (EventId, Told);
/// A happening as the story tells it, and as it stands on record.
type AsTold = (Happening, Vec<OnRecord>);

/// What is on record of a happening that has a label.
struct Labelled {
    happening: Happening,
    number: usize,
    claim: ClaimId,
    parcel: Option<ParcelId>,
    told: Vec<OnRecord>,
    /// Of a correction: the label of its target, and what was told there before.
    before: Option<(String, AsTold)>,
}

/// What is on record of a parcel of the order.
#[derive(Default)]
struct Sent {
    dispatched: Option<OnRecord>,
    delivered: Option<OnRecord>,
}

struct Player<'s> {
    scenario: &'s Scenario,
    order: OrderId,
    sold: Units,
    policies: Vec<PolicyPublished>,
    log: Log,
    /// The claims that are open, with their units.
    claims: BTreeMap<ClaimId, Units>,
    /// What happened to claims that nobody has opened yet.
    waiting: BTreeMap<ClaimId, Vec<(usize, &'s Happening)>>,
    labels: BTreeMap<&'s str, Labelled>,
    parcels: BTreeMap<ParcelId, Sent>,
    /// The last parcel of a claim on a leg, and how many there were.
    travelling: BTreeMap<(ClaimId, Leg), (usize, ParcelId)>,
}

impl<'s> Player<'s> {
    fn new(scenario: &'s Scenario, policy: PolicyPublished) -> Result<Self> {
        let mut labels = BTreeSet::new();
        if let Some(twice) =
            scenario.events.iter().filter_map(|h| h.label.as_ref()).find(|l| !labels.insert(*l))
        {
            return Err(Error::unreadable("label_is_there_twice", format!("label '{twice}' is given twice"))
                .hint("a label names one event"));
        }
        let bought = scenario.order.purchased_at;
        let mut log = Log::new(&scenario.id, bought.at)?;
        let mut before: Vec<Event> = embedded::calendars()?.into_iter().map(Event::from).collect();
        before.push(policy.clone().into());
        log.prepare(before, bought, &By::clerk()?.approved(APPROVER)?)?;
        Ok(Self {
            scenario,
            order: OrderId::new(ORDER).map_err(bad_text)?,
            sold: scenario.order.units()?,
            policies: vec![policy],
            log,
            claims: BTreeMap::new(),
            waiting: BTreeMap::new(),
            labels: BTreeMap::new(),
            parcels: BTreeMap::new(),
            travelling: BTreeMap::new(),
        })
    }

    /// The sale and its payment.
    fn sell(&mut self) -> Result<()> {
        let sale = &self.scenario.order;
        let bought = sale.purchased_at;
        self.of_the_order(sale.recorded(&self.scenario.policy)?, bought)?;
        if let Some(payment) = sale.captured()? {
            self.of_the_order(payment, bought)?;
        }
        Ok(())
    }

    /// The dispatch of a parcel, and the notice that goes with it.
    fn sent(&mut self, parcel: &Parcel) -> Result<()> {
        let Some(shipped) = parcel.shipped_at else { return Ok(()) };
        let dispatched = parcel.dispatched(&self.scenario.order, &self.sold)?;
        let dispatched = self.of_the_order(dispatched, shipped)?;
        self.parcels.entry(parcel.id.clone()).or_default().dispatched = dispatched;
        if let Some(notice) = dispatch_notice()? {
            self.of_the_order(notice, shipped)?;
        }
        Ok(())
    }

    fn arrived(&mut self, parcel: &Parcel) -> Result<()> {
        let Some(delivered) = parcel.delivered_at else { return Ok(()) };
        let delivered = self.of_the_order(parcel.delivered(), delivered)?;
        self.parcels.entry(parcel.id.clone()).or_default().delivered = delivered;
        Ok(())
    }

    /// A fact of the order that is told in short form.
    fn of_the_order(&mut self, event: Event, effective: When) -> Result<Option<OnRecord>> {
        let stream = Stream::Order(self.order.clone());
        self.record(Told { stream, event, effective, key: None, name: None }, &By::clerk()?, effective.at)
    }

    fn record(&mut self, told: Told, by: &By, at: Instant) -> Result<Option<OnRecord>> {
        match self.log.record(&told, by, at)? {
            None => Ok(None),
            Some(receipt) => Ok(Some((receipt.event_id.parse().map_err(bad_text)?, told))),
        }
    }
}
