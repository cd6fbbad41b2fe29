//! The node's metadata on disk: topics, SmartModules and consumer offsets.
//!
//! Each object is a JSON file in the data folder, which also contains the logs:
//!
//! ```text
//! metadata/lock                                       held while a node uses the folder
//! metadata/topics/<topic>.json
//! metadata/smartmodules/<name>.json                   contains the WASM in base64
//! metadata/consumer-offsets/<topic>/<partition>@<consumer>.json
//! topics/<topic>/<partition>/                         a log, see `crate::log`
//! ```
//!
//! Every change is on the disk when its call returns: the file is written under a temporary name, synced
//! and renamed, and then its folder is synced. A topic exists if and only if its metadata file does. Logs
//! and consumer offsets of a topic without a metadata file are left over from a deletion. They are removed
//! when the store is opened, and before a topic of that name is created.

mod consumer_offset;
mod error;
mod file_name;
mod objects;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use fluvio_controlplane_metadata::smartmodule::SmartModuleSpec;
use fluvio_controlplane_metadata::topic::TopicSpec;

pub(crate) use self::consumer_offset::{ConsumerOffset, ConsumerOffsetKey};
pub(crate) use self::error::StoreError;
use self::objects::Objects;
use crate::log::folder;

/// The node's metadata, shared through `Arc`. Methods that change it block on file I/O.
#[derive(Debug)]
pub(crate) struct MetadataStore {
    logs_dir: PathBuf,
    topics: RwLock<Objects<String, TopicSpec>>,
    smartmodules: RwLock<Objects<String, SmartModuleSpec>>,
    consumer_offsets: RwLock<Objects<ConsumerOffsetKey, ConsumerOffset>>,
    _lock: File,
}

impl MetadataStore {
    /// Opens the metadata in `data_dir`, creates the folder if it does not exist, and locks it against
    /// other processes.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let dir = data_dir.join("metadata");
        folder::create_durably(&dir).map_err(StoreError::io("create", &dir))?;
        let store = Self {
            _lock: lock(data_dir, &dir.join("lock"))?,
            logs_dir: data_dir.join("topics"),
            topics: RwLock::new(Objects::open(dir.join("topics"))?),
            smartmodules: RwLock::new(Objects::open(dir.join("smartmodules"))?),
            consumer_offsets: RwLock::new(Objects::open(dir.join("consumer-offsets"))?),
        };
        store.remove_orphan_consumer_offsets()?;
        store.remove_orphan_logs()?;
        Ok(store)
    }

    pub(crate) fn topics(&self) -> BTreeMap<String, TopicSpec> {
        read(&self.topics).all()
    }

    /// Creates or changes a topic. A new topic contains no data of an earlier one with the same name.
    pub(crate) fn put_topic(&self, name: &str, spec: &TopicSpec) -> Result<(), StoreError> {
        let mut topics = write(&self.topics);
        let name = name.to_owned();
        if !topics.contains(&name) {
            self.remove_leftovers(&name)?;
        }
        topics.put(&name, spec)
    }

    /// Deletes a topic with its consumer offsets and its logs, and returns whether it existed.
    ///
    /// Its logs must be closed first. If this fails half-way, the topic may already be deleted; the
    /// remaining files are removed when the store is opened or the topic is created again.
    pub(crate) fn remove_topic(&self, name: &str) -> Result<bool, StoreError> {
        let mut topics = write(&self.topics);
        let name = name.to_owned();
        if !topics.remove(&name)? {
            return Ok(false);
        }
        self.remove_leftovers(&name)?;
        Ok(true)
    }

    pub(crate) fn smartmodules(&self) -> BTreeMap<String, SmartModuleSpec> {
        read(&self.smartmodules).all()
    }

    pub(crate) fn put_smartmodule(
        &self,
        name: &str,
        spec: &SmartModuleSpec,
    ) -> Result<(), StoreError> {
        write(&self.smartmodules).put(&name.to_owned(), spec)
    }

    /// Deletes a SmartModule, and returns whether it existed.
    pub(crate) fn remove_smartmodule(&self, name: &str) -> Result<bool, StoreError> {
        write(&self.smartmodules).remove(&name.to_owned())
    }

    /// Returns all consumer offsets, ordered by topic.
    pub(crate) fn consumer_offsets(&self) -> BTreeMap<ConsumerOffsetKey, ConsumerOffset> {
        read(&self.consumer_offsets).all()
    }

    /// Stores a consumer's progress.
    ///
    /// If the topic does not exist, stores nothing and returns `false`: an offset that is reported late must not
    /// outlive its topic.
    pub(crate) fn put_consumer_offset(
        &self,
        key: &ConsumerOffsetKey,
        offset: ConsumerOffset,
    ) -> Result<bool, StoreError> {
        let topics = read(&self.topics);
        if !topics.contains(&key.topic) {
            return Ok(false);
        }
        write(&self.consumer_offsets).put(key, &offset)?;
        Ok(true)
    }

    /// Removes a consumer's offset, and returns whether it existed.
    pub(crate) fn remove_consumer_offset(
        &self,
        key: &ConsumerOffsetKey,
    ) -> Result<bool, StoreError> {
        write(&self.consumer_offsets).remove(key)
    }

    /// Returns the folder of a partition's log.
    pub(crate) fn log_dir(&self, topic: &str, partition: u32) -> Result<PathBuf, StoreError> {
        Ok(self.topic_logs_dir(topic)?.join(partition.to_string()))
    }

    /// Removes logs whose topic has no metadata: they are left over from an interrupted deletion.
    pub(crate) fn remove_orphan_logs(&self) -> Result<(), StoreError> {
        let topics = write(&self.topics);
        folder::create_durably(&self.logs_dir).map_err(StoreError::io("create", &self.logs_dir))?;
        let known: Vec<PathBuf> = topics
            .all()
            .keys()
            .map(|name| self.topic_logs_dir(name))
            .collect::<Result<_, _>>()?;
        for entry in fs::read_dir(&self.logs_dir).map_err(StoreError::io("list", &self.logs_dir))? {
            let path = entry
                .map_err(StoreError::io("list", &self.logs_dir))?
                .path();
            if path.is_dir() && !known.contains(&path) {
                tracing::warn!(folder = %path.display(), "removing what is left of a deleted topic");
                remove_dir_durably(&path)?;
            }
        }
        Ok(())
    }

    fn remove_orphan_consumer_offsets(&self) -> Result<(), StoreError> {
        let topics = read(&self.topics);
        write(&self.consumer_offsets).remove_if(|key| !topics.contains(&key.topic))
    }

    fn remove_leftovers(&self, topic: &str) -> Result<(), StoreError> {
        write(&self.consumer_offsets).remove_if(|key| key.topic == topic)?;
        remove_dir_durably(&self.topic_logs_dir(topic)?)
    }

    fn topic_logs_dir(&self, topic: &str) -> Result<PathBuf, StoreError> {
        Ok(self.logs_dir.join(file_name::encode(topic)?))
    }
}

fn lock(data_dir: &Path, path: &Path) -> Result<File, StoreError> {
    let file = File::create(path).map_err(StoreError::io("create", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse {
            dir: data_dir.to_owned(),
        }),
        Err(TryLockError::Error(error)) => Err(StoreError::io("lock", path)(error)),
    }
}

fn remove_dir_durably(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        removed => removed.map_err(StoreError::io("remove", dir))?,
    }
    let parent = dir.parent().unwrap_or(Path::new("."));
    folder::sync(parent).map_err(StoreError::io("sync", parent))
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
