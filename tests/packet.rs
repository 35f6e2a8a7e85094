//! The dispute packet: golden packets in three forms, what is left out and what cannot be, and texts that would be markup.
//! Whether the page checks itself, `packet_browser.rs` looks at with a browser.

#[path = "support/dispute.rs"]
mod dispute;
#[path = "support/program.rs"]
mod program;

use std::{collections::BTreeSet, fs, path::Path};

use claims::packet::{self, FIELD_CHARS_MAX, FIELD_NAMES, Options, State};
use claims::store::Store;
use dispute::{HOSTILE, Shop, redact};
use program::{Outcome, ROOT, claims as run, golden};
use replay::{
    evidence::trust::Trust,
    history::Cut,
    ids::{ClaimId, Position},
    merkle::{Hash, leaf_hash, verify_inclusion},
};
use serde_json::Value;

const AMC: &str = "AMC-C-2207";
const ATP: &str = "ATP-C-0540";

fn shop(stories: &[&str]) -> (tempfile::TempDir, Shop) {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::new(&dir.path().join("shop.db"));
    stories.iter().for_each(|story| shop.play(story));
    (dir, shop)
}

fn trusting(key: &str) -> Options {
    Options { trust: Some(Trust::in_log(key.parse().unwrap())), ..Options::default() }
}

/// A page without its style and script, which are files of their own, and its data, which are in the golden JSON.
fn bare(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    for (begin, end) in [
        ("sha256-", "; base-uri"),
        ("<style>", "</style>"),
        ("id=\"packet\">", "</script>"),
        ("<script>", "</script>"),
    ] {
        let (before, after) = rest.split_once(begin).unwrap();
        let (_, after) = after.split_once(end).unwrap();
        out.push_str(before);
        out.push_str(&format!("{begin}...{end}"));
        rest = after;
    }
    (out + rest).replace("<li", "\n<li").replace("<tr", "\n<tr").replace("<d", "\n<d").replace("<h", "\n<h")
        + "\n"
}

#[test]
fn golden_packets() {
    let mut wrong = Vec::new();
    for (story, claim, signed) in
        [("amc-partial-return", AMC, true), ("atp-corrected-inspection", ATP, false)]
    {
        let (_dir, mut shop) = shop(&[story]);
        let options = match signed {
            true => trusting(&shop.sign()),
            false => {
                redact(&mut shop, claim);
                Options::default()
            }
        };
        let packet = shop.packet(claim, &options);
        let json = serde_json::to_string_pretty(&packet).unwrap();
        let again = serde_json::to_string_pretty(&shop.packet(claim, &options)).unwrap();
        assert_eq!(json, again, "the same ledger gives the same packet");
        let folder = Path::new(ROOT).join("fixtures/packets");
        for (ending, text) in [
            ("json", json + "\n"),
            ("md", packet::markdown(&packet)),
            ("html", bare(&packet::html(&packet).unwrap())),
        ] {
            wrong.extend(golden(&folder.join(format!("{story}.{ending}")), &text).err());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn golden_json_fits_its_schema() {
    let schema: Value = serde_json::from_str(claims::schema::find("packet").unwrap()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for story in ["amc-partial-return", "atp-corrected-inspection"] {
        let file = Path::new(ROOT).join(format!("fixtures/packets/{story}.json"));
        let mut packet: Value = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&packet).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{story}: {}", errors.join("\n"));
        // It says something: a field too many, and one too few, are refused.
        packet["more"] = Value::Null;
        assert!(!validator.is_valid(&packet));
        packet.as_object_mut().unwrap().retain(|name, _| name != "more" && name != "proofs");
        assert!(!validator.is_valid(&packet));
    }
}

#[test]
fn every_event_comes_with_a_proof_that_holds_for_others() {
    let (_dir, mut shop) = shop(&["amc-partial-return", "rne-dispute-and-chargebacks"]);
    let key = shop.sign();
    shop.play("atp-exchange");
    for claim in [AMC, "RNE-C-0771", "ATP-C-0631"] {
        let packet = serde_json::to_value(shop.packet(claim, &trusting(&key))).unwrap();
        let told: BTreeSet<u64> =
            packet["timeline"].as_array().unwrap().iter().map(|t| t["position"].as_u64().unwrap()).collect();
        let mut proved = BTreeSet::new();
        for proof in packet["proofs"]["events"].as_array().unwrap() {
            let head = &packet["proofs"]["heads"][usize::try_from(proof["head"].as_u64().unwrap()).unwrap()];
            let hash = |value: &Value| value.as_str().unwrap().parse::<Hash>().unwrap();
            let path: Vec<Hash> = proof["path"].as_array().unwrap().iter().map(hash).collect();
            let position = proof["position"].as_u64().unwrap();
            let leaf = leaf_hash(proof["body"].as_str().unwrap().as_bytes());
            assert_eq!(leaf, hash(&proof["leaf"]));
            verify_inclusion(
                &leaf,
                position - 1,
                head["size"].as_u64().unwrap(),
                &path,
                &hash(&head["root"]),
            )
            .unwrap();
            proved.insert(position);
        }
        assert_eq!(told, proved, "{claim}");
        let heads: Vec<bool> =
            packet["proofs"]["heads"].as_array().unwrap().iter().map(|h| h["checkpoint"].is_null()).collect();
        // The last story came after the checkpoint; only the policy stands before it.
        assert_eq!(heads, if claim == "ATP-C-0631" { vec![false, true] } else { vec![false] }, "{claim}");
    }
    let other = replay::evidence::note::SignerKey::new(
        dispute::ORIGIN,
        replay::evidence::note::KeyType::Log,
        &[8; 32],
    );
    let refused = packet::packet(
        shop.ledger.store(),
        &ClaimId::new(AMC).unwrap(),
        &trusting(&other.unwrap().verifier().to_string()),
    );
    assert_eq!(refused.unwrap_err().code, "checkpoint_not_trusted");
}

#[test]
fn a_key_goes_along_with_where_it_comes_from() {
    let (_dir, mut shop) = shop(&["amc-partial-return"]);
    let old = shop.sign();
    let source = |shop: &mut Shop, options: &Options| {
        let packet = shop.packet(AMC, options);
        packet.proofs.keys.into_iter().map(|key| key.source).collect::<Vec<_>>()
    };
    assert_eq!(source(&mut shop, &Options::default()), Vec::<String>::new());
    assert_eq!(source(&mut shop, &trusting(&old)), ["given"]);
    shop.announce(7, None);
    shop.announce(8, Some(7));
    let at = shop.ledger.store().tip().unwrap().position;
    let new = shop.sign_with(8);
    assert_eq!(source(&mut shop, &Options::default()), [format!("on record at position {at}")]);
    assert_eq!(source(&mut shop, &trusting(&new)), ["given"]);
    let followed = source(&mut shop, &trusting(&old));
    assert_eq!(followed, [format!("handed over to at position {at} by a key that was given")]);
}

#[test]
fn a_packet_is_verified_without_its_ledger() {
    let (dir, mut shop) = shop(&["amc-partial-return", "atp-corrected-inspection"]);
    let key = shop.sign();
    let packet = shop.packet(ATP, &Options::default());
    let (html, json) = (packet::html(&packet).unwrap(), serde_json::to_string(&packet).unwrap());
    let verify = |text: &str, key: &str| {
        fs::write(dir.path().join("packet"), text).unwrap();
        run(dir.path(), &["verify", "packet", "--log-key", key])
    };
    for form in [&html, &json] {
        let said = verify(form, &key);
        assert!(said.code == 0 && said.stdout.ends_with("verified\n"), "{said:?}");
        for (from, to, says) in [
            (r#"\"minor\":98847"#, r#"\"minor\":98846"#, "first wrong event: position"),
            ("\"value\":\"", "\"value\":\"x", "not the value that was committed to"),
        ] {
            // The proofs stand last.
            let (before, after) = form.rsplit_once(from).unwrap();
            let said = verify(&format!("{before}{to}{after}"), &key);
            assert!(said.code == 1 && said.stdout.contains(says), "{said:?}");
        }
    }
    let (before, timeline) = json.split_once("\"timeline\":").unwrap();
    for (from, to) in [
        ("\"actor\":\"", "\"actor\":\"x"),
        ("\"text\":\"988.47 CAD", "\"text\":\"98.47 CAD"),
        ("\"source\":\"", "\"source\":\"x"),
        ("\"external_id\":\"", "\"external_id\":\"x"),
        ("\"event_id\":\"", "\"event_id\":\"x"),
        ("\"stream\":\"", "\"stream\":\"x"),
        ("\"revision\":", "\"revision\":1"),
    ] {
        assert!(timeline.contains(from), "{from}");
        let said = verify(&format!("{before}\"timeline\":{}", timeline.replacen(from, to, 1)), &key);
        assert!(
            said.code == 1 && said.stdout.contains("the timeline says something else"),
            "{from} {said:?}"
        );
    }
    let other = replay::evidence::note::SignerKey::new(
        dispute::ORIGIN,
        replay::evidence::note::KeyType::Log,
        &[8; 32],
    );
    assert_eq!(verify(&json, &other.unwrap().verifier().to_string()).code, 1);
    assert_eq!(verify("{}", &key).code, 2);
    assert_eq!(verify("<!DOCTYPE html><p>nothing", &key).code, 2);
    // What came after the checkpoint is in no signed head, and that is a finding.
    redact(&mut shop, ATP);
    let later = serde_json::to_string(&shop.packet(ATP, &Options::default())).unwrap();
    let said = verify(&later, &key);
    assert!(said.code == 1 && said.stdout.contains("FAIL every event is in a signed checkpoint"), "{said:?}");
}

#[test]
fn redacted_values_stay_redacted_and_say_who_stands_behind_that() {
    let (_dir, mut shop) = shop(&["amc-partial-return"]);
    let said = "One camera covers the whole yard after all.";
    let before = shop.packet(AMC, &Options::default());
    assert!(packet::html(&before).unwrap().contains(said));
    redact(&mut shop, AMC);
    let packet = shop.packet(AMC, &Options::default());
    let (html, json) = (packet::html(&packet).unwrap(), serde_json::to_string(&packet).unwrap());
    for form in [&html, &json, &packet::markdown(&packet)] {
        assert!(!form.contains(said) && form.contains("redacted 2024-12-01, gdpr"), "{form}");
        assert!(form.contains("d.ruiz") && form.contains("privacy.desk"));
    }
    assert!(packet.redactions.iter().all(|e| e.approver == "d.ruiz" && e.position > e.of_position));
    let words = packet.summary.claimed.unwrap().words.unwrap();
    assert_eq!((words.state, words.text.as_str()), (State::Redacted, "[redacted 2024-12-01, gdpr_art17]"));
    // The order was not redacted.
    assert!(html.contains("Imelda Karlsson-Roe"));
}

#[test]
fn personal_values_and_notes_can_be_left_out() {
    let (_dir, mut shop) = shop(&["amc-partial-return"]);
    let options = Options { without_personal: true, ..Options::default() };
    let packet = shop.packet(AMC, &options);
    let forms =
        [packet::html(&packet).unwrap(), packet::markdown(&packet), serde_json::to_string(&packet).unwrap()];
    for form in &forms {
        for value in ["Imelda", "418 Pecan", "1Z8F41A2", "SN-7F20-118", "whole yard"] {
            assert!(!form.contains(value), "{value}");
        }
        assert!(form.contains("left out of this packet"));
    }
    assert!(packet.proofs.events.iter().all(|proof| proof.personal.is_empty()));
}

#[test]
fn the_processor_gets_27_fields_by_their_names() {
    let (_dir, mut shop) = shop(&["amc-partial-return"]);
    let packet = shop.packet(AMC, &Options::default());
    let names: Vec<&str> = packet.chargeback_evidence.iter().map(|f| f.name).collect();
    assert_eq!(names, FIELD_NAMES);
    let filled = packet.chargeback_evidence.iter().filter(|f| f.value.is_some()).count();
    assert_eq!(filled, 17);
    for field in &packet.chargeback_evidence {
        match &field.value {
            Some(value) => {
                assert!(!value.is_empty() && value.chars().count() <= FIELD_CHARS_MAX, "{}", field.name)
            }
            None => assert!(field.note.is_some(), "{} does not say why it is empty", field.name),
        }
    }
    let value =
        |name: &str| packet.chargeback_evidence.iter().find(|f| f.name == name).unwrap().value.clone();
    assert_eq!(value("customer_name").unwrap(), "Imelda Karlsson-Roe");
    assert_eq!(value("shipping_date").unwrap(), "2024-03-05");
    assert_eq!(value("shipping_carrier").unwrap(), "ups");
    assert_eq!(value("shipping_tracking_number").unwrap(), "1Z8F41A20300482133");
    assert!(value("refund_policy").unwrap().contains("AMC-1.2"));
    assert_eq!(value("customer_purchase_ip"), None);
}

#[test]
fn a_packet_looks_at_the_record_as_it_was() {
    let (_dir, mut shop) = shop(&["atp-corrected-inspection"]);
    let whole = shop.packet(ATP, &Options::default());
    assert_eq!((whole.known.corrections.len(), whole.known.reversals.len()), (2, 1));
    let first = whole.known.corrections.last().unwrap();
    let position = first.position - 1;
    let cut = Cut { position: Position::new(position), ..Cut::default() };
    let then = shop.packet(ATP, &Options { cut, ..Options::default() });
    assert!(then.known.corrections.len() == 1 && then.timeline.iter().all(|t| t.position <= position));
    assert!(then.timeline.len() < whole.timeline.len());
    assert_eq!(then.moment.as_of, Some(position));
    // Both are shown: what was said, and what it became.
    let field = first.fields.first().unwrap();
    assert!(field.was.is_some() && field.was != field.became, "{field:?}");
    let early = Cut { position: Position::new(1), ..Cut::default() };
    let why = packet::packet(
        shop.ledger.store(),
        &ClaimId::new(ATP).unwrap(),
        &Options { cut: early, ..Options::default() },
    );
    assert_eq!(why.unwrap_err().code, "not_found");
}

#[test]
fn a_credit_from_before_the_ledger_has_a_packet() {
    let (dir, shop) = shop(&[]);
    drop(shop);
    let line = r#"{"stream":"claim/CN-1","expected_revision":0,"kind":"historical_credit_recorded","effective_at":"2021-01-02T10:00:00Z","actor":"import","role":"system","source":"old","external_id":"cn-1","payload":{"merchant":"OLD","reference":"CN-1","amount":{"currency":"EUR","minor":1250},"country":"DE","lines":[{"key":"CN-1/1","sku":"A-1","quantity":1,"amount_minor":1250}]}}"#;
    fs::write(dir.path().join("credit.ndjson"), line).unwrap();
    run(dir.path(), &["record", "credit.ndjson", "-l", "shop.db"]);
    let said = run(dir.path(), &["packet", "CN-1", "-l", "shop.db", "--format", "markdown"]);
    assert_eq!(said.code, 0, "{said:?}");
    for words in [
        "| paid to the customer | 12.50 EUR | 1 credit |",
        "No policy judges this claim",
        "| Historical credit",
        "historical CN-1, by import",
    ] {
        assert!(said.stdout.to_lowercase().contains(&words.to_lowercase()), "{words}\n{}", said.stdout);
    }
}

#[test]
fn no_text_of_others_becomes_markup() {
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::new(&dir.path().join("shop.db"));
    shop.hostile = true;
    for (story, claim) in [
        ("amc-partial-return", AMC),
        ("rne-dispute-and-chargebacks", "RNE-C-0771"),
        ("atp-corrected-inspection", ATP),
    ] {
        shop.play(story);
        let packet = shop.packet(claim, &Options { with_notes: true, ..Options::default() });
        let html = packet::html(&packet).unwrap();
        assert_eq!(html.matches("<script").count(), 2, "{claim}");
        assert_eq!(html.matches("</script").count(), 2, "{claim}");
        assert!(!html.contains("<img") && !html.contains('\u{2028}') && !html.contains('\u{202E}'));
        let shown =
            "&lt;img src=x onerror=pwned=1&gt;&quot;'&amp;amp;&lt;!--⟨U+2028⟩⟨U+202E⟩\u{200F}|`*_]]&gt;";
        assert!(html.matches(shown).count() > 20, "{claim}: {}", html.matches(shown).count());
        // The data are what was recorded, to the byte.
        let (_, data) = html.split_once("id=\"packet\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        let values =
            data["events"].as_array().unwrap().iter().flat_map(|e| e["personal"].as_array().unwrap());
        assert!(values.filter(|value| value["value"].as_str().unwrap().ends_with(HOSTILE)).count() > 2);
        let markdown = packet::markdown(&packet);
        assert!(
            !markdown.contains("<script") && !markdown.contains("<img") && !markdown.contains('\u{202E}')
        );
        for row in markdown.lines().filter(|line| line.starts_with("| ")) {
            let bars = row.replace("\\|", "").matches('|').count();
            assert!((3..=7).contains(&bars), "a cell was ended from inside: {row}");
        }
    }
}

#[test]
fn a_false_value_or_event_gives_no_packet() {
    let (dir, mut shop) = shop(&["amc-partial-return"]);
    shop.ledger.store().tip().unwrap();
    drop(shop);
    let path = dir.path().join("shop.db");
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute("UPDATE personal SET value = 'Somebody Else' WHERE path = 'buyer.name'", []).unwrap();
    drop(db);
    let said = run(dir.path(), &["packet", AMC, "-l", "shop.db"]);
    assert_eq!(said.code, 18, "{said:?}");
    assert!(said.stderr.contains("not the one committed to") && said.stdout.is_empty(), "{said:?}");
}

#[test]
fn the_program_writes_what_is_asked_for_and_says_what_is_weak() {
    let (dir, mut shop) = shop(&["amc-partial-return"]);
    let out = |args: &[&str]| -> Outcome { run(dir.path(), &[&["packet", "-l", "shop.db"], args].concat()) };
    let said = out(&["NO-SUCH"]);
    assert_eq!((said.code, said.stderr.contains("no claim NO-SUCH is on record")), (14, true), "{said:?}");
    let said = out(&[AMC]);
    assert!(said.code == 0 && said.stdout.starts_with("<!DOCTYPE html>"), "{}", said.stderr);
    assert!(said.stderr.contains("are in no signed checkpoint"), "{}", said.stderr);
    assert!(said.stdout.contains("which nobody has signed"));
    let said = out(&[AMC, "--json"]);
    let json: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(json["format"], packet::FORMAT);
    let said = out(&[AMC, "--checkpoint", "3"]);
    assert_eq!((said.code, said.stderr.contains("no checkpoint of 3 events")), (14, true), "{said:?}");
    let key = shop.sign();
    let said = out(&[AMC, "--output", "p.html", "--log-key", &key]);
    assert_eq!((said.code, said.stderr.lines().count()), (0, 1), "{said:?}");
    let said = out(&[AMC, "--output", "p.html"]);
    assert_eq!((said.code, said.stderr.contains("nothing was overwritten")), (11, true), "{said:?}");
    let mode = |name: &str| {
        let meta = fs::metadata(dir.path().join(name)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o777
    };
    assert_eq!(mode("p.html"), 0o600, "personal values are for their owner");
    let said = out(&[AMC, "--format", "markdown"]);
    assert!(
        said.stdout.starts_with("# Claim") && said.stderr.contains("signature was not checked"),
        "{}",
        said.stderr
    );
}
