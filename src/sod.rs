//! Segregation of duties, looked at afterwards: who did alone what should be for two, and what came close to a limit.
//!
//! What the rules refuse never gets here; this is what they allow and an auditor still wants to see. The events are
//! read once, in order; every finding names its positions.

mod acts;
mod conflicts;
mod near;
mod rules;

pub use rules::{CONFLICTS, NEAR_MISSES};

use replay::{duty::Rule, ids::ActorId, money::Amount, time::Day};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

use crate::{error::Result, store::Store};
use acts::Acts;

/// Most positions that one finding names; the rest is counted.
pub const POSITIONS_MAX: usize = 10;

/// Something to look at.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Its rule, from [`CONFLICTS`] or [`NEAR_MISSES`].
    pub rule: &'static str,
    /// Local day of the last event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// Who.
    pub people: BTreeSet<ActorId>,
    /// The claim, order, policy, month or limit it is about.
    pub about: String,
    /// Money that was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
    /// The limit it came close to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amount>,
    /// The events, at most [`POSITIONS_MAX`].
    pub positions: Vec<u64>,
    /// How many events.
    pub events: u64,
}

/// How often a person turns up.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Count {
    /// In conflicts.
    pub conflicts: u64,
    /// In near misses.
    pub near_misses: u64,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub struct Report {
    /// Events looked at.
    pub events: u64,
    /// Events that cannot be read, and so were not looked at.
    pub unread: u64,
    /// Whether roles are held in this ledger.
    pub governed: bool,
    /// By rule and position.
    pub conflicts: Vec<Found>,
    /// By rule and position.
    pub near_misses: Vec<Found>,
    /// By person.
    pub people: BTreeMap<ActorId, Count>,
}

/// The days a report is about, both ends included.
#[derive(Debug, Clone, Copy, Default)]
pub struct Days {
    /// First day.
    pub from: Option<Day>,
    /// Last day.
    pub to: Option<Day>,
}

impl Days {
    /// What has no day is in no span of days.
    fn hold(&self, day: Option<Day>) -> bool {
        self.from.is_none_or(|from| day.is_some_and(|day| day >= from))
            && self.to.is_none_or(|to| day.is_some_and(|day| day <= to))
    }
}

/// Looks through the whole log. What is found counts on the local day of its last event.
///
/// # Errors
/// Storage errors.
pub fn report<S: Store>(store: &mut S, days: Days) -> Result<Report> {
    let acts = Acts::read(store)?;
    let within = |found: &Found| days.hold(found.day);
    let mut report = Report {
        events: acts.events,
        unread: acts.unread,
        governed: acts.registry.is_governed(),
        conflicts: conflicts::of(&acts).into_iter().filter(within).collect(),
        near_misses: near::of(&acts).into_iter().filter(within).collect(),
        people: BTreeMap::new(),
    };
    for list in [&mut report.conflicts, &mut report.near_misses] {
        list.sort_by(|a, b| (order(a.rule), &a.positions).cmp(&(order(b.rule), &b.positions)));
    }
    for person in report.conflicts.iter().flat_map(|found| &found.people) {
        report.people.entry(person.clone()).or_default().conflicts += 1;
    }
    for person in report.near_misses.iter().flat_map(|found| &found.people) {
        report.people.entry(person.clone()).or_default().near_misses += 1;
    }
    Ok(report)
}

fn order(rule: &str) -> usize {
    let all = CONFLICTS.iter().chain(NEAR_MISSES);
    all.map(|rule: &Rule| rule.id).position(|id| id == rule).unwrap_or(usize::MAX)
}
