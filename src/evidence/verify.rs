//! Checking what somebody handed over: a ledger, a bundle, a proof, a checkpoint. Reads only, offline, and trusts
//! only the keys that it is given.

mod bundle;
mod packet;

pub use bundle::{bundle, redacted};
pub use packet::{PACKET_BYTES_MAX, Packet, packet};

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use replay::{
    audit::{FINDINGS_MAX, Places},
    books::Sums,
    codec::decode,
    event::KeyReason,
    evidence::{
        checkpoint::Checkpoint,
        note::Note,
        proof::{Consistency, Inclusion},
        succession::{self, Announced, KeyStatement, followed, retired},
        trust::{Trust, Trusted},
    },
    merkle::{Hash, leaf_hash},
};
use serde::Serialize;

use super::{PROOF_BYTES_MAX, read_note, small_text};
use crate::{
    error::{Error, ErrorKind, Result},
    proof::{self, AuditReport, Check, Marks},
    store::{Store, sqlite::SqliteStore},
};

/// What was found.
#[derive(Debug, Serialize)]
pub struct Verdict {
    /// Whether everything that was looked at holds.
    pub agrees: bool,
    /// What was looked at: ledger, bundle, proof, checkpoint or request.
    pub what: &'static str,
    /// Name of the log.
    pub origin: String,
    /// Its events, as far as they were looked at.
    pub events: u64,
    /// RFC 6962 root over them.
    pub root: Hash,
    /// The keys that vouch for it: the log's, then the witnesses by the names of the trust file.
    pub vouched_by: Vec<String>,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// What is wrong, the first one first; at most [`FINDINGS_MAX`].
    pub findings: Vec<String>,
    /// How much is wrong.
    pub findings_count: u64,
    /// Where the first wrong event is.
    pub first_bad: Option<Places>,
    /// Sums per currency, where the events were replayed.
    pub control_totals: BTreeMap<String, Sums>,
    /// Something differs that another version of the program may write otherwise.
    #[serde(skip)]
    another_version: bool,
}

impl Verdict {
    fn of(what: &'static str) -> Self {
        Self {
            agrees: false,
            what,
            origin: String::new(),
            events: 0,
            root: Hash([0; 32]),
            vouched_by: Vec::new(),
            checks: Vec::new(),
            findings: Vec::new(),
            findings_count: 0,
            first_bad: None,
            control_totals: BTreeMap::new(),
            another_version: false,
        }
    }

    fn check(&mut self, what: &'static str, holds: bool, figure: impl Into<String>) {
        self.checks.push(Check { what, holds, figure: figure.into() });
    }

    /// Something is wrong, and it shows first at these positions.
    fn find(&mut self, places: Option<Places>, text: String) {
        self.findings_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(text);
        }
        if let Some(places) = places {
            self.first_bad = Some(self.first_bad.map_or(places, |known| known.sooner_or_closer(places)));
        }
    }

    fn close(mut self) -> Self {
        self.agrees = self.findings_count == 0 && self.checks.iter().all(|check| check.holds);
        self
    }

    fn vouch(&mut self, trusted: &Trusted) {
        self.vouched_by.push(trusted.key.to_string());
        self.vouched_by.extend(trusted.witnesses.keys().map(|name| format!("witness {name}")));
    }
}

fn one(position: u64) -> Option<Places> {
    Some(Places::at(position))
}

/// A head that somebody kept, with the file it came from.
#[derive(Debug)]
pub struct Kept {
    /// The file.
    pub from: PathBuf,
    /// The signed head.
    pub note: Note,
}

/// Reads the heads that somebody kept.
///
/// # Errors
/// A file that cannot be read or is no note.
pub fn read_kept(paths: &[PathBuf]) -> Result<Vec<Kept>> {
    paths.iter().map(|path| Ok(Kept { from: path.clone(), note: read_note(path)? })).collect()
}

/// Checks a ledger file: everything that the audit checks, every head that was kept elsewhere, every head on record.
///
/// # Errors
/// Only when it could not tell.
pub fn ledger(path: &Path, trust: Option<&Trust>, kept: &[Kept], shown: bool) -> Result<Verdict> {
    let mut store = SqliteStore::open_read_only(path)?;
    let mut verdict = Verdict::of("ledger");
    let origin = store.origin().to_string();
    let (report, marks) = proof::audit_with_marks(&mut store, &sizes(kept), shown)?;
    // Whom to trust is asked of the log as well: a trusted key may have handed over to another.
    let trust = trust.map(|trust| followed(trust, &marks.announced));
    let heads = trusted_heads(trust.as_ref(), kept, &origin, &marks.announced, &mut verdict);
    let AuditReport { checks, findings, differences, differences_count, quarantined, .. } = report;
    verdict.origin = origin;
    verdict.events = report.events;
    verdict.root = report.root;
    verdict.control_totals = report.control_totals;
    verdict.checks.extend(checks);
    for (at, text) in findings.into_iter().enumerate() {
        let places = report.first_bad.filter(|_| at == 0);
        verdict.find(places, text);
    }
    if verdict.first_bad.is_none() {
        verdict.first_bad = report.first_bad;
    }
    for case in quarantined {
        verdict.find(None, format!("{case}: not everything of it could be replayed"));
    }
    for row in &differences {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        let (served, replayed) = (said(&row.served), said(&row.replayed));
        let text = format!("the books say of {} {}: {served}; the log says {replayed}", row.table, row.row);
        verdict.find(None, text);
    }
    let named = u64::try_from(differences.len()).unwrap_or(u64::MAX);
    if differences_count > named {
        verdict.find(None, format!("{} more rows of the books differ", differences_count - named));
    }
    compare_heads(&heads, &marks, &mut verdict);
    recorded_heads(trust.as_ref(), &marks, &mut verdict);
    Ok(verdict.close())
}

/// The sizes of which kept heads speak, trusted or not.
fn sizes(kept: &[Kept]) -> BTreeSet<u64> {
    kept.iter().filter_map(|kept| Checkpoint::of(&kept.note).ok()).map(|head| head.size).collect()
}

/// Kept heads that trusted keys have signed; the others are findings.
fn trusted_heads<'k>(
    trust: Option<&Trust>,
    kept: &'k [Kept],
    origin: &str,
    announced: &[Announced],
    verdict: &mut Verdict,
) -> Vec<(Trusted, &'k Path)> {
    let Some(trust) = trust else { return Vec::new() };
    let mut heads = Vec::new();
    for head in kept {
        match trust.accepts(&head.note) {
            Ok(trusted) if trusted.checkpoint.origin == origin => {
                match retired(&trusted.key, announced).filter(|at| trusted.checkpoint.size > at.size) {
                    None => heads.push((trusted, head.from.as_path())),
                    Some(at) => {
                        let text = format!(
                            "{}: is signed by a key that was replaced at position {}, before it had so many events",
                            head.from.display(),
                            at.position
                        );
                        verdict.find(None, text);
                    }
                }
            }
            Ok(trusted) => {
                let other = trusted.checkpoint.origin;
                verdict.find(None, format!("{}: is of the log {other}, not {origin}", head.from.display()));
            }
            Err(why) => verdict.find(None, format!("{}: {why}", head.from.display())),
        }
    }
    heads.sort_by_key(|(head, _)| head.checkpoint.size);
    heads
}

/// Whether the log begins with every head that was kept. The first one that does not fit tells how far it still was.
fn compare_heads(heads: &[(Trusted, &Path)], marks: &Marks, verdict: &mut Verdict) {
    let mut fits = 0;
    let mut good = 0;
    for (head, from) in heads {
        let (size, root) = (head.checkpoint.size, head.checkpoint.root);
        match marks.roots.get(&size).copied().flatten() {
            Some(found) if found == root => {
                fits += 1;
                good = size;
                verdict.vouch(head);
            }
            Some(_) => {
                let places = Places { first: good + 1, last: size };
                let text =
                    format!("{}: the first {size} events are not those that were signed", from.display());
                verdict.find(Some(places), text);
            }
            None => {
                let text = format!(
                    "{}: {size} events were signed, and {} are there",
                    from.display(),
                    verdict.events
                );
                verdict.find(one(verdict.events + 1), text);
            }
        }
    }
    if !heads.is_empty() {
        verdict.check(
            "the log begins with every checkpoint that was kept",
            fits == heads.len(),
            format!("{fits} of {}", heads.len()),
        );
    }
}

/// Whether trusted keys signed the heads that are on record. That they are of this log, the replay has asked.
fn recorded_heads(trust: Option<&Trust>, marks: &Marks, verdict: &mut Verdict) {
    let Some(trust) = trust else { return };
    let trust = trust.without_witnesses();
    let mut signed = 0;
    for (position, text) in &marks.checkpoints {
        let note: Option<Note> = text.parse().ok();
        match note.map(|note| trust.accepts(&note)) {
            Some(Ok(_)) => signed += 1,
            Some(Err(why)) => verdict.find(one(*position), format!("position {position}: {why}")),
            None => verdict.find(one(*position), format!("position {position}: is no signed note")),
        }
    }
    let count = marks.checkpoints.len();
    verdict.check(
        "every checkpoint on record is signed by a trusted key",
        signed == count,
        format!("{signed} of {count}"),
    );
    keys_on_record(&trust, &marks.announced, verdict);
}

/// Whether somebody who is trusted stands behind every key that the log names. The trust is that after following them.
fn keys_on_record(trust: &Trust, announced: &[Announced], verdict: &mut Verdict) {
    let mut known = 0;
    for Announced { position, statement, .. } in announced {
        if trust.logs().contains(&statement.key) {
            known += 1;
            continue;
        }
        let text = format!(
            "position {position}: names the key {} ({}), and no trusted key hands over to it; ask for it by another \
             way",
            statement.key, statement.reason
        );
        verdict.find(one(*position), text);
    }
    if !announced.is_empty() {
        verdict.check(
            "every key on record is trusted, or a trusted one handed over to it",
            known == announced.len(),
            format!("{known} of {}", announced.len()),
        );
    }
}

/// Checks a statement that one key comes after another, before the new one is trusted.
pub fn statement(note: &Note, said: &KeyStatement, trust: &Trust) -> Verdict {
    let mut verdict = Verdict::of("key statement");
    (verdict.origin, verdict.events, verdict.root) = (said.origin.clone(), said.size, said.root);
    let signed = KeyStatement::is_signed_by(note, &said.key);
    verdict.check("the new key has signed", signed, said.key.to_string());
    let old = said.replaces.as_ref().filter(|old| trust.logs().contains(old));
    let hands_over = old.is_some() && said.carries_trust(note);
    let figure = match (&said.replaces, old) {
        (None, _) => "it has none before it".to_owned(),
        (Some(old), None) => format!("{old} is not trusted"),
        (Some(_), Some(_)) if said.reason != KeyReason::Rotated => format!("it was {}", said.reason),
        (Some(old), Some(_)) => old.to_string(),
    };
    let known = trust.logs().contains(&said.key);
    verdict.check(
        if known { "the new key is trusted already" } else { "a trusted key hands over to it" },
        known || hands_over,
        figure,
    );
    if !signed || !(known || hands_over) {
        verdict.find(None, "nobody who is trusted vouches for the new key: ask for it by another way".into());
    }
    verdict.close()
}

/// Checks the proof that an event is in a log. Its body must travel with it.
///
/// # Errors
/// A proof that cannot be read.
pub fn inclusion(proof: &Inclusion, trust: &Trust) -> Result<Verdict> {
    let mut verdict = Verdict::of("proof");
    let Some(body) = &proof.extra else {
        return Err(Error::unreadable("body_missing", "the proof does not bring the event along")
            .hint("claims prove writes the event's body into the line extra"));
    };
    let position = proof.index + 1;
    vouch(&proof.checkpoint, trust, &mut verdict);
    match proof.check(&leaf_hash(body)) {
        Ok(head) => {
            (verdict.origin, verdict.events, verdict.root) = (head.origin, head.size, head.root);
            verdict.check("the event is in the log of the checkpoint", true, format!("position {position}"));
        }
        Err(why) => {
            verdict.check("the event is in the log of the checkpoint", false, why.to_string());
            verdict.find(one(position), format!("position {position}: {why}"));
        }
    }
    let said = decode(body).ok();
    let fits = said.as_ref().is_some_and(|d| {
        d.envelope.position.get() == position && d.envelope.ledger.as_str() == verdict.origin
    });
    let figure = match &said {
        Some(d) => format!(
            "{} on {}, effective {}",
            d.event.kind().as_str(),
            d.envelope.stream,
            d.envelope.effective
        ),
        None => "it cannot be read".into(),
    };
    verdict.check("the event says the same position and log", fits, figure);
    Ok(verdict.close())
}

/// Checks that a log only grew since a head that was kept.
///
/// # Errors
/// Nothing to compare with.
pub fn consistency(proof: &Consistency, trust: &Trust, kept: &[Kept]) -> Result<Verdict> {
    let mut verdict = Verdict::of("request");
    vouch(&proof.checkpoint, trust, &mut verdict);
    let head = Checkpoint::of(&proof.checkpoint)
        .map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
    let heads = trusted_heads(Some(trust), kept, &head.origin, &[], &mut verdict);
    let Some((old, _)) = heads.iter().find(|(old, _)| old.checkpoint.size == proof.old_size) else {
        let text = format!(
            "the proof begins at {} events, and no trusted checkpoint of that size was given",
            proof.old_size
        );
        return Err(
            Error::new(ErrorKind::Usage, "checkpoint_missing", text).hint("give it with --checkpoint FILE")
        );
    };
    let proved = proof.check(&old.checkpoint.root);
    (verdict.origin, verdict.events, verdict.root) = (head.origin, head.size, head.root);
    let figure = format!("{} to {} events", proof.old_size, head.size);
    verdict.check("the log only grew since the checkpoint that was kept", proved.is_ok(), figure);
    if let Err(why) = proved {
        verdict.find(Some(Places { first: 1, last: proof.old_size.max(1) }), why.to_string());
    }
    Ok(verdict.close())
}

/// Checks who signed a checkpoint.
pub fn checkpoint(note: &Note, trust: &Trust) -> Verdict {
    let mut verdict = Verdict::of("checkpoint");
    if let Ok(head) = Checkpoint::of(note) {
        (verdict.origin, verdict.events, verdict.root) = (head.origin, head.size, head.root);
    }
    vouch(note, trust, &mut verdict);
    verdict.close()
}

fn vouch(note: &Note, trust: &Trust, verdict: &mut Verdict) {
    match trust.accepts(note) {
        Ok(trusted) => {
            verdict.vouch(&trusted);
            verdict.check(
                "the checkpoint is signed by those who are trusted",
                true,
                verdict.vouched_by.join(", "),
            );
        }
        Err(why) => {
            verdict.check("the checkpoint is signed by those who are trusted", false, why.to_string());
            verdict.find(None, why.to_string());
        }
    }
}

/// What a path is, by what it begins with.
#[derive(Debug)]
pub enum Subject {
    /// A folder with a bundle.
    Bundle,
    /// An SQLite file.
    Ledger,
    /// A proof that an event is in a log.
    Inclusion(Box<Inclusion>),
    /// A proof that a log only grew.
    Consistency(Box<Consistency>),
    /// A dispute packet.
    Packet(Box<Packet>),
    /// That one key signs after another.
    Statement(Note, Box<KeyStatement>),
    /// A signed head.
    Checkpoint(Note),
}

/// Says what a path is.
///
/// # Errors
/// Something that is none of them.
pub fn subject(path: &Path) -> Result<Subject> {
    use std::io::Read;
    if path.is_dir() {
        return Ok(Subject::Bundle);
    }
    let mut start = [0u8; 16];
    let file = fs::File::open(path).map_err(|why| Error::io(path, &why))?;
    let read = file.take(16).read(&mut start).map_err(|why| Error::io(path, &why))?;
    if start.get(..read) == Some(b"SQLite format 3\0".as_slice()) {
        return Ok(Subject::Ledger);
    }
    if start.starts_with(b"{") || start.starts_with(b"<!DOCTYPE html>") {
        let packet = Packet::read(&small_text(path, PACKET_BYTES_MAX)?);
        return packet.map(|packet| Subject::Packet(Box::new(packet))).map_err(|why| why.at(path.display()));
    }
    let text = small_text(path, PROOF_BYTES_MAX)?;
    let bad = |why: String| {
        Error::unreadable("nothing_to_verify", why)
            .at(path.display())
            .hint("give a ledger, a bundle, a packet, a .tlog-proof, what claims prove --since prints, or a checkpoint")
    };
    if text.starts_with("c2sp.org/tlog-proof@") {
        return text
            .parse()
            .map(|proof| Subject::Inclusion(Box::new(proof)))
            .map_err(|why: replay::evidence::proof::EvidenceError| bad(why.to_string()));
    }
    if text.starts_with("old ") {
        return text
            .parse()
            .map(|proof| Subject::Consistency(Box::new(proof)))
            .map_err(|why: replay::evidence::proof::EvidenceError| bad(why.to_string()));
    }
    let note: Note = text.parse().map_err(|why: replay::evidence::note::NoteError| bad(why.to_string()))?;
    if text.starts_with(succession::FORMAT) {
        let said = KeyStatement::of(&note).map_err(|why| bad(why.to_string()))?;
        return Ok(Subject::Statement(note, Box::new(said)));
    }
    Ok(Subject::Checkpoint(note))
}
