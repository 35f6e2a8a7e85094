//! What has to come out of a story. A field that is absent is not compared; `null` is a value like any other and says
//! that it is not known, or that there is none.

use replay::{
    event::misread::from_value,
    history::Cut,
    ids::ClaimId,
    time::{BadTime, When},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

use super::read::misfit;
use crate::error::Result;

/// A field that may be absent, null, or have a value.
pub type Field<T> = Option<Option<T>>;

/// A map whose values may be null.
pub type Named<T> = BTreeMap<String, Option<T>>;

/// State after every event up to a moment.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an expectation, which is a JSON object")]
pub struct Expected {
    /// Up to when; absent = after all events.
    #[serde(default, skip_serializing)]
    pub as_of: Option<AsOf>,
    /// Which claim: absent = C1, null = only what belongs to the order as a whole.
    #[serde(default = "first_claim", skip_serializing)]
    pub claim: Option<ClaimId>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub status: Field<String>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub units: Field<Named<Unit>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub lines: Field<Vec<Line>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub payable: Field<i64>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub refunded: Field<i64>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub charged_back: Field<i64>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub open: Field<i64>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub charges: Field<Vec<Charge>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub payers: Field<Named<Payer>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub last_days: Field<Named<Named<String>>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub payout: Field<Payout>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub variants: Field<Named<String>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub waivers: Field<Vec<String>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub deadlines: Field<Named<String>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub usual: Field<Named<String>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub notes: Field<Named<Vec<String>>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub refused: Field<Vec<Refused>>,
    #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
    pub missing_notices: Field<Vec<Notice>>,
}

macro_rules! parts {
    ($( $(#[doc = $doc:literal])+ $name:ident { $($field:ident: $t:ty,)+ } )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $(
                #[serde(default, skip_serializing_if = "absent", deserialize_with = "there")]
                pub $field: Field<$t>,
            )+
        }
    )+};
}

parts! {
    /// What holds of one unit.
    Unit { status: String, remedy: String, basis: String, cites: Vec<String>, }
    /// A line of the refund; the amount is signed.
    Line { line: String, order_line: String, amount: i64, cites: Vec<String>, }
    /// What the customer owes.
    Charge { cost: String, amount: i64, cites: Vec<String>, }
    /// Who bears a cost.
    Payer { payer: String, cites: Vec<String>, }
    /// Where the money goes.
    Payout { to: String, cites: Vec<String>, }
    /// An act that was refused: its type, what it was about, and why.
    Refused { r#type: String, r#ref: String, reason: String, cites: Vec<String>, }
    /// A duty to inform that was not met.
    Notice { about: String, cites: Vec<String>, }
}

/// A moment, with the text it was written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsOf {
    /// As in the file.
    pub text: String,
    /// As a time.
    pub when: When,
}
impl<'de> Deserialize<'de> for AsOf {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let when = When::parse(&text).map_err(|why: BadTime| serde::de::Error::custom(why))?;
        Ok(Self { text, when })
    }
}
impl Serialize for AsOf {
    fn serialize<S: Serializer>(&self, s: S) -> std::result::Result<S::Ok, S::Error> {
        s.serialize_str(&self.text)
    }
}

impl Expected {
    /// What of the record it looks at: what had happened, and was known, by its moment.
    pub fn cut(&self) -> Cut {
        let at = self.as_of.as_ref().map(|as_of| as_of.when.at);
        Cut { known_at: at, effective_at: at, position: None }
    }
    /// Reads one expectation.
    ///
    /// # Errors
    /// Unknown and mistyped fields.
    pub fn read(fields: Map<String, Value>) -> Result<Self> {
        let asked = Value::Object(fields);
        let expected: Self = from_value(asked.clone()).map_err(misfit)?;
        // Serde would take a list for an object whose fields come in their order.
        let read = serde_json::to_value(&expected).unwrap_or_default();
        match list_for_an_object(&asked, &read) {
            None => Ok(expected),
            Some(field) => Err(misfit(format!("{field}: invalid type: a list, expected an object"))),
        }
    }
}

fn list_for_an_object(asked: &Value, read: &Value) -> Option<String> {
    match (asked, read) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Object(asked), Value::Object(read)) => asked.iter().find_map(|(name, value)| {
            list_for_an_object(value, read.get(name)?).map(|inner| format!("{name}{inner}"))
        }),
        (Value::Array(asked), Value::Array(read)) => asked
            .iter()
            .zip(read)
            .enumerate()
            .find_map(|(n, (a, r))| list_for_an_object(a, r).map(|inner| format!("[{n}]{inner}"))),
        _ => None,
    }
}

/// The claim that is meant when none is named.
fn first_claim() -> Option<ClaimId> {
    ClaimId::new(super::story::FIRST_CLAIM).ok()
}

fn there<'de, D: Deserializer<'de>, T: Deserialize<'de>>(d: D) -> std::result::Result<Field<T>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

fn absent<T>(field: &Field<T>) -> bool {
    field.is_none()
}
