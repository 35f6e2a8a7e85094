//! Would anybody notice? Every policy is changed in one place after the other, and at least one scenario has to fail.
//! What no scenario can notice is named in `tests/mutants/survivors.txt`, each with its reason.

#[path = "mutants/mutate.rs"]
mod mutate;

use claims::{
    policy_file::{PolicyFile, embedded},
    scenario::{self, Scenario},
};
use mutate::{Mutant, mutants};
use replay::policy::Policy;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Instant,
};

const SURVIVORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mutants/survivors.txt");

/// What became of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    /// By this scenario.
    Killed(String),
    /// The reader does not let it be published.
    NotPublished,
    Survived,
}

/// A policy with its scenarios.
struct Bench {
    policy: PolicyFile,
    scenarios: Vec<Scenario>,
    /// The clauses that each scenario expects to see.
    cited: Vec<String>,
}

fn bench(policy: PolicyFile, all: &[Scenario]) -> Bench {
    let own = all.iter().filter(|scenario| scenario.policy == policy.published.policy);
    let scenarios: Vec<Scenario> = own.cloned().collect();
    let cited = scenarios
        .iter()
        .map(|s| format!("{} {}", serde_json::to_string(&s.expected).unwrap(), s.why))
        .collect();
    Bench { policy, scenarios, cited }
}

/// Whether a scenario notices. A story that can no longer be told is noticed as well.
fn notices(scenario: &Scenario, policy: &PolicyFile) -> bool {
    match scenario::check(scenario, std::slice::from_ref(policy), &scenario::judge) {
        Ok(checked) => checked.iter().any(|checked| !checked.pass),
        Err(_) => true,
    }
}

/// Plays the scenarios until one notices: first those that noticed something in this row, then those that cite it.
fn fate(mutant: &Mutant, bench: &Bench, noticed: &Mutex<BTreeMap<String, Vec<usize>>>) -> Fate {
    let published = mutant.of(&bench.policy.published);
    if !Policy::read(&published.body).1.is_empty() {
        return Fate::NotPublished;
    }
    let policy = PolicyFile { published, body_bytes: bench.policy.body_bytes };
    let row = mutant.name.split_once(": ").unwrap().0.to_string();
    let first = noticed.lock().unwrap().get(&row).cloned().unwrap_or_default();
    let cites =
        |at: usize| mutant.cites.iter().filter(|c| bench.cited[at].contains(&format!("{c}\""))).count();
    let mut order: Vec<usize> = (0..bench.scenarios.len()).filter(|at| !first.contains(at)).collect();
    order.sort_by_key(|at| std::cmp::Reverse(cites(*at)));
    for at in first.iter().copied().chain(order) {
        if notices(&bench.scenarios[at], &policy) {
            let mut noticed = noticed.lock().unwrap();
            let row = noticed.entry(row).or_default();
            row.retain(|other| *other != at);
            row.insert(0, at);
            return Fate::Killed(bench.scenarios[at].id.clone());
        }
    }
    Fate::Survived
}

/// The fate of every mutant, worked out by two threads.
fn fates(benches: &[Bench]) -> Vec<(Mutant, Fate)> {
    let only = std::env::var("MUTANTS").unwrap_or_default();
    let only: Vec<&str> = only.split('|').collect();
    let work: Vec<(Mutant, &Bench)> = benches
        .iter()
        .flat_map(|bench| mutants(&bench.policy.published).into_iter().map(move |mutant| (mutant, bench)))
        .filter(|(mutant, _)| only.iter().any(|only| mutant.name.contains(only)))
        .collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let noticed = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((mutant, bench)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let fate = fate(mutant, bench, &noticed);
                    done.lock().unwrap().push((mutant.clone(), fate));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    done
}

/// Named survivors: lines under a reason, which begins with `#`.
fn named() -> BTreeMap<String, String> {
    let (mut reason, mut named) = (String::new(), BTreeMap::new());
    for line in fs::read_to_string(SURVIVORS).unwrap().lines().map(str::trim).filter(|l| !l.is_empty()) {
        match line.strip_prefix('#') {
            Some(why) => reason = why.trim().into(),
            None => {
                assert!(!reason.is_empty(), "{line} has no reason");
                assert!(named.insert(line.into(), reason.clone()).is_none(), "{line} is named twice");
            }
        }
    }
    named
}

#[test]
fn a_change_of_one_place_is_noticed() {
    let begun = Instant::now();
    let all = scenario::embedded::scenarios().unwrap_or_else(|why| panic!("{why}"));
    let benches: Vec<Bench> =
        embedded::policies().unwrap().into_iter().map(|policy| bench(policy, &all)).collect();
    for bench in &benches {
        for scenario in &bench.scenarios {
            assert!(!notices(scenario, &bench.policy), "{} fails without any change", scenario.id);
        }
    }
    let fates = fates(&benches);
    let mut kinds: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    let mut survivors = BTreeSet::new();
    for (mutant, fate) in &fates {
        let [killed, survived, unpublished] = kinds.entry(mutant.kind).or_default();
        match fate {
            Fate::Killed(_) => *killed += 1,
            Fate::NotPublished => *unpublished += 1,
            Fate::Survived => {
                *survived += 1;
                survivors.insert(mutant.name.clone());
            }
        }
    }
    let mut text = String::new();
    for (kind, [killed, survived, unpublished]) in &kinds {
        writeln!(
            text,
            "{kind:20} {killed:4} of {:4} noticed, {unpublished:3} not published",
            killed + survived
        )
        .unwrap();
    }
    let sum = kinds.values().fold([0; 3], |sum, k| [sum[0] + k[0], sum[1] + k[1], sum[2] + k[2]]);
    println!(
        "{text}all: {} of {} noticed, {} not published, in {:?}",
        sum[0],
        sum[0] + sum[1],
        sum[2],
        begun.elapsed()
    );
    if std::env::var("MUTANTS").is_ok() {
        // For whoever writes scenarios: what is left, without the list.
        for (mutant, fate) in fates.iter().filter(|(_, fate)| !matches!(fate, Fate::Killed(_))) {
            println!(
                "{:8} {}{}",
                mutant.kind,
                mutant.name,
                if *fate == Fate::Survived { "" } else { " (not published)" }
            );
        }
        return;
    }
    let named = named();
    let unnamed: Vec<&String> = survivors.iter().filter(|name| !named.contains_key(*name)).collect();
    let gone: Vec<&String> = named.keys().filter(|name| !survivors.contains(*name)).collect();
    assert!(
        unnamed.is_empty(),
        "nobody notices:\n{}",
        unnamed.iter().map(|n| format!("{n}\n")).collect::<String>()
    );
    assert!(gone.is_empty(), "these are noticed now, take them off the list:\n{gone:#?}");
}
