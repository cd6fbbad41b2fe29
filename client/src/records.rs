//! Plain records for those outside: where to start, when to stop, and the stream.

use std::fmt::{self, Debug, Formatter};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::reader::{Limits, Reader};
use crate::source::{PartitionReader, Source};
use crate::{ClientError, Cluster, Offsets, Record};

/// Frames that may wait for the consumer; each is at most one batch.
const FRAMES_AHEAD: usize = 4;

/// Where to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The first record that exists.
    Beginning,
    /// Behind the last record: only what comes from now on.
    End,
    /// This offset; if retention has removed it, the first that remains.
    Offset(i64),
    /// This many records before the end.
    FromEnd(u64),
}

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Never; lost connections are made anew, and errors that a pause can cure are not seen.
    Follow,
    /// At the record that is the last one now, even if more arrive while reading.
    UntilEnd,
}

/// The records of one partition, every one of them, in order. An error that cannot be cured is its last item.
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
        partition: u32,
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
    pub(crate) async fn start<S: Source>(
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

    /// How many records retention had removed before they could be read. They are missing from this stream.
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

fn first(start: Start, offsets: Offsets) -> i64 {
    match start {
        Start::Beginning => offsets.start,
        Start::End => offsets.end,
        Start::Offset(offset) => offset.max(0),
        Start::FromEnd(count) => offsets
            .end
            .saturating_sub(i64::try_from(count).unwrap_or(i64::MAX))
            .max(offsets.start),
    }
}
