//! Sides of windows, rights, requirements, variants and the risk of loss.

use replay::{
    event::{Basis, Event, Party, UnitStatus},
    judge::{Outcome, WindowState},
    policy::{OnFail, Truth},
};

use super::{Sight, within};

/// A unit in which nothing was found, judged by this row; a unit whose fault was confirmed.
pub fn no_fault(s: &Sight<'_>) -> [bool; 2] {
    let Some(rule) = &s.policy().no_fault else { return [false; 2] };
    let nothing =
        |u: &replay::judge::UnitJudgement| u.basis == Basis::NoFault && within(&rule.cites, &u.cites);
    let found = s
        .units()
        .any(|(piece, u)| piece.unit.inspected.is_some() && matches!(u.basis, Basis::Defect | Basis::Doa));
    [s.judged.units.iter().any(nothing), found]
}

/// The act came by the last day; every alternative ended without it. A window that has not started shows neither.
pub fn window(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let of_a_right = s.policy().entitlements.iter().any(|e| e.windows.contains(&at));
    let mut seen = [false; 2];
    for unit in s.judged.units.iter().filter(|u| !of_a_right || u.applied.contains(&at)) {
        let Some(window) = unit.windows.get(at) else { continue };
        seen[0] |= window
            .chances
            .iter()
            .any(|c| c.act.zip(c.last_day).is_some_and(|(act, last_day)| act.value <= last_day));
        seen[1] |= window.state == WindowState::Failed;
    }
    seen
}

/// A unit gets a remedy of this row; a unit that it is about, or whose remedy it would give, does not.
pub fn entitlement(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().entitlements.get(at) else { return [false; 2] };
    let mut seen = [false; 2];
    for unit in &s.judged.units {
        let truth = unit.entitlements.iter().find(|(other, _)| *other == at).map(|(_, truth)| *truth);
        let gets = unit.remedy.is_some_and(|remedy| row.remedies.contains(&remedy));
        let ineligible = unit.status == UnitStatus::Ineligible;
        seen[0] |= truth == Some(Truth::True) && gets && !ineligible;
        seen[1] |= truth == Some(Truth::False);
        // Others have this right, this unit does not.
        seen[1] |= truth.is_none() && ineligible && gets && within(&row.cites, &unit.cites);
    }
    seen
}

/// It holds; it is known not to hold or, where an unknown fact is reason enough to wait, not known to hold.
pub fn requirement(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().requirements.get(at) else { return [false; 2] };
    if matches!(row.on_fail, OnFail::RefuseParcel | OnFail::RefuseItem) {
        return dock(s, &row.cites);
    }
    let waits = matches!(row.on_fail, OnFail::Hold | OnFail::Note);
    let mut seen = [false; 2];
    for asked in s.judged.units.iter().flat_map(|u| &u.asked).filter(|asked| asked.row == at) {
        seen[0] |= asked.truth == Truth::True;
        seen[1] |= match asked.truth {
            Truth::False => asked.outcome != Outcome::Passes,
            Truth::Unknown => waits && asked.outcome != Outcome::Passes,
            Truth::True => false,
        };
    }
    seen
}

/// A parcel was taken in; one was refused under this row.
fn dock(s: &Sight<'_>, cites: &replay::policy::Cites) -> [bool; 2] {
    let own = s.policy().ids(cites);
    let mut seen = [false; 2];
    for event in s.standing() {
        match &*event.event {
            Event::ParcelReceived(_) => seen[0] = true,
            Event::ParcelRefused(p) => seen[1] |= own.iter().all(|id| p.cites.contains(id)),
            _ => {}
        }
    }
    seen
}

/// New or refurbished by the window: inside it, after it.
pub fn variant(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().variants.get(at) else { return [false; 2] };
    let mut seen = [false; 2];
    for unit in s.judged.units.iter().filter(|u| u.variant.is_some() && u.remedy == Some(row.remedy)) {
        let held = unit.windows.get(row.window).is_some_and(|w| w.state == WindowState::Held);
        seen[usize::from(!held)] = true;
    }
    seen
}

/// A loss that the customer bears; one that the merchant bears or, where the row says nothing of that, an arrival.
pub fn risk(s: &Sight<'_>) -> [bool; 2] {
    let Some(risk) = &s.policy().risk else { return [false; 2] };
    let mut seen = [false; 2];
    for (piece, unit) in s.units() {
        let lost = piece.unit.lost_on_the_way.or(piece.unit.lost_in_custody);
        let by_this_row = lost.is_some() && within(&risk.cites, &unit.cites);
        seen[0] |= by_this_row && unit.status == UnitStatus::Ineligible;
        seen[1] |= by_this_row && unit.status != UnitStatus::Ineligible;
        seen[1] |= risk.after_received != Some(Party::Merchant) && piece.unit.received.is_some();
    }
    seen
}
