//! The maps of what exists, each entry stamped with the epoch of its last change.

use std::collections::BTreeMap;
use std::sync::Arc;

use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;

use super::Partition;

/// Everything that clients can list or watch.
#[derive(Default)]
pub(crate) struct State {
    /// Number of the latest change; grows by one with each.
    pub(crate) epoch: i64,
    /// Topics by name.
    pub(crate) topics: BTreeMap<String, Topic>,
    /// SmartModules by store key.
    pub(crate) smartmodules: BTreeMap<String, StoredSmartModule>,
}

/// A topic with its open partitions, in order of their index.
pub(crate) struct Topic {
    /// What its creator asked for.
    pub(crate) spec: TopicSpec,
    /// Epoch of the last change of the specification.
    pub(crate) changed: i64,
    /// Open partitions; the index is the position.
    pub(crate) partitions: Vec<Arc<Partition>>,
}

/// A SmartModule as it was uploaded, its payload still compressed.
pub(crate) struct StoredSmartModule {
    /// The uploaded object.
    pub(crate) spec: Arc<SmartModuleSpec>,
    /// Epoch of the last upload.
    pub(crate) changed: i64,
}

impl State {
    /// The stamp for a change that is being made now.
    pub(crate) fn next_epoch(&mut self) -> i64 {
        self.epoch += 1;
        self.epoch
    }

    /// Adds or replaces a topic. New partitions are stamped, old ones keep theirs.
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

    /// Takes a topic out.
    pub(crate) fn remove_topic(&mut self, name: &str) -> Option<Topic> {
        self.next_epoch();
        self.topics.remove(name)
    }

    /// Adds or replaces a SmartModule.
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

    /// Takes a SmartModule out.
    pub(crate) fn remove_smartmodule(&mut self, key: &str) {
        self.next_epoch();
        self.smartmodules.remove(key);
    }
}
