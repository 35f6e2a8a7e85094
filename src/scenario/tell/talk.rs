//! What is said: reasons, evidence, notices, disputes, and the life of a claim.

use replay::{
    event as on_record,
    event::{Claimant, Event},
    ids::Personal,
};

use super::{Scene, bad_text, evidence, personal, reason_code};
use crate::{
    error::Result,
    scenario::{format::Happening, happening::What},
};

/// The payload, when it is one of these; `None` for all others.
pub(super) fn payload(what: &What, h: &Happening, scene: &Scene<'_>) -> Result<Option<Event>> {
    let reason_code = reason_code(h.reason.as_deref())?;
    let reason_text = personal(h.reason.as_ref())?;
    Ok(Some(match what {
        What::ClaimReclassified(r) => {
            let by = r.by.unwrap_or(Claimant::Buyer);
            on_record::ClaimReclassified { to: r.to, by, reason_code, reason_text }.into()
        }
        What::EvidenceSubmitted(e) => evidence(&e.items).into(),
        What::VerificationFailed(v) => {
            let (items, reason_code) = (v.items.clone(), Some(reason_code));
            on_record::VerificationFailed { items, reason_code, reason_text }.into()
        }
        What::NoticeSent(n) => on_record::NoticeSent {
            about: n.about.clone(),
            channel: n.channel,
            to: n.to.clone(),
            reference: n.reference.clone(),
        }
        .into(),
        What::ContactLogged(c) => {
            let text = Personal::clear(c.text.as_str()).map_err(bad_text)?;
            on_record::ContactLogged { channel: c.channel, direction: c.direction, text }.into()
        }
        What::NoteAdded(n) => {
            on_record::NoteAdded { text: Personal::clear(n.text.as_str()).map_err(bad_text)? }.into()
        }
        What::ClaimClosed(_) => on_record::ClaimClosed { reason_code, reason_text }.into(),
        What::ClaimReopened(_) => on_record::ClaimReopened { reason_code, reason_text }.into(),
        What::ClaimEscalated(_) => on_record::ClaimEscalated { reason_code, reason_text }.into(),
        What::ClaimWithdrawn(w) => {
            let by = w.by.unwrap_or(Claimant::Buyer);
            on_record::ClaimWithdrawn { by, reason_code, reason_text }.into()
        }
        What::DisputeOpened(d) => on_record::DisputeOpened {
            by: d.by,
            about: d.about.iter().map(|label| (scene.labelled)(label)).collect::<Result<_>>()?,
            evidence: d.evidence.clone(),
            text: personal(d.text.as_ref().or(h.reason.as_ref()))?,
        }
        .into(),
        What::DisputeResolved(d) => on_record::DisputeResolved {
            result: d.result.clone(),
            evidence: d.evidence.clone(),
            cites: d.cites.clone(),
            by: None,
        }
        .into(),
        _ => return Ok(None),
    }))
}
