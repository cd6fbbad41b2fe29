//! Reads the certificates to trust from the file that a configuration names.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Reads the certificates of a file in PEM form. The error states what is wrong with the file.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(file).map_err(|error| {
        format!("it cannot be read: {error}; name a file of certificates in PEM form")
    })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| {
            format!("it is not valid PEM: {error}; name a file of certificates in PEM form")
        })?;
    if certificates.is_empty() {
        return Err("it contains no certificate in PEM form".to_owned());
    }
    let mut roots = rustls::RootCertStore::empty();
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
    }
    Ok(certificates)
}
