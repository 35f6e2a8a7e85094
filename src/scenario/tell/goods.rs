//! Devices, parcels, authorizations, inspections and remedies.

use replay::{
    event as on_record,
    event::{Claimant, Event, Leg},
    ids::{Code, Personal},
    units::LineId,
};

use super::{Scene, bad_text, personal, reason_code};
use crate::{
    error::{Error, Result},
    scenario::{
        format::Happening,
        happening::{ItemInspected, ShipmentDispatched, What},
    },
};

/// The device of a story that names none.
const DEVICE: &str = "device-1";

/// The payload, when it is one of these; `None` for all others.
pub(super) fn payload(what: &What, h: &Happening, scene: &Scene<'_>) -> Result<Option<Event>> {
    let reason_code = reason_code(h.reason.as_deref())?;
    let reason_text = personal(h.reason.as_ref())?;
    Ok(Some(match what {
        What::CalendarPublished(c) => {
            let source = c.source.clone().map_or_else(|| "scenario".parse(), Ok).map_err(bad_text)?;
            let (calendar, holidays) = (c.calendar.clone(), c.holidays.clone());
            on_record::CalendarPublished { calendar, year: c.year, holidays, source }.into()
        }
        What::SubscriptionActivated(s) => {
            let line = s.line.clone().map_or_else(|| subscription(scene), Ok)?;
            on_record::SubscriptionActivated { line, device: device(s.device.as_ref())? }.into()
        }
        What::DeviceTransmissionSummarised(d) => {
            let [from, to] = d.period;
            let device = device(d.device.as_ref())?;
            on_record::DeviceTransmissionSummarised { device, from, to, count: d.count, last_at: d.last_at }
                .into()
        }
        What::OwnershipChangeRecorded(o) => on_record::OwnershipChangeRecorded {
            device: device(o.device.as_ref())?,
            from: o.from.clone(),
            to: o.to.clone(),
            approved_by: o.approved_by.clone(),
        }
        .into(),
        What::ShipmentDispatched(d) => dispatched(d, scene)?.into(),
        What::TrackingScanned(t) => on_record::TrackingScanned {
            parcel: scene.the_parcel(t.parcel.as_ref())?,
            status: t.status,
            place: t.place.clone(),
            scan_ref: t.scan_ref.clone(),
        }
        .into(),
        What::AuthorizationGranted(g) => on_record::AuthorizationGranted {
            rma: g.rma.clone(),
            units: scene.units(g.units.as_ref())?,
            written: g.written,
            form: g.form,
            instructions_ref: g.instructions_ref.clone(),
            process: g.process.clone(),
        }
        .into(),
        What::AuthorizationDenied(d) => {
            let (rma, units, cites) = (d.rma.clone(), scene.some_units(d.units.as_ref())?, d.cites.clone());
            on_record::AuthorizationDenied { rma, units, reason_code, reason_text, cites }.into()
        }
        What::AuthorizationExpired(e) => {
            let (rma, cites) = (e.rma.clone(), e.cites.clone());
            on_record::AuthorizationExpired { rma, reason_code, cites }.into()
        }
        What::AuthorizationVoided(v) => {
            let (rma, cites) = (v.rma.clone(), v.cites.clone());
            on_record::AuthorizationVoided { rma, reason_code, reason_text, cites }.into()
        }
        What::LabelIssued(l) => on_record::LabelIssued {
            parcel: l.parcel.clone(),
            leg: l.leg.unwrap_or(Leg::Inbound),
            carrier: l.carrier.clone(),
            tracking: personal(l.tracking.as_ref())?,
            cost: scene.money(l.amount)?,
            paid_by: l.paid_by,
        }
        .into(),
        What::ParcelReceived(p) => on_record::ParcelReceived {
            parcel: scene.parcel(p.parcel.as_ref()),
            rma: p.rma.clone(),
            units: scene.units(p.units.as_ref())?,
            extra: p.extra.clone(),
            note: p.note,
            form: p.form,
            place: p.place.clone(),
        }
        .into(),
        What::ParcelRefused(p) => on_record::ParcelRefused {
            parcel: scene.parcel(p.parcel.as_ref()),
            rma: p.rma.clone(),
            units: Some(scene.units(p.units.as_ref())?),
            reason_code,
            cites: p.cites.clone(),
        }
        .into(),
        What::ItemInspected(i) => inspected(i, scene)?.into(),
        What::ConnectivityAssessed(c) => on_record::ConnectivityAssessed {
            device: c.device.clone(),
            transmitted: c.transmitted,
            // Whoever looked at the device's data would have said so: what is left out is false, not unknown.
            vehicle_sold_not_removed: Some(c.vehicle_sold_not_removed),
            ownership_changed: Some(c.ownership_changed_in_period),
            data_ref: c.data_ref.clone(),
        }
        .into(),
        What::ItemLostInCustody(l) => {
            let circumstances = personal(l.circumstances.as_ref().or(h.reason.as_ref()))?;
            on_record::ItemLostInCustody { units: scene.units(l.units.as_ref())?, circumstances }.into()
        }
        What::DispositionRecorded(d) => {
            let units = scene.units(d.units.as_ref())?;
            on_record::DispositionRecorded { units, disposition: d.disposition }.into()
        }
        What::RemedyOffered(r) => {
            on_record::RemedyOffered { remedy: r.remedy, same_item: r.same_item }.into()
        }
        What::RemedySelected(r) => on_record::RemedySelected {
            remedy: r.remedy,
            by: r.by.unwrap_or(Claimant::Buyer),
            units: scene.some_units(r.units.as_ref())?,
            same_item: r.same_item,
            in_stock: r.in_stock,
        }
        .into(),
        What::RemedyDecided(r) => on_record::RemedyDecided {
            units: scene.units(r.units.as_ref())?,
            remedy: r.remedy,
            variant: r.variant,
            // How much follows from the policy, never from the story.
            entitlement: None,
            reason_code: h.reason.is_some().then_some(reason_code),
            cites: r.cites.clone(),
            policy_sha256: None,
            facts_sha256: None,
        }
        .into(),
        What::RemedyFailed(r) => {
            let units = scene.some_units(r.units.as_ref())?;
            on_record::RemedyFailed { remedy: r.remedy, units, reason_code }.into()
        }
        What::RepairCompleted(r) => on_record::RepairCompleted {
            units: scene.units(r.units.as_ref())?,
            authorized_repair: r.authorized_repair,
        }
        .into(),
        What::RepairShipped(r) => on_record::RepairShipped {
            units: scene.units(r.units.as_ref())?,
            parcel: r.parcel.clone(),
            rma: r.rma.clone(),
        }
        .into(),
        What::SparePartsSent(s) => on_record::SparePartsSent {
            units: scene.units(s.units.as_ref())?,
            parcel: s.parcel.clone(),
            authorized_repair: s.authorized_repair,
        }
        .into(),
        What::ReplacementShipped(r) => on_record::ReplacementShipped {
            units: scene.units(r.units.as_ref())?,
            parcel: r.parcel.clone(),
            variant: r.variant,
            rma: r.rma.clone(),
        }
        .into(),
        What::ReplacementDelivered(r) => on_record::ReplacementDelivered {
            units: scene.units(r.units.as_ref())?,
            parcel: r.parcel.clone(),
        }
        .into(),
        _ => return Ok(None),
    }))
}

fn device(named: Option<&Code>) -> Result<Code> {
    named.cloned().map_or_else(|| Code::new(DEVICE), Ok).map_err(bad_text)
}

/// The subscription, where the order has one.
fn subscription(scene: &Scene<'_>) -> Result<LineId> {
    let mut lines = scene.order.lines.iter();
    let line = lines.find(|line| line.class == on_record::ArticleClass::Subscription);
    line.map(|line| line.id.clone()).ok_or_else(|| {
        Error::unreadable("line_is_not_named", "line: the order has no subscription").hint("name the line")
    })
}

fn dispatched(d: &ShipmentDispatched, scene: &Scene<'_>) -> Result<on_record::ShipmentDispatched> {
    let tracking: Option<Personal> = personal(d.tracking.as_ref())?;
    Ok(on_record::ShipmentDispatched {
        parcel: scene.the_parcel(d.parcel.as_ref())?,
        leg: d.leg,
        carrier: d.carrier.clone(),
        service: d.service.clone(),
        tracking,
        tracking_check: None,
        traceable: d.traceable,
        units: scene.some_units(d.units.as_ref())?,
        rma_on_parcel: d.rma_on_parcel.clone(),
    })
}

/// Only what the story says: a later inspection overrides only the fields it carries.
fn inspected(i: &ItemInspected, scene: &Scene<'_>) -> Result<on_record::ItemInspected> {
    Ok(on_record::ItemInspected {
        units: scene.units(i.units.as_ref())?,
        installed: i.installed,
        packaging: i.packaging,
        same_condition: i.same_condition,
        altered: i.altered,
        sealed: i.sealed,
        accessories_missing: i.accessories_missing.clone(),
        damage: i.damage.clone(),
        defect: i.defect,
        on_arrival: i.on_arrival,
        cause: i.cause.clone(),
        tests: i.tests.clone(),
        media: i.media.clone(),
    })
}
