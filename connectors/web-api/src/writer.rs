//! One writer a topic: requests queue up, their records go into shared batches in the order of the
//! queue, and each request awaits the acknowledgement of its own.

mod line;

use std::sync::Arc;

use bytes::Bytes;
use client::{ClientError, Cluster, Delivery};
use tokio::sync::{Notify, OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::error::Refusal;
use crate::limits::{QUEUE_JOBS_MAX, SLOW};

pub(crate) use line::Line;

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) key: Bytes,
    pub(crate) value: Bytes,
}

/// Where a record stands: its partition and offset.
pub(crate) type Place = (u32, i64);

/// The records of one request for one topic.
#[derive(Debug)]
struct Job {
    records: Vec<Outgoing>,
    queued_at: Instant,
    reply: oneshot::Sender<Result<Sent, Refusal>>,
}

/// Records that are on their way.
#[derive(Debug)]
struct Sent {
    deliveries: Vec<Delivery>,
    line: u64,
    /// Room among what is not acknowledged, until it is.
    _room: OwnedSemaphorePermit,
}

/// What a writer and those who use it share.
#[derive(Debug)]
struct Shared {
    /// Woken when a delivery over the line of this number has failed.
    failures: Notify,
    failed_line: std::sync::atomic::AtomicU64,
}

/// The door to one topic. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    topic: Arc<str>,
    jobs: mpsc::Sender<Job>,
    shared: Arc<Shared>,
    trouble: watch::Receiver<Option<String>>,
}

/// A place in a writer's queue.
pub(crate) struct Slot<'w> {
    writer: &'w Writer,
    permit: mpsc::Permit<'w, Job>,
}

/// Records that are queued; [`Queued::written`] tells what became of them.
pub(crate) struct Queued {
    writer: Writer,
    reply: oneshot::Receiver<Result<Sent, Refusal>>,
}

impl Writer {
    /// Starts the writer of a topic that exists. It ends when nobody has a handle to it any more.
    pub(crate) async fn start(
        cluster: &Cluster,
        topic: &str,
        tasks: &TaskTracker,
    ) -> Result<Self, ClientError> {
        let producer = cluster.producer(topic).await?;
        let (jobs, queue) = mpsc::channel(QUEUE_JOBS_MAX);
        let (trouble_sender, trouble) = watch::channel(None);
        let shared = Arc::new(Shared {
            failures: Notify::new(),
            failed_line: 0.into(),
        });
        let line = Line::new(cluster.clone(), producer, trouble_sender);
        tasks.spawn(line.run(queue, Arc::clone(&shared)));
        Ok(Self {
            topic: topic.into(),
            jobs,
            shared,
            trouble,
        })
    }

    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// Why nothing can be written now; nothing while all is well.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.trouble.borrow().clone()
    }

    pub(crate) fn queued(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// A place in the queue, unless it is full or nothing can be written.
    pub(crate) fn slot(&self) -> Result<Slot<'_>, Refusal> {
        if self.trouble.borrow().is_some() {
            return Err(Refusal::Away);
        }
        let permit = self.jobs.try_reserve().map_err(|_| Refusal::Busy)?;
        Ok(Slot {
            writer: self,
            permit,
        })
    }

    /// Writes records and waits until the cluster has them.
    pub(crate) async fn write(&self, records: Vec<Outgoing>) -> Result<Vec<Place>, Refusal> {
        self.slot()?.send(records).written().await
    }
}

impl Slot<'_> {
    pub(crate) fn send(self, records: Vec<Outgoing>) -> Queued {
        let (reply, receiver) = oneshot::channel();
        self.permit.send(Job {
            records,
            queued_at: Instant::now(),
            reply,
        });
        Queued {
            writer: self.writer.clone(),
            reply: receiver,
        }
    }
}

impl Queued {
    /// Waits until the cluster has acknowledged every record; where they stand, in their order. After
    /// an error none of them is under way any more, unless it is [`Refusal::Unsure`].
    pub(crate) async fn written(self) -> Result<Vec<Place>, Refusal> {
        let sent = self.reply.await.map_err(|_| Refusal::Unsure)??;
        let mut acknowledged = std::pin::pin!(acknowledged(sent.deliveries));
        let (places, failure) = match timeout(SLOW, acknowledged.as_mut()).await {
            Ok(all) => all,
            Err(_) => {
                // These may still arrive, but nobody else should have to wait as long.
                self.writer.shared.failed(sent.line);
                acknowledged.await
            }
        };
        let Some(error) = failure else {
            return Ok(places);
        };
        tracing::warn!(topic = self.writer.topic(), %error, "records were not acknowledged");
        self.writer.shared.failed(sent.line);
        Err(Refusal::of_write(&error))
    }
}

/// Where the records stand that have arrived, and an error of those that have not.
async fn acknowledged(deliveries: Vec<Delivery>) -> (Vec<Place>, Option<ClientError>) {
    let mut places = Vec::with_capacity(deliveries.len());
    let mut failure = None;
    for delivery in deliveries {
        match delivery.wait().await {
            Ok(place) => places.push(place),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    (places, failure)
}

impl Shared {
    fn failed(&self, line: u64) {
        use std::sync::atomic::Ordering;
        self.failed_line.fetch_max(line, Ordering::AcqRel);
        self.failures.notify_one();
    }
}
