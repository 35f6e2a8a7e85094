//! Leakage: where money left that the policy did not ask for, or stays that it owes. What was decided and paid is held
//! against what the policy says of today's facts, claim by claim.
//!
//! Every figure is a sum of rows, and every row names its claim, its event and its clauses. The categories answer
//! different questions about the same money, so they are never added to each other; nor are currencies.
//!
//! ```text
//! money      paid_above_entitlement, entitled_not_paid           money.rs
//! charges    fees_not_charged, waivers                           charges.rs
//! goods      refunds_without_receipt, labels_unused              goods.rs
//! people     goodwill, overrides                                 people.rs
//! decisions  decisions_contradicted                              decisions.rs
//! ```

mod charges;
mod decisions;
mod goods;
mod looked;
mod money;
mod people;

use replay::{
    history::Cut,
    ids::{ActorId, ClaimId, Code, EventId, OrderId, PolicyId},
    judge::judge,
    time::{Day, When},
};
use serde::Serialize;
use std::collections::BTreeMap;

use super::world::Whole;
use crate::error::Result;
use looked::Looked;

macro_rules! categories {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)+) => {
        /// A kind of leakage.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Category { $($(#[$doc])* $variant),+ }

        impl Category {
            /// All of them, in the order of the report.
            pub const ALL: &'static [Category] = &[$(Category::$variant),+];
            /// The name in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Category::$variant => $name),+ }
            }
            /// What people read.
            pub fn title(self) -> &'static str {
                match self { $(Category::$variant => $title),+ }
            }
        }
    };
}

categories! {
    /// Refunds, gift credits and lost chargebacks beyond what today's facts entitle to.
    PaidAboveEntitlement = "paid_above_entitlement", "paid above entitlement";
    /// Eligible, and still to be paid.
    EntitledNotPaid = "entitled_not_paid", "entitled, not paid";
    /// Charges that follow from the policy and were not made, or were given up.
    FeesNotCharged = "fees_not_charged", "fees not charged";
    /// Fees that a clause waives, and charges that a person gave up.
    Waivers = "waivers", "waivers";
    /// Paid outside the policy (H-19).
    Goodwill = "goodwill", "goodwill";
    /// Money for goods that never came back, without a decision to do without them.
    RefundsWithoutReceipt = "refunds_without_receipt", "refunds without receipt";
    /// Labels paid for that no parcel has used.
    LabelsUnused = "labels_unused", "labels unused";
    /// Decisions at a discretion point, and money that went another way than the policy says.
    Overrides = "overrides", "overrides";
    /// Decisions that today's facts or today's version would make differently.
    DecisionsContradicted = "decisions_contradicted", "decisions contradicted";
}

/// Days after which a label that no parcel has used is on the list, unless asked otherwise.
pub const LABEL_DAYS: u32 = 30;

/// What is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The cut through the log.
    pub cut: Cut,
    /// The moment that ages are read at.
    pub at: When,
    /// First local day of the money or the decision.
    pub from: Option<Day>,
    /// Last one.
    pub to: Option<Day>,
    /// Only this policy id.
    pub merchant: Option<PolicyId>,
    /// Days that an entitlement may stay unpaid.
    pub grace_days: u32,
    /// Days that a label may stay unused.
    pub label_days: u32,
    /// Whether rows are kept, or only their sums.
    pub rows: bool,
}

/// One finding.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its kind.
    pub category: Category,
    /// Policy id.
    pub merchant: String,
    /// ISO 4217.
    pub currency: String,
    /// The claim.
    pub claim: ClaimId,
    /// Its order.
    pub order: OrderId,
    /// How much, in minor units; 0 where no money is named.
    pub amount_minor: u64,
    /// Local day of the money or the decision.
    pub day: Day,
    /// Who acted; none where the finding is that nobody did, or where the policy did.
    pub actor: Option<ActorId>,
    /// The second person.
    pub approver: Option<ActorId>,
    /// Clauses.
    pub cites: Vec<Code>,
    /// What waivers, goodwill and overrides are also summed by: person and reason, point, or clause.
    pub by: Option<String>,
    /// Why it is here, as a sentence.
    pub why: String,
    /// Place of the event behind it in the log.
    pub position: u64,
    /// The event.
    pub event: EventId,
}

/// Count and amount of some rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// Rows.
    pub count: u64,
    /// Their amounts in minor units.
    pub amount_minor: u64,
}

/// Merchant and currency: amounts are only ever summed within both.
pub type Purse = (String, String);

/// Leakage of a ledger.
#[derive(Debug, Default)]
pub struct Report {
    /// The findings, if they were asked for: by category, then the largest amount first.
    pub rows: Vec<Row>,
    /// Sums per category.
    pub totals: BTreeMap<(Category, Purse), Sum>,
    /// Sums of waivers, goodwill and overrides by what [`Row::by`] says.
    pub groups: BTreeMap<(Category, Purse, String), Sum>,
    /// Claims looked at.
    pub claims: u64,
    /// Credits from before this ledger: no policy judges them.
    pub historical: u64,
    /// Claims without a version in force at their purchase.
    pub ungoverned: u64,
}

/// Looks at every claim of a ledger.
///
/// # Errors
/// An interruption.
pub fn leakage(whole: &Whole, ask: &Ask, shown: bool) -> Result<Report> {
    let registry = whole.registry();
    let mut report = Report::default();
    whole.each(shown, |_, case| {
        let Some(order) = &case.order else {
            let claims = u64::try_from(case.claims.len()).unwrap_or(u64::MAX);
            report.historical = report.historical.saturating_add(claims);
            return;
        };
        let order_standing = order.history.standing(&ask.cut);
        let Some(sold) = order.state(&ask.cut) else { return };
        if ask.merchant.as_ref().is_some_and(|wanted| *wanted != sold.sale.policy) {
            return;
        }
        for (id, claim) in &case.claims {
            let Some(state) = claim.state(&ask.cut) else { continue };
            let Some(judged) = judge(case, id, registry, &ask.cut) else {
                report.ungoverned = report.ungoverned.saturating_add(1);
                continue;
            };
            report.claims = report.claims.saturating_add(1);
            let standing = claim.history.standing(&ask.cut);
            let looked = Looked {
                case,
                order: &order.id,
                sold: &sold,
                registry,
                ask,
                state: &state,
                judged: &judged,
                standing: &standing,
                order_standing: &order_standing,
            };
            looked.all(&mut |row| report.add(row, ask));
        }
    })?;
    report.rows.sort_by(|a, b| {
        let key = |r: &Row| (r.category, r.merchant.clone(), r.currency.clone());
        key(a)
            .cmp(&key(b))
            .then(b.amount_minor.cmp(&a.amount_minor))
            .then_with(|| (&a.claim, a.position).cmp(&(&b.claim, b.position)))
    });
    Ok(report)
}

impl Report {
    fn add(&mut self, row: Row, ask: &Ask) {
        if ask.from.is_some_and(|from| row.day < from) || ask.to.is_some_and(|to| row.day > to) {
            return;
        }
        let purse = (row.merchant.clone(), row.currency.clone());
        if let Some(by) = &row.by {
            self.groups.entry((row.category, purse.clone(), by.clone())).or_default().add(&row);
        }
        self.totals.entry((row.category, purse)).or_default().add(&row);
        if ask.rows {
            self.rows.push(row);
        }
    }
}

impl Sum {
    fn add(&mut self, row: &Row) {
        self.count = self.count.saturating_add(1);
        self.amount_minor = self.amount_minor.saturating_add(row.amount_minor);
    }
}
