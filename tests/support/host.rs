//! `claims serve` on a ledger in which roles are held, with people who can log in, and a browser that acts for them.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use claims::{access::Access, door::Door};
use replay::ids::ActorId;
use serde_json::Value;

use super::browser::Browser;

/// Everybody has the same password here.
pub const PASSWORD: &str = "a long word for tests";
/// Who there is, with their roles.
pub const PEOPLE: [(&str, &[&str]); 7] = [
    ("b.oss", &["admin"]),
    ("all.hands", &["agent", "warehouse", "approver", "finance"]),
    ("a.gent", &["agent"]),
    ("w.dock", &["warehouse"]),
    ("a.prover", &["approver"]),
    ("f.pay", &["finance"]),
    ("a.udit", &["auditor"]),
];

pub struct Host {
    /// e.g. `http://127.0.0.1:1234`.
    pub base: String,
    pub ledger: PathBuf,
    child: Child,
}

pub fn claims(ledger: &Path, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_claims"));
    let made = command.args(args).arg("--ledger").arg(ledger).env_remove("CLAIMS_ACTOR").output().unwrap();
    assert!(made.status.success(), "{args:?}: {}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap()
}

/// A ledger with five merchants, their example claims and some generated days, in which roles are held.
pub fn demo(dir: &Path, events: u32) -> PathBuf {
    let path = dir.join("demo.db");
    claims(&path, &["demo", "--quiet", "--events", &events.to_string()]);
    let key = dir.join("demo.key");
    claims(&path, &["key", "new", key.to_str().unwrap()]);
    claims(&path, &["rebuild", "--signing-key", key.to_str().unwrap()]);
    grant(&path);
    path
}

/// Gives everybody their roles. Somebody has to be admin first, and that is who stands first in the list.
pub fn grant(ledger: &Path) {
    for (who, roles) in PEOPLE {
        for role in roles {
            let by = if *role == "admin" { who } else { PEOPLE[0].0 };
            claims(ledger, &["grant", who, role, "--actor", by, "--role", "admin"]);
        }
    }
}

impl Host {
    /// Starts the service; everybody gets a password.
    pub fn start(ledger: &Path) -> Self {
        let access = Access::beside(ledger).unwrap();
        for (who, _) in PEOPLE {
            let actor = ActorId::new(who).unwrap();
            let link = access.invite(&mut Door::System, &actor, "test").unwrap();
            access.choose(link.reveal(), &actor, PASSWORD, Door::System.now()).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_claims"));
        command.args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--rate",
            "0",
            "--logs",
            "quiet",
            "--json",
            "--ledger",
        ]);
        let mut child = command.arg(ledger).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let base = said["url"].as_str().unwrap().trim_end_matches('/').to_owned();
        Self { base, ledger: ledger.into(), child }
    }

    /// Opens a page of the service.
    #[track_caller]
    pub fn visit(&self, browser: &mut Browser, address: &str) {
        browser.visit(&format!("{}{address}", self.base));
    }

    /// Logs somebody in, whoever was before.
    #[track_caller]
    pub fn log_in(&self, browser: &mut Browser, who: &str) {
        browser.call("Network.clearBrowserCookies", serde_json::json!({}));
        self.visit(browser, "/login");
        let name =
            browser.eval("document.querySelector('form input:not([type=hidden]):not([type=password])').name");
        let fill = format!(
            "document.querySelector('[name={}]').value = {who:?}; document.querySelector('[type=password]').value = {PASSWORD:?};",
            name.as_str().unwrap()
        );
        browser.eval(&fill);
        browser.follow("document.querySelector('form').requestSubmit()");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
