//! Who a runner is: a name that no other runner has, and a file that tells its host when it died.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use tracing::debug;

use super::presence::Presence;

/// One runner of one derivation, through all its restarts in this process; clones are the same one.
#[derive(Clone)]
pub(crate) struct Runner {
    id: String,
    /// For as long as the process lives and a clone of this one is left.
    presence: Option<Arc<Presence>>,
}

impl Runner {
    /// A runner with a name that no other one has, on this machine or another, now or later.
    pub(crate) fn new() -> Self {
        let random = RandomState::new().build_hasher().finish();
        let id = format!("{}-{random:016x}", std::process::id());
        let presence = Presence::announce(&id)
            .inspect_err(|error| debug!(id, %error, "only silence will tell when this runner died"))
            .ok();
        Self {
            id,
            presence: presence.map(Arc::new),
        }
    }

    /// What it calls itself in the lease and in its snapshots.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Marks its file as in use; to be called each [`REFRESH`](super::presence::REFRESH).
    pub(super) fn refresh(&self) {
        if let Some(presence) = &self.presence {
            presence.refresh();
        }
    }
}
