//! Where the desk is hung up: its pages are routes like all others, so that the door, the roles and the tests know them.
//!
//! A page is a function `fn(&App, &mut SqliteStore, &Asked) -> Result<Answer>` that reads one state of the ledger; a form
//! is answered by `fn(&App, &Asked) -> Result<Answer>`, which records through [`App::record`] and then sends the browser
//! on with [`Answer::see`]. Forms carry a hidden field `csrf` with the value in [`super::principal::Principal::csrf`].

use maud::{DOCTYPE, Markup, html};

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    routes::{Gives, Route, Run, STAFF, Takes, Verb},
};
use crate::{
    access::Scope,
    assets::href,
    error::{Error, Result},
    store::sqlite::SqliteStore,
};

/// Pages and forms of the desk.
pub const PAGES: &[Route] = &[Route {
    name: "inbox_page",
    method: Verb::Get,
    path: "/",
    says: "What needs somebody now",
    may: STAFF,
    scope: Some(Scope::Read),
    params: &[],
    takes: Takes::Nothing,
    gives: Gives::Page,
    run: Run::Read(inbox),
}];

fn inbox(app: &App, _: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let who = asked.who()?;
    let roles: Vec<&str> = who.roles.iter().map(|role| role.as_str()).collect();
    let body = html! {
        h1 { "Inbox" }
        p { "Ledger " (app.origin) ". You are " strong { (who.actor) } ", in the roles " (roles.join(", ")) "." }
        form method="post" action="/logout" {
            input type="hidden" name="csrf" value=(who.csrf.as_deref().unwrap_or_default());
            button { "Log out" }
        }
    };
    Ok(Answer::page(page("Inbox", false, &body)))
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
