//! The store as a few lists: the shortest reference, and what the others are judged against.

use replay::{
    books::{Books, ClaimRows, RefusalRow},
    codec::OwnedRow,
    event::Kind,
    ids::{Origin, Stream},
    seal::{PersonalRow, Sealed},
};
use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use super::{Key, OnRow, Span, Store, Tip};
use crate::error::Result;

/// A ledger in memory.
#[derive(Debug, Clone)]
pub struct MemoryStore {
    origin: Origin,
    state: State,
    before: Option<Box<State>>,
}

#[derive(Debug, Clone)]
struct State {
    rows: Vec<OwnedRow>,
    streams: HashMap<String, Vec<usize>>,
    keys: HashMap<Key, u64>,
    orders: BTreeMap<String, Vec<String>>,
    personal: BTreeMap<u64, Vec<PersonalRow>>,
    unclean: bool,
    tip: Tip,
    books: Books,
}

impl MemoryStore {
    /// An empty ledger.
    pub fn new(origin: Origin) -> Self {
        let state = State {
            rows: Vec::new(),
            streams: HashMap::new(),
            keys: HashMap::new(),
            orders: BTreeMap::new(),
            personal: BTreeMap::new(),
            unclean: false,
            tip: Tip::empty(),
            books: Books::default(),
        };
        Self { origin, state, before: None }
    }
    fn stream(&self, name: &str) -> impl Iterator<Item = &OwnedRow> {
        let indexes = self.state.streams.get(name).map_or(&[][..], Vec::as_slice);
        indexes.iter().filter_map(|i| self.state.rows.get(*i))
    }
}

impl Store for MemoryStore {
    fn origin(&self) -> &Origin {
        &self.origin
    }
    fn tip(&mut self) -> Result<Tip> {
        Ok(self.state.tip.clone())
    }
    fn begin(&mut self) -> Result<()> {
        self.before = Some(Box::new(self.state.clone()));
        Ok(())
    }
    fn commit(&mut self) -> Result<()> {
        self.before = None;
        Ok(())
    }
    fn rollback(&mut self) {
        if let Some(before) = self.before.take() {
            self.state = *before;
        }
    }
    fn history(&mut self, stream: &Stream) -> Result<Vec<OwnedRow>> {
        Ok(self.stream(&stream.to_string()).cloned().collect())
    }
    fn registry(&mut self) -> Result<Vec<OwnedRow>> {
        let unasked = [Kind::AppendRefused.as_str(), Kind::ProjectionRebuilt.as_str()];
        Ok(self.stream("ledger").filter(|row| !unasked.contains(&row.kind.as_str())).cloned().collect())
    }
    fn revision(&mut self, stream: &Stream) -> Result<u64> {
        Ok(self.stream(&stream.to_string()).last().map_or(0, |row| row.revision))
    }
    fn claims_of(&mut self, order: &str) -> Result<Vec<String>> {
        Ok(self.state.orders.get(order).cloned().unwrap_or_default())
    }
    fn find(&mut self, key: &Key) -> Result<Option<u64>> {
        Ok(self.state.keys.get(key).copied())
    }
    fn find_event(&mut self, event_id: [u8; 16]) -> Result<Option<u64>> {
        Ok(self.state.rows.iter().find(|row| row.event_id == event_id).map(|row| row.position))
    }
    fn row(&mut self, position: u64) -> Result<Option<OwnedRow>> {
        let index = position.checked_sub(1).and_then(|i| usize::try_from(i).ok());
        Ok(index.and_then(|i| self.state.rows.get(i)).cloned())
    }
    fn scan(&mut self, span: Span, on_row: OnRow<'_>) -> Result<()> {
        let within = |row: &&OwnedRow| (span.first..=span.last).contains(&row.position);
        for row in self.state.rows.iter().filter(within) {
            if on_row(&row.as_row()).is_break() {
                break;
            }
        }
        Ok(())
    }
    fn personal(&mut self, position: u64) -> Result<Vec<PersonalRow>> {
        Ok(self.state.personal.get(&position).cloned().unwrap_or_default())
    }
    fn erase(&mut self, position: u64, path: &str) -> Result<bool> {
        let Some(values) = self.state.personal.get_mut(&position) else { return Ok(false) };
        let before = values.len();
        values.retain(|row| row.path != path);
        let erased = values.len() < before;
        self.state.unclean |= erased;
        Ok(erased)
    }
    fn is_unclean(&mut self) -> Result<bool> {
        Ok(self.state.unclean)
    }
    fn clean(&mut self, _: Duration) -> Result<()> {
        // Nothing of it was ever written anywhere.
        self.state.unclean = false;
        Ok(())
    }
    fn append(&mut self, sealed: &Sealed, key: Option<&Key>, order: Option<&str>) -> Result<()> {
        let row = sealed.row.clone();
        if let Some(key) = key {
            self.state.keys.insert(key.clone(), row.position);
        }
        if let (Some(order), Stream::Claim(claim)) = (order, &sealed.recorded.envelope.stream) {
            self.state.orders.entry(order.into()).or_default().push(claim.to_string());
        }
        if !sealed.personal.is_empty() {
            self.state.personal.insert(row.position, sealed.personal.clone());
        }
        self.state.streams.entry(row.stream.clone()).or_default().push(self.state.rows.len());
        self.state.rows.push(row);
        Ok(())
    }
    fn set_tip(&mut self, tip: &Tip) -> Result<()> {
        self.state.tip = tip.clone();
        Ok(())
    }
    fn post(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) -> Result<()> {
        self.state.books.post(before, after);
        Ok(())
    }
    fn refuse(&mut self, row: &RefusalRow) -> Result<()> {
        self.state.books.refuse(row.clone());
        Ok(())
    }
    fn books(&mut self) -> Result<Books> {
        Ok(self.state.books.clone())
    }
}
