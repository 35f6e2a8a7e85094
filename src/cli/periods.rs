//! close-month, periods: months as finance keeps them. (reopen-month is an act like others: `acts/admin.rs`.)

use clap::Args;
use replay::{event::ControlTotal, time::Month};
use serde::Serialize;

use super::{
    common::{Answering, Common},
    output::{Output, money, table},
    signing::{Signed, Signing},
    views::Moment,
};
use crate::{
    door::Door,
    error::Result,
    ledger::Ledger,
    periods::{self, Closed, PeriodRow},
    proof::By,
};

#[derive(Debug, Args)]
#[command(
    after_help = "The month is sealed with its totals per currency and the root of the log. What is learned later of
a sealed month is posted into the next open one; claims audit proves the totals ever after.

Examples:
  claims close-month 2024-04 --actor f.weber --approver d.ruiz
  claims close-month 2024-04 --actor f.weber --at 2024-05-03T09:00:00+02:00
  claims close-month 2024-04 --actor f.weber --signing-key shop.key   and sign the head with the seal in it"
)]
pub struct CloseMonthArgs {
    /// The month, e.g. 2024-04; it must be over
    #[arg(value_name = "MONTH")]
    month: Month,
    #[command(flatten)]
    by: Answering,
    #[command(flatten)]
    signing: Signing,
}

/// A seal, and the head that was signed after it.
#[derive(Serialize)]
struct Sealed {
    #[serde(flatten)]
    closed: Closed,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

impl CloseMonthArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        self.by.named()?;
        let ready = self.signing.ready()?;
        let Answering { actor, role, source, .. } = self.by.clone();
        let mut ledger = Ledger::new(common.write()?, Door::System);
        let proposal = self.by.proposal(&Door::System, periods::unfilled(self.month));
        let closed = periods::close(&mut ledger, &proposal, self.month)?;
        let signed = ready.map(|ready| ready.sign(&mut ledger, &By { actor, role, source })).transpose()?;
        let sealed = Sealed { closed, signed };
        let closed = &sealed.closed;
        out.say(&sealed, || match &sealed.signed {
            Some(signed) => format!("{}\n{}", closed_text(closed), signed.text()),
            None => closed_text(closed),
        })?;
        if !closed.earlier_open.is_empty() {
            let months: Vec<String> = closed.earlier_open.iter().map(ToString::to_string).collect();
            eprintln!("an earlier month with money in it is still open: {}", months.join(", "));
        }
        Ok(())
    }
}

fn closed_text(closed: &Closed) -> String {
    let head = format!(
        "sealed {} at position {}, over {} events with root {}",
        closed.period, closed.receipt.position, closed.through, closed.root
    );
    if closed.totals.is_empty() {
        return format!("{head}\nnothing was posted into it");
    }
    format!(
        "{head}\n{}",
        table(&["currency", "credited>", "reversed>", "failed>", "stands>"], &totals(&closed.totals))
    )
}

fn totals(totals: &[ControlTotal]) -> Vec<Vec<String>> {
    let row = |total: &ControlTotal| {
        let currency = total.currency.as_str();
        let out = total.reversed_minor.saturating_add(total.failed_minor);
        let stands = total.credited_minor.saturating_sub(out);
        let sums = [total.credited_minor, total.reversed_minor, total.failed_minor, stands];
        let mut row = vec![currency.to_string()];
        row.extend(sums.map(|minor| money(minor, currency)));
        row
    };
    totals.iter().map(row).collect()
}

#[derive(Debug, Args)]
#[command(
    after_help = "Months are posting months: what was learned of a sealed month after its seal stands in the month
that was open then. claims totals --by month counts by when things happened instead.

Examples:
  claims periods
  claims periods --known-at 2024-05-31T23:59:59Z --json"
)]
pub struct PeriodsArgs {
    #[command(flatten)]
    moment: Moment,
}

impl PeriodsArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let rows = periods::list(&mut store, &self.moment.cut_of_the_record()?)?;
        if out.json {
            return rows.iter().try_for_each(|row| out.say(row, String::new));
        }
        let cells: Vec<Vec<String>> = rows.iter().map(cells).collect();
        out.say(&(), || {
            let head = [
                "month",
                "state",
                "credits>",
                "credited>",
                "reversed>",
                "failed>",
                "stands>",
                "",
                "by",
                "pos>",
            ];
            table(&head, &cells)
        })
    }
}

fn cells(row: &PeriodRow) -> Vec<String> {
    let currency = row.currency.map(|currency| currency.as_str()).unwrap_or_default();
    let mut cells = vec![row.period.to_string(), row.state.into(), row.credits.to_string()];
    let sums = [row.credited_minor, row.reversed_minor, row.failed_minor, row.stands_minor];
    cells.extend(sums.map(|minor| if currency.is_empty() { "0".into() } else { money(minor, currency) }));
    cells.push(currency.into());
    let with = row.approver.as_ref().map_or(String::new(), |approver| format!(" with {approver}"));
    cells.push(row.by.as_ref().map_or(String::new(), |by| format!("{by}{with}")));
    cells.push(row.position.map_or(String::new(), |position| position.to_string()));
    cells
}
