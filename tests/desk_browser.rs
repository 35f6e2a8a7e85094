//! The desk in a browser.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/host.rs"]
mod host;
#[path = "support/oracle.rs"]
mod oracle;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use browser::Browser;
use claims::{
    store::{Store, sqlite::SqliteStore},
    web::PAGE_BYTES_MAX,
};
use host::{Host, viewer};

/// What no page may do: be wider than the window, complain, or break a rule of accessibility. What it did is handed back.
fn look(browser: &mut Browser, host: &Host, address: &str, name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let pictures = std::env::var_os("CLAIMS_SCREENSHOTS").map(std::path::PathBuf::from);
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)] {
        browser.scheme(scheme);
        browser.size(width, 800);
        browser.visit(&format!("{}{address}", host.base));
        if let Some(dir) = &pictures {
            browser.screenshot(&dir.join(format!("{name}-{scheme}-{width}.png")));
        }
        let wide = browser.eval("document.documentElement.scrollWidth").as_u64().unwrap();
        if wide > u64::from(width) {
            wrong.push(format!("{address}: {wide} wide at {width}"));
        }
        browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        let found = browser.axe().into_iter().chain(std::mem::take(&mut browser.complaints));
        wrong.extend(found.map(|found| format!("{address} {scheme} {width}: {found}")));
    }
    wrong
}

/// A ledger with five merchants, their example claims and some generated days.
fn demo(dir: &Path) -> PathBuf {
    let path = dir.join("demo.db");
    let made = Command::new(env!("CARGO_BIN_EXE_claims"))
        .args(["demo", "--quiet", "--events", "1500", "--ledger"])
        .arg(&path)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    path
}

/// Every kind of page, with a name for its picture.
const PAGES: [(&str, &str); 25] = [
    ("/desk", "inbox"),
    ("/desk/inbox/late", "inbox-late"),
    ("/desk/inbox/missing", "inbox-missing"),
    ("/desk/claims", "claims"),
    ("/desk/claims/ATP-C-0540", "claim"),
    ("/desk/claims/ATP-C-0540?as_of=30&from=0", "claim-then"),
    ("/desk/claims/ATP-C-0540?as_of=1", "claim-before"),
    ("/desk/claims/ATP-C-0540/figures", "claim-figures"),
    ("/desk/claims/ATP-C-0540/act/inspect", "form-inspect"),
    ("/desk/orders/AT-7731", "order"),
    ("/desk/events/EVENT", "event"),
    ("/desk/search?q=RMA", "search"),
    ("/desk/money", "money"),
    ("/desk/money?by=month&merchant=AMC&currency=USD", "money-month"),
    ("/desk/money/owed?what=refund", "owed"),
    ("/desk/money/lineage?merchant=AMC&currency=USD&figure=stands", "lineage"),
    ("/desk/money/leakage?category=decisions_contradicted", "leakage"),
    ("/desk/audit", "audit"),
    ("/desk/audit/tests?test=round_amounts", "audit-tests"),
    ("/desk/audit/duties?rule=S-1", "audit-duties"),
    ("/desk/audit/months", "audit-months"),
    ("/desk/policies", "policies"),
    ("/desk/policies/AMC/1", "policy"),
    ("/desk/policies/AMC/1/what-if", "what-if"),
    ("/desk/compare?claim=ATP-C-0540&a_as_of=EVENT", "compare"),
];

#[test]
fn pages_can_be_read_by_anybody() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path());
    let host = Host::start(&path, viewer("r.okafor", &["agent", "approver", "admin", "finance", "warehouse"]));
    let event = inspected(&path);
    let only = std::env::var("DESK_ONLY").ok();
    let mut wrong = Vec::new();
    for (address, name) in PAGES {
        if only.as_ref().is_some_and(|only| !only.split(',').any(|one| one == name)) {
            continue;
        }
        wrong.extend(look(&mut browser, &host, &address.replace("EVENT", &event.to_string()), name));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let mut sizes = host.sizes.lock().unwrap().clone();
    sizes.sort();
    sizes.dedup();
    for (address, size) in &sizes {
        eprintln!("{size:>7} {address}");
        assert!(*size < PAGE_BYTES_MAX, "{address}: {size}");
    }
}

/// The position of an inspection of the example claim.
fn inspected(path: &Path) -> u64 {
    let mut store = SqliteStore::open_read_only(path).unwrap();
    let rows = store.history(&"claim/ATP-C-0540".parse().unwrap()).unwrap();
    rows.iter().find(|row| row.kind == "item_inspected").unwrap().position
}
