//! Checking a bundle: every byte of it, the tree, the replay, the totals.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use replay::{
    audit::{Outcome, Places, Replay},
    codec::{OwnedRow, Row, decode},
    evidence::{
        checkpoint::Checkpoint,
        succession::followed,
        tiles::{self, ENTRY_BYTES_MAX, File, TILE_WIDTH, Tiles},
        trust::{Distrust, Trust, Trusted},
    },
    history::Cut,
    ids::Origin,
    merkle::{leaf_hash, sha256},
    redaction::{Redaction, Standing, standing},
    seal::PersonalRow,
};

use super::{Kept, Verdict, compare_heads, one, recorded_heads, sizes, trusted_heads};
use crate::{
    error::{Error, Result},
    evidence::{
        bundle::{CHECKPOINT, FORMAT, MANIFEST, MANIFEST_BYTES_MAX, Manifest, PERSONAL, Totals},
        read_note, small_text,
    },
    progress::Progress,
    proof::Marks,
    transfer,
};

/// Most files of a bundle that are looked at.
pub const FILES_MAX: usize = 1_000_000;

/// Checks a bundle: signatures, every byte of it, the tree, the replay, the totals.
///
/// # Errors
/// Only when it could not tell.
pub fn bundle(folder: &Path, trust: &Trust, kept: &[Kept], shown: bool) -> Result<Verdict> {
    let mut verdict = Verdict::of("bundle");
    let note = read_note(&folder.join(CHECKPOINT))?;
    let at_once = trust.accepts(&note);
    match &at_once {
        Ok(trusted) => signed(trusted, &mut verdict),
        // A key to which a trusted one has handed over is not known before the log was read.
        Err(Distrust::NoTrustedLogSigned { .. }) => {}
        Err(why) => return Ok(distrusted(verdict, why)),
    }
    let head = Checkpoint::of(&note).map_err(|why| Error::unreadable("no_checkpoint", why.to_string()))?;
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
    let origin = Origin::new(head.origin.clone()).ok();
    let replay = Replay::new(origin, Cut::default()).thorough().with_roots_of(sizes(kept));
    let outcome = entries(folder, head.size, replay, &mut verdict, shown)?;
    let trust = followed(trust, &outcome.announced);
    if at_once.is_err() {
        match trust.accepts(&note) {
            Ok(trusted) => signed(&trusted, &mut verdict),
            Err(why) => return Ok(distrusted(verdict, &why)),
        }
    }
    replayed(&outcome, &head, &manifest, &mut verdict);
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
    personal(folder, &outcome, &mut verdict)?;
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
pub fn redacted(outcome: &Outcome) -> BTreeMap<(u64, String), &Redaction> {
    let place = |(event, path, redaction)| {
        let position = outcome.event_ids.get(&event)?;
        Some(((*position, String::from(path)), redaction))
    };
    outcome.redactions.iter().filter_map(place).collect()
}
