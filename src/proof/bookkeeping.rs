//! What ended cases say in the books, beside what is served of them.

use replay::{
    books::{Books, ClaimRows, ObligationRow, RefusalRow, Sums, TotalKey, rows, text},
    case::{Case, CaseKey},
    history::Cut,
    hold::{Hold, over},
    ids::{Code, EventId, Position, Stream},
    multiset::{Multiset, MultisetKey},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::mpsc::SyncSender,
};

use super::compare::{Lines, RowKey};
use crate::{
    error::Result,
    replaying::Ended,
    store::sqlite::{RowName, SqliteStore, alone, refusal_name},
};

/// Rows of ended claims and refused acts, on their way to the shadow of a rebuild.
pub(super) type Written = (Vec<ClaimRows>, Vec<RefusalRow>);

/// An event whose personal values a legal hold kept for some time.
#[derive(Debug)]
pub(super) struct Held {
    pub event: EventId,
    pub position: Position,
    pub id: Code,
    pub hold: Hold,
}

/// What was seen so far.
#[derive(Debug)]
pub(super) struct Seen {
    /// Rows that the log gives, by table.
    pub rows: [u64; 5],
    /// Which served rows met one that the log gives, by hash: a row that met none is found by these.
    pub met: [Vec<u64>; 5],
    /// Rows that are served otherwise than the log gives them.
    pub differing: BTreeMap<RowKey, Lines>,
    /// The refund totals that the log gives.
    pub totals: BTreeMap<TotalKey, Sums>,
    /// What the claims of orders come to.
    pub claim_orders: Multiset,
    /// The claims of orders one by one, when they are asked for.
    pub pairs: Option<BTreeSet<(String, String)>>,
    /// Events whose values were under a legal hold.
    pub held: Vec<Held>,
}

impl Seen {
    pub fn new(key: &MultisetKey, one_by_one: bool) -> Self {
        Self {
            rows: [0; 5],
            met: [const { Vec::new() }; 5],
            differing: BTreeMap::new(),
            totals: BTreeMap::new(),
            claim_orders: Multiset::keyed(key),
            pairs: one_by_one.then(BTreeSet::new),
            held: Vec::new(),
        }
    }
    /// Takes in what somebody else has seen of other cases.
    pub fn join(&mut self, other: Self) {
        self.rows.iter_mut().zip(other.rows).for_each(|(rows, more)| *rows += more);
        self.met.iter_mut().zip(other.met).for_each(|(met, more)| met.extend(more));
        self.differing.extend(other.differing);
        for (key, sums) in other.totals {
            self.totals.entry(key).or_default().add(&sums);
        }
        self.claim_orders.join(&other.claim_orders);
        if let (Some(pairs), Some(more)) = (&mut self.pairs, other.pairs) {
            pairs.extend(more);
        }
        self.held.extend(other.held);
    }
    /// Sums per currency over all totals.
    pub fn control_totals(&self) -> BTreeMap<String, Sums> {
        Books { totals: self.totals.clone(), ..Books::default() }.control_totals()
    }
    fn row<R: PartialEq>(
        &mut self,
        table: usize,
        name: impl FnOnce() -> RowName,
        served: Option<&R>,
        replayed: Option<&R>,
        line: impl Fn(&R) -> String,
    ) {
        let count = |rows: &mut [u64; 5]| rows.get_mut(table).map(|rows| *rows += 1);
        if replayed.is_some() {
            count(&mut self.rows);
        }
        if served.is_none() && replayed.is_none() {
            return;
        }
        let name = name();
        if let (Some(met), true) = (self.met.get_mut(table), served.is_some()) {
            met.push(hash(table, &name));
        }
        if served != replayed {
            let lines = Lines { served: served.map(&line), replayed: replayed.map(&line) };
            self.differing.insert(RowKey { table, name }, lines);
        }
    }
}

/// The hash by which a served row is recognised, the same in every thread.
pub(super) fn hash(table: usize, name: &RowName) -> u64 {
    BuildHasherDefault::<DefaultHasher>::new().hash_one((table, name))
}

/// Writes the rows of cases, compares them with what is served, and hands them on.
pub(super) struct Bookkeeper {
    /// Through which the served books are read.
    pub served: SqliteStore,
    /// Who writes the shadow, in a rebuild.
    pub shadow: Option<SyncSender<Written>>,
    /// What was seen so far.
    pub seen: Seen,
}

impl Bookkeeper {
    pub fn take(&mut self, ended: Ended) -> Result<()> {
        let mut written = Vec::new();
        for (key, case) in &ended.cases {
            self.beside_the_books(key, case);
            for id in case.claims.keys() {
                if let Some(rows) = rows(case, id, &Cut::default()) {
                    self.claim(&rows)?;
                    written.push(rows);
                }
            }
        }
        for row in &ended.refusals {
            let served = self.served.served_refusal(row.position)?;
            self.seen.row(4, || refusal_name(row.position), served.as_ref(), Some(row), text);
        }
        if let Some(shadow) = &self.shadow {
            // Nobody listens any more only when writing has failed, which is said over there.
            let _ = shadow.send((written, ended.refusals));
        }
        Ok(())
    }

    fn claim(&mut self, rows: &ClaimRows) -> Result<()> {
        let claim = &rows.board.claim;
        let served = self.served.served_claim(claim)?;
        let seen = &mut self.seen;
        seen.row(0, || alone(claim.clone()), served.board.as_ref(), Some(&rows.board), text);
        seen.row(1, || alone(claim.clone()), served.detail.as_ref(), Some(&rows.detail), String::clone);
        for (key, sums) in &rows.totals {
            match seen.totals.get_mut(key) {
                Some(total) => total.add(sums),
                None => {
                    seen.totals.insert(key.clone(), *sums);
                }
            }
        }
        let of = |rows: &[ObligationRow]| -> BTreeMap<(String, String), ObligationRow> {
            rows.iter().map(|row| ((row.what.clone(), row.item.clone()), row.clone())).collect()
        };
        if served.obligations.is_empty() && rows.obligations.is_empty() {
            return Ok(());
        }
        let (served, replayed) = (of(&served.obligations), of(&rows.obligations));
        let places: BTreeSet<_> = served.keys().chain(replayed.keys()).collect();
        for place in places {
            let name = || [claim.clone(), place.0.clone(), place.1.clone()];
            seen.row(3, name, served.get(place), replayed.get(place), text);
        }
        Ok(())
    }

    /// What the audit asks of a case beside its rows.
    fn beside_the_books(&mut self, key: &CaseKey, case: &Case) {
        if let CaseKey::Order(order) = key {
            for claim in case.claims.keys() {
                self.seen.claim_orders.add(&[order.as_str().as_bytes(), claim.as_str().as_bytes()], 0);
                if let Some(pairs) = &mut self.seen.pairs {
                    pairs.insert((order.to_string(), claim.to_string()));
                }
            }
        }
        let order = case.order.iter().map(|order| (Stream::Order(order.id.clone()), &order.history));
        let claims = case.claims.iter().map(|(id, claim)| (Stream::Claim(id.clone()), &claim.history));
        for (stream, history) in order.chain(claims) {
            for (_, id, hold) in over(case, &stream) {
                let held = |event, position| Held { event, position, id: id.clone(), hold: hold.clone() };
                self.seen.held.extend(history.facts().iter().map(|fact| held(fact.event_id, fact.position)));
            }
        }
    }
}
