//! The version that the node reports to its clients.

use fluvio_protocol::link::versions::PlatformVersion;
use semver::{BuildMetadata, Version};

/// Returns the Fluvio release whose protocol the node implements. Its build metadata contains the kind of node
/// and the number of connections that the data port serves at once: `0.18.1+local-cluster.connections.6666`.
/// Clients refuse platforms before 0.9.0 and may ignore the metadata.
pub(crate) fn version(connections_max: usize) -> PlatformVersion {
    let mut version = Version::new(0, 18, 1);
    let build = format!("local-cluster.connections.{connections_max}");
    version.build = BuildMetadata::new(&build).unwrap_or_default();
    PlatformVersion::from(version)
}
