//! Opens a node's state from its data folder, and closes it again.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};

use fluvio_controlplane_metadata::topic::{ReplicaSpec, TopicSpec};
use fluvio_smartengine::SmartEngine;
use thiserror::Error;
use tokio::sync::watch;

use super::{CONSUMER_OFFSET_TOPIC, Cluster, Partition, State};
use crate::log::LogError;
use crate::store::{MetadataStore, StoreError};

/// Why a data folder could not be opened.
#[derive(Debug, Error)]
pub(crate) enum OpenError {
    /// The metadata is in use by another node, cannot be read, or is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A partition's log cannot be read, or is damaged.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Cluster {
    /// Opens everything in `data_dir`. Blocks the thread. Clients get `spu_addr` as the address of the data
    /// port, which serves up to `connections_max` connections at once.
    pub(crate) fn open(
        data_dir: &Path,
        spu_addr: SocketAddr,
        connections_max: usize,
    ) -> Result<Self, OpenError> {
        let store = MetadataStore::open(data_dir)?;
        ensure_system_topic(&store)?;
        let state = restore(&store)?;
        Ok(Self {
            spu_addr,
            connections_max,
            epoch: watch::Sender::new(state.epoch),
            state: RwLock::new(state),
            store: Arc::new(store),
            admin: tokio::sync::Mutex::new(()),
            watches: Mutex::new(Vec::new()),
            engine: SmartEngine::new(),
            full: AtomicBool::new(false),
        })
    }

    /// Syncs and closes every log. Later appends fail. Blocks the thread.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        let mut result = Ok(());
        for partition in self.partitions() {
            result = result.and(partition.close());
        }
        result
    }
}

fn ensure_system_topic(store: &MetadataStore) -> Result<(), StoreError> {
    if store.topics().contains_key(CONSUMER_OFFSET_TOPIC) {
        return Ok(());
    }
    let mut spec = TopicSpec::new_computed(1, 1, None);
    spec.set_system(true);
    store.put_topic(CONSUMER_OFFSET_TOPIC, &spec)
}

fn restore(store: &MetadataStore) -> Result<State, OpenError> {
    let mut state = State::default();
    for (name, spec) in store.topics() {
        let mut partitions = Vec::new();
        for index in 0..partition_count(&spec) {
            let dir = store.log_dir(&name, index)?;
            partitions.push(Arc::new(Partition::open(&dir, &name, index, &spec)?));
        }
        state.put_topic(&name, spec, partitions);
    }
    for (key, spec) in store.smartmodules() {
        state.put_smartmodule(&key, spec);
    }
    Ok(state)
}

fn partition_count(spec: &TopicSpec) -> u32 {
    match spec.replicas() {
        ReplicaSpec::Computed(param) => param.partitions,
        ReplicaSpec::Assigned(maps) => u32::try_from(Vec::from(maps.clone()).len()).unwrap_or(0),
        // This node never creates mirror topics.
        ReplicaSpec::Mirror(_) => 0,
    }
}
