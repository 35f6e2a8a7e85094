//! Parameters of routes: one word says what a value may be, and both the check at the door and the schema in the
//! description of the API follow from it.

use replay::{
    ids::{ActorId, ClaimId, Code, OrderId, PolicyId, Stream},
    time::{Day, Month, When},
};
use serde_json::{Value, json};

use super::limits::{PAGE_ROWS, PAGE_ROWS_MAX, PARAM_BYTES_MAX};
use crate::error::{Error, ErrorKind, Result};

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the path, always there.
    Path,
    /// In the query string.
    Query,
    /// In the query string, and needed.
    Needed,
    /// The whole query string, whatever its names: a page reads what its own form sends, empty boxes included.
    Free,
}

/// One parameter of a route.
#[derive(Debug, Clone, Copy)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// What its value may be.
    pub is: Is,
    /// What it does.
    pub says: &'static str,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// A claim.
    Claim,
    /// An order.
    Order,
    /// A policy.
    Policy,
    /// An actor.
    Actor,
    /// A code.
    Code,
    /// `ledger`, `order/ID` or `claim/ID`.
    Stream,
    /// A position of the log, from 1.
    Position,
    /// A number from 0 to this.
    Number(u64),
    /// Rows of a page.
    Rows,
    /// A time with its offset.
    Time,
    /// A day, or a time with its offset.
    DayOrTime,
    /// A day.
    Day,
    /// A month.
    Month,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// Several of these words, with commas.
    SomeOf(&'static [&'static str]),
    /// Printable ASCII without blanks, of at most so many bytes.
    Text(usize),
}

/// Real days of the years that the ledger takes, as a regular expression.
macro_rules! day {
    () => {
        concat!(
            "(?:(?:197[1-9]|19[89][0-9]|2[01][0-9]{2}|22[0-4][0-9]|225[0-4])-",
            "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)",
            "|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:19(?:7[26]|8[048]|9[26])|20(?:[02468][048]|[13579][26])",
            "|21(?:0[48]|[2468][048]|[13579][26])|22(?:0[48]|[24][048]|[13][26]|52))-02-29)"
        )
    };
}
/// A day, where it stands for its end.
const DAY: &str = concat!("^", day!(), "$");
/// RFC 3339 with an offset of up to 18 hours, as [`When::parse`] reads it.
const TIME: &str = concat!(
    "^",
    day!(),
    r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?",
    "(?:Z|[+-](?:(?:0[0-9]|1[0-7]):[0-5][0-9]|18:00))$"
);

impl Is {
    /// Why a text is none, if it is none.
    ///
    /// # Errors
    /// The reason in words.
    pub fn check(self, text: &str) -> std::result::Result<(), String> {
        fn ok<T, E: ToString>(read: std::result::Result<T, E>) -> std::result::Result<(), String> {
            read.map(|_| ()).map_err(|why| why.to_string())
        }
        if text.len() > PARAM_BYTES_MAX {
            return Err(format!("it has more than {PARAM_BYTES_MAX} bytes"));
        }
        match self {
            Is::Claim => ok(ClaimId::new(text)),
            Is::Order => ok(OrderId::new(text)),
            Is::Policy => ok(PolicyId::new(text)),
            Is::Actor => ok(ActorId::new(text)),
            Is::Code => ok(Code::new(text)),
            Is::Stream => ok(text.parse::<Stream>()),
            Is::Position => number(text, 1, POSITION_MAX),
            Is::Number(max) => number(text, 0, max),
            Is::Rows => number(text, 1, PAGE_ROWS_MAX),
            Is::Time => ok(When::parse(text)),
            Is::DayOrTime => ok(day_or_time(text)),
            Is::Day => ok(Day::parse(text)),
            Is::Month => ok(Month::parse(text)),
            Is::Flag if matches!(text, "true" | "false") => Ok(()),
            Is::Flag => Err("write true or false".into()),
            Is::OneOf(words) if words.contains(&text) => Ok(()),
            Is::OneOf(words) => Err(format!("there are {}", words.join(", "))),
            Is::SomeOf(words) => match text.split(',').find(|word| !words.contains(word)) {
                None => Ok(()),
                Some(word) => Err(format!("'{word}' is none of {}", words.join(", "))),
            },
            Is::Text(max) if text.len() > max => Err(format!("it has more than {max} bytes")),
            Is::Text(_) if text.is_empty() => Err("it is empty".into()),
            Is::Text(_) if !text.bytes().all(|b| b.is_ascii_graphic()) => {
                Err("it holds something else than printable ASCII".into())
            }
            Is::Text(_) => Ok(()),
        }
    }

    /// The same as JSON Schema.
    pub fn schema(self) -> Value {
        let id = |what: &str| json!({ "type": "string", "title": what, "minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9._:@+-]+$" });
        match self {
            Is::Claim => id("claim id"),
            Is::Order => id("order id"),
            Is::Policy => id("policy id"),
            Is::Actor => id("actor id"),
            Is::Code => {
                json!({ "type": "string", "title": "code", "minLength": 1, "maxLength": 64, "pattern": r"^[A-Za-z0-9._:+/-]+$" })
            }
            Is::Stream => {
                json!({ "type": "string", "title": "stream", "pattern": r"^(ledger|(order|claim)/[A-Za-z0-9._:@+-]{1,64})$" })
            }
            Is::Position => json!({ "type": "integer", "minimum": 1, "maximum": POSITION_MAX }),
            Is::Number(max) => json!({ "type": "integer", "minimum": 0, "maximum": max }),
            Is::Rows => {
                json!({ "type": "integer", "minimum": 1, "maximum": PAGE_ROWS_MAX, "default": PAGE_ROWS })
            }
            Is::Time => json!({ "type": "string", "title": "time with offset", "pattern": TIME }),
            Is::DayOrTime => json!({ "anyOf": [
                { "type": "string", "title": "day", "pattern": DAY }, { "type": "string", "title": "time with offset", "pattern": TIME } ] }),
            Is::Day => json!({ "type": "string", "format": "date" }),
            Is::Month => json!({ "type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$" }),
            Is::Flag => json!({ "type": "boolean" }),
            Is::OneOf(words) => json!({ "type": "string", "enum": words }),
            Is::SomeOf(words) => {
                json!({ "type": "array", "items": { "type": "string", "enum": words }, "minItems": 1 })
            }
            Is::Text(max) => {
                json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": "^[!-~]+$" })
            }
        }
    }
}

/// Largest number that JSON keeps exactly.
const POSITION_MAX: u64 = (1 << 53) - 1;

fn number(text: &str, least: u64, most: u64) -> std::result::Result<(), String> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let found = text.parse::<u64>().ok().filter(|n| plain && (least..=most).contains(n));
    found.map(|_| ()).ok_or_else(|| format!("a whole number from {least} to {most} is expected"))
}

/// A time, or the end of a day in UTC.
///
/// # Errors
/// A text that is neither.
pub fn day_or_time(text: &str) -> std::result::Result<When, String> {
    match Day::parse(text) {
        Ok(day) => When::parse(&format!("{day}T23:59:59.999999Z")).map_err(|why| why.to_string()),
        Err(_) => When::parse(text).map_err(|why| why.to_string()),
    }
}

/// A value that is none of its kind, as an error.
pub fn bad(name: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, "bad_parameter", format!("{name}: {why}"))
        .at(name)
        .hint("/v1/openapi.json describes every parameter")
}

/// Parameters that are each good, and together are not.
pub fn contradict(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Usage, "parameters_contradict", why.into())
}

/// Reads a query string into the parameters that a route takes.
///
/// # Errors
/// A parameter that is unknown, given twice or bad.
pub fn read_query(takes: &[Param], query: &str) -> Result<Vec<(&'static str, String)>> {
    if takes.iter().any(|param| param.place == Place::Free) {
        return Ok(Vec::new());
    }
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let known = takes.iter().find(|param| param.name == name && param.place != Place::Path);
        let Some(param) = known else {
            let names: Vec<&str> =
                takes.iter().filter(|p| p.place != Place::Path).map(|param| param.name).collect();
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let text = format!("there is no parameter '{shown}' here");
            let error = Error::new(ErrorKind::Usage, "unknown_parameter", text);
            return Err(match names.is_empty() {
                true => error.hint("this takes no parameters"),
                false => error.hint(format!("there are {}", names.join(", "))),
            });
        };
        if found.iter().any(|(have, _)| *have == param.name) {
            return Err(bad(param.name, "it is given twice"));
        }
        param.is.check(&value).map_err(|why| bad(param.name, why))?;
        found.push((param.name, value.into_owned()));
    }
    let missing = takes
        .iter()
        .find(|param| param.place == Place::Needed && !found.iter().any(|(name, _)| *name == param.name));
    match missing {
        Some(param) => Err(bad(param.name, "it is needed")),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const TAKES: [Param; 3] = [
        Param { name: "id", place: Place::Path, is: Is::Claim, says: "" },
        Param { name: "as_of", place: Place::Query, is: Is::Position, says: "" },
        Param { name: "day", place: Place::Needed, is: Is::Day, says: "" },
    ];

    #[test]
    fn a_query_is_read_or_its_fault_is_named() {
        let read = |query: &str| read_query(&TAKES, query).map_err(|why| why.message);
        assert_eq!(
            read("day=2024-02-29&as_of=7").unwrap(),
            [("day", "2024-02-29".to_string()), ("as_of", "7".to_string())]
        );
        let faults = [
            ("", "day: it is needed"),
            ("day=2023-02-29", "day: "),
            ("day=2024-02-29&as_of=0", "as_of: a whole number from 1"),
            ("day=2024-02-29&as_of=+1", "as_of: a whole number from 1"),
            ("day=2024-02-29&day=2024-02-29", "day: it is given twice"),
            ("day=2024-02-29&id=C1", "there is no parameter 'id' here"),
            ("Day=2024-02-29", "there is no parameter 'Day' here"),
        ];
        for (query, why) in faults {
            assert!(read(query).unwrap_err().starts_with(why), "{query}: {:?}", read(query));
        }
    }
}
