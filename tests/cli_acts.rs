//! Every verb as people type it, in the lives of a few claims: flags give events that the ledger takes.

use claims::{
    cli::acts::Act,
    door::Door,
    error::{Error, ErrorKind},
    ledger::{Ledger, Receipt},
    periods,
    store::memory::MemoryStore,
};
use clap::{CommandFactory, Parser};
use replay::{
    canonical,
    event::{Class, Event, Kind, PolicyPublished},
    ids::{ActorId, Code, Expected, Origin, PolicyId, SourceId, Stream, Word},
    merkle::sha256,
    seal::Proposal,
    time::{Day, Month, When},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

type Fallible = Result<(), Box<dyn std::error::Error>>;

/// Kinds that other commands bring in: `policy publish`, `import` and `retention set`.
const WITHOUT_A_VERB: [Kind; 4] =
    [Kind::PolicyPublished, Kind::CalendarPublished, Kind::HistoricalCreditRecorded, Kind::RetentionSet];

#[derive(Debug, Parser)]
#[command(name = "claims")]
struct Cli {
    #[command(subcommand)]
    act: Act,
}

/// One verb and the kind that must come of it. `{kind}` stands for the id of the last event of that kind.
const STORY: &str = "
register-actor a.jones --name 'Ann Jones'                                      => actor_registered
grant a.jones approver                                                         => role_granted
revoke a.jones approver --reason left_the_company                              => role_revoked
limit agent refund_issued '500.00 USD'                                         => limit_set
reopen-month 2024-01 --reason wrong_rate --approver b.lee --role finance       => period_reopened

order O1 --policy TST --currency USD --country US --subdivision US-TX --shipping 7.95 --purchased-at 2024-03-01T12:00:00-06:00 --line 'sku=CAM-1,price=100.00,qty=6,tax=49.50,warranty=P1Y' --line 'id=SUB,sku=PLAN,price=30,class=subscription,period-from=2024-03-01,period-to=2024-04-01' --name 'Bo Chan' --gift-to recipient => order_recorded
order O2 --policy TST --currency JPY --country JP --sku CAM-1 --price 9800     => order_recorded
pay O1 --payment P1 --amount 687.45 --method card-1                            => payment_captured
subscribe O1 --line SUB --device D-88                                          => subscription_activated
device O1 --device D-88 --from 2024-03-01 --to 2024-04-01 --count 0            => device_transmission_summarised
ownership O1 --device D-88 --from cust-17 --to cust-40 --approved-by a.jones   => ownership_change_recorded
dispatch order/O1 --parcel OUT --carrier ups --tracking 1Z999AA10123456784     => shipment_dispatched
scan order/O1 --parcel OUT --status delivered --at 2024-03-05T15:00:00-06:00   => tracking_scanned

open C1 --order O1 --reason change_of_mind --via email --units L1#1 --text 'It is too big.' => claim_opened
reclassify C1 --to defect --reason customer_says_more                          => claim_reclassified
evidence C1 --kind order_number --kind proof_of_purchase                       => evidence_submitted
verification-failed C1 --kind proof_of_purchase --reason other_order           => verification_failed
assess C1 --status authorizable --basis defect --remedy refund --cite H-13 --last-day return30=2024-04-04 => eligibility_assessed
authorize C1 --rma RMA-1 --written --form yes                                  => authorization_granted
label C1 --cost 8.50 --paid-by merchant --carrier ups                          => label_issued
dispatch claim/C1 --parcel IN --rma RMA-1 --units all                          => shipment_dispatched
scan C1 --parcel IN --status in_transit                                        => tracking_scanned
refuse-parcel C1 --parcel OTHER --reason damaged                               => parcel_refused
receive C1 --rma RMA-1 --parcel IN --extra 'camera bag' --note yes             => parcel_received
inspect C1 --defect confirmed --cause manufacturing --damage none              => item_inspected
dispose C1 --disposition refurbish                                             => disposition_recorded
offer C1 --remedy replacement --same-item yes                                  => remedy_offered
select C1 --remedy refund                                                      => remedy_selected
cost C1 --cost inbound_shipping --paid-by customer --amount 12.00 --receipt rcpt-4 => cost_recorded
cost C1 --cost customs --paid-by customer --amount '11.00 EUR' --order-amount 11.94 --rate 1.0854 --rate-source ECB --rate-date 2024-03-08 => cost_recorded
discretion C1 --point H-19.goodwill --decision grant --amount 10.00 --reason long_wait --reason-text 'waited three weeks' --approver b.lee => discretion_exercised
decide C1 --remedy refund                                                      => remedy_decided
refund C1 --refund R1 --amount 60.00                                           => refund_issued
posted C1 --refund R1                                                          => refund_posted
refund C1 --refund R2 --amount '25.00 USD' --to other_method --method bank-9 --approver b.lee => refund_issued
failed C1 --refund R2 --reason account_closed                                  => refund_failed
gift-credit C1 --credit G1 --amount 25.00 --to buyer                           => !payout_differs
gift-credit C1 --credit G1 --amount 25.00 --to buyer --approver b.lee          => gift_credit_issued
refund C1 --refund R3 --amount 33.26 --units all                               => !over_refund
refund C1 --refund R3 --amount 33.25 --units all                               => refund_issued
flag-late C1 --refund R3 --due 2024-05-17T23:59:59-05:00 --ladder bank_account_rechecked => refund_late_flagged
trace C1 --refund R3 --via email --attested bank_contacted                     => refund_trace_opened
trace-answered C1 --refund R3 --result credited_on_statement                   => refund_trace_answered
fee C1 --charge F1 --fee misuse_service --amount 45.00                         => fee_charged
charge-paid C1 --charge F1 --amount 45.00                                      => charge_paid
charge C1 --charge F2 --cost return_leg_shipping --amount 8.50                 => customer_charged
waive-charge C1 --charge F2 --reason goodwill                                  => charge_waived
chargeback C1 --psp-ref cb-1 --amount 60.00 --reason not_received              => chargeback_opened
chargeback-won C1 --psp-ref cb-1                                               => chargeback_won
chargeback C1 --psp-ref cb-2 --amount 25.00 --reason not_received              => chargeback_opened
chargeback-lost C1 --psp-ref cb-2                                              => chargeback_lost
notice C1 --about refund_issued --channel email --to buyer                     => notice_sent
contact C1 --channel phone --text 'Asked where the refund is.'                 => contact_logged
note C1 --text 'Call back on Monday.'                                          => note_added
correct C1 --event {item_inspected} --reason typing_error --set packaging=damaged --set 'damage=[\"scratch\"]' => event_corrected
correct order/O1 --event {shipment_dispatched} --reason wrong_date --effective-at 2024-03-02T12:00:00-06:00 => !target_is_not_in_the_stream
correct order/O1 --event {payment_captured} --reason wrong_card --set method_ref=card-2 => event_corrected
reverse C1 --event {contact_logged} --reason recorded_twice                    => event_reversed
dispute C1 --about {refund_failed} --text 'The account is open.'               => dispute_opened
resolve C1 --result in_favour_of_merchant --by b.lee                           => dispute_resolved
escalate C1 --reason customer_disagrees                                        => claim_escalated
close C1                                                                       => claim_closed
reopen C1 --reason new_evidence                                                => claim_reopened

open C2 --order O1 --reason defect --via chat --units L1#2                     => claim_opened
stock C2 --sku CAM-1 --in-stock yes                                            => stock_reported
decide C2 --remedy repair                                                      => remedy_decided
repaired C2 --authorized-repair yes                                            => repair_completed
ship-repair C2 --parcel BACK                                                   => repair_shipped
remedy-failed C2 --remedy repair --reason broke_again                          => remedy_failed
decide C2 --remedy replacement --variant new                                   => remedy_decided
ship-replacement C2 --parcel NEW --variant new                                 => replacement_shipped
replacement-delivered C2 --parcel NEW                                          => replacement_delivered
decide C2 --remedy spare_parts                                                 => remedy_decided
send-parts C2 --parcel PARTS                                                   => spare_parts_sent

open C3 --order O1 --reason wrong_purchase --via form --units L1#3-4           => claim_opened
authorize C3 --rma RMA-2                                                       => authorization_granted
expire C3 --rma RMA-2                                                          => authorization_expired
authorize C3 --rma RMA-3                                                       => authorization_granted
void C3 --rma RMA-3 --reason wrong_units                                       => authorization_voided
receive C3 --units L1#3                                                        => parcel_received
lost-in-custody C3 --units L1#3 --circumstances 'gone after the stocktake'     => item_lost_in_custody
decide C3 --remedy refund                                                      => !policy_denies
deny C3 --reason not_covered --cite H-11                                       => authorization_denied

open C4 --order O1 --reason subscription_refund --via ticket --units SUB       => claim_opened
connectivity C4 --device D-88 --transmitted no                                 => connectivity_assessed
withdraw C4                                                                    => claim_withdrawn

place-hold C1 --hold suit-17 --reason lawsuit                                  => legal_hold_placed
place-hold C1 --hold suit-17 --reason lawsuit                                  => !hold_id_is_used
place-hold order/O2 --hold tax-audit --reason authority_asks                   => legal_hold_placed
release-hold C1 --hold suit-17 --reason settled                                => !second_person_is_missing
release-hold C1 --hold suit-17 --reason settled --approver b.lee               => legal_hold_released
";

struct Desk {
    ledger: Ledger<MemoryStore>,
    last: BTreeMap<String, String>,
}

impl Desk {
    /// A ledger with one policy, on a day in 2024.
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let store = MemoryStore::new(Origin::new("cli.test")?);
        let mut desk = Desk { ledger: Ledger::new(store, door()?), last: BTreeMap::new() };
        let body = json!({
            "policy": { "id": "TST" },
            "windows": { "year": { "any": [{ "act": "contact", "after": "purchase", "within": "P1Y" }], "cites": ["T-1"] } },
            "entitlement": [{
                "id": "any", "scope": { "basis": ["change_of_mind", "defect", "subscription_refund"] }, "windows": ["year"],
                "remedies": ["refund", "replacement", "repair", "spare_parts"], "chooser": "merchant", "cites": ["T-2"],
            }],
            "requirement": [{
                "stage": "settle", "scope": { "basis": ["defect"], "remedy": ["refund"] },
                "needs": ["is", "unit.inspected", true], "on_fail": "hold", "cites": ["T-3"],
            }],
        });
        let policy = PolicyPublished {
            policy: PolicyId::new("TST")?,
            version: 1,
            name: Word::new("Test")?,
            effective_from: Day::parse("2024-01-01")?,
            sha256: sha256(&canonical::to_bytes(&body)?),
            supersedes: None,
            body,
        };
        let publish = Proposal {
            stream: Stream::Ledger,
            expected: Expected::at_number(0),
            event: policy.into(),
            effective: door()?.now_here(),
            effective_is_given: false,
            actor: ActorId::new("a.jones")?,
            role: Code::new("admin")?,
            approver: Some(ActorId::new("b.lee")?),
            source: SourceId::new("test")?,
            external_id: None,
            event_id: None,
            causation: None,
            correlation: None,
        };
        desk.ledger.record(vec![publish.clone()])?;
        let month = Month::parse("2024-01")?;
        let seal = Proposal {
            expected: Expected::AfterThePreviousOfThisBatch,
            event: periods::unfilled(month),
            ..publish
        };
        periods::close(&mut desk.ledger, &seal, month)?;
        Ok(desk)
    }
    /// A ledger with an order of two cameras and a claim on one of them.
    fn with_a_claim() -> Result<Self, Box<dyn std::error::Error>> {
        let mut desk = Desk::new()?;
        desk.record("order O1 --policy TST --currency USD --country US --sku CAM-1 --price 79.99 --qty 2")?;
        desk.record("open C1 --order O1 --reason defect --via email --units L1#1")?;
        Ok(desk)
    }
    fn proposal(&mut self, line: &str) -> Result<Proposal, Error> {
        let mut line = line.to_string();
        for (kind, id) in &self.last {
            line = line.replace(&format!("{{{kind}}}"), id);
        }
        let act = parse(&line).map_err(|why| Error::new(ErrorKind::Usage, "clap", why))?;
        let door = door().map_err(|why| Error::new(ErrorKind::Internal, "clock", why.to_string()))?;
        act.proposal(self.ledger.store(), &door)
    }
    fn payload(&mut self, line: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Ok(self.proposal(line)?.event.to_value()?)
    }
    fn record(&mut self, line: &str) -> Result<Receipt, Error> {
        let proposal = self.proposal(line)?;
        let receipt = self.ledger.record(vec![proposal])?.remove(0);
        self.last.insert(receipt.kind.clone(), receipt.event_id.clone());
        Ok(receipt)
    }
}

fn door() -> Result<Door, replay::time::BadTime> {
    Ok(Door::fixed("cli", When::parse("2024-06-01T12:00:00Z")?.at))
}

/// A line of a shell: words, some of them in quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec!["claims".to_string()];
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn parse(line: &str) -> Result<Act, String> {
    Cli::try_parse_from(words(line)).map(|cli| cli.act).map_err(|why| why.to_string())
}

fn story() -> impl Iterator<Item = (&'static str, &'static str)> {
    STORY.lines().filter_map(|line| line.split_once("=>")).map(|(line, kind)| (line.trim(), kind.trim()))
}

#[test]
fn every_verb_says_its_kind_and_the_ledger_takes_it() -> Fallible {
    let mut desk = Desk::new()?;
    for (line, expected) in story() {
        let found = match desk.record(line) {
            Ok(receipt) => receipt.kind,
            Err(why) => format!("!{}", why.code),
        };
        assert_eq!(found, expected, "{line}\n{:?}", desk.record(line));
    }
    Ok(())
}

#[test]
fn every_kind_that_happens_outside_or_that_the_merchant_does_has_a_verb() {
    let told: BTreeSet<&str> = story().map(|(_, kind)| kind).collect();
    let due = Kind::ALL.iter().filter(|k| k.class() != Class::Own && !WITHOUT_A_VERB.contains(k));
    let missing: Vec<&str> = due.map(|kind| kind.as_str()).filter(|kind| !told.contains(kind)).collect();
    assert_eq!(missing, [""; 0], "kinds that no line of the story leads to");
}

#[test]
fn every_verb_is_told_in_the_story() {
    let told: BTreeSet<&str> = story().filter_map(|(line, _)| line.split(' ').next()).collect();
    let cli = Cli::command();
    let missing: Vec<&str> =
        cli.get_subcommands().map(|verb| verb.get_name()).filter(|verb| !told.contains(verb)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn help_of_every_verb_has_examples_that_can_be_typed() {
    for verb in Cli::command().get_subcommands() {
        let name = verb.get_name();
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(
            !about.is_empty() && !about.contains('\n') && !about.contains("Options of"),
            "{name}: {about}"
        );
        let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
        let examples = help.strip_prefix("Examples:\n").unwrap_or_default().replace("\\\n", " ");
        let typed = format!("  claims {name} ");
        let examples: Vec<&str> = examples.lines().filter(|line| line.starts_with(&typed)).collect();
        assert!(!examples.is_empty(), "{name} has no example");
        for example in examples {
            let line = example.trim().trim_start_matches("claims ");
            assert!(parse(line).is_ok(), "{example}: {:?}", parse(line).err());
        }
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{name}: an example is too wide");
    }
}

#[test]
fn flags_become_fields() -> Fallible {
    let mut desk = Desk::with_a_claim()?;
    let photo = tempfile::Builder::new().suffix(".JPG").tempfile()?;
    std::fs::write(photo.path(), b"abc")?;
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let mail = tempfile::NamedTempFile::new()?;
    std::fs::write(mail.path(), "Dear shop,\r\nit broke.\r\n")?;
    let at = |line: &str, path: &std::path::Path| line.replace("FILE", &path.display().to_string());
    let evidence = at("evidence C1 --kind problem_photo_or_video --file FILE", photo.path());
    let contact = at("contact C1 --channel email --text-file FILE", mail.path());
    let cases: [(&str, Value); 12] = [
        (
            "order O2 --policy TST --currency KWD --country KW --line 'sku=A,price=1.250,accessory=charger:0.5,on-sale' --line 'id=X,sku=B,qty=2,price=3,discount=1.1,serial=S1,serial=S2'",
            json!({
                "policy": "TST", "channel": "direct", "currency": "KWD", "purchased_at": "2024-06-01T12:00:00Z",
                "ship_to": { "country": "KW" }, "tax_mode": "exclusive",
                "order_discount_minor": 0, "shipping_minor": 0, "shipping_tax_minor": 0,
                "lines": [
                    { "id": "L1", "sku": "A", "class": "main", "condition_sold": "new", "on_sale": true,
                      "quantity": 1, "unit_price_minor": 1250, "line_discount_minor": 0, "tax_minor": 0,
                      "accessories": [{ "name": "charger", "price_minor": 500 }] },
                    { "id": "X", "sku": "B", "class": "main", "condition_sold": "new",
                      "quantity": 2, "unit_price_minor": 3000, "line_discount_minor": 1100, "tax_minor": 0,
                      "serials": ["S1", "S2"] },
                ],
            }),
        ),
        (
            "refund claim/C1 --refund R1 --amount 25",
            json!({
                "refund": "R1", "amount": { "minor": 2500, "currency": "USD" }, "payout": { "to": "original_method" },
            }),
        ),
        ("authorize C1 --rma A1", json!({ "rma": "A1", "units": ["L1#1"] })),
        (
            "inspect C1 --installed no --accessories-missing none --damage scratch --damage 'bent foot'",
            json!({
                "units": ["L1#1"], "installed": false, "accessories_missing": [], "damage": ["scratch", "bent foot"],
            }),
        ),
        ("receive C1 --units L1", json!({ "units": ["L1#1-2"] })),
        (
            "deny C1 --reason late --cite H-1,H-2 --cite H-3",
            json!({ "reason_code": "late", "cites": ["H-1", "H-2", "H-3"] }),
        ),
        ("close C1", json!({ "reason_code": "done" })),
        ("withdraw C1 --by recipient", json!({ "by": "recipient", "reason_code": "by_customer" })),
        ("note C1 --text 'two\nlines'", json!({ "text": "two\nlines" })),
        (&contact, json!({ "channel": "email", "direction": "inbound", "text": "Dear shop,\nit broke." })),
        (
            &evidence,
            json!({ "items": [{ "kind": "problem_photo_or_video", "sha256": abc, "media": "image/jpeg" }] }),
        ),
        (
            "correct C1 --event {claim_opened} --reason typo --set units='[\"L1#2\"]' --set contact_before_return=true --set text=12 --set via=null --set rate=1.0854",
            json!({
                "target": desk.last.get("claim_opened"), "reason_code": "typo",
                "set": { "units": ["L1#2"], "contact_before_return": true, "text": "12", "via": null, "rate": "1.0854" },
            }),
        ),
    ];
    for (line, expected) in cases {
        assert_eq!(desk.payload(line)?, expected, "{line}");
    }
    Ok(())
}

#[test]
fn a_decision_without_units_is_about_those_that_can_be_decided() -> Fallible {
    let mut desk = Desk::new()?;
    desk.record("order O1 --policy TST --currency USD --country US --sku CAM-1 --price 79.99 --qty 3")?;
    desk.record("pay O1 --payment P1 --amount 239.97 --method card")?;
    desk.record("open C1 --order O1 --reason defect --via email")?;
    let units = |desk: &mut Desk, line: &str| desk.payload(line).map(|payload| payload["units"].clone());
    // Nothing has been looked at: the ledger will say so of all of them.
    assert_eq!(units(&mut desk, "decide C1 --remedy refund")?, json!(["L1#1-3"]));
    assert_eq!(units(&mut desk, "decide C1 --remedy repair")?, json!(["L1#1-3"]));
    desk.record("inspect C1 --units L1#1-2 --defect confirmed")?;
    assert_eq!(units(&mut desk, "decide C1 --remedy refund")?, json!(["L1#1-2"]));
    desk.record("decide C1 --remedy replacement --units L1#1")?;
    assert_eq!(units(&mut desk, "decide C1 --remedy refund")?, json!(["L1#2"]), "the other one is decided");
    assert_eq!(units(&mut desk, "decide C1 --remedy refund --units all")?, json!(["L1#1-3"]));
    Ok(())
}

#[test]
fn a_sale_happened_when_it_was_made() -> Fallible {
    let line = "order O9 --policy TST --currency USD --country US --sku A --price 1 --key k1";
    let mut desk = Desk::new()?;
    let told = desk.proposal(&format!("{line} --purchased-at 2024-03-01T12:00:00-06:00"))?;
    assert_eq!(told.effective.to_string(), "2024-03-01T12:00:00-06:00");
    let at = desk.proposal(&format!("{line} --at 2024-03-02T12:00:00-06:00"))?;
    assert!(matches!(&at.event, Event::OrderRecorded(o) if o.purchased_at == at.effective));
    Ok(())
}

#[test]
fn an_order_may_come_as_a_file() -> Fallible {
    let mut desk = Desk::new()?;
    let flags = "order O7 --policy TST --currency USD --country US --sku A --price 1.50 --qty 2 --email b@example.org";
    let payload = desk.payload(flags)?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), serde_json::to_string_pretty(&payload)?)?;
    let line = format!("order O7 --file {}", file.path().display());
    assert_eq!(desk.payload(&line)?, payload);
    assert_eq!(desk.record(&line)?.kind, "order_recorded");
    std::fs::write(file.path(), "{\"policy\":\"TST\",\"prise\":1}")?;
    let why = desk.proposal(&line.replace("O7", "O8")).err().ok_or("a field too many was taken")?;
    assert_eq!((why.kind, why.code.as_str()), (ErrorKind::Unreadable, "unknown_field"));
    assert!(why.at.is_some_and(|at| at.contains(&*file.path().to_string_lossy())));
    Ok(())
}

#[test]
fn the_same_key_and_words_again_change_nothing() -> Fallible {
    let mut desk = Desk::with_a_claim()?;
    let line = "note C1 --text 'Call back.' --key n-1";
    let first = desk.record(line)?;
    desk.record("note C1 --text other")?;
    let again = desk.record(line)?;
    assert_eq!((again.position, again.event_id), (first.position, first.event_id));
    Ok(())
}

#[test]
fn what_was_looked_up_is_what_is_expected() -> Fallible {
    let mut desk = Desk::with_a_claim()?;
    let seen = desk.proposal("note C1 --text a")?;
    desk.record("note C1 --text b")?;
    let why = desk.ledger.record(vec![seen]).err().map(|why| why.kind);
    assert_eq!(why, Some(ErrorKind::Stale));
    let named = desk.proposal("note C1 --text c --expected-revision 1")?;
    assert_eq!(named.expected, Expected::at_number(1));
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_told_with_a_hint() -> Fallible {
    use ErrorKind::{NotFound, Unreadable, Usage};
    let mut desk = Desk::with_a_claim()?;
    let cases = [
        ("note C9 --text x", NotFound, "not_found"),
        ("pay O9 --payment P --amount 1 --method m", NotFound, "not_found"),
        ("open C9 --order O9 --reason defect --via email", NotFound, "not_found"),
        ("scan order/O9 --parcel P --status lost", NotFound, "not_found"),
        ("refund C1 --refund R --amount 25.001", Usage, "bad_amount"),
        ("refund C1 --refund R --amount -5", Usage, "bad_amount"),
        ("refund C1 --refund R --amount 12,50", Usage, "bad_amount"),
        ("refund C1 --refund R --amount 0", Unreadable, "unsound_payload"),
        ("limit agent refund_issued 500", Usage, "no_currency"),
        ("order O2 --policy TST --currency USD --country US --sku A --price '5 EUR'", Usage, "bad_amount"),
        ("order O2 --policy TST --currency USD --country US --sku A", Usage, "flag_missing"),
        (
            "order O2 --policy TST --currency USD --country US --sku A --price 1 --qty 0",
            Unreadable,
            "unsound_payload",
        ),
        ("order O2 --file /no/such/file.json", NotFound, "file_not_found"),
        ("receive C1 --units L7", Usage, "bad_units"),
        ("receive C1 --units L1#", Usage, "bad_units"),
        ("dispatch order/O1 --parcel P --leg inbound", Usage, "leg_is_not_of_the_stream"),
        ("dispatch C1 --parcel P --leg outbound", Usage, "leg_is_not_of_the_stream"),
        ("decide C1 --remedy none --entitlement 5.00", Unreadable, "unsound_payload"),
        ("evidence C1 --kind a --kind b --file x.jpg", Usage, "several_kinds_with_a_file"),
        ("evidence C1 --kind a --file /no/such/file.jpg", NotFound, "file_not_found"),
        ("correct C1 --event {claim_opened} --reason r --set a=1 --set a=2", Usage, "field_is_set_twice"),
    ];
    for (line, kind, code) in cases {
        let why = desk.proposal(line).err().ok_or_else(|| format!("{line} was taken"))?;
        assert_eq!((why.kind, why.code.as_str()), (kind, code), "{line}: {why}");
        assert!(why.hint.is_some() || why.code == "file_not_found", "{line} has no hint: {why}");
    }
    Ok(())
}

#[test]
fn what_clap_can_tell_it_tells() {
    let cases = [
        ("open C1 --order O1 --reason broken --via email", "change_of_mind"),
        ("open C1 --order O1 --reason defekt --via email", "tip: a similar value exists: 'defect'"),
        ("refund C1 --refund R1", "--amount"),
        ("refund C1 --refund R1 --amount '5 usd'", "not the code of a currency"),
        ("note C1", "--text"),
        ("note C1 --text a --text-file b", "cannot be used with"),
        ("inspect C1 --installed maybe", "yes, no"),
        ("correct C1 --event 018f2c00-0000-7000-8000-000000000001 --set a=1", "--reason"),
        ("correct C1 --event 018f2c00-0000-7000-8000-000000000001 --reason r", "--set"),
        ("correct C1 --event x17 --set a=1 --reason r", "a UUID is meant"),
        ("correct C1 --event 018f2c00-0000-7000-8000-000000000001 --reason r --set a", "FIELD=VALUE"),
        ("reverse C1 --event 018f2c00-0000-7000-8000-000000000001", "--reason"),
        ("void C1 --rma R", "--reason"),
        ("deny C1", "--reason"),
        ("reopen C1", "--reason"),
        ("waive-charge C1 --charge F1", "--reason"),
        ("posted C1 --refund R1 --at 2024-05-20T12:00:00", "offset"),
        ("cost C1 --cost customs --paid-by customer --amount 1 --order-amount 1", "--rate"),
        ("order O1 --currency USD --country US --sku A --price 1", "--policy"),
        ("order O1 --policy T --currency USD --country US --line 'sku=A,prise=1'", "a line has no \"prise\""),
        (
            "order O1 --policy T --currency USD --country US --line sku=A,price=1 --sku B",
            "cannot be used with",
        ),
        ("order O1 --file x.json --policy T", "cannot be used with"),
        ("order O1 --file x.json --name Ann", "cannot be used with"),
        ("limit agent refund 500", "write one of refund_issued, gift_credit_issued"),
        ("limit agent order_recorded '500 USD'", "no act that moves money"),
        ("refund 'C 1' --refund R1 --amount 1", "it holds ' '"),
    ];
    for (line, expected) in cases {
        let why = parse(line).err().unwrap_or_default();
        assert!(why.contains(expected), "{line}: {why}");
    }
}
