//! Contains what all browsers share: the store, the version of each view, and the last rendering of each query.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::Record;
use tokio::sync::watch;

use crate::cache::{Cache, RenderedView};
use crate::error::RequestError;
use crate::query::Query;
use crate::store::{Store, Topic, now};
use crate::views::{self, View};

/// Receives records from the topic readers and renders views for the browsers.
#[derive(Debug)]
pub(crate) struct Broadcast {
    store: Mutex<Store>,
    versions: [watch::Sender<u64>; View::ALL.len()],
    pub(crate) status: watch::Sender<Bytes>,
    cache: Cache<(View, Query)>,
    /// The start time of this process, a part of every event id.
    started_ms: i64,
}

impl Broadcast {
    pub(crate) fn new() -> Self {
        Self {
            store: Mutex::new(Store::new()),
            versions: View::ALL.map(|_| watch::Sender::new(0)),
            status: watch::Sender::new(Bytes::new()),
            cache: Cache::new(),
            started_ms: now().as_millis(),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds records of a topic into the store, then increases the version of each view of the topic by one.
    pub(crate) fn apply<'r>(&self, topic: Topic, records: impl Iterator<Item = &'r Record>) {
        let mut store = self.store();
        for record in records {
            store.apply(topic, record);
        }
        drop(store);
        self.changed(topic);
    }

    /// Increases the version of each view of a topic.
    pub(crate) fn changed(&self, topic: Topic) {
        for view in View::of_topic(topic) {
            self.versions[view as usize].send_modify(|version| *version += 1);
        }
    }

    pub(crate) fn versions(&self, view: View) -> watch::Receiver<u64> {
        self.versions[view as usize].subscribe()
    }

    /// Renders the current version of a view. The first caller renders it; concurrent callers with the same
    /// query wait and share the result.
    pub(crate) async fn render(
        self: &Arc<Self>,
        view: View,
        query: &Query,
    ) -> Result<RenderedView, RequestError> {
        let entry = self.cache.entry((view, query.clone()));
        let mut entry = entry.lock().await;
        let version = *self.versions[view as usize].borrow();
        if let Some(rendered) = entry.as_ref().filter(|known| known.version == version) {
            return Ok(rendered.clone());
        }
        let (broadcast, query) = (Arc::clone(self), query.clone());
        // Rendering may scan hundreds of thousands of rows, which would block the other tasks of this thread.
        let made =
            tokio::task::spawn_blocking(move || views::answer(view, &broadcast.store(), &query))
                .await;
        let json = made
            .map_err(|error| RequestError::Internal(error.to_string()))?
            .map_err(|error| RequestError::Internal(error.to_string()))?;
        let rendered = RenderedView::new(self.started_ms, version, &json);
        *entry = Some(rendered.clone());
        self.cache.count(&rendered);
        Ok(rendered)
    }
}
