//! The service by real requests over a socket: who gets in, what is recorded, what is refused, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
};

use claims::http::routes::{self, Gives, May, Verb};
use program::{claims, ok};
use serde_json::{Value, json};
use service::{PASSWORD, ROLES, Service, Session, unchunked};

#[path = "support/program.rs"]
mod program;
#[path = "support/service.rs"]
mod service;

const CLAIM: &str = "AMC-C-2207";

fn note(revision: u64, text: &str) -> Value {
    json!({ "stream": format!("claim/{CLAIM}"), "expected_revision": revision, "kind": "note_added",
            "payload": { "text": text } })
}

fn revision(service: &Service, token: &str) -> u64 {
    let reply = service.with_token(token, "GET", &format!("/v1/claims/{CLAIM}"), None);
    let revision = reply.json()["revision"].as_u64().unwrap();
    assert_eq!(reply.header("etag"), format!("\"{revision}\""));
    revision
}

#[test]
fn the_first_admin_is_set_up_by_a_link_that_works_once() {
    let mut service = Service::first();
    let link = service.setup.take().unwrap();
    assert_eq!(service.get("/healthz").body, "ok\n");
    assert_eq!(service.get("/readyz").body, "ok\n");
    let page = service.get(&format!("/setup?link={link}"));
    assert_eq!(page.status, 200);
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
    let css = page.body.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_string();
    assert!(service.get(&css).header("cache-control").contains("immutable"), "{css}");

    let set_up = |link: &str, actor: &str, password: &str| {
        service.form("/setup", &[("link", link), ("actor", actor), ("password", password)])
    };
    assert_eq!(set_up(&link, "root.admin", "short").status, 400);
    assert_eq!(set_up("guessed", "root.admin", PASSWORD).status, 403);
    let head = [("Content-Type", "application/x-www-form-urlencoded"), ("X-Request-Id", "first-request.7")];
    let body = format!("link={link}&actor=root.admin&password=correct+horse+battery");
    let done = service.send("POST", "/setup", &head, &body);
    assert_eq!((done.status, done.header("x-request-id")), (303, "first-request.7"));
    let cookie = done.header("set-cookie");
    for part in ["claims_session=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert_eq!(set_up(&link, "second", PASSWORD).status, 403, "the link is spent");

    // The role is an event, by its own hand, and the request is its correlation.
    let session = service.session(&done);
    let events = service.with_session(&session, "GET", "/v1/events?after=331", None).json();
    let event = &events["items"][0]["event"];
    assert_eq!((&event["kind"], &event["actor"]), (&json!("role_granted"), &json!("root.admin")));
    assert_eq!(event["correlation"], "first-request.7");
    assert_eq!(event["payload"], json!({ "actor": "root.admin", "role": "admin" }));

    // No secret is in a log, and everything of the access store is its owner's.
    let log = service.log();
    let secret = cookie.split(['=', ';']).nth(1).unwrap();
    for secret in [link.as_str(), secret, PASSWORD] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("request_id=\"first-request.7\""), "{log}");
    let again = service.with_session(&session, "POST", "/logout", None);
    assert_eq!(again.status, 415, "a form");
    let head = [("Cookie", session.cookie.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    let out = service.send("POST", "/logout", &head, &format!("csrf={}", session.csrf));
    assert_eq!((out.status, out.header("location")), (303, "/login"));
    let gone = service.with_session(&session, "GET", "/", None);
    assert_eq!((gone.status, gone.header("location")), (303, "/login?next=%2F"));
    let wrong = service.form("/login", &[("actor", "root.admin"), ("password", "wrong")]);
    assert_eq!(wrong.status, 401);
    let right = service
        .form("/login", &[("actor", "root.admin"), ("password", PASSWORD), ("next", "//evil.example/")]);
    assert_eq!((right.status, right.header("location")), (303, "/"));

    // A second start has somebody who can log in, and prints no link.
    service.terminate();
    let (code, dir) = service.ended();
    assert_eq!(code, Some(0));
    assert_eq!(Service::over(dir, &[]).setup, None);
}

/// A path with something for each parameter in it.
fn concrete(path: &str) -> String {
    let values = [
        ("{claim}", CLAIM),
        ("{order}", "SO-48213"),
        ("{position}", "1"),
        ("{policy}", "AMC"),
        ("{actor}", "nobody.at-all"),
        ("{token}", "none"),
        ("{approval}", "none"),
        ("{month}", "2099-01"),
        ("{name}", "none.css"),
        ("{list}", "late"),
        ("{verb}", "note"),
        ("{version}", "1"),
        ("{sha256}", "00"),
    ];
    let path = values.iter().fold(path.to_string(), |path, (name, value)| path.replace(name, value));
    let needed = [
        ("/what-if", "?policy=AMC&version=1"),
        ("/v1/consistency", "?since=0"),
        ("/v1/schema", "?name=command"),
        ("/v1/subject", "?actor=nobody"),
    ];
    let query = needed.iter().find(|(end, _)| path.ends_with(end)).map_or("", |(_, query)| query);
    assert!(!path.contains('{'), "{path}");
    format!("{path}{query}")
}

#[test]
fn every_route_asks_every_role() {
    let (service, admin) = Service::governed();
    let scopes = "read personal append access metrics";
    let mut askers: Vec<(&str, Option<String>)> = vec![("nobody", None)];
    askers.push(("no role", Some(service.program(&admin, "p.none", None, scopes))));
    for role in ROLES {
        let token = service.program(&admin, &format!("p.{role}"), Some(role), scopes);
        askers.push((role, Some(token)));
    }
    let (mut asked, mut refused, mut wrong) = (0, 0, Vec::new());
    for route in routes::all() {
        for (role, token) in &askers {
            let path = concrete(route.path);
            let bearer = token.as_ref().map(|token| format!("Bearer {token}"));
            let head: Vec<(&str, &str)> = bearer.iter().map(|b| ("Authorization", b.as_str())).collect();
            // A feed does not end by itself; its head says enough.
            let reply = match route.gives {
                Gives::Feed if matches!(route.may, May::Roles(roles) if roles.contains(role)) => {
                    head_of(&service, &path, &head)
                }
                _ => service.send(route.method.as_str(), &path, &head, ""),
            };
            let due = match (route.may, token) {
                (May::Anybody, _) | (May::Known, Some(_)) => None,
                (_, None) if route.gives == Gives::Page && route.method == Verb::Get => Some(303),
                (_, None) => Some(401),
                (May::Roles(roles), Some(_)) if roles.contains(role) => None,
                (May::Roles(_), Some(_)) => Some(403),
            };
            asked += 1;
            refused += u32::from(due.is_some());
            let fits = match due {
                Some(status) => reply.status == status,
                // Logging in with nothing is refused as well, but not for want of a role.
                None => !matches!(reply.status, 401 | 403 | 500..) || path == "/setup",
            };
            if !fits {
                wrong.push(format!(
                    "{} as {role}: {} instead of {due:?}: {}",
                    route.name, reply.status, reply.body
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} wrong\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked >= 450 && refused >= 150, "{asked} asked, {refused} refused");
    eprintln!(
        "{} routes x {} askers = {asked} requests, {refused} refused",
        routes::all().count(),
        askers.len()
    );
}

/// The status of an answer that goes on.
fn head_of(service: &Service, path: &str, head: &[(&str, &str)]) -> service::Reply {
    let mut stream = service.connect();
    let head: String = head.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\n{head}\r\n", service.host()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut text = String::new();
    while !text.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut text).unwrap() > 0);
    }
    service::reply(text.as_bytes())
}

#[test]
fn a_view_is_what_the_command_line_prints() {
    let (service, admin) = Service::governed();
    let auditor = service.program(&admin, "p.auditor", Some("auditor"), "read");
    let views: [(&str, &str); 22] = [
        ("/v1/claims?limit=1000", "list --limit 1000"),
        ("/v1/claims?merchant=AMC&open_money=true", "list --merchant AMC --open-money"),
        ("/v1/claims?known_at=2099-01-01T00:00:00Z&as_of=120", "list --as-of 120"),
        ("/v1/claims/AMC-C-2207", "show AMC-C-2207"),
        ("/v1/claims/AMC-C-2207?as_of=80", "show AMC-C-2207 --as-of 80"),
        ("/v1/claims/AMC-C-2207/timeline", "timeline AMC-C-2207"),
        (
            "/v1/claims/AMC-C-2207/timeline?own=true&effective_at=2024-04-01",
            "timeline AMC-C-2207 --own --effective-at 2024-04-01",
        ),
        ("/v1/claims/AMC-C-2207/explanation", "explain AMC-C-2207"),
        ("/v1/claims/AMC-C-2207/next?at=2024-04-05T00:00:00Z", "next AMC-C-2207 --at 2024-04-05T00:00:00Z"),
        ("/v1/claims/AMC-C-2207/lineage", "lineage claim AMC-C-2207"),
        ("/v1/orders/SO-48213", "show order/SO-48213"),
        ("/v1/totals?by=merchant,month", "totals --by merchant,month"),
        ("/v1/totals?by=posting_month", "totals --by posting-month"),
        ("/v1/owed", "owed"),
        ("/v1/due?at=2024-05-10T09:00:00Z&limit=1000", "due --at 2024-05-10T09:00:00Z --limit 1000"),
        (
            "/v1/leakage?rows=true&known_at=2099-01-01T00:00:00Z",
            "leakage --rows --known-at 2099-01-01T00:00:00Z",
        ),
        ("/v1/lineage/events/82", "lineage event 82"),
        ("/v1/lineage/total?merchant=AMC&limit=1000", "lineage total --merchant AMC"),
        ("/v1/people", "people"),
        ("/v1/periods", "periods"),
        ("/v1/policies", "policy list"),
        ("/v1/policies/AMC", "policy show AMC"),
    ];
    for (path, verb) in views {
        let reply = service.with_token(&auditor, "GET", path, None);
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let mut args = program::words(verb);
        args.extend(["--json".into(), "--ledger".into(), "shop.db".into()]);
        let printed = ok(service.dir.path(), &args);
        let printed: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let found = reply.json();
        match found.get("items") {
            Some(items) => assert_eq!(items, &json!(printed), "{path}"),
            None => assert_eq!(vec![found], printed, "{path}"),
        }
    }
    // Pages of the board come to the board.
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = service.with_token(&auditor, "GET", &format!("/v1/claims?limit=4{after}"), None).json();
        all.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    let whole = service.with_token(&auditor, "GET", "/v1/claims?limit=1000", None).json();
    assert_eq!(json!(all), whole["items"]);
}

#[test]
fn a_command_is_recorded_once_by_whoever_asks() {
    let (service, admin) = Service::governed();
    let token = service.program(&admin, "shop.sync", Some("agent"), "read append");
    let at = revision(&service, &token);
    let send = |head: &[(&str, &str)], body: &Value| {
        let bearer = format!("Bearer {token}");
        let mut all = vec![("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        all.extend(head);
        service.send("POST", "/v1/events", &all, &body.to_string())
    };
    let mut command = note(at, "the customer called");
    command.as_object_mut().unwrap().remove("expected_revision");
    assert_eq!(send(&[], &command).problem(), (428, "expected_revision_missing".into()));
    let matching = format!("\"{at}\"");
    let head = [("If-Match", matching.as_str()), ("Idempotency-Key", "call-1"), ("X-Request-Id", "r-1")];
    let first = send(&head, &command);
    assert_eq!((first.status, first.header("etag")), (201, format!("\"{}\"", at + 1).as_str()), "{first:?}");
    let event = service.with_token(&token, "GET", first.header("location"), None).json()["event"].clone();
    let due = ["shop.sync", "agent", "shop.sync", "call-1", "r-1"];
    for (name, due) in ["actor", "role", "source", "external_id", "correlation"].iter().zip(due) {
        assert_eq!(event[name], due, "{event}");
    }
    // The same again, by another request: the first receipt.
    let again =
        send(&[("If-Match", &matching), ("Idempotency-Key", "call-1"), ("X-Request-Id", "r-2")], &command);
    assert_eq!((again.status, &again.json()["outcome"]), (200, &json!("already_recorded")));
    assert_eq!(again.json()["position"], first.json()["position"]);
    let other = send(&head, &note(at, "something else"));
    assert_eq!(other.problem(), (409, "conflict".into()));
    let stale = send(&[("Idempotency-Key", "call-2")], &note(at, "the customer called again"));
    assert_eq!(stale.problem(), (412, "stale_revision".into()));
    assert!(
        stale.body.contains(&format!("since then: revision {} note_added by shop.sync", at + 1)),
        "{stale:?}"
    );
    let mut refund = note(at + 1, "");
    refund["kind"] = json!("refund_issued");
    refund["payload"] = json!({ "refund": "R-9", "amount": { "minor": 1, "currency": "USD" }, "payout": { "to": "original_method" } });
    let refused = send(&[], &refund);
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(!refused.json()["clauses"].as_array().unwrap().is_empty(), "{refused:?}");

    let bad = |name: &str, value: Value| {
        let mut command = note(at + 1, "x");
        command[name] = value;
        send(&[], &command).problem()
    };
    assert_eq!(bad("actor", json!("somebody.else")), (400, "actor_in_body".into()));
    assert_eq!(bad("approver", json!("d.ruiz")), (400, "approver_in_body".into()));
    assert_eq!(bad("source", json!("psp")), (400, "source_in_body".into()));
    assert_eq!(bad("role", json!("approver")), (422, "role_is_not_held".into()));
    assert_eq!(bad("kind", json!("no_such_kind")), (400, "unknown_kind".into()));
    assert_eq!(bad("payload", json!({ "texd": "x" })), (400, "unknown_field".into()));
    let both = send(&[("If-Match", "\"1\"")], &note(2, "x"));
    assert_eq!(both.problem(), (422, "head_and_body_differ".into()));
    assert_eq!(send(&[("Idempotency-Key", "a b")], &note(2, "x")).problem(), (400, "bad_header".into()));
    assert_eq!(send(&[("If-Match", "W/\"1\"")], &note(2, "x")).problem(), (400, "bad_if_match".into()));
    let refund = send(&[], &json!([1]));
    assert_eq!(refund.problem().0, 400);
    // All of it is in a log that is sound.
    drop(service.with_token(&token, "GET", "/v1/claims", None));
    ok(service.dir.path(), &["audit", "--ledger", "shop.db"]);
}

#[test]
fn nobody_approves_for_somebody_else() {
    let (service, admin) = Service::governed();
    let clerk = service.person(&admin, "c.lerk", "admin");
    let approver = service.person(&admin, "a.prover", "approver");
    let claim = service.with_session(&clerk, "GET", &format!("/v1/claims/{CLAIM}"), None).json();
    let command = json!({ "stream": format!("claim/{CLAIM}"), "expected_revision": claim["revision"],
        "kind": "legal_hold_placed", "payload": { "hold": "H-1", "reason_code": "litigation" } });
    let asked = service.with_session(&clerk, "POST", "/v1/approvals", Some(&command));
    assert_eq!(asked.status, 202, "{asked:?}");
    let id = asked.json()["id"].as_str().unwrap().to_string();
    let approve =
        |who: &Session| service.with_session(who, "POST", &format!("/v1/approvals/{id}/approve"), None);
    assert_eq!(approve(&clerk).problem(), (422, "second_person_is_the_first".into()));
    let listed = service.with_session(&approver, "GET", "/v1/approvals", None).json();
    assert_eq!(listed["items"][0]["id"], json!(id));
    let done = approve(&approver);
    assert_eq!(done.status, 201, "{done:?}");
    let event = service.with_session(&approver, "GET", done.header("location"), None).json();
    assert_eq!(event["event"]["actor"], "c.lerk");
    assert_eq!(event["event"]["approver"], "a.prover");
    assert_eq!(approve(&approver).problem(), (409, "approval_is_decided".into()));
    // What became stale is not approved, and waits on until it is taken back.
    let stale = service.with_session(&clerk, "POST", "/v1/approvals", Some(&command)).json();
    let stale = stale["id"].as_str().unwrap();
    let late = service.with_session(&approver, "POST", &format!("/v1/approvals/{stale}/approve"), None);
    assert_eq!(late.problem().0, 412);
    let back = service.with_session(&clerk, "POST", &format!("/v1/approvals/{stale}/reject"), None);
    assert_eq!(back.json()["state"], "rejected");
    // Of what no longer waits only the gist is kept.
    let listed = service.with_session(&approver, "GET", "/v1/approvals?state=approved", None).json();
    let gist = json!({ "stream": format!("claim/{CLAIM}"), "kind": "legal_hold_placed" });
    assert_eq!((&back.json()["command"], &listed["items"][0]["command"]), (&gist, &gist));
    // Whoever approves nothing sees their own.
    let agent = service.person(&admin, "an.agent", "agent");
    let seen = service.with_session(&agent, "GET", "/v1/approvals?state=approved", None).json();
    assert_eq!(seen["items"], json!([]));
    ok(service.dir.path(), &["audit", "--ledger", "shop.db"]);
}

#[test]
fn many_commands_get_an_answer_each() {
    let (service, admin) = Service::governed();
    let token = service.program(&admin, "shop.sync", Some("agent"), "read append");
    let order = |id: &str| {
        json!({ "stream": format!("order/{id}"), "expected_revision": 0, "kind": "order_recorded", "external_id": id,
          "effective_at": "2024-04-01T12:00:00-05:00",
          "payload": { "policy": "AMC", "channel": "direct", "currency": "USD", "purchased_at": "2024-04-01T12:00:00-05:00",
            "ship_to": { "country": "US" }, "tax_mode": "exclusive", "order_discount_minor": 0, "shipping_minor": 0,
            "shipping_tax_minor": 0, "lines": [{ "id": "L1", "sku": "CAM-1", "description": "camera", "class": "main",
              "condition_sold": "new", "quantity": 1, "unit_price_minor": 7999, "line_discount_minor": 0, "tax_minor": 0,
              "warranty_term": "P1Y" }] } })
    };
    let lines = [
        order("B-1").to_string(),
        String::new(),
        "{ this is no command".into(),
        order("B-2").to_string(),
        note(0, "stale").to_string(),
        order("B-3").to_string(),
        // Rests on what a line before it records.
        json!({ "stream": "claim/B-C3", "expected_revision": 0, "kind": "claim_opened", "external_id": "c3",
            "effective_at": "2024-04-09T12:00:00-05:00",
            "payload": { "order": "B-3", "asserted": "defect", "units": ["L1#1"], "by": "buyer", "via": "email" } })
        .to_string(),
    ];
    let bearer = format!("Bearer {token}");
    let head = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-ndjson")];
    let reply = service.send("POST", "/v1/events/bulk", &head, &lines.join("\n"));
    assert_eq!(reply.status, 200, "{reply:?}");
    let answers: Vec<Value> = reply.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told = |line: u64| answers.iter().find(|answer| answer["line"] == line).unwrap_or(&Value::Null);
    for (line, stream) in [(4, "order/B-2"), (6, "order/B-3"), (7, "claim/B-C3")] {
        assert_eq!(told(line)["receipt"]["stream"], stream, "{answers:?}");
    }
    assert_eq!(told(3)["problem"]["status"], 400, "{answers:?}");
    // A line that cannot be read takes the batch before it along, and that is told as well.
    assert_eq!(told(1)["problem"]["code"], "batch_was_cut", "{answers:?}");
    assert_eq!(told(5)["problem"]["status"], 412);
    let done = answers.last().unwrap();
    assert_eq!(done["done"], json!({ "lines": 6, "recorded": 3, "already_recorded": 0, "failed": 3 }));
    // The same again, without the bad line.
    let good = [&lines[0], &lines[3], &lines[5], &lines[6]].map(String::as_str).join("\n");
    let reply = service.send("POST", "/v1/events/bulk", &head, &good);
    let done: Value = serde_json::from_str(reply.body.lines().last().unwrap()).unwrap();
    assert_eq!(done["done"], json!({ "lines": 4, "recorded": 1, "already_recorded": 3, "failed": 0 }));
}

/// Reads events of a feed until there are so many.
fn follow(service: &Service, token: &str, resume: Option<u64>, many: usize) -> Vec<(u64, Value)> {
    let mut stream = service.connect();
    let resume = resume.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
    write!(
        stream,
        "GET /v1/feed?after=0 HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n{resume}\r\n",
        service.host()
    )
    .unwrap();
    let (mut raw, mut buffer) = (Vec::new(), [0u8; 4096]);
    loop {
        let count = stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the feed ended");
        raw.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&raw);
        let Some((_, body)) = text.split_once("\r\n\r\n") else { continue };
        let body = unchunked(body);
        let events: Vec<(u64, Value)> = body
            .split("\n\n")
            .filter_map(|block| {
                let id = block.lines().find_map(|line| line.strip_prefix("id: "))?.parse().ok()?;
                let data = block.lines().find_map(|line| line.strip_prefix("data: "))?;
                Some((id, serde_json::from_str(data).ok()?))
            })
            .collect();
        if events.len() >= many {
            return events.into_iter().take(many).collect();
        }
    }
}

#[test]
fn a_feed_resumes_without_gap_or_repeat() {
    let (service, admin) = Service::governed();
    let token = service.program(&admin, "shop.sync", Some("agent"), "read append");
    let first = follow(&service, &token, None, 300);
    let last = first.last().unwrap().0;
    let at = revision(&service, &token);
    let rest = std::thread::scope(|scope| {
        // Resumed before the rest is written: what is there, and what comes.
        let reader = scope.spawn(|| follow(&service, &token, Some(last), 36));
        for text in ["one", "two"] {
            let at = at + u64::from(text == "two");
            assert_eq!(service.with_token(&token, "POST", "/v1/events", Some(&note(at, text))).status, 201);
        }
        // Another program writes to the same ledger.
        let actor = ["--actor", "shop.sync", "--role", "agent", "--ledger", "shop.db"];
        ok(service.dir.path(), &[&["note", CLAIM, "--text", "three"][..], &actor].concat());
        reader.join().unwrap()
    });
    let all: Vec<(u64, Value)> = first.into_iter().chain(rest).collect();
    let positions: Vec<u64> = all.iter().map(|(id, _)| *id).collect();
    assert_eq!(positions, (1..=336).collect::<Vec<u64>>());
    for (id, event) in &all {
        assert_eq!(event["position"], *id);
        assert_eq!(event["event"]["position"], *id);
    }
    assert_eq!(
        all.iter().rev().take(3).map(|(_, e)| e["event"]["kind"].as_str().unwrap()).collect::<Vec<_>>(),
        ["note_added"; 3]
    );
    let bad = service.send(
        "GET",
        "/v1/feed",
        &[("Authorization", &format!("Bearer {token}")), ("Last-Event-ID", "x")],
        "",
    );
    assert_eq!(bad.problem(), (400, "bad_last_event_id".into()));
}

#[test]
fn what_is_wrong_at_the_door_is_named() {
    let (service, admin) = Service::governed();
    let token = service.program(&admin, "shop.sync", Some("agent"), "read append");
    let get = |path: &str| service.with_token(&token, "GET", path, None).problem();
    assert_eq!(get("/v1/claims/NO-SUCH"), (404, "not_found".into()));
    assert_eq!(get("/v1/claims/%2e%2e%2f"), (400, "bad_parameter".into()));
    assert_eq!(get("/v1/claims?limit=0"), (400, "bad_parameter".into()));
    assert_eq!(get("/v1/claims?limits=1"), (400, "unknown_parameter".into()));
    assert_eq!(get(&format!("/v1/claims?after={}", "x".repeat(5_000))), (400, "query_too_long".into()));
    assert_eq!(get("/v1/nothing"), (404, "no_such_path".into()));
    let put = service.with_token(&token, "PUT", "/v1/claims", None);
    assert_eq!((put.problem(), put.header("allow")), ((405, "no_such_method".into()), "GET"));
    let large = json!({ "payload": "x".repeat(300_000) });
    assert_eq!(
        service.with_token(&token, "POST", "/v1/events", Some(&large)).problem(),
        (413, "body_too_large".into())
    );
    let deep = "[".repeat(40) + &"]".repeat(40);
    let bearer = format!("Bearer {token}");
    let head = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    assert_eq!(service.send("POST", "/v1/events", &head, &deep).problem().0, 400);
    let form = [("Authorization", bearer.as_str()), ("Content-Type", "text/plain")];
    assert_eq!(
        service.send("POST", "/v1/events", &form, "{}").problem(),
        (415, "not_this_media_type".into())
    );
    for host in ["evil.example", "", "localhost", "127.0.0.1.evil.example"] {
        let text = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(service.raw(&text).problem(), (421, "not_this_host".into()), "{host}");
    }
    for (name, value) in [("Authorization", "Basic YTpi"), ("Authorization", "Bearer clm_x_y")] {
        let reply = service.send("GET", "/v1/claims", &[(name, value)], "");
        assert_eq!(reply.status, 401);
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{reply:?}");
    }
    // A request that never ends its head is cut off, and others are answered meanwhile.
    let mut slow = service.connect();
    write!(slow, "GET /healthz HTTP/1.1\r\nHost: {}\r\nX-Slow: ", service.host()).unwrap();
    assert_eq!(service.get("/healthz").status, 200);
    let mut rest = Vec::new();
    slow.read_to_end(&mut rest).unwrap();
    assert!(!String::from_utf8_lossy(&rest).contains("200 OK"), "cut off");
    let odd = service.send("GET", "/healthz", &[("X-Request-Id", "a b")], "");
    assert!(odd.header("x-request-id").len() == 36, "one of ours: {odd:?}");
}

#[test]
fn what_changes_something_comes_from_our_pages() {
    let (service, admin) = Service::governed();
    let body = json!({ "actor": "a.person" }).to_string();
    let post = |head: &[(&str, &str)]| {
        let mut all = vec![("Cookie", admin.cookie.as_str()), ("Content-Type", "application/json")];
        all.extend(head);
        service.send("POST", "/v1/access/people", &all, &body)
    };
    assert_eq!(post(&[]).problem(), (403, "not_our_page".into()));
    assert_eq!(post(&[("X-CSRF-Token", "guessed")]).problem(), (403, "not_our_page".into()));
    let right = ("X-CSRF-Token", admin.csrf.as_str());
    assert_eq!(post(&[right, ("Origin", "https://evil.example")]).problem(), (403, "not_our_page".into()));
    assert_eq!(post(&[right, ("Sec-Fetch-Site", "cross-site")]).problem(), (403, "not_our_page".into()));
    let origin = format!("http://{}", service.host());
    assert_eq!(post(&[right, ("Origin", &origin), ("Sec-Fetch-Site", "same-origin")]).status, 201);
    // The csrf token of one session is none for another.
    let other = service.person(&admin, "o.ther", "agent");
    assert_eq!(post(&[("X-CSRF-Token", &other.csrf)]).problem(), (403, "not_our_page".into()));
    // Logging in from a page of another site is refused as well.
    let head = [("Content-Type", "application/x-www-form-urlencoded"), ("Origin", "https://evil.example")];
    assert_eq!(service.send("POST", "/login", &head, "actor=a&password=b").status, 403);
}

#[test]
fn tokens_do_what_they_are_for_until_they_are_taken_back() {
    let (service, admin) = Service::governed();
    let read = service.program(&admin, "r.eader", Some("agent"), "read");
    assert_eq!(service.with_token(&read, "GET", "/v1/claims", None).status, 200);
    let refused = service.with_token(&read, "POST", "/v1/events", Some(&note(1, "x")));
    assert_eq!(refused.problem(), (403, "out_of_scope".into()));
    let clear = service.with_token(&read, "GET", &format!("/v1/claims/{CLAIM}/timeline?clear=true"), None);
    assert_eq!(clear.problem(), (403, "out_of_scope".into()));
    let listed = service.with_session(&admin, "GET", "/v1/access/tokens", None);
    assert!(!listed.body.contains(&read), "{listed:?}");
    let id = listed.json()["items"][0]["id"].as_str().unwrap().to_string();
    let gone = service.with_session(&admin, "DELETE", &format!("/v1/access/tokens/{id}"), None);
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(
        service.with_token(&read, "GET", "/v1/claims", None).problem(),
        (401, "token_does_not_hold".into())
    );
    // A role that is taken away is gone at the next request; a person who is disabled as well.
    let person = service.person(&admin, "p.erson", "agent");
    assert_eq!(service.with_session(&person, "GET", "/v1/claims", None).status, 200);
    let disabled = service.with_session(&admin, "DELETE", "/v1/access/people/p.erson", None);
    assert_eq!(disabled.status, 200, "{disabled:?}");
    assert_eq!(service.with_session(&person, "GET", "/v1/claims", None).status, 401);
    // A name is locked after some failures, whoever tries.
    let try_in = |password: &str| {
        let body = json!({ "actor": "root.admin", "password": password });
        let head = [("Content-Type", "application/json")];
        service.send("POST", "/v1/session", &head, &body.to_string())
    };
    for _ in 0..5 {
        assert_eq!(try_in("wrong").problem(), (401, "wrong_name_or_password".into()));
    }
    assert_eq!(try_in(PASSWORD).problem(), (429, "login_is_locked".into()));
    let acts = service.with_session(&admin, "GET", "/v1/access/acts", None);
    for what in ["login_locked", "person_disabled", "token_revoked", "token_issued", "person_invited"] {
        assert!(acts.body.contains(what), "{what}: {acts:?}");
    }
}

#[test]
fn what_is_in_hand_is_finished_when_it_ends() {
    let (service, admin) = Service::governed();
    let token = service.program(&admin, "shop.sync", Some("agent"), "read append");
    let at = revision(&service, &token);
    let mut stream = service.connect();
    write!(
        stream,
        "POST /v1/events/bulk HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
        service.host()
    )
    .unwrap();
    let mut chunk = |text: &str| write!(stream, "{:x}\r\n{text}\r\n", text.len()).unwrap();
    chunk(&format!("{}\n", note(at, "before")));
    // It is told to end in the middle of the batch.
    service.terminate();
    while std::net::TcpStream::connect(("127.0.0.1", service.port)).is_ok() {
        std::thread::yield_now();
    }
    chunk(&format!("{}\n", note(at + 1, "after")));
    write!(stream, "0\r\n\r\n").unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let reply = service::reply(&bytes);
    let last: Value = serde_json::from_str(reply.body.lines().last().unwrap()).unwrap();
    assert_eq!(last["done"]["recorded"], 2, "{reply:?}");
    let (code, dir) = service.ended();
    assert_eq!(code, Some(0));
    let audit = claims(dir.path(), &["audit", "--ledger", "shop.db"]);
    assert_eq!(audit.code, 0, "{audit:?}");
    let shown = ok(dir.path(), &["timeline", CLAIM, "--clear", "--ledger", "shop.db"]);
    assert!(shown.contains("\"before\"") && shown.contains("\"after\""), "{shown}");
}

#[test]
fn on_the_network_it_wants_tls_or_a_word_said_twice() {
    let dir = tempfile::tempdir().unwrap();
    ok(dir.path(), &["init", "shop.db"]);
    let start = |more: &[&str]| {
        let base = ["serve", "--ledger", "shop.db", "--listen", "0.0.0.0:0"];
        claims(dir.path(), &[&base[..], more].concat())
    };
    for more in [&[][..], &["--insecure"]] {
        let refused = start(more);
        assert_eq!(refused.code, 64, "{refused:?}");
        assert!(refused.stderr.contains("without TLS") && refused.stdout.is_empty(), "{refused:?}");
    }
    let nameless = start(&["--insecure", "--insecure"]);
    assert!(nameless.stderr.contains("--public-host"), "{nameless:?}");
    let no_file = start(&["--tls-cert", "no.pem", "--tls-key", "no.pem", "--public-host", "x"]);
    assert_eq!(no_file.code, 14, "{no_file:?}");
}

#[test]
fn the_description_is_frozen_and_true() {
    let found = serde_json::to_string_pretty(&claims::http::openapi::document()).unwrap() + "\n";
    program::golden(&Path::new(program::ROOT).join("fixtures/http/openapi.json"), &found).unwrap();
    let document = claims::http::openapi::document();
    for route in claims::http::openapi::described() {
        let method = route.method.as_str().to_ascii_lowercase();
        assert_eq!(document["paths"][route.path][&method]["operationId"], route.name);
    }
    // Every reference leads somewhere.
    for part in found.split("\"$ref\": \"#").skip(1) {
        let place = part.split('"').next().unwrap();
        assert!(document.pointer(place).is_some(), "{place}");
    }
    // What is sent fits what is described.
    let (service, admin) = Service::governed();
    let fits = |path: &str, place: &str, reply: &service::Reply| {
        let schema = json!({ "$ref": format!("#{place}"), "components": document["components"], "paths": document["paths"] });
        let validator = jsonschema::validator_for(&schema).unwrap();
        let faults: Vec<String> = validator.iter_errors(&reply.json()).map(|why| why.to_string()).collect();
        assert!(faults.is_empty(), "{path}: {faults:?}\n{}", reply.body);
    };
    let views = [
        "/v1/claims",
        "/v1/claims/AMC-C-2207",
        "/v1/claims/AMC-C-2207/timeline",
        "/v1/events",
        "/v1/session",
        "/v1/access/people",
        "/v1/access/acts",
        "/v1/policies",
        "/v1/people",
        "/v1/schemas",
        "/v1/totals",
    ];
    for path in views {
        let reply = service.with_session(&admin, "GET", path, None);
        assert_eq!(reply.status, 200, "{path}");
        let path = path.replace(CLAIM, "{claim}");
        let escaped = path.replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        fits(&path, &format!("/paths/{escaped}/get/responses/200/content/application~1json/schema"), &reply);
    }
    fits("problem", "/components/schemas/Problem", &service.get("/v1/claims"));
    let page = service.get("/v1");
    assert!(page.body.contains("/v1/claims/{claim}/explanation"), "{}", page.status);
}
