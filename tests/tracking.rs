//! The table of tracking-number formats against the test numbers of the tracking_number_data project (MIT),
//! which lie beside the project and are not part of it.

use replay::tracking::{Check, Match, Verdict, carriers, judge, recognise};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/tracking");
const VALID_COUNT: usize = 192;
const INVALID_COUNT: usize = 88;

/// One file of the data: a courier and the formats it publishes.
fn couriers() -> Option<Vec<Value>> {
    let folder = Path::new(DATA).join("couriers");
    if !folder.is_dir() {
        println!("skipped: shared data not beside the project ({})", folder.display());
        return None;
    }
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    Some(files.iter().map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()).collect())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The format of the table that `number` fits and that is this format of the data: by its id, or by its name
/// where it has none.
fn as_this_format(courier: &Value, format: &Value, number: &str) -> Option<Match> {
    let same = |found: &Match| match format["id"].as_str() {
        Some(id) => found.format == id,
        None => found.name == text(format, "name"),
    };
    recognise(number).into_iter().find(|found| found.carrier == text(courier, "courier_code") && same(found))
}

#[test]
fn every_published_test_number_is_judged_right() {
    let Some(couriers) = couriers() else { return };
    let (mut valid_count, mut invalid_count, mut misjudged) = (0, 0, Vec::new());
    for courier in &couriers {
        let code = text(courier, "courier_code");
        for format in list(courier, "tracking_numbers") {
            let has_check_digit = format["validation"]["checksum"].is_object();
            let check = if has_check_digit { Check::Verified } else { Check::NoCheckDigit };
            let label = text(format, "name");
            for number in list(&format["test_numbers"], "valid").iter().map(|number| number.as_str().unwrap())
            {
                valid_count += 1;
                let found = as_this_format(courier, format, number);
                let verdict = judge(code, number);
                if found.map(|found| found.check) != Some(check) || !matches!(verdict, Verdict::WellFormed(_))
                {
                    misjudged
                        .push(format!("{label}: valid {number:?}: {verdict:?}, as this format {found:?}"));
                }
            }
            for number in
                list(&format["test_numbers"], "invalid").iter().map(|number| number.as_str().unwrap())
            {
                invalid_count += 1;
                if as_this_format(courier, format, number).is_some() {
                    misjudged.push(format!("{label}: invalid {number:?} was accepted"));
                }
            }
        }
    }
    println!("{valid_count} valid and {invalid_count} invalid numbers, {} misjudged", misjudged.len());
    assert!(misjudged.is_empty(), "misjudged:\n{}", misjudged.join("\n"));
    assert_eq!((valid_count, invalid_count), (VALID_COUNT, INVALID_COUNT), "the shared data has changed");
}

#[test]
fn a_changed_check_digit_is_refused_for_its_format() {
    let Some(couriers) = couriers() else { return };
    for courier in &couriers {
        for format in list(courier, "tracking_numbers") {
            // The barcode of ASTRA goes on behind its check digit, and S10 ends in the country.
            let id = format["id"].as_str().unwrap_or_default();
            let behind =
                [("fedex_astra_32", 4), ("s10", 2)].iter().find(|entry| entry.0 == id).map_or(0, |e| e.1);
            for number in list(&format["test_numbers"], "valid").iter().map(|number| number.as_str().unwrap())
            {
                let digits: Vec<char> = number.chars().filter(|c| !c.is_whitespace()).collect();
                let at = digits.len() - 1 - behind;
                let check_character_count = if digits[at].is_ascii_digit() { 10 } else { 36 };
                let accepted = (0..check_character_count).filter(|value| {
                    let mut digits = digits.clone();
                    digits[at] = char::from_digit(*value, 36).unwrap();
                    as_this_format(courier, format, &digits.iter().collect::<String>()).is_some()
                });
                if format["validation"]["checksum"].is_object() {
                    assert_eq!(accepted.count(), 1, "{} {number:?}", text(format, "name"));
                }
            }
        }
    }
}

#[test]
fn the_table_and_the_data_name_the_same_couriers_and_posts() {
    let Some(couriers) = couriers() else { return };
    let published: BTreeSet<&str> = couriers.iter().map(|courier| text(courier, "courier_code")).collect();
    assert_eq!(published, carriers().map(|(code, _)| code).collect());

    let s10 = couriers.iter().find(|courier| text(courier, "courier_code") == "s10").unwrap();
    let lookups = list(&s10["tracking_numbers"][0], "additional");
    let posts = list(lookups.iter().find(|lookup| text(lookup, "name") == "Courier").unwrap(), "lookup");
    assert_eq!(posts.len(), 191, "the shared data has changed");
    for post in posts {
        let number = format!("RR473124829{}", text(post, "matches"));
        assert!(matches!(judge("s10", &number), Verdict::WellFormed(_)), "{number}");
    }
}
