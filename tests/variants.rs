//! What holds of every story, not only of those whose outcome somebody worked out (policies/model.md, section 7). The
//! given stories are varied at random: amounts, quantities, taxes, dates, offsets, places, currencies, findings,
//! papers, reasons, who pays. `VARIANTS=5000` asks for more of them; a failure prints the story and its seed.

#[path = "variants/chance.rs"]
mod chance;
#[path = "variants/checks.rs"]
mod checks;
#[path = "support/program.rs"]
mod program;
#[path = "variants/wrong.rs"]
mod wrong;

use chance::{Chance, REASONS, findings, vary};
use checks::Check;
use claims::{
    judging,
    policy_file::{PolicyFile, embedded},
    scenario::{self, Played, Scenario},
    view::case_of,
};
use replay::{
    case::Case,
    event::Event,
    history::Cut,
    ids::{ClaimId, OrderId, Stream},
    judge::{Judgement, LineKind, Options, judge, on_trial},
    registry::Registry,
    time::When,
};
use serde_json::{Map, Value, json};
use std::{fs, sync::OnceLock};

/// How many variants each property is tried on.
fn cases() -> u64 {
    std::env::var("VARIANTS").ok().and_then(|n| n.parse().ok()).unwrap_or(60)
}

fn policies() -> &'static [PolicyFile] {
    static POLICIES: OnceLock<Vec<PolicyFile>> = OnceLock::new();
    POLICIES.get_or_init(|| embedded::policies().unwrap())
}

/// Every story, as it stands in its file.
fn stories() -> &'static [Value] {
    static STORIES: OnceLock<Vec<Value>> = OnceLock::new();
    STORIES.get_or_init(|| {
        let files = scenario::embedded::files();
        files.flat_map(|file| serde_json::from_str::<Vec<Value>>(file.text).unwrap()).collect()
    })
}

/// A story on record, ready to be judged.
struct Told {
    played: Played,
    case: Case,
    registry: Registry,
}

impl Told {
    fn of(story: &Value) -> Option<Self> {
        let scenario = scenario::read("variant", &json!([story]).to_string());
        let scenario: Scenario = scenario.unwrap_or_else(|why| panic!("{why}\n{story}")).remove(0);
        let policy = scenario::policy_of(&scenario, policies()).unwrap();
        // A change may make a story that cannot be: a correction that changes nothing, units that were not sold.
        let mut played = scenario::play(&scenario, policy).ok()?;
        let order = Stream::Order(OrderId::new(scenario::ORDER).unwrap());
        let case = case_of(played.ledger.store(), &order).unwrap();
        let registry = judging::registry(played.ledger.store()).unwrap();
        Some(Self { played, case, registry })
    }
    fn judge(&self, id: &ClaimId, cut: &Cut) -> Option<Judgement> {
        judge(&self.case, id, &self.registry, cut)
    }
    fn all(&self) -> Vec<Judgement> {
        self.played.claims.iter().filter_map(|id| self.judge(id, &Cut::default())).collect()
    }
    fn outcome(&self, id: &ClaimId, cut: &Cut) -> Map<String, Value> {
        self.judge(id, cut).map(|judged| judging::of_claim(&judged)).unwrap_or_default()
    }
}

/// Tries a property on variants of the stories. The property says whether it had something to look at.
fn every_variant(name: &str, seed: u64, property: impl Fn(&Value, &mut Chance) -> Result<bool, String>) {
    let (mut looked, mut n) = (0, 0);
    while looked < cases() {
        let mut c = Chance::new(seed * 1_000_003 + n);
        let story = c.of(stories()).clone();
        let variant = vary(&story, &mut c);
        match property(&variant, &mut c) {
            Ok(had) => looked += u64::from(had),
            Err(why) => {
                let text = serde_json::to_string_pretty(&variant).unwrap();
                panic!("{name}, case {n}, {}: {why}\n{text}", story["id"]);
            }
        }
        n += 1;
        assert!(n < cases() * 40, "{name}: {looked} of {n} variants had anything to look at");
    }
}

#[test]
fn sums_cites_denials_shares_and_caps_hold() {
    every_variant("a judgement", 1, |story, _| {
        let Some(told) = Told::of(story) else { return Ok(false) };
        let judgements = told.all();
        for judged in &judgements {
            checks::lines_add_up(judged)?;
            checks::everything_is_cited(judged, &judged.policy)?;
            checks::only_known_facts_deny(judged)?;
        }
        shares(&told)?;
        paid(&told)?;
        Ok(!judgements.is_empty())
    });
}

/// H-9: what was paid for the order is spread over its units to the last cent.
fn shares(told: &Told) -> Check {
    let Some(id) = told.played.claims.first() else { return Ok(()) };
    let found = on_trial(&told.case, id, &told.registry, &Cut::default(), &Options::default(), |trial| {
        let sale = trial.facts.sale.value;
        let mut units = Vec::new();
        for (at, line) in sale.lines.iter().enumerate() {
            for n in 1..=line.quantity {
                let worth = trial.worth(at, n, n);
                units.push([
                    worth.net_minor,
                    worth.tax_minor,
                    worth.shipping_minor + worth.shipping_tax_minor,
                ]);
            }
        }
        let net: u64 = sale
            .lines
            .iter()
            .map(|l| l.unit_price_minor * u64::from(l.quantity) - l.line_discount_minor)
            .sum();
        let tax: u64 = sale.lines.iter().map(|l| l.tax_minor).sum();
        let shipping = sale.shipping_minor + sale.shipping_tax_minor;
        checks::shares_are_the_whole(&units, [net - sale.order_discount_minor, tax, shipping])
    });
    found.unwrap_or(Ok(()))
}

/// H-14: over all claims of the order, whatever anybody tried to send.
fn paid(told: &Told) -> Check {
    let captured = told.case.order_state().map_or(0, |order| order.captured_minor);
    let (mut refunded, mut outside) = (0, 0);
    for id in &told.played.claims {
        let Some(judged) = told.judge(id, &Cut::default()) else { continue };
        refunded += judged.refunded_minor;
        let Some(claim) = told.case.claims.get(id) else { continue };
        // Everything that was ever said, also what was taken back later: it may have been paid by then.
        for fact in claim.history.facts() {
            outside += match &fact.event {
                Event::CostRecorded(c) => c.order_amount.unwrap_or(c.amount).minor(),
                Event::LabelIssued(l) => l.cost.minor(),
                Event::DiscretionExercised(d) => d.amount.map_or(0, |a| a.minor()),
                _ => 0,
            };
        }
    }
    checks::no_more_than_taken(refunded, captured, outside)
}

/// A return of a whole order, every unit in a state of its own: `claims` groups of units, claimed one by one.
fn returned(policy: &str, c: &mut Chance, groups: usize) -> (Value, Value) {
    let (currency, region) = (*c.of(&["USD", "JPY", "KWD"]), *c.of(&["US-TX", "CA-ON", "DE"]));
    let lines: Vec<Value> = (1..=1 + c.below(3))
        .map(|n| {
            let (price, quantity) = (1 + c.below(50_000), 1 + c.below(4));
            json!({"id": format!("L{n}"), "class": c.of(&["main", "accessory"]), "unit_price": price,
                   "quantity": quantity, "line_discount": c.below(price / 2 + 1), "tax": c.below(price),
                   "warranty_term": "P1Y"})
        })
        .collect();
    let units: Vec<String> = lines
        .iter()
        .flat_map(|line| {
            let id = line["id"].as_str().unwrap().to_string();
            (1..=line["quantity"].as_u64().unwrap()).map(move |n| format!("{id}#{n}"))
        })
        .collect();
    let net: u64 = lines
        .iter()
        .map(|l| {
            l["unit_price"].as_u64().unwrap() * l["quantity"].as_u64().unwrap()
                - l["line_discount"].as_u64().unwrap()
        })
        .sum();
    let order = json!({
        "currency": currency, "region": region, "purchased_at": "2024-03-01T12:00:00Z", "invoiced_on": "2024-03-01",
        "shipped_at": "2024-03-02T12:00:00Z", "delivered_at": "2024-03-04T12:00:00Z",
        "outbound_shipping": c.below(3_000), "outbound_shipping_tax": c.below(300), "order_discount": c.below(net / 2 + 1),
        "lines": lines,
    });
    let kind = *c.of(&REASONS);
    let states: Vec<Map<String, Value>> = units.iter().map(|_| findings(c)).collect();
    let group: Vec<usize> = units.iter().map(|_| c.below(groups as u64) as usize).collect();
    let story = |of: &dyn Fn(usize) -> usize| {
        let mut events = Vec::new();
        for claim in 0..groups {
            let own: Vec<usize> = (0..units.len()).filter(|at| of(*at) == claim).collect();
            if own.is_empty() {
                continue;
            }
            let names: Vec<&String> = own.iter().map(|at| &units[*at]).collect();
            let id = format!("C{}", claim + 1);
            let papers = [
                "order_number",
                "proof_of_purchase",
                "defect_description",
                "package_photo_front",
                "package_photo_back",
                "item_photo_or_video",
                "problem_photo_or_video",
            ];
            events.push(
                json!({"at": "2024-03-07T12:00:00Z", "type": "claim_opened", "claim": id, "kind": kind,
                "by": "buyer", "via": "email", "units": names, "evidence": papers}),
            );
            events.push(json!({"at": "2024-03-08T12:00:00Z", "type": "authorization_granted", "claim": id, "written": true,
                "rma": format!("RMA-{id}"), "units": names}));
            events.push(json!({"at": "2024-03-09T12:00:00Z", "type": "shipment_dispatched", "claim": id, "leg": "inbound", "units": names}));
            events.push(json!({"at": "2024-03-12T12:00:00Z", "type": "parcel_received", "claim": id, "rma": format!("RMA-{id}"), "units": names}));
            for at in own {
                let mut inspected = states[at].clone();
                inspected.extend(json!({"at": "2024-03-13T12:00:00Z", "type": "item_inspected", "claim": id, "units": units[at]}).as_object().unwrap().clone());
                events.push(Value::Object(inspected));
            }
            events.push(json!({"at": "2024-03-14T12:00:00Z", "type": "remedy_selected", "claim": id, "remedy": "refund"}));
        }
        json!({"id": format!("{policy}-split"), "policy": policy, "order": order, "events": events, "expected": [{}]})
    };
    (story(&|_| 0), story(&|at| group[at]))
}

#[test]
fn splitting_a_return_changes_no_cent() {
    let (mut looked, mut n) = (0, 0);
    while looked < cases() {
        let mut c = Chance::new(2_000_003 + n);
        n += 1;
        let policy = policies()[c.below(policies().len() as u64) as usize].published.policy.to_string();
        let (whole, split) = returned(&policy, &mut c, 3);
        let (Some(a), Some(b)) = (Told::of(&whole), Told::of(&split)) else {
            panic!("cannot be told: {whole}")
        };
        let (a, b) = (checks::by_kind(&a.all()), checks::by_kind(&b.all()));
        checks::splitting_changes_nothing(&a, &b).unwrap_or_else(|why| panic!("case {n}: {why}\n{split:#}"));
        looked += u64::from(!a.is_empty());
        assert!(n < cases() * 40, "{looked} of {n} returns were refunded");
    }
}

#[test]
fn messages_that_come_twice_change_nothing() {
    every_variant("duplicates", 3, |story, c| {
        let mut once = story.clone();
        for (n, event) in once["events"].as_array_mut().unwrap().iter_mut().enumerate() {
            let amends = event["type"] == "event_corrected" || event["type"] == "event_reversed";
            if event.get("external_id").is_none() && !amends {
                event["external_id"] = json!(format!("k{n}"));
            }
        }
        let mut twice = once.clone();
        let events = twice["events"].as_array_mut().unwrap();
        for n in (0..events.len()).rev() {
            let mut again = events[n].clone();
            if again["type"] == "policy_published" || again.get("external_id").is_none() || c.one_in(2) {
                continue;
            }
            again.as_object_mut().unwrap().remove("label");
            events.insert(n + 1, again);
        }
        let (Some(a), Some(b)) = (Told::of(&once), Told::of(&twice)) else { return Ok(false) };
        for id in &a.played.claims {
            checks::same("once and twice", &a.outcome(id, &Cut::default()), &b.outcome(id, &Cut::default()))?;
        }
        Ok(a.played.claims.len() == b.played.claims.len() && once != twice)
    });
}

/// The events of a story in the order of time, those at the same moment in the order of the file.
fn by_time(story: &Value) -> Vec<(When, Value)> {
    let events = story["events"].as_array().unwrap();
    let mut events: Vec<(When, Value)> =
        events.iter().map(|e| (When::parse(e["at"].as_str().unwrap()).unwrap(), e.clone())).collect();
    events.sort_by_key(|(at, _)| at.at);
    events
}

/// Facts that can be declared not to have occurred, and that nothing before them rests on.
const FACTS: [&str; 9] = [
    "item_inspected",
    "evidence_submitted",
    "verification_failed",
    "parcel_received",
    "cost_recorded",
    "connectivity_assessed",
    "stock_reported",
    "shipment_dispatched",
    "item_lost_in_custody",
];

#[test]
fn a_reversal_gives_the_state_without_the_event() {
    every_variant("a reversal", 4, |story, c| {
        let events = by_time(story);
        let facts: Vec<usize> = (0..events.len())
            .filter(|n| {
                FACTS.contains(&events[*n].1["type"].as_str().unwrap())
                    && events[*n].1.get("external_id").is_none_or(|k| !k.as_str().unwrap().starts_with('R'))
            })
            .collect();
        if facts.is_empty() {
            return Ok(false);
        }
        // What comes after it would rest on it: the story ends with the fact.
        let end = *c.of(&facts);
        let story_of = |list: Vec<Value>| {
            let mut other = story.clone();
            other["events"] = Value::Array(list);
            other
        };
        let before: Vec<Value> = events[..end].iter().map(|(_, e)| e.clone()).collect();
        let mut fact = events[end].1.clone();
        fact["label"] = json!("reversed here");
        let mut reversal = json!({"at": events[end].0.to_string(), "type": "event_reversed", "target": "reversed here", "reason": "mistake"});
        if let Some(claim) = fact.get("claim") {
            reversal["claim"] = claim.clone();
        }
        let mut after = before.clone();
        after.extend([fact, reversal]);
        let (Some(without), Some(with)) = (Told::of(&story_of(before)), Told::of(&story_of(after))) else {
            return Ok(false);
        };
        if with.played.refused.iter().any(|r| r.kind == "event_reversed" || r.kind == "parcel_received") {
            return Ok(false);
        }
        for id in &without.played.claims {
            checks::same(
                "without and reversed",
                &without.outcome(id, &Cut::default()),
                &with.outcome(id, &Cut::default()),
            )?;
        }
        Ok(!without.played.claims.is_empty())
    });
}

#[test]
fn the_past_stays_as_it_was_judged() {
    every_variant("the past", 5, |story, c| {
        let events = by_time(story);
        if events.len() < 2 {
            return Ok(false);
        }
        let n = 1 + c.below(events.len() as u64 - 1) as usize;
        if events[n].0.at == events[n - 1].0.at {
            return Ok(false);
        }
        let mut then = story.clone();
        then["events"] = events[..n].iter().map(|(_, e)| e.clone()).collect();
        let (Some(now), Some(then)) = (Told::of(story), Told::of(&then)) else { return Ok(false) };
        let known_at = Some(events[n - 1].0.at);
        let cut = Cut { known_at, ..Cut::default() };
        for id in &then.played.claims {
            checks::same("then and replayed", &then.outcome(id, &cut), &now.outcome(id, &cut))?;
        }
        Ok(!then.played.claims.is_empty())
    });
}

#[test]
fn a_contact_in_time_stays_in_time() {
    every_variant("windows", 6, |story, _| {
        let events = by_time(story);
        let moves_anchors = |e: &Value| {
            let kind = e["type"].as_str().unwrap();
            kind == "event_corrected"
                || kind == "event_reversed"
                || kind == "tracking_scanned"
                || e["leg"] == "outbound"
        };
        if events.iter().any(|(_, e)| moves_anchors(e)) {
            return Ok(false);
        }
        let Some(told) = Told::of(story) else { return Ok(false) };
        let mut had = false;
        for (at, opened) in events.iter().filter(|(_, e)| e["type"] == "claim_opened") {
            let id = ClaimId::new(opened.get("claim").and_then(Value::as_str).unwrap_or("C1")).unwrap();
            let cut = Cut { known_at: Some(at.at), ..Cut::default() };
            let Some(early) = told.judge(&id, &cut) else { continue };
            let Some(late) = told.judge(&id, &Cut::default()) else { continue };
            // A delivery after the contact starts a window that had not started; it cannot have failed before.
            checks::contacts_stay_in_time(&late.policy, &early.units, &late.units)?;
            had |= early.units.iter().any(|u| !u.applied.is_empty());
        }
        Ok(had)
    });
}

#[test]
fn knowing_less_never_denies() {
    every_variant("knowing less", 7, |story, c| {
        let mut less = story.clone();
        let events = less["events"].as_array_mut().unwrap();
        let informs = |e: &Value| {
            matches!(
                e["type"].as_str().unwrap(),
                "evidence_submitted" | "item_inspected" | "connectivity_assessed"
            ) || (e["type"] == "claim_opened" && e.get("evidence").is_some())
        };
        let some: Vec<usize> = (0..events.len()).filter(|n| informs(&events[*n])).collect();
        if some.is_empty()
            || story.to_string().contains("event_corrected")
            || story.to_string().contains("event_reversed")
        {
            return Ok(false);
        }
        let at = *c.of(&some);
        let event = events[at].as_object_mut().unwrap();
        match event["type"].as_str().unwrap() {
            "claim_opened" => drop(event.remove("evidence")),
            "item_inspected" if c.one_in(2) => {
                // A single finding that nobody has looked at.
                let fields: Vec<String> = event
                    .keys()
                    .filter(|k| !["at", "type", "units", "claim", "label"].contains(&k.as_str()))
                    .cloned()
                    .collect();
                if fields.is_empty() {
                    return Ok(false);
                }
                event.remove(c.of(&fields));
            }
            _ => drop(events.remove(at)),
        }
        let (Some(more), Some(less)) = (Told::of(story), Told::of(&less)) else { return Ok(false) };
        for id in &more.played.claims {
            let (Some(a), Some(b)) = (more.judge(id, &Cut::default()), less.judge(id, &Cut::default()))
            else {
                continue;
            };
            checks::knowing_less_denies_nothing(&a.units, &b.units)?;
            checks::only_known_facts_deny(&b)?;
        }
        Ok(true)
    });
}

/// The engine knows no zone of the machine: the same answers, byte for byte, wherever it stands.
#[test]
fn the_zone_of_the_machine_changes_nothing() {
    let answers = |zone: &str| {
        let mut command = program::command(program::PROGRAM, std::path::Path::new(program::ROOT));
        let run = command
            .args(["policy", "test", "--json", "fixtures/scenarios/amc.json"])
            .env("TZ", zone)
            .output()
            .unwrap();
        assert!(run.status.success(), "{zone}: {}", String::from_utf8_lossy(&run.stderr));
        run.stdout
    };
    let here = answers("UTC");
    let told = String::from_utf8(here.clone()).unwrap();
    let all = fs::read_to_string("fixtures/scenarios/amc.json").unwrap();
    let ids = all
        .lines()
        .filter_map(|line| line.trim().strip_prefix("\"id\": "))
        .map(|id| id.trim_end_matches(','));
    assert!(ids.clone().count() > 30);
    ids.for_each(|id| assert!(told.contains(id), "{id}"));
    for zone in ["Pacific/Kiritimati", "XYZ+12:34"] {
        assert!(answers(zone) == here, "{zone} gives other answers");
    }
}

/// A line of the refund that a wrong judgement would have.
pub(crate) fn of_kind(judged: &Judgement, kind: &LineKind) -> Option<usize> {
    judged.lines.iter().position(|line| line.kind == *kind)
}
