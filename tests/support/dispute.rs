//! A ledger with stories of `fixtures/claims`, the same bytes in every run: what packets are made of in tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{collections::BTreeSet, fs, path::Path};

use claims::{
    command::{Defaults, parse},
    door::Door,
    evidence::heads::{self, Change},
    ledger::Ledger,
    packet::{self, Options, Packet},
    policy_file::embedded,
    redaction::{self, Request, Selection},
    store::{Store, sqlite::SqliteStore},
};
use replay::{
    event::Event,
    evidence::note::{KeyType, SignerKey},
    ids::{ActorId, ClaimId, Code, Expected, Origin, SourceId, Stream},
    seal::Proposal,
    time::{Instant, When},
};
use serde_json::Value;

pub const ORIGIN: &str = "shop.example/claims";
/// What somebody could write into every text that is not his own, and more than one page has fallen for.
pub const HOSTILE: &str =
    "</script><script>pwned=1</script><img src=x onerror=pwned=1>\"'&amp;<!--\u{2028}\u{202E}\u{200F}|`*_]]>";
/// Fields that hold any text at all.
const FREE: [&str; 23] = [
    "description",
    "sku",
    "name",
    "email",
    "address",
    "phone",
    "serials",
    "method_ref",
    "service",
    "tracking",
    "place",
    "scan_ref",
    "text",
    "reason_text",
    "media",
    "reference",
    "instructions_ref",
    "damage",
    "tests",
    "accessories_missing",
    "psp_ref",
    "receipt_ref",
    "external_id",
];

/// A ledger that is written to by a fixed clock.
pub struct Shop {
    pub ledger: Ledger<SqliteStore>,
    pub hostile: bool,
}

impl Shop {
    /// With the five policies.
    pub fn new(path: &Path) -> Self {
        let start = When::parse("2023-01-01T00:00:00Z").unwrap();
        let store = SqliteStore::create(path, &Origin::new(ORIGIN).unwrap()).unwrap();
        let mut ledger = Ledger::new(store, Door::fixed("packets", start.at));
        for policy in embedded::policies().unwrap() {
            let mut proposal = proposal(policy.published.into(), start);
            proposal.expected = Expected::at_number(ledger.store().revision(&Stream::Ledger).unwrap());
            proposal.approver = Some(ActorId::new("second").unwrap());
            ledger.record(vec![proposal]).unwrap();
        }
        Self { ledger, hostile: false }
    }

    /// Records a story; hostile shops write something into every free text of it.
    pub fn play(&mut self, story: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fixtures/claims")
            .join(story)
            .with_extension("ndjson");
        let defaults = Defaults {
            actor: ActorId::new("fixture").unwrap(),
            role: Code::new("system").unwrap(),
            source: SourceId::new("fixture").unwrap(),
            effective: When { at: Instant::EPOCH, offset_minutes: 0 },
        };
        let mut begun: BTreeSet<Stream> = BTreeSet::new();
        for line in fs::read_to_string(path).unwrap().lines() {
            let mut command: Value = serde_json::from_str(line).unwrap();
            if self.hostile {
                poison("", &mut command);
            }
            let text = serde_json::to_vec(&command).unwrap();
            let mut command = parse(&text, &defaults, &|stream| begun.contains(stream)).unwrap();
            begun.insert(command.stream.clone());
            command.expected = Expected::at_number(self.ledger.store().revision(&command.stream).unwrap());
            self.ledger.door().set_now(command.effective.at);
            self.ledger.record(vec![command]).unwrap_or_else(|why| panic!("{line}\n{why}"));
        }
    }

    /// Signs the head with a key that is the same in every run; gives the key that checks.
    pub fn sign(&mut self) -> String {
        self.sign_with(7)
    }

    pub fn sign_with(&mut self, seed: u8) -> String {
        let (key, at) = (key(seed), self.now());
        heads::sign(&mut self.ledger, &key, &|event| proposal(event, at)).unwrap();
        key.verifier().to_string()
    }

    /// Puts a key on record, after another that hands over to it.
    pub fn announce(&mut self, seed: u8, after: Option<u8>) {
        let old = after.map(key);
        let change = old.as_ref().map_or(Change::Introduced, Change::Rotated);
        let at = self.now();
        heads::announce(&mut self.ledger, &key(seed), change, &|event| proposal(event, at)).unwrap();
    }

    fn now(&mut self) -> When {
        When { at: self.ledger.door().now(), offset_minutes: 0 }
    }

    pub fn packet(&mut self, claim: &str, options: &Options) -> Packet {
        packet::packet(self.ledger.store(), &ClaimId::new(claim).unwrap(), options).unwrap()
    }
}

/// Erases the personal values of a claim, with a second person's approval.
pub fn redact(shop: &mut Shop, claim: &str) {
    let actor = |id: &str| ActorId::new(id).unwrap();
    let on = When::parse("2024-12-01T09:00:00Z").unwrap();
    shop.ledger.door().set_now(on.at);
    let request = Request {
        selection: Selection::Claim(ClaimId::new(claim).unwrap()),
        basis: Some(Code::new("gdpr_art17").unwrap()),
        requester: actor("privacy.desk"),
        actor: actor("o.haddad"),
        role: Code::new("privacy_officer").unwrap(),
        approver: Some(actor("d.ruiz")),
        source: SourceId::new("desk").unwrap(),
        on,
    };
    redaction::erase(&mut shop.ledger, &request).unwrap();
}

fn key(seed: u8) -> SignerKey {
    SignerKey::new(ORIGIN, KeyType::Log, &[seed; 32]).unwrap()
}

fn proposal(event: Event, at: When) -> Proposal {
    Proposal {
        stream: Stream::Ledger,
        expected: Expected::AfterThePreviousOfThisBatch,
        event,
        effective: at,
        effective_is_given: true,
        actor: ActorId::new("fixture").unwrap(),
        role: Code::new("system").unwrap(),
        approver: None,
        source: SourceId::new("fixture").unwrap(),
        external_id: None,
        event_id: None,
        causation: None,
        correlation: None,
    }
}

/// Writes [`HOSTILE`] behind every text of the free fields.
fn poison(name: &str, value: &mut Value) {
    match value {
        Value::String(text) if FREE.contains(&name) => text.push_str(HOSTILE),
        Value::Array(items) => items.iter_mut().for_each(|item| poison(name, item)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| poison(name, value)),
        _ => {}
    }
}
