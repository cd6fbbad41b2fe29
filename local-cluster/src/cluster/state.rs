//! The node's state in memory: maps of all objects, each entry with the epoch of its last change.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;

use super::Partition;

/// Everything that clients can list or watch.
#[derive(Default)]
pub(crate) struct State {
    /// The number of the latest change; each change increases it by one.
    pub(crate) epoch: i64,
    pub(crate) topics: BTreeMap<String, Topic>,
    /// SmartModules by key: the store id from their metadata or, without metadata, their name.
    pub(crate) smartmodules: BTreeMap<String, StoredSmartModule>,
}

/// A topic with its open partitions.
pub(crate) struct Topic {
    pub(crate) spec: TopicSpec,
    /// The epoch in which the specification last changed.
    pub(crate) changed: i64,
    /// The open partitions. The partition with number n is at index n.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

/// A SmartModule as it was uploaded: its payload is still compressed.
pub(crate) struct StoredSmartModule {
    pub(crate) spec: Arc<SmartModuleSpec>,
    /// The epoch of the last upload.
    pub(crate) changed: i64,
}

impl State {
    /// Starts a new change and returns its epoch.
    pub(crate) fn next_epoch(&mut self) -> i64 {
        self.epoch += 1;
        self.epoch
    }

    /// Adds or replaces a topic. New partitions get the new epoch; existing ones keep theirs.
    pub(crate) fn put_topic(
        &mut self,
        name: &str,
        spec: TopicSpec,
        partitions: Vec<Arc<Partition>>,
    ) {
        let changed = self.next_epoch();
        let known = self
            .topics
            .get(name)
            .map_or(0, |topic| topic.partitions.len());
        for partition in partitions.iter().skip(known) {
            partition.status_changed(changed);
        }
        self.topics.insert(
            name.to_owned(),
            Topic {
                spec,
                changed,
                partitions,
            },
        );
    }

    pub(crate) fn remove_topic(&mut self, name: &str) -> Option<Topic> {
        self.next_epoch();
        self.topics.remove(name)
    }

    pub(crate) fn put_smartmodule(&mut self, key: &str, spec: SmartModuleSpec) {
        let changed = self.next_epoch();
        self.smartmodules.insert(
            key.to_owned(),
            StoredSmartModule {
                spec: Arc::new(spec),
                changed,
            },
        );
    }

    pub(crate) fn remove_smartmodule(&mut self, key: &str) {
        self.next_epoch();
        self.smartmodules.remove(key);
    }
}
