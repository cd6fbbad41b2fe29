//! Creates, grows and deletes topics. Each change is checked, written to disk and published to watchers before
//! the client gets the response.

use std::sync::Arc;

use fluvio_controlplane_metadata::topic::{ReplicaSpec, TopicSpec};
use fluvio_protocol::link::ErrorCode;

use super::{CONSUMER_OFFSET_TOPIC, Cluster, Partition, topic_rules};
use crate::limits::PARTITIONS_MAX;

/// Why an administrative request failed: a code for programs and a message for people.
#[derive(Debug)]
pub(crate) struct AdminError {
    pub(crate) code: ErrorCode,
    /// What is wrong and what to do about it.
    pub(crate) message: Option<String>,
}

impl AdminError {
    pub(crate) fn new(code: ErrorCode, message: String) -> Self {
        Self {
            code,
            message: Some(message),
        }
    }

    /// Creates the error for a failed disk operation.
    pub(crate) fn storage(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "an administrative change could not be stored");
        Self::new(ErrorCode::StorageError, error.to_string())
    }
}

impl From<ErrorCode> for AdminError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl Cluster {
    /// Creates a topic with all its partitions. When this returns, the topic is durable, and its watch frames are
    /// queued for every watcher that keeps reading. With `dry_run`, only checks whether the topic can be created.
    pub(crate) async fn create_topic(
        &self,
        name: &str,
        spec: TopicSpec,
        dry_run: bool,
    ) -> Result<(), AdminError> {
        let count = topic_rules::check(name, &spec)?;
        let _one_at_a_time = self.admin.lock().await;
        if self.state().topics.contains_key(name) {
            return Err(ErrorCode::TopicAlreadyExists.into());
        }
        self.check_room(count)?;
        if dry_run {
            return Ok(());
        }
        self.store_topic(name, &spec).await?;
        let partitions = match self.open_partitions(name, &spec, 0..count).await {
            Ok(partitions) => partitions,
            Err(error) => {
                self.unstore_topic(name).await?;
                return Err(error);
            }
        };
        self.change(|state| state.put_topic(name, spec, partitions));
        self.flush_watches().await;
        Ok(())
    }

    pub(crate) async fn add_partitions(&self, name: &str, count: u32) -> Result<(), AdminError> {
        let _one_at_a_time = self.admin.lock().await;
        let (mut spec, mut partitions) = match self.state().topics.get(name) {
            None => return Err(ErrorCode::TopicNotFound.into()),
            Some(topic) if topic.spec.is_system() => {
                return Err(system(name, |kind, name| {
                    ErrorCode::SystemSpecUpdatingAttempt { kind, name }
                }));
            }
            Some(topic) => (topic.spec.clone(), topic.partitions.clone()),
        };
        let ReplicaSpec::Computed(mut param) = spec.replicas().clone() else {
            return Err(ErrorCode::TopicInvalidReplicaType.into());
        };
        let total = param.partitions.saturating_add(count);
        topic_rules::check_count(total)?;
        self.check_room(count)?;
        let added = self
            .open_partitions(name, &spec, param.partitions..total)
            .await?;
        param.partitions = total;
        spec.set_replicas(ReplicaSpec::Computed(param));
        self.store_topic(name, &spec).await?;
        partitions.extend(added);
        self.change(|state| state.put_topic(name, spec, partitions));
        self.flush_watches().await;
        Ok(())
    }

    /// Deletes a topic with its records and consumer offsets. Open streams of the topic end with
    /// `TopicDeleted`.
    pub(crate) async fn delete_topic(&self, name: &str, force: bool) -> Result<(), AdminError> {
        let _one_at_a_time = self.admin.lock().await;
        match self.state().topics.get(name) {
            None => return Err(ErrorCode::TopicNotFound.into()),
            // Clients that use managed offsets cannot start without this topic, so not even `force` deletes
            // it.
            Some(topic) if topic.spec.is_system() && (!force || name == CONSUMER_OFFSET_TOPIC) => {
                return Err(system(name, |kind, name| {
                    ErrorCode::SystemSpecDeletionAttempt { kind, name }
                }));
            }
            Some(_) => {}
        }
        let removed = self.change(|state| state.remove_topic(name));
        self.flush_watches().await;
        blocking(move || {
            removed
                .iter()
                .flat_map(|topic| &topic.partitions)
                .for_each(|partition| partition.delete());
            Ok(())
        })
        .await?;
        self.unstore_topic(name).await
    }

    /// Opens the logs of some partitions of a topic, and creates missing ones.
    pub(super) async fn open_partitions(
        &self,
        name: &str,
        spec: &TopicSpec,
        indexes: std::ops::Range<u32>,
    ) -> Result<Vec<Arc<Partition>>, AdminError> {
        let (store, name, spec) = (self.store.clone(), name.to_owned(), spec.clone());
        blocking(move || {
            let open = |index| {
                let dir = store.log_dir(&name, index).map_err(AdminError::storage)?;
                Partition::open(&dir, &name, index, &spec)
                    .map(Arc::new)
                    .map_err(AdminError::storage)
            };
            indexes.map(open).collect()
        })
        .await
    }

    pub(super) async fn store_topic(&self, name: &str, spec: &TopicSpec) -> Result<(), AdminError> {
        let (store, name, spec) = (self.store.clone(), name.to_owned(), spec.clone());
        blocking(move || store.put_topic(&name, &spec).map_err(AdminError::storage)).await
    }

    async fn unstore_topic(&self, name: &str) -> Result<(), AdminError> {
        let (store, name) = (self.store.clone(), name.to_owned());
        blocking(move || {
            store
                .remove_topic(&name)
                .map(drop)
                .map_err(AdminError::storage)
        })
        .await
    }

    fn check_room(&self, more: u32) -> Result<(), AdminError> {
        let total: usize = self
            .state()
            .topics
            .values()
            .map(|topic| topic.partitions.len())
            .sum();
        if total + more as usize <= PARTITIONS_MAX {
            return Ok(());
        }
        Err(AdminError::new(
            ErrorCode::TopicError,
            format!(
                "{total} partitions are open and the limit is {PARTITIONS_MAX}; delete unused topics"
            ),
        ))
    }
}

/// Runs blocking disk work on a blocking thread.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, AdminError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, AdminError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(ErrorCode::StorageError.into()),
    }
}

fn system(name: &str, code: impl FnOnce(String, String) -> ErrorCode) -> AdminError {
    code("Topic".to_owned(), name.to_owned()).into()
}
