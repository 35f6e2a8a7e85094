//! What happened, with both times, the actor and the source of each event.

use maud::{Markup, html};
use replay::{books::RefusalRow, event::Kind, time::When};

use super::{PANEL_ROWS, Seen, TIMELINE_ROWS};
use crate::{
    packet::words,
    view::Entry,
    web::layout::{at, badge, claim_at, human, pager, theirs, time, title},
};

const MINUTE_MICROS: i64 = 60 * 1_000_000;

impl Seen<'_> {
    /// The timeline: its last page unless another one is asked for.
    pub(super) fn timeline(&self, refused: &[RefusalRow]) -> Markup {
        let total = self.entries.len();
        let last_page = total.saturating_sub(TIMELINE_ROWS);
        let from = self.query.number("from").and_then(|from| usize::try_from(from).ok()).unwrap_or(last_page);
        let from = from.min(last_page);
        let shown: Vec<&Entry> = self.entries.iter().skip(from).take(TIMELINE_ROWS).collect();
        let number = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let kept: Vec<(&str, &str)> = ["as_of", "known_at", "effective_at"]
            .into_iter()
            .filter_map(|name| Some((name, self.query.get(name)?)))
            .collect();
        html! {
            section #timeline {
                h2 { "What happened" }
                (pager(&claim_at(self.id.as_str()), &kept, number(from), number(shown.len()), number(total)))
                ol .events {
                    @for entry in shown { (line(entry)) }
                }
                @if !refused.is_empty() {
                    details {
                        summary { "Refused acts: " (refused.len()) }
                        ul {
                            @for row in refused.iter().rev().take(PANEL_ROWS) {
                                li { (human(&row.kind)) ": " (theirs(&row.message)) " (" (human(&row.reason)) ") " (at(row.position)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// One event.
pub fn line(entry: &Entry) -> Markup {
    let says = entry.kind.parse::<Kind>().map(|kind| words::says(kind, &entry.payload)).unwrap_or_default();
    // Both times are told where they differ by more than the minute that recording takes.
    let minutes = |text: &str| When::parse(text).map_or(0, |when| when.at.micros() / MINUTE_MICROS);
    let (happened, learned) = (minutes(&entry.effective_at), minutes(&entry.recorded_at));
    html! {
        li class=(entry.standing) {
            div .when {
                (at(entry.position)) " " (time(&entry.effective_at))
                @if happened != learned { span .who { "recorded " (time(&entry.recorded_at)) } }
            }
            div .what {
                p {
                    strong { (title(&entry.kind)) }
                    @if entry.stream.starts_with("order/") { " " span .soft { "(order)" } }
                    @if entry.standing != "stands" { " " (badge("wait", entry.standing)) }
                    @if !says.is_empty() { ": " (theirs(&says)) }
                }
                p .who {
                    bdi { (entry.actor) } ", " (human(&entry.role)) @if let Some(approver) = &entry.approver { ", with " bdi { (approver) } }
                    ", by way of " bdi { (entry.source) }
                    @for gone in &entry.redacted { ", " (gone.path) " was erased on " (gone.on) }
                }
            }
        }
    }
}
