//! due: the board of clocks, missed duties to inform, and calendars that run out.

use clap::Args;
use replay::{
    ids::{Code, PolicyId},
    time::When,
};

use super::{
    common::Common,
    output::{Output, minutes, table},
    views::{LIST_ROWS, not_proved},
};
use crate::{
    answers,
    door::Door,
    error::Result,
    judging::{
        board::{Ask, Board, ClockRow, Count, MissedCount, MissedRow, States, Warning, board},
        world::Whole,
    },
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims due                           everything that runs, the most urgent first
  claims due --late --policy AMC
  claims due --running --within 3      what falls due in the next three days
  claims due --at 2024-05-10T09:00:00-05:00 --known-at 2024-05-10T14:00:00Z --json

A clock with a figure is met, met late, running or late; one without is open: only its age is told.
Soft clocks may be late, but they are never breached. Days end at 24:00 where the clock started.
Closed claims are left out, but for refunds that have not arrived. Missed duties are listed with
everything and with --late. The counts at the end are of all clocks, listed or not.")]
pub struct DueArgs {
    /// Read the clocks at this moment; what happened later has not happened yet [default: now]
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    at: Option<When>,
    /// Only what the ledger had learned by then
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    known_at: Option<When>,
    /// Only clocks that are late
    #[arg(long)]
    late: bool,
    /// Only clocks that run and are not late
    #[arg(long)]
    running: bool,
    /// Only clocks that were met, in time or late
    #[arg(long)]
    met: bool,
    /// Only what is not done and due within so many days
    #[arg(long, value_name = "DAYS")]
    within: Option<u32>,
    /// Only this policy id
    #[arg(long, value_name = "ID")]
    policy: Option<PolicyId>,
    /// Also closed and withdrawn claims, for counting how clocks were met
    #[arg(long)]
    closed: bool,
    /// Most clocks and most duties to print
    #[arg(long, default_value_t = LIST_ROWS)]
    limit: u64,
}

impl DueArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let ask = Ask {
            at: self.at.unwrap_or_else(|| Door::System.now_here()),
            known_at: self.known_at,
            policy: self.policy,
            closed: self.closed,
            states: States { late: self.late, running: self.running, met: self.met },
            within_days: self.within,
            limit: usize::try_from(self.limit.max(1)).unwrap_or(usize::MAX),
        };
        let whole = Whole::read(&mut store, &ask.cut(), !out.json)?;
        let board = board(&whole, &ask, !out.json)?;
        if out.json {
            out.lines(&answers::due(&board)?)?;
        } else {
            out.say(&(), || text(&board, ask.at))?;
        }
        not_proved(&whole, out)?;
        if board.clocks_left_off > 0 || board.missed_left_off > 0 {
            let (clocks, missed) = (board.clocks_left_off, board.missed_left_off);
            eprintln!("left off: {clocks} clocks, {missed} missed duties; --limit N prints more");
        }
        Ok(())
    }
}

fn text(board: &Board, at: When) -> String {
    let mut text = format!("Clocks at {at}\n\n");
    let head = ["state", "clock", "of", "started", "expected", "due", "binds", "clauses"];
    let rows: Vec<Vec<String>> = board.clocks.iter().map(clock).collect();
    text.push_str(table(&head, &rows).trim_end());
    text.push('\n');
    if !board.missed.is_empty() {
        text.push_str("\nDuties to inform that were missed\n\n");
        let rows: Vec<Vec<String>> = board.missed.iter().map(missed).collect();
        text.push_str(&table(&["about", "of", "since", "for>", "to, by", "clauses"], &rows));
    }
    if !board.warnings.is_empty() {
        text.push_str("\nCalendars\n\n");
        for warning in &board.warnings {
            text.push_str(&format!("  {}\n", sentence(warning)));
        }
    }
    if !board.counts.is_empty() {
        text.push_str("\nAll clocks that were looked at\n\n");
        let head =
            ["policy", "clock", "binds", "met>", "met late>", "running>", "late>", "open>", "breached>"];
        let rows: Vec<Vec<String>> = board.counts.iter().map(count).collect();
        text.push_str(&table(&head, &rows));
    }
    if !board.missed_counts.is_empty() {
        text.push('\n');
        let rows: Vec<Vec<String>> = board.missed_counts.iter().map(missed_count).collect();
        text.push_str(&table(&["policy", "duty to inform of", "missed>"], &rows));
    }
    text
}

/// Day and minute where it happened, e.g. `2024-04-26 12:00`.
fn minute(when: When) -> String {
    let text = when.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

pub(super) fn words(codes: &[Code]) -> String {
    codes.iter().map(Code::as_str).collect::<Vec<_>>().join(" ")
}

fn clock(row: &ClockRow) -> Vec<String> {
    let by = row.by.map(|by| by.to_string()).unwrap_or_default();
    let state = match row.state {
        "met_late" => format!("met {by} late"),
        "late" => format!("late {by}"),
        "running" => format!("{by} left"),
        "open" => format!("open {by}"),
        _ => "met".into(),
    };
    let mut of = match &row.claim {
        Some(claim) => claim.to_string(),
        None => format!("order/{}", row.order),
    };
    if let Some(refund) = &row.refund {
        of.push_str(&format!(" {refund}"));
    }
    let due = match (&row.due, &row.missing_year) {
        (Some(due), _) => minutes(due),
        (None, Some(missing)) => format!("no holidays {}", missing.year),
        (None, None) => "no figure".into(),
    };
    vec![
        state,
        row.clock.to_string(),
        of,
        minute(row.started),
        row.expected.as_deref().map(|day| day.get(..16).unwrap_or(day).replace('T', " ")).unwrap_or_default(),
        due,
        row.firmness.into(),
        words(&row.cites),
    ]
}

fn missed(row: &MissedRow) -> Vec<String> {
    let of = match &row.claim {
        Some(claim) => claim.to_string(),
        None => format!("order/{}", row.order),
    };
    let channel = row.channel.map(|c| c.to_string());
    let to: Vec<String> = [row.to.clone(), channel].into_iter().flatten().collect();
    vec![row.about.clone(), of, minute(row.since), row.by.to_string(), to.join(", "), words(&row.cites)]
}

fn sentence(warning: &Warning) -> String {
    let calendar = warning.calendar.as_ref().map_or("a policy's calendar, which has no name,", Code::as_str);
    let mut text = match warning.ends {
        Some(ends) => format!("{calendar} ends on {ends}; publish {}", warning.year),
        None => format!("{calendar} has no holidays for {}; publish them", warning.year),
    };
    if warning.held > 0 {
        text.push_str(&format!(" ({} due dates wait for it)", warning.held));
    }
    if !warning.policies.is_empty() {
        text.push_str(&format!(" [{}]", warning.policies.join(", ")));
    }
    text
}

fn count(count: &Count) -> Vec<String> {
    let mut row = vec![count.policy.clone(), count.clock.clone(), count.firmness.to_string()];
    let numbers = [count.met, count.met_late, count.running, count.late, count.open, count.breached];
    row.extend(numbers.iter().map(u64::to_string));
    if count.firmness != "hard" {
        row.pop();
        row.push("-".into());
    }
    row
}

fn missed_count(count: &MissedCount) -> Vec<String> {
    vec![count.policy.clone(), count.about.clone(), count.missed.to_string()]
}
