//! The claim in full, for people and programs. Personal values appear nowhere in it.

use alloc::{collections::BTreeMap, format, vec::Vec};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::About;
use crate::{
    claim::{Charge, ClaimState, Cost, Credit, Decision, Findings, ParcelState, RmaState, UnitState},
    event::ScanStatus,
    money::Amount,
    time::When,
    units::LineId,
};

/// Declares an object of JSON: from what it is made, and its fields, which are written without being gathered in a value
/// first. Fields after `known` are left out when they are `None`; before it `None` is `null`. Who writes it
/// canonically puts them in order.
macro_rules! object {
    ($(#[$doc:meta])* $name:ident ( $($from:ident : $type:ty),+ ) { $( $key:literal : $value:expr, )* $(known $( $maybe:literal : $option:expr, )*)? }) => {
        $(#[$doc])*
        pub(super) struct $name<'a>($(pub(super) &'a $type),+);

        impl Serialize for $name<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let $name($($from),+) = *self;
                let mut object = serializer.serialize_map(None)?;
                $( object.serialize_entry($key, &$value)?; )*
                $($( if let Some(value) = &$option { object.serialize_entry($maybe, value)?; } )*)?
                object.end()
            }
        }
    };
}

object! {
    /// Everything about one claim.
    Detail(state: ClaimState, about: About) {
        "chargebacks": state.chargebacks.iter().map(|(id, (amount, won))| (id, Chargeback(amount, won))).collect::<BTreeMap<_, _>>(),
        "charges": state.charges.iter().map(|(id, c)| (id, ChargeRow(c, about))).collect::<BTreeMap<_, _>>(),
        "claim": state.id,
        "costs": state.costs.iter().map(CostRow).collect::<Vec<_>>(),
        "country": about.country,
        "credits": state.credits.iter().map(|(id, c)| (id, CreditRow(c))).collect::<BTreeMap<_, _>>(),
        "decisions": state.decisions.iter().map(|d| DecisionRow(d, about)).collect::<Vec<_>>(),
        "evidence": state.evidence,
        "first_contact": state.first_contact,
        "flags": Flags(state),
        "merchant": about.merchant,
        "money": Money(state, about),
        "opened": state.opened,
        "parcels": state.parcels.iter().map(|(id, p)| (id, Parcel(p))).collect::<BTreeMap<_, _>>(),
        "reason": about.reason,
        "rmas": state.rmas.iter().map(|(rma, r)| (rma, RmaRow(r))).collect::<BTreeMap<_, _>>(),
        "stage": state.stage(),
        "units": state.units.iter().map(|(line, first, last, u)| UnitRow(line, first, last, u)).collect::<Vec<_>>(),
        known
        "by": state.by,
        "order": state.order,
    }
}

object! {
    Flags(state: ClaimState) {
        "closed": state.closed,
        "disputed": state.disputed,
        "escalated": state.escalated,
        "historical": state.historical,
        "reopened": state.reopened,
        "withdrawn": state.withdrawn,
    }
}

object! {
    Money(state: ClaimState, about: About) {
        "credited": about.amount(state.credited_minor()),
        "goodwill": about.amount(state.goodwill_minor),
        "open": about.amount(state.open_minor()),
        "overpaid": about.amount(state.overpaid_minor()),
        "owed": about.amount(state.owed_minor()),
    }
}

/// A run of units in equal state: line, first and last number, state.
struct UnitRow<'a>(&'a LineId, u32, u32, &'a UnitState);

impl Serialize for UnitRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let UnitRow(line, first, last, u) = self;
        let line = line.as_str();
        let units = if first == last { format!("{line}#{first}") } else { format!("{line}#{first}-{last}") };
        UnitFields(&units, u).serialize(serializer)
    }
}

object! {
    UnitFields(units: str, u: UnitState) {
        "accepted": u.accepted,
        "announced": u.announced,
        "authorized": u.authorized,
        "findings": FindingsRow(&u.findings),
        "received": u.received,
        "refunded": u.refunded,
        "stage": u.stage,
        "units": units,
        known
        "disposition": u.disposition,
        "remedy": u.remedy,
        "variant": u.variant,
    }
}

object! {
    FindingsRow(f: Findings) {
        known
        "accessories_missing": f.accessories_missing,
        "altered": f.altered,
        "cause": f.cause,
        "damage": f.damage,
        "defect": f.defect,
        "installed": f.installed,
        "on_arrival": f.on_arrival,
        "packaging": f.packaging,
        "same_condition": f.same_condition,
        "sealed": f.sealed,
    }
}

object! {
    Parcel(p: ParcelState) {
        known
        "carrier": p.carrier,
        "delivered": p.delivered,
        "dispatched": p.dispatched,
        "last_scan": p.last_scan.as_ref().map(|(status, at)| Scan(status, at)),
        "leg": p.leg,
        "rma_on_parcel": p.rma_on_parcel,
        "tracking_check": p.tracking_check,
        "units": p.units,
    }
}

object! { Scan(status: ScanStatus, at: When) { "at": at, "status": status, } }

object! { RmaRow(r: RmaState) { "granted": r.granted, "status": r.status, "units": r.units, } }

object! {
    DecisionRow(d: Decision, about: About) {
        "cites": d.cites,
        "decided": d.decided,
        "entitlement": about.amount(d.entitlement_minor),
        "event": d.event_id,
        "remedy": d.remedy,
        "units": d.units,
    }
}

object! { CostRow(c: Cost) { "amount": c.amount, "cost": c.cost, "event": c.event_id, "paid_by": c.paid_by, } }

object! {
    ChargeRow(c: Charge, about: About) {
        "amount": c.amount,
        "paid": about.amount(c.paid_minor),
        "since": c.since,
        "waived": c.waived,
        "what": c.what,
    }
}

object! {
    Chargeback(amount: Amount, won: Option<bool>) {
        "amount": amount,
        "result": match won {
            None => "open",
            Some(true) => "won",
            Some(false) => "lost",
        },
    }
}

object! {
    CreditRow(c: Credit) {
        "amount": c.amount,
        "effective": c.is_effective(),
        "event": c.event_id,
        "issued": c.issued,
        "kind": c.kind,
        "status": c.status,
        known
        "failed": c.failed,
        "posted": c.posted,
        "reversed": c.reversed,
        "to": c.to,
        "units": c.units,
    }
}
