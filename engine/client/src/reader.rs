//! The gap-free reader of plain records (read without a SmartModule).
//!
//! Some servers cut a response in the middle of a batch, and the `fluvio` crate then silently skips the rest of that
//! batch. The reader therefore compares the offset of each record with the one it expects. At a gap it drops the
//! stream and reads again from the expected offset, with a higher limit on the size of a response. It skips only
//! records that retention has removed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::source::RecordSource;
use crate::{Backoff, ClientError, Offset, Record};

#[cfg(test)]
mod tests;

/// Limits on the size of the server's responses and on the time between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The initial limit on the size of a response.
    pub(crate) answer_bytes_min: i32,
    /// The maximum limit on the size of a response. Each gap that retention did not cause doubles the limit, up to this
    /// value.
    pub(crate) answer_bytes_max: i32,
    /// After this long without a record, the reader asks the server for the end offset, to find out whether the
    /// server has records that it does not send.
    pub(crate) silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // Roughly the `fluvio` crate's own default for one response.
            answer_bytes_min: 1024 * 1024,
            // This also limits the memory that one reader needs. It is about 70 times the size of the largest record
            // that producers may send.
            answer_bytes_max: 64 * 1024 * 1024,
            // If a batch is larger than the response limit, the server sends neither the batch nor an error. Only
            // the check after this silence finds such a batch.
            silence: Duration::from_secs(5),
        }
    }
}

/// The reason why the reader stops reading a stream.
enum Left {
    /// The last wanted record has been read.
    AtEnd,
    /// The expected record did not arrive: the server sent a later one, or nothing.
    AtGap,
    /// The receiver of the records was dropped.
    Unheard,
}

/// Reads one partition and passes its records on, in order and without gaps.
pub(crate) struct Reader<S> {
    source: S,
    limits: Limits,
    /// The expected offset of the next record.
    next: Offset,
    end: Option<Offset>,
    bytes_max: i32,
    /// The offset at which a larger response was last requested.
    stuck_at: Option<Offset>,
    evicted: Arc<AtomicU64>,
    sender: mpsc::Sender<Result<Vec<Record>, ClientError>>,
}

impl<S: RecordSource> Reader<S> {
    /// Creates a reader of the offsets from `next` on, up to but excluding `end` if it is set.
    pub(crate) fn new(
        source: S,
        limits: Limits,
        next: Offset,
        end: Option<Offset>,
        sender: mpsc::Sender<Result<Vec<Record>, ClientError>>,
    ) -> Self {
        let evicted = Arc::new(AtomicU64::new(0));
        Self {
            source,
            limits,
            next,
            end,
            bytes_max: limits.answer_bytes_min,
            stuck_at: None,
            evicted,
            sender,
        }
    }

    /// The number of records that retention removed before they could be read.
    pub(crate) fn evicted(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.evicted)
    }

    /// Reads until the end, until an error, or until the receiver is dropped. Without an `end`, it retries after
    /// retryable errors, and only other errors end it.
    pub(crate) async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let before = self.next;
            let error = match self.read().await {
                Ok(Left::AtEnd | Left::Unheard) => return,
                Ok(Left::AtGap) => continue,
                Err(error) => error,
            };
            if self.end.is_some() || !error.is_retryable() {
                let _ = self.sender.send(Err(error)).await;
                return;
            }
            if self.next > before {
                backoff.reset();
            }
            let pause = backoff.pause();
            let (partition, next) = (self.source.name(), self.next);
            tracing::warn!(partition, %next, %error, ?pause, "reading failed; trying again after a pause");
            sleep(pause).await;
        }
    }

    /// Opens a stream and reads it to the end or to the first gap. At a gap, prepares the next attempt.
    async fn read(&mut self) -> Result<Left, ClientError> {
        if self.at_end() {
            return Ok(Left::AtEnd);
        }
        let mut frames = self.source.open(self.next, self.bytes_max).await?;
        loop {
            let left = match timeout(self.limits.silence, frames.next()).await {
                Ok(Some(Ok(records))) => self.take(records).await,
                Ok(Some(Err(ClientError::Evicted { .. }))) => Some(Left::AtGap),
                Ok(Some(Err(error))) => return Err(error),
                Ok(None) => {
                    return Err(ClientError::retry(
                        self.reading(),
                        "the server ended the stream",
                    ));
                }
                Err(_) => self.withheld().await?.then_some(Left::AtGap),
            };
            match left {
                None => {}
                Some(Left::AtGap) => return self.prepare_to_cross().await.map(|()| Left::AtGap),
                Some(left) => return Ok(left),
            }
        }
    }

    /// Passes on the records up to the first gap. Returns the reason if reading this stream has to stop.
    async fn take(&mut self, records: Vec<Record>) -> Option<Left> {
        let mut in_order = Vec::with_capacity(records.len());
        let mut left = None;
        for record in records {
            if self.at_end() {
                break;
            }
            // The server sends whole batches, so the first records may be older than the requested offset.
            if record.offset < self.next {
                continue;
            }
            if record.offset > self.next {
                left = Some(Left::AtGap);
                break;
            }
            self.next = self.next.next();
            in_order.push(record);
        }
        if !in_order.is_empty() && self.sender.send(Ok(in_order)).await.is_err() {
            return Some(Left::Unheard);
        }
        if self.at_end() {
            Some(Left::AtEnd)
        } else {
            left
        }
    }

    /// Prepares the next attempt after a gap: skips records that retention has removed, or else doubles the limit on
    /// the size of a response.
    async fn prepare_to_cross(&mut self) -> Result<(), ClientError> {
        let start = self.source.offsets().await?.start;
        if start > self.next {
            self.pass_over(start);
            return Ok(());
        }
        if self.stuck_at == Some(self.next) && self.bytes_max == self.limits.answer_bytes_max {
            let reason = format!(
                "the server does not send offset {} even in a response of {} bytes",
                self.next, self.limits.answer_bytes_max
            );
            return Err(ClientError::retry(self.reading(), reason));
        }
        self.stuck_at = Some(self.next);
        self.bytes_max = self
            .bytes_max
            .saturating_mul(2)
            .min(self.limits.answer_bytes_max);
        tracing::debug!(
            partition = self.source.name(),
            next = %self.next,
            bytes_max = self.bytes_max,
            "the response has a gap; reading again"
        );
        Ok(())
    }

    fn pass_over(&mut self, start: Offset) {
        let lost = start - self.next;
        self.evicted
            .fetch_add(lost.unsigned_abs(), Ordering::Relaxed);
        tracing::warn!(
            partition = self.source.name(),
            from = %self.next,
            to = %start,
            lost,
            "retention removed records before they were read"
        );
        self.next = start;
    }

    /// Whether the expected record exists, although the server does not send it.
    async fn withheld(&self) -> Result<bool, ClientError> {
        Ok(self.source.offsets().await?.end > self.next)
    }

    fn at_end(&self) -> bool {
        self.end.is_some_and(|end| self.next >= end)
    }

    fn reading(&self) -> String {
        format!("reading `{}`", self.source.name())
    }
}
