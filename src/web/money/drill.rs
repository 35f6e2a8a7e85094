//! From a figure to its events: they add up to it, and the page says whether they do.

use maud::{Markup, html};
use replay::{history::Cut, ids::ClaimId, lineage::OfTotal, time::When};

use super::{selection, unit, which};
use crate::{
    error::{Error, Result},
    judging::world::Whole,
    lineage::{self, Entry, Lineage},
    store::sqlite::SqliteStore,
    web::{
        Desk, Viewer,
        ask::{Moment, Query, href, part},
        inbox::place,
        layout::{Page, at, badge, claim_at, human, pager, table, time, title},
    },
};

/// Events of one figure on one page.
const ROWS: usize = 120;
/// Events of one figure on the page of a claim's figures.
const CLAIM_ROWS: usize = 30;

fn rows(entries: &[&Entry], of: &Lineage) -> Markup {
    table(
        &format!("Events of {} in {}", human(&of.figure), of.currency),
        &["event", "what", "of", "when", "by", "moved>"],
        &html! {
            @for entry in entries {
                tr {
                    th scope="row" { (at(entry.position)) }
                    td { (human(entry.kind)) }
                    td { @if let Ok(stream) = entry.stream.parse() { (place(&stream)) } }
                    td { (time(&entry.effective_at)) }
                    td { bdi { (entry.actor) } @if let Some(approver) = &entry.approver { ", with " bdi { (approver) } } }
                    td .n { (unit(entry.moved, &of.unit)) }
                }
            }
        },
    )
}

/// The events behind a refund total.
///
/// # Errors
/// Storage errors, a figure that does not exist.
pub fn of_total(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    query: &Query,
    now: When,
) -> Result<String> {
    let name = query.get("figure").unwrap_or("stands").to_owned();
    let figure: OfTotal =
        name.parse().map_err(|_| Error::not_found(format!("there is no figure {name} of totals")))?;
    let kept = selection(query).with("figure", Some(&name));
    let page = Page::new(viewer, format!("Events behind {}", human(&name)), "/desk/money");
    let page = page.twin(href("/v1/lineage/total", &kept));
    let address = href("/desk/money/lineage", &kept.with("from", query.get("from")));
    let from = query.number("from").unwrap_or(0);
    let work = move |store: &mut SqliteStore| summed(store, &name, figure, &kept, from);
    desk.worked(store, page, &address, now, Box::new(work))
}

fn summed(store: &mut SqliteStore, name: &str, figure: OfTotal, kept: &Query, from: u64) -> Result<Markup> {
    let which = which(kept);
    store.begin_read()?;
    let whole = Whole::read(store, &Cut::default(), false);
    let served = store.totals();
    store.end_read();
    let (whole, served) = (whole?, served?);
    let served = which.sums(served.iter().map(|(key, sums)| (key, sums)), figure);
    let found = lineage::of_totals(&whole, &which, figure, &Cut::default(), false)?;
    crate::replaying::aside(whole);
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let pairs: Vec<(&str, &str)> = kept.pairs().collect();
    let about: Vec<&str> =
        kept.pairs().filter(|(name, _)| *name != "figure").map(|(_, value)| value).collect();
    Ok(html! {
        p .kicker { a href=(href("/desk/money", &selection(kept))) { "Money" } }
        h1 { (title(name)) @if !about.is_empty() { ": " (about.join(", ")) } }
        p .soft { "The log was folded from its beginning and these events were added up." }
        @if found.is_empty() { p .note { "No event moved this figure." } }
        @for of in &found {
            @let same = served.get(&of.currency).copied().unwrap_or(0) == of.value;
            section {
                h2 { (of.currency) ": " (unit(of.value, &of.unit)) }
                p {
                    @if same { (badge("good", "agrees")) " The events add up to what is served." }
                    @else { (badge("bad", "differs")) " What is served is " (unit(served.get(&of.currency).copied().unwrap_or(0), &of.unit)) ": " a href="/desk/audit" { "audit the ledger" } "." }
                }
                @let shown: Vec<&Entry> = of.entries.iter().skip(start).take(ROWS).collect();
                (rows(&shown, of))
                (pager("/desk/money/lineage", &pairs, from, number(shown.len()), number(of.entries.len())))
            }
        }
    })
}

/// The events behind the figures of a claim.
///
/// # Errors
/// When there is no such claim, or not yet at that moment.
pub fn of_claim(store: &mut SqliteStore, viewer: &Viewer, id: &ClaimId, query: &Query) -> Result<String> {
    let cut = Moment::read(query, "").cut;
    let found = lineage::of_claim(store, id, None, &cut)?;
    let wanted = query.get("figure");
    let body = html! {
        p .kicker { "Claim " a href=(claim_at(id.as_str())) { bdi { (id) } } }
        h1 { "Where the figures come from" }
        p .soft { "Each event stands with what it moved when it was recorded; a correction with the difference it made." }
        ul .counts { @for of in &found { li { a href={ "#" (of.figure.replace(' ', "-")) } { (human(&of.figure)) } " " (unit(of.value, &of.unit)) } } }
        @for of in found.iter().filter(|of| wanted.is_none_or(|wanted| wanted == of.figure)) {
            section id=(of.figure.replace(' ', "-")) {
                h2 { (title(&of.figure)) ": " (unit(of.value, &of.unit)) }
                @let most = if wanted.is_some() { ROWS } else { CLAIM_ROWS };
                @let shown: Vec<&Entry> = of.entries.iter().take(most).collect();
                (rows(&shown, of))
                @if of.entries.len() > most { p { a href=(href(&format!("{}/figures", claim_at(id.as_str())), &query.with("figure", Some(&of.figure)))) { "All " (of.entries.len()) " events" } } }
            }
        }
    };
    let twin = href(&format!("/v1/claims/{}/lineage", part(id.as_str())), query);
    Ok(Page::new(viewer, format!("Figures of {id}"), "/desk/claims").twin(twin).show(&body))
}
