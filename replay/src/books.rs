//! The books: rows that people read instead of the log. Every row follows from one case alone, so that one
//! function writes them on append and on rebuild, and a total is a sum of what claims contribute.

mod detail;
mod digest;

pub use digest::{Digest, DigestBuilder};

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde::Serialize;

use crate::{
    canonical,
    case::Case,
    claim::{ClaimState, CreditKind},
    event::AppendRefused,
    history::Cut,
    ids::{ClaimId, Position},
    money::{Amount, Currency},
    order::OrderState,
    posting,
    time::When,
};

/// Version of what the rows contain; part of every rebuild's manifest.
pub const BOOKS_VERSION: u32 = 2;

/// One claim on the board. All `_minor` amounts are in `currency`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BoardRow {
    pub claim: String,
    pub order: Option<String>,
    pub merchant: String,
    pub country: String,
    pub reason: String,
    pub stage: String,
    /// Flags in fixed order, separated by blanks: escalated disputed reopened overpaid.
    pub flags: String,
    pub opened_on: String,
    pub currency: String,
    pub units_claimed: u64,
    pub units_announced: u64,
    pub units_authorized: u64,
    pub units_received: u64,
    pub units_accepted: u64,
    pub units_refunded: u64,
    pub owed_minor: u64,
    pub credited_minor: u64,
    pub open_minor: u64,
}

/// What a refund total is counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct TotalKey {
    pub merchant: String,
    pub country: String,
    pub reason: String,
    pub kind: String,
    pub month: String,
    pub currency: String,
}

/// Sums that only grow, in minor units. What stands is credited - reversed - failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sums {
    pub credits: u64,
    pub credited_minor: u64,
    pub reversed_minor: u64,
    pub failed_minor: u64,
}

impl Sums {
    /// Adds what another claim contributes.
    pub fn add(&mut self, other: &Sums) {
        self.credits = self.credits.saturating_add(other.credits);
        self.credited_minor = self.credited_minor.saturating_add(other.credited_minor);
        self.reversed_minor = self.reversed_minor.saturating_add(other.reversed_minor);
        self.failed_minor = self.failed_minor.saturating_add(other.failed_minor);
    }
    /// Takes out what a claim contributed before it changed.
    pub fn take(&mut self, other: &Sums) {
        self.credits = self.credits.saturating_sub(other.credits);
        self.credited_minor = self.credited_minor.saturating_sub(other.credited_minor);
        self.reversed_minor = self.reversed_minor.saturating_sub(other.reversed_minor);
        self.failed_minor = self.failed_minor.saturating_sub(other.failed_minor);
    }
    /// What stands, in minor units.
    pub fn net_minor(&self) -> u64 {
        self.credited_minor.saturating_sub(self.reversed_minor).saturating_sub(self.failed_minor)
    }
    /// Whether nothing is left.
    pub fn is_zero(&self) -> bool {
        *self == Sums::default()
    }
}

/// Something one side still owes the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ObligationRow {
    pub claim: String,
    /// `refund` (to the customer), `charge` (from the customer), `goods` (to the customer).
    pub what: String,
    /// Charge id, or empty.
    pub item: String,
    pub merchant: String,
    pub currency: String,
    pub open_minor: u64,
    pub open_units: u64,
    pub since: String,
}

/// A refused act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RefusalRow {
    pub position: u64,
    pub stream: String,
    pub kind: String,
    pub key: Option<String>,
    pub reason: String,
    pub message: String,
    pub cites: String,
}

/// Everything the books say of one claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimRows {
    pub board: BoardRow,
    /// The claim in full, as canonical JSON.
    pub detail: String,
    pub totals: Vec<(TotalKey, Sums)>,
    pub obligations: Vec<ObligationRow>,
}

/// The rows of one claim of a case, under a cut.
pub fn rows(case: &Case, id: &ClaimId, cut: &Cut) -> Option<ClaimRows> {
    let Looked { state, about } = look(case, id, cut)?;
    Some(ClaimRows {
        board: board(&state, &about),
        detail: text(&detail::Detail(&state, &about)),
        totals: contributions(&state, &about),
        obligations: obligations(&state, &about),
    })
}

/// What the books say of one claim in figures, without the claim in full; lineage asks for it after every event.
pub(crate) struct Figures {
    pub board: BoardRow,
    pub totals: Vec<(TotalKey, Sums)>,
    pub obligations: Vec<ObligationRow>,
    pub state: ClaimState,
}

/// The figures of one claim of a case, under a cut: those of [`rows`], by the same functions.
pub(crate) fn figures(case: &Case, id: &ClaimId, cut: &Cut) -> Option<Figures> {
    let Looked { state, about } = look(case, id, cut)?;
    Some(Figures {
        board: board(&state, &about),
        totals: contributions(&state, &about),
        obligations: obligations(&state, &about),
        state,
    })
}

/// What a claim is counted by, and what it contributes to the refund totals: those of [`rows`], without the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// Policy id.
    pub merchant: String,
    /// Country of the order.
    pub country: String,
    /// Asserted reason, or `historical`.
    pub reason: String,
    /// Sums per key, in the order of the keys.
    pub totals: Vec<(TotalKey, Sums)>,
}

/// What a claim of a case is counted by, as it stands.
pub fn counted(case: &Case, id: &ClaimId) -> Option<Counted> {
    let Looked { state, about } = look(case, id, &Cut::default())?;
    let totals = contributions(&state, &about);
    let About { merchant, country, reason, .. } = about;
    Some(Counted { merchant, country, reason, totals })
}

struct Looked {
    state: ClaimState,
    about: About,
}

fn look(case: &Case, id: &ClaimId, cut: &Cut) -> Option<Looked> {
    let state = case.claims.get(id)?.state(cut)?;
    let about = if *cut == Cut::default() {
        About::of(&state, case.order_state())
    } else {
        About::of(&state, case.order.as_ref().and_then(|o| o.state(cut)).as_ref())
    };
    Some(Looked { state, about })
}

/// The row of a refused act.
pub fn refusal_row(position: Position, r: &AppendRefused) -> RefusalRow {
    let cites: Vec<&str> = r.cites.iter().map(|c| c.as_str()).collect();
    RefusalRow {
        position: position.get(),
        stream: r.stream.to_string(),
        kind: r.kind.to_string(),
        key: r.key.as_ref().map(ToString::to_string),
        reason: r.reason.to_string(),
        message: r.message.to_string(),
        cites: cites.join(" "),
    }
}

/// What every row of a claim repeats.
struct About {
    merchant: String,
    country: String,
    reason: String,
    currency: Option<Currency>,
}
impl About {
    fn of(state: &ClaimState, order: Option<&OrderState>) -> Self {
        let merchant =
            order.map(|o| o.sale.policy.to_string()).or(state.merchant.as_ref().map(ToString::to_string));
        let country = order
            .map(|o| o.sale.ship_to.country.to_string())
            .or(state.country.as_ref().map(ToString::to_string));
        Self {
            merchant: merchant.unwrap_or_default(),
            country: country.unwrap_or_default(),
            reason: state.asserted.map_or("historical", |b| b.as_str()).into(),
            currency: order.map(OrderState::currency).or(state.currency()),
        }
    }
    fn currency_text(&self) -> String {
        self.currency.map(|c| c.as_str().into()).unwrap_or_default()
    }
    fn amount(&self, minor: u64) -> Option<Amount> {
        self.currency.and_then(|c| Amount::new(minor, c).ok())
    }
}

fn board(state: &ClaimState, about: &About) -> BoardRow {
    let flags = [
        (state.escalated, "escalated"),
        (state.disputed, "disputed"),
        (state.reopened > 0, "reopened"),
        (state.overpaid_minor() > 0, "overpaid"),
        (state.historical, "historical"),
    ];
    let flags: Vec<&str> = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
    let historical = state.credits.values().filter(|c| c.kind == CreditKind::Historical && c.is_effective());
    let historical = historical.fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()));
    BoardRow {
        claim: state.id.to_string(),
        order: state.order.as_ref().map(ToString::to_string),
        merchant: about.merchant.clone(),
        country: about.country.clone(),
        reason: about.reason.clone(),
        stage: state.stage().as_str().into(),
        flags: flags.join(" "),
        opened_on: state.opened.local_day().to_string(),
        currency: about.currency_text(),
        units_claimed: state.units.count_where(|_| true),
        units_announced: state.units.count_where(|u| u.announced),
        units_authorized: state.units.count_where(|u| u.authorized),
        units_received: state.units.count_where(|u| u.received),
        units_accepted: state.units.count_where(|u| u.accepted),
        units_refunded: state.units.count_where(|u| u.refunded),
        owed_minor: state.owed_minor().saturating_add(historical),
        credited_minor: state.credited_minor().saturating_add(historical),
        open_minor: if state.withdrawn { 0 } else { state.open_minor() },
    }
}

/// What a claim contributes to the refund totals: each credit in the month it was issued, its reversal and its
/// failure in theirs.
fn contributions(state: &ClaimState, about: &About) -> Vec<(TotalKey, Sums)> {
    let mut totals: BTreeMap<TotalKey, Sums> = BTreeMap::new();
    posting::each(state, &mut |credit, when, sums| {
        let key = TotalKey {
            merchant: about.merchant.clone(),
            country: about.country.clone(),
            reason: about.reason.clone(),
            kind: credit.kind.as_str().into(),
            month: when.local_day().month().to_string(),
            currency: credit.amount.currency().as_str().into(),
        };
        totals.entry(key).or_default().add(&sums);
    });
    totals.into_iter().collect()
}

fn obligations(state: &ClaimState, about: &About) -> Vec<ObligationRow> {
    let mut rows = Vec::new();
    let row = |what: &str, item: String, since: When| ObligationRow {
        claim: state.id.to_string(),
        what: what.into(),
        item,
        merchant: about.merchant.clone(),
        currency: about.currency_text(),
        open_minor: 0,
        open_units: 0,
        since: since.local_day().to_string(),
    };
    if state.withdrawn {
        return rows;
    }
    if state.open_minor() > 0 {
        let since = state.decisions.iter().map(|d| d.decided).max_by_key(|w| w.at).unwrap_or(state.opened);
        rows.push(ObligationRow { open_minor: state.open_minor(), ..row("refund", String::new(), since) });
    }
    for (id, charge) in &state.charges {
        let open = charge.amount.minor().saturating_sub(charge.paid_minor);
        if !charge.waived && open > 0 {
            rows.push(ObligationRow { open_minor: open, ..row("charge", id.to_string(), charge.since) });
        }
    }
    // One row per remedy, however many decisions granted it; they come in order of time.
    let decided = state.units.units_where(|u| u.stage == crate::claim::Stage::Decided);
    let mut goods: BTreeMap<String, (u64, When)> = BTreeMap::new();
    for decision in state.decisions.iter().filter(|d| !d.remedy.pays_money()) {
        let open = decision.units.intersection(&decided).count();
        if open > 0 {
            let owed = goods.entry(decision.remedy.to_string()).or_insert((0, decision.decided));
            owed.0 = owed.0.saturating_add(open);
        }
    }
    for (remedy, (open, since)) in goods {
        rows.push(ObligationRow { open_units: open, ..row("goods", remedy, since) });
    }
    rows.sort();
    rows
}

/// The books of a whole ledger in memory: what a rebuild arrives at, and what the memory store serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Books {
    pub board: BTreeMap<String, BoardRow>,
    pub detail: BTreeMap<String, String>,
    pub totals: BTreeMap<TotalKey, Sums>,
    /// By claim, what, item.
    pub obligations: BTreeMap<(String, String, String), ObligationRow>,
    pub refusals: BTreeMap<u64, RefusalRow>,
}

/// The names of the tables, in the order of the digest.
pub const TABLES: [&str; 5] = ["claims_board", "claim_detail", "refund_totals", "obligations", "refusals"];

impl Books {
    /// The books of these cases under a cut.
    pub fn of(cases: &[&Case], cut: &Cut) -> Self {
        let mut books = Self::default();
        for case in cases {
            for id in case.claims.keys() {
                books.post(None, rows(case, id, cut).as_ref());
            }
        }
        books
    }
    /// Takes in the books of other claims: a total is a sum over claims, every other row is of one claim alone.
    pub fn join(&mut self, mut other: Self) {
        self.board.append(&mut other.board);
        self.detail.append(&mut other.detail);
        self.obligations.append(&mut other.obligations);
        self.refusals.append(&mut other.refusals);
        for (key, sums) in other.totals {
            self.totals.entry(key).or_default().add(&sums);
        }
    }
    /// Replaces what is said of one claim: the one function that posts, on append and on rebuild.
    pub fn post(&mut self, before: Option<&ClaimRows>, after: Option<&ClaimRows>) {
        if let Some(old) = before {
            self.board.remove(&old.board.claim);
            self.detail.remove(&old.board.claim);
            for o in &old.obligations {
                self.obligations.remove(&(o.claim.clone(), o.what.clone(), o.item.clone()));
            }
            for (key, sums) in &old.totals {
                if let Some(total) = self.totals.get_mut(key) {
                    total.take(sums);
                    if total.is_zero() {
                        self.totals.remove(key);
                    }
                }
            }
        }
        if let Some(new) = after {
            self.board.insert(new.board.claim.clone(), new.board.clone());
            self.detail.insert(new.board.claim.clone(), new.detail.clone());
            for o in &new.obligations {
                self.obligations.insert((o.claim.clone(), o.what.clone(), o.item.clone()), o.clone());
            }
            for (key, sums) in &new.totals {
                self.totals.entry(key.clone()).or_default().add(sums);
            }
        }
    }
    /// Puts a refused act on its list.
    pub fn refuse(&mut self, row: RefusalRow) {
        self.refusals.insert(row.position, row);
    }
    /// Calls `line` with table number and canonical line of every row, in the order of the digest.
    pub fn lines(&self, line: &mut dyn FnMut(usize, &str, &str)) {
        for (claim, row) in &self.board {
            line(0, claim, &text(row));
        }
        for (claim, detail) in &self.detail {
            line(1, claim, detail);
        }
        for (key, sums) in &self.totals {
            line(2, &total_name(key), &text(&(key, sums)));
        }
        for ((claim, what, item), row) in &self.obligations {
            line(3, &format!("{claim} {what} {item}"), &text(row));
        }
        for (position, row) in &self.refusals {
            line(4, &format!("{position:020}"), &text(row));
        }
    }
    /// SHA-256 over the number of rows and every canonical line, table by table. Head position and rebuild
    /// events are in no row, so a rebuild does not change its own digest.
    pub fn digest(&self) -> Digest {
        let mut digest = DigestBuilder::default();
        self.lines(&mut |table, _, line| digest.row(table, line));
        digest.finish()
    }
    /// Sums per currency over all totals.
    pub fn control_totals(&self) -> BTreeMap<String, Sums> {
        let mut sums: BTreeMap<String, Sums> = BTreeMap::new();
        for (key, total) in &self.totals {
            sums.entry(key.currency.clone()).or_default().add(total);
        }
        sums
    }
}

/// The name of a total in messages and comparisons.
pub fn total_name(key: &TotalKey) -> String {
    format!("{} {} {} {} {} {}", key.merchant, key.country, key.reason, key.kind, key.month, key.currency)
}

/// The canonical line of a row.
pub fn text<T: Serialize>(row: &T) -> String {
    canonical::text_of(row).unwrap_or_default()
}
