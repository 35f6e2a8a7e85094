//! Checking a bundle: every byte of it, the tree, the replay, the totals.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufReader, Take, Write},
    path::Path,
};

use replay::{
    audit::{Outcome, Places, Replay},
    codec::{OwnedRow, Row, decode},
    evidence::{
        checkpoint::Checkpoint,
        note::NOTE_BYTES_MAX,
        succession::followed,
        tiles::{self, File, Tiles},
        trust::{Distrust, Trust, Trusted},
    },
    history::Cut,
    ids::Origin,
    merkle::leaf_hash,
    redaction::{Redaction, Standing, standing},
};

use super::{Kept, Verdict, compare_heads, one, recorded_heads, sizes, trusted_heads};
use crate::{
    error::{Error, Result},
    evidence::{
        bundle::{CHECKPOINT, FORMAT, MANIFEST, MANIFEST_BYTES_MAX, Manifest, PERSONAL, Totals},
        figures::{self, Compared, JOURNAL_CSV, JOURNAL_HLEDGER, Journals},
        folder::{ENTRIES_BYTES_MAX, Folder, TILE_BYTES_MAX, bytes_max, shown},
        note_of,
    },
    hashed::hashed,
    progress::Progress,
    proof::Marks,
    transfer,
};

/// Most characters of what a reader says of a manifest.
const REASON_CHARS_MAX: usize = 300;

/// Checks a bundle: signatures, every byte of it, the tree, the replay, and all that follows from it.
///
/// # Errors
/// Only when it could not tell.
pub fn bundle(path: &Path, trust: &Trust, kept: &[Kept], show: bool) -> Result<Verdict> {
    let mut verdict = Verdict::of("bundle");
    let folder = Folder::list(path)?;
    let note = note_of(&folder.text(CHECKPOINT, NOTE_BYTES_MAX)?, &path.join(CHECKPOINT))?;
    let at_once = trust.accepts(&note);
    match &at_once {
        Ok(trusted) => signed(trusted, &mut verdict),
        // A key to which a trusted one has handed over is not known before the log was read.
        Err(Distrust::NoTrustedLogSigned { .. }) => {}
        Err(why) => return Ok(distrusted(verdict, why)),
    }
    let head = Checkpoint::of(&note).map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
    verdict.origin.clone_from(&head.origin);
    let text = folder.text(MANIFEST, MANIFEST_BYTES_MAX)?;
    let manifest: Manifest = serde_json::from_str(&text).map_err(|why| {
        // What cannot be read may be quoted in it.
        let why: String = shown(&why.to_string()).chars().take(REASON_CHARS_MAX).collect();
        Error::unreadable("no_manifest", format!("it is no manifest: {why}"))
            .at(path.join(MANIFEST).display())
    })?;
    if manifest.format != FORMAT {
        let text = format!("the bundle has the form {}, and {FORMAT} is known here", shown(&manifest.format));
        return Err(Error::unreadable("bundle_of_another_form", text).at(path.display()));
    }
    files(&folder, &manifest, head.size, &mut verdict)?;
    let origin = Origin::new(head.origin.clone()).ok();
    let replay = Replay::new(origin, Cut::default()).thorough().with_roots_of(sizes(kept)).posting();
    let (outcome, made) = entries(&folder, &head, replay, &mut verdict, show)?;
    let trust = followed(trust, &outcome.announced);
    if at_once.is_err() {
        match trust.accepts(&note) {
            Ok(trusted) => signed(&trusted, &mut verdict),
            Err(why) => return Ok(distrusted(verdict, &why)),
        }
    }
    replayed(&outcome, &head, &manifest, &mut verdict);
    derived(&folder, &outcome, made, &mut verdict)?;
    if verdict.another_version && manifest.code_version != env!("CARGO_PKG_VERSION") {
        let (theirs, ours) = (shown(&manifest.code_version), env!("CARGO_PKG_VERSION"));
        verdict.find(None, format!("the bundle was written by version {theirs}, and this is {ours}"));
    }
    let marks = Marks {
        roots: outcome.roots.clone(),
        checkpoints: outcome.checkpoints.clone(),
        announced: outcome.announced.clone(),
    };
    let own = [Kept { from: CHECKPOINT.into(), note }];
    trusted_heads(Some(&trust), &own, &head.origin, &marks.announced, &mut verdict);
    let heads = trusted_heads(Some(&trust), kept, &head.origin, &marks.announced, &mut verdict);
    compare_heads(&heads, &marks, &mut verdict);
    recorded_heads(Some(&trust), &marks, &mut verdict);
    personal(path, &folder, &outcome, &mut verdict)?;
    verdict.control_totals = outcome.books.control_totals();
    Ok(verdict.close())
}

fn signed(trusted: &Trusted, verdict: &mut Verdict) {
    verdict.vouch(trusted);
    verdict.check("the checkpoint is signed by those who are trusted", true, verdict.vouched_by.join(", "));
}

fn distrusted(mut verdict: Verdict, why: &Distrust) -> Verdict {
    verdict.check("the checkpoint is signed by those who are trusted", false, why.to_string());
    verdict.find(None, format!("{CHECKPOINT}: {why}"));
    verdict.close()
}

/// Whether the files are those of the manifest, and no others.
fn files(folder: &Folder, manifest: &Manifest, size: u64, verdict: &mut Verdict) -> Result<()> {
    let mut wrong = 0u64;
    let mut find = |text: String| {
        wrong += 1;
        verdict.find(None, text);
    };
    folder.strange().iter().for_each(|text| find(text.clone()));
    for (path, hash) in &manifest.files {
        let name = shown(path);
        match bytes_max(path, size) {
            None => find(format!("{name}: is in the manifest, and no file of a bundle")),
            Some(_) if !folder.has(path) => {
                find(format!("{name}: is in the manifest, and not in the folder"))
            }
            Some(max) => match folder.open(path, max)? {
                None => find(format!("{name}: has more than {max} bytes")),
                Some(file) => {
                    let found = hashed(file).map_err(|why| Error::io(Path::new(path), &why))?;
                    if found != *hash {
                        find(format!("{name}: is not the file of the manifest"));
                    }
                }
            },
        }
    }
    for path in folder.paths().filter(|path| *path != MANIFEST && !manifest.files.contains_key(*path)) {
        find(format!("{}: is not in the manifest", shown(path)));
    }
    let count = manifest.files.len();
    verdict.check(
        "every file is the one of the manifest, and there is no other",
        wrong == 0,
        format!("{count} files"),
    );
    Ok(())
}

type Held = Compared<BufReader<Take<std::fs::File>>>;

/// A file of the bundle beside what it should hold.
fn held(folder: &Folder, path: &str, size: u64) -> Result<Held> {
    let file = match bytes_max(path, size) {
        Some(max) => folder.open(path, max)?,
        None => None,
    };
    Ok(Compared::with(file))
}

/// What was compared or collected while the events were replayed.
struct Made {
    journals: [(&'static str, Held); 2],
    entries: u64,
    policies: Vec<(String, Vec<u8>)>,
}

/// Whether everything that follows from the events lies there as it follows, whatever the manifest says of it.
fn derived(folder: &Folder, outcome: &Outcome, made: Made, verdict: &mut Verdict) -> Result<()> {
    if outcome.findings_count > 0 {
        let why = "nothing can be posted from a broken log".to_owned();
        verdict.check("journal and totals are those of the events", false, why);
        return Ok(());
    }
    let unreadable = |why: std::io::Error| Error::io(Path::new(JOURNAL_CSV), &why);
    let mut wrong = Vec::new();
    for (path, held) in made.journals {
        let differs = held.end().map_err(unreadable)?;
        wrong.extend(differs.map(|how| format!("{path}: {how}")));
    }
    verdict.check(
        "the journal is that of the events",
        wrong.is_empty(),
        format!("{} entries in {JOURNAL_CSV} and {JOURNAL_HLEDGER}", made.entries),
    );
    let compared = outcome.poster.as_ref().map(|poster| poster.compared(&outcome.books)).unwrap_or_default();
    let differs = compared.iter().filter(|figure| !figure.agrees()).count();
    let figure = match differs {
        0 => format!("{} figures compared", compared.len()),
        n => format!("{n} of {} figures differ", compared.len()),
    };
    verdict.check("journal and books say the same", differs == 0, figure);
    let before = wrong.len();
    let mut count = 0u64;
    // A later program knows more schemas than the one that wrote the bundle, and none is ever edited.
    let schemas = crate::schema::list().map(|(name, text)| (format!("schemas/{name}.json"), text.into()));
    let schemas = schemas.filter(|(path, _): &(String, Vec<u8>)| folder.has(path));
    let mut expected = BTreeSet::new();
    for (path, bytes) in figures::small(outcome).into_iter().chain(made.policies).chain(schemas) {
        let mut held = held(folder, &path, outcome.events)?;
        let differs = held.write_all(&bytes).and_then(|()| held.end()).map_err(unreadable)?;
        wrong.extend(differs.map(|how| format!("{path}: {how}")));
        expected.insert(path);
        count += 1;
    }
    for path in
        folder.paths().filter(|path| path.starts_with("policies/") || path.starts_with("checkpoints/"))
    {
        if !expected.contains(path) {
            wrong.push(format!("{}: is not on record in the log", shown(path)));
        }
    }
    verdict.check(
        "totals, months, policies, schemas and earlier checkpoints are those of the events",
        wrong.len() == before,
        format!("{count} files"),
    );
    verdict.another_version = !wrong.is_empty();
    wrong.into_iter().for_each(|text| verdict.find(None, text));
    Ok(())
}

/// Replays every entry, lays the log out anew, and compares every tile and every line of the journal.
fn entries(
    folder: &Folder,
    head: &Checkpoint,
    mut replay: Replay,
    verdict: &mut Verdict,
    show: bool,
) -> Result<(Outcome, Made)> {
    let size = head.size;
    let progress = Progress::new("verify", size, show);
    let mut csv = held(folder, JOURNAL_CSV, size)?;
    let mut hledger = held(folder, JOURNAL_HLEDGER, size)?;
    let unreadable = |why: std::io::Error| Error::io(Path::new(JOURNAL_CSV), &why);
    let mut journals = Journals::begin(&mut csv, &mut hledger, &head.origin).map_err(unreadable)?;
    let mut policies = Vec::new();
    let mut layout = Tiles::new();
    let mut position = 0u64;
    let mut same = 0u64;
    for (index, width) in tiles::bundles(size) {
        let path = tiles::entries_path(index, width);
        let Some(bytes) = folder.bytes(&path, ENTRIES_BYTES_MAX)? else {
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
            feed(&mut replay, position, body, &mut |row| policies.extend(figures::policy(row)));
            if let Some(entry) = replay.entry() {
                journals.entry(&entry).map_err(unreadable)?;
            }
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
    let due = tiles::tiles_count(size);
    verdict.check("every tile has the hashes of the entries", same == due, format!("{same} of {due} tiles"));
    let outcome = replay.finish();
    let entries = journals.end(outcome.events, &outcome.root).map_err(unreadable)?.entries;
    let journals = [(JOURNAL_CSV, csv), (JOURNAL_HLEDGER, hledger)];
    Ok((outcome, Made { journals, entries, policies }))
}

/// Hands a body to the replay as a row; what cannot be read goes in as it is, to be found there.
fn feed(replay: &mut Replay, position: u64, body: &[u8], each: &mut dyn FnMut(&Row<'_>)) {
    match decode(body) {
        Ok(decoded) => {
            let row = OwnedRow::of(&decoded.envelope, decoded.event.kind(), body.to_vec());
            each(&row.as_row());
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

/// Whether a tile lies there as it follows from the entries. Leaf hashes name the entry that differs.
fn compare_tile(folder: &Folder, file: &File, position: u64, verdict: &mut Verdict) -> Result<bool> {
    let there = folder.bytes(&file.path, TILE_BYTES_MAX)?;
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

fn replayed(outcome: &Outcome, head: &Checkpoint, manifest: &Manifest, verdict: &mut Verdict) {
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
    let total = |t: &Totals| serde_json::to_string(t).unwrap_or_default();
    let differs = [
        differs("control_totals", &manifest.control_totals, &totals, total),
        differs("kinds", &manifest.kinds, &kinds, u64::to_string),
    ];
    verdict.check(
        "the control totals are those of the replay",
        differs.iter().all(Option::is_none),
        format!("{} currencies", totals.len()),
    );
    differs.into_iter().flatten().for_each(|text| verdict.find(None, text));
    verdict.check(
        "the books' digest is that of the replay",
        digest == manifest.books_digest,
        format!("digest {digest}"),
    );
}

/// The first figure of the manifest that is not the one of the events.
fn differs<V: PartialEq>(
    what: &str,
    said: &BTreeMap<String, V>,
    made: &BTreeMap<String, V>,
    text: impl Fn(&V) -> String,
) -> Option<String> {
    let name = said.keys().chain(made.keys()).find(|name| said.get(*name) != made.get(*name))?;
    let of = |figures: &BTreeMap<String, V>| figures.get(name).map_or("nothing".into(), &text);
    let (said, made, name) = (of(said), of(made), shown(name));
    Some(format!("{MANIFEST}: {what} of {name} is {said}; the events give {made}"))
}

/// Every personal value that was given out opens its commitment; what is not there was redacted with approval, or
/// kept back.
fn personal(path: &Path, folder: &Folder, outcome: &Outcome, verdict: &mut Verdict) -> Result<()> {
    if !folder.has(PERSONAL) {
        let count = outcome.commitments.len();
        verdict.check(
            "personal values were kept back; their commitments stand",
            true,
            format!("{count} commitments"),
        );
        return Ok(());
    }
    let mut expected: BTreeMap<(u64, String), _> =
        outcome.commitments.iter().map(|c| ((c.position, c.path.clone()), c)).collect();
    let redacted_at = redacted(outcome);
    let (mut opened, mut redacted) = (0u64, 0u64);
    let mut judge = |place: &(u64, String), standing: Standing<'_>, verdict: &mut Verdict| match standing {
        Standing::Opens => opened += 1,
        Standing::Redacted(_) => redacted += 1,
        Standing::Tampered(how) => {
            verdict.find(one(place.0), format!("position {} {}: {how}", place.0, shown(&place.1)));
        }
    };
    // What is too long was found with the files already.
    if let Some(mut file) = folder.open(PERSONAL, bytes_max(PERSONAL, outcome.events).unwrap_or_default())? {
        let name = path.join(PERSONAL).display().to_string();
        transfer::each_personal(&mut file, &name, &mut |position, value| {
            let place = (position, value.path.clone());
            match expected.remove(&place) {
                Some(c) => {
                    let standing = standing(c, Some(&value), redacted_at.get(&place).copied());
                    judge(&place, standing, verdict);
                }
                None => {
                    let name = shown(&place.1);
                    verdict.find(
                        one(position),
                        format!("position {position} {name}: nothing there is committed to"),
                    );
                }
            }
        })?;
    }
    for (place, c) in &expected {
        judge(place, standing(c, None, redacted_at.get(place).copied()), verdict);
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
pub fn redacted(outcome: &Outcome) -> BTreeMap<(u64, String), &Redaction> {
    let place = |(event, path, redaction)| {
        let position = outcome.uses.position_of(&event)?;
        Some(((position, String::from(path)), redaction))
    };
    outcome.redactions.iter().filter_map(place).collect()
}
