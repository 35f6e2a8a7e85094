//! A bundle from a stranger's hand: whatever lies in the folder, `claims verify` says what is wrong, soon, in little
//! memory, and opens nothing that is no file of a bundle.

#[path = "support/program.rs"]
mod program;

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use program::{Outcome, PROGRAM, command, folder, ok};
use replay::{
    evidence::{
        checkpoint::Checkpoint,
        note::{KeyType, SignerKey},
        tiles::{TILE_WIDTH, Tiles},
    },
    merkle::{Frontier, Hash, leaf_hash, sha256},
};
use serde_json::{Value, json};

/// More than any of these takes, and less than reading what they claim to hold.
const PATIENCE_SECONDS: u32 = 30;
/// Address space of the program, in KiB: a file that is read whole would not fit.
const MEMORY_KIB: &str = "400000";
/// A file that is longer than any disk of a test; it has no bytes on it.
const HUGE_BYTES: u64 = 1 << 40;

struct Bundle {
    dir: tempfile::TempDir,
}

impl Bundle {
    fn new() -> Self {
        let dir = folder();
        let path = dir.path();
        ok(path, &["demo", "--quiet", "-l", "shop.db"]);
        let vkey = ok(path, &["key", "new", "key", "-l", "shop.db"]);
        fs::write(path.join("trust"), format!("log {}\nquorum none\n", vkey.trim())).unwrap();
        ok(path, &["checkpoint", "sign", "--signing-key", "key", "-l", "shop.db", "--actor", "anna"]);
        ok(path, &["export", "bundle", "b", "--personal", "-l", "shop.db"]);
        Self { dir }
    }
    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("b").join(name)
    }
    fn manifest(&self) -> Value {
        serde_json::from_slice(&fs::read(self.at("manifest.json")).unwrap()).unwrap()
    }
    /// Puts files into the manifest, or takes them out.
    fn list(&self, path: &str, hash: Option<Hash>) {
        let mut manifest = self.manifest();
        let files = manifest["files"].as_object_mut().unwrap();
        match hash {
            Some(hash) => files.insert(path.into(), hash.to_string().into()),
            None => files.remove(path),
        };
        fs::write(self.at("manifest.json"), manifest.to_string()).unwrap();
    }
    /// Verifies it in little memory and not for ever.
    fn verify(&self) -> Outcome {
        verify(self.dir.path(), "b")
    }
}

fn verify(dir: &Path, bundle: &str) -> Outcome {
    let line =
        format!("ulimit -v {MEMORY_KIB}; timeout {PATIENCE_SECONDS} \"$0\" verify {bundle} --trust trust");
    let said: Outcome = command("sh", dir).args(["-c", &line, PROGRAM]).output().unwrap().into();
    assert_ne!(said.code, 124, "it takes too long: {said:?}");
    said
}

fn huge(path: &Path) {
    fs::File::create(path).unwrap().set_len(HUGE_BYTES).unwrap();
}

fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_file_that_is_too_long_is_named_and_not_read() {
    let b = Bundle::new();
    assert_eq!(b.verify().code, 0);
    let limited = [
        "README.txt",
        "journal.csv",
        "journal.hledger",
        "totals.csv",
        "months.csv",
        "personal.ndjson",
        "policies/AMC.v1.json",
        "schemas/policy.v1.json",
        "tile/0/000",
        "tile/entries/000",
    ];
    for path in limited {
        let before = fs::read(b.at(path)).unwrap_or_else(|why| panic!("{path}: {why}"));
        huge(&b.at(path));
        let said = b.verify();
        assert_eq!(said.code, 1, "{path}: {said:?}");
        let found = said.stdout.lines().find(|line| line.contains(path) && line.contains("has more than"));
        assert!(found.is_some(), "{path}: {said:?}");
        fs::write(b.at(path), before).unwrap();
    }
    // Without these nothing can be said.
    for path in ["checkpoint", "manifest.json"] {
        let before = fs::read(b.at(path)).unwrap();
        huge(&b.at(path));
        let said = b.verify();
        assert!(said.code == 2 && said.stderr.contains("the file has more than"), "{path}: {said:?}");
        assert!(said.stderr.contains(path), "{path}: {said:?}");
        fs::write(b.at(path), before).unwrap();
    }
    assert_eq!(b.verify().code, 0);
}

#[test]
fn a_long_file_within_its_limit_takes_no_memory() {
    let b = Bundle::new();
    // One line without an end, and many lines that nobody committed to.
    let mut file = fs::File::create(b.at("journal.csv")).unwrap();
    (0..15).for_each(|_| file.write_all(&vec![b'x'; 1_000_000]).unwrap());
    let value =
        json!({"position": 3, "path": "buyer/name", "salt": "0".repeat(64), "value": "x".repeat(7_000)});
    let line = format!("{value}\n");
    let mut file = fs::File::create(b.at("personal.ndjson")).unwrap();
    (0..5_000).for_each(|_| file.write_all(line.as_bytes()).unwrap());
    let said = b.verify();
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("journal.csv: line 1 is \"xxx"), "{said:?}");
    assert!(said.stdout.contains("nothing there is committed to") && said.stdout.contains(" more\n"));
    assert!(said.stdout.len() < 100_000, "{}", said.stdout.len());
}

#[test]
fn a_path_of_the_manifest_never_leads_out_of_the_folder() {
    let b = Bundle::new();
    fs::write(b.dir.path().join("secret"), "not yours").unwrap();
    let outside = b.dir.path().join("secret").display().to_string();
    let hash = sha256(b"not yours");
    for path in [
        "../secret",
        outside.as_str(),
        "policies/../../secret",
        "tile/../../secret",
        "schemas//x",
        "",
        "\u{1b}[2J",
    ] {
        b.list(path, Some(hash));
        let said = b.verify();
        assert_eq!(said.code, 1, "{path}: {said:?}");
        let shown: String = path.escape_debug().collect();
        let line =
            said.stdout.lines().find(|line| line.contains(&format!("{shown}: is in the manifest, and no")));
        assert!(line.is_some() && !said.stdout.contains('\u{1b}'), "{path}: {said:?}");
        b.list(path, None);
    }
    assert_eq!(b.verify().code, 0);
}

#[test]
fn what_is_no_file_is_not_opened() {
    let b = Bundle::new();
    let away = b.dir.path().join("away");
    for (path, must_be_there) in [
        ("README.txt", false),
        ("journal.csv", false),
        ("tile/0/000", false),
        ("tile/entries/000", false),
        ("personal.ndjson", false),
        ("checkpoint", true),
        ("manifest.json", true),
    ] {
        fs::rename(b.at(path), &away).unwrap();
        for (what, make) in [
            ("a link", &(|to: &Path| symlink(&away, to).unwrap()) as &dyn Fn(&Path)),
            ("a pipe", &pipe),
            ("a link", &|to| symlink("/dev/zero", to).unwrap()),
        ] {
            make(&b.at(path));
            let said = b.verify();
            match must_be_there {
                true => assert!(
                    said.code == 2 && said.stderr.contains("and this folder has none"),
                    "{path}: {said:?}"
                ),
                false => {
                    assert_eq!(said.code, 1, "{path}: {said:?}");
                    assert!(said.stdout.contains(&format!("{path}: is {what}, and")), "{path}: {said:?}");
                }
            }
            fs::remove_file(b.at(path)).unwrap();
        }
        // A folder where a file is expected.
        fs::create_dir(b.at(path)).unwrap();
        assert_eq!(b.verify().code, if must_be_there { 2 } else { 1 }, "{path}");
        fs::remove_dir(b.at(path)).unwrap();
        fs::rename(&away, b.at(path)).unwrap();
    }
    // A link to a folder, and one in a circle.
    let policies = b.dir.path().join("policies-elsewhere");
    fs::rename(b.at("policies"), &policies).unwrap();
    symlink(&policies, b.at("policies")).unwrap();
    symlink(".", b.at("schemas/again")).unwrap();
    let said = b.verify();
    assert_eq!(said.code, 1);
    for line in [
        "policies: is a link, and",
        "schemas/again: is a link, and",
        "policies/AMC.v1.json: is in the manifest",
    ] {
        assert!(said.stdout.contains(line), "{line}: {said:?}");
    }
}

#[test]
fn folders_that_never_end_are_left() {
    let b = Bundle::new();
    fs::create_dir_all(b.at(&"x/".repeat(40))).unwrap();
    let said = b.verify();
    assert!(said.code == 2 && said.stderr.contains("more than 16 deep"), "{said:?}");
}

#[test]
fn json_that_is_too_deep_or_no_json_is_refused() {
    let b = Bundle::new();
    let manifest = fs::read_to_string(b.at("manifest.json")).unwrap();
    let deep = "[".repeat(1_000_000);
    let cases = [
        deep.clone(),
        manifest.replacen("\"kinds\": {", &format!("\"kinds\": {{\"x\": {deep}"), 1),
        manifest.replacen("\"size\": ", "\"size\": -", 1),
        manifest.replacen("\"size\": ", "\"size\": 1e300, \"x\": ", 1),
        manifest.replacen("\"size\": ", &format!("\"{}\": 1, \"size\": ", "\u{1b}".repeat(100_000)), 1),
        manifest.replacen("\"size\": ", &format!("\"{}\": 1, \"size\": ", "more".repeat(100_000)), 1),
        manifest[..manifest.len() / 2].to_owned(),
        String::new(),
        "null".into(),
    ];
    for text in cases {
        fs::write(b.at("manifest.json"), &text).unwrap();
        let said = b.verify();
        assert!(said.code == 2 && said.stderr.contains("manifest.json: it is no manifest: "), "{said:?}");
        assert!(said.stderr.len() < 2_000 && !said.stderr.contains('\u{1b}'), "{}", said.stderr.len());
    }
    fs::write(b.at("manifest.json"), &manifest).unwrap();
    let values = fs::read_to_string(b.at("personal.ndjson")).unwrap();
    for line in [deep[..60_000].to_owned(), "{}".into(), "x".repeat(100_000), "\u{0}".into()] {
        fs::write(b.at("personal.ndjson"), format!("{line}\n{values}")).unwrap();
        let said = b.verify();
        assert!(said.code == 2 && said.stderr.contains("personal.ndjson:1"), "{said:?}");
    }
}

/// The log's own key can sign anything: sizes that no log has, and events that are none.
#[test]
fn a_hostile_signer_gets_no_further() {
    let dir = folder();
    let path = dir.path();
    let key = SignerKey::new("hostile.example", KeyType::Log, &[3; 32]).unwrap();
    fs::write(path.join("trust"), format!("log {}\nquorum none\n", key.verifier())).unwrap();
    let bundle = |size: u64, root: Hash, files: Vec<(String, Vec<u8>)>| {
        let b = path.join("b");
        let _ = fs::remove_dir_all(&b);
        fs::create_dir(&b).unwrap();
        let note = Checkpoint::new("hostile.example", size, root).sign(&key).unwrap();
        let mut hashes = serde_json::Map::new();
        for (name, bytes) in files.into_iter().chain([("checkpoint".into(), note.to_string().into_bytes())]) {
            let file = b.join(&name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &bytes).unwrap();
            hashes.insert(name, sha256(&bytes).to_string().into());
        }
        let manifest = json!({"format": "claims-bundle/v1", "origin": "hostile.example", "size": size, "root": root,
            "code_version": "0", "books_digest": root, "kinds": {}, "control_totals": {}, "files": hashes});
        fs::write(b.join("manifest.json"), manifest.to_string()).unwrap();
        verify(path, "b")
    };
    for size in [1 << 40, (1 << 53) - 1] {
        let said = bundle(size, leaf_hash(b"x"), Vec::new());
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stdout.contains("tile/entries/000: is missing or too long"), "{said:?}");
    }
    let deep = "[".repeat(60_000).into_bytes();
    let object = format!("{}1{}", "{\"a\":".repeat(9_000), "}".repeat(9_000)).into_bytes();
    for body in [deep, object, Vec::new(), b"{}".to_vec(), vec![b'\xff'; 65_535]] {
        // A whole bundle of them, so that a full tile is made as well.
        let mut layout = Tiles::new();
        let mut frontier = Frontier::new();
        let mut files = Vec::new();
        for _ in 0..TILE_WIDTH {
            files.extend(layout.push(&body).unwrap());
            frontier.push(leaf_hash(&body));
        }
        files.extend(layout.finish());
        let files = files.into_iter().map(|file| (file.path, file.bytes)).collect();
        let said = bundle(TILE_WIDTH as u64, frontier.root(), files);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stdout.contains("first wrong event: position 1\n"), "{said:?}");
        assert!(said.stdout.contains("nothing can be posted from a broken log"), "{said:?}");
        assert!(said.stdout.len() < 100_000, "{}", said.stdout.len());
    }
}
