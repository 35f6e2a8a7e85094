//! The digest of the books: rows in order, table by table.

use alloc::format;
use sha2::{Digest as _, Sha256};

use super::TABLES;
use crate::merkle::Hash;

/// Rows per table and the digest over all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    pub rows: [u64; 5],
    pub sha256: Hash,
}

/// Takes rows in order.
#[derive(Default)]
pub struct DigestBuilder {
    tables: [Sha256; 5],
    rows: [u64; 5],
}
impl DigestBuilder {
    /// The next row of a table.
    pub fn row(&mut self, table: usize, line: &str) {
        if let (Some(hash), Some(rows)) = (self.tables.get_mut(table), self.rows.get_mut(table)) {
            hash.update(line.as_bytes());
            hash.update(b"\n");
            *rows = rows.saturating_add(1);
        }
    }
    /// The digest.
    pub fn finish(self) -> Digest {
        let mut all = Sha256::new();
        for ((name, rows), hash) in TABLES.iter().zip(self.rows).zip(self.tables) {
            all.update(format!("{name} {rows} {}\n", Hash(hash.finalize().into())).as_bytes());
        }
        Digest { rows: self.rows, sha256: Hash(all.finalize().into()) }
    }
}
