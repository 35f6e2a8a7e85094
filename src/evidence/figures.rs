//! What of a bundle follows from its events: the journal, the totals, the months, the policies, the earlier heads.
//!
//! One description for who writes a bundle and who checks it: what is written here must come out of the events again,
//! byte for byte, whatever a manifest says.

use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
};

use replay::{
    audit::Outcome,
    books::{Books, Sums},
    canonical,
    case::World,
    codec::{Row, open},
    event::Event,
    journal::{Entry, Totals, decimal},
    merkle::Hash,
    money::Currency,
};

use super::folder::shown;
use crate::journal::{Format, Sheet};

/// The journal, one line per posting.
pub const JOURNAL_CSV: &str = "journal.csv";
/// The journal as hledger reads it, with the balances at its end.
pub const JOURNAL_HLEDGER: &str = "journal.hledger";
/// Control totals by merchant, currency and kind.
pub const TOTALS: &str = "totals.csv";
/// Control totals by month and currency, with the seals.
pub const MONTHS: &str = "months.csv";
/// Longest line that is compared, in bytes.
const LINE_BYTES_MAX: u64 = 100_000;
/// Most characters of a line that are shown.
const SHOWN_CHARS_MAX: usize = 300;

/// The journal in every form that a bundle has.
pub struct Journals<'a> {
    csv: Sheet<'a>,
    hledger: Sheet<'a>,
}

impl<'a> Journals<'a> {
    /// Begins the journal of a log.
    ///
    /// # Errors
    /// When it cannot be written, here as below.
    pub fn begin(csv: &'a mut dyn Write, hledger: &'a mut dyn Write, origin: &str) -> std::io::Result<Self> {
        Ok(Self {
            csv: Sheet::begin(csv, Format::Csv, origin)?,
            hledger: Sheet::begin(hledger, Format::Hledger, origin)?,
        })
    }
    /// The next entry.
    ///
    /// # Errors
    /// As [`Journals::begin`].
    pub fn entry(&mut self, entry: &Entry) -> std::io::Result<()> {
        self.csv.entry(entry)?;
        self.hledger.entry(entry)
    }
    /// The end of the journal of so many events.
    ///
    /// # Errors
    /// As [`Journals::begin`].
    pub fn end(self, events: u64, root: &Hash) -> std::io::Result<Totals> {
        self.csv.end(events, root)?;
        self.hledger.end(events, root)
    }
}

/// The file of a policy, when a row publishes one.
pub fn policy(row: &Row<'_>) -> Option<(String, Vec<u8>)> {
    if row.kind != "policy_published" {
        return None;
    }
    let Event::PolicyPublished(policy) = open(row).ok()?.event else { return None };
    let path = format!("policies/{}.v{}.json", policy.policy, policy.version);
    Some((path, canonical::to_bytes(&policy.body).ok()?))
}

/// The small files that follow from a whole replay: path and bytes.
pub fn small(outcome: &Outcome) -> Vec<(String, Vec<u8>)> {
    let mut files = vec![
        (TOTALS.to_owned(), totals(&outcome.books).into_bytes()),
        (MONTHS.to_owned(), months(&outcome.world).into_bytes()),
    ];
    for (_, note) in &outcome.checkpoints {
        let size = note.split('\n').nth(1).unwrap_or_default();
        files.push((format!("checkpoints/{size}"), note.clone().into_bytes()));
    }
    files
}

const SUMS_HEAD: &str = "credits,credited_minor,reversed_minor,failed_minor,stands_minor,stands";

fn sums_cells(sums: &Sums, currency: &str) -> String {
    let stands = sums.net_minor();
    // A currency of the books is one that was parsed before.
    let amount = Currency::parse(currency).map(|currency| decimal(stands.into(), currency));
    let Sums { credits, credited_minor, reversed_minor, failed_minor } = sums;
    let amount = amount.unwrap_or_default();
    format!("{credits},{credited_minor},{reversed_minor},{failed_minor},{stands},{amount}")
}

/// Control totals by merchant, currency and kind. No cell needs quotes, as in the journal.
fn totals(books: &Books) -> String {
    let mut rows: BTreeMap<(&str, &str, &str), Sums> = BTreeMap::new();
    for (key, sums) in &books.totals {
        rows.entry((&key.merchant, &key.currency, &key.kind)).or_default().add(sums);
    }
    let mut text = format!("merchant,currency,kind,{SUMS_HEAD}\n");
    for ((merchant, currency, kind), sums) in rows {
        text.push_str(&format!("{merchant},{currency},{kind},{}\n", sums_cells(&sums, currency)));
    }
    text
}

/// What was posted into every month, by currency, and whether the month is sealed: those figures are its seal's.
fn months(world: &World) -> String {
    let mut rows: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (month, currency, sums) in world.postings.months().filter(|(.., sums)| !sums.is_zero()) {
        let cells = (currency.to_string(), sums_cells(&sums, currency.as_str()));
        rows.entry(month.to_string()).or_default().push(cells);
    }
    let mut seals: BTreeMap<String, (&str, String)> = BTreeMap::new();
    for (month, changes) in world.registry.periods().changes() {
        let Some((position, closed)) = changes.last() else { continue };
        let state = if *closed { "sealed" } else { "reopened" };
        seals.insert(month.to_string(), (state, position.get().to_string()));
        // Also a month without any money can be sealed.
        rows.entry(month.to_string()).or_insert_with(|| vec![(String::new(), ",,,,,".into())]);
    }
    let open = ("open", String::new());
    let mut text = format!("month,state,position,currency,{SUMS_HEAD}\n");
    for (month, cells) in &rows {
        let (state, position) = seals.get(month).unwrap_or(&open);
        for (currency, sums) in cells {
            text.push_str(&format!("{month},{state},{position},{currency},{sums}\n"));
        }
    }
    text
}

/// Takes what a file should hold, line by line, and remembers the first line that is another one in the file.
pub struct Compared<R> {
    file: Option<R>,
    /// What of a line has come so far.
    line: Vec<u8>,
    /// Lines that were compared.
    lines: u64,
    differs: Option<String>,
}

impl<R: BufRead> Compared<R> {
    /// Compares with this file; `None` when there is none that could be it.
    pub fn with(file: Option<R>) -> Self {
        let differs = file.is_none().then(|| "is missing or too long".into());
        Self { file, line: Vec::new(), lines: 0, differs }
    }

    /// The end of what it should hold: what is wrong, if anything is.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn end(mut self) -> std::io::Result<Option<String>> {
        if self.differs.is_none() && !self.line.is_empty() {
            self.compare()?;
        }
        if self.differs.is_none() && !self.next()?.is_empty() {
            self.differs = Some(format!("goes on after line {}, where the events end", self.lines));
        }
        Ok(self.differs)
    }

    fn next(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        if let Some(file) = &mut self.file {
            std::io::Read::take(file, LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        }
        Ok(line)
    }

    fn compare(&mut self) -> std::io::Result<()> {
        let there = self.next()?;
        self.lines += 1;
        if there != self.line {
            // Of long lines the part is shown in which they differ.
            let same = there.iter().zip(&self.line).take_while(|(there, made)| there == made).count();
            let from = if same > SHOWN_CHARS_MAX { same - SHOWN_CHARS_MAX / 4 } else { 0 };
            let (there, made) = (quoted(&there, from), quoted(&self.line, from));
            self.differs = Some(format!("line {} is {there}; the events give {made}", self.lines));
        }
        self.line.clear();
        Ok(())
    }
}

/// A line from one of its bytes on.
fn quoted(line: &[u8], from: usize) -> String {
    if line.is_empty() {
        return "missing".into();
    }
    let text = String::from_utf8_lossy(line.get(from..).unwrap_or_default());
    let text = text.trim_end_matches('\n');
    let cut: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    let before = if from > 0 { "..." } else { "" };
    let after = if cut.len() < text.len() { "..." } else { "" };
    format!("\"{before}{}{after}\"", shown(&cut))
}

impl<R: BufRead> Write for Compared<R> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.differs.is_some() {
                break;
            }
            self.line.extend(part);
            if part.last() == Some(&b'\n') {
                self.compare()?;
            }
        }
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;

    fn compared(file: Option<&str>, pieces: &[&str]) -> Option<String> {
        let mut compared = Compared::with(file.map(str::as_bytes));
        pieces.iter().for_each(|piece| compared.write_all(piece.as_bytes()).unwrap());
        compared.end().unwrap()
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        assert_eq!(compared(Some("a\nb\n"), &["a", "\nb", "\n"]), None);
        assert_eq!(compared(Some("a\nb"), &["a\nb"]), None);
        assert_eq!(compared(Some(""), &[]), None);
        let differs = |file: &str, pieces: &[&str]| compared(Some(file), pieces).unwrap();
        assert_eq!(differs("a\nc\nx\n", &["a\n", "b\n", "d\n"]), "line 2 is \"c\"; the events give \"b\"");
        assert_eq!(differs("a\n", &["a\nb\n"]), "line 2 is missing; the events give \"b\"");
        assert_eq!(differs("a\nb\n", &["a\n"]), "goes on after line 1, where the events end");
        assert_eq!(differs("a\r\n", &["a\n"]), "line 1 is \"a\\r\"; the events give \"a\"");
        assert_eq!(compared(None, &["a\n"]).unwrap(), "is missing or too long");
        let long = |tail: &str| "x".repeat(1_000) + tail;
        let said = differs(&long("a\n"), &[long("b\n").as_str()]);
        assert!(said.contains("xxxa\"; the events give \"...xxx") && said.len() < 400, "{said}");
        assert!(differs(&"x".repeat(200_000), &["a\n"]).len() < 400);
    }
}
