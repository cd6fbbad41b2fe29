//! Reading together: derivations of one source, in one process, that are at about the same offset of
//! a partition are handed its plain batches by one reader, the flow, and fold them here. One that is
//! somewhere else, or that takes too long, reads for itself.
//!
//! What a derivation merges is the same either way: a flow hands out whole stored batches, which are
//! what its SmartModule would be given, and the fold is the same code.

mod flow;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client::StoredBatch;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::source::Upstream;
use flow::Flow;

/// Batches that may wait for one reader: a fraction of a second's worth.
const INBOX: usize = 32;

/// Readers that are this many records apart begin together: whoever is ahead waits for what it takes
/// to read so many, a fraction of a second.
const NEAR: i64 = 100_000;

/// After a flow could not go on, each reads for itself for this long, and says what is wrong.
const PAUSE: Duration = Duration::from_secs(10);

/// A batch on its way to several readers.
pub(crate) type SharedBatch = Arc<StoredBatch>;

/// The hubs of a process, by topic and partition.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hubs(Arc<Mutex<ByPartition>>);

type ByPartition = BTreeMap<(String, u32), Arc<Hub>>;

impl Hubs {
    /// The hub of one partition.
    pub(crate) fn of(&self, topic: &str, partition: u32) -> Arc<Hub> {
        let mut hubs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.entry((topic.to_owned(), partition))
            .or_default()
            .clone()
    }
}

/// Those who read one partition, and the flow that reads it for some of them.
#[derive(Debug, Default)]
pub(crate) struct Hub(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Where each reader is.
    seats: BTreeMap<u64, Arc<AtomicI64>>,
    flow: Option<Flow>,
    /// Numbers seats and flows.
    last_id: u64,
    /// No flow begins before this.
    paused_until: Option<Instant>,
}

impl Hub {
    /// A place for one who is about to read from `next_offset` on.
    pub(crate) fn seat(self: &Arc<Self>, next_offset: i64) -> Seat {
        let position = Arc::new(AtomicI64::new(next_offset));
        let mut state = self.lock();
        let id = state.next_id();
        state.seats.insert(id, position.clone());
        Seat {
            hub: self.clone(),
            id,
            position,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Where a flow would begin: with the last of those who are near the first. There is no use in
    /// one for a single reader, nor while the last one's trouble may be there still.
    fn start(&self) -> Option<i64> {
        let is_paused = self
            .paused_until
            .is_some_and(|until| Instant::now() < until);
        if is_paused || self.seats.len() < 2 {
            return None;
        }
        let positions = || self.seats.values().map(|seat| seat.load(Ordering::Relaxed));
        let first = positions().max()?;
        positions().filter(|at| *at >= first - NEAR).min()
    }
}

/// One reader's place at a hub, until it is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    hub: Arc<Hub>,
    id: u64,
    position: Arc<AtomicI64>,
}

impl Seat {
    /// The reader goes on from `next_offset`.
    pub(crate) fn moved_to(&self, next_offset: i64) {
        self.position.store(next_offset, Ordering::Relaxed);
    }

    /// Whether its batches come from the hub from now on; some of the first may be older than what
    /// the reader wants. When there are no more to come, it has to read for itself.
    pub(crate) fn join<U: Upstream>(&self, upstream: &U) -> Option<mpsc::Receiver<SharedBatch>> {
        let next_offset = self.position.load(Ordering::Relaxed);
        let mut state = self.hub.lock();
        if state.flow.is_none() {
            let start = state.start().filter(|start| *start <= next_offset)?;
            let id = state.next_id();
            state.flow = Some(Flow::start(id, start, self.hub.clone(), upstream.clone()));
        }
        state.flow.as_mut()?.admit(self.id, next_offset)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        state.seats.remove(&self.id);
        if let Some(flow) = &mut state.flow {
            flow.dismiss(self.id);
        }
        if state.seats.len() < 2 {
            state.flow = None;
        }
    }
}
