//! Where the desk is hung up: its pages are routes like all others, so that the door, the roles and the tests know them.
//! What they show is made in [`crate::web`], which knows nothing of HTTP.

use maud::{DOCTYPE, Markup, html};
use replay::{
    seal::Proposal,
    time::{Instant, When},
};

use super::{
    answer::Answer,
    app::App,
    append,
    asked::Asked,
    param::{Is, Param, Place},
    routes::{ADMIN, CHECKS, Gives, MONEY, May, RECORDS, Route, Run, STAFF, Takes, Verb, path},
};
use crate::{
    access::Scope,
    assets::href,
    door::Door,
    error::{Error, Result},
    store::access::ApprovalRow,
    store::sqlite::SqliteStore,
    web::{self, Doors, Viewer, Waiting},
};

/// What a page reads of its query string, it reads itself.
const QUERY: Param =
    Param { name: "query", place: Place::Free, is: Is::Text(4_096), says: "What the page's own form sends" };
const CLAIM: Param = path("claim", Is::Claim, "The claim");
const ORDER: Param = path("order", Is::Order, "The order");
const POSITION: Param = path("position", Is::Position, "The position of the event");
const VERB: Param = path("verb", Is::Code, "What is recorded");
const POLICY: Param = path("policy", Is::Policy, "The policy");
const VERSION: Param = path("version", Is::Number(1_000_000), "The version");
const LIST: Param = path("list", Is::Code, "The list");
const HASH: Param = path("sha256", Is::Text(64), "The SHA-256 of the draft");

const APPROVAL: Param = path("approval", Is::Text(64), "What waits");
/// Most acts that wait, on one page.
const WAITING_MAX: u32 = 200;

/// A page of the desk.
const fn page_at(
    name: &'static str,
    path: &'static str,
    says: &'static str,
    may: May,
    params: &'static [Param],
) -> Route {
    Route {
        name,
        method: Verb::Get,
        path,
        says,
        may,
        scope: Some(Scope::Read),
        params,
        takes: Takes::Nothing,
        gives: Gives::Page,
        run: Run::Read(shown),
    }
}

/// A form of the desk.
const fn form_at(
    name: &'static str,
    path: &'static str,
    says: &'static str,
    may: May,
    params: &'static [Param],
) -> Route {
    Route {
        name,
        method: Verb::Post,
        path,
        says,
        may,
        scope: Some(Scope::Append),
        params,
        takes: Takes::Form,
        gives: Gives::Page,
        run: Run::Act(sent),
    }
}

/// Pages and forms of the desk.
pub const PAGES: &[Route] = &[
    page_at("inbox_page", "/", "What needs somebody now", STAFF, &[QUERY]),
    page_at("desk_inbox", "/desk", "What needs somebody now", STAFF, &[QUERY]),
    page_at("desk_inbox_list", "/desk/inbox/{list}", "One list of the inbox", STAFF, &[LIST, QUERY]),
    page_at("desk_claims", "/desk/claims", "The claims, with filters", STAFF, &[QUERY]),
    page_at("desk_claim", "/desk/claims/{claim}", "One claim at any moment", STAFF, &[CLAIM, QUERY]),
    page_at(
        "desk_claim_figures",
        "/desk/claims/{claim}/figures",
        "The events behind a claim's figures",
        STAFF,
        &[CLAIM, QUERY],
    ),
    page_at(
        "desk_act_form",
        "/desk/claims/{claim}/act/{verb}",
        "The form of an act on a claim",
        RECORDS,
        &[CLAIM, VERB, QUERY],
    ),
    form_at(
        "desk_act",
        "/desk/claims/{claim}/act/{verb}",
        "Tries an act on a claim, or records it",
        RECORDS,
        &[CLAIM, VERB],
    ),
    page_at("desk_order", "/desk/orders/{order}", "One order with its claims", STAFF, &[ORDER, QUERY]),
    page_at(
        "desk_event",
        "/desk/events/{position}",
        "One event, and what it touches",
        STAFF,
        &[POSITION, QUERY],
    ),
    form_at(
        "desk_amend",
        "/desk/events/{position}",
        "Tries a correction or a reversal, or records it",
        RECORDS,
        &[POSITION],
    ),
    page_at(
        "desk_search",
        "/desk/search",
        "Finds claims and orders by what people have in hand",
        STAFF,
        &[QUERY],
    ),
    page_at("desk_compare", "/desk/compare", "Two moments of a claim side by side", STAFF, &[QUERY]),
    page_at(
        "desk_approval",
        "/desk/approvals/{approval}",
        "An act that waits for a second person",
        RECORDS,
        &[APPROVAL, QUERY],
    ),
    form_at(
        "desk_settle",
        "/desk/approvals/{approval}",
        "Approves what waits, or rejects it",
        RECORDS,
        &[APPROVAL],
    ),
    page_at("desk_money", "/desk/money", "Totals, charts, what is owed", MONEY, &[QUERY]),
    page_at("desk_owed", "/desk/money/owed", "What is owed, claim by claim", MONEY, &[QUERY]),
    page_at("desk_lineage", "/desk/money/lineage", "The events behind a total", MONEY, &[QUERY]),
    page_at("desk_leakage", "/desk/money/leakage", "Money that left without a clause", MONEY, &[QUERY]),
    page_at("desk_audit", "/desk/audit", "The state of the log, heads, rebuilds", CHECKS, &[QUERY]),
    page_at("desk_verified", "/desk/audit/verify", "The last audit asked for at the desk", CHECKS, &[QUERY]),
    form_at("desk_verify", "/desk/audit/verify", "Starts an audit", CHECKS, &[]),
    page_at("desk_audit_tests", "/desk/audit/tests", "Journal-entry tests", CHECKS, &[QUERY]),
    page_at("desk_audit_duties", "/desk/audit/duties", "Segregation of duties", CHECKS, &[QUERY]),
    page_at("desk_audit_months", "/desk/audit/months", "Months with their totals", MONEY, &[QUERY]),
    page_at("desk_policies", "/desk/policies", "The published policies", STAFF, &[QUERY]),
    page_at("desk_draft", "/desk/policies/draft", "The draft of a policy", ADMIN, &[QUERY]),
    form_at("desk_publish", "/desk/policies/draft", "Checks, tries or publishes a draft", ADMIN, &[]),
    page_at(
        "desk_draft_tried",
        "/desk/policies/drafts/{sha256}",
        "What a draft would mean for every claim",
        ADMIN,
        &[HASH, QUERY],
    ),
    page_at(
        "desk_policy",
        "/desk/policies/{policy}/{version}",
        "The clauses of a policy version",
        STAFF,
        &[POLICY, VERSION, QUERY],
    ),
    page_at(
        "desk_policy_diff",
        "/desk/policies/{policy}/{version}/diff",
        "What differs between two versions",
        STAFF,
        &[POLICY, VERSION, QUERY],
    ),
    page_at(
        "desk_policy_what_if",
        "/desk/policies/{policy}/{version}/what-if",
        "Every claim judged under a version",
        MONEY,
        &[POLICY, VERSION, QUERY],
    ),
];

/// Who asks, as the desk knows them; with what waits for a second person where the page is about that.
fn viewer(app: &App, asked: &Asked, path: &str) -> Result<Viewer> {
    let who = asked.who()?;
    let approve: &[&str] = if let May::Roles(roles) = append::APPROVES { roles } else { &[] };
    let is_inbox = matches!(path, "/" | "/desk");
    let mut waiting = Vec::new();
    if path.starts_with("/desk/approvals/") || is_inbox {
        let now = app.now().micros();
        let rows = app.access.store().approvals("pending", WAITING_MAX)?;
        let mine = |row: &ApprovalRow| who.holds_one_of(approve) || row.requester == who.actor.as_str();
        for row in rows.into_iter().filter(|row| row.expires_at > now && mine(row)) {
            let since = When {
                at: Instant::from_micros(row.created_at).unwrap_or(Instant::EPOCH),
                offset_minutes: 0,
            };
            let proposal = append::kept(&row)?;
            waiting.push(Waiting { id: row.id, requester: row.requester, role: row.role, since, proposal });
        }
    }
    Ok(Viewer {
        actor: who.actor.clone(),
        roles: who.roles.clone(),
        csrf: who.csrf.clone().unwrap_or_default(),
        personal: who.scopes.has(Scope::Personal),
        waiting,
    })
}

fn shown(app: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let now = Door::System.now_here();
    Ok(answer(web::get(store, &app.desk, &viewer(app, asked, path)?, path, query, now)))
}

fn sent(app: &App, asked: &Asked) -> Result<Answer> {
    let path = asked.path.split('?').next().unwrap_or_default();
    let viewer = viewer(app, asked, path)?;
    let form = std::str::from_utf8(&asked.body)
        .map_err(|_| Error::unreadable("not_utf8", "the form is not UTF-8"))?;
    let now = Door::System.now_here();
    let who = asked.who()?;
    let mut record = |mut batch: crate::ledger::Batch| {
        for proposal in &mut batch {
            proposal.correlation = asked.correlation();
        }
        app.record(batch)
    };
    let mut ask =
        |proposal: &Proposal, command: &str| append::keep(app, who, proposal, command.as_bytes()).map(|_| ());
    let mut settle = |_: &str, approve: bool| {
        let settled = if approve { append::approve(app, asked) } else { append::reject(app, asked) };
        settled.map(|_| ())
    };
    let mut doors = Doors { record: &mut record, ask: &mut ask, settle: &mut settle };
    app.read(|store| Ok(answer(web::post(store, &app.desk, &viewer, path, form, now, &mut doors))))
}

fn answer(answer: web::Answer) -> Answer {
    match answer {
        web::Answer::Redirect(to) => Answer::see(to),
        web::Answer::Page(kind, page) => {
            let status = kind.map_or(200, crate::error::ErrorKind::http_status);
            Answer::of(status, super::answer::HTML, page.into_bytes())
        }
    }
}

/// A whole page around what it is about.
pub fn page(title: &str, is_narrow: bool, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " - claims" }
                link rel="stylesheet" href=(href("base.css"));
            }
            body { main class=[is_narrow.then_some("narrow")] { (body) } }
        }
    }
}

/// An error as people see it.
pub fn error_page(why: &Error, request_id: &str) -> Answer {
    let body = html! {
        h1 { (why.kind.meaning()) }
        p class="bad" role="alert" { @if let Some(at) = &why.at { (at) ": " } (why.message) }
        @if !why.details.is_empty() { ul { @for detail in &why.details { li { (detail) } } } }
        @if !why.cites.is_empty() { p { "Clauses: " (why.cites.join(", ")) } }
        @if let Some(hint) = &why.hint { p class="words" { (hint) } }
        p { a href="/" { "Back to the inbox" } }
        p { small { "Request " code { (request_id) } } }
    };
    Answer::page(page("Error", true, &body)).status(why.http_status())
}
