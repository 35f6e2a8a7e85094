//! What was seen, clause by clause.

use serde::Serialize;
use std::collections::BTreeSet;

use super::{
    Sides, house,
    rows::{Seen, Watched},
};
use crate::scenario::Scenario;
use replay::{
    ids::PolicyId,
    policy::{ClauseText, HOUSE_RULES},
};

/// How a clause stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Every row that cites it was seen from both sides.
    BothSides,
    /// Seen, and by its nature there is no other side.
    OneSideByNature,
    /// No row cites it, or a side was never seen.
    Gap,
}

/// A row that cites a clause, or the detector of a house rule.
#[derive(Debug, Clone, Serialize)]
pub struct RowReport {
    /// Its table; `house` for a detector.
    pub table: String,
    /// Its number or name there.
    pub row: String,
    /// What its sides are called.
    pub sides: [&'static str; 2],
    /// The scenarios that show them.
    pub scenarios: [Vec<String>; 2],
    /// Why it has only one side, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_side_because: Option<&'static str>,
    /// Which one.
    #[serde(skip)]
    pub alone: Option<usize>,
}

/// A clause.
#[derive(Debug, Clone, Serialize)]
pub struct ClauseReport {
    /// Its id.
    pub clause: String,
    /// Whose clause it is; `HOUSE` for the rules that all share.
    pub policy: String,
    /// What the system does about it: enforced, required, discretion, deadline, informed, never.
    pub treatment: Vec<&'static str>,
    /// Our own words for it.
    pub paraphrase: String,
    /// The rows that cite it.
    pub rows: Vec<RowReport>,
    /// How it stands.
    pub standing: Standing,
    /// What was never seen.
    pub gaps: Vec<String>,
}

/// Every clause, policy by policy, the house rules first.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The clauses.
    pub clauses: Vec<ClauseReport>,
    /// How many scenarios were played.
    pub scenarios: usize,
}

impl Report {
    /// How many clauses stand like this.
    pub fn count(&self, standing: Standing) -> usize {
        self.clauses.iter().filter(|clause| clause.standing == standing).count()
    }
    /// The clauses of which a side is missing.
    pub fn gaps(&self) -> impl Iterator<Item = &ClauseReport> {
        self.clauses.iter().filter(|clause| clause.standing == Standing::Gap)
    }
}

/// The words of the register's column, in the order in which they stand there.
const TREATMENTS: [(&str, &str); 6] = [
    ("ENFORCE", "enforced"),
    ("REQUIRE", "required"),
    ("ALLOW", "discretion"),
    ("DEADLINE", "deadline"),
    ("INFORM", "informed"),
    ("NEVER", "never"),
];

fn treatment(system: &str) -> Vec<&'static str> {
    let mut found: Vec<(usize, &str)> =
        TREATMENTS.iter().filter_map(|(word, name)| Some((system.find(word)?, *name))).collect();
    found.sort_unstable();
    found.into_iter().map(|(_, name)| name).collect()
}

pub(super) fn of(policies: &[(PolicyId, Watched)], house: &[Sides], scenarios: &[&Scenario]) -> Report {
    let named = |id: &PolicyId| scenarios.iter().any(|scenario| scenario.policy == *id);
    let mut clauses = Vec::new();
    if let Some((_, watched)) = policies.first() {
        for (number, sides) in (1..=HOUSE_RULES).zip(house) {
            let rule = watched.policy.clauses.get(usize::from(number.saturating_sub(1)));
            clauses.extend(rule.map(|text| of_the_house(number, text, sides)));
        }
    }
    for (id, watched) in policies.iter().filter(|(id, _)| named(id)) {
        let own = watched.policy.clauses.iter().skip(usize::from(HOUSE_RULES));
        clauses.extend(own.map(|text| of_a_policy(id, text, &watched.rows)));
    }
    Report { clauses, scenarios: scenarios.len() }
}

fn row_of(seen: &Seen) -> RowReport {
    RowReport {
        table: seen.table.into(),
        row: seen.name.clone(),
        sides: seen.words,
        scenarios: lists(&seen.sides),
        one_side_because: seen.alone.map(|(_, why)| why),
        alone: seen.alone.map(|(side, _)| side),
    }
}

fn lists(sides: &Sides) -> [Vec<String>; 2] {
    sides.clone().map(|side: BTreeSet<String>| side.into_iter().collect())
}

fn of_a_policy(id: &PolicyId, text: &ClauseText, rows: &[Seen]) -> ClauseReport {
    let rows = rows.iter().filter(|row| row.cites.contains(&text.id)).map(row_of).collect();
    clause(id.to_string(), text, rows)
}

fn of_the_house(number: u16, text: &ClauseText, sides: &Sides) -> ClauseReport {
    let row = RowReport {
        table: "house".into(),
        row: text.id.clone(),
        sides: house::words(number),
        scenarios: lists(sides),
        one_side_because: None,
        alone: None,
    };
    clause("HOUSE".into(), text, vec![row])
}

fn clause(policy: String, text: &ClauseText, rows: Vec<RowReport>) -> ClauseReport {
    let mut gaps: Vec<String> = rows.iter().flat_map(gaps_of).collect();
    if rows.is_empty() {
        gaps.push("no row cites it".into());
    }
    let standing = match (gaps.is_empty(), rows.iter().all(|row| row.one_side_because.is_some())) {
        (false, _) => Standing::Gap,
        (true, true) => Standing::OneSideByNature,
        (true, false) => Standing::BothSides,
    };
    ClauseReport {
        clause: text.id.clone(),
        policy,
        treatment: treatment(&text.system),
        paraphrase: text.paraphrase.clone(),
        rows,
        standing,
        gaps,
    }
}

fn gaps_of(row: &RowReport) -> Vec<String> {
    let sides = row.sides.iter().zip(&row.scenarios).enumerate();
    let missing = sides
        .filter(|(at, (_, scenarios))| row.alone.is_none_or(|alone| alone == *at) && scenarios.is_empty());
    missing.map(|(_, (side, _))| format!("{}, never: {side}", row.title())).collect()
}

impl RowReport {
    /// `cost 1 (inbound_shipping)`, `windows.return14`, `H-3`
    pub fn title(&self) -> String {
        match (self.table.as_str(), self.row.as_str()) {
            ("house", row) => row.into(),
            (table, "") => table.into(),
            (table @ ("regions" | "windows" | "policy"), row) => format!("{table}.{row}"),
            (table, row) => format!("{table} {row}"),
        }
    }
}
