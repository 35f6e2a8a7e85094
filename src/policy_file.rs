//! A policy as a file for people, and as the event that goes into the log.
//!
//! A merchant writes two small TOML files: the rows of the policy (`acme.toml`) and, beside them, the register of its
//! clauses in the merchant's own words (`clauses/acme.toml`), which the rows cite. A short register may also stand in
//! the policy's own file, under `[[clause]]`; it is the same policy with the same hash. Reading a policy turns both,
//! together with the house rules every merchant shares, into one body:
//!
//! ```json
//! {"policy":{...},"regions":{...},"windows":{...},"entitlement":[...],...,"clauses":[...],"house":{...,"clauses":[...]}}
//! ```
//!
//! Its hash is the SHA-256 of its canonical JSON: comments, blanks, the order of keys and the names of files do not
//! count, every word that a decision rests on does. This module checks that a body can be built and that every row
//! cites clauses that exist; whether the rows make sense is the business of the policy check.

use std::{
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
};

use replay::{
    canonical::{self, BODY_BYTES_MAX},
    event::ledger::{CalendarPublished, PolicyPublished},
    ids::{PolicyId, Word},
    merkle::{Hash, sha256},
    time::Day,
};
use serde_json::{Map, Value};

use self::{
    document::{Document, Node},
    fault::Fault,
    register::{Register, check_cites},
};
use crate::error::{Error, ErrorKind, Result};

mod calendar;
pub mod diff;
mod document;
pub mod embedded;
mod fault;
pub mod lint;
mod places;
mod register;

pub use places::Places;

/// Longest text of one file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 * 1024;
/// Longest body of a policy, in bytes of canonical JSON: an event less 2 KB for its envelope.
pub const POLICY_BYTES_MAX: usize = BODY_BYTES_MAX - 2_048;

/// What may stand at the top of a policy file, and in which shape.
const TABLES: [(&str, Shape); 19] = [
    ("policy", Shape::Policy),
    ("regions", Shape::Named),
    ("windows", Shape::Named),
    ("entitlement", Shape::Rows),
    ("requirement", Shape::Rows),
    ("variant", Shape::Rows),
    ("fee", Shape::Rows),
    ("component", Shape::Rows),
    ("cost", Shape::Rows),
    ("never", Shape::Rows),
    ("payout", Shape::Rows),
    ("authorization", Shape::One),
    ("risk", Shape::One),
    ("refund_trace", Shape::One),
    ("sla", Shape::Rows),
    ("notice", Shape::Rows),
    ("discretion", Shape::Rows),
    ("info", Shape::Rows),
    ("clause", Shape::Clauses),
];

/// What a row is about, when people speak of it: the first of these fields that it has.
const TITLE_KEYS: [&str; 8] = ["id", "point", "cost", "component", "stage", "on", "to", "remedy"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// `[policy]`: what the policy is.
    Policy,
    /// `[windows]` with one row under each name.
    Named,
    /// `[[fee]]`, any number of rows.
    Rows,
    /// `[risk]`, a single row.
    One,
    /// `[[clause]]`, the register.
    Clauses,
}

/// A policy that can be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFile {
    /// The event to append.
    pub published: PolicyPublished,
    /// Length of the body's canonical JSON, of at most [`POLICY_BYTES_MAX`].
    pub body_bytes: usize,
}

/// A policy with the line of everything in it, so that it can be examined ([`lint::lint`]).
#[derive(Debug, Clone)]
pub struct Draft {
    /// What would be published.
    pub policy: PolicyFile,
    /// Where it stands.
    pub places: Places,
}

/// Reads a policy file, and the clause register beside it when `policy.clauses` names one. The house rules are those
/// of this program, [`embedded::HOUSE`].
///
/// # Errors
/// A file that is not there or cannot be read ([`Error::io`]); with file, line and hint: `not_utf8`, `file_is_too_long`,
/// `register_path_is_unsafe` when `policy.clauses` leads out of the policy's folder, and all of [`parse`].
pub fn read(path: &Path) -> Result<PolicyFile> {
    draft(path).map(|draft| draft.policy)
}

/// As [`read`], with the places.
///
/// # Errors
/// As [`read`].
pub fn draft(path: &Path) -> Result<Draft> {
    let name = path.display().to_string();
    let text = text_of(path)?;
    let policy = Document::parse(&name, &text)?;
    let house = house(embedded::HOUSE.name, embedded::HOUSE.text)?;
    let Some(entry) = register_entry(&policy)? else { return assemble(&policy, None, house) };
    let beside = register_path(path, &entry)?;
    if !lies_below(path, &beside) {
        return Err(entry.fault(Fault::RegisterPathIsUnsafe));
    }
    let hint = "policy.clauses is relative to the folder of the policy";
    let beside_text = text_of(&beside).map_err(|why| entry.placed(why, hint))?;
    let beside_name = beside.display().to_string();
    assemble(&policy, Some(&Document::parse(&beside_name, &beside_text)?), house)
}

/// Reads a policy from text. `clauses` is the text of the file that `policy.clauses` names, if it names one; `house` is
/// the text of the house rules; `name` is what errors call the policy's file.
///
/// # Errors
/// Text that is no TOML; numbers with a fraction or beyond 2^53-1; times of day; tables nobody knows; missing or
/// mistyped `policy.id`, `name`, `version`, `effective_from`; rows without cites, cites without a clause, clauses told
/// twice; a body longer than [`POLICY_BYTES_MAX`]. Each with file, line and hint.
pub fn parse(text: &str, clauses: Option<&str>, house: &str, name: &str) -> Result<PolicyFile> {
    draft_of(text, clauses, house, name).map(|draft| draft.policy)
}

/// As [`parse`], with the places.
///
/// # Errors
/// As [`parse`].
pub fn draft_of(text: &str, clauses: Option<&str>, house: &str, name: &str) -> Result<Draft> {
    let policy = Document::parse(name, text)?;
    let house = self::house(embedded::HOUSE.name, house)?;
    match (register_entry(&policy)?, clauses) {
        (None, None) => assemble(&policy, None, house),
        (Some(entry), Some(clauses)) => {
            let beside = register_path(Path::new(name), &entry)?.display().to_string();
            assemble(&policy, Some(&Document::parse(&beside, clauses)?), house)
        }
        (Some(entry), None) => Err(entry.fault(Fault::RegisterIsNotGiven)),
        (None, Some(_)) => Err(policy.root().fault(Fault::RegisterIsNotNamed)),
    }
}

/// Reads the public holidays of calendars from text: a table per calendar, with its `source` and a list of dates per
/// year. `name` is what errors call the file.
///
/// # Errors
/// Text that is no TOML, a calendar without a source, years and days that cannot be; each with file, line and hint.
pub fn calendars(text: &str, name: &str) -> Result<Vec<CalendarPublished>> {
    calendar::read(&Document::parse(name, text)?)
}

/// The house rules as they stand in a body, and their register.
fn house(name: &str, text: &str) -> Result<(Value, Register)> {
    let document = Document::parse(name, text)?;
    let root = document.root();
    check_tables(&root, "the house rules", &["house", "clause"])?;
    let rules = root.required("house")?;
    rules.required("id")?.text()?;
    version(&rules)?;
    let register = Register::read(&root, None)?;
    let mut rules = rules.json()?;
    if let Value::Object(rules) = &mut rules {
        rules.insert("clauses".into(), register.json());
    }
    Ok((rules, register))
}

/// The one place where a policy, its register and the house rules become a body.
fn assemble(
    policy: &Document<'_>,
    beside: Option<&Document<'_>>,
    (house, house_register): (Value, Register),
) -> Result<Draft> {
    let root = policy.root();
    check_tables(&root, "a policy", &TABLES.map(|(table, _)| table))?;
    let head = root.required("policy")?;
    let identity = Identity::read(&head)?;
    let register = register(&root, beside, &house_register)?;
    let mut body = Map::new();
    let mut places = Places::default();
    for (table, shape) in TABLES {
        let Some(entry) = root.get(table)? else { continue };
        if shape != Shape::Clauses {
            body.insert(table.into(), entry.json()?);
            places.note(table, &entry)?;
            check_rows(table, shape, &entry, &[&register, &house_register])?;
        }
    }
    // How the register is found is no part of the policy.
    if let Some(Value::Object(head)) = body.get_mut("policy") {
        head.remove("clauses");
    }
    body.insert("clauses".into(), register.json());
    body.insert("house".into(), house);
    let clauses = beside.map_or(root, Document::root).required("clause")?;
    places.note("clauses", &clauses)?;

    let body = Value::Object(body);
    let bytes = canonical::to_bytes(&body)
        .map_err(|why| Error::new(ErrorKind::Internal, "not_canonical", why.to_string()).at(policy.name()))?;
    if bytes.len() > POLICY_BYTES_MAX {
        return Err(head.fault(Fault::BodyIsTooLong { bytes: bytes.len() }));
    }
    let policy = PolicyFile { published: identity.published(sha256(&bytes), body), body_bytes: bytes.len() };
    Ok(Draft { policy, places })
}

/// The clause register, from the one place where it stands.
fn register(root: &Node<'_>, beside: Option<&Document<'_>>, house: &Register) -> Result<Register> {
    match (beside, root.get("clause")?) {
        (Some(beside), None) => {
            check_tables(&beside.root(), "a clause register", &["clause"])?;
            Register::read(&beside.root(), Some(house))
        }
        (None, Some(_)) => Register::read(root, Some(house)),
        (Some(_), Some(inside)) => Err(inside.fault(Fault::RegisterIsThereTwice)),
        (None, None) => Err(root.required("policy")?.fault(Fault::RegisterIsMissing)),
    }
}

/// Nothing stands in a file that nobody would read.
fn check_tables(root: &Node<'_>, file: &'static str, known: &[&str]) -> Result<()> {
    match root.entries()?.into_iter().find(|entry| !known.contains(&entry.key())) {
        Some(entry) => {
            let (table, known) = (entry.key().into(), known.join(", "));
            Err(entry.fault(Fault::TableIsUnknown { table, file, known }))
        }
        None => Ok(()),
    }
}

/// Which policy it is: what the event says beside the body.
struct Identity {
    policy: PolicyId,
    version: u32,
    name: Word,
    effective_from: Day,
}

impl Identity {
    fn read(head: &Node<'_>) -> Result<Self> {
        let (id, name) = (head.required("id")?, head.required("name")?);
        Ok(Self {
            policy: PolicyId::new(id.text()?).map_err(|why| id.fault(Fault::value_is(why.rule)))?,
            version: version(head)?,
            name: Word::new(name.text()?).map_err(|why| name.fault(Fault::value_is(why.rule)))?,
            effective_from: head.required("effective_from")?.day()?,
        })
    }
    fn published(self, sha256: Hash, body: Value) -> PolicyPublished {
        let Self { policy, version, name, effective_from } = self;
        // Versions are dense, so a later one can only supersede the one before it.
        let supersedes = (version > 1).then(|| version - 1);
        PolicyPublished { policy, version, name, effective_from, sha256, supersedes, body }
    }
}

fn version(head: &Node<'_>) -> Result<u32> {
    let version = head.required("version")?;
    match u32::try_from(version.integer()?) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(version.fault(Fault::value_is("it counts 1, 2, 3 and so on"))),
    }
}

/// Every row has cites, and every cite has a clause: so a decision cites by construction.
fn check_rows(table: &str, shape: Shape, entry: &Node<'_>, registers: &[&Register]) -> Result<()> {
    match shape {
        Shape::Clauses => Ok(()),
        Shape::One => check_cites(table, entry, true, registers),
        Shape::Rows => entry
            .rows()?
            .iter()
            .zip(1..)
            .try_for_each(|(row, number)| check_cites(&named(table, number, row), row, true, registers)),
        Shape::Named => entry
            .entries()?
            .iter()
            .try_for_each(|row| check_cites(&format!("{table}.{}", row.key()), row, true, registers)),
        Shape::Policy => {
            if let Some(no_fault) = entry.get("no_fault")? {
                check_cites("policy.no_fault", &no_fault, true, registers)?;
            }
            check_cites(table, entry, false, registers)
        }
    }
}

/// `fee 2 (misuse_service)`: the number of the row in its table, and what it is about.
fn named(table: &str, number: usize, row: &Node<'_>) -> String {
    let title = TITLE_KEYS.iter().find_map(|key| row.get(key).ok().flatten()?.text().ok().map(String::from));
    title.map_or_else(|| format!("{table} {number}"), |title| format!("{table} {number} ({title})"))
}

/// `policy.clauses`, when it is there.
fn register_entry<'d>(policy: &'d Document<'_>) -> Result<Option<Node<'d>>> {
    policy.root().required("policy")?.get("clauses")
}

/// The file that `policy.clauses` names: below the policy's own folder, by a plain relative path.
fn register_path(policy: &Path, entry: &Node<'_>) -> Result<PathBuf> {
    let text = entry.text()?;
    let relative = Path::new(text);
    let is_plain = !text.is_empty()
        && !text.contains(['\\', ':', '\0'])
        && relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_plain {
        return Err(entry.fault(Fault::RegisterPathIsUnsafe));
    }
    Ok(policy.parent().unwrap_or(Path::new("")).join(relative))
}

/// Whether a file lies in the policy's folder when links are followed: a link may lead out where the text does not.
/// A file that is not there is reported when it is opened.
fn lies_below(policy: &Path, file: &Path) -> bool {
    let folder = match policy.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    match (folder.canonicalize(), file.canonicalize()) {
        (Ok(folder), Ok(file)) => file.starts_with(folder),
        _ => true,
    }
}

/// A whole file as text, never more than [`FILE_BYTES_MAX`] and one byte of it.
fn text_of(path: &Path) -> Result<String> {
    let io = |why: std::io::Error| Error::io(path, &why);
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(io)?;
    let name = path.display().to_string();
    if bytes.len() > FILE_BYTES_MAX {
        return Err(Fault::FileIsTooLong.at(&name, 1, ""));
    }
    String::from_utf8(bytes).map_err(|why| {
        let valid = &why.as_bytes()[..why.utf8_error().valid_up_to()];
        Fault::NotUtf8.at(&name, document::line_of(valid, valid.len()), "")
    })
}
