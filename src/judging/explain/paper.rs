//! An explanation on paper: plain text for a terminal, Markdown for a letter or a dispute file.

use super::{EventPart, Explanation, LinePart, Reason, RequirementPart, UnitPart};

/// Widest line of a wrapped paragraph.
const COLUMNS: usize = 96;

/// For a terminal; reads well without colour.
pub fn text(e: &Explanation) -> String {
    let mut t = String::new();
    let mut line = |text: &str| {
        t.push_str(text);
        t.push('\n');
    };
    line(&headline(e));
    line(&format!(
        "Judged under policy {} version {}, in force at the purchase on {}.",
        e.policy, e.policy_version, e.purchased_on
    ));
    for unit in &e.units {
        line("");
        line(&format!("{}  {}: {}  {}", unit.units, unit.status, unit.says, cites(&unit.cites)));
        line(&format!("  claimed as {}{}", unit.asserted, established(unit)));
        for window in &unit.windows {
            let mark = match window.state {
                "held" => "in time",
                "failed" => "too late",
                _ => "unknown",
            };
            line(&wrapped(
                "  ",
                &format!("{mark}: {}  {}{}", window.text, cites(&window.cites), events(&window.events)),
            ));
        }
        for row in shown(unit) {
            line(&wrapped("  ", &requirement(row)));
        }
    }
    if !e.lines.is_empty() {
        line("\nThe refund");
        let wide = e.lines.iter().map(|l| l.amount.len()).max().unwrap_or(0);
        for l in &e.lines {
            line(&format!("  {:<26} {:>wide$}  {}", title(l), l.amount, cites(&l.cites)));
            line(&wrapped("      ", &format!("{}{}", l.formula, events(&l.events))));
        }
        line(&format!(
            "  {:<26} {:>wide$}  to {} {}",
            "payable",
            e.payable,
            e.payout,
            cites(&e.payout_cites)
        ));
    }
    if !e.charges.is_empty() {
        line("\nThe customer owes");
        for c in &e.charges {
            line(&format!("  {:<26} {}  {}{}", c.what, c.amount, cites(&c.cites), events(&c.events)));
        }
    }
    for (head, list) in [("Why not more", &e.why_not_more), ("Why not less", &e.why_not_less)] {
        if !list.is_empty() {
            line(&format!("\n{head}"));
            for r in list {
                line(&wrapped("  ", &reason(r)));
            }
        }
    }
    line(&format!(
        "\nShipping to the merchant: {}; back to the customer: {}",
        payer(&e.inbound_shipping),
        payer(&e.return_leg_shipping)
    ));
    if !e.prospects.is_empty() {
        line("\nWhat a missing fact would change");
        for p in &e.prospects {
            line(&wrapped(
                "  ",
                &format!("if {}: {}, {} payable  {}", p.if_, p.status, p.payable, cites(&p.cites)),
            ));
        }
    }
    line("\nClauses");
    for c in &e.clauses {
        line(&wrapped("  ", &format!("{}  {}", c.id, c.paraphrase)));
    }
    t
}

/// For a letter, a dispute file or a page.
pub fn markdown(e: &Explanation) -> String {
    let mut t = format!("# Claim {}\n\n{}\n\n", e.claim, headline(e));
    t.push_str(&format!(
        "Policy {} version {} governs: it was in force at the purchase on {}.\n",
        e.policy, e.policy_version, e.purchased_on
    ));
    for unit in &e.units {
        t.push_str(&format!(
            "\n## {}: {}\n\n{} {}. Claimed as {}{}.\n\n",
            unit.units,
            unit.status,
            sentence(&unit.says),
            cites(&unit.cites),
            unit.asserted,
            established(unit)
        ));
        for w in &unit.windows {
            t.push_str(&format!("- {} ({}) {}{}\n", w.text, w.state, cites(&w.cites), events(&w.events)));
        }
        for row in shown(unit) {
            t.push_str(&format!("- {}\n", requirement(row)));
        }
    }
    if !e.lines.is_empty() {
        t.push_str("\n## The refund\n\n| line | amount | how | clauses |\n|---|---:|---|---|\n");
        for l in &e.lines {
            let how = format!("{}{}", l.formula, events(&l.events));
            t.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                title(l),
                l.amount,
                cell(&how),
                l.cites.join(", ")
            ));
        }
        t.push_str(&format!(
            "| **payable** | **{}** | to {} | {} |\n",
            e.payable,
            e.payout,
            e.payout_cites.join(", ")
        ));
    }
    if !e.charges.is_empty() {
        t.push_str("\n## The customer owes\n\n");
        for c in &e.charges {
            t.push_str(&format!("- {}: {} {}{}\n", c.what, c.amount, cites(&c.cites), events(&c.events)));
        }
    }
    for (head, list) in [("Why not more", &e.why_not_more), ("Why not less", &e.why_not_less)] {
        if !list.is_empty() {
            t.push_str(&format!("\n## {head}\n\n"));
            for r in list {
                t.push_str(&format!("- {}\n", reason(r)));
            }
        }
    }
    if !e.prospects.is_empty() {
        t.push_str("\n## What a missing fact would change\n\n| if | status | payable | clauses |\n|---|---|---:|---|\n");
        for p in &e.prospects {
            t.push_str(&format!(
                "| {} | {} | {} | {} |\n",
                cell(&p.if_),
                p.status,
                p.payable,
                p.cites.join(", ")
            ));
        }
    }
    t.push_str("\n## Clauses\n\n");
    for c in &e.clauses {
        t.push_str(&format!("- **{}** {}\n", c.id, c.paraphrase));
    }
    t
}

pub(crate) fn headline(e: &Explanation) -> String {
    let open = match e.open_minor {
        0 => "nothing is open".to_string(),
        open if open < 0 && e.charged_back_minor > 0 => {
            format!("{} went out beyond it, with what the bank took back", minor(open.unsigned_abs(), e))
        }
        open if open < 0 => {
            format!("{} was paid beyond it, which no clause takes back", minor(open.unsigned_abs(), e))
        }
        open => format!("{} is open", minor(open.unsigned_abs(), e)),
    };
    let bank = match e.charged_back_minor {
        0 => String::new(),
        _ => format!(", charged back {}", e.charged_back),
    };
    format!(
        "Claim {} on order {}: {}. Payable {}, paid {}{bank}; {open}.",
        e.claim, e.order, e.status, e.payable, e.refunded
    )
}

fn minor(minor: u64, e: &Explanation) -> String {
    replay::money::Amount::new(minor, e.currency).map_or_else(|_| minor.to_string(), |a| a.to_string())
}

pub(crate) fn established(unit: &UnitPart) -> String {
    let event = &unit.basis_event;
    let basis = if unit.basis == unit.asserted {
        String::new()
    } else {
        format!(", established as {} ({} {})", unit.basis, event.kind, event.position)
    };
    let chosen = match (&unit.remedy, &unit.chosen_by) {
        (Some(remedy), Some(event)) => format!("; {remedy} was chosen ({} {})", event.kind, event.position),
        (Some(remedy), None) if unit.allowed.len() > 1 => {
            format!("; nobody has chosen yet: {remedy} is the first of {}", unit.allowed.join(", "))
        }
        _ => String::new(),
    };
    let variant = unit.variant.as_ref().map(|v| format!(", {v}")).unwrap_or_default();
    format!("{basis}{chosen}{variant}")
}

/// Requirements that led to where the unit stands; everything else is left to `--json`.
pub(crate) fn shown(unit: &UnitPart) -> impl Iterator<Item = &RequirementPart> {
    let ahead = unit.status == "authorizable";
    unit.requirements.iter().filter(move |r| match r.outcome {
        "holds" | "noted" => false,
        "asked when the goods are in" => ahead,
        _ => true,
    })
}

pub(crate) fn requirement(row: &RequirementPart) -> String {
    let facts: Vec<String> = row
        .facts
        .iter()
        .map(|f| {
            let value = f.value.as_deref().unwrap_or("not known");
            let event = f.event.as_ref().map(|e| format!(", {} {}", e.kind, e.position)).unwrap_or_default();
            format!("{} = {value}{event}", f.fact)
        })
        .collect();
    let decided =
        row.decided_by.as_ref().map(|e| format!(" ({} {})", e.kind, e.position)).unwrap_or_default();
    format!("{}{decided}: {}  {} [{}]", row.outcome, row.says, cites(&row.cites), facts.join("; "))
}

fn reason(r: &Reason) -> String {
    let event = r.event.as_ref().map(|e| format!(" [{} {}]", e.kind, e.position)).unwrap_or_default();
    format!("{}  {}{event}", r.text, cites(&r.cites))
}

fn payer(r: &Reason) -> String {
    format!("{} {}", r.text.replace('_', " "), cites(&r.cites))
}

pub(crate) fn title(l: &LinePart) -> String {
    l.order_line.as_ref().map_or_else(|| l.line.clone(), |of| format!("{} {of}", l.line))
}

fn cites(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!("({})", ids.join(", ")) }
}

fn events(events: &[EventPart]) -> String {
    let names: Vec<String> = events.iter().map(|e| format!("{} {}", e.kind, e.position)).collect();
    if names.is_empty() { String::new() } else { format!(" [{}]", names.join(", ")) }
}

pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A pipe would end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A paragraph with a hanging indent.
fn wrapped(indent: &str, text: &str) -> String {
    let mut lines = Vec::new();
    let mut line = indent.to_string();
    let mut empty = true;
    for word in text.split(' ').filter(|w| !w.is_empty()) {
        if !empty && line.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(std::mem::replace(&mut line, format!("{indent}    ")));
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(word);
        empty = false;
    }
    lines.push(line);
    lines.join("\n")
}
