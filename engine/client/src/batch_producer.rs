//! Writes many records at once: they are encoded straight into the batches of a request. The producer of the `fluvio`
//! crate is slower: for each record, it takes a lock, reads the clock and creates a channel for the acknowledgement.

mod connections;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::iter::Peekable;
use std::time::Duration;

use fluvio::Compression;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::metadata::objects::Metadata;
use fluvio::metadata::spu::SpuSpec;
use fluvio::metadata::topic::CompressionAlgorithm;
use fluvio_spu_schema::produce::PartitionProduceResponse;
use futures_util::future::join_all;
use siphasher::sip::SipHasher;
use tokio::time::{Instant, timeout_at};

use self::connections::Connection;
pub(crate) use self::connections::Connections;
use self::requests::{Body, KeyValue, Request, requests, take_request};
use crate::producer::{
    ANSWER_DEADLINE, COMMIT_DEADLINE, RECORD_BYTES_MAX, too_large, unacknowledged,
};
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

/// The deadline for sending a request, counted from the same moment as [`ANSWER_DEADLINE`]. The difference between the
/// two is the time that a server has to commit a batch. So when the client gives a request up, a server that keeps to
/// this time is no longer executing it.
const SEND_DEADLINE: Duration = ANSWER_DEADLINE.saturating_sub(COMMIT_DEADLINE);

impl BatchProducer {
    /// Takes the next records that [`Self::write`] sends in a single request to each server. A record that exceeds the
    /// size of a request is taken alone.
    pub fn take_request(
        records: &mut Peekable<impl Iterator<Item = (String, Vec<u8>)>>,
    ) -> Vec<(String, Vec<u8>)> {
        take_request(records)
    }

    /// Looks up the leaders of all partitions and connects to them, so that the next write sends its request at once.
    pub async fn connect(&mut self) -> Result<(), ClientError> {
        let mut connected = BTreeSet::new();
        for partition in Partition::of(self.partitions()) {
            let leader = self.leader(partition).await?;
            if connected.insert(leader.spec.id) {
                self.connection(&leader, Instant::now() + ANSWER_DEADLINE)
                    .await?;
            }
        }
        Ok(())
    }

    /// The number of partitions that this producer writes to.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        self.leaders.len() as u32
    }

    /// Writes records, each with a key that selects its partition. Returns the next offset of each partition that
    /// was written to, once the cluster has committed all records.
    ///
    /// - The records of a partition are written in order.
    /// - Each request is sent within 3 s or not at all, and acknowledged or given up within [`ANSWER_DEADLINE`]. Both
    ///   times count from the call of this function. If a server gets several requests, the times of each later one
    ///   count from the server's response to the previous request. Records that [`Self::take_request`] has returned are
    ///   written by one request to each server.
    /// - After an error, any of the records may have been written. No request is in flight any more, except to a server
    ///   that has not responded in time.
    pub async fn write(
        &mut self,
        records: impl IntoIterator<Item = (String, Vec<u8>)>,
    ) -> Result<Vec<PartitionOffset>, ClientError> {
        let begun = Instant::now();
        let mut by_server: BTreeMap<i32, (Metadata<SpuSpec>, Vec<_>)> = BTreeMap::new();
        for (partition, records) in self.by_partition(records)? {
            let leader = self.leader(partition).await?;
            let of_server = by_server.entry(leader.spec.id);
            let (_, of_server) = of_server.or_insert_with(|| (leader, Vec::new()));
            of_server.push((partition, records));
        }
        let servers = by_server.into_values();
        let writes = servers.map(|(server, partitions)| self.write_to(server, partitions, begun));
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
        mut begun: Instant,
    ) -> Result<Vec<PartitionOffset>, ClientError> {
        let mut ends = BTreeMap::new();
        for request in requests(&self.topic, partitions, self.compression) {
            let Request { body, lengths } =
                request.map_err(|error| ClientError::fatal(self.sending(), error))?;
            let responses = self.send(&server, body, begun).await?;
            begun = Instant::now();
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
    /// again. The deadlines count from `begun`.
    async fn send(
        &self,
        server: &Metadata<SpuSpec>,
        body: Body,
        begun: Instant,
    ) -> Result<Vec<PartitionProduceResponse>, ClientError> {
        let batches: usize = body.topics.iter().map(|topic| topic.partitions.len()).sum();
        let check_time = || match begun.elapsed() {
            elapsed if elapsed < SEND_DEADLINE => Ok(()),
            _ => Err(unacknowledged(self.sending(), SEND_DEADLINE)),
        };
        check_time()?; // the lookup of leaders may already have taken too long
        let connection = self.connection(server, begun + SEND_DEADLINE).await?;
        check_time()?;
        let response = timeout_at(begun + ANSWER_DEADLINE, connection.produce(body)).await;
        let error = match response {
            Ok(Ok(response)) => {
                let topics = response.responses.into_iter();
                let responses: Vec<_> = topics.flat_map(|topic| topic.partitions).collect();
                if responses.len() == batches {
                    return Ok(responses);
                }
                let reason = format!("{batches} batches have {} responses", responses.len());
                ClientError::fatal(self.sending(), reason)
            }
            Ok(Err(error)) => ClientError::from_fluvio(self.sending(), &error.into()),
            Err(_) => unacknowledged(self.sending(), ANSWER_DEADLINE),
        };
        self.cluster.connections().forget(server, &connection).await;
        Err(error)
    }

    async fn connection(
        &self,
        server: &Metadata<SpuSpec>,
        deadline: Instant,
    ) -> Result<Connection, ClientError> {
        let begun = Instant::now();
        let connecting = self.cluster.connections().to(&self.cluster, server);
        match timeout_at(deadline, connecting).await {
            Ok(connection) => {
                connection.map_err(|error| ClientError::from_fluvio(self.sending(), &error.into()))
            }
            Err(_) => {
                let waited = deadline.duration_since(begun);
                Err(self.cluster.server_silent(&self.sending(), server, waited))
            }
        }
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
