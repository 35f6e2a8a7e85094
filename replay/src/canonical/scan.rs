//! Whether text is canonical, for [`super::is_canonical`]: the grammar of what [`super::to_bytes`] writes.
//!
//! Every function takes the text from where it stands and gives what is left of it. The error is the number of bytes
//! that were left where the text stopped being canonical.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::cmp::Ordering;

use super::{escape_of, in_digits, plain_len, utf16_order};

type Rest<'a> = Result<&'a [u8], usize>;

/// Scans the whole text. The error is the byte offset where it stops being canonical.
pub(super) fn text(text: &[u8], depth_max: u8) -> Result<(), usize> {
    match value(text, depth_max) {
        Ok([]) => Ok(()),
        Ok(rest) => Err(text.len() - rest.len()),
        Err(left) => Err(text.len() - left),
    }
}

fn value(text: &[u8], depth_left: u8) -> Rest<'_> {
    match text {
        [b'{', rest @ ..] => object(rest, depth_left.checked_sub(1).ok_or(text.len())?),
        [b'[', rest @ ..] => array(rest, depth_left.checked_sub(1).ok_or(text.len())?),
        [b'"', rest @ ..] => string(rest).map(|(_, rest)| rest),
        [b'0', rest @ ..]
        | [b't', b'r', b'u', b'e', rest @ ..]
        | [b'f', b'a', b'l', b's', b'e', rest @ ..]
        | [b'n', b'u', b'l', b'l', rest @ ..] => Ok(rest),
        [b'-', rest @ ..] => magnitude(rest),
        _ => magnitude(text),
    }
}

/// What follows the opening brace.
fn object(text: &[u8], depth_left: u8) -> Rest<'_> {
    if let [b'}', rest @ ..] = text {
        return Ok(rest);
    }
    let mut before: Option<Cow<'_, [u8]>> = None;
    let mut text = text;
    loop {
        let (key, rest) = string(after(b'"', text)?)?;
        if before.is_some_and(|before| utf16_order(&before, &key) != Ordering::Less) {
            return Err(text.len());
        }
        before = Some(key);
        match value(after(b':', rest)?, depth_left)? {
            [b',', rest @ ..] => text = rest,
            rest => return after(b'}', rest),
        }
    }
}

/// What follows the opening bracket.
fn array(text: &[u8], depth_left: u8) -> Rest<'_> {
    if let [b']', rest @ ..] = text {
        return Ok(rest);
    }
    let mut text = text;
    loop {
        match value(text, depth_left)? {
            [b',', rest @ ..] => text = rest,
            rest => return after(b']', rest),
        }
    }
}

/// The digits of an integer other than 0. A fraction or exponent after them is left for the caller to trip over.
fn magnitude(text: &[u8]) -> Rest<'_> {
    in_digits(text).and_then(|(_, len)| text.get(len..)).ok_or(text.len())
}

/// What follows the opening quote: the content, decoded, and what follows the closing quote.
pub(super) fn string(text: &[u8]) -> Result<(Cow<'_, [u8]>, &[u8]), usize> {
    match text.split_at_checked(plain_len(text)) {
        Some((plain, [b'"', rest @ ..])) => Ok((Cow::Borrowed(plain), rest)),
        Some((plain, rest @ [b'\\', ..])) => string_with_escapes(plain, rest),
        Some((_, rest)) => Err(rest.len()),
        None => Err(text.len()),
    }
}

#[cold]
fn string_with_escapes<'a>(plain: &[u8], text: &'a [u8]) -> Result<(Cow<'a, [u8]>, &'a [u8]), usize> {
    let mut decoded = Vec::from(plain);
    let mut text = text;
    loop {
        match text {
            [b'"', rest @ ..] => return Ok((Cow::Owned(decoded), rest)),
            [b'\\', ..] => {
                let (byte, rest) = escape(text).ok_or(text.len())?;
                decoded.push(byte);
                text = rest;
            }
            [0..0x20, ..] | [] => return Err(text.len()),
            [byte, rest @ ..] => {
                decoded.push(*byte);
                text = rest;
            }
        }
    }
}

/// The byte an escape stands for, if the escape is the one [`super::to_bytes`] writes for it.
fn escape(text: &[u8]) -> Option<(u8, &[u8])> {
    let escaped = (0..0x20).chain(*b"\"\\");
    escaped.into_iter().find_map(|byte| {
        let escape = escape_of(char::from(byte))?;
        Some((byte, text.strip_prefix(escape.as_bytes())?))
    })
}

fn after(mark: u8, text: &[u8]) -> Rest<'_> {
    match text {
        [first, rest @ ..] if *first == mark => Ok(rest),
        _ => Err(text.len()),
    }
}
