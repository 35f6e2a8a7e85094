//! What a route gives: bytes with a media type, and what goes into the head.

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};

/// One value, as JSON.
pub const JSON: &str = "application/json";
/// A page for people.
pub const HTML: &str = "text/html; charset=utf-8";
/// Words.
pub const TEXT: &str = "text/plain; charset=utf-8";

/// An answer before it is sent.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its media type; none without a body.
    pub media: Option<&'static str>,
    /// Its body.
    pub body: Vec<u8>,
    /// What else goes into the head.
    pub headers: Vec<(&'static str, String)>,
    /// A body that goes on, in the place of `body`.
    pub stream: Option<axum::body::Body>,
}

impl Answer {
    /// A value as the command line prints it with `--json`.
    ///
    /// # Errors
    /// A value that is no JSON, which is our fault.
    pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<Self> {
        let body = serde_json::to_vec(value)
            .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
        Ok(Self::of(200, JSON, body))
    }
    /// Rows as the command line prints them with `--json`, one a line: here in one object, with where to go on.
    pub fn rows(lines: &[String], next: Option<&str>) -> Self {
        let mut body = Vec::with_capacity(lines.iter().map(|line| line.len() + 2).sum::<usize>() + 64);
        body.extend_from_slice(b"{\"items\":[");
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(line.as_bytes());
        }
        body.push(b']');
        if let Some(next) = next {
            body.extend_from_slice(b",\"next\":");
            body.extend_from_slice(serde_json::Value::from(next).to_string().as_bytes());
        }
        body.push(b'}');
        Self::of(200, JSON, body)
    }
    /// A page.
    pub fn page(markup: maud::Markup) -> Self {
        Self::of(200, HTML, markup.into_string().into_bytes())
    }
    /// Words.
    pub fn text(text: impl Into<String>) -> Self {
        Self::of(200, TEXT, text.into().into_bytes())
    }
    /// Bytes of a media type.
    pub fn of(status: u16, media: &'static str, body: Vec<u8>) -> Self {
        Self { status, media: Some(media), body, headers: Vec::new(), stream: None }
    }
    /// Nothing to say.
    pub fn empty() -> Self {
        Self { status: 204, media: None, body: Vec::new(), headers: Vec::new(), stream: None }
    }
    /// Look there, with GET.
    pub fn see(place: impl Into<String>) -> Self {
        Self {
            status: 303,
            media: None,
            body: Vec::new(),
            headers: vec![("location", place.into())],
            stream: None,
        }
    }
    /// With a body that goes on.
    pub fn stream(mut self, body: axum::body::Body) -> Self {
        self.stream = Some(body);
        self
    }
    /// With another status.
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
    /// With one more header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}
