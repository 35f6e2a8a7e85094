//! From an act of a story to the command that tells the ledger: who says it, where it belongs, what it is called.

use replay::{
    event::Leg,
    ids::{ActorId, ClaimId, Code, Expected, ExternalId, OrderId, ParcelId, RefundId, Rma, SourceId, Stream, Word},
    seal::Proposal,
    time::{Instant, When},
};
use std::fmt::Display;

use super::{
    act::{Act, By, Parcel, What},
    chance::Chance,
    shop::Staff,
    story::Story,
};

/// Puts acts of one story into words.
pub(super) struct Teller<'s, 'm> {
    pub story: &'s Story<'m>,
    pub chance: Chance,
}

/// A value that is built from texts of this program and numbers alone: the constructors cannot refuse it, and the
/// tests run through every kind. Anything else is a fault of this program.
pub(super) fn sure<T, E: Display>(made: Result<T, E>) -> T {
    match made {
        Ok(value) => value,
        Err(why) => unreachable!("the generator made an impossible value: {why}"),
    }
}

/// A code that stands in this program.
pub(super) fn code(text: &str) -> Code {
    sure(Code::new(text))
}

/// A word that stands in this program.
pub(super) fn word(text: &str) -> Word {
    sure(Word::new(text))
}

/// A moment with the offset of a place.
pub(super) fn when(at: i64, offset_minutes: i16) -> When {
    sure(When::new(sure(Instant::from_micros(at)), offset_minutes))
}

impl Teller<'_, '_> {
    /// The command for an act; `revision` is the place that its event will have in its stream.
    pub fn command(&mut self, act: &Act<'_>, revision: u64, expected: Expected) -> Proposal {
        let (actor, role, source) = self.who(act);
        let by_system = !matches!(act.by, By::Agent | By::Finance | By::Supervisor);
        let external_id = by_system.then(|| {
            sure(ExternalId::new(format!("{}:{}:{revision}", self.order(), act.stream)))
        });
        Proposal {
            stream: self.stream(act.stream),
            expected,
            effective: self.when(act.by, act.at),
            effective_is_given: true,
            approver: self.approver(act),
            actor,
            role: code(role),
            source,
            external_id,
            causation: None,
            correlation: None,
            event: self.event(act),
        }
    }

    fn staff(&self) -> &Staff {
        &self.story.merchant.staff
    }

    fn who(&self, act: &Act<'_>) -> (ActorId, &'static str, SourceId) {
        let staff = self.staff();
        let system = |name: &str| (sure(ActorId::new(name)), "system", sure(SourceId::new(name)));
        let person = |actor: &ActorId, role, source: &str| (actor.clone(), role, sure(SourceId::new(source)));
        let carrier = |who: &Option<(ActorId, SourceId)>| match who {
            Some((actor, source)) => (actor.clone(), "system", source.clone()),
            None => system("carrier"),
        };
        let agent = || {
            let [one, two] = &staff.agents;
            let even = (self.story.number + u64::from(act.stream)) % 2 == 0;
            person(if even { one } else { two }, "agent", "desk")
        };
        match act.by {
            By::Shop => (sure(ActorId::new("shop")), "system", staff.shop.clone()),
            By::Psp => system("psp"),
            By::Carrier => carrier(&self.story.market.carrier.actor),
            By::Courier => carrier(&self.story.market.back.actor),
            By::Platform => system("platform"),
            By::Engine => system("policy-engine"),
            By::Portal => (sure(ActorId::new("portal")), "customer", sure(SourceId::new("portal"))),
            By::Dock => person(&staff.dock, "warehouse", "wms"),
            By::Bench => person(&staff.bench, "inspector", "bench"),
            By::Supervisor => person(&staff.supervisor, "supervisor", "desk"),
            By::Finance if self.is_within_the_limit(act) => agent(),
            By::Finance => person(&staff.finance, "finance", "desk"),
            By::Agent => agent(),
        }
    }

    /// Small refunds are issued by the agents themselves, as far as their limit goes.
    fn is_within_the_limit(&self, act: &Act<'_>) -> bool {
        let What::Refund { minor, .. } = act.what else { return false };
        let limits = &self.story.merchant.common.limits;
        limits.iter().any(|l| {
            l.act.as_str() == "refund_issued" && l.currency == self.story.market.money.code && minor <= l.minor
        })
    }

    /// The second person, where a rule wants one.
    fn approver(&self, act: &Act<'_>) -> Option<ActorId> {
        match act.what {
            What::Goodwill { .. } => Some(self.staff().finance.clone()),
            What::Refund { other_method: true, .. } => Some(self.staff().supervisor.clone()),
            _ => None,
        }
    }

    /// The moment, on the clock of the place where it happens.
    pub fn when(&self, by: By, at: i64) -> When {
        let offset = match by {
            By::Psp | By::Platform => 0,
            By::Shop | By::Portal | By::Carrier | By::Courier => self.story.market.offset_minutes,
            _ => self.story.merchant.offset_minutes,
        };
        when(at, offset)
    }

    fn order(&self) -> String {
        format!("{}-{:07}", self.story.merchant.terms.policy, self.story.number)
    }
    /// The order's id.
    pub fn order_id(&self) -> OrderId {
        sure(OrderId::new(self.order()))
    }
    fn stream(&self, stream: u8) -> Stream {
        match stream {
            0 => Stream::Order(self.order_id()),
            claim => Stream::Claim(sure(ClaimId::new(format!("{}-C{claim}", self.order())))),
        }
    }
    /// The id of a parcel.
    pub fn parcel(&self, stream: u8, parcel: Parcel) -> ParcelId {
        let way = match parcel.leg {
            Leg::Outbound => 'O',
            Leg::Inbound => 'R',
            Leg::Replacement => 'X',
            Leg::ReturnToCustomer => 'B',
        };
        sure(ParcelId::new(format!("P{}-{way}{stream}{}", self.story.number, parcel.number)))
    }
    /// A return authorization's number.
    pub fn rma(&self, stream: u8, rma: u8) -> Rma {
        sure(Rma::new(format!("RMA-{}-{stream}{rma}", self.story.number)))
    }
    /// A credit's id, unique in its order.
    pub fn refund(&self, stream: u8, refund: u8) -> RefundId {
        sure(RefundId::new(format!("RF{}-{stream}-{refund}", self.story.number)))
    }
}
