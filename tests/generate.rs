//! The generator of demonstrations: what it tells is accepted to the last command, twice the same, and varied.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use claims::door::Door;
use claims::generate::{Generator, Group, Merchant, STEP_COMMANDS_MAX, feed, merchants};
use claims::ledger::Ledger;
use claims::policy_file::embedded;
use claims::store::{Span, Store, memory::MemoryStore};
use replay::audit::Replay;
use replay::books::{BoardRow, Sums};
use replay::duty::{Area, area, role};
use replay::event::{Basis, Class, Event, Kind, TrackingCheck, TrackingVerdict, UnitStatus};
use replay::history::Cut;
use replay::ids::{ActorId, Code, Expected, Origin, Personal, SourceId, Stream};
use replay::merkle::Hash;
use replay::money::Currency;
use replay::seal::Proposal;
use replay::time::{Instant, When};

/// Events that go through a ledger, and events that are only looked at.
const RECORDED: u64 = 20_000;
const LOOKED_AT: u64 = 50_000;
/// The five policies are the first revisions of the ledger's stream.
const PUBLISHED: u64 = 5;
/// Kinds that the generator leaves to others. Only a sealed month is reopened, and no command seals one.
const ELSEWHERE: [Kind; 8] = [
    Kind::PolicyPublished,
    Kind::CalendarPublished,
    Kind::HistoricalCreditRecorded,
    Kind::PeriodReopened,
    // A court or a privacy plan brings these; a shop's days do not.
    Kind::RetentionSet,
    Kind::LegalHoldPlaced,
    Kind::LegalHoldReleased,
    // Keys lie in files, and a generator has none.
    Kind::SigningKeyAnnounced,
];
const DAY_MICROS: i64 = 86_400_000_000;

fn ledger() -> Ledger<MemoryStore> {
    let start = When::parse("2023-01-01T00:00:00Z").unwrap();
    let store = MemoryStore::new(Origin::new("generated.example").unwrap());
    let mut ledger = Ledger::new(store, Door::fixed("generated", start.at));
    for (number, policy) in (0..).zip(embedded::policies().unwrap()) {
        let published = Proposal {
            stream: Stream::Ledger,
            expected: Expected::at_number(number),
            event: policy.published.into(),
            effective: start,
            effective_is_given: true,
            actor: ActorId::new("first").unwrap(),
            role: Code::new("policy_owner").unwrap(),
            approver: Some(ActorId::new("second").unwrap()),
            source: SourceId::new("test").unwrap(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        ledger.record(vec![published]).unwrap();
    }
    ledger
}

/// A ledger that was fed, in few commits: each of them copies what a store in memory holds.
fn fed(merchants: &[Merchant], seed: u64, events: u64) -> Ledger<MemoryStore> {
    let mut ledger = ledger();
    let group = Group { steps_max: 1_000, span_micros_max: i64::MAX };
    let generator = Generator::new(seed, merchants, events).governed();
    let told = feed(&mut ledger, generator, group, &mut |_| Ok(()));
    assert_eq!(told, Ok(events));
    ledger
}

fn root(ledger: &mut Ledger<MemoryStore>) -> Hash {
    ledger.store().tip().unwrap().frontier.root()
}

/// Every command with the time at which it is recorded.
fn looked_at(merchants: &[Merchant]) -> impl Iterator<Item = (Instant, Proposal)> {
    let steps = Generator::new(1, merchants, LOOKED_AT).with_people(PUBLISHED);
    steps.flat_map(|step| step.batch.into_iter().map(move |command| (step.recorded_at, command)))
}

#[test]
fn every_command_is_recorded_and_replays_to_the_same_books() {
    let merchants = merchants().unwrap();
    let mut ledger = fed(&merchants, 1, RECORDED);
    let books = ledger.store().books().unwrap();
    assert_eq!(ledger.store().tip().unwrap().position, PUBLISHED + RECORDED);
    assert!(books.refusals.is_empty());

    let mut replay = Replay::new(Some(ledger.origin().clone()), Cut::default());
    let mut each = |row: &replay::codec::Row<'_>| {
        replay.row(row);
        ControlFlow::Continue(())
    };
    ledger.store().scan(Span::ALL, &mut each).unwrap();
    let outcome = replay.finish();
    assert!(outcome.findings.is_empty(), "{:?}", outcome.findings);
    assert_eq!(outcome.books.digest(), books.digest());
    assert!(outcome.world.registry.is_governed(), "the duties were not asked of anybody");
    // No month is sealed: what was posted is what happened, month by month.
    let mut months: BTreeMap<(String, String), Sums> = BTreeMap::new();
    for (key, sums) in &books.totals {
        months.entry((key.month.clone(), key.currency.clone())).or_default().add(sums);
    }
    let posted = outcome.world.postings.months().filter(|(.., sums)| !sums.is_zero());
    let posted: BTreeMap<_, _> = posted
        .map(|(month, currency, sums)| ((month.to_string(), currency.as_str().to_string()), sums))
        .collect();
    assert_eq!(posted, months);

    // Some claims are done, some are not; money failed, was reversed, and is still owed.
    let count = |wanted: &dyn Fn(&&BoardRow) -> bool| books.board.values().filter(wanted).count();
    let all = count(&|_| true);
    for stage in ["closed", "denied", "withdrawn", "authorized", "settled"] {
        assert!(count(&|row| row.stage == stage) > 0, "no claim is {stage}");
    }
    assert!((all / 20..all / 2).contains(&count(&|row| row.stage != "closed")));
    let totals = books.control_totals();
    assert!(totals.len() >= 5, "{:?}", totals.keys());
    assert!(totals.values().any(|sums| sums.failed_minor > 0));
    assert!(totals.values().any(|sums| sums.reversed_minor > 0));
    assert!(totals.values().all(|sums| sums.net_minor() > 0));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    let merchants = merchants().unwrap();
    let root_of = |seed| root(&mut fed(&merchants, seed, RECORDED / 4));
    let first = root_of(2);
    assert_eq!(first, root_of(2));
    assert_ne!(first, root_of(3));
}

#[test]
fn steps_are_short_and_time_goes_forward() {
    let merchants = merchants().unwrap();
    let mut generator = Generator::new(1, &merchants, LOOKED_AT).with_people(PUBLISHED);
    let (mut events, mut first, mut last) = (0, None, Instant::EPOCH);
    let mut revisions: BTreeMap<Stream, u64> = BTreeMap::from([(Stream::Ledger, PUBLISHED)]);
    for step in generator.by_ref() {
        assert!((1..=STEP_COMMANDS_MAX).contains(&step.batch.len()));
        assert!(step.recorded_at >= last, "{} before {last}", step.recorded_at);
        last = step.recorded_at;
        first.get_or_insert(last);
        events += step.batch.len() as u64;
        let mut begun = BTreeSet::new();
        for command in &step.batch {
            assert!(command.effective.at <= step.recorded_at);
            let revision = revisions.entry(command.stream.clone()).or_default();
            let expected = match begun.insert(&command.stream) {
                true => Expected::at_number(*revision),
                false => Expected::AfterThePreviousOfThisBatch,
            };
            assert_eq!(command.expected, expected, "{}", command.stream);
            *revision += 1;
        }
    }
    assert_eq!(generator.fault(), None);
    assert_eq!(events, LOOKED_AT);
    let days = (last.micros() - first.unwrap_or(last).micros()) / DAY_MICROS;
    assert!((1_000..1_200).contains(&days), "{days} days");
}

#[test]
fn every_kind_that_a_command_can_carry_turns_up() {
    let merchants = merchants().unwrap();
    let mut missing: BTreeSet<Kind> =
        Kind::ALL.iter().copied().filter(|kind| kind.class() != Class::Own).collect();
    missing.retain(|kind| !ELSEWHERE.contains(kind));
    for (_, command) in looked_at(&merchants) {
        missing.remove(&command.event.kind());
    }
    assert!(missing.is_empty(), "no command has {missing:?}");
}

/// What the people of a made-up shop do is among the duties of their roles, so a shop can live under them.
#[test]
fn everybody_does_only_their_duties() {
    let merchants = merchants().unwrap();
    let mut beyond: BTreeSet<(String, Kind)> = BTreeSet::new();
    for (_, command) in looked_at(&merchants) {
        let duties = role(command.role.as_str()).map_or(&[][..], |role| role.may);
        let area = area(command.event.kind());
        if area != Area::Amendments && !duties.contains(&area) {
            beyond.insert((command.role.to_string(), command.event.kind()));
        }
    }
    assert!(beyond.is_empty(), "{beyond:?}");
}

#[test]
fn the_mix_is_that_of_a_shop() {
    let merchants = merchants().unwrap();
    let mut kinds: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut streams: [u64; 2] = [0; 2];
    let mut reasons: BTreeMap<Basis, u64> = BTreeMap::new();
    let mut currencies: BTreeSet<Currency> = BTreeSet::new();
    let (mut personal, mut weekend, mut ill_formed) = (0_u64, 0_u64, 0_u64);
    for (at, mut command) in looked_at(&merchants) {
        *kinds.entry(command.event.kind()).or_default() += 1;
        match command.stream {
            Stream::Ledger => {}
            Stream::Order(_) => streams[0] += 1,
            Stream::Claim(_) => streams[1] += 1,
        }
        let mut values = 0;
        command.event.personals(&mut |_, value| {
            assert!(matches!(value, Personal::Clear(_)));
            values += 1;
        });
        personal += u64::from(values > 0);
        weekend += u64::from((at.micros() / DAY_MICROS + 3) % 7 >= 5);
        match &command.event {
            Event::OrderRecorded(o) => _ = currencies.insert(o.currency),
            Event::ClaimOpened(c) => *reasons.entry(c.asserted).or_default() += 1,
            Event::ShipmentDispatched(d) => {
                if let Some(Personal::Clear(number)) = &d.tracking {
                    let check = TrackingCheck::of(d.carrier.as_ref(), number);
                    ill_formed += u64::from(check.verdict != TrackingVerdict::WellFormed);
                }
            }
            _ => {}
        }
    }
    let of = |kind: Kind| kinds.get(&kind).copied().unwrap_or_default();
    let percent = |part: u64, whole: u64| part * 100 / whole.max(1);
    let [of_orders, of_claims] = streams;
    let (orders, claims) = (of(Kind::OrderRecorded), of(Kind::ClaimOpened));
    let refunds = of(Kind::RefundIssued);
    let reason = |basis: Basis| percent(reasons.get(&basis).copied().unwrap_or_default(), claims);
    let found = [
        ("tenths of events per order", of_orders * 10 / orders, 37..48),
        ("tenths of events per claim", of_claims * 10 / claims, 85..105),
        ("events per ten orders in all", LOOKED_AT * 10 / orders, 113..123),
        ("% change of mind", reason(Basis::ChangeOfMind), 25..36),
        ("% defect", reason(Basis::Defect), 30..41),
        ("% of refunds that fail", percent(of(Kind::RefundFailed), refunds), 2..5),
        ("per mille of claims corrected", of(Kind::EventCorrected) * 1_000 / claims, 15..40),
        ("per mille of claims with a reversal", of(Kind::EventReversed) * 1_000 / claims, 6..20),
        ("per mille of claims disputed", of(Kind::DisputeOpened) * 1_000 / claims, 6..18),
        ("per mille of claims charged back", of(Kind::ChargebackOpened) * 1_000 / claims, 12..28),
        ("% of events with personal values", percent(personal, LOOKED_AT), 15..35),
        ("% of events at weekends", percent(weekend, LOOKED_AT), 8..22),
        ("per mille of tracking numbers mistyped", ill_formed * 1_000 / of(Kind::ShipmentDispatched), 3..15),
    ];
    for (what, have, want) in found {
        assert!(want.contains(&have), "{have} {what}, {want:?} are meant");
    }
    let exponents: BTreeSet<u32> = currencies.iter().map(|c| c.exponent()).collect();
    assert!(currencies.len() >= 5 && exponents == BTreeSet::from([0, 2, 3]), "{currencies:?}");
}

#[test]
fn claims_are_judged_in_every_way() {
    let merchants = merchants().unwrap();
    let (mut statuses, mut remedies, mut options) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut cited: BTreeSet<Code> = BTreeSet::new();
    for (_, command) in looked_at(&merchants) {
        match command.event {
            Event::EligibilityAssessed(a) => statuses.extend(a.units.iter().map(|row| row.status)),
            Event::RemedyDecided(d) => {
                assert_eq!(d.entitlement, None, "how much it is, the ledger says");
                remedies.insert(d.remedy);
            }
            Event::AuthorizationDenied(d) => cited.extend(d.cites),
            Event::DiscretionExercised(d) => _ = options.insert((d.point, d.decision)),
            _ => {}
        }
    }
    assert_eq!(statuses.len(), UnitStatus::ALL.len(), "{statuses:?}");
    assert!(remedies.len() >= 8, "{remedies:?}");
    assert!(cited.len() >= 40, "denials cite {cited:?}");
    assert!(options.len() >= 12, "{options:?}");
}

#[test]
fn small_numbers_of_events_are_told_exactly() {
    let merchants = merchants().unwrap();
    for events in [0, 1, 2, 3, 10, 999] {
        let told: usize = Generator::new(9, &merchants, events).map(|step| step.batch.len()).sum();
        assert_eq!(told as u64, events);
    }
    assert_eq!(Generator::new(9, &[], 10).count(), 0, "nobody sells anything");
}

/// Two claims on one order: the second told of the order in a future that the first had already written, and went on as
/// if it were known. Only the steps of that order are recorded.
#[test]
fn a_claim_waits_for_what_it_tells_of_the_order() {
    const STEPS: usize = 19;
    let merchants = merchants().unwrap();
    let mut ledger = ledger();
    let (mut told, mut claims) = (0, BTreeSet::new());
    for step in Generator::new(1, &merchants, 300_000) {
        if !step.batch.iter().any(|p| p.stream.to_string().contains("/CGD-0012576")) {
            continue;
        }
        claims.extend(step.batch.iter().map(|p| p.stream.to_string()));
        ledger.door().set_now(step.recorded_at);
        ledger.record(step.batch).unwrap();
        told += 1;
        if told == STEPS {
            break;
        }
    }
    assert_eq!((told, claims.len()), (STEPS, 3), "{claims:?}");
}
