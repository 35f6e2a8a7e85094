//! What was known when: what the ledger learned late, what was corrected, what was taken back.

use replay::{event::Event, time::When};
use serde_json::Value;

use super::{
    Correction, Known, Late, Replaced, Reversal,
    gather::{Amendment, Gathered, text},
    words::{amount, human, moment, visible},
};

/// An event that was recorded more than so many hours after it happened is named as late.
pub const LATE_AFTER_HOURS: u64 = 24;
const HOUR_MICROS: u64 = 3_600_000_000;

pub(super) fn known(g: &Gathered) -> Known {
    let mut known = Known { late: Vec::new(), corrections: Vec::new(), reversals: Vec::new() };
    for (position, kind, _, happened) in g.events.values() {
        let Some(told) = g.timeline.iter().find(|told| told.position == *position) else { continue };
        // An amendment speaks of earlier things by its nature; and of the ledger itself nothing is late.
        if told.stream == "ledger" {
            continue;
        }
        let Ok(recorded) = When::parse(&told.recorded) else { continue };
        let lag = recorded.at.micros().saturating_sub(happened.at.micros());
        let hours = u64::try_from(lag).unwrap_or(0) / HOUR_MICROS;
        if hours > LATE_AFTER_HOURS {
            known.late.push(Late {
                position: *position,
                kind: human(kind.as_str()),
                happened: told.happened.clone(),
                recorded: told.recorded.clone(),
                hours,
            });
        }
    }
    known.late.sort_by_key(|late| late.position);
    let mut amendments: Vec<&Amendment> = g.amendments.iter().collect();
    amendments.sort_by_key(|a| a.recorded.envelope.position);
    // What a field was before the second correction is what the first one made of it.
    let mut now: Vec<(String, Value, Option<When>)> = Vec::new();
    for amendment in amendments {
        let e = &amendment.recorded.envelope;
        let reason_text = amendment.value.get("reason_text").and_then(text);
        match &amendment.recorded.event {
            Event::EventCorrected(c) => {
                let target = c.target.to_string();
                let Some((of_position, of_kind, was, happened)) = g.events.get(&target) else { continue };
                let at = match now.iter().position(|(id, ..)| *id == target) {
                    Some(at) => at,
                    None => {
                        now.push((target, was.clone(), Some(*happened)));
                        now.len().saturating_sub(1)
                    }
                };
                let Some((_, standing, time)) = now.get_mut(at) else { continue };
                let mut fields = Vec::new();
                for (name, right) in
                    amendment.value.get("set").and_then(Value::as_object).into_iter().flatten()
                {
                    let before = standing.get(name).map(short);
                    let after = (!right.is_null()).then(|| short(right));
                    fields.push(Replaced { field: human(name), was: before, became: after });
                    if let Value::Object(map) = standing {
                        map.insert(name.clone(), right.clone());
                    }
                }
                if let Some(right) = c.effective_at {
                    let before = time.replace(right).map(|w| moment(&w.to_string()));
                    let became = Some(moment(&right.to_string()));
                    fields.push(Replaced { field: "happened".into(), was: before, became });
                }
                known.corrections.push(Correction {
                    position: e.position.get(),
                    of_position: *of_position,
                    of_kind: human(of_kind.as_str()),
                    recorded: e.recorded_at.to_string(),
                    by: e.actor.to_string(),
                    approver: e.approver.as_ref().map(ToString::to_string),
                    reason: human(c.reason_code.as_str()),
                    reason_text,
                    fields,
                });
            }
            Event::EventReversed(r) => {
                let Some((of_position, of_kind, ..)) = g.events.get(&r.target.to_string()) else { continue };
                known.reversals.push(Reversal {
                    position: e.position.get(),
                    of_position: *of_position,
                    of_kind: human(of_kind.as_str()),
                    recorded: e.recorded_at.to_string(),
                    by: e.actor.to_string(),
                    approver: e.approver.as_ref().map(ToString::to_string),
                    reason: human(r.reason_code.as_str()),
                    reason_text,
                });
            }
            _ => {}
        }
    }
    known
}

/// A value in a few words.
fn short(value: &Value) -> String {
    if let Some(amount) = amount(value) {
        return amount;
    }
    if let Some(text) = text(value) {
        return text.text;
    }
    match value {
        Value::Array(items) if items.is_empty() => "none".into(),
        Value::Array(items) => items.iter().map(short).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, v)| format!("{} {}", human(name), short(v)))
            .collect::<Vec<_>>()
            .join(", "),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::Null => "none".into(),
        other => visible(&other.to_string()),
    }
}
