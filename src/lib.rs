//! The application around the engine: ledger verbs, stores, import and export, command line, service.
//!
//! ```text
//! cli | http  ->  ledger  ->  store  ->  replay
//! ```
//!
//! `ARCHITECTURE.md` has the picture, the invariants and the two walks.

pub mod access;
pub mod answers;
pub mod assets;
pub mod auditor;
pub mod backup;
pub mod cli;
pub mod command;
pub mod coverage;
pub mod door;
pub mod error;
pub mod evidence;
pub mod generate;
pub mod hashed;
pub mod http;
pub mod import_csv;
pub mod journal;
pub mod judging;
pub mod ledger;
pub mod lineage;
pub mod packet;
pub mod periods;
pub mod policy_file;
pub mod progress;
pub mod proof;
pub mod record;
pub mod redaction;
pub mod replaying;
pub mod room;
pub mod scenario;
pub mod schema;
pub mod segments;
pub mod sod;
pub mod store;
pub mod subject;
pub mod transfer;
pub mod view;
pub mod web;
pub mod whole;
pub mod writer;
