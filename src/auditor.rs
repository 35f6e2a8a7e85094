//! The auditor's report: is the population complete, which entries deserve a look, who went beyond the rule, which
//! duties were missed. All of it follows from the log alone, so the same log gives the same bytes.
//!
//! ```text
//! entries     money events as a subledger                         entry.rs
//! population  counts, root, set checksum, control totals          population.rs
//! journal     journal-entry tests over the acts among them        journal.rs
//! overrides   approvals, discretion, goodwill, retries, changes   overrides.rs
//! out         JSON, CSV, one page                                 files.rs, csv.rs, page.rs
//! ```
//!
//! The tests are those that AS 2401.61 and AU-C 240.32 ask of journal entries, with each parameter named. They find what
//! is unusual, not what is wrong.

mod csv;
mod entry;
mod files;
mod journal;
mod overrides;
mod page;
mod population;

pub use csv::guarded;
pub use entry::Entry;
pub use files::{File, files, write};
pub use journal::{Found, Hit, Parameters, TESTS};
pub use overrides::{Amended, Granted, Overrides, Retried};
pub use page::page;
pub use population::{Population, Totals, set_checksum};

use replay::{
    history::Cut,
    ids::Position,
    time::{Day, Instant, When},
};
use serde::Serialize;

use crate::{
    error::Result,
    judging::{
        board::{self, ClockRow, MissedCount, MissedRow, States},
        world::Whole,
    },
    store::{Store, sqlite::SqliteStore},
};
use entry::Reader;

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// First local day of the entries and decisions.
    pub from: Option<Day>,
    /// Last one.
    pub to: Option<Day>,
    /// The log as it was at this position; none = all of it.
    pub as_of: Option<Position>,
    /// The moment that clocks are read at; none = when the last event was recorded.
    pub at: Option<When>,
    /// Parameters of the journal-entry tests.
    pub parameters: Parameters,
}

impl Ask {
    /// Whether a day lies in the window.
    fn holds(&self, day: Day) -> bool {
        self.from.is_none_or(|from| day >= from) && self.to.is_none_or(|to| day <= to)
    }
}

/// Everything an auditor is handed.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The ledger's name.
    pub ledger: String,
    /// The program that made the report.
    pub program: &'static str,
    /// First day of the window; none = from the beginning.
    pub from: Option<Day>,
    /// Last day of the window; none = to the end.
    pub to: Option<Day>,
    /// The moment that clocks are read at.
    pub clocks_at: When,
    /// The whole log, whatever the window.
    pub population: Population,
    /// Cases of which not everything could be replayed: they are in no figure below.
    pub not_proved: Vec<String>,
    /// Entries of the window per type and currency.
    pub entries: Vec<TypeSum>,
    /// Entries of the window, for the subledger.
    #[serde(skip)]
    pub subledger: Vec<Entry>,
    /// Parameters of the tests.
    pub parameters: Parameters,
    /// Journal-entry tests over the window.
    pub journal_tests: Vec<Found>,
    /// Who went beyond the rule, and what was changed afterwards.
    pub overrides: Overrides,
    /// Clocks that are late or were met late.
    pub late: Vec<ClockRow>,
    /// Duties to inform that were missed.
    pub missed: Vec<MissedRow>,
    /// How often each duty was missed, in the whole log.
    pub missed_counts: Vec<MissedCount>,
}

impl Report {
    /// Whether the population is complete and every case could be replayed.
    pub fn is_complete(&self) -> bool {
        self.not_proved.is_empty() && self.population.checks.iter().all(|check| check.holds)
    }
}

/// Entries of one type in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TypeSum {
    /// e.g. `refund`.
    pub transaction_type: &'static str,
    /// ISO 4217.
    pub currency: String,
    /// `D`, `C`, or empty where nothing moved.
    pub indicator: &'static str,
    /// How many.
    pub count: u64,
    /// Sum in minor units.
    pub amount_minor: u64,
}

/// Reads a ledger once and makes the report.
///
/// # Errors
/// Storage errors, and an interruption.
pub fn report(store: &mut SqliteStore, ask: &Ask, shown: bool) -> Result<Report> {
    store.begin_read()?;
    let cut = Cut { position: ask.as_of, ..Cut::default() };
    let mut reader = Reader::new(ask);
    let whole = Whole::read_with(store, &cut, shown, &mut |row| reader.row(row));
    store.end_read();
    let whole = whole?;
    let entries = reader.entries(&whole);
    let last = Instant::from_micros(reader.recorded_at()).unwrap_or(Instant::EPOCH);
    let clocks_at = ask.at.unwrap_or(When { at: last, offset_minutes: 0 });
    let wanted = board::Ask {
        at: clocks_at,
        known_at: None,
        policy: None,
        closed: true,
        states: States::default(),
        within_days: None,
        limit: usize::MAX,
    };
    let board = board::board(&whole, &wanted, shown)?;
    let is_late = |row: &ClockRow| matches!(row.state, "late" | "met_late");
    let due = |row: &ClockRow| row.due_at.unwrap_or(row.started).local_day();
    let population = reader.population(&whole, &entries, shown)?;
    let subledger: Vec<Entry> = entries.into_iter().filter(|e| ask.holds(e.day)).collect();
    Ok(Report {
        ledger: store.origin().to_string(),
        program: concat!("claims ", env!("CARGO_PKG_VERSION")),
        from: ask.from,
        to: ask.to,
        clocks_at,
        population,
        not_proved: whole.not_proved.iter().cloned().collect(),
        entries: type_sums(&subledger),
        parameters: ask.parameters.clone(),
        journal_tests: journal::run(&subledger, &ask.parameters),
        overrides: reader.overrides(&whole, &subledger, ask, shown)?,
        subledger,
        late: board.clocks.into_iter().filter(|row| is_late(row) && ask.holds(due(row))).collect(),
        missed: board.missed.into_iter().filter(|row| ask.holds(row.since.local_day())).collect(),
        missed_counts: board.missed_counts,
    })
}

fn type_sums(entries: &[Entry]) -> Vec<TypeSum> {
    let mut sums = std::collections::BTreeMap::<_, (u64, u64)>::new();
    for e in entries {
        let sum = sums.entry((e.transaction_type, e.currency.clone(), e.indicator)).or_default();
        *sum = (sum.0.saturating_add(1), sum.1.saturating_add(e.amount_minor));
    }
    let row = |((transaction_type, currency, indicator), (count, amount_minor))| TypeSum {
        transaction_type,
        currency,
        indicator,
        count,
        amount_minor,
    };
    sums.into_iter().map(row).collect()
}
