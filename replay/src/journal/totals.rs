//! What the entries add up to, and whether the books say the same.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use super::{Account, Entry};
use crate::{
    books::{BoardRow, Books, ClaimRows, ObligationRow, Sums, TotalKey},
    money::Currency,
};

/// Sums of entries, debits positive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// How many entries.
    pub entries: u64,
    /// How many postings.
    pub postings: u64,
    /// How many entries post a decision as one sum.
    pub net: u64,
    /// Per account and currency.
    pub balances: BTreeMap<(Account, Currency), i128>,
    /// Debits and credits per currency; both are positive, and equal.
    pub turnover: BTreeMap<Currency, (i128, i128)>,
    merchants: BTreeMap<(String, String, Account), i128>,
}

impl Totals {
    /// Adds an entry.
    pub fn add(&mut self, entry: &Entry) {
        self.entries = self.entries.saturating_add(1);
        self.net = self.net.saturating_add(entry.net.into());
        for (account, minor) in &entry.postings {
            self.postings = self.postings.saturating_add(1);
            let sum = self.balances.entry((*account, entry.currency)).or_default();
            *sum = sum.saturating_add(*minor);
            let turnover = self.turnover.entry(entry.currency).or_default();
            turnover.0 = turnover.0.saturating_add((*minor).max(0));
            turnover.1 = turnover.1.saturating_sub((*minor).min(0));
            let key = (entry.merchant.to_string(), entry.currency.to_string(), *account);
            let of_merchant = self.merchants.entry(key).or_default();
            *of_merchant = of_merchant.saturating_add(*minor);
        }
    }
    /// How many accounts were posted to.
    pub fn accounts(&self) -> usize {
        Account::ALL.iter().filter(|a| self.balances.keys().any(|(used, _)| used == *a)).count()
    }
}

/// One figure of the books and what the journal says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// What it is, as in the refund totals or in what is owed.
    pub what: &'static str,
    pub merchant: String,
    pub currency: String,
    pub books_minor: i128,
    pub journal_minor: i128,
}

impl Compared {
    /// Whether both say the same.
    pub fn agrees(&self) -> bool {
        self.books_minor == self.journal_minor
    }
}

/// The figures of the books that the journal must give as well, with the accounts they stand on and the sign there.
const FIGURES: [(&str, &[Account], i128); 6] = [
    ("refunds that stand", &[Account::Clearing, Account::Paid], -1),
    ("gift credits that stand", &[Account::GiftCredit], -1),
    ("historical credits that stand", &[Account::PaidBefore], -1),
    ("refunds open on the board", &[Account::Refunds], -1),
    ("refunds owed", &[Account::Refunds], -1),
    ("charges owed", &[Account::Customers], 1),
];

/// Sums of the books' rows.
#[derive(Debug, Default)]
pub(super) struct OfBooks {
    sums: BTreeMap<(&'static str, String, String), i128>,
}

impl OfBooks {
    /// Adds what the books say of one claim.
    pub(super) fn add(&mut self, rows: &ClaimRows) {
        rows.totals.iter().for_each(|(key, sums)| self.total(key, sums));
        self.board(&rows.board);
        rows.obligations.iter().for_each(|row| self.owed(row));
    }

    /// Adds all that the books say.
    pub(super) fn add_all(&mut self, books: &Books) {
        books.totals.iter().for_each(|(key, sums)| self.total(key, sums));
        books.board.values().for_each(|row| self.board(row));
        books.obligations.values().for_each(|row| self.owed(row));
    }

    fn put(&mut self, what: &'static str, merchant: &str, currency: &str, minor: i128) {
        let sum = self.sums.entry((what, merchant.into(), currency.into())).or_default();
        *sum = sum.saturating_add(minor);
    }

    fn total(&mut self, key: &TotalKey, sums: &Sums) {
        let what = match key.kind.as_str() {
            "refund" => "refunds that stand",
            "gift_credit" => "gift credits that stand",
            _ => "historical credits that stand",
        };
        let minor = |sum: u64| i128::from(sum);
        let stands = minor(sums.credited_minor) - minor(sums.reversed_minor) - minor(sums.failed_minor);
        self.put(what, &key.merchant, &key.currency, stands);
    }

    fn board(&mut self, row: &BoardRow) {
        self.put("refunds open on the board", &row.merchant, &row.currency, row.open_minor.into());
    }

    fn owed(&mut self, row: &ObligationRow) {
        match row.what.as_str() {
            "refund" => self.put("refunds owed", &row.merchant, &row.currency, row.open_minor.into()),
            "charge" => self.put("charges owed", &row.merchant, &row.currency, row.open_minor.into()),
            _ => {}
        }
    }

    /// Every figure with what the journal says of it; a figure that only one of them has is zero in the other.
    pub(super) fn compared(&self, journal: &Totals) -> Vec<Compared> {
        let mut owners: Vec<(&String, &String)> =
            self.sums.keys().map(|(_, merchant, currency)| (merchant, currency)).collect();
        owners.extend(journal.merchants.keys().map(|(merchant, currency, _)| (merchant, currency)));
        owners.sort();
        owners.dedup();
        let mut found = Vec::new();
        for (merchant, currency) in owners {
            for (what, accounts, sign) in FIGURES {
                let key = (what, merchant.clone(), currency.clone());
                let books_minor = self.sums.get(&key).copied().unwrap_or(0);
                let of = |account: &Account| {
                    journal.merchants.get(&(merchant.clone(), currency.clone(), *account))
                };
                let journal_minor =
                    accounts.iter().filter_map(of).fold(0i128, |sum, minor| sum.saturating_add(*minor));
                let journal_minor = journal_minor.saturating_mul(sign);
                if books_minor != 0 || journal_minor != 0 {
                    let (merchant, currency) = (merchant.clone(), currency.clone());
                    found.push(Compared { what, merchant, currency, books_minor, journal_minor });
                }
            }
        }
        found
    }
}
