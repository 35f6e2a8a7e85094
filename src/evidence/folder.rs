//! Reading a folder that somebody else has filled: only files that are really in it, each up to a limit.
//!
//! Nothing here follows a link, opens a pipe or a device, or reads a file that is longer than a file of its kind can
//! be; a path is one that was found by listing the folder, so no path leads out of it.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read, Take},
    path::{Path, PathBuf},
};

use replay::{
    canonical::BODY_BYTES_MAX,
    evidence::{
        note::NOTE_BYTES_MAX,
        tiles::{ENTRY_BYTES_MAX, TILE_WIDTH},
    },
};

use super::{
    bundle::{CHECKPOINT, PERSONAL, README_FILE},
    figures::{JOURNAL_CSV, JOURNAL_HLEDGER, MONTHS, TOTALS},
};
use crate::error::{Error, Result};

/// Most files of a bundle that are looked at.
pub const FILES_MAX: usize = 1_000_000;
/// How deep folders may lie in each other; the longest path of a tile has eleven parts.
pub const FOLDER_DEPTH_MAX: usize = 16;
/// Longest README, in bytes.
pub const README_BYTES_MAX: u64 = 100_000;
/// Longest schema, in bytes.
pub const SCHEMA_BYTES_MAX: u64 = 1_000_000;
/// Longest part of a journal per event, in bytes: some 340 of ids for each posting, to each account there is.
pub const JOURNAL_BYTES_PER_EVENT_MAX: u64 = 16_384;
/// Longest row of totals, in bytes; there are never more rows than events.
pub const TOTALS_BYTES_PER_EVENT_MAX: u64 = 1_024;
/// Most bytes of personal values per event, taken over all of them.
pub const PERSONAL_BYTES_PER_EVENT_MAX: u64 = 100_000;
/// What a file that grows with the log may have beyond that, in bytes.
pub const HEAD_BYTES_MAX: u64 = 16_000_000;

/// How long a file of a bundle can be, in bytes; `None` when a bundle has no such file. `size` counts the events.
pub fn bytes_max(path: &str, size: u64) -> Option<u64> {
    let grows = |per_event: u64| Some(size.saturating_mul(per_event).saturating_add(HEAD_BYTES_MAX));
    let bytes = |bytes: usize| u64::try_from(bytes).ok();
    match path {
        CHECKPOINT => bytes(NOTE_BYTES_MAX),
        README_FILE => Some(README_BYTES_MAX),
        JOURNAL_CSV | JOURNAL_HLEDGER => grows(JOURNAL_BYTES_PER_EVENT_MAX),
        TOTALS | MONTHS => grows(TOTALS_BYTES_PER_EVENT_MAX),
        PERSONAL => grows(PERSONAL_BYTES_PER_EVENT_MAX),
        _ => match path.split_once('/')? {
            ("checkpoints", _) => bytes(NOTE_BYTES_MAX),
            ("policies", _) => bytes(BODY_BYTES_MAX),
            ("schemas", _) => Some(SCHEMA_BYTES_MAX),
            ("tile", rest) if rest.starts_with("entries/") => bytes(ENTRIES_BYTES_MAX),
            ("tile", _) => bytes(TILE_BYTES_MAX),
            _ => None,
        },
    }
}

/// Longest tile of hashes, in bytes.
pub const TILE_BYTES_MAX: usize = TILE_WIDTH * 32;
/// Longest bundle of entries, in bytes.
pub const ENTRIES_BYTES_MAX: usize = TILE_WIDTH * (ENTRY_BYTES_MAX + 2);

/// What lies in a folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Length in bytes by path, with slashes.
    files: BTreeMap<String, u64>,
    /// What is neither file nor folder, in words.
    strange: Vec<String>,
}

impl Folder {
    /// Lists a folder.
    ///
    /// # Errors
    /// A folder that cannot be read, has too many files or lies too deep.
    pub fn list(root: &Path) -> Result<Self> {
        let mut found = Self { root: root.into(), files: BTreeMap::new(), strange: Vec::new() };
        let mut waiting = vec![(PathBuf::new(), 0)];
        while let Some((below, depth)) = waiting.pop() {
            let folder = root.join(&below);
            for entry in fs::read_dir(&folder).map_err(|why| Error::io(&folder, &why))? {
                let entry = entry.map_err(|why| Error::io(&folder, &why))?;
                let path = below.join(entry.file_name());
                // Of the entry itself: a link stays a link.
                let about = entry.metadata().map_err(|why| Error::io(&root.join(&path), &why))?;
                match path.to_str() {
                    Some(_) if about.is_dir() => {
                        if depth >= FOLDER_DEPTH_MAX {
                            let text = format!("folders lie in it more than {FOLDER_DEPTH_MAX} deep");
                            return Err(Error::unreadable("folder_too_deep", text).at(root.display()));
                        }
                        waiting.push((path, depth + 1));
                    }
                    Some(name) if about.is_file() => _ = found.files.insert(slashes(name), about.len()),
                    Some(name) => {
                        let what = what(&about);
                        let text =
                            format!("{}: is {what}, and a bundle has files only", shown(&slashes(name)));
                        found.strange.push(text);
                    }
                    None => {
                        let name = shown(&path.to_string_lossy());
                        found.strange.push(format!("{name}: has a name that is no text"));
                    }
                }
                if found.files.len() + found.strange.len() + waiting.len() > FILES_MAX {
                    let text = format!("the folder has more than {FILES_MAX} files");
                    return Err(Error::unreadable("too_many_files", text).at(root.display()));
                }
            }
        }
        found.strange.sort();
        Ok(found)
    }

    /// The paths of its files, in order.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }
    /// Whether there is a file under this path.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }
    /// What is neither file nor folder, in words.
    pub fn strange(&self) -> &[String] {
        &self.strange
    }

    /// A file that may have so many bytes; `None` when it is not there or longer. Gives no more bytes than that, even if
    /// it grows meanwhile.
    ///
    /// # Errors
    /// A file that cannot be read, here as below.
    pub fn open(&self, path: &str, bytes_max: u64) -> Result<Option<BufReader<Take<File>>>> {
        if self.files.get(path).is_none_or(|length| *length > bytes_max) {
            return Ok(None);
        }
        let path = self.root.join(path);
        let file = File::open(&path).map_err(|why| Error::io(&path, &why))?;
        Ok(Some(BufReader::new(file.take(bytes_max))))
    }

    /// All bytes of such a file.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn bytes(&self, path: &str, bytes_max: usize) -> Result<Option<Vec<u8>>> {
        let Some(mut file) = self.open(path, u64::try_from(bytes_max).unwrap_or(u64::MAX))? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|why| Error::io(&self.root.join(path), &why))?;
        Ok(Some(bytes))
    }

    /// The text of a file without which nothing can be said.
    ///
    /// # Errors
    /// A file that is not there, is too long, or is no text.
    pub fn text(&self, path: &str, bytes_max: usize) -> Result<String> {
        let place = || self.root.join(path).display().to_string();
        let bytes = self.bytes(path, bytes_max)?.ok_or_else(|| match self.has(path) {
            true => {
                let text = format!("the file has more than {bytes_max} bytes");
                Error::unreadable("file_too_long", text).at(place())
            }
            false => Error::unreadable(
                "file_missing",
                "a bundle has a file of this name, and this folder has none",
            )
            .at(place())
            .hint("give a folder that claims export bundle has written"),
        })?;
        String::from_utf8(bytes)
            .map_err(|_| Error::unreadable("file_is_no_text", "the file is no UTF-8 text").at(place()))
    }
}

fn slashes(name: &str) -> String {
    name.replace(std::path::MAIN_SEPARATOR, "/")
}

/// A name of somebody else's choice, so that it does nothing to a terminal.
pub fn shown(name: &str) -> String {
    name.escape_debug().collect()
}

fn what(about: &fs::Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        let kind = about.file_type();
        if kind.is_fifo() {
            return "a pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if about.is_symlink() { "a link" } else { "no file" }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use replay::evidence::tiles::{bundles, entries_path, tile_path};

    #[test]
    fn every_file_of_a_bundle_has_a_limit_and_no_other_is_read() {
        let last = u64::MAX / 256;
        for path in [tile_path(7, last, 3), entries_path(last, 3)] {
            assert!(path.split('/').count() <= FOLDER_DEPTH_MAX, "{path}");
            assert!(bytes_max(&path, 1).is_some(), "{path}");
        }
        assert_eq!(bytes_max("tile/entries/000", 1), Some(256 * 65_537));
        assert_eq!(bundles(300).count(), 2);
        assert_eq!(bytes_max("journal.csv", u64::MAX), Some(u64::MAX));
        for path in ["", "x", "../checkpoint", "/etc/passwd", "journal.csv/x", "manifest.json"] {
            assert_eq!(bytes_max(path, 1), None, "{path}");
        }
    }
}
