//! The packet as one page: no network, a script that checks the proofs, readable on paper and on a phone.
//!
//! Markup comes from templates that escape every text. What stands in an event carries the event and the field that
//! it came from (`data-at`), so that the script can compare what is shown with the bytes that it has proved.

mod case;
mod proof;
mod record;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use replay::{merkle::sha256, money::Currency};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

use super::{Packet, Text, words::moment};
use crate::error::{Error, ErrorKind, Result};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/verify.js");

/// The page.
///
/// # Errors
/// When the packet cannot be written as JSON, which would be our own fault.
pub fn html(packet: &Packet) -> Result<String> {
    let page = Page::of(packet);
    let main = page.main().into_string();
    let data = page.data(&main)?;
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        csp_hash(STYLE),
        csp_hash(SCRIPT)
    );
    let document = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { "Claim " (packet.claim) ": dispute packet" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (page.header())
                (PreEscaped(main))
                (page.footer())
                script type="application/json" id="packet" { (PreEscaped(data)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(document.into_string())
}

/// A hash as a content security policy names it.
fn csp_hash(text: &str) -> String {
    format!("sha256-{}", BASE64.encode(sha256(text.as_bytes()).0))
}

/// A packet that is being rendered.
struct Page<'a> {
    p: &'a Packet,
    /// What the stored events say, by position and field.
    said: BTreeMap<(u64, &'a str), &'a str>,
    /// Clauses that the page has a row for.
    clauses: BTreeSet<&'a str>,
}

const SECTIONS: [(&str, &str); 12] = [
    ("summary", "In short"),
    ("amount", "Why this amount"),
    ("timeline", "What happened"),
    ("goods", "Order and payment"),
    ("tracking", "Shipments"),
    ("messages", "Communication"),
    ("evidence", "Evidence"),
    ("known", "What was known when"),
    ("policy", "Policy"),
    ("people", "People"),
    ("processor", "Fields for the card processor"),
    ("proofs", "Proofs"),
];

impl<'a> Page<'a> {
    fn of(p: &'a Packet) -> Self {
        let mut said = BTreeMap::new();
        for told in &p.timeline {
            said.insert((told.position, "@actor"), told.actor.as_str());
            said.insert((told.position, "@role"), told.role.as_str());
            said.insert((told.position, "@source"), told.source.as_str());
            said.insert((told.position, "@kind"), told.kind.as_str());
            if let Some(key) = &told.external_id {
                said.insert((told.position, "@external_id"), key.as_str());
            }
            if let Some(approver) = &told.approver {
                said.insert((told.position, "@approver"), approver.as_str());
            }
            for field in &told.fields {
                said.insert((told.position, field.path.as_str()), field.text.as_str());
            }
        }
        let rules = p.policy.iter().flat_map(|policy| policy.clauses.iter().chain(&policy.house_rules));
        Self { p, said, clauses: rules.map(|c| c.id.as_str()).collect() }
    }

    fn header(&self) -> Markup {
        let p = self.p;
        markup! {
            header {
                p .kicker { "Dispute packet" }
                h1 { "Claim " bdi { (p.claim) } }
                p .soft {
                    @if let Some(name) = &p.summary.merchant_name { bdi { (name) } ", " }
                    @if let Some(order) = &p.order { "order " bdi { (order) } ", " }
                    "ledger " bdi { (p.ledger) } ", made by " (p.program) " from its log up to position " (p.moment.through)
                    @if let Some(words) = p.moment.words() { "; " strong { (words) } }
                    "."
                    @if p.personal == "withheld" { " Personal values were left out of this packet." }
                }
                div #verdict role="status" data-state="unchecked" {
                    strong #verdict-title { "Proofs are included, and were not checked" }
                    p #verdict-text { "Checking needs JavaScript, which this page brings along; it asks no network." }
                }
                nav aria-label="Sections" {
                    ul { @for (id, title) in SECTIONS { li { a href={ "#" (id) } { (title) } } } }
                }
                button #open-all type="button" aria-pressed="false" hidden { "Open every detail, also for printing" }
            }
        }
    }

    fn main(&self) -> Markup {
        markup! {
            main {
                (self.summary()) (self.amount()) (self.timeline()) (self.goods()) (self.tracking()) (self.messages())
                (self.evidence()) (self.known()) (self.policy()) (self.people()) (self.processor()) (self.proofs())
            }
        }
    }

    fn footer(&self) -> Markup {
        markup! {
            footer {
                p .soft {
                    "The same ledger gives the same packet, byte for byte. Times of what happened carry the offset of \
                     their place; times of recording are UTC. Numbers in brackets are positions in the log."
                }
            }
        }
    }

    /// What the script needs, in a form that can stand inside of a script element.
    fn data(&self, main: &str) -> Result<String> {
        // Those that some event names: the script writes amounts as the program does.
        let bodies = || self.p.proofs.events.iter().map(|proof| proof.body.as_str());
        let named = |c: &&Currency| bodies().any(|body| body.contains(&format!("\"{}\"", c.as_str())));
        let exponents: BTreeMap<&str, u32> =
            Currency::TABLE.iter().filter(named).map(|c| (c.as_str(), c.exponent())).collect();
        let data = json!({
            "ledger": self.p.ledger,
            "policy": self.p.policy.as_ref().map(|policy| policy.position),
            "exponents": exponents,
            "words": sha256(words_of(main).as_bytes()),
            "heads": self.p.proofs.heads,
            "keys": self.p.proofs.keys,
            "events": self.p.proofs.events,
        });
        let text = serde_json::to_string(&data)
            .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
        Ok(in_a_script(&text))
    }

    /// A text that stands in an event, with where it stands, if it stands there in these words.
    fn fact(&self, position: u64, path: &str, text: &str) -> Markup {
        let same = self.said.get(&(position, path)).is_some_and(|said| *said == text);
        let at = same.then(|| format!("{position} {path}"));
        markup! { bdi data-at=[at] { (text) } }
    }

    /// The position of an event, as a way to it.
    fn at(&self, position: u64) -> Markup {
        markup! { a .pos href={ "#e" (position) } aria-label={ "event " (position) } { "[" (position) "]" } }
    }

    fn cites(&self, ids: &[String]) -> Markup {
        markup! {
            @for (i, id) in ids.iter().enumerate() {
                @if i > 0 { ", " }
                @if self.clauses.contains(id.as_str()) { a .clause href={ "#c-" (id) } { (id) } } @else { span .clause { (id) } }
            }
        }
    }
}

/// JSON that cannot end the script element it stands in, nor break a line or turn the order of what is read in its source.
fn in_a_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<'
            | '>'
            | '&'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2066}'..='\u{2069}'
            | '\u{FEFF}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The words of our own markup, as the browser's `textContent` has them.
fn words_of(markup: &str) -> String {
    let mut words = String::with_capacity(markup.len());
    let mut rest = markup;
    while let Some((text, more)) = rest.split_once('<') {
        words.push_str(text);
        rest = more.split_once('>').map_or("", |(_, after)| after);
    }
    words.push_str(rest);
    // The four that the templates write, the ampersand last.
    words.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// A time as people read it.
fn time(rfc: &str) -> Markup {
    markup! { time datetime=(rfc) { (moment(rfc)) } }
}

/// A text of others, or why it is not there.
fn text(text: &Text) -> Markup {
    markup! {
        @if text.state.is_readable() { bdi .words { (text.text) } } @else { span .gone { (text.text) } }
    }
}

fn optional(value: Option<&String>) -> Markup {
    markup! { @if let Some(value) = value { bdi { (value) } } }
}

/// A table that can be scrolled by keyboard where it is wider than the page.
fn table(caption: &str, head: &[&str], rows: &Markup) -> Markup {
    markup! {
        div .wide role="region" aria-label=(caption) tabindex="0" {
            table {
                caption { (caption) }
                thead {
                    tr {
                        @for name in head {
                            th scope="col" class=[name.ends_with('>').then_some("n")] { (name.trim_end_matches('>')) }
                        }
                    }
                }
                tbody { (rows) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_cannot_be_ended_from_inside() {
        let json = serde_json::to_string("</script><!--\u{2028}&").unwrap();
        assert_eq!(in_a_script(&json), "\"\\u003c/script\\u003e\\u003c!--\\u2028\\u0026\"");
        let back: String = serde_json::from_str(&in_a_script(&json)).unwrap();
        assert_eq!(back, "</script><!--\u{2028}&");
    }

    #[test]
    fn words_are_those_that_a_browser_sees() {
        let made = markup! { p title="a > b" { "x < y & \"z\"" b { " &lt;" } } }.into_string();
        assert_eq!(words_of(&made), "x < y & \"z\" &lt;");
    }
}
