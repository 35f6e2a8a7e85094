//! Why a claim is worth what it is worth: every line with clause, formula, facts and the events they came from; why
//! not more, why not less, and what a missing fact would change.

mod paper;
mod parts;
mod prospect;
mod words;

pub(crate) use paper::{established, headline, requirement, sentence, shown, title};
pub use paper::{markdown, text};
pub use parts::{
    Cited, EventPart, Explanation, FactPart, LinePart, MoneyPart, Prospect, Reason, RequirementPart,
    UnitPart, WindowPart,
};
pub use words::plain;

use replay::{
    case::Case,
    event::{Party, UnitStatus},
    history::{Cut, History},
    ids::{ClaimId, Code, EventId},
    judge::{
        Aside, Judgement, Line, Options, Outcome, Payer, Settled, Trial, UnitJudgement, WindowState, on_trial,
    },
    money::Amount,
    policy::{Cites, Clause, Requirement},
    registry::Registry,
};
use std::collections::BTreeSet;

use super::nothing_to_judge;
use crate::error::Result;

/// Explains a claim under a cut.
///
/// # Errors
/// When there is nothing to judge under this cut.
pub fn explain(case: &Case, id: &ClaimId, registry: &Registry, cut: &Cut) -> Result<Explanation> {
    let explained = on_trial(case, id, registry, cut, &Options::default(), |trial| {
        let judged = trial.judgement();
        let known = trial.facts.evidence.iter().filter(|(_, seen)| seen.value).map(|(kind, _)| kind.clone());
        let known: BTreeSet<Code> = known.collect();
        (Teller { case, trial, judged: &judged }.explanation(), known)
    });
    let (mut explanation, known) = explained.ok_or_else(|| nothing_to_judge(case, id))?;
    explanation.prospects = prospect::prospects(case, id, registry, cut, &known);
    Ok(explanation)
}

/// A judged claim that is put into words.
pub(super) struct Teller<'a> {
    pub case: &'a Case,
    pub trial: &'a Trial<'a>,
    pub judged: &'a Judgement,
}

impl Teller<'_> {
    fn explanation(&self) -> Explanation {
        let (judged, sale) = (self.judged, self.trial.facts.sale.value);
        let units: Vec<UnitPart> = judged.units.iter().map(|unit| self.unit(unit)).collect();
        let lines: Vec<LinePart> = judged.lines.iter().map(|line| self.line(line)).collect();
        let charges = judged.charges.iter().map(|c| MoneyPart {
            what: c.what.to_string(),
            minor: c.minor,
            amount: self.amount(c.minor),
            cites: self.ids(&c.cites),
            events: c.events.iter().map(|e| self.event(*e)).collect(),
        });
        let (not_more, not_less) = self.reasons();
        let mut explanation = Explanation {
            claim: judged.claim.as_ref().map(ToString::to_string).unwrap_or_default(),
            order: self.case.order.as_ref().map(|o| o.id.to_string()).unwrap_or_default(),
            policy: judged.policy_id.to_string(),
            policy_version: judged.version,
            policy_sha256: judged.policy_sha256,
            facts_sha256: judged.facts_sha256,
            purchased_on: sale.purchased_at.local_day(),
            currency: judged.currency,
            status: judged.status.map_or("mixed", UnitStatus::as_str).into(),
            units,
            lines,
            payable_minor: judged.payable_minor,
            payable: self.amount(judged.payable_minor),
            refunded_minor: judged.refunded_minor,
            refunded: self.amount(judged.refunded_minor),
            charged_back_minor: judged.charged_back_minor,
            charged_back: self.amount(judged.charged_back_minor),
            open_minor: judged.open_minor(),
            payout: judged.payout_to().into(),
            payout_cites: self.ids(&judged.payout_cites),
            payout_waits: judged.payout_waits(),
            charges: charges.collect(),
            why_not_more: not_more,
            why_not_less: not_less,
            inbound_shipping: self.payer(&judged.inbound_shipping),
            return_leg_shipping: self.payer(&judged.return_leg_shipping),
            prospects: Vec::new(),
            clauses: Vec::new(),
        };
        explanation.clauses = self.cited(&explanation);
        explanation
    }

    fn unit(&self, unit: &UnitJudgement) -> UnitPart {
        let windows = unit.applied.iter().filter_map(|at| {
            let (window, judged) = (self.trial.policy.windows.get(*at)?, unit.windows.get(*at)?);
            let state = match judged.state {
                WindowState::Held => "held",
                WindowState::Failed => "failed",
                WindowState::Unknown => "unknown",
            };
            let chances = judged.chances.iter();
            let events = chances.flat_map(|c| [c.anchor.map(|a| a.event), c.act.map(|a| a.event)]);
            let events: BTreeSet<EventId> = events.flatten().collect();
            Some(WindowPart {
                window: window.name.to_string(),
                state,
                last_day: judged.last_day,
                text: words::window(judged),
                cites: self.ids(&window.cites),
                events: events.into_iter().map(|e| self.event(e)).collect(),
            })
        });
        let requirements = unit.asked.iter().filter_map(|asked| {
            let row: &Requirement = self.trial.policy.requirements.get(asked.row)?;
            let facts = self.trial.facts_of(unit, &row.needs).into_iter().map(|used| FactPart {
                fact: used.fact.to_string(),
                value: used.value,
                event: used.event.map(|e| self.event(e)),
            });
            Some(RequirementPart {
                stage: row.stage.to_string(),
                needs: row.needs.to_string(),
                says: words::plain(&row.needs.to_string()),
                outcome: words::outcome(asked.outcome),
                point: row.point.as_ref().map(ToString::to_string),
                decided_by: asked.decided_by.map(|e| self.event(e)),
                cites: self.ids(&row.cites),
                facts: facts.collect(),
            })
        });
        UnitPart {
            units: unit.units.to_string(),
            asserted: self.trial.facts.asserted.value.to_string(),
            basis: unit.basis.to_string(),
            basis_event: self.event(unit.basis_event),
            remedy: unit.remedy.map(|r| r.to_string()),
            chosen_by: unit.chosen_by.map(|e| self.event(e)),
            allowed: unit.allowed.iter().map(ToString::to_string).collect(),
            variant: unit.variant.as_ref().map(|(v, _)| v.to_string()),
            status: unit.status.to_string(),
            says: words::status(unit, self.judged),
            cites: self.ids(&unit.cites),
            windows: windows.collect(),
            requirements: requirements.collect(),
        }
    }

    fn line(&self, line: &Line) -> LinePart {
        LinePart {
            line: line.kind.name(),
            order_line: line.order_line.as_ref().map(ToString::to_string),
            minor: line.minor,
            amount: words::signed(line.minor, self.judged.currency),
            formula: words::formula(line, self),
            cites: self.ids(&line.cites),
            events: line.events.iter().map(|e| self.event(*e)).collect(),
        }
    }

    /// Why not more, and why not less.
    fn reasons(&self) -> (Vec<Reason>, Vec<Reason>) {
        let (mut more, mut less) = (Vec::new(), Vec::new());
        let reason = |text: String, minor: Option<u64>, cites: &Cites, event: Option<EventId>| Reason {
            text,
            minor,
            cites: self.ids(cites),
            event: event.map(|e| self.event(e)),
        };
        for unit in &self.judged.units {
            if unit.status != UnitStatus::Eligible {
                more.push(reason(words::not_eligible(unit, self.judged), None, &unit.cites, None));
            }
            let noted = unit.asked.iter().filter(|a| a.outcome == Outcome::Noted);
            for row in noted.filter_map(|a| self.trial.policy.requirements.get(a.row)) {
                less.push(reason(words::noted(&row.needs), None, &row.cites, None));
            }
        }
        for aside in &self.judged.asides {
            match aside {
                Aside::ShippingKept { minor, cites } => {
                    let text = format!("outbound shipping of {} is not paid back", self.amount(*minor));
                    more.push(reason(text, Some(*minor), cites, None));
                }
                Aside::Waived { fee, minor, cites } => {
                    let text = format!("the {fee} fee of {} is waived", self.amount(*minor));
                    less.push(reason(text, Some(*minor), cites, None));
                }
                Aside::FeeDoesNotApply { fee, cites } => {
                    let row =
                        self.trial.policy.fees.iter().find(|f| f.id == *fee).and_then(|f| f.when.as_ref());
                    let when = row
                        .map(|p| format!(": it needs that {}", words::plain(&p.to_string())))
                        .unwrap_or_default();
                    less.push(reason(format!("the {fee} fee does not apply{when}"), None, cites, None));
                }
                Aside::OtherCurrency { fee, cites } => {
                    let text = format!(
                        "the {fee} fee is fixed in another currency than the order's; nothing converts it"
                    );
                    less.push(reason(text, None, cites, None));
                }
                Aside::Cost { cost, minor, why, cites, event } => {
                    let text = words::cost(cost.as_str(), &self.amount(*minor), *why);
                    let of_customer = self.paid_by_customer(*event);
                    let list = if of_customer || *why == Settled::Never { &mut more } else { &mut less };
                    list.push(reason(text, Some(*minor), cites, Some(*event)));
                }
            }
        }
        for line in self.judged.lines.iter().filter(|l| l.minor < 0) {
            let text = format!(
                "{} takes off {}",
                line.kind.name(),
                words::signed(line.minor.saturating_neg(), self.judged.currency)
            );
            more.push(reason(
                text,
                Some(line.minor.unsigned_abs()),
                &line.cites,
                line.events.first().copied(),
            ));
        }
        less.dedup();
        (more, less)
    }

    fn paid_by_customer(&self, event: EventId) -> bool {
        self.trial.facts.costs.iter().any(|c| c.event == event && c.paid_by == Party::Customer)
    }

    fn payer(&self, payer: &Payer) -> Reason {
        let text = payer.party.map_or("lies_where_it_falls", Party::as_str);
        Reason { text: text.into(), minor: None, cites: self.ids(&payer.cites), event: None }
    }

    pub(super) fn amount(&self, minor: u64) -> String {
        Amount::new(minor, self.judged.currency).map_or_else(|_| minor.to_string(), |a| a.to_string())
    }

    fn ids(&self, cites: &Cites) -> Vec<String> {
        self.judged.policy.ids(cites).iter().map(ToString::to_string).collect()
    }

    /// Every clause that is cited, once, with its paraphrase.
    fn cited(&self, e: &Explanation) -> Vec<Cited> {
        let units = e.units.iter().flat_map(|u| {
            let windows = u.windows.iter().flat_map(|w| &w.cites);
            u.cites.iter().chain(windows)
        });
        let money = e.lines.iter().flat_map(|l| &l.cites).chain(e.charges.iter().flat_map(|c| &c.cites));
        let reasons = e.why_not_more.iter().chain(&e.why_not_less).flat_map(|r| &r.cites);
        let ids: BTreeSet<&String> = units.chain(money).chain(reasons).chain(&e.payout_cites).collect();
        let clauses = (0..).map_while(|at| self.judged.policy.clause(Clause::at(at)?));
        clauses
            .filter(|c| ids.contains(&c.id))
            .map(|c| Cited { id: c.id.clone(), paraphrase: c.paraphrase.clone() })
            .collect()
    }

    /// An event as people find it: its position in the log.
    pub(super) fn event(&self, id: EventId) -> EventPart {
        let streams = self.case.order.iter().map(|o| &o.history);
        let mut streams = streams.chain(self.case.claims.values().map(|c| &c.history));
        let fact = streams.find_map(|h: &History| h.find(id));
        EventPart {
            event_id: id.to_string(),
            position: fact.map_or(0, |f| f.position.get()),
            kind: fact.map_or("", |f| f.event.kind().as_str()),
        }
    }
}
