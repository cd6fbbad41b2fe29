//! Reads one source partition through a derivation's SmartModule, partial by partial, without gaps.

use std::collections::BTreeMap;

use bytes::Bytes;
use client::{Backoff, ClientError, Cluster, PartitionSource, SmartModule, ValueStream};
use futures_util::StreamExt;
use model::partial::{BatchHeader, BatchPartial, FORMAT};
use tokio::sync::{mpsc, watch};
use tracing::warn;

use crate::error::RunError;
use crate::status::StatusBoard;

/// Partials that may wait to be merged; each covers a batch of hundreds of events.
pub(crate) const PARTIALS_AHEAD: usize = 64;

/// One partition to read.
pub(crate) struct Source {
    pub(crate) cluster: Cluster,
    pub(crate) topic: String,
    pub(crate) partition: u32,
    pub(crate) module: SmartModule,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) next_offset: i64,
    pub(crate) derivation: String,
    /// Where it says whether the partition can be read.
    pub(crate) status: StatusBoard,
    /// The one partition that may be read while memory is short; all may otherwise.
    pub(crate) only: watch::Receiver<Option<usize>>,
}

/// The partial of one batch, or what ended the reading.
pub(crate) type Arrival = (usize, Result<Bytes, RunError>);

impl Source {
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
        let mut partials = self.open().await?;
        self.note(None);
        loop {
            let next = tokio::select! {
                next = partials.next() => next,
                () = arrivals.closed() => return Ok(()),
            };
            let Some(partial) = next.transpose()? else {
                return Ok(());
            };
            if !self.covers_new_records(&partial)? {
                continue;
            }
            backoff.reset();
            let index = self.partition as usize;
            let may_go_on = |only: &Option<usize>| only.is_none_or(|only| only == index);
            // An error means that whoever says so is gone, and then nobody takes partials either.
            drop(self.only.wait_for(may_go_on).await);
            if arrivals
                .send((self.partition as usize, Ok(partial)))
                .await
                .is_err()
            {
                return Ok(());
            }
        }
    }

    fn note(&self, trouble: Option<&RunError>) {
        self.status.update(&self.derivation, |status| {
            match trouble {
                Some(error) => status.unread.insert(self.partition, error.to_string()),
                None => status.unread.remove(&self.partition),
            };
        });
    }

    async fn open(&self) -> Result<ValueStream, RunError> {
        let source = PartitionSource {
            topic: self.topic.clone(),
            partition: self.partition,
            offset: self.next_offset,
        };
        Ok(self
            .cluster
            .transformed(&source, &self.module, &self.params)
            .await?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CountTicks, partial};
    use crate::windows::{AnyWindows, Arrived, Bounds, Panes};

    #[test]
    fn lost_records_move_the_position_on_and_contribute_nothing() {
        let mut windows = Panes::new(
            CountTicks,
            10_000,
            10_000,
            Bounds {
                partitions: 1,
                allowed_lateness_ms: 0,
                entries_max: 1,
            },
        );
        let arrived = Arrived {
            partition: 0,
            replayed_to: 5,
        };
        let merged = windows
            .merge(arrived, &nothing_before(7))
            .expect("a partial of any derivation");
        assert_eq!(
            (merged.header.first_offset, merged.header.next_offset),
            (7, 7)
        );
        assert_eq!((windows.len(), windows.rewind_offset(0)), (0, None));
    }

    #[test]
    fn a_batch_is_merged_once_and_none_is_passed_over() {
        let header = BatchHeader::decode(&partial(3, &["1 a", "2 a"])).expect("a partial");
        let places = [2, 3, 4, 5, 6].map(|next_offset| Place::of(&header, next_offset));
        assert_eq!(
            places,
            [
                Place::Gap,
                Place::Next,
                Place::Gap,
                Place::Merged,
                Place::Merged
            ]
        );
    }
}
