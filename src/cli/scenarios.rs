//! policy test: scenarios against policies, before anything is published.

use clap::Args;
use std::path::PathBuf;

use super::{
    EXIT_DIFFERS,
    output::{Output, line},
};
use crate::{
    error::Result,
    progress::Progress,
    scenario::{self, Checked, gather},
};

#[derive(Debug, Args)]
#[command(after_help = "\
A scenario is a small story of one order with the outcome that its policy demands; the format is described in
fixtures/scenarios/README.md. Every story is played into a ledger in memory; no ledger file is touched.

Examples:
  claims policy test                               the scenarios inside the program
  claims policy test returns.json warranty.json
  claims policy test --policy shop.toml scenarios/ shop.toml before it is published
  claims policy test --json returns.json | jq 'select(.pass | not)'

Exit codes:
  0   every expectation is met
  1   one is not
  2   a file that cannot be read, or a story that cannot be told; what was printed before it still counts")]
pub struct TestArgs {
    /// Scenario files, or folders with such files [default: those inside the program]
    files: Vec<PathBuf>,
    /// A policy file beside the five inside the program; takes the place of one with the same id
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,
}

impl TestArgs {
    /// Runs the verb and says with which code to exit.
    pub fn run(self, out: Output) -> Result<u8> {
        let policies = gather::policies(&self.policy)?;
        let files = gather::scenarios(&self.files)?;
        let scenarios = files.iter().fold(0, |sum: usize, (_, list)| sum.saturating_add(list.len()));
        let progress = Progress::new("scenarios", u64::try_from(scenarios).unwrap_or(0), !out.json);
        let (mut played, mut met, mut all) = (0u64, 0u64, 0u64);
        for (file, list) in &files {
            for scenario in list {
                let found = scenario::check(scenario, &policies, &scenario::judge)
                    .map_err(|why| why.at(format!("{file}, {}", scenario.id)))?;
                for checked in &found {
                    all = all.saturating_add(1);
                    met = met.saturating_add(u64::from(checked.pass));
                    if out.json {
                        out.say(checked, String::new)?;
                    } else if !checked.pass {
                        line(&failure(checked))?;
                    }
                }
                played = played.saturating_add(1);
                progress.reach(played)?;
            }
        }
        progress.done();
        if !out.json {
            line(&format!("{met} of {all} expectations met in {played} scenarios"))?;
        }
        Ok(if met == all { 0 } else { EXIT_DIFFERS })
    }
}

/// `ATP-S01, C1, as of 2024-03-15T12:00:00-04:00`, and what differs.
fn failure(checked: &Checked) -> String {
    let claim = checked.claim.as_ref().map_or_else(|| "the order".into(), ToString::to_string);
    let as_of = checked.as_of.as_ref().map_or_else(|| "at the end".into(), |at| format!("as of {at}"));
    let mut text = format!("{}, {claim}, {as_of}", checked.id);
    for difference in &checked.differences {
        text.push_str(&format!("\n  {difference}"));
    }
    text
}
