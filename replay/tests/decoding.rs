//! The short way of reading an event (`decode_canonical`) held against the long one: `is_canonical`, then `decode`,
//! which is serde_json. Bodies of every kind, frozen ones and what a random hand makes of them: whatever the short way
//! takes, the long one takes and reads the same.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::{fs, ops::Range, path::Path, sync::LazyLock};

use proptest::{prelude::*, sample::Index};
use replay::{
    canonical::{is_canonical, to_bytes},
    codec::{Envelope, Recorded, decode, decode_canonical, encode},
    event::{Event, Kind},
    ids::{Personal, Stream},
    merkle::Hash,
    time::{Instant, When},
};
use serde_json::{Value, json};

/// Bodies as the program writes them, of every kind; bodies whose payload is mostly refused; bodies of the first days.
struct Bodies {
    written: Vec<Vec<u8>>,
    refused: Vec<Vec<u8>>,
    frozen: Vec<Vec<u8>>,
}

static BODIES: LazyLock<Bodies> = LazyLock::new(|| {
    let mut bodies = Bodies { written: Vec::new(), refused: Vec::new(), frozen: Vec::new() };
    for kind in Kind::ALL {
        let text = fs::read_to_string(fixtures(&format!("schema_examples/{kind}.json"))).unwrap();
        let examples: Value = serde_json::from_str(&text).unwrap();
        for payload in examples["accept"].as_array().unwrap() {
            bodies.written.push(written(*kind, payload));
        }
        let template: Value = serde_json::from_slice(bodies.written.last().unwrap()).unwrap();
        let rejected = examples["reject"].as_array().unwrap().iter().map(|example| &example["payload"]);
        // Examples hold personal values in clear, which no body may.
        for payload in rejected.chain(examples["accept"].as_array().unwrap()) {
            let mut body = template.clone();
            body["payload"] = payload.clone();
            // What has a fraction or is nested too deep has no canonical form.
            bodies.refused.extend(to_bytes(&body));
        }
    }
    let frozen = fs::read_dir(fixtures("frozen")).unwrap().map(|entry| entry.unwrap().path());
    let mut frozen: Vec<_> = frozen.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    frozen.sort();
    bodies.frozen.extend(frozen.iter().map(|path| fs::read(path).unwrap()));
    bodies
});

fn fixtures(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(path)
}

/// The body of an event with every field that an envelope has, its personal values committed to.
fn written(kind: Kind, payload: &Value) -> Vec<u8> {
    let mut event = Event::decode(kind, kind.version(), &payload.to_string()).unwrap();
    event.personals(&mut |path, value| {
        *value = Personal::Committed(Hash(replay::commitment::commit(&path.to_string(), &[7; 32], "").0));
    });
    let places = kind.places();
    let stream = match (places.claim, places.order) {
        (true, _) => Stream::Claim("C-1".parse().unwrap()),
        (_, true) => Stream::Order("O-1".parse().unwrap()),
        _ => Stream::Ledger,
    };
    let envelope = Envelope {
        ledger: "shop.example/claims".parse().unwrap(),
        position: serde_json::from_value(json!(4711)).unwrap(),
        stream,
        revision: serde_json::from_value(json!(3)).unwrap(),
        event_id: "0190b3f2-9c1e-7d4a-8f00-0123456789ab".parse().unwrap(),
        effective: When { at: Instant::from_micros(1_700_000_000_000_000).unwrap(), offset_minutes: -330 },
        recorded_at: Instant::from_micros(1_700_000_123_456_789).unwrap(),
        actor: "ann".parse().unwrap(),
        role: "agent".parse().unwrap(),
        approver: Some("bob".parse().unwrap()),
        source: "carrier.ups".parse().unwrap(),
        external_id: Some("a \"key\" of theirs, é and 😂".parse().unwrap()),
        causation: Some("0190b3f2-9c1e-7d4a-8f00-0123456789ac".parse().unwrap()),
        correlation: Some("import 12".parse().unwrap()),
    };
    encode(&envelope, &mut event).unwrap()
}

fn long_way(body: &[u8]) -> Option<Recorded> {
    is_canonical(body).ok().and_then(|()| decode(body).ok())
}

/// Whether a way of reading took what the long way does not take, or read something else.
fn goes_wrong(way: impl Fn(&[u8]) -> Option<Recorded>, body: &[u8]) -> bool {
    way(body).is_some_and(|read| Some(read) != long_way(body))
}

#[test]
fn what_the_program_writes_is_read_the_short_way() {
    for body in &BODIES.written {
        assert!(decode_canonical(body).is_some(), "{}", body.escape_ascii());
        assert!(!goes_wrong(decode_canonical, body), "{}", body.escape_ascii());
    }
}

#[test]
fn what_is_refused_or_was_written_long_ago_is_not_read_otherwise() {
    let Bodies { refused, frozen, .. } = &*BODIES;
    assert!(refused.len() > 100 && frozen.len() >= 16);
    for body in refused.iter().chain(frozen) {
        assert!(!goes_wrong(decode_canonical, body), "{}", body.escape_ascii());
    }
    // Of the frozen bodies all are read the short way but the one of an old version.
    for body in refused {
        assert_eq!(decode_canonical(body), long_way(body), "{}", body.escape_ascii());
    }
    assert_eq!(frozen.iter().filter(|body| decode_canonical(body).is_none()).count(), 1);
}

/// One change of a text.
#[derive(Debug, Clone)]
enum Change {
    /// One bit is another.
    Bit(Index, u8),
    /// The text ends here.
    End(Index),
    /// A piece is left out.
    Cut(Index, Index),
    /// A piece comes twice, here or elsewhere.
    Again(Index, Index, Index),
    /// A member or item comes twice in a row.
    Twice(Index),
    /// A value is another one.
    Value(Index, Index),
    /// A member or item of this text or another one stands beside one of this.
    Beside(Index, Index, Index),
    /// Two members or items change places.
    Swap(Index, Index),
    /// A character is written as an escape.
    Escape(Index, bool),
    /// Something of no meaning stands here.
    Noise(Index, Index),
}

/// Values for others: wrong in their type, in their spelling, or too much.
const VALUES: [&str; 40] = [
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "-0",
    "01",
    "1.0",
    "1e3",
    "9007199254740991",
    "9007199254740992",
    "-9007199254740991",
    "-9007199254740992",
    "18446744073709551615",
    "18446744073709551616",
    "65535",
    "65536",
    "99999999999999999999999999",
    "\"\"",
    "\"x\"",
    "\"\\u0041\"",
    "\"\\n\"",
    "\"\\u000a\"",
    "\"\\/\"",
    "\"a b\"",
    "\"2024-02-30\"",
    "\"2024-03-01T10:00:00Z\"",
    "\"2024-03-01T10:00:00+00:00\"",
    "\"2024-03-01t10:00:00z\"",
    "\"2024-03-01T10:00:60.5Z\"",
    "\"L1#1-1\"",
    "[]",
    "[[]]",
    "[\"L1#2\",\"L1#1\"]",
    "{}",
    "{\"a\":1}",
    "{\"commitment\":\"x\"}",
    "{\"currency\":\"USD\",\"minor\":1}",
    "{\"minor\":1,\"currency\":\"USD\"}",
];
const NOISE: [&str; 8] = [" ", "\n", ",", ":", "\"", "}", "]", "\u{feff}"];

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        1 => (at(), 0..8u8).prop_map(|(at, bit)| Change::Bit(at, bit)),
        1 => at().prop_map(Change::End),
        1 => (at(), at()).prop_map(|(from, to)| Change::Cut(from, to)),
        1 => (at(), at(), at()).prop_map(|(from, to, at)| Change::Again(from, to, at)),
        2 => at().prop_map(Change::Twice),
        4 => (at(), at()).prop_map(|(at, value)| Change::Value(at, value)),
        4 => (at(), at(), at()).prop_map(|(at, from, of)| Change::Beside(at, from, of)),
        4 => (at(), at()).prop_map(|(one, other)| Change::Swap(one, other)),
        1 => (at(), any::<bool>()).prop_map(|(at, upper)| Change::Escape(at, upper)),
        1 => (at(), at()).prop_map(|(at, noise)| Change::Noise(at, noise)),
    ]
}

/// Where the values of a text are, its own included: of each the range, and where its key begins if it has one. (The
/// text is canonical when this is asked first; afterwards it finds what it finds.)
fn values(text: &[u8]) -> Vec<(usize, Range<usize>)> {
    let mut found = Vec::new();
    value(text, 0, 0, &mut found);
    found
}

fn value(text: &[u8], key: usize, start: usize, found: &mut Vec<(usize, Range<usize>)>) -> usize {
    let mut at = start;
    match text.get(at) {
        Some(open @ (b'{' | b'[')) => {
            at += 1;
            while !matches!(text.get(at), None | Some(b'}' | b']')) {
                let key = at;
                if *open == b'{' {
                    at = string(text, at) + 1;
                }
                let before = at;
                at = value(text, key, at, found);
                at += usize::from(text.get(at) == Some(&b',') || at == before);
            }
            at += 1;
        }
        Some(b'"') => at = string(text, at),
        _ => at += text[at.min(text.len())..].iter().take_while(|b| !b",]}".contains(b)).count(),
    }
    let end = at.min(text.len());
    found.push((key.min(end), start.min(end)..end));
    end
}

fn string(text: &[u8], at: usize) -> usize {
    let mut end = (at + 1).min(text.len());
    while let Some(byte) = text.get(end).filter(|byte| **byte != b'"') {
        end += 1 + usize::from(*byte == b'\\');
    }
    (end + 1).min(text.len())
}

fn changed(mut text: Vec<u8>, change: &Change, others: &[Vec<u8>]) -> Vec<u8> {
    if text.is_empty() {
        return text;
    }
    let piece = |text: &[u8], a: &Index, b: &Index| {
        let (a, b) = (a.index(text.len()), b.index(text.len()));
        a.min(b)..a.max(b)
    };
    match change {
        Change::Bit(at, bit) => {
            let at = at.index(text.len());
            text[at] ^= 1 << bit;
        }
        Change::End(at) => text.truncate(at.index(text.len())),
        Change::Cut(from, to) => drop(text.drain(piece(&text, from, to))),
        Change::Again(from, to, at) => {
            let copy = text[piece(&text, from, to)].to_vec();
            let at = at.index(text.len());
            text.splice(at..at, copy);
        }
        Change::Twice(at) => {
            let (key, range) = at.get(&values(&text)).clone();
            let copy = [&text[key..range.end], b","].concat();
            text.splice(key..key, copy);
        }
        Change::Value(at, with) => {
            let (_, range) = at.get(&values(&text)).clone();
            let with = *with.get(&VALUES);
            // Deep enough to be refused for it, now and then.
            let deep = format!("{}{with}{}", "[".repeat(40), "]".repeat(40));
            let with = if at.index(16) == 0 { &deep } else { with };
            text.splice(range, with.bytes());
        }
        Change::Beside(at, from, of) => {
            let other = of.get(others);
            let (key, range) = from.get(&values(other)).clone();
            let copy = [&other[key..range.end], b","].concat();
            let (key, _) =
                *at.get(&values(&text).iter().map(|(key, range)| (*key, range.end)).collect::<Vec<_>>());
            text.splice(key..key, copy);
        }
        Change::Swap(one, other) => {
            let all = values(&text);
            let (one, other) = (one.get(&all), other.get(&all));
            let (one, other) = (one.0..one.1.end, other.0..other.1.end);
            let (first, second) = if one.start <= other.start { (one, other) } else { (other, one) };
            if first.end <= second.start {
                let moved = text[first.clone()].to_vec();
                let back = text.splice(second.clone(), moved).collect::<Vec<_>>();
                text.splice(first, back);
            }
        }
        Change::Escape(at, upper) => {
            let at = at.index(text.len());
            let byte = text[at];
            let escape = if *upper { format!("\\u{byte:04X}") } else { format!("\\u{byte:04x}") };
            text.splice(at..=at, escape.into_bytes());
        }
        Change::Noise(at, noise) => {
            let at = at.index(text.len());
            text.splice(at..at, noise.get(&NOISE).bytes());
        }
    }
    text
}

fn changed_body() -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Vec<u8>> =
        [&BODIES.written, &BODIES.refused, &BODIES.frozen].into_iter().flatten().cloned().collect();
    (any::<Index>(), proptest::collection::vec(change(), 1..4)).prop_map(move |(body, changes)| {
        changes.iter().fold(body.get(&all).clone(), |text, one| changed(text, one, &all))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]
    #[test]
    fn what_a_random_hand_makes_is_read_as_the_long_way_reads_it(body in changed_body()) {
        prop_assert!(!goes_wrong(decode_canonical, &body), "{}", body.escape_ascii());
    }
}

/// The check above can fail: reading that looks away in one respect is found out by the same hand.
#[test]
fn a_way_that_looks_away_is_found_out() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let bodies = changed_body();
    let bodies: Vec<Vec<u8>> = (0..20_000).map(|_| bodies.new_tree(&mut runner).unwrap().current()).collect();
    let found_out = |way: fn(&[u8]) -> Option<Recorded>| bodies.iter().any(|body| goes_wrong(way, body));
    assert!(found_out(|body| decode(body).ok()), "the order of keys, blanks and escapes");
    assert!(
        found_out(|body| {
            let mut read = decode_canonical(body)?;
            read.envelope.approver = None;
            Some(read)
        }),
        "what a field says"
    );
    // And some of what the hand makes is taken, so that there is something to compare.
    let taken = bodies.iter().filter(|body| decode_canonical(body).is_some()).count();
    assert!(taken > 200, "{taken} of {}", bodies.len());
}
