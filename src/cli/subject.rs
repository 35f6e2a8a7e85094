//! subject export: everything the ledger holds on one person.

use clap::{ArgGroup, Args, Subcommand};
use replay::ids::{ActorId, ClaimId, OrderId};
use serde_json::Value;
use std::path::PathBuf;

use super::{
    acts::claim_id,
    common::Common,
    files::whole_file,
    output::{Output, line},
};
use crate::{
    error::{Error, ErrorKind, Result},
    subject::{self, Export, Held, Subject},
};

#[derive(Debug, Subcommand)]
pub enum SubjectCommand {
    /// Write everything the ledger holds on one person, personal values in clear
    Export(ExportArgs),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("who").required(true).args(["claim", "order", "actor"])))]
#[command(after_help = "Examples:
  claims subject export --claim C1
  claims subject export --order O1 --to answer.txt
  claims subject export --actor cust-17 --json | jq '.events[].personal'

Every event of their orders and claims with both times, personal values opened, erased ones
named with day and basis, and the ids that are pseudonyms. Of an actor: the orders and claims on
which the actor spoke as a customer, and every event that the actor brought, approved or is named
in; what others said in those is withheld. Needs no approver and records nothing: an event would
keep for ever that somebody asked.")]
pub struct ExportArgs {
    /// Whoever stands behind this claim: the claim, its order and the other claims on it
    #[arg(long, value_name = "CLAIM", value_parser = claim_id)]
    claim: Option<ClaimId>,
    /// Whoever stands behind this order: the order and every claim on it
    #[arg(long, value_name = "ORDER")]
    order: Option<OrderId>,
    /// Somebody with an id of their own: staff, or a customer with an account
    #[arg(long, value_name = "ID")]
    actor: Option<ActorId>,
    /// The file to write, readable by its owner alone [default: stdout]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl SubjectCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let SubjectCommand::Export(args) = self;
        let who = match (args.claim, args.order, args.actor) {
            (Some(id), ..) => Subject::Claim(id),
            (_, Some(id), _) => Subject::Order(id),
            (.., Some(id)) => Subject::Actor(id),
            _ => {
                return Err(
                    Error::new(ErrorKind::Usage, "nobody_named", "whose data?").hint("give --claim ID")
                );
            }
        };
        let mut store = common.read()?;
        store.begin_read()?;
        let export = subject::export(&mut store, &who);
        store.end_read();
        let export = export?;
        let answer = match out.json {
            true => serde_json::to_string(&export)
                .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?,
            false => text(&export),
        };
        let Some(path) = args.to else { return line(answer.trim_end()) };
        whole_file(&path, |file| {
            writeln!(file, "{}", answer.trim_end()).map_err(|why| Error::io(&path, &why))
        })?;
        eprintln!("wrote {} events to {}", export.events.len(), path.display());
        Ok(())
    }
}

fn text(export: &Export) -> String {
    let count = |state: &str| {
        export.events.iter().flat_map(|held| &held.personal).filter(|value| value.state == state).count()
    };
    let mut text = format!(
        "What ledger {} holds on {}, up to position {}\n\n{} events; personal values: {} open, {} redacted",
        export.ledger,
        export.about,
        export.through,
        export.events.len(),
        count("open"),
        count("redacted"),
    );
    for state in ["missing", "withheld"] {
        match count(state) {
            0 => {}
            n => text.push_str(&format!(", {n} {state}")),
        }
    }
    text.push('\n');
    for notice in &export.notices {
        text.push_str(&format!("note: {notice}\n"));
    }
    for held in &export.events {
        text.push_str(&event(held));
    }
    text.push_str("\nPseudonyms (only other records say whom they mean)\n");
    for (what, ids) in &export.pseudonyms {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        text.push_str(&format!("  {what}: {}\n", ids.join(", ")));
    }
    text
}

fn event(held: &Held) -> String {
    let e = &held.entry;
    let standing = if e.standing == "stands" { String::new() } else { format!(" ({})", e.standing) };
    let approver = e.approver.as_ref().map(|a| format!(", approved by {a}")).unwrap_or_default();
    let key = e.external_id.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
    let mut text = format!(
        "\n{}  {} on {}{standing}\n  happened {}, recorded {}\n  by {} as {}{approver}, from {}{key}\n",
        e.position, e.kind, e.stream, e.effective_at, e.recorded_at, e.actor, e.role, e.source
    );
    let mut fields = Vec::new();
    flatten("", &e.payload, &mut fields);
    for (path, value) in fields {
        // A value that is withheld or missing shows as what the log holds of it.
        let mark = match held
            .personal
            .iter()
            .find(|personal| path.strip_suffix(".commitment") == Some(&personal.path))
        {
            Some(personal) => format!("  ({})", personal.state),
            None if held.personal.iter().any(|personal| personal.path == path) => "  (personal)".into(),
            None => String::new(),
        };
        text.push_str(&format!("    {path}: {value}{mark}\n"));
    }
    text
}

/// A payload as one line per field.
fn flatten(path: &str, value: &Value, fields: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
    match value {
        Value::Object(inner) => inner.iter().for_each(|(name, value)| flatten(&below(name), value, fields)),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{path}[{index}]"), item, fields);
            }
        }
        Value::String(text) => fields.push((path.into(), text.replace('\n', "\n      "))),
        other => fields.push((path.into(), other.to_string())),
    }
}
