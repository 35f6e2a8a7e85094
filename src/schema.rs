//! The JSON Schemas that ship inside the program: the files of `schemas/`, as they were released.
//!
//! `tests/schemas.rs` proves that they are what the code writes and reads.

use include_dir::{Dir, File, include_dir};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// Every schema by its full name, e.g. `commands/claim_opened.v1`, and its text.
pub fn list() -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.files().chain(FILES.dirs().flat_map(Dir::files)).filter_map(named)
}

/// The schema that people mean by `name`: a full name, or one without version for the newest.
///
/// A bare kind means its command, because that is what people write; kinds that no command may carry have an
/// event only.
pub fn find(name: &str) -> Option<&'static str> {
    ["", "commands/", "events/"].iter().find_map(|folder| newest(&format!("{folder}{name}")))
}

fn named(file: &'static File<'static>) -> Option<(&'static str, &'static str)> {
    Some((file.path().to_str()?.strip_suffix(".json")?, file.contents_utf8()?))
}

fn newest(wanted: &str) -> Option<&'static str> {
    let version_of = |name: &str| {
        let (stem, version) = name.rsplit_once(".v")?;
        if stem == wanted || name == wanted { version.parse::<u16>().ok() } else { None }
    };
    let matching = list().filter_map(|(name, json)| Some((version_of(name)?, json)));
    matching.max_by_key(|(version, _)| *version).map(|(_, json)| json)
}
