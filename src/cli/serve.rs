//! serve: the ledger over HTTP.

use clap::{Args, ValueEnum};
use serde_json::json;
use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use super::{common::Common, output::Output};
use crate::{
    error::{Error, ErrorKind, Result},
    http::{self, Listening, Options, limits::RATE_PER_SECOND},
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  claims serve --ledger shop.db
  claims serve --ledger shop.db --listen 127.0.0.1:0 --json
  claims serve --ledger shop.db --listen 0.0.0.0:443 --public-host claims.shop.example \\
      --tls-cert chain.pem --tls-key key.pem
  claims serve --ledger shop.db --listen 10.0.0.5:8080 --public-host claims.shop.example \\
      --trusted-proxy 10.0.0.1

It listens on this machine alone unless told otherwise. As long as nobody can log in, each start prints
a one-time link with which the first admin chooses a password; the role is granted as an event. People
and tokens are kept beside the ledger in LEDGER.access, which is its owner's. Ctrl-C and SIGTERM end
the service after what is in hand. Logs go to stderr, with a request id on each line; the same id is
the correlation of the events of that request.")]
pub struct ServeArgs {
    /// Where to listen; port 0 takes any that is free
    #[arg(long, env = "CLAIMS_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8377")]
    listen: SocketAddr,
    /// The name under which browsers reach it, with its port where that is not the scheme's; several times for several
    #[arg(
        long,
        env = "CLAIMS_PUBLIC_HOST",
        value_name = "NAME",
        value_delimiter = ',',
        help_heading = "On the network"
    )]
    public_host: Vec<String>,
    /// The chain of certificates, as a PEM file
    #[arg(
        long,
        env = "CLAIMS_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key",
        help_heading = "On the network"
    )]
    tls_cert: Option<PathBuf>,
    /// Its key, as a PEM file
    #[arg(
        long,
        env = "CLAIMS_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert",
        help_heading = "On the network"
    )]
    tls_key: Option<PathBuf>,
    /// The proxy that speaks TLS with the world; its X-Forwarded-For is believed
    #[arg(
        long,
        env = "CLAIMS_TRUSTED_PROXY",
        value_name = "ADDRESS",
        conflicts_with = "tls_cert",
        help_heading = "On the network"
    )]
    trusted_proxy: Option<IpAddr>,
    /// Serve the network without TLS; has to be said twice
    #[arg(long, action = clap::ArgAction::Count, help_heading = "On the network")]
    insecure: u8,
    /// Requests per second of one person or program; 0 = no limit
    #[arg(long, value_name = "N", default_value_t = RATE_PER_SECOND)]
    rate: u32,
    /// How logs look
    #[arg(long, value_enum, default_value_t = Logs::Text, env = "CLAIMS_LOGS")]
    logs: Logs,
}

/// How logs look, and whether there are any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Logs {
    /// A line for people
    Text,
    /// A line of JSON
    Json,
    /// Warnings and errors only, as text
    Quiet,
}

impl Logs {
    fn start(self) -> Result<()> {
        use tracing::level_filters::LevelFilter;
        let level = if self == Logs::Quiet { LevelFilter::WARN } else { LevelFilter::INFO };
        let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
        let started = match self {
            Logs::Json => lines.json().try_init(),
            Logs::Text | Logs::Quiet => lines.with_ansi(false).try_init(),
        };
        started.map_err(|why| Error::new(ErrorKind::Internal, "no_logs", why.to_string()))
    }
}

impl ServeArgs {
    pub fn run(self, common: &Common, out: Output) -> Result<()> {
        let options = Options {
            ledger: common.path()?.clone(),
            listen: self.listen,
            tls: self.tls_cert.zip(self.tls_key),
            trusted_proxy: self.trusted_proxy,
            public_hosts: self.public_host,
            insecure: self.insecure,
            rate_per_second: self.rate,
        };
        self.logs.start()?;
        http::serve(&options, |listening| said(listening, out))
    }
}

/// Data on stdout: where it listens, and the link, which is for whoever started it.
fn said(listening: &Listening, out: Output) -> Result<()> {
    let Listening { address, url, setup } = listening;
    let answer = json!({ "listening": address.to_string(), "url": url, "setup": setup });
    out.say(&answer, || match setup {
        None => format!("listening on {url}"),
        Some(setup) => {
            format!("listening on {url}\nnobody can log in yet; set up the first admin, once:\n  {setup}")
        }
    })
}
