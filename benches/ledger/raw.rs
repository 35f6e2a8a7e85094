//! The floor of every append: rows that a ledger holds, inserted again with rusqlite and nothing else.

use rusqlite::{Connection, Statement, types::Value};
use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{Clock, Measured};

/// Which rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// The events, with the indexes by stream and by event id.
    Events,
    /// Everything that is no projection: events, keys, claims of orders, personal values.
    Log,
}

/// Tables with the column that is the position of their event, or tells it.
const TABLES: [(&str, &str); 4] = [
    ("events", "SELECT position, * FROM events"),
    ("keys", "SELECT position, * FROM keys"),
    (
        "claim_orders",
        "SELECT position, o.* FROM claim_orders o JOIN events ON stream = 'claim/' || claim AND revision = 1",
    ),
    ("personal", "SELECT position, * FROM personal"),
];

/// Inserts the rows of a ledger into new tables of the same shape, so many events per sync.
pub fn floor(ledger: &Path, group: usize, which: Floor) -> Measured {
    let path = ledger.with_extension("raw.db");
    let (db, tables) = empty_copy(ledger, &path, which);
    let rows = rows(ledger, tables);
    let mut inserts: Vec<Statement<'_>> = tables.iter().map(|(table, _)| insert(&db, table)).collect();
    let mut waits = Vec::new();
    let clock = Clock::start();
    for chunk in rows.chunks(group) {
        let asked = Instant::now();
        db.execute_batch("BEGIN IMMEDIATE").expect("begin");
        for (table, values) in chunk.iter().flatten() {
            inserts[*table].execute(rusqlite::params_from_iter(values)).expect("an insert");
        }
        db.execute_batch("COMMIT").expect("commit");
        waits.push(asked.elapsed());
    }
    let measured = clock.stop(rows.len(), Vec::new());
    drop(inserts);
    drop(db);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", path.display()));
    }
    let waits: Vec<Duration> = if group == 1 { waits } else { Vec::new() };
    Measured { waits, ..measured }
}

fn empty_copy<'a>(ledger: &Path, path: &Path, which: Floor) -> (Connection, &'a [(&'a str, &'a str)]) {
    let db = Connection::open(path).expect("a file");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
         PRAGMA cache_size = -65536;",
    )
    .expect("settings");
    let tables = if which == Floor::Log { &TABLES[..] } else { &TABLES[..1] };
    let log = Connection::open(ledger).expect("the ledger");
    let sql =
        "SELECT sql FROM sqlite_schema WHERE tbl_name = ?1 AND type IN ('table', 'index') AND sql IS NOT NULL
               ORDER BY type DESC";
    let mut schema = log.prepare(sql).expect("the schema");
    for (table, _) in tables {
        let texts = schema.query_map([table], |row| row.get::<_, String>(0)).expect("the schema");
        for text in texts {
            db.execute_batch(&text.expect("a text")).expect("a table");
        }
    }
    (db, tables)
}

fn insert<'a>(db: &'a Connection, table: &str) -> Statement<'a> {
    let columns = db.prepare(&format!("SELECT * FROM {table}")).expect("columns").column_count();
    let marks = vec!["?"; columns].join(", ");
    db.prepare(&format!("INSERT INTO {table} VALUES ({marks})")).expect("an insert")
}

/// A row and the number of its table.
type TableRow = (usize, Vec<Value>);

/// Every event of a ledger with the rows that were written along with it.
fn rows(ledger: &Path, tables: &[(&str, &str)]) -> Vec<Vec<TableRow>> {
    let log = Connection::open(ledger).expect("the ledger");
    let last: i64 = log.query_row("SELECT position FROM tip", [], |row| row.get(0)).expect("a tip");
    let mut all = vec![Vec::new(); usize::try_from(last).expect("a number")];
    for (table, (_, sql)) in tables.iter().enumerate() {
        let mut statement = log.prepare(sql).expect("a statement");
        let columns = statement.column_count();
        let mut rows = statement.query([]).expect("rows");
        while let Some(row) = rows.next().expect("a row") {
            let position: i64 = row.get(0).expect("a position");
            let place = usize::try_from(position - 1).expect("a position");
            let values = (1..columns).map(|i| row.get(i).expect("a value")).collect();
            all[place].push((table, values));
        }
    }
    all
}
