//! Caches the last rendering of each query, so that all browsers share it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::limits::{ANSWERS_BYTES_MAX, ANSWERS_MAX};

/// The last rendering of a query, if there is one. The lock is held during rendering, so that concurrent callers wait
/// for the result.
type CacheEntry = Arc<tokio::sync::Mutex<Option<RenderedView>>>;

/// The last rendering of each query.
#[derive(Debug)]
pub(crate) struct Cache<Q>(Mutex<Entries<Q>>);

#[derive(Debug)]
struct Entries<Q> {
    entries: HashMap<Q, CacheEntry>,
    /// The total size in bytes of all renderings since the cache was last cleared, including replaced ones.
    bytes: usize,
}

/// A rendered view. It is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RenderedView {
    pub(crate) version: u64,
    /// The event id. A browser that reconnects sends the last id that it received.
    pub(crate) id: String,
    /// The view as a server-sent event.
    pub(crate) event: Bytes,
    /// The view as plain JSON.
    pub(crate) json: Bytes,
}

impl<Q: Eq + Hash> Cache<Q> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Entries {
            entries: HashMap::new(),
            bytes: 0,
        }))
    }

    pub(crate) fn entry(&self, query: Q) -> CacheEntry {
        let mut cache = self.lock();
        if cache.entries.len() >= ANSWERS_MAX || cache.bytes >= ANSWERS_BYTES_MAX {
            // Callers that wait for an entry are not affected, because they hold a reference to it.
            cache.entries.clear();
            cache.bytes = 0;
        }
        Arc::clone(cache.entries.entry(query).or_default())
    }

    /// Counts the size of a new rendering.
    pub(crate) fn count(&self, rendered: &RenderedView) {
        self.lock().bytes += rendered.event.len();
    }

    fn lock(&self) -> MutexGuard<'_, Entries<Q>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RenderedView {
    /// Creates a rendering. `started_ms` is the start time of this process: it is part of the event id, so that the ids
    /// of two processes differ.
    pub(crate) fn new(started_ms: i64, version: u64, json: &[u8]) -> Self {
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
