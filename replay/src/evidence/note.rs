//! Signed notes: text with the signatures of one or more keys (C2SP signed-note v1).

use alloc::{format, string::String, vec::Vec};
use core::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use ed25519_dalek::{Signature as Ed25519, Signer as _, SigningKey, VerifyingKey};

use crate::merkle::sha256;

/// Longest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 100_000;
/// Most signatures of a note; the specification asks for 16 at least.
pub const SIGNATURES_MAX: usize = 64;
/// Longest name of a key, in bytes.
pub const KEY_NAME_BYTES_MAX: usize = 255;
/// What a signature line begins with.
const DASH: &str = "\u{2014} ";

/// Why something is no note, no key, or not signed as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum NoteError {
    NoteIsTooLong { bytes: usize },
    TextHasControlCharacters,
    TextDoesNotEndInANewline,
    SignaturesAreMissing,
    SignatureLineIsMalformed { line: String },
    TooManySignatures,
    KeyNameIsUnusable(String),
    KeyIsMalformed(String),
    KeyIdDoesNotMatchTheKey(String),
    SignatureTypeIsUnknown(u8),
    SignatureIsFalse { name: String },
    NoKnownKeySigned,
}

impl fmt::Display for NoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoteIsTooLong { bytes } => {
                write!(f, "the note has {bytes} bytes; {NOTE_BYTES_MAX} are read")
            }
            Self::TextHasControlCharacters => f.write_str("the note has control characters"),
            Self::TextDoesNotEndInANewline => f.write_str("the text of the note does not end in a newline"),
            Self::SignaturesAreMissing => f.write_str("the note has no signatures after an empty line"),
            Self::SignatureLineIsMalformed { line } => write!(f, "is no signature line: {line}"),
            Self::TooManySignatures => write!(f, "the note has more than {SIGNATURES_MAX} signatures"),
            Self::KeyNameIsUnusable(name) => {
                write!(f, "{name:?} cannot name a key: it is empty, too long, or has blanks or a +")
            }
            Self::KeyIsMalformed(text) => write!(f, "is no verifier key: {text}"),
            Self::KeyIdDoesNotMatchTheKey(name) => {
                write!(f, "the id of the key of {name} is not that of the key")
            }
            Self::SignatureTypeIsUnknown(byte) => write!(f, "keys of type {byte:#04x} are not known here"),
            Self::SignatureIsFalse { name } => write!(f, "the signature of {name} is false"),
            Self::NoKnownKeySigned => f.write_str("no key that is trusted has signed"),
        }
    }
}

impl core::error::Error for NoteError {}

/// What a key signs with: the type byte of signed-note.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyType {
    /// Ed25519 over the text of the note (0x01): what a log signs with.
    Log,
    /// Ed25519 over time and text of a checkpoint (0x04, `cosignature/v1`): what a witness signs with.
    Witness,
}

impl KeyType {
    fn byte(self) -> u8 {
        match self {
            Self::Log => 0x01,
            Self::Witness => 0x04,
        }
    }

    fn of(byte: u8) -> Result<Self, NoteError> {
        match byte {
            0x01 => Ok(Self::Log),
            0x04 => Ok(Self::Witness),
            other => Err(NoteError::SignatureTypeIsUnknown(other)),
        }
    }
}

/// A key that checks signatures: name, id and public key. As text a vkey, `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyType,
    public: VerifyingKey,
}

impl VerifierKey {
    /// Who signs with it; of a log its origin.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What it signs.
    pub fn kind(&self) -> KeyType {
        self.kind
    }
    /// The 32 bytes of the public key (RFC 8032).
    pub fn public(&self) -> [u8; 32] {
        self.public.to_bytes()
    }
    /// First four bytes of `SHA-256(name || 0x0A || type || public key)`.
    pub fn id(&self) -> [u8; 4] {
        key_id(&self.name, self.kind, &self.public.to_bytes())
    }

    /// Whether `signature` is this key's over `message`.
    fn is_by(&self, message: &[u8], signature: &[u8]) -> bool {
        Ed25519::from_slice(signature).is_ok_and(|s| self.public.verify_strict(message, &s).is_ok())
    }
}

fn key_id(name: &str, kind: KeyType, public: &[u8; 32]) -> [u8; 4] {
    let mut bytes = Vec::from(name.as_bytes());
    bytes.extend([0x0A, kind.byte()]);
    bytes.extend(public);
    let [a, b, c, d, ..] = sha256(&bytes).0;
    [a, b, c, d]
}

fn check_name(name: &str) -> Result<(), NoteError> {
    let unusable = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    if name.is_empty() || name.len() > KEY_NAME_BYTES_MAX || name.contains(unusable) {
        return Err(NoteError::KeyNameIsUnusable(name.into()));
    }
    Ok(())
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut material = Vec::from([self.kind.byte()]);
        material.extend(self.public.to_bytes());
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.id()), BASE64.encode(material))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::KeyIsMalformed(text.chars().take(120).collect());
        let (name, rest) = text.split_once('+').ok_or_else(malformed)?;
        let (id, material) = rest.split_once('+').ok_or_else(malformed)?;
        check_name(name)?;
        let material = BASE64.decode(material).map_err(|_| malformed())?;
        let (kind, public) = material.split_first().ok_or_else(malformed)?;
        let kind = KeyType::of(*kind)?;
        let public = <[u8; 32]>::try_from(public).map_err(|_| malformed())?;
        let public = VerifyingKey::from_bytes(&public).map_err(|_| malformed())?;
        let key = Self { name: name.into(), kind, public };
        if id != format!("{:08x}", u32::from_be_bytes(key.id())) {
            return Err(NoteError::KeyIdDoesNotMatchTheKey(name.into()));
        }
        Ok(key)
    }
}

/// A key that signs. Its secret is wiped from memory when it is dropped, and shown by nothing.
pub struct SignerKey {
    name: String,
    kind: KeyType,
    secret: SigningKey,
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier())
    }
}

impl SignerKey {
    /// The key of a 32-byte seed (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// A name that cannot name a key.
    pub fn new(name: impl Into<String>, kind: KeyType, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self { name, kind, secret: SigningKey::from_bytes(seed) })
    }

    /// The key that checks what this one signs; may be given to anybody.
    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), kind: self.kind, public: self.secret.verifying_key() }
    }

    /// What it signs.
    pub fn kind(&self) -> KeyType {
        self.kind
    }

    /// Signs a text as a log does. The text ends in a newline.
    ///
    /// # Errors
    /// A text that cannot be the text of a note; a witness's key.
    pub fn sign(&self, text: &str) -> Result<Signature, NoteError> {
        check_text(text)?;
        if self.kind != KeyType::Log {
            return Err(NoteError::SignatureTypeIsUnknown(self.kind.byte()));
        }
        Ok(self.signature(self.secret.sign(text.as_bytes()).to_bytes().into()))
    }

    /// Signs the text of a checkpoint as a witness does (C2SP tlog-cosignature v1), at a time in seconds since 1970.
    ///
    /// # Errors
    /// A text that cannot be the text of a note; a log's key.
    pub fn cosign(&self, text: &str, seconds: u64) -> Result<Signature, NoteError> {
        check_text(text)?;
        if self.kind != KeyType::Witness {
            return Err(NoteError::SignatureTypeIsUnknown(self.kind.byte()));
        }
        let mut bytes = Vec::from(seconds.to_be_bytes());
        bytes.extend(self.secret.sign(cosigned(text, seconds).as_bytes()).to_bytes());
        Ok(self.signature(bytes))
    }

    fn signature(&self, bytes: Vec<u8>) -> Signature {
        Signature { name: self.name.clone(), id: self.verifier().id(), bytes }
    }
}

/// What a witness signs: header, time and the whole text of the checkpoint.
fn cosigned(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// One signature line of a note: who, with which key, and the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// Name of the key.
    pub name: String,
    /// Id of the key.
    pub id: [u8; 4],
    /// The signature: 64 bytes of a log; 8 bytes of time and 64 of a witness.
    pub bytes: Vec<u8>,
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::from(self.id);
        bytes.extend(&self.bytes);
        write!(f, "{DASH}{} {}", self.name, BASE64.encode(bytes))
    }
}

impl FromStr for Signature {
    type Err = NoteError;

    /// Reads one line, without its newline.
    fn from_str(line: &str) -> Result<Self, NoteError> {
        let malformed = || NoteError::SignatureLineIsMalformed { line: line.chars().take(120).collect() };
        let (name, base64) =
            line.strip_prefix(DASH).and_then(|rest| rest.split_once(' ')).ok_or_else(malformed)?;
        check_name(name)?;
        let bytes = BASE64.decode(base64).map_err(|_| malformed())?;
        let (id, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        if rest.is_empty() {
            return Err(malformed());
        }
        Ok(Self { name: name.into(), id: *id, bytes: rest.into() })
    }
}

/// That a known key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<'k> {
    /// The key.
    pub key: &'k VerifierKey,
    /// Of a witness: when, in seconds since 1970.
    pub seconds: Option<u64>,
}

/// Text with signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last newline.
    pub text: String,
    /// The signatures, in the order they stand.
    pub signatures: Vec<Signature>,
}

impl Note {
    /// Checks the signatures of the keys that are known, and says which of them have signed. Others are left aside.
    ///
    /// # Errors
    /// A known key whose signature is false; none of the known keys signed.
    pub fn verify<'k>(&self, keys: &'k [VerifierKey]) -> Result<Vec<Verified<'k>>, NoteError> {
        let mut found: Vec<Verified<'k>> = Vec::new();
        for signature in &self.signatures {
            let of = |key: &&VerifierKey| key.name == signature.name && key.id() == signature.id;
            let Some(key) = keys.iter().find(of) else { continue };
            let (seconds, valid) = match key.kind {
                KeyType::Log => (None, key.is_by(self.text.as_bytes(), &signature.bytes)),
                KeyType::Witness => match signature.bytes.split_first_chunk::<8>() {
                    Some((time, rest)) => {
                        let seconds = u64::from_be_bytes(*time);
                        let in_range = i64::try_from(seconds).is_ok();
                        (Some(seconds), in_range && key.is_by(cosigned(&self.text, seconds).as_bytes(), rest))
                    }
                    None => (None, false),
                },
            };
            if !valid {
                return Err(NoteError::SignatureIsFalse { name: signature.name.clone() });
            }
            if !found.iter().any(|verified| verified.key == key) {
                found.push(Verified { key, seconds });
            }
        }
        if found.is_empty() { Err(NoteError::NoKnownKeySigned) } else { Ok(found) }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| writeln!(f, "{signature}"))
    }
}

impl FromStr for Note {
    type Err = NoteError;

    fn from_str(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::NoteIsTooLong { bytes: note.len() });
        }
        // The last empty line is the one that parts text and signatures.
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(NoteError::SignaturesAreMissing)?;
        let text = format!("{text}\n");
        check_text(&text)?;
        let lines = signatures.strip_suffix('\n').ok_or(NoteError::SignaturesAreMissing)?;
        let mut found = Vec::new();
        for line in lines.split('\n') {
            if found.len() == SIGNATURES_MAX {
                return Err(NoteError::TooManySignatures);
            }
            found.push(line.parse()?);
        }
        Ok(Self { text, signatures: found })
    }
}

fn check_text(text: &str) -> Result<(), NoteError> {
    if text.chars().any(|c| c < ' ' && c != '\n') {
        return Err(NoteError::TextHasControlCharacters);
    }
    if text.ends_with('\n') { Ok(()) } else { Err(NoteError::TextDoesNotEndInANewline) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use std::string::ToString;

    /// The worked example of the specification.
    const KEY: &str = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
    const NOTE: &str = "This is an example message.\n\n\u{2014} example.com/foo \
        Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";

    #[test]
    fn the_example_of_the_specification_verifies() {
        let key: VerifierKey = KEY.parse().unwrap();
        let note: Note = NOTE.parse().unwrap();
        assert_eq!(note.verify(core::slice::from_ref(&key)).unwrap().len(), 1);
        assert_eq!((key.to_string(), note.to_string()), (KEY.into(), NOTE.into()));
    }

    #[test]
    fn any_other_text_or_signature_is_false() {
        let keys = [KEY.parse().unwrap()];
        let said = |note: &str| note.parse::<Note>().and_then(|n| n.verify(&keys).map(|found| found.len()));
        let is_false = Err(NoteError::SignatureIsFalse { name: "example.com/foo".into() });
        assert_eq!(said(&NOTE.replace("message", "massage")), is_false);
        assert_eq!(said(&NOTE.replace("yaQM=", "yaQI=")), is_false);
        assert_eq!(
            said(&NOTE.replace("example.com/foo", "example.com/bar")),
            Err(NoteError::NoKnownKeySigned)
        );
        let forged = NOTE.replace("Uw2QOk", "Uw2QOl");
        assert_eq!(said(&forged), is_false, "the id stayed, the signature is another");
    }

    #[test]
    fn what_is_no_note_is_refused() {
        for (text, why) in [
            ("", NoteError::SignaturesAreMissing),
            ("text\n", NoteError::SignaturesAreMissing),
            ("text\n\n\u{2014} a AAAAAAA=", NoteError::SignaturesAreMissing),
            ("te\txt\n\n\u{2014} a AAAAAAA=\n", NoteError::TextHasControlCharacters),
        ] {
            assert_eq!(text.parse::<Note>(), Err(why), "{text:?}");
        }
        for line in
            ["- a AAAAAAA=", "\u{2014} a", "\u{2014} a AAAA", "\u{2014} a !", "\u{2014}  AAAAAAA=", ""]
        {
            assert!(std::format!("text\n\n{line}\n").parse::<Note>().is_err(), "{line:?}");
        }
    }

    #[test]
    fn a_witness_signs_time_and_text_and_a_log_only_the_text() {
        let witness = SignerKey::new("w.example/1", KeyType::Witness, &[7; 32]).unwrap();
        let log = SignerKey::new("l.example", KeyType::Log, &[7; 32]).unwrap();
        let text = "l.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        let note = Note {
            text: text.into(),
            signatures: Vec::from([log.sign(text).unwrap(), witness.cosign(text, 1_679_315_147).unwrap()]),
        };
        let keys = [log.verifier(), witness.verifier()];
        let found = note.to_string().parse::<Note>().unwrap();
        let by: Vec<Option<u64>> = found.verify(&keys).unwrap().iter().map(|v| v.seconds).collect();
        assert_eq!(by, [None, Some(1_679_315_147)]);
        assert!(witness.sign(text).is_err() && log.cosign(text, 1).is_err());
        // One second later the same signature is false.
        let mut later = note.clone();
        later.signatures[1].bytes[7] += 1;
        assert_eq!(later.verify(&keys), Err(NoteError::SignatureIsFalse { name: "w.example/1".into() }));
    }

    #[test]
    fn keys_are_what_they_say() {
        assert!(KEY.replace("530d903a", "530d903b").parse::<VerifierKey>().is_err());
        assert!("a+b".parse::<VerifierKey>().is_err());
        assert!("".parse::<VerifierKey>().is_err());
        for name in ["", "a b", "a+b", "a\u{2003}b", "a\u{0}"] {
            assert!(SignerKey::new(name, KeyType::Log, &[1; 32]).is_err(), "{name:?}");
        }
        let shown = std::format!("{:?}", SignerKey::new("a", KeyType::Log, &[1; 32]).unwrap());
        assert!(!shown.contains(&BASE64.encode([1u8; 32])), "{shown}");
    }
}
