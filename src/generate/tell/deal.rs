//! The order, its parcels, and amendments.

use replay::{
    event::{
        AccessoryPrice, ArticleClass, Channel, DeviceTransmissionSummarised, Event, EventCorrected,
        EventReversed, Gift, GiftShippedTo, OrderLine, OrderRecorded, OwnershipChangeRecorded, Packaging,
        PaymentCaptured, Person, Place, ShipmentDispatched, SubscriptionActivated, TaxMode, TrackingScanned,
    },
    ids::{ActorId, EventId, PaymentId, Personal},
    tracking::{Verdict, judge},
    units::Units,
};
use serde_json::{Map, Value};

use super::{Impossible, Made, Teller, code, when, word};
use crate::generate::{
    act::{Act, By, Deal, Fix, Parcel, Part},
    hours::{DAY, MINUTE},
    sale::Line,
    shop::Carrier,
};

/// How long a paid period of a subscription is.
const PERIOD: i64 = 30 * DAY;

impl<'m> Teller<'_, 'm> {
    pub(super) fn deal(&mut self, act: &Act<'m>, what: Deal) -> Made<Event> {
        let number = self.story.number;
        Ok(match what {
            Deal::Sold => self.sold()?.into(),
            Deal::Paid { part, minor } => PaymentCaptured {
                payment: PaymentId::new(self.named(&["PAY", &self.number].concat(), "-", 0, part))?,
                method_ref: word(if number.is_multiple_of(3) { "wallet" } else { "card" })?,
                amount: self.amount(minor)?,
                what: None,
            }
            .into(),
            Deal::Activated { line } => {
                SubscriptionActivated { line: self.line(line)?, device: self.device(line)? }.into()
            }
            Deal::Transmitted { line, count } => DeviceTransmissionSummarised {
                device: self.device(line)?,
                from: self.day(self.story.purchased)?,
                to: self.day(self.story.purchased + PERIOD)?,
                count,
                last_at: if count > 0 { Some(when(act.at - 90 * MINUTE, 0)?) } else { None },
            }
            .into(),
            Deal::ChangedHands { line } => {
                let customer = |n: u64| ActorId::new(format!("customer-{number}-{n}"));
                OwnershipChangeRecorded {
                    device: self.device(line)?,
                    from: Some(customer(1)?),
                    to: Some(customer(2)?),
                    approved_by: Some(customer(2)?),
                }
                .into()
            }
            Deal::Sent { parcel, part, rma } => {
                let market = self.story.market;
                let carrier = if act.by == By::Courier { &market.back } else { &market.carrier };
                ShipmentDispatched {
                    parcel: self.parcel(act, parcel)?,
                    leg: parcel.leg,
                    tracking: Some(self.tracking(carrier)?),
                    tracking_check: None,
                    carrier: Some(carrier.code.clone()),
                    service: Some(carrier.service.clone()),
                    traceable: Some(true),
                    units: self.in_the_parcel(act, parcel, part)?,
                    rma_on_parcel: self.rma(act, rma)?,
                }
                .into()
            }
            Deal::Scanned { parcel, status } => TrackingScanned {
                parcel: self.parcel(act, parcel)?,
                status,
                place: Some(self.story.market.country.clone()),
                scan_ref: None,
            }
            .into(),
            Deal::Corrected { target, fix } => {
                self.corrected(self.event_id(act.stream, target)?, fix)?.into()
            }
            Deal::Reversed { target } => EventReversed {
                target: self.event_id(act.stream, target)?,
                reason_code: code("did_not_occur")?,
                reason_text: self.text_in(30, "reasons")?,
            }
            .into(),
        })
    }

    /// Which units travel: the whole order, unless it leaves in two parcels, or those of a claim.
    fn in_the_parcel(&self, act: &Act<'_>, parcel: Parcel, part: Part) -> Made<Option<Units>> {
        if act.stream > 0 {
            return self.units(act, part).map(Some);
        }
        if !self.story.split {
            return Ok(None);
        }
        let mut units = Units::default();
        for run in self.story.sale.all().into_iter().filter(|run| (run.line == 0) == (parcel.number == 1)) {
            units = units.union(&self.run(run)?);
        }
        Ok(Some(units))
    }

    fn corrected(&mut self, target: EventId, fix: Fix) -> Made<EventCorrected> {
        let field = |name: &str, value: &str| Map::from_iter([(name.into(), Value::from(value))]);
        let (set, effective_at) = match fix {
            Fix::Packaging => (field("packaging", Packaging::Intact.as_str()), None),
            Fix::Complete => {
                (Map::from_iter([("accessories_missing".into(), Value::Array(Vec::new()))]), None)
            }
            Fix::NotInstalled => (Map::from_iter([("installed".into(), Value::Bool(false))]), None),
            Fix::Invoiced => {
                let day = self.day(self.story.purchased)?;
                (field("invoiced_on", &day.to_string()), None)
            }
            Fix::Channel => (field("via", Channel::Phone.as_str()), None),
            Fix::Time(at) => (Map::new(), Some(when(at, self.story.market.offset_minutes)?)),
        };
        Ok(EventCorrected {
            target,
            set,
            effective_at,
            reason_code: code("incorrect_data")?,
            reason_text: self.text_in(30, "reasons")?,
            evidence: None,
        })
    }

    fn sold(&mut self) -> Made<OrderRecorded> {
        let story = self.story;
        let market = story.market;
        let lines: Made<Vec<OrderLine>> =
            (0..).zip(&story.sale.lines).map(|(index, line)| self.order_line(index, line)).collect();
        let gift = match story.gift {
            Some(shipped_to) => {
                let recipient =
                    if shipped_to == GiftShippedTo::Recipient { Some(self.person()?) } else { None };
                Some(Gift { marked: true, shipped_to, recipient })
            }
            None => None,
        };
        Ok(OrderRecorded {
            policy: story.merchant.terms.policy.clone(),
            channel: story.channel,
            seller: None,
            currency: market.coin.code,
            purchased_at: when(story.purchased, market.offset_minutes)?,
            invoiced_on: if story.invoiced { Some(self.day(story.purchased)?) } else { None },
            ship_to: Place { country: market.country.clone(), subdivision: story.subdivision.cloned() },
            buyer: if story.named { Some(self.person()?) } else { None },
            gift,
            tax_mode: if market.tax_inclusive { TaxMode::Inclusive } else { TaxMode::Exclusive },
            order_discount_minor: story.sale.discount_minor,
            shipping_minor: story.sale.shipping_minor,
            shipping_tax_minor: story.sale.shipping_tax_minor,
            lines: lines?,
        })
    }

    fn order_line(&self, index: usize, line: &Line<'_>) -> Made<OrderLine> {
        let (article, purchased) = (line.article, self.story.purchased);
        let period = article.class == ArticleClass::Subscription;
        let counted = article.serials && line.quantity <= 4 && self.story.named;
        let serials = if counted { line.quantity } else { 0 };
        let serial = |n: u32| Personal::clear(format!("SN-{}-{index}{n}", self.story.number));
        let accessories = article.accessories.iter();
        Ok(OrderLine {
            id: self.line(index)?,
            sku: article.sku.clone(),
            description: Some(article.description.clone()),
            class: article.class,
            condition_sold: article.condition,
            on_sale: line.on_sale,
            free_gift: article.free_gift,
            not_returnable: false,
            quantity: line.quantity,
            unit_price_minor: line.unit_minor,
            line_discount_minor: line.discount_minor,
            tax_minor: line.tax_minor,
            warranty_term: article.warranty_term.clone(),
            serials: (0..serials).map(serial).collect::<Result<_, _>>()?,
            accessories: accessories
                .map(|(name, cents)| AccessoryPrice {
                    name: name.clone(),
                    price_minor: self.story.market.coin.minor(*cents),
                })
                .collect(),
            period_from: if period { Some(self.day(purchased)?) } else { None },
            period_to: if period { Some(self.day(purchased + PERIOD)?) } else { None },
        })
    }

    fn person(&mut self) -> Made<Person> {
        let people = &self.story.merchant.common.people;
        let mut one = |list: &'m [String]| {
            self.chance.pick(list).ok_or_else(|| Impossible("a list of names is empty".into()))
        };
        let (first, family) = (one(&people.first)?, one(&people.family)?);
        let (street, mail) = (one(&people.street)?, one(&people.mail)?);
        let number = self.chance.between(1, 180);
        let account = family.to_ascii_lowercase();
        let email = format!("{account}{number}@{mail}");
        let address = format!("{number} {street}");
        Ok(Person {
            name: Some(Personal::clear(format!("{first} {family}"))?),
            email: if self.chance.percent(70) { Some(Personal::clear(email)?) } else { None },
            address: if self.chance.percent(40) { Some(Personal::clear(address)?) } else { None },
            phone: None,
        })
    }

    /// A tracking number as the carrier writes it; now and then somebody mistypes it.
    fn tracking(&mut self, carrier: &Carrier) -> Made<Personal> {
        let mut number = String::with_capacity(carrier.number.len());
        for sign in carrier.number.chars() {
            number.push(match sign {
                '#' => char::from(b'0' + u8::try_from(self.chance.below(10))?),
                '?' => '0',
                other => other,
            });
        }
        if let Some(at) = carrier.number.find('?')
            && let Verdict::WrongCheckDigit { expected, .. } = judge(carrier.code.as_str(), &number)
            && !self.chance.per_mille(8)
        {
            number.replace_range(at..=at, expected.encode_utf8(&mut [0; 4]));
        }
        Ok(Personal::clear(number)?)
    }
}
