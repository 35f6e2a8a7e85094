//! Tables as CSV (RFC 4180): the subledger after the AICPA Audit Data Standard, Order to Cash, and one table for each
//! part of the report.

use super::{Report, entry::Entry, overrides::Granted};
use crate::view::money;

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it; text cells only.
pub fn guarded(text: &str) -> String {
    match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => format!("'{text}"),
        _ => text.to_owned(),
    }
}

/// A cell: text that people wrote, or a value of ours.
enum Cell {
    Text(String),
    Value(String),
}

fn text(value: impl ToString) -> Cell {
    Cell::Text(value.to_string())
}
fn value(value: impl ToString) -> Cell {
    Cell::Value(value.to_string())
}
fn amount(minor: u64, currency: &str) -> Cell {
    // Without a currency there is no amount.
    Cell::Value(if currency.is_empty() { String::new() } else { money(minor, currency) })
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let mut out = head.join(",");
    out.push_str("\r\n");
    for row in rows {
        let cells: Vec<String> = row
            .into_iter()
            .map(|cell| match cell {
                Cell::Text(text) => quoted(&guarded(&text)),
                Cell::Value(text) => quoted(&text),
            })
            .collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.into()
    }
}

/// Columns of the subledger; the names and their order are part of the format.
const SUBLEDGER: [&str; 26] = [
    "journal_id",
    "transaction_id",
    "transaction_type",
    "document_id",
    "customer_account_id",
    "business_unit_code",
    "order_id",
    "claim_id",
    "transaction_date",
    "transaction_time",
    "utc_offset",
    "entered_date",
    "entered_time",
    "fiscal_year",
    "period",
    "amount_credit_debit_indicator",
    "amount",
    "amount_currency",
    "entered_by",
    "entered_by_role",
    "approved_by",
    "source",
    "reference_number",
    "reason_code",
    "adjusts_journal_id",
    "standing",
];

pub(super) fn subledger(report: &Report) -> String {
    table(&SUBLEDGER, report.subledger.iter().map(entry))
}

fn entry(e: &Entry) -> Vec<Cell> {
    let at = e.effective_at.to_string();
    let time = at.get(11..19).unwrap_or_default();
    let offset = at.get(11..).and_then(|rest| rest.find(['Z', '+', '-']).and_then(|i| rest.get(i..)));
    let offset = match offset {
        None | Some("Z") => "+00:00",
        Some(offset) => offset,
    };
    let day = e.day.to_string();
    let (entered_date, entered_time) = (e.recorded_at.get(..10), e.recorded_at.get(11..19));
    vec![
        value(e.position),
        value(&e.event_id),
        value(e.transaction_type),
        text(&e.document_id),
        text(&e.customer),
        text(&e.merchant),
        text(&e.order),
        text(&e.claim),
        value(&day),
        value(time),
        value(offset),
        value(entered_date.unwrap_or_default()),
        value(entered_time.unwrap_or_default()),
        value(day.get(..4).unwrap_or_default()),
        value(day.get(5..7).unwrap_or_default()),
        value(e.indicator),
        amount(e.amount_minor, &e.currency),
        value(&e.currency),
        text(&e.entered_by),
        text(&e.role),
        text(&e.approved_by),
        text(&e.source),
        text(&e.reference),
        text(&e.reason),
        value(e.adjusts.map(|position| position.to_string()).unwrap_or_default()),
        value(e.standing),
    ]
}

pub(super) fn journal_tests(report: &Report) -> String {
    let head = [
        "test",
        "parameter",
        "journal_id",
        "transaction_id",
        "kind",
        "claim_id",
        "business_unit_code",
        "transaction_date",
        "amount",
        "amount_currency",
        "entered_by",
        "approved_by",
        "standing",
        "why",
    ];
    let rows = report.journal_tests.iter().flat_map(|found| {
        found.rows.iter().map(move |row| {
            vec![
                value(found.test),
                value(&found.parameter),
                value(row.position),
                value(&row.event_id),
                value(row.kind),
                text(&row.claim),
                text(&row.merchant),
                value(row.day),
                amount(row.amount_minor, &row.currency),
                value(&row.currency),
                text(&row.entered_by),
                text(&row.approved_by),
                value(row.standing),
                text(&row.why),
            ]
        })
    });
    table(&head, rows)
}

pub(super) fn overrides(report: &Report) -> String {
    let head = [
        "what",
        "journal_id",
        "of_journal_id",
        "claim_id",
        "date",
        "kind_or_point",
        "reason_code",
        "person",
        "approved_by",
        "count",
        "amount",
        "amount_currency",
    ];
    let none = || value("");
    let o = &report.overrides;
    let group = |what: &'static str, g: &Granted| {
        let (kind, reason, person) = (text(&g.what), text(&g.reason), text(&g.person));
        let sum = amount(g.amount_minor, &g.currency);
        let approver = none();
        vec![
            value(what),
            none(),
            none(),
            none(),
            none(),
            kind,
            reason,
            person,
            approver,
            value(g.count),
            sum,
            value(&g.currency),
        ]
    };
    let retried = o.retried.iter().map(|r| {
        let currency = r.currency.clone().unwrap_or_default();
        vec![
            value("retried"),
            value(r.position),
            value(r.refused_position),
            text(r.stream.split_once('/').map_or("", |(_, id)| id)),
            value(r.day),
            value(&r.kind),
            value(&r.reason),
            text(&r.actor),
            text(r.approver.clone().unwrap_or_default()),
            value(1),
            amount(r.amount_minor.unwrap_or_default(), &currency),
            value(currency),
        ]
    });
    let amended = o.amended.iter().map(|a| {
        vec![
            value(a.what),
            value(a.position),
            value(a.of_position),
            text(&a.claim),
            value(a.day),
            none(),
            text(&a.reason),
            text(&a.person),
            text(&a.approver),
            value(1),
            amount(a.amount_minor, &a.currency),
            value(&a.currency),
        ]
    });
    let approvals = o.approvals.iter().map(|g| group("approval", g));
    let discretion = o.discretion.iter().map(|g| group("discretion", g));
    let goodwill = o.goodwill.iter().map(|g| group("goodwill", g));
    table(&head, approvals.chain(discretion).chain(goodwill).chain(retried).chain(amended))
}

pub(super) fn duties(report: &Report) -> String {
    let head = [
        "what",
        "duty",
        "business_unit_code",
        "order_id",
        "claim_id",
        "refund_id",
        "since",
        "due",
        "met",
        "binds",
        "clauses",
    ];
    let clauses =
        |cites: &[replay::ids::Code]| text(cites.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" "));
    let late = report.late.iter().map(|row| {
        vec![
            value(row.state),
            text(&row.clock),
            text(&row.policy),
            text(&row.order),
            text(row.claim.as_ref().map(ToString::to_string).unwrap_or_default()),
            text(row.refund.as_ref().map(ToString::to_string).unwrap_or_default()),
            value(row.started),
            value(row.due.clone().unwrap_or_default()),
            value(row.met.map(|met| met.to_string()).unwrap_or_default()),
            value(row.firmness),
            clauses(&row.cites),
        ]
    });
    let missed = report.missed.iter().map(|row| {
        vec![
            value("missed_notice"),
            text(&row.about),
            text(&row.policy),
            text(&row.order),
            text(row.claim.as_ref().map(ToString::to_string).unwrap_or_default()),
            value(""),
            value(row.since),
            value(""),
            value(""),
            value(""),
            clauses(&row.cites),
        ]
    });
    table(&head, late.chain(missed))
}

pub(super) fn population(report: &Report) -> String {
    let p = &report.population;
    let mut rows = vec![
        vec![value("events"), value(""), value(p.events)],
        vec![value("first_position"), value(""), value(p.first_position)],
        vec![value("last_position"), value(""), value(p.last_position)],
        vec![value("first_recorded_at"), value(""), value(p.first_recorded_at.clone().unwrap_or_default())],
        vec![value("last_recorded_at"), value(""), value(p.last_recorded_at.clone().unwrap_or_default())],
        vec![value("root"), value(""), value(p.root)],
        vec![value("set_checksum"), value(""), value(p.set_checksum)],
    ];
    for (currency, t) in &p.control_totals {
        rows.push(vec![value("credits"), value(currency), value(t.credits)]);
        let sums = [
            ("credited_minor", t.credited_minor),
            ("reversed_minor", t.reversed_minor),
            ("failed_minor", t.failed_minor),
            ("stands_minor", t.stands_minor),
        ];
        rows.extend(sums.map(|(name, sum)| vec![value(name), value(currency), value(sum)]));
    }
    rows.extend(p.streams.iter().map(|(stream, n)| vec![value("stream"), value(stream), value(n)]));
    rows.extend(p.kinds.iter().map(|(kind, n)| vec![value("kind"), value(kind), value(n)]));
    table(&["measure", "of", "value"], rows.into_iter())
}
