//! The dispute packet: one claim's whole case, for a bank, a court, an arbiter or a card processor.
//!
//! One structure, three forms: JSON as it is, Markdown and one HTML page rendered from it. It is made from the log
//! alone and asks no clock, so the same ledger and the same question give the same bytes. Every event that it shows
//! comes along as it is stored, with the path that leads from it to the root of the log; the page checks them itself.

mod evidence;
mod fields;
mod gather;
mod html;
mod known;
mod markdown;
mod parts;
mod proofs;
mod sale;
mod summary;
pub(crate) mod words;

pub use fields::{FIELD_CHARS_MAX, FIELD_NAMES};
pub(crate) use gather::shown;
pub use html::html;
pub use known::LATE_AFTER_HOURS;
pub use markdown::markdown;
pub use parts::*;
pub use words::visible;

use replay::{
    evidence::{note::Note, trust::Trust},
    history::Cut,
    ids::{ClaimId, Stream},
    judge::judge,
};

use crate::{
    error::{Error, Result},
    judging::{self, explain},
    store::{Store, sqlite::SqliteStore},
    view,
};

/// What a packet says it is.
pub const FORMAT: &str = "claims-packet/v1";

/// What is asked for.
#[derive(Debug, Default)]
pub struct Options {
    /// The moment to look at.
    pub cut: Cut,
    /// The checkpoint to prove against; without one the last that is on record.
    pub checkpoint: Option<Note>,
    /// Whose signatures count; without it nobody's are checked here.
    pub trust: Option<Trust>,
    /// Leaves out every personal value.
    pub without_personal: bool,
    /// Opens notes among colleagues as well.
    pub with_notes: bool,
}

/// Makes the packet of a claim. Writes nothing.
///
/// # Errors
/// No such claim, or not yet at that moment; a value that does not open its commitment, an event that does not lead
/// to the root, a checkpoint of another log or without a trusted signature; a broken log.
pub fn packet(store: &mut SqliteStore, id: &ClaimId, options: &Options) -> Result<Packet> {
    let case = view::case_of(store, &Stream::Claim(id.clone()))?;
    let cut = &options.cut;
    let not_yet = || Error::not_found(format!("claim {id} did not exist at that moment"));
    let state = case.claims.get(id).and_then(|claim| claim.state(cut)).ok_or_else(not_yet)?;
    let registry = judging::registry(store)?;
    let judgement = judge(&case, id, &registry, cut);
    let explanation = match &judgement {
        Some(_) => Some(explain::explain(&case, id, &registry, cut)?),
        None => None,
    };
    let governing = judgement
        .as_ref()
        .and_then(|judged| registry.versions(&judged.policy_id).iter().find(|v| v.version == judged.version));
    let gathered = gather::gather(store, &case, id, governing.map(|v| v.position.get()), options)?;
    let policy = governing.map(|version| summary::policy(version, explanation.as_ref(), &gathered));
    let summary = summary::summary(&state, &case, explanation.as_ref(), policy.as_ref(), &gathered);
    let communications = evidence::communications(&gathered.facts);
    let mut packet = Packet {
        format: FORMAT,
        program: concat!("claims ", env!("CARGO_PKG_VERSION")),
        ledger: store.origin().to_string(),
        claim: id.to_string(),
        order: case.order.as_ref().map(|order| order.id.to_string()),
        moment: Moment::of(cut, store.tip()?.position),
        personal: if options.without_personal { "withheld" } else { "included" },
        summary,
        sale: sale::sale(&gathered),
        parties: sale::parties(&gathered),
        people: sale::people(&gathered.timeline),
        siblings: sale::siblings(&case, id, cut),
        not_judged: explanation.is_none().then(|| judging::nothing_to_judge(&case, id).message),
        explanation,
        policy,
        parcels: evidence::parcels(&gathered.facts),
        communications,
        evidence: evidence::evidence(&gathered.facts),
        known: known::known(&gathered),
        refused: gathered.refused,
        redactions: gathered.redactions,
        timeline: gathered.timeline,
        chargeback_evidence: Vec::new(),
        proofs: proofs::proofs(store, gathered.rows, options)?,
    };
    packet.chargeback_evidence = fields::fields(&packet);
    Ok(packet)
}
