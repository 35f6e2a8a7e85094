//! Coverage of clauses: which scenarios show a clause at work, and which show its other side.
//!
//! A policy's rows cite clauses. Every row has two sides: a window is held or has failed, a fee is taken or not
//! ([`rows`] says what that means, table by table). A clause is covered from both sides when every row that cites it
//! has been seen from both. House rules are no rows; a small detector looks for each of them ([`house`]).
//!
//! Everything is read from the judgements that the scenarios ask for, and from what happened in their ledgers; no list
//! says which scenario belongs to which clause.

pub mod house;
mod report;
pub mod rows;

pub use report::{ClauseReport, Report, RowReport, Standing};

use replay::{
    case::Case,
    history::Cut,
    ids::{ClaimId, OrderId, PolicyId, Stream},
    judge::{Judgement, OfOrder, Options, Trial, of_order, on_trial},
    policy::HOUSE_RULES,
    registry::Registry,
    time::Instant,
};
use std::collections::BTreeSet;

use crate::{
    error::Result,
    judging,
    policy_file::PolicyFile,
    scenario::{self, Expected, Played, Scenario, log::Refused},
    view::case_of,
};
use rows::Watched;

/// The scenarios that show one side and the other.
pub type Sides = [BTreeSet<String>; 2];

/// What a scenario shows at one moment: a claim before its judge, and what happened around it.
pub struct Sight<'a> {
    /// Policy and facts.
    pub trial: &'a Trial<'a>,
    /// The judgement.
    pub judged: &'a Judgement,
    /// Clocks and duties of the order itself.
    pub order: Option<&'a OfOrder>,
    /// The order with all its claims.
    pub case: &'a Case,
    /// The claim that is looked at.
    pub id: &'a ClaimId,
    /// The versions that are published.
    pub registry: &'a Registry,
    /// What of the record is looked at.
    pub cut: &'a Cut,
    /// When.
    pub now: Instant,
    /// What was refused until then.
    pub refused: &'a [Refused],
}

/// Counts what scenarios show.
#[derive(Debug)]
pub struct Coverage {
    policies: Vec<(PolicyId, Watched)>,
    house: Vec<Sides>,
}

impl Coverage {
    /// Nothing seen yet of these policies.
    pub fn new(policies: &[PolicyFile]) -> Self {
        let watched = |file: &PolicyFile| (file.published.policy.clone(), Watched::new(&file.published.body));
        Self {
            policies: policies.iter().map(watched).collect(),
            house: vec![Sides::default(); usize::from(HOUSE_RULES)],
        }
    }

    /// Plays a scenario and looks at it wherever it expects something.
    ///
    /// # Errors
    /// As [`scenario::check`].
    pub fn take(&mut self, scenario: &Scenario, policies: &[PolicyFile]) -> Result<()> {
        let mut played = scenario::play(scenario, scenario::policy_of(scenario, policies)?)?;
        let order = OrderId::new(scenario::ORDER)
            .map_err(|why| crate::error::Error::unreadable("bad_text", why.to_string()))?;
        let case = case_of(played.ledger.store(), &Stream::Order(order))?;
        let registry = judging::registry(played.ledger.store())?;
        let end = played.ledger.door().now();
        for expected in &scenario.expected {
            self.look(scenario, expected, &played, &case, &registry, end);
        }
        Ok(())
    }

    fn look(
        &mut self,
        scenario: &Scenario,
        expected: &Expected,
        played: &Played,
        case: &Case,
        registry: &Registry,
        end: Instant,
    ) {
        let cut = expected.cut();
        let now = cut.known_at.unwrap_or(end);
        let refused: Vec<Refused> = played.refused.iter().filter(|r| r.at <= now).cloned().collect();
        let order = of_order(case, registry, &cut);
        let claims = played.claims.iter().filter(|id| expected.claim.as_ref().is_none_or(|own| own == *id));
        if let (true, Some(order)) = (played.claims.is_empty(), &order)
            && let Some((_, watched)) = self.policies.iter_mut().find(|(id, _)| *id == scenario.policy)
        {
            watched.see_order(&scenario.id, order, now);
        }
        for id in claims {
            on_trial(case, id, registry, &cut, &Options::default(), |trial| {
                let judged = trial.judgement();
                let sight = Sight {
                    trial,
                    judged: &judged,
                    order: order.as_ref(),
                    case,
                    id,
                    registry,
                    cut: &cut,
                    now,
                    refused: &refused,
                };
                self.see(&scenario.id, &sight);
            });
        }
    }

    fn see(&mut self, scenario: &str, sight: &Sight<'_>) {
        let policy = self.policies.iter_mut().find(|(id, _)| id == sight.trial.policy_id);
        if let Some((_, watched)) = policy {
            watched.see(scenario, sight);
        }
        for (number, sides) in (1..).zip(&mut self.house) {
            note(sides, scenario, house::sides(number, sight));
        }
    }

    /// What was seen, clause by clause; of policies that no scenario names, nothing.
    pub fn report(&self, scenarios: &[&Scenario]) -> Report {
        report::of(&self.policies, &self.house, scenarios)
    }
}

/// Notes which sides a scenario shows.
fn note(sides: &mut Sides, scenario: &str, seen: [bool; 2]) {
    for (side, seen) in sides.iter_mut().zip(seen) {
        if seen && !side.contains(scenario) {
            side.insert(scenario.into());
        }
    }
}
