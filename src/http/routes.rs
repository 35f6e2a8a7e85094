//! The table of routes: what there is, who may ask it, with what, and which function answers. The router, the check at
//! the door, the description of the API and the test of every route with every role are made from this one table.

use axum::http::Method;

use super::{
    accounts, acts,
    answer::Answer,
    app::App,
    append,
    asked::Asked,
    assets, checks, claims, desk, figures, login, openapi,
    param::{Is, Param, Place},
};
use crate::{access::Scope, error::Result, store::sqlite::SqliteStore};

/// Who may ask a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    /// Anybody, without saying who.
    Anybody,
    /// Whoever is known, in whatever role or none.
    Known,
    /// Whoever holds one of these roles.
    Roles(&'static [&'static str]),
}

/// Everybody who works with claims.
pub const STAFF: May =
    May::Roles(&["agent", "warehouse", "approver", "finance", "auditor", "admin", "system"]);
/// Whoever answers for money.
pub const MONEY: May = May::Roles(&["approver", "finance", "auditor", "admin"]);
/// Whoever checks.
pub const CHECKS: May = May::Roles(&["finance", "auditor", "admin"]);
/// Whoever may read what customers wrote.
pub const CLEAR: May = May::Roles(&["agent", "approver", "admin"]);
/// Whoever records anything at all.
pub const RECORDS: May = May::Roles(&["agent", "warehouse", "approver", "finance", "admin", "system"]);
/// Whoever lets people in.
pub const ADMIN: May = May::Roles(&["admin"]);

/// What a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// No body.
    Nothing,
    /// A form of a page.
    Form,
    /// JSON; the name is that of its schema in the description of the API.
    Json(&'static str),
    /// Commands, one a line.
    Lines,
}

/// What comes back when all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gives {
    /// A page for people. Errors are pages as well, and whoever is not logged in is sent to do so.
    Page,
    /// One JSON value.
    Json(&'static str),
    /// `{"items": [...], "next": ...}`; the name is that of the schema of an item.
    Rows(&'static str),
    /// Something of this media type.
    Media(&'static str),
    /// Lines of JSON while the request goes on.
    Receipts,
    /// Events as they happen.
    Feed,
}

/// What answers.
#[derive(Clone, Copy)]
pub enum Run {
    /// Reads one state of the ledger.
    Read(fn(&App, &mut SqliteStore, &Asked) -> Result<Answer>),
    /// As `Read`, and folds the whole log: few at a time.
    Fold(fn(&App, &mut SqliteStore, &Asked) -> Result<Answer>),
    /// As `Read` for now, and as `Fold` for any other moment.
    ReadNow(fn(&App, &mut SqliteStore, &Asked) -> Result<Answer>),
    /// As `Fold`, and holds its state of the ledger itself.
    Whole(fn(&App, &mut SqliteStore, &Asked) -> Result<Answer>),
    /// Does something, on a thread that may block.
    Act(fn(&App, &Asked) -> Result<Answer>),
    /// As `Act`, and works out a password: few at a time.
    LogIn(fn(&App, &Asked) -> Result<Answer>),
    /// As `Act`, and folds the whole log: few at a time.
    Work(fn(&App, &Asked) -> Result<Answer>),
    /// Records commands as they come in.
    Bulk,
    /// Sends events as they happen.
    Feed,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Run::Read(_) => "Read",
            Run::Fold(_) => "Fold",
            Run::ReadNow(_) => "ReadNow",
            Run::Whole(_) => "Whole",
            Run::Act(_) => "Act",
            Run::LogIn(_) => "LogIn",
            Run::Work(_) => "Work",
            Run::Bulk => "Bulk",
            Run::Feed => "Feed",
        })
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// Its name: in metrics, logs and the description of the API.
    pub name: &'static str,
    /// The method.
    pub method: Verb,
    /// The path, with names of parameters in braces.
    pub path: &'static str,
    /// What it is for, as a sentence without full stop.
    pub says: &'static str,
    /// Who may ask.
    pub may: May,
    /// What a token must be for.
    pub scope: Option<Scope>,
    /// Its parameters.
    pub params: &'static [Param],
    /// Its body.
    pub takes: Takes,
    /// Its answer.
    pub gives: Gives,
    /// What answers.
    pub run: Run,
}

/// The methods that are in use, as a constant can hold them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Changes nothing.
    Get,
    /// Does something.
    Post,
    /// Takes something away.
    Delete,
}

impl Verb {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Delete => "DELETE",
        }
    }
    /// As the library knows it.
    pub fn method(self) -> Method {
        match self {
            Verb::Get => Method::GET,
            Verb::Post => Method::POST,
            Verb::Delete => Method::DELETE,
        }
    }
}

/// A parameter in the path.
pub const fn path(name: &'static str, is: Is, says: &'static str) -> Param {
    Param { name, place: Place::Path, is, says }
}
/// A parameter in the query string.
pub const fn query(name: &'static str, is: Is, says: &'static str) -> Param {
    Param { name, place: Place::Query, is, says }
}

/// A view of the ledger: it takes no body, and a token for reading opens it.
pub const fn view(
    name: &'static str,
    path: &'static str,
    says: &'static str,
    may: May,
    params: &'static [Param],
    gives: Gives,
    run: Run,
) -> Route {
    let (method, scope, takes) = (Verb::Get, Some(Scope::Read), Takes::Nothing);
    Route { name, method, path, says, may, scope, params, takes, gives, run }
}

/// As of a position.
pub const AS_OF: Param = query("as_of", Is::Position, "As of this position of the log");
/// As known at a time.
pub const KNOWN_AT: Param = query("known_at", Is::Time, "As known at this recorded time");
/// As effective at a time.
pub const EFFECTIVE_AT: Param = query(
    "effective_at",
    Is::DayOrTime,
    "As it had happened by this day (its end, UTC) or time, with all that is known now",
);
/// Rows of a page.
pub const LIMIT: Param = query("limit", Is::Rows, "Most rows");

/// Routes of the door itself: health, files, logging in and out.
const OWN: &[Route] = &[
    Route {
        name: "healthz",
        method: Verb::Get,
        path: "/healthz",
        says: "Whether the service runs",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Media("text/plain"),
        run: Run::Act(login::healthz),
    },
    Route {
        name: "readyz",
        method: Verb::Get,
        path: "/readyz",
        says: "Whether the ledger can be read and written",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Media("text/plain"),
        run: Run::Act(login::readyz),
    },
    Route {
        name: "metrics",
        method: Verb::Get,
        path: "/metrics",
        says: "What the service counts, for Prometheus",
        may: May::Roles(&["auditor", "admin", "system"]),
        scope: Some(Scope::Metrics),
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Media("text/plain"),
        run: Run::Read(login::metrics),
    },
    Route {
        name: "asset",
        method: Verb::Get,
        path: "/assets/{name}",
        says: "A file of a page",
        may: May::Anybody,
        scope: None,
        params: &[path("name", Is::Text(100), "The name with its hash")],
        takes: Takes::Nothing,
        gives: Gives::Media("application/octet-stream"),
        run: Run::Act(|_, asked| assets::asset(asked)),
    },
    Route {
        name: "setup_page",
        method: Verb::Get,
        path: "/setup",
        says: "The page behind a one-time link, on which a password is chosen",
        may: May::Anybody,
        scope: None,
        params: &[query("link", Is::Text(100), "The secret of the link")],
        takes: Takes::Nothing,
        gives: Gives::Page,
        run: Run::Act(login::setup_page),
    },
    Route {
        name: "setup",
        method: Verb::Post,
        path: "/setup",
        says: "Uses a one-time link up: the password is chosen, and the first admin is granted the role",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Form,
        gives: Gives::Page,
        run: Run::LogIn(login::setup),
    },
    Route {
        name: "login_page",
        method: Verb::Get,
        path: "/login",
        says: "The page on which people log in",
        may: May::Anybody,
        scope: None,
        params: &[query("next", Is::Text(400), "Where to go after it, on this service")],
        takes: Takes::Nothing,
        gives: Gives::Page,
        run: Run::Act(login::login_page),
    },
    Route {
        name: "login",
        method: Verb::Post,
        path: "/login",
        says: "Logs a person in",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Form,
        gives: Gives::Page,
        run: Run::LogIn(login::login),
    },
    Route {
        name: "logout",
        method: Verb::Post,
        path: "/logout",
        says: "Ends the session",
        may: May::Known,
        scope: None,
        params: &[],
        takes: Takes::Form,
        gives: Gives::Page,
        run: Run::Act(login::logout),
    },
];

/// Every route there is.
pub fn all() -> impl Iterator<Item = &'static Route> {
    OWN.iter()
        .chain(desk::PAGES)
        .chain(append::ROUTES)
        .chain(accounts::ROUTES)
        .chain(acts::ROUTES)
        .chain(openapi::ROUTES)
        .chain(claims::ROUTES)
        .chain(figures::ROUTES)
        .chain(checks::ROUTES)
}
