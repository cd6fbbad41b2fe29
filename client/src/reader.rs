//! The gap-free reader of plain records.
//!
//! Some servers cut an answer in the middle of a batch, and the engine's client then skips the rest of that batch without
//! a word. So the offsets of what arrives are compared with those that must come next; at a jump the stream is thrown
//! away and read again from the gap, with larger answers. Only records that retention has removed are passed over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::source::Source;
use crate::{Backoff, ClientError, Record};

#[cfg(test)]
mod tests;

/// How large answers may be and how long they may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The size to begin with.
    pub(crate) answer_bytes_min: i32,
    /// Where doubling ends.
    pub(crate) answer_bytes_max: i32,
    /// After this long without a record, the reader asks whether there are any.
    pub(crate) silence: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // About the engine's own default for one answer.
            answer_bytes_min: 1024 * 1024,
            // The memory that one reader may need, and 64 times the largest record that producers may send.
            answer_bytes_max: 64 * 1024 * 1024,
            // A batch larger than the answer is never sent, and nothing is said about it.
            silence: Duration::from_secs(5),
        }
    }
}

/// Why a stream was left.
enum Left {
    /// The last wanted record has been read.
    AtEnd,
    /// The next record did not come, though others may have.
    AtGap,
    /// Nobody listens any more.
    Unheard,
}

/// Reads one partition and passes its records on, in order and without gaps.
pub(crate) struct Reader<S> {
    source: S,
    limits: Limits,
    /// The offset that must come next.
    next: i64,
    end: Option<i64>,
    bytes_max: i32,
    /// Where the last gap was.
    stuck_at: Option<i64>,
    evicted: Arc<AtomicU64>,
    sender: mpsc::Sender<Result<Vec<Record>, ClientError>>,
}

impl<S: Source> Reader<S> {
    /// A reader from offset `next` on, up to `end` if there is one.
    pub(crate) fn new(
        source: S,
        limits: Limits,
        next: i64,
        end: Option<i64>,
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

    /// The count of records that were evicted unread.
    pub(crate) fn evicted(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.evicted)
    }

    /// Reads until the end, the first error that a pause cannot cure, or until nobody listens.
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
            tracing::warn!(partition = self.source.name(), next = self.next, %error, ?pause, "reading again after a pause");
            sleep(pause).await;
        }
    }

    /// Reads one stream to its end, or to the first gap, which it then prepares to cross.
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

    /// Passes on what comes in order; tells whether and why to leave the stream.
    async fn take(&mut self, records: Vec<Record>) -> Option<Left> {
        let mut in_order = Vec::with_capacity(records.len());
        let mut left = None;
        for record in records {
            if self.at_end() {
                break;
            }
            // A batch is sent whole, so its head may be older than what was asked for.
            if record.offset < self.next {
                continue;
            }
            if record.offset > self.next {
                left = Some(Left::AtGap);
                break;
            }
            self.next += 1;
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

    /// Called at a gap: goes on behind evicted records, or asks for larger answers.
    async fn prepare_to_cross(&mut self) -> Result<(), ClientError> {
        let start = self.source.offsets().await?.start;
        if start > self.next {
            self.pass_over(start);
            return Ok(());
        }
        if self.stuck_at == Some(self.next) && self.bytes_max == self.limits.answer_bytes_max {
            let reason = format!(
                "the server does not send offset `{}` even in {} bytes",
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
            next = self.next,
            bytes_max = self.bytes_max,
            "gap; reading again"
        );
        Ok(())
    }

    fn pass_over(&mut self, start: i64) {
        let lost = start - self.next;
        self.evicted
            .fetch_add(lost.unsigned_abs(), Ordering::Relaxed);
        tracing::warn!(
            partition = self.source.name(),
            from = self.next,
            to = start,
            lost,
            "records were evicted unread"
        );
        self.next = start;
    }

    /// True when the record that must come next exists but was not sent.
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
