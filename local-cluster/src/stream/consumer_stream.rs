//! One consumer stream: sends a frame, waits for its acknowledgement, sends the next.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use fluvio_protocol::link::ErrorCode;
use fluvio_spu_schema::fetch::FetchablePartitionResponse;
use fluvio_spu_schema::server::smartmodule::SmartModuleInvocation;
use fluvio_spu_schema::server::stream_fetch::StreamFetchResponse;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::filtered::Filtered;
use super::frame::StreamFrame;
use super::plain;
use crate::chain::{self, Pool};
use crate::cluster::{Cluster, Partition};
use crate::limits::{FETCH_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use crate::net::{Closed, Outbox};
use crate::record_set::RawSet;
use crate::store::ConsumerOffsetKey;

/// The streams of one connection, by the stream id that their frames contain.
#[derive(Debug, Default)]
pub(crate) struct OpenStreams {
    by_id: HashMap<u32, OpenStream>,
}

#[derive(Debug)]
struct OpenStream {
    acknowledged: watch::Sender<i64>,
    consumer: Option<ConsumerOffsetKey>,
}

impl OpenStreams {
    /// Registers a stream. Returns its id and the receiver of its acknowledgements, or `None` if the
    /// connection has too many streams.
    pub(crate) fn open(
        &mut self,
        consumer: Option<ConsumerOffsetKey>,
    ) -> Option<(u32, watch::Receiver<i64>)> {
        if self.by_id.len() >= STREAMS_PER_CONNECTION_MAX {
            return None;
        }
        // Clients interpret 0 as "no stream".
        let id = u32::try_from(self.by_id.len() + 1).ok()?;
        let (acknowledged, receiver) = watch::channel(0);
        self.by_id.insert(
            id,
            OpenStream {
                acknowledged,
                consumer,
            },
        );
        Some((id, receiver))
    }

    /// Passes an acknowledgement to its stream; `false` if the stream has ended or never existed.
    pub(crate) fn acknowledge(&self, id: u32, offset: i64) -> bool {
        self.by_id
            .get(&id)
            .is_some_and(|stream| stream.acknowledged.send(offset).is_ok())
    }

    /// Returns the consumer whose offsets a stream stores: `None` if the stream does not exist,
    /// `Some(None)` if it stores no offsets.
    pub(crate) fn consumer(&self, id: u32) -> Option<Option<ConsumerOffsetKey>> {
        self.by_id.get(&id).map(|stream| stream.consumer.clone())
    }
}

/// The parameters of a stream.
#[derive(Debug)]
pub(crate) struct StreamRequest {
    /// The correlation id, which every frame repeats.
    pub(crate) correlation_id: i32,
    /// The protocol version with which frames are encoded and modules are called.
    pub(crate) version: i16,
    /// The first offset that the client requests.
    pub(crate) offset: i64,
    /// The target size of a frame in bytes.
    pub(crate) max_bytes: i32,
    /// The modules of the chain; empty for a stream without a chain.
    pub(crate) smartmodules: Vec<SmartModuleInvocation>,
}

/// A stream of records to one client.
pub(crate) struct ConsumerStream {
    /// The stream id in its frames.
    pub(crate) id: u32,
    pub(crate) cluster: Arc<Cluster>,
    /// The pool on which its chain runs.
    pub(crate) pool: Pool,
    pub(crate) partition: Arc<Partition>,
    pub(crate) outbox: Outbox,
    /// Receives the acknowledgements. Each is the offset from which the client requests the next frame.
    pub(crate) acknowledged: watch::Receiver<i64>,
    /// Cancelled when the connection closes.
    pub(crate) closing: CancellationToken,
}

enum Reading {
    Plain,
    /// A stream with a chain; `None` only while the chain runs on the pool.
    Filtered(Option<Box<Filtered>>),
}

enum End {
    /// The stream failed; the client gets this code.
    Error(ErrorCode),
    /// Nothing more is sent: the connection is closed, or the last frame contained the error that ended the
    /// stream.
    Closed,
}

impl ConsumerStream {
    /// Serves `request` until the connection, the topic or the stream itself ends.
    pub(crate) async fn run(mut self, request: StreamRequest) {
        let (closing, deleted) = (self.closing.clone(), self.partition.deleted().clone());
        let reply = Reply {
            correlation_id: request.correlation_id,
            version: request.version,
        };
        let end = tokio::select! {
            () = closing.cancelled() => End::Closed,
            () = deleted.cancelled() => End::Error(ErrorCode::TopicDeleted),
            served = self.serve(request) => match served {
                Err(end) => end,
            },
        };
        if let End::Error(code) = end {
            tracing::debug!(stream = self.id, partition = self.partition.name(), %code, "stream ended");
            let _ = self
                .send(
                    reply,
                    StreamFrame {
                        bytes: Bytes::new(),
                        next_offset: 0,
                        error: Some(code),
                    },
                )
                .await;
        }
    }

    async fn serve(&mut self, request: StreamRequest) -> Result<Infallible, End> {
        let reply = Reply {
            correlation_id: request.correlation_id,
            version: request.version,
        };
        let max_bytes = usize::try_from(request.max_bytes)
            .unwrap_or(0)
            .min(FETCH_BYTES_MAX);
        let mut position = self.check_start(request.offset)?;
        let mut reading = self.reading(request.smartmodules, request.version).await?;
        let mut end = self.partition.watch_end();
        loop {
            // This fails only if the log is dropped. The deletion of the topic ends the stream through `deleted`
            // instead.
            end.wait_for(|end| *end > position)
                .await
                .map_err(|_| End::Closed)?;
            self.acknowledged.mark_unchanged();
            let frame = self.read(&mut reading, position, max_bytes).await?;
            let over = frame.error.is_some();
            self.send(reply, frame).await?;
            if over {
                return Err(End::Closed);
            }
            self.acknowledged.changed().await.map_err(|_| End::Closed)?;
            position = *self.acknowledged.borrow_and_update();
        }
    }

    fn check_start(&self, offset: i64) -> Result<i64, End> {
        let (start, end) = (self.partition.start_offset(), self.partition.end_offset());
        if offset > end {
            let text = format!("start offset {offset} is greater than leo {end}");
            return Err(End::Error(ErrorCode::Other(text)));
        }
        if offset < start {
            return Err(End::Error(ErrorCode::OffsetEvicted {
                offset,
                next_available: start,
            }));
        }
        Ok(offset)
    }

    async fn reading(
        &self,
        smartmodules: Vec<SmartModuleInvocation>,
        version: i16,
    ) -> Result<Reading, End> {
        if smartmodules.is_empty() {
            return Ok(Reading::Plain);
        }
        let (cluster, partition) = (self.cluster.clone(), self.partition.clone());
        let mut chain = self
            .pool
            .compile(move || chain::compile(&cluster, smartmodules, version))
            .await??;
        let chain = self
            .pool
            .run(move || chain::look_back(&mut chain, &partition).map(|()| chain))
            .await??;
        Ok(Reading::Filtered(Some(Box::new(Filtered::new(chain)))))
    }

    async fn read(
        &self,
        reading: &mut Reading,
        position: i64,
        max_bytes: usize,
    ) -> Result<StreamFrame, End> {
        let filtered = match reading {
            Reading::Plain => return Ok(plain::next(&self.partition, position, max_bytes).await?),
            Reading::Filtered(filtered) => filtered,
        };
        let mut running = filtered.take().ok_or(ErrorCode::SpuError)?;
        let partition = self.partition.clone();
        let (back, frame) = self
            .pool
            .run(move || {
                let frame = running.next(&partition, position, max_bytes);
                (running, frame)
            })
            .await?;
        *filtered = Some(back);
        Ok(frame?)
    }

    async fn send(&self, reply: Reply, frame: StreamFrame) -> Result<(), Closed> {
        let response = StreamFetchResponse {
            topic: self.partition.topic().to_owned(),
            stream_id: self.id,
            partition: FetchablePartitionResponse {
                partition_index: self.partition.index(),
                error_code: frame.error.unwrap_or_default(),
                high_watermark: self.partition.end_offset(),
                next_filter_offset: frame.next_offset,
                log_start_offset: self.partition.start_offset(),
                aborted: None,
                records: RawSet(frame.bytes),
            },
        };
        self.outbox
            .send(reply.correlation_id, reply.version, &response)
            .await
    }
}

#[derive(Clone, Copy)]
struct Reply {
    correlation_id: i32,
    version: i16,
}

impl From<ErrorCode> for End {
    fn from(code: ErrorCode) -> Self {
        Self::Error(code)
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}
