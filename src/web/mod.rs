//! The desk: pages for people, rendered on the server from what the ledger's own views give. No second truth stands
//! here: a page shows what `claims show`, `explain`, `next`, `due`, `totals`, `lineage`, `audit` and their kin answer.
//!
//! A page is a function of a reader of the ledger, what was asked, who asks and the moment. A form is text that becomes a
//! [`replay::seal::Proposal`] through the gate that every command goes through. Nothing here knows of HTTP: whoever
//! serves it hands in paths, queries and forms, and gets back a page or an address to go to.
//!
//! ```text
//! ask      names with values, moments, addresses             ask.rs
//! layout   the frame, tables, how things are written         layout.rs, svg.rs, and assets/desk.css, desk.js
//! index    what waits and what words name, kept up           index.rs
//! acts     forms: asked, tried, recorded                     acts.rs, form.rs, trial.rs, act.rs, event.rs
//! pages    inbox, claim, search, ...                         inbox.rs, claim/, search.rs, ...
//! ```

mod act;
pub mod acts;
mod approval;
pub mod ask;
mod audit;
mod claim;
mod compare;
mod event;
mod form;
mod inbox;
pub mod index;
mod jobs;
mod layout;
mod money;
mod policies;
mod search;
mod svg;
mod trial;

use maud::html;
use replay::{
    ids::{ActorId, ClaimId, Code, OrderId},
    seal::Proposal,
    time::When,
};
use std::sync::{Mutex, PoisonError};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Receipt},
    store::{Store, sqlite::SqliteStore},
};
use ask::{Query, parts};
use index::Index;
use jobs::{Jobs, Work};
use layout::Page;

/// Largest page, in bytes before compression. Lists are cut and paged so that none comes near it.
pub const PAGE_BYTES_MAX: usize = 100_000;

/// Everybody who works with claims.
pub const STAFF: &[&str] = &["agent", "warehouse", "approver", "finance", "auditor", "admin", "system"];
/// Whoever answers for money.
pub const MONEY: &[&str] = &["approver", "finance", "auditor", "admin"];
/// Whoever checks.
pub const CHECKS: &[&str] = &["finance", "auditor", "admin"];
/// Whoever may read what customers wrote, and other personal values.
pub const CLEAR: &[&str] = &["agent", "approver", "admin"];

/// Who looks at a page.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// Under this name their acts are recorded.
    pub actor: ActorId,
    /// The roles they hold.
    pub roles: Vec<Code>,
    /// What every form of theirs carries, so that no other page can send one.
    pub csrf: String,
    /// Whether personal values may be shown to them at all; of people their roles decide.
    pub personal: bool,
    /// What waits for a second person, as far as the page needs it.
    pub waiting: Vec<Waiting>,
}

impl Viewer {
    /// Whether one of these roles is held.
    pub fn holds_one_of(&self, roles: &[&str]) -> bool {
        self.roles.iter().any(|held| roles.contains(&held.as_str()))
    }
    /// Whether personal values are shown in clear.
    pub fn reads_clear(&self) -> bool {
        self.personal && self.holds_one_of(CLEAR)
    }
}

/// What waits for a second person.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its name.
    pub id: String,
    /// Who asks, in which role.
    pub requester: String,
    /// The role.
    pub role: String,
    /// Since when.
    pub since: When,
    /// The command as it would be recorded.
    pub proposal: Proposal,
}

/// What a form can lead to. Whoever serves the desk hands it in.
pub struct Doors<'d> {
    /// Records a batch, durably.
    pub record: &'d mut dyn FnMut(Batch) -> Result<Vec<Receipt>>,
    /// Asks a second person for a command.
    pub ask: &'d mut dyn FnMut(&Proposal, &str) -> Result<()>,
    /// Approves what waits under a name, or rejects it.
    pub settle: &'d mut dyn FnMut(&str, bool) -> Result<()>,
}

/// What comes back.
#[derive(Debug)]
pub enum Answer {
    /// A document; `None` = all is well, otherwise what kind of error it tells of.
    Page(Option<ErrorKind>, String),
    /// An address to go to next.
    Redirect(String),
}

impl Answer {
    fn page_ok(document: String) -> Self {
        Answer::Page(None, document)
    }
    fn page(kind: ErrorKind, document: String) -> Self {
        Answer::Page(Some(kind), document)
    }
}

/// What the desk keeps between requests: caches alone.
#[derive(Debug, Default)]
pub struct Desk {
    index: Mutex<Index>,
    jobs: Jobs,
}

impl Desk {
    /// Works out what waits and what words name, before anybody asks.
    ///
    /// # Errors
    /// Storage errors.
    pub fn warm(&self, store: &mut SqliteStore, now: When) -> Result<()> {
        self.with_index(store, now, |_| ())
    }

    fn with_index<T>(&self, store: &mut SqliteStore, now: When, ask: impl FnOnce(&Index) -> T) -> Result<T> {
        // Nothing of it outlives an error: whoever panicked in it left what the next one works out anew.
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        index.follow(store, now)?;
        Ok(ask(&index))
    }

    /// The page of something that reads the whole log, under the name of its address.
    fn worked(
        &self,
        store: &mut SqliteStore,
        page: Page<'_>,
        address: &str,
        now: When,
        work: Work,
    ) -> Result<String> {
        let at = (store.path().to_owned(), store.tip()?.position);
        self.jobs.page(page, address, at, now, work)
    }

    /// A key for a form: sent twice, it is recorded once.
    fn key(&self, now: When) -> Result<String> {
        Ok(format!("desk-{}", Door::System.event_id(now.at)?))
    }
}

/// Answers a page that is asked for: `path` behind the host, `query` without its question mark. The store holds one
/// state of the ledger for everything on the page. Whether the viewer may ask for this place was asked before.
pub fn get(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    path: &str,
    query: &str,
    now: When,
) -> Answer {
    let query = Query::read(query);
    match page_of(store, desk, viewer, path, &query, now) {
        Ok(answer) => answer,
        Err(why) => failed(viewer, &why),
    }
}

/// Answers a form that was sent. Whether it came from a page of ours was asked before.
pub fn post(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    path: &str,
    form: &str,
    now: When,
    doors: &mut Doors<'_>,
) -> Answer {
    let form = Query::read(form);
    match sent_to(store, desk, viewer, path, &form, now, doors) {
        Ok(answer) => answer,
        Err(why) => failed(viewer, &why),
    }
}

fn page_of(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    path: &str,
    query: &Query,
    now: When,
) -> Result<Answer> {
    let parts = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let document = match parts.as_slice() {
        [] | ["desk"] => inbox::page(store, desk, viewer, None, query, now)?,
        ["desk", "inbox", list] => inbox::page(store, desk, viewer, Some(list), query, now)?,
        ["desk", "claims"] => search::claims(store, viewer, query)?,
        ["desk", "claims", id] => claim::page(store, viewer, &claim_id(id)?, query, now)?,
        ["desk", "claims", id, "act", verb] => {
            act::form(store, viewer, &claim_id(id)?, verb, query, &desk.key(now)?, now)?
        }
        ["desk", "orders", id] => search::order(store, viewer, &order_id(id)?, query)?,
        ["desk", "events", position] => event::page(store, viewer, number(position)?, &desk.key(now)?, now)?,
        ["desk", "claims", id, "figures"] => money::of_claim(store, viewer, &claim_id(id)?, query)?,
        ["desk", "money"] => money::page(store, viewer, query)?,
        ["desk", "money", "owed"] => money::owed(store, viewer, query)?,
        ["desk", "money", "lineage"] => money::of_total(store, desk, viewer, query, now)?,
        ["desk", "money", "leakage"] => money::leakage(store, desk, viewer, query, now)?,
        ["desk", "audit"] => audit::page(store, viewer)?,
        ["desk", "audit", "verify"] => audit::verified(desk, viewer)?,
        ["desk", "audit", "tests"] => audit::tests(store, desk, viewer, query, now)?,
        ["desk", "audit", "duties"] => audit::duties(store, desk, viewer, query, now)?,
        ["desk", "audit", "months"] => audit::months(store, desk, viewer, now)?,
        ["desk", "policies"] => policies::page(store, viewer, query)?,
        ["desk", "policies", "draft"] => policies::empty(store, viewer, &desk.key(now)?)?,
        ["desk", "policies", "drafts", sha256] => policies::tried(desk, viewer, sha256)?,
        ["desk", "policies", id, version] => {
            policies::version(store, desk, viewer, (id, version), query, now)?
        }
        ["desk", "policies", id, version, "diff"] => {
            policies::difference(store, viewer, (id, version), query)?
        }
        ["desk", "policies", id, version, "what-if"] => {
            policies::what_if(store, desk, viewer, (id, version), query, now)?
        }
        ["desk", "compare"] => compare::page(store, viewer, query)?,
        ["desk", "approvals", id] => approval::page(store, viewer, id, now)?,
        ["desk", "search"] => search::page(store, desk, viewer, query, now)?,
        _ => return Err(nothing(path)),
    };
    Ok(Answer::page_ok(document))
}

fn sent_to(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    path: &str,
    form: &Query,
    now: When,
    doors: &mut Doors<'_>,
) -> Result<Answer> {
    let parts = parts(path);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["desk", "claims", id, "act", verb] => {
            act::sent(store, desk, viewer, (&claim_id(id)?, verb), form, now, doors)
        }
        ["desk", "events", position] => event::sent(store, desk, viewer, number(position)?, form, now, doors),
        ["desk", "audit", "verify"] => audit::verify(store, desk, now),
        ["desk", "approvals", id] => approval::sent(store, viewer, id, form, now, doors),
        ["desk", "policies", "draft"] => policies::sent(store, desk, viewer, form, now, doors),
        _ => Err(nothing(path)),
    }
}

fn nothing(path: &str) -> Error {
    Error::not_found(format!("there is no page {path}")).hint("the navigation above leads to every place")
}

fn claim_id(text: &str) -> Result<ClaimId> {
    ClaimId::new(text).map_err(|why| Error::not_found(why.to_string()))
}

fn order_id(text: &str) -> Result<OrderId> {
    OrderId::new(text).map_err(|why| Error::not_found(why.to_string()))
}

fn number(text: &str) -> Result<u64> {
    text.parse().map_err(|_| Error::not_found(format!("{text} is no position")))
}

/// The page that tells of an error.
pub fn failed(viewer: &Viewer, why: &Error) -> Answer {
    let head = match why.kind {
        ErrorKind::NotFound => "Not here",
        ErrorKind::Refused | ErrorKind::Forbidden => "This is not allowed",
        ErrorKind::BrokenLog => "The log contradicts itself",
        _ => "This did not work",
    };
    let body = html! {
        h1 { (head) }
        div .notice .bad role="alert" {
            p { (layout::theirs(&why.message)) "." }
            @if !why.details.is_empty() { ul { @for detail in &why.details { li { (layout::theirs(detail)) } } } }
            @if !why.cites.is_empty() { p { "Under " (why.cites.join(", ")) "." } }
            @if let Some(hint) = &why.hint { p .soft { (layout::theirs(hint)) } }
        }
    };
    Answer::page(why.kind, Page::new(viewer, head, "").show(&body))
}
