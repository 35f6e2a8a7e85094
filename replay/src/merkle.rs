//! The Merkle tree over the log (RFC 6962 section 2.1; RFC 9162 section 2.1 is the same tree with its checks spelt out).
//!
//! A leaf is the hash of an event's body, a root is the hash of the whole log up to a size. An inclusion proof shows
//! that one event is in the log behind a root; a consistency proof shows that a later log only added to an earlier
//! one. Leaves are counted from 0 here, as in the RFCs: the event at position `p` is leaf `p - 1`.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use core::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The most leaves a stored [`Frontier`] may claim, 2^53 - 1: sizes and positions travel as JSON integers.
pub const SIZE_MAX: u64 = 9_007_199_254_740_991;

/// A SHA-256 hash. As text, and in JSON, 64 lowercase hexadecimal digits and nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

/// Why a text is not a [`Hash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum HashError {
    TextIsNot64LowercaseHexDigits,
}

/// Why a proof does not prove what it should, or cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum ProofError {
    LeafIsOutsideTheTree { index: u64, size: u64 },
    EmptyTreeProvesNothing,
    OldTreeIsLargerThanNew { size1: u64, size2: u64 },
    ProofIsTooShort,
    ProofIsTooLong,
    OldRootDoesNotMatch,
    RootDoesNotMatch,
    LeafIsMissing { index: u64 },
}

/// Why bytes are not a [`Frontier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum FrontierError {
    SizeIsCutShort { bytes: usize },
    SizeIsTooLarge { size: u64 },
    RootsDoNotFitTheSize { size: u64, bytes: usize },
}

/// Plain SHA-256, for hashes that are no part of the tree (policies, digests, evidence).
pub fn sha256(bytes: &[u8]) -> Hash {
    Hash(Sha256::digest(bytes).into())
}

/// Hashes the body of an event: `SHA-256(0x00 || body)` (RFC 9162 section 2.1.1).
pub fn leaf_hash(body: &[u8]) -> Hash {
    Hash(Sha256::new().chain_update([0x00]).chain_update(body).finalize().into())
}

/// Hashes two subtrees into one: `SHA-256(0x01 || left || right)` (RFC 9162 section 2.1.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([0x01]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The right edge of a growing tree: all it takes to add leaves and to know the root, in at most 64 hashes.
///
/// The leaves fall into perfect subtrees, one per bit that is set in the size, the largest on the left; their roots
/// are kept in that order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// The frontier of the empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many leaves the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds one leaf, given as its hash, on the right.
    pub fn push(&mut self, leaf: Hash) {
        let mut node = leaf;
        // Like a carry in addition: every set bit below the first clear one is a subtree as large as `node`.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.roots.push(node);
        self.size += 1;
    }

    /// The root of the tree (RFC 9162 section 2.1.1); `SHA-256("")` when it is empty.
    pub fn root(&self) -> Hash {
        let nodes = self.roots.iter().rev().copied();
        nodes.reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(|| sha256(b""))
    }

    /// The size as 8 bytes, most significant first, then the roots from left to right.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 32 * self.roots.len());
        bytes.extend(self.size.to_be_bytes());
        bytes.extend(self.roots.iter().flat_map(|root| root.0));
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote. Errors: the bytes are not as long as their size demands, or the size
    /// is above [`SIZE_MAX`]. Whether the roots are the right ones only the log can tell.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let (size, rest) =
            bytes.split_first_chunk().ok_or(FrontierError::SizeIsCutShort { bytes: bytes.len() })?;
        let size = u64::from_be_bytes(*size);
        if size > SIZE_MAX {
            return Err(FrontierError::SizeIsTooLarge { size });
        }
        let (roots, tail) = rest.as_chunks();
        if roots.len() != size.count_ones() as usize || !tail.is_empty() {
            return Err(FrontierError::RootsDoNotFitTheSize { size, bytes: rest.len() });
        }
        Ok(Frontier { size, roots: roots.iter().copied().map(Hash).collect() })
    }
}

/// Checks that `leaf` is leaf number `index`, counted from 0, of the tree with `size` leaves and this `root`
/// (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    if index >= size {
        return Err(ProofError::LeafIsOutsideTheTree { index, size });
    }
    let mut path = Path { node: index, last: size - 1 };
    let mut found = *leaf;
    for sibling in proof {
        found = match path.climb()? {
            Side::Left => node_hash(sibling, &found),
            Side::Right => node_hash(&found, sibling),
        };
    }
    path.finish()?;
    if found == *root { Ok(()) } else { Err(ProofError::RootDoesNotMatch) }
}

/// Checks that the tree with `size2` leaves and `root2` begins with the tree with `size1` leaves and `root1`
/// (RFC 9162 section 2.1.4.2).
///
/// A `size1` of 0 is refused: every tree begins with the empty one, so such a proof says nothing about `root2`.
pub fn verify_consistency(
    size1: u64,
    size2: u64,
    root1: &Hash,
    root2: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    check_sizes(size1, size2)?;
    if size1 == size2 {
        return match proof {
            [] if root1 == root2 => Ok(()),
            [] => Err(ProofError::RootDoesNotMatch),
            _ => Err(ProofError::ProofIsTooLong),
        };
    }
    // A perfect old tree is a node of the new one: the proof leaves it out, since the verifier knows its hash.
    let (start, siblings) = match proof {
        _ if size1.is_power_of_two() => (root1, proof),
        [start, siblings @ ..] => (start, siblings),
        [] => return Err(ProofError::ProofIsTooShort),
    };
    let mut path = Path { node: size1 - 1, last: size2 - 1 };
    path.skip_right_edges();
    let (mut found1, mut found2) = (*start, *start);
    for sibling in siblings {
        match path.climb()? {
            Side::Left => {
                found1 = node_hash(sibling, &found1);
                found2 = node_hash(sibling, &found2);
            }
            // What lies to the right came after the old tree ended.
            Side::Right => found2 = node_hash(&found2, sibling),
        }
    }
    path.finish()?;
    if found1 != *root1 {
        return Err(ProofError::OldRootDoesNotMatch);
    }
    if found2 == *root2 { Ok(()) } else { Err(ProofError::RootDoesNotMatch) }
}

/// The ranges of leaves whose roots make up an inclusion proof, in the order of the proof (RFC 9162 section 2.1.3.1).
///
/// With these a store can read each range in one scan, or look up roots it has kept. Errors: `index` is not below
/// `size`.
pub fn inclusion_ranges(index: u64, size: u64) -> Result<Vec<Range<u64>>, ProofError> {
    if index >= size {
        return Err(ProofError::LeafIsOutsideTheTree { index, size });
    }
    let mut ranges = Vec::new();
    let mut tree = 0..size;
    while tree.end - tree.start > 1 {
        let (left, right) = halves(&tree);
        let (inside, sibling) = if index < left.end { (left, right) } else { (right, left) };
        ranges.push(sibling);
        tree = inside;
    }
    ranges.reverse();
    Ok(ranges)
}

/// The ranges of leaves whose roots make up a consistency proof, in the order of the proof (RFC 9162 section 2.1.4.1).
///
/// Errors: `size1` is 0 or above `size2`.
pub fn consistency_ranges(size1: u64, size2: u64) -> Result<Vec<Range<u64>>, ProofError> {
    check_sizes(size1, size2)?;
    let mut ranges = Vec::new();
    let mut tree = 0..size2;
    while tree.end != size1 {
        let (left, right) = halves(&tree);
        let (inside, sibling) = if size1 <= left.end { (left, right) } else { (right, left) };
        ranges.push(sibling);
        tree = inside;
    }
    if tree.start > 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    Ok(ranges)
}

/// The root of the subtree over a range of leaves; `leaves` gives the leaf hash by index, counted from 0.
///
/// Errors: a leaf is missing.
pub fn range_root(range: Range<u64>, leaves: &dyn Fn(u64) -> Option<Hash>) -> Result<Hash, ProofError> {
    let mut frontier = Frontier::new();
    for index in range {
        frontier.push(leaves(index).ok_or(ProofError::LeafIsMissing { index })?);
    }
    Ok(frontier.root())
}

/// Makes the proof that [`verify_inclusion`] checks. Reads every leaf below `size` but one.
///
/// Errors: as [`inclusion_ranges`] and [`range_root`].
pub fn inclusion_proof(
    index: u64,
    size: u64,
    leaves: &dyn Fn(u64) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    inclusion_ranges(index, size)?.into_iter().map(|range| range_root(range, leaves)).collect()
}

/// Makes the proof that [`verify_consistency`] checks. Reads up to `size2` leaves.
///
/// Errors: as [`consistency_ranges`] and [`range_root`].
pub fn consistency_proof(
    size1: u64,
    size2: u64,
    leaves: &dyn Fn(u64) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    consistency_ranges(size1, size2)?.into_iter().map(|range| range_root(range, leaves)).collect()
}

fn check_sizes(size1: u64, size2: u64) -> Result<(), ProofError> {
    if size1 > size2 {
        return Err(ProofError::OldTreeIsLargerThanNew { size1, size2 });
    }
    if size1 == 0 { Err(ProofError::EmptyTreeProvesNothing) } else { Ok(()) }
}

/// Splits a tree of two leaves or more: the left half is the largest perfect tree that leaves something to the right.
fn halves(tree: &Range<u64>) -> (Range<u64>, Range<u64>) {
    let mid = tree.start + (1 << (tree.end - tree.start - 1).ilog2());
    (tree.start..mid, mid..tree.end)
}

/// The way from a node up to the root: its number on its level, and the number of the last node there
/// (`fn` and `sn` in RFC 9162).
struct Path {
    node: u64,
    last: u64,
}

/// On which side of the path a sibling lies.
enum Side {
    Left,
    Right,
}

impl Path {
    /// Goes up to the next level on which the node has a sibling, and one more, past it.
    fn climb(&mut self) -> Result<Side, ProofError> {
        if self.last == 0 {
            return Err(ProofError::ProofIsTooLong);
        }
        let side = if !self.node.is_multiple_of(2) || self.node == self.last {
            // The last node of a level has no sibling when it is even: it moves up as it is.
            while self.node.is_multiple_of(2) && self.node != 0 {
                self.up();
            }
            Side::Left
        } else {
            Side::Right
        };
        self.up();
        Ok(side)
    }

    /// Goes up as long as the node is the right child, to the root of the perfect subtree it ends.
    fn skip_right_edges(&mut self) {
        while !self.node.is_multiple_of(2) {
            self.up();
        }
    }

    fn up(&mut self) {
        self.node /= 2;
        self.last /= 2;
    }

    fn finish(&self) -> Result<(), ProofError> {
        if self.last == 0 { Ok(()) } else { Err(ProofError::ProofIsTooShort) }
    }
}

impl Hash {
    /// The text, written where there is room for it.
    fn hex<'a>(&self, room: &'a mut [u8; 64]) -> &'a str {
        let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' - 10 + nibble };
        for (pair, byte) in room.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 0xF)];
        }
        core::str::from_utf8(room).unwrap_or_default()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.hex(&mut [0; 64]))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = HashError;

    fn from_str(text: &str) -> Result<Self, HashError> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(HashError::TextIsNot64LowercaseHexDigits),
        };
        let (pairs, tail) = text.as_bytes().as_chunks();
        if pairs.len() != 32 || !tail.is_empty() {
            return Err(HashError::TextIsNot64LowercaseHexDigits);
        }
        let mut hash = [0; 32];
        for (byte, [high, low]) in hash.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Ok(Hash(hash))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.hex(&mut [0; 64]))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Hash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("64 lowercase hexadecimal digits")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Hash, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Hash {
    fn schema_name() -> alloc::borrow::Cow<'static, str> {
        "Hash".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
    }
}

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HashError::TextIsNot64LowercaseHexDigits => {
                f.write_str("the text is not 64 lowercase hexadecimal digits")
            }
        }
    }
}

impl fmt::Display for ProofError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProofError::*;
        match self {
            LeafIsOutsideTheTree { index, size } => {
                write!(f, "leaf {index}, counted from 0, is outside the tree of {size} leaves")
            }
            EmptyTreeProvesNothing => f.write_str("consistency with the empty tree proves nothing"),
            OldTreeIsLargerThanNew { size1, size2 } => {
                write!(f, "the old tree of {size1} leaves is larger than the new one of {size2}")
            }
            ProofIsTooShort => f.write_str("the proof is too short"),
            ProofIsTooLong => f.write_str("the proof is too long"),
            OldRootDoesNotMatch => f.write_str("the proof does not lead to the root of the old tree"),
            RootDoesNotMatch => f.write_str("the proof does not lead to the root of the tree"),
            LeafIsMissing { index } => write!(f, "leaf {index}, counted from 0, is missing"),
        }
    }
}

impl fmt::Display for FrontierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use FrontierError::*;
        match self {
            SizeIsCutShort { bytes } => write!(f, "a frontier begins with 8 bytes of size, here are {bytes}"),
            SizeIsTooLarge { size } => write!(f, "a frontier of {size} leaves is larger than {SIZE_MAX}"),
            RootsDoNotFitTheSize { size, bytes } => {
                write!(f, "a frontier of {size} leaves has {} roots, not {bytes} bytes", size.count_ones())
            }
        }
    }
}

impl core::error::Error for HashError {}
impl core::error::Error for ProofError {}
impl core::error::Error for FrontierError {}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec;
    use proptest::prelude::*;
    use std::borrow::ToOwned;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
    }

    fn frontier(leaves: &[Hash]) -> Frontier {
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        frontier
    }

    fn halved(leaves: &[Hash]) -> (&[Hash], &[Hash]) {
        leaves.split_at(leaves.len().next_power_of_two() / 2)
    }

    /// RFC 6962 section 2.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => sha256(b""),
            [leaf] => *leaf,
            _ => node_hash(&mth(halved(leaves).0), &mth(halved(leaves).1)),
        }
    }

    /// PATH in RFC 6962 section 2.1.1, word for word.
    fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() == 1 {
            return vec![];
        }
        let (left, right) = halved(leaves);
        let k = left.len();
        if m < k {
            [path(m, left), vec![mth(right)]].concat()
        } else {
            [path(m - k, right), vec![mth(left)]].concat()
        }
    }

    /// SUBPROOF in RFC 6962 section 2.1.2, word for word.
    fn subproof(m: usize, leaves: &[Hash], b: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if b { vec![] } else { vec![mth(leaves)] };
        }
        let (left, right) = halved(leaves);
        let k = left.len();
        if m <= k {
            [subproof(m, left, b), vec![mth(right)]].concat()
        } else {
            [subproof(m - k, right, false), vec![mth(left)]].concat()
        }
    }

    fn with_bit_flipped(hash: &Hash, bit: u8) -> Hash {
        let mut flipped = *hash;
        flipped.0.iter_mut().skip(usize::from(bit / 8)).take(1).for_each(|byte| *byte ^= 1 << (bit % 8));
        flipped
    }

    /// Every way to damage a proof a little: a flipped bit in each hash, a hash too few, a hash too many.
    fn damaged(proof: &[Hash], bit: u8) -> Vec<Vec<Hash>> {
        let mut damaged = vec![[proof, &[sha256(b"")]].concat(), [&[sha256(b"")], proof].concat()];
        for index in 0..proof.len() {
            let mut flipped = proof.to_vec();
            flipped.iter_mut().skip(index).take(1).for_each(|hash| *hash = with_bit_flipped(hash, bit));
            let mut shorter = proof.to_vec();
            shorter.remove(index);
            damaged.extend([flipped, shorter]);
        }
        damaged
    }

    #[test]
    fn hashes_of_nothing_are_the_known_ones() {
        let root = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Frontier::new().root().to_string(), root);
        let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
        assert_eq!(leaf_hash(b"").to_string(), leaf);
    }

    #[test]
    fn a_hash_has_one_spelling() {
        let text = "00ff0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
        let hash: Hash = text.parse().unwrap();
        assert_eq!(hash.0.first_chunk(), Some(&[0x00, 0xff, 0x01]));
        assert_eq!(hash.to_string(), text);
        assert_eq!(serde_json::to_string(&hash).unwrap(), format!("\"{text}\""));
        assert_eq!(serde_json::from_str::<Hash>(&format!("\"{text}\"")).unwrap(), hash);
        assert_eq!(serde_json::from_value::<Hash>(text.into()).unwrap(), hash);

        let spoilt = |from: &str, to: &str| text.replacen(from, to, 1);
        for wrong in
            [String::new(), spoilt("ff", "FF"), spoilt("0", ""), spoilt("ff", "é"), format!("{text}0")]
        {
            assert_eq!(wrong.parse::<Hash>(), Err(HashError::TextIsNot64LowercaseHexDigits), "{wrong}");
            assert!(serde_json::from_value::<Hash>(wrong.into()).is_err());
        }
        assert!(serde_json::from_str::<Hash>("[0]").is_err());
    }

    #[cfg(feature = "schema")]
    #[test]
    fn the_schema_of_a_hash_is_its_spelling() {
        let schema = schemars::SchemaGenerator::default().into_root_schema_for::<Hash>();
        assert_eq!(schema.get("pattern").unwrap(), "^[0-9a-f]{64}$");
        assert_eq!(schema.get("type").unwrap(), "string");
    }

    #[test]
    fn a_frontier_of_any_size_knows_the_root_and_survives_storage() {
        let leaves = leaves(200);
        let mut frontier = Frontier::new();
        for size in 0..=200 {
            assert_eq!(frontier.size(), size as u64);
            assert_eq!(frontier.root(), mth(leaves.get(..size).unwrap()));
            let bytes = frontier.to_bytes();
            assert_eq!(bytes.len(), 8 + 32 * size.count_ones() as usize);
            assert_eq!(Frontier::from_bytes(&bytes), Ok(frontier.clone()));
            leaves.get(size).into_iter().for_each(|leaf| frontier.push(*leaf));
        }
    }

    #[test]
    fn bytes_that_are_no_frontier_are_refused() {
        use FrontierError::*;
        let bytes = frontier(&leaves(5)).to_bytes();
        assert_eq!(Frontier::from_bytes(&[0; 7]), Err(SizeIsCutShort { bytes: 7 }));
        let refused = Err(RootsDoNotFitTheSize { size: 5, bytes: 63 });
        assert_eq!(Frontier::from_bytes(bytes.split_last().unwrap().1), refused);
        let refused = Err(RootsDoNotFitTheSize { size: 5, bytes: 65 });
        assert_eq!(Frontier::from_bytes(&[bytes, vec![0]].concat()), refused);
        let size = SIZE_MAX + 1;
        assert_eq!(Frontier::from_bytes(&size.to_be_bytes()), Err(SizeIsTooLarge { size }));
    }

    #[test]
    fn proofs_that_cannot_be_are_refused_by_name() {
        use ProofError::*;
        let root = sha256(b"");
        let outside = LeafIsOutsideTheTree { index: 3, size: 3 };
        assert_eq!(verify_inclusion(&root, 3, 3, &[], &root), Err(outside));
        assert_eq!(inclusion_ranges(3, 3), Err(outside));
        assert_eq!(verify_inclusion(&root, 0, 2, &[], &root), Err(ProofIsTooShort));
        assert_eq!(verify_inclusion(&root, 0, 1, &[root], &root), Err(ProofIsTooLong));
        assert_eq!(verify_inclusion(&root, 0, 2, &[root], &root), Err(RootDoesNotMatch));
        assert_eq!(verify_consistency(0, 0, &root, &root, &[]), Err(EmptyTreeProvesNothing));
        assert_eq!(verify_consistency(0, 1, &root, &root, &[]), Err(EmptyTreeProvesNothing));
        assert_eq!(consistency_ranges(0, 1), Err(EmptyTreeProvesNothing));
        let backwards = OldTreeIsLargerThanNew { size1: 2, size2: 1 };
        assert_eq!(verify_consistency(2, 1, &root, &root, &[]), Err(backwards));
        assert_eq!(verify_consistency(3, 4, &root, &root, &[]), Err(ProofIsTooShort));
        assert_eq!(verify_consistency(2, 3, &root, &root, &[]), Err(ProofIsTooShort));
        assert_eq!(verify_consistency(2, 2, &root, &root, &[root]), Err(ProofIsTooLong));
        assert_eq!(verify_consistency(1, 2, &root, &root, &[root]), Err(RootDoesNotMatch));
        let leaves = leaves(6);
        let up_to_4 = |index| leaves.get(index as usize).filter(|_| index < 4).copied();
        assert_eq!(inclusion_proof(0, 6, &up_to_4), Err(LeafIsMissing { index: 4 }));
    }

    #[test]
    fn every_proof_of_small_trees_is_the_one_of_the_rfc_and_verifies() {
        let all = leaves(40);
        let leaf_at = |index| all.get(index as usize).copied();
        for size in 1..=all.len() {
            let leaves = all.get(..size).unwrap();
            let root = mth(leaves);
            for (index, leaf) in leaves.iter().enumerate() {
                let proof = inclusion_proof(index as u64, size as u64, &leaf_at).unwrap();
                assert_eq!(proof, path(index, leaves));
                assert_eq!(verify_inclusion(leaf, index as u64, size as u64, &proof, &root), Ok(()));
            }
            for size1 in 1..=size {
                let root1 = mth(leaves.get(..size1).unwrap());
                let proof = consistency_proof(size1 as u64, size as u64, &leaf_at).unwrap();
                assert_eq!(proof, subproof(size1, leaves, true));
                assert_eq!(verify_consistency(size1 as u64, size as u64, &root1, &root, &proof), Ok(()));
            }
        }
    }

    proptest! {
        #[test]
        fn a_damaged_inclusion_proof_fails(size in 1..=200_u64, place in any::<prop::sample::Index>(), bit: u8) {
            let leaves = leaves(size);
            let index = place.index(leaves.len());
            let leaf = leaves.get(index).unwrap();
            let root = frontier(&leaves).root();
            let index = index as u64;
            let proof = inclusion_proof(index, size, &|index| leaves.get(index as usize).copied()).unwrap();
            prop_assert_eq!(verify_inclusion(leaf, index, size, &proof, &root), Ok(()));
            for damaged in damaged(&proof, bit) {
                prop_assert!(verify_inclusion(leaf, index, size, &damaged, &root).is_err());
            }
            prop_assert!(verify_inclusion(&with_bit_flipped(leaf, bit), index, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(leaf, index, size, &proof, &with_bit_flipped(&root, bit)).is_err());
            for other in (0..size).filter(|other| *other != index) {
                prop_assert!(verify_inclusion(leaf, other, size, &proof, &root).is_err());
            }
        }

        #[test]
        fn a_damaged_consistency_proof_fails(size2 in 1..=200_u64, place in any::<prop::sample::Index>(), bit: u8) {
            let leaves = leaves(size2);
            let old = leaves.get(..=place.index(leaves.len())).unwrap();
            let size1 = old.len() as u64;
            let (root1, root2) = (frontier(old).root(), frontier(&leaves).root());
            let proof = consistency_proof(size1, size2, &|index| leaves.get(index as usize).copied()).unwrap();
            prop_assert_eq!(verify_consistency(size1, size2, &root1, &root2, &proof), Ok(()));
            for damaged in damaged(&proof, bit) {
                prop_assert!(verify_consistency(size1, size2, &root1, &root2, &damaged).is_err());
            }
            let wrong = with_bit_flipped(&root1, bit);
            prop_assert!(verify_consistency(size1, size2, &wrong, &root2, &proof).is_err());
            let wrong = with_bit_flipped(&root2, bit);
            prop_assert!(verify_consistency(size1, size2, &root1, &wrong, &proof).is_err());
        }

        #[test]
        fn arbitrary_input_never_panics(
            a: u64,
            b: u64,
            bytes in prop::collection::vec(any::<u8>(), 0..2_200),
            text in any::<String>(),
        ) {
            let proof: Vec<Hash> = bytes.as_chunks().0.iter().copied().map(Hash).collect();
            let hash = sha256(&bytes);
            let _ = verify_inclusion(&hash, a, b, &proof, &hash);
            let _ = verify_consistency(a, b, &hash, &hash, &proof);
            for (a, b) in [(a, b), (a, u64::MAX), (1, b), (b, u64::MAX - 1)] {
                prop_assert!(inclusion_ranges(a, b).map_or(0, |ranges| ranges.len()) <= 64);
                prop_assert!(consistency_ranges(a, b).map_or(0, |ranges| ranges.len()) <= 65);
            }
            let _ = Frontier::from_bytes(&bytes);
            let sized = [&[0, 0, 0, 0], bytes.as_slice()].concat();
            if let Ok(mut frontier) = Frontier::from_bytes(&sized) {
                prop_assert_eq!(frontier.to_bytes(), sized);
                frontier.push(hash);
                frontier.root();
            }
            let _ = text.to_owned().parse::<Hash>();
        }
    }
}
