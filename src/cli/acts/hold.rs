//! Verbs on legal holds: while one is in force, nothing personal is erased.

use replay::{
    event::{Event, LegalHoldPlaced, LegalHoldReleased},
    ids::{Code, Stream},
};

use super::{
    Acting, Verb,
    flags::{Desk, order_or_claim},
};
use crate::error::Result;

/// Keep every personal value of a claim or order, whatever asks for its erasure
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims place-hold C1 --hold suit-2026-17 --reason lawsuit
  claims place-hold order/O1 --hold tax-audit-2026 --reason authority_asks

A hold on an order keeps the order and every claim on it. A hold on a claim keeps the claim and
the order, which is part of its evidence.")]
pub struct PlaceHold {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The matter, e.g. the number of a lawsuit: used once on a claim or order
    #[arg(long, value_name = "ID")]
    hold: Code,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for PlaceHold {
    on_stream!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(LegalHoldPlaced { hold: self.hold, reason_code: self.reason }.into())
    }
}

/// End a legal hold; needs a second person
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  claims release-hold C1 --hold suit-2026-17 --reason settled --actor d.ruiz --approver m.klein")]
pub struct ReleaseHold {
    /// order/ID, or the claim
    #[arg(value_name = "ORDER|CLAIM", value_parser = order_or_claim)]
    stream: Stream,
    /// The hold, as it was placed
    #[arg(long, value_name = "ID")]
    hold: Code,
    /// Why
    #[arg(long, value_name = "CODE")]
    reason: Code,
    #[command(flatten)]
    acting: Acting,
}

impl Verb for ReleaseHold {
    on_stream!();
    fn event(self, _: &Desk) -> Result<Event> {
        Ok(LegalHoldReleased { hold: self.hold, reason_code: self.reason }.into())
    }
}
