//! show, timeline, list, totals, owed.

use clap::Args;
use replay::{
    history::Cut,
    ids::{OrderId, Position},
    time::{Day, When},
};
use serde_json::Value;

use super::{
    common::Common,
    output::{Output, money, table},
    show::{amount, word, words},
};
use crate::{
    answers::{self, Groups, stream_of},
    error::{Error, ErrorKind, Result},
    judging::world::Whole,
    store::sqlite::SqliteStore,
    view::{self, By, Filter},
};

/// Longest list that is printed unless asked otherwise.
pub(super) const LIST_ROWS: u64 = 50;

/// The moment to look at; without any, now.
#[derive(Debug, Clone, Args)]
pub struct Moment {
    /// As of this position of the log
    #[arg(long, value_name = "POSITION", help_heading = "As of")]
    as_of: Option<u64>,
    /// As known at this recorded time
    #[arg(long, value_name = "TIME", value_parser = When::parse, help_heading = "As of")]
    known_at: Option<When>,
    /// As it had happened by this day (its end, UTC) or time, with all that is known now
    #[arg(long, value_name = "DAY|TIME", value_parser = day_or_time, help_heading = "As of")]
    effective_at: Option<When>,
}

fn day_or_time(text: &str) -> std::result::Result<When, String> {
    match Day::parse(text) {
        Ok(day) => When::parse(&format!("{day}T23:59:59.999999Z")).map_err(|why| why.to_string()),
        Err(_) => When::parse(text).map_err(|why| why.to_string()),
    }
}

impl Moment {
    /// The cut through the log.
    pub fn cut(&self) -> Cut {
        Cut {
            position: self.as_of.and_then(Position::new),
            known_at: self.known_at.map(|w| w.at),
            effective_at: self.effective_at.map(|w| w.at),
        }
    }
    /// As [`Moment::cut`], for what is posted: a month has what was posted into it, whenever that happened.
    ///
    /// # Errors
    /// When an effective time was asked for.
    pub(super) fn cut_of_the_record(&self) -> Result<Cut> {
        if self.effective_at.is_some() {
            let text = "posting months know no --effective-at";
            return Err(Error::new(ErrorKind::Usage, "no_effective_time_here", text)
                .hint("--as-of and --known-at look at the record as it was; --by month counts by when things happened"));
        }
        Ok(self.cut())
    }
    pub(super) fn is_now(&self) -> bool {
        self.cut() == Cut::default()
    }
}

/// Names the cases that gave no figures, among the answers and with the reasons beside them.
pub(super) fn not_proved(whole: &Whole, out: Output) -> Result<()> {
    if whole.not_proved.is_empty() {
        return Ok(());
    }
    if out.json {
        out.lines(&answers::not_proved(whole)?)?;
    } else {
        whole
            .not_proved
            .iter()
            .try_for_each(|case| super::output::line(&format!("not proved: {case} is in no figure above")))?;
    }
    for fault in &whole.faults {
        eprintln!("{fault}");
    }
    eprintln!("claims audit names everything that is wrong");
    Ok(())
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims timeline C1
  claims timeline C1 --clear           with names and texts, where they were not erased
  claims timeline C1 --known-at 2024-05-01T00:00:00Z --json")]
pub struct TimelineArgs {
    /// The claim (or order/ID)
    id: String,
    /// Only the claim's own events, not those of its order
    #[arg(long)]
    own: bool,
    /// Open personal values that are still there
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    moment: Moment,
}

impl TimelineArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let stream = stream_of(&mut store, &self.id)?;
        let entries = view::timeline(&mut store, &stream, !self.own, self.clear, &self.moment.cut())?;
        if out.json {
            return entries.iter().try_for_each(|entry| out.say(entry, String::new));
        }
        let rows: Vec<Vec<String>> = entries
            .iter()
            .map(|e| {
                let mark = if e.standing == "stands" { String::new() } else { format!("({}) ", e.standing) };
                let at = e.effective_at.get(..16).unwrap_or(&e.effective_at).replace('T', " ");
                vec![
                    e.position.to_string(),
                    at,
                    e.actor.clone(),
                    format!("{mark}{}{}{}", e.kind, gist(&e.payload), erased(e)),
                ]
            })
            .collect();
        out.say(&(), || table(&["pos>", "happened (there)", "who", "what"], &rows))
    }
}

/// What stands in the place of values that were erased, unless the gist shows it already.
fn erased(entry: &view::Entry) -> String {
    let rows = entry
        .redacted
        .iter()
        .filter(|r| r.path != "text" || entry.payload.get("text").is_none_or(|text| !text.is_string()));
    rows.map(|r| format!(", {} [redacted {}, {}]", r.path, r.on, r.basis)).collect()
}

/// The few words of a payload that tell one event from the next.
fn gist(payload: &Value) -> String {
    let mut parts = Vec::new();
    for name in [
        "asserted",
        "status",
        "remedy",
        "rma",
        "refund",
        "credit",
        "charge",
        "point",
        "decision",
        "cost",
        "leg",
        "parcel",
        "defect",
        "disposition",
        "about",
        "reason_code",
        "policy",
        "reference",
    ] {
        if let Some(found) = payload.get(name).and_then(Value::as_str) {
            parts.push(found.to_string());
        }
    }
    if let Some(units) =
        payload.get("units").filter(|u| u.as_array().is_some_and(|a| a.iter().all(Value::is_string)))
    {
        parts.push(words(units));
    }
    for name in ["amount", "entitlement"] {
        if let Some(found) = payload.get(name).filter(|a| a.is_object()) {
            parts.push(format!("{} {}", amount(found), word(found, &["currency"])));
        }
    }
    if let Some(clear) = payload.get("text").and_then(Value::as_str) {
        parts.push(format!("\"{}\"", clear.chars().take(60).collect::<String>()));
    }
    if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims list --merchant AMC --stage received
  claims list --open-money --opened-from 2024-01-01
  claims list --limit 1000 --json | wc -l")]
pub struct ListArgs {
    /// Policy id of the merchant
    #[arg(long)]
    merchant: Option<String>,
    /// claimed, held, assessed, authorized, in_transit, received, inspected, decided, settled, closed ...
    #[arg(long)]
    stage: Option<String>,
    /// Country of the order
    #[arg(long)]
    country: Option<String>,
    /// Asserted reason, e.g. defect
    #[arg(long)]
    reason: Option<String>,
    /// escalated, disputed, reopened, overpaid or historical
    #[arg(long)]
    flag: Option<String>,
    /// Claims on this order
    #[arg(long)]
    order: Option<OrderId>,
    /// Only claims on which money is still open
    #[arg(long)]
    open_money: bool,
    /// Opened on this day or later
    #[arg(long, value_name = "DAY", value_parser = day)]
    opened_from: Option<String>,
    /// Opened on this day or earlier
    #[arg(long, value_name = "DAY", value_parser = day)]
    opened_to: Option<String>,
    /// Begin after this claim id
    #[arg(long, value_name = "CLAIM")]
    after: Option<String>,
    /// Most rows to print
    #[arg(long, default_value_t = LIST_ROWS)]
    limit: u64,
    #[command(flatten)]
    moment: Moment,
}

fn day(text: &str) -> std::result::Result<String, String> {
    Day::parse(text).map(|day| day.to_string()).map_err(|why| why.to_string())
}

impl ListArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let filter = Filter {
            merchant: self.merchant,
            stage: self.stage,
            country: self.country,
            reason: self.reason,
            flag: self.flag,
            order: self.order,
            open_money: self.open_money,
            opened_from: self.opened_from,
            opened_to: self.opened_to,
        };
        let after = self.after.as_deref();
        let (rows, more) = answers::board(&mut store, &filter, after, self.limit, &self.moment.cut())?;
        if out.json {
            return rows.iter().try_for_each(|row| out.say(row, String::new));
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                vec![
                    row.claim.clone(),
                    row.merchant.clone(),
                    row.stage.clone(),
                    row.reason.clone(),
                    row.opened_on.clone(),
                    money(row.credited_minor, &row.currency),
                    money(row.open_minor, &row.currency),
                    row.currency.clone(),
                ]
            })
            .collect();
        out.say(&(), || {
            table(&["claim", "merchant", "stage", "reason", "opened", "credited>", "open>", ""], &cells)
        })?;
        if let (true, Some(last)) = (more, rows.last()) {
            eprintln!("there are more: --after {}", last.claim);
        }
        Ok(())
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims totals                        per merchant
  claims totals --by month             by when it happened
  claims totals --by posting-month     by the month it was posted in, as sealed: for the books of finance
  claims totals --by merchant,month --json
  claims totals --known-at 2024-06-01T00:00:00Z")]
pub struct TotalsArgs {
    /// Group by merchant, month, country, reason, kind (several with commas), or by posting-month alone
    #[arg(long, value_delimiter = ',', default_value = "merchant")]
    by: Vec<By>,
    #[command(flatten)]
    moment: Moment,
}

impl TotalsArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        if self.by.contains(&By::PostingMonth) {
            return print_posted(&mut store, &self.by, &self.moment, out);
        }
        print_totals(&mut store, &self.by, &self.moment, out)
    }
}

/// Totals by posting month. They are not in the books, which follow from single claims; they are replayed.
fn print_posted(store: &mut SqliteStore, by: &[By], moment: &Moment, out: Output) -> Result<()> {
    // Asked before the log is read.
    answers::posted(&[], by)?;
    let rows = crate::periods::list(store, &moment.cut_of_the_record()?)?;
    print_groups(&answers::posted(&rows, by)?, by, out)
}

/// Totals of a store, for `totals` and the demonstration.
pub fn print_totals(store: &mut SqliteStore, by: &[By], moment: &Moment, out: Output) -> Result<()> {
    print_groups(&answers::totals_of(store, by, &moment.cut())?, by, out)
}

fn print_groups(groups: &Groups, by: &[By], out: Output) -> Result<()> {
    if out.json {
        return out.lines(&answers::totals(groups, by)?);
    }
    let mut head: Vec<&str> = by.iter().map(|by| by.as_str()).collect();
    head.extend(["credits>", "credited>", "reversed>", "failed>", "stands>", ""]);
    let rows: Vec<Vec<String>> = groups
        .iter()
        .map(|((names, currency), sums)| {
            let mut row = names.clone();
            row.push(sums.credits.to_string());
            for minor in [sums.credited_minor, sums.reversed_minor, sums.failed_minor, sums.net_minor()] {
                row.push(money(minor, currency));
            }
            row.push(currency.clone());
            row
        })
        .collect();
    out.say(&(), || table(&head, &rows))
}

impl Moment {
    /// Now.
    pub fn now() -> Self {
        Self { as_of: None, known_at: None, effective_at: None }
    }
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  claims owed\n  claims owed --what refund --json")]
pub struct OwedArgs {
    /// Only refund, goods or charge
    #[arg(long)]
    what: Option<String>,
    /// Policy id of the merchant
    #[arg(long)]
    merchant: Option<String>,
    #[command(flatten)]
    moment: Moment,
}

impl OwedArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let mut store = common.read()?;
        let (what, merchant) = (self.what.as_deref(), self.merchant.as_deref());
        let rows = answers::owed(&mut store, what, merchant, &self.moment.cut())?;
        if out.json {
            return rows.iter().try_for_each(|row| out.say(row, String::new));
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| {
                let open = if row.open_units > 0 {
                    format!("{} units", row.open_units)
                } else {
                    format!("{} {}", money(row.open_minor, &row.currency), row.currency)
                };
                vec![
                    row.claim.clone(),
                    row.merchant.clone(),
                    row.what.clone(),
                    row.item.clone(),
                    row.since.clone(),
                    open,
                ]
            })
            .collect();
        out.say(&(), || table(&["claim", "merchant", "what", "item", "since", "open>"], &cells))
    }
}
