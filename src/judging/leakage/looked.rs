//! A claim as this report looks at it: what stands of it, what the policy says today, and how a row is made.

use replay::{
    case::Case,
    claim::ClaimState,
    event::Event,
    history::Standing,
    ids::{ActorId, Code, EventId, OrderId},
    judge::Judgement,
    money::{Amount, MINOR_MAX},
    order::OrderState,
    policy::Cites,
    registry::Registry,
};

use super::{Ask, Category, Row};

pub(super) struct Looked<'a> {
    pub case: &'a Case,
    pub order: &'a OrderId,
    pub sold: &'a OrderState,
    pub registry: &'a Registry,
    pub ask: &'a Ask,
    pub state: &'a ClaimState,
    /// Under the version in force and the facts of the cut.
    pub judged: &'a Judgement,
    pub standing: &'a [Standing<'a>],
    pub order_standing: &'a [Standing<'a>],
}

/// What a row says beside the event it rests on.
pub(super) struct Found {
    pub category: Category,
    pub minor: u64,
    pub cites: Vec<Code>,
    pub by: Option<String>,
    pub why: String,
    /// Whether the actor of the event is who let the money go.
    pub named: bool,
}

/// Takes the rows.
pub(super) type Take<'t> = dyn FnMut(Row) + 't;

impl<'a> Looked<'a> {
    /// Every finding of the claim.
    pub fn all(&self, take: &mut Take<'_>) {
        self.paid_above(take);
        self.not_paid(take);
        self.not_charged(take);
        self.waived(take);
        self.without_receipt(take);
        self.unused_labels(take);
        self.goodwill(take);
        self.overrides(take);
        self.contradicted(take);
    }

    /// What stands of the claim.
    pub fn standing(&self) -> impl Iterator<Item = &'a Standing<'a>> {
        self.standing.iter().filter(|s| s.reversed.is_none())
    }
    /// An event of the claim or its order.
    pub fn event(&self, id: EventId) -> Option<&'a Standing<'a>> {
        self.standing.iter().chain(self.order_standing).find(|s| s.fact.event_id == id)
    }
    /// The event of the claim that is wanted.
    pub fn find(&self, wanted: impl Fn(&Event) -> bool) -> Option<&'a Standing<'a>> {
        self.standing().find(|s| wanted(&s.event))
    }
    pub fn ids(&self, cites: &Cites) -> Vec<Code> {
        self.judged.policy.ids(cites)
    }
    /// An amount as people read it.
    pub fn money(&self, minor: u64) -> String {
        let amount = Amount::new(minor.min(MINOR_MAX), self.judged.currency);
        amount.map_or_else(|_| minor.to_string(), |amount| amount.decimal_text())
    }

    pub fn row(&self, on: &Standing<'_>, found: Found) -> Row {
        let person = |who: Option<&ActorId>| who.filter(|_| found.named).cloned();
        Row {
            category: found.category,
            merchant: self.judged.policy_id.to_string(),
            currency: self.judged.currency.as_str().into(),
            claim: self.state.id.clone(),
            order: self.order.clone(),
            amount_minor: found.minor,
            day: on.effective.local_day(),
            actor: person(Some(&on.fact.actor)),
            approver: person(on.fact.approver.as_ref()),
            cites: found.cites,
            by: found.by,
            why: found.why,
            position: on.fact.position.get(),
            event: on.fact.event_id,
        }
    }
}

/// The person behind an event, for sums: `a.jones, approved by m.lee`.
pub(super) fn person(on: &Standing<'_>) -> String {
    match &on.fact.approver {
        Some(approver) => format!("{}, approved by {approver}", on.fact.actor),
        None => on.fact.actor.to_string(),
    }
}
