//! Legal holds: while one is in force, nothing personal of the claim or order is erased.

use alloc::{collections::BTreeMap, vec::Vec};

use crate::{
    case::Case,
    event::Event,
    history::History,
    ids::{ClaimId, Code, Position, Stream},
    time::When,
};

/// One hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Why it was placed.
    pub reason_code: Code,
    /// Since when.
    pub since: When,
    /// When it was released.
    pub released: Option<When>,
    /// Where it was placed.
    pub placed_at: Position,
    /// Where it was released.
    pub released_at: Option<Position>,
}

impl Hold {
    /// Whether it was in force when the event at this position was recorded.
    pub fn was_in_force_at(&self, position: Position) -> bool {
        self.placed_at < position && self.released_at.is_none_or(|released| position < released)
    }
}

/// Every hold that was ever placed on one stream, by its id. An id is used once, so the order of time is of no
/// matter: a release that is dated early releases all the same.
pub fn holds(history: &History) -> BTreeMap<Code, Hold> {
    let mut holds: BTreeMap<Code, Hold> = BTreeMap::new();
    for fact in history.facts() {
        match &fact.event {
            Event::LegalHoldPlaced(p) => {
                let hold = Hold {
                    reason_code: p.reason_code.clone(),
                    since: fact.effective,
                    released: None,
                    placed_at: fact.position,
                    released_at: None,
                };
                holds.entry(p.hold.clone()).or_insert(hold);
            }
            Event::LegalHoldReleased(r) => {
                if let Some(hold) = holds.get_mut(&r.hold) {
                    hold.released = hold.released.or(Some(fact.effective));
                    hold.released_at = hold.released_at.or(Some(fact.position));
                }
            }
            _ => {}
        }
    }
    holds
}

/// The history of one stream of a case.
pub fn history<'a>(case: &'a Case, stream: &Stream) -> Option<&'a History> {
    match stream {
        Stream::Ledger => None,
        Stream::Order(_) => case.order.as_ref().map(|order| &order.history),
        Stream::Claim(id) => case.claims.get(id).map(|claim| &claim.history),
    }
}

/// Every hold that keeps or kept the values of a stream, with its id and the stream it was placed on.
///
/// A hold on an order keeps the order and every claim on it; a hold on a claim keeps the claim and the order, which
/// is part of its evidence, and leaves the other claims alone.
pub fn over(case: &Case, stream: &Stream) -> Vec<(Stream, Code, Hold)> {
    let order = || case.order.as_ref().map(|order| Stream::Order(order.id.clone()));
    let claim = |id: &ClaimId| Stream::Claim(id.clone());
    let (own, others) = match stream {
        Stream::Ledger => return Vec::new(),
        Stream::Order(_) => (order(), case.claims.keys().map(claim).collect()),
        Stream::Claim(id) => (Some(claim(id)), Vec::from_iter(order())),
    };
    let placed = |stream: Stream| {
        let found = history(case, &stream).map(holds).unwrap_or_default();
        found.into_iter().map(move |(id, hold)| (stream.clone(), id, hold))
    };
    own.into_iter().chain(others).flat_map(placed).collect()
}

/// The first hold in force that keeps the values of a stream, with the stream it was placed on.
pub fn keeping(case: &Case, stream: &Stream) -> Option<(Stream, Code)> {
    let in_force = over(case, stream).into_iter().find(|(_, _, hold)| hold.released.is_none());
    in_force.map(|(stream, id, _)| (stream, id))
}
