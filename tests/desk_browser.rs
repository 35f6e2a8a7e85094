//! The desk in a browser.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/dispute.rs"]
mod dispute;
#[path = "support/host.rs"]
mod host;
#[path = "support/oracle.rs"]
mod oracle;

use browser::Browser;
use dispute::Shop;
use host::{Host, viewer};

const CLAIM: &str = "ATP-C-0540";

/// What no page may do: be wider than the window, complain, or break a rule of accessibility.
#[track_caller]
fn look(browser: &mut Browser, host: &Host, address: &str, name: &str) {
    let pictures = std::env::var_os("CLAIMS_SCREENSHOTS").map(std::path::PathBuf::from);
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)] {
        browser.scheme(scheme);
        browser.size(width, 800);
        browser.visit(&format!("{}{address}", host.base));
        if let Some(dir) = &pictures {
            browser.screenshot(&dir.join(format!("{name}-{scheme}-{width}.png")));
        }
        let wide = browser.eval("document.documentElement.scrollWidth").as_u64().unwrap();
        assert!(wide <= u64::from(width), "{address}: {wide} wide at {width}");
        assert_eq!(browser.axe(), Vec::<String>::new(), "{address} {scheme} {width}");
        browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
        assert_eq!(browser.axe(), Vec::<String>::new(), "{address} {scheme} {width}, opened");
        assert_eq!(browser.complaints, Vec::<String>::new(), "{address}");
    }
}

#[test]
fn pages_can_be_read_by_anybody() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.db");
    let mut shop = Shop::new(&path);
    for story in ["atp-corrected-inspection", "amc-partial-return", "amc-paid-repair"] {
        shop.play(story);
    }
    let host = Host::start(&path, viewer("r.okafor", &["agent", "approver"]));
    look(&mut browser, &host, "/desk", "inbox");
    look(&mut browser, &host, &format!("/desk/claims/{CLAIM}"), "claim");
    for (address, size) in host.sizes.lock().unwrap().iter() {
        eprintln!("{size:>7} {address}");
        assert!(*size < claims::web::PAGE_BYTES_MAX, "{address}: {size}");
    }
}
