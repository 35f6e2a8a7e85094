//! audit report: what an auditor is handed.

use clap::Args;
use replay::{
    ids::Position,
    time::{Day, When},
};
use serde::Serialize;
use std::path::PathBuf;

use super::{
    EXIT_DIFFERS,
    common::Common,
    output::{Output, money, table},
};
use crate::{
    auditor::{self, Ask, File, Parameters, Report},
    error::{Error, ErrorKind, Result},
};

/// The end of a day.
const HOUR_MAX: u16 = 24;
/// The whole, in basis points.
const BP_MAX: u32 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims audit report                  a summary
  claims audit report --from 2024-01-01 --to 2024-03-31 --out q1
  claims audit report --as-of 1000 --out then     the log as it was, the report as it was
  claims audit report --json | jq '.journal_tests[] | {test, count}'

Files in the folder: report.html (one page), report.json, population.csv, subledger.csv (after the
AICPA Audit Data Standard, Order to Cash), journal_tests.csv, overrides.csv, duties.csv, SHA256SUMS.
The same log gives the same bytes: no clock is asked; clocks of policies are read at the last event,
or at --at. The window is that of local days on which things happened; the population is the whole
log. Each journal-entry test has its parameter; a hit is unusual, not wrong. Exit code 1 says that
the population is not complete or a case could not be replayed.")]
pub struct ReportArgs {
    /// Entries of this day or later
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Option<Day>,
    /// Entries of this day or earlier
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    to: Option<Day>,
    /// A new folder for the files
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The log as it was at this position
    #[arg(long, value_name = "POSITION")]
    as_of: Option<u64>,
    /// Read the policies' clocks at this moment [default: when the last event was recorded]
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    at: Option<When>,
    /// Last days of a month that count as its end
    #[arg(long, value_name = "DAYS", default_value_t = Parameters::default().period_end_days, help_heading = "Tests")]
    period_end_days: u32,
    /// Multiples of so many major units are round
    #[arg(long, value_name = "UNITS", default_value_t = Parameters::default().round_major, help_heading = "Tests")]
    round: u64,
    /// First hour of a usual day, local
    #[arg(long, value_name = "HOUR", default_value_t = Parameters::default().day_begins_hour, help_heading = "Tests")]
    day_begins: u16,
    /// Hour at which a usual day is over
    #[arg(long, value_name = "HOUR", default_value_t = Parameters::default().day_ends_hour, help_heading = "Tests")]
    day_ends: u16,
    /// Fewer entries than this make a person unusual
    #[arg(long, value_name = "N", default_value_t = Parameters::default().seldom_entries, help_heading = "Tests")]
    seldom: u64,
    /// Days after which a late entry counts as dated back
    #[arg(long, value_name = "DAYS", default_value_t = Parameters::default().backdated_days, help_heading = "Tests")]
    backdated_days: u32,
    /// How close below a limit is just below it, in basis points
    #[arg(long, value_name = "BP", default_value_t = Parameters::default().below_limit_bp, help_heading = "Tests")]
    below_limit: u32,
}

/// What was written, as programs read it.
#[derive(Serialize)]
struct Written<'a> {
    folder: &'a std::path::Path,
    files: &'a [File],
}

impl ReportArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        let wrong =
            |code: &str, text: String, hint: &str| Err(Error::new(ErrorKind::Usage, code, text).hint(hint));
        if let (Some(from), Some(to)) = (self.from, self.to)
            && from > to
        {
            return wrong(
                "days_run_backwards",
                format!("{from} is after {to}"),
                "--from is the first day, --to the last",
            );
        }
        if self.day_begins >= self.day_ends || self.day_ends > HOUR_MAX {
            let text = format!("a day from {} to {} is none", self.day_begins, self.day_ends);
            return wrong("hours_run_backwards", text, "hours go from 0 to 24, the first before the last");
        }
        if self.below_limit > BP_MAX {
            return wrong(
                "too_many_basis_points",
                format!("{} is more than all", self.below_limit),
                "at most 10000",
            );
        }
        let ask = Ask {
            from: self.from,
            to: self.to,
            as_of: self.as_of.and_then(Position::new),
            at: self.at,
            parameters: Parameters {
                period_end_days: self.period_end_days,
                round_major: self.round,
                day_begins_hour: self.day_begins,
                day_ends_hour: self.day_ends,
                seldom_entries: self.seldom,
                backdated_days: self.backdated_days,
                below_limit_bp: self.below_limit,
            },
        };
        let report = auditor::report(&mut common.read()?, &ask, !out.json)?;
        let code = if report.is_complete() { 0 } else { EXIT_DIFFERS };
        let Some(folder) = &self.out else {
            out.say(&report, || text(&report))?;
            return Ok(code);
        };
        let files = auditor::write(&report, folder)?;
        out.say(&Written { folder, files: &files }, || {
            let rows: Vec<Vec<String>> = files
                .iter()
                .map(|f| vec![f.file.into(), f.bytes.to_string(), f.sha256.to_string()])
                .collect();
            format!(
                "{}\nwritten to {}\n{}",
                text(&report),
                folder.display(),
                table(&["file", "bytes>", "sha256"], &rows)
            )
        })?;
        Ok(code)
    }
}

fn text(report: &Report) -> String {
    let p = &report.population;
    let mut text = format!(
        "report of {}: {} events, positions {} to {}\nroot          {}\nset checksum  {}\n\n",
        report.ledger, p.events, p.first_position, p.last_position, p.root, p.set_checksum
    );
    for check in &p.checks {
        let word = if check.holds { "ok  " } else { "FAIL" };
        text.push_str(&format!("  {word} {} ({})\n", check.what, check.figure));
    }
    for case in &report.not_proved {
        text.push_str(&format!("  not proved: {case} is in no figure below\n"));
    }
    let rows: Vec<Vec<String>> = report
        .entries
        .iter()
        .map(|sum| {
            vec![
                sum.transaction_type.into(),
                sum.indicator.into(),
                sum.count.to_string(),
                money(sum.amount_minor, &sum.currency),
                sum.currency.clone(),
            ]
        })
        .collect();
    text.push_str(&format!("\nEntries\n\n{}", table(&["type", "D/C", "entries>", "amount>", ""], &rows)));
    let rows: Vec<Vec<String>> = report
        .journal_tests
        .iter()
        .map(|found| {
            let sums = found
                .totals
                .iter()
                .map(|(currency, minor)| format!("{} {currency}", money(*minor, currency)));
            let sums: Vec<String> = sums.collect();
            vec![found.test.into(), found.parameter.clone(), found.count.to_string(), sums.join(", ")]
        })
        .collect();
    text.push_str(&format!(
        "\nJournal-entry tests\n\n{}",
        table(&["test", "parameter", "found>", "amounts"], &rows)
    ));
    let o = &report.overrides;
    let sum = |list: &[auditor::Granted]| list.iter().fold(0u64, |sum, g| sum.saturating_add(g.count));
    let counts = [
        ("events with a second person", sum(&o.approvals)),
        ("decisions at a discretion point", sum(&o.discretion)),
        ("goodwill and statutory payments", sum(&o.goodwill)),
        ("refused, then taken", u64::try_from(o.retried.len()).unwrap_or(u64::MAX)),
        ("corrections and reversals of money", u64::try_from(o.amended.len()).unwrap_or(u64::MAX)),
        ("clocks late or met late", u64::try_from(report.late.len()).unwrap_or(u64::MAX)),
        ("duties to inform that were missed", u64::try_from(report.missed.len()).unwrap_or(u64::MAX)),
    ];
    let rows: Vec<Vec<String>> = counts.iter().map(|(what, n)| vec![(*what).into(), n.to_string()]).collect();
    text.push_str(&format!("\nOverrides and duties\n\n{}", table(&["what", "count>"], &rows)));
    text
}
