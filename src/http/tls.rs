//! TLS: a certificate chain and a key from two PEM files.

use std::{path::Path, sync::Arc};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::error::{Error, ErrorKind, Result};

/// Reads both files.
///
/// # Errors
/// Files that are missing, are no PEM, or do not belong together.
pub fn acceptor(cert: &Path, key: &Path) -> Result<TlsAcceptor> {
    let bad = |path: &Path, why: String| {
        Error::new(ErrorKind::Unreadable, "tls_file_is_bad", why)
            .at(path.display())
            .hint("give a chain of certificates and its key as PEM files")
    };
    // Opened first, so that a file that is not there is called that.
    for path in [cert, key] {
        std::fs::File::open(path).map_err(|why| Error::io(path, &why))?;
    }
    let chain =
        CertificateDer::pem_file_iter(cert).and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>);
    let chain = chain.map_err(|why| bad(cert, why.to_string()))?;
    if chain.is_empty() {
        return Err(bad(cert, "there is no certificate in it".into()));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|why| bad(key, why.to_string()))?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, secret);
    let mut config = config.map_err(|why| bad(cert, why.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
