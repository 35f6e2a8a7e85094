//! The paths from the events of a packet to the root of the log.

use replay::{
    evidence::{
        note::{KeyType, Note, VerifierKey},
        succession::{Announced, KeyStatement, followed, retired},
        trust::Trust,
    },
    merkle::{Hash, leaf_hash, verify_inclusion},
};

use super::{Head, Key, Options, Proof, Proofs, gather::Kept};
use crate::{
    error::{Error, ErrorKind, Result},
    evidence::{heads, prove},
    store::{Store, sqlite::SqliteStore},
};

/// Proves every event against the checkpoint if it covers it, else against the head of the log as it stands, which
/// nobody has signed.
pub(super) fn proofs(store: &mut SqliteStore, rows: Vec<Kept>, options: &Options) -> Result<Proofs> {
    let note = match &options.checkpoint {
        Some(note) => Some(note.clone()),
        None => heads::recorded(store)?.pop().map(|head| head.note),
    };
    let tip = store.tip()?;
    let mut proofs = Proofs { heads: Vec::new(), keys: Vec::new(), events: Vec::new() };
    let mut covered = 0;
    if let Some(note) = &note {
        let head = prove::head_of(store, note)?;
        covered = head.size;
        let mut signed_by: Vec<String> = note.signatures.iter().map(|s| s.name.clone()).collect();
        signed_by.dedup();
        proofs.keys = signers(store, options.trust.as_ref(), note, head.size)?;
        proofs.heads.push(Head {
            size: head.size,
            root: head.root,
            checkpoint: Some(note.to_string()),
            signed_by,
            signatures_checked: options.trust.is_some(),
        });
    }
    if rows.iter().any(|kept| kept.row.position > covered) {
        proofs.heads.push(Head {
            size: tip.position,
            root: tip.frontier.root(),
            checkpoint: None,
            signed_by: Vec::new(),
            signatures_checked: false,
        });
    }
    for (at, head) in proofs.heads.iter().enumerate() {
        let signed = head.checkpoint.is_some();
        let mine = |kept: &&Kept| (kept.row.position <= covered) == signed;
        let positions: Vec<u64> = rows.iter().filter(mine).map(|kept| kept.row.position).collect();
        let paths = prove::paths(store, &positions, head.size)?;
        for (kept, path) in rows.iter().filter(mine).zip(paths) {
            proofs.events.push(proof(kept, at, head, path)?);
        }
    }
    proofs.events.sort_by_key(|proof| proof.position);
    // The openings move into their proofs; a packet has many of them.
    for (kept, proof) in rows.into_iter().zip(&mut proofs.events) {
        proof.personal = kept.personal;
        proof.closed = kept.closed;
    }
    Ok(proofs)
}

fn proof(kept: &Kept, at: usize, head: &Head, path: Vec<Hash>) -> Result<Proof> {
    let row = &kept.row;
    let leaf = leaf_hash(&row.body);
    let index = row.position.saturating_sub(1);
    verify_inclusion(&leaf, index, head.size, &path, &head.root)
        .map_err(|why| prove::of_another_log(&why).at(format!("position {}", row.position)))?;
    let body = String::from_utf8(row.body.clone())
        .map_err(|why| Error::new(ErrorKind::BrokenLog, "log_is_broken", why.to_string()))?;
    Ok(Proof { position: row.position, head: at, leaf, path, body, personal: Vec::new(), closed: Vec::new() })
}

/// The keys that signed, and where they come from. Those that were given are followed to the ones that they handed over
/// to; without any, the key that the log itself names goes along, which nobody has to trust.
fn signers(store: &mut SqliteStore, trust: Option<&Trust>, note: &Note, size: u64) -> Result<Vec<Key>> {
    let read = |key: heads::Key| {
        let note: Note = key.announced.note.parse().ok()?;
        Some(Announced { position: key.position, statement: KeyStatement::of(&note).ok()?, note })
    };
    let announced: Vec<Announced> = heads::announced(store)?.into_iter().filter_map(read).collect();
    let key = |key: &VerifierKey, source: String| Key {
        name: key.name().into(),
        kind: if key.kind() == KeyType::Log { "log" } else { "witness" },
        vkey: key.to_string(),
        source,
    };
    let named = |key: &VerifierKey| announced.iter().find(|a| a.statement.key == *key).map(|a| a.position);
    let Some(given) = trust else {
        let signed = |a: &&Announced| KeyStatement::is_signed_by(note, &a.statement.key);
        let found = announced.iter().find(signed);
        return Ok(found
            .map(|a| key(&a.statement.key, format!("on record at position {}", a.position)))
            .into_iter()
            .collect());
    };
    let refused = |why: String| {
        Error::new(ErrorKind::Refused, "checkpoint_not_trusted", why)
            .hint("no packet was made; give the key of this log, or a checkpoint that it signed")
    };
    let trust = followed(given, &announced);
    let accepted = trust.accepts(note).map_err(|why| refused(why.to_string()))?;
    if let Some(at) = retired(&accepted.key, &announced).filter(|at| size > at.size) {
        return Err(refused(format!(
            "the checkpoint is signed by a key that was replaced at position {}",
            at.position
        )));
    }
    let source = match (given.logs().contains(&accepted.key), named(&accepted.key)) {
        (false, Some(position)) => format!("handed over to at position {position} by a key that was given"),
        _ => "given".into(),
    };
    let witnesses = trust.witnesses().iter().filter(|(name, _)| accepted.witnesses.contains_key(name));
    Ok(std::iter::once(key(&accepted.key, source))
        .chain(witnesses.map(|(_, k)| key(k, "given".into())))
        .collect())
}
