//! The rules of the house as a test. A ratchet: what is clean stays clean, and the few exceptions are listed
//! with their reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files past this size must say which one thing they are.
const FILE_BYTES_MAX: u64 = 20 * 1024;
/// Larger files and why they are one thing. They may shrink; nobody may join without a reason.
const LARGE: [(&str, u64, &str); 1] = [(
    "replay/src/decide.rs",
    32_000,
    "every refusal with its code, words and hint beside the rule that raises it",
)];

fn files(dir: &str, extension: &str) -> Vec<(String, String)> {
    fn walk(dir: &Path, extension: &str, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|e| e == extension) {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(dir), extension, &mut found);
    found.sort();
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            (name, fs::read_to_string(&path).unwrap_or_default())
        })
        .collect()
}

/// The code of a file without its tests and comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("\nmod tests {").unwrap_or(text.len());
    text[..end]
        .lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn never(dir: &str, words: &[&str], except: &[&str], why: &str) {
    let mut found = Vec::new();
    for (name, text) in files(dir, "rs") {
        if except.iter().any(|e| name.starts_with(e)) {
            continue;
        }
        for (number, line) in code(&text) {
            if let Some(word) = words.iter().find(|word| line.contains(**word)) {
                found.push(format!("{name}:{number}: '{word}': {why}"));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_engine_has_no_clock_no_io_no_chance() {
    let words = [
        "std::",
        "Utc::now",
        "Local::now",
        "SystemTime",
        "now_v7",
        "new_v4",
        "getrandom",
        "println!",
        "thread",
    ];
    never("replay/src", &words, &[], "the engine is handed what varies");
}

#[test]
fn time_ids_and_chance_enter_at_one_door() {
    let words = ["Utc::now", "Local::now", "SystemTime::now", "now_v7", "new_v4", "getrandom::"];
    never("src", &words, &["src/door.rs"], "ask door.rs");
}

#[test]
fn arrows_never_run_backwards() {
    never("src/store", &["crate::ledger", "crate::cli", "crate::proof"], &[], "a store decides nothing");
    never("src/ledger", &["crate::cli", "crate::proof"], &[], "the ledger does not know who calls it");
    never(
        "src",
        &["crate::cli"],
        &["src/cli", "src/lib.rs", "src/main.rs"],
        "only main.rs calls the command line",
    );
    never(
        "src",
        &["crate::http"],
        &["src/http", "src/cli/serve.rs", "src/cli/demo/served.rs", "src/lib.rs"],
        "only the service and the verb that starts it know of it",
    );
    never("src/http", &["axum::Json", "serde_json::from_"], &[], "input is read by the one reader of JSON");
    never("replay/src", &["claims::", "rusqlite", "tokio"], &[], "the engine depends on nothing of ours");
}

#[test]
fn sql_stays_in_the_store() {
    let words = ["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE tip", "PRAGMA ", "rusqlite::"];
    never("src", &words, &["src/store"], "SQL stays under store/");
}

#[test]
fn async_stops_at_the_door() {
    never(
        "src",
        &["async fn", "async move", ".await"],
        &["src/writer.rs", "src/http"],
        "everything behind the door of the service is synchronous",
    );
}

#[test]
fn no_code_names_a_merchant() {
    let words = ["Amcrest", "Pro-Tekt", "Car-Gps", "\"AMC\"", "\"PTK\"", "\"CGD\"", "\"RNE\"", "\"ATP\""];
    never("src", &words, &[], "a merchant is data");
    never("replay/src", &words, &[], "a merchant is data");
}

#[test]
fn nothing_unwraps_outside_tests() {
    never(
        "src",
        &[".unwrap()", ".expect(\"", "panic!(", "unreachable!("],
        &[],
        "return an error with kind, cause and hint",
    );
}

#[test]
fn no_floats() {
    let words = [": f64", ": f32", "as f64", "as f32", "<f64>", "as_f64"];
    // The canonical writer names them to refuse them: serde asks every writer for both.
    never("replay/src", &words, &["replay/src/canonical/write.rs"], "money is integer minor units");
    never("src", &words, &[], "money is integer minor units");
}

#[test]
fn a_file_fits_a_sitting() {
    let mut found = Vec::new();
    for (name, text) in files("src", "rs").into_iter().chain(files("replay/src", "rs")) {
        let end = text.find("\nmod tests {").unwrap_or(text.len());
        let bytes = u64::try_from(end).unwrap_or(u64::MAX);
        let max = LARGE.iter().find(|(large, ..)| *large == name).map_or(FILE_BYTES_MAX, |(_, max, _)| *max);
        if bytes > max {
            found.push(format!(
                "{name} has {bytes} bytes without its tests, at most {max}: which two things is it?"
            ));
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn every_file_is_used() {
    let mut found = Vec::new();
    for dir in ["src", "replay/src"] {
        let all = files(dir, "rs");
        for (name, _) in &all {
            let stem = Path::new(name).file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            let parent = Path::new(name)
                .parent()
                .and_then(Path::file_name)
                .and_then(|s| s.to_str())
                .unwrap_or_default();
            let module = if stem == "mod" { parent } else { stem };
            let declared = all
                .iter()
                .any(|(_, text)| text.lines().any(|l| l.trim().ends_with(&format!("mod {module};"))));
            if !declared && !matches!(stem, "lib" | "main") {
                found.push(format!("{name} is in no module"));
            }
        }
    }
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!(", "unimplemented!(", "FIXME", "PENDING"];
    never("src", &words, &[], "finish it or leave it out");
    never("replay/src", &words, &[], "finish it or leave it out");
    never(
        "tests",
        &["#[ignore", "should_panic", "thread::sleep"],
        &["tests/tidy.rs", "tests/crash.rs"],
        "a test runs, and says what it expects",
    );
}
