//! The rules by which carriers and standards bodies make a check digit.

use alloc::vec::Vec;

/// A rule for the check digit, given the characters it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// GS1 General Specifications, mod 10: from the right, times 3 and 1 by turns, up to the next ten.
    Gs1,
    /// Luhn, ISO/IEC 7812-1: from the right, times 2 and 1 by turns, digits of the products added up.
    Luhn,
    /// UPS, OnTrac: from the left, times 1 and 2 by turns, up to the next ten. A letter counts by its place
    /// in the alphabet and one more, of which only the last digit: A is 2, B is 3, I is 0, J is 1.
    Ups,
    /// FedEx: from the right, times 1, 3, 7 by turns; the remainder by 11, of which the last digit.
    FedEx,
    /// DHL Express: the remainder of the whole number by 7.
    Mod7,
    /// UPU S10: from the left, times 8 6 4 2 3 5 9 7, up to the next eleven; 10 is written 0, and 11 is 5.
    S10,
    /// ISO/IEC 7064 MOD 37,36, as DPD uses it: digits and letters (A is 10), and the check may be a letter.
    Mod37And36,
}

impl Algorithm {
    /// Whether such a character can be the check digit at all; if not, the number has another shape.
    pub(super) fn is_check_digit(self, c: &u8) -> bool {
        if self == Algorithm::Mod37And36 { is_alnum(c) } else { c.is_ascii_digit() }
    }

    /// The check digit for `left_out` and `covered`, read as one. `None` for a character that no rule counts.
    pub(super) fn check_digit(self, left_out: &[u8], covered: &[u8]) -> Option<char> {
        let values = left_out.iter().chain(covered).map(|c| char::from(*c).to_digit(36));
        let values: Vec<u32> = values.collect::<Option<_>>()?;
        let rightward = || values.iter().copied();
        let leftward = || values.iter().rev().copied();
        let check = match self {
            Algorithm::Gs1 => up_to_ten(weighted(leftward(), &[3, 1])),
            Algorithm::Luhn => {
                let doubled = leftward().zip([2, 1].into_iter().cycle()).map(|(value, times)| value * times);
                up_to_ten(doubled.map(|product| product / 10 + product % 10).sum())
            }
            Algorithm::Ups => {
                // 'A' is 10 in our values and 2 in theirs.
                let theirs = rightward().map(|value| if value < 10 { value } else { (value + 2) % 10 });
                up_to_ten(weighted(theirs, &[1, 2]))
            }
            Algorithm::FedEx => weighted(leftward(), &[1, 3, 7]) % 11 % 10,
            Algorithm::Mod7 => rightward().fold(0, |remainder, value| (remainder * 10 + value) % 7),
            Algorithm::S10 => match 11 - weighted(rightward(), &[8, 6, 4, 2, 3, 5, 9, 7]) % 11 {
                10 => 0,
                11 => 5,
                check => check,
            },
            Algorithm::Mod37And36 => {
                // The standard's hybrid system: a remainder of 0 by 36 counts as 36, and the check digit
                // brings the last product to 1.
                let product = rightward().fold(36, |product, value| match (product + value) % 36 {
                    0 => 36 * 2 % 37,
                    sum => sum * 2 % 37,
                });
                (37 - product) % 36
            }
        };
        char::from_digit(check, 36).map(|c| c.to_ascii_uppercase())
    }
}

/// The sum of the values, each times its weight; the weights come round again.
fn weighted(values: impl Iterator<Item = u32>, weights: &[u32]) -> u32 {
    values.zip(weights.iter().cycle()).map(|(value, weight)| value * weight).sum()
}

/// What is missing to the next multiple of ten.
fn up_to_ten(sum: u32) -> u32 {
    (10 - sum % 10) % 10
}

/// Whether a character counts for any rule; letters are upper case.
pub(super) fn is_alnum(c: &u8) -> bool {
    c.is_ascii_digit() || c.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_check_digit_rule_knows_its_textbook_example() {
        let check_digit = |rule: Algorithm, covered: &str| rule.check_digit(b"", covered.as_bytes());
        assert_eq!(check_digit(Algorithm::Gs1, "629104150021"), Some('3'), "the GTIN of GS1's own page");
        assert_eq!(check_digit(Algorithm::Luhn, "7992739871"), Some('3'));
        assert_eq!(check_digit(Algorithm::S10, "47312482"), Some('9'));
        assert_eq!(check_digit(Algorithm::Ups, "999AA1012345678"), Some('4'), "1Z999AA10123456784");
        assert_eq!(check_digit(Algorithm::Mod7, "100"), Some('2'), "14 weeks and 2 days");
        assert_eq!(check_digit(Algorithm::FedEx, "12004"), Some('9'), "4*1 + 2*1 + 1*3");
        assert_eq!(check_digit(Algorithm::FedEx, "31"), Some('0'), "1*1 + 3*3 is 10, written 0");
        assert_eq!(
            check_digit(Algorithm::Mod37And36, "A12425GABC1234002"),
            Some('M'),
            "the GRid of ISO 7064"
        );
        assert_eq!(Algorithm::Gs1.check_digit(b"6291", b"04150021"), Some('3'), "a text left out is covered");
        assert_eq!(check_digit(Algorithm::S10, "4731-482"), None);
    }

    #[test]
    fn s10_writes_ten_as_zero_and_eleven_as_five() {
        assert_eq!(Algorithm::S10.check_digit(b"", b"00000100"), Some('6'), "11 - 5");
        assert_eq!(Algorithm::S10.check_digit(b"", b"00000000"), Some('5'));
        assert_eq!(Algorithm::S10.check_digit(b"", b"00300000"), Some('0'), "4*3 is 1 by 11");
    }
}
