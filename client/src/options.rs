//! How to reach a cluster, as far as somebody says it; the rest comes from the active Fluvio profile.

use std::path::PathBuf;

/// Which cluster, and how to speak to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectOptions {
    /// The controller's `HOST:PORT`; `None`: that of the active profile if there is one, else `127.0.0.1:9003`.
    pub address: Option<String>,
    /// How connections are encrypted; `None`: as the active profile says, if it is of this address, else not at all.
    pub tls: Option<Tls>,
    /// Connect to servers at the addresses that they have inside the cluster's own network, where they have such.
    pub local_addresses: bool,
}

/// How connections are encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Encrypted, and whoever answers is believed.
    Anonymous,
    /// Encrypted, and whoever answers has to show a certificate that this accepts.
    Verified(TlsFiles),
}

/// Certificates and keys, each a file in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificates of the authorities that are believed.
    pub ca: PathBuf,
    /// What to show when asked who we are.
    pub identity: Option<TlsIdentity>,
    /// The name in the controller's certificate; servers show one for `<server>.<domain>`. `None`: each shows one for
    /// the host that is dialled.
    pub domain: Option<String>,
}

/// A client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsIdentity {
    /// The certificate, and those between it and the authority.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}
