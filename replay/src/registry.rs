//! What the ledger stream says: policies, calendars, people and their limits.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use core::fmt;

use crate::{
    codec::Recorded,
    duty,
    event::{Event, SigningKeyAnnounced},
    evidence::note::VerifierKey,
    history::Cut,
    ids::{ActorId, Code, PolicyId, Position, Revision},
    merkle::Hash,
    money::{Amount, Currency},
    period::Periods,
    policy::Policy,
    time::{Day, Instant, Month, When},
};

/// The state of the ledger stream.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    policies: BTreeMap<PolicyId, Vec<Version>>,
    calendars: BTreeMap<Code, BTreeMap<u16, Year>>,
    actors: BTreeMap<ActorId, Vec<Code>>,
    limits: BTreeMap<(Code, Code, Currency), Amount>,
    /// How many people may grant roles. From the first one on, the ledger is governed.
    admins: usize,
    periods: Periods,
    retention: BTreeMap<Code, Retention>,
    /// Keys that sign the heads of the log, as they came after each other; the last one signs.
    signing_keys: Vec<VerifierKey>,
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
    /// Nobody would be left who may grant roles.
    LastAdminStays,
    /// A program holds no role of people, and nobody holds a program's.
    SystemIsNoPerson,
    /// The act moves no money, so nobody would ever ask for its limit.
    ActHasNoAmount {
        /// The word.
        act: Code,
    },
    /// The month is sealed.
    PeriodIsSealed {
        /// The month.
        month: Month,
    },
    /// The month is open.
    PeriodIsNotSealed {
        /// The month.
        month: Month,
    },
    /// The month is not over where it is sealed.
    PeriodIsNotOver {
        /// The month.
        month: Month,
    },
    /// Another key signs than the one that is to be replaced.
    AnotherKeySigns {
        /// The one that signs now.
        key: String,
    },
    /// No key signs that could be replaced.
    NoKeySigns,
    /// The key was announced before; a key that was replaced does not come back.
    KeyWasAnnouncedBefore,
}

impl RegistryFault {
    /// The name in snake case: stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            RegistryFault::Gap { .. } => "revision_is_not_the_next",
            RegistryFault::PolicyVersionIsNotTheNext { .. } => "policy_version_is_not_the_next",
            RegistryFault::PolicyBeginsBeforeItsPredecessor { .. } => "policy_begins_before_its_predecessor",
            RegistryFault::CalendarYearIsPublished => "calendar_year_is_published",
            RegistryFault::LastAdminStays => "last_admin_stays",
            RegistryFault::SystemIsNoPerson => "system_is_no_person",
            RegistryFault::ActHasNoAmount { .. } => "act_has_no_amount",
            RegistryFault::PeriodIsSealed { .. } => "period_is_sealed",
            RegistryFault::PeriodIsNotSealed { .. } => "period_is_not_sealed",
            RegistryFault::PeriodIsNotOver { .. } => "period_is_not_over",
            RegistryFault::AnotherKeySigns { .. } => "another_key_signs",
            RegistryFault::NoKeySigns => "no_key_signs",
            RegistryFault::KeyWasAnnouncedBefore => "key_was_announced_before",
        }
    }
    /// What to do about it.
    pub fn hint(&self) -> String {
        let text = match self {
            RegistryFault::PolicyVersionIsNotTheNext { due } => {
                return format!("set version = {due} in the policy file");
            }
            RegistryFault::Gap { .. }
            | RegistryFault::PolicyBeginsBeforeItsPredecessor { .. }
            | RegistryFault::CalendarYearIsPublished => "claims policy list shows what is published",
            RegistryFault::LastAdminStays => "let somebody else be admin first: claims grant WHO admin",
            RegistryFault::SystemIsNoPerson => "give the program an id of its own",
            RegistryFault::ActHasNoAmount { .. } => {
                let acts: Vec<&str> = duty::LIMITED.iter().map(|kind| kind.as_str()).collect();
                return format!("limit one of {}", acts.join(", "));
            }
            RegistryFault::PeriodIsSealed { .. } => {
                "what is learned later is posted into the next open month; claims reopen-month opens a sealed one"
            }
            RegistryFault::PeriodIsNotSealed { .. } => "claims periods shows which months are sealed",
            RegistryFault::PeriodIsNotOver { .. } => "seal it when its last day has passed",
            RegistryFault::AnotherKeySigns { .. } => {
                "say what becomes of it: --replaces OLD.key, --lost or --exposed; claims key list shows the keys"
            }
            RegistryFault::NoKeySigns => "announce the key that signed until now first, or the new one alone",
            RegistryFault::KeyWasAnnouncedBefore => "claims key new makes another",
        };
        text.into()
    }
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
            RegistryFault::LastAdminStays => f.write_str("nobody would be left who may grant roles"),
            RegistryFault::SystemIsNoPerson => {
                f.write_str("a program holds no role of people, and nobody holds a program's")
            }
            RegistryFault::ActHasNoAmount { act } => write!(f, "{act} moves no money that could be limited"),
            RegistryFault::PeriodIsSealed { month } => write!(f, "{month} is sealed"),
            RegistryFault::PeriodIsNotSealed { month } => write!(f, "{month} is not sealed"),
            RegistryFault::PeriodIsNotOver { month } => write!(f, "{month} is not over"),
            RegistryFault::AnotherKeySigns { key } => write!(f, "the key that signs is {key}"),
            RegistryFault::NoKeySigns => f.write_str("no key is on record that could be replaced"),
            RegistryFault::KeyWasAnnouncedBefore => f.write_str("this key was announced before"),
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
    /// The most that one person alone may move by this act.
    pub fn one_person_limit(&self, act: &Code, currency: Currency) -> Option<Amount> {
        self.limit(&Code::new(duty::ONE_PERSON).ok()?, act, currency)
    }
    /// Whether any limit was ever set.
    pub fn has_limits(&self) -> bool {
        !self.limits.is_empty()
    }
    /// Every limit, by role and act.
    pub fn limits(&self) -> impl Iterator<Item = (&Code, &Code, Amount)> {
        self.limits.iter().map(|((role, act, _), amount)| (role, act, *amount))
    }
    /// Whether somebody is admin: then roles are held, no longer claimed.
    pub fn is_governed(&self) -> bool {
        self.admins > 0
    }
    /// Everybody who was registered or granted a role, with the roles they hold.
    pub fn actors(&self) -> impl Iterator<Item = (&ActorId, &[Code])> {
        self.actors.iter().map(|(actor, roles)| (actor, roles.as_slice()))
    }
    /// Which months are sealed.
    pub fn periods(&self) -> &Periods {
        &self.periods
    }
    /// Roles of an actor; `None` for an actor nobody registered.
    pub fn roles(&self, actor: &ActorId) -> Option<&[Code]> {
        self.actors.get(actor).map(Vec::as_slice)
    }

    /// The key that signs the heads of the log, once one was announced.
    pub fn signing_key(&self) -> Option<&VerifierKey> {
        self.signing_keys.last()
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
    pub fn check(&self, event: &Event, when: When) -> Result<(), RegistryFault> {
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
            Event::RoleGranted(g) => {
                let held = self.roles(&g.actor).unwrap_or_default();
                let is_system = |role: &Code| role.as_str() == duty::SYSTEM;
                let mixed = held.iter().any(|role| is_system(role) != is_system(&g.role));
                if mixed { Err(RegistryFault::SystemIsNoPerson) } else { Ok(()) }
            }
            Event::RoleRevoked(g) if self.admins == 1 && self.is_admin(&g.actor) && is_admin(&g.role) => {
                Err(RegistryFault::LastAdminStays)
            }
            Event::LimitSet(l) if !duty::LIMITED.iter().any(|kind| kind.as_str() == l.act.as_str()) => {
                Err(RegistryFault::ActHasNoAmount { act: l.act.clone() })
            }
            Event::PeriodClosed(p) => match Month::parse(&p.period) {
                Ok(month) if self.periods.is_closed_now(month) => {
                    Err(RegistryFault::PeriodIsSealed { month })
                }
                Ok(month) if when.local_day().month() <= month => {
                    Err(RegistryFault::PeriodIsNotOver { month })
                }
                _ => Ok(()),
            },
            Event::PeriodReopened(p) => match Month::parse(&p.period) {
                Ok(month) if !self.periods.is_closed_now(month) => {
                    Err(RegistryFault::PeriodIsNotSealed { month })
                }
                _ => Ok(()),
            },
            Event::SigningKeyAnnounced(a) => self.check_key(a),
            _ => Ok(()),
        }
    }

    fn check_key(&self, announced: &SigningKeyAnnounced) -> Result<(), RegistryFault> {
        let signs = self.signing_key().map(ToString::to_string);
        match (signs, &announced.replaces) {
            (Some(key), old) if old.as_ref() != Some(&key) => Err(RegistryFault::AnotherKeySigns { key }),
            (None, Some(_)) => Err(RegistryFault::NoKeySigns),
            _ if self.signing_keys.iter().any(|known| known.to_string() == announced.key) => {
                Err(RegistryFault::KeyWasAnnouncedBefore)
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
        self.check(&recorded.event, recorded.envelope.effective)?;
        self.revision = Some(due);
        self.take(&recorded.event, recorded.envelope.position, recorded.envelope.recorded_at);
        Ok(())
    }

    /// Takes in an event without its place in the stream: refusals and seals, which no rule asks for, may
    /// have been left out of what is handed in.
    pub fn take(&mut self, event: &Event, position: Position, recorded_at: Instant) {
        self.periods.apply(position, event);
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
                    self.admins = self.admins.saturating_add(usize::from(is_admin(&g.role)));
                }
            }
            Event::RoleRevoked(g) => {
                if let Some(roles) = self.actors.get_mut(&g.actor)
                    && roles.contains(&g.role)
                {
                    roles.retain(|r| *r != g.role);
                    self.admins = self.admins.saturating_sub(usize::from(is_admin(&g.role)));
                }
            }
            Event::LimitSet(l) => {
                self.limits.insert((l.role.clone(), l.act.clone(), l.amount.currency()), l.amount);
            }
            Event::RetentionSet(r) => {
                let kept = Retention { days: r.days, basis: r.basis.clone() };
                self.retention.insert(r.what.clone(), kept);
            }
            Event::SigningKeyAnnounced(a) => self.signing_keys.extend(a.key.parse()),
            // Refusals, redactions and seals move nothing here.
            _ => {}
        }
    }
    fn is_admin(&self, actor: &ActorId) -> bool {
        self.roles(actor).is_some_and(|roles| roles.iter().any(is_admin))
    }
    /// Sets the revision when events that no rule asks for were left out.
    pub fn set_revision(&mut self, revision: Option<Revision>) {
        self.revision = revision;
    }
}

fn is_admin(role: &Code) -> bool {
    role.as_str() == duty::ADMIN
}
