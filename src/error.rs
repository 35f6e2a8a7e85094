//! One error type at every door: what kind it is, what went wrong, where, and what to do about it.
//! The table of kinds is the only place that knows exit codes and HTTP statuses.

use serde::Serialize;
use std::fmt;

/// What an error is about. Decides the exit code and the HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The command line itself is wrong.
    Usage,
    /// A rule says no. Nothing changed; an act of the merchant is on record as refused.
    Refused,
    /// The same key came with other content.
    Conflict,
    /// Something happened since the expected revision.
    Stale,
    /// The input cannot be read.
    Unreadable,
    /// No such claim, order, policy, event.
    NotFound,
    /// The file is no ledger, or not one that this program may touch.
    NotALedger,
    /// Another program holds the ledger.
    Busy,
    /// Disk full, read-only, I/O.
    Storage,
    /// The log contradicts itself.
    BrokenLog,
    /// Stopped from outside; nothing half done is left.
    Interrupted,
    /// Whoever asks the service is not known to it.
    Unauthenticated,
    /// Whoever asks is known, and may not.
    Forbidden,
    /// More than the service takes at once.
    Overloaded,
    /// Our own fault.
    Internal,
}

/// Codes whose status says more than that of their kind.
const STATUS_OF_CODE: [(&str, u16); 13] = [
    ("head_and_body_differ", 422),
    ("days_run_backwards", 422),
    ("posting_month_stands_alone", 422),
    ("parameters_contradict", 422),
    ("body_too_slow", 408),
    ("no_such_method", 405),
    ("timed_out", 503),
    ("body_too_large", 413),
    ("not_this_media_type", 415),
    ("not_this_host", 421),
    ("expected_revision_missing", 428),
    ("service_is_busy", 503),
    ("feed_is_full", 503),
];

impl ErrorKind {
    /// Every kind, for the documentation.
    pub const ALL: [ErrorKind; 15] = [
        ErrorKind::Usage,
        ErrorKind::Refused,
        ErrorKind::Conflict,
        ErrorKind::Stale,
        ErrorKind::Unreadable,
        ErrorKind::NotFound,
        ErrorKind::NotALedger,
        ErrorKind::Busy,
        ErrorKind::Storage,
        ErrorKind::BrokenLog,
        ErrorKind::Interrupted,
        ErrorKind::Unauthenticated,
        ErrorKind::Forbidden,
        ErrorKind::Overloaded,
        ErrorKind::Internal,
    ];
    /// The exit code of a command that ends with it. 0 is success; 1 (differs) and 2 (could not tell) belong
    /// to `audit` and `rebuild`.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Usage => 64,
            ErrorKind::Refused => 10,
            ErrorKind::Conflict => 11,
            ErrorKind::Stale => 12,
            ErrorKind::Unreadable => 13,
            ErrorKind::NotFound => 14,
            ErrorKind::NotALedger => 15,
            ErrorKind::Busy => 16,
            ErrorKind::Storage => 17,
            ErrorKind::BrokenLog => 18,
            ErrorKind::Interrupted => 130,
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => 77,
            ErrorKind::Overloaded => 75,
            ErrorKind::Internal => 70,
        }
    }
    /// The status of an answer of the service that ends with it.
    pub fn http_status(self) -> u16 {
        match self {
            ErrorKind::Usage | ErrorKind::Unreadable => 400,
            ErrorKind::Unauthenticated => 401,
            ErrorKind::Forbidden => 403,
            ErrorKind::NotFound => 404,
            ErrorKind::Conflict => 409,
            ErrorKind::Stale => 412,
            ErrorKind::Refused => 422,
            ErrorKind::Overloaded => 429,
            ErrorKind::Busy | ErrorKind::Interrupted => 503,
            ErrorKind::Storage => 507,
            ErrorKind::NotALedger | ErrorKind::BrokenLog | ErrorKind::Internal => 500,
        }
    }
    /// What it means, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            ErrorKind::Usage => "the command line is wrong",
            ErrorKind::Refused => {
                "a rule says no; nothing changed, an act of the merchant is on record as refused"
            }
            ErrorKind::Conflict => "the same key came with other content",
            ErrorKind::Stale => "something happened since the expected revision",
            ErrorKind::Unreadable => "the input cannot be read; nothing was recorded",
            ErrorKind::NotFound => "no such claim, order, policy or event",
            ErrorKind::NotALedger => "the file is no ledger, or not one that this program may touch",
            ErrorKind::Busy => "another program holds the ledger",
            ErrorKind::Storage => "the disk is full, read-only or failing",
            ErrorKind::BrokenLog => "the log contradicts itself; run claims audit",
            ErrorKind::Interrupted => "stopped; nothing half done is left",
            ErrorKind::Unauthenticated => "whoever asks is not known to the service",
            ErrorKind::Forbidden => "whoever asks may not do this",
            ErrorKind::Overloaded => "more was asked than the service takes at once",
            ErrorKind::Internal => "a fault of this program",
        }
    }
}

/// An error as people and programs see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Error {
    /// What it is about.
    pub kind: ErrorKind,
    /// Stable name of the reason, in snake case.
    pub code: String,
    /// What went wrong, as a sentence without full stop.
    pub message: String,
    /// Where: file and line, claim, position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Clauses and house rules behind it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cites: Vec<String>,
    /// Lines that belong to it, e.g. what happened since.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
}

/// What fallible functions of the application return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// A new error without place, hint or clauses.
    pub fn new(kind: ErrorKind, code: &str, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: code.into(),
            message: message.into(),
            at: None,
            hint: None,
            cites: Vec::new(),
            details: Vec::new(),
        }
    }
    /// Says where; an inner place that is already known stays behind it.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.at = Some(match self.at {
            Some(inner) => format!("{place}, {inner}"),
            None => place.to_string(),
        });
        self
    }
    /// Says what to do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
    /// Names the clauses behind it.
    pub fn cites(mut self, cites: impl IntoIterator<Item = impl fmt::Display>) -> Self {
        self.cites = cites.into_iter().map(|c| c.to_string()).collect();
        self
    }
    /// Adds lines that belong to it.
    pub fn details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }
    /// The status of an answer of the service that ends with it.
    pub fn http_status(&self) -> u16 {
        let own = STATUS_OF_CODE.iter().find(|(code, _)| *code == self.code);
        own.map_or(self.kind.http_status(), |(_, status)| *status)
    }
    /// Input that cannot be read.
    pub fn unreadable(code: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unreadable, code, message)
    }
    /// Something that is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, "not_found", message)
    }
    /// A file that cannot be read or written.
    pub fn io(path: &std::path::Path, why: &std::io::Error) -> Self {
        let kind =
            if why.kind() == std::io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Storage };
        let (code, message, hint) = match why.kind() {
            std::io::ErrorKind::NotFound => {
                ("file_not_found", "there is no such file or folder".into(), "check the path")
            }
            std::io::ErrorKind::PermissionDenied => {
                ("file_unusable", why.to_string(), "check the rights of the file and its folder")
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => (
                "disk_is_full",
                "the disk is full".into(),
                "make room and try again; nothing half done is left",
            ),
            std::io::ErrorKind::IsADirectory => {
                ("file_unusable", "this is a folder, no file".into(), "name a file")
            }
            _ => ("file_unusable", why.to_string(), "check the file and its disk"),
        };
        Self::new(kind, code, message).at(path.display()).hint(hint)
    }
}

impl fmt::Display for Error {
    /// Several lines: place and message, details, clauses, hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{at}: {}", self.message)?,
            None => f.write_str(&self.message)?,
        }
        for detail in &self.details {
            write!(f, "\n  {detail}")?;
        }
        if !self.cites.is_empty() {
            write!(f, "\nclauses: {}", self.cites.join(", "))?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}
impl std::error::Error for Error {}
