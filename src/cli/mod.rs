//! The command line: text in, one verb of the ledger, text out. stdout is data, stderr is words.

mod access;
pub mod acts;
mod audit_report;
mod backup;
pub mod common;
mod coverage;
mod demo;
mod due;
mod evidence;
mod explain;
mod files;
mod journal;
mod key;
mod leakage;
mod lineage;
mod next;
mod output;
mod packet;
mod people;
mod periods;
mod policy;
mod proof;
mod redact;
mod retention;
mod scenarios;
mod segments;
mod serve;
mod show;
mod signing;
mod sod;
mod subject;
mod verify;
mod views;
mod whatif;

pub use output::{Output, table};

use clap::{CommandFactory, Parser, Subcommand};
use std::{ffi::OsString, path::PathBuf};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::Ledger,
    store::{Store, sqlite::SqliteStore},
};
use common::Common;
use output::line;

/// Exit code of `audit` and `rebuild` when something differs.
pub const EXIT_DIFFERS: u8 = 1;
/// Exit code of `audit` when it could not tell.
pub const EXIT_COULD_NOT_TELL: u8 = 2;

const AFTER_HELP: &str = "\
Start here:
  claims demo                          a filled ledger, shown, rebuilt and audited
  claims init shop.db                  a ledger of your own
  export CLAIMS_LEDGER=shop.db         so that --ledger need not be repeated
  claims policy publish policy.toml --actor you --approver someone-else

Exit codes:
  0   done                             13  input cannot be read
  1   it differs: audit, rebuild,      14  not found
      policy diff, policy test         15  not a ledger, or a newer one
  2   audit, test: could not tell
  10  refused by a rule                16  another program is writing
  11  same key, other content          17  disk full, read-only, failing
  12  stale revision                   18  the log contradicts itself
  64  wrong command line               130 stopped; nothing half done";

/// A ledger of warranty, return and refund claims: every action is an event, every figure can be replayed
#[derive(Debug, Parser)]
#[command(name = "claims", version, after_help = AFTER_HELP, max_term_width = 100, subcommand_required = true)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a new, empty ledger
    #[command(
        after_help = "Examples:\n  claims init shop.db\n  claims init --origin shop.example/claims shop.db"
    )]
    Init {
        /// The file to make; it must not exist
        file: PathBuf,
        /// The ledger's name, written into every event [default: a random one]
        #[arg(long, value_name = "NAME")]
        origin: Option<replay::ids::Origin>,
    },
    /// Publish and look at policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Record commands from a file or a pipe, one JSON object a line; receipts come out
    Record(files::RecordArgs),
    /// Show a claim or an order as it stands, or stood
    Show(show::ShowArgs),
    /// Show what happened on a claim or an order, with both times
    Timeline(views::TimelineArgs),
    /// Explain a claim cent by cent: clauses, formulas, facts, why not more, why not less
    Explain(explain::ExplainArgs),
    /// Write one claim's whole case for a bank, a court or a card processor, with proofs
    Packet(Box<packet::PacketArgs>),
    /// What can be done with a claim now, what is missing, what is due under which clause
    Next(next::NextArgs),
    /// List claims
    List(views::ListArgs),
    /// Refund totals: credited, reversed, failed, and what stands
    Totals(views::TotalsArgs),
    /// Months: open or sealed, with what was posted into them and who sealed them
    Periods(periods::PeriodsArgs),
    /// Seal a month: its totals are recorded, and what is learned later is posted into the next open month
    CloseMonth(periods::CloseMonthArgs),
    /// What is still owed: refunds and goods to customers, charges from them
    Owed(views::OwedArgs),
    /// What is due when: clocks that run, are late or were met, and duties to inform that were missed
    Due(due::DueArgs),
    /// Judge claims again under another version of a policy and show what differs; writes nothing
    WhatIf(whatif::WhatIfArgs),
    /// Where money left without a clause, or stays against one: overpaid, unpaid, waived, granted
    Leakage(leakage::LeakageArgs),
    /// Who holds which roles, and the limits of roles
    People(people::PeopleArgs),
    /// Segregation of duties: who did what should be for two, and what came close; writes nothing
    Sod(sod::SodArgs),
    /// From a figure to the events behind it, and from an event to every figure it touches
    #[command(subcommand)]
    Lineage(lineage::LineageCommand),
    /// Fold the log in memory up to any moment; writes nothing
    Replay(proof::ReplayArgs),
    /// Rebuild the books from the log, compare them with what is served, and swap them in
    Rebuild(proof::RebuildArgs),
    /// Replay everything and compare: exit 0 agrees, 1 differs, 2 could not tell
    Audit(proof::AuditArgs),
    /// Make a key that signs checkpoints, or print the key that checks them
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Sign the head of the log, and look at heads that were signed
    #[command(subcommand)]
    Checkpoint(evidence::CheckpointCommand),
    /// Prove that an event is in the log, or that the log only grew
    Prove(evidence::ProveArgs),
    /// Cosign the log of somebody else as long as it only grows; needs no ledger
    Witness(evidence::WitnessArgs),
    /// Check a ledger, a bundle, a proof or a checkpoint, offline, trusting only the keys you give
    Verify(verify::VerifyArgs),
    /// Erase personal values with a second person's approval; the log and its proofs stay
    Redact(Box<redact::RedactArgs>),
    /// How long personal values are kept, and which are past that
    #[command(subcommand)]
    Retention(retention::RetentionCommand),
    /// What the ledger holds on one person
    #[command(subcommand)]
    Subject(subject::SubjectCommand),
    /// Bring in historical credits (CSV) or a whole log
    #[command(subcommand)]
    Import(files::ImportCommand),
    /// Write out the log, or the journal as accountants keep it
    #[command(subcommand)]
    Export(files::ExportCommand),
    /// Copy the ledger while it is in use, and audit the copy
    Backup(backup::BackupArgs),
    /// Make a ledger out of a backup, once it is audited
    Restore(backup::RestoreArgs),
    /// The log in columns (Parquet): totals over millions of events, for DuckDB, Polars and pandas as well
    #[command(subcommand)]
    Segments(segments::SegmentsCommand),
    /// Serve the ledger to people with browsers and to programs, until Ctrl-C or SIGTERM
    Serve(Box<serve::ServeArgs>),
    /// Who may ask the service: people who log in, and tokens of programs
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Print the JSON Schema of an event, a command or an envelope; without a name, list them
    #[command(
        after_help = "Examples:\n  claims schema\n  claims schema refund_issued\n  claims schema command"
    )]
    Schema {
        /// e.g. refund_issued, events/refund_issued.v1, command, envelope
        name: Option<String>,
    },
    /// Make a ledger with five policies and example claims, show it, rebuild it, audit it
    Demo(demo::DemoArgs),
    /// Print shell completions
    #[command(after_help = "Example:\n  claims completions bash > /etc/bash_completion.d/claims")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    #[command(flatten)]
    Act(Box<acts::Act>),
}

/// Runs the program and says with which code to exit.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(why) => return not_understood(&why, args.iter().any(|word| word == "--json")),
    };
    let json = cli.common.json;
    let proving = match &cli.command {
        Command::Audit(args) => args.compares(),
        Command::Verify(_) => true,
        _ => false,
    };
    let testing = matches!(cli.command, Command::Policy(policy::PolicyCommand::Test(_)));
    match dispatch(cli) {
        Ok(code) => code,
        Err(why) => {
            complain(&why, json);
            let unread = matches!(why.kind, ErrorKind::Unreadable | ErrorKind::NotFound | ErrorKind::Storage);
            if proving || (testing && unread) { EXIT_COULD_NOT_TELL } else { why.kind.exit_code() }
        }
    }
}

/// A command line that is wrong, or asks for help or the version, which is no mistake.
fn not_understood(why: &clap::Error, json: bool) -> u8 {
    if !why.use_stderr() {
        let _ = why.print();
        return 0;
    }
    if json {
        let text = why.render().to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        complain(&Error::new(ErrorKind::Usage, "wrong_command_line", text), json);
    } else {
        let _ = why.print();
    }
    ErrorKind::Usage.exit_code()
}

fn complain(why: &Error, json: bool) {
    if json {
        let text = serde_json::to_string(&serde_json::json!({ "error": why })).unwrap_or_default();
        eprintln!("{text}");
    } else {
        eprintln!("error: {why}");
    }
}

fn dispatch(cli: Cli) -> Result<u8> {
    let Cli { common, command } = cli;
    let out = Output { json: common.json };
    match command {
        Command::Init { file, origin } => init(&file, origin, out)?,
        Command::Policy(command) => return command.run(&common, out),
        Command::Record(args) => args.run(&common, out)?,
        Command::Show(args) => args.run(&common, out)?,
        Command::Timeline(args) => args.run(&common, out)?,
        Command::Explain(args) => args.run(&common, out)?,
        Command::Packet(args) => args.run(&common, out)?,
        Command::Next(args) => args.run(&common, out)?,
        Command::List(args) => args.run(&common, out)?,
        Command::Totals(args) => args.run(&common, out)?,
        Command::Periods(args) => args.run(&common, out)?,
        Command::CloseMonth(args) => args.run(&common, out)?,
        Command::Owed(args) => args.run(&common, out)?,
        Command::Due(args) => args.run(&common, out)?,
        Command::WhatIf(args) => args.run(&common, out)?,
        Command::Leakage(args) => args.run(&common, out)?,
        Command::People(args) => args.run(&common, out)?,
        Command::Sod(args) => args.run(&common, out)?,
        Command::Lineage(command) => return command.run(&common, out),
        Command::Replay(args) => args.run(&common, out)?,
        Command::Rebuild(args) => return args.run(&common, out),
        Command::Audit(args) => return args.run(&common, out),
        Command::Key(command) => command.run(&common, out)?,
        Command::Checkpoint(command) => command.run(&common, out)?,
        Command::Prove(args) => args.run(&common, out)?,
        Command::Witness(args) => return args.run(out),
        Command::Verify(args) => return args.run(out),
        Command::Redact(args) => args.run(&common, out)?,
        Command::Retention(command) => command.run(&common, out)?,
        Command::Subject(command) => command.run(&common, out)?,
        Command::Import(command) => command.run(&common, out)?,
        Command::Export(command) => command.run(&common, out)?,
        Command::Backup(args) => return args.run(&common, out),
        Command::Restore(args) => args.run(&common, out)?,
        Command::Segments(command) => return command.run(&common, out),
        Command::Serve(args) => args.run(&common, out)?,
        Command::Access(command) => command.run(&common, out)?,
        Command::Schema { name } => schema(name.as_deref(), out)?,
        Command::Demo(args) => return args.run(&common, out),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "claims", &mut script);
            line(String::from_utf8_lossy(&script).trim_end())?;
        }
        Command::Act(act) => record_one(*act, &common, out)?,
    }
    Ok(0)
}

fn init(file: &std::path::Path, origin: Option<replay::ids::Origin>, out: Output) -> Result<()> {
    let origin = match origin {
        Some(origin) => origin,
        None => random_origin()?,
    };
    let mut store = SqliteStore::create(file, &origin)?;
    let tip = store.tip()?;
    let answer = serde_json::json!({ "file": file, "ledger": origin, "root": tip.frontier.root() });
    out.say(&answer, || {
        format!(
            "made ledger {origin} in {}\nnext: claims policy publish FILE --ledger {} --actor YOU --approver SOMEBODY-ELSE",
            file.display(),
            file.display()
        )
    })
}

/// A name that no other ledger has, so that no event fits into another log.
fn random_origin() -> Result<replay::ids::Origin> {
    let mut door = Door::System;
    let now = door.now();
    let id = door.event_id(now)?;
    replay::ids::Origin::new(format!("ledger-{id}"))
        .map_err(|why| Error::new(ErrorKind::Internal, "bad_origin", why.to_string()))
}

fn schema(name: Option<&str>, out: Output) -> Result<()> {
    match name {
        None => {
            let names: Vec<&str> = crate::schema::list().map(|(name, _)| name).collect();
            out.say(&names, || names.join("\n"))
        }
        Some(name) => match crate::schema::find(name) {
            Some(text) => line(text.trim_end()),
            None => {
                Err(Error::not_found(format!("there is no schema {name}")).hint("claims schema lists them"))
            }
        },
    }
}

/// One verb, one event, one receipt.
fn record_one(act: acts::Act, common: &Common, out: Output) -> Result<()> {
    act.acting().named()?;
    let mut store = common.write()?;
    let proposal = act.proposal(&mut store, &Door::System)?;
    let mut ledger = Ledger::new(store, Door::System);
    for receipt in ledger.record(vec![proposal])? {
        output::receipt(&receipt, out)?;
        if receipt.kind == replay::event::Kind::ParcelRefused.as_str() {
            eprintln!("the parcel was not taken in");
        }
    }
    Ok(())
}
