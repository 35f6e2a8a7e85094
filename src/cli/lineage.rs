//! lineage: figures and the events behind them, in both directions.

use clap::{Args, Subcommand};
use replay::{
    ids::ClaimId,
    lineage::{Figure, OfClaim, OfTotal},
};
use std::collections::BTreeMap;

use super::{
    EXIT_DIFFERS,
    common::Common,
    output::{Output, money, table},
    views::{LIST_ROWS, Moment, not_proved},
};
use crate::{
    answers,
    error::Result,
    judging::world::Whole,
    lineage::{self, Amending, Entry, Lineage, Moved, OfEvent, Touched, Which},
};

#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  claims lineage claim C1
  claims lineage total --merchant AMC --currency USD --month 2024-04 --figure stands
  claims lineage event 14")]
pub enum LineageCommand {
    /// The events behind the figures of a claim
    Claim(ClaimArgs),
    /// The events behind a refund total; it must come to what is served, or the exit code is 1
    Total(TotalArgs),
    /// Everything that one event touches: figures, decisions, amendments
    Event(EventArgs),
}

impl LineageCommand {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        match self {
            LineageCommand::Claim(args) => args.run(common, out),
            LineageCommand::Total(args) => args.run(common, out),
            LineageCommand::Event(args) => args.run(common, out),
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims lineage claim C1              every figure, each with its events
  claims lineage claim C1 --figure owed
  claims lineage claim C1 --figure open --known-at 2024-05-01T00:00:00Z --json

An event is listed with what it moved when it was recorded, so the events of a figure add up to it.
A correction is listed with the difference it made.")]
pub struct ClaimArgs {
    /// The claim
    claim: ClaimId,
    /// owed, credited, charged_back, open, overpaid, charged, charges_open, units_claimed ...
    #[arg(long, value_name = "FIGURE")]
    figure: Option<OfClaim>,
    #[command(flatten)]
    moment: Moment,
}

impl ClaimArgs {
    fn run(self, common: &Common, out: Output) -> Result<u8> {
        let mut store = common.read()?;
        let found = lineage::of_claim(&mut store, &self.claim, self.figure, &self.moment.cut())?;
        for one in &found {
            print(&self.claim.to_string(), one, usize::MAX, out)?;
        }
        Ok(0)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims lineage total --merchant AMC --currency USD
  claims lineage total --merchant AMC --month 2024-04 --figure reversed --json
  claims lineage total --kind gift_credit --country US --as-of 1000

The log is folded once and the events are added up; as of now the sum is held against the total that
is served. Months are those of claims totals: a credit counts in the month it was issued, its
reversal and its failure in theirs.")]
pub struct TotalArgs {
    /// Policy id of the merchant
    #[arg(long, value_name = "ID")]
    merchant: Option<String>,
    /// ISO 4217 code
    #[arg(long)]
    currency: Option<String>,
    /// e.g. 2024-04
    #[arg(long)]
    month: Option<String>,
    /// Country of the order
    #[arg(long)]
    country: Option<String>,
    /// Asserted reason
    #[arg(long)]
    reason: Option<String>,
    /// refund, gift_credit or historical
    #[arg(long)]
    kind: Option<String>,
    /// credits, credited, reversed, failed or stands
    #[arg(long, default_value = "stands")]
    figure: OfTotal,
    /// Most events to print per currency [default: 50; with --json all]
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    moment: Moment,
}

impl TotalArgs {
    fn run(self, common: &Common, out: Output) -> Result<u8> {
        let mut store = common.read()?;
        let cut = self.moment.cut();
        let which = Which {
            merchant: self.merchant,
            country: self.country,
            reason: self.reason,
            kind: self.kind,
            month: self.month,
            currency: self.currency,
        };
        // One state of the file for the log and for what is served.
        store.begin_read()?;
        let read = (|| {
            let whole = Whole::read(&mut store, &cut, !out.json)?;
            let served = if self.moment.is_now() { Some(store.totals()?) } else { None };
            Ok((whole, served))
        })();
        store.end_read();
        let (whole, served) = read?;
        let found = lineage::of_totals(&whole, &which, self.figure, &cut, !out.json)?;
        let most = self.limit.unwrap_or(if out.json { u64::MAX } else { LIST_ROWS });
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        for one in &found {
            print("the total", one, most, out)?;
        }
        if found.is_empty() && !out.json {
            out.say(&(), || "nothing to show".into())?;
        }
        not_proved(&whole, out)?;
        let Some(served) = served else { return Ok(0) };
        let mut served = which.sums(served.iter().map(|(key, sums)| (key, sums)), self.figure);
        let summed: BTreeMap<&String, i64> = found.iter().map(|one| (&one.currency, one.value)).collect();
        // A currency that one side does not have comes to nothing there.
        summed.keys().for_each(|currency| _ = served.entry((*currency).clone()).or_default());
        let mut code = 0;
        for (currency, served) in served {
            let summed = summed.get(&currency).copied().unwrap_or_default();
            if served != summed {
                let unit = if self.figure == OfTotal::Credits { "credits" } else { &currency };
                let (served, summed) = (value(served, unit), value(summed, unit));
                eprintln!("the served total comes to {served}, its events to {summed}; run claims audit");
                code = EXIT_DIFFERS;
            }
        }
        Ok(code)
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims lineage event 14
  claims lineage event 018cc251-f400-7000-8000-000000000001 --json

What it moved is what the books said just after it was recorded less what they said just before.
Decisions rest on it when, without it, other facts would have been judged.")]
pub struct EventArgs {
    /// Its position in the log, or its id
    event: String,
}

impl EventArgs {
    fn run(self, common: &Common, out: Output) -> Result<u8> {
        let mut store = common.read()?;
        let position = lineage::position_of(&mut store, &self.event)?;
        let found = lineage::of_event(&mut store, position)?;
        out.say(&found, || event_text(&found))?;
        Ok(0)
    }
}

fn print(of: &str, found: &Lineage, most: usize, out: Output) -> Result<()> {
    let (figure, unit) = (found.figure.as_str(), found.unit.as_str());
    let shown = found.entries.iter().take(most);
    if out.json {
        return out.lines(&answers::lineage(std::slice::from_ref(found), most)?);
    }
    out.say(&(), || {
        let events = match found.entries.len() {
            1 => "1 event".to_owned(),
            n => format!("{n} events"),
        };
        let mut text = format!("{figure} of {of}: {} from {events}\n", value(found.value, unit));
        shown.for_each(|entry| text.push_str(&entry_text(entry, unit)));
        let rest = found.entries.iter().skip(most);
        let more = rest.clone().count();
        if more > 0 {
            let sum = rest.fold(0i64, |sum, entry| sum.saturating_add(entry.moved));
            text.push_str(&format!("  and {more} more with {}; --limit N prints them\n", moved(sum, unit)));
        }
        text
    })?;
    out.say(&(), String::new)
}

/// Two lines: what it moved, then when and by whom.
fn entry_text(entry: &Entry, unit: &str) -> String {
    let approver = entry.approver.as_ref().map(|who| format!(", approved by {who}")).unwrap_or_default();
    format!(
        "  {:>6}  {:>16}  {} on {}\n          {} {}{approver}; recorded {}\n          event {}\n",
        entry.position,
        moved(entry.moved, unit),
        entry.kind,
        entry.stream,
        entry.effective_at,
        entry.actor,
        entry.recorded_at,
        entry.event_id
    )
}

/// Units and credits are counted; everything else is money.
fn is_count(unit: &str) -> bool {
    matches!(unit, "units" | "credits")
}

fn value(amount: i64, unit: &str) -> String {
    let minus = if amount < 0 { "-" } else { "" };
    let size = amount.unsigned_abs();
    let text = if is_count(unit) { size.to_string() } else { money(size, unit) };
    format!("{minus}{text} {unit}")
}

fn moved(amount: i64, unit: &str) -> String {
    let plus = if amount < 0 { "" } else { "+" };
    format!("{plus}{}", value(amount, unit))
}

fn event_text(e: &OfEvent) -> String {
    let approver = e.approver.as_ref().map(|who| format!(", approved by {who}")).unwrap_or_default();
    let key = e.external_id.as_ref().map(|key| format!(", key {key}")).unwrap_or_default();
    let mut text = format!(
        "position {}: {} on {} at revision {} ({})\n  event     {}\n  happened  {}\n  recorded  {}\n  by        \
         {} as {}{approver}; from {}{key}\n",
        e.position,
        e.kind,
        e.stream,
        e.revision,
        e.standing,
        e.event_id,
        e.effective_at,
        e.recorded_at,
        e.actor,
        e.role,
        e.source
    );
    if let Some(target) = &e.amends {
        text.push_str(&format!("  amends    {}\n", pointing(target)));
    }
    for (word, list) in [("amended by", &e.amended_by), ("named by  ", &e.named_by)] {
        list.iter().for_each(|one| text.push_str(&format!("  {word} {}\n", pointing(one))));
    }
    for one in &e.decisions {
        let (position, claim, actor) = (one.position, &one.claim, &one.actor);
        text.push_str(&format!("  decision  {position} on {claim} by {actor} rests on it\n"));
    }
    for one in &e.claims {
        text.push('\n');
        text.push_str(&touched(one));
    }
    if e.claims.is_empty() {
        text.push_str("  moves no figure and no stage\n");
    }
    text
}

fn pointing(one: &Amending) -> String {
    let word = if one.stands { "" } else { " (reversed)" };
    format!("{} {}{word}", one.position, one.kind)
}

fn touched(one: &Touched) -> String {
    let stage = match (&one.stage_before, &one.stage_after) {
        (Some(before), Some(after)) if before == after => before.clone(),
        (Some(before), Some(after)) => format!("{before} -> {after}"),
        (None, Some(after)) => format!("begins as {after}"),
        (Some(before), None) => format!("{before}, gone after it"),
        (None, None) => String::new(),
    };
    let mut text = format!("claim {}: {stage}\n", one.claim);
    if one.moved.is_empty() {
        return text;
    }
    let rows: Vec<Vec<String>> = one.moved.iter().map(figure_row).collect();
    text.push_str(&table(&["figure", "before>", "after>", "moved>", ""], &rows));
    text
}

fn figure_row(row: &Moved) -> Vec<String> {
    let name = match &row.figure {
        Figure::Claim { figure, .. } => figure.to_string(),
        Figure::Obligation { what, item, .. } => format!("obligation {what} {item}").trim_end().to_owned(),
        Figure::Total { key, figure } => {
            format!("{figure} in {} {} {} {} {}", key.merchant, key.country, key.reason, key.kind, key.month)
        }
    };
    let bare = |text: String| text.trim_end_matches(row.unit.as_str()).trim_end().to_owned();
    let some = |amount: Option<i64>| amount.map(|a| bare(value(a, &row.unit))).unwrap_or_default();
    vec![name, some(row.before), some(row.after), bare(moved(row.moved, &row.unit)), row.unit.clone()]
}
