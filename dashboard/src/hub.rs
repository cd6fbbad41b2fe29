//! The one place that all browsers share: the store, the versions of its views, and each answer once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use client::Record;
use tokio::sync::watch;

use crate::error::Refusal;
use crate::limits::{ANSWERS_BYTES_MAX, ANSWERS_MAX};
use crate::query::Query;
use crate::store::{Store, Topic, now};
use crate::views::{self, View};

type Place = Arc<tokio::sync::Mutex<Option<Frame>>>;

/// Shared by readers and browsers.
#[derive(Debug)]
pub(crate) struct Hub {
    store: Mutex<Store>,
    versions: [watch::Sender<u64>; View::ALL.len()],
    pub(crate) status: watch::Sender<Bytes>,
    answers: Mutex<Answers>,
    /// Tells the versions of this process from those of another.
    born: i64,
}

/// The latest answer to each question.
#[derive(Debug, Default)]
struct Answers {
    places: HashMap<(View, Query), Place>,
    /// Bytes of the answers made since they were last forgotten.
    bytes: usize,
}

/// An answer as it goes over the wire. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    version: u64,
    /// What names it to those who come back.
    pub(crate) id: String,
    /// As a server-sent event.
    pub(crate) event: Bytes,
    /// The JSON alone.
    pub(crate) json: Bytes,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self {
            store: Mutex::new(Store::new()),
            versions: View::ALL.map(|_| watch::Sender::new(0)),
            status: watch::Sender::new(Bytes::new()),
            answers: Mutex::default(),
            born: now().as_millis(),
        }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Folds records of a topic in; those who look at it hear of it once.
    pub(crate) fn apply<'r>(&self, topic: Topic, records: impl Iterator<Item = &'r Record>) {
        let mut store = self.store();
        for record in records {
            store.apply(topic, record);
        }
        drop(store);
        self.changed(topic);
    }

    /// Tells the views of a topic that they are no longer the same.
    pub(crate) fn changed(&self, topic: Topic) {
        for view in topic.feeds() {
            self.versions[*view as usize].send_modify(|version| *version += 1);
        }
    }

    pub(crate) fn versions(&self, view: View) -> watch::Receiver<u64> {
        self.versions[view as usize].subscribe()
    }

    /// The answer of now: made by the first who asks, taken by all who ask the same meanwhile.
    pub(crate) async fn frame(
        self: &Arc<Self>,
        view: View,
        query: &Query,
    ) -> Result<Frame, Refusal> {
        let place = self.place(view, query);
        let mut place = place.lock().await;
        let version = *self.versions[view as usize].borrow();
        if let Some(frame) = place.as_ref().filter(|frame| frame.version == version) {
            return Ok(frame.clone());
        }
        let (hub, query) = (Arc::clone(self), query.clone());
        // Hundreds of thousands of rows: other tasks of the thread would wait.
        let made =
            tokio::task::spawn_blocking(move || views::answer(view, &hub.store(), &query)).await;
        let json = made
            .map_err(|error| Refusal::Internal(error.to_string()))?
            .map_err(|error| Refusal::Internal(error.to_string()))?;
        let frame = Frame::new(self.born, version, &json);
        *place = Some(frame.clone());
        self.answers().bytes += frame.event.len();
        Ok(frame)
    }

    fn place(&self, view: View, query: &Query) -> Place {
        let mut answers = self.answers();
        if answers.places.len() >= ANSWERS_MAX || answers.bytes >= ANSWERS_BYTES_MAX {
            // Those that somebody waits for live on with them.
            *answers = Answers::default();
        }
        Arc::clone(answers.places.entry((view, query.clone())).or_default())
    }

    fn answers(&self) -> MutexGuard<'_, Answers> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Frame {
    fn new(born: i64, version: u64, json: &[u8]) -> Self {
        let id = format!("{born}-{version}");
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
