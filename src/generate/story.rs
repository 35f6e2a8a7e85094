//! The story of one order: a pure function of seed and number, planned when the order comes in. What is kept of it
//! until it is told are its acts.

use replay::{
    event::{ArticleClass, Basis, Channel, Claimant, GiftShippedTo, Leg, SalesChannel, ScanStatus},
    ids::Code,
    policy::Anchor,
};

use super::{
    act::{Act, By, Deal, Fix, Parcel, Part},
    chance::Chance,
    hours::{DAY, HOUR, MINUTE},
    pen::Pen,
    sale::{Run, Sale},
    shop::{Market, Merchant},
    tell::Made,
};

/// Most claims on one order.
pub(super) const CLAIMS_MAX: usize = 2;

/// One order with its claims and everything that happens to them.
#[derive(Debug)]
pub(super) struct Story<'m> {
    pub seed: u64,
    pub number: u64,
    pub merchant: &'m Merchant,
    pub market: &'m Market,
    pub subdivision: Option<&'m Code>,
    pub purchased: i64,
    pub sale: Sale<'m>,
    pub channel: SalesChannel,
    /// Marked as a gift, and sent to one of the two.
    pub gift: Option<GiftShippedTo>,
    /// The order says when it was invoiced.
    pub invoiced: bool,
    /// It leaves in two parcels.
    pub split: bool,
    /// A device of it has changed hands.
    pub changed_hands: bool,
    /// What its device is known to have done in the paid period.
    pub transmitted: Option<bool>,
    /// The order came with the buyer's name.
    pub named: bool,
    pub claims: Vec<Claim>,
    /// In the order in which the ledger is told.
    pub acts: Vec<Act<'m>>,
    /// When the last act of each stream is told, and how many acts it has.
    pub known: [i64; CLAIMS_MAX + 1],
    pub revisions: [u64; CLAIMS_MAX + 1],
    /// Codes of acts that the ledger would not take, so that nobody tells them.
    pub refused: Vec<&'static str>,
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

impl<'m> Story<'m> {
    /// Plans a story whose order is placed at `nominal`, on the clock of its market. `None` when nobody sells.
    pub fn plan(merchants: &'m [Merchant], seed: u64, number: u64, nominal: i64) -> Made<Option<Self>> {
        let chance = &mut Chance::of(seed, number);
        let Some(merchant) = chance.by_share(merchants, |m| m.share) else { return Ok(None) };
        let Some(market) = chance.by_share(&merchant.markets, |m| m.share) else { return Ok(None) };
        let sale = Sale::make(merchant, market, chance);
        let purchased = nominal - i64::from(market.offset_minutes) * MINUTE;
        let rules = &merchant.terms.rules;
        let by_invoice = rules.windows.iter().flat_map(|w| &w.any).any(|a| a.after == Anchor::Invoice);
        let mut story = Self {
            seed,
            number,
            merchant,
            market,
            subdivision: chance.pick(&market.subdivisions),
            purchased,
            channel: match chance.below(100) {
                0..2 => SalesChannel::AuthorizedRetailer,
                2..4 => SalesChannel::ThirdParty,
                _ => SalesChannel::Direct,
            },
            gift: None,
            invoiced: by_invoice && chance.percent(96),
            split: sale.lines.len() > 1 && chance.percent(9),
            changed_hands: false,
            transmitted: None,
            named: chance.percent(60),
            claims: Vec::with_capacity(CLAIMS_MAX),
            acts: Vec::with_capacity(8),
            known: [0; CLAIMS_MAX + 1],
            revisions: [0; CLAIMS_MAX + 1],
            refused: Vec::new(),
            arrived: purchased,
            sale,
        };
        if chance.percent(merchant.gift_percent) && !story.subscription() {
            let giver = chance.percent(25);
            story.gift = Some(if giver { GiftShippedTo::Giver } else { GiftShippedTo::Recipient });
        }
        story.choose_claims(chance);
        let mut pen = Pen::new(&mut story, chance, 0);
        pen.now = purchased;
        pen.order();
        pen.lay_down()?;
        for stream in 1..=story.claims.len() {
            let arrived = story.arrived;
            let mut pen = Pen::new(&mut story, chance, u8::try_from(stream).unwrap_or(1));
            pen.now = arrived;
            pen.claim();
            pen.lay_down()?;
        }
        // Stable: what is told together stays together.
        story.acts.sort_by_key(|act| act.known);
        story.acts.shrink_to_fit();
        Ok(Some(story))
    }

    pub fn subscription(&self) -> bool {
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
            let gift = self.gift.is_some() && chance.percent(90);
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
            Part::All => {
                let mut all = [self.front.as_slice(), &self.back].concat();
                all.sort_by_key(|run| (run.line, run.first));
                all
            }
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

impl Pen<'_, '_> {
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
    }

    fn activation(&mut self) {
        self.later(0, 40);
        for line in 0..self.story.sale.lines.len() {
            self.tell(By::Platform, Deal::Activated { line });
        }
        self.story.arrived = self.now;
        if self.chance.percent(6) {
            self.later(24, 24 * 8);
            self.tell(By::Platform, Deal::ChangedHands { line: 0 });
            self.story.changed_hands = true;
        }
        if self.chance.percent(60) {
            self.later(24 * 4, 24 * 14);
            let count = if self.chance.percent(55) { 0 } else { self.chance.between(1, 4_000) };
            self.tell(By::Platform, Deal::Transmitted { line: 0, count });
            self.story.transmitted = Some(count > 0);
        }
    }

    fn outbound(&mut self) {
        self.work_later(2, 30);
        let refused = self.story.claims.iter().any(|c| c.basis == Basis::RefusedDelivery);
        let parcels = if self.story.split && !refused { 2 } else { 1 };
        self.story.split = parcels == 2;
        for number in 1..=parcels {
            let parcel = Parcel { leg: Leg::Outbound, number };
            if number > 1 {
                self.work_later(10, 60);
            }
            self.tell(By::Dock, Deal::Sent { parcel, part: Part::All, rma: None });
        }
        let first = Parcel { leg: Leg::Outbound, number: 1 };
        if self.chance.percent(18) {
            self.later(2, 20);
            self.tell(By::Carrier, Deal::Scanned { parcel: first, status: ScanStatus::InTransit });
        }
        self.road(0);
        let status = match self.chance.below(1_000) {
            _ if refused => Some(ScanStatus::Refused),
            0..40 if self.story.claims.is_empty() => Some(ScanStatus::Lost),
            8..28 => None,
            _ => Some(ScanStatus::Delivered),
        };
        self.story.arrived = self.now;
        let late = self.chance.percent(3);
        for number in 1..=parcels {
            let parcel = Parcel { leg: Leg::Outbound, number };
            match status {
                Some(status) if late => {
                    // The carrier's report comes days after the parcel.
                    let lag = i64::try_from(self.chance.between(30, 24 * 20)).unwrap_or_default() * HOUR;
                    self.tell_late(By::Carrier, Deal::Scanned { parcel, status }, lag);
                }
                Some(status) => _ = self.tell(By::Carrier, Deal::Scanned { parcel, status }),
                None => {}
            }
        }
        if parcels == 1 && status == Some(ScanStatus::Delivered) && self.chance.per_mille(5) {
            let (target, real) = (self.revision(), self.now - DAY / 2);
            self.work_later(20, 60);
            self.tell(By::Carrier, Deal::Corrected { target, fix: Fix::Time(real) });
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::generate::shop::merchants;
    use std::collections::BTreeMap;

    #[test]
    fn shops_hardly_ever_try_what_their_policy_does_not_let_them_do() {
        let merchants = merchants().unwrap();
        let (mut told, mut refused) = (0, BTreeMap::<&str, u32>::new());
        for number in 1..3_000 {
            let story = Story::plan(&merchants, 5, number, 1_700_000_000_000_000).unwrap().unwrap();
            told += story.acts.len();
            for code in story.refused {
                *refused.entry(code).or_default() += 1;
            }
        }
        let sum: u32 = refused.values().sum();
        assert!(told > 25_000 && sum < 20, "{told} acts, refused: {refused:?}");
    }
}
