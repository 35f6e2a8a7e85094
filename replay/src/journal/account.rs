//! The chart of accounts: closed, the same names in every format.

use core::fmt;

/// The five kinds of accounts there are; here four of them are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    Asset,
    Liability,
    Income,
    Expense,
}

impl AccountKind {
    /// The word in tables and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountKind::Asset => "asset",
            AccountKind::Liability => "liability",
            AccountKind::Income => "income",
            AccountKind::Expense => "expense",
        }
    }
}

/// Declares [`Account`] from one table: variant, kind, name, and what its balance means.
macro_rules! chart {
    ($($variant:ident $kind:ident $name:literal $means:literal,)*) => {
        /// An account. Debits are positive.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Account { $(#[doc = $means] $variant),* }

        impl Account {
            /// Every account, in the order of reports.
            pub const ALL: &'static [Account] = &[$(Account::$variant),*];
            /// Its name, with `:` between the parts.
            pub const fn name(self) -> &'static str {
                match self { $(Account::$variant => $name),* }
            }
            /// What kind of account it is.
            pub const fn kind(self) -> AccountKind {
                match self { $(Account::$variant => AccountKind::$kind),* }
            }
            /// What its balance means, as a sentence without its end.
            pub const fn means(self) -> &'static str {
                match self { $(Account::$variant => $means),* }
            }
        }
    };
}

chart! {
    Clearing Asset "Assets:Payments:Clearing" "refunds sent to customers whose arrival nobody has confirmed",
    Paid Asset "Assets:Payments:Refunds" "refunds that have arrived",
    ChargesPaid Asset "Assets:Payments:Charges" "charges that customers have paid",
    ChargedBack Asset "Assets:Payments:Chargebacks" "what banks have taken back and not returned",
    PaidBefore Asset "Assets:Payments:Historical" "credits from before this ledger",
    Customers Asset "Assets:Receivable:Customers" "charges that customers have not paid",
    Contested Asset "Assets:Receivable:Chargebacks" "taken back by banks, owed to nobody, and contested",
    Refunds Liability "Liabilities:Refunds" "decided or granted, and not yet with the customer",
    GiftCredit Liability "Liabilities:GiftCredit" "gift and store credit given instead of money",
    SalesTax Liability "Liabilities:SalesTax" "tax of returned goods, to be taken off the tax that is due",
    PaidTooMuch Liability "Liabilities:Customers" "paid by customers beyond what was charged",
    Restocking Income "Income:Restocking" "restocking and other percentage fees taken off refunds, or charged",
    ShippingRecovered Income "Income:ShippingRecovered" "shipping that customers bear, taken off or charged",
    CostsRecovered Income "Income:CostsRecovered" "other costs that customers bear, taken off or charged",
    Deductions Income "Income:Deductions" "taken off refunds because of the state of the goods",
    Withdrawn Income "Income:Withdrawn" "owed on claims that were withdrawn",
    Returns Expense "Expenses:Returns" "price of goods that is paid back",
    Shipping Expense "Expenses:Shipping" "outbound shipping that is paid back",
    Reimbursed Expense "Expenses:Reimbursed" "costs of customers that are repaid",
    Compensation Expense "Expenses:Compensation" "compensation instead of another remedy",
    Goodwill Expense "Expenses:Goodwill" "goodwill and statutory payments outside the policy (H-19)",
    Chargebacks Expense "Expenses:Chargebacks" "chargebacks lost beyond what was owed",
    Overpaid Expense "Expenses:Overpaid" "paid out beyond what is owed; reported, never clawed back (H-11)",
    Waived Expense "Expenses:ChargesWaived" "charges that were waived, or open on a withdrawn claim",
    Historical Expense "Expenses:Historical" "credits from before this ledger",
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_can_read_the_names() {
        for account in Account::ALL {
            let mut parts = account.name().split(':');
            let root = match account.kind() {
                AccountKind::Asset => "Assets",
                AccountKind::Liability => "Liabilities",
                AccountKind::Income => "Income",
                AccountKind::Expense => "Expenses",
            };
            assert_eq!(parts.next(), Some(root), "{account}");
            // Beancount wants a capital letter first and then letters, digits and dashes.
            assert!(parts.all(|part| {
                part.starts_with(|c: char| c.is_ascii_uppercase())
                    && part.chars().all(|c| c.is_ascii_alphanumeric())
            }));
        }
    }
}
