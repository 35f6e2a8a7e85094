//! The hash of a file that is too long to be held in memory; the engine hashes whole values.

use replay::merkle::Hash;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Bytes that are read at a time.
const PIECE_BYTES: usize = 65_536;

/// SHA-256 of everything that can be read.
///
/// # Errors
/// Those of the reader.
pub fn hashed(mut file: impl Read) -> std::io::Result<Hash> {
    let mut hash = Sha256::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Hash(hash.finalize().into())),
            read => hash.update(piece.get(..read).unwrap_or_default()),
        }
    }
}
