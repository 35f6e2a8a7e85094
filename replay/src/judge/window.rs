//! Windows: anchor, period, last day inclusive, compared with the local date of an act (H-1, H-2, H-3, H-6).

use alloc::vec::Vec;

use super::{Piece, Seen, Trial};
use crate::{
    ids::EventId,
    policy::{Act, Alternative, Anchor, Period, Window},
    time::{Day, When},
};

/// How a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WindowState {
    /// The act came in time, is still to come, or the window has not even started (H-6).
    Held,
    /// Every alternative has ended without the act.
    Failed,
    /// A fact is missing that the order should have: it holds and never denies (H-17).
    Unknown,
}

/// One alternative of a window, for one run of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chance {
    pub alternative: Alternative,
    /// The anchor's local date and event.
    pub anchor: Option<Seen<Day>>,
    /// The period, with the warranty term of the line put in.
    pub period: Option<Period>,
    pub last_day: Option<Day>,
    /// The local date of the act, and its event.
    pub act: Option<Seen<Day>>,
}

/// A window for one run of units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowJudgement {
    pub state: WindowState,
    /// The later of the last days; `None` while one of them is unknown.
    pub last_day: Option<Day>,
    pub chances: Vec<Chance>,
}

#[derive(PartialEq)]
enum Came {
    InTime,
    Late,
    NotYet,
    NotStarted,
    Unknown,
}

impl Trial<'_> {
    /// Every window of the policy for a run of units.
    pub(super) fn windows(&self, piece: &Piece<'_>) -> Vec<WindowJudgement> {
        self.policy.windows.iter().map(|window| self.window(piece, window)).collect()
    }

    fn window(&self, piece: &Piece<'_>, window: &Window) -> WindowJudgement {
        let chances: Vec<Chance> = window.any.iter().map(|a| self.chance(piece, a)).collect();
        let came: Vec<Came> = chances.iter().map(came).collect();
        let state = if came.contains(&Came::InTime) || came.contains(&Came::NotStarted) {
            WindowState::Held
        } else if came.contains(&Came::Unknown) {
            WindowState::Unknown
        } else if came.contains(&Came::Late) {
            // Another act of the same window that never came does not keep open what has ended.
            WindowState::Failed
        } else {
            WindowState::Held
        };
        let last_days: Option<Vec<Day>> = chances.iter().map(|c| c.last_day).collect();
        let last_day = last_days.and_then(|days| days.into_iter().max());
        WindowJudgement { state, last_day, chances }
    }

    fn chance(&self, piece: &Piece<'_>, alternative: &Alternative) -> Chance {
        let local = |seen: Seen<When>| Seen { value: seen.value.local_day(), event: seen.event };
        let sale = &self.facts.sale;
        let anchor = match alternative.after {
            Anchor::Delivery => piece.unit.delivered.map(local),
            Anchor::Shipment => piece.unit.shipped.map(local),
            Anchor::Purchase => Some(Seen { value: sale.value.purchased_at.local_day(), event: sale.event }),
            Anchor::Invoice => sale.value.invoiced_on.map(|value| Seen { value, event: sale.event }),
        };
        let term = || piece.line.warranty_term.as_ref().and_then(|term| Period::parse(term.as_str()));
        let period = alternative.within.or_else(term);
        let act = match alternative.act {
            Act::Contact => Some(local(self.facts.contact)),
            Act::ReturnDispatched => piece.unit.returned.map(local),
            Act::AuthorizedInWriting => piece.unit.written.map(local),
        };
        let last_day = anchor.zip(period).and_then(|(anchor, period)| period.last_day(anchor.value));
        Chance { alternative: *alternative, anchor, period, last_day, act }
    }

    /// The event that the sale came in with.
    pub fn sale_event(&self) -> EventId {
        self.facts.sale.event
    }
}

fn came(chance: &Chance) -> Came {
    if chance.period.is_none() {
        return Came::Unknown;
    }
    let Some(last_day) = chance.last_day else {
        return match chance.alternative.after {
            Anchor::Delivery | Anchor::Shipment => Came::NotStarted,
            Anchor::Purchase | Anchor::Invoice => Came::Unknown,
        };
    };
    match chance.act {
        Some(act) if act.value <= last_day => Came::InTime,
        Some(_) => Came::Late,
        None => Came::NotYet,
    }
}
