//! Policies as files: what the five decide is frozen here, and every way to get a file wrong has an example.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use claims::policy_file::{self, FILE_BYTES_MAX, POLICY_BYTES_MAX, PolicyFile, embedded};
use replay::codec::{self, BODY_BYTES_MAX, Envelope};
use replay::event::Event;
use serde_json::Value;

/// What decisions cite. A line that changes here changes what every later decision says it rests on: then it is a
/// new version of the policy, with a new `version` and `effective_from`, and the old file stays.
#[rustfmt::skip]
const FROZEN: [(&str, u32, usize, &str, usize); 5] = [
    // policy, version, clauses, SHA-256 of the body, bytes of the body
    ("ATP", 1, 42, "0d405487878505d9a549a47c5cf1dff1a93288d6d007b8bb91742969559282db", 20_584),
    ("PTK", 1, 35, "ffc7ac5d4a8f95e2e3ba48ff5d28d906b367840e2a9e0885dcd65e4e84db3d91", 17_719),
    ("CGD", 1, 24, "fb3fc64aa696aee9e819324b6edf32eb5e6d728679fe10300f39f3b01f804a2c", 13_814),
    ("RNE", 1, 27, "5f7f458802af407825d7400242247a6e64d50b398b915349fe410ff4ea86439c", 15_916),
    ("AMC", 1, 52, "cfb5344c5245e0a82bbe9fd281178303dbbaccd9f50662a1cd829a607bf69281", 23_555),
];

const ACME: &str = r#"
[policy]
id = "ACME"
name = "Acme Ltd"
version = 1
effective_from = 2024-01-31

[[never]]
cost = "installation"
cites = ["ACME-1.1"]
"#;
const ACME_CLAUSES: &str = r#"
[[clause]]
id = "ACME-1.1"
paraphrase = "The customer's installer is not paid"
system = "NEVER"
"#;

fn five() -> Vec<PolicyFile> {
    embedded::policies().unwrap()
}

fn acme(text: &str) -> PolicyFile {
    policy_file::parse(text, None, embedded::HOUSE.text, "acme.toml").unwrap()
}

/// Every file with this ending in a folder, in the order of their names.
fn files_in(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|e| e == ending)).collect();
    files.sort();
    files
}

#[test]
fn the_five_policies_are_frozen() {
    let found = five();
    assert_eq!(found.len(), FROZEN.len());
    for (policy, (id, version, clauses, sha256, bytes)) in found.iter().zip(FROZEN) {
        let published = &policy.published;
        let found =
            (published.policy.as_str(), published.version, published.sha256.to_string(), policy.body_bytes);
        assert_eq!(found, (id, version, sha256.into(), bytes));
        assert_eq!(published.body["clauses"].as_array().unwrap().len(), clauses);
        assert_eq!(published.body["house"]["clauses"].as_array().unwrap().len(), 22);
        assert_eq!(published.body["house"]["version"], 1);
        assert_eq!(published.body["policy"]["effective_from"], published.effective_from.to_string());
        assert_eq!(published.supersedes, None);
    }
    let clauses: usize = FROZEN.iter().map(|(_, _, clauses, ..)| clauses).sum();
    assert_eq!((clauses, clauses + 22), (180, 202));
}

#[test]
fn what_is_embedded_is_what_lies_in_the_folder() {
    let mut on_disk = files_in("fixtures/policies", "toml");
    on_disk.extend(files_in("fixtures/policies/clauses", "toml"));
    let embedded = embedded::files();
    assert_eq!(embedded.len(), on_disk.len());
    for file in embedded {
        assert_eq!(
            fs::read_to_string(Path::new("fixtures").join(file.name)).unwrap(),
            file.text,
            "{}",
            file.name
        );
    }
    for ((policy, _), embedded) in embedded::POLICIES.iter().zip(five()) {
        assert_eq!(policy_file::read(&Path::new("fixtures").join(policy.name)).unwrap(), embedded);
    }
}

/// Counts the rows that have cites and proves that each cite is a clause; not with the code that reads the files.
fn cited_rows(value: &Value, ids: &BTreeSet<&str>) -> usize {
    let Some(table) = value.as_object() else {
        return value.as_array().into_iter().flatten().map(|item| cited_rows(item, ids)).sum();
    };
    for (_, cites) in table.iter().filter(|(key, _)| key.ends_with("cites")) {
        let cites: Vec<_> = cites.as_array().unwrap().iter().map(|cite| cite.as_str().unwrap()).collect();
        assert!(!cites.is_empty());
        cites.iter().for_each(|cite| assert!(ids.contains(cite), "{cite}"));
    }
    let below: usize = table.values().map(|value| cited_rows(value, ids)).sum();
    below + usize::from(table.contains_key("cites"))
}

#[test]
fn every_row_cites_clauses_that_exist() {
    for policy in five() {
        let body = policy.published.body.as_object().unwrap();
        let registers = [&body["clauses"], &body["house"]["clauses"]];
        let clauses = registers.iter().flat_map(|register| register.as_array().unwrap());
        let ids: BTreeSet<_> = clauses.map(|clause| clause["id"].as_str().unwrap()).collect();
        let tables = || body.iter().filter(|(table, _)| !["clauses", "house"].contains(&table.as_str()));
        let rows = |(table, value): (&String, &Value)| match (table.as_str(), value) {
            // no_fault always, versioning where the document speaks of it
            ("policy", Value::Object(policy)) => 1 + usize::from(policy.contains_key("versioning")),
            ("regions" | "windows", Value::Object(named)) => named.len(),
            (_, Value::Array(rows)) => rows.len(),
            _ => 1,
        };
        let cited: usize = tables().map(|(_, value)| cited_rows(value, &ids)).sum();
        assert_eq!(cited, tables().map(rows).sum::<usize>(), "{}", policy.published.policy);
    }
}

#[test]
fn each_policy_fits_into_an_event_and_comes_back() {
    for policy in five() {
        assert!(policy.body_bytes <= POLICY_BYTES_MAX);
        let at = replay::time::When::parse("2023-01-01T00:00:00Z").unwrap();
        let envelope = Envelope {
            ledger: "origin".parse().unwrap(),
            position: replay::ids::Position::new(1).unwrap(),
            stream: replay::ids::Stream::Ledger,
            revision: replay::ids::Revision::new(1).unwrap(),
            event_id: replay::ids::EventId(uuid::Uuid::nil()),
            effective: at,
            recorded_at: at.at,
            actor: "a".parse().unwrap(),
            role: "admin".parse().unwrap(),
            approver: Some("b".parse().unwrap()),
            source: "cli".parse().unwrap(),
            external_id: Some("x".repeat(200).parse().unwrap()),
            causation: None,
            correlation: Some("y".repeat(200).parse().unwrap()),
        };
        let mut event = Event::PolicyPublished(Box::new(policy.published.clone()));
        let body = codec::encode(&envelope, &mut event).unwrap();
        assert!(
            body.len() < BODY_BYTES_MAX && body.len() - policy.body_bytes < BODY_BYTES_MAX - POLICY_BYTES_MAX
        );
        // Decoding checks the hash again.
        assert_eq!(codec::decode(&body).unwrap().event, event);
    }
}

#[test]
fn a_merchants_policy_has_one_hash_however_its_files_are_written() {
    let hash = acme(&format!("{ACME}{ACME_CLAUSES}")).published.sha256;
    let other_order = r#"
        # The same in another order and another spelling.
        clause = [{ system = 'NEVER', paraphrase = "The customer\u0027s installer is not paid", id = "ACME-1.1" }]
        never = [{ cites = ["ACME-1.1"], cost = "installation" }]
        policy = { version = 0x1, effective_from = 2024-01-31, name = 'Acme Ltd', id = "ACME" }
    "#;
    assert_eq!(acme(other_order).published.sha256, hash);

    let beside = ACME.replace("version = 1", "version = 1\nclauses = \"register/acme.toml\"");
    let parsed = policy_file::parse(&beside, Some(ACME_CLAUSES), embedded::HOUSE.text, "acme.toml").unwrap();
    assert_eq!(parsed.published.sha256, hash);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("register")).unwrap();
    fs::write(folder.path().join("acme.toml"), &beside).unwrap();
    fs::write(folder.path().join("register/acme.toml"), ACME_CLAUSES).unwrap();
    assert_eq!(policy_file::read(&folder.path().join("acme.toml")).unwrap(), parsed);

    for (word, other) in [("installation", "consequential"), ("Acme Ltd", "Acme"), ("is not paid", "is paid")]
    {
        let changed = format!("{ACME}{ACME_CLAUSES}").replace(word, other);
        assert_ne!(acme(&changed).published.sha256, hash, "{other}");
    }
    let house = embedded::HOUSE.text.replace("version = 1", "version = 2");
    let text = format!("{ACME}{ACME_CLAUSES}");
    assert_ne!(policy_file::parse(&text, None, &house, "acme.toml").unwrap().published.sha256, hash);
}

#[test]
fn a_later_version_supersedes_the_one_before() {
    let text = format!("{ACME}{ACME_CLAUSES}").replace("version = 1", "version = 7");
    let published = acme(&text).published;
    assert_eq!((published.version, published.supersedes), (7, Some(6)));
}

/// The message of a broken file stands beside it.
fn check_broken(folder: &str, read: impl Fn(&Path) -> claims::error::Error) -> BTreeSet<String> {
    let files = files_in(folder, "toml");
    assert!(!files.is_empty());
    assert_eq!(files.len(), files_in(folder, "txt").len(), "a message in {folder} has no file");
    files
        .iter()
        .map(|file| {
            let error = read(file);
            let expected = fs::read_to_string(file.with_extension("txt")).unwrap_or_default();
            assert_eq!(format!("{error}\n"), expected, "{}", file.display());
            assert!(expected.contains(".toml:") && expected.contains("\nhint: "), "{expected}");
            error.code
        })
        .collect()
}

#[test]
fn broken_files_say_where_and_what_to_do() {
    let mut codes = check_broken("fixtures/broken/policies", |file| policy_file::read(file).unwrap_err());
    codes.extend(check_broken("fixtures/broken/calendars", |file| {
        let text = fs::read_to_string(file).unwrap();
        policy_file::calendars(&text, &file.display().to_string()).unwrap_err()
    }));
    let known = "cite_is_unknown clause_belongs_to_the_house clause_field_is_unknown clause_is_there_twice \
        day_is_in_another_year day_is_there_twice field_is_missing file_not_found nesting_is_too_deep not_toml \
        number_has_a_fraction number_is_out_of_range register_is_missing register_is_there_twice \
        register_path_is_unsafe row_has_no_cites table_is_unknown time_of_day type_is_wrong value_is_wrong \
        year_has_no_days year_is_unsound";
    assert_eq!(codes.into_iter().collect::<Vec<_>>().join(" "), known);
}

#[test]
fn faults_that_no_small_file_can_show() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("acme.toml");
    let check_file = |bytes: &[u8], code: &str, line: usize| {
        fs::write(&path, bytes).unwrap();
        let error = policy_file::read(&path).unwrap_err();
        assert_eq!(error.code, code);
        assert_eq!(error.at, Some(format!("{}:{line}", path.display())));
        assert!(error.hint.is_some());
    };
    check_file(b"[policy]\nid = \"\xff\"\n", "not_utf8", 2);
    check_file(&vec![b'#'; FILE_BYTES_MAX + 1], "file_is_too_long", 1);
    let long = "paraphrase = \"".to_owned() + &"x".repeat(POLICY_BYTES_MAX);
    check_file(
        (ACME.to_owned() + &ACME_CLAUSES.replace("paraphrase = \"", &long)).as_bytes(),
        "body_is_too_long",
        2,
    );
    let named = ACME.replace("version = 1", "version = 1\nclauses = \"link.toml\"");
    #[cfg(unix)]
    {
        let outside = tempfile::NamedTempFile::new().unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.path().join("link.toml")).unwrap();
        check_file(named.as_bytes(), "register_path_is_unsafe", 6);
    }

    let code = |text: &str, clauses: Option<&str>| {
        policy_file::parse(text, clauses, embedded::HOUSE.text, "acme.toml").unwrap_err().code
    };
    assert_eq!(code(&named, None), "register_is_not_given");
    assert_eq!(code(ACME, Some(ACME_CLAUSES)), "register_is_not_named");
    for path in ["", "..", "a/../../b", "./../b", "C:b", "a\\\\b", "//b", "/b"] {
        let named = ACME.replace("version = 1", &format!("version = 1\nclauses = \"{path}\""));
        let due = if path.is_empty() { "value_is_wrong" } else { "register_path_is_unsafe" };
        assert_eq!(code(&named, Some(ACME_CLAUSES)), due, "{path}");
    }
    let error = policy_file::read(&folder.path().join("nowhere.toml")).unwrap_err();
    assert_eq!(error.code, "file_not_found");
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_not_a_byte_longer() {
    let text = |filler: usize| {
        let paraphrase = format!("paraphrase = \"{}", "x".repeat(filler));
        ACME.to_owned() + &ACME_CLAUSES.replace("paraphrase = \"", &paraphrase)
    };
    let room = POLICY_BYTES_MAX - acme(&text(0)).body_bytes;
    assert_eq!(acme(&text(room)).body_bytes, POLICY_BYTES_MAX);
    let longer = policy_file::parse(&text(room + 1), None, embedded::HOUSE.text, "acme.toml").unwrap_err();
    assert_eq!(longer.code, "body_is_too_long");
}

#[test]
fn calendars_become_one_event_a_year() {
    let years = embedded::calendars().unwrap();
    let known: Vec<_> =
        years.iter().map(|c| format!("{} {} {}", c.calendar, c.year, c.holidays.len())).collect();
    let due = "US 2023 11, US 2024 11, US 2025 11, US 2026 11, CA-ON 2023 9, CA-ON 2024 9, CA-ON 2025 9, \
        CA-ON 2026 9, AU-VIC 2024 11, AU-VIC 2025 11, AU-VIC 2026 10";
    assert_eq!(known.join(", "), due);
    assert!(years.iter().all(|c| c.holidays.is_sorted() && !c.source.as_str().is_empty()));
    // Every calendar that a policy names is there.
    for policy in five() {
        if let Some(named) = policy.published.body["policy"].get("calendar") {
            assert!(years.iter().any(|c| named == c.calendar.as_str()), "{named}");
        }
    }
}

#[test]
fn every_row_of_the_five_policies_can_be_judged_by() {
    for file in claims::policy_file::embedded::policies().unwrap() {
        let (policy, misfits) = replay::policy::Policy::read(&file.published.body);
        let misfits: Vec<String> = misfits.iter().map(ToString::to_string).collect();
        assert!(misfits.is_empty(), "{}: {misfits:#?}", file.published.policy);
        // The reader may not lose rows: as many as the document has.
        let tables = file.published.body.as_object().unwrap();
        for (table, have) in [
            ("entitlement", policy.entitlements.len()),
            ("requirement", policy.requirements.len()),
            ("fee", policy.fees.len()),
            ("cost", policy.costs.len()),
            ("sla", policy.slas.len()),
            ("notice", policy.notices.len()),
            ("discretion", policy.discretion.len()),
            ("windows", policy.windows.len()),
        ] {
            let due = tables
                .get(table)
                .map_or(0, |t| t.as_array().map_or_else(|| t.as_object().unwrap().len(), Vec::len));
            assert_eq!(have, due, "{} {table}", file.published.policy);
        }
    }
}
