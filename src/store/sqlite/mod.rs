//! The log and the books in one SQLite file.

mod books;
mod clean;
mod copy;
mod file;
mod find;
mod served;
mod whole;

pub use file::{APPLICATION_ID, FILE_VERSION};
pub use rusqlite::InterruptHandle;
pub use served::{RowName, ServedClaim, ServedRow, alone, refusal_name};
pub use whole::{Ends, IndexSums};

use replay::{
    books::{Books, ClaimRows, RefusalRow},
    codec::{OwnedRow, Row},
    event::Kind,
    ids::{Origin, Stream},
    merkle::Frontier,
    seal::{PersonalRow, Sealed},
};
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Key, OnRow, Span, Store, Tip};
use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
};

/// How long a writer waits for another program's write transaction, in milliseconds.
pub const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Pages of the write-ahead log after which SQLite folds it into the file (4 KiB pages: 16 MiB).
pub const WAL_AUTOCHECKPOINT_PAGES: u32 = 4_000;
/// Bytes of the write-ahead log that stay when it begins anew; a rebuild makes it as large as the books for a while.
pub const WAL_BYTES_KEPT: u32 = 67_108_864;
/// Page cache of one connection, in KiB.
pub const CACHE_KIB: u32 = 65_536;
/// Prepared statements that a connection keeps.
const STATEMENTS_CACHED: usize = 64;

/// A ledger in a SQLite file, through one connection.
#[derive(Debug)]
pub struct SqliteStore {
    db: Connection,
    path: PathBuf,
    origin: Origin,
}

/// Turns what SQLite says into what a person can act on.
pub(crate) fn fault(why: rusqlite::Error) -> Error {
    use rusqlite::ErrorCode;
    let text = why.to_string();
    let Some(code) = why.sqlite_error_code() else {
        return Error::new(ErrorKind::Storage, "storage", text);
    };
    let (kind, name, message, hint) = match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => (
            ErrorKind::Busy,
            "ledger_is_busy",
            "another program is writing to this ledger",
            "wait for it to end and try again; nothing was recorded",
        ),
        ErrorCode::DiskFull => (
            ErrorKind::Storage,
            "disk_is_full",
            "the disk is full",
            "make room and try again; nothing of this was recorded",
        ),
        ErrorCode::ReadOnly => (
            ErrorKind::Storage,
            "ledger_is_read_only",
            "the ledger cannot be written",
            "check the rights of the file, its folder and its disk",
        ),
        ErrorCode::CannotOpen => (
            ErrorKind::Storage,
            "ledger_cannot_be_opened",
            "the ledger cannot be opened",
            "check the path, the rights of the file and its folder, and whether the disk is read-only",
        ),
        ErrorCode::SystemIoFailure => (
            ErrorKind::Storage,
            "disk_fails",
            "the disk cannot be read or written",
            "check its room and its health; what was not acknowledged was not recorded",
        ),
        ErrorCode::NotADatabase => (
            ErrorKind::NotALedger,
            "not_a_ledger",
            "this file is no ledger",
            "claims init FILE makes a new one",
        ),
        ErrorCode::DatabaseCorrupt => (
            ErrorKind::BrokenLog,
            "file_is_damaged",
            "the ledger file is damaged",
            "restore a backup of the file, or an export (claims import events)",
        ),
        _ => return Error::new(ErrorKind::Storage, "storage", text),
    };
    Error::new(kind, name, message).hint(hint).details(vec![format!("SQLite says: {text}")])
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
fn count(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

impl SqliteStore {
    /// Makes a new ledger. The file must not exist.
    ///
    /// # Errors
    /// When there is a file already, or it cannot be written.
    pub fn create(path: &Path, origin: &Origin) -> Result<Self> {
        let db = file::create(path, origin)?;
        Ok(Self { db, path: path.into(), origin: origin.clone() })
    }
    /// Opens a ledger for reading and writing.
    ///
    /// # Errors
    /// When the file is no ledger, is newer than this program, or cannot be written.
    pub fn open(path: &Path) -> Result<Self> {
        let (db, origin) = file::open(path, false)?;
        clean::again(&db);
        Ok(Self { db, path: path.into(), origin })
    }
    /// Opens a ledger for reading; nothing can be written through it.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_read_only(path: &Path) -> Result<Self> {
        let (db, origin) = file::open(path, true)?;
        Ok(Self { db, path: path.into(), origin })
    }
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// Holds one state of the file for several reads.
    ///
    /// # Errors
    /// Storage errors.
    pub fn begin_read(&mut self) -> Result<()> {
        self.db.execute_batch("BEGIN DEFERRED").map_err(fault)
    }
    /// Lets go of the state held by [`SqliteStore::begin_read`].
    pub fn end_read(&mut self) {
        let _ = self.db.execute_batch("ROLLBACK");
    }
    /// With another page cache than [`CACHE_KIB`].
    ///
    /// # Errors
    /// Storage errors.
    pub fn with_cache(self, kib: u32) -> Result<Self> {
        self.db.execute_batch(&format!("PRAGMA cache_size = -{kib}")).map_err(fault)?;
        Ok(self)
    }
    /// What stops this connection in what it is doing, from another thread.
    pub fn interrupt_handle(&self) -> InterruptHandle {
        self.db.get_interrupt_handle()
    }
    /// Folds the write-ahead log into the file as far as nobody reads an older state, without making anybody wait. Who
    /// writes next then begins the log anew and cuts it to [`WAL_BYTES_KEPT`].
    ///
    /// # Errors
    /// Storage errors.
    pub fn fold_in(&mut self) -> Result<()> {
        self.db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(fault)
    }
    /// Pages of the ledger as it is read now, and bytes of a page.
    ///
    /// # Errors
    /// Storage errors.
    pub fn pages(&self) -> Result<(u64, u64)> {
        copy::pages(&self.db)
    }
    /// Copies the ledger into an empty file: between [`SqliteStore::begin_read`] and [`SqliteStore::end_read`] as it
    /// stood at the first read, whatever others write. The progress counts pages.
    ///
    /// # Errors
    /// Storage errors, an interruption.
    pub fn copy_into(&self, path: &Path, progress: &Progress) -> Result<()> {
        copy::into(&self.db, path, progress).map_err(|why| why.at(path.display()))
    }
    fn rows(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<OwnedRow>> {
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params).map_err(fault)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            all.push(owned(row).map_err(fault)?);
        }
        Ok(all)
    }
}

/// The columns of an event, as part of a statement's text.
macro_rules! columns {
    () => {
        "position, stream, revision, event_id, kind, recorded_at, body, leaf"
    };
}

const COLUMNS: &str = columns!();

fn owned(row: &rusqlite::Row<'_>) -> rusqlite::Result<OwnedRow> {
    Ok(OwnedRow {
        position: count(row.get(0)?),
        stream: row.get(1)?,
        revision: count(row.get(2)?),
        event_id: row.get(3)?,
        kind: row.get(4)?,
        recorded_at: row.get(5)?,
        body: row.get(6)?,
        leaf: row.get(7)?,
    })
}

impl Store for SqliteStore {
    fn origin(&self) -> &Origin {
        &self.origin
    }
    fn another(&self) -> Result<Option<Self>> {
        let (db, origin) = file::open(&self.path, false)?;
        Ok(Some(Self { db, path: self.path.clone(), origin }))
    }
    fn tip(&mut self) -> Result<Tip> {
        let mut statement =
            self.db.prepare_cached("SELECT position, recorded_at, frontier FROM tip").map_err(fault)?;
        let (position, recorded_at, frontier): (i64, i64, Vec<u8>) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(fault)?;
        let broken = |why: String| {
            Error::new(ErrorKind::BrokenLog, "tip_is_broken", why)
                .hint("claims audit shows how far the log can be read")
        };
        let frontier =
            Frontier::from_bytes(&frontier).map_err(|why| broken(format!("the stored tree: {why}")))?;
        if frontier.size() != count(position) {
            return Err(broken(format!(
                "the stored tree has {} leaves at position {position}",
                frontier.size()
            )));
        }
        Ok(Tip { position: count(position), recorded_at, frontier })
    }
    fn begin(&mut self) -> Result<()> {
        self.db.prepare_cached("BEGIN IMMEDIATE").and_then(|mut s| s.execute([])).map(|_| ()).map_err(fault)
    }
    fn commit(&mut self) -> Result<()> {
        self.db.prepare_cached("COMMIT").and_then(|mut s| s.execute([])).map(|_| ()).map_err(fault)
    }
    fn rollback(&mut self) {
        // After some errors SQLite has rolled back by itself; then there is nothing left to do.
        let _ = self.db.execute_batch("ROLLBACK");
    }
    fn history(&mut self, stream: &Stream) -> Result<Vec<OwnedRow>> {
        let sql = concat!("SELECT ", columns!(), " FROM events WHERE stream = ?1 ORDER BY revision");
        self.rows(sql, [stream.to_string()])
    }
    fn registry(&mut self) -> Result<Vec<OwnedRow>> {
        let (refused, rebuilt) = (Kind::AppendRefused.as_str(), Kind::ProjectionRebuilt.as_str());
        // Literals, so that SQLite recognises the partial index.
        let sql = format!(
            "SELECT {COLUMNS} FROM events WHERE stream = 'ledger' AND kind NOT IN ('{refused}', '{rebuilt}') ORDER BY position"
        );
        self.rows(&sql, [])
    }
    fn revision(&mut self, stream: &Stream) -> Result<u64> {
        let sql = "SELECT revision FROM events WHERE stream = ?1 ORDER BY revision DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let found = statement.query_row([stream.to_string()], |row| row.get::<_, i64>(0)).optional();
        found.map(|r| r.map_or(0, count)).map_err(fault)
    }
    fn claims_of(&mut self, order: &str) -> Result<Vec<String>> {
        let sql = "SELECT claim FROM claim_orders WHERE order_id = ?1 ORDER BY claim";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let found = statement.query_map([order], |row| row.get(0)).map_err(fault)?;
        found.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    fn find(&mut self, key: &Key) -> Result<Option<u64>> {
        let sql = "SELECT position FROM keys WHERE source = ?1 AND kind = ?2 AND external_id = ?3";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let params = params![key.source, key.kind, key.external_id];
        let found = statement.query_row(params, |row| row.get::<_, i64>(0)).optional();
        found.map(|p| p.map(count)).map_err(fault)
    }
    fn find_event(&mut self, event_id: [u8; 16]) -> Result<Option<u64>> {
        let mut statement =
            self.db.prepare_cached("SELECT position FROM events WHERE event_id = ?1").map_err(fault)?;
        let found = statement.query_row(params![event_id.as_slice()], |row| row.get::<_, i64>(0)).optional();
        found.map(|p| p.map(count)).map_err(fault)
    }
    fn row(&mut self, position: u64) -> Result<Option<OwnedRow>> {
        let sql = concat!("SELECT ", columns!(), " FROM events WHERE position = ?1");
        Ok(self.rows(sql, [number(position)])?.pop())
    }
    fn scan(&mut self, span: Span, on_row: OnRow<'_>) -> Result<()> {
        let sql =
            concat!("SELECT ", columns!(), " FROM events WHERE position BETWEEN ?1 AND ?2 ORDER BY position");
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let mut rows = statement.query(params![number(span.first), number(span.last)]).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            if on_row(&borrowed(row)?).is_break() {
                break;
            }
        }
        Ok(())
    }
    fn personal(&mut self, position: u64) -> Result<Vec<PersonalRow>> {
        let sql = "SELECT path, salt, value FROM personal WHERE position = ?1 ORDER BY path";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let found = statement
            .query_map([number(position)], |row| {
                Ok(PersonalRow { path: row.get(0)?, salt: row.get(1)?, value: row.get(2)? })
            })
            .map_err(fault)?;
        found.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    fn erase(&mut self, position: u64, path: &str) -> Result<bool> {
        clean::erase(&self.db, position, path)
    }
    fn is_unclean(&mut self) -> Result<bool> {
        clean::is_due(&self.db)
    }
    fn clean(&mut self, wait: Duration) -> Result<()> {
        clean::clean(&self.db, wait)
    }

    fn append(&mut self, sealed: &Sealed, key: Option<&Key>, order: Option<&str>) -> Result<()> {
        let row = &sealed.row;
        let position = number(row.position);
        let sql = concat!("INSERT INTO events (", columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        let mut insert = self.db.prepare_cached(sql).map_err(fault)?;
        insert
            .execute(params![
                position,
                row.stream,
                number(row.revision),
                row.event_id.as_slice(),
                row.kind,
                row.recorded_at,
                row.body,
                row.leaf.as_slice()
            ])
            .map_err(fault)?;
        if let Some(key) = key {
            let sql = "INSERT INTO keys (source, kind, external_id, position) VALUES (?1, ?2, ?3, ?4)";
            let mut insert = self.db.prepare_cached(sql).map_err(fault)?;
            insert.execute(params![key.source, key.kind, key.external_id, position]).map_err(fault)?;
        }
        if let (Some(order), Stream::Claim(claim)) = (order, &sealed.recorded.envelope.stream) {
            let sql = "INSERT INTO claim_orders (order_id, claim) VALUES (?1, ?2)";
            let mut insert = self.db.prepare_cached(sql).map_err(fault)?;
            insert.execute(params![order, claim.as_str()]).map_err(fault)?;
        }
        for value in &sealed.personal {
            let sql = "INSERT INTO personal (position, path, salt, value) VALUES (?1, ?2, ?3, ?4)";
            let mut insert = self.db.prepare_cached(sql).map_err(fault)?;
            insert
                .execute(params![position, value.path, value.salt.as_slice(), value.value])
                .map_err(fault)?;
        }
        Ok(())
    }
    fn set_tip(&mut self, tip: &Tip) -> Result<()> {
        let sql = "UPDATE tip SET position = ?1, recorded_at = ?2, frontier = ?3 WHERE one = 1";
        let mut update = self.db.prepare_cached(sql).map_err(fault)?;
        update
            .execute(params![number(tip.position), tip.recorded_at, tip.frontier.to_bytes()])
            .map_err(fault)?;
        Ok(())
    }
    fn post(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) -> Result<()> {
        books::post(&self.db, "", before, after)
    }
    fn refuse(&mut self, row: &RefusalRow) -> Result<()> {
        books::refuse(&self.db, "", row)
    }
    fn books(&mut self) -> Result<Books> {
        books::read(&self.db, "")
    }
}

/// A row of the log without copying it. A column of the wrong type is damage, not a panic.
fn borrowed<'a>(row: &'a rusqlite::Row<'_>) -> Result<Row<'a>> {
    let damaged = |why: rusqlite::types::FromSqlError| {
        Error::new(ErrorKind::BrokenLog, "row_is_damaged", format!("a row of the log cannot be read: {why}"))
    };
    let bytes = |index: usize| row.get_ref(index).map_err(fault)?.as_blob().map_err(damaged);
    let text = |index: usize| row.get_ref(index).map_err(fault)?.as_str().map_err(damaged);
    let integer = |index: usize| row.get_ref(index).map_err(fault)?.as_i64().map_err(damaged);
    let short = |index: usize| {
        Error::new(
            ErrorKind::BrokenLog,
            "row_is_damaged",
            format!("column {index} of a row of the log has a wrong length"),
        )
    };
    Ok(Row {
        position: count(integer(0)?),
        stream: text(1)?,
        revision: count(integer(2)?),
        event_id: bytes(3)?.try_into().map_err(|_| short(3))?,
        kind: text(4)?,
        recorded_at: integer(5)?,
        body: bytes(6)?,
        leaf: bytes(7)?.try_into().map_err(|_| short(7))?,
    })
}
