//! Reads one source partition for one derivation: one partial per batch, without gaps.

#[cfg(test)]
mod tests;

use std::convert::Infallible;

use bytes::Bytes;
use client::{Backoff, ClientError, Offset, Partition, PartitionSource};
use futures_util::StreamExt;
use model::fold::FoldRequest;
use model::partial::BatchHeader;
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::covered::Covered;
use crate::durable::source_log::ReadTo;
use crate::error::RunError;
use crate::read::partials::Partials;
use crate::read::shared::{Joined, SharedReaders, Subscription};
use crate::read::upstream::{Upstream, UpstreamPartition};
use crate::sink::status::StatusBoard;

/// The number of partials that may wait to be merged. Each covers one batch, often of hundreds of events.
pub(crate) const PARTIALS_AHEAD: usize = 64;

/// The reader of one source partition for one derivation, and its position.
pub(crate) struct Source<U = UpstreamPartition> {
    upstream: U,
    topic: String,
    partition: Partition,
    next_offset: Offset,
    /// The fingerprint of the last record that this reader received.
    last_record: Option<u64>,
    fold: FoldRequest,
    /// The board on which this reader reports whether the partition can be read.
    status: StatusBoard,
    /// The one partition that may be read while memory is short; `None` if all may be read.
    only: watch::Receiver<Option<Partition>>,
    /// `None` if this derivation has to read by itself from now on: after a gap in the batches of a shared reader,
    /// or after the SmartModule has failed in the derivation's own stream.
    subscription: Option<Subscription>,
}

/// The partial of one batch of a partition, or the error that ended reading.
pub(crate) struct Arrival {
    pub(crate) partition: Partition,
    pub(crate) partial: Result<Bytes, RunError>,
}

/// The reason why reading stops.
enum Stop {
    /// The receiver of partials is dropped.
    ReceiverGone,
    /// An error. [`Source::after`] decides whether reading can be resumed.
    Failed(RunError),
}

impl From<RunError> for Stop {
    fn from(error: RunError) -> Self {
        Self::Failed(error)
    }
}

async fn send(
    arrivals: &mpsc::Sender<Arrival>,
    partition: Partition,
    partial: Bytes,
) -> Result<(), Stop> {
    let partial = Ok(partial);
    let arrival = Arrival { partition, partial };
    arrivals.send(arrival).await.map_err(|_| Stop::ReceiverGone)
}

impl Source {
    /// Creates a reader of one partition for one derivation. It begins at the offset of `upstream`.
    pub(crate) fn of(
        upstream: UpstreamPartition,
        fold: FoldRequest,
        readers: &SharedReaders,
        status: &StatusBoard,
        only: watch::Receiver<Option<Partition>>,
    ) -> Self {
        let PartitionSource {
            topic,
            partition,
            offset,
        } = upstream.source.clone();
        let shared = readers.of(&topic, partition);
        Self {
            upstream,
            topic,
            partition,
            next_offset: offset,
            last_record: None,
            subscription: Some(shared.subscribe(offset, fold.clone())),
            fold,
            status: status.clone(),
            only,
        }
    }
}

impl<U: Upstream> Source<U> {
    /// Creates a reader of partition 0 of a source without a cluster.
    #[cfg(test)]
    pub(crate) fn over(
        upstream: U,
        fold: FoldRequest,
        subscription: Subscription,
        next_offset: Offset,
        only: watch::Receiver<Option<Partition>>,
    ) -> Self {
        Self {
            upstream,
            topic: "ticks".to_owned(),
            partition: Partition(0),
            next_offset,
            last_record: None,
            subscription: Some(subscription),
            fold,
            status: StatusBoard::default(),
            only,
        }
    }

    /// Sends partials until the receiver is dropped, or until an error occurs that trying again does not cure. That
    /// error is sent as well.
    pub(crate) async fn run(mut self, arrivals: mpsc::Sender<Arrival>) {
        let partition = self.partition;
        let mut backoff = Backoff::default();
        if let Some(subscription) = &self.subscription {
            subscription.gathered().await;
        }
        loop {
            let Err(stop) = self.forward(&arrivals, &mut backoff).await;
            let result = match stop {
                Stop::ReceiverGone => return,
                Stop::Failed(error) => self.after(error, &arrivals, &mut backoff).await,
            };
            match result {
                Ok(()) => {}
                Err(Stop::ReceiverGone) => return,
                Err(Stop::Failed(error)) => {
                    let partial = Err(error);
                    let _receiver_gone = arrivals.send(Arrival { partition, partial }).await;
                    return;
                }
            }
        }
    }

    /// Prepares to read again after an error. Returns the error if reading again would not help.
    async fn after(
        &mut self,
        error: RunError,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<(), Stop> {
        match error {
            RunError::Client(ClientError::Evicted { next_available, .. })
                if next_available > self.next_offset =>
            {
                let lost = next_available - self.next_offset;
                warn!(
                    topic = self.topic,
                    partition = %self.partition,
                    lost,
                    "retention removed records before they were read"
                );
                self.next_offset = next_available;
                self.last_record = None;
                // Sent at once, because a restarted derivation writes nothing until it has read up to the offset in
                // its checkpoint. The removed records may be the last ones before that offset.
                send(arrivals, self.partition, nothing_before(next_available)).await
            }
            error if error.is_retryable() => {
                if matches!(error, RunError::Client(ClientError::ModuleFailed { .. })) {
                    self.subscription = None; // the same fold would fail in a shared stream as well
                }
                let pause = backoff.pause();
                self.note(Some(&error));
                let (topic, partition) = (&self.topic, self.partition);
                warn!(topic, %partition, %error, ?pause, "reading failed; trying again after a pause");
                tokio::time::sleep(pause).await;
                Ok(())
            }
            error => Err(error.into()),
        }
    }

    /// Sends partials, from a shared reader where possible, until an error occurs.
    async fn forward(
        &mut self,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<Infallible, Stop> {
        loop {
            let joined = match self.join() {
                Some(joined) => joined,
                None => self.read_alone(arrivals, backoff).await?,
            };
            self.read_together(joined, arrivals, backoff).await?;
        }
    }

    /// Reads by itself until it can join a shared reader.
    async fn read_alone(
        &mut self,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<Joined, Stop> {
        let folds = std::slice::from_ref(&self.fold);
        let opened = self.upstream.folded(self.next_offset, folds).await;
        self.check().await?;
        let mut outputs = opened.map_err(RunError::from)?;
        self.note(None);
        loop {
            let next = tokio::select! {
                next = outputs.next() => next,
                () = arrivals.closed() => return Err(Stop::ReceiverGone),
            };
            let Some(output) = next.transpose().map_err(RunError::from)? else {
                return Err(Stop::ReceiverGone);
            };
            let partial = self.only_partial(&output)?;
            if !self.covers_new_records(&partial)? {
                continue;
            }
            backoff.reset();
            self.hand_on(partial, arrivals).await?;
            if let Some(joined) = self.join() {
                return Ok(joined);
            }
        }
    }

    /// Returns an error if the log that has just been opened is not the one that was read so far. Does nothing if
    /// the last record is not known. This is the case before the first batch (recovery has already checked the log)
    /// and after retention has removed unread records.
    async fn check(&mut self) -> Result<(), RunError> {
        if self.last_record.is_none() {
            return Ok(());
        }
        let read_to = ReadTo::new(self.next_offset, self.last_record);
        self.upstream.check(&self.fold.derivation, read_to).await
    }

    fn only_partial(&self, output: &Bytes) -> Result<Bytes, RunError> {
        let partials = Partials::read(output, 1);
        let mut partials = partials.map_err(RunError::partial(&self.topic, self.partition))?;
        Ok(partials.of_folds.remove(0))
    }

    fn join(&self) -> Option<Joined> {
        let subscription = self.subscription.as_ref()?;
        subscription.moved_to(self.next_offset);
        subscription.join(&self.upstream)
    }

    /// Forwards this derivation's partials from a shared reader until that reader stops or dismisses the derivation.
    /// Returns an error if the shared stream fails or has a gap.
    async fn read_together(
        &mut self,
        mut joined: Joined,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<(), Stop> {
        let mut is_checked = false;
        tokio::select! {
            opened = joined.opened() => opened?,
            () = arrivals.closed() => return Err(Stop::ReceiverGone),
        }
        self.note(None);
        loop {
            let next = tokio::select! {
                next = joined.next() => next?,
                () = arrivals.closed() => return Err(Stop::ReceiverGone),
            };
            let Some(partial) = next else { return Ok(()) };
            if !std::mem::replace(&mut is_checked, true) {
                self.check().await?;
            }
            match self.covers_new_records(&partial) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(gap) => {
                    self.subscription = None; // a stream of its own may contain the missing records
                    return Err(gap.into());
                }
            }
            backoff.reset();
            self.hand_on(partial, arrivals).await?;
        }
    }

    /// Waits until this partition may be read, then sends the partial.
    async fn hand_on(
        &mut self,
        partial: Bytes,
        arrivals: &mpsc::Sender<Arrival>,
    ) -> Result<(), Stop> {
        let partition = self.partition;
        let may_go_on = |only: &Option<Partition>| only.is_none_or(|only| only == partition);
        // The wait fails if the sender of `only` is dropped while a different partition is the one that may be read. In
        // this case the receiver of partials is dropped as well, so sending fails too.
        drop(self.only.wait_for(may_go_on).await);
        send(arrivals, self.partition, partial).await
    }

    fn note(&self, last_error: Option<&RunError>) {
        self.status.update(&self.fold.derivation, |status| {
            match last_error {
                Some(error) => status.unread.insert(self.partition, error.to_string()),
                None => status.unread.remove(&self.partition),
            };
        });
    }

    /// Advances to the end of the partial and returns `true`; returns `false` if its batch was already received.
    /// A batch can arrive twice, because a server may send the whole batch that contains the requested offset, and
    /// a shared reader sends recent batches to a new subscriber.
    fn covers_new_records(&mut self, partial: &[u8]) -> Result<bool, RunError> {
        let header =
            BatchHeader::decode(partial).map_err(RunError::partial(&self.topic, self.partition))?;
        match Place::of(&header, self.next_offset) {
            Place::Merged => return Ok(false),
            Place::Next => {}
            Place::Gap => {
                let (topic, partition) = (self.topic.clone(), self.partition);
                return Err(RunError::OffsetGap {
                    topic,
                    partition,
                    expected: self.next_offset,
                    found: header.offsets().start,
                });
            }
        }
        self.next_offset = header.offsets().end;
        self.last_record = Some(header.last_record);
        if let Some(subscription) = &self.subscription {
            subscription.moved_to(self.next_offset);
        }
        Ok(true)
    }
}

/// Returns a partial without records. It reports that retention has removed all records before `offset`.
pub(crate) fn nothing_before(offset: Offset) -> Bytes {
    let mut bytes = Vec::new();
    BatchHeader::empty(offset.0).encode_alone(&mut bytes);
    bytes.into()
}

/// The position of a batch relative to the next offset to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The whole batch was already merged.
    Merged,
    /// The batch is the next one to merge.
    Next,
    /// The batch begins after the next offset, or begins before it and ends after it.
    Gap,
}

impl Place {
    pub(crate) fn of(header: &BatchHeader, next_offset: Offset) -> Self {
        let offsets = header.offsets();
        if offsets.end <= next_offset {
            Self::Merged
        } else if offsets.start == next_offset {
            Self::Next
        } else {
            Self::Gap
        }
    }
}
