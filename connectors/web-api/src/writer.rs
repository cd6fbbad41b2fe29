//! The writer of a topic. Requests are queued, and their records are sent in the order of the queue, in
//! batches that requests share. Each request waits for the acknowledgement of its own records.

mod topic_producer;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::{ClientError, Cluster, Delivery, PartitionOffset};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::error::RequestError;
use crate::limits::{QUEUE_JOBS_MAX, SLOW_ACKNOWLEDGEMENT};

pub(crate) use topic_producer::TopicProducer;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OutgoingRecord {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

/// The records of one request for one topic.
#[derive(Debug)]
struct Job {
    records: Vec<OutgoingRecord>,
    queued_at: Instant,
    reply: oneshot::Sender<Result<Sent, RequestError>>,
}

/// Records that were sent and wait for acknowledgement.
#[derive(Debug)]
struct Sent {
    deliveries: Vec<Delivery>,
    producer_number: u64,
    /// The permit for the records' bytes. While it exists, they count as unacknowledged.
    _permit: OwnedSemaphorePermit,
}

/// The state shared by the writer's task and its handles.
#[derive(Debug)]
struct Shared {
    /// Notified when a delivery has failed.
    failures: Notify,
    /// The highest number among the producers that had a failed delivery; see [`TopicProducer`].
    failed_producer: std::sync::atomic::AtomicU64,
    /// The cluster's error when a disk was full, until the cluster acknowledges a record again.
    disk_full: Mutex<Option<String>>,
}

/// A handle to the writer of one topic. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    topic: Arc<str>,
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    last_error: watch::Receiver<Option<String>>,
}

/// Reserved capacity for one request in a writer's queue.
pub(crate) struct QueuePermit<'w> {
    writer: &'w Writer,
    permit: mpsc::Permit<'w, Job>,
}

/// Records in the queue. [`PendingWrite::written`] returns their outcome.
pub(crate) struct PendingWrite {
    writer: Writer,
    reply: oneshot::Receiver<Result<Sent, RequestError>>,
}

impl Writer {
    /// Starts the writer of an existing topic. The writer ends when its last handle is dropped.
    pub(crate) async fn start(
        cluster: &Cluster,
        topic: &str,
        tasks: &TaskTracker,
    ) -> Result<Self, ClientError> {
        let producer = cluster.producer(topic).await?;
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS_MAX);
        let (error_sender, last_error) = watch::channel(None);
        let shared = Arc::new(Shared {
            failures: Notify::new(),
            failed_producer: 0.into(),
            disk_full: Mutex::default(),
        });
        let producer_loop = TopicProducer::new(cluster.clone(), producer, error_sender);
        tasks.spawn(producer_loop.run(queue, Arc::clone(&shared)));
        Ok(Self {
            topic: topic.into(),
            jobs,
            shared,
            last_error,
        })
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns why nothing can be written now; `None` while the writer works.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.borrow().clone()
    }

    /// Returns the cluster's error if a disk was full and the cluster has acknowledged no record since.
    pub(crate) fn disk_full(&self) -> Option<String> {
        self.shared.disk_full().clone()
    }

    /// Forgets that a disk was full, because the cluster has acknowledged a record.
    pub(crate) fn clear_disk_full(&self) {
        *self.shared.disk_full() = None;
    }

    pub(crate) fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// Reserves capacity for one request in the queue. Fails if the queue is full or nothing can be written.
    pub(crate) fn reserve(&self) -> Result<QueuePermit<'_>, RequestError> {
        if self.last_error.borrow().is_some() {
            return Err(self
                .disk_full()
                .map_or(RequestError::ClusterAway, |_| RequestError::DiskFull));
        }
        let permit = self.jobs.try_reserve().map_err(|_| RequestError::Busy)?;
        Ok(QueuePermit {
            writer: self,
            permit,
        })
    }

    /// Writes records and waits until the cluster has acknowledged them.
    pub(crate) async fn write(
        &self,
        records: Vec<OutgoingRecord>,
    ) -> Result<Vec<PartitionOffset>, RequestError> {
        self.reserve()?.send(records).written().await
    }
}

impl QueuePermit<'_> {
    pub(crate) fn send(self, records: Vec<OutgoingRecord>) -> PendingWrite {
        let (reply, receiver) = oneshot::channel();
        self.permit.send(Job {
            records,
            queued_at: Instant::now(),
            reply,
        });
        PendingWrite {
            writer: self.writer.clone(),
            reply: receiver,
        }
    }
}

impl PendingWrite {
    /// Waits until the cluster has acknowledged every record, and returns their positions in order. After
    /// [`RequestError::Unconfirmed`], [`RequestError::DiskFull`] and [`RequestError::Refused`], some records may
    /// have been written. After any other error, no record was written or will be written later.
    pub(crate) async fn written(self) -> Result<Vec<PartitionOffset>, RequestError> {
        let sent = self.reply.await.map_err(|_| RequestError::Unconfirmed)??;
        let mut acknowledged = std::pin::pin!(acknowledged(sent.deliveries));
        let (positions, failure) = match timeout(SLOW_ACKNOWLEDGEMENT, acknowledged.as_mut()).await
        {
            Ok(all) => all,
            Err(_) => {
                // These records may still arrive. Later requests are refused, so that they do not have to
                // wait as long.
                self.writer.shared.failed(sent.producer_number);
                acknowledged.await
            }
        };
        let Some(error) = failure else {
            self.writer.clear_disk_full();
            return Ok(positions);
        };
        if let ClientError::Full { .. } = &error {
            *self.writer.shared.disk_full() = Some(error.to_string());
        }
        tracing::warn!(topic = self.writer.topic(), %error, "the cluster did not acknowledge records");
        self.writer.shared.failed(sent.producer_number);
        Err(RequestError::of_write(&error))
    }
}

/// Returns the positions of the acknowledged records, and the first error of the others.
async fn acknowledged(deliveries: Vec<Delivery>) -> (Vec<PartitionOffset>, Option<ClientError>) {
    let mut positions = Vec::with_capacity(deliveries.len());
    let mut failure = None;
    for delivery in deliveries {
        match delivery.wait().await {
            Ok(position) => positions.push(position),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    (positions, failure)
}

impl Shared {
    fn disk_full(&self) -> MutexGuard<'_, Option<String>> {
        self.disk_full
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, producer_number: u64) {
        use std::sync::atomic::Ordering;
        self.failed_producer
            .fetch_max(producer_number, Ordering::AcqRel);
        self.failures.notify_one();
    }
}
