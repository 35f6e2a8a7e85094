//! The board: what is due when, how each clock stands at a moment, which duties to inform were missed, and which
//! calendars will soon be too short to tell.

mod calendar;
mod row;

pub use calendar::Warning;
pub use row::{By, ClockRow, MissedRow, Unit};

use replay::{
    case::Case,
    claim::ClaimState,
    history::Cut,
    ids::{ClaimId, Code, OrderId, PolicyId},
    judge::{Clock, Judgement, MissingNotice, OfOrder, judge, of_order},
    policy::Policy,
    registry::Registry,
    time::When,
};
use serde::Serialize;
use std::collections::BTreeMap;

use super::world::Whole;
use crate::error::Result;
use calendar::Calendars;

/// What is asked of the board.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The moment: clocks are read then, and what happened later has not happened yet.
    pub at: When,
    /// Only what the ledger had learned by then.
    pub known_at: Option<When>,
    /// Only orders under this policy.
    pub policy: Option<PolicyId>,
    /// Also the clocks of closed and withdrawn claims.
    pub closed: bool,
    /// Which states are listed; all when nothing is chosen.
    pub states: States,
    /// Only what is not done and due at most so many days after the moment.
    pub within_days: Option<u32>,
    /// Most clocks and most duties that are listed.
    pub limit: usize,
}

/// Which states are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct States {
    /// Late.
    pub late: bool,
    /// Running, and those that nobody can tell.
    pub running: bool,
    /// Done, in time or not.
    pub met: bool,
}

/// The board at a moment.
#[derive(Debug)]
pub struct Board {
    /// Clocks, the most urgent first.
    pub clocks: Vec<ClockRow>,
    /// How many more there are.
    pub clocks_left_off: usize,
    /// Duties to inform that were missed, the oldest first.
    pub missed: Vec<MissedRow>,
    /// How many more there are.
    pub missed_left_off: usize,
    /// Calendars that are too short, or soon will be.
    pub warnings: Vec<Warning>,
    /// Every clock that was looked at, listed or not.
    pub counts: Vec<Count>,
    /// Every missed duty, listed or not.
    pub missed_counts: Vec<MissedCount>,
}

/// How the clocks of one kind stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Policy id.
    pub policy: String,
    /// Clock id.
    pub clock: String,
    /// `hard`, `soft` or `unquantified`.
    pub firmness: &'static str,
    /// Done in time.
    pub met: u64,
    /// Done late.
    pub met_late: u64,
    /// Not done, in time.
    pub running: u64,
    /// Not done, late.
    pub late: u64,
    /// Not done, and no figure says when it is due.
    pub open: u64,
    /// Late or done late, of hard clocks only: a soft one is not breached.
    pub breached: u64,
}

/// How often a duty to inform was missed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MissedCount {
    /// Policy id.
    pub policy: String,
    /// What should have been told.
    pub about: String,
    /// How often it was not.
    pub missed: u64,
}

/// Reads the board of a whole ledger.
///
/// # Errors
/// An interruption.
pub fn board(whole: &Whole, ask: &Ask, shown: bool) -> Result<Board> {
    let registry = whole.registry();
    let mut desk = Desk::new(registry, ask);
    whole.each(shown, |_, case| desk.case(case, registry))?;
    Ok(desk.finish())
}

/// Reads the board of one order with its claims.
pub fn of_case(case: &Case, registry: &Registry, ask: &Ask) -> Board {
    let mut desk = Desk::new(registry, ask);
    desk.case(case, registry);
    desk.finish()
}

impl Ask {
    /// The cut through the log that it means.
    pub fn cut(&self) -> Cut {
        Cut { position: None, known_at: self.known_at.map(|w| w.at), effective_at: Some(self.at.at) }
    }
    /// A missed duty is late: it is listed with everything, and with what is late.
    fn wants_missed(&self) -> bool {
        let States { late, running, met } = self.states;
        late || !(running || met || self.within_days.is_some())
    }
}

/// Whose clock it is.
pub(super) struct Owner<'a> {
    pub policy: &'a PolicyId,
    pub order: &'a OrderId,
    pub claim: Option<&'a ClaimId>,
    pub rules: &'a Policy,
}

struct Desk<'a> {
    ask: &'a Ask,
    calendars: Calendars<'a>,
    clocks: Vec<ClockRow>,
    missed: Vec<MissedRow>,
    counts: BTreeMap<(PolicyId, Code, &'static str), Count>,
    missed_counts: BTreeMap<(PolicyId, String), u64>,
}

/// Whether nothing more is expected of a claim. Its refunds may still be under way.
fn is_over(state: &ClaimState) -> bool {
    state.closed || state.withdrawn
}

impl<'a> Desk<'a> {
    fn new(registry: &'a Registry, ask: &'a Ask) -> Self {
        Desk {
            ask,
            calendars: Calendars::new(registry, ask.cut()),
            clocks: Vec::new(),
            missed: Vec::new(),
            counts: BTreeMap::new(),
            missed_counts: BTreeMap::new(),
        }
    }

    fn case(&mut self, case: &Case, registry: &Registry) {
        let cut = self.ask.cut();
        // Historical credits have no order, no policy and no clock.
        let Some(order) = &case.order else { return };
        let Some(state) = order.state(&cut) else { return };
        let policy = &state.sale.policy;
        if self.ask.policy.as_ref().is_some_and(|wanted| wanted != policy) {
            return;
        }
        let Some(of_order) = of_order(case, registry, &cut) else { return };
        let OfOrder { policy: rules, clocks, missing_notices } = &of_order;
        let owner = Owner { policy, order: &order.id, claim: None, rules };
        self.calendars.policy(policy, rules);
        self.take(&owner, clocks.iter(), missing_notices);
        for (id, claim) in &case.claims {
            let Some(state) = claim.state(&cut) else { continue };
            let Some(judged) = judge(case, id, registry, &cut) else { continue };
            self.claim(policy, &order.id, id, &judged, &state);
        }
    }

    fn claim(
        &mut self,
        policy: &PolicyId,
        order: &OrderId,
        id: &ClaimId,
        judged: &Judgement,
        state: &ClaimState,
    ) {
        let owner = Owner { policy, order, claim: Some(id), rules: &judged.policy };
        let over = is_over(state) && !self.ask.closed;
        // A refund that came back will not arrive any more: the money is owed again (H-20), and its clock is moot.
        let is_moot = |c: &Clock| {
            let credit = c.refund.as_ref().and_then(|id| state.credits.get(id));
            c.met.is_none() && credit.is_some_and(|credit| !credit.is_effective())
        };
        // Of a claim that is over only money is still awaited: a refund's own clock.
        let awaited = |c: &Clock| !over || (c.refund.is_some() && c.met.is_none());
        let clocks = judged.clocks.iter().filter(|c| !c.of_order && !is_moot(c) && awaited(c));
        let missing: &[MissingNotice] = if over { &[] } else { &judged.missing_notices };
        self.take(&owner, clocks, missing);
    }

    fn take<'c>(
        &mut self,
        owner: &Owner<'_>,
        clocks: impl Iterator<Item = &'c Clock>,
        missing: &[MissingNotice],
    ) {
        for clock in clocks {
            let Some(row) = ClockRow::new(owner, clock, self.ask.at) else { continue };
            let key = (owner.policy.clone(), row.clock.clone(), row.firmness);
            self.counts.entry(key).or_default().add(&row);
            self.calendars.missing(clock);
            if self.is_listed(&row) {
                self.clocks.push(row);
            }
        }
        for notice in missing {
            let Some(row) = MissedRow::new(owner, notice, self.ask.at) else { continue };
            let count = self.missed_counts.entry((owner.policy.clone(), row.about.clone())).or_default();
            *count = count.saturating_add(1);
            if self.ask.wants_missed() {
                self.missed.push(row);
            }
        }
    }

    fn is_listed(&self, row: &ClockRow) -> bool {
        let States { late, running, met } = self.ask.states;
        let wanted = match row.state {
            "late" => late,
            "running" | "open" => running,
            _ => met,
        };
        (wanted || !(late || running || met))
            && self.ask.within_days.is_none_or(|days| row.is_due_within(self.ask.at, days))
    }

    fn finish(mut self) -> Board {
        let limit = self.ask.limit;
        self.clocks.sort_by(|a, b| a.urgency().cmp(&b.urgency()));
        let clocks_left_off = self.clocks.len().saturating_sub(limit);
        self.clocks.truncate(limit);
        for row in &mut self.clocks {
            row.tell_by(&self.calendars, self.ask.at);
        }
        self.missed.sort_by(|a, b| a.age().cmp(&b.age()));
        let missed_left_off = self.missed.len().saturating_sub(limit);
        self.missed.truncate(limit);
        let counts = self.counts.into_iter().map(|((policy, clock, firmness), count)| Count {
            policy: policy.to_string(),
            clock: clock.to_string(),
            firmness,
            ..count
        });
        let missed = self.missed_counts.into_iter();
        let missed =
            missed.map(|((policy, about), missed)| MissedCount { policy: policy.to_string(), about, missed });
        Board {
            clocks: self.clocks,
            clocks_left_off,
            missed: self.missed,
            missed_left_off,
            warnings: self.calendars.warnings(self.ask.at.local_day()),
            counts: counts.collect(),
            missed_counts: missed.collect(),
        }
    }
}

impl Count {
    fn add(&mut self, row: &ClockRow) {
        let count = match row.state {
            "met" => &mut self.met,
            "met_late" => &mut self.met_late,
            "running" => &mut self.running,
            "late" => &mut self.late,
            _ => &mut self.open,
        };
        *count = count.saturating_add(1);
        self.breached = self.breached.saturating_add(row.breached.into());
    }
}
