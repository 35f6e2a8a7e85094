//! The rows of the board: a clock with its distance from what is due, and a duty that was missed.

use replay::{
    event::Channel,
    ids::{ClaimId, Code, EventId, OrderId, RefundId},
    judge::{Clock, ClockState, Due, MissingNotice},
    policy::{Firmness, Limit},
    time::{Day, Instant, When},
};
use serde::Serialize;

use super::{Owner, calendar::Calendars};
use crate::judging::due_text;

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
/// Ages below this are told in hours.
const AGE_HOURS_MAX: u64 = 48;

/// A clock at a moment.
#[derive(Debug, Clone, Serialize)]
pub struct ClockRow {
    /// Id of the SLA row.
    pub clock: Code,
    /// Policy id.
    pub policy: String,
    /// The order.
    pub order: OrderId,
    /// The claim; none for a clock of the order itself.
    pub claim: Option<ClaimId>,
    /// The refund it is about, where every refund has its own.
    pub refund: Option<RefundId>,
    /// What started it.
    pub from: String,
    /// When.
    pub started: When,
    /// The event.
    pub started_by: EventId,
    /// When it is usually done, where the document says so.
    pub expected: Option<String>,
    /// An instant, a local day (to its end), or a minute of a local day.
    pub due: Option<String>,
    /// The instant after which it is late; days end at the offset of the event that started the clock.
    pub due_at: Option<When>,
    /// A year without published holidays holds the due date.
    pub missing_year: Option<MissingYear>,
    /// `met`, `met_late`, `running`, `late` or `open` (nothing says when it is due).
    pub state: &'static str,
    /// How long before or after it was due; the age where no due time is known.
    pub by: Option<By>,
    /// `hard`, `soft` or `unquantified`.
    pub firmness: &'static str,
    /// A hard clock that is late, or was done late.
    pub breached: bool,
    /// When it was done.
    pub met: Option<When>,
    /// Clauses.
    pub cites: Vec<Code>,
    #[serde(skip)]
    limit: Option<Limit>,
    #[serde(skip)]
    calendar: Option<Code>,
    #[serde(skip)]
    due_day: Option<Day>,
}

/// A year that a calendar lacks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct MissingYear {
    /// The calendar; none when the policy names none.
    pub calendar: Option<Code>,
    /// The year.
    pub year: u16,
}

/// A distance between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct By {
    /// How many, rounded down.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
}

/// What distances are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Elapsed hours.
    Hours,
    /// Calendar days.
    Days,
    /// Business days of the policy's calendar (H-4).
    BusinessDays,
}

impl std::fmt::Display for By {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Hours => "h",
            Unit::Days => "d",
            Unit::BusinessDays => "bd",
        };
        write!(f, "{} {unit}", self.count)
    }
}

/// A duty to inform that no notice has met.
#[derive(Debug, Clone, Serialize)]
pub struct MissedRow {
    /// What should have been told.
    pub about: String,
    /// Policy id.
    pub policy: String,
    /// The order.
    pub order: OrderId,
    /// The claim; none for a duty of the order itself.
    pub claim: Option<ClaimId>,
    /// Since when.
    pub since: When,
    /// The event that should have been told.
    pub event: EventId,
    /// How long ago.
    pub by: By,
    /// By which channel, where the document says so.
    pub channel: Option<Channel>,
    /// To whom, where the document says so.
    pub to: Option<String>,
    /// Clauses.
    pub cites: Vec<Code>,
}

impl ClockRow {
    pub(super) fn new(owner: &Owner<'_>, clock: &Clock, at: When) -> Option<Self> {
        let sla = owner.rules.slas.get(clock.sla)?;
        let state = clock.state(at.at);
        let firmness = if matches!(clock.due, Due::NoFigure) { Firmness::Unquantified } else { sla.firmness };
        let offset = clock.from.value.offset_minutes;
        let due_at = clock.due.ends(offset).and_then(|end| When::new(end, offset).ok());
        let (due_day, missing_year) = match &clock.due {
            Due::By(day) | Due::AtMinute(day, _) => (Some(*day), None),
            Due::YearIsMissing { calendar, year } => {
                (None, Some(MissingYear { calendar: calendar.clone(), year: *year }))
            }
            Due::At(_) | Due::NoFigure => (None, None),
        };
        let is_late = matches!(state, ClockState::Late | ClockState::MetLate);
        Some(Self {
            clock: sla.id.clone(),
            policy: owner.policy.to_string(),
            order: owner.order.clone(),
            claim: owner.claim.cloned(),
            refund: clock.refund.clone(),
            from: sla.from.to_string(),
            started: clock.from.value,
            started_by: clock.from.event,
            expected: clock.expected.as_ref().and_then(due_text),
            due: due_text(&clock.due),
            due_at,
            missing_year,
            state: word(state),
            by: None,
            firmness: firmness.as_str(),
            breached: is_late && firmness == Firmness::Hard,
            met: clock.met.map(|met| met.value),
            cites: owner.rules.ids(&sla.cites),
            limit: sla.within,
            calendar: owner.rules.calendar.clone(),
            due_day,
        })
    }

    /// Whether it is not done, and due at most so many days after a moment.
    pub(super) fn is_due_within(&self, at: When, days: u32) -> bool {
        let last = i64::from(days).saturating_mul(DAY_MICROS).saturating_add(at.at.micros());
        self.met.is_none() && self.due_at.is_some_and(|due| due.at.micros() <= last)
    }

    /// What is late comes first, the longest of it at the top; then what nobody can tell, what is next, what has no
    /// figure, and last what is done.
    pub(super) fn urgency(&self) -> (u8, i64, &OrderId, &Option<ClaimId>, &Code, &Option<RefundId>) {
        let due = self.due_at.map_or(0, |due| due.at.micros());
        let started = self.started.at.micros();
        let (rank, time) = match self.state {
            "late" if self.breached => (0, due),
            "late" => (1, due),
            "open" if self.missing_year.is_some() => (2, started),
            "running" => (3, due),
            "open" => (4, started),
            "met_late" => (5, due),
            _ => (6, due),
        };
        (rank, time, &self.order, &self.claim, &self.clock, &self.refund)
    }

    /// Says by how much, in the unit the clock runs in.
    pub(super) fn tell_by(&mut self, calendars: &Calendars<'_>, at: When) {
        let done = self.met.unwrap_or(at);
        let Some(due) = self.due_at else {
            self.by = Some(age(self.started, done));
            return;
        };
        let hours = By { count: hours_between(due.at, done.at), unit: Unit::Hours };
        let (Some(due_day), Some(limit)) = (self.due_day, self.limit) else {
            self.by = Some(hours);
            return;
        };
        // A done thing has its own place; a moment is read where the clock was started.
        let offset = self.met.map_or(self.started.offset_minutes, |met| met.offset_minutes);
        let day = When::new(done.at, offset).unwrap_or(done).local_day();
        let days = By { count: days_between(due_day, day), unit: Unit::Days };
        self.by = Some(match limit {
            _ if days.count == 0 => hours,
            Limit::BusinessDays(..) => {
                let counted = self.calendar.as_ref().and_then(|c| calendars.business_days(c, due_day, day));
                counted.map_or(days, |count| By { count, unit: Unit::BusinessDays })
            }
            _ => days,
        });
    }
}

impl MissedRow {
    pub(super) fn new(owner: &Owner<'_>, missing: &MissingNotice, at: When) -> Option<Self> {
        let notice = owner.rules.notices.get(missing.notice)?;
        Some(Self {
            about: notice.about.clone(),
            policy: owner.policy.to_string(),
            order: owner.order.clone(),
            claim: owner.claim.cloned(),
            since: missing.since.value,
            event: missing.since.event,
            by: age(missing.since.value, at),
            channel: notice.channel,
            to: notice.to.clone(),
            cites: owner.rules.ids(&notice.cites),
        })
    }
    pub(super) fn age(&self) -> (i64, &OrderId, &Option<ClaimId>, &String) {
        (self.since.at.micros(), &self.order, &self.claim, &self.about)
    }
}

fn word(state: ClockState) -> &'static str {
    match state {
        ClockState::Met => "met",
        ClockState::MetLate => "met_late",
        ClockState::Running => "running",
        ClockState::Late => "late",
        ClockState::Open => "open",
    }
}

fn hours_between(a: Instant, b: Instant) -> u64 {
    a.micros().abs_diff(b.micros()) / HOUR_MICROS.unsigned_abs()
}

fn days_between(a: Day, b: Day) -> u64 {
    a.date().signed_duration_since(b.date()).num_days().unsigned_abs()
}

fn age(since: When, at: When) -> By {
    let hours = hours_between(since.at, at.at);
    if hours < AGE_HOURS_MAX {
        By { count: hours, unit: Unit::Hours }
    } else {
        By { count: hours / 24, unit: Unit::Days }
    }
}
