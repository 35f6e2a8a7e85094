//! Backups of a ledger in use, and ledgers out of backups: one moment of the ledger, audited, or nothing at all.

#[path = "support/program.rs"]
mod program;

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use program::{Outcome, PROGRAM, claims, command, folder, ok, prepare, words};
use rusqlite::Connection;

struct Shop(tempfile::TempDir);

impl Shop {
    fn open() -> Self {
        let shop = Self(folder());
        prepare(&shop.path().join("shop.db"));
        shop
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn run(&self, line: &str) -> Outcome {
        claims(self.path(), &words(line))
    }
    #[track_caller]
    fn ok(&self, line: &str) -> String {
        ok(self.path(), &words(line))
    }
    /// An error of this code and these words, and no file more than before.
    #[track_caller]
    fn refused(&self, line: &str, code: i32, says: &str) {
        let before = self.files();
        let said = self.run(line);
        assert!(said.code == code && said.stderr.contains(says), "{line}: {said:?}");
        assert_eq!(self.files(), before, "{line}");
    }
    fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.path()).unwrap().map(|file| file.unwrap().file_name());
        let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
        names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        names.sort();
        names
    }
}

/// Everything the log and its personal values say.
fn log(shop: &Shop, ledger: &str) -> (String, String) {
    let personal = shop.path().join(format!("{ledger}.personal"));
    let events = shop.ok(&format!("export events --personal {} -l {ledger}", personal.display()));
    let values = fs::read_to_string(&personal).unwrap();
    fs::remove_file(personal).unwrap();
    (events, values)
}

#[test]
fn what_is_restored_is_what_was_backed_up() {
    let shop = Shop::open();
    let said = shop.ok("backup copy.db -l shop.db");
    assert!(said.starts_with("backed up to copy.db: 31 events of test, "), "{said}");
    assert!(said.ends_with("audited: log and books agree\n"), "{said}");
    shop.ok("rebuild --actor nightly -l shop.db");
    let said = shop.ok("restore copy.db -l again.db --json");
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&said["copy"]["events"], &said["copy"]["agrees"]), (&31.into(), &true.into()), "{said}");
    assert_eq!(log(&shop, "copy.db"), log(&shop, "again.db"));
    assert!(shop.ok("audit -l again.db").ends_with("log and books agree\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        for file in ["copy.db", "again.db"] {
            let mode = fs::metadata(shop.path().join(file)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{file} holds personal values");
        }
    }
}

#[test]
fn a_backup_is_one_moment_of_a_ledger_in_use() {
    let shop = Shop::open();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                shop.ok("rebuild --actor nightly -l shop.db");
                written += 1;
            }
            written
        });
        let mut sizes = Vec::new();
        for number in 0..5 {
            let said = shop.ok(&format!("backup {number}.db -l shop.db --json"));
            let said: serde_json::Value = serde_json::from_str(&said).unwrap();
            assert_eq!(said["copy"]["agrees"], true, "{said}");
            sizes.push(said["copy"]["events"].as_u64().unwrap());
        }
        stop.store(true, Ordering::Relaxed);
        assert!(writer.join().unwrap() > 0 && sizes.is_sorted() && sizes[0] < sizes[4], "{sizes:?}");
    });
    // Each of them is a beginning of the ledger.
    shop.ok("key new shop.key -l shop.db");
    let whole = log(&shop, "shop.db").0;
    for number in 0..5 {
        assert!(whole.starts_with(&log(&shop, &format!("{number}.db")).0), "{number}");
    }
}

#[test]
fn nothing_takes_the_place_of_another_file_and_nothing_half_done_stays() {
    let shop = Shop::open();
    fs::write(shop.path().join("there"), "somebody's").unwrap();
    shop.refused("backup there -l shop.db", 11, "there is something under this name already");
    shop.refused("restore shop.db -l there", 11, "nothing was overwritten");
    shop.refused("backup nowhere/copy.db -l shop.db", 14, "nowhere");
    shop.refused("backup copy.db -l there", 15, "not a database");
    shop.refused("restore there -l new.db", 15, "not a database");
    shop.refused("restore absent -l new.db", 14, "no such file");
    assert_eq!(fs::read_to_string(shop.path().join("there")).unwrap(), "somebody's");
    fs::write(shop.path().join(".copy.db.partial"), "").unwrap();
    shop.refused("backup copy.db -l shop.db", 11, "writing was broken off, or is going on");
}

#[test]
fn stopped_in_the_middle_it_leaves_nothing() {
    let shop = Shop::open();
    shop.ok("demo --quiet --events 3000 --ledger big.db");
    let mut backup = command(PROGRAM, shop.path());
    let mut backup = backup.args(["backup", "copy.db", "-l", "big.db"]).spawn().unwrap();
    let partial = shop.path().join(".copy.db.partial");
    let begun = Instant::now();
    // The copy itself is quick; its audit is not.
    while fs::metadata(&partial).map_or(0, |data| data.len()) < 1_000_000 {
        assert!(begun.elapsed() < Duration::from_secs(60) && backup.try_wait().unwrap().is_none());
        thread::yield_now();
    }
    let sent = command("kill", shop.path()).args(["-INT", &backup.id().to_string()]).status().unwrap();
    assert!(sent.success());
    assert_eq!(backup.wait().unwrap().code(), Some(130));
    assert!(!partial.exists() && !shop.path().join("copy.db").exists(), "{:?}", shop.files());
    // Nor what SQLite keeps beside a file that is open.
    let names = fs::read_dir(shop.path()).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().contains("copy.db")).collect();
    assert_eq!(left, Vec::<std::ffi::OsString>::new());
    shop.ok("backup copy.db -l big.db");
}

#[test]
fn a_broken_ledger_is_backed_up_and_said_to_be_broken_and_is_not_restored() {
    let shop = Shop::open();
    let file = Connection::open(shop.path().join("shop.db")).unwrap();
    assert_eq!(file.execute("UPDATE refund_totals SET credited_minor = 1", []), Ok(2));
    let said = shop.run("backup copy.db -l shop.db");
    assert!(said.code == 1 && said.stdout.ends_with("audited: log and books DIFFER\n"), "{said:?}");
    assert!(shop.path().join("copy.db").exists(), "it is evidence");
    shop.refused("restore copy.db -l new.db", 18, "the backup is not sound; nothing was restored");
}

#[test]
fn a_backup_is_held_against_what_somebody_else_saw_signed() {
    let shop = Shop::open();
    let vkey = shop.ok("key new shop.key -l shop.db").trim().to_owned();
    let sign = |name: &str| {
        shop.ok(&format!("checkpoint sign --signing-key shop.key --out {name} --actor d.ruiz -l shop.db"));
    };
    sign("april");
    shop.ok("backup old.db -l shop.db");
    shop.ok("rebuild --actor nightly -l shop.db");
    sign("may");
    shop.ok("backup new.db -l shop.db");
    let trusting = format!("--log-key {vkey} --checkpoint april --checkpoint may");
    shop.refused(
        &format!("restore old.db -l one.db {trusting}"),
        18,
        "33 events were signed, and 32 are there",
    );
    shop.refused("restore new.db -l one.db --checkpoint may", 64, "without a key that is trusted");
    let said = shop.ok(&format!("restore new.db -l one.db {trusting}"));
    assert!(said.starts_with("restored to one.db: 34 events of test"), "{said}");
    assert_eq!(shop.run(&format!("verify one.db {trusting}")).code, 0);
}
