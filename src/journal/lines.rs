//! One line per posting (CSV) or per entry (JSON).

use replay::journal::{Entry, decimal};
use serde_json::json;
use std::io::{Error, Result};

use super::Sheet;

pub(super) fn csv_head(sheet: &mut Sheet<'_>) -> Result<()> {
    sheet.line(
        "position,event_id,kind,posting_day,effective_at,merchant,order,claim,posted,account,amount,minor,currency",
    )
}

/// No cell needs quotes: ids, codes, days and numbers hold neither commas nor quotes.
pub(super) fn csv(sheet: &mut Sheet<'_>, entry: &Entry) -> Result<()> {
    let order = entry.order.as_ref().map_or("", |order| order.as_str());
    let posted = if entry.net { "net" } else { "" };
    let about = format!(
        "{},{},{},{},{},{},{order},{},{posted}",
        entry.position, entry.event_id, entry.kind, entry.day, entry.effective, entry.merchant, entry.claim
    );
    for (account, minor) in &entry.postings {
        let amount = decimal(*minor, entry.currency);
        sheet.line(&format!("{about},{account},{amount},{minor},{}", entry.currency))?;
    }
    Ok(())
}

pub(super) fn json(sheet: &mut Sheet<'_>, entry: &Entry) -> Result<()> {
    let postings: Vec<serde_json::Value> = entry
        .postings
        .iter()
        .map(|(account, minor)| {
            Ok(json!({ "account": account.name(), "minor": i64::try_from(*minor).map_err(Error::other)? }))
        })
        .collect::<Result<_>>()?;
    let mut line = json!({
        "position": entry.position, "event_id": entry.event_id, "kind": entry.kind.as_str(),
        "posting_day": entry.day, "effective_at": entry.effective, "merchant": entry.merchant,
        "claim": entry.claim, "net": entry.net, "currency": entry.currency, "postings": postings,
    });
    if let (Some(order), Some(fields)) = (&entry.order, line.as_object_mut()) {
        fields.insert("order".into(), json!(order));
    }
    sheet.line(&line.to_string())
}
