//! The layout in which a whole log is handed over: tiles of hashes and bundles of entries (C2SP tlog-tiles v1).

use alloc::{format, string::String, vec::Vec};

use crate::merkle::{Hash, leaf_hash, node_hash};

/// Hashes of a full tile, and entries of a full bundle.
pub const TILE_WIDTH: usize = 256;
/// Longest entry of a bundle, in bytes: its length stands in two bytes.
pub const ENTRY_BYTES_MAX: usize = 65_535;

/// Where a tile of hashes lies: `tile/<level>/<index>`, with `.p/<width>` when it is not full.
pub fn tile_path(level: u32, index: u64, width: usize) -> String {
    format!("tile/{level}/{}", place(index, width))
}

/// Where a bundle of entries lies: `tile/entries/<index>`, with `.p/<width>` when it is not full.
pub fn entries_path(index: u64, width: usize) -> String {
    format!("tile/entries/{}", place(index, width))
}

/// An index in groups of three digits, all but the last behind an `x`: 1234067 is `x001/x234/067`.
fn place(index: u64, width: usize) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if width < TILE_WIDTH { format!("{path}.p/{width}") } else { path }
}

/// A file of the layout: its path below the folder of the log, and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path below the folder of the log.
    pub path: String,
    /// Contents.
    pub bytes: Vec<u8>,
}

/// Lays out a log, entry by entry; keeps one tile of every level in memory.
#[derive(Debug, Default)]
pub struct Tiles {
    entries: Vec<u8>,
    /// By level: the index of the tile that is being filled, and its hashes.
    levels: Vec<(u64, Vec<Hash>)>,
}

impl Tiles {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry and gives the files that became full. An entry longer than [`ENTRY_BYTES_MAX`] gives none and
    /// is not added.
    pub fn push(&mut self, entry: &[u8]) -> Option<Vec<File>> {
        let length = u16::try_from(entry.len()).ok()?;
        self.entries.extend(length.to_be_bytes());
        self.entries.extend(entry);
        let mut full = Vec::new();
        let mut carry = Some(leaf_hash(entry));
        let mut level = 0usize;
        while let Some(hash) = carry.take() {
            if self.levels.len() == level {
                self.levels.push((0, Vec::with_capacity(TILE_WIDTH)));
            }
            let Some((index, hashes)) = self.levels.get_mut(level) else { break };
            hashes.push(hash);
            if hashes.len() == TILE_WIDTH {
                carry = Some(root(hashes));
                full.push(tile(level, *index, hashes));
                if level == 0 {
                    let bytes = core::mem::take(&mut self.entries);
                    full.push(File { path: entries_path(*index, TILE_WIDTH), bytes });
                }
                hashes.clear();
                *index += 1;
            }
            level += 1;
        }
        Some(full)
    }

    /// The tiles and the bundle that are not full, as a checkpoint of this size needs them.
    pub fn finish(self) -> Vec<File> {
        let mut files = Vec::new();
        if let Some((index, hashes)) = self.levels.first()
            && !hashes.is_empty()
        {
            files.push(File { path: entries_path(*index, hashes.len()), bytes: self.entries });
        }
        for (level, (index, hashes)) in self.levels.iter().enumerate() {
            if !hashes.is_empty() {
                files.push(tile(level, *index, hashes));
            }
        }
        files
    }
}

fn tile(level: usize, index: u64, hashes: &[Hash]) -> File {
    let level = u32::try_from(level).unwrap_or(u32::MAX);
    File { path: tile_path(level, index, hashes.len()), bytes: hashes.iter().flat_map(|h| h.0).collect() }
}

/// Root of a full tile: its hashes are the leaves of a perfect tree.
fn root(hashes: &[Hash]) -> Hash {
    let mut level = hashes.to_vec();
    while level.len() > 1 {
        level = level
            .chunks_exact(2)
            .filter_map(|pair| <&[Hash; 2]>::try_from(pair).ok())
            .map(|[l, r]| node_hash(l, r))
            .collect();
    }
    level.first().copied().unwrap_or(Hash([0; 32]))
}

/// The files that a log of a size consists of, in the order of their entries: bundles with their first index and width.
pub fn bundles(size: u64) -> impl Iterator<Item = (u64, usize)> {
    let width = TILE_WIDTH as u64;
    (0..size.div_ceil(width)).map(move |index| {
        let left = size - index * width;
        (index, usize::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH))
    })
}

/// Every tile that a log of a size needs: level, index, width.
pub fn tiles(size: u64) -> Vec<(u32, u64, usize)> {
    let mut found = Vec::new();
    let (mut level, mut nodes) = (0, size);
    while nodes > 0 {
        found.extend(bundles(nodes).map(|(index, width)| (level, index, width)));
        nodes /= TILE_WIDTH as u64;
        level += 1;
    }
    found
}

/// How many tiles [`tiles`] gives, without making the list: a size may be anybody's claim.
pub fn tiles_count(size: u64) -> u64 {
    let width = TILE_WIDTH as u64;
    let levels = core::iter::successors(Some(size), |nodes| Some(nodes / width));
    levels.take_while(|nodes| *nodes > 0).map(|nodes| nodes.div_ceil(width)).sum()
}

/// Why bytes are no bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is a sentence")]
pub enum BundleError {
    BundleIsCutShort { entry: usize },
    BundleHasAnotherWidth { entries: usize },
}

impl core::fmt::Display for BundleError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::BundleIsCutShort { entry } => write!(f, "the bundle is cut short in entry {entry}"),
            Self::BundleHasAnotherWidth { entries } => {
                write!(f, "the bundle has {} entries", entries)
            }
        }
    }
}

impl core::error::Error for BundleError {}

/// Takes a bundle apart.
///
/// # Errors
/// Bytes that do not hold exactly `width` entries.
pub fn entries(bytes: &[u8], width: usize) -> Result<Vec<&[u8]>, BundleError> {
    let mut found = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let cut = BundleError::BundleIsCutShort { entry: found.len() };
        let (length, tail) = rest.split_first_chunk::<2>().ok_or(cut)?;
        let (entry, tail) = tail.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(cut)?;
        found.push(entry);
        rest = tail;
    }
    if found.len() == width {
        Ok(found)
    } else {
        Err(BundleError::BundleHasAnotherWidth { entries: found.len() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::merkle::range_root;
    use std::{collections::BTreeMap, string::ToString};

    fn laid_out(size: u64) -> BTreeMap<String, Vec<u8>> {
        let mut tiles = Tiles::new();
        let mut files = Vec::new();
        for index in 0..size {
            files.extend(tiles.push(index.to_string().as_bytes()).unwrap());
        }
        files.extend(tiles.finish());
        files.into_iter().map(|f| (f.path, f.bytes)).collect()
    }

    #[test]
    fn the_paths_are_those_of_the_specification() {
        assert_eq!(tile_path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(tile_path(2, 0, 17), "tile/2/000.p/17");
        assert_eq!(entries_path(999, 256), "tile/entries/999");
        // "A tree of size 70,000 ... 273 full level 0 tiles, one partial of width 112, one full level 1 tile, one
        // partial of width 17, and one partial level 2 tile of width 1."
        let all = tiles(70_000);
        let of = |level| all.iter().filter(|t| t.0 == level).map(|t| t.2).collect::<Vec<_>>();
        assert_eq!(
            (of(0).len(), of(0).last(), of(1), of(2)),
            (274, Some(&112), Vec::from([256, 17]), Vec::from([1]))
        );
        assert_eq!(tiles(256), [(0, 0, 256), (1, 0, 1)]);
        assert!(tiles(0).is_empty());
    }

    #[test]
    fn every_hash_is_where_the_specification_says() {
        let leaf = |index: u64| leaf_hash(index.to_string().as_bytes());
        for size in [0u64, 1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
            let files = laid_out(size);
            let wanted: Vec<String> = tiles(size)
                .into_iter()
                .map(|(level, index, width)| tile_path(level, index, width))
                .chain(bundles(size).map(|(index, width)| entries_path(index, width)))
                .collect();
            assert_eq!(files.len(), wanted.len(), "{size}");
            for path in wanted {
                assert!(files.contains_key(&path), "{size}: {path}");
            }
            assert_eq!(tiles_count(size), tiles(size).len() as u64);
            for (level, index, width) in tiles(size) {
                let bytes = &files[&tile_path(level, index, width)];
                assert_eq!(bytes.len(), width * 32);
                // First and last hash of the tile are the roots over the leaves that they stand for.
                let span = 256u64.pow(level);
                for at in [0, width - 1] {
                    let start = (index * 256 + at as u64) * span;
                    let root = range_root(start..start + span, &|i| Some(leaf(i))).unwrap();
                    assert_eq!(bytes[at * 32..at * 32 + 32], root.0, "{size}: {level}/{index} hash {at}");
                }
            }
            for (index, width) in bundles(size) {
                let bytes = &files[&entries_path(index, width)];
                let found = entries(bytes, width).unwrap();
                assert_eq!(found[width - 1], (index * 256 + width as u64 - 1).to_string().as_bytes());
            }
        }
    }

    #[test]
    fn a_bundle_that_is_cut_or_too_long_is_refused() {
        let whole = [0, 1, b'a', 0, 2, b'b', b'c'];
        assert_eq!(entries(&whole, 2).unwrap(), [&b"a"[..], b"bc"]);
        assert_eq!(entries(&whole, 1), Err(BundleError::BundleHasAnotherWidth { entries: 2 }));
        assert_eq!(entries(&whole[..6], 2), Err(BundleError::BundleIsCutShort { entry: 1 }));
        assert_eq!(entries(&whole[..4], 2), Err(BundleError::BundleIsCutShort { entry: 1 }));
        assert!(Tiles::new().push(&std::vec![0; ENTRY_BYTES_MAX + 1]).is_none());
        assert!(Tiles::new().push(&std::vec![0; ENTRY_BYTES_MAX]).is_some());
    }
}
