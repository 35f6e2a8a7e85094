//! What differs between two judgements of one claim, in the words of their policies.

use replay::{
    event::{Remedy, UnitStatus},
    ids::{ClaimId, Code},
    judge::{Judgement, LineKind, UnitJudgement},
    money::{Currency, MINOR_MAX},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::judging::due_text;

/// One claim under two versions.
#[derive(Debug, Clone, Serialize)]
pub struct Change {
    /// The claim.
    pub claim: ClaimId,
    /// Policy id of its order.
    pub merchant: String,
    /// ISO 4217.
    pub currency: String,
    /// The version that governs.
    pub before_version: u32,
    /// Payable under it.
    pub before_minor: u64,
    /// Payable under the other one.
    pub after_minor: u64,
    /// Above zero: the customer would be paid more.
    pub difference_minor: i64,
    /// Whether the status of any unit differs.
    pub status_changed: bool,
    /// Units that differ.
    pub units: Vec<UnitChange>,
    /// Lines that differ in amount or clauses.
    pub lines: Vec<LineChange>,
    /// Charges that differ in amount or clauses.
    pub charges: Vec<ChargeChange>,
    /// Due times that differ.
    pub due: Vec<DueChange>,
    /// Where money goes, when that differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payout: Option<(String, String)>,
}

/// What one version says of a run of units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Its status.
    pub status: UnitStatus,
    /// The remedy that was chosen or comes first.
    pub remedy: Option<Remedy>,
    /// Clauses behind the status.
    pub cites: Vec<Code>,
}

/// A run of units of which the versions say different things.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnitChange {
    /// e.g. `L1#1-3`.
    pub units: String,
    /// Under the version in force.
    pub before: Side,
    /// Under the other version.
    pub after: Side,
}

/// An amount with its clauses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cited {
    /// Signed.
    pub minor: i64,
    /// Clauses.
    pub cites: Vec<Code>,
}

/// A line of the refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineChange {
    /// What it is.
    pub line: String,
    /// The order line it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_line: Option<String>,
    /// Under the version in force; none = there is no such line.
    pub before: Option<Cited>,
    /// Under the other version.
    pub after: Option<Cited>,
}

/// Money the customer owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChargeChange {
    /// What for.
    pub cost: String,
    /// Under the version in force; none = nothing.
    pub before: Option<Cited>,
    /// Under the other version.
    pub after: Option<Cited>,
}

/// When something is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DueChange {
    /// The clock, with its refund where there is one.
    pub clock: String,
    /// Under the version in force; none = no such clock, or no figure.
    pub before: Option<String>,
    /// Under the other version.
    pub after: Option<String>,
}

impl Change {
    /// What the biggest difference is measured by: currencies are never added, but a list has one order, so the
    /// exponents are evened out. Then come differences without money, those of a status first.
    pub(super) fn size(&self) -> (u128, bool, usize) {
        let exponent = Currency::parse(&self.currency).map_or(0, Currency::exponent);
        let scale = 10u128.pow(EXPONENT_MAX.saturating_sub(exponent));
        let size = u128::from(self.difference_minor.unsigned_abs()).saturating_mul(scale);
        let parts = [self.units.len(), self.lines.len(), self.charges.len(), self.due.len()];
        (size, self.status_changed, parts.into_iter().fold(0, usize::saturating_add))
    }
}

/// Largest exponent of a currency.
const EXPONENT_MAX: u32 = 4;

/// What differs; `None` when nothing does.
pub fn compare(id: &ClaimId, before: &Judgement, after: &Judgement) -> Option<Change> {
    let units = units(before, after);
    let (lines, charges, due) = (lines(before, after), charges(before, after), due(before, after));
    let payout = (before.payout_to() != after.payout_to())
        .then(|| (before.payout_to().to_string(), after.payout_to().to_string()));
    let same = before.payable_minor == after.payable_minor;
    if same
        && units.is_empty()
        && lines.is_empty()
        && charges.is_empty()
        && due.is_empty()
        && payout.is_none()
    {
        return None;
    }
    let signed = |minor: u64| i64::try_from(minor.min(MINOR_MAX)).unwrap_or(i64::MAX);
    Some(Change {
        claim: id.clone(),
        merchant: after.policy_id.to_string(),
        currency: after.currency.as_str().into(),
        before_version: before.version,
        before_minor: before.payable_minor,
        after_minor: after.payable_minor,
        difference_minor: signed(after.payable_minor).saturating_sub(signed(before.payable_minor)),
        status_changed: units.iter().any(|u| u.before.status != u.after.status),
        units,
        lines,
        charges,
        due,
        payout,
    })
}

fn side(judged: &Judgement, unit: &UnitJudgement) -> Side {
    Side { status: unit.status, remedy: unit.remedy, cites: judged.policy.ids(&unit.cites) }
}

/// Runs are cut by the facts, and a policy says which facts count, so the two may be cut differently.
fn units(before: &Judgement, after: &Judgement) -> Vec<UnitChange> {
    let mut changes: Vec<UnitChange> = Vec::new();
    for old in &before.units {
        for new in after.units.iter().filter(|new| new.line_at == old.line_at) {
            let both = old.units.intersection(&new.units);
            if both.is_empty() {
                continue;
            }
            let (before, after) = (side(before, old), side(after, new));
            if before != after {
                changes.push(UnitChange { units: both.to_string(), before, after });
            }
        }
    }
    changes
}

/// Before and after under the same name, where they differ.
fn differing<K: Ord + Clone, V: PartialEq + Clone>(
    before: BTreeMap<K, V>,
    after: BTreeMap<K, V>,
) -> impl Iterator<Item = (K, Option<V>, Option<V>)> {
    let keys: BTreeSet<K> = before.keys().chain(after.keys()).cloned().collect();
    keys.into_iter().filter_map(move |key| {
        let (old, new) = (before.get(&key).cloned(), after.get(&key).cloned());
        (old != new).then_some((key, old, new))
    })
}

fn add(to: &mut Cited, minor: i64, cites: Vec<Code>) {
    to.minor = to.minor.saturating_add(minor);
    to.cites.extend(cites);
    to.cites.sort();
    to.cites.dedup();
}

/// The place of a kind of line in the waterfall, so that a list of lines reads like a refund.
fn place(kind: &LineKind) -> u8 {
    match kind {
        LineKind::Item => 0,
        LineKind::Tax => 1,
        LineKind::OutboundShipping => 2,
        LineKind::Fee(_) => 3,
        LineKind::PartialDeduction => 4,
        LineKind::Cap => 5,
        LineKind::Reimbursement(_) => 6,
        LineKind::Cost(_) => 7,
        LineKind::OtherCompensation => 8,
        LineKind::Outside(_) => 9,
    }
}

fn lines(before: &Judgement, after: &Judgement) -> Vec<LineChange> {
    let named = |judged: &Judgement| {
        let mut lines: BTreeMap<(u8, String, Option<String>), Cited> = BTreeMap::new();
        for line in &judged.lines {
            let of = line.order_line.as_ref().map(ToString::to_string);
            let entry = lines.entry((place(&line.kind), line.kind.name(), of)).or_default();
            add(entry, line.minor, judged.policy.ids(&line.cites));
        }
        lines
    };
    let changes = differing(named(before), named(after));
    changes
        .map(|((_, line, order_line), before, after)| LineChange { line, order_line, before, after })
        .collect()
}

fn charges(before: &Judgement, after: &Judgement) -> Vec<ChargeChange> {
    let named = |judged: &Judgement| {
        let mut charges: BTreeMap<String, Cited> = BTreeMap::new();
        for charge in &judged.charges {
            let minor = i64::try_from(charge.minor).unwrap_or(i64::MAX);
            let entry = charges.entry(charge.what.to_string()).or_default();
            add(entry, minor, judged.policy.ids(&charge.cites));
        }
        charges
    };
    let changes = differing(named(before), named(after));
    changes.map(|(cost, before, after)| ChargeChange { cost, before, after }).collect()
}

fn due(before: &Judgement, after: &Judgement) -> Vec<DueChange> {
    let named = |judged: &Judgement| {
        let clocks = judged.clocks.iter().filter_map(|clock| {
            let sla = judged.policy.slas.get(clock.sla)?;
            let name = match &clock.refund {
                Some(refund) => format!("{} {refund}", sla.id),
                None => sla.id.to_string(),
            };
            Some((name, due_text(&clock.due)?))
        });
        clocks.collect::<BTreeMap<String, String>>()
    };
    let changes = differing(named(before), named(after));
    changes.map(|(clock, before, after)| DueChange { clock, before, after }).collect()
}
