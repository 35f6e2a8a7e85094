//! A pool of connections to read with. Each answer sees one state of the ledger; writers hold nobody up, and nobody
//! holds up the writer.

use std::{
    path::{Path, PathBuf},
    sync::Mutex,
};

use crate::{error::Result, store::sqlite::SqliteStore};

/// Connections that were opened and wait for work. How many are in use is bounded by who may read at once.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<SqliteStore>>,
}

impl Readers {
    /// A pool on a ledger; the first connection is opened at once, so that what is wrong is said at the start.
    ///
    /// # Errors
    /// As [`SqliteStore::open_read_only`].
    pub fn new(path: &Path) -> Result<Self> {
        let first = SqliteStore::open_read_only(path)?;
        Ok(Self { path: path.into(), idle: Mutex::new(vec![first]) })
    }
    /// Reads in one state of the ledger.
    ///
    /// # Errors
    /// Storage errors, and what `read` says.
    pub fn read<T>(&self, read: impl FnOnce(&mut SqliteStore) -> Result<T>) -> Result<T> {
        self.lend(|store| {
            store.begin_read()?;
            let answer = read(store);
            store.end_read();
            answer
        })
    }
    /// Lends a connection to whoever holds its state of the ledger by itself.
    ///
    /// # Errors
    /// Storage errors, and what `read` says.
    pub fn lend<T>(&self, read: impl FnOnce(&mut SqliteStore) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
        let mut store = match idle {
            Some(store) => store,
            None => SqliteStore::open_read_only(&self.path)?,
        };
        let answer = read(&mut store);
        self.idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(store);
        answer
    }
}
