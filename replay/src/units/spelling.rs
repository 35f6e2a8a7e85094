//! How units are written: `L1#2`, `L1#1-3`; strict in JSON, loose for people.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use super::{LINE_ID_LEN_MAX, LineId, Run, Runs, UNIT_NUMBER_MAX, UNIT_RANGES_MAX, Unit, Units};

/// How many characters of a text that could not be read are kept in the error.
const TEXT_SHOWN_MAX: usize = 60;

/// Why units could not be read. Each variant is a sentence, and their order is their precedence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum UnitsError {
    NotUnits {
        text: String,
    },
    NotALineId {
        text: String,
    },
    NumberOutOfRange {
        text: String,
    },
    RangeReversed {
        text: String,
    },
    /// One unit or range has one spelling, `L1#2` and not `L1#2-2`.
    NotCanonical {
        text: String,
        canonical: String,
    },
    OutOfOrder {
        before: String,
        after: String,
    },
    Overlapping {
        before: String,
        after: String,
    },
    /// Neighbours are written as one range.
    NotMerged {
        before: String,
        after: String,
    },
    TooManyRanges,
}

impl UnitsError {
    /// What to do about it, for people.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NotALineId { .. } => {
                "a line id has 1 to 40 letters, digits, points, underscores or hyphens"
            }
            Self::NotUnits { .. } => "write a unit as LINE#NUMBER, such as L1#2, and a range as L1#1-3",
            Self::NumberOutOfRange { .. } => "units are numbered from 1 to 10000000, without leading zeros",
            Self::RangeReversed { .. } => "write the lower number first, such as L1#1-3",
            Self::NotCanonical { .. } => "write a single unit without a range",
            Self::OutOfOrder { .. } => "sort by line in byte order, then by number",
            Self::Overlapping { .. } => "name each unit once",
            Self::NotMerged { .. } => "write neighbouring units as one range, such as L1#1-3",
            Self::TooManyRanges => "spread the units over several events of at most 1000 ranges each",
        }
    }
}

impl fmt::Display for UnitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALineId { text } => write!(f, "{text:?} is not a line id"),
            Self::NotUnits { text } => write!(f, "{text:?} names neither a unit nor a range of units"),
            Self::NumberOutOfRange { text } => {
                write!(f, "{text:?} is not a number from 1 to {UNIT_NUMBER_MAX}")
            }
            Self::RangeReversed { text } => write!(f, "the range {text:?} ends before it starts"),
            Self::NotCanonical { text, canonical } => write!(f, "{text:?} has to be written {canonical:?}"),
            Self::OutOfOrder { before, after } => write!(f, "{after} has to stand before {before}"),
            Self::Overlapping { before, after } => write!(f, "{before} and {after} have units in common"),
            Self::NotMerged { before, after } => {
                write!(f, "{before} and {after} have to be written as one range")
            }
            Self::TooManyRanges => write!(f, "there are more than {UNIT_RANGES_MAX} ranges of units"),
        }
    }
}

impl core::error::Error for UnitsError {}

impl LineId {
    /// Reads a line id; nothing is trimmed, and case matters.
    ///
    /// # Errors
    /// [`UnitsError::NotALineId`].
    pub fn parse(text: &str) -> Result<Self, UnitsError> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if (1..=LINE_ID_LEN_MAX).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.into()))
        } else {
            Err(UnitsError::NotALineId { text: shown(text) })
        }
    }
}

impl Unit {
    /// Reads `L1#2`.
    ///
    /// # Errors
    /// `NotUnits`, `NotALineId`, `NumberOutOfRange`.
    pub fn parse(text: &str) -> Result<Self, UnitsError> {
        let (line, number) =
            text.split_once('#').ok_or_else(|| UnitsError::NotUnits { text: shown(text) })?;
        Ok(Self { line: LineId::parse(line)?, number: parse_number(number)? })
    }
}

impl Units {
    /// Reads what people write: units and ranges in any order, also several in one text, separated by commas.
    /// Overlaps and neighbours are merged.
    ///
    /// # Errors
    /// `NotUnits`, `NotALineId`, `NumberOutOfRange`, `RangeReversed`; `TooManyRanges` after merging.
    pub fn parse_loose<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, UnitsError> {
        let pieces = texts.into_iter().flat_map(|text| text.split(','));
        let runs = pieces.map(|piece| parse_range(piece.trim())).collect::<Result<Vec<_>, _>>()?;
        let units = Self(Runs::merged(runs));
        if units.0.0.len() > UNIT_RANGES_MAX { Err(UnitsError::TooManyRanges) } else { Ok(units) }
    }
}

/// Reads `L1#2` or `L1#1-3`, and `L1#2-2` too.
fn parse_range(text: &str) -> Result<Run<()>, UnitsError> {
    let (line, numbers) = text.split_once('#').ok_or_else(|| UnitsError::NotUnits { text: shown(text) })?;
    let line = LineId::parse(line)?;
    let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
    let (first, last) = (parse_number(first)?, parse_number(last)?);
    if first > last {
        return Err(UnitsError::RangeReversed { text: shown(text) });
    }
    Ok(Run { line, first, last, state: () })
}

/// Reads a range in its one spelling.
fn parse_canonical(text: &str) -> Result<Run<()>, UnitsError> {
    let run = parse_range(text)?;
    if run.first == run.last && text.contains('-') && run.to_string() != text {
        return Err(UnitsError::NotCanonical { text: shown(text), canonical: run.to_string() });
    }
    Ok(run)
}

/// Whether `after` may be written behind `before`.
fn check_order(before: &Run<()>, after: &Run<()>) -> Result<(), UnitsError> {
    let names = || (before.to_string(), after.to_string());
    if (&after.line, after.last) < (&before.line, before.first) {
        let (before, after) = names();
        Err(UnitsError::OutOfOrder { before, after })
    } else if after.line == before.line && after.first <= before.last {
        let (before, after) = names();
        Err(UnitsError::Overlapping { before, after })
    } else if after.line == before.line && after.first == before.last.saturating_add(1) {
        let (before, after) = names();
        Err(UnitsError::NotMerged { before, after })
    } else {
        Ok(())
    }
}

/// Digits only, no leading zero: one spelling.
fn parse_number(text: &str) -> Result<u32, UnitsError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    let number = text.parse().ok().filter(|number| plain && *number <= UNIT_NUMBER_MAX);
    number.ok_or_else(|| UnitsError::NumberOutOfRange { text: shown(text) })
}

fn shown(text: &str) -> String {
    text.chars().take(TEXT_SHOWN_MAX).collect()
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}#{}", self.line, self.number))
    }
}

impl fmt::Display for Run<()> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.line, self.first)?;
        if self.last > self.first { write!(f, "-{}", self.last) } else { Ok(()) }
    }
}

/// `L1#1-3, L2#1`, or `no units`.
impl fmt::Display for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no units");
        }
        for (at, run) in self.0.0.iter().enumerate() {
            write!(f, "{}{run}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl Serialize for LineId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Serialize for Unit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Run<()> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Refuses what could not be read back: the same limit on both sides.
impl Serialize for Units {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.0.len() > UNIT_RANGES_MAX {
            return Err(ser::Error::custom(UnitsError::TooManyRanges));
        }
        serializer.collect_seq(&self.0.0)
    }
}

/// Reads a string: what is expected, and how to read it.
struct Text<T>(&'static str, fn(&str) -> Result<T, UnitsError>);

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for LineId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("a line id such as \"L1\"", Self::parse))
    }
}

impl<'de> Deserialize<'de> for Unit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("a unit such as \"L1#2\"", Self::parse))
    }
}

impl<'de> Deserialize<'de> for Run<()> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Text("units such as \"L1#2\" or \"L1#1-3\"", parse_canonical))
    }
}

/// Takes the canonical form only, so that equal sets are equal bytes; [`Units::parse_loose`] is for people.
impl<'de> Deserialize<'de> for Units {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Ranges;

        impl<'de> Visitor<'de> for Ranges {
            type Value = Units;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of units such as [\"L1#1-3\", \"L2#1\"]")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Units, A::Error> {
                let mut runs: Vec<Run<()>> = Vec::new();
                while let Some(run) = seq.next_element()? {
                    if let Some(before) = runs.last() {
                        check_order(before, &run).map_err(de::Error::custom)?;
                    }
                    if runs.len() >= UNIT_RANGES_MAX {
                        return Err(de::Error::custom(UnitsError::TooManyRanges));
                    }
                    runs.push(run);
                }
                Ok(Units(Runs(runs)))
            }
        }

        deserializer.deserialize_seq(Ranges)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use super::*;
    use alloc::borrow::Cow;
    use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

    impl JsonSchema for LineId {
        fn schema_name() -> Cow<'static, str> {
            "LineId".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}$" })
        }
    }

    impl JsonSchema for Unit {
        fn schema_name() -> Cow<'static, str> {
            "Unit".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9._-]{1,40}#([1-9][0-9]{0,6}|10000000)$" })
        }
    }

    impl JsonSchema for Units {
        fn schema_name() -> Cow<'static, str> {
            "Units".into()
        }

        fn json_schema(_: &mut SchemaGenerator) -> Schema {
            json_schema!({
                "description": "A set of units: sorted, disjoint ranges, neighbours merged.",
                "type": "array",
                "items": {
                    "type": "string",
                    "pattern": "^[A-Za-z0-9._-]{1,40}#([1-9][0-9]{0,6}|10000000)(-([1-9][0-9]{0,6}|10000000))?$",
                },
                "maxItems": UNIT_RANGES_MAX,
                "uniqueItems": true,
            })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn units(text: &str) -> Units {
        Units::parse_loose([text]).unwrap()
    }

    /// The canonical spelling of what people write, or the sentence of the error.
    fn loose(text: &str) -> String {
        Units::parse_loose([text]).map_or_else(|error| error.to_string(), |units| units.to_string())
    }

    #[test]
    fn people_write_units_in_any_order() {
        for (text, expected) in [
            ("L1#2", "L1#2"),
            ("L2#1, L1#3,L1#1-2", "L1#1-3, L2#1"),
            ("L1#2-2,L1#2", "L1#2"),
            ("L1#1-9,L1#3,L1#8-12,L1#14", "L1#1-12, L1#14"),
            ("a#1,L10#1,L2#1,a-b#1-2", "L10#1, L2#1, a#1, a-b#1-2"),
            ("L1#1-10000000", "L1#1-10000000"),
            ("L1", r#""L1" names neither a unit nor a range of units"#),
            ("L1#1,,L1#2", r#""" names neither a unit nor a range of units"#),
            ("L 1#1", r#""L 1" is not a line id"#),
            ("#1", r#""" is not a line id"#),
            ("L1#0", r#""0" is not a number from 1 to 10000000"#),
            ("L1#10000001", r#""10000001" is not a number from 1 to 10000000"#),
            ("L1#01", r#""01" is not a number from 1 to 10000000"#),
            ("L1#+1", r#""+1" is not a number from 1 to 10000000"#),
            ("L1#1-2-3", r#""2-3" is not a number from 1 to 10000000"#),
            ("L1#", r#""" is not a number from 1 to 10000000"#),
            ("L1#5-3", r#"the range "L1#5-3" ends before it starts"#),
        ] {
            assert_eq!(loose(text), expected, "{text}");
        }
        let every_other: Vec<String> = (0..=1_000).map(|at| format!("L1#{}", 2 * at + 1)).collect();
        let every_other = || every_other.iter().map(String::as_str);
        assert_eq!(Units::parse_loose(every_other()), Err(UnitsError::TooManyRanges));
        assert_eq!(Units::parse_loose(every_other().take(UNIT_RANGES_MAX)).unwrap().count(), 1_000);
    }

    #[test]
    fn json_takes_one_spelling_only() {
        let json = r#"["L1#1-80995","L2#1","L2#3"]"#;
        let set: Units = serde_json::from_str(json).unwrap();
        assert_eq!((set.count(), serde_json::to_string(&set).unwrap().as_str()), (80_997, json));
        assert!(serde_json::from_str::<Units>("[]").unwrap().is_empty());
        for (json, sentence) in [
            (r#"["L1#2-2"]"#, r#""L1#2-2" has to be written "L1#2""#),
            (r#"["L2#1","L1#1"]"#, "L1#1 has to stand before L2#1"),
            (r#"["L1#5","L1#1-2"]"#, "L1#1-2 has to stand before L1#5"),
            (r#"["L1#1-3","L1#3-4"]"#, "L1#1-3 and L1#3-4 have units in common"),
            (r#"["L1#3-9","L1#1-4"]"#, "L1#3-9 and L1#1-4 have units in common"),
            (r#"["L1#1","L1#1"]"#, "L1#1 and L1#1 have units in common"),
            (r#"["L1#1","L1#2"]"#, "L1#1 and L1#2 have to be written as one range"),
            (r#"[" L1#1"]"#, r#"" L1" is not a line id"#),
            (r#"["L1#1, L1#3"]"#, "is not a number from 1 to 10000000"),
            (r#"[1]"#, "expected units such as"),
            (r#""L1#1""#, "expected an array of units"),
        ] {
            let error = serde_json::from_str::<Units>(json).unwrap_err().to_string();
            assert!(error.contains(sentence), "{json}: {error}");
        }
        let many =
            (0..=1_000).fold(Units::default(), |all, at| all.union(&units(&format!("L1#{}", 2 * at + 1))));
        assert!(serde_json::to_string(&many).unwrap_err().to_string().contains("more than 1000 ranges"));
    }

    #[test]
    fn single_units_and_lines() {
        let unit: Unit = serde_json::from_str(r#""A-1.b_c#12""#).unwrap();
        assert_eq!(
            (unit.line().as_str(), unit.number(), unit.to_string().as_str()),
            ("A-1.b_c", 12, "A-1.b_c#12")
        );
        assert!(LineId::parse(&"x".repeat(40)).is_ok() && LineId::parse(&"x".repeat(41)).is_err());
        assert!(
            LineId::parse("ü").is_err() && LineId::parse("L1#1").is_err() && Unit::parse("L1#1-2").is_err()
        );
        let line = LineId::parse("L1").unwrap();
        assert_eq!(Units::from_line(line.clone(), 3).unwrap().to_string(), "L1#1-3");
        assert_eq!(
            Units::from_line(line.clone(), 1).unwrap(),
            Units::from(Unit::new(line.clone(), 1).unwrap())
        );
        assert!(
            Units::from_line(line.clone(), 0).is_err()
                && Units::from_line(line, UNIT_NUMBER_MAX + 1).is_err()
        );
        let set = units("L1#1,L1#3,L2#1");
        assert_eq!(set.lines().map(LineId::as_str).collect::<Vec<_>>(), ["L1", "L2"]);
        assert_eq!(Units::default().to_string(), "no units");
    }

    #[test]
    fn errors_are_bounded_and_hints_name_the_limits() {
        let error = Units::parse_loose([&*"x".repeat(70_000)]).unwrap_err();
        assert!(error.to_string().len() < 200);
        let text = String::new;
        for (error, limit) in [
            (UnitsError::NotALineId { text: text() }, LINE_ID_LEN_MAX.to_string()),
            (UnitsError::NumberOutOfRange { text: text() }, UNIT_NUMBER_MAX.to_string()),
            (UnitsError::TooManyRanges, UNIT_RANGES_MAX.to_string()),
        ] {
            assert!(error.hint().contains(&limit), "{error}");
        }
    }

    #[cfg(feature = "schema")]
    #[test]
    fn schema_of_units() {
        let schema = schemars::schema_for!(Units).to_value();
        assert_eq!(schema.pointer("/maxItems"), Some(&UNIT_RANGES_MAX.into()));
        assert!(schema.pointer("/items/pattern").is_some());
        // The patterns spell the limits out.
        assert_eq!((LINE_ID_LEN_MAX, UNIT_NUMBER_MAX), (40, 10_000_000));
    }
}
