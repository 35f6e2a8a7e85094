//! What a judge reads first: what was claimed, what was decided, what was paid, under which clauses.

use replay::{
    case::Case,
    claim::{ClaimState, Credit, CreditStatus},
    event::Kind,
    money::Currency,
    policy::Clause,
    registry::Version,
    time::When,
    units::Units,
};
use std::collections::BTreeMap;

use super::{
    Charge, Chargeback, Claimed, ClausePart, Decided, Figure, Paid, Pinned, PolicyPart, Summary,
    gather::{Fact, Gathered},
    sale::text_of,
    words::human,
};
use crate::{
    judging::explain::{self, Explanation},
    view,
};

pub(super) fn summary(
    state: &ClaimState,
    case: &Case,
    explanation: Option<&Explanation>,
    policy: Option<&PolicyPart>,
    g: &Gathered,
) -> Summary {
    let fact = |kind: Kind| g.facts.iter().find(|f| f.kind == kind && f.stands());
    let sale = fact(Kind::OrderRecorded);
    let currency = state.currency().or_else(|| Currency::parse(&sale?.word("currency")?).ok());
    let flags = [
        (state.escalated, "escalated"),
        (state.disputed, "disputed"),
        (state.reopened > 0, "reopened"),
        (state.withdrawn, "withdrawn"),
        (state.overpaid_minor() > 0, "overpaid"),
        (state.historical, "a credit from before the ledger"),
    ];
    let stage = human(state.stage().as_str());
    let headline = match explanation {
        Some(e) => explain::headline(e),
        None => format!("Claim {}: {stage}.", state.id),
    };
    let merchant =
        sale.and_then(|f| f.word("policy")).or_else(|| state.merchant.as_ref().map(ToString::to_string));
    Summary {
        headline,
        merchant: merchant.unwrap_or_default(),
        merchant_name: policy.map(|p| p.name.clone()),
        customer: sale.and_then(|f| f.text("buyer.name")),
        stage,
        flags: flags.iter().filter(|(on, _)| *on).map(|(_, word)| (*word).into()).collect(),
        currency,
        claimed: fact(Kind::ClaimOpened).map(|f| claimed(f, sale, explanation)),
        figures: currency.map(|c| figures(state, case, explanation, c, g)).unwrap_or_default(),
        decided: decided(&g.facts),
        paid: state.credits.iter().map(|(id, credit)| paid(id.as_str(), credit, g)).collect(),
        charges: state
            .charges
            .iter()
            .map(|(id, charge)| Charge {
                id: id.to_string(),
                what: human(charge.what.as_str()),
                amount: charge.amount.to_string(),
                paid: text_of(charge.paid_minor, charge.amount.currency()),
                waived: charge.waived,
                since: charge.since.to_string(),
            })
            .collect(),
        chargebacks: chargebacks(state, &g.facts),
    }
}

fn claimed(fact: &Fact, sale: Option<&Fact>, explanation: Option<&Explanation>) -> Claimed {
    let word = |name: &str| human(&fact.word(name).unwrap_or_default());
    let runs = fact.list("units");
    let units = Units::parse_loose(runs.iter().map(String::as_str)).unwrap_or_default();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for (line, first, last) in units.ranges() {
        let count = counts.entry(line.as_str()).or_default();
        *count = count.saturating_add(last.saturating_sub(first).saturating_add(1));
    }
    let goods = counts.iter().map(|(line, count)| {
        let lines = sale.and_then(|s| s.value.get("lines")?.as_array());
        let sold =
            lines.into_iter().flatten().find(|l| l.get("id").and_then(|id| id.as_str()) == Some(*line));
        let word = |name: &str| sold.and_then(|l| super::gather::text(l.get(name)?)).map(|t| t.text);
        let what = word("description").or_else(|| word("sku")).unwrap_or_else(|| (*line).into());
        format!("{count} \u{D7} {what}")
    });
    let asserted = word("asserted");
    let mut bases: Vec<String> =
        explanation.iter().flat_map(|e| e.units.iter().map(|u| human(&u.basis))).collect();
    bases.dedup();
    bases.retain(|basis| *basis != asserted);
    Claimed {
        on: fact.at(),
        by: word("by"),
        via: word("via"),
        reason: asserted,
        units: fact.units(),
        goods: goods.collect(),
        words: fact.text("text"),
        established: (!bases.is_empty()).then(|| bases.join(", ")),
        position: fact.position,
    }
}

fn figures(
    state: &ClaimState,
    case: &Case,
    explanation: Option<&Explanation>,
    currency: Currency,
    g: &Gathered,
) -> Vec<Figure> {
    let figure = |what, minor: i64, from: &str, cites: &[String]| {
        let amount = text_of(minor.unsigned_abs(), currency);
        let amount = if minor < 0 { format!("-{amount}") } else { amount };
        Figure { what, minor, amount, from: from.into(), cites: cites.into() }
    };
    let signed = |minor: u64| i64::try_from(minor).unwrap_or(i64::MAX);
    let mut list = Vec::new();
    let payments = g.facts.iter().filter(|f| f.kind == Kind::PaymentCaptured && f.stands()).count();
    if case.order.is_some() {
        let taken = g.facts.iter().filter(|f| f.kind == Kind::PaymentCaptured && f.stands());
        let minor =
            taken.filter_map(|f| f.value.pointer("/amount/minor")?.as_u64()).fold(0, u64::saturating_add);
        let from = format!("{payments} {}", if payments == 1 { "payment" } else { "payments" });
        list.push(figure("taken for the order", signed(minor), &from, &[]));
    }
    if let Some(e) = explanation {
        let mut cites: Vec<String> = e.lines.iter().flat_map(|l| l.cites.iter().cloned()).collect();
        cites.sort();
        cites.dedup();
        list.push(figure("owed under the policy", signed(e.payable_minor), "cent by cent below", &cites));
    }
    // A credit from before the ledger counts outside of every judgement.
    let credits: Vec<&Credit> = state.credits.values().filter(|c| c.is_effective()).collect();
    let sum = credits.iter().fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()));
    let paid = explanation.map_or(sum, |e| e.refunded_minor);
    let from = format!("{} {}", credits.len(), if credits.len() == 1 { "credit" } else { "credits" });
    list.push(figure("paid to the customer", signed(paid), &from, &[]));
    if let Some(e) = explanation {
        if e.charged_back_minor > 0 {
            list.push(figure(
                "taken back by the bank",
                signed(e.charged_back_minor),
                "open and lost chargebacks",
                &[],
            ));
        }
        let open = e.open_minor;
        let (what, from) = match open {
            ..0 => ("went out beyond what is owed", "paid and charged back less owed"),
            _ => ("still open", "owed less paid and charged back"),
        };
        list.push(figure(what, open.saturating_abs(), from, &[]));
    }
    list
}

fn decided(facts: &[Fact]) -> Vec<Decided> {
    let decisions =
        facts.iter().filter(|f| matches!(f.kind, Kind::RemedyDecided | Kind::AuthorizationDenied));
    decisions
        .map(|fact| Decided {
            on: fact.at(),
            by: fact.actor.clone(),
            approver: fact.approver.clone(),
            remedy: fact.word("remedy").map_or_else(|| "denied".into(), |r| human(&r)),
            units: fact.units(),
            amount: fact.amount("entitlement"),
            reason: fact.word("reason_code").map(|r| human(&r)),
            cites: fact.list("cites"),
            standing: fact.standing,
            position: fact.position,
        })
        .collect()
}

fn paid(id: &str, credit: &Credit, g: &Gathered) -> Paid {
    let event = credit.event_id.to_string();
    let position = g.events.get(&event).map_or(0, |(position, ..)| *position);
    let fact = g.facts.iter().find(|f| f.position == position);
    let (status, on): (&str, Option<When>) = match (credit.reversed, credit.status) {
        (Some(on), _) => ("reversed", Some(on)),
        (None, CreditStatus::Posted) => ("posted", credit.posted),
        (None, CreditStatus::Failed) => ("failed", credit.failed),
        (None, CreditStatus::Issued) => ("issued", None),
    };
    Paid {
        id: id.into(),
        kind: human(credit.kind.as_str()),
        minor: credit.amount.minor(),
        amount: credit.amount.to_string(),
        to: credit.to.map(|to| human(to.as_str())),
        method: fact.and_then(|f| f.word("payout.method_ref")),
        issued: credit.issued.to_string(),
        by: fact.map(|f| f.actor.clone()).unwrap_or_default(),
        approver: fact.and_then(|f| f.approver.clone()),
        status: status.into(),
        status_on: on.map(|on| on.to_string()),
        position,
    }
}

fn chargebacks(state: &ClaimState, facts: &[Fact]) -> Vec<Chargeback> {
    let opened = facts.iter().filter(|f| f.kind == Kind::ChargebackOpened && f.stands());
    opened
        .map(|fact| {
            let reference = fact.word("psp_ref").unwrap_or_default();
            let found = state.chargebacks.iter().find(|(name, _)| name.as_str() == reference);
            Chargeback {
                amount: fact.amount("amount").unwrap_or_default(),
                reason: human(&fact.word("reason_code").unwrap_or_default()),
                opened: fact.at(),
                result: match found.and_then(|(_, (_, won))| *won) {
                    None => "open",
                    Some(true) => "won",
                    Some(false) => "lost",
                },
                position: fact.position,
                reference,
            }
        })
        .collect()
}

/// The version that governs, with its clauses, and what the claim's own events say of it.
pub(super) fn policy(version: &Version, explanation: Option<&Explanation>, g: &Gathered) -> PolicyPart {
    let position = version.position.get();
    let published = g.timeline.iter().find(|t| t.position == position);
    let sale = g.facts.iter().find(|f| f.kind == Kind::OrderRecorded && f.stands());
    let explained = explanation.into_iter().flat_map(|e| e.clauses.iter().map(|c| c.id.clone()));
    let cited: Vec<String> = explained.chain(g.facts.iter().flat_map(|fact| fact.list("cites"))).collect();
    let policy = &version.policy;
    let part = |(at, c): (usize, &replay::policy::ClauseText)| {
        let house = Clause::at(at).is_some_and(Clause::is_house);
        let clause =
            ClausePart { id: c.id.clone(), paraphrase: c.paraphrase.clone(), cited: cited.contains(&c.id) };
        (house, clause)
    };
    let (house, own): (Vec<_>, Vec<_>) =
        policy.clauses.iter().enumerate().map(part).partition(|(house, _)| *house);
    let body = g.events.values().find(|(at, ..)| *at == position).map(|(_, _, value, _)| value);
    let document = body.and_then(|v| v.pointer("/body/policy/source/sha256")?.as_str());
    let purchased = sale.and_then(|f| When::parse(&f.word("purchased_at")?).ok());
    let pinned = g.facts.iter().filter_map(|fact| {
        let sha256 = view::at_path(&fact.value, "policy_sha256")?.as_str()?;
        Some(Pinned {
            position: fact.position,
            kind: human(fact.kind.as_str()),
            sha256: sha256.into(),
            same: sha256 == version.sha256.to_string(),
        })
    });
    PolicyPart {
        id: sale.and_then(|f| f.word("policy")).unwrap_or_default(),
        version: version.version,
        name: version.name.clone(),
        effective_from: version.effective_from,
        sha256: version.sha256,
        document_sha256: document.map(Into::into),
        published_at: published.map(|t| t.recorded.clone()).unwrap_or_default(),
        position,
        published_before_purchase: purchased.map(|at| version.recorded_at <= at.at),
        pinned: pinned.collect(),
        clauses: own.into_iter().map(|(_, clause)| clause).collect(),
        house_rules: house.into_iter().map(|(_, clause)| clause).filter(|clause| clause.cited).collect(),
    }
}
