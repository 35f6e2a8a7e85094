//! What can be recorded at the desk: one form per verb, with the event it becomes. The verbs are those of the command
//! line; which of them a claim allows now, [`crate::judging::next`] says.

use replay::{
    duty::{self, Area},
    event::Kind,
    ids::Code,
};

/// How one field is asked for, and what becomes of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// A word or an id.
    Word,
    /// A text of several lines; personal, kept outside of the log.
    Text,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Yes, no, or not said.
    YesNo,
    /// Yes when ticked; not said otherwise.
    Tick,
    /// Units such as `L1#1-2`, several with commas.
    Units,
    /// Words with commas between them.
    Words,
    /// Kinds of evidence with commas between them, each an entry of its own.
    Kinds,
    /// An amount in the currency of the order.
    Money,
    /// A whole number.
    Number,
}

/// One field of a form.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its place in the payload, e.g. `payout.to`.
    pub name: &'static str,
    /// What stands before it.
    pub label: &'static str,
    /// How it is asked for.
    pub input: Input,
    /// Whether it may be left empty.
    pub required: bool,
    /// What it means, where the label does not say it.
    pub hint: &'static str,
}

/// Something that can be recorded on a claim.
#[derive(Debug)]
pub struct Act {
    /// The verb of the command line, and the last part of the form's address.
    pub verb: &'static str,
    /// The event it becomes.
    pub kind: Kind,
    /// What the button says.
    pub title: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
    /// A fact that can be recorded at any time, whatever comes next under the policy.
    pub is_fact: bool,
}

const fn must(name: &'static str, label: &'static str, input: Input) -> Field {
    Field { name, label, input, required: true, hint: "" }
}
const fn may(name: &'static str, label: &'static str, input: Input) -> Field {
    Field { name, label, input, required: false, hint: "" }
}
const fn hinted(field: Field, hint: &'static str) -> Field {
    Field { hint, ..field }
}

const UNITS: Field = hinted(must("units", "Units", Input::Units), "LINE#NUMBER, e.g. L1#1-2");
const SOME_UNITS: Field = hinted(may("units", "Units", Input::Units), "empty = every unit of the claim");
const REASON: Field =
    hinted(must("reason_code", "Reason", Input::Word), "one word of your own, e.g. customer_says_more");
const REASON_TEXT: Field =
    hinted(may("reason_text", "The reason in words", Input::Text), "kept outside of the log");
const CITES: Field = hinted(may("cites", "Clauses", Input::Words), "with commas between them");
const PARCEL: Field = may("parcel", "Parcel", Input::Word);
const RMA: Field = may("rma", "RMA number", Input::Word);
const CHANNELS: Input = Input::Choice(&["email", "ticket", "chat", "phone", "form", "parcel", "letter"]);
const REMEDIES: Input = Input::Choice(&[
    "refund",
    "replacement",
    "exchange",
    "repair",
    "paid_repair",
    "spare_parts",
    "other_compensation",
    "upgrade",
    "return_to_customer",
]);
const CLAIMANTS: Input = Input::Choice(&["buyer", "recipient"]);

/// Every form. The order is the one in which they are offered.
pub static ACTS: &[Act] = &[
    Act {
        verb: "authorize",
        kind: Kind::AuthorizationGranted,
        title: "Authorize the return",
        fields: &[
            UNITS,
            RMA,
            may("written", "In writing", Input::Tick),
            may("form", "With the return form", Input::YesNo),
            hinted(may("process", "Process", Input::Word), "where the policy has one of its own"),
        ],
        is_fact: false,
    },
    Act {
        verb: "deny",
        kind: Kind::AuthorizationDenied,
        title: "Deny",
        fields: &[SOME_UNITS, REASON, CITES, REASON_TEXT],
        is_fact: false,
    },
    Act {
        verb: "receive",
        kind: Kind::ParcelReceived,
        title: "Record a receipt",
        fields: &[
            UNITS,
            RMA,
            PARCEL,
            may("note", "A note was inside", Input::YesNo),
            may("form", "The return form was inside", Input::YesNo),
            hinted(may("extra", "Also in the box", Input::Words), "things that are on no list"),
            may("place", "Place", Input::Word),
        ],
        is_fact: true,
    },
    Act {
        verb: "inspect",
        kind: Kind::ItemInspected,
        title: "Record an inspection",
        fields: &[
            UNITS,
            may("defect", "Defect", Input::Choice(&["confirmed", "none", "inconclusive"])),
            hinted(may("cause", "Cause", Input::Word), "as the policy calls it, e.g. manufacturing"),
            may("packaging", "Packaging", Input::Choice(&["intact", "damaged", "missing"])),
            may("same_condition", "In the condition it was sold in", Input::YesNo),
            may("installed", "It was installed", Input::YesNo),
            may("altered", "It was altered", Input::YesNo),
            may("sealed", "It is sealed", Input::YesNo),
            may("on_arrival", "The defect was there on arrival", Input::YesNo),
            may("accessories_missing", "Accessories missing", Input::Words),
            may("damage", "Damage", Input::Words),
            may("tests", "Tests", Input::Words),
        ],
        is_fact: true,
    },
    Act {
        verb: "connectivity",
        kind: Kind::ConnectivityAssessed,
        title: "Record what the device transmitted",
        fields: &[
            may("device", "Device", Input::Word),
            may("transmitted", "It transmitted in the paid period", Input::YesNo),
            may("vehicle_sold_not_removed", "Sold with the vehicle", Input::YesNo),
            may("ownership_changed", "It changed hands", Input::YesNo),
        ],
        is_fact: false,
    },
    Act {
        verb: "dispose",
        kind: Kind::DispositionRecorded,
        title: "Record where goods go",
        fields: &[
            UNITS,
            must(
                "disposition",
                "Where to",
                Input::Choice(&["restock", "refurbish", "scrap", "return_to_customer", "hold"]),
            ),
        ],
        is_fact: true,
    },
    Act {
        verb: "decide",
        kind: Kind::RemedyDecided,
        title: "Decide",
        fields: &[
            must("remedy", "Remedy", REMEDIES),
            UNITS,
            hinted(
                may("entitlement", "Amount", Input::Money),
                "empty = what the policy says; can be less, never more",
            ),
            hinted(may("reason_code", "Reason", Input::Word), "needed when it is less"),
        ],
        is_fact: false,
    },
    Act {
        verb: "discretion",
        kind: Kind::DiscretionExercised,
        title: "Decide where the policy leaves room",
        fields: &[
            must("point", "Point", Input::Word),
            must("decision", "Decision", Input::Word),
            SOME_UNITS,
            may("amount", "Amount", Input::Money),
            hinted(may("fee_bp", "Fee", Input::Number), "in basis points: 1000 = 10%"),
            REASON,
            hinted(must("reason_text", "The reason in words", Input::Text), "kept outside of the log"),
        ],
        is_fact: false,
    },
    Act {
        verb: "refund",
        kind: Kind::RefundIssued,
        title: "Refund",
        fields: &[
            hinted(
                must("refund", "Refund id", Input::Word),
                "yours; no other credit of the order may have it",
            ),
            must("amount", "Amount", Input::Money),
            must(
                "payout.to",
                "To",
                Input::Choice(&["original_method", "other_method", "giver", "recipient", "store_credit"]),
            ),
            hinted(
                may("payout.method_ref", "Card or account", Input::Word),
                "your reference, never its number; needed for another method",
            ),
        ],
        is_fact: false,
    },
    Act {
        verb: "gift-credit",
        kind: Kind::GiftCreditIssued,
        title: "Issue a gift credit",
        fields: &[
            must("credit", "Credit id", Input::Word),
            must("amount", "Amount", Input::Money),
            must("to", "To", CLAIMANTS),
        ],
        is_fact: false,
    },
    Act {
        verb: "charge",
        kind: Kind::CustomerCharged,
        title: "Charge the customer",
        fields: &[
            must("charge", "Charge id", Input::Word),
            must("cost", "For", Input::Word),
            must("amount", "Amount", Input::Money),
            CITES,
        ],
        is_fact: false,
    },
    Act {
        verb: "ship-replacement",
        kind: Kind::ReplacementShipped,
        title: "Send a replacement",
        fields: &[UNITS, PARCEL, may("variant", "Variant", Input::Choice(&["new", "refurbished"])), RMA],
        is_fact: false,
    },
    Act {
        verb: "ship-repair",
        kind: Kind::RepairShipped,
        title: "Send repaired units back",
        fields: &[UNITS, PARCEL, RMA],
        is_fact: false,
    },
    Act {
        verb: "send-parts",
        kind: Kind::SparePartsSent,
        title: "Send spare parts",
        fields: &[UNITS, PARCEL, may("authorized_repair", "For an authorized repair", Input::YesNo)],
        is_fact: false,
    },
    Act {
        verb: "dispatch",
        kind: Kind::ShipmentDispatched,
        title: "Record a shipment",
        fields: &[
            must("parcel", "Parcel", Input::Word),
            must(
                "leg",
                "Which way",
                Input::Choice(&["outbound", "inbound", "replacement", "return_to_customer"]),
            ),
            may("carrier", "Carrier", Input::Word),
            hinted(may("tracking", "Tracking number", Input::Word), "kept outside of the log"),
            SOME_UNITS,
        ],
        is_fact: true,
    },
    Act {
        verb: "notice",
        kind: Kind::NoticeSent,
        title: "Record that the customer was told",
        fields: &[
            must("about", "About", Input::Word),
            may("channel", "How", CHANNELS),
            may("reference", "Reference", Input::Word),
        ],
        is_fact: false,
    },
    Act {
        verb: "close",
        kind: Kind::ClaimClosed,
        title: "Close the claim",
        fields: &[REASON, REASON_TEXT],
        is_fact: false,
    },
    Act {
        verb: "reopen",
        kind: Kind::ClaimReopened,
        title: "Reopen the claim",
        fields: &[REASON, REASON_TEXT],
        is_fact: false,
    },
    Act {
        verb: "evidence",
        kind: Kind::EvidenceSubmitted,
        title: "Record evidence",
        fields: &[hinted(
            must("items", "Kinds", Input::Kinds),
            "as the policy calls them, with commas between them, e.g. proof_of_purchase",
        )],
        is_fact: true,
    },
    Act {
        verb: "select",
        kind: Kind::RemedySelected,
        title: "Record which remedy the customer wants",
        fields: &[must("remedy", "Remedy", REMEDIES), must("by", "Who wants it", CLAIMANTS), SOME_UNITS],
        is_fact: true,
    },
    Act {
        verb: "cost",
        kind: Kind::CostRecorded,
        title: "Record a cost",
        fields: &[
            must("cost", "Cost", Input::Word),
            must("paid_by", "Paid by", Input::Choice(&["customer", "merchant"])),
            must("amount", "Amount", Input::Money),
            may("receipt_ref", "Receipt", Input::Word),
        ],
        is_fact: true,
    },
    Act {
        verb: "posted",
        kind: Kind::RefundPosted,
        title: "Record that a refund arrived",
        fields: &[must("refund", "Refund id", Input::Word)],
        is_fact: true,
    },
    Act {
        verb: "failed",
        kind: Kind::RefundFailed,
        title: "Record that a refund came back",
        fields: &[must("refund", "Refund id", Input::Word), REASON],
        is_fact: true,
    },
    Act {
        verb: "contact",
        kind: Kind::ContactLogged,
        title: "Record what was said",
        fields: &[
            must("channel", "How", CHANNELS),
            must("direction", "Direction", Input::Choice(&["inbound", "outbound"])),
            hinted(must("text", "What was said", Input::Text), "kept outside of the log, erasable"),
        ],
        is_fact: true,
    },
    Act {
        verb: "note",
        kind: Kind::NoteAdded,
        title: "Write a note among colleagues",
        fields: &[hinted(must("text", "Note", Input::Text), "kept outside of the log, erasable")],
        is_fact: true,
    },
    Act {
        verb: "escalate",
        kind: Kind::ClaimEscalated,
        title: "Ask somebody with more authority",
        fields: &[REASON, REASON_TEXT],
        is_fact: true,
    },
    Act {
        verb: "withdraw",
        kind: Kind::ClaimWithdrawn,
        title: "Record that the claim was given up",
        fields: &[must("by", "By", CLAIMANTS), REASON, REASON_TEXT],
        is_fact: true,
    },
];

/// The form of a verb.
pub fn act(verb: &str) -> Option<&'static Act> {
    ACTS.iter().find(|act| act.verb == verb)
}

/// The roles among those held that may say this, in the order of the table.
pub fn roles_for(held: &[Code], area: Area) -> Vec<&Code> {
    held.iter()
        .filter(|held| duty::role(held.as_str()).is_some_and(|role| role.may.contains(&area)))
        .collect()
}

/// The roles among those held that may record this kind.
pub fn roles_of(held: &[Code], kind: Kind) -> Vec<&Code> {
    roles_for(held, duty::area(kind))
}

/// The verb of a command as [`crate::judging::next`] prints it, e.g. of `claims receive C1 --units L1#1`.
pub fn verb_of(command: &str) -> Option<&str> {
    command.strip_prefix("claims ")?.split(' ').next()
}

/// What such a command already says, as fields of the verb's form. Words in capitals stand for what is to be filled in.
pub fn said(act: &Act, command: &str) -> Vec<(&'static str, String)> {
    let mut words = command.split(' ').skip(3).peekable();
    let mut said: Vec<(&'static str, String)> = Vec::new();
    while let Some(word) = words.next() {
        let Some(flag) = word.strip_prefix("--") else { continue };
        let value = words.next_if(|next| !next.starts_with("--")).unwrap_or("yes");
        let open = value.contains('|') || (value.len() > 1 && value.chars().all(|c| c.is_ascii_uppercase()));
        let name = match (act.verb, flag) {
            (_, "reason") => "reason_code",
            (_, "cite") => "cites",
            ("evidence", "kind") => "items",
            (_, "reason-text") => "reason_text",
            ("refund", "to") => "payout.to",
            (_, other) => other,
        };
        let Some(field) = act.fields.iter().find(|field| field.name == name).filter(|_| !open) else {
            continue;
        };
        match said.iter_mut().find(|(have, _)| *have == field.name) {
            Some((_, before)) => {
                before.push_str(", ");
                before.push_str(value);
            }
            None => said.push((field.name, value.to_owned())),
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_fills_in_its_form() {
        let of = |command: &str| said(act(verb_of(command).unwrap()).unwrap(), command);
        assert_eq!(
            of("claims authorize C1 --units L1#1-2 --rma NUMBER --written"),
            [("units", "L1#1-2".to_owned()), ("written", "yes".to_owned())]
        );
        assert_eq!(of("claims connectivity C1 --transmitted yes|no"), []);
        assert_eq!(of("claims evidence C1 --kind a --kind b"), [("items", "a, b".to_owned())]);
        assert_eq!(
            of("claims deny C1 --units L1#1 --reason REASON --cite AMC-1.4,H-2"),
            [("units", "L1#1".to_owned()), ("cites", "AMC-1.4,H-2".to_owned())]
        );
        assert_eq!(of("claims refund C1 --refund ID --amount 10.00"), [("amount", "10.00".to_owned())]);
    }

    #[test]
    fn every_form_is_of_a_kind_that_stands_on_claims() {
        for act in ACTS {
            assert!(act.kind.places().claim, "{}", act.verb);
            assert!(ACTS.iter().filter(|other| other.verb == act.verb).count() == 1, "{}", act.verb);
        }
    }
}
