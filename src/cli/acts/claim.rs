//! Verbs on a claim up to its decision: contact, evidence, assessment, authorization.

use replay::{
    event::{
        self, AuthorizationDenied, AuthorizationExpired, AuthorizationGranted, AuthorizationVoided, Basis,
        Channel, ClaimOpened, ClaimReclassified, Claimant, EligibilityAssessed, Event, EvidenceSubmitted,
        LastDay, Remedy, UnitAssessment, UnitStatus,
    },
    ids::{ClaimId, Code, OrderId, Personal, Rma, Stream, Word},
    merkle::Hash,
    time::{Day, When},
};
use std::path::PathBuf;

use super::{
    Acting, Verb,
    flags::{Desk, Text, claim_id, fingerprint, one_of, order_id, personal, yes_no},
};
use crate::error::{Error, ErrorKind, Result};

/// Open a claim: a customer turns to the merchant about units of an order
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims open C1 --order O1 --reason defect --via email --units L1#2
  claims open C1 --order O1 --reason change_of_mind --via chat --text 'It is too big.'
  claims open C2 --order O1 --reason doa --via ticket --text-file mail.txt \\
    --first-contact-at 2024-04-03T09:00:00-05:00")]
pub struct Open {
    /// The claim's id
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The order it is about
    #[arg(long, value_parser = order_id)]
    order: OrderId,
    /// Why, as the customer says it (asserted)
    #[arg(long, value_parser = one_of!(Basis))]
    reason: Basis,
    /// Units it is about: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// Who turns to the merchant
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// How
    #[arg(long, value_parser = one_of!(Channel))]
    via: Channel,
    /// A proven earlier contact, which counts instead (H-2)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    first_contact_at: Option<When>,
    /// Whether the customer wrote before sending anything back
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    contact_before_return: Option<bool>,
    #[command(flatten)]
    text: Text,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Open {
    on_claim!();
    fn looked_up(&self) -> Stream {
        Stream::Order(self.order.clone())
    }
    fn event(self, desk: &Desk) -> Result<Event> {
        Ok(ClaimOpened {
            units: desk.units(&self.units)?,
            order: self.order,
            asserted: self.reason,
            by: self.by,
            via: self.via,
            first_contact_at: self.first_contact_at,
            contact_before_return: self.contact_before_return,
            text: self.text.read()?,
        }
        .into())
    }
}

/// Record that the reason is another one than first said
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims reclassify C1 --to doa --reason customer_says_more")]
pub struct Reclassify {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The reason that is asserted now
    #[arg(long, value_parser = one_of!(Basis))]
    to: Basis,
    /// Who says so
    #[arg(long, default_value = "buyer", value_parser = one_of!(Claimant))]
    by: Claimant,
    /// Why it changes
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Reclassify {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { to, by, reason, reason_text, .. } = self;
        Ok(ClaimReclassified { to, by, reason_code: reason, reason_text }.into())
    }
}

/// Record evidence; of files the SHA-256 and the media type, never the file itself
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims evidence C1 --kind order_number --kind proof_of_purchase
  claims evidence C1 --kind problem_photo_or_video --file front.jpg --file back.jpg

A file may have 128 MiB; of a larger one give --sha256 and --media.")]
pub struct Evidence {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// What it shows, as the policy calls it (several: repeat, without files)
    #[arg(long, value_name = "CODE", required = true)]
    kind: Vec<Code>,
    /// A file of it (repeat)
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// SHA-256 of a file that lies elsewhere
    #[arg(long, value_name = "HEX", conflicts_with = "file")]
    sha256: Option<Hash>,
    /// Media type [default: by the file's extension]
    #[arg(long, value_name = "TYPE")]
    media: Option<Word>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Evidence {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { kind: kinds, file: files, sha256, media, .. } = self;
        if kinds.len() > 1 && (!files.is_empty() || sha256.is_some() || media.is_some()) {
            let text = "a file is evidence of one kind";
            return Err(Error::new(ErrorKind::Usage, "several_kinds_with_a_file", text)
                .hint("record one kind a command; claims record takes any number of them in one event"));
        }
        let mut items = Vec::new();
        for kind in kinds {
            if files.is_empty() {
                items.push(event::Evidence { kind: kind.clone(), sha256, media: media.clone() });
            }
            for file in &files {
                let (sha256, by_extension) = fingerprint(file)?;
                let media = media.clone().or(by_extension);
                items.push(event::Evidence { kind: kind.clone(), sha256: Some(sha256), media });
            }
        }
        Ok(EvidenceSubmitted { items }.into())
    }
}

/// Record that evidence was checked and does not hold
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims verification-failed C1 --kind proof_of_purchase --reason other_order")]
pub struct VerificationFailed {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// The kind of evidence (repeat)
    #[arg(long, value_name = "CODE", required = true)]
    kind: Vec<Code>,
    /// Why it does not hold
    #[arg(long, value_name = "CODE")]
    reason: Option<Code>,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for VerificationFailed {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { kind: items, reason: reason_code, reason_text, .. } = self;
        Ok(event::VerificationFailed { items, reason_code, reason_text }.into())
    }
}

/// Record what the policy says of units today; anything else is refused
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims assess C1 --status authorizable --basis defect --remedy refund --cite AMC-1.1
  claims assess C1 --units L1#2 --status hold --cite AMC-1.4 --last-day return30=2024-05-02

Units that differ in standing need a command each.")]
pub struct Assess {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// Their standing
    #[arg(long, value_parser = one_of!(UnitStatus))]
    status: UnitStatus,
    /// Why they are claimed, as established
    #[arg(long, value_parser = one_of!(Basis))]
    basis: Option<Basis>,
    /// A remedy that is allowed (repeat, in order of preference)
    #[arg(long, value_parser = one_of!(Remedy))]
    remedy: Vec<Remedy>,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    /// Last day of a window, as WINDOW=DAY (repeat)
    #[arg(long, value_name = "WINDOW=DAY", value_parser = last_day)]
    last_day: Vec<LastDay>,
    /// SHA-256 of the policy that was asked
    #[arg(long, value_name = "HEX")]
    policy_sha256: Option<Hash>,
    /// SHA-256 of the facts that were known
    #[arg(long, value_name = "HEX")]
    facts_sha256: Option<Hash>,
    #[command(flatten)]
    acting: Acting,
}

fn last_day(text: &str) -> std::result::Result<LastDay, String> {
    let (window, day) = text.split_once('=').ok_or("write WINDOW=DAY, like return30=2024-05-02")?;
    let window = Code::new(window).map_err(|why| why.to_string())?;
    Ok(LastDay { window, day: Day::parse(day).map_err(|why| why.to_string())? })
}

impl Verb for Assess {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let row = UnitAssessment {
            units: desk.units(&self.units)?,
            status: self.status,
            basis: self.basis,
            remedies: self.remedy,
            cites: self.cite,
            last_days: self.last_day,
        };
        let Self { policy_sha256, facts_sha256, .. } = self;
        Ok(EligibilityAssessed { units: vec![row], policy_sha256, facts_sha256 }.into())
    }
}

/// Agree to a return, and give it a number; what the policy asks for first must be on record
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims authorize C1 --rma RMA-1001 --written
  claims authorize C1 --rma RMA-1002 --units L1#2 --form yes --process standard")]
pub struct Authorize {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// RMA number
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    /// Units: all, L1, L1#2 or L1#1-3, several with commas
    #[arg(long, default_value = "all")]
    units: String,
    /// The customer has it in writing
    #[arg(long)]
    written: bool,
    /// Whether the form went with it
    #[arg(long, value_name = "YES|NO", value_parser = yes_no(), hide_possible_values = true)]
    form: Option<bool>,
    /// Which instructions were sent
    #[arg(long, value_name = "REF")]
    instructions: Option<Word>,
    /// Which process, e.g. standard or separate
    #[arg(long, value_name = "CODE")]
    process: Option<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Authorize {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.units(&self.units)?;
        let Self { rma, written, form, instructions: instructions_ref, process, .. } = self;
        Ok(AuthorizationGranted { rma, units, written, form, instructions_ref, process }.into())
    }
}

/// Deny a return, as far as the policy does not grant it
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims deny C1 --reason outside_the_window --cite AMC-1.3
  claims deny C1 --units L1#2 --reason not_returnable --cite AMC-2.1,AMC-1.3")]
pub struct Deny {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    /// Units [default: every unit of the claim]
    #[arg(long)]
    units: Option<String>,
    /// RMA number that was asked for
    #[arg(long, value_name = "NUMBER")]
    rma: Option<Rma>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Deny {
    on_claim!();
    fn event(self, desk: &Desk) -> Result<Event> {
        let units = desk.some_units(self.units.as_deref())?;
        let Self { rma, reason: reason_code, reason_text, cite: cites, .. } = self;
        Ok(AuthorizationDenied { rma, units, reason_code, reason_text, cites }.into())
    }
}

/// Let an RMA number run out
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims expire C1 --rma RMA-1001 --cite AMC-2.5")]
pub struct Expire {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// RMA number
    #[arg(long, value_name = "NUMBER")]
    rma: Rma,
    /// Why
    #[arg(long, value_name = "CODE", default_value = "expired")]
    reason: Code,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Expire {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { rma, reason: reason_code, cite: cites, .. } = self;
        Ok(AuthorizationExpired { rma, reason_code, cites }.into())
    }
}

/// Withdraw an RMA number
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims void C1 --rma RMA-1001 --reason wrong_units --reason-text 'typed L1 for L2'")]
pub struct Void {
    /// The claim
    #[arg(value_parser = claim_id)]
    claim: ClaimId,
    /// RMA number
    #[arg(long, value_name = "NUMBER")]
    rma: Rma,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    /// The same in words (kept outside the log, erasable)
    #[arg(long, value_name = "TEXT", value_parser = personal)]
    reason_text: Option<Personal>,
    /// Clauses behind it (repeat, or with commas)
    #[arg(long, value_name = "CLAUSE", value_delimiter = ',')]
    cite: Vec<Code>,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for Void {
    on_claim!();
    fn event(self, _: &Desk) -> Result<Event> {
        let Self { rma, reason: reason_code, reason_text, cite: cites, .. } = self;
        Ok(AuthorizationVoided { rma, reason_code, reason_text, cites }.into())
    }
}
