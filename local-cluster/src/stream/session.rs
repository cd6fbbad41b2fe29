//! The life of one stream: send a frame, wait for its acknowledgement, send the next.

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
use super::plain;
use crate::chain::{self, Pool};
use crate::cluster::{Cluster, Partition};
use crate::limits::{FETCH_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use crate::net::{Closed, Outbox};
use crate::record_set::RawSet;
use crate::store::ConsumerOffsetKey;

/// The streams of one connection, by the id that their frames carry.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_id: HashMap<u32, Known>,
}

#[derive(Debug)]
struct Known {
    acknowledged: watch::Sender<i64>,
    consumer: Option<ConsumerOffsetKey>,
}

impl Sessions {
    /// Makes room for a stream: its id, and where its acknowledgements will arrive. Nothing if
    /// there are too many.
    pub(crate) fn open(
        &mut self,
        consumer: Option<ConsumerOffsetKey>,
    ) -> Option<(u32, watch::Receiver<i64>)> {
        if self.by_id.len() >= STREAMS_PER_CONNECTION_MAX {
            return None;
        }
        // clients take 0 for "no stream"
        let id = u32::try_from(self.by_id.len() + 1).ok()?;
        let (acknowledged, receiver) = watch::channel(0);
        self.by_id.insert(
            id,
            Known {
                acknowledged,
                consumer,
            },
        );
        Some((id, receiver))
    }

    /// Hands an acknowledgement to its stream; `false` if that is over or never was.
    pub(crate) fn acknowledge(&self, id: u32, offset: i64) -> bool {
        self.by_id
            .get(&id)
            .is_some_and(|known| known.acknowledged.send(offset).is_ok())
    }

    /// Under which name a stream stores its offsets; `None` if there is no such stream,
    /// `Some(None)` if it stores none.
    pub(crate) fn consumer(&self, id: u32) -> Option<Option<ConsumerOffsetKey>> {
        self.by_id.get(&id).map(|known| known.consumer.clone())
    }
}

/// What a stream was asked for.
#[derive(Debug)]
pub(crate) struct StreamRequest {
    /// Repeated in every frame.
    pub(crate) correlation_id: i32,
    /// Version in which frames are encoded and modules are called.
    pub(crate) version: i16,
    /// First offset that the client wants.
    pub(crate) offset: i64,
    /// Size that a frame should not exceed.
    pub(crate) max_bytes: i32,
    /// The chain, empty for none.
    pub(crate) smartmodules: Vec<SmartModuleInvocation>,
}

/// Bytes to send and where they end.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) bytes: Bytes,
    pub(super) next_offset: i64,
    /// Ends the stream after the bytes.
    pub(super) error: Option<ErrorCode>,
}

/// One stream.
pub(crate) struct Session {
    /// The id that its frames carry.
    pub(crate) id: u32,
    /// Everything.
    pub(crate) cluster: Arc<Cluster>,
    /// Where chains run.
    pub(crate) pool: Pool,
    /// What it reads.
    pub(crate) partition: Arc<Partition>,
    /// Where frames go.
    pub(crate) outbox: Outbox,
    /// Acknowledgements: the offset that the client wants next.
    pub(crate) acknowledged: watch::Receiver<i64>,
    /// Cancelled with the connection.
    pub(crate) closing: CancellationToken,
}

enum Source {
    Plain,
    /// Absent only while it runs on the pool.
    Filtered(Option<Box<Filtered>>),
}

enum End {
    /// The client is told why.
    Error(ErrorCode),
    /// There is nobody to tell.
    Closed,
}

impl Session {
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
                    Frame {
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
        let mut source = self.source(request.smartmodules, request.version).await?;
        let mut end = self.partition.watch_end();
        loop {
            // a log that is gone stops the stream through `deleted`
            end.wait_for(|end| *end > position)
                .await
                .map_err(|_| End::Closed)?;
            self.acknowledged.mark_unchanged();
            let frame = self.read(&mut source, position, max_bytes).await?;
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

    async fn source(
        &self,
        smartmodules: Vec<SmartModuleInvocation>,
        version: i16,
    ) -> Result<Source, End> {
        if smartmodules.is_empty() {
            return Ok(Source::Plain);
        }
        let (cluster, partition) = (self.cluster.clone(), self.partition.clone());
        let chain = self
            .pool
            .run(move || chain::build(&cluster, &partition, smartmodules, version))
            .await??;
        Ok(Source::Filtered(Some(Box::new(Filtered::new(chain)))))
    }

    async fn read(
        &self,
        source: &mut Source,
        position: i64,
        max_bytes: usize,
    ) -> Result<Frame, End> {
        let filtered = match source {
            Source::Plain => return Ok(plain::next(&self.partition, position, max_bytes).await?),
            Source::Filtered(filtered) => filtered,
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

    async fn send(&self, reply: Reply, frame: Frame) -> Result<(), Closed> {
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
