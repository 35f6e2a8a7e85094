//! What every page shares: the frame with its navigation, tables, and how moments, money and clauses are written.

use maud::{DOCTYPE, Markup, html};
use replay::time::When;

use super::{
    CHECKS, MONEY, STAFF, Viewer,
    ask::{Query, link, part},
};
use crate::{
    assets::href,
    packet::{visible, words},
};

/// Without JavaScript a page that waits for work is loaded again after so many seconds.
const AGAIN_S: u32 = 5;

/// The places that the navigation leads to, with their addresses and whose they are.
pub const PLACES: [(&str, &str, &[&str]); 7] = [
    ("/desk", "Inbox", STAFF),
    ("/desk/claims", "Claims", STAFF),
    ("/desk/money", "Money", MONEY),
    ("/desk/audit", "Audit", CHECKS),
    ("/desk/policies", "Policies", STAFF),
    ("/desk/compare", "Compare", STAFF),
    ("/desk/search", "Search", STAFF),
];

/// A page before it has its frame.
pub struct Page<'a> {
    /// Who looks at it.
    pub viewer: &'a Viewer,
    /// What it is about, first in the browser's title.
    pub title: String,
    /// The address of its place in [`PLACES`].
    pub place: &'static str,
    /// The address of the same as JSON.
    pub twin: Option<String>,
    /// What it shows is being worked out: the script looks again until it is there; without it the browser does.
    pub is_under_way: bool,
}

impl<'a> Page<'a> {
    /// A page at a place.
    pub fn new(viewer: &'a Viewer, title: impl Into<String>, place: &'static str) -> Self {
        Self { viewer, title: title.into(), place, twin: None, is_under_way: false }
    }
    /// Names its twin in the API.
    pub fn twin(mut self, address: impl Into<String>) -> Self {
        self.twin = Some(address.into());
        self
    }
    /// The whole document.
    pub fn show(&self, main: &Markup) -> String {
        let viewer = self.viewer;
        let roles: Vec<String> = viewer.roles.iter().map(|role| words::human(role.as_str())).collect();
        let document = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="same-origin";
                    @if self.is_under_way { noscript { meta http-equiv="refresh" content=(AGAIN_S); } }
                    title { (visible(&self.title)) " · claims" }
                    link rel="icon" href=(href("icon.svg")) type="image/svg+xml";
                    link rel="stylesheet" href=(href("desk.css"));
                    script src=(href("desk.js")) type="module" {}
                }
                body {
                    a .skip href="#main" { "Skip to the page" }
                    header .top {
                        nav aria-label="Places" {
                            ul {
                                @for (address, name, _) in PLACES.into_iter().filter(|(.., whose)| viewer.holds_one_of(whose)) {
                                    li { a href=(address) aria-current=[(address == self.place).then_some("page")] { (name) } }
                                }
                            }
                        }
                        form .find role="search" action="/desk/search" method="get" {
                            label .hidden for="find" { "Search" }
                            input #find type="search" name="q" placeholder="claim, order, RMA, refund …" maxlength="200";
                            button type="submit" { "Search" }
                        }
                        div .me {
                            span { bdi { (viewer.actor) } @if !roles.is_empty() { ", " (roles.join(", ")) } @else { ", no role" } }
                            form action="/logout" method="post" {
                                (csrf(viewer))
                                button .plain type="submit" { "Log out" }
                            }
                        }
                    }
                    main #main tabindex="-1" data-under-way[self.is_under_way] { (main) }
                    footer {
                        p .soft {
                            "Numbers in brackets are positions in the log. Times of what happened carry the offset of their place."
                            @if let Some(twin) = &self.twin { " The same for programs: " a .twin href=(twin) { code { (twin) } } }
                        }
                    }
                }
            }
        };
        document.into_string()
    }
}

/// What tells a form of ours from one that somebody else's page sent.
pub fn csrf(viewer: &Viewer) -> Markup {
    html! { input type="hidden" name="csrf" value=(viewer.csrf); }
}

/// What came of the form that led here.
pub fn said(query: &Query) -> Markup {
    html! {
        @if let Some(position) = query.number("recorded") { p .notice .good role="status" { "Recorded, at position " (at(position)) "." } }
        @if let Some(position) = query.number("again") { p .notice role="status" { "This was recorded before, at position " (at(position)) "; nothing was added." } }
        @if query.get("asked").is_some() { p .notice role="status" { "A second person was asked. It is recorded when somebody approves it." } }
    }
}

/// A table that can be scrolled by keyboard where it is wider than the page. A heading that ends in `>` stands over
/// figures.
pub fn table(caption: &str, head: &[&str], rows: &Markup) -> Markup {
    html! {
        div .wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for name in head {
                            th scope="col" class=[name.ends_with('>').then_some("n")] { (name.trim_end_matches('>')) }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

/// A code as people read it.
pub fn human(code: &str) -> String {
    words::human(code)
}

/// A code at the beginning of a sentence.
pub fn title(code: &str) -> String {
    words::title(code)
}

/// A text that somebody else wrote: what hides or turns is made visible, and its direction is its own.
pub fn theirs(text: &str) -> Markup {
    html! { bdi { (visible(text)) } }
}

/// An RFC 3339 time as people read it, the day and the time apart.
pub fn time(rfc: &str) -> Markup {
    html! { time datetime=(rfc) { (words::moment(rfc)) } }
}

/// The same without seconds.
pub fn minute(when: When) -> Markup {
    let rfc = when.to_string();
    let text = words::moment(&rfc);
    let short = match (text.get(..16), text.get(19..)) {
        (Some(minute), Some(offset)) => format!("{minute}{offset}"),
        _ => text,
    };
    html! { time datetime=(rfc) { (short) } }
}

/// The position of an event, as a way to it.
pub fn at(position: u64) -> Markup {
    html! { a .pos href=(format!("/desk/events/{position}")) aria-label={ "event " (position) } { "[" (position) "]" } }
}

/// Clauses, each as a way to its words.
pub fn cites(policy: Option<(&str, u32)>, ids: &[String]) -> Markup {
    html! {
        @for (i, id) in ids.iter().enumerate() {
            @if i > 0 { ", " }
            @match policy {
                Some((policy, version)) => a .clause href={ (format!("/desk/policies/{}/{version}", part(policy))) "#c-" (id) } { (id) },
                None => span .clause { (id) },
            }
        }
    }
}

/// A way to a claim.
pub fn claim(id: &str) -> Markup {
    html! { a href=(claim_at(id)) { bdi { (id) } } }
}

/// The address of a claim.
pub fn claim_at(id: &str) -> String {
    format!("/desk/claims/{}", part(id))
}

/// A way to an order.
pub fn order(id: &str) -> Markup {
    html! { a href=(format!("/desk/orders/{}", part(id))) { bdi { (id) } } }
}

/// Amount and currency.
pub fn money(minor: u64, currency: &str) -> String {
    format!("{} {currency}", crate::view::money(minor, currency))
}

/// The same, below zero too.
pub fn signed(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", money(minor.unsigned_abs(), currency))
}

/// A word in a frame: `good`, `bad`, `wait` or nothing.
pub fn badge(tone: &str, text: &str) -> Markup {
    html! { span class={ "badge " (tone) } { (text) } }
}

/// Ways through a long list: to its beginning and to what follows.
pub fn pager(path: &str, pairs: &[(&str, &str)], from: u64, shown: u64, total: u64) -> Markup {
    let next = from.saturating_add(shown);
    let to = |start: u64| {
        let start = start.to_string();
        let mut all = pairs.to_vec();
        all.push(("from", &start));
        link(path, &all)
    };
    html! {
        @if total > shown {
            nav .pager aria-label="Pages of the list" {
                @if from > 0 { a href=(to(from.saturating_sub(shown.max(1)))) rel="prev" { "Earlier in the list" } " " }
                span .soft { (from.saturating_add(1).min(total)) " to " (next.min(total)) " of " (total) }
                @if next < total { " " a href=(to(next)) rel="next" { "Further down the list" } }
            }
        }
    }
}
