//! Leakage: money that left without a clause, or stays against one; sums, and the findings behind each of them.

use maud::{Markup, html};
use replay::{
    history::Cut,
    ids::PolicyId,
    time::{Day, When},
};

use crate::{
    error::Result,
    judging::{
        leakage::{Ask, Category, Row, leakage},
        world::Whole,
    },
    store::sqlite::SqliteStore,
    web::{
        Desk, Viewer,
        ask::{Query, href},
        layout::{Page, at, badge, claim, human, money, pager, table, theirs, title},
    },
};

/// Findings on one page.
const ROWS: usize = 100;
/// Days after which a label that no parcel has used is on the list, as in `claims leakage`.
const LABEL_DAYS: u32 = 30;

/// The report, or the findings of one category.
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
    let names = ["from_day", "to_day", "merchant", "grace", "category"];
    let kept = names.into_iter().fold(Query::default(), |all, name| all.with(name, query.get(name)));
    let twin = Query::default().with("from", query.get("from_day")).with("to", query.get("to_day"));
    let twin = twin.with("merchant", query.get("merchant")).with("grace", query.get("grace"));
    let page = Page::new(viewer, "Leakage", "/desk/money").twin(href("/v1/leakage", &twin));
    let from = query.number("from").unwrap_or(0);
    let address = href("/desk/money/leakage", &kept.with("from", query.get("from")));
    desk.worked(store, page, &address, now, Box::new(move |store| found(store, &kept, from, now)))
}

fn found(store: &mut SqliteStore, query: &Query, from: u64, now: When) -> Result<Markup> {
    let day = |name: &str| query.get(name).and_then(|text| Day::parse(text).ok());
    let named = |name: &str| Category::ALL.iter().find(|category| category.as_str() == name).copied();
    let wanted = query.get("category").and_then(named);
    let ask = Ask {
        cut: Cut::default(),
        at: now,
        from: day("from_day"),
        to: day("to_day"),
        merchant: query.get("merchant").and_then(|id| PolicyId::new(id).ok()),
        grace_days: query.number("grace").and_then(|days| u32::try_from(days).ok()).unwrap_or(0),
        label_days: LABEL_DAYS,
        rows: wanted.is_some(),
    };
    let whole = Whole::read(store, &ask.cut, false)?;
    let report = leakage(&whole, &ask, false)?;
    let not_proved = whole.not_proved.len();
    crate::replaying::aside(whole);
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let found: Vec<&Row> = report.rows.iter().filter(|row| Some(row.category) == wanted).collect();
    let shown: Vec<&Row> = found.iter().copied().skip(start).take(ROWS).collect();
    let pairs: Vec<(&str, &str)> = query.pairs().collect();
    let boxes = [
        ("from_day", "From", "2024-01-01"),
        ("to_day", "To", "2024-12-31"),
        ("merchant", "Merchant", ""),
        ("grace", "Days of grace", "0"),
    ];
    Ok(html! {
        p .kicker { a href="/desk/money" { "Money" } }
        h1 { "Leakage" }
        p .soft { "What was decided and paid, held against what the policy says of the facts. Categories look at the same money from several sides and are not to be added up." }
        form .filters method="get" action="/desk/money/leakage" {
            @for (name, label, example) in boxes { p { label for=(name) { (label) } input id=(name) name=(name) value=(query.get(name).unwrap_or_default()) placeholder=(example) maxlength="60"; } }
            p .buttons { button type="submit" { "Show" } }
        }
        @if not_proved > 0 { p .bad role="alert" { (not_proved) " cases could not be replayed to their end and are in no figure." } }
        p { (report.claims) " claims looked at; " (report.historical) " credits from before the ledger, which no policy judges." }
        @if report.totals.is_empty() { p .note { "Nothing was found." } }
        @else {
            (table("Sums", &["category", "merchant", "findings>", "amount>"], &html! {
                @for ((category, (merchant, currency)), sum) in &report.totals {
                    tr {
                        th scope="row" { a href=(href("/desk/money/leakage", &query.with("category", Some(category.as_str())))) aria-current=[(Some(*category) == wanted).then_some("true")] { (title(category.title())) } }
                        td { (theirs(merchant)) } td .n { (sum.count) } td .n { @if sum.amount_minor > 0 { (money(sum.amount_minor, currency)) } }
                    }
                }
            }))
        }
        @if let Some(category) = wanted {
            section #rows {
                h2 { (title(category.title())) }
                (table("Findings, the largest first", &["claim", "why", "under", "amount>"], &html! {
                    @for row in &shown {
                        tr {
                            th scope="row" { (claim(row.claim.as_str())) " " (at(row.position)) span .who { (row.day) } }
                            td { (theirs(&row.why)) @if let Some(actor) = &row.actor { span .who { "by " bdi { (actor) } @if let Some(a) = &row.approver { ", with " bdi { (a) } } } } @if let Some(by) = &row.by { " " (badge("", &human(by))) } }
                            td { (row.cites.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")) }
                            td .n { @if row.amount_minor > 0 { (money(row.amount_minor, &row.currency)) } }
                        }
                    }
                }))
                (pager("/desk/money/leakage", &pairs, from, number(shown.len()), number(found.len())))
            }
        }
    })
}
