//! Shows any derived topic: its latest rows, and charts of its numbers. A topic is read when a page shows it for the
//! first time, and remains in memory until others need its place.

mod amount;
mod answer;
mod columns;
mod followed;
mod query;
mod record;
mod series;
mod table;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use client::Cluster;
use serde_json::json;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::{Cache, RenderedView};
use crate::error::RequestError;
use crate::feed;
use crate::limits::{EXPLORED_AT_ONCE, EXPLORED_ROWS_MAX, EXPLORED_TOPICS_MAX};
use crate::live::Streamed;
use crate::options::{Explore, PinnedChart};
use crate::query::Query;
use crate::store::now;
use answer::{Answer, ExploreData, Pinned, PinnedData, SHOWN, explore, range};
use followed::Followed;
pub(crate) use query::ExploreQuery;

/// The topics that can be shown, and those that are in memory.
#[derive(Debug)]
pub(crate) struct Explorer {
    cluster: Cluster,
    explore: Explore,
    /// The followed topics, the most recently used one last.
    followed: Mutex<Vec<Arc<Followed>>>,
    changes: Arc<watch::Sender<u64>>,
    cache: Cache<PageQuery>,
    at_once: Arc<Semaphore>,
    readers: TaskTracker,
    stop: CancellationToken,
    started_ms: i64,
}

/// A query of one of the two pages.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum PageQuery {
    Explore(ExploreQuery),
    Pinned(Query),
}

/// The page *Explore*, with a query. While it exists, its topic stays in memory.
pub(crate) struct ExplorePage {
    explorer: Arc<Explorer>,
    query: ExploreQuery,
    /// `None` if the query names no topic.
    followed: Option<Arc<Followed>>,
}

/// The page *Pinned*. While it exists, its topics stay in memory.
pub(crate) struct PinnedPage {
    explorer: Arc<Explorer>,
    query: Query,
    followed: Vec<(PinnedChart, Arc<Followed>)>,
}

impl Explorer {
    pub(crate) fn new(
        cluster: Cluster,
        explore: Explore,
        readers: TaskTracker,
        stop: CancellationToken,
    ) -> Self {
        Self {
            cluster,
            explore,
            followed: Mutex::default(),
            changes: Arc::new(watch::Sender::new(0)),
            cache: Cache::new(),
            at_once: Arc::new(Semaphore::new(EXPLORED_AT_ONCE)),
            readers,
            stop,
            started_ms: now().as_millis(),
        }
    }

    /// Returns the names of the topics and the titles of the pinned charts, as JSON.
    pub(crate) fn catalog(&self) -> Bytes {
        let topics = self.topics();
        let pinned: Vec<_> = self
            .explore
            .pinned
            .iter()
            .map(|chart| &chart.title)
            .collect();
        json!({"topics": topics, "pinned": pinned})
            .to_string()
            .into()
    }

    fn topics(&self) -> Vec<&str> {
        let topics = self.explore.topics.iter();
        topics.map(|topic| topic.name.as_str()).collect()
    }

    pub(crate) fn page(self: &Arc<Self>, query: ExploreQuery) -> Result<ExplorePage, RequestError> {
        let topic = query.topic.as_deref();
        Ok(ExplorePage {
            followed: topic.map(|topic| self.follow(topic)).transpose()?,
            explorer: Arc::clone(self),
            query,
        })
    }

    pub(crate) fn pinned_page(self: &Arc<Self>, query: Query) -> Result<PinnedPage, RequestError> {
        let charts = self.explore.pinned.iter();
        let followed = charts.map(|chart| Ok((chart.clone(), self.follow(&chart.topic)?)));
        Ok(PinnedPage {
            followed: followed.collect::<Result<_, RequestError>>()?,
            explorer: Arc::clone(self),
            query,
        })
    }

    /// Returns a topic of the dataflow file, and begins to read it if it is not in memory. If there is no place for it,
    /// the topic is dropped that no page shows and whose last use is longest ago.
    fn follow(&self, topic: &str) -> Result<Arc<Followed>, RequestError> {
        let mut topics = self.explore.topics.iter();
        let Some(known) = topics.find(|known| known.name == topic) else {
            return Err(RequestError::NoSuchTopic(topic.to_owned()));
        };
        let mut all = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = all
            .iter()
            .position(|followed| followed.shared.topic.name == topic)
        {
            let followed = all.remove(place);
            all.push(Arc::clone(&followed));
            return Ok(followed);
        }
        if all.len() >= EXPLORED_TOPICS_MAX {
            // A topic that no page shows is only in this list.
            let mut topics = all.iter();
            let unused = topics.position(|followed| Arc::strong_count(followed) == 1);
            all.remove(unused.ok_or(RequestError::Full)?);
        }
        let stop = self.stop.child_token();
        let followed = Arc::new(Followed::new(
            known.clone(),
            self.changes.clone(),
            stop.clone(),
        ));
        let reader = feed::follow(Arc::clone(&followed.shared), self.cluster.clone());
        self.readers.spawn(stop.run_until_cancelled_owned(reader));
        all.push(Arc::clone(&followed));
        Ok(followed)
    }

    /// Renders a page, or returns its last rendering if that has this version.
    async fn render(
        &self,
        query: PageQuery,
        version: u64,
        answer: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static,
    ) -> Result<RenderedView, RequestError> {
        let entry = self.cache.entry(query);
        let mut entry = entry.lock().await;
        if let Some(rendered) = entry.as_ref().filter(|known| known.version == version) {
            return Ok(rendered.clone());
        }
        let json = self.compute(answer).await?;
        let rendered = RenderedView::new(self.started_ms, version, &json);
        *entry = Some(rendered.clone());
        self.cache.count(&rendered);
        Ok(rendered)
    }

    /// Computes a response on a thread of its own, because it reads all rows of a topic. Few are computed at once, so
    /// that the memory that this takes is bounded.
    async fn compute(
        &self,
        answer: impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static,
    ) -> Result<Vec<u8>, RequestError> {
        let failed = |reason: String| RequestError::Internal(reason);
        let permit = Arc::clone(&self.at_once).acquire_owned().await;
        let permit = permit.map_err(|error| failed(error.to_string()))?;
        let made = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            answer()
        });
        let made = made.await.map_err(|error| failed(error.to_string()))?;
        made.map_err(|error| failed(error.to_string()))
    }
}

impl ExplorePage {
    /// Waits until the topic has been read, for a limited time.
    pub(crate) async fn filled(&self) {
        if let Some(followed) = &self.followed {
            followed.shared.filled().await;
        }
    }

    /// Returns all rows as JSON, for a file.
    pub(crate) async fn rows(&self) -> Result<Bytes, RequestError> {
        Ok(self
            .explorer
            .compute(self.answer(EXPLORED_ROWS_MAX))
            .await?
            .into())
    }

    fn answer(
        &self,
        rows_max: usize,
    ) -> impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static {
        let (explorer, query) = (Arc::clone(&self.explorer), self.query.clone());
        let followed = self.followed.clone();
        move || {
            let topics = explorer.topics();
            let Some(followed) = followed else {
                let data = ExploreData {
                    topics,
                    explored: None,
                };
                let range = query.span.range(now().as_millis());
                return serde_json::to_vec(&Answer::new("explore", None, range, data));
            };
            let (shared, table) = (&followed.shared, followed.shared.table());
            let explored = explore(&shared.topic, &table, &shared.reading(), &query, rows_max);
            let (newest, range) = (table.newest(), range(&table, &query));
            drop(table);
            let data = ExploreData {
                topics,
                explored: Some(explored),
            };
            serde_json::to_vec(&Answer::new("explore", newest, range, data))
        }
    }
}

impl PinnedPage {
    /// Waits until the topics have been read, for a limited time.
    pub(crate) async fn filled(&self) {
        for (_, followed) in &self.followed {
            followed.shared.filled().await;
        }
    }

    fn answer(&self) -> impl FnOnce() -> serde_json::Result<Vec<u8>> + Send + 'static {
        let (query, charts) = (self.query.clone(), self.followed.clone());
        move || {
            let mut newest = None;
            let chart = |(chart, followed): &(PinnedChart, Arc<Followed>)| {
                let query = ExploreQuery {
                    topic: None,
                    measures: chart.measures.clone(),
                    split: chart.split.clone(),
                    filters: Vec::new(),
                    span: match query.has_span() {
                        true => query.clone(),
                        false => Query::last(chart.minutes),
                    },
                };
                let (shared, table) = (&followed.shared, followed.shared.table());
                newest = newest.max(table.newest());
                let explored = explore(&shared.topic, &table, &shared.reading(), &query, 0);
                Pinned::new(chart, range(&table, &query), explored)
            };
            let charts: Vec<_> = charts.iter().map(chart).collect();
            let range = query.range(newest.unwrap_or_else(|| now().as_millis()));
            serde_json::to_vec(&Answer::new("pinned", newest, range, PinnedData { charts }))
        }
    }
}

impl Streamed for ExplorePage {
    fn name(&self) -> &'static str {
        "explore"
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.explorer.changes.subscribe()
    }

    async fn render(&self) -> Result<RenderedView, RequestError> {
        let version = self
            .followed
            .as_ref()
            .map_or(0, |followed| followed.shared.version());
        let query = PageQuery::Explore(self.query.clone());
        self.explorer
            .render(query, version, self.answer(SHOWN))
            .await
    }
}

impl Streamed for PinnedPage {
    fn name(&self) -> &'static str {
        "pinned"
    }

    fn versions(&self) -> watch::Receiver<u64> {
        self.explorer.changes.subscribe()
    }

    async fn render(&self) -> Result<RenderedView, RequestError> {
        let versions = self
            .followed
            .iter()
            .map(|(_, followed)| followed.shared.version());
        let query = PageQuery::Pinned(self.query.clone());
        self.explorer
            .render(query, versions.max().unwrap_or(0), self.answer())
            .await
    }
}
