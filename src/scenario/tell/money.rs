//! Costs, discretion, charges, refunds and chargebacks.

use replay::{
    event as on_record,
    event::{Event, Party, Payout, PayoutTo},
    ids::{Code, Personal, RefundId, Word},
};
use serde_json::Value;

use super::{Scene, amount, bad_text, personal, reason_code};
use crate::{
    error::{Error, Result},
    scenario::{
        format::Happening,
        happening::{CostRecorded, DiscretionExercised, What},
    },
};

/// Stands in a receipt's place unless the story says that there is none.
const RECEIPT: &str = "receipt";
/// The customer's means of payment.
pub(in crate::scenario) const METHOD: &str = "original";

/// The payload, when it is one of these; `None` for all others.
pub(super) fn payload(what: &What, h: &Happening, scene: &Scene<'_>) -> Result<Option<Event>> {
    let reason_code = reason_code(h.reason.as_deref())?;
    let key = h.external_id.as_ref();
    let refund = |named: Option<&RefundId>| match (named, key) {
        (None, None) => Err(Error::unreadable("refund_is_not_named", "external_id: the refund is not named")
            .hint("give the key of the refund that it reports on")),
        _ => scene.id_or(named, key, "refund"),
    };
    let psp_ref = |named: Option<&Word>| match (named, key) {
        (None, None) => {
            Err(Error::unreadable("chargeback_is_not_named", "psp_ref: the chargeback is not named")
                .hint("give the reference that it was opened with"))
        }
        _ => scene.id_or(named, key, "chargeback"),
    };
    Ok(Some(match what {
        What::PaymentCaptured(p) => on_record::PaymentCaptured {
            payment: scene.id_or(p.payment.as_ref(), key, "payment")?,
            method_ref: p.method_ref.clone().map_or_else(|| Word::new(METHOD), Ok).map_err(bad_text)?,
            amount: scene.money(p.amount)?,
            what: p.what.clone(),
        }
        .into(),
        What::CostRecorded(c) => cost(c, scene)?.into(),
        What::DiscretionExercised(d) => discretion(d, h, reason_code, scene)?.into(),
        What::FeeCharged(c) => on_record::FeeCharged {
            charge: scene.id_or(c.charge.as_ref(), key, "charge")?,
            fee: c.fee.clone(),
            amount: scene.money(c.amount)?,
            cites: c.cites.clone(),
        }
        .into(),
        What::CustomerCharged(c) => on_record::CustomerCharged {
            charge: scene.id_or(c.charge.as_ref(), key, "charge")?,
            cost: c.cost.clone(),
            amount: scene.money(c.amount)?,
            cites: c.cites.clone(),
        }
        .into(),
        What::ChargePaid(c) => {
            on_record::ChargePaid { charge: c.charge.clone(), amount: scene.money(c.amount)? }.into()
        }
        What::ChargeWaived(c) => {
            let reason_text = personal(h.reason.as_ref())?;
            on_record::ChargeWaived { charge: c.charge.clone(), reason_code, reason_text }.into()
        }
        What::RefundIssued(r) => on_record::RefundIssued {
            refund: scene.id_or(None, key, "refund")?,
            amount: scene.money(r.amount)?,
            payout: Payout {
                to: match (r.to, &r.method) {
                    (Some(to), _) => to,
                    (None, Some(_)) => PayoutTo::OtherMethod,
                    (None, None) => PayoutTo::OriginalMethod,
                },
                method_ref: r.method.clone(),
            },
            units: scene.some_units(r.units.as_ref())?,
            explains: None,
        }
        .into(),
        What::RefundPosted(r) => on_record::RefundPosted { refund: refund(r.refund.as_ref())? }.into(),
        What::RefundFailed(r) => {
            on_record::RefundFailed { refund: refund(r.refund.as_ref())?, reason_code }.into()
        }
        What::RefundLateFlagged(r) => on_record::RefundLateFlagged {
            refund: r.refund.clone(),
            due: r.due,
            cites: r.cites.clone(),
            ladder: r.ladder.clone(),
        }
        .into(),
        What::RefundTraceOpened(t) => on_record::RefundTraceOpened {
            refund: t.refund.clone(),
            by: t.by,
            via: t.via,
            attested: t.attested.clone(),
        }
        .into(),
        What::RefundTraceAnswered(t) => {
            on_record::RefundTraceAnswered { refund: t.refund.clone(), result: t.result.clone() }.into()
        }
        What::GiftCreditIssued(g) => on_record::GiftCreditIssued {
            credit: scene.id_or(None, key, "credit")?,
            amount: scene.money(g.amount)?,
            to: g.to,
            code_hash: None,
        }
        .into(),
        What::ChargebackOpened(c) => on_record::ChargebackOpened {
            psp_ref: scene.id_or(c.psp_ref.as_ref(), key, "chargeback")?,
            amount: scene.money(c.amount)?,
            reason_code,
        }
        .into(),
        What::ChargebackWon(c) => on_record::ChargebackWon { psp_ref: psp_ref(c.psp_ref.as_ref())? }.into(),
        What::ChargebackLost(c) => on_record::ChargebackLost { psp_ref: psp_ref(c.psp_ref.as_ref())? }.into(),
        _ => return Ok(None),
    }))
}

fn cost(c: &CostRecorded, scene: &Scene<'_>) -> Result<on_record::CostRecorded> {
    // The product repays a cost only when its receipt is in, so the runner supplies one.
    let receipt = c.receipt.unwrap_or(c.paid_by == Party::Customer);
    Ok(on_record::CostRecorded {
        cost: c.cost.clone(),
        paid_by: c.paid_by,
        amount: amount(c.amount, c.currency.unwrap_or(scene.order.currency))?,
        order_amount: c.order_amount.map(|minor| scene.money(minor)).transpose()?,
        rate: c.rate.clone(),
        rate_source: c.rate_source.clone(),
        rate_date: c.rate_date,
        receipt_ref: receipt.then(|| Word::new(RECEIPT)).transpose().map_err(bad_text)?,
        units: scene.some_units(c.units.as_ref())?,
    })
}

fn discretion(
    d: &DiscretionExercised,
    h: &Happening,
    reason_code: Code,
    scene: &Scene<'_>,
) -> Result<on_record::DiscretionExercised> {
    // A decision without a reason is meant to reach the ledger and to be refused there, so it is asked as it stands.
    let reason_text = personal(h.reason.as_ref())?.unwrap_or_else(|| Personal::Clear(String::new()));
    Ok(on_record::DiscretionExercised {
        point: d.point.clone(),
        decision: decision(d, scene.policy)?,
        units: Some(scene.units(d.units.as_ref())?),
        fee_bp: d.fee_bp,
        amount: d.amount.map(|minor| scene.money(minor)).transpose()?,
        value: d.value.clone(),
        reason_code,
        reason_text,
    })
}

/// Stories say accept or deny; a policy may call the answers of a point otherwise. Then the value of the decision is
/// meant if it is one of the point's options; otherwise the first option accepts and the last one denies. Where the
/// only option is to name an amount there is no word for a denial, and it is left to the ledger to say so.
fn decision(d: &DiscretionExercised, policy: &Value) -> Result<Code> {
    let rows = policy.get("discretion").and_then(Value::as_array).into_iter().flatten();
    let mut rows = rows.filter(|row| row.get("point").and_then(Value::as_str) == Some(d.point.as_str()));
    let options = rows.next().and_then(|row| row.get("options")).and_then(Value::as_array);
    let options: Vec<&str> = options.into_iter().flatten().filter_map(Value::as_str).collect();
    let has = |word: &str| options.contains(&word);
    let said = d.decision.as_str();
    if !matches!(said, "accept" | "deny") || has(said) {
        return Ok(d.decision.clone());
    }
    let value = d.value.as_ref().map(Word::as_str).filter(|value| has(value));
    let meant = match said {
        _ if value.is_some() => value,
        "deny" if options == ["amount"] => None,
        "accept" => options.first().copied(),
        _ => options.last().copied(),
    };
    meant.map_or_else(|| Ok(d.decision.clone()), |word| Code::new(word).map_err(bad_text))
}
