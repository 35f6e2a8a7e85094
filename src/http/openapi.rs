//! The description of the API (OpenAPI 3.1), made from the table of routes and from the JSON Schemas that ship with the
//! program, and a page of reference made from the same. `tests/serve.rs` holds a frozen copy against it.

mod shapes;

use maud::html;
use serde_json::{Map, Value, json};

use super::{
    answer::{Answer, JSON},
    app::App,
    asked::Asked,
    desk::page,
    param::{Is, Place},
    routes::{Gives, May, Route, Run, Takes, Verb, all},
};
use crate::error::Result;

/// The routes.
pub const ROUTES: &[Route] = &[
    Route {
        name: "openapi",
        method: Verb::Get,
        path: "/v1/openapi.json",
        says: "This description",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Json("OpenApi"),
        run: Run::Act(|_: &App, _: &Asked| Ok(Answer::of(200, JSON, document().to_string().into_bytes()))),
    },
    Route {
        name: "reference",
        method: Verb::Get,
        path: "/v1",
        says: "The API for readers",
        may: May::Anybody,
        scope: None,
        params: &[],
        takes: Takes::Nothing,
        gives: Gives::Page,
        run: Run::Act(reference),
    },
];

/// Routes that are for programs; pages are not described.
pub fn described() -> impl Iterator<Item = &'static Route> {
    all().filter(|route| route.gives != Gives::Page && route.name != "asset")
}

/// The whole description.
pub fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in described() {
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        }
    }
    let problem = |text: &str| json!({ "description": text, "content": { "application/problem+json": { "schema": reference_to("Problem") } } });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Claims ledger",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Warranty, return and refund claims as an event-sourced ledger",
            "description": "Every view is the JSON of the command line. The actor of every event is whoever asks.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{ "url": "/", "description": "This service" }],
        "tags": tags(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of a program" },
                "session": { "type": "apiKey", "in": "cookie", "name": "claims_session",
                    "description": "The session of a person; over TLS the cookie is called __Host-claims. Unsafe requests carry X-CSRF-Token" },
            },
            "schemas": shapes::all(),
            "responses": {
                "Refused": problem("What was asked cannot be done; the problem says why"),
                "Failed": problem("The service cannot answer now"),
            },
        },
    })
}

fn reference_to(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// What routes have in common, by the beginning of their paths.
const TAGS: [(&str, &str, &str); 8] = [
    ("/v1/claims", "claims", "Claims: what happened, what they are worth, what is next"),
    ("/v1/orders", "claims", ""),
    ("/v1/events", "log", "The log: recording, reading, proving"),
    ("/v1/feed", "log", ""),
    ("/v1/approvals", "approvals", "Acts that wait for a second person"),
    ("/v1/session", "access", "Sessions, people and tokens"),
    ("/v1/access", "access", ""),
    ("/v1/", "ledger", "The ledger as a whole: money, clocks, people, policies, audit"),
];

fn tag(route: &Route) -> &'static str {
    TAGS.iter().find(|(begin, ..)| route.path.starts_with(begin)).map_or("service", |(_, tag, _)| tag)
}

fn tags() -> Vec<Value> {
    let named = TAGS.iter().filter(|(.., says)| !says.is_empty());
    let mut tags: Vec<Value> =
        named.map(|(_, name, says)| json!({ "name": name, "description": says })).collect();
    tags.push(json!({ "name": "service", "description": "Health and figures of the service" }));
    tags
}

fn operation(route: &Route) -> Value {
    let mut one = json!({
        "operationId": route.name,
        "summary": route.says,
        "tags": [tag(route)],
        "parameters": parameters(route),
        "responses": responses(route),
    });
    match route.may {
        May::Anybody => one["security"] = json!([]),
        May::Known => one["security"] = json!([{ "token": [] }, { "session": [] }]),
        May::Roles(roles) => {
            one["security"] = json!([{ "token": [] }, { "session": [] }]);
            one["x-roles"] = json!(roles);
        }
    }
    if let Some(scope) = route.scope {
        one["x-scope"] = json!(scope);
    }
    match route.takes {
        Takes::Json(name) => {
            one["requestBody"] =
                json!({ "required": true, "content": { JSON: { "schema": reference_to(name) } } });
        }
        Takes::Lines => {
            one["requestBody"] = json!({ "required": true, "description": "One Command a line",
                "content": { "application/x-ndjson": { "schema": { "type": "string" } } } });
        }
        Takes::Form | Takes::Nothing => {}
    }
    one
}

fn parameters(route: &Route) -> Vec<Value> {
    let mut list: Vec<Value> = route
        .params
        .iter()
        .filter(|param| param.place != Place::Free)
        .map(|param| {
            let mut one = json!({
                "name": param.name,
                "in": if param.place == Place::Path { "path" } else { "query" },
                "required": param.place != Place::Query,
                "description": param.says,
                "schema": param.is.schema(),
            });
            if matches!(param.is, Is::SomeOf(_)) {
                one["style"] = json!("form");
                one["explode"] = json!(false);
            }
            one
        })
        .collect();
    let mut header = |name: &str, says: &str, schema: Value| {
        list.push(
            json!({ "name": name, "in": "header", "required": false, "description": says, "schema": schema }),
        );
    };
    if route.takes == Takes::Json("Command") {
        header(
            "If-Match",
            "The revision that the command was decided at, in quotes, as an ETag gives it",
            json!({ "type": "string", "pattern": "^\"[0-9]{1,15}\"$" }),
        );
        header(
            "Idempotency-Key",
            "The sender's own id: the same key and content again changes nothing",
            json!({ "type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$" }),
        );
    }
    if route.gives == Gives::Feed {
        header(
            "Last-Event-ID",
            "Resume after this position",
            json!({ "type": "string", "pattern": "^[0-9]{1,15}$" }),
        );
    }
    list
}

fn responses(route: &Route) -> Value {
    let content = |media: &str, schema: Value| json!({ media: { "schema": schema } });
    let body = match route.gives {
        Gives::Json("Schema") => content("application/schema+json", reference_to("Schema")),
        Gives::Json("Packet") => json!({
            JSON: { "schema": reference_to("Packet") },
            "text/html": { "schema": { "type": "string" } },
            "text/markdown": { "schema": { "type": "string" } },
        }),
        Gives::Json(name) => content(JSON, reference_to(name)),
        Gives::Rows(name) => content(
            JSON,
            json!({
                "type": "object",
                "properties": {
                    "items": { "type": "array", "items": reference_to(name) },
                    "next": { "type": "string", "description": "Give it as `after` for the next page; absent on the last one" },
                },
                "required": ["items"],
                "additionalProperties": false,
            }),
        ),
        Gives::Media(_) if route.name == "journal" => json!({
            "application/x-ndjson": { "schema": { "type": "string" } },
            "text/plain": { "schema": { "type": "string" } },
            "text/csv": { "schema": { "type": "string" } },
        }),
        Gives::Media(media) => content(media, json!({ "type": "string" })),
        Gives::Receipts => content("application/x-ndjson", json!({ "type": "string" })),
        Gives::Feed => content("text/event-stream", json!({ "type": "string" })),
        Gives::Page => content("text/html", json!({ "type": "string" })),
    };
    let good: &[(&str, &str)] = match route.name {
        "append" | "approve" => &[("201", "Recorded"), ("200", "The same was recorded before")],
        "ask_approval" => &[("202", "It waits for a second person")],
        "invite_person" | "issue_token" | "close_month" => &[("201", "Made")],
        _ => &[("200", "The answer")],
    };
    let mut all = Map::new();
    for (status, says) in good {
        let mut response = json!({ "description": says, "content": body });
        if matches!(route.name, "claim" | "order" | "append" | "approve") {
            response["headers"] = json!({ "ETag": { "description": "The revision of the stream, in quotes",
                "schema": { "type": "string", "pattern": "^\"[0-9]+\"$" } } });
        }
        all.insert((*status).into(), response);
    }
    all.insert("4XX".into(), json!({ "$ref": "#/components/responses/Refused" }));
    all.insert("5XX".into(), json!({ "$ref": "#/components/responses/Failed" }));
    Value::Object(all)
}

/// The same for readers.
fn reference(_: &App, _: &Asked) -> Result<Answer> {
    let who = |may: May| match may {
        May::Anybody => "anybody".to_string(),
        May::Known => "whoever is known".to_string(),
        May::Roles(roles) => roles.join(", "),
    };
    let body = html! {
        h1 { "The API" }
        p { "Described for programs in " a href="/v1/openapi.json" { "openapi.json" } " (OpenAPI 3.1); payloads of commands in "
            a href="/v1/schemas" { "schemas" } ". Programs send " code { "Authorization: Bearer TOKEN" }
            "; errors are " code { "application/problem+json" } "." }
        @for route in described() {
            h2 id=(route.name) { code { (route.method.as_str()) " " (route.path) } }
            p { (route.says) "." }
            p { small { "For " (who(route.may)) @if let Some(scope) = route.scope { "; scope " (scope.as_str()) } } }
            @if !route.params.is_empty() {
                table {
                    thead { tr { th { "parameter" } th { "in" } th { "what it does" } } }
                    tbody { @for param in route.params { tr {
                        td { code { (param.name) } }
                        td { @match param.place { Place::Path => "path", Place::Query | Place::Free => "query", Place::Needed => "query, needed" } }
                        td { (param.says) }
                    } } }
                }
            }
        }
    };
    Ok(Answer::page(page("The API", false, &body)))
}
