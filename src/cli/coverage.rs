//! policy coverage: which scenarios show each clause at work, and which its other side.

use clap::Args;
use std::path::PathBuf;

use super::{
    EXIT_DIFFERS,
    output::{Output, line, table},
};
use crate::{
    coverage::{ClauseReport, Coverage, Report, Standing},
    error::{Error, Result},
    progress::Progress,
    scenario::{Scenario, gather},
};

/// Scenarios that are named before the rest is counted.
const NAMED_MAX: usize = 4;
/// Longest paraphrase in the table.
const PARAPHRASE_CHARS_MAX: usize = 28;

#[derive(Debug, Args)]
#[command(after_help = "\
Every row of a policy cites clauses, and has two sides. A clause is covered from both sides when every row that cites
it was seen from both, in the judgements that the scenarios ask for:

  regions        a place inside · outside
  windows        the act came by the last day · every alternative ended without it
  entitlement    a unit gets its remedy · is not granted it
  requirement    met · denies, holds, is left to a person, noted, refused at the dock
  variant        by the window · after it
  fee            taken · not taken (condition, scope, waiver; a service not offered)
  component      shipping paid back · kept
  cost           money moves by it (repaid, taken off, charged) · the same cost and no money by it, because who must
                 pay has paid, it waits, or another row or none decides; a row by which no money can move: it
                 decides · another row or none does
  never          on record without a line · another cost is settled by its row
  payout         pays this way · another way is taken or refused
  authorization  goods asked back · refused, withdrawn, or they came unannounced
  risk           a loss the customer bears · one the merchant bears, or an arrival
  refund_trace   every step attested · one left out
  sla            met in time · late, or still running
  notice         told · missing
  discretion     used · declined, out of bounds, or awaited
  info           told; there is no other side

House rules are no rows: each has a detector, and --json names both of its sides.

A clause without a row, or whose row was never seen from one side, is named at the end.

Examples:
  claims policy coverage
  claims policy coverage ATP-3.9 H-14              with rows and scenarios
  claims policy coverage --policy shop.toml --scenarios shop/ --strict
  claims policy coverage --json | jq 'select(.standing == \"gap\")'

Exit codes:
  0   always, unless --strict
  1   with --strict: a clause has a gap")]
pub struct CoverageArgs {
    /// Clauses to show with their rows and scenarios [default: all, a line each]
    clauses: Vec<String>,
    /// Scenario files, or folders with such files [default: those inside the program]
    #[arg(long, value_name = "FILE|DIR")]
    scenarios: Vec<PathBuf>,
    /// A policy file beside the five inside the program; takes the place of one with the same id
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
    /// Exit 1 when a clause has a gap
    #[arg(long)]
    strict: bool,
}

impl CoverageArgs {
    /// Runs the verb and says with which code to exit.
    pub fn run(self, out: Output) -> Result<u8> {
        let policies = gather::policies(&self.policy)?;
        let files = gather::scenarios(&self.scenarios)?;
        let scenarios: Vec<&Scenario> = files.iter().flat_map(|(_, list)| list).collect();
        let progress = Progress::new("scenarios", u64::try_from(scenarios.len()).unwrap_or(0), !out.json);
        let mut coverage = Coverage::new(&policies);
        let mut played = 0u64;
        for (file, list) in &files {
            for scenario in list {
                coverage
                    .take(scenario, &policies)
                    .map_err(|why| why.at(format!("{file}, {}", scenario.id)))?;
                played = played.saturating_add(1);
                progress.reach(played)?;
            }
        }
        progress.done();
        let mut report = coverage.report(&scenarios);
        let chosen = !self.clauses.is_empty();
        if let Some(unknown) = self.clauses.iter().find(|id| !report.clauses.iter().any(|c| c.clause == **id))
        {
            return Err(Error::not_found(format!("there is no clause {unknown}"))
                .hint("claims policy coverage lists them; --policy adds those of another policy"));
        }
        report.clauses.retain(|clause| !chosen || self.clauses.contains(&clause.clause));
        if out.json {
            report.clauses.iter().try_for_each(|clause| out.say(clause, String::new))?;
        } else if chosen {
            let texts: Vec<String> = report.clauses.iter().map(in_full).collect();
            line(&texts.join("\n\n"))?;
        } else {
            line(&in_short(&report))?;
        }
        Ok(if self.strict && report.gaps().next().is_some() { EXIT_DIFFERS } else { 0 })
    }
}

fn word(standing: Standing) -> &'static str {
    match standing {
        Standing::BothSides => "both",
        Standing::OneSideByNature => "one",
        Standing::Gap => "GAP",
    }
}

fn in_short(report: &Report) -> String {
    let rows: Vec<Vec<String>> = report
        .clauses
        .iter()
        .map(|clause| {
            let count = |side: usize| {
                let all = clause.rows.iter().flat_map(|row| row.scenarios.get(side)).flatten();
                all.collect::<std::collections::BTreeSet<_>>().len().to_string()
            };
            vec![
                clause.clause.clone(),
                word(clause.standing).into(),
                clause.treatment.join(", "),
                count(0),
                count(1),
                shortened(&clause.paraphrase),
            ]
        })
        .collect();
    let mut text = table(&["clause", "sides", "treatment", "one>", "other>", "paraphrase"], &rows);
    text.push_str(&format!(
        "\n{} clauses and house rules, {} scenarios: {} from both sides, {} with one side by nature, {} with a gap\n",
        report.clauses.len(),
        report.scenarios,
        report.count(Standing::BothSides),
        report.count(Standing::OneSideByNature),
        report.count(Standing::Gap),
    ));
    for clause in report.gaps() {
        text.push_str(&format!("  {}: {}\n", clause.clause, clause.gaps.join("; ")));
    }
    text
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= PARAPHRASE_CHARS_MAX {
        return text.into();
    }
    let kept: String = text.chars().take(PARAPHRASE_CHARS_MAX.saturating_sub(3)).collect();
    format!("{}...", kept.trim_end())
}

fn in_full(clause: &ClauseReport) -> String {
    let mut text = format!("{} ({})\n{}", clause.clause, clause.treatment.join(", "), clause.paraphrase);
    for row in &clause.rows {
        text.push_str(&format!("\n  {}", row.title()));
        for (side, scenarios) in row.sides.iter().zip(&row.scenarios).filter(|(side, _)| !side.is_empty()) {
            text.push_str(&format!("\n    {side}: {}", some_of(scenarios)));
        }
        if let Some(why) = row.one_side_because {
            text.push_str(&format!("\n    no other side: {why}"));
        }
    }
    for gap in &clause.gaps {
        text.push_str(&format!("\n  GAP {gap}"));
    }
    text
}

fn some_of(scenarios: &[String]) -> String {
    let named: Vec<&str> = scenarios.iter().take(NAMED_MAX).map(String::as_str).collect();
    match scenarios.len().saturating_sub(named.len()) {
        _ if named.is_empty() => "never".into(),
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}
