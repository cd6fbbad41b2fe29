//! An output topic. Records are written in order and acknowledged; what an earlier runner wrote after its
//! last checkpoint can be read back.

use client::{BatchProducer, Cluster, Mode, Offset, Partition, Record, Start};
use futures_util::StreamExt;

use crate::error::RunError;
use crate::lease::{Fence, Lease};
use crate::output::offsets::padded;

/// Writes to one topic.
///
/// - Records are written in order; a write returns once the cluster has acknowledged all of them.
/// - When a write returns, even with an error, none of its records is in flight, unless a server has not responded
///   within [`client::ANSWER_DEADLINE`].
/// - If the topic is written under a lease, each request is sent only if the lease is certain to be held for
///   [`client::ANSWER_DEADLINE`], and is acknowledged or given up within this time.
pub(crate) struct TopicWriter {
    cluster: Cluster,
    topic: String,
    producer: BatchProducer,
    /// The fence to pass before each write; `None` if no lease is needed.
    fence: Option<Fence>,
    /// The end offset of each partition, as of opening the topic or of this runner's last write to it.
    ends: Vec<Offset>,
}

impl TopicWriter {
    /// Opens a topic for writing under `lease`.
    pub(crate) async fn leased(lease: &Lease, topic: &str) -> Result<Self, RunError> {
        Ok(Self {
            fence: Some(lease.fence()),
            ..Self::open(lease.cluster(), topic).await?
        })
    }

    /// Opens a topic for writing without a lease, or only to read its ends.
    pub(crate) async fn open(cluster: &Cluster, topic: &str) -> Result<Self, RunError> {
        let producer = cluster.batch_producer(topic).await?;
        let mut ends = Vec::new();
        for partition in Partition::of(producer.partitions()) {
            ends.push(cluster.end_offset(topic, partition).await?);
        }
        Ok(Self {
            cluster: cluster.clone(),
            topic: topic.to_owned(),
            producer,
            fence: None,
            ends,
        })
    }

    /// The topic's name.
    pub(crate) fn topic(&self) -> &str {
        &self.topic
    }

    /// The end offset of each partition, as of opening the topic or of this runner's last write to it.
    pub(crate) fn ends(&self) -> &[Offset] {
        &self.ends
    }

    /// Adapts the offsets in a checkpoint, one per partition, to the topic as it is now. Partitions that the
    /// checkpoint does not contain get 0. A partition that ends before its offset in the checkpoint also gets 0: it
    /// was deleted and created again, so all its records are newer than the checkpoint.
    pub(crate) fn padded(&self, from: &[Offset]) -> Vec<Offset> {
        let offsets = padded(from, self.ends.len()).into_iter();
        let within = |(offset, end): (Offset, &Offset)| {
            if offset > *end { Offset::ZERO } else { offset }
        };
        offsets.zip(&self.ends).map(within).collect()
    }

    /// Reads every record at or after these offsets, and passes it to `take`.
    pub(crate) async fn read_back(
        &self,
        from: &[Offset],
        mut take: impl FnMut(Record) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        for (partition, from) in Partition::all().zip(self.padded(from)) {
            let mut records = self
                .cluster
                .records(&self.topic, partition, Start::Offset(from), Mode::UntilEnd)
                .await?;
            while let Some(record) = records.next().await {
                take(record?)?;
            }
        }
        Ok(())
    }

    /// Writes records in order, waits until the cluster has acknowledged all of them, and returns their number. After
    /// an error from one server, it still waits for the responses of the other servers.
    pub(crate) async fn write(
        &mut self,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<u64, RunError> {
        let fence = self.fence.clone();
        let pass = || async {
            match &fence {
                Some(fence) => fence.pass().await,
                None => Ok(()),
            }
        };
        self.write_requests(records.into_iter().collect(), pass)
            .await
    }

    /// Divides records into requests, and calls `pass` before it sends each of them. If `pass` returns an error, the
    /// remaining records are not written.
    async fn write_requests<P: Future<Output = Result<(), RunError>>>(
        &mut self,
        records: Vec<(String, Vec<u8>)>,
        pass: impl Fn() -> P,
    ) -> Result<u64, RunError> {
        let mut written = 0;
        let mut records = records.into_iter().peekable();
        while records.peek().is_some() {
            self.producer.connect().await?;
            pass().await?;
            let request = BatchProducer::take_request(&mut records);
            written += request.len() as u64;
            for end in self.producer.write(request).await? {
                self.ends[end.partition.index()] = end.offset;
            }
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests;
