//! Two moments of a claim, or two versions of its policy, side by side.

use maud::{Markup, html};
use replay::{
    books::rows,
    case::Case,
    history::Cut,
    ids::{ClaimId, Stream},
    registry::Registry,
};
use serde_json::Value;

use super::{
    Viewer,
    ask::{Moment, Query, href, part},
    claim::found,
    layout::{Page, at, badge, claim, human, money, signed, table, theirs, time, title},
    policies::told,
};
use crate::{
    error::Result,
    judging::{
        self,
        explain::{self, Explanation},
        whatif::{Report, Under},
    },
    store::sqlite::SqliteStore,
    view::{self, Entry},
};

/// Events between the two moments that are shown.
const ROWS: usize = 60;
/// Names of a moment, with the label of its box.
const NAMES: [(&str, &str, &str); 3] = [
    ("as_of", "Position", "120"),
    ("known_at", "Known at", "2024-04-08 or a time"),
    ("effective_at", "Effective at", "2024-04-08 or a time"),
];

/// The page: a form, and the comparison once a claim is named.
///
/// # Errors
/// When there is no such claim.
pub fn page(store: &mut SqliteStore, viewer: &Viewer, query: &Query) -> Result<String> {
    let (a, b) = (Moment::read(query, "a_"), Moment::read(query, "b_"));
    let mut found = html! { p .note { "Name a claim and a moment on either side; an empty side is now." } };
    if let Some(id) = query.get("claim") {
        let id = super::claim_id(id)?;
        let stream = Stream::Claim(id.clone());
        let case = view::case_of(store, &stream)?;
        let registry = judging::registry(store)?;
        let mut events = |cut: &Cut| view::timeline(store, &stream, true, false, cut);
        let (on_a, on_b) = (events(&a.cut)?, events(&b.cut)?);
        found = html! {
            (moments(&case, &id, &registry, [&a.cut, &b.cut]))
            (between(&on_a, &on_b))
            (versions(&case, &id, &registry, query, &b.cut))
        };
    }
    let side = |letter: &str, name: &str| {
        html! {
            fieldset {
                legend { (name) }
                @for (field, label, example) in NAMES {
                    @let id = format!("{letter}_{field}");
                    p { label for=(id) { (label) } input id=(id) name=(id) value=(query.get(&id).unwrap_or_default()) placeholder=(example) maxlength="40"; }
                }
            }
        }
    };
    let body = html! {
        h1 { "Compare" }
        form method="get" action="/desk/compare" {
            p { label for="claim" { "Claim" } input #claim name="claim" value=(query.get("claim").unwrap_or_default()) required maxlength="200"; }
            div .sides { (side("a", "One moment")) (side("b", "The other")) }
            p {
                label for="version" { "Also under this version of the policy" }
                input #version name="version" inputmode="numeric" pattern="[0-9]*" maxlength="9" value=(query.get("version").unwrap_or_default()) aria-describedby="version-hint";
                span #version-hint .hint { "a number; judged at the other moment" }
            }
            p .buttons { button type="submit" { "Compare" } }
        }
        @for (moment, name) in [(&a, "one moment"), (&b, "the other")] {
            @if let Some(field) = moment.misread { p .bad role="alert" { (human(field)) " of " (name) " cannot be read and was left out." } }
        }
        (found)
    };
    let moment = ["as_of", "known_at", "effective_at"].into_iter();
    let moment = moment.fold(Query::default(), |all, name| all.with(name, query.get(&format!("b_{name}"))));
    let twin = query.get("claim").map(|id| href(&format!("/v1/claims/{}", part(id)), &moment));
    let page = Page::new(viewer, "Compare", "/desk/compare");
    let page = match twin {
        Some(twin) => page.twin(twin),
        None => page.twin("/v1/claims"),
    };
    Ok(page.show(&body))
}

/// One line of the comparison.
struct Pair {
    what: String,
    sides: [String; 2],
}

fn moments(case: &Case, id: &ClaimId, registry: &Registry, cuts: [&Cut; 2]) -> Markup {
    let explained = cuts.map(|cut| explain::explain(case, id, registry, cut).ok());
    let books = cuts.map(|cut| rows(case, id, cut));
    let mut pairs: Vec<Pair> = Vec::new();
    let mut put = |what: &str, sides: [Option<String>; 2]| {
        pairs.push(Pair {
            what: what.into(),
            sides: sides.map(|side| side.unwrap_or_else(|| "not there yet".into())),
        });
    };
    let board = |of: &dyn Fn(&replay::books::BoardRow) -> String| {
        books.each_ref().map(|rows| rows.as_ref().map(|rows| of(&rows.board)))
    };
    put("stage", board(&|b| human(&b.stage)));
    put("flags", board(&|b| b.flags.clone()));
    put("credited", board(&|b| money(b.credited_minor, &b.currency)));
    put("units authorized", board(&|b| b.units_authorized.to_string()));
    put("units received", board(&|b| b.units_received.to_string()));
    put("units refunded", board(&|b| b.units_refunded.to_string()));
    let told = |of: &dyn Fn(&Explanation) -> String| explained.each_ref().map(|e| e.as_ref().map(of));
    put("policy", told(&|e| format!("{} version {}", e.policy, e.policy_version)));
    put("status", told(&|e| human(&e.status)));
    put("payable", told(&|e| e.payable.clone()));
    put("open", told(&|e| signed(e.open_minor, e.currency.as_str())));
    put(
        "units",
        told(&|e| {
            e.units
                .iter()
                .map(|u| format!("{} {}: {}", u.units, human(&u.status), u.says))
                .collect::<Vec<_>>()
                .join("; ")
        }),
    );
    let mut lines: Vec<String> = Vec::new();
    for e in explained.iter().flatten() {
        lines.extend(
            e.lines.iter().map(explain::title).filter(|name| !lines.contains(name)).collect::<Vec<_>>(),
        );
    }
    for name in &lines {
        let of = |e: &Explanation| {
            let line = e.lines.iter().find(|line| explain::title(line) == *name);
            line.map_or_else(|| "no such line".into(), |line| format!("{}: {}", line.amount, line.formula))
        };
        put(&format!("line: {}", human(name)), told(&of));
    }
    let findings = |rows: &Option<replay::books::ClaimRows>| {
        let detail: Value = serde_json::from_str(&rows.as_ref()?.detail).ok()?;
        let units = detail.get("units")?.as_array()?.iter();
        let found = units.map(|unit| {
            let name = unit.get("units").and_then(Value::as_str).unwrap_or_default();
            format!("{name}: {}", found(unit))
        });
        Some(found.collect::<Vec<_>>().join("; "))
    };
    put("findings", [findings(&books[0]), findings(&books[1])]);
    html! {
        h2 { "Side by side: " (claim(id.as_str())) }
        (table("What differs is marked", &["what", "one moment", "the other", "same?"], &html! {
            @for pair in &pairs {
                @let [a, b] = &pair.sides;
                tr {
                    th scope="row" { (title(&pair.what)) }
                    td { (theirs(a)) }
                    td { @if a == b { (theirs(b)) } @else { strong { (theirs(b)) } } }
                    td { @if a != b { (badge("wait", "differs")) } @else { span .soft { "same" } } }
                }
            }
        }))
    }
}

/// Events that are seen from one side alone.
fn between(a: &[Entry], b: &[Entry]) -> Markup {
    let alone = |these: &[Entry], those: &[Entry]| -> Vec<(u64, String, String)> {
        let other = |entry: &&Entry| !those.iter().any(|have| have.position == entry.position);
        let alone = these.iter().filter(other);
        alone.map(|entry| (entry.position, entry.kind.clone(), entry.effective_at.clone())).collect()
    };
    let sides =
        [("Seen at the one moment only", alone(a, b)), ("Seen at the other moment only", alone(b, a))];
    html! {
        @for (name, list) in &sides {
            @if !list.is_empty() {
                h3 { (name) ": " (list.len()) }
                ul { @for (position, kind, when) in list.iter().take(ROWS) { li { (at(*position)) " " (human(kind)) ", " (time(when)) } } }
                @if list.len() > ROWS { p .soft { "and " (list.len() - ROWS) " more" } }
            }
        }
    }
}

/// The claim under another version of its policy.
fn versions(case: &Case, id: &ClaimId, registry: &Registry, query: &Query, cut: &Cut) -> Markup {
    let Some(version) = query.get("version") else { return html! {} };
    let policy = case.order_state().map(|order| order.sale.policy.clone());
    let under = policy
        .zip(version.parse().ok())
        .and_then(|(policy, number)| Under::published(registry, &policy, number).ok());
    let Some(under) = under else {
        return html! { p .bad role="alert" { "No version " (theirs(version)) " of its policy is published." } };
    };
    let report = Report::of_claim(case, id, registry, cut, &under);
    html! {
        h2 { "Under version " (under.version.version) " of " (under.policy) }
        @if report.changes.is_empty() { p .note { "This version says the same of the claim." } }
        @for c in &report.changes {
            p { "Payable " (money(c.before_minor, &c.currency)) " under version " (c.before_version) ", " strong { (money(c.after_minor, &c.currency)) } " under version " (under.version.version) ": " (signed(c.difference_minor, &c.currency)) "." }
            (told(c))
        }
        p { a href=(href(&format!("/desk/policies/{}/{}/what-if", part(under.policy.as_str()), under.version.version), &Query::default())) { "Over every claim" } }
    }
}
