//! Events out of a ledger and into an empty one, byte for byte.
//!
//! An export is the stored bodies, one a line: canonical JSON holds no line feed. Personal values are no part
//! of it; they travel in a file of their own, and only when asked for.

use replay::{
    audit::commitments_of,
    books::{refusal_row, rows},
    case::{Broken, World},
    codec::{OwnedRow, decode, open},
    event::Event,
    history::Cut,
    merkle::leaf_hash,
    seal::{PersonalRow, Sealed},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    io::{BufRead, Write},
    ops::ControlFlow,
};

use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
    store::{Key, Span, Store, sqlite::SqliteStore},
};

/// Longest line of an export: a body, or a personal value with its salt.
const LINE_BYTES_MAX: usize = 70_000;

/// A personal value as it travels.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PersonalLine {
    position: u64,
    path: String,
    salt: String,
    value: String,
}

/// Writes every body as one line.
///
/// # Errors
/// Storage errors, and an interruption.
pub fn export_events<S: Store>(store: &mut S, out: &mut dyn Write, progress: &Progress) -> Result<u64> {
    let mut count = 0u64;
    let mut ended = Ok(());
    store.scan(Span::ALL, &mut |row| {
        count += 1;
        let written = out.write_all(row.body).and_then(|()| out.write_all(b"\n"));
        ended = written.map_err(|why| unwritable(&why)).and_then(|()| progress.reach(count));
        if ended.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    ended?;
    out.flush().map_err(|why| unwritable(&why))?;
    Ok(count)
}

/// Writes every personal value that is still there, with the salt that opens its commitment.
///
/// # Errors
/// Storage errors.
pub fn export_personal(store: &mut SqliteStore, out: &mut dyn Write) -> Result<u64> {
    export_personal_through(store, u64::MAX, out)
}

/// The same, of the events up to a position.
///
/// # Errors
/// Storage errors.
pub fn export_personal_through(store: &mut SqliteStore, last: u64, out: &mut dyn Write) -> Result<u64> {
    let mut count = 0u64;
    let mut ended = Ok(());
    store.each_personal(&mut |position, row| {
        if ended.is_err() || position > last {
            return;
        }
        count += 1;
        let salt = replay::merkle::Hash(row.salt).to_string();
        let line = PersonalLine { position, path: row.path.clone(), salt, value: row.value.clone() };
        let text = serde_json::to_string(&line).unwrap_or_default();
        ended = writeln!(out, "{text}").map_err(|why| unwritable(&why));
    })?;
    ended?;
    out.flush().map_err(|why| unwritable(&why))?;
    Ok(count)
}

fn unwritable(why: &std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "output_unusable", why.to_string())
        .hint("check the disk and the rights of the file")
}

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Events restored.
    pub events: u64,
    /// Personal values restored.
    pub personal: u64,
    /// Personal values that came along although they were erased since: they were left out.
    #[serde(skip_serializing_if = "is_none")]
    pub erased: u64,
    /// RFC 6962 root over the events.
    pub root: replay::merkle::Hash,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Restores an export into an empty ledger of the same origin, in one transaction: all of it or nothing.
///
/// # Errors
/// A ledger that is not empty, a line that is no event, an event that does not follow; with file and line.
pub fn import_events<S: Store>(
    store: &mut S,
    events: &mut dyn BufRead,
    name: &str,
    personal: Option<(&mut dyn BufRead, &str)>,
    progress: &Progress,
) -> Result<Restored> {
    store.begin()?;
    let done = restore(store, events, name, personal, progress).and_then(|restored| {
        store.commit()?;
        Ok(restored)
    });
    if done.is_err() {
        store.rollback();
    }
    done
}

fn restore<S: Store>(
    store: &mut S,
    events: &mut dyn BufRead,
    name: &str,
    personal: Option<(&mut dyn BufRead, &str)>,
    progress: &Progress,
) -> Result<Restored> {
    let mut tip = store.tip()?;
    if tip.position != 0 {
        let text = format!("the ledger holds {} events already", tip.position);
        return Err(Error::new(ErrorKind::Refused, "ledger_is_not_empty", text)
            .hint("claims init --origin NAME NEWFILE makes an empty one"));
    }
    let personal_name = personal.as_ref().map(|(_, name)| (*name).to_string()).unwrap_or_default();
    let mut values = match personal {
        Some((input, name)) => read_personal(input, name)?,
        None => BTreeMap::new(),
    };
    let (mut restored_values, mut erased) = (0u64, 0u64);
    let mut world = World::default();
    let origin = store.origin().clone();
    let mut number = 0u64;
    while let Some(body) = line_of(events, name, &mut number)? {
        let place = || format!("{name}:{number}");
        let bad =
            |code: &str, why: String| Error::unreadable(code, why).at(place()).hint("nothing was restored");
        let decoded = decode(&body).map_err(|why| bad("not_an_event", why.to_string()))?;
        let row = OwnedRow::of(&decoded.envelope, decoded.event.kind(), body);
        let recorded = open(&row.as_row()).map_err(|why| bad("not_an_event", why.to_string()))?;
        let e = &recorded.envelope;
        if e.ledger != origin {
            let text = format!("the event belongs to ledger {}, this one is {origin}", e.ledger);
            return Err(
                bad("foreign_ledger", text).hint(format!("claims init --origin {} NEWFILE", e.ledger))
            );
        }
        if e.position.get() != tip.position + 1 || row.recorded_at < tip.recorded_at {
            return Err(bad("not_the_next_event", format!("position {} was due here", tip.position + 1)));
        }
        tip.position = row.position;
        tip.recorded_at = row.recorded_at;
        tip.frontier.push(leaf_hash(&row.body));
        let key = e.external_id.as_ref().map(|external_id| Key {
            source: e.source.to_string(),
            kind: row.kind.clone(),
            external_id: external_id.to_string(),
        });
        if let Some(key) = &key
            && store.find(key)?.is_some()
        {
            return Err(bad(
                "key_is_used_twice",
                format!("key {} of {} is used twice", key.external_id, key.source),
            ));
        }
        let order = match &recorded.event {
            Event::ClaimOpened(opened) => Some(opened.order.to_string()),
            _ => None,
        };
        if let Event::AppendRefused(r) = &recorded.event {
            store.refuse(&refusal_row(e.position, r))?;
        }
        if store.find_event(row.event_id)?.is_some() {
            return Err(bad("event_id_is_used_twice", format!("event id {} is used twice", e.event_id)));
        }
        let (position, stream) = (e.position, row.stream.clone());
        world
            .apply(recorded.clone())
            .map_err(|fault| bad("event_breaks_the_law", Broken { position, stream, fault }.to_string()))?;
        // An export of values may be older than an erasure: what was erased stays erased.
        if let Event::PersonalDataRedacted(redacted) = &recorded.event {
            for target in &redacted.targets {
                let position = store.find_event(*target.event.0.as_bytes())?;
                if let Some(position) = position
                    && store.erase(position, target.path.as_str())?
                {
                    erased += 1;
                }
            }
        }
        let personal = values.remove(&row.position).unwrap_or_default();
        restored_values += u64::try_from(personal.len()).unwrap_or(0);
        let mut sealed = Sealed { row, recorded, personal };
        check_personal(&mut sealed).map_err(|why| why.at(&personal_name))?;
        store.append(&sealed, key.as_ref(), order.as_deref())?;
        progress.reach(tip.position)?;
    }
    if let Some(position) = values.keys().next() {
        let text = format!("there is no event at position {position} for a personal value");
        return Err(Error::unreadable("foreign_personal_value", text)
            .at(&personal_name)
            .hint("nothing was restored"));
    }
    for (_, case) in world.cases() {
        for id in case.claims.keys() {
            store.post(None, rows(case, id, &Cut::default()).as_ref())?;
        }
    }
    store.set_tip(&tip)?;
    Ok(Restored {
        events: tip.position,
        personal: restored_values.saturating_sub(erased),
        erased,
        root: tip.frontier.root(),
    })
}

/// Every personal value that came along must open a commitment of its event, and each only once.
fn check_personal(sealed: &mut Sealed) -> Result<()> {
    let mut open = commitments_of(sealed.row.position, &mut sealed.recorded.event);
    for value in &sealed.personal {
        let found = open.iter().position(|c| c.path == value.path && value.opens(&c.hash));
        let Some(found) = found else {
            let text = format!(
                "the personal value {} of position {} is not the one that was committed to",
                value.path, sealed.row.position
            );
            return Err(Error::unreadable("foreign_personal_value", text).hint("nothing was restored"));
        };
        open.swap_remove(found);
    }
    Ok(())
}

fn read_personal(input: &mut dyn BufRead, name: &str) -> Result<BTreeMap<u64, Vec<PersonalRow>>> {
    let mut values: BTreeMap<u64, Vec<PersonalRow>> = BTreeMap::new();
    each_personal(input, name, &mut |position, row| values.entry(position).or_default().push(row))?;
    Ok(values)
}

/// Reads personal values one by one: each with the position of its event.
///
/// # Errors
/// Input that cannot be read, with the line that is wrong.
pub fn each_personal(
    input: &mut dyn BufRead,
    name: &str,
    take: &mut dyn FnMut(u64, PersonalRow),
) -> Result<()> {
    let mut number = 0u64;
    while let Some(line) = line_of(input, name, &mut number)? {
        let bad = |why: String| Error::unreadable("not_a_personal_value", why).at(format!("{name}:{number}"));
        let value: PersonalLine = serde_json::from_slice(&line).map_err(|why| bad(why.to_string()))?;
        let salt: replay::merkle::Hash = value.salt.parse().map_err(|why| bad(format!("salt: {why}")))?;
        take(value.position, PersonalRow { path: value.path, salt: salt.0, value: value.value });
    }
    Ok(())
}

fn line_of(input: &mut dyn BufRead, name: &str, number: &mut u64) -> Result<Option<Vec<u8>>> {
    use std::io::Read;
    let mut line = Vec::new();
    let limit = u64::try_from(LINE_BYTES_MAX).unwrap_or(u64::MAX);
    Read::take(&mut *input, limit)
        .read_until(b'\n', &mut line)
        .map_err(|why| Error::new(ErrorKind::Storage, "input_unusable", why.to_string()).at(name))?;
    if line.is_empty() {
        return Ok(None);
    }
    *number += 1;
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if line.len() >= LINE_BYTES_MAX {
        let text = format!("the line has more than {LINE_BYTES_MAX} bytes");
        return Err(Error::unreadable("line_too_long", text).at(format!("{name}:{number}")));
    }
    Ok(Some(line))
}
