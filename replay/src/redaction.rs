//! What may become of a personal value, and who may let it go.
//!
//! A verifier sees three states and no fourth: the value opens its commitment, it was redacted with approval, or
//! somebody has tampered. The approval is asked for before a redaction is written and again when it is read.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use crate::{
    audit::Commitment,
    codec::Recorded,
    event::Event,
    ids::{ActorId, Code, EventId, Position},
    seal::PersonalRow,
    time::When,
};

/// Why a redaction counts for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unapproved {
    /// Nobody approved it.
    ApproverIsMissing,
    /// Who carried it out approved it.
    ApproverIsTheActor,
    /// Who asked for it approved it.
    ApproverIsTheRequester,
}
impl Unapproved {
    /// The name in snake case: stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            Unapproved::ApproverIsMissing => "second_person_is_missing",
            Unapproved::ApproverIsTheActor => "second_person_is_the_first",
            Unapproved::ApproverIsTheRequester => "approver_is_the_requester",
        }
    }
}
impl fmt::Display for Unapproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unapproved::ApproverIsMissing => "a second person must approve an erasure",
            Unapproved::ApproverIsTheActor => "the approver is the actor",
            Unapproved::ApproverIsTheRequester => "the approver is the requester",
        })
    }
}

/// Erasing takes two people: whoever approves neither asked for it nor carries it out.
///
/// # Errors
/// The first [`Unapproved`].
pub fn approved(actor: &ActorId, requester: &ActorId, approver: Option<&ActorId>) -> Result<(), Unapproved> {
    match approver {
        None => Err(Unapproved::ApproverIsMissing),
        Some(approver) if approver == actor => Err(Unapproved::ApproverIsTheActor),
        Some(approver) if approver == requester => Err(Unapproved::ApproverIsTheRequester),
        Some(_) => Ok(()),
    }
}

/// One redaction, as far as a value needs to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redaction {
    /// Where it stands in the log.
    pub position: Position,
    /// When it happened.
    pub on: When,
    /// The legal basis.
    pub basis: Code,
    /// Whether two people stand behind it.
    pub approval: Result<(), Unapproved>,
}
impl fmt::Display for Redaction {
    /// What stands in the place of the value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[redacted {}, {}]", self.on.local_day(), self.basis)
    }
}

/// Every value that the log says was erased.
#[derive(Debug, Clone, Default)]
pub struct Redactions {
    targets: BTreeMap<(EventId, String), Redaction>,
}

impl Redactions {
    /// Takes in a redaction; any other event is none. The first approved one counts.
    pub fn take(&mut self, recorded: &Recorded) {
        let Event::PersonalDataRedacted(r) = &recorded.event else { return };
        let e = &recorded.envelope;
        let redaction = Redaction {
            position: e.position,
            on: e.effective,
            basis: r.basis.clone(),
            approval: approved(&e.actor, &r.requester, e.approver.as_ref()),
        };
        for target in &r.targets {
            let key = (target.event, target.path.to_string());
            let counts = self.targets.get(&key).is_some_and(|earlier| earlier.approval.is_ok());
            if !counts {
                self.targets.insert(key, redaction.clone());
            }
        }
    }
    /// The redaction of one value.
    pub fn of(&self, event: EventId, path: &str) -> Option<&Redaction> {
        self.targets.get(&(event, path.into()))
    }
    /// The redactions among the values of one event, with their paths.
    pub fn of_event(&self, event: EventId) -> impl Iterator<Item = (&str, &Redaction)> {
        let values = self.targets.range((event, String::new())..);
        values.take_while(move |((of, _), _)| *of == event).map(|((_, path), r)| (path.as_str(), r))
    }
    /// Every value with its redaction.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, &str, &Redaction)> {
        self.targets.iter().map(|((event, path), r)| (*event, path.as_str(), r))
    }
    /// Whether nothing was ever erased.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }
}

/// The three states of a personal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing<'a> {
    /// It is there and opens its commitment.
    Opens,
    /// It was erased, and two people stand behind that.
    Redacted(&'a Redaction),
    /// Neither of both.
    Tampered(Tampering),
}

/// How a personal value and the log contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tampering {
    /// The value is not the one that was committed to.
    Another,
    /// There is no value, and no redaction says so.
    Gone,
    /// There is a value, although this redaction says it is gone.
    StillThere(Position),
    /// There is no value, and the redaction that says so has no approval.
    Unapproved(Position, Unapproved),
}
impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Tampering::Another => f.write_str("the value is not the one committed to"),
            Tampering::Gone => f.write_str("the value is gone without a redaction"),
            Tampering::StillThere(at) => {
                write!(f, "the value is still there, although it was redacted at position {at}")
            }
            Tampering::Unapproved(at, why) => {
                write!(f, "the value is gone, and its redaction at position {at} does not count: {why}")
            }
        }
    }
}

/// In which of the three states a value is.
pub fn standing<'a>(
    commitment: &Commitment,
    value: Option<&PersonalRow>,
    redaction: Option<&'a Redaction>,
) -> Standing<'a> {
    match (value, redaction) {
        (Some(_), Some(r)) if r.approval.is_ok() => Standing::Tampered(Tampering::StillThere(r.position)),
        (Some(row), _) if row.path == commitment.path && row.opens(&commitment.hash) => Standing::Opens,
        (Some(_), _) => Standing::Tampered(Tampering::Another),
        (None, Some(r)) => match r.approval {
            Ok(()) => Standing::Redacted(r),
            Err(why) => Standing::Tampered(Tampering::Unapproved(r.position, why)),
        },
        (None, None) => Standing::Tampered(Tampering::Gone),
    }
}

/// Every commitment of an event with the state of its value.
pub fn standings<'a>(
    recorded: &mut Recorded,
    values: &[PersonalRow],
    redactions: &'a Redactions,
) -> Vec<(Commitment, Standing<'a>)> {
    let id = recorded.envelope.event_id;
    let found = crate::audit::commitments_of(recorded.envelope.position.get(), &mut recorded.event);
    let state = |c: Commitment| {
        let value = values.iter().find(|row| row.path == c.path);
        let standing = standing(&c, value, redactions.of(id, &c.path));
        (c, standing)
    };
    found.into_iter().map(state).collect()
}
