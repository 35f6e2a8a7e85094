//! The books as tables. One function writes them, whether they are served or a shadow of a rebuild.

use replay::books::{BoardRow, Books, ClaimRows, ObligationRow, RefusalRow, Sums, TABLES, TotalKey};
use rusqlite::{Connection, params};
use std::collections::BTreeMap;

use super::{SqliteStore, count, fault, number};
use crate::{error::Result, view::Filter};

/// Suffix of the tables that a rebuild writes before the swap.
const SHADOW: &str = "_shadow";
/// Suffix of the tables that were served before the last rebuild.
const PREVIOUS: &str = "_previous";

/// Whether a table or index is one of the books that are not served: the previous ones, or a shadow in the making.
pub(super) fn is_spare(name: &str) -> bool {
    name.ends_with(PREVIOUS) || name.ends_with(SHADOW)
}
pub(super) fn create(db: &Connection, suffix: &str) -> Result<()> {
    db.execute_batch(&include_str!("books.sql").replace("{suffix}", suffix)).map_err(fault)
}

fn drop_tables(db: &Connection, suffix: &str) -> Result<()> {
    for table in TABLES {
        db.execute_batch(&format!("DROP TABLE IF EXISTS {table}{suffix}")).map_err(fault)?;
    }
    Ok(())
}

pub(super) fn post(
    db: &Connection,
    suffix: &str,
    before: Option<&ClaimRows>,
    after: Option<&ClaimRows>,
) -> Result<()> {
    let unchanged = |old: &ClaimRows, new: &ClaimRows| old.board == new.board;
    if before.zip(after).is_none_or(|(old, new)| !unchanged(old, new)) {
        if let Some(old) = before.filter(|_| after.is_none()) {
            let sql = format!("DELETE FROM claims_board{suffix} WHERE claim = ?1");
            db.prepare_cached(&sql).and_then(|mut s| s.execute([&old.board.claim])).map_err(fault)?;
        }
        if let Some(new) = after {
            put_board(db, suffix, &new.board)?;
        }
    }
    match (before, after) {
        (Some(old), None) => {
            let sql = format!("DELETE FROM claim_detail{suffix} WHERE claim = ?1");
            db.prepare_cached(&sql).and_then(|mut s| s.execute([&old.board.claim])).map_err(fault)?;
        }
        (_, Some(new)) => {
            let sql = format!(
                "INSERT INTO claim_detail{suffix} (claim, detail) VALUES (?1, ?2)
                 ON CONFLICT (claim) DO UPDATE SET detail = excluded.detail"
            );
            let mut put = db.prepare_cached(&sql).map_err(fault)?;
            put.execute([&new.board.claim, &new.detail]).map_err(fault)?;
        }
        (None, None) => {}
    }
    post_totals(db, suffix, before, after)?;
    post_obligations(db, suffix, before, after)
}

fn put_board(db: &Connection, suffix: &str, row: &BoardRow) -> Result<()> {
    let sql = format!(
        "INSERT OR REPLACE INTO claims_board{suffix} VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18)"
    );
    let mut put = db.prepare_cached(&sql).map_err(fault)?;
    put.execute(params![
        row.claim,
        row.order,
        row.merchant,
        row.country,
        row.reason,
        row.stage,
        row.flags,
        row.opened_on,
        row.currency,
        number(row.units_claimed),
        number(row.units_announced),
        number(row.units_authorized),
        number(row.units_received),
        number(row.units_accepted),
        number(row.units_refunded),
        number(row.owed_minor),
        number(row.credited_minor),
        number(row.open_minor),
    ])
    .map_err(fault)?;
    Ok(())
}

/// Takes out what the claim contributed before and adds what it contributes now, in one statement per total.
fn post_totals(
    db: &Connection,
    suffix: &str,
    before: Option<&ClaimRows>,
    after: Option<&ClaimRows>,
) -> Result<()> {
    let empty: &[(TotalKey, Sums)] = &[];
    let old = before.map_or(empty, |rows| &rows.totals);
    let new = after.map_or(empty, |rows| &rows.totals);
    if old == new {
        return Ok(());
    }
    for (key, sums) in old {
        add_total(db, suffix, key, sums, -1)?;
    }
    for (key, sums) in new {
        add_total(db, suffix, key, sums, 1)?;
    }
    let gone = format!(
        "DELETE FROM refund_totals{suffix} WHERE merchant = ?1 AND country = ?2 AND reason = ?3 AND kind = ?4
         AND month = ?5 AND currency = ?6
         AND credits = 0 AND credited_minor = 0 AND reversed_minor = 0 AND failed_minor = 0"
    );
    let mut gone = db.prepare_cached(&gone).map_err(fault)?;
    for (key, _) in old {
        gone.execute(params![key.merchant, key.country, key.reason, key.kind, key.month, key.currency])
            .map_err(fault)?;
    }
    Ok(())
}

fn add_total(db: &Connection, suffix: &str, key: &TotalKey, sums: &Sums, sign: i64) -> Result<()> {
    let sql = format!(
        "INSERT INTO refund_totals{suffix} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT DO UPDATE SET credits = credits + excluded.credits,
             credited_minor = credited_minor + excluded.credited_minor,
             reversed_minor = reversed_minor + excluded.reversed_minor,
             failed_minor = failed_minor + excluded.failed_minor"
    );
    let mut add = db.prepare_cached(&sql).map_err(fault)?;
    let signed = |value: u64| number(value).saturating_mul(sign);
    add.execute(params![
        key.merchant,
        key.country,
        key.reason,
        key.kind,
        key.month,
        key.currency,
        signed(sums.credits),
        signed(sums.credited_minor),
        signed(sums.reversed_minor),
        signed(sums.failed_minor),
    ])
    .map_err(fault)?;
    Ok(())
}

fn post_obligations(
    db: &Connection,
    suffix: &str,
    before: Option<&ClaimRows>,
    after: Option<&ClaimRows>,
) -> Result<()> {
    let empty: &[ObligationRow] = &[];
    let old = before.map_or(empty, |rows| &rows.obligations);
    let new = after.map_or(empty, |rows| &rows.obligations);
    if old == new {
        return Ok(());
    }
    let sql = format!("DELETE FROM obligations{suffix} WHERE claim = ?1 AND what = ?2 AND item = ?3");
    let mut gone = db.prepare_cached(&sql).map_err(fault)?;
    for row in old {
        gone.execute([&row.claim, &row.what, &row.item]).map_err(fault)?;
    }
    put_obligations(db, suffix, new)
}

fn put_obligations(db: &Connection, suffix: &str, rows: &[ObligationRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let sql = format!("INSERT INTO obligations{suffix} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let mut put = db.prepare_cached(&sql).map_err(fault)?;
    for row in rows {
        put.execute(params![
            row.claim,
            row.what,
            row.item,
            row.merchant,
            row.currency,
            number(row.open_minor),
            number(row.open_units),
            row.since,
        ])
        .map_err(fault)?;
    }
    Ok(())
}

pub(super) fn refuse(db: &Connection, suffix: &str, row: &RefusalRow) -> Result<()> {
    let sql = format!("INSERT INTO refusals{suffix} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let mut put = db.prepare_cached(&sql).map_err(fault)?;
    put.execute(params![
        number(row.position),
        row.stream,
        row.kind,
        row.key,
        row.reason,
        row.message,
        row.cites
    ])
    .map_err(fault)?;
    Ok(())
}

pub(super) fn read(db: &Connection, suffix: &str) -> Result<Books> {
    let mut books = Books::default();
    let each = |table: &str, row: &mut dyn FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<()>| -> Result<()> {
        let mut statement = db.prepare(&format!("SELECT * FROM {table}{suffix}")).map_err(fault)?;
        let mut rows = statement.query([]).map_err(fault)?;
        while let Some(next) = rows.next().map_err(fault)? {
            row(next).map_err(fault)?;
        }
        Ok(())
    };
    each("claims_board", &mut |r| {
        let row = board_row(r)?;
        books.board.insert(row.claim.clone(), row);
        Ok(())
    })?;
    each("claim_detail", &mut |r| {
        books.detail.insert(r.get(0)?, r.get(1)?);
        Ok(())
    })?;
    each("refund_totals", &mut |r| {
        let (key, sums) = total_row(r)?;
        books.totals.insert(key, sums);
        Ok(())
    })?;
    each("obligations", &mut |r| {
        let row = obligation_row(r)?;
        books.obligations.insert((row.claim.clone(), row.what.clone(), row.item.clone()), row);
        Ok(())
    })?;
    each("refusals", &mut |r| {
        let row = refusal_row(r)?;
        books.refusals.insert(row.position, row);
        Ok(())
    })?;
    Ok(books)
}

pub(crate) fn board_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<BoardRow> {
    let units = |i: usize| r.get::<_, i64>(i).map(count);
    Ok(BoardRow {
        claim: r.get(0)?,
        order: r.get(1)?,
        merchant: r.get(2)?,
        country: r.get(3)?,
        reason: r.get(4)?,
        stage: r.get(5)?,
        flags: r.get(6)?,
        opened_on: r.get(7)?,
        currency: r.get(8)?,
        units_claimed: units(9)?,
        units_announced: units(10)?,
        units_authorized: units(11)?,
        units_received: units(12)?,
        units_accepted: units(13)?,
        units_refunded: units(14)?,
        owed_minor: units(15)?,
        credited_minor: units(16)?,
        open_minor: units(17)?,
    })
}

pub(super) fn total_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<(TotalKey, Sums)> {
    let key = TotalKey {
        merchant: r.get(0)?,
        country: r.get(1)?,
        reason: r.get(2)?,
        kind: r.get(3)?,
        month: r.get(4)?,
        currency: r.get(5)?,
    };
    let sums = Sums {
        credits: count(r.get(6)?),
        credited_minor: count(r.get(7)?),
        reversed_minor: count(r.get(8)?),
        failed_minor: count(r.get(9)?),
    };
    Ok((key, sums))
}

pub(super) fn obligation_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<ObligationRow> {
    Ok(ObligationRow {
        claim: r.get(0)?,
        what: r.get(1)?,
        item: r.get(2)?,
        merchant: r.get(3)?,
        currency: r.get(4)?,
        open_minor: count(r.get(5)?),
        open_units: count(r.get(6)?),
        since: r.get(7)?,
    })
}

pub(super) fn refusal_row(r: &rusqlite::Row<'_>) -> rusqlite::Result<RefusalRow> {
    Ok(RefusalRow {
        position: count(r.get(0)?),
        stream: r.get(1)?,
        kind: r.get(2)?,
        key: r.get(3)?,
        reason: r.get(4)?,
        message: r.get(5)?,
        cites: r.get(6)?,
    })
}

/// The tables of a rebuild before they are served.
impl SqliteStore {
    /// Begins the books of a rebuild beside those that are served. What an interrupted rebuild left is thrown away.
    ///
    /// # Errors
    /// Storage errors; the served tables are untouched.
    pub fn begin_shadow(&mut self) -> Result<()> {
        self.drop_shadow()?;
        // What was served before the last rebuild goes now, table by table, so that the swap has nothing to drop.
        self.drop_quickly(PREVIOUS)?;
        self.in_one_transaction(|db| create(db, SHADOW))
    }
    /// Writes rows of claims that are not in the shadow yet, but for their totals, and refused acts. In one short
    /// transaction, so that appends never wait long.
    ///
    /// # Errors
    /// Storage errors; the served tables are untouched.
    pub fn put_shadow(&mut self, claims: &[ClaimRows], refusals: &[RefusalRow]) -> Result<()> {
        self.in_one_transaction(|db| {
            claims.iter().try_for_each(|rows| put_shadow(db, rows))?;
            refusals.iter().try_for_each(|row| refuse(db, SHADOW, row))
        })
    }
    /// Writes the totals of the shadow.
    ///
    /// # Errors
    /// Storage errors; the served tables are untouched.
    pub fn put_shadow_totals(&mut self, totals: &BTreeMap<TotalKey, Sums>) -> Result<()> {
        self.in_one_transaction(|db| {
            totals.iter().try_for_each(|(key, sums)| add_total(db, SHADOW, key, sums, 1))
        })
    }
    fn in_one_transaction(&mut self, write: impl FnOnce(&Connection) -> Result<()>) -> Result<()> {
        self.db.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
        match write(&self.db) {
            Ok(()) => self.db.execute_batch("COMMIT").map_err(fault),
            Err(why) => {
                let _ = self.db.execute_batch("ROLLBACK");
                Err(why)
            }
        }
    }
    /// Posts what was appended while the shadow was written. Inside the transaction of the swap.
    ///
    /// # Errors
    /// Storage errors.
    pub fn post_shadow(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) -> Result<()> {
        post(&self.db, SHADOW, before, after)
    }
    /// Puts a refused act on the shadow's list.
    ///
    /// # Errors
    /// Storage errors.
    pub fn refuse_shadow(&mut self, row: &RefusalRow) -> Result<()> {
        refuse(&self.db, SHADOW, row)
    }
    /// Serves the shadow and keeps what was served as the previous books. Inside a transaction.
    ///
    /// # Errors
    /// Storage errors.
    pub fn swap_shadow(&mut self) -> Result<()> {
        drop_tables(&self.db, PREVIOUS)?;
        for table in TABLES {
            let sql = format!(
                "ALTER TABLE {table} RENAME TO {table}{PREVIOUS}; ALTER TABLE {table}{SHADOW} RENAME TO {table};"
            );
            self.db.execute_batch(&sql).map_err(fault)?;
        }
        Ok(())
    }
    /// Drops books that nobody reads. They hold nothing personal, so their pages need not be overwritten.
    fn drop_quickly(&mut self, suffix: &str) -> Result<()> {
        self.db.execute_batch("PRAGMA secure_delete = OFF").map_err(fault)?;
        let dropped = drop_tables(&self.db, suffix);
        self.db.execute_batch("PRAGMA secure_delete = ON").map_err(fault)?;
        dropped
    }
    /// Throws a shadow away.
    ///
    /// # Errors
    /// Storage errors.
    pub fn drop_shadow(&mut self) -> Result<()> {
        drop_tables(&self.db, SHADOW)
    }
}

fn put_shadow(db: &Connection, rows: &ClaimRows) -> Result<()> {
    put_board(db, SHADOW, &rows.board)?;
    let sql = format!("INSERT INTO claim_detail{SHADOW} (claim, detail) VALUES (?1, ?2)");
    db.prepare_cached(&sql).and_then(|mut s| s.execute([&rows.board.claim, &rows.detail])).map_err(fault)?;
    put_obligations(db, SHADOW, &rows.obligations)
}

/// What lists and totals read.
impl SqliteStore {
    /// Rows of the claims board that match, by claim, after `after`, at most `limit`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn board(&mut self, filter: &Filter, after: Option<&str>, limit: u64) -> Result<Vec<BoardRow>> {
        let mut sql = String::from("SELECT * FROM claims_board WHERE claim > ?1");
        let mut values: Vec<String> = vec![after.unwrap_or_default().into()];
        let order = filter.order.as_ref().map(ToString::to_string);
        let equal = [
            ("merchant =", &filter.merchant),
            ("stage =", &filter.stage),
            ("country =", &filter.country),
            ("reason =", &filter.reason),
            ("order_id =", &order),
            ("opened_on >=", &filter.opened_from),
            ("opened_on <=", &filter.opened_to),
        ];
        for (column, value) in equal {
            if let Some(value) = value {
                values.push(value.clone());
                sql.push_str(&format!(" AND {column} ?{}", values.len()));
            }
        }
        if filter.open_money {
            sql.push_str(" AND open_minor > 0");
        }
        sql.push_str(" ORDER BY claim");
        let mut statement = self.db.prepare_cached(&sql).map_err(fault)?;
        let mut rows = statement.query(rusqlite::params_from_iter(&values)).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            let row = board_row(row).map_err(fault)?;
            // Flags are words in one column; the rest was asked of SQLite, so this is the only test left.
            if filter.matches(&row) {
                found.push(row);
                if count_of(&found) >= limit {
                    break;
                }
            }
        }
        Ok(found)
    }
    /// Every refund total.
    ///
    /// # Errors
    /// Storage errors.
    pub fn totals(&mut self) -> Result<Vec<(TotalKey, Sums)>> {
        let mut statement = self.db.prepare("SELECT * FROM refund_totals").map_err(fault)?;
        let rows = statement.query_map([], total_row).map_err(fault)?;
        rows.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    /// What is owed, by claim.
    ///
    /// # Errors
    /// Storage errors.
    pub fn obligations(&mut self) -> Result<Vec<ObligationRow>> {
        let mut statement =
            self.db.prepare("SELECT * FROM obligations ORDER BY claim, what, item").map_err(fault)?;
        let rows = statement.query_map([], obligation_row).map_err(fault)?;
        rows.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    /// Refused acts on one stream.
    ///
    /// # Errors
    /// Storage errors.
    pub fn refusals_of(&mut self, stream: &str) -> Result<Vec<RefusalRow>> {
        let mut statement =
            self.db.prepare("SELECT * FROM refusals WHERE stream = ?1 ORDER BY position").map_err(fault)?;
        let rows = statement.query_map([stream], refusal_row).map_err(fault)?;
        rows.collect::<rusqlite::Result<_>>().map_err(fault)
    }
}

fn count_of<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}
