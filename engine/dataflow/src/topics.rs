//! The names of the runner's own topics, except `rejected-events`, whose name is in the crate `model`.

/// The topic to which derivations write their checkpoints.
pub const CHECKPOINTS: &str = "dataflow-checkpoints";
/// The topic to which derivations write snapshots of their memory.
pub const SNAPSHOTS: &str = "dataflow-snapshots";
/// The topic to which runners write lease records, so that only one runner at a time runs a derivation.
pub const LEASES: &str = "dataflow-leases";
/// The topic to which derivations write late events.
pub const LATE_EVENTS: &str = "late-events";
/// The topic to which derivations write their record counts.
pub const ACCOUNTING: &str = "accounting";
