//! The scenarios that travel inside the program, so that the policies beside them can be tested and counted without
//! any file at hand: the given ones, and those of our own under `more/`.
//!
//! This list of files is data; nothing depends on what they are called.

use super::{Scenario, read};
use crate::{error::Result, policy_file::embedded::Text};

macro_rules! file {
    ($name:literal) => {
        Text {
            name: concat!("scenarios/", $name),
            text: include_str!(concat!("../../fixtures/scenarios/", $name)),
        }
    };
}

/// The given scenarios.
pub const GIVEN: [Text; 5] =
    [file!("atp.json"), file!("ptk.json"), file!("cgd.json"), file!("rne.json"), file!("amc.json")];

/// Scenarios of our own: sides of clauses, and figures, that the given ones leave open.
pub const MORE: [Text; 5] = [
    file!("more/atp.json"),
    file!("more/ptk.json"),
    file!("more/cgd.json"),
    file!("more/rne.json"),
    file!("more/amc.json"),
];

/// Every file.
pub fn files() -> impl Iterator<Item = Text> {
    GIVEN.into_iter().chain(MORE)
}

/// Every scenario.
///
/// # Errors
/// As [`read()`]; the tests of this project prove that there are none.
pub fn scenarios() -> Result<Vec<Scenario>> {
    let mut all = Vec::new();
    for file in files() {
        all.extend(read(file.name, file.text)?);
    }
    Ok(all)
}
