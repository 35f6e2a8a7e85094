//! hledger and ledger: one text for both, but for one line per currency.
//!
//! Both accept a sum that is off by less than what they show, so every amount has the digits of its currency. ledger
//! wants commodities named in a line of their own and tags declared; hledger wants a decimal mark in the format, which
//! ledger refuses where there are no decimals.

use replay::{
    journal::{Account, Entry, decimal},
    money::Currency,
};
use std::io::Result;

use super::{Format, Sheet};

/// The tags of an entry.
const TAGS: [&str; 6] = ["UUID", "claim", "order", "merchant", "effective", "posted"];

pub(super) fn head(sheet: &mut Sheet<'_>, ledger: &str) -> Result<()> {
    sheet.line(&format!("; the journal of ledger {ledger}, one entry per event, by position of the log"))?;
    sheet.line("")?;
    for account in Account::ALL {
        sheet.line(&format!("account {account}"))?;
    }
    for tag in TAGS {
        sheet.line(&format!("tag {tag}"))?;
    }
    Ok(())
}

fn commodity(sheet: &mut Sheet<'_>, currency: Currency) -> Result<()> {
    let mut shown = decimal(1_000 * 10i128.pow(currency.exponent()), currency);
    if currency.exponent() == 0 && sheet.format == Format::Hledger {
        shown.push('.');
    }
    sheet.line(&format!("\ncommodity {currency}\n  format {shown} {currency}"))
}

pub(super) fn entry(sheet: &mut Sheet<'_>, entry: &Entry, new_currency: bool) -> Result<()> {
    if new_currency {
        commodity(sheet, entry.currency)?;
    }
    let order = entry.order.as_ref().map_or(String::new(), |order| format!("\n    ; order: {order}"));
    let net = if entry.net { "\n    ; posted: net" } else { "" };
    sheet.line(&format!(
        "\n{} * ({}) {}\n    ; UUID: {}\n    ; claim: {}{order}\n    ; merchant: {}\n    ; effective: {}{net}",
        entry.day, entry.position, entry.kind, entry.event_id, entry.claim, entry.merchant, entry.effective
    ))?;
    for (account, minor) in &entry.postings {
        posting(sheet, *account, *minor, entry.currency, "")?;
    }
    Ok(())
}

fn posting(
    sheet: &mut Sheet<'_>,
    account: Account,
    minor: i128,
    currency: Currency,
    more: &str,
) -> Result<()> {
    sheet.line(&format!("    {account:<30}  {:>14} {currency}{more}", decimal(minor, currency)))
}

/// An entry of nothing that asserts every balance.
pub(super) fn tail(
    sheet: &mut Sheet<'_>,
    balances: &[((Account, Currency), i128)],
    read: &str,
) -> Result<()> {
    if let Some(day) = sheet.last_day {
        sheet.line(&format!("\n{day} * balances"))?;
        for ((account, currency), minor) in balances {
            let asserted = format!(" = {} {currency}", decimal(*minor, *currency));
            posting(sheet, *account, 0, *currency, &asserted)?;
        }
    }
    sheet.line(&format!("\n; {read}"))
}
