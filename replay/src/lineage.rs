//! Lineage: from a figure to the events behind it, and from an event to every figure it touches.
//!
//! A case is read after each of its events, in the order of the log, by the functions that write the books; what an
//! event moved is the difference. So the events of a figure add up to it to the minor unit whatever the figure is,
//! amendments and late facts included, and both directions are one table: read by column it says where a figure comes
//! from, read by row what an event has done.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString},
    vec::Vec,
};
use serde::Serialize;

use crate::{
    books::{self, Sums, TotalKey},
    case::Case,
    event::{Event, payload::words},
    history::{Cut, Fact, History},
    ids::{ClaimId, EventId, Position, Stream},
    judge::judge,
    registry::Registry,
};

words! {
    /// A figure of one claim. Amounts are in its currency, units are pieces.
    OfClaim {
        Owed = "owed",
        Credited = "credited",
        ChargedBack = "charged_back",
        Open = "open",
        Overpaid = "overpaid",
        Charged = "charged",
        ChargesOpen = "charges_open",
        UnitsClaimed = "units_claimed",
        UnitsAnnounced = "units_announced",
        UnitsAuthorized = "units_authorized",
        UnitsReceived = "units_received",
        UnitsAccepted = "units_accepted",
        UnitsRefunded = "units_refunded",
    }
    /// A figure of the refund totals.
    OfTotal {
        Credits = "credits",
        Credited = "credited",
        Reversed = "reversed",
        Failed = "failed",
        Stands = "stands",
    }
}

impl OfClaim {
    /// Whether it counts pieces and not money.
    pub fn counts_units(self) -> bool {
        self >= OfClaim::UnitsClaimed
    }
}

/// One number of the books.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Figure {
    /// A figure of a claim.
    Claim {
        /// Which claim.
        claim: ClaimId,
        /// Which figure of it.
        figure: OfClaim,
    },
    /// Something that one side owes the other: money, or units where the remedy is goods.
    Obligation {
        /// Of which claim.
        claim: ClaimId,
        /// `refund`, `charge` or `goods`.
        what: String,
        /// Charge id, remedy, or empty.
        item: String,
    },
    /// A refund total.
    Total {
        /// What it is counted by.
        #[serde(flatten)]
        key: TotalKey,
        /// Which sum.
        figure: OfTotal,
    },
}

/// Figures with their values; one that is not there is zero.
pub type Figures = BTreeMap<Figure, i64>;

/// The figures of one claim under a cut.
pub fn figures(case: &Case, id: &ClaimId, cut: &Cut) -> Figures {
    books::figures(case, id, cut).map(|found| read(id, &found)).unwrap_or_default()
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn read(id: &ClaimId, found: &books::Figures) -> Figures {
    let (row, state) = (&found.board, &found.state);
    let charges = state.charges.values();
    let charged = charges.clone().fold(0u64, |sum, c| sum.saturating_add(c.amount.minor()));
    let open = charges.filter(|c| !c.waived).map(|c| c.amount.minor().saturating_sub(c.paid_minor));
    let of_claim = |figure: OfClaim| match figure {
        OfClaim::Owed => row.owed_minor,
        OfClaim::Credited => row.credited_minor,
        OfClaim::ChargedBack => state.charged_back_minor(),
        OfClaim::Open => row.open_minor,
        OfClaim::Overpaid => state.overpaid_minor(),
        OfClaim::Charged => charged,
        OfClaim::ChargesOpen => open.clone().fold(0, u64::saturating_add),
        OfClaim::UnitsClaimed => row.units_claimed,
        OfClaim::UnitsAnnounced => row.units_announced,
        OfClaim::UnitsAuthorized => row.units_authorized,
        OfClaim::UnitsReceived => row.units_received,
        OfClaim::UnitsAccepted => row.units_accepted,
        OfClaim::UnitsRefunded => row.units_refunded,
    };
    let claims = OfClaim::ALL
        .iter()
        .map(|figure| (Figure::Claim { claim: id.clone(), figure: *figure }, signed(of_claim(*figure))));
    let obligations = found.obligations.iter().map(|o| {
        let (what, item) = (o.what.clone(), o.item.clone());
        let value = if o.open_units > 0 { o.open_units } else { o.open_minor };
        (Figure::Obligation { claim: id.clone(), what, item }, signed(value))
    });
    let totals = found.totals.iter().flat_map(|(key, sums)| {
        OfTotal::ALL
            .iter()
            .map(move |figure| (Figure::Total { key: key.clone(), figure: *figure }, of_total(sums, *figure)))
    });
    claims.chain(obligations).chain(totals).filter(|(_, value)| *value != 0).collect()
}

/// One figure of a total. What stands of one month can be below zero, when what went out earlier comes back in it.
pub fn of_total(sums: &Sums, figure: OfTotal) -> i64 {
    match figure {
        OfTotal::Credits => signed(sums.credits),
        OfTotal::Credited => signed(sums.credited_minor),
        OfTotal::Reversed => signed(sums.reversed_minor),
        OfTotal::Failed => signed(sums.failed_minor),
        OfTotal::Stands => signed(sums.credited_minor)
            .saturating_sub(signed(sums.reversed_minor))
            .saturating_sub(signed(sums.failed_minor)),
    }
}

/// What one event has done to the figures of one claim.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// The event.
    pub fact: &'a Fact,
    /// Its stream.
    pub stream: Stream,
    /// Figures that it moved, and by how much.
    pub moved: Figures,
}

/// Every event of a claim and of its order that the cut sees, by position, with what it moved on this claim.
pub fn steps<'a>(case: &'a Case, id: &ClaimId, cut: &Cut) -> Vec<Step<'a>> {
    let claim = case.claims.get(id);
    let of_claim = claim.into_iter().flat_map(|c| c.history.facts());
    let of_order = case.order.iter().flat_map(|o| o.history.facts().iter().map(|f| (Some(&o.id), f)));
    let mut facts: Vec<_> = of_claim.map(|f| (None, f)).chain(of_order).collect();
    facts.retain(|(_, fact)| cut.sees(fact.position, fact.recorded_at));
    facts.sort_by_key(|(_, fact)| fact.position);
    let mut before = Figures::new();
    let mut steps = Vec::with_capacity(facts.len());
    for (order, fact) in facts {
        let after = figures(case, id, &Cut { position: Some(fact.position), ..*cut });
        let stream = order.map_or_else(|| Stream::Claim(id.clone()), |order| Stream::Order(order.clone()));
        steps.push(Step { fact, stream, moved: difference(&before, &after) });
        before = after;
    }
    steps
}

/// What has to be added to the figures before to get those after.
pub fn difference(before: &Figures, after: &Figures) -> Figures {
    let names: BTreeSet<&Figure> = before.keys().chain(after.keys()).collect();
    let value = |figures: &Figures, name: &Figure| figures.get(name).copied().unwrap_or_default();
    names
        .into_iter()
        .map(|name| (name.clone(), value(after, name).saturating_sub(value(before, name))))
        .filter(|(_, by)| *by != 0)
        .collect()
}

/// The cut just before an event; `None` before the first event of a log.
pub fn before(position: Position, cut: &Cut) -> Option<Cut> {
    let last = Position::new(position.get().checked_sub(1)?)?;
    Some(Cut { position: Some(last), ..*cut })
}

/// An amendment that points at an event, and whether it stands.
#[derive(Debug, Clone, Copy)]
pub struct Amendment<'a> {
    /// The correction or reversal.
    pub fact: &'a Fact,
    /// False when it was itself reversed.
    pub stands: bool,
}

/// The corrections and reversals that point at an event, in the order of the log.
pub fn amendments(history: &History, target: EventId) -> Vec<Amendment<'_>> {
    let points = |fact: &&Fact| target_of(&fact.event) == Some(target);
    let stands = |fact: &Fact| !history.is_reversed(fact.event_id);
    history.facts().iter().filter(points).map(|fact| Amendment { fact, stands: stands(fact) }).collect()
}

/// What a correction or reversal points at.
pub fn target_of(event: &Event) -> Option<EventId> {
    match event {
        Event::EventCorrected(c) => Some(c.target),
        Event::EventReversed(r) => Some(r.target),
        _ => None,
    }
}

/// The decisions of a case that rest on an event: without it, the facts that were judged when they were made were
/// others.
pub fn decisions_on<'a>(
    case: &'a Case,
    stream: &Stream,
    event: &Fact,
    registry: &Registry,
) -> Vec<(ClaimId, &'a Fact)> {
    let without = case.without_on(stream, event.event_id);
    let mut found = Vec::new();
    for (id, claim) in &case.claims {
        let decided =
            |fact: &&Fact| fact.position > event.position && matches!(fact.event, Event::RemedyDecided(_));
        for decision in claim.history.facts().iter().filter(decided) {
            let Some(cut) = before(decision.position, &Cut::default()) else { continue };
            let facts = |case: &Case| judge(case, id, registry, &cut).map(|judged| judged.facts_sha256);
            if facts(case) != facts(&without) {
                found.push((id.clone(), decision));
            }
        }
    }
    found.sort_by_key(|(_, fact)| fact.position);
    found
}

/// What a figure counts, as people write it: a currency, `units` or `credits`.
pub fn unit_of(figure: &Figure, currency: &str) -> String {
    match figure {
        Figure::Claim { figure, .. } if figure.counts_units() => "units".to_string(),
        Figure::Obligation { what, .. } if what == "goods" => "units".to_string(),
        Figure::Total { figure: OfTotal::Credits, .. } => "credits".to_string(),
        Figure::Total { key, .. } => key.currency.clone(),
        Figure::Claim { .. } | Figure::Obligation { .. } => currency.to_string(),
    }
}
