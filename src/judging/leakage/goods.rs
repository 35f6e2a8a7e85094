//! Money for goods that never came back, and labels that nobody used.

use replay::{
    claim::ParcelState,
    event::{ArticleClass, Event, LabelIssued, Leg, Party, ScanStatus},
    history::Standing,
    ids::{Code, ParcelId},
    judge::Outcome,
    policy::{Cites, FactName, Requirement},
    units::Units,
};
use std::collections::BTreeSet;

use super::{
    Category,
    looked::{Found, Looked, Take},
};

/// Whether a condition asks for the goods themselves.
fn asks_for_goods(row: &Requirement) -> bool {
    row.needs.facts().iter().any(|f| matches!(f, FactName::UnitReceived | FactName::UnitInspected))
}

impl<'a> Looked<'a> {
    /// Units that are goods and of which nothing says that they came back.
    fn never_arrived(&self) -> Units {
        let lines = self.sold.sale.lines.iter().filter(|l| l.class != ArticleClass::Subscription);
        let goods = lines
            .filter_map(|line| Units::from_line(line.id.clone(), line.quantity).ok())
            .fold(Units::default(), |all, line| all.union(&line));
        let arrived = self.standing().fold(Units::default(), |all, s| match &*s.event {
            Event::ParcelReceived(p) => all.union(&p.units),
            Event::ItemInspected(i) => all.union(&i.units),
            Event::ItemLostInCustody(l) => all.union(&l.units),
            _ => all,
        });
        goods.intersection(&self.state.units.units()).difference(&arrived)
    }

    /// Units whose return a person has waived, at a point that a requirement for goods names.
    fn return_waived(&self) -> Units {
        let rows = self.judged.policy.requirements.iter().filter(|r| asks_for_goods(r));
        let points: Vec<&Code> = rows
            .flat_map(|row| row.needs.facts())
            .filter_map(|fact| match fact {
                FactName::Discretion(point) => Some(point),
                _ => None,
            })
            .collect();
        let all = self.state.units.units();
        self.standing().fold(Units::default(), |waived, s| match &*s.event {
            Event::DiscretionExercised(d)
                if points.contains(&&d.point) && !replay::policy::is_refusal(d.decision.as_str()) =>
            {
                waived.union(d.units.as_ref().unwrap_or(&all))
            }
            _ => waived,
        })
    }

    /// Clauses under which the goods need not come back: a row that asks for them and is content without, and the
    /// risk of the way when they were lost on it.
    fn waiving(&self, units: &Units) -> Cites {
        let policy = &self.judged.policy;
        let mut cites = Cites::default();
        for unit in self.judged.units.iter().filter(|u| !u.units.intersection(units).is_empty()) {
            for asked in
                unit.asked.iter().filter(|a| matches!(a.outcome, Outcome::Passes | Outcome::Accepted))
            {
                let row = policy.requirements.get(asked.row).filter(|row| asks_for_goods(row));
                cites.add(&row.map(|row| row.cites.clone()).unwrap_or_default());
            }
        }
        let lost = |p: &ParcelState| {
            p.leg == Some(Leg::Inbound) && p.last_scan.is_some_and(|(status, _)| status == ScanStatus::Lost)
        };
        let all = self.state.units.units();
        let lost = self.state.parcels.values().filter(|p| lost(p));
        let lost = lost.fold(Units::default(), |units, p| units.union(p.units.as_ref().unwrap_or(&all)));
        if !lost.intersection(units).is_empty()
            && let Some(risk) = &policy.risk
        {
            cites.add(&risk.cites);
        }
        cites
    }

    pub(super) fn without_receipt(&self, take: &mut Take<'_>) {
        let missing = self.never_arrived().difference(&self.return_waived());
        if missing.is_empty() {
            return;
        }
        let decided = self.state.decisions.iter().filter(|d| d.remedy.pays_money());
        let decided = decided.fold(Units::default(), |all, d| all.union(&d.units));
        let credits = self.credits();
        let paid = credits.iter().fold(0u64, |sum, c| sum.saturating_add(c.minor));
        // Goodwill is not paid for goods.
        let mut left = paid.saturating_sub(self.state.goodwill_minor);
        for paid in credits {
            let of_credit = match &*paid.on.event {
                Event::RefundIssued(r) => r.units.as_ref(),
                _ => None,
            };
            let covered = of_credit.unwrap_or(&decided);
            let units = covered.intersection(&missing);
            let goods = paid.minor.min(left);
            left = left.saturating_sub(goods);
            if units.is_empty() || goods == 0 {
                continue;
            }
            // A refund for several units is split by what they cost, rounded down.
            let (part, whole) = (self.sold.value_minor(&units), self.sold.value_minor(covered));
            let minor = if units == *covered || whole == 0 {
                goods
            } else {
                let share = u128::from(goods).saturating_mul(part.into()).checked_div(whole.into());
                u64::try_from(share.unwrap_or(0)).unwrap_or(goods).min(goods)
            };
            let waiving = self.waiving(&units);
            let why = format!(
                "{} of {} was paid for {units}, which never came back; {}",
                self.money(minor),
                paid.name,
                if waiving.is_empty() {
                    "no clause does without them"
                } else {
                    "these clauses do without them"
                }
            );
            let (category, cites) = (Category::RefundsWithoutReceipt, self.ids(&waiving));
            take(self.row(paid.on, Found { category, minor, cites, by: None, why, named: true }));
        }
    }

    /// Labels that the merchant paid for and no parcel has used. A parcel uses the label made out for it, else the
    /// oldest label that names no parcel.
    pub(super) fn unused_labels(&self, take: &mut Take<'_>) {
        let labels = self.standing().filter_map(|s| match &*s.event {
            Event::LabelIssued(l) if l.leg == Leg::Inbound => Some((s, &**l)),
            _ => None,
        });
        let labels: Vec<(&Standing<'_>, &LabelIssued)> = labels.collect();
        if labels.is_empty() {
            return;
        }
        let at_dock: Vec<Option<&ParcelId>> = self
            .standing()
            .filter_map(|s| match &*s.event {
                Event::ParcelReceived(p) => Some(p.parcel.as_ref()),
                Event::ParcelRefused(p) => Some(p.parcel.as_ref()),
                _ => None,
            })
            .collect();
        let seen = |p: &ParcelId| self.state.parcels.contains_key(p) || at_dock.contains(&Some(p));
        let announced = self.state.parcels.iter().filter(|(_, p)| p.leg == Some(Leg::Inbound));
        let mut inbound: BTreeSet<&ParcelId> = announced.map(|(id, _)| id).collect();
        inbound.extend(at_dock.iter().flatten());
        let of_labels: BTreeSet<&ParcelId> = labels.iter().filter_map(|(_, l)| l.parcel.as_ref()).collect();
        // A parcel that came without a name is one that was announced, unless none was.
        let mut others = match inbound.difference(&of_labels).count() {
            0 if inbound.is_empty() => at_dock.len().min(1),
            count => count,
        };
        for (on, label) in labels {
            let is_used = match &label.parcel {
                Some(parcel) => seen(parcel),
                None => others > 0,
            };
            if label.parcel.is_none() {
                others = others.saturating_sub(1);
            }
            let last = on.effective.local_day().plus_days(self.ask.label_days);
            let is_young = last.is_none_or(|last| self.ask.at.local_day() < last);
            if is_used || is_young || label.paid_by != Party::Merchant {
                continue;
            }
            let why = format!(
                "a label of {} was issued on {}, and no parcel has used it since",
                self.money(label.cost.minor()),
                on.effective.local_day()
            );
            let cites = self.ids(&self.judged.inbound_shipping.cites);
            let (category, minor) = (Category::LabelsUnused, label.cost.minor());
            take(self.row(on, Found { category, minor, cites, by: None, why, named: true }));
        }
    }
}
