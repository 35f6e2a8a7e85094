//! The auditor's bundle: one folder with the whole log up to a signed head, and what it takes to check it offline.
//!
//! The log lies in it as others' tools read it (C2SP tlog-tiles: `checkpoint`, `tile/`); beside it are the heads that
//! were signed before, the policies, the schemas, the control totals, and a manifest with the hash of every file.

use std::{collections::BTreeMap, fs, ops::ControlFlow, path::Path};

use replay::{
    audit::Replay,
    books::Sums,
    canonical,
    codec::open,
    event::Event,
    evidence::{
        checkpoint::Checkpoint,
        note::Note,
        tiles::{File, Tiles},
    },
    history::Cut,
    merkle::{Hash, sha256},
};
use serde::{Deserialize, Serialize};

use super::verify::redacted;
use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
    store::{Span, Store, sqlite::SqliteStore},
    transfer,
    whole::{self, Readers, new_file},
};

/// What a manifest says it is.
pub const FORMAT: &str = "claims-bundle/v1";
/// Longest manifest that is read, in bytes.
pub const MANIFEST_BYTES_MAX: usize = 64_000_000;
/// Name of the manifest; it lists every other file.
pub const MANIFEST: &str = "manifest.json";
/// Name of the signed head.
pub const CHECKPOINT: &str = "checkpoint";
/// Name of the personal values, where they are given out.
pub const PERSONAL: &str = "personal.ndjson";

const README: &str = "\
This folder holds a claims ledger up to a signed head.

checkpoint      the signed head: name of the log, number of events, root hash, signatures
                (C2SP signed-note, tlog-checkpoint)
tile/           the hashes of the tree and the events themselves (C2SP tlog-tiles): every tool
                that reads such logs reads this one
checkpoints/    heads that were signed before and are on record in the log, by their size
policies/       the policies that were published, as the log has them
schemas/        what every event means
personal.ndjson personal values with the salts that open their commitments (only if given out)
manifest.json   SHA-256 of every file, and the control totals

Get the log's key by another way than this folder. Then, offline and without any ledger:

    claims verify FOLDER --trust TRUSTFILE

where TRUSTFILE says  log VKEY  and  quorum none  (or names witnesses: C2SP tlog-policy).
";

/// What stands in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// Name of the log.
    pub origin: String,
    /// Number of events.
    pub size: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// Version of the program that wrote it.
    pub code_version: String,
    /// Digest of the books that follow from these events.
    pub books_digest: Hash,
    /// Events per kind.
    pub kinds: BTreeMap<String, u64>,
    /// Sums per currency, in minor units.
    pub control_totals: BTreeMap<String, Totals>,
    /// SHA-256 of every file, by its path.
    pub files: BTreeMap<String, Hash>,
}

/// Sums of one currency, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the names are those of the refund totals")]
pub struct Totals {
    pub credits: u64,
    pub credited_minor: u64,
    pub reversed_minor: u64,
    pub failed_minor: u64,
}

impl From<Sums> for Totals {
    fn from(sums: Sums) -> Self {
        let Sums { credits, credited_minor, reversed_minor, failed_minor } = sums;
        Self { credits, credited_minor, reversed_minor, failed_minor }
    }
}

/// What was written.
#[derive(Debug, Serialize)]
pub struct Written {
    /// Events.
    pub events: u64,
    /// Files, without the manifest.
    pub files: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// RFC 6962 root over the events.
    pub root: Hash,
}

/// What of a ledger is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// The signed head, tiles and entries: what C2SP tlog-tiles asks for.
    Tiles,
    /// All that an auditor needs.
    Bundle {
        /// With the personal values.
        personal: bool,
    },
}

/// Writes the log up to a signed head into a new folder: all of it, or nothing.
///
/// # Errors
/// A folder that is there already, a head that is not of this log, a disk that fails, an interruption.
pub fn write(
    store: &mut SqliteStore,
    note: &Note,
    folder: &Path,
    extent: Extent,
    progress: &Progress,
) -> Result<Written> {
    whole::folder(folder, |draft| {
        Writer { root: draft, hashes: BTreeMap::new(), bytes: 0 }.all(store, note, extent, progress)
    })
}

struct Writer<'f> {
    root: &'f Path,
    hashes: BTreeMap<String, Hash>,
    bytes: u64,
}

impl Writer<'_> {
    fn all(
        mut self,
        store: &mut SqliteStore,
        note: &Note,
        extent: Extent,
        progress: &Progress,
    ) -> Result<Written> {
        let head = Checkpoint::of(note).map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
        let origin = store.origin().clone();
        if head.origin != origin.as_str() {
            let text = format!("the checkpoint is of {}, and this ledger is {origin}", head.origin);
            return Err(Error::new(ErrorKind::Usage, "checkpoint_of_another_log", text)
                .hint("give a checkpoint of this ledger: claims checkpoint list"));
        }
        // Commitments are counted only where values go along.
        let mut replay = Replay::new(Some(origin.clone()), Cut::default());
        if extent == (Extent::Bundle { personal: true }) {
            replay = replay.thorough();
        }
        let mut tiles = Tiles::new();
        let mut done = Ok(());
        if head.size > 0 {
            store.scan(Span { first: 1, last: head.size }, &mut |row| {
                replay.row(row);
                done = tiles
                    .push(row.body)
                    .ok_or_else(|| {
                        Error::new(ErrorKind::Internal, "entry_too_long", "an event is too long for a bundle")
                    })
                    .and_then(|files| files.into_iter().try_for_each(|file| self.file(file)))
                    .and_then(|()| match (&extent, row.kind) {
                        (Extent::Bundle { .. }, "policy_published") => self.policy(row),
                        _ => Ok(()),
                    })
                    .and_then(|()| progress.reach(row.position));
                if done.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        done?;
        tiles.finish().into_iter().try_for_each(|file| self.file(file))?;
        let outcome = replay.finish();
        if (outcome.events, outcome.root) != (head.size, head.root) {
            let text = format!(
                "the {} events that are stored have root {}, not {}",
                outcome.events, outcome.root, head.root
            );
            return Err(Error::new(ErrorKind::BrokenLog, "log_is_another", text).hint("run claims audit"));
        }
        if let Some(broken) = outcome.findings.first() {
            return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", broken.to_string())
                .hint("run claims audit"));
        }
        self.put(CHECKPOINT, note.to_string().as_bytes())?;
        if let Extent::Bundle { personal } = extent {
            for (_, note) in &outcome.checkpoints {
                let size = note.split('\n').nth(1).unwrap_or_default();
                self.put(&format!("checkpoints/{size}"), note.as_bytes())?;
            }
            for (name, text) in crate::schema::list() {
                self.put(&format!("schemas/{name}.json"), text.as_bytes())?;
            }
            self.put("README.txt", README.as_bytes())?;
            if personal {
                let mut values = Vec::new();
                let given = transfer::export_personal_through(store, head.size, &mut values)?;
                let gone = u64::try_from(redacted(&outcome).len()).unwrap_or(u64::MAX);
                let due = u64::try_from(outcome.commitments.len()).unwrap_or(u64::MAX);
                if given.saturating_add(gone) < due {
                    let text = "personal values were erased after this checkpoint, or are missing";
                    return Err(Error::new(ErrorKind::Refused, "values_are_gone", text).hint(
                        "sign the log as it stands now: claims checkpoint sign; or leave the values out",
                    ));
                }
                self.put(PERSONAL, &values)?;
            }
            let totals = outcome.books.control_totals();
            let manifest = Manifest {
                format: FORMAT.into(),
                origin: head.origin,
                size: head.size,
                root: head.root,
                code_version: env!("CARGO_PKG_VERSION").into(),
                books_digest: outcome.books.digest().sha256,
                kinds: outcome.kinds.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
                control_totals: totals.into_iter().map(|(currency, sums)| (currency, sums.into())).collect(),
                files: self.hashes.clone(),
            };
            let text = serde_json::to_string_pretty(&manifest)
                .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
            self.create(MANIFEST, format!("{text}\n").as_bytes())?;
        }
        let files = u64::try_from(self.hashes.len()).unwrap_or(u64::MAX);
        Ok(Written { events: outcome.events, files, bytes: self.bytes, root: outcome.root })
    }

    fn policy(&mut self, row: &replay::codec::Row<'_>) -> Result<()> {
        let Ok(recorded) = open(row) else { return Ok(()) };
        let Event::PolicyPublished(policy) = &recorded.event else { return Ok(()) };
        let body = canonical::to_bytes(&policy.body)
            .map_err(|why| Error::new(ErrorKind::Internal, "policy_not_canonical", why.to_string()))?;
        self.put(&format!("policies/{}.v{}.json", policy.policy, policy.version), &body)
    }

    fn file(&mut self, file: File) -> Result<()> {
        self.put(&file.path, &file.bytes)
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.create(path, bytes)?;
        self.hashes.insert(path.into(), sha256(bytes));
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        Ok(())
    }

    fn create(&self, path: &str, bytes: &[u8]) -> Result<()> {
        // Whoever may see the log may not therefore see the values that were kept out of it.
        let readers = if path == PERSONAL { Readers::Owner } else { Readers::Anybody };
        let path = self.root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|why| Error::io(folder, &why))?;
        }
        new_file(&path, bytes, readers)
    }
}
