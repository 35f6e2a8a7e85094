//! The signed heads of a ledger: made, recorded as events, found again.

use replay::{
    codec::{Recorded, open},
    decide::Refusal,
    event::{CheckpointRecorded, Event, KeyReason, Kind, SigningKeyAnnounced},
    evidence::{
        checkpoint::Checkpoint,
        note::{Note, SignerKey},
        succession::KeyStatement,
    },
    ids::Stream,
    merkle::{Frontier, Hash},
    registry::RegistryFault,
    seal::Proposal,
};

use super::prove;
use crate::{
    error::{Error, ErrorKind, Result},
    ledger::{Ledger, Receipt, stop::refused},
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

/// A key that was announced.
#[derive(Debug, Clone)]
pub struct Key {
    /// Position of the event that records it.
    pub position: u64,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at: i64,
    /// What was said of it.
    pub announced: SigningKeyAnnounced,
}

/// The heads that were recorded, in order of position.
///
/// # Errors
/// Storage errors, and an event that cannot be read.
pub fn recorded<S: Store>(store: &mut S) -> Result<Vec<Head>> {
    let mut heads = Vec::new();
    for said in of_kind(store, Kind::CheckpointRecorded)? {
        let Event::CheckpointRecorded(event) = said.event else { continue };
        let place = said.envelope.position;
        let broken = |why: String| unreadable(Kind::CheckpointRecorded, place.get(), &why);
        let note: Note = event.note.parse().map_err(|why| broken(format!("{why}")))?;
        let checkpoint = Checkpoint::of(&note).map_err(|why| broken(why.to_string()))?;
        let recorded_at = said.envelope.recorded_at.micros();
        heads.push(Head { position: place.get(), recorded_at, checkpoint, note });
    }
    Ok(heads)
}

/// What the log says of itself in events of one kind, in order of position.
fn of_kind<S: Store>(store: &mut S, kind: Kind) -> Result<Vec<Recorded>> {
    let rows = store.registry()?;
    let rows = rows.iter().filter(|row| row.kind == kind.as_str());
    rows.map(|row| open(&row.as_row()).map_err(|why| unreadable(kind, row.position, &why))).collect()
}

fn unreadable(kind: Kind, position: u64, why: &dyn std::fmt::Display) -> Error {
    let code = if kind == Kind::CheckpointRecorded { "checkpoint_unreadable" } else { "key_unreadable" };
    Error::new(ErrorKind::BrokenLog, code, why.to_string())
        .at(format!("position {position}"))
        .hint("run claims audit")
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
    propose: &Propose<'_>,
) -> Result<(Note, Receipt)> {
    at_the_head(ledger, |ledger, size, root| {
        let head = Checkpoint::new(ledger.origin().as_str(), size, root);
        let note = head.sign(key).map_err(|why| of_another_log(&why))?;
        let event = CheckpointRecorded { size, root, note: note.to_string() };
        let proposal = propose(event.into());
        let receipt = ledger.append_own(&proposal)?;
        Ok((note, receipt))
    })
}

/// How a key comes into its place.
#[derive(Debug, Clone, Copy)]
pub enum Change<'k> {
    /// As the first one on record.
    Introduced,
    /// After this one, which signs as well.
    Rotated(&'k SignerKey),
    /// After one that is gone.
    Lost,
    /// After one that others may have.
    Exposed,
}

/// Records that a key signs the heads of the log from now on. Heads that others sign are refused afterwards.
///
/// # Errors
/// A key of another log, an old key that is not the one that signs, a second person missing where the old key does
/// not sign, storage errors.
pub fn announce(
    ledger: &mut Ledger<SqliteStore>,
    key: &SignerKey,
    change: Change<'_>,
    propose: &Propose<'_>,
) -> Result<(Note, Receipt)> {
    at_the_head(ledger, |ledger, size, root| {
        let origin = ledger.origin().to_string();
        let signs = ledger.registry()?.signing_key().cloned();
        let (reason, replaces, old) = match change {
            Change::Introduced => (KeyReason::Introduced, None, None),
            Change::Rotated(old) => (KeyReason::Rotated, Some(old.verifier()), Some(old)),
            Change::Lost | Change::Exposed => {
                let none = || refused(&Refusal::Registry(RegistryFault::NoKeySigns), &Stream::Ledger);
                let is_lost = matches!(change, Change::Lost);
                let reason = if is_lost { KeyReason::Lost } else { KeyReason::Exposed };
                (reason, Some(signs.ok_or_else(none)?), None)
            }
        };
        let said =
            KeyStatement { origin, size, root, reason, key: key.verifier(), replaces: replaces.clone() };
        let note = said.sign(key, old).map_err(|why| of_another_log(&why))?;
        let event = SigningKeyAnnounced {
            key: key.verifier().to_string(),
            replaces: replaces.map(|old| old.to_string()),
            reason,
            note: note.to_string(),
        };
        let proposal = propose(event.into());
        let receipt = ledger.append_answered(&proposal)?;
        Ok((note, receipt))
    })
}

fn of_another_log(why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Usage, "key_is_of_another_log", why.to_string())
        .hint("claims key new FILE --ledger LEDGER makes a key for it")
}

/// The keys that were announced, in the order of the log.
///
/// # Errors
/// Storage errors, and an event that cannot be read.
pub fn announced<S: Store>(store: &mut S) -> Result<Vec<Key>> {
    let key = |said: Recorded| {
        let Event::SigningKeyAnnounced(announced) = said.event else { return None };
        Some(Key {
            position: said.envelope.position.get(),
            recorded_at: said.envelope.recorded_at.micros(),
            announced: *announced,
        })
    };
    Ok(of_kind(store, Kind::SigningKeyAnnounced)?.into_iter().filter_map(key).collect())
}

/// Makes a proposal of what is to be recorded.
pub type Propose<'p> = dyn Fn(Event) -> Proposal + 'p;

/// Does something about the head of the log in the transaction in which it is the head.
fn at_the_head<T>(
    ledger: &mut Ledger<SqliteStore>,
    write: impl FnOnce(&mut Ledger<SqliteStore>, u64, Hash) -> Result<T>,
) -> Result<T> {
    let store = ledger.store();
    let mut made = Frontier::new();
    if let Some(last) = recorded(store)?.pop() {
        prove::extend(store, &mut made, last.checkpoint.size)?;
        same(last.checkpoint.root, &made)?;
    }
    let size = store.tip()?.position;
    prove::extend(store, &mut made, size)?;
    store.begin()?;
    let done = checked_head(ledger.store(), &mut made).and_then(|(size, root)| write(ledger, size, root));
    let done = done.and_then(|what| ledger.store().commit().map(|()| what));
    if done.is_err() {
        ledger.store().rollback();
        ledger.forget();
    }
    done
}

/// Size and root of the tip, when the stored leaves give the same.
fn checked_head(store: &mut SqliteStore, made: &mut Frontier) -> Result<(u64, Hash)> {
    let tip = store.tip()?;
    prove::extend(store, made, tip.position)?;
    let root = tip.frontier.root();
    same(root, made)?;
    Ok((tip.position, root))
}

/// The stored leaves must be those of the root.
fn same(root: Hash, made: &Frontier) -> Result<()> {
    if made.root() == root {
        return Ok(());
    }
    let text = format!("the {} events that are stored have root {}, not {root}", made.size(), made.root());
    Err(Error::new(ErrorKind::BrokenLog, "log_is_another", text).hint("nothing was signed; run claims audit"))
}
