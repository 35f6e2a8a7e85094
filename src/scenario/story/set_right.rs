//! Corrections and reversals: of events by their label, and of the order's parcels by their id.

use replay::{
    event::{Event, EventCorrected, EventReversed},
    ids::{ClaimId, EventId, ParcelId, Stream},
    time::When,
};
use serde_json::{Map, Value, json};

use super::{AsTold, Labelled, OnRecord, Player};
use crate::{
    error::{Error, Result},
    scenario::{
        amend::{Change, changes},
        format::{Happening, Parcel},
        happening::What,
        log::By,
        read::misfit,
        tell::{Told, personal, reason_code},
    },
};

/// What a correction may not change: it would be another event.
const FIXED: [&str; 3] = ["type", "claim", "label"];

/// What has to go on record, and where.
type Changes = Vec<(Stream, Change)>;

impl<'s> Player<'s> {
    /// Amends what was told before.
    pub(super) fn set_right(&mut self, number: usize, h: &'s Happening, claim: ClaimId) -> Result<()> {
        let (target, set) = match &h.what {
            What::EventCorrected(c) => (&c.target, Some(&c.set)),
            What::EventReversed(r) => (&r.target, None),
            _ => return Ok(()),
        };
        let (changes, right) = match self.labels.get(target.as_str()) {
            Some(labelled) => self.of_an_event(labelled, target, set)?,
            None => (self.of_a_parcel(target, set)?, None),
        };
        if changes.is_empty() {
            self.log.untraced(h.what.word(), Some(target.clone()), "target_is_not_on_record", h.at.at);
        }
        let mut recorded = Vec::new();
        for (stream, change) in changes {
            recorded.extend(self.amend(h, &claim, target, stream, change)?);
        }
        let mut before = None;
        if !recorded.is_empty() {
            before = right.and_then(|right| self.tell_anew(target, right));
            if set.is_none()
                && let Some((target, told)) =
                    self.labels.get_mut(target.as_str()).and_then(|amendment| amendment.before.take())
            {
                // A correction that is taken back leaves its event as it was.
                self.tell_anew(&target, told);
            }
        }
        if let Some(label) = &h.label {
            let happening = h.clone();
            let labelled = Labelled { happening, number, claim, parcel: None, told: recorded, before };
            self.labels.insert(label, labelled);
        }
        Ok(())
    }

    /// A correction is worked into the event as the story told it, and that is told once more: what is other then has
    /// to be corrected.
    fn of_an_event(
        &self,
        labelled: &Labelled,
        label: &str,
        set: Option<&Map<String, Value>>,
    ) -> Result<(Changes, Option<AsTold>)> {
        let old = &labelled.told;
        let Some(set) = set else {
            let reversed = old.iter().map(|(id, told)| (told.stream.clone(), Change::Reversed(*id)));
            return Ok((reversed.collect(), None));
        };
        let bad = |code: &str, text: String, hint: &str| Err(Error::unreadable(code, text).hint(hint));
        if matches!(labelled.happening.what, What::EventCorrected(_) | What::EventReversed(_)) {
            let text = format!("target: '{label}' is an amendment");
            return bad("amendment_is_not_corrected", text, "reverse it, then correct the event itself");
        }
        let mut fields = labelled.happening.fields.clone();
        for (name, value) in set {
            if FIXED.contains(&name.as_str()) {
                let text = format!("set: {name} makes another event of it");
                return bad("another_event", text, "reverse the event and tell the right one");
            }
            if value.is_null() {
                fields.remove(name);
            } else {
                fields.insert(name.clone(), value.clone());
            }
        }
        let right = Happening::read(fields).map_err(|why| why.at("set"))?;
        let new = self.tell(&right, labelled.number, &labelled.claim, labelled.parcel.clone())?;
        let Some(stream) = old.first().map(|(_, told)| told.stream.clone()) else {
            // It was refused, so there is nothing to correct.
            return Ok((Vec::new(), None));
        };
        let changes = changes(old, new.clone())?;
        let told = old.iter().map(|(id, told)| {
            let same_kind = |right: &&Told| right.event.kind() == told.event.kind();
            (*id, new.iter().find(same_kind).unwrap_or(told).clone())
        });
        let right = (right, told.collect());
        Ok((changes.into_iter().map(|change| (stream.clone(), change)).collect(), Some(right)))
    }

    /// Remembers an event as it stands after a correction; gives what it was before.
    fn tell_anew(&mut self, label: &str, right: AsTold) -> Option<(String, AsTold)> {
        let labelled = self.labels.get_mut(label)?;
        for (_, told) in &right.1 {
            if let Event::ClaimOpened(opened) = &told.event {
                self.claims.insert(labelled.claim.clone(), opened.units.clone());
            }
        }
        let happening = std::mem::replace(&mut labelled.happening, right.0);
        let told = std::mem::replace(&mut labelled.told, right.1);
        Some((label.into(), (happening, told)))
    }

    /// The times of a parcel are those of its dispatch and of its delivery.
    fn of_a_parcel(&mut self, id: &str, set: Option<&Map<String, Value>>) -> Result<Changes> {
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

    /// What did not happen can happen yet.
    fn forget(&mut self, event: EventId) {
        for sent in self.parcels.values_mut() {
            let stands = |one: &OnRecord| one.0 != event;
            sent.dispatched = sent.dispatched.take().filter(stands);
            sent.delivered = sent.delivered.take().filter(stands);
        }
    }

    fn known(&self, parcel: &ParcelId) -> bool {
        self.parcels.contains_key(parcel) || self.scenario.order.parcels().iter().any(|p| p.id == *parcel)
    }

    /// Records one change. `name` is what the story calls its target.
    fn amend(
        &mut self,
        h: &Happening,
        claim: &ClaimId,
        name: &str,
        stream: Stream,
        change: Change,
    ) -> Result<Option<OnRecord>> {
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
        match &recorded {
            Some((_, Told { event: Event::EventReversed(reversed), .. })) => self.forget(reversed.target),
            Some(one) => self.remember(claim, one),
            None => {}
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
