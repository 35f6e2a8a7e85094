//! JSON Schemas (2020-12) of what the ledger writes and reads, made from the types that do it.
//!
//! Only tests turn this on: they hold the files in `schemas/` against it. What a type cannot say, its
//! `check` says; [`demands`] repeats that as far as JSON Schema has words for it.

use alloc::{format, string::String, vec::Vec};
use schemars::{
    JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, transform::RecursiveTransform,
};
use serde_json::{Map, Value, json};

use super::{
    Basis, Kind, NOTE_CHARS_MAX, RETENTION_DAYS_MAX, Remedy, TABLE_NAME_BYTES_MAX, TABLES_MAX,
    payload::LIST_LEN_MAX,
};
use crate::{allocate::BP_WHOLE, canonical::INTEGER_MAX, units::UNIT_NUMBER_MAX};

/// The same payload in two forms, which differ in its personal values only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As an event in the log carries it: commitments.
    Event,
    /// As a command brings it: text in clear.
    Command,
}

impl Form {
    /// A generator for types in this form. Schemars tells the forms apart as "what is written" and "what is
    /// read".
    pub fn generator(self) -> SchemaGenerator {
        let settings = SchemaSettings::draft2020_12()
            .with_transform(RecursiveTransform(limit_integer))
            .with_transform(RecursiveTransform(forbid_null));
        match self {
            Form::Event => settings.for_serialize(),
            Form::Command => settings.for_deserialize(),
        }
        .into_generator()
    }
    pub(super) fn of<T: JsonSchema>(self, kind: Kind) -> Schema {
        let mut schema = self.generator().into_root_schema_for::<T>();
        merge(schema.ensure_object(), demands(kind));
        schema
    }
    /// The schema of an old version: the type that its upcast takes.
    pub(super) fn of_old<Old: JsonSchema, New>(self, _: fn(Old) -> New) -> Schema {
        self.generator().into_root_schema_for::<Old>()
    }
}

/// Gives a schema its `$id` and title. `name` is its file without `.json`, e.g. `events/claim_opened.v1`.
pub fn named(mut schema: Schema, name: &str) -> Schema {
    let path = name.replace('/', ":").replace(".v", ":v");
    schema.insert("$id".into(), format!("urn:claims-ledger:schema:{path}").into());
    schema.insert("title".into(), title(name).into());
    schema
}

fn title(name: &str) -> String {
    let (stem, version) = name.split_once(".v").unwrap_or((name, ""));
    match stem.split_once('/') {
        Some(("events", kind)) => format!("{kind}, version {version}: payload of the event"),
        Some(("commands", kind)) => format!("{kind}, version {version}: payload of the command"),
        _ => format!("{stem}, version {version}"),
    }
}

/// Integers stay within what every JSON reader holds exactly (RFC 7493); `uint64` and its like are no formats
/// of JSON Schema.
fn limit_integer(schema: &mut Schema) {
    let Some(format) = schema.get("format").and_then(Value::as_str) else { return };
    let max = match format {
        "uint64" => INTEGER_MAX,
        "uint32" => u32::MAX.into(),
        "uint16" => u16::MAX.into(),
        "int16" => i16::MAX.into(),
        _ => return,
    };
    schema.remove("format");
    schema.ensure_object().entry("maximum").or_insert(max.into());
}

/// An optional field is left out or has a value. Schemars takes every `Option` for nullable, but `null` is not a
/// third way to say the same thing (see `present` in `payload.rs`).
fn forbid_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [name] = types.as_slice() {
            let name = name.clone();
            schema.insert("type".into(), name);
        }
    }
    if let Some(Value::Array(choices)) = schema.get("anyOf")
        && let [Value::Object(choice), null] = choices.as_slice()
        && *null == json!({ "type": "null" })
    {
        let choice = choice.clone();
        schema.remove("anyOf");
        schema.ensure_object().extend(choice);
    }
}

/// What `check` demands of a payload beyond its types, to be merged into its schema. Sums, unique lines and
/// hashes are beyond JSON Schema.
fn demands(kind: Kind) -> Value {
    use Kind::*;
    // Types are repeated for validators that are strict about what a keyword applies to.
    let some = json!({ "type": "array", "minItems": 1 });
    let positive =
        json!({ "type": "object", "properties": { "minor": { "type": "integer", "minimum": 1 } } });
    // For an inspection to find, never for a customer to say.
    let found = json!({ "not": { "const": Basis::NoFault.as_str() } });
    match kind {
        PolicyPublished => {
            json!({ "properties": { "version": { "minimum": 1 }, "body": { "type": "object" } } })
        }
        PeriodClosed | PeriodReopened => {
            json!({ "properties": { "period": { "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$" } } })
        }
        OrderRecorded => json!({
            "properties": { "lines": some },
            "required": ["lines"],
            "$defs": { "OrderLine": { "properties": { "quantity": { "minimum": 1, "maximum": UNIT_NUMBER_MAX } } } },
        }),
        RetentionSet => json!({ "properties": { "days": { "minimum": 1, "maximum": RETENTION_DAYS_MAX } } }),
        PersonalDataRedacted => json!({ "properties": { "targets": some }, "required": ["targets"] }),
        CheckpointRecorded => json!({ "properties": { "note": { "maxLength": NOTE_CHARS_MAX } } }),
        SigningKeyAnnounced => {
            let vkey = json!({ "pattern": "^[^\\s+]+\\+[0-9a-f]{8}\\+[A-Za-z0-9+/]+=*$" });
            json!({
                "properties": { "note": { "maxLength": NOTE_CHARS_MAX }, "key": vkey, "replaces": vkey },
                "if": { "properties": { "reason": { "const": "introduced" } } },
                "then": { "not": { "required": ["replaces"] } },
                "else": { "required": ["replaces"] },
            })
        }
        ProjectionRebuilt => json!({ "properties": { "rows": {
            "maxProperties": TABLES_MAX, "propertyNames": { "maxLength": TABLE_NAME_BYTES_MAX } } } }),
        DiscretionExercised => json!({ "properties": { "fee_bp": { "maximum": BP_WHOLE } } }),
        HistoricalCreditRecorded => json!({
            "$defs": { "HistoricalLine": { "properties": { "quantity": { "minimum": 1 } } } },
        }),
        EligibilityAssessed => json!({ "properties": { "units": some }, "required": ["units"] }),
        ItemInspected => {
            let short = json!({ "maxItems": LIST_LEN_MAX });
            json!({ "properties": { "units": some, "accessories_missing": short, "damage": short, "tests": short, "media": short } })
        }
        ClaimOpened => json!({ "properties": { "units": some, "asserted": found } }),
        ClaimReclassified => json!({ "properties": { "to": found } }),
        AuthorizationGranted | ParcelReceived | ItemLostInCustody | DispositionRecorded | RepairCompleted
        | RepairShipped | SparePartsSent | ReplacementShipped | ReplacementDelivered => {
            json!({ "properties": { "units": some } })
        }
        EvidenceSubmitted | VerificationFailed => {
            json!({ "properties": { "items": some }, "required": ["items"] })
        }
        RemedyDecided => {
            // Beside a replacement or repair there may be costs to repay; none decides nothing.
            let paid: Vec<&str> =
                Remedy::ALL.iter().filter(|r| **r != Remedy::None).map(|r| r.as_str()).collect();
            json!({
                "properties": { "units": some },
                "dependentSchemas": { "entitlement": { "properties": { "remedy": { "type": "string", "enum": paid } } } },
            })
        }
        EventCorrected => json!({
            "anyOf": [
                { "properties": { "set": { "type": "object", "minProperties": 1 } } },
                { "properties": { "effective_at": true }, "required": ["effective_at"] },
            ],
        }),
        CostRecorded => json!({
            "properties": { "amount": positive, "rate": { "pattern": "^[0-9]*\\.?[0-9]*[1-9][0-9]*\\.?[0-9]*$" } },
            "dependentRequired": {
                "order_amount": ["rate", "rate_source", "rate_date"],
                "rate": ["order_amount"], "rate_source": ["order_amount"], "rate_date": ["order_amount"],
            },
        }),
        PaymentCaptured | FeeCharged | CustomerCharged | ChargePaid | RefundIssued | GiftCreditIssued
        | ChargebackOpened => json!({ "properties": { "amount": positive } }),
        _ => json!({}),
    }
}

/// Adds `more` to a schema: objects field by field, lists at their end, everything else as a whole.
fn merge(schema: &mut Map<String, Value>, more: Value) {
    let Value::Object(more) = more else { return };
    for (key, value) in more {
        match (schema.get_mut(&key), value) {
            (Some(Value::Object(inner)), value @ Value::Object(_)) => merge(inner, value),
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (_, value) => {
                schema.insert(key, value);
            }
        }
    }
}
