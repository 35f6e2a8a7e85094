//! One claim: what is on record, what the policy says of it and what comes next, at any moment, with a way to every
//! event behind it.

mod goods;
mod money;
mod strip;
mod talk;
mod timeline;

pub use goods::found;
pub use timeline::line;

use maud::{Markup, html};
use replay::{
    books::{BoardRow, rows},
    case::Case,
    history::Cut,
    ids::{ClaimId, Stream},
    judge::{Judgement, judge},
    registry::Registry,
    time::When,
};
use serde_json::Value;

use super::{
    Viewer,
    acts::{self, ACTS},
    ask::{Moment, Query, href, link, part},
    layout::{Page, at, badge, cites, claim_at, human, money, order, said, signed, theirs, title},
};
use crate::{
    error::{Error, Result},
    judging::{
        self,
        explain::{self, Explanation},
        next::{self, Next, Step},
    },
    store::{Store, sqlite::SqliteStore},
    view::{self, Entry},
};

/// Events on one page of the timeline.
pub const TIMELINE_ROWS: usize = 40;
/// Rows of a panel; the rest is in the answer for programs.
pub const PANEL_ROWS: usize = 60;
/// Most steps of the slider: of a claim with more events, its boxes are typed into.
const SLIDER_STEPS_MAX: usize = 1_500;

/// Everything that the panels are made of.
pub(super) struct Seen<'a> {
    pub viewer: &'a Viewer,
    pub id: &'a ClaimId,
    pub cut: Cut,
    pub board: BoardRow,
    /// The claim in full, as in `claims show --json`.
    pub detail: Value,
    /// `None` for a credit from before the ledger: no policy judges it.
    pub judged: Option<Judgement>,
    pub explained: Option<Explanation>,
    pub next: Option<Next>,
    /// The claim's and its order's events under the cut, by when they happened.
    pub entries: Vec<Entry>,
    pub now: When,
    pub revision: u64,
    /// What of the address is to be kept in links of the page.
    pub query: &'a Query,
}

impl Seen<'_> {
    /// Policy and version, for links to clauses.
    pub fn policy(&self) -> Option<(&str, u32)> {
        self.explained.as_ref().map(|e| (e.policy.as_str(), e.policy_version))
    }
    pub fn cites(&self, ids: &[String]) -> Markup {
        cites(self.policy(), ids)
    }
}

/// The page of a claim.
///
/// # Errors
/// When there is no such claim, or not yet at that moment.
pub fn page(
    store: &mut SqliteStore,
    viewer: &Viewer,
    id: &ClaimId,
    query: &Query,
    now: When,
) -> Result<String> {
    let moment = Moment::read(query, "");
    let stream = Stream::Claim(id.clone());
    let case = view::case_of(store, &stream)?;
    let registry = judging::registry(store)?;
    let every = positions(&case, id);
    let rows = rows(&case, id, &moment.cut).ok_or_else(|| not_yet(id, &every));
    let page = Page::new(viewer, format!("Claim {id}"), "/desk/claims");
    let twin = href(&format!("/v1/claims/{}", part(id.as_str())), &only_moment(query));
    let page = page.twin(twin);
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) if !moment.is_now() => {
            let body = html! {
                (heading(id, None))
                (slider(id, query, &moment, &every, store.tip()?.position))
                div #panels { p .note { (why.message) ". " (why.hint.unwrap_or_default()) } }
            };
            return Ok(page.show(&body));
        }
        Err(why) => return Err(why),
    };
    let entries = view::timeline(store, &stream, true, viewer.reads_clear(), &moment.cut)?;
    let refused = store.refusals_of(&stream.to_string())?;
    let seen = Seen {
        viewer,
        id,
        cut: moment.cut,
        detail: serde_json::from_str(&rows.detail).unwrap_or_default(),
        board: rows.board,
        judged: judge(&case, id, &registry, &moment.cut),
        explained: explain::explain(&case, id, &registry, &moment.cut).ok(),
        next: next_of(&case, id, &registry, &moment.cut, now),
        entries,
        now,
        revision: store.revision(&stream)?,
        query,
    };
    let body = html! {
        (said(query))
        (heading(id, Some(&seen)))
        (slider(id, &kept(query), &moment, &every, store.tip()?.position))
        div #panels {
            (seen.state())
            div .columns {
                div {
                    (seen.allowed(&moment))
                    (seen.refund())
                    (seen.strip())
                    (seen.goods())
                }
                div {
                    (seen.timeline(&refused))
                    (seen.talk())
                }
            }
        }
    };
    Ok(page.show(&body))
}

fn next_of(case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut, now: When) -> Option<Next> {
    next::next(case, id, registry, cut, cut.effective_at.unwrap_or(now.at)).ok()
}

/// Positions of the claim and its order, in order.
fn positions(case: &Case, id: &ClaimId) -> Vec<u64> {
    let order = case.order.iter().flat_map(|order| order.history.facts());
    let claim = case.claims.get(id).into_iter().flat_map(|claim| claim.history.facts());
    let mut all: Vec<u64> = order.chain(claim).map(|fact| fact.position.get()).collect();
    all.sort_unstable();
    all
}

fn not_yet(id: &ClaimId, every: &[u64]) -> Error {
    let first = every.last().map(|last| format!("its last event is at position {last}")).unwrap_or_default();
    Error::not_found(format!("claim {id} did not exist at that moment")).hint(first)
}

/// The names of the moment alone, for the twin.
fn only_moment(query: &Query) -> Query {
    let kept = ["as_of", "known_at", "effective_at"];
    kept.iter().fold(Query::default(), |all, name| all.with(name, query.get(name)))
}

/// The address without what came of a form, which is told once.
fn kept(query: &Query) -> Query {
    ["recorded", "again", "asked"].iter().fold(query.clone(), |all, name| all.with(name, None))
}

fn heading(id: &ClaimId, seen: Option<&Seen<'_>>) -> Markup {
    html! {
        p .kicker { "Claim" }
        h1 { bdi { (id) } }
        @if let Some(seen) = seen {
            p .soft {
                @if let Some(of) = &seen.board.order { "order " (order(of)) ", " }
                (seen.board.merchant) ", " (theirs(&seen.board.country)) ", opened " (seen.board.opened_on)
                ", revision " (seen.revision)
                @if let Some(e) = &seen.explained {
                    ". Judged under policy "
                    a href=(format!("/desk/policies/{}/{}", part(&e.policy), e.policy_version)) { (e.policy) " version " (e.policy_version) }
                    ", in force at the purchase on " (e.purchased_on)
                }
                ". "
                a href=(link("/desk/compare", &[("claim", id.as_str())])) { "Compare two moments" } ", "
                a href=(href(&format!("{}/figures", claim_at(id.as_str())), &only_moment(seen.query))) { "where the figures come from" }
            }
        }
    }
}

/// The way through time: a plain form; the script makes the slider move every panel at once.
fn slider(id: &ClaimId, query: &Query, moment: &Moment, every: &[u64], tip: u64) -> Markup {
    let address = claim_at(id.as_str());
    let value = |name: &str| query.get(name).unwrap_or_default().to_owned();
    let as_of = moment.cut.position.map_or(tip, |p| p.get());
    let here = every.iter().filter(|position| **position <= as_of).count();
    let step = |to: Option<u64>| {
        to.map(|to| href(&address, &query.with("as_of", Some(&to.to_string())).with("from", None)))
    };
    let (before, after) = (here.checked_sub(2).and_then(|i| every.get(i)), every.get(here));
    let slides = every.len() <= SLIDER_STEPS_MAX && every.len() > 1;
    let list: Vec<String> = every.iter().map(u64::to_string).collect();
    html! {
        form #time .time method="get" action=(address) {
            fieldset {
                legend { "The moment that is looked at" }
                @if slides {
                    p .slide hidden {
                        label for="slide" { "Event" }
                        input #slide type="range" min="1" max=(every.len()) value=(here.max(1)) data-positions=(list.join(","))
                            aria-describedby="slide-says";
                        output #slide-says for="slide" { "event " (here) " of " (every.len()) }
                    }
                }
                div .boxes {
                    p { label for="as_of" { "Position" } input #as_of name="as_of" inputmode="numeric" pattern="[0-9]*" maxlength="19" value=(value("as_of")) placeholder=(tip); }
                    p { label for="known_at" { "Known at" } input #known_at name="known_at" maxlength="40" value=(value("known_at")) placeholder="2024-04-08 or a time"; }
                    p { label for="effective_at" { "Effective at" } input #effective_at name="effective_at" maxlength="40" value=(value("effective_at")) placeholder="2024-04-08 or a time"; }
                    p .buttons {
                        button type="submit" { "Look" }
                        @if !moment.is_now() { " " a #now href=(address) { "Now" } }
                    }
                }
                p .soft {
                    @if let Some(before) = step(before.copied()) { a href=(before) rel="prev" { "one event earlier" } " · " }
                    @if let Some(after) = step(after.copied()).filter(|_| !moment.is_now()) { a href=(after) rel="next" { "one event later" } " · " }
                    "position: as the log was; known at: as the ledger knew it then; effective at: as it had happened by then"
                }
                @if let Some(name) = moment.misread {
                    p .bad role="alert" { (human(name)) " cannot be read and was left out: a position is a number; a time is written 2024-04-15T12:00:00-05:00, a day 2024-04-15" }
                }
            }
        }
    }
}

impl Seen<'_> {
    /// Stage, flags and the figures.
    fn state(&self) -> Markup {
        let b = &self.board;
        let tone = match b.stage.as_str() {
            "settled" | "closed" => "good",
            "denied" | "refused" | "lost" | "voided" => "bad",
            _ => "wait",
        };
        html! {
            section #state aria-label="State" {
                p .state {
                    (badge(tone, &human(&b.stage)))
                    @for flag in b.flags.split(' ').filter(|flag| !flag.is_empty()) { " " (badge("bad", &human(flag))) }
                    @if let Some(e) = &self.explained { " " span { "under the policy: " strong { (human(&e.status)) } } }
                    @if self.cut != Cut::default() { " " (badge("wait", "not as of now")) }
                }
                dl .figures {
                    @if let Some(e) = &self.explained {
                        div { dt { "payable" } dd { (e.payable) } }
                        div { dt { "paid" } dd { (e.refunded) } }
                        @if e.charged_back_minor > 0 { div { dt { "charged back" } dd { (e.charged_back) } } }
                        div { dt { @if e.open_minor < 0 { "paid beyond it" } @else { "open" } } dd { (signed(e.open_minor.abs(), e.currency.as_str())) } }
                    } @else {
                        div { dt { "credited" } dd { (money(b.credited_minor, &b.currency)) } }
                    }
                    div { dt { "units claimed" } dd { (b.units_claimed) } }
                    div { dt { "received" } dd { (b.units_received) } }
                    div { dt { "refunded" } dd { (b.units_refunded) } }
                }
            }
        }
    }

    /// What is allowed next, as ways to forms.
    fn allowed(&self, moment: &Moment) -> Markup {
        html! {
            section #next {
                h2 { "What is next" }
                @match &self.next {
                    None => p .note { "No policy judges this claim; there is nothing to decide." },
                    Some(next) => {
                        @if next.steps.is_empty() && next.notices.is_empty() { p .note { "Nothing to do now." } }
                        ul .steps {
                            @for step in next.steps.iter().chain(&next.notices).take(PANEL_ROWS) { li { (self.step(step, moment)) } }
                        }
                    }
                }
                @if !moment.is_now() {
                    p .note { "Forms are there for now alone, not for the moment that is looked at." }
                } @else if self.next.is_some() {
                    (self.facts())
                }
            }
        }
    }

    fn step(&self, step: &Step, moment: &Moment) -> Markup {
        let can = step.state == "can";
        let act =
            step.command.as_deref().and_then(|command| Some((acts::act(acts::verb_of(command)?)?, command)));
        html! {
            @if can { (badge("good", "can")) } @else { (badge("wait", "waits")) }
            " " span .soft { (step.who) ": " }
            @if let Some(units) = &step.units { bdi { (units) } ": " }
            (theirs(&step.text))
            @if !step.cites.is_empty() { " (" (self.cites(&step.cites)) ")" }
            @if let Some((act, command)) = act.filter(|_| moment.is_now()) {
                @if !acts::roles_of(&self.viewer.roles, act.kind).is_empty() {
                    " " a .button href=(act_at(self.id, act, command)) { (act.title) }
                }
            }
        }
    }

    /// Facts can be recorded whatever comes next, by those whose duty they are.
    fn facts(&self) -> Markup {
        let offered = ACTS.iter().filter(|act| act.is_fact);
        let offered: Vec<_> =
            offered.filter(|act| !acts::roles_of(&self.viewer.roles, act.kind).is_empty()).collect();
        html! {
            @if !offered.is_empty() {
                details {
                    summary { "Record a fact" }
                    ul .facts {
                        @for act in offered { li { a href=(form_at(self.id, act.verb)) { (act.title) } } }
                    }
                }
            }
        }
    }
}

/// The address of a form.
pub fn form_at(id: &ClaimId, verb: &str) -> String {
    format!("{}/act/{verb}", claim_at(id.as_str()))
}

/// The same, with what the judgement has filled in.
fn act_at(id: &ClaimId, act: &'static acts::Act, command: &str) -> String {
    let said = acts::said(act, command);
    let pairs: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
    link(&form_at(id, act.verb), &pairs)
}

/// Events that something came from.
pub(super) fn events(list: &[explain::EventPart]) -> Markup {
    html! {
        @for event in list {
            @if event.position > 0 { " " span .from title=(title(event.kind)) { (at(event.position)) } }
        }
    }
}
