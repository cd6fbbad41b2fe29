//! Creates missing topics, and checks existing ones.

use std::time::Duration;

use fluvio::metadata::partition::PartitionSpec;
use fluvio::metadata::topic::{CleanupPolicy, SegmentBasedPolicy, TopicSpec, TopicStorageConfig};
use tokio::time::{Instant, sleep, timeout};

use crate::error::code_of;
use crate::{ClientError, Cluster};

/// The number of copies of each record in a new topic. An existing topic keeps its own number.
const REPLICATION: u32 = 1;
/// The deadline for creating a topic. The controller responds when all partitions are online, but sometimes it
/// creates the topic and never responds. After the deadline, a listing shows whether the topic exists.
const CREATE_DEADLINE: Duration = Duration::from_secs(20);
/// The deadline for the required number of partitions to have a leader.
const ONLINE_DEADLINE: Duration = Duration::from_secs(30);
/// The pause between two listings. A listing takes about a millisecond; a new topic is ready after a few pauses.
const ONLINE_POLL: Duration = Duration::from_millis(100);

/// The settings with which a missing topic is created. Of an existing topic, only the number of partitions is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSettings {
    /// The topic's name: lower-case letters, digits, and dashes that are not at either end.
    pub name: String,
    /// The number of partitions. An existing topic may have more.
    pub partitions: u32,
    /// How long records are retained; `None` uses the cluster's default of seven days.
    pub retention: Option<Duration>,
    /// How many bytes are retained; `None` uses the cluster's default.
    pub storage: Option<StorageBounds>,
}

/// How many bytes of a partition are retained. The oldest segments are removed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorageBounds {
    /// A segment is closed when it contains this many bytes.
    pub segment_bytes: u32,
    /// Segments are removed when the partition contains more bytes than this.
    pub partition_bytes_max: u64,
}

/// The effect of [`Cluster::ensure_topic`] or [`Cluster::ensure_smartmodule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ensured {
    /// The object was missing and has been created.
    Created,
    /// The object existed and is as required.
    Existed,
    /// The object existed with other content and has been replaced (SmartModules only).
    Replaced,
}

impl Cluster {
    /// Ensures that the topic exists and that at least `topic.partitions` of its partitions are online. Idempotent,
    /// also with concurrent callers. Returns an error if an existing topic has fewer partitions. No partitions are
    /// added to it, because keys would then belong to different partitions than before.
    pub async fn ensure_topic(&self, topic: &TopicSettings) -> Result<Ensured, ClientError> {
        if let Some(spec) = self.topic(&topic.name).await? {
            compare(topic, &spec)?;
            self.wait_online(topic).await?;
            return Ok(Ensured::Existed);
        }
        let created = self.create_topic(topic).await;
        let Some(spec) = self.topic(&topic.name).await? else {
            return Err(created.err().unwrap_or_else(|| {
                ClientError::retry(creating(topic), "it was deleted right after its creation")
            }));
        };
        compare(topic, &spec)?;
        self.wait_online(topic).await?;
        Ok(if created.is_ok() {
            Ensured::Created
        } else {
            Ensured::Existed
        })
    }

    /// The number of the topic's partitions.
    pub async fn partition_count(&self, topic: &str) -> Result<u32, ClientError> {
        match self.topic(topic).await? {
            Some(spec) => Ok(spec.partitions()),
            None => Err(missing(topic)),
        }
    }

    pub(crate) async fn topic(&self, name: &str) -> Result<Option<TopicSpec>, ClientError> {
        let found = self.list::<TopicSpec>(Some(name)).await?;
        // The controller's filter matches substrings, so other topics may be in the list.
        Ok(found
            .into_iter()
            .find(|topic| topic.name == name)
            .map(|topic| topic.spec))
    }

    async fn create_topic(&self, topic: &TopicSettings) -> Result<(), ClientError> {
        let fluvio = self.session().await?;
        let admin = fluvio.admin().await;
        let request = admin.create(topic.name.clone(), false, spec_of(topic)?);
        match timeout(CREATE_DEADLINE, request).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                if code_of(&error).is_none() {
                    self.forget(&fluvio).await;
                }
                Err(ClientError::from_fluvio(creating(topic), &error))
            }
            Err(_) => {
                self.forget(&fluvio).await;
                Err(ClientError::retry(
                    creating(topic),
                    format!("no answer within {} s", CREATE_DEADLINE.as_secs()),
                ))
            }
        }
    }

    async fn wait_online(&self, topic: &TopicSettings) -> Result<(), ClientError> {
        let deadline = Instant::now() + ONLINE_DEADLINE;
        loop {
            let online = self.online_partitions(&topic.name).await?;
            if online >= topic.partitions as usize {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let reason = format!(
                    "{online} of {} partitions are online; is a server running?",
                    topic.partitions
                );
                return Err(ClientError::retry(creating(topic), reason));
            }
            sleep(ONLINE_POLL).await;
        }
    }

    async fn online_partitions(&self, topic: &str) -> Result<usize, ClientError> {
        let partitions = self.list::<PartitionSpec>(None).await?;
        let of_topic = |name: &str| {
            name.rsplit_once('-')
                .is_some_and(|(prefix, _)| prefix == topic)
        };
        Ok(partitions
            .iter()
            .filter(|p| of_topic(&p.name) && p.status.is_online())
            .count())
    }
}

pub(crate) fn missing(topic: &str) -> ClientError {
    ClientError::topic_missing(
        format!("looking up topic `{topic}`"),
        "it does not exist; create it first",
    )
}

fn creating(topic: &TopicSettings) -> String {
    format!("creating topic `{}`", topic.name)
}

fn spec_of(topic: &TopicSettings) -> Result<TopicSpec, ClientError> {
    let mut spec = TopicSpec::new_computed(topic.partitions, REPLICATION, None);
    if let Some(retention) = topic.retention {
        let time_in_seconds = u32::try_from(retention.as_secs()).map_err(|_| {
            ClientError::configuration(
                creating(topic),
                format!("retention `{retention:?}` is too long"),
            )
        })?;
        spec.set_cleanup_policy(CleanupPolicy::Segment(SegmentBasedPolicy {
            time_in_seconds,
        }));
    }
    if let Some(bounds) = topic.storage {
        spec.set_storage(TopicStorageConfig {
            segment_size: Some(bounds.segment_bytes),
            max_partition_size: Some(bounds.partition_bytes_max),
        });
    }
    Ok(spec)
}

/// Returns an error if there are too few partitions. A different retention is the operator's choice and only
/// logged.
fn compare(wanted: &TopicSettings, found: &TopicSpec) -> Result<(), ClientError> {
    if found.partitions() < wanted.partitions {
        let reason = format!(
            "it exists with {} partitions, but {} are required; delete it, or set its partitions to {}",
            found.partitions(),
            wanted.partitions,
            found.partitions()
        );
        return Err(ClientError::configuration(creating(wanted), reason));
    }
    if let Some(retention) = wanted.retention
        && u64::from(found.retention_secs()) != retention.as_secs()
    {
        let (topic, found_s, wanted_s) =
            (&wanted.name, found.retention_secs(), retention.as_secs());
        tracing::warn!(
            topic,
            found_s,
            wanted_s,
            "the topic exists with a different retention and keeps it"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn wanted(partitions: u32, retention: Option<Duration>) -> TopicSettings {
        TopicSettings {
            name: "clicks".to_owned(),
            partitions,
            retention,
            storage: None,
        }
    }

    #[test]
    fn fewer_partitions_are_an_error_that_says_both_numbers() {
        let error = compare(&wanted(4, None), &TopicSpec::new_computed(3, 1, None)).unwrap_err();
        assert!(!error.is_retryable());
        let text = error.to_string();
        assert!(text.contains("3 partitions, but 4 are required"), "{text}");
    }

    #[test]
    fn more_partitions_and_another_retention_are_left_alone() {
        let found = TopicSpec::new_computed(8, 1, None);
        assert!(compare(&wanted(4, Some(Duration::from_secs(60))), &found).is_ok());
    }

    #[test]
    fn retention_travels_in_whole_seconds() {
        let spec = spec_of(&wanted(2, Some(Duration::from_secs(3600)))).unwrap();
        assert_eq!((spec.partitions(), spec.retention_secs()), (2, 3600));
        assert!(spec_of(&wanted(2, Some(Duration::from_secs(1 << 33)))).is_err());
    }
}
