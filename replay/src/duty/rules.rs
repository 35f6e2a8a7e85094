//! The rules of duties by number, with where each comes from. Refusals and findings cite them.

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What refusals and reports cite.
    pub id: &'static str,
    /// The rule in one sentence.
    pub says: &'static str,
    /// The house rule or the standard behind it.
    pub from: &'static str,
}

/// What is enforced: refused before it is written, a finding on replay.
pub const RULES: &[Rule] = &[
    Rule {
        id: "D-1",
        says: "Everybody acts in a role that was granted by somebody else, and a role does only its own duties.",
        from: "NIST SP 800-53 AC-6; ISO/IEC 27001:2022 A.5.15",
    },
    Rule {
        id: "D-2",
        says: "What wants a second person has one who is another and may approve: a policy, goodwill, another payout \
               method, a month opened again, personal values erased, a signing key in the place of one that is lost or \
               exposed.",
        from: "H-7, H-19, H-22; ISO/IEC 27001:2022 A.5.3",
    },
    Rule {
        id: "D-3",
        says: "A role moves no more with one act than its limit, unless a second person of a role that may approves.",
        from: "OAG Canada Audit Manual 5035.3",
    },
    Rule {
        id: "D-4",
        says: "Over the limit of one person, payments of a claim counted together, whoever decided, whoever approves \
               and whoever pays are three people.",
        from: "NIST SP 800-53 AC-5; OAG Canada Audit Manual 5035.3",
    },
    Rule {
        id: "D-5",
        says: "A month that is over is sealed once with the totals of the log, and what comes later is posted into \
               the next open month.",
        from: "PCAOB AS 1105.10, AS 2401",
    },
];
