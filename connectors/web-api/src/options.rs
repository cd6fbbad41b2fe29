//! What the web API is told when it is started.

use std::net::SocketAddr;
use std::path::PathBuf;

use client::Cluster;

use crate::error::StartError;

/// How the web API runs.
#[derive(Debug)]
pub struct Options {
    /// The cluster to write to. Its source topics exist.
    pub cluster: Cluster,
    /// Who may write.
    pub access: Access,
}

/// Who may write events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Whoever has a key of this file.
    Keys(PathBuf),
    /// Everybody on this machine: other addresses are refused.
    Loopback,
    /// Everybody who reaches the address.
    Anybody,
}

impl Access {
    /// Refuses an address that others reach, where nothing but the address keeps them out.
    pub(crate) fn check(&self, address: SocketAddr) -> Result<(), StartError> {
        if *self == Self::Loopback && !address.ip().is_loopback() {
            return Err(StartError::Open(address));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_others_are_kept_out_unless_somebody_insists() {
        let check = |access: Access, address: &str| access.check(address.parse().unwrap()).is_ok();
        assert!(check(Access::Loopback, "127.0.0.1:80") && check(Access::Loopback, "[::1]:80"));
        assert!(!check(Access::Loopback, "0.0.0.0:80") && !check(Access::Loopback, "10.0.0.1:80"));
        assert!(check(Access::Anybody, "0.0.0.0:80"));
        assert!(check(
            Access::Keys(PathBuf::from("keys.json")),
            "0.0.0.0:80"
        ));
    }
}
