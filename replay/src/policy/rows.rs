//! Every row of a policy in one list: what coverage is counted over and what a linter walks.

use alloc::{format, string::String, vec::Vec};

use super::{Cites, Policy};

pub(super) fn all(p: &Policy) -> Vec<(&'static str, String, &Cites)> {
    let mut rows: Vec<(&'static str, String, &Cites)> = Vec::new();
    let number = |at: usize, id: &str| format!("{} ({id})", at.saturating_add(1));
    if let Some(no_fault) = &p.no_fault {
        rows.push(("policy", "no_fault".into(), &no_fault.cites));
    }
    rows.extend(p.regions.iter().map(|r| ("regions", r.name.clone(), &r.cites)));
    rows.extend(p.windows.iter().map(|w| ("windows", w.name.as_str().into(), &w.cites)));
    let each = p.entitlements.iter().enumerate();
    rows.extend(each.map(|(at, e)| ("entitlement", number(at, e.id.as_str()), &e.cites)));
    let each = p.requirements.iter().enumerate();
    rows.extend(each.map(|(at, r)| ("requirement", number(at, r.stage.as_str()), &r.cites)));
    let each = p.variants.iter().enumerate();
    rows.extend(each.map(|(at, v)| ("variant", number(at, v.remedy.as_str()), &v.cites)));
    for (at, fee) in p.fees.iter().enumerate() {
        rows.push(("fee", number(at, fee.id.as_str()), &fee.cites));
        if !fee.waiver_cites.is_empty() {
            rows.push(("fee", format!("{}, waiver", number(at, fee.id.as_str())), &fee.waiver_cites));
        }
    }
    let each = p.components.iter().enumerate();
    rows.extend(each.map(|(at, c)| ("component", number(at, "outbound_shipping"), &c.cites)));
    rows.extend(p.costs.iter().enumerate().map(|(at, c)| ("cost", number(at, c.cost.as_str()), &c.cites)));
    rows.extend(p.nevers.iter().enumerate().map(|(at, c)| ("never", number(at, c.cost.as_str()), &c.cites)));
    rows.extend(p.payouts.iter().enumerate().map(|(at, o)| ("payout", number(at, &o.to), &o.cites)));
    if !p.authorization.cites.is_empty() {
        rows.push(("authorization", String::new(), &p.authorization.cites));
    }
    rows.extend(p.risk.iter().map(|r| ("risk", String::new(), &r.cites)));
    rows.extend(p.refund_trace.iter().map(|t| ("refund_trace", String::new(), &t.cites)));
    rows.extend(p.slas.iter().enumerate().map(|(at, s)| ("sla", number(at, s.id.as_str()), &s.cites)));
    rows.extend(p.notices.iter().enumerate().map(|(at, n)| ("notice", number(at, &n.about), &n.cites)));
    rows.extend(
        p.discretion.iter().enumerate().map(|(at, d)| ("discretion", number(at, &d.point), &d.cites)),
    );
    rows.extend(
        p.infos.iter().enumerate().map(|(at, i)| ("info", number(at, &format!("{}", i.on)), &i.cites)),
    );
    rows
}
