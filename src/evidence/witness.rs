//! A witness: somebody elsewhere who remembers the last head of a log and cosigns only what continues it.
//!
//! It reads the request of C2SP tlog-witness from a file and answers with a `cosignature/v1` line; what it remembers
//! is one checkpoint a log, in a folder of its own. A log that forks or goes back is refused, and both heads are kept
//! as evidence.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use replay::{
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, Note, Signature, SignerKey},
        proof::Consistency,
        trust::Trust,
    },
    merkle::{Frontier, sha256},
};

use super::read_note;
use crate::{
    error::{Error, ErrorKind, Result},
    whole::{Readers, new_file},
};

/// What a witness made of a request.
#[derive(Debug)]
pub enum Answer {
    /// The log continues what was remembered.
    Cosigned {
        /// The line to append to the checkpoint.
        line: Signature,
        /// The head as it is remembered now.
        head: Checkpoint,
        /// Size of what was remembered before.
        before: u64,
    },
    /// The log does not continue it: a fork, or a step back. The request is kept.
    Refused {
        /// What is wrong.
        why: String,
        /// Where both heads lie.
        kept: PathBuf,
    },
}

/// Looks at a request and cosigns it, or does not.
///
/// # Errors
/// A log that is not trusted, a proof that begins elsewhere than at what is remembered, a folder that cannot be used.
pub fn look(
    request: &Consistency,
    trust: &Trust,
    key: &SignerKey,
    folder: &Path,
    seconds: u64,
) -> Result<Answer> {
    if key.kind() != KeyType::Witness {
        return Err(Error::new(
            ErrorKind::Usage,
            "key_is_no_witnesss",
            "this is the key of a log, not of a witness",
        )
        .hint("claims key new FILE --witness NAME makes one"));
    }
    let trusted = trust.without_witnesses().accepts(&request.checkpoint).map_err(|why| {
        Error::new(ErrorKind::Refused, "checkpoint_not_trusted", why.to_string())
            .hint("nothing was remembered or cosigned")
    })?;
    let head = trusted.checkpoint;
    let file = folder.join(format!("{}.checkpoint", name_of(&head.origin)));
    fs::create_dir_all(folder).map_err(|why| Error::io(folder, &why))?;
    let lock = File::create(folder.join("lock")).map_err(|why| Error::io(folder, &why))?;
    // Checking and remembering are one step: two requests at once could otherwise take the log back.
    lock.lock().map_err(|why| Error::io(folder, &why))?;
    let last = match file.exists() {
        true => Some(read_note(&file)?),
        false => None,
    };
    let known = match &last {
        Some(note) => {
            Checkpoint::of(note).map_err(|why| Error::unreadable("memory_unusable", why.to_string()))?
        }
        None => Checkpoint::new(head.origin.clone(), 0, Frontier::new().root()),
    };
    if head.size < known.size {
        let why = format!("the log had {} events, and now shows {}", known.size, head.size);
        return keep(folder, request, last.as_ref(), why);
    }
    if head.size == known.size && head.root != known.root {
        let why = format!("the log shows another root for the same {} events", known.size);
        return keep(folder, request, last.as_ref(), why);
    }
    if request.old_size != known.size {
        let text = format!(
            "the witness remembers {} events, and the proof begins at {}",
            known.size, request.old_size
        );
        return Err(Error::new(ErrorKind::Stale, "proof_begins_elsewhere", text)
            .hint(format!("ask with claims prove --since {}", known.size)));
    }
    if let Err(why) = request.check(&known.root) {
        let why = format!("the log does not begin with the {} events it had: {why}", known.size);
        return keep(folder, request, last.as_ref(), why);
    }
    let text = &request.checkpoint.text;
    let line = key
        .cosign(text, seconds)
        .map_err(|why| Error::new(ErrorKind::Internal, "cannot_cosign", why.to_string()))?;
    remember(&file, &request.checkpoint)?;
    Ok(Answer::Cosigned { line, before: known.size, head })
}

/// A name for files: origins may have slashes.
fn name_of(origin: &str) -> String {
    let safe: String = origin
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .take(80)
        .collect();
    let hash: String = sha256(origin.as_bytes()).to_string().chars().take(12).collect();
    format!("{safe}-{hash}")
}

/// Replaces what is remembered, durably, before the cosignature is given out.
fn remember(file: &Path, note: &Note) -> Result<()> {
    let draft = file.with_extension("draft");
    let _ = fs::remove_file(&draft);
    new_file(&draft, note.to_string().as_bytes(), Readers::Anybody)?;
    fs::rename(&draft, file).map_err(|why| Error::io(file, &why))?;
    if let Some(folder) = file.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(|why| Error::io(folder, &why))?;
    }
    Ok(())
}

/// Two signed heads that do not fit together are evidence; nobody has to believe the witness.
fn keep(folder: &Path, request: &Consistency, last: Option<&Note>, why: String) -> Result<Answer> {
    let text = match last {
        Some(last) => format!("{why}\n\nremembered:\n\n{last}\nshown:\n\n{request}"),
        None => format!("{why}\n\nshown:\n\n{request}"),
    };
    let hash: String = sha256(text.as_bytes()).to_string().chars().take(16).collect();
    let kept = folder.join(format!("finding-{hash}.txt"));
    if !kept.exists() {
        new_file(&kept, text.as_bytes(), Readers::Anybody)?;
    }
    Ok(Answer::Refused { why, kept })
}
