//! Policies: which versions there are, their clauses in our words with their coverage, what differs between two, what a
//! version would have meant for every claim, and the draft of a new one: checked, compared, tried, published with a
//! second person.

mod draft;

pub use draft::{compared, empty, sent, tried};

use maud::{Markup, html};
use replay::{
    event::{Event, PolicyPublished},
    history::Cut,
    ids::PolicyId,
    policy::ClauseText,
    registry::{Registry, Version},
    time::When,
};

use super::{
    Desk, Viewer, acts,
    ask::{Query, href, part},
    layout::{Page, at, badge, claim, human, money, pager, said, signed, table, theirs, title},
};
use crate::{
    coverage::{Coverage, Standing},
    error::{Error, Result},
    judging::{
        self,
        whatif::{Change, Report, Under},
        world::Whole,
    },
    policy_file::{
        PolicyFile,
        diff::{self, Difference, diff},
        embedded,
    },
    scenario,
    store::{Store, sqlite::SqliteStore},
    view,
};

/// Differences that a page shows.
const DIFFERENCES: usize = 150;
/// Claims of a what-if on one page.
const CHANGES: usize = 80;

/// Every published version.
///
/// # Errors
/// Storage errors, a broken ledger stream.
pub fn page(store: &mut SqliteStore, viewer: &Viewer, query: &Query) -> Result<String> {
    let registry = judging::registry(store)?;
    let body = html! {
        h1 { "Policies" }
        (said(query))
        @if may_publish(viewer) { p { a .button href="/desk/policies/draft" { "Draft a new version" } } }
        @for (id, versions) in registry.policies() {
            (table(&format!("{id}: {}", versions.last().map_or("", |v| v.name.as_str())), &["version", "governs purchases from", "published", "SHA-256"], &html! {
                @for v in versions.iter().rev() {
                    tr {
                        th scope="row" { a href=(address(id, v.version)) { "version " (v.version) } @if v.version > 1 { " · " a href=(href(&format!("{}/diff", address(id, v.version)), &Query::default())) { "what changed" } } }
                        td { (v.effective_from) } td { (at(v.position.get())) } td { code { (v.sha256) } }
                    }
                }
            }))
        }
        @let calendars: Vec<String> = registry.calendars().map(|(name, years)| format!("{name}: {}", years.keys().map(u16::to_string).collect::<Vec<_>>().join(", "))).collect();
        @if !calendars.is_empty() {
            h2 { "Calendars of public holidays" }
            ul { @for line in &calendars { li { (theirs(line)) } } }
        }
    };
    Ok(Page::new(viewer, "Policies", "/desk/policies").twin("/v1/policies").show(&body))
}

fn may_publish(viewer: &Viewer) -> bool {
    !acts::roles_for(&viewer.roles, replay::duty::Area::Rules).is_empty()
}

fn address(id: &PolicyId, version: u32) -> String {
    format!("/desk/policies/{}/{version}", part(id.as_str()))
}

fn twin_of(id: &PolicyId, version: u32) -> String {
    format!("/v1/policies/{}?version={version}", part(id.as_str()))
}

/// A published version by its id and number.
fn named(registry: &Registry, (id, version): (&str, &str)) -> Result<(PolicyId, Version)> {
    let none = || Error::not_found(format!("no version {version} of policy {id} is published"));
    let id = PolicyId::new(id).map_err(|_| none())?;
    let number: u32 = version.parse().map_err(|_| none())?;
    let found = registry.versions(&id).iter().find(|v| v.version == number).cloned();
    Ok((id, found.ok_or_else(none)?))
}

/// The event that published a version: it holds the body.
fn published(store: &mut SqliteStore, version: &Version) -> Result<PolicyPublished> {
    let gone = || Error::not_found(format!("no policy stands at position {}", version.position));
    let row = store.row(version.position.get())?.ok_or_else(gone)?;
    match view::opened(&row)?.event {
        Event::PolicyPublished(published) => Ok(*published),
        _ => Err(gone()),
    }
}

/// The clauses of a version, with what scenarios show of each.
///
/// # Errors
/// When there is no such version.
pub fn version(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    which: (&str, &str),
    query: &Query,
    now: When,
) -> Result<String> {
    let registry = judging::registry(store)?;
    let (id, version) = named(&registry, which)?;
    let page = Page::new(viewer, format!("Policy {id} version {}", version.version), "/desk/policies");
    let page = page.twin(twin_of(&id, version.version));
    if query.get("coverage").is_none() {
        return Ok(page.show(&clauses(&id, &version, &[])));
    }
    let body = published(store, &version)?;
    let address = format!("{}?coverage=yes", address(&id, version.version));
    let work = move |_: &mut SqliteStore| {
        let covered = covered(&body)?;
        Ok(clauses(&id, &version, &covered))
    };
    desk.worked(store, page, &address, now, Box::new(work))
}

/// Which clauses the scenarios inside the program show from both sides: this version in the place of its namesake.
fn covered(published: &PolicyPublished) -> Result<Vec<(String, Standing, Vec<String>)>> {
    let mut policies = embedded::policies()?;
    policies.retain(|file| file.published.policy != published.policy);
    policies.push(PolicyFile { published: published.clone(), body_bytes: 0 });
    let scenarios = scenario::embedded::scenarios()?;
    let of: Vec<_> = scenarios.iter().filter(|scenario| scenario.policy == published.policy).collect();
    let mut coverage = Coverage::new(&policies);
    for scenario in &of {
        coverage.take(scenario, &policies)?;
    }
    let report = coverage.report(&of);
    let own = report.clauses.into_iter().filter(|clause| clause.policy == published.policy.as_str());
    Ok(own.map(|clause| (clause.clause, clause.standing, clause.gaps)).collect())
}

fn clauses(id: &PolicyId, version: &Version, covered: &[(String, Standing, Vec<String>)]) -> Markup {
    let policy = &version.policy;
    let standing = |clause: &ClauseText| covered.iter().find(|(id, ..)| *id == clause.id);
    let (house, own): (Vec<&ClauseText>, Vec<&ClauseText>) =
        policy.clauses.iter().partition(|clause| clause.id.starts_with("H-"));
    let at_version = address(id, version.version);
    let rows = |list: &[&ClauseText]| {
        html! {
            @for clause in list {
                tr id={ "c-" (clause.id) } {
                    th scope="row" .clause { (clause.id) }
                    td { (theirs(&clause.paraphrase)) }
                    td { (human(&clause.system.to_lowercase())) }
                    @if !covered.is_empty() {
                        td {
                            @match standing(clause) {
                                Some((_, Standing::BothSides, _)) => (badge("good", "both sides")),
                                Some((_, Standing::OneSideByNature, _)) => (badge("", "one side by nature")),
                                Some((_, Standing::Gap, gaps)) => { (badge("bad", "gap")) span .who { (gaps.join("; ")) } }
                                None => {}
                            }
                        }
                    }
                }
            }
        }
    };
    let head: &[&str] = if covered.is_empty() {
        &["clause", "in our words", "what the ledger does"]
    } else {
        &["clause", "in our words", "what the ledger does", "shown by scenarios"]
    };
    html! {
        p .kicker { a href="/desk/policies" { "Policies" } }
        h1 { (policy.name) ": " (id) " version " (version.version) }
        p .soft { "Governs purchases from " (version.effective_from) ". Published " (at(version.position.get())) ". SHA-256 " code { (version.sha256) } }
        ul {
            @if version.version > 1 { li { a href=(format!("{at_version}/diff")) { "What changed since version " (version.version - 1) } } }
            li { a href=(format!("{at_version}/what-if")) { "What if it had governed every purchase" } }
            @if covered.is_empty() { li { a href=(format!("{at_version}?coverage=yes")) { "Coverage: play the scenarios that show each clause" } } }
            li { (policy.windows.len()) " windows, " (policy.entitlements.len()) " entitlements, " (policy.requirements.len()) " requirements, " (policy.fees.len()) " fees, " (policy.slas.len()) " clocks, " (policy.notices.len()) " duties to inform, " (policy.discretion.len()) " points of discretion" }
        }
        (table("Its clauses", head, &rows(&own)))
        (table("House rules, which all policies share", head, &rows(&house)))
    }
}

/// What differs between a version and an earlier one.
///
/// # Errors
/// When there is no such version.
pub fn difference(
    store: &mut SqliteStore,
    viewer: &Viewer,
    which: (&str, &str),
    query: &Query,
) -> Result<String> {
    let registry = judging::registry(store)?;
    let (id, new) = named(&registry, which)?;
    let against =
        query.get("against").map_or_else(|| new.version.saturating_sub(1).max(1).to_string(), str::to_owned);
    let (_, old) = named(&registry, (id.as_str(), &against))?;
    let found = diff(&published(store, &old)?.body, &published(store, &new)?.body);
    let body = html! {
        p .kicker { a href=(address(&id, new.version)) { (id) " version " (new.version) } }
        h1 { "What differs from version " (old.version) }
        form .filters method="get" {
            p { label for="against" { "Against version" } select #against name="against" { @for v in registry.versions(&id) { option value=(v.version) selected[v.version == old.version] { (v.version) } } } }
            p .buttons { button type="submit" { "Show" } }
        }
        (differences(&found))
    };
    let twin = twin_of(&id, new.version);
    Ok(Page::new(viewer, format!("Difference of {id}"), "/desk/policies").twin(twin).show(&body))
}

fn differences(found: &[Difference]) -> Markup {
    html! {
        @if found.is_empty() { p .note { "Nothing differs: they are the same policy." } }
        @else {
            (table("Rows that differ", &["row", "change", "what", "clauses"], &html! {
                @for d in found.iter().take(DIFFERENCES) {
                    tr {
                        th scope="row" { (theirs(&d.row)) }
                        td { @match d.change { diff::Change::Added => (badge("good", "added")), diff::Change::Removed => (badge("bad", "removed")), diff::Change::Changed => (badge("wait", "changed")), diff::Change::Moved => (badge("", "moved")) } }
                        td { @for field in &d.fields { span .who { (field.field) ": " (theirs(&field.words.chars().take(400).collect::<String>())) } } }
                        td { (d.cites.join(", ")) }
                    }
                }
            }))
            @if found.len() > DIFFERENCES { p .soft { "and " (found.len() - DIFFERENCES) " more" } }
        }
    }
}

/// Every claim of the merchant judged under a published version.
///
/// # Errors
/// When there is no such version.
pub fn what_if(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    which: (&str, &str),
    query: &Query,
    now: When,
) -> Result<String> {
    let registry = judging::registry(store)?;
    let (id, version) = named(&registry, which)?;
    let under = Under::published(&registry, &id, version.version)?;
    let path = format!("{}/what-if", address(&id, version.version));
    let from = query.number("from").unwrap_or(0);
    let page = Page::new(viewer, format!("What if {id} version {}", version.version), "/desk/policies");
    let page = page.twin(format!("/v1/what-if?policy={}&version={}", part(id.as_str()), version.version));
    let name = format!("{path}?from={from}");
    desk.worked(store, page, &name, now, Box::new(move |store| judged(store, &under, &path, from)))
}

fn judged(store: &mut SqliteStore, under: &Under, path: &str, from: u64) -> Result<Markup> {
    let whole = Whole::read(store, &Cut::default(), false)?;
    let report = Report::of_all(&whole, &Cut::default(), under, false)?;
    let not_proved = whole.not_proved.len();
    crate::replaying::aside(whole);
    Ok(html! {
        h1 { "What if " (under.policy) " version " (under.version.version) " had been in force" }
        p .soft { "Every claim under a policy of this name is judged again as if this version had governed every purchase. Nothing is written." }
        @if not_proved > 0 { p .bad role="alert" { (not_proved) " cases could not be replayed to their end and are in no figure." } }
        (totals(&report))
        (changes(&report.changes, path, from))
        @if report.ungoverned > 0 { p .soft { (report.ungoverned) " claims have no version in force at their purchase; there is nothing to compare with." } }
    })
}

fn totals(report: &Report) -> Markup {
    table(
        "The money it would move",
        &["merchant", "claims>", "changed>", "payable now>", "payable then>", "paid more>", "paid less>"],
        &html! {
            @for t in &report.totals {
                tr {
                    th scope="row" { (theirs(&t.merchant)) } td .n { (t.claims) } td .n { (t.changed) }
                    td .n { (money(t.before_minor, &t.currency)) } td .n { (money(t.after_minor, &t.currency)) }
                    td .n { (money(t.gain_minor, &t.currency)) " to " (t.gain) } td .n { (money(t.lose_minor, &t.currency)) " from " (t.lose) }
                }
            }
        },
    )
}

fn changes(all: &[Change], path: &str, from: u64) -> Markup {
    let start = usize::try_from(from).unwrap_or(usize::MAX);
    let shown: Vec<&Change> = all.iter().skip(start).take(CHANGES).collect();
    let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    html! {
        @if all.is_empty() { p .note { "No claim would be judged differently." } }
        @else {
            (table("Claims that differ, the biggest difference first", &["claim", "what", "now>", "then>", "difference>"], &html! {
                @for c in &shown {
                    tr {
                        th scope="row" { (claim(c.claim.as_str())) span .who { (c.merchant) } }
                        td { (told(c)) }
                        td .n { (money(c.before_minor, &c.currency)) } td .n { (money(c.after_minor, &c.currency)) } td .n { strong { (signed(c.difference_minor, &c.currency)) } }
                    }
                }
            }))
            (pager(path, &[], from, number(shown.len()), number(all.len())))
        }
    }
}

/// What differs on one claim, in short.
pub fn told(c: &Change) -> Markup {
    html! {
        @for u in &c.units { span .who { bdi { (u.units) } ": " (human(u.before.status.as_str())) " → " (human(u.after.status.as_str())) } }
        @for l in &c.lines { span .who { (title(&l.line)) ": " (side(l.before.as_ref().map(|s| s.minor), &c.currency)) " → " (side(l.after.as_ref().map(|s| s.minor), &c.currency)) } }
        @for d in &c.due { span .who { (human(&d.clock)) ": due " (d.before.as_deref().unwrap_or("never")) " → " (d.after.as_deref().unwrap_or("never")) } }
        @if let Some((before, after)) = &c.payout { span .who { "to " (human(before)) " → " (human(after)) } }
    }
}

fn side(minor: Option<i64>, currency: &str) -> String {
    minor.map_or_else(|| "none".into(), |minor| signed(minor, currency))
}
