//! The verb that records a sale: many flags, because everything about it is frozen with it (H-16).

use replay::{
    canonical::{self, Limits},
    event::{
        AccessoryPrice, ArticleClass, Condition, Event, Gift, GiftShippedTo, Kind, OrderLine, OrderRecorded,
        Person, Place, SalesChannel, Seller, TaxMode,
    },
    ids::{Code, OrderId, Personal, PolicyId, Stream, Word},
    money::Currency,
    time::{Day, When},
    units::LineId,
};
use std::{path::PathBuf, str::FromStr};

use super::{
    Acting, Verb,
    flags::{Desk, Money, missing, one_of, order_id, personal, read_file},
};
use crate::{
    command::{COMMAND_BYTES_MAX, COMMAND_DEPTH_MAX, event_of},
    error::{Error, ErrorKind, Result},
};

/// Record a sale
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims order O1 --policy AMC --currency USD --country US --sku CAM-1 --price 79.99
  claims order O1 --policy AMC --currency USD --country US --subdivision US-TX \\
    --purchased-at 2024-03-27T12:00:00-05:00 --shipping 7.95 \\
    --line 'sku=CAM-1,price=79.99,qty=3,tax=13.50,warranty=P1Y' \\
    --line 'sku=CABLE,price=9.00,class=accessory'
  claims order O1 --file order.json")]
pub struct Order {
    /// The order's id
    #[arg(value_parser = order_id)]
    order: OrderId,
    /// The payload as JSON instead of flags; - reads stdin (claims schema order_recorded shows it)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["Sale", "Line", "People", "lines"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    sale: Sale,
    /// A line as key=value with commas, for orders of several. Keys are the flags of the line: sku, price,
    /// qty, discount, tax, class, condition, on-sale, free-gift, not-returnable, description, warranty,
    /// serial, accessory, period-from, period-to; and id [default: L1, L2 ...]
    #[arg(long = "line", value_name = "LINE", conflicts_with = "Line")]
    lines: Vec<Line>,
    #[command(flatten)]
    line: Line,
    #[command(flatten)]
    people: People,
    #[command(flatten)]
    acting: Acting,
}

#[derive(Debug, clap::Args)]
struct Sale {
    /// The merchant's policy
    #[arg(long, required_unless_present = "file")]
    policy: Option<PolicyId>,
    /// Currency of all amounts (ISO 4217)
    #[arg(long, value_parser = Currency::parse, required_unless_present = "file")]
    currency: Option<Currency>,
    /// Country it was sent to, e.g. US
    #[arg(long, required_unless_present = "file")]
    country: Option<Word>,
    /// Its part of the country, e.g. US-TX
    #[arg(long, value_name = "CODE")]
    subdivision: Option<Code>,
    /// When it was bought, with UTC offset [default: --at, or now]
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    purchased_at: Option<When>,
    /// Day of the invoice
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    invoiced_on: Option<Day>,
    /// Where it was sold
    #[arg(long, default_value = "direct", value_parser = one_of!(SalesChannel))]
    channel: SalesChannel,
    /// Who sold it, if not the merchant
    #[arg(long, value_name = "NAME", requires = "seller_status")]
    seller: Option<Word>,
    /// The seller's standing on that day, e.g. authorized
    #[arg(long, value_name = "CODE", requires = "seller")]
    seller_status: Option<Code>,
    /// Whether prices contain the tax
    #[arg(long, default_value = "exclusive", value_parser = one_of!(TaxMode))]
    tax_mode: TaxMode,
    /// Discount on the whole order
    #[arg(long, value_name = "AMOUNT")]
    order_discount: Option<Money>,
    /// What the customer paid for shipping
    #[arg(long, value_name = "AMOUNT")]
    shipping: Option<Money>,
    /// Tax on it
    #[arg(long, value_name = "AMOUNT")]
    shipping_tax: Option<Money>,
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "People (kept outside the log, erasable)")]
struct People {
    /// The buyer's name
    #[arg(long, value_parser = personal)]
    name: Option<Personal>,
    /// The buyer's e-mail address
    #[arg(long, value_parser = personal)]
    email: Option<Personal>,
    /// The buyer's address
    #[arg(long, value_parser = personal)]
    address: Option<Personal>,
    /// The buyer's telephone number
    #[arg(long, value_parser = personal)]
    phone: Option<Personal>,
    /// It is a gift, and was shipped to
    #[arg(long, value_parser = one_of!(GiftShippedTo))]
    gift_to: Option<GiftShippedTo>,
    /// It was marked as a gift at purchase
    #[arg(long, requires = "gift_to")]
    gift_marked: bool,
    /// The name of whom it is for
    #[arg(long, value_parser = personal, requires = "gift_to")]
    recipient_name: Option<Personal>,
    /// The address of whom it is for
    #[arg(long, value_parser = personal, requires = "gift_to")]
    recipient_address: Option<Personal>,
}

/// One line; its amounts wait for the order's currency.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "The line (several: --line)")]
struct Line {
    #[arg(skip)]
    id: Option<LineId>,
    /// Article number
    #[arg(long)]
    sku: Option<Word>,
    /// Price of one
    #[arg(long, value_name = "AMOUNT")]
    price: Option<Money>,
    /// How many [default: 1]
    #[arg(long, value_name = "N")]
    qty: Option<u32>,
    /// Discount on the whole line
    #[arg(long, value_name = "AMOUNT")]
    discount: Option<Money>,
    /// Tax of the whole line
    #[arg(long, value_name = "AMOUNT")]
    tax: Option<Money>,
    /// What it is [default: main]
    #[arg(long, value_parser = one_of!(ArticleClass))]
    class: Option<ArticleClass>,
    /// Condition in which it was sold [default: new]
    #[arg(long, value_parser = one_of!(Condition))]
    condition: Option<Condition>,
    /// It was on sale
    #[arg(long)]
    on_sale: bool,
    /// It was a free gift
    #[arg(long)]
    free_gift: bool,
    /// It was sold as not returnable
    #[arg(long)]
    not_returnable: bool,
    /// What it is called
    #[arg(long, value_name = "TEXT")]
    description: Option<Word>,
    /// Term of its warranty, e.g. P1Y
    #[arg(long, value_name = "PERIOD")]
    warranty: Option<Code>,
    /// A serial number (repeat)
    #[arg(long, value_parser = personal)]
    serial: Vec<Personal>,
    /// An accessory in the box and its worth, e.g. charger:12.50 (repeat)
    #[arg(long, value_name = "NAME:AMOUNT", value_parser = accessory)]
    accessory: Vec<(Word, Money)>,
    /// First day of a paid period
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    period_from: Option<Day>,
    /// Day after its last one
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    period_to: Option<Day>,
}

fn accessory(text: &str) -> std::result::Result<(Word, Money), String> {
    let (name, worth) = text.rsplit_once(':').ok_or("write NAME:AMOUNT, like charger:12.50")?;
    Ok((Word::new(name).map_err(|why| why.to_string())?, worth.parse().map_err(said)?))
}

fn said(why: impl std::fmt::Display) -> String {
    why.to_string()
}

impl FromStr for Line {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let mut line = Line::default();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').unwrap_or((part, "yes"));
            let yes = match value {
                "yes" => Ok(true),
                "no" => Ok(false),
                _ => Err(format!("{key} is yes or no, not {value:?}")),
            };
            match key.trim() {
                "id" => line.id = Some(LineId::parse(value).map_err(said)?),
                "sku" => line.sku = Some(value.parse().map_err(said)?),
                "price" => line.price = Some(value.parse().map_err(said)?),
                "qty" => line.qty = Some(value.parse().map_err(|_| format!("qty {value:?} is no number"))?),
                "discount" => line.discount = Some(value.parse().map_err(said)?),
                "tax" => line.tax = Some(value.parse().map_err(said)?),
                "class" => line.class = Some(value.parse().map_err(said)?),
                "condition" => line.condition = Some(value.parse().map_err(said)?),
                "on-sale" => line.on_sale = yes?,
                "free-gift" => line.free_gift = yes?,
                "not-returnable" => line.not_returnable = yes?,
                "description" => line.description = Some(value.parse().map_err(said)?),
                "warranty" => line.warranty = Some(value.parse().map_err(said)?),
                "serial" => line.serial.push(personal(value).map_err(said)?),
                "accessory" => line.accessory.push(accessory(value)?),
                "period-from" => line.period_from = Some(Day::parse(value).map_err(said)?),
                "period-to" => line.period_to = Some(Day::parse(value).map_err(said)?),
                key => return Err(format!("a line has no {key:?}; claims order --help lists the keys")),
            }
        }
        Ok(line)
    }
}

impl Line {
    fn of(self, number: usize, currency: Currency) -> Result<OrderLine> {
        let minor = |money: Option<Money>| money.map_or(Ok(0), |money| money.minor(currency));
        let id = self.id.map_or_else(|| LineId::parse(&format!("L{number}")), Ok);
        let accessories = self
            .accessory
            .into_iter()
            .map(|(name, worth)| Ok(AccessoryPrice { name, price_minor: worth.minor(currency)? }));
        Ok(OrderLine {
            id: id.map_err(|why| Error::new(ErrorKind::Internal, "no_line_id", why.to_string()))?,
            sku: self.sku.ok_or_else(|| missing("sku of a line"))?,
            description: self.description,
            class: self.class.unwrap_or(ArticleClass::Main),
            condition_sold: self.condition.unwrap_or(Condition::New),
            on_sale: self.on_sale,
            free_gift: self.free_gift,
            not_returnable: self.not_returnable,
            quantity: self.qty.unwrap_or(1),
            unit_price_minor: self.price.ok_or_else(|| missing("price of a line"))?.minor(currency)?,
            line_discount_minor: minor(self.discount)?,
            tax_minor: minor(self.tax)?,
            warranty_term: self.warranty,
            serials: self.serial,
            accessories: accessories.collect::<Result<_>>()?,
            period_from: self.period_from,
            period_to: self.period_to,
        })
    }
}

impl Sale {
    fn of(self, lines: Vec<Line>, people: People, desk: &Desk) -> Result<OrderRecorded> {
        let currency = self.currency.ok_or_else(|| missing("--currency"))?;
        let minor = |money: Option<Money>| money.map_or(Ok(0), |money| money.minor(currency));
        let country = self.country.ok_or_else(|| missing("--country"))?;
        let seller = self.seller.zip(self.seller_status);
        let lines = lines.into_iter().zip(1..).map(|(line, number)| line.of(number, currency));
        let (buyer, gift) = people.of();
        Ok(OrderRecorded {
            policy: self.policy.ok_or_else(|| missing("--policy"))?,
            channel: self.channel,
            seller: seller.map(|(name, status_at_purchase)| Seller { name, status_at_purchase }),
            currency,
            purchased_at: self.purchased_at.unwrap_or(desk.now),
            invoiced_on: self.invoiced_on,
            ship_to: Place { country, subdivision: self.subdivision },
            buyer,
            gift,
            tax_mode: self.tax_mode,
            order_discount_minor: minor(self.order_discount)?,
            shipping_minor: minor(self.shipping)?,
            shipping_tax_minor: minor(self.shipping_tax)?,
            lines: lines.collect::<Result<_>>()?,
        })
    }
}

impl People {
    fn of(self) -> (Option<Person>, Option<Gift>) {
        let somebody = |person: Person| {
            let known = [&person.name, &person.email, &person.address, &person.phone];
            known.iter().any(|value| value.is_some()).then_some(person)
        };
        let (name, address) = (self.recipient_name, self.recipient_address);
        let recipient = somebody(Person { name, email: None, address, phone: None });
        let marked = self.gift_marked;
        let gift = self.gift_to.map(|shipped_to| Gift { marked, shipped_to, recipient });
        let Self { name, email, address, phone, .. } = self;
        (somebody(Person { name, email, address, phone }), gift)
    }
}

impl Verb for Order {
    on_order!();
    fn looked_up(&self) -> Stream {
        Stream::Ledger
    }
    fn event(self, desk: &Desk) -> Result<Event> {
        if let Some(path) = &self.file {
            let bytes = read_file(path, COMMAND_BYTES_MAX)?;
            let limits = Limits { bytes_max: COMMAND_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX };
            let payload = canonical::parse(&bytes, &limits).map_err(|why| {
                Error::unreadable("malformed_json", why.to_string())
                    .hint("claims schema order_recorded shows the fields; amounts are whole minor units")
            });
            return payload
                .and_then(|p| event_of(Kind::OrderRecorded, p))
                .map_err(|why| why.at(path.display()));
        }
        let lines = if self.lines.is_empty() { vec![self.line] } else { self.lines };
        self.sale.of(lines, self.people, desk).map(Event::from)
    }
}
