//! The sentences of an explanation.

use replay::{
    event::UnitStatus,
    judge::{Chance, Judgement, Line, LineKind, Outcome, Settled, Term, UnitJudgement, WindowJudgement},
    money::{Amount, Currency},
};

use super::Teller;

/// Most single units whose percentage is written out; a longer run is summed up.
const UNITS_SHOWN_MAX: u32 = 6;

/// An amount with its sign.
pub(super) fn signed(minor: i64, currency: Currency) -> String {
    let amount = Amount::new(minor.unsigned_abs(), currency)
        .map_or_else(|_| minor.unsigned_abs().to_string(), |a| a.to_string());
    if minor < 0 { format!("-{amount}") } else { amount }
}

/// Where a unit stands, as a sentence.
pub(super) fn status(unit: &UnitJudgement, judged: &Judgement) -> String {
    let remedy = unit.remedy.map_or("nothing", replay::event::Remedy::as_str);
    match unit.status {
        UnitStatus::Eligible => format!("{remedy} is due"),
        UnitStatus::Authorizable => {
            format!("{remedy} is due once the goods have come in and hold what the policy asks")
        }
        UnitStatus::Hold if unit.unpriced => "a part is missing and the order names no price for it".into(),
        UnitStatus::Hold => format!("{remedy} waits: {}", waiting(unit, judged)),
        UnitStatus::NeedsDiscretion => {
            let points: Vec<&str> = unit.points.iter().map(|p| p.as_str()).collect();
            if points.is_empty() {
                "the policy is silent here: a named person has to decide".into()
            } else {
                format!("a named person has to decide: {}", points.join(", "))
            }
        }
        UnitStatus::Ineligible => match unit.remedy {
            Some(remedy) => format!("{remedy} is not due"),
            None => "nothing is due".into(),
        },
    }
}

fn waiting(unit: &UnitJudgement, judged: &Judgement) -> String {
    let rows = unit.asked.iter().filter(|a| a.outcome == Outcome::Holds);
    let rows = rows.filter_map(|a| judged.policy.requirements.get(a.row));
    let needs: Vec<String> =
        rows.map(|r| format!("the policy asks for {}", plain(&r.needs.to_string()))).collect();
    if needs.is_empty() {
        "the order does not say how long its warranty runs".into()
    } else {
        needs.join("; ")
    }
}

/// Why a unit gives no money (yet).
pub(super) fn not_eligible(unit: &UnitJudgement, judged: &Judgement) -> String {
    format!("{}: {}", unit.units, status(unit, judged))
}

/// Something the policy asks for that changes no money.
pub(super) fn noted(needs: &replay::policy::Predicate) -> String {
    let needs = plain(&needs.to_string());
    format!("the policy also asks for {needs}: that is not so, or not known, and changes nothing")
}

/// A condition as people say it: `insp.same_condition is yes and insp.installed is no` becomes `same condition and not
/// installed`.
pub fn plain(text: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    let words: Vec<&str> = text.split(' ').collect();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let end = |word: Option<&&str>, what: &str| word.map(|w| w.trim_end_matches(')')) == Some(what);
        let closing = |word: Option<&&str>| word.filter(|w| w.ends_with(')')).map_or("", |_| ")");
        if *word == "is" && end(words.get(at + 1), "yes") {
            let close = closing(words.get(at + 1));
            if let Some(last) = said.last_mut() {
                last.push_str(close);
            }
            at += 2;
            continue;
        }
        if *word == "is" && end(words.get(at + 1), "no") {
            let close = closing(words.get(at + 1));
            if let Some(last) = said.last_mut() {
                let open = if last.starts_with('(') { "(" } else { "" };
                *last = format!("{open}not {}{close}", last.trim_start_matches('('));
            }
            at += 2;
            continue;
        }
        said.push(match word.split_once('.') {
            Some((table, name)) if !name.is_empty() => {
                let open = if table.starts_with('(') { "(" } else { "" };
                format!("{open}{}", name.replace(['_', '.'], " "))
            }
            _ => word.replace('_', " "),
        });
        at += 1;
    }
    said.join(" ")
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passes => "holds",
        Outcome::Noted => "noted",
        Outcome::Later => "asked when the goods are in",
        Outcome::Accepted => "accepted by a recorded decision",
        Outcome::Holds => "waits",
        Outcome::NeedsDiscretion => "waits for a person",
        Outcome::Denies => "denies",
    }
}

/// A window: what was done when, and until when it could be done.
pub(super) fn window(judged: &WindowJudgement) -> String {
    let parts: Vec<String> = judged.chances.iter().map(chance).collect();
    parts.join(", or ")
}

fn chance(c: &Chance) -> String {
    let act = match c.alternative.act {
        replay::policy::Act::Contact => "contact",
        replay::policy::Act::ReturnDispatched => "handed to the carrier",
        replay::policy::Act::AuthorizedInWriting => "authorized in writing",
    };
    let done = c.act.map_or_else(|| format!("{act} is still to come"), |a| format!("{act} on {}", a.value));
    let period = c
        .period
        .map_or_else(|| "the warranty term, which the order does not name,".into(), |p| p.to_string());
    match (c.anchor, c.last_day) {
        (Some(anchor), Some(last)) => {
            format!("{done}; {period} after {} on {}: last day {last}", c.alternative.after, anchor.value)
        }
        (None, _) => format!(
            "{done}; {period} after {}, which is not on record: the window has not started",
            c.alternative.after
        ),
        _ => format!("{done}; {period} after {}", c.alternative.after),
    }
}

/// How a line came about.
pub(super) fn formula(line: &Line, teller: &Teller<'_>) -> String {
    match &line.kind {
        LineKind::Item => format!("price after discounts of {}", shares(line)),
        LineKind::Tax => format!("tax of {}, in full", shares(line)),
        LineKind::OutboundShipping => format!("share of {} in outbound shipping", shares(line)),
        LineKind::Fee(_) if !line.terms.is_empty() => {
            let terms: Vec<String> = line.terms.iter().map(|t| percentage(t, teller)).collect();
            terms.join("; ")
        }
        LineKind::Fee(_) => "fixed fee".into(),
        LineKind::PartialDeduction => "amount set by a named person".into(),
        LineKind::Cap => "more than was taken for the order is not paid back".into(),
        LineKind::Reimbursement(cost) => format!("{cost} that the customer paid and the merchant bears"),
        LineKind::Cost(cost) => format!("{cost} that the merchant paid and the customer bears"),
        LineKind::OtherCompensation => "amount agreed instead of the other remedies".into(),
        LineKind::Outside(_) => "outside the policy, approved by a second person".into(),
    }
}

fn shares(line: &Line) -> String {
    let runs: Vec<String> = line.terms.iter().map(run).collect();
    runs.join(", ")
}

fn run(term: &Term) -> String {
    if term.first == term.last {
        format!("{}#{}", term.line, term.first)
    } else {
        format!("{}#{}-{}", term.line, term.first, term.last)
    }
}

/// `10% of 129.99 = 12.999, rounded down 12.99`, unit by unit, because it is rounded unit by unit (H-10).
fn percentage(term: &Term, teller: &Teller<'_>) -> String {
    let Some(bp) = term.bp else { return run(term) };
    let rate = rate(bp);
    let count = term.last.saturating_sub(term.first).saturating_add(1);
    if count > UNITS_SHOWN_MAX {
        let (base, taken) = (teller.amount(term.base_minor), teller.amount(term.taken_minor));
        return format!(
            "{rate} of each of {count} units {}, together {base}, rounded down unit by unit: {taken}",
            run(term)
        );
    }
    let line = teller.trial.facts.sale.value.lines.iter().position(|l| l.id == term.line).unwrap_or(0);
    let each: Vec<String> = (term.first..=term.last)
        .map(|n| {
            let net = teller.trial.worth(line, n, n).net_minor;
            let taken = replay::allocate::percent_floor(net, bp);
            let exact = exact(net, bp, teller.judged.currency);
            let plain = digits(taken, teller.judged.currency);
            let rounded = if exact == plain { String::new() } else { format!(", rounded down {plain}") };
            format!("{rate} of {} = {exact}{rounded}", digits(net, teller.judged.currency))
        })
        .collect();
    each.join("; ")
}

fn rate(bp: u32) -> String {
    if bp.is_multiple_of(100) { format!("{}%", bp / 100) } else { format!("{}.{:02}%", bp / 100, bp % 100) }
}

fn digits(minor: u64, currency: Currency) -> String {
    Amount::new(minor, currency).map_or_else(|_| minor.to_string(), |a| a.decimal_text())
}

/// The exact product, with as many digits as it has.
fn exact(base: u64, bp: u32, currency: Currency) -> String {
    let product = u128::from(base) * u128::from(bp);
    let digits = currency.exponent().saturating_add(4);
    let scale = 10u128.checked_pow(digits).unwrap_or(1);
    let (whole, rest) = (product / scale, product % scale);
    let fraction = format!("{rest:0width$}", width = digits as usize);
    let keep = currency.exponent() as usize;
    let (kept, tail) = fraction.split_at_checked(keep).unwrap_or((&fraction, ""));
    let tail = tail.trim_end_matches('0');
    if kept.is_empty() && tail.is_empty() { whole.to_string() } else { format!("{whole}.{kept}{tail}") }
}

/// What became of a cost on record.
pub(super) fn cost(cost: &str, amount: &str, why: Settled) -> String {
    match why {
        Settled::Never => format!("{cost} of {amount} is never paid"),
        Settled::LiesWhereItFell => format!("{cost} of {amount} lies where it fell: no clause moves it"),
        Settled::PaidByWhoMust => format!("{cost} of {amount} was paid by who must bear it"),
        Settled::NotRepaid => {
            format!("{cost} of {amount} is the merchant's, but no clause repays what was spent")
        }
        Settled::AfterReceipt => format!("{cost} of {amount} is repaid once the goods are in"),
        Settled::WithoutReceipt => format!("{cost} of {amount} is repaid once its receipt is on record"),
        Settled::Taken => format!("{cost} of {amount} is settled"),
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn conditions_are_said_in_plain_words() {
        for (condition, words) in [
            (
                "insp.same_condition is yes and insp.packaging is one of intact, damaged",
                "same condition and packaging is one of intact, damaged",
            ),
            ("insp.installed is no or insp.packaging is damaged", "not installed or packaging is damaged"),
            ("insp.cause is none of misuse, charger_voltage", "cause is none of misuse, charger voltage"),
            (
                "(evidence.a is yes and evidence.b_c is no) or order.gift.marked is yes",
                "(a and not b c) or gift marked",
            ),
            ("insp.accessories_missing is empty", "accessories missing is empty"),
        ] {
            assert_eq!(plain(condition), words);
        }
    }
}
