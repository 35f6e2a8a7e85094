//! Every limit of the service, with its name and unit.

/// Most connections at once; whoever comes then waits in the queue of the operating system.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Longest time from the beginning of a connection, or of a request on it, to the end of its headers, in seconds.
pub const HEADER_SECONDS_MAX: u64 = 10;
/// Longest head of a request, in bytes.
pub const HEADER_BYTES_MAX: usize = 16 * 1024;
/// Most headers of a request.
pub const HEADERS_MAX: usize = 64;
/// Longest time for a TLS handshake, in seconds.
pub const TLS_SECONDS_MAX: u64 = 10;
/// Longest body of a request that is one command or one form, in bytes.
pub const BODY_BYTES_MAX: usize = crate::command::COMMAND_BYTES_MAX;
/// Longest body of a bulk append, in bytes.
pub const BULK_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Most bulk appends at once.
pub const BULK_MAX: usize = 4;
/// Most feeds at once.
pub const FEEDS_MAX: usize = 64;
/// Events that a feed reads and sends together.
pub const FEED_EVENTS: usize = 256;
/// A feed without news says that it is still there after so long, and asks whether its reader still may, in seconds.
pub const FEED_PING_SECONDS: u64 = 15;
/// A feed looks for what other programs wrote after so long, in milliseconds.
pub const FEED_POLL_MS: u64 = 1_000;
/// A reader of a feed that takes nothing for so long is dropped, in seconds.
pub const FEED_SEND_SECONDS_MAX: u64 = 20;
/// Longest time for a body that is no stream to arrive, in seconds.
pub const BODY_SECONDS_MAX: u64 = 30;
/// Longest query string, in bytes.
pub const QUERY_BYTES_MAX: usize = 4 * 1024;
/// Longest value of a parameter, in bytes.
pub const PARAM_BYTES_MAX: usize = 512;
/// Most requests that are being worked on, or wait for it.
pub const REQUESTS_MAX: usize = 256;
/// Most requests at once that fold the log; others wait.
pub const HEAVY_MAX: usize = 2;
/// Longest wait for a connection to read with, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 10;
/// Longest time for an answer, in seconds.
pub const ANSWER_SECONDS_MAX: u64 = 300;
/// Most logins that are being worked out at once: each costs 19 MiB and some milliseconds on purpose.
pub const LOGINS_MAX: usize = 2;
/// Requests that one principal, or one address without one, may make at once.
pub const RATE_BURST: u32 = 400;
/// Requests per second that come back after that, unless `--rate` says otherwise.
pub const RATE_PER_SECOND: u32 = 200;
/// Principals and addresses whose rate is remembered.
pub const RATE_NAMES_MAX: usize = 10_000;
/// Longest time to end what is being worked on after a signal, in seconds.
pub const SHUTDOWN_SECONDS_MAX: u64 = 30;
/// Most rows of one page of a list.
pub const PAGE_ROWS_MAX: u64 = 1_000;
/// Rows of a page unless asked otherwise.
pub const PAGE_ROWS: u64 = 50;
/// Longest request id that is taken over, in characters.
pub const REQUEST_ID_CHARS_MAX: usize = 64;
