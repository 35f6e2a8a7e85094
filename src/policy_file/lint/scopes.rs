//! Requirements, fees, variants: whether a row can ever apply, and ask for what can be known by then.

use replay::policy::{Fee, OnFail, Rate, Requirement, RequirementStage, Scope};

use super::{Lint, and, field, numbered, table};

pub(super) fn check(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, row) in p.requirements.iter().enumerate() {
        reaches(l, "requirement", at, &row.scope);
        requirement(l, at, row);
    }
    for (at, row) in p.fees.iter().enumerate() {
        reaches(l, "fee", at, &row.scope);
        fee(l, at, row);
    }
    for (at, row) in p.components.iter().enumerate() {
        reaches(l, "component", at, &row.scope);
    }
    // Costs and clocks also arise where nothing is granted, but never for a remedy that nobody gets.
    for (table, rows) in [
        ("cost", p.costs.iter().map(|row| &row.scope).collect::<Vec<_>>()),
        ("sla", p.slas.iter().map(|row| &row.scope).collect()),
    ] {
        for (at, scope) in rows.into_iter().enumerate() {
            let remedies = Scope { remedy: scope.remedy.clone(), ..Scope::default() };
            reaches(l, table, at, &remedies);
        }
    }
    variants(l);
}

/// A row whose scope no claim with a right to anything can be in.
fn reaches(l: &mut Lint<'_>, table: &'static str, at: usize, scope: &Scope) {
    let area = l.space.area(scope);
    let place = field(&numbered(table, at), "scope");
    // A region that holds no place is told where it is written.
    if !area.is_empty() && !l.granted.iter().any(|granted| granted.meets(&area)) {
        let says =
            format!("applies to nobody: nothing is granted for {}", l.space.words(&area, &l.space.all()));
        l.error(
            "scope_reaches_nothing",
            &place,
            says,
            "correct the scope, or add the entitlement it is about",
        );
    }
}

fn requirement(l: &mut Lint<'_>, at: usize, row: &Requirement) {
    let place = numbered("requirement", at);
    let asks_early = row.stage != RequirementStage::Settle
        && row.needs.facts().iter().all(|fact| fact.is_of_the_inspection());
    if asks_early && row.on_fail != OnFail::Note {
        let says = format!(
            "asks at stage {} for what only the inspection tells ({}): it holds every claim",
            row.stage, row.needs
        );
        l.error("fact_is_not_known_yet", &field(&place, "stage"), says, "ask at stage settle").cite(["H-17"]);
    }
    if row.then_deny && row.on_fail != OnFail::Hold {
        let says = format!("says then = \"deny\", which follows a hold, but on_fail is {}", row.on_fail);
        l.warning("then_changes_nothing", &field(&place, "then"), says, "take it out, or let it hold");
    }
    if row.point.is_some() && !matches!(row.on_fail, OnFail::Discretion | OnFail::Partial) {
        let says = format!("names a discretion point, but on_fail is {}: nobody is asked", row.on_fail);
        let hint = "take the point out, or let on_fail be discretion or partial";
        l.warning("nobody_is_asked", &field(&place, "point"), says, hint);
    }
}

fn fee(l: &mut Lint<'_>, at: usize, row: &Fee) {
    let place = numbered("fee", at);
    if row.rate == Rate::PercentBp(0) {
        let hint = "take it out, or correct the percentage";
        l.warning("fee_is_nothing", &field(&place, "percent_bp"), "is 0% of the price", hint);
    }
    let Rate::Fixed(amount) = row.rate else { return };
    let named = l.row(&table("policy")).and_then(|head| head.get("currency")?.as_str()).unwrap_or("order");
    let currency = amount.currency().to_string();
    if named != "order" && named != currency {
        let says = format!("is in {currency}, and the policy is in {named}");
        l.error("currency_differs", &field(&place, "fixed"), says, "state it in the currency of the policy")
            .cite(["H-8"]);
    }
}

fn variants(l: &mut Lint<'_>) {
    let p = l.policy;
    for (at, row) in p.variants.iter().enumerate() {
        let place = numbered("variant", at);
        if row.pass == row.fail {
            let says = format!("gives {} inside the window and outside of it", row.pass);
            l.warning(
                "variant_says_nothing",
                &field(&place, "fail"),
                says,
                "take it out, or correct one of the two",
            );
        }
        let before = p.variants.iter().take(at).position(|other| other.remedy == row.remedy);
        if let Some(other) = before.map(|other| l.title(&numbered("variant", other))) {
            let says = format!("is never asked: {other} has decided about {}", row.remedy);
            l.error("row_never_wins", &field(&place, "remedy"), says, "keep one row for each remedy");
        }
        let strict = p.windows.get(row.window).filter(|window| window.no_discretion && row.point.is_some());
        if let Some(window) = strict {
            let says =
                format!("lets a person depart from window {}, which allows no discretion", window.name);
            let hint = "take the point out, or no_discretion off the window";
            l.error("window_allows_no_discretion", &field(&place, "point"), says, hint);
        }
    }
    for (at, row) in p.entitlements.iter().enumerate().filter(|(_, row)| row.needs_discretion.is_some()) {
        let strict =
            row.windows.iter().filter_map(|at| p.windows.get(*at)).filter(|window| window.no_discretion);
        let names: Vec<String> = strict.map(|window| window.name.to_string()).collect();
        if !names.is_empty() {
            let place = field(&numbered("entitlement", at), "needs_discretion");
            let says = format!("leaves to a person what window {} allows no discretion for", and(&names));
            let hint = "take needs_discretion out, or no_discretion off the window";
            l.error("window_allows_no_discretion", &place, says, hint);
        }
    }
}
