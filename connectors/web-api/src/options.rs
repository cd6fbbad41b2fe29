//! The options of the web API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use client::Cluster;
use http_service::is_exposed;

use crate::cors::CorsOrigin;
use crate::limits::IDLE_TIMEOUT;
use crate::sources::Sources;
use crate::start_error::StartError;

/// The settings of the web API.
#[derive(Debug)]
pub struct Options {
    /// The cluster to write to. Its source topics must exist.
    pub cluster: Cluster,
    /// The sources that clients can post to.
    pub sources: Sources,
    /// Who may write events.
    pub access: Access,
    /// The origins of web pages that may write events.
    pub cors_origins: Vec<CorsOrigin>,
    /// How long an idle connection is kept open for another request.
    pub idle_timeout: Duration,
    /// Whether to correct event times when `sent_at` shows that the sender's clock is wrong.
    pub correct_clocks: bool,
}

impl Options {
    /// Creates options with the built-in sources, and with defaults for all other fields.
    #[must_use]
    pub fn new(cluster: Cluster, access: Access) -> Self {
        Self {
            cluster,
            sources: Sources::built_in(),
            access,
            cors_origins: Vec::new(),
            idle_timeout: IDLE_TIMEOUT,
            correct_clocks: false,
        }
    }

    /// Rejects combinations of options that would let unintended clients write.
    pub(crate) fn check(&self, address: SocketAddr) -> Result<(), StartError> {
        let is_keyed = matches!(self.access, Access::Keys(_));
        if self.cors_origins.contains(&CorsOrigin::Any) && !is_keyed {
            return Err(StartError::AnyOrigin);
        }
        self.access.check(address)
    }
}

/// Who may write events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Clients with a key from this file.
    Keys(PathBuf),
    /// Programs on this machine. The web API refuses to listen on an address that other machines can reach.
    Loopback,
    /// Every client that can reach the address.
    Anybody,
}

impl Access {
    /// Rejects an address that other machines can reach if access is limited to programs on this machine.
    fn check(&self, address: SocketAddr) -> Result<(), StartError> {
        match self {
            Self::Loopback if is_exposed(address) => Err(StartError::Open(address)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_keys_only_loopback_addresses_are_allowed_unless_the_operator_insists() {
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
