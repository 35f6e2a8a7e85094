//! Charges that were not made, fees that a clause waives, charges that a person gave up.

use replay::{
    claim::Charge,
    event::Event,
    history::Standing,
    ids::{ChargeId, Code},
    judge::Aside,
    policy::Cites,
};
use std::collections::BTreeMap;

use super::{
    Category,
    looked::{Found, Looked, Take, person},
};

impl<'a> Looked<'a> {
    /// Charges that were given up, with the event that did it and what was still open.
    fn given_up(&self) -> Vec<(&'a ChargeId, &'a Charge, &'a Standing<'a>, &'a Code, u64)> {
        let waived = self.state.charges.iter().filter(|(_, charge)| charge.waived);
        waived
            .filter_map(|(id, charge)| {
                let on = self.find(|e| matches!(e, Event::ChargeWaived(w) if w.charge == *id))?;
                let open = charge.amount.minor().saturating_sub(charge.paid_minor);
                match &*on.event {
                    Event::ChargeWaived(w) => Some((id, charge, on, &w.reason_code, open)),
                    _ => None,
                }
            })
            .collect()
    }

    /// What the customer must bear by the policy, less what was charged and not given up.
    pub(super) fn not_charged(&self, take: &mut Take<'_>) {
        let mut due: BTreeMap<&Code, (u64, Cites, Vec<_>)> = BTreeMap::new();
        for charge in &self.judged.charges {
            let (minor, cites, events) = due.entry(&charge.what).or_default();
            *minor = minor.saturating_add(charge.minor);
            cites.add(&charge.cites);
            events.extend(charge.events.iter().copied());
        }
        for (what, (minor, cites, events)) in due {
            let charged = self.state.charges.values().filter(|c| c.what == *what);
            let kept = charged.map(|c| if c.waived { c.paid_minor } else { c.amount.minor() });
            let mut short = minor.saturating_sub(kept.fold(0, u64::saturating_add));
            let category = Category::FeesNotCharged;
            let cites = self.ids(&cites);
            for (id, _, on, reason, open) in self.given_up().into_iter().filter(|g| g.1.what == *what) {
                let minor = open.min(short);
                short = short.saturating_sub(minor);
                if minor > 0 {
                    let why =
                        format!("{what} of {} was charged as {id} and given up: {reason}", self.money(open));
                    let cites = cites.clone();
                    take(self.row(on, Found { category, minor, cites, by: None, why, named: true }));
                }
            }
            let Some(on) = events.iter().filter_map(|id| self.event(*id)).max_by_key(|s| s.effective.at)
            else {
                continue;
            };
            if short > 0 {
                let why = if short == minor {
                    format!("{what} of {} follows from the policy and was not charged", self.money(minor))
                } else {
                    let (due, short) = (self.money(minor), self.money(short));
                    format!("{what} of {due} follows from the policy, {short} of it was not charged")
                };
                take(self.row(on, Found { category, minor: short, cites, by: None, why, named: false }));
            }
        }
    }

    /// Fees that a clause waives count when money was decided; charges that a person gave up count when he did.
    pub(super) fn waived(&self, take: &mut Take<'_>) {
        let category = Category::Waivers;
        let decided = self.state.decisions.iter().filter(|d| d.remedy.pays_money());
        let decided = decided.filter_map(|d| self.event(d.event_id)).max_by_key(|s| s.effective.at);
        if let Some(on) = decided {
            for aside in &self.judged.asides {
                let Aside::Waived { fee, minor, cites } = aside else { continue };
                let cites = self.ids(cites);
                let by = Some(words(&cites));
                let why = format!("{fee} fee of {} is waived by the policy", self.money(*minor));
                take(self.row(on, Found { category, minor: *minor, cites, by, why, named: false }));
            }
        }
        for (id, charge, on, reason, minor) in self.given_up() {
            let by = Some(format!("{}: {reason}", person(on)));
            let why =
                format!("{} of charge {id} ({}) was given up: {reason}", self.money(minor), charge.what);
            let cites = self.ids(&Cites::house(15));
            take(self.row(on, Found { category, minor, cites, by, why, named: true }));
        }
    }
}

fn words(cites: &[Code]) -> String {
    cites.iter().map(Code::as_str).collect::<Vec<_>>().join(", ")
}
