//! The program as people run it: a command line in; exit code, data and words out. Goldens are text files;
//! `UPDATE_GOLDEN=1` writes what is found instead, and then somebody has to read it.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_claims");
/// The repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// What a shell must not hand in, because it would change the answers.
const ENVIRONMENT: [&str; 6] = [
    "CLAIMS_LEDGER",
    "CLAIMS_ACTOR",
    "CLAIMS_ROLE",
    "CLAIMS_SOURCE",
    "CLAIMS_SIGNING_KEY",
    "CLAIMS_CHECKPOINTS",
];

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Outcome {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map_or(-1, |signal| -signal);
        Self {
            code: output.status.code().unwrap_or(signal),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// A command in a folder, with nothing handed in by the shell that runs the tests.
pub fn command(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", parent(PROGRAM));
    command.current_dir(dir).stdin(Stdio::null()).env("PATH", path).env("COLUMNS", "100").env("LC_ALL", "C");
    for name in ENVIRONMENT {
        command.env_remove(name);
    }
    command
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(parent, _)| parent)
}

/// Runs the program in a folder.
#[track_caller]
pub fn claims<A: AsRef<str>>(dir: &Path, args: &[A]) -> Outcome {
    let mut command = command(PROGRAM, dir);
    command.args(args.iter().map(AsRef::as_ref));
    command.output().unwrap_or_else(|why| panic!("{PROGRAM}: {why}")).into()
}

/// Runs the program and hands out its data; anything but success stops the test.
#[track_caller]
pub fn ok<A: AsRef<str> + std::fmt::Debug>(dir: &Path, args: &[A]) -> String {
    let outcome = claims(dir, args);
    assert_eq!(outcome.code, 0, "claims {args:?}\n{}{}", outcome.stdout, outcome.stderr);
    outcome.stdout
}

/// Runs a line of the shell in a folder whose ledger is `shop.db`.
#[track_caller]
pub fn shell(dir: &Path, line: &str) -> Outcome {
    let mut command = command("sh", dir);
    command.args(["-c", line]).env("CLAIMS_LEDGER", "shop.db");
    command.output().unwrap_or_else(|why| panic!("sh: {why}")).into()
}

/// A folder that goes away, with the fixtures in it under the names that people type.
pub fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(ROOT).join("fixtures"), dir.path().join("fixtures")).unwrap();
    dir
}

/// A ledger with one policy, three orders and five claims: `fixtures/broken/input/prepare.ndjson`.
pub fn prepare(ledger: &Path) {
    let dir = ledger.parent().unwrap();
    let name = ledger.to_str().unwrap();
    let fixtures = Path::new(ROOT).join("fixtures");
    let (policy, story) = (fixtures.join("policies/amc.toml"), fixtures.join("broken/input/prepare.ndjson"));
    ok(dir, &["init", "--origin", "test", name]);
    let policy = ["policy", "publish", policy.to_str().unwrap(), "-l", name];
    ok(dir, &[&policy[..], &["--actor", "m.klein", "--approver", "d.ruiz"]].concat());
    ok(dir, &["record", story.to_str().unwrap(), "-l", name]);
    // Folds the write-ahead log into the file, so that a copy of the file is a copy of the ledger.
    rusqlite::Connection::open(ledger).unwrap().pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
}

/// The words of a command line; single quotes hold blanks together.
pub fn words(line: &str) -> Vec<String> {
    let quoted = line.split('\'').enumerate();
    let mut words = Vec::new();
    for (index, part) in quoted {
        match index % 2 {
            0 => words.extend(part.split_whitespace().map(String::from)),
            _ => words.push(part.into()),
        }
    }
    words
}

/// Puts `<uuid>`, `<sha256>`, `<time>`, `<ms>` and, for microseconds in JSON, 0 where two runs differ. Times are those that the ledger's clock
/// made: with a fraction of a second, which no fixture has.
pub fn normalised(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let at_start = !out.ends_with(|c: char| c.is_ascii_alphanumeric());
        let micros = if out.ends_with("_us\":") { digits(rest) } else { 0 };
        let shape = match micros {
            0 if at_start => shape(rest),
            0 => None,
            len => Some((len, "0")),
        };
        match shape {
            Some((len, name)) => {
                out.push_str(name);
                rest = &rest[len..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// How many characters from the start belong to a number.
fn digits(text: &str) -> usize {
    text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len()
}

/// A uuid, a hash, a time or a duration at the beginning of a text: its length and its name.
fn shape(text: &str) -> Option<(usize, &'static str)> {
    const SHAPES: [(&str, &str); 4] = [
        ("hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh", "<uuid>"),
        ("hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh", "<sha256>"),
        ("dddd-dd-ddTdd:dd:dd.ddddddZ", "<time>"),
        ("hhhhhhhhhhhhhhhh...", "<sha256>..."),
    ];
    let fits = |pattern: &str| {
        let mut bytes = text.bytes();
        pattern.bytes().all(|p| {
            bytes.next().is_some_and(|b| match p {
                b'h' => b.is_ascii_hexdigit(),
                b'd' => b.is_ascii_digit(),
                p => p == b,
            })
        })
    };
    if let Some((pattern, name)) = SHAPES.iter().find(|(pattern, _)| fits(pattern)) {
        return Some((pattern.len(), name));
    }
    let number = digits(text);
    (number > 0 && text[number..].starts_with(" ms")).then_some((number + 3, "<ms>"))
}

/// Whether goldens are to be written instead of compared.
pub fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

/// Compares with a golden file, or writes it. The error shows where they part.
pub fn golden(path: &Path, found: &str) -> Result<(), String> {
    if updating() {
        fs::write(path, found).map_err(|why| format!("{}: {why}", path.display()))?;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == found {
        return Ok(());
    }
    let (expected, found): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let same = expected.iter().zip(&found).take_while(|(a, b)| a == b).count();
    let some = |lines: &[&str]| {
        lines.iter().skip(same).take(12).fold(String::new(), |text, line| text + line + "\n")
    };
    Err(format!(
        "{} differs from line {}\n--- expected\n{}--- found\n{}",
        path.display(),
        same + 1,
        some(&expected),
        some(&found)
    ))
}

/// The files of a folder with this extension, sorted.
pub fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap_or_else(|why| panic!("{}: {why}", dir.display()));
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == extension));
    found.sort();
    found
}

/// Runs every case, a few at a time, and names all that fail.
#[track_caller]
pub fn all<T: Sync>(cases: &[T], run: impl Fn(&T) -> Result<(), String> + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut failed = Vec::new();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            failed.extend(run(case).err());
        }
        failed
    };
    let failed: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..3).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{} of {} cases fail\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
}

/// Runs the commands of a transcript and gives the transcript that came of it. `$ ` is a line of the shell,
/// `## ` a word to the reader; what follows is data, `! ` words (stderr), `? N` the exit code if it is not 0.
#[track_caller]
pub fn transcript(text: &str, dir: &Path) -> String {
    let mut out = String::new();
    for line in text.lines().filter(|line| line.starts_with("$ ") || line.starts_with("## ")) {
        if !out.is_empty() && !out.ends_with("\n\n") {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        let Some(typed) = line.strip_prefix("$ ") else { continue };
        let outcome = shell(dir, typed);
        let tidy = |text: &str| normalised(text).replace(&*dir.to_string_lossy(), "<folder>");
        for line in tidy(&outcome.stdout).lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        for line in tidy(&outcome.stderr).lines() {
            out.push_str(format!("! {line}").trim_end());
            out.push('\n');
        }
        if outcome.code != 0 {
            out.push_str(&format!("? {}\n", outcome.code));
        }
    }
    out
}
