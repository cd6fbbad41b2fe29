//! The options for connecting to a cluster. Options that are not set are taken from the active Fluvio profile.

use std::path::PathBuf;

/// The cluster's address and TLS settings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The controller's `HOST:PORT`. `None` means the address in the active profile if there is one, else
    /// `127.0.0.1:9003`.
    pub address: Option<String>,
    /// How connections are encrypted. `None` means as in the active profile, if the profile is for this address, and
    /// otherwise not at all.
    pub tls: Option<Tls>,
    /// Whether to connect to servers at their addresses inside the cluster's own network, if they have any.
    pub local_addresses: bool,
}

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, with any server certificate accepted.
    Anonymous,
    /// Encrypted, with the server's certificate verified.
    Verified(TlsFiles),
}

/// Certificates and keys, each a file in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates of the trusted authorities.
    pub ca: PathBuf,
    /// The client certificate, for servers that require one.
    pub identity: Option<TlsIdentity>,
    /// The name in the controller's certificate. A server's certificate must be for the server's name in this domain,
    /// such as `custom-spu-1.DOMAIN`. `None` means that each certificate must be for the host of the address.
    pub domain: Option<String>,
}

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The client certificate, followed by any intermediate certificates.
    pub cert: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
}
