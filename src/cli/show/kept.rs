//! What became of the personal values of a claim or order, in words.

use super::section;
use crate::answers::kept::{Erased, Held, Kept};

/// Holds and redactions, for people.
pub fn text(kept: &Kept) -> String {
    let mut text = String::new();
    let hold = |held: &Held| {
        let until = held.released.as_ref().map(|day| format!(", released {day}")).unwrap_or_default();
        format!("{}: {}, since {}{until}", held.hold, held.reason, held.since)
    };
    section(&mut text, "Legal holds", kept.holds().iter().map(hold));
    let erased = |e: &Erased| {
        let r = &e.redacted;
        format!("{} of {} at position {}: [redacted {}, {}]", r.path, e.kind, e.event_position, r.on, r.basis)
    };
    section(&mut text, "Personal values", kept.redacted().iter().map(erased));
    text
}
