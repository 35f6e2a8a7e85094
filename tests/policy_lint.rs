//! What is wrong with a policy, as files: each of `fixtures/broken/lint` is the sound policy with one fault, and what is
//! said about it stands beside it. `UPDATE_GOLDEN=1` writes what is found; read it aloud.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use claims::policy_file::{
    self, embedded,
    lint::{Finding, Level, lint},
};
use jsonschema::Validator;
use replay::{event::ledger::CalendarPublished, time::Day};
use serde_json::Value;

const FOLDER: &str = "fixtures/broken/lint";
/// The day on which the examples are examined.
const TODAY: &str = "2025-10-01";

fn files(ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

fn calendars() -> Vec<CalendarPublished> {
    let file = Path::new(FOLDER).join("calendars/known.toml");
    policy_file::calendars(&fs::read_to_string(&file).unwrap(), "known.toml").unwrap()
}

fn found(file: &Path) -> Vec<Finding> {
    lint(&policy_file::draft(file).unwrap(), &calendars(), Some(Day::parse(TODAY).unwrap()))
}

fn text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{finding}\n")).collect()
}

/// Compares with the file beside, or writes it.
fn check(golden: &Path, found: &str) {
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(golden, found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(golden).unwrap_or_default(), "{}", golden.display());
}

/// `sound.toml` is what all the others are without their fault.
fn is_sound(file: &Path) -> bool {
    file.ends_with("sound.toml")
}

fn is_shown(file: &Path) -> bool {
    file.file_name().unwrap().to_str().unwrap().starts_with("shown-")
}

#[test]
fn without_its_fault_each_file_is_clean() {
    assert_eq!(text(&found(&Path::new(FOLDER).join("sound.toml"))), "");
}

#[test]
fn each_fault_is_said_with_its_line_and_what_to_do() {
    let faulty: Vec<PathBuf> = files("toml").into_iter().filter(|file| !is_sound(file)).collect();
    assert!(faulty.len() >= 80, "{} files", faulty.len());
    for file in &faulty {
        let findings = found(file);
        check(&file.with_extension("txt"), &text(&findings));
        let serious: Vec<&Finding> = findings.iter().filter(|f| f.level != Level::Note).collect();
        // One fault, one finding; what the document leaves open is shown, and nothing else.
        let due = usize::from(!is_shown(file));
        assert_eq!(serious.len(), due, "{}\n{}", file.display(), text(&findings));
        assert!(!findings.is_empty(), "{}", file.display());
        for finding in findings {
            assert_eq!(finding.file.as_deref(), file.to_str());
            assert!(finding.line.is_some() && !finding.hint.is_empty(), "{finding}");
            assert!(!finding.message.ends_with('.') && !finding.message.contains("  "), "{finding}");
        }
    }
    assert_eq!(faulty.len(), files("txt").len(), "a message has no file");
}

#[test]
fn each_file_is_the_sound_one_with_few_lines_changed() {
    let lines = |file: &Path| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(String::from).collect::<Vec<_>>()
    };
    let sound = lines(&Path::new(FOLDER).join("sound.toml"));
    for file in files("toml") {
        // A policy that grants nothing at all has few rows left.
        if file.ends_with("nothing-granted.toml") {
            continue;
        }
        let here = lines(&file);
        let before = sound.iter().zip(&here).take_while(|(a, b)| a == b).count();
        let after = sound.iter().rev().zip(here.iter().rev()).take_while(|(a, b)| a == b).count();
        let changed = here.len().max(sound.len()).saturating_sub(before + after);
        assert!(changed <= 45, "{}: {changed} lines", file.display());
    }
}

/// Every code that findings can have, by the source of the linter; each has an example.
#[test]
fn every_code_has_an_example() {
    let mut told: BTreeSet<String> =
        files("toml").iter().flat_map(|file| found(file)).map(|finding| finding.code).collect();
    told.extend(embedded_findings().into_values().flatten().map(|finding| finding.code));
    let mut codes = BTreeSet::new();
    let sources = fs::read_dir("src/policy_file/lint").unwrap().map(|entry| entry.unwrap().path());
    for source in sources.chain([PathBuf::from("src/policy_file/lint.rs")]) {
        let text = fs::read_to_string(source).unwrap();
        let calls = [
            "error(",
            "warning(",
            "note(",
            "finding(Level::Note,",
            "ambiguous(Level::Error,",
            "ambiguous(Level::Warning,",
        ];
        for call in calls {
            let codes_here = text.split(call).skip(1).filter_map(|rest| {
                let code = rest.trim_start().strip_prefix('"')?.split_once('"')?.0;
                code.contains('_').then(|| code.to_string())
            });
            codes.extend(codes_here);
        }
        codes.extend(
            text.split("code: \"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0.to_string())),
        );
    }
    assert!(codes.len() > 50, "{codes:?}");
    // More kinds of places than a policy that people can read would tell apart.
    codes.remove("regions_are_too_many");
    let untold: Vec<_> = codes.difference(&told).collect();
    assert!(untold.is_empty(), "{untold:?}");
}

fn embedded_findings() -> BTreeMap<String, Vec<Finding>> {
    let calendars = embedded::calendars().unwrap();
    let today = Day::parse(TODAY).unwrap();
    let lint = |(policy, clauses): &(embedded::Text, embedded::Text)| {
        let draft = policy_file::draft_of(policy.text, Some(clauses.text), embedded::HOUSE.text, policy.name)
            .unwrap();
        (policy.name.to_string(), lint(&draft, &calendars, Some(today)))
    };
    embedded::POLICIES.iter().map(lint).collect()
}

#[test]
fn the_five_policies_are_sound_and_what_they_leave_open_is_shown() {
    let found = embedded_findings();
    assert_eq!(found.len(), 5);
    let all: Vec<Finding> = found.into_values().flatten().collect();
    check(Path::new("fixtures/policies/findings.txt"), &text(&all));
    assert!(all.iter().all(|finding| finding.level == Level::Note), "{}", text(&all));
    // A note rests on a house rule, or on a reading that the row names.
    for finding in &all {
        let rests = finding.cites.iter().any(|cite| cite.starts_with("H-")) || !finding.readings.is_empty();
        assert!(rests, "{finding}");
    }
    let read: Vec<&str> = all.iter().flat_map(|f| f.readings.iter().map(String::as_str)).collect();
    assert_eq!(read, ["R-PTK-01", "R-RNE-01"]);
}

#[test]
fn the_example_that_people_copy_is_sound() {
    let draft = policy_file::draft(Path::new("fixtures/policies/example/lumen.toml")).unwrap();
    let found = lint(&draft, &embedded::calendars().unwrap(), Day::parse(TODAY).ok());
    assert!(found.iter().all(|finding| finding.level == Level::Note), "{}", text(&found));
}

fn schema() -> Validator {
    let text = fs::read_to_string("schemas/policy.v1.json").unwrap();
    jsonschema::draft202012::new(&serde_json::from_str::<Value>(&text).unwrap()).unwrap()
}

/// What has a form and means nothing is for the linter; what has no form, both refuse.
#[test]
fn the_schema_refuses_what_does_not_fit_and_takes_the_rest() {
    let schema = schema();
    let mut refused = 0;
    for file in files("toml") {
        let body = policy_file::read(&file).unwrap().published.body;
        let misfits: Vec<Finding> =
            found(&file).into_iter().filter(|f| f.code == "row_does_not_fit").collect();
        // A schema knows forms, not which names there are.
        let names = ["which is not in", "no kind of event"];
        let is_name = misfits.iter().any(|finding| names.iter().any(|words| finding.message.contains(words)));
        assert_eq!(schema.is_valid(&body), misfits.is_empty() || is_name, "{}", file.display());
        refused += usize::from(!misfits.is_empty());
    }
    assert!(refused >= 18, "{refused}");
}

#[test]
fn what_depends_on_the_day_is_not_said_without_one() {
    let file = Path::new(FOLDER).join("calendar-that-runs-out.toml");
    let draft = policy_file::draft(&file).unwrap();
    assert_eq!(text(&lint(&draft, &calendars(), None)), "");
    // 2025 ends in 120 days on 2 September; a day earlier nothing is said yet.
    let on = |day| lint(&draft, &calendars(), Some(Day::parse(day).unwrap())).len();
    assert_eq!((on("2025-09-01"), on("2025-09-02"), on("2026-01-01")), (0, 1, 1));
    assert!(text(&lint(&draft, &calendars(), Day::parse("2026-01-01").ok())).contains("ended with 2025"));
}

#[test]
fn a_row_beyond_the_limit_is_said() {
    let sound = fs::read_to_string(Path::new(FOLDER).join("sound.toml")).unwrap();
    let row = "[[never]]\ncost = \"x\"\ncites = [\"ACME-6\"]\n";
    let many = row.repeat(replay::policy::TABLE_ROWS_MAX + 1);
    let draft = policy_file::draft_of(&(many + &sound), None, embedded::HOUSE.text, "long.toml").unwrap();
    let found = lint(&draft, &calendars(), None);
    assert_eq!(found.len(), 1, "{}", text(&found));
    assert_eq!(found[0].line, Some(replay::policy::TABLE_ROWS_MAX * 3 + 1));
}

/// The examples of the guide are what the guide says they are: sound, and every story of them comes out as told.
#[test]
fn the_examples_of_the_guide_are_sound_and_their_stories_hold() {
    let calendars = policy_file::embedded::calendars().unwrap();
    let order = replay::ids::OrderId::new(claims::scenario::ORDER).unwrap();
    for (name, stories) in [("lumen", 6), ("bergland", 41)] {
        let draft = policy_file::draft(Path::new(&format!("fixtures/policies/example/{name}.toml"))).unwrap();
        let errors: Vec<_> =
            lint(&draft, &calendars, None).into_iter().filter(|f| f.level != Level::Note).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        let file = format!("fixtures/policies/example/{name}.scenarios.json");
        let text = fs::read_to_string(&file).unwrap();
        let judge = |ledger: &mut claims::ledger::Ledger<claims::store::memory::MemoryStore>,
                     claim: Option<&replay::ids::ClaimId>,
                     cut: &replay::history::Cut| {
            claims::judging::outcome(ledger.store(), &order, claim, cut)
        };
        let checked = claims::scenario::run(&file, &text, &[draft.policy], &judge).unwrap();
        assert_eq!(checked.len(), stories, "{name}");
        for one in checked {
            assert!(one.pass, "{}: {:?}", one.id, one.differences);
        }
    }
}
