//! The schemas in `schemas/` are what the code writes and reads, and stay what they were.
//!
//! The files are compared byte for byte with what the types say today; the examples in
//! `fixtures/schema_examples/` are judged by the schema and by the reader, which must agree.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use claims::schema;
use page::page;
use replay::{
    codec,
    event::{
        Class, Kind,
        schema::{Form, named},
    },
    ids::{ActorId, Code, EventId, ExternalId, SourceId, Stream, Word},
    time::When,
};
use serde_json::Value;

#[path = "schemas/examples.rs"]
mod examples;
#[path = "schemas/page.rs"]
mod page;

#[test]
fn files_are_what_the_code_says() {
    let settled = |(name, schema): (String, Value)| {
        let path = root(&format!("schemas/{name}.json"));
        settle(&path, &page(&schema), &update()).err()
    };
    let problems: Vec<String> = generated().into_iter().filter_map(settled).collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_schema_is_a_valid_2020_12_schema() {
    for (name, schema) in generated() {
        jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|why| panic!("{name}: {why}"));
        for key in ["$id", "$schema", "title", "description"] {
            assert!(schema.get(key).is_some_and(Value::is_string), "{name} has no {key}");
        }
        assert_eq!(schema["additionalProperties"], false, "{name} is open");
    }
}

#[test]
fn the_program_ships_them_all() {
    if !update().is_empty() {
        return; // what was written a moment ago ships with the next build
    }
    let generated = generated();
    let shipped: BTreeMap<&str, &str> = schema::list().collect();
    for (name, schema) in &generated {
        assert_eq!(shipped.get(name.as_str()), Some(&page(schema).as_str()), "{name}");
        assert_eq!(schema::find(name), shipped.get(name.as_str()).copied());
    }
    // Commands of older versions stay as a record; events of every version can still be read.
    for name in shipped.keys().filter(|name| name.starts_with("events/")) {
        assert!(generated.contains_key(*name), "no code reads what schemas/{name}.json describes");
    }
    for kind in Kind::ALL {
        assert_eq!(schema::find(kind.as_str()), schema::find(&todays(*kind)), "{kind}");
        assert!(schema::find(kind.as_str()).is_some(), "{kind}");
    }
    assert_eq!(schema::find("command"), schema::find("command.v1"));
    assert_eq!(schema::find("envelope"), schema::find("envelope.v1"));
    assert_eq!(schema::find("events/contact_logged"), schema::find("events/contact_logged.v2"));
    assert_eq!([schema::find("README"), schema::find("claim_opened.v0"), schema::find("")], [None; 3]);
}

#[test]
fn a_released_schema_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events/note_added.v1.json");
    let written = || fs::read_to_string(&path).unwrap_or_default();
    assert!(settle(&path, "one\n", "").unwrap_err().contains("UPDATE_SCHEMAS=1"));
    assert_eq!((settle(&path, "one\n", "1"), written()), (Ok(()), "one\n".into()));
    assert!(settle(&path, "two\n", "1").unwrap_err().contains("a new version"));
    assert_eq!(written(), "one\n");
    assert_eq!((settle(&path, "two\n", "unreleased"), written()), (Ok(()), "two\n".into()));
    assert_eq!(settle(&path, "two\n", ""), Ok(()));
}

/// Every schema by its name, as the code has it today.
fn generated() -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut add = |name: String, schema| all.insert(name.clone(), named(schema, &name).to_value());
    add("envelope.v1".into(), codec::schema());
    add("command.v1".into(), command_schema());
    for &kind in Kind::ALL {
        for version in 1..=kind.version() {
            add(format!("events/{kind}.v{version}"), kind.schema(version, Form::Event).unwrap());
        }
        if kind.class() != Class::Own {
            add(todays(kind), kind.schema(kind.version(), Form::Command).unwrap());
        }
    }
    all
}

/// The schema of what people write of a kind; of what only the ledger writes, its event.
fn todays(kind: Kind) -> String {
    let folder = if kind.class() == Class::Own { "events" } else { "commands" };
    format!("{folder}/{kind}.v{}", kind.version())
}

/// Written by hand, because the application knows no schemars; the tests below hold it to the reader.
fn command_schema() -> schemars::Schema {
    let mut g = Form::Command.generator();
    schemars::json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": "One line of `claims record`: what somebody asks to be recorded.",
        "type": "object",
        "properties": {
            "stream": g.subschema_for::<Stream>(),
            "expected_revision": {
                "description": "Revision that the author believes the stream to have, 0 for a new one. \
                                Only a later command of a batch on the same stream may leave it out.",
                "type": "integer", "minimum": 0, "maximum": replay::canonical::INTEGER_MAX,
            },
            "kind": {
                "description": "Kind of the payload.",
                "type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64,
            },
            "effective_at": g.subschema_for::<When>(),
            "actor": g.subschema_for::<ActorId>(),
            "role": g.subschema_for::<Code>(),
            "approver": g.subschema_for::<ActorId>(),
            "source": g.subschema_for::<SourceId>(),
            "external_id": g.subschema_for::<ExternalId>(),
            "event_id": g.subschema_for::<EventId>(),
            "causation": g.subschema_for::<EventId>(),
            "correlation": g.subschema_for::<Word>(),
            "payload": {
                "description": "What it says; `commands/<kind>` is its schema.",
                "type": "object", "additionalProperties": true,
            },
        },
        "required": ["stream", "kind", "payload"],
        "additionalProperties": false,
    })
}

/// What the person who runs the tests allows: nothing, `1` to write what is missing, or `unreleased`.
fn update() -> String {
    std::env::var("UPDATE_SCHEMAS").unwrap_or_default()
}

/// Compares one file with what the code says, or writes it. What differs is never overwritten by default.
fn settle(path: &Path, text: &str, update: &str) -> Result<(), String> {
    let name = path.display();
    match fs::read_to_string(path) {
        Ok(old) if old == text => return Ok(()),
        Ok(_) if update == "unreleased" => {}
        Ok(old) => {
            let at = 1 + old.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
            return Err(format!(
                "{name} differs from the code, first in line {at}. A released schema is never edited: give the \
                 kind a new version and an upcast from this one (schemas/README.md). Only if it was never \
                 released: UPDATE_SCHEMAS=unreleased cargo test --test schemas"
            ));
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound && !update.is_empty() => {}
        Err(why) => {
            return Err(format!(
                "{name}: {why}. Write it with UPDATE_SCHEMAS=1 cargo test --test schemas, read it, and commit it \
                 with the code"
            ));
        }
    }
    let written = fs::create_dir_all(path.parent().unwrap()).and_then(|()| fs::write(path, text));
    written.map_err(|why| format!("{name}: {why}"))
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}
