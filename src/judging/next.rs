//! What can be done with a claim now, what is missing, and what is due when under which clause.

use replay::{
    case::Case,
    claim::{ClaimState, Stage},
    event::{ArticleClass, Remedy, UnitStatus},
    history::Cut,
    ids::ClaimId,
    judge::{Clock, ClockState, Judgement, Outcome, UnitJudgement, judge},
    money::Amount,
    policy::{Cites, FactName, RequirementStage, place_code},
    registry::Registry,
    time::Instant,
};
use serde::Serialize;

use super::{due_text, explain::plain, nothing_to_judge};
use crate::error::Result;

/// What lies ahead of a claim.
#[derive(Debug, Clone, Serialize)]
pub struct Next {
    pub claim: String,
    pub status: String,
    /// How far it has come.
    pub stage: String,
    pub steps: Vec<Step>,
    pub clocks: Vec<ClockPart>,
    /// Duties to inform that no notice has met.
    pub notices: Vec<Step>,
}

/// One thing to do, by whom, and whether it can be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `merchant`, `customer`, or `anyone` who has the fact.
    pub who: &'static str,
    /// `can` be done now, or `waits` for what the text says.
    pub state: &'static str,
    pub text: String,
    /// The command that records it.
    pub command: Option<String>,
    pub units: Option<String>,
    pub cites: Vec<String>,
}

/// A clock of the claim or its order.
#[derive(Debug, Clone, Serialize)]
pub struct ClockPart {
    pub clock: String,
    pub refund: Option<String>,
    pub state: &'static str,
    /// `null` when the document gives no figure or a calendar year is missing.
    pub due: Option<String>,
    pub expected: Option<String>,
    pub done: Option<String>,
    pub firmness: String,
    pub cites: Vec<String>,
}

/// How a clock stands, in one word or two.
pub fn clock_word(state: ClockState) -> &'static str {
    match state {
        ClockState::Met => "met",
        ClockState::MetLate => "met late",
        ClockState::Running => "running",
        ClockState::Late => "late",
        ClockState::Open => "open",
    }
}

/// What lies ahead of a claim under a cut; `now` is the moment that clocks are read at.
///
/// # Errors
/// When there is nothing to judge under this cut.
pub fn next(case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut, now: Instant) -> Result<Next> {
    let judged = judge(case, id, registry, cut).ok_or_else(|| nothing_to_judge(case, id))?;
    let state = case.claims.get(id).and_then(|c| c.state(cut)).ok_or_else(|| nothing_to_judge(case, id))?;
    let mut desk = Desk { id, judged: &judged, state: &state, case, steps: Vec::new() };
    desk.all();
    let notices = judged.missing_notices.iter().filter_map(|missing| {
        let row = judged.policy.notices.get(missing.notice)?;
        let topic = row.topic.as_ref().map(|t| format!(" ({t})")).unwrap_or_default();
        let channel = row.channel.map(|c| format!(" --channel {c}")).unwrap_or_default();
        Some(Step {
            who: "merchant",
            state: "can",
            text: format!(
                "tell the customer about {}{topic}: it is due since {}",
                row.about,
                missing.since.value.local_day()
            ),
            command: Some(format!("claims notice {id} --about {}{channel}", row.about)),
            units: None,
            cites: ids(&judged, &row.cites),
        })
    });
    Ok(Next {
        claim: id.to_string(),
        status: judged.status.map_or("mixed", UnitStatus::as_str).into(),
        stage: state.stage().to_string(),
        notices: notices.collect(),
        clocks: judged
            .clocks
            .iter()
            .filter(|c| is_alive(&state, c))
            .filter_map(|c| clock_part(&judged, c, now))
            .collect(),
        steps: desk.steps,
    })
}

/// A refund that has failed is not waited for: the obligation is open again (H-20).
fn is_alive(state: &ClaimState, clock: &Clock) -> bool {
    let credit = clock.refund.as_ref().and_then(|id| state.credits.get(id));
    credit.is_none_or(|credit| credit.is_effective() || clock.met.is_some())
}

fn clock_part(judged: &Judgement, clock: &Clock, now: Instant) -> Option<ClockPart> {
    let sla = judged.policy.slas.get(clock.sla)?;
    Some(ClockPart {
        clock: sla.id.to_string(),
        refund: clock.refund.as_ref().map(ToString::to_string),
        state: clock_word(clock.state(now)),
        due: due_text(&clock.due),
        expected: clock.expected.as_ref().and_then(due_text),
        done: clock.met.map(|seen| seen.value.to_string()),
        firmness: sla.firmness.to_string(),
        cites: ids(judged, &sla.cites),
    })
}

fn ids(judged: &Judgement, cites: &Cites) -> Vec<String> {
    judged.policy.ids(cites).iter().map(ToString::to_string).collect()
}

/// A claim on somebody's desk.
struct Desk<'a> {
    id: &'a ClaimId,
    judged: &'a Judgement,
    state: &'a ClaimState,
    case: &'a Case,
    steps: Vec<Step>,
}

impl Desk<'_> {
    fn step(
        &mut self,
        who: &'static str,
        can: bool,
        text: String,
        command: Option<String>,
        unit: Option<&UnitJudgement>,
        cites: &Cites,
    ) {
        let step = Step {
            who,
            state: if can { "can" } else { "waits" },
            text,
            command,
            units: unit.map(|u| u.units.to_string()),
            cites: ids(self.judged, cites),
        };
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    fn all(&mut self) {
        let id = self.id;
        if self.state.withdrawn || self.state.closed {
            let word = if self.state.withdrawn { "withdrawn" } else { "closed" };
            let text = format!(
                "the claim is {word}; a dispute, a correction or new evidence reopens it, and the first contact keeps its date"
            );
            self.step(
                "merchant",
                true,
                text,
                Some(format!("claims reopen {id} --reason dispute")),
                None,
                &Cites::house(2),
            );
            return;
        }
        for unit in &self.judged.units {
            self.unit(unit);
        }
        self.money();
        self.end();
    }

    fn unit(&mut self, unit: &UnitJudgement) {
        let stage = self.state.units.iter().find_map(|(line, first, last, u)| {
            let here = unit.units.lines().any(|l| l == line) && first <= unit.first && unit.last <= last;
            here.then_some(u.stage)
        });
        match unit.status {
            UnitStatus::Hold => self.missing(unit, Outcome::Holds),
            UnitStatus::NeedsDiscretion => self.discretion(unit),
            UnitStatus::Authorizable => self.goods(unit),
            UnitStatus::Eligible => self.decide(unit, stage),
            UnitStatus::Ineligible => {
                let text = match unit.allowed.as_slice() {
                    [] => "nothing is due; tell the customer with the clauses".to_string(),
                    some => format!("not due like this; due would be {}", names(some)),
                };
                let cites = unit.cites.clone();
                let codes = ids(self.judged, &cites).join(",");
                let command = (stage != Some(Stage::Denied)).then(|| {
                    format!("claims deny {} --units {} --reason REASON --cite {codes}", self.id, unit.units)
                });
                self.step("merchant", true, text, command, Some(unit), &cites);
            }
        }
    }

    /// Facts that a requirement waits for.
    fn missing(&mut self, unit: &UnitJudgement, outcome: Outcome) {
        let rows = unit.asked.iter().filter(|a| a.outcome == outcome);
        let rows: Vec<_> = rows.filter_map(|a| self.judged.policy.requirements.get(a.row)).collect();
        if rows.is_empty() {
            let text = if unit.unpriced {
                "a part is missing and the order names no price for it: record the cost".to_string()
            } else {
                "the order does not say how long its warranty runs: correct the order".to_string()
            };
            self.step("anyone", false, text, None, Some(unit), &unit.cites);
        }
        for row in rows {
            let kinds = row.needs.facts().into_iter().filter_map(|fact| match fact {
                FactName::Evidence(kind) => Some(format!("--kind {kind}")),
                _ => None,
            });
            let kinds: Vec<String> = kinds.collect();
            let command =
                (!kinds.is_empty()).then(|| format!("claims evidence {} {}", self.id, kinds.join(" ")));
            let who = if kinds.is_empty() { "anyone" } else { "customer" };
            let text = format!("needed before anything else: {}", plain(&row.needs.to_string()));
            self.step(who, false, text, command, Some(unit), &row.cites);
        }
    }

    fn discretion(&mut self, unit: &UnitJudgement) {
        if unit.points.is_empty() {
            let text =
                "the policy is silent here: whatever is given is goodwill, approved by a second person"
                    .to_string();
            let command = format!(
                "claims discretion {} --point H-19.goodwill --decision accept --amount AMOUNT --reason REASON --reason-text WHY --approver ID",
                self.id
            );
            self.step("merchant", true, text, Some(command), Some(unit), &unit.cites);
        }
        for point in &unit.points {
            let Some(row) = self.judged.policy.point(point.as_str()) else { continue };
            let mut bounds = Vec::new();
            bounds.extend(row.fee_bp_max.map(|bp| format!("a fee of at most {bp} basis points")));
            bounds.extend(
                row.amount_max.as_ref().map(|_| "an amount inside the bounds of the clause".to_string()),
            );
            let bounds =
                if bounds.is_empty() { String::new() } else { format!(", with {}", bounds.join(" and ")) };
            let text = format!("a named person decides at {point}: {}{bounds}", row.options.join(" or "));
            let decision = row.options.first().map_or("accept", String::as_str);
            let command = format!(
                "claims discretion {} --point {point} --decision {decision} --reason REASON --reason-text WHY",
                self.id
            );
            self.step("merchant", true, text, Some(command), Some(unit), &unit.cites);
        }
    }

    /// The way of the goods, up to the inspection.
    fn goods(&mut self, unit: &UnitJudgement) {
        let id = self.id;
        let class = self.case.order_state().and_then(|o| o.sale.lines.get(unit.line_at)).map(|l| l.class);
        let later = unit.asked.iter().filter(|a| a.outcome == Outcome::Later);
        let rows = later.filter_map(|a| self.judged.policy.requirements.get(a.row));
        let rows = rows.filter(|r| r.stage == RequirementStage::Settle);
        let cites = rows.fold(Cites::default(), |all, r| all.with(&r.cites));
        if class == Some(ArticleClass::Subscription) {
            let text = "the data of the device have to be looked at".to_string();
            self.step(
                "merchant",
                true,
                text,
                Some(format!("claims connectivity {id} --transmitted yes|no")),
                Some(unit),
                &cites,
            );
            return;
        }
        let (authorized, received) =
            self.state.units.iter().fold((false, false), |seen, (line, first, last, u)| {
                let here = unit.units.lines().any(|l| l == line) && first <= unit.last && unit.first <= last;
                if here { (seen.0 || u.authorized, seen.1 || u.received) } else { seen }
            });
        let policy = self.judged.policy.clone();
        if received {
            let text = "the goods are in: look at them".to_string();
            self.step(
                "merchant",
                true,
                text,
                Some(format!("claims inspect {id} --units {}", unit.units)),
                Some(unit),
                &cites,
            );
            return;
        }
        if !authorized {
            let rma = if policy.authorization.number_on_parcel { " --rma NUMBER" } else { "" };
            let must = if policy.authorization.required {
                "authorize the return"
            } else {
                "the return may be authorized"
            };
            let apart = if self.is_a_process_apart() { " --process separate" } else { "" };
            let command = format!("claims authorize {id} --units {}{rma} --written{apart}", unit.units);
            self.step("merchant", true, must.into(), Some(command), Some(unit), &policy.authorization.cites);
        }
        let text = format!(
            "send the goods back; {} follows once they are in and hold what the policy asks",
            unit.remedy.map_or("the remedy", Remedy::as_str)
        );
        self.step(
            "customer",
            authorized || !policy.authorization.required,
            text,
            Some(format!("claims receive {id} --units {}", unit.units)),
            Some(unit),
            &cites,
        );
    }

    /// Whether the policy has a return process of its own for where the order went.
    fn is_a_process_apart(&self) -> bool {
        let Some(order) = self.case.order_state() else { return false };
        let to = &order.sale.ship_to;
        let place = place_code(to.country.as_str(), to.subdivision.as_ref().map(|s| s.as_str()));
        let policy = &self.judged.policy;
        let region = policy.authorization.separate_process_outside.and_then(|at| policy.regions.get(at));
        region.is_some_and(|region| !region.holds(&place))
    }

    fn decide(&mut self, unit: &UnitJudgement, stage: Option<Stage>) {
        let (id, remedy) = (self.id, unit.remedy.unwrap_or(Remedy::None));
        let decided = matches!(stage, Some(Stage::Decided | Stage::Settled | Stage::Closed));
        if !decided {
            let others: Vec<Remedy> = unit.allowed.iter().copied().filter(|r| *r != remedy).collect();
            let choice = if others.is_empty() {
                String::new()
            } else {
                format!(" (also allowed: {})", names(&others))
            };
            let text = format!("{remedy} is due: decide it{choice}");
            self.step(
                "merchant",
                true,
                text,
                Some(format!("claims decide {id} --remedy {remedy} --units {}", unit.units)),
                Some(unit),
                &unit.cites,
            );
        }
        if stage == Some(Stage::Decided) {
            if remedy == Remedy::ReturnToCustomer {
                let command = format!(
                    "claims dispatch {id} --parcel ID --leg return_to_customer --units {}",
                    unit.units
                );
                self.step(
                    "merchant",
                    true,
                    "the article goes back: send it".into(),
                    Some(command),
                    Some(unit),
                    &unit.cites,
                );
                return;
            }
            let verb = match remedy {
                Remedy::Replacement | Remedy::Exchange | Remedy::Upgrade => "ship-replacement",
                Remedy::Repair | Remedy::PaidRepair => "ship-repair",
                Remedy::SpareParts => "send-parts",
                _ => return,
            };
            let text = format!("{remedy} was decided: send it");
            self.step(
                "merchant",
                true,
                text,
                Some(format!("claims {verb} {id} --units {}", unit.units)),
                Some(unit),
                &unit.cites,
            );
        }
    }

    fn money(&mut self) {
        let (id, judged) = (self.id, self.judged);
        let text = |minor: u64| {
            Amount::new(minor, judged.currency).map_or_else(|_| minor.to_string(), |a| a.decimal_text())
        };
        let open = u64::try_from(judged.open_minor()).unwrap_or(0);
        if open > 0 {
            let waits = judged.payout_waits();
            let gift = judged.payout_to().starts_with("gift_credit");
            let (verb, key) = if gift { ("gift-credit", "credit") } else { ("refund", "refund") };
            let until = if waits { ", once the goods are in" } else { "" };
            let said =
                format!("{} {} is payable to {}{until}", text(open), judged.currency, judged.payout_to());
            self.step(
                "merchant",
                !waits,
                said,
                Some(format!("claims {verb} {id} --{key} ID --amount {}", text(open))),
                None,
                &judged.payout_cites,
            );
        }
        for charge in &judged.charges {
            let charged = self.state.charges.values().filter(|c| c.what == charge.what);
            let charged = charged.fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()));
            let rest = charge.minor.saturating_sub(charged);
            if rest > 0 {
                let said =
                    format!("the customer owes {} {} for {}", text(rest), judged.currency, charge.what);
                let command =
                    format!("claims charge {id} --charge ID --cost {} --amount {}", charge.what, text(rest));
                self.step("merchant", true, said, Some(command), None, &charge.cites);
            }
        }
    }

    fn end(&mut self) {
        let open = judged_open(self.judged) || self.state.disputed;
        let stages = self
            .state
            .units
            .iter()
            .all(|(_, _, _, u)| matches!(u.stage, Stage::Settled | Stage::Denied | Stage::Closed));
        if stages
            && !open
            && self.steps.iter().all(|s| s.command.as_deref().is_none_or(|c| c.starts_with("claims deny")))
        {
            let command = Some(format!("claims close {} --reason settled", self.id));
            self.step(
                "merchant",
                true,
                "nothing is open: the claim can be closed".into(),
                command,
                None,
                &Cites::house(14),
            );
        }
    }
}

fn judged_open(judged: &Judgement) -> bool {
    judged.open_minor() > 0
}

fn names(remedies: &[Remedy]) -> String {
    let names: Vec<&str> = remedies.iter().map(|r| r.as_str()).collect();
    names.join(", ")
}
