//! What the writer remembers between groups: the cases it worked on, with the rows it posted for them.
//! Everything in here can be read from the store again, and is, whenever another program has written.

use replay::{
    books::{ClaimRows, rows},
    case::{Case, CaseKey, first_key},
    codec::{Recorded, open},
    event::Event,
    history::Cut,
    ids::{ClaimId, Position, Revision, Stream},
    registry::Registry,
};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use super::decided::Change;
use crate::{
    error::{Error, ErrorKind, Result},
    store::Store,
};

/// Most cases that are remembered: half of them touched lately, half before that. Those that nobody has touched for so
/// long are forgotten, and read again as needed.
const CASES_CACHED_MAX: usize = 8_192;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Cache {
    position: Option<u64>,
    registry: Option<Registry>,
    /// Cases touched lately.
    cases: HashMap<CaseKey, Entry>,
    /// Cases that were touched lately when `cases` was full the last time.
    older: HashMap<CaseKey, Entry>,
    /// The case of every claim of both.
    claims: HashMap<ClaimId, CaseKey>,
    nobody: Registry,
}

#[derive(Debug, Default)]
struct Entry {
    case: Case,
    /// What the books say of each claim.
    posted: BTreeMap<ClaimId, Arc<ClaimRows>>,
}

/// Something from the log, or why the log cannot be trusted there.
pub(crate) enum Loaded<T> {
    /// Here it is.
    There(T),
    /// The log contradicts itself.
    Broken(Error),
}

impl<T> Loaded<T> {
    /// It, or why it cannot be trusted as an error.
    pub fn there(self) -> Result<T> {
        match self {
            Loaded::There(it) => Ok(it),
            Loaded::Broken(error) => Err(error),
        }
    }
}

impl Cache {
    /// Forgets everything unless the log ends where this cache left it. The cases of the last group and of the one before
    /// it stay: they may be ahead of what can be read from the store.
    pub fn expect(&mut self, position: u64) {
        if self.position != Some(position) {
            self.clear();
            self.position = Some(position);
        }
        if self.cases.len() >= CASES_CACHED_MAX / 2 {
            let forgotten = std::mem::replace(&mut self.older, std::mem::take(&mut self.cases));
            for id in forgotten.values().flat_map(|entry| entry.case.claims.keys()) {
                self.claims.remove(id);
            }
        }
    }
    /// The log now ends here, and this cache knows all of it that it holds.
    pub fn reached(&mut self, position: u64) {
        self.position = Some(position);
    }
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.position = None;
        self.registry = None;
        self.cases.clear();
        self.older.clear();
        self.claims.clear();
    }
    /// The ledger stream, as far as it was loaded.
    pub fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap_or(&self.nobody)
    }
    /// Remembers the ledger stream.
    pub fn set_registry(&mut self, registry: Registry) {
        self.registry = Some(registry);
    }
    /// Reads the ledger stream, once. `Some` is an error of the log.
    pub fn load_registry<S: Store>(&mut self, store: &mut S) -> Result<Option<Error>> {
        if self.registry.is_some() {
            return Ok(None);
        }
        let mut registry = Registry::default();
        for row in store.registry()? {
            match open(&row.as_row()) {
                Ok(recorded) => {
                    registry.take(&recorded.event, recorded.envelope.position, recorded.envelope.recorded_at)
                }
                Err(why) => return Ok(Some(broken(row.position, &why))),
            }
        }
        registry.set_revision(Revision::new(store.revision(&Stream::Ledger)?));
        self.registry = Some(registry);
        Ok(None)
    }
    /// The case that a stream belongs to; none for the ledger stream.
    pub fn key_of<S: Store>(
        &mut self,
        store: &mut S,
        stream: &Stream,
        event: &Event,
    ) -> Result<Loaded<Option<CaseKey>>> {
        let id = match stream {
            Stream::Ledger => return Ok(Loaded::There(None)),
            Stream::Order(id) => return Ok(Loaded::There(Some(CaseKey::Order(id.clone())))),
            Stream::Claim(id) => id,
        };
        if let Some(key) = self.claims.get(id) {
            return Ok(Loaded::There(Some(key.clone())));
        }
        let first = store.history(stream)?.into_iter().next();
        let key = match first {
            // A claim that is not there yet: its own first event says where it belongs.
            None => {
                let key = first_key(id, event);
                if matches!(key, CaseKey::Alone(_)) {
                    // Nothing else belongs to this case, so there is nothing to read.
                    self.cases.entry(key.clone()).or_default();
                }
                return Ok(Loaded::There(Some(key)));
            }
            Some(row) => match open(&row.as_row()) {
                Ok(recorded) => first_key(id, &recorded.event),
                Err(why) => return Ok(Loaded::Broken(broken(row.position, &why))),
            },
        };
        self.claims.insert(id.clone(), key.clone());
        Ok(Loaded::There(Some(key)))
    }
    /// A case with everything on record in its streams.
    pub fn load<S: Store>(&mut self, store: &mut S, key: &CaseKey) -> Result<Loaded<&Case>> {
        if let Some(entry) = self.older.remove(key) {
            self.cases.insert(key.clone(), entry);
        }
        if !self.cases.contains_key(key) {
            let case = match read(store, key)? {
                Loaded::There(case) => case,
                Loaded::Broken(error) => return Ok(Loaded::Broken(error)),
            };
            let posted = all_rows(&case);
            for id in case.claims.keys() {
                self.claims.insert(id.clone(), key.clone());
            }
            self.cases.insert(key.clone(), Entry { case, posted });
        }
        let gone = || Error::new(ErrorKind::Internal, "case_not_loaded", format!("{key} is not loaded"));
        Ok(Loaded::There(&self.cases.get(key).ok_or_else(gone)?.case))
    }
    /// The case itself, to be handed back with [`Cache::set`].
    pub fn lend<S: Store>(&mut self, store: &mut S, key: &CaseKey) -> Result<Loaded<Case>> {
        if let Loaded::Broken(error) = self.load(store, key)? {
            return Ok(Loaded::Broken(error));
        }
        Ok(Loaded::There(
            self.cases.get_mut(key).map(|entry| std::mem::take(&mut entry.case)).unwrap_or_default(),
        ))
    }
    /// Remembers what a case has become. Its rows are posted later, once per group.
    pub fn set(&mut self, key: CaseKey, case: Case) {
        for id in case.claims.keys() {
            if !self.claims.contains_key(id) {
                self.claims.insert(id.clone(), key.clone());
            }
        }
        match self.cases.get_mut(&key) {
            Some(entry) => entry.case = case,
            None => {
                self.cases.insert(key, Entry { case, posted: BTreeMap::new() });
            }
        }
    }
    /// What has changed in the books of a case since this was last asked.
    pub fn changes(&mut self, key: &CaseKey) -> Vec<Change> {
        let Some(entry) = self.cases.get_mut(key) else { return Vec::new() };
        let now = all_rows(&entry.case);
        let mut before = std::mem::replace(&mut entry.posted, now);
        let mut changes = Vec::new();
        for (id, after) in &entry.posted {
            let before = before.remove(id);
            if before.as_ref() != Some(after) {
                changes.push((before, Some(Arc::clone(after))));
            }
        }
        changes.extend(before.into_values().map(|gone| (Some(gone), None)));
        changes
    }
}

fn all_rows(case: &Case) -> BTreeMap<ClaimId, Arc<ClaimRows>> {
    let rows = |id: &ClaimId| Some((id.clone(), Arc::new(rows(case, id, &Cut::default())?)));
    case.claims.keys().filter_map(rows).collect()
}

/// The case that an event on record belongs to; none for the ledger stream.
pub(crate) fn key_on_record<S: Store>(store: &mut S, recorded: &Recorded) -> Result<Option<CaseKey>> {
    let id = match &recorded.envelope.stream {
        Stream::Ledger => return Ok(None),
        Stream::Order(id) => return Ok(Some(CaseKey::Order(id.clone()))),
        Stream::Claim(id) => id,
    };
    let Some(first) = store.history(&recorded.envelope.stream)?.into_iter().next() else { return Ok(None) };
    let first = open(&first.as_row()).map_err(|why| broken(first.position, &why))?;
    Ok(Some(first_key(id, &first.event)))
}

/// Folds a case from the store, in order of position across its streams.
pub(crate) fn read<S: Store>(store: &mut S, key: &CaseKey) -> Result<Loaded<Case>> {
    read_until(store, key, u64::MAX)
}

/// As [`read`], up to a position.
pub(crate) fn read_until<S: Store>(store: &mut S, key: &CaseKey, last: u64) -> Result<Loaded<Case>> {
    let mut found = Vec::new();
    let mut claims = Vec::new();
    match key {
        CaseKey::Order(id) => {
            found.extend(store.history(&Stream::Order(id.clone()))?);
            claims.extend(store.claims_of(id.as_str())?);
        }
        CaseKey::Alone(id) => claims.push(id.to_string()),
    }
    for claim in claims {
        let id = ClaimId::new(claim)
            .map_err(|why| Error::new(ErrorKind::BrokenLog, "claim_id_is_broken", why.to_string()))?;
        found.extend(store.history(&Stream::Claim(id))?);
    }
    found.retain(|row| row.position <= last);
    found.sort_by_key(|row| row.position);
    let mut case = Case::default();
    for row in &found {
        let recorded = match open(&row.as_row()) {
            Ok(recorded) => recorded,
            Err(why) => return Ok(Loaded::Broken(broken(row.position, &why))),
        };
        if let Err(fault) = case.apply(recorded) {
            let position = Position::new(row.position).unwrap_or(Position::FIRST);
            let why = replay::case::Broken { position, stream: row.stream.clone(), fault };
            let error = Error::new(ErrorKind::BrokenLog, "log_is_broken", why.to_string())
                .hint("nothing more is recorded in this case; claims audit names everything that is wrong");
            return Ok(Loaded::Broken(error));
        }
    }
    Ok(Loaded::There(case))
}

fn broken(position: u64, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::BrokenLog, "log_is_broken", format!("position {position}: {why}"))
        .hint("nothing more is recorded in this case; claims audit names everything that is wrong")
}
