//! A ledger of any size for demonstrations and measurements: shops, orders and claims that were never there.
//!
//! The same seed, shops and number of events give the same commands on every machine. Every order with its claims
//! is a story, a pure function of seed and number (`story`, `life`), planned when the order comes in: before a shop
//! acts, the engine is asked what its policy says (`pen`), so the ledger takes every command. Of an open story its
//! acts are kept, in few bytes each; they are put into words when they are told (`tell`). Stories interleave by the
//! time at which the ledger is told. What a shop sells is data (`fixtures/demo/merchants.toml`), what people there ask
//! for is read from its policy (`terms`).

mod act;
mod chance;
mod goods;
mod hours;
mod life;
mod money;
mod pen;
mod sale;
mod shop;
mod staff;
mod story;
mod tell;
mod terms;

use replay::{
    ids::{Expected, Stream},
    seal::Proposal,
    time::Instant,
};
use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeSet, BinaryHeap},
    iter::Peekable,
    vec,
};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Batch, Ledger},
    store::Store,
    writer::{Load, Results},
};
use chance::Chance;
use hours::{DAY, HOUR, bend};
pub use shop::{Merchant, merchants};
use story::Story;
use tell::{Impossible, Made, Teller};

/// Most commands of one step.
pub const STEP_COMMANDS_MAX: usize = 8;
/// The first day: Monday, 2 January 2023, as days since 1970.
const START_DAY: i64 = 19_359;
/// How long orders come in, so that all of it lasts about three years.
const ORDER_DAYS: i64 = 1_120;
/// Events per ten orders with their claims, on average; a test holds it to that.
const EVENTS_PER_TEN_ORDERS: u64 = 118;
/// How far ahead of UTC the clock of a market may be: so much earlier than its number says may an order come in.
const AHEAD_MAX: i64 = 14 * HOUR;

/// What comes in at one moment: commands that belong together, recorded as a whole.
#[derive(Debug, Clone)]
pub struct Step {
    /// When the ledger is told. Never before the step before it, and never before anything it tells.
    pub recorded_at: Instant,
    /// 1 to [`STEP_COMMANDS_MAX`] commands on one order and its claims, or on the ledger itself.
    pub batch: Vec<Proposal>,
}

/// An order whose story is not at its end; ordered by the time of its next step, then by number.
#[derive(Debug)]
struct Open<'m> {
    next: i64,
    /// How many of its acts are told.
    told: usize,
    story: Box<Story<'m>>,
}

impl Open<'_> {
    fn key(&self) -> (i64, u64) {
        (self.next, self.story.number)
    }
}
impl PartialEq for Open<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Open<'_> {}
impl PartialOrd for Open<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// Gives the steps of a ledger in order of time, as many events as were asked for. See the module.
#[derive(Debug)]
pub struct Generator<'m> {
    seed: u64,
    merchants: &'m [Merchant],
    events_left: u64,
    /// What the ledger's own stream is told, and its revision; `None` leaves it alone.
    staff: Peekable<vec::IntoIter<(i64, Vec<Proposal>)>>,
    ledger: Option<u64>,
    /// Microseconds of the even flow of orders from one to the next.
    gap: i64,
    /// The number of the next order, and its time on the clock of its market.
    order: u64,
    nominal: i64,
    /// Open stories, the one with the next step on top.
    open: BinaryHeap<Reverse<Open<'m>>>,
    fault: Option<Error>,
}

impl<'m> Generator<'m> {
    /// A ledger of so many events, one command each. `merchants` are those of [`merchants`]; their policies must be
    /// in force before the first step.
    pub fn new(seed: u64, merchants: &'m [Merchant], events: u64) -> Self {
        let orders = i64::try_from(events.saturating_mul(10) / EVENTS_PER_TEN_ORDERS).unwrap_or(i64::MAX);
        let start = START_DAY * DAY;
        let staff = staff::steps(merchants, seed, events, start, start + ORDER_DAYS * DAY);
        let (staff, fault) = match staff {
            Ok(steps) => (steps, None),
            Err(why) => (Vec::new(), Some(fault(&why))),
        };
        Self {
            seed,
            merchants,
            events_left: events,
            staff: staff.into_iter().peekable(),
            ledger: None,
            gap: (ORDER_DAYS * DAY / orders.max(1)).max(1),
            order: 1,
            nominal: start,
            open: BinaryHeap::new(),
            fault,
        }
    }

    /// Tells the ledger's own stream about people, roles and limits as well. It has this revision now, and nobody
    /// else may write there meanwhile.
    pub fn with_people(mut self, ledger_revision: u64) -> Self {
        self.ledger = Some(ledger_revision);
        self
    }
    /// A ledger in which roles are held from its first step on, instead of an open one: the stories are the same, and
    /// nobody else may act in it. For a ledger that is large enough to have people.
    pub fn governed(mut self) -> Self {
        match staff::first_admin(self.merchants, START_DAY * DAY) {
            Ok(first) if self.staff.peek().is_some() => {
                let steps: Vec<_> = first.into_iter().chain(self.staff).collect();
                self.staff = steps.into_iter().peekable();
            }
            Ok(_) => {}
            Err(why) => self.fault = Some(fault(&why)),
        }
        self
    }
    /// Why the steps ended early: a fault of this program, which its tests would find.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.as_ref()
    }

    /// The time of an order on the clock of its market.
    fn nominal(&self, order: u64) -> i64 {
        let jitter = Chance::of(!self.seed, order).below(self.gap.unsigned_abs());
        let even = i64::try_from(order - 1).unwrap_or(i64::MAX).saturating_mul(self.gap);
        START_DAY * DAY + bend(even.saturating_add(i64::try_from(jitter).unwrap_or_default()))
    }

    /// Begins every order that may come in before the next step of an open one.
    fn begin_orders(&mut self) -> Made<()> {
        while !self.merchants.is_empty() {
            let (order, nominal) = (self.order, self.nominal);
            if self.open.peek().is_some_and(|Reverse(open)| open.next < nominal - AHEAD_MAX) {
                break;
            }
            if let Some(story) = Story::plan(self.merchants, self.seed, order, nominal)?
                && let Some(first) = story.acts.first()
            {
                self.open.push(Reverse(Open { next: first.known, told: 0, story: Box::new(story) }));
            }
            self.order += 1;
            self.nominal = self.nominal(self.order);
        }
        Ok(())
    }

    fn story_step(&mut self) -> Made<Option<Step>> {
        let Some(Reverse(open)) = self.open.pop() else { return Ok(None) };
        let batch = tell(&open.story, open.told)?;
        let known = open.next;
        let told = open.told + batch.len();
        if let Some(act) = open.story.acts.get(told) {
            self.open.push(Reverse(Open { next: act.known, told, ..open }));
        }
        self.step(known, batch).map(Some)
    }

    fn staff_step(&mut self) -> Made<Option<Step>> {
        let Some((at, mut batch)) = self.staff.next() else { return Ok(None) };
        let Some(revision) = &mut self.ledger else { return Ok(None) };
        if let Some(first) = batch.first_mut() {
            first.expected = Expected::at_number(*revision);
        }
        *revision += batch.len() as u64;
        self.step(at, batch).map(Some)
    }

    fn step(&mut self, known: i64, mut batch: Vec<Proposal>) -> Made<Step> {
        batch.truncate(usize::try_from(self.events_left).unwrap_or(usize::MAX));
        self.events_left -= batch.len() as u64;
        Ok(Step { recorded_at: Instant::from_micros(known)?, batch })
    }

    fn due(&mut self) -> Made<Option<Step>> {
        self.begin_orders()?;
        let story_at = self.open.peek().map(|Reverse(open)| open.next);
        let staff_at = self.ledger.and_then(|_| self.staff.peek()).map(|(at, _)| *at);
        match (staff_at, story_at) {
            (Some(staff), Some(story)) if story < staff => self.story_step(),
            (Some(_), _) => self.staff_step(),
            (None, _) => self.story_step(),
        }
    }
}

impl Iterator for Generator<'_> {
    type Item = Step;

    /// The next step; `None` at the end, and after a [`Generator::fault`].
    fn next(&mut self) -> Option<Step> {
        if self.events_left == 0 || self.fault.is_some() {
            return None;
        }
        self.due().unwrap_or_else(|why| {
            self.fault = Some(fault(&why));
            None
        })
    }
}

/// The next commands of a story, from the act with this index.
fn tell(story: &Story<'_>, from: usize) -> Made<Vec<Proposal>> {
    let mut batch = Vec::with_capacity(2);
    let mut begun = BTreeSet::new();
    let mut teller = Teller::of(story);
    let known = story.acts.get(from).map(|act| act.known);
    for act in story.acts.iter().skip(from).take(STEP_COMMANDS_MAX) {
        if Some(act.known) != known {
            break;
        }
        let expected = if begun.insert(act.stream) {
            Expected::at_number(act.revision - 1)
        } else {
            Expected::AfterThePreviousOfThisBatch
        };
        batch.push(teller.command(act, expected)?);
    }
    Ok(batch)
}

fn fault(why: &Impossible) -> Error {
    Error::new(ErrorKind::Internal, "demo_is_impossible", why.0.as_str())
}

/// How many steps are recorded with one commit.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// Most steps.
    pub steps_max: usize,
    /// Longest time between the first and the last of them, in microseconds. All of a group are recorded at the time
    /// of its last step, so a long span blurs what was known when.
    pub span_micros_max: i64,
}

/// Records all steps in groups. The ledger holds the policies of the shops and
/// nothing of an earlier demonstration; its door is [`Door::fixed`](crate::door::Door::fixed), whose clock is set to
/// each group's time. `told` is called with the number of events after each commit
/// and may stop it. Returns that number in the end.
///
/// # Errors
/// What [`Ledger::record_group`] says, the first command that is refused, a [`Generator::fault`]: there should be none.
pub fn feed<S: Store + Send + 'static>(
    ledger: &mut Ledger<S>,
    mut steps: Generator<'_>,
    group: Group,
    told: &mut dyn FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let mut events = 0;
    let mut waiting: Vec<Batch> = Vec::new();
    let mut first = Instant::EPOCH;
    let mut last = Instant::EPOCH;
    if steps.ledger.is_none() {
        steps.ledger = Some(ledger.store().revision(&Stream::Ledger)?);
    }
    let mut load = Load::new(ledger, true);
    for step in steps.by_ref() {
        let full = waiting.len() >= group.steps_max
            || step.recorded_at.micros() - first.micros() > group.span_micros_max;
        if !waiting.is_empty() && full {
            load.door().set_now(last);
            events += count(load.record(std::mem::take(&mut waiting))?)?;
            told(events)?;
        }
        if waiting.is_empty() {
            first = step.recorded_at;
        }
        last = step.recorded_at;
        waiting.push(step.batch);
    }
    load.door().set_now(last);
    events += count(load.record(waiting)?)?;
    events += count(load.finish()?)?;
    told(events)?;
    steps.fault.map_or(Ok(events), Err)
}

/// Events of a group, all of which were accepted.
fn count(results: Results) -> Result<u64> {
    results.into_iter().try_fold(0, |events, receipts| Ok(events + receipts?.len() as u64))
}
