//! What the demonstration reads of a policy: which remedies it grants on which grounds, which proofs, fees and
//! discretion points it has. Read from the policy's tables, so that a demo claim cites what a real one would.

use replay::{
    event::{ArticleClass, Basis, Condition, Remedy},
    ids::{Code, PolicyId},
    merkle::Hash,
    money::Currency,
    policy::{DiscretionPoint, Policy},
};
use serde_json::Value;

use crate::policy_file::PolicyFile;

/// Longest wait for a first contact, where a policy names no shorter one.
const DAYS_MAX: u64 = 365;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub policy: PolicyId,
    pub sha256: Hash,
    /// The rows as the engine reads them.
    pub rules: Policy,
    /// Clauses behind the rules of authorizations.
    pub authorization_cites: Vec<Code>,
    /// Goods come back only after an authorization.
    pub authorization_required: bool,
    pub grants: Vec<Grant>,
    /// Proofs that must be there, by grounds.
    pub proofs: Vec<Row<Vec<Code>>>,
    /// Causes that end the claim at inspection, or leave it to a person.
    pub causes: Vec<Row<Vec<Code>>>,
    /// Articles on sale, and free ones, that nothing is given for.
    pub on_sale: Vec<Row<()>>,
    pub free_gift: Vec<Row<()>>,
    /// Conditions of the article that are left to a person.
    pub conditions: Vec<Row<()>>,
    /// A percentage of the price that is kept back, in basis points, and whether it always is.
    pub restocking: Vec<Row<(u32, bool)>>,
    /// A fixed price for repairing what the customer has broken.
    pub paid_repair: Option<Row<(u64, Currency)>>,
    /// Outbound shipping is refunded.
    pub outbound: Vec<Row<()>>,
    /// What the customer paid for the way back is repaid.
    pub reimbursed: Vec<Row<()>>,
    /// A gift credit takes the place of a refund to the giver.
    pub gift_credit: Option<Row<()>>,
    /// A person may waive the return.
    pub waiver: Option<Code>,
}

/// An entitlement.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    classes: Vec<ArticleClass>,
    conditions: Vec<Condition>,
    pub remedies: Vec<Remedy>,
    /// How many days there are for the first contact.
    pub days: u64,
    pub row: Row<()>,
}

/// A row of a policy with what is said in it.
#[derive(Debug, Clone)]
pub(super) struct Row<T> {
    /// Empty = all.
    bases: Vec<Basis>,
    /// Empty = all.
    remedies: Vec<Remedy>,
    pub cites: Vec<Code>,
    /// The discretion point it leads to.
    pub point: Option<Code>,
    pub what: T,
}

impl<T> Row<T> {
    fn read(row: &Value, what: T) -> Self {
        let scope = row.get("scope");
        let point = row.get("point").or(row.get("needs_discretion")).and_then(Value::as_str);
        Self {
            bases: words(scope.and_then(|s| s.get("basis"))),
            remedies: words(scope.and_then(|s| s.get("remedy"))),
            cites: words(row.get("cites")),
            point: point.and_then(|p| p.parse().ok()),
            what,
        }
    }
    /// Whether it speaks of these grounds and this remedy.
    pub fn is_about(&self, basis: Basis, remedy: Option<Remedy>) -> bool {
        (self.bases.is_empty() || self.bases.contains(&basis))
            && (self.remedies.is_empty() || remedy.is_none_or(|r| self.remedies.contains(&r)))
    }
}

impl Terms {
    /// From a policy's body.
    pub fn read(policy: &PolicyFile) -> Self {
        let body = &policy.published.body;
        let rows = |table: &str| body.get(table).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is = |row: &Value, field: &str, word: &str| row.get(field).and_then(Value::as_str) == Some(word);
        let flag = |row: &Value, field: &str| row.get(field).and_then(Value::as_bool).unwrap_or(false);
        let requirements = rows("requirement");
        let settled = requirements.iter().filter(|r| is(r, "stage", "settle"));
        let about = |row: &&Value, fact: &str| facts(row).iter().any(|f| f.starts_with(fact));
        let left_to_people = |row: &&Value| is(row, "on_fail", "discretion") || is(row, "on_fail", "partial");
        let percent = |row: &Value| row.get("percent_bp").and_then(Value::as_u64)?.try_into().ok();
        let fixed = |row: &Value| {
            let fixed = row.get("fixed")?;
            Some((fixed.get("amount")?.as_u64()?, Currency::parse(fixed.get("currency")?.as_str()?).ok()?))
        };
        Self {
            policy: policy.published.policy.clone(),
            sha256: policy.published.sha256,
            rules: Policy::read(body).0,
            authorization_cites: words(body.pointer("/authorization/cites")),
            authorization_required: body
                .pointer("/authorization/required")
                .and_then(Value::as_bool)
                .unwrap_or(false),
            grants: rows("entitlement").iter().map(|r| Grant::read(r, body.get("windows"))).collect(),
            proofs: requirements.iter().map(|r| Row::read(r, named(r, "evidence."))).collect(),
            causes: settled
                .clone()
                .filter(|r| about(r, "insp.cause"))
                .map(|r| Row::read(r, causes(r)))
                .collect(),
            on_sale: requirements
                .iter()
                .filter(|r| about(r, "unit.on_sale"))
                .map(|r| Row::read(r, ()))
                .collect(),
            free_gift: requirements
                .iter()
                .filter(|r| about(r, "unit.free_gift"))
                .map(|r| Row::read(r, ()))
                .collect(),
            conditions: settled
                .filter(left_to_people)
                .filter(|r| about(r, "insp.packaging") || about(r, "insp.same_condition"))
                .map(|r| Row::read(r, ()))
                .collect(),
            restocking: rows("fee")
                .iter()
                .filter_map(|r| Some(Row::read(r, (percent(r)?, r.get("when").is_none()))))
                .collect(),
            paid_repair: rows("fee").iter().find_map(|r| Some(Row::read(r, fixed(r)?))),
            outbound: rows("component")
                .iter()
                .filter(|r| is(r, "component", "outbound_shipping") && flag(r, "refundable"))
                .map(|r| Row::read(r, ()))
                .collect(),
            reimbursed: rows("cost")
                .iter()
                .filter(|r| is(r, "cost", "inbound_shipping") && flag(r, "reimburse"))
                .map(|r| Row::read(r, ()))
                .collect(),
            gift_credit: rows("payout")
                .iter()
                .find(|r| r.get("to").and_then(Value::as_str).is_some_and(|to| to.starts_with("gift_credit")))
                .map(|r| Row::read(r, ())),
            waiver: requirements.iter().find_map(|r| named(r, "discretion.").into_iter().next()),
        }
    }
    /// What may be given on these grounds for such an article.
    pub fn grants(
        &self,
        basis: Basis,
        class: ArticleClass,
        condition: Condition,
    ) -> impl Iterator<Item = &Grant> {
        self.grants.iter().filter(move |g| {
            g.row.is_about(basis, None)
                && (g.classes.is_empty() || g.classes.contains(&class))
                && (g.conditions.is_empty() || g.conditions.contains(&condition))
        })
    }
    /// The row that gives nothing for an article because it was on sale, or free.
    pub fn shut_out(&self, on_sale: bool, free: bool, basis: Basis, remedy: Remedy) -> Option<&Row<()>> {
        let on_sale = self.on_sale.iter().filter(|_| on_sale);
        let free = self.free_gift.iter().filter(|_| free);
        on_sale.chain(free).find(|row| row.is_about(basis, Some(remedy)))
    }
    /// A discretion point by name.
    pub fn point(&self, name: &Code) -> Option<&DiscretionPoint> {
        self.rules.point(name.as_str())
    }
}

impl Grant {
    fn read(row: &Value, windows: Option<&Value>) -> Self {
        let scope = row.get("scope");
        let named = row.get("windows").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let named = named.iter().filter_map(Value::as_str);
        Self {
            days: named.filter_map(|name| days(windows?.get(name)?)).min().unwrap_or(DAYS_MAX),
            classes: words(scope.and_then(|s| s.get("class"))),
            conditions: words(scope.and_then(|s| s.get("condition_sold"))),
            remedies: words(row.get("remedies")),
            row: Row::read(row, ()),
        }
    }
}

/// The length of a window, in days; of several alternatives the longest.
fn days(window: &Value) -> Option<u64> {
    let period = |text: &str| {
        let (number, unit) = text.strip_prefix('P')?.split_at_checked(text.len().checked_sub(2)?)?;
        let unit = match unit {
            "D" => 1,
            "M" => 30,
            _ => DAYS_MAX,
        };
        Some(number.parse::<u64>().ok()? * unit)
    };
    let alternatives = window.get("any")?.as_array()?.iter();
    let within = alternatives.filter_map(|a| a.get("within")?.as_str());
    // What is no period (the term of a line) is about a year.
    within.map(|text| period(text).unwrap_or(DAYS_MAX)).max()
}

/// The words of a list that belong to a vocabulary.
fn words<T: std::str::FromStr>(list: Option<&Value>) -> Vec<T> {
    let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).filter_map(|word| word.parse().ok()).collect()
}

/// Every fact that the predicate of a requirement asks for.
fn facts(row: &Value) -> Vec<&str> {
    fn walk<'a>(predicate: &'a Value, found: &mut Vec<&'a str>) {
        for part in predicate.as_array().map_or(&[][..], Vec::as_slice) {
            match part {
                Value::String(text) if text.contains('.') => found.push(text),
                Value::Array(_) => walk(part, found),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    if let Some(needs) = row.get("needs") {
        walk(needs, &mut found);
    }
    found
}

/// The facts of one kind that a requirement asks for, without the kind.
fn named(row: &Value, kind: &str) -> Vec<Code> {
    facts(row).into_iter().filter_map(|f| f.strip_prefix(kind)?.parse().ok()).collect()
}

/// The causes that a requirement shuts out: `["in", "insp.cause", [..]]`, however deep.
fn causes(row: &Value) -> Vec<Code> {
    fn walk(predicate: &Value, found: &mut Vec<Code>) {
        let parts = predicate.as_array().map_or(&[][..], Vec::as_slice);
        if let [Value::String(op), Value::String(fact), list] = parts
            && op == "in"
            && fact == "insp.cause"
        {
            found.extend(words::<Code>(Some(list)));
        }
        for part in parts {
            walk(part, found);
        }
    }
    let mut found = Vec::new();
    if let Some(needs) = row.get("needs") {
        walk(needs, &mut found);
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
mod tests {
    use super::*;
    use crate::policy_file::embedded;

    #[test]
    fn every_policy_grants_something_and_every_point_exists() {
        for policy in embedded::policies().unwrap() {
            let terms = Terms::read(&policy);
            assert!(terms.grants.iter().all(|g| !g.remedies.is_empty() && !g.row.cites.is_empty()));
            assert!(terms.grants.iter().all(|g| (7..=DAYS_MAX).contains(&g.days)), "{:?}", terms.grants);
            assert!(terms.causes.iter().any(|row| !row.what.is_empty()) || !terms.conditions.is_empty());
            let rows = terms.causes.iter().map(|r| &r.point);
            let rows = rows.chain(terms.conditions.iter().map(|r| &r.point));
            let points = rows.chain(terms.grants.iter().map(|g| &g.row.point)).flatten();
            for point in points.chain(&terms.waiver) {
                assert!(terms.point(point).is_some(), "{} {point}", terms.policy);
            }
        }
    }
}
