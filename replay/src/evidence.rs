//! Evidence: what somebody who does not trust the ledger can check, in the formats that others' tools read (C2SP).
//!
//! A [`note`] is text with signatures. A [`checkpoint`] is a note about a log: its origin, size and root. A [`proof`]
//! shows against a checkpoint that an event is in the log, or that a later log only added to an earlier one. [`trust`]
//! says whose signatures are enough, and [`succession`] which key comes after which. [`record`] asks whether what
//! stands in the log about its own heads and keys is so. [`tiles`] are the layout in which a whole log is handed over.

pub mod checkpoint;
pub mod note;
pub mod proof;
pub mod record;
pub mod succession;
pub mod tiles;
pub mod trust;
