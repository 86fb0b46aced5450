//! Which servers are trusted: the system's roots and the user's own, read once for all clients.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::{Error, ErrorKind, Result};

/// TLS that trusts the system's roots and `extra_roots`, each a PEM file of certificates.
///
/// Reading the system's roots takes some hundred files on Linux, so each client gets a clone.
pub(super) fn tls(extra_roots: &[Vec<u8>]) -> Result<ClientConfig> {
    let mut roots = Vec::new();
    for pem in extra_roots {
        let certificates: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match certificates {
            Ok(certificates) if !certificates.is_empty() => roots.extend(certificates),
            _ => return Err(Error::new(ErrorKind::Config, "an extra root certificate is not PEM")),
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(unusable)?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .dangerous() // The name of every verifier that is not built from a list of roots.
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn unusable(source: rustls::Error) -> Error {
    Error::new(ErrorKind::Config, "TLS cannot be set up").with_source(source)
}

#[cfg(test)]
mod tests {
    use super::tls;

    #[test]
    fn a_root_that_is_not_pem_is_refused() {
        for pem in ["", "MIIB", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"] {
            assert!(tls(&[pem.as_bytes().to_vec()]).is_err(), "{pem:?}");
        }
    }
}
