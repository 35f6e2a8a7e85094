//! Segments before readers who know nothing of us: pyarrow, DuckDB, Polars and pandas read the files, put the bodies together
//! again, arrive at the root of the log and at the totals of the books; and every example of the documentation runs.
//! `tests/oracles/install.sh parquet` brings them.

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/program.rs"]
mod program;

use std::{collections::BTreeMap, path::Path, process::Command};

use claims::store::{Store, sqlite::SqliteStore};
use program::{ROOT, ok};
use serde_json::{Value, json};

/// What the readers found in the segments of a ledger; `None` = they cannot be had here, and that was said.
fn read(ledger: &Path) -> Option<Value> {
    let python = oracle::find("parquet", "parquet-python")?;
    let mut command = Command::new(python);
    command.arg(Path::new(ROOT).join("tests/oracles/segments.py"));
    command
        .arg(ledger.with_extension("db.segments"))
        .arg(Path::new(ROOT).join("fixtures/segments/README.md"));
    let told = oracle::answer(&mut command);
    assert!(told.ok, "{}", told.stderr);
    Some(serde_json::from_str(&told.stdout).unwrap())
}

#[test]
fn strangers_arrive_at_our_root_and_our_totals() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = dir.path().join("shop.db");
    // Events enough for two segments would take minutes; `tests/segments.rs` has many short ones.
    ok(dir.path(), &["demo", "--quiet", "--events", "5000", "--ledger", "shop.db"]);
    ok(dir.path(), &["segments", "build", "-l", "shop.db"]);
    let Some(found) = read(&ledger) else { return };
    let mut store = SqliteStore::open_read_only(&ledger).unwrap();
    let tip = store.tip().unwrap();
    assert_eq!(found["events"], tip.position);
    assert_eq!(found["root"], tip.frontier.root().to_string());
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    let all = &mut |row: &replay::codec::Row<'_>| {
        *kinds.entry(row.kind.into()).or_default() += 1;
        std::ops::ControlFlow::Continue(())
    };
    store.scan(claims::store::Span::ALL, all).unwrap();
    let counts = found["kinds"].as_object().unwrap().iter();
    assert_eq!(counts.map(|(k, v)| (k.clone(), v[0].as_u64().unwrap())).collect::<BTreeMap<_, _>>(), kinds);
    let books = store.books().unwrap();
    let due = books.totals.iter().map(|(k, s)| {
        let key = [&k.merchant, &k.country, &k.reason, &k.kind, &k.month, &k.currency];
        json!([key, [s.credits, s.credited_minor, s.reversed_minor, s.failed_minor]])
    });
    let mut due: Vec<Value> = due.collect();
    let mut totals = found["totals"].as_array().unwrap().clone();
    due.sort_by_key(Value::to_string);
    totals.sort_by_key(Value::to_string);
    assert_eq!(totals, due);
    examples(dir.path(), &found["examples"]);
}

/// The examples say what `claims` says.
fn examples(dir: &Path, examples: &Value) {
    let asked = |of: &str, by: &str| -> Vec<Value> {
        let text = ok(dir, &["segments", "totals", "--of", of, "--by", by, "-l", "shop.db", "--json"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let examples = examples.as_array().unwrap();
    assert_eq!(examples.len(), 5, "{examples:?}");
    let table = |rows: Vec<Value>, names: &[&str]| -> Vec<Value> {
        let mut rows: Vec<Value> =
            rows.iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()).collect();
        rows.sort_by_key(Value::to_string);
        rows
    };
    let of_example = |number: usize| {
        let mut rows = examples[number]["rows"].as_array().unwrap().clone();
        rows.sort_by_key(Value::to_string);
        rows
    };
    let money =
        ["merchant", "month", "currency", "credits", "credited_minor", "reversed_minor", "failed_minor"];
    assert_eq!(of_example(0), table(asked("money", "merchant,month"), &money));
    let mut carriers: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in asked("events", "carrier,kind") {
        if let Some(carrier) = row["carrier"].as_str() {
            let kind = row["kind"].as_str().unwrap();
            *carriers.entry((carrier.into(), kind.into())).or_default() += row["events"].as_u64().unwrap();
        }
    }
    let mut due: Vec<Value> = carriers.iter().map(|((carrier, kind), n)| json!([carrier, kind, n])).collect();
    due.sort_by_key(Value::to_string);
    assert_eq!(of_example(1), due);
    assert!(!due.is_empty() && !of_example(2).is_empty());
    // What pandas and Polars print is for people; that the figures are in it is enough.
    let pandas = examples[3]["text"].as_str().unwrap();
    let actors = asked("events", "kind,actor").into_iter().filter(|row| row["kind"] == "refund_issued");
    for row in actors {
        let sum = row["amount_minor"].to_string();
        assert!(pandas.contains(&sum), "{sum} is not in\n{pandas}");
    }
    assert!(examples[4]["text"].as_str().unwrap().contains("change_of_mind"), "{}", examples[4]["text"]);
}
