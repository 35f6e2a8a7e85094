//! The log before Go's own transparency log (golang.org/x/mod/sumdb/note and tlog): it opens our checkpoints with our
//! key, reads our tiles and entries, arrives at our roots, checks our proofs and makes the same ones; and it refuses
//! what is wrong by a bit. `tests/oracles/install.sh tlog` brings it.

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/program.rs"]
mod program;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use oracle::{Answer, answer, find};
use program::{ROOT, claims, folder, ok};
use replay::{
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, Note, SignerKey},
        proof::{Consistency, Inclusion},
        tiles::Tiles,
    },
    merkle::{Hash, consistency_proof, inclusion_proof, leaf_hash, range_root, sha256},
};

/// The oracle, if it can be had.
fn tlog() -> Option<PathBuf> {
    let source = fs::read(Path::new(ROOT).join("tests/oracles/tlog/main.go")).unwrap();
    let hash: String = sha256(&source).to_string().chars().take(12).collect();
    find("tlog", &format!("tlog-{hash}"))
}

fn judged<P: AsRef<Path>>(tlog: &Path, vkey: &str, folders: &[P]) -> Answer {
    let mut command = Command::new(tlog);
    command.arg(vkey).args(folders.iter().map(AsRef::as_ref));
    answer(&mut command)
}

/// 1, 2 and what lies around every power of two, up to two levels of tiles and once a third.
fn sizes() -> Vec<u64> {
    let around = |k: u32| [(1u64 << k) - 1, 1 << k, (1 << k) + 1];
    let mut sizes: Vec<u64> = (1..=11).flat_map(around).chain([3 * 256 + 100, 65_537]).collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn body(index: u64) -> Vec<u8> {
    format!("event {index}").into_bytes()
}

/// Lays out the first events of one and the same log, with proofs against their signed head.
fn lay_out(key: &SignerKey, leaves: &[Hash], size: u64, folder: &Path) {
    let leaf = |index: u64| leaves.get(usize::try_from(index).ok()?).copied();
    let head = |size| -> Note {
        Checkpoint::new(key.verifier().name(), size, range_root(0..size, &leaf).unwrap()).sign(key).unwrap()
    };
    let write = |path: &str, bytes: &[u8]| {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    };
    let mut layout = Tiles::new();
    for index in 0..size {
        layout.push(&body(index)).unwrap().iter().for_each(|file| write(&file.path, &file.bytes));
    }
    layout.finish().iter().for_each(|file| write(&file.path, &file.bytes));
    let checkpoint = head(size);
    write("checkpoint", checkpoint.to_string().as_bytes());
    for index in [0, size / 3, size - 1] {
        let hashes = inclusion_proof(index, size, &leaf).unwrap();
        let proof = Inclusion { index, extra: Some(body(index)), hashes, checkpoint: checkpoint.clone() };
        write(&format!("proofs/{index}.tlog-proof"), proof.to_string().as_bytes());
    }
    for old in [1, size / 2, size - 1, size].into_iter().filter(|old| *old > 0) {
        let hashes = consistency_proof(old, size, &leaf).unwrap();
        let proof = Consistency { old_size: old, hashes, checkpoint: checkpoint.clone() };
        write(&format!("requests/{old}"), proof.to_string().as_bytes());
        write(&format!("old/{old}"), head(old).to_string().as_bytes());
    }
}

#[test]
fn go_arrives_at_our_roots_and_makes_our_proofs() {
    let Some(tlog) = tlog() else { return };
    let dir = tempfile::tempdir().unwrap();
    let key = SignerKey::new("log.example/go", KeyType::Log, &[5; 32]).unwrap();
    let leaves: Vec<Hash> = (0..=1 << 16).map(|index| leaf_hash(&body(index))).collect();
    let folders: Vec<PathBuf> = sizes().iter().map(|size| dir.path().join(size.to_string())).collect();
    for (size, folder) in sizes().iter().zip(&folders) {
        lay_out(&key, &leaves, *size, folder);
    }
    let said = judged(&tlog, &key.verifier().to_string(), &folders);
    assert!(said.ok, "{}", said.stderr);
    let (mut inclusions, mut consistencies) = (0u64, 0u64);
    for (size, line) in sizes().iter().zip(said.stdout.lines()) {
        let numbers: Vec<u64> =
            line.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        assert_eq!(numbers[..2], [*size, *size], "{line}");
        inclusions += numbers[2];
        consistencies += numbers[3];
    }
    let count = sizes().len();
    assert_eq!(said.stdout.lines().count(), count);
    println!("Go tlog: {count} sizes, {inclusions} inclusion and {consistencies} consistency proofs");
    assert!(inclusions > 2 * count as u64 && consistencies > 2 * count as u64);
}

/// A ledger with two heads, exported by the program, with a proof of every event of a claim.
fn shop(dir: &Path) -> String {
    ok(dir, &["demo", "--quiet", "-l", "shop.db"]);
    let vkey = ok(dir, &["key", "new", "key", "-l", "shop.db"]);
    let sign = |name: &str| {
        let sign =
            ["checkpoint", "sign", "--signing-key", "key", "--out", name, "-l", "shop.db", "--actor", "anna"];
        ok(dir, &sign);
    };
    sign("one");
    sign("two");
    ok(dir, &["export", "bundle", "b", "-l", "shop.db"]);
    ok(dir, &["prove", "AMC-C-2207", "--out", "b/proofs", "-l", "shop.db"]);
    for folder in ["b/old", "b/requests"] {
        fs::create_dir(dir.join(folder)).unwrap();
    }
    fs::copy(dir.join("one"), dir.join("b/old/330")).unwrap();
    fs::write(dir.join("b/requests/330"), ok(dir, &["prove", "--since", "one", "-l", "shop.db"])).unwrap();
    vkey.trim().to_owned()
}

#[test]
fn go_reads_a_bundle_and_refuses_one_that_is_wrong_by_a_bit() {
    let Some(tlog) = tlog() else { return };
    let dir = folder();
    let b = dir.path().join("b");
    let vkey = shop(dir.path());
    let said = judged(&tlog, &vkey, &[&b]);
    assert!(said.ok, "{}", said.stderr);
    assert_eq!(said.stdout, "size 331: 331 entries, 18 inclusion and 1 consistency proofs\n");
    let proof = fs::read_dir(b.join("proofs")).unwrap().next().unwrap().unwrap().file_name();
    let proof = format!("proofs/{}", proof.to_str().unwrap());
    for (path, line, says) in [
        ("checkpoint", 1, "checkpoint: "),
        ("checkpoint", 2, "checkpoint: "),
        ("checkpoint", 4, "checkpoint: "),
        ("tile/0/000", 0, "tiles: "),
        ("tile/1/000.p/1", 0, "tiles: "),
        ("tile/entries/000", 0, "entries: "),
        ("tile/entries/001.p/75", 0, "entries: "),
        (&proof, 1, "invalid"),
        (&proof, 3, "invalid"),
        ("requests/330", 1, "invalid"),
        ("old/330", 2, "330: checkpoint: "),
    ] {
        let before = fs::read(b.join(path)).unwrap();
        // A bit of the tenth letter of a line of text, or of the tenth byte of hashes and entries.
        let start = match path.starts_with("tile/") {
            true => 0,
            false => before.split_inclusive(|byte| *byte == b'\n').take(line).map(<[u8]>::len).sum(),
        };
        let mut after = before.clone();
        let at = if (path, line) == ("checkpoint", 1) { start } else { start + 10 };
        after[at] ^= if after[at] == b'/' || after[at] == b'9' { 2 } else { 1 };
        fs::write(b.join(path), &after).unwrap();
        let said = judged(&tlog, &vkey, &[&b]);
        assert!(!said.ok && said.stdout.is_empty(), "{path}, line {line}: {}", said.stdout);
        assert!(said.stderr.contains(says), "{path}, line {line}: {}", said.stderr);
        fs::write(b.join(path), before).unwrap();
    }
    let other = claims(dir.path(), &["key", "new", "other", "-l", "shop.db"]).stdout;
    let said = judged(&tlog, other.trim(), &[&b]);
    assert!(!said.ok && said.stderr.contains("no verifiable signatures"), "{}", said.stderr);
    assert!(judged(&tlog, &vkey, &[&b]).ok);
}
