//! verify: checks what somebody handed over, offline, trusting only the keys that it is given.

use clap::Args;
use replay::evidence::{note::VerifierKey, trust::Trust};
use std::path::PathBuf;

use super::{EXIT_DIFFERS, output::Output, proof::control_totals};
use crate::{
    error::{Error, ErrorKind, Result},
    evidence::{
        read_trust,
        verify::{self, Subject, Verdict},
    },
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims verify bundle --trust trust.txt                     a folder of claims export bundle
  claims verify shop.db --log-key VKEY --checkpoint april    a ledger, against a head kept elsewhere
  claims verify 84.tlog-proof --trust trust.txt              one event
  claims verify C1.html --log-key VKEY                       a dispute packet, as a page or in JSON
  claims verify request --trust trust.txt --checkpoint old   that a log only grew
  claims verify checkpoint --trust trust.txt                 who signed
  claims verify april-key --trust trust.txt                  whether to trust the log's next key

A trust file (C2SP tlog-policy) says: log VKEY, witness NAME VKEY, group NAME any|all|K
NAME..., and quorum NAME|none. Exit 0: everything holds; 1: something does not, and
the first wrong event is named; 2: could not tell. Writes nothing and asks no network.")]
pub struct VerifyArgs {
    /// A ledger, a bundle, a proof, a packet, a checkpoint, or what claims key announce printed
    path: PathBuf,
    #[command(flatten)]
    trusting: Trusting,
}

/// Whose word is taken, and what they signed.
#[derive(Debug, Args)]
pub struct Trusting {
    /// Whose signatures are enough, as a trust file
    #[arg(long, value_name = "FILE", conflicts_with = "log_key")]
    pub trust: Option<PathBuf>,
    /// Or only the key of the log, as claims key show prints it; no witness is asked for then
    #[arg(long, value_name = "VKEY", value_parser = key)]
    pub log_key: Option<VerifierKey>,
    /// A checkpoint that was kept elsewhere; may be given several times
    #[arg(long = "checkpoint", value_name = "FILE")]
    pub kept: Vec<PathBuf>,
}

/// Who is trusted, when somebody is.
///
/// # Errors
/// A trust file that cannot be read; checkpoints without anybody who is trusted.
pub fn trust_of(trusting: &Trusting) -> Result<Option<Trust>> {
    let trust = match (&trusting.trust, &trusting.log_key) {
        (Some(path), _) => Some(read_trust(path)?),
        (None, key) => key.clone().map(Trust::in_log),
    };
    if trust.is_none() && !trusting.kept.is_empty() {
        return Err(no_trust("a checkpoint proves nothing without a key that is trusted"));
    }
    Ok(trust)
}

fn key(text: &str) -> std::result::Result<VerifierKey, String> {
    text.parse().map_err(|why: replay::evidence::note::NoteError| why.to_string())
}

impl VerifyArgs {
    pub fn run(self, out: Output) -> Result<u8> {
        let trust = trust_of(&self.trusting)?;
        let kept = verify::read_kept(&self.trusting.kept)?;
        let needed = || trust.as_ref().ok_or_else(|| no_trust("nobody is trusted yet"));
        let verdict = match verify::subject(&self.path)? {
            Subject::Ledger => verify::ledger(&self.path, trust.as_ref(), &kept, !out.json)?,
            Subject::Bundle => verify::bundle(&self.path, needed()?, &kept, !out.json)?,
            Subject::Packet(packet) => verify::packet(&packet, needed()?)?,
            Subject::Inclusion(proof) => verify::inclusion(&proof, needed()?)?,
            Subject::Consistency(proof) => verify::consistency(&proof, needed()?, &kept)?,
            Subject::Statement(note, said) => verify::statement(&note, &said, needed()?),
            Subject::Checkpoint(note) => verify::checkpoint(&note, needed()?),
        };
        out.say(&verdict, || text(&verdict))?;
        Ok(if verdict.agrees { 0 } else { EXIT_DIFFERS })
    }
}

fn no_trust(why: &str) -> Error {
    Error::new(ErrorKind::Usage, "trust_missing", why)
        .hint("give --trust FILE or --log-key VKEY, got by another way than what is verified")
}

fn text(v: &Verdict) -> String {
    let mut text = format!("{} of {}: {} events\nroot {}\n", v.what, v.origin, v.events, v.root);
    for check in &v.checks {
        let word = if check.holds { "ok  " } else { "FAIL" };
        text.push_str(&format!("  {word} {} ({})\n", check.what, check.figure));
    }
    for finding in &v.findings {
        text.push_str(&format!("  {finding}\n"));
    }
    let named = u64::try_from(v.findings.len()).unwrap_or(u64::MAX);
    if v.findings_count > named {
        text.push_str(&format!("  and {} more\n", v.findings_count - named));
    }
    if let Some(places) = v.first_bad {
        text.push_str(&match places.first == places.last {
            true => format!("first wrong event: position {}\n", places.first),
            false => format!("first wrong event: among positions {} to {}\n", places.first, places.last),
        });
    }
    if v.what == "ledger" && v.vouched_by.is_empty() {
        text.push_str("no checkpoint from elsewhere vouches for it: give --trust and --checkpoint\n");
    }
    if v.what == "packet" {
        text.push_str("sums and sentences beside the events are those of whoever made it: claims packet makes them again\n");
    }
    if !v.control_totals.is_empty() {
        text.push('\n');
        text.push_str(&control_totals(&v.control_totals));
    }
    text.push_str(if v.agrees { "\nverified" } else { "\nNOT VERIFIED" });
    text
}
