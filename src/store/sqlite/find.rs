//! What pages look up beside the verbs of a store: the last events of the ledger, and where a personal value lies.

use replay::{codec::OwnedRow, ids::Stream};

use super::{COLUMNS, SqliteStore, count, fault, number, owned};
use crate::error::Result;

impl SqliteStore {
    /// The last events of a stream, the newest first: those whose kind is `wanted` among its last `look_back` events,
    /// at most `limit`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn last_of(
        &mut self,
        stream: &Stream,
        wanted: &[&str],
        look_back: u64,
        limit: usize,
    ) -> Result<Vec<OwnedRow>> {
        let sql = format!("SELECT {COLUMNS} FROM events WHERE stream = ?1 ORDER BY revision DESC LIMIT ?2");
        let mut statement = self.db.prepare_cached(&sql).map_err(fault)?;
        let mut rows = statement.query((stream.to_string(), number(look_back))).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let kind: String = row.get(4).map_err(fault)?;
            if wanted.contains(&kind.as_str()) {
                found.push(owned(row).map_err(fault)?);
                if found.len() >= limit {
                    break;
                }
            }
        }
        Ok(found)
    }
    /// Positions of events with this personal value, at most `limit`. There is no index of personal values, on purpose:
    /// each would be one more place to erase from. The table is read through.
    ///
    /// # Errors
    /// Storage errors.
    pub fn positions_of_personal(&mut self, value: &str, limit: usize) -> Result<Vec<u64>> {
        let sql = "SELECT DISTINCT position FROM personal WHERE value = ?1 ORDER BY position LIMIT ?2";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let found = statement.query_map((value, limit), |row| row.get::<_, i64>(0)).map_err(fault)?;
        found.map(|position| position.map(count).map_err(fault)).collect()
    }
    /// How many claims there are.
    ///
    /// # Errors
    /// Storage errors.
    pub fn claims_count(&mut self) -> Result<u64> {
        let found = self.db.query_row("SELECT count(*) FROM claims_board", [], |row| row.get::<_, i64>(0));
        found.map(count).map_err(fault)
    }
}
