//! Events of a claim up to its decision: contact, evidence, authorization, goods, inspection.

use super::payload::{Unsound, not_too_long, payload, some_units};
use super::words::{
    Basis, Channel, Claimant, Defect, Direction, Disposition, Leg, Packaging, Party, Remedy, UnitStatus,
    Variant,
};
use crate::{
    ids::{ActorId, Code, EventId, OrderId, ParcelId, Personal, Rma, Word},
    merkle::Hash,
    money::Amount,
    time::{Day, When},
    units::Units,
};
use alloc::{string::String, vec::Vec};

payload! {
    /// A customer turns to the merchant about units of one order.
    ClaimOpened {
        order: OrderId,
        asserted: Basis,
        units: Units,
        by: Claimant,
        via: Channel,
        /// A proven earlier contact that counts instead of the effective time (H-2).
        first_contact_at?: When,
        contact_before_return?: bool,
        text?: Personal,
    } @personal text; @check |p| {
        can_be_asserted("asserted", p.asserted)?;
        some_units(&p.units)
    }
    /// The reason is another one than first said.
    ClaimReclassified { to: Basis, by: Claimant, reason_code: Code, reason_text?: Personal, } @personal reason_text;
        @check |p| { can_be_asserted("to", p.to) }
    /// Evidence arrives.
    EvidenceSubmitted { items*: Evidence, } @check |p| { some_entries("items", p.items.len()) }
    /// One piece of evidence; larger files are kept by hash.
    Evidence { kind: Code, sha256?: Hash, media?: Word, }
    /// Evidence was checked and does not hold.
    VerificationFailed { items*: Code, reason_code?: Code, reason_text?: Personal, } @personal reason_text;
        @check |p| { some_entries("items", p.items.len()) }
    /// What the policy said of each unit on that day.
    EligibilityAssessed { units*: UnitAssessment, policy_sha256?: Hash, facts_sha256?: Hash, }
        @check |p| { some_entries("units", p.units.len()) }
    /// One run of units with one standing.
    UnitAssessment { units: Units, status: UnitStatus, basis?: Basis, remedies*: Remedy, cites*: Code, last_days*: LastDay, }
    /// Last day of a window.
    LastDay { window: Code, day: Day, }

    /// The merchant agrees to the return and gives it a number.
    AuthorizationGranted { rma?: Rma, units: Units, written!, form?: bool, instructions_ref?: Word, process?: Code, }
        @check |p| { some_units(&p.units) }
    /// The merchant does not agree, under these clauses.
    AuthorizationDenied { rma?: Rma, units?: Units, reason_code: Code, reason_text?: Personal, cites*: Code, } @personal reason_text;
    /// A granted number ran out.
    AuthorizationExpired { rma: Rma, reason_code: Code, cites*: Code, }
    /// A granted number was withdrawn.
    AuthorizationVoided { rma: Rma, reason_code: Code, reason_text?: Personal, cites*: Code, } @personal reason_text;
    /// A shipping label, and with it a cost.
    LabelIssued { parcel?: ParcelId, leg: Leg, carrier?: Code, tracking?: Personal, cost: Amount, paid_by: Party, } @personal tracking;

    /// Goods arrive at the dock.
    ParcelReceived {
        parcel?: ParcelId,
        rma?: Rma,
        units: Units,
        /// Things in the box that are on no list.
        extra*: Word,
        note?: bool,
        form?: bool,
        place?: Word,
    } @check |p| { some_units(&p.units) }
    /// A parcel failed the rule of the dock and was not taken in.
    ParcelRefused { parcel?: ParcelId, rma?: Rma, units?: Units, reason_code: Code, cites*: Code, }
    /// Findings on units; a later inspection overrides only the fields it carries.
    ItemInspected {
        units: Units,
        installed?: bool,
        packaging?: Packaging,
        same_condition?: bool,
        altered?: bool,
        sealed?: bool,
        /// Empty = all there; left out = not looked at.
        accessories_missing?: Vec<Word>,
        damage?: Vec<Word>,
        defect?: Defect,
        on_arrival?: bool,
        cause?: Code,
        tests?: Vec<Word>,
        media?: Vec<Hash>,
    } @check |p| {
        not_too_long("accessories_missing", p.accessories_missing.as_ref())?;
        not_too_long("damage", p.damage.as_ref())?;
        not_too_long("tests", p.tests.as_ref())?;
        not_too_long("media", p.media.as_ref())?;
        some_units(&p.units)
    }
    /// What a device's data say about a paid period.
    ConnectivityAssessed { device?: Code, transmitted?: bool, vehicle_sold_not_removed?: bool, ownership_changed?: bool, data_ref?: Word, }
    /// Units were lost while the merchant held them.
    ItemLostInCustody { units: Units, circumstances?: Personal, } @personal circumstances; @check |p| { some_units(&p.units) }
    /// Where units go in the warehouse; no effect on money.
    DispositionRecorded { units: Units, disposition: Disposition, } @check |p| { some_units(&p.units) }

    /// The merchant proposes a remedy.
    RemedyOffered { remedy: Remedy, same_item?: bool, }
    /// The customer names a remedy.
    RemedySelected { remedy: Remedy, by: Claimant, units?: Units, same_item?: bool, in_stock?: bool, }
    /// The merchant decides what units get and, for money, how much at most.
    RemedyDecided {
        units: Units,
        remedy: Remedy,
        variant?: Variant,
        /// Money owed for exactly these units, replacing what an earlier decision said of them.
        entitlement?: Amount,
        reason_code?: Code,
        cites*: Code,
        policy_sha256?: Hash,
        facts_sha256?: Hash,
    } @check |p| {
        some_units(&p.units)?;
        match (&p.entitlement, p.remedy) {
            // Beside a replacement or repair there may be costs to repay.
            (Some(_), Remedy::None) => {
                Err(Unsound { field: "entitlement", rule: "belongs to a decision, and none decides nothing".into() })
            }
            _ => Ok(()),
        }
    }
    /// A remedy did not work; the choice is open again.
    RemedyFailed { remedy: Remedy, units?: Units, reason_code: Code, }
    /// Whether an article can be had.
    StockReported { sku: Word, in_stock: bool, }
    /// Units were repaired.
    RepairCompleted { units: Units, authorized_repair?: bool, } @check |p| { some_units(&p.units) }
    /// Repaired units go back.
    RepairShipped { units: Units, parcel?: ParcelId, rma?: Rma, } @check |p| { some_units(&p.units) }
    /// Parts go to the customer.
    SparePartsSent { units: Units, parcel?: ParcelId, authorized_repair?: bool, } @check |p| { some_units(&p.units) }
    /// A replacement goes out.
    ReplacementShipped { units: Units, parcel?: ParcelId, variant?: Variant, rma?: Rma, } @check |p| { some_units(&p.units) }
    /// A replacement has arrived.
    ReplacementDelivered { units: Units, parcel?: ParcelId, } @check |p| { some_units(&p.units) }

    /// A duty to inform was met.
    NoticeSent { about: Code, channel?: Channel, to?: Code, reference?: Word, }
    /// What was said; no effect on money.
    ContactLogged { channel: Channel, direction: Direction, text: Personal, } @personal text;
    /// A note among colleagues; no effect on money.
    NoteAdded { text: Personal, } @personal text;

    /// Nothing personal is erased here while a matter needs it.
    LegalHoldPlaced {
        /// The matter, e.g. the number of a lawsuit: used once on a claim or order.
        hold: Code,
        reason_code: Code,
    }
    /// The matter needs it no longer.
    LegalHoldReleased { hold: Code, reason_code: Code, }

    /// An earlier event of the same stream was wrong in these fields.
    EventCorrected {
        target: EventId,
        /// Field of the target's payload -> right value.
        set: serde_json::Map<String, serde_json::Value>,
        /// When it really happened, if that was wrong.
        effective_at?: When,
        reason_code: Code,
        reason_text?: Personal,
        evidence?: Hash,
    } @personal reason_text; @check |p| {
        if p.set.is_empty() && p.effective_at.is_none() {
            return Err(Unsound { field: "set", rule: "must name at least one field to correct".into() });
        }
        Ok(())
    }
    /// An earlier event of the same stream did not occur.
    EventReversed { target: EventId, reason_code: Code, reason_text?: Personal, } @personal reason_text;

    /// Nothing more is due.
    ClaimClosed { reason_code: Code, reason_text?: Personal, } @personal reason_text;
    /// A closed or denied claim is taken up again; the first contact keeps its date (H-2).
    ClaimReopened { reason_code: Code, reason_text?: Personal, } @personal reason_text;
    /// Somebody with more authority is asked.
    ClaimEscalated { reason_code: Code, reason_text?: Personal, } @personal reason_text;
    /// The claimant gives up the claim.
    ClaimWithdrawn { by: Claimant, reason_code: Code, reason_text?: Personal, } @personal reason_text;
    /// Somebody contests what the ledger says.
    DisputeOpened { by: Claimant, about*: EventId, evidence?: Word, text?: Personal, } @personal text;
    /// The contest is settled.
    DisputeResolved { result: Code, evidence?: Word, cites*: Code, by?: ActorId, }
}

/// A customer says what is wrong; that nothing is wrong, an inspection finds.
fn can_be_asserted(field: &'static str, basis: Basis) -> Result<(), Unsound> {
    match basis {
        Basis::NoFault => {
            Err(Unsound { field, rule: "cannot be no_fault: that is for an inspection to find".into() })
        }
        _ => Ok(()),
    }
}

fn some_entries(field: &'static str, len: usize) -> Result<(), Unsound> {
    if len == 0 { Err(Unsound { field, rule: "must hold at least one entry".into() }) } else { Ok(()) }
}
