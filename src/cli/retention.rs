//! retention: how long personal values are kept, and which are kept too long.

use clap::{Args, Subcommand};
use replay::{
    event::RetentionSet,
    ids::{Code, Stream},
    registry::ANY,
    time::Day,
};

use super::{
    common::{Acting, Common},
    output::{self, Output, table},
};
use crate::{
    answers,
    door::Door,
    error::Result,
    judging::registry,
    ledger::Ledger,
    redaction::{Due, due},
};

/// Fields that hold personal values, as the catalogue of events names them.
const FIELDS: [&str; 9] =
    ["name", "email", "address", "phone", "text", "reason_text", "tracking", "serials", "circumstances"];

#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Set how long personal values of one name are kept
    #[command(after_help = "Examples:
  claims retention set any 1095 --basis retention_over --actor d.ruiz
  claims retention set serials 2190 --basis retention_over --actor d.ruiz

A value is kept for so many days after the last thing that happened on its order or a claim on it,
and as long as any of these claims is open. WHAT is a field (name, email, address, phone, text,
reason_text, tracking, serials, circumstances) or any, for every field without a time of its own.
The last time that was set counts. Names registered for actors have no such time.")]
    Set(Box<SetArgs>),
    /// Show the schedule
    #[command(after_help = "Examples:\n  claims retention list\n  claims retention list --json")]
    List,
    /// List personal values that are past their retention on a day; nothing is erased
    #[command(after_help = "Examples:
  claims retention due
  claims retention due --at 2027-01-01 --json
  claims redact --retention --requester dpo --actor d.ruiz --approver m.klein   erases them")]
    Due {
        /// The day [default: today]
        #[arg(long, value_name = "DAY", value_parser = Day::parse)]
        at: Option<Day>,
    },
}

/// What is kept how long.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// The field, or any
    #[arg(value_name = "WHAT", value_parser = field)]
    what: Code,
    /// Days after the last thing that happened
    #[arg(value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(replay::event::RETENTION_DAYS_MAX)))]
    days: u32,
    /// The legal basis on which they are erased then
    #[arg(long, value_name = "CODE")]
    basis: Code,
    #[command(flatten)]
    acting: Acting,
}

fn field(text: &str) -> std::result::Result<Code, String> {
    if text == ANY || FIELDS.contains(&text) {
        return Code::new(text).map_err(|why| why.to_string());
    }
    Err(format!("write any, or one of {}", FIELDS.join(", ")))
}

impl RetentionCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        match self {
            RetentionCommand::Set(set) => {
                let SetArgs { what, days, basis, acting } = *set;
                acting.named()?;
                let mut store = common.write()?;
                let event = RetentionSet { what, days, basis };
                let proposal = acting.proposal(&mut store, &Door::System, Stream::Ledger, event)?;
                let receipts = Ledger::new(store, Door::System).record(vec![proposal])?;
                receipts.iter().try_for_each(|receipt| output::receipt(receipt, out))
            }
            RetentionCommand::List => list(common, out),
            RetentionCommand::Due { at } => {
                let mut store = common.read()?;
                let at = at.unwrap_or_else(|| Door::System.now_here().local_day());
                show_due(&due(&mut store, at)?, at, out)
            }
        }
    }
}

fn list(common: &Common, out: Output) -> Result<()> {
    let registry = registry(&mut common.read()?)?;
    let rows: Vec<Vec<String>> = registry
        .retentions()
        .iter()
        .map(|(what, kept)| vec![what.to_string(), kept.days.to_string(), kept.basis.to_string()])
        .collect();
    if out.json {
        return out.lines(&answers::retentions(&registry)?);
    }
    out.say(&(), || table(&["what", "days>", "basis"], &rows))
}

fn show_due(due: &[Due], at: Day, out: Output) -> Result<()> {
    let held = due.iter().filter(|due| due.hold.is_some()).count();
    if out.json {
        // What is held is not due; it is listed so that nobody looks for it.
        return due.iter().try_for_each(|due| out.say(due, String::new));
    }
    let rows: Vec<Vec<String>> = due
        .iter()
        .filter(|due| due.hold.is_none())
        .map(|due| {
            let basis = due.value.basis.as_ref().map(ToString::to_string).unwrap_or_default();
            vec![
                due.value.position.to_string(),
                due.value.stream.to_string(),
                due.value.path.clone(),
                due.kept_until.clone(),
                basis,
            ]
        })
        .collect();
    out.say(&(), || {
        let mut text = format!("{} personal values are past their retention on {at}\n\n", rows.len());
        text.push_str(&table(&["pos>", "stream", "value", "kept until", "basis"], &rows));
        if held > 0 {
            text.push_str(&format!("\n{held} more are kept by a legal hold"));
        }
        text
    })
}
