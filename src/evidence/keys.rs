//! Keys that sign: files beside the ledger, never in it, for their owner's eyes only.
//!
//! A key file is one line, `PRIVATE+KEY+name+id+base64(type || seed)`, the form of Go's note package, so that other
//! tools can sign with it too.

use std::path::Path;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use replay::evidence::note::{KeyType, SignerKey, VerifierKey};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    whole::{Readers, new_file},
};

/// What a key file begins with.
const PREFIX: &str = "PRIVATE+KEY+";
/// Longest key file that is read, in bytes.
pub const KEY_FILE_BYTES_MAX: usize = 1_000;
/// Bytes of a seed (RFC 8032).
const SEED_BYTES: usize = 32;

/// Makes a key and writes it to a new file that only its owner can read.
///
/// # Errors
/// A name that cannot name a key, a file that is there already, a disk that fails.
pub fn create(path: &Path, name: &str, kind: KeyType, door: &mut Door) -> Result<VerifierKey> {
    let mut seed = Zeroizing::new(door.seed()?);
    let signer = SignerKey::new(name, kind, &seed).map_err(|why| {
        Error::new(ErrorKind::Usage, "key_name_unusable", why.to_string())
            .hint("a name like shop.example/claims; a log's key has the name of the ledger")
    })?;
    let key = signer.verifier();
    let mut material = Zeroizing::new(vec![if kind == KeyType::Log { 0x01 } else { 0x04 }]);
    material.extend_from_slice(&*seed);
    seed.zeroize();
    let id = u32::from_be_bytes(key.id());
    let line =
        Zeroizing::new(format!("{PREFIX}{name}+{id:08x}+{}\n", *Zeroizing::new(BASE64.encode(&*material))));
    new_file(path, line.as_bytes(), Readers::Owner)?;
    Ok(key)
}

/// Reads a key that signs.
///
/// # Errors
/// A file that others can read, or that is no key.
pub fn load(path: &Path) -> Result<SignerKey> {
    check_mode(path)?;
    let text = Zeroizing::new(super::small_text(path, KEY_FILE_BYTES_MAX)?);
    parse(text.trim_end()).ok_or_else(|| {
        Error::unreadable("no_signing_key", "this is no signing key")
            .at(path.display())
            .hint("claims key new makes one; what may be given to others is printed by claims key show")
    })
}

/// The secret never appears in an error: nothing of the line is quoted.
fn parse(line: &str) -> Option<SignerKey> {
    let (name, rest) = line.strip_prefix(PREFIX)?.split_once('+')?;
    let (id, material) = rest.split_once('+')?;
    let material = Zeroizing::new(BASE64.decode(material).ok()?);
    let (kind, seed) = material.split_first()?;
    let kind = match kind {
        0x01 => KeyType::Log,
        0x04 => KeyType::Witness,
        _ => return None,
    };
    let seed = Zeroizing::new(<[u8; SEED_BYTES]>::try_from(seed).ok()?);
    let signer = SignerKey::new(name, kind, &seed).ok()?;
    (id == format!("{:08x}", u32::from_be_bytes(signer.verifier().id()))).then_some(signer)
}

#[cfg(unix)]
fn check_mode(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map_err(|why| Error::io(path, &why))?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let text = format!("others can read this signing key (mode {:03o})", mode & 0o777);
    Err(Error::new(ErrorKind::Usage, "key_is_not_secret", text).at(path.display()).hint(
        "chmod 600 the file; if anybody may have read it, make another key and tell whoever trusts this one",
    ))
}

/// Elsewhere rights are not bits of a mode; the file's owner looks after them.
#[cfg(not(unix))]
fn check_mode(_: &Path) -> Result<()> {
    Ok(())
}
