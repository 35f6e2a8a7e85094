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
    let exists = |path: &Path, hint: &str| {
        Error::new(ErrorKind::Refused, "folder_exists", "there is something under this name already")
            .at(path.display())
            .hint(hint)
    };
    if dir.symlink_metadata().is_ok() {
        return Err(exists(dir, "nothing was overwritten; name a new folder"));
    }
    let partial = beside(dir);
    if partial.symlink_metadata().is_ok() {
        return Err(exists(&partial, "writing was broken off, or is going on; remove this folder"));
    }
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
    let exists = |path: &Path, hint: &str| {
        Error::new(ErrorKind::Conflict, "file_exists", "there is something under this name already")
            .at(path.display())
            .hint(hint)
    };
    if path.symlink_metadata().is_ok() {
        return Err(exists(path, "nothing was overwritten; name a new file"));
    }
    let partial = beside(path);
    if partial.symlink_metadata().is_ok() {
        return Err(exists(&partial, "writing was broken off, or is going on; remove this file"));
    }
    new_file(&partial, b"", Readers::Owner)?;
    let filled = fill(&partial).and_then(|value| {
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

/// The name with a dot before it and an ending that says what it is.
fn beside(dir: &Path) -> PathBuf {
    let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    dir.with_file_name(format!(".{name}.partial"))
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
