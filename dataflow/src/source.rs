//! Reads one source partition through a derivation's SmartModule, partial by partial, without gaps.

#[cfg(test)]
mod tests;
mod upstream;

use bytes::Bytes;
use client::{Backoff, ClientError, PartitionSource, SmartModule, StoredBatch};
use futures_util::StreamExt;
use model::fold::SourceRecord;
use model::partial::{BatchHeader, BatchPartial, FORMAT};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::error::RunError;
use crate::hub::{Seat, SharedBatch};
use crate::job::Job;
use crate::offline::AnyFold;
use crate::status::StatusBoard;
use upstream::Partition;
pub(crate) use upstream::Upstream;

/// Partials that may wait to be merged; each covers a batch of hundreds of events.
pub(crate) const PARTIALS_AHEAD: usize = 64;

/// One partition to read.
pub(crate) struct Source<U = Partition> {
    upstream: U,
    topic: String,
    partition: u32,
    next_offset: i64,
    derivation: String,
    /// Where it says whether the partition can be read.
    status: StatusBoard,
    /// The one partition that may be read while memory is short; all may otherwise.
    only: watch::Receiver<Option<usize>>,
    sharing: Option<Sharing>,
}

/// What it takes to read together with others.
pub(crate) struct Sharing {
    pub(crate) seat: Seat,
    pub(crate) fold: Box<dyn AnyFold>,
}

type Inbox = mpsc::Receiver<SharedBatch>;

/// The partial of one batch, or what ended the reading.
pub(crate) type Arrival = (usize, Result<Bytes, RunError>);

impl Source {
    /// A partition of a derivation's source, that is read from `next_offset` on by itself.
    pub(crate) fn of(
        job: &Job,
        partition: u32,
        next_offset: i64,
        only: watch::Receiver<Option<usize>>,
    ) -> Self {
        let upstream = Partition {
            cluster: job.cluster.clone(),
            source: PartitionSource {
                topic: job.spec.from.clone(),
                partition,
                offset: next_offset,
            },
            // The very bytes that this runner was built with, whatever the cluster knows by the name.
            module: SmartModule::AdHoc(job.module.clone()),
            params: job.spec.param_texts(),
        };
        Self {
            upstream,
            topic: job.spec.from.clone(),
            partition,
            next_offset,
            derivation: job.name.clone(),
            status: job.status.clone(),
            only,
            sharing: None,
        }
    }

    /// The same, read together with other derivations of this process where they meet.
    pub(crate) fn shared(mut self, job: &Job) -> Result<Self, RunError> {
        if let Some(hubs) = &job.hubs {
            let hub = hubs.of(&self.topic, self.partition);
            self.sharing = Some(Sharing {
                seat: hub.seat(self.next_offset),
                fold: job.fold()?,
            });
        }
        Ok(self)
    }
}

impl<U: Upstream> Source<U> {
    /// Partition 0 of a source that is no cluster's.
    #[cfg(test)]
    pub(crate) fn over(
        upstream: U,
        next_offset: i64,
        only: watch::Receiver<Option<usize>>,
        sharing: Option<Sharing>,
    ) -> Self {
        Self {
            upstream,
            topic: "ticks".to_owned(),
            partition: 0,
            next_offset,
            derivation: "tick-counts".to_owned(),
            status: StatusBoard::default(),
            only,
            sharing,
        }
    }

    /// Sends partials until nobody takes them any more, or an error that a pause cannot cure.
    pub(crate) async fn run(mut self, arrivals: mpsc::Sender<Arrival>) {
        let index = self.partition as usize;
        let mut backoff = Backoff::default();
        loop {
            let error = match self.forward(&arrivals, &mut backoff).await {
                Ok(()) => return,
                Err(error) => error,
            };
            match error {
                RunError::Client(ClientError::Evicted { next_available, .. })
                    if next_available > self.next_offset =>
                {
                    let lost = next_available - self.next_offset;
                    warn!(
                        topic = self.topic,
                        partition = self.partition,
                        lost,
                        "retention removed records before they were read"
                    );
                    self.next_offset = next_available;
                    // Otherwise whoever waits for one of the lost records would wait for ever.
                    if arrivals
                        .send((index, Ok(nothing_before(next_available))))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
                error if error.is_retryable() => {
                    let pause = backoff.pause();
                    self.note(Some(&error));
                    warn!(topic = self.topic, partition = self.partition, %error, ?pause, "reading again after a pause");
                    tokio::time::sleep(pause).await;
                }
                error => {
                    // Whoever is gone does not miss it.
                    let _gone = arrivals.send((index, Err(error))).await;
                    return;
                }
            }
        }
    }

    /// `Ok` when nobody takes partials any more.
    async fn forward(
        &mut self,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<(), RunError> {
        loop {
            let joined = match self.join() {
                Some(inbox) => Some(inbox),
                None => self.read_alone(arrivals, backoff).await?,
            };
            let Some(inbox) = joined else { return Ok(()) };
            self.note(None);
            if !self.read_together(inbox, arrivals, backoff).await? {
                return Ok(());
            }
        }
    }

    /// Reads for itself until it can join others; `None` when nobody takes partials any more.
    async fn read_alone(
        &mut self,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<Option<Inbox>, RunError> {
        let mut partials = self.upstream.partials(self.next_offset).await?;
        self.note(None);
        loop {
            let next = tokio::select! {
                next = partials.next() => next,
                () = arrivals.closed() => return Ok(None),
            };
            let Some(partial) = next.transpose()? else {
                return Ok(None);
            };
            if !self.covers_new_records(&partial)? {
                continue;
            }
            backoff.reset();
            if !self.hand_on(partial, arrivals).await {
                return Ok(None);
            }
            if let Some(inbox) = self.join() {
                return Ok(Some(inbox));
            }
        }
    }

    fn join(&self) -> Option<Inbox> {
        let seat = &self.sharing.as_ref()?.seat;
        seat.moved_to(self.next_offset);
        seat.join(&self.upstream)
    }

    /// Folds what the hub hands out, until it hands out no more; `false` when nobody takes partials
    /// any more.
    async fn read_together(
        &mut self,
        mut inbox: Inbox,
        arrivals: &mpsc::Sender<Arrival>,
        backoff: &mut Backoff,
    ) -> Result<bool, RunError> {
        loop {
            let next = tokio::select! {
                next = inbox.recv() => next,
                () = arrivals.closed() => return Ok(false),
            };
            let Some(batch) = next else { return Ok(true) };
            let Some(partial) = self.fold_new(&batch) else {
                continue;
            };
            if let Err(gap) = self.covers_new_records(&partial) {
                self.sharing = None; // a reader of its own may be given what is missing
                return Err(gap);
            }
            backoff.reset();
            if !self.hand_on(partial, arrivals).await {
                return Ok(false);
            }
        }
    }

    /// The partial of a batch, unless all of it was merged already.
    fn fold_new(&mut self, batch: &StoredBatch) -> Option<Bytes> {
        let fold = &mut self.sharing.as_mut()?.fold;
        batch
            .last()
            .filter(|last| last.offset >= self.next_offset)?;
        let mut records = batch
            .iter()
            .map(|record| SourceRecord::new(record.offset, record.timestamp_ms, &record.value));
        let mut partial = Vec::new();
        fold.batch(&mut records, &mut partial);
        Some(partial.into())
    }

    /// `false` when nobody takes partials any more.
    async fn hand_on(&mut self, partial: Bytes, arrivals: &mpsc::Sender<Arrival>) -> bool {
        let index = self.partition as usize;
        let may_go_on = |only: &Option<usize>| only.is_none_or(|only| only == index);
        // An error means that whoever says so is gone, and then nobody takes partials either.
        drop(self.only.wait_for(may_go_on).await);
        arrivals.send((index, Ok(partial))).await.is_ok()
    }

    fn note(&self, trouble: Option<&RunError>) {
        self.status.update(&self.derivation, |status| {
            match trouble {
                Some(error) => status.unread.insert(self.partition, error.to_string()),
                None => status.unread.remove(&self.partition),
            };
        });
    }

    /// Moves on behind the partial. A batch that was merged already is passed over: a server may
    /// hand out the whole batch around the offset that was asked for.
    fn covers_new_records(&mut self, partial: &[u8]) -> Result<bool, RunError> {
        let unreadable = |cause| RunError::Partial {
            topic: self.topic.clone(),
            partition: self.partition,
            cause,
        };
        let header = BatchHeader::decode(partial).map_err(unreadable)?;
        match Place::of(&header, self.next_offset) {
            Place::Merged => return Ok(false),
            Place::Next => {}
            Place::Gap => {
                let (topic, partition) = (self.topic.clone(), self.partition);
                return Err(RunError::OffsetGap {
                    topic,
                    partition,
                    expected: self.next_offset,
                    found: header.first_offset,
                });
            }
        }
        self.next_offset = header.next_offset;
        if let Some(sharing) = &self.sharing {
            sharing.seat.moved_to(self.next_offset);
        }
        Ok(true)
    }
}

/// The partial of no records: there are none any more before this offset.
fn nothing_before(offset: i64) -> Bytes {
    let header = BatchHeader {
        format: FORMAT,
        first_offset: offset,
        next_offset: offset,
        max_event_time: None,
        accepted: 0,
        rejected: Vec::new(),
    };
    let mut bytes = Vec::new();
    BatchPartial::<()> {
        header,
        contributions: Vec::new(),
    }
    .encode(&mut bytes);
    bytes.into()
}

/// Where a batch stands, seen from the next offset to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// All of it was merged already.
    Merged,
    /// It is the one to be merged now.
    Next,
    /// It is not what must come next.
    Gap,
}

impl Place {
    pub(crate) fn of(header: &BatchHeader, next_offset: i64) -> Self {
        if header.next_offset <= next_offset {
            Self::Merged
        } else if header.first_offset == next_offset {
            Self::Next
        } else {
            Self::Gap
        }
    }
}
