//! One event of a story after the other.

use replay::{
    event::{Event, Leg, ScanStatus},
    ids::{ClaimId, EventId, ParcelId},
};
use serde_json::Value;

use super::{APPROVER, FIRST_CLAIM, Labelled, OnRecord, Player};
use crate::{
    error::{Error, Result},
    ledger::Outcome,
    scenario::{
        amend::next_version,
        format::Happening,
        happening::{self, What},
        log::By,
        tell::{Place, Scene, Told, bad_text, place, tell},
    },
};

impl<'s> Player<'s> {
    /// What happens next. What happened to a claim before anybody opened it, such as a parcel that was sent without
    /// contact, waits until the ledger knows the claim, and keeps its own time.
    pub(super) fn happen(&mut self, number: usize, h: &'s Happening) -> Result<()> {
        let mut next = vec![(number, h)];
        while let Some((number, h)) = next.pop() {
            let awaited = self.one(number, h).map_err(|why| why.at(format!("event {number}")))?;
            next.extend(awaited.into_iter().rev());
        }
        Ok(())
    }

    /// One event; gives those that waited for it.
    fn one(&mut self, number: usize, h: &'s Happening) -> Result<Vec<(usize, &'s Happening)>> {
        let claim = h.claim.clone().map_or_else(|| ClaimId::new(FIRST_CLAIM), Ok).map_err(bad_text)?;
        let opens = matches!(h.what, What::ClaimOpened(_));
        match place(&h.what, &self.scenario.order) {
            Place::WithItsTarget => self.set_right(number, h, claim)?,
            Place::Claim if !opens && !self.claims.contains_key(&claim) => self.wait(number, h, claim)?,
            Place::Ledger | Place::Order | Place::Claim => {
                if let What::PolicyPublished(version) = &h.what {
                    self.publish(h, version)?;
                    return Ok(Vec::new());
                }
                let parcel = self.parcel_of(h, &claim)?;
                let told = self.tell(h, number, &claim, parcel.clone())?;
                self.on_record(h, number, &claim, parcel, told)?;
                if opens {
                    return Ok(self.waiting.remove(&claim).unwrap_or_default());
                }
            }
        }
        Ok(Vec::new())
    }

    fn wait(&mut self, number: usize, h: &'s Happening, claim: ClaimId) -> Result<()> {
        let opens = |other: &Happening| {
            let named = other.claim.as_ref().map_or(FIRST_CLAIM, ClaimId::as_str);
            matches!(other.what, What::ClaimOpened(_)) && named == claim.as_str()
        };
        if !self.scenario.events.iter().any(opens) {
            let text = format!("claim {claim} is never opened");
            return Err(Error::unreadable("claim_is_never_opened", text)
                .hint("add the claim_opened of this claim, or name another"));
        }
        self.waiting.entry(claim).or_default().push((number, h));
        Ok(())
    }

    /// A further version of the policy.
    fn publish(&mut self, h: &Happening, told: &happening::PolicyPublished) -> Result<()> {
        let Some(before) = self.policies.last() else { return Ok(()) };
        let next = next_version(before, told)?;
        let by = By::of(h)?.approved(APPROVER)?;
        let name = h.external_id.as_ref().map(ToString::to_string);
        let event = Event::from(next.clone());
        let stream = replay::ids::Stream::Ledger;
        let told = Told { stream, event, effective: h.at, key: h.external_id.clone(), name };
        if self.record(told, &by, h.at.at)?.is_some() {
            self.policies.push(next);
        }
        Ok(())
    }

    /// The body of the policy in force at the purchase (H-7).
    fn governing(&self) -> &Value {
        let bought = self.scenario.order.purchased_at.local_day();
        let in_force = self.policies.iter().rev().find(|policy| policy.effective_from <= bought);
        in_force.map_or(&Value::Null, |policy| &policy.body)
    }

    /// Puts a happening into the ledger's words.
    pub(super) fn tell(
        &self,
        h: &Happening,
        number: usize,
        claim: &ClaimId,
        parcel: Option<ParcelId>,
    ) -> Result<Vec<Told>> {
        // A claim is about what was sold until it says otherwise.
        let units = match h.what {
            What::ClaimOpened(_) => &self.sold,
            _ => self.claims.get(claim).unwrap_or(&self.sold),
        };
        tell(
            h,
            &Scene {
                order: &self.scenario.order,
                order_id: &self.order,
                claim,
                units,
                parcel,
                policy: self.governing(),
                number,
                labelled: &|label| self.labelled(label),
            },
        )
    }

    fn labelled(&self, label: &str) -> Result<EventId> {
        let found = self.labels.get(label).and_then(|labelled| labelled.told.first());
        found.map(|(id, _)| *id).ok_or_else(|| {
            Error::unreadable("unknown_label", format!("no event before this one is called '{label}'"))
                .hint("give the event that is meant a label")
        })
    }

    /// Records what was told, and remembers what later events refer to.
    pub(super) fn on_record(
        &mut self,
        h: &'s Happening,
        number: usize,
        claim: &ClaimId,
        parcel: Option<ParcelId>,
        told: Vec<Told>,
    ) -> Result<()> {
        let by = By::of(h)?;
        let mut recorded = Vec::with_capacity(told.len());
        for told in told {
            // What goes with an event stands or falls with it, and came with the first of two equal messages.
            let Some(receipt) = self.log.record(&told, &by, h.at.at)? else { break };
            let one = (receipt.event_id.parse().map_err(bad_text)?, told);
            self.remember(claim, &one);
            recorded.push(one);
            if receipt.outcome == Outcome::AlreadyRecorded {
                break;
            }
        }
        if let Some(label) = &h.label {
            let (happening, claim) = (h.clone(), claim.clone());
            self.labels
                .insert(label, Labelled { happening, number, claim, parcel, told: recorded, before: None });
        }
        Ok(())
    }

    /// What an event on record says of claims and of the order's parcels.
    pub(super) fn remember(&mut self, claim: &ClaimId, one: &OnRecord) {
        match &one.1.event {
            Event::ClaimOpened(opened) => {
                self.claims.insert(claim.clone(), opened.units.clone());
            }
            Event::ShipmentDispatched(d) if d.leg == Leg::Outbound => {
                self.parcels.entry(d.parcel.clone()).or_default().dispatched = Some(one.clone());
            }
            Event::TrackingScanned(t) if t.status == ScanStatus::Delivered => {
                self.parcels.entry(t.parcel.clone()).or_default().delivered = Some(one.clone());
            }
            _ => {}
        }
    }

    /// The parcel that is meant where the story names none: the order's only one, or the claim's last one on that leg.
    fn parcel_of(&mut self, h: &Happening, claim: &ClaimId) -> Result<Option<ParcelId>> {
        let (leg, named, leaves) = match &h.what {
            What::ShipmentDispatched(d) => (Some(d.leg), d.parcel.clone(), true),
            What::TrackingScanned(t) => (t.leg, t.parcel.clone(), false),
            What::ParcelReceived(p) => (Some(Leg::Inbound), p.parcel.clone(), false),
            What::ParcelRefused(p) => (Some(Leg::Inbound), p.parcel.clone(), false),
            _ => return Ok(None),
        };
        let Some(leg) = leg else { return Ok(named) };
        if leg == Leg::Outbound {
            let mut parcels = self.scenario.order.parcels().into_iter();
            return Ok(named.or(parcels.next().filter(|_| parcels.next().is_none()).map(|parcel| parcel.id)));
        }
        let key = (claim.clone(), leg);
        let last = self.travelling.get(&key);
        if !leaves {
            let on_the_way = named.or_else(|| last.map(|(_, id)| id.clone()));
            return match (on_the_way, &h.what) {
                // Nobody told of its dispatch, yet a carrier has scanned it.
                (None, What::TrackingScanned(_)) => made_up(claim, leg, 1).map(Some),
                (id, _) => Ok(id),
            };
        }
        let count = last.map_or(0, |(count, _)| *count).saturating_add(1);
        let id = named.map_or_else(|| made_up(claim, leg, count), Ok)?;
        self.travelling.insert(key, (count, id.clone()));
        Ok(Some(id))
    }
}

/// `C1-inbound-1`
fn made_up(claim: &ClaimId, leg: Leg, count: usize) -> Result<ParcelId> {
    ParcelId::new(format!("{claim}-{leg}-{count}")).map_err(bad_text)
}
