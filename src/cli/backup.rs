//! backup, restore: a copy of a ledger in use, and a ledger out of a copy.

use clap::Args;
use serde_json::json;
use std::path::PathBuf;

use super::{
    EXIT_DIFFERS,
    common::Common,
    output::Output,
    verify::{Trusting, trust_of},
};
use crate::{
    backup::{self, Copied},
    error::Result,
    evidence::verify,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims backup /mnt/backup/2024-04-30.db
  claims backup /mnt/backup/$(date +%F).db --json

Others go on reading and writing meanwhile; the copy is one moment of the ledger. It is
audited before it is there. Exit 1: it is there, and log and books differ in it, as they
do in the ledger. A backup holds the personal values as they were: what is erased later
must be erased in it as well (claims redact), or the backup thrown away.")]
pub struct BackupArgs {
    /// The file to make; it must not exist
    file: PathBuf,
}

impl BackupArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        let copied = backup::backup(&mut common.read()?, &self.file, !out.json)?;
        out.say(&json!({ "file": self.file, "copy": copied }), || {
            text(&copied, &format!("backed up to {}", self.file.display()))
        })?;
        Ok(if copied.agrees { 0 } else { EXIT_DIFFERS })
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims restore /mnt/backup/2024-04-30.db --ledger shop.db
  claims restore 2024-04-30.db --ledger shop.db --log-key VKEY --checkpoint april.checkpoint

The ledger is made in a new file: nothing takes the place of another. The backup is
audited first and, with --checkpoint, must have what somebody else saw signed. What was
recorded after the backup is not in it, and what was erased after it is in it again:
erase it again (claims redact).")]
pub struct RestoreArgs {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    trusting: Trusting,
}

impl RestoreArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let to = common.path()?;
        let trust = trust_of(&self.trusting)?;
        let kept = verify::read_kept(&self.trusting.kept)?;
        let (copied, verdict) = backup::restore(&self.file, to, trust.as_ref(), &kept, !out.json)?;
        out.say(&json!({ "ledger": to, "copy": copied, "verdict": verdict }), || {
            text(&copied, &format!("restored to {}", to.display()))
        })
    }
}

fn text(copied: &Copied, done: &str) -> String {
    let mut text = format!(
        "{done}: {} events of {}, {} bytes\nroot {}\n",
        copied.events, copied.ledger, copied.bytes, copied.root
    );
    for finding in &copied.findings {
        text.push_str(&format!("  {finding}\n"));
    }
    text.push_str(if copied.agrees {
        "audited: log and books agree"
    } else {
        "audited: log and books DIFFER"
    });
    text
}
