//! Goods on their way, on the bench, and what the customer gets.

use replay::{
    event::{
        Basis, ConnectivityAssessed, Defect, DispositionRecorded, Event, ItemInspected, ItemLostInCustody,
        LabelIssued, Leg, Packaging, ParcelReceived, ParcelRefused, Remedy, RemedyDecided, RemedyFailed,
        RemedyOffered, RemedySelected, RepairCompleted, RepairShipped, ReplacementDelivered,
        ReplacementShipped, SparePartsSent, StockReported, Variant,
    },
    ids::Word,
};

use super::{Impossible, Made, Teller, code, word};
use crate::generate::act::{Act, Finding, Goods, Part};

impl<'m> Teller<'_, 'm> {
    pub(super) fn goods(&mut self, act: &Act<'m>, what: Goods<'m>) -> Made<Event> {
        let terms = &self.story.merchant.terms;
        let all = || self.units(act, Part::All);
        Ok(match what {
            Goods::Label { minor, paid_by } => LabelIssued {
                parcel: None,
                leg: Leg::Inbound,
                carrier: Some(self.story.market.back.code.clone()),
                tracking: None,
                cost: self.amount(minor)?,
                paid_by,
            }
            .into(),
            Goods::Received { rma } => ParcelReceived {
                parcel: None,
                rma: self.rma(act, rma)?,
                units: all()?,
                extra: Vec::new(),
                note: Some(self.chance.percent(60)),
                form: None,
                place: None,
            }
            .into(),
            Goods::TurnedAway => ParcelRefused {
                parcel: None,
                rma: None,
                units: Some(all()?),
                reason_code: code("rma_not_on_parcel")?,
                cites: terms.authorization_cites.clone(),
            }
            .into(),
            Goods::Inspected { finding, part } => self.inspected(act, finding, part)?.into(),
            Goods::Connected { line, transmitted } => ConnectivityAssessed {
                device: Some(self.device(line)?),
                transmitted: Some(transmitted),
                vehicle_sold_not_removed: Some(false),
                ownership_changed: Some(false),
                data_ref: None,
            }
            .into(),
            Goods::LostInCustody => {
                ItemLostInCustody { units: all()?, circumstances: self.text_in(50, "notes")? }.into()
            }
            Goods::Put(disposition) => DispositionRecorded { units: all()?, disposition }.into(),
            Goods::Offered(remedy) => RemedyOffered { remedy, same_item: None }.into(),
            Goods::Selected(remedy) => RemedySelected {
                remedy,
                by: self.claim(act)?.by,
                units: None,
                same_item: Some(remedy != Remedy::Upgrade),
                in_stock: None,
            }
            .into(),
            Goods::Decided { part, remedy, minor, cites } => RemedyDecided {
                units: self.units(act, part)?,
                remedy,
                variant: (remedy == Remedy::Replacement).then_some(Variant::New),
                entitlement: minor.map(|minor| self.amount(minor)).transpose()?,
                reason_code: None,
                cites: Self::cites(cites)?,
                policy_sha256: Some(terms.sha256),
                facts_sha256: None,
            }
            .into(),
            Goods::RemedyFailed { remedy, part } => {
                let units = Some(self.units(act, part)?);
                RemedyFailed { remedy, units, reason_code: code("fault_persists")? }.into()
            }
            Goods::Stock => {
                let line = self.claim(act)?.front.first().and_then(|run| self.story.sale.lines.get(run.line));
                let line = line.ok_or_else(|| Impossible("a claim about nothing".into()))?;
                StockReported { sku: line.article.sku.clone(), in_stock: true }.into()
            }
            Goods::Repaired(part) => {
                RepairCompleted { units: self.units(act, part)?, authorized_repair: Some(true) }.into()
            }
            Goods::RepairSent { part, rma } => {
                let units = self.units(act, part)?;
                RepairShipped { units, parcel: None, rma: self.rma(act, rma)? }.into()
            }
            Goods::PartsSent => {
                SparePartsSent { units: all()?, parcel: None, authorized_repair: Some(true) }.into()
            }
            Goods::ReplacementSent { part, rma } => ReplacementShipped {
                units: self.units(act, part)?,
                parcel: None,
                variant: Some(Variant::New),
                rma: self.rma(act, rma)?,
            }
            .into(),
            Goods::ReplacementArrived(part) => {
                ReplacementDelivered { units: self.units(act, part)?, parcel: None }.into()
            }
        })
    }

    fn inspected(&mut self, act: &Act<'m>, finding: Finding<'m>, part: Part) -> Made<ItemInspected> {
        let basis = self.claim(act)?.basis;
        let broken = matches!(basis, Basis::Defect | Basis::Doa | Basis::TransitDamage);
        let (defect, cause) = match finding {
            Finding::Cause(cause) => (Defect::Confirmed, cause.clone()),
            Finding::AsSaid if basis == Basis::TransitDamage => (Defect::Confirmed, code("transit")?),
            Finding::AsSaid if broken => (Defect::Confirmed, code("manufacturing")?),
            _ => (Defect::None, code("none")?),
        };
        let worn = matches!(finding, Finding::Worn);
        let crushed = worn || (basis == Basis::TransitDamage && matches!(finding, Finding::AsSaid));
        let damage: Vec<Word> = if crushed { vec![word("carton")?] } else { Vec::new() };
        Ok(ItemInspected {
            units: self.units(act, part)?,
            installed: Some(worn || basis == Basis::Defect),
            packaging: Some(if crushed { Packaging::Damaged } else { Packaging::Intact }),
            same_condition: Some(!worn),
            altered: Some(false),
            sealed: None,
            accessories_missing: Some(Vec::new()),
            damage: Some(damage),
            defect: Some(defect),
            on_arrival: Some(matches!(basis, Basis::Doa | Basis::TransitDamage)),
            cause: Some(cause),
            tests: None,
            media: if self.chance.percent(12) { Some(vec![self.hash()]) } else { None },
        })
    }
}
