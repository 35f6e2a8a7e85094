//! Variants of stories: other amounts, quantities, dates, offsets, places, currencies, findings and papers.

use chrono::{DateTime, Duration, FixedOffset, NaiveDate};
use serde_json::{Map, Value, json};

/// A seeded source of numbers, the same in every run (SplitMix64).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len() as u64) as usize]
    }
}

/// Exponents 0, 2 and 3.
const CURRENCIES: [&str; 6] = ["USD", "EUR", "CAD", "JPY", "KWD", "AUD"];
const PLACES: [&str; 12] =
    ["US-TX", "US-HI", "PR", "CA-ON", "CA-BC", "DE", "NO", "GB", "AU-VIC", "AU-QLD", "CN", "US-AK"];
pub const CAUSES: [&str; 24] = [
    "manufacturing",
    "transit",
    "unknown",
    "none",
    "misuse",
    "neglect",
    "wear",
    "accident",
    "abuse",
    "external",
    "incorrect_usage",
    "alteration",
    "disassembly",
    "abrasion",
    "improper_care",
    "uv",
    "natural_breakdown",
    "water",
    "depreciation",
    "faulty_installation",
    "updated",
    "charger_voltage",
    "battery_misuse",
    "act_of_god",
];
const PAPERS: [&str; 9] = [
    "order_number",
    "proof_of_purchase",
    "defect_description",
    "customer_verified",
    "package_photo_front",
    "package_photo_back",
    "item_photo_or_video",
    "problem_photo_or_video",
    "partial_shipment_slip",
];
pub const REASONS: [&str; 6] =
    ["change_of_mind", "wrong_purchase", "defect", "doa", "transit_damage", "merchant_error"];

/// What an inspection could find.
pub fn findings(c: &mut Chance) -> Map<String, Value> {
    let mut found = Map::new();
    let parts = if c.one_in(4) { json!(["cable"]) } else { json!([]) };
    let damage = if c.one_in(4) { json!(["scratch"]) } else { json!([]) };
    for (field, value) in [
        ("installed", json!(c.one_in(2))),
        ("packaging", json!(c.of(&["intact", "damaged", "missing"]))),
        ("same_condition", json!(!c.one_in(4))),
        ("altered", json!(c.one_in(6))),
        ("sealed", json!(c.one_in(2))),
        ("accessories_missing", parts),
        ("damage", damage),
        ("defect", json!(c.of(&["confirmed", "none", "inconclusive"]))),
        ("on_arrival", json!(c.one_in(2))),
        ("cause", json!(c.of(&CAUSES))),
    ] {
        found.insert(field.into(), value);
    }
    if c.one_in(3) {
        let fields: Vec<String> = found.keys().cloned().collect();
        found.remove(c.of(&fields));
    }
    found
}

/// The story with a few things changed at random. What has to come out is no longer known: only what always holds.
pub fn vary(story: &Value, c: &mut Chance) -> Value {
    let mut story = story.clone();
    story["expected"] = json!([{}]);
    let days = c.below(4) * 365 + c.below(400);
    walk(&mut story, &mut |text| moved(text, days as i64));
    let order = story["order"].as_object_mut().unwrap();
    if c.one_in(3) {
        order.insert("currency".into(), json!(c.of(&CURRENCIES)));
        order.remove("currency_exponent");
    }
    if c.one_in(3) {
        order.insert("region".into(), json!(c.of(&PLACES)));
    }
    let inclusive = order.get("tax_mode") == Some(&json!("inclusive"));
    let mut gross = 0;
    for line in order["lines"].as_array_mut().unwrap() {
        if c.one_in(3) {
            line["quantity"] = json!(line["quantity"].as_u64().unwrap() + c.below(4));
        }
        if c.one_in(2) && line["unit_price"] != 0 {
            line["unit_price"] = json!(1 + c.below(99_999));
        }
        let worth = line["unit_price"].as_u64().unwrap() * line["quantity"].as_u64().unwrap();
        let discount = if c.one_in(3) { c.below(worth / 2 + 1) } else { 0 };
        line["line_discount"] = json!(discount);
        line["tax"] = json!(if inclusive { 0 } else { (worth - discount) * c.below(25) / 100 });
        gross += worth - discount;
    }
    order.insert("order_discount".into(), json!(if c.one_in(3) { c.below(gross / 3 + 1) } else { 0 }));
    order.insert("outbound_shipping".into(), json!(if c.one_in(2) { c.below(5_000) } else { 0 }));
    order.insert("outbound_shipping_tax".into(), json!(if inclusive { 0 } else { c.below(300) }));
    for event in story["events"].as_array_mut().unwrap() {
        let kind = event["type"].as_str().unwrap().to_string();
        let event = event.as_object_mut().unwrap();
        match kind.as_str() {
            "claim_opened" => {
                if c.one_in(4) {
                    event.insert("kind".into(), json!(c.of(&REASONS)));
                }
                if c.one_in(4) {
                    event.insert(
                        "evidence".into(),
                        json!(PAPERS.iter().filter(|_| c.one_in(2)).collect::<Vec<_>>()),
                    );
                    event.remove("not_evidence");
                }
            }
            "item_inspected" if c.one_in(2) => event.extend(findings(c)),
            "cost_recorded" | "label_issued" if c.one_in(2) && !event.contains_key("order_amount") => {
                event.insert("amount".into(), json!(1 + c.below(9_000)));
                let payer = if c.one_in(2) { "customer" } else { "merchant" };
                event.insert("paid_by".into(), json!(payer));
            }
            "refund_issued" if c.one_in(2) => {
                event.insert("amount".into(), json!(1 + c.below(120_000)));
            }
            "remedy_selected" | "remedy_decided" if c.one_in(4) => {
                let remedy = c.of(&["refund", "replacement", "repair", "exchange", "spare_parts"]);
                event.insert("remedy".into(), json!(remedy));
            }
            _ => {}
        }
        // A clock change: another offset, the same instant.
        if c.one_in(4) {
            let at = DateTime::parse_from_rfc3339(event["at"].as_str().unwrap()).unwrap();
            let minutes = *c.of(&[-60, 60, 330, -240]);
            let offset =
                FixedOffset::east_opt((at.offset().local_minus_utc() + minutes * 60).clamp(-50_400, 50_400))
                    .unwrap();
            event.insert("at".into(), json!(at.with_timezone(&offset).to_rfc3339()));
        }
    }
    story
}

/// Every text of a story that is a time or a day.
fn walk(value: &mut Value, change: &mut impl FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(other) = change(text) {
                *text = other;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|v| walk(v, change)),
        Value::Object(map) => map.values_mut().for_each(|v| walk(v, change)),
        _ => {}
    }
}

/// The same wall clock some days later, across leap days as they come.
fn moved(text: &str, days: i64) -> Option<String> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some((at + Duration::days(days)).to_rfc3339());
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some((day + Duration::days(days)).to_string())
}
