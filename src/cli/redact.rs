//! redact: personal values are erased, the log and its proofs stay.

use clap::{ArgGroup, Args};
use replay::{
    ids::{ActorId, Code, EventId, SourceId, Stream},
    time::Day,
};
use serde_json::json;
use std::time::Duration;

use super::{
    acts::order_or_claim,
    common::{Common, UNNAMED},
    output::{Output, table},
};
use crate::{
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::Ledger,
    redaction::{self, CLEAN_WAIT_MS, Found, Plan, Report, Request, Selection},
    store::{Store, sqlite::SqliteStore},
};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("what").required(true).args(["stream", "event", "subject", "retention", "finish"])))]
#[command(after_help = "Examples:
  claims redact C1 --dry-run           what would be erased, without the values
  claims redact C1 --basis gdpr_art17 --requester cust-17 --actor d.ruiz --approver m.klein
  claims redact order/O1 --basis gdpr_art17 --requester cust-17 --actor d.ruiz --approver m.klein
  claims redact --event 12 --path text --basis recorded_by_mistake --requester n.beaumont \\
    --actor d.ruiz --approver m.klein
  claims redact --subject n.beaumont --basis contract_ended --requester n.beaumont \\
    --actor d.ruiz --approver m.klein
  claims redact --retention --at 2026-11-21 --requester dpo --actor d.ruiz --approver m.klein
  claims redact --finish               clean the file, when that was interrupted

Erased are names, addresses, numbers of parcels and devices, and free texts, with the salts of
their commitments. Amounts, dates, reason codes, ids, events and proofs stay for ever.
The approver is somebody else than the requester and the actor. A legal hold refuses it.
Bases are codes of your own; in use are gdpr_art17 (asked for), gdpr_art21 (objection),
ccpa_1798.105, consent_withdrawn, contract_ended, retention_over, court_order and
recorded_by_mistake. The file is written anew and its write-ahead log is emptied, which waits for
other readers. Exports and backups made before still hold the values: erase them there as well.")]
pub struct RedactArgs {
    /// A claim with its own events, or order/ID with the order and every claim on it
    #[arg(value_name = "CLAIM|ORDER", value_parser = order_or_claim)]
    stream: Option<Stream>,
    /// One event: its id, or its position as the timeline prints it
    #[arg(long, value_name = "ID|POSITION")]
    event: Option<String>,
    /// A field of that event, e.g. text or buyer.name; buyer means all below it (repeat)
    #[arg(long, value_name = "PATH", requires = "event")]
    path: Vec<String>,
    /// The name registered for this actor, and what the actor said as a customer
    #[arg(long, value_name = "ID")]
    subject: Option<ActorId>,
    /// Everything whose retention is over and that no legal hold keeps
    #[arg(long)]
    retention: bool,
    /// The day on which it must be over [default: today]
    #[arg(long, value_name = "DAY", value_parser = Day::parse, requires = "retention")]
    at: Option<Day>,
    /// Erase nothing more, only clean the file after an interruption
    #[arg(long)]
    finish: bool,
    /// List what would be erased and write nothing
    #[arg(long)]
    dry_run: bool,
    /// The legal basis [default with --retention: as the schedule says]
    #[arg(long, value_name = "CODE", required_unless_present_any = ["retention", "finish", "dry_run"])]
    basis: Option<Code>,
    /// Who asked for it: the customer's pseudonym, or whoever acts for the customer
    #[arg(long, value_name = "ID", required_unless_present_any = ["finish", "dry_run"])]
    requester: Option<ActorId>,
    /// Longest time to wait for readers that hold an older state of the file, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = CLEAN_WAIT_MS / 1_000)]
    wait: u64,
    /// Who carries it out (a pseudonymous id, no personal name)
    #[arg(long, env = "CLAIMS_ACTOR", default_value = UNNAMED, hide_default_value = true, value_name = "ID")]
    actor: ActorId,
    /// In which role
    #[arg(long, env = "CLAIMS_ROLE", default_value = "agent", value_name = "ROLE")]
    role: Code,
    /// The second person, who neither asks for it nor carries it out
    #[arg(long, value_name = "ID")]
    approver: Option<ActorId>,
    /// The system this comes from
    #[arg(long, env = "CLAIMS_SOURCE", default_value = "cli", value_name = "NAME")]
    source: SourceId,
}

impl RedactArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let wait = Duration::from_secs(self.wait);
        if self.finish {
            return finish(common, wait, out);
        }
        if self.dry_run {
            let mut store = common.read()?;
            let selection = self.selection(&mut store)?;
            let plan = redaction::plan(&mut store, &selection)?;
            return out.say(&plan, || plan_text(&plan));
        }
        super::common::named(&self.actor)?;
        let mut store = common.write()?;
        let request = Request {
            selection: self.selection(&mut store)?,
            basis: self.basis,
            requester: self.requester.unwrap_or_else(|| self.actor.clone()),
            actor: self.actor,
            role: self.role,
            approver: self.approver,
            source: self.source,
            on: Door::System.now_here(),
        };
        let mut ledger = Ledger::new(store, Door::System);
        let report = redaction::erase(&mut ledger, &request)?;
        let cleaned = redaction::clean(ledger.store(), wait);
        let mut answer = json!(report);
        if let Some(fields) = answer.as_object_mut() {
            fields.insert("file_is_clean".into(), json!(cleaned.is_ok()));
        }
        out.say(&answer, || report_text(&report, cleaned.is_ok()))?;
        cleaned
    }

    fn selection(&self, store: &mut SqliteStore) -> Result<Selection> {
        if let Some(name) = &self.event {
            return Ok(Selection::Event(event_id(store, name)?, self.path.clone()));
        }
        if let Some(actor) = &self.subject {
            return Ok(Selection::Subject(actor.clone()));
        }
        match &self.stream {
            Some(Stream::Claim(id)) => Ok(Selection::Claim(id.clone())),
            Some(Stream::Order(id)) => Ok(Selection::Order(id.clone())),
            _ => self.over().map(Selection::Retention),
        }
    }

    /// Nothing is erased before its time.
    fn over(&self) -> Result<Day> {
        let today = Door::System.now_here().local_day();
        match self.at {
            Some(day) if day > today && !self.dry_run => {
                let text = format!("{day} is still to come");
                Err(Error::new(ErrorKind::Refused, "retention_is_not_over", text)
                    .hint("--dry-run looks ahead; claims retention due --at DAY as well"))
            }
            at => Ok(at.unwrap_or(today)),
        }
    }
}

/// An event by its id or its position.
fn event_id(store: &mut SqliteStore, name: &str) -> Result<EventId> {
    let Ok(position) = name.parse::<u64>() else {
        return name.parse().map_err(|why: replay::ids::BadText| {
            Error::new(ErrorKind::Usage, "bad_event", why.to_string())
                .at("--event")
                .hint("write its id, or its position as claims timeline prints it")
        });
    };
    let row = store.row(position)?;
    row.map(|row| EventId(uuid::Uuid::from_bytes(row.event_id))).ok_or_else(|| {
        Error::not_found(format!("there is no event at position {position}"))
            .hint("claims timeline CLAIM prints the positions of its events")
    })
}

fn finish(common: &Common, wait: Duration, out: Output) -> Result<()> {
    // Opening the ledger has tried it already, for a moment and in silence.
    let mut store = common.write()?;
    redaction::clean(&mut store, wait)?;
    out.say(&json!({ "file_is_clean": true }), || "the file is clean".into())
}

/// Values as people read a list of them: where, and what has become of each.
pub(super) fn values_table<'a>(values: impl Iterator<Item = &'a Found>) -> String {
    let rows: Vec<Vec<String>> = values
        .map(|v| {
            let state = match &v.redacted {
                Some(r) => format!("redacted {}, {}", r.on, r.basis),
                None => v.state.as_str().into(),
            };
            vec![v.position.to_string(), v.stream.to_string(), v.kind.clone(), v.path.clone(), state]
        })
        .collect();
    table(&["pos>", "stream", "event", "value", "state"], &rows)
}

fn values(count: u64) -> String {
    if count == 1 { "1 value".into() } else { format!("{count} values") }
}

fn plan_text(plan: &Plan) -> String {
    let open = plan.values.iter().filter(|v| v.state == redaction::State::Open).count();
    let open = u64::try_from(open).unwrap_or(u64::MAX);
    let mut text = format!("would erase {}; nothing was written\n\n", values(open));
    text.push_str(&values_table(plan.values.iter()));
    for held in &plan.holds {
        text.push_str(&format!(
            "\nrefused as long as legal hold {} on {} keeps {}",
            held.hold, held.placed_on, held.stream
        ));
    }
    text
}

fn report_text(report: &Report, clean: bool) -> String {
    let mut text = match report.recorded_at_positions.as_slice() {
        [] => format!("nothing left to erase: {} erased before\n\n", values(report.erased_before)),
        positions => {
            let positions: Vec<String> = positions.iter().map(ToString::to_string).collect();
            let file = if clean { ", and the file is clean" } else { "" };
            format!(
                "erased {}, recorded at position {}{file}\n\n",
                values(report.erased),
                positions.join(", ")
            )
        }
    };
    text.push_str(&values_table(report.values.iter()));
    if report.missing > 0 {
        text.push_str(&format!(
            "\n{} missing without a redaction: claims audit names the first",
            values(report.missing)
        ));
    }
    if report.erased > 0 {
        text.push_str("\nexports and backups made before still hold them: erase them there as well");
    }
    text
}
