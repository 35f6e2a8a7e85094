//! next: what can be done with a claim now, what is missing, what is due.

use clap::Args;
use replay::{
    ids::{ClaimId, Stream},
    time::When,
};

use super::{
    common::Common,
    output::{Output, minutes, table},
    views::Moment,
};
use crate::{
    door::Door,
    error::Result,
    judging::{self, next},
    view::case_of,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims next C1
  claims next C1 --at 2024-05-10T12:00:00-05:00      clocks as they stand then
  claims next C1 --json | jq '.steps[] | select(.state == \"can\") | .command'")]
pub struct NextArgs {
    /// The claim
    #[arg(value_parser = super::acts::claim_id)]
    claim: ClaimId,
    /// Read clocks at this moment [default: now]
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    at: Option<When>,
    #[command(flatten)]
    moment: Moment,
}

impl NextArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let case = case_of(&mut store, &Stream::Claim(self.claim.clone()))?;
        let registry = judging::registry(&mut store)?;
        let now = self.at.map_or_else(|| Door::System.now(), |at| at.at);
        let next = next::next(&case, &self.claim, &registry, &self.moment.cut(), now)?;
        out.say(&next, || text(&next))
    }
}

fn text(n: &next::Next) -> String {
    let mut t = format!("Claim {}: {}, {}\n", n.claim, n.status, n.stage);
    for step in n.steps.iter().chain(&n.notices) {
        let mark = if step.state == "can" { "can  " } else { "waits" };
        let units = step.units.as_ref().map(|u| format!("{u}: ")).unwrap_or_default();
        t.push_str(&format!("\n{mark}  {}  {units}{}  ({})\n", step.who, step.text, step.cites.join(", ")));
        if let Some(command) = &step.command {
            t.push_str(&format!("       {command}\n"));
        }
    }
    if n.steps.is_empty() && n.notices.is_empty() {
        t.push_str("\nnothing to do now\n");
    }
    if !n.clocks.is_empty() {
        let rows: Vec<Vec<String>> = n
            .clocks
            .iter()
            .map(|c| {
                let name = c.refund.as_ref().map_or_else(|| c.clock.clone(), |r| format!("{} {r}", c.clock));
                let done = c.done.as_deref().map_or("", |d| d.get(..10).unwrap_or(d));
                vec![
                    name,
                    c.state.into(),
                    c.due.as_deref().map_or_else(|| "no figure".into(), minutes),
                    done.into(),
                    c.firmness.clone(),
                    c.cites.join(", "),
                ]
            })
            .collect();
        t.push('\n');
        t.push_str(&table(&["clock", "state", "due", "done", "firmness", "clauses"], &rows));
    }
    t
}
