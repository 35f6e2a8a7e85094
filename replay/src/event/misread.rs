//! What serde says of JSON that does not fit a type, as a person can use it: which field, and in plain words.

use alloc::string::{String, ToString};
use alloc::{borrow::ToOwned, format};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads a value of a type from JSON text.
///
/// # Errors
/// A sentence that begins with the path of the field.
pub fn from_text<'a, T: Deserialize<'a>>(json: &'a str) -> Result<T, String> {
    // The path is looked for only when there is something to say about it: replay reads every event this way.
    serde_json::from_str(json).map_err(|why| {
        let mut again = serde_json::Deserializer::from_str(json);
        match serde_path_to_error::deserialize::<_, T>(&mut again) {
            Ok(_) => in_words("", &why.to_string()),
            Err(found) => in_words(&found.path().to_string(), &found.inner().to_string()),
        }
    })
}

/// Reads a value of a type from JSON that has been parsed.
///
/// # Errors
/// As [`from_text`].
pub fn from_value<T: DeserializeOwned>(json: Value) -> Result<T, String> {
    serde_path_to_error::deserialize(json)
        .map_err(|why| in_words(&why.path().to_string(), &why.inner().to_string()))
}

/// What serde calls the things of JSON, and what people call them.
const WORDS: [(&str, &str); 15] = [
    ("expected struct ", "expected an object for "),
    ("invalid type: string ", "invalid type: text "),
    ("invalid type: integer ", "invalid type: number "),
    ("invalid value: integer ", "invalid value: number "),
    ("UUID parsing failed: ", "this is no event id: "),
    ("invalid type: sequence", "invalid type: a list"),
    ("invalid type: map", "invalid type: an object"),
    ("expected a sequence", "expected a list"),
    ("expected a map", "expected an object"),
    ("expected a string", "expected a text"),
    ("expected a boolean", "expected true or false"),
    ("expected u64", "expected a whole number from 0"),
    ("expected u32", "expected a whole number from 0 to 4294967295"),
    ("expected u16", "expected a whole number from 0 to 65535"),
    ("unknown variant ", "unknown word "),
];

/// `path: what is wrong`, without the line and column of a text that nobody has seen.
fn in_words(path: &str, why: &str) -> String {
    let mut words = without_place(why).to_owned();
    // What stands in quotes is the sender's own text and stays as it is.
    if let Some((from, to)) = WORDS.iter().find(|(from, _)| words.starts_with(from)) {
        words = words.replacen(from, to, 1);
    }
    if let Some((found, expected)) = words.clone().rsplit_once(", expected ") {
        let expected = format!("expected {expected}");
        let plain = WORDS.iter().find(|(from, _)| expected.starts_with(from));
        let expected = plain.map_or(expected.clone(), |(from, to)| expected.replacen(from, to, 1));
        words = format!("{found}, {expected}");
    }
    let mut path = path;
    if words.starts_with("unknown field ") {
        // The sentence names it; what matters is where it stands.
        path = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    }
    match path.trim_end_matches('?').trim_end_matches('.') {
        "" => words,
        path => format!("{path}: {words}"),
    }
}

/// What stands before ` at line 1 column 9`.
fn without_place(why: &str) -> &str {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match why.rsplit_once(" at line ").map(|(before, place)| (before, place.split_once(" column "))) {
        Some((before, Some((line, column)))) if is_number(line) && is_number(column) => before,
        _ => why,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::event::{OrderRecorded, RefundIssued};

    #[track_caller]
    fn check<T: DeserializeOwned>(json: &str, says: &str) {
        assert_eq!(from_text::<T>(json).err().unwrap(), says);
        assert_eq!(from_value::<T>(serde_json::from_str(json).unwrap()).err().unwrap(), says);
    }

    #[test]
    fn a_misreading_names_the_field_and_what_was_expected() {
        let refund =
            |amount: &str| format!(r#"{{"refund":"R1","amount":{amount},"payout":{{"to":"giver"}}}}"#);
        let check = |amount: &str, says: &str| check::<RefundIssued>(&refund(amount), says);
        check(
            "8000",
            "amount: invalid type: number `8000`, expected an amount such as {\"minor\":1250,\"currency\":\"USD\"}",
        );
        check(
            r#"{"minor":"80","currency":"USD"}"#,
            "amount.minor: invalid type: text \"80\", expected a whole number of minor units from 0 to 9007199254740991",
        );
        check(r#"{"minor":-1,"currency":"USD"}"#, "amount.minor: an amount cannot be below zero");
        check(
            r#"{"minor":1,"currency":"usd"}"#,
            "amount.currency: \"usd\" is not the code of a currency in use (ISO 4217)",
        );
        check(r#"{"minor":1}"#, "amount: missing field `currency`");
    }

    #[test]
    fn a_misreading_inside_a_list_names_the_entry() {
        let line = r#"{"id":"L1","sku":"A","class":"main","condition_sold":"worn"}"#;
        let json = format!(
            r#"{{"policy":"P","channel":"direct","currency":"USD","purchased_at":"2024-03-01T00:00:00Z",
                 "ship_to":{{"country":"US"}},"tax_mode":"inclusive","lines":[{line}]}}"#
        );
        check::<OrderRecorded>(
            &json,
            "lines[0].condition_sold: unknown word `worn`, expected one of `new`, `used`, `refurbished`",
        );
    }

    #[test]
    fn the_text_of_the_sender_is_not_rewritten() {
        check::<RefundIssued>(
            r#""expected struct X, expected u64 at line 1 column 9""#,
            "invalid type: text \"expected struct X, expected u64 at line 1 column 9\", expected an object for RefundIssued",
        );
    }
}
