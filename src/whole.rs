//! Files and folders that are there as a whole or not at all, and never in the place of others.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use crate::error::{Error, ErrorKind, Result};

/// Fills a new folder beside its place and moves it there when it is complete.
///
/// # Errors
/// Something under that name already, what is left of an attempt that was broken off, and whatever `fill` says.
pub fn folder<T>(dir: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let partial = FOLDER.begin(dir)?;
    fs::create_dir(&partial).map_err(|why| Error::io(&partial, &why))?;
    let filled = fill(&partial).and_then(|value| {
        fs::rename(&partial, dir).map_err(|why| Error::io(dir, &why))?;
        Ok(value)
    });
    if filled.is_err() {
        let _ = fs::remove_dir_all(&partial);
    }
    filled
}

/// Fills a new file beside its place, which only its owner can read, and moves it there when it is complete.
///
/// # Errors
/// Something under that name already, what is left of an attempt that was broken off, and whatever `fill` says.
pub fn file<T>(path: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let partial = FILE.begin(path)?;
    new_file(&partial, b"", Readers::Owner)?;
    let filled = fill(&partial).and_then(|value| {
        // Filling takes its time, and a file that came meanwhile would be replaced.
        FILE.is_free(path)?;
        fs::File::open(&partial)
            .and_then(|file| file.sync_all())
            .and_then(|()| fs::rename(&partial, path))
            .map_err(|why| Error::io(path, &why))?;
        Ok(value)
    });
    if filled.is_err() {
        let _ = fs::remove_file(&partial);
    }
    filled
}

/// Asks for the name of a new folder before other work is done for it.
///
/// # Errors
/// Something under that name already.
pub fn folder_is_free(dir: &Path) -> Result<()> {
    FOLDER.is_free(dir)
}

/// What is made, in the words of its errors.
struct Made {
    what: &'static str,
    kind: ErrorKind,
    code: &'static str,
}

const FOLDER: Made = Made { what: "folder", kind: ErrorKind::Refused, code: "folder_exists" };
const FILE: Made = Made { what: "file", kind: ErrorKind::Conflict, code: "file_exists" };

impl Made {
    fn is_free(&self, path: &Path) -> Result<()> {
        self.absent(path, &format!("nothing was overwritten; name a new {}", self.what))
    }

    /// The name beside the place, when both are free.
    fn begin(&self, path: &Path) -> Result<PathBuf> {
        self.is_free(path)?;
        let partial = self.beside(path);
        self.absent(&partial, &format!("writing was broken off, or is going on; remove this {}", self.what))?;
        Ok(partial)
    }

    /// The name under which it is written.
    fn beside(&self, path: &Path) -> PathBuf {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path.with_file_name(format!(".{name}.partial"))
    }

    fn absent(&self, path: &Path, hint: &str) -> Result<()> {
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        let text = "there is something under this name already";
        Err(Error::new(self.kind, self.code, text).at(path.display()).hint(hint))
    }
}

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readers {
    /// Whoever may read files of this folder.
    Anybody,
    /// Its owner: secrets, and personal values.
    Owner,
}

/// Writes a file that does not exist yet, durably.
///
/// # Errors
/// A file that is there already, a disk that fails.
pub fn new_file(path: &Path, bytes: &[u8], readers: Readers) -> Result<()> {
    let write = || {
        let mut options = fs::File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if readers == Readers::Owner {
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        }
        let mut file = options.open(path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            let _ = fs::remove_file(path);
        }
        written
    };
    write().map_err(|why| match why.kind() {
        std::io::ErrorKind::AlreadyExists => Error::new(
            ErrorKind::Conflict,
            "file_exists",
            "the file is there already; nothing was overwritten",
        )
        .at(path.display())
        .hint("name a new file"),
        _ => Error::io(path, &why),
    })
}

/// Writes a file that may be there already: afterwards it is the new one as a whole, or still the old one. Only for what
/// can be made again, and by one writer at a time.
///
/// # Errors
/// A disk that fails.
pub fn again(path: &Path, bytes: &[u8]) -> Result<()> {
    let partial = FILE.beside(path);
    // What is left of an attempt that was broken off.
    let _ = fs::remove_file(&partial);
    new_file(&partial, bytes, Readers::Owner)?;
    fs::rename(&partial, path).map_err(|why| {
        let _ = fs::remove_file(&partial);
        Error::io(path, &why)
    })
}
