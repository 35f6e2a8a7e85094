//! Months as finance keeps them: sealed with totals that replay proves, listed with who sealed them.

use replay::{
    audit::Replay,
    case::{Case, World},
    codec::open,
    decide::{Context, decide_own},
    event::{ControlTotal, Event, PeriodClosed},
    history::Cut,
    ids::Position,
    merkle::Hash,
    money::Currency,
    seal::Proposal,
    time::{Instant, Month},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Ledger, Receipt, stop::refused},
    store::{Span, Store},
};

/// What a seal says, and what it was made over.
#[derive(Debug, Serialize)]
pub struct Closed {
    /// The month.
    pub period: Month,
    /// Its control totals, per currency.
    pub totals: Vec<ControlTotal>,
    /// Last position that was counted.
    pub through: u64,
    /// Root of the log at that position.
    pub root: Hash,
    /// Earlier months that are still open with money in them.
    pub earlier_open: Vec<Month>,
    /// Where the seal stands.
    pub receipt: Receipt,
}

/// Seals a month with the totals that the log gives at this moment. The proposal says who and when; what it
/// says is filled in here, from a replay that is caught up under the writer's lock.
///
/// # Errors
/// A refusal (sealed already, not over, not the actor's duty), a broken log, storage errors. Then nothing has changed.
pub fn close<S: Store>(ledger: &mut Ledger<S>, proposal: &Proposal, month: Month) -> Result<Closed> {
    let origin = ledger.origin().clone();
    let mut replay = Replay::new(Some(origin), Cut::default()).without_books();
    // Most of the log is read before anybody has to wait.
    follow(ledger.store(), &mut replay)?;
    ledger.store().begin()?;
    let sealed = seal(ledger, proposal, month, &mut replay);
    let sealed = sealed.and_then(|closed| ledger.store().commit().map(|()| closed));
    if sealed.is_err() {
        ledger.store().rollback();
        ledger.forget();
    }
    sealed
}

fn seal<S: Store>(
    ledger: &mut Ledger<S>,
    proposal: &Proposal,
    month: Month,
    replay: &mut Replay,
) -> Result<Closed> {
    follow(ledger.store(), replay)?;
    let last = Instant::from_micros(ledger.store().tip()?.recorded_at).unwrap_or(Instant::EPOCH);
    let now = ledger.door().now().max(last);
    let world = replay.world();
    let totals = world.postings.control_totals(month);
    let (through, root) = (replay.position(), replay.root());
    let sealed = PeriodClosed {
        period: month.to_string(),
        totals: totals.clone(),
        through: Some(through),
        root: Some(root),
    };
    let proposal = Proposal { event: sealed.into(), ..proposal.clone() };
    let case = Case::default();
    let context = Context { registry: &world.registry, case: &case };
    decide_own(context, &proposal, now).map_err(|refusal| refused(&refusal, &proposal.stream))?;
    let earlier_open = earlier_open(world, month);
    let receipt = ledger.append_own(&proposal)?;
    Ok(Closed { period: month, totals, through, root, earlier_open, receipt })
}

/// Feeds a replay with what is on record after its last position. Figures of a log in which anything is wrong are
/// not sealed.
fn follow<S: Store>(store: &mut S, replay: &mut Replay) -> Result<()> {
    store.scan(Span::after(replay.position()), &mut |row| {
        replay.row(row);
        ControlFlow::Continue(())
    })?;
    match replay.first_finding() {
        None => Ok(()),
        Some(first) => Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", first.to_string())
            .hint("nothing was sealed; claims audit names everything that is wrong")),
    }
}

fn earlier_open(world: &World, month: Month) -> Vec<Month> {
    let periods = world.registry.periods();
    let posted = world.postings.months().filter(|(of, _, sums)| *of < month && !sums.is_zero());
    let open: BTreeSet<Month> = posted.map(|(of, ..)| of).filter(|of| !periods.is_closed_now(*of)).collect();
    open.into_iter().collect()
}

/// One month of one currency. All `_minor` sums are in `currency`.
#[derive(Debug, Serialize)]
pub struct PeriodRow {
    /// The month.
    pub period: Month,
    /// `open`, `sealed` or `reopened`.
    pub state: &'static str,
    /// The currency; none for a month that was sealed without any money.
    pub currency: Option<Currency>,
    /// How many credits were posted into it.
    pub credits: u64,
    /// Sum of them.
    pub credited_minor: u64,
    /// Sum of what was reversed in it.
    pub reversed_minor: u64,
    /// Sum of what failed in it.
    pub failed_minor: u64,
    /// What stands.
    pub stands_minor: u64,
    /// Who sealed or reopened it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The second person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Position of that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<u64>,
}

/// Every month with money in it or a seal on it, up to a cut, by month and currency.
///
/// # Errors
/// Storage errors and a broken log.
pub fn list<S: Store>(store: &mut S, cut: &Cut) -> Result<Vec<PeriodRow>> {
    let last = cut.position.map_or(u64::MAX, Position::get);
    let mut replay = Replay::new(Some(store.origin().clone()), *cut).without_books();
    store.scan(Span { first: 1, last }, &mut |row| {
        if cut.known_at.is_none_or(|at| row.recorded_at <= at.micros()) {
            replay.row(row);
        }
        ControlFlow::Continue(())
    })?;
    let outcome = replay.finish();
    if let Some(first) = outcome.findings.iter().find(|found| found.touches_figures()) {
        return Err(Error::new(ErrorKind::BrokenLog, "log_is_broken", first.to_string())
            .hint("claims audit names everything that is wrong"));
    }
    rows(store, &outcome.world)
}

fn rows<S: Store>(store: &mut S, world: &World) -> Result<Vec<PeriodRow>> {
    let mut months: BTreeMap<Month, Vec<PeriodRow>> = BTreeMap::new();
    for (period, currency, sums) in world.postings.months().filter(|(.., sums)| !sums.is_zero()) {
        months.entry(period).or_default().push(PeriodRow {
            currency: Some(currency),
            credits: sums.credits,
            credited_minor: sums.credited_minor,
            reversed_minor: sums.reversed_minor,
            failed_minor: sums.failed_minor,
            stands_minor: sums.net_minor(),
            ..empty(period)
        });
    }
    for (month, changes) in world.registry.periods().changes() {
        let rows = months.entry(month).or_insert_with(|| vec![empty(month)]);
        let Some((position, closed)) = changes.last().copied() else { continue };
        let row = store.row(position.get())?;
        let envelope = row.and_then(|row| open(&row.as_row()).ok()).map(|recorded| recorded.envelope);
        for row in rows {
            row.state = if closed { "sealed" } else { "reopened" };
            row.position = Some(position.get());
            row.by = envelope.as_ref().map(|e| e.actor.to_string());
            row.approver = envelope.as_ref().and_then(|e| e.approver.as_ref().map(ToString::to_string));
        }
    }
    Ok(months.into_values().flatten().collect())
}

fn empty(period: Month) -> PeriodRow {
    PeriodRow {
        period,
        state: "open",
        currency: None,
        credits: 0,
        credited_minor: 0,
        reversed_minor: 0,
        failed_minor: 0,
        stands_minor: 0,
        by: None,
        approver: None,
        position: None,
    }
}

/// The event that a proposal to seal carries until the figures are known.
pub fn unfilled(month: Month) -> Event {
    PeriodClosed { period: month.to_string(), totals: Vec::new(), through: None, root: None }.into()
}
