//! Checking what somebody handed over: a ledger, a bundle, a proof, a checkpoint. Reads only, offline, and trusts
//! only the keys that it is given.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use replay::{
    audit::{Outcome, Places, Replay},
    books::Sums,
    codec::{OwnedRow, Row, decode},
    evidence::{
        note::Note,
        proof::{Consistency, Inclusion},
        tiles::{self, ENTRY_BYTES_MAX, File, TILE_WIDTH, Tiles},
        trust::{Trust, Trusted},
    },
    history::Cut,
    ids::Origin,
    merkle::{Hash, leaf_hash, sha256},
    redaction::{Redaction, Standing, standing},
    seal::PersonalRow,
};
use serde::Serialize;

use super::{
    PROOF_BYTES_MAX,
    bundle::{CHECKPOINT, FORMAT, MANIFEST, MANIFEST_BYTES_MAX, Manifest, PERSONAL, Totals},
    read_note, small_text,
};
use crate::{
    error::{Error, ErrorKind, Result},
    progress::Progress,
    proof::{self, AuditReport, Check, Marks},
    store::{Store, sqlite::SqliteStore},
    transfer,
};

/// Most files of a bundle that are looked at.
pub const FILES_MAX: usize = 1_000_000;

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
    /// What is wrong, the first one first.
    pub findings: Vec<String>,
    /// Where the first wrong event is.
    pub first_bad: Option<Places>,
    /// Sums per currency, where the events were replayed.
    pub control_totals: BTreeMap<String, Sums>,
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
            first_bad: None,
            control_totals: BTreeMap::new(),
        }
    }

    fn check(&mut self, what: &'static str, holds: bool, figure: impl Into<String>) {
        self.checks.push(Check { what, holds, figure: figure.into() });
    }

    /// Something is wrong, and it shows first at these positions.
    fn find(&mut self, places: Option<Places>, text: String) {
        self.findings.push(text);
        if let Some(places) = places {
            self.first_bad = Some(self.first_bad.map_or(places, |known| known.sooner_or_closer(places)));
        }
    }

    fn close(mut self) -> Self {
        self.agrees = self.findings.is_empty() && self.checks.iter().all(|check| check.holds);
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
    let heads = trusted_heads(trust, kept, &origin, &mut verdict);
    let sizes: BTreeSet<u64> = heads.iter().map(|(head, _)| head.checkpoint.size).collect();
    let (report, marks) = proof::audit_with_marks(&mut store, &sizes, shown)?;
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
        verdict.findings.push(format!("{case}: not everything of it could be replayed"));
    }
    for row in &differences {
        let said = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".into());
        verdict.findings.push(format!(
            "the books say of {} {}: {}; the log says {}",
            row.table,
            row.row,
            said(&row.served),
            said(&row.replayed)
        ));
    }
    let named = u64::try_from(differences.len()).unwrap_or(u64::MAX);
    if differences_count > named {
        verdict.findings.push(format!("{} more rows of the books differ", differences_count - named));
    }
    compare_heads(&heads, &marks, &mut verdict);
    recorded_heads(trust, &marks, &mut verdict);
    Ok(verdict.close())
}

/// Kept heads that trusted keys have signed; the others are findings.
fn trusted_heads<'k>(
    trust: Option<&Trust>,
    kept: &'k [Kept],
    origin: &str,
    verdict: &mut Verdict,
) -> Vec<(Trusted, &'k Path)> {
    let Some(trust) = trust else { return Vec::new() };
    let mut heads = Vec::new();
    for head in kept {
        match trust.accepts(&head.note) {
            Ok(trusted) if trusted.checkpoint.origin == origin => heads.push((trusted, head.from.as_path())),
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
}

/// Checks a bundle: signatures, every byte of it, the tree, the replay, the totals.
///
/// # Errors
/// Only when it could not tell.
pub fn bundle(folder: &Path, trust: &Trust, kept: &[Kept], shown: bool) -> Result<Verdict> {
    let mut verdict = Verdict::of("bundle");
    let note = read_note(&folder.join(CHECKPOINT))?;
    let trusted = match trust.accepts(&note) {
        Ok(trusted) => trusted,
        Err(why) => {
            verdict.check("the checkpoint is signed by those who are trusted", false, why.to_string());
            verdict.find(None, format!("{CHECKPOINT}: {why}"));
            return Ok(verdict.close());
        }
    };
    let head = &trusted.checkpoint;
    verdict.vouch(&trusted);
    verdict.check("the checkpoint is signed by those who are trusted", true, verdict.vouched_by.join(", "));
    verdict.origin.clone_from(&head.origin);
    let text = small_text(&folder.join(MANIFEST), MANIFEST_BYTES_MAX)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|why| {
        Error::unreadable("no_manifest", why.to_string()).at(folder.join(MANIFEST).display())
    })?;
    if manifest.format != FORMAT {
        let text = format!("the bundle has the form {}, and {FORMAT} is known here", manifest.format);
        return Err(Error::unreadable("bundle_of_another_form", text).at(folder.display()));
    }
    files(folder, &manifest, &mut verdict)?;
    let heads = trusted_heads(Some(trust), kept, &head.origin, &mut verdict);
    let sizes = heads.iter().map(|(head, _)| head.checkpoint.size);
    let origin = Origin::new(head.origin.clone()).ok();
    let replay = Replay::new(origin, Cut::default()).thorough().with_roots_of(sizes);
    let outcome = entries(folder, head.size, replay, &mut verdict, shown)?;
    replayed(&outcome, &trusted, &manifest, &mut verdict);
    let marks = Marks { roots: outcome.roots.clone(), checkpoints: outcome.checkpoints.clone() };
    compare_heads(&heads, &marks, &mut verdict);
    recorded_heads(Some(trust), &marks, &mut verdict);
    personal(folder, &outcome, &mut verdict)?;
    verdict.control_totals = outcome.books.control_totals();
    Ok(verdict.close())
}

/// Whether the files are those of the manifest, and no others.
fn files(folder: &Path, manifest: &Manifest, verdict: &mut Verdict) -> Result<()> {
    let mut there = BTreeSet::new();
    walk(folder, folder, &mut there)?;
    there.remove(MANIFEST);
    let mut wrong = 0u64;
    for (path, hash) in &manifest.files {
        if !there.remove(path) {
            wrong += 1;
            verdict.findings.push(format!("{path}: is in the manifest, and not in the folder"));
            continue;
        }
        let bytes = fs::read(folder.join(path)).map_err(|why| Error::io(&folder.join(path), &why))?;
        if sha256(&bytes) != *hash {
            wrong += 1;
            verdict.findings.push(format!("{path}: is not the file of the manifest"));
        }
    }
    for path in &there {
        wrong += 1;
        verdict.findings.push(format!("{path}: is not in the manifest"));
    }
    let count = manifest.files.len();
    verdict.check(
        "every file is the one of the manifest, and there is no other",
        wrong == 0,
        format!("{count} files"),
    );
    Ok(())
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    let list = fs::read_dir(folder).map_err(|why| Error::io(folder, &why))?;
    for entry in list {
        let entry = entry.map_err(|why| Error::io(folder, &why))?;
        let kind = entry.file_type().map_err(|why| Error::io(&entry.path(), &why))?;
        if kind.is_dir() {
            walk(root, &entry.path(), found)?;
        } else if let Ok(path) = entry.path().strip_prefix(root) {
            // A link is no part of a bundle: it is found as a file that the manifest does not know.
            let mark = if kind.is_symlink() { "link: " } else { "" };
            found.insert(format!("{mark}{}", path.to_string_lossy().replace('\\', "/")));
        }
        if found.len() > FILES_MAX {
            return Err(Error::unreadable(
                "too_many_files",
                format!("the folder has more than {FILES_MAX} files"),
            ));
        }
    }
    Ok(())
}

/// Replays every entry, lays the log out anew, and compares every tile.
fn entries(
    folder: &Path,
    size: u64,
    mut replay: Replay,
    verdict: &mut Verdict,
    shown: bool,
) -> Result<Outcome> {
    let progress = Progress::new("verify", size, shown);
    let mut layout = Tiles::new();
    let mut position = 0u64;
    let mut same = 0u64;
    for (index, width) in tiles::bundles(size) {
        let path = tiles::entries_path(index, width);
        let Some(bytes) = limited(&folder.join(&path), TILE_WIDTH * (ENTRY_BYTES_MAX + 2))? else {
            verdict.find(one(position + 1), format!("{path}: is missing or too long"));
            break;
        };
        let bodies = match tiles::entries(&bytes, width) {
            Ok(bodies) => bodies,
            Err(why) => {
                verdict.find(one(position + 1), format!("{path}: {why}"));
                break;
            }
        };
        for body in bodies {
            position += 1;
            feed(&mut replay, position, body);
            let Some(full) = layout.push(body) else { continue };
            for file in full.into_iter().filter(|file| !file.path.starts_with("tile/entries")) {
                same += u64::from(compare_tile(folder, &file, position, verdict)?);
            }
        }
        progress.reach(position)?;
    }
    for file in layout.finish().into_iter().filter(|file| !file.path.starts_with("tile/entries")) {
        same += u64::from(compare_tile(folder, &file, position, verdict)?);
    }
    progress.done();
    let due = u64::try_from(tiles::tiles(size).len()).unwrap_or(u64::MAX);
    verdict.check("every tile has the hashes of the entries", same == due, format!("{same} of {due} tiles"));
    Ok(replay.finish())
}

/// Hands a body to the replay as a row; what cannot be read goes in as it is, to be found there.
fn feed(replay: &mut Replay, position: u64, body: &[u8]) {
    match decode(body) {
        Ok(decoded) => {
            let row = OwnedRow::of(&decoded.envelope, decoded.event.kind(), body.to_vec());
            replay.row(&row.as_row());
        }
        Err(_) => replay.row(&Row {
            position,
            stream: "",
            revision: 0,
            event_id: [0; 16],
            kind: "",
            recorded_at: 0,
            body,
            leaf: leaf_hash(body).0,
        }),
    }
}

/// The bytes of a file, or none when it is missing or longer than it can be.
fn limited(path: &Path, bytes_max: usize) -> Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Ok(found) if found.len() <= u64::try_from(bytes_max).unwrap_or(u64::MAX) => {
            fs::read(path).map(Some).map_err(|why| Error::io(path, &why))
        }
        Ok(_) => Ok(None),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(Error::io(path, &why)),
    }
}

/// Whether a tile lies there as it follows from the entries. Leaf hashes name the entry that differs.
fn compare_tile(folder: &Path, file: &File, position: u64, verdict: &mut Verdict) -> Result<bool> {
    let there = limited(&folder.join(&file.path), TILE_WIDTH * 32)?;
    if there.as_deref() == Some(&file.bytes) {
        return Ok(true);
    }
    let places = if file.path.starts_with("tile/0/") {
        let hashes = u64::try_from(file.bytes.len() / 32).unwrap_or(0);
        let start = position - hashes;
        let there = there.unwrap_or_default();
        let differs = file.bytes.chunks(32).zip(there.chunks(32)).position(|(made, stored)| made != stored);
        let at = differs.and_then(|at| u64::try_from(at).ok()).unwrap_or_default();
        one(start + at + 1)
    } else {
        None
    };
    verdict.find(places, format!("{}: is not the tile of the entries", file.path));
    Ok(false)
}

fn replayed(outcome: &Outcome, trusted: &Trusted, manifest: &Manifest, verdict: &mut Verdict) {
    let head = &trusted.checkpoint;
    verdict.events = outcome.events;
    verdict.root = outcome.root;
    for (at, broken) in outcome.findings.iter().enumerate() {
        verdict.find(outcome.first_bad.filter(|_| at == 0), broken.to_string());
    }
    verdict.check(
        "every event is readable, canonical, in order and lawful",
        outcome.findings_count == 0,
        format!("{} events", outcome.events),
    );
    let is_signed = (outcome.events, outcome.root) == (head.size, head.root);
    verdict.check("the entries are those that were signed", is_signed, format!("root {}", outcome.root));
    if !is_signed && verdict.first_bad.is_none() {
        let text = format!("the root over {} entries is not the one that was signed", outcome.events);
        verdict.find(Some(Places { first: outcome.vouched + 1, last: head.size.max(1) }), text);
    }
    let totals: BTreeMap<String, Totals> =
        outcome.books.control_totals().into_iter().map(|(currency, sums)| (currency, sums.into())).collect();
    let digest = outcome.books.digest().sha256;
    let kinds: BTreeMap<String, u64> =
        outcome.kinds.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect();
    let says_so = (manifest.size, manifest.root) == (head.size, head.root) && manifest.origin == head.origin;
    verdict.check("the manifest is of this checkpoint", says_so, format!("{} events", manifest.size));
    let holds = totals == manifest.control_totals && kinds == manifest.kinds;
    verdict.check(
        "the control totals are those of the replay",
        holds,
        format!("{} currencies", totals.len()),
    );
    verdict.check(
        "the books' digest is that of the replay",
        digest == manifest.books_digest,
        format!("digest {digest}"),
    );
}

/// Every personal value that was given out opens its commitment; what is not there was redacted with approval, or
/// kept back.
fn personal(folder: &Path, outcome: &Outcome, verdict: &mut Verdict) -> Result<()> {
    let path = folder.join(PERSONAL);
    if !path.exists() {
        let count = outcome.commitments.len();
        verdict.check(
            "personal values were kept back; their commitments stand",
            true,
            format!("{count} commitments"),
        );
        return Ok(());
    }
    let mut values: BTreeMap<(u64, String), PersonalRow> = transfer::read_personal_file(&path)?
        .into_iter()
        .map(|(position, value)| ((position, value.path.clone()), value))
        .collect();
    let redacted_at = redacted(outcome);
    let (mut opened, mut redacted) = (0u64, 0u64);
    for c in &outcome.commitments {
        let place = (c.position, c.path.clone());
        match standing(c, values.remove(&place).as_ref(), redacted_at.get(&place).copied()) {
            Standing::Opens => opened += 1,
            Standing::Redacted(_) => redacted += 1,
            Standing::Tampered(how) => {
                verdict.find(one(c.position), format!("position {} {}: {how}", c.position, c.path));
            }
        }
    }
    for (position, path) in values.keys() {
        verdict.find(one(*position), format!("position {position} {path}: nothing there is committed to"));
    }
    let all = u64::try_from(outcome.commitments.len()).unwrap_or(u64::MAX);
    verdict.check(
        "every personal value opens its commitment, or was redacted with approval",
        opened + redacted == all,
        format!("{opened} open, {redacted} redacted, of {all}"),
    );
    Ok(())
}

/// Every redaction by the place that it erased.
pub(super) fn redacted(outcome: &Outcome) -> BTreeMap<(u64, String), &Redaction> {
    let place = |(event, path, redaction)| {
        let position = outcome.event_ids.get(&event)?;
        Some(((*position, String::from(path)), redaction))
    };
    outcome.redactions.iter().filter_map(place).collect()
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
    let head = replay::evidence::checkpoint::Checkpoint::of(&proof.checkpoint)
        .map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
    let heads = trusted_heads(Some(trust), kept, &head.origin, &mut verdict);
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
    if let Ok(head) = replay::evidence::checkpoint::Checkpoint::of(note) {
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
    let text = small_text(path, PROOF_BYTES_MAX)?;
    let bad = |why: String| {
        Error::unreadable("nothing_to_verify", why)
            .at(path.display())
            .hint("give a ledger, a bundle, a .tlog-proof, what claims prove --since prints, or a checkpoint")
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
    text.parse()
        .map(Subject::Checkpoint)
        .map_err(|why: replay::evidence::note::NoteError| bad(why.to_string()))
}
