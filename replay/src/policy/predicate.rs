//! Conditions of a policy: three-valued, so that an unknown fact holds and never denies (H-17).

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;
use serde_json::Value as Json;

use crate::{
    event::{
        ArticleClass, Basis, Channel, Claimant, Condition, Defect, GiftShippedTo, Packaging, SalesChannel,
        TaxMode,
    },
    ids::Code,
};

/// Deepest nesting of a condition.
pub const PREDICATE_DEPTH_MAX: u8 = 8;

/// True, false, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    False,
    Unknown,
    True,
}

impl From<bool> for Truth {
    fn from(known: bool) -> Self {
        if known { Truth::True } else { Truth::False }
    }
}

/// What a policy compares a fact with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Flag(bool),
    Word(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Flag(true) => f.write_str("yes"),
            Value::Flag(false) => f.write_str("no"),
            Value::Word(word) => f.write_str(word),
        }
    }
}

/// What is known of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading<'a> {
    Unknown,
    Flag(bool),
    Word(&'a str),
    /// How many entries a list has.
    Entries(usize),
}

/// A condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    Is(FactName, Value),
    In(FactName, Vec<Value>),
    Empty(FactName),
    All(Vec<Predicate>),
    Any(Vec<Predicate>),
    Not(Box<Predicate>),
}

macro_rules! facts {
    ($( $variant:ident = $name:literal : $shape:expr ),+ $(,)?) => {
        /// A fact that a condition may ask for. The list is closed: a fact nobody supplies would hold for ever.
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FactName {
            $(#[doc = $name] $variant,)+
            /// `evidence.*`: named by the policy itself.
            Evidence(Code),
            /// `discretion.*`: whether a point was decided in favour.
            Discretion(Code),
        }
        impl FactName {
            /// Every fact with a fixed name.
            pub const ALL: &'static [&'static str] = &[$($name),+];
            /// The fact of this name, as policies write it.
            pub fn parse(text: &str) -> Option<Self> {
                match text {
                    $($name => Some(FactName::$variant),)+
                    _ => {
                        let open = |prefix| Code::new(text.strip_prefix(prefix)?).ok();
                        let evidence = open("evidence.").map(FactName::Evidence);
                        evidence.or_else(|| open("discretion.").map(FactName::Discretion))
                    }
                }
            }
            fn shape(&self) -> Shape {
                match self {
                    $(FactName::$variant => $shape,)+
                    FactName::Evidence(_) | FactName::Discretion(_) => Shape::Flag,
                }
            }
        }
        impl fmt::Display for FactName {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(FactName::$variant => f.write_str($name),)+
                    FactName::Evidence(kind) => write!(f, "evidence.{kind}"),
                    FactName::Discretion(point) => write!(f, "discretion.{point}"),
                }
            }
        }
    };
}

/// What values a fact can have.
enum Shape {
    Flag,
    /// One of these words.
    Words(Vec<&'static str>),
    /// A word of the policy's own.
    Open,
    List,
}

fn words<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Shape {
    Shape::Words(all.iter().map(|w| name(*w)).collect())
}

facts! {
    OrderChannel = "order.channel": words(SalesChannel::ALL, SalesChannel::as_str),
    OrderGiftMarked = "order.gift.marked": Shape::Flag,
    OrderGiftShippedTo = "order.gift.shipped_to": words(GiftShippedTo::ALL, GiftShippedTo::as_str),
    OrderSplitShipment = "order.split_shipment": Shape::Flag,
    OrderTaxMode = "order.tax_mode": words(TaxMode::ALL, TaxMode::as_str),
    ClaimBy = "claim.by": words(Claimant::ALL, Claimant::as_str),
    ClaimVia = "claim.via": words(Channel::ALL, Channel::as_str),
    ClaimContactBeforeReturn = "claim.contact_before_return": Shape::Flag,
    Basis = "basis": words(Basis::ALL, Basis::as_str),
    UnitClass = "unit.class": words(ArticleClass::ALL, ArticleClass::as_str),
    UnitConditionSold = "unit.condition_sold": words(Condition::ALL, Condition::as_str),
    UnitOnSale = "unit.on_sale": Shape::Flag,
    UnitFreeGift = "unit.free_gift": Shape::Flag,
    UnitNotReturnable = "unit.not_returnable": Shape::Flag,
    UnitReceived = "unit.received": Shape::Flag,
    UnitInspected = "unit.inspected": Shape::Flag,
    InspInstalled = "insp.installed": Shape::Flag,
    InspPackaging = "insp.packaging": words(Packaging::ALL, Packaging::as_str),
    InspSameCondition = "insp.same_condition": Shape::Flag,
    InspAltered = "insp.altered": Shape::Flag,
    InspSealed = "insp.sealed": Shape::Flag,
    InspAccessoriesMissing = "insp.accessories_missing": Shape::List,
    InspDamage = "insp.damage": Shape::List,
    InspDefect = "insp.defect": words(Defect::ALL, Defect::as_str),
    InspOnArrival = "insp.on_arrival": Shape::Flag,
    InspCause = "insp.cause": Shape::Open,
    DeviceConnectivityAssessed = "device.connectivity_assessed": Shape::Flag,
    DeviceTransmitted = "device.transmitted_in_paid_period": Shape::Flag,
    DeviceSoldNotRemoved = "device.vehicle_sold_not_removed": Shape::Flag,
    DeviceOwnershipChanged = "device.ownership_changed_in_period": Shape::Flag,
    RemedySameItem = "remedy.same_item": Shape::Flag,
    RemedyInStock = "remedy.in_stock": Shape::Flag,
    ParcelRmaOpen = "parcel.rma_open_and_valid": Shape::Flag,
    ParcelTraceable = "parcel.traceable": Shape::Flag,
    ItemOnRma = "item.on_rma": Shape::Flag,
}

impl FactName {
    /// Whether it is learned from goods in hand, and so cannot be known before they are looked at.
    pub fn is_of_the_inspection(&self) -> bool {
        matches!(
            self,
            FactName::UnitInspected
                | FactName::UnitReceived
                | FactName::InspInstalled
                | FactName::InspPackaging
                | FactName::InspSameCondition
                | FactName::InspAltered
                | FactName::InspSealed
                | FactName::InspAccessoriesMissing
                | FactName::InspDamage
                | FactName::InspDefect
                | FactName::InspOnArrival
                | FactName::InspCause
        )
    }
}

impl Predicate {
    /// Reads `["is", fact, value]`, `["in", fact, [...]]`, `["empty", fact]`, `["all", ...]`, `["any", ...]`,
    /// `["not", p]`.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence.
    pub fn read(json: &Json) -> Result<Self, String> {
        Self::read_at(json, 0)
    }
    fn read_at(json: &Json, depth: u8) -> Result<Self, String> {
        if depth >= PREDICATE_DEPTH_MAX {
            return Err(format!("is nested deeper than {PREDICATE_DEPTH_MAX} levels"));
        }
        let list = json.as_array().map(Vec::as_slice);
        let Some([Json::String(word), rest @ ..]) = list else {
            return Err("is a list like [\"is\", \"insp.altered\", false]".into());
        };
        let below = |list: &[Json]| -> Result<Vec<Self>, String> {
            if list.is_empty() {
                return Err(format!("\"{word}\" needs at least one condition"));
            }
            list.iter().map(|p| Self::read_at(p, depth.saturating_add(1))).collect()
        };
        match (word.as_str(), rest) {
            ("is", [fact, value]) => {
                let fact = fact_of(fact)?;
                let value = value_of(&fact, value)?;
                Ok(Predicate::Is(fact, value))
            }
            ("in", [fact, Json::Array(values)]) if !values.is_empty() => {
                let fact = fact_of(fact)?;
                let values = values.iter().map(|v| value_of(&fact, v)).collect::<Result<_, _>>()?;
                Ok(Predicate::In(fact, values))
            }
            ("empty", [fact]) => {
                let fact = fact_of(fact)?;
                match fact.shape() {
                    Shape::List => Ok(Predicate::Empty(fact)),
                    _ => Err(format!("{fact} is no list")),
                }
            }
            ("all", list) => below(list).map(Predicate::All),
            ("any", list) => below(list).map(Predicate::Any),
            ("not", [p]) => Ok(Predicate::Not(Box::new(Self::read_at(p, depth.saturating_add(1))?))),
            _ => Err(format!(
                "\"{word}\" with {} more is no condition; write is, in, empty, all, any or not",
                rest.len()
            )),
        }
    }

    /// Whether it holds, asking for one fact after the other.
    pub fn eval<'a>(&self, read: &mut dyn FnMut(&FactName) -> Reading<'a>) -> Truth {
        match self {
            Predicate::Is(fact, value) => is(read(fact), value),
            Predicate::In(fact, values) => match read(fact) {
                Reading::Unknown => Truth::Unknown,
                known => values.iter().any(|v| is(known, v) == Truth::True).into(),
            },
            Predicate::Empty(fact) => match read(fact) {
                Reading::Entries(n) => (n == 0).into(),
                _ => Truth::Unknown,
            },
            Predicate::All(list) => list.iter().map(|p| p.eval(read)).min().unwrap_or(Truth::True),
            Predicate::Any(list) => list.iter().map(|p| p.eval(read)).max().unwrap_or(Truth::False),
            Predicate::Not(p) => match p.eval(read) {
                Truth::True => Truth::False,
                Truth::Unknown => Truth::Unknown,
                Truth::False => Truth::True,
            },
        }
    }

    /// Every fact it asks for, in the order of its text.
    pub fn facts(&self) -> Vec<&FactName> {
        match self {
            Predicate::Is(fact, _) | Predicate::In(fact, _) | Predicate::Empty(fact) => Vec::from([fact]),
            Predicate::All(list) | Predicate::Any(list) => list.iter().flat_map(Predicate::facts).collect(),
            Predicate::Not(p) => p.facts(),
        }
    }
}

impl fmt::Display for Predicate {
    /// In words: `insp.installed is no or insp.packaging is damaged`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let join = |f: &mut fmt::Formatter<'_>, list: &[Predicate], word: &str| {
            list.iter().enumerate().try_for_each(|(at, p)| {
                if at > 0 {
                    write!(f, " {word} ")?;
                }
                let nested = matches!(p, Predicate::All(_) | Predicate::Any(_)) && list.len() > 1;
                if nested { write!(f, "({p})") } else { p.fmt(f) }
            })
        };
        let words = |values: &[Value]| values.iter().map(|v| format!("{v}")).collect::<Vec<_>>().join(", ");
        match self {
            Predicate::Is(fact, value) => write!(f, "{fact} is {value}"),
            Predicate::In(fact, values) => match values.as_slice() {
                [one] => write!(f, "{fact} is {one}"),
                _ => write!(f, "{fact} is one of {}", words(values)),
            },
            Predicate::Empty(fact) => write!(f, "{fact} is empty"),
            Predicate::All(list) => join(f, list, "and"),
            Predicate::Any(list) => join(f, list, "or"),
            Predicate::Not(p) => match &**p {
                Predicate::In(fact, values) => write!(f, "{fact} is none of {}", words(values)),
                Predicate::Is(fact, value) => write!(f, "{fact} is not {value}"),
                p => write!(f, "not ({p})"),
            },
        }
    }
}

fn is(known: Reading<'_>, value: &Value) -> Truth {
    match (known, value) {
        (Reading::Flag(known), Value::Flag(value)) => (known == *value).into(),
        (Reading::Word(known), Value::Word(value)) => (known == value).into(),
        (Reading::Unknown, _) => Truth::Unknown,
        _ => Truth::False,
    }
}

fn fact_of(json: &Json) -> Result<FactName, String> {
    let text = json.as_str().ok_or("names a fact as text, like insp.altered")?;
    FactName::parse(text).ok_or_else(|| {
        format!(
            "asks for {text}, which nobody supplies; the facts are {}, evidence.*, discretion.*",
            FactName::ALL.join(", ")
        )
    })
}

fn value_of(fact: &FactName, json: &Json) -> Result<Value, String> {
    match (fact.shape(), json) {
        (Shape::Flag, Json::Bool(flag)) => Ok(Value::Flag(*flag)),
        (Shape::Flag, _) => Err(format!("compares {fact} with {json}; it is true or false")),
        (Shape::Words(words), Json::String(word)) if words.contains(&word.as_str()) => {
            Ok(Value::Word(word.clone()))
        }
        (Shape::Words(words), _) => {
            Err(format!("compares {fact} with {json}; it is one of {}", words.join(", ")))
        }
        (Shape::Open, Json::String(word)) => Ok(Value::Word(word.clone())),
        (Shape::Open, _) => Err(format!("compares {fact} with {json}; it is a word")),
        (Shape::List, _) => Err(format!("{fact} is a list; ask whether it is empty")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use serde_json::json;

    #[test]
    fn unknown_is_neither() {
        let p = Predicate::read(&json!([
            "any",
            ["is", "insp.installed", false],
            ["in", "insp.packaging", ["damaged"]]
        ]));
        assert!(p.is_ok(), "{p:?}");
        let Ok(p) = p else { return };
        let given = |installed, packaging| {
            p.eval(&mut |fact| match fact {
                FactName::InspInstalled => installed,
                _ => packaging,
            })
        };
        let (yes, no, unknown) = (Reading::Flag(true), Reading::Flag(false), Reading::Unknown);
        assert_eq!(given(no, unknown), Truth::True);
        assert_eq!(given(yes, unknown), Truth::Unknown);
        assert_eq!(given(yes, Reading::Word("intact")), Truth::False);
        assert_eq!(given(yes, Reading::Word("damaged")), Truth::True);
        assert_eq!(p.to_string(), "insp.installed is no or insp.packaging is damaged");
    }

    #[test]
    fn what_cannot_be_asked_is_said() {
        for (json, part) in [
            (json!(["is", "insp.colour", "red"]), "insp.colour"),
            (json!(["is", "insp.altered", "no"]), "true or false"),
            (json!(["in", "insp.packaging", ["torn"]]), "intact, damaged, missing"),
            (json!(["empty", "insp.altered"]), "is no list"),
            (json!(["is", "insp.damage", true]), "is a list"),
            (json!(["all"]), "at least one"),
            (json!(["maybe", "x"]), "no condition"),
            (json!("insp.altered"), "is a list like"),
            (json!(["in", "insp.cause", []]), "no condition"),
        ] {
            let why = Predicate::read(&json).err().unwrap_or_default();
            assert!(why.contains(part), "{json}: {why}");
        }
    }
}
