//! Backups: a copy of a ledger while it is in use, and a ledger out of a copy. Neither is there before it was audited,
//! and neither takes the place of another file.

use replay::{evidence::trust::Trust, merkle::Hash};
use serde::Serialize;
use std::path::Path;

use crate::{
    error::{Error, ErrorKind, Result},
    evidence::verify::{self, Kept, Verdict},
    progress::Progress,
    proof::{self, AuditReport},
    room,
    store::{Store, sqlite::SqliteStore},
    whole,
};

/// What a copy came to.
#[derive(Debug, Serialize)]
pub struct Copied {
    /// Name of the ledger.
    pub ledger: String,
    /// Events in the copy.
    pub events: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// Whether log and books of the copy agree. A copy that does not is kept all the same: it is as good as the ledger
    /// it was made of, and evidence.
    pub agrees: bool,
    /// What is wrong with it.
    pub findings: Vec<String>,
}

/// Copies a ledger as it stands at one moment into a new file, and audits the copy.
///
/// # Errors
/// Something under that name already, too little room, a disk that fails, an interruption: then there is no copy.
pub fn backup(store: &mut SqliteStore, to: &Path, shown: bool) -> Result<Copied> {
    store.begin_read()?;
    let made = file_of(store, to, shown, |store, draft| {
        let tip = store.tip()?;
        let report = audited(draft, shown)?;
        if (report.events, report.root) != (tip.position, tip.frontier.root()) && report.agrees {
            let text = "the copy is sound, and not of the ledger as it was read";
            return Err(
                Error::new(ErrorKind::Storage, "copy_differs", text).hint("look at the disk, and try again")
            );
        }
        copied(draft, report)
    });
    store.end_read();
    made
}

/// Makes a ledger out of a backup, in a new file: copied, audited and, when somebody kept signed heads, compared with
/// them, before it is there.
///
/// # Errors
/// As [`backup`]; a backup that is not what was signed.
pub fn restore(
    from: &Path,
    to: &Path,
    trust: Option<&Trust>,
    kept: &[Kept],
    shown: bool,
) -> Result<(Copied, Option<Verdict>)> {
    let mut store = SqliteStore::open_read_only(from)?;
    store.begin_read()?;
    let made = file_of(&mut store, to, shown, |_, draft| {
        let copy = copied(draft, audited(draft, shown)?)?;
        let verdict = trust.map(|trust| verify::ledger(draft, Some(trust), kept, shown)).transpose()?;
        let wrong = match &verdict {
            Some(verdict) if !verdict.agrees => &verdict.findings,
            _ if !copy.agrees => &copy.findings,
            _ => return Ok((copy, verdict)),
        };
        let text = "the backup is not sound; nothing was restored";
        Err(Error::new(ErrorKind::BrokenLog, "backup_is_not_sound", text)
            .at(from.display())
            .details(wrong.iter().take(10).cloned().collect())
            .hint("take an earlier backup; claims audit and claims verify say more about this one"))
    });
    store.end_read();
    made
}

/// Copies a ledger into a draft of a new file, and has it checked before it takes its name.
fn file_of<T>(
    store: &mut SqliteStore,
    to: &Path,
    shown: bool,
    check: impl FnOnce(&mut SqliteStore, &Path) -> Result<T>,
) -> Result<T> {
    let (pages, page) = store.pages()?;
    // From here on whoever stops the program leaves nothing behind.
    let progress = Progress::new("copy", pages, shown);
    whole::file(to, |draft| {
        room::asked_for("the copy", to, pages.saturating_mul(page))?;
        store.copy_into(draft, &progress)?;
        let checked = check(store, draft)?;
        // Asked a last time: who wanted it stopped finds no file.
        progress.reach(pages)?;
        progress.done();
        Ok(checked)
    })
}

/// Audits a copy through a connection of its own, which leaves nothing beside the file.
fn audited(draft: &Path, shown: bool) -> Result<AuditReport> {
    let mut copy = SqliteStore::open(draft)?;
    proof::audit(&mut copy, shown)
}

fn copied(draft: &Path, report: AuditReport) -> Result<Copied> {
    let bytes = std::fs::metadata(draft).map_err(|why| Error::io(draft, &why))?.len();
    let failed = report.checks.iter().filter(|check| !check.holds);
    let failed = failed.map(|check| format!("{}: {}", check.what, check.figure));
    let findings = report.findings.into_iter().chain(failed).collect();
    Ok(Copied {
        ledger: report.ledger,
        events: report.events,
        root: report.root,
        bytes,
        agrees: report.agrees,
        findings,
    })
}
