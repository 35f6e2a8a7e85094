//! Which key signs after which: a statement that the new key and the old one sign, so that whoever trusts the old
//! one can go on to the new one without asking anybody.
//!
//! The statement is a signed note (C2SP) that binds the change to one place of the log:
//!
//! ```text
//! claims-ledger/signing-key/v1
//! shop.example/claims
//! 327
//! CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=
//! rotated
//! shop.example/claims+5d1c2f3a+AQ...
//! shop.example/claims+91b0c7de+AQ...
//! ```
//!
//! Log, its size and root just before the change, the reason, the new key, and the key before it (no line for the
//! first key). A checkpoint has a number in its second line and this has a name, so neither reads as the other.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};

use super::{
    checkpoint::{self, CheckpointError},
    note::{KeyType, Note, NoteError, SignerKey, VerifierKey},
    trust::Trust,
};
use crate::{event::KeyReason, merkle::Hash};

/// First line of a statement.
pub const FORMAT: &str = "claims-ledger/signing-key/v1";

/// Why a text is no statement about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum StatementError {
    FirstLineIsAnother,
    LinesAreMissingOrTooMany,
    HeadIsUnusable(CheckpointError),
    ReasonIsUnknown(String),
    KeyIsUnusable(NoteError),
    KeyIsOfAnotherLog(String),
    OldKeyDoesNotFitTheReason,
    KeyReplacesItself,
    NoteIsUnusable(NoteError),
}

impl fmt::Display for StatementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstLineIsAnother => write!(f, "the statement does not begin with {FORMAT}"),
            Self::LinesAreMissingOrTooMany => {
                f.write_str("the statement has other lines than name, size, root, reason, key and old key")
            }
            Self::HeadIsUnusable(why) => why.fmt(f),
            Self::ReasonIsUnknown(word) => {
                write!(f, "{word} is not one of introduced, rotated, lost and exposed")
            }
            Self::KeyIsUnusable(why) => why.fmt(f),
            Self::KeyIsOfAnotherLog(key) => write!(f, "{key} is no key of this log"),
            Self::OldKeyDoesNotFitTheReason => {
                f.write_str("a key that is introduced has none before it, and every other has one")
            }
            Self::KeyReplacesItself => f.write_str("the key is named as the one before itself"),
            Self::NoteIsUnusable(why) => why.fmt(f),
        }
    }
}

impl core::error::Error for StatementError {}

/// That a key signs the heads of a log from one place on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStatement {
    /// Name of the log.
    pub origin: String,
    /// Number of events before the change.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// Why.
    pub reason: KeyReason,
    /// The key that signs from now on.
    pub key: VerifierKey,
    /// The key that signed until now.
    pub replaces: Option<VerifierKey>,
}

impl KeyStatement {
    /// Signs it with the new key and, where the change is a rotation, with the old one.
    ///
    /// # Errors
    /// A key that is not the one of the statement, or a witness's.
    pub fn sign(&self, new: &SignerKey, old: Option<&SignerKey>) -> Result<Note, StatementError> {
        let text = self.to_string();
        // What is signed is what anybody will read.
        text.parse::<Self>()?;
        let named = |key: &VerifierKey| StatementError::KeyIsOfAnotherLog(key.to_string());
        if new.verifier() != self.key {
            return Err(named(&new.verifier()));
        }
        let mut signatures = Vec::from([new.sign(&text).map_err(StatementError::NoteIsUnusable)?]);
        if let Some(old) = old {
            if Some(old.verifier()) != self.replaces {
                return Err(named(&old.verifier()));
            }
            signatures.push(old.sign(&text).map_err(StatementError::NoteIsUnusable)?);
        }
        Ok(Note { text, signatures })
    }

    /// Reads the text of a note. Whether the keys signed it is another question: [`Self::is_signed_by`].
    ///
    /// # Errors
    /// A text that is no statement.
    pub fn of(note: &Note) -> Result<Self, StatementError> {
        note.text.parse()
    }

    /// Whether a key has signed the note.
    pub fn is_signed_by(note: &Note, key: &VerifierKey) -> bool {
        note.verify(core::slice::from_ref(key)).is_ok()
    }

    /// Whether the key it names can be trusted by whoever trusts the one before it: a rotation that both have signed.
    pub fn carries_trust(&self, note: &Note) -> bool {
        let both = [Some(&self.key), self.replaces.as_ref()];
        self.reason == KeyReason::Rotated
            && both.iter().all(|key| key.is_some_and(|key| Self::is_signed_by(note, key)))
    }
}

impl fmt::Display for KeyStatement {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}\n{}\n{}\n{}", self.origin, self.size, checkpoint::base64(&self.root))?;
        writeln!(f, "{}\n{}", self.reason.as_str(), self.key)?;
        self.replaces.iter().try_for_each(|key| writeln!(f, "{key}"))
    }
}

impl FromStr for KeyStatement {
    type Err = StatementError;

    /// Reads the text of a statement, without signatures.
    fn from_str(text: &str) -> Result<Self, StatementError> {
        let mut lines = text.split('\n');
        if lines.next() != Some(FORMAT) {
            return Err(StatementError::FirstLineIsAnother);
        }
        let lines: Vec<&str> = lines.collect();
        let (origin, size, root, reason, key, replaces) = match lines.as_slice() {
            [origin, size, root, reason, key, ""] => (*origin, *size, *root, *reason, *key, None),
            [origin, size, root, reason, key, old, ""] => (*origin, *size, *root, *reason, *key, Some(*old)),
            _ => return Err(StatementError::LinesAreMissingOrTooMany),
        };
        let of_the_log = |text: &str| {
            let key: VerifierKey = text.parse().map_err(StatementError::KeyIsUnusable)?;
            if key.name() == origin && key.kind() == KeyType::Log {
                Ok(key)
            } else {
                Err(StatementError::KeyIsOfAnotherLog(text.into()))
            }
        };
        let reason: KeyReason =
            reason.parse().map_err(|_| StatementError::ReasonIsUnknown(reason.chars().take(40).collect()))?;
        if replaces.is_none() != (reason == KeyReason::Introduced) {
            return Err(StatementError::OldKeyDoesNotFitTheReason);
        }
        let statement = Self {
            origin: origin.into(),
            size: checkpoint::decimal(size).map_err(StatementError::HeadIsUnusable)?,
            root: checkpoint::hash(root).map_err(StatementError::HeadIsUnusable)?,
            reason,
            key: of_the_log(key)?,
            replaces: replaces.map(of_the_log).transpose()?,
        };
        if statement.replaces.as_ref() == Some(&statement.key) {
            return Err(StatementError::KeyReplacesItself);
        }
        Ok(statement)
    }
}

/// A statement on record in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Position of the event that records it.
    pub position: u64,
    /// What it says.
    pub statement: KeyStatement,
    /// The signed note.
    pub note: Note,
}

/// Whom to trust after what a log says of its keys.
///
/// Forwards, whom a trusted key has handed over to: both have signed. Backwards, the key that a trusted one says it
/// came after, unless that one was exposed. A key that was replaced stays trusted for what it signed before
/// ([`retired`]).
pub fn followed(trust: &Trust, announced: &[Announced]) -> Trust {
    let mut trust = trust.clone();
    for Announced { statement, note, .. } in announced.iter().rev() {
        let says_so =
            trust.logs().contains(&statement.key) && KeyStatement::is_signed_by(note, &statement.key);
        if let (true, Some(old)) = (says_so && statement.reason != KeyReason::Exposed, &statement.replaces) {
            trust.add_log(old.clone());
        }
    }
    for Announced { statement, note, .. } in announced {
        let is_known = statement.replaces.as_ref().is_some_and(|old| trust.logs().contains(old));
        if is_known && statement.carries_trust(note) {
            trust.add_log(statement.key.clone());
        }
    }
    trust
}

/// That a key signs nothing any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// Position of the event that says so.
    pub position: u64,
    /// Number of events up to which the key may have signed.
    pub size: u64,
}

/// Where a key was replaced, if it was.
pub fn retired(key: &VerifierKey, announced: &[Announced]) -> Option<Retired> {
    let by = announced.iter().find(|a| a.statement.replaces.as_ref() == Some(key))?;
    Some(Retired { position: by.position, size: by.statement.size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    const LOG: &str = "shop.example/claims";

    fn key(seed: u8) -> SignerKey {
        SignerKey::new(LOG, KeyType::Log, &[seed; 32]).unwrap()
    }

    fn statement(reason: KeyReason, new: &SignerKey, old: Option<&SignerKey>) -> KeyStatement {
        let replaces = old.map(SignerKey::verifier);
        KeyStatement {
            origin: LOG.into(),
            size: 7,
            root: Hash([9; 32]),
            reason,
            key: new.verifier(),
            replaces,
        }
    }

    fn announced(position: u64, statement: KeyStatement, note: Note) -> Announced {
        Announced { position, statement, note }
    }

    #[test]
    fn trust_goes_from_key_to_key_as_far_as_both_sign() {
        let keys = [key(1), key(2), key(3), key(4)];
        let [one, two, three, four] = &keys;
        let rotated = statement(KeyReason::Rotated, two, Some(one));
        let again = statement(KeyReason::Rotated, three, Some(two));
        let lost = statement(KeyReason::Lost, four, Some(three));
        let log = [
            announced(8, rotated.clone(), rotated.sign(two, Some(one)).unwrap()),
            announced(9, again.clone(), again.sign(three, Some(two)).unwrap()),
            announced(10, lost.clone(), lost.sign(four, None).unwrap()),
        ];
        let reached = followed(&Trust::in_log(one.verifier()), &log);
        assert_eq!(reached.logs(), [one.verifier(), two.verifier(), three.verifier()]);
        // Whoever trusts a later key believes what it says of those before it.
        let reached = followed(&Trust::in_log(two.verifier()), &log);
        assert_eq!(reached.logs(), [two.verifier(), one.verifier(), three.verifier()]);
        let reached = followed(&Trust::in_log(four.verifier()), &log);
        assert_eq!(reached.logs(), [&keys[3], three, two, one].map(SignerKey::verifier));
        assert_eq!(retired(&one.verifier(), &log), Some(Retired { position: 8, size: 7 }));
        assert_eq!(retired(&four.verifier(), &log), None);
    }

    #[test]
    fn a_key_that_only_claims_to_come_after_is_not_trusted() {
        let (old, new, thief) = (key(1), key(2), key(3));
        let said = statement(KeyReason::Rotated, &thief, Some(&old));
        for note in [said.sign(&thief, None).unwrap(), {
            // The signature of the old key under another statement.
            let other = statement(KeyReason::Rotated, &new, Some(&old)).sign(&new, Some(&old)).unwrap();
            let mut note = said.sign(&thief, None).unwrap();
            note.signatures.extend(other.signatures.into_iter().skip(1));
            note
        }] {
            let log = [announced(8, said.clone(), note)];
            assert_eq!(followed(&Trust::in_log(old.verifier()), &log).logs(), [old.verifier()]);
        }
        // What an exposed key signed proves nothing, even if it is there.
        let exposed = statement(KeyReason::Exposed, &new, Some(&old));
        let log = [announced(8, exposed.clone(), exposed.sign(&new, Some(&old)).unwrap())];
        assert_eq!(followed(&Trust::in_log(old.verifier()), &log).logs(), [old.verifier()]);
        assert_eq!(followed(&Trust::in_log(new.verifier()), &log).logs(), [new.verifier()]);
    }

    #[test]
    fn what_is_signed_reads_back_and_nothing_else_is_read() {
        let (old, new) = (key(1), key(2));
        for said in [
            statement(KeyReason::Introduced, &new, None),
            statement(KeyReason::Rotated, &new, Some(&old)),
            statement(KeyReason::Lost, &new, Some(&old)),
        ] {
            assert_eq!(said.to_string().parse(), Ok(said));
        }
        let good = statement(KeyReason::Rotated, &new, Some(&old)).to_string();
        let other = SignerKey::new("other.example", KeyType::Log, &[2; 32]).unwrap().verifier().to_string();
        let witness = SignerKey::new(LOG, KeyType::Witness, &[2; 32]).unwrap().verifier().to_string();
        let new = new.verifier().to_string();
        for bad in [
            String::new(),
            good.replace("/v1", "/v2"),
            good.replace("rotated", "introduced"),
            good.replace("rotated", "sold"),
            good.replace("\n7\n", "\n07\n"),
            good.replace(&new, &other),
            good.replace(&new, &witness),
            good.replace(&new, &old.verifier().to_string()),
            good.replace(&new, "x"),
            good.trim_end().into(),
            alloc::format!("{good}more\n"),
        ] {
            assert!(bad.parse::<KeyStatement>().is_err(), "{bad:?}");
        }
        assert!(statement(KeyReason::Rotated, &old, Some(&old)).sign(&old, Some(&old)).is_err());
    }
}
