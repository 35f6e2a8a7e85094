//! Two collections in different orders, compared without keeping either.
//!
//! Every member is hashed with a secret key, and the hashes are added up (MSet-Add-Hash of Clarke et al., "Incremental
//! Multiset Hash Functions and Their Application to Memory Integrity Checking", 2003, with SipHash-1-3-128 as the keyed
//! function). Equal sums are equal collections: whoever wants others to have the same sum needs the key, which is drawn
//! by chance when the comparison begins and is gone with it.

use siphasher::sip128::{Hasher128, SipHasher13};

/// The secret key of one comparison. It comes from outside: nothing in here has chance.
#[derive(Debug, Clone, Copy)]
pub struct MultisetKey(pub [u8; 16]);

/// What a collection adds up to.
#[derive(Debug, Clone, Copy)]
pub struct Multiset {
    hasher: SipHasher13,
    count: u64,
    sum: u128,
}

impl Multiset {
    /// An empty collection.
    pub fn keyed(key: &MultisetKey) -> Self {
        Self { hasher: SipHasher13::new_with_key(&key.0), count: 0, sum: 0 }
    }
    /// Puts a member in: texts or bytes, each told from the next by its length, and the position it belongs to.
    pub fn add(&mut self, parts: &[&[u8]], position: u64) {
        use core::hash::Hasher as _;
        let mut hasher = self.hasher;
        for part in parts {
            hasher.write_usize(part.len());
            hasher.write(part);
        }
        hasher.write_u64(position);
        self.count = self.count.saturating_add(1);
        self.sum = self.sum.wrapping_add(hasher.finish128().as_u128());
    }
    /// Takes in the members of another collection under the same key.
    pub fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
    }
    /// How many members there are.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// Of two collections under one key.
impl PartialEq for Multiset {
    fn eq(&self, other: &Self) -> bool {
        (self.count, self.sum) == (other.count, other.sum)
    }
}
impl Eq for Multiset {}

#[cfg(test)]
mod tests {
    use super::{Multiset, MultisetKey};

    type Member<'a> = (&'a [&'a [u8]], u64);

    fn of(members: &[Member<'_>]) -> Multiset {
        let mut sum = Multiset::keyed(&MultisetKey([7; 16]));
        members.iter().for_each(|(parts, position)| sum.add(parts, *position));
        sum
    }

    #[test]
    fn order_is_nothing_and_everything_else_counts() {
        let (a, b): (Member<'_>, Member<'_>) = ((&[b"cli", b"k1"], 1), (&[b"cli", b"k2"], 2));
        assert_eq!(of(&[a, b]), of(&[b, a]));
        assert_ne!(of(&[a, b]), of(&[a, a]), "another member");
        assert_ne!(of(&[a, b]), of(&[a, b, b]), "a member twice");
        assert_ne!(of(&[a]), of(&[(&[b"cli", b"k1"], 2)]), "another position");
        assert_ne!(of(&[a]), of(&[(&[b"clik", b"1"], 1)]), "the same letters cut elsewhere");
        let mut other = Multiset::keyed(&MultisetKey([8; 16]));
        other.add(a.0, a.1);
        assert_ne!(of(&[a]), other, "another key");
    }
}
