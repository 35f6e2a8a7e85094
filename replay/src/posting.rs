//! The refund totals by the month they were posted in: what a month is sealed with, and what proves the seal.
//!
//! Entries are only ever added. An event adds the difference it makes to its claim's credits, in the month in
//! which that difference happened, or in the open month if that one was sealed before; so a sealed month
//! cannot change, whatever is learned, corrected or reversed later.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    books::Sums,
    claim::{ClaimState, Credit, CreditStatus},
    event::{ControlTotal, Event},
    money::{Currency, MINOR_MAX},
    period::Place,
    time::{Month, When},
};

/// Sums with their sign: an entry that takes back another may stand in a month of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Net {
    credits: i64,
    credited: i64,
    reversed: i64,
    failed: i64,
}

/// The credits of a claim by the month they happened in.
pub type Movements = BTreeMap<(Month, Currency), Sums>;

/// What was posted into every month so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Postings {
    months: BTreeMap<(Month, Currency), Net>,
}

/// Whether an event can change what was credited.
pub fn may_move(event: &Event) -> bool {
    matches!(
        event,
        Event::RefundIssued(_)
            | Event::GiftCreditIssued(_)
            | Event::HistoricalCreditRecorded(_)
            | Event::RefundPosted(_)
            | Event::RefundFailed(_)
            | Event::EventCorrected(_)
            | Event::EventReversed(_)
    )
}

/// The credits of a claim by the month they happened in; none for a claim that is not there yet.
pub fn movements(state: Option<&ClaimState>) -> Movements {
    let mut found = Movements::new();
    if let Some(state) = state {
        each(state, &mut |credit, when, sums| {
            found.entry((when.local_day().month(), credit.amount.currency())).or_default().add(&sums);
        });
    }
    found
}

/// Every credit of a claim when it was issued, and its reversal or failure in their time.
pub(crate) fn each(state: &ClaimState, add: &mut dyn FnMut(&Credit, When, Sums)) {
    for credit in state.credits.values() {
        let amount = credit.amount.minor();
        let mut add = |when: When, sums: Sums| add(credit, when, sums);
        add(credit.issued, Sums { credits: 1, credited_minor: amount, ..Sums::default() });
        if let Some(reversed) = credit.reversed {
            add(reversed, Sums { reversed_minor: amount, ..Sums::default() });
        } else if let (CreditStatus::Failed, Some(failed)) = (credit.status, credit.failed) {
            add(failed, Sums { failed_minor: amount, ..Sums::default() });
        }
    }
}

impl Postings {
    /// Adds the difference that an event made, in its place.
    pub fn post(&mut self, before: &Movements, after: &Movements, place: &Place<'_>) {
        let none = Sums::default();
        let mut add = |key: &(Month, Currency), old: &Sums, new: &Sums| {
            if old == new {
                return;
            }
            let total = self.months.entry((place.month(key.0), key.1)).or_default();
            let grow = |sum: &mut i64, old: u64, new: u64| {
                let minor = |minor: u64| i64::try_from(minor).unwrap_or(i64::MAX);
                *sum = sum.saturating_add(minor(new).saturating_sub(minor(old)));
            };
            grow(&mut total.credits, old.credits, new.credits);
            grow(&mut total.credited, old.credited_minor, new.credited_minor);
            grow(&mut total.reversed, old.reversed_minor, new.reversed_minor);
            grow(&mut total.failed, old.failed_minor, new.failed_minor);
        };
        for (key, old) in before {
            add(key, old, after.get(key).unwrap_or(&none));
        }
        for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
            add(key, &none, new);
        }
    }

    /// Every month with its sums per currency.
    pub fn months(&self) -> impl Iterator<Item = (Month, Currency, Sums)> {
        self.months.iter().map(|((month, currency), net)| (*month, *currency, net.sums()))
    }

    /// What a month is sealed with: its sums per currency, in the order of the currencies.
    pub fn control_totals(&self, month: Month) -> Vec<ControlTotal> {
        let own = self.months().filter(|(of, _, sums)| *of == month && !sums.is_zero());
        let total = |(_, currency, sums): (Month, Currency, Sums)| ControlTotal {
            currency,
            credited_minor: sums.credited_minor.min(MINOR_MAX),
            reversed_minor: sums.reversed_minor.min(MINOR_MAX),
            failed_minor: sums.failed_minor.min(MINOR_MAX),
        };
        own.map(total).collect()
    }
}

impl Net {
    /// Sums that only grow: what would shrink one of them counts on the other side.
    fn sums(&self) -> Sums {
        let plus = |minor: i64| u64::try_from(minor).unwrap_or(0);
        let minus = |minor: i64| u64::try_from(minor.saturating_neg()).unwrap_or(0);
        Sums {
            credits: plus(self.credits),
            credited_minor: plus(self.credited)
                .saturating_add(minus(self.reversed))
                .saturating_add(minus(self.failed)),
            reversed_minor: plus(self.reversed).saturating_add(minus(self.credited)),
            failed_minor: plus(self.failed),
        }
    }
}
