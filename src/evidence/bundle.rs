//! The auditor's bundle: one folder with the whole log up to a signed head, and what it takes to check it offline.
//!
//! The log lies in it as others' tools read it (C2SP tlog-tiles: `checkpoint`, `tile/`); beside it are the heads that
//! were signed before, the policies, the schemas, the control totals, and a manifest with the hash of every file.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use replay::{
    audit::{Outcome, Replay},
    books::Sums,
    codec::Row,
    evidence::{
        checkpoint::Checkpoint,
        note::Note,
        tiles::{File, Tiles},
    },
    history::Cut,
    ids::Origin,
    merkle::{Hash, sha256},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    figures::{self, JOURNAL_CSV, JOURNAL_HLEDGER, Journals},
    folder::{FILES_MAX, bytes_max},
    prove,
    verify::redacted,
};
use crate::{
    error::{Error, ErrorKind, Result},
    journal,
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
/// Name of the file that says what the others are.
pub const README_FILE: &str = "README.txt";

const README: &str = "\
This folder holds a claims ledger up to a signed head.

checkpoint      the signed head: name of the log, number of events, root hash, signatures
                (C2SP signed-note, tlog-checkpoint)
tile/           the hashes of the tree and the events themselves (C2SP tlog-tiles): every tool
                that reads such logs reads this one
checkpoints/    heads that were signed before and are on record in the log, by their size
journal.csv     the double-entry journal of every event that moves money, one line per posting
journal.hledger the same for hledger, which checks it: hledger -f journal.hledger check --strict
totals.csv      control totals by merchant, currency and kind, in minor units of the currency
months.csv      control totals by the month they were posted in, and which months are sealed
policies/       the policies that were published, as the log has them
schemas/        what every event means
personal.ndjson personal values with the salts that open their commitments (only if given out)
manifest.json   SHA-256 of every file, and the control totals

Nobody signs the manifest, and nobody has to: whatever follows from the events is made from
them again by who verifies, and compared byte for byte.

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
        Writer { root: draft, size: 0, hashes: BTreeMap::new(), bytes: 0 }.all(store, note, extent, progress)
    })
}

struct Writer<'f> {
    root: &'f Path,
    /// How many events there will be.
    size: u64,
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
        let head = prove::head_of(store, note)?;
        self.size = head.size;
        let origin = store.origin().clone();
        let outcome = match extent {
            Extent::Tiles => {
                let replay = Replay::new(Some(origin), Cut::default());
                self.log(store, &head, replay, progress, &mut |_, _| Ok(()))?
            }
            Extent::Bundle { personal } => {
                self.log_with_journal(store, &head, &origin, personal, progress)?
            }
        };
        self.put(CHECKPOINT, note.to_string().as_bytes())?;
        if let Extent::Bundle { personal } = extent {
            for (path, bytes) in figures::small(&outcome) {
                self.put(&path, &bytes)?;
            }
            for (name, text) in crate::schema::list() {
                self.put(&format!("schemas/{name}.json"), text.as_bytes())?;
            }
            self.put(README_FILE, README.as_bytes())?;
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
            if text.len() >= MANIFEST_BYTES_MAX || self.hashes.len() >= FILES_MAX {
                return Err(too_long(MANIFEST));
            }
            self.create(MANIFEST, format!("{text}\n").as_bytes())?;
        }
        let files = u64::try_from(self.hashes.len()).unwrap_or(u64::MAX);
        Ok(Written { events: outcome.events, files, bytes: self.bytes, root: outcome.root })
    }

    /// Lays out the log and replays it, showing every row to `each` with the replay that has just taken it. The outcome
    /// is that of the log of the head, in which nothing is wrong.
    fn log(
        &mut self,
        store: &mut SqliteStore,
        head: &Checkpoint,
        mut replay: Replay,
        progress: &Progress,
        each: &mut dyn FnMut(&Row<'_>, &mut Replay) -> Result<()>,
    ) -> Result<Outcome> {
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
                    .and_then(|()| each(row, &mut replay))
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
        match outcome.findings.first() {
            None => Ok(outcome),
            Some(broken) => Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", broken.to_string())
                .hint("run claims audit")),
        }
    }

    /// The same, with the journal and the policies beside it.
    fn log_with_journal(
        &mut self,
        store: &mut SqliteStore,
        head: &Checkpoint,
        origin: &Origin,
        personal: bool,
        progress: &Progress,
    ) -> Result<Outcome> {
        let mut replay = Replay::new(Some(origin.clone()), Cut::default()).posting();
        // Commitments are counted only where values go along.
        if personal {
            replay = replay.thorough();
        }
        let mut csv = Streamed::create(self.root.join(JOURNAL_CSV))?;
        let mut hledger = Streamed::create(self.root.join(JOURNAL_HLEDGER))?;
        let unwritable = |why: std::io::Error| Error::io(self.root, &why);
        let mut journals = Journals::begin(&mut csv, &mut hledger, origin.as_str()).map_err(unwritable)?;
        let mut policies = Vec::new();
        let outcome = self.log(store, head, replay, progress, &mut |row, replay| {
            policies.extend(figures::policy(row));
            match replay.entry() {
                Some(entry) => journals.entry(&entry).map_err(|why| Error::io(Path::new(JOURNAL_CSV), &why)),
                None => Ok(()),
            }
        })?;
        let root = self.root;
        journals.end(outcome.events, &outcome.root).map_err(|why| Error::io(root, &why))?;
        if let Some(poster) = &outcome.poster {
            journal::prove(&poster.compared(&outcome.books))?;
        }
        for (path, file) in [(JOURNAL_CSV, csv), (JOURNAL_HLEDGER, hledger)] {
            let (hash, bytes) = file.end()?;
            self.keep(path, hash, bytes)?;
        }
        policies.iter().try_for_each(|(path, bytes)| self.put(path, bytes))?;
        Ok(outcome)
    }

    fn file(&mut self, file: File) -> Result<()> {
        self.put(&file.path, &file.bytes)
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        self.create(path, bytes)?;
        self.keep(path, sha256(bytes), u64::try_from(bytes.len()).unwrap_or(u64::MAX))
    }

    /// Puts a file that is there into the manifest. Nothing is given out that nobody would read.
    fn keep(&mut self, path: &str, hash: Hash, bytes: u64) -> Result<()> {
        if bytes_max(path, self.size).is_none_or(|max| bytes > max) {
            return Err(too_long(path));
        }
        self.hashes.insert(path.into(), hash);
        self.bytes = self.bytes.saturating_add(bytes);
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

fn too_long(path: &str) -> Error {
    let text = format!("{path} would be longer than who verifies a bundle reads");
    Error::new(ErrorKind::Refused, "bundle_too_long", text).hint("claims export tiles has no such limit")
}

/// A file that is written piece by piece, and hashed on the way.
struct Streamed {
    path: PathBuf,
    file: BufWriter<fs::File>,
    hash: Sha256,
    bytes: u64,
}

impl Streamed {
    fn create(path: PathBuf) -> Result<Self> {
        let file = fs::File::create_new(&path).map_err(|why| Error::io(&path, &why))?;
        Ok(Self { path, file: BufWriter::new(file), hash: Sha256::new(), bytes: 0 })
    }

    /// Makes it durable, and says its hash and its length in bytes.
    fn end(mut self) -> Result<(Hash, u64)> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|why| Error::io(&self.path, &why))?;
        Ok((Hash(self.hash.finalize().into()), self.bytes))
    }
}

impl Write for Streamed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}
