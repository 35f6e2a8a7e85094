//! Decisions that would be made differently today: other facts, another version, another amount.

use replay::{
    claim::Decision,
    event::{Event, Remedy, RemedyDecided, UnitStatus},
    judge::{Judgement, LineKind, Options, Supposed, UnitJudgement, judge_with},
    merkle::Hash,
    policy::Cites,
    units::Units,
};

use super::{
    Category,
    looked::{Found, Looked, Take},
    money::less_because,
};

/// Characters of a hash that are told; the event has it in full.
const HASH_CHARS: usize = 16;

impl<'a> Looked<'a> {
    /// Holds each decision that stands against what would be judged of its units now. Decisions are taken in their
    /// order, as they were made: each owes what it adds to those before it.
    pub(super) fn contradicted(&self, take: &mut Take<'_>) {
        let mut decisions: Vec<&Decision> =
            self.state.decisions.iter().filter(|d| !matches!(d.remedy, Remedy::None)).collect();
        decisions.sort_by_key(|d| d.decided.at);
        let (mut units, mut owed) = (Units::default(), 0u64);
        for d in decisions {
            units = units.union(&d.units);
            let Some(on) = self.event(d.event_id) else { continue };
            let Event::RemedyDecided(recorded) = &*on.event else { continue };
            let Some(judged) = self.supposing(d, &units) else { continue };
            let today = entitled(&judged).saturating_sub(owed);
            owed = owed.saturating_add(today);
            let Some(why) = self.differs(d, recorded, &judged, today) else { continue };
            let mine = judged.units.iter().filter(|u| !u.units.intersection(&d.units).is_empty());
            let cites = mine.fold(Cites::default(), |all, u| all.with(&u.cites));
            let cites = if today < d.entitlement_minor { less_because(&judged) } else { cites };
            let (category, minor) = (Category::DecisionsContradicted, d.entitlement_minor.abs_diff(today));
            let cites = self.ids(&cites);
            take(self.row(on, Found { category, minor, cites, by: None, why, named: true }));
        }
    }

    /// What the policy says when these units get what was decided for them.
    fn supposing(&self, d: &Decision, only: &Units) -> Option<Judgement> {
        let supposed = Supposed { units: d.units.clone(), remedy: d.remedy, only: only.clone() };
        let options = Options { supposed: Some(supposed), ..Options::default() };
        judge_with(self.case, &self.state.id, self.registry, &self.ask.cut, &options)
    }

    /// In which way a decision differs from today's judgement; `None` when it does not. Facts come in after every
    /// decision, so another hash of them alone is no contradiction: it only says that there is more to know.
    fn differs(
        &self,
        d: &Decision,
        recorded: &RemedyDecided,
        judged: &Judgement,
        today: u64,
    ) -> Option<String> {
        let stuck = |u: &&UnitJudgement| !u.units.intersection(&d.units).is_empty() && !can_be_decided(u);
        let stuck = judged.units.iter().find(stuck).filter(|_| d.remedy != Remedy::ReturnToCustomer);
        let version = recorded.policy_sha256.filter(|hash| *hash != judged.policy_sha256);
        let amount = d.entitlement_minor != today;
        if stuck.is_none() && version.is_none() && !amount {
            return None;
        }
        let hash = |hash: Option<Hash>| hash.map(short).unwrap_or_else(|| "not recorded".into());
        let mut why = format!(
            "decided {} of {} under facts {}",
            d.remedy,
            self.money(d.entitlement_minor),
            hash(recorded.facts_sha256)
        );
        if let Some(version) = version {
            why.push_str(&format!(" and policy {}", short(version)));
        }
        why.push_str(&format!("; today's facts {}", short(judged.facts_sha256)));
        if version.is_some() {
            why.push_str(&format!(" and policy {}", short(judged.policy_sha256)));
        }
        why.push_str(&format!(" give {}", self.money(today)));
        if let Some(unit) = stuck {
            why.push_str(&format!(", {} is {}", unit.units.intersection(&d.units), unit.status));
        }
        Some(why)
    }
}

/// Payable without what is paid outside the policy.
fn entitled(judged: &Judgement) -> u64 {
    let outside = judged.lines.iter().filter(|l| matches!(l.kind, LineKind::Outside(_)));
    let outside = outside.fold(0i64, |sum, l| sum.saturating_add(l.minor)).max(0).unsigned_abs();
    judged.payable_minor.saturating_sub(outside)
}

/// As for a decision that is made now.
fn can_be_decided(unit: &UnitJudgement) -> bool {
    match unit.status {
        UnitStatus::Eligible => true,
        UnitStatus::Authorizable => !unit.guarded,
        _ => false,
    }
}

fn short(hash: Hash) -> String {
    format!("{}...", hash.to_string().chars().take(HASH_CHARS).collect::<String>())
}
