//! The evidence object that card processors ask for: 27 fields by the names of Stripe's `dispute.evidence`. Those that
//! follow from the ledger are filled; of the others it is said which fact is not there.

use super::{Communication, Field, Packet, Parcel, Party, Text, words::moment};

/// Longest text of one field, in characters: what a processor takes. A longer one ends with a word that it was cut.
pub const FIELD_CHARS_MAX: usize = 20_000;

/// The names, in their order.
pub const FIELD_NAMES: [&str; 27] = [
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// A value with what to know of it, or the fact that is missing.
type Filled = Result<(String, Option<String>), String>;

pub(super) fn fields(p: &Packet) -> Vec<Field> {
    FIELD_NAMES
        .into_iter()
        .map(|name| match value(p, name) {
            Ok((value, note)) => Field { name, value: Some(limited(value)), note },
            Err(missing) => Field { name, value: None, note: Some(missing) },
        })
        .collect()
}

fn limited(value: String) -> String {
    const CUT: &str = "\n[cut: the whole is in the packet]";
    if value.chars().count() <= FIELD_CHARS_MAX {
        return value;
    }
    let kept: String = value.chars().take(FIELD_CHARS_MAX.saturating_sub(CUT.chars().count())).collect();
    kept + CUT
}

fn value(p: &Packet, name: &str) -> Filled {
    match name {
        "access_activity_log" => activity(p),
        "billing_address" => of_buyer(p, |b| b.address.as_ref(), "address").map(|(value, _)| {
            (value, Some("the buyer's address as the order has it; no other is on record".into()))
        }),
        "cancellation_policy" => none("a cancellation policy beside the refund policy: see refund_policy"),
        "cancellation_policy_disclosure" => none("how a cancellation policy was shown before the purchase"),
        "cancellation_rebuttal" => none("a cancellation of the order or subscription, and the answer to it"),
        "customer_communication" => communication(p),
        "customer_email_address" => of_buyer(p, |b| b.email.as_ref(), "e-mail address"),
        "customer_name" => of_buyer(p, |b| b.name.as_ref(), "name"),
        "customer_purchase_ip" => none("the network address of the purchase"),
        "customer_signature" => none("a signature on delivery: carriers' scans bring none into the ledger"),
        "duplicate_charge_documentation" => none("a receipt of a second payment"),
        "duplicate_charge_explanation" => payments(p),
        "duplicate_charge_id" => match p.sale.as_ref().map(|s| s.payments.as_slice()) {
            Some([first, _, ..]) => filled(first.id.clone()),
            _ => none("a second payment for this order"),
        },
        "product_description" => product(p),
        "receipt" => receipt(p),
        "refund_policy" => policy(p),
        "refund_policy_disclosure" => disclosure(p),
        "refund_refusal_explanation" => refusal(p),
        "service_date" => service_date(p),
        "service_documentation" => service(p),
        "shipping_address" => shipping_address(p),
        "shipping_carrier" => of_parcels(p, "a carrier", |parcel| parcel.carrier.clone()),
        "shipping_date" => of_parcels(p, "a dispatch", |parcel| {
            parcel.dispatched.as_ref().and_then(|at| at.get(..10)).map(Into::into)
        }),
        "shipping_documentation" => scans(p),
        "shipping_tracking_number" => of_parcels(p, "a tracking number", |parcel| {
            parcel.tracking.as_ref().filter(|t| t.state.is_readable()).map(|t| t.text.clone())
        }),
        "uncategorized_file" => files(p),
        _ => story(p),
    }
}

fn none(fact: &str) -> Filled {
    Err(format!("not on record: {fact}"))
}

fn filled(value: impl Into<String>) -> Filled {
    Ok((value.into(), None))
}

fn joined(lines: Vec<String>, fact: &str) -> Filled {
    if lines.is_empty() { none(fact) } else { filled(lines.join("\n")) }
}

fn readable(text: Option<&Text>, fact: &str) -> Filled {
    match text {
        Some(text) if text.state.is_readable() => filled(text.text.clone()),
        Some(text) => Err(format!("{fact} of the customer: {}", text.text)),
        None => none(&format!("the customer's {fact}")),
    }
}

fn of_buyer(p: &Packet, part: impl Fn(&Party) -> Option<&Text>, fact: &str) -> Filled {
    readable(p.parties.iter().find(|party| party.part == "buyer").and_then(part), fact)
}

fn activity(p: &Packet) -> Filled {
    let kinds = ["device_transmission_summarised", "connectivity_assessed", "subscription_activated"];
    let lines = p.timeline.iter().filter(|t| kinds.contains(&t.kind.as_str())).map(|t| {
        let fields: Vec<String> = t.fields.iter().map(|f| format!("{} {}", f.path, f.text)).collect();
        format!("{} {} (position {})", moment(&t.happened), fields.join(", "), t.position)
    });
    joined(lines.collect(), "use of the service by the customer: no device has reported on this order")
}

fn communication(p: &Packet) -> Filled {
    let lines = p.communications.iter().filter(|c| c.direction != "among colleagues").map(message);
    joined(lines.collect(), "a message from or to the customer")
}

/// A message in one paragraph.
pub(super) fn message(c: &Communication) -> String {
    let channel = c.channel.as_ref().map(|channel| format!(" by {channel}")).unwrap_or_default();
    let reference = c.reference.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
    let text = c.text.as_ref().map(|t| format!(": {}", t.text)).unwrap_or_default();
    format!("{} {}{channel}, {}{reference}{text}", moment(&c.at), c.direction, c.about)
}

fn payments(p: &Packet) -> Filled {
    let Some(sale) = &p.sale else { return none("a payment: the credit is from before the ledger") };
    let lines = sale.payments.iter().map(|pay| {
        format!(
            "{} of {} from {} on {} (position {})",
            pay.id,
            pay.amount,
            pay.method,
            moment(&pay.on),
            pay.position
        )
    });
    let lines: Vec<String> = lines.collect();
    let text = match lines.as_slice() {
        [] => return none("a payment for this order"),
        [one] => format!("The order was paid once: {one}"),
        many => {
            format!("The order was paid in {} parts, each recorded once:\n{}", many.len(), many.join("\n"))
        }
    };
    filled(text)
}

fn product(p: &Packet) -> Filled {
    let Some(sale) = &p.sale else { return none("an order: the credit is from before the ledger") };
    let lines = sale.lines.iter().map(|line| {
        let what = line.description.as_ref().unwrap_or(&line.sku);
        format!("{} x {what} ({}), {}, {} each", line.quantity, line.sku, line.condition, line.unit_price)
    });
    joined(lines.collect(), "the articles of the order")
}

fn receipt(p: &Packet) -> Filled {
    let Some(sale) = &p.sale else { return none("an order: the credit is from before the ledger") };
    let mut lines = vec![format!("Order {} of {}", sale.order, moment(&sale.purchased_at))];
    for line in &sale.lines {
        let what = line.description.as_ref().unwrap_or(&line.sku);
        lines.push(format!("{} x {what}: {}", line.quantity, line.sum));
    }
    lines.extend(sale.extras.iter().map(|extra| format!("{}: {}", extra.what, extra.amount)));
    lines.push(format!("total: {}", sale.total));
    lines.extend(
        sale.payments
            .iter()
            .map(|pay| format!("paid {}: {} from {}", moment(&pay.on), pay.amount, pay.method)),
    );
    let note = "lines, sums and payments as they were recorded with the sale";
    Ok((lines.join("\n"), Some(note.into())))
}

fn policy(p: &Packet) -> Filled {
    let Some(policy) = &p.policy else { return none("a policy that governs the claim") };
    let clauses: Vec<String> = policy.clauses.iter().map(|c| format!("{}: {}", c.id, c.paraphrase)).collect();
    let document = policy.document_sha256.as_ref();
    let document =
        document.map(|hash| format!(", read from a document with SHA-256 {hash}")).unwrap_or_default();
    let text = format!(
        "{} ({}), version {}, for purchases from {}, as data with SHA-256 {}{document}\n{}",
        policy.name,
        policy.id,
        policy.version,
        policy.effective_from,
        policy.sha256,
        clauses.join("\n")
    );
    Ok((
        text,
        Some("the clauses in the words of the register, which is not the merchant's own wording".into()),
    ))
}

fn disclosure(p: &Packet) -> Filled {
    let Some((policy, sale)) = p.policy.as_ref().zip(p.sale.as_ref()) else {
        return none("a policy that governs the claim");
    };
    let text = format!(
        "Version {} was recorded at position {} on {}. The purchase was on {}.",
        policy.version,
        policy.position,
        moment(&policy.published_at),
        moment(&sale.purchased_at)
    );
    Ok((text, Some("where and how it was shown at checkout is not on record".into())))
}

fn refusal(p: &Packet) -> Filled {
    let Some(e) = &p.explanation else { return none("a judgement by a policy") };
    if e.why_not_more.is_empty() {
        let text = "nothing was refused: no clause takes anything off what was claimed";
        return Err(text.into());
    }
    let lines = e.why_not_more.iter().map(|reason| match reason.cites.as_slice() {
        [] => reason.text.clone(),
        cites => format!("{} ({})", reason.text, cites.join(", ")),
    });
    let lines: Vec<String> = lines.collect();
    filled(format!("{}\nWhy not more:\n{}", p.summary.headline, lines.join("\n")))
}

fn service_date(p: &Packet) -> Filled {
    let lines = p.sale.iter().flat_map(|s| &s.lines);
    let lines = lines.filter_map(|line| Some(format!("{}: {}", line.sku, line.period.as_ref()?)));
    joined(lines.collect(), "a period of service: goods were sold, see shipping_date")
}

fn service(p: &Packet) -> Filled {
    let kinds = ["subscription_activated", "device_transmission_summarised", "repair_completed"];
    let lines = p.timeline.iter().filter(|t| kinds.contains(&t.kind.as_str()));
    let lines = lines.map(|t| {
        format!("{} {} (position {})", moment(&t.happened), super::words::title(&t.kind), t.position)
    });
    joined(lines.collect(), "a service that was rendered: goods were sold, see shipping_documentation")
}

fn shipping_address(p: &Packet) -> Filled {
    let Some(sale) = &p.sale else { return none("an order: the credit is from before the ledger") };
    let recipient = p.parties.iter().find(|party| party.part != "buyer");
    match recipient.and_then(|r| r.address.as_ref()).filter(|a| a.state.is_readable()) {
        Some(address) => filled(address.text.clone()),
        None => Ok((
            sale.ship_to.clone(),
            Some("country and subdivision of the delivery; no street is on record for it".into()),
        )),
    }
}

/// What went out to the customer with the order.
fn outbound(p: &Packet) -> impl Iterator<Item = &Parcel> {
    p.parcels.iter().filter(|parcel| parcel.leg == "outbound")
}

fn of_parcels(p: &Packet, fact: &str, part: impl Fn(&Parcel) -> Option<String>) -> Filled {
    let mut found: Vec<String> = outbound(p).filter_map(part).collect();
    found.dedup();
    match found.is_empty() {
        true => none(&format!("{fact} of a parcel to the customer")),
        false => filled(found.join(", ")),
    }
}

fn scans(p: &Packet) -> Filled {
    let mut lines = Vec::new();
    for parcel in outbound(p) {
        let dispatched = parcel.dispatched.as_deref().map(moment).unwrap_or_default();
        lines.push(format!("parcel {}: dispatched {dispatched}", parcel.id));
        for scan in &parcel.scans {
            let place = scan.place.as_ref().map(|place| format!(", {place}")).unwrap_or_default();
            let reference = scan.reference.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
            lines.push(format!("{} {}{place}{reference}", moment(&scan.at), scan.status));
        }
    }
    joined(lines, "a parcel to the customer")
}

fn files(p: &Packet) -> Filled {
    let hashes =
        p.evidence.iter().filter_map(|e| Some(format!("{}: SHA-256 {}", e.kind, e.sha256.as_ref()?)));
    let (lines, note) =
        (hashes.collect::<Vec<_>>(), "the files lie with the merchant; attach them, and this packet");
    joined(lines, "a file: attach this packet").map(|(value, _)| (value, Some(note.into())))
}

fn story(p: &Packet) -> Filled {
    let lines = p.timeline.iter().filter(|t| t.stream != "ledger").map(|told| {
        let says = if told.says.is_empty() { String::new() } else { format!(": {}", told.says) };
        format!("{} {}{says} [{}]", moment(&told.happened), super::words::title(&told.kind), told.position)
    });
    let lines: Vec<String> = lines.collect();
    filled(format!("{}\n{}", p.summary.headline, lines.join("\n")))
}
