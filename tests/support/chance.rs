//! Random but mostly sensible work on a few orders and claims: numbers in, lines of the text form out.

use claims::error::{Error, ErrorKind};
use claims::judging::registry;
use claims::ledger::Receipt;
use claims::store::Store;
use claims::view::case_of;
use proptest::prelude::*;
use replay::case::Case;
use replay::claim::ClaimState;
use replay::event::UnitStatus;
use replay::history::Cut;
use replay::ids::{ClaimId, Stream};
use replay::judge::{Judgement, judge};
use replay::registry::Registry;
use replay::time::Instant;
use replay::units::Units;
use serde_json::json;

use crate::support::{Script, instant};

/// Two policies and three paid orders. One policy grants what is asked for within a year, for a fee when nothing is
/// broken, with shipping and costs when something is; the other one wants a number on the parcel and a look at the
/// goods, leaves what was altered to a person and pays when the goods are in. Round prices; odd prices with discounts
/// and tax; one long line in a currency without cents. Five claims are open; two more may follow.
pub const PRELUDE: &str = r#"
ledger policy_published {"policy":"PLAIN","version":1,"name":"Plain","effective_from":"2024-01-01","body":{"policy":{"id":"PLAIN","no_fault":{"remedy":"return_to_customer","cites":["P-1.4"]}},"windows":{"year":{"any":[{"act":"contact","after":"purchase","within":"P1Y"}],"cites":["P-1.2"]}},"entitlement":[{"id":"any","windows":["year"],"remedies":["refund","replacement","repair"],"chooser":"customer","cites":["P-1.1"]}],"requirement":[{"stage":"settle","scope":{"basis":["no_fault"],"remedy":["replacement"]},"needs":["is","discretion.kindness",true],"on_fail":"discretion","point":"kindness","cites":["P-2.1"]}],"fee":[{"id":"restocking","scope":{"basis":["change_of_mind","wrong_purchase","no_fault"]},"percent_bp":1500,"base":"unit_net","cites":["P-3.1"]}],"component":[{"component":"outbound_shipping","scope":{"basis":["defect","doa","transit_damage"]},"refundable":true,"cites":["P-3.2"]}],"cost":[{"cost":"inbound_shipping","priority":1,"scope":{"basis":["defect","doa","transit_damage"]},"payer":"merchant","reimburse":true,"cites":["P-3.3"]},{"cost":"inbound_shipping","payer":"customer","collect":"deduct","cites":["P-3.4"]}],"discretion":[{"point":"kindness","options":["grant","deny"],"cites":["P-4.1"]}]}} by ann approved bob key prelude-1
ledger policy_published {"policy":"STRICT","version":1,"name":"Strict","effective_from":"2024-01-01","body":{"policy":{"id":"STRICT"},"windows":{"sixty":{"any":[{"act":"contact","after":"purchase","within":"P60D"}],"cites":["S-3"]}},"entitlement":[{"id":"broken","scope":{"basis":["defect","doa","transit_damage"]},"windows":["sixty"],"remedies":["refund","replacement","repair"],"chooser":"merchant","cites":["S-4"]}],"requirement":[{"stage":"receive","needs":["is","parcel.rma_open_and_valid",true],"on_fail":"refuse_parcel","cites":["S-1"]},{"stage":"receive","needs":["is","item.on_rma",true],"on_fail":"refuse_item","cites":["S-1"]},{"stage":"settle","needs":["is","insp.defect","confirmed"],"on_fail":"hold","cites":["S-5"]},{"stage":"settle","needs":["is","insp.altered",false],"on_fail":"discretion","point":"fee","cites":["S-6"]}],"fee":[{"id":"handling","percent_bp":777,"base":"unit_net","waive_when":["is","insp.cause","manufacturing"],"waiver_cites":["S-7"],"cites":["S-8"]}],"component":[{"component":"outbound_shipping","refundable":true,"cites":["S-9"]}],"cost":[{"cost":"inbound_shipping","payer":"merchant","reimburse":true,"reimburse_after":"parcel_received","cites":["S-10"]}],"payout":[{"to":"original_method","after":"parcel_received","cites":["S-11"]}],"authorization":{"required":true,"number_on_parcel":true,"items_exact":true,"cites":["S-1"]},"discretion":[{"point":"fee","options":["charge","deny"],"bounds":{"fee_bp_max":1000},"cites":["S-2"]}]}} by ann approved bob key prelude-2
order/O1 order_recorded {"policy":"PLAIN","channel":"direct","currency":"USD","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"US"},"tax_mode":"exclusive","order_discount_minor":0,"shipping_minor":500,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":2,"unit_price_minor":10000,"line_discount_minor":0,"tax_minor":0},{"id":"L2","sku":"B","class":"accessory","condition_sold":"new","quantity":3,"unit_price_minor":2000,"line_discount_minor":0,"tax_minor":0}]} @2024-03-01T10:00:00Z key prelude-3
order/O1 payment_captured {"payment":"P1","method_ref":"card","amount":{"minor":26500,"currency":"USD"}} @2024-03-01T10:01:00Z key prelude-4
order/O2 order_recorded {"policy":"STRICT","channel":"direct","currency":"EUR","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"FR"},"buyer":{"name":"Jane"},"tax_mode":"exclusive","order_discount_minor":1000,"shipping_minor":499,"shipping_tax_minor":95,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":3,"unit_price_minor":3333,"line_discount_minor":100,"tax_minor":1900},{"id":"L2","sku":"B","class":"main","condition_sold":"new","quantity":5,"unit_price_minor":777,"line_discount_minor":0,"tax_minor":738}]} @2024-03-01T10:00:00Z key prelude-5
order/O2 payment_captured {"payment":"P2","method_ref":"card","amount":{"minor":16016,"currency":"EUR"}} @2024-03-01T10:01:00Z key prelude-6
order/O3 order_recorded {"policy":"PLAIN","channel":"direct","currency":"JPY","purchased_at":"2024-03-01T10:00:00Z","ship_to":{"country":"JP"},"tax_mode":"inclusive","order_discount_minor":7,"shipping_minor":0,"shipping_tax_minor":0,"lines":[{"id":"L1","sku":"A","class":"main","condition_sold":"new","quantity":80995,"unit_price_minor":12,"line_discount_minor":0,"tax_minor":0}]} @2024-03-01T10:00:00Z key prelude-7
order/O3 payment_captured {"payment":"P3","method_ref":"card","amount":{"minor":971933,"currency":"JPY"}} @2024-03-01T10:01:00Z key prelude-8
claim/C1 claim_opened {"order":"O1","asserted":"defect","units":["L1#1-2"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z key prelude-9
claim/C2 claim_opened {"order":"O1","asserted":"change_of_mind","units":["L2#1-3"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z key prelude-10
claim/C3 claim_opened {"order":"O2","asserted":"defect","units":["L1#1-3"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z key prelude-11
claim/C4 claim_opened {"order":"O2","asserted":"doa","units":["L2#1-5"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z key prelude-12
claim/C5 claim_opened {"order":"O3","asserted":"defect","units":["L1#1-80995"],"by":"buyer","via":"email"} @2024-04-01T10:00:00Z key prelude-13
"#;
/// The claims that work is done on, C1 to C7.
pub const CLAIMS: u8 = 7;

const ORDERS: [(&str, &str, [&str; 6]); 3] = [
    ("O1", "USD", ["L1#1", "L1#2", "L1#1-2", "L2#1-3", "L1#2,L2#2", "L1#1-2,L2#1-3"]),
    ("O2", "EUR", ["L1#1", "L1#1-3", "L2#2-4", "L2#5", "L1#3,L2#1", "L1#1-3,L2#1-5"]),
    ("O3", "JPY", ["L1#1", "L1#1-40000", "L1#40001-80995", "L1#500", "L1#80995", "L1#1-80995"]),
];
/// What is done, as often as it stands here.
const WHAT: &str = "open open authorize authorize void ship scan receive receive inspect inspect decide decide decide decide
    decide goods send refund refund refund refund refund refund gift gift post post fail fail goodwill goodwill judge cost cost
    charge charge pay pay waive chargeback won lost note contact assess deny failed dispose correct correct correct
    reverse reverse reverse close reopen withdraw dispute resolve classify historical stale conflict order payment";

/// One step: what, and numbers to choose with.
#[derive(Debug, Clone)]
pub struct Op {
    what: usize,
    claim: u8,
    a: u16,
    percent: u8,
    minutes_back: u16,
}

pub fn ops(most: usize) -> impl Strategy<Value = Vec<Op>> {
    // Most of the work is on the two claims of one order, so that they get somewhere.
    let claim = prop_oneof![3 => 1..=2u8, 2 => 1..=CLAIMS];
    let op = (0..WHAT.split_whitespace().count(), claim, any::<u16>(), 0..=130u8, 0..=4_000u16)
        .prop_map(|(what, claim, a, percent, minutes_back)| Op { what, claim, a, percent, minutes_back });
    proptest::collection::vec(op, most / 2..=most)
}

/// A ledger that ops are carried out on, with every line that was asked of it.
pub struct Run<S> {
    pub script: Script<S>,
    /// The clock and the line.
    pub lines: Vec<(Instant, String)>,
    step: u64,
    /// Whether the clock moves, one minute a step.
    ticking: bool,
    /// The prelude publishes the policies; nothing later does.
    registry: Registry,
}

impl<S: Store> Run<S> {
    pub fn new(script: Script<S>, ticking: bool) -> Self {
        let mut run = Self { script, lines: Vec::new(), step: 0, ticking, registry: Registry::default() };
        for line in PRELUDE.lines().filter(|line| !line.is_empty()) {
            let revision = run.revision(line.split(' ').next().unwrap());
            run.say(format!("{line} rev {revision}")).unwrap();
        }
        run.registry = registry(run.script.ledger.store()).unwrap();
        run
    }
    fn now(&self) -> Instant {
        let first = instant("2024-06-01T00:00:00Z").micros();
        Instant::from_micros(first + if self.ticking { self.step as i64 * 60_000_000 } else { 0 }).unwrap()
    }
    fn revision(&mut self, stream: &str) -> u64 {
        self.script.ledger.store().revision(&crate::support::stream(stream)).unwrap()
    }
    fn say(&mut self, line: String) -> Result<Receipt, Error> {
        self.step += 1;
        let now = self.now();
        self.script.ledger.door().set_now(now);
        self.lines.push((now, line.clone()));
        self.script.line(&line).map(|receipt| receipt.unwrap())
    }
    /// Carries out one step, if it makes any sense here; refusals are part of the game, errors of the ledger's own are
    /// not: what is decided must replay.
    pub fn step(&mut self, op: &Op) -> Option<Result<Receipt, Error>> {
        let line = self.line(op)?;
        let result = self.say(line);
        if let Err(why) = &result
            && why.kind == ErrorKind::Internal
        {
            let log = crate::support::log_text(&crate::support::rows(self.script.ledger.store()));
            panic!("{why}\n{}\nthe log:\n{log}", self.lines.last().map_or("", |(_, line)| line));
        }
        Some(result)
    }
    /// The case a claim belongs to, and its state.
    pub fn claim(&mut self, claim: &str) -> Option<(Case, ClaimState)> {
        let id = ClaimId::new(claim).unwrap();
        let case = case_of(self.script.ledger.store(), &Stream::Claim(id.clone())).ok()?;
        let state = case.claims.get(&id)?.state(&Cut::default())?;
        Some((case, state))
    }

    /// What the policy says of a claim now.
    pub fn judged(&self, case: &Case, claim: &str) -> Option<Judgement> {
        judge(case, &ClaimId::new(claim).unwrap(), &self.registry, &Cut::default())
    }

    fn line(&mut self, op: &Op) -> Option<String> {
        let what = WHAT.split_whitespace().nth(op.what).unwrap();
        let claim = format!("C{}", op.claim);
        let stream = format!("claim/{claim}");
        let at = Instant::from_micros(self.now().micros() - i64::from(op.minutes_back) * 60_000_000).unwrap();
        let tail = |run: &mut Self, stream: &str| {
            let (revision, step) = (run.revision(stream), run.step);
            // Now and then nobody else looks at it.
            let approved = if op.a % 11 == 3 { "" } else { "approved m.lee " };
            format!("@{at} by a.jones as agent {approved}key k-{step} rev {revision}")
        };
        let a = usize::from(op.a);
        if what == "open" {
            let (order, _, units) = ORDERS[a % 3];
            let units: Vec<&str> = units[(a / 3) % 6].split(',').collect();
            let payload =
                json!({"order": order, "asserted": "defect", "units": units, "by": "buyer", "via": "email"});
            return Some(format!("{stream} claim_opened {payload} {}", tail(self, &stream)));
        }
        if what == "historical" {
            let payload = json!({"merchant": "OLD", "reference": "N", "amount": {"minor": a, "currency": "GBP"},
                "lines": [{"key": "N/1", "sku": "X", "quantity": 1, "amount_minor": a}]});
            let stream = format!("claim/H{}", op.claim);
            return Some(format!("{stream} historical_credit_recorded {payload} {}", tail(self, &stream)));
        }
        if what == "order" || what == "payment" {
            let (order, currency, _) = ORDERS[a % 3];
            let stream = format!("order/{order}");
            let (kind, payload) = match what {
                "order" => (
                    "shipment_dispatched",
                    json!({"parcel": "OUT", "leg": "outbound", "tracking": "1Z999AA10123456784"}),
                ),
                _ => (
                    "payment_captured",
                    json!({"payment": format!("P{a}"), "method_ref": "card", "amount": {"minor": a + 1, "currency": currency}}),
                ),
            };
            return Some(format!("{stream} {kind} {payload} {}", tail(self, &stream)));
        }
        let (case, state) = self.claim(&claim)?;
        let (stream, kind, payload) = match what {
            "correct" | "reverse" => self.amendment(what, &stream, &case, op)?,
            "conflict" => {
                // An earlier line under its own key, by somebody else.
                let (_, line) = self.lines[a % self.lines.len()].clone();
                return line.contains("by a.jones").then(|| line.replace("by a.jones", "by z.other"));
            }
            _ => {
                let (kind, payload) = self.act(what, &case, &state, op)?;
                (stream, kind, payload)
            }
        };
        let tail = tail(self, &stream);
        let tail = if what == "stale" { tail.replace("rev ", "rev 9") } else { tail };
        Some(format!("{stream} {kind} {payload} {tail}"))
    }

    fn act(
        &mut self,
        what: &str,
        case: &Case,
        state: &ClaimState,
        op: &Op,
    ) -> Option<(&'static str, serde_json::Value)> {
        let order = case.order_state();
        let order = order.as_ref();
        let currency = order.map_or("GBP", |o| o.currency().as_str());
        let a = usize::from(op.a);
        let step = self.step;
        let judged = self.judged(case, state.id.as_str());
        let payable = judged.as_ref().map_or(0, |j| u64::try_from(j.open_minor()).unwrap_or(0));
        let amount = |minor: u64| json!({"minor": minor.max(1), "currency": currency});
        let either = |x: &'static str, y: &'static str| if a % 2 == 0 { x } else { y };
        let part = |whole: u64| whole * u64::from(op.percent) / 100;
        let own: Vec<Units> = pieces(&state.units.units());
        let units = own.get(a % own.len().max(1)).cloned().unwrap_or_default();
        // A decision covers earlier ones or leaves them alone; now and then it is tried all the same.
        let earlier = state.decisions.iter().filter(|_| op.percent % 8 != 5);
        let whole = earlier
            .filter(|d| !d.units.intersection(&units).is_empty())
            .fold(units.clone(), |all, d| all.union(&d.units));
        let nth = |len: usize| if len == 0 { None } else { Some(a % len) };
        let credit =
            nth(state.credits.len()).and_then(|n| state.credits.keys().nth(n)).map(ToString::to_string);
        let charge =
            nth(state.charges.len()).and_then(|n| state.charges.keys().nth(n)).map(ToString::to_string);
        let back = nth(state.chargebacks.len())
            .and_then(|n| state.chargebacks.keys().nth(n))
            .map(ToString::to_string);
        let rma = nth(state.rmas.len()).and_then(|n| state.rmas.keys().nth(n)).map(ToString::to_string);
        Some(match sensible(what, state, judged.as_ref(), op) {
            "authorize" => (
                "authorization_granted",
                json!({"rma": format!("RMA-{step}"), "units": units, "written": true}),
            ),
            "void" => ("authorization_voided", json!({"rma": rma?, "reason_code": "typo"})),
            "ship" => (
                "shipment_dispatched",
                json!({"parcel": format!("B{}", a % 3), "leg": "inbound", "units": units}),
            ),
            "scan" => {
                let status = ["accepted", "in_transit", "delivered", "lost"][a % 4];
                ("tracking_scanned", json!({"parcel": format!("B{}", a % 3), "status": status}))
            }
            "receive" => match rma {
                Some(rma) if op.percent > 10 => ("parcel_received", json!({"rma": rma, "units": units})),
                _ => ("parcel_received", json!({"units": units})),
            },
            "inspect" => {
                let defect = ["confirmed", "confirmed", "none", "inconclusive"][a % 4];
                let cause = ["manufacturing", "misuse", "unknown"][a % 3];
                (
                    "item_inspected",
                    json!({"units": units, "defect": defect, "altered": a % 5 == 0, "cause": cause}),
                )
            }
            // As the policy has it.
            "decide" if op.percent < 70 => ("remedy_decided", json!({"units": whole, "remedy": "refund"})),
            "decide" => {
                let worth = order.map_or(1, |o| o.value_minor(&units) + o.shipping_minor());
                (
                    "remedy_decided",
                    json!({"units": units, "remedy": "refund", "entitlement": amount(part(worth))}),
                )
            }
            "goods" => ("remedy_decided", json!({"units": whole, "remedy": either("replacement", "repair")})),
            "send" => {
                let decided = state.decisions.iter().find(|d| !d.remedy.pays_money());
                let units = decided.map_or(units, |d| d.units.clone());
                match decided.map_or("repair", |d| d.remedy.as_str()) {
                    "replacement" => ("replacement_shipped", json!({"units": units})),
                    _ => ("repair_shipped", json!({"units": units})),
                }
            }
            "refund" => {
                let id = credit.filter(|_| op.percent == 17).unwrap_or(format!("R{step}"));
                let named = if a % 2 == 0 { json!(units) } else { json!(state.units.units()) };
                let payout = json!({"to": either("original_method", "other_method")});
                let amount = amount(part(payable));
                ("refund_issued", json!({"refund": id, "amount": amount, "payout": payout, "units": named}))
            }
            "gift" => (
                "gift_credit_issued",
                json!({"credit": format!("G{step}"), "amount": amount(part(payable)), "to": "buyer"}),
            ),
            "post" => ("refund_posted", json!({"refund": credit?})),
            "fail" => ("refund_failed", json!({"refund": credit?, "reason_code": "closed"})),
            "goodwill" => (
                "discretion_exercised",
                json!({"point": "H-19.goodwill", "decision": "pay", "amount": amount(part(1_000)), "reason_code": "late", "reason_text": "we were slow"}),
            ),
            "judge" => {
                let points = match order.map_or("", |o| o.sale.policy.as_str()) {
                    "STRICT" => [("fee", "charge"), ("fee", "charge"), ("fee", "deny")],
                    _ => [("kindness", "grant"), ("kindness", "grant"), ("nowhere", "grant")],
                };
                let (point, decision) = points[a % 3];
                (
                    "discretion_exercised",
                    json!({"point": point, "decision": decision, "units": units, "fee_bp": op.percent, "reason_code": "seen", "reason_text": "looked at it"}),
                )
            }
            "cost" => (
                "cost_recorded",
                json!({"cost": "inbound_shipping", "paid_by": either("customer", "merchant"), "amount": amount(part(900)), "receipt_ref": "slip"}),
            ),
            "charge" => (
                "fee_charged",
                json!({"charge": format!("F{}", a % 4), "fee": "restocking", "amount": amount(part(500))}),
            ),
            "pay" => ("charge_paid", json!({"charge": charge?, "amount": amount(part(500))})),
            "waive" => ("charge_waived", json!({"charge": charge?, "reason_code": "kind"})),
            "chargeback" => (
                "chargeback_opened",
                json!({"psp_ref": format!("CB{}", a % 2), "amount": amount(part(5_000)), "reason_code": "fraud"}),
            ),
            "won" => ("chargeback_won", json!({"psp_ref": back?})),
            "lost" => ("chargeback_lost", json!({"psp_ref": back?})),
            "note" | "stale" => ("note_added", json!({"text": format!("note {a}")})),
            "contact" => (
                "contact_logged",
                json!({"channel": "email", "direction": "inbound", "text": format!("hello {a}")}),
            ),
            "assess" => {
                let found = judged.as_ref().and_then(|j| j.units.get(a % j.units.len().max(1)));
                let right = found.filter(|_| op.percent < 80).map(|u| (u.units.clone(), u.status.as_str()));
                let wrong = ["eligible", "ineligible", "hold", "needs_discretion"][a % 4];
                let (units, status) = right.unwrap_or((units, wrong));
                (
                    "eligibility_assessed",
                    json!({"units": [{"units": units, "status": status, "cites": ["S-1"]}]}),
                )
            }
            "deny" => {
                let units = match &judged {
                    Some(judged) if op.percent < 100 => judged.units_where(|u| {
                        !matches!(u.status, UnitStatus::Eligible | UnitStatus::Authorizable)
                    }),
                    _ => units,
                };
                if units.is_empty() {
                    return None;
                }
                ("authorization_denied", json!({"units": units, "reason_code": "late", "cites": ["S-1"]}))
            }
            "failed" => (
                "remedy_failed",
                json!({"remedy": either("refund", "repair"), "units": units, "reason_code": "no"}),
            ),
            "dispose" => ("disposition_recorded", json!({"units": units, "disposition": "scrap"})),
            "close" => ("claim_closed", json!({"reason_code": "done"})),
            "reopen" => ("claim_reopened", json!({"reason_code": "new"})),
            "withdraw" => ("claim_withdrawn", json!({"by": "buyer", "reason_code": "no"})),
            "dispute" => ("dispute_opened", json!({"by": "buyer"})),
            "resolve" => ("dispute_resolved", json!({"result": "upheld"})),
            "classify" => (
                "claim_reclassified",
                json!({"to": either("doa", "transit_damage"), "by": "buyer", "reason_code": "photo"}),
            ),
            other => panic!("what is {other}?"),
        })
    }

    /// A correction or a reversal of some event of the claim, now and then of its order.
    fn amendment(
        &mut self,
        what: &str,
        stream: &str,
        case: &Case,
        op: &Op,
    ) -> Option<(String, &'static str, serde_json::Value)> {
        let order =
            case.order.as_ref().filter(|_| op.percent.is_multiple_of(8)).map(|o| format!("order/{}", o.id));
        let stream = order.unwrap_or(stream.into());
        let rows = self.script.ledger.store().history(&crate::support::stream(&stream)).unwrap();
        let target = rows.get(usize::from(op.a) % rows.len())?;
        let id = replay::ids::EventId(uuid::Uuid::from_bytes(target.event_id));
        if what == "reverse" {
            return Some((stream, "event_reversed", json!({"target": id, "reason_code": "typo"})));
        }
        let currency = case.order_state().map_or("GBP", |o| o.currency().as_str());
        let set = match target.kind.as_str() {
            "item_inspected" => json!({"defect": "inconclusive"}),
            "remedy_decided" if op.percent < 60 => {
                json!({"entitlement": {"minor": u64::from(op.percent) * 30, "currency": currency}})
            }
            "remedy_decided" => json!({"reason_code": "again"}),
            "note_added" | "contact_logged" => json!({"text": "other words"}),
            "refund_issued" if op.percent < 10 => json!({"amount": {"minor": 1, "currency": currency}}),
            "refund_issued" => json!({"payout": {"to": "original_method"}}),
            "claim_opened" => json!({"asserted": "wrong_purchase"}),
            "order_recorded" => json!({"ship_to": {"country": "DE"}}),
            "cost_recorded" => json!({"paid_by": "merchant"}),
            _ => json!({"reason_code": "other"}),
        };
        let at = Instant::from_micros(self.now().micros() - i64::from(op.a) * 1_000_000).unwrap();
        let mut payload = json!({"target": id, "set": set, "reason_code": "typo"});
        if op.a.is_multiple_of(4) {
            payload["effective_at"] = json!(at.to_string());
        }
        Some((stream, "event_corrected", payload))
    }
}

/// What has to come before what was chosen.
fn sensible<'a>(what: &'a str, state: &ClaimState, judged: Option<&Judgement>, op: &Op) -> &'a str {
    let nothing_open = judged.is_none_or(|j| j.open_minor() <= 0);
    // What nobody has looked at, or nobody has asked back, is not decided yet.
    let status = judged.and_then(|j| j.status);
    let waits = matches!(status, Some(UnitStatus::Authorizable | UnitStatus::Hold));
    match what {
        // Now and then it is asked all the same, and refused.
        _ if op.percent % 16 == 1 => what,
        "refund" | "gift" | "decide" | "goods" if waits => "inspect",
        "refund" | "gift" | "decide" if status == Some(UnitStatus::NeedsDiscretion) => "judge",
        "refund" if judged.is_some_and(Judgement::payout_waits) => "receive",
        "receive" if judged.is_some_and(Judgement::payout_waits) && state.rmas.is_empty() => "authorize",
        "refund" | "gift" if nothing_open => "decide",
        "close" if !nothing_open => "refund",
        "post" | "fail" if state.credits.is_empty() => {
            if nothing_open {
                "decide"
            } else {
                "refund"
            }
        }
        "pay" | "waive" if state.charges.is_empty() => "charge",
        "won" | "lost" if state.chargebacks.is_empty() => "chargeback",
        "void" if state.rmas.is_empty() => "authorize",
        "resolve" if !state.disputed => "dispute",
        "dispose" if state.units.count_where(|u| u.received) == 0 => "receive",
        "send" if state.units.count_where(|u| u.remedy.is_some_and(|r| !r.pays_money())) == 0 => "goods",
        "reopen" if !state.closed && !state.withdrawn => "note",
        "close" | "withdraw" | "inspect" | "receive" if state.closed || state.withdrawn => "reopen",
        _ => what,
    }
}

/// The claim's units as a whole, and its first and its last piece alone.
fn pieces(units: &Units) -> Vec<Units> {
    let mut found = vec![units.clone()];
    for (line, first, last) in units.ranges() {
        for number in [first, last] {
            found.push(serde_json::from_value(json!([format!("{}#{number}", line.as_str())])).unwrap());
        }
    }
    found
}
