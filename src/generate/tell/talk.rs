//! Words: what is claimed, proved, allowed and answered.

use replay::{
    event::{
        AuthorizationDenied, AuthorizationExpired, AuthorizationGranted, AuthorizationVoided, Channel,
        ClaimClosed, ClaimEscalated, ClaimOpened, ClaimReclassified, ClaimReopened, ClaimWithdrawn, Claimant,
        ContactLogged, DisputeOpened, DisputeResolved, EligibilityAssessed, Event, Evidence,
        EvidenceSubmitted, NoteAdded, NoticeSent, Remedy, UnitAssessment, UnitStatus, VerificationFailed,
    },
    ids::Code,
};

use super::{Made, Teller, code, word};
use crate::generate::act::{Act, Part, Talk};

impl<'m> Teller<'_, 'm> {
    pub(super) fn talk(&mut self, act: &Act<'m>, what: Talk<'m>) -> Made<Event> {
        let authorization = &self.story.merchant.terms.authorization_cites;
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
                to,
                by: Claimant::Buyer,
                reason_code: code("customer_says_so")?,
                reason_text: None,
            }
            .into(),
            Talk::Proofs { complete } => {
                let mut items = self.proofs(act)?;
                if !complete && items.len() > 1 {
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
            Talk::Assessed { status, remedy, cites } => self.assessed(act, status, remedy, cites)?.into(),
            Talk::Granted { rma } => AuthorizationGranted {
                rma: self.rma(act, rma)?,
                units: self.units(act, Part::All)?,
                written: true,
                form: None,
                instructions_ref: None,
                process: Some(code(if self.story.market.abroad { "separate" } else { "standard" })?),
            }
            .into(),
            Talk::Denied { reason, cites } => AuthorizationDenied {
                rma: None,
                units: Some(self.units(act, Part::All)?),
                reason_code: code(reason)?,
                reason_text: self.text_in(15, "reasons")?,
                cites: Self::cites(cites)?,
            }
            .into(),
            Talk::Expired { rma } => AuthorizationExpired {
                rma: self.rma_of(act, rma)?,
                reason_code: code("nothing_was_sent")?,
                cites: authorization.clone(),
            }
            .into(),
            Talk::Voided { rma } => AuthorizationVoided {
                rma: self.rma_of(act, rma)?,
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
                ContactLogged { channel: via, direction, text: self.text("contacts")? }.into()
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

    fn assessed(
        &self,
        act: &Act<'_>,
        status: UnitStatus,
        remedy: Option<Remedy>,
        cites: &[Code],
    ) -> Made<EligibilityAssessed> {
        Ok(EligibilityAssessed {
            units: vec![UnitAssessment {
                units: self.units(act, Part::All)?,
                status,
                basis: Some(self.claim(act)?.basis),
                remedies: remedy.filter(|_| status != UnitStatus::Ineligible).into_iter().collect(),
                cites: Self::cites(cites)?,
                last_days: Vec::new(),
            }],
            policy_sha256: Some(self.story.merchant.terms.sha256),
            facts_sha256: None,
        })
    }

    /// The proofs that the policy wants on these grounds.
    fn proofs(&mut self, act: &Act<'_>) -> Made<Vec<Evidence>> {
        let basis = self.claim(act)?.basis;
        let rows = self.story.merchant.terms.proofs.iter().filter(|r| r.is_about(basis, None));
        let mut kinds: Vec<&Code> = Vec::new();
        for kind in rows.flat_map(|r| &r.what) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let mut items = Vec::with_capacity(kinds.len().max(1));
        for kind in kinds {
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
