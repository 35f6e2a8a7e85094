//! Paid above the entitlement, and entitled and not paid.

use replay::{
    claim::CreditKind,
    event::{Event, UnitStatus},
    history::{Cut, Standing},
    judge::{Judgement, Outcome, UnitJudgement, judge},
    policy::Cites,
    time::Instant,
};

use super::{
    Category,
    looked::{Found, Looked, Take},
};

/// Most moments that are looked at to find since when money is open; beyond it the earliest of them is named.
const MOMENTS_MAX: usize = 200;

/// Money that has left, with its event.
pub(super) struct Paid<'a> {
    pub on: &'a Standing<'a>,
    pub name: String,
    pub minor: u64,
}

impl<'a> Looked<'a> {
    /// Effective refunds and gift credits, in order of time.
    pub(super) fn credits(&self) -> Vec<Paid<'a>> {
        let credits = self.state.credits.iter();
        let credits = credits.filter(|(_, c)| c.is_effective() && c.kind != CreditKind::Historical);
        let mut paid: Vec<Paid<'a>> = credits
            .filter_map(|(id, credit)| {
                let on = self.event(credit.event_id)?;
                Some(Paid { on, name: id.to_string(), minor: credit.amount.minor() })
            })
            .collect();
        paid.sort_by_key(|p| (p.on.effective.at, p.on.fact.position));
        paid
    }

    /// Everything that has left for good: a chargeback that was lost as well.
    fn gone(&self) -> Vec<Paid<'a>> {
        let mut paid = self.credits();
        for (reference, (amount, _)) in self.state.chargebacks.iter().filter(|(_, c)| c.1 == Some(false)) {
            let lost = |e: &Event| matches!(e, Event::ChargebackLost(l) if l.psp_ref == *reference);
            if let Some(on) = self.find(lost) {
                paid.push(Paid { on, name: format!("chargeback {reference}"), minor: amount.minor() });
            }
        }
        paid.sort_by_key(|p| (p.on.effective.at, p.on.fact.position));
        paid
    }

    /// The part of each payment that lies above what the policy makes payable: the first payments are the good ones.
    pub(super) fn paid_above(&self, take: &mut Take<'_>) {
        let payable = self.judged.payable_minor;
        let mut together = 0u64;
        for paid in self.gone() {
            let before = together.saturating_sub(payable);
            together = together.saturating_add(paid.minor);
            let minor = together.saturating_sub(payable).saturating_sub(before);
            if minor == 0 {
                continue;
            }
            let sum = if together == paid.minor {
                String::new()
            } else {
                format!(", {} together with what was paid before", self.money(together))
            };
            let why = format!(
                "{} paid {}{sum}; today's facts entitle to {}",
                paid.name,
                self.money(paid.minor),
                self.money(payable)
            );
            let (category, cites) = (Category::PaidAboveEntitlement, self.ids(&less_because(self.judged)));
            take(self.row(paid.on, Found { category, minor, cites, by: None, why, named: true }));
        }
    }

    pub(super) fn not_paid(&self, take: &mut Take<'_>) {
        if self.state.withdrawn {
            return;
        }
        let minor = open(self.judged);
        if minor == 0 {
            return;
        }
        let Some(since) = self.open_since() else { return };
        let last_day = since.effective.local_day().plus_days(self.ask.grace_days);
        if last_day.is_none_or(|last| self.ask.at.local_day() < last) {
            return;
        }
        let eligible = self.judged.units.iter().filter(|u| u.status == UnitStatus::Eligible);
        let cites = eligible.fold(Cites::default(), |all, u| all.with(&u.cites));
        let cites = if cites.is_empty() { Cites::house(19) } else { cites };
        let why = format!(
            "{} payable, {} paid; open since {}",
            self.money(self.judged.payable_minor),
            self.money(self.judged.refunded_minor),
            since.effective.local_day()
        );
        let (category, cites) = (Category::EntitledNotPaid, self.ids(&cites));
        take(self.row(since, Found { category, minor, cites, by: None, why, named: false }));
    }

    /// The event since which money has been open without a break: the facts are taken back one moment at a time.
    fn open_since(&self) -> Option<&'a Standing<'a>> {
        let all = self.standing.iter().chain(self.order_standing).filter(|s| s.reversed.is_none());
        let mut events: Vec<&Standing<'_>> = all.collect();
        events.sort_by_key(|s| (s.effective.at, s.fact.position));
        let mut since: Option<&'a Standing<'a>> = None;
        let mut looked_at: Option<Instant> = None;
        for event in events.into_iter().rev().take(MOMENTS_MAX) {
            // Of what happened at once, the event that was recorded last stands for the moment.
            if looked_at == Some(event.effective.at) {
                continue;
            }
            looked_at = Some(event.effective.at);
            if !self.is_open_at(event.effective.at) {
                break;
            }
            since = Some(event);
        }
        since
    }

    fn is_open_at(&self, at: Instant) -> bool {
        let cut = Cut { effective_at: Some(at), ..self.ask.cut };
        let judged = judge(self.case, &self.state.id, self.registry, &cut);
        judged.is_some_and(|judged| open(&judged) > 0)
    }
}

/// What is still to be paid.
fn open(judged: &Judgement) -> u64 {
    u64::try_from(judged.open_minor()).unwrap_or(0)
}

/// Why it is not more: the clauses in the way of units, and those of the lines that take off (H-14 when none does).
pub(super) fn less_because(judged: &Judgement) -> Cites {
    let stuck = judged.units.iter().filter(|u| u.status != UnitStatus::Eligible);
    let cites = stuck.fold(Cites::default(), |all, u| all.with(&reasons(judged, u)));
    let taken = judged.lines.iter().filter(|l| l.minor < 0);
    let cites = taken.fold(cites, |all, l| all.with(&l.cites));
    if cites.is_empty() { Cites::house(14) } else { cites }
}

/// The status of a unit that waits cites the right it has, so the guard in its way is cited instead.
fn reasons(judged: &Judgement, unit: &UnitJudgement) -> Cites {
    let later = unit.asked.iter().filter(|a| a.outcome == Outcome::Later);
    let rows = later.filter_map(|a| judged.policy.requirements.get(a.row));
    let guards = rows.fold(Cites::default(), |all, row| all.with(&row.cites));
    if unit.status == UnitStatus::Authorizable && !guards.is_empty() { guards } else { unit.cites.clone() }
}
