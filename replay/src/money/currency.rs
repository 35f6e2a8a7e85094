//! The currencies: codes and exponents of ISO 4217.

use core::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{MoneyError, shown};

/// Declares [`Currency`] from one table of codes and exponents, in byte order (a test holds it to that).
macro_rules! currencies {
    ($($code:ident $exponent:literal,)*) => {
        /// A currency in use, by its ISO 4217 code; ordered by code. In JSON `"USD"`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(clippy::upper_case_acronyms, missing_docs, reason = "the names are the codes")]
        pub enum Currency { $($code),* }

        impl Currency {
            /// Every currency, in the order of the codes.
            pub const TABLE: &'static [Currency] = &[$(Currency::$code),*];

            /// The three capital letters.
            pub const fn as_str(self) -> &'static str {
                match self { $(Currency::$code => stringify!($code)),* }
            }

            /// Digits after the point: 0, 2, 3 or 4.
            pub const fn exponent(self) -> u32 {
                match self { $(Currency::$code => $exponent),* }
            }
        }
    };
}

// ISO 4217 list one as of January 2026: the currencies in circulation, and of the funds codes only
// CLF and UYW, the units in which Chile and Uruguay quote prices. No metals, no test or accounting codes
// (XAU, XTS, XDR, XXX). The table may grow but never shrink: a code that is withdrawn stays, for logs that
// hold it must stay readable.
currencies! {
    AED 2, AFN 2, ALL 2, AMD 2, AOA 2, ARS 2, AUD 2, AWG 2, AZN 2, BAM 2, BBD 2, BDT 2, BHD 3, BIF 0,
    BMD 2, BND 2, BOB 2, BRL 2, BSD 2, BTN 2, BWP 2, BYN 2, BZD 2, CAD 2, CDF 2, CHF 2, CLF 4, CLP 0,
    CNY 2, COP 2, CRC 2, CUP 2, CVE 2, CZK 2, DJF 0, DKK 2, DOP 2, DZD 2, EGP 2, ERN 2, ETB 2, EUR 2,
    FJD 2, FKP 2, GBP 2, GEL 2, GHS 2, GIP 2, GMD 2, GNF 0, GTQ 2, GYD 2, HKD 2, HNL 2, HTG 2, HUF 2,
    IDR 2, ILS 2, INR 2, IQD 3, IRR 2, ISK 0, JMD 2, JOD 3, JPY 0, KES 2, KGS 2, KHR 2, KMF 0, KPW 2,
    KRW 0, KWD 3, KYD 2, KZT 2, LAK 2, LBP 2, LKR 2, LRD 2, LSL 2, LYD 3, MAD 2, MDL 2, MGA 2, MKD 2,
    MMK 2, MNT 2, MOP 2, MRU 2, MUR 2, MVR 2, MWK 2, MXN 2, MYR 2, MZN 2, NAD 2, NGN 2, NIO 2, NOK 2,
    NPR 2, NZD 2, OMR 3, PAB 2, PEN 2, PGK 2, PHP 2, PKR 2, PLN 2, PYG 0, QAR 2, RON 2, RSD 2, RUB 2,
    RWF 0, SAR 2, SBD 2, SCR 2, SDG 2, SEK 2, SGD 2, SHP 2, SLE 2, SOS 2, SRD 2, SSP 2, STN 2, SVC 2,
    SYP 2, SZL 2, THB 2, TJS 2, TMT 2, TND 3, TOP 2, TRY 2, TTD 2, TWD 2, TZS 2, UAH 2, UGX 0, USD 2,
    UYU 2, UYW 4, UZS 2, VED 2, VES 2, VND 0, VUV 0, WST 2, XAF 0, XCD 2, XCG 2, XOF 0, XPF 0, YER 2,
    ZAR 2, ZMW 2, ZWG 2,
}

impl Currency {
    /// Reads a code exactly as ISO 4217 writes it, in capitals.
    ///
    /// # Errors
    /// [`MoneyError::UnknownCurrency`] for anything else.
    pub fn parse(text: &str) -> Result<Currency, MoneyError> {
        let found = Self::TABLE.binary_search_by(|currency| currency.as_str().cmp(text));
        let currency = found.ok().and_then(|at| Self::TABLE.get(at)).copied();
        currency.ok_or_else(|| MoneyError::UnknownCurrency { text: shown(text) })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Code;

        impl Visitor<'_> for Code {
            type Value = Currency;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an ISO 4217 currency code such as \"USD\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Currency, E> {
                Currency::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Code)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Currency {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "ISO 4217 code of a currency in use.",
            "type": "string",
            "pattern": "^[A-Z]{3}$",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn the_table_is_sorted_and_every_code_reads_back() {
        assert_eq!(Currency::TABLE.len(), 157);
        assert!(Currency::TABLE.is_sorted_by(|a, b| a.as_str() < b.as_str() && a < b));
        for &currency in Currency::TABLE {
            assert_eq!(Currency::parse(currency.as_str()), Ok(currency));
            assert_eq!(serde_json::from_str::<Currency>(&format!("\"{currency}\"")).unwrap(), currency);
            assert!(matches!(currency.exponent(), 0 | 2 | 3 | 4), "{currency}");
        }
        for (code, exponent) in
            [("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("ISK", 0), ("XOF", 0), ("XCG", 2)]
        {
            assert_eq!(Currency::parse(code).unwrap().exponent(), exponent, "{code}");
        }
        for code in ["", "usd", "US", "USDX", " USD", "XAU", "XXX", "XTS", "DEM", "ABC", "€", "ÜSD"] {
            assert_eq!(Currency::parse(code), Err(MoneyError::UnknownCurrency { text: code.into() }));
        }
    }
}
