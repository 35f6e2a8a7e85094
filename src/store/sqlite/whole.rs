//! The file from end to end: what only an audit or a rebuild reads.

use replay::{
    audit::Table,
    codec::Row,
    ids::Stream,
    multiset::{Multiset, MultisetKey},
    seal::PersonalRow,
};
use rusqlite::{Connection, Statement, params, types::ValueRef};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    ops::ControlFlow,
};

use super::{COLUMNS, SqliteStore, books, borrowed, count, fault, file, number};
use crate::error::Result;

/// Which events are the last ones of their case: a bit for every position.
#[derive(Debug, Default)]
pub struct Ends {
    bits: Vec<u64>,
}

impl Ends {
    /// Whether no event of the case at this position comes after it, as the indexes have it.
    pub fn at(&self, position: u64) -> bool {
        let word = usize::try_from(position / 64).ok().and_then(|word| self.bits.get(word));
        word.is_some_and(|word| word >> (position % 64) & 1 == 1)
    }
    fn set(&mut self, position: u64) {
        let Ok(word) = usize::try_from(position / 64) else { return };
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(word) = self.bits.get_mut(word) {
            *word |= 1 << (position % 64);
        }
    }
}

/// What the indexes come to by which things are found; nothing stands in them twice.
#[derive(Debug, PartialEq, Eq)]
pub struct IndexSums {
    /// Event ids with their positions.
    pub event_ids: Multiset,
    /// Source, kind and external id of idempotency keys with their positions.
    pub keys: Multiset,
    /// Orders with their claims, at position 0.
    pub claim_orders: Multiset,
}

/// What only an audit reads.
impl SqliteStore {
    /// The first thing that is wrong with the file itself. A replay reads the log from end to end and would not
    /// notice an index that no longer finds what is there.
    ///
    /// # Errors
    /// Storage errors.
    pub fn file_fault(&mut self) -> Result<Option<String>> {
        let found = self.db.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        match found.map_err(fault)?.as_str() {
            "ok" => Ok(None),
            why => Ok(Some(why.lines().last().unwrap_or(why).into())),
        }
    }
    /// What of the file's tables, indexes and triggers is not as this program makes them, if anything.
    ///
    /// # Errors
    /// Storage errors.
    pub fn schema_fault(&mut self) -> Result<Option<String>> {
        let made = Connection::open_in_memory().map_err(fault)?;
        file::make_tables(&made)?;
        let mut due = schema_of(&made)?;
        for (name, text) in schema_of(&self.db)? {
            match due.remove(&name) {
                Some(known) if known == text => {}
                Some(_) => return Ok(Some(format!("{name} is not as it was made"))),
                None if books::is_spare(&name) => {}
                None => return Ok(Some(format!("{name} does not belong there"))),
            }
        }
        // An older file has no such table until something is erased from it.
        due.remove("table erasures");
        Ok(due.into_keys().next().map(|name| format!("{name} is missing")))
    }
    /// Calls `on_key` with source, kind, external id and position of every idempotency key.
    ///
    /// # Errors
    /// Storage errors.
    pub fn each_key(&mut self, on_key: &mut dyn FnMut(&str, &str, &str, u64)) -> Result<()> {
        let mut statement =
            self.db.prepare("SELECT source, kind, external_id, position FROM keys").map_err(fault)?;
        let mut rows = statement.query([]).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            let text = |i: usize| row.get_ref(i).and_then(|v| v.as_str().map_err(Into::into)).map_err(fault);
            on_key(text(0)?, text(1)?, text(2)?, count(row.get(3).map_err(fault)?));
        }
        Ok(())
    }
    /// Every (order, claim) pair of the index.
    ///
    /// # Errors
    /// Storage errors.
    pub fn claim_orders(&mut self) -> Result<std::collections::BTreeSet<(String, String)>> {
        let mut statement = self.db.prepare("SELECT order_id, claim FROM claim_orders").map_err(fault)?;
        let pairs = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(fault)?;
        pairs.collect::<rusqlite::Result<_>>().map_err(fault)
    }
    /// The last event of every case, by the indexes alone: what they say is not proved here.
    ///
    /// # Errors
    /// Storage errors.
    pub fn case_ends(&mut self) -> Result<Ends> {
        let hash = RandomState::new();
        let order_of = {
            let mut orders: Table<u64, u64> = Table::default();
            let sql = "SELECT claim, order_id FROM claim_orders";
            each(&mut self.db.prepare(sql).map_err(fault)?, |[claim, order], _| {
                orders.insert(hash.hash_one(("claim", claim)), hash.hash_one(("order", order)));
            })?;
            orders
        };
        let mut lasts: Table<u64, u64> = Table::default();
        let mut stream = (Vec::new(), 0);
        let mut over = |stream: &[u8], last: u64| {
            let case = match stream {
                [b'c', b'l', b'a', b'i', b'm', b'/', id @ ..] => {
                    let claim = hash.hash_one(("claim", id));
                    order_of.get(&claim).copied().unwrap_or(claim)
                }
                [b'o', b'r', b'd', b'e', b'r', b'/', id @ ..] => hash.hash_one(("order", id)),
                _ => return,
            };
            let known = lasts.entry(case).or_default();
            *known = last.max(*known);
        };
        // In the order of the index, which holds the position as well: no row of the log is read for this.
        let sql = "SELECT stream, position FROM events ORDER BY stream";
        each(&mut self.db.prepare(sql).map_err(fault)?, |[name], position| {
            if stream.0 != name {
                over(&stream.0, stream.1);
                stream.0.clear();
                stream.0.extend_from_slice(name);
                stream.1 = 0;
            }
            stream.1 = position.max(stream.1);
        })?;
        over(&stream.0, stream.1);
        let mut ends = Ends::default();
        lasts.into_values().for_each(|position| ends.set(position));
        Ok(ends)
    }
    /// What the indexes come to under a key; none when something stands in one of them twice or out of order.
    ///
    /// # Errors
    /// Storage errors.
    pub fn index_sums(&mut self, key: &MultisetKey) -> Result<Option<IndexSums>> {
        let event_ids =
            self.sum("SELECT event_id, position FROM events ORDER BY event_id", key, |[id], at| ([id], at))?;
        let sql = "SELECT source, kind, external_id, position FROM keys ORDER BY source, kind, external_id";
        let keys = self.sum(sql, key, |parts: [&[u8]; 3], at| (parts, at))?;
        let sql = "SELECT order_id, claim FROM claim_orders ORDER BY order_id, claim";
        let claim_orders = self.sum(sql, key, |pair: [&[u8]; 2], _| (pair, 0))?;
        Ok(event_ids.zip(keys).zip(claim_orders).map(|((event_ids, keys), claim_orders)| IndexSums {
            event_ids,
            keys,
            claim_orders,
        }))
    }
    fn sum<const N: usize>(
        &self,
        sql: &str,
        key: &MultisetKey,
        member: impl for<'a> Fn([&'a [u8]; N], u64) -> ([&'a [u8]; N], u64),
    ) -> Result<Option<Multiset>> {
        let mut sum = Multiset::keyed(key);
        let mut grows = true;
        let mut before: Option<[Vec<u8>; N]> = None;
        each(&mut self.db.prepare(sql).map_err(fault)?, |parts: [&[u8]; N], position| {
            grows &= before.as_ref().is_none_or(|before| before.iter().map(Vec::as_slice).lt(parts));
            let (parts, position) = member(parts, position);
            sum.add(&parts, position);
            let before = before.get_or_insert([const { Vec::new() }; N]);
            for (before, part) in before.iter_mut().zip(parts) {
                before.clear();
                before.extend_from_slice(part);
            }
        })?;
        Ok(grows.then_some(sum))
    }
    /// The stored leaf of every event up to a position.
    ///
    /// # Errors
    /// Storage errors.
    pub fn each_leaf(
        &mut self,
        last: u64,
        on_leaf: &mut dyn FnMut(u64, [u8; 32]) -> ControlFlow<()>,
    ) -> Result<()> {
        let sql = "SELECT position, leaf FROM events WHERE position <= ?1 ORDER BY position";
        let mut statement = self.db.prepare(sql).map_err(fault)?;
        let mut rows = statement.query([number(last)]).map_err(fault)?;
        while let Some(row) = rows.next().map_err(fault)? {
            if on_leaf(count(row.get(0).map_err(fault)?), row.get(1).map_err(fault)?).is_break() {
                break;
            }
        }
        Ok(())
    }
    /// The revision that a stream had at a position.
    ///
    /// # Errors
    /// Storage errors.
    pub fn revision_at(&mut self, stream: &Stream, position: u64) -> Result<u64> {
        let sql = "SELECT max(revision) FROM events WHERE stream = ?1 AND position <= ?2";
        let mut statement = self.db.prepare_cached(sql).map_err(fault)?;
        let found = statement
            .query_row(params![stream.to_string(), number(position)], |row| row.get::<_, Option<i64>>(0));
        found.map(|revision| revision.map_or(0, count)).map_err(fault)
    }
    /// Calls `on_value` with the position and row of every personal value.
    ///
    /// # Errors
    /// Storage errors.
    pub fn each_personal(&mut self, on_value: &mut dyn FnMut(u64, &PersonalRow)) -> Result<()> {
        let mut statement = self.db.prepare(PERSONAL).map_err(fault)?;
        for value in statement.query_map([], personal).map_err(fault)? {
            let (position, value) = value.map_err(fault)?;
            on_value(position, &value);
        }
        Ok(())
    }
    /// Every row of the log with the personal values that are stored for it, in order of position. Gives back position
    /// and path of the values that belong to no row.
    ///
    /// # Errors
    /// Storage errors.
    pub fn scan_with_personal(
        &mut self,
        on_row: &mut dyn FnMut(&Row<'_>, &[PersonalRow]) -> ControlFlow<()>,
    ) -> Result<Vec<(u64, String)>> {
        let sql = format!("SELECT {COLUMNS} FROM events ORDER BY position");
        let mut statement = self.db.prepare(&sql).map_err(fault)?;
        let mut rows = statement.query([]).map_err(fault)?;
        let mut statement = self.db.prepare(PERSONAL).map_err(fault)?;
        let mut values = statement.query_map([], personal).map_err(fault)?;
        let mut next = values.next().transpose().map_err(fault)?;
        let (mut own, mut lost) = (Vec::new(), Vec::new());
        while let Some(row) = rows.next().map_err(fault)? {
            let row = borrowed(row)?;
            own.clear();
            while let Some((position, value)) = next.take_if(|(position, _)| *position <= row.position) {
                if position == row.position {
                    own.push(value)
                } else {
                    lost.push((position, value.path))
                }
                next = values.next().transpose().map_err(fault)?;
            }
            if on_row(&row, &own).is_break() {
                return Ok(lost);
            }
        }
        lost.extend(next.map(|(position, value)| (position, value.path)));
        for value in values {
            let (position, value) = value.map_err(fault)?;
            lost.push((position, value.path));
        }
        Ok(lost)
    }
}

const PERSONAL: &str = "SELECT position, path, salt, value FROM personal ORDER BY position, path";

fn personal(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, PersonalRow)> {
    Ok((count(row.get(0)?), PersonalRow { path: row.get(1)?, salt: row.get(2)?, value: row.get(3)? }))
}

/// Calls `on_row` with the first N columns as bytes and with what comes after them as a position, if anything does.
fn each<const N: usize>(
    statement: &mut Statement<'_>,
    mut on_row: impl FnMut([&[u8]; N], u64),
) -> Result<()> {
    let has_position = statement.column_count() > N;
    let mut rows = statement.query([]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let mut parts: [&[u8]; N] = [&[]; N];
        for (index, part) in parts.iter_mut().enumerate() {
            *part = match row.get_ref(index).map_err(fault)? {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => bytes,
                // The tables are strict; another type is damage, and no member has an empty name.
                _ => &[],
            };
        }
        let position = if has_position { count(row.get(N).map_err(fault)?) } else { 0 };
        on_row(parts, position);
    }
    Ok(())
}

/// Tables, indexes and triggers by kind and name, with the text that made them: blanks and quotes aside, because a
/// renamed table is written with quotes.
fn schema_of(db: &Connection) -> Result<BTreeMap<String, String>> {
    let sql = "SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'";
    let mut statement = db.prepare(sql).map_err(fault)?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
    let mut found = BTreeMap::new();
    for row in rows.map_err(fault)? {
        let (name, text) = row.map_err(fault)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        found.insert(name, words.join(" ").replace('"', ""));
    }
    Ok(found)
}
