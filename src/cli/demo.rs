//! The demonstration: a ledger from nothing to an audit, in one command, the same in every run.

mod served;

use clap::Args;
use include_dir::{Dir, include_dir};
use replay::{
    history::Cut,
    ids::{ActorId, BadText, ClaimId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::{BadTime, Instant, When},
};
use std::{net::SocketAddr, path::PathBuf};

use super::{
    common::Common,
    output::{Output, line, table},
    proof::{audit_text, rebuild_text},
    views::{Moment, print_totals},
};
use crate::{
    command::{self, Defaults},
    door::Door,
    error::{Error, ErrorKind, Result},
    generate::{Generator, Group, feed, merchants},
    judging::{self, explain},
    ledger::Ledger,
    policy_file::embedded,
    progress::Progress,
    proof::{self, By},
    store::{Store, sqlite::SqliteStore},
    view,
};

/// The example claims, as commands; they are part of the binary so that the demonstration needs no files.
static CLAIMS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/claims");
/// Where the demonstration writes unless told otherwise.
const DEMO_FILE: &str = "claims-demo.db";
/// The claim whose timeline is shown.
const SHOWN: &str = "AMC-C-2207";
/// When the policies of the demonstration are published.
const BEGINS: &str = "2023-01-01T09:00:00Z";
/// Steps of the generator per commit.
const STEPS_PER_COMMIT: usize = 500;
/// Longest time between the first and the last step of a commit: a day, in microseconds.
const GROUP_SPAN_MICROS: i64 = 24 * 3_600 * 1_000_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims demo
  claims demo --ledger big.db --events 1000000
  claims demo --ledger other.db --events 50000 --seed 7
  claims demo --ledger desk.db --events 2000 --serve")]
pub struct DemoArgs {
    /// Also record this many generated events (deterministic, realistic, of the same five merchants)
    #[arg(long, value_name = "N", default_value_t = 0)]
    events: u64,
    /// Seed of the generator
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Only make the ledger; show nothing, rebuild nothing
    #[arg(long, conflicts_with = "serve")]
    quiet: bool,
    /// Show it at the desk: serve it on this machine, with a person who works there and one who approves
    #[arg(long)]
    serve: bool,
    /// Where --serve listens; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8377", requires = "serve")]
    listen: SocketAddr,
}

impl DemoArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<u8> {
        let path = common.ledger.clone().unwrap_or_else(|| PathBuf::from(DEMO_FILE));
        let made = self.fill(&path, out);
        if matches!(&made, Err(why) if why.code != "file_exists") {
            // Half a demonstration is of no use to anybody.
            for suffix in ["", "-wal", "-shm"] {
                let mut name = path.as_os_str().to_owned();
                name.push(suffix);
                let _ = std::fs::remove_file(name);
            }
        }
        let mut ledger = made?;
        if self.quiet {
            return Ok(0);
        }
        if self.serve {
            served::serve(ledger, &path, self.listen, out)?;
            return Ok(0);
        }
        show(&mut ledger, &path, out)
    }

    fn fill(&self, path: &std::path::Path, out: Output) -> Result<Ledger<SqliteStore>> {
        let words = |text: String| if self.quiet || out.json { Ok(()) } else { line(&text) };
        let origin = Origin::new("demo.example/claims").map_err(internal)?;
        let store = SqliteStore::create(path, &origin)?;
        words(format!("1. made ledger {origin} in {}", path.display()))?;
        let begins = When::parse(BEGINS).map_err(no_time)?.at;
        let mut ledger = Ledger::new(store, Door::fixed("demo", begins));
        let (policies, calendars) = publish(&mut ledger)?;
        words(format!("2. published {policies} policies and {calendars} calendar years"))?;
        if self.events > 0 {
            let generated = generate(&mut ledger, self.seed, self.events, !out.json)?;
            words(format!("   recorded {generated} generated events (seed {})", self.seed))?;
        }
        let recorded = stories(&mut ledger)?;
        words(format!("3. recorded {recorded} commands of the example claims"))?;
        Ok(ledger)
    }
}

fn internal(why: BadText) -> Error {
    Error::new(ErrorKind::Internal, "bad_demo", why.to_string())
}
fn no_time(why: BadTime) -> Error {
    Error::new(ErrorKind::Internal, "bad_demo", why.to_string())
}

fn defaults() -> Result<Defaults> {
    Ok(Defaults {
        actor: ActorId::new("demo").map_err(internal)?,
        role: Code::new("agent").map_err(internal)?,
        source: SourceId::new("demo").map_err(internal)?,
        effective: When::parse(BEGINS).map_err(no_time)?,
    })
}

/// Publishes what is embedded, with a second person, as everywhere.
fn publish(ledger: &mut Ledger<SqliteStore>) -> Result<(usize, usize)> {
    let who = defaults()?;
    let policies = embedded::policies()?;
    let calendars = embedded::calendars()?;
    let counts = (policies.len(), calendars.len());
    let events =
        policies.into_iter().map(|p| p.published.into()).chain(calendars.into_iter().map(Into::into));
    let mut batch: Vec<Proposal> = Vec::new();
    for event in events {
        batch.push(Proposal {
            stream: Stream::Ledger,
            expected: if batch.is_empty() {
                Expected::At(None)
            } else {
                Expected::AfterThePreviousOfThisBatch
            },
            event,
            effective: who.effective,
            effective_is_given: true,
            actor: ActorId::new("m.klein").map_err(internal)?,
            role: Code::new("policy_owner").map_err(internal)?,
            approver: Some(ActorId::new("d.ruiz").map_err(internal)?),
            source: who.source.clone(),
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        });
    }
    ledger.record(batch)?;
    Ok(counts)
}

/// Records the example claims in the order in which things became known, all stories interleaved.
fn stories(ledger: &mut Ledger<SqliteStore>) -> Result<u64> {
    let who = defaults()?;
    let mut commands: Vec<(Instant, Proposal)> = Vec::new();
    for file in CLAIMS.files().filter(|f| f.path().extension().is_some_and(|e| e == "ndjson")) {
        let mut known = Instant::EPOCH;
        for (index, text) in file.contents_utf8().unwrap_or_default().lines().enumerate() {
            let place = || format!("{}:{}", file.path().display(), index + 1);
            let proposal = command::parse(text.as_bytes(), &who, &|_| true).map_err(|why| why.at(place()))?;
            // A late fact becomes known after what was recorded before it.
            known = known.max(proposal.effective.at);
            commands.push((known, proposal));
        }
    }
    commands.sort_by_key(|(known, _)| *known);
    let count = u64::try_from(commands.len()).unwrap_or(u64::MAX);
    for (known, mut proposal) in commands {
        ledger.door().set_now(known);
        let revision = ledger.store().revision(&proposal.stream)?;
        proposal.expected = Expected::at_number(revision);
        ledger.record(vec![proposal])?;
    }
    Ok(count)
}

fn generate(ledger: &mut Ledger<SqliteStore>, seed: u64, events: u64, shown: bool) -> Result<u64> {
    let progress = Progress::new("generate", events, shown);
    let merchants = merchants()?;
    let group = Group { steps_max: STEPS_PER_COMMIT, span_micros_max: GROUP_SPAN_MICROS };
    let recorded =
        feed(ledger, Generator::new(seed, &merchants, events), group, &mut |done| progress.reach(done))?;
    progress.done();
    Ok(recorded)
}

/// What claims explain says of the claim that is shown, down to the table of the refund.
fn explained(ledger: &mut Ledger<SqliteStore>) -> Result<String> {
    let id = ClaimId::new(SHOWN).map_err(internal)?;
    let case = view::case_of(ledger.store(), &Stream::Claim(id.clone()))?;
    let registry = judging::registry(ledger.store())?;
    let told = explain::text(&explain::explain(&case, &id, &registry, &Cut::default())?);
    Ok(told.split("Why not").next().unwrap_or_default().trim_end().to_string())
}

fn show(ledger: &mut Ledger<SqliteStore>, path: &std::path::Path, out: Output) -> Result<u8> {
    let by = By {
        actor: ActorId::new("nightly").map_err(internal)?,
        role: Code::new("operations").map_err(internal)?,
        source: SourceId::new("demo").map_err(internal)?,
    };
    if out.json {
        let rebuilt = proof::rebuild(ledger, &by, false, false)?;
        let audited = proof::audit(ledger.store(), false)?;
        out.say(&serde_json::json!({ "file": path, "rebuild": rebuilt, "audit": audited }), String::new)?;
        return Ok(u8::from(!audited.agrees));
    }
    line(&format!("\n4. the timeline of claim {SHOWN}\n"))?;
    let stream: Stream = format!("claim/{SHOWN}").parse().map_err(internal)?;
    let entries = view::timeline(ledger.store(), &stream, true, false, &Cut::default())?;
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|e| {
            vec![
                e.position.to_string(),
                e.effective_at.get(..16).unwrap_or_default().replace('T', " "),
                e.kind.clone(),
                e.actor.clone(),
            ]
        })
        .collect();
    line(&table(&["pos>", "happened (there)", "what", "who"], &rows))?;
    line("5. why that was owed: the beginning of claims explain\n")?;
    line(&explained(ledger)?)?;
    line("\n6. refund totals per merchant\n")?;
    print_totals(ledger.store(), &[view::By::Merchant], &Moment::now(), out)?;
    line("\n7. the books, rebuilt from the log and compared with what was served\n")?;
    line(&rebuild_text(&proof::rebuild(ledger, &by, false, true)?))?;
    line("\n8. an audit by replay\n")?;
    let report = proof::audit(ledger.store(), true)?;
    line(&audit_text(&report))?;
    line(&format!(
        "\nnext:
  export CLAIMS_LEDGER={}
  claims show {SHOWN}                       what came of it
  claims show {SHOWN} --known-at 2024-04-06T00:00:00Z   what was known then
  claims explain {SHOWN}                    why, clause by clause
  claims list --open-money                     what is still to be paid
  claims totals --by month
  claims --help                                everything else",
        path.display()
    ))?;
    Ok(u8::from(!report.agrees))
}
