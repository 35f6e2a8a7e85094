//! export journal.

use clap::Args;
use serde_json::json;
use std::{
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use replay::{
    journal::{Account, Totals, decimal},
    time::Day,
};

use super::{
    common::Common,
    files::whole_file,
    output::{self, Output, table},
};
use crate::{
    error::{Error, ErrorKind, Result},
    journal::{self, Format, Window, Written},
    progress::Progress,
    store::{Store, sqlite::SqliteStore},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims export journal > shop.journal && hledger -f shop.journal check --strict
  claims export journal --format ledger | ledger -f - --strict --pedantic balance
  claims export journal --format beancount --to shop.beancount && bean-check shop.beancount
  claims export journal --format tackler --to shop.txn --setup conf
  tackler --config conf/tackler.toml --input.file shop.txn
  claims export journal --format csv --from 2024-01-01 --until 2024-03-31 --to q1.csv
  claims export journal --through 12000 --json

One entry per event that moves money, in the order of the log, with the event's id.
Corrections and reversals are entries of their own. A fact of a sealed month is posted
in the next open one. Totals go to stderr, compared with the books. The log must be
sound; every case of it is held in memory, as for claims audit.")]
pub struct JournalArgs {
    /// The program that will read it (--json writes one object per entry instead)
    #[arg(long, value_enum, default_value_t = Format::Hledger)]
    format: Format,
    /// Posted on this day or later
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Option<Day>,
    /// Posted on this day or earlier
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    until: Option<Day>,
    /// Only up to this position of the log: the journal as it was then
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(u64).range(1..))]
    through: Option<u64>,
    /// The file to write [default: stdout]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// For tackler: also write its configuration into this folder
    #[arg(long, value_name = "FOLDER")]
    setup: Option<PathBuf>,
}

impl JournalArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        if self.setup.is_some() && (self.format != Format::Tackler || out.json) {
            return Err(Error::new(
                ErrorKind::Usage,
                "setup_is_for_tackler",
                "--setup belongs to --format tackler",
            )
            .hint("the other formats need no configuration"));
        }
        let mut store = common.read()?;
        store.begin_read()?;
        let written = self.write(&mut store, out);
        store.end_read();
        let written = written?;
        if let Some(folder) = &self.setup {
            std::fs::create_dir_all(folder).map_err(|why| Error::io(folder, &why))?;
            for (name, text) in journal::setup(&written.totals) {
                let path = folder.join(name);
                std::fs::write(&path, text).map_err(|why| Error::io(&path, &why))?;
            }
        }
        if self.to.is_some() {
            out.say(&answer(&written), || format!("wrote {} entries", written.totals.entries))?;
        }
        eprint!("{}", words(&written));
        Ok(())
    }

    fn write(&self, store: &mut SqliteStore, out: Output) -> Result<Written> {
        let tip = store.tip()?.position;
        let rows = self.through.map_or(tip, |through| through.min(tip));
        let progress = Progress::new("journal", rows, self.to.is_some() && !out.json);
        let window = Window { from: self.from, until: self.until, through: self.through };
        let format = if out.json { Format::Json } else { self.format };
        let mut write = |to: &mut dyn Write| journal::export(store, format, &window, to, &progress);
        let written = match self.to.as_deref() {
            None => write(&mut BufWriter::new(output::Quiet(std::io::stdout().lock()))),
            Some(path) => whole_file(path as &Path, write),
        }?;
        progress.done();
        Ok(written)
    }
}

fn answer(written: &Written) -> serde_json::Value {
    let totals = &written.totals;
    let balances: Vec<serde_json::Value> = totals
        .balances
        .iter()
        .map(|((account, currency), minor)| {
            json!({ "account": account.name(), "currency": currency, "balance": decimal(*minor, *currency) })
        })
        .collect();
    json!({
        "entries": totals.entries, "postings": totals.postings, "net": totals.net, "through": written.through,
        "root": written.root, "compared_with_the_books": written.compared.len(), "balances": balances,
    })
}

/// What was written, for people.
fn words(written: &Written) -> String {
    let totals: &Totals = &written.totals;
    let rows: Vec<Vec<String>> = totals
        .turnover
        .iter()
        .map(|(currency, (debits, credits))| {
            let of = |account| totals.balances.get(&(account, *currency)).copied().unwrap_or(0);
            let mut row =
                vec![currency.to_string(), decimal(*debits, *currency), decimal(*credits, *currency)];
            row.push(decimal(of(Account::Refunds).saturating_neg(), *currency));
            row
        })
        .collect();
    let net = match totals.net {
        0 => String::new(),
        n => format!(" ({n} decisions posted as one sum)"),
    };
    let totalled = if rows.is_empty() {
        String::new()
    } else {
        table(&["currency", "debits>", "credits>", "refunds still owed>"], &rows)
    };
    format!(
        "{} entries{net} on {} accounts from {} events, root {}\n{totalled}the whole journal equals the books: {} figures compared\n",
        totals.entries,
        totals.accounts(),
        written.through,
        written.root,
        written.compared.len()
    )
}
