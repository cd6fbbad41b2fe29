//! Where plain records come from: the seam between the gap-free reader and the `fluvio` crate.

use std::future::Future;
use std::pin::Pin;

use fluvio::consumer::ConsumerConfig;
use fluvio::dataplane::link::ErrorCode;
use fluvio::dataplane::record::Batch;
use fluvio::{Fluvio, Offset};
use futures_util::{Stream, StreamExt};

use crate::{ClientError, Cluster, Offsets, Record};

/// A partition that can be read from any offset, any number of times. Its streams may leave records out.
pub(crate) trait Source: Send + Sync + 'static {
    /// Batches of records in the order of their offsets.
    type Frames: Stream<Item = Result<Vec<Record>, ClientError>> + Send + Unpin;

    /// Starts to read; the server answers with at most about `bytes_max` bytes at a time.
    fn open(
        &self,
        from: i64,
        bytes_max: i32,
    ) -> impl Future<Output = Result<Self::Frames, ClientError>> + Send;

    /// Which records exist now.
    fn offsets(&self) -> impl Future<Output = Result<Offsets, ClientError>> + Send;

    /// `topic-partition`, for messages.
    fn name(&self) -> String;
}

/// One partition of a cluster.
#[derive(Debug, Clone)]
pub(crate) struct PartitionReader {
    pub(crate) cluster: Cluster,
    pub(crate) topic: String,
    pub(crate) partition: u32,
}

/// Batches of a partition, and the connection that they come over: the server stops when it is hung up.
pub(crate) struct Frames {
    batches: Pin<Box<dyn Stream<Item = Result<Vec<Record>, ClientError>> + Send>>,
    _connection: Fluvio,
}

impl Stream for Frames {
    type Item = Result<Vec<Record>, ClientError>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.batches.poll_next_unpin(context)
    }
}

impl PartitionReader {
    /// Opens a stream over a connection of its own, without the crate's automatic retry, which hides errors.
    pub(crate) async fn stream(
        &self,
        from: i64,
        config: ConsumerConfig,
    ) -> Result<Frames, ClientError> {
        let partition = self.partition;
        self.stream_as(from, config, move |batch| {
            let records = batch.into_consumer_records_iter(partition);
            Ok(records.map(Record::from).collect())
        })
        .await
    }

    /// The same, with what `records` makes of each batch.
    pub(crate) async fn stream_as(
        &self,
        from: i64,
        config: ConsumerConfig,
        records: impl Fn(Batch) -> Result<Vec<Record>, ClientError> + Send + 'static,
    ) -> Result<Frames, ClientError> {
        let what = format!("reading `{}`", self.name());
        let connection = self.cluster.connection().await?;
        let start =
            Offset::absolute(from).map_err(|error| ClientError::configuration(&what, error))?;
        #[expect(
            deprecated,
            reason = "its successor retries by itself, and gives records one by one at a high price"
        )]
        let consumer = connection
            .partition_consumer(self.topic.clone(), self.partition)
            .await;
        let consumer = consumer.map_err(|error| ClientError::from_fluvio(&what, &error))?;
        let batches = consumer
            .stream_batches_with_config(start, config)
            .await
            .map_err(|error| ClientError::from_fluvio(&what, &error))?;
        let reader = self.clone();
        let batches = batches.map(move |batch| match batch {
            Ok(batch) => records(batch),
            Err(code) => Err(reader.failure(&code)),
        });
        Ok(Frames {
            batches: Box::pin(batches),
            _connection: connection,
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
                offset,
                next_available,
            },
            _ => ClientError::from_code(format!("reading `{}`", self.name()), code),
        }
    }
}

impl Source for PartitionReader {
    type Frames = Frames;

    async fn open(&self, from: i64, bytes_max: i32) -> Result<Frames, ClientError> {
        let config = ConsumerConfig {
            max_bytes: bytes_max,
            ..plain(&self.name())?
        };
        self.stream(from, config).await
    }

    async fn offsets(&self) -> Result<Offsets, ClientError> {
        self.cluster.offsets(&self.topic, self.partition).await
    }

    fn name(&self) -> String {
        format!("{}-{}", self.topic, self.partition)
    }
}

/// The crate's defaults for a consumer.
pub(crate) fn plain(name: &str) -> Result<ConsumerConfig, ClientError> {
    ConsumerConfig::builder()
        .build()
        .map_err(|error| ClientError::configuration(format!("reading `{name}`"), error))
}
