//! `claims sod`: every conflict and every near miss is found where it is, and not where it is not (`fixtures/sod.txt`).

mod support;

use claims::sod::{CONFLICTS, Days, Found, NEAR_MISSES, report};
use replay::money::Amount;
use replay::time::Day;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use support::Script;

/// The sections of a file: name after `==`, then its lines without comments.
fn sections(path: &str) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).unwrap();
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix("== ") {
            Some(name) => found.push((name.into(), Vec::new())),
            None => found.last_mut().unwrap().1.push(line.into()),
        }
    }
    found
}

/// The lines of a story, with those of the stories in it.
fn story(name: &str, stories: &[(String, Vec<String>)]) -> Vec<String> {
    let (_, lines) = stories.iter().find(|(other, _)| other == name).unwrap();
    let line = |line: &String| match line.strip_prefix("story ") {
        Some(inner) => story(inner, stories),
        None => vec![line.clone()],
    };
    lines.iter().flat_map(line).collect()
}

fn line(found: &Found) -> String {
    let amount = |amount: Option<Amount>| amount.map_or("-".to_string(), |amount| amount.to_string());
    let people: Vec<&str> = found.people.iter().map(|person| person.as_str()).collect();
    let (amount, limit) = (amount(found.amount), amount(found.limit));
    format!("{} {} {} {amount} {limit}", found.rule, people.join(","), found.about)
}

#[test]
fn every_rule_finds_what_it_is_about_and_nothing_else() {
    let stories = sections("gwt/stories.txt");
    let cases = sections("sod.txt");
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (name, lines) in &cases {
        let mut script = Script::new(support::memory("sod"));
        script.lines(&story("decided", &stories).join("\n"));
        let given: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("given ")).collect();
        script.lines(&given.join("\n"));
        let expected: Vec<&String> = lines.iter().filter(|line| !line.starts_with("given ")).collect();
        let report = report(script.ledger.store(), Days::default()).unwrap();
        let found: Vec<String> = report.conflicts.iter().chain(&report.near_misses).map(line).collect();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{name}");
        told.extend(found.iter().filter_map(|line| line.split(' ').next().map(String::from)));
    }
    let rules: BTreeSet<String> =
        CONFLICTS.iter().chain(NEAR_MISSES).map(|rule| rule.id.to_string()).collect();
    assert_eq!(told, rules, "a rule without a section");
}

#[test]
fn days_are_those_of_the_last_event() {
    let stories = sections("gwt/stories.txt");
    let mut script = Script::new(support::memory("sod"));
    script.lines(&story("settled", &stories).join("\n"));
    let mut count = |from: &str, to: &str| {
        let days = Days { from: Some(Day::parse(from).unwrap()), to: Some(Day::parse(to).unwrap()) };
        let report = report(script.ledger.store(), days).unwrap();
        (report.conflicts.len(), report.people.values().map(|count| count.conflicts).sum::<u64>())
    };
    assert_eq!(count("2024-04-02", "2024-05-02"), (2, 2));
    assert_eq!(count("2024-04-03", "2024-05-02"), (1, 1));
    assert_eq!(count("2024-04-03", "2024-05-01"), (0, 0));
}
