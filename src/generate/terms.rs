//! What the demonstration reads of a policy to know what people there try: which remedies customers ask for and how
//! long they may wait, which proofs they hand in, what may turn out to be their own fault. Whether any of it is
//! granted, the engine judges (`pen`).

use replay::{
    event::{ArticleClass, Basis, Channel, Condition, Remedy},
    ids::{Code, PolicyId},
    money::Amount,
    policy::{Cites, FactName, Period, Policy, Predicate, Rate, RequirementStage, Scope, Value},
};
use std::sync::Arc;

use crate::policy_file::PolicyFile;

/// Longest wait for a first contact, where a policy names no shorter one.
const DAYS_MAX: u64 = 365;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub policy: PolicyId,
    /// The rows as the engine reads them.
    pub rules: Arc<Policy>,
    /// Proofs that must be there, with the claims they are asked for.
    proofs: Vec<(Scope, Vec<Code>)>,
    /// Causes that end a claim at inspection, or leave it to a person.
    causes: Vec<(Scope, Vec<Code>)>,
    /// A service for money where the claim itself fails: the point at which it is offered, and its price.
    pub service: Option<(Code, Amount, Cites)>,
    /// A person may waive the return.
    pub waiver: Option<Code>,
}

/// What a claimant may hope for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hope {
    pub remedy: Remedy,
    /// How many days there are for the first contact.
    pub days: u64,
    /// A person must grant it.
    pub by_discretion: bool,
}

impl Terms {
    /// From a policy's body.
    pub fn read(policy: &PolicyFile) -> Self {
        let rules = Policy::read(&policy.published.body).0;
        let mut terms = Self {
            policy: policy.published.policy.clone(),
            proofs: Vec::new(),
            causes: Vec::new(),
            service: None,
            waiver: None,
            rules: Arc::default(),
        };
        for row in &rules.requirements {
            let (mut evidence, mut causes) = (Vec::new(), Vec::new());
            walk(&row.needs, &mut |fact, values| match fact {
                // What only the goods' arrival can bring is no proof to hand in.
                FactName::Evidence(kind) if row.stage != RequirementStage::Receive => {
                    evidence.push(kind.clone());
                }
                FactName::Discretion(point) => terms.waiver = Some(point.clone()),
                FactName::InspCause => causes.extend(values.iter().filter_map(|value| match value {
                    Value::Word(word) => Code::new(word.as_str()).ok(),
                    Value::Flag(_) => None,
                })),
                _ => {}
            });
            terms.proofs.push((row.scope.clone(), evidence));
            terms.causes.push((row.scope.clone(), causes));
        }
        terms.proofs.retain(|(_, kinds)| !kinds.is_empty());
        terms.causes.retain(|(_, causes)| !causes.is_empty());
        terms.service = rules.fees.iter().find_map(|fee| match (fee.rate, &fee.needs_discretion) {
            (Rate::Fixed(price), Some(point)) => Some((point.clone(), price, fee.cites.clone())),
            _ => None,
        });
        terms.rules = Arc::new(rules);
        terms
    }

    /// What somebody may ask for on these grounds, for such an article.
    pub fn hopes(
        &self,
        basis: Basis,
        class: ArticleClass,
        condition: Condition,
    ) -> impl Iterator<Item = Hope> {
        let about = move |scope: &Scope| {
            any(&scope.basis, basis) && any(&scope.class, class) && any(&scope.condition_sold, condition)
        };
        self.rules.entitlements.iter().filter(move |e| about(&e.scope)).flat_map(|e| {
            let days = e.windows.iter().filter_map(|at| self.days(*at)).min().unwrap_or(DAYS_MAX);
            let by_discretion = e.needs_discretion.is_some();
            e.remedies.iter().map(move |remedy| Hope { remedy: *remedy, days, by_discretion })
        })
    }
    /// The length of a window, in days; of several alternatives the longest.
    fn days(&self, window: usize) -> Option<u64> {
        let alternatives = self.rules.windows.get(window)?.any.iter();
        let days = alternatives.map(|a| match a.within {
            Some(Period::Days(days)) => u64::from(days),
            Some(Period::Months(months)) => u64::from(months) * 30,
            // The warranty term of a line is about a year.
            None => DAYS_MAX,
        });
        days.max()
    }
    /// The proofs that a claim on these grounds, made in this way, needs.
    pub fn proofs(&self, basis: Basis, via: Channel) -> Vec<&Code> {
        let mut kinds: Vec<&Code> = Vec::new();
        let about = |scope: &Scope| any(&scope.basis, basis) && any(&scope.contact_channel, via);
        for kind in self.proofs.iter().filter(|(scope, _)| about(scope)).flat_map(|(_, kinds)| kinds) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        kinds
    }
    /// Causes on the customer's side that such a claim may turn out to have.
    pub fn causes(&self, basis: Basis, remedy: Remedy) -> impl Iterator<Item = &Code> {
        let about = move |scope: &Scope| any(&scope.basis, basis) && any(&scope.remedy, remedy);
        self.causes.iter().filter(move |(scope, _)| about(scope)).flat_map(|(_, causes)| causes)
    }
}

fn any<T: PartialEq>(list: &[T], one: T) -> bool {
    list.is_empty() || list.contains(&one)
}

/// Every fact that a condition asks for, with the values it is compared to.
fn walk<'p>(needs: &'p Predicate, found: &mut impl FnMut(&'p FactName, &'p [Value])) {
    match needs {
        Predicate::Is(fact, value) => found(fact, std::slice::from_ref(value)),
        Predicate::In(fact, values) => found(fact, values),
        Predicate::Empty(fact) => found(fact, &[]),
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().for_each(|part| walk(part, found)),
        Predicate::Not(part) => walk(part, found),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::policy_file::embedded;

    #[test]
    fn every_policy_gives_hope_and_every_point_exists() {
        for policy in embedded::policies().unwrap() {
            let terms = Terms::read(&policy);
            let hopes: Vec<Hope> = terms.hopes(Basis::Defect, ArticleClass::Main, Condition::New).collect();
            assert!(!hopes.is_empty() && hopes.iter().all(|h| (7..=DAYS_MAX).contains(&h.days)), "{hopes:?}");
            assert!(!terms.proofs(Basis::Defect, Channel::Ticket).is_empty());
            let service = terms.service.iter().map(|(point, ..)| point);
            for point in service.chain(&terms.waiver) {
                assert!(terms.rules.point(point.as_str()).is_some(), "{} {point}", terms.policy);
            }
        }
    }
}
