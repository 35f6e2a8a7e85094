//! The reports that judge a whole ledger: due, what-if, leakage. `fixtures/judging/stories.json` holds the stories of
//! the ledger, the transcripts beside it what people and programs read. `UPDATE_GOLDEN=1` writes the transcripts anew.

#[path = "support/program.rs"]
mod program;

use claims::{
    command::{Defaults, parse},
    door::Door,
    judging::{
        leakage::{self, Category, leakage},
        world::Whole,
    },
    ledger::Ledger,
    policy_file::{PolicyFile, embedded},
    scenario,
    store::{Store, sqlite::SqliteStore},
    view::timeline,
};
use program::{ROOT, claims as run, golden, ok, transcript, words};
use replay::{
    event::Event,
    history::Cut,
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::{Instant, When},
};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/judging");
/// When policies and calendars are published, long before the first story.
const BEGINS: &str = "2023-01-01T00:00:00Z";

/// The ledger of every test, made once.
static PREPARED: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.db");
    let text = fs::read_to_string(Path::new(FOLDER).join("stories.json")).unwrap();
    let mut ledger = empty(&path);
    tell(&mut ledger, &text);
    drop(ledger);
    whole_file(&path);
    dir
});

fn when(text: &str) -> When {
    When::parse(text).unwrap()
}

fn defaults() -> Defaults {
    Defaults {
        actor: ActorId::new("fixture").unwrap(),
        role: Code::new("policy_owner").unwrap(),
        source: SourceId::new("fixture").unwrap(),
        effective: when(BEGINS),
    }
}

/// Folds the write-ahead log into the file, so that a copy of the file is a copy of the ledger.
fn whole_file(path: &Path) {
    Connection::open(path).unwrap().pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
}

/// A ledger with the five policies and the calendars.
fn empty(path: &Path) -> Ledger<SqliteStore> {
    let store = SqliteStore::create(path, &Origin::new("judging.example").unwrap()).unwrap();
    let mut ledger = Ledger::new(store, Door::fixed("judging", when(BEGINS).at));
    let policies = embedded::policies().unwrap().into_iter().map(|p| Event::from(p.published));
    let calendars = embedded::calendars().unwrap().into_iter().map(Event::from);
    publish(&mut ledger, policies.chain(calendars).collect());
    ledger
}

fn publish(ledger: &mut Ledger<SqliteStore>, events: Vec<Event>) {
    for event in events {
        let revision = ledger.store().revision(&Stream::Ledger).unwrap();
        let who = defaults();
        let proposal = Proposal {
            stream: Stream::Ledger,
            expected: Expected::at_number(revision),
            event,
            effective: who.effective,
            effective_is_given: true,
            actor: who.actor,
            role: who.role,
            approver: Some(ActorId::new("second").unwrap()),
            source: who.source,
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        ledger.record(vec![proposal]).unwrap();
    }
}

/// Plays every story by itself, then records what came of all of them into one ledger, in the order in which it was
/// recorded: order and claim take the name of the story.
fn tell(ledger: &mut Ledger<SqliteStore>, text: &str) {
    let policies: Vec<PolicyFile> = embedded::policies().unwrap();
    let mut lines: Vec<(Instant, Value)> = Vec::new();
    for story in scenario::read("stories.json", text).unwrap() {
        let policy = policies.iter().find(|p| p.published.policy == story.policy).unwrap();
        let mut played = scenario::play(&story, policy).unwrap_or_else(|why| panic!("{}: {why}", story.id));
        assert!(played.refused.is_empty(), "{}: {:?}", story.id, played.refused);
        let claims = played.claims.iter().map(|id| Stream::Claim(id.clone()));
        let order = Stream::Order(replay::ids::OrderId::new(scenario::ORDER).unwrap());
        for stream in [order].into_iter().chain(claims) {
            for entry in timeline(played.ledger.store(), &stream, false, true, &Cut::default()).unwrap() {
                let name = match stream {
                    Stream::Order(_) => format!("order/{}", story.id),
                    _ => format!("claim/{}", story.id),
                };
                let mut payload = entry.payload;
                if let Some(order) = payload.get_mut("order") {
                    *order = json!(story.id);
                }
                let mut line = json!({ "stream": name, "kind": entry.kind, "effective_at": entry.effective_at,
                    "actor": entry.actor, "role": entry.role, "source": entry.source,
                    "event_id": entry.event_id, "payload": payload, "position": entry.position, "story": story.id });
                if let Some(approver) = entry.approver {
                    line["approver"] = json!(approver);
                }
                if let Some(key) = entry.external_id {
                    line["external_id"] = json!(format!("{} {key}", story.id));
                }
                lines.push((when(&entry.recorded_at).at, line));
            }
        }
    }
    let old = json!({ "stream": "claim/OLD-1", "kind": "historical_credit_recorded",
        "effective_at": "2022-11-02T12:00:00Z",
        "payload": { "merchant": "AMC", "reference": "N-1", "amount": { "minor": 1999, "currency": "USD" },
            "lines": [{ "key": "N-1/1", "sku": "CAM", "quantity": 1, "amount_minor": 1999 }] },
        "position": 0 });
    lines.push((when(BEGINS).at, old));
    // At the same time, each story keeps its own order.
    lines.sort_by_key(|(at, line)| (*at, line["story"].to_string(), line["position"].as_u64()));
    for (at, mut line) in lines {
        let fields = line.as_object_mut().unwrap();
        fields.retain(|name, _| !["position", "story"].contains(&name.as_str()));
        let stream: Stream = line["stream"].as_str().unwrap().parse().unwrap();
        line["expected_revision"] = json!(ledger.store().revision(&stream).unwrap());
        let command = parse(line.to_string().as_bytes(), &defaults(), &|_| false).unwrap();
        ledger.door().set_now(at);
        ledger.record(vec![command]).unwrap_or_else(|why| panic!("{line}: {why}"));
    }
}

/// A folder with the ledger, the fixtures, and the policy with a window of 14 days instead of 30.
fn shop() -> tempfile::TempDir {
    let folder = program::folder();
    fs::copy(PREPARED.path().join("shop.db"), folder.path().join("shop.db")).unwrap();
    let policies = Path::new(ROOT).join("fixtures/policies");
    let text = fs::read_to_string(policies.join("amc.toml")).unwrap();
    let shorter: Vec<String> = text
        .lines()
        .map(|line| if line.starts_with("return30") { line.replace("P30D", "P14D") } else { line.into() })
        .collect();
    assert_ne!(shorter.join("\n"), text.trim_end());
    fs::write(folder.path().join("amc-14.toml"), shorter.join("\n")).unwrap();
    fs::create_dir(folder.path().join("clauses")).unwrap();
    fs::copy(policies.join("clauses/amc.toml"), folder.path().join("clauses/amc.toml")).unwrap();
    folder
}

fn json_lines(dir: &Path, line: &str) -> Vec<Value> {
    let out = ok(dir, &words(&format!("{line} --json -l shop.db")));
    out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))).collect()
}

fn of<'v>(rows: &'v [Value], what: &str) -> Vec<&'v Value> {
    rows.iter().filter(|row| row["what"] == what).collect()
}

#[test]
fn transcripts() {
    let found = program::files(Path::new(FOLDER), "txt");
    assert_eq!(found.len(), 3);
    program::all(&found, |path: &PathBuf| {
        let folder = shop();
        golden(path, &transcript(&fs::read_to_string(path).unwrap(), folder.path()))
    });
}

#[test]
fn totals_are_sums_of_rows_and_merchants_and_currencies_do_not_mix() {
    let folder = shop();
    for period in ["", "--from 2024-04-01 --to 2024-05-15", "--merchant RNE"] {
        let rows = json_lines(folder.path(), &format!("leakage --rows --effective-at 2024-06-30 {period}"));
        let mut sums: BTreeMap<(String, String, String), (u64, u64)> = BTreeMap::new();
        let mut groups = sums.clone();
        let key = |row: &Value, third: &str| {
            let purse = format!("{} {}", row["merchant"], row["currency"]);
            (row["category"].to_string(), purse, third.to_string())
        };
        for row in of(&rows, "row") {
            let add = |key| {
                let sum: &mut (u64, u64) = key;
                *sum = (sum.0 + 1, sum.1 + row["amount_minor"].as_u64().unwrap());
            };
            add(sums.entry(key(row, "")).or_default());
            if let Some(by) = row["by"].as_str() {
                add(groups.entry(key(row, by)).or_default());
            }
        }
        let told = |what: &str, third: &dyn Fn(&Value) -> String| {
            let rows = of(&rows, what).into_iter();
            let sum = |row: &Value| (row["count"].as_u64().unwrap(), row["amount_minor"].as_u64().unwrap());
            rows.map(|row| (key(row, &third(row)), sum(row))).collect::<BTreeMap<_, _>>()
        };
        assert!(!sums.is_empty(), "{period}");
        assert_eq!(told("total", &|_| String::new()), sums, "{period}");
        assert_eq!(told("group", &|row| row["by"].as_str().unwrap().into()), groups, "{period}");
        let bare = json_lines(folder.path(), &format!("leakage --effective-at 2024-06-30 {period}"));
        assert_eq!(of(&bare, "total"), of(&rows, "total"), "rows change no sum");
        assert!(of(&bare, "row").is_empty());
    }
}

#[test]
fn every_category_is_found_and_names_claim_day_and_reason() {
    let folder = shop();
    let rows = json_lines(folder.path(), "leakage --rows --effective-at 2024-06-30");
    for category in Category::ALL {
        let found = rows.iter().any(|row| row["what"] == "row" && row["category"] == category.as_str());
        assert!(found, "{}", category.as_str());
    }
    // Who decided to do without the goods is an override, and no refund without receipt.
    let kept = rows.iter().filter(|row| row["what"] == "row" && row["claim"] == "kept");
    let kept: Vec<&Value> = kept.map(|row| &row["category"]).collect();
    assert_eq!(kept, [&json!("overrides")]);
    for row in of(&rows, "row") {
        let text = |field: &str| !row[field].as_str().unwrap_or_default().is_empty();
        assert!(["claim", "order", "day", "why", "event"].into_iter().all(text), "{row}");
        let bare = row["category"] == "refunds_without_receipt";
        assert!(bare || !row["cites"].as_array().unwrap().is_empty(), "{row}");
    }
}

#[test]
fn a_corrected_inspection_shows_what_was_paid_too_much() {
    let folder = shop();
    let found = |line: &str| {
        let rows = json_lines(folder.path(), line);
        let rows = of(&rows, "row").into_iter().filter(|row| row["claim"] == "overpaid").cloned();
        rows.filter(|row| row["category"] == "paid_above_entitlement").collect::<Vec<Value>>()
    };
    let now = found("leakage --rows --effective-at 2024-06-30");
    assert_eq!(now.len(), 1);
    assert_eq!(now[0]["amount_minor"], 2094);
    assert_eq!(now[0]["day"], "2024-05-01");
    assert_eq!(now[0]["actor"], "k.wong");
    assert_eq!(now[0]["cites"], json!(["AMC-1.2", "AMC-2.2"]));
    // On the day before anybody looked again, nothing was wrong.
    assert!(found("leakage --rows --known-at 2024-05-19T00:00:00Z").is_empty());
    assert!(found("leakage --rows --effective-at 2024-06-30 --from 2024-05-02").is_empty());
}

#[test]
fn a_late_fact_changes_the_report_and_not_what_was_known_before() {
    let folder = shop();
    let open = |moment: &str| {
        let rows = json_lines(folder.path(), &format!("leakage --rows {moment}"));
        let is_open = |row: &&Value| row["claim"] == "late-scan" && row["category"] == "entitled_not_paid";
        rows.iter().find(is_open).map(|row| row["amount_minor"].as_u64().unwrap())
    };
    assert_eq!(open("--known-at 2024-06-09T00:00:00Z"), None);
    assert_eq!(open("--known-at 2024-06-11T00:00:00Z"), Some(12772));
    // The board: the parcel that was another customer's starts no clock any more.
    let started = |known: &str| {
        let line = format!("due --policy AMC --limit 500 --at 2024-06-20T00:00:00Z --known-at {known}");
        let rows = json_lines(folder.path(), &line);
        let of_it = |row: &&Value| row["claim"] == "vanished" && row["clock"] == "turnaround";
        rows.iter().filter(of_it).count()
    };
    assert_eq!(started("2024-05-28T00:00:00Z"), 1);
    assert_eq!(started("2024-05-29T00:00:00Z"), 0);
}

#[test]
fn a_shorter_window_changes_exactly_the_claims_it_should() {
    let folder = shop();
    let rows = json_lines(folder.path(), "what-if --all --policy amc-14.toml --effective-at 2024-06-30");
    let mut changed: Vec<&str> =
        of(&rows, "claim").into_iter().map(|row| row["claim"].as_str().unwrap()).collect();
    changed.sort_unstable();
    // Contacts 18, 27 and 23 days after delivery; those after 8 and 10 days, the warranty claims and the goodwill
    // stay as they are.
    assert_eq!(changed, ["late-scan", "overpaid", "unpaid", "unused"]);
    let total = of(&rows, "total");
    assert_eq!(total.len(), 1);
    let number = |field: &str| total[0][field].as_u64().unwrap();
    assert_eq!((number("changed"), number("gain"), number("gain_minor")), (4, 0, 0));
    let differences = of(&rows, "claim").into_iter();
    let lost = differences.map(|row| row["difference_minor"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(number("before_minor") - number("after_minor"), lost.unsigned_abs());
    assert_eq!(number("lose_minor"), lost.unsigned_abs());
    let left = of(&rows, "left_alone");
    assert_eq!((&left[0]["historical"], &left[0]["of_others"]), (&json!(1), &json!(3)));
    // The biggest first.
    let sizes: Vec<u64> = of(&rows, "claim")
        .into_iter()
        .map(|row| row["difference_minor"].as_i64().unwrap().unsigned_abs())
        .collect();
    assert!(sizes.is_sorted_by(|a, b| a >= b), "{sizes:?}");
}

#[test]
fn a_published_version_is_asked_by_its_number() {
    let folder = shop();
    let text = fs::read_to_string(folder.path().join("amc-14.toml")).unwrap();
    let second = text.replace("version = 1\n", "version = 2\n").replace("2023-01-01", "2024-07-01");
    fs::write(folder.path().join("amc-2.toml"), second).unwrap();
    ok(folder.path(), &words("policy publish amc-2.toml -l shop.db --actor m.klein --approver d.ruiz"));
    let by_file = json_lines(folder.path(), "what-if --all --policy amc-14.toml --effective-at 2024-06-30");
    let by_number = json_lines(folder.path(), "what-if --all --policy AMC@2 --effective-at 2024-06-30");
    assert_eq!(by_file, by_number);
}

#[test]
fn reports_write_nothing() {
    let folder = shop();
    let file = folder.path().join("shop.db");
    let before = fs::read(&file).unwrap();
    let position = json_lines(folder.path(), "replay")[0]["events"].clone();
    for line in
        ["what-if --all --policy amc-14.toml", "what-if unpaid --policy amc-14.toml", "due", "leakage --rows"]
    {
        json_lines(folder.path(), line);
        ok(folder.path(), &words(&format!("{line} -l shop.db")));
    }
    assert!(before == fs::read(&file).unwrap(), "the bytes of the ledger changed");
    assert_eq!(json_lines(folder.path(), "replay")[0]["events"], position);
    // It is not even opened for writing.
    let mut rights = fs::metadata(&file).unwrap().permissions();
    rights.set_readonly(true);
    fs::set_permissions(&file, rights).unwrap();
    json_lines(folder.path(), "what-if --all --policy amc-14.toml");
}

#[test]
fn a_broken_case_gives_no_figure_and_is_named() {
    let folder = shop();
    let lines = ["due --at 2024-06-30T00:00:00Z", "what-if --all --policy amc-14.toml", "leakage --rows"];
    let db = Connection::open(folder.path().join("shop.db")).unwrap();
    let change = "DROP TRIGGER IF EXISTS events_are_never_changed; \
        UPDATE events SET body = CAST(replace(CAST(body AS TEXT), '14866', '14867') AS BLOB) WHERE stream = 'claim/overpaid' AND kind = 'refund_issued'";
    db.execute_batch(change).unwrap();
    assert!(db.total_changes() > 0);
    db.close().unwrap();
    for line in lines {
        let rows = json_lines(folder.path(), line);
        let named: Vec<&Value> = of(&rows, "not_proved").into_iter().map(|row| &row["case"]).collect();
        assert_eq!(named, [&json!("order overpaid")], "{line}");
        assert!(rows.iter().all(|row| row["claim"] != "overpaid"), "{line}");
        assert!(rows.len() > 3, "{line}: the others are still judged");
        let outcome = run(folder.path(), &words(&format!("{line} -l shop.db")));
        assert!(outcome.stdout.contains("not proved: order overpaid"), "{line}\n{}", outcome.stdout);
        assert!(outcome.stderr.contains("claims audit"), "{line}\n{}", outcome.stderr);
    }
}

#[test]
fn counts_of_the_board_are_those_of_its_clocks() {
    let folder = shop();
    let rows = json_lines(folder.path(), "due --closed --limit 1000 --at 2024-05-21T09:00:00-05:00");
    let mut counted: BTreeMap<(String, String), BTreeMap<String, u64>> = BTreeMap::new();
    for clock in of(&rows, "clock") {
        let key = (clock["policy"].to_string(), clock["clock"].to_string());
        let states = counted.entry(key).or_default();
        *states.entry(clock["state"].as_str().unwrap().into()).or_default() += 1;
        if clock["breached"] == true {
            *states.entry("breached".into()).or_default() += 1;
            assert_eq!(clock["firmness"], "hard", "{clock}");
        }
    }
    assert_eq!(counted.len(), of(&rows, "clock_count").len());
    for count in of(&rows, "clock_count") {
        let key = (count["policy"].to_string(), count["clock"].to_string());
        for state in ["met", "met_late", "running", "late", "open", "breached"] {
            let found = counted[&key].get(state).copied().unwrap_or(0);
            assert_eq!(count[state], found, "{key:?} {state}");
        }
    }
}

#[test]
fn the_same_question_to_another_store_gets_the_same_answer() {
    let folder = shop();
    let mut store = SqliteStore::open_read_only(&folder.path().join("shop.db")).unwrap();
    let ask = leakage::Ask {
        cut: Cut::default(),
        at: when("2027-02-01T00:00:00Z"),
        from: None,
        to: None,
        merchant: None,
        grace_days: 0,
        label_days: 30,
        rows: true,
    };
    let whole = Whole::read(&mut store, &ask.cut, false).unwrap();
    let by_file = leakage(&whole, &ask, false).unwrap();
    let origin = store.origin().clone();
    let mut memory = claims::store::memory::MemoryStore::new(origin);
    let mut log = Vec::new();
    let silent = claims::progress::Progress::silent();
    claims::transfer::export_events(&mut store, &mut log, &silent).unwrap();
    claims::transfer::import_events(&mut memory, &mut &log[..], "log", None, &silent).unwrap();
    let whole = Whole::read(&mut memory, &ask.cut, false).unwrap();
    let by_memory = leakage(&whole, &ask, false).unwrap();
    assert_eq!(by_file.totals, by_memory.totals);
    assert_eq!(by_file.rows.len(), by_memory.rows.len());
    assert!(by_file.rows.len() > 10);
}

#[test]
fn help_has_examples_and_fits_a_terminal() {
    let folder = shop();
    for command in ["due", "what-if", "leakage"] {
        let help = ok(folder.path(), &["help", command]);
        assert!(help.contains(&format!("  claims {command} ")), "{help}");
        let long = help.lines().find(|l| l.chars().count() > 100 && !l.starts_with("Usage: "));
        assert_eq!(long, None);
    }
}
