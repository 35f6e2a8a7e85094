//! The report as files: made in a folder beside the one that was named, and moved there when all of them are on disk.

use replay::merkle::{Hash, sha256};
use serde::Serialize;
use std::{fs, io::Write, path::Path};

use super::{Report, csv, page::page};
use crate::error::{Error, ErrorKind, Result};

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub file: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: Hash,
}

/// Names and texts of all files; the same report gives the same bytes.
///
/// # Errors
/// When the report is no JSON, which it always is.
pub fn files(report: &Report) -> Result<Vec<(&'static str, String)>> {
    let json = serde_json::to_string_pretty(report)
        .map_err(|why| Error::new(ErrorKind::Internal, "no_json", why.to_string()))?;
    let mut files = vec![
        ("report.html", page(report)),
        ("report.json", json + "\n"),
        ("population.csv", csv::population(report)),
        ("subledger.csv", csv::subledger(report)),
        ("journal_tests.csv", csv::journal_tests(report)),
        ("overrides.csv", csv::overrides(report)),
        ("duties.csv", csv::duties(report)),
    ];
    let sums = files.iter().map(|(name, text)| format!("{}  {name}\n", sha256(text.as_bytes())));
    let sums: String = sums.collect();
    files.push(("SHA256SUMS", sums));
    Ok(files)
}

/// Writes the report into a new folder, all of it or nothing.
///
/// # Errors
/// When there is something under that name already, or the disk does not take it.
pub fn write(report: &Report, dir: &Path) -> Result<Vec<File>> {
    crate::whole::folder(dir, |partial| fill(report, partial))
}

fn fill(report: &Report, dir: &Path) -> Result<Vec<File>> {
    let mut found = Vec::new();
    for (name, text) in files(report)? {
        let path = dir.join(name);
        let wrong = |why: std::io::Error| Error::io(&path, &why);
        let mut file = fs::File::create(&path).map_err(wrong)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(wrong)?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        found.push(File { file: name, bytes, sha256: sha256(text.as_bytes()) });
    }
    Ok(found)
}
