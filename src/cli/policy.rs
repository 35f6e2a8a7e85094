//! policy lint, publish, calendars, list, show, diff.

use clap::{Args, Subcommand};
use replay::{
    codec::open,
    event::Event,
    ids::{PolicyId, Stream},
};
use std::path::PathBuf;

mod diff;
mod examine;

use super::{
    common::{Acting, Common},
    output::{self, Output, table},
};
use crate::{
    answers,
    door::Door,
    error::{Error, Result},
    ledger::{Ledger, Receipt},
    policy_file,
    store::Store,
};

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Examine policy files: contradictions, rows that never apply, what the document leaves open
    #[command(after_help = "Examples:
  claims policy lint shop.toml
  claims policy lint shop.toml --calendars calendars.toml --json | jq -r .code

Levels: error (not published), warning (look at it), note (the document leaves it open; nothing to do)")]
    Lint(examine::LintArgs),
    /// Compare two versions of a policy, row by row, with the clauses: exit 1 when they differ
    #[command(after_help = "Examples:
  claims policy diff AMC@1 amc-v2.toml
  claims policy diff AMC@1 AMC@2 --json | jq -r .row")]
    Diff(diff::DiffArgs),
    /// Publish a policy from a TOML file; needs an approver
    #[command(after_help = "Examples:
  claims policy publish shop.toml --actor m.klein --approver d.ruiz
  claims policy publish shop-v2.toml --actor m.klein --approver d.ruiz --key shop-v2")]
    Publish(PublishArgs),
    /// Publish holiday calendars from a TOML file
    #[command(after_help = "Example:\n  claims policy calendars calendars.toml --actor m.klein")]
    Calendars(PublishArgs),
    /// List the published policies with their versions and hashes
    #[command(
        after_help = "Examples:\n  claims policy list\n  claims policy list --calendars\n  claims policy list --json | jq .sha256"
    )]
    List {
        /// List the published calendars instead: their years, and where the holidays come from
        #[arg(long)]
        calendars: bool,
    },
    /// Play scenarios and compare what comes out with what they demand; exit 1 when it differs
    Test(super::scenarios::TestArgs),
    /// List the clauses with the scenarios that show both of their sides, and those that show only one
    Coverage(super::coverage::CoverageArgs),
    /// Print a published policy
    #[command(
        after_help = "Examples:\n  claims policy show AMC\n  claims policy show AMC --version 1 --json | jq .body.windows"
    )]
    Show {
        /// Policy id
        policy: PolicyId,
        /// Version [default: the latest]
        #[arg(long)]
        version: Option<u32>,
    },
}

#[derive(Debug, Args)]
pub struct PublishArgs {
    /// TOML file
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    acting: Acting,
}

impl PolicyCommand {
    /// Runs the verb and says with which code to exit.
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        match self {
            PolicyCommand::Lint(args) => args.run(out)?,
            PolicyCommand::Diff(args) => return args.run(common, out),
            PolicyCommand::Test(args) => return args.run(out),
            PolicyCommand::Coverage(args) => return args.run(out),
            PolicyCommand::Publish(args) => {
                let (mut events, mut warnings) = (Vec::new(), Vec::new());
                for file in &args.files {
                    let (policy, found) = examine::publishable(file, common)?;
                    events.push(policy.into());
                    warnings.extend(found);
                }
                args.record(common, events, out)?;
                warnings.iter().for_each(|warning| eprintln!("{warning}"));
            }
            PolicyCommand::Calendars(args) => {
                let mut events: Vec<Event> = Vec::new();
                for file in &args.files {
                    let text = std::fs::read_to_string(file).map_err(|why| Error::io(file, &why))?;
                    let found = policy_file::calendars(&text, &file.display().to_string())?;
                    events.extend(found.into_iter().map(Event::from));
                }
                args.record(common, events, out)?;
            }
            PolicyCommand::List { calendars: false } => list(common, out)?,
            PolicyCommand::List { calendars: true } => examine::list(common, out)?,
            PolicyCommand::Show { policy, version } => show(common, &policy, version, out)?,
        }
        Ok(0)
    }
}

impl PublishArgs {
    /// All files or none.
    fn record(&self, common: &Common, events: Vec<Event>, out: Output) -> Result<()> {
        if events.len() > 1 && self.acting.key.is_some() {
            return Err(Error::new(
                crate::error::ErrorKind::Usage,
                "one_key_many_files",
                "--key names one event, these are several",
            )
            .hint("publish the files one by one"));
        }
        self.acting.named()?;
        let mut ledger = Ledger::new(common.write()?, Door::System);
        for receipt in publish(&mut ledger, &self.acting, events)? {
            output::receipt(&receipt, out)?;
        }
        Ok(())
    }
}

/// Records events of the ledger stream as one batch.
///
/// # Errors
/// The first that is refused; then none is published.
pub fn publish<S: Store>(
    ledger: &mut Ledger<S>,
    acting: &Acting,
    events: Vec<Event>,
) -> Result<Vec<Receipt>> {
    let mut batch = Vec::with_capacity(events.len());
    for event in events {
        let mut proposal = acting.proposal(ledger.store(), &Door::System, Stream::Ledger, event)?;
        if !batch.is_empty() {
            proposal.expected = replay::ids::Expected::AfterThePreviousOfThisBatch;
        }
        batch.push(proposal);
    }
    ledger.record(batch)
}

/// What the ledger stream says about policies and calendars, in its order.
fn registry(common: &Common) -> Result<Vec<(u64, Event)>> {
    let mut found = Vec::new();
    for row in common.read()?.registry()? {
        let recorded = open(&row.as_row()).map_err(|why| {
            Error::new(
                crate::error::ErrorKind::BrokenLog,
                "log_is_broken",
                format!("position {}: {why}", row.position),
            )
        })?;
        found.push((row.position, recorded.event));
    }
    Ok(found)
}

fn list(common: &Common, out: Output) -> Result<()> {
    let found = answers::policies(&mut common.read()?)?;
    if out.json {
        return found
            .iter()
            .try_for_each(|(position, p)| out.say(&answers::policy_row(*position, p), String::new));
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(position, p)| {
            let hash = p.sha256.to_string();
            vec![
                p.policy.to_string(),
                p.version.to_string(),
                p.effective_from.to_string(),
                p.name.to_string(),
                position.to_string(),
                format!("{}...", hash.get(..16).unwrap_or(&hash)),
            ]
        })
        .collect();
    out.say(&(), || table(&["policy", "version>", "from", "name", "position>", "sha256"], &rows))
}

fn show(common: &Common, policy: &PolicyId, version: Option<u32>, out: Output) -> Result<()> {
    let (position, p) = answers::policy(&mut common.read()?, policy, version)?;
    out.say(&answers::policy_body(position, &p), || {
        let body = serde_json::to_string_pretty(&p.body).unwrap_or_default();
        format!("# {} version {}, position {position}\n# sha256 {}\n{body}", p.policy, p.version, p.sha256)
    })
}
