//! The two sides of a row, table by table.

mod money;
mod rights;
mod times;

use replay::{
    event::{Basis, Defect},
    history::Standing,
    judge::{OfOrder, Piece, UnitJudgement},
    policy::{Cites, FactName, OnFail, Policy, Predicate, Rate, Value},
};

use super::{Sides, Sight, note};
use replay::time::Instant;

/// A row of a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    NoFault,
    Region(usize),
    Window(usize),
    Entitlement(usize),
    Requirement(usize),
    Variant(usize),
    Fee(usize),
    Waiver(usize),
    Component(usize),
    Cost(usize),
    Never(usize),
    Payout(usize),
    Authorization,
    Risk,
    RefundTrace,
    Sla(usize),
    Notice(usize),
    Discretion(usize),
    Info(usize),
    /// `policy.versioning`: what a later version does to earlier purchases.
    Versioning,
}

/// A row with what has been seen of it.
#[derive(Debug)]
pub struct Seen {
    /// Which row.
    pub row: Row,
    /// Its table and its name there.
    pub table: &'static str,
    /// Its number or name.
    pub name: String,
    /// The clauses it cites, by id.
    pub cites: Vec<String>,
    /// What its two sides are called.
    pub words: [&'static str; 2],
    /// The only side it has, and why, if so.
    pub alone: Option<(usize, &'static str)>,
    /// The scenarios that show them.
    pub sides: Sides,
}

/// A policy and its rows.
#[derive(Debug)]
pub struct Watched {
    /// The clauses, by index.
    pub policy: Policy,
    /// Every row.
    pub rows: Vec<Seen>,
}

impl Watched {
    /// The rows of a policy's body, of which nothing has been seen.
    pub fn new(body: &serde_json::Value) -> Self {
        let policy = Policy::read(body).0;
        let named = policy.rows();
        let mut rows: Vec<Seen> = Vec::with_capacity(named.len());
        for (row, (table, name, cites)) in order(&policy).into_iter().zip(named) {
            let cites = ids(&policy, cites);
            rows.push(Seen {
                row,
                table,
                name,
                cites,
                words: words(&policy, row),
                alone: alone(&policy, row),
                sides: Sides::default(),
            });
        }
        let versioning = body.pointer("/policy/versioning/cites").and_then(serde_json::Value::as_array);
        if let Some(cites) = versioning {
            rows.push(Seen {
                row: Row::Versioning,
                table: "policy",
                name: "versioning".into(),
                cites: cites.iter().filter_map(serde_json::Value::as_str).map(String::from).collect(),
                words: words(&policy, Row::Versioning),
                alone: None,
                sides: Sides::default(),
            });
        }
        Self { policy, rows }
    }

    /// Notes what an order shows that nobody has claimed anything of: its clocks and duties to inform.
    pub fn see_order(&mut self, scenario: &str, order: &OfOrder, now: Instant) {
        for seen in &mut self.rows {
            let sides = match seen.row {
                Row::Sla(at) => times::clocks(order.clocks.iter().filter(|clock| clock.sla == at), now),
                Row::Notice(at) => [false, order.missing_notices.iter().any(|m| m.notice == at)],
                _ => [false; 2],
            };
            note(&mut seen.sides, scenario, sides);
        }
    }

    /// Notes what a sight shows of every row.
    pub fn see(&mut self, scenario: &str, sight: &Sight<'_>) {
        for seen in &mut self.rows {
            note(&mut seen.sides, scenario, sides(seen.row, sight));
        }
    }
}

/// The rows in the order of [`Policy::rows`].
fn order(p: &Policy) -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(p.no_fault.as_ref().map(|_| Row::NoFault));
    rows.extend((0..p.regions.len()).map(Row::Region));
    rows.extend((0..p.windows.len()).map(Row::Window));
    rows.extend((0..p.entitlements.len()).map(Row::Entitlement));
    rows.extend((0..p.requirements.len()).map(Row::Requirement));
    rows.extend((0..p.variants.len()).map(Row::Variant));
    for (at, fee) in p.fees.iter().enumerate() {
        rows.push(Row::Fee(at));
        rows.extend((!fee.waiver_cites.is_empty()).then_some(Row::Waiver(at)));
    }
    rows.extend((0..p.components.len()).map(Row::Component));
    rows.extend((0..p.costs.len()).map(Row::Cost));
    rows.extend((0..p.nevers.len()).map(Row::Never));
    rows.extend((0..p.payouts.len()).map(Row::Payout));
    rows.extend((!p.authorization.cites.is_empty()).then_some(Row::Authorization));
    rows.extend(p.risk.as_ref().map(|_| Row::Risk));
    rows.extend(p.refund_trace.as_ref().map(|_| Row::RefundTrace));
    rows.extend((0..p.slas.len()).map(Row::Sla));
    rows.extend((0..p.notices.len()).map(Row::Notice));
    rows.extend((0..p.discretion.len()).map(Row::Discretion));
    rows.extend((0..p.infos.len()).map(Row::Info));
    rows
}

/// What the two sides of a row are called.
fn words(p: &Policy, row: Row) -> [&'static str; 2] {
    match row {
        Row::NoFault => ["nothing found", "a fault confirmed"],
        Row::Region(_) => ["inside", "outside"],
        Row::Window(_) => ["in time", "too late"],
        Row::Entitlement(_) => ["granted", "not granted"],
        Row::Requirement(at) => match p.requirements.get(at).map(|r| r.on_fail) {
            Some(OnFail::Deny) => ["met", "denies"],
            Some(OnFail::Hold) => ["met", "holds"],
            Some(OnFail::Discretion | OnFail::Partial) => ["met", "left to a person"],
            Some(OnFail::RefuseParcel | OnFail::RefuseItem) => ["taken in", "refused at the dock"],
            Some(OnFail::Note) | None => ["met", "noted"],
        },
        Row::Variant(_) => ["in the window", "after it"],
        Row::Fee(at) if p.fees.get(at).is_some_and(|f| matches!(f.rate, Rate::Fixed(_))) => {
            ["charged", "not offered, or after the window"]
        }
        Row::Fee(_) => ["taken", "not taken"],
        Row::Waiver(_) => ["waived", "taken"],
        Row::Component(at) if p.components.get(at).is_some_and(|c| c.refundable) => ["paid back", "kept"],
        Row::Component(_) => ["kept", "paid back"],
        Row::Cost(at) if p.costs.get(at).is_some_and(money::moves_nothing) => {
            ["decides", "another row, or none, decides"]
        }
        Row::Cost(_) => ["money moves by it", "the same cost, and no money by it"],
        Row::Never(_) => ["on record without a line", "another cost is settled by its row"],
        Row::Payout(_) => ["pays this way", "another way"],
        Row::Authorization => ["authorized", "refused, withdrawn, or unannounced"],
        Row::Risk => ["lost to the customer's account", "the merchant answers, or nothing is lost"],
        Row::RefundTrace => ["every step attested", "a step left out"],
        Row::Sla(_) => ["met in time", "late, or still running"],
        Row::Notice(_) => ["told", "missing"],
        Row::Discretion(_) => ["used", "declined, out of bounds, or awaited"],
        Row::Info(_) => ["told", ""],
        Row::Versioning => ["an earlier version governs", "the version of the purchase is the last"],
    }
}

/// The only side that a row has, and why.
fn alone(p: &Policy, row: Row) -> Option<(usize, &'static str)> {
    match row {
        Row::Info(_) => Some((0, "a text that is shown: there is nothing to meet or to miss")),
        Row::Component(at) => {
            let gives = p.components.iter().any(|c| c.refundable);
            let keeps = p.components.get(at).is_some_and(|c| !c.refundable);
            (keeps && !gives).then_some((0, "no row pays outbound shipping back: it is kept in every refund"))
        }
        Row::Requirement(at) => {
            let row = p.requirements.get(at)?;
            let confirmed = Value::Word(Defect::Confirmed.as_str().into());
            let never = row.scope.basis == [Basis::NoFault]
                && row.needs == Predicate::Is(FactName::InspDefect, confirmed);
            never.then_some((1, "where nothing was found no defect is confirmed: it can only fail"))
        }
        _ => None,
    }
}

/// Which sides of a row a sight shows.
fn sides(row: Row, s: &Sight<'_>) -> [bool; 2] {
    match row {
        Row::NoFault => rights::no_fault(s),
        Row::Region(at) => {
            let inside = s.policy().regions.get(at).map(|r| r.holds(&s.trial.place));
            [inside == Some(true), inside == Some(false)]
        }
        Row::Window(at) => rights::window(s, at),
        Row::Entitlement(at) => rights::entitlement(s, at),
        Row::Requirement(at) => rights::requirement(s, at),
        Row::Variant(at) => rights::variant(s, at),
        Row::Fee(at) => money::fee(s, at),
        Row::Waiver(at) => money::waiver(s, at),
        Row::Component(at) => money::component(s, at),
        Row::Cost(at) => money::cost(s, at),
        Row::Never(at) => money::never(s, at),
        Row::Payout(at) => money::payout(s, at),
        Row::Authorization => times::authorization(s),
        Row::Risk => rights::risk(s),
        Row::RefundTrace => times::refund_trace(s),
        Row::Sla(at) => times::sla(s, at),
        Row::Notice(at) => times::notice(s, at),
        Row::Discretion(at) => times::discretion(s, at),
        Row::Info(at) => [s.policy().infos.get(at).is_some_and(|info| s.has_signal(&info.on)), false],
        Row::Versioning => super::house::sides(7, s),
    }
}

fn ids(policy: &Policy, cites: &Cites) -> Vec<String> {
    cites.iter().map(|clause| policy.clause_id(clause).into()).collect()
}

/// Whether all of `part` is in `whole`.
pub(super) fn within(part: &Cites, whole: &Cites) -> bool {
    part.iter().all(|clause| whole.contains(clause))
}

impl<'a> Sight<'a> {
    /// The policy that judges.
    pub fn policy(&self) -> &'a Policy {
        &self.trial.version.policy
    }
    /// The units with their facts.
    pub fn units(&self) -> impl Iterator<Item = (Piece<'_>, &UnitJudgement)> {
        let lines = &self.trial.facts.sale.value.lines;
        self.trial.facts.units.iter().filter_map(move |(id, first, last, unit)| {
            let line_at = lines.iter().position(|line| line.id == *id)?;
            let piece = Piece { line_at, line: lines.get(line_at)?, first, last, unit };
            let own = |u: &&UnitJudgement| u.line_at == line_at && u.first == first;
            Some((piece, self.judged.units.iter().find(own)?))
        })
    }
    /// What stands in the claim's own stream.
    pub fn standing(&self) -> Vec<Standing<'a>> {
        let claim = self.case.claims.get(self.id);
        let all = claim.map(|claim| claim.history.standing(self.cut)).unwrap_or_default();
        all.into_iter().filter(|s| s.reversed.is_none()).collect()
    }
    /// Whether an event like this is on record.
    pub fn has_signal(&self, wanted: &replay::policy::Signal) -> bool {
        self.trial.facts.signals.iter().any(|s| wanted.is(s.kind, s.qualifier.as_deref()))
    }
    /// Whether an act of this type was refused for a reason that is `wanted`.
    pub fn was_refused(&self, kind: &str, wanted: impl Fn(&str) -> bool) -> bool {
        self.refused.iter().any(|r| r.kind == kind && wanted(&r.reason))
    }
}
