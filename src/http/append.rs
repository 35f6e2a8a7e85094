//! Recording: one command, and acts that wait for a second person. The actor is whoever asks, never a field.

use replay::{
    canonical::{self, Limits},
    event::Kind,
    ids::{ActorId, Code, SourceId, Stream},
    seal::Proposal,
};
use serde_json::{Value, json};

use super::{
    answer::Answer,
    app::App,
    asked::Asked,
    param::{Is, bad},
    principal::Principal,
    routes::{Gives, LIMIT, May, RECORDS, Route, Run, STAFF, Takes, Verb, path, query},
};
use crate::{
    access::{DAY, Scope, encoded, plus, told},
    command::{self, COMMAND_BYTES_MAX, COMMAND_DEPTH_MAX, Defaults},
    door::Door,
    error::{Error, ErrorKind, Result},
    ledger::{Outcome, Receipt},
    store::access::ApprovalRow,
};

/// Acts that one person may have waiting for a second one.
const APPROVALS_WAITING_MAX: u64 = 100;
/// How long an act waits, in days.
const APPROVAL_DAYS: i64 = 14;

/// Who may be a second person at all; the ledger asks for the role again.
pub(super) const APPROVES: May = May::Roles(&["approver", "finance", "admin"]);
const STATES: &[&str] = &["pending", "approved", "rejected"];

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        name: "append",
        method: Verb::Post,
        path: "/v1/events",
        says: "Records one command. If-Match gives the revision it was decided at, Idempotency-Key the sender's own id",
        may: RECORDS,
        scope: Some(Scope::Append),
        params: &[],
        takes: Takes::Json("Command"),
        gives: Gives::Json("Receipt"),
        run: Run::Act(append),
    },
    Route {
        name: "append_bulk",
        method: Verb::Post,
        path: "/v1/events/bulk",
        says: "Records many commands, one a line; an answer for each line comes back while they are recorded. \
               Consecutive lines on one stream are recorded together or not at all; other lines go on",
        may: RECORDS,
        scope: Some(Scope::Append),
        params: &[],
        takes: Takes::Lines,
        gives: Gives::Receipts,
        run: Run::Bulk,
    },
    Route {
        name: "feed",
        method: Verb::Get,
        path: "/v1/feed",
        says: "Events as they happen (server-sent events); resumes after Last-Event-ID, which is a position",
        may: STAFF,
        scope: Some(Scope::Read),
        params: &[query(
            "after",
            Is::Number((1 << 53) - 1),
            "Begin after this position; at the end of the log unless given",
        )],
        takes: Takes::Nothing,
        gives: Gives::Feed,
        run: Run::Feed,
    },
    Route {
        name: "approvals",
        method: Verb::Get,
        path: "/v1/approvals",
        says: "Acts that wait for a second person, or waited, the newest first: one's own, and all for those who approve",
        may: RECORDS,
        scope: Some(Scope::Read),
        params: &[query("state", Is::OneOf(STATES), "pending unless given"), LIMIT],
        takes: Takes::Nothing,
        gives: Gives::Rows("Approval"),
        run: Run::Act(approvals),
    },
    Route {
        name: "ask_approval",
        method: Verb::Post,
        path: "/v1/approvals",
        says: "Asks a second person to approve a command; it is recorded when somebody does",
        may: RECORDS,
        scope: Some(Scope::Append),
        params: &[],
        takes: Takes::Json("Command"),
        gives: Gives::Json("Approval"),
        run: Run::Act(ask),
    },
    Route {
        name: "approve",
        method: Verb::Post,
        path: "/v1/approvals/{approval}/approve",
        says: "Approves an act of somebody else, which is then recorded with both people",
        may: APPROVES,
        scope: Some(Scope::Append),
        params: &[path("approval", Is::Text(64), "Which one")],
        takes: Takes::Nothing,
        gives: Gives::Json("Receipt"),
        run: Run::Act(approve),
    },
    Route {
        name: "reject",
        method: Verb::Post,
        path: "/v1/approvals/{approval}/reject",
        says: "Rejects an act that waits, or takes one's own back",
        may: RECORDS,
        scope: Some(Scope::Append),
        params: &[path("approval", Is::Text(64), "Which one")],
        takes: Takes::Nothing,
        gives: Gives::Json("Approval"),
        run: Run::Act(reject),
    },
];

/// What a command may not say, because the door knows it.
const NOT_IN_A_BODY: [(&str, &str, &str); 2] = [
    ("actor", "actor_in_body", "the actor of an event is whoever asks; leave it out"),
    (
        "approver",
        "approver_in_body",
        "nobody approves in the name of somebody else: POST /v1/approvals asks a second person",
    ),
];

/// Reads one command as this principal's, with what the head of the request says of it.
///
/// # Errors
/// What cannot be read; what the door knows and the body says as well.
pub fn proposal(
    who: &Principal,
    asked: &Asked,
    line: &[u8],
    begun: &dyn Fn(&Stream) -> bool,
) -> Result<Proposal> {
    let defaults = |role: Code| Defaults {
        actor: who.actor.clone(),
        role,
        source: who.source.clone(),
        effective: Door::System.now_here(),
    };
    let any = || who.roles.first().cloned().map_or_else(|| who.acting_role(None), Ok);
    let limits = Limits { bytes_max: COMMAND_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX };
    let Ok(Value::Object(mut fields)) = canonical::parse(line, &limits) else {
        // The one reader of commands says what is wrong with it.
        return command::parse(line, &defaults(any()?), begun);
    };
    for (name, code, hint) in NOT_IN_A_BODY {
        if fields.contains_key(name) {
            return Err(Error::unreadable(code, format!("a command names no {name} here")).hint(hint));
        }
    }
    if fields.get("source").is_some_and(|source| source.as_str() != Some(who.source.as_str())) {
        let text = format!("events of {} come from {}", who.actor, who.source);
        return Err(Error::unreadable("source_in_body", text).hint("leave source out"));
    }
    let mut put = |name: &str, header: &str, value: Value| match fields.get(name) {
        Some(have) if *have != value => Err(Error::unreadable(
            "head_and_body_differ",
            format!("{header} and {name} say different things"),
        )),
        _ => {
            fields.insert(name.into(), value);
            Ok(())
        }
    };
    if let Some(revision) = revision(asked)? {
        put("expected_revision", "If-Match", json!(revision))?;
    }
    if let Some(key) = &asked.key {
        put("external_id", "Idempotency-Key", json!(key))?;
    }
    if !fields.contains_key("correlation") {
        fields.insert("correlation".into(), json!(asked.request_id));
    }
    let kind = fields.get("kind").and_then(Value::as_str).and_then(|kind| kind.parse::<Kind>().ok());
    let role = match (fields.contains_key("role"), kind) {
        // One that is named is in the command; one for no kind at all is as good as any.
        (true, _) | (false, None) => any()?,
        (false, Some(kind)) => who.role_for(None, kind)?,
    };
    let line = Value::Object(fields).to_string();
    command::parse(line.as_bytes(), &defaults(role), begun)
}

/// The revision of `If-Match`, as the ETag of a view gives it.
fn revision(asked: &Asked) -> Result<Option<u64>> {
    let Some(text) = &asked.if_match else { return Ok(None) };
    let number = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let number = number.filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    number.and_then(|n| n.parse().ok()).map(Some).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "bad_if_match", "If-Match is to be one revision in quotes")
            .hint("If-Match: \"7\", as the ETag of the claim says")
    })
}

/// A receipt as an answer: created, or known already.
fn receipt(receipt: &Receipt) -> Result<Answer> {
    let status = if receipt.outcome == Outcome::Recorded { 201 } else { 200 };
    Ok(Answer::json(receipt)?
        .status(status)
        .header("etag", format!("\"{}\"", receipt.revision))
        .header("location", format!("/v1/events/{}", receipt.position)))
}

fn append(app: &App, asked: &Asked) -> Result<Answer> {
    let proposal = proposal(asked.who()?, asked, &asked.body, &|_| false)?;
    receipt(&one(app, proposal)?)
}

fn one(app: &App, proposal: Proposal) -> Result<Receipt> {
    let mut receipts = app.record(vec![proposal])?;
    receipts.pop().ok_or_else(|| Error::new(ErrorKind::Internal, "no_receipt", "the command gave no receipt"))
}

/// An act that waits, as programs and pages read it.
fn told_approval(row: &ApprovalRow, now: i64) -> Value {
    let state = if row.state == "pending" && row.expires_at <= now { "expired" } else { row.state.as_str() };
    let command: Value = canonical::parse(
        row.command.as_bytes(),
        &Limits { bytes_max: COMMAND_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX },
    )
    .unwrap_or_default();
    let mut told = json!({
        "id": row.id, "state": state, "requester": row.requester, "role": row.role, "command": command,
        "created_at": told::time(row.created_at), "expires_at": told::time(row.expires_at),
    });
    if let (Some(by), Some(at)) = (&row.decided_by, row.decided_at) {
        told["decided_by"] = json!(by);
        told["decided_at"] = json!(told::time(at));
    }
    told
}

fn approvals(app: &App, asked: &Asked) -> Result<Answer> {
    let limit = u32::try_from(asked.rows()).unwrap_or(u32::MAX);
    let rows = app.access.store().approvals(asked.text("state").unwrap_or("pending"), limit)?;
    let now = app.now().micros();
    // What somebody asks for is shown to them, and to those who may approve it.
    let (who, May::Roles(approve)) = (asked.who()?, APPROVES) else { return Ok(Answer::rows(&[], None)) };
    let shown = rows.iter().filter(|row| who.holds_one_of(approve) || row.requester == who.actor.as_str());
    let lines: Vec<String> = shown.map(|row| told_approval(row, now).to_string()).collect();
    Ok(Answer::rows(&lines, None))
}

fn ask(app: &App, asked: &Asked) -> Result<Answer> {
    let who = asked.who()?;
    keep(app, who, &proposal(who, asked, &asked.body, &|_| false)?, &asked.body)
}

/// Keeps a command until a second person approves it. `body` is the command as it was sent, without who says it.
///
/// # Errors
/// Too many of the same person wait already; storage errors.
pub(super) fn keep(app: &App, who: &Principal, proposal: &Proposal, body: &[u8]) -> Result<Answer> {
    let mut door = Door::System;
    let now = door.now();
    // Kept as it would be recorded, but for the second person: that is who approves.
    let Ok(Value::Object(mut command)) =
        canonical::parse(body, &Limits { bytes_max: COMMAND_BYTES_MAX, depth_max: COMMAND_DEPTH_MAX })
    else {
        return Err(bad("body", "it is no object"));
    };
    if let replay::ids::Expected::At(revision) = proposal.expected {
        command.insert("expected_revision".into(), json!(revision.map_or(0, |r| r.get())));
    }
    if let Some(key) = &proposal.external_id {
        command.insert("external_id".into(), json!(key));
    }
    // When it was asked is when it happened, unless it says so itself.
    command.entry("effective_at").or_insert_with(|| json!(proposal.effective.to_string()));
    let row = ApprovalRow {
        // Sorted by the time it was asked.
        id: format!("{:016x}-{}", now.micros(), encoded(door.secret()?.get(..6).unwrap_or_default())),
        requester: who.actor.to_string(),
        role: proposal.role.to_string(),
        source: who.source.to_string(),
        command: Value::Object(command).to_string(),
        created_at: now.micros(),
        expires_at: plus(now, APPROVAL_DAYS * DAY),
        state: "pending".into(),
        decided_by: None,
        decided_at: None,
        receipt: None,
    };
    let store = app.access.store();
    if store.approvals_of(&row.requester, now.micros())? >= APPROVALS_WAITING_MAX {
        let text = format!("{} has {APPROVALS_WAITING_MAX} acts waiting already", row.requester);
        return Err(Error::new(ErrorKind::Overloaded, "too_many_approvals", text)
            .hint("take some back: POST /v1/approvals/ID/reject"));
    }
    store.put_approval(&row)?;
    Ok(Answer::json(&told_approval(&row, now.micros()))?.status(202))
}

/// An act that still waits.
fn waiting(app: &App, asked: &Asked) -> Result<ApprovalRow> {
    let id = asked.text("approval").unwrap_or_default();
    let found = app.access.store().approval(id)?;
    let row = found.ok_or_else(|| {
        Error::not_found("nothing of this name waits for approval").hint("GET /v1/approvals lists what waits")
    })?;
    if row.state != "pending" || row.expires_at <= app.now().micros() {
        return Err(Error::new(ErrorKind::Conflict, "approval_is_decided", "this act no longer waits"));
    }
    Ok(row)
}

/// A command that waits, as it would be recorded but for the second person.
///
/// # Errors
/// One that cannot be read any more.
pub(super) fn kept(row: &ApprovalRow) -> Result<Proposal> {
    let broken = |why: replay::ids::BadText| Error::new(ErrorKind::Internal, "bad_approval", why.to_string());
    let defaults = Defaults {
        actor: ActorId::new(&row.requester).map_err(broken)?,
        role: Code::new(&row.role).map_err(broken)?,
        source: SourceId::new(&row.source).map_err(broken)?,
        effective: Door::System.now_here(),
    };
    command::parse(row.command.as_bytes(), &defaults, &|_| false)
}

pub(super) fn approve(app: &App, asked: &Asked) -> Result<Answer> {
    let (who, row) = (asked.who()?, waiting(app, asked)?);
    if row.requester == who.actor.as_str() {
        let text = "nobody approves what they asked for themselves";
        return Err(Error::new(ErrorKind::Refused, "second_person_is_the_first", text)
            .at(&row.id)
            .cites(["D-2"])
            .hint("somebody else approves it"));
    }
    let mut proposal = kept(&row)?;
    proposal.approver = Some(who.actor.clone());
    proposal.correlation = proposal.correlation.or_else(|| asked.correlation());
    let now = app.now().micros();
    // Of two who approve at once, one does.
    if !app.access.store().decide_approval(&row.id, "approved", who.actor.as_str(), now)? {
        return Err(Error::new(ErrorKind::Conflict, "approval_is_decided", "this act no longer waits"));
    }
    match one(app, proposal) {
        Ok(done) => {
            let text = serde_json::to_string(&done).unwrap_or_default();
            app.access.store().put_receipt(&row.id, &text)?;
            receipt(&done)
        }
        Err(why) => {
            // What was not recorded was not approved: it waits on, or its requester takes it back.
            app.access.store().reopen_approval(&row.id)?;
            Err(why)
        }
    }
}

pub(super) fn reject(app: &App, asked: &Asked) -> Result<Answer> {
    let (who, row) = (asked.who()?, waiting(app, asked)?);
    let May::Roles(approve) = APPROVES else { return Err(bad("approval", "nobody approves")) };
    if row.requester != who.actor.as_str() && !who.holds_one_of(approve) {
        let text = format!("{} is not who asked, and approves nothing", who.actor);
        return Err(Error::new(ErrorKind::Forbidden, "not_for_this_role", text));
    }
    let now = app.now().micros();
    if !app.access.store().decide_approval(&row.id, "rejected", who.actor.as_str(), now)? {
        return Err(Error::new(ErrorKind::Conflict, "approval_is_decided", "this act no longer waits"));
    }
    let found = app.access.store().approval(&row.id)?.unwrap_or(row);
    Answer::json(&told_approval(&found, now))
}
