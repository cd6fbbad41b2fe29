//! Sends events, counts the acknowledged ones, and sends lost ones again.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Backoff, ClientError, Cluster, Delivery, Producer};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::event::{Broken, Event, Topic};

/// The maximum number of unacknowledged records: large enough for full batches, and so small that records of the usual
/// size do not fill the producer's own queue.
const UNACKNOWLEDGED_MAX: usize = 10_000;
/// The number of attempts to send a record. With pauses of up to five seconds between them, the cluster may be
/// unavailable for about a minute.
const ATTEMPTS: u32 = 15;

/// The maximum number of lost records that are resent together: a few batches per partition.
const RESENT_TOGETHER_MAX: usize = 1_000;

/// The events that the cluster has acknowledged, or that were written as lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The number of events per topic, including broken ones.
    pub events: BTreeMap<Topic, u64>,
    /// The number of broken events per expected reject reason.
    pub broken: BTreeMap<Broken, u64>,
}

impl Summary {
    /// Returns the number of all events.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events.values().sum()
    }

    pub(crate) fn count(&mut self, topic: Topic, broken: Option<Broken>) {
        *self.events.entry(topic).or_default() += 1;
        if let Some(broken) = broken {
            *self.broken.entry(broken).or_default() += 1;
        }
    }
}

/// An unacknowledged record, kept so that it can be sent again.
struct Sent {
    record: PendingRecord,
    delivery: Delivery,
}

#[derive(Clone)]
struct PendingRecord {
    topic: Topic,
    key: Bytes,
    value: Bytes,
    broken: Option<Broken>,
}

#[derive(Clone)]
struct Producers {
    cluster: Cluster,
    by_topic: BTreeMap<Topic, Producer>,
    /// Whether a shutdown was requested.
    stopping: watch::Receiver<bool>,
}

/// Sends events in order. A separate task waits for the acknowledgements.
pub(crate) struct Sender {
    producers: Producers,
    sent: mpsc::Sender<Sent>,
    acknowledger: JoinHandle<Result<Summary, ClientError>>,
}

impl Sender {
    /// Opens a sender. If a disk of the cluster is full, the sender retries until there is space or `stopping` is true.
    pub(crate) async fn open(
        cluster: &Cluster,
        topics: impl Iterator<Item = Topic>,
        stopping: watch::Receiver<bool>,
    ) -> Result<Self, ClientError> {
        let mut by_topic = BTreeMap::new();
        for topic in topics {
            by_topic.insert(topic, cluster.producer(topic.name()).await?);
        }
        let producers = Producers {
            cluster: cluster.clone(),
            by_topic,
            stopping,
        };
        let (sent, deliveries) = mpsc::channel(UNACKNOWLEDGED_MAX);
        let acknowledger = tokio::spawn(acknowledge(deliveries, producers.clone()));
        Ok(Self {
            producers,
            sent,
            acknowledger,
        })
    }

    /// Sends an event. Returns an error if this event cannot be sent, and false if an earlier event is lost for good;
    /// [`Sender::finish`] then returns the error about the earlier event.
    pub(crate) async fn send(&mut self, event: Event) -> Result<bool, ClientError> {
        let record = PendingRecord {
            topic: event.topic,
            key: Bytes::from(event.key),
            value: Bytes::from(event.value),
            broken: event.broken,
        };
        let delivery = self.producers.send(&record).await?;
        Ok(self.sent.send(Sent { record, delivery }).await.is_ok())
    }

    /// Waits until all sent events are acknowledged.
    pub(crate) async fn finish(self) -> Result<Summary, ClientError> {
        drop(self.sent);
        for producer in self.producers.by_topic.values() {
            if let Err(error) = producer.flush().await {
                tracing::warn!(topic = producer.topic(), %error, "flush failed; lost records are sent again");
            }
        }
        match self.acknowledger.await {
            Ok(summary) => summary,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

impl Producers {
    /// Sends a record with its topic's producer. Replaces a failed producer, in case the cluster recovers.
    async fn send(&mut self, record: &PendingRecord) -> Result<Delivery, ClientError> {
        let mut backoff = Backoff::new();
        let mut attempt = 1;
        loop {
            let producer = &self.by_topic[&record.topic];
            let error = match producer
                .send(record.key.clone(), record.value.clone())
                .await
            {
                Ok(delivery) => return Ok(delivery),
                Err(error) => error,
            };
            if self.gives_up(&error, attempt) {
                return Err(error);
            }
            tracing::warn!(%error, attempt, "sending failed; trying again after a pause");
            self.pause(&mut backoff).await;
            self.reopen(record.topic).await;
            attempt += 1;
        }
    }

    async fn reopen(&mut self, topic: Topic) {
        match self.cluster.producer(topic.name()).await {
            Ok(producer) => {
                self.by_topic.insert(topic, producer);
            }
            Err(error) => {
                tracing::warn!(%error, topic = topic.name(), "cannot open a producer; keeping the old one")
            }
        }
    }

    /// Resends records until all are acknowledged. They are sent together, because a failing server loses many at
    /// once.
    async fn deliver(
        &mut self,
        lost: Vec<PendingRecord>,
        summary: &mut Summary,
    ) -> Result<(), ClientError> {
        let (mut attempt, mut backoff, mut lost) = (1, Backoff::new(), lost);
        loop {
            let mut sent = Vec::with_capacity(lost.len());
            for record in lost {
                let delivery = self.send(&record).await?;
                sent.push(Sent { record, delivery });
            }
            let (records, mut failure) = (sent.len(), None);
            lost = Vec::new();
            for Sent { record, delivery } in sent {
                match delivery.wait().await {
                    Ok(_) => summary.count(record.topic, record.broken),
                    Err(error) if self.gives_up(&error, attempt) => return Err(error),
                    Err(error) => {
                        failure = Some(error);
                        lost.push(record);
                    }
                }
            }
            let Some(error) = failure else { return Ok(()) };
            tracing::warn!(
                %error,
                attempt,
                records = lost.len(),
                "the cluster did not acknowledge records; sending them again"
            );
            attempt = if lost.len() < records { 1 } else { attempt + 1 };
            // A restarted server does not accept records until the controller has assigned its partitions to it.
            self.pause(&mut backoff).await;
        }
    }

    /// Whether to stop retrying. While a disk is full, retries continue until there is space or a shutdown is
    /// requested. After other retryable errors, they stop after `ATTEMPTS` attempts.
    fn gives_up(&self, error: &ClientError, attempt: u32) -> bool {
        match error {
            ClientError::Full { .. } => {
                // `has_changed` fails if the watch's sender was dropped. Then `run` is over, and retries are useless.
                *self.stopping.borrow() || self.stopping.has_changed().is_err()
            }
            error => !error.is_retryable() || attempt >= ATTEMPTS,
        }
    }

    async fn pause(&mut self, backoff: &mut Backoff) {
        let pause = sleep(backoff.pause());
        tokio::select! {
            () = pause => {}
            _ = self.stopping.changed() => {}
        }
    }
}

/// Awaits acknowledgements in the order of sending, and resends lost records.
async fn acknowledge(
    mut deliveries: mpsc::Receiver<Sent>,
    mut producers: Producers,
) -> Result<Summary, ClientError> {
    let mut summary = Summary::default();
    let mut lost = Vec::new();
    while let Some(Sent { record, delivery }) = deliveries.recv().await {
        match delivery.wait().await {
            Ok(_) => summary.count(record.topic, record.broken),
            Err(error) if error.is_retryable() => {
                tracing::debug!(%error, topic = record.topic.name(), "a record was lost; sending it again");
                lost.push(record);
            }
            Err(error) => return Err(error),
        }
        // Records sent after a lost one were probably lost too, so all of them are collected before they are resent.
        let is_over = deliveries.is_empty() || lost.len() >= RESENT_TOGETHER_MAX;
        if !lost.is_empty() && is_over {
            let lost = std::mem::take(&mut lost);
            producers.deliver(lost, &mut summary).await?;
        }
    }
    Ok(summary)
}
