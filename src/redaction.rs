//! Erasing personal values: what is found, who may let it go, and one transaction for the event and the rows.
//!
//! The log keeps its commitments and all its proofs; the values and their salts go. Amounts, dates, reason codes and
//! ids are no personal values and cannot be named here.

mod find;
mod retention;

pub(crate) use find::of_event;
pub use find::{CUSTOMER_ROLE, Found, Selection, State, is_own};
pub use retention::{Due, due};

use replay::{
    case::Case,
    decide::{Context, decide_own, refusal_event},
    event::{Event, PersonalDataRedacted, RedactedField, payload::LIST_LEN_MAX},
    hold::keeping,
    ids::{ActorId, Code, Expected, SourceId, Stream, Word},
    redaction::approved,
    seal::Proposal,
    time::When,
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Ledger, stop::refused},
    store::Store,
    view::case_of,
};

/// How long a redaction waits for readers that hold an older state of the file, in milliseconds.
pub const CLEAN_WAIT_MS: u64 = 10_000;
/// Longest list of targets in one event, in bytes of its JSON; more targets are more events.
const TARGETS_BYTES_MAX: usize = 48_000;
/// What a target needs beside its path: the event id, names and signs.
const TARGET_BYTES: usize = 80;

/// Who asks for what to be erased.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is to be erased.
    pub selection: Selection,
    /// The legal basis; a retention brings its own.
    pub basis: Option<Code>,
    /// Who asked for it.
    pub requester: ActorId,
    /// Who carries it out.
    pub actor: ActorId,
    /// In which role.
    pub role: Code,
    /// The second person.
    pub approver: Option<ActorId>,
    /// From which system.
    pub source: SourceId,
    /// When.
    pub on: When,
}

/// What would be erased, without the values.
#[derive(Debug, Serialize)]
pub struct Plan {
    /// Every personal value of the selection.
    pub values: Vec<Found>,
    /// Legal holds in the way: the stream whose values are kept, the hold, and where it was placed.
    pub holds: Vec<HeldBack>,
}

/// A stream whose values a legal hold keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldBack {
    /// Whose values.
    pub stream: Stream,
    /// The hold.
    pub hold: Code,
    /// Where it was placed.
    pub placed_on: Stream,
}

/// What a redaction did.
#[derive(Debug, Serialize)]
pub struct Report {
    /// `recorded`, or `already_recorded` when everything was erased before.
    pub outcome: &'static str,
    /// Values erased now.
    pub erased: u64,
    /// Values of the selection that were erased before.
    pub erased_before: u64,
    /// Values of the selection that are missing without a redaction; the audit names them.
    pub missing: u64,
    /// Positions of the events that record it.
    pub recorded_at_positions: Vec<u64>,
    /// Every value of the selection, as it stands now.
    pub values: Vec<Found>,
}

/// What a redaction would erase. Writes nothing.
///
/// # Errors
/// When nothing personal is found there, or what is named can never be erased.
pub fn plan<S: Store>(store: &mut S, selection: &Selection) -> Result<Plan> {
    let values = find::values(store, selection)?;
    let streams: BTreeSet<Stream> =
        values.iter().filter(|v| v.state == State::Open).map(|v| v.stream.clone()).collect();
    let mut holds = Vec::new();
    for stream in streams {
        if let Some((placed_on, hold)) = keeping(&case_of(store, &stream)?, &stream) {
            holds.push(HeldBack { stream, hold, placed_on });
        }
    }
    Ok(Plan { values, holds })
}

/// Erases the values of a selection from the tables and records it, in one transaction. The file is cleaned
/// afterwards, with [`clean`].
///
/// # Errors
/// Refused: nobody approved, or not a second person; a legal hold. The refusal is on record.
pub fn erase<S: Store>(ledger: &mut Ledger<S>, request: &Request) -> Result<Report> {
    ledger.store().begin()?;
    let done = within(ledger, request).and_then(|result| {
        ledger.store().commit()?;
        Ok(result)
    });
    match done {
        Ok(result) => result,
        Err(why) => {
            ledger.store().rollback();
            ledger.forget();
            Err(why)
        }
    }
}

/// Makes what was erased unreadable in the file as well.
///
/// # Errors
/// `file_is_not_yet_clean`: the values are gone from the tables and can still be found in the bytes of the file.
pub fn clean<S: Store>(store: &mut S, wait: Duration) -> Result<()> {
    store.clean(wait)
}

/// The outer error is the store's, the inner one the user's, who is refused on record.
fn within<S: Store>(ledger: &mut Ledger<S>, request: &Request) -> Result<Result<Report>> {
    let plan = match plan(ledger.store(), &request.selection) {
        Ok(plan) => plan,
        Err(why) if why.kind == ErrorKind::Refused => return refuse(ledger, request, why).map(Err),
        Err(why) => return Err(why),
    };
    if let Err(why) = approved(&request.actor, &request.requester, request.approver.as_ref()) {
        let error = Error::new(ErrorKind::Refused, why.code(), why.to_string())
            .at(request.selection.to_string())
            .hint("name a second person as approver (--approver), who neither asks nor carries it out");
        return refuse(ledger, request, error).map(Err);
    }
    if let Some(error) = not_their_duty(ledger, request)? {
        return refuse(ledger, request, error).map(Err);
    }
    if let Some(held) = plan.holds.first() {
        let text =
            format!("{} is kept by legal hold {} (placed on {})", held.stream, held.hold, held.placed_on);
        let more = plan.holds.iter().skip(1).map(|h| format!("{} by {}", h.stream, h.hold)).collect();
        let error = Error::new(ErrorKind::Refused, "legal_hold", text)
            .at(request.selection.to_string())
            .details(more)
            .hint("claims release-hold ends it, with a second person; nothing was erased");
        return refuse(ledger, request, error).map(Err);
    }
    let mut targets: BTreeMap<Code, Vec<&Found>> = BTreeMap::new();
    for value in plan.values.iter().filter(|v| v.state == State::Open) {
        let basis = request.basis.as_ref().or(value.basis.as_ref()).ok_or_else(|| {
            Error::new(ErrorKind::Usage, "no_basis_named", "the log needs to know on which legal basis")
                .hint("give --basis CODE, e.g. gdpr_art17; claims redact --help lists some")
        })?;
        targets.entry(basis.clone()).or_default().push(value);
    }
    let mut report = Report {
        outcome: if targets.is_empty() { "already_recorded" } else { "recorded" },
        erased: 0,
        erased_before: count(&plan.values, &State::Redacted),
        missing: count(&plan.values, &State::Missing),
        recorded_at_positions: Vec::new(),
        values: Vec::new(),
    };
    for (basis, values) in targets {
        for part in parts(&values) {
            report.recorded_at_positions.push(record(ledger, request, &basis, part)?);
            report.erased += u64::try_from(part.len()).unwrap_or(0);
        }
    }
    report.values = plan.values;
    for value in report.values.iter_mut().filter(|v| v.state == State::Open) {
        value.state = State::Redacted;
    }
    Ok(Ok(report))
}

fn count(values: &[Found], state: &State) -> u64 {
    u64::try_from(values.iter().filter(|v| v.state == *state).count()).unwrap_or(0)
}

/// As many targets as one event holds.
fn parts<'a, 'b>(values: &'a [&'b Found]) -> Vec<&'a [&'b Found]> {
    let mut parts = Vec::new();
    let mut rest = values;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |value: &&&Found| {
            bytes += TARGET_BYTES + value.path.len();
            bytes <= TARGETS_BYTES_MAX
        };
        let len = rest.iter().take(LIST_LEN_MAX).take_while(fits).count().max(1);
        let (part, after) = rest.split_at(len);
        parts.push(part);
        rest = after;
    }
    parts
}

/// Appends one redaction and takes its values out of the tables.
fn record<S: Store>(
    ledger: &mut Ledger<S>,
    request: &Request,
    basis: &Code,
    values: &[&Found],
) -> Result<u64> {
    let mut targets = Vec::with_capacity(values.len());
    for value in values {
        let path = Word::new(value.path.as_str())
            .map_err(|why| Error::new(ErrorKind::Internal, "path_too_long", why.to_string()))?;
        targets.push(RedactedField { event: value.event, path });
    }
    let redacted =
        PersonalDataRedacted { targets, basis: basis.clone(), requester: request.requester.clone() };
    let receipt = ledger.append_own(&proposal(request, redacted.into()))?;
    for value in values {
        if !ledger.store().erase(value.position, &value.path)? {
            let text = format!("{} of position {} was not there to be erased", value.path, value.position);
            return Err(Error::new(ErrorKind::Internal, "value_is_not_there", text));
        }
    }
    Ok(receipt.position)
}

fn proposal(request: &Request, event: Event) -> Proposal {
    Proposal {
        stream: Stream::Ledger,
        expected: Expected::AfterThePreviousOfThisBatch,
        event,
        effective: request.on,
        effective_is_given: false,
        actor: request.actor.clone(),
        role: request.role.clone(),
        approver: request.approver.clone(),
        source: request.source.clone(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    }
}

/// Why these people may not erase anything here: replay asks the same of the event.
fn not_their_duty<S: Store>(ledger: &mut Ledger<S>, request: &Request) -> Result<Option<Error>> {
    let Some(nothing) = nothing(request) else { return Ok(None) };
    let asked = proposal(request, nothing);
    let case = Case::default();
    let now = ledger.door().now();
    let context = Context { registry: ledger.registry()?, case: &case };
    let decided = decide_own(context, &asked, now);
    Ok(decided.err().map(|refusal| refused(&refusal, &asked.stream)))
}

/// A redaction of nothing, for questions about who asks.
fn nothing(request: &Request) -> Option<Event> {
    let basis = request.basis.clone().map_or_else(|| Code::new("retention"), Ok).ok()?;
    let requester = request.requester.clone();
    Some(PersonalDataRedacted { targets: Vec::new(), basis, requester }.into())
}

/// Puts a refused redaction on record, under the claim or order it was meant for.
fn refuse<S: Store>(ledger: &mut Ledger<S>, request: &Request, error: Error) -> Result<Error> {
    let Some(nothing) = nothing(request) else { return Ok(error) };
    let stream = request.selection.stream().unwrap_or(Stream::Ledger);
    let asked = Proposal { stream, ..proposal(request, nothing) };
    // The record of a refusal holds the words of the refusal and no payload, so nothing personal.
    if let Some(refused) = refusal_event(&asked, &error.code, &error.message, Vec::new()) {
        ledger.append_own(&proposal(request, refused))?;
    }
    Ok(error)
}
