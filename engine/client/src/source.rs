//! The source of plain records (read without a SmartModule). Its trait separates the gap-free reader from the
//! `fluvio` crate, for tests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use fluvio::PartitionConsumer;
use fluvio::consumer::ConsumerConfig;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::ReplicaKey;
use fluvio::metrics::ClientMetrics;
use futures_util::{Stream, StreamExt};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::link::Link;
use crate::{ClientError, Cluster, Offset, OffsetRange, Partition, Record};

/// A partition that can be read from any offset, any number of times. Its streams may have gaps.
pub(crate) trait RecordSource: Send + Sync + 'static {
    /// Batches of records in the order of their offsets.
    type RecordBatches: Stream<Item = Result<Vec<Record>, ClientError>> + Send + Unpin;

    /// Opens a stream of batches. Each of the server's responses contains at most about `bytes_max` bytes.
    fn open(
        &self,
        from: Offset,
        bytes_max: i32,
    ) -> impl Future<Output = Result<Self::RecordBatches, ClientError>> + Send;

    /// The offsets of the records that exist now.
    fn offsets(&self) -> impl Future<Output = Result<OffsetRange, ClientError>> + Send;

    /// `topic-partition`, for log and error messages.
    fn name(&self) -> String;
}

/// One partition of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct PartitionReader {
    pub(crate) cluster: Cluster,
    pub(crate) topic: String,
    pub(crate) partition: Partition,
}

/// The batches of a partition, read over a separate connection, which closes when this value is dropped.
pub(crate) struct RecordBatches {
    batches: Pin<Box<dyn Stream<Item = Result<Vec<Record>, ClientError>> + Send>>,
    _hang_up: DropGuard,
}

impl Stream for RecordBatches {
    type Item = Result<Vec<Record>, ClientError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

impl PartitionReader {
    /// Opens a stream over a separate connection, without the automatic retries of the `fluvio` crate, which would
    /// hide errors.
    pub(crate) async fn stream(
        &self,
        from: Offset,
        config: ConsumerConfig,
    ) -> Result<RecordBatches, ClientError> {
        let what = format!("reading `{}`", self.name());
        let start = fluvio::Offset::absolute(from.0)
            .map_err(|error| ClientError::configuration(&what, error))?;
        let _turn = self.cluster.turn().await;
        let replica = ReplicaKey::new(self.topic.clone(), self.partition.0);
        let leader = self.cluster.leader(&replica, &what).await?;
        let hang_up = CancellationToken::new();
        let dialled = self.cluster.dial_until(&leader, &hang_up).await;
        let link = dialled.map_err(|error| ClientError::from_fluvio(&what, &error.into()))?;
        let consumer = PartitionConsumer::new(
            self.topic.clone(),
            self.partition.0,
            Arc::new(Link::new(link)),
            Arc::new(ClientMetrics::new()),
        );
        let batches = consumer
            .stream_batches_with_config(start, config)
            .await
            .map_err(|error| ClientError::from_fluvio(&what, &error))?;
        let reader = self.clone();
        let batches = batches.map(move |batch| match batch {
            Ok(batch) => {
                let records = batch.into_consumer_records_iter(reader.partition.0);
                Ok(records.map(Record::from).collect())
            }
            Err(code) => Err(reader.failure(&code)),
        });
        Ok(RecordBatches {
            batches: Box::pin(batches),
            _hang_up: hang_up.drop_guard(),
        })
    }

    fn failure(&self, code: &ErrorCode) -> ClientError {
        match *code {
            ErrorCode::OffsetEvicted {
                offset,
                next_available,
            } => ClientError::Evicted {
                topic: self.topic.clone(),
                partition: self.partition,
                offset: Offset(offset),
                next_available: Offset(next_available),
            },
            _ => ClientError::from_code(format!("reading `{}`", self.name()), code),
        }
    }
}

impl RecordSource for PartitionReader {
    type RecordBatches = RecordBatches;

    async fn open(&self, from: Offset, bytes_max: i32) -> Result<RecordBatches, ClientError> {
        let config = ConsumerConfig {
            max_bytes: bytes_max,
            ..plain(&self.name())?
        };
        self.stream(from, config).await
    }

    async fn offsets(&self) -> Result<OffsetRange, ClientError> {
        self.cluster.offsets(&self.topic, self.partition).await
    }

    fn name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

/// Returns a consumer configuration with the defaults of the `fluvio` crate.
pub(crate) fn plain(name: &str) -> Result<ConsumerConfig, ClientError> {
    ConsumerConfig::builder()
        .build()
        .map_err(|error| ClientError::configuration(format!("reading `{name}`"), error))
}
