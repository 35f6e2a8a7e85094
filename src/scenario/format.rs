//! What may stand in a scenario file. The types are the format; what reads them is in [`super::read`].

use replay::{
    event::{ArticleClass, Condition, GiftShippedTo, Kind, SalesChannel, TaxMode, misread::from_value},
    ids::{ClaimId, Code, ExternalId, ParcelId, PolicyId, Word},
    money::Currency,
    time::{Day, When},
    units::{LineId, Units},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

use super::{choice::Choice, expected::Expected, happening::What, read::misfit};
use crate::error::{Error, Result};

/// Most parcels or lines of one order.
pub const ORDER_ENTRIES_MAX: usize = 1_000;

/// A story of one order, with what the policy demands of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Its name in this file.
    pub id: String,
    /// What it is about, for people.
    pub title: String,
    /// Why it ends as it does, for people.
    pub why: String,
    /// The policy whose first version is published before the story starts.
    pub policy: PolicyId,
    /// What was frozen at the sale.
    pub order: Order,
    /// What happened.
    pub events: Vec<Happening>,
    /// What has to come out.
    pub expected: Vec<Expected>,
}

/// The sale. All amounts are in minor units of `currency`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an order, which is a JSON object")]
pub struct Order {
    pub currency: Currency,
    pub currency_exponent: Option<u32>,
    /// A country, or a country with its subdivision: `US-TX`.
    pub region: String,
    pub purchased_at: When,
    pub invoiced_on: Option<Day>,
    /// Of the one parcel.
    pub shipped_at: Option<When>,
    /// Of the one parcel.
    pub delivered_at: Option<When>,
    /// In the place of the two above.
    #[serde(default)]
    pub parcels: Vec<Parcel>,
    #[serde(default)]
    pub outbound_shipping: u64,
    #[serde(default)]
    pub outbound_shipping_tax: u64,
    #[serde(default)]
    pub order_discount: u64,
    pub tax_mode: Option<TaxMode>,
    pub channel: Option<SalesChannel>,
    pub gift: Option<Gift>,
    pub lines: Vec<Line>,
}

/// A parcel that went out.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a parcel, which is a JSON object")]
pub struct Parcel {
    pub id: ParcelId,
    pub units: Option<Choice>,
    pub shipped_at: Option<When>,
    pub delivered_at: Option<When>,
}

/// A gift, as marked at purchase.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a gift, which is a JSON object")]
pub struct Gift {
    #[serde(default)]
    pub marked: bool,
    pub shipped_to: GiftShippedTo,
}

/// A line of the order.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a line, which is a JSON object")]
pub struct Line {
    pub id: LineId,
    pub class: ArticleClass,
    pub unit_price: u64,
    pub quantity: u32,
    #[serde(default)]
    pub line_discount: u64,
    /// Tax of the whole line.
    #[serde(default)]
    pub tax: u64,
    #[serde(default)]
    pub on_sale: bool,
    #[serde(default)]
    pub free_gift: bool,
    pub condition_sold: Option<Condition>,
    /// ISO 8601 period; `null` = not recorded.
    pub warranty_term: Option<Code>,
    /// Name and price of what lies in the box.
    #[serde(default)]
    pub accessories: BTreeMap<Word, u64>,
    /// First day, and the day after the last one.
    pub billing_period: Option<[Day; 2]>,
}

impl Line {
    /// Its units.
    ///
    /// # Errors
    /// A quantity out of range.
    pub fn units(&self) -> Result<Units> {
        Units::from_line(self.id.clone(), self.quantity).map_err(|why| {
            let text = format!("quantity of {}: {why}", self.id);
            Error::unreadable("bad_quantity", text).hint("units are counted from 1")
        })
    }
}

impl Order {
    /// Every unit that was sold.
    ///
    /// # Errors
    /// A quantity out of range.
    pub fn units(&self) -> Result<Units> {
        self.lines.iter().try_fold(Units::default(), |all, line| Ok(all.union(&line.units()?)))
    }

    /// What the fields cannot say one by one.
    pub(super) fn check(&self) -> Result<()> {
        let bad = |code: &str, text: String, hint: &str| Err(Error::unreadable(code, text).hint(hint));
        if self.lines.len().max(self.parcels.len()) > ORDER_ENTRIES_MAX {
            let text = format!("more than {ORDER_ENTRIES_MAX} lines or parcels");
            return bad("too_many_entries", text, "a scenario is a small story");
        }
        let exponent = self.currency.exponent();
        if let Some(told) = self.currency_exponent.filter(|told| *told != exponent) {
            let text = format!(
                "currency_exponent: {} has {exponent} digits after the point, not {told}",
                self.currency
            );
            return bad("exponent_is_wrong", text, "ISO 4217 says how many; the field may be left out");
        }
        let one = self.shipped_at.is_some() || self.delivered_at.is_some();
        if one && !self.parcels.is_empty() {
            let text = "parcels: shipped_at and delivered_at are those of the one parcel".into();
            return bad("parcels_are_told_twice", text, "write the times of each parcel inside parcels");
        }
        let mut ids = BTreeSet::new();
        if let Some(twice) = self.parcels.iter().find(|parcel| !ids.insert(&parcel.id)) {
            let text = format!("parcels: {} is there twice", twice.id);
            return bad("parcel_is_there_twice", text, "give each parcel an id of its own");
        }
        if self.tax_mode == Some(TaxMode::Inclusive)
            && let Some(line) = self.lines.iter().find(|line| line.tax > 0)
        {
            let text = format!("tax of {}: the price contains it already", line.id);
            return bad("tax_is_in_the_price", text, "with tax_mode inclusive no tax is listed: leave it 0");
        }
        self.units().map(|_| ())
    }
}

/// One event of a story.
#[derive(Debug, Clone, PartialEq)]
pub struct Happening {
    /// When it happened.
    pub at: When,
    /// The claim it is about; `None` = C1, or none.
    pub claim: Option<ClaimId>,
    /// What a correction or a reversal calls it.
    pub label: Option<String>,
    /// Who acts.
    pub actor: Option<String>,
    /// In which role.
    pub role: Option<Code>,
    /// The second person.
    pub approver: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The sender's key.
    pub external_id: Option<ExternalId>,
    /// What happened.
    pub what: What,
    /// As it stands in the file: a correction is worked into this.
    pub fields: Map<String, Value>,
}

/// What every event may carry, whatever its type.
#[derive(Deserialize)]
#[serde(expecting = "an event, which is a JSON object")]
struct Head {
    at: When,
    #[serde(rename = "type")]
    kind: String,
    claim: Option<ClaimId>,
    label: Option<String>,
    actor: Option<String>,
    role: Option<Code>,
    approver: Option<String>,
    reason: Option<String>,
    external_id: Option<ExternalId>,
}
const HEAD_FIELDS: [&str; 9] =
    ["at", "type", "claim", "label", "actor", "role", "approver", "reason", "external_id"];

impl Happening {
    /// Reads one event.
    ///
    /// # Errors
    /// Unknown types and fields, missing and mistyped ones.
    pub fn read(fields: Map<String, Value>) -> Result<Self> {
        let (head, rest): (Map<_, _>, Map<_, _>) =
            fields.clone().into_iter().partition(|(name, _)| HEAD_FIELDS.contains(&name.as_str()));
        let head: Head = from_value(Value::Object(head)).map_err(misfit)?;
        let what = match What::read(&head.kind, Value::Object(rest)) {
            Some(what) => what.map_err(misfit)?,
            None => return Err(no_such_type(&head.kind)),
        };
        let Head { at, claim, label, actor, role, approver, reason, external_id, .. } = head;
        Ok(Self { at, claim, label, actor, role, approver, reason, external_id, what, fields })
    }
}

fn no_such_type(word: &str) -> Error {
    let word: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
    match word.parse::<Kind>() {
        Ok(kind) => Error::unreadable("not_for_a_story", format!("{kind} does not stand in a story")).hint(
            "the order is told under order, the policy is published before; the ledger writes its own events",
        ),
        Err(_) => Error::unreadable("unknown_type", format!("'{word}' is no type of event"))
            .hint("claims schema lists the kinds of events"),
    }
}
