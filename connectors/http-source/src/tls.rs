//! Configures which servers TLS trusts, and recognizes errors about a server that is not trusted.

use std::error::Error;
use std::io;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::Verifier;

use crate::config::Config;
use crate::error::SourceError;

/// Tells the operator what to do about a server that is not trusted.
pub(crate) const TRUST_HINT: &str =
    "if it is the right server, set `http.ca-cert` to a file with its authority's certificate";

/// Returns a TLS configuration that trusts the authorities of the operating system and those that `config` adds.
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
    // The library calls every custom verifier dangerous, even this one, which is the verifier of the operating
    // system.
    let builder = builder.dangerous();
    Ok(builder
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// Whether a connection failed because the server's certificate is not trusted.
pub(crate) fn is_distrust(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        // `source()` of an I/O error skips the wrapped error, so the wrapped error is checked first.
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
