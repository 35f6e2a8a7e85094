//! packet: one claim's whole case, for a bank, a court, an arbiter or a card processor.

use clap::{Args, ValueEnum};
use replay::{
    evidence::{
        note::{Note, VerifierKey},
        trust::Trust,
    },
    ids::ClaimId,
};
use std::path::{Path, PathBuf};

use super::{
    common::Common,
    output::{Output, line},
    views::Moment,
};
use crate::{
    answers::head,
    error::{Error, ErrorKind, Result},
    evidence::{read_note, read_trust},
    packet::{self, Options, Packet},
    store::sqlite::SqliteStore,
    whole::{Readers, new_file},
};

/// What the packet is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One page that needs no network and checks its own proofs
    Html,
    /// Everything, for programs; claims schema packet describes it
    Json,
    /// For a letter
    Markdown,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims packet C1 --output C1.html                       one page that checks its own proofs
  claims packet C1 --output C1.html --log-key VKEY        with the key that signed the checkpoint
  claims packet C1 --format markdown --known-at 2024-05-01T00:00:00Z
  claims packet C1 --json | jq '.chargeback_evidence[] | {name, value}'

Every event of the claim and its order comes along as it is stored, with its path to the root of
the last checkpoint; what is later than that is proved against the unsigned head, and the packet
says so. Personal values are in it, each compared with its commitment: whoever gets the packet
reads them. --no-personal leaves them out; erased ones are named with who approved it. Notes among
colleagues are closed unless --with-notes is given. The same ledger gives the same packet.")]
pub struct PacketArgs {
    /// The claim
    #[arg(value_parser = super::acts::claim_id)]
    claim: ClaimId,
    /// What to write
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// The file to write, which must not exist [default: stdout]
    #[arg(long, visible_alias = "out", value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave out names, addresses and texts
    #[arg(long)]
    no_personal: bool,
    /// Open notes among colleagues as well
    #[arg(long, conflicts_with = "no_personal")]
    with_notes: bool,
    /// The checkpoint to prove against, by its size or as a file [default: the last one on record]
    #[arg(long, value_name = "SIZE|FILE", help_heading = "Proofs")]
    checkpoint: Option<String>,
    /// The key of the log, as claims key show prints it: checks the checkpoint and goes along
    #[arg(long, value_name = "VKEY", help_heading = "Proofs")]
    log_key: Option<VerifierKey>,
    /// Or whose signatures are enough, as a trust file
    #[arg(long, value_name = "FILE", conflicts_with = "log_key", help_heading = "Proofs")]
    trust: Option<PathBuf>,
    #[command(flatten)]
    moment: Moment,
}

impl PacketArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let format = if out.json { Format::Json } else { self.format };
        if let Some(path) = self.output.as_ref().filter(|path| path.exists()) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "file_exists",
                "the file is there already; nothing was overwritten",
            )
            .at(path.display())
            .hint("name a new file"));
        }
        let trust = match (&self.trust, self.log_key) {
            (Some(path), _) => Some(read_trust(path)?),
            (None, key) => key.map(Trust::in_log),
        };
        let mut store = common.read()?;
        store.begin_read()?;
        let checkpoint = self.checkpoint.as_deref().map(|named| note(&mut store, named)).transpose();
        let made = checkpoint.and_then(|checkpoint| {
            let options = Options {
                cut: self.moment.cut(),
                checkpoint,
                trust,
                without_personal: self.no_personal,
                with_notes: self.with_notes,
            };
            packet::packet(&mut store, &self.claim, &options)
        });
        store.end_read();
        let packet = made?;
        let text = match format {
            Format::Html => packet::html(&packet)?,
            Format::Markdown => packet::markdown(&packet),
            Format::Json => serde_json::to_string_pretty(&packet)
                .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?,
        };
        match &self.output {
            None => line(text.trim_end())?,
            Some(path) => {
                let readers = if self.no_personal { Readers::Anybody } else { Readers::Owner };
                new_file(path, format!("{}\n", text.trim_end()).as_bytes(), readers)?;
                eprintln!(
                    "wrote {} events and {} bytes to {}",
                    packet.timeline.len(),
                    text.len(),
                    path.display()
                );
            }
        }
        say_what_is_weak(&packet);
        Ok(())
    }
}

fn note(store: &mut SqliteStore, named: &str) -> Result<Note> {
    match named.parse::<u64>() {
        Ok(size) => head(store, Some(size)),
        Err(_) => read_note(Path::new(named)),
    }
}

/// What whoever gets the packet could object to.
fn say_what_is_weak(packet: &Packet) {
    let unsigned = packet.proofs.heads.iter().position(|head| head.checkpoint.is_none());
    let late = packet.proofs.events.iter().filter(|proof| Some(proof.head) == unsigned).count();
    if late > 0 {
        eprintln!(
            "{late} of {} events are in no signed checkpoint; claims checkpoint sign signs the log as it stands",
            packet.proofs.events.len()
        );
    }
    let unchecked =
        packet.proofs.heads.iter().any(|head| head.checkpoint.is_some() && !head.signatures_checked);
    match (unchecked, packet.proofs.keys.is_empty()) {
        (false, _) => {}
        (true, true) => eprintln!(
            "the signature was not checked and no key goes along; give --log-key VKEY (claims key show)"
        ),
        (true, false) => eprintln!(
            "the signature was checked with the key that the log names; give --log-key VKEY to be sure of it"
        ),
    }
}
