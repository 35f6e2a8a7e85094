//! leakage: finance's report of money that left without a clause, or stays against one.

use clap::Args;
use replay::{
    ids::PolicyId,
    time::{Day, Instant, When},
};

use super::{
    common::Common,
    due::words,
    output::{Output, money, table},
    views::{Moment, not_proved},
};
use crate::{
    answers,
    door::Door,
    error::{Error, ErrorKind, Result},
    judging::{
        leakage::{Ask, Category, LABEL_DAYS, Report, Row, leakage},
        world::Whole,
    },
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims leakage                       sums per category, merchant and currency
  claims leakage --from 2024-01-01 --to 2024-03-31 --rows
  claims leakage --merchant AMC --grace 14 --json
  claims leakage --known-at 2024-04-01T00:00:00Z     as the quarter was closed

What was decided and paid is held against what the policy says of the facts. Categories look at
the same money from several sides and are not to be added up. Days are the local days of the
money or the decision.")]
pub struct LeakageArgs {
    /// Money and decisions of this day or later
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Option<Day>,
    /// Money and decisions of this day or earlier
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    to: Option<Day>,
    /// Policy id of the merchant
    #[arg(long, value_name = "ID")]
    merchant: Option<PolicyId>,
    /// Days that an entitlement may stay unpaid
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    grace: u32,
    /// Days that a label may stay unused
    #[arg(long, value_name = "DAYS", default_value_t = LABEL_DAYS)]
    label_days: u32,
    /// Also the rows behind the sums
    #[arg(long)]
    rows: bool,
    #[command(flatten)]
    moment: Moment,
}

impl LeakageArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return Err(Error::new(ErrorKind::Usage, "days_run_backwards", format!("{from} is after {to}"))
                .hint("--from is the first day, --to the last"));
        }
        let mut store = common.read()?;
        let cut = self.moment.cut();
        let now = Door::System.now_here();
        // Ages are read at the moment that is looked at.
        let looked_at: Option<Instant> = cut.effective_at.into_iter().chain(cut.known_at).min();
        let at = looked_at.map_or(now, |at| When { at, offset_minutes: 0 });
        let (from, to, merchant) = (self.from, self.to, self.merchant);
        let (grace_days, label_days, rows) = (self.grace, self.label_days, self.rows);
        let ask = Ask { cut, at, from, to, merchant, grace_days, label_days, rows };
        let whole = Whole::read(&mut store, &cut, !out.json)?;
        let report = leakage(&whole, &ask, !out.json)?;
        if out.json {
            out.lines(&answers::leakage(&report)?)?
        } else {
            out.say(&(), || text(&report, rows))?
        }
        not_proved(&whole, out)
    }
}

fn text(report: &Report, with_rows: bool) -> String {
    let rows: Vec<Vec<String>> = report
        .totals
        .iter()
        .map(|((category, (merchant, currency)), sum)| {
            let amount = money(sum.amount_minor, currency);
            vec![category.title().into(), merchant.clone(), sum.count.to_string(), amount, currency.clone()]
        })
        .collect();
    let mut text = table(&["category", "merchant", "rows>", "amount>", ""], &rows);
    if !report.groups.is_empty() {
        text.push_str("\nBy person, point and clause\n\n");
        let rows: Vec<Vec<String>> = report
            .groups
            .iter()
            .map(|((category, (merchant, currency), by), sum)| {
                vec![
                    category.title().into(),
                    merchant.clone(),
                    by.clone(),
                    sum.count.to_string(),
                    money(sum.amount_minor, currency),
                    currency.clone(),
                ]
            })
            .collect();
        text.push_str(&table(&["category", "merchant", "by", "rows>", "amount>", ""], &rows));
    }
    if with_rows {
        for category in Category::ALL {
            let mut found = report.rows.iter().filter(|row| row.category == *category).peekable();
            if found.peek().is_some() {
                text.push_str(&format!("\n{}\n", category.title()));
                found.for_each(|row| text.push_str(&row_text(row)));
            }
        }
    }
    text.push_str(&match report.claims {
        1 => "\none claim looked at".to_owned(),
        n => format!("\n{n} claims looked at"),
    });
    if report.historical > 0 {
        text.push_str(&format!("; credits from before this ledger left alone: {}", report.historical));
    }
    if report.ungoverned > 0 {
        text.push_str(&format!("; claims without a version in force left alone: {}", report.ungoverned));
    }
    text
}

/// Two lines: what and how much, then why.
fn row_text(row: &Row) -> String {
    let who = match (&row.actor, &row.approver) {
        (Some(actor), Some(approver)) => format!("  {actor}, approved by {approver}"),
        (Some(actor), None) => format!("  {actor}"),
        _ => String::new(),
    };
    let cites = if row.cites.is_empty() { String::new() } else { format!("  [{}]", words(&row.cites)) };
    format!(
        "  {}  {}  {} {}{cites}{who}\n    {}\n",
        row.day,
        row.claim,
        money(row.amount_minor, &row.currency),
        row.currency,
        row.why
    )
}
