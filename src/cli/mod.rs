//! The command line: text in, one verb of the ledger, text out. stdout is data, stderr is words.

pub mod common;
mod output;

pub use output::{Output, table};
