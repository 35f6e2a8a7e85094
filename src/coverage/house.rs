//! House rules are no rows: a small detector says where each of them decides something, and where its other side shows.

mod days;
mod sums;
mod trust;

use replay::policy::HOUSE_RULES;

use super::Sight;

/// A house rule as coverage sees it.
struct Rule {
    /// What its two sides are called.
    words: [&'static str; 2],
    /// Which of them a sight shows.
    sides: fn(&Sight<'_>) -> [bool; 2],
}

/// `H-1` to `H-22`, in their order.
#[rustfmt::skip]
const RULES: [Rule; HOUSE_RULES as usize] = [
    Rule { words: ["an act on the last day", "an act on the day after"], sides: days::last_days },
    Rule { words: ["an earlier contact, or the local date, counts", "the opening's own date counts"], sides: days::contact },
    Rule { words: ["clamped to the end of the month", "the same day number"], sides: days::months },
    Rule { words: ["a holiday is skipped", "no holiday in between"], sides: days::holidays },
    Rule { words: ["the offset changes while the clock runs", "it does not"], sides: days::hours },
    Rule { words: ["no scan: the window has not started", "the unit's own scan starts it"], sides: days::deliveries },
    Rule { words: ["an earlier version governs", "the version of the purchase is the last"], sides: trust::versions },
    Rule { words: ["a cost in another currency", "a cost in the order's currency"], sides: sums::currencies },
    Rule { words: ["part of a line whose units differ by a cent", "the whole order"], sides: sums::shares },
    Rule { words: ["rounded down", "exact"], sides: sums::rounding },
    Rule { words: ["a cost lies where it fell", "a cost moves by its clause"], sides: sums::without_a_clause },
    Rule { words: ["who must pay has paid", "the other party has paid"], sides: sums::who_has_paid },
    Rule { words: ["tax follows the price", "no tax to follow"], sides: sums::tax },
    Rule { words: ["more is refused, or taken off down to zero", "exactly what is due is paid"], sides: sums::caps },
    Rule { words: ["a decision on record", "refused: no person, no reason, no such point, out of bounds"], sides: trust::persons },
    Rule { words: ["a fact of the sale stands in the way", "the same fact does not"], sides: trust::frozen },
    Rule { words: ["an unknown fact holds", "a known one denies"], sides: trust::unknown },
    Rule { words: ["several rows match, one goes first", "a single row matches"], sides: sums::precedence },
    Rule { words: ["goodwill on its own line", "refused without a second person"], sides: trust::goodwill },
    Rule { words: ["the same message again is ignored", "other content under its key is a conflict"], sides: trust::repeats },
    Rule { words: ["a replacement moves no anchor", "the policy lets it move them"], sides: days::anchors },
    Rule { words: ["to the original means", "another means, with an approver"], sides: trust::means },
];

fn rule(number: u16) -> Option<&'static Rule> {
    RULES.get(usize::from(number.checked_sub(1)?))
}

/// What the two sides of `H-number` are called.
pub fn words(number: u16) -> [&'static str; 2] {
    rule(number).map_or(["", ""], |rule| rule.words)
}

/// Which sides of `H-number` a sight shows.
pub fn sides(number: u16, s: &Sight<'_>) -> [bool; 2] {
    rule(number).map_or([false; 2], |rule| (rule.sides)(s))
}
