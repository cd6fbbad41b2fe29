//! TLS settings, from the given files or from a Fluvio profile.
//!
//! The TLS support of the `fluvio` crate is not sufficient: its anonymous mode rejects every address that has a port,
//! and its verified mode requires a client certificate even if the server does not.

use std::path::Path;
use std::sync::Arc;

use fluvio::config::{TlsConfig, TlsPolicy};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, SupportedProtocolVersion,
};

use crate::options::{Tls, TlsFiles, TlsIdentity};
use crate::{ClientError, address};

/// The two TLS versions in use. `fluvio-run` supports both.
const VERSIONS: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// The TLS configuration of connections.
#[derive(Debug, Clone)]
pub(crate) struct TlsSettings {
    pub(crate) config: Arc<ClientConfig>,
    /// The name that the certificate must have; `None` means the host of the address.
    pub(crate) domain: Option<String>,
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

impl TlsSettings {
    /// Creates the configuration from the given options.
    pub(crate) fn new(tls: &Tls) -> Result<Self, ClientError> {
        match tls {
            Tls::Anonymous => Self::anonymous(),
            Tls::Verified(files) => Self::from_files(files),
        }
    }

    /// Creates the configuration from a profile; `None` if the profile disables TLS.
    pub(crate) fn from_profile(policy: &TlsPolicy) -> Result<Option<Self>, ClientError> {
        match policy {
            TlsPolicy::Disabled => Ok(None),
            TlsPolicy::Anonymous => Self::anonymous().map(Some),
            TlsPolicy::Verified(TlsConfig::Files(paths)) => {
                let given = |path: &Path| !path.as_os_str().is_empty();
                let identity = (given(&paths.cert) && given(&paths.key)).then(|| TlsIdentity {
                    cert: paths.cert.clone(),
                    key: paths.key.clone(),
                });
                let files = TlsFiles {
                    ca: paths.ca_cert.clone(),
                    identity,
                    domain: named(&paths.domain),
                };
                Self::from_files(&files).map(Some)
            }
            TlsPolicy::Verified(TlsConfig::Inline(inline)) => {
                let roots = certificates("ca_cert", inline.ca_cert.as_bytes())?;
                let identity = if inline.cert.is_empty() {
                    None
                } else {
                    let cert = certificates("cert", inline.cert.as_bytes())?;
                    Some((cert, private_key("key", inline.key.as_bytes())?))
                };
                Self::verified(roots, identity, named(&inline.domain)).map(Some)
            }
        }
    }

    /// The name that the certificate of the server at `address` must have.
    pub(crate) fn name_at(&self, address: &str) -> Result<ServerName<'static>, String> {
        let name = self.domain.as_deref().unwrap_or(address::host(address));
        ServerName::try_from(name.to_owned())
            .map_err(|_| format!("`{name}` is not a valid name for a certificate"))
    }

    fn from_files(files: &TlsFiles) -> Result<Self, ClientError> {
        let roots = certificates(&shown(&files.ca), &read(&files.ca)?)?;
        let identity = match &files.identity {
            None => None,
            Some(TlsIdentity { cert, key }) => Some((
                certificates(&shown(cert), &read(cert)?)?,
                private_key(&shown(key), &read(key)?)?,
            )),
        };
        Self::verified(roots, identity, files.domain.clone())
    }

    fn anonymous() -> Result<Self, ClientError> {
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(VERSIONS)
            .map_err(unusable)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
            .with_no_client_auth();
        Ok(Self {
            config: Arc::new(config),
            domain: None,
        })
    }

    fn verified(
        certificates: Vec<CertificateDer<'static>>,
        identity: Option<Identity>,
        domain: Option<String>,
    ) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).map_err(unusable)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(VERSIONS)
            .map_err(unusable)?
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => builder.with_client_auth_cert(cert, key).map_err(unusable)?,
        };
        Ok(Self {
            config: Arc::new(config),
            domain,
        })
    }
}

/// Accepts every certificate, but verifies that the server has the matching private key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn certificates(name: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(format!(
            "`{name}` contains no certificate in PEM form"
        ))),
        Err(error) => Err(unusable(format!("`{name}`: {error}"))),
    }
}

fn private_key(name: &str, pem: &[u8]) -> Result<PrivateKeyDer<'static>, ClientError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
        unusable(format!(
            "`{name}` contains no private key in PEM form: {error}"
        ))
    })
}

fn read(path: &Path) -> Result<Vec<u8>, ClientError> {
    std::fs::read(path).map_err(|error| unusable(format!("`{}`: {error}", path.display())))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn named(domain: &str) -> Option<String> {
    (!domain.is_empty()).then(|| domain.to_owned())
}

fn unusable(reason: impl ToString) -> ClientError {
    ClientError::configuration("setting up TLS", reason)
}
