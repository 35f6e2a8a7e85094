//! What stands on the accounts for one claim, as a function of its state.

use alloc::collections::BTreeMap;

use super::{Account, Splits, split::account_of_cost};
use crate::{
    claim::{Claim, ClaimState, CreditKind, CreditStatus},
    event::Event,
    history::Cut,
    ids::ChargeId,
};

/// Signed sums in minor units of the claim's currency; debits are positive, accounts without a balance are left out.
pub type Balances = BTreeMap<Account, i128>;

/// Adds to a balance, and forgets accounts that are even.
pub(super) fn add(balances: &mut Balances, account: Account, minor: i128) {
    let sum = balances.entry(account).or_default();
    *sum = sum.saturating_add(minor);
    if *sum == 0 {
        balances.remove(&account);
    }
}

/// What must be posted to get from one standing to another.
pub(super) fn difference(after: &Balances, before: &Balances) -> Balances {
    let mut difference = after.clone();
    for (account, minor) in before {
        add(&mut difference, *account, minor.saturating_neg());
    }
    difference
}

/// Where a claim's money stands. The balance of [`Account::Refunds`] is what the books show as open; what the customer has
/// got beyond what is owed stands on accounts of its own, so that a debt is never hidden behind another one's surplus.
pub(super) fn balances(state: &ClaimState, claim: &Claim, splits: &Splits) -> Balances {
    let mut standing = Balances::new();
    let mut put = |account, minor| add(&mut standing, account, minor);
    for decision in &state.decisions {
        let owed = decision.entitlement_minor;
        match splits.get(&(decision.event_id, owed)) {
            Some(split) => split.iter().for_each(|(account, minor)| put(*account, *minor)),
            None => put(Account::Returns, owed.into()),
        }
    }
    put(Account::Goodwill, state.goodwill_minor.into());

    for credit in state.credits.values().filter(|credit| credit.is_effective()) {
        let minor = i128::from(credit.amount.minor());
        let from = match (credit.kind, credit.status) {
            (CreditKind::GiftCredit, _) => Account::GiftCredit,
            (CreditKind::Historical, _) => Account::PaidBefore,
            (CreditKind::Refund, CreditStatus::Posted) => Account::Paid,
            (CreditKind::Refund, _) => Account::Clearing,
        };
        put(from, minor.saturating_neg());
        if credit.kind == CreditKind::Historical {
            put(Account::Historical, minor);
        }
    }
    let (mut lost, mut contested) = (0i128, 0i128);
    for (amount, won) in state.chargebacks.values() {
        let minor = i128::from(amount.minor());
        match won {
            Some(true) => continue,
            Some(false) => lost = lost.saturating_add(minor),
            None => contested = contested.saturating_add(minor),
        }
        put(Account::ChargedBack, minor.saturating_neg());
    }

    // What is owed and what the customer has got meet here.
    let open = i128::from(state.open_minor());
    put(if state.withdrawn { Account::Withdrawn } else { Account::Refunds }, open.saturating_neg());
    let over = i128::from(state.overpaid_minor());
    // What may still come back comes first, so that a new dispute does not turn an old one into a loss.
    let of_contested = over.min(contested);
    let of_lost = over.saturating_sub(of_contested).min(lost);
    put(Account::Contested, of_contested);
    put(Account::Chargebacks, of_lost);
    put(Account::Overpaid, over.saturating_sub(of_contested).saturating_sub(of_lost));

    for charge in state.charges.values() {
        let (due, paid) = (i128::from(charge.amount.minor()), i128::from(charge.paid_minor));
        let open = due.saturating_sub(paid);
        put(account_of_cost(charge.what.as_str()), due.saturating_neg());
        put(Account::ChargesPaid, paid);
        // A withdrawn claim claims nothing, in either direction.
        let gone = charge.waived || state.withdrawn;
        put(if gone { Account::Waived } else { Account::Customers }, open.max(0));
        put(Account::PaidTooMuch, open.min(0));
    }
    let stray = stray_payments(state, claim);
    put(Account::ChargesPaid, stray);
    put(Account::PaidTooMuch, stray.saturating_neg());
    standing
}

/// Paid for charges that do not stand: the money came in all the same.
fn stray_payments(state: &ClaimState, claim: &Claim) -> i128 {
    let is_stray = |charge: &ChargeId| !state.charges.contains_key(charge);
    let any =
        claim.history.facts().iter().any(|f| matches!(&f.event, Event::ChargePaid(p) if is_stray(&p.charge)));
    if !any {
        return 0;
    }
    let standing = claim.history.standing(&Cut::default());
    standing.iter().filter(|s| s.reversed.is_none()).fold(0, |sum, s| match &*s.event {
        Event::ChargePaid(p) if is_stray(&p.charge) => sum.saturating_add(i128::from(p.amount.minor())),
        _ => sum,
    })
}
