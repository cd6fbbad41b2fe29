//! Writing many records at once: they are encoded straight into the batches of a request. The producer of the `fluvio`
//! crate takes records one by one. For each, it takes a lock, reads the clock and creates a channel for the
//! acknowledgement.

mod connections;
mod requests;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use fluvio::Compression;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio::metadata::topic::CompressionAlgorithm;
use fluvio_spu_schema::produce::{DefaultProduceRequest, PartitionProduceResponse};
use futures_util::future::join_all;
use siphasher::sip::SipHasher;
use tokio::time::{Instant, timeout_at};

pub(crate) use self::connections::Connections;
use self::requests::{KeyValue, Request, requests};
use crate::producer::{ANSWER_DEADLINE, RECORD_BYTES_MAX, too_large, unacknowledged};
use crate::topic::missing;
use crate::{ClientError, Cluster, Offset, Partition, PartitionOffset};

/// Writes sets of records to one topic.
pub struct BatchProducer {
    cluster: Cluster,
    topic: String,
    compression: Compression,
    /// The leader of each partition, once it has been looked up.
    leaders: Vec<Option<Metadata<SpuSpec>>>,
}

impl Cluster {
    /// Creates a producer for sets of records. It writes to the partitions that the topic has now.
    pub async fn batch_producer(&self, topic: &str) -> Result<BatchProducer, ClientError> {
        let spec = self.topic(topic).await?.ok_or_else(|| missing(topic))?;
        Ok(BatchProducer {
            cluster: self.clone(),
            topic: topic.to_owned(),
            compression: compression_of(spec.get_compression_type()),
            leaders: vec![None; spec.partitions() as usize],
        })
    }
}

impl BatchProducer {
    /// The number of partitions that this producer writes to.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.leaders.len() as u32
    }

    /// Writes records, each with a key that selects its partition. Returns the next offset of each partition that
    /// was written to, once the cluster has committed all records.
    ///
    /// - The records of a partition are written in order.
    /// - Returns within [`ANSWER_DEADLINE`], plus the time to look up a leader. No request is sent after that time.
    /// - After an error, any of the records may have been written. None is in flight any more, except those whose
    ///   server has not responded in time.
    pub async fn write(
        &mut self,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Vec<PartitionOffset>, ClientError> {
        let deadline = Instant::now() + ANSWER_DEADLINE;
        let mut by_server: BTreeMap<i32, (Metadata<SpuSpec>, Vec<_>)> = BTreeMap::new();
        for (partition, records) in self.by_partition(records)? {
            let leader = self.leader(partition).await?;
            let of_server = by_server.entry(leader.spec.id);
            let (_, of_server) = of_server.or_insert_with(|| (leader, Vec::new()));
            of_server.push((partition, records));
        }
        let servers = by_server.into_values();
        let writes =
            servers.map(|(server, partitions)| self.write_to(server, partitions, deadline));
        // All writes have to end before an error is returned.
        let written: Result<Vec<_>, _> = join_all(writes).await.into_iter().collect();
        if written.is_err() {
            // A leader may have changed.
            self.leaders.fill(None);
        }
        Ok(written?.into_iter().flatten().collect())
    }

    /// Groups records by partition. Returns an error if a record is too large.
    fn by_partition<I: IntoIterator<Item = (String, Vec<u8>)>>(
        &self,
        records: I,
    ) -> Result<impl Iterator<Item = (Partition, Vec<KeyValue>)> + use<I>, ClientError> {
        let mut by_partition = vec![Vec::new(); self.leaders.len()];
        for (key, value) in records {
            let bytes = key.len() + value.len();
            if bytes > RECORD_BYTES_MAX {
                return Err(too_large(self.sending(), bytes));
            }
            let partition = partition_of(key.as_bytes(), self.leaders.len());
            by_partition[partition.index()].push((key, value));
        }
        let by_partition = Partition::all().zip(by_partition);
        Ok(by_partition.filter(|(_, records)| !records.is_empty()))
    }

    async fn leader(&mut self, partition: Partition) -> Result<Metadata<SpuSpec>, ClientError> {
        if let Some(leader) = &self.leaders[partition.index()] {
            return Ok(leader.clone());
        }
        let replica = ReplicaKey::new(self.topic.clone(), partition.0);
        let leader = self.cluster.leader(&replica, &self.sending()).await?;
        self.leaders[partition.index()] = Some(leader.clone());
        Ok(leader)
    }

    /// Writes the records of the partitions that one server leads.
    async fn write_to(
        &self,
        server: Metadata<SpuSpec>,
        partitions: Vec<(Partition, Vec<KeyValue>)>,
        deadline: Instant,
    ) -> Result<Vec<PartitionOffset>, ClientError> {
        let mut ends = BTreeMap::new();
        for request in requests(&self.topic, partitions, self.compression) {
            let Request { body, lengths } =
                request.map_err(|error| ClientError::fatal(self.sending(), error))?;
            let responses = self.send(&server, body, deadline).await?;
            for (response, records) in responses.into_iter().zip(lengths) {
                if response.error_code != ErrorCode::None {
                    return Err(ClientError::from_code(self.sending(), &response.error_code));
                }
                let end = Offset(response.base_offset) + records;
                ends.insert(Partition(response.partition_index), end);
            }
        }
        let ends = ends.into_iter();
        Ok(ends
            .map(|(partition, offset)| PartitionOffset { partition, offset })
            .collect())
    }

    /// Sends a request and returns the responses, one for each batch. After an error the connection is not used
    /// again. Sends nothing after `deadline`.
    async fn send(
        &self,
        server: &Metadata<SpuSpec>,
        body: DefaultProduceRequest,
        deadline: Instant,
    ) -> Result<Vec<PartitionProduceResponse>, ClientError> {
        let batches: usize = body.topics.iter().map(|topic| topic.partitions.len()).sum();
        let connections = self.cluster.connections();
        let connecting = connections.to(&self.cluster, server);
        let Ok(connection) = timeout_at(deadline, connecting).await else {
            return Err(self
                .cluster
                .server_silent(&self.sending(), server, ANSWER_DEADLINE));
        };
        let failed = |error: anyhow::Error| ClientError::from_fluvio(self.sending(), &error);
        let connection = connection.map_err(|error| failed(error.into()))?;
        if Instant::now() >= deadline {
            return Err(unacknowledged(self.sending(), ANSWER_DEADLINE));
        }
        let error = match timeout_at(deadline, connection.produce(body)).await {
            Ok(Ok(response)) => {
                let topics = response.responses.into_iter();
                let responses: Vec<_> = topics.flat_map(|topic| topic.partitions).collect();
                if responses.len() == batches {
                    return Ok(responses);
                }
                let reason = format!("{batches} batches have {} responses", responses.len());
                ClientError::fatal(self.sending(), reason)
            }
            Ok(Err(error)) => failed(error.into()),
            Err(_) => unacknowledged(self.sending(), ANSWER_DEADLINE),
        };
        connections.forget(server, &connection).await;
        Err(error)
    }

    fn sending(&self) -> String {
        format!("sending to `{}`", self.topic)
    }
}

/// The partition that the `fluvio` crate selects for a key.
fn partition_of(key: &[u8], partitions: usize) -> Partition {
    if partitions == 1 {
        return Partition(0);
    }
    let mut hasher = SipHasher::new();
    key.hash(&mut hasher);
    Partition((hasher.finish() % partitions as u64) as u32)
}

/// How batches are compressed: as the topic demands, otherwise not at all.
fn compression_of(topic: &CompressionAlgorithm) -> Compression {
    match topic {
        CompressionAlgorithm::Any | CompressionAlgorithm::None => Compression::None,
        CompressionAlgorithm::Gzip => Compression::Gzip,
        CompressionAlgorithm::Snappy => Compression::Snappy,
        CompressionAlgorithm::Lz4 => Compression::Lz4,
        CompressionAlgorithm::Zstd => Compression::Zstd,
    }
}
