//! The topics that the runner keeps beside sources and derived topics.

/// The topic where derivations note how far they have come.
pub const CHECKPOINTS: &str = "dataflow-checkpoints";
/// The topic of what they have in memory.
pub const SNAPSHOTS: &str = "dataflow-snapshots";
/// The topic of the leases.
pub const LEASES: &str = "dataflow-leases";
/// The topic of late events.
pub const LATE_EVENTS: &str = "late-events";
/// The topic of the accounts.
pub const ACCOUNTING: &str = "accounting";
