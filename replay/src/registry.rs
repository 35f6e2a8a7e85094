//! What the ledger stream says: policies, calendars, people and their limits.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use crate::{
    codec::Recorded,
    event::Event,
    history::Cut,
    ids::{ActorId, Code, PolicyId, Position, Revision},
    merkle::Hash,
    money::{Amount, Currency},
    policy::Policy,
    time::{Day, Instant, When},
};

/// The state of the ledger stream.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    policies: BTreeMap<PolicyId, Vec<Version>>,
    calendars: BTreeMap<Code, BTreeMap<u16, Year>>,
    actors: BTreeMap<ActorId, Vec<Code>>,
    limits: BTreeMap<(Code, Code, Currency), Amount>,
    retention: BTreeMap<Code, Retention>,
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
    /// When the ledger learned it; what is asked as known earlier does not see it.
    pub recorded_at: Instant,
    /// Its rows, ready to judge by.
    pub policy: Arc<Policy>,
}

/// How long personal values of one name are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retention {
    /// Days after the last thing that happened on their case.
    pub days: u32,
    /// The legal basis on which they are erased then.
    pub basis: Code,
}

/// What the retention of all other personal values is called.
pub const ANY: &str = "any";

/// The holidays of one calendar in one year.
#[derive(Debug, Clone)]
pub struct Year {
    /// Public holidays, weekends included or not.
    pub holidays: BTreeSet<Day>,
    /// Where the list comes from.
    pub source: String,
    /// Where it was published.
    pub position: Position,
    /// When the ledger learned it.
    pub recorded_at: Instant,
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
    /// The version in force on the day of a purchase, as far as the ledger knew it under this cut.
    pub fn governing_under(&self, policy: &PolicyId, purchased: When, cut: &Cut) -> Option<&Version> {
        let day = purchased.local_day();
        let known = |v: &&Version| v.effective_from <= day && cut.sees(v.position, v.recorded_at);
        self.versions(policy).iter().rev().find(known)
    }
    /// Every calendar with its years.
    pub fn calendars(&self) -> impl Iterator<Item = (&Code, &BTreeMap<u16, Year>)> {
        self.calendars.iter()
    }
    /// One year of one calendar, as far as the ledger knew it under this cut.
    pub fn year_under(&self, calendar: &Code, year: u16, cut: &Cut) -> Option<&Year> {
        self.calendars.get(calendar)?.get(&year).filter(|y| cut.sees(y.position, y.recorded_at))
    }
    /// The largest amount a role may move with one act of this kind.
    pub fn limit(&self, role: &Code, act: &Code, currency: Currency) -> Option<Amount> {
        self.limits.get(&(role.clone(), act.clone(), currency)).copied()
    }
    /// Roles of an actor; `None` for an actor nobody registered.
    pub fn roles(&self, actor: &ActorId) -> Option<&[Code]> {
        self.actors.get(actor).map(Vec::as_slice)
    }

    /// How long values at this path are kept: by the name of the field, or as all others are.
    pub fn retention(&self, path: &str) -> Option<&Retention> {
        let last = path.rsplit('.').next().unwrap_or(path);
        let name = last.split('[').next().unwrap_or(last);
        let of = |name: &str| self.retention.iter().find(|(what, _)| what.as_str() == name);
        of(name).or_else(|| of(ANY)).map(|(_, retention)| retention)
    }
    /// Every retention that is set.
    pub fn retentions(&self) -> &BTreeMap<Code, Retention> {
        &self.retention
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
                if self.calendars.get(&c.calendar).is_some_and(|years| years.contains_key(&c.year)) =>
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
        self.take(&recorded.event, recorded.envelope.position, recorded.envelope.recorded_at);
        Ok(())
    }

    /// Takes in an event without its place in the stream: refusals and seals, which no rule asks for, may
    /// have been left out of what is handed in.
    pub fn take(&mut self, event: &Event, position: Position, recorded_at: Instant) {
        match event {
            Event::PolicyPublished(p) => self.policies.entry(p.policy.clone()).or_default().push(Version {
                version: p.version,
                name: p.name.as_str().into(),
                effective_from: p.effective_from,
                sha256: p.sha256,
                position,
                recorded_at,
                policy: Arc::new(Policy::read(&p.body).0),
            }),
            Event::CalendarPublished(c) => {
                let year = Year {
                    holidays: c.holidays.iter().copied().collect(),
                    source: c.source.as_str().into(),
                    position,
                    recorded_at,
                };
                self.calendars.entry(c.calendar.clone()).or_default().insert(c.year, year);
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
            Event::RetentionSet(r) => {
                let kept = Retention { days: r.days, basis: r.basis.clone() };
                self.retention.insert(r.what.clone(), kept);
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
