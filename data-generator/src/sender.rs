//! Sends events and counts them once the cluster has them; what gets lost on the way is sent again.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Backoff, ClientError, Cluster, Delivery, Producer};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::event::{Broken, Event, Topic};

/// Records sent and not yet acknowledged. Enough to keep batches full at any rate, and below the number at which the
/// producer's own queue is full.
const UNACKNOWLEDGED_MAX: usize = 10_000;
/// With pauses of up to five seconds between them: a cluster may be away for about a minute.
const ATTEMPTS: u32 = 15;

/// What the cluster has acknowledged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Events per topic, broken ones among them.
    pub events: BTreeMap<Topic, u64>,
    /// Broken events by the reason for which they have to be rejected.
    pub broken: BTreeMap<Broken, u64>,
}

impl Summary {
    /// All events.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events.values().sum()
    }

    fn count(&mut self, topic: Topic, broken: Option<Broken>) {
        *self.events.entry(topic).or_default() += 1;
        if let Some(broken) = broken {
            *self.broken.entry(broken).or_default() += 1;
        }
    }
}

/// A record on its way, with what it takes to send it again.
struct Sent {
    parcel: Parcel,
    delivery: Delivery,
}

#[derive(Clone)]
struct Parcel {
    topic: Topic,
    key: Bytes,
    value: Bytes,
    broken: Option<Broken>,
}

/// The producers of all topics.
#[derive(Clone)]
struct Producers {
    cluster: Cluster,
    by_topic: BTreeMap<Topic, Producer>,
}

/// Sends events in order and has their acknowledgements awaited.
pub(crate) struct Sender {
    producers: Producers,
    sent: mpsc::Sender<Sent>,
    acknowledger: JoinHandle<Result<Summary, ClientError>>,
}

impl Sender {
    pub(crate) async fn open(cluster: &Cluster) -> Result<Self, ClientError> {
        let mut by_topic = BTreeMap::new();
        for topic in Topic::ALL {
            by_topic.insert(topic, cluster.producer(topic.name()).await?);
        }
        let producers = Producers {
            cluster: cluster.clone(),
            by_topic,
        };
        let (sent, deliveries) = mpsc::channel(UNACKNOWLEDGED_MAX);
        let acknowledger = tokio::spawn(acknowledge(deliveries, producers.clone()));
        Ok(Self {
            producers,
            sent,
            acknowledger,
        })
    }

    /// Puts an event on its way. False when sending has failed for good: [`Sender::finish`] says why.
    pub(crate) async fn send(&mut self, event: Event) -> Result<bool, ClientError> {
        let parcel = Parcel {
            topic: event.topic,
            key: Bytes::from(event.key),
            value: Bytes::from(event.value),
            broken: event.broken,
        };
        let delivery = self.producers.send(&parcel).await?;
        Ok(self.sent.send(Sent { parcel, delivery }).await.is_ok())
    }

    /// Waits until everything sent is acknowledged.
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
    /// Hands a record to its producer; a producer that fails is replaced, so that a cluster may come back.
    async fn send(&mut self, parcel: &Parcel) -> Result<Delivery, ClientError> {
        let mut backoff = Backoff::new();
        let mut attempt = 1;
        loop {
            let producer = &self.by_topic[&parcel.topic];
            let error = match producer
                .send(parcel.key.clone(), parcel.value.clone())
                .await
            {
                Ok(delivery) => return Ok(delivery),
                Err(error) => error,
            };
            if !error.is_retryable() || attempt == ATTEMPTS {
                return Err(error);
            }
            tracing::warn!(%error, attempt, "sending again after a pause");
            sleep(backoff.pause()).await;
            self.reopen(parcel.topic).await;
            attempt += 1;
        }
    }

    async fn reopen(&mut self, topic: Topic) {
        match self.cluster.producer(topic.name()).await {
            Ok(producer) => {
                self.by_topic.insert(topic, producer);
            }
            Err(error) => tracing::warn!(%error, topic = topic.name(), "keeping the old producer"),
        }
    }

    /// Sends a record until it is acknowledged.
    async fn deliver(&mut self, parcel: &Parcel) -> Result<(), ClientError> {
        let mut attempt = 1;
        let mut backoff = Backoff::new();
        loop {
            match self.send(parcel).await?.wait().await {
                Ok(_) => return Ok(()),
                Err(error) if !error.is_retryable() || attempt == ATTEMPTS => return Err(error),
                Err(error) => tracing::warn!(%error, attempt, "not acknowledged; sending again"),
            }
            // A server that has just come back does not know yet which partitions it leads.
            sleep(backoff.pause()).await;
            attempt += 1;
        }
    }
}

/// Awaits acknowledgements in the order of sending; sends again what was lost.
async fn acknowledge(
    mut deliveries: mpsc::Receiver<Sent>,
    mut producers: Producers,
) -> Result<Summary, ClientError> {
    let mut summary = Summary::default();
    while let Some(Sent { parcel, delivery }) = deliveries.recv().await {
        match delivery.wait().await {
            Ok(_) => {}
            Err(error) if error.is_retryable() => {
                tracing::debug!(%error, topic = parcel.topic.name(), "lost; sending again");
                producers.deliver(&parcel).await?;
            }
            Err(error) => return Err(error),
        }
        summary.count(parcel.topic, parcel.broken);
    }
    Ok(summary)
}
