//! checkpoint, prove, witness: what an outsider can check.

use clap::{Args, Subcommand};
use replay::{
    evidence::{note::Note, proof::Consistency},
    ids::ClaimId,
};
use serde_json::json;
use std::path::{Path, PathBuf};

use super::{
    EXIT_DIFFERS,
    common::{Answering, Common},
    output::{Output, table},
};
use crate::{
    answers::{self, head, instant},
    door::Door,
    error::{Error, ErrorKind, Result},
    evidence::{
        PROOF_BYTES_MAX, heads, keys, prove, read_note, read_trust, small_text, witness, witness::Answer,
    },
    ledger::Ledger,
    store::sqlite::SqliteStore,
    whole::{self, Readers, new_file},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Example:\n  claims checkpoint sign --signing-key shop.key")]
pub enum CheckpointCommand {
    /// Sign the head of the log as it stands, record it, and print it
    #[command(after_help = "Examples:
  claims checkpoint sign --signing-key shop.key
  claims checkpoint sign --signing-key shop.key --out /mnt/auditor/2024-04-30.checkpoint

A checkpoint is worth as much as the places it is kept in: send it to somebody else.
Before signing, the tree is made anew from the stored leaves, and the last recorded
checkpoint must be a beginning of it.")]
    Sign {
        /// The file of the key that signs; its name is the ledger's
        #[arg(long, env = "CLAIMS_SIGNING_KEY", value_name = "FILE")]
        signing_key: PathBuf,
        /// Also write it to this file, which must not exist
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        by: Answering,
    },
    /// List the checkpoints that were recorded
    #[command(after_help = "Example:\n  claims checkpoint list --json")]
    List,
    /// Print a recorded checkpoint
    #[command(
        after_help = "Examples:\n  claims checkpoint show        the last one\n  claims checkpoint show 327    the one of that size"
    )]
    Show {
        /// Its size [default: that of the last one]
        size: Option<u64>,
    },
}

impl CheckpointCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        match self {
            CheckpointCommand::Sign { signing_key, out: copy, by } => {
                sign(common, &signing_key, copy.as_deref(), &by, out)
            }
            CheckpointCommand::List => list(common, out),
            CheckpointCommand::Show { size } => {
                let note = head(&mut common.read()?, size)?;
                out.say(&answers::checkpoint(&note), || note.to_string())
            }
        }
    }
}

fn sign(common: &Common, key: &Path, copy: Option<&Path>, by: &Answering, out: Output) -> Result<()> {
    by.named()?;
    let key = keys::load(key)?;
    free(copy)?;
    let mut ledger = Ledger::new(common.write()?, Door::System);
    let propose = |event| by.proposal(&Door::System, event);
    let (note, receipt) = heads::sign(&mut ledger, &key, &propose)?;
    if let Some(path) = copy {
        new_file(path, note.to_string().as_bytes(), Readers::Anybody)?;
    }
    let answer = json!({ "checkpoint": note.to_string(), "position": receipt.position });
    out.say(&answer, || note.to_string())?;
    if !out.json {
        eprintln!("recorded at position {}; give it to somebody who keeps it", receipt.position);
    }
    Ok(())
}

/// Asked before anything is signed: a copy that could not be written would leave the work half done.
pub(super) fn free(copy: Option<&Path>) -> Result<()> {
    match copy.filter(|path| path.exists()) {
        None => Ok(()),
        Some(path) => Err(Error::new(
            ErrorKind::Conflict,
            "file_exists",
            "the file is there already; nothing was signed",
        )
        .at(path.display())
        .hint("name a new file")),
    }
}

fn list(common: &Common, out: Output) -> Result<()> {
    let heads = heads::recorded(&mut common.read()?)?;
    let answer = answers::checkpoints(&heads);
    out.say(&answer, || {
        if heads.is_empty() {
            return "no checkpoint was recorded; claims checkpoint sign makes one".into();
        }
        let rows: Vec<Vec<String>> = heads
            .iter()
            .map(|head| {
                let root: String = head.checkpoint.root.to_string().chars().take(16).collect();
                let size = head.checkpoint.size.to_string();
                vec![head.position.to_string(), size, instant(head.recorded_at), format!("{root}...")]
            })
            .collect();
        table(&["pos>", "events>", "recorded", "root"], &rows)
    })
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims prove 84 > 84.tlog-proof                 one event, against the last checkpoint
  claims prove AMC-C-2207 --out proofs            every event of a claim, one file each
  claims prove --since 327 > request              that the log only grew since size 327
  claims prove --since old.checkpoint --checkpoint new.checkpoint > request

A proof of an event is a C2SP tlog-proof with the event's body beside it; claims
verify checks it, and so do others' tools. What --since prints is what a witness
asks for (C2SP tlog-witness).")]
pub struct ProveArgs {
    /// A claim, or the position of an event
    #[arg(value_name = "CLAIM|POSITION", required_unless_present = "since", conflicts_with = "since")]
    what: Option<String>,
    /// Prove that the log only grew since this size, or since the checkpoint in this file
    #[arg(long, value_name = "SIZE|FILE")]
    since: Option<String>,
    /// The checkpoint to prove against [default: the last one that was recorded]
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// The folder for the proofs of a claim; it must not exist
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ProveArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        store.begin_read()?;
        let done = self.prove(&mut store, out);
        store.end_read();
        done
    }

    fn prove(self, store: &mut SqliteStore, out: Output) -> Result<()> {
        let note = match &self.checkpoint {
            Some(path) => read_note(path)?,
            None => head(store, None)?,
        };
        if let Some(since) = &self.since {
            let proof = prove::consistency(store, size_of(since)?, &note)?;
            return out.say(&json!({ "proof": proof.to_string() }), || proof.to_string());
        }
        let what = self.what.unwrap_or_default();
        if let Ok(position) = what.parse::<u64>() {
            let proof = prove::inclusion(store, position, &note)?;
            return out
                .say(&json!({ "position": position, "proof": proof.to_string() }), || proof.to_string());
        }
        let claim =
            ClaimId::new(what).map_err(|why| Error::new(ErrorKind::Usage, "bad_claim", why.to_string()))?;
        of_claim(store, &claim, &note, self.out.as_deref(), out)
    }
}

fn size_of(since: &str) -> Result<u64> {
    if since.bytes().all(|b| b.is_ascii_digit()) {
        return since
            .parse()
            .map_err(|_| Error::new(ErrorKind::Usage, "bad_size", format!("{since} is no size of a log")));
    }
    let path = Path::new(since);
    let head = replay::evidence::checkpoint::Checkpoint::of(&read_note(path)?);
    Ok(head.map_err(|why| Error::unreadable("no_checkpoint", why.to_string()).at(path.display()))?.size)
}

fn of_claim(
    store: &mut SqliteStore,
    claim: &ClaimId,
    note: &Note,
    folder: Option<&Path>,
    out: Output,
) -> Result<()> {
    let proofs = answers::proofs_of_claim(store, claim, note)?;
    if let Some(folder) = folder {
        whole::folder(folder, |draft| {
            proofs.iter().try_for_each(|(position, proof)| {
                let path = draft.join(format!("{position}.tlog-proof"));
                new_file(&path, proof.as_bytes(), Readers::Anybody)
            })
        })?;
        let answer = json!({ "claim": claim, "folder": folder, "proofs": proofs.len() });
        return out.say(&answer, || format!("wrote {} proofs to {}", proofs.len(), folder.display()));
    }
    if !out.json {
        return Err(Error::new(
            ErrorKind::Usage,
            "folder_missing",
            "a claim has several events, each with its proof",
        )
        .hint("give --out DIR, or --json, or name the position of one event (claims timeline)"));
    }
    let answer: Vec<_> =
        proofs.iter().map(|(position, proof)| json!({ "position": position, "proof": proof })).collect();
    out.say(&answer, String::new)
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims prove --since 0 > request                                   the ledger's side, the first time
  claims witness request --signing-key ann.key --memory ann --trust logs.txt  the witness's side, elsewhere
  cat checkpoint cosignature > checkpoint.cosigned

A witness remembers the last checkpoint of every log it looks at, and cosigns one
only when the log still begins with it. Exit 1: the log forks or went back; both
signed heads are kept in the memory as evidence. Needs no ledger.")]
pub struct WitnessArgs {
    /// What claims prove --since printed [default: stdin]
    #[arg(value_name = "FILE", default_value = "-")]
    request: PathBuf,
    /// The file of the witness's key
    #[arg(long, env = "CLAIMS_SIGNING_KEY", value_name = "FILE")]
    signing_key: PathBuf,
    /// The folder in which the witness remembers
    #[arg(long, value_name = "DIR")]
    memory: PathBuf,
    /// The logs that are looked at, as a trust file with their keys
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
}

impl WitnessArgs {
    pub fn run(self, out: Output) -> Result<u8> {
        let trust = read_trust(&self.trust)?;
        let key = keys::load(&self.signing_key)?;
        let request = request(&self.request)?;
        let seconds = u64::try_from(Door::System.now().micros() / 1_000_000).unwrap_or_default();
        match witness::look(&request, &trust, &key, &self.memory, seconds)? {
            Answer::Cosigned { line: signature, head, before } => {
                let answer = json!({ "cosigned": true, "origin": head.origin, "size": head.size, "before": before,
                                     "signature": signature.to_string() });
                out.say(&answer, || signature.to_string())?;
                if !out.json {
                    eprintln!("{}", remembered(&head.origin, before, head.size));
                }
                Ok(0)
            }
            Answer::Refused { why, kept } => {
                out.say(&json!({ "cosigned": false, "why": why, "kept": kept }), || {
                    format!("NOT COSIGNED: {why}")
                })?;
                if !out.json {
                    eprintln!("both signed heads are kept in {}", kept.display());
                }
                Ok(EXIT_DIFFERS)
            }
        }
    }
}

fn remembered(origin: &str, before: u64, size: u64) -> String {
    match before {
        0 => format!("{origin} is remembered from now on, with {size} events"),
        _ => format!("{origin} still begins with the {before} events that were remembered; now {size}"),
    }
}

fn request(path: &Path) -> Result<Consistency> {
    let text = if path == Path::new("-") {
        use std::io::Read;
        let mut bytes = Vec::new();
        let limit = u64::try_from(PROOF_BYTES_MAX).unwrap_or(u64::MAX);
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|why| Error::io(path, &why))?;
        String::from_utf8(bytes)
            .map_err(|_| Error::unreadable("file_is_no_text", "the input is no UTF-8 text").at("stdin"))?
    } else {
        small_text(path, PROOF_BYTES_MAX)?
    };
    text.parse().map_err(|why: replay::evidence::proof::EvidenceError| {
        Error::unreadable("no_request", why.to_string())
            .at(path.display())
            .hint("give what claims prove --since SIZE prints")
    })
}
