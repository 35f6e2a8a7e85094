//! Evidence that strangers can read: our notes, tiles and proofs under implementations that are not ours, and the way
//! of an auditor through the program.

#[path = "support/program.rs"]
mod program;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use program::{Outcome, claims, folder, ok};
use replay::{
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, Note, SignerKey},
        tiles::{self, Tiles},
    },
    merkle::{Frontier, Hash, consistency_proof, inclusion_proof, leaf_hash, range_root},
};
use sha2::Sha256;
use signed_note::{StandardSigner, StandardVerifier, VerifierList};
use tlog_tiles::{Tile, TileHashReader, TileReader};

/// 1, 2 and what lies around every power of two that a tile, a bundle or a level begins with.
fn sizes() -> Vec<u64> {
    let around = |k: u32| [(1u64 << k) - 1, 1 << k, (1 << k) + 1];
    let mut sizes: Vec<u64> = (1..=16).flat_map(around).chain([3 * 256 + 100, 70_000]).collect();
    sizes.retain(|size| *size > 0);
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

fn body(index: u64) -> Vec<u8> {
    format!("event {index}").into_bytes()
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&body(index))
}

/// Roots and proofs over a growing log, without reading every leaf for each.
struct Log {
    leaves: Vec<Hash>,
}

impl Log {
    fn of(size: u64) -> Self {
        Self { leaves: (0..size).map(leaf).collect() }
    }
    fn at(&self) -> impl Fn(u64) -> Option<Hash> + '_ {
        |index| usize::try_from(index).ok().and_then(|at| self.leaves.get(at)).copied()
    }
    fn root(&self, size: u64) -> Hash {
        range_root(0..size, &self.at()).unwrap()
    }
}

#[test]
fn proofs_hold_for_ct_merkle() {
    let log = Log::of(70_000);
    let digest = |hash: &Hash| sha2::digest::Output::<Sha256>::from(hash.0);
    let root = |size| RootHash::<Sha256>::new(digest(&log.root(size)), size);
    let (mut inclusions, mut consistencies) = (0u32, 0u32);
    for size in sizes() {
        let whole = root(size);
        for index in [0, size / 3, size - 1] {
            let hashes = inclusion_proof(index, size, &log.at()).unwrap();
            let proof =
                InclusionProof::<Sha256>::from_digests(&hashes.iter().map(digest).collect::<Vec<_>>());
            whole
                .verify_inclusion(&body(index), index, &proof)
                .unwrap_or_else(|why| panic!("{index} of {size}: {why}"));
            assert!(whole.verify_inclusion(&body(index + 1), index, &proof).is_err(), "{index} of {size}");
            inclusions += 1;
        }
        for old in [1, size / 2, size - 1].into_iter().filter(|old| (1..size).contains(old)) {
            let hashes = consistency_proof(old, size, &log.at()).unwrap();
            let proof =
                ConsistencyProof::<Sha256>::from_digests(&hashes.iter().map(digest).collect::<Vec<_>>());
            whole
                .verify_consistency(&root(old), &proof)
                .unwrap_or_else(|why| panic!("{old} of {size}: {why}"));
            let other = RootHash::<Sha256>::new(digest(&leaf(7)), old);
            assert!(whole.verify_consistency(&other, &proof).is_err(), "{old} of {size}");
            consistencies += 1;
        }
    }
    println!(
        "ct-merkle: {} sizes, {inclusions} inclusion and {consistencies} consistency proofs",
        sizes().len()
    );
}

/// A folder in the layout of C2SP tlog-tiles, or the same in memory.
struct Files(BTreeMap<String, Vec<u8>>);

impl TileReader for Files {
    fn height(&self) -> u8 {
        8
    }
    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let path = |tile: &Tile| {
            tiles::tile_path(
                u32::from(tile.level()),
                tile.level_index(),
                usize::try_from(tile.width()).unwrap(),
            )
        };
        tiles
            .iter()
            .map(|tile| self.0.get(&path(tile)).cloned().ok_or(tlog_tiles::Error::InvalidTile))
            .collect()
    }
    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn tiles_and_proofs_hold_for_tlog_tiles() {
    let log = Log::of(70_000);
    let theirs = |hash: &Hash| tlog_tiles::Hash(hash.0);
    let (mut inclusions, mut consistencies) = (0u32, 0u32);
    for size in sizes() {
        let mut layout = Tiles::new();
        let mut files = BTreeMap::new();
        for index in 0..size {
            files.extend(layout.push(&body(index)).unwrap().into_iter().map(|f| (f.path, f.bytes)));
        }
        files.extend(layout.finish().into_iter().map(|f| (f.path, f.bytes)));
        let files = Files(files);
        let root = theirs(&log.root(size));
        let reader = TileHashReader::new(size, root, &files);
        assert_eq!(tlog_tiles::tree_hash(size, &reader).unwrap(), root, "{size}");
        for index in [0, size / 3, size - 1] {
            let proof = tlog_tiles::prove_record(size, index, &reader).unwrap();
            let ours = inclusion_proof(index, size, &log.at()).unwrap();
            assert_eq!(proof, ours.iter().map(theirs).collect::<Vec<_>>(), "{index} of {size}");
            tlog_tiles::check_record(&proof, size, root, index, theirs(&leaf(index))).unwrap();
            inclusions += 1;
        }
        for old in [1, size / 2, size - 1].into_iter().filter(|old| (1..size).contains(old)) {
            let proof = tlog_tiles::prove_tree(size, old, &reader).unwrap();
            let ours = consistency_proof(old, size, &log.at()).unwrap();
            let ours: Vec<_> = ours.iter().map(theirs).collect();
            tlog_tiles::check_tree(&ours, size, root, old, theirs(&log.root(old)))
                .unwrap_or_else(|why| panic!("{old} of {size}: {why}"));
            assert_eq!(proof, ours, "{old} of {size}");
            consistencies += 1;
        }
    }
    println!(
        "tlog_tiles: {} sizes, {inclusions} inclusion and {consistencies} consistency proofs",
        sizes().len()
    );
}

#[test]
fn notes_hold_for_signed_note_and_theirs_for_us() {
    for seed in 1..=20u8 {
        let name = format!("log.example/{seed}");
        let key = SignerKey::new(name.clone(), KeyType::Log, &[seed; 32]).unwrap();
        let vkey = key.verifier().to_string();
        let head = Checkpoint::new(name.clone(), u64::from(seed), leaf(u64::from(seed)));
        let ours = head.sign(&key).unwrap();
        let verifiers = || VerifierList::new(vec![Box::new(StandardVerifier::new(&vkey).unwrap())]);
        let read = signed_note::Note::from_bytes(ours.to_string().as_bytes()).unwrap();
        assert_eq!(read.verify(&verifiers()).unwrap().0.len(), 1);
        let parsed = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
        assert_eq!(
            (parsed.origin(), parsed.size(), parsed.hash().0),
            (name.as_str(), head.size, head.root.0)
        );
        let forged = ours.to_string().replacen(&format!("\n{seed}\n"), "\n99\n", 1);
        assert!(signed_note::Note::from_bytes(forged.as_bytes()).unwrap().verify(&verifiers()).is_err());
    }
}

/// A ledger that was written to by the program, a key of its own, and what trusts it.
struct Shop {
    dir: tempfile::TempDir,
}

impl Shop {
    fn open() -> Self {
        let dir = folder();
        ok(dir.path(), &["demo", "--quiet", "-l", "shop.db"]);
        let vkey = ok(dir.path(), &["key", "new", "shop.key", "-l", "shop.db"]);
        fs::write(dir.path().join("trust"), format!("log {}\nquorum none\n", vkey.trim())).unwrap();
        Self { dir }
    }
    fn path(&self) -> &Path {
        self.dir.path()
    }
    fn ok(&self, line: &str) -> String {
        ok(self.path(), &program::words(line))
    }
    fn run(&self, line: &str) -> Outcome {
        claims(self.path(), &program::words(line))
    }
    fn sign(&self, name: &str) {
        self.ok(&format!("checkpoint sign --signing-key shop.key --out {name} -l shop.db --actor anna"));
    }
    fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }
}

#[test]
fn strangers_read_what_the_program_exports() {
    let shop = Shop::open();
    shop.sign("head");
    shop.ok("export tiles log -l shop.db");
    let note: Note = shop.text("log/checkpoint").parse().unwrap();
    assert_eq!(note, shop.text("head").parse().unwrap());
    let head = Checkpoint::of(&note).unwrap();
    // The key file is in the form of Go's note package: theirs signs what ours trusts.
    let secret = shop.text("shop.key");
    let theirs = StandardSigner::new(secret.trim()).unwrap();
    let mut signed = signed_note::Note::new(note.text.as_bytes(), &[]).unwrap();
    signed.add_sigs(&[&theirs]).unwrap();
    assert_eq!(signed.to_bytes(), note.to_string().into_bytes(), "Ed25519 is deterministic");
    let mut files = BTreeMap::new();
    for (level, index, width) in tiles::tiles(head.size) {
        let path = tiles::tile_path(level, index, width);
        files.insert(path.clone(), fs::read(shop.path().join("log").join(&path)).unwrap());
    }
    let files = Files(files);
    let root = tlog_tiles::Hash(head.root.0);
    let reader = TileHashReader::new(head.size, root, &files);
    assert_eq!(tlog_tiles::tree_hash(head.size, &reader).unwrap(), root);
    // Every event of the bundles is in the log for them, and only at its place.
    let mut index = 0;
    for (at, width) in tiles::bundles(head.size) {
        let bytes = fs::read(shop.path().join("log").join(tiles::entries_path(at, width))).unwrap();
        for entry in tiles::entries(&bytes, width).unwrap() {
            let hash = tlog_tiles::record_hash(entry);
            let proof = tlog_tiles::prove_record(head.size, index, &reader).unwrap();
            tlog_tiles::check_record(&proof, head.size, root, index, hash).unwrap();
            index += 1;
        }
    }
    assert_eq!(index, head.size);
}

/// The key in a key file: the seed stands in base 64 behind its type.
fn signer(line: &str) -> SignerKey {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let material = STANDARD.decode(line.splitn(5, '+').nth(4).unwrap()).unwrap();
    let name = line.split('+').nth(2).unwrap();
    SignerKey::new(name, KeyType::Log, material[1..].try_into().unwrap()).unwrap()
}

#[test]
fn an_auditor_gets_from_a_claim_to_the_signature_and_back() {
    let shop = Shop::open();
    shop.sign("april");
    shop.ok("prove AMC-C-2207 --out proofs -l shop.db");
    let proofs: Vec<PathBuf> = program::files(&shop.path().join("proofs"), "tlog-proof");
    assert_eq!(proofs.len(), 18);
    for proof in &proofs {
        let said = shop.run(&format!("verify {} --trust trust", proof.display()));
        assert!(said.stdout.ends_with("verified\n"), "{said:?}");
    }
    // One digit of the amount, and the proof is false.
    let name = proofs.last().unwrap();
    let text = fs::read_to_string(name).unwrap();
    let extra = text.lines().nth(1).unwrap();
    fs::write(name, text.replacen(&extra[30..34], "AAAA", 1)).unwrap();
    let said = shop.run(&format!("verify {} --trust trust", name.display()));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.stdout.contains("NOT VERIFIED") && said.stdout.contains("first wrong event: position"),
        "{said:?}"
    );
    // Nobody is trusted unless he is named.
    let said = shop.run(&format!("verify {} ", proofs[0].display()));
    assert_eq!((said.code, said.stderr.contains("nobody is trusted yet")), (2, true), "{said:?}");
    let other = SignerKey::new("demo.example/claims", KeyType::Log, &[9; 32]).unwrap().verifier();
    let said = shop.run(&format!("verify {} --log-key {other}", proofs[0].display()));
    assert_eq!(said.code, 1, "{said:?}");
}

#[test]
fn a_witness_cosigns_what_grows_and_refuses_what_forks_or_goes_back() {
    let shop = Shop::open();
    let vkey = shop.ok("key new ann.key --witness ann.example/w1");
    let log = shop.text("trust").lines().next().unwrap().to_owned();
    shop.write("quorum", &format!("{log}\nwitness ann {}\nquorum ann\n", vkey.trim()));
    let witness = "--signing-key ann.key --memory ann --trust trust";
    fs::copy(shop.path().join("shop.db"), shop.path().join("old.db")).unwrap();
    shop.sign("one");
    shop.write("first", &shop.ok("prove --since 0 -l shop.db"));
    let cosigned = shop.ok(&format!("witness first {witness}"));
    shop.write("one.cosigned", &(shop.text("one") + &cosigned));
    assert_eq!(shop.run("verify one --trust quorum").code, 1);
    assert_eq!(shop.run("verify one.cosigned --trust quorum").code, 0);
    assert_eq!(shop.run("verify shop.db --trust quorum --checkpoint one.cosigned").code, 0);

    // It grows.
    shop.sign("two");
    shop.write("second", &shop.ok("prove --since one -l shop.db"));
    assert_eq!(shop.run("verify second --trust trust --checkpoint one").code, 0);
    let said = shop.run(&format!("witness second {witness}"));
    assert_eq!(said.code, 0, "{said:?}");
    // The first request again is not where the memory is.
    let said = shop.run(&format!("witness first {witness}"));
    assert_eq!((said.code, said.stdout.contains("NOT COSIGNED")), (1, true), "a step back: {said:?}");

    // The same key signs another history: the copy of before went its own way.
    fs::copy(shop.path().join("old.db"), shop.path().join("fork.db")).unwrap();
    for _ in 0..4 {
        shop.ok("rebuild --actor nightly -l fork.db");
    }
    shop.ok("checkpoint sign --signing-key shop.key --out fork -l fork.db --actor anna");
    let size = Checkpoint::of(&shop.text("two").parse().unwrap()).unwrap().size;
    shop.write("forked", &shop.ok(&format!("prove --since {size} -l fork.db")));
    let said = shop.run(&format!("witness forked {witness}"));
    assert_eq!((said.code, said.stdout.contains("NOT COSIGNED")), (1, true), "{said:?}");
    let kept = program::files(&shop.path().join("ann"), "txt");
    assert_eq!(kept.len(), 2, "both findings are kept");
    assert!(fs::read_to_string(&kept[0]).unwrap().contains("remembered:"));
    // And goes on with the true one.
    shop.sign("three");
    shop.write("third", &shop.ok("prove --since two -l shop.db"));
    assert_eq!(shop.run(&format!("witness third {witness}")).code, 0);
}

#[test]
fn a_bundle_is_verified_whole_and_every_changed_file_is_named() {
    let shop = Shop::open();
    shop.sign("head");
    shop.ok("export bundle b --personal -l shop.db");
    let said = shop.run("verify b --trust trust --checkpoint head");
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(shop.run("export bundle b -l shop.db").code, 10, "nothing is overwritten");
    // A head of another history, signed by the same key, and one of more events than there are: neither is exported.
    let signed = Checkpoint::of(&shop.text("head").parse().unwrap()).unwrap();
    let key = fs::read_to_string(shop.path().join("shop.key")).unwrap();
    for (size, root) in [(signed.size, Hash([9; 32])), (signed.size + 1_000, signed.root)] {
        let other = Checkpoint::new("demo.example/claims", size, root).sign(&signer(key.trim())).unwrap();
        shop.write("other", &other.to_string());
        for what in ["bundle", "tiles"] {
            let said = shop.run(&format!("export {what} c --checkpoint other -l shop.db"));
            let refused = said.code == 18 && said.stderr.contains("events that are stored have root");
            assert!(refused && !shop.path().join("c").exists(), "{what} {size}: {said:?}");
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(shop.path().join("b/personal.ndjson")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "personal values are for their owner");
    }
    // What somebody else has under a name beside it is not ours to remove.
    fs::create_dir(shop.path().join(".c.partial")).unwrap();
    assert_eq!(shop.run("export bundle c -l shop.db").code, 10);
    assert!(shop.path().join(".c.partial").exists() && !shop.path().join("c").exists());
    let all = {
        let manifest: serde_json::Value = serde_json::from_str(&shop.text("b/manifest.json")).unwrap();
        manifest["files"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let interesting =
        all.iter().filter(|path| !path.starts_with("schemas/") || path.ends_with("command.json"));
    let mut changed = 0;
    for path in interesting {
        let file = shop.path().join("b").join(path);
        let before = fs::read(&file).unwrap();
        let mut after = before.clone();
        let middle = after.len() / 2;
        after[middle] ^= 1;
        fs::write(&file, &after).unwrap();
        let said = shop.run("verify b --trust trust");
        assert!(said.code == 1 || said.code == 2, "{path}: {said:?}");
        assert!(
            said.stdout.contains(path.as_str()) || said.stderr.contains(path.as_str()),
            "{path}: {said:?}"
        );
        fs::remove_file(&file).unwrap();
        let said = shop.run("verify b --trust trust");
        assert!(said.code == 1 || said.code == 2, "{path}: {said:?}");
        fs::write(&file, &before).unwrap();
        changed += 1;
    }
    assert!(changed >= 13, "{changed}");
    fs::write(shop.path().join("b/tile/more"), "x").unwrap();
    assert_eq!(shop.run("verify b --trust trust").code, 1, "a file that nobody knows");
    fs::remove_file(shop.path().join("b/tile/more")).unwrap();
    // Consistent lies: the manifest says other totals, and its own hash is nobody's.
    let manifest = shop.text("b/manifest.json");
    for (from, to) in [
        ("\"credited_minor\": 35399", "\"credited_minor\": 35398"),
        ("\"claim_opened\": ", "\"claim_opened\": 1"),
    ] {
        assert!(manifest.contains(from), "{from}");
        shop.write("b/manifest.json", &manifest.replacen(from, to, 1));
        let said = shop.run("verify b --trust trust");
        assert_eq!(said.code, 1, "{said:?}");
    }
    shop.write("b/manifest.json", &manifest);
    assert_eq!(shop.run("verify b --trust trust").code, 0);
}

#[test]
fn keys_are_for_their_owner_only_and_never_leave_their_file() {
    let shop = Shop::open();
    let secret = shop.text("shop.key");
    let secret = secret.trim().rsplit('+').next().unwrap();
    assert_eq!(shop.run("key new shop.key -l shop.db").code, 11, "no key is overwritten");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let file = shop.path().join("shop.key");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let said = shop.run("checkpoint sign --signing-key shop.key -l shop.db --actor anna");
        assert_eq!((said.code, said.stderr.contains("others can read")), (64, true), "{said:?}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    shop.sign("head");
    for name in ["shop.db", "shop.db-wal", "head"] {
        let bytes = fs::read(shop.path().join(name)).unwrap_or_default();
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "{name}");
    }
    // What is no key is not quoted back.
    shop.write("broken.key", &shop.text("shop.key").replacen("PRIVATE", "PRIVATF", 1));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(shop.path().join("broken.key"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let said = shop.run("key show broken.key");
    assert!(said.code == 13 && !said.stderr.contains(secret), "{said:?}");
    // A key of another log signs nothing here.
    shop.ok("init --origin other.example other.db");
    let said = shop.run("checkpoint sign --signing-key shop.key -l other.db --actor anna");
    assert_eq!(
        (said.code, said.stderr.contains("the key is of demo.example/claims")),
        (64, true),
        "{said:?}"
    );
    assert_eq!(shop.ok("checkpoint list -l other.db --json").trim(), "[]");
}

#[test]
fn an_empty_log_can_be_signed_and_grows_from_there() {
    let dir = folder();
    ok(dir.path(), &["init", "--origin", "new.example", "new.db"]);
    let vkey = ok(dir.path(), &["key", "new", "k", "-l", "new.db"]);
    let sign = ["checkpoint", "sign", "--signing-key", "k", "-l", "new.db", "--actor", "anna"];
    let note: Note = ok(dir.path(), &sign).parse().unwrap();
    let head = Checkpoint::of(&note).unwrap();
    assert_eq!((head.size, head.root), (0, Frontier::new().root()));
    let second: Note = ok(dir.path(), &sign).parse().unwrap();
    assert_eq!(Checkpoint::of(&second).unwrap().size, 1);
    fs::write(dir.path().join("zero"), note.to_string()).unwrap();
    let said = claims(dir.path(), &["verify", "new.db", "--log-key", vkey.trim(), "--checkpoint", "zero"]);
    assert_eq!(said.code, 0, "{said:?}");
}

#[test]
fn what_cannot_be_read_is_said_with_its_place_and_is_no_verdict() {
    let shop = Shop::open();
    shop.sign("head");
    let trust = shop.text("trust");
    for (name, text, says) in [
        ("empty", "", "the note has no signatures"),
        ("noise", "\u{1}\u{2}", "the note has no signatures"),
        ("bad.tlog-proof", "c2sp.org/tlog-proof@v1\nindex x\n\nq\n", "no tree size"),
        ("bad.request", "old 5\n", "no line with a checkpoint"),
    ] {
        shop.write(name, text);
        let said = shop.run(&format!("verify {name} --trust trust"));
        assert_eq!(said.code, 2, "{name}: {said:?}");
        assert!(said.stderr.contains(name) && said.stderr.contains("hint:"), "{name}: {said:?}");
        assert!(said.stderr.contains(says), "{name}: {said:?}");
    }
    shop.write("trust.bad", &format!("{trust}witness w x\n"));
    let said = shop.run("verify head --trust trust.bad");
    assert!(said.code == 2 && said.stderr.contains("trust.bad:3"), "{said:?}");
    let said = shop.run("verify nowhere --trust trust");
    assert!(said.code == 2 && said.stderr.contains("nowhere"), "{said:?}");
    let said = shop.run("verify head");
    assert!(said.stderr.contains("--trust FILE or --log-key VKEY"), "{said:?}");
    fs::create_dir(shop.path().join("no-bundle")).unwrap();
    assert_eq!(shop.run("verify no-bundle --trust trust").code, 2);
    for line in [
        "prove 0 -l shop.db",
        "prove 99999 -l shop.db",
        "prove NOBODY --out x -l shop.db",
        "checkpoint show 7 -l shop.db",
    ] {
        let said = shop.run(line);
        assert!(said.code == 14 && said.stderr.contains("hint:"), "{line}: {said:?}");
    }
    assert!(!shop.path().join("x").exists());
}
