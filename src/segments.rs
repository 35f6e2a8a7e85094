//! Segments: the log in columns, as Parquet files beside the ledger, for totals over millions of events and for other
//! programs (DuckDB, Polars, pandas). A disposable cache: nothing in it is not in the log, and deleting it loses nothing.
//!
//! ```text
//! rows of a range  ->  cases as they stood  ->  events, movements (columns)  ->  files  ->  manifest with their hashes
//! ```
//!
//! A segment covers a fixed range of positions ([`SPAN`]), so that its leaves are a perfect subtree of the log's tree; the
//! last one may be shorter and is made again when the log has grown. Nothing is read from a segment before the bytes it
//! stands in were hashed and compared with the manifest, and no manifest is used before the subtrees of all of them were put
//! together into the tree of the log as it stands. [`check`] derives every cell again.

mod body;
mod build;
mod check;
mod derive;
mod file;
mod manifest;
mod read;
mod table;
mod totals;

pub use build::{Built, build, drop_all};
pub use check::{Checked, check};
pub use derive::{Derived, Deriver, derive};
pub use manifest::{Folder, Manifest, Standing};
pub use read::each_row;
pub use table::{Column, EVENTS, Form, MOVEMENTS, Table};
pub use totals::{Answer, Figures, Group, Question, answer};

/// Events of a full segment: a power of two, so that their leaves are one node of the log's tree.
pub const SPAN: u64 = 1 << 16;
/// Version of columns and manifest; a segment of another one is made again.
pub const FORMAT_VERSION: u32 = 1;
