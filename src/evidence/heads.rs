//! The signed heads of a ledger: made, recorded as events, found again.

use replay::{
    codec::open,
    event::{CheckpointRecorded, Event},
    evidence::{
        checkpoint::Checkpoint,
        note::{Note, SignerKey},
    },
    merkle::{Frontier, Hash},
    seal::Proposal,
};

use super::prove;
use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Ledger, Receipt},
    store::{Store, sqlite::SqliteStore},
};

/// A head that was recorded.
#[derive(Debug, Clone)]
pub struct Head {
    /// Position of the event that records it.
    pub position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: Note,
}

/// The heads that were recorded, in order of position.
///
/// # Errors
/// Storage errors, and an event that cannot be read.
pub fn recorded<S: Store>(store: &mut S) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for row in store.registry()? {
        if row.kind != "checkpoint_recorded" {
            continue;
        }
        let broken = |why: String| {
            Error::new(ErrorKind::BrokenLog, "checkpoint_unreadable", why)
                .at(format!("position {}", row.position))
                .hint("run claims audit")
        };
        let recorded = open(&row.as_row()).map_err(|why| broken(why.to_string()))?;
        let Event::CheckpointRecorded(event) = recorded.event else { continue };
        let note: Note = event.note.parse().map_err(|why| broken(format!("{why}")))?;
        let checkpoint = Checkpoint::of(&note).map_err(|why| broken(why.to_string()))?;
        heads.push(Head { position: row.position, recorded_at: row.recorded_at, checkpoint, note });
    }
    Ok(heads)
}

/// Signs the head of the log as it stands, and records it.
///
/// Before signing, the tree is made anew from the stored leaves and compared with the tip, and the last recorded head
/// must be a beginning of it: a log never signs two heads of which neither begins with the other (C2SP
/// tlog-checkpoint). Writers wait only while what came in meanwhile is added.
///
/// # Errors
/// A key of another log, a log that does not begin with its last head, storage errors.
pub fn sign(
    ledger: &mut Ledger<SqliteStore>,
    key: &SignerKey,
    propose: &dyn Fn(&mut SqliteStore, CheckpointRecorded) -> Result<Proposal>,
) -> Result<(Note, Receipt)> {
    let store = ledger.store();
    let mut made = Frontier::new();
    let last = recorded(store)?.pop();
    if let Some(last) = &last {
        prove::extend(store, &mut made, last.checkpoint.size)?;
        same(last.checkpoint.root, &made)?;
    }
    let size = store.tip()?.position;
    prove::extend(store, &mut made, size)?;
    store.begin()?;
    let done = signed(ledger, key, made, propose);
    match &done {
        Ok(_) => ledger.store().commit()?,
        Err(_) => {
            ledger.store().rollback();
            ledger.forget();
        }
    }
    done
}

fn signed(
    ledger: &mut Ledger<SqliteStore>,
    key: &SignerKey,
    mut made: Frontier,
    propose: &dyn Fn(&mut SqliteStore, CheckpointRecorded) -> Result<Proposal>,
) -> Result<(Note, Receipt)> {
    let store = ledger.store();
    let tip = store.tip()?;
    prove::extend(store, &mut made, tip.position)?;
    let root = tip.frontier.root();
    same(root, &made)?;
    let head = Checkpoint::new(store.origin().as_str(), tip.position, root);
    let note = head.sign(key).map_err(|why| {
        Error::new(ErrorKind::Usage, "key_is_of_another_log", why.to_string())
            .hint("claims key new FILE --ledger LEDGER makes a key for it")
    })?;
    let event = CheckpointRecorded { size: head.size, root, note: note.to_string() };
    let proposal = propose(store, event)?;
    let receipt = ledger.append_own(&proposal)?;
    Ok((note, receipt))
}

/// The stored leaves must be those of the root.
fn same(root: Hash, made: &Frontier) -> Result<()> {
    if made.root() == root {
        return Ok(());
    }
    let text = format!("the {} events that are stored have root {}, not {root}", made.size(), made.root());
    Err(Error::new(ErrorKind::BrokenLog, "log_is_another", text).hint("nothing was signed; run claims audit"))
}
