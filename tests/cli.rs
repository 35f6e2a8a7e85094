//! The command line as people and scripts meet it: transcripts in `fixtures/cli`, and what must hold of every
//! command. `UPDATE_GOLDEN=1` writes the transcripts anew; read the difference.

#[path = "support/program.rs"]
mod program;

use clap::CommandFactory;
use program::{ROOT, all, claims, files, golden, ok, prepare, shell, transcript, words};
use rusqlite::Connection;
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

/// The ledger of every transcript, made once.
static PREPARED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    prepare(&dir.path().join("shop.db"));
    dir
});

/// A folder with the prepared ledger and the fixtures.
fn shop() -> tempfile::TempDir {
    let folder = program::folder();
    fs::copy(PREPARED.path().join("shop.db"), folder.path().join("shop.db")).unwrap();
    folder
}

#[test]
fn transcripts() {
    let found = files(&Path::new(ROOT).join("fixtures/cli"), "txt");
    assert!(found.len() >= 12, "{} transcripts", found.len());
    all(&found, |path| {
        let folder = shop();
        golden(path, &transcript(&fs::read_to_string(path).unwrap(), folder.path()))
    });
}

/// Every command with its way there: `policy publish`.
fn every_command() -> Vec<Vec<String>> {
    fn walk(command: &clap::Command, way: &[String], found: &mut Vec<Vec<String>>) {
        for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
            let way = [way, &[inner.get_name().to_string()]].concat();
            walk(inner, &way, found);
            found.push(way);
        }
    }
    let mut found = Vec::new();
    walk(&claims::cli::Cli::command(), &[], &mut found);
    found
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let folder = shop();
    let commands = every_command();
    assert!(commands.len() > 60, "{} commands", commands.len());
    all(&commands, |way| {
        let help = claims(folder.path(), &[&["help".to_string()], &way[..]].concat());
        let same = claims(folder.path(), &[way, &["--help".to_string()][..]].concat());
        let name = way.join(" ");
        let groups = ["policy", "retention", "subject", "import", "export"];
        let example = help.stdout.contains(&format!("  claims {name}"));
        if help.code != 0 || same.code != 0 || !help.stderr.is_empty() {
            return Err(format!("claims help {name}: exit {}\n{}", help.code, help.stderr));
        }
        if !(groups.contains(&name.as_str()) || help.stdout.contains("Example") && example) {
            return Err(format!("claims help {name} has no example of itself\n{}", help.stdout));
        }
        let too_long = |line: &&str| line.chars().count() > 100 && !line.starts_with("Usage: ");
        match help.stdout.lines().find(too_long) {
            Some(long) => Err(format!("claims help {name}: a line is too long: {long}")),
            None => Ok(()),
        }
    });
}

#[test]
fn with_json_every_answer_is_json() {
    let lines = [
        "init --origin t new.db",
        "policy publish fixtures/policies/ptk.toml --actor m.klein --approver d.ruiz",
        "policy calendars fixtures/policies/calendars.toml --actor m.klein",
        "policy list",
        "policy list --calendars",
        "policy lint fixtures/policies/ptk.toml",
        "policy lint fixtures/broken/lint/costs-that-contradict.toml nowhere.toml",
        "policy publish fixtures/broken/lint/costs-that-contradict.toml --actor m.klein --approver d.ruiz",
        "policy diff AMC@1 fixtures/policies/amc.toml",
        "policy diff AMC@7 fixtures/policies/amc.toml",
        "policy show AMC",
        "record fixtures/broken/input/json_truncated.ndjson",
        "record fixtures/broken/input/refund_above_the_entitlement.ndjson",
        "note C1 --text Hello --actor a.jones",
        "show C1",
        "show C77",
        "show order/O1",
        "timeline C1",
        "list",
        "totals --by merchant,month,country,reason,kind",
        "owed",
        "periods",
        "close-month 2024-03 --actor f.weber",
        "totals --by posting-month",
        "people",
        "sod",
        "sod --rules",
        "lineage claim C1",
        "lineage claim C77",
        "lineage total --merchant AMC",
        "lineage event 12",
        "replay",
        "rebuild",
        "audit",
        "audit report",
        "audit report --out q1",
        "audit report --out q1",
        "import csv --map fixtures/import/sample.toml fixtures/import/sample.csv",
        "export events",
        "export events --to a.ndjson",
        "import events a.ndjson",
        "schema",
        "schema command",
        "schema nothing",
        "list --limit many",
        "nonsense",
        "list -l nowhere.db",
    ];
    let folder = shop();
    for line in lines {
        let outcome = claims(
            folder.path(),
            &words(&format!("{line} --json {}", if line.contains("-l ") { "" } else { "-l shop.db" })),
        );
        let whole = serde_json::from_str::<Value>(&outcome.stdout).is_ok();
        let each = outcome.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok());
        assert!(whole || each, "{line}: {}", outcome.stdout);
        assert!(outcome.code != 0 || !outcome.stdout.is_empty(), "{line}: no answer");
        if outcome.code == 0 {
            continue;
        }
        let error: Value = serde_json::from_str(&outcome.stderr)
            .unwrap_or_else(|why| panic!("{line}: {why}: {}", outcome.stderr));
        for field in ["kind", "code", "message"] {
            assert!(error["error"][field].is_string(), "{line}: no {field} in {error}");
        }
    }
}

/// Changes a copy of the ledger behind the program's back.
fn tampered(sql: &str) -> tempfile::TempDir {
    let folder = shop();
    let db = Connection::open(folder.path().join("shop.db")).unwrap();
    assert!(db.execute_batch(sql).is_ok() && db.total_changes() > 0, "{sql} changed nothing");
    db.close().unwrap();
    folder
}

#[test]
fn lineage_notices_a_served_total_that_its_events_do_not_come_to() {
    let folder = tampered("UPDATE refund_totals SET credited_minor = 8001 WHERE credited_minor = 8000");
    let ask = |line: &str| claims(folder.path(), &words(&format!("{line} -l shop.db")));
    let found = ask("lineage total --merchant AMC --currency USD");
    assert_eq!(found.code, 1);
    assert!(found.stdout.starts_with("stands of the total: 130.00 USD"), "{}", found.stdout);
    assert!(found.stderr.contains("comes to 130.01 USD, its events to 130.00 USD"), "{}", found.stderr);
    assert_eq!(ask("lineage total --month 2024-04").code, 0);
    assert_eq!(ask("lineage total --as-of 31").code, 0);
}

#[test]
fn a_report_over_a_broken_log_says_what_it_does_not_cover() {
    let folder = tampered(
        "DROP TRIGGER events_are_never_changed;
         UPDATE events SET body = CAST(replace(CAST(body AS TEXT), '8000', '9000') AS BLOB) WHERE position = 12",
    );
    let found = claims(folder.path(), &words("audit report -l shop.db --out q1"));
    assert_eq!(found.code, 1, "{}", found.stderr);
    for line in ["FAIL every event is readable, unaltered and lawful", "not proved: order O1"] {
        assert!(found.stdout.contains(line), "{}", found.stdout);
    }
    let page = fs::read_to_string(folder.path().join("q1/report.html")).unwrap();
    assert!(page.contains("Not proved, and in no figure below: order O1"));
    assert_eq!(claims(folder.path(), &words("audit report -l nowhere.db")).code, 14);
}

#[test]
fn an_audit_finds_what_was_changed_behind_the_programs_back() {
    let cases = [
        ("UPDATE refund_totals SET credited_minor = 8001 WHERE credited_minor = 8000", "refund_totals AMC US defect refund 2024-03 USD"),
        ("DELETE FROM refund_totals", "refund_totals"),
        ("UPDATE claim_detail SET detail = replace(detail, '8000', '7999') WHERE claim = 'C1'", "claim_detail C1"),
        ("UPDATE claims_board SET stage = 'closed' WHERE claim = 'C5'", "claims_board C5"),
        ("DELETE FROM obligations WHERE claim = 'C1'", "obligations"),
        ("DELETE FROM keys WHERE external_id = 'rf1'", "idempotency keys"),
        ("DELETE FROM claim_orders WHERE claim = 'C2'", "claims of every order"),
        ("UPDATE personal SET value = 'All is well.' WHERE value LIKE '%reboot%'", "commitment"),
        ("DELETE FROM personal WHERE value LIKE '%reboot%'", "without a redaction"),
        (
            "DROP TRIGGER events_are_never_changed;
             UPDATE events SET body = CAST(replace(body, '8000', '9000') AS BLOB) WHERE kind = 'refund_issued'",
            "position 12",
        ),
        (
            "DROP TRIGGER events_are_never_deleted;
             DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
            "log ends where it says",
        ),
        (
            "DROP TRIGGER events_are_never_changed;
             UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 12",
            "position 12",
        ),
    ];
    all(&cases, |(sql, names)| {
        let folder = tampered(sql);
        let audit = shell(folder.path(), "claims audit");
        if audit.code != 1
            || !audit.stdout.ends_with("log and books DIFFER\n")
            || !audit.stdout.contains(names)
        {
            return Err(format!(
                "{sql}\nexit {}, {names} is not named\n{}{}",
                audit.code, audit.stdout, audit.stderr
            ));
        }
        Ok(())
    });
    let sound = shell(shop().path(), "claims audit");
    assert_eq!((sound.code, sound.stderr.as_str()), (0, ""));
    // Two mean different things: it differs, and it could not tell.
    let folder = shop();
    fs::write(folder.path().join("shop.db"), "no ledger at all").unwrap();
    assert_eq!(shell(folder.path(), "claims audit").code, 2);
}

#[test]
fn a_rebuild_swaps_nothing_in_unasked_and_heals_when_asked() {
    let folder = tampered("UPDATE refund_totals SET credited_minor = 8001 WHERE credited_minor = 8000");
    let dir = folder.path();
    let tried = shell(dir, "claims rebuild");
    assert_eq!(tried.code, 1, "{}", tried.stderr);
    assert!(
        tried.stdout.contains("1 rows differ") && tried.stdout.contains("nothing was swapped"),
        "{}",
        tried.stdout
    );
    assert_eq!(shell(dir, "claims audit").code, 1);
    let healed = shell(dir, "claims rebuild --accept --actor nightly");
    assert_eq!(healed.code, 0, "{}", healed.stderr);
    assert_eq!(shell(dir, "claims audit").code, 0);
    // Books are not mended on a broken log.
    let broken = tampered(
        "DROP TRIGGER events_are_never_changed;
         UPDATE events SET body = CAST(replace(body, '8000', '9000') AS BLOB) WHERE kind = 'refund_issued'",
    );
    let refused = shell(broken.path(), "claims rebuild --accept");
    assert_eq!(refused.code, 18, "{}", refused.stdout);
    assert!(refused.stderr.contains("nothing was rebuilt"), "{}", refused.stderr);
}

#[test]
fn a_copy_is_the_same_to_the_byte() {
    let folder = shop();
    let dir = folder.path();
    let run = |line: &str| ok(dir, &words(line));
    run("export events --to a.ndjson --personal a.personal -l shop.db");
    run("init --origin test copy.db");
    run("import events a.ndjson --personal a.personal -l copy.db");
    run("export events --to b.ndjson --personal b.personal -l copy.db");
    for (a, b) in [("a.ndjson", "b.ndjson"), ("a.personal", "b.personal")] {
        let (a, b) = (fs::read(dir.join(a)).unwrap(), fs::read(dir.join(b)).unwrap());
        assert!(!a.is_empty() && a == b);
    }
    let (one, two) = (run("audit --json -l shop.db"), run("audit --json -l copy.db"));
    let field = |text: &str, name: &str| serde_json::from_str::<Value>(text).unwrap()[name].clone();
    for name in ["root", "digest", "events", "control_totals"] {
        assert_eq!(field(&one, name), field(&two, name));
    }
    // The copy goes on where the log ended, and still knows its keys.
    let story = fs::read_to_string(dir.join("fixtures/broken/input/prepare.ndjson")).unwrap();
    let known = story.lines().find(|line| line.contains("\"rf1\"")).unwrap();
    fs::write(dir.join("known.ndjson"), known.replace("\"kind\"", "\"expected_revision\":6,\"kind\""))
        .unwrap();
    let again = run("record known.ndjson -l copy.db");
    assert!(
        again.starts_with("already recorded refund_issued on claim/C1 at revision 7, position 12"),
        "{again}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let folder = shop();
    for line in [
        "export events",
        "schema",
        "list --json",
        "timeline C1",
        "completions bash",
        "replay",
        "policy show AMC",
    ] {
        // Nobody reads any more when the first byte is written.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = program::command(program::PROGRAM, folder.path());
        command.args(words(&format!("{line} -l shop.db"))).stdout(writer);
        let outcome = program::Outcome::from(command.output().unwrap());
        assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{line}");
    }
    let piped = shell(folder.path(), "claims list | head -1");
    assert_eq!((piped.code, piped.stderr.as_str()), (0, ""));
}

#[test]
fn completions_know_every_command() {
    let folder = shop();
    for shell in ["bash", "zsh", "fish"] {
        let script = ok(folder.path(), &["completions", shell]);
        for command in every_command().iter().filter(|way| way.len() == 1) {
            assert!(script.contains(command[0].as_str()), "{shell} does not know {}", command[0]);
        }
    }
    let script = folder.path().join("claims.bash");
    fs::write(&script, ok(folder.path(), &["completions", "bash"])).unwrap();
    assert_eq!(shell(folder.path(), "bash -n claims.bash").code, 0);
}

#[test]
fn a_transcript_that_is_wrong_is_found() {
    let folder = shop();
    let path: PathBuf = folder.path().join("wrong.txt");
    let text = transcript("$ claims totals\n$ claims show C77\n", folder.path());
    assert!(text.contains("130.00") && text.ends_with("? 14\n"), "{text}");
    fs::write(&path, text.replace("130.00", "130.01")).unwrap();
    assert!(program::updating() || golden(&path, &text).is_err());
    fs::write(&path, text.replace("? 14\n", "")).unwrap();
    assert!(program::updating() || golden(&path, &text).is_err());
    fs::write(&path, &text).unwrap();
    assert_eq!(golden(&path, &text), Ok(()));
}
