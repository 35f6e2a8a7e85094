//! Suppositions: what would be judged if a fact came in. Nothing of it is ever recorded.

use alloc::{boxed::Box, vec::Vec};

use super::{Facts, Seen, UnitFacts};
use crate::{
    event::{Defect, Packaging, Remedy},
    ids::{Code, Word},
    units::Units,
};

/// A decision that has not been made yet: what would be judged if it were.
#[derive(Debug, Clone)]
pub struct Supposed {
    pub units: Units,
    pub remedy: Remedy,
    /// Only these units count for the waterfall, as far as they are eligible.
    pub only: Units,
}

/// A fact that is not on record yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assumption {
    /// A piece of evidence comes in, or is found wanting.
    Evidence(Code, bool),
    /// Units that nobody has looked at come in and are found like this.
    Inspection(Box<Findings>),
    /// The data of the device are looked at.
    Connectivity { transmitted: bool, sold_not_removed: bool, ownership_changed: bool },
    /// A person decides at a point, in favour or not.
    Decision { point: Code, accept: bool },
}

/// What an inspection could find.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    pub installed: bool,
    pub packaging: Packaging,
    pub same_condition: bool,
    pub altered: bool,
    pub sealed: bool,
    pub accessories_missing: Vec<Word>,
    pub defect: Defect,
    pub on_arrival: bool,
    pub cause: Code,
}

impl Facts<'_> {
    /// Puts a decision that is not on record yet in the place of what was decided or selected.
    pub(super) fn suppose(&mut self, supposed: &Supposed) {
        let event = self.opened.event;
        self.units.update(&supposed.units, |u| u.remedy = Some(Seen { value: supposed.remedy, event }));
    }

    /// Takes in a fact as if it were on record; its event is that of the opening, which is nobody's proof.
    pub(super) fn assume(&mut self, assumption: &Assumption) {
        let event = self.opened.event;
        let flag = |value| Some(Seen { value, event });
        match assumption {
            Assumption::Evidence(kind, value) => {
                self.evidence.insert(kind.clone(), Seen { value: *value, event });
            }
            Assumption::Inspection(found) => {
                let at = self.opened.value;
                let waiting = self.units.units_where(|u| u.inspected.is_none());
                self.units.update(&waiting, |u: &mut UnitFacts| {
                    u.returned.get_or_insert(Seen { value: at, event });
                    u.received.get_or_insert(Seen { value: at, event });
                    u.inspected = Some(event);
                    u.installed = flag(found.installed);
                    u.packaging = Some(Seen { value: found.packaging, event });
                    u.same_condition = flag(found.same_condition);
                    u.altered = flag(found.altered);
                    u.sealed = flag(found.sealed);
                    u.accessories_missing = Some(Seen { value: found.accessories_missing.clone(), event });
                    u.damage = Some(Seen { value: Vec::new(), event });
                    u.defect = Some(Seen { value: found.defect, event });
                    u.on_arrival = flag(found.on_arrival);
                    u.cause = Some(Seen { value: found.cause.clone(), event });
                });
            }
            Assumption::Connectivity { transmitted, sold_not_removed, ownership_changed } => {
                let units = self.units.units();
                self.units.update(&units, |u| {
                    u.device.assessed = Some(event);
                    u.device.transmitted = flag(*transmitted);
                    u.device.sold_not_removed = flag(*sold_not_removed);
                    u.device.ownership_changed = flag(*ownership_changed);
                });
            }
            Assumption::Decision { point, accept } => {
                let word = if *accept { "accept" } else { "deny" };
                if let Ok(decision) = Code::new(word) {
                    self.discretion.push(super::DiscretionFact {
                        point: point.clone(),
                        decision,
                        value: None,
                        units: None,
                        fee_bp: None,
                        minor: Some(0),
                        event,
                    });
                }
            }
        }
    }
}
