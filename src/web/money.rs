//! Money: totals with their charts, what is owed by whom, leakage, and the events behind any figure.

mod drill;
mod leaks;

pub use drill::{of_claim, of_total};
pub use leaks::page as leakage;

use maud::{Markup, html};
use replay::books::{ObligationRow, Sums, TotalKey};
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Viewer,
    ask::{Query, href, link},
    layout::{Page, claim, human, money, pager, signed, table, theirs, title},
    svg,
};
use crate::{
    error::Result,
    lineage::Which,
    store::sqlite::SqliteStore,
    view::{By, group_totals},
};

/// Groups of totals on one page.
const GROUP_ROWS: usize = 120;
/// Columns of the chart over months: the last ones.
const MONTHS: usize = 36;
/// Obligations on one page.
const OWED_ROWS: usize = 150;

/// What totals can be grouped by here, with the names in addresses.
const BYS: [(&str, By); 5] = [
    ("merchant", By::Merchant),
    ("month", By::Month),
    ("reason", By::Reason),
    ("country", By::Country),
    ("kind", By::Kind),
];

fn which(query: &Query) -> Which {
    let text = |name: &str| query.get(name).map(str::to_owned);
    Which {
        merchant: text("merchant"),
        country: text("country"),
        reason: text("reason"),
        kind: text("kind"),
        month: text("month"),
        currency: text("currency"),
    }
}

/// The names of a selection in an address.
const NAMES: [&str; 6] = ["merchant", "country", "reason", "kind", "month", "currency"];

fn selection(query: &Query) -> Query {
    NAMES.iter().fold(Query::default(), |all, name| all.with(name, query.get(name)))
}

/// Totals, charts, what is owed.
///
/// # Errors
/// Storage errors.
pub fn page(store: &mut SqliteStore, viewer: &Viewer, query: &Query) -> Result<String> {
    let (name, by) = BYS.into_iter().find(|(name, _)| query.get("by") == Some(name)).unwrap_or(BYS[0]);
    let which = which(query);
    let all = store.totals()?;
    let totals: Vec<&(TotalKey, Sums)> = all.iter().filter(|(key, _)| which.matches(key)).collect();
    let groups = group_totals(totals.iter().map(|(key, sums)| (key, sums)), &[by]);
    let months = group_totals(totals.iter().map(|(key, sums)| (key, sums)), &[By::Month]);
    let merchants: BTreeSet<&str> = all.iter().map(|(key, _)| key.merchant.as_str()).collect();
    let currencies: BTreeSet<&str> = all.iter().map(|(key, _)| key.currency.as_str()).collect();
    let owed = store.obligations()?;
    let kept = selection(query);
    let body = html! {
        h1 { "Money" }
        form .filters method="get" action="/desk/money" {
            p { label for="by" { "Totals by" } select #by name="by" { @for (word, _) in BYS { option value=(word) selected[word == name] { (word) } } } }
            (choice("merchant", "Merchant", &merchants, query))
            (choice("currency", "Currency", &currencies, query))
            p { label for="month" { "Month" } input #month name="month" value=(query.get("month").unwrap_or_default()) placeholder="2024-04" maxlength="7"; }
            p { label for="reason" { "Reason" } input #reason name="reason" value=(query.get("reason").unwrap_or_default()) maxlength="60"; }
            p .buttons { button type="submit" { "Show" } " " a href="/desk/money" { "Everything" } }
        }
        (sums(&groups, name, &kept))
        (owing(&owed, &which))
        (charts(&months))
        h2 { "Further" }
        ul {
            li { a href=(href("/desk/money/leakage", &kept.with("month", None).with("currency", None).with("reason", None).with("kind", None).with("country", None))) { "Leakage: money that left without a clause, or stays against one" } }
            li { a href="/desk/audit/months" { "Months: open, sealed, reopened" } }
        }
    };
    let twin = link("/v1/totals", &[("by", name)]);
    Ok(Page::new(viewer, "Money", "/desk/money").twin(twin).show(&body))
}

fn choice(name: &str, label: &str, words: &BTreeSet<&str>, query: &Query) -> Markup {
    html! {
        p {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "all" }
                @for word in words { option value=(word) selected[query.get(name) == Some(word)] { (word) } }
            }
        }
    }
}

type Groups = BTreeMap<(Vec<String>, String), Sums>;

fn key(names: &[String]) -> String {
    names.first().cloned().unwrap_or_default()
}

/// A chart per currency: what stands, month by month. Months without money are columns of their own.
fn charts(months: &Groups) -> Markup {
    let mut of: BTreeMap<&str, Vec<(String, u64)>> = BTreeMap::new();
    for ((names, currency), sums) in months {
        of.entry(currency).or_default().push((key(names), sums.net_minor()));
    }
    let pictures = of.into_iter().filter_map(|(currency, known)| {
        let all = every_month(&known);
        let (first, last) = (all.first()?.0.clone(), all.last()?.0.clone());
        let most = all.iter().max_by_key(|(_, value)| *value)?.clone();
        Some((currency, all, first, last, most))
    });
    html! {
        section #months {
            h2 { "By month" }
            div .charts {
                @for (currency, all, first, last, most) in pictures {
                    div {
                        h3 { (currency) }
                        (svg::columns(&all))
                        p .ends { span { (first) } span { (last) } }
                        p .soft { "At most " (money(most.1, currency)) ", in " (most.0) "." }
                    }
                }
            }
            p .soft { "What stands of the credits, month by month, each currency for itself. " a href="/desk/money?by=month" { "The same in figures" } }
        }
    }
}

/// The last months from the first to the last one known, without gaps.
fn every_month(known: &[(String, u64)]) -> Vec<(String, u64)> {
    let sums: BTreeMap<&str, u64> = known.iter().map(|(month, sum)| (month.as_str(), *sum)).collect();
    let parsed = |text: &&str| replay::time::Month::parse(text).ok();
    let first = sums.keys().next().and_then(parsed);
    let last = sums.keys().next_back().and_then(parsed);
    let mut all = Vec::new();
    let mut at = first;
    while let (Some(month), Some(last)) = (at, last) {
        if month > last {
            break;
        }
        let name = month.to_string();
        let sum = sums.get(name.as_str()).copied().unwrap_or(0);
        all.push((name, sum));
        at = month.next();
    }
    all.split_off(all.len().saturating_sub(MONTHS))
}

fn sums(groups: &Groups, by: &str, kept: &Query) -> Markup {
    let mut most: BTreeMap<&str, u64> = BTreeMap::new();
    for ((_, currency), sums) in groups {
        let entry = most.entry(currency).or_default();
        *entry = (*entry).max(sums.net_minor());
    }
    let drill = |names: &[String], currency: &str, figure: &str| {
        let asked =
            kept.with(by, Some(&key(names))).with("currency", Some(currency)).with("figure", Some(figure));
        href("/desk/money/lineage", &asked)
    };
    html! {
        section #totals {
            h2 { "Credits by " (by) }
            @if groups.is_empty() { p .note { "No credit is on record like this." } }
            @else {
                (table("Totals; every figure leads to its events", &[by, "credits>", "credited>", "reversed>", "failed>", "stands>", "share of the greatest"], &html! {
                    @for ((names, currency), sums) in groups.iter().take(GROUP_ROWS) {
                        tr {
                            th scope="row" { (theirs(&human(&key(names)))) }
                            td .n { (sums.credits) }
                            td .n { a href=(drill(names, currency, "credited")) { (money(sums.credited_minor, currency)) } }
                            td .n { @if sums.reversed_minor > 0 { a href=(drill(names, currency, "reversed")) { (money(sums.reversed_minor, currency)) } } }
                            td .n { @if sums.failed_minor > 0 { a href=(drill(names, currency, "failed")) { (money(sums.failed_minor, currency)) } } }
                            td .n { a href=(drill(names, currency, "stands")) { strong { (money(sums.net_minor(), currency)) } } }
                            td .picture { (svg::share(most.get(currency.as_str()).copied().unwrap_or(0), sums.net_minor())) }
                        }
                    }
                }))
                @if groups.len() > GROUP_ROWS { p .soft { "and " (groups.len() - GROUP_ROWS) " more: choose a merchant or a currency" } }
            }
        }
    }
}

/// What an obligation is, to whom.
fn side(what: &str) -> &'static str {
    match what {
        "refund" => "payable to customers",
        "charge" => "receivable from customers",
        _ => "goods owed to customers",
    }
}

fn owing(rows: &[ObligationRow], which: &Which) -> Markup {
    let mut sums: BTreeMap<(&str, &str, &str), (u64, u64, u64)> = BTreeMap::new();
    for row in rows.iter().filter(|row| of(which, row)) {
        let sum = sums.entry((&row.what, &row.merchant, &row.currency)).or_default();
        sum.0 = sum.0.saturating_add(1);
        sum.1 = sum.1.saturating_add(row.open_minor);
        sum.2 = sum.2.saturating_add(row.open_units);
    }
    html! {
        section #owed {
            h2 { "Owed" }
            @if sums.is_empty() { p .note { "Nobody owes anything." } }
            @else {
                (table("Payables and receivables", &["what", "merchant", "open>", "on claims>"], &html! {
                    @for ((what, merchant, currency), (count, minor, units)) in &sums {
                        tr {
                            th scope="row" { (side(what)) }
                            td { (theirs(merchant)) }
                            td .n { a href=(link("/desk/money/owed", &[("what", what), ("merchant", merchant), ("currency", currency)])) { @if *minor > 0 { (money(*minor, currency)) } @else { (units) " units" } } }
                            td .n { (count) }
                        }
                    }
                }))
            }
        }
    }
}

fn of(which: &Which, row: &ObligationRow) -> bool {
    which.merchant.as_ref().is_none_or(|wanted| *wanted == row.merchant)
        && which.currency.as_ref().is_none_or(|wanted| *wanted == row.currency)
}

/// What is owed, claim by claim, the oldest first.
///
/// # Errors
/// Storage errors.
pub fn owed(store: &mut SqliteStore, viewer: &Viewer, query: &Query) -> Result<String> {
    let which = which(query);
    let what = query.get("what");
    let mut rows = store.obligations()?;
    rows.retain(|row| of(&which, row) && what.is_none_or(|what| row.what == what));
    rows.sort_by(|a, b| (&a.since, &a.claim, &a.item).cmp(&(&b.since, &b.claim, &b.item)));
    let from = query.number("from").unwrap_or(0);
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let shown: Vec<&ObligationRow> = rows.iter().skip(start).take(OWED_ROWS).collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let kept = ["what", "merchant", "currency"];
    let kept: Vec<(&str, &str)> =
        kept.into_iter().filter_map(|name| Some((name, query.get(name)?))).collect();
    let body = html! {
        p .kicker { a href="/desk/money" { "Money" } }
        h1 { @match what { Some(what) => (title(side(what))), None => "Owed" } }
        (table("The oldest first", &["claim", "what", "since", "open>"], &html! {
            @for row in &shown {
                tr {
                    th scope="row" { (claim(&row.claim)) }
                    td { (human(&row.what)) @if !row.item.is_empty() { " " (theirs(&row.item)) } span .who { (row.merchant) } }
                    td { (row.since) }
                    td .n { @if row.open_units > 0 { (row.open_units) " units" } @else { (money(row.open_minor, &row.currency)) } }
                }
            }
        }))
        (pager("/desk/money/owed", &kept, from, number(shown.len()), number(rows.len())))
    };
    Ok(Page::new(viewer, "Owed", "/desk/money")
        .twin(href("/v1/owed", &query.with("from", None).with("currency", None)))
        .show(&body))
}

/// A figure of either sign, with its unit.
pub(super) fn unit(value: i64, unit: &str) -> String {
    match unit {
        "units" | "credits" => format!("{value} {unit}"),
        currency => signed(value, currency),
    }
}
