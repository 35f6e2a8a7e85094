//! Names of things. One newtype per id, so that a claim cannot be mistaken for an order.
//!
//! Every text that enters the ledger passes one of the constructors here: length and characters are
//! limits with names, control characters never pass, and what is refused says why.

use alloc::{borrow::ToOwned, format, string::String};
use core::{fmt, num::NonZeroU64, str::FromStr};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Longest id, in characters (claims, orders, actors, refunds, parcels ...).
pub const ID_CHARS_MAX: usize = 64;
/// Longest code (reason codes, causes, carriers, remedies of a policy), in characters.
pub const CODE_CHARS_MAX: usize = 64;
/// Longest piece of non-personal text (article number, place, service), in characters.
pub const WORD_CHARS_MAX: usize = 200;
/// Longest external id, in characters.
pub const EXTERNAL_ID_CHARS_MAX: usize = 200;
/// Longest personal text (what a customer wrote), in characters.
pub const PERSONAL_CHARS_MAX: usize = 8_000;

/// Why a text is not acceptable as an id, a code or a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadText {
    /// What the text was meant to be, e.g. `claim id`.
    pub what: &'static str,
    /// The rule it breaks, as the end of a sentence.
    pub rule: String,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no {}: {}", self.what, self.rule)
    }
}
impl core::error::Error for BadText {}

fn check_chars(
    what: &'static str,
    text: &str,
    max: usize,
    allowed: &Allowed,
    rule: &str,
) -> Result<(), BadText> {
    let bad = |rule: String| Err(BadText { what, rule });
    if text.is_empty() {
        return bad("it is empty".to_owned());
    }
    // Nearly every text is plain and short, and replay reads a dozen with every event.
    if text.len() <= max && text.bytes().all(|byte| allowed.has(byte)) {
        return Ok(());
    }
    let mut count = 0usize;
    for c in text.chars() {
        count += 1;
        if c.is_control() {
            return bad(format!("it holds the control character U+{:04X}", u32::from(c)));
        }
        let is_allowed = if c.is_ascii() { allowed.has(c as u8) } else { allowed.beyond_ascii };
        if !is_allowed {
            return bad(format!("it holds '{c}'; {rule}"));
        }
    }
    if count > max {
        return bad(format!("it has {count} characters, at most {max} are allowed"));
    }
    Ok(())
}

/// The characters that a text may have.
struct Allowed {
    ascii: [bool; 0x80],
    /// Whether all others but control characters may stand there as well.
    beyond_ascii: bool,
}

impl Allowed {
    /// Letters, digits and these marks of ASCII.
    const fn alphanumeric_and(mut marks: &[u8]) -> Self {
        let mut allowed = Self { ascii: [false; 0x80], beyond_ascii: false };
        let (mut rest, mut byte) = (allowed.ascii.as_mut_slice(), 0u8);
        while let [is_allowed, others @ ..] = rest {
            *is_allowed = byte.is_ascii_alphanumeric();
            (rest, byte) = (others, byte + 1);
        }
        while let [mark, others @ ..] = marks {
            if let (_, [is_allowed, ..]) = allowed.ascii.split_at_mut(*mark as usize) {
                *is_allowed = true;
            }
            marks = others;
        }
        allowed
    }
    /// All but control characters.
    const fn printable() -> Self {
        let mut allowed = Self { ascii: [true; 0x80], beyond_ascii: true };
        let (mut rest, mut byte) = (allowed.ascii.as_mut_slice(), 0u8);
        while let [is_allowed, others @ ..] = rest {
            *is_allowed = !byte.is_ascii_control();
            (rest, byte) = (others, byte + 1);
        }
        allowed
    }
    /// Whether the character of ASCII is allowed; no other byte is.
    fn has(&self, byte: u8) -> bool {
        self.ascii.get(usize::from(byte)).is_some_and(|is_allowed| *is_allowed)
    }
}

static OF_IDS: Allowed = Allowed::alphanumeric_and(b"._:@+-");
static OF_CODES: Allowed = Allowed::alphanumeric_and(b"._:+-/");
static OF_WORDS: Allowed = Allowed::printable();

/// What the constructors accept, as JSON Schema says it. `\x` escapes mean the same to every regex engine;
/// `\u` and `\p` do not.
#[cfg(feature = "schema")]
mod pattern {
    pub(super) const ID: &str = "^[A-Za-z0-9._:@+-]+$";
    pub(super) const CODE: &str = "^[A-Za-z0-9._:+/-]+$";
    pub(super) const WORD: &str = r"^[^\x00-\x1f\x7f-\x9f]+$";
    pub(super) const PERSONAL: &str = r"^[^\x00-\x08\x0b-\x1f\x7f-\x9f]+$";
    pub(super) const STREAM: &str = "^(ledger|(order|claim)/[A-Za-z0-9._:@+-]{1,64})$";
    pub(super) const EVENT_ID: &str = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$";
}

/// Reads a text without taking it out of what it stands in.
struct Text<T>(fn(&str) -> Result<T, BadText>);

impl<T> serde::de::Visitor<'_> for Text<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr, $allowed:expr, $rule:literal, $pattern:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// Checks length and characters.
            ///
            /// # Errors
            /// [`BadText`] names the rule that the text breaks.
            pub fn new(text: impl AsRef<str>) -> Result<Self, BadText> {
                let text = text.as_ref();
                check_chars($what, text, $max, $allowed, $rule)?;
                Ok(Self(SmolStr::new(text)))
            }
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                d.deserialize_str(Text(|text| Self::new(text)))
            }
        }
        impl TryFrom<String> for $name {
            type Error = BadText;
            fn try_from(text: String) -> Result<Self, BadText> {
                Self::new(text)
            }
        }
        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0.into()
            }
        }
        impl FromStr for $name {
            type Err = BadText;
            fn from_str(text: &str) -> Result<Self, BadText> {
                Self::new(text)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> alloc::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "title": $what, "type": "string", "minLength": 1, "maxLength": $max, "pattern": $pattern
                })
            }
        }
    };
}

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        text_type!($(#[$doc])* $name, $what, ID_CHARS_MAX, &OF_IDS, "letters, digits and . _ : @ + - are allowed", pattern::ID);
    };
}

id_type!(/// A claim; the name of its stream.
    ClaimId, "claim id");
id_type!(/// An order; the name of its stream.
    OrderId, "order id");
id_type!(/// A policy, and with it the merchant that published it.
    PolicyId, "policy id");
id_type!(/// A person or a system that acts. Pseudonymous: never a personal name.
    ActorId, "actor id");
id_type!(/// A parcel, in either direction.
    ParcelId, "parcel id");
id_type!(/// A refund credit; unique within its order.
    RefundId, "refund id");
id_type!(/// A payment taken for an order.
    PaymentId, "payment id");
id_type!(/// A charge to the customer.
    ChargeId, "charge id");
id_type!(/// Where a message came from (`cli`, `shop`, `carrier.ups`); the first part of every idempotency key.
    SourceId, "source");
text_type!(/// The name of one ledger, written into every event, so that no event fits into another log. Like a URL without
    /// its scheme, e.g. `shop.example/claims`: checkpoints will carry it as it is.
    Origin, "ledger origin", CODE_CHARS_MAX, &OF_CODES, "letters, digits and . _ : + - / are allowed, no blanks", pattern::CODE);
text_type!(/// A return merchandise authorization number.
    Rma, "RMA number", ID_CHARS_MAX, &OF_IDS, "letters, digits and . _ : @ + - are allowed", pattern::ID);
text_type!(/// A word of a closed or policy-defined vocabulary: reason code, cause, carrier, discretion point, role.
    Code, "code", CODE_CHARS_MAX, &OF_CODES, "letters, digits and . _ : + - / are allowed, no blanks", pattern::CODE);
text_type!(/// A short text that is not personal: article number, place, service, country.
    Word, "text", WORD_CHARS_MAX, &OF_WORDS, "", pattern::WORD);
text_type!(/// The sender's own key for a message.
    ExternalId, "external id", EXTERNAL_ID_CHARS_MAX, &OF_WORDS, "", pattern::WORD);

/// Place of an event in the whole log: dense, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Position(NonZeroU64);

/// Place of an event in its stream: dense, from 1. Zero (no event yet) exists only in [`Expected`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = "Place of an event in its stream: dense, from 1."))]
pub struct Revision(NonZeroU64);

macro_rules! counter {
    ($name:ident) => {
        impl $name {
            /// The first one.
            pub const FIRST: Self = Self(NonZeroU64::MIN);
            /// `None` for zero.
            pub fn new(number: u64) -> Option<Self> {
                NonZeroU64::new(number).map(Self)
            }
            /// The number, from 1.
            pub fn get(self) -> u64 {
                self.0.get()
            }
            /// The one after this.
            pub fn next(self) -> Self {
                Self(self.0.saturating_add(1))
            }
            /// The one after `last`, or the first.
            pub fn after(last: Option<Self>) -> Self {
                last.map_or(Self::FIRST, Self::next)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}
counter!(Position);
counter!(Revision);

/// The revision that the author of a command believes its stream to have. There is no "any".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The stream is at this revision; `None` = it has no event yet.
    At(Option<Revision>),
    /// Directly after an earlier command of the same batch on the same stream.
    AfterThePreviousOfThisBatch,
}

impl Expected {
    /// From a number, where 0 means "the stream has no event yet".
    pub fn at_number(number: u64) -> Self {
        Self::At(Revision::new(number))
    }
}

/// The three kinds of streams an event may belong to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    /// Policies, calendars, people, periods, seals and refusals.
    Ledger,
    /// One sale: what was bought, paid and delivered.
    Order(OrderId),
    /// One claim on an order.
    Claim(ClaimId),
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::Ledger => f.write_str("ledger"),
            Stream::Order(id) => write!(f, "order/{id}"),
            Stream::Claim(id) => write!(f, "claim/{id}"),
        }
    }
}
impl FromStr for Stream {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        if text == "ledger" {
            return Ok(Stream::Ledger);
        }
        match text.split_once('/') {
            Some(("order", id)) => Ok(Stream::Order(OrderId::new(id)?)),
            Some(("claim", id)) => Ok(Stream::Claim(ClaimId::new(id)?)),
            _ => Err(BadText { what: "stream", rule: "write ledger, order/ID or claim/ID".to_owned() }),
        }
    }
}
impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_str(Text(str::parse))
    }
}
impl TryFrom<String> for Stream {
    type Error = BadText;
    fn try_from(text: String) -> Result<Self, BadText> {
        text.parse()
    }
}
impl From<Stream> for String {
    fn from(stream: Stream) -> String {
        format!("{stream}")
    }
}
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Stream {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Stream".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "title": "stream", "type": "string", "pattern": pattern::STREAM })
    }
}

/// The id of an event: a UUID made at the door, unique in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub uuid::Uuid);

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0.hyphenated(), f)
    }
}
impl FromStr for EventId {
    type Err = BadText;
    fn from_str(text: &str) -> Result<Self, BadText> {
        uuid::Uuid::try_parse(text)
            .map(Self)
            .map_err(|e| BadText { what: "event id", rule: format!("a UUID is meant ({e})") })
    }
}
#[cfg(feature = "schema")]
impl schemars::JsonSchema for EventId {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "EventId".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "title": "event id", "type": "string", "format": "uuid", "pattern": pattern::EVENT_ID
        })
    }
}

/// Personal text: in clear on its way in, a commitment once it is in the log.
///
/// The log never holds the clear form: encoding an event refuses it, decoding refuses it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Personal {
    /// As a person wrote it. Only in commands.
    Clear(String),
    /// SHA-256 commitment, see [`crate::commitment`]. Only in events.
    Committed(crate::merkle::Hash),
}

impl Personal {
    /// Checks length and characters of a personal text; line feeds and tabs are allowed.
    ///
    /// # Errors
    /// [`BadText`] names the rule that the text breaks.
    pub fn clear(text: impl Into<String>) -> Result<Self, BadText> {
        let text = text.into();
        let what = "personal text";
        if text.is_empty() {
            return Err(BadText { what, rule: "it is empty; leave the field out instead".to_owned() });
        }
        let count = text.chars().count();
        if count > PERSONAL_CHARS_MAX {
            let rule = format!("it has {count} characters, at most {PERSONAL_CHARS_MAX} are allowed");
            return Err(BadText { what, rule });
        }
        if let Some(c) = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            let rule = format!("it holds the control character U+{:04X}", u32::from(c));
            return Err(BadText { what, rule });
        }
        Ok(Personal::Clear(text))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommittedWire {
    commitment: crate::merkle::Hash,
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a text is meant (in an event: {\"commitment\": 64 hex digits})")]
enum PersonalWire {
    Clear(String),
    Committed(CommittedWire),
}

impl Serialize for Personal {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Personal::Clear(text) => s.serialize_str(text),
            Personal::Committed(commitment) => CommittedWire { commitment: *commitment }.serialize(s),
        }
    }
}
impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match PersonalWire::deserialize(d)? {
            PersonalWire::Clear(text) => Personal::clear(text).map_err(serde::de::Error::custom),
            PersonalWire::Committed(wire) => Ok(Personal::Committed(wire.commitment)),
        }
    }
}
#[cfg(feature = "schema")]
impl schemars::JsonSchema for Personal {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Personal".into()
    }
    /// What comes in is the text, what goes out is the commitment.
    fn json_schema(g: &mut schemars::SchemaGenerator) -> schemars::Schema {
        if g.contract().is_deserialize() {
            return schemars::json_schema!({
                "description": "Personal text in clear. The log will hold a commitment to it, never the text.",
                "type": "string", "minLength": 1, "maxLength": PERSONAL_CHARS_MAX, "pattern": pattern::PERSONAL
            });
        }
        let hash = g.subschema_for::<crate::merkle::Hash>();
        schemars::json_schema!({
            "description": "Commitment to a personal text that lies beside the log and can be erased there.",
            "type": "object", "properties": { "commitment": hash }, "required": ["commitment"], "additionalProperties": false
        })
    }
}
