//! The case: what was claimed, decided and paid; why; what was sold; under which policy.

use maud::{Markup, html as markup};

use super::{Page, optional, table, text, time};
use crate::{
    judging::explain::{self, EventPart, Explanation, Reason, UnitPart},
    packet::{ClausePart, Decided, Paid, PolicyPart, Sale},
};

impl Page<'_> {
    pub(super) fn summary(&self) -> Markup {
        let (p, s) = (self.p, &self.p.summary);
        markup! {
            section #summary {
                h2 { "In short" }
                p .lead { (s.headline) }
                dl {
                    dt { "Merchant" } dd { @if let Some(name) = &s.merchant_name { bdi { (name) } " (" (s.merchant) ")" } @else { (s.merchant) } }
                    @if let Some(customer) = &s.customer { dt { "Customer" } dd { (text(customer)) } }
                    @if let Some(sale) = &p.sale {
                        dt { "Purchase" } dd { (time(&sale.purchased_at)) ", " (self.fact(sale.position, "currency", sale.currency.as_str())) " " (self.at(sale.position)) }
                    }
                    @if let Some(c) = &s.claimed {
                        dt { "Claimed" }
                        dd {
                            (time(&c.on)) " by the " (c.by) " (" (c.via) "): " strong { (c.reason) } ", "
                            @for (i, goods) in c.goods.iter().enumerate() { @if i > 0 { "; " } bdi { (goods) } }
                            " (" (self.fact(c.position, "units", &c.units)) ") " (self.at(c.position))
                        }
                        @if let Some(words) = &c.words { dt { "In their words" } dd { (text(words)) } }
                        @if let Some(basis) = &c.established { dt { "Established as" } dd { strong { (basis) } } }
                    }
                    dt { "Standing" }
                    dd { (s.stage) @for flag in &s.flags { ", " (flag) } }
                }
                @if let Some(why) = &p.not_judged { p .note { (why) "." } }
                (self.figures()) (self.decisions(&s.decided)) (self.payouts(&s.paid)) (self.other_money())
                @if !p.siblings.is_empty() {
                    (table("Other claims on this order", &["claim", "opened", "reason", "standing", "credited>"], &markup! {
                        @for c in &p.siblings { tr { th scope="row" { bdi { (c.claim) } } td { (c.opened) } td { (c.reason) } td { (c.stage) } td .n { (c.credited) } } }
                    }))
                }
            }
        }
    }

    fn figures(&self) -> Markup {
        table(
            "Amounts",
            &["what", "amount>", "from"],
            &markup! {
                @for f in &self.p.summary.figures {
                    tr { th scope="row" { (f.what) } td .n { strong { (f.amount) } } td .soft { (f.from) @if !f.cites.is_empty() { ": " (self.cites(&f.cites)) } } }
                }
            },
        )
    }

    fn decisions(&self, list: &[Decided]) -> Markup {
        if list.is_empty() {
            return markup! { p .note { "Nothing was decided." } };
        }
        table(
            "Decided",
            &["when", "what", "under", "amount>"],
            &markup! {
                @for d in list {
                    tr {
                        td { (time(&d.on)) " " (self.at(d.position)) }
                        td {
                            strong { (d.remedy) } @if !d.units.is_empty() { " for " (d.units) }
                            @if let Some(reason) = &d.reason { ", " (reason) }
                            @if d.standing != "stands" { " " span .badge { (d.standing) } }
                            span .who { "by " (self.fact(d.position, "@actor", &d.by)) @if let Some(a) = &d.approver { ", approved by " (self.fact(d.position, "@approver", a)) } }
                        }
                        td { (self.cites(&d.cites)) }
                        td .n { @if let Some(amount) = &d.amount { (self.fact(d.position, "entitlement", amount)) } }
                    }
                }
            },
        )
    }

    fn payouts(&self, list: &[Paid]) -> Markup {
        if list.is_empty() {
            return markup! { p .note { "Nothing was paid to the customer." } };
        }
        table(
            "Paid",
            &["when", "what", "result", "amount>"],
            &markup! {
                @for c in list {
                    tr {
                        td { (time(&c.issued)) " " (self.at(c.position)) }
                        td {
                            strong { (c.kind) } " " bdi { (c.id) }
                            @if let Some(to) = &c.to { " to " (to) }
                            @if let Some(method) = &c.method { ", " (self.fact(c.position, "payout.method_ref", method)) }
                            span .who { "by " (self.fact(c.position, "@actor", &c.by)) @if let Some(a) = &c.approver { ", approved by " (self.fact(c.position, "@approver", a)) } }
                        }
                        td { (c.status) @if let Some(on) = &c.status_on { " " (time(on)) } }
                        td .n { (self.fact(c.position, "amount", &c.amount)) }
                    }
                }
            },
        )
    }

    fn other_money(&self) -> Markup {
        let s = &self.p.summary;
        markup! {
            @if !s.chargebacks.is_empty() {
                (table("Chargebacks", &["opened", "reference", "reason", "result", "amount>"], &markup! {
                    @for c in &s.chargebacks {
                        tr {
                            td { (time(&c.opened)) " " (self.at(c.position)) } td { (self.fact(c.position, "psp_ref", &c.reference)) }
                            td { (c.reason) } td { (c.result) " (as the merchant sees it)" } td .n { (self.fact(c.position, "amount", &c.amount)) }
                        }
                    }
                }))
            }
            @if !s.charges.is_empty() {
                (table("Owed by the customer", &["since", "what", "paid>", "amount>"], &markup! {
                    @for c in &s.charges {
                        tr { td { (time(&c.since)) } td { bdi { (c.id) } ": " (c.what) @if c.waived { " (waived)" } } td .n { (c.paid) } td .n { (c.amount) } }
                    }
                }))
            }
        }
    }

    pub(super) fn amount(&self) -> Markup {
        markup! {
            section #amount {
                h2 { "Why this amount" }
                @match &self.p.explanation {
                    Some(e) => { (self.explanation(e)) }
                    None => { p { "No policy judges this claim: " (self.p.not_judged.as_deref().unwrap_or_default()) "." } }
                }
            }
        }
    }

    fn explanation(&self, e: &Explanation) -> Markup {
        markup! {
            p { "Judged under policy " (e.policy) " version " (e.policy_version) ", in force at the purchase on " (e.purchased_on) "." }
            @for unit in &e.units { (self.unit(unit)) }
            @if !e.lines.is_empty() {
                (table("The refund, cent by cent", &["line", "how", "under", "amount>"], &markup! {
                    @for l in &e.lines {
                        tr {
                            th scope="row" { (explain::title(l).replace('_', " ")) } td { bdi { (l.formula) } (self.events(&l.events)) }
                            td { (self.cites(&l.cites)) } td .n { (l.amount) }
                        }
                    }
                    tr .sum { th scope="row" { "payable" } td { "to " (e.payout.replace('_', " ")) } td { (self.cites(&e.payout_cites)) } td .n { strong { (e.payable) } } }
                }))
            }
            @if !e.charges.is_empty() {
                h3 { "The customer owes" }
                ul { @for c in &e.charges { li { (c.what.replace('_', " ")) ": " (c.amount) " (" (self.cites(&c.cites)) ")" (self.events(&c.events)) } } }
            }
            (self.reasons("Why not more", &e.why_not_more))
            (self.reasons("Why not less", &e.why_not_less))
            @if !e.prospects.is_empty() {
                (table("What a missing fact would change", &["if", "then", "under", "payable>"], &markup! {
                    @for p in &e.prospects { tr { td { bdi { (p.if_) } } td { (p.status) } td { (self.cites(&p.cites)) } td .n { (p.payable) } } }
                }))
            }
        }
    }

    fn unit(&self, unit: &UnitPart) -> Markup {
        markup! {
            h3 { (unit.units) ": " (unit.status.replace('_', " ")) }
            p { (explain::sentence(&unit.says)) @if !unit.cites.is_empty() { " (" (self.cites(&unit.cites)) ")" } ". Claimed as " (unit.asserted.replace('_', " ")) (explain::established(unit)) "." }
            ul {
                @for w in &unit.windows {
                    li { @match w.state { "held" => "in time: ", "failed" => "too late: ", _ => "unknown: " } bdi { (w.text) } " (" (self.cites(&w.cites)) ")" (self.events(&w.events)) }
                }
                @for row in explain::shown(unit) { li { bdi { (explain::requirement(row)) } } }
            }
        }
    }

    fn reasons(&self, title: &str, list: &[Reason]) -> Markup {
        markup! {
            @if !list.is_empty() {
                h3 { (title) }
                ul {
                    @for r in list {
                        li { bdi { (r.text.replace('_', " ")) } @if !r.cites.is_empty() { " (" (self.cites(&r.cites)) ")" } @if let Some(event) = &r.event { " " (self.at(event.position)) } }
                    }
                }
            }
        }
    }

    fn events(&self, events: &[EventPart]) -> Markup {
        markup! { @for event in events { @if event.position > 0 { " " (self.at(event.position)) } } }
    }

    pub(super) fn goods(&self) -> Markup {
        markup! {
            section #goods {
                h2 { "Order and payment" }
                @match &self.p.sale {
                    Some(sale) => { (self.sale(sale)) }
                    None => { p { "No order is on record: the credit is from before the ledger." } }
                }
                @for party in &self.p.parties {
                    h3 { "The " (party.part) " " (self.at(party.position)) }
                    dl {
                        @for (name, value) in [("Name", &party.name), ("E-mail", &party.email), ("Address", &party.address), ("Phone", &party.phone)] {
                            @if let Some(value) = value { dt { (name) } dd { (text(value)) } }
                        }
                    }
                }
            }
        }
    }

    fn sale(&self, s: &Sale) -> Markup {
        markup! {
            dl {
                dt { "Order" } dd { bdi { (s.order) } " of " (time(&s.purchased_at)) " " (self.at(s.position)) }
                @if let Some(day) = &s.invoiced_on { dt { "Invoice" } dd { (self.fact(s.position, "invoiced_on", day)) } }
                dt { "Sold" } dd { (s.channel) @if let Some(seller) = &s.seller { " by " (self.fact(s.position, "seller.name", seller)) } @if s.gift { ", marked as a gift" } }
                dt { "Delivered to" } dd { bdi { (s.ship_to) } }
                dt { "Tax" } dd { (s.tax_mode) }
            }
            (table("Articles", &["article", "number>", "each>", "discount>", "tax>", "sum>"], &markup! {
                @for l in &s.lines {
                    tr {
                        th scope="row" {
                            (l.id) ": " (optional(l.description.as_ref())) " " span .soft { bdi { (l.sku) } ", " (l.condition) @if let Some(period) = &l.period { ", " (period) } }
                            @if !l.serials.is_empty() { span .who { "serials " @for (i, s) in l.serials.iter().enumerate() { @if i > 0 { ", " } (text(s)) } } }
                        }
                        td .n { (l.quantity) } td .n { (l.unit_price) } td .n { (optional(l.discount.as_ref())) } td .n { (l.tax) } td .n { (l.sum) }
                    }
                }
                @for extra in &s.extras { tr { th scope="row" { (extra.what) } td colspan="4" {} td .n { (extra.amount) } } }
                tr .sum { th scope="row" { "total" } td colspan="4" {} td .n { strong { (s.total) } } }
            }))
            @if s.payments.is_empty() { p .note { "No payment is on record." } } @else {
                (table("Payments", &["when", "payment", "from", "amount>"], &markup! {
                    @for pay in &s.payments {
                        tr { td { (time(&pay.on)) " " (self.at(pay.position)) } td { (self.fact(pay.position, "payment", &pay.id)) } td { (self.fact(pay.position, "method_ref", &pay.method)) } td .n { (self.fact(pay.position, "amount", &pay.amount)) } }
                    }
                }))
            }
        }
    }

    pub(super) fn policy(&self) -> Markup {
        markup! {
            section #policy {
                h2 { "Policy" }
                @match &self.p.policy {
                    Some(policy) => { (self.pinned(policy)) }
                    None => { p { "No policy governs this claim." } }
                }
            }
        }
    }

    fn pinned(&self, p: &PolicyPart) -> Markup {
        let (cited, others): (Vec<&ClausePart>, Vec<&ClausePart>) = p.clauses.iter().partition(|c| c.cited);
        let at = p.position;
        markup! {
            p { "The version in force at the purchase governs. It stands in the log with its hash, and cannot be changed afterwards." }
            dl {
                dt { "Policy" } dd { (self.fact(at, "name", &p.name)) " (" (self.fact(at, "policy", &p.id)) "), version " (self.fact(at, "version", &p.version.to_string())) }
                dt { "For purchases from" } dd { (self.fact(at, "effective_from", &p.effective_from.to_string())) }
                dt { "Recorded" } dd {
                    (time(&p.published_at)) " " (self.at(at))
                    @match p.published_before_purchase { Some(true) => ", before the purchase", Some(false) => ", AFTER the purchase", None => "" }
                }
                dt { "SHA-256 of the policy" } dd { code { (self.fact(at, "sha256", &p.sha256.to_string())) } }
                @if let Some(hash) = &p.document_sha256 { dt { "SHA-256 of the document it was read from" } dd { code { (hash) } } }
            }
            @if !p.pinned.is_empty() {
                (table("What the claim's events say of it", &["event", "policy hash"], &markup! {
                    @for pin in &p.pinned { tr { th scope="row" { (pin.kind) " " (self.at(pin.position)) } td { @if pin.same { "this policy" } @else { "another: " } code { (self.fact(pin.position, "policy_sha256", &pin.sha256)) } } } }
                }))
            }
            p .soft { "Clauses in the words of the register, which says in one sentence what the merchant's own wording means." }
            @if !cited.is_empty() { (self.clauses("Clauses that this case cites", &cited)) }
            @if !p.house_rules.is_empty() { (self.rules("House rules that this case cites: how the ledger reads what documents leave open", &p.house_rules.iter().collect::<Vec<_>>())) }
            @if !others.is_empty() {
                details { summary { "All other clauses of the policy (" (others.len()) ")" } (self.clauses("Other clauses", &others)) }
            }
        }
    }

    /// Clauses that stand in the event that published the policy: the script compares them.
    fn clauses(&self, caption: &str, list: &[&ClausePart]) -> Markup {
        table(
            caption,
            &["clause", "says"],
            &markup! {
                @for c in list { tr id={ "c-" (c.id) } { th scope="row" .clause { (c.id) } td { bdi data-clause=(c.id) { (c.paraphrase) } } } }
            },
        )
    }

    fn rules(&self, caption: &str, list: &[&ClausePart]) -> Markup {
        table(
            caption,
            &["rule", "says"],
            &markup! {
                @for c in list { tr id={ "c-" (c.id) } { th scope="row" .clause { (c.id) } td { bdi { (c.paraphrase) } } } }
            },
        )
    }
}
