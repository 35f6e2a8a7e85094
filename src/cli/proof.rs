//! replay, rebuild, audit.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    EXIT_DIFFERS,
    audit_report::ReportArgs,
    common::Common,
    output::{Output, money, table},
    signing::{Signed, Signing},
    views::Moment,
};
use crate::{
    answers,
    door::Door,
    error::Result,
    ledger::Ledger,
    proof::{self, AuditReport, By, Difference, RebuildReport},
    replaying::aside,
    view,
};
use replay::{
    books::Sums,
    ids::{ActorId, Code, SourceId},
};
use std::collections::BTreeMap;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims replay                        counts, root, digest and totals of the whole log
  claims replay --as-of 1000
  claims replay --effective-at 2024-03-31 --json")]
pub struct ReplayArgs {
    #[command(flatten)]
    moment: Moment,
}

impl ReplayArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let outcome = view::books_as_of(&mut store, &self.moment.cut())?;
        let digest = outcome.books.digest();
        let totals = outcome.books.control_totals();
        let answer = answers::replayed(&outcome);
        let (events, root, kinds) = (outcome.events, outcome.root, outcome.kinds.clone());
        aside(outcome);
        out.say(&answer, || {
            let kinds: Vec<Vec<String>> =
                kinds.iter().map(|(kind, n)| vec![(*kind).into(), n.to_string()]).collect();
            format!(
                "replayed {} events\nroot    {}\ndigest  {}\n\n{}\n{}",
                events,
                root,
                digest.sha256,
                table(&["kind", "events>"], &kinds),
                control_totals(&totals)
            )
        })
    }
}

pub(super) fn control_totals(totals: &BTreeMap<String, Sums>) -> String {
    let rows: Vec<Vec<String>> = totals
        .iter()
        .map(|(currency, sums)| {
            let mut row = vec![currency.clone(), sums.credits.to_string()];
            for minor in [sums.credited_minor, sums.reversed_minor, sums.failed_minor, sums.net_minor()] {
                row.push(money(minor, currency));
            }
            row
        })
        .collect();
    table(&["currency", "credits>", "credited>", "reversed>", "failed>", "stands>"], &rows)
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims rebuild                       the nightly run; exit 1 and nothing swapped when a row differs
  claims rebuild --accept              swap although rows differ, and record how many
  claims rebuild --since-snapshot      prove what came since the last rebuild by this program; the whole log when it must
  claims rebuild --signing-key shop.key --checkpoints /mnt/auditor   and sign what was proved")]
pub struct RebuildArgs {
    /// Swap the rebuilt books in although rows differ from what was served
    #[arg(long)]
    accept: bool,
    /// Prove only what came since the last rebuild with this option, and the leaves and books before it by root and
    /// digest; replay the whole log when another program did that one, or when a policy, a calendar, a seal or an
    /// erasure came since
    #[arg(long)]
    since_snapshot: bool,
    /// Who asks for it
    #[arg(long, env = "CLAIMS_ACTOR", default_value = "nightly", value_name = "ID")]
    actor: ActorId,
    /// In which role
    #[arg(long, env = "CLAIMS_ROLE", default_value = "operations", value_name = "ROLE")]
    role: Code,
    /// The system this comes from
    #[arg(long, env = "CLAIMS_SOURCE", default_value = "cli", value_name = "NAME")]
    source: SourceId,
    #[command(flatten)]
    signing: Signing,
}

/// A rebuild, and the head that was signed after it.
#[derive(Serialize)]
struct Rebuilt<'r> {
    #[serde(flatten)]
    report: &'r RebuildReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed: Option<Signed>,
}

impl RebuildArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        let ready = self.signing.ready()?;
        let mut ledger = Ledger::new(common.write()?, Door::System);
        let by = By { actor: self.actor, role: self.role, source: self.source };
        let rebuild = if self.since_snapshot { proof::rebuild_since_snapshot } else { proof::rebuild };
        let report = rebuild(&mut ledger, &by, self.accept, !out.json)?;
        // Books that differ are nothing to put a name to.
        let is_proved = report.recorded_at_position.is_some();
        let signed = match ready.filter(|_| is_proved) {
            Some(ready) => Some(ready.sign(&mut ledger, &by)?),
            None => None,
        };
        let rebuilt = Rebuilt { report: &report, signed };
        out.say(&rebuilt, || match &rebuilt.signed {
            Some(signed) => format!("{}\n{}", rebuild_text(&report), signed.text()),
            None => rebuild_text(&report),
        })?;
        if is_proved { Ok(0) } else { Ok(EXIT_DIFFERS) }
    }
}

/// Milliseconds with one decimal, from microseconds.
fn ms(us: u64) -> String {
    format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
}

/// What people read of a rebuild.
pub fn rebuild_text(report: &RebuildReport) -> String {
    let rows: Vec<String> = report.rows.iter().map(|(table, n)| format!("{n} {table}")).collect();
    if let (Some(since), Some(position)) = (report.since, report.recorded_at_position) {
        return format!(
            "proved {} events after position {since}, in {} cases, in {} (rows: {})\nroot    {}\ndigest  {}\n\
             everything before as the last rebuild left it, by root and digest; equal row by row\n\
             recorded at position {position}",
            report.through.saturating_sub(since),
            report.cases_since.unwrap_or_default(),
            ms(report.took_us),
            rows.join(", "),
            report.root,
            report.digest
        );
    }
    let mut text = match &report.whole_because {
        Some(why) => format!("the whole log was replayed: {why}\n"),
        None => String::new(),
    };
    text.push_str(&format!(
        "rebuilt from {} events in {} (rows: {})\nroot    {}\nserved  {}\nrebuilt {}\n",
        report.through,
        ms(report.took_us),
        rows.join(", "),
        report.root,
        report.served_digest,
        report.digest
    ));
    if report.differences_count == 0 {
        text.push_str("equal row by row\n");
    } else {
        text.push_str(&differences(&report.differences, report.differences_count));
    }
    match report.recorded_at_position {
        Some(position) => text.push_str(&format!(
            "swapped in, recorded at position {position}; writers waited {}, {} events caught up",
            ms(report.swap_pause_us),
            report.caught_up
        )),
        None => text.push_str("nothing was swapped; look at the rows, then claims rebuild --accept"),
    }
    text
}

fn differences(rows: &[Difference], count: u64) -> String {
    let mut text = format!("{count} rows differ\n");
    for d in rows {
        text.push_str(&format!("  {} {}\n", d.table, d.row));
        text.push_str(&format!("    served:   {}\n", d.served.as_deref().unwrap_or("nothing")));
        text.push_str(&format!("    replayed: {}\n", d.replayed.as_deref().unwrap_or("nothing")));
    }
    text
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims audit
  claims audit --json | jq .agrees
  claims audit report --out q1         what an auditor is handed")]
pub struct AuditArgs {
    #[command(subcommand)]
    command: Option<AuditCommand>,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Completeness, journal-entry tests, overrides, missed duties: as a page, CSV and JSON
    Report(ReportArgs),
}

impl AuditArgs {
    /// Whether log and books are compared; the report has ordinary exit codes.
    pub fn compares(&self) -> bool {
        self.command.is_none()
    }
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        if let Some(AuditCommand::Report(args)) = self.command {
            return args.run(common, out);
        }
        let mut store = common.read()?;
        let report = proof::audit(&mut store, !out.json)?;
        out.say(&report, || audit_text(&report))?;
        if report.agrees { Ok(0) } else { Ok(EXIT_DIFFERS) }
    }
}

/// What people read of an audit.
pub fn audit_text(report: &AuditReport) -> String {
    let mut text =
        format!("audit of {}: {} events replayed in {}\n", report.ledger, report.events, ms(report.took_us));
    for check in &report.checks {
        let word = if check.holds { "ok  " } else { "FAIL" };
        text.push_str(&format!("  {word} {} ({})\n", check.what, check.figure));
    }
    for finding in &report.findings {
        text.push_str(&format!("  {finding}\n"));
    }
    let named = u64::try_from(report.findings.len()).unwrap_or(u64::MAX);
    if report.findings_count > named {
        text.push_str(&format!("  and {} more\n", report.findings_count - named));
    }
    if !report.quarantined.is_empty() {
        text.push_str(&format!("  not proved: {}\n", report.quarantined.join(", ")));
    }
    if report.differences_count > 0 {
        text.push_str(&differences(&report.differences, report.differences_count));
    }
    text.push('\n');
    text.push_str(&control_totals(&report.control_totals));
    text.push_str(if report.agrees { "\nlog and books agree" } else { "\nlog and books DIFFER" });
    text
}
