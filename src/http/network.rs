//! Where the service listens, and under which names it answers. On the network it wants TLS, its own or a proxy's.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use crate::error::{Error, ErrorKind, Result};

/// How the service is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// The ledger's file.
    pub ledger: PathBuf,
    /// Where to listen; port 0 = any that is free.
    pub listen: SocketAddr,
    /// Certificate chain and key, both PEM files.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The address of a proxy that speaks TLS with the world and is believed where it says whom it asks for.
    pub trusted_proxy: Option<IpAddr>,
    /// Names under which browsers reach it, with a port where it is not that of the scheme.
    pub public_hosts: Vec<String>,
    /// How often it was said that plain HTTP on the network is meant.
    pub insecure: u8,
    /// Requests per second of one principal; 0 = no limit.
    pub rate_per_second: u32,
}

impl Options {
    /// Whether browsers reach the service by TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.trusted_proxy.is_some()
    }
    /// Whether it may be started like this.
    ///
    /// # Errors
    /// Plain HTTP on the network that was not asked for twice; a name for the network that is missing.
    pub fn check(&self) -> Result<()> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        if !self.is_secure() && self.insecure < 2 {
            let text = format!(
                "{} is on the network, and without TLS passwords and claims would be read on the way",
                self.listen
            );
            return Err(Error::new(ErrorKind::Usage, "network_without_tls", text).hint(
                "give --tls-cert and --tls-key, or --trusted-proxy ADDRESS; or --insecure twice to do it all the same",
            ));
        }
        if self.public_hosts.is_empty() {
            let text = "on the network the service must know the name under which it is asked";
            return Err(Error::new(ErrorKind::Usage, "no_public_host", text)
                .hint("give --public-host NAME, e.g. --public-host claims.shop.example"));
        }
        Ok(())
    }
}

/// The names under which the service answers. A page of another site that resolves its name to this address (DNS
/// rebinding) asks under its own name, and gets no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// The names of a service that listens there.
    pub fn of(listening: SocketAddr, public: &[String]) -> Self {
        let port = listening.port();
        let mut names: Vec<String> = public.iter().map(|name| name.to_ascii_lowercase()).collect();
        if listening.ip().is_loopback() {
            names.extend(["localhost", "127.0.0.1", "[::1]"].map(|name| format!("{name}:{port}")));
        }
        Self(names)
    }
    /// Whether it answers under this name.
    pub fn has(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.0.contains(&host)
    }
    /// Whether a page of this origin (`https://claims.example`) is one of ours.
    pub fn has_origin(&self, origin: &str) -> bool {
        let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        rest.is_some_and(|host| self.has(host))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn options(listen: &str) -> Options {
        Options {
            ledger: "shop.db".into(),
            listen: listen.parse().unwrap(),
            tls: None,
            trusted_proxy: None,
            public_hosts: Vec::new(),
            insecure: 0,
            rate_per_second: 0,
        }
    }

    #[test]
    fn the_network_wants_tls_or_a_word_said_twice() {
        let code = |options: &Options| options.check().err().map(|why| why.code);
        assert_eq!(code(&options("127.0.0.1:0")), None);
        assert_eq!(code(&options("[::1]:8080")), None);
        let mut open = options("0.0.0.0:8080");
        for said in 0..2 {
            open.insecure = said;
            assert_eq!(code(&open).as_deref(), Some("network_without_tls"), "{said}");
        }
        open.insecure = 2;
        assert_eq!(code(&open).as_deref(), Some("no_public_host"));
        open.public_hosts.push("claims.example".into());
        assert_eq!(code(&open), None);
        open.insecure = 0;
        open.trusted_proxy = Some("10.0.0.1".parse().unwrap());
        assert_eq!((code(&open), open.is_secure()), (None, true));
        open.trusted_proxy = None;
        open.tls = Some(("cert.pem".into(), "key.pem".into()));
        assert_eq!((code(&open), open.is_secure()), (None, true));
    }

    #[test]
    fn it_answers_under_its_own_names_only() {
        let hosts = Hosts::of("127.0.0.1:8080".parse().unwrap(), &["Claims.Example".into()]);
        for name in ["localhost:8080", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]:8080", "claims.example"] {
            assert!(hosts.has(name), "{name}");
        }
        for name in ["evil.example:8080", "localhost", "localhost:80", "127.0.0.1.evil.example:8080", ""] {
            assert!(!hosts.has(name), "{name}");
        }
        assert!(hosts.has_origin("https://claims.example") && hosts.has_origin("http://localhost:8080"));
        assert!(!hosts.has_origin("null") && !hosts.has_origin("https://evil.example"));
        let network = Hosts::of("0.0.0.0:80".parse().unwrap(), &["claims.example".into()]);
        assert!(!network.has("localhost:80"));
    }
}
