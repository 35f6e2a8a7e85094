//! Examples, damaged examples and single texts: whatever a schema says of them, the reader says too.

use std::fs;

use claims::command;
use jsonschema::Validator;
use replay::{
    codec,
    commitment::SALT_BYTES,
    event::{Class, Event, Kind, Unreadable, schema::Form},
    ids::{self, ActorId, Code, EventId, Expected, ExternalId, Position, Revision, SourceId, Stream, Word},
    seal::{Proposal, Stamp, seal},
    time::{Instant, When},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{command_schema, generated, root, todays};

/// Examples of one schema, with the reader that must agree with it.
struct Case {
    schema: String,
    fixture: String,
    read: Reader,
}

type Reader = Box<dyn Fn(&Value) -> Result<(), String>>;

fn cases() -> Vec<Case> {
    let case = |schema: String, fixture: String, read: Reader| Case { schema, fixture, read };
    let mut cases = vec![
        case("command.v1".into(), "command".into(), Box::new(read_command)),
        case("envelope.v1".into(), "envelope".into(), Box::new(read_body)),
    ];
    for &kind in Kind::ALL {
        let read = Box::new(move |payload: &Value| read_payload(kind, payload).map(drop));
        cases.push(case(todays(kind), kind.to_string(), read));
        for old in 1..kind.version() {
            let read = Box::new(move |payload: &Value| read_event(kind, old, payload).map(drop));
            cases.push(case(format!("events/{kind}.v{old}"), format!("{kind}.v{old}"), read));
        }
    }
    cases
}

/// The way into the log: through the door for commands, straight for what the ledger says of itself.
fn read_payload(kind: Kind, payload: &Value) -> Result<Event, String> {
    match kind.class() {
        Class::Own => read_event(kind, kind.version(), payload),
        _ => command::event_of(kind, payload.clone()).map_err(|why| why.to_string()),
    }
}

fn read_event(kind: Kind, version: u16, payload: &Value) -> Result<Event, String> {
    Event::decode(kind, version, &payload.to_string()).map_err(|why| why.to_string())
}

fn read_body(body: &Value) -> Result<(), String> {
    codec::decode(body.to_string().as_bytes()).map(drop).map_err(|why| why.to_string())
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
        event_id: full.then_some(id),
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
    codec::open(&sealed.row.as_row()).unwrap();
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
    let texts = ["", "\u{7}", "ß", "line\nfeed", long.as_str()].map(Value::from);
    let others = [json!(null), json!(true), json!(-1), json!(1.5), json!(big), json!({})];
    texts.into_iter().chain(others).for_each(&mut *emit);
    if !value.is_object() {
        emit(json!([])); // serde reads an object from a list, field by field; no schema allows that
    }
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
