//! The engine against vectors that others made: RFC 6962 proofs (transparency-dev/merkle), RFC 8785 canonical JSON
//! (cyberphone/json-canonicalization) and a real tlog-tiles log (transparency-dev/tessera).
//!
//! The vectors lie beside the checkout, in `../shared/data`. Without them each test says so and passes.

use std::fs;
use std::path::{Path, PathBuf};

use replay::canonical::{self, CanonicalError, Limits};
use replay::evidence::note::{Note, VerifierKey};
use replay::evidence::trust::Trust;
use replay::merkle::{self, Frontier, Hash};
use serde_json::Value;

fn data(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(name);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file with this ending below a folder, in the order of their names.
fn files_below(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut bits_len) = (0_u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = alphabet.iter().position(|known| *known == digit).expect("base64");
        bits = bits << 6 | value as u32;
        bits_len += 6;
        if bits_len >= 8 {
            bits_len -= 8;
            bytes.push((bits >> bits_len) as u8);
        }
        bits &= 0xff;
    }
    bytes
}

/// A hash in a vector. Some vectors put a shorter text ("don't care 1", nothing at all) where any hash would do; a
/// [`Hash`] cannot hold that, so it is filled up with zeros, which keeps equal ones equal and different ones different.
fn hash(value: &Value) -> Hash {
    let mut bytes = base64(value.as_str().unwrap());
    bytes.resize(32, 0);
    Hash(bytes.try_into().unwrap())
}

/// A leaf hash in a vector. Their makers refuse one that is not 32 bytes long, and so does our type.
fn leaf_hash(value: &Value) -> Result<Hash, String> {
    let bytes = base64(value.as_str().unwrap());
    bytes.try_into().map(Hash).map_err(|bytes| format!("{} bytes are no hash", bytes.len()))
}

/// Judges every vector of one kind and counts `(accepted, refused)`; a wrong judgement fails the test.
fn judge_all(kind: &str, judge: impl Fn(&Value, &[Hash]) -> Result<(), String>) -> Option<(u32, u32)> {
    let folder = data("rfc6962")?.join(kind);
    let (mut accepted, mut refused) = (0, 0);
    let mut misjudged = Vec::new();
    for path in files_below(&folder, ".json") {
        let vector: Value = serde_json::from_slice(&read(&path)).unwrap();
        let proof: Vec<Hash> = vector["proof"].as_array().into_iter().flatten().map(hash).collect();
        let judgement = judge(&vector, &proof);
        if judgement.is_ok() == vector["wantErr"].as_bool().unwrap() {
            misjudged.push(format!("{}: {judgement:?}", path.display()));
        }
        match judgement {
            Ok(()) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    assert_eq!(misjudged, Vec::<String>::new());
    println!("{kind}: {accepted} accepted, {refused} refused, 0 misjudged");
    Some((accepted, refused))
}

#[test]
fn rfc6962_inclusion_vectors_are_judged_as_their_makers_do() {
    let counts = judge_all("inclusion", |vector, proof| {
        let (index, size) = (vector["leafIdx"].as_u64().unwrap(), vector["treeSize"].as_u64().unwrap());
        let (leaf, root) = (leaf_hash(&vector["leafHash"])?, hash(&vector["root"]));
        merkle::verify_inclusion(&leaf, index, size, proof, &root).map_err(|error| error.to_string())
    });
    assert_eq!(counts.unwrap_or((6, 92)), (6, 92));
}

#[test]
fn rfc6962_consistency_vectors_are_judged_as_their_makers_do() {
    let counts = judge_all("consistency", |vector, proof| {
        let (size1, size2) = (vector["size1"].as_u64().unwrap(), vector["size2"].as_u64().unwrap());
        let (root1, root2) = (hash(&vector["root1"]), hash(&vector["root2"]));
        merkle::verify_consistency(size1, size2, &root1, &root2, proof).map_err(|error| error.to_string())
    });
    assert_eq!(counts.unwrap_or((6, 92)), (6, 92));
}

fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(map) => map.values().any(has_fraction),
        _ => value.is_f64(),
    }
}

#[test]
fn jcs_vectors_come_out_to_the_byte_unless_they_hold_fractions() {
    let Some(folder) = data("jcs") else { return };
    let folder = folder.join("testdata");
    let (mut written, mut refused) = (Vec::new(), Vec::new());
    for path in files_below(&folder.join("input"), ".json") {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let input = read(&path);
        let output = read(&folder.join("output").join(format!("{name}.json")));
        let hex = String::from_utf8(read(&folder.join("outhex").join(format!("{name}.txt")))).unwrap();
        let outhex: Vec<u8> =
            hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        assert_eq!(output, outhex, "{name}");

        let read_by_serde_json: Value = serde_json::from_slice(&input).unwrap();
        if has_fraction(&read_by_serde_json) {
            let why = canonical::parse(&input, &Limits::BODY).unwrap_err();
            assert!(matches!(why, CanonicalError::NumberHasAFractionOrExponent { .. }), "{name}: {why}");
            let why = canonical::to_bytes(&read_by_serde_json).unwrap_err();
            assert!(matches!(why, CanonicalError::NumberHasAFractionOrExponent { .. }), "{name}: {why}");
            refused.push(name);
        } else {
            let value = canonical::parse(&input, &Limits::BODY).unwrap();
            assert_eq!(canonical::to_bytes(&value).unwrap(), output, "{name}");
            assert_eq!(canonical::to_bytes(&read_by_serde_json).unwrap(), output, "{name}");
            assert_eq!(canonical::is_canonical(&output), Ok(()), "{name}");
            assert!(canonical::is_canonical(&input).is_err(), "{name}");
            written.push(name);
        }
    }
    println!("jcs: {} written to the byte, {} refused for fractions", written.len(), refused.len());
    assert_eq!(written, ["arrays", "french", "unicode", "weird"]);
    // `structures` has 56.0, `values` has 1E30 and others.
    assert_eq!(refused, ["structures", "values"]);
    // The output of `structures` says 56, and is as canonical for us as for its makers.
    assert_eq!(canonical::is_canonical(&read(&folder.join("output/structures.json"))), Ok(()));
}

/// The entries of a tlog-tiles bundle: each is two bytes of length, most significant first, and its content.
fn entries(bundle: &[u8]) -> Vec<&[u8]> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while let Some((len, tail)) = rest.split_first_chunk() {
        let (entry, tail) = tail.split_at(u16::from_be_bytes(*len).into());
        entries.push(entry);
        rest = tail;
    }
    assert!(rest.is_empty());
    entries
}

/// Size and root of a checkpoint: its second and third line. The signatures below are not looked at.
fn size_and_root(checkpoint: &[u8]) -> (u64, Hash) {
    let mut lines = str::from_utf8(checkpoint).unwrap().lines();
    assert_eq!(lines.next(), Some("example.com/log/testdata"));
    let size = lines.next().unwrap().parse().unwrap();
    (size, Hash(base64(lines.next().unwrap()).try_into().unwrap()))
}

#[test]
fn the_tessera_checkpoints_are_signed_by_their_key_and_by_no_other() {
    let Some(folder) = data("tessera_log") else { return };
    let text = |path: PathBuf| String::from_utf8(read(&path)).unwrap();
    let key: VerifierKey = text(folder.join("vkey.txt")).trim().parse().unwrap();
    let trust = Trust::in_log(key.clone());
    let mut verified = 0;
    for size in 0..=15_u64 {
        let note = text(folder.join(format!("testdata/log/checkpoint.{size}")));
        let read: Note = note.parse().unwrap();
        assert_eq!(read.to_string(), note);
        assert_eq!(trust.accepts(&read).unwrap().checkpoint.size, size);
        // Another size under the same signature.
        let mut forged = read.clone();
        forged.text = read.text.replacen(&format!("\n{size}\n"), &format!("\n{}\n", size + 1), 1);
        assert!(trust.accepts(&forged).is_err());
        verified += 1;
    }
    println!("tessera: {verified} checkpoints signed by {}", key.name());
    assert_eq!(verified, 16);
}

#[test]
fn the_tessera_log_has_the_roots_of_its_checkpoints() {
    let Some(folder) = data("tessera_log") else { return };
    let log = folder.join("testdata/log");
    let mut checkpoints = Vec::new();
    let mut leaves: Vec<Hash> = Vec::new();
    for size in 0..=15_u64 {
        let (stated_size, root) = size_and_root(&read(&log.join(format!("checkpoint.{size}"))));
        assert_eq!(stated_size, size);
        if size > 0 {
            let bundle = read(&log.join(format!("tile/entries/000.p/{size}")));
            leaves = entries(&bundle).into_iter().map(merkle::leaf_hash).collect();
            let tile = read(&log.join(format!("tile/0/000.p/{size}")));
            assert_eq!(tile, leaves.iter().flat_map(|leaf| leaf.0).collect::<Vec<u8>>());
        }
        let mut frontier = Frontier::new();
        leaves.iter().for_each(|leaf| frontier.push(*leaf));
        assert_eq!((frontier.size(), frontier.root()), (size, root));
        checkpoints.push((size, root));
    }
    assert_eq!(size_and_root(&read(&log.join("checkpoint"))), checkpoints[15]);

    // Our proofs hold against the roots that log published, and only in order.
    let leaf_at = |index: u64| leaves.get(index as usize).copied();
    let (mut inclusions, mut consistencies) = (0, 0);
    for (size2, root2) in &checkpoints {
        for index in 0..*size2 {
            let proof = merkle::inclusion_proof(index, *size2, &leaf_at).unwrap();
            let leaf = leaf_at(index).unwrap();
            assert_eq!(merkle::verify_inclusion(&leaf, index, *size2, &proof, root2), Ok(()));
            inclusions += 1;
        }
        for (size1, root1) in checkpoints.iter().filter(|(size1, _)| (1..=*size2).contains(size1)) {
            let proof = merkle::consistency_proof(*size1, *size2, &leaf_at).unwrap();
            assert_eq!(merkle::verify_consistency(*size1, *size2, root1, root2, &proof), Ok(()));
            consistencies += 1;
        }
    }
    println!(
        "tessera: {} checkpoints, {inclusions} inclusion and {consistencies} consistency proofs",
        checkpoints.len()
    );
    assert_eq!((checkpoints.len(), inclusions, consistencies), (16, 120, 120));
}
