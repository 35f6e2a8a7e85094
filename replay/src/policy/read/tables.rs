//! The tables one after the other: regions and windows first, because rows name them.

use alloc::{format, vec::Vec};
use serde_json::Value;

use super::{Reader, Row, RowName, named};
use crate::{
    allocate::BP_WHOLE,
    event::Party,
    policy::{
        Authorization, Chooser, Collect, Component, CostRule, Entitlement, Fee, Firmness, Info, Never,
        Notice, OnFail, PayoutRule, Rate, RefundTrace, Requirement, RequirementStage, Risk, Sla, VariantRule,
    },
};

/// Most rows of one table.
pub const TABLE_ROWS_MAX: usize = 500;
/// Highest priority of a cost.
const PRIORITY_MAX: i64 = 1_000;
/// Longest life of an authorization, in days: a century.
const VALID_DAYS_MAX: u64 = 36_500;

pub(super) fn read(r: &mut Reader, body: &Value) {
    named::read(r, body);
    each(r, body, "entitlement", |r, row| {
        let id = r.parsed(row, "id", "is a short name");
        let scope = r.scope(row);
        if !row.has("windows") {
            r.misfit(row, Some("windows"), "is missing; write [] when no period is stated");
        }
        let windows = r.window_list(row, "windows");
        let remedies = r.word_list(row, "remedies");
        let chooser = r.word(row, "chooser");
        let needs_discretion = r.point(row, "needs_discretion");
        let cites = r.cites(row, "cites");
        if !row.has("remedies") {
            r.misfit(row, Some("remedies"), "is missing: what the customer gets");
        }
        let id = r.required(row, "id", id)?;
        let chooser = r.required(row, "chooser", chooser).unwrap_or(Chooser::Customer);
        r.leftover(row).then(|| {
            r.policy.entitlements.push(Entitlement {
                id,
                scope,
                windows,
                remedies,
                chooser,
                needs_discretion,
                cites,
            })
        })
    });
    each(r, body, "requirement", |r, row| {
        let stage = r.word(row, "stage");
        let scope = r.scope(row);
        let needs = r.predicate(row, "needs");
        let on_fail = r.word(row, "on_fail");
        let then = r.text(row, "then");
        let point = r.point(row, "point");
        let alternative = r.parsed(row, "alternative", "is the id of a fee");
        let cites = r.cites(row, "cites");
        if then.as_deref().is_some_and(|then| then != "deny") {
            r.misfit(row, Some("then"), "can only be \"deny\"");
        }
        let on_fail = r.required(row, "on_fail", on_fail)?;
        if matches!(on_fail, OnFail::Discretion | OnFail::Partial) && point.is_none() {
            r.misfit(row, Some("point"), "is missing: a person decides, so say at which discretion point");
        }
        let stage = r.required(row, "stage", stage)?;
        let refuses = matches!(on_fail, OnFail::RefuseParcel | OnFail::RefuseItem);
        match stage {
            // What is asked at the dock decides about the parcel; money is decided by the other stages.
            RequirementStage::Receive if !refuses && on_fail != OnFail::Note => {
                r.misfit(row, Some("on_fail"), "at stage receive is refuse_parcel, refuse_item or note");
            }
            RequirementStage::Receive => {}
            _ if refuses => r.misfit(row, Some("on_fail"), "refuses goods, which only stage receive can do"),
            _ => {}
        }
        let needs = r.required(row, "needs", needs)?;
        let requirement = Requirement {
            stage,
            scope,
            needs,
            on_fail,
            then_deny: then.is_some(),
            point,
            alternative,
            cites,
        };
        r.leftover(row).then(|| r.policy.requirements.push(requirement))
    });
    each(r, body, "variant", |r, row| {
        let remedy = r.word(row, "remedy");
        let window = r.text(row, "window").and_then(|name| r.window(row, "window", &name));
        let (pass, fail) = (r.word(row, "pass"), r.word(row, "fail"));
        let point = r.point(row, "point");
        let cites = r.cites(row, "cites");
        let rule = VariantRule {
            remedy: r.required(row, "remedy", remedy)?,
            window: r.required(row, "window", window)?,
            pass: r.required(row, "pass", pass)?,
            fail: r.required(row, "fail", fail)?,
            point,
            cites,
        };
        r.leftover(row).then(|| r.policy.variants.push(rule))
    });
    each(r, body, "fee", fee);
    each(r, body, "component", |r, row| {
        let component = r.text(row, "component");
        if component.as_deref() != Some("outbound_shipping") {
            r.misfit(
                row,
                Some("component"),
                "can only be \"outbound_shipping\": price and tax are always paid back (H-13)",
            );
        }
        let scope = r.scope(row);
        let refundable = r.flag(row, "refundable");
        let cites = r.cites(row, "cites");
        let refundable = r.required(row, "refundable", refundable)?;
        r.leftover(row).then(|| r.policy.components.push(Component { scope, refundable, cites }))
    });
    each(r, body, "cost", |r, row| {
        let cost = r.parsed(row, "cost", "is the name of a cost");
        let priority = match row.ask("priority") {
            None => 0,
            Some(value) => value.as_i64().filter(|n| (0..=PRIORITY_MAX).contains(n)).unwrap_or_else(|| {
                r.misfit(row, Some("priority"), format!("is a whole number from 0 to {PRIORITY_MAX}"));
                0
            }),
        };
        let scope = r.scope(row);
        let payer = r.word(row, "payer");
        let collect = r.word(row, "collect");
        let reimburse = r.flag(row, "reimburse").unwrap_or(false);
        let after = r.text(row, "reimburse_after");
        let cites = r.cites(row, "cites");
        receipt_only(r, row, "reimburse_after", after.as_deref());
        let cost = r.required(row, "cost", cost)?;
        let payer = r.required(row, "payer", payer)?;
        match (payer, collect) {
            (Party::Customer, None) => {
                r.misfit(row, Some("collect"), "is missing: how the merchant gets it from the customer");
            }
            (Party::Merchant, Some(_)) => {
                r.misfit(
                    row,
                    Some("collect"),
                    "has no place here: nothing is collected when the merchant pays",
                );
            }
            _ => {}
        }
        if after.is_some() && !row.has("reimburse") {
            r.misfit(row, Some("reimburse_after"), "needs reimburse = true or false beside it");
        }
        let collect = collect.unwrap_or(Collect::Deduct);
        let rule = CostRule {
            cost,
            priority,
            scope,
            payer,
            collect,
            reimburse,
            after_receipt: after.is_some(),
            cites,
        };
        r.leftover(row).then(|| r.policy.costs.push(rule))
    });
    each(r, body, "never", |r, row| {
        let cost = r.parsed(row, "cost", "is the name of a cost");
        let cites = r.cites(row, "cites");
        let cost = r.required(row, "cost", cost)?;
        r.leftover(row).then(|| r.policy.nevers.push(Never { cost, cites }))
    });
    each(r, body, "payout", |r, row| {
        let when = r.predicate(row, "when");
        let to = r.text(row, "to");
        let after = r.text(row, "after");
        let cites = r.cites(row, "cites");
        receipt_only(r, row, "after", after.as_deref());
        let to = r.required(row, "to", to)?;
        if !["original_method", "original_method:giver", "gift_credit:recipient"].contains(&to.as_str()) {
            r.misfit(row, Some("to"), "is original_method, original_method:giver or gift_credit:recipient");
        }
        r.leftover(row)
            .then(|| r.policy.payouts.push(PayoutRule { when, to, after_receipt: after.is_some(), cites }))
    });
    one(r, body, "authorization", authorization);
    one(r, body, "risk", |r, row| {
        if !row.has("inbound_until_received") {
            r.misfit(row, Some("inbound_until_received"), "is missing: customer or merchant");
        }
        let risk = Risk {
            inbound_until_received: r.word(row, "inbound_until_received"),
            after_received: r.word(row, "after_received"),
            cites: r.cites(row, "cites"),
        };
        r.leftover(row).then(|| r.policy.risk = Some(risk))
    });
    one(r, body, "refund_trace", |r, row| {
        let attest = r.names(row, "attest");
        if attest.is_empty() {
            r.misfit(row, Some("attest"), "is missing: the steps, in order");
        }
        if !matches!(r.text(row, "on_missing").as_deref(), Some("note" | "hold")) {
            r.misfit(row, Some("on_missing"), "is \"note\" or \"hold\"");
        }
        let cites = r.cites(row, "cites");
        r.leftover(row).then(|| r.policy.refund_trace = Some(RefundTrace { attest, cites }))
    });
    each(r, body, "sla", |r, row| {
        let id = r.parsed(row, "id", "is a short name");
        let scope = r.scope(row);
        let from = r.signal(row, "from");
        let to = r.signals(row, "to");
        let (within, expect) = (r.limit(row, "within"), r.limit(row, "expect"));
        let firmness = r.word(row, "firmness");
        let cites = r.cites(row, "cites");
        if !row.has("to") {
            r.misfit(row, Some("to"), "is missing: the event that stops the clock");
        }
        match (firmness, within, expect) {
            (Some(Firmness::Unquantified), None, None) => {}
            (Some(Firmness::Unquantified), ..) => {
                r.misfit(row, Some("firmness"), "is unquantified, but there is a figure");
            }
            (Some(_), None, _) => r.misfit(row, Some("within"), "is missing, or firmness is unquantified"),
            _ => {}
        }
        let sla = Sla {
            id: r.required(row, "id", id)?,
            scope,
            from: r.required(row, "from", from)?,
            to,
            within,
            expect,
            firmness: r.required(row, "firmness", firmness)?,
            cites,
        };
        r.leftover(row).then(|| r.policy.slas.push(sla))
    });
    each(r, body, "notice", |r, row| {
        let on = r.signal(row, "on");
        let channel = r.word(row, "channel");
        let (to, topic) = (r.text(row, "to"), r.text(row, "topic"));
        if to.as_deref().is_some_and(|to| !["buyer", "giver", "recipient"].contains(&to)) {
            r.misfit(row, Some("to"), "is buyer, giver or recipient");
        }
        let cites = r.cites(row, "cites");
        let on = r.required(row, "on", on)?;
        let about = format!("{on}");
        r.leftover(row).then(|| r.policy.notices.push(Notice { on, about, channel, to, topic, cites }))
    });
    each(r, body, "discretion", named::discretion);
    each(r, body, "info", |r, row| {
        let on = r.signal(row, "on");
        let topics = r.some_texts(row, "topics");
        if !row.has("topics") {
            r.misfit(row, Some("topics"), "is missing: what is told");
        }
        let cites = r.cites(row, "cites");
        let on = r.required(row, "on", on)?;
        r.leftover(row).then(|| r.policy.infos.push(Info { on, topics, cites }))
    });
}

fn fee(r: &mut Reader, row: &mut Row<'_>) -> Option<()> {
    let id = r.parsed(row, "id", "is a short name");
    let scope = r.scope(row);
    let (when, waive_when) = (r.predicate(row, "when"), r.predicate(row, "waive_when"));
    let (bp, fixed) = (r.number(row, "percent_bp"), r.money(row, "fixed"));
    let base = r.text(row, "base");
    let windows_any = r.window_list(row, "windows_any");
    if windows_any.is_empty() && row.has("windows_any") {
        r.misfit(row, Some("windows_any"), "is a list without an entry; leave it out, or name what is meant");
    }
    let needs_discretion = r.point(row, "needs_discretion");
    let collect = r.word(row, "collect");
    let (cites, waiver_cites) = (r.cites(row, "cites"), r.cites(row, "waiver_cites"));
    let bp = bp.and_then(|bp| u32::try_from(bp).ok().filter(|bp| *bp <= BP_WHOLE));
    let rate = match (bp, fixed) {
        (Some(bp), None) => {
            if base.as_deref() != Some("unit_net") {
                r.misfit(row, Some("base"), "is missing: a percentage is taken of \"unit_net\"");
            }
            Some(Rate::PercentBp(bp))
        }
        (None, Some(amount)) => Some(Rate::Fixed(amount)),
        _ => {
            r.misfit(
                row,
                Some("percent_bp"),
                "or fixed is needed, one of the two; a percentage is at most 10000",
            );
            None
        }
    };
    if base.is_some() && row.has("fixed") && !row.has("percent_bp") {
        r.misfit(row, Some("base"), "has no place beside a fixed amount");
    }
    if row.has("waive_when") != row.has("waiver_cites") {
        r.misfit(row, Some("waiver_cites"), "and waive_when go together: a waiver cites its clause");
    }
    let id = r.required(row, "id", id)?;
    let collect = collect.unwrap_or(Collect::Deduct);
    let rate = rate?;
    let fee = Fee {
        id,
        scope,
        when,
        waive_when,
        rate,
        windows_any,
        needs_discretion,
        collect,
        cites,
        waiver_cites,
    };
    r.leftover(row).then(|| r.policy.fees.push(fee))
}

fn authorization(r: &mut Reader, row: &mut Row<'_>) -> Option<()> {
    let written = r.text(row, "written_counts_for");
    let outside = r.text(row, "separate_process_outside");
    let closes = r.some_texts(row, "closes_on");
    let mut closes_on = Vec::new();
    for kind in closes {
        match kind.parse() {
            Ok(kind) => closes_on.push(kind),
            Err(why) => r.misfit(row, Some("closes_on"), format!("{why}")),
        }
    }
    let required = r.flag(row, "required");
    let valid_days = r.number(row, "valid_days");
    if valid_days.is_some_and(|days| !(1..=VALID_DAYS_MAX).contains(&days)) {
        let why = format!("is 1 to {VALID_DAYS_MAX}; leave it out when no expiry is stated");
        r.misfit(row, Some("valid_days"), why);
    }
    let authorization = Authorization {
        required: r.required(row, "required", required)?,
        number_on_parcel: r.flag(row, "number_on_parcel").unwrap_or(false),
        items_exact: r.flag(row, "items_exact").unwrap_or(false),
        closes_on,
        valid_days: valid_days.unwrap_or(0),
        written_counts_for: written.and_then(|name| r.window(row, "written_counts_for", &name)),
        separate_process_outside: outside.and_then(|name| r.region(row, "separate_process_outside", &name)),
        cites: r.cites(row, "cites"),
    };
    r.leftover(row).then(|| r.policy.authorization = authorization)
}

/// The only moment that repaying or paying out can wait for.
fn receipt_only(r: &mut Reader, row: &mut Row<'_>, field: &'static str, text: Option<&str>) {
    if text.is_some_and(|text| text != "parcel_received") {
        r.misfit(row, Some(field), "can only be \"parcel_received\"");
    }
}

fn each(
    r: &mut Reader,
    body: &Value,
    table: &'static str,
    read: impl Fn(&mut Reader, &mut Row<'_>) -> Option<()>,
) {
    let rows = match body.get(table) {
        None => return,
        Some(Value::Array(rows)) => rows,
        Some(_) => return r.misfit(&mut Row::new(table, None, None), None, "is a list of rows"),
    };
    for (at, value) in rows.iter().enumerate().take(TABLE_ROWS_MAX) {
        let mut row = Row::new(table, Some(RowName::Number(at)), Some(value));
        read(r, &mut row);
    }
    if rows.len() > TABLE_ROWS_MAX {
        // Left out without a word it would be a policy that nobody wrote.
        let mut row = Row::new(table, Some(RowName::Number(TABLE_ROWS_MAX)), None);
        r.misfit(&mut row, None, format!("is one row too many: a table has at most {TABLE_ROWS_MAX}"));
    }
}

fn one(
    r: &mut Reader,
    body: &Value,
    table: &'static str,
    read: impl Fn(&mut Reader, &mut Row<'_>) -> Option<()>,
) {
    if let Some(value) = body.get(table) {
        read(r, &mut Row::new(table, None, Some(value)));
    }
}
