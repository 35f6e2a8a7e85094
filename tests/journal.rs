//! The journal: the example claims as golden files in every format, random histories against the books, and what must
//! hold of every entry. Whether programs of others read it alike, `journal_oracles.rs` proves.

#[path = "support/chance.rs"]
mod chance;
#[path = "support/program.rs"]
mod program;
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use chance::{Run, ops};
use claims::{
    command::{Defaults, parse},
    door::Door,
    error::ErrorKind,
    journal::{Format, Window, each_entry, export},
    ledger::Ledger,
    policy_file::embedded,
    progress::Progress,
    store::{Store, memory::MemoryStore},
};
use program::{ROOT, all, claims as program_of, files, folder, golden, ok, prepare};
use proptest::prelude::*;
use replay::{
    event::Event,
    ids::{ActorId, Code, Expected, Origin, SourceId, Stream},
    journal::{Account, Entry, Journal},
    seal::Proposal,
    time::{Instant, When},
};
use support::{Script, memory};

/// The formats with the ends of their golden files.
const FORMATS: [(Format, &str); 6] = [
    (Format::Hledger, "hledger"),
    (Format::Ledger, "ledger"),
    (Format::Beancount, "beancount"),
    (Format::Tackler, "txn"),
    (Format::Csv, "csv"),
    (Format::Json, "ndjson"),
];
/// The story whose journal is kept in every format; of the others hledger's is enough.
const IN_EVERY_FORMAT: &str = "rne-dispute-and-chargebacks";

/// A ledger with the five policies in which one story of `fixtures/claims` was recorded, each command at the time it
/// tells.
fn story(path: &Path) -> Ledger<MemoryStore> {
    let start = When::parse("2023-01-01T00:00:00Z").unwrap();
    let store = MemoryStore::new(Origin::new("fixtures.example").unwrap());
    let mut ledger = Ledger::new(store, Door::fixed("policies", start.at));
    let who = Defaults {
        actor: ActorId::new("fixture").unwrap(),
        role: Code::new("system").unwrap(),
        source: SourceId::new("fixture").unwrap(),
        effective: When { at: Instant::EPOCH, offset_minutes: 0 },
    };
    for policy in embedded::policies().unwrap() {
        let revision = ledger.store().revision(&Stream::Ledger).unwrap();
        let published = Proposal {
            stream: Stream::Ledger,
            expected: Expected::at_number(revision),
            event: policy.published.into(),
            effective: start,
            effective_is_given: true,
            approver: Some(ActorId::new("second").unwrap()),
            actor: who.actor.clone(),
            role: who.role.clone(),
            source: who.source.clone(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        ledger.record(vec![published]).unwrap();
    }
    *ledger.door() = Door::fixed("fixture", start.at);
    for line in fs::read_to_string(path).unwrap().lines() {
        let mut command = parse(line.as_bytes(), &who, &|_| true).unwrap();
        let revision = ledger.store().revision(&command.stream).unwrap();
        command.expected = Expected::at_number(revision);
        ledger.door().set_now(command.effective.at);
        ledger.record(vec![command]).unwrap_or_else(|why| panic!("{line}\n{why}"));
    }
    ledger
}

/// The journal of a store with its state at the end.
fn journal<S: Store>(store: &mut S, through: Option<u64>) -> (Vec<Entry>, Journal) {
    let mut entries = Vec::new();
    let journal = each_entry(store, through, &Progress::silent(), &mut |entry| {
        entries.push(entry);
        Ok(())
    });
    (entries, journal.unwrap())
}

fn written<S: Store>(store: &mut S, format: Format, window: &Window) -> String {
    let mut text = Vec::new();
    let done = export(store, format, window, &mut text, &Progress::silent()).unwrap();
    assert!(done.compared.iter().all(|figure| figure.agrees()));
    let text = String::from_utf8(text).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    // The root says which log it is; it changes with every byte of a policy, and nothing else here does.
    text.replace(&done.root.to_string(), "<root>")
}

#[test]
fn the_example_claims_have_these_journals() {
    let fixtures = Path::new(ROOT).join("fixtures");
    all(&files(&fixtures.join("claims"), "ndjson"), |path| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let mut ledger = story(path);
        if journal(ledger.store(), None).0.is_empty() {
            return Ok(());
        }
        for (format, end) in FORMATS.into_iter().take(if name == IN_EVERY_FORMAT { FORMATS.len() } else { 1 })
        {
            let text = written(ledger.store(), format, &Window::default());
            golden(&fixtures.join(format!("journal/{name}.{end}")), &text)?;
        }
        Ok(())
    });
}

/// What stands on the accounts of one claim.
fn of_claim(entries: &[Entry], claim: &str) -> BTreeMap<Account, i128> {
    let mut balances = BTreeMap::new();
    for (account, minor) in entries.iter().filter(|e| e.claim.as_str() == claim).flat_map(|e| &e.postings) {
        *balances.entry(*account).or_default() += minor;
    }
    balances
}

/// What must hold of every journal.
fn check<S: Store>(store: &mut S) -> Result<(), String> {
    let (entries, journal) = journal(store, None);
    if let Some(entry) = entries.iter().find(|e| !e.is_even() || e.postings.is_empty()) {
        return Err(format!("position {} is not even", entry.position));
    }
    if !entries.is_sorted_by(|a, b| a.position < b.position) {
        return Err("the entries are not in the order of the log".into());
    }
    let ids: BTreeSet<_> = entries.iter().map(|e| e.event_id).collect();
    if ids.len() != entries.len() {
        return Err("an event has two entries".into());
    }
    if let Some(wrong) = journal.compared().iter().find(|c| !c.agrees()) {
        return Err(format!("{wrong:?}"));
    }
    // Claim by claim: what is owed, what the customer has got beyond it, and what was sent.
    for (claim, row) in store.books().map_err(|why| why.to_string())?.board {
        let balances = of_claim(&entries, &claim);
        let on = |account| balances.get(&account).copied().unwrap_or(0);
        let detail: serde_json::Value =
            serde_json::from_str(&store.books().map_err(|why| why.to_string())?.detail[&claim]).unwrap();
        let money = |what: &str| detail["money"][what]["minor"].as_i64().map_or(0, i128::from);
        let over = on(Account::Overpaid) + on(Account::Chargebacks) + on(Account::Contested);
        let historical = on(Account::Historical);
        let sent =
            -on(Account::Clearing) - on(Account::Paid) - on(Account::GiftCredit) - on(Account::PaidBefore);
        let facts = [
            ("open", i128::from(row.open_minor), -on(Account::Refunds)),
            ("open, or given up", money("open"), -on(Account::Refunds) - on(Account::Withdrawn)),
            ("overpaid", money("overpaid"), over),
            ("goodwill", money("goodwill"), on(Account::Goodwill)),
            ("credited", i128::from(row.credited_minor), sent),
            (
                "owed",
                i128::from(row.owed_minor),
                sent - on(Account::ChargedBack) - over - on(Account::Refunds) - on(Account::Withdrawn),
            ),
            ("credited before", -on(Account::PaidBefore), historical),
        ];
        if let Some((what, books, journal)) = facts.iter().find(|(_, books, journal)| books != journal) {
            return Err(format!("{claim}: {what} is {books} in the books and {journal} in the journal"));
        }
    }
    Ok(())
}

#[test]
fn the_example_claims_add_up_claim_by_claim() {
    let fixtures = Path::new(ROOT).join("fixtures/claims");
    all(&files(&fixtures, "ndjson"), |path| check(story(path).store()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() })]

    /// Whatever is asked of a ledger, corrections and reversals included, the journal is even, in order, and the books.
    #[test]
    fn the_journal_is_the_books(ops in ops(50)) {
        let mut run = Run::new(Script::new(memory("journal")), true);
        for op in &ops {
            let _ = run.step(op);
        }
        let store = run.script.ledger.store();
        check(store).map_err(|why| TestCaseError::fail(format!("{why}\n{}", support::log_text(&support::rows(store)))))?;
    }

    /// What was exported once is the beginning of every later export: entries are added, never changed.
    #[test]
    fn a_journal_only_grows(ops in ops(40), part in 1..100u64) {
        let mut run = Run::new(Script::new(memory("journal")), true);
        for op in &ops {
            let _ = run.step(op);
        }
        let store = run.script.ledger.store();
        let through = (store.tip().unwrap().position * part / 100).max(1);
        let (whole, _) = journal(store, None);
        let (then, _) = journal(store, Some(through));
        let known: Vec<Entry> = whole.into_iter().filter(|e| e.position.get() <= through).collect();
        prop_assert_eq!(then, known);
    }
}

/// Lines of the text form after the random prelude, then the postings of the last line.
fn last_entry(lines: &str) -> (String, String) {
    let mut script = Script::new(memory("journal"));
    script.lines(chance::PRELUDE);
    script.lines(lines);
    let store = script.ledger.store();
    check(store).unwrap_or_else(|why| panic!("{why}"));
    let (entries, _) = journal(store, None);
    let last = entries.last().unwrap();
    let postings = last.postings.iter().map(|(account, minor)| format!("{account} {minor}"));
    let kind = if last.net { format!("{} net", last.kind) } else { last.kind.to_string() };
    (kind, postings.collect::<Vec<_>>().join(", "))
}

#[test]
fn what_events_post() {
    let decided = r#"claim/C2 item_inspected {"units":["L2#1-3"],"same_condition":true} @2024-04-02T10:00:00Z
claim/C2 remedy_selected {"remedy":"refund","by":"buyer"} @2024-04-02T11:00:00Z"#;
    let whole = r#"claim/C2 remedy_decided {"units":["L2#1-3"],"remedy":"refund"} @2024-04-03T10:00:00Z named decision"#;
    let less = r#"claim/C2 remedy_decided {"units":["L2#1-3"],"remedy":"refund","entitlement":{"minor":4000,"currency":"USD"}} @2024-04-03T10:00:00Z named decision"#;
    let issued = r#"claim/C2 refund_issued {"refund":"R1","amount":{"minor":5100,"currency":"USD"},"payout":{"to":"original_method"}} @2024-04-04T10:00:00Z named refund"#;
    let failed =
        r#"claim/C2 refund_failed {"refund":"R1","reason_code":"account_closed"} @2024-04-06T10:00:00Z"#;
    let reversed = r#"claim/C2 event_reversed {"target":"$decision","reason_code":"mistake"} by ann approved bob @2024-04-06T10:00:00Z"#;
    let chargeback = r#"claim/C2 chargeback_opened {"psp_ref":"CB1","amount":{"minor":6000,"currency":"USD"},"reason_code":"fraud"} @2024-04-05T10:00:00Z"#;
    let lost = r#"claim/C2 chargeback_lost {"psp_ref":"CB1"} @2024-04-07T10:00:00Z"#;
    let withdrawn =
        r#"claim/C2 claim_withdrawn {"by":"buyer","reason_code":"kept_it"} @2024-04-07T10:00:00Z"#;
    let corrected = r#"claim/C2 event_corrected {"target":"$decision","set":{"entitlement":{"minor":4000,"currency":"USD"}},"reason_code":"mistake"} by ann approved bob @2024-04-03T11:00:00Z named correction"#;
    let as_before = r#"claim/C2 event_reversed {"target":"$correction","reason_code":"mistake"} by ann approved bob @2024-04-03T12:00:00Z"#;
    let charged = r#"claim/C2 customer_charged {"charge":"CH1","cost":"return_leg_shipping","amount":{"minor":700,"currency":"USD"}} by ann approved bob @2024-04-04T10:00:00Z named charge"#;
    let paid = r#"claim/C2 charge_paid {"charge":"CH1","amount":{"minor":200,"currency":"USD"}} @2024-04-05T10:00:00Z"#;
    let waived = r#"claim/C2 charge_waived {"charge":"CH1","reason_code":"courtesy"} by ann approved bob @2024-04-06T10:00:00Z"#;
    let uncharged = r#"claim/C2 event_reversed {"target":"$charge","reason_code":"mistake"} by ann approved bob @2024-04-06T10:00:00Z"#;
    let table: [(&[&str], &str, &str); 15] = [
        (
            &[decided, whole, corrected],
            "event_corrected net",
            "Liabilities:Refunds 1100, Income:Restocking 900, Expenses:Returns -2000",
        ),
        (
            &[decided, whole, corrected, as_before],
            "event_reversed",
            "Liabilities:Refunds -1100, Income:Restocking -900, Expenses:Returns 2000",
        ),
        (&[charged], "customer_charged", "Assets:Receivable:Customers 700, Income:ShippingRecovered -700"),
        (&[charged, paid], "charge_paid", "Assets:Payments:Charges 200, Assets:Receivable:Customers -200"),
        (
            &[charged, paid, waived],
            "charge_waived",
            "Assets:Receivable:Customers -500, Expenses:ChargesWaived 500",
        ),
        (
            &[charged, paid, uncharged],
            "event_reversed",
            "Assets:Receivable:Customers -500, Liabilities:Customers -200, Income:ShippingRecovered 700",
        ),
        (
            &[decided, whole],
            "remedy_decided",
            "Liabilities:Refunds -5100, Income:Restocking -900, Expenses:Returns 6000",
        ),
        (&[decided, less], "remedy_decided net", "Liabilities:Refunds -4000, Expenses:Returns 4000"),
        (
            &[decided, whole, issued],
            "refund_issued",
            "Assets:Payments:Clearing -5100, Liabilities:Refunds 5100",
        ),
        (
            &[decided, whole, issued, failed],
            "refund_failed",
            "Assets:Payments:Clearing 5100, Liabilities:Refunds -5100",
        ),
        (
            &[decided, whole, issued, reversed],
            "event_reversed",
            "Income:Restocking 900, Expenses:Returns -6000, Expenses:Overpaid 5100",
        ),
        (&[decided, whole, withdrawn], "claim_withdrawn", "Liabilities:Refunds 5100, Income:Withdrawn -5100"),
        (
            &[decided, whole, chargeback],
            "chargeback_opened",
            "Assets:Payments:Chargebacks -6000, Assets:Receivable:Chargebacks 900, Liabilities:Refunds 5100",
        ),
        (
            &[decided, whole, chargeback, lost],
            "chargeback_lost",
            "Assets:Receivable:Chargebacks -900, Expenses:Chargebacks 900",
        ),
        (
            &[chargeback],
            "chargeback_opened",
            "Assets:Payments:Chargebacks -6000, Assets:Receivable:Chargebacks 6000",
        ),
    ];
    for (lines, kind, postings) in table {
        assert_eq!(last_entry(&lines.join("\n")), (kind.into(), postings.into()), "{lines:#?}");
    }
}

#[test]
fn what_was_written_was_asked_for() {
    let mut ledger =
        story(&Path::new(ROOT).join("fixtures/claims").join(format!("{IN_EVERY_FORMAT}.ndjson")));
    let store = ledger.store();
    let (entries, _) = journal(store, None);
    let (first, last) = (entries.first().unwrap().day, entries.last().unwrap().day);
    let count = |store: &mut MemoryStore, window| written(store, Format::Json, &window).lines().count();
    assert_eq!(count(store, Window::default()), entries.len());
    let of_first = entries.iter().filter(|e| e.day == first).count();
    assert_eq!(count(store, Window { until: Some(first), ..Window::default() }), of_first);
    let after = entries.iter().filter(|e| e.day >= last).count();
    assert_eq!(count(store, Window { from: Some(last), ..Window::default() }), after);
    let through = Some(entries[1].position.get());
    assert_eq!(count(store, Window { through, ..Window::default() }), 2);
}

#[test]
fn the_command_says_what_it_wrote() {
    let dir = folder();
    prepare(&dir.path().join("shop.db"));
    let on = |args: &str| {
        let args: Vec<String> = args.split_whitespace().map(String::from).collect();
        program_of(dir.path(), &[&args[..], &["-l".into(), "shop.db".into()]].concat())
    };
    let plain = on("export journal");
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    assert!(plain.stderr.contains("the whole journal equals the books"), "{}", plain.stderr);
    assert!(plain.stdout.contains("\naccount Liabilities:Refunds\n"), "{}", plain.stdout);
    // Names and texts of customers are in no journal.
    for format in ["hledger", "ledger", "beancount", "tackler", "csv"] {
        let text = ok(dir.path(), &["export", "journal", "--format", format, "-l", "shop.db"]);
        assert!(!text.contains("reboot") && !text.contains("commitment"), "{format}");
    }
    let answer = on("export journal --to a.ndjson --json");
    let answer: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
    let lines = fs::read_to_string(dir.path().join("a.ndjson")).unwrap();
    assert_eq!(answer["entries"].as_u64().unwrap(), lines.lines().count() as u64);
    for line in lines.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let minors = entry["postings"].as_array().unwrap().iter().map(|p| p["minor"].as_i64().unwrap());
        assert_eq!(minors.sum::<i64>(), 0, "{line}");
    }
    let refused = on("export journal --setup conf");
    assert_eq!(refused.code, i32::from(ErrorKind::Usage.exit_code()), "{}", refused.stderr);
    assert!(refused.stderr.contains("hint:"), "{}", refused.stderr);
    assert_eq!(on("export journal --from 2024-02-30").code, i32::from(ErrorKind::Usage.exit_code()));
    assert_eq!(on("export journal --through 0").code, i32::from(ErrorKind::Usage.exit_code()));
}

#[test]
fn a_broken_log_has_a_journal_up_to_there_only() {
    let dir = folder();
    let path = dir.path().join("shop.db");
    prepare(&path);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("DROP TRIGGER events_are_never_changed").unwrap();
    file.execute(
        "UPDATE events SET body = CAST(replace(body, 'claim', 'clam_') AS BLOB) WHERE position = 12",
        [],
    )
    .unwrap();
    drop(file);
    let outcome = program_of(dir.path(), &["export", "journal", "-l", "shop.db", "--to", "a.journal"]);
    assert_eq!(outcome.code, i32::from(ErrorKind::BrokenLog.exit_code()), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("position 12"), "{}", outcome.stderr);
    assert!(!dir.path().join("a.journal").exists());
    let before = program_of(dir.path(), &["export", "journal", "-l", "shop.db", "--through", "11"]);
    assert_eq!(before.code, 0, "{}", before.stderr);
}

/// Every kind is placed by hand in the engine; here the tables of both sides are held together: what the text form of a
/// log says moves money, and nothing else, has entries.
#[test]
fn only_money_has_entries() {
    let mut ledger = story(&Path::new(ROOT).join("fixtures/claims/amc-partial-return.ndjson"));
    let (entries, _) = journal(ledger.store(), None);
    let with: BTreeSet<u64> = entries.iter().map(|e| e.position.get()).collect();
    let mut refunds = 0;
    ledger
        .store()
        .scan(claims::store::Span::ALL, &mut |row| {
            let event = replay::codec::open(row).unwrap().event;
            if let Event::RefundIssued(r) = &event {
                let entry = entries.iter().find(|e| e.position.get() == row.position).unwrap();
                assert!(entry.postings.contains(&(Account::Clearing, -i128::from(r.amount.minor()))));
                refunds += 1;
            }
            if matches!(event, Event::OrderRecorded(_) | Event::PaymentCaptured(_) | Event::ParcelReceived(_))
            {
                assert!(!with.contains(&row.position));
            }
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(refunds > 0);
}
