//! Journal-entry tests (AS 2401.61, AU-C 240.32): which entries have the marks that fraud has had. A hit is a question,
//! not an answer.
//!
//! Only acts of the merchant are tested: a bank's chargeback at night says nothing. Credits from before this ledger are
//! dated back and belong to sealed months by their nature, so those two tests leave them out.

use replay::{money::Currency, time::Day};
use serde::Serialize;
use std::collections::BTreeMap;

use super::entry::Entry;

const HOUR_MINUTES: u16 = 60;
const DAY_MICROS: i64 = 86_400_000_000;
const BP_WHOLE: u128 = 10_000;

/// Parameters of the tests.
#[derive(Debug, Clone, Serialize)]
pub struct Parameters {
    /// Last days of a month that count as its end.
    pub period_end_days: u32,
    /// Amounts that are multiples of so many major units are round.
    pub round_major: u64,
    /// First hour of a usual day, local.
    pub day_begins_hour: u16,
    /// Hour at which a usual day is over.
    pub day_ends_hour: u16,
    /// Whoever made fewer entries than this in the window is unusual.
    pub seldom_entries: u64,
    /// Days after which a late entry counts as dated back.
    pub backdated_days: u32,
    /// How close below a limit is just below it, in basis points of the limit.
    pub below_limit_bp: u32,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            period_end_days: 3,
            round_major: 100,
            day_begins_hour: 6,
            day_ends_hour: 20,
            seldom_entries: 5,
            backdated_days: 30,
            below_limit_bp: 1_000,
        }
    }
}

/// A test with what it found.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Its name.
    pub test: &'static str,
    /// What people read.
    pub title: &'static str,
    /// The parameter, in words.
    pub parameter: String,
    /// Acts that were looked at.
    pub looked_at: u64,
    /// Entries that were found.
    pub count: u64,
    /// Their amounts per currency, in minor units.
    pub totals: BTreeMap<String, u64>,
    /// The entries.
    pub rows: Vec<Hit>,
}

/// An entry that a test has found.
#[derive(Debug, Clone, Serialize)]
pub struct Hit {
    /// Place in the log.
    pub position: u64,
    /// The event.
    pub event_id: String,
    /// Its kind.
    pub kind: &'static str,
    /// The claim.
    pub claim: String,
    /// Policy id.
    pub merchant: String,
    /// In minor units.
    pub amount_minor: u64,
    /// ISO 4217.
    pub currency: String,
    /// Local day.
    pub day: Day,
    /// Who brought it.
    pub entered_by: String,
    /// The second person.
    pub approved_by: String,
    /// `stands`, `corrected` or `reversed`.
    pub standing: &'static str,
    /// Why it is here.
    pub why: String,
}

/// The names of the tests, in the order of the report.
pub const TESTS: [&str; 9] = [
    "period_end",
    "round_amounts",
    "unusual_hours",
    "unusual_actors",
    "backdated",
    "after_close",
    "same_actor_twice",
    "just_below_limit",
    "duplicates",
];

/// Runs every test over the entries of a window.
pub(super) fn run(entries: &[Entry], p: &Parameters) -> Vec<Found> {
    let acts: Vec<&Entry> = entries.iter().filter(|e| e.is_act).collect();
    let each = |why: &dyn Fn(&Entry) -> Option<String>| {
        acts.iter().filter_map(|e| why(e).map(|why| hit(e, why))).collect::<Vec<Hit>>()
    };
    let looked_at = u64::try_from(acts.len()).unwrap_or(u64::MAX);
    let found = |test, title, parameter: String, rows: Vec<Hit>| {
        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for row in &rows {
            let sum = totals.entry(row.currency.clone()).or_default();
            *sum = sum.saturating_add(row.amount_minor);
        }
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        Found { test, title, parameter, looked_at, count, totals, rows }
    };
    let per_actor = acts.iter().fold(BTreeMap::<&str, u64>::new(), |mut counts, e| {
        *counts.entry(&e.entered_by).or_default() += 1;
        counts
    });
    let [end, round, hours, actors, backdated, closed, twice, limit, duplicate] = TESTS;
    vec![
        found(
            end,
            "at the end of a month",
            format!("the last {} days", p.period_end_days),
            each(&|e| is_month_end(e.day, p.period_end_days).then(|| format!("on {}", e.day))),
        ),
        found(
            round,
            "round amounts",
            format!("multiples of {} major units", p.round_major),
            each(&|e| is_round(e, p.round_major).then(|| "a round amount".into())),
        ),
        found(
            hours,
            "at unusual hours",
            format!(
                "outside {:02}:00 to {:02}:00 local, Saturdays, Sundays",
                p.day_begins_hour, p.day_ends_hour
            ),
            each(&|e| unusual_hour(e, p)),
        ),
        found(
            actors,
            "by unusual persons",
            format!("fewer than {} entries in the window", p.seldom_entries),
            each(&|e| {
                let count = per_actor.get(e.entered_by.as_str()).copied().unwrap_or_default();
                let entries = if count == 1 { "entry" } else { "entries" };
                (count < p.seldom_entries).then(|| format!("{count} {entries} by {}", e.entered_by))
            }),
        ),
        found(
            backdated,
            "dated back",
            format!("recorded more than {} days after they happened", p.backdated_days),
            each(&|e| dated_back(e, p.backdated_days)),
        ),
        found(
            closed,
            "after the month was closed",
            "the month was sealed before the entry was recorded".into(),
            each(&|e| {
                let late = e.after_close && !is_historical(e);
                late.then(|| format!("{} was closed when it was recorded", e.day.month()))
            }),
        ),
        found(
            twice,
            "decided and paid by one person",
            "paid out by who decided, without a second person on either".into(),
            same_actor(&acts),
        ),
        found(
            limit,
            "just below a limit",
            format!("within {} basis points below the limit of the role", p.below_limit_bp),
            each(&|e| just_below(e, p.below_limit_bp)),
        ),
        found(
            duplicate,
            "the same again",
            "same claim, same amount, same day, paid out more than once".into(),
            duplicates(&acts),
        ),
    ]
}

fn hit(e: &Entry, why: String) -> Hit {
    Hit {
        position: e.position,
        event_id: e.event_id.clone(),
        kind: e.kind,
        claim: e.claim.clone(),
        merchant: e.merchant.clone(),
        amount_minor: e.amount_minor,
        currency: e.currency.clone(),
        day: e.day,
        entered_by: e.entered_by.clone(),
        approved_by: e.approved_by.clone(),
        standing: e.standing,
        why,
    }
}

fn is_historical(e: &Entry) -> bool {
    e.transaction_type == "historical_credit"
}

fn is_paid_out(e: &Entry) -> bool {
    matches!(e.transaction_type, "refund" | "gift_credit")
}

fn is_month_end(day: Day, days: u32) -> bool {
    day.plus_days(days).is_none_or(|later| later.month() != day.month())
}

fn is_round(e: &Entry, major: u64) -> bool {
    let exponent = Currency::parse(&e.currency).map_or(0, |c| c.exponent());
    let unit = 10u64.checked_pow(exponent).and_then(|minor| minor.checked_mul(major)).unwrap_or(0);
    unit > 0 && e.amount_minor > 0 && e.amount_minor.is_multiple_of(unit)
}

fn unusual_hour(e: &Entry, p: &Parameters) -> Option<String> {
    let minute = e.effective_at.local_minute();
    let usual = p.day_begins_hour.saturating_mul(HOUR_MINUTES)..p.day_ends_hour.saturating_mul(HOUR_MINUTES);
    let clock = format!("{:02}:{:02}", minute / HOUR_MINUTES, minute % HOUR_MINUTES);
    match (e.day.is_weekend(), usual.contains(&minute)) {
        (true, _) => Some(format!("on a weekend, at {clock}")),
        (false, false) => Some(format!("at {clock}")),
        (false, true) => None,
    }
}

fn dated_back(e: &Entry, days: u32) -> Option<String> {
    let late = e.recorded_micros.saturating_sub(e.effective_at.at.micros());
    let far = late > i64::from(days).saturating_mul(DAY_MICROS) && !is_historical(e);
    far.then(|| format!("recorded {} days after {}", late / DAY_MICROS, e.day))
}

fn just_below(e: &Entry, bp: u32) -> Option<String> {
    let limit = e.limit_minor.filter(|limit| *limit > 0)?;
    let (amount, limit) = (u128::from(e.amount_minor), u128::from(limit));
    let floor = limit.saturating_mul(BP_WHOLE.saturating_sub(u128::from(bp)));
    let near = amount <= limit && amount.saturating_mul(BP_WHOLE) > floor;
    let text = crate::view::money(e.limit_minor.unwrap_or_default(), &e.currency);
    near.then(|| format!("the limit of {} for {} is {text} {}", e.role, e.kind, e.currency))
}

/// Money that went out by the hand that decided it. A second person on the decision or on the payment answers for it.
fn same_actor(acts: &[&Entry]) -> Vec<Hit> {
    let alone = |e: &Entry| e.approved_by.is_empty() || e.approved_by == e.entered_by;
    let mut decided: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut hits = Vec::new();
    for e in acts.iter().filter(|e| alone(e)) {
        let hand = (e.claim.as_str(), e.entered_by.as_str());
        match e.transaction_type {
            "credit_memo" | "goodwill" => {
                decided.insert(hand, e.position);
            }
            _ if is_paid_out(e) => {
                if let Some(position) = decided.get(&hand) {
                    hits.push(hit(e, format!("{} decided it at position {position}", e.entered_by)));
                }
            }
            _ => {}
        }
    }
    hits
}

fn duplicates(acts: &[&Entry]) -> Vec<Hit> {
    let mut groups: BTreeMap<(&str, Day, &str, u64), Vec<&Entry>> = BTreeMap::new();
    for e in acts.iter().filter(|e| is_paid_out(e)) {
        groups.entry((&e.claim, e.day, &e.currency, e.amount_minor)).or_default().push(e);
    }
    let repeated = groups.into_values().filter(|group| group.len() > 1);
    let mut hits: Vec<Hit> = repeated
        .flat_map(|group| {
            let many = group.len();
            group.into_iter().map(move |e| hit(e, format!("one of {many} on this claim and day")))
        })
        .collect();
    hits.sort_by_key(|hit| hit.position);
    hits
}
