//! Events in one line, and texts of others made visible.

use replay::event::Kind;
use serde_json::Value;

use super::gather::text;
use crate::view;

/// Makes characters visible that show nothing themselves or change the order in which others are read: control
/// characters other than line feed and tab, line and paragraph separators, and what embeds, overrides or isolates a
/// direction. Direction marks stay: a text in Arabic or Hebrew needs them, and every text of others is isolated.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(c),
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}') =>
            {
                out.push_str(&format!("\u{27E8}U+{:04X}\u{27E9}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A code as people read it.
pub(crate) fn human(code: &str) -> String {
    visible(code).replace('_', " ")
}

/// A code at the beginning of a sentence.
pub(crate) fn title(code: &str) -> String {
    let text = human(code);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// An RFC 3339 time as people read it: to the second, the offset apart.
pub(crate) fn moment(rfc: &str) -> String {
    let (Some(day), Some(time), Some(rest)) = (rfc.get(..10), rfc.get(11..19), rfc.get(19..)) else {
        return rfc.into();
    };
    let offset = rest.find(['Z', '+', '-']).and_then(|at| rest.get(at..)).unwrap_or_default();
    let offset = if offset == "Z" { "UTC" } else { offset };
    format!("{day} {time} {offset}")
}

/// `{"currency": "USD", "minor": 1250}` as `12.50 USD`; nothing else is an amount.
pub(crate) fn amount(value: &Value) -> Option<String> {
    let fields = value.as_object().filter(|fields| fields.len() == 2)?;
    let (minor, currency) = (fields.get("minor")?.as_u64()?, fields.get("currency")?.as_str()?);
    Some(format!("{} {currency}", view::money(minor, currency)))
}

/// What an event says, in one line.
pub(crate) fn says(kind: Kind, payload: &Value) -> String {
    let read = Read(payload);
    let text = match kind {
        Kind::OrderRecorded => {
            let lines = payload.get("lines").and_then(Value::as_array).map_or(0, Vec::len);
            format!(
                "{lines} {} under policy {}",
                if lines == 1 { "line" } else { "lines" },
                read.word("policy")
            )
        }
        Kind::PaymentCaptured => format!("{} from {}", read.amount("amount"), read.word("method_ref")),
        Kind::ShipmentDispatched => {
            format!("parcel {}, {}{}", read.word("parcel"), read.human("leg"), read.with(" by ", "carrier"))
        }
        Kind::TrackingScanned => {
            format!("parcel {}: {}{}", read.word("parcel"), read.human("status"), read.with(", ", "place"))
        }
        Kind::ClaimOpened => {
            format!(
                "{} for {}, by the {} ({})",
                read.human("asserted"),
                read.units(),
                read.human("by"),
                read.human("via")
            )
        }
        Kind::ClaimReclassified => format!("now {}{}", read.human("to"), read.with(", ", "reason_code")),
        Kind::EvidenceSubmitted => read.each("items", "kind"),
        Kind::VerificationFailed => {
            format!("{} does not hold{}", read.joined("items"), read.with(": ", "reason_code"))
        }
        Kind::EligibilityAssessed => read.each("units", "status"),
        Kind::AuthorizationGranted => format!("{} for {}", read.or("rma", "without a number"), read.units()),
        Kind::AuthorizationDenied | Kind::AuthorizationVoided | Kind::AuthorizationExpired => {
            format!("{}{}", read.human("reason_code"), read.cited())
        }
        Kind::LabelIssued => {
            format!("{}, {}, paid by the {}", read.human("leg"), read.amount("cost"), read.human("paid_by"))
        }
        Kind::ParcelReceived => format!("{}{}", read.units(), read.with(" under ", "rma")),
        Kind::ParcelRefused => format!("{}{}", read.human("reason_code"), read.cited()),
        Kind::ItemInspected => {
            let found = [("defect ", "defect"), ("cause ", "cause"), ("packaging ", "packaging")];
            let found: Vec<String> =
                found.iter().map(|(word, path)| read.with(word, path)).filter(|f| !f.is_empty()).collect();
            format!("{}: {}", read.units(), found.join(", "))
        }
        Kind::DispositionRecorded => format!("{}: {}", read.units(), read.human("disposition")),
        Kind::RemedyOffered | Kind::RemedySelected | Kind::RemedyFailed => read.human("remedy"),
        Kind::RemedyDecided => {
            let amount = read.amount("entitlement");
            let amount = if amount.is_empty() { amount } else { format!(", {amount}") };
            format!("{} for {}{amount}{}", read.human("remedy"), read.units(), read.cited())
        }
        Kind::RefundIssued => {
            format!("{}: {} to {}", read.word("refund"), read.amount("amount"), read.human("payout.to"))
        }
        Kind::GiftCreditIssued => {
            format!("{}: {} to the {}", read.word("credit"), read.amount("amount"), read.human("to"))
        }
        Kind::RefundPosted | Kind::RefundTraceOpened => read.word("refund"),
        Kind::RefundTraceAnswered => format!("{}: {}", read.word("refund"), read.human("result")),
        Kind::RefundFailed => format!("{}: {}", read.word("refund"), read.human("reason_code")),
        Kind::RefundLateFlagged => format!("{}{}", read.word("refund"), read.cited()),
        Kind::ChargebackOpened => {
            format!("{}: {}, {}", read.word("psp_ref"), read.amount("amount"), read.human("reason_code"))
        }
        Kind::ChargebackWon | Kind::ChargebackLost => read.word("psp_ref"),
        Kind::FeeCharged => format!("{} {}{}", read.human("fee"), read.amount("amount"), read.cited()),
        Kind::CustomerCharged => format!("{} {}{}", read.human("cost"), read.amount("amount"), read.cited()),
        Kind::CostRecorded => {
            format!("{} {}, paid by the {}", read.human("cost"), read.amount("amount"), read.human("paid_by"))
        }
        Kind::ChargePaid => format!("{} {}", read.word("charge"), read.amount("amount")),
        Kind::ChargeWaived => format!("{}, {}", read.word("charge"), read.human("reason_code")),
        Kind::DiscretionExercised => {
            format!("{}: {}, {}", read.word("point"), read.human("decision"), read.human("reason_code"))
        }
        Kind::NoticeSent => format!("{}{}", read.human("about"), read.with(" by ", "channel")),
        Kind::ContactLogged => format!("{}, {}", read.human("channel"), read.human("direction")),
        Kind::ReplacementShipped
        | Kind::ReplacementDelivered
        | Kind::RepairCompleted
        | Kind::RepairShipped => read.units(),
        Kind::SparePartsSent | Kind::ItemLostInCustody => read.units(),
        Kind::ClaimWithdrawn | Kind::ClaimClosed | Kind::ClaimReopened | Kind::ClaimEscalated => {
            read.human("reason_code")
        }
        Kind::EventCorrected => {
            let names: Vec<String> = payload
                .get("set")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .map(|(k, _)| human(k))
                .collect();
            let time = payload.get("effective_at").map(|_| "the time it happened".to_owned());
            let names: Vec<String> = names.into_iter().chain(time).collect();
            format!("{} ({})", names.join(", "), read.human("reason_code"))
        }
        Kind::EventReversed => read.human("reason_code"),
        Kind::DisputeOpened => format!("by the {}", read.human("by")),
        Kind::DisputeResolved => format!("{}{}", read.human("result"), read.cited()),
        Kind::PolicyPublished => format!("{} version {}", read.word("policy"), read.number("version")),
        Kind::PersonalDataRedacted => {
            format!("{}, asked for by {}", read.human("basis"), read.word("requester"))
        }
        Kind::AppendRefused => format!("{}: {}", read.human("kind"), read.word("message")),
        Kind::HistoricalCreditRecorded => format!("{} {}", read.word("reference"), read.amount("amount")),
        // What is left has few fields, and all of them are shown below the line.
        _ => String::new(),
    };
    text.trim().trim_end_matches(':').into()
}

/// A payload, read leniently: what is not there is empty.
struct Read<'a>(&'a Value);

impl Read<'_> {
    fn word(&self, path: &str) -> String {
        view::at_path(self.0, path).and_then(text).map(|t| t.text).unwrap_or_default()
    }
    fn human(&self, path: &str) -> String {
        human(&self.word(path))
    }
    fn or(&self, path: &str, otherwise: &str) -> String {
        Some(self.word(path)).filter(|w| !w.is_empty()).unwrap_or_else(|| otherwise.into())
    }
    /// The word after a lead, or nothing.
    fn with(&self, lead: &str, path: &str) -> String {
        Some(self.human(path)).filter(|w| !w.is_empty()).map(|w| format!("{lead}{w}")).unwrap_or_default()
    }
    fn number(&self, path: &str) -> String {
        view::at_path(self.0, path).and_then(Value::as_u64).map(|n| n.to_string()).unwrap_or_default()
    }
    fn amount(&self, path: &str) -> String {
        view::at_path(self.0, path).and_then(amount).unwrap_or_default()
    }
    fn joined(&self, path: &str) -> String {
        let list = view::at_path(self.0, path).and_then(Value::as_array);
        let words: Vec<String> = list.into_iter().flatten().filter_map(Value::as_str).map(human).collect();
        words.join(", ")
    }
    fn units(&self) -> String {
        let list = self.0.get("units").and_then(Value::as_array);
        let words: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
        words.join(", ")
    }
    fn each(&self, list: &str, name: &str) -> String {
        let list = view::at_path(self.0, list).and_then(Value::as_array);
        let words = list.into_iter().flatten().filter_map(|item| item.get(name)?.as_str()).map(human);
        words.collect::<Vec<_>>().join(", ")
    }
    fn cited(&self) -> String {
        let words = self.joined("cites");
        if words.is_empty() { words } else { format!(" ({words})") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_is_made_visible() {
        assert_eq!(visible("a\u{202E}b\u{2028}c\0"), "a⟨U+202E⟩b⟨U+2028⟩c⟨U+0000⟩");
        assert_eq!(visible("two\nlines, عربي\u{200F}"), "two\nlines, عربي\u{200F}");
    }

    #[test]
    fn times_are_read_to_the_second() {
        assert_eq!(moment("2024-04-08T14:05:00-05:00"), "2024-04-08 14:05:00 -05:00");
        assert_eq!(moment("2024-04-08T14:05:00.000007Z"), "2024-04-08 14:05:00 UTC");
        assert_eq!(moment("soon"), "soon");
    }
}
