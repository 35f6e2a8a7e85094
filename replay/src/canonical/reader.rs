//! From JSON text to a value, for [`super::parse`].

use alloc::string::String;
use alloc::vec::Vec;

use serde_json::map::Entry;
use serde_json::{Map, Value};

use super::{CanonicalError, is_in_range, one_deeper, plain_len};

/// Reads a JSON text from left to right.
pub(super) struct Reader<'a> {
    text: &'a str,
    /// Byte offset of what comes next.
    at: usize,
    depth: u8,
    depth_max: u8,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, depth_max: u8) -> Self {
        Reader { text, at: 0, depth: 0, depth_max }
    }

    /// Reads the one value that is the whole text.
    pub(super) fn read(mut self) -> Result<Value, CanonicalError> {
        let value = self.value()?;
        match self.peek_token() {
            None => Ok(value),
            Some(_) => Err(CanonicalError::TextGoesOnAfterTheValue { at: self.at }),
        }
    }

    fn value(&mut self) -> Result<Value, CanonicalError> {
        match self.peek_token() {
            Some(b'{') => {
                let mut map = Map::new();
                self.items(b'{', b'}', |reader| reader.member(&mut map))?;
                Ok(Value::Object(map))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.items(b'[', b']', |reader| {
                    items.push(reader.value()?);
                    Ok(())
                })?;
                Ok(Value::Array(items))
            }
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => Ok(Value::from(self.integer()?)),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads `open`, items with commas between them, `close`.
    fn items(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), CanonicalError>,
    ) -> Result<(), CanonicalError> {
        self.depth = one_deeper(self.depth, self.depth_max, self.at)?;
        self.expect(open)?;
        if !self.eat(close) {
            item(self)?;
            while self.eat(b',') {
                item(self)?;
            }
            self.expect(close)?;
        }
        self.depth -= 1;
        Ok(())
    }

    fn member(&mut self, map: &mut Map<String, Value>) -> Result<(), CanonicalError> {
        self.peek_token();
        let at = self.at;
        match map.entry(self.string()?) {
            Entry::Occupied(_) => Err(CanonicalError::KeyIsRepeated { at }),
            Entry::Vacant(place) => {
                self.expect(b':')?;
                place.insert(self.value()?);
                Ok(())
            }
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, CanonicalError> {
        if !self.rest().starts_with(word.as_bytes()) {
            return Err(CanonicalError::CharacterIsUnexpected { at: self.at });
        }
        self.at += word.len();
        Ok(value)
    }

    fn integer(&mut self) -> Result<i64, CanonicalError> {
        let at = self.at;
        let negative = self.eat(b'-');
        let rest = self.rest();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        let digits_len = digits.clone().count();
        match (rest.first(), rest.get(digits_len)) {
            _ if digits_len == 0 => return Err(self.unexpected()),
            (_, Some(b'.' | b'e' | b'E')) => return Err(CanonicalError::NumberHasAFractionOrExponent { at }),
            (Some(b'0'), _) if digits_len > 1 => return Err(CanonicalError::NumberHasALeadingZero { at }),
            (Some(b'0'), _) if negative => return Err(CanonicalError::NumberIsNegativeZero { at }),
            _ => {}
        }
        let magnitude = digits
            .map(|digit| i64::from(digit - b'0'))
            .try_fold(0_i64, |magnitude, digit| magnitude.checked_mul(10)?.checked_add(digit))
            .filter(is_in_range)
            .ok_or(CanonicalError::NumberIsOutOfRange { at })?;
        self.at += digits_len;
        Ok(if negative { -magnitude } else { magnitude })
    }

    fn string(&mut self) -> Result<String, CanonicalError> {
        self.expect(b'"')?;
        let mut decoded = String::new();
        loop {
            let start = self.at;
            self.at += plain_len(self.rest());
            decoded.push_str(self.text.get(start..self.at).unwrap_or_default());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(decoded);
                }
                Some(b'\\') => decoded.push(self.escape()?),
                Some(_) => return Err(CanonicalError::ControlCharacterIsNotEscaped { at: self.at }),
                None => return Err(CanonicalError::TextEndsTooEarly { at: self.at }),
            }
        }
    }

    /// Reads one escape, or two that are the surrogates of one character.
    fn escape(&mut self) -> Result<char, CanonicalError> {
        let at = self.at;
        let short = match self.rest() {
            [_, b'u', ..] => return self.unicode_escape(),
            [_, short @ (b'"' | b'\\' | b'/'), ..] => char::from(*short),
            [_, b'b', ..] => '\u{8}',
            [_, b't', ..] => '\t',
            [_, b'n', ..] => '\n',
            [_, b'f', ..] => '\u{c}',
            [_, b'r', ..] => '\r',
            [_, _, ..] => return Err(CanonicalError::EscapeIsMalformed { at }),
            _ => return Err(CanonicalError::TextEndsTooEarly { at: self.text.len() }),
        };
        self.at += 2;
        Ok(short)
    }

    fn unicode_escape(&mut self) -> Result<char, CanonicalError> {
        let at = self.at;
        let first = self.code_unit()?;
        let is_half = matches!(first, 0xD800..=0xDBFF) && self.rest().starts_with(b"\\u");
        let second = if is_half { Some(self.code_unit()?) } else { None };
        match char::decode_utf16([first].into_iter().chain(second)).next() {
            Some(Ok(c)) => Ok(c),
            _ => Err(CanonicalError::SurrogateIsAlone { at }),
        }
    }

    /// Reads a backslash, a `u` and four hexadecimal digits.
    fn code_unit(&mut self) -> Result<u16, CanonicalError> {
        let malformed = CanonicalError::EscapeIsMalformed { at: self.at };
        let Some([_, _, digits @ ..]) = self.rest().first_chunk::<6>() else {
            return Err(malformed);
        };
        let mut unit = 0;
        for digit in digits {
            let Some(digit) = char::from(*digit).to_digit(16) else { return Err(malformed) };
            unit = unit << 4 | digit as u16;
        }
        self.at += 6;
        Ok(unit)
    }

    /// The byte the next token starts with.
    fn peek_token(&mut self) -> Option<u8> {
        self.at += self.rest().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Steps over one punctuation mark, if that is what comes next.
    fn eat(&mut self, mark: u8) -> bool {
        let found = self.peek_token() == Some(mark);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, mark: u8) -> Result<(), CanonicalError> {
        if self.eat(mark) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> CanonicalError {
        match self.peek() {
            None => CanonicalError::TextEndsTooEarly { at: self.at },
            Some(_) => CanonicalError::CharacterIsUnexpected { at: self.at },
        }
    }
}
