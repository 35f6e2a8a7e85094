//! The journal before four judges who know nothing of us: hledger, ledger, beancount and tackler read it as strictly as
//! they can and arrive at our own balances to the minor unit, for the example claims and for 100,000 generated events;
//! and each of them finds an error of one unit. `tests/oracles/install.sh` brings the tools.

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/program.rs"]
mod program;

use claims::{
    journal::{self, Format, Sheet, each_entry},
    progress::Progress,
    store::{Store, sqlite::SqliteStore},
};
use clap::ValueEnum;
use oracle::{Balances, Reader};
use program::{PROGRAM, command, ok};
use replay::{
    journal::{Account, Entry, Totals},
    merkle::sha256,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
};

const GENERATED_EVENTS: &str = "100000";

/// Our own balances, from a pass of the engine over the log that writes nothing.
struct Ours {
    balances: Balances,
    totals: Totals,
    entries: Vec<Entry>,
}

fn ours(ledger: &Path) -> Ours {
    let mut store = SqliteStore::open_read_only(ledger).unwrap();
    let mut entries = Vec::new();
    let journal = each_entry(&mut store, None, &Progress::silent(), &mut |entry| {
        entries.push(entry);
        Ok(())
    })
    .unwrap();
    assert!(entries.iter().all(Entry::is_even));
    assert!(journal.compared().iter().all(|c| c.agrees()), "{:?}", journal.compared());
    let totals = journal.totals().clone();
    let balances = totals.balances.iter().filter(|(_, minor)| **minor != 0);
    let balances = balances.map(|((a, c), minor)| ((a.to_string(), c.to_string()), *minor)).collect();
    Ours { balances, totals, entries }
}

/// The books as they are served say the same: refunds, gift credits, historical credits, what is owed.
fn equals_the_books(ledger: &Path, ours: &Ours) {
    let books = SqliteStore::open_read_only(ledger).unwrap().books().unwrap();
    let mut of_books: BTreeMap<(&str, String), i128> = BTreeMap::new();
    for (key, sums) in &books.totals {
        *of_books.entry((&key.kind, key.currency.clone())).or_default() += i128::from(sums.net_minor());
    }
    for row in books.obligations.values().filter(|row| row.what != "goods") {
        let what = if row.what == "refund" { "owed" } else { "charges" };
        *of_books.entry((what, row.currency.clone())).or_default() += i128::from(row.open_minor);
    }
    let mut of_journal: BTreeMap<(&str, String), i128> = BTreeMap::new();
    for ((account, currency), minor) in &ours.totals.balances {
        let (what, sign) = match account {
            Account::Clearing | Account::Paid => ("refund", -1),
            Account::GiftCredit => ("gift_credit", -1),
            Account::PaidBefore => ("historical", -1),
            Account::Refunds => ("owed", -1),
            Account::Customers => ("charges", 1),
            _ => continue,
        };
        *of_journal.entry((what, currency.to_string())).or_default() += sign * minor;
    }
    of_books.retain(|_, minor| *minor != 0);
    of_journal.retain(|_, minor| *minor != 0);
    assert_eq!(of_books, of_journal);
}

/// Writes the journal for all readers into a folder, two at a time.
fn write(ledger: &Path, folder: &Path) -> Vec<(Reader, PathBuf)> {
    let files = Reader::ALL.map(|reader| (reader, folder.join(format!("shop.{}", reader.name()))));
    for pair in files.chunks(2) {
        let running: Vec<_> = pair
            .iter()
            .map(|(reader, file)| {
                let mut command = command(PROGRAM, folder);
                command.args(["export", "journal", "--format", reader.name(), "--ledger"]).arg(ledger);
                command.arg("--to").arg(file);
                if *reader == Reader::Tackler {
                    command.args(["--setup", "conf"]);
                }
                command
                    .stderr(std::process::Stdio::null())
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        for mut export in running {
            assert!(export.wait().unwrap().success());
        }
    }
    files.into()
}

/// As [`write`], from entries that are there already: for a log that takes long to replay.
fn written(ours: &Ours, folder: &Path) -> Vec<(Reader, PathBuf)> {
    let conf = folder.join("conf");
    fs::create_dir(&conf).unwrap();
    for (name, text) in journal::setup(&ours.totals) {
        fs::write(conf.join(name), text).unwrap();
    }
    let files = Reader::ALL.map(|reader| (reader, folder.join(format!("shop.{}", reader.name()))));
    for (reader, path) in &files {
        let mut file = BufWriter::new(fs::File::create(path).unwrap());
        let format = Format::from_str(reader.name(), false).unwrap();
        let mut sheet = Sheet::begin(&mut file, format, "generated").unwrap();
        ours.entries.iter().for_each(|entry| sheet.entry(entry).unwrap());
        assert_eq!(sheet.end(0, &sha256(b"")).unwrap(), ours.totals);
    }
    files.into()
}

/// Every reader that is there arrives at our balances.
fn all_agree(files: Vec<(Reader, PathBuf)>, ours: &Ours) {
    for (reader, file) in files {
        assert!(fs::read(&file).unwrap().ends_with(b"\n"), "{reader:?}");
        if !reader.is_there() {
            continue;
        }
        match reader.read(&file) {
            Ok(balances) => assert_eq!(balances, ours.balances, "{reader:?}"),
            Err(why) => panic!("{reader:?} refuses {}: {why}", file.display()),
        }
        if reader == Reader::Tackler {
            // Its checksum over the ids of entries is one that everybody can make from the log.
            let mut ids: Vec<String> = ours.entries.iter().map(|e| format!("{}\n", e.event_id)).collect();
            ids.sort();
            let (_, set) = reader.tackler(&file).unwrap();
            assert_eq!(set, (sha256(ids.concat().as_bytes()).to_string(), ours.totals.entries));
        }
    }
}

fn demo(folder: &Path, events: &str) -> PathBuf {
    let ledger = folder.join("shop.db");
    ok(folder, &["demo", "--quiet", "--events", events, "--ledger", ledger.to_str().unwrap()]);
    ledger
}

#[test]
fn the_example_claims_are_read_alike_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo(folder.path(), "0");
    let ours = ours(&ledger);
    equals_the_books(&ledger, &ours);
    all_agree(write(&ledger, folder.path()), &ours);
}

#[test]
fn a_hundred_thousand_events_are_read_alike_by_all() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo(folder.path(), GENERATED_EVENTS);
    let ours = ours(&ledger);
    let digits: BTreeSet<u32> = ours.totals.turnover.keys().map(|currency| currency.exponent()).collect();
    assert!(ours.totals.turnover.len() >= 5, "{:?}", ours.totals.turnover.keys());
    assert_eq!(digits, BTreeSet::from([0, 2, 3]));
    assert!(ours.totals.entries > 5_000, "{}", ours.totals.entries);
    // The journal is not that of good days only.
    for account in
        [Account::Chargebacks, Account::Contested, Account::Waived, Account::Goodwill, Account::ChargesPaid]
    {
        assert!(ours.totals.balances.keys().any(|(used, _)| *used == account), "nothing on {account}");
    }
    assert!(ours.totals.turnover.values().all(|(debits, credits)| debits == credits));
    equals_the_books(&ledger, &ours);
    all_agree(written(&ours, folder.path()), &ours);
}

/// The text with the last digit of an amount changed by one: of the first posting to the account in this currency, or
/// of both postings of its entry, so that the entry stays even.
fn planted(text: &str, account: Account, currency: &str, even: bool) -> String {
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let is_posting = |line: &String| line.starts_with(' ') && line.ends_with(&format!(" {currency}"));
    let is_mine = |line: &String| is_posting(line) && line.contains(account.name()) && !line.contains(" = ");
    let at = lines.iter().position(is_mine).unwrap_or_else(|| panic!("no {currency} on {account}"));
    let partner =
        [at - 1, at + 1].into_iter().find(|other| lines.get(*other).is_some_and(is_posting)).unwrap();
    for line in if even { vec![at, partner] } else { vec![at] } {
        let (amount, _) = lines[line].rsplit_once(' ').unwrap();
        let (rest, digit) = amount.split_at(amount.len() - 1);
        let digit: u8 = digit.parse().unwrap();
        lines[line] = format!("{rest}{} {currency}", if digit == 9 { 8 } else { digit + 1 });
    }
    lines.join("\n") + "\n"
}

#[test]
fn an_error_of_one_unit_is_found_by_each() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = demo(folder.path(), "3000");
    let ours = ours(&ledger);
    for (reader, file) in write(&ledger, folder.path()) {
        if !reader.is_there() {
            continue;
        }
        let sound = fs::read_to_string(&file).unwrap();
        assert_eq!(reader.read(&file).as_ref(), Ok(&ours.balances), "{reader:?}");
        for currency in ["USD", "JPY", "KWD"] {
            // An entry that is not even: by a cent, a yen, a thousandth of a dinar.
            fs::write(&file, planted(&sound, Account::Paid, currency, false)).unwrap();
            let found = reader.read(&file);
            assert!(found.is_err(), "{reader:?} takes an entry that is off by one unit of {currency}");
            // An even entry with another amount than the event's: the balances at the end of the file say so, and where
            // a format has none, the comparison with ours.
            fs::write(&file, planted(&sound, Account::Paid, currency, true)).unwrap();
            match reader.read(&file) {
                Ok(balances) if reader == Reader::Tackler => assert_ne!(balances, ours.balances),
                found => assert!(found.is_err(), "{reader:?} takes another amount of {currency}"),
            }
        }
    }
}
