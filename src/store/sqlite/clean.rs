//! Erasing personal values: first from the tables, then from the file.
//!
//! A row that was deleted is gone for every query, yet its bytes lie on in the write-ahead log and in pages that
//! SQLite moved about. So the transaction that deletes also leaves a row in `unclean`; then the log is folded into
//! the file and cut to nothing, the file is written anew from what it still holds, that is folded in as well, and
//! only then the row goes. Whatever interrupts this, the row is there for the next one who opens the ledger.

use rusqlite::{Connection, params};
use std::time::Duration;

use super::{BUSY_TIMEOUT_MS, fault, number};
use crate::error::{Error, ErrorKind, Result};

/// How long a program that opens an unclean ledger waits for readers before it goes on without cleaning, in
/// milliseconds.
pub const CLEAN_AT_OPEN_WAIT_MS: u64 = 200;

/// For files that are older than this table.
const UNCLEAN: &str = "CREATE TABLE IF NOT EXISTS unclean (one INTEGER PRIMARY KEY CHECK (one = 1)) STRICT";

pub(super) fn erase(db: &Connection, position: u64, path: &str) -> Result<bool> {
    let sql = "DELETE FROM personal WHERE position = ?1 AND path = ?2";
    let mut delete = db.prepare_cached(sql).map_err(fault)?;
    let erased = delete.execute(params![number(position), path]).map_err(fault)? > 0;
    if erased && !is_due(db)? {
        db.execute_batch(UNCLEAN).map_err(fault)?;
        db.execute("INSERT INTO unclean (one) VALUES (1)", []).map_err(fault)?;
    }
    Ok(erased)
}

pub(super) fn is_due(db: &Connection) -> Result<bool> {
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(fault);
    let known = count("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'unclean'")?;
    Ok(known > 0 && count("SELECT count(*) FROM unclean")? > 0)
}

pub(super) fn clean(db: &Connection, wait: Duration) -> Result<()> {
    if !is_due(db)? {
        return Ok(());
    }
    db.busy_timeout(wait).map_err(fault)?;
    let cleaned = scrub(db, wait);
    let restored = db.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(fault);
    cleaned.map_err(not_clean)?;
    restored
}

/// What an interrupted cleaning has left is done now, if nobody is in the way. The ledger is as good as before if
/// not, and the row stays: `claims audit` names it, and `claims redact --finish` says what is in the way.
pub(super) fn again(db: &Connection) {
    let _ = clean(db, Duration::from_millis(CLEAN_AT_OPEN_WAIT_MS));
}

fn scrub(db: &Connection, wait: Duration) -> Result<()> {
    // First, because a reader that is in the way is better known before the file is written anew.
    fold_in(db, wait)?;
    db.execute_batch("VACUUM").map_err(fault)?;
    fold_in(db, wait)?;
    db.execute_batch("DELETE FROM unclean").map_err(fault)
}

/// Folds the write-ahead log into the file and cuts it to nothing. Readers that still need it are waited for.
fn fold_in(db: &Connection, wait: Duration) -> Result<()> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(fault)?;
    if busy == 0 {
        return Ok(());
    }
    let text = format!("another program held an older state for more than {} ms", wait.as_millis());
    Err(Error::new(ErrorKind::Busy, "ledger_is_busy", text))
}

fn not_clean(why: Error) -> Error {
    let text = format!(
        "the values are gone from the tables, but the file is not yet clean: their bytes can still be found in it ({})",
        why.message
    );
    Error::new(why.kind, "file_is_not_yet_clean", text)
        .details(why.details)
        .hint("end the other programs or make room, then: claims redact --finish (opening the ledger for writing tries it again as well)")
}
