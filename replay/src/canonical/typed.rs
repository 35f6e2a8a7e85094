//! Canonical text straight into a type, and in the same pass the proof that it is canonical: the way back of
//! [`super::write`].
//!
//! What is taken here, [`super::is_canonical`] takes and serde_json reads as the same value. The rest is [`Unusual`],
//! which says nothing against the text (a list in the place of an object, an escaped key): the caller then goes the
//! long way, which knows what is wrong or that nothing is. So nothing here has to have words for anything.

use core::cmp::Ordering;
use core::fmt::{self, Display};

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Visitor,
    value::{BorrowedStrDeserializer, StrDeserializer},
};

use super::{Limits, checked_text, in_digits, plain_len, scan, utf16_order};

/// Not to be read this way.
#[derive(Debug)]
pub(crate) struct Unusual;

impl Display for Unusual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is unusual")
    }
}
impl core::error::Error for Unusual {}
impl de::Error for Unusual {
    fn custom<T: Display>(_: T) -> Self {
        Unusual
    }
    // serde would make its sentences with these; nobody is going to read them.
    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Unusual
    }
    fn invalid_value(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Unusual
    }
    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Unusual
    }
    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Unusual
    }
}

/// A text from where it stands.
pub(crate) struct Text<'a> {
    rest: &'a str,
    depth_left: u8,
}

impl<'a> Text<'a> {
    /// The body of an event, from its beginning.
    pub(crate) fn of_body(body: &'a [u8]) -> Result<Self, Unusual> {
        let rest = checked_text(body, &Limits::BODY).map_err(|_| Unusual)?;
        Ok(Self { rest, depth_left: Limits::BODY.depth_max })
    }
    /// Nothing is left.
    pub(crate) fn end(&self) -> Result<(), Unusual> {
        if self.rest.is_empty() { Ok(()) } else { Err(Unusual) }
    }
    fn next(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }
    /// Takes in `mark`, or nothing.
    #[inline]
    fn takes(&mut self, mark: &str) -> bool {
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
    #[inline]
    fn take(&mut self, mark: &str) -> Result<(), Unusual> {
        if self.takes(mark) { Ok(()) } else { Err(Unusual) }
    }
    fn deeper(&mut self) -> Result<(), Unusual> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Unusual)?;
        Ok(())
    }
    /// What stands between quotes, as long as it stands for itself; the first quote is taken in already.
    #[inline]
    fn plain(&mut self) -> Result<&'a str, Unusual> {
        let (plain, rest) = self.rest.split_at_checked(plain_len(self.rest.as_bytes())).ok_or(Unusual)?;
        self.rest = rest;
        self.take("\"")?;
        Ok(plain)
    }
    fn string<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        self.take("\"")?;
        let begin = self.rest;
        if let Ok(plain) = self.plain() {
            return visitor.visit_borrowed_str(plain);
        }
        let (content, rest) = scan::string(begin.as_bytes()).map_err(|_| Unusual)?;
        self.rest = begin.get(begin.len().saturating_sub(rest.len())..).ok_or(Unusual)?;
        visitor.visit_str(core::str::from_utf8(&content).map_err(|_| Unusual)?)
    }
    fn number<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        if self.takes("0") {
            return visitor.visit_u64(0);
        }
        let is_negative = self.takes("-");
        let (magnitude, len) = in_digits(self.rest.as_bytes()).ok_or(Unusual)?;
        self.rest = self.rest.get(len..).ok_or(Unusual)?;
        if is_negative {
            return visitor.visit_i64(magnitude.saturating_neg());
        }
        visitor.visit_u64(magnitude.unsigned_abs())
    }
    fn map<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        let mut members = Members::of(self)?;
        let value = visitor.visit_map(&mut members)?;
        members.end()?;
        Ok(value)
    }
    fn seq<V: Visitor<'a>>(&mut self, visitor: V) -> Result<V::Value, Unusual> {
        self.take("[")?;
        self.deeper()?;
        let value = visitor.visit_seq(Items { text: self, is_first: true })?;
        self.take("]")?;
        self.depth_left = self.depth_left.saturating_add(1);
        Ok(value)
    }
}

/// The members of an object, each key after the one before it in canonical order. The closing brace is taken in by
/// [`Members::end`] alone.
pub(crate) struct Members<'t, 'a> {
    text: &'t mut Text<'a>,
    before: Option<&'a str>,
}

impl<'t, 'a> Members<'t, 'a> {
    /// Those of the object that the text stands before.
    pub(crate) fn of(text: &'t mut Text<'a>) -> Result<Self, Unusual> {
        text.take("{")?;
        text.deeper()?;
        Ok(Self { text, before: None })
    }
    /// The member of this name, which has to come next. Who asks for members by name asks for them in canonical order.
    #[inline(always)]
    pub(crate) fn required<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<T, Unusual> {
        self.optional(name)?.ok_or(Unusual)
    }
    /// The member of this name, if it comes next.
    #[inline(always)]
    pub(crate) fn optional<T: Deserialize<'a>>(&mut self, name: &'static str) -> Result<Option<T>, Unusual> {
        if self.is_next(name) { T::deserialize(&mut *self.text).map(Some) } else { Ok(None) }
    }
    /// The text in front of the member of this name, which has to come next.
    pub(crate) fn at(&mut self, name: &'static str) -> Result<&mut Text<'a>, Unusual> {
        if self.is_next(name) { Ok(self.text) } else { Err(Unusual) }
    }
    /// Compiled where it is called, and so are its callers: a name is then a comparison with constant bytes.
    #[inline(always)]
    fn is_next(&mut self, name: &'static str) -> bool {
        let rest = self.text.rest;
        let key = if self.before.is_some() { rest.strip_prefix(",\"") } else { rest.strip_prefix('"') };
        let Some(value) = key.and_then(|key| key.strip_prefix(name)?.strip_prefix("\":")) else {
            return false;
        };
        debug_assert!(self.before.is_none_or(|before| before < name), "{name} is asked for too late");
        self.before = Some(name);
        self.text.rest = value;
        true
    }
    /// No member is left.
    pub(crate) fn end(self) -> Result<(), Unusual> {
        self.text.take("}")?;
        self.text.depth_left = self.text.depth_left.saturating_add(1);
        Ok(())
    }
}

impl<'a> de::MapAccess<'a> for &mut Members<'_, 'a> {
    type Error = Unusual;
    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Unusual> {
        if self.text.next() == Some(b'}') {
            return Ok(None);
        }
        self.text.take(if self.before.is_some() { ",\"" } else { "\"" })?;
        let key = self.text.plain()?;
        let follows = |before: &str| utf16_order(before.as_bytes(), key.as_bytes()) == Ordering::Less;
        if !self.before.is_none_or(follows) {
            return Err(Unusual);
        }
        self.before = Some(key);
        self.text.take(":")?;
        seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some)
    }
    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, Unusual> {
        seed.deserialize(&mut *self.text)
    }
}

/// The items of a list; the closing bracket is left for who opened it.
struct Items<'t, 'a> {
    text: &'t mut Text<'a>,
    is_first: bool,
}

impl<'a> de::SeqAccess<'a> for Items<'_, 'a> {
    type Error = Unusual;
    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Unusual> {
        if self.text.next() == Some(b']') {
            return Ok(None);
        }
        if !core::mem::take(&mut self.is_first) {
            self.text.take(",")?;
        }
        seed.deserialize(&mut *self.text).map(Some)
    }
}

impl<'a> Deserializer<'a> for &mut Text<'a> {
    type Error = Unusual;

    fn deserialize_any<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        match self.next() {
            Some(b'"') => self.string(visitor),
            Some(b'{') => self.map(visitor),
            Some(b'[') => self.seq(visitor),
            Some(b't') => self.take("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.take("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.take("null").and_then(|()| visitor.visit_unit()),
            _ => self.number(visitor),
        }
    }
    fn deserialize_option<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        if self.takes("null") { visitor.visit_none() } else { visitor.visit_some(self) }
    }
    fn deserialize_newtype_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_struct<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.map(visitor)
    }
    /// A variant without content: a word.
    fn deserialize_enum<V: Visitor<'a>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Unusual> {
        self.take("\"")?;
        visitor.visit_enum(StrDeserializer::new(self.plain()?))
    }
    fn deserialize_str<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.string(visitor)
    }
    fn deserialize_string<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Unusual> {
        self.string(visitor)
    }
    fn deserialize_bytes<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }
    fn deserialize_byte_buf<V: Visitor<'a>>(self, _: V) -> Result<V::Value, Unusual> {
        Err(Unusual)
    }
    serde::forward_to_deserialize_any! {
        <V: Visitor<'a>>
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char unit unit_struct seq tuple tuple_struct map identifier
        ignored_any
    }
}
