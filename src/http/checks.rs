//! Views for those who check: the log itself, proofs, audits, policies, schemas.

use replay::{
    codec::OwnedRow,
    ids::{ActorId, ClaimId, OrderId, PolicyId, Position},
    time::{Day, When},
};
use serde_json::json;
use std::{ops::ControlFlow, sync::Mutex};

use super::{
    answer::{Answer, JSON},
    app::App,
    asked::Asked,
    param::{Is, Param, Place, contradict},
    routes::{
        ADMIN, AS_OF, CHECKS, EFFECTIVE_AT, Gives, KNOWN_AT, LIMIT, May, Route, Run, STAFF, Takes, Verb,
        path, query, view,
    },
};
use crate::{
    access::Scope,
    answers::{self, Lines},
    auditor::{self, Parameters},
    coverage::Coverage,
    door::Door,
    error::{Error, Result},
    evidence::{heads, prove},
    proof,
    redaction::due,
    replaying::aside,
    scenario::gather,
    store::{Span, Store, sqlite::SqliteStore},
    subject::{self, Subject},
    view,
};

const POSITION: Param = path("position", Is::Position, "Its position");
const CHECKPOINT: Param = query(
    "checkpoint",
    Is::Position,
    "Prove against the recorded checkpoint of this size; the last unless given",
);

/// The routes.
pub const ROUTES: &[Route] = &[
    view(
        "events",
        "/v1/events",
        "The log, in order of position, a page at a time: each event as it is stored, with its leaf",
        STAFF,
        &[query("after", Is::Number((1 << 53) - 1), "Begin after this position"), LIMIT],
        Gives::Rows("StoredEvent"),
        Run::Read(events),
    ),
    view(
        "event",
        "/v1/events/{position}",
        "One event as it is stored, with its leaf",
        STAFF,
        &[POSITION],
        Gives::Json("StoredEvent"),
        Run::Read(event),
    ),
    view(
        "event_proof",
        "/v1/events/{position}/proof",
        "That an event is in the log of a checkpoint (C2SP tlog-proof)",
        STAFF,
        &[POSITION, CHECKPOINT],
        Gives::Json("Proof"),
        Run::Read(event_proof),
    ),
    view(
        "consistency",
        "/v1/consistency",
        "That the log of a checkpoint begins with an earlier one (what a C2SP witness asks for)",
        STAFF,
        &[
            Param {
                place: Place::Needed,
                ..query("since", Is::Number((1 << 53) - 1), "Size of the earlier log")
            },
            CHECKPOINT,
        ],
        Gives::Json("ConsistencyProof"),
        Run::Read(consistency),
    ),
    view(
        "checkpoints",
        "/v1/checkpoints",
        "Heads of the log that were signed and recorded",
        STAFF,
        &[],
        Gives::Rows("Checkpoint"),
        Run::Read(checkpoints),
    ),
    view(
        "checkpoint",
        "/v1/checkpoint",
        "A recorded checkpoint: the last one, or the one of a size",
        STAFF,
        &[query("size", Is::Position, "Its size")],
        Gives::Json("CheckpointNote"),
        Run::Read(checkpoint),
    ),
    view(
        "replay",
        "/v1/replay",
        "The log folded up to any moment: counts, root, digest, control totals; writes nothing",
        CHECKS,
        &[AS_OF, KNOWN_AT, EFFECTIVE_AT],
        Gives::Json("Replayed"),
        Run::Fold(replayed),
    ),
    view(
        "audit",
        "/v1/audit",
        "Replays everything and compares: whether log and books agree",
        CHECKS,
        &[],
        Gives::Json("Audit"),
        Run::Whole(audit),
    ),
    view(
        "audit_report",
        "/v1/audit/report",
        "Completeness, journal-entry tests, overrides, missed duties",
        CHECKS,
        &[
            query("from", Is::Day, "First day of the window"),
            query("to", Is::Day, "Last day of the window"),
            query("at", Is::Time, "Read policies' clocks at this moment"),
            AS_OF,
        ],
        Gives::Json("AuditReport"),
        Run::Whole(audit_report),
    ),
    view(
        "policies",
        "/v1/policies",
        "The published policies with their versions and hashes",
        STAFF,
        &[],
        Gives::Rows("PolicyRow"),
        Run::Read(policies),
    ),
    view(
        "policy",
        "/v1/policies/{policy}",
        "A published policy",
        STAFF,
        &[
            path("policy", Is::Policy, "Policy id"),
            query("version", Is::Number(u32::MAX as u64), "Which version; the latest unless given"),
        ],
        Gives::Json("Policy"),
        Run::Read(policy),
    ),
    view(
        "coverage",
        "/v1/coverage",
        "Which scenarios show each clause of the included policies at work, and which its other side",
        STAFF,
        &[],
        Gives::Rows("CoverageRow"),
        Run::Fold(coverage),
    ),
    view(
        "retentions",
        "/v1/retentions",
        "How long personal values are kept",
        STAFF,
        &[],
        Gives::Rows("RetentionRow"),
        Run::Read(retentions),
    ),
    view(
        "retentions_due",
        "/v1/retentions/due",
        "Personal values that are past their retention on a day; nothing is erased",
        ADMIN,
        &[query("at", Is::Day, "The day; today unless given")],
        Gives::Rows("RetentionDueRow"),
        Run::Fold(retentions_due),
    ),
    Route {
        name: "subject",
        method: Verb::Get,
        path: "/v1/subject",
        says: "Everything the ledger holds on one person, personal values in clear; name a claim, an order or an actor",
        may: ADMIN,
        scope: Some(Scope::Personal),
        params: &[
            query("claim", Is::Claim, "Whoever stands behind this claim"),
            query("order", Is::Order, "Whoever stands behind this order"),
            query("actor", Is::Actor, "Somebody with an id of their own"),
        ],
        takes: Takes::Nothing,
        gives: Gives::Json("Subject"),
        run: Run::Read(subject_export),
    },
    Route {
        name: "schemas",
        method: Verb::Get,
        path: "/v1/schemas",
        says: "The names of the JSON Schemas of events, commands and the envelope",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Rows("SchemaName"),
        run: Run::Act(schemas),
    },
    Route {
        name: "schema",
        method: Verb::Get,
        path: "/v1/schema",
        says: "One JSON Schema, e.g. refund_issued or events/refund_issued.v1",
        may: May::Anybody,
        scope: None,
        params: &[Param { place: Place::Needed, ..query("name", Is::Text(100), "Its name") }],
        takes: Takes::Nothing,
        gives: Gives::Json("Schema"),
        run: Run::Act(schema),
    },
];

/// An event as it is stored: its bytes are what the leaf is the hash of.
pub(super) fn stored(row: &OwnedRow) -> Result<String> {
    let body = std::str::from_utf8(&row.body).map_err(|why| {
        Error::new(
            crate::error::ErrorKind::BrokenLog,
            "row_is_damaged",
            format!("position {}: {why}", row.position),
        )
    })?;
    let leaf = replay::merkle::Hash(row.leaf);
    Ok(format!("{{\"position\":{},\"leaf\":\"{leaf}\",\"event\":{body}}}", row.position))
}

/// Events after a position, at most so many.
pub(super) fn after(store: &mut SqliteStore, position: u64, most: usize) -> Result<Vec<(u64, String)>> {
    let mut found = Vec::new();
    let mut broken = None;
    let last = position.saturating_add(u64::try_from(most).unwrap_or(u64::MAX));
    store.scan(Span { first: position.saturating_add(1), last }, &mut |row| {
        let row = OwnedRow {
            position: row.position,
            stream: row.stream.into(),
            revision: row.revision,
            event_id: row.event_id,
            kind: row.kind.into(),
            recorded_at: row.recorded_at,
            body: row.body.to_vec(),
            leaf: row.leaf,
        };
        match stored(&row) {
            Ok(text) => {
                found.push((row.position, text));
                ControlFlow::Continue(())
            }
            Err(why) => {
                broken = Some(why);
                ControlFlow::Break(())
            }
        }
    })?;
    broken.map_or(Ok(found), Err)
}

fn events(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let limit = usize::try_from(asked.rows()).unwrap_or(usize::MAX);
    let found = after(store, asked.number("after").unwrap_or(0), limit)?;
    let tip = store.tip()?.position;
    let last = found.last().map(|(position, _)| *position).filter(|last| *last < tip);
    let lines: Vec<String> = found.into_iter().map(|(_, text)| text).collect();
    Ok(Answer::rows(&lines, last.map(|last| last.to_string()).as_deref()))
}

fn position(asked: &Asked) -> Result<u64> {
    asked.needed("position", str::parse::<u64>)
}

fn event(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let position = position(asked)?;
    let row = store.row(position)?.ok_or_else(|| {
        Error::not_found(format!("no event is on record at position {position}"))
            .hint("GET /v1/events lists them")
    })?;
    Ok(Answer::of(200, JSON, stored(&row)?.into_bytes()))
}

fn event_proof(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let position = position(asked)?;
    let note = answers::head(store, asked.number("checkpoint"))?;
    let proof = prove::inclusion(store, position, &note)?;
    Answer::json(&json!({ "position": position, "proof": proof.to_string() }))
}

fn consistency(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let note = answers::head(store, asked.number("checkpoint"))?;
    let proof = prove::consistency(store, asked.needed("since", str::parse::<u64>)?, &note)?;
    Answer::json(&json!({ "proof": proof.to_string() }))
}

fn checkpoints(_: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    let heads = answers::checkpoints(&heads::recorded(store)?);
    Ok(Answer::rows(&Lines::of(&heads)?.0, None))
}

fn checkpoint(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    Answer::json(&answers::checkpoint(&answers::head(store, asked.number("size"))?))
}

fn replayed(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let outcome = view::books_as_of(store, &asked.cut()?)?;
    let answer = Answer::json(&answers::replayed(&outcome));
    aside(outcome);
    answer
}

fn audit(_: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    Answer::json(&proof::audit(store, false)?)
}

fn audit_report(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let (from, to) = (asked.read("from", Day::parse)?, asked.read("to", Day::parse)?);
    if from.is_some_and(|from| to.is_some_and(|to| from > to)) {
        return Err(contradict("from is after to"));
    }
    let ask = auditor::Ask {
        from,
        to,
        as_of: asked.number("as_of").and_then(Position::new),
        at: asked.read("at", When::parse)?,
        parameters: Parameters::default(),
    };
    Answer::json(&auditor::report(store, &ask, false)?)
}

fn policies(_: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    let mut lines = Lines::default();
    for (position, policy) in answers::policies(store)? {
        lines.add(&answers::policy_row(position, &policy))?;
    }
    Ok(Answer::rows(&lines.0, None))
}

fn policy(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let version = asked.number("version").and_then(|n| u32::try_from(n).ok());
    let (position, policy) = answers::policy(store, &asked.needed("policy", PolicyId::new)?, version)?;
    Answer::json(&answers::policy_body(position, &policy))
}

/// The scenarios are those inside the program, so this is worked out once.
fn coverage(_: &App, _: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    static ONCE: Mutex<Option<Lines>> = Mutex::new(None);
    let mut once = ONCE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lines = match once.take() {
        Some(lines) => lines,
        None => covered()?,
    };
    let answer = Answer::rows(&lines.0, None);
    *once = Some(lines);
    Ok(answer)
}

fn covered() -> Result<Lines> {
    let policies = gather::policies(&[])?;
    let files = gather::scenarios(&[])?;
    let mut coverage = Coverage::new(&policies);
    for scenario in files.iter().flat_map(|(_, list)| list) {
        coverage.take(scenario, &policies)?;
    }
    let all: Vec<_> = files.iter().flat_map(|(_, list)| list).collect();
    Lines::of(&coverage.report(&all).clauses)
}

fn retentions(app: &App, store: &mut SqliteStore, _: &Asked) -> Result<Answer> {
    Ok(Answer::rows(&answers::retentions(&*app.registry(store)?)?.0, None))
}

fn retentions_due(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let at = asked.read("at", Day::parse)?.unwrap_or_else(|| Door::System.now_here().local_day());
    Ok(Answer::rows(&Lines::of(&due(store, at)?)?.0, None))
}

fn subject_export(_: &App, store: &mut SqliteStore, asked: &Asked) -> Result<Answer> {
    let claim = asked.read("claim", ClaimId::new)?.map(Subject::Claim);
    let order = asked.read("order", OrderId::new)?.map(Subject::Order);
    let actor = asked.read("actor", ActorId::new)?.map(Subject::Actor);
    let mut named = claim.into_iter().chain(order).chain(actor);
    match (named.next(), named.next()) {
        (Some(who), None) => Answer::json(&subject::export(store, &who)?),
        _ => Err(contradict("name one of claim, order and actor")),
    }
}

fn schemas(_: &App, _: &Asked) -> Result<Answer> {
    let mut names: Vec<&str> = crate::schema::list().map(|(name, _)| name).collect();
    names.sort_unstable();
    Ok(Answer::rows(&Lines::of(&names)?.0, None))
}

fn schema(_: &App, asked: &Asked) -> Result<Answer> {
    let name = asked.text("name").unwrap_or_default();
    match crate::schema::find(name) {
        Some(text) => Ok(Answer::of(200, "application/schema+json", text.as_bytes().to_vec())),
        None => Err(Error::not_found("there is no schema of this name").hint("GET /v1/schemas lists them")),
    }
}
