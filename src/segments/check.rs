//! Checking segments against the log: every byte of every file, every row, every cell.

use serde::Serialize;
use std::{ops::ControlFlow, path::Path};

use super::{
    build::{changed, is_of},
    derive::derive,
    manifest::{Folder, Manifest},
    read::{columns, each_row},
    table::{Batch, Column, shown},
};
use crate::{
    error::{ErrorKind, Result},
    progress::Progress,
    store::{Store, sqlite::SqliteStore},
};

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct Checked {
    /// Name of the ledger.
    pub ledger: String,
    /// Events of the log.
    pub log: u64,
    /// Events that the segments cover from the first on.
    pub events: u64,
    /// Segments that are there, fitting or not.
    pub segments: u64,
    /// Whether nothing is wrong. Events that came after the last build are not.
    pub agrees: bool,
    /// What is wrong.
    pub findings: Vec<String>,
}

/// Derives everything again that the segments of a ledger say, and compares it.
///
/// # Errors
/// When it cannot be told: no segments, [`ErrorKind::Busy`], a disk that fails, an interruption.
pub fn check(ledger: &Path, folder: &Folder, shown: bool) -> Result<Checked> {
    let mut store = SqliteStore::open_read_only(ledger)?;
    let _held = folder.hold(false)?;
    let log = store.tip()?.position;
    let origin = store.origin().clone();
    let standing = folder.look(&origin)?;
    let mut findings: Vec<String> =
        standing.unfit.iter().map(|(name, why)| format!("{name}: {why}")).collect();
    let there = folder.manifests(&origin)?;
    let fit: Vec<&Manifest> = there.iter().filter_map(|(_, manifest)| manifest.as_ref().ok()).collect();
    let progress = Progress::new("check", fit.iter().map(|manifest| manifest.events()).sum(), shown);
    let mut done = 0;
    for manifest in fit {
        let found = one(&mut store, folder, manifest, log, &mut |more| {
            done += more;
            progress.reach(done)
        });
        match found {
            Ok(found) => findings.extend(found.map(|why| format!("{}: {why}", manifest.name()))),
            Err(why) if matches!(why.kind, ErrorKind::Unreadable | ErrorKind::BrokenLog) => {
                findings.push(why.to_string());
            }
            Err(why) => return Err(why),
        }
    }
    if findings.is_empty() && !standing.is_of(&mut store)? {
        findings.push("the tree of the segments is not that of the log".into());
    }
    progress.done();
    Ok(Checked {
        ledger: origin.to_string(),
        log,
        events: standing.last(),
        segments: there.len() as u64,
        agrees: findings.is_empty(),
        findings,
    })
}

/// The first thing that is wrong with one segment.
fn one(
    store: &mut SqliteStore,
    folder: &Folder,
    manifest: &Manifest,
    log: u64,
    reach: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<Option<String>> {
    if manifest.last > log {
        return Ok(Some(format!("the log ends at {log}")));
    }
    if let Some(why) = changed(folder, manifest)? {
        return Ok(Some(why));
    }
    each_row(folder, manifest, &mut |_| ControlFlow::Continue(()))?;
    if !is_of(store, manifest)? {
        return Ok(Some("its tree is not that of the log".into()));
    }
    let derived = derive(store, manifest.first, manifest.last, reach)?;
    for batch in [&derived.events, &derived.movements] {
        if let Some(why) = differs(folder, manifest, batch)? {
            return Ok(Some(why));
        }
    }
    Ok(None)
}

/// The first cell of a table that is not what the log says.
fn differs(folder: &Folder, manifest: &Manifest, due: &Batch) -> Result<Option<String>> {
    let places: Vec<usize> = (0..due.table.columns.len()).collect();
    let found = columns(folder, manifest, due.table, &places)?;
    if found.rows() != due.rows() {
        let (name, rows) = (due.table.name, found.rows());
        return Ok(Some(format!("its {name} have {rows} rows; the log gives {}", due.rows())));
    }
    for (place, (column, due_cells)) in due.table.columns.iter().zip(&due.cells).enumerate() {
        let cells = found.cells(place)?;
        if let Some(row) = cells.differs(due_cells) {
            let position = due.cells.first().and_then(|positions| positions.number(row)).unwrap_or_default();
            let said = |cells| said(column, cells, row);
            let Column { name, .. } = column;
            return Ok(Some(format!(
                "column {name} of its {} says {} at position {position}; the log says {}",
                due.table.name,
                said(&cells),
                said(due_cells)
            )));
        }
    }
    Ok(None)
}

fn said(column: &Column, cells: &super::table::Cells, row: usize) -> String {
    shown(column.form, cells.number(row), cells.bytes(row)).unwrap_or_else(|| "nothing".into())
}
