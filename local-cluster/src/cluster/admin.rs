//! Creating, growing and deleting topics: check, write to disk, publish, then answer.

use std::sync::Arc;

use fluvio_controlplane_metadata::topic::{ReplicaSpec, TopicSpec};
use fluvio_protocol::link::ErrorCode;

use super::{CONSUMER_OFFSET_TOPIC, Cluster, Partition, topic_rules};
use crate::limits::PARTITIONS_MAX;

/// Why an administrative request was turned down: the code for programs, the text for people.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// The protocol's code.
    pub(crate) code: ErrorCode,
    /// What to do about it.
    pub(crate) message: Option<String>,
}

impl Refusal {
    /// A code with an explanation.
    pub(crate) fn new(code: ErrorCode, message: String) -> Self {
        Self {
            code,
            message: Some(message),
        }
    }

    /// The disk failed.
    pub(crate) fn storage(error: impl std::fmt::Display) -> Self {
        tracing::error!(%error, "an administrative change could not be stored");
        Self::new(ErrorCode::StorageError, error.to_string())
    }
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            message: None,
        }
    }
}

impl Cluster {
    /// Creates a topic with all its partitions; durable and visible to every watcher when it
    /// returns.
    pub(crate) async fn create_topic(
        &self,
        name: &str,
        spec: TopicSpec,
        dry_run: bool,
    ) -> Result<(), Refusal> {
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
            Err(refusal) => {
                self.unstore_topic(name).await?;
                return Err(refusal);
            }
        };
        self.change(|state| state.put_topic(name, spec, partitions));
        self.flush_watches().await;
        Ok(())
    }

    /// Adds partitions to a topic.
    pub(crate) async fn add_partitions(&self, name: &str, count: u32) -> Result<(), Refusal> {
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

    /// Deletes a topic with its records and consumer offsets; its open streams end with
    /// `TopicDeleted`.
    pub(crate) async fn delete_topic(&self, name: &str, force: bool) -> Result<(), Refusal> {
        let _one_at_a_time = self.admin.lock().await;
        match self.state().topics.get(name) {
            None => return Err(ErrorCode::TopicNotFound.into()),
            // without it no client of managed offsets could start, force or not
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

    /// Opens (or creates) some partitions of a topic.
    pub(super) async fn open_partitions(
        &self,
        name: &str,
        spec: &TopicSpec,
        indexes: std::ops::Range<u32>,
    ) -> Result<Vec<Arc<Partition>>, Refusal> {
        let (store, name, spec) = (self.store.clone(), name.to_owned(), spec.clone());
        blocking(move || {
            let open = |index| {
                let dir = store.log_dir(&name, index).map_err(Refusal::storage)?;
                Partition::open(&dir, &name, index, &spec)
                    .map(Arc::new)
                    .map_err(Refusal::storage)
            };
            indexes.map(open).collect()
        })
        .await
    }

    pub(super) async fn store_topic(&self, name: &str, spec: &TopicSpec) -> Result<(), Refusal> {
        let (store, name, spec) = (self.store.clone(), name.to_owned(), spec.clone());
        blocking(move || store.put_topic(&name, &spec).map_err(Refusal::storage)).await
    }

    async fn unstore_topic(&self, name: &str) -> Result<(), Refusal> {
        let (store, name) = (self.store.clone(), name.to_owned());
        blocking(move || {
            store
                .remove_topic(&name)
                .map(drop)
                .map_err(Refusal::storage)
        })
        .await
    }

    fn check_room(&self, more: u32) -> Result<(), Refusal> {
        let total: usize = self
            .state()
            .topics
            .values()
            .map(|topic| topic.partitions.len())
            .sum();
        if total + more as usize <= PARTITIONS_MAX {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorCode::TopicError,
            format!(
                "`{total}` partitions are open and `{PARTITIONS_MAX}` is the limit; delete unused topics"
            ),
        ))
    }
}

/// Runs disk work off the async threads.
pub(super) async fn blocking<T, F>(work: F) -> Result<T, Refusal>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, Refusal> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(ErrorCode::StorageError.into()),
    }
}

fn system(name: &str, code: impl FnOnce(String, String) -> ErrorCode) -> Refusal {
    code("Topic".to_owned(), name.to_owned()).into()
}
