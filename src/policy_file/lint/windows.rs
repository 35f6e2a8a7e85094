//! Windows and regions: from which day a period counts, and whether it says anything.

use replay::policy::{Act, Alternative, Anchor, Clause, Period, Window};

use super::{Level, Lint, and, field, named, numbered, table};

/// What people can do about a period that counts from two days.
const HINT: &str = "count it from one day; if the text does say both, name the reading: readings = [\"R-...\"], from a clause it cites";

pub(super) fn check(l: &mut Lint<'_>) {
    regions(l);
    let p = l.policy;
    for window in &p.windows {
        let place = named("windows", window.name.as_str());
        let pairs = || {
            window
                .any
                .iter()
                .enumerate()
                .flat_map(|(at, a)| window.any.iter().skip(at + 1).map(move |b| (a, b)))
        };
        if let Some((a, b)) = pairs().find(|(a, b)| a.act == b.act && a.after != b.after) {
            let says = format!("lets one period count from two days: {} or {}", words(a), words(b));
            l.ambiguous(Level::Error, "window_counts_from_two_days", &field(&place, "any"), says, HINT);
        }
        for (number, alternative) in (1_usize..).zip(&window.any) {
            let mut others = window.any.iter().enumerate().filter(|(at, _)| *at + 1 != number);
            if let Some((_, longer)) =
                others.find(|(at, other)| adds_nothing(alternative, other, *at + 1 < number))
            {
                let says =
                    format!("has an alternative that never matters: {} already suffices", words(longer));
                let at = field(&place, &format!("any.{number}"));
                l.warning("alternative_adds_nothing", &at, says, "take it out, or correct its period");
            }
        }
    }
    for (at, row) in p.entitlements.iter().enumerate() {
        let windows: Vec<&Window> = row.windows.iter().filter_map(|at| p.windows.get(*at)).collect();
        let pairs =
            windows.iter().enumerate().flat_map(|(at, a)| windows.iter().skip(at + 1).map(move |b| (*a, *b)));
        for (a, b) in pairs {
            let Some((one, two)) = parted(a, b) else { continue };
            let says = format!(
                "counts from two days: {} in {}, {} in {}, and both must hold",
                words(one),
                a.name,
                words(two),
                b.name
            );
            let place = field(&numbered("entitlement", at), "windows");
            l.ambiguous(Level::Error, "entitlement_counts_from_two_days", &place, says, HINT);
        }
    }
    clauses(l);
    written(l);
}

/// A clause that one window counts from the delivery and another from the purchase.
fn clauses(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, later) in p.windows.iter().enumerate() {
        for before in p.windows.iter().take(at) {
            let Some((one, two)) = parted(before, later) else { continue };
            let is_shared = |clause: &Clause| !clause.is_house() && before.cites.contains(*clause);
            let shared: Vec<String> =
                later.cites.iter().filter(is_shared).map(|clause| p.clause_id(clause).to_string()).collect();
            if shared.is_empty() {
                continue;
            }
            // Either of the two may name the reading.
            let has_reading = !l.texts(&named("windows", before.name.as_str()), "readings").is_empty();
            let (place, other) = if has_reading { (before, later) } else { (later, before) };
            let says = format!(
                "and windows.{} count {} from different days: {} in {}, {} in {}",
                other.name,
                and(&shared),
                words(one),
                before.name,
                words(two),
                later.name
            );
            let place = named("windows", place.name.as_str());
            l.ambiguous(Level::Warning, "clause_counts_from_two_days", &place, says, HINT);
        }
    }
}

/// A written authorization counts for a window that knows one, and such a window knows that it counts.
fn written(l: &mut Lint<'_>) {
    let p = l.policy;
    let knows = |window: &Window| window.any.iter().any(|one| one.act == Act::AuthorizedInWriting);
    let place = field(&table("authorization"), "written_counts_for");
    let counts = p.authorization.written_counts_for;
    if let Some(window) = counts.and_then(|at| p.windows.get(at)).filter(|window| !knows(window)) {
        let says = format!("counts for window {}, which has no act authorized_in_writing", window.name);
        l.error(
            "written_counts_for_nothing",
            &place,
            says,
            "name the window with that act, or add the act to it",
        );
    }
    for (at, window) in p.windows.iter().enumerate() {
        if knows(window) && counts != Some(at) {
            let says = "waits for a written authorization, and [authorization] counts none for it";
            let hint = "add written_counts_for to [authorization]";
            l.error("written_is_never_counted", &named("windows", window.name.as_str()), says, hint);
        }
    }
}

fn regions(l: &mut Lint<'_>) {
    for region in &l.policy.regions {
        let place = named("regions", &region.name);
        if !region.include.iter().any(|code| region.holds(code)) {
            let hint = "take places out of exclude: what is excluded is never inside";
            l.error(
                "region_holds_nothing",
                &field(&place, "exclude"),
                "leaves out all that it takes in",
                hint,
            );
            continue;
        }
        let within = |code: &&String| {
            !region.include.iter().any(|large| {
                code.strip_prefix(large.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
        };
        let strange: Vec<&String> = region.exclude.iter().filter(within).collect();
        if !strange.is_empty() {
            let says = format!("leaves out {}, which it does not take in", and(&strange));
            l.warning(
                "exclusion_changes_nothing",
                &field(&place, "exclude"),
                says,
                "take it out, or correct the place",
            );
        }
    }
}

/// An alternative of the same act and day whose period is no longer than another's.
fn adds_nothing(one: &Alternative, other: &Alternative, other_is_before: bool) -> bool {
    if one.act != other.act || one.after != other.after {
        return false;
    }
    match (one.within, other.within) {
        (None, None) => other_is_before,
        (Some(Period::Days(one)), Some(Period::Days(other))) => {
            one < other || one == other && other_is_before
        }
        (Some(Period::Months(one)), Some(Period::Months(other))) => {
            one < other || one == other && other_is_before
        }
        _ => false,
    }
}

/// The same act, counted from different days in two windows: no alternative of the two agrees.
fn parted<'w>(a: &'w Window, b: &'w Window) -> Option<(&'w Alternative, &'w Alternative)> {
    let pairs = || a.any.iter().flat_map(|one| b.any.iter().map(move |two| (one, two)));
    let is_same_act = |(one, two): &(&Alternative, &Alternative)| one.act == two.act;
    if pairs().any(|(one, two)| one.act == two.act && one.after == two.after) {
        return None;
    }
    pairs().find(is_same_act)
}

/// `contact within 30 days of delivery`.
pub(super) fn words(one: &Alternative) -> String {
    let act = match one.act {
        Act::Contact => "contact",
        Act::ReturnDispatched => "goods sent",
        Act::AuthorizedInWriting => "authorized in writing",
    };
    let day = match one.after {
        Anchor::Delivery => "delivery",
        Anchor::Shipment => "shipment",
        Anchor::Purchase => "purchase",
        Anchor::Invoice => "the invoice",
    };
    match one.within {
        Some(period) => format!("{act} within {period} of {day}"),
        None => format!("{act} within the warranty term from {day}"),
    }
}
