//! Windows and clocks on a calendar strip: from when to when, and whether in time.

use maud::{Markup, html};
use replay::{
    judge::{Clock, ClockState},
    time::{Day, When},
};

use super::{PANEL_ROWS, Seen};
use crate::{
    judging::{due_text, next::clock_word},
    web::{
        layout::{badge, human, minute, table},
        svg::{Stretch, stretch},
    },
};

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// A row of the strip before it is drawn.
struct Row {
    name: String,
    stretch: Stretch,
    until: Markup,
    word: String,
    cites: Vec<String>,
}

impl Seen<'_> {
    /// The strip, from the first beginning to the last end.
    pub(super) fn strip(&self) -> Markup {
        let mut rows = self.windows();
        if let Some(judged) = &self.judged {
            let at = self.cut.effective_at.unwrap_or(self.now.at);
            rows.extend(judged.clocks.iter().filter_map(|clock| {
                let sla = judged.policy.slas.get(clock.sla)?;
                let cites = judged.policy.ids(&sla.cites).iter().map(ToString::to_string).collect();
                let name = clock.refund.as_ref().map_or_else(
                    || human(sla.id.as_str()),
                    |of| format!("{} of {of}", human(sla.id.as_str())),
                );
                Some(clock_row(clock, name, cites, clock.state(at)))
            }));
        }
        if rows.is_empty() {
            return html! {};
        }
        rows.truncate(PANEL_ROWS);
        let now = self.now.at.micros();
        let begins = rows.iter().map(|row| row.stretch.from).min().unwrap_or(now);
        let end = |row: &Row| [row.stretch.to, row.stretch.done].into_iter().flatten().max();
        let ends = rows.iter().filter_map(end).max().unwrap_or(begins);
        // The present is on the strip while it is near; a claim of long ago has its own time.
        let near = now.saturating_sub(ends) < 30 * DAY_MICROS;
        let (first, last) =
            (begins - DAY_MICROS, if near { ends.max(now) + DAY_MICROS } else { ends + DAY_MICROS });
        html! {
            section #strip {
                h2 { "Windows and clocks" }
                p .soft {
                    "From " (day_of(first)) " to " (day_of(last)) "."
                    @if near { " The line is now." }
                    " A block marks when it was done."
                }
                (table("When each began and ends", &["what", "when", "until", "how it stands"], &html! {
                    @for row in &rows {
                        tr {
                            th scope="row" { (row.name) @if !row.cites.is_empty() { span .who { (self.cites(&row.cites)) } } }
                            td .picture { (stretch(first, last, if near { now } else { last + DAY_MICROS }, row.stretch)) }
                            td { (row.until) }
                            td { (badge(row.stretch.tone, &row.word)) }
                        }
                    }
                }))
            }
        }
    }

    fn windows(&self) -> Vec<Row> {
        let Some(e) = &self.explained else { return Vec::new() };
        let mut rows: Vec<Row> = Vec::new();
        for unit in &e.units {
            for window in &unit.windows {
                let Some(last) = window.last_day else { continue };
                let happened = |position: u64| {
                    let entry = self.entries.iter().find(|entry| entry.position == position)?;
                    When::parse(&entry.effective_at).ok()
                };
                let times: Vec<When> =
                    window.events.iter().filter_map(|event| happened(event.position)).collect();
                let Some(from) = times.iter().map(|when| when.at.micros()).min() else { continue };
                let to = end_of(last, times.first().map_or(0, |when| when.offset_minutes));
                let (tone, word) = match window.state {
                    "held" => ("good", "in time"),
                    "failed" => ("bad", "too late"),
                    _ => ("wait", "unknown"),
                };
                let done =
                    (times.len() > 1).then(|| times.iter().map(|when| when.at.micros()).max()).flatten();
                let row = Row {
                    name: format!("{}, {}", human(&window.window), unit.units),
                    stretch: Stretch { from, to: Some(to), done, tone },
                    until: html! { (last) },
                    word: word.into(),
                    cites: window.cites.clone(),
                };
                rows.push(row);
            }
        }
        rows
    }
}

fn clock_row(clock: &Clock, name: String, cites: Vec<String>, state: ClockState) -> Row {
    let offset = clock.from.value.offset_minutes;
    let tone = match state {
        ClockState::Met => "good",
        ClockState::MetLate | ClockState::Late => "bad",
        ClockState::Running | ClockState::Open => "wait",
    };
    let due = due_text(&clock.due);
    Row {
        name,
        stretch: Stretch {
            from: clock.from.value.at.micros(),
            to: clock.due.ends(offset).map(|end| end.micros()),
            done: clock.met.map(|met| met.value.at.micros()),
            tone,
        },
        until: html! { @match When::parse(due.as_deref().unwrap_or_default()) { Ok(when) => (minute(when)), Err(_) => (due.unwrap_or_else(|| "no figure".into())) } },
        word: clock_word(state).into(),
        cites,
    }
}

/// The end of a local day, in microseconds.
fn end_of(day: Day, offset_minutes: i16) -> i64 {
    day.at_minute(24 * 60, offset_minutes).map_or(i64::MAX / 2, |at| at.micros())
}

fn day_of(micros: i64) -> String {
    let at = replay::time::Instant::from_micros(micros.max(0)).unwrap_or(replay::time::Instant::EPOCH);
    When { at, offset_minutes: 0 }.local_day().to_string()
}
