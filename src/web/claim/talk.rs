//! What was said: messages with their channel, notes among colleagues, notices to the customer.

use maud::{Markup, html};
use serde_json::Value;

use super::{PANEL_ROWS, Seen};
use crate::{
    view::Entry,
    web::layout::{at, human, theirs, time},
};

/// Longest text that the panel shows of one message, in characters; the event's page shows all of it.
const SHOWN_CHARS: usize = 1_200;

impl Seen<'_> {
    /// Messages, notes and notices, the last ones first.
    pub(super) fn talk(&self) -> Markup {
        let said: Vec<&Entry> = self.entries.iter().rev().filter(|entry| is_talk(entry)).collect();
        html! {
            section #talk {
                h2 { "What was said" }
                @if said.is_empty() { p .note { "Nothing is on record." } }
                @for entry in said.iter().take(PANEL_ROWS / 3) { (self.message(entry)) }
                @if said.len() > PANEL_ROWS / 3 { p .soft { "and " (said.len() - PANEL_ROWS / 3) " earlier ones in the timeline" } }
            }
        }
    }

    fn message(&self, entry: &Entry) -> Markup {
        let word =
            |name: &str| entry.payload.get(name).and_then(Value::as_str).map(human).unwrap_or_default();
        let how = match entry.kind.as_str() {
            "note_added" => "note among colleagues".to_owned(),
            "notice_sent" => format!("told the customer about {}", word("about")),
            "claim_opened" => format!("the {} opened the claim", word("by")),
            "dispute_opened" => format!("the {} contests it", word("by")),
            _ => word("direction"),
        };
        let channel = [word("channel"), word("via")].into_iter().find(|word| !word.is_empty());
        html! {
            article .said {
                p .who {
                    time datetime=(entry.effective_at) { (time(&entry.effective_at)) } ", " bdi { (entry.actor) } ", " (how)
                    @if let Some(channel) = channel { ", by " (channel) }
                    " " (at(entry.position))
                }
                @match entry.payload.get("text") {
                    Some(Value::String(text)) => blockquote .words { (theirs(&cut(text))) },
                    Some(_) if self.viewer.reads_clear() => p .gone { "The text is not in this ledger file." },
                    Some(_) => p .gone { "The text is for agents, approvers and admins." },
                    None => {}
                }
            }
        }
    }
}

fn is_talk(entry: &Entry) -> bool {
    match entry.kind.as_str() {
        "contact_logged" | "note_added" | "notice_sent" => true,
        "claim_opened" | "dispute_opened" => entry.payload.get("text").is_some(),
        _ => false,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{} …", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
