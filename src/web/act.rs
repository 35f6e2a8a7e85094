//! A form of a claim: shown, tried, recorded. What it would change is worked out by the functions that record, and shown
//! before anything is written; what was typed is never lost.

use maud::{Markup, html};
use replay::{
    books::rows,
    case::Case,
    event::Event,
    history::Cut,
    ids::{ClaimId, Stream},
    money::Currency,
    registry::Registry,
    seal::Proposal,
    time::When,
};

use super::{
    Answer, Desk, Doors, Viewer,
    acts::{self, Act},
    ask::{Query, part},
    claim::form_at,
    form::{self, Command, Form},
    layout::{Page, badge, claim, claim_at, human, money, signed, table, theirs, title},
    trial::{self, Trial},
};
use crate::{
    error::{Error, ErrorKind, Result},
    judging::{self, explain, next},
    ledger::Outcome,
    packet::words,
    store::{Store, sqlite::SqliteStore},
    view,
};

/// A claim that somebody acts on.
struct Acting<'a> {
    viewer: &'a Viewer,
    id: &'a ClaimId,
    act: &'static Act,
    case: Case,
    registry: Registry,
    now: When,
}

impl<'a> Acting<'a> {
    fn of(
        store: &mut SqliteStore,
        viewer: &'a Viewer,
        id: &'a ClaimId,
        verb: &str,
        now: When,
    ) -> Result<Self> {
        let act = acts::act(verb).ok_or_else(|| Error::not_found(format!("there is no form {verb}")))?;
        if acts::roles_of(&viewer.roles, act.kind).is_empty() {
            return Err(forbidden(viewer, act.title));
        }
        let case = view::case_of(store, &Stream::Claim(id.clone()))?;
        let registry = judging::registry(store)?;
        let this = Self { viewer, id, act, case, registry, now };
        if !act.is_fact && !this.is_offered() {
            let text = format!("{}: this is not what the claim allows now", act.title);
            return Err(Error::new(ErrorKind::Refused, "not_allowed_now", text)
                .at(Stream::Claim(id.clone()))
                .hint("the claim's page says what is next, and why"));
        }
        Ok(this)
    }
    fn next(&self, case: &Case) -> Option<next::Next> {
        next::next(case, self.id, &self.registry, &Cut::default(), self.now.at).ok()
    }
    /// Whether the judgement names this verb among what can be done.
    fn is_offered(&self) -> bool {
        self.commands().iter().any(|command| acts::verb_of(command) == Some(self.act.verb))
    }
    fn commands(&self) -> Vec<String> {
        let next = self.next(&self.case);
        let steps = next.into_iter().flat_map(|next| next.steps.into_iter().chain(next.notices));
        steps.filter_map(|step| step.command).collect()
    }
    fn currency(&self) -> Option<Currency> {
        self.case.order_state().map(|order| order.currency())
    }
    fn revision(&self) -> u64 {
        self.case.revision(&Stream::Claim(self.id.clone())).map_or(0, |revision| revision.get())
    }
    fn command(&self, form: &Query) -> Result<Command> {
        form::proposal(
            self.viewer,
            self.act,
            form,
            &Stream::Claim(self.id.clone()),
            self.currency(),
            self.now,
        )
    }
    fn page(&self, values: &Query, key: &str, revision: u64, above: &Markup, is_tried: bool) -> String {
        let form = Form {
            viewer: self.viewer,
            action: form_at(self.id, self.act.verb),
            fields: self.act.fields,
            values,
            roles: acts::roles_of(&self.viewer.roles, self.act.kind),
            revision,
            key,
            currency: self.currency(),
            is_tried,
            was_sent: !above.0.is_empty(),
            title: self.act.title,
        };
        let body = html! {
            p .kicker { "Claim " (claim(self.id.as_str())) }
            h1 { (self.act.title) }
            (above)
            (form.show())
            p { a href=(claim_at(self.id.as_str())) { "Back to the claim; record nothing" } }
        };
        let page = Page::new(self.viewer, format!("{}: {}", self.act.title, self.id), "/desk/claims");
        page.twin(format!("/v1/claims/{}/next", part(self.id.as_str()))).show(&body)
    }
}

/// That a role is missing.
pub fn forbidden(viewer: &Viewer, what: &str) -> Error {
    let roles: Vec<String> = viewer.roles.iter().map(|role| human(role.as_str())).collect();
    let held = if roles.is_empty() { "no role".into() } else { roles.join(", ") };
    Error::new(
        ErrorKind::Forbidden,
        "role_may_not_do_this",
        format!("{what}: none of your roles may do this"),
    )
    .details(vec![format!("{} holds {held}", viewer.actor)])
    .hint("an admin grants roles; claims sod --rules says which role may do what")
}

/// The empty form, or one that the judgement has filled in.
///
/// # Errors
/// When the viewer may not, or the claim does not allow it now.
pub fn form(
    store: &mut SqliteStore,
    viewer: &Viewer,
    id: &ClaimId,
    verb: &str,
    query: &Query,
    key: &str,
    now: When,
) -> Result<String> {
    let acting = Acting::of(store, viewer, id, verb, now)?;
    // Without anything in the address, what the judgement says of the verb stands in the boxes.
    let mut values = query.clone();
    if query.pairs().next().is_none()
        && let Some(command) = acting.commands().iter().find(|c| acts::verb_of(c) == Some(verb))
    {
        values = acts::said(acting.act, command)
            .iter()
            .fold(values, |all, (name, value)| all.with(name, Some(value)));
    }
    if acting.act.verb == "refund" && values.get("payout.to").is_none() {
        values = values.with("payout.to", Some("original_method"));
    }
    let revision = acting.revision();
    Ok(acting.page(&values, key, revision, &html! {}, false))
}

/// A form that was sent: tried, or recorded.
///
/// # Errors
/// When the viewer may not, or the claim is not there.
pub fn sent(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    (id, verb): (&ClaimId, &str),
    sent: &Query,
    now: When,
    doors: &mut Doors<'_>,
) -> Result<Answer> {
    let key = sent.get("key").map_or_else(|| desk.key(now), |key| Ok(key.to_owned()))?;
    let acting = match Acting::of(store, viewer, id, verb, now) {
        // Somebody was faster: what was typed is shown with what happened since, not with a closed door.
        Err(why) if why.code == "not_allowed_now" => {
            return too_late(store, viewer, (id, verb), sent, &key, now, why);
        }
        other => other?,
    };
    let seen = sent.number("revision").unwrap_or(0);
    let stuck = |why: &Error, revision: u64| {
        Answer::page(why.kind, acting.page(sent, &key, revision, &problem(why), false))
    };
    let Command { text, proposal } = match acting.command(sent) {
        Ok(command) => command,
        Err(why) => return Ok(stuck(&why, seen)),
    };
    if sent.get("do") == Some("ask") {
        return Ok(match (doors.ask)(&proposal, &text) {
            Ok(()) => Answer::Redirect(format!("{}?asked=yes", claim_at(id.as_str()))),
            Err(why) => stuck(&why, seen),
        });
    }
    if sent.get("do") == Some("record") {
        return Ok(match (doors.record)(vec![proposal]) {
            Ok(receipts) => {
                let again = receipts.iter().all(|receipt| receipt.outcome == Outcome::AlreadyRecorded);
                let at = receipts.last().map_or(0, |receipt| receipt.position);
                let word = if again { "again" } else { "recorded" };
                Answer::Redirect(format!("{}?{word}={at}", claim_at(id.as_str())))
            }
            Err(why) if why.kind == ErrorKind::Stale => {
                // What is there now is what the next attempt is made on.
                let why = Error { details: since(store, id, seen)?, ..why };
                stuck(&why, acting.revision())
            }
            Err(why) => stuck(&why, acting.revision()),
        });
    }
    match trial::attempt(store, &acting.case, &acting.registry, &proposal, now.at) {
        Ok(trial) => {
            let above = effect(id, (&acting.case, &acting.registry), &trial, &proposal, now);
            Ok(Answer::page_ok(acting.page(sent, &key, seen, &above, true)))
        }
        Err(why) => {
            let revision = if why.kind == ErrorKind::Stale { acting.revision() } else { seen };
            Ok(stuck(&why, revision))
        }
    }
}

fn since(store: &mut SqliteStore, id: &ClaimId, seen: u64) -> Result<Vec<String>> {
    let stream = Stream::Claim(id.clone());
    Ok(trial::stale(store, &stream, replay::ids::Revision::new(seen))?.details)
}

fn too_late(
    store: &mut SqliteStore,
    viewer: &Viewer,
    (id, verb): (&ClaimId, &str),
    sent: &Query,
    key: &str,
    now: When,
    why: Error,
) -> Result<Answer> {
    let act = acts::act(verb).ok_or_else(|| why.clone())?;
    let stream = Stream::Claim(id.clone());
    let seen = sent.number("revision").unwrap_or(0);
    let current = store.revision(&stream)?;
    let why = if current > seen {
        Error { details: since(store, id, seen)?, kind: ErrorKind::Stale, ..why }
    } else {
        why
    };
    let case = view::case_of(store, &stream)?;
    let registry = judging::registry(store)?;
    let acting = Acting { viewer, id, act, case, registry, now };
    Ok(Answer::page(why.kind, acting.page(sent, key, current, &problem(&why), false)))
}

/// What went wrong, above a form that still holds what was typed.
pub fn problem(why: &Error) -> Markup {
    let head = match why.kind {
        ErrorKind::Stale => "Somebody was faster",
        ErrorKind::Refused => "A rule says no",
        ErrorKind::Conflict => "This was recorded before, with other content",
        ErrorKind::Unreadable => "This cannot be read",
        _ => "This was not recorded",
    };
    html! {
        div .notice .bad role="alert" {
            strong { (head) }
            p { (theirs(&why.message)) "." }
            @if !why.details.is_empty() {
                @if why.kind == ErrorKind::Stale { p { "Since the page was made:" } }
                ul { @for detail in &why.details { li { (theirs(detail)) } } }
            }
            @if !why.cites.is_empty() { p { "Under " (why.cites.join(", ")) "." } }
            @if let Some(hint) = &why.hint { p .soft { (theirs(hint)) } }
            p .soft { "What you typed is still below; nothing of it was recorded." }
        }
    }
}

/// A figure or a state before and after.
struct Change {
    what: String,
    before: String,
    after: String,
}

/// What recording a command on a claim would do: its events, what changes, what would be next.
pub fn effect(
    id: &ClaimId,
    (case, registry): (&Case, &Registry),
    trial: &Trial,
    proposal: &Proposal,
    now: When,
) -> Markup {
    let changes = changes(id, registry, case, &trial.after);
    let next = next::next(&trial.after, id, registry, &Cut::default(), now.at).ok();
    html! {
        section #effect .notice aria-label="What it would change" {
            h2 { "What it would change" }
            p { @if trial.events.len() > 1 { "These would be recorded, in this order:" } @else { "This would be recorded:" } }
            ul {
                @for event in &trial.events {
                    li { (told(event)) " " span .soft { "by " bdi { (proposal.actor) } ", " (human(proposal.role.as_str())) @if let Some(a) = &proposal.approver { ", with " bdi { (a) } } } }
                }
            }
            @if changes.is_empty() { p .note { "No state and no figure would change." } }
            @else {
                (table("Before and after", &["what", "now", "then"], &html! {
                    @for change in &changes { tr { th scope="row" { (change.what) } td { (theirs(&change.before)) } td { strong { (theirs(&change.after)) } } } }
                }))
            }
            @if let Some(next) = next.filter(|next| !next.steps.is_empty()) {
                h3 { "What would be next" }
                ul { @for step in next.steps.iter().take(10) { li { (badge(if step.state == "can" { "good" } else { "wait" }, step.state)) " " (step.who) ": " (theirs(&step.text)) } } }
            }
            p .soft { "Nothing is recorded yet." }
        }
    }
}

fn changes(id: &ClaimId, registry: &Registry, before: &Case, after: &Case) -> Vec<Change> {
    let cut = Cut::default();
    let mut all = Vec::new();
    let mut put = |what: &str, before: String, after: String| {
        if before != after {
            all.push(Change { what: what.into(), before, after });
        }
    };
    let looked = |case: &Case| (rows(case, id, &cut), explain::explain(case, id, registry, &cut).ok());
    let ((old, was), (new, is)) = (looked(before), looked(after));
    if let (Some(old), Some(new)) = (old, new) {
        let (old, new) = (old.board, new.board);
        put("stage", human(&old.stage), human(&new.stage));
        put("flags", old.flags.clone(), new.flags.clone());
        let units = [
            ("units authorized", old.units_authorized, new.units_authorized),
            ("units received", old.units_received, new.units_received),
            ("units decided", old.units_accepted, new.units_accepted),
            ("units refunded", old.units_refunded, new.units_refunded),
        ];
        for (what, before, after) in units {
            put(what, before.to_string(), after.to_string());
        }
        let minor = [
            ("owed by decisions", old.owed_minor, new.owed_minor),
            ("credited", old.credited_minor, new.credited_minor),
            ("open by decisions", old.open_minor, new.open_minor),
        ];
        for (what, before, after) in minor {
            put(what, money(before, &old.currency), money(after, &new.currency));
        }
    }
    if let (Some(was), Some(is)) = (was, is) {
        put("status under the policy", human(&was.status), human(&is.status));
        put("payable under the policy", was.payable.clone(), is.payable.clone());
        let open = |e: &explain::Explanation| signed(e.open_minor, e.currency.as_str());
        put("open under the policy", open(&was), open(&is));
        let of = |e: &explain::Explanation| {
            let units = e.units.iter().map(|u| format!("{} {}", u.units, human(&u.status)));
            units.collect::<Vec<_>>().join("; ")
        };
        put("units under the policy", of(&was), of(&is));
    }
    all
}

/// An event in a line.
pub fn told(event: &Event) -> Markup {
    let says = words::says(event.kind(), &event.to_value().unwrap_or_default());
    html! { strong { (title(event.kind().as_str())) } @if !says.is_empty() { ": " (theirs(&says)) } }
}
