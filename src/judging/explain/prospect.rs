//! What a missing fact would change: the claim judged again with facts that could come in.

use replay::{
    case::Case,
    event::{ArticleClass, Defect, Packaging, UnitStatus},
    history::Cut,
    ids::{ClaimId, Code, Word},
    judge::{Assumption, Findings, Judgement, Options, Outcome, judge_with},
    money::Amount,
    policy::{FactName, Policy, Predicate, Requirement, RequirementStage},
    registry::Registry,
};

use std::collections::BTreeSet;

use super::Prospect;

/// Most outcomes that are told; a policy with many causes has no more kinds of outcome than this.
const PROSPECTS_MAX: usize = 12;

/// Outcomes that differ from one another, the hoped for first.
pub(super) fn prospects(
    case: &Case,
    id: &ClaimId,
    registry: &Registry,
    cut: &Cut,
    known: &BTreeSet<Code>,
) -> Vec<Prospect> {
    let judge = |assumed: &[Assumption]| {
        let options = Options { assumed, ..Options::default() };
        judge_with(case, id, registry, cut, &options)
    };
    let Some(today) = judge(&[]) else { return Vec::new() };
    let mut found: Vec<(Prospect, Judgement)> = Vec::new();
    for (words, assumed) in suppositions(&today, case, known) {
        let Some(judged) = judge(&assumed) else { continue };
        let same = |a: &Judgement, b: &Judgement| {
            a.status == b.status
                && a.payable_minor == b.payable_minor
                && a.charges == b.charges
                && a.units
                    .iter()
                    .map(|u| (&u.units, u.status, &u.cites))
                    .eq(b.units.iter().map(|u| (&u.units, u.status, &u.cites)))
        };
        if same(&judged, &today)
            || found.iter().any(|(_, other)| same(&judged, other))
            || found.len() >= PROSPECTS_MAX
        {
            continue;
        }
        let cites = judged.units.iter().fold(replay::policy::Cites::default(), |all, u| all.with(&u.cites));
        let prospect = Prospect {
            if_: words,
            status: judged.status.map_or("mixed", UnitStatus::as_str).into(),
            payable_minor: judged.payable_minor,
            payable: Amount::new(judged.payable_minor, today.currency)
                .map_or_else(|_| String::new(), |a| a.to_string()),
            cites: judged.policy.ids(&cites).iter().map(ToString::to_string).collect(),
        };
        found.push((prospect, judged));
    }
    found.into_iter().map(|(prospect, _)| prospect).collect()
}

/// Facts that could come in, with words for them.
fn suppositions(today: &Judgement, case: &Case, known: &BTreeSet<Code>) -> Vec<(String, Vec<Assumption>)> {
    let policy = &*today.policy;
    let mut all = Vec::new();
    let missing = missing_evidence(today, known);
    let complete: Vec<Assumption> =
        missing.iter().map(|kind| Assumption::Evidence(kind.clone(), true)).collect();
    let names: Vec<String> = missing.iter().map(|kind| kind.as_str().replace('_', " ")).collect();
    let comes = if names.len() == 1 { "comes in" } else { "come in" };
    if !missing.is_empty() {
        all.push((format!("{} {comes}", names.join(" and ")), complete.clone()));
        let none = missing.iter().map(|kind| Assumption::Evidence(kind.clone(), false)).collect();
        all.push((format!("{}: checked and not there", names.join(" and ")), none));
    }
    let points = today.units.iter().flat_map(|u| &u.points);
    for point in points {
        for (accept, word) in [(true, "accepts"), (false, "refuses")] {
            all.push((
                format!("a person {word} at {point}"),
                Vec::from([Assumption::Decision { point: point.clone(), accept }]),
            ));
        }
    }
    let waits =
        |u: &&replay::judge::UnitJudgement| matches!(u.status, UnitStatus::Authorizable | UnitStatus::Hold);
    if today.units.iter().filter(waits).count() == 0 {
        return all;
    }
    let before =
        if names.is_empty() { String::new() } else { format!("{} {comes} and ", names.join(" and ")) };
    let lines = case.order_state().map(|o| o.sale.lines.clone()).unwrap_or_default();
    let by_data = today
        .units
        .iter()
        .filter_map(|u| lines.get(u.line_at))
        .all(|l| l.class == ArticleClass::Subscription);
    if by_data {
        for (words, transmitted) in [
            ("the device sent nothing in the paid period", false),
            ("the device sent data in the paid period", true),
        ] {
            let mut assumed = complete.clone();
            assumed.push(Assumption::Connectivity {
                transmitted,
                sold_not_removed: false,
                ownership_changed: false,
            });
            all.push((format!("{before}{words}"), assumed));
        }
        return all;
    }
    let part = lines.iter().flat_map(|l| &l.accessories).map(|a| a.name.clone()).next();
    for (words, findings) in findings(policy, today, part) {
        let mut assumed = complete.clone();
        assumed.push(Assumption::Inspection(Box::new(findings)));
        all.push((format!("{before}{words}"), assumed));
    }
    all
}

/// Evidence that a requirement waits for.
fn missing_evidence(today: &Judgement, known: &BTreeSet<Code>) -> Vec<Code> {
    let mut missing: Vec<Code> = Vec::new();
    for asked in today.units.iter().flat_map(|u| &u.asked).filter(|a| a.outcome == Outcome::Holds) {
        let Some(row) = today.policy.requirements.get(asked.row) else { continue };
        for fact in row.needs.facts() {
            if let FactName::Evidence(kind) = fact
                && !missing.contains(kind)
                && !known.contains(kind)
            {
                missing.push(kind.clone());
            }
        }
    }
    missing
}

/// What the goods could turn out to be: sound, defective, broken by the customer in the ways this policy names.
fn findings(policy: &Policy, today: &Judgement, part: Option<Word>) -> Vec<(String, Findings)> {
    let (Ok(none), Ok(manufacturing)) = (Code::new("none"), Code::new("manufacturing")) else {
        return Vec::new();
    };
    let sound = Findings {
        installed: false,
        packaging: Packaging::Intact,
        same_condition: true,
        altered: false,
        sealed: true,
        accessories_missing: Vec::new(),
        defect: Defect::None,
        on_arrival: false,
        cause: none,
    };
    let faulty = |on_arrival, cause: &Code| Findings {
        installed: true,
        sealed: false,
        defect: Defect::Confirmed,
        on_arrival,
        cause: cause.clone(),
        ..sound.clone()
    };
    let mut all = Vec::from([
        ("the goods come in complete and without a fault".to_string(), sound.clone()),
        ("the goods come in and were faulty on arrival".to_string(), faulty(true, &manufacturing)),
        (
            "the goods come in and a fault of the maker is confirmed".to_string(),
            faulty(false, &manufacturing),
        ),
    ]);
    for cause in causes(policy, today) {
        all.push((
            format!("the goods come in and the cause is {}", cause.as_str().replace('_', " ")),
            faulty(false, &cause),
        ));
    }
    let used = Findings { installed: true, sealed: false, ..sound.clone() };
    all.push(("the goods come in sound but installed".into(), used.clone()));
    all.push((
        "the goods come in installed and in a damaged package".into(),
        Findings { packaging: Packaging::Damaged, ..used },
    ));
    let missing = part.or_else(|| Word::new("a part").ok());
    if let Some(part) = missing {
        let words = format!("the goods come in without {part}");
        all.push((words, Findings { accessories_missing: Vec::from([part]), ..sound.clone() }));
    }
    all.push((
        "the goods come in altered".into(),
        Findings { altered: true, same_condition: false, ..sound },
    ));
    all
}

/// One cause of every row that shuts causes out: rows differ in what they lead to, causes of one row do not.
fn causes(policy: &Policy, today: &Judgement) -> Vec<Code> {
    let scopes = |row: &&Requirement| {
        row.stage == RequirementStage::Settle
            && today.units.iter().any(|u| {
                row.scope.remedy.is_empty() || u.remedy.is_some_and(|r| row.scope.remedy.contains(&r))
            })
    };
    let mut found: Vec<Code> = Vec::new();
    for row in policy.requirements.iter().filter(scopes) {
        if let Some(cause) = first_cause(&row.needs).filter(|c| !found.contains(c)) {
            found.push(cause);
        }
    }
    found
}

fn first_cause(needs: &Predicate) -> Option<Code> {
    match needs {
        Predicate::In(FactName::InspCause, values) => Code::new(values.first()?.to_string()).ok(),
        Predicate::Not(p) => first_cause(p),
        Predicate::All(list) | Predicate::Any(list) => list.iter().find_map(first_cause),
        _ => None,
    }
}
