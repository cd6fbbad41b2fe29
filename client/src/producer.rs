//! Producing with our settings: batches that a SmartModule is fast over and that every consumer can read.

use std::fmt::{self, Debug, Formatter};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fluvio::{
    DeliverySemantic, FluvioError, Isolation, ProduceOutput, RecordKey, RetryPolicy, RetryStrategy,
    TopicProducerConfig, TopicProducerConfigBuilder, TopicProducerPool,
};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

use crate::topic::missing;
use crate::{ClientError, Cluster};

/// Long enough to fill a batch at a thousand records a second, short enough not to be seen on a dashboard.
const LINGER: Duration = Duration::from_millis(10);
/// Hundreds of events: the cost per batch of a SmartModule vanishes. Far below the 1 MB that consumers fetch at a time.
const BATCH_BYTES_MAX: usize = 128 * 1024;
/// Key and value of one record. Consumers fetch 1,000,000 bytes at a time by default, and a record above that is
/// invisible to them; the rest is room for what surrounds it.
pub const RECORD_BYTES_MAX: usize = 960_000;
/// The engine adds a record's size to that of the batch being filled before it compares with this limit, so a large
/// record behind a nearly full batch needs room for both.
const REQUEST_BYTES_MAX: usize = RECORD_BYTES_MAX + 2 * BATCH_BYTES_MAX;
/// How long a server may take to commit a batch.
const COMMIT_DEADLINE: Duration = Duration::from_secs(5);
/// After this long without an answer a batch counts as lost. A request that a dying server took with it is never
/// answered, so this is also how long a restart of the server holds a producer up. A server that is busy compiling
/// SmartModules is silent for seconds; giving it up too early would make it compile them again.
pub const ANSWER_DEADLINE: Duration = Duration::from_secs(8);
/// The engine would repeat a request that may have been written already, over a connection that is likely lost: whoever
/// sends knows better what may stand twice.
const RETRIES: usize = 0;
/// A record that is not acknowledged within this time counts as failed, though it may still arrive.
const DELIVERY_DEADLINE: Duration = Duration::from_secs(60);
/// A connection knows of a new topic a moment after the controller.
const TOPIC_DEADLINE: Duration = Duration::from_secs(10);
/// How often to look for it.
const TOPIC_POLL: Duration = Duration::from_millis(50);

/// A full queue of the engine waits for room without ever yielding, and on a runtime of one thread nobody can then make
/// room. Giving way this often keeps the queue from filling.
const GIVE_WAY_EVERY: u32 = 64;

/// A record's key: it chooses the partition by its hash. Without one, partitions take turns.
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

/// Sends records to one topic, each at least once. Cheap to clone; make one a topic and keep it.
#[derive(Clone)]
pub struct Producer {
    topic: String,
    pool: TopicProducerPool,
    sent: Arc<AtomicU32>,
}

/// A record on its way.
#[must_use = "only `wait` tells whether the record has arrived"]
pub struct Delivery {
    topic: String,
    output: ProduceOutput,
}

impl Cluster {
    /// A producer for a topic that exists.
    pub async fn producer(&self, topic: &str) -> Result<Producer, ClientError> {
        let what = || format!("opening a producer for `{topic}`");
        if self.topic(topic).await?.is_none() {
            return Err(missing(topic));
        }
        let deadline = Instant::now() + TOPIC_DEADLINE;
        loop {
            let fluvio = self.session().await?;
            let error = match fluvio.topic_producer_with_config(topic, settings()?).await {
                Ok(pool) => {
                    return Ok(Producer {
                        topic: topic.to_owned(),
                        pool,
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
    /// The topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Puts a record into the batch being filled. [`Delivery::wait`] tells when the cluster has it. An error here may be
    /// that of an earlier batch: what has not been acknowledged must be sent again.
    pub async fn send(
        &self,
        key: impl Into<Key>,
        value: impl Into<Bytes>,
    ) -> Result<Delivery, ClientError> {
        let (key, value) = (key.into().0, value.into());
        let bytes = key.as_ref().map_or(0, Bytes::len) + value.len();
        if bytes > RECORD_BYTES_MAX {
            let reason = format!(
                "a record of `{bytes}` bytes is above the limit of {RECORD_BYTES_MAX}; make it smaller"
            );
            return Err(ClientError::fatal(self.sending(), reason));
        }
        let sent_before = self.sent.fetch_add(1, Ordering::Relaxed);
        if sent_before.is_multiple_of(GIVE_WAY_EVERY) {
            yield_now().await;
        }
        let key = key.map_or(RecordKey::NULL, |key| RecordKey::from(Vec::from(key)));
        match self.pool.send(key, Vec::from(value)).await {
            Ok(output) => Ok(Delivery {
                topic: self.topic.clone(),
                output,
            }),
            Err(error) => Err(self.failed(&error).await),
        }
    }

    /// Sends what is waiting now, whatever the linger time. Only [`Delivery::wait`] proves that a record has arrived.
    pub async fn flush(&self) -> Result<(), ClientError> {
        match timeout(DELIVERY_DEADLINE, self.pool.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.failed(&error).await),
            Err(_) => Err(unacknowledged(self.sending())),
        }
    }

    fn sending(&self) -> String {
        format!("sending to `{}`", self.topic)
    }

    /// The engine remembers the error of a lost batch for ever; it is told once.
    async fn failed(&self, error: &anyhow::Error) -> ClientError {
        self.pool.clear_errors().await;
        ClientError::from_fluvio(self.sending(), error)
    }
}

impl Delivery {
    /// Waits for the acknowledgement: the record's partition and offset. After a retryable error the record may or may
    /// not be there: sending it again can duplicate it, not sending it can lose it.
    pub async fn wait(self) -> Result<(u32, i64), ClientError> {
        let what = || format!("sending to `{}`", self.topic);
        match timeout(DELIVERY_DEADLINE, self.output.wait()).await {
            Ok(Ok(metadata)) => Ok((metadata.partition_id(), metadata.offset())),
            Ok(Err(error)) => Err(ClientError::from_fluvio(what(), &error.into())),
            Err(_) => Err(unacknowledged(what())),
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

fn unacknowledged(what: String) -> ClientError {
    ClientError::retry(
        what,
        format!("not acknowledged within {} s", DELIVERY_DEADLINE.as_secs()),
    )
}

/// No compression is set: the topic's own is used, which is none unless somebody chose one. A SmartModule reads every
/// batch, and unpacking it first costs the server more than the local network and disk save.
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
        // Committed, so that whoever asks for the end offset after an acknowledgement sees the record.
        .isolation(Isolation::ReadCommitted)
        .delivery_semantic(DeliverySemantic::AtLeastOnce(policy))
        .build()
        .map_err(|error| ClientError::configuration("setting up a producer", error))
}
