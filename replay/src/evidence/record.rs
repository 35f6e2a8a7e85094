//! What stands in the log about its own heads and keys: whether it is so. The same questions before it is written and
//! when it is replayed.

use alloc::string::String;
use core::fmt;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{Note, VerifierKey},
    succession::{Announced, KeyStatement, StatementError},
};
use crate::{
    event::{CheckpointRecorded, KeyReason, SigningKeyAnnounced},
    merkle::{Frontier, Hash},
};

/// Why something on record about the log is not so.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum HeadFault {
    NoteIsUnusable(CheckpointError),
    StatementIsUnusable(StatementError),
    NoteSaysSomethingElse,
    NoteIsOfAnotherLog { origin: String },
    SizeIsNotThatOfTheLog { size: u64, due: u64 },
    RootIsNotThatOfTheLog { root: Hash, due: Hash },
    KeyDidNotSign { key: String },
}

impl fmt::Display for HeadFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoteIsUnusable(why) => write!(f, "its note cannot be read: {why}"),
            Self::StatementIsUnusable(why) => write!(f, "its note cannot be read: {why}"),
            Self::NoteSaysSomethingElse => f.write_str("its note says something else than the event"),
            Self::NoteIsOfAnotherLog { origin } => write!(f, "its note is of the log {origin}"),
            Self::SizeIsNotThatOfTheLog { size, due } => {
                write!(f, "its note is of {size} events, and {due} stand before it")
            }
            Self::RootIsNotThatOfTheLog { root, due } => {
                write!(f, "its note has root {root}, and the events before it have {due}")
            }
            Self::KeyDidNotSign { key } => write!(f, "its note is not signed by {key}"),
        }
    }
}

/// Whether a recorded checkpoint is the head of the log just before it and, where a key is on record, signed by it.
///
/// # Errors
/// [`HeadFault`] names the first thing that differs.
pub fn checkpoint(
    recorded: &CheckpointRecorded,
    origin: &str,
    before: &Frontier,
    key: Option<&VerifierKey>,
) -> Result<(), HeadFault> {
    let note: Note =
        recorded.note.parse().map_err(|why| HeadFault::NoteIsUnusable(CheckpointError::from(why)))?;
    let head = Checkpoint::of(&note).map_err(HeadFault::NoteIsUnusable)?;
    if (head.size, head.root) != (recorded.size, recorded.root) {
        return Err(HeadFault::NoteSaysSomethingElse);
    }
    is_the_head(head.origin, head.size, head.root, origin, before)?;
    key.map_or(Ok(()), |key| signed(&note, key))
}

/// Whether a recorded key was announced at this place of the log, and by the keys that have to sign for it.
///
/// # Errors
/// [`HeadFault`] names the first thing that differs.
pub fn signing_key(
    recorded: &SigningKeyAnnounced,
    position: u64,
    origin: &str,
    before: &Frontier,
) -> Result<Announced, HeadFault> {
    let note: Note = recorded
        .note
        .parse()
        .map_err(|why| HeadFault::StatementIsUnusable(StatementError::NoteIsUnusable(why)))?;
    let said = KeyStatement::of(&note).map_err(HeadFault::StatementIsUnusable)?;
    let is = |key: Option<&VerifierKey>, text: Option<&String>| {
        key.map(alloc::string::ToString::to_string).as_ref() == text
    };
    let fits = said.reason == recorded.reason
        && is(Some(&said.key), Some(&recorded.key))
        && is(said.replaces.as_ref(), recorded.replaces.as_ref());
    if !fits {
        return Err(HeadFault::NoteSaysSomethingElse);
    }
    is_the_head(said.origin.clone(), said.size, said.root, origin, before)?;
    signed(&note, &said.key)?;
    if let (KeyReason::Rotated, Some(old)) = (said.reason, &said.replaces) {
        signed(&note, old)?;
    }
    Ok(Announced { position, statement: said, note })
}

fn is_the_head(of: String, size: u64, root: Hash, origin: &str, before: &Frontier) -> Result<(), HeadFault> {
    if of != origin {
        return Err(HeadFault::NoteIsOfAnotherLog { origin: of });
    }
    if size != before.size() {
        return Err(HeadFault::SizeIsNotThatOfTheLog { size, due: before.size() });
    }
    let due = before.root();
    if root == due { Ok(()) } else { Err(HeadFault::RootIsNotThatOfTheLog { root, due }) }
}

fn signed(note: &Note, key: &VerifierKey) -> Result<(), HeadFault> {
    if KeyStatement::is_signed_by(note, key) {
        return Ok(());
    }
    Err(HeadFault::KeyDidNotSign { key: alloc::string::ToString::to_string(key) })
}
