//! The head of the log signed along with other work: after a rebuild, a seal of a month, before an export.

use clap::Args;
use replay::{
    evidence::note::{Note, SignerKey},
    ids::{ActorId, Code, SourceId},
};
use serde::Serialize;
use std::path::{Path, PathBuf};

use super::{
    common::{Answering, Common},
    output::Output,
};
use crate::{
    door::Door,
    error::{Error, Result},
    evidence::{heads, keys},
    ledger::Ledger,
    proof::By,
    store::sqlite::SqliteStore,
    whole::{Readers, new_file},
};

#[derive(Debug, Args)]
pub struct Signing {
    /// Also sign the head of the log, with the key in this file, and record it
    #[arg(long, env = "CLAIMS_SIGNING_KEY", value_name = "FILE", help_heading = "Checkpoint")]
    signing_key: Option<PathBuf>,
    /// Copy the signed head out, into this folder, as SIZE.checkpoint
    #[arg(
        long,
        env = "CLAIMS_CHECKPOINTS",
        value_name = "DIR",
        requires = "signing_key",
        help_heading = "Checkpoint"
    )]
    checkpoints: Option<PathBuf>,
}

/// The head is signed before it is handed over.
#[derive(Debug, Args)]
pub struct SigningFirst {
    #[command(flatten)]
    signing: Signing,
    /// Who signs
    #[arg(
        long,
        env = "CLAIMS_ACTOR",
        default_value = "export",
        value_name = "ID",
        help_heading = "Checkpoint"
    )]
    actor: ActorId,
    /// In which role
    #[arg(
        long,
        env = "CLAIMS_ROLE",
        default_value = "operations",
        value_name = "ROLE",
        help_heading = "Checkpoint"
    )]
    role: Code,
    /// The system this comes from
    #[arg(
        long,
        env = "CLAIMS_SOURCE",
        default_value = "cli",
        value_name = "NAME",
        help_heading = "Checkpoint"
    )]
    source: SourceId,
}

impl SigningFirst {
    /// Signs and records the head when a key is named and no checkpoint was chosen.
    ///
    /// # Errors
    /// As [`Ready::sign`].
    pub fn sign(&self, common: &Common, is_chosen: bool, out: Output) -> Result<()> {
        let Some(ready) = self.signing.ready()?.filter(|_| !is_chosen) else { return Ok(()) };
        let by = By { actor: self.actor.clone(), role: self.role.clone(), source: self.source.clone() };
        let signed = ready.sign(&mut Ledger::new(common.write()?, Door::System), &by)?;
        if !out.json {
            eprintln!("{}", signed.text());
        }
        Ok(())
    }
}

/// A head that was signed along with other work.
#[derive(Debug, Serialize)]
pub struct Signed {
    /// Its size.
    pub size: u64,
    /// Position of the event that records it.
    pub position: u64,
    /// The signed note.
    pub checkpoint: String,
    /// Where the copy lies.
    pub copy: Option<PathBuf>,
}

/// A key that was read before the work began, so that the work is not done in vain.
pub struct Ready {
    key: SignerKey,
    folder: Option<PathBuf>,
}

impl Signing {
    /// Reads the key, when one is named.
    ///
    /// # Errors
    /// A key that cannot be used, a folder for copies that is not there.
    pub fn ready(&self) -> Result<Option<Ready>> {
        let Some(path) = &self.signing_key else { return Ok(None) };
        let key = keys::load(path)?;
        if let Some(folder) = self.checkpoints.as_ref().filter(|folder| !folder.is_dir()) {
            return Err(Error::not_found("the folder for checkpoints is not there")
                .at(folder.display())
                .hint("make it, best on a machine that somebody else looks after"));
        }
        Ok(Some(Ready { key, folder: self.checkpoints.clone() }))
    }
}

impl Ready {
    /// Signs and records the head, and copies it out.
    ///
    /// # Errors
    /// As [`heads::sign`]; a copy that cannot be written, when the head is on record already.
    pub fn sign(&self, ledger: &mut Ledger<SqliteStore>, by: &By) -> Result<Signed> {
        let By { actor, role, source } = by.clone();
        let by = Answering { actor, role, source, approver: None, at: None };
        let propose = |event| by.proposal(&Door::System, event);
        let (note, receipt) = heads::sign(ledger, &self.key, &propose)?;
        let size = receipt.position.saturating_sub(1);
        let copy = self.folder.as_ref().map(|folder| copied(folder, size, &note)).transpose()?;
        Ok(Signed { size, position: receipt.position, checkpoint: note.to_string(), copy })
    }
}

fn copied(folder: &Path, size: u64, note: &Note) -> Result<PathBuf> {
    let path = folder.join(format!("{size}.checkpoint"));
    new_file(&path, note.to_string().as_bytes(), Readers::Anybody)?;
    Ok(path)
}

impl Signed {
    /// What people read of it.
    pub fn text(&self) -> String {
        let copy = match &self.copy {
            Some(path) => format!("; a copy lies in {}", path.display()),
            None => "; give it to somebody who keeps it (claims checkpoint show)".into(),
        };
        format!("signed the head of {} events, recorded at position {}{copy}", self.size, self.position)
    }
}
