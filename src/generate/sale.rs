//! What is sold with an order, and what each unit of it is worth: the same sums as in the engine (H-9), on
//! numbers alone.

use replay::{
    allocate::{cumulative_floor, equal_pieces, percent_floor},
    event::ArticleClass,
};

use super::{
    chance::Chance,
    shop::{Article, LINES_MAX, Market, Merchant},
};

/// Units `first..=last` of one line, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub line: usize,
    pub first: u32,
    pub last: u32,
}

/// One line of an order. Amounts are minor units of the market's currency.
#[derive(Debug)]
pub(super) struct Line<'m> {
    pub article: &'m Article,
    pub quantity: u32,
    pub unit_minor: u64,
    pub discount_minor: u64,
    pub tax_minor: u64,
    pub on_sale: bool,
}

/// The sale as it is recorded.
#[derive(Debug)]
pub(super) struct Sale<'m> {
    pub lines: Vec<Line<'m>>,
    pub discount_minor: u64,
    pub shipping_minor: u64,
    pub shipping_tax_minor: u64,
}

impl Run {
    /// How many units.
    pub fn count(self) -> u32 {
        self.last + 1 - self.first
    }
}

impl Line<'_> {
    /// Price of units 1 to `unit` after the line's own discount.
    fn net_through(&self, unit: u32) -> u64 {
        let none = unit == 0 || self.discount_minor == 0;
        let discount = if none { 0 } else { equal_pieces(self.discount_minor, 1, unit, self.quantity) };
        self.unit_minor * u64::from(unit) - discount
    }
}

impl<'m> Sale<'m> {
    /// An order of one to [`LINES_MAX`] lines; a subscription is bought alone.
    pub fn make(merchant: &'m Merchant, market: &Market, chance: &mut Chance) -> Self {
        let wanted = match chance.below(100) {
            0..62 => 1,
            62..85 => 2,
            85..95 => 3,
            _ => LINES_MAX,
        };
        let mut lines: Vec<Line<'m>> = Vec::with_capacity(wanted);
        for _ in 0..wanted {
            let Some(article) = chance.by_share(&merchant.articles, |a| a.share) else { continue };
            let subscription = article.class == ArticleClass::Subscription;
            let fits = lines.first().is_none_or(|l| {
                !subscription && l.article.class != ArticleClass::Subscription && l.article.sku != article.sku
            });
            if fits {
                lines.push(Line::make(article, market, chance));
            }
        }
        let net: u64 = lines.iter().map(|l| l.net_through(l.quantity)).sum();
        let goods = lines.iter().any(|l| l.article.class != ArticleClass::Subscription);
        let free = net >= market.coin.price(9_900) && chance.percent(45);
        let shipping_minor = if goods && !free { market.shipping_minor } else { 0 };
        let discount_bp =
            if chance.percent(11) { 250 * u32::try_from(chance.between(1, 4)).unwrap_or(1) } else { 0 };
        Self {
            lines,
            discount_minor: percent_floor(net, discount_bp),
            shipping_minor,
            shipping_tax_minor: percent_floor(shipping_minor, market.tax_bp),
        }
    }
    /// What the customer pays.
    pub fn total_minor(&self) -> u64 {
        let lines: u64 = self.lines.iter().map(|l| l.net_through(l.quantity) + l.tax_minor).sum();
        lines - self.discount_minor + self.shipping_with_tax()
    }
    /// Outbound shipping with its tax.
    pub fn shipping_with_tax(&self) -> u64 {
        self.shipping_minor + self.shipping_tax_minor
    }
    /// Every unit of the order.
    pub fn all(&self) -> Vec<Run> {
        (0..).zip(&self.lines).map(|(line, l)| Run { line, first: 1, last: l.quantity }).collect()
    }
    /// Price of some units after every discount, without tax.
    pub fn net(&self, units: &[Run]) -> u64 {
        let whole: u64 = self.lines.iter().map(|l| l.net_through(l.quantity)).sum();
        let mut total = 0;
        for run in units {
            let Some(line) = self.lines.get(run.line) else { continue };
            let before: u64 = self.lines.iter().take(run.line).map(|l| l.net_through(l.quantity)).sum();
            let (from, to) = (before + line.net_through(run.first - 1), before + line.net_through(run.last));
            let discount = cumulative_floor(self.discount_minor, from.into(), to.into(), whole.into());
            total += to - from - discount;
        }
        total
    }
    /// Price and tax of some units.
    pub fn value(&self, units: &[Run]) -> u64 {
        let tax = |run: &Run| {
            self.lines.get(run.line).map_or(0, |l| equal_pieces(l.tax_minor, run.first, run.last, l.quantity))
        };
        self.net(units) + units.iter().map(tax).sum::<u64>()
    }
}

impl<'m> Line<'m> {
    fn make(article: &'m Article, market: &Market, chance: &mut Chance) -> Self {
        let most = u64::from(article.quantity_max);
        let quantity = if most > 1 && chance.percent(34) { chance.between(2, most) } else { 1 };
        let quantity = u32::try_from(quantity).unwrap_or(1);
        let [low, high] = article.cents;
        let unit_minor = market.coin.price(chance.between(low, high));
        let gross = unit_minor * u64::from(quantity);
        let on_sale = chance.percent(9);
        let discount_minor = if on_sale { percent_floor(gross, 1_500) } else { 0 };
        let tax_minor = percent_floor(gross - discount_minor, market.tax_bp);
        Self { article, quantity, unit_minor, discount_minor, tax_minor, on_sale }
    }
}
