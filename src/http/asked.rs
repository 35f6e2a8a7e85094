//! A request as a route sees it: who asks, with which parameters, in which body. Everything in it was checked.

use replay::{
    canonical::{self, Limits},
    history::Cut,
    ids::{Code, Position, Word},
    time::{Instant, When},
};

use super::{
    limits::{BODY_BYTES_MAX, PAGE_ROWS},
    param::{bad, day_or_time},
    principal::Principal,
};
use crate::{
    command::COMMAND_DEPTH_MAX,
    door::Door,
    error::{Error, ErrorKind, Result},
};

/// A request that came through the door.
#[derive(Debug)]
pub struct Asked {
    /// Who asks; `None` only where anybody may.
    pub principal: Option<Principal>,
    /// Parameters of path and query, checked.
    pub params: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// `Idempotency-Key`, if there is one.
    pub key: Option<String>,
    /// `If-Match`, if there is one.
    pub if_match: Option<String>,
    /// The cookie of the session, if there is one.
    pub cookie: Option<String>,
    /// The name of this request.
    pub request_id: String,
    /// The path as it was asked, with its query: for coming back after a login.
    pub path: String,
}

impl Asked {
    /// Who asks.
    ///
    /// # Errors
    /// Nobody, on a route that is for somebody.
    pub fn who(&self) -> Result<&Principal> {
        self.principal
            .as_ref()
            .ok_or_else(|| Error::new(ErrorKind::Unauthenticated, "not_logged_in", "nobody is logged in"))
    }
    /// A parameter as it was given.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(have, _)| *have == name).map(|(_, value)| value.as_str())
    }
    /// A parameter as its type.
    ///
    /// # Errors
    /// A text that is none; the door has asked that before.
    pub fn read<'a, T, E: std::fmt::Display>(
        &'a self,
        name: &str,
        read: impl FnOnce(&'a str) -> std::result::Result<T, E>,
    ) -> Result<Option<T>> {
        self.text(name).map(read).transpose().map_err(|why| bad(name, why))
    }
    /// A parameter that is always there.
    ///
    /// # Errors
    /// It is not there.
    pub fn needed<'a, T, E: std::fmt::Display>(
        &'a self,
        name: &str,
        read: impl FnOnce(&'a str) -> std::result::Result<T, E>,
    ) -> Result<T> {
        self.read(name, read)?.ok_or_else(|| bad(name, "it is needed"))
    }
    /// A number, if it was given.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.text(name).and_then(|text| text.parse().ok())
    }
    /// Whether a flag is set.
    pub fn flag(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }
    /// Rows of the page.
    pub fn rows(&self) -> u64 {
        self.number("limit").unwrap_or(PAGE_ROWS)
    }
    /// The moment to look at.
    ///
    /// # Errors
    /// As [`Asked::read`].
    pub fn cut(&self) -> Result<Cut> {
        Ok(Cut {
            position: self.number("as_of").and_then(Position::new),
            known_at: self.read("known_at", When::parse)?.map(|when| when.at),
            effective_at: self.read("effective_at", day_or_time)?.map(|when| when.at),
        })
    }
    /// The clock.
    pub fn now(&self) -> Instant {
        Door::System.now()
    }
    /// The body as JSON.
    ///
    /// # Errors
    /// A body that is none, or is nested too deeply.
    pub fn json(&self) -> Result<serde_json::Value> {
        let limits = Limits { bytes_max: BODY_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX };
        canonical::parse(&self.body, &limits)
            .map_err(|why| Error::unreadable(why.code(), why.to_string()).hint(why.hint()))
    }
    /// The fields of a form, as a browser sends them.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
    /// One field of a form; empty when it is not there.
    pub fn field(&self, name: &str) -> String {
        self.form().into_iter().find(|(have, _)| have == name).map(|(_, value)| value).unwrap_or_default()
    }
    /// The request's name as it goes into events.
    pub fn correlation(&self) -> Option<Word> {
        Word::new(&self.request_id).ok()
    }
    /// The role to act in: the one that was asked for, or the only one that is held.
    ///
    /// # Errors
    /// Several are held and none was named.
    pub fn role(&self, asked: Option<Code>) -> Result<Code> {
        self.who()?.acting_role(asked)
    }
}
