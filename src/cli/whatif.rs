//! what-if: claims judged again under another version of the policy, and what differs.

use clap::Args;
use replay::ids::{ClaimId, PolicyId, Stream};
use std::path::Path;

use super::{
    common::Common,
    due::words,
    output::{Output, money, table},
    views::{LIST_ROWS, Moment, not_proved},
};
use crate::{
    answers,
    error::{Error, ErrorKind, Result},
    judging::{
        nothing_to_judge, registry,
        whatif::{Change, Cited, Report, Side, Under},
        world::Whole,
    },
    policy_file,
    store::sqlite::SqliteStore,
    view::case_of,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims what-if C1 --policy shop-v2.toml
  claims what-if --all --policy AMC@2 --limit 20
  claims what-if --all --policy shop-v2.toml --effective-at 2024-03-31 --json

Nothing is written. The policy is taken as if it had been in force at every purchase, whatever its
first day. With --all only claims under a policy of the same id are judged.")]
pub struct WhatIfArgs {
    /// The claim
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    claim: Option<ClaimId>,
    /// Every claim under a policy of the same id
    #[arg(long)]
    all: bool,
    /// Judge by this policy file, or by a published version
    #[arg(long, value_name = "FILE|ID@VERSION")]
    policy: String,
    /// Most claims to print
    #[arg(long, default_value_t = LIST_ROWS)]
    limit: u64,
    #[command(flatten)]
    moment: Moment,
}

impl WhatIfArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let under = self.under(&mut store)?;
        let cut = self.moment.cut();
        let (report, whole) = match &self.claim {
            Some(id) => {
                let case = case_of(&mut store, &Stream::Claim(id.clone()))?;
                let report = Report::of_claim(&case, id, &registry(&mut store)?, &cut, &under);
                if report.totals.is_empty() {
                    return Err(match report.ungoverned {
                        0 => nothing_to_judge(&case, id),
                        _ => Error::not_found(format!("claim {id} has no version in force at its purchase"))
                            .hint("there is nothing to compare with"),
                    });
                }
                (report, None)
            }
            None => {
                let whole = Whole::read(&mut store, &cut, !out.json)?;
                (Report::of_all(&whole, &cut, &under, !out.json)?, Some(whole))
            }
        };
        let limit = usize::try_from(self.limit.max(1)).unwrap_or(usize::MAX);
        let shown = report.changes.get(..limit).unwrap_or(&report.changes);
        if out.json {
            out.lines(&answers::what_if(&report, shown, whole.is_some())?)?;
        } else {
            out.say(&(), || text(&report, shown, &under, whole.is_some()))?;
        }
        if let Some(whole) = &whole {
            not_proved(whole, out)?;
        }
        let more = report.changes.len().saturating_sub(shown.len());
        if more > 0 {
            eprintln!("left off: {more} claims with smaller differences; --limit N prints more");
        }
        Ok(())
    }

    /// A file if there is one of that name, else a published version.
    fn under(&self, store: &mut SqliteStore) -> Result<Under> {
        let file = Path::new(&self.policy);
        let version = self.policy.rsplit_once('@').filter(|_| !file.exists());
        let Some((policy, version)) = version else {
            return Under::unpublished(&policy_file::read(file)?.published)
                .map_err(|why| why.at(file.display()));
        };
        let bad = |why: String| {
            Error::new(ErrorKind::Usage, "bad_version", why)
                .hint("name a file, or a published version as ID@2")
        };
        let policy = PolicyId::new(policy).map_err(|why| bad(why.to_string()))?;
        let version: u32 =
            version.parse().map_err(|_| bad(format!("'{version}' is no number of a version")))?;
        Under::published(&registry(store)?, &policy, version)
    }
}

fn text(report: &Report, shown: &[Change], under: &Under, all: bool) -> String {
    let hash = under.version.sha256.to_string();
    let mut text = format!(
        "What if {} version {} ({}...) had been in force\n",
        under.policy,
        under.version.version,
        hash.get(..16).unwrap_or(&hash)
    );
    for change in shown {
        text.push_str(&change_text(change));
    }
    if shown.is_empty() {
        text.push_str("\nnothing would differ\n");
    }
    text.push('\n');
    let head = [
        "merchant",
        "claims>",
        "changed>",
        "statuses>",
        "before>",
        "after>",
        "gain>",
        "by>",
        "lose>",
        "by>",
        "",
    ];
    let rows: Vec<Vec<String>> = report
        .totals
        .iter()
        .map(|t| {
            let amount = |minor| money(minor, &t.currency);
            vec![
                t.merchant.clone(),
                t.claims.to_string(),
                t.changed.to_string(),
                t.status_changed.to_string(),
                amount(t.before_minor),
                amount(t.after_minor),
                t.gain.to_string(),
                amount(t.gain_minor),
                t.lose.to_string(),
                amount(t.lose_minor),
                t.currency.clone(),
            ]
        })
        .collect();
    text.push_str(&table(&head, &rows));
    if all {
        text.push_str(&format!(
            "\nleft alone: claims of other policies {}, credits from before this ledger {}, claims without a version in force {}",
            report.of_others, report.historical, report.ungoverned
        ));
    }
    text
}

/// Minor units with their sign.
fn signed(minor: i64, currency: &str) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!("{sign}{}", money(minor.unsigned_abs(), currency))
}

fn change_text(change: &Change) -> String {
    let currency = &change.currency;
    let plus = if change.difference_minor > 0 { "+" } else { "" };
    let mut text = format!(
        "\n{} ({}): payable {} -> {} {currency} ({plus}{})\n",
        change.claim,
        change.merchant,
        money(change.before_minor, currency),
        money(change.after_minor, currency),
        signed(change.difference_minor, currency)
    );
    let mut row = |name: &str, before: String, after: String| {
        text.push_str(&format!("  {name:<22} {before}\n  {:<22} -> {after}\n", ""));
    };
    for unit in &change.units {
        row(&unit.units, side(&unit.before), side(&unit.after));
    }
    for line in &change.lines {
        let name = match &line.order_line {
            Some(of) => format!("{} {of}", line.line),
            None => line.line.clone(),
        };
        row(&name, cited(line.before.as_ref(), currency), cited(line.after.as_ref(), currency));
    }
    for charge in &change.charges {
        let name = format!("charge {}", charge.cost);
        row(&name, cited(charge.before.as_ref(), currency), cited(charge.after.as_ref(), currency));
    }
    let none = || "no due time".to_string();
    for due in &change.due {
        let name = format!("due {}", due.clock);
        row(&name, due.before.clone().unwrap_or_else(none), due.after.clone().unwrap_or_else(none));
    }
    if let Some((before, after)) = &change.payout {
        row("paid to", before.clone(), after.clone());
    }
    text
}

fn side(side: &Side) -> String {
    let remedy = side.remedy.map(|r| format!(", {r}")).unwrap_or_default();
    format!("{}{remedy}  [{}]", side.status, words(&side.cites))
}

fn cited(line: Option<&Cited>, currency: &str) -> String {
    match line {
        Some(line) => format!("{}  [{}]", signed(line.minor, currency), words(&line.cites)),
        None => "none".into(),
    }
}
