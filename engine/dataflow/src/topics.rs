//! The topics that the runner maintains in addition to sources and derived topics.

/// The topic to which derivations write their checkpoints.
pub const CHECKPOINTS: &str = "dataflow-checkpoints";
/// The topic to which derivations write snapshots of their memory.
pub const SNAPSHOTS: &str = "dataflow-snapshots";
/// The topic of the leases.
pub const LEASES: &str = "dataflow-leases";
/// The topic of late events.
pub const LATE_EVENTS: &str = "late-events";
/// The topic of the accounts.
pub const ACCOUNTING: &str = "accounting";
