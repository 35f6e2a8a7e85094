//! What people granted: goodwill outside the policy, decisions where it leaves room, money that went another way.

use replay::{
    claim::is_goodwill,
    event::{DiscretionExercised, Event, PayoutTo},
    history::Standing,
    policy::{Cites, is_refusal},
};

use super::{
    Category,
    looked::{Found, Looked, Take, person},
};

impl<'a> Looked<'a> {
    fn discretion(&self) -> impl Iterator<Item = (&'a Standing<'a>, &'a DiscretionExercised)> {
        self.standing().filter_map(|s| match &*s.event {
            Event::DiscretionExercised(d) => Some((s, &**d)),
            _ => None,
        })
    }

    /// Goodwill and statutory payments (H-19) that were granted.
    pub(super) fn goodwill(&self, take: &mut Take<'_>) {
        let granted = |d: &DiscretionExercised| is_goodwill(&d.point) && !is_refusal(d.decision.as_str());
        for (on, d) in self.discretion().filter(|(_, d)| granted(d)) {
            let minor = d.amount.map_or(0, |a| a.minor());
            let what = d.point.as_str().strip_prefix("H-19.").unwrap_or("goodwill");
            let by = Some(format!("{}: {}", person(on), d.reason_code));
            let why = format!("{what} of {} outside the policy: {}", self.money(minor), d.reason_code);
            let (category, cites) = (Category::Goodwill, self.ids(&Cites::house(19)));
            take(self.row(on, Found { category, minor, cites, by, why, named: true }));
        }
    }

    /// Every decision at a point of the policy, and every payment by another means than the policy says.
    pub(super) fn overrides(&self, take: &mut Take<'_>) {
        let category = Category::Overrides;
        for (on, d) in self.discretion().filter(|(_, d)| !is_goodwill(&d.point)) {
            let minor = d.amount.map_or(0, |a| a.minor());
            let row = self.judged.policy.point(d.point.as_str());
            let cites = self.ids(&row.map_or(Cites::house(15), |p| p.cites.clone()));
            let by = Some(format!("{} by {}", d.point, person(on)));
            let why = format!("{}: {}{} ({})", d.point, d.decision, self.bounds(d), d.reason_code);
            take(self.row(on, Found { category, minor, cites, by, why, named: true }));
        }
        let to = self.judged.payout_to();
        for paid in self.credits() {
            let went = match &*paid.on.event {
                Event::RefundIssued(r) => r.payout.to.as_str(),
                Event::GiftCreditIssued(_) => "gift_credit",
                _ => continue,
            };
            let plain = [PayoutTo::OriginalMethod.as_str(), PayoutTo::Giver.as_str()];
            let same =
                if to.starts_with("gift_credit") { went == "gift_credit" } else { plain.contains(&went) };
            if same {
                continue;
            }
            let cites = self.ids(&self.judged.payout_cites.clone().with(&Cites::house(22)));
            let by = Some(format!("means of payment by {}", person(paid.on)));
            let why = format!("{} went to {went}; the policy pays to {to}", paid.name);
            take(self.row(paid.on, Found { category, minor: paid.minor, cites, by, why, named: true }));
        }
    }

    /// What else the decision sets, in words.
    fn bounds(&self, d: &DiscretionExercised) -> String {
        let fee = d.fee_bp.map(|bp| format!(", fee {bp} bp"));
        let amount = d.amount.map(|a| format!(", {}", self.money(a.minor())));
        let value = d.value.as_ref().map(|v| format!(", {}", v.as_str()));
        let units = d.units.as_ref().map(|u| format!(" for {u}"));
        [fee, amount, value, units].into_iter().flatten().collect()
    }
}
