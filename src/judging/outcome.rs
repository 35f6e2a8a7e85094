//! A judgement in the fields of an expectation (fixtures/scenarios/README.md): what programs compare.

use replay::{
    event::{Party, UnitStatus},
    judge::{Clock, Due, Judgement, MissingNotice, OfOrder, Outcome, Payer, UnitJudgement},
    policy::{Cites, Policy},
};
use serde_json::{Map, Value, json};

/// What the policy says of a claim.
pub fn of_claim(judged: &Judgement) -> Map<String, Value> {
    let policy = &*judged.policy;
    let mut out = Map::new();
    out.insert("status".into(), judged.status.map_or("mixed", UnitStatus::as_str).into());
    let mut units = Map::new();
    let (mut last_days, mut variants, mut notes) = (Map::new(), Map::new(), Map::new());
    for unit in &judged.units {
        let value = json!({
            "status": unit.status, "remedy": unit.remedy, "basis": unit.basis, "cites": policy.ids(&unit.cites),
        });
        for name in names(unit) {
            for at in &unit.applied {
                let (Some(window), Some(state)) = (policy.windows.get(*at), unit.windows.get(*at)) else {
                    continue;
                };
                let days = last_days.entry(window.name.as_str()).or_insert_with(|| Value::Object(Map::new()));
                days[name.as_str()] = json!(state.last_day);
            }
            let noted = unit.asked.iter().filter(|asked| asked.outcome == Outcome::Noted);
            let noted = noted.filter_map(|asked| policy.requirements.get(asked.row));
            let cites = noted.fold(Cites::default(), |all, row| all.with(&row.cites));
            notes.insert(name.clone(), json!(policy.ids(&cites)));
            if let Some((variant, _)) = &unit.variant {
                variants.insert(name.clone(), json!(variant));
            }
            units.insert(name, value.clone());
        }
    }
    out.insert("units".into(), units.into());
    let lines = judged.lines.iter().map(|line| {
        let mut value =
            json!({ "line": line.kind.name(), "amount": line.minor, "cites": policy.ids(&line.cites) });
        if let Some(of) = &line.order_line {
            value["order_line"] = json!(of);
        }
        value
    });
    out.insert("lines".into(), lines.collect());
    out.insert("payable".into(), judged.payable_minor.into());
    out.insert("refunded".into(), judged.refunded_minor.into());
    out.insert("charged_back".into(), judged.charged_back_minor.into());
    out.insert("open".into(), judged.open_minor().into());
    let charges = judged.charges.iter();
    let charges =
        charges.map(|c| json!({ "cost": c.what, "amount": c.minor, "cites": policy.ids(&c.cites) }));
    out.insert("charges".into(), charges.collect());
    out.insert(
        "payers".into(),
        json!({ "inbound_shipping": payer(policy, &judged.inbound_shipping),
                "return_leg_shipping": payer(policy, &judged.return_leg_shipping) }),
    );
    out.insert("last_days".into(), last_days.into());
    out.insert(
        "payout".into(),
        json!({ "to": judged.payout_to(), "cites": policy.ids(&judged.payout_cites) }),
    );
    out.insert("variants".into(), variants.into());
    out.insert("waivers".into(), json!(policy.ids(&judged.waivers)));
    out.insert("notes".into(), notes.into());
    out.insert("deadlines".into(), deadlines(policy, judged.clocks.iter(), |c| Some(&c.due)).into());
    out.insert("usual".into(), deadlines(policy, judged.clocks.iter(), |c| c.expected.as_ref()).into());
    out.insert("missing_notices".into(), notices(policy, judged.missing_notices.iter()).into());
    out
}

/// Clocks and duties of an order together with those of its claims.
pub fn of_order(order: &OfOrder, claims: &[Judgement]) -> Map<String, Value> {
    let mut out = Map::new();
    let clocks =
        order.clocks.iter().chain(claims.iter().flat_map(|c| c.clocks.iter().filter(|k| !k.of_order)));
    out.insert("deadlines".into(), deadlines(&order.policy, clocks.clone(), |c| Some(&c.due)).into());
    out.insert("usual".into(), deadlines(&order.policy, clocks, |c| c.expected.as_ref()).into());
    let notices_of = order.missing_notices.iter().chain(claims.iter().flat_map(|c| &c.missing_notices));
    out.insert("missing_notices".into(), notices(&order.policy, notices_of).into());
    out
}

/// The names of the units of a run, one by one.
fn names(unit: &UnitJudgement) -> Vec<String> {
    let line = unit.units.lines().next().map(ToString::to_string).unwrap_or_default();
    (unit.first..=unit.last).map(|n| format!("{line}#{n}")).collect()
}

fn payer(policy: &Policy, payer: &Payer) -> Value {
    let party = payer.party.map_or("lies_where_it_falls", Party::as_str);
    json!({ "payer": party, "cites": ids(policy, &payer.cites) })
}

fn ids(policy: &Policy, cites: &Cites) -> Value {
    json!(policy.ids(cites))
}

/// Times by clock: when it is due, or when it is usually done. Several clocks of one row are told apart by their refund.
fn deadlines<'c>(
    policy: &Policy,
    clocks: impl Iterator<Item = &'c Clock> + Clone,
    time: impl Fn(&'c Clock) -> Option<&'c Due>,
) -> Map<String, Value> {
    let mut out = Map::new();
    for clock in clocks.clone() {
        let Some(sla) = policy.slas.get(clock.sla) else { continue };
        let Some(due) = time(clock).filter(|due| !matches!(due, Due::NoFigure)) else { continue };
        let several = clocks.clone().filter(|c| c.sla == clock.sla).count() > 1;
        let name = match &clock.refund {
            Some(refund) if several => format!("{} {refund}", sla.id),
            _ => sla.id.to_string(),
        };
        out.insert(name, due_text(due).into());
    }
    out
}

/// A due time as text: an instant, a day, a local time of a day; `None` when a calendar year is missing.
pub fn due_text(due: &Due) -> Option<String> {
    match due {
        Due::At(when) => Some(when.to_string()),
        Due::By(day) => Some(day.to_string()),
        Due::AtMinute(day, minute) => Some(format!("{day} {:02}:{:02}", minute / 60, minute % 60)),
        Due::NoFigure | Due::YearIsMissing { .. } => None,
    }
}

fn notices<'n>(policy: &Policy, missing: impl Iterator<Item = &'n MissingNotice>) -> Vec<Value> {
    let rows = missing.filter_map(|m| policy.notices.get(m.notice));
    rows.map(|row| json!({ "about": row.about, "cites": policy.ids(&row.cites) })).collect()
}
