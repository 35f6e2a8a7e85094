//! Words: what is claimed, proved, allowed and answered.

use replay::event::{
    AuthorizationDenied, AuthorizationExpired, AuthorizationGranted, AuthorizationVoided, Channel,
    ClaimClosed, ClaimEscalated, ClaimOpened, ClaimReclassified, ClaimReopened, ClaimWithdrawn, Claimant,
    ContactLogged, DisputeOpened, DisputeResolved, EligibilityAssessed, Event, Evidence, EvidenceSubmitted,
    NoteAdded, NoticeSent, UnitAssessment, VerificationFailed,
};

use super::{Made, Teller, code, word};
use crate::generate::act::{Act, Part, Talk};

impl<'m> Teller<'_, 'm> {
    pub(super) fn talk(&mut self, act: &Act<'m>, what: &Talk) -> Made<Event> {
        let authorization = &self.story.merchant.terms.rules.authorization.cites;
        let (by, via, basis) = {
            let claim = self.claim(act)?;
            (claim.by, claim.via, claim.basis)
        };
        Ok(match what {
            Talk::Opened => ClaimOpened {
                order: self.order_id()?,
                asserted: basis,
                units: self.units(act, Part::All)?,
                by,
                via,
                first_contact_at: None,
                contact_before_return: Some(true),
                text: self.text_in(40, basis.as_str())?,
            }
            .into(),
            Talk::Reclassified(to) => ClaimReclassified {
                to: *to,
                by: Claimant::Buyer,
                reason_code: code("customer_says_so")?,
                reason_text: None,
            }
            .into(),
            Talk::Proofs { complete } => {
                let mut items = self.proofs(act)?;
                if !*complete && items.len() > 1 {
                    items.pop();
                }
                EvidenceSubmitted { items }.into()
            }
            Talk::ProofsFailed => VerificationFailed {
                items: self.proofs(act)?.into_iter().take(1).map(|e| e.kind).collect(),
                reason_code: Some(code("cannot_be_read")?),
                reason_text: None,
            }
            .into(),
            Talk::Assessed { part, status, remedies, cites } => EligibilityAssessed {
                units: vec![UnitAssessment {
                    units: self.units(act, *part)?,
                    status: *status,
                    basis: None,
                    remedies: remedies.clone(),
                    cites: self.cites(cites),
                    last_days: Vec::new(),
                }],
                // By which policy and which facts, the ledger fills in.
                policy_sha256: None,
                facts_sha256: None,
            }
            .into(),
            Talk::Granted { rma, part } => AuthorizationGranted {
                rma: self.rma(act, *rma)?,
                units: self.units(act, *part)?,
                written: true,
                form: None,
                instructions_ref: None,
                process: Some(code(if self.story.market.abroad { "separate" } else { "standard" })?),
            }
            .into(),
            Talk::Denied { reason, part, cites } => AuthorizationDenied {
                rma: None,
                units: Some(self.units(act, *part)?),
                reason_code: code(reason)?,
                reason_text: self.text_in(15, "reasons")?,
                cites: self.cites(cites),
            }
            .into(),
            Talk::Expired { rma } => AuthorizationExpired {
                rma: self.rma_of(act, *rma)?,
                reason_code: code("nothing_was_sent")?,
                cites: self.cites(authorization),
            }
            .into(),
            Talk::Voided { rma } => AuthorizationVoided {
                rma: self.rma_of(act, *rma)?,
                reason_code: code("wrong_number")?,
                reason_text: None,
                cites: Vec::new(),
            }
            .into(),
            Talk::Notice(about) => NoticeSent {
                about: code(about)?,
                channel: Some(Channel::Email),
                to: Some(code(by.as_str())?),
                reference: None,
            }
            .into(),
            Talk::Contact(direction) => {
                ContactLogged { channel: via, direction: *direction, text: self.text("contacts")? }.into()
            }
            Talk::Note => NoteAdded { text: self.text("notes")? }.into(),
            Talk::Closed(reason) => ClaimClosed { reason_code: code(reason)?, reason_text: None }.into(),
            Talk::Reopened => ClaimReopened {
                reason_code: code("claimant_asks")?,
                reason_text: self.text_in(40, "reasons")?,
            }
            .into(),
            Talk::Escalated => {
                ClaimEscalated { reason_code: code("customer_asks")?, reason_text: None }.into()
            }
            Talk::Withdrawn => {
                ClaimWithdrawn { by, reason_code: code("keeps_the_goods")?, reason_text: None }.into()
            }
            Talk::Disputed => {
                DisputeOpened { by, about: Vec::new(), evidence: None, text: Some(self.text("contacts")?) }
                    .into()
            }
            Talk::DisputeEnded => DisputeResolved {
                result: code(if self.chance.percent(40) { "upheld" } else { "rejected" })?,
                evidence: None,
                cites: Vec::new(),
                by: Some(self.story.merchant.staff.supervisor.clone()),
            }
            .into(),
        })
    }

    /// The proofs that the policy wants on these grounds.
    fn proofs(&mut self, act: &Act<'_>) -> Made<Vec<Evidence>> {
        let (basis, via) = {
            let claim = self.claim(act)?;
            (claim.basis, claim.via)
        };
        let kinds = self.story.merchant.terms.proofs(basis, via);
        let mut items = Vec::with_capacity(kinds.len().max(1));
        for kind in kinds {
            // Only the merchant can say who the customer is, and slips come with orders that were split.
            let is_slip = kind.as_str() == "partial_shipment_slip";
            if kind.as_str() == "customer_verified" || (is_slip && !self.story.split) {
                continue;
            }
            let photo = kind.as_str().contains("photo");
            let (sha256, media) =
                if photo { (Some(self.hash()), Some(word("image/jpeg")?)) } else { (None, None) };
            items.push(Evidence { kind: kind.clone(), sha256, media });
        }
        if items.is_empty() {
            items.push(Evidence { kind: code("order_number")?, sha256: None, media: None });
        }
        Ok(items)
    }
}
