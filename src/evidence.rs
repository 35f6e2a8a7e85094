//! Evidence: signing the head of the log, proving against a signed head, and witnessing the log of somebody else.
//!
//! What is signed and what is proved is said in `replay::evidence`; here are the files, the keys and the store.

pub mod bundle;
pub mod figures;
pub mod folder;
pub mod heads;
pub mod keys;
pub mod prove;
pub mod verify;
pub mod witness;

use std::{fs, path::Path};

use replay::evidence::{
    note::{NOTE_BYTES_MAX, Note},
    trust::{TRUST_BYTES_MAX, Trust},
};

use crate::error::{Error, Result};

/// Longest proof that is read, in bytes: a note, its hashes and the body of an event as base 64.
pub const PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 100_000;

/// Reads a small text file whole.
///
/// # Errors
/// A file that is not there, is too long, or is no text.
pub fn small_text(path: &Path, bytes_max: usize) -> Result<String> {
    use std::io::Read;
    let file = fs::File::open(path).map_err(|why| Error::io(path, &why))?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|why| Error::io(path, &why))?;
    if bytes.len() > bytes_max {
        let text = format!("the file has more than {bytes_max} bytes");
        return Err(Error::unreadable("file_too_long", text).at(path.display()));
    }
    String::from_utf8(bytes)
        .map_err(|_| Error::unreadable("file_is_no_text", "the file is no UTF-8 text").at(path.display()))
}

/// Reads a signed note, as a checkpoint is.
///
/// # Errors
/// A file that cannot be read or is no note.
pub fn read_note(path: &Path) -> Result<Note> {
    note_of(&small_text(path, NOTE_BYTES_MAX)?, path)
}

/// The signed note in a text that was read from a file.
///
/// # Errors
/// A text that is no note.
pub fn note_of(text: &str, path: &Path) -> Result<Note> {
    text.parse().map_err(|why: replay::evidence::note::NoteError| {
        Error::unreadable("no_signed_note", why.to_string())
            .at(path.display())
            .hint("give a checkpoint as claims checkpoint sign writes it")
    })
}

/// Reads a trust file.
///
/// # Errors
/// A file that cannot be read, with the line that is wrong.
pub fn read_trust(path: &Path) -> Result<Trust> {
    let text = small_text(path, TRUST_BYTES_MAX)?;
    Trust::parse(text.as_bytes()).map_err(|why| {
        let at = match why.line {
            0 => path.display().to_string(),
            line => format!("{}:{line}", path.display()),
        };
        Error::unreadable("trust_unusable", why.why.to_string()).at(at).hint(
            "a trust file says: log VKEY, witness NAME VKEY, group NAME any|all|K NAME..., quorum NAME|none",
        )
    })
}
