//! Sends records in batches that are large enough for SmartModules to process efficiently, and small enough for every
//! consumer to read.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fluvio::{
    DeliverySemantic, FluvioError, Isolation, ProduceOutput, RecordKey, RetryPolicy, RetryStrategy,
    TopicProducerConfig, TopicProducerConfigBuilder, TopicProducerPool,
};
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::topic::missing;
use crate::{ClientError, Cluster, Offset, Partition, PartitionOffset};

/// How long a batch waits for more records. At tens of thousands of records per second, hundreds arrive in this time.
/// It is too short to be noticed on a dashboard.
const LINGER: Duration = Duration::from_millis(10);
/// The maximum size of a batch. A batch of hundreds of events makes the cost of calling a SmartModule once per batch
/// negligible, and is still far smaller than the 1 MB that consumers fetch at a time.
pub(crate) const BATCH_BYTES_MAX: usize = 128 * 1024;
/// The maximum size of a record, key and value together. By default, consumers fetch about 1 MB at a time and never
/// receive a larger record. The difference between the two sizes leaves space for headers.
pub const RECORD_BYTES_MAX: usize = 960_000;
/// The `fluvio` crate compares this limit with the sum of a record's size and the size of the batch being filled. So
/// the limit must have space for the largest record and a nearly full batch.
const REQUEST_BYTES_MAX: usize = RECORD_BYTES_MAX + 2 * BATCH_BYTES_MAX;
/// The time within which a server has to commit a batch.
pub(crate) const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
/// After this long without a response, a batch is considered lost. A server that dies never answers, so a restarting
/// server delays a producer by this time. The deadline is not shorter, because a server that compiles SmartModules
/// does not respond for seconds. With a shorter deadline, the producer would report an error, and a program that then
/// reopens its streams would make the server compile the SmartModules again.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(8);
/// No retries: the `fluvio` crate would repeat a request whose records may have been written, over a connection that
/// is probably lost. The caller decides which records to send again.
const RETRIES: usize = 0;
/// A record that is not acknowledged within this time counts as failed, though it may still arrive.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(60);
/// How long to wait until the metadata of the shared connection contains a new topic, usually a moment after its
/// creation.
const TOPIC_DEADLINE: Duration = Duration::from_secs(10);
/// The pause between two checks for the new topic.
const TOPIC_POLL: Duration = Duration::from_millis(50);

/// The number of records after which sending yields to other tasks. While the queue of the `fluvio` crate is full,
/// sending waits for space without yielding. On a single-threaded runtime no other task could then empty the queue,
/// so it must not fill up.
const GIVE_WAY_EVERY: u32 = 64;

/// A record's key, whose hash selects the partition. Records without a key go to the partitions in turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Option<Bytes>);

impl Key {
    /// No key.
    pub const NONE: Self = Self(None);
}

impl<T: Into<Bytes>> From<T> for Key {
    fn from(key: T) -> Self {
        Self(Some(key.into()))
    }
}

/// Sends records to one topic. Cheap to clone; create one per topic and reuse it.
#[derive(Clone)]
pub struct Producer {
    topic: String,
    pool: Arc<Pool>,
    sent: Arc<AtomicU32>,
}

/// The producer of the `fluvio` crate. When it is dropped, a background task sends its pending records.
/// [`Cluster::drain`] waits for such tasks; call it before stopping the cluster.
struct Pool {
    producer: TopicProducerPool,
    last_sends: TaskTracker,
}

impl Drop for Pool {
    fn drop(&mut self) {
        let (producer, Ok(runtime)) = (self.producer.clone(), Handle::try_current()) else {
            return;
        };
        let flush = async move { drop(timeout(ANSWER_DEADLINE, producer.flush()).await) };
        self.last_sends.spawn_on(flush, &runtime);
    }
}

/// An unacknowledged record.
#[must_use = "only `wait` tells whether the record has arrived"]
pub struct Delivery {
    topic: String,
    output: ProduceOutput,
}

impl Cluster {
    /// Creates a producer for an existing topic.
    pub async fn producer(&self, topic: &str) -> Result<Producer, ClientError> {
        let what = || format!("opening a producer for `{topic}`");
        if self.topic(topic).await?.is_none() {
            return Err(missing(topic));
        }
        let deadline = Instant::now() + TOPIC_DEADLINE;
        loop {
            let fluvio = self.session().await?;
            let error = match fluvio.topic_producer_with_config(topic, settings()?).await {
                Ok(producer) => {
                    return Ok(Producer {
                        topic: topic.to_owned(),
                        pool: Arc::new(Pool {
                            producer,
                            last_sends: self.last_sends().clone(),
                        }),
                        sent: Arc::default(),
                    });
                }
                Err(error) => error,
            };
            let not_yet = matches!(error.downcast_ref(), Some(FluvioError::TopicNotFound(_)));
            if !not_yet || Instant::now() >= deadline {
                self.forget(&fluvio).await;
                return Err(ClientError::from_fluvio(what(), &error));
            }
            sleep(TOPIC_POLL).await;
        }
    }
}

impl Producer {
    /// The topic to which records are sent.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Adds a record to the batch being filled. [`Delivery::wait`] reports when the cluster has stored it. An error
    /// may concern an earlier batch, so after an error send all unacknowledged records again.
    pub async fn send(
        &self,
        key: impl Into<Key>,
        value: impl Into<Bytes>,
    ) -> Result<Delivery, ClientError> {
        let (key, value) = (key.into().0, value.into());
        let bytes = key.as_ref().map_or(0, Bytes::len) + value.len();
        if bytes > RECORD_BYTES_MAX {
            return Err(too_large(self.sending(), bytes));
        }
        let sent_before = self.sent.fetch_add(1, Ordering::Relaxed);
        if sent_before.is_multiple_of(GIVE_WAY_EVERY) {
            yield_now().await;
        }
        let key = key.map_or(RecordKey::NULL, |key| RecordKey::from(Vec::from(key)));
        match self.pool.producer.send(key, Vec::from(value)).await {
            Ok(output) => Ok(Delivery {
                topic: self.topic.clone(),
                output,
            }),
            Err(error) => Err(self.failed(&error).await),
        }
    }

    /// Sends the waiting records immediately, before the linger time is over. Only [`Delivery::wait`] proves that a
    /// record has arrived.
    pub async fn flush(&self) -> Result<(), ClientError> {
        match timeout(DELIVERY_DEADLINE, self.pool.producer.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error).await),
            Err(_) => Err(unacknowledged(self.sending(), DELIVERY_DEADLINE)),
        }
    }

    fn sending(&self) -> String {
        format!("sending to `{}`", self.topic)
    }

    /// Clears the error in the `fluvio` crate, which would otherwise return it for every later record too.
    async fn failed(&self, error: &anyhow::Error) -> ClientError {
        self.pool.producer.clear_errors().await;
        ClientError::from_fluvio(self.sending(), error)
    }
}

impl Delivery {
    /// Waits for the acknowledgement and returns the record's partition and offset. After a retryable error
    /// the record may or may not have been written: sending it again may duplicate it, and not sending it may
    /// lose it.
    pub async fn wait(self) -> Result<PartitionOffset, ClientError> {
        let what = || format!("sending to `{}`", self.topic);
        match timeout(DELIVERY_DEADLINE, self.output.wait()).await {
            Ok(Ok(metadata)) => Ok(PartitionOffset {
                partition: Partition(metadata.partition_id()),
                offset: Offset(metadata.offset()),
            }),
            Ok(Err(error)) => Err(ClientError::from_fluvio(what(), &error.into())),
            Err(_) => Err(unacknowledged(what(), DELIVERY_DEADLINE)),
        }
    }
}

impl Debug for Producer {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Producer")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Debug for Delivery {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Delivery")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

/// The error for a record of more than [`RECORD_BYTES_MAX`].
pub(crate) fn too_large(what: String, bytes: usize) -> ClientError {
    let reason = format!(
        "a record of {bytes} bytes exceeds the limit of {RECORD_BYTES_MAX}; make it smaller"
    );
    ClientError::fatal(what, reason)
}

pub(crate) fn unacknowledged(what: String, limit: Duration) -> ClientError {
    ClientError::retry(
        what,
        format!("not acknowledged within {} s", limit.as_secs()),
    )
}

/// The producer settings. The topic determines the compression. By default topics are not compressed, because a
/// SmartModule reads every batch, and decompressing costs the server more time than compression saves on a local
/// network and disk.
fn settings() -> Result<TopicProducerConfig, ClientError> {
    let policy = RetryPolicy {
        max_retries: RETRIES,
        initial_delay: Duration::from_millis(50),
        max_delay: Duration::from_millis(50),
        timeout: ANSWER_DEADLINE,
        strategy: RetryStrategy::FixedDelay,
    };
    TopicProducerConfigBuilder::default()
        .linger(LINGER)
        .batch_size(BATCH_BYTES_MAX)
        .max_request_size(REQUEST_BYTES_MAX)
        .timeout(COMMIT_DEADLINE)
        // Wait for the commit, so that the end offset after an acknowledgement includes the record.
        .isolation(Isolation::ReadCommitted)
        .delivery_semantic(DeliverySemantic::AtLeastOnce(policy))
        .build()
        .map_err(|error| ClientError::configuration("setting up a producer", error))
}
