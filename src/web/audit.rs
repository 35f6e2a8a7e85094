//! Proof for people: the head of the log, signed heads, the nightly rebuilds with what they say, an audit at the press of
//! a button, journal tests, segregation of duties, months.

use maud::{Markup, html};
use replay::{
    event::{Event, ProjectionRebuilt},
    history::Cut,
    ids::Stream,
    time::{Day, When},
};

use super::{
    Answer, Desk, Viewer,
    ask::{Query, href},
    layout::{Page, at, badge, claim, csrf, human, minute, money, pager, table, theirs, time, title},
};
use crate::{
    auditor::{self, Found},
    error::Result,
    evidence::heads,
    periods,
    proof::{self, AuditReport},
    sod,
    store::{Store, sqlite::SqliteStore},
    view,
};

/// Rebuilds and signed heads that are shown.
const LAST: usize = 20;
/// Events of the ledger that are looked through for rebuilds, the newest first.
const LOOK_BACK: u64 = 20_000;
/// Hits of one test, findings of one rule, on a page.
const ROWS: usize = 60;
/// The name of the audit among the works.
const VERIFY: &str = "verify";

const PAGES: [(&str, &str, &str); 4] = [
    (
        "/desk/audit/verify",
        "Audit by replay",
        "every event, every rule, every total, proved again from the log",
    ),
    (
        "/desk/audit/tests",
        "Journal-entry tests",
        "entries that deserve a question: round, late, unusual, just below a limit",
    ),
    ("/desk/audit/duties", "Segregation of duties", "one person where two should be, and near misses"),
    ("/desk/audit/months", "Months", "open, sealed, reopened, with their totals"),
];

/// The state of the log, and the ways to everything that proves it.
///
/// # Errors
/// Storage errors.
pub fn page(store: &mut SqliteStore, viewer: &Viewer) -> Result<String> {
    let tip = store.tip()?;
    let recorded =
        replay::time::Instant::from_micros(tip.recorded_at).unwrap_or(replay::time::Instant::EPOCH);
    let mut signed = heads::recorded(store)?;
    signed.reverse();
    let keys = heads::announced(store)?;
    let rebuilt = store.last_of(&Stream::Ledger, &["projection_rebuilt"], LOOK_BACK, LAST)?;
    let mut rebuilds = Vec::new();
    for row in &rebuilt {
        let recorded = view::opened(row)?;
        if let Event::ProjectionRebuilt(r) = recorded.event {
            rebuilds.push((
                row.position,
                recorded.envelope.recorded_at.to_string(),
                recorded.envelope.actor,
                *r,
            ));
        }
    }
    let body = html! {
        h1 { "Audit" }
        section {
            h2 { "The log" }
            dl .facts-list {
                dt { "ledger" } dd { bdi { (store.origin()) } }
                dt { "events" } dd { (tip.position) }
                dt { "last recorded" } dd { (minute(When { at: recorded, offset_minutes: 0 })) }
                dt { "root (RFC 6962)" } dd { code { (tip.frontier.root()) } }
            }
            form method="post" action="/desk/audit/verify" { (csrf(viewer)) p { button .go type="submit" { "Verify now" } " " span .soft { "reads the whole log and compares it with everything that is served" } } }
            ul { @for (address, name, what) in PAGES { li { a href=(address) { (name) } ": " (what) } } }
        }
        section #rebuilds {
            h2 { "Rebuilds" }
            @if rebuilds.is_empty() { p .note { "The books were not rebuilt yet: claims rebuild does it, every night best." } }
            @else {
                (table("The last rebuilds, the newest first", &["when", "result", "through", "manifest"], &html! {
                    @for (position, when, actor, r) in &rebuilds {
                        tr {
                            th scope="row" { (time(when)) " " (at(*position)) span .who { "by " bdi { (actor) } } }
                            td { @if r.differences == 0 { (badge("good", "equal")) } @else { (badge("bad", "differed")) " " (r.differences) " rows, accepted" } }
                            td { (r.through) }
                            td { (manifest(r)) }
                        }
                    }
                }))
            }
        }
        section #heads {
            h2 { "Signed heads" }
            @if signed.is_empty() { p .note { "No head was signed yet: claims checkpoint sign gives one to somebody who keeps it." } }
            @else {
                (table("The last signed heads, the newest first", &["recorded", "size", "root"], &html! {
                    @for head in signed.iter().take(LAST) {
                        tr { th scope="row" { (at(head.position)) } td { (head.checkpoint.size) } td { code { (head.checkpoint.root) } } }
                    }
                }))
            }
            @if !keys.is_empty() {
                h3 { "Keys" }
                ul { @for key in keys.iter().rev().take(LAST) { li { code { (theirs(&key.announced.key.to_string())) } ", " (human(&key.announced.reason.to_string())) " " (at(key.position)) } } }
            }
        }
    };
    Ok(Page::new(viewer, "Audit", "/desk/audit").twin("/v1/checkpoints").show(&body))
}

fn manifest(r: &ProjectionRebuilt) -> Markup {
    html! {
        details {
            summary { "rows, digest, totals" }
            dl .facts-list {
                dt { "root" } dd { code { (r.root) } }
                dt { "digest" } dd { code { (r.digest) } }
                @for (name, count) in &r.rows { dt { (human(name)) } dd { (count) } }
                @for total in &r.control_totals { dt { (total.currency.as_str()) } dd { (money(total.credited_minor, total.currency.as_str())) " credited" } }
                dt { "program" } dd { (theirs(r.code_version.as_str())) }
            }
        }
    }
}

/// Starts an audit and leads to its page.
///
/// # Errors
/// Too many works are under way.
pub fn verify(store: &mut SqliteStore, desk: &Desk, now: When) -> Result<Answer> {
    let (path, tip) = (store.path().to_owned(), store.tip()?.position);
    let work = |store: &mut SqliteStore| Ok(told(&proof::audit(store, false)?));
    desk.jobs.start(VERIFY, path, tip, now, Box::new(work))?;
    Ok(Answer::Redirect("/desk/audit/verify".into()))
}

/// The last audit that was asked for here.
///
/// # Errors
/// What it ended with.
pub fn verified(desk: &Desk, viewer: &Viewer) -> Result<String> {
    let page = Page::new(viewer, "Audit by replay", "/desk/audit").twin("/v1/audit");
    let otherwise = html! {
        h1 { "Audit by replay" }
        p .note { "Nobody has asked for one since the service started." }
        form method="post" action="/desk/audit/verify" { (csrf(viewer)) p { button .go type="submit" { "Verify now" } } }
    };
    desk.jobs.show(page, VERIFY, &otherwise)
}

fn told(report: &AuditReport) -> Markup {
    html! {
        p .kicker { a href="/desk/audit" { "Audit" } }
        h1 { "Audit by replay" }
        div class={ "notice " @if report.agrees { "good" } @else { "bad" } } role="status" {
            strong { @if report.agrees { "Log and books agree" } @else { "Log and books do NOT agree" } }
            p { (report.events) " events were replayed in " (report.took_us / 1_000) " ms." }
        }
        (table("What was looked at", &["what", "result", "figure"], &html! {
            @for check in &report.checks {
                tr { th scope="row" { (title(check.what)) } td { @if check.holds { (badge("good", "holds")) } @else { (badge("bad", "FAILS")) } } td { (theirs(&check.figure)) } }
            }
        }))
        @if let Some(places) = &report.first_bad { p .bad { "First wrong: " code { (format!("{places:?}")) } } }
        @if !report.findings.is_empty() {
            h2 { "What is wrong with the log: " (report.findings_count) }
            ul { @for finding in report.findings.iter().take(ROWS) { li { (theirs(finding)) } } }
        }
        @if !report.differences.is_empty() {
            h2 { "Rows of the books that differ: " (report.differences_count) }
            (table("Served and replayed", &["table", "row", "served", "replayed"], &html! {
                @for d in report.differences.iter().take(ROWS) {
                    tr { th scope="row" { (human(d.table)) } td { (theirs(&d.row)) } td { (theirs(d.served.as_deref().unwrap_or("nothing"))) } td { (theirs(d.replayed.as_deref().unwrap_or("nothing"))) } }
                }
            }))
        }
        @if !report.control_totals.is_empty() {
            (table("Control totals", &["currency", "credits>", "credited>", "reversed>", "failed>", "stands>"], &html! {
                @for (currency, sums) in &report.control_totals {
                    tr { th scope="row" { (currency) } td .n { (sums.credits) } td .n { (money(sums.credited_minor, currency)) } td .n { (money(sums.reversed_minor, currency)) } td .n { (money(sums.failed_minor, currency)) } td .n { (money(sums.net_minor(), currency)) } }
                }
            }))
        }
    }
}

/// Journal-entry tests, or the hits of one of them.
///
/// # Errors
/// Storage errors.
pub fn tests(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    query: &Query,
    now: When,
) -> Result<String> {
    let kept = ["from_day", "to_day", "test"]
        .into_iter()
        .fold(Query::default(), |all, name| all.with(name, query.get(name)));
    let days = Query::default().with("from", query.get("from_day")).with("to", query.get("to_day"));
    let page = Page::new(viewer, "Journal-entry tests", "/desk/audit").twin(href("/v1/audit/report", &days));
    let from = query.number("from").unwrap_or(0);
    let address = href("/desk/audit/tests", &kept.with("from", query.get("from")));
    desk.worked(store, page, &address, now, Box::new(move |store| tested(store, &kept, from)))
}

fn tested(store: &mut SqliteStore, query: &Query, from: u64) -> Result<Markup> {
    let day = |name: &str| query.get(name).and_then(|text| Day::parse(text).ok());
    let ask = auditor::Ask { from: day("from_day"), to: day("to_day"), ..auditor::Ask::default() };
    let report = auditor::report(store, &ask, false)?;
    let wanted = query.get("test");
    let chosen: Option<&Found> = report.journal_tests.iter().find(|found| Some(found.test) == wanted);
    Ok(html! {
        p .kicker { a href="/desk/audit" { "Audit" } }
        h1 { "Journal-entry tests" }
        p .soft { "Marks that deserve a question, after AS 2401 and AU-C 240. A hit is unusual, not wrong." }
        form .filters method="get" action="/desk/audit/tests" {
            @for (name, label) in [("from_day", "From"), ("to_day", "To")] { p { label for=(name) { (label) } input id=(name) name=(name) value=(query.get(name).unwrap_or_default()) placeholder="2024-04-15" maxlength="10"; } }
            p .buttons { button type="submit" { "Show" } }
        }
        (table("Tests", &["test", "parameter", "looked at>", "found>", "amounts"], &html! {
            @for found in &report.journal_tests {
                tr {
                    th scope="row" { @if found.count > 0 { a href=(href("/desk/audit/tests", &query.with("test", Some(found.test)))) { (title(found.title)) } } @else { (title(found.title)) } }
                    td { (found.parameter) } td .n { (found.looked_at) } td .n { (found.count) }
                    td { @for (i, (currency, minor)) in found.totals.iter().enumerate() { @if i > 0 { ", " } (money(*minor, currency)) } }
                }
            }
        }))
        @if let Some(found) = chosen {
            h2 { (title(found.title)) }
            (hits(found, query, from))
        }
    })
}

fn hits(found: &Found, query: &Query, from: u64) -> Markup {
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let shown: Vec<_> = found.rows.iter().skip(start).take(ROWS).collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let pairs: Vec<(&str, &str)> = query.pairs().collect();
    html! {
        (table("Entries", &["event", "claim", "by", "why", "amount>"], &html! {
            @for hit in &shown {
                tr {
                    th scope="row" { (at(hit.position)) " " (human(hit.kind)) span .who { (hit.day) @if hit.standing != "stands" { ", " (hit.standing) } } }
                    td { (claim(&hit.claim)) }
                    td { bdi { (hit.entered_by) } @if !hit.approved_by.is_empty() { ", with " bdi { (hit.approved_by) } } }
                    td { (theirs(&hit.why)) } td .n { (money(hit.amount_minor, &hit.currency)) }
                }
            }
        }))
        (pager("/desk/audit/tests", &pairs, from, number(shown.len()), number(found.rows.len())))
    }
}

/// Conflicts and near misses of duties.
///
/// # Errors
/// Storage errors.
pub fn duties(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    query: &Query,
    now: When,
) -> Result<String> {
    let rule = query.get("rule").map(str::to_owned);
    let page = Page::new(viewer, "Segregation of duties", "/desk/audit").twin("/v1/sod");
    let address = href("/desk/audit/duties", &Query::default().with("rule", rule.as_deref()));
    desk.worked(store, page, &address, now, Box::new(move |store| apart(store, rule.as_deref())))
}

fn apart(store: &mut SqliteStore, wanted: Option<&str>) -> Result<Markup> {
    let report = sod::report(store, sod::Days::default())?;
    let all = || report.conflicts.iter().chain(&report.near_misses);
    let count = |rule: &str| all().filter(|found| found.rule == rule).count();
    Ok(html! {
        p .kicker { a href="/desk/audit" { "Audit" } }
        h1 { "Segregation of duties" }
        @if !report.governed { p .bad { "This ledger is open: nobody is admin, so everybody may act in every role." } }
        @for (name, rules) in [("Conflicts", sod::CONFLICTS), ("Near misses", sod::NEAR_MISSES)] {
            (table(name, &["rule", "says", "found>"], &html! {
                @for rule in rules {
                    tr { th scope="row" { (rule.id) } td { (rule.says) span .who { (rule.from) } } td .n { @if count(rule.id) > 0 { a href=(href("/desk/audit/duties", &Query::default().with("rule", Some(rule.id)))) { (count(rule.id)) } } @else { "0" } } }
                }
            }))
        }
        @if let Some(rule) = wanted {
            h2 { "Found under " (theirs(rule)) }
            (table("The first of them", &["about", "who", "events", "amount>"], &html! {
                @for found in all().filter(|found| found.rule == rule).take(ROWS) {
                    tr {
                        th scope="row" { (theirs(&found.about)) @if let Some(day) = found.day { span .who { (day) } } }
                        td { @for (i, person) in found.people.iter().enumerate() { @if i > 0 { ", " } bdi { (person) } } }
                        td { @for position in &found.positions { (at(*position)) " " } }
                        td .n { @if let Some(amount) = &found.amount { (amount) } }
                    }
                }
            }))
        }
    })
}

/// Months with their totals, the last ones first.
///
/// # Errors
/// Storage errors, a broken log.
pub fn months(store: &mut SqliteStore, desk: &Desk, viewer: &Viewer, now: When) -> Result<String> {
    let page = Page::new(viewer, "Months", "/desk/audit").twin("/v1/periods");
    desk.worked(store, page, "/desk/audit/months", now, Box::new(listed))
}

fn listed(store: &mut SqliteStore) -> Result<Markup> {
    let mut rows = periods::list(store, &Cut::default())?;
    rows.reverse();
    Ok(html! {
        p .kicker { a href="/desk/audit" { "Audit" } }
        h1 { "Months" }
        @if rows.is_empty() { p .note { "No money was posted yet." } }
        @else {
            (table("What was posted into each month, the last one first", &["month", "state", "credits>", "credited>", "reversed>", "failed>", "stands>"], &html! {
                @for row in rows.iter().take(ROWS * 2) {
                    @let currency = row.currency.map(|currency| currency.as_str()).unwrap_or_default();
                    tr {
                        th scope="row" { (row.period) }
                        td { @match row.state { "sealed" => (badge("good", "sealed")), "reopened" => (badge("wait", "reopened")), word => (word) } @if let Some(position) = row.position { " " (at(position)) } @if let Some(by) = &row.by { span .who { "by " bdi { (by) } @if let Some(a) = &row.approver { ", with " bdi { (a) } } } } }
                        @if currency.is_empty() { td colspan="5" .note { "no money" } }
                        @else {
                            td .n { (row.credits) }
                            td .n { (money(row.credited_minor, currency)) } td .n { (money(row.reversed_minor, currency)) } td .n { (money(row.failed_minor, currency)) } td .n { strong { (money(row.stands_minor, currency)) } }
                        }
                    }
                }
            }))
        }
    })
}
