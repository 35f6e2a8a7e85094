//! Versions, persons, frozen and unknown facts, goodwill, repeated messages, means of payment (H-7, H-15 to H-20, H-22).

use replay::{
    event::{Event, PayoutTo, UnitStatus},
    judge::Outcome,
    policy::{FactName, OnFail, Truth},
};

use crate::coverage::Sight;

/// H-7: a later version is published, and the one of the purchase governs; there is no later one.
pub fn versions(s: &Sight<'_>) -> [bool; 2] {
    let last = s.registry.versions(s.trial.policy_id).iter().map(|version| version.version).max();
    let earlier = last.is_some_and(|last| s.judged.version < last);
    [earlier, !earlier]
}

/// H-15: a person decides with a reason; without one, outside the bounds or at no point of the policy it is refused.
pub fn persons(s: &Sight<'_>) -> [bool; 2] {
    let reasons = ["no_actor_or_reason", "out_of_bounds", "unknown_point", "option_is_not_of_the_point"];
    let refused = s.was_refused("discretion_exercised", |reason| reasons.contains(&reason));
    [!s.trial.facts.discretion.is_empty(), refused]
}

/// Facts that are frozen with the order.
fn is_frozen(fact: &FactName) -> bool {
    matches!(
        fact,
        FactName::OrderChannel
            | FactName::OrderGiftMarked
            | FactName::OrderGiftShippedTo
            | FactName::UnitClass
            | FactName::UnitConditionSold
            | FactName::UnitOnSale
            | FactName::UnitFreeGift
            | FactName::UnitNotReturnable
    )
}

/// H-16: a requirement about a fact of the sale fails; it is met.
pub fn frozen(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for asked in s.judged.units.iter().flat_map(|u| &u.asked) {
        let Some(row) = s.policy().requirements.get(asked.row) else { continue };
        if row.needs.facts().into_iter().any(is_frozen) {
            seen[0] |= asked.truth == Truth::False;
            seen[1] |= asked.truth == Truth::True;
        }
    }
    seen
}

/// H-17: a unit waits because a fact is not known; a unit is denied because one is.
pub fn unknown(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for unit in &s.judged.units {
        let asked = |truth: Truth| unit.asked.iter().filter(move |a| a.truth == truth);
        let a_window = unit.windows.iter().any(|w| w.state == replay::judge::WindowState::Unknown);
        seen[0] |= unit.status == UnitStatus::Hold && (a_window || asked(Truth::Unknown).next().is_some());
        seen[1] |= unit.status == UnitStatus::Ineligible
            && asked(Truth::False).any(|a| {
                a.outcome == Outcome::Denies
                    && s.policy().requirements.get(a.row).is_some_and(|row| row.on_fail != OnFail::Discretion)
            });
    }
    seen
}

/// H-19: what is paid outside the policy stands on its own line; it needs a second person.
pub fn goodwill(s: &Sight<'_>) -> [bool; 2] {
    let refused = s.refused.iter().any(|r| {
        r.name.as_deref().is_some_and(|name| name.starts_with("H-19"))
            && r.reason.starts_with("second_person")
    });
    [s.trial.facts.goodwill().next().is_some(), refused]
}

/// H-20: equal messages are one; other content under the same key is refused.
pub fn repeats(s: &Sight<'_>) -> [bool; 2] {
    let reason = |wanted: &str| s.refused.iter().any(|r| r.reason == wanted);
    [reason("duplicate_ignored"), reason("conflict")]
}

/// H-22: money goes back the way it came; another way needs an approver.
pub fn means(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    for event in s.standing() {
        if let Event::RefundIssued(refund) = &*event.event {
            seen[0] |= refund.payout.to == PayoutTo::OriginalMethod;
            seen[1] |= refund.payout.to == PayoutTo::OtherMethod;
        }
    }
    seen
}
