//! Commitments to personal data, which never stands in an event in clear.
//!
//! The event holds a hash; the value and its random salt lie beside the log, where they can be erased. With both at
//! hand anybody can show that the value is the one committed to; once they are gone the hash says nothing about it,
//! and every proof over the log stays valid.

use sha2::{Digest, Sha256};

use crate::merkle::Hash;

/// What the hash is for, so that it can stand for nothing else.
pub const DOMAIN: &str = "claims-ledger/personal/v1";

/// How many bytes of salt, from the operating system's random source, each value gets for itself.
pub const SALT_BYTES: usize = 32;

/// Commits to `value` as the content of the field at `path` in the event.
///
/// SHA-256 over [`DOMAIN`], `path`, `salt` and `value`, each preceded by its length in bytes as 8 bytes, most
/// significant first: no two different lists of parts give the same text to hash.
pub fn commit(path: &str, salt: &[u8; SALT_BYTES], value: &str) -> Hash {
    let parts = [DOMAIN.as_bytes(), path.as_bytes(), salt.as_slice(), value.as_bytes()];
    let hasher = parts.into_iter().fold(Sha256::new(), |hasher, part| {
        hasher.chain_update((part.len() as u64).to_be_bytes()).chain_update(part)
    });
    Hash(hasher.finalize().into())
}

/// Whether `commitment` was made from exactly these parts.
///
/// Looks at every byte whatever it finds, so that the time taken does not tell a guesser how close a guess was.
pub fn verify(path: &str, salt: &[u8; SALT_BYTES], value: &str, commitment: &Hash) -> bool {
    let made = commit(path, salt, value);
    let difference = made.0.iter().zip(commitment.0).fold(0, |difference, (a, b)| difference | (a ^ b));
    core::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    const SALT: [u8; SALT_BYTES] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
        28, 29, 30, 31,
    ];

    /// Frozen: committed values in logs depend on it. Computed apart from this code, with Python 3:
    ///
    /// ```python
    /// import hashlib, struct
    /// part = lambda b: struct.pack(">Q", len(b)) + b
    /// commit = lambda path, salt, value: hashlib.sha256(b"".join(map(part,
    ///     [b"claims-ledger/personal/v1", path.encode(), salt, value.encode()]))).hexdigest()
    /// print(commit("payload.customer.name", bytes(range(32)), "Zo\u00eb M\u00fcller"))
    /// print(commit("", bytes(32), ""))
    /// ```
    #[test]
    fn commitments_are_those_of_an_independent_implementation() {
        let name = "f04a434f6b6e669c20e3c043dbcd45f62f35b4be214c2db9005a5a3f7ffe4221";
        assert_eq!(commit("payload.customer.name", &SALT, "Zoë Müller").to_string(), name);
        let nothing = "b69565908cb9cc757263399ac8ea270b8f057c849378ad9419bee990ba3b78ae";
        assert_eq!(commit("", &[0; SALT_BYTES], "").to_string(), nothing);
    }

    #[test]
    fn the_border_between_path_and_value_matters() {
        assert_ne!(commit("ab", &SALT, "c"), commit("a", &SALT, "bc"));
    }

    proptest! {
        #[test]
        fn only_the_same_parts_verify(
            path in any::<(String, String)>(),
            salt: [[u8; SALT_BYTES]; 2],
            value in any::<(String, String)>(),
            bit: u8,
        ) {
            let made = commit(&path.0, &salt[0], &value.0);
            prop_assert!(verify(&path.0, &salt[0], &value.0, &made));
            prop_assert_eq!(verify(&path.1, &salt[0], &value.0, &made), path.0 == path.1);
            prop_assert_eq!(verify(&path.0, &salt[1], &value.0, &made), salt[0] == salt[1]);
            prop_assert_eq!(verify(&path.0, &salt[0], &value.1, &made), value.0 == value.1);
            let mut wrong = made;
            wrong.0.iter_mut().skip(usize::from(bit / 8)).take(1).for_each(|byte| *byte ^= 1 << (bit % 8));
            prop_assert!(!verify(&path.0, &salt[0], &value.0, &wrong));
        }
    }
}
