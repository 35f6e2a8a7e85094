//! Historical credits from CSV: rows of somebody else's file become one proposal per credit note.
//!
//! ```text
//! bytes -> rows -> lines -> notes -> proposals      (this module; writes nothing)
//!                                        -> ledger  (the caller, in chunks)
//! ```
//!
//! What is promised:
//!
//! - **No note is imported in part.** A note with a line missing is wrong money for ever. A row that cannot be
//!   read is named by file, line and column, and its whole note is left out; all other notes are imported.
//! - **A row that hides its note stops the import.** When it cannot be told which note an unreadable row belongs
//!   to, it may be the missing line of any; then no note of the file is imported until the row is corrected.
//! - **Nothing is rounded or guessed.** Amounts are integers of minor units, reckoned exactly; a local time that
//!   never was is refused; one that was twice is the earlier, and remarked on.
//! - **Importing again changes nothing.** The note's reference is the external id, so the ledger gives the first
//!   receipt again. An interrupted import completes when it is run again, and so does one whose rows were
//!   corrected.
//! - **Equal rows are still money.** A line's key is `<note>/<ordinal>`, counted in the order of the file.
//!
//! [`Mapping`] has the format of the mapping file; `fixtures/import/README.md` is the guide for people.

mod dates;
mod line;
mod mapping;
mod notes;
mod rows;

use std::{
    collections::HashSet,
    fmt,
    io::{BufReader, Read},
};

use flate2::read::MultiGzDecoder;
use replay::{event::payload::LIST_LEN_MAX, seal::Proposal};
use serde::Serialize;

use self::{
    line::{Cells, Fault},
    notes::Notes,
    rows::{Row, Rows},
};
use crate::error::{Error, Result};

pub use line::NUMBER_DIGITS_MAX;
pub use mapping::{MAPPING_BYTES_MAX, Mapping};
pub use rows::{COLUMNS_MAX, ROW_BYTES_MAX};

/// Longest file, in bytes after decompression. Rows of one note may stand anywhere, so all notes are held in
/// memory: about seven times the size of the file (measured).
pub const FILE_BYTES_MAX: u64 = 1 << 28;
/// Most rows of a note: what a list inside one event may hold.
pub const NOTE_ROWS_MAX: usize = LIST_LEN_MAX;
/// Most rows that are reported one by one; with more, the mapping does not fit the file.
pub const BAD_ROWS_MAX: usize = 10_000;
/// Rows between two calls of the progress callback.
pub const PROGRESS_ROWS: u64 = 1_024;

/// A credit note, ready for the ledger.
#[derive(Debug, Clone)]
pub struct Note {
    /// What to record: a `historical_credit_recorded` that begins the stream of its claim.
    pub proposal: Proposal,
    /// Line of the file on which the note begins.
    pub line: u64,
    /// What a person should know, though it is no fault: two times, a time that was twice, nothing credited.
    pub remarks: Vec<String>,
}

/// A row that cannot be read, and the note that is left out because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadRow {
    /// Name of the file.
    pub file: String,
    /// Physical line on which the row begins, from 1; the header is a line too.
    pub line: u64,
    /// The column, by its name in the header, when one is to blame.
    pub column: Option<String>,
    /// The note that is left out. `None`: it cannot be told, so all notes of the file are left out.
    pub note: Option<String>,
    /// What is wrong, as a sentence without full stop.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if let Some(column) = &self.column {
            write!(f, "column {column}: ")?;
        }
        let left_out = match &self.note {
            Some(note) => format!("note {note} is left out"),
            None => "it may belong to any note, so no note of this file is imported".into(),
        };
        write!(f, "{}\n  {left_out}\nhint: {}", self.message, self.hint)
    }
}

/// Reads a file to its end. `name` is what errors call it, and a name that ends with `.gz` is decompressed.
/// `progress` is told the number of rows read so far, every [`PROGRESS_ROWS`] rows and at the end.
///
/// Gives the notes that can be recorded, in the order of the file, and the rows that keep others from it.
///
/// # Errors
/// What concerns the file as a whole: input faults, broken gzip, no header, a column that is missing or named
/// twice, the limits of file, row and columns, more bad rows than [`BAD_ROWS_MAX`].
pub fn read(
    reader: impl Read,
    name: &str,
    mapping: &Mapping,
    progress: &mut dyn FnMut(u64),
) -> Result<(Vec<Note>, Vec<BadRow>)> {
    if name.to_ascii_lowercase().ends_with(".gz") {
        read_text(MultiGzDecoder::new(BufReader::new(reader)), name, mapping, progress)
    } else {
        read_text(reader, name, mapping, progress)
    }
}

fn read_text(
    mut reader: impl Read,
    name: &str,
    mapping: &Mapping,
    progress: &mut dyn FnMut(u64),
) -> Result<(Vec<Note>, Vec<BadRow>)> {
    let head = rows::head(&mut reader, name)?;
    let input = BufReader::new(head.as_slice().chain(reader));
    let mut rows = Rows::new(input, name, mapping.delimiter, FILE_BYTES_MAX);
    let header = match rows.next()? {
        Some(row) => Header::of(row, name, mapping)?,
        None => {
            return Err(Error::unreadable("no_header", "the file is empty")
                .at(name)
                .hint("the first row names the columns"));
        }
    };
    let mut notes = Notes::new(mapping);
    let mut bad = Vec::new();
    let mut count = 0;
    while let Some(row) = rows.next()? {
        count += 1;
        if count % PROGRESS_ROWS == 0 {
            progress(count);
        }
        if row.is_blank() {
            continue;
        }
        if let Err((owner, fault)) = header.take(row, mapping, &mut notes) {
            bad.push((row.line, owner, fault));
            if bad.len() > BAD_ROWS_MAX {
                return Err(too_many(name, &bad));
            }
        }
    }
    progress(count);
    Ok(settle(name, notes, bad))
}

/// Whose row a bad row is.
#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// Of the note with this reference.
    Note(String),
    /// Of the note with this reference, if sound rows have it too; the row has lost or gained cells before it.
    Perhaps(String),
    Unknown,
}

/// The header row: where the mapped columns are.
struct Header {
    names: Vec<String>,
    /// For each slot of the mapping, the index of its cell.
    places: Vec<usize>,
}

impl Header {
    fn of(row: &Row, name: &str, mapping: &Mapping) -> Result<Self> {
        let at = format!("{name}:{}", row.line);
        if row.len() > COLUMNS_MAX {
            let message = format!("the file has more than {COLUMNS_MAX} columns");
            return Err(Error::unreadable("too_many_columns", message)
                .at(at)
                .hint("take out those not needed"));
        }
        let mut header = Self { names: Vec::new(), places: Vec::new() };
        shape(row, &header.names, row.len()).map_err(|fault| {
            Error::unreadable("bad_header", format!("in the header, {}", fault.message))
                .at(&at)
                .hint(fault.hint)
        })?;
        for cell in row.cells() {
            let cell = String::from_utf8_lossy(cell);
            header.names.push(if mapping.trim { cell.trim().into() } else { cell.into() });
        }
        for column in &mapping.columns {
            let mut found = header.names.iter().enumerate().filter(|(_, name)| *name == column);
            let hint = format!("the columns are: {}", header.names.join(" | "));
            match (found.next(), found.next()) {
                (Some((place, _)), None) => header.places.push(place),
                (None, _) => {
                    let message = format!("there is no column {column:?}, which the mapping names");
                    return Err(Error::unreadable("column_missing", message).at(at).hint(hint));
                }
                (Some(_), Some(_)) => {
                    let message = format!("two columns have the name {column:?}, which the mapping names");
                    return Err(Error::unreadable("column_named_twice", message).at(at).hint(hint));
                }
            }
        }
        Ok(header)
    }

    fn take(
        &self,
        row: &Row,
        mapping: &Mapping,
        notes: &mut Notes<'_>,
    ) -> std::result::Result<(), (Owner, Fault)> {
        let cells = Cells { mapping, places: &self.places, row };
        shape(row, &self.names, self.names.len()).map_err(|fault| (self.owner(cells), fault))?;
        let reference = cells.text(mapping.note);
        if reference.is_empty() {
            let fault =
                cells.fault(mapping.note, "names no note", "every row needs the reference of its note");
            return Err((Owner::Unknown, fault));
        }
        let line = line::read(cells);
        notes.add(cells, line).map_err(|fault| (Owner::Note(reference.into()), fault))
    }

    /// Whose a row is that has no sound shape. It is better not to know than to name the wrong note: that
    /// note's true owner would be imported without this row.
    fn owner(&self, cells: Cells<'_>) -> Owner {
        let row = cells.row;
        let place = cells.place(cells.mapping.note);
        let reference = cells.text(cells.mapping.note);
        let legible = !reference.is_empty() && !reference.contains(char::is_control);
        let whole = row.len() == self.names.len();
        // An open quote may have swallowed rows of other notes, and before it nothing is certain.
        let swallowed = row.last_line > row.line && (row.fault.is_some() || !whole);
        if !legible || swallowed || row.fault.is_some_and(|(cell, _)| cell == place) {
            Owner::Unknown
        } else if whole || place == 0 {
            Owner::Note(reference.into())
        } else {
            Owner::Perhaps(reference.into())
        }
    }
}

/// Whether a row has as many cells as the header, and all of them are text.
fn shape(row: &Row, names: &[String], columns: usize) -> std::result::Result<(), Fault> {
    let name = |cell: usize| names.get(cell).map(String::as_str);
    if let Some((cell, what)) = row.fault {
        let hint = "a cell with quotes in it stands in quotes itself, and its own quotes are doubled";
        return Err(Fault::new(name(cell), what, hint));
    }
    if row.len() != columns {
        let cells =
            if row.len() > COLUMNS_MAX { format!("more than {COLUMNS_MAX}") } else { row.len().to_string() };
        let message = format!("the row has {cells} cells, the header has {columns}");
        let hint = "a cell with a delimiter in it stands in quotes; rows that are no part of a note, like totals, are taken out";
        return Err(Fault::new(None, message, hint));
    }
    for (index, cell) in row.cells().enumerate() {
        let Ok(text) = std::str::from_utf8(cell) else {
            let hint =
                "files are read as UTF-8 only; convert it, for example with iconv -f WINDOWS-1252 -t UTF-8";
            return Err(Fault::new(name(index), "the cell is not UTF-8", hint));
        };
        if let Some(c) = text.chars().find(|c| c.is_control()) {
            let message = match c {
                '\n' => "the cell holds a line break".into(),
                c => format!("the cell holds the control character U+{:04X}", u32::from(c)),
            };
            return Err(Fault::new(
                name(index),
                message,
                "take it out; texts in the ledger are single lines",
            ));
        }
    }
    Ok(())
}

/// Names the note of every bad row, and keeps the notes that none of them touches.
fn settle(file: &str, notes: Notes<'_>, bad: Vec<(u64, Owner, Fault)>) -> (Vec<Note>, Vec<BadRow>) {
    let (drafts, misfits) = notes.finish();
    let known: HashSet<&str> = drafts.iter().map(|(reference, _)| reference.as_str()).collect();
    let misfits = misfits.into_iter().map(|(line, reference, fault)| (line, Owner::Note(reference), fault));
    let mut rows: Vec<BadRow> = bad
        .into_iter()
        .chain(misfits)
        .map(|(line, owner, Fault { column, message, hint })| {
            let note = match owner {
                Owner::Note(reference) => Some(reference),
                Owner::Perhaps(reference) => known.contains(reference.as_str()).then_some(reference),
                Owner::Unknown => None,
            };
            BadRow { file: file.into(), line, column, note, message, hint }
        })
        .collect();
    rows.sort_by_key(|row| row.line);
    if rows.iter().any(|row| row.note.is_none()) {
        return (Vec::new(), rows);
    }
    let left_out: HashSet<&str> = rows.iter().filter_map(|row| row.note.as_deref()).collect();
    let kept = drafts.into_iter().filter(|(reference, _)| !left_out.contains(reference.as_str()));
    (kept.filter_map(|(_, note)| note).collect(), rows)
}

fn too_many(name: &str, bad: &[(u64, Owner, Fault)]) -> Error {
    let first =
        bad.iter().take(5).map(|(line, _, fault)| format!("{name}:{line}: {}", fault.message)).collect();
    Error::unreadable(
        "too_many_bad_rows",
        format!("more than {BAD_ROWS_MAX} rows cannot be read; nothing is imported"),
    )
    .at(name)
    .details(first)
    .hint("the mapping does not seem to fit this file")
}
