//! Erasing personal values: first from the tables, then from the file.
//!
//! A row that was deleted is gone for every query, yet its bytes lie on in the write-ahead log and in pages that
//! SQLite moved about. So the transaction that deletes also counts in `erasures`; then the log is folded into the
//! file and cut to nothing, the file is written anew from what it still holds, that is folded in as well, and only
//! then the count of what was cleaned follows. Whatever interrupts this, the counts differ for the next one who opens
//! the ledger; and what somebody else erases meanwhile is still counted as not cleaned.

use rusqlite::{Connection, OptionalExtension, params};
use std::time::Duration;

use super::{BUSY_TIMEOUT_MS, fault, number};
use crate::error::{Error, ErrorKind, Result};

/// How long a program that opens an unclean ledger waits for readers before it goes on without cleaning, in
/// milliseconds.
pub const CLEAN_AT_OPEN_WAIT_MS: u64 = 200;

/// For files that are older than this table; in the words of `log.sql`, which the audit compares.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS erasures (
    one INTEGER PRIMARY KEY CHECK (one = 1), erased INTEGER NOT NULL, cleaned INTEGER NOT NULL
    ) STRICT";

pub(super) fn erase(db: &Connection, position: u64, path: &str) -> Result<bool> {
    let sql = "DELETE FROM personal WHERE position = ?1 AND path = ?2";
    let mut delete = db.prepare_cached(sql).map_err(fault)?;
    let erased = delete.execute(params![number(position), path]).map_err(fault)? > 0;
    if erased {
        if !is_known(db)? {
            db.execute_batch(TABLE).map_err(fault)?;
        }
        let sql = "INSERT INTO erasures (one, erased, cleaned) VALUES (1, 1, 0)
                   ON CONFLICT DO UPDATE SET erased = erased + 1";
        db.prepare_cached(sql).and_then(|mut count| count.execute([])).map_err(fault)?;
    }
    Ok(erased)
}

fn is_known(db: &Connection) -> Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'erasures'";
    db.prepare_cached(sql).and_then(|mut known| known.exists([])).map_err(fault)
}

/// How much was erased, when not all of it was cleaned.
fn due(db: &Connection) -> Result<Option<i64>> {
    if !is_known(db)? {
        return Ok(None);
    }
    let sql = "SELECT erased FROM erasures WHERE erased > cleaned";
    db.query_row(sql, [], |row| row.get(0)).optional().map_err(fault)
}

pub(super) fn is_due(db: &Connection) -> Result<bool> {
    Ok(due(db)?.is_some())
}

pub(super) fn clean(db: &Connection, wait: Duration) -> Result<()> {
    let Some(erased) = due(db)? else { return Ok(()) };
    db.busy_timeout(wait).map_err(fault)?;
    let cleaned = scrub(db, erased, wait);
    let restored = db.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(fault);
    cleaned.map_err(not_clean)?;
    restored
}

/// What an interrupted cleaning has left is done now, if nobody is in the way. The ledger is as good as before if
/// not, and the counts still differ: `claims audit` names it, and `claims redact --finish` says what is in the way.
pub(super) fn again(db: &Connection) {
    let _ = clean(db, Duration::from_millis(CLEAN_AT_OPEN_WAIT_MS));
}

fn scrub(db: &Connection, erased: i64, wait: Duration) -> Result<()> {
    // First, because a reader that is in the way is better known before the file is written anew.
    fold_in(db, wait)?;
    db.execute_batch("VACUUM").map_err(fault)?;
    fold_in(db, wait)?;
    let sql = "UPDATE erasures SET cleaned = max(cleaned, ?1)";
    db.execute(sql, [erased]).map(|_| ()).map_err(fault)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use replay::ids::Origin;

    #[test]
    fn what_is_erased_while_the_file_is_cleaned_stays_to_be_cleaned() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let db = super::super::file::create(&path, &Origin::new("test").unwrap()).unwrap();
        for position in 1..=3 {
            let sql =
                "INSERT INTO personal (position, path, salt, value) VALUES (?1, 'text', zeroblob(32), 'x')";
            db.execute(sql, [position]).unwrap();
        }
        assert!(!erase(&db, 9, "text").unwrap() && due(&db).unwrap().is_none());
        assert!(erase(&db, 1, "text").unwrap() && erase(&db, 2, "text").unwrap());
        let begun = due(&db).unwrap().unwrap();
        let other = Connection::open(&path).unwrap();
        assert!(erase(&other, 3, "text").unwrap());
        scrub(&db, begun, Duration::ZERO).unwrap();
        assert_eq!((begun, due(&other).unwrap()), (2, Some(3)));
        clean(&other, Duration::ZERO).unwrap();
        assert!(!is_due(&db).unwrap() && !is_due(&other).unwrap());
        // Who was late cleans nothing back.
        scrub(&db, begun, Duration::ZERO).unwrap();
        assert!(!is_due(&db).unwrap());
    }
}
