//! Totals from segments, grouped by any column: only the columns that are asked for are read, on as many threads as there
//! are; what the log has after the last segment is derived on the way, so the answer is that of the log as it stands.

use replay::audit::Table as Map;
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use super::{
    derive::derive,
    manifest::{Folder, Manifest, unfit},
    read::{Slice, Values, columns},
    table::{Batch, Cells, EVENTS, Form, MOVEMENTS, Table, shown},
};
use crate::{
    error::{Error, ErrorKind, Result},
    store::{Store, sqlite::SqliteStore},
};

/// Most columns that are grouped by at once.
const BY_MAX: usize = 8;

/// What is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Figures {
    /// The refund totals: credits, credited, reversed, failed.
    Money,
    /// Events, and the amounts they are about.
    Events,
}

impl Figures {
    /// The table they stand in.
    pub fn table(self) -> &'static Table {
        match self {
            Figures::Money => &MOVEMENTS,
            Figures::Events => &EVENTS,
        }
    }
    /// The columns that are added up. Rows are always counted.
    pub fn sums(self) -> &'static [&'static str] {
        match self {
            Figures::Money => &["credits", "credited_minor", "reversed_minor", "failed_minor"],
            Figures::Events => &["amount_minor"],
        }
    }
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is added up.
    pub figures: Figures,
    /// Columns to group by. Amounts are always of one currency.
    pub by: Vec<String>,
}

/// One group of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// One per column that is grouped by; `None` where it is empty.
    pub names: Vec<Option<String>>,
    /// Of the amounts; `None` for rows without one.
    pub currency: Option<String>,
    /// Rows in it.
    pub rows: u64,
    /// One per column that is added up, amounts in minor units.
    pub sums: Vec<i64>,
}

/// An answer and what it was read from.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Its groups, by name.
    pub groups: Vec<Group>,
    /// Events of the log that it is about.
    pub events: u64,
    /// How many of them came from segments; the others were read from the log.
    pub from_segments: u64,
}

/// Answers a question about the log as it stands.
///
/// # Errors
/// [`ErrorKind::Usage`] for a column that is not there; [`ErrorKind::Unreadable`] for a segment that does not fit: nothing of
/// it is used; no segments, [`ErrorKind::Busy`], a sum beyond 63 bits.
pub fn answer(ledger: &Path, folder: &Folder, question: &Question) -> Result<Answer> {
    let asked = Asked::of(question)?;
    let mut store = SqliteStore::open_read_only(ledger)?;
    let _held = folder.hold(false)?;
    let standing = folder.look(store.origin())?;
    standing.all_fit()?;
    let tip = store.tip()?.position;
    if standing.last() > tip || !standing.is_of(&mut store)? {
        return Err(unfit(&folder.dir().display().to_string(), "their tree is not that of the log"));
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<Groups> {
        let mut groups = Groups::default();
        while let Some(manifest) = standing.fit.get(next.fetch_add(1, Ordering::Relaxed)) {
            asked.segment(folder, manifest, &mut groups)?;
        }
        Ok(groups)
    };
    let workers = thread::available_parallelism().map_or(1, usize::from).min(standing.fit.len());
    let mut groups = thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut all = Groups::default();
        for thread in threads {
            match thread.join() {
                Ok(groups) => groups?.into_iter().try_for_each(|(name, sums)| add(&mut all, name, &sums))?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok::<Groups, Error>(all)
    })?;
    let mut first = standing.last() + 1;
    while first <= tip {
        let last = tip.min(first + folder.span() - 1);
        let derived = derive(&mut store, first, last, &mut |_| Ok(()))?;
        let batch = if asked.table.name == EVENTS.name { &derived.events } else { &derived.movements };
        asked.batch(batch, &mut groups)?;
        first = last + 1;
    }
    // What was added and taken back leaves nothing, and is not told of.
    let groups = groups
        .into_iter()
        .filter(|(_, sums)| sums.figures != [0; SUMS_MAX] || question.figures == Figures::Events);
    Ok(Answer {
        groups: groups.map(|(name, sums)| asked.group(name, &sums)).collect(),
        events: tip,
        from_segments: standing.last(),
    })
}

/// Most columns that are added up.
const SUMS_MAX: usize = 4;

/// Names of a group, the currency last.
type Name = Vec<Option<String>>;
type Groups = BTreeMap<Name, Sums>;

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: u64,
    figures: [i64; SUMS_MAX],
}

fn add(groups: &mut Groups, name: Name, sums: &Sums) -> Result<()> {
    let total = groups.entry(name).or_default();
    total.rows += sums.rows;
    for (total, more) in total.figures.iter_mut().zip(sums.figures) {
        *total = total.checked_add(more).ok_or_else(too_large)?;
    }
    Ok(())
}

fn too_large() -> Error {
    Error::new(
        ErrorKind::Refused,
        "sum_is_too_large",
        "a sum is beyond 9,223,372,036,854,775,807 minor units",
    )
    .hint("group by more columns")
}

/// A question with its columns found.
struct Asked {
    table: &'static Table,
    /// The currency is the last.
    by: Vec<usize>,
    sums: Vec<usize>,
}

impl Asked {
    fn of(question: &Question) -> Result<Self> {
        let table = question.figures.table();
        if question.by.len() > BY_MAX {
            let text = format!("at most {BY_MAX} columns can be grouped by at once");
            return Err(Error::new(ErrorKind::Usage, "too_many_columns", text));
        }
        let by = question.by.iter().map(String::as_str).chain(["currency"]).map(|name| table.place(name));
        let sums = question.figures.sums().iter().map(|name| table.place(name));
        Ok(Self { table, by: by.collect::<Result<_>>()?, sums: sums.collect::<Result<_>>()? })
    }
    fn form(&self, place: usize) -> Form {
        self.table.columns.get(place).map_or(Form::Text, |column| column.form)
    }
    fn group(&self, mut name: Name, sums: &Sums) -> Group {
        let currency = name.pop().flatten();
        let sums_of = sums.figures.iter().take(self.sums.len()).copied().collect();
        Group { names: name, currency, rows: sums.rows, sums: sums_of }
    }

    /// Adds the rows of one segment.
    fn segment(&self, folder: &Folder, manifest: &Manifest, groups: &mut Groups) -> Result<()> {
        let places: Vec<usize> = self.by.iter().chain(&self.sums).copied().collect();
        let read = columns(folder, manifest, self.table, &places)?;
        let mut of_row = vec![0u32; read.rows()];
        let mut names: Vec<Name> = vec![Vec::new()];
        for place in &self.by {
            let mut coder = Coder::default();
            let mut codes = Vec::with_capacity(read.rows());
            read.each(*place, &mut |slice| coder.take(slice, &mut codes))?;
            let words = coder.words(self.form(*place));
            names = split(&mut of_row, &codes, &names, &words);
        }
        let mut sums = vec![Sums::default(); names.len()];
        for group in &of_row {
            if let Some(sums) = sums.get_mut(*group as usize) {
                sums.rows += 1;
            }
        }
        for (nth, place) in self.sums.iter().enumerate() {
            let (mut row, mut fits) = (0, true);
            read.each(*place, &mut |slice| {
                let Values::Numbers(values) = &slice.values else { return };
                let mut add = |row: usize, value: i64| {
                    let group = of_row.get(row).map_or(0, |group| *group as usize);
                    let sum = sums.get_mut(group).and_then(|sums| sums.figures.get_mut(nth));
                    let Some(sum) = sum else { return };
                    match sum.checked_add(value) {
                        Some(more) => *sum = more,
                        None => fits = false,
                    }
                };
                if slice.levels.is_empty() {
                    values.iter().enumerate().for_each(|(at, value)| add(row + at, *value));
                    row += values.len();
                } else {
                    let there = slice.levels.iter().enumerate().filter(|(_, level)| **level > 0);
                    there.zip(values.iter()).for_each(|((at, _), value)| add(row + at, *value));
                    row += slice.levels.len();
                }
            })?;
            if !fits {
                return Err(too_large());
            }
        }
        names.into_iter().zip(&sums).try_for_each(|(name, sums)| add(groups, name, sums))
    }

    /// Adds rows in memory.
    fn batch(&self, batch: &Batch, groups: &mut Groups) -> Result<()> {
        let cells = |place: &usize| batch.cells.get(*place);
        for row in 0..batch.rows() {
            let shown = |place: &usize| {
                cells(place).and_then(|cells| shown(self.form(*place), cells.number(row), cells.bytes(row)))
            };
            let mut sums = Sums { rows: 1, ..Sums::default() };
            for (sum, place) in sums.figures.iter_mut().zip(&self.sums) {
                *sum = cells(place).and_then(|cells: &Cells| cells.number(row)).unwrap_or_default();
            }
            add(groups, self.by.iter().map(shown).collect(), &sums)?;
        }
        Ok(())
    }
}

/// Splits groups of rows by one more column.
fn split(of_row: &mut [u32], codes: &[u32], names: &[Name], words: &[Option<String>]) -> Vec<Name> {
    let mut known: Map<(u32, u32), u32> = Map::default();
    let mut new_names: Vec<Name> = Vec::new();
    // Neighbours are often of one group.
    let mut last = None;
    for (group, code) in of_row.iter_mut().zip(codes) {
        let pair = (*group, *code);
        *group = match last {
            Some((same, new)) if same == pair => new,
            _ => *known.entry(pair).or_insert_with(|| {
                let mut name = names.get(pair.0 as usize).cloned().unwrap_or_default();
                name.push(words.get(pair.1 as usize).cloned().flatten());
                new_names.push(name);
                u32::try_from(new_names.len() - 1).unwrap_or(u32::MAX)
            }),
        };
        last = Some((pair, *group));
    }
    new_names
}

/// A number or bytes, or neither.
type Cell = (Option<i64>, Option<Vec<u8>>);

/// Numbers for the different cells of a column.
#[derive(Default)]
struct Coder {
    bytes: Map<Vec<u8>, u32>,
    numbers: Map<i64, u32>,
    /// The number of an empty cell.
    none: Option<u32>,
    /// The cells, by their numbers.
    known: Vec<Cell>,
}

impl Coder {
    fn number(known: &mut Vec<Cell>, cell: Cell) -> u32 {
        known.push(cell);
        // A segment has fewer cells than that.
        u32::try_from(known.len() - 1).unwrap_or(u32::MAX)
    }
    fn take(&mut self, slice: &Slice<'_>, codes: &mut Vec<u32>) {
        let Self { bytes, numbers, none, known } = self;
        let from = codes.len();
        match &slice.values {
            Values::Numbers(values) => codes.extend(
                values
                    .iter()
                    .map(|n| *numbers.entry(*n).or_insert_with(|| Self::number(known, (Some(*n), None)))),
            ),
            Values::Bytes(values) => codes.extend(values.iter().map(|value| {
                let value = value.data();
                match bytes.get(value) {
                    Some(code) => *code,
                    None => {
                        let code = Self::number(known, (None, Some(value.to_vec())));
                        bytes.insert(value.to_vec(), code);
                        code
                    }
                }
            })),
        }
        if slice.levels.is_empty() {
            return;
        }
        let there = codes.split_off(from);
        let mut there = there.into_iter();
        codes.extend(slice.levels.iter().map(|level| match level {
            0 => *none.get_or_insert_with(|| Self::number(known, (None, None))),
            _ => there.next().unwrap_or_default(),
        }));
    }
    fn words(self, form: Form) -> Vec<Option<String>> {
        self.known.into_iter().map(|(number, bytes)| shown(form, number, bytes.as_deref())).collect()
    }
}
