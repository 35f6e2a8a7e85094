//! Canonical JSON: the one spelling in which an event is stored and hashed (RFC 8785, JCS).
//!
//! RFC 8785 fixes whitespace (section 3.2.1), string escapes (3.2.2.2), numbers (3.2.2.3) and the order of keys
//! (3.2.3). We take a subset of it: a number is an integer within ±[`INTEGER_MAX`]. No fraction or exponent is ever
//! read or written, not even `56.0`, and `-0` is refused: whoever sends it computes with floats. On this subset
//! every integer JSON allows is canonical already, so no float is parsed or printed anywhere.
//!
//! The reader is our own because serde_json keeps the last of two equal keys, reads and prints as the features of
//! *other* crates tell it to (`preserve_order`, `arbitrary_precision`), and cannot say at which byte a text went
//! wrong. The tests hold it against serde_json.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use serde::Serialize;
use serde_json::{Number, Value};

use self::reader::Reader;

mod reader;
mod scan;
pub(crate) mod typed;
mod write;

/// The largest magnitude of an integer, 2^53 - 1: what a double, and so every JSON reader, holds exactly (RFC 7493).
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;

/// The most bytes the body of an event may have.
pub const BODY_BYTES_MAX: usize = 65_535;

/// The most arrays and objects that may be open at once in what we write.
pub const DEPTH_MAX: u8 = 32;

/// How much text a reader is willing to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of text.
    pub bytes_max: usize,
    /// The most arrays and objects open at once; a scalar has depth 0, `[]` has depth 1. One byte wide, so that no
    /// caller can ask for a recursion deeper than the stack.
    pub depth_max: u8,
}

impl Limits {
    /// The limits of an event body.
    pub const BODY: Limits = Limits { bytes_max: BODY_BYTES_MAX, depth_max: DEPTH_MAX };
}

/// Why a text or a value has no canonical form, or is not in it.
///
/// `at` is a byte offset, counted from 0, into the text that was read or, for [`to_bytes`] and [`of`], into the text
/// written so far. A reader stops at the first fault from the left.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum CanonicalError {
    TextIsTooLong {
        bytes: usize,
        bytes_max: usize,
    },
    TextIsNotUtf8 {
        at: usize,
    },
    TextEndsTooEarly {
        at: usize,
    },
    TextGoesOnAfterTheValue {
        at: usize,
    },
    CharacterIsUnexpected {
        at: usize,
    },
    NestingIsTooDeep {
        at: usize,
        depth_max: u8,
    },
    KeyIsRepeated {
        at: usize,
    },
    ControlCharacterIsNotEscaped {
        at: usize,
    },
    EscapeIsMalformed {
        at: usize,
    },
    SurrogateIsAlone {
        at: usize,
    },
    NumberHasAFractionOrExponent {
        at: usize,
    },
    NumberHasALeadingZero {
        at: usize,
    },
    NumberIsNegativeZero {
        at: usize,
    },
    NumberIsOutOfRange {
        at: usize,
    },
    /// The text means something, but [`to_bytes`] would write it differently from here on: whitespace, an escape, or
    /// a key out of order.
    TextIsNotCanonical {
        at: usize,
    },
    /// The `Serialize` implementation of a type failed, or has no JSON form (a map whose keys are not strings).
    ValueCannotBeSerialised {
        cause: String,
    },
}

impl CanonicalError {
    /// The name of the fault: stable, for programs.
    pub fn code(&self) -> &'static str {
        use CanonicalError::*;
        match self {
            TextIsTooLong { .. } => "too_long",
            TextIsNotUtf8 { .. } => "not_utf8",
            NestingIsTooDeep { .. } => "nesting_too_deep",
            KeyIsRepeated { .. } => "key_is_repeated",
            ControlCharacterIsNotEscaped { .. } => "control_character",
            SurrogateIsAlone { .. } => "lone_surrogate",
            NumberHasAFractionOrExponent { .. } => "not_a_whole_number",
            NumberIsOutOfRange { .. } => "number_out_of_range",
            TextEndsTooEarly { .. }
            | TextGoesOnAfterTheValue { .. }
            | CharacterIsUnexpected { .. }
            | EscapeIsMalformed { .. }
            | NumberHasALeadingZero { .. }
            | NumberIsNegativeZero { .. }
            | TextIsNotCanonical { .. }
            | ValueCannotBeSerialised { .. } => "malformed_json",
        }
    }
    /// The byte where the text went wrong, counted from 0.
    pub fn at(&self) -> Option<usize> {
        use CanonicalError::*;
        match *self {
            TextIsTooLong { .. } | ValueCannotBeSerialised { .. } => None,
            NestingIsTooDeep { at, .. }
            | TextIsNotUtf8 { at }
            | TextEndsTooEarly { at }
            | TextGoesOnAfterTheValue { at }
            | CharacterIsUnexpected { at }
            | KeyIsRepeated { at }
            | ControlCharacterIsNotEscaped { at }
            | EscapeIsMalformed { at }
            | SurrogateIsAlone { at }
            | NumberHasAFractionOrExponent { at }
            | NumberHasALeadingZero { at }
            | NumberIsNegativeZero { at }
            | NumberIsOutOfRange { at }
            | TextIsNotCanonical { at } => Some(at),
        }
    }
    /// What to do about it, for people.
    pub fn hint(&self) -> &'static str {
        use CanonicalError::*;
        match self {
            TextIsTooLong { .. } => "keep large texts and files outside and record their SHA-256",
            TextIsNotUtf8 { .. } => "save the text as UTF-8",
            NestingIsTooDeep { .. } => "nothing that is recorded needs such nesting; check the brackets",
            KeyIsRepeated { .. } => "name each field of an object once",
            ControlCharacterIsNotEscaped { .. } => {
                "write a line feed as \\n and a tab as \\t; take others out"
            }
            SurrogateIsAlone { .. } => "write the character itself as UTF-8, or both halves of its escape",
            NumberHasAFractionOrExponent { .. } => "write money in whole minor units: 12.50 USD is 1250",
            NumberIsOutOfRange { .. } => "check the number; 9007199254740991 is the largest that is taken",
            NumberHasALeadingZero { .. } | NumberIsNegativeZero { .. } => "write numbers like 0 or 1250",
            TextGoesOnAfterTheValue { .. } => "write one JSON value, and nothing behind it",
            _ => "check quotes, commas and brackets around this place",
        }
    }
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CanonicalError::*;
        let (sentence, at) = match self {
            TextIsTooLong { bytes, bytes_max } => {
                return write!(f, "the text has {bytes} bytes, {bytes_max} are allowed");
            }
            NestingIsTooDeep { at, depth_max } => {
                return write!(f, "more than {depth_max} arrays and objects are open at byte {at}");
            }
            ValueCannotBeSerialised { cause } => {
                return write!(f, "the value cannot be written as JSON: {cause}");
            }
            TextIsNotUtf8 { at } => ("the text is not UTF-8", at),
            TextEndsTooEarly { at } => ("the text ends too early", at),
            TextGoesOnAfterTheValue { at } => ("the text goes on after the value", at),
            CharacterIsUnexpected { at } => ("the character is unexpected", at),
            KeyIsRepeated { at } => ("the key repeats one of the same object", at),
            ControlCharacterIsNotEscaped { at } => ("the control character is not escaped", at),
            EscapeIsMalformed { at } => ("the escape is malformed", at),
            SurrogateIsAlone { at } => ("the surrogate has no partner", at),
            NumberHasAFractionOrExponent { at } => {
                ("the number has a fraction or an exponent, and only integers are taken", at)
            }
            NumberHasALeadingZero { at } => ("the number has a leading zero", at),
            NumberIsNegativeZero { at } => ("the number is negative zero, which is written 0", at),
            NumberIsOutOfRange { at } => ("the number is beyond plus or minus 2^53 - 1", at),
            TextIsNotCanonical { at } => ("the text is not canonical", at),
        };
        write!(f, "{sentence}, at byte {at}")
    }
}

impl core::error::Error for CanonicalError {}

/// Writes a value in canonical form (RFC 8785 section 3.2).
///
/// Keys are sorted here, whatever order the map of `value` has. Errors: a number that is not an integer within
/// ±[`INTEGER_MAX`], nesting deeper than [`DEPTH_MAX`]. The length is not limited; the caller knows where it goes.
pub fn to_bytes(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = String::new();
    write_value(&mut out, value, 0)?;
    Ok(out.into_bytes())
}

/// Writes anything serialisable in canonical form. Errors: as [`to_bytes`], and what the type's own `Serialize` says.
///
/// In one pass where the value has a plain form. What has none goes by way of `serde_json::to_value`, which turns a NaN
/// into `null` and keeps the last of two equal keys: types with floats or colliding `flatten` fields have no place in an
/// event.
pub fn of<T: Serialize + ?Sized>(t: &T) -> Result<Vec<u8>, CanonicalError> {
    text_of(t).map(String::into_bytes)
}

/// As [`of`], as text.
pub fn text_of<T: Serialize + ?Sized>(t: &T) -> Result<String, CanonicalError> {
    if let Ok(text) = write::text(t) {
        return Ok(text);
    }
    let value = serde_json::to_value(t)
        .map_err(|error| CanonicalError::ValueCannotBeSerialised { cause: error.to_string() })?;
    let mut out = String::new();
    write_value(&mut out, &value, 0)?;
    Ok(out)
}

/// Reads JSON text that nobody vouches for (RFC 8259, with RFC 7493's unique keys and no lone surrogates).
///
/// Whitespace, key order and escapes are free; everything else is as strict as the canonical form. Time and memory
/// are bounded by `limits`. Errors: every variant but the last two.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, CanonicalError> {
    let text = checked_text(bytes, limits)?;
    Reader::new(text, limits.depth_max).read()
}

/// Checks that `bytes` are exactly what [`to_bytes`] writes for the value they mean, within [`Limits::BODY`].
///
/// One pass, and no memory but for strings that contain escapes: replay runs this over every event of the log.
/// Errors: what [`parse`] finds wrong with the text, or else where it stops being canonical.
pub fn is_canonical(bytes: &[u8]) -> Result<(), CanonicalError> {
    checked_text(bytes, &Limits::BODY)?;
    scan::text(bytes, DEPTH_MAX).or_else(|at| {
        parse(bytes, &Limits::BODY)?;
        Err(CanonicalError::TextIsNotCanonical { at })
    })
}

fn checked_text<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, CanonicalError> {
    if bytes.len() > limits.bytes_max {
        return Err(CanonicalError::TextIsTooLong { bytes: bytes.len(), bytes_max: limits.bytes_max });
    }
    core::str::from_utf8(bytes).map_err(|error| CanonicalError::TextIsNotUtf8 { at: error.valid_up_to() })
}

/// The order of keys: by UTF-16 code units (RFC 8785 section 3.2.3).
///
/// UTF-8 bytes sort by code point, and UTF-16 differs from that in one place: surrogates (D800..DFFF), which stand for
/// everything above U+FFFF, sort before U+E000..U+FFFF. In UTF-8 those start with EE or EF, the characters above
/// U+FFFF with F0..F4. So bytes give the order of UTF-16 once EE and EF rank above F4.
#[inline]
fn utf16_order(a: &[u8], b: &[u8]) -> Ordering {
    let rank = |byte: &u8| if matches!(byte, 0xEE | 0xEF) { byte | 0x10 } else { *byte };
    let mut pairs = a.iter().zip(b);
    match pairs.find(|(a, b)| a != b) {
        Some((a, b)) => rank(a).cmp(&rank(b)),
        None => a.len().cmp(&b.len()),
    }
}

/// How a character inside a string is written, if not as itself (RFC 8785 section 3.2.2.2).
fn escape_of(c: char) -> Option<&'static str> {
    match c {
        '"' => Some("\\\""),
        '\\' => Some("\\\\"),
        _ => CONTROL_ESCAPES.get(c as usize).copied(),
    }
}

#[rustfmt::skip]
const CONTROL_ESCAPES: [&str; 0x20] = [
    "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
    "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
    "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
    "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
];

fn write_value(out: &mut String, value: &Value, depth: u8) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => write_integer(out, number)?,
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            let depth = one_deeper(depth, DEPTH_MAX, out.len())?;
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_value(out, item, depth)?;
            }
            out.push(']');
        }
        Value::Object(map) => {
            let depth = one_deeper(depth, DEPTH_MAX, out.len())?;
            let mut members: Vec<(&String, &Value)> = map.iter().collect();
            members.sort_unstable_by(|(a, _), (b, _)| utf16_order(a.as_bytes(), b.as_bytes()));
            out.push('{');
            for (i, (key, item)) in members.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item, depth)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_integer(out: &mut String, number: &Number) -> Result<(), CanonicalError> {
    let at = out.len();
    if number.is_f64() {
        return Err(CanonicalError::NumberHasAFractionOrExponent { at });
    }
    let integer = number.as_i64().filter(is_in_range).ok_or(CanonicalError::NumberIsOutOfRange { at })?;
    out.push_str(&integer.to_string());
    Ok(())
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match escape_of(c) {
            Some(escape) => out.push_str(escape),
            None => out.push(c),
        }
    }
    out.push('"');
}

/// How many bytes from the start stand for themselves inside a string: no quote, backslash or control character.
#[inline]
fn plain_len(bytes: &[u8]) -> usize {
    let (words, tail) = bytes.as_chunks();
    let mut len = 0;
    for word in words {
        match special_in(u64::from_le_bytes(*word)) {
            0 => len += word.len(),
            special => return len + special.trailing_zeros() as usize / 8,
        }
    }
    len + tail.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

/// Not 0 if one of eight bytes is a quote, a backslash or a control character; the lowest bit then shows the first one.
///
/// Of the bytes below 0x80, those below a limit are the ones whose highest bit is set when the limit is taken from them;
/// equal bytes are those that are below 1 once they are compared bit by bit. What a subtraction borrows from the bytes
/// after it can make one of those look special, never one before it.
#[inline]
fn special_in(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * EACH;
    let below = |word: u64, limit: u64| word.wrapping_sub(limit * EACH) & !word & HIGHEST;
    let equal = |byte: u8| below(word ^ (u64::from(byte) * EACH), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

/// The value and the number of the digits that the text begins with, if together they are an integer above 0 and in
/// range. What comes after them is left for the caller to trip over.
#[inline]
fn in_digits(text: &[u8]) -> Option<(i64, usize)> {
    const DIGITS_MAX: usize = 16;
    if !matches!(text, [b'1'..=b'9', ..]) {
        return None;
    }
    let mut value = 0;
    let mut len = 0;
    for byte in text.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()) {
        value = value * 10 + i64::from(byte - b'0');
        len += 1;
    }
    (len <= DIGITS_MAX && is_in_range(&value)).then_some((value, len))
}

fn is_in_range(integer: &i64) -> bool {
    (-INTEGER_MAX..=INTEGER_MAX).contains(integer)
}

fn one_deeper(depth: u8, depth_max: u8, at: usize) -> Result<u8, CanonicalError> {
    if depth < depth_max { Ok(depth + 1) } else { Err(CanonicalError::NestingIsTooDeep { at, depth_max }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use CanonicalError::*;
    use alloc::collections::BTreeMap;
    use alloc::format;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde::Deserialize as _;
    use serde_json::json;

    #[track_caller]
    fn check_written(text: &str, canonical: &str) {
        let value = parse(text.as_bytes(), &Limits::BODY).unwrap();
        assert_eq!(String::from_utf8(to_bytes(&value).unwrap()).unwrap(), canonical);
        assert_eq!(is_canonical(canonical.as_bytes()), Ok(()));
        assert_eq!(is_canonical(text.as_bytes()).is_ok(), text == canonical);
    }

    #[track_caller]
    fn check_refused(text: &[u8], why: CanonicalError) {
        assert_eq!(parse(text, &Limits::BODY), Err(why.clone()));
        assert_eq!(is_canonical(text), Err(why));
        check_typed(text);
    }

    /// Two ways to the same answer: the scan, and writing again what was read.
    #[track_caller]
    fn check_scan(text: &[u8]) {
        let written = parse(text, &Limits::BODY).and_then(|value| to_bytes(&value));
        assert_eq!(is_canonical(text).is_ok(), written.as_deref() == Ok(text), "{}", text.escape_ascii());
        check_typed(text);
    }

    /// Reading into a type takes nothing that is not canonical, leaves out nothing but escaped keys, and means the same.
    #[track_caller]
    fn check_typed(text: &[u8]) {
        let typed = typed::Text::of_body(text).and_then(|mut text| {
            let value = Value::deserialize(&mut text)?;
            text.end().map(|()| value)
        });
        let parsed = is_canonical(text).ok().map(|()| parse(text, &Limits::BODY).unwrap());
        match typed {
            Ok(value) => assert_eq!(Some(value), parsed, "{}", text.escape_ascii()),
            Err(_) => assert!(parsed.is_none() || text.contains(&b'\\'), "{}", text.escape_ascii()),
        }
    }

    /// What we take, serde_json takes and understands alike; what it takes beyond that, we refuse for a reason.
    #[track_caller]
    fn check_against_serde_json(text: &[u8]) {
        match (parse(text, &Limits::BODY), serde_json::from_slice::<Value>(text)) {
            (Ok(ours), theirs) => assert_eq!(ours, theirs.unwrap(), "{}", text.escape_ascii()),
            (Err(_), Err(_)) => {}
            (Err(why), Ok(_)) => assert!(
                matches!(
                    why,
                    KeyIsRepeated { .. }
                        | NestingIsTooDeep { .. }
                        | NumberHasAFractionOrExponent { .. }
                        | NumberIsNegativeZero { .. }
                        | NumberIsOutOfRange { .. }
                ),
                "{}: {why}",
                text.escape_ascii()
            ),
        }
    }

    #[test]
    fn values_are_written_in_canonical_form() {
        check_written(" [ null , true , false , 0 , -1 ] ", "[null,true,false,0,-1]");
        check_written("{}", "{}");
        check_written("[[],{}, \"\" ]", "[[],{},\"\"]");
        check_written("9007199254740991", "9007199254740991");
        check_written("-9007199254740991", "-9007199254740991");
        check_written(r#"{"b":1,"a":{"d":2,"c":3},"":0,"aa":4}"#, r#"{"":0,"a":{"c":3,"d":2},"aa":4,"b":1}"#);
    }

    #[test]
    fn strings_are_escaped_only_where_they_must_be() {
        check_written(
            r#""\u0000\u0008\u0009\u000a\u000b\u000C\u000d\u001F""#,
            r#""\u0000\b\t\n\u000b\f\r\u001f""#,
        );
        check_written(r#""\"\\\/\u002f\u0022\u005C""#, r#""\"\\//\"\\""#);
        check_written(r#""\u007f\u00e9\u20ac\u2028\ud83d\uDE02\uffff""#, "\"\u{7f}é€\u{2028}😂\u{ffff}\"");
        for byte in 0..0x20_u8 {
            let text = String::from(char::from(byte));
            let ours = to_bytes(&Value::from(text.as_str())).unwrap();
            assert_eq!(ours, serde_json::to_vec(&text).unwrap());
            check_scan(&ours);
            check_refused(&[b'"', byte, b'"'], ControlCharacterIsNotEscaped { at: 1 });
        }
    }

    #[test]
    fn special_bytes_are_found_wherever_they_stand() {
        let plainly =
            |bytes: &[u8]| bytes.iter().take_while(|b| !matches!(b, b'"' | b'\\' | 0..0x20)).count();
        for (one, other) in
            (0..=u8::MAX).flat_map(|one| [0, 0x1F, b' ', b'!', b'"', b'#', 0x80, 0xFF].map(|o| (one, o)))
        {
            for at in 0..17 {
                let bytes =
                    ["a".repeat(at).as_bytes(), &[one, other], "a".repeat(17 - at).as_bytes()].concat();
                assert_eq!(plain_len(&bytes), plainly(&bytes), "{one} {other} {at}");
            }
        }
    }

    #[test]
    fn keys_are_ordered_by_utf16_and_by_what_they_mean() {
        check_written("{\"\u{ff5e}\":1,\"😂\":2,\"\u{e000}\":3}", "{\"😂\":2,\"\u{e000}\":3,\"\u{ff5e}\":1}");
        // A newline sorts before `!` although its escape begins with a backslash, which sorts after.
        check_written(r#"{"!":1,"\n":2,"\"":3}"#, r#"{"\n":2,"!":1,"\"":3}"#);
    }

    #[test]
    fn text_that_is_not_in_the_subset_is_refused_with_reason_and_place() {
        check_refused(b"", TextEndsTooEarly { at: 0 });
        check_refused(b"{\"a\":", TextEndsTooEarly { at: 5 });
        check_refused(b"\"a", TextEndsTooEarly { at: 2 });
        check_refused(b"\"a\\", TextEndsTooEarly { at: 3 });
        check_refused(b"-", TextEndsTooEarly { at: 1 });
        check_refused(b"0 0", TextGoesOnAfterTheValue { at: 2 });
        check_refused(b"\"\xff\"", TextIsNotUtf8 { at: 1 });
        check_refused(b"\"\xed\xa0\x80\"", TextIsNotUtf8 { at: 1 });
        check_refused(b"\xef\xbb\xbf{}", CharacterIsUnexpected { at: 0 });
        check_refused(b"[1,]", CharacterIsUnexpected { at: 3 });
        check_refused(b"{\"a\":1,}", CharacterIsUnexpected { at: 7 });
        check_refused(b"{a:1}", CharacterIsUnexpected { at: 1 });
        check_refused(b"[1 2]", CharacterIsUnexpected { at: 3 });
        check_refused(b"{\"a\" 1}", CharacterIsUnexpected { at: 5 });
        check_refused(b"nul", CharacterIsUnexpected { at: 0 });
        check_refused(b"NaN", CharacterIsUnexpected { at: 0 });
        check_refused(b"+1", CharacterIsUnexpected { at: 0 });
        check_refused(b"- 1", CharacterIsUnexpected { at: 1 });
        check_refused(b"\x0b1", CharacterIsUnexpected { at: 0 });
        check_refused(br#"{"a":1,"a":1}"#, KeyIsRepeated { at: 7 });
        check_refused(br#"{"\n":1,"\n":1}"#, KeyIsRepeated { at: 8 });
        check_refused(br#"{"a":1,"b":2,"a":3}"#, KeyIsRepeated { at: 13 });
        check_refused(br#"[{"a":1,"\u0061":2}]"#, KeyIsRepeated { at: 8 });
        check_refused(br#"["\x"]"#, EscapeIsMalformed { at: 2 });
        check_refused(br#"["\u12"]"#, EscapeIsMalformed { at: 2 });
        check_refused(br#"["\u+123"]"#, EscapeIsMalformed { at: 2 });
        check_refused("[\"\\é\"]".as_bytes(), EscapeIsMalformed { at: 2 });
        check_refused(br#"["\ud83d\u"]"#, EscapeIsMalformed { at: 8 });
        check_refused(br#"["\ud83d"]"#, SurrogateIsAlone { at: 2 });
        check_refused(br#"["\ud83dx"]"#, SurrogateIsAlone { at: 2 });
        check_refused(br#"["\ud83d\ud83d"]"#, SurrogateIsAlone { at: 2 });
        check_refused(br#"["\ude02\ud83d"]"#, SurrogateIsAlone { at: 2 });
        check_refused(b"[1.5]", NumberHasAFractionOrExponent { at: 1 });
        check_refused(b"[56.0]", NumberHasAFractionOrExponent { at: 1 });
        check_refused(b"[-0.0]", NumberHasAFractionOrExponent { at: 1 });
        check_refused(b"[1E2]", NumberHasAFractionOrExponent { at: 1 });
        check_refused(b"[1e400]", NumberHasAFractionOrExponent { at: 1 });
        check_refused(b"[01]", NumberHasALeadingZero { at: 1 });
        check_refused(b"[-01]", NumberHasALeadingZero { at: 1 });
        check_refused(b"[-0]", NumberIsNegativeZero { at: 1 });
        check_refused(b"[9007199254740992]", NumberIsOutOfRange { at: 1 });
        check_refused(b"[-9007199254740992]", NumberIsOutOfRange { at: 1 });
        check_refused(b"[99999999999999999999999999]", NumberIsOutOfRange { at: 1 });
    }

    #[test]
    fn text_that_would_be_written_differently_is_not_canonical() {
        let check = |text: &str, at| {
            assert!(parse(text.as_bytes(), &Limits::BODY).is_ok());
            assert_eq!(is_canonical(text.as_bytes()), Err(TextIsNotCanonical { at }), "{text}");
        };
        check(" 1", 0);
        check("1\n", 1);
        check("[1, 2]", 3);
        check(r#"{"a" :1}"#, 4);
        check(r#"{"b":1,"a":2}"#, 7);
        check("{\"\u{e000}\":1,\"😂\":2}", 9);
        check(r#"["a\/"]"#, 3);
        check(r#"["\u000A"]"#, 2);
        check(r#"["\u000F"]"#, 2);
        check(r#"["\u00e9"]"#, 2);
        check(r#"["\ud83d\ude02"]"#, 2);
    }

    #[test]
    fn limits_hold_to_the_byte_and_to_the_level() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let too_deep = NestingIsTooDeep { at: 32, depth_max: DEPTH_MAX };
        check_written(&nested(32), &nested(32));
        let wide = format!("[{}[]]", "[],{},".repeat(100));
        check_written(&wide, &wide);
        check_refused(nested(33).as_bytes(), too_deep.clone());
        check_refused("[".repeat(BODY_BYTES_MAX).as_bytes(), too_deep.clone());
        check_refused(r#"{"":"#.repeat(33).as_bytes(), NestingIsTooDeep { at: 128, depth_max: DEPTH_MAX });

        let deep = Limits { bytes_max: usize::MAX, depth_max: u8::MAX };
        let value = parse(nested(255).as_bytes(), &deep).unwrap();
        assert_eq!(to_bytes(&value), Err(too_deep));
        assert!(matches!(parse(nested(256).as_bytes(), &deep), Err(NestingIsTooDeep { at: 255, .. })));
        let flat = Limits { bytes_max: 2, depth_max: 0 };
        assert_eq!(parse(b"42", &flat), Ok(json!(42)));
        assert_eq!(parse(b"[]", &flat), Err(NestingIsTooDeep { at: 0, depth_max: 0 }));
        assert_eq!(parse(b"123", &flat), Err(TextIsTooLong { bytes: 3, bytes_max: 2 }));

        let text = format!("\"{}\"", "x".repeat(BODY_BYTES_MAX - 2));
        check_written(&text, &text);
        check_refused(format!("{text} ").as_bytes(), TextIsTooLong { bytes: 65_536, bytes_max: 65_535 });
    }

    #[test]
    fn values_and_types_without_a_canonical_form_are_refused() {
        assert_eq!(to_bytes(&json!([56.0])), Err(NumberHasAFractionOrExponent { at: 1 }));
        assert_eq!(to_bytes(&json!({"a": 1_u64 << 53})), Err(NumberIsOutOfRange { at: 5 }));
        assert_eq!(to_bytes(&json!(u64::MAX)), Err(NumberIsOutOfRange { at: 0 }));
        assert_eq!(to_bytes(&json!(i64::MIN)), Err(NumberIsOutOfRange { at: 0 }));
        assert_eq!(of(&("a", 1, None::<u8>)).as_deref(), Ok(br#"["a",1,null]"#.as_slice()));
        assert_eq!(of(&(1.5, "a")), Err(NumberHasAFractionOrExponent { at: 1 }));
        assert_eq!(
            of(&BTreeMap::from([(1, 'b'), (-2, 'a')])).as_deref(),
            Ok(br#"{"-2":"a","1":"b"}"#.as_slice())
        );
        let key_is_a_list = BTreeMap::from([([1], 2)]);
        assert!(matches!(of(&key_is_a_list), Err(ValueCannotBeSerialised { .. })));
        let error = parse(b"{\"n\":1.5}", &Limits::BODY).unwrap_err();
        let sentence = "the number has a fraction or an exponent, and only integers are taken, at byte 5";
        assert_eq!(error.to_string(), sentence);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-INTEGER_MAX..=INTEGER_MAX).prop_map(Value::from),
            any_text().prop_map(Value::from),
        ];
        scalar.prop_recursive(5, 40, 6, |value| {
            prop_oneof![
                prop::collection::vec(value.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any_text(), value, 0..6)
                    .prop_map(|map| map.into_iter().collect::<Value>()),
            ]
        })
    }

    /// Short, and with many characters at the edges of UTF-16 order and of escaping.
    fn any_text() -> impl Strategy<Value = String> {
        let edges =
            "\0\u{8}\n\u{1f} !\"/09A\\a\u{7f}\u{80}é\u{d7ff}\u{e000}\u{fb33}\u{ffff}\u{10000}😂\u{10ffff}";
        let edge = select(edges.chars().collect::<Vec<_>>());
        prop::collection::vec(prop_oneof![4 => edge, 1 => any::<char>()], 0..6).prop_map(String::from_iter)
    }

    #[rustfmt::skip]
    const FRAGMENTS: [&str; 40] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83d", "\\ude02", "\\n", "\\u000f", "\\u000F", "\\u000a",
        "\\/", "0", "-", "1", "-0", "9007199254740991", "9007199254740992", ".", "e", " ", "\n", "\t", "a", "\"a\"",
        "\"b\":", "\"\u{e000}\":", "\"😂\":", "\"\\n\":", "true", "false", "null", "\u{feff}", "\u{1f}", ",\"b\":1", ",1",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_written_is_canonical_and_reads_back_the_same(value in any_value()) {
            let text = to_bytes(&value).unwrap();
            prop_assert_eq!(is_canonical(&text), Ok(()));
            prop_assert_eq!(parse(&text, &Limits::BODY), Ok(value));
            check_against_serde_json(&text);
        }

        #[test]
        fn a_type_is_written_straight_as_by_way_of_its_value(value in any_value(), number in any::<i64>()) {
            #[derive(Serialize)]
            enum Way<'a> { Unit, New(&'a Value), Two(&'a Value, bool), Named { z: &'a Value, a: char, b: Option<u8> } }
            let v = &value;
            let ways = [Way::Named { z: v, a: '"', b: None }, Way::Unit, Way::New(v), Way::Two(v, true)];
            let straight = write::text(&ways).map(String::into_bytes).ok();
            let by_value = to_bytes(&serde_json::to_value(&ways).unwrap()).unwrap();
            // Only a key that needs an escape sends a value the other way.
            let has_escaped_key = format!("{:?}", String::from_utf8_lossy(&by_value)).contains('\\');
            prop_assert!(straight.is_some() || has_escaped_key);
            prop_assert_eq!(straight.unwrap_or_else(|| by_value.clone()), by_value);
            prop_assert_eq!(of(&number), to_bytes(&Value::from(number)));
        }

        #[test]
        fn edited_canonical_text_is_judged_alike_both_ways(
            value in any_value(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4_usize, select(&FRAGMENTS)), 1..4),
        ) {
            let mut text = to_bytes(&value).unwrap();
            for (place, removed, added) in edits {
                let start = place.index(text.len() + 1);
                let end = text.len().min(start + removed);
                text.splice(start..end, added.bytes());
            }
            check_scan(&text);
            check_against_serde_json(&text);
        }

        #[test]
        fn json_like_text_is_judged_alike_both_ways(parts in prop::collection::vec(select(&FRAGMENTS), 0..12)) {
            let text = parts.concat();
            check_scan(text.as_bytes());
            check_against_serde_json(text.as_bytes());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            check_scan(&bytes);
            check_against_serde_json(&bytes);
        }

        #[test]
        fn the_order_of_keys_is_that_of_utf16(a in any_text(), b in any_text()) {
            prop_assert_eq!(utf16_order(a.as_bytes(), b.as_bytes()), a.encode_utf16().cmp(b.encode_utf16()));
        }
    }
}
