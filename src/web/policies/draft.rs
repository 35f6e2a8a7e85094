//! The draft of a policy: its text is checked, compared with what is published and tried on every claim; an admin
//! publishes it with a second person. Nothing of a draft is kept: the text travels with the form.

use maud::{Markup, html};
use replay::{
    event::{Event, Kind, PolicyPublished, ledger::CalendarPublished},
    ids::Stream,
    time::When,
};
use serde_json::Value;

use super::{differences, judged, may_publish, published};
use crate::{
    error::{Error, ErrorKind, Result},
    judging::{self, whatif::Under},
    policy_file::{
        diff::diff,
        embedded,
        lint::{Finding, Level, lint},
    },
    store::{Store, sqlite::SqliteStore},
    view,
    web::{
        Answer, Desk, Doors, Viewer,
        act::{forbidden, problem},
        acts,
        ask::Query,
        form::{self, Command},
        layout::{Page, badge, csrf, human, table, theirs},
    },
};

/// What is known of a text.
struct Checked {
    findings: Vec<Finding>,
    published: Option<PolicyPublished>,
}

/// The calendars on record, against which clocks in business days are checked.
fn calendars(store: &mut SqliteStore) -> Result<Vec<CalendarPublished>> {
    let mut known = Vec::new();
    for row in store.registry()? {
        if let Event::CalendarPublished(calendar) = view::opened(&row)?.event {
            known.push(*calendar);
        }
    }
    Ok(known)
}

fn check(store: &mut SqliteStore, sent: &Query, now: When) -> Result<Checked> {
    let text = sent.get("policy").unwrap_or_default().replace("\r\n", "\n");
    let clauses = sent.get("clauses").map(|text| text.replace("\r\n", "\n"));
    let draft = crate::policy_file::draft_of(&text, clauses.as_deref(), embedded::HOUSE.text, "draft.toml");
    Ok(match draft {
        Err(why) => Checked { findings: vec![Finding::from(why)], published: None },
        Ok(draft) => {
            let findings = lint(&draft, &calendars(store)?, Some(now.local_day()));
            let sound = !findings.iter().any(|finding| finding.level == Level::Error);
            Checked { findings, published: sound.then_some(draft.policy.published) }
        }
    })
}

/// An empty draft.
///
/// # Errors
/// When the viewer publishes no policies.
pub fn empty(store: &mut SqliteStore, viewer: &Viewer, key: &str) -> Result<String> {
    if !may_publish(viewer) {
        return Err(forbidden(viewer, "Draft a policy"));
    }
    let revision = store.revision(&Stream::Ledger)?;
    Ok(show(viewer, &Query::default(), key, revision, &html! {}, false))
}

fn show(
    viewer: &Viewer,
    sent: &Query,
    key: &str,
    revision: u64,
    above: &Markup,
    can_publish: bool,
) -> String {
    let body = html! {
        p .kicker { a href="/desk/policies" { "Policies" } }
        h1 { "Draft of a policy" }
        (above)
        form .act method="post" action="/desk/policies/draft" {
            (csrf(viewer))
            input type="hidden" name="revision" value=(revision);
            input type="hidden" name="key" value=(key);
            p { label for="policy" { "Policy (TOML)" } textarea #policy name="policy" rows="18" required spellcheck="false" { (sent.get("policy").unwrap_or_default()) } }
            p {
                label for="clauses" { "Clauses (TOML)" }
                textarea #clauses name="clauses" rows="8" spellcheck="false" aria-describedby="clauses-hint" { (sent.get("clauses").unwrap_or_default()) }
                span #clauses-hint .hint { "the file that policy.clauses names; empty when the clauses stand in the policy" }
            }
            p .buttons {
                button type="submit" name="do" value="check" class=[(!can_publish).then_some("go")] { "Check and compare" }
                @if can_publish {
                    " " button type="submit" name="do" value="what-if" { "What if, over every claim" }
                    " " button .go type="submit" name="do" value="ask" { "Ask a second person to approve it" }
                    span .hint { "It is published when somebody else approves it." }
                }
            }
        }
    };
    Page::new(viewer, "Draft of a policy", "/desk/policies").twin("/v1/policies").show(&body)
}

/// A draft that was sent: checked, tried or published.
///
/// # Errors
/// When the viewer publishes no policies.
pub fn sent(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    sent: &Query,
    now: When,
    doors: &mut Doors<'_>,
) -> Result<Answer> {
    if !may_publish(viewer) {
        return Err(forbidden(viewer, "Publish a policy"));
    }
    let key = sent.get("key").map_or_else(|| desk.key(now), |key| Ok(key.to_owned()))?;
    let revision = sent.number("revision").unwrap_or(0);
    let checked = check(store, sent, now)?;
    let told = said(store, &checked)?;
    let Some(draft) = &checked.published else {
        let page = show(viewer, sent, &key, revision, &told, false);
        return Ok(Answer::page(ErrorKind::Unreadable, page));
    };
    match sent.get("do") {
        Some("what-if") => {
            let under = Under::unpublished(draft)?;
            let name = format!("draft {}", draft.sha256);
            let at = (store.path().to_owned(), store.tip()?.position);
            desk.jobs.start(
                &name,
                at.0,
                at.1,
                now,
                Box::new(move |store| judged(store, &under, "/desk/policies", 0)),
            )?;
            // The answer has an address of its own, so that loading it again sends nothing again.
            Ok(Answer::Redirect(format!("/desk/policies/drafts/{}", draft.sha256)))
        }
        Some("ask") => {
            let asked = command(viewer, draft, sent, now).and_then(|c| (doors.ask)(&c.proposal, &c.text));
            Ok(match asked {
                Ok(()) => Answer::Redirect("/desk/policies?asked=yes".into()),
                Err(why) => {
                    let current = store.revision(&Stream::Ledger)?;
                    Answer::page(why.kind, show(viewer, sent, &key, current, &problem(&why), true))
                }
            })
        }
        _ => Ok(Answer::page_ok(show(viewer, sent, &key, revision, &told, true))),
    }
}

/// What a draft would mean for every claim, once it was asked for.
///
/// # Errors
/// What the work ended with.
pub fn tried(desk: &Desk, viewer: &Viewer, sha256: &str) -> Result<String> {
    let page = Page::new(viewer, "What if, under a draft", "/desk/policies").twin("/v1/policies");
    let never = html! { h1 { "What if, under a draft" } p .note { "Nobody has asked for this since the service started; a draft is not kept." } };
    desk.jobs.show(page, &format!("draft {sha256}"), &never)
}

fn command(viewer: &Viewer, draft: &PolicyPublished, sent: &Query, now: When) -> Result<Command> {
    let none = |why: serde_json::Error| Error::new(ErrorKind::Internal, "no_json", why.to_string());
    let Value::Object(payload) = serde_json::to_value(draft).map_err(none)? else {
        return Err(Error::new(ErrorKind::Internal, "no_json", "a policy is an object"));
    };
    let roles = acts::roles_for(&viewer.roles, replay::duty::Area::Rules);
    form::command(viewer, Kind::PolicyPublished.as_str(), payload, &roles, sent, &Stream::Ledger, now)
}

/// What a policy that waits would change.
///
/// # Errors
/// Storage errors.
pub fn compared(store: &mut SqliteStore, draft: &PolicyPublished) -> Result<Markup> {
    let registry = judging::registry(store)?;
    Ok(match registry.versions(&draft.policy).last() {
        None => {
            html! { p .note { "No version of " (draft.policy) " is published yet: there is nothing to compare with." } }
        }
        Some(last) => {
            let found = diff(&published(store, last)?.body, &draft.body);
            html! { h2 { "What differs from version " (last.version) } (differences(&found)) }
        }
    })
}

fn said(store: &mut SqliteStore, checked: &Checked) -> Result<Markup> {
    let compared = match &checked.published {
        Some(draft) => compared(store, draft)?,
        None => html! {},
    };
    let errors = checked.findings.iter().filter(|finding| finding.level == Level::Error).count();
    Ok(html! {
        section #findings {
            div class={ "notice " @if errors > 0 { "bad" } @else { "good" } } role="status" {
                strong { @if errors > 0 { (errors) " errors keep it from being published" } @else { "It can be published" } }
            }
            @if !checked.findings.is_empty() {
                (table("What was found", &["level", "where", "what", "clauses"], &html! {
                    @for f in checked.findings.iter().take(100) {
                        tr {
                            th scope="row" { @match f.level { Level::Error => (badge("bad", "error")), Level::Warning => (badge("wait", "warning")), Level::Note => (badge("", "note")) } }
                            td { @if let Some(line) = f.line { "line " (line) } }
                            td { (theirs(&f.message)) @if !f.hint.is_empty() { span .who { (theirs(&f.hint)) } } span .who { (human(&f.code)) } }
                            td { (f.cites.join(", ")) }
                        }
                    }
                }))
            }
            (compared)
        }
    })
}
