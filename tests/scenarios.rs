//! Scenario files: that the given ones come out as they demand, that what differs is found, and that a broken one says where.
//! What stands in a file is in `fixtures/scenarios/README.md`; `UPDATE_GOLDEN=1` writes the messages of
//! `fixtures/broken/scenarios/` anew.

#[path = "support/program.rs"]
mod program;
mod support;

use claims::{
    error::Error,
    policy_file::{PolicyFile, embedded},
    scenario::{self, Checked, Expected, Played, compare, happening::What},
    store::Store,
};
use program::{ROOT, files, golden};
use replay::{
    audit::Replay,
    codec::open,
    event::{Event, Kind},
    history::Cut,
    ids::ClaimId,
    time::When,
};
use serde_json::{Map, Value, json};
use std::{cell::RefCell, collections::BTreeSet, fs, path::Path};

const GIVEN: &str = "fixtures/scenarios";
const OWN: &str = "fixtures/scenarios/more";

fn policies() -> Vec<PolicyFile> {
    embedded::policies().unwrap()
}

/// Runs a file with a judge that says nothing.
fn run(name: &str, text: &str) -> Result<Vec<Checked>, Error> {
    scenario::run(name, text, &policies(), &|_, _, _| Ok(Map::new()))
}

fn text_of(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

/// Plays the first scenario of a file.
fn played(scenarios: &Value) -> Played {
    let scenario =
        scenario::read("test.json", &scenarios.to_string()).unwrap_or_else(|why| panic!("{why}")).remove(0);
    let policies = policies();
    let policy = policies.iter().find(|policy| policy.published.policy == scenario.policy).unwrap();
    scenario::play(&scenario, policy).unwrap_or_else(|why| panic!("{why}"))
}

/// A story about one article of a policy, in which these events happen.
fn story(policy: &str, events: &Value) -> Value {
    json!([{
        "id": "S1", "policy": policy, "events": events, "expected": [{}],
        "order": {
            "currency": "USD", "region": "US-TX", "purchased_at": "2024-03-27T12:00:00-05:00",
            "shipped_at": "2024-03-28T12:00:00-05:00", "delivered_at": "2024-04-02T15:00:00-05:00",
            "outbound_shipping": 1500,
            "lines": [{"id": "L1", "class": "main", "unit_price": 10000, "quantity": 2, "line_discount": 500, "tax": 800}]
        }
    }])
}

fn opened() -> Value {
    json!({"at": "2024-04-10T12:00:00-05:00", "type": "claim_opened", "kind": "defect", "by": "buyer", "via": "email",
           "evidence": ["order_number"], "label": "open"})
}

/// The events of one kind, each with its effective time.
fn events(played: &mut Played, kind: Kind) -> Vec<(When, Event)> {
    let rows = support::rows(played.ledger.store());
    let recorded = rows.iter().map(|row| open(&row.as_row()).unwrap());
    recorded.filter(|r| r.event.kind() == kind).map(|r| (r.envelope.effective, r.event)).collect()
}

fn values(played: &mut Played, kind: Kind) -> Vec<Value> {
    events(played, kind).into_iter().map(|(_, event)| event.to_value().unwrap()).collect()
}

/// A replay of what is on record finds nothing wrong and comes to the same books.
#[track_caller]
fn assert_sound(name: &str, played: &mut Played) {
    let rows = support::rows(played.ledger.store());
    let mut replay = Replay::new(Some(played.ledger.origin().clone()), Cut::default());
    rows.iter().for_each(|row| replay.row(&row.as_row()));
    let outcome = replay.finish();
    assert!(outcome.findings.is_empty(), "{name}: {:?}", outcome.findings);
    let live = played.ledger.store().books().unwrap();
    support::same_books("live", &live, "replayed", &outcome.books)
        .unwrap_or_else(|why| panic!("{name}: {why}"));
}

/// How many scenarios and expectations a folder has, each of which must be met.
#[track_caller]
fn all_met(folder: &str) -> (usize, usize) {
    let (mut scenarios, mut expectations, mut failed) = (BTreeSet::new(), 0, String::new());
    for file in files(&Path::new(ROOT).join(folder), "json") {
        let name = file.file_name().unwrap().to_str().unwrap();
        let checked = scenario::run(name, &text_of(&file), &policies(), &scenario::judge);
        for checked in checked.unwrap_or_else(|why| panic!("[{}] {why}", why.code)) {
            expectations += 1;
            for difference in &checked.differences {
                failed += &format!("{} {:?}: {difference}\n", checked.id, checked.as_of);
            }
            scenarios.insert(checked.id);
        }
    }
    assert!(failed.is_empty(), "{failed}");
    (scenarios.len(), expectations)
}

#[test]
fn every_given_expectation_is_met() {
    assert_eq!(all_met(GIVEN), (150, 182));
}

#[test]
fn every_expectation_of_our_own_is_met() {
    assert_eq!(all_met(OWN), (101, 178));
}

#[test]
fn every_file_travels_inside_the_program() {
    let there: BTreeSet<String> = [GIVEN, OWN]
        .iter()
        .flat_map(|folder| files(&Path::new(ROOT).join(folder), "json"))
        .map(|file| file.strip_prefix(Path::new(ROOT).join("fixtures")).unwrap().display().to_string())
        .collect();
    let inside: BTreeSet<String> = scenario::embedded::files().map(|file| file.name.to_string()).collect();
    assert_eq!(there, inside);
}

#[test]
fn every_story_leaves_a_sound_ledger() {
    let policies = policies();
    for scenario in scenario::embedded::scenarios().unwrap() {
        let policy = policies.iter().find(|policy| policy.published.policy == scenario.policy).unwrap();
        let mut played = scenario::play(&scenario, policy).unwrap();
        assert_sound(&scenario.id, &mut played);
    }
}

#[test]
fn the_given_scenarios_are_what_was_given() {
    let shared = Path::new(ROOT).join("../shared/scenarios");
    if !shared.is_dir() {
        eprintln!("{} is not here: nothing to compare the fixtures with", shared.display());
        return;
    }
    for file in files(&Path::new(ROOT).join(GIVEN), "json") {
        let read = |path: &Path| serde_json::from_str::<Value>(&text_of(path)).unwrap();
        assert!(read(&file) == read(&shared.join(file.file_name().unwrap())), "{}", file.display());
    }
}

#[test]
fn every_type_of_event_can_be_told() {
    let text = text_of(&Path::new(ROOT).join(GIVEN).join("format/every-event.json"));
    let missing: Vec<&&str> =
        What::TYPES.iter().filter(|word| !text.contains(&format!("\"type\": \"{word}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for word in What::TYPES {
        assert!(word.parse::<Kind>().is_ok(), "{word} is no kind of event");
    }
    run("every-event.json", &text).unwrap_or_else(|why| panic!("{why}"));
    assert_sound("every-event", &mut played(&serde_json::from_str(&text).unwrap()));
}

#[test]
fn broken_files_say_where_and_what_to_do() {
    let folder = Path::new(ROOT).join("fixtures/broken/scenarios");
    let broken = files(&folder, "json");
    assert!(broken.len() >= 40, "{} files", broken.len());
    let mut codes = BTreeSet::new();
    for file in &broken {
        let name = file.file_name().unwrap().to_str().unwrap();
        let Err(error) = run(name, &text_of(file)) else { panic!("{name} is not broken") };
        golden(&file.with_extension("txt"), &format!("{error}\n")).unwrap_or_else(|why| panic!("{why}"));
        assert!(error.at.as_ref().is_some_and(|at| at.starts_with(name)), "{error}");
        assert!(error.hint.is_some(), "{error}");
        assert_eq!(error.kind.exit_code(), 13, "{name}: what cannot be read is not refused");
        codes.insert(error.code);
    }
    assert_eq!(files(&folder, "txt").len(), broken.len(), "a message has no file");
    assert!(codes.len() >= 25, "{codes:?}");
}

#[test]
fn limits_that_no_small_file_can_show() {
    let code = |text: &str| run("large.json", text).unwrap_err().code;
    let long = format!("[{}]", " ".repeat(scenario::read::FILE_BYTES_MAX));
    assert_eq!(code(&long), "too_long");
    assert_eq!(code(&format!("[{}", "[".repeat(40))), "nesting_too_deep");
    let many = vec![json!({}); scenario::read::SCENARIOS_MAX + 1];
    assert_eq!(code(&Value::Array(many).to_string()), "too_many_entries");
    let events = vec![opened(); scenario::read::EVENTS_MAX + 1];
    assert_eq!(code(&story("AMC", &Value::Array(events)).to_string()), "too_many_entries");
}

#[test]
fn the_order_comes_with_its_payment_and_its_parcel() {
    let mut played = played(&story("AMC", &json!([])));
    let payment = values(&mut played, Kind::PaymentCaptured).remove(0);
    assert_eq!(payment["amount"], json!({"minor": 20000 - 500 + 800 + 1500, "currency": "USD"}));
    let sale = values(&mut played, Kind::OrderRecorded).remove(0);
    assert_eq!(sale["ship_to"], json!({"country": "US", "subdivision": "TX"}));
    let (shipped, _) = events(&mut played, Kind::ShipmentDispatched).remove(0);
    let (delivered, scan) = events(&mut played, Kind::TrackingScanned).remove(0);
    assert_eq!(format!("{shipped} {delivered}"), "2024-03-28T12:00:00-05:00 2024-04-02T15:00:00-05:00");
    assert_eq!(scan.to_value().unwrap(), json!({"parcel": "P1", "status": "delivered"}));
}

#[test]
fn a_dispatch_that_is_told_is_not_sent_twice() {
    let events_of = json!([{"at": "2024-03-28T12:00:00-05:00", "type": "shipment_dispatched", "leg": "outbound", "traceable": true}]);
    let mut played = played(&story("AMC", &events_of));
    assert_eq!(
        values(&mut played, Kind::ShipmentDispatched),
        [json!({"parcel": "P1", "leg": "outbound", "traceable": true})]
    );
}

#[test]
fn what_happened_before_the_contact_keeps_its_time() {
    let mut played = played(&story(
        "ATP",
        &json!([
            {"at": "2024-04-08T12:00:00-05:00", "type": "shipment_dispatched", "leg": "inbound"},
            opened(),
            {"at": "2024-04-12T12:00:00-05:00", "type": "tracking_scanned", "leg": "inbound", "status": "lost"},
        ]),
    ));
    let (sent, dispatch) = events(&mut played, Kind::ShipmentDispatched).remove(1);
    assert_eq!(sent.to_string(), "2024-04-08T12:00:00-05:00");
    assert_eq!(dispatch.to_value().unwrap()["parcel"], "C1-inbound-1");
    assert_eq!(
        values(&mut played, Kind::TrackingScanned)[1],
        json!({"parcel": "C1-inbound-1", "status": "lost"})
    );
}

#[test]
fn corrections_are_worked_into_the_words_of_the_story() {
    let correct = |target: &str, set: Value| json!({"at": "2024-04-20T12:00:00-05:00", "type": "event_corrected", "target": target, "set": set});
    let check = |events_of: Value, due: Value| {
        let mut played = played(&story("ATP", &events_of));
        let mut found = values(&mut played, Kind::EventCorrected);
        for correction in &mut found {
            correction
                .as_object_mut()
                .unwrap()
                .retain(|name, _| matches!(name.as_str(), "set" | "effective_at"));
        }
        assert_eq!(Value::Array(found), due);
        assert_eq!(played.refused, []);
    };
    check(
        json!([opened(), correct("open", json!({"found_at": "2024-04-09T12:00:00-05:00", "units": "L1#2"}))]),
        json!([{"set": {"first_contact_at": "2024-04-09T12:00:00-05:00", "units": ["L1#2"]}}]),
    );
    check(
        json!([opened(), correct("open", json!({"kind": "doa", "evidence": ["photo"]}))]),
        json!([{"set": {"asserted": "doa"}}, {"set": {"items": [{"kind": "photo"}]}}]),
    );
    check(
        json!([opened(), correct("P1", json!({"delivered_at": "2024-04-03T10:00:00-05:00"}))]),
        json!([{"set": {}, "effective_at": "2024-04-03T10:00:00-05:00"}]),
    );
    let cost = json!({"at": "2024-04-12T12:00:00-05:00", "type": "cost_recorded", "cost": "customs", "paid_by": "merchant",
                      "amount": 500, "receipt": true, "label": "cost"});
    check(
        json!([
            opened(),
            cost,
            correct("cost", json!({"amount": 600, "receipt": null, "at": "2024-04-11T12:00:00-05:00"}))
        ]),
        json!([{"set": {"amount": {"minor": 600, "currency": "USD"}, "receipt_ref": null},
                "effective_at": "2024-04-11T12:00:00-05:00"}]),
    );
}

#[test]
fn a_correction_that_is_taken_back_can_be_made_again() {
    let correct = |at: &str, label: &str| json!({"at": at, "type": "event_corrected", "target": "open", "set": {"kind": "doa"}, "label": label});
    let mut played = played(&story(
        "ATP",
        &json!([
            opened(),
            correct("2024-04-20T12:00:00-05:00", "first"),
            {"at": "2024-04-21T12:00:00-05:00", "type": "event_reversed", "target": "first"},
            correct("2024-04-22T12:00:00-05:00", "second"),
            {"at": "2024-04-22T12:00:00-05:00", "type": "event_reversed", "target": "P1"},
            {"at": "2024-04-23T12:00:00-05:00", "type": "event_corrected", "target": "P1",
             "set": {"delivered_at": "2024-04-04T12:00:00-05:00"}},
        ]),
    ));
    assert_eq!(events(&mut played, Kind::EventCorrected).len(), 2);
    assert_eq!(events(&mut played, Kind::EventReversed).len(), 3);
    let (again, _) = events(&mut played, Kind::TrackingScanned).remove(1);
    assert_eq!(again.to_string(), "2024-04-04T12:00:00-05:00");
}

#[test]
fn a_further_version_has_its_fields_and_its_hash() {
    let mut played = played(&story(
        "CGD",
        &json!([{"at": "2024-04-12T12:00:00-05:00", "type": "policy_published", "effective_from": "2024-04-12",
                 "set": {"windows.year1.any.0.within": "P6M"}}]),
    ));
    let published = values(&mut played, Kind::PolicyPublished);
    let within = |version: usize| &published[version]["body"]["windows"]["year1"]["any"][0]["within"];
    assert_eq!((within(0), within(1)), (&json!("P1Y"), &json!("P6M")));
    assert_eq!(published[1]["body"]["policy"]["version"], 2);
    assert_eq!((&published[1]["version"], &published[1]["supersedes"]), (&json!(2), &json!(1)));
    assert_eq!(played.refused, []);
}

#[test]
fn a_policy_file_of_any_version_is_the_first_one_of_a_story() {
    let mut policy = policies().into_iter().find(|policy| policy.published.policy.as_str() == "CGD").unwrap();
    policy.published.version = 3;
    policy.published.supersedes = Some(2);
    let text = story("CGD", &json!([opened()])).to_string();
    scenario::run("later.json", &text, &[policy], &|_, _, _| Ok(Map::new())).unwrap();
}

/// What a decision of a story becomes on record.
#[track_caller]
fn check_decision(policy: &str, decided: &Value, due: &str) {
    let mut act = json!({"at": "2024-04-12T12:00:00-05:00", "type": "discretion_exercised", "actor": "d.ruiz", "reason": "r"});
    act.as_object_mut().unwrap().extend(decided.as_object().unwrap().clone());
    let mut played = played(&story(policy, &json!([opened(), act])));
    let found = values(&mut played, Kind::DiscretionExercised);
    let found = found.first().map_or_else(
        || played.refused.iter().map(|refused| refused.reason.clone()).collect(),
        |event| event["decision"].as_str().unwrap().to_string(),
    );
    assert_eq!(found, due);
}

#[test]
fn accept_and_deny_are_told_in_the_words_of_the_point() {
    check_decision("ATP", &json!({"point": "final_decision", "decision": "deny"}), "deny");
    check_decision(
        "RNE",
        &json!({"point": "other_compensation", "decision": "accept", "amount": 100}),
        "amount",
    );
    check_decision("AMC", &json!({"point": "no_fault_return", "decision": "accept"}), "return_to_customer");
    check_decision("AMC", &json!({"point": "no_fault_return", "decision": "deny"}), "keep");
    let new = json!({"point": "new_instead_of_refurbished", "decision": "accept", "value": "refurbished"});
    check_decision("AMC", &new, "refurbished");
    check_decision("AMC", &json!({"point": "misuse_service", "decision": "offer"}), "offer");
    check_decision("AMC", &json!({"point": "nowhere", "decision": "accept"}), "unknown_point");
    // No option of this point denies; the ledger says so.
    check_decision(
        "PTK",
        &json!({"point": "partial_refund", "decision": "deny"}),
        "option_is_not_of_the_point",
    );
}

#[test]
fn the_same_message_again_is_a_duplicate_and_another_one_a_conflict() {
    let contact = |at: &str, kind: &str| {
        json!({"at": at, "type": "claim_opened", "kind": kind, "by": "buyer", "via": "email", "evidence": ["order_number"],
               "external_id": "mail-1"})
    };
    let mut played = played(&story(
        "AMC",
        &json!([
            contact("2024-04-10T12:00:00-05:00", "defect"),
            contact("2024-04-11T12:00:00-05:00", "defect"),
            contact("2024-04-12T12:00:00-05:00", "doa"),
        ]),
    ));
    let refused: Vec<Value> = played.refused.iter().map(|refused| refused.to_value()).collect();
    let due = |reason: &str| json!({"type": "claim_opened", "ref": "mail-1", "reason": reason});
    assert_eq!(refused, [due("duplicate_ignored"), due("conflict")]);
    assert_eq!(events(&mut played, Kind::EvidenceSubmitted).len(), 1);
}

#[test]
fn the_judge_is_asked_once_for_each_expectation_under_its_cut() {
    let mut scenarios = story("AMC", &json!([opened()]));
    scenarios[0]["expected"] = json!([
        {"as_of": "2024-04-10T13:00:00-05:00", "status": "hold"},
        {"claim": null, "deadlines": {}, "status": "is of no claim"},
    ]);
    let asked = RefCell::new(Vec::new());
    let judge = |_: &mut _, claim: Option<&ClaimId>, cut: &Cut| {
        asked.borrow_mut().push((claim.map(ToString::to_string), *cut));
        let fields = json!({"status": "hold", "deadlines": {}, "missing_notices": []});
        Ok(fields.as_object().unwrap().clone())
    };
    let checked = scenario::run("test.json", &scenarios.to_string(), &policies(), &judge).unwrap();
    let at = Some(When::parse("2024-04-10T13:00:00-05:00").unwrap().at);
    let cut = Cut { position: None, known_at: at, effective_at: at };
    assert_eq!(*asked.borrow(), [(Some("C1".into()), cut), (None, Cut::default())]);
    assert!(checked.iter().all(|checked| checked.pass));
    let line = serde_json::to_value(&checked[1]).unwrap();
    let due = json!({"id": "S1", "as_of": null, "claim": null, "pass": true, "differences": [],
                     "actual": {"deadlines": {}, "missing_notices": [], "refused": []}});
    assert_eq!(line, due);
}

/// What [`compare`] finds, a line each.
#[track_caller]
fn check_compare(expected: Value, actual: Value, due: &[&str]) {
    let expected =
        Expected::read(expected.as_object().unwrap().clone()).unwrap_or_else(|why| panic!("{why}"));
    let found: Vec<String> =
        compare(&expected, actual.as_object().unwrap()).iter().map(ToString::to_string).collect();
    assert_eq!(found, due);
}

#[test]
fn what_is_absent_is_not_compared_and_null_is() {
    check_compare(json!({}), json!({"status": "hold", "open": 7}), &[]);
    check_compare(json!({"status": null}), json!({"status": null}), &[]);
    check_compare(json!({"status": null}), json!({}), &[]);
    check_compare(
        json!({"status": null}),
        json!({"status": "hold"}),
        &["status: expected null, found \"hold\""],
    );
    check_compare(json!({"status": "hold"}), json!({}), &["status: expected \"hold\", found null"]);
    let unit = |value: Value| json!({"units": {"L1#1": value}});
    check_compare(unit(json!({"basis": "doa"})), unit(json!({"basis": "doa", "remedy": "refund"})), &[]);
    check_compare(
        unit(json!({"remedy": null})),
        unit(json!({"remedy": "refund"})),
        &["units.L1#1.remedy: expected null, found \"refund\""],
    );
}

#[test]
fn numbers_are_the_same_number() {
    for field in ["payable", "refunded", "open"] {
        check_compare(json!({ field: 100 }), json!({ field: 100 }), &[]);
        check_compare(
            json!({ field: 100 }),
            json!({ field: 101 }),
            &[&format!("{field}: expected 100, found 101")],
        );
        check_compare(
            json!({ field: 1 }),
            json!({ field: "1" }),
            &[&format!("{field}: expected 1, found \"1\"")],
        );
    }
    check_compare(json!({"payable": 0}), json!({"payable": null}), &["payable: expected 0, found null"]);
}

#[test]
fn maps_have_the_same_names_in_any_order() {
    let expected = json!({"variants": {"L1#1": "new", "L1#2": "new"}});
    check_compare(expected.clone(), json!({"variants": {"L1#2": "new", "L1#1": "new"}}), &[]);
    check_compare(
        expected,
        json!({"variants": {"L1#1": "refurbished", "L1#3": "new"}}),
        &[
            "variants.L1#1: expected \"new\", found \"refurbished\"",
            "variants.L1#2: expected \"new\", found null",
            "variants.L1#3: expected null, found \"new\"",
        ],
    );
    check_compare(
        json!({"last_days": {"w": {"L1#1": "2024-03-02"}}}),
        json!({"last_days": {"w": {"L1#1": "2024-03-03"}, "v": {}}}),
        &[
            "last_days.v: expected null, found {}",
            "last_days.w.L1#1: expected \"2024-03-02\", found \"2024-03-03\"",
        ],
    );
    check_compare(
        json!({"payers": {"customs": {"payer": "customer", "cites": ["A", "B"]}}}),
        json!({"payers": {"customs": {"payer": "merchant", "cites": ["B", "A"]}}}),
        &["payers.customs.payer: expected \"customer\", found \"merchant\""],
    );
}

#[test]
fn sets_have_no_order_and_no_repetitions() {
    check_compare(json!({"waivers": ["A", "B"]}), json!({"waivers": ["B", "A", "A"]}), &[]);
    check_compare(
        json!({"waivers": ["A"]}),
        json!({"waivers": ["B"]}),
        &["waivers: expected [\"A\"], found [\"B\"]"],
    );
    let payout = |cites: Value| json!({"payout": {"to": "original_method", "cites": cites}});
    check_compare(payout(json!(["A", "B"])), payout(json!(["B", "A"])), &[]);
    check_compare(
        payout(json!(["A", "B"])),
        payout(json!(["A"])),
        &["payout.cites: expected [\"A\",\"B\"], found [\"A\"]"],
    );
}

#[test]
fn instants_are_compared_as_instants_and_all_else_as_text() {
    let due = |text: &str| json!({"deadlines": {"reply": text}});
    check_compare(due("2024-04-12T12:00:00-05:00"), due("2024-04-12T17:00:00Z"), &[]);
    check_compare(
        due("2024-04-12T12:00:00-05:00"),
        due("2024-04-12T12:00:00Z"),
        &["deadlines.reply: expected \"2024-04-12T12:00:00-05:00\", found \"2024-04-12T12:00:00Z\""],
    );
    check_compare(due("2024-01-29 17:00"), due("2024-01-29 17:00"), &[]);
    check_compare(
        due("2024-01-29 17:00"),
        due("2024-01-29T17:00:00Z"),
        &["deadlines.reply: expected \"2024-01-29 17:00\", found \"2024-01-29T17:00:00Z\""],
    );
    check_compare(
        json!({"deadlines": {"reply": null}}),
        due("2024-01-29"),
        &["deadlines.reply: expected null, found \"2024-01-29\""],
    );
}

#[test]
fn lists_of_entries_are_matched_whatever_their_order() {
    let item = |line: &str, amount: i64| json!({"line": "item", "order_line": line, "amount": amount, "cites": ["A"]});
    check_compare(
        json!({"lines": [item("L1", 5), item("L2", 7)]}),
        json!({"lines": [item("L2", 7), item("L1", 5)]}),
        &[],
    );
    check_compare(
        json!({"lines": [item("L1", 5), item("L2", 7)]}),
        json!({"lines": [item("L2", 8), item("L3", 1)]}),
        &[
            "lines[item L1]: expected {\"amount\":5,\"cites\":[\"A\"],\"line\":\"item\",\"order_line\":\"L1\"}, found null",
            "lines[item L2].amount: expected 7, found 8",
            "lines[item L3]: expected null, found {\"amount\":1,\"cites\":[\"A\"],\"line\":\"item\",\"order_line\":\"L3\"}",
        ],
    );
    // The first fits both, the second only one: neither may take the other's.
    check_compare(
        json!({"charges": [{"cost": "customs"}, {"cost": "customs", "amount": 5}]}),
        json!({"charges": [{"cost": "customs", "amount": 5}, {"cost": "customs", "amount": 9}]}),
        &[],
    );
    // Equal entries are still two.
    check_compare(
        json!({"charges": [{"cost": "customs", "amount": 5}]}),
        json!({"charges": [{"cost": "customs", "amount": 5}, {"cost": "customs", "amount": 5}]}),
        &["charges[customs]: expected null, found {\"amount\":5,\"cost\":\"customs\"}"],
    );
    check_compare(
        json!({"refused": [{"type": "refund_issued", "ref": "R1", "reason": "conflict"}], "missing_notices": []}),
        json!({"refused": [{"type": "refund_issued", "ref": "R1", "reason": "over_refund"}],
               "missing_notices": [{"about": "remedy_decided", "cites": ["A"]}]}),
        &[
            "missing_notices[remedy_decided]: expected null, found {\"about\":\"remedy_decided\",\"cites\":[\"A\"]}",
            "refused[refund_issued R1].reason: expected \"conflict\", found \"over_refund\"",
        ],
    );
}

#[test]
fn without_a_claim_only_what_is_of_the_order_is_compared() {
    check_compare(
        json!({"claim": null, "status": "hold", "payable": 3, "deadlines": {"dispatch": "2024-01-29 17:00"}}),
        json!({"deadlines": {}}),
        &["deadlines.dispatch: expected \"2024-01-29 17:00\", found null"],
    );
}
