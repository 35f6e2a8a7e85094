//! Goods on their way, on the bench, and what the customer gets.

use replay::{
    event::{
        Basis, ConnectivityAssessed, Defect, DispositionRecorded, Event, ItemInspected, ItemLostInCustody,
        LabelIssued, Leg, Packaging, ParcelReceived, ParcelRefused, Remedy, RemedyDecided, RemedyFailed,
        RemedyOffered, RemedySelected, RepairCompleted, RepairShipped, ReplacementDelivered,
        ReplacementShipped, SparePartsSent, StockReported,
    },
    ids::Word,
};

use super::{Impossible, Made, Teller, code, word};
use crate::generate::act::{Act, Finding, Goods, Part};

impl<'m> Teller<'_, 'm> {
    pub(super) fn goods(&mut self, act: &Act<'m>, what: &Goods<'m>) -> Made<Event> {
        let rules = &self.story.merchant.terms.rules;
        Ok(match what {
            Goods::Label { minor, paid_by } => LabelIssued {
                parcel: None,
                leg: Leg::Inbound,
                carrier: Some(self.story.market.back.code.clone()),
                tracking: None,
                cost: self.amount(*minor)?,
                paid_by: *paid_by,
            }
            .into(),
            Goods::Received { rma, part } => ParcelReceived {
                parcel: None,
                rma: self.rma(act, *rma)?,
                units: self.units(act, *part)?,
                extra: Vec::new(),
                note: Some(self.chance.percent(60)),
                form: None,
                place: None,
            }
            .into(),
            Goods::TurnedAway(part) => ParcelRefused {
                parcel: None,
                rma: None,
                units: Some(self.units(act, *part)?),
                reason_code: code("rma_not_on_parcel")?,
                cites: rules.ids(&rules.authorization.cites),
            }
            .into(),
            Goods::Inspected { finding, part } => self.inspected(act, *finding, *part)?.into(),
            Goods::Connected { line, transmitted } => ConnectivityAssessed {
                device: Some(self.device(*line)?),
                transmitted: Some(*transmitted),
                vehicle_sold_not_removed: Some(self.chance.percent(4)),
                // What the platform was told before stands.
                ownership_changed: if self.story.changed_hands { None } else { Some(false) },
                data_ref: None,
            }
            .into(),
            Goods::LostInCustody(part) => ItemLostInCustody {
                units: self.units(act, *part)?,
                circumstances: self.text_in(50, "notes")?,
            }
            .into(),
            Goods::Put(part, disposition) => {
                DispositionRecorded { units: self.units(act, *part)?, disposition: *disposition }.into()
            }
            Goods::Offered(remedy) => RemedyOffered { remedy: *remedy, same_item: None }.into(),
            Goods::Selected { remedy, part } => RemedySelected {
                remedy: *remedy,
                by: self.claim(act)?.by,
                units: Some(self.units(act, *part)?),
                same_item: Some(*remedy != Remedy::Upgrade),
                in_stock: None,
            }
            .into(),
            // What it entitles to and under which clauses, the ledger fills in.
            Goods::Decided { part, remedy } => RemedyDecided {
                units: self.units(act, *part)?,
                remedy: *remedy,
                variant: None,
                entitlement: None,
                reason_code: None,
                cites: Vec::new(),
                policy_sha256: None,
                facts_sha256: None,
            }
            .into(),
            Goods::RemedyFailed { remedy, part } => RemedyFailed {
                remedy: *remedy,
                units: Some(self.units(act, *part)?),
                reason_code: code("fault_persists")?,
            }
            .into(),
            Goods::Stock { in_stock } => {
                let line = self.claim(act)?.front.first().and_then(|run| self.story.sale.lines.get(run.line));
                let line = line.ok_or_else(|| Impossible("a claim about nothing".into()))?;
                StockReported { sku: line.article.sku.clone(), in_stock: *in_stock }.into()
            }
            Goods::Repaired(part) => {
                RepairCompleted { units: self.units(act, *part)?, authorized_repair: Some(true) }.into()
            }
            Goods::RepairSent { part, rma } => {
                let units = self.units(act, *part)?;
                RepairShipped { units, parcel: None, rma: self.rma(act, *rma)? }.into()
            }
            Goods::PartsSent(part) => {
                let units = self.units(act, *part)?;
                SparePartsSent { units, parcel: None, authorized_repair: Some(true) }.into()
            }
            Goods::ReplacementSent { part, rma, variant } => ReplacementShipped {
                units: self.units(act, *part)?,
                parcel: None,
                variant: *variant,
                rma: self.rma(act, *rma)?,
            }
            .into(),
            Goods::ReplacementArrived(part) => {
                ReplacementDelivered { units: self.units(act, *part)?, parcel: None }.into()
            }
        })
    }

    fn inspected(&mut self, act: &Act<'m>, finding: Finding<'m>, part: Part) -> Made<ItemInspected> {
        let claim = self.claim(act)?;
        let basis = claim.basis;
        let broken = matches!(basis, Basis::Defect | Basis::Doa | Basis::TransitDamage);
        let (defect, cause) = match finding {
            Finding::Cause(cause) => (Defect::Confirmed, cause.clone()),
            Finding::Sound => (Defect::None, code("none")?),
            _ if basis == Basis::TransitDamage => (Defect::Confirmed, code("transit")?),
            // Who broke it is not always to be seen.
            _ if broken && self.chance.percent(6) => (Defect::Confirmed, code("unknown")?),
            _ if broken => (Defect::Confirmed, code("manufacturing")?),
            _ => (Defect::None, code("none")?),
        };
        let used = matches!(finding, Finding::Worn | Finding::Altered);
        let crushed =
            matches!(finding, Finding::Worn | Finding::Crushed | Finding::Installed { crushed: true })
                || (basis == Basis::TransitDamage && !matches!(finding, Finding::Sound));
        let installed = matches!(finding, Finding::Installed { .. } | Finding::Altered);
        let line = claim.front.first().and_then(|run| self.story.sale.lines.get(run.line));
        let missing: Vec<Word> = match (finding, line) {
            (Finding::Incomplete, Some(line)) => match line.article.accessories.keys().next() {
                Some(name) => vec![name.clone()],
                None => vec![word("manual")?],
            },
            _ => Vec::new(),
        };
        // Whether a seal is whole matters to those who bought the wrong thing.
        let sealed = (basis == Basis::WrongPurchase).then_some(matches!(finding, Finding::AsSaid));
        Ok(ItemInspected {
            units: self.units(act, part)?,
            installed: Some(installed || basis == Basis::Defect),
            packaging: Some(if crushed { Packaging::Damaged } else { Packaging::Intact }),
            same_condition: Some(!used),
            altered: Some(matches!(finding, Finding::Altered)),
            sealed,
            accessories_missing: Some(missing),
            damage: Some(if crushed { vec![word("carton")?] } else { Vec::new() }),
            defect: Some(defect),
            on_arrival: Some(
                matches!(basis, Basis::Doa | Basis::TransitDamage) && !matches!(finding, Finding::Later),
            ),
            cause: Some(cause),
            tests: None,
            media: if self.chance.percent(12) { Some(vec![self.hash()]) } else { None },
        })
    }
}
