//! People and months, proved on replay: what somebody wrote past the rules into a log whose every hash is right is a
//! finding with its position, and no figure changes for it.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use claims::store::memory::MemoryStore;
use replay::{
    audit::Outcome,
    codec::{OwnedRow, open},
    event::{ControlTotal, Event, PeriodClosed},
    ids::{Position, Revision},
    merkle::Hash,
    money::Currency,
    seal::{Stamp, seal},
    time::Month,
};
use support::Script;

/// Two claims on one order, a decision over 200.00 by a.jones, and people in their roles.
const GIVEN: &str = r#"
ledger policy_published {"policy":"PLAIN","version":1,"name":"Plain Shop","effective_from":"2024-01-01","body":{"policy":{"id":"PLAIN"},"entitlement":[{"id":"any","windows":[],"remedies":["refund"],"chooser":"customer","cites":["P-1"]}]}} by ann as policy approved bob
order/O1 order_recorded {"policy":"PLAIN","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A-1","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0}]} @2024-03-01T10:00:00Z
order/O1 payment_captured {"payment":"P1","method_ref":"card-1","amount":"=200.00 USD"} @2024-03-01T10:01:00Z
claim/C1 claim_opened {"order":"O1","asserted":"defect","units":["L1#1-2"],"by":"buyer","via":"email"} @2024-03-10T09:00:00Z
claim/C1 remedy_decided {"units":["L1#1-2"],"remedy":"refund","entitlement":"=200.00 USD"} @2024-03-20T09:00:00Z
ledger role_granted {"actor":"root","role":"admin"} by root as admin
ledger role_granted {"actor":"a.jones","role":"agent"} by root as admin
ledger role_granted {"actor":"m.lee","role":"approver"} by root as admin
ledger role_granted {"actor":"f.weber","role":"finance"} by root as admin
ledger limit_set {"role":"agent","act":"refund_issued","amount":"=50.00 USD"} by root as admin
ledger limit_set {"role":"one_person","act":"refund_issued","amount":"=100.00 USD"} by root as admin
claim/C1 refund_issued {"refund":"R0","amount":"=20.00 USD","payout":{"to":"original_method"}} @2024-04-02T09:00:00Z by f.weber as finance named refund
"#;

fn given() -> Script<MemoryStore> {
    let mut script = Script::new(support::memory("people"));
    script.lines(GIVEN);
    script
}

/// The rows of the log with one more event, sealed as the ledger would but asked of nobody.
fn forged(script: &mut Script<MemoryStore>, line: &str, event: Option<Event>) -> Vec<OwnedRow> {
    let mut rows = support::rows(script.ledger.store());
    let mut proposal = script.proposal(line);
    proposal.event = event.unwrap_or(proposal.event);
    let last = open(&rows.last().unwrap().as_row()).unwrap().envelope;
    let at = rows.iter().filter(|row| row.stream == proposal.stream.to_string()).count();
    let stamp = Stamp {
        ledger: last.ledger,
        position: Position::new(rows.len() as u64 + 1).unwrap(),
        revision: Revision::new(at as u64 + 1).unwrap(),
        event_id: "01890000-0000-7000-8000-0000000000ff".parse().unwrap(),
        recorded_at: last.recorded_at,
    };
    let event = proposal.event.clone();
    rows.push(seal(&proposal, event, None, stamp, &mut || [7; 32]).unwrap().row);
    rows
}

fn findings(outcome: &Outcome) -> Vec<String> {
    outcome.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_written_past_the_duties_is_a_finding_at_its_position() {
    let refund = |rest: &str, amount: &str| {
        format!(
            r#"claim/C1 refund_issued {{"refund":"R1","amount":"={amount} USD","payout":{{"to":"original_method"}}}} {rest}"#
        )
    };
    let cases = [
        (refund("by x.stranger", "1.00"), "x.stranger holds no role, and acts as agent (role_is_not_held)"),
        (refund("by m.lee as finance", "1.00"), "m.lee does not hold the role finance (role_is_not_held)"),
        (
            refund("by root as admin", "1.00"),
            "role admin may not record refund_issued (role_may_not_do_this)",
        ),
        (
            refund("", "50.01"),
            "role agent may move at most 50.00 USD with one refund_issued (over_the_limit_of_the_role)",
        ),
        (
            refund("by f.weber as finance", "80.01"),
            "one person alone may move at most 100.00 USD by refund_issued (amount_needs_a_second_person)",
        ),
        (
            refund("by f.weber as finance approved f.weber", "80.01"),
            "the approver is the actor (D-2) (second_person_is_the_first)",
        ),
        (
            refund("by f.weber as finance approved a.jones", "80.01"),
            "a.jones holds no role that approves (D-2) (approver_may_not_approve)",
        ),
        (
            refund("approved m.lee", "80.01"),
            "over 100.00 USD whoever decided does not pay (payer_is_the_requester)",
        ),
        (
            r#"ledger role_granted {"actor":"root","role":"finance"} by root as admin"#.into(),
            "nobody grants a role to themselves (nobody_grants_themselves)",
        ),
    ];
    for (line, expected) in cases {
        let mut script = given();
        let lawful = support::check_sound(script.ledger.store()).unwrap();
        let rows = forged(&mut script, &line, None);
        let outcome = support::replayed(&rows);
        let stream = line.split(' ').next().unwrap();
        assert_eq!(findings(&outcome), [format!("position 13 ({stream}): {expected}")], "{line}");
        assert!(!outcome.findings[0].touches_figures() && outcome.quarantined.is_empty());
        assert_eq!(
            outcome.books == lawful.books,
            stream == "ledger",
            "the figures are those of the log: {line}"
        );
    }
}

#[test]
fn three_people_are_no_finding() {
    let mut script = given();
    let line = r#"claim/C1 refund_issued {"refund":"R1","amount":"=180.00 USD","payout":{"to":"original_method"}} by f.weber as finance approved m.lee"#;
    let rows = forged(&mut script, line, None);
    assert_eq!(findings(&support::replayed(&rows)), [""; 0]);
}

fn sealed(credited_minor: u64, through: Option<u64>, root: Option<Hash>) -> Event {
    let currency = Currency::parse("USD").unwrap();
    let total = ControlTotal { currency, credited_minor, reversed_minor: 0, failed_minor: 0 };
    PeriodClosed { period: "2024-04".into(), totals: vec![total], through, root }.into()
}

#[test]
fn a_seal_over_other_figures_is_a_finding_with_both() {
    let line = r#"ledger period_closed {"period":"2024-04"} by f.weber as finance"#;
    let mut script = given();
    let root = support::check_sound(script.ledger.store()).unwrap().root;
    let cases = [
        (sealed(2_000, Some(12), Some(root)), vec![]),
        (sealed(2_000, None, None), vec![]),
        (
            sealed(2_100, Some(12), Some(root)),
            vec!["position 13 (ledger): 2024-04 was sealed with USD credited 2100 reversed 0 failed 0 (minor units); the log says USD credited 2000 reversed 0 failed 0 (minor units)".to_string()],
        ),
        (
            sealed(2_000, Some(11), Some(root)),
            vec!["position 13 (ledger): 2024-04 was sealed with position 11 as the last; it is 12".to_string()],
        ),
        (
            sealed(2_000, Some(12), Some(Hash([0; 32]))),
            vec![format!("position 13 (ledger): 2024-04 was sealed with root {}; it is {root}", Hash([0; 32]))],
        ),
    ];
    for (event, expected) in cases {
        let outcome = support::replayed(&forged(&mut script, line, Some(event)));
        assert_eq!(findings(&outcome), expected);
        assert_eq!(outcome.seals_differing, expected.len() as u64);
    }
}

/// Whatever is learned, corrected or reversed after the seal: the month keeps its totals, all months together keep up
/// with the books, and the audit agrees.
#[test]
fn nothing_that_comes_after_the_seal_moves_the_month() {
    let later = [
        r#"claim/C1 event_reversed {"target":"$refund","reason_code":"did_not_occur"} @2024-04-20T09:00:00Z named back"#,
        r#"claim/C1 event_reversed {"target":"$back","reason_code":"did_not_occur"} @2024-04-21T09:00:00Z"#,
        r#"claim/C1 event_corrected {"target":"$refund","set":{},"effective_at":"2024-03-31T09:00:00Z","reason_code":"wrong_day"}"#,
        r#"claim/C1 refund_issued {"refund":"R2","amount":"=30.00 USD","payout":{"to":"original_method"}} @2024-04-25T09:00:00Z by f.weber as finance named late"#,
        r#"claim/C1 refund_failed {"refund":"R2","reason_code":"account_closed"} @2024-04-26T09:00:00Z by f.weber as finance"#,
    ];
    let april = Month::parse("2024-04").unwrap();
    let mut script = given();
    script.lines(r#"ledger period_closed {"period":"2024-04"} @2024-05-02T09:00:00Z by f.weber as finance"#);
    for line in later {
        script.lines(line);
        let outcome = support::check_sound(script.ledger.store()).unwrap();
        let totals = outcome.world.postings.control_totals(april);
        assert_eq!(totals.iter().map(|t| t.credited_minor).collect::<Vec<_>>(), [2_000], "{line}");
        let stands = outcome.books.control_totals().values().map(|sums| sums.net_minor()).sum::<u64>();
        let posted = outcome.world.postings.months().map(|(.., sums)| sums);
        let (plus, minus) = posted.fold((0, 0), |(plus, minus), sums| {
            (plus + sums.credited_minor, minus + sums.reversed_minor + sums.failed_minor)
        });
        assert_eq!(plus - minus, stands, "{line}");
    }
}
