//! Judging claims, beside folding the same events: `cargo bench --bench judge`.
//!
//! The claims are those of the scenarios in `fixtures/scenarios`, each judged many times; `BENCH_CLAIMS` sets how many
//! judgements. The floor in the same run is the fold of the same histories, which replay pays in any case.

use claims::{judging, policy_file::embedded, scenario, view::case_of};
use replay::{
    case::Case,
    history::Cut,
    ids::{ClaimId, OrderId, Stream},
    judge::judge,
    registry::Registry,
};
use std::{fs, hint::black_box, time::Instant};

fn main() {
    let claims: usize = std::env::var("BENCH_CLAIMS").ok().and_then(|n| n.parse().ok()).unwrap_or(250_000);
    let stories = stories();
    let targets: Vec<(&Case, &Registry, &ClaimId)> = stories
        .iter()
        .flat_map(|(case, registry)| case.claims.keys().map(move |id| (case, registry, id)))
        .collect();
    let rounds = claims.div_ceil(targets.len()).max(1);
    let cut = Cut::default();
    let events: usize = targets.iter().map(|(case, _, id)| events_of(case, id)).sum::<usize>() * rounds;
    let judged = rounds * targets.len();

    let began = Instant::now();
    let mut folded = 0usize;
    for _ in 0..rounds {
        for (case, _, id) in &targets {
            folded += usize::from(black_box(case.claim_state(id)).is_some());
        }
    }
    let fold = began.elapsed();

    let began = Instant::now();
    let (mut payable, mut missing) = (0u64, 0usize);
    for _ in 0..rounds {
        for (case, registry, id) in &targets {
            match black_box(judge(case, id, registry, &cut)) {
                Some(judgement) => payable = payable.wrapping_add(judgement.payable_minor),
                None => missing += 1,
            }
        }
    }
    let judging = began.elapsed();

    assert_eq!((folded, missing), (judged, 0), "every claim of the scenarios is folded and judged");
    println!(
        "{judged} judgements of {} claims, {events} events, sum payable {payable} minor units",
        targets.len()
    );
    let per = |total: std::time::Duration, n: usize| total.as_nanos() / n.max(1) as u128;
    println!("fold    {:>8} ns per claim  {:>6} ns per event", per(fold, judged), per(fold, events));
    println!("judge   {:>8} ns per claim  {:>6} ns per event", per(judging, judged), per(judging, events));
    println!(
        "judging a claim costs {}.{:01} times its fold",
        judging.as_nanos() / fold.as_nanos().max(1),
        judging.as_nanos() * 10 / fold.as_nanos().max(1) % 10
    );
}

/// Events of a claim and its order: what its judgement reads.
fn events_of(case: &Case, id: &ClaimId) -> usize {
    let order = case.order.as_ref().map_or(0, |o| o.history.facts().len());
    order + case.claims.get(id).map_or(0, |c| c.history.facts().len())
}

fn stories() -> Vec<(Case, Registry)> {
    let policies = embedded::policies().expect("policies");
    let mut stories = Vec::new();
    for file in ["amc", "atp", "cgd", "ptk", "rne"] {
        let path = format!("{}/fixtures/scenarios/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&path).expect("scenarios");
        for story in scenario::read(&path, &text).expect("scenarios can be read") {
            let policy = policies.iter().find(|p| p.published.policy == story.policy).expect("a policy");
            let mut played = scenario::play(&story, policy).expect("the story plays");
            let order = OrderId::new(scenario::ORDER).expect("an id");
            let store = played.ledger.store();
            let case = case_of(store, &Stream::Order(order)).expect("a case");
            stories.push((case, judging::registry(store).expect("a registry")));
        }
    }
    stories
}
