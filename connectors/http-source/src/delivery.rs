//! Writes records to their topics and waits for acknowledgements. Records that are not acknowledged are sent
//! again.

use std::collections::BTreeMap;
use std::sync::Arc;

use client::{Backoff, ClientError, Cluster, Key, Producer};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use crate::counts::Counts;
use crate::queue::Parcel;

/// The maximum number of records that are sent before waiting for their acknowledgements: enough that waiting
/// costs little, and few enough that they are acknowledged soon.
const BATCH_RECORDS: usize = 1_000;

/// The number of acknowledged records of each topic.
pub(crate) type Tally = BTreeMap<String, u64>;

/// Writes records with one producer per topic. A producer is opened for the first record of its topic.
pub(crate) struct Deliverer {
    cluster: Cluster,
    producers: BTreeMap<Arc<str>, Producer>,
    counts: Arc<Counts>,
    tally: Tally,
}

impl Deliverer {
    pub(crate) fn new(cluster: Cluster, counts: Arc<Counts>) -> Self {
        Self {
            cluster,
            producers: BTreeMap::new(),
            counts,
            tally: Tally::new(),
        }
    }

    /// Delivers until the queue is closed and empty, or until the cluster refuses a record permanently.
    pub(crate) async fn run(
        mut self,
        mut parcels: UnboundedReceiver<Parcel>,
    ) -> Result<Tally, ClientError> {
        let mut batch = Vec::new();
        while parcels.recv_many(&mut batch, BATCH_RECORDS).await > 0 {
            self.deliver(std::mem::take(&mut batch)).await?;
        }
        Ok(self.tally)
    }

    async fn deliver(&mut self, mut parcels: Vec<Parcel>) -> Result<(), ClientError> {
        let mut backoff = Backoff::new();
        loop {
            let Lost { lost, error } = self.attempt(parcels).await;
            match error {
                None => return Ok(()),
                Some(error) if !error.is_retryable() => return Err(error),
                Some(error) => {
                    let records = lost.len();
                    tracing::warn!(%error, records, "the cluster did not acknowledge records; sending them again");
                }
            }
            // All producers are replaced, because the cluster may come back on other ports.
            self.producers.clear();
            sleep(backoff.pause()).await;
            parcels = lost;
        }
    }

    /// Sends all records and waits for their acknowledgements. Returns the unacknowledged records in order.
    async fn attempt(&mut self, parcels: Vec<Parcel>) -> Lost {
        let mut result = Lost::default();
        let mut sent = Vec::new();
        for parcel in parcels {
            // After a record that cannot be sent, the following ones are not sent either, so that they stay in order.
            if result.error.is_some() {
                result.lost.push(parcel);
                continue;
            }
            match self.send(&parcel).await {
                Ok(delivery) => sent.push((parcel, delivery)),
                Err(error) => result.add(parcel, error),
            }
        }
        for producer in self.producers.values() {
            // An error here is only logged, because the acknowledgement of each record reports its failure too.
            if let Err(error) = producer.flush().await {
                tracing::debug!(%error, topic = producer.topic(), "flush failed");
            }
        }
        let unsent = std::mem::take(&mut result.lost);
        for (parcel, delivery) in sent {
            match delivery.wait().await {
                Ok(_) => self.count(&parcel),
                Err(error) => result.add(parcel, error),
            }
        }
        result.lost.extend(unsent);
        result
    }

    async fn send(&mut self, parcel: &Parcel) -> Result<client::Delivery, ClientError> {
        if !self.producers.contains_key(&parcel.topic) {
            let producer = self.cluster.producer(&parcel.topic).await?;
            self.producers.insert(Arc::clone(&parcel.topic), producer);
        }
        let key = parcel.key.clone().map_or(Key::NONE, Key::from);
        let producer = &self.producers[&parcel.topic];
        producer.send(key, parcel.value.clone()).await
    }

    fn count(&mut self, parcel: &Parcel) {
        if parcel.completes.received {
            Counts::add(&self.counts.delivered);
        }
        if parcel.completes.record {
            *self.tally.entry(parcel.topic.to_string()).or_default() += 1;
        }
    }
}

/// The records that were not acknowledged, and the error that decides whether they are sent again.
#[derive(Default)]
struct Lost {
    lost: Vec<Parcel>,
    error: Option<ClientError>,
}

impl Lost {
    /// Adds a lost record. Stores its error unless a permanent error is already stored.
    fn add(&mut self, parcel: Parcel, error: ClientError) {
        self.lost.push(parcel);
        if self.error.as_ref().is_none_or(ClientError::is_retryable) {
            self.error = Some(error);
        }
    }
}
