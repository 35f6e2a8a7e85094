//! What the ledger stream says: policies, calendars, people and their limits.
//!
//! A policy is data. This module reads from it what recording needs today (authorization, discretion
//! points); no line here knows a merchant.

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::fmt;
use serde_json::Value;

use crate::{
    codec::Recorded,
    event::Event,
    ids::{ActorId, Code, PolicyId, Position, Revision},
    merkle::Hash,
    money::{Amount, Currency},
    time::{Day, When},
};

/// The state of the ledger stream.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    policies: BTreeMap<PolicyId, Vec<Version>>,
    calendars: BTreeMap<(String, u16), Position>,
    actors: BTreeMap<ActorId, Vec<Code>>,
    limits: BTreeMap<(Code, Code, Currency), Amount>,
    revision: Option<Revision>,
}

/// One published version of a policy.
#[derive(Debug, Clone)]
pub struct Version {
    /// From 1.
    pub version: u32,
    /// The merchant's name.
    pub name: String,
    /// First day of purchases it governs.
    pub effective_from: Day,
    /// Hash of its canonical text.
    pub sha256: Hash,
    /// Where it was published.
    pub position: Position,
    /// What recording needs of it.
    pub rules: Rules,
}

/// The part of a policy that recording obeys.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    /// The RMA number must be on the parcel.
    pub number_on_parcel: bool,
    /// Only units on the RMA are taken in.
    pub items_exact: bool,
    /// Clauses behind the authorization rules.
    pub authorization_cites: Vec<Code>,
    /// The only places where a person may decide.
    pub discretion: Vec<DiscretionPoint>,
}

/// One place where the policy leaves room.
#[derive(Debug, Clone)]
pub struct DiscretionPoint {
    /// Its name.
    pub point: String,
    /// The decisions it allows; empty = any.
    pub options: Vec<String>,
    /// Largest percentage in basis points.
    pub fee_bp_max: Option<u64>,
    /// The one fixed amount it allows, in minor units.
    pub fee_fixed: Option<u64>,
    /// Smallest amount, in minor units.
    pub amount_min: Option<u64>,
    /// Largest amount.
    pub amount_max: Option<AmountBound>,
    /// Clauses behind it.
    pub cites: Vec<Code>,
}

/// The largest amount at a discretion point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AmountBound {
    /// In minor units.
    Minor(u64),
    /// What the units cost after every discount.
    UnitNet,
    /// What was taken for the order.
    Captured,
}

impl AmountBound {
    fn read(value: &Value) -> Option<Self> {
        match value {
            Value::String(word) if word == "unit_net" => Some(AmountBound::UnitNet),
            Value::String(word) if word == "captured" => Some(AmountBound::Captured),
            other => other.as_u64().map(AmountBound::Minor),
        }
    }
}

/// Why the ledger stream does not fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RegistryFault {
    /// The revision is not the next one.
    Gap {
        /// The revision that was due.
        due: Revision,
    },
    /// The version is there already, or is not the next one.
    PolicyVersionIsNotTheNext {
        /// The version that was due.
        due: u32,
    },
    /// A later version may not begin before an earlier one.
    PolicyBeginsBeforeItsPredecessor {
        /// First day of the predecessor.
        predecessor: Day,
    },
    /// This year of this calendar is published already.
    CalendarYearIsPublished,
}

impl fmt::Display for RegistryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RegistryFault::Gap { due } => write!(f, "revision {due} of the ledger stream was due"),
            RegistryFault::PolicyVersionIsNotTheNext { due } => {
                write!(f, "the next version of this policy is {due}")
            }
            RegistryFault::PolicyBeginsBeforeItsPredecessor { predecessor } => {
                write!(f, "it would begin before the version that begins on {predecessor}")
            }
            RegistryFault::CalendarYearIsPublished => f.write_str("this year of the calendar is published"),
        }
    }
}

impl Registry {
    /// The revision of the ledger stream.
    pub fn revision(&self) -> Option<Revision> {
        self.revision
    }
    /// The versions of one policy, oldest first.
    pub fn versions(&self, policy: &PolicyId) -> &[Version] {
        self.policies.get(policy).map_or(&[], Vec::as_slice)
    }
    /// Every policy with its versions.
    pub fn policies(&self) -> impl Iterator<Item = (&PolicyId, &[Version])> {
        self.policies.iter().map(|(id, versions)| (id, versions.as_slice()))
    }
    /// The version in force on the day of a purchase (H-7).
    pub fn governing(&self, policy: &PolicyId, purchased: When) -> Option<&Version> {
        let day = purchased.local_day();
        self.versions(policy).iter().rev().find(|v| v.effective_from <= day)
    }
    /// The largest amount a role may move with one act of this kind.
    pub fn limit(&self, role: &Code, act: &Code, currency: Currency) -> Option<Amount> {
        self.limits.get(&(role.clone(), act.clone(), currency)).copied()
    }
    /// Roles of an actor; `None` for an actor nobody registered.
    pub fn roles(&self, actor: &ActorId) -> Option<&[Code]> {
        self.actors.get(actor).map(Vec::as_slice)
    }

    /// Whether an event of the ledger stream fits. Called before writing and again on replay.
    ///
    /// # Errors
    /// [`RegistryFault`].
    pub fn check(&self, event: &Event) -> Result<(), RegistryFault> {
        match event {
            Event::PolicyPublished(p) => {
                let last = self.versions(&p.policy).last();
                let due = last.map_or(1, |v| v.version.saturating_add(1));
                if p.version != due {
                    return Err(RegistryFault::PolicyVersionIsNotTheNext { due });
                }
                match last {
                    Some(v) if p.effective_from < v.effective_from => {
                        Err(RegistryFault::PolicyBeginsBeforeItsPredecessor { predecessor: v.effective_from })
                    }
                    _ => Ok(()),
                }
            }
            Event::CalendarPublished(c)
                if self.calendars.contains_key(&(c.calendar.as_str().into(), c.year)) =>
            {
                Err(RegistryFault::CalendarYearIsPublished)
            }
            _ => Ok(()),
        }
    }

    /// Takes in the next event of the ledger stream.
    ///
    /// # Errors
    /// [`RegistryFault`] when it contradicts what is there.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), RegistryFault> {
        let due = Revision::after(self.revision);
        if recorded.envelope.revision != due {
            return Err(RegistryFault::Gap { due });
        }
        self.check(&recorded.event)?;
        self.revision = Some(due);
        self.take(&recorded.event, recorded.envelope.position);
        Ok(())
    }

    /// Takes in an event without its place in the stream: refusals and seals, which no rule asks for, may
    /// have been left out of what is handed in.
    pub fn take(&mut self, event: &Event, position: Position) {
        match event {
            Event::PolicyPublished(p) => self.policies.entry(p.policy.clone()).or_default().push(Version {
                version: p.version,
                name: p.name.as_str().into(),
                effective_from: p.effective_from,
                sha256: p.sha256,
                position,
                rules: Rules::read(&p.body),
            }),
            Event::CalendarPublished(c) => {
                self.calendars.insert((c.calendar.as_str().into(), c.year), position);
            }
            Event::ActorRegistered(a) => {
                self.actors.entry(a.actor.clone()).or_default();
            }
            Event::RoleGranted(g) => {
                let roles = self.actors.entry(g.actor.clone()).or_default();
                if !roles.contains(&g.role) {
                    roles.push(g.role.clone());
                }
            }
            Event::RoleRevoked(g) => {
                if let Some(roles) = self.actors.get_mut(&g.actor) {
                    roles.retain(|r| *r != g.role);
                }
            }
            Event::LimitSet(l) => {
                self.limits.insert((l.role.clone(), l.act.clone(), l.amount.currency()), l.amount);
            }
            // Refusals, redactions and seals move nothing here.
            _ => {}
        }
    }
    /// Sets the revision when events that no rule asks for were left out.
    pub fn set_revision(&mut self, revision: Option<Revision>) {
        self.revision = revision;
    }
}

impl Rules {
    /// Reads the rules from a policy's body; what is not there is not demanded (H-11).
    pub fn read(body: &Value) -> Self {
        let authorization = body.get("authorization");
        let flag =
            |name: &str| authorization.and_then(|a| a.get(name)).and_then(Value::as_bool).unwrap_or(false);
        let discretion = body.get("discretion").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        Self {
            number_on_parcel: flag("number_on_parcel"),
            items_exact: flag("items_exact"),
            authorization_cites: codes(authorization.and_then(|a| a.get("cites"))),
            discretion: discretion.iter().filter_map(DiscretionPoint::read).collect(),
        }
    }
    /// The discretion point of this name.
    pub fn point(&self, name: &str) -> Option<&DiscretionPoint> {
        self.discretion.iter().find(|p| p.point == name)
    }
}

impl DiscretionPoint {
    fn read(row: &Value) -> Option<Self> {
        let bounds = row.get("bounds");
        let bound = |name: &str| bounds.and_then(|b| b.get(name)).and_then(Value::as_u64);
        Some(Self {
            point: row.get("point")?.as_str()?.into(),
            options: row
                .get("options")
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(Value::as_str).map(String::from).collect())
                .unwrap_or_default(),
            fee_bp_max: bound("fee_bp_max"),
            fee_fixed: bound("fee_fixed"),
            amount_min: bound("amount_min"),
            amount_max: bounds.and_then(|b| b.get("amount_max")).and_then(AmountBound::read),
            cites: codes(row.get("cites")),
        })
    }
}

fn codes(list: Option<&Value>) -> Vec<Code> {
    let list = list.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).filter_map(|text| Code::new(text).ok()).collect()
}
