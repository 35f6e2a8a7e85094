//! The folder of segments and their manifests: what is there, what of it fits, and whether it is of this log.

use replay::{
    canonical,
    ids::Origin,
    merkle::{Frontier, Hash, sha256},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, TryLockError},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{FORMAT_VERSION, SPAN, table::Table};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Span, Store},
    whole,
};

/// The file that whoever builds holds alone, and whoever reads holds with others.
const LOCK: &str = "lock";
/// The longest manifest that is read, in bytes.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// What makes the cells of a segment: a segment that another version has made is made again.
pub fn code() -> String {
    format!("claims {}, books {}", env!("CARGO_PKG_VERSION"), replay::books::BOOKS_VERSION)
}

/// A stretch of a file with its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Name of the column, or `footer`.
    pub name: String,
    /// Where it begins, in bytes.
    pub at: u64,
    /// How long it is, in bytes.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Hash,
}

/// One Parquet file of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOf {
    /// `events` or `movements`.
    pub table: String,
    /// Rows in it.
    pub rows: u64,
    /// Its length, in bytes.
    pub bytes: u64,
    /// SHA-256 of it.
    pub sha256: Hash,
    /// Its columns and its footer, in order: with the four bytes before them the whole file.
    pub parts: Vec<Part>,
}

/// What a segment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the ledger.
    pub ledger: String,
    /// Version of columns and manifest.
    pub format: u32,
    /// What has made it.
    pub code: String,
    /// Events of a full segment.
    pub span: u64,
    /// First position.
    pub first: u64,
    /// Last position.
    pub last: u64,
    /// RFC 6962 hash of the subtree over its leaves.
    pub root: Hash,
    /// The perfect subtrees below it, from left to right; of a full segment the root alone.
    pub subtrees: Vec<Hash>,
    /// Bytes that the values of its rows have in the log.
    pub row_bytes: u64,
    /// One per table.
    pub files: Vec<FileOf>,
}

/// A manifest in its file: the last member is the hash of the first, so no byte of it can change unseen.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    segment: Manifest,
    sha256: Hash,
}

impl Manifest {
    /// Events in it.
    pub fn events(&self) -> u64 {
        (self.last + 1).saturating_sub(self.first)
    }
    /// The file of a table.
    ///
    /// # Errors
    /// When there is none.
    pub fn file(&self, table: &Table) -> Result<&FileOf> {
        let file = self.files.iter().find(|file| file.table == table.name);
        file.ok_or_else(|| unfit(&self.name(), format!("it has no {}", table.name)))
    }
    /// The name of its manifest.
    pub fn name(&self) -> String {
        name_of("segment", self.first, "json")
    }
    /// The bytes of its file.
    fn text(&self) -> Result<Vec<u8>> {
        let fault = |why: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Internal, "manifest_is_not_written", why.to_string())
        };
        let hash = sha256(&canonical::of(self).map_err(|why| fault(&why))?);
        let sealed = Sealed { segment: self.clone(), sha256: hash };
        let mut text = serde_json::to_vec(&sealed).map_err(|why| fault(&why))?;
        text.push(b'\n');
        Ok(text)
    }
    fn read(path: &Path, first: u64) -> std::result::Result<Self, String> {
        let bytes = fs::metadata(path).map_err(|why| why.to_string())?.len();
        if bytes > MANIFEST_BYTES_MAX {
            return Err(format!("it has {bytes} bytes, at most {MANIFEST_BYTES_MAX} are read"));
        }
        let text = fs::read(path).map_err(|why| why.to_string())?;
        let sealed: Sealed =
            serde_json::from_slice(&text).map_err(|why| format!("it is no manifest: {why}"))?;
        if sealed.segment.text().ok().as_ref() != Some(&text) {
            return Err("its bytes are not those that were written".into());
        }
        if sealed.segment.first != first {
            return Err(format!("it is that of the segment from {}", sealed.segment.first));
        }
        Ok(sealed.segment)
    }
    /// Why it cannot be used in this folder for this ledger.
    fn misfit(&self, folder: &Folder, origin: &Origin) -> Option<String> {
        let code = code();
        if self.ledger != origin.as_str() {
            Some(format!("it is of ledger {}", self.ledger))
        } else if self.format != FORMAT_VERSION || self.span != folder.span || self.code != code {
            Some(format!("it was made by {} (format {}), this is {code}", self.code, self.format))
        } else if self.first % self.span != 1 % self.span
            || self.last < self.first
            || self.events() > self.span
            || self.tree().map(|tree| tree.root()) != Some(self.root)
            || Table::ALL.iter().any(|table| self.file(table).is_err())
        {
            Some("it contradicts itself".into())
        } else {
            let length = |file: &FileOf| fs::metadata(folder.path(&file.table, self.first)).map(|m| m.len());
            self.files.iter().find_map(|file| match length(file) {
                Ok(bytes) if bytes == file.bytes => None,
                Ok(bytes) => Some(format!("its {} have {bytes} bytes, not {}", file.table, file.bytes)),
                Err(_) => Some(format!("its {} are missing", file.table)),
            })
        }
    }
    /// The tree over its leaves alone.
    pub fn tree(&self) -> Option<Frontier> {
        frontier(self.events(), self.subtrees.iter())
    }
}

/// A tree of this size out of its perfect subtrees.
pub fn frontier<'a>(size: u64, subtrees: impl Iterator<Item = &'a Hash>) -> Option<Frontier> {
    let mut bytes = size.to_be_bytes().to_vec();
    subtrees.for_each(|hash| bytes.extend_from_slice(&hash.0));
    Frontier::from_bytes(&bytes).ok()
}

/// The perfect subtrees of a tree, from left to right.
pub fn subtrees(tree: &Frontier) -> Vec<Hash> {
    let bytes = tree.to_bytes();
    bytes.get(8..).unwrap_or_default().as_chunks::<32>().0.iter().map(|hash| Hash(*hash)).collect()
}

/// What is wrong with a segment.
pub fn unfit(name: &str, why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Unreadable, "segment_does_not_fit", format!("the segment does not fit: {why}"))
        .at(name)
        .hint("nothing of it was used; claims segments build makes it again from the log")
}

fn name_of(table: &str, first: u64, extension: &str) -> String {
    format!("{table}-{first:012}.{extension}")
}

/// Whether something in the folder is ours: a file of a segment, or what is left of writing one. Gives its first position.
fn ours(name: &str) -> Option<(u64, bool)> {
    let (name, partial) = match name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial")) {
        Some(name) => (name, true),
        None => (name, false),
    };
    let (table, rest) = name.split_once('-')?;
    let extension = if table == "segment" { ".json" } else { ".parquet" };
    let known = table == "segment" || Table::ALL.iter().any(|known| known.name == table);
    let first = rest.strip_suffix(extension)?.parse().ok()?;
    known.then_some((first, partial))
}

/// What a look into a folder shows.
#[derive(Debug, Default)]
pub struct Standing {
    /// Segments that fit, from position 1 without a gap. Their files were not hashed yet.
    pub fit: Vec<Manifest>,
    /// What does not, by name, with the reason.
    pub unfit: Vec<(String, String)>,
}

impl Standing {
    /// The last position that is covered.
    pub fn last(&self) -> u64 {
        self.fit.last().map_or(0, |manifest| manifest.last)
    }
    /// The tree of the log up to there.
    pub fn tree(&self) -> Option<Frontier> {
        let mut full = Frontier::new();
        let mut rest = Vec::new();
        for manifest in &self.fit {
            if manifest.events() == manifest.span {
                full.push(manifest.root);
            } else {
                rest = manifest.subtrees.clone();
            }
        }
        frontier(self.last(), subtrees(&full).iter().chain(&rest))
    }
    /// Whether the log begins with what these segments hold: their tree, grown by the leaves that the log has after them,
    /// has to be the tree of the log.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_of<S: Store>(&self, store: &mut S) -> Result<bool> {
        let tip = store.tip()?;
        let Some(mut tree) = self.tree() else { return Ok(false) };
        let after = Span { first: self.last() + 1, last: tip.position };
        if tip.position >= after.first {
            store.scan(after, &mut |row| {
                tree.push(Hash(row.leaf));
                ControlFlow::Continue(())
            })?;
        }
        Ok(tree == tip.frontier)
    }
    /// What does not fit as an error, when there is something.
    ///
    /// # Errors
    /// The first, the others in its details.
    pub fn all_fit(&self) -> Result<()> {
        let Some((name, why)) = self.unfit.first() else { return Ok(()) };
        let others = self.unfit.iter().skip(1).map(|(name, why)| format!("{name}: {why}"));
        Err(unfit(name, why).details(others.collect()))
    }
}

/// Where the segments of a ledger are.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
    span: u64,
}

impl Folder {
    /// The folder beside a ledger, or another one.
    pub fn of(ledger: &Path, dir: Option<&Path>) -> Self {
        let beside = || {
            let mut name = ledger.file_name().unwrap_or_default().to_os_string();
            name.push(".segments");
            ledger.with_file_name(name)
        };
        Self { dir: dir.map_or_else(beside, Path::to_path_buf), span: SPAN }
    }
    /// The same with other lengths of segments, which have to be a power of two: so that tests need few events.
    #[must_use]
    pub fn with_span(mut self, span: u64) -> Self {
        self.span = span.next_power_of_two();
        self
    }
    /// Its path.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
    /// Events of a full segment.
    pub fn span(&self) -> u64 {
        self.span
    }
    /// The file of a table of a segment.
    pub fn path(&self, table: &str, first: u64) -> PathBuf {
        self.dir.join(name_of(table, first, "parquet"))
    }
    /// Writes a manifest, the last thing that makes a segment.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn seal(&self, manifest: &Manifest) -> Result<()> {
        whole::again(&self.dir.join(manifest.name()), &manifest.text()?)
    }

    /// Holds the folder: alone to write (it is made when it is not there), with others to read.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`]; no folder, or none of segments.
    pub fn hold(&self, alone: bool) -> Result<File> {
        let lock = self.dir.join(LOCK);
        if alone && self.dir.symlink_metadata().is_err() {
            fs::create_dir(&self.dir).map_err(|why| Error::io(&self.dir, &why))?;
        }
        let file =
            if alone { File::options().create(true).append(true).open(&lock) } else { File::open(&lock) };
        let file = file.map_err(|why| match why.kind() {
            std::io::ErrorKind::NotFound => Error::not_found("there are no segments here")
                .at(self.dir.display())
                .hint("claims segments build makes them from the log"),
            _ => Error::io(&lock, &why),
        })?;
        match if alone { file.try_lock() } else { file.try_lock_shared() } {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => {
                let text = if alone {
                    "another program reads or builds these segments"
                } else {
                    "another program is building these segments"
                };
                Err(Error::new(ErrorKind::Busy, "segments_are_busy", text)
                    .at(self.dir.display())
                    .hint("wait for it to end and try again"))
            }
            Err(TryLockError::Error(why)) => Err(Error::io(&lock, &why)),
        }
    }

    /// Every file of ours in the folder: its first position, its path, and whether it is left from writing.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn files(&self) -> Result<Vec<(u64, PathBuf, bool)>> {
        let io = |why: std::io::Error| Error::io(&self.dir, &why);
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(io)? {
            let entry = entry.map_err(io)?;
            if let Some((first, partial)) = entry.file_name().to_str().and_then(ours) {
                found.push((first, entry.path(), partial));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The name of the manifest of a segment.
    pub fn manifest_name(&self, first: u64) -> String {
        name_of("segment", first, "json")
    }
    /// Bytes of every file of ours.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn bytes(&self) -> Result<u64> {
        self.files()?.iter().try_fold(0, |sum, (_, path, _)| {
            Ok(sum + fs::metadata(path).map_err(|why| Error::io(path, &why))?.len())
        })
    }

    /// Every manifest by its first position, or why it does not fit. Reads no file of rows.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn manifests(&self, origin: &Origin) -> Result<Vec<(u64, std::result::Result<Manifest, String>)>> {
        let mut firsts: Vec<u64> =
            self.files()?.into_iter().filter(|file| !file.2).map(|file| file.0).collect();
        firsts.dedup();
        let read = |first: u64| {
            let manifest = Manifest::read(&self.dir.join(name_of("segment", first, "json")), first);
            (first, manifest.and_then(|manifest| manifest.misfit(self, origin).map_or(Ok(manifest), Err)))
        };
        Ok(firsts.into_iter().map(read).collect())
    }

    /// Looks at every manifest and puts them in order; reads no file of rows.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn look(&self, origin: &Origin) -> Result<Standing> {
        let mut standing = Standing::default();
        for (first, manifest) in self.manifests(origin)? {
            let before = standing.fit.last();
            let due = before.map_or(1, |before| before.first + before.span);
            let short = before.is_some_and(|before| before.events() < before.span);
            match manifest {
                Ok(manifest) if first == due && !short => standing.fit.push(manifest),
                Ok(_) => {
                    if standing.unfit.is_empty() {
                        let (gap, why) = if short {
                            (due - self.span, "it is shorter than it can be, and others come after it")
                        } else {
                            (due, "it is missing")
                        };
                        standing.unfit.push((name_of("segment", gap, "json"), why.into()));
                    }
                    let why = "what comes before it does not fit";
                    standing.unfit.push((name_of("segment", first, "json"), why.into()));
                }
                Err(why) => standing.unfit.push((name_of("segment", first, "json"), why)),
            }
        }
        Ok(standing)
    }

    /// Takes everything of ours away, and the folder when nothing else is in it. Says how many files there were.
    ///
    /// # Errors
    /// A disk that fails.
    pub fn clear(&self) -> Result<u64> {
        let mut removed = 0;
        for (_, path, _) in self.files()? {
            fs::remove_file(&path).map_err(|why| Error::io(&path, &why))?;
            removed += 1;
        }
        let lock = self.dir.join(LOCK);
        fs::remove_file(&lock).map_err(|why| Error::io(&lock, &why))?;
        // Something that is not ours stays, and its folder with it.
        let _ = fs::remove_dir(&self.dir);
        Ok(removed)
    }
}
