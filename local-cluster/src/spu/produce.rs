//! `Produce`: appends batches to partitions.

use std::sync::Arc;
use std::time::Duration;

use fluvio_compression::Compression;
use fluvio_controlplane_metadata::topic::CompressionAlgorithm;
use fluvio_protocol::api::RequestKind;
use fluvio_protocol::link::ErrorCode;
use fluvio_protocol::record::ReplicaKey;
use fluvio_spu_schema::Isolation;
use fluvio_spu_schema::produce::{
    PartitionProduceData, PartitionProduceResponse, ProduceRequest, ProduceResponse,
    TopicProduceResponse,
};
use fluvio_spu_schema::server::smartmodule::SmartModuleInvocation;

use super::Data;
use crate::chain::{self, Pool, batch_of};
use crate::cluster::{Cluster, Partition, PartitionError};
use crate::log::{BatchError, CheckedBatch, LogError, split_checked};
use crate::net::{Request, RequestError};
use crate::record_set::RawSet;

/// Appends the record sets of a request in order, and responds with their results in the same order. Each
/// record set is appended either as a whole or not at all.
pub(super) async fn handle(data: &mut Data, request: Request) -> Result<(), RequestError> {
    let body: ProduceRequest<RawSet> = request.decode()?;
    let producing = Producing {
        cluster: data.cluster.clone(),
        pool: data.pool.clone(),
        smartmodules: body.smartmodules,
        version: request.version,
    };
    let mut response = ProduceResponse::default();
    let mut written = Vec::new();
    for topic in body.topics {
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for piece in topic.partitions {
            partitions.push(producing.append(&topic.name, piece, &mut written).await);
        }
        response.responses.push(TopicProduceResponse {
            name: topic.name,
            partitions,
        });
    }
    if body.isolation == Isolation::ReadUncommitted {
        return data.outbox.answer(&request, &response).await;
    }
    // A separate task syncs and responds, so that the next request does not wait for the sync of this one.
    let outbox = data.outbox.clone();
    tokio::spawn(async move {
        commit(written, body.timeout, &mut response).await;
        let _ = outbox
            .send(request.correlation_id, request.version, &response)
            .await;
    });
    Ok(())
}

/// Waits until the logs in `written` are synced to the disk, which is what "committed" means on a single node. If
/// syncing fails or takes longer than `timeout`, replaces the successes in `response` with the error.
async fn commit(
    mut written: Vec<Arc<Partition>>,
    timeout: Duration,
    response: &mut ProduceResponse,
) {
    written.dedup_by(|one, other| Arc::ptr_eq(one, other));
    let synced = tokio::time::timeout(timeout, async {
        for partition in written {
            let synced = partition.clone().sync().await;
            synced.map_err(|error| failure(error, &partition))?;
        }
        Ok::<(), ErrorCode>(())
    });
    let failure = match synced.await {
        Ok(Ok(())) => return,
        Ok(Err(code)) => code,
        Err(_) => {
            let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
            ErrorCode::RequestTimedOut {
                timeout_ms,
                kind: RequestKind::Produce,
            }
        }
    };
    let answers = response
        .responses
        .iter_mut()
        .flat_map(|topic| &mut topic.partitions);
    answers
        .filter(|answer| answer.error_code.is_ok())
        .for_each(|answer| answer.error_code = failure.clone());
}

/// Returns the error code of a failed write: `PartitionFull` for a full disk.
fn failure(error: PartitionError, partition: &Partition) -> ErrorCode {
    match error {
        PartitionError::Log(LogError::Full { .. }) => ErrorCode::PartitionFull {
            replica_key: ReplicaKey::new(partition.topic(), partition.index()),
        },
        other => other.into(),
    }
}

struct Producing {
    cluster: Arc<Cluster>,
    pool: Pool,
    smartmodules: Vec<SmartModuleInvocation>,
    version: i16,
}

impl Producing {
    async fn append(
        &self,
        topic: &str,
        piece: PartitionProduceData<RawSet>,
        written: &mut Vec<Arc<Partition>>,
    ) -> PartitionProduceResponse {
        let partition_index = piece.partition_index;
        let mut answer = PartitionProduceResponse {
            partition_index,
            ..Default::default()
        };
        match self
            .try_append(topic, partition_index, piece.records, written)
            .await
        {
            Ok(base_offset) => answer.base_offset = base_offset,
            Err(code) => {
                tracing::debug!(topic, partition_index, %code, "produce refused");
                answer.error_code = code;
            }
        }
        answer
    }

    async fn try_append(
        &self,
        topic: &str,
        index: u32,
        records: RawSet,
        written: &mut Vec<Arc<Partition>>,
    ) -> Result<i64, ErrorCode> {
        let (partition, allowed) = self.target(topic, index)?;
        let batches = check(records).await?;
        if batches
            .iter()
            .any(|batch| !permits(&allowed, batch.header().compression))
        {
            return Err(ErrorCode::CompressionError);
        }
        let batches = self.transform(&partition, batches).await?;
        if batches.is_empty() {
            return Ok(0);
        }
        let offsets = partition
            .clone()
            .append(batches)
            .await
            .map_err(|error| failure(error, &partition));
        let is_full = matches!(offsets, Err(ErrorCode::PartitionFull { .. }));
        self.cluster.note_room(!is_full);
        let offsets = offsets?;
        written.push(partition);
        Ok(offsets.first().copied().unwrap_or_default())
    }

    fn target(
        &self,
        topic: &str,
        index: u32,
    ) -> Result<(Arc<Partition>, CompressionAlgorithm), ErrorCode> {
        let state = self.cluster.state();
        let topic = state
            .topics
            .get(topic)
            .ok_or(ErrorCode::NotLeaderForPartition)?;
        if topic.spec.is_system() {
            return Err(ErrorCode::PermissionDenied);
        }
        let partition = topic
            .partitions
            .get(index as usize)
            .ok_or(ErrorCode::NotLeaderForPartition)?;
        Ok((partition.clone(), topic.spec.get_compression_type().clone()))
    }

    /// Runs the producer's SmartModules, if it requested any, and packs their output into one batch.
    async fn transform(
        &self,
        partition: &Arc<Partition>,
        batches: Vec<CheckedBatch>,
    ) -> Result<Vec<CheckedBatch>, ErrorCode> {
        if self.smartmodules.is_empty() {
            return Ok(batches);
        }
        let (cluster, partition) = (self.cluster.clone(), partition.clone());
        let (smartmodules, version) = (self.smartmodules.clone(), self.version);
        self.pool
            .run(move || {
                let mut chain = chain::compile(&cluster, smartmodules, version)?;
                chain::look_back(&mut chain, &partition)?;
                let mut processed = Vec::with_capacity(batches.len());
                for batch in &batches {
                    let mut output = chain.process(batch);
                    if let Some(error) = output.error.take() {
                        return Err(error);
                    }
                    processed.push(output);
                }
                let compression = batches
                    .first()
                    .map_or(Compression::None, |batch| batch.header().compression);
                let made = batch_of(&processed, compression);
                made.map_or(Ok(Vec::new()), |bytes| {
                    split_checked(bytes).map_err(refusal)
                })
            })
            .await?
    }
}

/// Checks the framing and checksums of the records on a blocking thread: a request may contain many
/// megabytes.
async fn check(records: RawSet) -> Result<Vec<CheckedBatch>, ErrorCode> {
    let checked = tokio::task::spawn_blocking(move || split_checked(records.0)).await;
    checked.map_err(|_| ErrorCode::SpuError)?.map_err(refusal)
}

fn refusal(error: BatchError) -> ErrorCode {
    match error {
        BatchError::TooLarge(_) => ErrorCode::MessageTooLarge,
        BatchError::Compression(_) => ErrorCode::CompressionError,
        other => ErrorCode::Other(format!("produce refused: {other}")),
    }
}

fn permits(allowed: &CompressionAlgorithm, used: Compression) -> bool {
    match allowed {
        CompressionAlgorithm::Any => true,
        CompressionAlgorithm::None => used == Compression::None,
        CompressionAlgorithm::Gzip => used == Compression::Gzip,
        CompressionAlgorithm::Snappy => used == Compression::Snappy,
        CompressionAlgorithm::Lz4 => used == Compression::Lz4,
        CompressionAlgorithm::Zstd => used == Compression::Zstd,
    }
}
