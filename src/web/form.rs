//! Forms: an act's fields as boxes, and what was typed as a command of the same text that programs send. A form carries
//! the revision that its author saw, and a key of its own, so that sending it twice records it once.

use maud::{Markup, html};
use replay::{
    ids::{Code, SourceId, Stream},
    money::{Amount, Currency},
    seal::Proposal,
    time::When,
};
use serde_json::{Map, Value, json};

use super::{
    Viewer,
    acts::{Act, Field, Input},
    ask::Query,
    layout::{csrf, human},
};
use crate::{
    command::{Defaults, parse},
    error::{Error, ErrorKind, Result},
};

/// The source of everything that is recorded here.
pub const SOURCE: &str = "desk";

/// A form as it is shown: what it is about, and what stands in its boxes.
pub struct Form<'a> {
    /// Whose it is.
    pub viewer: &'a Viewer,
    /// Where it is sent.
    pub action: String,
    /// The fields of its act.
    pub fields: &'a [Field],
    /// What stands in the boxes.
    pub values: &'a Query,
    /// The roles in which it can be said.
    pub roles: Vec<&'a Code>,
    /// The revision that its author sees.
    pub revision: u64,
    /// Under which key it is recorded.
    pub key: &'a str,
    /// The currency of amounts.
    pub currency: Option<Currency>,
    /// Whether what it would change stands above it, so that it can be recorded.
    pub is_tried: bool,
    /// Whether it was sent before; then a second person can be asked as well.
    pub was_sent: bool,
    /// What the button says that records it.
    pub title: &'a str,
}

impl Form<'_> {
    /// The form.
    pub fn show(&self) -> Markup {
        self.made("")
    }
    /// The form of one of several acts on the same page; ids of its boxes begin with its name.
    pub fn show_with(&self, how: &str) -> Markup {
        self.made(how)
    }

    fn made(&self, how: &str) -> Markup {
        let (role, at) = (format!("role{how}"), format!("at{how}"));
        html! {
            form .act method="post" action=(self.action) {
                (csrf(self.viewer))
                @if !how.is_empty() { input type="hidden" name="how" value=(how); }
                input type="hidden" name="revision" value=(self.revision);
                input type="hidden" name="key" value=(self.key);
                @for field in self.fields { (self.field(field, how)) }
                details open[self.values.get("at").is_some() || self.roles.len() > 1] {
                    summary { "Who and when" }
                    @if let [only] = self.roles.as_slice() {
                        input type="hidden" name="role" value=(only);
                    } @else {
                        p {
                            label for=(role) { "In the role of" }
                            select id=(role) name="role" {
                                @for role in &self.roles {
                                    option value=(role) selected[self.values.get("role") == Some(role.as_str())] { (human(role.as_str())) }
                                }
                            }
                        }
                    }
                    p {
                        label for=(at) { "When it happened" }
                        input id=(at) name="at" value=(self.values.get("at").unwrap_or_default()) maxlength="40" placeholder="2024-04-15T12:00:00-05:00" autocomplete="off" aria-describedby={ (at) "-hint" };
                        span id={ (at) "-hint" } .hint { "with the offset of the place; empty = now" }
                    }
                }
                p .buttons {
                    @if self.is_tried {
                        button .go type="submit" name="do" value="record" { (self.title) ": record it" }
                        " "
                        button type="submit" name="do" value="try" { "Show again what it would change" }
                    } @else {
                        button .go type="submit" name="do" value="try" { "Show what it would change" }
                    }
                    @if self.was_sent {
                        " "
                        button type="submit" name="do" value="ask" { "Ask a second person" }
                        span .hint { "Where a rule wants two people: it is recorded when somebody else approves it." }
                    }
                }
            }
        }
    }

    fn field(&self, field: &Field, how: &str) -> Markup {
        let id = format!("f{how}-{}", field.name.replace('.', "-"));
        let hint = format!("{id}-hint");
        let value = self.values.get(field.name).unwrap_or_default();
        let described = (!field.hint.is_empty()).then_some(hint.as_str());
        html! {
            p {
                label for=(id) { (field.label) @if !field.required { span .soft { " (optional)" } } }
                @match field.input {
                    Input::Text => textarea id=(id) name=(field.name) rows="3" maxlength="20000" required[field.required] aria-describedby=[described] { (value) },
                    Input::Choice(words) => {
                        select id=(id) name=(field.name) required[field.required] aria-describedby=[described] {
                            option value="" selected[value.is_empty()] { @if field.required { "choose" } @else { "not said" } }
                            @for word in words { option value=(word) selected[*word == value] { (human(word)) } }
                        }
                    }
                    Input::YesNo => {
                        select id=(id) name=(field.name) aria-describedby=[described] {
                            @for (word, text) in [("", "not said"), ("yes", "yes"), ("no", "no")] {
                                option value=(word) selected[word == value] { (text) }
                            }
                        }
                    }
                    Input::Tick => input type="checkbox" id=(id) name=(field.name) value="yes" checked[!value.is_empty()] aria-describedby=[described];,
                    _ => {
                        input id=(id) name=(field.name) value=(value) required[field.required] maxlength="2000" autocomplete="off"
                            inputmode=[(field.input == Input::Money).then_some("decimal")] aria-describedby=[described];
                        @if let (Input::Money, Some(currency)) = (field.input, self.currency) { span .unit { " " (currency.as_str()) } }
                    }
                }
                @if !field.hint.is_empty() { span .hint id=(hint) { (field.hint) } }
            }
        }
    }
}

/// What was typed, as text and as what it means.
#[derive(Debug)]
pub struct Command {
    /// The command as a program would send it, without who says it.
    pub text: String,
    /// The same, with who says it.
    pub proposal: Proposal,
}

/// What was typed into an act's form, as a command. The actor is who is logged in, whatever else was sent.
///
/// # Errors
/// What cannot be read, with a hint; a role that the viewer does not hold, or that may not say this.
pub fn proposal(
    viewer: &Viewer,
    act: &Act,
    form: &Query,
    stream: &Stream,
    currency: Option<Currency>,
    now: When,
) -> Result<Command> {
    let mut payload = Map::new();
    for field in act.fields {
        if let Some(value) = read(field, form, currency)? {
            put(&mut payload, field.name, value);
        }
    }
    command(
        viewer,
        act.kind.as_str(),
        payload,
        &super::acts::roles_of(&viewer.roles, act.kind),
        form,
        stream,
        now,
    )
}

/// A payload with who and when around it, through the gate that every command goes through.
///
/// # Errors
/// As [`proposal`].
pub fn command(
    viewer: &Viewer,
    kind: &str,
    payload: Map<String, Value>,
    may: &[&Code],
    form: &Query,
    stream: &Stream,
    now: When,
) -> Result<Command> {
    let role = match (form.get("role"), may.first()) {
        (None, Some(first)) => (*first).clone(),
        (Some(asked), _) if may.iter().any(|role| role.as_str() == asked) => Code::new(asked).map_err(bad)?,
        (asked, _) => {
            let role = asked.unwrap_or("anybody without a role");
            let text = format!("{} may not record {} as {role}", viewer.actor, human(kind));
            return Err(Error::new(ErrorKind::Forbidden, "role_may_not_do_this", text)
                .hint("an admin grants roles; claims sod --rules says which role may do what"));
        }
    };
    let mut command = json!({ "stream": stream.to_string(), "kind": kind, "payload": payload });
    if let Value::Object(fields) = &mut command {
        fields.insert("expected_revision".into(), form.number("revision").map_or(Value::Null, Value::from));
        for (name, asked) in [("effective_at", "at"), ("external_id", "key")] {
            if let Some(text) = form.get(asked) {
                fields.insert(name.into(), text.into());
            }
        }
        fields.retain(|_, value| !value.is_null());
    }
    let text = command.to_string();
    let defaults = Defaults {
        actor: viewer.actor.clone(),
        role,
        source: SourceId::new(SOURCE).map_err(bad)?,
        effective: now,
    };
    let proposal = parse(text.as_bytes(), &defaults, &|_| false)?;
    Ok(Command { text, proposal })
}

fn bad(why: replay::ids::BadText) -> Error {
    Error::unreadable("bad_text", why.to_string())
}

/// Puts a value at a path of objects.
fn put(payload: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => {
            payload.insert(path.into(), value);
        }
        Some((first, rest)) => {
            let inner = payload.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// One answer as a value; `None` = nothing was said.
///
/// # Errors
/// What cannot be read as such a field.
pub fn read(field: &Field, form: &Query, currency: Option<Currency>) -> Result<Option<Value>> {
    let Some(text) = form.get(field.name) else {
        if field.required {
            let text = format!("{} is empty", field.label);
            return Err(Error::unreadable("missing_field", text).hint("it has to be said"));
        }
        return Ok(None);
    };
    let list = || text.split(',').map(str::trim).filter(|word| !word.is_empty());
    Ok(Some(match field.input {
        Input::Word | Input::Choice(_) => text.into(),
        // A browser ends lines with two characters.
        Input::Text => text.replace("\r\n", "\n").into(),
        Input::YesNo | Input::Tick => (text == "yes").into(),
        Input::Units | Input::Words => list().map(Value::from).collect::<Vec<_>>().into(),
        Input::Kinds => list().map(|kind| json!({ "kind": kind })).collect::<Vec<_>>().into(),
        Input::Number => match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => {
                return Err(Error::unreadable(
                    "not_a_number",
                    format!("{}: {text} is no whole number", field.label),
                ));
            }
        },
        Input::Money => amount(field.label, text, currency)?,
    }))
}

fn amount(label: &str, text: &str, currency: Option<Currency>) -> Result<Value> {
    let (number, named) =
        text.split_once(' ').map_or((text, None), |(number, named)| (number, Some(named.trim())));
    let currency = match named {
        Some(named) => Some(
            Currency::parse(named).map_err(|why| Error::unreadable("unknown_currency", why.to_string()))?,
        ),
        None => currency,
    };
    let Some(currency) = currency else {
        return Err(Error::unreadable("no_currency", format!("{label}: {text} has no currency"))
            .hint("write it as 25.00 USD"));
    };
    let amount = Amount::parse(number, currency)
        .map_err(|why| Error::unreadable("not_an_amount", format!("{label}: {why}")).hint(why.hint()))?;
    Ok(json!({ "minor": amount.minor(), "currency": currency.as_str() }))
}
