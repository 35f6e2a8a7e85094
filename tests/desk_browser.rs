//! The desk in a browser, served by `claims serve`: everybody can read it, each act is tried before it is recorded, what is
//! forbidden is forbidden, hostile texts stay texts. `tests/oracles/install.sh chromium axe` brings what this needs;
//! without it the tests say so, and fail only under `CLAIMS_ORACLES=required`. `CLAIMS_SCREENSHOTS=DIR` keeps pictures.

#[path = "support/browser.rs"]
mod browser;
#[path = "support/dispute.rs"]
mod dispute;
#[path = "support/host.rs"]
mod host;
#[path = "support/oracle.rs"]
mod oracle;

use std::{fs, path::Path};

use browser::Browser;
use claims::{
    store::{Store, sqlite::SqliteStore},
    web::PAGE_BYTES_MAX,
};
use dispute::{HOSTILE, Shop};
use host::{Host, claims, demo, grant};
use serde_json::{Value, json};

/// What no page may do: be wider than the window, larger than a page may be, complain, or break a rule of accessibility.
/// What it did is handed back.
fn look(browser: &mut Browser, host: &Host, address: &str, name: &str) -> Vec<String> {
    let pictures = std::env::var_os("CLAIMS_SCREENSHOTS").map(std::path::PathBuf::from);
    let mut wrong = Vec::new();
    let (mut size, mut slowest) = (0, 0);
    for (scheme, width) in [("light", 1200), ("dark", 1200), ("light", 360), ("dark", 360)] {
        browser.scheme(scheme);
        browser.size(width, 800);
        host.visit(browser, address);
        let loaded = browser.eval(
            "(({ decodedBodySize, domInteractive, responseStatus }) => [decodedBodySize, Math.ceil(domInteractive), responseStatus])(performance.getEntriesByType('navigation')[0])",
        );
        let number = |at: usize| loaded[at].as_u64().unwrap();
        size = number(0);
        slowest = slowest.max(number(1));
        // The same for programs, where it says.
        if (scheme, width) == ("light", 1200) && name != "claim-before" {
            let twin = browser.eval("((a) => a && fetch(a.pathname + a.search).then((r) => a.pathname + a.search + ' ' + r.status))(document.querySelector('a.twin'))");
            if !twin.as_str().is_some_and(|twin| twin.ends_with(" 200")) {
                wrong.push(format!("{address}: its twin is {twin}"));
            }
        }
        if usize::try_from(size).unwrap() > PAGE_BYTES_MAX || number(2) != 200 {
            wrong.push(format!("{address}: {size} bytes, status {}", number(2)));
        }
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
    eprintln!("{size:>7} bytes, interactive after {slowest:>4} ms at most: {address}");
    wrong
}

/// Every kind of page, with a name for its picture. EVENT is the inspection of the example claim.
const PAGES: [(&str, &str); 27] = [
    ("/desk", "inbox"),
    ("/desk/inbox/late", "inbox-late"),
    ("/desk/inbox/missing", "inbox-missing"),
    ("/desk/claims", "claims"),
    ("/desk/claims/ATP-C-0540", "claim"),
    ("/desk/claims/C1", "claim-open"),
    ("/desk/claims/ATP-C-0540?as_of=EVENT&known_at=&effective_at=", "claim-then"),
    ("/desk/claims/ATP-C-0540?as_of=13", "claim-before"),
    ("/desk/claims/ATP-C-0540/figures", "claim-figures"),
    ("/desk/claims/C1/act/authorize", "form"),
    ("/desk/claims/C1/act/note", "form-note"),
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
    let path = demo(dir.path(), 1_500);
    story(&path);
    let host = Host::start(&path);
    let event = inspected(&path);
    host.log_in(&mut browser, "all.hands");
    // Pages whose work is under way are loaded again; what came of it is what is looked at.
    let only = std::env::var("DESK_ONLY").ok();
    let mut wrong = Vec::new();
    for (address, name) in PAGES {
        if only.as_ref().is_none_or(|only| only.split(',').any(|one| one == name)) {
            wrong.extend(look(&mut browser, &host, &address.replace("EVENT", &event.to_string()), name));
        }
    }
    host.log_in(&mut browser, "b.oss");
    wrong.extend(look(&mut browser, &host, "/desk/policies/draft", "draft"));
    // By keyboard: the first stop leads past the navigation, and what is focused can be seen.
    host.visit(&mut browser, "/desk");
    let key = json!({ "type": "keyDown", "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9 });
    browser.call("Input.dispatchKeyEvent", key);
    assert_eq!(browser.eval("document.activeElement.getAttribute('href')"), "#main");
    assert_eq!(browser.eval("getComputedStyle(document.activeElement).outlineStyle"), "solid");
    assert!(browser.print().starts_with(b"%PDF"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The position of an inspection of the example claim.
fn inspected(path: &Path) -> u64 {
    let mut store = SqliteStore::open_read_only(path).unwrap();
    let rows = store.history(&"claim/ATP-C-0540".parse().unwrap()).unwrap();
    rows.iter().find(|row| row.kind == "item_inspected").unwrap().position
}

/// A claim that waits to be authorized.
fn story(ledger: &Path) {
    let agent = ["--actor", "all.hands", "--role", "agent"];
    let tell = |args: &[&str]| claims(ledger, &[args, &agent].concat());
    tell(&[
        "order",
        "O1",
        "--policy",
        "AMC",
        "--currency",
        "USD",
        "--country",
        "US",
        "--purchased-at",
        "2024-10-28T12:00:00-05:00",
        "--sku",
        "CAM-1",
        "--price",
        "79.99",
        "--qty",
        "3",
        "--tax",
        "13.50",
        "--warranty",
        "P1Y",
    ]);
    tell(&[
        "pay",
        "O1",
        "--payment",
        "P1",
        "--amount",
        "253.47",
        "--method",
        "card-1",
        "--at",
        "2024-10-28T12:01:00-05:00",
    ]);
    tell(&[
        "dispatch",
        "order/O1",
        "--parcel",
        "P1",
        "--tracking",
        "1Z999AA10123456784",
        "--carrier",
        "ups",
        "--at",
        "2024-10-29T12:00:00-05:00",
    ]);
    tell(&[
        "scan",
        "order/O1",
        "--parcel",
        "P1",
        "--status",
        "delivered",
        "--at",
        "2024-11-02T10:00:00-06:00",
    ]);
    tell(&[
        "open",
        "C1",
        "--order",
        "O1",
        "--reason",
        "change_of_mind",
        "--units",
        "L1#1-2",
        "--via",
        "email",
        "--text",
        "It does not fit",
        "--at",
        "2024-11-20T10:00:00-06:00",
    ]);
    tell(&["evidence", "C1", "--kind", "proof_of_purchase", "--at", "2024-11-20T10:05:00-06:00"]);
}

/// Fills in boxes by name.
fn fill(browser: &mut Browser, fields: &[(&str, &str)]) {
    for (name, value) in fields {
        let script = format!(
            "(() => {{ const box = document.querySelector('form.act [name=\"{name}\"]'); \
             if (box.type === 'checkbox') box.checked = true; else box.value = {}; return box.value; }})()",
            json!(value)
        );
        assert_eq!(browser.eval(&script), json!(value), "{name}");
    }
}

fn text(browser: &mut Browser, selector: &str) -> String {
    let script = format!("document.querySelector({}).innerText", json!(selector));
    browser.eval(&script).as_str().unwrap_or_default().to_owned()
}

/// Presses one of the buttons of the form.
#[track_caller]
fn press(browser: &mut Browser, what: &str) {
    browser.follow(&format!("document.querySelector('form.act button[value={what}]').click()"));
}

/// From the claim's page to a form, filled in, tried and recorded. Hands back what it would have changed.
#[track_caller]
fn act(browser: &mut Browser, host: &Host, verb: &str, fields: &[(&str, &str)]) -> String {
    host.visit(browser, "/desk/claims/C1");
    browser.follow(&format!("document.querySelector('a[href*=\"/act/{verb}\"]').click()"));
    fill(browser, fields);
    press(browser, "try");
    let effect = text(browser, "#effect");
    assert!(effect.contains("Nothing is recorded yet"), "{verb}: {}", text(browser, "main"));
    press(browser, "record");
    let address = browser.eval("location.pathname + location.search");
    assert!(
        address.as_str().unwrap().starts_with("/desk/claims/C1?recorded="),
        "{verb}: {address} {}",
        text(browser, "main")
    );
    assert_eq!(browser.complaints, Vec::<String>::new());
    effect
}

#[test]
fn a_claim_goes_through_the_house() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path(), 0);
    story(&path);
    let host = Host::start(&path);
    browser.size(1200, 900);

    host.log_in(&mut browser, "a.gent");
    host.visit(&mut browser, "/desk");
    assert!(text(&mut browser, "#decide").contains("C1"), "{}", text(&mut browser, "main"));
    let effect = act(&mut browser, &host, "authorize", &[("rma", "RMA-1")]);
    assert!(effect.contains("Authorization granted: RMA-1 for L1#1-2"), "{effect}");

    host.log_in(&mut browser, "w.dock");
    act(&mut browser, &host, "receive", &[("rma", "RMA-1")]);
    let found = [("defect", "confirmed"), ("cause", "manufacturing"), ("packaging", "intact")];
    let effect = act(&mut browser, &host, "inspect", &found);
    assert!(effect.contains("168.98 USD"), "{effect}");

    host.log_in(&mut browser, "a.gent");
    let effect = act(&mut browser, &host, "decide", &[]);
    assert!(effect.contains("owed by decisions\t0.00 USD\t168.98 USD"), "{effect}");
    host.log_in(&mut browser, "f.pay");
    let effect = act(&mut browser, &host, "refund", &[("refund", "R1")]);
    assert!(effect.contains("stage\tdecided\tsettled"), "{effect}");
    assert!(text(&mut browser, "#state").contains("168.98 USD"));

    // The wrong word is corrected by whom it was said, and from then on the policy says something else.
    host.log_in(&mut browser, "w.dock");
    let inspected = browser.eval(
        "[...document.querySelectorAll('#timeline li')].find((li) => li.innerText.includes('Item inspected'))?.querySelector('a.pos').pathname",
    );
    let inspected = match inspected {
        Value::String(address) => address,
        _ => {
            host.visit(&mut browser, "/desk/claims/C1");
            let found = browser.eval(
                "[...document.querySelectorAll('#timeline li')].find((li) => li.innerText.includes('Item inspected')).querySelector('a.pos').pathname",
            );
            found.as_str().unwrap().to_owned()
        }
    };
    host.visit(&mut browser, &inspected);
    fill(&mut browser, &[("defect", "none"), ("cause", "none"), ("reason_code", "typing_error")]);
    press(&mut browser, "try");
    let effect = text(&mut browser, "#effect");
    assert!(effect.contains("payable\t168.98 USD\t153.00 USD"), "{effect}");
    press(&mut browser, "record");
    assert!(text(&mut browser, "#state").contains("153.00 USD"), "{}", text(&mut browser, "main"));
    assert!(text(&mut browser, "#timeline").contains("corrected"));

    travel(&mut browser, &host);
    // Out, and nothing is shown any more.
    browser.follow("document.querySelector('form[action=\"/logout\"]').requestSubmit()");
    host.visit(&mut browser, "/desk/claims/C1");
    assert_eq!(browser.eval("location.pathname"), "/login");
    claims(&path, &["audit"]);
}

/// Through time: the slider moves every panel, and without JavaScript a link does.
fn travel(browser: &mut Browser, host: &Host) {
    host.visit(browser, "/desk/claims/C1");
    let steps =
        browser.eval("document.getElementById('slide').max").as_str().unwrap().parse::<u32>().unwrap();
    assert!(browser.eval("!document.querySelector('.slide').hidden").as_bool().unwrap());
    browser.eval(&format!(
        "(() => {{ const slide = document.getElementById('slide'); slide.value = {}; slide.dispatchEvent(new Event('input', {{ bubbles: true }})); }})()",
        steps - 1
    ));
    browser.until(
        "document.querySelector('#state').innerText.includes('168.98') && location.search.includes('as_of=')",
    );
    assert!(text(browser, "#next").contains("Forms are there for now alone"));
    assert!(!text(browser, "#timeline").contains("Event corrected"));
    let shared = browser.eval("location.pathname + location.search").as_str().unwrap().to_owned();
    browser.scripts(false);
    host.visit(browser, &shared);
    assert!(text(browser, "#state").contains("168.98"), "the address alone leads there");
    browser.follow("document.querySelector('#time a[rel=prev]').click()");
    assert!(text(browser, "#state").contains("0.00 USD"), "before the refund: {}", text(browser, "#state"));
    browser.scripts(true);
    assert_eq!(browser.complaints, Vec::<String>::new());
}

#[test]
fn a_policy_takes_two_and_an_audit_one_button() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path(), 300);
    let host = Host::start(&path);
    browser.size(1200, 900);
    let file = |name: &str| {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/policies").join(name))
            .unwrap()
    };
    let next = file("amc.toml").replacen("version = 1", "version = 2", 1);
    let next = next.replacen("effective_from = 2023-01-01", "effective_from = 2026-01-01", 1);
    assert!(next.contains("version = 2") && next.contains("2026-01-01"));
    host.log_in(&mut browser, "b.oss");
    host.visit(&mut browser, "/desk/policies/draft");
    let broken = next.replacen("AMC-8.4", "AMC-99.9", 1);
    fill(&mut browser, &[("policy", &broken), ("clauses", &file("clauses/amc.toml"))]);
    press(&mut browser, "check");
    assert!(
        text(&mut browser, "#findings").contains("keep it from being published"),
        "{}",
        text(&mut browser, "main")
    );
    fill(&mut browser, &[("policy", &next)]);
    press(&mut browser, "check");
    let found = text(&mut browser, "#findings");
    assert!(found.contains("It can be published") && found.contains("effective_from"), "{found}");
    press(&mut browser, "what-if");
    browser.until("document.body.innerText.includes('The money it would move')");
    host.visit(&mut browser, "/desk/policies/draft");
    fill(&mut browser, &[("policy", &next), ("clauses", &file("clauses/amc.toml"))]);
    press(&mut browser, "check");
    press(&mut browser, "ask");
    assert!(
        text(&mut browser, "main").contains("A second person was asked"),
        "{}",
        text(&mut browser, "main")
    );
    assert!(!text(&mut browser, "main").contains("version 2"));
    // Nobody approves what they asked for themselves; somebody else sees what differs, and does.
    host.visit(&mut browser, "/desk");
    browser.follow("document.querySelector('#approvals a').click()");
    assert_eq!(browser.eval("document.querySelectorAll('button[value=approve]').length"), 0);
    let waiting = browser.eval("location.pathname").as_str().unwrap().to_owned();
    assert!(posted(&mut browser, &waiting, &json!({ "do": "approve" })) >= 400);
    host.log_in(&mut browser, "a.prover");
    host.visit(&mut browser, "/desk");
    browser.follow("document.querySelector('#approvals a').click()");
    assert!(text(&mut browser, "main").contains("effective_from"), "{}", text(&mut browser, "main"));
    press(&mut browser, "approve");
    host.visit(&mut browser, "/desk/policies/AMC/2/diff");
    assert!(text(&mut browser, "main").contains("effective_from"), "{}", text(&mut browser, "main"));

    host.log_in(&mut browser, "a.udit");
    host.visit(&mut browser, "/desk/audit");
    assert!(
        text(&mut browser, "#rebuilds").contains("equal") && text(&mut browser, "#heads").contains("["),
        "{}",
        text(&mut browser, "main")
    );
    browser.follow("document.querySelector('form[action=\"/desk/audit/verify\"]').requestSubmit()");
    browser.until("document.body.innerText.includes('Log and books agree')");
    assert_eq!(browser.complaints, Vec::<String>::new());
}

/// What an answer to a form that nobody showed is.
fn posted(browser: &mut Browser, path: &str, fields: &Value) -> u64 {
    let script = format!(
        "fetch({}, {{ method: 'POST', redirect: 'manual', headers: {{ 'Content-Type': 'application/x-www-form-urlencoded' }}, \
         body: new URLSearchParams({{ csrf: document.querySelector('[name=csrf]').value, ...{fields} }}) }}).then((r) => r.type === 'opaqueredirect' ? 303 : r.status)",
        json!(path)
    );
    browser.eval(&script).as_u64().unwrap()
}

#[test]
fn what_is_forbidden_is_forbidden() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path(), 0);
    story(&path);
    let host = Host::start(&path);
    let last = || SqliteStore::open_read_only(&path).unwrap().tip().unwrap().position;
    let before = last();
    let authorize = "/desk/claims/C1/act/authorize";
    let fields = json!({ "revision": "2", "units": "L1#1-2", "rma": "RMA-1", "written": "yes", "role": "agent", "do": "record", "key": "made-by-hand" });
    // Who holds no role for it sees no form, and a form made by hand is refused.
    for who in ["w.dock", "f.pay", "a.udit", "b.oss"] {
        host.log_in(&mut browser, who);
        host.visit(&mut browser, "/desk/claims/C1");
        assert_eq!(
            browser.eval(&format!("document.querySelectorAll('a[href*=\"{authorize}\"]').length")),
            0,
            "{who}"
        );
        assert_eq!(posted(&mut browser, authorize, &fields), 403, "{who}");
        host.visit(&mut browser, authorize);
        assert!(text(&mut browser, "main").contains("none of"), "{who}");
    }
    // An auditor has no form at all; the warehouse sees no money, no text of customers and no drafts.
    host.log_in(&mut browser, "a.udit");
    host.visit(&mut browser, "/desk/claims/C1");
    assert_eq!(browser.eval("document.querySelectorAll('a[href*=\"/act/\"], form[method=post]:not([action=\"/logout\"])').length"), 0);
    host.log_in(&mut browser, "w.dock");
    host.visit(&mut browser, "/desk/claims/C1");
    let page = text(&mut browser, "body");
    assert!(
        !page.contains("It does not fit") && !page.contains("Money") && !page.contains("1Z999AA10123456784"),
        "{page}"
    );
    for address in ["/desk/money", "/desk/audit", "/desk/policies/draft", "/desk/money/lineage"] {
        assert_eq!(browser.eval(&format!("fetch('{address}').then((r) => r.status)")), 403, "{address}");
    }
    // Who holds it, but sends it without what our pages carry, or as somebody else, is refused or stays themselves.
    host.log_in(&mut browser, "a.gent");
    host.visit(&mut browser, "/desk/claims/C1");
    assert!(text(&mut browser, "body").contains("It does not fit"));
    let without = json!({ "csrf": "", "revision": "2", "units": "L1#1-2", "do": "record" });
    assert_eq!(posted(&mut browser, authorize, &without), 403);
    assert_eq!(
        posted(
            &mut browser,
            authorize,
            &json!({ "revision": "2", "units": "L1#1-2", "role": "approver", "do": "record" })
        ),
        403
    );
    assert_eq!(last(), before, "nothing was recorded");
    // What the judgement does not allow is not offered, and not taken.
    assert_eq!(
        posted(
            &mut browser,
            "/desk/claims/C1/act/decide",
            &json!({ "revision": "2", "remedy": "refund", "units": "L1#1-2", "do": "record" })
        ),
        422
    );
    // Sent twice under the same key it is there once, by whoever is logged in.
    let mut forged = fields.clone();
    forged["actor"] = json!("b.oss");
    let before = last();
    assert_eq!(posted(&mut browser, authorize, &forged), 303);
    assert_eq!(last(), before + 1);
    assert!(claims(&path, &["timeline", "C1"]).contains("a.gent"));
    assert_eq!(posted(&mut browser, authorize, &forged), 412, "the claim has moved on, and says so");
    assert_eq!(last(), before + 1);
}

#[test]
fn whoever_is_too_late_loses_nothing() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path(), 0);
    story(&path);
    let host = Host::start(&path);
    host.log_in(&mut browser, "a.gent");
    host.visit(&mut browser, "/desk/claims/C1/act/note");
    fill(&mut browser, &[("text", "call back\non Monday")]);
    claims(&path, &["escalate", "C1", "--reason", "angry", "--actor", "a.prover", "--role", "approver"]);
    press(&mut browser, "try");
    let page = text(&mut browser, "main");
    assert!(
        page.contains("Somebody was faster") && page.contains("claim_escalated") && page.contains("a.prover"),
        "{page}"
    );
    assert_eq!(browser.eval("document.querySelector('[name=text]').value"), "call back\non Monday");
    press(&mut browser, "try");
    press(&mut browser, "record");
    assert!(text(&mut browser, "#talk").contains("call back"), "{}", text(&mut browser, "main"));
    // A refusal names the rule, and the form still holds what was typed.
    host.visit(&mut browser, "/desk/claims/C1/act/authorize");
    fill(&mut browser, &[("units", "L1#9"), ("rma", "RMA-9")]);
    press(&mut browser, "try");
    let page = text(&mut browser, "main");
    assert!(page.contains("A rule says no"), "{page}");
    assert_eq!(browser.eval("document.querySelector('[name=rma]').value"), "RMA-9");
}

#[test]
fn texts_of_others_stay_texts() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.db");
    let mut shop = Shop::new(&path);
    shop.hostile = true;
    shop.play("atp-corrected-inspection");
    shop.play("amc-partial-return");
    drop(shop);
    grant(&path);
    let host = Host::start(&path);
    host.log_in(&mut browser, "all.hands");
    let events = SqliteStore::open_read_only(&path).unwrap().tip().unwrap().position;
    let mut pages: Vec<String> = [
        "/desk",
        "/desk/claims/ATP-C-0540",
        "/desk/orders/AT-7731",
        "/desk/money/leakage",
        "/desk/claims?stage=%3Cscript%3Epwned%3D1%3C/script%3E",
    ]
    .map(String::from)
    .to_vec();
    pages.push(format!(
        "/desk/search?q={}",
        form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect::<String>()
    ));
    pages.extend((1..=events).map(|position| format!("/desk/events/{position}")));
    let mut shown = 0;
    for address in pages {
        host.visit(&mut browser, &address);
        assert_eq!(browser.eval("typeof pwned"), "undefined", "{address}");
        assert_eq!(browser.complaints, Vec::<String>::new(), "{address}");
        let hostile = browser.eval("document.body.innerText.includes('<script>pwned=1</script>')");
        shown += u32::from(hostile == true);
        let html = browser.eval("document.documentElement.outerHTML");
        let html = html.as_str().unwrap();
        assert!(
            !html.contains('\u{202E}') || html.contains("value="),
            "{address}: an override of direction is shown"
        );
    }
    assert!(shown > 5, "hostile texts were shown as texts on {shown} pages");
}

#[test]
fn long_claims_and_lists_stay_small_pages() {
    let Some(mut browser) = Browser::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = demo(dir.path(), 3_000);
    story(&path);
    let long = "what was said, at length, ".repeat(60);
    let mut lines = String::new();
    for number in 0..600 {
        let revision = if number == 0 { r#""expected_revision":2,"# } else { "" };
        lines.push_str(&format!(
            "{{\"stream\":\"claim/C1\",{revision}\"kind\":\"contact_logged\",\"actor\":\"a.gent\",\"role\":\"agent\",\"source\":\"crm\",\
             \"payload\":{{\"channel\":\"email\",\"direction\":\"inbound\",\"text\":\"{number} {long}\"}}}}\n"
        ));
    }
    let file = dir.path().join("talk.ndjson");
    fs::write(&file, lines).unwrap();
    claims(&path, &["record", file.to_str().unwrap()]);
    let host = Host::start(&path);
    host.log_in(&mut browser, "all.hands");
    let mut wrong = Vec::new();
    for (address, name) in [
        ("/desk/claims/C1", "long"),
        ("/desk/claims/C1?from=40", "long-page"),
        ("/desk/claims", "many"),
        ("/desk", "full-inbox"),
        ("/desk/inbox/tell", "full-list"),
        ("/desk/search?q=a", "found"),
        ("/desk/money?by=month", "full-money"),
        ("/desk/money/lineage?figure=credited", "full-lineage"),
    ] {
        wrong.extend(look(&mut browser, &host, address, name));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    host.visit(&mut browser, "/desk/claims/C1");
    browser.follow("document.querySelector('#timeline a[rel=prev]').click()");
    assert!(text(&mut browser, "#timeline").contains("of 60"), "{}", text(&mut browser, "#timeline nav"));
}
