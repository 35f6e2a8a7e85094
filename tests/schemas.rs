//! The schemas in `schemas/` are what the code writes and reads, and stay what they were.
//!
//! The files are compared byte for byte with what the types say today; the examples in
//! `fixtures/schema_examples/` are judged by the schema and by the reader, which must agree.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{collections::BTreeMap, fmt::Write, fs, io, path::PathBuf};

use claims::{command, schema};
use jsonschema::Validator;
use replay::{
    codec,
    commitment::SALT_BYTES,
    event::{
        Class, Event, Kind, Unreadable,
        schema::{Form, named},
    },
    ids::{self, ActorId, Code, EventId, Expected, ExternalId, Position, Revision, SourceId, Stream, Word},
    seal::{Proposal, Stamp, seal},
    time::{Instant, When},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

// ---- the files -------------------------------------------------------------------------------------------

#[test]
fn files_are_what_the_code_says() {
    let update = std::env::var("UPDATE_SCHEMAS").unwrap_or_default();
    let problems: Vec<String> =
        generated().iter().filter_map(|(name, schema)| settle(name, &page(schema), &update).err()).collect();
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
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        return; // what was written a moment ago ships with the next build
    }
    let generated = generated();
    let shipped: BTreeMap<&str, &str> = schema::list().collect();
    for (name, schema) in &generated {
        assert_eq!(shipped.get(name.as_str()), Some(&page(schema).as_str()), "{name}");
        assert_eq!(schema::find(name), shipped.get(name.as_str()).copied());
    }
    for name in shipped.keys().filter(|name| !generated.contains_key(**name)) {
        // A newer version of a kind leaves its older commands behind, as a record.
        assert!(name.starts_with("commands/"), "no code stands behind schemas/{name}.json");
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

/// Compares one file with what the code says, or writes it. What differs is never overwritten by default.
fn settle(name: &str, text: &str, update: &str) -> Result<(), String> {
    let path = root(&format!("schemas/{name}.json"));
    match fs::read_to_string(&path) {
        Ok(old) if old == text => return Ok(()),
        Ok(_) if update == "unreleased" => {}
        Ok(old) => {
            let at = 1 + old.lines().zip(text.lines()).take_while(|(a, b)| a == b).count();
            return Err(format!(
                "schemas/{name}.json differs from the code, first in line {at}. A released schema is never \
                 edited: give the kind a new version and an upcast from this one (schemas/README.md). Only if \
                 it was never released: UPDATE_SCHEMAS=unreleased cargo test --test schemas"
            ));
        }
        Err(why) if why.kind() == io::ErrorKind::NotFound && !update.is_empty() => {}
        Err(why) => {
            return Err(format!(
                "schemas/{name}.json: {why}. Write it with UPDATE_SCHEMAS=1 cargo test --test schemas, \
                 read it, and commit it with the code"
            ));
        }
    }
    fs::create_dir_all(path.parent().unwrap())
        .and_then(|()| fs::write(&path, text))
        .map_err(|why| why.to_string())
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A schema as a file: what fits stands on one line, keys in reading order whatever features serde_json has.
fn page(schema: &Value) -> String {
    let mut out = String::new();
    print(schema, 0, false, &mut out);
    out + "\n"
}

fn print(value: &Value, indent: usize, names: bool, out: &mut String) {
    let flat = flat(value, names);
    match value {
        _ if indent + flat.len() <= 100 => out.push_str(&flat),
        Value::Object(fields) => block("{}", &sorted(fields, names), indent, out, |(key, value), out| {
            write!(out, "{}: ", json!(key)).unwrap();
            print(value, indent + 2, holds_names(key, names), out);
        }),
        Value::Array(items) => {
            block("[]", items, indent, out, |item, out| print(item, indent + 2, false, out))
        }
        _ => out.push_str(&flat),
    }
}

fn block<T>(ends: &str, items: &[T], indent: usize, out: &mut String, item: impl Fn(&T, &mut String)) {
    out.push_str(&ends[..1]);
    for (at, each) in items.iter().enumerate() {
        write!(out, "{}\n{:2$}", if at == 0 { "" } else { "," }, "", indent + 2).unwrap();
        item(each, out);
    }
    write!(out, "\n{:2$}{}", "", &ends[1..], indent).unwrap();
}

fn flat(value: &Value, names: bool) -> String {
    let join = |ends: [&str; 2], parts: Vec<String>| match parts.is_empty() {
        true => ends.concat(),
        false => format!("{}{}{}", ends[0], parts.join(", "), ends[1]),
    };
    match value {
        Value::Object(fields) => {
            let part = |(key, value): (&str, &Value)| {
                format!("{}: {}", json!(key), flat(value, holds_names(key, names)))
            };
            join(["{ ", " }"], sorted(fields, names).into_iter().map(part).collect())
        }
        Value::Array(items) => join(["[", "]"], items.iter().map(|item| flat(item, false)).collect()),
        scalar => scalar.to_string(),
    }
}

/// Whether the keys below are names of fields or types, which stand in the order of the alphabet.
fn holds_names(key: &str, names: bool) -> bool {
    !names && matches!(key, "properties" | "$defs" | "dependentSchemas" | "dependentRequired")
}

fn sorted(fields: &Map<String, Value>, names: bool) -> Vec<(&str, &Value)> {
    const FIRST: [&str; 8] =
        ["$schema", "$id", "$ref", "title", "description", "type", "properties", "required"];
    let rank = |key: &str| match key {
        _ if names => 0,
        "$defs" => FIRST.len() + 1,
        _ => FIRST.iter().position(|first| *first == key).unwrap_or(FIRST.len()),
    };
    let mut fields: Vec<(&str, &Value)> = fields.iter().map(|(key, value)| (key.as_str(), value)).collect();
    fields.sort_by_key(|(key, _)| (rank(key), *key));
    fields
}

// ---- the examples ----------------------------------------------------------------------------------------

/// Examples of one schema, with the reader that must agree with it.
struct Case {
    schema: String,
    fixture: String,
    read: Box<dyn Fn(&Value) -> Result<(), String>>,
}

fn cases() -> Vec<Case> {
    let case =
        |schema: &str, fixture: &str, read| Case { schema: schema.into(), fixture: fixture.into(), read };
    let mut cases = vec![
        case("command.v1", "command", Box::new(|v: &Value| read_command(v)) as Box<_>),
        case(
            "envelope.v1",
            "envelope",
            Box::new(|v: &Value| {
                codec::decode(v.to_string().as_bytes()).map(drop).map_err(|why| why.to_string())
            }),
        ),
    ];
    for &kind in Kind::ALL {
        cases.push(case(&todays(kind), kind.as_str(), Box::new(move |v| read_payload(kind, v).map(drop))));
        for old in 1..kind.version() {
            let (schema, fixture) = (format!("events/{kind}.v{old}"), format!("{kind}.v{old}"));
            cases.push(case(
                &schema,
                &fixture,
                Box::new(move |v| {
                    Event::decode(kind, old, &v.to_string()).map(drop).map_err(|why| why.to_string())
                }),
            ));
        }
    }
    cases
}

/// The way into the log: through the door for commands, straight for what the ledger says of itself.
fn read_payload(kind: Kind, payload: &Value) -> Result<Event, String> {
    match kind.class() {
        Class::Own => {
            Event::decode(kind, kind.version(), &payload.to_string()).map_err(|why| why.to_string())
        }
        _ => command::event_of(kind, payload.clone()).map_err(|why| why.to_string()),
    }
}

fn read_command(command: &Value) -> Result<(), String> {
    let defaults = command::Defaults {
        actor: ActorId::new("a.jones").unwrap(),
        role: Code::new("agent").unwrap(),
        source: SourceId::new("cli").unwrap(),
        effective: When::parse("2024-04-15T12:00:00-05:00").unwrap(),
    };
    let line = command.to_string();
    command::parse(line.as_bytes(), &defaults, &|_| false).map(drop).map_err(|why| why.to_string())
}

#[test]
fn schema_and_reader_agree_on_the_examples() {
    let schemas = generated();
    let mut problems = Vec::new();
    for case in cases() {
        let validator = validator(&schemas[&case.schema]);
        let examples = examples(&case.fixture);
        for payload in array(&examples, "accept") {
            if let Err(why) = validator.validate(payload) {
                problems.push(format!("{}: the schema refuses {payload}: {why}", case.fixture));
            }
            if let Err(why) = (case.read)(payload) {
                problems.push(format!("{}: the reader refuses {payload}: {why}", case.fixture));
            }
        }
        for example in array(&examples, "reject") {
            let (payload, why) = (&example["payload"], &example["why"]);
            if validator.is_valid(payload) != (example.get("schema_cannot_say") == Some(&true.into())) {
                problems.push(format!("{}: the schema says otherwise: {why}", case.fixture));
            }
            if (case.read)(payload).is_ok() {
                problems.push(format!("{}: the reader accepts: {why}", case.fixture));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn every_example_belongs_to_a_schema() {
    let known: Vec<String> = cases().into_iter().map(|case| case.fixture + ".json").collect();
    for file in fs::read_dir(root("fixtures/schema_examples")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "fixtures/schema_examples/{name} belongs to no kind");
    }
}

#[test]
fn sealed_examples_fit_the_schemas_of_events() {
    let schemas = generated();
    let envelope = validator(&schemas["envelope.v1"]);
    for &kind in Kind::ALL {
        let payload = validator(&schemas[&format!("events/{kind}.v{}", kind.version())]);
        for (at, example) in array(&examples(kind.as_str()), "accept").iter().enumerate() {
            let body = sealed(read_payload(kind, example).unwrap(), at % 2 == 0);
            envelope.validate(&body).unwrap_or_else(|why| panic!("{kind}: {why} in {body}"));
            payload.validate(&body["payload"]).unwrap_or_else(|why| panic!("{kind}: {why} in {body}"));
        }
    }
}

/// The body of an event as the log stores it, with all that an envelope may hold, or the least.
fn sealed(event: Event, full: bool) -> Value {
    let places = event.kind().places();
    let stream = if places.ledger {
        "ledger"
    } else if places.order {
        "order/SO-104233"
    } else {
        "claim/C-17"
    };
    let id: EventId = "018ee2a0-5c00-7b3a-9d41-3f0a6c1b2d4e".parse().unwrap();
    let effective = When::parse("2024-04-15T12:00:00-05:00").unwrap();
    let proposal = Proposal {
        stream: stream.parse().unwrap(),
        expected: Expected::at_number(0),
        event: event.clone(),
        effective,
        effective_is_given: true,
        actor: ActorId::new("a.jones").unwrap(),
        role: Code::new("agent").unwrap(),
        approver: full.then(|| ActorId::new("m.okafor@returns").unwrap()),
        source: SourceId::new("cli").unwrap(),
        external_id: full.then(|| ExternalId::new("m 17/2024").unwrap()),
        causation: full.then_some(id),
        correlation: full.then(|| Word::new("import of 2024-04-16").unwrap()),
    };
    let stamp = Stamp {
        ledger: ids::Origin::new("northwind.us").unwrap(),
        position: Position::FIRST,
        revision: Revision::FIRST,
        event_id: id,
        recorded_at: Instant::from_micros(1_713_200_460_123_456).unwrap(),
    };
    let sealed = seal(&proposal, event, None, stamp, &mut || [7; SALT_BYTES]).unwrap();
    *codec::value(&sealed.row.body).unwrap()
}

fn validator(schema: &Value) -> Validator {
    jsonschema::draft202012::new(schema).unwrap()
}

fn examples(fixture: &str) -> Value {
    let path = root(&format!("fixtures/schema_examples/{fixture}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    let examples = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    for part in ["accept", "reject"] {
        assert!(!array(&examples, part).is_empty(), "{fixture} has no example to {part}");
    }
    examples
}

fn array<'a>(examples: &'a Value, part: &str) -> &'a [Value] {
    examples[part].as_array().map(Vec::as_slice).unwrap_or_default()
}

// ---- beyond examples -------------------------------------------------------------------------------------

/// Each accepted example is damaged in every place and in many ways. Rules of `check` are left out: those
/// that a schema can say have examples.
#[test]
fn schema_and_reader_agree_on_damage() {
    let schemas = generated();
    for &kind in Kind::ALL {
        let validator = validator(&schemas[&todays(kind)]);
        for example in array(&examples(kind.as_str()), "accept") {
            let mut damaged = Vec::new();
            damage(example, &mut |value| damaged.push(value));
            for payload in damaged {
                let read = Event::decode(kind, kind.version(), &payload.to_string());
                if !matches!(read, Err(Unreadable::Unsound(..))) {
                    assert_eq!(validator.is_valid(&payload), read.is_ok(), "{kind}: {payload}: {read:?}");
                }
            }
        }
    }
}

/// Hands out `value` with one place replaced, taken out or added, for every place.
fn damage(value: &Value, emit: &mut dyn FnMut(Value)) {
    let (long, big) = ("x".repeat(ids::PERSONAL_CHARS_MAX + 1), u64::from(u32::MAX) + 1);
    for bad in
        [json!(null), json!(true), json!(-1), json!(1.5), json!(big), json!([]), json!({}), json!(long)]
    {
        emit(bad);
    }
    ["", "\u{7}", "ß", "line\nfeed"].map(|text| emit(text.into()));
    if let Value::Array(items) = value {
        for (at, item) in items.iter().enumerate() {
            damage(item, &mut |bad| {
                let mut items = items.clone();
                items[at] = bad;
                emit(items.into());
            });
        }
    }
    let Value::Object(fields) = value else { return };
    let with = |change: &dyn Fn(&mut Map<String, Value>)| {
        let mut fields = fields.clone();
        change(&mut fields);
        Value::Object(fields)
    };
    emit(with(&|fields| drop(fields.insert("no_such_field".into(), 1.into()))));
    // What stands in these two is the business of other readers.
    for (name, inner) in fields.iter().filter(|(name, _)| *name != "set" && *name != "body") {
        emit(with(&|fields| drop(fields.remove(name))));
        damage(inner, &mut |bad| emit(with(&|fields| drop(fields.insert(name.clone(), bad.clone())))));
    }
}

#[test]
fn the_command_schema_names_the_fields_of_the_reader() {
    let complaint = read_command(&json!({ "no_such_field": 0 })).unwrap_err();
    let (_, listed) = complaint.split_once("expected one of ").unwrap();
    let mut listed: Vec<&str> = listed.split('`').skip(1).step_by(2).collect();
    listed.sort_unstable();
    let schema = command_schema().to_value();
    assert_eq!(listed, Vec::from_iter(schema["properties"].as_object().unwrap().keys()));
}

/// The patterns of names and texts say what their constructors say, for every character and at the limits.
#[test]
fn patterns_agree_with_constructors() {
    agree::<ids::ClaimId>(&|name| name.into());
    agree::<ids::Rma>(&|name| name.into());
    agree::<Code>(&|name| name.into());
    agree::<Word>(&|name| name.into());
    agree::<ExternalId>(&|name| name.into());
    agree::<ids::Personal>(&|name| name.into());
    agree::<Stream>(&|name| format!("claim/{name}"));
    agree::<replay::units::LineId>(&|name| name.into());
    agree::<replay::units::Unit>(&|name| format!("{name}#10"));
    agree::<replay::units::Unit>(&|name| format!("L1#{name}"));
}

fn agree<T: schemars::JsonSchema + DeserializeOwned>(text: &dyn Fn(&str) -> String) {
    let validator = validator(&Form::Command.generator().into_root_schema_for::<T>().to_value());
    let chars = (0..0x250).chain([0x2028, 0xfeff, 0x1f4f7]).filter_map(char::from_u32);
    let lengths = [0, 1, 40, 41, 64, 65, 200, 201, 8_000, 8_001].map(|length| "x".repeat(length));
    let numbers = ["0", "01", "9999999", "10000000", "10000001", "99999999"].map(String::from);
    for name in chars.map(|c| format!("1{c}2")).chain(lengths).chain(numbers) {
        let value = Value::from(text(&name));
        let read = T::deserialize(&value).is_ok();
        assert_eq!(validator.is_valid(&value), read, "{} {name:?}", std::any::type_name::<T>());
    }
}
