//! What if another version of the policy had governed: claims judged again, and what differs. Nothing is written.

mod difference;

pub use difference::{Change, ChargeChange, Cited, DueChange, LineChange, Side, UnitChange, compare};

use replay::{
    case::Case,
    event::PolicyPublished,
    history::Cut,
    ids::{ClaimId, PolicyId, Position},
    judge::{Options, judge, judge_with},
    policy::Policy,
    registry::{Registry, Version},
    time::Instant,
};
use serde::Serialize;
use std::{collections::BTreeMap, sync::Arc};

use super::world::Whole;
use crate::error::{Error, Result};

/// The version to judge by.
#[derive(Debug, Clone)]
pub struct Under {
    /// Whose policy it is.
    pub policy: PolicyId,
    /// Its rows.
    pub version: Version,
}

/// What came of judging claims again.
#[derive(Debug, Default)]
pub struct Report {
    /// Claims that differ, the biggest difference first.
    pub changes: Vec<Change>,
    /// Sums per merchant and currency, over every claim that was judged.
    pub totals: Vec<Total>,
    /// Credits from before this ledger: no policy judges them.
    pub historical: u64,
    /// Claims under other policies.
    pub of_others: u64,
    /// Claims without a version in force at their purchase: there is nothing to compare with.
    pub ungoverned: u64,
}

/// Sums over the claims of one merchant in one currency.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Total {
    /// Policy id.
    pub merchant: String,
    /// ISO 4217.
    pub currency: String,
    /// Claims judged.
    pub claims: u64,
    /// Claims of which anything differs.
    pub changed: u64,
    /// Claims of which the status of a unit differs.
    pub status_changed: u64,
    /// Payable under the version in force.
    pub before_minor: u64,
    /// Payable under the other version.
    pub after_minor: u64,
    /// Claims that would be paid more.
    pub gain: u64,
    /// How much more they would be paid.
    pub gain_minor: u64,
    /// Claims that would be paid less.
    pub lose: u64,
    /// How much less they would be paid.
    pub lose_minor: u64,
}

impl Under {
    /// A version that is not published, or not here.
    ///
    /// # Errors
    /// When rows of it do not fit: to leave them out would judge by another policy than the file says.
    pub fn unpublished(published: &PolicyPublished) -> Result<Self> {
        let (policy, misfits) = Policy::read(&published.body);
        if !misfits.is_empty() {
            let text = "the policy has rows that cannot be judged by";
            return Err(Error::unreadable("policy_does_not_fit", text)
                .details(misfits.iter().map(ToString::to_string).collect())
                .hint("claims policy lint FILE says more"));
        }
        let version = Version {
            version: published.version,
            name: published.name.to_string(),
            effective_from: published.effective_from,
            sha256: published.sha256,
            // It is in no log; both are only asked of versions in the registry.
            position: Position::FIRST,
            recorded_at: Instant::EPOCH,
            policy: Arc::new(policy),
        };
        Ok(Self { policy: published.policy.clone(), version })
    }

    /// A published version.
    ///
    /// # Errors
    /// When there is no such version.
    pub fn published(registry: &Registry, policy: &PolicyId, version: u32) -> Result<Self> {
        let mut found = registry.versions(policy).iter().filter(|v| v.version == version);
        match found.next() {
            Some(version) => Ok(Self { policy: policy.clone(), version: version.clone() }),
            None => Err(Error::not_found(format!("no version {version} of policy {policy} is published"))
                .hint("claims policy list shows what is published; a file is named by its path")),
        }
    }

    fn options(&self) -> Options<'_> {
        Options { version: Some(&self.version), ..Options::default() }
    }
}

impl Report {
    /// Judges one claim twice, whatever policy it is under.
    pub fn of_claim(case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut, under: &Under) -> Self {
        let mut desk = Desk::default();
        desk.claim(case, id, registry, cut, under);
        desk.finish()
    }

    /// Judges every claim of the orders under the same policy twice.
    ///
    /// # Errors
    /// An interruption.
    pub fn of_all(whole: &Whole, cut: &Cut, under: &Under, shown: bool) -> Result<Self> {
        let mut desk = Desk::default();
        whole.each(shown, |_, case| {
            let claims = u64::try_from(case.claims.len()).unwrap_or(u64::MAX);
            let report = &mut desk.report;
            match case.order_state().map(|order| &order.sale.policy) {
                None => report.historical = report.historical.saturating_add(claims),
                Some(policy) if *policy != under.policy => {
                    report.of_others = report.of_others.saturating_add(claims);
                }
                Some(_) => {
                    for id in case.claims.keys() {
                        desk.claim(case, id, whole.registry(), cut, under);
                    }
                }
            }
        })?;
        Ok(desk.finish())
    }
}

#[derive(Default)]
struct Desk {
    report: Report,
    totals: BTreeMap<(String, String), Total>,
}

impl Desk {
    fn claim(&mut self, case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut, under: &Under) {
        // A claim that had not begun under this cut counts nowhere.
        let Some(after) = judge_with(case, id, registry, cut, &under.options()) else { return };
        let Some(before) = judge(case, id, registry, cut) else {
            self.report.ungoverned = self.report.ungoverned.saturating_add(1);
            return;
        };
        let key = (after.policy_id.to_string(), after.currency.as_str().to_string());
        let total = self.totals.entry(key).or_default();
        total.claims = total.claims.saturating_add(1);
        total.before_minor = total.before_minor.saturating_add(before.payable_minor);
        total.after_minor = total.after_minor.saturating_add(after.payable_minor);
        let more = after.payable_minor.saturating_sub(before.payable_minor);
        let less = before.payable_minor.saturating_sub(after.payable_minor);
        total.gain = total.gain.saturating_add(u64::from(more > 0));
        total.gain_minor = total.gain_minor.saturating_add(more);
        total.lose = total.lose.saturating_add(u64::from(less > 0));
        total.lose_minor = total.lose_minor.saturating_add(less);
        if let Some(change) = compare(id, &before, &after) {
            total.changed = total.changed.saturating_add(1);
            total.status_changed = total.status_changed.saturating_add(change.status_changed.into());
            self.report.changes.push(change);
        }
    }

    fn finish(self) -> Report {
        let Self { mut report, totals } = self;
        report.changes.sort_by(|a, b| b.size().cmp(&a.size()).then_with(|| a.claim.cmp(&b.claim)));
        let totals = totals.into_iter();
        report.totals =
            totals.map(|((merchant, currency), total)| Total { merchant, currency, ..total }).collect();
        report
    }
}
