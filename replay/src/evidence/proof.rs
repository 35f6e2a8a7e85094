//! Proofs as files: that an event is in a log (C2SP tlog-proof v1), and that a later log only added to an earlier one
//! (the request of C2SP tlog-witness, which carries exactly that).

use alloc::{borrow::ToOwned, format, vec::Vec};
use core::{fmt, str::FromStr};

use super::{
    checkpoint::{Checkpoint, CheckpointError, base64, decimal, hash},
    note::{Note, NoteError},
};
use crate::merkle::{Frontier, Hash, ProofError, verify_consistency, verify_inclusion};

/// First line of a proof that an event is in a log.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most hashes of a proof: one for every level of a tree of 2^63 leaves.
pub const HASHES_MAX: usize = 63;

/// Why a proof cannot be read or does not prove what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum EvidenceError {
    HeaderIsMissing(&'static str),
    LineIsMissing(&'static str),
    TooManyHashes,
    CheckpointIsUnusable(CheckpointError),
    ProofIsFalse(ProofError),
}

impl<E: Into<CheckpointError>> From<E> for EvidenceError {
    fn from(why: E) -> Self {
        Self::CheckpointIsUnusable(why.into())
    }
}

impl fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderIsMissing(line) => write!(f, "the proof does not begin with {line}"),
            Self::LineIsMissing(what) => write!(f, "the proof has no line with {what}"),
            Self::TooManyHashes => write!(f, "the proof has more than {HASHES_MAX} hashes"),
            Self::CheckpointIsUnusable(why) => why.fmt(f),
            Self::ProofIsFalse(why) => write!(f, "the proof is false: {why}"),
        }
    }
}

impl core::error::Error for EvidenceError {}

/// That one event is in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// Place of the event, counted from 0: the event at position `p` has `p - 1`.
    pub index: u64,
    /// Data beside the proof that nobody has signed; of ours the body of the event.
    pub extra: Option<Vec<u8>>,
    /// Hashes from the leaf's sibling up.
    pub hashes: Vec<Hash>,
    /// The checkpoint that it is shown against.
    pub checkpoint: Note,
}

impl Inclusion {
    /// Checks that the event with this leaf hash is in the log of the checkpoint. Signatures are another question:
    /// ask the [trust rule](super::trust::Trust).
    ///
    /// # Errors
    /// A checkpoint that is none, a proof that does not lead to its root.
    pub fn check(&self, leaf: &Hash) -> Result<Checkpoint, EvidenceError> {
        let head = Checkpoint::of(&self.checkpoint)?;
        verify_inclusion(leaf, self.index, head.size, &self.hashes, &head.root)
            .map_err(EvidenceError::ProofIsFalse)?;
        Ok(head)
    }
}

impl fmt::Display for Inclusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ::base64::{Engine, engine::general_purpose::STANDARD};
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Inclusion {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        use ::base64::{Engine, engine::general_purpose::STANDARD};
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(EvidenceError::LineIsMissing("a checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(EvidenceError::HeaderIsMissing(HEADER));
        }
        let mut line = lines.next();
        let extra = match line.and_then(|line| line.strip_prefix("extra ")) {
            Some(data) => {
                line = lines.next();
                Some(
                    STANDARD
                        .decode(data)
                        .map_err(|_| EvidenceError::LineIsMissing("extra data in base 64"))?,
                )
            }
            None => None,
        };
        let index = line.and_then(|line| line.strip_prefix("index "));
        let index = decimal(index.ok_or(EvidenceError::LineIsMissing("an index"))?)?;
        Ok(Self { index, extra, hashes: hashes(lines)?, checkpoint: checkpoint.parse::<Note>()? })
    }
}

/// That the log of a checkpoint begins with the one of an earlier size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// Size of the earlier log; 0 when nothing is known of it, and then there are no hashes.
    pub old_size: u64,
    /// The proof (RFC 9162 section 2.1.4).
    pub hashes: Vec<Hash>,
    /// The checkpoint of the later log.
    pub checkpoint: Note,
}

impl Consistency {
    /// Checks it against the root that the earlier log had.
    ///
    /// # Errors
    /// A checkpoint that is none, a proof that does not lead from the old root to the new one.
    pub fn check(&self, old_root: &Hash) -> Result<Checkpoint, EvidenceError> {
        let head = Checkpoint::of(&self.checkpoint)?;
        let proved = if self.old_size > 0 {
            verify_consistency(self.old_size, head.size, old_root, &head.root, &self.hashes)
        } else if !self.hashes.is_empty() {
            Err(ProofError::ProofIsTooLong)
        } else if *old_root == Frontier::new().root() {
            // Every log begins with the empty one.
            Ok(())
        } else {
            Err(ProofError::OldRootDoesNotMatch)
        };
        proved.map_err(EvidenceError::ProofIsFalse)?;
        Ok(head)
    }
}

impl fmt::Display for Consistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", base64(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Consistency {
    type Err = EvidenceError;

    fn from_str(text: &str) -> Result<Self, EvidenceError> {
        let (head, checkpoint) =
            text.split_once("\n\n").ok_or(EvidenceError::LineIsMissing("a checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old "));
        let old_size = decimal(old.ok_or(EvidenceError::HeaderIsMissing("old SIZE"))?)?;
        Ok(Self { old_size, hashes: hashes(lines)?, checkpoint: checkpoint.parse::<Note>()? })
    }
}

fn hashes<'t>(lines: impl Iterator<Item = &'t str>) -> Result<Vec<Hash>, EvidenceError> {
    let mut found = Vec::new();
    for line in lines {
        if found.len() == HASHES_MAX {
            return Err(EvidenceError::TooManyHashes);
        }
        found.push(hash(line)?);
    }
    Ok(found)
}

/// The checkpoint with more signature lines, as a witness returns them.
///
/// # Errors
/// Lines that are no signatures, or too many.
pub fn with_signatures(checkpoint: &Note, lines: &str) -> Result<Note, NoteError> {
    let note = format!("{checkpoint}{}", lines.to_owned());
    note.parse()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::{
        evidence::note::{KeyType, SignerKey},
        merkle::{consistency_proof, inclusion_proof, leaf_hash, range_root},
    };
    use std::string::ToString;

    fn leaf(index: u64) -> Hash {
        leaf_hash(index.to_string().as_bytes())
    }

    fn signed(size: u64) -> Note {
        let key = SignerKey::new("log.example", KeyType::Log, &[5; 32]).unwrap();
        let root = range_root(0..size, &|i| Some(leaf(i))).unwrap();
        Checkpoint::new("log.example", size, root).sign(&key).unwrap()
    }

    #[test]
    fn proofs_of_many_sizes_read_back_and_hold() {
        for size in [1u64, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 255, 256, 257] {
            for index in [0, size / 2, size - 1] {
                let proof = Inclusion {
                    index,
                    extra: (index % 2 == 0).then(|| index.to_string().into_bytes()),
                    hashes: inclusion_proof(index, size, &|i| Some(leaf(i))).unwrap(),
                    checkpoint: signed(size),
                };
                let read: Inclusion = proof.to_string().parse().unwrap();
                assert_eq!(read, proof);
                assert_eq!(read.check(&leaf(index)).unwrap().size, size);
                assert!(read.check(&leaf(index + 1)).is_err());
            }
            for old in [1, size / 2, size].into_iter().filter(|old| *old > 0) {
                let proof = Consistency {
                    old_size: old,
                    hashes: consistency_proof(old, size, &|i| Some(leaf(i))).unwrap(),
                    checkpoint: signed(size),
                };
                let read: Consistency = proof.to_string().parse().unwrap();
                assert_eq!(read, proof);
                let root = range_root(0..old, &|i| Some(leaf(i))).unwrap();
                assert!(read.check(&root).is_ok(), "{old} of {size}");
                assert!(read.check(&leaf(99_999)).is_err());
            }
        }
    }

    #[test]
    fn the_empty_log_is_the_beginning_of_every_log_and_needs_no_proof() {
        let empty = Frontier::new().root();
        let proof = Consistency { old_size: 0, hashes: Vec::new(), checkpoint: signed(4) };
        assert!(proof.check(&empty).is_ok());
        assert!(proof.check(&leaf(0)).is_err());
        assert!(Consistency { hashes: Vec::from([leaf(0)]), ..proof }.check(&empty).is_err());
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let good = Inclusion { index: 0, extra: None, hashes: Vec::new(), checkpoint: signed(1) }.to_string();
        assert!(good.parse::<Inclusion>().is_ok());
        for (from, to) in [
            (HEADER, "c2sp.org/tlog-proof@v2"),
            ("index 0", "index 00"),
            ("index 0", "index -1"),
            ("index 0\n", ""),
            ("index 0\n", "index 0\n!\n"),
            ("index 0\n", "extra !\nindex 0\n"),
            ("\n\n", "\n"),
        ] {
            assert!(good.replacen(from, to, 1).parse::<Inclusion>().is_err(), "{to:?}");
        }
        let long = format!("index 0\n{}", format!("{}\n", base64(&leaf(0))).repeat(64));
        let long = good.replacen("index 0\n", &long, 1);
        assert_eq!(long.parse::<Inclusion>(), Err(EvidenceError::TooManyHashes));
    }
}
