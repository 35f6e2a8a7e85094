//! Money, and who owes it.

use replay::{
    event::{
        ChargePaid, ChargeWaived, ChargebackLost, ChargebackOpened, ChargebackWon, CostRecorded,
        CustomerCharged, DiscretionExercised, Event, FeeCharged, GiftCreditIssued, Party, Payout,
        RefundFailed, RefundIssued, RefundLateFlagged, RefundPosted, RefundTraceAnswered, RefundTraceOpened,
    },
    ids::ChargeId,
    money::Amount,
};

use super::{Made, Teller, code, word};
use crate::generate::{
    act::{Act, Money},
    hours::DAY,
};

impl<'m> Teller<'_, 'm> {
    pub(super) fn money(&mut self, act: &Act<'m>, what: &Money<'m>) -> Made<Event> {
        let name =
            |what: &str, number: &u8| self.named(&[what, &self.number].concat(), "-", act.stream, *number);
        let charge = |number: &u8| ChargeId::new(name("CH", number));
        let psp_ref = |number: &u8| word(&name("CB", number));
        Ok(match what {
            Money::Cost { cost, paid_by, minor, abroad } => {
                self.cost(act, cost, *paid_by, *minor, *abroad)?.into()
            }
            Money::Discretion { part, point, option, fee_bp, minor } => DiscretionExercised {
                point: point.clone(),
                decision: code(option)?,
                units: Some(self.units(act, *part)?),
                fee_bp: *fee_bp,
                amount: minor.map(|minor| self.amount(minor)).transpose()?,
                value: None,
                reason_code: code("photos_and_papers")?,
                reason_text: self.text("reasons")?,
            }
            .into(),
            Money::Goodwill { minor } => DiscretionExercised {
                point: code("H-19.goodwill")?,
                decision: code("pay")?,
                units: None,
                fee_bp: None,
                amount: Some(self.amount(*minor)?),
                value: None,
                reason_code: code("loyal_customer")?,
                reason_text: self.text("reasons")?,
            }
            .into(),
            Money::Fee { charge: number, fee, minor, cites } => FeeCharged {
                charge: charge(number)?,
                fee: fee.clone(),
                amount: self.amount(*minor)?,
                cites: self.cites(cites),
            }
            .into(),
            Money::Charged { charge: number, cost, minor, cites } => CustomerCharged {
                charge: charge(number)?,
                cost: cost.clone(),
                amount: self.amount(*minor)?,
                cites: self.cites(cites),
            }
            .into(),
            Money::ChargePaid { charge: number, minor } => {
                ChargePaid { charge: charge(number)?, amount: self.amount(*minor)? }.into()
            }
            Money::ChargeWaived { charge: number } => ChargeWaived {
                charge: charge(number)?,
                reason_code: code("small_amount")?,
                reason_text: self.text_in(40, "reasons")?,
            }
            .into(),
            Money::Refund { refund, minor, to } => RefundIssued {
                refund: self.refund(act, *refund)?,
                amount: self.amount(*minor)?,
                payout: Payout { to: *to, method_ref: None },
                units: None,
                explains: None,
            }
            .into(),
            Money::Posted { refund } => RefundPosted { refund: self.refund(act, *refund)? }.into(),
            Money::Failed { refund } => {
                let reason_code = code("account_closed")?;
                RefundFailed { refund: self.refund(act, *refund)?, reason_code }.into()
            }
            Money::Late { refund } => RefundLateFlagged {
                refund: self.refund(act, *refund)?,
                due: self.when(act.by, act.at - 3 * DAY)?,
                cites: Vec::new(),
                ladder: Vec::new(),
            }
            .into(),
            Money::TraceOpened { refund } => RefundTraceOpened {
                refund: self.refund(act, *refund)?,
                by: self.claim(act)?.by,
                via: Some(self.claim(act)?.via),
                attested: vec![code("bank_account_rechecked")?],
            }
            .into(),
            Money::TraceAnswered { refund } => {
                let result = code("held_by_the_bank")?;
                RefundTraceAnswered { refund: self.refund(act, *refund)?, result }.into()
            }
            Money::GiftCredit { credit, minor } => GiftCreditIssued {
                credit: self.refund(act, *credit)?,
                amount: self.amount(*minor)?,
                to: self.claim(act)?.by,
                code_hash: Some(self.hash()),
            }
            .into(),
            Money::ChargedBack { chargeback, minor } => ChargebackOpened {
                psp_ref: psp_ref(chargeback)?,
                amount: self.amount(*minor)?,
                reason_code: code("not_as_described")?,
            }
            .into(),
            Money::ChargebackEnded { chargeback, won: true } => {
                ChargebackWon { psp_ref: psp_ref(chargeback)? }.into()
            }
            Money::ChargebackEnded { chargeback, won: false } => {
                ChargebackLost { psp_ref: psp_ref(chargeback)? }.into()
            }
        })
    }

    /// A cost in the order's currency, or in another one with its rate (H-8).
    fn cost(
        &self,
        act: &Act<'m>,
        cost: &str,
        paid_by: Party,
        minor: u64,
        abroad: bool,
    ) -> Made<CostRecorded> {
        let common = &self.story.merchant.common;
        let foreign = if abroad { self.story.market.coin.exchange(minor, common.foreign) } else { None };
        let (cost, own) = (code(cost)?, self.amount(minor)?);
        // What a customer has paid is repaid against a receipt only.
        let receipt_ref = match paid_by {
            Party::Customer => Some(word("receipt by e-mail")?),
            Party::Merchant => None,
        };
        let units = None;
        Ok(match foreign {
            Some((there, rate)) => CostRecorded {
                cost,
                paid_by,
                amount: Amount::new(there, common.foreign.code)?,
                order_amount: Some(own),
                rate: Some(code(&rate)?),
                rate_source: Some(common.rate_source.clone()),
                rate_date: Some(self.day(act.at)?),
                receipt_ref,
                units,
            },
            None => CostRecorded {
                cost,
                paid_by,
                amount: own,
                order_amount: None,
                rate: None,
                rate_source: None,
                rate_date: None,
                receipt_ref,
                units,
            },
        })
    }
}
