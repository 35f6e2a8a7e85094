//! tackler: the only one of the four that adds up exactly, refuses an id that comes twice, and gives a checksum over the
//! ids of all entries. It knows no comments outside of entries; accounts and currencies are told in files beside them.

use replay::journal::{Account, Entry, Totals, decimal};
use std::{collections::BTreeSet, io::Result};

use super::Sheet;

pub(super) fn entry(sheet: &mut Sheet<'_>, entry: &Entry) -> Result<()> {
    let order = entry.order.as_ref().map_or(String::new(), |order| format!("\n ; order: {order}"));
    let net = if entry.net { "\n ; posted: net" } else { "" };
    sheet.line(&format!(
        "{} ({}) '{}\n # uuid: {}\n ; claim: {}{order}\n ; merchant: {}\n ; effective: {}{net}",
        entry.day, entry.position, entry.kind, entry.event_id, entry.claim, entry.merchant, entry.effective
    ))?;
    for (account, minor) in &entry.postings {
        let amount = decimal(*minor, entry.currency);
        sheet.line(&format!(" {account:<30}  {amount:>14} {}", entry.currency))?;
    }
    sheet.line("")
}

/// The configuration that a journal with these totals needs: name and text of every file.
pub fn setup(totals: &Totals) -> [(&'static str, String); 4] {
    let quoted = |names: Vec<String>| names.iter().map(|name| format!("  \"{name}\",\n")).collect::<String>();
    let accounts = quoted(Account::ALL.iter().map(ToString::to_string).collect());
    let used: BTreeSet<_> = totals.balances.keys().map(|(_, currency)| *currency).collect();
    let currencies = quoted(used.iter().map(ToString::to_string).collect());
    let digits = used.iter().map(|currency| currency.exponent()).max().unwrap_or(0);
    [
        ("accounts.toml", format!("accounts = [\n{accounts}]\n")),
        ("commodities.toml", format!("permit-empty-commodity = false\ncommodities = [\n{currencies}]\n")),
        ("tags.toml", "tags = []\n".into()),
        ("tackler.toml", CONFIGURATION.replace("DIGITS", &digits.to_string())),
    ]
}

const CONFIGURATION: &str = r#"[kernel]
strict = true
audit = { mode = true, hash = "SHA-256" }
ext-id = { unique = true }
timestamp = { default-time = 00:00:00, timezone = { name = "UTC" } }

[kernel.input]
storage = "fs"
fs = { path = ".", dir = ".", ext = "txn" }

[transaction]
accounts = { path = "accounts.toml" }
commodities = { path = "commodities.toml" }
tags = { path = "tags.toml" }

[report]
report-timezone = "UTC"
scale = { min = 0, max = DIGITS }
formats = ["txt", "json"]
accounts = []
targets = ["balance"]
balance = { title = "Balances", type = "flat" }
balance-group = { title = "Balances by month", type = "flat", group-by = "month" }
register = { title = "Register", accounts = [] }

[export]
targets = []
equity = { accounts = [], equity-account = "Equity:Balance" }
"#;
