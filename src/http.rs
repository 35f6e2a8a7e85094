//! The service: `claims serve`. One table of routes says who may ask what; requests are checked at the door, reads run
//! on a pool of connections that each see one state of the ledger, writes go through the one writer.
//!
//! ```text
//! connection -> host, size, time -> who asks (principal) -> may they (routes) -> view | append -> JSON, page, problem
//! ```
//!
//! Async stops here: everything that a route does runs on a thread that may block.

mod accounts;
mod acts;
pub mod answer;
pub mod app;
mod append;
pub mod asked;
pub mod assets;
mod checks;
mod claims;
pub mod desk;
mod door;
mod figures;
pub mod limits;
mod login;
pub mod metrics;
pub mod network;
pub mod openapi;
pub mod param;
pub mod principal;
pub mod problem;
mod rate;
mod readers;
pub mod routes;
mod server;
mod stream;
mod tls;

pub use app::App;
pub use network::{Hosts, Options};
pub use server::{Listening, serve};
