//! A topic that is read because a page shows it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use client::{Partition, Record};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::answer::Reading;
use super::table::Table;
use crate::feed::Sink;
use crate::limits::{EXPLORED_ROWS_MAX, EXPLORED_WAIT};
use crate::options::ExploredTopic;
use crate::store::now;

/// A followed topic. It is read until this value is dropped.
#[derive(Debug)]
pub(crate) struct Followed {
    pub(crate) shared: Arc<FollowedTopic>,
    _reader: DropGuard,
}

/// What the reader of a topic and the pages share.
#[derive(Debug)]
pub(crate) struct FollowedTopic {
    pub(crate) topic: ExploredTopic,
    table: Mutex<Table>,
    reading: watch::Sender<Reading>,
    /// The number of the latest change of this topic. Changes of all topics are numbered together.
    version: AtomicU64,
    changes: Arc<watch::Sender<u64>>,
}

impl Followed {
    /// Creates the topic's table. The caller reads the topic into it until `stop` is cancelled.
    pub(crate) fn new(
        topic: ExploredTopic,
        changes: Arc<watch::Sender<u64>>,
        stop: CancellationToken,
    ) -> Self {
        let shared = FollowedTopic {
            topic,
            table: Mutex::default(),
            reading: watch::Sender::new(Reading::default()),
            version: AtomicU64::new(0),
            changes,
        };
        shared.changed();
        Self {
            shared: Arc::new(shared),
            _reader: stop.drop_guard(),
        }
    }
}

impl FollowedTopic {
    pub(crate) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn reading(&self) -> Reading {
        self.reading.borrow().clone()
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Waits until the end of the topic has been read or an error has occurred, for a limited time.
    pub(crate) async fn filled(&self) {
        let mut reading = self.reading.subscribe();
        let settled = reading.wait_for(|reading| reading.is_filled || reading.last_error.is_some());
        // A response says whether the table is filled.
        let _is_settled = timeout(EXPLORED_WAIT, settled).await;
    }

    fn changed(&self) {
        self.changes.send_modify(|change| {
            *change += 1;
            self.version.store(*change, Ordering::Release);
        });
    }
}

impl Sink for Arc<FollowedTopic> {
    fn topic(&self) -> &str {
        &self.topic.name
    }

    fn records_max(&self, partitions: usize) -> usize {
        EXPLORED_ROWS_MAX.div_ceil(partitions.max(1))
    }

    fn forget(&self) {
        *self.table() = Table::default();
        self.changed();
    }

    fn add(&self, records: &[(Partition, Record)]) {
        let now = now().as_millis();
        let mut table = self.table();
        for (partition, record) in records {
            table.add(*partition, record, now);
        }
        drop(table);
        self.changed();
    }

    fn note(&self, is_filled: bool) {
        let changed = self.reading.send_if_modified(|reading| {
            let differs = reading.last_error.is_some() || is_filled && !reading.is_filled;
            reading.is_filled |= is_filled;
            reading.last_error = None;
            differs
        });
        if changed {
            self.changed();
        }
    }

    fn fail(&self, reason: String) {
        self.reading
            .send_modify(|reading| reading.last_error = Some(reason));
        self.changed();
    }
}
