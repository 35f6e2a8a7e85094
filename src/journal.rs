//! The journal as text that accountants' programs read: hledger, ledger, beancount, tackler, CSV, and JSON lines.
//!
//! The engine says what is posted (`replay::journal`), here it is written down. Amounts have as many digits as their
//! currency has, never more; the order is that of the log, whatever the days; every file ends with balances that its
//! reader must arrive at, and with a line feed.

mod beancount;
mod lines;
mod plain;
mod tackler;

pub use tackler::setup;

use replay::{
    case::Broken,
    codec::Row,
    journal::{Account, Compared, Entry, Journal, Totals},
    merkle::Hash,
    money::Currency,
    time::Day,
};
use std::{collections::BTreeSet, io::Write, ops::ControlFlow};

use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
    store::{Span, Store},
};

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 4_096;
/// The day on which accounts are opened, where a format wants one: before every day the ledger accepts.
pub const OPENED_ON: &str = "1969-01-01";

/// What a journal is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// hledger: check --strict passes
    Hledger,
    /// ledger: --strict --pedantic is silent
    Ledger,
    /// beancount: bean-check passes with no tolerance
    Beancount,
    /// tackler: strict and audit mode; --setup writes its configuration
    Tackler,
    /// One line per posting, for spreadsheets and databases
    Csv,
    /// One JSON object per entry
    #[value(skip)]
    Json,
}

/// Which part of the journal is written.
#[derive(Debug, Clone, Copy, Default)]
pub struct Window {
    /// Posted on this day or later.
    pub from: Option<Day>,
    /// Posted on this day or earlier.
    pub until: Option<Day>,
    /// Up to this position of the log, as it was then.
    pub through: Option<u64>,
}

impl Window {
    fn shows(&self, day: Day) -> bool {
        self.from.is_none_or(|from| day >= from) && self.until.is_none_or(|until| day <= until)
    }
}

/// What was written, and whether it is what the books say.
#[derive(Debug)]
pub struct Written {
    /// Events read.
    pub through: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// What the entries in the file add up to.
    pub totals: Totals,
    /// The whole journal's figures beside those of the books.
    pub compared: Vec<Compared>,
}

/// A journal that is being written: begun, filled with entries in order of position, ended.
pub struct Sheet<'a> {
    out: &'a mut dyn Write,
    format: Format,
    /// Currencies that were declared: each is, just before its first entry.
    declared: BTreeSet<Currency>,
    last_day: Option<Day>,
    totals: Totals,
}

impl Sheet<'_> {
    fn line(&mut self, text: &str) -> std::io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")
    }
}

impl<'a> Sheet<'a> {
    /// Begins the journal of a ledger.
    ///
    /// # Errors
    /// When `out` cannot be written, here as below.
    pub fn begin(out: &'a mut dyn Write, format: Format, ledger: &str) -> std::io::Result<Self> {
        let mut sheet =
            Self { out, format, declared: BTreeSet::new(), last_day: None, totals: Totals::default() };
        match format {
            Format::Hledger | Format::Ledger => plain::head(&mut sheet, ledger),
            Format::Beancount => beancount::head(&mut sheet, ledger),
            Format::Csv => lines::csv_head(&mut sheet),
            Format::Tackler | Format::Json => Ok(()),
        }?;
        Ok(sheet)
    }
    /// The next entry.
    ///
    /// # Errors
    /// As [`Sheet::begin`].
    pub fn entry(&mut self, entry: &Entry) -> std::io::Result<()> {
        self.totals.add(entry);
        self.last_day = self.last_day.max(Some(entry.day));
        let new = self.declared.insert(entry.currency);
        match self.format {
            Format::Hledger | Format::Ledger => plain::entry(self, entry, new),
            Format::Beancount => beancount::entry(self, entry, new),
            Format::Tackler => tackler::entry(self, entry),
            Format::Csv => lines::csv(self, entry),
            Format::Json => lines::json(self, entry),
        }
    }
    /// The end: what its reader must arrive at, and which part of the log this is the journal of. Gives what the entries
    /// add up to.
    ///
    /// # Errors
    /// As [`Sheet::begin`].
    pub fn end(mut self, through: u64, root: &Hash) -> std::io::Result<Totals> {
        let balances: Vec<((Account, Currency), i128)> =
            self.totals.balances.iter().map(|(key, minor)| (*key, *minor)).collect();
        let read = format!("{} entries of {through} events, root {root}", self.totals.entries);
        match self.format {
            Format::Hledger | Format::Ledger => plain::tail(&mut self, &balances, &read),
            Format::Beancount => beancount::tail(&mut self, &balances, &read),
            Format::Tackler | Format::Csv | Format::Json => Ok(()),
        }?;
        self.out.flush()?;
        Ok(self.totals)
    }
}

fn unwritable(why: &std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "output_unusable", why.to_string())
        .hint("check the disk and the rights of the file")
}

/// Gives every entry of the journal in order of position.
///
/// # Errors
/// Storage errors, an interruption, what `take` returns, and a broken log: nothing is skipped, so nothing after it can be
/// posted.
pub fn each_entry<S: Store>(
    store: &mut S,
    through: Option<u64>,
    progress: &Progress,
    take: &mut dyn FnMut(Entry) -> Result<()>,
) -> Result<Journal> {
    let mut journal = Journal::default();
    let last = through.unwrap_or(u64::MAX);
    let mut ended = Ok(());
    store.scan(Span { first: 1, last }, &mut |row: &Row<'_>| {
        ended = match journal.row(row) {
            Ok(Some(entry)) => take(entry),
            Ok(None) => Ok(()),
            Err(why) => Err(broken(&why)),
        };
        if ended.is_ok() && row.position.is_multiple_of(PROGRESS_ROWS) {
            ended = progress.reach(row.position);
        }
        if ended.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    ended?;
    Ok(journal)
}

fn broken(why: &Broken) -> Error {
    Error::new(ErrorKind::BrokenLog, "log_is_broken", why.to_string())
        .hint("claims audit names everything that is wrong; --through writes the journal up to before it")
}

/// Writes the journal.
///
/// # Errors
/// As [`each_entry`], and when the journal's totals are not those of the books.
pub fn export<S: Store>(
    store: &mut S,
    format: Format,
    window: &Window,
    out: &mut dyn Write,
    progress: &Progress,
) -> Result<Written> {
    let ledger = store.origin().to_string();
    let mut sheet = Sheet::begin(out, format, &ledger).map_err(|why| unwritable(&why))?;
    let journal = each_entry(store, window.through, progress, &mut |entry| {
        if !entry.is_even() {
            return Err(differs(format!("the entry of event {} is not even", entry.event_id)));
        }
        if window.shows(entry.day) { sheet.entry(&entry).map_err(|why| unwritable(&why)) } else { Ok(()) }
    })?;
    let (through, root) = (journal.events(), journal.root());
    let totals = sheet.end(through, &root).map_err(|why| unwritable(&why))?;
    let compared = journal.compared();
    prove(&compared)?;
    Ok(Written { through, root, totals, compared })
}

/// Whether every figure of the books is that of the journal.
///
/// # Errors
/// The first one that is not.
pub fn prove(compared: &[Compared]) -> Result<()> {
    let Some(wrong) = compared.iter().find(|c| !c.agrees()) else { return Ok(()) };
    Err(differs(format!(
        "{} of {} in {}: the books say {}, the journal {}, in minor units",
        wrong.what, wrong.merchant, wrong.currency, wrong.books_minor, wrong.journal_minor
    )))
}

/// Cannot happen, which is why it is looked at every time.
fn differs(what: String) -> Error {
    Error::new(ErrorKind::Internal, "journal_differs", what)
        .hint("do not use this journal; please report it with the output of claims audit")
}
