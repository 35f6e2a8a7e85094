//! What a command says, in full: every act of a story as an event, personal values in clear.

use replay::{
    event::{
        AccessoryPrice, AuthorizationDenied, AuthorizationExpired, AuthorizationGranted, AuthorizationVoided,
        Basis, Channel, ChargePaid, ChargeWaived, ChargebackLost, ChargebackOpened, ChargebackWon,
        ClaimClosed, ClaimEscalated, ClaimOpened, ClaimReclassified, ClaimReopened, ClaimWithdrawn, Claimant,
        ConnectivityAssessed, ContactLogged, CostRecorded, CustomerCharged, Defect,
        DeviceTransmissionSummarised, DiscretionExercised, DisputeOpened, DisputeResolved,
        DispositionRecorded, EligibilityAssessed, Event, EventCorrected, EventReversed, Evidence,
        EvidenceSubmitted, FeeCharged, Gift, GiftCreditIssued, GiftShippedTo, ItemInspected,
        ItemLostInCustody, LabelIssued, Leg, NoteAdded, NoticeSent, OrderLine, OrderRecorded,
        OwnershipChangeRecorded, Packaging, ParcelReceived, ParcelRefused, PaymentCaptured, Payout, PayoutTo,
        Person, Place, RefundFailed, RefundIssued, RefundLateFlagged, RefundPosted, RefundTraceAnswered,
        RefundTraceOpened, Remedy, RemedyDecided, RemedyFailed, RemedyOffered, RemedySelected,
        RepairCompleted, RepairShipped, ReplacementDelivered, ReplacementShipped, SalesChannel,
        ShipmentDispatched, SparePartsSent, StockReported, SubscriptionActivated, TaxMode, TrackingScanned,
        UnitAssessment, UnitStatus, Variant, VerificationFailed,
    },
    ids::{ActorId, ChargeId, Code, EventId, PaymentId, Personal, Word},
    merkle::Hash,
    money::{Amount, Currency},
    time::Day,
    tracking::{Verdict, judge},
    units::Units,
};
use serde_json::{Map, Value};

use super::{
    act::{Act, By, Finding, Fix, Part, What},
    hours::{DAY, MINUTE},
    sale::Run,
    shop::Carrier,
    story::Claim,
    tell::{Teller, code, sure, when, word},
};

impl<'m> Teller<'_, 'm> {
    fn claim(&self, act: &Act<'_>) -> &Claim {
        // Only acts of claims ask.
        let index = usize::from(act.stream).saturating_sub(1);
        sure(self.story.claims.get(index).ok_or("a claim's act in no claim"))
    }
    fn units(&self, act: &Act<'_>, part: Part) -> Units {
        self.claim(act).units(part).into_iter().fold(Units::default(), |all, run| {
            let run = self.run(run);
            if all.is_empty() { run } else { all.union(&run) }
        })
    }
    fn run(&self, run: Run) -> Units {
        let line = || sure(self.story.merchant.common.lines.get(run.line).cloned().ok_or("no such line"));
        let through = sure(Units::from_line(line(), run.last));
        match run.first {
            1 => through,
            first => through.difference(&sure(Units::from_line(line(), first - 1))),
        }
    }
    fn amount(&self, minor: u64) -> Amount {
        sure(Amount::new(minor, self.story.market.money.code))
    }
    fn hash(&mut self) -> Hash {
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = u8::try_from(self.chance.below(256)).unwrap_or_default();
        }
        Hash(bytes)
    }
    /// A personal text about a topic.
    fn text(&mut self, topic: &str) -> Option<Personal> {
        let text = self.story.merchant.common.text(topic, &mut self.chance)?;
        Some(sure(Personal::clear(text)))
    }
    /// The same, in so many of a hundred cases.
    fn text_in(&mut self, percent: u64, topic: &str) -> Option<Personal> {
        if self.chance.percent(percent) { self.text(topic) } else { None }
    }
    fn said(&mut self, topic: &str) -> Personal {
        self.text(topic).unwrap_or(Personal::Clear("-".into()))
    }
    fn device(&self, line: u8) -> Code {
        code(&format!("dev-{}-{line}", self.story.number))
    }
    fn cites(cites: &[Code]) -> Vec<Code> {
        if cites.is_empty() {
            // The policy grants nothing on these grounds: no clause, no line.
            return vec![code("H-11")];
        }
        cites.to_vec()
    }
    /// The local day of a moment.
    fn day(&self, at: i64) -> Day {
        when(at, self.story.market.offset_minutes).local_day()
    }

    /// A tracking number as the carrier writes it; now and then somebody mistypes it.
    fn tracking(&mut self, carrier: &Carrier) -> Personal {
        let mut number = String::with_capacity(carrier.number.len());
        for sign in carrier.number.chars() {
            let digit = match sign {
                '#' => char::from_digit(u32::try_from(self.chance.below(10)).unwrap_or_default(), 10),
                '?' => Some('0'),
                other => Some(other),
            };
            number.extend(digit);
        }
        if let Some(at) = carrier.number.find('?')
            && let Verdict::WrongCheckDigit { expected, .. } = judge(carrier.code.as_str(), &number)
            && !self.chance.per_mille(8)
        {
            number.replace_range(at..=at, expected.encode_utf8(&mut [0; 4]));
        }
        sure(Personal::clear(number))
    }

    fn person(&mut self) -> Person {
        let people = &self.story.merchant.common.people;
        let mut one = |list: &'m [String]| self.chance.pick(list).map_or("", String::as_str);
        let (first, family) = (one(&people.first), one(&people.family));
        let (street, mail) = (one(&people.street), one(&people.mail));
        let number = self.chance.between(1, 180);
        let clear = |text: String| Some(sure(Personal::clear(text)));
        let account = family.to_ascii_lowercase();
        Person {
            name: clear(format!("{first} {family}")),
            email: if self.chance.percent(70) { clear(format!("{account}{number}@{mail}")) } else { None },
            address: if self.chance.percent(40) { clear(format!("{number} {street}")) } else { None },
            phone: None,
        }
    }

    /// The event of an act. An amendment points nowhere until its target is recorded.
    pub fn event(&mut self, act: &Act<'_>) -> Event {
        let stream = act.stream;
        match act.what {
            What::Sold => self.sold().into(),
            What::Paid { part, minor } => PaymentCaptured {
                payment: sure(PaymentId::new(format!("PAY{}-{part}", self.story.number))),
                method_ref: word(if self.story.number % 3 == 0 { "wallet" } else { "card" }),
                amount: self.amount(minor),
                what: None,
            }
            .into(),
            What::Activated { line } => {
                let lines = &self.story.merchant.common.lines;
                let line_id = sure(lines.get(usize::from(line)).cloned().ok_or("no such line"));
                SubscriptionActivated { line: line_id, device: self.device(line) }.into()
            }
            What::Transmitted { line, count } => {
                let (from, to) = (self.day(self.story.purchased), self.day(self.story.purchased + 30 * DAY));
                let last_at = (count > 0).then(|| when(act.at - 90 * MINUTE, 0));
                let device = self.device(line);
                DeviceTransmissionSummarised { device, from, to, count, last_at }.into()
            }
            What::ChangedHands { line } => {
                let customer = |n: u64| ActorId::new(format!("customer-{}-{n}", self.story.number)).ok();
                let (from, to, approved_by) = (customer(1), customer(2), customer(2));
                OwnershipChangeRecorded { device: self.device(line), from, to, approved_by }.into()
            }
            What::Sent { parcel, part, rma } => {
                let customer = act.by == By::Courier;
                let market = self.story.market;
                let carrier = if customer { &market.back } else { &market.carrier };
                ShipmentDispatched {
                    parcel: self.parcel(stream, parcel),
                    leg: parcel.leg,
                    tracking: Some(self.tracking(carrier)),
                    tracking_check: None,
                    carrier: Some(carrier.code.clone()),
                    service: Some(carrier.service.clone()),
                    traceable: Some(true),
                    units: (stream > 0).then(|| self.units(act, part)),
                    rma_on_parcel: rma.map(|rma| self.rma(stream, rma)),
                }
                .into()
            }
            What::Scanned { parcel, status } => TrackingScanned {
                parcel: self.parcel(stream, parcel),
                status,
                place: Some(self.story.market.country.clone()),
                scan_ref: None,
            }
            .into(),
            What::Connected { line, transmitted } => ConnectivityAssessed {
                device: Some(self.device(line)),
                transmitted: Some(transmitted),
                vehicle_sold_not_removed: Some(false),
                ownership_changed: Some(false),
                data_ref: None,
            }
            .into(),
            What::Corrected { fix, .. } => self.corrected(fix).into(),
            What::Reversed { .. } => EventReversed {
                target: EventId(uuid::Uuid::nil()),
                reason_code: code("did_not_occur"),
                reason_text: self.text_in(30, "reasons"),
            }
            .into(),
            _ => self.on_claim(act),
        }
    }

    fn corrected(&mut self, fix: Fix) -> EventCorrected {
        let field = |name: &str, value: &str| Map::from_iter([(name.into(), Value::from(value))]);
        let (set, effective_at) = match fix {
            Fix::Packaging => (field("packaging", Packaging::Intact.as_str()), None),
            Fix::Channel => (field("via", Channel::Phone.as_str()), None),
            Fix::Time(at) => (Map::new(), Some(when(at, self.story.market.offset_minutes))),
        };
        EventCorrected {
            target: EventId(uuid::Uuid::nil()),
            set,
            effective_at,
            reason_code: code("incorrect_data"),
            reason_text: self.text_in(30, "reasons"),
            evidence: None,
        }
    }

    fn sold(&mut self) -> OrderRecorded {
        let story = self.story;
        let market = story.market;
        let lines = (0..).zip(&story.sale.lines).map(|(index, line)| {
            let article = line.article;
            let subscription = article.class == replay::event::ArticleClass::Subscription;
            let serials = if article.serials && line.quantity <= 4 && story.named { line.quantity } else { 0 };
            let serial = |n| sure(Personal::clear(format!("SN-{}-{index}{n}", story.number)));
            OrderLine {
                id: sure(story.merchant.common.lines.get(index).cloned().ok_or("no such line")),
                sku: article.sku.clone(),
                description: Some(article.description.clone()),
                class: article.class,
                condition_sold: article.condition,
                on_sale: line.on_sale,
                free_gift: article.free_gift,
                not_returnable: false,
                quantity: line.quantity,
                unit_price_minor: line.unit_minor,
                line_discount_minor: line.discount_minor,
                tax_minor: line.tax_minor,
                warranty_term: article.warranty_term.clone(),
                serials: (0..serials).map(serial).collect(),
                accessories: article
                    .accessories
                    .iter()
                    .map(|(name, cents)| AccessoryPrice {
                        name: name.clone(),
                        price_minor: market.money.minor(*cents),
                    })
                    .collect(),
                period_from: subscription.then(|| self.day(story.purchased)),
                period_to: subscription.then(|| self.day(story.purchased + 30 * DAY)),
            }
        });
        let lines = lines.collect();
        let gift = story.gift.then(|| Gift {
            marked: true,
            shipped_to: GiftShippedTo::Recipient,
            recipient: Some(self.person()),
        });
        OrderRecorded {
            policy: story.merchant.terms.policy.clone(),
            channel: SalesChannel::Direct,
            seller: None,
            currency: market.money.code,
            purchased_at: when(story.purchased, market.offset_minutes),
            invoiced_on: None,
            ship_to: Place { country: market.country.clone(), subdivision: story.subdivision.cloned() },
            buyer: if story.named { Some(self.person()) } else { None },
            gift,
            tax_mode: if market.tax_inclusive { TaxMode::Inclusive } else { TaxMode::Exclusive },
            order_discount_minor: story.sale.discount_minor,
            shipping_minor: story.sale.shipping_minor,
            shipping_tax_minor: story.sale.shipping_tax_minor,
            lines,
        }
    }

    /// Acts on a claim up to its decision.
    fn on_claim(&mut self, act: &Act<'_>) -> Event {
        let stream = act.stream;
        match act.what {
            What::Opened => {
                let basis = self.claim(act).basis;
                let text = self.text_in(40, basis.as_str());
                let claim = self.claim(act);
                ClaimOpened {
                    order: self.order_id(),
                    asserted: basis,
                    units: self.units(act, Part::All),
                    by: claim.by,
                    via: claim.via,
                    first_contact_at: None,
                    contact_before_return: Some(true),
                    text,
                }
                .into()
            }
            What::Reclassified(to) => ClaimReclassified {
                to,
                by: Claimant::Buyer,
                reason_code: code("customer_says_so"),
                reason_text: None,
            }
            .into(),
            What::Proofs { complete } => {
                let mut items = self.proofs(act);
                if !complete && items.len() > 1 {
                    items.pop();
                }
                EvidenceSubmitted { items }.into()
            }
            What::ProofsFailed => {
                let items = self.proofs(act).into_iter().take(1).map(|e| e.kind).collect();
                let reason_code = Some(code("cannot_be_read"));
                VerificationFailed { items, reason_code, reason_text: None }.into()
            }
            What::Assessed { status, remedy, cites } => EligibilityAssessed {
                units: vec![UnitAssessment {
                    units: self.units(act, Part::All),
                    status,
                    basis: Some(self.claim(act).basis),
                    remedies: remedy.filter(|_| status != UnitStatus::Ineligible).into_iter().collect(),
                    cites: Self::cites(cites),
                    last_days: Vec::new(),
                }],
                policy_sha256: Some(self.story.merchant.terms.sha256),
                facts_sha256: None,
            }
            .into(),
            What::Granted { rma } => AuthorizationGranted {
                rma: rma.map(|rma| self.rma(stream, rma)),
                units: self.units(act, Part::All),
                written: true,
                form: None,
                instructions_ref: None,
                process: Some(code(if self.story.market.abroad { "separate" } else { "standard" })),
            }
            .into(),
            What::Denied { reason, cites } => AuthorizationDenied {
                rma: None,
                units: Some(self.units(act, Part::All)),
                reason_code: code(reason),
                reason_text: self.text_in(15, "reasons"),
                cites: Self::cites(cites),
            }
            .into(),
            What::Expired { rma } => AuthorizationExpired {
                rma: self.rma(stream, rma),
                reason_code: code("nothing_was_sent"),
                cites: self.story.merchant.terms.rules.authorization_cites.clone(),
            }
            .into(),
            What::Voided { rma } => AuthorizationVoided {
                rma: self.rma(stream, rma),
                reason_code: code("wrong_number"),
                reason_text: None,
                cites: Vec::new(),
            }
            .into(),
            What::Label { minor, paid_by } => LabelIssued {
                parcel: None,
                leg: Leg::Inbound,
                carrier: Some(self.story.market.back.code.clone()),
                tracking: None,
                cost: self.amount(minor),
                paid_by,
            }
            .into(),
            What::Received { rma } => ParcelReceived {
                parcel: None,
                rma: rma.map(|rma| self.rma(stream, rma)),
                units: self.units(act, Part::All),
                extra: Vec::new(),
                note: Some(self.chance.percent(60)),
                form: None,
                place: None,
            }
            .into(),
            What::TurnedAway => ParcelRefused {
                parcel: None,
                rma: None,
                units: Some(self.units(act, Part::All)),
                reason_code: code("rma_not_on_parcel"),
                cites: self.story.merchant.terms.rules.authorization_cites.clone(),
            }
            .into(),
            What::Inspected { finding, part } => self.inspected(act, finding, part).into(),
            What::LostInCustody => ItemLostInCustody {
                units: self.units(act, Part::All),
                circumstances: self.text_in(50, "notes"),
            }
            .into(),
            What::Put(disposition) => {
                DispositionRecorded { units: self.units(act, Part::All), disposition }.into()
            }
            What::Notice(about) => NoticeSent {
                about: code(about),
                channel: Some(Channel::Email),
                to: Some(code(self.claim(act).by.as_str())),
                reference: None,
            }
            .into(),
            What::Contact(direction) => {
                let (channel, text) = (self.claim(act).via, self.said("contacts"));
                ContactLogged { channel, direction, text }.into()
            }
            What::Note => NoteAdded { text: self.said("notes") }.into(),
            What::Closed(reason) => ClaimClosed { reason_code: code(reason), reason_text: None }.into(),
            What::Reopened => {
                let reason_text = self.text_in(40, "reasons");
                ClaimReopened { reason_code: code("claimant_asks"), reason_text }.into()
            }
            What::Escalated => {
                ClaimEscalated { reason_code: code("customer_asks"), reason_text: None }.into()
            }
            What::Withdrawn => ClaimWithdrawn {
                by: self.claim(act).by,
                reason_code: code("keeps_the_goods"),
                reason_text: None,
            }
            .into(),
            What::Disputed => DisputeOpened {
                by: self.claim(act).by,
                about: Vec::new(),
                evidence: None,
                text: Some(self.said("contacts")),
            }
            .into(),
            What::DisputeEnded => {
                let result = code(if self.chance.percent(40) { "upheld" } else { "rejected" });
                let by = Some(self.story.merchant.staff.supervisor.clone());
                DisputeResolved { result, evidence: None, cites: Vec::new(), by }.into()
            }
            _ => self.remedy(act),
        }
    }

    /// The proofs that the policy wants on these grounds.
    fn proofs(&mut self, act: &Act<'_>) -> Vec<Evidence> {
        let basis = self.claim(act).basis;
        let rows = self.story.merchant.terms.proofs.iter().filter(|r| r.is_about(basis, None));
        let mut kinds: Vec<&Code> = Vec::new();
        for kind in rows.flat_map(|r| &r.what) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let mut items: Vec<Evidence> = Vec::with_capacity(kinds.len().max(1));
        for kind in kinds {
            let photo = kind.as_str().contains("photo");
            let sha256 = if photo { Some(self.hash()) } else { None };
            items.push(Evidence { kind: kind.clone(), sha256, media: photo.then(|| word("image/jpeg")) });
        }
        if items.is_empty() {
            items.push(Evidence { kind: code("order_number"), sha256: None, media: None });
        }
        items
    }

    fn inspected(&mut self, act: &Act<'_>, finding: Finding<'_>, part: Part) -> ItemInspected {
        let basis = self.claim(act).basis;
        let broken = matches!(basis, Basis::Defect | Basis::Doa | Basis::TransitDamage);
        let (defect, cause) = match finding {
            Finding::Cause(cause) => (Defect::Confirmed, cause.clone()),
            Finding::AsSaid if basis == Basis::TransitDamage => (Defect::Confirmed, code("transit")),
            Finding::AsSaid if broken => (Defect::Confirmed, code("manufacturing")),
            _ => (Defect::None, code("none")),
        };
        let worn = matches!(finding, Finding::Worn);
        let crushed = worn || (basis == Basis::TransitDamage && matches!(finding, Finding::AsSaid));
        let nothing = || Some(Vec::<Word>::new());
        ItemInspected {
            units: self.units(act, part),
            installed: Some(worn || basis == Basis::Defect),
            packaging: Some(if crushed { Packaging::Damaged } else { Packaging::Intact }),
            same_condition: Some(!worn),
            altered: Some(false),
            sealed: None,
            accessories_missing: nothing(),
            damage: if crushed { Some(vec![word("carton")]) } else { nothing() },
            defect: Some(defect),
            on_arrival: Some(matches!(basis, Basis::Doa | Basis::TransitDamage)),
            cause: Some(cause),
            tests: None,
            media: if self.chance.percent(12) { Some(vec![self.hash()]) } else { None },
        }
    }

    /// Remedies in kind, then money.
    fn remedy(&mut self, act: &Act<'_>) -> Event {
        let stream = act.stream;
        let rma = |rma: Option<u8>| rma.map(|rma| self.rma(stream, rma));
        match act.what {
            What::Offered(remedy) => RemedyOffered { remedy, same_item: None }.into(),
            What::Selected(remedy) => RemedySelected {
                remedy,
                by: self.claim(act).by,
                units: None,
                same_item: Some(remedy != Remedy::Upgrade),
                in_stock: None,
            }
            .into(),
            What::Decided { part, remedy, minor, cites } => RemedyDecided {
                units: self.units(act, part),
                remedy,
                variant: (remedy == Remedy::Replacement).then_some(Variant::New),
                entitlement: minor.map(|minor| self.amount(minor)),
                reason_code: None,
                cites: Self::cites(cites),
                policy_sha256: Some(self.story.merchant.terms.sha256),
                facts_sha256: None,
            }
            .into(),
            What::RemedyFailed { remedy, part } => RemedyFailed {
                remedy,
                units: Some(self.units(act, part)),
                reason_code: code("fault_persists"),
            }
            .into(),
            What::Stock => {
                let line = self.claim(act).front.first().map_or(0, |run| run.line);
                let line = sure(self.story.sale.lines.get(line).ok_or("no such line"));
                StockReported { sku: line.article.sku.clone(), in_stock: true }.into()
            }
            What::Repaired(part) => {
                RepairCompleted { units: self.units(act, part), authorized_repair: Some(true) }.into()
            }
            What::RepairSent { part, rma: number } => {
                RepairShipped { units: self.units(act, part), parcel: None, rma: rma(number) }.into()
            }
            What::PartsSent => SparePartsSent {
                units: self.units(act, Part::All),
                parcel: None,
                authorized_repair: Some(true),
            }
            .into(),
            What::ReplacementSent { part, rma: number } => ReplacementShipped {
                units: self.units(act, part),
                parcel: None,
                variant: Some(Variant::New),
                rma: rma(number),
            }
            .into(),
            What::ReplacementArrived(part) => {
                ReplacementDelivered { units: self.units(act, part), parcel: None }.into()
            }
            _ => self.money(act),
        }
    }

    fn money(&mut self, act: &Act<'_>) -> Event {
        let stream = act.stream;
        let charge = |charge: u8| sure(ChargeId::new(format!("CH{}-{stream}-{charge}", self.story.number)));
        let psp_ref = |number: u8| word(&format!("CB{}-{stream}-{number}", self.story.number));
        match act.what {
            What::Cost { cost, paid_by, minor, abroad } => self.cost(act, cost, paid_by, minor, abroad).into(),
            What::Discretion { point, option, fee_bp, minor } => DiscretionExercised {
                point: point.clone(),
                decision: code(option),
                units: Some(self.units(act, Part::All)),
                fee_bp,
                amount: minor.map(|minor| self.amount(minor)),
                value: None,
                reason_code: code("photos_and_papers"),
                reason_text: self.said("reasons"),
            }
            .into(),
            What::Goodwill { minor } => DiscretionExercised {
                point: code("H-19.goodwill"),
                decision: code("pay"),
                units: None,
                fee_bp: None,
                amount: Some(self.amount(minor)),
                value: None,
                reason_code: code("loyal_customer"),
                reason_text: self.said("reasons"),
            }
            .into(),
            What::Fee { charge: number, minor, cites } => FeeCharged {
                charge: charge(number),
                fee: code("service"),
                amount: self.amount(minor),
                cites: Self::cites(cites),
            }
            .into(),
            What::Charged { charge: number, minor } => CustomerCharged {
                charge: charge(number),
                cost: code("return_leg_shipping"),
                amount: self.amount(minor),
                cites: Vec::new(),
            }
            .into(),
            What::ChargePaid { charge: number, minor } => {
                ChargePaid { charge: charge(number), amount: self.amount(minor) }.into()
            }
            What::ChargeWaived { charge: number } => {
                let (charge, reason_text) = (charge(number), self.text_in(40, "reasons"));
                ChargeWaived { charge, reason_code: code("small_amount"), reason_text }.into()
            }
            What::Refund { refund, minor, other_method } => {
                let to = if other_method { PayoutTo::OtherMethod } else { PayoutTo::OriginalMethod };
                let amount = self.amount(minor);
                let payout = Payout { to, method_ref: None };
                RefundIssued { refund: self.refund(stream, refund), amount, payout, units: None, explains: None }
                    .into()
            }
            What::Posted { refund } => RefundPosted { refund: self.refund(stream, refund) }.into(),
            What::Failed { refund } => {
                let reason_code = code("account_closed");
                RefundFailed { refund: self.refund(stream, refund), reason_code }.into()
            }
            What::Late { refund } => RefundLateFlagged {
                refund: self.refund(stream, refund),
                due: self.when(act.by, act.at - 3 * DAY),
                cites: Vec::new(),
                ladder: Vec::new(),
            }
            .into(),
            What::TraceOpened { refund } => RefundTraceOpened {
                refund: self.refund(stream, refund),
                by: self.claim(act).by,
                via: Some(self.claim(act).via),
                attested: vec![code("bank_account_rechecked")],
            }
            .into(),
            What::TraceAnswered { refund } => {
                let result = code("held_by_the_bank");
                RefundTraceAnswered { refund: self.refund(stream, refund), result }.into()
            }
            What::GiftCredit { credit, minor } => GiftCreditIssued {
                credit: self.refund(stream, credit),
                amount: self.amount(minor),
                to: self.claim(act).by,
                code_hash: Some(self.hash()),
            }
            .into(),
            What::ChargedBack { chargeback, minor } => ChargebackOpened {
                psp_ref: psp_ref(chargeback),
                amount: self.amount(minor),
                reason_code: code("not_as_described"),
            }
            .into(),
            What::ChargebackEnded { chargeback, won: true } => {
                ChargebackWon { psp_ref: psp_ref(chargeback) }.into()
            }
            What::ChargebackEnded { chargeback, won: false } => {
                ChargebackLost { psp_ref: psp_ref(chargeback) }.into()
            }
            other => unreachable!("{other:?} was put into words before"),
        }
    }

    /// A cost in the order's currency, or in another one with its rate (H-8).
    fn cost(
        &mut self,
        act: &Act<'_>,
        cost: &str,
        paid_by: replay::event::Party,
        minor: u64,
        abroad: bool,
    ) -> CostRecorded {
        let own = self.story.market.money;
        let foreign = Currency::CNY;
        // As a rate of the two smallest units, which is what the amounts are in.
        let there = minor.saturating_mul(7);
        let (amount, converted) = if abroad && own.code != foreign {
            (sure(Amount::new(there, foreign)), true)
        } else {
            (self.amount(minor), false)
        };
        CostRecorded {
            cost: code(cost),
            paid_by,
            amount,
            order_amount: converted.then(|| self.amount(minor)),
            rate: converted.then(|| code("0.142857")),
            rate_source: converted.then(|| word("house rate")),
            rate_date: converted.then(|| self.day(act.at)),
            receipt_ref: None,
            units: None,
        }
    }
}
