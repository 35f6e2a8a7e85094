//! The inbox: what needs somebody now. Clocks, decisions, what is missing, duties to inform, and the night.

use maud::{Markup, html};
use replay::{event::Event, ids::Stream, time::When};

use super::{
    Desk, Viewer, acts,
    ask::{Query, link},
    index::{Index, Todo, is_late},
    layout::{Page, at, badge, claim, human, minute, order, pager, table, theirs, time, title},
};
use crate::{
    error::{Error, Result},
    judging::board::{ClockRow, MissedRow},
    store::sqlite::SqliteStore,
    view,
};

/// Rows of each list on the first page.
const FIRST_ROWS: usize = 8;
/// Rows of a list on a page of its own.
const LIST_ROWS: usize = 100;
/// How far ahead a clock is due soon, in days.
const SOON_DAYS: i64 = 7;
/// Events of the ledger that are looked through for the last night, the newest first.
const NIGHT_LOOK_BACK: u64 = 2_000;
const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// The lists, with their names in addresses and what they are called.
const LISTS: [(&str, &str); 5] = [
    ("late", "Late"),
    ("soon", "Due within a week"),
    ("decide", "For you to do"),
    ("missing", "Held: something is missing"),
    ("tell", "Customers who were not told"),
];

/// One line of a list.
enum Line<'a> {
    Clock(&'a ClockRow),
    Missed(&'a MissedRow),
    Todo(&'a Todo),
}

/// The inbox, or one of its lists.
///
/// # Errors
/// Storage errors; a list that does not exist.
pub fn page(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    list: Option<&str>,
    query: &Query,
    now: When,
) -> Result<String> {
    let night = night(store)?;
    desk.with_index(store, now, |index| match list {
        None => Ok(first(index, viewer, &night, now)),
        Some(name) => one(index, viewer, name, query, now),
    })?
}

fn lines<'i>(index: &'i Index, viewer: &Viewer, list: &str, now: When) -> Vec<Line<'i>> {
    let soon = |row: &&ClockRow| {
        let due = row.due_at.map(|due| due.at.micros());
        due.is_some_and(|due| due >= now.at.micros() && due - now.at.micros() <= SOON_DAYS * DAY_MICROS)
    };
    match list {
        "late" => index.clocks().into_iter().filter(|row| is_late(row, now.at)).map(Line::Clock).collect(),
        "soon" => index.clocks().into_iter().filter(soon).map(Line::Clock).collect(),
        "decide" => index.todo().into_iter().filter(|todo| is_for(todo, viewer)).map(Line::Todo).collect(),
        "missing" => index.todo().into_iter().filter(|todo| is_missing(todo)).map(Line::Todo).collect(),
        _ => index.missed().into_iter().map(Line::Missed).collect(),
    }
}

/// Whether it is the viewer's: it can be done, and the viewer holds a role that may.
fn is_for(todo: &Todo, viewer: &Viewer) -> bool {
    let mine = |act: &acts::Act| !acts::roles_of(&viewer.roles, act.kind).is_empty();
    todo.step.state == "can" && todo.step.who == "merchant" && todo.act().is_some_and(mine)
}

fn is_missing(todo: &Todo) -> bool {
    todo.step.state == "waits" && todo.step.text.starts_with("needed before")
}

fn first(index: &Index, viewer: &Viewer, night: &Markup, now: When) -> String {
    let lists: Vec<(&str, &str, Vec<Line<'_>>)> =
        LISTS.iter().map(|(name, title)| (*name, *title, lines(index, viewer, name, now))).collect();
    let body = html! {
        h1 { "Inbox" }
        p .soft { "What needs somebody now, read at " (minute(now)) "." }
        @if !index.not_proved.is_empty() {
            p .bad role="alert" { (index.not_proved.len()) " cases could not be replayed to their end and are in no list: " a href="/desk/audit" { "see the audit" } "." }
        }
        @if !viewer.waiting.is_empty() {
            section #approvals .titled {
                h2 { "Waiting for a second person" }
                (table("Waiting for a second person", &["asked by", "what", "since"], &html! {
                    @for w in viewer.waiting.iter().take(LIST_ROWS) {
                        tr {
                            th scope="row" { bdi { (w.requester) } ", " (human(&w.role)) }
                            td { a href=(format!("/desk/approvals/{}", super::ask::part(&w.id))) { (title(w.proposal.event.kind().as_str())) } " on " (place(&w.proposal.stream)) }
                            td { (minute(w.since)) }
                        }
                    }
                }))
            }
        }
        ul .counts {
            @for (name, title, rows) in &lists {
                li {
                    @if rows.is_empty() { strong { "0" } " " (title) }
                    @else { a href=(format!("/desk/inbox/{name}")) { strong { (rows.len()) } " " (title) } }
                }
            }
        }
        @for (name, title, rows) in lists.iter().filter(|(.., rows)| !rows.is_empty()) {
            section .titled id=(name) {
                h2 { (title) }
                (shown(viewer, title, rows.iter().take(FIRST_ROWS), now))
                @if rows.len() > FIRST_ROWS { p { a href=(format!("/desk/inbox/{name}")) { "All " (rows.len()) } } }
            }
        }
        (night)
    };
    Page::new(viewer, "Inbox", "/desk").twin("/v1/due").show(&body)
}

fn one(index: &Index, viewer: &Viewer, name: &str, query: &Query, now: When) -> Result<String> {
    let found = LISTS.iter().find(|(have, _)| *have == name);
    let (name, title) = found.ok_or_else(|| Error::not_found(format!("the inbox has no list {name}")))?;
    let merchant = query.get("merchant");
    let of = |line: &Line<'_>| merchant.is_none_or(|wanted| line.merchant() == wanted);
    let rows: Vec<Line<'_>> = lines(index, viewer, name, now).into_iter().filter(of).collect();
    let from = query.number("from").unwrap_or(0);
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let page: Vec<&Line<'_>> = rows.iter().skip(start).take(LIST_ROWS).collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let address = format!("/desk/inbox/{name}");
    let kept: Vec<(&str, &str)> = merchant.map(|merchant| ("merchant", merchant)).into_iter().collect();
    let body = html! {
        p .kicker { a href="/desk" { "Inbox" } }
        h1 { (title) }
        @if let Some(merchant) = merchant { p { "Of merchant " strong { (theirs(merchant)) } ". " a href=(address) { "Of all" } } }
        @if page.is_empty() { p .note { "Nothing." } } @else { div .titled { (shown(viewer, title, page.iter().copied(), now)) } }
        (pager(&address, &kept, from, number(page.len()), number(rows.len())))
    };
    let twin = if matches!(*name, "decide" | "missing") { "/v1/claims" } else { "/v1/due" };
    Ok(Page::new(viewer, *title, "/desk").twin(twin).show(&body))
}

impl Line<'_> {
    fn merchant(&self) -> &str {
        match self {
            Line::Clock(row) => &row.policy,
            Line::Missed(row) => &row.policy,
            Line::Todo(todo) => &todo.merchant,
        }
    }
}

fn shown<'l>(viewer: &Viewer, caption: &str, rows: impl Iterator<Item = &'l Line<'l>>, now: When) -> Markup {
    table(
        caption,
        &["where", "what", "when", "clauses"],
        &html! {
            @for row in rows {
                @match row {
                    Line::Clock(row) => tr {
                        th scope="row" { @match &row.claim { Some(id) => (claim(id.as_str())), None => (order(row.order.as_str())) } span .who { (row.policy) } }
                        td { (human(row.clock.as_str())) @if let Some(refund) = &row.refund { " of " bdi { (refund) } } @if row.firmness == "hard" { " " (badge("bad", "hard")) } }
                        td { @if is_late(row, now.at) { (badge("bad", "late")) " " } @if let Some(due) = row.due_at { (minute(due)) } @else { span .note { "no figure" } } }
                        td { (codes(row.cites.iter().map(|code| code.as_str()))) }
                    },
                    Line::Missed(row) => tr {
                        th scope="row" { @match &row.claim { Some(id) => (claim(id.as_str())), None => (order(row.order.as_str())) } span .who { (row.policy) } }
                        td { "tell about " (human(&row.about)) }
                        td { "since " (minute(row.since)) }
                        td { (codes(row.cites.iter().map(|code| code.as_str()))) }
                    },
                    Line::Todo(todo) => tr {
                        th scope="row" { (claim(todo.claim.as_str())) span .who { (todo.merchant) } }
                        td {
                            @if let Some(units) = &todo.step.units { bdi { (units) } ": " } (theirs(&todo.step.text))
                            @if is_for(todo, viewer) && let (Some(act), Some(command)) = (todo.act(), &todo.step.command) {
                                " " a .button href=(to_form(todo, act, command)) { (act.title) }
                            }
                        }
                        td { "opened " (minute(todo.opened)) }
                        td { (todo.step.cites.join(", ")) }
                    },
                }
            }
        },
    )
}

fn codes<'c>(codes: impl Iterator<Item = &'c str>) -> String {
    codes.collect::<Vec<_>>().join(", ")
}

fn to_form(todo: &Todo, act: &'static acts::Act, command: &str) -> String {
    let said = acts::said(act, command);
    let pairs: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    link(&super::claim::form_at(&todo.claim, act.verb), &pairs)
}

/// The last rebuild, and what was refused lately.
fn night(store: &mut SqliteStore) -> Result<Markup> {
    let rebuilt = store.last_of(&Stream::Ledger, &["projection_rebuilt"], NIGHT_LOOK_BACK, 1)?;
    let refused = store.last_of(&Stream::Ledger, &["append_refused"], NIGHT_LOOK_BACK, FIRST_ROWS)?;
    let mut last = html! { p .note { "The books were not rebuilt yet. " a href="/desk/audit" { "Audit" } } };
    if let Some(row) = rebuilt.first() {
        let recorded = view::opened(row)?;
        if let Event::ProjectionRebuilt(r) = &recorded.event {
            let when = recorded.envelope.recorded_at.to_string();
            last = html! {
                p {
                    @if r.differences == 0 { (badge("good", "equal")) " " } @else { (badge("bad", "differed")) " " }
                    "The last rebuild, " (time(&when)) " by " bdi { (recorded.envelope.actor) } " " (at(row.position)) ": "
                    @if r.differences == 0 { "every row was what had been served." }
                    @else { strong { (r.differences) " rows differed from what had been served." } " " a href="/desk/audit" { "See which" } }
                }
            };
        }
    }
    let mut lines = Vec::new();
    for row in &refused {
        let recorded = view::opened(row)?;
        if let Event::AppendRefused(r) = &recorded.event {
            lines.push(html! {
                li { (time(&recorded.envelope.recorded_at.to_string())) " " bdi { (recorded.envelope.actor) } ": " (title(r.kind.as_str())) " on " (place(&r.stream)) ": " (theirs(r.message.as_str())) " " (at(row.position)) }
            });
        }
    }
    Ok(html! {
        section #night {
            h2 { "The night" }
            (last)
            @if !lines.is_empty() {
                details { summary { "Acts that were refused lately" } ul { @for line in &lines { (line) } } }
            }
        }
    })
}

/// A stream, as a way to its page where it has one.
pub fn place(stream: &Stream) -> Markup {
    match stream {
        Stream::Claim(id) => claim(id.as_str()),
        Stream::Order(id) => order(id.as_str()),
        Stream::Ledger => html! { "the ledger" },
    }
}
