//! The log replayed once, case after case, and what follows from it compared on the way.
//!
//! Whoever holds every case of a ledger needs as much memory as the ledger is long. So the indexes are asked first where
//! each case ends, and a case is let go with its last event: its rows are compared with what is served (and written, in a
//! rebuild), and its memory serves the next one. Ids, keys and the claims of orders are added up and compared with what
//! their indexes add up to.
//!
//! None of this trusts an index. One that leads elsewhere shows in an event that comes late or in another sum; then the
//! log is replayed a second time with everything kept, to name what is wrong.

use replay::{
    audit::{Outcome, Replay, Uses},
    books::Digest,
    history::Cut,
    multiset::MultisetKey,
};
use std::{
    collections::BTreeSet,
    ops::ControlFlow,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, Scope, ScopedJoinHandle},
};

use super::{
    bookkeeping::{Bookkeeper, Seen, Written},
    compare::{Compared, compared, digest_of_served},
    indexes::{claim_orders_differ, keys_differ},
    moment::Moment,
    personal::{self, Personal},
};
use crate::{
    door::comparison_key,
    error::{Error, ErrorKind, Result},
    progress::Progress,
    replaying::{Beside, Ended, Spread, replayed_by_case},
    store::{
        Store, Tip,
        sqlite::{Ends, IndexSums, InterruptHandle, SqliteStore},
    },
};

/// Rows between two looks at the progress bar.
const PROGRESS_ROWS: u64 = 4_096;
/// Most threads that write and compare the rows of ended cases.
const BOOKKEEPERS_MAX: usize = 4;
/// Batches of ended cases that may wait before each of them.
const ENDED_WAITING_MAX: usize = 2;
/// Cases that are handed over together when the log has ended.
const REST_CASES: usize = 64;
/// Claims per transaction while a shadow is written, so that appends never wait long.
const SHADOW_CLAIMS_PER_TRANSACTION: usize = 2_000;

/// What is asked of a replay.
pub(super) struct Ask<'a> {
    /// Whether personal values are opened and spellings are proved as well.
    pub thorough: bool,
    /// Sizes of the log whose roots are wanted.
    pub sizes: &'a BTreeSet<u64>,
    /// Whether progress is shown.
    pub shown: bool,
}

/// What a replay came to.
pub(super) struct Proof {
    pub tip: Tip,
    pub outcome: Outcome,
    pub seen: Seen,
    pub compared: Compared,
    /// The first idempotency key that is not that of its event, if any.
    pub keys: Option<String>,
    /// How many idempotency keys there are.
    pub keys_count: u64,
    /// How many claims are listed under no order or another one than theirs.
    pub claim_orders: u64,
    /// Position and path of personal values that belong to no row.
    pub lost: Vec<(u64, String)>,
    /// What was found of personal values, when they were asked for.
    pub personal: Option<Personal>,
}

/// Replays the log as it is at one moment beside what was served at that moment. With a shadow, the rows are written
/// into it.
///
/// # Errors
/// Storage errors, an interruption.
pub(super) fn prove(
    reader: &mut SqliteStore,
    ask: &Ask<'_>,
    mut shadow: Option<&mut SqliteStore>,
) -> Result<Proof> {
    let bookkeepers = Spread::default().provers.clamp(1, BOOKKEEPERS_MAX);
    // One more reads the indexes and the served books from end to end.
    let mut moment = Moment::begin(reader, bookkeepers + 1)?;
    let ends = moment.reader.case_ends()?;
    let key = comparison_key()?;
    let first = run(&mut moment, ask, Some(&ends), &key, shadow.as_deref_mut())?;
    drop(ends);
    let mut proof = if first.is_confirmed() {
        first.proof(&mut moment, None, 0)?
    } else {
        let second = run(&mut moment, ask, None, &key, shadow)?;
        let keys = keys_differ(moment.reader, &second.outcome)?;
        let claim_orders = claim_orders_differ(moment.reader, second.seen.pairs.as_ref())?;
        second.proof(&mut moment, keys, claim_orders)?
    };
    if ask.thorough {
        proof.personal = Some(personal::look(moment.reader, &proof)?);
    }
    Ok(proof)
}

/// One run over the log.
struct Run {
    outcome: Outcome,
    seen: Seen,
    lost: Vec<(u64, String)>,
    indexes: Option<IndexSums>,
    served: Digest,
}

impl Run {
    /// Whether the indexes are what the log says, so that cases ended where they were said to end, and every id and key
    /// is used once.
    fn is_confirmed(&self) -> bool {
        let Uses::Summed { event_ids, keys } = self.outcome.uses else { return false };
        let claim_orders = self.seen.claim_orders;
        !self.outcome.came_late && self.indexes == Some(IndexSums { event_ids, keys, claim_orders })
    }
    fn proof(self, moment: &mut Moment<'_>, keys: Option<String>, claim_orders: u64) -> Result<Proof> {
        let Run { outcome, mut seen, lost, served, .. } = self;
        let compared = compared(moment.reader, &mut seen, served)?;
        let keys_count = match &outcome.uses {
            Uses::Kept { keys, .. } => u64::try_from(keys.len()).unwrap_or(u64::MAX),
            Uses::Summed { keys, .. } => keys.count(),
        };
        let tip = moment.tip.clone();
        let personal = None;
        Ok(Proof { tip, outcome, seen, compared, keys, keys_count, claim_orders, lost, personal })
    }
}

/// Runs over the log once; with `ends`, cases are let go where these say that they end.
fn run(
    moment: &mut Moment<'_>,
    ask: &Ask<'_>,
    ends: Option<&Ends>,
    key: &MultisetKey,
    shadow: Option<&mut SqliteStore>,
) -> Result<Run> {
    let mut replay = Replay::new(Some(moment.reader.origin().clone()), Cut::default())
        .with_roots_of(ask.sizes.iter().copied())
        .without_books();
    if ask.thorough {
        replay = replay.thorough();
    }
    if ends.is_some() {
        replay = replay.adding_up(key);
    }
    let interrupts = moment.interrupts();
    let mut beside = std::mem::take(&mut moment.beside).into_iter();
    let nothing_beside = || Error::new(ErrorKind::Internal, "no_connection", "a connection is missing");
    let mut whole = beside.next().ok_or_else(nothing_beside)?;
    thread::scope(|scope| {
        let indexes = scope.spawn(move || -> Result<(Option<IndexSums>, Digest, SqliteStore)> {
            let indexes = whole.index_sums(key)?;
            let served = digest_of_served(&mut whole)?;
            Ok((indexes, served, whole))
        });
        let keeping = Keeping::start(scope, beside, key, ends.is_none(), shadow)?;
        let read = read(moment, ask, ends, replay, &|ended| keeping.give(ended));
        let (mut replay, lost) = match read {
            Ok(read) => read,
            Err(why) => {
                interrupts.iter().for_each(InterruptHandle::interrupt);
                return Err(why);
            }
        };
        let mut rest = replay.hand_over_the_rest().into_iter();
        loop {
            let cases: Vec<_> = rest.by_ref().take(REST_CASES).collect();
            let refusals = replay.hand_over_refusals();
            if cases.is_empty() && refusals.is_empty() {
                break;
            }
            keeping.give(Ended { cases, refusals });
        }
        let (seen, mut stores) = keeping.end(key, ends.is_none())?;
        let (indexes, served, whole) = joined(indexes)??;
        stores.push(whole);
        moment.beside = stores;
        Ok(Run { outcome: replay.finish(), seen, lost, indexes, served })
    })
}

/// Reads the rows with everything that lies beside them.
fn read(
    moment: &mut Moment<'_>,
    ask: &Ask<'_>,
    ends: Option<&Ends>,
    replay: Replay,
    on_ended: &(dyn Fn(Ended) + Sync),
) -> Result<(Replay, Vec<(u64, String)>)> {
    let progress = Progress::new("replay", moment.tip.position, ask.shown);
    let read = replayed_by_case(
        replay,
        Spread::default(),
        |take| {
            let mut read = 0u64;
            let mut stopped = Ok(());
            let lost = moment.reader.scan_with_personal(&mut |row, values| {
                let ends_its_case = ends.is_some_and(|ends| ends.at(row.position));
                take(row, Beside { personal: ask.thorough.then_some(values), ends_its_case });
                read += 1;
                if read.is_multiple_of(PROGRESS_ROWS) {
                    stopped = progress.reach(read);
                }
                if stopped.is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            stopped.map(|()| lost)
        },
        on_ended,
    )?;
    progress.done();
    Ok(read)
}

/// The bookkeepers, each on a thread with a connection of its own, and who writes the shadow for them.
struct Keeping<'scope> {
    lanes: Vec<SyncSender<Ended>>,
    turn: AtomicUsize,
    keepers: Vec<ScopedJoinHandle<'scope, Result<(Seen, SqliteStore)>>>,
    writer: Option<ScopedJoinHandle<'scope, Result<()>>>,
}

impl<'scope> Keeping<'scope> {
    fn start<'env: 'scope>(
        scope: &'scope Scope<'scope, 'env>,
        stores: impl Iterator<Item = SqliteStore>,
        key: &MultisetKey,
        one_by_one: bool,
        shadow: Option<&'scope mut SqliteStore>,
    ) -> Result<Self> {
        let (rows, writer) = match shadow {
            Some(store) => {
                store.begin_shadow()?;
                let (rows, written) = sync_channel(ENDED_WAITING_MAX);
                (Some(rows), Some(scope.spawn(move || write(store, &written))))
            }
            None => (None, None),
        };
        let (mut lanes, mut keepers) = (Vec::new(), Vec::new());
        for served in stores {
            let (lane, ended) = sync_channel(ENDED_WAITING_MAX);
            let mut keeper = Bookkeeper { served, shadow: rows.clone(), seen: Seen::new(key, one_by_one) };
            keepers.push(scope.spawn(move || {
                for batch in ended {
                    keeper.take(batch)?;
                }
                Ok((keeper.seen, keeper.served))
            }));
            lanes.push(lane);
        }
        Ok(Self { lanes, turn: AtomicUsize::new(0), keepers, writer })
    }
    fn give(&self, ended: Ended) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if let Some(lane) = turn.checked_rem(self.lanes.len()).and_then(|turn| self.lanes.get(turn)) {
            // Nobody listens only after an error over there, which is said when all have ended.
            let _ = lane.send(ended);
        }
    }
    /// Waits for all of them. The totals are not written yet.
    fn end(self, key: &MultisetKey, one_by_one: bool) -> Result<(Seen, Vec<SqliteStore>)> {
        drop(self.lanes);
        let mut seen = Seen::new(key, one_by_one);
        let mut stores = Vec::new();
        let mut first = Ok(());
        for keeper in self.keepers {
            match joined(keeper)? {
                Ok((more, store)) => {
                    seen.join(more);
                    stores.push(store);
                }
                Err(why) => first = first.and(Err(why)),
            }
        }
        // Where writing has failed, that is why the bookkeepers could not go on.
        if let Some(writer) = self.writer {
            joined(writer)??;
        }
        first.map(|()| (seen, stores))
    }
}

/// Writes rows into the shadow, many in one short transaction.
fn write(shadow: &mut SqliteStore, written: &Receiver<Written>) -> Result<()> {
    let (mut claims, mut refusals) = (Vec::new(), Vec::new());
    for (more_claims, more_refusals) in written {
        claims.extend(more_claims);
        refusals.extend(more_refusals);
        if claims.len() >= SHADOW_CLAIMS_PER_TRANSACTION {
            shadow.put_shadow(&claims, &refusals)?;
            claims.clear();
            refusals.clear();
        }
    }
    shadow.put_shadow(&claims, &refusals)
}

fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> Result<T> {
    thread.join().map_err(|_| {
        Error::new(ErrorKind::Internal, "replay_ended_early", "a thread of the replay ended early")
    })
}
