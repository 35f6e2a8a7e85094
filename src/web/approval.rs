//! What waits for a second person: who asks for what, what it would change, and the two answers there are.

use maud::html;
use replay::{event::Event, ids::Stream, time::When};

use super::{
    Answer, Doors, Viewer, Waiting,
    act::{effect, problem, told},
    ask::{Query, part},
    inbox::place,
    layout::{Page, csrf, human, minute, title},
    policies, trial,
};
use crate::{
    error::{Error, Result},
    judging,
    store::sqlite::SqliteStore,
    view,
};

fn found<'v>(viewer: &'v Viewer, id: &str) -> Result<&'v Waiting> {
    viewer.waiting.iter().find(|waiting| waiting.id == id).ok_or_else(|| {
        Error::not_found("nothing of this name waits for approval").hint("the inbox lists what waits")
    })
}

/// The page of an act that waits.
///
/// # Errors
/// When nothing of that name waits.
pub fn page(store: &mut SqliteStore, viewer: &Viewer, id: &str, now: When) -> Result<String> {
    show(store, viewer, found(viewer, id)?, now, None)
}

fn show(
    store: &mut SqliteStore,
    viewer: &Viewer,
    w: &Waiting,
    now: When,
    why: Option<&Error>,
) -> Result<String> {
    let own = w.requester == viewer.actor.as_str();
    let mut proposal = w.proposal.clone();
    // As it would be recorded if whoever looks approved it; for who asked, as it stands.
    proposal.approver = (!own).then(|| viewer.actor.clone());
    let registry = judging::registry(store)?;
    let case = view::case_of(store, &proposal.stream)?;
    let what = match (&proposal.stream, &proposal.event) {
        (Stream::Claim(claim), _) => match trial::attempt(store, &case, &registry, &proposal, now.at) {
            Ok(trial) => effect(claim, (&case, &registry), &trial, &proposal, now),
            Err(no) => html! { p { (told(&proposal.event)) } (problem(&no)) },
        },
        (_, Event::PolicyPublished(draft)) => {
            html! { p { (told(&proposal.event)) } (policies::compared(store, draft)?) }
        }
        _ => html! { p { (told(&proposal.event)) } },
    };
    let body = html! {
        p .kicker { "Waiting for a second person" }
        h1 { (title(proposal.event.kind().as_str())) " on " (place(&proposal.stream)) }
        p { "Asked by " strong { bdi { (w.requester) } } ", " (human(&w.role)) ", " (minute(w.since)) "." }
        @if let Some(why) = why { (problem(why)) }
        (what)
        form .act method="post" action=(format!("/desk/approvals/{}", part(&w.id))) {
            (csrf(viewer))
            p .buttons {
                @if own { button type="submit" name="do" value="reject" { "Take it back" } }
                @else {
                    button .go type="submit" name="do" value="approve" { "Approve: record it" }
                    " " button type="submit" name="do" value="reject" { "Reject" }
                }
            }
        }
    };
    Ok(Page::new(viewer, "Waiting for a second person", "/desk").twin("/v1/approvals").show(&body))
}

/// An answer to what waits.
///
/// # Errors
/// When nothing of that name waits.
pub fn sent(
    store: &mut SqliteStore,
    viewer: &Viewer,
    id: &str,
    sent: &Query,
    now: When,
    doors: &mut Doors<'_>,
) -> Result<Answer> {
    let waiting = found(viewer, id)?;
    match (doors.settle)(id, sent.get("do") == Some("approve")) {
        Ok(()) => Ok(Answer::Redirect(match &waiting.proposal.stream {
            Stream::Claim(claim) => super::layout::claim_at(claim.as_str()),
            _ => "/desk".into(),
        })),
        Err(why) => Ok(Answer::page(why.kind, show(store, viewer, waiting, now, Some(&why))?)),
    }
}
