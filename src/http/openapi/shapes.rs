//! The schemas in the description of the API: those of commands from the files that ship with the program, the others
//! here, as far as programs rest on them. What is not fixed is an object as the command line prints it.

use serde_json::{Map, Value, json};

/// Views whose fields are those of the command line: the verb that prints them.
const AS_PRINTED: [(&str, &str); 27] = [
    ("Claim", "claims show CLAIM"),
    ("Order", "claims show order/ID"),
    ("Explanation", "claims explain CLAIM"),
    ("Next", "claims next CLAIM"),
    ("LineageRow", "claims lineage"),
    ("EventLineage", "claims lineage event"),
    ("WhatIfRow", "claims what-if"),
    ("TotalRow", "claims totals"),
    ("OwedRow", "claims owed"),
    ("DueRow", "claims due"),
    ("LeakageRow", "claims leakage"),
    ("PeriodRow", "claims periods"),
    ("PeopleRow", "claims people"),
    ("SodRow", "claims sod"),
    ("SodRuleRow", "claims sod --rules"),
    ("Replayed", "claims replay"),
    ("Audit", "claims audit"),
    ("AuditReport", "claims audit report"),
    ("PolicyRow", "claims policy list"),
    ("Policy", "claims policy show"),
    ("CoverageRow", "claims policy coverage"),
    ("RetentionRow", "claims retention list"),
    ("RetentionDueRow", "claims retention due"),
    ("Subject", "claims subject export"),
    ("Closed", "claims close-month"),
    ("Rebuilt", "claims rebuild"),
    ("Packet", "claims packet --format json; schema packet"),
];

/// Every schema by its name.
pub fn all() -> Value {
    let mut all = Map::new();
    for (name, verb) in AS_PRINTED {
        let says = format!("As `{verb} --json` prints it");
        all.insert(name.into(), json!({ "type": "object", "description": says }));
    }
    fixed(&mut all);
    commands(&mut all);
    Value::Object(all)
}

fn id() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[A-Za-z0-9._:@+-]+$" })
}

/// An object with exactly these fields; those with `?` behind their name may be missing.
fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        match name.strip_suffix('?') {
            Some(name) => _ = properties.insert(name.into(), schema.clone()),
            None => {
                properties.insert((*name).into(), schema.clone());
                required.push(json!(name));
            }
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn fixed(all: &mut Map<String, Value>) {
    let text = || json!({ "type": "string" });
    let whole = || json!({ "type": "integer", "minimum": 0 });
    let texts = || json!({ "type": "array", "items": { "type": "string" } });
    let time = || json!({ "type": "string", "format": "date-time" });
    let truth = || json!({ "type": "boolean" });
    let scopes = || json!({ "type": "array", "minItems": 1, "items": { "enum": ["read", "personal", "append", "access", "metrics"] } });
    let mut put = |name: &str, schema: Value| _ = all.insert(name.into(), schema);
    put(
        "Problem",
        object(&[
            ("type", json!({ "type": "string", "format": "uri" })),
            ("title", text()),
            ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 })),
            ("detail", text()),
            ("kind", text()),
            ("code", json!({ "type": "string", "pattern": "^[a-z0-9_]+$" })),
            ("at?", text()),
            ("hint?", text()),
            ("clauses?", texts()),
            ("details?", texts()),
            ("request_id", text()),
        ]),
    );
    put(
        "Receipt",
        object(&[
            ("outcome", json!({ "enum": ["recorded", "already_recorded"] })),
            ("position", json!({ "type": "integer", "minimum": 1 })),
            ("stream", text()),
            ("revision", json!({ "type": "integer", "minimum": 1 })),
            ("event_id", json!({ "type": "string", "format": "uuid" })),
            ("kind", text()),
            ("recorded_at", time()),
        ]),
    );
    put(
        "StoredEvent",
        object(&[
            ("position", json!({ "type": "integer", "minimum": 1 })),
            (
                "leaf",
                json!({ "type": "string", "pattern": "^[0-9a-f]{64}$",
                        "description": "SHA-256 of a zero byte and the canonical JSON (RFC 8785) of the event" }),
            ),
            ("event", json!({ "type": "object", "description": "As it is stored; schema envelope" })),
        ]),
    );
    put(
        "TimelineEntry",
        object(&[
            ("position", whole()),
            ("stream", text()),
            ("revision", whole()),
            ("event_id", json!({ "type": "string", "format": "uuid" })),
            ("kind", text()),
            ("effective_at", time()),
            ("recorded_at", time()),
            ("actor", text()),
            ("role", text()),
            ("approver?", text()),
            ("source", text()),
            ("external_id?", text()),
            ("standing", json!({ "enum": ["stands", "corrected", "reversed"] })),
            ("payload", json!({ "type": "object" })),
            ("redacted?", json!({ "type": "array", "items": { "type": "object" } })),
        ]),
    );
    let row = json!({ "type": "object", "description": "As `claims list --json` prints it",
        "properties": { "claim": id(), "merchant": text(), "stage": text(), "currency": text(), "open_minor": whole() },
        "required": ["claim", "merchant", "stage", "currency", "open_minor"] });
    put("ClaimRow", row);
    put("Proof", object(&[("position", whole()), ("proof", text())]));
    put("ConsistencyProof", object(&[("proof", text())]));
    put("CheckpointNote", object(&[("checkpoint", text())]));
    let head = [
        ("position", whole()),
        ("size", whole()),
        ("root", text()),
        ("recorded_at", time()),
        ("signed_by", texts()),
        ("checkpoint", text()),
    ];
    put("Checkpoint", object(&head));
    put("SchemaName", text());
    put("Schema", json!({ "type": "object" }));
    put(
        "OpenApi",
        json!({ "type": "object", "properties": { "openapi": text(), "paths": { "type": "object" } },
                "required": ["openapi", "paths"] }),
    );
    let who = [("actor", id()), ("roles", texts())];
    let csrf = ("csrf", text());
    put("LoggedIn", object(&[who.as_slice(), &[csrf]].concat()));
    let session = [("scopes", scopes()), ("source", text()), ("csrf?", text())];
    put("Session", object(&[who.as_slice(), &session].concat()));
    put("LoggedOut", object(&[("logged_out", truth())]));
    let password = json!({ "type": "string", "maxLength": 256, "format": "password" });
    put("Login", object(&[("actor", json!({ "type": "string", "maxLength": 64 })), ("password", password)]));
    put(
        "Person",
        object(&[
            ("actor", id()),
            ("state", json!({ "enum": ["active", "invited", "disabled"] })),
            ("since", time()),
        ]),
    );
    put("Invitation", object(&[("actor", id())]));
    put("Invited", object(&[("actor", id()), ("link", text())]));
    put("Disabled", object(&[("actor", id()), ("disabled", truth())]));
    let days = json!({ "type": "integer", "minimum": 1, "maximum": crate::access::TOKEN_DAYS_MAX });
    put(
        "TokenAsked",
        object(&[("actor", id()), ("source?", id()), ("scopes", scopes()), ("days", days.clone())]),
    );
    put(
        "TokenIssued",
        object(&[
            ("id", text()),
            ("actor", id()),
            ("source", id()),
            ("scopes", scopes()),
            ("days", days),
            ("token", text()),
        ]),
    );
    put(
        "Token",
        object(&[
            ("id", text()),
            ("actor", id()),
            ("source", text()),
            ("scopes", texts()),
            ("state", json!({ "enum": ["active", "expired", "revoked"] })),
            ("created_by", text()),
            ("created_at", time()),
            ("expires_at", time()),
        ]),
    );
    put("Revoked", object(&[("id", text()), ("revoked", truth())]));
    put("AccessAct", object(&[("at", time()), ("who", text()), ("what", text()), ("about", text())]));
    put(
        "Approval",
        object(&[
            ("id", text()),
            ("state", json!({ "enum": ["pending", "approved", "rejected", "expired"] })),
            ("requester", id()),
            ("role", text()),
            ("command", json!({ "type": "object" })),
            ("created_at", time()),
            ("expires_at", time()),
            ("decided_by?", id()),
            ("decided_at?", time()),
        ]),
    );
}

/// What the door knows and no command says.
const NOT_IN_A_BODY: [&str; 4] = ["actor", "approver", "source", "kind"];

/// One schema per kind that a command may carry, and their choice.
fn commands(all: &mut Map<String, Value>) {
    let head: Value = read("command");
    let mut choice = Vec::new();
    let mut kinds = Map::new();
    for (name, _) in crate::schema::list() {
        // Older versions stay as a record of what was once written; commands are of today's.
        let Some((kind, _)) = name.strip_prefix("commands/").and_then(|rest| rest.rsplit_once(".v")) else {
            continue;
        };
        if kinds.contains_key(kind) {
            continue;
        }
        let payload = format!("Payload_{kind}");
        let mut schema = read(&format!("commands/{kind}"));
        moved(&mut schema, &format!("#/components/schemas/{payload}/$defs/"));
        without(&mut schema, &["$schema", "$id"]);
        all.insert(payload.clone(), schema);
        let mut command = head.clone();
        without(&mut command, &["$schema", "$id", "title", "description"]);
        if let Some(fields) = command.get_mut("properties").and_then(Value::as_object_mut) {
            NOT_IN_A_BODY.iter().for_each(|name| _ = fields.remove(*name));
            fields.insert("kind".into(), json!({ "const": kind, "type": "string" }));
            fields.insert("payload".into(), json!({ "$ref": format!("#/components/schemas/{payload}") }));
        }
        let name = format!("Command_{kind}");
        let place = format!("#/components/schemas/{name}");
        choice.push(json!({ "$ref": place }));
        kinds.insert(kind.into(), json!(place));
        all.insert(name, command);
    }
    choice.sort_by_key(ToString::to_string);
    all.insert(
        "Command".into(),
        json!({ "oneOf": choice, "discriminator": { "propertyName": "kind", "mapping": kinds },
                "description": "What somebody asks to be recorded; the actor is whoever asks" }),
    );
}

fn read(name: &str) -> Value {
    crate::schema::find(name).and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn without(schema: &mut Value, names: &[&str]) {
    if let Some(fields) = schema.as_object_mut() {
        names.iter().for_each(|name| _ = fields.remove(*name));
    }
}

/// Makes references to definitions inside a schema point to where the schema stands now.
fn moved(schema: &mut Value, place: &str) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().and_then(|text| text.strip_prefix("#/$defs/")) {
                    Some(rest) if name == "$ref" => *value = json!(format!("{place}{rest}")),
                    _ => moved(value, place),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| moved(item, place)),
        _ => {}
    }
}
