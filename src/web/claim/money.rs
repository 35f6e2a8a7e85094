//! The refund as a waterfall: each line with its bar, clause, formula and facts; why not more, why not less.

use maud::{Markup, html};

use super::{PANEL_ROWS, Seen, events};
use crate::{
    judging::explain::{self, Explanation, LinePart, Reason, UnitPart},
    web::{
        layout::{human, table, theirs, title},
        svg,
    },
};

impl Seen<'_> {
    /// The amount and the reasons for it.
    pub(super) fn refund(&self) -> Markup {
        let Some(e) = &self.explained else { return html! {} };
        html! {
            section #refund {
                h2 { "The refund" }
                @for unit in e.units.iter().take(PANEL_ROWS) { (self.unit(unit)) }
                @if e.units.len() > PANEL_ROWS { p .soft { "and " (e.units.len() - PANEL_ROWS) " more runs of units in the answer for programs" } }
                @if e.lines.is_empty() { p .note { "No money is due under the policy as the facts stand." } }
                @else { (self.waterfall(e)) }
                @if !e.charges.is_empty() {
                    h3 { "The customer owes" }
                    ul { @for c in e.charges.iter().take(PANEL_ROWS) { li { (human(&c.what)) ": " (c.amount) " (" (self.cites(&c.cites)) ")" (events(&c.events)) } } }
                }
                (self.reasons("Why not more", &e.why_not_more))
                (self.reasons("Why not less", &e.why_not_less))
                @if !e.prospects.is_empty() {
                    (table("What a missing fact would change", &["if", "then", "under", "payable>"], &html! {
                        @for p in e.prospects.iter().take(PANEL_ROWS) { tr { td { (theirs(&p.if_)) } td { (human(&p.status)) } td { (self.cites(&p.cites)) } td .n { (p.payable) } } }
                    }))
                }
            }
        }
    }

    fn waterfall(&self, e: &Explanation) -> Markup {
        // Each line begins where the one before it ended.
        let mut sum = 0i64;
        let mut ends: Vec<(i64, i64)> = Vec::new();
        for line in &e.lines {
            let from = sum;
            sum = sum.saturating_add(line.minor);
            ends.push((from, sum));
        }
        let most = ends.iter().flat_map(|(a, b)| [*a, *b]).max().unwrap_or(0).max(1);
        let least = ends.iter().flat_map(|(a, b)| [*a, *b]).min().unwrap_or(0).min(0);
        let rows: Vec<(&LinePart, (i64, i64))> = e.lines.iter().zip(ends).collect();
        html! {
            (table("The refund, line by line", &["line", "from zero to payable", "amount>", "how, and under which clause"], &html! {
                @for (line, (from, to)) in rows.iter().take(PANEL_ROWS) {
                    tr {
                        th scope="row" { (title(&explain::title(line))) }
                        td .picture { (svg::span(least, most, *from, *to)) }
                        td .n { (line.amount) }
                        td { (theirs(&line.formula)) " (" (self.cites(&line.cites)) ")" (events(&line.events)) }
                    }
                }
                @if rows.len() > PANEL_ROWS { tr { td colspan="4" .soft { "and " (rows.len() - PANEL_ROWS) " more lines in the answer for programs" } } }
                tr .sum {
                    th scope="row" { "Payable" }
                    td .picture { (svg::span(least, most, 0, sum)) }
                    td .n { strong { (e.payable) } }
                    td { "to " (human(&e.payout)) @if e.payout_waits { ", once the goods are in" } " (" (self.cites(&e.payout_cites)) ")" }
                }
            }))
        }
    }

    fn unit(&self, unit: &UnitPart) -> Markup {
        html! {
            h3 { bdi { (unit.units) } ": " (human(&unit.status)) }
            p {
                (theirs(&explain::sentence(&unit.says)))
                @if !unit.cites.is_empty() { " (" (self.cites(&unit.cites)) ")" }
                ". Claimed as " (human(&unit.asserted)) (theirs(&explain::established(unit))) "."
            }
            ul {
                @for w in &unit.windows {
                    li { @match w.state { "held" => "in time: ", "failed" => "too late: ", _ => "unknown: " } (theirs(&w.text)) " (" (self.cites(&w.cites)) ")" (events(&w.events)) }
                }
                @for row in explain::shown(unit) {
                    li {
                        (row.outcome) ": " (theirs(&row.says)) " (" (self.cites(&row.cites)) ")"
                        @for fact in &row.facts {
                            span .who { (fact.fact) " = " (theirs(fact.value.as_deref().unwrap_or("not known"))) @if let Some(event) = &fact.event { (events(std::slice::from_ref(event))) } }
                        }
                    }
                }
            }
        }
    }

    fn reasons(&self, title: &str, list: &[Reason]) -> Markup {
        html! {
            @if !list.is_empty() {
                h3 { (title) }
                ul {
                    @for r in list.iter().take(PANEL_ROWS) {
                        li { (theirs(&human(&r.text))) @if !r.cites.is_empty() { " (" (self.cites(&r.cites)) ")" } @if let Some(event) = &r.event { (events(std::slice::from_ref(event))) } }
                    }
                }
            }
        }
    }
}
