//! show: a claim or an order as it stands, or stood.

mod kept;

use clap::Args;
use replay::{
    books::{BoardRow, RefusalRow},
    history::Cut,
    ids::{ClaimId, OrderId, Stream},
};
use serde_json::Value;

use super::{
    common::Common,
    output::{Output, money, table},
    views::Moment,
};
use crate::{
    answers::{self, stream_of},
    error::{Error, Result},
    store::sqlite::SqliteStore,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims show C1
  claims show C1 --as-of 120          what it was after event 120
  claims show C1 --known-at 2024-05-01T00:00:00Z
  claims show order/O1 --json")]
pub struct ShowArgs {
    /// The claim (or order/ID)
    id: String,
    #[command(flatten)]
    moment: Moment,
}

impl ShowArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let stream = stream_of(&mut store, &self.id)?;
        match &stream {
            Stream::Claim(id) => self.claim(&mut store, id, out),
            Stream::Order(id) => order(&mut store, id, &self.moment.cut(), out),
            Stream::Ledger => Err(Error::not_found("the ledger stream is shown by claims policy list")),
        }
    }

    fn claim(&self, store: &mut SqliteStore, id: &ClaimId, out: Output) -> Result<()> {
        let shown = answers::claim(store, id, &self.moment.cut())?;
        out.say(&shown.answer, || {
            let text = claim_text(&shown.answer, &shown.board, &shown.refused, shown.revision);
            format!("{text}{}\nnext: claims timeline {id}", kept::text(&shown.kept))
        })
    }
}

pub(super) fn word<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    path.iter().try_fold(value, |v, step| v.get(step)).and_then(Value::as_str).unwrap_or("-")
}

pub(super) fn amount(value: &Value) -> String {
    let minor = value.get("minor").and_then(Value::as_u64).unwrap_or(0);
    money(minor, word(value, &["currency"]))
}

fn entries<'a>(value: &'a Value, name: &str) -> Vec<(&'a str, &'a Value)> {
    let map = value.get(name).and_then(Value::as_object);
    map.into_iter().flatten().map(|(k, v)| (k.as_str(), v)).collect()
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(super) fn words(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        _ => String::new(),
    }
}

fn claim_text(detail: &Value, board: &BoardRow, refused: &[RefusalRow], revision: u64) -> String {
    let mut text = String::new();
    let flags =
        if board.flags.is_empty() { String::new() } else { format!(", {}", board.flags.replace(' ', ", ")) };
    text.push_str(&format!("Claim {}: {}{flags}\n", board.claim, board.stage));
    let order = board.order.as_deref().map(|o| format!("order {o} of ")).unwrap_or_default();
    text.push_str(&format!("  {order}{}, {}, {}\n", board.merchant, board.reason, board.country));
    text.push_str(&format!("  opened {}, revision {revision}\n", board.opened_on));
    let money_of = |name: &str| amount(detail.pointer(&format!("/money/{name}")).unwrap_or(&Value::Null));
    text.push_str(&format!(
        "\nMoney ({}): owed {}, credited {}, open {}",
        board.currency,
        money(board.owed_minor, &board.currency),
        money(board.credited_minor, &board.currency),
        money(board.open_minor, &board.currency)
    ));
    let overpaid = detail.pointer("/money/overpaid/minor").and_then(Value::as_u64).unwrap_or(0);
    text.push_str(&if overpaid > 0 { format!(", overpaid {}\n", money_of("overpaid")) } else { "\n".into() });
    let counts = [
        ("claimed", board.units_claimed),
        ("announced", board.units_announced),
        ("authorised", board.units_authorized),
        ("received", board.units_received),
        ("accepted", board.units_accepted),
        ("refunded", board.units_refunded),
    ];
    let counts: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    text.push_str(&format!("Units: {}\n", counts.join(", ")));
    for unit in list(detail, "units") {
        let mut row = format!("  {:<14} {}", word(unit, &["units"]), word(unit, &["stage"]));
        for name in ["remedy", "variant", "disposition"] {
            if let Some(found) = unit.get(name).and_then(Value::as_str) {
                row.push_str(&format!(", {name} {found}"));
            }
        }
        if let Some(defect) = unit.pointer("/findings/defect").and_then(Value::as_str) {
            row.push_str(&format!(", defect {defect}"));
        }
        text.push_str(&row);
        text.push('\n');
    }
    section(
        &mut text,
        "Decisions",
        list(detail, "decisions").iter().map(|d| {
            let cites = words(d.get("cites").unwrap_or(&Value::Null));
            let entitled = d.get("entitlement").map(amount).unwrap_or_default();
            format!(
                "{} for {}, entitled to {entitled}  [{cites}]",
                word(d, &["remedy"]),
                words(d.get("units").unwrap_or(&Value::Null))
            )
        }),
    );
    section(
        &mut text,
        "Credits",
        entries(detail, "credits").into_iter().map(|(id, c)| {
            let status = if c.get("reversed").is_some() { "reversed" } else { word(c, &["status"]) };
            format!(
                "{id}: {} {}, {status}, issued {}",
                word(c, &["kind"]),
                c.get("amount").map(amount).unwrap_or_default(),
                word(c, &["issued"])
            )
        }),
    );
    section(
        &mut text,
        "Charges to the customer",
        entries(detail, "charges").into_iter().map(|(id, c)| {
            let waived = c.get("waived").and_then(Value::as_bool).unwrap_or(false);
            let paid = c.get("paid").map(amount).unwrap_or_default();
            format!(
                "{id}: {} {}, {}",
                word(c, &["what"]),
                c.get("amount").map(amount).unwrap_or_default(),
                if waived { "waived".into() } else { format!("paid {paid}") }
            )
        }),
    );
    section(
        &mut text,
        "Costs",
        list(detail, "costs").iter().map(|c| {
            format!(
                "{} {} paid by {}",
                word(c, &["cost"]),
                c.get("amount").map(amount).unwrap_or_default(),
                word(c, &["paid_by"])
            )
        }),
    );
    section(
        &mut text,
        "RMA",
        entries(detail, "rmas").into_iter().map(|(id, r)| {
            format!("{id}: {} for {}", word(r, &["status"]), words(r.get("units").unwrap_or(&Value::Null)))
        }),
    );
    section(
        &mut text,
        "Parcels",
        entries(detail, "parcels").into_iter().map(|(id, p)| {
            let scan = word(p, &["last_scan", "status"]);
            let check = p
                .pointer("/tracking_check/verdict")
                .and_then(Value::as_str)
                .map(|v| format!(", tracking {v}"))
                .unwrap_or_default();
            format!(
                "{id}: {} by {}, {}{check}",
                word(p, &["leg"]),
                word(p, &["carrier"]),
                if scan == "-" { "no scan" } else { scan }
            )
        }),
    );
    section(
        &mut text,
        "Evidence",
        entries(detail, "evidence").into_iter().map(|(kind, holds)| {
            format!("{kind}: {}", if holds == &Value::Bool(true) { "there" } else { "does not hold" })
        }),
    );
    section(
        &mut text,
        "Chargebacks",
        entries(detail, "chargebacks").into_iter().map(|(id, c)| {
            format!("{id}: {} {}", c.get("amount").map(amount).unwrap_or_default(), word(c, &["result"]))
        }),
    );
    section(
        &mut text,
        "Refused acts",
        refused
            .iter()
            .map(|r| format!("{}: {} ({}) at position {}", r.kind, r.message, r.reason, r.position)),
    );
    text
}

pub(super) fn section(text: &mut String, title: &str, rows: impl Iterator<Item = String>) {
    let rows: Vec<String> = rows.collect();
    if !rows.is_empty() {
        text.push_str(&format!("{title}:\n"));
        for row in rows {
            text.push_str(&format!("  {row}\n"));
        }
    }
}

fn order(store: &mut SqliteStore, id: &OrderId, cut: &Cut, out: Output) -> Result<()> {
    let (answer, beside) = answers::order(store, id, cut)?;
    let of = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
    out.say(&answer, || {
        let currency = word(&answer, &["currency"]);
        let mut text = format!(
            "Order {id}: {}, bought {}\n  captured {} {currency}, shipping {}, revision {}\n\n",
            word(&answer, &["policy"]),
            word(&answer, &["purchased_at"]),
            money(of("captured_minor"), currency),
            money(of("shipping_minor"), currency),
            of("revision"),
        );
        let rows: Vec<Vec<String>> = list(&answer, "lines")
            .iter()
            .map(|l| {
                let value = l.get("value_minor").and_then(Value::as_u64).unwrap_or(0);
                vec![
                    word(l, &["line"]).into(),
                    word(l, &["sku"]).into(),
                    words(l.get("units").unwrap_or(&Value::Null)),
                    money(value, currency),
                ]
            })
            .collect();
        text.push_str(&table(&["line", "article", "units", "price and tax>"], &rows));
        for claim in list(&answer, "claims") {
            text.push_str(&format!("\nclaim {}: {}", word(claim, &["claim"]), word(claim, &["stage"])));
        }
        let beside = kept::text(&beside);
        if !beside.is_empty() {
            text.push_str(&format!("\n{beside}"));
        }
        text
    })
}
