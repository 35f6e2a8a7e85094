//! The packet as Markdown, for a letter. Texts of others are escaped: nothing in them becomes markup.

use std::fmt::Write as _;

use super::{
    Packet, State, Text,
    words::{human, moment, title},
};
use crate::judging::explain;

/// The packet as Markdown.
pub fn markdown(p: &Packet) -> String {
    let mut m = Paper(String::new());
    m.line(format_args!("# Claim {}: dispute packet\n", own(&p.claim)));
    m.line(format_args!(
        "Ledger {}, made by {} from its log up to position {}.",
        own(&p.ledger),
        p.program,
        p.moment.through
    ));
    if let Some(words) = p.moment.words() {
        m.line(format_args!("Looked at {words}."));
    }
    if p.personal == "withheld" {
        m.line(format_args!("Personal values were left out of this packet."));
    }
    summary(p, &mut m);
    m.head("Why this amount");
    match &p.explanation {
        Some(e) => m.line(format_args!("{}", below(&explain::markdown(e)))),
        None => m.line(format_args!(
            "No policy judges this claim: {}.",
            p.not_judged.as_deref().unwrap_or_default()
        )),
    }
    timeline(p, &mut m);
    goods(p, &mut m);
    record(p, &mut m);
    known(p, &mut m);
    policy(p, &mut m);
    m.head("People");
    m.table(
        &["id", "as", "recorded", "approved"],
        p.people.iter().map(|who| {
            vec![
                own(&who.id),
                own(&who.roles.join(", ").replace('_', " ")),
                list(&who.recorded),
                list(&who.approved),
            ]
        }),
    );
    m.head("Fields for the card processor");
    for field in &p.chargeback_evidence {
        let note = field.note.as_ref().map(|note| format!(" *({})*", own(note))).unwrap_or_default();
        let value = field.value.as_ref().map_or_else(|| "empty".into(), |value| own(value));
        m.line(format_args!("- `{}`: {value}{note}", field.name));
    }
    proofs(p, &mut m);
    m.0
}

/// What is written, in one line where Markdown needs one.
struct Paper(String);

impl Paper {
    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{text}");
    }
    fn head(&mut self, title: &str) {
        let _ = writeln!(self.0, "\n## {title}\n");
    }
    /// Headings that end with `>` are set to the right. Without rows nothing is written.
    fn table(&mut self, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        let names: Vec<&str> = head.iter().map(|name| name.trim_end_matches('>')).collect();
        let rule: Vec<&str> =
            head.iter().map(|name| if name.ends_with('>') { "---:" } else { "---" }).collect();
        let _ = writeln!(self.0, "\n| {} |\n|{}|", names.join(" | "), rule.join("|"));
        for row in rows {
            let _ = writeln!(self.0, "| {} |", row.join(" | "));
        }
    }
}

/// A text of others: no character of it is markup, and it stays in its line.
fn own(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

fn words(text: &Text) -> String {
    match text.state {
        State::Plain | State::Open => own(&text.text),
        _ => format!("*{}*", own(&text.text)),
    }
}

fn maybe(text: Option<&String>) -> String {
    text.map(|text| own(text)).unwrap_or_default()
}

fn list(positions: &[u64]) -> String {
    positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// The explanation under a heading of ours; it has a title and headings of its own, and writes no markup in angles.
fn below(markdown: &str) -> String {
    let lines = markdown.lines().skip_while(|line| !line.starts_with("Policy "));
    let lines = lines.map(|line| if line.starts_with("## ") { format!("#{line}") } else { line.into() });
    lines.collect::<Vec<_>>().join("\n").replace('<', "&lt;")
}

fn summary(p: &Packet, m: &mut Paper) {
    let s = &p.summary;
    m.head("In short");
    m.line(format_args!("{}\n", own(&s.headline)));
    let name = s.merchant_name.as_ref().map(|name| format!("{} ({})", own(name), own(&s.merchant)));
    m.line(format_args!("- Merchant: {}", name.unwrap_or_else(|| own(&s.merchant))));
    if let Some(customer) = &s.customer {
        m.line(format_args!("- Customer: {}", words(customer)));
    }
    if let Some(c) = &s.claimed {
        m.line(format_args!(
            "- Claimed {} by the {} ({}): {}, {} ({}) [{}]",
            moment(&c.on),
            c.by,
            c.via,
            c.reason,
            own(&c.goods.join("; ")),
            own(&c.units),
            c.position
        ));
        if let Some(text) = &c.words {
            m.line(format_args!("- In their words: {}", words(text)));
        }
        if let Some(basis) = &c.established {
            m.line(format_args!("- Established as: {basis}"));
        }
    }
    let flags: String = s.flags.iter().map(|flag| format!(", {flag}")).collect();
    m.line(format_args!("- Standing: {}{flags}", s.stage));
    m.table(
        &["amounts", "amount>", "from"],
        s.figures.iter().map(|f| {
            vec![f.what.into(), f.amount.clone(), own(format!("{} {}", f.from, f.cites.join(" ")).trim())]
        }),
    );
    m.table(
        &["decided", "what", "under", "amount>"],
        s.decided.iter().map(|d| {
            let approver =
                d.approver.as_ref().map(|a| format!(", approved by {}", own(a))).unwrap_or_default();
            let standing = if d.standing == "stands" { String::new() } else { format!(" ({})", d.standing) };
            let reason = d.reason.as_ref().map(|r| format!(", {}", own(r))).unwrap_or_default();
            let units = if d.units.is_empty() { String::new() } else { format!(" for {}", own(&d.units)) };
            vec![
                format!("{} [{}]", moment(&d.on), d.position),
                format!("{}{units}{reason}{standing}, by {}{approver}", d.remedy, own(&d.by)),
                d.cites.join(", "),
                d.amount.clone().unwrap_or_default(),
            ]
        }),
    );
    m.table(
        &["paid", "what", "result", "amount>"],
        s.paid.iter().map(|c| {
            let approver =
                c.approver.as_ref().map(|a| format!(", approved by {}", own(a))).unwrap_or_default();
            let on = c.status_on.as_ref().map(|on| format!(" {}", moment(on))).unwrap_or_default();
            let to = c.to.as_ref().map(|to| format!(" to {}", own(to))).unwrap_or_default();
            vec![
                format!("{} [{}]", moment(&c.issued), c.position),
                format!("{} {}{to}, by {}{approver}", c.kind, own(&c.id), own(&c.by)),
                format!("{}{on}", c.status),
                c.amount.clone(),
            ]
        }),
    );
    m.table(
        &["charged back", "reference", "reason", "result", "amount>"],
        s.chargebacks.iter().map(|c| {
            vec![
                format!("{} [{}]", moment(&c.opened), c.position),
                own(&c.reference),
                own(&c.reason),
                c.result.into(),
                c.amount.clone(),
            ]
        }),
    );
    m.table(
        &["owed by the customer", "what", "paid>", "amount>"],
        s.charges.iter().map(|c| {
            vec![
                own(&c.id),
                format!("{}{}", own(&c.what), if c.waived { " (waived)" } else { "" }),
                c.paid.clone(),
                c.amount.clone(),
            ]
        }),
    );
    m.table(
        &["other claim on the order", "opened", "reason", "standing", "credited>"],
        p.siblings.iter().map(|c| {
            vec![own(&c.claim), c.opened.clone(), c.reason.clone(), c.stage.clone(), c.credited.clone()]
        }),
    );
}

fn timeline(p: &Packet, m: &mut Paper) {
    m.head("What happened");
    for t in &p.timeline {
        let standing = if t.standing == "stands" { String::new() } else { format!(" ({})", t.standing) };
        let says = if t.says.is_empty() { String::new() } else { format!(": {}", own(&t.says)) };
        let approver = t.approver.as_ref().map(|a| format!(", approved by {}", own(a))).unwrap_or_default();
        m.line(format_args!(
            "- **[{}] {} {}**{standing}{says}",
            t.position,
            moment(&t.happened),
            title(&t.kind)
        ));
        m.line(format_args!(
            "  recorded {} by {} as {}{approver}, from {}",
            moment(&t.recorded),
            own(&t.actor),
            own(&t.role),
            own(&t.source)
        ));
        for field in &t.fields {
            let text = Text { text: field.text.clone(), state: field.state };
            m.line(format_args!("  - {}: {}", own(&field.path), words(&text)));
        }
    }
}

fn goods(p: &Packet, m: &mut Paper) {
    m.head("Order and payment");
    let Some(s) = &p.sale else {
        m.line(format_args!("No order is on record: the credit is from before the ledger."));
        return;
    };
    m.line(format_args!(
        "Order {} of {} [{}], delivered to {}, tax {}.",
        own(&s.order),
        moment(&s.purchased_at),
        s.position,
        own(&s.ship_to),
        s.tax_mode
    ));
    m.table(
        &["article", "number>", "each>", "discount>", "tax>", "sum>"],
        s.lines.iter().map(|l| {
            let what = l.description.as_ref().unwrap_or(&l.sku);
            vec![
                format!("{}: {} ({}, {})", own(&l.id), own(what), own(&l.sku), l.condition),
                l.quantity.to_string(),
                l.unit_price.clone(),
                l.discount.clone().unwrap_or_default(),
                l.tax.clone(),
                l.sum.clone(),
            ]
        }),
    );
    for extra in &s.extras {
        m.line(format_args!("| {} | | | | | {} |", extra.what, extra.amount));
    }
    m.line(format_args!("| **total** | | | | | **{}** |", s.total));
    m.table(
        &["paid", "payment", "from", "amount>"],
        s.payments.iter().map(|pay| {
            vec![
                format!("{} [{}]", moment(&pay.on), pay.position),
                own(&pay.id),
                own(&pay.method),
                pay.amount.clone(),
            ]
        }),
    );
    for party in &p.parties {
        let parts = [
            ("name", &party.name),
            ("e-mail", &party.email),
            ("address", &party.address),
            ("phone", &party.phone),
        ];
        let parts: Vec<String> =
            parts.iter().filter_map(|(n, v)| Some(format!("{n} {}", words(v.as_ref()?)))).collect();
        m.line(format_args!("\nThe {}: {} [{}]", party.part, parts.join("; "), party.position));
    }
}

fn record(p: &Packet, m: &mut Paper) {
    m.head("Shipments");
    for parcel in &p.parcels {
        let tracking = parcel.tracking.as_ref().map(words).unwrap_or_default();
        let check =
            parcel.tracking_check.as_ref().map(|c| format!(" ({c} for this carrier)")).unwrap_or_default();
        m.line(format_args!(
            "- **{}**, {}: {} {} {tracking}{check}",
            own(&parcel.id),
            parcel.leg,
            maybe(parcel.carrier.as_ref()),
            maybe(parcel.service.as_ref())
        ));
        for (what, at) in [("dispatched", &parcel.dispatched), ("delivered", &parcel.delivered)] {
            if let Some(at) = at {
                m.line(format_args!("  - {what} {}", moment(at)));
            }
        }
        if let Some((what, at)) = parcel.at_the_dock.as_ref().and_then(|dock| dock.rsplit_once(' ')) {
            m.line(format_args!("  - {what} {} at the dock", moment(at)));
        }
        for scan in &parcel.scans {
            m.line(format_args!(
                "  - {} {} {} {} [{}]",
                moment(&scan.at),
                scan.status,
                maybe(scan.place.as_ref()),
                maybe(scan.reference.as_ref()),
                scan.position
            ));
        }
    }
    m.head("Communication");
    for c in &p.communications {
        let channel = c.channel.as_ref().map(|channel| format!(" by {}", own(channel))).unwrap_or_default();
        let text = c.text.as_ref().map(|text| format!(": {}", words(text))).unwrap_or_default();
        let reference = c.reference.as_ref().map(|r| format!(" ({})", own(r))).unwrap_or_default();
        m.line(format_args!(
            "- {} {}{channel}, {}{reference}{text} [{}]",
            moment(&c.at),
            c.direction,
            own(&c.about),
            c.position
        ));
    }
    m.head("Evidence");
    m.table(
        &["when", "what", "SHA-256 of the file", "media", "standing"],
        p.evidence.iter().map(|e| {
            vec![
                format!("{} [{}]", moment(&e.at), e.position),
                own(&e.kind),
                maybe(e.sha256.as_ref()),
                maybe(e.media.as_ref()),
                own(&e.standing),
            ]
        }),
    );
}

fn known(p: &Packet, m: &mut Paper) {
    let k = &p.known;
    m.head("What was known when");
    m.table(
        &["learned late", "happened", "recorded", "hours later>"],
        k.late.iter().map(|l| {
            vec![
                format!("{} [{}]", l.kind, l.position),
                moment(&l.happened),
                moment(&l.recorded),
                l.hours.to_string(),
            ]
        }),
    );
    for c in &k.corrections {
        let text = c.reason_text.as_ref().map(|text| format!(": {}", words(text))).unwrap_or_default();
        let approver = c.approver.as_ref().map(|a| format!(", approved by {}", own(a))).unwrap_or_default();
        m.line(format_args!(
            "\n{} [{}] was corrected by [{}], recorded {} by {}{approver}: {}{text}",
            title(&c.of_kind),
            c.of_position,
            c.position,
            moment(&c.recorded),
            own(&c.by),
            c.reason
        ));
        m.table(
            &["field", "was", "became"],
            c.fields.iter().map(|f| vec![own(&f.field), maybe(f.was.as_ref()), maybe(f.became.as_ref())]),
        );
    }
    for r in &k.reversals {
        let text = r.reason_text.as_ref().map(|text| format!(": {}", words(text))).unwrap_or_default();
        let approver = r.approver.as_ref().map(|a| format!(", approved by {}", own(a))).unwrap_or_default();
        m.line(format_args!(
            "\n{} [{}] was taken back by [{}], recorded {} by {}{approver}: {}{text}",
            title(&r.of_kind),
            r.of_position,
            r.position,
            moment(&r.recorded),
            own(&r.by),
            r.reason
        ));
    }
    m.table(
        &["refused by a rule", "act", "why", "under"],
        p.refused.iter().map(|r| {
            vec![
                format!("{} [{}]", moment(&r.recorded), r.position),
                human(&r.kind),
                own(&r.message),
                r.cites.join(", "),
            ]
        }),
    );
    m.table(
        &["erased value", "when and why", "approved by"],
        p.redactions.iter().map(|e| {
            vec![
                format!("{} of [{}]", own(&e.path), e.of_position),
                format!(
                    "redacted with approval on {}, {}, asked for by {}, carried out by {}",
                    e.on,
                    own(&e.basis),
                    own(&e.requester),
                    own(&e.by)
                ),
                format!("{} at position {}", own(&e.approver), e.position),
            ]
        }),
    );
}

fn policy(p: &Packet, m: &mut Paper) {
    m.head("Policy");
    let Some(policy) = &p.policy else {
        m.line(format_args!("No policy governs this claim."));
        return;
    };
    m.line(format_args!(
        "{} ({}), version {}, for purchases from {}, recorded {} [{}]",
        own(&policy.name),
        own(&policy.id),
        policy.version,
        policy.effective_from,
        moment(&policy.published_at),
        policy.position
    ));
    m.line(format_args!("\nSHA-256 of the policy: `{}`", policy.sha256));
    if let Some(hash) = &policy.document_sha256 {
        m.line(format_args!("\nSHA-256 of the document it was read from: {}", own(hash)));
    }
    m.table(
        &["event of the claim", "policy hash"],
        policy.pinned.iter().map(|pin| {
            vec![
                format!("{} [{}]", pin.kind, pin.position),
                format!("{} ({})", own(&pin.sha256), if pin.same { "this policy" } else { "ANOTHER" }),
            ]
        }),
    );
    m.table(
        &["clause", "says", "cited here"],
        policy
            .clauses
            .iter()
            .chain(&policy.house_rules)
            .map(|c| vec![own(&c.id), own(&c.paraphrase), if c.cited { "yes" } else { "" }.into()]),
    );
}

fn proofs(p: &Packet, m: &mut Paper) {
    m.head("Proofs");
    m.line(format_args!("The page and the JSON of this packet hold every event as it is stored, with its path to the root of the log; this text holds their hashes."));
    for head in &p.proofs.heads {
        match &head.checkpoint {
            Some(note) => m.line(format_args!(
                "\nSigned checkpoint of {} events, root `{}`:\n\n```text\n{}```",
                head.size, head.root, note
            )),
            None => m.line(format_args!(
                "\nHead of the log of {} events, root `{}`, which nobody has signed.",
                head.size, head.root
            )),
        }
    }
    for key in &p.proofs.keys {
        m.line(format_args!("\nKey of the {} ({}): `{}`", key.kind, key.source, key.vkey));
    }
    m.table(
        &["event>", "SHA-256 of the leaf", "proved against"],
        p.proofs.events.iter().map(|e| {
            let head = p.proofs.heads.get(e.head);
            let against = head
                .map(|h| format!("{}{}", h.size, if h.checkpoint.is_none() { " (unsigned)" } else { "" }));
            vec![e.position.to_string(), format!("`{}`", e.leaf), against.unwrap_or_default()]
        }),
    );
}
