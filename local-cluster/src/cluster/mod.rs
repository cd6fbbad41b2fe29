//! What the node knows: topics with their partitions, SmartModules, consumer offsets, and who
//! watches them. Both ports work on this one value; it knows nothing of sockets.

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
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};

use fluvio_smartengine::SmartEngine;
use fluvio_types::SpuId;
use tokio::sync::watch;

pub(crate) use admin::Refusal;
pub(crate) use open::OpenError;
pub(crate) use partition::{Partition, PartitionError};
pub(crate) use smartmodules::matches as smartmodule_matches;
pub(crate) use state::{State, Topic};
pub(crate) use watches::{WatchKind, Watches};

use crate::store::MetadataStore;

/// Id under which the one node presents itself as a streaming processing unit.
pub(crate) const SPU_ID: SpuId = 5001;

/// The system topic in which the engine keeps consumer offsets. Clients wait for it before they ask
/// for offsets; this node keeps them in its metadata store, so its log stays empty.
pub(crate) const CONSUMER_OFFSET_TOPIC: &str = "consumer-offset";

/// Shared by all connections.
pub(crate) struct Cluster {
    spu_addr: SocketAddr,
    state: RwLock<State>,
    store: Arc<MetadataStore>,
    /// One administrative change at a time: each checks, writes to disk and publishes as a whole.
    admin: tokio::sync::Mutex<()>,
    epoch: watch::Sender<i64>,
    watches: Mutex<Vec<Weak<Watches>>>,
    engine: SmartEngine,
}

impl Cluster {
    /// The state that clients see, for reading.
    pub(crate) fn state(&self) -> RwLockReadGuard<'_, State> {
        // a poisoned lock only says that some request panicked; the maps are changed in single
        // steps
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine that compiles SmartModules.
    pub(crate) fn engine(&self) -> &SmartEngine {
        &self.engine
    }

    /// Address of the data port.
    pub(crate) fn spu_addr(&self) -> SocketAddr {
        self.spu_addr
    }

    /// A partition by topic and index.
    pub(crate) fn partition(&self, topic: &str, index: u32) -> Option<Arc<Partition>> {
        self.state()
            .topics
            .get(topic)?
            .partitions
            .get(index as usize)
            .cloned()
    }

    /// Every partition of every topic.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.state()
            .topics
            .values()
            .flat_map(|topic| topic.partitions.iter().cloned())
            .collect()
    }

    /// Tells watchers of the partitions whose offsets have moved.
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

    /// The number of the latest change, for those who wait for the next.
    pub(crate) fn epoch(&self) -> watch::Receiver<i64> {
        self.epoch.subscribe()
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and tells whoever waits for changes.
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
