//! beancount. Its tolerance is switched off: by default it takes half a unit of the last digit, and a whole one in a
//! balance, for nothing.

use replay::{
    journal::{Account, Entry, decimal},
    money::Currency,
};
use std::io::Result;

use super::{OPENED_ON, Sheet};

pub(super) fn head(sheet: &mut Sheet<'_>, ledger: &str) -> Result<()> {
    sheet.line(&format!("; the journal of ledger {ledger}, one entry per event, by position of the log"))?;
    sheet.line("option \"title\" \"Claims\"")?;
    sheet.line("option \"tolerance_multiplier\" \"0\"\n")?;
    for account in Account::ALL {
        sheet.line(&format!("{OPENED_ON} open {account}"))?;
    }
    Ok(())
}

pub(super) fn entry(sheet: &mut Sheet<'_>, entry: &Entry, new_currency: bool) -> Result<()> {
    if new_currency {
        sheet.line(&format!("\n{OPENED_ON} commodity {}", entry.currency))?;
    }
    let order = entry.order.as_ref().map_or(String::new(), |order| format!("\n  order: \"{order}\""));
    let net = if entry.net { "\n  posted: \"net\"" } else { "" };
    sheet.line(&format!(
        "\n{} * \"{}\"\n  uuid: \"{}\"\n  position: {}\n  claim: \"{}\"{order}\n  merchant: \"{}\"\n  effective: \"{}\"{net}",
        entry.day, entry.kind, entry.event_id, entry.position, entry.claim, entry.merchant, entry.effective
    ))?;
    for (account, minor) in &entry.postings {
        let amount = decimal(*minor, entry.currency);
        sheet.line(&format!("  {account:<30}  {amount:>14} {}", entry.currency))?;
    }
    Ok(())
}

/// A balance is checked at the beginning of its day, so it is that of the day after.
pub(super) fn tail(
    sheet: &mut Sheet<'_>,
    balances: &[((Account, Currency), i128)],
    read: &str,
) -> Result<()> {
    if let Some(day) = sheet.last_day.and_then(|day| day.plus_days(1)) {
        sheet.line("")?;
        for ((account, currency), minor) in balances {
            let amount = decimal(*minor, *currency);
            sheet.line(&format!("{day} balance {account:<30}  {amount:>14} ~ 0 {currency}"))?;
        }
    }
    sheet.line(&format!("\n; {read}"))
}
