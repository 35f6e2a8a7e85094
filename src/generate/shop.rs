//! The shops of the demonstration, as `fixtures/demo/merchants.toml` and their policies describe them.

use replay::{
    event::{ArticleClass, Basis, Condition},
    ids::{ActorId, Code, Origin, PolicyId, Position, SourceId, Word},
    money::Currency,
    registry::Registry,
    time::Instant,
    units::LineId,
};
use serde::Deserialize;
use std::{collections::BTreeMap, sync::Arc};

use super::{chance::Chance, terms::Terms};
use crate::{
    error::{Error, ErrorKind, Result},
    policy_file::{PolicyFile, embedded},
};

/// The file with the shops.
const FILE: &str = include_str!("../../fixtures/demo/merchants.toml");
/// Most lines of an order.
pub(super) const LINES_MAX: usize = 4;

/// A shop: where it sells what, and what its policy says.
#[derive(Debug, Clone)]
pub struct Merchant {
    pub(super) terms: Terms,
    pub(super) staff: Staff,
    /// Part of all orders.
    pub(super) share: u64,
    /// UTC offset of the place where people work.
    pub(super) offset_minutes: i16,
    /// How many of a hundred orders are gifts sent to the recipient.
    pub(super) gift_percent: u64,
    /// Why goods are claimed, with shares.
    pub(super) reasons: Vec<(Basis, u64)>,
    pub(super) markets: Vec<Market>,
    pub(super) articles: Vec<Article>,
    pub(super) common: Arc<Common>,
}

/// What all shops share.
#[derive(Debug)]
pub(super) struct Common {
    pub people: People,
    pub texts: BTreeMap<String, Vec<String>>,
    pub limits: Vec<Limit>,
    /// In which costs abroad are paid, and where its rate comes from.
    pub foreign: Coin,
    pub rate_source: Word,
    /// `L1` and so on.
    pub lines: Vec<LineId>,
    /// The policies of all shops, as the ledger knows them.
    pub registry: Registry,
    /// The name of a ledger; events that are only thought of need one.
    pub origin: Origin,
}

/// A country that a shop sells to.
#[derive(Debug, Clone)]
pub(super) struct Market {
    pub country: Word,
    pub subdivisions: Vec<Code>,
    pub coin: Coin,
    pub share: u64,
    pub offset_minutes: i16,
    pub tax_bp: u32,
    pub tax_inclusive: bool,
    pub shipping_minor: u64,
    /// Fewest and most days on the road.
    pub days: [u64; 2],
    pub abroad: bool,
    /// Of the shop.
    pub carrier: Carrier,
    /// Of the customer.
    pub back: Carrier,
}

/// People in their roles, by pseudonym, and the systems that report.
#[derive(Debug, Clone)]
pub(super) struct Staff {
    pub agents: [ActorId; 2],
    pub dock: ActorId,
    pub bench: ActorId,
    pub finance: ActorId,
    pub supervisor: ActorId,
    pub shop: SourceId,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    currency: Vec<Coin>,
    foreign: Foreign,
    carrier: Vec<CarrierRow>,
    limit: Vec<Limit>,
    people: People,
    texts: BTreeMap<String, Vec<String>>,
    merchant: Vec<MerchantRow>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Foreign {
    currency: Currency,
    source: Word,
}

/// A currency and what a dollar is in it, more or less.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Coin {
    pub code: Currency,
    minor_per_100_cents: u64,
    step: u64,
    below: u64,
}

impl Coin {
    /// Cents of a dollar as minor units, without the ways of shops.
    pub fn minor(self, cents: u64) -> u64 {
        cents * self.minor_per_100_cents / 100
    }
    /// A price as shops write it: 129.99, 12980, 12.450.
    pub fn price(self, cents: u64) -> u64 {
        if cents == 0 {
            return 0;
        }
        let exact = self.minor(cents);
        (exact / self.step + 1) * self.step - self.below
    }
    /// An amount in another currency, and the rate by which it comes back; `None` where nothing is to be changed.
    pub fn exchange(self, minor: u64, other: Coin) -> Option<(u64, String)> {
        if self.code == other.code {
            return None;
        }
        let there = minor * other.minor_per_100_cents / self.minor_per_100_cents;
        let scale = |exponent: u32| 10_u64.pow(exponent);
        // Units of ours for one of theirs, in millionths.
        let rate = self.minor_per_100_cents * scale(other.code.exponent()) * 1_000_000
            / (other.minor_per_100_cents * scale(self.code.exponent()));
        Some((there.max(1), format!("{}.{:06}", rate / 1_000_000, rate % 1_000_000)))
    }
}

/// A carrier and how it writes its tracking numbers.
#[derive(Debug, Clone)]
pub(super) struct Carrier {
    pub code: Code,
    name: String,
    pub service: Word,
    pub number: String,
    /// Who reports its scans.
    pub actor: ActorId,
    pub source: SourceId,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct CarrierRow {
    code: Code,
    /// What markets call it, where one code stands for several posts.
    name: Option<String>,
    service: Word,
    number: String,
}

/// The most that one act of a role may move.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub role: Code,
    pub act: Code,
    pub currency: Currency,
    pub minor: u64,
}

/// Parts of invented names and addresses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct People {
    pub first: Vec<String>,
    pub family: Vec<String>,
    pub street: Vec<String>,
    pub mail: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MerchantRow {
    policy: PolicyId,
    share: u64,
    offset_minutes: i16,
    gift_percent: u64,
    reasons: BTreeMap<Basis, u64>,
    market: Vec<MarketRow>,
    article: Vec<Article>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarketRow {
    country: Word,
    #[serde(default)]
    subdivisions: Vec<Code>,
    currency: Currency,
    share: u64,
    offset_minutes: i16,
    #[serde(default)]
    tax_bp: u32,
    #[serde(default)]
    tax_inclusive: bool,
    shipping_cents: u64,
    days: [u64; 2],
    #[serde(default)]
    abroad: bool,
    carrier: String,
    back: String,
}

/// What is sold, and for how much.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Article {
    pub sku: Word,
    pub description: Word,
    pub class: ArticleClass,
    #[serde(default = "new")]
    pub condition: Condition,
    pub share: u64,
    pub cents: [u64; 2],
    pub warranty_term: Option<Code>,
    pub quantity_max: u32,
    #[serde(default)]
    pub serials: bool,
    #[serde(default)]
    pub free_gift: bool,
    #[serde(default)]
    pub accessories: BTreeMap<Word, u64>,
}

fn new() -> Condition {
    Condition::New
}

/// The shops of the demonstration; their policies are those of [`embedded`].
///
/// # Errors
/// When the file inside the program is wrong; the tests of this project prove that it is not.
pub fn merchants() -> Result<Vec<Merchant>> {
    let policies = embedded::policies()?;
    let file: File = toml::from_str(FILE).map_err(|why| wrong(why.to_string()))?;
    let currencies: BTreeMap<Currency, Coin> = file.currency.iter().map(|c| (c.code, *c)).collect();
    let foreign = currencies.get(&file.foreign.currency).copied();
    let mut registry = Registry::default();
    for policy in &policies {
        let published = policy.published.clone().into();
        registry.take(&published, Position::after(None), Instant::EPOCH);
    }
    let common = Arc::new(Common {
        registry,
        origin: Origin::new("demo").map_err(|why| wrong(why.to_string()))?,
        people: file.people,
        texts: file.texts,
        limits: file.limit,
        foreign: foreign.ok_or_else(|| wrong(format!("{} is in no table", file.foreign.currency)))?,
        rate_source: file.foreign.source,
        lines: (1..=LINES_MAX).filter_map(|n| LineId::parse(&format!("L{n}")).ok()).collect(),
    });
    let carriers: Vec<Carrier> = file.carrier.into_iter().map(CarrierRow::build).collect::<Result<_>>()?;
    let build = |row: MerchantRow| -> Result<Merchant> {
        let policy = policies.iter().find(|p| p.published.policy == row.policy);
        let policy = policy.ok_or_else(|| wrong(format!("no policy {}", row.policy)))?;
        let markets = row.market.into_iter().map(|m| m.build(&currencies, &carriers));
        Ok(Merchant {
            terms: Terms::read(policy),
            staff: Staff::of(policy)?,
            share: row.share,
            offset_minutes: row.offset_minutes,
            gift_percent: row.gift_percent,
            reasons: row.reasons.into_iter().collect(),
            markets: markets.collect::<Result<_>>()?,
            articles: row.article,
            common: common.clone(),
        })
    };
    file.merchant.into_iter().map(build).collect()
}

fn wrong(why: String) -> Error {
    Error::new(ErrorKind::Internal, "demo_file_is_wrong", why).at("fixtures/demo/merchants.toml")
}

impl MarketRow {
    fn build(self, currencies: &BTreeMap<Currency, Coin>, carriers: &[Carrier]) -> Result<Market> {
        let coin = currencies.get(&self.currency).copied();
        let coin = coin.ok_or_else(|| wrong(format!("{} is in no table", self.currency)))?;
        let carrier = |called: &str| {
            let found = carriers.iter().find(|c| c.name == called).cloned();
            found.ok_or_else(|| wrong(format!("carrier {called} is in no table")))
        };
        Ok(Market {
            carrier: carrier(&self.carrier)?,
            back: carrier(&self.back)?,
            shipping_minor: coin.minor(self.shipping_cents),
            coin,
            country: self.country,
            subdivisions: self.subdivisions,
            share: self.share,
            offset_minutes: self.offset_minutes,
            tax_bp: self.tax_bp,
            tax_inclusive: self.tax_inclusive,
            days: self.days,
            abroad: self.abroad,
        })
    }
}

impl CarrierRow {
    fn build(self) -> Result<Carrier> {
        let name = self.name.unwrap_or_else(|| self.code.as_str().into());
        let who = format!("carrier.{name}");
        Ok(Carrier {
            actor: ActorId::new(who.as_str()).map_err(|why| wrong(why.to_string()))?,
            source: SourceId::new(who).map_err(|why| wrong(why.to_string()))?,
            code: self.code,
            name,
            service: self.service,
            number: self.number,
        })
    }
}

impl Staff {
    fn of(policy: &PolicyFile) -> Result<Self> {
        let house = policy.published.policy.as_str().to_ascii_lowercase();
        let actor =
            |role: &str| ActorId::new(format!("{house}.{role}")).map_err(|why| wrong(why.to_string()));
        Ok(Self {
            agents: [actor("agent-1")?, actor("agent-2")?],
            dock: actor("dock-1")?,
            bench: actor("bench-1")?,
            finance: actor("finance-1")?,
            supervisor: actor("supervisor-1")?,
            shop: SourceId::new(format!("shop.{house}")).map_err(|why| wrong(why.to_string()))?,
        })
    }
}

impl Common {
    /// One of the texts about a topic.
    pub fn text(&self, topic: &str, chance: &mut Chance) -> Option<&str> {
        chance.pick(self.texts.get(topic)?).map(String::as_str)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_right() {
        let merchants = merchants().unwrap();
        let currencies: std::collections::BTreeSet<Currency> =
            merchants.iter().flat_map(|m| &m.markets).map(|m| m.coin.code).collect();
        assert!(currencies.iter().any(|c| c.exponent() == 0) && currencies.iter().any(|c| c.exponent() == 3));
        assert!(currencies.len() >= 5);
        for merchant in &merchants {
            let topics = merchant.reasons.iter().map(|(basis, _)| basis.as_str());
            for topic in topics.chain(["notes", "contacts", "reasons", "subscription_refund"]) {
                assert!(merchant.common.texts.contains_key(topic), "{topic}");
            }
        }
    }

    #[test]
    fn prices_look_like_prices() {
        let money = |code, minor_per_100_cents, step, below| Coin { code, minor_per_100_cents, step, below };
        assert_eq!(money(Currency::USD, 100, 100, 1).price(12_950), 12_999);
        assert_eq!(money(Currency::JPY, 150, 100, 20).price(8_650), 12_980);
        assert_eq!(money(Currency::KWD, 307, 500, 50).price(4_000), 12_450);
        assert_eq!(money(Currency::USD, 100, 100, 1).price(0), 0);
        let (yen, yuan) = (money(Currency::JPY, 150, 100, 20), money(Currency::CNY, 720, 100, 1));
        assert_eq!(yen.exchange(1_500, yuan), Some((7_200, "20.833333".into())));
        assert_eq!(yuan.exchange(7_200, yen), Some((1_500, "0.048000".into())));
    }
}
