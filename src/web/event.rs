//! One event: what it says, who said it, what it moved, what rests on it; and the way to set it right: a correction or a
//! reversal with a reason, whose effect is shown before it is recorded.

mod values;

use maud::{Markup, html};
use replay::{
    case::Case,
    duty::{self, Area},
    event::Kind,
    history::Cut,
    ids::{ClaimId, Code, Stream},
    money::Currency,
    registry::Registry,
    time::When,
};
use serde_json::{Map, Value, json};

use super::{
    Answer, Desk, Doors, Viewer,
    act::{problem, told},
    acts::{self, ACTS, Act, Field, Input},
    ask::Query,
    form::{self, Command, Form},
    inbox::place,
    layout::{Page, at, badge, claim, human, table, theirs, time, title},
    trial,
};
use crate::{
    error::{Error, ErrorKind, Result},
    judging::{self, explain},
    lineage::{self, Amending, OfEvent},
    store::{Store, sqlite::SqliteStore},
    view::{self, Entry},
};

use values::{figure, named, of_value, shown};

/// Fields of a correction beside those that it sets.
const CORRECT: [Field; 3] = [
    Field {
        name: "effective_at",
        label: "When it really happened",
        input: Input::Word,
        required: false,
        hint: "only if that was wrong: 2024-04-15T12:00:00-05:00",
    },
    Field {
        name: "reason_code",
        label: "Why it is corrected",
        input: Input::Word,
        required: true,
        hint: "one word of your own, e.g. typing_error",
    },
    Field {
        name: "reason_text",
        label: "The same in words",
        input: Input::Text,
        required: false,
        hint: "kept outside of the log",
    },
];
const REVERSE: [Field; 2] = [
    Field {
        name: "reason_code",
        label: "Why it did not occur",
        input: Input::Word,
        required: true,
        hint: "one word of your own, e.g. wrong_claim",
    },
    Field {
        name: "reason_text",
        label: "The same in words",
        input: Input::Text,
        required: false,
        hint: "kept outside of the log",
    },
];
/// For kinds that have no form of their own.
const ANY: [Field; 2] = [
    Field {
        name: "any_name",
        label: "Field",
        input: Input::Word,
        required: false,
        hint: "as it stands above",
    },
    Field {
        name: "any_value",
        label: "Right value",
        input: Input::Word,
        required: false,
        hint: "a text, or JSON",
    },
];

struct Looked<'a> {
    viewer: &'a Viewer,
    of: OfEvent,
    entry: Entry,
    stream: Stream,
    kind: Kind,
    /// What it says after the corrections that stand, personal values in clear.
    says: Value,
    case: Case,
    registry: Registry,
    now: When,
}

impl<'a> Looked<'a> {
    fn at(store: &mut SqliteStore, viewer: &'a Viewer, position: u64, now: When) -> Result<Self> {
        let of = lineage::of_event(store, position)?;
        let row =
            store.row(position)?.ok_or_else(|| Error::not_found(format!("no event stands at {position}")))?;
        let recorded = view::opened(&row)?;
        let redactions = view::redactions(store)?;
        let (_, entry) = view::entry(store, &row, &recorded, of.standing, viewer.reads_clear(), &redactions)?;
        let stream = recorded.envelope.stream.clone();
        let case = view::case_of(store, &stream)?;
        let amended = trial::amended(&case, &stream, recorded.envelope.event_id);
        let mut says =
            amended.and_then(|event| event.to_value().ok()).unwrap_or_else(|| entry.payload.clone());
        for value in store.personal(position)?.into_iter().filter(|_| viewer.reads_clear()) {
            // A text that was corrected lies with the correction; what it says now is not this value.
            if view::at_path(&says, &value.path)
                == view::at_path(&recorded.event.to_value().unwrap_or_default(), &value.path)
            {
                view::open_value(&mut says, &value.path, &value.value);
            }
        }
        let registry = judging::registry(store)?;
        let kind = recorded.event.kind();
        Ok(Self { viewer, of, entry, stream, kind, says, case, registry, now })
    }
    fn currency(&self) -> Option<Currency> {
        self.case.order_state().map(|order| order.currency())
    }
    fn roles(&self) -> Vec<&'a Code> {
        let area = duty::area(self.kind);
        // What is amended is amended by whoever may do it; of an amendment of an amendment the engine follows the chain.
        let area = if area == Area::Amendments { Area::Talk } else { area };
        acts::roles_for(&self.viewer.roles, area)
    }
    /// Whether it can be amended here at all: events of the ledger are set right by new ones.
    fn is_open(&self) -> bool {
        self.stream != Stream::Ledger && self.of.standing != "reversed" && !self.roles().is_empty()
    }
    fn fields(&self) -> (Vec<Field>, Query) {
        let act: Option<&Act> = ACTS.iter().find(|act| act.kind == self.kind);
        let mut fields: Vec<Field> = Vec::new();
        let mut values = Query::default();
        match act {
            Some(act) => {
                for field in act.fields {
                    let name = field.name;
                    fields.push(Field { required: false, ..*field });
                    values = values.with(name, Some(&shown(&self.says, name)));
                }
            }
            None => fields.extend(ANY),
        }
        (fields, values)
    }
    fn revision(&self) -> u64 {
        self.case.revision(&self.stream).map_or(0, |revision| revision.get())
    }
    fn address(&self) -> String {
        format!("/desk/events/{}", self.of.position)
    }
}

/// The page of an event.
///
/// # Errors
/// When nothing stands at that position.
pub fn page(store: &mut SqliteStore, viewer: &Viewer, position: u64, key: &str, now: When) -> Result<String> {
    let looked = Looked::at(store, viewer, position, now)?;
    let (_, values) = looked.fields();
    Ok(looked.page(&values, key, looked.revision(), None, &html! {}, false))
}

/// A correction or a reversal that was sent.
///
/// # Errors
/// When nothing stands there, or the viewer may not amend it.
pub fn sent(
    store: &mut SqliteStore,
    desk: &Desk,
    viewer: &Viewer,
    position: u64,
    sent: &Query,
    now: When,
    doors: &mut Doors<'_>,
) -> Result<Answer> {
    let key = sent.get("key").map_or_else(|| desk.key(now), |key| Ok(key.to_owned()))?;
    let looked = Looked::at(store, viewer, position, now)?;
    if looked.roles().is_empty() {
        return Err(super::act::forbidden(viewer, "Correct or reverse"));
    }
    let how = if sent.get("how") == Some("reverse") { "reverse" } else { "correct" };
    let seen = sent.number("revision").unwrap_or(0);
    let stuck = |why: &Error, revision: u64| {
        Answer::page(why.kind, looked.page(sent, &key, revision, Some(how), &problem(why), false))
    };
    let Command { text, proposal } = match looked.command(how, sent) {
        Ok(command) => command,
        Err(why) => return Ok(stuck(&why, seen)),
    };
    if sent.get("do") == Some("ask") {
        return Ok(match (doors.ask)(&proposal, &text) {
            Ok(()) => Answer::Redirect(format!("{}?asked=yes", looked.back())),
            Err(why) => stuck(&why, seen),
        });
    }
    if sent.get("do") == Some("record") {
        return Ok(match (doors.record)(vec![proposal]) {
            Ok(receipts) => {
                let at = receipts.last().map_or(0, |receipt| receipt.position);
                Answer::Redirect(format!("{}?recorded={at}", looked.back()))
            }
            Err(why) => {
                let details = match why.kind {
                    ErrorKind::Stale => {
                        trial::stale(store, &looked.stream, replay::ids::Revision::new(seen))?.details
                    }
                    _ => why.details.clone(),
                };
                stuck(&Error { details, ..why }, looked.revision())
            }
        });
    }
    match trial::attempt(store, &looked.case, &looked.registry, &proposal, now.at) {
        Ok(trial) => {
            let above = looked.effect(&trial);
            Ok(Answer::page_ok(looked.page(sent, &key, seen, Some(how), &above, true)))
        }
        Err(why) => {
            let revision = if why.kind == ErrorKind::Stale { looked.revision() } else { seen };
            Ok(stuck(&why, revision))
        }
    }
}

impl Looked<'_> {
    /// Where one goes after it is recorded.
    fn back(&self) -> String {
        match &self.stream {
            Stream::Claim(id) => super::layout::claim_at(id.as_str()),
            _ => self.address(),
        }
    }

    fn command(&self, how: &str, sent: &Query) -> Result<Command> {
        let roles = self.roles();
        let mut payload = Map::new();
        payload.insert("target".into(), self.of.event_id.clone().into());
        for name in ["reason_code", "reason_text"] {
            if let Some(text) = sent.get(name) {
                payload.insert(name.into(), text.replace("\r\n", "\n").into());
            }
        }
        if how == "reverse" {
            return form::command(
                self.viewer,
                Kind::EventReversed.as_str(),
                payload,
                &roles,
                sent,
                &self.stream,
                self.now,
            );
        }
        if let Some(text) = sent.get("effective_at") {
            payload.insert("effective_at".into(), text.into());
        }
        payload.insert("set".into(), Value::Object(self.set(sent)?));
        form::command(
            self.viewer,
            Kind::EventCorrected.as_str(),
            payload,
            &roles,
            sent,
            &self.stream,
            self.now,
        )
    }

    /// The fields whose boxes hold something else than what the event says.
    fn set(&self, sent: &Query) -> Result<Map<String, Value>> {
        let (fields, values) = self.fields();
        let mut set = Map::new();
        for field in fields.iter().filter(|field| !field.name.starts_with("any_")) {
            let (asked, have) = (sent.get(field.name), values.get(field.name));
            if asked == have {
                continue;
            }
            let top = field.name.split('.').next().unwrap_or(field.name);
            let value = form::read(field, sent, self.currency())?.unwrap_or(Value::Null);
            let value = match field.name.split_once('.') {
                None => value,
                // A field inside of another one is corrected with all that stands beside it.
                Some((_, inner)) => {
                    let whole = set.get(top).or_else(|| self.says.get(top)).cloned();
                    let mut whole = whole.unwrap_or_else(|| json!({}));
                    if let Value::Object(whole) = &mut whole {
                        match value {
                            Value::Null => drop(whole.remove(inner)),
                            value => drop(whole.insert(inner.into(), value)),
                        }
                    }
                    whole
                }
            };
            set.insert(top.into(), value);
        }
        if let (Some(name), Some(text)) = (sent.get("any_name"), sent.get("any_value")) {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            set.insert(name.into(), value);
        }
        Ok(set)
    }

    fn effect(&self, trial: &trial::Trial) -> Markup {
        let claims: Vec<&ClaimId> = self.case.claims.keys().collect();
        let explained =
            |case: &Case, id: &ClaimId| explain::explain(case, id, &self.registry, &Cut::default()).ok();
        html! {
            section #effect .notice aria-label="What it would change" {
                h2 { "What it would change" }
                ul { @for event in &trial.events { li { (told(event)) } } }
                (table("Before and after", &["claim", "what", "now", "then"], &html! {
                    @for id in claims {
                        @if let (Some(was), Some(is)) = (explained(&self.case, id), explained(&trial.after, id)) {
                            @for (what, before, after) in [("status", human(&was.status), human(&is.status)), ("payable", was.payable.clone(), is.payable.clone()), ("paid", was.refunded.clone(), is.refunded.clone())] {
                                tr { th scope="row" { (claim(id.as_str())) } td { (what) } td { (before) } td { @if before == after { (after) } @else { strong { (after) } } } }
                            }
                        }
                    }
                }))
                p .soft { "Nothing is recorded yet." }
            }
        }
    }

    fn page(
        &self,
        values: &Query,
        key: &str,
        revision: u64,
        how: Option<&str>,
        above: &Markup,
        is_tried: bool,
    ) -> String {
        let of = &self.of;
        let body = html! {
            p .kicker { "Event " (of.position) " of " (place(&self.stream)) ", revision " (of.revision) }
            h1 { (title(&of.kind)) }
            @if of.standing != "stands" { p { (badge("wait", of.standing)) " What stands in its place, its amendments say." } }
            (above)
            @if how.is_none() {
                (self.envelope())
                (self.touches())
            }
            @if self.is_open() {
                section #amend {
                    h2 { "Set it right" }
                    p .soft { "The event stays on record. Money that moved is reversed and recorded anew, never corrected." }
                    @if how != Some("reverse") {
                        details open[how == Some("correct")] {
                            summary { "Correct: it happened, but not like this" }
                            (self.amendment("correct", values, key, revision, (how.is_some(), is_tried)))
                        }
                    }
                    @if how != Some("correct") {
                        details open[how == Some("reverse")] {
                            summary { "Reverse: it did not occur" }
                            (self.amendment("reverse", values, key, revision, (how.is_some(), is_tried)))
                        }
                    }
                }
            }
            @if how.is_some() { p { a href=(self.address()) { "Back to the event; record nothing" } } }
        };
        let twin = format!("/v1/events/{}", of.position);
        Page::new(self.viewer, format!("Event {}", of.position), "/desk/claims").twin(twin).show(&body)
    }

    fn amendment(
        &self,
        how: &str,
        values: &Query,
        key: &str,
        revision: u64,
        (was_sent, is_tried): (bool, bool),
    ) -> Markup {
        let (mut fields, _) = self.fields();
        let title = if how == "reverse" {
            fields = REVERSE.to_vec();
            "Reverse"
        } else {
            fields.extend(CORRECT);
            "Correct"
        };
        // The same key for both forms would be the same fact.
        let key = format!("{}-{how}", key.trim_end_matches("-correct").trim_end_matches("-reverse"));
        let form = Form {
            viewer: self.viewer,
            action: self.address(),
            fields: &fields,
            values,
            roles: self.roles(),
            revision,
            key: &key,
            currency: self.currency(),
            is_tried,
            was_sent,
            title,
        };
        form.show_with(how)
    }

    fn envelope(&self) -> Markup {
        let e = &self.entry;
        html! {
            dl .facts-list {
                dt { "happened" } dd { (time(&e.effective_at)) }
                dt { "recorded" } dd { (time(&e.recorded_at)) }
                dt { "by" } dd { bdi { (e.actor) } ", " (human(&e.role)) @if let Some(a) = &e.approver { ", with " bdi { (a) } } }
                dt { "by way of" } dd { bdi { (e.source) } @if let Some(key) = &e.external_id { ", key " (theirs(key)) } }
                dt { "id" } dd { code { (e.event_id) } }
            }
            h2 { "What it says" }
            dl .facts-list {
                @for (name, value) in e.payload.as_object().into_iter().flatten() { dt { (human(name)) } dd { (of_value(value)) } }
            }
            @for gone in &e.redacted { p .gone { (human(&gone.path)) " was erased on " (gone.on) " (" (gone.basis) ") " (at(gone.position)) } }
        }
    }

    fn touches(&self) -> Markup {
        let of = &self.of;
        let list = |title: &str, list: &[Amending]| {
            html! {
                @if !list.is_empty() {
                    h3 { (title) }
                    ul { @for a in list.iter().take(super::claim::PANEL_ROWS) { li { (human(&a.kind)) " " (at(a.position)) @if !a.stands { " " (badge("wait", "does not stand")) } } } }
                }
            }
        };
        html! {
            h2 { "What it touches" }
            @if let Some(amends) = &of.amends { (list("It amends", std::slice::from_ref(amends))) }
            (list("Amended by", &of.amended_by))
            (list("Named by", &of.named_by))
            @if !of.decisions.is_empty() {
                h3 { "Decisions that rest on it" }
                ul { @for d in &of.decisions { li { (claim(d.claim.as_str())) ", by " bdi { (d.actor) } " " (at(d.position)) } } }
            }
            @if of.claims.is_empty() { p .note { "It moved no figure and no stage." } }
            @for touched in &of.claims {
                h3 { "Claim " (claim(touched.claim.as_str())) }
                @if let (before, Some(after)) = (&touched.stage_before, &touched.stage_after) {
                    p { "stage " @if let Some(before) = before { (human(before)) " → " } (human(after)) }
                }
                @if !touched.moved.is_empty() {
                    (table("Figures it moved when it was recorded", &["figure", "before>", "after>", "moved>"], &html! {
                        @for m in touched.moved.iter().take(super::claim::PANEL_ROWS) {
                            tr { th scope="row" { (theirs(&named(&m.figure))) } td .n { (figure(m.before, &m.unit)) } td .n { (figure(m.after, &m.unit)) } td .n { (figure(Some(m.moved), &m.unit)) } }
                        }
                    }))
                }
            }
        }
    }
}
