//! What a request asks: names with values, as they stand in a query or in a form, and the moment that is looked at.

use form_urlencoded::{byte_serialize, parse};
use replay::{
    history::Cut,
    ids::Position,
    time::{Day, When},
};

/// Longest query or form that is read, in bytes. A form holds one event, and that has at most 65,535.
pub const FORM_BYTES_MAX: usize = 128 * 1024;

/// Names with values, in the order they came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `a=1&b=2`, percent-decoded. What is longer than [`FORM_BYTES_MAX`] is not read at all.
    pub fn read(text: &str) -> Self {
        if text.len() > FORM_BYTES_MAX {
            return Self::default();
        }
        Self(parse(text.as_bytes()).into_owned().collect())
    }
    /// The first value under a name, without blanks around it; empty counts as absent, since an empty box sends that.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(have, _)| have == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
    /// A number under a name.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.parse().ok()
    }
    /// Every name with its value.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
    /// The same with another value under one name; `None` takes the name out.
    pub fn with(&self, name: &str, value: Option<&str>) -> Self {
        let mut pairs: Vec<_> = self.0.iter().filter(|(have, _)| have != name).cloned().collect();
        pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self(pairs)
    }
    /// As it stands after a `?`; what is empty is left out.
    pub fn text(&self) -> String {
        let mut out = form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.0.iter().filter(|(_, value)| !value.trim().is_empty()) {
            out.append_pair(name, value.trim());
        }
        out.finish()
    }
}

/// An address with a query, or without one when there is nothing to ask.
pub fn href(path: &str, query: &Query) -> String {
    let text = query.text();
    if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
}

/// An address with a few names and values.
pub fn link(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    href(path, &Query(pairs.collect()))
}

/// One part of a path.
pub fn part(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// The parts of a path behind `/desk`, decoded.
pub fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    // A name without a value decodes to itself.
    parts.filter_map(|part| parse(part.as_bytes()).next().map(|(text, _)| text.into_owned())).collect()
}

/// The moment that a page looks at; by default all that is known now.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment {
    /// The cut through the log.
    pub cut: Cut,
    /// Something in the address that is no moment, by name.
    pub misread: Option<&'static str>,
}

impl Moment {
    /// Reads `as_of`, `known_at` and `effective_at`, with `prefix` before each name.
    pub fn read(query: &Query, prefix: &str) -> Self {
        let mut moment = Self::default();
        let mut time = |name: &'static str| {
            let text = query.get(&format!("{prefix}{name}"))?;
            let read = day_or_time(text);
            if read.is_none() {
                moment.misread = Some(name);
            }
            read
        };
        let (known, effective) = (time("known_at"), time("effective_at"));
        let as_of = query.get(&format!("{prefix}as_of"));
        let position = as_of.and_then(|text| text.parse().ok()).and_then(Position::new);
        if as_of.is_some() && position.is_none() {
            moment.misread = Some("as_of");
        }
        moment.cut = Cut { position, known_at: known.map(|w| w.at), effective_at: effective.map(|w| w.at) };
        moment
    }
    /// Whether it is now.
    pub fn is_now(&self) -> bool {
        self.cut == Cut::default()
    }
}

/// A time with its offset; a day means its end, UTC; a time without an offset is UTC, as a browser's box sends it.
fn day_or_time(text: &str) -> Option<When> {
    if let Ok(day) = Day::parse(text) {
        return When::parse(&format!("{day}T23:59:59.999999Z")).ok();
    }
    When::parse(text)
        .or_else(|_| When::parse(&format!("{text}Z")))
        .or_else(|_| When::parse(&format!("{text}:00Z")))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let query = Query::read("q=a%26b+c&as_of=12&empty=");
        assert_eq!(query.get("q"), Some("a&b c"));
        assert_eq!(query.get("empty"), None);
        assert_eq!(query.with("as_of", None).text(), "q=a%26b+c");
        assert_eq!(parts("/claims/A%2FB%3F/x"), ["claims", "A/B?", "x"]);
        assert_eq!(parts(&format!("/{}", part("ü/ö%"))), ["ü/ö%"]);
    }

    #[test]
    fn a_moment_is_read_in_every_form_that_a_box_sends() {
        for (text, micros) in [
            ("known_at=2024-04-08", 1_712_620_799_999_999),
            ("known_at=2024-04-08T14:05:00Z", 1_712_585_100_000_000),
            ("known_at=2024-04-08T14:05", 1_712_585_100_000_000),
            ("known_at=2024-04-08T09:05:00-05:00", 1_712_585_100_000_000),
        ] {
            let moment = Moment::read(&Query::read(text), "");
            assert_eq!(moment.cut.known_at.map(|at| at.micros()), Some(micros), "{text}");
        }
        assert_eq!(Moment::read(&Query::read("as_of=soon"), "").misread, Some("as_of"));
        assert!(Moment::read(&Query::default(), "").is_now());
    }
}
