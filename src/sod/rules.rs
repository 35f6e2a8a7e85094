//! What is looked for, by number, with where each comes from.

use replay::duty::Rule;

/// One person did what should be for two.
pub const CONFLICTS: &[Rule] = &[
    Rule {
        id: "S-1",
        says: "The same person decided and paid.",
        from: "D-4; OAG Canada Audit Manual 5035.3: authorise, record",
    },
    Rule {
        id: "S-2",
        says: "The same person acted and is named as approver.",
        from: "D-2; H-19, H-22; ISO/IEC 27001:2022 A.5.3",
    },
    Rule {
        id: "S-3",
        says: "The same person received or inspected the goods and decided.",
        from: "OAG Canada Audit Manual 5035.3: custody, authorise",
    },
    Rule {
        id: "S-4",
        says: "The same person opened the claim and approved money on it.",
        from: "D-4; NIST SP 800-53 AC-5",
    },
    Rule {
        id: "S-5",
        says: "Somebody granted a role to themselves; the first admin of a ledger cannot but do so.",
        from: "D-1; NIST SP 800-53 AC-6",
    },
    Rule {
        id: "S-6",
        says: "The same person published or approved a policy and decided claims under it.",
        from: "H-7; NIST SP 800-53 AC-5",
    },
    Rule {
        id: "S-7",
        says: "The same person set a limit and acted under it.",
        from: "D-3; NIST SP 800-53 AC-5",
    },
    Rule {
        id: "S-8",
        says: "The same person sealed a month and opened it again.",
        from: "D-5; PCAOB AS 2401",
    },
    Rule {
        id: "S-9",
        says: "Somebody holds roles that do not go together.",
        from: "D-1; OAG Canada Audit Manual 5035.3",
    },
    Rule { id: "S-10", says: "The same person paid and took the payment back.", from: "PCAOB AS 2401" },
];

/// Within the rules, and close to where they end.
pub const NEAR_MISSES: &[Rule] = &[
    Rule {
        id: "N-1",
        says: "An amount is at most a tenth below the limit it had to keep.",
        from: "D-3, D-4",
    },
    Rule {
        id: "N-2",
        says: "Payments on one order on one day keep a limit each, and together do not.",
        from: "D-3; PCAOB AS 2401",
    },
    Rule {
        id: "N-3",
        says: "Two people approve each other's acts, and neither anybody else's.",
        from: "D-2; OAG Canada Audit Manual 5035.3: management override",
    },
];

/// Roles that one person should not hold together: who keeps the goods, who decides, who pays, who grants, who looks on.
pub const NOT_TOGETHER: &[(&str, &str)] = &[
    ("warehouse", "agent"),
    ("warehouse", "approver"),
    ("warehouse", "finance"),
    ("agent", "finance"),
    ("approver", "finance"),
    ("admin", "agent"),
    ("admin", "warehouse"),
    ("admin", "approver"),
    ("admin", "finance"),
    ("auditor", "agent"),
    ("auditor", "warehouse"),
    ("auditor", "approver"),
    ("auditor", "finance"),
    ("auditor", "admin"),
];
