//! The tables one after the other: regions and windows first, because rows name them.

use super::{
    AmountBound, Authorization, BP_WHOLE, Collect, Component, DiscretionPoint, Fee, Info, Notice, Place,
    Rate, Reader, RefundTrace, Region, Requirement, Risk, Row, RowName, Sla, Value, VariantRule, Window,
};
use crate::policy::{Alternative, Chooser, CostRule, Entitlement, Misfit, Never, OnFail, PayoutRule, Period};
use alloc::{format, string::String, vec::Vec};

/// Most rows of one table.
pub const TABLE_ROWS_MAX: usize = 500;

pub(super) fn read(r: &mut Reader, body: &Value) {
    for (name, value) in named(body, "regions") {
        let mut row = Row::new("regions", Some(RowName::Name(name.into())), Some(value));
        let region = Region {
            name: name.into(),
            include: r.texts(&mut row, "include"),
            exclude: r.texts(&mut row, "exclude"),
            cites: r.cites(&mut row, "cites"),
        };
        r.leftover(&mut row);
        r.regions.insert(name.into(), r.policy.regions.len());
        r.policy.regions.push(region);
    }
    for (name, value) in named(body, "windows") {
        window(r, name, value);
    }
    each(r, body, "entitlement", |r, row| {
        let id = r.parsed(row, "id", "is a short name");
        let scope = r.scope(row);
        let windows = r.window_list(row, "windows");
        let remedies = r.word_list(row, "remedies");
        let chooser = r.word(row, "chooser");
        let needs_discretion = r.parsed(row, "needs_discretion", "is the name of a discretion point");
        let cites = r.cites(row, "cites");
        if remedies.is_empty() {
            r.misfit(row, Some("remedies"), "names no remedy");
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
        let point = r.parsed(row, "point", "is the name of a discretion point");
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
        let point = r.parsed(row, "point", "is the name of a discretion point");
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
            Some(value) => value.as_i64().unwrap_or_else(|| {
                r.misfit(row, Some("priority"), "is a whole number");
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
        let risk = Risk {
            inbound_until_received: r.word(row, "inbound_until_received"),
            after_received: r.word(row, "after_received"),
            cites: r.cites(row, "cites"),
        };
        r.leftover(row).then(|| r.policy.risk = Some(risk))
    });
    one(r, body, "refund_trace", |r, row| {
        let attest = r.codes(row, "attest");
        row.ask("on_missing");
        let cites = r.cites(row, "cites");
        r.leftover(row).then(|| r.policy.refund_trace = Some(RefundTrace { attest, cites }))
    });
    each(r, body, "sla", |r, row| {
        let id = r.parsed(row, "id", "is a short name");
        let scope = r.scope(row);
        let from = r.signals(row, "from").into_iter().next();
        let to = r.signals(row, "to");
        let (within, expect) = (r.limit(row, "within"), r.limit(row, "expect"));
        let firmness = r.word(row, "firmness");
        let cites = r.cites(row, "cites");
        if to.is_empty() {
            r.misfit(row, Some("to"), "is missing: the event that stops the clock");
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
        let on = r.signals(row, "on").into_iter().next();
        let channel = r.word(row, "channel");
        let (to, topic) = (r.text(row, "to"), r.text(row, "topic"));
        let cites = r.cites(row, "cites");
        let on = r.required(row, "on", on)?;
        let about = format!("{on}");
        r.leftover(row).then(|| r.policy.notices.push(Notice { on, about, channel, to, topic, cites }))
    });
    each(r, body, "discretion", discretion);
    each(r, body, "info", |r, row| {
        let on = r.signals(row, "on").into_iter().next();
        let topics = r.texts(row, "topics");
        let cites = r.cites(row, "cites");
        let on = r.required(row, "on", on)?;
        r.leftover(row).then(|| r.policy.infos.push(Info { on, topics, cites }))
    });
    points_exist(r);
}

fn window(r: &mut Reader, name: &str, value: &Value) {
    let mut row = Row::new("windows", Some(RowName::Name(name.into())), Some(value));
    let mut any = Vec::new();
    let list = row.ask("any").and_then(Value::as_array).cloned().unwrap_or_default();
    if list.is_empty() {
        r.misfit(&mut row, Some("any"), "needs at least one { act, after, within }");
    }
    for value in &list {
        let mut inner = Row::new("windows", Some(RowName::Name(name.into())), Some(value));
        let (act, after) = (r.word(&mut inner, "act"), r.word(&mut inner, "after"));
        let within = r.text(&mut inner, "within");
        let within = match r.required(&mut inner, "within", within).as_deref() {
            Some("unit.warranty_term") => Some(None),
            Some(text) => {
                let period = Period::parse(text);
                if period.is_none() {
                    r.misfit(&mut inner, Some("within"), "is like P30D, P6M, P1Y or unit.warranty_term");
                }
                period.map(Some)
            }
            None => None,
        };
        let act = r.required(&mut inner, "act", act);
        let after = r.required(&mut inner, "after", after);
        r.leftover(&mut inner);
        if let (Some(act), Some(after), Some(within)) = (act, after, within) {
            any.push(Alternative { act, after, within });
        }
    }
    let no_discretion = r.flag(&mut row, "no_discretion").unwrap_or(false);
    let cites = r.cites(&mut row, "cites");
    r.leftover(&mut row);
    if let Ok(code) = crate::ids::Code::new(name) {
        r.windows.insert(name.into(), r.policy.windows.len());
        r.policy.windows.push(Window { name: code, any, no_discretion, cites });
    }
}

fn fee(r: &mut Reader, row: &mut Row<'_>) -> Option<()> {
    let id = r.parsed(row, "id", "is a short name");
    let scope = r.scope(row);
    let (when, waive_when) = (r.predicate(row, "when"), r.predicate(row, "waive_when"));
    let (bp, fixed) = (r.number(row, "percent_bp"), r.money(row, "fixed"));
    let base = r.text(row, "base");
    let windows_any = r.window_list(row, "windows_any");
    let needs_discretion = r.parsed(row, "needs_discretion", "is the name of a discretion point");
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
    if waive_when.is_some() && waiver_cites.is_empty() {
        r.misfit(row, Some("waiver_cites"), "is missing: a waiver cites its clause");
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
    let closes = r.texts(row, "closes_on");
    let mut closes_on = Vec::new();
    for kind in closes {
        match kind.parse() {
            Ok(kind) => closes_on.push(kind),
            Err(why) => r.misfit(row, Some("closes_on"), format!("{why}")),
        }
    }
    let authorization = Authorization {
        required: r.flag(row, "required").unwrap_or(false),
        number_on_parcel: r.flag(row, "number_on_parcel").unwrap_or(false),
        items_exact: r.flag(row, "items_exact").unwrap_or(false),
        closes_on,
        valid_days: r.number(row, "valid_days").unwrap_or(0),
        written_counts_for: written.and_then(|name| r.window(row, "written_counts_for", &name)),
        separate_process_outside: outside.and_then(|name| r.region(row, "separate_process_outside", &name)),
        cites: r.cites(row, "cites"),
    };
    r.leftover(row).then(|| r.policy.authorization = authorization)
}

fn discretion(r: &mut Reader, row: &mut Row<'_>) -> Option<()> {
    let point = r.text(row, "point");
    let options = r.texts(row, "options");
    let bounds = row.ask("bounds");
    let cites = r.cites(row, "cites");
    let mut found = DiscretionPoint { options, cites, ..DiscretionPoint::default() };
    if let Some(bounds) = bounds {
        let mut inner = Row::new("discretion", row.place.row.clone(), Some(bounds));
        found.fee_bp_max = r.number(&mut inner, "fee_bp_max");
        found.fee_fixed = r.number(&mut inner, "fee_fixed");
        found.amount_min = r.number(&mut inner, "amount_min");
        found.amount_max = match inner.ask("amount_max") {
            None => None,
            Some(value) => {
                let bound = amount_bound(value);
                if bound.is_none() {
                    r.misfit(&mut inner, Some("amount_max"), "is minor units, \"unit_net\" or \"captured\"");
                }
                bound
            }
        };
        row.bad |= !r.leftover(&mut inner);
    }
    found.point = r.required(row, "point", point)?;
    r.leftover(row).then(|| r.policy.discretion.push(found))
}

fn amount_bound(value: &Value) -> Option<AmountBound> {
    match value {
        Value::String(word) if word == "unit_net" => Some(AmountBound::UnitNet),
        Value::String(word) if word == "captured" => Some(AmountBound::Captured),
        other => other.as_u64().map(AmountBound::Minor),
    }
}

/// The only moment that repaying or paying out can wait for.
fn receipt_only(r: &mut Reader, row: &mut Row<'_>, field: &'static str, text: Option<&str>) {
    if text.is_some_and(|text| text != "parcel_received") {
        r.misfit(row, Some(field), "can only be \"parcel_received\"");
    }
}

/// A row that leaves something to a person names a point that exists.
fn points_exist(r: &mut Reader) {
    let mut named: Vec<(&'static str, usize, &'static str, String)> = Vec::new();
    let p = &r.policy;
    for (at, e) in p.entitlements.iter().enumerate() {
        named.extend(
            e.needs_discretion
                .iter()
                .map(|c| ("entitlement", at, "needs_discretion", String::from(c.as_str()))),
        );
    }
    for (at, q) in p.requirements.iter().enumerate() {
        named.extend(q.point.iter().map(|c| ("requirement", at, "point", String::from(c.as_str()))));
    }
    for (at, v) in p.variants.iter().enumerate() {
        named.extend(v.point.iter().map(|c| ("variant", at, "point", String::from(c.as_str()))));
    }
    for (at, f) in p.fees.iter().enumerate() {
        named.extend(
            f.needs_discretion.iter().map(|c| ("fee", at, "needs_discretion", String::from(c.as_str()))),
        );
    }
    for (table, at, field, point) in named {
        if r.policy.point(&point).is_none() {
            let place = Place { table, row: Some(RowName::Number(at)), field: Some(field.into()) };
            r.misfits.push(Misfit {
                place,
                why: format!("names discretion point {point}, which is not in [[discretion]]"),
            });
        }
    }
}

fn named<'v>(body: &'v Value, table: &str) -> Vec<(&'v str, &'v Value)> {
    let rows = body.get(table).and_then(Value::as_object);
    rows.into_iter().flatten().take(TABLE_ROWS_MAX).map(|(name, value)| (name.as_str(), value)).collect()
}

fn each(
    r: &mut Reader,
    body: &Value,
    table: &'static str,
    read: impl Fn(&mut Reader, &mut Row<'_>) -> Option<()>,
) {
    let rows = body.get(table).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for (at, value) in rows.iter().enumerate().take(TABLE_ROWS_MAX) {
        let mut row = Row::new(table, Some(RowName::Number(at)), Some(value));
        read(r, &mut row);
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
