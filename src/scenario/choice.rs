//! Units as a story names them: every unit of the claim, of a line, or single ones.

use replay::units::{LineId, Units};
use serde::{
    Deserialize, Deserializer,
    de::{self, SeqAccess, Visitor},
};
use std::fmt;

use super::format::Order;
use crate::error::{Error, Result};

/// Most entries of one list of units.
pub const ENTRIES_MAX: usize = 1_000;

/// `"*"`, `"L1"`, `"L1#1"`, or a list of such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice(Vec<String>);

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = Choice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"units such as "*", "L1" or "L1#1", or a list of them"#)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Choice, E> {
                Ok(Choice(vec![text.into()]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Choice, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element::<String>()? {
                    if words.len() >= ENTRIES_MAX {
                        return Err(de::Error::custom(format!("a list has at most {ENTRIES_MAX} units")));
                    }
                    words.push(word);
                }
                if words.is_empty() {
                    Err(de::Error::custom("a list names no unit"))
                } else {
                    Ok(Choice(words))
                }
            }
        }
        d.deserialize_any(Words)
    }
}

impl Choice {
    /// The units that are meant. `all` is what `"*"` stands for, and what a line is narrowed to where both have
    /// units in common.
    ///
    /// # Errors
    /// Text that names no unit, and units that were not sold.
    pub fn resolve(&self, order: &Order, all: &Units) -> Result<Units> {
        self.0.iter().try_fold(Units::default(), |units, word| Ok(units.union(&one(word, order, all)?)))
    }
}

fn one(word: &str, order: &Order, all: &Units) -> Result<Units> {
    let bad = |why: String| {
        let hint = r#"write "*" for all, a line such as "L1", a unit such as "L1#1", or a list of them"#;
        Error::unreadable("bad_units", format!("units: {why}")).hint(hint)
    };
    if word == "*" {
        return Ok(all.clone());
    }
    let sold = order.units()?;
    if word.contains('#') {
        let units = Units::parse_loose([word]).map_err(|why| bad(why.to_string()))?;
        let missing = units.difference(&sold);
        return if missing.is_empty() { Ok(units) } else { Err(bad(format!("{missing} was not sold"))) };
    }
    let id = LineId::parse(word).map_err(|why| bad(why.to_string()))?;
    let line = order.lines.iter().find(|line| line.id == id);
    let line = line.ok_or_else(|| bad(format!("the order has no line {id}")))?.units()?;
    let own = line.intersection(all);
    Ok(if own.is_empty() { line } else { own })
}
