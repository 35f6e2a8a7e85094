//! What holds of every judgement, whatever the policy and whatever happened (policies/model.md, section 7). Each check
//! is a function of what it looks at, so that a wrong judgement can be put before it.

use replay::{
    judge::{Judgement, Outcome, UnitJudgement, WindowState},
    policy::{Act, Cites, HOUSE_RULES, Policy, Truth},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

pub type Check = Result<(), String>;

/// The sum of the lines is what is payable, and never below zero.
pub fn lines_add_up(judged: &Judgement) -> Check {
    let sum: i64 = judged.lines.iter().map(|line| line.minor).sum();
    let payable = i64::try_from(judged.payable_minor).map_err(|_| "payable is out of range".to_string())?;
    if sum != payable {
        return Err(format!("the lines add up to {sum}, payable is {payable}"));
    }
    if judged.lines.iter().any(|line| line.minor == 0) {
        return Err("a line of zero".into());
    }
    Ok(())
}

/// Every line, charge and status cites something, and every cite is a clause of the governing version.
pub fn everything_is_cited(judged: &Judgement, policy: &Policy) -> Check {
    let check = |what: &str, cites: &Cites| {
        if cites.is_empty() {
            return Err(format!("{what} cites nothing"));
        }
        for clause in cites.iter() {
            match policy.clause(clause) {
                Some(text) if !text.paraphrase.is_empty() => {}
                _ => return Err(format!("{what} cites {clause:?}, which is no clause of this version")),
            }
        }
        Ok(())
    };
    for line in &judged.lines {
        check(&line.kind.name(), &line.cites)?;
    }
    for charge in &judged.charges {
        check(charge.what.as_str(), &charge.cites)?;
    }
    for unit in &judged.units {
        check(&format!("the status of {}", unit.units), &unit.cites)?;
    }
    check("the payout", &judged.payout_cites)?;
    check("the way in", &judged.inbound_shipping.cites)?;
    check("the way back", &judged.return_leg_shipping.cites)?;
    assert!(policy.clauses.len() > usize::from(HOUSE_RULES));
    Ok(())
}

/// Only what is known denies: a requirement that ends a claim is known not to hold, or a person said no.
pub fn only_known_facts_deny(judged: &Judgement) -> Check {
    for unit in &judged.units {
        let silent = |a: &&replay::judge::Asked| {
            a.outcome == Outcome::Denies && a.truth != Truth::False && a.decided_by.is_none()
        };
        if let Some(asked) = unit.asked.iter().find(silent) {
            return Err(format!(
                "requirement {} denies {} and is not known to fail",
                asked.row + 1,
                unit.units
            ));
        }
    }
    Ok(())
}

/// No status became ineligible by knowing less, as long as the reason of the claim is the same.
pub fn knowing_less_denies_nothing(more: &[UnitJudgement], less: &[UnitJudgement]) -> Check {
    use replay::event::UnitStatus::Ineligible;
    for before in more.iter().filter(|u| u.status != Ineligible) {
        for after in less.iter().filter(|u| !u.units.intersection(&before.units).is_empty()) {
            if after.status == Ineligible && after.basis == before.basis && after.remedy == before.remedy {
                return Err(format!("{} was {} and is ineligible knowing less", after.units, before.status));
            }
        }
    }
    Ok(())
}

/// A contact inside a window stays inside it, whatever happens later.
pub fn contacts_stay_in_time(policy: &Policy, early: &[UnitJudgement], late: &[UnitJudgement]) -> Check {
    let by_contact = |at: &usize| policy.windows[*at].any.iter().all(|a| a.act == Act::Contact);
    for before in early {
        for after in late.iter().filter(|u| !u.units.intersection(&before.units).is_empty()) {
            for at in (0..policy.windows.len()).filter(by_contact) {
                let (was, is) = (&before.windows[at], &after.windows[at]);
                if was.state == WindowState::Held && is.state == WindowState::Failed {
                    return Err(format!(
                        "{}: window {} held and has failed",
                        after.units, policy.windows[at].name
                    ));
                }
            }
        }
    }
    Ok(())
}

/// The shares of all units are what was paid for the order: price, tax, shipping.
pub fn shares_are_the_whole(units: &[[u64; 3]], whole: [u64; 3]) -> Check {
    let sum = units.iter().fold([0; 3], |s, u| [s[0] + u[0], s[1] + u[1], s[2] + u[2]]);
    if sum == whole { Ok(()) } else { Err(format!("the units add up to {sum:?}, the order is {whole:?}")) }
}

/// What went back is at most what was taken, what was spent for it, and what a person gave.
pub fn no_more_than_taken(refunded: u64, captured: u64, outside: u64) -> Check {
    if refunded <= captured + outside {
        return Ok(());
    }
    Err(format!("{refunded} went back of {captured} taken and {outside} outside the cap"))
}

/// Price, tax, shipping and percentage fees by kind.
pub fn by_kind(judgements: &[Judgement]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for line in judgements.iter().flat_map(|judged| &judged.lines) {
        let name = line.kind.name();
        if matches!(name.as_str(), "item" | "tax" | "outbound_shipping") || name.ends_with("_fee") {
            *sums.entry(name).or_default() += line.minor;
        }
    }
    sums
}

/// However a return is split, not a cent is another.
pub fn splitting_changes_nothing(whole: &BTreeMap<String, i64>, split: &BTreeMap<String, i64>) -> Check {
    if whole == split { Ok(()) } else { Err(format!("in one claim {whole:?}, in several {split:?}")) }
}

/// Two outcomes are the same.
pub fn same(what: &str, a: &Map<String, Value>, b: &Map<String, Value>) -> Check {
    for key in a.keys().chain(b.keys()) {
        let (x, y) = (a.get(key), b.get(key));
        if x != y {
            let text = |v: Option<&Value>| v.map_or_else(|| "nothing".into(), Value::to_string);
            return Err(format!("{what}: {key} is {} and {}", text(x), text(y)));
        }
    }
    Ok(())
}
