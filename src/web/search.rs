//! Finding: a claim, an order, and everything that people have in hand: return numbers, tracking numbers, refunds,
//! customers, amounts. Also the list of claims, and the page of an order.

use maud::{Markup, html};
use replay::{
    books::{BoardRow, rows},
    history::Cut,
    ids::{OrderId, Stream},
    time::When,
};

use super::{
    Desk, Viewer,
    ask::{Query, href, part},
    inbox::place,
    index::{FOUND_MAX, What, by_personal},
    layout::{Page, badge, claim, human, money, table, theirs, title},
};
use crate::{
    error::Result,
    store::sqlite::SqliteStore,
    view::{self, Filter},
};

/// Claims on one page of the list.
const LIST_ROWS: u64 = 100;
/// Events of an order that its page shows.
const ORDER_ROWS: usize = 60;

/// What a text finds.
///
/// # Errors
/// Storage errors.
pub fn page(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    query: &Query,
    now: When,
) -> Result<String> {
    let asked = query.get("q").unwrap_or_default();
    let mut found: Vec<(String, &'static str, Stream)> = Vec::new();
    if !asked.is_empty() {
        let by_word = desk.with_index(store, now, |index| index.find(asked))?;
        found.extend(by_word.into_iter().map(|(word, what, stream)| (word, what.as_str(), stream)));
        let personal = if viewer.reads_clear() { by_personal(store, asked)? } else { Vec::new() };
        found.extend(personal.into_iter().map(|(kind, stream)| {
            let what = if matches!(kind.as_str(), "shipment_dispatched" | "label_issued") {
                "tracking number"
            } else {
                "personal value"
            };
            (asked.to_owned(), what, stream)
        }));
        found.truncate(FOUND_MAX);
    }
    let words =
        [What::Claim, What::Order, What::Rma, What::Refund, What::Parcel, What::Customer, What::Amount];
    let words: Vec<&str> = words.iter().map(|what| what.as_str()).collect();
    let body = html! {
        h1 { "Search" }
        form .inline role="search" aria-label="Search everything" action="/desk/search" method="get" {
            label for="q" { "What you have in hand" }
            input #q type="search" name="q" value=(asked) maxlength="200" size="40" aria-describedby="q-hint";
            " " button type="submit" { "Search" }
            p #q-hint .hint { (words.join(", ")) ", tracking number; the beginning of it is enough, an amount is written like 168.98" }
        }
        @if !asked.is_empty() {
            @if found.is_empty() { p .note role="status" { "Nothing is on record under " (theirs(asked)) "." } }
            @else {
                p role="status" { (found.len()) @if found.len() == FOUND_MAX { " or more" } " found." }
                (table("Found", &["where", "what", "as"], &html! {
                    @for (word, what, stream) in &found {
                        tr { th scope="row" { @match stream { Stream::Claim(_) => "claim ", Stream::Order(_) => "order ", Stream::Ledger => "" } (place(stream)) } td { (what) } td { (theirs(word)) } }
                    }
                }))
            }
        }
    };

    Ok(Page::new(
        viewer,
        if asked.is_empty() { "Search".to_owned() } else { format!("Search: {asked}") },
        "/desk/search",
    )
    .twin("/v1/claims")
    .show(&body))
}

/// The list of claims, with filters.
///
/// # Errors
/// Storage errors.
pub fn claims(store: &mut SqliteStore, viewer: &Viewer, query: &Query) -> Result<String> {
    let text = |name: &str| query.get(name).map(str::to_owned);
    let filter = Filter {
        merchant: text("merchant"),
        stage: text("stage"),
        country: text("country"),
        reason: text("reason"),
        flag: text("flag"),
        order: query.get("order").and_then(|id| OrderId::new(id).ok()),
        open_money: query.get("open_money").is_some(),
        opened_from: text("opened_from"),
        opened_to: text("opened_to"),
    };
    let list = store.board(&filter, query.get("after"), LIST_ROWS + 1)?;
    let more = list.len() > usize::try_from(LIST_ROWS).unwrap_or(usize::MAX);
    let shown: Vec<&BoardRow> = list.iter().take(usize::try_from(LIST_ROWS).unwrap_or(usize::MAX)).collect();
    let last = shown.last().map(|row| row.claim.clone());
    let total = store.claims_count()?;
    let boxes = [
        ("merchant", "Merchant"),
        ("stage", "Stage"),
        ("reason", "Reason"),
        ("country", "Country"),
        ("flag", "Flag"),
        ("opened_from", "Opened from"),
        ("opened_to", "Opened to"),
    ];
    let body = html! {
        h1 { "Claims" }
        form .filters method="get" action="/desk/claims" {
            @for (name, label) in boxes {
                p { label for=(name) { (label) } input id=(name) name=(name) value=(query.get(name).unwrap_or_default()) maxlength="60" placeholder=[name.starts_with("opened").then_some("2024-04-15")]; }
            }
            p .tick { input #open_money type="checkbox" name="open_money" value="yes" checked[query.get("open_money").is_some()]; " " label for="open_money" { "with money open" } }
            p .buttons { button type="submit" { "Show" } " " a href="/desk/claims" { "All " (total) } }
        }
        @if shown.is_empty() { p .note role="status" { "No claim is like this." } } @else { (board(&shown)) }
        @if let (true, Some(last)) = (more, last) {
            nav .pager aria-label="Pages of the list" { a rel="next" href=(href("/desk/claims", &query.with("after", Some(&last)))) { "Further down the list" } }
        }
    };
    Ok(Page::new(viewer, "Claims", "/desk/claims")
        .twin(href("/v1/claims", &query.with("open_money", query.get("open_money").map(|_| "true"))))
        .show(&body))
}

fn board(list: &[&BoardRow]) -> Markup {
    table(
        "Claims",
        &["claim", "stage", "merchant and reason", "opened", "credited>", "open>"],
        &html! {
            @for row in list {
                tr {
                    th scope="row" { (claim(&row.claim)) }
                    td { (human(&row.stage)) @for flag in row.flags.split(' ').filter(|flag| !flag.is_empty()) { " " (badge("", &human(flag))) } }
                    td { (row.merchant) ", " (human(&row.reason)) ", " (theirs(&row.country)) }
                    td { (row.opened_on) }
                    td .n { (money(row.credited_minor, &row.currency)) }
                    td .n { @if row.open_minor > 0 { strong { (money(row.open_minor, &row.currency)) } } }
                }
            }
        },
    )
}

/// An order: what was sold, its claims, its events.
///
/// # Errors
/// When there is no such order.
pub fn order(store: &mut SqliteStore, viewer: &Viewer, id: &OrderId, query: &Query) -> Result<String> {
    let stream = Stream::Order(id.clone());
    let case = view::case_of(store, &stream)?;
    let entries = view::timeline(store, &stream, false, viewer.reads_clear(), &Cut::default())?;
    let from = query.number("from").and_then(|from| usize::try_from(from).ok()).unwrap_or(0);
    let claims: Vec<BoardRow> =
        case.claims.keys().filter_map(|claim| Some(rows(&case, claim, &Cut::default())?.board)).collect();
    let claims: Vec<&BoardRow> = claims.iter().take(ORDER_ROWS).collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let address = format!("/desk/orders/{}", part(id.as_str()));
    let body = html! {
        p .kicker { "Order" }
        h1 { bdi { (id) } }
        @if let Some(state) = case.order_state() {
            p .soft { "Sold under policy " (state.sale.policy) " on " (state.sale.purchased_at.local_day()) ", captured " (money(state.captured_minor, state.currency().as_str())) "." }
            (table("What was sold", &["line", "article", "class", "quantity>", "price of one>"], &html! {
                @for line in state.sale.lines.iter().take(ORDER_ROWS) {
                    tr { th scope="row" { (line.id.as_str()) } td { (theirs(line.sku.as_str())) @if let Some(words) = &line.description { span .who { (theirs(words.as_str())) } } } td { (human(line.class.as_str())) } td .n { (line.quantity) } td .n { (money(line.unit_price_minor, state.currency().as_str())) } }
                }
            }))
        }
        h2 { "Claims on it" }
        @if claims.is_empty() { p .note { "None." } } @else { (board(&claims)) }
        h2 { (title("what_happened")) }
        ol .events { @for entry in entries.iter().skip(from).take(ORDER_ROWS) { (super::claim::line(entry)) } }
        (super::layout::pager(&address, &[], number(from), number(ORDER_ROWS.min(entries.len())), number(entries.len())))
    };
    let twin = format!("/v1/orders/{}", part(id.as_str()));
    Ok(Page::new(viewer, format!("Order {id}"), "/desk/claims").twin(twin).show(&body))
}
