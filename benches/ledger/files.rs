//! Files of commands and of credit notes, read and recorded as the command line does it.

use claims::{
    command::Defaults,
    generate::Step,
    import_csv::{self, Mapping},
    progress::Progress,
    record::{self, Options},
    writer::{Load, Results},
};
use replay::{
    ids::{ActorId, Code, Expected, SourceId},
    seal::Proposal,
};
use serde_json::{Value, json};
use std::{fmt::Write as _, path::Path};

use super::{Clock, Measured, prepared, set_clock};

/// Rows of one credit note.
const NOTE_ROWS: usize = 2;

/// The generated commands as a file, through `record`.
pub fn record(path: &Path, steps: &[Step]) -> Measured {
    let mut text = String::new();
    for proposal in steps.iter().flat_map(|step| &step.batch) {
        let _ = writeln!(text, "{}", command(proposal));
    }
    let mut ledger = prepared(path);
    set_clock(&mut ledger, steps);
    let defaults = Defaults {
        actor: ActorId::new("bench").expect("an id"),
        role: Code::new("system").expect("a role"),
        source: SourceId::new("bench").expect("a source"),
        effective: ledger.door().now_here(),
    };
    let read = |_, line: &[u8], begun: &dyn Fn(&replay::ids::Stream) -> bool| {
        claims::command::parse(line, &defaults, begun)
    };
    let options = Options { name: "bench", read: &read, keep_going: false, atomic: false };
    let clock = Clock::start();
    let tally =
        record::record(&mut ledger, &mut text.as_bytes(), &options, &Progress::silent(), &mut |_, _| Ok(()))
            .expect("every line is recorded");
    clock.stop(usize::try_from(tally.recorded).expect("a number"), Vec::new())
}

fn command(proposal: &Proposal) -> Value {
    let mut command = json!({
        "stream": proposal.stream, "kind": proposal.event.kind().as_str(), "actor": proposal.actor,
        "role": proposal.role, "source": proposal.source,
        "payload": proposal.event.to_value().expect("a payload"),
    });
    let mut put = |name: &str, value: Value| command[name] = value;
    if proposal.effective_is_given {
        put("effective_at", proposal.effective.to_string().into());
    }
    if let Expected::At(revision) = proposal.expected {
        put("expected_revision", revision.map_or(0, |revision| revision.get()).into());
    }
    if let Some(approver) = &proposal.approver {
        put("approver", approver.as_str().into());
    }
    if let Some(key) = &proposal.external_id {
        put("external_id", key.as_str().into());
    }
    for (name, id) in [("event_id", proposal.event_id), ("causation", proposal.causation)] {
        if let Some(id) = id {
            put(name, id.to_string().into());
        }
    }
    if let Some(correlation) = &proposal.correlation {
        put("correlation", correlation.as_str().into());
    }
    command
}

/// As many credit notes as there are commands, from CSV.
pub fn csv(path: &Path, steps: &[Step]) -> Measured {
    let notes: usize = steps.iter().map(|step| step.batch.len()).sum();
    let mapping = include_str!("../../fixtures/import/sample.toml");
    let mapping = Mapping::parse(mapping, "sample.toml").expect("a mapping");
    let mut text = String::from("note,clerk,article,text,qty,price,made,cust,country\n");
    for note in 1..=notes {
        for row in 1..=NOTE_ROWS {
            let (day, cents) = (1 + note % 28, 10 + (note * 7 + row) % 90);
            let _ = writeln!(
                text,
                "CN-{note:07},7,DL-{row},Desk lamp,-{row},3{}.{cents},01/{day:02}/2023 09:30 AM,{},US",
                note % 10,
                20_000 + note % 5_000
            );
        }
    }
    let mut ledger = prepared(path);
    set_clock(&mut ledger, steps);
    let clock = Clock::start();
    let (notes, bad) = import_csv::read(text.as_bytes(), "bench.csv", &mapping, &mut |_| {}).expect("a file");
    assert!(bad.is_empty(), "{bad:?}");
    let mut events = 0;
    let mut count = |results: Results| {
        events += results.into_iter().map(|receipts| receipts.expect("accepted").len()).sum::<usize>();
    };
    let mut load = Load::new(&mut ledger, false);
    for group in notes.chunks(500) {
        let batches = group.iter().map(|note| vec![note.proposal.clone()]).collect();
        count(load.record(batches).expect("recorded"));
    }
    count(load.finish().expect("recorded"));
    clock.stop(events, Vec::new())
}
