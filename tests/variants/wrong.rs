//! Each check is put before a judgement that is wrong in one way, and has to say so.

use super::{Told, checks, of_kind, stories};
use replay::{
    event::UnitStatus,
    history::Cut,
    ids::ClaimId,
    judge::{Judgement, LineKind, Outcome, WindowState},
    policy::{Cites, Clause, Truth},
};
use serde_json::json;

/// The judgement of C1 at the end of a given story.
fn judged(id: &str) -> Judgement {
    let story = stories().iter().find(|story| story["id"] == id).unwrap();
    let told = Told::of(story).unwrap();
    told.judge(&ClaimId::new("C1").unwrap(), &Cut::default()).unwrap()
}

#[track_caller]
fn assert_says(check: checks::Check, words: &str) {
    let why = check.expect_err("a wrong judgement passes");
    assert!(why.contains(words), "{why}");
}

#[test]
fn a_wrong_sum_is_found() {
    let good = judged("ATP-S01");
    checks::lines_add_up(&good).unwrap();
    let mut wrong = good.clone();
    wrong.lines[0].minor += 1;
    assert_says(checks::lines_add_up(&wrong), "the lines add up to 56500, payable is 56499");
    let mut wrong = good;
    wrong.payable_minor = 0;
    assert_says(checks::lines_add_up(&wrong), "payable is 0");
}

#[test]
fn a_missing_and_a_made_up_cite_are_found() {
    let good = judged("ATP-S06");
    checks::everything_is_cited(&good, &good.policy).unwrap();
    let fee = good.lines.iter().position(|line| line.minor < 0).unwrap();
    let mut wrong = good.clone();
    wrong.lines[fee].cites = Cites::default();
    assert_says(checks::everything_is_cited(&wrong, &good.policy), "restocking_fee cites nothing");
    let mut wrong = good.clone();
    wrong.units[0].cites = [Clause::at(good.policy.clauses.len()).unwrap()].into_iter().collect();
    assert_says(checks::everything_is_cited(&wrong, &good.policy), "no clause of this version");
    assert!(of_kind(&good, &LineKind::Item).is_some());
}

#[test]
fn a_denial_on_what_nobody_knows_is_found() {
    let good = judged("AMC-X13");
    checks::only_known_facts_deny(&good).unwrap();
    let mut wrong = good;
    let denying = wrong.units[0].asked.iter_mut().find(|a| a.outcome == Outcome::Denies).unwrap();
    denying.truth = Truth::Unknown;
    assert_says(checks::only_known_facts_deny(&wrong), "is not known to fail");
}

#[test]
fn a_denial_by_knowing_less_is_found() {
    let good = judged("ATP-S01");
    checks::knowing_less_denies_nothing(&good.units, &good.units).unwrap();
    let mut less = good.units.clone();
    less[0].status = UnitStatus::Ineligible;
    assert_says(checks::knowing_less_denies_nothing(&good.units, &less), "was eligible and is ineligible");
}

#[test]
fn a_window_that_closes_behind_a_contact_is_found() {
    let good = judged("ATP-S01");
    checks::contacts_stay_in_time(&good.policy, &good.units, &good.units).unwrap();
    let mut late = good.units.clone();
    let at = late[0].applied[0];
    late[0].windows[at].state = WindowState::Failed;
    assert_says(checks::contacts_stay_in_time(&good.policy, &good.units, &late), "held and has failed");
}

#[test]
fn a_lost_cent_is_found() {
    checks::shares_are_the_whole(&[[33, 3, 1], [34, 4, 1]], [67, 7, 2]).unwrap();
    assert_says(
        checks::shares_are_the_whole(&[[33, 3, 1], [33, 4, 1]], [67, 7, 2]),
        "the order is [67, 7, 2]",
    );
}

#[test]
fn money_beyond_what_was_taken_is_found() {
    checks::no_more_than_taken(110, 100, 10).unwrap();
    assert_says(checks::no_more_than_taken(111, 100, 10), "111 went back of 100 taken");
}

#[test]
fn a_split_that_costs_a_cent_is_found() {
    let good = judged("AMC-S28");
    let whole = checks::by_kind(std::slice::from_ref(&good));
    assert!(whole.contains_key("restocking_fee") && whole.contains_key("item"), "{whole:?}");
    checks::splitting_changes_nothing(&whole, &whole).unwrap();
    let mut wrong = good;
    wrong.lines.iter_mut().find(|line| line.minor < 0).unwrap().minor -= 1;
    assert_says(checks::splitting_changes_nothing(&whole, &checks::by_kind(&[wrong])), "in several");
}

#[test]
fn another_outcome_is_found() {
    let outcome = |open: u64| json!({"status": "eligible", "open": open}).as_object().unwrap().clone();
    checks::same("once and twice", &outcome(7), &outcome(7)).unwrap();
    assert_says(checks::same("once and twice", &outcome(7), &outcome(8)), "once and twice: open is 7 and 8");
    assert_says(checks::same("x", &outcome(7), &serde_json::Map::new()), "open is 7 and nothing");
}
