//! A replay on several threads. Whoever reads the log hands row after row to [`replayed`]; rows are proved many at a
//! time ([`Proved::of`] asks for no other row) and taken in one after the other, in the order in which they came. So
//! what is found, and where first, is the same for any number of threads.
//!
//! ```text
//! reader  ->  chunks of rows, in turn  ->  provers  ->  in the same turn  ->  the one that folds
//! ```

use replay::{
    audit::{Outcome, Proved, Replay},
    books::{Books, RefusalRow},
    case::{Case, CaseKey},
    codec::Row,
    seal::PersonalRow,
};
use std::{
    ops::Range,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope, ScopedJoinHandle},
};

use crate::error::{Error, ErrorKind, Result};

/// Rows that go from thread to thread together: enough that handing them over costs nothing beside proving them.
const CHUNK_ROWS: usize = 512;
/// Chunks that may wait before each thread.
const CHUNKS_WAITING_MAX: usize = 2;
/// Bytes of bodies after which a chunk goes although it has fewer rows.
const CHUNK_BYTES: usize = 1 << 20;
/// Cases that are given away together.
const ENDED_CASES: usize = 64;
/// Most threads that prove; one that folds keeps up with no more.
const PROVERS_MAX: usize = 4;

/// How a replay is spread.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    /// Threads that prove rows, beside the one that reads and the one that folds; 0 = everything on one thread.
    pub provers: usize,
    /// Rows per chunk, at least 1. A log that fits into one chunk is replayed without threads, and the books of so few
    /// cases are written without them.
    pub chunk_rows: usize,
}

impl Default for Spread {
    /// As this machine allows.
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Self { provers: if cores == 1 { 0 } else { cores.min(PROVERS_MAX) }, chunk_rows: CHUNK_ROWS }
    }
}

/// Closes a replay; the books are written on as many threads as rows were proved.
pub fn finished(replay: Replay, spread: Spread) -> Outcome {
    replay.finish_with(|cases, cut| {
        let part = cases.len().div_ceil(spread.provers.max(1)).max(spread.chunk_rows).max(1);
        if part >= cases.len() {
            return Books::of(cases, cut);
        }
        let parts = cases.chunks(part);
        thread::scope(|scope| {
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || Books::of(part, cut))).collect();
            let mut books = Books::default();
            for thread in threads {
                match thread.join() {
                    Ok(part) => books.join(part),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            books
        })
    })
}

/// Gives back the memory of something large without letting anybody wait for it.
pub fn aside<T: Send + 'static>(large: T) {
    // Where no thread can be had, it is given back here and now.
    let _ = thread::Builder::new().spawn(move || drop(large));
}

/// What the reader knows of a row beside the row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The personal values that are stored for it, if its commitments are to be opened.
    pub personal: Option<&'a [PersonalRow]>,
    /// Whether it is the last one of its case, so that nobody has to hold the case any longer.
    pub ends_its_case: bool,
}

/// What has ended, on its way to whoever writes its books.
#[derive(Debug, Default)]
pub struct Ended {
    /// Cases.
    pub cases: Vec<(CaseKey, Case)>,
    /// Refused acts.
    pub refusals: Vec<RefusalRow>,
}

/// Whom ended cases are given to, on the thread that folds.
pub type OnEnded<'a> = &'a (dyn Fn(Ended) + Sync);

/// Rows copied out of what they were read from.
#[derive(Default)]
struct Chunk {
    rows: Vec<Copied>,
    /// Streams and kinds.
    text: String,
    bodies: Vec<u8>,
    personal: Vec<PersonalRow>,
}

struct Copied {
    position: u64,
    revision: u64,
    recorded_at: i64,
    event_id: [u8; 16],
    leaf: [u8; 32],
    stream: Range<usize>,
    kind: Range<usize>,
    body: Range<usize>,
    personal: Option<Range<usize>>,
    ends_its_case: bool,
}

impl Chunk {
    fn push(&mut self, row: &Row<'_>, beside: Beside<'_>) {
        let text = &mut self.text;
        let mut say = |part: &str| {
            text.push_str(part);
            text.len() - part.len()..text.len()
        };
        let (stream, kind) = (say(row.stream), say(row.kind));
        self.bodies.extend_from_slice(row.body);
        let body = self.bodies.len() - row.body.len()..self.bodies.len();
        let Row { position, revision, recorded_at, event_id, leaf, .. } = *row;
        let personal = beside.personal.map(|values| {
            self.personal.extend_from_slice(values);
            self.personal.len() - values.len()..self.personal.len()
        });
        let ends_its_case = beside.ends_its_case;
        let copied = Copied {
            position,
            revision,
            recorded_at,
            event_id,
            leaf,
            stream,
            kind,
            body,
            personal,
            ends_its_case,
        };
        self.rows.push(copied);
    }
    fn rows(&self) -> impl Iterator<Item = (Row<'_>, Beside<'_>)> {
        let beside = |row: &Copied| Beside {
            personal: row.personal.clone().map(|own| self.personal.get(own).unwrap_or_default()),
            ends_its_case: row.ends_its_case,
        };
        let row = |row: &Copied| Row {
            position: row.position,
            stream: self.text.get(row.stream.clone()).unwrap_or_default(),
            revision: row.revision,
            event_id: row.event_id,
            kind: self.text.get(row.kind.clone()).unwrap_or_default(),
            recorded_at: row.recorded_at,
            body: self.bodies.get(row.body.clone()).unwrap_or_default(),
            leaf: row.leaf,
        };
        self.rows.iter().map(move |copied| (row(copied), beside(copied)))
    }
}

fn looked_at(row: &Row<'_>, beside: Beside<'_>, thoroughly: bool) -> Proved {
    let proved = Proved::of(row, thoroughly);
    match beside.personal {
        Some(values) => proved.open_with(values),
        None => proved,
    }
}

/// Replays what `source` hands over, row after row, and gives back what it says at the end.
///
/// # Errors
/// Those of `source`; what was replayed so far is then gone.
pub fn replayed<T>(
    replay: Replay,
    spread: Spread,
    source: impl FnOnce(&mut dyn FnMut(&Row<'_>)) -> Result<T>,
) -> Result<(Replay, T)> {
    let source = |take: &mut dyn FnMut(&Row<'_>, Beside<'_>)| source(&mut |row| take(row, Beside::default()));
    replayed_by_case(replay, spread, source, &|_| {})
}

/// As [`replayed`], and gives every case that has ended to `on_ended`: the replay holds those alone that go on.
///
/// # Errors
/// As [`replayed`].
pub fn replayed_by_case<T>(
    replay: Replay,
    spread: Spread,
    source: impl FnOnce(&mut dyn FnMut(&Row<'_>, Beside<'_>)) -> Result<T>,
    on_ended: OnEnded<'_>,
) -> Result<(Replay, T)> {
    if spread.provers == 0 {
        let mut taking = Taking { replay, ended: Ended::default(), on_ended };
        let thoroughly = taking.replay.is_thorough();
        let said = source(&mut |row, beside| taking.take(row, beside, looked_at(row, beside, thoroughly)))?;
        taking.give();
        return Ok((taking.replay, said));
    }
    thread::scope(|scope| {
        let mut fold =
            Fold { scope, spread, here: Some(replay), lanes: Vec::new(), turn: 0, there: None, on_ended };
        let mut chunk = Chunk::default();
        let said = source(&mut |row, beside| {
            chunk.push(row, beside);
            if chunk.rows.len() >= spread.chunk_rows || chunk.bodies.len() >= CHUNK_BYTES {
                fold.send(std::mem::take(&mut chunk));
            }
        })?;
        Ok((fold.end(chunk)?, said))
    })
}

/// The one that folds.
struct Taking<'a> {
    replay: Replay,
    ended: Ended,
    on_ended: OnEnded<'a>,
}

impl Taking<'_> {
    fn take(&mut self, row: &Row<'_>, beside: Beside<'_>, proved: Proved) {
        self.replay.proved(row, proved);
        if beside.ends_its_case {
            self.ended.cases.extend(self.replay.hand_over(row.stream));
            if self.ended.cases.len() >= ENDED_CASES {
                self.give();
            }
        }
    }
    fn give(&mut self) {
        if !self.ended.cases.is_empty() {
            self.ended.refusals = self.replay.hand_over_refusals();
            (self.on_ended)(std::mem::take(&mut self.ended));
        }
    }
}

/// Where the rows go. The replay stays here as long as there is nothing to share; then it moves to a thread of its own.
struct Fold<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    spread: Spread,
    here: Option<Replay>,
    /// One for each prover. Chunks are dealt out in turn and collected in the same turn: that keeps their order.
    lanes: Vec<SyncSender<Chunk>>,
    turn: usize,
    there: Option<ScopedJoinHandle<'scope, Replay>>,
    on_ended: OnEnded<'env>,
}

impl Fold<'_, '_> {
    fn send(&mut self, chunk: Chunk) {
        if let Some(replay) = self.here.take() {
            self.start(replay);
        }
        if let Some(lane) = self.lanes.get(self.turn) {
            // Nobody listens only after a panic over there, which ends this thread as well.
            let _ = lane.send(chunk);
        }
        self.turn = (self.turn + 1) % self.lanes.len().max(1);
    }

    fn start(&mut self, replay: Replay) {
        let thoroughly = replay.is_thorough();
        let mut collected = Vec::new();
        for _ in 0..self.spread.provers {
            let (lane, chunks) = sync_channel(CHUNKS_WAITING_MAX);
            let (done, proved) = sync_channel(CHUNKS_WAITING_MAX);
            self.scope.spawn(move || prove(&chunks, &done, thoroughly));
            self.lanes.push(lane);
            collected.push(proved);
        }
        let taking = Taking { replay, ended: Ended::default(), on_ended: self.on_ended };
        self.there = Some(self.scope.spawn(move || fold(taking, &collected)));
    }

    fn end(mut self, rest: Chunk) -> Result<Replay> {
        if let Some(replay) = self.here.take() {
            let thoroughly = replay.is_thorough();
            let mut taking = Taking { replay, ended: Ended::default(), on_ended: self.on_ended };
            for (row, beside) in rest.rows() {
                taking.take(&row, beside, looked_at(&row, beside, thoroughly));
            }
            taking.give();
            return Ok(taking.replay);
        }
        self.send(rest);
        self.lanes.clear();
        let ended = self.there.take().and_then(|thread| thread.join().ok());
        ended.ok_or_else(|| {
            Error::new(ErrorKind::Internal, "replay_ended_early", "the replay ended before the log")
        })
    }
}

/// A chunk whose rows have been looked at.
type ProvedChunk = (Chunk, Vec<Proved>);

fn prove(chunks: &Receiver<Chunk>, done: &SyncSender<ProvedChunk>, thoroughly: bool) {
    for chunk in chunks {
        let proved = chunk.rows().map(|(row, beside)| looked_at(&row, beside, thoroughly)).collect();
        if done.send((chunk, proved)).is_err() {
            break;
        }
    }
}

fn fold(mut taking: Taking<'_>, lanes: &[Receiver<ProvedChunk>]) -> Replay {
    // The first lane that has ended in its turn was the last: none after it was dealt anything.
    for lane in lanes.iter().cycle() {
        let Ok((chunk, proved)) = lane.recv() else { break };
        for ((row, beside), proved) in chunk.rows().zip(proved) {
            taking.take(&row, beside, proved);
        }
    }
    taking.give();
    taking.replay
}
