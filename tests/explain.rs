//! Explanations as people read them: stories of `fixtures/scenarios` are played, and what is said of their claims is
//! compared with `fixtures/judging/explain`. `UPDATE_GOLDEN=1` writes the files anew.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{fs, path::Path};

use claims::{
    judging::{self, explain, next},
    policy_file::embedded,
    scenario,
    view::case_of,
};
use replay::{
    case::Case,
    history::Cut,
    ids::{ClaimId, Stream},
    registry::Registry,
    time::When,
};

/// Scenario, claim and moment of each golden text.
const SAID: [(&str, &str, Option<&str>); 14] = [
    ("AMC-S01", "C1", None),
    ("AMC-S03", "C1", None),
    ("AMC-S09", "C1", None),
    ("AMC-S16", "C1", None),
    ("AMC-S28", "C1", None),
    ("AMC-S31", "C1", Some("2024-04-25T12:00:00-05:00")),
    ("AMC-S39", "C1", None),
    ("ATP-S08", "C1", None),
    ("ATP-S30", "C1", Some("2024-06-19T12:00:00-04:00")),
    ("CGD-S09", "C1", None),
    ("PTK-S05", "C1", None),
    ("PTK-S16", "C1", None),
    ("RNE-S08", "C1", None),
    ("RNE-S22", "C1", Some("2024-05-13T18:00:00+02:00")),
];

/// What lies ahead at each of these moments.
const AHEAD: [(&str, &str, Option<&str>); 10] = [
    ("AMC-S05", "C1", None),
    ("AMC-S18", "C1", Some("2024-04-18T12:00:00-05:00")),
    ("AMC-S32", "C1", Some("2024-05-04T12:00:00-05:00")),
    ("AMC-S37", "C1", Some("2024-04-17T18:00:00-05:00")),
    ("ATP-S01", "C1", None),
    ("ATP-S02", "C1", None),
    ("ATP-S36", "C1", None),
    ("PTK-S16", "C1", None),
    ("PTK-S19", "C1", Some("2024-02-19T16:00:00+11:00")),
    ("RNE-S08", "C1", None),
];

#[test]
fn what_lies_ahead_is_what_the_policy_says() {
    let folder = Path::new("fixtures/judging/next");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for (id, claim, at) in AHEAD {
        let now = at.map_or_else(
            || When::parse("2024-12-31T12:00:00Z").unwrap().at,
            |at| When::parse(at).unwrap().at,
        );
        let ahead = asked(id, claim, at, |case, claim, registry, cut| {
            next::next(case, claim, registry, cut, now).unwrap()
        });
        let found = format!("{}\n", serde_json::to_string_pretty(&ahead).unwrap());
        let file = folder.join(format!("{id}.json"));
        if update {
            fs::create_dir_all(folder).unwrap();
            fs::write(&file, &found).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != found {
            differing.push(format!("{id}:\n{found}"));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

fn explained(id: &str, claim: &str, at: Option<&str>) -> explain::Explanation {
    asked(id, claim, at, |case, claim, registry, cut| explain::explain(case, claim, registry, cut).unwrap())
}

fn asked<T>(
    id: &str,
    claim: &str,
    at: Option<&str>,
    ask: impl FnOnce(&Case, &ClaimId, &Registry, &Cut) -> T,
) -> T {
    let merchant = id.split('-').next().unwrap().to_lowercase();
    let file = format!("fixtures/scenarios/{merchant}.json");
    let text = fs::read_to_string(&file).unwrap();
    let scenarios = scenario::read(&file, &text).unwrap();
    let story = scenarios.iter().find(|s| s.id == id).unwrap();
    let policies = embedded::policies().unwrap();
    let policy = policies.iter().find(|p| p.published.policy == story.policy).unwrap();
    let mut played = scenario::play(story, policy).unwrap();
    let claim = ClaimId::new(claim).unwrap();
    let store = played.ledger.store();
    let case = case_of(store, &Stream::Claim(claim.clone())).unwrap();
    let registry = judging::registry(store).unwrap();
    let at = at.map(|at| When::parse(at).unwrap().at);
    let cut = Cut { known_at: at, effective_at: at, position: None };
    ask(&case, &claim, &registry, &cut)
}

#[test]
fn explanations_read_as_they_should() {
    let folder = Path::new("fixtures/judging/explain");
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut differing = Vec::new();
    for (id, claim, at) in SAID {
        let e = explained(id, claim, at);
        for (name, found) in
            [(format!("{id}.txt"), explain::text(&e)), (format!("{id}.md"), explain::markdown(&e))]
        {
            let file = folder.join(&name);
            if update {
                fs::create_dir_all(folder).unwrap();
                fs::write(&file, &found).unwrap();
            } else if fs::read_to_string(&file).unwrap_or_default() != found {
                differing.push(format!("{name}:\n{found}"));
            }
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn every_line_says_how_it_came_about_and_the_sum_is_what_is_payable() {
    for (id, claim, at) in SAID {
        let e = explained(id, claim, at);
        let sum: i64 = e.lines.iter().map(|l| l.minor).sum();
        assert_eq!(sum.max(0).unsigned_abs(), e.payable_minor, "{id}");
        for line in &e.lines {
            assert!(!line.formula.is_empty() && !line.cites.is_empty(), "{id} {}", line.line);
            assert!(line.cites.iter().all(|c| e.clauses.iter().any(|k| k.id == *c)), "{id} {}", line.line);
        }
        assert!(e.clauses.iter().all(|c| !c.paraphrase.is_empty()), "{id}: {:?}", e.clauses);
    }
}
