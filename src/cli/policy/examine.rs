//! policy lint; the same examination before a policy is published; the calendars and how long they last.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use clap::Args;
use replay::{
    event::{Event, PolicyPublished, ledger::CalendarPublished},
    time::Day,
};
use serde_json::json;

use super::{
    super::{
        common::Common,
        output::{Output, table},
    },
    registry,
};
use crate::{
    door::Door,
    error::{Error, Result},
    policy_file::{
        self, embedded,
        lint::{CALENDAR_DAYS_LEFT_MIN, Finding, Level, days_left, lint},
    },
};

#[derive(Debug, Args)]
pub struct LintArgs {
    /// TOML files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Public holidays to count with [default: those of the examples]
    #[arg(long, value_name = "FILE")]
    calendars: Option<PathBuf>,
    /// The day on which calendars have to last [default: today]
    #[arg(long, value_name = "DAY", value_parser = Day::parse)]
    on: Option<Day>,
}

impl LintArgs {
    /// Findings to stdout, the sum of them to stderr; an error when a file could not be published.
    pub fn run(self, out: Output) -> Result<()> {
        let calendars = match &self.calendars {
            Some(file) => calendars(file)?,
            None => embedded::calendars()?,
        };
        let on = self.on.unwrap_or_else(|| Door::System.now_here().local_day());
        let mut findings = Vec::new();
        for file in &self.files {
            match policy_file::draft(file) {
                Ok(draft) => findings.extend(lint(&draft, &calendars, Some(on))),
                Err(why) => findings.push(Finding::from(why)),
            }
        }
        for finding in &findings {
            out.say(finding, || finding.to_string())?;
        }
        let files = match self.files.len() {
            1 => "1 file".to_string(),
            n => format!("{n} files"),
        };
        let sum = format!("{} in {files}", sum(&findings));
        if count(&findings, Level::Error) > 0 {
            return Err(Error::unreadable("policy_has_errors", sum).hint(
                "errors keep a policy from being published; correct them and run claims policy lint again",
            ));
        }
        if !out.json {
            eprintln!("{sum}");
        }
        Ok(())
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

/// `2 errors, 1 warning, 0 notes`.
fn sum(findings: &[Finding]) -> String {
    let words = [Level::Error, Level::Warning, Level::Note].map(|level| match count(findings, level) {
        1 => format!("1 {}", level.as_str()),
        n => format!("{n} {}s", level.as_str()),
    });
    words.join(", ")
}

/// The holidays of a file.
fn calendars(file: &Path) -> Result<Vec<CalendarPublished>> {
    let text = std::fs::read_to_string(file).map_err(|why| Error::io(file, &why))?;
    policy_file::calendars(&text, &file.display().to_string())
}

/// A policy without errors, and the warnings that are told once it is published. How long calendars last is not asked
/// here: they may be published later, and `policy list --calendars` tells.
///
/// # Errors
/// A file that cannot be read, or findings that are errors.
pub fn publishable(file: &Path, common: &Common) -> Result<(PolicyPublished, Vec<Finding>)> {
    let draft = policy_file::draft(file)?;
    // A ledger that cannot be read is told when it is written.
    let known = registry(common).unwrap_or_default().into_iter().filter_map(calendar).collect::<Vec<_>>();
    let findings = lint(&draft, &known, None);
    let errors: Vec<String> =
        findings.iter().filter(|f| f.level == Level::Error).map(Finding::to_string).collect();
    if !errors.is_empty() {
        return Err(Error::unreadable(
            "policy_has_errors",
            format!("the policy is not published: {}", sum(&findings)),
        )
        .at(file.display())
        .details(errors.iter().flat_map(|error| error.lines()).map(String::from).collect())
        .hint("correct the errors; claims policy lint shows everything there is to say"));
    }
    let warnings = findings.into_iter().filter(|finding| finding.level == Level::Warning);
    Ok((draft.policy.published, warnings.collect()))
}

fn calendar((_, event): (u64, Event)) -> Option<CalendarPublished> {
    match event {
        Event::CalendarPublished(calendar) => Some(*calendar),
        _ => None,
    }
}

/// The published calendars. What runs out soon is told on stderr.
pub fn list(common: &Common, out: Output) -> Result<()> {
    let today = Door::System.now_here().local_day();
    let mut calendars: BTreeMap<String, BTreeMap<u16, String>> = BTreeMap::new();
    for known in registry(common)?.into_iter().filter_map(calendar) {
        // Of two lists for one year the later counts.
        calendars.entry(known.calendar.to_string()).or_default().insert(known.year, known.source.to_string());
    }
    let mut rows = Vec::new();
    for (id, years) in &calendars {
        let Some((last, source)) = years.last_key_value() else { continue };
        let left = days_left(*last, today);
        if out.json {
            let row = json!({ "calendar": id, "years": years.keys().collect::<Vec<_>>(), "source": source, "days_left": left,
                              "runs_out": left <= CALENDAR_DAYS_LEFT_MIN });
            out.say(&row, String::new)?;
        }
        let years: Vec<String> = years.keys().map(ToString::to_string).collect();
        rows.push(vec![id.clone(), years.join(" "), source.clone()]);
        if left <= CALENDAR_DAYS_LEFT_MIN && !out.json {
            let when = if left < 0 { "ended" } else { "ends" };
            eprintln!(
                "warning: the last year of calendar {id} {when} with {last}: later due times are held (H-4)"
            );
        }
    }
    if out.json { Ok(()) } else { out.say(&(), || table(&["calendar", "years", "source"], &rows)) }
}
