//! The dispute packet in a browser: it verifies itself from a file, names what was changed, says what it cannot check, and
//! passes axe-core in light and dark. `tests/oracles/install.sh chromium axe` brings what this needs; without it the tests
//! say so, and fail only under `CLAIMS_ORACLES=required`. `CLAIMS_SCREENSHOTS=DIR` keeps pictures of the page.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/dispute.rs"]
mod dispute;
#[path = "support/oracle.rs"]
mod oracle;

use std::{fs, path::Path};

use browser::Browser;
use claims::packet::{self, Options};
use dispute::{Shop, redact};
use replay::evidence::trust::Trust;

const CLAIM: &str = "ATP-C-0540";

/// A packet with a signed checkpoint, corrections and a reversal, and the key that checks it.
fn page(dir: &Path, hostile: bool, with_key: bool) -> (String, String) {
    let mut shop = Shop::new(&dir.join("shop.db"));
    shop.hostile = hostile;
    shop.play("atp-corrected-inspection");
    shop.play("amc-partial-return");
    let key = shop.sign();
    let trust = with_key.then(|| Trust::in_log(key.parse().unwrap()));
    let packet = shop.packet(CLAIM, &Options { trust, with_notes: true, ..Options::default() });
    (packet::html(&packet).unwrap(), key)
}

struct Seen {
    state: String,
    title: String,
    text: String,
    failed: u64,
    verified: u64,
}

/// Opens a page and reads what it says of itself.
#[track_caller]
fn look(browser: &mut Browser, dir: &Path, html: &str) -> Seen {
    let file = dir.join("packet.html");
    fs::write(&file, html).unwrap();
    browser.open(&file);
    browser.until("!['unchecked', 'checking'].includes(document.getElementById('verdict').dataset.state)");
    read(browser)
}

fn read(browser: &mut Browser) -> Seen {
    let text =
        |browser: &mut Browser, script: &str| browser.eval(script).as_str().unwrap_or_default().to_owned();
    let count = |browser: &mut Browser, state: &str| {
        browser
            .eval(&format!("document.querySelectorAll('[data-result][data-state={state}]').length"))
            .as_u64()
            .unwrap()
    };
    Seen {
        state: text(browser, "document.getElementById('verdict').dataset.state"),
        title: text(browser, "document.getElementById('verdict-title').textContent"),
        text: text(browser, "document.getElementById('verdict-text').textContent"),
        failed: count(browser, "failed"),
        verified: count(browser, "verified"),
    }
}

/// Nothing but the file itself, and nothing on the console.
fn is_quiet(browser: &Browser) {
    assert_eq!(browser.complaints, Vec::<String>::new());
    assert!(browser.requests.values().all(|url| url.ends_with("/packet.html")), "{:?}", browser.requests);
}

#[test]
fn the_page_verifies_itself_and_anybody_can_read_it() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (html, _) = page(dir.path(), false, true);
    browser.size(1200, 900);
    let seen = look(&mut browser, dir.path(), &html);
    assert_eq!((seen.state.as_str(), seen.failed), ("verified", 0), "{} {}", seen.title, seen.text);
    assert!(seen.text.contains("signature was verified with the key in this page"), "{}", seen.text);
    let events = browser.eval("document.querySelectorAll('[data-event]').length").as_u64().unwrap();
    assert_eq!((seen.verified, events > 15), (events, true));
    assert_eq!(browser.eval("isSecureContext && !!crypto.subtle"), true, "a file is a secure context");
    let key = browser.eval("document.querySelector('[data-key]').textContent");
    assert_eq!(key, "signature verified");
    is_quiet(&browser);
    let pictures = std::env::var_os("CLAIMS_SCREENSHOTS").map(std::path::PathBuf::from);
    for (scheme, width) in [("light", 1200), ("light", 360), ("dark", 1200), ("dark", 360)] {
        browser.scheme(scheme);
        browser.size(width, 800);
        let wide = browser.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} at {width}");
        if let Some(dir) = &pictures {
            browser.screenshot(&dir.join(format!("packet-{scheme}-{width}.png")));
        }
        for open in ["false", "true"] {
            browser.eval(&format!(
                "document.querySelectorAll('details').forEach((d) => {{ d.open = {open}; }})"
            ));
            assert_eq!(browser.axe(), Vec::<String>::new(), "{scheme} {width} open {open}");
        }
        let wide = browser.eval("document.documentElement.scrollWidth");
        assert!(wide.as_u64().is_some_and(|wide| wide <= u64::from(width)), "{wide} at {width}, opened");
        browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = false; })");
    }
    is_quiet(&browser);
    // By keyboard: what is focused can be seen, and the first stops are the ways through the page.
    browser.size(1200, 900);
    let pdf = browser.print();
    assert!(pdf.starts_with(b"%PDF"));
    if let Some(dir) = &pictures {
        fs::write(dir.join("packet.pdf"), pdf).unwrap();
    }
    let key =
        serde_json::json!({ "type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
    browser.call("Input.dispatchKeyEvent", key);
    assert_eq!(browser.eval("document.activeElement.getAttribute('href')"), "#summary");
    let outline = browser.eval("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid", "the focus can be seen");
}

/// What somebody could change in a copy, and a word of what the page says then.
const TAMPERED: [(&str, &str, &str, &str); 9] = [
    // One byte of an event's stored bytes: an amount.
    ("a body", r#"\"minor\":98847"#, r#"\"minor\":98846"#, "do not have the hash"),
    ("a leaf", "\"leaf\":\"", "\"leaf\":\"0", "do not have the hash"),
    ("a path", "\"path\":[\"", "\"path\":[\"00", "not in the log"),
    ("the root", "\"root\":\"", "\"root\":\"00", "not in the log"),
    ("a personal value", "\"value\":\"", "\"value\":\"x", "not the one that was committed to"),
    ("a place", "\"personal\":[],\"position\":", "\"personal\":[],\"position\":1", "log"),
    ("an actor that is shown", "@actor\">", "@actor\">x", "another actor"),
    ("a clause that is shown", "data-clause=\"ATP-1.1\">", "data-clause=\"ATP-1.1\">not ", "another clause"),
    ("a sentence that is shown", "<p class=\"lead\">", "<p class=\"lead\">No ", "words of the page"),
];

#[test]
fn a_changed_copy_says_that_it_was_changed() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (html, _) = page(dir.path(), false, true);
    for (what, from, to, says) in TAMPERED {
        assert!(html.contains(from), "{what}: nothing to change");
        let seen = look(&mut browser, dir.path(), &html.replacen(from, to, 1));
        assert_eq!(seen.state, "failed", "{what}: {} {}", seen.title, seen.text);
        assert!(seen.title.contains("NOT VERIFIED") && seen.text.contains(says), "{what}: {}", seen.text);
        is_quiet(&browser);
    }
    // A signature by another key, an event without its proof, and a whole event left out of what is shown.
    let data = html.split_once("id=\"packet\">").unwrap().1.split_once("</script>").unwrap().0;
    let mut other: serde_json::Value = serde_json::from_str(data).unwrap();
    let note = other["heads"][0]["checkpoint"].as_str().unwrap().to_owned();
    let cut = note.len() - 12;
    let forged =
        format!("{}{}{}", &note[..cut], if &note[cut..=cut] == "A" { "B" } else { "A" }, &note[cut + 1..]);
    other["heads"][0]["checkpoint"] = forged.into();
    let seen = look(&mut browser, dir.path(), &html.replacen(data, &other.to_string(), 1));
    assert!(seen.state == "failed" && seen.text.contains("SIGNATURE IS FALSE"), "{}", seen.text);
    let mut fewer: serde_json::Value = serde_json::from_str(data).unwrap();
    fewer["events"].as_array_mut().unwrap().pop();
    let seen = look(&mut browser, dir.path(), &html.replacen(data, &fewer.to_string(), 1));
    assert!(seen.state == "failed" && seen.text.contains("without a proof"), "{}", seen.text);
    let (before, after) = html.split_once("<li id=\"e").unwrap();
    let left_out = format!("{before}{}", after.split_once("</li>").unwrap().1);
    let seen = look(&mut browser, dir.path(), &left_out);
    assert_eq!(seen.state, "failed", "{}", seen.text);
}

#[test]
fn what_cannot_be_checked_is_said() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (html, key) = page(dir.path(), false, false);
    // No key came along: the reader has one.
    let seen = look(&mut browser, dir.path(), &html);
    assert_eq!(seen.state, "verified", "{}", seen.text);
    assert!(seen.text.contains("signature was not checked: no key came along"), "{}", seen.text);
    let answer = |browser: &mut Browser, key: &str| {
        let key = serde_json::to_string(key).unwrap();
        browser.eval(&format!("document.getElementById('key-answer').textContent = ''; document.getElementById('vkey').value = {key}; document.getElementById('check-key').click()"));
        browser.until("document.getElementById('key-answer').textContent");
        browser.eval("document.getElementById('key-answer').textContent").as_str().unwrap().to_owned()
    };
    assert_eq!(answer(&mut browser, &key), "signature verified");
    let other = replay::evidence::note::SignerKey::new(
        dispute::ORIGIN,
        replay::evidence::note::KeyType::Log,
        &[9; 32],
    );
    let other = other.unwrap().verifier().to_string();
    assert_eq!(answer(&mut browser, &other), "this key has not signed the checkpoint");
    assert!(answer(&mut browser, "nonsense").contains("this is no key"));
    // No scripts at all.
    browser.scripts(false);
    let file = dir.path().join("packet.html");
    browser.open(&file);
    let seen = read(&mut browser);
    assert_eq!((seen.state.as_str(), seen.verified), ("unchecked", 0));
    assert!(seen.title.contains("included, and were not checked"), "{}", seen.title);
    browser.scripts(true);
    // A browser without Ed25519, and one without Web Crypto.
    let mut browser = Browser::start().unwrap();
    let (html, _) = {
        fs::remove_file(dir.path().join("shop.db")).unwrap();
        page(dir.path(), false, true)
    };
    browser.before_every_page(
        "SubtleCrypto.prototype.importKey = () => Promise.reject(new Error('no Ed25519'))",
    );
    let seen = look(&mut browser, dir.path(), &html);
    assert!(seen.state == "verified" && seen.text.contains("not checked by this browser"), "{}", seen.text);
    browser.before_every_page("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })");
    let seen = look(&mut browser, dir.path(), &html);
    assert_eq!(seen.state, "unavailable", "{} {}", seen.title, seen.text);
    assert!(seen.text.contains("no Web Crypto"), "{}", seen.text);
}

#[test]
fn a_page_without_its_personal_values_verifies_as_well() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::new(&dir.path().join("shop.db"));
    shop.play("atp-corrected-inspection");
    let page = |shop: &mut Shop, without_personal| {
        packet::html(&shop.packet(CLAIM, &Options { without_personal, ..Options::default() })).unwrap()
    };
    let withheld = page(&mut shop, true);
    redact(&mut shop, CLAIM);
    for (html, says) in [
        (withheld, "[left out of this packet]"),
        (page(&mut shop, false), "[redacted 2024-12-01, gdpr_art17]"),
    ] {
        let seen = look(&mut browser, dir.path(), &html);
        assert_eq!((seen.state.as_str(), seen.failed), ("verified", 0), "{says}: {}", seen.text);
        assert!(seen.text.contains("No checkpoint was signed"), "{}", seen.text);
        let quoted = serde_json::to_string(says).unwrap();
        let shown =
            browser.eval(&format!("document.querySelector('#summary').textContent.includes({quoted})"));
        assert_eq!(shown, true, "{says}");
        assert_eq!(browser.axe(), Vec::<String>::new());
        is_quiet(&browser);
    }
}

#[test]
fn hostile_texts_are_shown_and_do_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (html, _) = page(dir.path(), true, true);
    let seen = look(&mut browser, dir.path(), &html);
    assert_eq!((seen.state.as_str(), seen.failed), ("verified", 0), "{}", seen.text);
    assert_eq!(
        browser.eval("[typeof pwned, document.scripts.length, document.images.length].join()"),
        "undefined,2,0"
    );
    browser.size(360, 800);
    assert!(browser.eval("document.documentElement.scrollWidth").as_u64().unwrap() <= 360);
    assert_eq!(browser.axe(), Vec::<String>::new());
    is_quiet(&browser);
    // Even markup that got in would do nothing: no other script runs, and nothing is fetched.
    let inside =
        "</main><script>pwned=2</script><img src=\"https://example.invalid/x.png\" onerror=\"pwned=3\">";
    look(&mut browser, dir.path(), &html.replacen("</main>", inside, 1));
    browser.eval("new Promise((done) => setTimeout(done, 100))");
    assert_eq!(browser.eval("typeof pwned"), "undefined");
    assert!(
        browser.complaints.iter().filter(|c| c.contains("Content Security Policy")).count() >= 2,
        "{:?}",
        browser.complaints
    );
    assert!(browser.requests.values().all(|url| url.starts_with("file://")), "{:?}", browser.requests);
}

#[test]
fn every_example_claim_verifies() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut shop = Shop::new(&dir.path().join("shop.db"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/claims");
    let mut stories: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    stories.sort();
    for story in stories.iter().filter_map(|name| name.strip_suffix(".ndjson")) {
        shop.play(story);
    }
    shop.sign();
    let claims: Vec<String> = shop
        .ledger
        .store()
        .board(&claims::view::Filter::default(), None, 100)
        .unwrap()
        .into_iter()
        .map(|row| row.claim)
        .collect();
    assert!(claims.len() >= 17);
    for claim in claims {
        let html = packet::html(&shop.packet(&claim, &Options::default())).unwrap();
        let seen = look(&mut browser, dir.path(), &html);
        assert_eq!((seen.state.as_str(), seen.failed), ("verified", 0), "{claim}: {}", seen.text);
        is_quiet(&browser);
    }
}
