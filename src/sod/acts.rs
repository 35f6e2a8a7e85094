//! The acts of people, out of the log: only those that some rule asks for, by claim.

use replay::{
    codec::{Recorded, open},
    duty::{CUSTOMER, ONE_PERSON, SYSTEM, moved},
    event::{Event, Kind},
    ids::{ActorId, ClaimId, Code, EventId, OrderId, PolicyId, Stream},
    money::Amount,
    registry::Registry,
    time::Day,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use crate::{
    error::Result,
    sod::{Found, POSITIONS_MAX},
    store::{Span, Store},
};

/// One act of a person, with the limits that held at its position.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub position: u64,
    pub event_id: EventId,
    pub day: Day,
    pub kind: Kind,
    pub actor: ActorId,
    pub role: Code,
    pub approver: Option<ActorId>,
    pub amount: Option<Amount>,
    /// The limit of the role and that of one person.
    pub limits: [Option<Amount>; 2],
}

/// What people did on one claim.
#[derive(Debug, Default)]
pub(super) struct OnClaim {
    pub order: Option<OrderId>,
    pub opened: Option<Act>,
    pub handled: Vec<Act>,
    pub decided: Vec<Act>,
    pub paid: Vec<Act>,
    pub approved: Vec<Act>,
    /// Who took what back.
    pub reversed: Vec<(Act, EventId)>,
}

/// What people did, everywhere.
#[derive(Debug, Default)]
pub(super) struct Acts {
    pub events: u64,
    pub unread: u64,
    pub registry: Registry,
    pub claims: BTreeMap<ClaimId, OnClaim>,
    /// The policy of every order.
    pub policies: BTreeMap<OrderId, PolicyId>,
    /// Who published or approved a policy.
    pub published: BTreeMap<PolicyId, BTreeSet<ActorId>>,
    /// Who was granted which role, the last time.
    pub grants: BTreeMap<(ActorId, Code), Act>,
    /// Grants to oneself, with the role.
    pub granted: Vec<(Act, Code)>,
    /// Limits: the role and the act.
    pub limited: Vec<(Act, Code, Code)>,
    /// Seals (true) and reopenings by month.
    pub months: BTreeMap<String, Vec<(Act, bool)>>,
    /// Acts that move money in the order of the log, for limits.
    pub moving: Vec<(Act, ClaimId)>,
    /// Everything with a second person.
    pub seconded: Vec<(Act, Stream)>,
}

impl Acts {
    /// Reads the log once. Events that cannot be read are counted; `claims audit` names them.
    pub fn read<S: Store>(store: &mut S) -> Result<Self> {
        let mut acts = Acts::default();
        store.scan(Span::ALL, &mut |row| {
            acts.events += 1;
            match open(row) {
                Ok(recorded) => acts.take(&recorded),
                Err(_) => acts.unread += 1,
            }
            ControlFlow::Continue(())
        })?;
        Ok(acts)
    }

    fn take(&mut self, recorded: &Recorded) {
        let (envelope, event) = (&recorded.envelope, &recorded.event);
        // A refusal did nothing; a rebuild is nobody's duty.
        if matches!(
            event,
            Event::AppendRefused(_) | Event::ProjectionRebuilt(_) | Event::CheckpointRecorded(_)
        ) {
            return;
        }
        if let (Stream::Order(id), Event::OrderRecorded(order)) = (&envelope.stream, event) {
            self.policies.insert(id.clone(), order.policy.clone());
        }
        if let (Stream::Claim(id), Event::ClaimOpened(opened)) = (&envelope.stream, event) {
            self.claims.entry(id.clone()).or_default().order = Some(opened.order.clone());
        }
        // Programs and customers have no duties that could be kept apart.
        if !matches!(envelope.role.as_str(), SYSTEM | CUSTOMER) {
            let act = self.act(recorded);
            if act.approver.is_some() {
                self.seconded.push((act.clone(), envelope.stream.clone()));
            }
            match &envelope.stream {
                Stream::Ledger => self.on_ledger(act, event),
                Stream::Claim(id) => self.on_claim(act, id, event),
                Stream::Order(_) => {}
            }
        }
        if envelope.stream == Stream::Ledger {
            self.registry.take(event, envelope.position, envelope.recorded_at);
        }
    }

    fn act(&self, recorded: &Recorded) -> Act {
        let (envelope, event) = (&recorded.envelope, &recorded.event);
        let amount = moved(event);
        let limit = |role: &Code| {
            let act = Code::new(event.kind().as_str()).ok()?;
            self.registry.limit(role, &act, amount?.currency())
        };
        let one = || Code::new(ONE_PERSON).ok().and_then(|one| limit(&one));
        let limits = if amount.is_some() && self.registry.has_limits() {
            [limit(&envelope.role), one()]
        } else {
            [None, None]
        };
        Act {
            position: envelope.position.get(),
            event_id: envelope.event_id,
            day: envelope.effective.local_day(),
            kind: event.kind(),
            actor: envelope.actor.clone(),
            role: envelope.role.clone(),
            approver: envelope.approver.clone(),
            amount,
            limits,
        }
    }

    fn on_ledger(&mut self, act: Act, event: &Event) {
        match event {
            Event::PolicyPublished(p) => {
                let people = self.published.entry(p.policy.clone()).or_default();
                people.extend([Some(act.actor), act.approver].into_iter().flatten());
            }
            Event::RoleGranted(g) => {
                if g.actor == act.actor {
                    self.granted.push((act.clone(), g.role.clone()));
                }
                self.grants.insert((g.actor.clone(), g.role.clone()), act);
            }
            Event::LimitSet(l) => self.limited.push((act, l.role.clone(), l.act.clone())),
            Event::PeriodClosed(p) => self.months.entry(p.period.clone()).or_default().push((act, true)),
            Event::PeriodReopened(p) => self.months.entry(p.period.clone()).or_default().push((act, false)),
            _ => {}
        }
    }

    fn on_claim(&mut self, act: Act, id: &ClaimId, event: &Event) {
        if act.amount.is_some() {
            self.moving.push((act.clone(), id.clone()));
        }
        let claim = self.claims.entry(id.clone()).or_default();
        if act.approver.is_some() && act.amount.is_some() {
            claim.approved.push(act.clone());
        }
        match event {
            Event::ClaimOpened(_) => claim.opened = Some(act),
            Event::ParcelReceived(_) | Event::ItemInspected(_) => claim.handled.push(act),
            Event::RemedyDecided(_) => claim.decided.push(act),
            Event::DiscretionExercised(d) if d.amount.is_some() => claim.decided.push(act),
            Event::RefundIssued(_) | Event::GiftCreditIssued(_) => claim.paid.push(act),
            Event::EventReversed(r) => claim.reversed.push((act, r.target)),
            _ => {}
        }
    }
}

impl Found {
    /// A finding over these acts of these people.
    pub(super) fn of<'a>(
        rule: &'static str,
        people: impl IntoIterator<Item = &'a ActorId>,
        about: impl ToString,
        acts: &[&Act],
    ) -> Self {
        let mut positions: Vec<u64> = acts.iter().map(|act| act.position).collect();
        positions.sort_unstable();
        positions.dedup();
        let events = u64::try_from(positions.len()).unwrap_or(u64::MAX);
        positions.truncate(POSITIONS_MAX);
        let last = acts.iter().max_by_key(|act| act.position);
        Found {
            rule,
            day: last.map(|act| act.day),
            people: people.into_iter().cloned().collect(),
            about: about.to_string(),
            amount: None,
            limit: None,
            positions,
            events,
        }
    }
}
