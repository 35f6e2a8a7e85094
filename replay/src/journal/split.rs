//! What a decision is made of: price, tax, shipping, fees, costs, as they were judged when it was made.

use super::{Account, Splits, standing::Balances, standing::add};
use crate::{
    case::Case,
    event::RemedyDecided,
    history::Cut,
    ids::ClaimId,
    judge::{LineKind, Options, Supposed, judge_with},
    registry::Registry,
};

/// The account of a line; `None` for what a decision does not hold: goodwill has events of its own.
fn account_of(kind: &LineKind) -> Option<Account> {
    Some(match kind {
        // What was never taken is not paid back, and nobody's income.
        LineKind::Item | LineKind::Cap => Account::Returns,
        LineKind::Tax => Account::SalesTax,
        LineKind::OutboundShipping => Account::Shipping,
        LineKind::Fee(_) => Account::Restocking,
        LineKind::PartialDeduction => Account::Deductions,
        LineKind::Reimbursement(_) => Account::Reimbursed,
        LineKind::Cost(cost) => account_of_cost(cost.as_str()),
        LineKind::OtherCompensation => Account::Compensation,
        LineKind::Outside(_) => return None,
    })
}

/// The account of a cost or fee by a policy's own word for it.
pub(super) fn account_of_cost(word: &str) -> Account {
    if word.ends_with("shipping") {
        Account::ShippingRecovered
    } else if word.starts_with("restocking") {
        Account::Restocking
    } else {
        Account::CostsRecovered
    }
}

/// The parts of a decision that is about to be made in `case`, if the judgement of that moment adds up to it. `None`: it
/// promises another amount than the policy grants, or was made on other facts; its parts are not known then.
pub(super) fn split(
    case: &Case,
    id: &ClaimId,
    registry: &Registry,
    decided: &RemedyDecided,
    known: &Splits,
) -> Option<Balances> {
    let entitlement = decided.entitlement.as_ref()?.minor();
    let state = case.claim_state(id)?;
    let (mut only, mut parts) = (decided.units.clone(), Balances::new());
    for old in state.decisions.iter().filter(|old| old.units.intersection(&decided.units).is_empty()) {
        only = only.union(&old.units);
        match known.get(&(old.event_id, old.entitlement_minor)) {
            Some(split) => {
                split.iter().for_each(|(account, minor)| add(&mut parts, *account, minor.saturating_neg()))
            }
            None => add(&mut parts, Account::Returns, i128::from(old.entitlement_minor).saturating_neg()),
        }
    }
    let supposed = Supposed { units: decided.units.clone(), remedy: decided.remedy, only };
    let options = Options { supposed: Some(supposed), ..Options::default() };
    let judged = judge_with(case, id, registry, &Cut::default(), &options)?;
    let same = decided.policy_sha256.is_none_or(|hash| hash == judged.policy_sha256)
        && decided.facts_sha256.is_none_or(|hash| hash == judged.facts_sha256);
    for line in &judged.lines {
        if let Some(account) = account_of(&line.kind) {
            add(&mut parts, account, line.minor.into());
        }
    }
    let sum = parts.values().fold(0i128, |sum, minor| sum.saturating_add(*minor));
    (same && sum == i128::from(entitlement)).then_some(parts)
}
