//! A flow: one reader of a partition, and the inboxes that its batches go to.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use client::{ClientError, StoredBatch};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};
use tracing::{debug, warn};

use super::{Hub, INBOX, NEAR, PAUSE, SharedBatch};
use crate::source::Upstream;

/// The last batches are kept for readers that are a little behind; fewer if they are large.
const RECENT: usize = INBOX / 2;
const RECENT_BYTES: usize = 8 * 1024 * 1024;

/// Who keeps the flow waiting for longer than this, while it takes as many batches as an inbox
/// holds, reads for itself.
const PATIENCE: Duration = Duration::from_secs(2);

type Inbox = mpsc::Sender<SharedBatch>;

/// A flow at work; it ends when this is dropped, and with it what its readers are given.
#[derive(Debug)]
pub(super) struct Flow {
    id: u64,
    next_offset: i64,
    recent: VecDeque<SharedBatch>,
    inboxes: BTreeMap<u64, Inbox>,
    task: AbortHandle,
}

impl Flow {
    pub(super) fn start<U: Upstream>(id: u64, start: i64, hub: Arc<Hub>, upstream: U) -> Self {
        let task = tokio::spawn(run(id, start, hub, upstream));
        Self {
            id,
            next_offset: start,
            recent: VecDeque::new(),
            inboxes: BTreeMap::new(),
            task: task.abort_handle(),
        }
    }

    /// The inbox of a reader that is neither too far behind nor too far ahead.
    pub(super) fn admit(
        &mut self,
        seat: u64,
        next_offset: i64,
    ) -> Option<mpsc::Receiver<SharedBatch>> {
        let oldest = self.recent.front().and_then(|batch| batch.first());
        let oldest = oldest.map_or(self.next_offset, |record| record.offset);
        if !(oldest..=self.next_offset + NEAR).contains(&next_offset) {
            return None;
        }
        let (inbox, batches) = mpsc::channel(INBOX);
        for batch in &self.recent {
            if inbox.try_send(batch.clone()).is_err() {
                unreachable!("an inbox holds more than what is kept");
            }
        }
        self.inboxes.insert(seat, inbox);
        Some(batches)
    }

    pub(super) fn dismiss(&mut self, seat: u64) {
        self.inboxes.remove(&seat);
    }

    fn keep(&mut self, batch: SharedBatch) {
        self.next_offset = batch
            .last()
            .map_or(self.next_offset, |record| record.offset + 1);
        self.recent.push_back(batch);
        while self.recent.len() > RECENT || self.recent_bytes() > RECENT_BYTES {
            self.recent.pop_front();
        }
    }

    fn recent_bytes(&self) -> usize {
        let records = self.recent.iter().flat_map(|batch| batch.iter());
        records.map(|record| record.value.len()).sum()
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads until nobody is there any more, or until it cannot go on.
async fn run<U: Upstream>(id: u64, start: i64, hub: Arc<Hub>, upstream: U) {
    debug!(start, "reading together");
    let running = Running { id, hub };
    if let Err(error) = read(id, start, &running.hub, &upstream).await {
        warn!(%error, "each derivation reads for itself for a while");
    }
}

/// Ends what its readers are given, however its task ends: they would wait for ever.
struct Running {
    id: u64,
    hub: Arc<Hub>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.hub.lock();
        if state.flow.as_ref().is_some_and(|flow| flow.id == self.id) {
            state.paused_until = Some(Instant::now() + PAUSE);
            state.flow = None;
        }
    }
}

async fn read<U: Upstream>(
    id: u64,
    start: i64,
    hub: &Hub,
    upstream: &U,
) -> Result<(), ClientError> {
    let mut waits = Waits::default();
    let mut batches = upstream.batches(start).await?;
    while let Some(batch) = batches.next().await.transpose()? {
        let batch = Arc::new(batch);
        let Some(inboxes) = hub.publish(id, &batch) else {
            return Ok(());
        };
        for (seat, inbox) in inboxes {
            if !waits.deliver(seat, &inbox, &batch).await {
                hub.dismiss(id, seat);
            }
        }
    }
    Ok(())
}

impl Hub {
    /// Whom the flow's next batch is to be sent to; `None` if there is nobody.
    fn publish(&self, id: u64, batch: &Arc<StoredBatch>) -> Option<Vec<(u64, Inbox)>> {
        let mut state = self.lock();
        let flow = state.flow.as_mut().filter(|flow| flow.id == id)?;
        flow.keep(batch.clone());
        flow.inboxes.retain(|_, inbox| !inbox.is_closed());
        if flow.inboxes.is_empty() {
            state.flow = None;
            return None;
        }
        let inboxes = flow.inboxes.iter();
        Some(
            inboxes
                .map(|(seat, inbox)| (*seat, inbox.clone()))
                .collect(),
        )
    }

    fn dismiss(&self, id: u64, seat: u64) {
        let mut state = self.lock();
        if let Some(flow) = state.flow.as_mut().filter(|flow| flow.id == id) {
            flow.dismiss(seat);
        }
    }
}

/// How long each reader has kept the flow waiting.
#[derive(Default)]
struct Waits(BTreeMap<u64, Wait>);

#[derive(Default)]
struct Wait {
    waited: Duration,
    batches: usize,
}

impl Waits {
    /// `false` if the reader takes no more, or takes too long.
    async fn deliver(&mut self, seat: u64, inbox: &Inbox, batch: &SharedBatch) -> bool {
        let wait = self.0.entry(seat).or_default();
        if wait.batches >= INBOX {
            *wait = Wait::default();
        }
        wait.batches += 1;
        let batch = match inbox.try_send(batch.clone()) {
            Ok(()) => return true,
            Err(TrySendError::Closed(_)) => return false,
            Err(TrySendError::Full(batch)) => batch,
        };
        let since = Instant::now();
        let sent = timeout(PATIENCE.saturating_sub(wait.waited), inbox.send(batch)).await;
        wait.waited += since.elapsed();
        let is_sent = matches!(sent, Ok(Ok(())));
        if !is_sent {
            self.0.remove(&seat);
        }
        is_sent
    }
}
