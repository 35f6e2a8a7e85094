//! RFC 6962 as its section 2.1 words it, with nothing of the engine's tree in it: what the engine is judged by.

use replay::merkle::{Hash, sha256};

/// `SHA-256(0x00 || body)`.
pub fn leaf(body: &[u8]) -> Hash {
    sha256(&[&[0x00], body].concat())
}

/// The Merkle tree hash over leaf hashes: split at the largest power of two below their number.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [one] => *one,
        _ => {
            let mut left = 1;
            while left * 2 < leaves.len() {
                left *= 2;
            }
            let (a, b) = (root(&leaves[..left]), root(&leaves[left..]));
            sha256(&[&[0x01], &a.0[..], &b.0[..]].concat())
        }
    }
}
