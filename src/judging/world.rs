//! Every claim of a ledger at once: the log is folded once into its cases, and each case is asked by itself.
//!
//! A case that cannot be folded to its end gives no figure. It is named beside the figures, never left out in silence.

use replay::{
    audit::Replay,
    case::{Case, CaseKey, World},
    codec::Row,
    history::Cut,
    ids::{ClaimId, OrderId},
    merkle::Hash,
    registry::Registry,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use crate::{
    error::Result,
    progress::Progress,
    replaying::{Spread, replayed},
    store::{Span, Store},
};

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 4_096;
/// Cases between two looks at the progress bar.
const PROGRESS_CASES: u64 = 1_024;

/// All cases of a ledger, and those that are not whole.
#[derive(Debug)]
pub struct Whole {
    world: World,
    /// Names of what could not be folded to its end: `order O1`, `claim H7`, or `ledger` when the policies themselves
    /// are not sound.
    pub not_proved: BTreeSet<String>,
    /// Why, by position; at most [`replay::audit::FINDINGS_MAX`].
    pub faults: Vec<String>,
    /// Events read.
    pub events: u64,
    /// RFC 6962 root over all of them.
    pub root: Hash,
    /// Events per kind.
    pub kinds: BTreeMap<&'static str, u64>,
}

/// A case that gives no figures, as programs read it.
#[derive(Debug, Serialize)]
pub struct NotProved<'a> {
    /// Always `not_proved`.
    pub what: &'static str,
    /// Its name.
    pub case: &'a str,
}

impl Whole {
    /// Folds the log up to a cut. Several cuts through the same log need it only once, without a position.
    ///
    /// # Errors
    /// Storage errors, and an interruption.
    pub fn read<S: Store>(store: &mut S, cut: &Cut, shown: bool) -> Result<Self> {
        Self::read_with(store, cut, shown, &mut |_| {})
    }

    /// As [`Whole::read`], and hands every row to somebody else on the way.
    ///
    /// # Errors
    /// As [`Whole::read`].
    pub fn read_with<S: Store>(
        store: &mut S,
        cut: &Cut,
        shown: bool,
        on_row: &mut dyn FnMut(&Row<'_>),
    ) -> Result<Self> {
        let last = cut.position.map_or(u64::MAX, |position| position.get());
        let rows = store.tip()?.position.min(last);
        let replay = Replay::new(Some(store.origin().clone()), *cut).without_books();
        let progress = Progress::new("read", rows, shown);
        let (replay, ()) = replayed(replay, Spread::default(), |take| {
            let (mut read, mut stopped) = (0u64, Ok(()));
            store.scan(Span { first: 1, last }, &mut |row| {
                take(row);
                on_row(row);
                read += 1;
                if read.is_multiple_of(PROGRESS_ROWS) {
                    stopped = progress.reach(read);
                }
                if stopped.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            stopped
        })?;
        progress.done();
        let outcome = replay.finish();
        Ok(Self {
            world: outcome.world,
            not_proved: outcome.quarantined.into_iter().collect(),
            faults: outcome.findings.iter().map(ToString::to_string).collect(),
            events: outcome.events,
            root: outcome.root,
            kinds: outcome.kinds,
        })
    }

    /// The case that a claim belongs to, whole or not.
    pub fn case_of(&self, claim: &ClaimId) -> Option<&Case> {
        self.world.case_of(claim)
    }

    /// The case of an order, whole or not.
    pub fn case_of_order(&self, order: &OrderId) -> Option<&Case> {
        self.world.case_of_order(order)
    }

    /// Policies, calendars and people.
    pub fn registry(&self) -> &Registry {
        &self.world.registry
    }

    /// Asks every case that is whole, in the order of their names.
    ///
    /// # Errors
    /// An interruption.
    pub fn each(&self, shown: bool, mut ask: impl FnMut(&CaseKey, &Case)) -> Result<()> {
        let progress =
            Progress::new("judge", u64::try_from(self.world.cases().count()).unwrap_or(u64::MAX), shown);
        for ((key, case), done) in self.world.cases().zip(1u64..) {
            if self.not_proved.is_empty() || !self.not_proved.contains(&key.to_string()) {
                ask(key, case);
            }
            if done.is_multiple_of(PROGRESS_CASES) {
                progress.reach(done)?;
            }
        }
        progress.done();
        Ok(())
    }
}
