//! TLS: whom we trust, and what it looks like when we do not.

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;

use crate::config::Config;
use crate::error::SourceError;

/// What to do about a server that we do not trust.
pub(crate) const TRUST_HINT: &str =
    "if it is the right server, name a file with its authority's certificate in `http.ca-cert`";

/// Trusts whom the operating system trusts, and whom the configuration adds.
pub(crate) fn tls(config: &Config) -> Result<ClientConfig, SourceError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let setup = |error: rustls::Error| SourceError::Setup {
        endpoint: config.endpoint.clone(),
        reason: error.to_string(),
    };
    let extra = config.ca_certificates.iter().cloned();
    let verifier = Verifier::new_with_extra_roots(extra, Arc::clone(&provider)).map_err(setup)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(setup)?;
    // "Dangerous" is any verifier that one hands in; this is the platform's.
    let builder = builder.dangerous();
    Ok(builder
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The certificates of a file in PEM form, or what is wrong with it.
pub(crate) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = std::fs::read(file).map_err(|error| {
        format!("it cannot be read, {error}; give a file of certificates in PEM form")
    })?;
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&text)
        .collect::<Result<_, _>>()
        .map_err(|error| format!("it is no PEM, {error}; give a file of certificates"))?;
    if certificates.is_empty() {
        return Err("it holds no certificate in PEM form".to_owned());
    }
    let mut roots = rustls::RootCertStore::empty();
    for certificate in &certificates {
        roots
            .add(certificate.clone())
            .map_err(|error| format!("a certificate in it cannot be used: {error}"))?;
    }
    Ok(certificates)
}

/// Whether a connection failed because the server's certificate is none that we trust.
pub(crate) fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // What an error of input and output wraps is not its source, but passed over as such.
        let wrapped = error.downcast_ref().and_then(io::Error::get_ref);
        cause = match wrapped {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests;
