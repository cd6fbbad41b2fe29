//! The identity of a runner: a unique ID, and a lock file by which other runners on the same host detect that
//! it has died.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use tracing::debug;

use super::liveness_lock::LivenessLock;

/// One runner of one derivation, across all restarts within this process. Clones are the same runner.
#[derive(Clone)]
pub(crate) struct Runner {
    id: String,
    /// The lock file, which is removed with the last clone of this runner; `None` if it could not be created.
    liveness_lock: Option<Arc<LivenessLock>>,
}

impl Runner {
    /// Creates a runner with an ID that is unique, even among the runners of other machines.
    pub(crate) fn new() -> Self {
        let random = RandomState::new().build_hasher().finish();
        let id = format!("{}-{random:016x}", std::process::id());
        let liveness_lock = LivenessLock::announce(&id)
            .inspect_err(
                |error| debug!(id, %error, "no lock file: other runners can detect its death only by its silence"),
            )
            .ok();
        Self {
            id,
            liveness_lock: liveness_lock.map(Arc::new),
        }
    }

    /// Returns the runner's ID, which its lease records and its snapshots contain.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Marks the runner's file as in use. Call this every [`REFRESH`](super::liveness_lock::REFRESH).
    pub(super) fn refresh(&self) {
        if let Some(liveness_lock) = &self.liveness_lock {
            liveness_lock.refresh();
        }
    }
}
