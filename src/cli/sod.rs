//! sod: segregation of duties, in words and as JSON.

use clap::Args;
use replay::{
    duty::{ROLES, RULES, Rule},
    money::Amount,
    time::Day,
};

use super::{
    common::Common,
    output::{Output, table},
};
use crate::{
    answers,
    error::Result,
    sod::{self, CONFLICTS, Days, Found, NEAR_MISSES, Report},
};

#[derive(Debug, Args)]
#[command(
    after_help = "Conflicts are what one person did that should be for two; near misses keep the rules and end close to them.
Programs (role system) and customers are left out. The rules refuse more than this shows: see --rules.

Examples:
  claims sod
  claims sod --from 2024-04-01 --to 2024-06-30
  claims sod --json | jq 'select(.rule == \"S-1\")'
  claims sod --rules"
)]
pub struct SodArgs {
    /// Only what ended on this day or later
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    from: Option<Day>,
    /// Only what ended on this day or earlier
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    to: Option<Day>,
    /// Most findings printed per rule; --json prints all
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Print the roles and the rules instead; needs no ledger
    #[arg(long)]
    rules: bool,
}

impl SodArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        if self.rules {
            return rules(out);
        }
        let mut store = common.read()?;
        let report = sod::report(&mut store, Days { from: self.from, to: self.to })?;
        if out.json { out.lines(&answers::sod(&report)?) } else { out.say(&(), || text(&report, self.limit)) }
    }
}

fn rules(out: Output) -> Result<()> {
    let groups = [("enforced", RULES), ("conflict", CONFLICTS), ("near_miss", NEAR_MISSES)];
    if out.json {
        return out.lines(&answers::sod_rules()?);
    }
    let approves = |yes| if yes { "yes" } else { "" };
    let roles: Vec<Vec<String>> =
        ROLES.iter().map(|r| vec![r.name.into(), approves(r.approves).into(), r.says.into()]).collect();
    let mut text = table(&["role", "approves", "what it does"], &roles);
    for (what, rules) in groups {
        let what = what.replace('_', " ");
        text.push_str(&format!("\n{what}\n"));
        for Rule { id, says, from } in rules {
            text.push_str(&format!("  {id:<4} {says}\n       ({from})\n"));
        }
    }
    out.say(&(), || text.trim_end().into())
}

fn text(report: &Report, limit: usize) -> String {
    let governed = if report.governed { "roles are held" } else { "open: nobody is admin" };
    let mut text = format!(
        "conflicts: {}, near misses: {}, in {} events ({governed})\n",
        report.conflicts.len(),
        report.near_misses.len(),
        report.events
    );
    if report.unread > 0 {
        text.push_str(&format!(
            "{} events cannot be read and were not looked at; claims audit names them\n",
            report.unread
        ));
    }
    for (rules, list) in [(CONFLICTS, &report.conflicts), (NEAR_MISSES, &report.near_misses)] {
        for rule in rules {
            let found: Vec<&Found> = list.iter().filter(|found| found.rule == rule.id).collect();
            if found.is_empty() {
                continue;
            }
            text.push_str(&format!("\n{} {} ({})\n", rule.id, rule.says, found.len()));
            let rows: Vec<Vec<String>> = found.iter().take(limit).map(|found| row(found)).collect();
            text.push_str(&table(&["day", "who", "about", "amount>", "limit>", "positions"], &rows));
            if found.len() > limit {
                text.push_str(&format!("and {} more: --limit, or --json for all\n", found.len() - limit));
            }
        }
    }
    if !report.people.is_empty() {
        let rows: Vec<Vec<String>> = report
            .people
            .iter()
            .map(|(person, n)| vec![person.to_string(), n.conflicts.to_string(), n.near_misses.to_string()])
            .collect();
        text.push_str(&format!("\n{}", table(&["person", "conflicts>", "near misses>"], &rows)));
    }
    text.trim_end().into()
}

fn row(found: &Found) -> Vec<String> {
    let people: Vec<&str> = found.people.iter().map(|person| person.as_str()).collect();
    let amount = |amount: Option<Amount>| amount.map_or(String::new(), |amount| amount.to_string());
    let positions: Vec<String> = found.positions.iter().map(ToString::to_string).collect();
    let named = u64::try_from(positions.len()).unwrap_or(u64::MAX);
    let more =
        if found.events > named { format!(" and {} more", found.events - named) } else { String::new() };
    vec![
        found.day.map_or(String::new(), |day| day.to_string()),
        people.join(", "),
        found.about.clone(),
        amount(found.amount),
        amount(found.limit),
        format!("{}{more}", positions.join(", ")),
    ]
}
