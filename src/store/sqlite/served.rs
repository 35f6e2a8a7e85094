//! The books as they are served, row by row: for who compares them with what the log says.

use replay::books::{BoardRow, ObligationRow, RefusalRow, Sums, TABLES, TotalKey, text, total_name};
use rusqlite::{OptionalExtension, params};
use std::collections::BTreeMap;

use super::{
    SqliteStore,
    books::{board_row, obligation_row, refusal_row, total_row},
    count, fault, number,
};
use crate::error::Result;

/// Everything that is served of one claim.
#[derive(Debug, Default)]
pub struct ServedClaim {
    /// Its row on the board.
    pub board: Option<BoardRow>,
    /// The claim in full, as canonical JSON.
    pub detail: Option<String>,
    /// What is owed, in the order of the books.
    pub obligations: Vec<ObligationRow>,
}

/// What names a row within its table, in parts that sort as the table does; parts that a table does not need are empty.
pub type RowName = [String; 3];

/// The name of a row that one text names.
pub fn alone(name: String) -> RowName {
    [name, String::new(), String::new()]
}

/// The name of a refused act.
pub fn refusal_name(position: u64) -> RowName {
    alone(format!("{position:020}"))
}

/// One served row: its table by number, what names it, and its canonical line.
#[derive(Debug)]
pub struct ServedRow {
    /// Number of the table in [`TABLES`].
    pub table: usize,
    /// What names the row, in the order of the table.
    pub name: RowName,
    /// The row as a canonical line.
    pub line: String,
}

impl SqliteStore {
    /// What is served of one claim.
    ///
    /// # Errors
    /// Storage errors.
    pub fn served_claim(&mut self, claim: &str) -> Result<ServedClaim> {
        let mut board =
            self.db.prepare_cached("SELECT * FROM claims_board WHERE claim = ?1").map_err(fault)?;
        let mut detail =
            self.db.prepare_cached("SELECT detail FROM claim_detail WHERE claim = ?1").map_err(fault)?;
        let sql = "SELECT * FROM obligations WHERE claim = ?1 ORDER BY what, item";
        let mut obligations = self.db.prepare_cached(sql).map_err(fault)?;
        let owed = obligations.query_map([claim], obligation_row).map_err(fault)?;
        Ok(ServedClaim {
            board: board.query_row([claim], board_row).optional().map_err(fault)?,
            detail: detail.query_row([claim], |row| row.get(0)).optional().map_err(fault)?,
            obligations: owed.collect::<rusqlite::Result<_>>().map_err(fault)?,
        })
    }
    /// The refused act at a position, as it is served.
    ///
    /// # Errors
    /// Storage errors.
    pub fn served_refusal(&mut self, position: u64) -> Result<Option<RefusalRow>> {
        let mut found =
            self.db.prepare_cached("SELECT * FROM refusals WHERE position = ?1").map_err(fault)?;
        found.query_row(params![number(position)], refusal_row).optional().map_err(fault)
    }
    /// The refund totals as they are served.
    ///
    /// # Errors
    /// Storage errors.
    pub fn served_totals(&mut self) -> Result<BTreeMap<TotalKey, Sums>> {
        let mut statement = self.db.prepare("SELECT * FROM refund_totals").map_err(fault)?;
        let rows = statement.query_map([], total_row).map_err(fault)?;
        rows.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    /// How many rows each table serves.
    ///
    /// # Errors
    /// Storage errors.
    pub fn served_counts(&mut self) -> Result<[u64; TABLES.len()]> {
        let mut counts = [0; TABLES.len()];
        for (rows, table) in counts.iter_mut().zip(TABLES) {
            let sql = format!("SELECT count(*) FROM {table}");
            *rows = self.db.query_row(&sql, [], |row| row.get(0)).map(count).map_err(fault)?;
        }
        Ok(counts)
    }
    /// Bytes of the file that the served books take, with their indexes.
    ///
    /// # Errors
    /// Storage errors.
    pub fn served_bytes(&mut self) -> Result<u64> {
        let mut bytes = 0u64;
        for table in TABLES {
            let sql = "SELECT coalesce(sum(pgsize), 0) FROM dbstat
                       WHERE aggregate AND name IN (SELECT name FROM sqlite_schema WHERE tbl_name = ?1)";
            let own: i64 = self.db.query_row(sql, [table], |row| row.get(0)).map_err(fault)?;
            bytes = bytes.saturating_add(count(own));
        }
        Ok(bytes)
    }
    /// Calls `on_row` with every served row, in the order of the digest.
    ///
    /// # Errors
    /// Storage errors.
    pub fn each_served(&mut self, on_row: &mut dyn FnMut(ServedRow)) -> Result<()> {
        type Read = fn(&rusqlite::Row<'_>) -> rusqlite::Result<(RowName, String)>;
        let tables: [(&str, Read); TABLES.len()] = [
            ("claim", |r| board_row(r).map(|row| (alone(row.claim.clone()), text(&row)))),
            ("claim", |r| Ok((alone(r.get(0)?), r.get(1)?))),
            ("merchant, country, reason, kind, month, currency", |r| {
                let (key, sums) = total_row(r)?;
                Ok((alone(total_name(&key)), text(&(key, sums))))
            }),
            ("claim, what, item", |r| {
                let row = obligation_row(r)?;
                let line = text(&row);
                Ok(([row.claim, row.what, row.item], line))
            }),
            ("position", |r| {
                let row = refusal_row(r)?;
                Ok((refusal_name(row.position), text(&row)))
            }),
        ];
        for (table, (order, read)) in tables.into_iter().enumerate() {
            let name = TABLES.get(table).copied().unwrap_or_default();
            let sql = format!("SELECT * FROM {name} ORDER BY {order}");
            let mut statement = self.db.prepare(&sql).map_err(fault)?;
            let mut rows = statement.query([]).map_err(fault)?;
            while let Some(row) = rows.next().map_err(fault)? {
                let (name, line) = read(row).map_err(fault)?;
                on_row(ServedRow { table, name, line });
            }
        }
        Ok(())
    }
}
