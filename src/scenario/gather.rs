//! What a run needs: scenario files and folders of them, and the policies to play them under.

use std::{
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
};

use super::{Scenario, embedded, read, read::FILE_BYTES_MAX};
use crate::{
    error::{Error, Result},
    policy_file::{self, PolicyFile},
};

/// Reads scenario files; of a folder every `.json` in it, by name. Without any path, those inside the program.
///
/// # Errors
/// A path that is not there or cannot be read, a folder without a scenario file, and what [`read()`] finds, each with
/// its file. Nothing is returned unless everything could be read.
pub fn scenarios(paths: &[PathBuf]) -> Result<Vec<(String, Vec<Scenario>)>> {
    if paths.is_empty() {
        return embedded::files().map(|file| Ok((file.name.into(), read(file.name, file.text)?))).collect();
    }
    let mut found = Vec::new();
    for path in paths {
        for file in files(path)? {
            let name = file.display().to_string();
            let scenarios = read(&name, &text_of(&file)?)?;
            found.push((name, scenarios));
        }
    }
    Ok(found)
}

/// The policies inside the program, and those of the files, each of which takes the place of one with the same id.
///
/// # Errors
/// As [`policy_file::read`].
pub fn policies(files: &[PathBuf]) -> Result<Vec<PolicyFile>> {
    let mut policies = policy_file::embedded::policies()?;
    for file in files {
        let own = policy_file::read(file)?;
        policies.retain(|policy| policy.published.policy != own.published.policy);
        policies.push(own);
    }
    Ok(policies)
}

/// The file itself, or the scenario files of a folder.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let io = |why: std::io::Error| Error::io(path, &why);
    if !fs::metadata(path).map_err(io)?.is_dir() {
        return Ok(vec![path.into()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(io)? {
        let file = entry.map_err(io)?.path();
        if file.extension().is_some_and(|extension| extension == "json") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Error::unreadable("no_scenario_file", "there is no scenario file in this folder")
            .at(path.display())
            .hint("scenario files end in .json; folders inside the folder are not looked into"));
    }
    Ok(files)
}

/// A whole file as text, never more than [`FILE_BYTES_MAX`] and one byte of it, which [`read()`] then complains of.
fn text_of(path: &Path) -> Result<String> {
    let io = |why: std::io::Error| Error::io(path, &why);
    let most = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(most).read_to_end(&mut bytes).map_err(io)?;
    String::from_utf8(bytes).map_err(|why| {
        let line =
            why.as_bytes().iter().take(why.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count();
        Error::unreadable("not_utf8", "this is not UTF-8")
            .at(format!("{}:{}", path.display(), line.saturating_add(1)))
            .hint("save the file as UTF-8")
    })
}
