//! From an act of a story to the command that tells the ledger: who says it, where it belongs, what it is called.
//! What it says is put together in the modules below, one for each group of acts.

mod deal;
mod goods;
mod money;
mod talk;

use replay::{
    event::{Leg, PayoutTo},
    ids::{
        ActorId, ClaimId, Code, EventId, Expected, ExternalId, OrderId, ParcelId, Personal, RefundId, Rma,
        SourceId, Stream, Word,
    },
    merkle::Hash,
    money::Amount,
    policy::Cites,
    seal::Proposal,
    time::{Day, Instant, When},
    units::{LineId, Units},
};

use super::{
    act::{Act, By, Money, Parcel, Part, What},
    chance::Chance,
    sale::Run,
    story::{Claim, Story},
};

/// Puts acts of one story into words.
pub(super) struct Teller<'s, 'm> {
    story: &'s Story<'m>,
    /// The order's number, and its id.
    number: String,
    order: String,
    /// For what is left to chance in one act.
    pub chance: Chance,
}

/// Why a command could not be made. Its texts are built from this program, its data file and numbers, so this is a
/// fault of the program.
#[derive(Debug)]
pub(super) struct Impossible(pub String);

impl<E: std::error::Error> From<E> for Impossible {
    fn from(why: E) -> Self {
        Self(why.to_string())
    }
}

/// What making a part of a command gives.
pub(super) type Made<T> = Result<T, Impossible>;

/// A code that stands in this program.
pub(super) fn code(text: &str) -> Made<Code> {
    Ok(Code::new(text)?)
}

/// A word that stands in this program.
pub(super) fn word(text: &str) -> Made<Word> {
    Ok(Word::new(text)?)
}

/// A moment with the offset of a place.
pub(super) fn when(at: i64, offset_minutes: i16) -> Made<When> {
    Ok(When::new(Instant::from_micros(at)?, offset_minutes)?)
}

impl<'s, 'm> Teller<'s, 'm> {
    /// For one story.
    pub fn of(story: &'s Story<'m>) -> Self {
        let number = format!("{:07}", story.number);
        let order = [story.merchant.terms.policy.as_str(), "-", &number].concat();
        Self { story, number, order, chance: Chance::of(0, story.number) }
    }

    /// The command for an act.
    pub fn command(&mut self, act: &Act<'m>, expected: Expected) -> Made<Proposal> {
        // What is left to chance in an act is the same whenever it is put into words.
        self.chance =
            Chance::of(self.story.seed ^ self.story.number, u64::from(act.stream) << 32 | act.revision);
        let (actor, role, source) = self.who(act)?;
        let by_system = !matches!(act.by, By::Agent | By::Finance | By::Supervisor);
        let external_id = match by_system {
            true => Some(ExternalId::new(self.named(&self.order, ":", act.stream, act.revision))?),
            false => None,
        };
        Ok(Proposal {
            stream: self.stream(act.stream)?,
            expected,
            effective: self.when(act.by, act.at)?,
            effective_is_given: true,
            approver: self.approver(act),
            actor,
            role: code(role)?,
            source,
            external_id,
            event_id: if self.is_amended(act) {
                Some(self.event_id(act.stream, act.revision)?)
            } else {
                None
            },
            causation: None,
            correlation: None,
            event: match &act.what {
                What::Deal(what) => self.deal(act, *what)?,
                What::Talk(what) => self.talk(act, what)?,
                What::Goods(what) => self.goods(act, what)?,
                What::Money(what) => self.money(act, what)?,
            },
        })
    }

    /// The command for an act while its story is being planned: where its event comes in is told apart.
    pub fn planned(&mut self, act: &Act<'m>) -> Made<Proposal> {
        self.command(act, Expected::AfterThePreviousOfThisBatch)
    }

    /// Whether the story corrects or reverses this event later: then its id must be known before.
    fn is_amended(&self, act: &Act<'_>) -> bool {
        let amends = |later: &&Act<'_>| later.stream == act.stream && later.amends() == Some(act.revision);
        self.story.acts.iter().rev().take_while(|later| later.known >= act.known).any(|later| amends(&later))
    }
    /// The id of an event that is amended later: a UUID of version 7, as the ledger makes them.
    pub fn event_id(&self, stream: u8, revision: u64) -> Made<EventId> {
        let chance = &mut Chance::of(self.story.number, u64::from(stream) << 32 | revision);
        let [a, b, c, d, e, f, g, h] = chance.below(u64::MAX).to_be_bytes();
        let [i, j, ..] = chance.below(u64::MAX).to_be_bytes();
        let random = [a, b, c, d, e, f, g, h, i, j];
        let millis = u64::try_from(self.story.purchased / 1_000)?;
        Ok(EventId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
    }

    fn who(&self, act: &Act<'_>) -> Made<(ActorId, &'static str, SourceId)> {
        let staff = &self.story.merchant.staff;
        let market = self.story.market;
        let [one, two] = &staff.agents;
        let even = (self.story.number + u64::from(act.stream)).is_multiple_of(2);
        let agent = if even { one } else { two };
        let (actor, role, source) = match act.by {
            By::Shop => return Ok((ActorId::new("shop")?, "system", staff.shop.clone())),
            By::Carrier => {
                return Ok((market.carrier.actor.clone(), "system", market.carrier.source.clone()));
            }
            By::Courier => return Ok((market.back.actor.clone(), "system", market.back.source.clone())),
            By::Psp => (&ActorId::new("psp")?, "system", "psp"),
            By::Platform => (&ActorId::new("platform")?, "system", "platform"),
            By::Engine => (&ActorId::new("policy-engine")?, "system", "desk"),
            By::Portal => (&ActorId::new("portal")?, "customer", "portal"),
            By::Dock => (&staff.dock, "warehouse", "wms"),
            By::Bench => (&staff.bench, "warehouse", "bench"),
            By::Supervisor => (&staff.supervisor, "approver", "desk"),
            By::Finance if !self.is_within_the_limit(act) => (&staff.finance, "finance", "desk"),
            By::Finance | By::Agent => (agent, "agent", "desk"),
        };
        Ok((actor.clone(), role, SourceId::new(source)?))
    }

    /// Small refunds are issued by the agents themselves, as far as their limit goes.
    fn is_within_the_limit(&self, act: &Act<'_>) -> bool {
        let What::Money(Money::Refund { minor, .. }) = &act.what else { return false };
        let limits = &self.story.merchant.common.limits;
        let currency = self.story.market.coin.code;
        limits
            .iter()
            .any(|l| l.act.as_str() == "refund_issued" && l.currency == currency && *minor <= l.minor)
    }

    /// The second person, where a rule wants one.
    fn approver(&self, act: &Act<'_>) -> Option<ActorId> {
        let staff = &self.story.merchant.staff;
        match &act.what {
            What::Money(Money::Goodwill { .. }) => Some(staff.finance.clone()),
            What::Money(Money::Refund { to: PayoutTo::OtherMethod, .. }) => Some(staff.supervisor.clone()),
            _ => None,
        }
    }

    /// The moment, on the clock of the place where it happens.
    fn when(&self, by: By, at: i64) -> Made<When> {
        let offset = match by {
            By::Psp | By::Platform => 0,
            By::Shop | By::Portal | By::Carrier | By::Courier => self.story.market.offset_minutes,
            _ => self.story.merchant.offset_minutes,
        };
        when(at, offset)
    }
    /// The day of a moment on the customer's clock.
    fn day(&self, at: i64) -> Made<Day> {
        Ok(when(at, self.story.market.offset_minutes)?.local_day())
    }

    /// A name made of a first part, the stream and a number in it.
    fn named(&self, first: &str, between: &str, stream: u8, number: impl Into<u64>) -> String {
        [first, between, &stream.to_string(), between, &number.into().to_string()].concat()
    }
    fn order_id(&self) -> Made<OrderId> {
        Ok(OrderId::new(self.order.as_str())?)
    }
    fn stream(&self, stream: u8) -> Made<Stream> {
        Ok(match stream {
            0 => Stream::Order(self.order_id()?),
            claim => Stream::Claim(self.claim_id(claim)?),
        })
    }
    /// The name of a claim.
    pub fn claim_id(&self, stream: u8) -> Made<ClaimId> {
        Ok(ClaimId::new([self.order.as_str(), "-C", &stream.to_string()].concat())?)
    }
    fn parcel(&self, act: &Act<'_>, parcel: Parcel) -> Made<ParcelId> {
        let way = match parcel.leg {
            Leg::Outbound => "O",
            Leg::Inbound => "R",
            Leg::Replacement => "X",
            Leg::ReturnToCustomer => "B",
        };
        Ok(ParcelId::new(self.named(&[way, &self.number].concat(), "-", act.stream, parcel.number))?)
    }
    fn rma(&self, act: &Act<'_>, rma: Option<u8>) -> Made<Option<Rma>> {
        rma.map(|rma| self.rma_of(act, rma)).transpose()
    }
    fn rma_of(&self, act: &Act<'_>, rma: u8) -> Made<Rma> {
        Ok(Rma::new(self.named(&["RMA-", &self.number].concat(), "-", act.stream, rma))?)
    }
    /// A credit's id, unique in its order.
    fn refund(&self, act: &Act<'_>, refund: u8) -> Made<RefundId> {
        Ok(RefundId::new(self.named(&["RF", &self.number].concat(), "-", act.stream, refund))?)
    }
    fn device(&self, line: usize) -> Made<Code> {
        code(&format!("dev-{}-{line}", self.story.number))
    }
    fn line(&self, index: usize) -> Made<LineId> {
        let line = self.story.merchant.common.lines.get(index);
        line.cloned().ok_or_else(|| Impossible(format!("an order has no line {index}")))
    }
    fn amount(&self, minor: u64) -> Made<Amount> {
        Ok(Amount::new(minor, self.story.market.coin.code)?)
    }

    /// The claim that an act belongs to.
    fn claim(&self, act: &Act<'_>) -> Made<&'s Claim> {
        self.claim_of(act.stream)
    }
    fn claim_of(&self, stream: u8) -> Made<&'s Claim> {
        let claim = usize::from(stream).checked_sub(1).and_then(|index| self.story.claims.get(index));
        claim.ok_or_else(|| Impossible(format!("order {} has no claim {stream}", self.story.number)))
    }
    /// Units of the claim that an act belongs to.
    fn units(&self, act: &Act<'_>, part: Part) -> Made<Units> {
        self.units_of(act.stream, part)
    }
    /// Units of a claim.
    pub fn units_of(&self, stream: u8, part: Part) -> Made<Units> {
        let mut all = Units::default();
        for run in self.claim_of(stream)?.units(part) {
            let run = self.run(run)?;
            all = if all.is_empty() { run } else { all.union(&run) };
        }
        Ok(all)
    }
    fn run(&self, run: Run) -> Made<Units> {
        let through = Units::from_line(self.line(run.line)?, run.last)?;
        match run.first {
            1 => Ok(through),
            first => Ok(through.difference(&Units::from_line(self.line(run.line)?, first - 1)?)),
        }
    }
    /// Clauses by name.
    fn cites(&self, cites: &Cites) -> Vec<Code> {
        self.story.merchant.terms.rules.ids(cites)
    }

    fn hash(&mut self) -> Hash {
        Hash(std::array::from_fn(|_| u8::try_from(self.chance.below(256)).unwrap_or_default()))
    }
    /// A personal text about a topic.
    fn text(&mut self, topic: &str) -> Made<Personal> {
        let text = self.story.merchant.common.text(topic, &mut self.chance);
        let text = text.ok_or_else(|| Impossible(format!("there is no text about {topic}")))?;
        Ok(Personal::clear(text)?)
    }
    /// The same, in so many of a hundred cases.
    fn text_in(&mut self, percent: u64, topic: &str) -> Made<Option<Personal>> {
        if self.chance.percent(percent) { self.text(topic).map(Some) } else { Ok(None) }
    }
}
