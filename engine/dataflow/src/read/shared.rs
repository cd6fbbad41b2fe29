//! Shared reads: one stream of a partition feeds those derivations of this process that are at about the same
//! offset. The SmartModule parses each record once and folds it for all of them. A derivation that is far from
//! that offset, or that is too slow, has a stream of its own until it is near.
//!
//! A derivation merges the same partials from a shared stream as from a stream of its own: the SmartModule folds
//! the same stored batches with the same code.

mod reader;
mod starting;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use client::{Offset, Partition};
use model::fold::FoldRequest;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use crate::error::RunError;
use crate::read::partials::Partials;
use crate::read::upstream::Upstream;
use reader::{Admission, SharedReader, Stage};
pub(crate) use starting::Starting;

/// The number of batches that may wait in one subscriber's inbox.
const INBOX: usize = 32;

/// Subscribers within this many records of each other begin together: those ahead wait until the reader has
/// reached their offset, which takes a fraction of a second.
const NEAR: i64 = 100_000;

/// After a shared reader has failed and a new stream might fail in the same way, each of its subscribers reads by
/// itself for this long and reports its own errors.
const PAUSE: Duration = Duration::from_secs(10);

/// How long a derivation that is ready to read waits, at most, for other derivations of its source that are still
/// starting. One stream then serves all of them from the beginning. Otherwise the stream would be opened again for each
/// of them, and each time the server would have to compile the SmartModule.
const GATHER: Duration = Duration::from_secs(10);

/// The partials of a batch, which are sent to several subscribers.
type SharedPartials = Arc<Partials>;

/// The shared readers of a process, by topic and partition.
///
/// - Every subscriber receives the same partials as from a stream of its own, one for each whole stored batch.
/// - A subscriber is dismissed if it delays the others by more than the `DELAY_MAX` of [`reader`], summed over
///   [`INBOX`] consecutive batches.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedReaders {
    sources: Arc<Mutex<BTreeMap<String, SharedSource>>>,
}

/// The shared readers of one source topic.
#[derive(Debug, Default)]
struct SharedSource {
    partitions: BTreeMap<Partition, Arc<SharedPartition>>,
    /// The number of derivations of this process that are about to read the source.
    starting: watch::Sender<usize>,
}

impl SharedReaders {
    /// Counts a derivation among those that are about to read `topic`, until the returned value is dropped.
    pub(crate) fn starting(&self, topic: &str) -> Starting {
        let mut sources = self.lock();
        let source = sources.entry(topic.to_owned()).or_default();
        Starting::new(source.starting.clone())
    }

    /// Returns the state that all subscribers of one partition share.
    pub(crate) fn of(&self, topic: &str, partition: Partition) -> Arc<SharedPartition> {
        let mut sources = self.lock();
        let source = sources.entry(topic.to_owned()).or_default();
        let shared = source.partitions.entry(partition).or_insert_with(|| {
            Arc::new(SharedPartition {
                starting: source.starting.clone(),
                ..SharedPartition::default()
            })
        });
        shared.clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, SharedSource>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The subscribers of one partition, and the task that reads it for some of them.
#[derive(Debug, Default)]
pub(crate) struct SharedPartition {
    state: Mutex<State>,
    /// The number of derivations of this process that are about to subscribe.
    starting: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    subscriptions: BTreeMap<u64, Subscriber>,
    reader: Option<SharedReader>,
    /// The last identifier given to a subscription or reader.
    last_id: u64,
    /// No reader is started before this time.
    paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Subscriber {
    fold: FoldRequest,
    next_offset: Arc<AtomicI64>,
}

impl SharedPartition {
    /// Subscribes a derivation that is about to read from `next_offset` on.
    pub(crate) fn subscribe(
        self: &Arc<Self>,
        next_offset: Offset,
        fold: FoldRequest,
    ) -> Subscription {
        let position = Arc::new(AtomicI64::new(next_offset.0));
        let subscriber = Subscriber {
            fold: fold.clone(),
            next_offset: position.clone(),
        };
        let mut state = self.lock();
        let id = state.next_id();
        state.subscriptions.insert(id, subscriber);
        Subscription {
            shared: self.clone(),
            id,
            fold,
            position,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The folds of all subscribers, each once.
    fn folds(&self) -> Vec<FoldRequest> {
        let subscribers = self.subscriptions.values();
        let folds: BTreeSet<_> = subscribers.map(|subscriber| &subscriber.fold).collect();
        folds.into_iter().cloned().collect()
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Returns the offset at which a new reader would begin: the smallest offset among the subscribers within
    /// [`NEAR`] of the one that is furthest ahead. `None` if there is only one subscriber, or before
    /// `paused_until`.
    fn start(&self) -> Option<Offset> {
        let is_paused = self
            .paused_until
            .is_some_and(|until| Instant::now() < until);
        if is_paused || self.subscriptions.len() < 2 {
            return None;
        }
        let positions = || {
            self.subscriptions
                .values()
                .map(|subscriber| Offset(subscriber.next_offset.load(Ordering::Relaxed)))
        };
        let first = positions().max()?;
        positions().filter(|at| *at >= first - NEAR).min()
    }
}

/// A subscription to one partition; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    shared: Arc<SharedPartition>,
    id: u64,
    fold: FoldRequest,
    position: Arc<AtomicI64>,
}

impl Subscription {
    /// Waits until no derivation of the source is starting any more, but not longer than [`GATHER`].
    pub(crate) async fn gathered(&self) {
        let mut starting = self.shared.starting.subscribe();
        let _is_complete = timeout(GATHER, starting.wait_for(|count| *count == 0)).await;
    }

    /// Notes that the subscriber continues from `next_offset`.
    pub(crate) fn moved_to(&self, next_offset: Offset) {
        self.position.store(next_offset.0, Ordering::Relaxed);
    }

    /// Joins the shared reader, which is started if necessary. Returns `None` if the subscriber has to read by
    /// itself. The first partials may be of batches before the subscriber's offset.
    pub(crate) fn join<U: Upstream>(&self, upstream: &U) -> Option<Joined> {
        let next_offset = Offset(self.position.load(Ordering::Relaxed));
        let mut state = self.shared.lock();
        let admission = |reader: &mut SharedReader| reader.admit(self.id, &self.fold, next_offset);
        match state.reader.as_mut().map(admission) {
            Some(Admission::Joined(joined)) => return Some(joined),
            Some(Admission::TooFar) => return None,
            // Drops the reader, if there is one. If another one is started below, it folds for all subscribers, so
            // that all of them can join it.
            Some(Admission::NotFolded) | None => state.reader = None,
        }
        let start = state.start().filter(|start| *start <= next_offset)?;
        let id = state.next_id();
        let folds = state.folds();
        let (shared, upstream) = (self.shared.clone(), upstream.clone());
        let reader = SharedReader::start(id, start, folds, shared, upstream);
        match state
            .reader
            .insert(reader)
            .admit(self.id, &self.fold, next_offset)
        {
            Admission::Joined(joined) => Some(joined),
            Admission::TooFar | Admission::NotFolded => None,
        }
    }
}

/// The partials of one derivation from a shared reader.
pub(crate) struct Joined {
    inbox: mpsc::Receiver<SharedPartials>,
    /// The position of the derivation's fold in the reader's request.
    index: usize,
    stage: watch::Receiver<Stage>,
}

impl Joined {
    /// Waits until the stream is open. An error means the same as in [`Joined::next`].
    pub(crate) async fn opened(&mut self) -> Result<(), RunError> {
        let is_open = |stage: &Stage| !matches!(stage, Stage::Opening);
        // This fails only if the reader is gone, in which case there is no stream to wait for.
        drop(self.stage.wait_for(is_open).await);
        self.check()
    }

    /// The partial of the next batch. `None` means that the derivation has to read by itself, or to join again.
    /// An error means that the stream failed and that it may be opened again for all derivations.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, RunError> {
        match self.inbox.recv().await {
            Some(partials) => Ok(partials.of_folds.get(self.index).cloned()),
            None => self.check().map(|()| None),
        }
    }

    fn check(&self) -> Result<(), RunError> {
        match &*self.stage.borrow() {
            Stage::Failed(error) => Err(RunError::SharedRead(error.clone())),
            Stage::Opening | Stage::Open => Ok(()),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.subscriptions.remove(&self.id);
        if let Some(reader) = &mut state.reader {
            reader.dismiss(self.id);
        }
        if state.subscriptions.len() < 2 {
            state.reader = None;
        }
    }
}
