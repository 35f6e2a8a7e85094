//! What was sent, said and submitted: parcels with their scans, messages, pieces of evidence.

use replay::event::Kind;
use serde_json::Value;
use std::collections::BTreeMap;

use super::{
    Communication, EvidencePart, Parcel, Scan, Text,
    gather::{Fact, text},
    words::{human, says, title},
};

/// Parcels in the order in which they first appear, with every scan.
pub(super) fn parcels(facts: &[Fact]) -> Vec<Parcel> {
    let mut parcels: BTreeMap<String, Parcel> = BTreeMap::new();
    let mut order: Vec<String> = Vec::new();
    for fact in facts.iter().filter(|f| f.stands()) {
        let Some(id) = fact.word("parcel") else { continue };
        if !order.contains(&id) {
            order.push(id.clone());
        }
        let parcel = parcels.entry(id.clone()).or_insert_with(|| empty(id));
        parcel.positions.push(fact.position);
        match fact.kind {
            Kind::ShipmentDispatched => {
                parcel.leg = human(&fact.word("leg").unwrap_or_default());
                parcel.dispatched = Some(fact.at());
                parcel.service = fact.word("service");
                parcel.units = fact.units();
                parcel.tracking_check = fact.word("tracking_check.verdict").map(|v| human(&v));
                told(parcel, fact);
            }
            Kind::LabelIssued => {
                if parcel.leg.is_empty() {
                    parcel.leg = human(&fact.word("leg").unwrap_or_default());
                }
                told(parcel, fact);
            }
            Kind::TrackingScanned => {
                let status = fact.word("status").unwrap_or_default();
                if status == "delivered" && parcel.delivered.is_none() {
                    parcel.delivered = Some(fact.at());
                }
                parcel.scans.push(Scan {
                    at: fact.at(),
                    status: human(&status),
                    place: fact.word("place"),
                    reference: fact.word("scan_ref"),
                    position: fact.position,
                });
            }
            Kind::ParcelReceived => parcel.at_the_dock = Some(format!("taken in {}", fact.at())),
            Kind::ParcelRefused => parcel.at_the_dock = Some(format!("turned away {}", fact.at())),
            _ => {
                if parcel.units.is_empty() {
                    parcel.units = fact.units();
                }
            }
        }
    }
    order.iter().filter_map(|id| parcels.remove(id)).collect()
}

fn told(parcel: &mut Parcel, fact: &Fact) {
    parcel.carrier = fact.word("carrier").or(parcel.carrier.take());
    parcel.tracking = fact.text("tracking").or(parcel.tracking.take());
}

fn empty(id: String) -> Parcel {
    Parcel {
        id,
        leg: String::new(),
        carrier: None,
        service: None,
        tracking: None,
        tracking_check: None,
        units: String::new(),
        dispatched: None,
        delivered: None,
        at_the_dock: None,
        scans: Vec::new(),
        positions: Vec::new(),
    }
}

const FROM: &str = "from the customer";
const TO: &str = "to the customer";
const AMONG: &str = "among colleagues";

/// Every message, by the time it was sent.
pub(super) fn communications(facts: &[Fact]) -> Vec<Communication> {
    let mut found = Vec::new();
    for fact in facts.iter().filter(|f| f.stands()) {
        let by_customer = matches!(fact.word("by").as_deref(), Some("buyer" | "recipient"));
        let (direction, about) = match fact.kind {
            Kind::ClaimOpened if by_customer => (FROM, "claim opened".into()),
            Kind::ContactLogged if fact.word("direction").as_deref() == Some("inbound") => {
                (FROM, "message".into())
            }
            Kind::ContactLogged => (TO, "message".into()),
            Kind::NoticeSent => (TO, human(&fact.word("about").unwrap_or_default())),
            Kind::AuthorizationGranted if fact.value.get("written") == Some(&Value::Bool(true)) => {
                (TO, format!("written authorization {}", fact.word("rma").unwrap_or_default()))
            }
            Kind::AuthorizationDenied => (TO, "authorization denied".into()),
            Kind::RemedyOffered => {
                (TO, format!("offer: {}", human(&fact.word("remedy").unwrap_or_default())))
            }
            Kind::RemedySelected if by_customer => {
                (FROM, format!("choice: {}", human(&fact.word("remedy").unwrap_or_default())))
            }
            Kind::DisputeOpened if by_customer => (FROM, "dispute opened".into()),
            Kind::ClaimWithdrawn if by_customer => (FROM, "claim withdrawn".into()),
            Kind::NoteAdded => (AMONG, "note".into()),
            _ => continue,
        };
        found.push(Communication {
            at: fact.at(),
            direction,
            channel: fact.word("via").or_else(|| fact.word("channel")).map(|c| human(&c)),
            about,
            text: fact.text("text").or_else(|| fact.text("reason_text")),
            reference: fact.word("reference"),
            by: fact.actor.clone(),
            position: fact.position,
        });
    }
    found
}

/// Every piece of evidence, with the hash of its file where there is one.
pub(super) fn evidence(facts: &[Fact]) -> Vec<EvidencePart> {
    let mut found: Vec<EvidencePart> = Vec::new();
    for fact in facts.iter().filter(|f| f.stands()) {
        let part = |kind: String, sha256: Option<String>, media: Option<String>| EvidencePart {
            at: fact.at(),
            kind,
            sha256,
            media,
            standing: "stands".into(),
            by: fact.actor.clone(),
            position: fact.position,
        };
        let word = |item: &Value, name: &str| item.get(name).and_then(text).map(|t: Text| t.text);
        match fact.kind {
            Kind::EvidenceSubmitted => {
                for item in fact.value.get("items").and_then(Value::as_array).into_iter().flatten() {
                    let kind = word(item, "kind").unwrap_or_default();
                    found.push(part(human(&kind), word(item, "sha256"), word(item, "media")));
                }
            }
            Kind::VerificationFailed => {
                let failed: Vec<String> = fact.list("items").iter().map(|k| human(k)).collect();
                for earlier in found.iter_mut().filter(|e| failed.contains(&e.kind)) {
                    earlier.standing = format!("does not hold (position {})", fact.position);
                }
            }
            Kind::ItemInspected => {
                found.push(part(format!("inspection: {}", says(fact.kind, &fact.value)), None, None));
                for hash in fact.list("media") {
                    found.push(part("file of the inspection".into(), Some(hash), None));
                }
            }
            Kind::RepairCompleted => found.push(part(title(fact.kind.as_str()), None, None)),
            Kind::DeviceTransmissionSummarised | Kind::ConnectivityAssessed => {
                let count = fact.value.get("count").and_then(Value::as_u64);
                let count = count.map(|n| format!(", {n} transmissions")).unwrap_or_default();
                let days = match (fact.word("from"), fact.word("to")) {
                    (Some(from), Some(to)) => format!(", {from} to {to}"),
                    _ => String::new(),
                };
                found.push(part(format!("{}{days}{count}", human(fact.kind.as_str())), None, None));
            }
            // Files that other events name.
            _ => {
                for name in ["evidence", "explains"] {
                    if let Some(hash) = fact.word(name).filter(|word| word.len() == 64) {
                        found.push(part(human(fact.kind.as_str()), Some(hash), None));
                    }
                }
            }
        }
    }
    found
}
