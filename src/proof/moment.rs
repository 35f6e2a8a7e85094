//! One moment of a ledger in use, seen through several connections.

use crate::{
    error::{Error, ErrorKind, Result},
    store::{
        Store, Tip,
        sqlite::{InterruptHandle, SqliteStore},
    },
};

/// How often all connections try to begin at the same moment while others write.
const TRIES_MAX: usize = 1_000;
/// Page cache of a connection beside the first, in KiB.
const CACHE_BESIDE_KIB: u32 = 8_192;

/// Connections that see the same state of one file.
pub(super) struct Moment<'a> {
    /// The one that was there.
    pub reader: &'a mut SqliteStore,
    /// Those beside it, one for each thread that reads.
    pub beside: Vec<SqliteStore>,
    /// The end of the log at that moment.
    pub tip: Tip,
}

impl<'a> Moment<'a> {
    /// Begins to read through `reader` and through so many connections more.
    ///
    /// # Errors
    /// Storage errors; when others write so fast that no moment can be held.
    pub fn begin(reader: &'a mut SqliteStore, beside: usize) -> Result<Self> {
        let path = reader.path().to_owned();
        let open =
            |_| SqliteStore::open_read_only(&path).and_then(|store| store.with_cache(CACHE_BESIDE_KIB));
        let mut beside = (0..beside).map(open).collect::<Result<Vec<_>>>()?;
        for _ in 0..TRIES_MAX {
            reader.begin_read()?;
            // Everything that changes the books appends an event as well, so that one tip is one state of both.
            let tip = reader.tip();
            let same = tip.as_ref().map_or(Ok(false), |tip| begin_at(&mut beside, tip));
            match (tip, same) {
                (Ok(tip), Ok(true)) => return Ok(Self { reader, beside, tip }),
                (tip, same) => {
                    reader.end_read();
                    beside.iter_mut().for_each(SqliteStore::end_read);
                    tip.and(same)?;
                }
            }
        }
        Err(Error::new(
            ErrorKind::Busy,
            "ledger_is_busy",
            "others write too fast to hold one moment of the ledger",
        )
        .hint("try again when fewer are writing"))
    }
    /// What stops every connection in what it is doing.
    pub fn interrupts(&self) -> Vec<InterruptHandle> {
        self.beside.iter().map(SqliteStore::interrupt_handle).collect()
    }
}

/// Whether all of them have begun where the log ends like this.
fn begin_at(stores: &mut [SqliteStore], tip: &Tip) -> Result<bool> {
    for store in stores {
        store.begin_read()?;
        if store.tip()? != *tip {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Drop for Moment<'_> {
    fn drop(&mut self) {
        self.reader.end_read();
    }
}
