//! Checkpoints: the signed head of a log (C2SP tlog-checkpoint v1).

use alloc::{borrow::ToOwned, format, string::String, vec::Vec};
use core::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::note::{Note, NoteError, SignerKey};
use crate::merkle::{Frontier, Hash, SIZE_MAX};

/// Why a text is no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum CheckpointError {
    NoteIsUnusable(NoteError),
    OriginIsMissing,
    SizeIsMalformed(String),
    RootIsMalformed(String),
    EmptyTreeHasAnotherRoot,
    LineIsEmpty,
    KeyIsOfAnotherLog { key: String, origin: String },
}

impl From<NoteError> for CheckpointError {
    fn from(why: NoteError) -> Self {
        Self::NoteIsUnusable(why)
    }
}

impl fmt::Display for CheckpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoteIsUnusable(why) => why.fmt(f),
            Self::OriginIsMissing => f.write_str("the checkpoint does not begin with an origin"),
            Self::SizeIsMalformed(line) => write!(f, "the second line is no tree size: {line}"),
            Self::RootIsMalformed(line) => write!(f, "the third line is no root hash: {line}"),
            Self::EmptyTreeHasAnotherRoot => f.write_str("the root is not that of the empty tree"),
            Self::LineIsEmpty => f.write_str("the checkpoint has an empty line"),
            Self::KeyIsOfAnotherLog { key, origin } => {
                write!(f, "the key is of {key}, and the log is {origin}")
            }
        }
    }
}

impl core::error::Error for CheckpointError {}

/// The head of a log: its name, how many events it has, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Number of events.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// Further lines, which nobody can audit; ours have none.
    pub extensions: Vec<String>,
}

impl Checkpoint {
    /// The head of a log of ours.
    pub fn new(origin: impl Into<String>, size: u64, root: Hash) -> Self {
        Self { origin: origin.into(), size, root, extensions: Vec::new() }
    }

    /// Signs it with the key of the log, whose name is the origin.
    ///
    /// # Errors
    /// A key of another log, or a witness's.
    pub fn sign(&self, key: &SignerKey) -> Result<Note, CheckpointError> {
        let name = key.verifier().name().to_owned();
        if name != self.origin {
            return Err(CheckpointError::KeyIsOfAnotherLog { key: name, origin: self.origin.clone() });
        }
        let text = format!("{self}");
        let signature = key.sign(&text)?;
        Ok(Note { text, signatures: Vec::from([signature]) })
    }

    /// Reads the text of a note. Whether anybody signed it is another question: [`Note::verify`].
    ///
    /// # Errors
    /// A text that is no checkpoint.
    pub fn of(note: &Note) -> Result<Self, CheckpointError> {
        note.text.parse()
    }
}

impl fmt::Display for Checkpoint {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.size, BASE64.encode(self.root.0))?;
        self.extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    /// Reads the text of a checkpoint, without signatures.
    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let body = text.strip_suffix('\n').ok_or(NoteError::TextDoesNotEndInANewline)?;
        let mut lines = body.split('\n');
        let origin = lines.next().filter(|line| !line.is_empty()).ok_or(CheckpointError::OriginIsMissing)?;
        let size = decimal(lines.next().unwrap_or_default())?;
        let root = hash(lines.next().unwrap_or_default())?;
        let extensions: Vec<String> = lines.map(Into::into).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(CheckpointError::LineIsEmpty);
        }
        if size == 0 && root != Frontier::new().root() {
            return Err(CheckpointError::EmptyTreeHasAnotherRoot);
        }
        Ok(Self { origin: origin.into(), size, root, extensions })
    }
}

/// A number without leading zeroes, at most [`SIZE_MAX`].
pub(super) fn decimal(line: &str) -> Result<u64, CheckpointError> {
    let malformed = || CheckpointError::SizeIsMalformed(line.chars().take(40).collect());
    let digits = !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit());
    if !digits || (line.len() > 1 && line.starts_with('0')) {
        return Err(malformed());
    }
    line.parse().ok().filter(|size| *size <= SIZE_MAX).ok_or_else(malformed)
}

/// A hash in base 64.
pub(super) fn hash(line: &str) -> Result<Hash, CheckpointError> {
    let bytes = BASE64.decode(line).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(Hash).ok_or_else(|| CheckpointError::RootIsMalformed(line.chars().take(80).collect()))
}

/// A hash as base 64.
pub(super) fn base64(hash: &Hash) -> String {
    BASE64.encode(hash.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::evidence::note::KeyType;
    use std::string::ToString;

    #[test]
    fn what_is_signed_reads_back() {
        let key = SignerKey::new("shop.example/claims", KeyType::Log, &[3; 32]).unwrap();
        let head = Checkpoint::new("shop.example/claims", 327, Hash([9; 32]));
        let note = head.sign(&key).unwrap();
        let read: Note = note.to_string().parse().unwrap();
        assert_eq!(Checkpoint::of(&read).unwrap(), head);
        assert!(read.verify(&[key.verifier()]).is_ok());
        let other = SignerKey::new("other.example", KeyType::Log, &[3; 32]).unwrap();
        assert!(matches!(head.sign(&other), Err(CheckpointError::KeyIsOfAnotherLog { .. })));
    }

    #[test]
    fn what_is_no_checkpoint_is_refused() {
        let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
        let good = format!("a\n7\n{root}\n");
        assert_eq!(good.parse::<Checkpoint>().unwrap().size, 7);
        assert_eq!(format!("{good}extension\n").parse::<Checkpoint>().unwrap().extensions, ["extension"]);
        for bad in [
            String::new(),
            "\n".into(),
            "a\n".into(),
            "a\n7\n".into(),
            format!("\n7\n{root}\n"),
            format!("a\n07\n{root}\n"),
            format!("a\n+7\n{root}\n"),
            format!("a\n-7\n{root}\n"),
            format!("a\n\n{root}\n"),
            format!("a\n9007199254740992\n{root}\n"),
            format!("a\n0\n{root}\n"),
            format!("a\n7\n{root}"),
            format!("a\n7\n{root}\n\nx\n"),
            "a\n7\nCQkJ\n".into(),
            "a\n7\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQl=\n".into(),
        ] {
            assert!(bad.parse::<Checkpoint>().is_err(), "{bad:?}");
        }
    }
}
