//! The policies, the house rules and the calendars that travel inside the program: for `claims demo`, and the house
//! rules for every policy a merchant writes.
//!
//! This list of files is data. It is the only place in the code that names a policy, and nothing depends on which.

use replay::event::ledger::CalendarPublished;

use super::PolicyFile;
use crate::error::Result;

/// A text file inside the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Its path below `fixtures/`.
    pub name: &'static str,
    /// What stands in it.
    pub text: &'static str,
}

macro_rules! file {
    ($name:literal) => {
        Text {
            name: concat!("policies/", $name),
            text: include_str!(concat!("../../fixtures/policies/", $name)),
        }
    };
}

/// The house rules: the readings every merchant shares.
pub const HOUSE: Text = file!("house.toml");
/// The public holidays.
pub const CALENDARS: Text = file!("calendars.toml");
/// Each policy with its clause register.
pub const POLICIES: [(Text, Text); 5] = [
    (file!("atp.toml"), file!("clauses/atp.toml")),
    (file!("ptk.toml"), file!("clauses/ptk.toml")),
    (file!("cgd.toml"), file!("clauses/cgd.toml")),
    (file!("rne.toml"), file!("clauses/rne.toml")),
    (file!("amc.toml"), file!("clauses/amc.toml")),
];

/// Every embedded file, e.g. to write them out as examples.
pub fn files() -> Vec<Text> {
    let policies = POLICIES.into_iter().flat_map(|(policy, clauses)| [policy, clauses]);
    [HOUSE, CALENDARS].into_iter().chain(policies).collect()
}

/// The embedded policies, ready to publish.
///
/// # Errors
/// As [`super::parse`]; the tests of this project prove that there are none.
pub fn policies() -> Result<Vec<PolicyFile>> {
    let parse = |(policy, clauses): &(Text, Text)| {
        super::parse(policy.text, Some(clauses.text), HOUSE.text, policy.name)
    };
    POLICIES.iter().map(parse).collect()
}

/// The embedded calendars, ready to publish.
///
/// # Errors
/// As [`super::calendars`]; the tests of this project prove that there are none.
pub fn calendars() -> Result<Vec<CalendarPublished>> {
    super::calendars(CALENDARS.text, CALENDARS.name)
}
