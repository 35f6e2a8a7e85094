//! The differences between policies: none exactly when the hash is the same, and each at its row.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{fs, path::PathBuf};

use claims::policy_file::{
    self,
    diff::{Change, Difference, diff},
    embedded,
};
use serde_json::Value;

fn sound() -> String {
    fs::read_to_string("fixtures/broken/lint/sound.toml").unwrap()
}

fn body(text: &str) -> Value {
    policy_file::parse(text, None, embedded::HOUSE.text, "acme.toml").unwrap().published.body
}

/// What a change of the sound policy comes to.
fn changed(from: &str, to: &str) -> Vec<Difference> {
    let text = sound();
    assert_eq!(text.matches(from).count(), 1, "{from}");
    diff(&body(&text), &body(&text.replace(from, to)))
}

fn short(found: &[Difference]) -> Vec<String> {
    let words = |d: &Difference| {
        let fields: Vec<String> = d.fields.iter().map(|f| format!("{}: {}", f.field, f.words)).collect();
        format!("{:?} {} [{}] {}", d.change, d.row, d.cites.join(" "), fields.join("; "))
    };
    found.iter().map(words).collect()
}

#[test]
fn each_faulty_file_differs_from_the_sound_one_and_back_again() {
    let entries = fs::read_dir("fixtures/broken/lint").unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    let sound = body(&sound());
    for file in files {
        let other = policy_file::read(&file).unwrap().published.body;
        let (there, back) = (diff(&sound, &other), diff(&other, &sound));
        assert_eq!(there.is_empty(), sound == other, "{}", file.display());
        let count = |found: &[Difference], change| found.iter().filter(|d| d.change == change).count();
        assert_eq!(count(&there, Change::Added), count(&back, Change::Removed), "{}", file.display());
        assert_eq!(count(&there, Change::Removed), count(&back, Change::Added), "{}", file.display());
        assert_eq!(there.len(), back.len(), "{}", file.display());
        for difference in there {
            assert!(!difference.fields.is_empty(), "{difference:?}");
        }
    }
}

#[test]
fn two_merchants_differ_in_everything_and_one_not_from_itself() {
    let five = embedded::policies().unwrap();
    for one in &five {
        assert_eq!(diff(&one.published.body, &one.published.body), vec![]);
        for two in five.iter().filter(|two| two.published.policy != one.published.policy) {
            assert!(diff(&one.published.body, &two.published.body).len() > 20);
        }
    }
}

#[test]
fn a_row_that_changes_is_the_same_row() {
    for (from, to, due) in [
        (
            "needs = [\"is\", \"insp.altered\", false]",
            "needs = [\"is\", \"insp.installed\", false]",
            "Changed requirement 2 (final_decision) [ACME-3] needs: insp.altered is no -> insp.installed is no",
        ),
        (
            "scope = { region = \"home\" }",
            "scope = { region = \"!home\", basis = [\"defect\"] }",
            "Changed cost 1 (inbound_shipping) [ACME-5] scope.region: home -> !home; scope.basis: (nothing) -> defect",
        ),
        (
            "cost = \"installation\"\ncites = [\"ACME-6\"]",
            "cost = \"installation\"\ncites = [\"ACME-5\"]",
            "Changed never 1 (installation) [ACME-6 ACME-5] cites: ACME-6 -> ACME-5",
        ),
        (
            "paraphrase = \"20% restocking fee\"",
            "paraphrase = \"25% restocking fee\"",
            "Changed clause 4 (ACME-4) [ACME-4] paraphrase: 20% restocking fee -> 25% restocking fee",
        ),
        ("version = 1", "version = 2", "Changed policy [] version: 1 -> 2"),
        (
            "fee_bp_max = 2000",
            "fee_bp_max = 1000",
            "Changed discretion 1 (final_decision) [ACME-3] bounds.fee_bp_max: 2000 -> 1000",
        ),
        (
            "cost = \"customs\"",
            "cost = \"duties\"",
            "Added cost 4 (duties) [ACME-5] cites: (nothing) -> ACME-5; collect: (nothing) -> deduct_or_charge; \
             cost: (nothing) -> duties; payer: (nothing) -> customer",
        ),
    ] {
        let found = short(&changed(from, to));
        assert_eq!(found.first().map(String::as_str), Some(due), "{found:#?}");
    }
}

#[test]
fn the_order_of_rows_is_told() {
    let gift = "[[payout]]\nwhen = [\"is\", \"order.gift.marked\", true]\nto = \"gift_credit:recipient\"\ncites = [\"ACME-1\"]\n\n";
    let (before, after) = (sound().replace("[[payout]]", &format!("{gift}[[payout]]")), {
        sound().replace("[authorization]", &format!("{gift}[authorization]"))
    });
    let found = diff(&body(&before), &body(&after));
    assert_eq!(
        short(&found),
        ["Moved payout [] order: payout 1 (gift_credit:recipient), payout 2 (original_method) -> \
          payout 2 (original_method), payout 1 (gift_credit:recipient)"]
    );
}

#[test]
fn the_house_rules_belong_to_the_policy() {
    let house =
        embedded::HOUSE.text.replace("version = 1", "version = 2").replace("minor units of", "cents of");
    let other = policy_file::parse(&sound(), None, &house, "acme.toml").unwrap().published.body;
    let found = diff(&body(&sound()), &other);
    let rows: Vec<&str> = found.iter().map(|d| d.row.as_str()).collect();
    assert_eq!(rows, ["house", "house clause 8 (H-8)"]);
}
