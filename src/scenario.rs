//! Scenarios: small stories of one order, each with the outcome that a policy demands. A merchant writes them
//! before publishing a policy, the way others write tests for rules.
//!
//! A story is played into a fresh ledger in memory, through the path every command takes: proposal, decision, seal,
//! append. Nothing here knows a rule. What the policy says of the state is asked of a [`Judge`], what was refused is
//! read from the log, and [`compare()`] says where both differ from what the scenario expects.
//!
//! ```text
//! text -> format (what may stand in a file) -> story (the order by the clock) -> tell (words -> payloads) -> ledger
//!                                                                          judge + refused -> compare -> Checked
//! ```

pub mod amend;
pub mod choice;
pub mod compare;
pub mod embedded;
pub mod expected;
pub mod format;
pub mod gather;
pub mod happening;
pub mod log;
pub mod read;
pub mod sale;
pub mod story;
pub mod tell;

use replay::{
    history::Cut,
    ids::{ClaimId, OrderId},
};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    error::{Error, Result},
    judging,
    ledger::Ledger,
    policy_file::PolicyFile,
    store::memory::MemoryStore,
};

pub use compare::{Difference, compare};
pub use expected::Expected;
pub use format::Scenario;
pub use read::read;
pub use story::{ORDER, Played, play};

/// The parts of an outcome that belong to the order as a whole, and are all that is looked at without a claim.
pub const OF_THE_ORDER: [&str; 4] = ["deadlines", "usual", "missing_notices", "refused"];

/// Says what the policy makes of a claim under a cut, in the words of an expectation and without `refused`. Without a
/// claim it is asked for the clocks and the notices of the order with all its claims.
pub type Judge<'j> =
    dyn Fn(&mut Ledger<MemoryStore>, Option<&ClaimId>, &Cut) -> Result<Map<String, Value>> + 'j;

/// One expectation, held against what came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The scenario.
    pub id: String,
    /// Up to when its story was played; `None` = to the end.
    pub as_of: Option<String>,
    /// The claim that was looked at; `None` = the order as a whole.
    pub claim: Option<ClaimId>,
    /// What came out, in the fields of an expectation.
    pub actual: Map<String, Value>,
    /// Whether nothing differs.
    pub pass: bool,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// Plays every scenario of a file and holds each expectation against what came out. `file` is what errors call the
/// file. The whole file is read before anything is played.
///
/// # Errors
/// A file that cannot be read ([`read`]), a story that cannot be told ([`play`]), a policy that is not among
/// `policies`, and whatever the judge fails with; each with file, scenario and, where there is one, the event.
pub fn run(file: &str, text: &str, policies: &[PolicyFile], judge: &Judge<'_>) -> Result<Vec<Checked>> {
    let mut checked = Vec::new();
    for scenario in read(file, text)? {
        let found = check(&scenario, policies, judge);
        checked.extend(found.map_err(|why| why.at(format!("{file}, {}", scenario.id)))?);
    }
    Ok(checked)
}

/// The judge of the product: what [`judging`] makes of the ledger.
///
/// # Errors
/// As [`judging::outcome`].
pub fn judge(
    ledger: &mut Ledger<MemoryStore>,
    claim: Option<&ClaimId>,
    cut: &Cut,
) -> Result<Map<String, Value>> {
    judging::outcome(ledger.store(), &OrderId::new(ORDER).map_err(tell::bad_text)?, claim, cut)
}

/// Plays one scenario and holds each of its expectations against what came out.
///
/// # Errors
/// As [`run`].
pub fn check(scenario: &Scenario, policies: &[PolicyFile], judge: &Judge<'_>) -> Result<Vec<Checked>> {
    let mut played = play(scenario, policy_of(scenario, policies)?)?;
    let expectations = scenario.expected.iter().zip(1..);
    expectations
        .map(|(expected, number)| {
            outcome(scenario, expected, &mut played, judge)
                .map_err(|why| why.at(format!("expectation {number}")))
        })
        .collect()
}

/// The policy that a scenario names.
///
/// # Errors
/// When it is not among those at hand.
pub fn policy_of<'p>(scenario: &Scenario, policies: &'p [PolicyFile]) -> Result<&'p PolicyFile> {
    let mut policies_of_it = policies.iter().filter(|p| p.published.policy == scenario.policy);
    policies_of_it.next().ok_or_else(|| {
        let known: Vec<String> = policies.iter().map(|p| p.published.policy.to_string()).collect();
        let hint = match known.is_empty() {
            true => "name the file of the policy".into(),
            false => format!("the policies at hand are {}; name the file of another", known.join(", ")),
        };
        let text = format!("there is no policy {} to play it under", scenario.policy);
        Error::unreadable("policy_is_not_at_hand", text).hint(hint)
    })
}

fn outcome(
    scenario: &Scenario,
    expected: &Expected,
    played: &mut Played,
    judge: &Judge<'_>,
) -> Result<Checked> {
    if let Some(claim) = expected.claim.as_ref().filter(|claim| !played.claims.contains(claim)) {
        let text = format!("claim {claim} is not in the story");
        return Err(Error::unreadable("claim_is_not_in_the_story", text)
            .hint("name a claim that is opened in the events, or null for the order as a whole"));
    }
    let cut = expected.cut();
    let at = cut.known_at;
    let mut actual = judge(&mut played.ledger, expected.claim.as_ref(), &cut)?;
    let refused = played.refused.iter().filter(|refused| at.is_none_or(|at| refused.at <= at));
    actual.insert("refused".into(), refused.map(log::Refused::to_value).collect());
    if expected.claim.is_none() {
        actual.retain(|field, _| OF_THE_ORDER.contains(&field.as_str()));
    }
    let differences = compare(expected, &actual);
    Ok(Checked {
        id: scenario.id.clone(),
        as_of: expected.as_of.as_ref().map(|as_of| as_of.text.clone()),
        claim: expected.claim.clone(),
        actual,
        pass: differences.is_empty(),
        differences,
    })
}
