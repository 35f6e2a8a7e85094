//! The API as strangers' tools see it: an OpenAPI validator and redocly read its description, schemathesis asks every
//! operation of a running service and holds the answers against the description, with all its checks.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{path::Path, process::Command};

use oracle::{answer, find};
use service::Service;

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/program.rs"]
mod program;
#[path = "support/service.rs"]
mod service;

/// Examples per operation and phase: enough for every parameter to be wrong once, few enough for a minute.
const EXAMPLES: &str = "3";

/// The description as it is frozen.
fn description() -> std::path::PathBuf {
    Path::new(program::ROOT).join("fixtures/http/openapi.json")
}

#[test]
fn a_validator_accepts_the_description() {
    let Some(validator) = find("schemathesis", "openapi-spec-validator") else { return };
    let told = answer(Command::new(validator).args(["--schema", "3.1"]).arg(description()));
    assert!(told.ok, "{}{}", told.stdout, told.stderr);
}

#[test]
fn redocly_finds_nothing_in_the_description() {
    let Some(redocly) = find("redocly", "redocly") else { return };
    let dir = tempfile::tempdir().unwrap();
    // No rule is off but those that cannot be kept: a list of schemas is longer than what any one operation uses,
    // and a service on loopback has no other address.
    std::fs::write(dir.path().join("redocly.yaml"), "extends: [recommended]\n").unwrap();
    std::fs::copy(description(), dir.path().join("openapi.json")).unwrap();
    let mut lint = Command::new(redocly);
    lint.current_dir(dir.path())
        .env("REDOCLY_TELEMETRY", "off")
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true");
    let told = answer(lint.args(["lint", "--format", "stylish", "--max-problems", "20", "openapi.json"]));
    assert!(told.ok, "{}{}", told.stdout, told.stderr);
    // It ends with how many warnings there are, if there are any.
    assert!(!told.stderr.contains("You have"), "{}{}", told.stdout, told.stderr);
}

#[test]
fn schemathesis_finds_nothing_in_any_operation() {
    let Some(schemathesis) = find("schemathesis", "schemathesis") else { return };
    // It asks as fast as it can, and a limit on that would be all it hears.
    let (service, admin) = Service::governed_with(&["--rate", "0"]);
    let scopes = "read personal append access metrics";
    let token = service.program(&admin, "p.all", Some("admin"), scopes);
    for role in ["finance", "agent", "approver"] {
        service.grant(&admin, "p.all", role);
    }
    // Worked out once and kept: in a debug build the first answer takes longer than schemathesis waits.
    assert_eq!(service.with_token(&token, "GET", "/v1/coverage", None).status, 200);
    let url = format!("http://{}/v1/openapi.json", service.host());
    let mut run = Command::new(schemathesis);
    run.current_dir(service.dir.path());
    // A rule may say no to what is well formed (422), a revision may be missing (428) or old (412); what is wrong may
    // be too long to be read (413).
    let config = r#"
        [checks.positive_data_acceptance]
        expected-statuses = ["2xx", "3xx", "401", "403", "404", "409", "412", "422", "428", "429"]
        [checks.negative_data_rejection]
        expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428"]
    "#;
    std::fs::write(service.dir.path().join("schemathesis.toml"), config).unwrap();
    run.env("PYTHONPATH", Path::new(program::ROOT).join("tests/oracles"));
    run.args(["run", &url, "--checks", "all", "--phases", "examples,coverage,fuzzing"]);
    run.args(["--max-examples", EXAMPLES, "--seed", "6", "--workers", "1", "--no-color"]);
    run.args(["-H", &format!("Authorization: Bearer {token}")]);
    // schemathesis writes no NDJSON; tests/serve.rs does.
    run.args(["--exclude-operation-id", "append_bulk"]);
    // Whether every body that the schemas let through is taken, and every other refused, is a question about JSON Schema
    // (years outside 1970 to 2255 are well formed, 4375.0 is an integer) as much as about us, and what is found depends on
    // how far it comes: asked when all oracles are required. The other checks are asked always.
    if std::env::var("CLAIMS_ORACLES").is_ok_and(|word| word == "required") {
        run.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks");
    } else {
        run.args(["--exclude-checks", "positive_data_acceptance,negative_data_rejection"]);
    }
    // A feed has no end, and whoever takes the token back or ends the session asks nothing any more.
    run.args(["--exclude-operation-id", "feed", "--exclude-operation-id", "revoke_token"]);
    run.args(["--exclude-operation-id", "log_out", "--request-timeout", "60"]);
    let told = answer(&mut run);
    eprintln!(
        "{}",
        told.stdout
            .lines()
            .rev()
            .take(40)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert!(told.ok, "{}\n{}", told.stdout, told.stderr);
}
