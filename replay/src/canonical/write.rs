//! Anything serialisable straight into canonical text, for [`super::of`], without a `Value` in between.
//!
//! Members of an object are written as they come. Most types name their fields in canonical order, so most objects
//! are done when their last member is; the others are put in order when they close. Whatever has no canonical form,
//! or one that takes thought (an escaped key, a key given twice, a number that is no integer), is [`Unusual`]: the
//! caller then takes the way through `Value`, which knows what to say about it.

use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt::{self, Display, Write as _};
use core::ops::Range;

use serde::ser::{self, Serialize};

use super::{DEPTH_MAX, escape_of, is_in_range, plain_len, utf16_order};

/// Not to be written this way.
#[derive(Debug)]
pub(super) struct Unusual;

impl Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value is unusual")
    }
}
impl core::error::Error for Unusual {}
impl ser::Error for Unusual {
    fn custom<T: Display>(_: T) -> Self {
        Unusual
    }
}

/// The canonical text of a value.
pub(super) fn text<T: Serialize + ?Sized>(value: &T) -> Result<String, Unusual> {
    let mut writer = Writer {
        out: String::with_capacity(BODY_BYTES_USUAL),
        members: Vec::with_capacity(MEMBERS_USUAL),
        sorted: String::new(),
        depth: 0,
    };
    value.serialize(&mut writer)?;
    Ok(writer.out)
}

/// Room for the text of a usual event.
const BODY_BYTES_USUAL: usize = 1_024;
/// Room for the members of a usual event that are open at once.
const MEMBERS_USUAL: usize = 32;

struct Writer {
    out: String,
    /// Where the key and the value of each member of the open objects stand, the innermost object last.
    members: Vec<Member>,
    /// Where members are put in order; empty in between.
    sorted: String,
    depth: u8,
}

/// A member as it stands in the text, without the comma before it.
#[derive(Clone)]
struct Member {
    /// The key without its quotes.
    key: Range<usize>,
    /// The byte after the value.
    end: usize,
}

impl Writer {
    fn open(&mut self, mark: char) -> Result<(), Unusual> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth <= DEPTH_MAX).ok_or(Unusual)?;
        self.out.push(mark);
        Ok(())
    }
    fn close(&mut self, mark: char) {
        self.depth = self.depth.saturating_sub(1);
        self.out.push(mark);
    }
    fn integer(&mut self, integer: Option<i64>) -> Result<(), Unusual> {
        let integer = integer.filter(is_in_range).ok_or(Unusual)?;
        if integer < 0 {
            self.out.push('-');
        }
        // From the last digit to the first; the range has sixteen.
        let mut digits = [b'0'; 16];
        let mut first = digits.len();
        let mut left = integer.unsigned_abs();
        for (at, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(left % 10).unwrap_or(0);
            first = at;
            left /= 10;
            if left == 0 {
                break;
            }
        }
        let digits = digits.get(first..).and_then(|digits| core::str::from_utf8(digits).ok());
        self.out.push_str(digits.ok_or(Unusual)?);
        Ok(())
    }
    fn string(&mut self, text: &str) {
        self.out.push('"');
        self.inside(text);
        self.out.push('"');
    }
    /// What stands between the quotes.
    fn inside(&mut self, text: &str) {
        let mut rest = text;
        while let Some((plain, special)) = rest.split_at_checked(plain_len(rest.as_bytes())) {
            self.out.push_str(plain);
            let mut chars = special.chars();
            let Some(escape) = chars.next().and_then(escape_of) else { break };
            self.out.push_str(escape);
            rest = chars.as_str();
        }
    }
    fn object(&mut self) -> Result<Object<'_>, Unusual> {
        self.open('{')?;
        Ok(Object { first: self.members.len(), closes_two: false, writer: self })
    }
    fn list(&mut self) -> Result<List<'_>, Unusual> {
        self.open('[')?;
        Ok(List { is_empty: true, closes_two: false, writer: self })
    }
    /// `{"variant":`, to be closed by the caller: JSON's form of a variant with content.
    fn variant(&mut self, name: &str) -> Result<(), Unusual> {
        self.open('{')?;
        self.string(name);
        self.out.push(':');
        Ok(())
    }
}

/// Text that is printed piece by piece.
struct Inside<'a>(&'a mut Writer);

impl fmt::Write for Inside<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.inside(text);
        Ok(())
    }
}

struct List<'a> {
    writer: &'a mut Writer,
    is_empty: bool,
    /// Whether the object around a variant closes with it.
    closes_two: bool,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, item: &T) -> Result<(), Unusual> {
        if !core::mem::take(&mut self.is_empty) {
            self.writer.out.push(',');
        }
        item.serialize(&mut *self.writer)
    }
    fn done(self) {
        self.writer.close(']');
        if self.closes_two {
            self.writer.close('}');
        }
    }
}

struct Object<'a> {
    writer: &'a mut Writer,
    /// The number of its first member in [`Writer::members`].
    first: usize,
    /// Whether the object around a variant closes with it.
    closes_two: bool,
}

impl Object<'_> {
    /// The key of a field: what Rust or serde calls it, and nothing to be escaped.
    fn name(&mut self, name: &'static str) {
        debug_assert!(plain_len(name.as_bytes()) == name.len(), "{name}");
        let Writer { out, members, .. } = &mut *self.writer;
        out.push_str(if members.len() > self.first { ",\"" } else { "\"" });
        let start = out.len();
        out.push_str(name);
        let end = out.len();
        out.push_str("\":");
        members.push(Member { key: start..end, end });
    }
    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unusual> {
        let writer = &mut *self.writer;
        if writer.members.len() > self.first {
            writer.out.push(',');
        }
        let start = writer.out.len();
        key.serialize(&mut *writer)?;
        // Quotes around the key; anything else was no string.
        let end = writer.out.len().checked_sub(1).filter(|end| *end > start).ok_or(Unusual)?;
        let key = start.saturating_add(1)..end;
        let text = writer.out.as_bytes();
        let written = text.get(key.clone()).ok_or(Unusual)?;
        if text.get(start) != Some(&b'"') || written.contains(&b'\\') {
            return Err(Unusual);
        }
        writer.members.push(Member { key, end });
        writer.out.push(':');
        Ok(())
    }
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        let (depth, members) = (self.writer.depth, self.writer.members.len());
        value.serialize(&mut *self.writer)?;
        debug_assert!(depth == self.writer.depth && members == self.writer.members.len());
        let end = self.writer.out.len();
        self.writer.members.last_mut().ok_or(Unusual)?.end = end;
        Ok(())
    }
    fn done(self) -> Result<(), Unusual> {
        in_order(self.writer, self.first)?;
        self.writer.members.truncate(self.first);
        self.writer.close('}');
        if self.closes_two {
            self.writer.close('}');
        }
        Ok(())
    }
}

/// Puts the members of the innermost object in the order of their keys.
fn in_order(writer: &mut Writer, first: usize) -> Result<(), Unusual> {
    let Writer { out, members, sorted, .. } = writer;
    let members = members.get_mut(first..).unwrap_or_default();
    let begin = match members.first() {
        // The quote before the first key.
        Some(member) => member.key.start.saturating_sub(1),
        None => return Ok(()),
    };
    let key = |member: &Member| out.as_bytes().get(member.key.clone()).unwrap_or_default();
    let order = |a: &Member, b: &Member| utf16_order(key(a), key(b));
    if members.is_sorted_by(|a, b| order(a, b) == Ordering::Less) {
        return Ok(());
    }
    members.sort_unstable_by(|a, b| order(a, b));
    if members.windows(2).any(|pair| matches!(pair, [a, b] if order(a, b) == Ordering::Equal)) {
        return Err(Unusual);
    }
    sorted.reserve(out.len().saturating_sub(begin));
    for member in members.iter() {
        if !sorted.is_empty() {
            sorted.push(',');
        }
        sorted.push_str(out.get(member.key.start.saturating_sub(1)..member.end).ok_or(Unusual)?);
    }
    out.truncate(begin);
    out.push_str(sorted);
    sorted.clear();
    Ok(())
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Unusual;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, v: bool) -> Result<(), Unusual> {
        self.out.push_str(if v { "true" } else { "false" });
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_i16(self, v: i16) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_i32(self, v: i32) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_i64(self, v: i64) -> Result<(), Unusual> {
        self.integer(Some(v))
    }
    fn serialize_u8(self, v: u8) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_u16(self, v: u16) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_u32(self, v: u32) -> Result<(), Unusual> {
        self.integer(Some(v.into()))
    }
    fn serialize_u64(self, v: u64) -> Result<(), Unusual> {
        self.integer(i64::try_from(v).ok())
    }
    fn serialize_f32(self, _: f32) -> Result<(), Unusual> {
        Err(Unusual)
    }
    fn serialize_f64(self, _: f64) -> Result<(), Unusual> {
        Err(Unusual)
    }
    fn serialize_char(self, v: char) -> Result<(), Unusual> {
        self.string(v.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    fn serialize_str(self, v: &str) -> Result<(), Unusual> {
        self.string(v);
        Ok(())
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Unusual> {
        self.out.push('"');
        write!(Inside(self), "{value}").map_err(|_| Unusual)?;
        self.out.push('"');
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unusual> {
        Err(Unusual)
    }
    fn serialize_none(self) -> Result<(), Unusual> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unusual> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), Unusual> {
        self.out.push_str("null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unusual> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, name: &'static str) -> Result<(), Unusual> {
        self.serialize_str(name)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unusual> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unusual> {
        self.variant(name)?;
        value.serialize(&mut *self)?;
        self.close('}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Unusual> {
        self.list()
    }
    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Unusual> {
        self.list()
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Unusual> {
        self.list()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<List<'a>, Unusual> {
        self.variant(name)?;
        Ok(List { closes_two: true, ..self.list()? })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Unusual> {
        self.object()
    }
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Object<'a>, Unusual> {
        // serde_json hands raw text and big numbers through structs of its own.
        if name.starts_with('$') { Err(Unusual) } else { self.object() }
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        name: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Unusual> {
        self.variant(name)?;
        Ok(Object { closes_two: true, ..self.object()? })
    }
}

impl ser::SerializeSeq for List<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done();
        Ok(())
    }
}
impl ser::SerializeTuple for List<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done();
        Ok(())
    }
}
impl ser::SerializeTupleStruct for List<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done();
        Ok(())
    }
}
impl ser::SerializeTupleVariant for List<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.item(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done();
        Ok(())
    }
}
impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unusual> {
        self.key(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unusual> {
        self.value(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done()
    }
}
impl ser::SerializeStruct for Object<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unusual> {
        self.name(name);
        self.value(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done()
    }
}
impl ser::SerializeStructVariant for Object<'_> {
    type Ok = ();
    type Error = Unusual;
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Unusual> {
        self.name(name);
        self.value(value)
    }
    fn end(self) -> Result<(), Unusual> {
        self.done()
    }
}
