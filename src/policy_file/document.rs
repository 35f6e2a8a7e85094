//! TOML with places: every value knows its file and line, and becomes JSON that has a canonical form.

use replay::{
    canonical::{DEPTH_MAX, INTEGER_MAX},
    time::Day,
};
use serde_json::{Map, Value};
use toml::{
    Spanned,
    de::{DeArray, DeTable, DeValue},
};

use super::{FILE_BYTES_MAX, fault::Fault};
use crate::error::{Error, Result};

/// Deepest nesting of a body: inside an event it stands in the payload, which stands in the envelope.
const BODY_DEPTH_MAX: u8 = DEPTH_MAX - 2;

/// A TOML file that was read.
pub(super) struct Document<'a> {
    name: &'a str,
    /// Where each line ends: a policy asks for the line of each of its values.
    breaks: Vec<usize>,
    root: Spanned<DeTable<'a>>,
}

impl<'a> Document<'a> {
    /// Reads a text; `name` is what errors call it.
    ///
    /// # Errors
    /// `not_toml` with the line of the first fault, `file_is_too_long`.
    pub(super) fn parse(name: &'a str, text: &'a str) -> Result<Self> {
        if text.len() > FILE_BYTES_MAX {
            return Err(Fault::FileIsTooLong.at(name, 1, ""));
        }
        let root = DeTable::parse(text).map_err(|why| {
            let offset = why.span().map_or(text.len(), |span| span.start);
            Fault::NotToml { why: why.message().into() }.at(name, line_of(text.as_bytes(), offset), "")
        })?;
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect();
        Ok(Self { name, breaks, root })
    }
    /// What errors call it.
    pub(super) fn name(&self) -> &str {
        self.name
    }
    /// The file as one table.
    pub(super) fn root(&self) -> Node<'_> {
        Node { document: self, key: "", is_item: false, offset: 0, value: Item::Table(self.root.get_ref()) }
    }
}

/// A value in a document.
#[derive(Clone, Copy)]
pub(super) struct Node<'d> {
    document: &'d Document<'d>,
    key: &'d str,
    is_item: bool,
    offset: usize,
    value: Item<'d>,
}

#[derive(Clone, Copy)]
enum Item<'d> {
    Table(&'d DeTable<'d>),
    List(&'d DeArray<'d>),
    Scalar(&'d DeValue<'d>),
}

impl<'d> Node<'d> {
    fn below(&self, key: &'d str, is_item: bool, value: &'d Spanned<DeValue<'d>>) -> Self {
        let item = match value.get_ref() {
            DeValue::Table(table) => Item::Table(table),
            DeValue::Array(list) => Item::List(list),
            scalar => Item::Scalar(scalar),
        };
        Self { document: self.document, key, is_item, offset: value.span().start, value: item }
    }
    /// The key it stands under; an entry of a list has the key of the list.
    pub(super) fn key(&self) -> &'d str {
        self.key
    }
    /// An error at this place.
    pub(super) fn fault(&self, fault: Fault) -> Error {
        let field = if self.is_item { format!("an entry of {}", self.key) } else { self.key.into() };
        fault.at(self.document.name, self.line(), &field)
    }
    /// The line it begins in, from 1.
    pub(super) fn line(&self) -> usize {
        self.document.breaks.partition_point(|end| *end < self.offset) + 1
    }
    /// What errors call its file.
    pub(super) fn file(&self) -> &'d str {
        self.document.name
    }
    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        matches!(self.value, Item::List(_))
    }
    /// Says of an error elsewhere which line of this document led to it, and what to do unless that is known.
    pub(super) fn placed(&self, why: Error, hint: &str) -> Error {
        // A file that is not there is a matter of this entry; everything else knows its own hint.
        let ours = why.hint.is_none() || why.code == "file_not_found";
        let why = if ours { why.hint(hint) } else { why };
        why.at(format_args!("{}:{}", self.document.name, self.line()))
    }

    fn table(&self) -> Result<&'d DeTable<'d>> {
        match self.value {
            Item::Table(table) => Ok(table),
            _ => Err(self.fault(Fault::type_is("a table", "[windows], or a = { b = 1 }"))),
        }
    }
    /// The entries of a table, in the order of the file.
    pub(super) fn entries(&self) -> Result<Vec<Self>> {
        let table = self.table()?;
        let mut keys: Vec<_> = table.iter().collect();
        keys.sort_by_key(|(key, _)| key.span().start);
        Ok(keys.into_iter().map(|(key, value)| self.below(key.get_ref(), false, value)).collect())
    }
    /// The entry of a table under this key.
    pub(super) fn get(&self, key: &str) -> Result<Option<Self>> {
        let found = self.table()?.iter().find(|(known, _)| known.get_ref() == key);
        Ok(found.map(|(key, value)| self.below(key.get_ref(), false, value)))
    }
    /// The entry of a table under this key, which has to be there.
    pub(super) fn required(&self, key: &str) -> Result<Self> {
        self.get(key)?.ok_or_else(|| {
            let field = if self.key.is_empty() { key.into() } else { format!("{}.{key}", self.key) };
            self.fault(Fault::FieldIsMissing { field })
        })
    }
    /// The entries of a list.
    pub(super) fn list(&self, what: &'static str, like: &'static str) -> Result<Vec<Self>> {
        match self.value {
            Item::List(list) => Ok(list.iter().map(|value| self.below(self.key, true, value)).collect()),
            _ => Err(self.fault(Fault::type_is(what, like))),
        }
    }
    /// What is inside: the entries of a table or a list, nothing inside a scalar.
    pub(super) fn children(&self) -> Result<Vec<Self>> {
        match self.value {
            Item::Table(_) => self.entries(),
            Item::List(_) => self.list("a list", "[ ]"),
            Item::Scalar(_) => Ok(Vec::new()),
        }
    }
    /// The rows of a list of tables.
    pub(super) fn rows(&self) -> Result<Vec<Self>> {
        let rows = self.list("a list of rows", "[[fee]], with double brackets above each row")?;
        rows.iter().try_for_each(|row| row.table().map(drop))?;
        Ok(rows)
    }
    /// A text that is not empty.
    pub(super) fn text(&self) -> Result<&'d str> {
        match self.value {
            Item::Scalar(DeValue::String(text)) if text.trim().is_empty() => {
                Err(self.fault(Fault::value_is("it is empty")))
            }
            Item::Scalar(DeValue::String(text)) => Ok(text),
            _ => Err(self.fault(Fault::type_is("a text", "\"refund\", in quotes"))),
        }
    }
    /// A whole number.
    pub(super) fn integer(&self) -> Result<i64> {
        match self.value {
            Item::Scalar(DeValue::Integer(number)) => i64::from_str_radix(number.as_str(), number.radix())
                .ok()
                .filter(|n| (-INTEGER_MAX..=INTEGER_MAX).contains(n))
                .ok_or_else(|| self.fault(Fault::NumberIsOutOfRange)),
            Item::Scalar(DeValue::Float(_)) => Err(self.fault(Fault::NumberHasAFraction)),
            _ => Err(self.fault(Fault::type_is("a whole number", "14, without quotes"))),
        }
    }
    /// A date.
    pub(super) fn day(&self) -> Result<Day> {
        let Item::Scalar(DeValue::Datetime(date)) = self.value else {
            return Err(self.fault(Fault::type_is("a date", "2024-01-31, without quotes")));
        };
        if date.time.is_some() || date.date.is_none() {
            return Err(self.fault(Fault::TimeOfDay));
        }
        Day::parse(&date.to_string()).map_err(|why| self.fault(Fault::value_is(why)))
    }

    /// The value as JSON that has a canonical form: dates become ISO texts, numbers are integers within ±(2^53-1).
    ///
    /// # Errors
    /// `number_has_a_fraction`, `number_is_out_of_range`, `time_of_day`, `nesting_is_too_deep`.
    pub(super) fn json(&self) -> Result<Value> {
        // The entry of a body lies one level below it.
        self.json_below(2)
    }
    fn json_below(&self, depth: u8) -> Result<Value> {
        let is_nested = !matches!(self.value, Item::Scalar(_));
        if is_nested && depth > BODY_DEPTH_MAX {
            return Err(self.fault(Fault::NestingIsTooDeep { levels: BODY_DEPTH_MAX }));
        }
        Ok(match self.value {
            Item::Table(_) => {
                let pairs = self.entries()?.into_iter().map(|e| Ok((e.key.into(), e.json_below(depth + 1)?)));
                Value::Object(pairs.collect::<Result<Map<_, _>>>()?)
            }
            Item::List(_) => {
                let items = self.list("a list", "[ ]")?.into_iter().map(|item| item.json_below(depth + 1));
                Value::Array(items.collect::<Result<_>>()?)
            }
            Item::Scalar(DeValue::String(text)) => Value::from(text.as_ref()),
            Item::Scalar(DeValue::Boolean(flag)) => Value::from(*flag),
            Item::Scalar(DeValue::Datetime(_)) => Value::from(self.day()?.to_string()),
            Item::Scalar(_) => Value::from(self.integer()?),
        })
    }
}

/// The line of a byte offset, from 1.
pub(super) fn line_of(text: &[u8], offset: usize) -> usize {
    text.iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
