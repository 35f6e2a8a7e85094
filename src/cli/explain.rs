//! explain: why a claim is worth what it is worth, clause by clause, for customers and auditors.

use clap::Args;
use replay::ids::ClaimId;

use super::{common::Common, output::Output, views::Moment};
use crate::{
    error::Result,
    judging::{self, explain},
    view::case_of,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims explain C1
  claims explain C1 --markdown > C1.md
  claims explain C1 --known-at 2024-05-01T00:00:00Z     what was known on that day
  claims explain C1 --json | jq '.lines[] | {line, minor, cites}'")]
pub struct ExplainArgs {
    /// The claim
    #[arg(value_parser = super::acts::claim_id)]
    claim: ClaimId,
    /// Markdown, e.g. for a letter or a dispute file
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    #[command(flatten)]
    moment: Moment,
}

impl ExplainArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let case = case_of(&mut store, &replay::ids::Stream::Claim(self.claim.clone()))?;
        let registry = judging::registry(&mut store)?;
        let e = explain::explain(&case, &self.claim, &registry, &self.moment.cut())?;
        out.say(&e, || if self.markdown { explain::markdown(&e) } else { explain::text(&e) })
    }
}
