//! A copy of a ledger's file as it stands at one moment, while others go on reading and writing it.

use rusqlite::{
    Connection, OpenFlags,
    backup::{Backup, StepResult},
};
use std::{path::Path, time::Duration};

use super::{BUSY_TIMEOUT_MS, count, fault};
use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
};

/// Pages that are copied between two looks at the progress and at who wants to stop (4 KiB pages: 4 MiB).
const STEP_PAGES: i32 = 1_024;
/// How often a page that somebody holds is asked for again.
const TRIES_MAX: u64 = 100;

/// Pages of the file as this connection sees it, and the size of a page in bytes.
pub(super) fn pages(db: &Connection) -> Result<(u64, u64)> {
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get(0)).map(count).map_err(fault);
    Ok((pragma("page_count")?, pragma("page_size")?))
}

/// Copies everything into an empty file. Inside a read transaction of `db` the copy is that moment of the ledger, no
/// matter what is written meanwhile; without one SQLite would begin anew with every commit of others.
pub(super) fn into(db: &Connection, path: &Path, progress: &Progress) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut copy = Connection::open_with_flags(path, flags).map_err(fault)?;
    copy.execute_batch("PRAGMA synchronous = FULL").map_err(fault)?;
    {
        let backup = Backup::new(db, &mut copy).map_err(fault)?;
        let mut tries = 0;
        loop {
            match backup.step(STEP_PAGES).map_err(fault)? {
                StepResult::Done => break,
                StepResult::More => tries = 0,
                _ if tries < TRIES_MAX => {
                    tries += 1;
                    std::thread::sleep(Duration::from_millis(BUSY_TIMEOUT_MS / TRIES_MAX));
                }
                _ => {
                    let text = "another program held the ledger while it was copied";
                    return Err(Error::new(ErrorKind::Busy, "ledger_is_busy", text)
                        .hint("try again when it has ended"));
                }
            }
            let now = backup.progress();
            let copied = now.pagecount.saturating_sub(now.remaining);
            progress.reach(u64::try_from(copied).unwrap_or(0))?;
        }
    }
    copy.close().map_err(|(_, why)| fault(why))
}
