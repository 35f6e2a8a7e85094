//! What changes what was told before: corrections in the words of this format, and further versions of a policy.

use replay::{
    canonical,
    event::{Event, PolicyPublished},
    ids::EventId,
    merkle::sha256,
    time::When,
};
use serde_json::{Map, Value, json};

use super::{happening, tell::Told};
use crate::error::{Error, ErrorKind, Result};

/// What has to go on record so that the log says what a corrected story says.
#[derive(Debug, Clone)]
pub enum Change {
    /// Fields of an event are others, or it happened at another time.
    Corrected {
        /// The event.
        target: EventId,
        /// Field of its payload -> right value.
        set: Map<String, Value>,
        /// When it really happened, if that was wrong.
        effective_at: Option<When>,
    },
    /// The event did not occur.
    Reversed(EventId),
    /// An event that had not been told.
    Added(Told),
}

/// Compares what is on record of a happening with what a corrected happening would have put there.
///
/// # Errors
/// A correction that changes nothing.
pub fn changes(old: &[(EventId, Told)], new: Vec<Told>) -> Result<Vec<Change>> {
    let mut new: Vec<Option<Told>> = new.into_iter().map(Some).collect();
    let mut changes = Vec::new();
    for (target, old) in old {
        let same_kind = |told: &&mut Option<Told>| {
            told.as_ref().is_some_and(|told| told.event.kind() == old.event.kind())
        };
        match new.iter_mut().find(same_kind).and_then(Option::take) {
            None => changes.push(Change::Reversed(*target)),
            Some(right) => {
                let set = difference(&fields(&old.event)?, &fields(&right.event)?);
                let effective_at = (right.effective != old.effective).then_some(right.effective);
                if !set.is_empty() || effective_at.is_some() {
                    changes.push(Change::Corrected { target: *target, set, effective_at });
                }
            }
        }
    }
    changes.extend(new.into_iter().flatten().map(Change::Added));
    if changes.is_empty() {
        return Err(Error::unreadable("correction_changes_nothing", "set: the event says this already")
            .hint("name the fields that were wrong, with their right values"));
    }
    Ok(changes)
}

fn fields(event: &Event) -> Result<Map<String, Value>> {
    match event.to_value() {
        Ok(Value::Object(fields)) => Ok(fields),
        other => Err(Error::new(ErrorKind::Internal, "no_payload", format!("{other:?}"))),
    }
}

/// Field -> right value; `null` takes a field out.
fn difference(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let changed = new.iter().filter(|(name, value)| old.get(*name) != Some(value));
    let gone = old.keys().filter(|name| !new.contains_key(*name)).map(|name| (name.clone(), Value::Null));
    changed.map(|(name, value)| (name.clone(), value.clone())).chain(gone).collect()
}

/// A policy as its first version, which is what a story begins with.
///
/// # Errors
/// A body that has no canonical form.
pub fn first_version(policy: &PolicyPublished) -> Result<PolicyPublished> {
    if policy.version == 1 {
        return Ok(policy.clone());
    }
    sealed(PolicyPublished { version: 1, supersedes: None, ..policy.clone() })
}

/// The version that follows, with the fields at dotted paths changed.
///
/// # Errors
/// Another policy, a path that leads nowhere, and a body that has no canonical form.
pub fn next_version(before: &PolicyPublished, told: &happening::PolicyPublished) -> Result<PolicyPublished> {
    if let Some(other) = told.policy.as_ref().filter(|policy| **policy != before.policy) {
        return Err(Error::unreadable(
            "another_policy",
            format!("policy: the order is governed by {}", before.policy),
        )
        .hint(format!("leave the field out, or write a scenario of its own for {other}")));
    }
    let mut body = before.body.clone();
    for (path, value) in &told.set {
        put(&mut body, path, value)?;
    }
    sealed(PolicyPublished {
        version: told.version.unwrap_or(before.version.saturating_add(1)),
        effective_from: told.effective_from.unwrap_or(before.effective_from),
        supersedes: Some(before.version),
        body,
        ..before.clone()
    })
}

/// What the event says beside the body stands in the body as well, and the hash is that of the body.
fn sealed(mut policy: PolicyPublished) -> Result<PolicyPublished> {
    if let Some(Value::Object(head)) = policy.body.get_mut("policy") {
        head.insert("version".into(), json!(policy.version));
        head.insert("effective_from".into(), json!(policy.effective_from));
    }
    let bytes = canonical::to_bytes(&policy.body)
        .map_err(|why| Error::unreadable("not_canonical", why.to_string()).hint("check the values of set"))?;
    policy.sha256 = sha256(&bytes);
    Ok(policy)
}

/// Sets the field at a path such as `windows.year1.any.0.within`; numbers count the rows of a list from 0. A field
/// may be new in its row, `null` takes it out, and everything above it has to be there.
fn put(body: &mut Value, path: &str, value: &Value) -> Result<()> {
    let nowhere = |step: &str| {
        Error::unreadable("path_leads_nowhere", format!("set: there is no '{step}' in {path}"))
            .hint("claims policy show prints the policy; rows of a list are counted from 0")
    };
    let (parents, field) = path.rsplit_once('.').unwrap_or(("", path));
    let mut at = body;
    for step in parents.split('.').filter(|step| !step.is_empty()) {
        at = match at {
            Value::Object(fields) => fields.get_mut(step),
            Value::Array(rows) => step.parse::<usize>().ok().and_then(|row| rows.get_mut(row)),
            _ => None,
        }
        .ok_or_else(|| nowhere(step))?;
    }
    match at {
        Value::Object(fields) if value.is_null() => fields.remove(field).map(|_| ()),
        Value::Object(fields) => {
            fields.insert(field.into(), value.clone());
            Some(())
        }
        Value::Array(rows) => {
            field.parse::<usize>().ok().and_then(|row| rows.get_mut(row)).map(|row| *row = value.clone())
        }
        _ => None,
    }
    .ok_or_else(|| nowhere(field))
}
