//! The task that reads a partition for several subscribers, and the inboxes to which it sends the partials.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use client::{ClientError, Offset};
use futures_util::StreamExt;
use model::PartialError;
use model::fold::FoldRequest;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::{INBOX, Joined, NEAR, PAUSE, SharedPartials, SharedPartition};
use crate::read::partials::Partials;
use crate::read::upstream::Upstream;

/// The number of recent batches retained for subscribers that lag slightly; fewer if they exceed [`RECENT_BYTES`].
const RECENT: usize = INBOX / 2;
const RECENT_BYTES: usize = 8 * 1024 * 1024;

/// The longest time for which a subscriber may delay the shared reader, summed over [`INBOX`] consecutive batches; then
/// the sum starts again at zero. A slower subscriber has to read by itself.
const DELAY_MAX: Duration = Duration::from_secs(2);

type Inbox = mpsc::Sender<SharedPartials>;

/// A running shared reader. Dropping it stops the reader and closes the inboxes of its subscribers.
#[derive(Debug)]
pub(super) struct SharedReader {
    id: u64,
    next_offset: Offset,
    folds: Vec<FoldRequest>,
    recent: VecDeque<SharedPartials>,
    inboxes: BTreeMap<u64, Inbox>,
    stage: watch::Receiver<Stage>,
    task: AbortHandle,
}

/// The state of a shared stream.
#[derive(Debug)]
pub(super) enum Stage {
    Opening,
    Open,
    /// The stream failed, and may succeed when it is opened again.
    Failed(Arc<ClientError>),
}

impl SharedReader {
    pub(super) fn start<U: Upstream>(
        id: u64,
        start: Offset,
        folds: Vec<FoldRequest>,
        shared: Arc<SharedPartition>,
        upstream: U,
    ) -> Self {
        let (sender, stage) = watch::channel(Stage::Opening);
        let task = SharedTask {
            id,
            shared,
            upstream,
            stage: sender,
        };
        let task = tokio::spawn(task.run(start, folds.clone()));
        Self {
            id,
            next_offset: start,
            folds,
            recent: VecDeque::new(),
            inboxes: BTreeMap::new(),
            stage,
            task: task.abort_handle(),
        }
    }

    /// Adds a subscriber, if its offset is near and the reader folds for it. Recent batches are sent at once.
    pub(super) fn admit(
        &mut self,
        subscriber: u64,
        fold: &FoldRequest,
        next_offset: Offset,
    ) -> Admission {
        let oldest = self.recent.front();
        let oldest = oldest.map_or(self.next_offset, |partials| partials.first_offset);
        if !(oldest..=self.next_offset + NEAR).contains(&next_offset) {
            return Admission::TooFar;
        }
        let Some(index) = self.folds.iter().position(|other| other == fold) else {
            return Admission::NotFolded;
        };
        let (sender, inbox) = mpsc::channel(INBOX);
        for partials in &self.recent {
            if sender.try_send(partials.clone()).is_err() {
                unreachable!("an inbox has room for all recent batches");
            }
        }
        self.inboxes.insert(subscriber, sender);
        let stage = self.stage.clone();
        Admission::Joined(Joined {
            inbox,
            index,
            stage,
        })
    }

    #[cfg(test)]
    pub(super) fn subscribers(&self) -> usize {
        self.inboxes.len()
    }

    pub(super) fn dismiss(&mut self, subscriber: u64) {
        self.inboxes.remove(&subscriber);
    }

    fn retain(&mut self, partials: SharedPartials) {
        self.next_offset = partials.next_offset;
        self.recent.push_back(partials);
        while self.recent.len() > RECENT || self.recent_bytes() > RECENT_BYTES {
            self.recent.pop_front();
        }
    }

    fn recent_bytes(&self) -> usize {
        self.recent.iter().map(|partials| partials.bytes()).sum()
    }
}

/// Whether a subscriber can use a shared reader.
pub(super) enum Admission {
    Joined(Joined),
    /// The subscriber is too far behind the reader, or too far ahead of it.
    TooFar,
    /// The reader's request does not include the fold of the subscriber.
    NotFolded,
}

impl Drop for SharedReader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task of a shared reader. However the task ends, dropping this value closes the inboxes, so that no
/// subscriber waits forever.
struct SharedTask<U> {
    id: u64,
    shared: Arc<SharedPartition>,
    upstream: U,
    stage: watch::Sender<Stage>,
}

impl<U: Upstream> SharedTask<U> {
    /// Reads until there are no subscribers left, the stream ends, or an error occurs.
    async fn run(self, start: Offset, folds: Vec<FoldRequest>) {
        debug!(%start, folds = folds.len(), "reading together");
        let mut has_delivered = false;
        let Err(error) = self.read(start, &folds, &mut has_delivered).await else {
            return;
        };
        let is_open = matches!(*self.stage.borrow(), Stage::Open);
        match error {
            // If a stream fails at its first batch, the batch may be the cause, and opening the stream again would
            // not help.
            ReadError::Client(error) if error.is_retryable() && (has_delivered || !is_open) => {
                self.stage.send_replace(Stage::Failed(Arc::new(error)));
            }
            error => {
                warn!(%error, "the shared stream failed; each derivation reads by itself for a while");
            }
        }
    }

    async fn read(
        &self,
        start: Offset,
        folds: &[FoldRequest],
        has_delivered: &mut bool,
    ) -> Result<(), ReadError> {
        let mut waits = Waits::default();
        let mut outputs = self.upstream.folded(start, folds).await?;
        self.stage.send_replace(Stage::Open);
        while let Some(output) = outputs.next().await.transpose()? {
            let partials = Arc::new(Partials::read(&output, folds.len())?);
            let Some(inboxes) = self.shared.publish(self.id, &partials) else {
                return Ok(());
            };
            *has_delivered = true;
            for (subscriber, inbox) in inboxes {
                if !waits.deliver(subscriber, &inbox, &partials).await {
                    self.shared.dismiss(self.id, subscriber);
                }
            }
        }
        Ok(())
    }
}

impl<U> Drop for SharedTask<U> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        let reader = state.reader.as_ref();
        if reader.is_some_and(|reader| reader.id == self.id) {
            if !matches!(*self.stage.borrow(), Stage::Failed(_)) {
                state.paused_until = Some(Instant::now() + PAUSE);
            }
            state.reader = None;
        }
    }
}

/// Why a shared reader stops.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error(transparent)]
    Partial(#[from] PartialError),
}

impl SharedPartition {
    /// Stores a batch as the reader's latest one, and returns the inboxes to which it has to be sent. Returns `None`
    /// if no inbox is open, or if this reader has been replaced.
    fn publish(&self, id: u64, partials: &SharedPartials) -> Option<Vec<(u64, Inbox)>> {
        let mut state = self.lock();
        let reader = state.reader.as_mut().filter(|reader| reader.id == id)?;
        reader.retain(partials.clone());
        reader.inboxes.retain(|_, inbox| !inbox.is_closed());
        if reader.inboxes.is_empty() {
            state.reader = None;
            return None;
        }
        let inboxes = reader.inboxes.iter();
        Some(
            inboxes
                .map(|(subscriber, inbox)| (*subscriber, inbox.clone()))
                .collect(),
        )
    }

    fn dismiss(&self, id: u64, subscriber: u64) {
        let mut state = self.lock();
        if let Some(reader) = state.reader.as_mut().filter(|reader| reader.id == id) {
            reader.dismiss(subscriber);
        }
    }
}

/// The time for which each subscriber has delayed the shared reader.
#[derive(Default)]
struct Waits(BTreeMap<u64, Wait>);

#[derive(Default)]
struct Wait {
    waited: Duration,
    batches: usize,
}

impl Waits {
    /// Sends a batch to a subscriber. Returns `false` if the subscriber has closed its inbox or takes too long.
    async fn deliver(&mut self, subscriber: u64, inbox: &Inbox, partials: &SharedPartials) -> bool {
        let wait = self.0.entry(subscriber).or_default();
        if wait.batches >= INBOX {
            *wait = Wait::default();
        }
        wait.batches += 1;
        let partials = match inbox.try_send(partials.clone()) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(partials)) => partials,
        };
        let since = Instant::now();
        let sent = timeout(DELAY_MAX.saturating_sub(wait.waited), inbox.send(partials)).await;
        wait.waited += since.elapsed();
        let is_sent = matches!(sent, Ok(Ok(())));
        if !is_sent {
            self.0.remove(&subscriber);
        }
        is_sent
    }
}
