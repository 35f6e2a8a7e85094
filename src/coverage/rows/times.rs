//! Sides of authorizations, traces, clocks, duties to inform, and of what is left to a person.

use replay::{
    event::Event,
    judge::{Clock, ClockState},
    time::Instant,
};

use super::Sight;

/// Goods are asked back; that was refused or withdrawn, or they came without it.
pub fn authorization(s: &Sight<'_>) -> [bool; 2] {
    let mut seen = [false; 2];
    let mut came = false;
    for event in s.standing() {
        match &*event.event {
            Event::AuthorizationGranted(_) => seen[0] = true,
            Event::AuthorizationDenied(_)
            | Event::AuthorizationVoided(_)
            | Event::AuthorizationExpired(_)
            | Event::ParcelRefused(_) => seen[1] = true,
            Event::ParcelReceived(_) => came = true,
            _ => {}
        }
    }
    seen[1] |= (came && !seen[0]) || s.was_refused("authorization_granted", |_| true);
    seen
}

/// A trace is opened with every step attested; with one left out.
pub fn refund_trace(s: &Sight<'_>) -> [bool; 2] {
    let Some(row) = &s.policy().refund_trace else { return [false; 2] };
    let mut seen = [false; 2];
    for event in s.standing() {
        if let Event::RefundTraceOpened(trace) = &*event.event {
            let all = row.attest.iter().all(|step| trace.attested.contains(step));
            seen[usize::from(!all)] = true;
        }
    }
    seen
}

/// Done in time; late, or still to be done.
pub fn sla(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let of_order = s.order.map(|order| order.clocks.as_slice()).unwrap_or_default();
    let clocks = s.judged.clocks.iter().chain(of_order).filter(|clock| clock.sla == at);
    self::clocks(clocks, s.now)
}

/// The sides that some clocks show at a moment.
pub fn clocks<'c>(clocks: impl Iterator<Item = &'c Clock>, now: Instant) -> [bool; 2] {
    clocks.fold([false; 2], |[met, not], clock| {
        let is_met = clock.state(now) == ClockState::Met;
        [met || is_met, not || !is_met]
    })
}

/// What had to be told was told; it was not.
pub fn notice(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().notices.get(at) else { return [false; 2] };
    let of_order = s.order.map(|order| order.missing_notices.as_slice()).unwrap_or_default();
    let missing = s.judged.missing_notices.iter().chain(of_order).any(|m| m.notice == at);
    [s.has_signal(&row.on) && !missing, missing]
}

/// A person decides in favour; decides against it, wants more than the bounds allow, or is waited for.
pub fn discretion(s: &Sight<'_>, at: usize) -> [bool; 2] {
    let Some(row) = s.policy().discretion.get(at) else { return [false; 2] };
    let own = s.trial.facts.discretion.iter().filter(|d| d.point.as_str() == row.point);
    let mut seen = own.fold([false; 2], |[used, not], d| [used || d.accepts(), not || !d.accepts()]);
    seen[1] |= s.judged.units.iter().any(|u| u.points.iter().any(|p| p.as_str() == row.point));
    seen[1] |= s.refused.iter().any(|r| r.name.as_deref() == Some(row.point.as_str()));
    seen
}
