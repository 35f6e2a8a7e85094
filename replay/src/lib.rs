//! The pure engine of the claims ledger: everything that must give the same answer twice.
//!
//! No clock, no I/O, no chance: what varies is handed in. An auditor has to trust only this crate.
//! The modules stand in reading order; see `ARCHITECTURE.md` for the two walks through them.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

// values
pub mod allocate;
pub mod ids;
pub mod money;
pub mod time;
pub mod units;
// bytes
pub mod canonical;
pub mod commitment;
pub mod merkle;
pub mod multiset;
// what can be said
pub mod codec;
pub mod event;
pub mod tracking;
// what follows from it
pub mod case;
pub mod claim;
pub mod decide;
pub mod duty;
pub mod history;
pub mod hold;
pub mod judge;
pub mod law;
pub mod order;
pub mod period;
pub mod policy;
pub mod posting;
pub mod redaction;
pub mod registry;
pub mod seal;
// what an outsider can check
pub mod evidence;
// what is reported
pub mod audit;
pub mod books;
pub mod journal;
pub mod lineage;
