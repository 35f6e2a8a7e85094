//! What a card processor asks for, and what it takes to check the page.

use maud::{Markup, html as markup};

use super::{Page, table};
use crate::packet::{Head, words::human};

/// A field that is longer is closed until somebody opens it: most of them repeat what stands above.
const FIELD_OPEN_BYTES_MAX: usize = 400;

impl Page<'_> {
    pub(super) fn processor(&self) -> Markup {
        let fields = &self.p.chargeback_evidence;
        let filled = fields.iter().filter(|f| f.value.is_some()).count();
        markup! {
            section #processor {
                h2 { "Fields for the card processor" }
                p { (filled) " of the " (fields.len()) " fields of a processor's evidence form follow from the ledger. Of the others it is said which fact is not on record." }
                dl .processor {
                    @for f in fields {
                        dt { code { (f.name) } }
                        dd {
                            @if let Some(value) = &f.value {
                                @if value.len() > FIELD_OPEN_BYTES_MAX {
                                    details { summary { (value.lines().next().unwrap_or_default()) " ..." } bdi .words { (value) } }
                                } @else { bdi .words { (value) } }
                            }
                            @if let Some(note) = &f.note { span .soft .who { @if f.value.is_none() { "empty: " } (note) } }
                        }
                    }
                }
            }
        }
    }

    pub(super) fn proofs(&self) -> Markup {
        let p = &self.p.proofs;
        markup! {
            section #proofs {
                h2 { "Proofs" }
                p {
                    "Every event of this page is in it as it is stored. This page computes its hash (SHA-256 over a zero byte and the stored bytes), \
                     follows the path to the root of the log (RFC 6962), compares the root with that of the head below, opens personal values with their salts, \
                     and compares what is shown of each event with the stored bytes. Sentences and sums are the program's: the events behind them are named."
                }
                p {
                    "Whoever forges the whole page can forge its script. Compare the key, and the head, with what you got from the merchant or a witness by another way. \
                     The program checks this file without its script and without a ledger: claims verify FILE --log-key KEY. \
                     For programs of others the merchant can give every event as a C2SP tlog-proof, and the log as a bundle."
                }
                @for (at, head) in p.heads.iter().enumerate() { (self.head(at, head)) }
                @for key in &p.keys {
                    dl { dt { "Key of the " (key.kind) } dd { code { (key.vkey) } " (" (key.source) ") " span .mark data-key=(key.vkey) {} } }
                }
                @if p.heads.iter().any(|head| head.checkpoint.is_some()) {
                    div #own-key hidden {
                        label for="vkey" { "Check the signature with a key that you got by another way" }
                        input #vkey type="text" autocomplete="off" spellcheck="false" placeholder="name+id+key";
                        button #check-key type="button" { "Check" }
                        p #key-answer role="status" {}
                    }
                }
                (table("Events", &["event", "SHA-256 of the leaf", "head", "result"], &markup! {
                    @for proof in &p.events {
                        tr {
                            th scope="row" { (self.at(proof.position)) }
                            td { code { (proof.leaf) } }
                            td { @match p.heads.get(proof.head) { Some(head) => { (head.size) @if head.checkpoint.is_none() { " (unsigned)" } } None => {} } }
                            td .mark data-result=(proof.position) {}
                        }
                    }
                }))
            }
        }
    }

    fn head(&self, at: usize, head: &Head) -> Markup {
        let events = self.p.proofs.events.iter().filter(|proof| proof.head == at).count();
        markup! {
            h3 { @if head.checkpoint.is_some() { "Signed checkpoint of " (head.size) " events" } @else { "Head of the log of " (head.size) " events, which nobody has signed" } }
            p {
                (events) " events of this page are proved against it. "
                @match (&head.checkpoint, head.signatures_checked, self.p.proofs.keys.is_empty()) {
                    (None, ..) => "It shows that the events fit together in one log, and not that the log was the same before: that takes a checkpoint that somebody else has kept.",
                    (Some(_), true, _) => "Its signature was checked when this packet was made, with a key that was given for it.",
                    (Some(_), false, false) => "It is signed by the key that the log itself names; no other key was given when this packet was made.",
                    (Some(_), false, true) => "Its signature was not checked when this packet was made: no key was given.",
                }
            }
            dl {
                dt { "Root" } dd { code { (head.root) } }
                @if !head.signed_by.is_empty() { dt { "Signed by" } dd { bdi { (head.signed_by.join(", ")) } " " span .mark data-head=(at) {} } }
            }
            @if let Some(note) = &head.checkpoint { pre tabindex="0" role="region" aria-label={ (human("checkpoint")) " of " (head.size) " events" } { (note) } }
        }
    }
}
