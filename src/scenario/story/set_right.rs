//! Corrections and reversals: of events by their label, and of the order's parcels by their id.

use replay::{
    event::{Event, EventCorrected, EventReversed},
    ids::{ClaimId, EventId, ParcelId, Stream},
    time::When,
};
use serde_json::{Map, Value, json};

use super::{Labelled, Player};
use crate::{
    error::{Error, Result},
    scenario::{
        amend::{Change, changes},
        format::{Happening, Parcel, misfit},
        happening::What,
        log::By,
        tell::{Told, personal, reason_code},
    },
};

/// What a correction may not change: it would be another event.
const FIXED: [&str; 3] = ["type", "claim", "label"];

impl<'s> Player<'s> {
    /// Amends what was told before.
    pub(super) fn set_right(&mut self, number: usize, h: &'s Happening, claim: ClaimId) -> Result<()> {
        let (target, set) = match &h.what {
            What::EventCorrected(c) => (&c.target, Some(&c.set)),
            What::EventReversed(r) => (&r.target, None),
            _ => return Ok(()),
        };
        let changes = if self.labels.contains_key(target.as_str()) {
            self.of_an_event(target, set)?
        } else {
            self.of_a_parcel(target, set)?
        };
        let mut recorded = Vec::new();
        for (stream, change) in changes {
            recorded.extend(self.amend(h, target, stream, change)?);
        }
        if let Some(label) = &h.label {
            let happening = h.clone();
            self.labels.insert(label, Labelled { happening, number, claim, parcel: None, told: recorded });
        }
        Ok(())
    }

    /// A correction is worked into the event as the story told it, and that is told once more: what is other then has
    /// to be corrected.
    fn of_an_event(
        &mut self,
        label: &str,
        set: Option<&Map<String, Value>>,
    ) -> Result<Vec<(Stream, Change)>> {
        let Some(labelled) = self.labels.get(label) else { return Ok(Vec::new()) };
        let old = labelled.told.clone();
        let stream = |told: &Told| told.stream.clone();
        let Some(set) = set else {
            return Ok(old.iter().map(|(id, told)| (stream(told), Change::Reversed(*id))).collect());
        };
        if matches!(labelled.happening.what, What::EventCorrected(_) | What::EventReversed(_)) {
            return Err(Error::unreadable(
                "amendment_is_not_corrected",
                format!("'{label}' is an amendment"),
            )
            .hint("reverse it, then correct the event itself"));
        }
        let mut fields = labelled.happening.fields.clone();
        for (name, value) in set {
            if FIXED.contains(&name.as_str()) {
                return Err(Error::unreadable(
                    "another_event",
                    format!("set: {name} makes another event of it"),
                )
                .hint("reverse the event and tell the right one"));
            }
            if value.is_null() {
                fields.remove(name)
            } else {
                fields.insert(name.clone(), value.clone())
            };
        }
        let right = Happening::read(fields).map_err(|why| why.at("set"))?;
        let new = self.tell(&right, labelled.number, &labelled.claim, labelled.parcel.clone())?;
        let changes = changes(&old, new.clone())?;
        let Some(first) = new.first().map(stream) else { return Ok(Vec::new()) };
        if let Some(labelled) = self.labels.get_mut(label) {
            labelled.happening = right;
            for (_, told) in &mut labelled.told {
                if let Some(right) = new.iter().find(|right| right.event.kind() == told.event.kind()) {
                    *told = right.clone();
                }
            }
            for told in &new {
                if let Event::ClaimOpened(opened) = &told.event {
                    self.claims.insert(labelled.claim.clone(), opened.units.clone());
                }
            }
        }
        Ok(changes.into_iter().map(|change| (first.clone(), change)).collect())
    }

    /// The times of a parcel are those of its dispatch and of its delivery.
    fn of_a_parcel(&mut self, id: &str, set: Option<&Map<String, Value>>) -> Result<Vec<(Stream, Change)>> {
        let parcel = ParcelId::new(id).ok().filter(|id| self.known(id)).ok_or_else(|| {
            Error::unreadable("unknown_target", format!("target: '{id}' is neither a label nor a parcel"))
                .hint("an event is corrected by its label, once it has happened; a parcel of the order by its id")
        })?;
        let stream = Stream::Order(self.order.clone());
        let known = self.parcels.get(&parcel);
        let dispatched = known.and_then(|sent| sent.dispatched.as_ref()).map(|(id, _)| *id);
        let delivered = known.and_then(|sent| sent.delivered.as_ref()).map(|(id, _)| *id);
        let Some(set) = set else {
            let both = [dispatched, delivered].into_iter().flatten();
            return Ok(both.map(|id| (stream.clone(), Change::Reversed(id))).collect());
        };
        let (order, sold) = (&self.scenario.order, &self.sold);
        let told = order.parcels().into_iter().find(|told| told.id == parcel);
        let told = told.unwrap_or(Parcel { id: parcel, units: None, shipped_at: None, delivered_at: None });
        let mut changes = Vec::new();
        for (field, value) in set {
            let change = match field.as_str() {
                "shipped_at" => moved(dispatched, value, || told.dispatched(order, sold), &stream),
                "delivered_at" => moved(delivered, value, || Ok(told.delivered()), &stream),
                "units" => {
                    let choice: crate::scenario::choice::Choice = serde_json::from_value(value.clone())
                        .map_err(|why| misfit(format!("units: {why}")))?;
                    let units = json!(choice.resolve(order, sold)?);
                    Ok(dispatched.map(|target| {
                        let set = Map::from_iter([("units".into(), units)]);
                        Change::Corrected { target, set, effective_at: None }
                    }))
                }
                _ => Err(Error::unreadable("unknown_field", format!("set: a parcel has no field '{field}'"))
                    .hint("shipped_at, delivered_at and units of a parcel can be corrected")),
            };
            changes.extend(change?.map(|change| (stream.clone(), change)));
        }
        Ok(changes)
    }

    fn known(&self, parcel: &ParcelId) -> bool {
        self.parcels.contains_key(parcel) || self.scenario.order.parcels().iter().any(|p| p.id == *parcel)
    }

    /// Records one change. `name` is what the story calls its target.
    fn amend(
        &mut self,
        h: &Happening,
        name: &str,
        stream: Stream,
        change: Change,
    ) -> Result<Option<(EventId, Told)>> {
        let reason_code = reason_code(h.reason.as_deref())?;
        let reason_text = personal(h.reason.as_ref())?;
        let (stream, event, effective): (Stream, Event, When) = match change {
            Change::Corrected { target, set, effective_at } => {
                let evidence = None;
                let event = EventCorrected { target, set, effective_at, reason_code, reason_text, evidence };
                (stream, event.into(), h.at)
            }
            Change::Reversed(target) => {
                (stream, EventReversed { target, reason_code, reason_text }.into(), h.at)
            }
            Change::Added(told) => (told.stream, told.event, told.effective),
        };
        let told = Told { stream, event, effective, key: None, name: Some(name.into()) };
        let recorded = self.record(told, &By::of(h)?, h.at.at)?;
        if let Some(one @ (_, Told { event: Event::TrackingScanned(scan), .. })) = &recorded {
            self.parcels.entry(scan.parcel.clone()).or_default().delivered = Some(one.clone());
        }
        if let Some(one @ (_, Told { event: Event::ShipmentDispatched(sent), .. })) = &recorded {
            self.parcels.entry(sent.parcel.clone()).or_default().dispatched = Some(one.clone());
        }
        Ok(recorded)
    }
}

/// A time that was wrong, a fact that nobody had told, or one that did not happen.
fn moved(
    target: Option<EventId>,
    value: &Value,
    fact: impl FnOnce() -> Result<Event>,
    stream: &Stream,
) -> Result<Option<Change>> {
    if value.is_null() {
        return Ok(target.map(Change::Reversed));
    }
    let when: When = serde_json::from_value(value.clone()).map_err(|why| misfit(format!("set: {why}")))?;
    Ok(Some(match target {
        Some(target) => Change::Corrected { target, set: Map::new(), effective_at: Some(when) },
        None => {
            let (stream, event) = (stream.clone(), fact()?);
            Change::Added(Told { stream, event, effective: when, key: None, name: None })
        }
    }))
}
