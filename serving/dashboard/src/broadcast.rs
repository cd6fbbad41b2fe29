//! Contains what all browsers share: the store, the version of each view, and the last rendering of each query.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::Record;
use tokio::sync::watch;

use crate::error::RequestError;
use crate::limits::{ANSWERS_BYTES_MAX, ANSWERS_MAX};
use crate::query::Query;
use crate::store::{Store, Topic, now};
use crate::views::{self, View};

/// The last rendering of a query, if there is one. The lock is held during rendering, so that concurrent callers wait
/// for the result.
type CacheEntry = Arc<tokio::sync::Mutex<Option<RenderedView>>>;

/// Receives records from the topic readers and renders views for the browsers.
#[derive(Debug)]
pub(crate) struct Broadcast {
    store: Mutex<Store>,
    versions: [watch::Sender<u64>; View::ALL.len()],
    pub(crate) status: watch::Sender<Bytes>,
    cache: Mutex<Cache>,
    /// The start time of this process. It is part of every event id, so that the ids of two processes differ.
    started_ms: i64,
}

/// The last rendering of each query.
#[derive(Debug, Default)]
struct Cache {
    entries: HashMap<(View, Query), CacheEntry>,
    /// The total size in bytes of all renderings since the cache was last cleared, including replaced ones.
    bytes: usize,
}

/// A rendered view. It is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RenderedView {
    version: u64,
    /// The event id. A browser that reconnects sends the last id that it received.
    pub(crate) id: String,
    /// The view as a server-sent event.
    pub(crate) event: Bytes,
    /// The view as plain JSON.
    pub(crate) json: Bytes,
}

impl Broadcast {
    pub(crate) fn new() -> Self {
        Self {
            store: Mutex::new(Store::new()),
            versions: View::ALL.map(|_| watch::Sender::new(0)),
            status: watch::Sender::new(Bytes::new()),
            cache: Mutex::default(),
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
        let entry = self.entry(view, query);
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
        self.cache().bytes += rendered.event.len();
        Ok(rendered)
    }

    fn entry(&self, view: View, query: &Query) -> CacheEntry {
        let mut cache = self.cache();
        if cache.entries.len() >= ANSWERS_MAX || cache.bytes >= ANSWERS_BYTES_MAX {
            // Callers that wait for an entry are not affected, because they hold a reference to it.
            *cache = Cache::default();
        }
        Arc::clone(cache.entries.entry((view, query.clone())).or_default())
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RenderedView {
    fn new(started_ms: i64, version: u64, json: &[u8]) -> Self {
        let id = format!("{started_ms}-{version}");
        let head = format!("id: {id}\nevent: view\ndata: ");
        let event = Bytes::from([head.as_bytes(), json, b"\n\n"].concat());
        let json = event.slice(head.len()..event.len() - 2);
        Self {
            version,
            id,
            event,
            json,
        }
    }
}
