//! Events that move money or say who owes it.

use super::payload::{Unsound, payload, positive};
use super::words::{Channel, Claimant, Party, PayoutTo};
use rust_decimal::Decimal;

use crate::{
    allocate::BP_WHOLE,
    ids::{ChargeId, Code, Personal, PolicyId, RefundId, Word},
    merkle::Hash,
    money::{Amount, Currency, MINOR_MAX},
    time::{Day, When},
    units::Units,
};

payload! {
    /// A cost that somebody has paid (H-12). Another currency needs the converted amount and its rate (H-8).
    CostRecorded {
        cost: Code,
        paid_by: Party,
        amount: Amount,
        /// Converted to the order's currency, when `amount` is in another.
        order_amount?: Amount,
        /// Decimal text, e.g. `1.0854`.
        rate?: Code,
        rate_source?: Word,
        rate_date?: Day,
        receipt_ref?: Word,
        units?: Units,
    } @check |p| {
        positive("amount", &p.amount)?;
        let decimal = |text: &Code| Decimal::from_str_exact(text.as_str()).is_ok_and(|rate| rate > Decimal::ZERO);
        if p.rate.as_ref().is_some_and(|rate| !decimal(rate)) {
            return Err(Unsound { field: "rate", rule: "is a decimal number above zero, like 1.0854".into() });
        }
        let rate = (p.rate.is_some(), p.rate_source.is_some(), p.rate_date.is_some());
        match (&p.order_amount, rate) {
            (Some(_), (true, true, true)) | (None, (false, false, false)) => Ok(()),
            _ => Err(Unsound {
                field: "order_amount",
                rule: "needs rate, rate_source and rate_date beside it, and they need it (H-8)".into(),
            }),
        }
    }
    /// A person decides where the policy leaves room (H-15).
    DiscretionExercised {
        point: Code,
        decision: Code,
        units?: Units,
        /// Percentage in basis points.
        fee_bp?: u32,
        amount?: Amount,
        value?: Word,
        reason_code: Code,
        reason_text: Personal,
    } @personal reason_text;
    @check |p| {
        if p.fee_bp.is_some_and(|bp| bp > BP_WHOLE) {
            return Err(Unsound { field: "fee_bp", rule: alloc::format!("is at most {BP_WHOLE} basis points, the whole") });
        }
        Ok(())
    }

    /// A fee becomes due from the customer.
    FeeCharged { charge: ChargeId, fee: Code, amount: Amount, cites*: Code, } @check |p| { positive("amount", &p.amount) }
    /// A cost becomes due from the customer.
    CustomerCharged { charge: ChargeId, cost: Code, amount: Amount, cites*: Code, } @check |p| { positive("amount", &p.amount) }
    /// The customer has paid (part of) a charge.
    ChargePaid { charge: ChargeId, amount: Amount, } @check |p| { positive("amount", &p.amount) }
    /// The merchant gives up what is still open of a charge.
    ChargeWaived { charge: ChargeId, reason_code: Code, reason_text?: Personal, } @personal reason_text;

    /// Money is sent to the customer.
    RefundIssued { refund: RefundId, amount: Amount, payout: Payout, units?: Units, explains?: Hash, }
        @check |p| { positive("amount", &p.amount) }
    /// Where money goes (H-22).
    Payout { to: PayoutTo, method_ref?: Word, }
    /// It has arrived.
    RefundPosted { refund: RefundId, }
    /// It came back: the obligation is open again (H-20).
    RefundFailed { refund: RefundId, reason_code: Code, }
    /// A refund is later than its clause allows.
    RefundLateFlagged { refund: RefundId, due: When, cites*: Code, ladder*: Code, }
    /// Somebody looks for a refund that did not arrive.
    RefundTraceOpened { refund: RefundId, by: Claimant, via?: Channel, attested*: Code, }
    /// What was found.
    RefundTraceAnswered { refund: RefundId, result: Code, }
    /// A credit for the shop instead of money. Shares its ids with refunds.
    GiftCreditIssued { credit: RefundId, amount: Amount, to: Claimant, code_hash?: Hash, }
        @check |p| { positive("amount", &p.amount) }

    /// The bank takes money back on the customer's word.
    ChargebackOpened { psp_ref: Word, amount: Amount, reason_code: Code, } @check |p| { positive("amount", &p.amount) }
    /// The merchant keeps the money.
    ChargebackWon { psp_ref: Word, }
    /// The customer keeps the money.
    ChargebackLost { psp_ref: Word, }

    /// A credit from before this ledger: its own cap, outside judgement.
    HistoricalCreditRecorded {
        merchant: PolicyId,
        /// The note's own number.
        reference: Word,
        amount: Amount,
        country?: Word,
        /// Pseudonymous customer number.
        customer?: Code,
        lines*: HistoricalLine,
    } @check |p| {
        let sum: u128 = p.lines.iter().map(|l| u128::from(l.amount_minor)).sum();
        let currency: Currency = p.amount.currency();
        if p.lines.iter().any(|line| line.quantity == 0) {
            return Err(Unsound { field: "quantity", rule: "of every line must be at least 1".into() });
        }
        if sum > u128::from(MINOR_MAX) || sum != u128::from(p.amount.minor()) {
            return Err(Unsound { field: "amount", rule: alloc::format!("is not the sum of its lines in {currency}") });
        }
        Ok(())
    }
    /// One line of a historical credit; `key` is note + ordinal, because equal lines are still money.
    HistoricalLine { key: Word, sku: Word, description?: Word, quantity: u32, amount_minor: u64, }
}
