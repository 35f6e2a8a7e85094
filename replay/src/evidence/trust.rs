//! Whose signatures are enough: logs, witnesses and a quorum, as a text file (C2SP tlog-policy).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};
use core::fmt;

use super::{
    checkpoint::{Checkpoint, CheckpointError},
    note::{KeyType, Note, NoteError, VerifierKey},
};

/// Longest trust file that is read, in bytes.
pub const TRUST_BYTES_MAX: usize = 100_000;
/// Most logs, most witnesses, and most groups of a trust file.
pub const ENTRIES_MAX: usize = 256;

/// Why a trust file cannot be used, with its line from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustError {
    /// The line; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub why: Misfit,
}

/// What can be wrong with a line of a trust file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum Misfit {
    FileIsTooLong,
    FileIsNotText,
    ControlCharacter,
    UnknownWord(String),
    WordIsMissing,
    TooManyWords,
    KeyIsUnusable(NoteError),
    KeyIsNotALogs(String),
    KeyIsNotAWitnesss(String),
    KeyIsThereTwice(String),
    NameIsTaken(String),
    NameIsUnknown(String),
    NameIsThereTwice(String),
    ThresholdDoesNotFit(String),
    QuorumIsThereTwice,
    QuorumIsMissing,
    TooManyEntries,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileIsTooLong => write!(f, "the file has more than {TRUST_BYTES_MAX} bytes"),
            Self::FileIsNotText => f.write_str("the file is no UTF-8 text"),
            Self::ControlCharacter => f.write_str("the line has a control character"),
            Self::UnknownWord(word) => {
                write!(f, "{word} is not one of log, witness, group and quorum")
            }
            Self::WordIsMissing => f.write_str("the line is too short"),
            Self::TooManyWords => f.write_str("the line is too long"),
            Self::KeyIsUnusable(why) => why.fmt(f),
            Self::KeyIsNotALogs(name) => write!(f, "the key of {name} is a witness's, not a log's"),
            Self::KeyIsNotAWitnesss(name) => write!(f, "the key of {name} is a log's, not a witness's"),
            Self::KeyIsThereTwice(name) => write!(f, "the key of {name} stands in the file twice"),
            Self::NameIsTaken(name) => write!(f, "the name {name} is taken"),
            Self::NameIsUnknown(name) => write!(f, "no line before this one says who {name} is"),
            Self::NameIsThereTwice(name) => write!(f, "{name} is a member of two groups, or of one twice"),
            Self::ThresholdDoesNotFit(word) => {
                write!(f, "{word} is not any, all or a number from 1 to that of the members")
            }
            Self::QuorumIsThereTwice => f.write_str("the quorum is said twice"),
            Self::QuorumIsMissing => f.write_str("there is no line that says the quorum"),
            Self::TooManyEntries => write!(f, "there are more than {ENTRIES_MAX} of them"),
        }
    }
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => self.why.fmt(f),
            line => write!(f, "line {line}: {}", self.why),
        }
    }
}

impl core::error::Error for TrustError {}

/// Why a checkpoint is not trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum Distrust {
    CheckpointIsUnusable(CheckpointError),
    SignaturesAreUnusable(NoteError),
    NoTrustedLogSigned { origin: String },
    QuorumIsNotReached { cosigned: Vec<String> },
}

impl fmt::Display for Distrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CheckpointIsUnusable(why) => why.fmt(f),
            Self::SignaturesAreUnusable(why) => why.fmt(f),
            Self::NoTrustedLogSigned { origin } => {
                write!(f, "no trusted key of {origin} has signed the checkpoint")
            }
            Self::QuorumIsNotReached { cosigned } if cosigned.is_empty() => {
                f.write_str("the quorum is not reached: no trusted witness has cosigned the checkpoint")
            }
            Self::QuorumIsNotReached { cosigned } => {
                write!(f, "the quorum is not reached: only {} cosigned the checkpoint", cosigned.join(", "))
            }
        }
    }
}

impl core::error::Error for Distrust {}

/// A checkpoint that enough of the trusted keys have signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    /// The head of the log.
    pub checkpoint: Checkpoint,
    /// The log's key that signed.
    pub key: VerifierKey,
    /// The witnesses that cosigned, by the names of the trust file, with their times in seconds since 1970.
    pub witnesses: BTreeMap<String, u64>,
}

/// Who is trusted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trust {
    logs: Vec<VerifierKey>,
    witnesses: Vec<(String, VerifierKey)>,
    groups: BTreeMap<String, (usize, Vec<String>)>,
    /// None: no witness is asked for.
    quorum: Option<String>,
}

impl Trust {
    /// Trusts one log and asks for no witness.
    pub fn in_log(key: VerifierKey) -> Self {
        Self { logs: Vec::from([key]), ..Self::default() }
    }

    /// The logs.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses, by the names of the trust file.
    pub fn witnesses(&self) -> &[(String, VerifierKey)] {
        &self.witnesses
    }

    /// The same logs, and no witness asked for.
    pub fn without_witnesses(&self) -> Self {
        Self { logs: self.logs.clone(), ..Self::default() }
    }

    /// Whether witnesses are asked for.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Trusts one more key of a log, as one that a trusted key has introduced.
    pub fn add_log(&mut self, key: VerifierKey) {
        if !self.logs.contains(&key) {
            self.logs.push(key);
        }
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// [`TrustError`] with the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, TrustError> {
        let whole = |why| TrustError { line: 0, why };
        if bytes.len() > TRUST_BYTES_MAX {
            return Err(whole(Misfit::FileIsTooLong));
        }
        let text = core::str::from_utf8(bytes).map_err(|_| whole(Misfit::FileIsNotText))?;
        let mut draft = Draft::default();
        for (at, line) in text.split('\n').enumerate() {
            draft.line(line).map_err(|why| TrustError { line: at + 1, why })?;
        }
        let quorum = draft.quorum.ok_or(whole(Misfit::QuorumIsMissing))?;
        Ok(Self { quorum: (quorum != "none").then_some(quorum), ..draft.trust })
    }

    /// Whether a checkpoint is signed by a trusted log of its origin, and cosigned by a quorum of the witnesses.
    ///
    /// # Errors
    /// [`Distrust`] says what is missing.
    pub fn accepts(&self, note: &Note) -> Result<Trusted, Distrust> {
        let checkpoint = Checkpoint::of(note).map_err(Distrust::CheckpointIsUnusable)?;
        let mut keys = self.logs.clone();
        keys.extend(self.witnesses.iter().map(|(_, key)| key.clone()));
        let origin = checkpoint.origin.clone();
        let found = match note.verify(&keys) {
            Ok(found) => found,
            Err(NoteError::NoKnownKeySigned) => return Err(Distrust::NoTrustedLogSigned { origin }),
            Err(why) => return Err(Distrust::SignaturesAreUnusable(why)),
        };
        let signed = found.iter().find(|v| v.key.kind() == KeyType::Log && v.key.name() == origin);
        let Some(signed) = signed else { return Err(Distrust::NoTrustedLogSigned { origin }) };
        let mut witnesses = BTreeMap::new();
        for verified in &found {
            let by = self.witnesses.iter().find(|(_, key)| key == verified.key);
            if let (Some((name, _)), Some(seconds)) = (by, verified.seconds) {
                witnesses.insert(name.clone(), seconds);
            }
        }
        if self.quorum.as_ref().is_some_and(|name| !self.has_witnessed(name, &witnesses)) {
            return Err(Distrust::QuorumIsNotReached { cosigned: witnesses.into_keys().collect() });
        }
        Ok(Trusted { checkpoint, key: signed.key.clone(), witnesses })
    }

    /// Whether a witness, or enough of a group, has cosigned. Groups name only what stands before them, so this ends.
    fn has_witnessed(&self, name: &str, cosigned: &BTreeMap<String, u64>) -> bool {
        match self.groups.get(name) {
            Some((threshold, members)) => {
                members.iter().filter(|member| self.has_witnessed(member, cosigned)).count() >= *threshold
            }
            None => cosigned.contains_key(name),
        }
    }
}

/// A trust file as far as it has been read.
#[derive(Default)]
struct Draft {
    trust: Trust,
    quorum: Option<String>,
    members: BTreeSet<String>,
}

impl Draft {
    fn line(&mut self, line: &str) -> Result<(), Misfit> {
        if line.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(Misfit::ControlCharacter);
        }
        let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            [] => Ok(()),
            [first, ..] if first.starts_with('#') => Ok(()),
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] | ["witness", name, key, _] => self.witness(name, key),
            ["group", name, threshold, members @ ..] => self.group(name, threshold, members),
            ["quorum", name] => self.quorum(name),
            ["log" | "witness", _, _, _, ..] | ["quorum", _, _, ..] => Err(Misfit::TooManyWords),
            ["log" | "witness" | "group" | "quorum", ..] => Err(Misfit::WordIsMissing),
            [word, ..] => Err(Misfit::UnknownWord((*word).into())),
        }
    }

    /// The same public key under two names is one key.
    fn key(&self, text: &str) -> Result<VerifierKey, Misfit> {
        let key: VerifierKey = text.parse().map_err(Misfit::KeyIsUnusable)?;
        let known = self.trust.logs.iter().chain(self.trust.witnesses.iter().map(|(_, key)| key));
        let same = |other: &VerifierKey| other.kind() == key.kind() && other.public() == key.public();
        if known.into_iter().any(same) {
            return Err(Misfit::KeyIsThereTwice(key.name().into()));
        }
        Ok(key)
    }

    fn log(&mut self, key: &str) -> Result<(), Misfit> {
        let key = self.key(key)?;
        if key.kind() != KeyType::Log {
            return Err(Misfit::KeyIsNotALogs(key.name().into()));
        }
        if self.trust.logs.len() == ENTRIES_MAX {
            return Err(Misfit::TooManyEntries);
        }
        self.trust.logs.push(key);
        Ok(())
    }

    fn witness(&mut self, name: &str, key: &str) -> Result<(), Misfit> {
        self.free(name)?;
        let key = self.key(key)?;
        if key.kind() != KeyType::Witness {
            return Err(Misfit::KeyIsNotAWitnesss(key.name().into()));
        }
        if self.trust.witnesses.len() == ENTRIES_MAX {
            return Err(Misfit::TooManyEntries);
        }
        self.trust.witnesses.push((name.into(), key));
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), Misfit> {
        self.free(name)?;
        let count = members.len();
        let threshold = match threshold {
            "any" => Some(1),
            "all" => Some(count),
            number => number.parse().ok().filter(|k| (1..=count).contains(k)),
        }
        .filter(|_| count > 0)
        .ok_or_else(|| Misfit::ThresholdDoesNotFit(threshold.into()))?;
        for member in members {
            self.known(member)?;
            if !self.members.insert((*member).into()) {
                return Err(Misfit::NameIsThereTwice((*member).into()));
            }
        }
        if self.trust.groups.len() == ENTRIES_MAX {
            return Err(Misfit::TooManyEntries);
        }
        let members = members.iter().map(|member| (*member).into()).collect();
        self.trust.groups.insert(name.into(), (threshold, members));
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), Misfit> {
        if self.quorum.is_some() {
            return Err(Misfit::QuorumIsThereTwice);
        }
        if name != "none" {
            self.known(name)?;
        }
        self.quorum = Some(name.into());
        Ok(())
    }

    fn is_known(&self, name: &str) -> bool {
        self.trust.groups.contains_key(name) || self.trust.witnesses.iter().any(|(known, _)| known == name)
    }

    fn known(&self, name: &str) -> Result<(), Misfit> {
        if self.is_known(name) { Ok(()) } else { Err(Misfit::NameIsUnknown(name.into())) }
    }

    fn free(&self, name: &str) -> Result<(), Misfit> {
        if name == "none" || self.is_known(name) {
            return Err(Misfit::NameIsTaken(name.into()));
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::{evidence::note::SignerKey, merkle::Hash};
    use std::{format, string::ToString};

    fn key(name: &str, kind: KeyType, seed: u8) -> SignerKey {
        SignerKey::new(name, kind, &[seed; 32]).unwrap()
    }

    fn log() -> SignerKey {
        key("log.example", KeyType::Log, 1)
    }

    fn witness(n: u8) -> SignerKey {
        key(&format!("w.example/{n}"), KeyType::Witness, 10 + n)
    }

    /// A checkpoint signed by the log and cosigned by these witnesses.
    fn cosigned(by: &[u8]) -> Note {
        let mut note = Checkpoint::new("log.example", 7, Hash([1; 32])).sign(&log()).unwrap();
        for n in by {
            note.signatures.push(witness(*n).cosign(&note.text, 100).unwrap());
        }
        note
    }

    fn file(quorum: &str) -> String {
        let mut text = format!("# who is trusted\nlog {}\n", log().verifier());
        for n in 1..=5u8 {
            text.push_str(&format!("witness\tw{n}  {} https://w.example/{n}\n", witness(n).verifier()));
        }
        text.push_str("group x 2 w1 w2 w3\ngroup y any w4 w5\ngroup both all x y\n");
        text + quorum
    }

    #[test]
    fn a_quorum_of_groups_is_counted() {
        let trust = Trust::parse(file("quorum both\n").as_bytes()).unwrap();
        for (by, enough) in [
            (&[1u8, 2, 4][..], true),
            (&[1, 2, 3, 5], true),
            (&[1, 4, 5], false),
            (&[1, 2, 3], false),
            (&[], false),
        ] {
            let said = trust.accepts(&cosigned(by));
            assert_eq!(said.is_ok(), enough, "{by:?}: {said:?}");
        }
        let one = Trust::parse(file("quorum w3\n").as_bytes()).unwrap();
        assert!(one.accepts(&cosigned(&[3])).is_ok() && one.accepts(&cosigned(&[1, 2])).is_err());
        let none = Trust::parse(file("quorum none").as_bytes()).unwrap();
        assert!(none.accepts(&cosigned(&[])).is_ok() && !none.asks_for_witnesses());
    }

    #[test]
    fn only_the_key_of_the_origin_counts_as_the_logs() {
        let trust = Trust::in_log(key("other.example", KeyType::Log, 1).verifier());
        assert!(matches!(trust.accepts(&cosigned(&[])), Err(Distrust::NoTrustedLogSigned { .. })));
        // A trusted key of another log signs for this one.
        let other = key("other.example", KeyType::Log, 2);
        let mut note = cosigned(&[]);
        note.signatures = Vec::from([other.sign(&note.text).unwrap()]);
        let said = Trust::in_log(other.verifier()).accepts(&note);
        assert!(matches!(said, Err(Distrust::NoTrustedLogSigned { .. })), "{said:?}");
    }

    #[test]
    fn a_false_signature_of_a_known_key_spoils_the_checkpoint() {
        let trust = Trust::parse(file("quorum none\n").as_bytes()).unwrap();
        let mut note = cosigned(&[2]);
        note.signatures[1].bytes[20] ^= 1;
        assert!(matches!(trust.accepts(&note), Err(Distrust::SignaturesAreUnusable(_))));
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_with_its_number() {
        let line =
            |extra: &str| Trust::parse((file("quorum none\n") + extra).as_bytes()).unwrap_err().to_string();
        let (log, w1, new) = (log().verifier(), witness(1).verifier(), witness(9).verifier());
        for (extra, says) in [
            ("nonsense\n", "line 12: nonsense is not one of"),
            ("log\n", "line 12: the line is too short"),
            ("quorum w1\n", "line 12: the quorum is said twice"),
            ("group z 3 w1 w9\n", "line 12: 3 is not any, all or a number"),
            ("group z 1 w9\n", "line 12: no line before this one says who w9 is"),
            ("group z 1 w1\n", "line 12: w1 is a member of two groups"),
            ("group z any\n", "line 12: any is not"),
            ("group none any both\n", "line 12: the name none is taken"),
            ("a\u{7}\n", "line 12: the line has a control character"),
        ] {
            assert!(line(extra).starts_with(says), "{extra:?}: {}", line(extra));
        }
        assert!(line(&format!("log {log}\n")).contains("twice"));
        assert!(line(&format!("witness w8 {w1}\n")).contains("twice"));
        assert!(line(&format!("log {new}\n")).contains("witness's"));
        assert!(line(&format!("witness w1 {new}\n")).contains("taken"));
        assert!(Trust::parse(b"log x\n").is_err() && Trust::parse(&[0xff]).is_err());
        assert_eq!(Trust::parse(b"").unwrap_err().why, Misfit::QuorumIsMissing);
        let long = " ".repeat(TRUST_BYTES_MAX + 1);
        assert_eq!(Trust::parse(long.as_bytes()).unwrap_err().why, Misfit::FileIsTooLong);
    }
}
