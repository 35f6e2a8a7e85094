//! The story of one order: a pure function of seed and number. Nothing of it is kept between its steps, so what
//! the generator remembers of an open order is how far it has come.

use replay::{
    event::{ArticleClass, Basis, Channel, Claimant, Leg, ScanStatus},
    ids::Code,
};

use super::{
    act::{Act, By, Deal, Fix, Parcel, Part, What},
    chance::Chance,
    hours::{DAY, HOUR, MINUTE, SECOND, at_work, awake, on_the_road},
    sale::{Run, Sale},
    shop::{Market, Merchant},
};

/// Most claims on one order.
pub(super) const CLAIMS_MAX: usize = 2;

/// One order with its claims and everything that happens to them.
#[derive(Debug)]
pub(super) struct Story<'m> {
    pub number: u64,
    pub merchant: &'m Merchant,
    pub market: &'m Market,
    pub subdivision: Option<&'m Code>,
    pub purchased: i64,
    pub sale: Sale<'m>,
    /// Marked as a gift and sent to the recipient.
    pub gift: bool,
    /// The order came with the buyer's name.
    pub named: bool,
    pub claims: Vec<Claim>,
    /// In the order in which the ledger is told.
    pub acts: Vec<Act<'m>>,
    /// When the last act of each stream is told.
    known: [i64; CLAIMS_MAX + 1],
    /// When the goods arrived, or would have.
    pub arrived: i64,
}

/// What a claim is about.
#[derive(Debug)]
pub(super) struct Claim {
    pub basis: Basis,
    pub by: Claimant,
    pub via: Channel,
    /// Units that go the usual way.
    pub front: Vec<Run>,
    /// Units that do not, where its units part.
    pub back: Vec<Run>,
}

/// Writes the acts of one stream, as time goes on.
pub(super) struct Pen<'a, 'm> {
    pub story: &'a mut Story<'m>,
    pub chance: &'a mut Chance,
    pub stream: u8,
    pub now: i64,
}

impl<'m> Story<'m> {
    /// Plans a story whose order is placed at `nominal`, on the clock of its market.
    /// `room` is a list of acts that is not needed any more.
    pub fn plan(
        merchants: &'m [Merchant],
        seed: u64,
        number: u64,
        nominal: i64,
        mut room: Vec<Act<'m>>,
    ) -> Option<Self> {
        room.clear();
        let chance = &mut Chance::of(seed, number);
        let merchant = chance.by_share(merchants, |m| m.share)?;
        let market = chance.by_share(&merchant.markets, |m| m.share)?;
        let sale = Sale::make(merchant, market, chance);
        let purchased = nominal - i64::from(market.offset_minutes) * MINUTE;
        let mut story = Self {
            number,
            merchant,
            market,
            subdivision: chance.pick(&market.subdivisions),
            purchased,
            gift: chance.percent(merchant.gift_percent),
            named: chance.percent(60),
            claims: Vec::with_capacity(CLAIMS_MAX),
            acts: room,
            known: [0; CLAIMS_MAX + 1],
            arrived: purchased,
            sale,
        };
        story.choose_claims(chance);
        Pen { now: purchased, stream: 0, story: &mut story, chance }.order();
        for stream in 1..=story.claims.len() {
            let stream = u8::try_from(stream).unwrap_or(1);
            Pen { now: story.arrived, stream, story: &mut story, chance }.claim();
        }
        // Stable: what is told together stays together.
        story.acts.sort_by_key(|act| act.known);
        Some(story)
    }

    fn subscription(&self) -> bool {
        self.sale.lines.first().is_some_and(|l| l.article.class == ArticleClass::Subscription)
    }

    fn choose_claims(&mut self, chance: &mut Chance) {
        let count = match chance.below(100) {
            0..21 => 0,
            21..93 => 1,
            _ => CLAIMS_MAX.min(self.sale.lines.len()),
        };
        let lines = self.sale.lines.len() as u64;
        let first_line = usize::try_from(chance.below(lines)).unwrap_or_default();
        for nth in 0..count {
            let basis = if self.subscription() {
                Basis::SubscriptionRefund
            } else {
                chance.by_share(&self.merchant.reasons, |r| r.1).map_or(Basis::Defect, |r| r.0)
            };
            // A parcel that was not taken in comes back whole.
            let whole = basis == Basis::RefusedDelivery || (count == 1 && chance.percent(14));
            if whole && nth > 0 {
                continue;
            }
            let units = if whole {
                self.sale.all()
            } else {
                self.some_of((first_line + nth) % self.sale.lines.len().max(1), chance)
            };
            let (front, back) = part(units, chance.percent(12) && !self.subscription());
            let gift = self.gift && chance.percent(90);
            let channels = [Channel::Email, Channel::Form, Channel::Ticket, Channel::Chat, Channel::Phone];
            self.claims.push(Claim {
                basis,
                by: if gift { Claimant::Recipient } else { Claimant::Buyer },
                via: chance.pick(&channels).copied().unwrap_or(Channel::Email),
                front,
                back,
            });
            if whole {
                break;
            }
        }
    }

    /// Some units of one line: mostly one, often all.
    fn some_of(&self, line: usize, chance: &mut Chance) -> Vec<Run> {
        let quantity = self.sale.lines.get(line).map_or(1, |l| l.quantity);
        let (first, last) = match chance.below(100) {
            _ if quantity == 1 => (1, 1),
            0..55 => {
                let unit = u32::try_from(chance.between(1, quantity.into())).unwrap_or(1);
                (unit, unit)
            }
            55..85 => (1, quantity),
            _ => {
                let last = u32::try_from(chance.between(1, quantity.into())).unwrap_or(1);
                (u32::try_from(chance.between(1, last.into())).unwrap_or(1), last)
            }
        };
        vec![Run { line, first, last }]
    }
}

impl Claim {
    /// The units of a part; the runs of both parts together are all of them.
    pub fn units(&self, part: Part) -> Vec<Run> {
        match part {
            Part::Front => self.front.clone(),
            Part::Back => self.back.clone(),
            Part::All => [self.front.as_slice(), &self.back].concat(),
        }
    }
}

/// Parts the units of a claim in two, where there is more than one.
fn part(mut units: Vec<Run>, wanted: bool) -> (Vec<Run>, Vec<Run>) {
    let count: u32 = units.iter().map(|run| run.count()).sum();
    let Some(last) = units.pop() else { return (units, Vec::new()) };
    if !wanted || count < 2 {
        units.push(last);
        return (units, Vec::new());
    }
    if last.count() > 1 {
        units.push(Run { last: last.last - 1, ..last });
        return (units, vec![Run { first: last.last, ..last }]);
    }
    (units, vec![last])
}

impl<'m> Pen<'_, 'm> {
    /// Lets hours go by.
    pub fn later(&mut self, hours_min: u64, hours_max: u64) {
        let seconds = self.chance.between(hours_min * 3_600, hours_max * 3_600);
        self.now += i64::try_from(seconds).unwrap_or_default() * SECOND;
    }
    /// Waits for somebody at work.
    pub fn at_work(&mut self) {
        self.now = at_work(self.now, self.story.merchant.offset_minutes, self.chance);
    }
    /// Hours go by, then somebody at work takes it up.
    pub fn work_later(&mut self, hours_min: u64, hours_max: u64) {
        self.later(hours_min, hours_max);
        self.at_work();
    }
    /// Hours go by, then the customer does something.
    pub fn customer_later(&mut self, hours_min: u64, hours_max: u64) {
        self.later(hours_min, hours_max);
        self.now = awake(self.now, self.story.market.offset_minutes);
    }
    /// Days on the road, `extra` percent more than usual.
    pub fn road(&mut self, extra: u64) {
        let [low, high] = self.story.market.days;
        let hours = self.chance.between(low * 24 - 8, high * 24) * (100 + extra) / 100;
        self.now += i64::try_from(hours).unwrap_or_default() * HOUR;
        self.later(0, 1);
        self.now = on_the_road(self.now, self.story.market.offset_minutes);
    }

    /// Something happens now, and the ledger is told soon: a step of its own.
    pub fn tell(&mut self, by: By, what: impl Into<What<'m>>) {
        let lag = match by {
            By::Shop | By::Portal | By::Engine => self.chance.between(1, 15),
            By::Psp | By::Platform => self.chance.between(20, 1_800),
            By::Carrier | By::Courier => self.chance.between(120, 9_000),
            _ => self.chance.between(5, 240),
        };
        let lag = i64::try_from(lag).unwrap_or_default() * SECOND;
        let before = self.story.known.get(usize::from(self.stream)).copied().unwrap_or_default();
        self.push(by, what.into(), (self.now + lag).max(before + SECOND));
    }
    /// Something else happens now and is told with what was told last.
    pub fn and(&mut self, by: By, what: impl Into<What<'m>>) {
        let known = self.story.acts.last().map_or(0, |act| act.known);
        let before = self.story.known.get(usize::from(self.stream)).copied().unwrap_or_default();
        if known >= before && known >= self.now {
            self.push(by, what.into(), known);
        } else {
            self.tell(by, what);
        }
    }
    fn push(&mut self, by: By, what: What<'m>, known: i64) {
        if let Some(last) = self.story.known.get_mut(usize::from(self.stream)) {
            *last = known;
        }
        self.story.acts.push(Act { at: self.now, known, stream: self.stream, by, what });
    }
    /// The revision of the last act of this stream.
    pub fn revision(&self) -> u64 {
        self.story.acts.iter().filter(|act| act.stream == self.stream).count() as u64
    }

    /// What happens to the order itself.
    fn order(&mut self) {
        let total = self.story.sale.total_minor();
        self.tell(By::Shop, Deal::Sold);
        if self.chance.percent(3) && total >= 4 {
            self.tell(By::Psp, Deal::Paid { part: 1, minor: total / 4 });
            self.later(1, 20);
            self.tell(By::Psp, Deal::Paid { part: 2, minor: total - total / 4 });
        } else {
            let paid = Deal::Paid { part: 1, minor: total };
            if self.chance.percent(80) {
                self.and(By::Psp, paid);
            } else {
                self.tell(By::Psp, paid);
            }
            if self.chance.per_mille(4) {
                self.later(0, 1);
                self.tell(By::Psp, Deal::Paid { part: 2, minor: total });
                let target = self.revision();
                self.work_later(1, 20);
                self.tell(By::Finance, Deal::Reversed { target });
            }
        }
        if self.story.subscription() {
            self.activation();
        } else {
            self.outbound();
        }
        self.story.arrived = self.now;
    }

    fn activation(&mut self) {
        self.later(0, 40);
        for line in 0..self.story.sale.lines.len() {
            self.tell(By::Platform, Deal::Activated { line });
        }
        if self.chance.percent(60) {
            self.later(24 * 20, 24 * 30);
            let count = if self.chance.percent(40) { 0 } else { self.chance.between(1, 4_000) };
            self.tell(By::Platform, Deal::Transmitted { line: 0, count });
        }
        if self.chance.percent(6) {
            self.later(1, 48);
            self.tell(By::Platform, Deal::ChangedHands { line: 0 });
        }
    }

    fn outbound(&mut self) {
        let parcel = Parcel { leg: Leg::Outbound, number: 1 };
        self.work_later(2, 30);
        self.tell(By::Dock, Deal::Sent { parcel, part: Part::All, rma: None });
        if self.chance.percent(18) {
            self.later(2, 20);
            self.tell(By::Carrier, Deal::Scanned { parcel, status: ScanStatus::InTransit });
        }
        self.road(0);
        let refused = self.story.claims.iter().any(|c| c.basis == Basis::RefusedDelivery);
        let status = match self.chance.below(1_000) {
            _ if refused => ScanStatus::Refused,
            0..8 => ScanStatus::Lost,
            8..28 => return,
            _ => ScanStatus::Delivered,
        };
        self.tell(By::Carrier, Deal::Scanned { parcel, status });
        if status == ScanStatus::Delivered && self.chance.per_mille(5) {
            let (target, real) = (self.revision(), self.now - DAY / 2);
            self.work_later(20, 60);
            self.tell(By::Carrier, Deal::Corrected { target, fix: Fix::Time(real) });
        }
    }
}
