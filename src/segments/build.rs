//! Building segments: what is there and fits is kept, everything else is made from the log.

use replay::{ids::Origin, merkle::Hash};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    fs,
    ops::ControlFlow,
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
};

use super::{
    FORMAT_VERSION,
    derive::{Derived, Deriver},
    file,
    manifest::{Folder, Manifest, code, subtrees},
};
use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
    store::{Span, Store, sqlite::SqliteStore},
    whole,
};

/// Most segments that are worked on at once: each takes some 200 MB of memory.
const WORKERS_MAX: usize = 8;

/// The name of a segment, and why it was made again.
pub type Remade = (String, String);

/// What a build came to.
#[derive(Debug, Serialize)]
pub struct Built {
    /// Name of the ledger.
    pub ledger: String,
    /// Events that the segments cover: all of the log as it stood when the build began.
    pub events: u64,
    /// Segments there are.
    pub segments: u64,
    /// Segments that were made now.
    pub built: u64,
    /// Why segments that were there were made again, by name; one that has only grown is not among them.
    pub remade: Vec<Remade>,
    /// Bytes of all files of the segments.
    pub bytes: u64,
    /// Bytes that the values of the rows have in the log.
    pub row_bytes: u64,
    /// `bytes` of `row_bytes`, in thousandths, rounded up.
    pub per_mille: u64,
}

/// Makes the segments of a ledger as it stands.
///
/// # Errors
/// [`ErrorKind::Busy`] while others read or build them, [`ErrorKind::BrokenLog`], a disk that is full, an interruption: the
/// segments that are complete by then stay, and nothing half done.
pub fn build(ledger: &Path, folder: &Folder, shown: bool) -> Result<Built> {
    let mut store = SqliteStore::open_read_only(ledger)?;
    let tip = store.tip()?.position;
    let origin = store.origin().clone();
    let _alone = folder.hold(true)?;
    for (_, path, _) in folder.files()?.iter().filter(|(_, _, partial)| *partial) {
        fs::remove_file(path).map_err(|why| Error::io(path, &why))?;
    }
    let (kept, remade) = keep(&mut store, folder, &origin, tip)?;
    let due: Vec<u64> = (0..tip.div_ceil(folder.span()))
        .map(|n| n * folder.span() + 1)
        .filter(|first| !kept.iter().any(|manifest| manifest.first == *first))
        .collect();
    let last_of = |first: u64| tip.min(first + folder.span() - 1);
    let events = due.iter().map(|first| last_of(*first) + 1 - first).sum();
    let progress = Progress::new("segments", events, shown);
    let (done, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let one = |store: &mut SqliteStore, deriver: &mut Deriver, first: u64| -> Result<Manifest> {
        let reach = &mut |more| progress.reach(done.fetch_add(more, Ordering::Relaxed) + more);
        store.begin_read()?;
        let derived = deriver.range(store, first, last_of(first), reach);
        store.end_read();
        write(folder, &origin, derived?)
    };
    // Neighbours go to one worker, which then knows the cases that go on from one to the next.
    let work = &|firsts: &[u64]| -> Result<Vec<Manifest>> {
        let (mut store, mut deriver) = (SqliteStore::open_read_only(ledger)?, Deriver::default());
        let mut made = Vec::new();
        for first in firsts {
            if failed.load(Ordering::Relaxed) {
                break;
            }
            let manifest = one(&mut store, &mut deriver, *first);
            failed.fetch_or(manifest.is_err(), Ordering::Relaxed);
            made.push(manifest?);
        }
        Ok(made)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let made: Vec<Manifest> = thread::scope(|scope| {
        let parts = due.chunks(due.len().div_ceil(workers).max(1));
        let threads: Vec<_> = parts.map(|firsts| scope.spawn(move || work(firsts))).collect();
        let made = threads.into_iter().map(|thread| match thread.join() {
            Ok(made) => made,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        made.collect::<Result<Vec<_>>>()
    })?
    .concat();
    progress.done();
    let all = || kept.iter().chain(&made);
    let row_bytes = all().map(|manifest| manifest.row_bytes).sum();
    let bytes = folder.bytes()?;
    Ok(Built {
        ledger: origin.to_string(),
        events: tip,
        segments: all().count() as u64,
        built: made.len() as u64,
        remade,
        bytes,
        row_bytes,
        per_mille: (bytes * 1_000).div_ceil(row_bytes.max(1)),
    })
}

/// Segments that fit and are complete, and why others are not kept. Takes away what covers nothing of the log.
fn keep(
    store: &mut SqliteStore,
    folder: &Folder,
    origin: &Origin,
    tip: u64,
) -> Result<(Vec<Manifest>, Vec<Remade>)> {
    let (mut kept, mut remade) = (Vec::new(), Vec::new());
    // One tree for all of them, if they are all there: else each is compared with the leaves of the log.
    let standing = folder.look(origin)?;
    let proved = standing.unfit.is_empty() && standing.last() <= tip && standing.is_of(store)?;
    for (first, manifest) in folder.manifests(origin)? {
        let due = tip.min(first.saturating_add(folder.span() - 1));
        let why = match manifest {
            Err(why) => why,
            Ok(manifest) if manifest.last > tip => format!("the log ends at {tip}"),
            // It has grown.
            Ok(manifest) if manifest.last < due => continue,
            Ok(manifest) => match changed(folder, &manifest)? {
                Some(why) => why,
                None if !proved && !is_of(store, &manifest)? => "its tree is not that of the log".into(),
                None => {
                    kept.push(manifest);
                    continue;
                }
            },
        };
        remade.push((folder.manifest_name(first), why));
    }
    let starts: BTreeSet<u64> = (0..tip.div_ceil(folder.span())).map(|n| n * folder.span() + 1).collect();
    for (first, path, _) in folder.files()? {
        if !starts.contains(&first) {
            fs::remove_file(&path).map_err(|why| Error::io(&path, &why))?;
        }
    }
    Ok((kept, remade))
}

/// Which file of a segment is not what was written.
pub(super) fn changed(folder: &Folder, manifest: &Manifest) -> Result<Option<String>> {
    for of in &manifest.files {
        let path = folder.path(&of.table, manifest.first);
        let bytes = fs::read(&path).map_err(|why| Error::io(&path, &why))?;
        if !file::is_whole(&bytes, of) {
            return Ok(Some(format!("its {} are not what was written", of.table)));
        }
    }
    Ok(None)
}

/// Whether the leaves of the log in the range of a segment are those of the segment.
pub(super) fn is_of<S: Store>(store: &mut S, manifest: &Manifest) -> Result<bool> {
    let mut tree = replay::merkle::Frontier::new();
    store.scan(Span { first: manifest.first, last: manifest.last }, &mut |row| {
        tree.push(Hash(row.leaf));
        ControlFlow::Continue(())
    })?;
    Ok(tree.size() == manifest.events() && subtrees(&tree) == manifest.subtrees)
}

/// Writes a segment: its files, and then the manifest that makes it one.
fn write(folder: &Folder, origin: &Origin, derived: Derived) -> Result<Manifest> {
    let mut files = Vec::new();
    for batch in [derived.events, derived.movements] {
        let (bytes, of) = file::lay(batch)?;
        whole::again(&folder.path(&of.table, derived.first), &bytes)?;
        files.push(of);
    }
    let manifest = Manifest {
        ledger: origin.to_string(),
        format: FORMAT_VERSION,
        code: code(),
        span: folder.span(),
        first: derived.first,
        last: derived.last,
        root: derived.tree.root(),
        subtrees: subtrees(&derived.tree),
        row_bytes: derived.row_bytes,
        files,
    };
    folder.seal(&manifest)?;
    Ok(manifest)
}

/// Throws all segments away. Says how many files there were.
///
/// # Errors
/// [`ErrorKind::Busy`] while others use them, a folder that is none of segments.
pub fn drop_all(folder: &Folder) -> Result<u64> {
    if folder.dir().symlink_metadata().is_err() {
        return Err(Error::new(ErrorKind::NotFound, "no_segments", "there are no segments here")
            .at(folder.dir().display())
            .hint("nothing has to be dropped"));
    }
    // Asked as a reader first: a folder without our lock is not ours to clear.
    drop(folder.hold(false)?);
    let _alone = folder.hold(true)?;
    folder.clear()
}
