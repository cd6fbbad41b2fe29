//! The public stream of plain records (read without a SmartModule), and the options for its start and its end.

use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::reader::{Limits, Reader};
use crate::source::{PartitionReader, RecordSource};
use crate::{ClientError, Cluster, Offset, OffsetRange, Partition, Record};

/// The number of batches, or parts of batches, that are read before the consumer asks for them.
const FRAMES_AHEAD: usize = 4;

/// Where a stream starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record that exists.
    Beginning,
    /// After the last record: only records written from now on.
    End,
    /// At this offset or, if retention has removed that record, at the first one that remains.
    Offset(Offset),
    /// This many records before the end.
    FromEnd(u64),
}

/// When a stream stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never, except at an error that is not retryable. After a retryable error, the connection is reopened.
    Follow,
    /// After the record that was the last one when the stream started, even if more have arrived since.
    UntilEnd,
}

/// The records of one partition, in order. The stream ends after the first error that it returns.
pub struct RecordStream {
    frames: mpsc::Receiver<Result<Vec<Record>, ClientError>>,
    records: std::vec::IntoIter<Record>,
    evicted: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Cluster {
    /// Reads plain records of one partition with their true offsets, without gaps.
    pub async fn records(
        &self,
        topic: &str,
        partition: Partition,
        start: Start,
        mode: Mode,
    ) -> Result<RecordStream, ClientError> {
        let source = PartitionReader {
            cluster: self.clone(),
            topic: topic.to_owned(),
            partition,
        };
        RecordStream::start(source, Limits::default(), start, mode).await
    }
}

impl RecordStream {
    pub(crate) async fn start<S: RecordSource>(
        source: S,
        limits: Limits,
        start: Start,
        mode: Mode,
    ) -> Result<Self, ClientError> {
        let offsets = source.offsets().await?;
        let end = (mode == Mode::UntilEnd).then_some(offsets.end);
        let (sender, frames) = mpsc::channel(FRAMES_AHEAD);
        let reader = Reader::new(source, limits, first(start, offsets), end, sender);
        let evicted = reader.evicted();
        Ok(Self {
            frames,
            records: Vec::new().into_iter(),
            evicted,
            task: tokio::spawn(reader.run()),
        })
    }

    /// The number of records that retention removed before they could be read. They are missing from this
    /// stream.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }
}

impl Stream for RecordStream {
    type Item = Result<Record, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(record) = self.records.next() {
                return Poll::Ready(Some(Ok(record)));
            }
            match ready!(self.frames.poll_recv(context)) {
                Some(Ok(records)) => self.records = records.into_iter(),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Drop for RecordStream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Debug for RecordStream {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RecordStream")
            .field("evicted", &self.evicted())
            .finish_non_exhaustive()
    }
}

fn first(start: Start, offsets: OffsetRange) -> Offset {
    match start {
        Start::Beginning => offsets.start,
        Start::End => offsets.end,
        Start::Offset(offset) => offset.max(Offset::ZERO),
        Start::FromEnd(count) => {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Offset(offsets.end.0.saturating_sub(count)).max(offsets.start)
        }
    }
}
