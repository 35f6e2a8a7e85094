//! Lineage: the events of a figure add up to it, whatever the figure and the moment, and both directions agree.

use claims::{
    command::{Defaults, parse},
    door::Door,
    generate::{Generator, Group, feed, merchants},
    judging::world::Whole,
    ledger::Ledger,
    lineage::{Lineage, Which, of_claim, of_event, of_totals},
    policy_file::embedded,
    store::{Store, memory::MemoryStore},
    view::books_as_of,
};
use replay::{
    books::{BoardRow, Books},
    event::{Event, Kind},
    history::Cut,
    ids::{ActorId, ClaimId, Code, Expected, Origin, Position, SourceId, Stream},
    lineage::{Figure, Figures, OfClaim, OfTotal, of_total, steps},
    seal::Proposal,
    time::{Instant, When},
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/claims");
const GENERATED: u64 = 2_000;

fn when(text: &str) -> When {
    When::parse(text).unwrap()
}

fn defaults() -> Defaults {
    Defaults {
        actor: ActorId::new("fixture").unwrap(),
        role: Code::new("system").unwrap(),
        source: SourceId::new("fixture").unwrap(),
        effective: when("2023-01-01T00:00:00Z"),
    }
}

fn ledger() -> Ledger<MemoryStore> {
    let start = when("2023-01-01T00:00:00Z");
    let store = MemoryStore::new(Origin::new("lineage.example").unwrap());
    let mut ledger = Ledger::new(store, Door::fixed("lineage", start.at));
    for policy in embedded::policies().unwrap() {
        propose(&mut ledger, Stream::Ledger, policy.published.into(), start);
    }
    ledger
}

fn propose(ledger: &mut Ledger<MemoryStore>, stream: Stream, event: Event, effective: When) {
    let who = defaults();
    let revision = ledger.store().revision(&stream).unwrap();
    let proposal = Proposal {
        stream,
        expected: Expected::at_number(revision),
        event,
        effective,
        effective_is_given: true,
        actor: who.actor,
        role: Code::new("policy_owner").unwrap(),
        approver: Some(ActorId::new("second").unwrap()),
        source: who.source,
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    };
    ledger.record(vec![proposal]).unwrap();
}

fn stories() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(FOLDER).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "ndjson"));
    files.sort();
    assert!(files.len() > 10);
    files
}

/// A ledger with one story of `fixtures/claims`.
fn told(story: &Path) -> Ledger<MemoryStore> {
    let mut ledger = ledger();
    for line in fs::read_to_string(story).unwrap().lines() {
        record(&mut ledger, line);
    }
    ledger
}

/// Records one command at the time it tells.
fn record(ledger: &mut Ledger<MemoryStore>, line: &str) {
    let mut command = parse(line.as_bytes(), &defaults(), &|_| true).unwrap();
    command.expected = Expected::at_number(ledger.store().revision(&command.stream).unwrap());
    ledger.door().set_now(command.effective.at);
    ledger.record(vec![command]).unwrap_or_else(|why| panic!("{line}: {why}"));
}

fn generated() -> Ledger<MemoryStore> {
    let mut ledger = ledger();
    let group = Group { steps_max: 1_000, span_micros_max: i64::MAX };
    let shops = merchants().unwrap();
    feed(&mut ledger, Generator::new(7, &shops, GENERATED), group, &mut |_| Ok(())).unwrap();
    ledger
}

fn sum(lineage: &Lineage) -> i64 {
    lineage.entries.iter().map(|entry| entry.moved).sum()
}

fn board(row: &BoardRow, figure: OfClaim) -> Option<u64> {
    Some(match figure {
        OfClaim::Owed => row.owed_minor,
        OfClaim::Credited => row.credited_minor,
        OfClaim::Open => row.open_minor,
        OfClaim::UnitsClaimed => row.units_claimed,
        OfClaim::UnitsAnnounced => row.units_announced,
        OfClaim::UnitsAuthorized => row.units_authorized,
        OfClaim::UnitsReceived => row.units_received,
        OfClaim::UnitsAccepted => row.units_accepted,
        OfClaim::UnitsRefunded => row.units_refunded,
        OfClaim::ChargedBack | OfClaim::Overpaid | OfClaim::Charged | OfClaim::ChargesOpen => return None,
    })
}

/// Every figure of the books at a moment is the sum of its events. Hands back how many figures there were.
fn adds_up(store: &mut MemoryStore, cut: &Cut) -> usize {
    let books = books_as_of(store, cut).unwrap().books;
    let mut figures = 0;
    for (claim, row) in &books.board {
        let id = ClaimId::new(claim.as_str()).unwrap();
        for one in of_claim(store, &id, None, cut).unwrap() {
            assert_eq!(sum(&one), one.value, "{claim} {} at {cut:?}", one.figure);
            assert!(one.entries.is_sorted_by_key(|entry| entry.position));
            figures += 1;
        }
        for figure in OfClaim::ALL {
            let one = of_claim(store, &id, Some(*figure), cut).unwrap();
            let Some(expected) = board(row, *figure) else { continue };
            assert_eq!(sum(&one[0]), i64::try_from(expected).unwrap(), "{claim} {figure} at {cut:?}");
        }
        obligations(store, &books, &id, cut);
    }
    let whole = Whole::read(store, cut, false).unwrap();
    let mut moved = Figures::new();
    whole
        .each(false, |_, case| {
            for id in case.claims.keys() {
                for (name, by) in steps(case, id, cut).into_iter().flat_map(|step| step.moved) {
                    *moved.entry(name).or_default() += by;
                }
            }
        })
        .unwrap();
    for (key, sums) in &books.totals {
        for figure in OfTotal::ALL {
            let name = Figure::Total { key: key.clone(), figure: *figure };
            let sum = moved.remove(&name).unwrap_or_default();
            assert_eq!(sum, of_total(sums, *figure), "{key:?} {figure} at {cut:?}");
            figures += 1;
        }
    }
    let left = moved.iter().find(|(name, sum)| matches!(name, Figure::Total { .. }) && **sum != 0);
    assert_eq!(left, None, "a total that the books do not have");
    if let Some(key) = books.totals.keys().next() {
        let which = Which {
            merchant: Some(key.merchant.clone()),
            month: Some(key.month.clone()),
            ..Which::default()
        };
        let expected = which.sums(books.totals.iter(), OfTotal::Stands);
        let found = of_totals(&whole, &which, OfTotal::Stands, cut, false).unwrap();
        let found: BTreeMap<String, i64> = found.iter().map(|one| (one.unit.clone(), sum(one))).collect();
        assert_eq!(found, expected, "{which:?} at {cut:?}");
    }
    for figure in OfTotal::ALL {
        let expected = Which::default().sums(books.totals.iter(), *figure);
        let found = of_totals(&whole, &Which::default(), *figure, cut, false).unwrap();
        let found: i64 = found.iter().map(|one| one.value).sum();
        assert_eq!(found, expected.values().sum::<i64>(), "{figure} at {cut:?}");
    }
    figures
}

fn obligations(store: &mut MemoryStore, books: &Books, id: &ClaimId, cut: &Cut) {
    let listed = of_claim(store, id, None, cut).unwrap();
    let mut found: BTreeMap<&str, i64> =
        listed.iter().map(|one| (one.figure.as_str(), sum(one))).filter(|(_, sum)| *sum != 0).collect();
    found.retain(|name, _| name.starts_with("obligation "));
    let rows = books.obligations.values().filter(|row| row.claim == id.as_str());
    let expected: BTreeMap<String, i64> = rows
        .map(|row| {
            let name = format!("obligation {} {}", row.what, row.item).trim_end().to_owned();
            (name, i64::try_from(row.open_minor + row.open_units).unwrap())
        })
        .collect();
    let found: BTreeMap<String, i64> = found.into_iter().map(|(name, sum)| (name.to_owned(), sum)).collect();
    assert_eq!(found, expected, "{id} at {cut:?}");
}

/// Cuts through a log: now, and some moments of each kind.
fn moments(store: &mut MemoryStore, every: u64) -> Vec<Cut> {
    let mut cuts = vec![Cut::default()];
    let last = store.tip().unwrap().position;
    for position in (6..=last).step_by(usize::try_from(every).unwrap()) {
        let row = store.row(position).unwrap().unwrap();
        let at = Some(Instant::from_micros(row.recorded_at).unwrap());
        cuts.push(Cut { position: Position::new(position), ..Cut::default() });
        cuts.push(Cut { known_at: at, ..Cut::default() });
        cuts.push(Cut { effective_at: at, ..Cut::default() });
    }
    cuts
}

/// What `of_event` says of every event, by figure, is what every figure says of its events.
fn directions_agree(store: &mut MemoryStore) -> usize {
    let last = store.tip().unwrap().position;
    let mut by_event: BTreeSet<(u64, String, i64)> = BTreeSet::new();
    for position in 1..=last {
        let found = of_event(store, position).unwrap();
        for touched in &found.claims {
            for moved in &touched.moved {
                if let (Some(before), Some(after)) = (moved.before, moved.after) {
                    assert_eq!(after - before, moved.moved);
                }
                by_event.insert((position, name(&touched.claim, &moved.figure), moved.moved));
            }
        }
    }
    let books = store.books().unwrap();
    let mut by_figure = BTreeSet::new();
    for claim in books.board.keys() {
        let id = ClaimId::new(claim.as_str()).unwrap();
        for one in of_claim(store, &id, None, &Cut::default()).unwrap() {
            let name = format!("{claim} {}", one.figure);
            by_figure.extend(one.entries.iter().map(|e| (e.position, name.clone(), e.moved)));
        }
    }
    let claims: BTreeSet<_> =
        by_event.iter().filter(|(_, name, _)| !name.contains(" total ")).cloned().collect();
    assert_eq!(claims, by_figure);
    // Totals: per total, the events that name it are those that it names.
    let whole = Whole::read(store, &Cut::default(), false).unwrap();
    let mut sums: BTreeMap<(u64, OfTotal), i64> = BTreeMap::new();
    for figure in OfTotal::ALL {
        for one in of_totals(&whole, &Which::default(), *figure, &Cut::default(), false).unwrap() {
            for entry in &one.entries {
                *sums.entry((entry.position, *figure)).or_default() += entry.moved;
            }
        }
    }
    let mut told: BTreeMap<(u64, OfTotal), i64> = BTreeMap::new();
    for position in 1..=last {
        for touched in of_event(store, position).unwrap().claims {
            for moved in touched.moved {
                if let Figure::Total { figure, .. } = moved.figure {
                    *told.entry((position, figure)).or_default() += moved.moved;
                }
            }
        }
    }
    told.retain(|_, sum| *sum != 0);
    assert_eq!(told, sums);
    by_event.len()
}

fn name(claim: &ClaimId, figure: &Figure) -> String {
    match figure {
        Figure::Claim { figure, .. } => format!("{claim} {figure}"),
        Figure::Obligation { what, item, .. } => {
            format!("{claim} obligation {what} {item}").trim_end().into()
        }
        Figure::Total { key, figure } => format!("{claim} total {key:?} {figure}"),
    }
}

#[test]
fn the_events_of_every_figure_of_every_story_add_up_to_it() {
    let mut figures = 0;
    for story in stories() {
        let mut ledger = told(&story);
        for cut in moments(ledger.store(), 5) {
            figures += adds_up(ledger.store(), &cut);
        }
    }
    assert!(figures > 900, "{figures} figures");
}

#[test]
fn the_events_of_every_figure_of_a_generated_ledger_add_up_to_it() {
    let mut ledger = generated();
    let figures = adds_up(ledger.store(), &Cut::default());
    assert!(figures > 800, "{figures} figures");
    let half = Position::new(GENERATED / 2);
    assert!(adds_up(ledger.store(), &Cut { position: half, ..Cut::default() }) > 300);
}

#[test]
fn an_event_lists_a_figure_exactly_when_the_figure_lists_the_event() {
    let moved: usize = stories().iter().map(|story| directions_agree(told(story).store())).sum();
    assert!(moved > 200, "{moved} movements");
}

fn only(found: &[Lineage], figure: &str) -> Vec<(String, i64)> {
    let one = found.iter().find(|one| one.figure == figure).unwrap();
    one.entries.iter().map(|entry| (entry.kind.to_owned(), entry.moved)).collect()
}

/// The claim of a ledger with one story.
fn first_claim(ledger: &mut Ledger<MemoryStore>) -> ClaimId {
    let books = ledger.store().books().unwrap();
    ClaimId::new(books.board.keys().next().unwrap().as_str()).unwrap()
}

#[test]
fn a_reversal_and_what_takes_it_back_are_listed_with_their_own_amounts() {
    let story = Path::new(FOLDER).join("ptk-gift-credit.ndjson");
    let mut ledger = told(&story);
    let id = first_claim(&mut ledger);
    let stream = Stream::Claim(id.clone());
    let rows = ledger.store().history(&stream).unwrap();
    let paid = rows.iter().find(|row| row.kind == Kind::GiftCreditIssued.as_str()).unwrap();
    let target = replay::codec::open(&paid.as_row()).unwrap().envelope.event_id;
    let paid_at = paid.position;
    let reverse = |ledger: &mut Ledger<MemoryStore>, target: String, at: &str| {
        let line = json!({ "stream": stream, "kind": "event_reversed", "effective_at": at, "actor": "a.one",
            "role": "supervisor", "approver": "b.two",
            "payload": { "target": target, "reason_code": "did_not_occur" } });
        record(ledger, &line.to_string());
        let tip = ledger.store().tip().unwrap().position;
        of_event(ledger.store(), tip).unwrap()
    };
    let before = of_claim(ledger.store(), &id, Some(OfClaim::Credited), &Cut::default()).unwrap();
    let amount = before[0].value;
    assert!(amount > 0);
    let reversal = reverse(&mut ledger, target.to_string(), "2026-01-10T12:00:00Z");
    assert_eq!(reversal.amends.as_ref().unwrap().position, paid_at);
    assert!(!reversal.amends.as_ref().unwrap().stands);
    let first = of_event(ledger.store(), paid_at).unwrap();
    assert_eq!(first.standing, "reversed");
    assert_eq!(
        first.amended_by.iter().map(|a| (a.kind.as_str(), a.stands)).collect::<Vec<_>>(),
        [("event_reversed", true)]
    );
    let credited = of_claim(ledger.store(), &id, None, &Cut::default()).unwrap();
    assert_eq!(
        only(&credited, "credited"),
        [("gift_credit_issued".into(), amount), ("event_reversed".into(), -amount)]
    );
    // A reversal of the reversal brings the money back, and the first reversal no longer stands.
    reverse(&mut ledger, reversal.event_id, "2026-01-11T12:00:00Z");
    let first = of_event(ledger.store(), paid_at).unwrap();
    assert_eq!(first.standing, "stands");
    assert_eq!(first.amended_by.iter().map(|a| a.stands).collect::<Vec<_>>(), [false]);
    let credited = of_claim(ledger.store(), &id, None, &Cut::default()).unwrap();
    let moved: Vec<i64> = only(&credited, "credited").into_iter().map(|(_, moved)| moved).collect();
    assert_eq!(moved, [amount, -amount, amount]);
    adds_up(ledger.store(), &Cut::default());
    directions_agree(ledger.store());
}

#[test]
fn a_decision_rests_on_the_inspection_before_it_and_not_on_a_note() {
    let mut ledger = told(&Path::new(FOLDER).join("amc-partial-return.ndjson"));
    let last = ledger.store().tip().unwrap().position;
    let mut rests: BTreeMap<String, usize> = BTreeMap::new();
    let mut decisions = 0;
    for position in 1..=last {
        let found = of_event(ledger.store(), position).unwrap();
        decisions += usize::from(found.kind == Kind::RemedyDecided.as_str());
        assert!(found.decisions.iter().all(|decided| decided.position > position));
        *rests.entry(found.kind).or_default() += found.decisions.len();
    }
    assert!(decisions > 0);
    for kind in [Kind::OrderRecorded, Kind::ClaimOpened] {
        assert!(rests[kind.as_str()] > 0, "{kind}: {rests:?}");
    }
    for kind in [Kind::NoteAdded, Kind::PolicyPublished] {
        assert_eq!(rests.get(kind.as_str()).copied().unwrap_or_default(), 0, "{kind}");
    }
}

#[test]
fn no_figure_is_listed_that_nothing_has_moved() {
    let mut ledger = told(&Path::new(FOLDER).join("amc-partial-return.ndjson"));
    let id = first_claim(&mut ledger);
    let all = of_claim(ledger.store(), &id, None, &Cut::default()).unwrap();
    assert!(all.iter().all(|one| !one.entries.is_empty()));
    let none = of_claim(ledger.store(), &id, Some(OfClaim::ChargedBack), &Cut::default()).unwrap();
    assert_eq!((none.len(), none[0].value, none[0].entries.len()), (1, 0, 0));
    let missing = of_claim(ledger.store(), &ClaimId::new("nobody").unwrap(), None, &Cut::default());
    assert!(missing.is_err());
    assert!(of_event(ledger.store(), 9_999).is_err());
    let empty: Figures = replay::lineage::difference(&Figures::new(), &Figures::new());
    assert!(empty.is_empty());
}
