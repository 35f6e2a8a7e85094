//! What was sold and paid, whom it concerns, and what else was claimed of it.

use replay::{
    case::Case,
    event::Kind,
    history::Cut,
    ids::ClaimId,
    money::{Amount, Currency},
};
use serde_json::Value;
use std::collections::BTreeMap;

use super::{
    Figure, Party, Payment, Person, Sale, SaleLine, Sibling, Told,
    gather::{Fact, Gathered, text},
    words::human,
};
use crate::view;

/// The order as it stands, with its payments.
pub(super) fn sale(g: &Gathered) -> Option<Sale> {
    let fact = g.facts.iter().find(|f| f.kind == Kind::OrderRecorded && f.stands())?;
    let currency = Currency::parse(&fact.word("currency")?).ok()?;
    let money = |minor: u64| text_of(minor, currency);
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_u64).unwrap_or(0);
    let inclusive = fact.word("tax_mode").as_deref() == Some("inclusive");
    let mut total = 0u64;
    let mut lines = Vec::new();
    for line in fact.value.get("lines").and_then(Value::as_array).into_iter().flatten() {
        let word = |name: &str| line.get(name).and_then(text).map(|t| t.text).unwrap_or_default();
        let (quantity, discount, tax) =
            (number(line, "quantity"), number(line, "line_discount_minor"), number(line, "tax_minor"));
        let price = number(line, "unit_price_minor");
        let net = price.saturating_mul(quantity).saturating_sub(discount);
        let sum = net.saturating_add(if inclusive { 0 } else { tax });
        total = total.saturating_add(sum);
        let serials = line.get("serials").and_then(Value::as_array);
        let period = match (line.get("period_from"), line.get("period_to")) {
            (Some(Value::String(from)), Some(Value::String(to))) => Some(format!("{from} to before {to}")),
            _ => None,
        };
        lines.push(SaleLine {
            id: word("id"),
            sku: word("sku"),
            description: Some(word("description")).filter(|d| !d.is_empty()),
            condition: human(&word("condition_sold")),
            quantity,
            unit_price: money(price),
            discount: (discount > 0).then(|| money(discount)),
            tax: money(tax),
            sum: money(sum),
            period,
            serials: serials.into_iter().flatten().filter_map(text).collect(),
        });
    }
    let mut extras = Vec::new();
    for (what, name, sign) in [
        ("discount on the order", "order_discount_minor", -1),
        ("shipping", "shipping_minor", 1),
        ("tax on shipping", "shipping_tax_minor", 1),
    ] {
        let minor = number(&fact.value, name);
        if minor == 0 {
            continue;
        }
        let counts = !(inclusive && name == "shipping_tax_minor");
        total = match (counts, sign) {
            (false, _) => total,
            (true, -1) => total.saturating_sub(minor),
            (true, _) => total.saturating_add(minor),
        };
        let amount = if sign < 0 { format!("-{}", money(minor)) } else { money(minor) };
        let minor = i64::try_from(minor).unwrap_or(i64::MAX).saturating_mul(sign);
        extras.push(Figure { what, minor, amount, from: String::new(), cites: Vec::new() });
    }
    let place = fact.value.get("ship_to").unwrap_or(&Value::Null);
    let place: Vec<String> = ["country", "subdivision"]
        .iter()
        .filter_map(|n| place.get(n).and_then(text))
        .map(|t| t.text)
        .collect();
    Some(Sale {
        order: g
            .timeline
            .iter()
            .find(|t| t.position == fact.position)?
            .stream
            .trim_start_matches("order/")
            .into(),
        purchased_at: fact.word("purchased_at").unwrap_or_default(),
        invoiced_on: fact.word("invoiced_on"),
        channel: human(&fact.word("channel").unwrap_or_default()),
        seller: fact.word("seller.name"),
        ship_to: place.join(", "),
        gift: fact.value.pointer("/gift/marked").and_then(Value::as_bool).unwrap_or(false),
        currency,
        tax_mode: if inclusive { "in the prices" } else { "beside the prices" }.into(),
        lines,
        extras,
        total: money(total),
        payments: payments(&g.facts),
        position: fact.position,
    })
}

fn payments(facts: &[Fact]) -> Vec<Payment> {
    let taken = facts.iter().filter(|f| f.kind == Kind::PaymentCaptured && f.stands());
    taken
        .map(|fact| Payment {
            id: fact.word("payment").unwrap_or_default(),
            on: fact.at(),
            minor: fact.value.pointer("/amount/minor").and_then(Value::as_u64).unwrap_or(0),
            amount: fact.amount("amount").unwrap_or_default(),
            method: fact.word("method_ref").unwrap_or_default(),
            position: fact.position,
        })
        .collect()
}

/// An amount with its currency.
pub(super) fn text_of(minor: u64, currency: Currency) -> String {
    Amount::new(minor, currency).map_or_else(|_| minor.to_string(), |a| a.to_string())
}

/// Buyer and recipient of a gift, as far as they are named.
pub(super) fn parties(g: &Gathered) -> Vec<Party> {
    let Some(fact) = g.facts.iter().find(|f| f.kind == Kind::OrderRecorded && f.stands()) else {
        return Vec::new();
    };
    let party = |part, at: &str| {
        view::at_path(&fact.value, at)?;
        let value = |name: &str| fact.text(&format!("{at}.{name}"));
        Some(Party {
            part,
            name: value("name"),
            email: value("email"),
            address: value("address"),
            phone: value("phone"),
            position: fact.position,
        })
    };
    [party("buyer", "buyer"), party("recipient of the gift", "gift.recipient")]
        .into_iter()
        .flatten()
        .collect()
}

/// Who recorded and approved what is told.
pub(super) fn people(timeline: &[Told]) -> Vec<Person> {
    let mut people: BTreeMap<&str, Person> = BTreeMap::new();
    fn person<'p, 't>(people: &'p mut BTreeMap<&'t str, Person>, id: &'t str) -> &'p mut Person {
        people.entry(id).or_insert_with(|| Person {
            id: id.into(),
            roles: Vec::new(),
            recorded: Vec::new(),
            approved: Vec::new(),
        })
    }
    for told in timeline {
        let actor = person(&mut people, &told.actor);
        if !actor.roles.contains(&told.role) {
            actor.roles.push(told.role.clone());
        }
        actor.recorded.push(told.position);
        if let Some(approver) = &told.approver {
            person(&mut people, approver).approved.push(told.position);
        }
    }
    people.into_values().collect()
}

/// Other claims on the same order: what they got counts against the same payment.
pub(super) fn siblings(case: &Case, id: &ClaimId, cut: &Cut) -> Vec<Sibling> {
    let others = case.claims.keys().filter(|other| *other != id);
    let rows = others.filter_map(|other| replay::books::rows(case, other, cut));
    rows.map(|rows| {
        let row = rows.board;
        Sibling {
            credited: format!("{} {}", view::money(row.credited_minor, &row.currency), row.currency),
            claim: row.claim,
            stage: human(&row.stage),
            reason: human(&row.reason),
            opened: row.opened_on,
        }
    })
    .collect()
}
