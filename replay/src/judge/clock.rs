//! Clocks and duties to inform: what is due when, by whose calendar, and whether it was done.

use alloc::{sync::Arc, vec::Vec};

use super::{Judgement, Seen, SignalFact, Trial, UnitJudgement};
use crate::{
    ids::{Code, RefundId},
    policy::{Limit, Notice, Policy, Signal, Sla},
    time::{Day, When},
};

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Due {
    /// At an instant (elapsed hours, H-5).
    At(When),
    /// By the end of a local day.
    By(Day),
    /// At a minute of a local day, in the policy's zone.
    AtMinute(Day, u16),
    /// The document gives no figure: only the age is reported.
    NoFigure,
    /// The calendar has no such year: the date is held, never guessed (H-4, H-17).
    YearIsMissing { calendar: Option<Code>, year: u16 },
}

/// How a clock stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockState {
    /// Done in time.
    Met,
    /// Done, but after it was due.
    MetLate,
    /// Still to be done, and there is time.
    Running,
    /// Still to be done, and it is late.
    Late,
    /// No due time can be told.
    Open,
}

/// A clock that has started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// Index of the SLA row.
    pub sla: usize,
    /// The refund it is about, where there is one clock per refund.
    pub refund: Option<RefundId>,
    pub from: Seen<When>,
    pub due: Due,
    /// When it is usually done, where the document says so.
    pub expected: Option<Due>,
    /// What stopped it.
    pub met: Option<Seen<When>>,
    /// It belongs to the order, and so to every claim of it.
    pub of_order: bool,
}

/// A duty to inform that no notice has met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingNotice {
    /// Index of the notice row.
    pub notice: usize,
    /// What should have been told, since when.
    pub since: Seen<When>,
}

/// What is due for an order, whoever claims what of it.
#[derive(Debug, Clone)]
pub struct OfOrder {
    /// The version in force at purchase (H-7).
    pub policy: Arc<Policy>,
    pub clocks: Vec<Clock>,
    pub missing_notices: Vec<MissingNotice>,
}

impl Due {
    /// The instant after which it is late; local days are read at the offset of the event that started the clock.
    pub fn ends(&self, offset_minutes: i16) -> Option<crate::time::Instant> {
        match self {
            Due::At(when) => Some(when.at),
            Due::By(day) => day.at_minute(24 * 60, offset_minutes),
            Due::AtMinute(day, minute) => day.at_minute(*minute, offset_minutes),
            Due::NoFigure | Due::YearIsMissing { .. } => None,
        }
    }
    /// Whether something done at that time came in time, by the local date and time of the doing.
    fn holds(&self, done: When) -> Option<bool> {
        match self {
            Due::At(when) => Some(done.at <= when.at),
            Due::By(day) => Some(done.local_day() <= *day),
            Due::AtMinute(day, minute) => {
                let end = day.at_minute(*minute, done.offset_minutes)?;
                Some(done.at <= end)
            }
            Due::NoFigure | Due::YearIsMissing { .. } => None,
        }
    }
}

impl Clock {
    /// How it stands now.
    pub fn state(&self, now: crate::time::Instant) -> ClockState {
        match self.met {
            Some(met) => match (self.due.holds(met.value), &self.due) {
                (Some(false), _) => ClockState::MetLate,
                // Done, but whether in time nobody can say before the calendar is there.
                (None, Due::YearIsMissing { .. }) => ClockState::Open,
                _ => ClockState::Met,
            },
            None => match self.due.ends(self.from.value.offset_minutes) {
                Some(end) if now > end => ClockState::Late,
                Some(_) => ClockState::Running,
                None => ClockState::Open,
            },
        }
    }
}

impl Trial<'_> {
    /// Clocks and duties of the claim; a clock that starts with the order belongs to every claim of it.
    pub(super) fn clocks(&self, judged: &mut Judgement) {
        for (at, sla) in self.policy.slas.iter().enumerate() {
            if self.concerns(sla, &judged.units) {
                self.start(at, sla, &mut judged.clocks);
            }
        }
        judged.missing_notices = self.untold_all(false);
    }

    /// Clocks and duties that belong to the order itself.
    pub(super) fn of_order(&self) -> OfOrder {
        let units: Vec<UnitJudgement> =
            self.pieces(&self.facts.units).map(|piece| self.unit(&piece)).collect();
        let mut clocks = Vec::new();
        for (at, sla) in self.policy.slas.iter().enumerate() {
            if sla.from.is_of_the_order() && self.concerns(sla, &units) {
                self.start(at, sla, &mut clocks);
            }
        }
        OfOrder { policy: self.version.policy.clone(), clocks, missing_notices: self.untold_all(true) }
    }

    fn start(&self, at: usize, sla: &Sla, clocks: &mut Vec<Clock>) {
        let mut starts: Vec<&SignalFact> = self.signals(&sla.from).collect();
        // One clock per refund; of everything else the first event starts it.
        if starts.iter().any(|s| s.refund.is_none()) {
            starts.truncate(1);
        }
        for start in starts {
            let from = Seen { value: start.at, event: start.event };
            clocks.push(Clock {
                sla: at,
                refund: start.refund.clone(),
                from,
                due: self.due(start.at, sla.within),
                expected: sla.expect.map(|limit| self.due(start.at, Some(limit))),
                met: self.stopped(sla, start),
                of_order: sla.from.is_of_the_order(),
            });
        }
    }

    fn untold_all(&self, of_order: bool) -> Vec<MissingNotice> {
        let rows = self.policy.notices.iter().enumerate().filter(|(_, n)| n.on.is_of_the_order() == of_order);
        rows.filter_map(|(notice, row)| Some(MissingNotice { notice, since: self.untold(row)? })).collect()
    }

    fn signals<'s>(&'s self, wanted: &'s Signal) -> impl Iterator<Item = &'s SignalFact> {
        self.facts.signals.iter().filter(move |s| wanted.is(s.kind, s.qualifier.as_deref()))
    }

    /// Whether the scope of a clock matches any unit of the claim.
    fn concerns(&self, sla: &Sla, units: &[UnitJudgement]) -> bool {
        self.pieces(&self.facts.units)
            .zip(units)
            .any(|(piece, unit)| self.in_scope(&sla.scope, &piece, unit.basis, unit.remedy, &unit.windows))
    }

    fn stopped(&self, sla: &Sla, start: &SignalFact) -> Option<Seen<When>> {
        let same = |s: &&SignalFact| {
            s.at.at >= start.at.at
                && match (&start.refund, &s.refund) {
                    (Some(a), Some(b)) => a == b,
                    _ => true,
                }
        };
        let ends = sla.to.iter().flat_map(|to| self.signals(to)).filter(same);
        let first = ends.min_by_key(|s| s.at.at)?;
        Some(Seen { value: first.at, event: first.event })
    }

    /// The last event that should have been told and was not.
    fn untold(&self, notice: &Notice) -> Option<Seen<When>> {
        let last = self.signals(&notice.on).max_by_key(|s| s.at.at)?;
        // Told by another channel than the document says is not told; a notice that names none is taken at its word.
        let channel =
            |s: &SignalFact| notice.channel.is_none() || s.channel.is_none() || s.channel == notice.channel;
        let told = self.facts.signals.iter().any(|s| {
            s.kind == crate::event::Kind::NoticeSent
                && channel(s)
                && s.qualifier.as_deref() == Some(notice.about.as_str())
                && s.at.at >= last.at.at
        });
        (!told).then_some(Seen { value: last.at, event: last.event })
    }

    fn due(&self, from: When, limit: Option<Limit>) -> Due {
        match limit {
            None => Due::NoFigure,
            Some(Limit::Hours(hours)) => from.plus_hours(hours).map_or(Due::NoFigure, Due::At),
            Some(Limit::Days(days)) => from.local_day().plus_days(days).map_or(Due::NoFigure, Due::By),
            Some(Limit::BusinessDays(days, minute)) => match self.business_day(from.local_day(), days) {
                Ok(day) => minute.map_or(Due::By(day), |minute| Due::AtMinute(day, minute)),
                Err(year) => Due::YearIsMissing { calendar: self.policy.calendar.clone(), year },
            },
        }
    }

    /// The n-th business day after a day (H-4), or the year whose holidays nobody has published.
    fn business_day(&self, from: Day, days: u32) -> Result<Day, u16> {
        let mut day = from;
        let mut left = days;
        while left > 0 {
            day = day.plus_days(1).ok_or(day.year())?;
            let calendar = self.policy.calendar.as_ref().ok_or(day.year())?;
            let year = self.registry.year_under(calendar, day.year(), self.cut).ok_or(day.year())?;
            if !day.is_weekend() && !year.holidays.contains(&day) {
                left = left.saturating_sub(1);
            }
        }
        Ok(day)
    }
}
