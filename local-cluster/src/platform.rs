//! The version that the node tells its clients.

use fluvio_protocol::link::versions::PlatformVersion;
use semver::{BuildMetadata, Version};

/// The Fluvio release whose protocol the node speaks, marked as this node. Clients refuse platforms
/// before 0.9.0.
pub(crate) fn version() -> PlatformVersion {
    let mut version = Version::new(0, 18, 1);
    version.build = BuildMetadata::new("local-cluster").unwrap_or_default();
    PlatformVersion::from(version)
}
