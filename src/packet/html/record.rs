//! The record: events with both times, parcels, messages, evidence, what was known when, people.

use maud::{Markup, html as markup};

use super::{Page, optional, table, text, time};
use crate::packet::{
    Parcel, Told,
    words::{human, moment, title},
};

impl Page<'_> {
    pub(super) fn timeline(&self) -> Markup {
        markup! {
            section #timeline {
                h2 { "What happened" }
                p { "By the time it happened. An event is never changed: corrections and reversals are events of their own." }
                ol .events { @for told in &self.p.timeline { (self.event(told)) } }
            }
        }
    }

    fn event(&self, t: &Told) -> Markup {
        let at = t.position;
        let stream = if t.stream == "ledger" { ", in the stream of the ledger" } else { "" };
        markup! {
            li id={ "e" (at) } data-event=(at) {
                div .when { span .pos { "[" (at) "]" } " " time datetime=(t.happened) data-at={ (at) " @happened" } { (moment(&t.happened)) } }
                div .what {
                    p .kind {
                        strong { (title(&t.kind)) }
                        @if !t.says.is_empty() { ": " bdi { (t.says) } }
                        @if t.standing != "stands" { " " span .badge { (t.standing) } }
                    }
                    p .soft {
                        "recorded " time datetime=(t.recorded) data-at={ (at) " @recorded" } { (moment(&t.recorded)) }
                        " by " (self.fact(at, "@actor", &t.actor)) " as " (self.fact(at, "@role", &t.role))
                        @if let Some(approver) = &t.approver { ", approved by " (self.fact(at, "@approver", approver)) }
                        ", from " (self.fact(at, "@source", &t.source))
                        @if let Some(key) = &t.external_id { " (" (self.fact(at, "@external_id", key)) ")" }
                        (stream)
                        " " span .mark data-mark=(at) {}
                    }
                    @if !t.fields.is_empty() {
                        details {
                            summary { "Everything it says" }
                            dl .fields data-fields=(at) {
                                @for field in &t.fields {
                                    dt { (field.path) }
                                    dd class=[(!field.state.is_readable()).then_some("gone")] { bdi .words data-at={ (at) " " (field.path) } { (field.text) } }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn tracking(&self) -> Markup {
        markup! {
            section #tracking {
                h2 { "Shipments" }
                @if self.p.parcels.is_empty() { p .note { "No parcel is on record." } }
                @for parcel in &self.p.parcels { (self.parcel(parcel)) }
            }
        }
    }

    fn parcel(&self, p: &Parcel) -> Markup {
        markup! {
            h3 { "Parcel " bdi { (p.id) } @if !p.leg.is_empty() { ", " (p.leg) } }
            dl {
                @if let Some(carrier) = &p.carrier { dt { "Carrier" } dd { bdi { (carrier) } @if let Some(service) = &p.service { ", " bdi { (service) } } } }
                @if let Some(tracking) = &p.tracking {
                    dt { "Tracking number" } dd { (text(tracking)) @if let Some(check) = &p.tracking_check { " (" (check) " for this carrier)" } }
                }
                @if !p.units.is_empty() { dt { "Holds" } dd { (p.units) } }
                @if let Some(at) = &p.dispatched { dt { "Dispatched" } dd { (time(at)) } }
                @if let Some(at) = &p.delivered { dt { "Delivered" } dd { strong { (time(at)) } } }
                @if let Some(dock) = &p.at_the_dock {
                    dt { "At the dock" } dd { @match dock.rsplit_once(' ') { Some((what, at)) => { (what) " " (time(at)) }, None => (dock) } }
                }
                dt { "Events" } dd { @for at in &p.positions { (self.at(*at)) " " } }
            }
            @if !p.scans.is_empty() {
                (table(&format!("Scans of parcel {}", p.id), &["when", "scan", "place", "carrier's reference"], &markup! {
                    @for s in &p.scans {
                        tr { td { (time(&s.at)) " " (self.at(s.position)) } td { (s.status) } td { @if let Some(place) = &s.place { (self.fact(s.position, "place", place)) } } td { @if let Some(r) = &s.reference { (self.fact(s.position, "scan_ref", r)) } } }
                    }
                }))
            }
        }
    }

    pub(super) fn messages(&self) -> Markup {
        markup! {
            section #messages {
                h2 { "Communication" }
                @if self.p.communications.is_empty() { p .note { "No message is on record." } } @else {
                    ol .events {
                        @for c in &self.p.communications {
                            li {
                                div .when { (time(&c.at)) " " (self.at(c.position)) }
                                div .what {
                                    p .kind { strong { (title(c.direction)) } @if let Some(channel) = &c.channel { " by " (channel) } ": " bdi { (c.about) } @if let Some(r) = &c.reference { " (" (self.fact(c.position, "reference", r)) ")" } }
                                    @if let Some(words) = &c.text { blockquote { (text(words)) } }
                                    p .soft { "by " (self.fact(c.position, "@actor", &c.by)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn evidence(&self) -> Markup {
        markup! {
            section #evidence {
                h2 { "Evidence" }
                p { "Files lie with the merchant; a file is the one that was submitted if it has the hash that stands here." }
                @if self.p.evidence.is_empty() { p .note { "No evidence is on record." } } @else {
                    (table("Evidence", &["when", "what", "SHA-256 of the file"], &markup! {
                        @for e in &self.p.evidence {
                            tr {
                                td { (time(&e.at)) " " (self.at(e.position)) }
                                td { bdi { (e.kind) } @if e.standing != "stands" { " " span .badge { (e.standing) } } span .who { "by " (self.fact(e.position, "@actor", &e.by)) } }
                                td { @if let Some(hash) = &e.sha256 { code { (hash) } } @else { span .soft { "no file" } } @if let Some(media) = &e.media { " " span .soft { bdi { (media) } } } }
                            }
                        }
                    }))
                }
            }
        }
    }

    pub(super) fn known(&self) -> Markup {
        let k = &self.p.known;
        let nothing = k.late.is_empty()
            && k.corrections.is_empty()
            && k.reversals.is_empty()
            && self.p.refused.is_empty()
            && self.p.redactions.is_empty();
        markup! {
            section #known {
                h2 { "What was known when" }
                p { "When something happened, and when the ledger learned it, are two times. What came in more than " (crate::packet::LATE_AFTER_HOURS) " hours later is named here, with every correction and what it replaced." }
                @if nothing { p .note { "Nothing came late, and nothing was corrected, taken back, refused or erased." } }
                @if !k.late.is_empty() {
                    (table("Learned late", &["event", "happened", "recorded", "hours later>"], &markup! {
                        @for l in &k.late { tr { th scope="row" { (l.kind) " " (self.at(l.position)) } td { (time(&l.happened)) } td { (time(&l.recorded)) } td .n { (l.hours) } } }
                    }))
                }
                @for c in &k.corrections {
                    h3 { (title(&c.of_kind)) " " (self.at(c.of_position)) " was corrected by " (self.at(c.position)) }
                    p { "Recorded " (time(&c.recorded)) " by " (self.fact(c.position, "@actor", &c.by)) @if let Some(a) = &c.approver { ", approved by " (self.fact(c.position, "@approver", a)) } ": " (c.reason) "." @if let Some(words) = &c.reason_text { " " (text(words)) } }
                    (table(&format!("What correction {} replaced", c.position), &["field", "was", "became"], &markup! {
                        @for f in &c.fields { tr { th scope="row" { (f.field) } td { del { (optional(f.was.as_ref())) } } td { ins { (optional(f.became.as_ref())) } } } }
                    }))
                }
                @for r in &k.reversals {
                    h3 { (title(&r.of_kind)) " " (self.at(r.of_position)) " was taken back by " (self.at(r.position)) }
                    p { "Recorded " (time(&r.recorded)) " by " (self.fact(r.position, "@actor", &r.by)) @if let Some(a) = &r.approver { ", approved by " (self.fact(r.position, "@approver", a)) } ": " (r.reason) ". It counts for nothing." @if let Some(words) = &r.reason_text { " " (text(words)) } }
                }
                @if !self.p.refused.is_empty() {
                    (table("Acts of the merchant that a rule refused", &["when", "act", "why", "under"], &markup! {
                        @for r in &self.p.refused { tr { td { (time(&r.recorded)) " " (self.at(r.position)) } td { (human(&r.kind)) span .who { "by " (self.fact(r.position, "@actor", &r.by)) } } td { bdi { (r.message) } } td { (self.cites(&r.cites)) } } }
                    }))
                }
                @if !self.p.redactions.is_empty() {
                    (table("Personal values that were erased", &["value", "when and why", "approved by"], &markup! {
                        @for e in &self.p.redactions { tr { th scope="row" { (e.path) " of " (self.at(e.of_position)) } td { "redacted with approval on " (e.on) ", " (e.basis) ", asked for by " bdi { (e.requester) } ", carried out by " bdi { (e.by) } } td { bdi { (e.approver) } " at position " (self.at(e.position)) } } }
                    }))
                }
            }
        }
    }

    pub(super) fn people(&self) -> Markup {
        let positions = |list: &[u64]| markup! { @for at in list { (self.at(*at)) " " } };
        markup! {
            section #people {
                h2 { "People" }
                p { "Ids are pseudonyms of the merchant; only its own records say whom they mean." }
                (table("Who recorded and approved", &["id", "as", "recorded", "approved"], &markup! {
                    @for person in &self.p.people {
                        tr { th scope="row" { bdi { (person.id) } } td { (person.roles.join(", ").replace('_', " ")) } td { (positions(&person.recorded)) } td { (positions(&person.approved)) } }
                    }
                }))
            }
        }
    }
}
