//! `claims policy test` and `claims policy coverage` as people run them, and that no clause of the five policies is left
//! with one side only.

#[path = "support/program.rs"]
mod program;

use claims::{
    coverage::{Coverage, Report, Standing},
    policy_file::embedded,
    scenario::{self, Scenario},
};
use program::{ROOT, claims};
use serde_json::{Value, json};
use std::{fs, path::Path};

fn report(keep: impl Fn(&Scenario) -> bool) -> Report {
    let policies = embedded::policies().unwrap();
    let all = scenario::embedded::scenarios().unwrap_or_else(|why| panic!("{why}"));
    let some: Vec<&Scenario> = all.iter().filter(|scenario| keep(scenario)).collect();
    let mut coverage = Coverage::new(&policies);
    some.iter().for_each(|scenario| coverage.take(scenario, &policies).unwrap_or_else(|why| panic!("{why}")));
    coverage.report(&some)
}

#[test]
fn every_clause_is_seen_from_both_sides() {
    let report = report(|_| true);
    let gaps: Vec<String> = report.gaps().map(|c| format!("{}: {}\n", c.clause, c.gaps.join("; "))).collect();
    assert!(gaps.is_empty(), "{}", gaps.concat());
    let counts = (report.count(Standing::BothSides), report.count(Standing::OneSideByNature));
    assert_eq!((report.clauses.len(), counts), (202, (186, 16)));
    // What has one side only is told, or kept in every refund: nothing that could be enforced otherwise.
    for clause in report.clauses.iter().filter(|c| c.standing == Standing::OneSideByNature) {
        let kept = clause.rows.iter().all(|row| row.table == "component");
        assert!(clause.treatment.contains(&"informed") || kept, "{} {:?}", clause.clause, clause.treatment);
    }
}

#[test]
fn a_side_that_no_scenario_shows_is_a_gap() {
    let without = |id: &str| report(|s| s.policy.as_str() == "ATP" && !s.id.starts_with(id));
    let all: Vec<String> = without("nothing").gaps().map(|c| c.clause.clone()).collect();
    assert!(!all.contains(&"ATP-2.6".into()), "{all:?}");
    // The only contact after the 90 days of a camera accessory.
    let gaps: Vec<String> = without("ATP-S23").gaps().flat_map(|c| c.gaps.clone()).collect();
    assert!(gaps.contains(&"windows.camera90, never: too late".into()), "{gaps:?}");
    // Clauses of a policy that no scenario names are not listed; house rules always are.
    assert_eq!(without("nothing").clauses.len(), 22 + 42);
}

#[test]
fn scenarios_of_our_own_say_why_and_have_names_of_their_own() {
    let all = scenario::embedded::scenarios().unwrap();
    let mut ids: Vec<&str> = all.iter().map(|s| s.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all.len(), "two scenarios have one id");
    for own in all.iter().filter(|s| s.id.contains("-X")) {
        assert!(
            own.why.contains(own.policy.as_str()) || own.why.contains("H-"),
            "{} names no clause",
            own.id
        );
        assert!(own.id.starts_with(own.policy.as_str()), "{}", own.id);
    }
}

/// A folder with one scenario file, whose first expectation says that this is payable.
fn folder(payable: u64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let given: Value = serde_json::from_str(
        &fs::read_to_string(Path::new(ROOT).join("fixtures/scenarios/atp.json")).unwrap(),
    )
    .unwrap();
    let mut first = given[0].clone();
    first["expected"] = json!([{"payable": payable, "status": "eligible"}]);
    fs::write(folder.path().join("own.json"), json!([first]).to_string()).unwrap();
    folder
}

#[test]
fn policy_test_says_what_differs() {
    let good = folder(56_499);
    let run = claims(good.path(), &["policy", "test", "own.json"]);
    assert_eq!(
        (run.code, run.stdout.as_str(), run.stderr.as_str()),
        (0, "1 of 1 expectations met in 1 scenarios\n", "")
    );
    let bad = folder(1);
    let run = claims(bad.path(), &["policy", "test", "."]);
    let text = "ATP-S01, C1, at the end\n  payable: expected 1, found 56499\n0 of 1 expectations met in 1 scenarios\n";
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (1, text, ""));
    let run = claims(bad.path(), &["policy", "test", "--json", "own.json"]);
    let line: Value = serde_json::from_str(run.stdout.trim()).unwrap();
    let fields: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["actual", "as_of", "claim", "differences", "id", "pass"]);
    assert_eq!((run.code, &line["pass"], &line["claim"]), (1, &json!(false), &json!("C1")));
    assert_eq!(line["differences"], json!([{"field": "payable", "expected": 1, "actual": 56_499}]));
}

#[test]
fn policy_test_cannot_tell_from_what_it_cannot_read() {
    let folder = folder(1);
    let code = |args: &[&str]| {
        let run = claims(folder.path(), &[&["policy", "test"], args].concat());
        assert_eq!(run.stdout, "", "{args:?}");
        (run.code, run.stderr)
    };
    fs::create_dir(folder.path().join("empty")).unwrap();
    fs::write(folder.path().join("latin1.json"), b"[]\n\xe9").unwrap();
    fs::write(folder.path().join("broken.json"), "[{]").unwrap();
    for (args, words) in [
        (vec!["nowhere.json"], "nowhere.json: there is no such file or folder"),
        (vec!["own.json", "broken.json"], "broken.json:1"),
        (vec!["latin1.json"], "latin1.json:2: this is not UTF-8"),
        (vec!["empty"], "empty: there is no scenario file in this folder"),
        (vec!["--policy", "nowhere.toml", "own.json"], "nowhere.toml"),
    ] {
        let (code, stderr) = code(&args);
        assert_eq!(code, 2, "{args:?}: {stderr}");
        assert!(stderr.contains(words) && stderr.contains("hint:"), "{args:?}: {stderr}");
    }
    assert_eq!(code(&["--wrong"]).0, 64);
}

#[test]
fn a_policy_is_tested_before_it_is_published() {
    let folder = folder(56_499);
    let beside = Path::new(ROOT).join("fixtures/policies");
    fs::create_dir(folder.path().join("clauses")).unwrap();
    fs::copy(beside.join("clauses/atp.toml"), folder.path().join("clauses/atp.toml")).unwrap();
    let text = fs::read_to_string(beside.join("atp.toml")).unwrap();
    let shorter = text.replace("P14D", "P13D");
    assert_ne!(text, shorter);
    fs::write(folder.path().join("shop.toml"), shorter).unwrap();
    // The contact was on day 14.
    let run = claims(folder.path(), &["policy", "test", "--policy", "shop.toml", "own.json"]);
    assert_eq!(run.code, 1, "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("status: expected \"eligible\", found \"ineligible\""), "{}", run.stdout);
}

#[test]
fn coverage_names_gaps_and_is_strict_when_asked() {
    let folder = folder(56_499);
    let run = claims(folder.path(), &["policy", "coverage", "--scenarios", "own.json"]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("ATP-3.7: fee 1 (restocking), never: taken\n"), "{}", run.stdout);
    assert!(run.stdout.contains("64 clauses and house rules, 1 scenarios"), "{}", run.stdout);
    let wide = run.stdout.lines().take_while(|line| !line.is_empty()).map(|line| line.chars().count()).max();
    assert!(wide <= Some(80), "{wide:?}");
    let strict = claims(folder.path(), &["policy", "coverage", "--scenarios", ".", "--strict"]);
    assert_eq!((strict.code, strict.stdout == run.stdout), (1, true));
    let one = claims(folder.path(), &["policy", "coverage", "--scenarios", "own.json", "ATP-3.1", "--json"]);
    let line: Value = serde_json::from_str(one.stdout.trim()).unwrap();
    assert_eq!(
        (&line["clause"], &line["standing"], &line["treatment"]),
        (&json!("ATP-3.1"), &json!("gap"), &json!(["enforced"]))
    );
    assert_eq!(line["gaps"][0], "windows.return14, never: too late");
    let window = &line["rows"][0];
    assert_eq!(
        (&window["sides"], &window["scenarios"]),
        (&json!(["in time", "too late"]), &json!([["ATP-S01"], []]))
    );
    let unknown = claims(folder.path(), &["policy", "coverage", "--scenarios", "own.json", "ATP-99"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (14, ""));
}

#[test]
fn the_help_says_what_both_sides_are() {
    let folder = tempfile::tempdir().unwrap();
    let run = claims(folder.path(), &["policy", "coverage", "--help"]);
    let policy = embedded::policies().unwrap().remove(0);
    let (policy, _) = replay::policy::Policy::read(&policy.published.body);
    for (table, _, _) in policy.rows().iter().filter(|(table, ..)| *table != "policy") {
        assert!(run.stdout.contains(&format!("\n  {table} ")), "{table} is not explained:\n{}", run.stdout);
    }
}
