//! What must hold whatever is asked of a ledger (policies/model.md section 7). Random work, mostly sensible, on a few
//! orders and claims; a failure prints the log in the text form, from which a case in `fixtures/gwt` is made.

#[path = "support/chance.rs"]
mod chance;
mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use chance::{Op, Run, ops};
use claims::ledger::Outcome;
use claims::replaying::{Beside, Ended, Spread, finished, replayed, replayed_by_case};
use claims::store::memory::MemoryStore;
use claims::store::{Span, Store};
use claims::view::books_as_of;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use replay::audit::Replay;
use replay::books::{Books, ClaimRows, rows as books_rows};
use replay::case::Case;
use replay::claim::Claim;
use replay::codec::{OwnedRow, Recorded, open};
use replay::event::{Event, OrderRecorded};
use replay::history::Cut;
use replay::ids::{ClaimId, EventId, Position, Revision, Stream};
use replay::judge::judge;
use replay::merkle::leaf_hash;
use replay::order::OrderState;
use replay::time::Instant;
use replay::units::Units;
use serde_json::json;
use support::{Script, check_sound, memory, rows, same_books};

/// As many cases as fit into a minute for all; `PROPTEST_CASES=5000` asks for more.
fn config(cases: u32) -> Config {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|number| number.parse().ok());
    // A failure prints its smallest form, which becomes a case of fixtures/gwt; no second file of seeds beside it.
    let failure_persistence = None;
    Config { cases: asked.unwrap_or(cases), failure_persistence, max_shrink_iters: 400, ..Config::default() }
}

fn run(ops: &[Op]) -> Run<MemoryStore> {
    let mut run = Run::new(Script::new(memory("properties")), true);
    for op in ops {
        let _ = run.step(op);
    }
    run
}

/// Fails with the log as text.
fn fail<S: Store>(store: &mut S, why: impl std::fmt::Display) -> TestCaseError {
    TestCaseError::fail(format!("{why}\nthe log:\n{}", support::log_text(&rows(store))))
}

proptest! {
    #![proptest_config(config(100))]

    /// Live books, replayed books and the books as of the head are the same; positions and revisions are dense; the
    /// root is the one that RFC 6962 gives for the stored bodies; money stays within what was taken.
    #[test]
    fn the_log_gives_the_books(ops in ops(50)) {
        let mut run = Run::new(Script::new(memory("properties")), true);
        let mut amended = false;
        for op in &ops {
            let Some(result) = run.step(op) else { continue };
            if let Ok(receipt) = &result {
                amended |= matches!(receipt.kind.as_str(), "event_reversed" | "event_corrected" | "chargeback_opened");
                let paid = matches!(receipt.kind.as_str(), "refund_issued" | "gift_credit_issued");
                // What lowers a cap afterwards (a payment that bounced) cannot call money back; but then no more is sent.
                let claims: Vec<String> = match receipt.stream.strip_prefix("claim/") {
                    Some(claim) if paid && amended => vec![claim.into()],
                    _ if amended => vec![],
                    _ => (1..=chance::CLAIMS).map(|n| format!("C{n}")).collect(),
                };
                if let Some(why) = over_the_cap(&mut run, &claims, !amended) {
                    return Err(fail(run.script.ledger.store(), why));
                }
            }
        }
        let store = run.script.ledger.store();
        let outcome = check_sound(store).map_err(|why| fail(store, why))?;
        let head = books_as_of(store, &Cut::default()).map_err(|why| fail(store, why))?;
        same_books("replayed", &outcome.books, "as of the head", &head.books).map_err(|why| fail(store, why))?;
        prop_assert_eq!(outcome.books.control_totals(), head.books.control_totals());
    }
}

/// The first order on which more counts as paid than was taken, paid by the customer, or given as goodwill; and the
/// first unit with two money decisions.
fn over_the_cap(run: &mut Run<MemoryStore>, claims: &[String], and_units: bool) -> Option<String> {
    for claim in claims {
        let Some((case, _)) = run.claim(claim) else { continue };
        let Some(order) = case.order_state() else { continue };
        let (mut paid, mut cap) = (0, order.captured_minor);
        let mut decided = Units::default();
        for claim in case.claims.values() {
            let Some(state) = claim.state(&Cut::default()) else { continue };
            paid += state.credited_minor() + state.charged_back_minor();
            cap += state.customer_costs_minor() + state.goodwill_minor;
            for decision in state.decisions.iter().filter(|d| d.remedy.pays_money()) {
                let twice = decided.intersection(&decision.units);
                if and_units && !twice.is_empty() {
                    return Some(format!("{twice} is paid for twice"));
                }
                decided = decided.union(&decision.units);
            }
        }
        if paid > cap {
            return Some(format!("{paid} paid of at most {cap} on the order of {claim}"));
        }
    }
    None
}

proptest! {
    #![proptest_config(config(40))]

    /// However the log is read, in one scan or in pieces of any size, the same comes out byte for byte.
    #[test]
    fn chunks_make_no_difference(ops in ops(40), sizes in proptest::collection::vec(1..=9u64, 1..=12)) {
        let mut run = run(&ops);
        let store = run.script.ledger.store();
        let whole = check_sound(store).map_err(|why| fail(store, why))?;
        let mut replay = Replay::new(Some(support::origin()), Cut::default());
        let (last, mut first, mut sizes) = (store.tip().unwrap().position, 1, sizes.iter().cycle());
        while first <= last {
            let size = *sizes.next().unwrap();
            for row in support::rows_of(store, Span { first, last: first + size - 1 }) {
                replay.row(&row.as_row());
            }
            first += size;
        }
        let pieces = replay.finish();
        prop_assert_eq!(&pieces.books, &whole.books);
        prop_assert_eq!(pieces.books.digest(), whole.books.digest());
        prop_assert_eq!(pieces.root, whole.root);
        prop_assert_eq!(pieces.kinds, whole.kinds);
        prop_assert_eq!(pieces.frontier.to_bytes(), whole.frontier.to_bytes());
    }

    /// Any number of threads and rows at a time, on a sound log or a damaged one: the same is found, and first in the
    /// same place.
    #[test]
    fn threads_make_no_difference(
        ops in ops(40),
        damages in proptest::collection::vec((0..6u8, any::<proptest::sample::Index>(), any::<u8>()), 0..=3),
        provers in 0..=4usize,
        chunk_rows in 1..=20usize,
        thorough in any::<bool>(),
    ) {
        let mut run = run(&ops);
        let mut log = rows(run.script.ledger.store());
        for (how, place, with) in damages {
            damage(&mut log, how, place, with);
        }
        let replay = || {
            let replay = Replay::new(Some(support::origin()), Cut::default()).with_roots_of([0, 3, 9]);
            if thorough { replay.thorough() } else { replay }
        };
        let mut alone = replay();
        log.iter().for_each(|row| alone.row(&row.as_row()));
        let (spread, ()) = replayed(replay(), Spread { provers, chunk_rows }, |take| {
            log.iter().for_each(|row| take(&row.as_row()));
            Ok(())
        })
        .unwrap();
        let (alone, spread) = (alone.finish(), finished(spread, Spread { provers, chunk_rows }));
        prop_assert_eq!(&spread.findings, &alone.findings);
        prop_assert_eq!((spread.findings_count, spread.first_bad), (alone.findings_count, alone.first_bad));
        prop_assert_eq!((spread.root, &spread.roots), (alone.root, &alone.roots));
        prop_assert_eq!(spread.books.digest(), alone.books.digest());
        prop_assert_eq!(&spread.books, &alone.books);
        prop_assert_eq!((spread.quarantined, spread.kinds), (alone.quarantined, alone.kinds));
        prop_assert_eq!(spread.uses, alone.uses);
        prop_assert_eq!(spread.commitments, alone.commitments);
        prop_assert_eq!((spread.oversteps, spread.seals_differing), (alone.oversteps, alone.seals_differing));
    }

    /// A replay that lets cases go where they end says what one says that keeps them all, on a sound log or a damaged
    /// one, however many ends are not known. Where an end is said too early, it says that it was.
    #[test]
    fn cases_let_go_make_no_difference(
        ops in ops(40),
        damages in proptest::collection::vec((0..6u8, any::<proptest::sample::Index>(), any::<u8>()), 0..=2),
        forgotten in proptest::collection::vec(any::<proptest::sample::Index>(), 0..=3),
        too_early in proptest::collection::vec(any::<proptest::sample::Index>(), 0..=1),
        provers in 0..=3usize,
        chunk_rows in 1..=20usize,
    ) {
        let mut run = run(&ops);
        let mut log = rows(run.script.ledger.store());
        if too_early.is_empty() {
            for (how, place, with) in damages {
                damage(&mut log, how, place, with);
            }
        }
        let case_of = cases_of(&log);
        let last = |row: &OwnedRow| case_of.get(&row.stream).and_then(|case| {
            log.iter().filter(|other| case_of.get(&other.stream) == Some(case)).map(|other| other.position).max()
        });
        let mut ends: BTreeSet<u64> = log.iter().filter_map(last).collect();
        for place in forgotten {
            let one = (!ends.is_empty()).then(|| ends.iter().copied().nth(place.index(ends.len())).unwrap());
            one.map(|one| ends.remove(&one));
        }
        let early = too_early.iter().map(|place| &log[place.index(log.len())]);
        let early: Vec<&OwnedRow> = early.filter(|row| last(row).is_some_and(|last| row.position < last)).collect();
        ends.extend(early.iter().map(|row| row.position));
        let mut whole = Replay::new(Some(support::origin()), Cut::default());
        log.iter().for_each(|row| whole.row(&row.as_row()));
        let whole = whole.finish();
        let books = Mutex::new(Books::default());
        let keep = |ended: Ended| {
            let cases: Vec<&Case> = ended.cases.iter().map(|(_, case)| case).collect();
            let mut books = books.lock().unwrap();
            books.join(Books::of(&cases, &Cut::default()));
            ended.refusals.into_iter().for_each(|row| books.refuse(row));
        };
        let replay = Replay::new(Some(support::origin()), Cut::default()).without_books();
        let (mut replay, ()) = replayed_by_case(replay, Spread { provers, chunk_rows }, |take| {
            for row in &log {
                let ends_its_case = ends.contains(&row.position);
                take(&row.as_row(), Beside { personal: None, ends_its_case });
            }
            Ok(())
        }, &keep)
        .unwrap();
        keep(Ended { cases: replay.hand_over_the_rest(), refusals: replay.hand_over_refusals() });
        let piecemeal = replay.finish();
        prop_assert_eq!(piecemeal.came_late, !early.is_empty());
        if !piecemeal.came_late {
            prop_assert_eq!(&*books.lock().unwrap(), &whole.books);
            prop_assert_eq!(&piecemeal.findings, &whole.findings);
            prop_assert_eq!((piecemeal.root, piecemeal.uses), (whole.root, whole.uses));
            prop_assert_eq!(piecemeal.quarantined, whole.quarantined);
            prop_assert_eq!(&piecemeal.world.postings, &whole.world.postings);
        }
    }

    /// The books as of a position, and as of what was known then, are those of a ledger that stopped there.
    #[test]
    fn as_of_is_where_a_ledger_stopped(ops in ops(24)) {
        let mut run = Run::new(Script::new(memory("properties")), true);
        let mut stopped: BTreeMap<u64, (Instant, Books)> = BTreeMap::new();
        for op in &ops {
            let _ = run.step(op);
            let store = run.script.ledger.store();
            let tip = store.tip().unwrap();
            let known = Instant::from_micros(tip.recorded_at).unwrap();
            stopped.entry(tip.position).or_insert((known, store.books().unwrap()));
        }
        let store = run.script.ledger.store();
        for (position, (known, books)) in &stopped {
            let cuts = [
                ("position", Cut { position: Position::new(*position), ..Cut::default() }),
                ("known at", Cut { known_at: Some(*known), ..Cut::default() }),
            ];
            for (what, cut) in cuts {
                let then = books_as_of(store, &cut).map_err(|why| fail(store, why))?;
                same_books("stopped", books, what, &then.books)
                    .map_err(|why| fail(store, format!("as of {what} {position}: {why}")))?;
            }
        }
    }

    /// The same keys and contents again, all of them, in order: every first receipt again, and not a byte more.
    #[test]
    fn repetitions_change_nothing(ops in ops(40)) {
        let mut first = Run::new(Script::new(memory("properties")), true);
        let mut recorded = Vec::new();
        for op in &ops {
            if let Some(Ok(receipt)) = first.step(op) {
                recorded.push((first.lines.last().unwrap().1.clone(), receipt));
            }
        }
        let store = first.script.ledger.store();
        let (rows_before, books_before, tip_before) = (rows(store), store.books().unwrap(), store.tip().unwrap());
        for (line, receipt) in recorded {
            let again = first.script.line(&line).map_err(|why| TestCaseError::fail(format!("{line}\n{why}")))?;
            let again = again.unwrap();
            prop_assert_eq!(again.outcome, Outcome::AlreadyRecorded);
            prop_assert_eq!((again.position, again.event_id), (receipt.position, receipt.event_id));
        }
        let store = first.script.ledger.store();
        prop_assert_eq!(rows(store), rows_before);
        prop_assert_eq!(store.books().unwrap(), books_before);
        prop_assert_eq!(store.tip().unwrap(), tip_before);
    }

    /// Commits may gather commands in groups of any size; what is recorded is the same.
    #[test]
    fn groups_make_no_difference(ops in ops(40), sizes in proptest::collection::vec(1..=7usize, 1..=8)) {
        let mut alone = Run::new(Script::new(memory("properties")), false);
        for op in &ops {
            let _ = alone.step(op);
        }
        let mut grouped = Script::new(memory("properties"));
        grouped.ledger.door().set_now(alone.lines[0].0);
        let proposals: Vec<_> = alone.lines.iter().map(|(_, line)| grouped.proposal(line)).collect();
        let (mut rest, mut sizes) = (&proposals[..], sizes.iter().cycle());
        while !rest.is_empty() {
            let (group, later) = rest.split_at(rest.len().min(*sizes.next().unwrap()));
            grouped.ledger.record_group(group.iter().map(|p| vec![p.clone()]).collect()).unwrap();
            rest = later;
        }
        let (a, b) = (alone.script.ledger.store(), grouped.ledger.store());
        prop_assert_eq!(rows(a), rows(b));
        same_books("alone", &a.books().unwrap(), "grouped", &b.books().unwrap()).map_err(|why| fail(a, why))?;
        check_sound(b).map_err(|why| fail(b, why))?;
    }
}

proptest! {
    #![proptest_config(config(120))]

    /// A reversed event counts as one that was never recorded; only the record itself still shows it.
    #[test]
    fn a_reversal_is_a_log_without_the_event(ops in ops(40), choice in any::<u16>()) {
        let mut run = run(&ops);
        let all = rows(run.script.ledger.store());
        let candidates: Vec<&OwnedRow> = all.iter().filter(|row| row.stream != "ledger").collect();
        for offset in 0..candidates.len() {
            let x = candidates[(usize::from(choice) + offset) % candidates.len()];
            if x.kind == "historical_credit_recorded" {
                continue; // it would leave a claim without a beginning
            }
            let id = uuid::Uuid::from_bytes(x.event_id);
            let line = format!(r#"{} event_reversed {{"target":"{id}","reason_code":"typo"}}"#, x.stream);
            if run.script.line(&line).is_err() {
                continue;
            }
            let store = run.script.ledger.store();
            check_sound(store).map_err(|why| fail(store, why))?;
            let with = claims::view::case_of(store, &support::stream(&x.stream)).map_err(|why| fail(store, why))?;
            let without = case_without(&all, x, &with);
            for claim in with.claims.keys() {
                let (a, b) = (left_of(&with, claim), left_of(&without, claim));
                if a != b {
                    let why = format!("{} {} reversed (position {})\n  with: {a:?}\n  without: {b:?}", x.stream, x.kind, x.position);
                    return Err(fail(store, why));
                }
            }
            break;
        }
    }
}

/// The case of every stream, as the index of claims by order has it.
fn cases_of(log: &[OwnedRow]) -> BTreeMap<String, String> {
    let mut cases = BTreeMap::new();
    for row in log.iter().filter(|row| row.stream != "ledger") {
        let order = || {
            let body: serde_json::Value = serde_json::from_slice(&row.body).ok()?;
            Some(format!("order/{}", body["payload"]["order"].as_str()?))
        };
        let opens = row.kind == "claim_opened" || !cases.contains_key(&row.stream);
        let case =
            order().filter(|_| opens && row.stream.starts_with("claim/")).unwrap_or(row.stream.clone());
        cases.entry(row.stream.clone()).or_insert(case);
    }
    cases
}

/// Does to a log what somebody with the file could do.
fn damage(log: &mut Vec<OwnedRow>, how: u8, place: proptest::sample::Index, with: u8) {
    let at = place.index(log.len());
    let row = &mut log[at];
    match how {
        0 => row.body[usize::from(with) % 40] ^= 1,
        1 => {
            let byte = usize::from(with) % row.body.len();
            row.body[byte] = b'7';
            row.leaf = leaf_hash(&row.body).0;
        }
        2 => row.recorded_at -= i64::from(with),
        3 => row.kind = "note_added".into(),
        4 => {
            let twice = row.clone();
            log.insert(at, twice);
        }
        _ if log.len() > 1 => {
            log.remove(at);
        }
        _ => {}
    }
}

/// Folds the streams of a case once more, as if one event had not been recorded, nor what amended it.
fn case_without(all: &[OwnedRow], x: &OwnedRow, like: &Case) -> Case {
    let mut case = Case::default();
    let mut gone = vec![EventId(uuid::Uuid::from_bytes(x.event_id))];
    let mut revisions: BTreeMap<&str, Option<Revision>> = BTreeMap::new();
    for row in all {
        let mut recorded: Recorded = open(&row.as_row()).unwrap();
        let target = match &recorded.event {
            Event::EventReversed(r) => Some(r.target),
            Event::EventCorrected(c) => Some(c.target),
            _ => None,
        };
        let id = recorded.envelope.event_id;
        if gone.contains(&id) || target.is_some_and(|target| gone.contains(&target)) {
            gone.push(id);
            continue;
        }
        let revision = revisions.entry(&row.stream).or_default();
        *revision = Some(Revision::after(*revision));
        recorded.envelope.revision = revision.unwrap();
        match recorded.envelope.stream.clone() {
            // Past the law: what was allowed with the event might not have been without it.
            Stream::Claim(id) if like.claims.contains_key(&id) => {
                let claim = case.claims.entry(id.clone()).or_insert_with(|| Claim::new(id));
                claim.apply(recorded).unwrap();
            }
            Stream::Order(id) if like.order.as_ref().is_some_and(|order| order.id == id) => {
                case.apply(recorded).unwrap();
            }
            _ => {}
        }
    }
    case
}

/// What finance and operations see of a claim, without the trace of what was taken back: its row on the board, what is
/// owed, and what stands of each total over all months.
fn left_of(case: &Case, claim: &ClaimId) -> (String, String, BTreeMap<String, i128>) {
    let ClaimRows { board, totals, obligations, .. } = books_rows(case, claim, &Cut::default()).unwrap();
    let mut net: BTreeMap<String, i128> = BTreeMap::new();
    for (key, sums) in totals {
        let name = format!("{} {} {} {} {}", key.merchant, key.country, key.reason, key.kind, key.currency);
        *net.entry(name).or_default() +=
            i128::from(sums.credited_minor) - i128::from(sums.reversed_minor) - i128::from(sums.failed_minor);
    }
    net.retain(|_, sum| *sum != 0);
    (format!("{board:?}"), format!("{obligations:?}"), net)
}

proptest! {
    #![proptest_config(config(16))]

    /// Memory and SQLite, told the same, hold the same: rows, tip, keys, personal values, books.
    #[test]
    fn stores_hold_the_same(ops in ops(20)) {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = run(&ops);
        let mut sqlite = Script::new(support::sqlite(&folder.path().join("ledger.db"), "properties"));
        for (now, line) in &memory.lines {
            sqlite.ledger.door().set_now(*now);
            let _ = sqlite.line(line);
        }
        let (a, b) = (memory.script.ledger.store(), sqlite.ledger.store());
        let (rows_a, rows_b) = (rows(a), rows(b));
        prop_assert_eq!(&rows_a, &rows_b);
        prop_assert_eq!(a.tip().unwrap(), b.tip().unwrap());
        same_books("memory", &a.books().unwrap(), "SQLite", &b.books().unwrap()).map_err(|why| fail(a, why))?;
        for row in &rows_a {
            let (mut x, mut y) = (a.personal(row.position).unwrap(), b.personal(row.position).unwrap());
            x.sort_by(|x, y| x.path.cmp(&y.path));
            y.sort_by(|x, y| x.path.cmp(&y.path));
            prop_assert_eq!(x, y);
        }
        check_sound(b).map_err(|why| fail(b, why))?;
    }
}

proptest! {
    #![proptest_config(config(30))]

    /// No act goes beyond what the policy says at that moment; and what it says is the same of the live case, of the
    /// replayed one and as of the head, adds up, and speaks of every unit once.
    #[test]
    fn the_policy_caps_every_act(ops in ops(40)) {
        let mut run = Run::new(Script::new(memory("properties")), true);
        for op in &ops {
            let Some(Ok(receipt)) = run.step(op) else { continue };
            let Some(claim) = receipt.stream.strip_prefix("claim/") else { continue };
            let Some((case, state)) = run.claim(claim) else { continue };
            let Some(judged) = run.judged(&case, claim) else { continue };
            let open = judged.open_minor();
            // A decision dated before the one that stands is on record and gives nothing.
            let own = state.decisions.iter().find(|d| d.event_id.to_string() == receipt.event_id);
            let given = own.map_or(0, |d| d.entitlement_minor);
            let beyond = match receipt.kind.as_str() {
                "refund_issued" | "gift_credit_issued" if open < 0 => "paid",
                "claim_closed" if open > 0 => "left open",
                "remedy_decided" if given > judged.payable_minor => "decided",
                _ => continue,
            };
            let why = format!("{claim}: more is {beyond} than the policy says ({open} open): {judged:#?}");
            return Err(fail(run.script.ledger.store(), why));
        }
        let outcome = check_sound(run.script.ledger.store()).map_err(TestCaseError::fail)?;
        let head = Cut { position: Position::new(run.script.ledger.store().tip().unwrap().position), ..Cut::default() };
        for claim in (1..=chance::CLAIMS).map(|n| format!("C{n}")) {
            let (Some((case, state)), id) = (run.claim(&claim), ClaimId::new(claim.as_str()).unwrap()) else { continue };
            let Some(judged) = run.judged(&case, &claim) else { continue };
            let replayed = outcome.world.case_of(&id).unwrap();
            let others = [
                judge(replayed, &id, &outcome.world.registry, &Cut::default()),
                judge(&case, &id, &outcome.world.registry, &head),
            ];
            for other in others {
                prop_assert_eq!(format!("{other:?}"), format!("{:?}", Some(&judged)));
            }
            let sum: i64 = judged.lines.iter().map(|line| line.minor).sum();
            prop_assert_eq!(sum.max(0).unsigned_abs(), judged.payable_minor, "{:#?}", judged);
            let units = judged.units.iter().fold(Units::default(), |all, u| all.union(&u.units));
            let count: u64 = judged.units.iter().map(|u| u64::from(u.last - u.first + 1)).sum();
            prop_assert_eq!((&units, count), (&state.units.units(), state.units.units().count()), "{:#?}", judged);
            let order = case.order_state().unwrap();
            let most = order.captured_minor + state.customer_costs_minor() + state.goodwill_minor;
            prop_assert!(judged.payable_minor <= most, "{} of {most}: {judged:#?}", judged.payable_minor);
        }
    }

    /// A claim may be decided in one piece or in many: fees, tax, discounts and shipping come to the same sum.
    #[test]
    fn decisions_in_parts_come_to_the_whole(part in proptest::collection::vec(0..4usize, 8), cost in 0..900u64) {
        let mut whole = None;
        for parts in [vec![0; 8], part] {
            let mut script = Script::new(memory("properties"));
            for line in chance::PRELUDE.lines().filter(|line| !line.is_empty() && !line.starts_with("claim/")) {
                script.line(line).unwrap();
            }
            script.lines(DECIDABLE);
            if cost > 0 {
                let amount = json!({"minor": cost, "currency": "EUR"});
                script.lines(&format!(r#"claim/C9 cost_recorded {{"cost":"inbound_shipping","paid_by":"customer","amount":{amount},"receipt_ref":"slip"}}"#));
            }
            let names: Vec<String> =
                (1..=3).map(|n| format!("L1#{n}")).chain((1..=5).map(|n| format!("L2#{n}"))).collect();
            for group in 0..4 {
                let mut units = Units::default();
                for (name, _) in names.iter().zip(&parts).filter(|(_, part)| **part == group) {
                    units = units.union(&serde_json::from_value(json!([name])).unwrap());
                }
                if !units.is_empty() {
                    script.lines(&format!("claim/C9 remedy_decided {}", json!({"units": units, "remedy": "refund"})));
                }
            }
            let store = script.ledger.store();
            let (case, _, judged) = claims::judging::judged(store, &ClaimId::new("C9").unwrap(), &Cut::default()).unwrap();
            let owed = case.claim_state(&ClaimId::new("C9").unwrap()).unwrap().owed_minor();
            prop_assert_eq!(owed, judged.payable_minor);
            prop_assert_eq!(*whole.get_or_insert(owed), owed);
        }
    }
}

/// All of the odd order, broken and looked at: a fee, shipping, tax and discounts are in it.
const DECIDABLE: &str = r#"
    claim/C9 claim_opened {"order":"O2","asserted":"defect","units":["L1#1-3","L2#1-5"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z
    claim/C9 authorization_granted {"rma":"RMA-9","units":["L1#1-3","L2#1-5"],"written":true} @2024-04-02T10:00:00Z
    claim/C9 parcel_received {"rma":"RMA-9","units":["L1#1-3","L2#1-5"]} @2024-04-09T10:00:00Z
    claim/C9 item_inspected {"units":["L1#1-3","L2#1-5"],"defect":"confirmed","altered":false} @2024-04-10T10:00:00Z
"#;

/// Lines of an order with prices, discounts and tax that do not divide.
fn order_lines() -> impl Strategy<Value = (Vec<(u32, u64, u64, u64)>, u64)> {
    let line = (1..=7u32, 0..=9_999u64, 0..=100u64, 0..=5_000u64);
    (proptest::collection::vec(line, 1..=4), 0..=100u64)
}

proptest! {
    #![proptest_config(config(512))]

    /// Splitting an order into claims changes no cent of price, discount or tax (H-9).
    #[test]
    fn the_parts_of_an_order_are_its_whole((lines, discount) in order_lines(), owner in proptest::collection::vec(0..3usize, 28)) {
        let nets: Vec<u64> = lines.iter().map(|(n, price, percent, _)| {
            let gross = u64::from(*n) * price;
            gross - gross * percent / 100
        }).collect();
        let order_discount = nets.iter().sum::<u64>() * discount / 100;
        let order = sale(&lines, order_discount);
        let total: u64 = nets.iter().sum::<u64>() - order_discount + lines.iter().map(|(.., tax)| tax).sum::<u64>();
        prop_assert_eq!(order.value_minor(&order.units()), total);

        let mut claims = vec![Units::default(); 3];
        let mut owner = owner.iter().cycle();
        let mut singles = 0;
        for (line, first, last) in order.units().ranges() {
            for number in first..=last {
                let unit: Units = serde_json::from_value(json!([format!("{}#{number}", line.as_str())])).unwrap();
                singles += order.value_minor(&unit);
                let claim = &mut claims[*owner.next().unwrap()];
                *claim = claim.union(&unit);
            }
        }
        prop_assert_eq!(singles, total);
        prop_assert_eq!(claims.iter().map(|units| order.value_minor(units)).sum::<u64>(), total);
    }
}

fn sale(lines: &[(u32, u64, u64, u64)], order_discount_minor: u64) -> OrderState {
    let lines: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(i, (quantity, price, percent, tax))| {
            json!({"id": format!("L{i}"), "sku": "A", "class": "main", "condition_sold": "new", "quantity": quantity,
                "unit_price_minor": price, "line_discount_minor": u64::from(*quantity) * price * percent / 100,
                "tax_minor": tax})
        })
        .collect();
    let sale: OrderRecorded = serde_json::from_value(json!({
        "policy": "P", "channel": "direct", "currency": "USD", "purchased_at": "2024-03-01T10:00:00Z",
        "ship_to": {"country": "US"}, "tax_mode": "exclusive", "order_discount_minor": order_discount_minor,
        "shipping_minor": 0, "shipping_tax_minor": 0, "lines": lines,
    }))
    .unwrap();
    Event::from(sale.clone()).check().unwrap();
    OrderState { sale, captured_minor: 0, parcels: BTreeMap::new() }
}

/// The random work is worth its time: all of it together records every kind it knows, and is refused for many reasons.
#[test]
fn the_work_covers_the_catalogue() {
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 150, ..config(150) },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let (recorded, refused) = (RefCell::new(BTreeMap::new()), RefCell::new(BTreeMap::new()));
    let result = runner.run(&ops(50), |ops| {
        let mut run = Run::new(Script::new(memory("properties")), true);
        for op in &ops {
            match run.step(op) {
                Some(Ok(receipt)) => *recorded.borrow_mut().entry(receipt.kind).or_insert(0) += 1,
                Some(Err(why)) => *refused.borrow_mut().entry(why.code).or_insert(0) += 1,
                None => {}
            }
        }
        Ok(())
    });
    result.unwrap();
    let (recorded, refused) = (recorded.into_inner(), refused.into_inner());
    assert!(recorded.len() >= 36, "only {recorded:?}");
    assert!(refused.len() >= 36, "only {refused:?}");
    let enough =
        [("refund_issued", 250), ("gift_credit_issued", 60), ("remedy_decided", 200), ("event_reversed", 80)];
    let few: Vec<_> = enough.iter().filter(|(kind, least)| recorded[*kind] < *least).collect();
    assert!(few.is_empty(), "fewer than {few:?} of {recorded:?}");
    let judged = [
        "policy_denies",
        "policy_grants",
        "over_entitlement",
        "over_refund",
        "payout_waits",
        "assessment_differs",
    ];
    let silent: Vec<_> = judged.iter().filter(|code| !refused.contains_key(**code)).collect();
    assert!(silent.is_empty(), "the policy never says {silent:?}: {refused:?}");
    // Work that is mostly refused proves little.
    let (done, not_done) = (recorded.values().sum::<u32>(), refused.values().sum::<u32>());
    assert!(done >= 2 * not_done, "{done} recorded, {not_done} refused: {refused:?}");
    println!("{done} recorded, {not_done} refused\n{recorded:#?}\n{refused:#?}");
}
