//! The law of the log: what must hold of every event, whoever wrote it and whatever the rules of the day.
//!
//! `decide` asks it before anything is written, `case` asks it again on replay: the same function on both
//! sides of the disk. A breach is a refusal there and a broken log here.

mod breach;

pub use breach::Breach;

use alloc::{borrow::Cow, format, string::String};

use crate::{
    case::Case,
    claim::{Claim, ClaimState, CreditStatus, is_goodwill},
    event::{Event, EventCorrected, RemedyDecided},
    history::{Cut, History, corrected},
    ids::{ClaimId, EventId, RefundId, Stream},
    money::{Amount, Currency},
    order::OrderState,
    time::When,
    units::Units,
};

/// Most events one stream may hold.
pub const STREAM_EVENTS_MAX: u64 = 10_000;

/// Whether `event`, effective at `when`, may follow in `stream` of this case.
///
/// # Errors
/// The first [`Breach`].
pub fn check(case: &Case, stream: &Stream, event: &Event, when: When) -> Result<(), Breach> {
    check_promised(case, stream, event, when, 0)
}

/// As [`check`], when a decision that owes so much more is about to be recorded just before the event.
///
/// # Errors
/// The first [`Breach`].
pub fn check_promised(
    case: &Case,
    stream: &Stream,
    event: &Event,
    when: When,
    promised_minor: u64,
) -> Result<(), Breach> {
    match stream {
        Stream::Ledger => Ok(()),
        Stream::Order(_) => check_order(case, event, when),
        Stream::Claim(id) => check_claim(case, id, event, when, promised_minor),
    }
}

fn check_order(case: &Case, event: &Event, when: When) -> Result<(), Breach> {
    let begins = matches!(event, Event::OrderRecorded(_));
    let Some(order) = &case.order else {
        return if begins { Ok(()) } else { Err(Breach::StreamBeginsWith("order_recorded")) };
    };
    if begins {
        return Err(Breach::StreamHasBegun);
    }
    room(order.history.revision().map_or(0, |r| r.get()))?;
    let Some(state) = case.order_state() else { return Err(Breach::OrderIsNotOnRecord) };
    not_before(state, when)?;
    match event {
        Event::PaymentCaptured(p) => same_currency(state, &p.amount),
        Event::ShipmentDispatched(d) => d.units.as_ref().map_or(Ok(()), |units| sold(state, units)),
        Event::EventCorrected(c) => {
            c.effective_at.map_or(Ok(()), |at| not_before(state, at))?;
            fits(&*amendable(&order.history, c.target)?, c).map(|_| ())
        }
        Event::EventReversed(r) => reversal(&order.history, r.target),
        _ => Ok(()),
    }
}

fn check_claim(
    case: &Case,
    id: &ClaimId,
    event: &Event,
    when: When,
    promised_minor: u64,
) -> Result<(), Breach> {
    let claim = case.claims.get(id);
    match (claim, event) {
        (None, Event::HistoricalCreditRecorded(_)) => return Ok(()),
        (None, Event::ClaimOpened(opened)) => {
            let state = case.order_state().ok_or(Breach::OrderIsNotOnRecord)?;
            not_before(state, opened.first_contact_at.unwrap_or(when))?;
            not_before(state, when)?;
            return sold(state, &opened.units);
        }
        (None, _) => return Err(Breach::StreamBeginsWith("claim_opened")),
        (Some(_), Event::HistoricalCreditRecorded(_) | Event::ClaimOpened(_)) => {
            return Err(Breach::StreamHasBegun);
        }
        (Some(_), _) => {}
    }
    let Some(claim) = claim else { return Err(Breach::StreamBeginsWith("claim_opened")) };
    room(claim.history.revision().map_or(0, |r| r.get()))?;
    if let Event::EventReversed(r) = event {
        reversal(&claim.history, r.target)?;
        return case.order_state().map_or(Ok(()), |order| stands_again(case, id, order, r.target));
    }
    let Some(order) = case.order_state() else {
        // A historical credit stands alone: it can be amended, noted on and disputed, nothing else.
        return match event {
            Event::EventCorrected(c) => fits(&*amendable(&claim.history, c.target)?, c).map(|_| ()),
            Event::NoteAdded(_)
            | Event::LegalHoldPlaced(_)
            | Event::LegalHoldReleased(_)
            | Event::ContactLogged(_)
            | Event::DisputeOpened(_)
            | Event::DisputeResolved(_) => Ok(()),
            _ => Err(Breach::OrderIsNotOnRecord),
        };
    };
    not_before(order, when)?;
    let Event::EventCorrected(c) = event else { return on_claim(case, id, order, event, promised_minor) };
    c.effective_at.map_or(Ok(()), |at| not_before(order, at))?;
    // What a correction makes of an event is judged like that event, as if the wrong one had never been.
    match fits(&*amendable(&claim.history, c.target)?, c)? {
        Event::ClaimOpened(opened) => sold(order, &opened.units),
        // Amounts and ids of credits are fixed, so a correction of the rest moves no money.
        right @ (Event::RefundIssued(_) | Event::GiftCreditIssued(_)) => known_units(case, id, order, &right),
        right => on_claim(&case.without(id, c.target), id, order, &right, 0),
    }
}

/// What an event of a claim needs beside its place: units that are there, the order's currency, room for money.
fn on_claim(
    case: &Case,
    id: &ClaimId,
    order: &OrderState,
    event: &Event,
    promised_minor: u64,
) -> Result<(), Breach> {
    known_units(case, id, order, event)?;
    match event {
        Event::RemedyDecided(d) => decision(case, id, order, d),
        Event::RefundIssued(r) => credit(case, id, order, &r.refund, r.amount, promised_minor),
        Event::GiftCreditIssued(g) => credit(case, id, order, &g.credit, g.amount, promised_minor),
        Event::CostRecorded(c) => same_currency(order, c.order_amount.as_ref().unwrap_or(&c.amount)),
        Event::LabelIssued(l) => same_currency(order, &l.cost),
        Event::FeeCharged(c) => same_currency(order, &c.amount),
        Event::CustomerCharged(c) => same_currency(order, &c.amount),
        Event::ChargePaid(c) => same_currency(order, &c.amount),
        Event::ChargebackOpened(c) => {
            let mut states = case.claims.values().filter_map(|claim| claim.state(&Cut::default()));
            if states.any(|state| state.chargebacks.contains_key(&c.psp_ref)) {
                return Err(Breach::ChargebackIsOnRecord);
            }
            same_currency(order, &c.amount)
        }
        Event::DiscretionExercised(d) => {
            d.amount.as_ref().map_or(Ok(()), |amount| same_currency(order, amount))
        }
        _ => Ok(()),
    }
}

fn known_units(case: &Case, id: &ClaimId, order: &OrderState, event: &Event) -> Result<(), Breach> {
    let Some(units) = units_of(event) else { return Ok(()) };
    sold(order, units)?;
    // What is found in a box may belong to another claim of the order; acts may not.
    if matches!(event, Event::ParcelReceived(_) | Event::ParcelRefused(_) | Event::ItemInspected(_)) {
        return Ok(());
    }
    let own = case.claims.get(id).map(Claim::units).unwrap_or_default();
    if units.is_subset(&own) { Ok(()) } else { Err(Breach::UnitsAreNotInTheClaim(units.difference(&own))) }
}

fn room(events: u64) -> Result<(), Breach> {
    if events >= STREAM_EVENTS_MAX { Err(Breach::StreamIsFull) } else { Ok(()) }
}

fn not_before(order: &OrderState, when: When) -> Result<(), Breach> {
    let purchased = order.sale.purchased_at;
    if when.at < purchased.at { Err(Breach::EffectiveBeforeThePurchase { purchased }) } else { Ok(()) }
}

fn sold(order: &OrderState, units: &Units) -> Result<(), Breach> {
    if order.has_sold(units) {
        return Ok(());
    }
    Err(Breach::UnitsAreNotInTheOrder(units.difference(&order.units())))
}

fn same_currency(order: &OrderState, amount: &Amount) -> Result<(), Breach> {
    let (order, found) = (order.currency(), amount.currency());
    if order == found { Ok(()) } else { Err(Breach::CurrencyDiffers { order, found }) }
}

/// The units an event acts on, where it names any.
fn units_of(event: &Event) -> Option<&Units> {
    match event {
        Event::ShipmentDispatched(e) => e.units.as_ref(),
        Event::AuthorizationGranted(e) => Some(&e.units),
        Event::AuthorizationDenied(e) => e.units.as_ref(),
        Event::ParcelReceived(e) => Some(&e.units),
        Event::ParcelRefused(e) => e.units.as_ref(),
        Event::ItemInspected(e) => Some(&e.units),
        Event::ItemLostInCustody(e) => Some(&e.units),
        Event::DispositionRecorded(e) => Some(&e.units),
        Event::RemedySelected(e) => e.units.as_ref(),
        Event::RemedyDecided(e) => Some(&e.units),
        Event::RemedyFailed(e) => e.units.as_ref(),
        Event::RepairCompleted(e) => Some(&e.units),
        Event::RepairShipped(e) => Some(&e.units),
        Event::SparePartsSent(e) => Some(&e.units),
        Event::ReplacementShipped(e) => Some(&e.units),
        Event::ReplacementDelivered(e) => Some(&e.units),
        Event::CostRecorded(e) => e.units.as_ref(),
        Event::DiscretionExercised(e) => e.units.as_ref(),
        Event::RefundIssued(e) => e.units.as_ref(),
        _ => None,
    }
}

/// A decision about money gives at most what was taken for its units, and no unit is paid for twice.
fn decision(case: &Case, id: &ClaimId, order: &OrderState, d: &RemedyDecided) -> Result<(), Breach> {
    let own = case.claims.get(id).and_then(|c| c.state(&Cut::default()));
    for earlier in own.iter().flat_map(|s| &s.decisions) {
        let shared = earlier.units.intersection(&d.units);
        if !shared.is_empty() && !earlier.units.is_subset(&d.units) {
            return Err(Breach::DecisionSplitsAnEarlierOne(earlier.units.clone()));
        }
    }
    // Money beside goods is money: costs are repaid in the order's currency, and there is a cap on them.
    if let Some(entitlement) = &d.entitlement {
        same_currency(order, entitlement)?;
        let cap = decision_cap(order, own.as_ref(), &d.units)?;
        if entitlement.minor() > cap.minor() {
            return Err(Breach::DecisionExceedsTheCapture { cap });
        }
    }
    if !d.remedy.pays_money() {
        return Ok(());
    }
    for (other, claim) in case.claims.iter().filter(|(other, _)| *other != id) {
        let Some(state) = claim.state(&Cut::default()) else { continue };
        for decision in state.decisions.iter().filter(|d| d.remedy.pays_money()) {
            let shared = decision.units.intersection(&d.units);
            if !shared.is_empty() {
                return Err(Breach::UnitsAreDecidedInAnotherClaim(other.clone(), shared));
            }
        }
    }
    Ok(())
}

/// What was captured for the units, the order's shipping, and what the customer paid on this claim (H-14).
fn decision_cap(order: &OrderState, own: Option<&ClaimState>, units: &Units) -> Result<Amount, Breach> {
    let value = order.value_minor(units).saturating_add(order.shipping_minor()).min(order.captured_minor);
    let costs = own.map_or(0, ClaimState::customer_costs_minor);
    Ok(amount(value.saturating_add(costs), order.currency()))
}

fn amount(minor: u64, currency: Currency) -> Amount {
    Amount::new(minor.min(crate::money::MINOR_MAX), currency).unwrap_or(Amount::zero(currency))
}

/// A credit is paid once, and never more than is owed or was taken.
fn credit(
    case: &Case,
    id: &ClaimId,
    order: &OrderState,
    refund: &RefundId,
    asked: Amount,
    promised_minor: u64,
) -> Result<(), Breach> {
    same_currency(order, &asked)?;
    let currency = order.currency();
    let mut paid = 0u64;
    let mut room = order.captured_minor;
    let mut own_open = 0u64;
    for (claim_id, claim) in &case.claims {
        let Some(state) = claim.state(&Cut::default()) else { continue };
        // An id is never used again, not even after a failure or a reversal.
        if state.credits.contains_key(refund) {
            return Err(Breach::RefundIdIsUsed(refund.clone()));
        }
        paid = paid.saturating_add(state.credited_minor()).saturating_add(state.charged_back_minor());
        room = room.saturating_add(state.customer_costs_minor()).saturating_add(state.goodwill_minor);
        if claim_id == id {
            own_open = state.owed_minor().saturating_add(promised_minor).saturating_sub(state.got_minor());
        }
    }
    if asked.minor() > own_open {
        return Err(Breach::RefundExceedsTheEntitlement { open: amount(own_open, currency) });
    }
    let left = room.saturating_sub(paid);
    if asked.minor() > left {
        return Err(Breach::RefundExceedsTheCapture { left: amount(left, currency) });
    }
    Ok(())
}

/// What an amendment is about, as earlier corrections have left it: the next correction is worked into that.
/// What an event says for the rules of the day: for a correction, the corrected event.
pub fn judged<'a>(case: &Case, stream: &Stream, event: &'a Event) -> Cow<'a, Event> {
    let Event::EventCorrected(c) = event else { return Cow::Borrowed(event) };
    let history = match stream {
        Stream::Claim(id) => case.claims.get(id).map(|claim| &claim.history),
        Stream::Order(_) => case.order.as_ref().map(|order| &order.history),
        Stream::Ledger => None,
    };
    let right = history.and_then(|h| fits(&*amendable(h, c.target).ok()?, c).ok());
    right.map_or(Cow::Borrowed(event), Cow::Owned)
}

fn amendable(history: &History, target: EventId) -> Result<Cow<'_, Event>, Breach> {
    history.amended(target).ok_or(Breach::TargetIsNotInTheStream(target))
}

/// What may be reversed, once: everything but the beginning of a stream, which others hang on.
fn reversal(history: &History, target: EventId) -> Result<(), Breach> {
    match amendable(history, target)?.as_ref() {
        Event::OrderRecorded(_) => {
            return Err(Breach::TargetCannotBeAmended("an order is corrected, never reversed"));
        }
        // Two people release a hold; a reversal would be a way around the second.
        Event::LegalHoldPlaced(_) | Event::LegalHoldReleased(_) => {
            return Err(Breach::TargetCannotBeAmended(
                "a legal hold is released or placed anew, never amended",
            ));
        }
        Event::ClaimOpened(_) => {
            return Err(Breach::TargetCannotBeAmended(
                "the opening of a claim is not reversed; withdraw the claim",
            ));
        }
        _ => {}
    }
    if history.is_reversed(target) { Err(Breach::TargetIsReversedAlready) } else { Ok(()) }
}

/// Taking back an amendment brings back what it amended: every money decision that then stands is judged as if it
/// were made now, so that no two claims owe for one unit and none owes more than was taken.
fn stands_again(case: &Case, id: &ClaimId, order: &OrderState, target: EventId) -> Result<(), Breach> {
    let amendment = |claim: &crate::claim::Claim| {
        let fact = claim.history.find(target);
        fact.is_some_and(|f| matches!(f.event, Event::EventCorrected(_) | Event::EventReversed(_)))
    };
    if !case.claims.get(id).is_some_and(amendment) {
        return Ok(());
    }
    let after = case.without(id, target);
    let (Some(claim), Some(state)) = (after.claims.get(id), after.claim_state(id)) else { return Ok(()) };
    // Decisions that a later one replaced owe nothing.
    let owes = |event: EventId| state.decisions.iter().any(|d| d.event_id == event);
    for s in claim.history.standing(&Cut::default()).iter().filter(|s| s.reversed.is_none()) {
        if let Event::RemedyDecided(d) = s.event.as_ref()
            && owes(s.fact.event_id)
        {
            decision(&after.without(id, s.fact.event_id), id, order, d)?;
        }
    }
    Ok(())
}

/// Whether a correction leaves an event of the same kind and moves no money behind anybody's back.
fn fits(target: &Event, correction: &EventCorrected) -> Result<Event, Breach> {
    let fixed: &[&str] = match target {
        Event::EventCorrected(_) | Event::EventReversed(_) => {
            return Err(Breach::TargetCannotBeAmended("an amendment is reversed, never corrected"));
        }
        Event::LegalHoldPlaced(_) | Event::LegalHoldReleased(_) => {
            return Err(Breach::TargetCannotBeAmended(
                "a legal hold is released or placed anew, never amended",
            ));
        }
        Event::RefundIssued(_) => &["refund", "amount"],
        Event::GiftCreditIssued(_) => &["credit", "amount"],
        Event::PaymentCaptured(_) => &["payment", "amount"],
        Event::HistoricalCreditRecorded(_) => &["reference", "amount", "lines"],
        Event::ChargePaid(_) => &["charge", "amount"],
        Event::ChargebackOpened(_) => &["psp_ref", "amount"],
        Event::OrderRecorded(_) => &["currency", "policy"],
        Event::ClaimOpened(_) => &["order"],
        _ => &[],
    };
    if let Some(field) = fixed.iter().find(|field| correction.set.contains_key(**field)) {
        return Err(Breach::MoneyIsReversedNotCorrected(String::from(*field)));
    }
    corrected(target, correction).map_err(|why| Breach::CorrectionDoesNotFit(format!("{why}")))
}

/// Whether goodwill was approved by a second person; used by the rules of the day and by reports.
pub fn needs_second_person(event: &Event) -> Option<&'static str> {
    match event {
        Event::DiscretionExercised(d) if is_goodwill(&d.point) => Some("H-19"),
        Event::LegalHoldReleased(_) => Some("legal_hold"),
        Event::RefundIssued(r) if r.payout.to == crate::event::PayoutTo::OtherMethod => Some("H-22"),
        _ => None,
    }
}

/// Whether a credit of this claim still travels: issued, neither posted nor failed.
pub fn has_credit_under_way(state: &ClaimState) -> bool {
    state.credits.values().any(|c| c.reversed.is_none() && c.status == CreditStatus::Issued)
}
