//! Tracking numbers: is this number written the way the claimed carrier writes its numbers?
//!
//! A claim states its carrier; nobody here guesses it. So there are two questions, kept apart: [`judge`]
//! answers for one claimed carrier and is fit for a decision, [`recognise`] lists every format a number would
//! fit and is fit for a hint. Neither says that the parcel exists: a check digit catches slips of the hand.
//!
//! The formats stand in `table`, one entry for each, written in the small language of `pattern` and with the
//! rules of `check_digit`.

mod check_digit;
mod pattern;
mod table;

use alloc::string::String;
use alloc::vec::Vec;

use pattern::{Fit, Part};

/// The version of the table of formats, for events and reports that rest on a verdict. Raised with every
/// change, of the table or of the code that reads it, that could change a verdict.
pub const TABLE_VERSION: u32 = 1;

/// Longest tracking number looked at, in characters as typed, blanks included. The longest format has 41
/// characters, so that a blank after each still fits; anything longer fits no format.
pub const TRACKING_NUMBER_CHARS_MAX: usize = 100;

/// A format that a number fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Code of the carrier whose format it is, for example `ups`; `s10` for the format that posts share.
    pub carrier: &'static str,
    /// Stable identifier of the format, unique in the table.
    pub format: &'static str,
    /// The format's name for people.
    pub name: &'static str,
    /// How much the fit proves.
    pub check: Check,
}

/// How much a fit proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The format has a check digit, and it holds.
    Verified,
    /// The format has none, or none is published: only the shape was compared.
    NoCheckDigit,
}

/// What can be said of a number as a number of the claimed carrier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is written as the carrier writes its numbers.
    WellFormed(Match),
    /// It has the shape of one of the carrier's formats, but some character in it is wrong.
    WrongCheckDigit {
        /// As in [`Match::carrier`].
        carrier: &'static str,
        /// As in [`Match::format`].
        format: &'static str,
        /// As in [`Match::name`].
        name: &'static str,
        /// The check digit that the other characters call for.
        expected: char,
        /// The check digit that was written.
        found: char,
    },
    /// It fits none of the carrier's formats. An empty or overlong number never does.
    NotThisCarriersFormat,
    /// The table has no carrier of this code, so nothing can be said of the number.
    UnknownCarrier,
}

/// Judges a number by the formats of the claimed carrier and of no other.
///
/// `claimed_carrier` is a code from [`carriers`], in any ASCII case. A postal operator is also judged by UPU
/// S10, whichever country issued the item: its own items go abroad, and it delivers those of other posts.
/// Blanks and case in `number` do not matter ([`normalise`]). Among several formats that fit, the first in
/// table order is given; a wrong check digit is reported only when no format fits.
#[must_use]
pub fn judge(claimed_carrier: &str, number: &str) -> Verdict {
    let find = |code: &str| table::CARRIERS.iter().find(|carrier| carrier.code.eq_ignore_ascii_case(code));
    let Some(claimed) = find(claimed_carrier) else { return Verdict::UnknownCarrier };
    let Some(text) = normalise(number) else { return Verdict::NotThisCarriersFormat };
    let shared = if table::POSTAL_OPERATORS.contains(&claimed.code) { find("s10") } else { None };

    let mut verdict = Verdict::NotThisCarriersFormat;
    for (carrier, format) in core::iter::once(claimed).chain(shared).flat_map(Carrier::formats) {
        match format.fit(&text) {
            Fit::Fits(check) => return Verdict::WellFormed(format.matched(carrier, check)),
            Fit::Wrong { expected, found } if verdict == Verdict::NotThisCarriersFormat => {
                let Format { id, name, .. } = *format;
                verdict =
                    Verdict::WrongCheckDigit { carrier: carrier.code, format: id, name, expected, found };
            }
            Fit::Wrong { .. } | Fit::No => {}
        }
    }
    verdict
}

/// Every format of any carrier that the number fits, in table order; for hints only, because many formats are
/// no more than a count of digits. Blanks and case do not matter ([`normalise`]).
#[must_use]
pub fn recognise(number: &str) -> Vec<Match> {
    let Some(text) = normalise(number) else { return Vec::new() };
    let formats = table::CARRIERS.iter().flat_map(Carrier::formats);
    formats
        .filter_map(|(carrier, format)| match format.fit(&text) {
            Fit::Fits(check) => Some(format.matched(carrier, check)),
            Fit::Wrong { .. } | Fit::No => None,
        })
        .collect()
}

/// The carriers of the table: code and name for people, in the order of their codes.
pub fn carriers() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::CARRIERS.iter().map(|carrier| (carrier.code, carrier.name))
}

/// The number as formats are written: no blanks, ASCII letters upper case, nothing else changed. `None` when
/// nothing is left or when more than [`TRACKING_NUMBER_CHARS_MAX`] characters were typed.
///
/// Blanks are the ASCII ones and the no-break space that comes with a copy from a web page. The list is fixed
/// here because Unicode's grows, and the same number must get the same verdict for ever.
#[must_use]
pub fn normalise(number: &str) -> Option<String> {
    if number.chars().nth(TRACKING_NUMBER_CHARS_MAX).is_some() {
        return None;
    }
    let written = number.chars().filter(|c| !c.is_ascii_whitespace() && *c != '\u{a0}');
    let text: String = written.map(|c| c.to_ascii_uppercase()).collect();
    if text.is_empty() { None } else { Some(text) }
}

/// A carrier and the formats it writes its numbers in.
struct Carrier {
    code: &'static str,
    name: &'static str,
    formats: &'static [Format],
}

impl Carrier {
    fn formats(&'static self) -> impl Iterator<Item = (&'static Carrier, &'static Format)> {
        self.formats.iter().map(move |format| (self, format))
    }
}

/// One way of writing a tracking number: its parts from left to right.
struct Format {
    id: &'static str,
    name: &'static str,
    parts: &'static [Part],
}

impl Format {
    fn fit(&self, text: &str) -> Fit {
        pattern::fit(self.parts, text)
    }

    fn matched(&self, carrier: &Carrier, check: Check) -> Match {
        Match { carrier: carrier.code, format: self.id, name: self.name, check }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One line of a test: carrier, number, and the format it is well formed in.
    #[track_caller]
    fn fits(carrier: &str, number: &str, format: &str, check: Check) {
        let found = match judge(carrier, number) {
            Verdict::WellFormed(found) => Some((found.format, found.check)),
            _ => None,
        };
        assert_eq!(found, Some((format, check)), "{carrier} {number}: {:?}", judge(carrier, number));
        assert!(recognise(number).iter().any(|found| found.format == format), "{number}");
    }

    /// One line of a test: carrier, number, format, and the check digits expected and found.
    #[track_caller]
    fn wrong(carrier: &str, number: &str, format: &str, digits: (char, char)) {
        let found = match judge(carrier, number) {
            Verdict::WrongCheckDigit { format, expected, found, .. } => Some((format, (expected, found))),
            _ => None,
        };
        assert_eq!(found, Some((format, digits)), "{carrier} {number}: {:?}", judge(carrier, number));
        assert!(recognise(number).iter().all(|found| found.format != format), "{number}");
    }

    #[test]
    fn a_number_is_judged_by_the_claimed_carrier_alone() {
        fits("ups", "1Z999AA10123456784", "ups", Check::Verified);
        wrong("ups", "1Z999AA10123456785", "ups", ('4', '5'));
        wrong("ups", "1Z999AA10123465784", "ups", ('3', '4'));
        assert_eq!(judge("fedex", "1Z999AA10123456784"), Verdict::NotThisCarriersFormat);
        assert_eq!(judge("pigeon", "1Z999AA10123456784"), Verdict::UnknownCarrier);
        assert_eq!(judge("", ""), Verdict::UnknownCarrier);
        fits("yodel", "JD0000000000000000", "yodel", Check::NoCheckDigit);
    }

    #[test]
    fn blanks_and_case_do_not_matter_but_other_signs_do() {
        fits("UPS", " 1z 999 aa1 0123\u{a0}4567 84\n", "ups", Check::Verified);
        fits("lasership", "1LS7 1 00 01 1 000000 - 1", "lasership_1ls7_18", Check::NoCheckDigit);
        for number in ["1Z-999AA10123456784", "1Z999AA1012345678４", "1Z999AA1012345678\u{e9}", " ", ""] {
            assert_eq!(judge("ups", number), Verdict::NotThisCarriersFormat, "{number}");
        }
    }

    #[test]
    fn a_post_is_also_judged_by_s10_and_needs_a_country() {
        for carrier in ["s10", "usps", "canada_post"] {
            fits(carrier, "RR 473124829 GB", "s10", Check::Verified);
            wrong(carrier, "RR473124828GB", "s10", ('9', '8'));
            assert_eq!(judge(carrier, "RR473124829XX"), Verdict::NotThisCarriersFormat);
        }
        assert_eq!(judge("ups", "RR473124829GB"), Verdict::NotThisCarriersFormat);
    }

    #[test]
    fn the_routing_before_a_usps_number_is_not_covered() {
        let number = "9400100000000000000006";
        for routing in ["", "42000501", "420005011234"] {
            fits("usps", &(String::from(routing) + number), "usps_impb_n", Check::Verified);
        }
        // The identifier tells how many digits the mailer has, by its first.
        assert_eq!(judge("usps", "9200100000000000000006"), Verdict::NotThisCarriersFormat);
    }

    #[test]
    fn the_length_limit_counts_characters_as_typed() {
        let blanks = |count| " ".repeat(count) + "1Z999AA10123456784";
        fits("ups", &blanks(TRACKING_NUMBER_CHARS_MAX - 18), "ups", Check::Verified);
        assert_eq!(judge("ups", &blanks(TRACKING_NUMBER_CHARS_MAX - 17)), Verdict::NotThisCarriersFormat);
        assert_eq!(normalise(&"\u{1f4e6}".repeat(TRACKING_NUMBER_CHARS_MAX + 1)), None);
        assert!(normalise(&"\u{1f4e6}".repeat(TRACKING_NUMBER_CHARS_MAX)).is_some());
        assert_eq!(recognise(&"1".repeat(1_000_000)), []);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(carrier in any::<String>(), number in any::<String>()) {
            let _ = judge(&carrier, &number);
            let _ = recognise(&number);
            for (carrier, _) in carriers() {
                let _ = judge(carrier, &number);
            }
        }

        #[test]
        fn the_two_questions_agree(number in "(420[0-9]{5}|1Z|C|TBA|GM|RR|JD|9[2-6])?[0-9A-Z -]{0,34}(US)?") {
            let recognised = recognise(&number);
            for (carrier, _) in carriers() {
                let verdict = judge(carrier, &number);
                let own = recognised.iter().find(|found| found.carrier == carrier);
                if let Some(own) = own {
                    prop_assert_eq!(verdict, Verdict::WellFormed(*own));
                } else if let Verdict::WellFormed(found) = verdict {
                    prop_assert_eq!(found.format, "s10");
                }
            }
        }
    }
}
