//! The file: what it says it is, who may open it, and with which settings.

use replay::{ids::Origin, merkle::Frontier};
use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, params};
use std::path::{Path, PathBuf};

use super::{
    BUSY_TIMEOUT_MS, CACHE_KIB, STATEMENTS_CACHED, WAL_AUTOCHECKPOINT_PAGES, WAL_BYTES_KEPT, books, fault,
};
use crate::error::{Error, ErrorKind, Result};

/// "CLMS" in the header of the file, so that `file(1)` and other programs know what it is.
pub const APPLICATION_ID: i32 = 0x434C_4D53;
/// Version of the file's tables. A program refuses a file that is newer than itself.
pub const FILE_VERSION: i32 = 1;
/// Oldest SQLite that is safe with a write-ahead log (3.51.3 fixed a corruption when the log was reset).
const SQLITE_VERSION_MIN: i32 = 3_051_003;

fn check_sqlite() -> Result<()> {
    let version = rusqlite::version_number();
    if version < SQLITE_VERSION_MIN {
        let text = format!(
            "this program was built with SQLite {}, 3.51.3 is the oldest allowed",
            rusqlite::version()
        );
        return Err(
            Error::new(ErrorKind::Internal, "sqlite_is_too_old", text).hint("build with the bundled SQLite")
        );
    }
    Ok(())
}

pub(super) fn create(path: &Path, origin: &Origin) -> Result<Connection> {
    check_sqlite()?;
    if path.exists() {
        let text = "there is a file already";
        return Err(Error::new(ErrorKind::Refused, "file_exists", text)
            .at(path.display())
            .hint("choose another name; an existing ledger needs no init"));
    }
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty() && !folder.is_dir()) {
        return Err(Error::not_found("there is no such folder")
            .at(folder.display())
            .hint("make the folder first"));
    }
    let made = make(path, origin);
    if made.is_err() {
        // What was only half made is of no use to anybody, and it was not there before.
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let _ = std::fs::remove_file(name);
        }
    }
    made.map_err(|why| why.at(path.display()))
}

/// Makes the tables of a ledger: the log and the books.
pub(super) fn make_tables(db: &Connection) -> Result<()> {
    db.execute_batch(include_str!("log.sql")).map_err(fault)?;
    books::create(db, "")
}

fn make(path: &Path, origin: &Origin) -> Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags).map_err(fault)?;
    restrict(path)?;
    settings(&db, false)?;
    db.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
    make_tables(&db)?;
    db.execute("INSERT INTO ledger (one, origin) VALUES (1, ?1)", [origin.as_str()]).map_err(fault)?;
    let tip = "INSERT INTO tip (one, position, recorded_at, frontier) VALUES (1, 0, 0, ?1)";
    db.execute(tip, params![Frontier::new().to_bytes()]).map_err(fault)?;
    db.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
    db.pragma_update(None, "user_version", FILE_VERSION).map_err(fault)?;
    db.execute_batch("COMMIT").map_err(fault)?;
    Ok(db)
}

/// Only the owner reads and writes a new ledger: it holds customers' data.
#[cfg(unix)]
fn restrict(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|why| Error::io(path, &why))
}
#[cfg(not(unix))]
fn restrict(_: &Path) -> Result<()> {
    Ok(())
}

pub(super) fn open(path: &Path, read_only: bool) -> Result<(Connection, Origin)> {
    check_sqlite()?;
    open_checked(path, read_only).map_err(|why| why.at(path.display()))
}

fn open_checked(path: &Path, read_only: bool) -> Result<(Connection, Origin)> {
    if !path.exists() {
        return Err(Error::not_found("there is no such file").hint("claims init FILE makes a new ledger"));
    }
    if path.is_dir() {
        return Err(Error::new(ErrorKind::NotALedger, "not_a_ledger", "this is a folder, no ledger")
            .hint("name the file inside it"));
    }
    let db = connect(path, read_only)?;
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = pragma("application_id").map_err(fault)?;
    let version = pragma("user_version").map_err(fault)?;
    if application != APPLICATION_ID {
        let is_empty = path.metadata().is_ok_and(|data| data.len() == 0);
        let text = if is_empty { "the file is empty" } else { "this is a SQLite file, but no ledger" };
        return Err(Error::new(ErrorKind::NotALedger, "not_a_ledger", text)
            .hint("check the path; claims init FILE makes a new ledger"));
    }
    if version > FILE_VERSION {
        let text = format!("the ledger has file version {version}, this program knows up to {FILE_VERSION}");
        return Err(Error::new(ErrorKind::NotALedger, "ledger_is_newer", text)
            .hint("use the newer program that wrote it; nothing was changed"));
    }
    settings(&db, read_only)?;
    let origin: String = db.query_row("SELECT origin FROM ledger", [], |row| row.get(0)).map_err(fault)?;
    let origin = Origin::new(origin).map_err(|why| {
        Error::new(ErrorKind::BrokenLog, "origin_is_broken", format!("the ledger's name: {why}"))
    })?;
    Ok((db, origin))
}

fn connect(path: &Path, read_only: bool) -> Result<Connection> {
    let open = |path: &Path, mode| Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    if !read_only {
        return open(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(fault);
    }
    let db = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(fault)?;
    let touched = db.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0));
    let Err(why) = touched else { return Ok(db) };
    let no_room_beside = matches!(
        why.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::SystemIoFailure)
    );
    if !no_room_beside || write_ahead_log_of(path).metadata().is_ok_and(|log| log.len() > 0) {
        return Ok(db);
    }
    // A reader, too, wants to write an index of the write-ahead log beside the file, and on a disk that is
    // read-only or full it cannot. Nothing is in that log, so the file alone is the ledger.
    let mode = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    open(&immutable(path), mode).map_err(fault)
}

fn write_ahead_log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// The file as a URI that tells SQLite to look at nothing beside it.
fn immutable(path: &Path) -> PathBuf {
    let mut uri = String::from("file:");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte))
            }
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri.into()
}

fn settings(db: &Connection, read_only: bool) -> Result<()> {
    db.busy_timeout(std::time::Duration::from_millis(BUSY_TIMEOUT_MS)).map_err(fault)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS_CACHED);
    // A statement keeps its plan whatever is bound to it. Without this SQLite prepares the look-up of a stream anew
    // each time, because its value might be the one of the partial index over the ledger stream.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(fault)?;
    db.execute_batch(&format!("PRAGMA trusted_schema = OFF; PRAGMA cache_size = -{CACHE_KIB};"))
        .map_err(fault)?;
    if read_only {
        return db.execute_batch("PRAGMA query_only = ON;").map_err(fault);
    }
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(fault)?;
    if mode != "wal" {
        let text = format!("the disk does not take a write-ahead log (SQLite chose '{mode}')");
        return Err(Error::new(ErrorKind::Storage, "no_write_ahead_log", text).hint("use a local disk"));
    }
    // FULL: a commit that was acknowledged survives a power cut.
    db.execute_batch(&format!(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = {WAL_AUTOCHECKPOINT_PAGES}; PRAGMA journal_size_limit = {WAL_BYTES_KEPT};"
    ))
    .map_err(fault)
}
