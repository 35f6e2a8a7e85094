//! key: the keys that sign the heads of the log, and which one comes after which.

use clap::{Args, Subcommand};
use replay::evidence::note::KeyType;
use serde_json::json;
use std::path::PathBuf;

use super::{
    common::{Answering, Common},
    evidence::free,
    output::{Output, table},
};
use crate::{
    answers::instant,
    door::Door,
    error::Result,
    evidence::{
        heads::{self, Change},
        keys,
    },
    ledger::Ledger,
    store::Store,
    whole::{Readers, new_file},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  claims key new shop.key --ledger shop.db")]
pub enum KeyCommand {
    /// Make a key that signs, in a new file that only you can read; prints the key that checks
    #[command(after_help = "Examples:
  claims key new shop.key --ledger shop.db      a ledger's key, named after the ledger
  claims key new ann.key --witness ann.example/w1   a witness's key

The file holds the secret: keep it away from the ledger and its backups. What is
printed is public: give it to whoever shall check checkpoints, by another way than
the checkpoints themselves.")]
    New {
        /// The file to make
        file: PathBuf,
        /// A witness's key, with this name [default: a key of the ledger, with its name]
        #[arg(long, value_name = "NAME")]
        witness: Option<String>,
    },
    /// Print the key that checks what a key signs; it may be given to anybody
    #[command(after_help = "Example:\n  claims key show shop.key")]
    Show {
        /// The file of the key that signs
        file: PathBuf,
    },
    /// Record that a key signs the heads of the log from now on
    Announce(AnnounceArgs),
    /// List the keys that were announced, and which one signs
    #[command(after_help = "Example:\n  claims key list --ledger shop.db --json")]
    List,
}

impl KeyCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let (file, key) = match self {
            KeyCommand::Announce(args) => return args.run(common, out),
            KeyCommand::List => return list(common, out),
            KeyCommand::New { file, witness: None } => {
                let origin = common.read()?.origin().to_string();
                let key = keys::create(&file, &origin, KeyType::Log, &mut Door::System)?;
                (file, key)
            }
            KeyCommand::New { file, witness: Some(name) } => {
                let key = keys::create(&file, &name, KeyType::Witness, &mut Door::System)?;
                (file, key)
            }
            KeyCommand::Show { file } => {
                let key = keys::load(&file)?.verifier();
                (file, key)
            }
        };
        let kind = if key.kind() == KeyType::Log { "log" } else { "witness" };
        let answer = json!({ "file": file, "name": key.name(), "kind": kind, "vkey": key.to_string() });
        out.say(&answer, || key.to_string())
    }
}

#[derive(Debug, Args)]
#[command(
    after_help = "Once a key is on record, no other key signs a head of the log: it would be refused, and
be a finding of the audit. What is printed is a statement for those who check checkpoints:
claims verify tells them whether a key they trust hands over to the new one.

Examples:
  claims key announce shop.key --actor d.ruiz --role admin
  claims key announce 2025.key --replaces shop.key --actor d.ruiz --role admin --out 2025-key
  claims key announce 2025.key --lost --actor d.ruiz --role admin --approver f.weber
  claims key announce 2025.key --exposed --actor d.ruiz --role admin --approver f.weber

A key that is lost or exposed cannot vouch for the next one: a second person does, and
whoever trusted it must get the new key by another way and put it into their trust file."
)]
pub struct AnnounceArgs {
    /// The file of the key that signs from now on
    file: PathBuf,
    /// The file of the key that signed until now; both sign the change
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lost", "exposed"])]
    replaces: Option<PathBuf>,
    /// The key before it is gone
    #[arg(long, conflicts_with = "exposed")]
    lost: bool,
    /// Others may have the key before it
    #[arg(long)]
    exposed: bool,
    /// Also write the statement to this file, which must not exist
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    by: Answering,
}

impl AnnounceArgs {
    fn run(self, common: &Common, out: Output) -> Result<()> {
        self.by.named()?;
        let key = keys::load(&self.file)?;
        let old = self.replaces.as_deref().map(keys::load).transpose()?;
        let change = match &old {
            Some(old) => Change::Rotated(old),
            None if self.lost => Change::Lost,
            None if self.exposed => Change::Exposed,
            None => Change::Introduced,
        };
        free(self.out.as_deref())?;
        let mut ledger = Ledger::new(common.write()?, Door::System);
        let propose = |event| self.by.proposal(&Door::System, event);
        let (note, receipt) = heads::announce(&mut ledger, &key, change, &propose)?;
        if let Some(path) = &self.out {
            new_file(path, note.to_string().as_bytes(), Readers::Anybody)?;
        }
        let answer = json!({ "statement": note.to_string(), "vkey": key.verifier().to_string(),
                             "position": receipt.position });
        out.say(&answer, || note.to_string())?;
        if !out.json {
            eprintln!("recorded at position {}; give it to those who check checkpoints", receipt.position);
        }
        Ok(())
    }
}

fn list(common: &Common, out: Output) -> Result<()> {
    let keys = heads::announced(&mut common.read()?)?;
    let last = keys.len().saturating_sub(1);
    let answer: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(at, heads::Key { position, recorded_at, announced: key })| {
            json!({ "position": position, "recorded_at": instant(*recorded_at), "vkey": key.key,
                    "replaces": key.replaces, "reason": key.reason, "signs": at == last,
                    "statement": key.note })
        })
        .collect();
    out.say(&answer, || {
        if keys.is_empty() {
            return "no key was announced: whoever holds a key with the ledger's name may sign\n\
                    claims key announce puts one on record"
                .into();
        }
        let row = |(at, heads::Key { position, recorded_at, announced: key }): (usize, &heads::Key)| {
            let state = if at == last { "signs" } else { "replaced" };
            vec![
                position.to_string(),
                instant(*recorded_at),
                key.reason.to_string(),
                state.into(),
                key.key.clone(),
            ]
        };
        let rows: Vec<Vec<String>> = keys.iter().enumerate().map(row).collect();
        table(&["pos>", "recorded", "reason", "state", "key"], &rows)
    })
}
