//! The node's state: topics with their partitions, SmartModules, consumer offsets and watches. Both ports
//! share it. Nothing here uses sockets.

mod admin;
mod codes;
mod consumer_offsets;
pub(crate) mod metadata;
mod open;
mod partition;
mod smartmodules;
mod state;
mod topic_rules;
mod watches;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use fluvio_smartengine::SmartEngine;
use fluvio_types::SpuId;
use tokio::sync::watch;

pub(crate) use admin::AdminError;
pub(crate) use open::OpenError;
pub(crate) use partition::{Partition, PartitionError};
pub(crate) use smartmodules::matches as smartmodule_matches;
pub(crate) use state::{State, Topic};
pub(crate) use watches::{WatchKind, Watches};

use crate::store::MetadataStore;

/// The node's id in its role as a streaming processing unit (SPU).
pub(crate) const SPU_ID: SpuId = 5001;

/// The system topic in which Fluvio stores consumer offsets. Clients wait for this topic before they
/// request offsets. This node stores the offsets in its metadata store instead, so the topic's log is
/// empty.
pub(crate) const CONSUMER_OFFSET_TOPIC: &str = "consumer-offset";

/// The node's state, shared by all connections.
pub(crate) struct Cluster {
    spu_addr: SocketAddr,
    connections_max: usize,
    state: RwLock<State>,
    store: Arc<MetadataStore>,
    /// Held for the whole of an administrative change (check, write to disk, publish), so that there is
    /// only one at a time.
    admin: tokio::sync::Mutex<()>,
    epoch: watch::Sender<i64>,
    watches: Mutex<Vec<Weak<Watches>>>,
    engine: SmartEngine,
    /// Whether the last write failed because the disk was full.
    full: AtomicBool,
}

impl Cluster {
    /// Returns the maximum number of concurrent connections to the data port.
    pub(crate) fn connections_max(&self) -> usize {
        self.connections_max
    }

    /// Records whether a write found space on the disk, and logs when that changes.
    pub(crate) fn note_room(&self, found: bool) {
        if self.full.swap(!found, Ordering::Relaxed) == found {
            if found {
                tracing::warn!("the disk of the data folder has space again: writes are accepted");
            } else {
                tracing::error!(
                    "the disk of the data folder is full: writes are refused until there is space"
                );
            }
        }
    }

    /// Returns a read lock on the state that clients see.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        // A poisoned lock means only that a request panicked. Every change of a map is a single step, so the maps
        // are consistent.
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn engine(&self) -> &SmartEngine {
        &self.engine
    }

    pub(crate) fn spu_addr(&self) -> SocketAddr {
        self.spu_addr
    }

    pub(crate) fn partition(&self, topic: &str, index: u32) -> Option<Arc<Partition>> {
        self.state()
            .topics
            .get(topic)?
            .partitions
            .get(index as usize)
            .cloned()
    }

    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.state()
            .topics
            .values()
            .flat_map(|topic| topic.partitions.iter().cloned())
            .collect()
    }

    /// Marks the partitions that have grown since the last call, so that their watchers get an update.
    pub(crate) fn publish_offsets(&self) {
        let grown: Vec<_> = self
            .partitions()
            .into_iter()
            .filter(|partition| partition.take_growth())
            .collect();
        if grown.is_empty() {
            return;
        }
        self.change(|state| {
            let epoch = state.next_epoch();
            grown
                .iter()
                .for_each(|partition| partition.status_changed(epoch));
        });
    }

    /// Returns a receiver that follows the epoch, the number of the latest change.
    pub(crate) fn epoch(&self) -> watch::Receiver<i64> {
        self.epoch.subscribe()
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes all tasks that wait for changes.
    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state_mut();
        let result = change(&mut state);
        let epoch = state.epoch;
        drop(state);
        self.epoch.send_replace(epoch);
        result
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("spu_addr", &self.spu_addr)
            .finish_non_exhaustive()
    }
}
