//! Money: whole minor units of one ISO 4217 currency (house rule H-8).
//!
//! There is no `impl Add`: every operation checks the currency and the range and says what went wrong.
//! Nothing here rounds; what has to be rounded (percentages, shares of a total) is in [`crate::allocate`].

use alloc::format;
use alloc::string::String;
use core::cmp::Ordering;
use core::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub use currency::Currency;

mod currency;

/// The largest amount, in minor units: 2^53 - 1, the largest integer that every JSON reader holds exactly
/// (RFC 7493).
pub const MINOR_MAX: u64 = 9_007_199_254_740_991;

/// How many characters of a text that could not be read are kept in the error.
const TEXT_SHOWN_MAX: usize = 60;

/// Why a money operation was not done. Each variant is a sentence, and their order is their precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum MoneyError {
    UnknownCurrency {
        text: String,
    },
    CurrencyMismatch {
        left: Currency,
        right: Currency,
    },
    /// No text to read, or nothing to add up.
    Empty,
    NotANumber {
        text: String,
    },
    Negative,
    /// `exponent` is how many digits after the point the currency has.
    TooManyDigits {
        currency: Currency,
        exponent: u32,
        text: String,
    },
    OutOfRange,
}

impl MoneyError {
    /// What to do about it, for people.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::UnknownCurrency { .. } => {
                "use the three capital letters of a currency in use, such as USD, EUR or JPY"
            }
            Self::CurrencyMismatch { .. } => {
                "convert into the order's currency first; rate, source and date go on record (H-8)"
            }
            Self::Empty => "give an amount; zero is written 0",
            Self::NotANumber { .. } => {
                "write digits and at most one point, such as 12.50: no sign, space, comma or exponent"
            }
            Self::Negative => {
                "amounts are never negative; taking back is an event of its own, such as a reversal"
            }
            Self::TooManyDigits { .. } => {
                "give no more digits after the point than the currency has; nothing is rounded silently"
            }
            Self::OutOfRange => {
                "amounts end at 9007199254740991 minor units; check the currency and the point"
            }
        }
    }
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownCurrency { text } => {
                write!(f, "{text:?} is not the code of a currency in use (ISO 4217)")
            }
            Self::CurrencyMismatch { left, right } => {
                write!(f, "{left} and {right} cannot be reckoned together")
            }
            Self::Empty => f.write_str("there is no amount"),
            Self::NotANumber { text } => write!(f, "{text:?} is not a decimal number"),
            Self::Negative => f.write_str("an amount cannot be below zero"),
            Self::TooManyDigits { currency, exponent: 0, text } => {
                write!(f, "{text:?} has digits after the point, but {currency} has none")
            }
            Self::TooManyDigits { currency, exponent, text } => {
                write!(f, "{text:?} has more digits after the point than the {exponent} of {currency}")
            }
            Self::OutOfRange => write!(f, "an amount cannot be above {MINOR_MAX} minor units"),
        }
    }
}

impl core::error::Error for MoneyError {}

/// An amount of money: 0 to [`MINOR_MAX`] minor units of a currency. In JSON
/// `{"minor":1250,"currency":"USD"}`.
///
/// Not ordered, because amounts of two currencies have no order: see [`Amount::checked_cmp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Amount {
    minor: u64,
    currency: Currency,
}

/// An amount as it stands in JSON, before its invariant is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an amount such as {\"minor\":1250,\"currency\":\"USD\"}")]
struct Raw {
    #[serde(deserialize_with = "minor_units")]
    minor: u64,
    currency: Currency,
}

impl TryFrom<Raw> for Amount {
    type Error = MoneyError;

    fn try_from(raw: Raw) -> Result<Self, MoneyError> {
        Self::new(raw.minor, raw.currency)
    }
}

impl Amount {
    /// An amount of `minor` minor units.
    ///
    /// # Errors
    /// [`MoneyError::OutOfRange`] above [`MINOR_MAX`].
    pub const fn new(minor: u64, currency: Currency) -> Result<Self, MoneyError> {
        if minor > MINOR_MAX { Err(MoneyError::OutOfRange) } else { Ok(Self { minor, currency }) }
    }

    /// Nothing, in a currency: a legal amount (shipping of 0).
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads what a person writes: `12.50`, `1250.5` (1250.50), `7`. Exact: nothing is rounded or guessed.
    ///
    /// More digits than the currency has are refused even when they are zeros, because `1.500` may mean 1500.
    /// Read by hand rather than with `rust_decimal`, which takes signs, underscores and rounds long
    /// fractions.
    ///
    /// # Errors
    /// `Empty`, `NotANumber`, `Negative`, `TooManyDigits`, `OutOfRange`, the first that holds.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        if text.is_empty() {
            return Err(MoneyError::Empty);
        }
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
            None => (unsigned, ""),
            Some(_) => return Err(MoneyError::NotANumber { text: shown(text) }),
        };
        if !is_digits(whole) {
            return Err(MoneyError::NotANumber { text: shown(text) });
        }
        if unsigned.len() < text.len() {
            return Err(MoneyError::Negative);
        }
        let exponent = currency.exponent();
        let Some(missing) = (exponent as usize).checked_sub(fraction.len()) else {
            return Err(MoneyError::TooManyDigits { currency, exponent, text: shown(text) });
        };
        let digits = whole.bytes().chain(fraction.bytes()).chain(core::iter::repeat_n(b'0', missing));
        let minor = digits
            .map(|digit| u64::from(digit.saturating_sub(b'0')))
            .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(digit));
        Self::new(minor.ok_or(MoneyError::OutOfRange)?, currency)
    }

    /// The amount in minor units (cents, yen, fils).
    pub const fn minor(self) -> u64 {
        self.minor
    }

    /// The currency of the amount.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::OutOfRange`].
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        let currency = self.common_currency(other)?;
        Self::new(self.minor.checked_add(other.minor).ok_or(MoneyError::OutOfRange)?, currency)
    }

    /// What is left when `other` is taken off.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Negative`] when `other` is larger (H-14: a refund is
    /// never below 0).
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        let currency = self.common_currency(other)?;
        Self::new(self.minor.checked_sub(other.minor).ok_or(MoneyError::Negative)?, currency)
    }

    /// Adds everything up. No amounts have no currency, so an empty sum is an error: where it is legal, put
    /// [`Amount::zero`] in front.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`], [`MoneyError::Empty`], [`MoneyError::OutOfRange`].
    pub fn checked_sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        let mut amounts = amounts.into_iter();
        let first = amounts.next().ok_or(MoneyError::Empty)?;
        amounts.try_fold(first, Self::checked_add)
    }

    /// Compares two amounts of one currency, for caps and limits (H-14).
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`].
    pub fn checked_cmp(self, other: Self) -> Result<Ordering, MoneyError> {
        self.common_currency(other).map(|_| self.minor.cmp(&other.minor))
    }

    /// The decimal without the currency, with all its digits: `12.50`, `1250`, `1.234`.
    pub fn decimal_text(self) -> String {
        let exponent = self.currency.exponent();
        if exponent == 0 {
            return format!("{}", self.minor);
        }
        let scale = 10_u64.pow(exponent); // at most 10^4
        format!("{}.{:0width$}", self.minor / scale, self.minor % scale, width = exponent as usize)
    }

    fn common_currency(self, other: Self) -> Result<Currency, MoneyError> {
        if self.currency == other.currency {
            Ok(self.currency)
        } else {
            Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
        }
    }
}

/// `12.50 USD`.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.decimal_text(), self.currency))
    }
}

/// Reads the integer of an amount, so that a negative or fractional number is refused in the words of this
/// domain.
fn minor_units<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Minor;

    impl Visitor<'_> for Minor {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a whole number of minor units from 0 to {MINOR_MAX}")
        }

        fn visit_u64<E: de::Error>(self, minor: u64) -> Result<u64, E> {
            Ok(minor) // its range is checked by `Amount::new`
        }

        fn visit_i64<E: de::Error>(self, minor: i64) -> Result<u64, E> {
            u64::try_from(minor).map_err(|_| E::custom(MoneyError::Negative))
        }
    }

    deserializer.deserialize_u64(Minor)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn shown(text: &str) -> String {
    text.chars().take(TEXT_SHOWN_MAX).collect()
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Amount {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "An amount of money in whole minor units of its currency.",
            "type": "object",
            "properties": {
                "minor": { "type": "integer", "minimum": 0, "maximum": MINOR_MAX },
                "currency": generator.subschema_for::<Currency>(),
            },
            "required": ["minor", "currency"],
            "additionalProperties": false,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    fn usd(minor: u64) -> Amount {
        Amount::new(minor, Currency::USD).unwrap()
    }

    /// The sentence of the error, or the amount as it prints.
    fn read(text: &str, currency: Currency) -> String {
        Amount::parse(text, currency).map_or_else(|error| error.to_string(), |amount| amount.to_string())
    }

    #[test]
    fn decimals_of_people() {
        use Currency::{CLF, JPY, KWD, USD};
        for (text, currency, expected) in [
            ("12.50", USD, "12.50 USD"),
            ("1250.5", USD, "1250.50 USD"),
            ("0", USD, "0.00 USD"),
            ("0.05", USD, "0.05 USD"),
            ("007", USD, "7.00 USD"),
            ("1250", JPY, "1250 JPY"),
            ("1.234", KWD, "1.234 KWD"),
            ("1.5", CLF, "1.5000 CLF"),
            ("90071992547409.91", USD, "90071992547409.91 USD"),
            ("90071992547409.92", USD, "an amount cannot be above 9007199254740991 minor units"),
            (
                "1234567890123456789012345678901234567890",
                USD,
                "an amount cannot be above 9007199254740991 minor units",
            ),
            ("12.505", USD, r#""12.505" has more digits after the point than the 2 of USD"#),
            ("12.500", USD, r#""12.500" has more digits after the point than the 2 of USD"#),
            ("12.0", JPY, r#""12.0" has digits after the point, but JPY has none"#),
            ("-5", USD, "an amount cannot be below zero"),
            ("-0.005", USD, "an amount cannot be below zero"),
            ("", USD, "there is no amount"),
        ] {
            assert_eq!(read(text, currency), expected, "{text}");
        }
        for text in [
            "1,250.00", "1e3", "+5", " 5", "5 ", "NaN", "inf", ".5", "5.", ".", "-", "--5", "1.2.3", "1_000",
            "٣", "0x10",
        ] {
            assert_eq!(Amount::parse(text, USD), Err(MoneyError::NotANumber { text: text.into() }));
        }
    }

    #[test]
    fn sums_check_currency_and_range() {
        let eur = Amount::zero(Currency::EUR);
        let mismatch = MoneyError::CurrencyMismatch { left: Currency::USD, right: Currency::EUR };
        assert_eq!(usd(1).checked_add(eur), Err(mismatch.clone()));
        assert_eq!(usd(1).checked_sub(eur), Err(mismatch.clone()));
        assert_eq!(usd(1).checked_cmp(eur), Err(mismatch.clone()));
        assert_eq!(Amount::checked_sum([usd(1), usd(2), eur]), Err(mismatch));
        assert_eq!(Amount::checked_sum([usd(1), usd(2), usd(3)]), Ok(usd(6)));
        assert_eq!(Amount::checked_sum([]), Err(MoneyError::Empty));
        assert_eq!(usd(3).checked_sub(usd(3)).map(Amount::is_zero), Ok(true));
        assert_eq!(usd(3).checked_sub(usd(4)), Err(MoneyError::Negative));
        assert_eq!(usd(MINOR_MAX).checked_add(usd(1)), Err(MoneyError::OutOfRange));
        assert_eq!(usd(3).checked_cmp(usd(4)), Ok(Ordering::Less));
        assert_eq!(Amount::new(MINOR_MAX + 1, Currency::USD), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn json_takes_one_form_only() {
        let json = r#"{"minor":1250,"currency":"USD"}"#;
        assert_eq!(serde_json::to_string(&usd(1250)).unwrap(), json);
        assert_eq!(serde_json::from_str::<Amount>(json).unwrap(), usd(1250));
        for (json, sentence) in [
            (r#"{"minor":-5,"currency":"USD"}"#, "an amount cannot be below zero"),
            (
                r#"{"minor":12.5,"currency":"USD"}"#,
                "expected a whole number of minor units from 0 to 9007199254740991",
            ),
            (r#"{"minor":1e3,"currency":"USD"}"#, "expected a whole number of minor units"),
            (r#"{"minor":"5","currency":"USD"}"#, "expected a whole number of minor units"),
            (r#"{"minor":9007199254740992,"currency":"USD"}"#, "above 9007199254740991"),
            (r#"{"minor":5,"currency":"usd"}"#, r#""usd" is not the code of a currency in use"#),
            (r#"{"minor":5,"currency":840}"#, "expected an ISO 4217 currency code"),
            (r#"{"minor":5}"#, "missing field `currency`"),
            (r#"{"minor":5,"currency":"USD","scale":2}"#, "unknown field `scale`"),
        ] {
            let error = serde_json::from_str::<Amount>(json).unwrap_err().to_string();
            assert!(error.contains(sentence), "{json}: {error}");
        }
    }

    #[test]
    fn errors_are_bounded_and_have_hints() {
        let long = "x".repeat(70_000);
        let error = Currency::parse(&long).unwrap_err();
        assert!(error.to_string().len() < 200);
        assert!([error, MoneyError::Empty, MoneyError::OutOfRange].iter().all(|e| !e.hint().is_empty()));
        assert!(MoneyError::OutOfRange.hint().contains(&MINOR_MAX.to_string()));
    }

    #[cfg(feature = "schema")]
    #[test]
    fn schema_of_an_amount() {
        let schema = schemars::schema_for!(Amount).to_value();
        assert_eq!(schema.pointer("/properties/minor/maximum"), Some(&MINOR_MAX.into()));
        assert_eq!(schema.pointer("/additionalProperties"), Some(&false.into()));
        assert_eq!(schema.pointer("/$defs/Currency/pattern"), Some(&"^[A-Z]{3}$".into()));
    }

    proptest! {
        #[test]
        fn print_and_parse_round_trip(
            minor in 0..=MINOR_MAX,
            currency in prop::sample::select(Currency::TABLE),
        ) {
            let amount = Amount::new(minor, currency).unwrap();
            prop_assert_eq!(Amount::parse(&amount.decimal_text(), currency), Ok(amount));
            let json = serde_json::to_string(&amount).unwrap();
            prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
            // rust_decimal as an independent witness of the printed value
            let decimal: Decimal = amount.decimal_text().parse().unwrap();
            prop_assert_eq!(decimal, Decimal::from_i128_with_scale(minor.into(), currency.exponent()));
        }

        #[test]
        fn whatever_parses_is_what_was_written(text in "-?[0-9]{0,18}(\\.[0-9]{0,4})?") {
            if let Ok(amount) = Amount::parse(&text, Currency::USD) {
                let [printed, written] = [amount.decimal_text(), text].map(|t| t.parse::<Decimal>().unwrap());
                prop_assert_eq!(printed, written);
            }
        }
    }
}
