//! Errors as answers: `application/problem+json` (RFC 9457) for programs, made from the one error type.

use serde::Serialize;

use super::answer::Answer;
use crate::error::{Error, ErrorKind};

/// The media type.
pub const PROBLEM: &str = "application/problem+json";

/// An error as programs read it.
#[derive(Debug, Serialize)]
pub struct Problem<'a> {
    /// `urn:claims-ledger:problem:` and the code.
    #[serde(rename = "type")]
    about: String,
    /// What its kind means.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What went wrong.
    detail: &'a str,
    /// Its kind, as the command line says it.
    kind: ErrorKind,
    /// Stable name of the reason.
    code: &'a str,
    /// Where.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<&'a str>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    /// Clauses and house rules behind it.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    clauses: &'a [String],
    /// Lines that belong to it, such as what happened since.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    details: &'a [String],
    /// The request, for whoever looks it up in the log of the service.
    request_id: &'a str,
}

impl<'a> Problem<'a> {
    /// An error that ended a request.
    pub fn of(why: &'a Error, request_id: &'a str) -> Self {
        Self {
            about: format!("urn:claims-ledger:problem:{}", why.code),
            title: why.kind.meaning(),
            status: why.http_status(),
            detail: &why.message,
            kind: why.kind,
            code: &why.code,
            at: why.at.as_deref(),
            hint: why.hint.as_deref(),
            clauses: &why.cites,
            details: &why.details,
            request_id,
        }
    }
}

/// An error as an answer for programs.
pub fn answer(why: &Error, request_id: &str) -> Answer {
    let body = serde_json::to_vec(&Problem::of(why, request_id)).unwrap_or_default();
    let answer = Answer::of(why.http_status(), PROBLEM, body);
    match why.kind {
        ErrorKind::Unauthenticated => answer.header("www-authenticate", "Bearer realm=\"claims\""),
        ErrorKind::Overloaded | ErrorKind::Busy => answer.header("retry-after", "1"),
        _ => answer,
    }
}
